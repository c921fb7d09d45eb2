/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bridge_graph.h"

const BwLink *bw_test_link_numbered(const BwTestWorld *world, int ifindex) {
        for (guint i = 0; i < world->links->len; i++)
                if (g_array_index(world->links, BwLink, i).ifindex == ifindex)
                        return &g_array_index(world->links, BwLink, i);
        return NULL;
}

const BwLink *bw_test_bridge_of(const BwTestWorld *world, const BwLink *port) {
        const BwLink *bridge = port->master ? bw_test_link_numbered(world, port->master) : NULL;

        return bridge && bridge->kind == BW_LINK_BRIDGE ? bridge : NULL;
}

const BwLink *bw_test_peer_of(const BwTestWorld *world, const BwLink *link) {
        const BwLink *peer = link->peer ? bw_test_link_numbered(world, link->peer) : NULL;

        return peer && peer != link && link->kind == BW_LINK_VETH && peer->kind == BW_LINK_VETH &&
                               peer->peer == link->ifindex
                       ? peer
                       : NULL;
}

/* The bridge at the other end of @port's pair, if that is another one. */
const BwLink *bw_test_far_bridge(const BwTestWorld *world, const BwLink *port) {
        const BwLink *peer = bw_test_peer_of(world, port);
        const BwLink *near = bw_test_bridge_of(world, port),
                     *far = peer ? bw_test_bridge_of(world, peer) : NULL;

        return near && far != near ? far : NULL;
}

static bool carries(const BwTestWorld *world, const BwLink *port) {
        const BwLink *peer = bw_test_peer_of(world, port);

        return peer && port->up && peer->up && port->running && peer->running &&
               port->stp_state == BW_STP_FORWARDING && peer->stp_state == BW_STP_FORWARDING;
}

/* Whether somebody walks from @from to @to without setting foot on @avoided. */
static bool is_reached(const BwTestWorld *world, const BwLink *from, const BwLink *to,
                       const BwLink *avoided, bool only_what_carries) {
        g_autoptr(GHashTable) reached = g_hash_table_new(NULL, NULL);
        guint before;

        g_hash_table_add(reached, (gpointer) from);
        do {
                before = g_hash_table_size(reached);
                for (guint i = 0; i < world->links->len; i++) {
                        const BwLink *port = &g_array_index(world->links, BwLink, i);
                        const BwLink *far = bw_test_far_bridge(world, port);

                        if (!far || far == avoided || (only_what_carries && !carries(world, port)))
                                continue;
                        if (g_hash_table_contains(reached, bw_test_bridge_of(world, port)))
                                g_hash_table_add(reached, (gpointer) far);
                }
        } while (g_hash_table_size(reached) > before);
        return from != avoided && to != avoided && g_hash_table_contains(reached, to);
}

bool bw_test_is_behind(const BwTestWorld *world, const BwLink *port, const BwLink *bridge) {
        const BwLink *far = bw_test_far_bridge(world, port);

        return far && carries(world, port) &&
               is_reached(world, far, bridge, bw_test_bridge_of(world, port), true);
}

bool bw_test_joins(const BwTestWorld *world, const BwLink *a, const BwLink *b) {
        return is_reached(world, a, b, NULL, false);
}
