/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a packet costs on its way through a bridge
 *
 * bench-packets PORTS NETNS...: makes a lane of PORTS ports in each namespace,
 * says "ready", and obeys standard input, so that somebody can put rules in
 * place in between:
 *
 *   guarded LANE       waits until every port of the lane is guarded
 *   worst LANE         finds the dearest sender and receiver; prints them
 *   course LANE SENDER RECEIVER FAMILY   one more to measure; FAMILY: 4 or 6
 *   run ROUNDS         prints a line of nanoseconds per packet for each course
 *
 * A round is one short batch on every course in turn, so that whatever disturbs
 * the machine meets all alike.
 */

#include "lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM = 32, BATCH = 128, SCAN_BATCH = 16, SCAN_ROUNDS = 6 };

typedef struct Course {
        const BwLane *lane;
        BwLaneFamily family;
        unsigned sender, receiver;
} Course;

typedef struct Bench {
        unsigned n_ports, n_lanes;
        BwLane **lanes;
        GArray *courses;
} Bench;

static int64_t send_many(const BwLanePort *from, const uint8_t *frame, gsize size, unsigned count) {
        int64_t start = bw_lane_processor_time();

        for (unsigned i = 0; i < count; i++)
                bw_lane_send(from, frame, size);
        return bw_lane_processor_time() - start;
}

/* Nanoseconds per packet. A lane that loses a packet is not measured, it is wrong. */
static double time_packets(const Course *course, unsigned warm, unsigned count) {
        const BwLanePort *from = bw_lane_port(course->lane, course->sender);
        const BwLanePort *to = bw_lane_port(course->lane, course->receiver);
        uint8_t frame[BW_LANE_MOST_FRAME];
        gsize size = bw_lane_frame(frame, course->family, from, to);
        int64_t spent;
        unsigned arrived;

        (void) send_many(from, frame, size, warm);
        spent = send_many(from, frame, size, count);
        arrived = bw_lane_drain(to, frame, size);
        if (arrived != warm + count)
                bw_lane_die("%u of %u packets came from %s to %s", arrived, warm + count,
                            from->name, to->name);
        return (double) spent / count;
}

static double time_best(const BwLane *lane, unsigned sender, unsigned receiver) {
        const Course course = { lane, BW_LANE_IPV4, sender, receiver };
        double best = 1e18;

        for (unsigned i = 0; i < SCAN_ROUNDS; i++)
                best = MIN(best, time_packets(&course, 8, SCAN_BATCH));
        return best;
}

static void announce_all(const Bench *bench, const BwLane *lane) {
        for (unsigned i = 0; i < bench->n_ports; i++)
                bw_lane_announce(bw_lane_port(lane, i));
}

/* Senders first, then receivers for the worst sender. Twice, because noise can only add. */
static void find_worst(const Bench *bench, const BwLane *lane) {
        unsigned sender = bench->n_ports - 1, receiver = 0;
        double worst = 0;

        announce_all(bench, lane);
        for (unsigned i = 1; i < bench->n_ports; i++) {
                double cost = time_best(lane, i, 0);

                if (cost > worst && (cost = MIN(cost, time_best(lane, i, 0))) > worst) {
                        worst = cost;
                        sender = i;
                }
        }
        worst = 0;
        for (unsigned i = 0; i < bench->n_ports; i++) {
                double cost = i == sender ? 0 : time_best(lane, sender, i);

                if (cost > worst && (cost = MIN(cost, time_best(lane, sender, i))) > worst) {
                        worst = cost;
                        receiver = i;
                }
        }
        printf("worst %u %u\n", sender, receiver);
}

static void add_course(Bench *bench, unsigned lane, unsigned sender, unsigned receiver,
                       unsigned family) {
        Course course = { bench->lanes[lane], family == 6 ? BW_LANE_IPV6 : BW_LANE_IPV4, sender,
                          receiver };

        g_array_append_val(bench->courses, course);
}

static void run(const Bench *bench, unsigned rounds) {
        const guint n = bench->courses->len;
        g_autofree double *cost = g_new0(double, (size_t) n *rounds);

        for (guint i = 0; i < n; i++) {
                const Course *course = &g_array_index(bench->courses, Course, i);

                bw_lane_announce(bw_lane_port(course->lane, course->receiver));
        }
        for (unsigned round = 0; round < rounds; round++)
                for (guint i = 0; i < n; i++) {
                        guint at = (i + round) % n;

                        cost[at * rounds + round] = time_packets(
                                &g_array_index(bench->courses, Course, at), WARM, BATCH);
                }
        for (guint at = 0; at < n; at++) {
                printf("course");
                for (unsigned round = 0; round < rounds; round++)
                        printf(" %.1f", cost[at * rounds + round]);
                printf("\n");
        }
}

static void obey(Bench *bench, const char *line) {
        unsigned a, b, c, d;

        if (sscanf(line, "guarded %u", &a) == 1 && a < bench->n_lanes)
                (void) bw_lane_await_guard(bench->lanes[a], BW_LANE_IP, 0, bench->n_ports - 1);
        else if (sscanf(line, "worst %u", &a) == 1 && a < bench->n_lanes)
                find_worst(bench, bench->lanes[a]);
        else if (sscanf(line, "course %u %u %u %u", &a, &b, &c, &d) == 4 && a < bench->n_lanes &&
                 MAX(b, c) < bench->n_ports && b != c)
                add_course(bench, a, b, c, d);
        else if (sscanf(line, "run %u", &a) == 1)
                run(bench, a);
        else
                bw_lane_die("Cannot understand: %s", line);
        printf("done\n");
        fflush(stdout);
}

int main(int argc, char **argv) {
        Bench bench = { .n_ports = argc > 2 ? atoi(argv[1]) : 0 };
        char line[128];

        g_set_prgname("bench-packets");
        if (bench.n_ports < 2)
                bw_lane_die("Usage: bench-packets PORTS NETNS...");
        bench.n_lanes = argc - 2;
        bench.courses = g_array_new(FALSE, FALSE, sizeof(Course));
        bench.lanes = g_new0(BwLane *, bench.n_lanes);
        for (unsigned i = 0; i < bench.n_lanes; i++) {
                bench.lanes[i] = bw_lane_new(argv[i + 2], 1);
                bw_lane_add_ports(bench.lanes[i], 0, bench.n_ports - 1);
        }
        bw_lane_pin();
        printf("ready\n");
        fflush(stdout);
        while (fgets(line, sizeof line, stdin))
                obey(&bench, line);
        for (unsigned i = 0; i < bench.n_lanes; i++)
                bw_lane_free(bench.lanes[i]);
        g_free(bench.lanes);
        g_array_unref(bench.courses);
        return 0;
}
