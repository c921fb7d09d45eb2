/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How long a new port waits for its rules
 *
 * bench-arming PORTS NETNS [BRIDGES]: makes a lane of PORTS ports, says "ready",
 * and obeys standard input:
 *
 *   guarded           waits until every port is guarded; prints milliseconds
 *   arm FIRST COUNT   plugs vkFIRST and its successors one after the other, each
 *                     gone again before the next; prints microseconds of each, in
 *                     lines "nftables" and "all"
 *   burst FIRST COUNT plugs them at once; prints milliseconds until all are guarded
 *
 * Seen from outside: a port is guarded when its own packets pass both ways and
 * forged ones do not; by nftables alone, when that is so of ARP, and by all when
 * of IPv4 and IPv6. The clock starts before the bridge takes the port, so that
 * the kernel's news of it (RTM_NEWLINK) lies within. A forged packet that passes
 * on the way ends the run.
 */

#include "lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Between two samples, long enough to have the rules of the last port removed, which takes the
 * longer the more ports there are. Never the same, lest all meet the same phase of a timer. */
enum { PAUSE_MIN_US = 60000, PAUSE_MAX_US = 100000, PAUSE_PER_PORT_US = 150 };

static void await_without_leak(const BwLane *lane, BwLaneFrames frames, unsigned first,
                               unsigned last) {
        unsigned leaks = bw_lane_await_guard(lane, frames, first, last);

        errno = 0;
        if (leaks > 0)
                bw_lane_die("%u forged packets passed while vk%u to vk%u were new", leaks, first,
                            last);
}

static void await_all(const BwLane *lane, unsigned n_ports) {
        int64_t start = bw_lane_now();

        (void) bw_lane_await_guard(lane, BW_LANE_IP, 0, n_ports - 1);
        printf("%.1f\n", (bw_lane_now() - start) / 1e6);
}

/* Microseconds from the port's coming. */
typedef struct Sample {
        double nftables, all;
} Sample;

static Sample arm_one(BwLane *lane, unsigned number) {
        const BwLanePort *port = bw_lane_add_port(lane, number);
        int64_t start = bw_lane_now();
        Sample sample;

        bw_lane_enslave_port(lane, port);
        await_without_leak(lane, BW_LANE_ARP, number, number);
        sample.nftables = (bw_lane_now() - start) / 1e3;
        await_without_leak(lane, BW_LANE_IP, number, number);
        sample.all = (bw_lane_now() - start) / 1e3;
        bw_lane_remove_port(lane, number);
        return sample;
}

static void arm(BwLane *lane, unsigned n_ports, unsigned first, unsigned count) {
        g_autofree Sample *samples = g_new0(Sample, count);

        for (unsigned i = 0; i < count; i++) {
                samples[i] = arm_one(lane, first + i);
                g_usleep(g_random_int_range(PAUSE_MIN_US, PAUSE_MAX_US) +
                         n_ports * PAUSE_PER_PORT_US);
        }
        printf("nftables");
        for (unsigned i = 0; i < count; i++)
                printf(" %.0f", samples[i].nftables);
        printf("\nall");
        for (unsigned i = 0; i < count; i++)
                printf(" %.0f", samples[i].all);
        printf("\n");
}

static void burst(BwLane *lane, unsigned first, unsigned count) {
        int64_t start;

        for (unsigned i = 0; i < count; i++)
                bw_lane_add_port(lane, first + i);
        start = bw_lane_now();
        for (unsigned i = 0; i < count; i++)
                bw_lane_enslave_port(lane, bw_lane_port(lane, first + i));
        await_without_leak(lane, BW_LANE_IP, first, first + count - 1);
        printf("%.1f\n", (bw_lane_now() - start) / 1e6);
}

static void obey(BwLane *lane, unsigned n_ports, const char *line) {
        unsigned first, count;

        errno = 0;
        if (g_str_equal(line, "guarded\n"))
                await_all(lane, n_ports);
        else if (sscanf(line, "arm %u %u", &first, &count) == 2 && first >= n_ports && count > 0)
                arm(lane, n_ports, first, count);
        else if (sscanf(line, "burst %u %u", &first, &count) == 2 && first >= n_ports && count > 0)
                burst(lane, first, count);
        else
                bw_lane_die("Cannot understand: %s", line);
        printf("done\n");
        fflush(stdout);
}

int main(int argc, char **argv) {
        unsigned n_ports = argc >= 3 ? atoi(argv[1]) : 0, n_bridges = argc == 4 ? atoi(argv[3]) : 1;
        g_autoptr(BwLane) lane = NULL;
        char line[128];

        g_set_prgname("bench-arming");
        if (argc > 4 || n_bridges < 1 || n_ports < 2 * n_bridges)
                bw_lane_die("Usage: bench-arming PORTS NETNS [BRIDGES]");
        lane = bw_lane_new(argv[2], n_bridges);
        bw_lane_add_ports(lane, 0, n_ports - 1);
        printf("ready\n");
        fflush(stdout);
        while (fgets(line, sizeof line, stdin))
                obey(lane, n_ports, line);
        return 0;
}
