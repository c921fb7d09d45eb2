/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/hazard_writer.h>
#include <string.h>

void bw_hazard_free(BwHazard *hazard) {
        if (!hazard)
                return;
        g_free(hazard->subject);
        g_free(hazard->bridge);
        g_free(hazard->sentence);
        g_free(hazard);
}

int bw_hazard_compare(const BwHazard *a, const BwHazard *b) {
        return a->kind != b->kind ? (a->kind > b->kind) - (a->kind < b->kind)
                                  : strcmp(a->subject, b->subject);
}

guint bw_hazard_hash(gconstpointer hazard) {
        const BwHazard *the = hazard;

        return g_str_hash(the->subject) ^ (guint) the->kind;
}

gboolean bw_hazard_is_same(gconstpointer a, gconstpointer b) {
        return bw_hazard_compare(a, b) == 0;
}

BwHazard *bw_hazard_add(BwHazardWriter *writer, BwHazardKind kind, const char *subject,
                        const BwBridgePlan *bridge, char *sentence) {
        BwHazard *hazard = g_new0(BwHazard, 1);

        hazard->kind = kind;
        hazard->subject = g_strdup(subject);
        hazard->bridge = bridge ? g_strdup(bridge->name) : NULL;
        hazard->sentence = sentence;
        g_ptr_array_add(writer->list, hazard);
        return hazard;
}

static bool iptables_is_alone(const BwHostState *host) {
        return (host->engines & BW_ENGINE_ALL) == BW_ENGINE_BIT(BW_ENGINE_IPTABLES);
}

static void add_tagged_unseen(BwHazardWriter *writer) {
        if (!iptables_is_alone(writer->host) || !writer->host->br_netfilter ||
            writer->host->filter_vlan_tagged != 0)
                return;
        bw_hazard_add(writer, BW_HAZARD_TAGGED_UNSEEN, "", NULL,
                      g_strdup("iptables guards alone and is not shown what is in VLAN-tagged "
                               "frames: tagged, any address passes. Use the engine nftables, or "
                               "set net.bridge.bridge-nf-filter-vlan-tagged to 1"));
}

/* Guests */

/* NULL: it is none of those that never come near a bridge. */
static const char *way_of_type(const char *type) {
        static const char *const ways[][2] = {
                { "direct", "macvtap" },
                { "user", "user-mode network" },
                { "hostdev", "device handed to the guest" },
                { "vdpa", "vDPA" },
                { "vhostuser", "vhost-user" },
                { "server", "socket" },
                { "client", "socket" },
                { "mcast", "socket" },
                { "udp", "socket" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(ways); i++)
                if (g_str_equal(type, ways[i][0]))
                        return ways[i][1];
        return NULL;
}

/* A link that is not there yet, or is in another namespace, is not judged. */
static const char *way_of_link(const BwLink *link) {
        if (!link || link->master)
                return NULL;
        return link->openvswitch ? "Open vSwitch" : "on no bridge";
}

static char *list_unseen(const BwGuest *guest, GHashTable *links) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < guest->interfaces->len; i++) {
                const BwGuestInterface *interface =
                        &g_array_index(guest->interfaces, BwGuestInterface, i);
                const char *way = way_of_type(interface->type);
                char mac[BW_MAC_TEXT_SIZE];

                if (!way)
                        way = way_of_link(g_hash_table_lookup(links, interface->target));
                if (way)
                        g_string_append_printf(text, "%s%s (%s)", text->len ? ", " : "",
                                               bw_mac_print(&interface->mac, mac), way);
        }
        return text->len ? g_strdup(text->str) : NULL;
}

void bw_hazard_add_guests(BwHazardWriter *writer) {
        g_autoptr(GPtrArray) guests = bw_model_list_guests(writer->model);
        g_autoptr(GPtrArray) list = bw_model_list_links(writer->model);
        g_autoptr(GHashTable) links = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; i < list->len; i++)
                g_hash_table_insert(links, ((BwLink *) list->pdata[i])->name, list->pdata[i]);
        for (guint i = 0; i < guests->len; i++) {
                const BwGuest *guest = guests->pdata[i];
                g_autofree char *unseen = guest->active ? list_unseen(guest, links) : NULL;

                if (unseen)
                        bw_hazard_add(
                                writer, BW_HAZARD_NOT_GUARDED, guest->name, NULL,
                                g_strdup_printf("Guest %s has interfaces that no bridge "
                                                "sees, and nothing guards them: %s. Put them "
                                                "on a guarded bridge, or guard them elsewhere",
                                                guest->name, unseen));
        }
}

/* The list */

static int compare(gconstpointer a, gconstpointer b) {
        const BwHazard *const *left = a, *const *right = b;
        int order = bw_hazard_compare(*left, *right);

        return order ? order : strcmp((*left)->sentence, (*right)->sentence);
}

/* Two guests of one name, for one moment of a renaming. */
static void keep_one_of_each(GPtrArray *list) {
        g_ptr_array_sort(list, compare);
        for (guint i = list->len; i-- > 1;)
                if (bw_hazard_compare(list->pdata[i - 1], list->pdata[i]) == 0)
                        g_ptr_array_remove_index(list, i);
}

GPtrArray *bw_hazard_list(const BwModel *model, const BwPlan *plan, const BwTopology *topology,
                          const BwHostState *host) {
        GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify) bw_hazard_free);
        BwHazardWriter writer = { model, plan, topology, host, list };

        if (!plan)
                return list;
        bw_hazard_add_guests(&writer);
        if (plan->bridges->len > 0)
                add_tagged_unseen(&writer);
        bw_hazard_add_bridges(&writer);
        keep_one_of_each(list);
        return list;
}
