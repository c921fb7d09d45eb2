/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "show.h"

#include "columns.h"
#include "member.h"

#include <bw/reason.h>
#include <bw/text.h>

#define LABEL_WIDTH 12
#define GUEST_WIDTH 20
#define N_COLUMNS   7

static void append_line(GString *text, const char *label, const char *line) {
        bw_columns_pad(text, label, LABEL_WIDTH);
        g_string_append_printf(text, "%s\n", line);
}

/* (transfer full): "a b c", or @otherwise. */
static char *join(JsonArray *list, const char *separator, const char *otherwise) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; i < length_of(list); i++) {
                g_autofree char *item = bw_text_printable(json_array_get_string_element(list, i));

                g_string_append_printf(text, "%s%s", i > 0 ? separator : "", item);
        }
        return g_strdup(text->len > 0 ? text->str : otherwise);
}

bool bw_show_state_is_fine(JsonObject *state) {
        return get_bool(state, "Armed") && get_bool(state, "InSync") &&
               get_number(state, "ConfigErrors") == 0;
}

bool bw_show_port_is_fine(JsonObject *port) {
        return get_bool(port, "Protected") && *get_text(port, "Trouble") == '\0';
}

static const char *guard_sentence(JsonObject *state) {
        if (!get_bool(state, "Armed"))
                return "NOT IN FORCE: it was taken down with \"bridgewarden disarm\"; "
                       "\"bridgewarden resync\" brings it back";
        if (!get_bool(state, "InSync"))
                return "NOT AS PLANNED: the kernel differs from what is wanted; "
                       "\"journalctl -u bridgewarden\" says why";
        if (length_of(get_list(state, "Bridges")) == 0)
                return "in force, and no bridge is to be guarded";
        return "in force";
}

static char *age_sentence(int64_t then_usec, int64_t now_usec) {
        int64_t seconds = (now_usec - then_usec) / G_USEC_PER_SEC;

        if (then_usec == 0)
                return g_strdup("never found as planned");
        if (seconds < 1)
                return g_strdup("less than a second ago");
        if (seconds < 120)
                return g_strdup_printf("%" G_GINT64_FORMAT " s ago", seconds);
        return g_strdup_printf("%" G_GINT64_FORMAT " min ago", seconds / 60);
}

static char *ports_sentence(JsonObject *state) {
        return g_strdup_printf("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
                               " guarded, %" G_GINT64_FORMAT " unknown",
                               get_number(state, "PortsGuarded"), get_number(state, "PortsTotal"),
                               get_number(state, "Strangers"));
}

static char *errors_sentence(int64_t errors) {
        if (errors == 0)
                return g_strdup("no errors");
        return g_strdup_printf("%" G_GINT64_FORMAT " errors; \"bridgewardend --check-config\" "
                               "lists them",
                               errors);
}

static char *daemon_sentence(JsonObject *state) {
        g_autofree char *version = bw_text_printable(get_text(state, "Version"));

        return g_strdup_printf("version %s, rules written %" G_GINT64_FORMAT " times", version,
                               get_number(state, "Generation"));
}

/* (transfer full): of a (name, in force, reasons); NULL when it is not one. */
static char *engine_sentence(JsonNode *node) {
        JsonArray *engine = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
        g_autofree char *name = NULL, *reasons = NULL;

        if (length_of(engine) != 3 ||
            json_node_get_value_type(json_array_get_element(engine, 0)) != G_TYPE_STRING ||
            json_node_get_value_type(json_array_get_element(engine, 1)) != G_TYPE_BOOLEAN ||
            !JSON_NODE_HOLDS_ARRAY(json_array_get_element(engine, 2)))
                return NULL;
        name = bw_text_printable(json_array_get_string_element(engine, 0));
        reasons = join(json_array_get_array_element(engine, 2), ", ", "nothing");
        return g_strdup_printf(
                "%s: %s; %s", name,
                json_array_get_boolean_element(engine, 1) ? "in force" : "NOT IN FORCE", reasons);
}

static void append_engines(GString *text, JsonArray *engines) {
        const char *label = "Engines";

        for (unsigned i = 0; i < length_of(engines); i++) {
                g_autofree char *line = engine_sentence(json_array_get_element(engines, i));

                if (!line)
                        continue;
                append_line(text, label, line);
                label = "";
        }
}

/* (transfer full): of a (kind, subject, sentence); NULL when it is not one. */
static char *hazard_sentence(JsonNode *node) {
        JsonArray *hazard = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
        g_autofree char *kind = NULL, *sentence = NULL;

        if (length_of(hazard) != 3)
                return NULL;
        for (unsigned i = 0; i < 3; i++)
                if (json_node_get_value_type(json_array_get_element(hazard, i)) != G_TYPE_STRING)
                        return NULL;
        kind = bw_text_printable(json_array_get_string_element(hazard, 0));
        sentence = bw_text_printable(json_array_get_string_element(hazard, 2));
        return g_strdup_printf("%s: %s", kind, sentence);
}

