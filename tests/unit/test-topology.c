/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings.h"

#include <bw/topology.h>

/* Bridges are numbered from 1; a pair between two of them has the ends BASE + 2n and the next. */
#define BASE 100

typedef struct Host {
        BwModel *model;
        BwTopology *topology;
        int pairs;
} Host;

static void host_clear(Host *host) {
        bw_topology_free(host->topology);
        bw_model_free(host->model);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Host, host_clear)

static Host host_new(int bridges) {
        Host host = { .model = bw_model_new() };

        for (int i = 1; i <= bridges; i++) {
                g_autofree char *name = g_strdup_printf("br%d", i);
                BwLink bridge = bw_test_bridge(i, name);

                bw_test_tell_link(host.model, &bridge);
        }
        return host;
}

static BwLink veth(int ifindex, int peer, int master) {
        BwLink link = { .ifindex = ifindex,
                        .kind = BW_LINK_VETH,
                        .peer = peer,
                        .master = master,
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING };

        g_snprintf(link.name, sizeof(link.name), "veth%d", ifindex);
        return link;
}

/* The end on @a; the next number is that on @b. */
static int join(Host *host, int a, int b) {
        int end = BASE + 2 * host->pairs++;
        BwLink near = veth(end, end + 1, a), far = veth(end + 1, end, b);

        bw_test_tell_link(host->model, &near);
        bw_test_tell_link(host->model, &far);
        return end;
}

static const BwTopology *look(Host *host) {
        bw_topology_free(host->topology);
        host->topology = bw_topology_new(host->model);
        return host->topology;
}

static void test_chain(void) {
        g_auto(Host) host = host_new(4);
        int first = join(&host, 1, 2), second = join(&host, 2, 3);
        const BwTopology *topology = look(&host);

        g_assert_cmpint(bw_topology_far_bridge(topology, first), ==, 2);
        g_assert_cmpint(bw_topology_far_bridge(topology, first + 1), ==, 1);
        g_assert_true(bw_topology_carries(topology, first));
        g_assert_true(bw_topology_is_behind(topology, first, 2));
        g_assert_true(bw_topology_is_behind(topology, first, 3));
        g_assert_false(bw_topology_is_behind(topology, first, 1));
        g_assert_false(bw_topology_is_behind(topology, first + 1, 3));
        g_assert_true(bw_topology_is_behind(topology, second + 1, 1));
        g_assert_cmpint(bw_topology_segment(topology, 1), ==, bw_topology_segment(topology, 3));
        g_assert_cmpint(bw_topology_segment(topology, 1), !=, bw_topology_segment(topology, 4));
        g_assert_cmpint(bw_topology_segment(topology, 99), ==, -1);
        g_assert_cmpint(bw_topology_far_bridge(topology, 99), ==, 0);
        g_assert_false(bw_topology_is_in_loop(topology, first));
}

/* Around the ring each is behind both of another's ends, but no bridge behind its own. */
static void test_loop(void) {
        g_auto(Host) host = host_new(4);
        int first = join(&host, 1, 2);
        const BwTopology *topology;

        join(&host, 2, 3);
        join(&host, 3, 1);
        join(&host, 3, 4);
        topology = look(&host);
        for (int end = first; end < first + 6; end++)
                g_assert_true(bw_topology_is_in_loop(topology, end));
        g_assert_false(bw_topology_is_in_loop(topology, first + 6));
        g_assert_true(bw_topology_is_behind(topology, first, 3));
        g_assert_true(bw_topology_is_behind(topology, first, 4));
        g_assert_true(bw_topology_is_behind(topology, first + 5, 2));
        g_assert_false(bw_topology_is_behind(topology, first, 1));
}

static void set_state(Host *host, int port, bool up, bool running, BwStpState state) {
        BwLink link = *bw_model_find_link(host->model, port);

        link.up = up;
        link.running = running;
        link.stp_state = state;
        bw_test_tell_link(host->model, &link);
}

