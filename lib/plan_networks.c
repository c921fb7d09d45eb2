/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/plan_networks.h>

/* Whether [Bridge] Networks= would take it, and it has a broadcast address (RFC 3021). */
static bool is_usable(const BwPrefix *network) {
        g_autofree char *text = bw_prefix_print(network);
        BwPrefix same;

        return network->family == BW_FAMILY_IPV4 && network->length <= 30 &&
               bw_prefix_parse(text, &same, NULL);
}

static int compare(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static void sort_once(GArray *networks) {
        guint kept = 0;

        g_array_sort(networks, compare);
        for (guint i = 0; i < networks->len; i++) {
                const BwPrefix *network = &g_array_index(networks, BwPrefix, i);

                if (kept == 0 ||
                    !bw_prefix_equal(&g_array_index(networks, BwPrefix, kept - 1), network))
                        g_array_index(networks, BwPrefix, kept++) = *network;
        }
        g_array_set_size(networks, kept);
}

static void add_networks_of(GArray *networks, const BwModel *model, int ifindex) {
        g_autoptr(GArray) addresses = bw_model_list_addresses(model, ifindex);

        for (guint i = 0; i < addresses->len; i++) {
                const BwHostAddress *own = &g_array_index(addresses, BwHostAddress, i);
                BwPrefix network = bw_prefix_network(&own->address, own->prefix_length);

                if (is_usable(&network))
                        g_array_append_val(networks, network);
        }
}

/* What is said of a closed port is not to be believed. */
static bool is_the_hosts(const BwPortPlan *port) {
        return port->role == BW_ROLE_HOST && port->state != BW_PORT_CLOSED &&
               port->state != BW_PORT_STRANGER;
}

void bw_plan_settle_networks(BwBridgePlan *bridge, const BwModel *model) {
        g_autoptr(GArray) own = g_array_new(FALSE, TRUE, sizeof(BwPrefix));

        add_networks_of(own, model, bridge->ifindex);
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];
                const BwLink *link = bw_model_find_link(model, port->ifindex);

                if (link && link->peer && is_the_hosts(port))
                        add_networks_of(own, model, link->peer);
        }
        sort_once(own);
        g_array_append_vals(bridge->networks, own->data, MIN(own->len, BW_MAX_HOST_NETWORKS));
        sort_once(bridge->networks);
}

static bool has_network(const GArray *networks, const BwPrefix *sought) {
        for (guint i = 0; i < networks->len; i++)
                if (bw_prefix_equal(&g_array_index(networks, BwPrefix, i), sought))
                        return true;
        return false;
}

static void add_missing(BwBridgePlan *bridge, const GArray *all) {
        guint added = 0, own = bridge->networks->len;

        for (guint i = 0; i < all->len && added < BW_MAX_HOST_NETWORKS; i++) {
                const BwPrefix *network = &g_array_index(all, BwPrefix, i);

                if (has_network(bridge->networks, network))
                        continue;
                g_array_append_val(bridge->networks, *network);
                added++;
        }
        if (bridge->networks->len > own)
                sort_once(bridge->networks);
}

void bw_plan_share_networks(const GPtrArray *bridges) {
        g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(BwPrefix));

        for (guint i = 0; bridges->len > 1 && i < bridges->len; i++) {
                const BwBridgePlan *bridge = bridges->pdata[i];

                g_array_append_vals(all, bridge->networks->data, bridge->networks->len);
        }
        sort_once(all);
        for (guint i = 0; i < bridges->len; i++)
                add_missing(bridges->pdata[i], all);
}