static void append_hazards(GString *text, JsonArray *hazards) {
        const char *label = "Hazards";

        for (unsigned i = 0; i < length_of(hazards); i++) {
                g_autofree char *line = hazard_sentence(json_array_get_element(hazards, i));

                if (!line)
                        continue;
                append_line(text, label, line);
                label = "";
        }
        if (*label != '\0')
                append_line(text, label, "none");
}

char *bw_show_state(JsonObject *state, int64_t now_usec) {
        g_autofree char *bridges = join(get_list(state, "Bridges"), " ", "none");
        g_autofree char *age = age_sentence(get_number(state, "LastSyncUSec"), now_usec);
        g_autofree char *ports = ports_sentence(state);
        g_autofree char *errors = errors_sentence(get_number(state, "ConfigErrors"));
        g_autofree char *daemon = daemon_sentence(state);
        GString *text = g_string_new(NULL);

        append_line(text, "Guard", guard_sentence(state));
        append_engines(text, get_list(state, "Engines"));
        append_line(text, "Bridges", bridges);
        append_line(text, "Ports", ports);
        append_line(text, "libvirt",
                    get_bool(state, "LibvirtConnected") ? "connected" : "not connected");
        append_line(text, "Settings", errors);
        append_hazards(text, get_list(state, "HazardList"));
        append_line(text, "Last check", age);
        append_line(text, "Daemon", daemon);
        return g_string_free(text, FALSE);
}

/* The sum of a dictionary of counters. */
static int64_t sum_of(JsonObject *counts) {
        JsonObjectIter next;
        const char *reason;
        JsonNode *count;
        int64_t sum = 0;

        if (counts == NULL)
                return 0;
        json_object_iter_init(&next, counts);
        while (json_object_iter_next(&next, &reason, &count))
                sum += json_node_get_int(count);
        return sum;
}

static char *first_address(JsonArray *addresses) {
        g_autofree char *first = NULL;

        if (length_of(addresses) == 0)
                return g_strdup("-");
        first = bw_text_printable(json_array_get_string_element(addresses, 0));
        if (length_of(addresses) == 1)
                return g_steal_pointer(&first);
        return g_strdup_printf("%s +%u", first, length_of(addresses) - 1);
}

/* Nobody's ports say where they lead, if they lead anywhere. */
static char *short_guest(JsonObject *port) {
        g_autofree char *name = bw_text_printable(get_text(port, "Guest"));
        g_autofree char *far = bw_text_printable(get_text(port, "FarBridge"));
        g_autofree char *start = NULL;

        if (*name == '\0' && *far != '\0')
                return g_strdup_printf("-> %s", far);
        if (*name == '\0')
                return g_strdup("-");
        if (g_utf8_strlen(name, -1) <= GUEST_WIDTH)
                return g_steal_pointer(&name);
        start = g_utf8_substring(name, 0, GUEST_WIDTH - 3);
        return g_strconcat(start, "...", NULL);
}

typedef struct Row {
        char *cells[N_COLUMNS];
} Row;

static void row_free(gpointer user) {
        Row *row = user;

        for (unsigned i = 0; i < N_COLUMNS; i++)
                g_free(row->cells[i]);
        g_free(row);
}

static Row *head_new(void) {
        static const char *const heads[N_COLUMNS] = { "PORT", "BRIDGE",    "GUEST",  "STATE",
                                                      "MODE", "ADDRESSES", "DROPPED" };
        Row *row = g_new0(Row, 1);

        for (unsigned i = 0; i < N_COLUMNS; i++)
                row->cells[i] = g_strdup(heads[i]);
        return row;
}

static Row *row_new(JsonObject *port) {
        g_autofree char *state = bw_text_printable(get_text(port, "State"));
        const char *closed = get_bool(port, "Closed") ? ",closed" : "";
        Row *row = g_new0(Row, 1);

        row->cells[0] = bw_text_printable(get_text(port, "Port"));
        row->cells[1] = bw_text_printable(get_text(port, "Bridge"));
        row->cells[2] = short_guest(port);
        row->cells[3] = g_strconcat(state, closed, get_bool(port, "Protected") ? "" : "*", NULL);
        row->cells[4] = bw_text_printable(get_text(port, "Mode"));
        row->cells[5] = first_address(get_list(port, "Addresses"));
        row->cells[6] = g_strdup_printf("%" G_GINT64_FORMAT, sum_of(get_object(port, "Dropped")));
        return row;
}

static void append_row(GString *text, const Row *row, const unsigned *widths) {
        for (unsigned i = 0; i < N_COLUMNS - 1; i++)
                bw_columns_pad(text, row->cells[i], widths[i] + 2);
        g_string_append_printf(text, "%s\n", row->cells[N_COLUMNS - 1]);
}

