/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/hazard_writer.h>
#include <bw/text.h>

/* So many are told by number and name; the rest by how many there are. */
#define MOST_NAMED 8

static const GArray *list_tcx(const BwHazardWriter *writer, const BwLink *link) {
        if (!writer->host->tcx)
                return NULL;
        return g_hash_table_lookup(writer->host->tcx, GINT_TO_POINTER(link->ifindex));
}

static void write_one(GString *text, const BwTcxProgram *program) {
        g_autofree char *name = bw_text_printable(program->name);

        g_string_append_printf(text, "%s%u", text->len ? ", " : "", program->id);
        if (*name)
                g_string_append_printf(text, " (%s)", name);
        g_string_append(text, program->egress ? " at egress" : " at ingress");
}

/* (transfer full): "1081 (prog) at ingress, 1082 at egress" */
static char *name_programs(const GArray *programs) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < MIN(programs->len, MOST_NAMED); i++)
                write_one(text, &g_array_index(programs, BwTcxProgram, i));
        if (programs->len > MOST_NAMED)
                g_string_append_printf(text, " and %u more", programs->len - MOST_NAMED);
        return g_string_free(text, FALSE);
}

static char *write_filters(const BwLink *link, const char *what) {
        return g_strdup_printf("tc filters are attached to %s %s and see frames before every rule "
                               "of the guard: they can change and redirect them. See them: tc "
                               "filter show dev %s ingress (<bandwidth> of libvirt is one, too)",
                               what, link->name, link->name);
}

static char *write_tcx(const BwLink *link, const char *what, const GArray *programs) {
        g_autofree char *names = name_programs(programs);

        return g_strdup_printf("Programs of the kind tcx are attached to %s %s: %s. Frames meet "
                               "them before every rule of the guard, or behind (egress), and they "
                               "can change and redirect them. See whose they are: bpftool prog "
                               "show id %u",
                               what, link->name, names,
                               g_array_index(programs, BwTcxProgram, 0).id);
}

/* One hazard, whichever of both there are. */
static void add_filters(BwHazardWriter *writer, const BwBridgePlan *bridge, const BwLink *link,
                        const char *what) {
        const GArray *programs = list_tcx(writer, link);
        g_autofree char *filters = link->filters ? write_filters(link, what) : NULL;
        g_autofree char *tcx = programs && programs->len ? write_tcx(link, what, programs) : NULL;

        if (!filters && !tcx)
                return;
        bw_hazard_add(writer, BW_HAZARD_FILTERS, link->name, bridge,
                      g_strdup_printf("%s%s%s", filters ? filters : "", filters && tcx ? ". " : "",
                                      tcx ? tcx : ""))
                ->ifindex = link->ifindex;
}

static void add_xdp(BwHazardWriter *writer, const BwBridgePlan *bridge, const BwLink *link,
                    const char *what) {
        if (!link->xdp)
                return;
        bw_hazard_add(writer, BW_HAZARD_XDP, link->name, bridge,
                      g_strdup_printf("An XDP program is attached to %s %s and sees frames "
                                      "before every rule of the guard: it can change and "
                                      "redirect them. See it: ip link show dev %s; take "
                                      "it off: ip link set dev %s xdp off",
                                      what, link->name, link->name, link->name))
                ->ifindex = link->ifindex;
}

void bw_hazard_add_programs(BwHazardWriter *writer, const BwBridgePlan *bridge, const BwLink *link,
                            const char *what) {
        add_filters(writer, bridge, link, what);
        add_xdp(writer, bridge, link, what);
}