/* What is joined stays one segment while it carries nothing. */
static void test_what_carries_nothing(void) {
        static const struct {
                bool up, running;
                BwStpState state;
        } silent[] = {
                { false, true, BW_STP_FORWARDING }, { true, false, BW_STP_FORWARDING },
                { true, true, BW_STP_BLOCKING },    { true, true, BW_STP_LISTENING },
                { true, true, BW_STP_LEARNING },    { true, true, BW_STP_DISABLED },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(silent) * 2; i++) {
                g_auto(Host) host = host_new(3);
                int first = join(&host, 1, 2), last;
                const BwTopology *topology;

                join(&host, 2, 3);
                last = join(&host, 3, 1);
                set_state(&host, first + (int) (i % 2), silent[i / 2].up, silent[i / 2].running,
                          silent[i / 2].state);
                topology = look(&host);
                g_assert_false(bw_topology_carries(topology, first));
                g_assert_false(bw_topology_carries(topology, first + 1));
                g_assert_false(bw_topology_is_behind(topology, first, 2));
                g_assert_false(bw_topology_is_in_loop(topology, last));
                g_assert_true(bw_topology_is_behind(topology, last + 1, 2));
                g_assert_cmpint(bw_topology_far_bridge(topology, first), ==, 2);
                g_assert_cmpint(bw_topology_segment(topology, 1), ==,
                                bw_topology_segment(topology, 2));
        }
}

/* Both ends must be ports here, and of two bridges, and say so themselves. */
static void test_no_link(void) {
        g_auto(Host) host = host_new(2);
        int same = join(&host, 1, 1), away = join(&host, 1, 2), free_end = join(&host, 1, 0);
        int doubted = join(&host, 1, 2);
        BwLink far = veth(away + 1, 0, 2), other = veth(doubted + 1, 77, 2);
        const BwTopology *topology;

        bw_test_tell_link_gone(host.model, away + 1);
        bw_test_tell_link(host.model, &other);
        topology = look(&host);
        g_assert_true(bw_topology_is_short_circuit(topology, same));
        g_assert_false(bw_topology_is_short_circuit(topology, away));
        g_assert_cmpint(bw_topology_far_bridge(topology, same), ==, 0);
        g_assert_cmpint(bw_topology_far_bridge(topology, away), ==, 0);
        g_assert_cmpint(bw_topology_far_bridge(topology, free_end), ==, 0);
        g_assert_cmpint(bw_topology_far_bridge(topology, doubted), ==, 0);
        g_assert_false(bw_topology_is_behind(topology, away, 2));
        g_assert_cmpint(bw_topology_segment(topology, 1), !=, bw_topology_segment(topology, 2));

        /* Another of that number, in another namespace's words. */
        bw_test_tell_link(host.model, &far);
        topology = look(&host);
        g_assert_cmpint(bw_topology_far_bridge(topology, away), ==, 0);
}

/* Two pairs between the same bridges: a loop without a third. */
static void test_parallel(void) {
        g_auto(Host) host = host_new(2);
        int first = join(&host, 1, 2), second = join(&host, 1, 2);
        const BwTopology *topology = look(&host);

        g_assert_true(bw_topology_is_in_loop(topology, first));
        g_assert_true(bw_topology_is_in_loop(topology, second));
        set_state(&host, second, true, true, BW_STP_BLOCKING);
        topology = look(&host);
        g_assert_false(bw_topology_is_in_loop(topology, first));
        g_assert_false(bw_topology_is_behind(topology, second, 2));
}

/* As large as it may be: the time is told, and not judged. */
static void test_large(void) {
        enum { BRIDGES = 40, TAPS = 922, ROUNDS = 20 };
        g_auto(Host) host = host_new(BRIDGES);
        const BwTopology *topology;
        gint64 start;

        for (int i = 2; i <= BRIDGES; i++)
                join(&host, i / 2, i);
        for (int i = 0; i < TAPS; i++) {
                g_autofree char *name = g_strdup_printf("vnet%d", i);
                BwLink tap = bw_test_tap(1000 + i, name, bw_test_mac("52:54:00:00:00:01"),
                                         1 + i % BRIDGES);

                bw_test_tell_link(host.model, &tap);
        }
        start = g_get_monotonic_time();
        for (unsigned i = 0; i < ROUNDS; i++)
                look(&host);
        g_test_message("%d bridges, %d ports: %.3f ms", BRIDGES, TAPS + 2 * (BRIDGES - 1),
                       (double) (g_get_monotonic_time() - start) / 1000 / ROUNDS);
        topology = host.topology;
        g_assert_true(bw_topology_is_behind(topology, BASE, 4));
        g_assert_false(bw_topology_is_behind(topology, BASE, 3));
        for (int i = 2; i <= BRIDGES; i++)
                g_assert_true(bw_topology_is_behind(topology, BASE + 2 * (i - 2), i));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/topology/chain", test_chain);
        g_test_add_func("/topology/loop", test_loop);
        g_test_add_func("/topology/carries-nothing", test_what_carries_nothing);
        g_test_add_func("/topology/no-link", test_no_link);
        g_test_add_func("/topology/parallel", test_parallel);
        g_test_add_func("/topology/large", test_large);
        return g_test_run();
}