char *bw_show_ports(JsonArray *ports) {
        g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
        unsigned widths[N_COLUMNS] = { 0 };
        GString *text = g_string_new(NULL);
        bool all_protected = true;

        g_ptr_array_add(rows, head_new());
        for (unsigned i = 0; i < json_array_get_length(ports); i++) {
                JsonObject *port = json_array_get_object_element(ports, i);

                g_ptr_array_add(rows, row_new(port));
                all_protected = all_protected && get_bool(port, "Protected");
        }
        for (unsigned i = 0; i < rows->len; i++)
                for (unsigned j = 0; j < N_COLUMNS; j++)
                        widths[j] = MAX(
                                widths[j],
                                bw_columns_width(((Row *) g_ptr_array_index(rows, i))->cells[j]));
        for (unsigned i = 0; i < rows->len; i++)
                append_row(text, g_ptr_array_index(rows, i), widths);
        if (!all_protected)
                g_string_append(text, "* no rules seen in force that check this port\n");
        return g_string_free(text, FALSE);
}

/* One line for each reason: how often, the word, the sentence. */
static void append_counts(GString *text, const char *label, JsonObject *counts) {
        JsonObjectIter next;
        const char *name;
        JsonNode *count;

        if (counts == NULL || json_object_get_size(counts) == 0)
                return;
        json_object_iter_init_ordered(&next, counts);
        while (json_object_iter_next_ordered(&next, &name, &count)) {
                BwReason reason = bw_reason_from_name(name);
                g_autofree char *word = bw_text_printable(name);
                g_autofree char *line =
                        g_strdup_printf("%" G_GINT64_FORMAT " %s%s%s", json_node_get_int(count),
                                        word, reason != BW_REASON_NONE ? ": " : "",
                                        reason != BW_REASON_NONE ? bw_reason_sentence(reason) : "");

                append_line(text, label, line);
                label = "";
        }
}

static void append_text_line(GString *text, const char *label, const char *bytes) {
        g_autofree char *line = bw_text_printable(bytes);

        if (*line != '\0')
                append_line(text, label, line);
}

static void append_far_end(GString *text, JsonObject *port) {
        g_autofree char *bridge = bw_text_printable(get_text(port, "FarBridge"));
        g_autofree char *far = bw_text_printable(get_text(port, "FarPort"));
        g_autofree char *line = g_strdup_printf("%s on %s", far, bridge);

        if (*bridge != '\0')
                append_line(text, "Leads to", line);
}

char *bw_show_port(JsonObject *port) {
        g_autofree char *macs = join(get_list(port, "MACs"), " ", "none known");
        g_autofree char *addresses = join(get_list(port, "Addresses"), " ", "none known");
        GString *text = g_string_new(NULL);

        append_text_line(text, "Port", get_text(port, "Port"));
        append_text_line(text, "Bridge", get_text(port, "Bridge"));
        append_text_line(text, "Guest", get_text(port, "Guest"));
        append_text_line(text, "UUID", get_text(port, "UUID"));
        append_text_line(text, "Role", get_text(port, "Role"));
        append_text_line(text, "Mode", get_text(port, "Mode"));
        append_text_line(text, "State", get_text(port, "State"));
        append_far_end(text, port);
        if (get_bool(port, "Closed"))
                append_line(text, "Border", "closed: only what is declared behind it passes");
        if (get_bool(port, "Locked"))
                append_line(text, "Locked", "yes: the bridge takes no other MACs from it");
        append_line(text, "Protected", get_bool(port, "Protected") ? "yes" : "NO");
        append_line(text, "MACs", macs);
        append_line(text, "Addresses", addresses);
        append_text_line(text, "Declared in", get_text(port, "Where"));
        append_text_line(text, "Trouble", get_text(port, "Trouble"));
        append_counts(text, "Dropped", get_object(port, "Dropped"));
        append_counts(text, "Let pass", get_object(port, "Monitored"));
        return g_string_free(text, FALSE);
}

static void append_fdb_entry(GString *text, JsonObject *entry) {
        g_autofree char *bridge = bw_text_printable(get_text(entry, "Bridge"));
        g_autofree char *port = bw_text_printable(get_text(entry, "Port"));
        gint64 seconds =
                json_object_get_int_member_with_default(entry, "AgeUSec", 0) / G_USEC_PER_SEC;
        gint64 vlan = json_object_get_int_member_with_default(entry, "VLAN", 0);

        bw_columns_pad(text, bridge, 16);
        bw_columns_pad(text, get_text(entry, "MAC"), 19);
        bw_columns_pad(text, port, 16);
        g_string_append_printf(text, "%" G_GINT64_FORMAT " s ago", seconds);
        if (vlan > 0)
                g_string_append_printf(text, ", VLAN %" G_GINT64_FORMAT, vlan);
        g_string_append(text, get_bool(entry, "Local") ? ", the host's own\n" : "\n");
}

char *bw_show_fdb(JsonArray *entries) {
        GString *text = g_string_new("BRIDGE          MAC                PORT            CAME\n");

        for (unsigned i = 0; i < json_array_get_length(entries); i++)
                append_fdb_entry(text, json_array_get_object_element(entries, i));
        return g_string_free(text, FALSE);
}
