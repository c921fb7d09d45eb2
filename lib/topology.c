/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/topology.h>

/* One end of a veth pair, a port of a bridge. Bridges are places in BwTopology.ends. */
typedef struct End {
        int port;
        int far_port;
        guint bridge;
        guint far; /* may be @bridge */
        int far_ifindex;
        bool carries, in_loop;
        guint64 *behind; /* a bit for each bridge; NULL: it carries nothing */
} End;

struct BwTopology {
        GHashTable *bridges; /* ifindex -> place, counted from 1 */
        GHashTable *by_port; /* ifindex -> End, owned */
        GPtrArray *ends;     /* for each bridge: array of End, lent */
        guint *segments;     /* for each bridge */
};

/* Reading the links */

static guint place_of(const BwTopology *topology, int bridge) {
        return GPOINTER_TO_UINT(g_hash_table_lookup(topology->bridges, GINT_TO_POINTER(bridge)));
}

static bool forwards(const BwLink *end) {
        return end->up && end->running && end->stp_state == BW_STP_FORWARDING;
}

static void add_end(BwTopology *topology, const BwModel *model, const BwLink *link) {
        const BwLink *peer = bw_model_find_peer(model, link);
        guint bridge = place_of(topology, link->master);
        guint far = peer ? place_of(topology, peer->master) : 0;
        End *end;

        if (!bridge || !far)
                return;
        end = g_new0(End, 1);
        end->port = link->ifindex;
        end->far_port = peer->ifindex;
        end->bridge = bridge - 1;
        end->far = far - 1;
        end->far_ifindex = peer->master;
        end->carries = bridge != far && forwards(link) && forwards(peer);
        g_hash_table_insert(topology->by_port, GINT_TO_POINTER(end->port), end);
        g_ptr_array_add(topology->ends->pdata[end->bridge], end);
}

static void read_links(BwTopology *topology, const BwModel *model) {
        g_autoptr(GPtrArray) links = bw_model_list_links(model);

        for (guint i = 0; i < links->len; i++) {
                const BwLink *link = links->pdata[i];

                if (link->kind != BW_LINK_BRIDGE)
                        continue;
                g_ptr_array_add(topology->ends, g_ptr_array_new());
                g_hash_table_insert(topology->bridges, GINT_TO_POINTER(link->ifindex),
                                    GUINT_TO_POINTER(topology->ends->len));
        }
        for (guint i = 0; i < links->len; i++)
                add_end(topology, model, links->pdata[i]);
}

/* Walking the graph */

static guint64 bit_of(guint bridge) {
        return G_GUINT64_CONSTANT(1) << bridge % 64;
}

static bool has_bit(const guint64 *set, guint bridge) {
        return set[bridge / 64] & bit_of(bridge);
}

/* False: it was there already. */
static bool add_bit(guint64 *set, guint bridge) {
        if (has_bit(set, bridge))
                return false;
        set[bridge / 64] |= bit_of(bridge);
        return true;
}

static guint64 *new_set(const BwTopology *topology) {
        return g_new0(guint64, topology->ends->len / 64 + 1);
}

/* Adds to @seen what is reached from @start over pairs that carry, or over all of them. What is in
 * @seen at first is not passed, nor is the pair that @without is an end of, if there is one. */
static void walk(const BwTopology *topology, guint start, bool over_all, const End *without,
                 guint64 *seen) {
        g_autofree guint *waiting = g_new(guint, topology->ends->len);
        guint n = 0;

        if (add_bit(seen, start))
                waiting[n++] = start;
        while (n > 0) {
                const GPtrArray *ends = topology->ends->pdata[waiting[--n]];

                for (guint i = 0; i < ends->len; i++) {
                        const End *end = ends->pdata[i];

                        if (without && (end == without || end->port == without->far_port))
                                continue;
                        if ((over_all || end->carries) && add_bit(seen, end->far))
                                waiting[n++] = end->far;
                }
        }
}

static void look_behind(const BwTopology *topology, End *end) {
        g_autofree guint64 *around = NULL;

        if (!end->carries)
                return;
        end->behind = new_set(topology);
        add_bit(end->behind, end->bridge);
        walk(topology, end->far, false, NULL, end->behind);
        end->behind[end->bridge / 64] &= ~bit_of(end->bridge);

        around = new_set(topology);
        walk(topology, end->far, false, end, around);
        end->in_loop = has_bit(around, end->bridge);
}

static void number_segments(BwTopology *topology) {
        g_autofree guint64 *numbered = new_set(topology);
        guint n = 0;

        topology->segments = g_new0(guint, topology->ends->len);
        for (guint start = 0; start < topology->ends->len; start++) {
                g_autofree guint64 *joined = NULL;

                if (has_bit(numbered, start))
                        continue;
                joined = new_set(topology);
                walk(topology, start, true, NULL, joined);
                for (guint bridge = start; bridge < topology->ends->len; bridge++)
                        if (has_bit(joined, bridge) && add_bit(numbered, bridge))
                                topology->segments[bridge] = n;
                n++;
        }
}

static void free_end(gpointer pointer) {
        End *end = pointer;

        g_free(end->behind);
        g_free(end);
}

static void free_ends(gpointer ends) {
        g_ptr_array_unref(ends);
}

BwTopology *bw_topology_new(const BwModel *model) {
        BwTopology *topology = g_new0(BwTopology, 1);
        GHashTableIter iter;
        gpointer end;

        topology->bridges = g_hash_table_new(NULL, NULL);
        topology->by_port = g_hash_table_new_full(NULL, NULL, NULL, free_end);
        topology->ends = g_ptr_array_new_with_free_func(free_ends);
        read_links(topology, model);
        g_hash_table_iter_init(&iter, topology->by_port);
        while (g_hash_table_iter_next(&iter, NULL, &end))
                look_behind(topology, end);
        number_segments(topology);
        return topology;
}

void bw_topology_free(BwTopology *topology) {
        if (!topology)
                return;
        g_hash_table_unref(topology->bridges);
        g_ptr_array_unref(topology->ends);
        g_hash_table_unref(topology->by_port);
        g_free(topology->segments);
        g_free(topology);
}

/* Asking */

static const End *find_end(const BwTopology *topology, int port) {
        return g_hash_table_lookup(topology->by_port, GINT_TO_POINTER(port));
}

int bw_topology_far_bridge(const BwTopology *topology, int port) {
        const End *end = find_end(topology, port);

        return end && end->far != end->bridge ? end->far_ifindex : 0;
}

bool bw_topology_carries(const BwTopology *topology, int port) {
        const End *end = find_end(topology, port);

        return end && end->carries;
}

bool bw_topology_is_behind(const BwTopology *topology, int port, int bridge) {
        const End *end = find_end(topology, port);
        guint place = place_of(topology, bridge);

        return end && end->behind && place && has_bit(end->behind, place - 1);
}

int bw_topology_segment(const BwTopology *topology, int bridge) {
        guint place = place_of(topology, bridge);

        return place ? (int) topology->segments[place - 1] : -1;
}

bool bw_topology_is_in_loop(const BwTopology *topology, int port) {
        const End *end = find_end(topology, port);

        return end && end->in_loop;
}

bool bw_topology_is_short_circuit(const BwTopology *topology, int port) {
        const End *end = find_end(topology, port);

        return end && end->far == end->bridge;
}
