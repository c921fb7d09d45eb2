/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Sums of what was not reported one by one, over a made-up kernel: whenever a report comes while
 * counters are read a part a turn, each packet that was counted is told of once, one by one or in a
 * sum.
 */

#include "audit.h"

#include <bw/corpus.h>
#include <bw/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "announce.h"
#include "nflog.h"

#define PARTS 3
#define PART  1 /* where the attacker's port is counted */

static struct {
        uint64_t packets;   /* of the attacker's port */
        uint64_t shared[2]; /* of what its segment's ports share: let pass, dropped */
        unsigned shared_part;
        uint64_t strangers; /* packets of strangers of the segment's first bridge */
        unsigned parts_read;
        unsigned used;
        bool broken;
        BwNflogSink report;
        gpointer listener;
} kernel;

static struct {
        unsigned one_by_one;
        unsigned sums;
        uint64_t left_out;        /* in all sums */
        uint64_t left_out_shared; /* in those of what is shared */
        char sentence[256];       /* the last sum's */
} told;

static BwScene scene;

unsigned bw_reconciler_used(const BwReconciler *reconciler G_GNUC_UNUSED) {
        return kernel.used;
}

bool bw_reconciler_tells_monitored(const BwReconciler *reconciler G_GNUC_UNUSED,
                                   BwEngineKind kind G_GNUC_UNUSED) {
        return true;
}

unsigned bw_reconciler_count_parts(const BwReconciler *reconciler G_GNUC_UNUSED) {
        return PARTS;
}

static const char *first_bridge(void) {
        return scene.far_bridge[0] && strcmp(scene.far_bridge, scene.bridge) < 0 ? scene.far_bridge
                                                                                 : scene.bridge;
}

static void tell_strangers(BwTallied tallied, gpointer user) {
        const BwTally tally = {
                .bridge = first_bridge(),
                .port = "",
                .direction = BW_DIRECTION_IN,
                .reason = BW_REASON_UNBOUND,
                .drops = true,
                .packets = kernel.strangers,
        };

        if (tally.packets > 0)
                tallied(&tally, user);
}

static void tell_shared(BwTallied tallied, gpointer user) {
        for (unsigned drops = 0; drops < G_N_ELEMENTS(kernel.shared); drops++) {
                const BwTally tally = {
                        .bridge = first_bridge(),
                        .port = "",
                        .direction = BW_DIRECTION_IN,
                        .reason = BW_REASON_SPOOFED_IP,
                        .drops = drops,
                        .packets = kernel.shared[drops],
                };

                if (tally.packets > 0)
                        tallied(&tally, user);
        }
}

bool bw_reconciler_count(BwReconciler *reconciler G_GNUC_UNUSED, unsigned part, BwTallied tallied,
                         gpointer user, GError **error) {
        const BwTally tally = {
                .bridge = scene.bridge,
                .port = scene.stations[BW_WHO_ATTACKER].port,
                .direction = BW_DIRECTION_IN,
                .reason = BW_REASON_SPOOFED_IP,
                .drops = true,
                .packets = kernel.packets,
        };

        kernel.parts_read++;
        if (kernel.broken) {
                g_set_error(error, BW_ERROR, BW_ERROR_BUSY, "others keep changing rules");
                return false;
        }
        if (part == PART && kernel.packets > 0)
                tallied(&tally, user);
        if (part == kernel.shared_part)
                tell_shared(tallied, user);
        if (part == PART)
                tell_strangers(tallied, user);
        return true;
}

BwNflog *bw_nflog_new(uint16_t group G_GNUC_UNUSED, unsigned copy_bytes G_GNUC_UNUSED,
                      BwNflogSink sink, gpointer user, GError **error G_GNUC_UNUSED) {
        kernel.report = sink;
        kernel.listener = user;
        return (BwNflog *) &kernel;
}

void bw_nflog_free(BwNflog *nflog G_GNUC_UNUSED) {
}

void bw_hazards_raise(BwHazards *hazards G_GNUC_UNUSED, BwHazardKind kind G_GNUC_UNUSED,
                      const char *subject G_GNUC_UNUSED, const char *where G_GNUC_UNUSED,
                      const char *sentence G_GNUC_UNUSED) {
        g_assert_not_reached();
}

void bw_hazards_clear(BwHazards *hazards G_GNUC_UNUSED, BwHazardKind kind G_GNUC_UNUSED,
                      const char *subject G_GNUC_UNUSED) {
}

void bw_announce_violation(BwJournal *journal G_GNUC_UNUSED, const BwViolation *violation) {
        g_assert_true(violation->reason == BW_REASON_SPOOFED_IP ||
                      violation->reason == BW_REASON_UNBOUND);
        told.one_by_one++;
}

void bw_journal_say(BwJournal *journal G_GNUC_UNUSED, BwMessage message, int priority G_GNUC_UNUSED,
                    const char *sentence, ...) {
        g_autofree char *port = g_strdup_printf(
                "Port %s on %s: ", scene.stations[BW_WHO_ATTACKER].port, scene.bridge);
        g_autofree char *ports = g_strdup_printf("Ports of %s", first_bridge());
        bool shared = g_str_has_prefix(sentence, ports);
        bool strangers = g_str_has_prefix(sentence, "Strangers on ");
        uint64_t left_out;

        g_assert_cmpint(message, ==, BW_MESSAGE_VIOLATIONS_LEFT_OUT);
        g_assert_true(shared || strangers || g_str_has_prefix(sentence, port));
        left_out = strtoull(strstr(sentence, ": ") + strlen(": "), NULL, 10);
        g_assert_cmpuint(left_out, >, 0);
        told.sums++;
        told.left_out += left_out;
        told.left_out_shared += shared ? left_out : 0;
        g_strlcpy(told.sentence, sentence, sizeof(told.sentence));
}

/* The attacker's packets */

static void drop(unsigned packets) {
        kernel.packets += packets;
}

/* By a chain that the ports share, whichever of them it came from. */
static void drop_shared(unsigned packets) {
        kernel.shared[true] += packets;
}

static int ifindex_of(const BwPlan *plan, BwWho who) {
        const BwPortPlan *port = bw_plan_find_port(plan, scene.stations[who].port, NULL);

        g_assert_nonnull(port);
        return port->ifindex;
}

/* Of packets that were counted before: a report comes behind its packet. */
static void report_of(const BwPlan *plan, BwWho who, uint8_t family, bool dropped,
                      unsigned packets) {
        char prefix[BW_VIOLATION_PREFIX_SIZE];
        const BwDeniedPacket packet = { .prefix = prefix,
                                        .family = family,
                                        .physin = ifindex_of(plan, who) };
        unsigned before = told.one_by_one;

        bw_violation_prefix(BW_DIRECTION_IN,
                            who == BW_WHO_STRANGER ? BW_REASON_UNBOUND : BW_REASON_SPOOFED_IP,
                            dropped, prefix);
        for (unsigned i = 0; i < packets; i++)
                kernel.report(&packet, 0, kernel.listener);
        g_assert_cmpuint(told.one_by_one, ==, before + packets);
}

static void report(const BwPlan *plan, unsigned packets) {
        report_of(plan, BW_WHO_ATTACKER, AF_BRIDGE, true, packets);
}

static void report_shared(const BwPlan *plan, BwWho who, unsigned packets) {
        report_of(plan, who, AF_INET, true, packets);
}

/* The audit's time */

typedef struct Fixture {
        BwPlan *plan;
        BwCounts *counts;
        BwAudit *audit;
} Fixture;

static void read_until(unsigned parts) {
        while (kernel.parts_read < parts)
                g_assert_true(g_main_context_iteration(NULL, FALSE));
        g_assert_cmpuint(kernel.parts_read, ==, parts);
}

static void begin_baseline(const Fixture *fixture) {
        kernel.parts_read = 0;
        bw_audit_set_baseline(fixture->audit);
        g_assert_cmpuint(kernel.parts_read, ==, 0);
}

static void set_baseline(const Fixture *fixture) {
        begin_baseline(fixture);
        read_until(PARTS);
}

/* @joined: to another bridge, which is the segment's first; or NULL. */
static void set_up(Fixture *fixture, gconstpointer joined) {
        static const char *const none[] = { NULL };

        memset(&kernel, 0, sizeof(kernel));
        memset(&told, 0, sizeof(told));
        kernel.used = BW_ENGINE_ALL;
        kernel.shared_part = PARTS - 1;
        scene = joined ? bw_scene_new_joined() : bw_scene_new();
        fixture->plan = bw_scene_plan_new(&scene, none, "");
        fixture->counts = bw_counts_new(NULL);
        fixture->audit = bw_audit_new(NULL, NULL, NULL, fixture->counts, 1000000);
        bw_audit_set_plan(fixture->audit, fixture->plan);
        set_baseline(fixture);
}

static void tear_down(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        bw_audit_free(fixture->audit);
        bw_counts_free(fixture->counts);
        bw_plan_free(fixture->plan);
}

static GSource *sum_timer(const Fixture *fixture) {
        return g_main_context_find_source_by_user_data(NULL, fixture->audit);
}

/* As if ten seconds had gone by; nothing of it is read yet. */
static void begin_sum(const Fixture *fixture) {
        g_source_set_ready_time(sum_timer(fixture), 0);
        kernel.parts_read = 0;
        g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(kernel.parts_read, ==, 0);
}

static void sum_up(const Fixture *fixture) {
        begin_sum(fixture);
        read_until(PARTS);
}

/* Each packet was told of, and none twice. */
static void expect_all_told(uint64_t packets) {
        g_assert_cmpuint(told.one_by_one + told.left_out, ==, packets);
}

static void test_sum(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(10);
        report(fixture->plan, 4);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 1);
        g_assert_cmpuint(told.left_out, ==, 6);
        drop(3);
        report(fixture->plan, 3);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 1);
        expect_all_told(13);
}

/* It sleeps when nothing happens, and wakes. */
static void test_sleeps(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        g_assert_null(sum_timer(fixture));
        drop(2);
        report(fixture->plan, 1);
        sum_up(fixture);
        g_assert_nonnull(sum_timer(fixture));
        sum_up(fixture);
        g_assert_null(sum_timer(fixture));
        drop(1);
        report(fixture->plan, 1);
        g_assert_nonnull(sum_timer(fixture));
        sum_up(fixture);
        expect_all_told(3);
}

/* Packets that come after their port's part was read are in the next count; their reports are
 * credited to that one, not to this. */
static void test_reports_behind_the_reading(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(5);
        report(fixture->plan, 5);
        begin_sum(fixture);
        read_until(PART + 1);
        drop(4);
        report(fixture->plan, 4);
        read_until(PARTS);
        g_assert_cmpuint(told.sums, ==, 0);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
        expect_all_told(9);
        /* And to that one only. */
        drop(4);
        report(fixture->plan, 1);
        sum_up(fixture);
        expect_all_told(13);
}

/* Nor are those of a port that was not in the count at all. */
static void test_first_packets(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        kernel.report(NULL, 1, kernel.listener);
        begin_sum(fixture);
        read_until(PART + 1);
        drop(4);
        report(fixture->plan, 4);
        read_until(PARTS);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
        drop(4);
        report(fixture->plan, 1);
        sum_up(fixture);
        expect_all_told(8);
}

/* A count that takes longer than until the next sum is for both. */
static void test_long_reading(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(5);
        report(fixture->plan, 2);
        begin_sum(fixture);
        read_until(PART + 1);
        g_source_set_ready_time(sum_timer(fixture), 0);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_assert_cmpuint(kernel.parts_read, ==, PARTS);
        expect_all_told(5);
}

/* Of packets before their part is read, the reports are for this count. */
static void test_reports_before_the_reading(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(5);
        report(fixture->plan, 2);
        begin_sum(fixture);
        drop(4);
        report(fixture->plan, 4);
        read_until(PARTS);
        g_assert_cmpuint(told.left_out, ==, 3);
        drop(6);
        report(fixture->plan, 1);
        sum_up(fixture);
        expect_all_told(15);
}

/* Some are left out before, on the way, and after; whose turn it is when is of no matter. */
static void test_any_moment(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        uint64_t packets = 0;

        for (unsigned round = 0; round < 1000; round++) {
                unsigned left = (unsigned) g_test_rand_int_range(0, PARTS + 1);

                /* What is left out wakes nobody: something is reported each time. */
                drop(1);
                report(fixture->plan, 1);
                packets++;
                for (unsigned moment = 0; moment <= PARTS; moment++) {
                        unsigned reported = (unsigned) g_test_rand_int_range(0, 4);
                        unsigned dropped = reported + (moment == left ? 2 : 0);

                        drop(dropped);
                        packets += dropped;
                        report(fixture->plan, reported);
                        if (moment == 0) {
                                begin_sum(fixture);
                        } else
                                read_until(moment);
                }
        }
        /* What was reported last is in the last count. */
        while (sum_timer(fixture))
                sum_up(fixture);
        expect_all_told(packets);
}

/* A rule that was written anew counts from zero. */
static void test_rules_anew(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(100);
        report(fixture->plan, 100);
        sum_up(fixture);
        kernel.packets = 0;
        drop(7);
        report(fixture->plan, 2);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out, ==, 5);
        /* Reports of the rule that is gone do not hide packets of the new one. */
        drop(50);
        report(fixture->plan, 50);
        kernel.packets = 3;
        sum_up(fixture);
        drop(20);
        report(fixture->plan, 1);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out, ==, 5 + 19);
}

/* A count that fails tells nothing and costs nothing. */
static void test_failure(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(10);
        report(fixture->plan, 4);
        kernel.broken = true;
        begin_sum(fixture);
        drop(2);
        report(fixture->plan, 2);
        read_until(1);
        g_assert_cmpuint(told.sums, ==, 0);
        g_assert_nonnull(sum_timer(fixture));
        kernel.broken = false;
        sum_up(fixture);
        expect_all_told(12);
}

/* What was reported while a count failed is of the next one, and of no other: not either when rules
 * are written anew in between. */
static void test_rules_anew_behind_failure(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(10);
        report(fixture->plan, 4);
        kernel.broken = true;
        begin_sum(fixture);
        report(fixture->plan, 2);
        read_until(1);
        kernel.broken = false;
        kernel.packets = 3;
        sum_up(fixture);
        drop(20);
        report(fixture->plan, 1);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out, ==, 19);
}

/* Baselines */

/* What was counted before is another run's, and so is what was reported of it. */
static void test_baseline(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(1000);
        report(fixture->plan, 5);
        set_baseline(fixture);
        drop(8);
        report(fixture->plan, 2);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out, ==, 6);
}

/* Nor is it told by a sum that was being read. */
static void test_baseline_meanwhile(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(1000);
        report(fixture->plan, 5);
        begin_sum(fixture);
        read_until(PART + 1);
        drop(500);
        report(fixture->plan, 5);
        set_baseline(fixture);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_assert_cmpuint(told.sums, ==, 0);
        drop(8);
        report(fixture->plan, 2);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out, ==, 6);
}

/* A part a turn, like everybody's; what is dropped and reported behind the reading of its part is
 * of the next sum, and told once. */
static void test_baseline_in_parts(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(1000);
        begin_baseline(fixture);
        for (unsigned part = 0; part < PARTS; part++) {
                g_assert_true(g_main_context_iteration(NULL, FALSE));
                g_assert_cmpuint(kernel.parts_read, ==, part + 1);
                if (part == PART) {
                        drop(9);
                        report(fixture->plan, 4);
                }
        }
        g_assert_cmpuint(told.sums, ==, 0);
        sum_up(fixture);
        expect_all_told(9);
}

/* A sum that is due meanwhile is not begun: there is nothing yet to compare with. */
static void test_sum_within_baseline(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(1000);
        report(fixture->plan, 5);
        begin_baseline(fixture);
        g_source_set_ready_time(sum_timer(fixture), 0);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_assert_cmpuint(kernel.parts_read, ==, PARTS);
        g_assert_cmpuint(told.sums, ==, 0);
}

/* What cannot be read is no news later. */
static void test_baseline_fails(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(1000);
        kernel.broken = true;
        begin_baseline(fixture);
        read_until(1);
        report(fixture->plan, 1);
        begin_sum(fixture);
        read_until(1);
        kernel.broken = false;
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
        drop(8);
        report(fixture->plan, 2);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out, ==, 6);
}

/* An engine comes into use, with what it has counted once, and its first commit has not come to its
 * end when sums are due. */
static void test_engine_comes(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        kernel.used = BW_ENGINE_BIT(BW_ENGINE_NFTABLES);
        set_baseline(fixture);
        drop(5);
        report(fixture->plan, 5);
        sum_up(fixture);
        kernel.used = BW_ENGINE_ALL;
        drop(1000);
        report(fixture->plan, 1);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
        drop(8);
        report(fixture->plan, 2);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out, ==, 6);
}

/* What is shared */

/* What was reported one by one is not told again, whichever port it was of. */
static void test_shared_reported(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop_shared(5);
        report_shared(fixture->plan, BW_WHO_ATTACKER, 3);
        report_shared(fixture->plan, BW_WHO_VICTIM, 2);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
        /* Nor has the next sum anything of it. */
        drop_shared(1);
        report_shared(fixture->plan, BW_WHO_VICTIM, 1);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
        expect_all_told(6);
}

/* The rest is told once, as what it is. */
static void test_shared_left_out(Fixture *fixture, gconstpointer joined) {
        g_autofree char *sentence =
                g_strdup_printf("Ports of %s%s: 6 more packets dropped for "
                                "spoofed-ip (in) than were reported one by one",
                                first_bridge(), joined ? " and of the bridges linked to it" : "");

        drop_shared(10);
        report_shared(fixture->plan, BW_WHO_ATTACKER, 1);
        report_shared(fixture->plan, BW_WHO_VICTIM, 3);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 1);
        g_assert_cmpstr(told.sentence, ==, sentence);
        expect_all_told(10);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 1);
}

/* What a port's own rules have counted is reported of them first. */
static void test_own_and_shared(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop(7);
        report(fixture->plan, 7);
        drop_shared(4);
        report_shared(fixture->plan, BW_WHO_ATTACKER, 1);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out_shared, ==, 3);
        expect_all_told(11);
        drop(9);
        report(fixture->plan, 2);
        drop_shared(4);
        report_shared(fixture->plan, BW_WHO_VICTIM, 4);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out_shared, ==, 3);
        expect_all_told(24);
}

/* What ports in two modes share is two sums, each with its verdict. */
static void test_shared_modes(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop_shared(2);
        report_shared(fixture->plan, BW_WHO_ATTACKER, 2);
        kernel.shared[false] += 5;
        report_of(fixture->plan, BW_WHO_WATCHED, AF_INET, false, 1);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 1);
        g_assert_nonnull(strstr(told.sentence, ": 4 more packets seen for "));
        expect_all_told(7);
}

/* Reported behind the reading of its part, counted in the next. */
static void test_shared_behind_the_reading(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        kernel.shared_part = 0;
        drop_shared(5);
        report_shared(fixture->plan, BW_WHO_VICTIM, 5);
        begin_sum(fixture);
        read_until(PART);
        drop_shared(4);
        report_shared(fixture->plan, BW_WHO_VICTIM, 4);
        read_until(PARTS);
        g_assert_cmpuint(told.sums, ==, 0);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
        /* And in that one only. */
        drop_shared(4);
        report_shared(fixture->plan, BW_WHO_VICTIM, 1);
        sum_up(fixture);
        g_assert_cmpuint(told.left_out_shared, ==, 3);
        expect_all_told(13);
}

/* Which port's reports are of this count and cannot be of the next one is of no matter, nor in
 * which order they are looked at. */
static void test_shared_oldest_first(Fixture *fixture, BwWho early, BwWho late) {
        kernel.shared_part = 0;
        drop_shared(5);
        report_shared(fixture->plan, early, 5);
        begin_sum(fixture);
        read_until(PART);
        drop_shared(5);
        report_shared(fixture->plan, late, 5);
        read_until(PARTS);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
        expect_all_told(10);
}

static void test_shared_order(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        test_shared_oldest_first(fixture, BW_WHO_ATTACKER, BW_WHO_VICTIM);
}

static void test_shared_other_order(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        test_shared_oldest_first(fixture, BW_WHO_VICTIM, BW_WHO_ATTACKER);
}

/* A guest that goes leaves what it sent in the shared chain, and takes nothing back. */
static void test_shared_of_the_gone(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        drop_shared(5);
        report_shared(fixture->plan, BW_WHO_ATTACKER, 5);
        bw_audit_set_plan(fixture->audit, NULL);
        sum_up(fixture);
        g_assert_cmpuint(told.sums, ==, 0);
}

/* The strangers of a bridge are nobody else's, not either of those linked to it. */
static void test_strangers(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        g_assert_cmpstr(first_bridge(), ==, scene.far_bridge);
        kernel.strangers += 5;
        report_shared(fixture->plan, BW_WHO_STRANGER, 3);
        sum_up(fixture);
        g_assert_cmpstr(told.sentence, ==,
                        "Strangers on virbr4: 5 more packets dropped for unbound (in) than were "
                        "reported one by one");
}

/* One port, by its own rules or the shared ones, at any moment. */
static void test_shared_any_moment(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        uint64_t packets = 0;

        for (unsigned round = 0; round < 1000; round++) {
                kernel.shared_part = (unsigned) g_test_rand_int_range(0, PARTS);
                drop(1);
                report(fixture->plan, 1);
                packets++;
                for (unsigned moment = 0; moment <= PARTS; moment++) {
                        unsigned own = (unsigned) g_test_rand_int_range(0, 4);
                        unsigned shared = (unsigned) g_test_rand_int_range(0, 4);
                        int most = (int) (own + shared);

                        drop(own);
                        drop_shared(shared);
                        packets += own + shared;
                        report(fixture->plan, (unsigned) g_test_rand_int_range(0, most + 1));
                        if (moment == 0)
                                begin_sum(fixture);
                        else
                                read_until(moment);
                }
        }
        while (sum_timer(fixture))
                sum_up(fixture);
        expect_all_told(packets);
}

static void add_joined(const char *name, void (*test)(Fixture *fixture, gconstpointer joined)) {
        g_test_add(name, Fixture, "joined", set_up, test, tear_down);
}

static void add(const char *name, void (*test)(Fixture *fixture, gconstpointer unused)) {
        g_test_add(name, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        add("/audit/sum", test_sum);
        add("/audit/sleeps", test_sleeps);
        add("/audit/reports-behind-the-reading", test_reports_behind_the_reading);
        add("/audit/reports-before-the-reading", test_reports_before_the_reading);
        add("/audit/first-packets", test_first_packets);
        add("/audit/long-reading", test_long_reading);
        add("/audit/any-moment", test_any_moment);
        add("/audit/rules-anew", test_rules_anew);
        add("/audit/failure", test_failure);
        add("/audit/rules-anew-behind-failure", test_rules_anew_behind_failure);
        add("/audit/baseline", test_baseline);
        add("/audit/baseline-meanwhile", test_baseline_meanwhile);
        add("/audit/baseline-in-parts", test_baseline_in_parts);
        add("/audit/sum-within-baseline", test_sum_within_baseline);
        add("/audit/baseline-fails", test_baseline_fails);
        add("/audit/engine-comes", test_engine_comes);
        add("/audit/shared/reported", test_shared_reported);
        add_joined("/audit/shared/reported-joined", test_shared_reported);
        add("/audit/shared/left-out", test_shared_left_out);
        add_joined("/audit/shared/left-out-joined", test_shared_left_out);
        add("/audit/shared/own-too", test_own_and_shared);
        add("/audit/shared/modes", test_shared_modes);
        add("/audit/shared/behind-the-reading", test_shared_behind_the_reading);
        add("/audit/shared/order", test_shared_order);
        add("/audit/shared/other-order", test_shared_other_order);
        add("/audit/shared/of-the-gone", test_shared_of_the_gone);
        add_joined("/audit/strangers-joined", test_strangers);
        add("/audit/shared/any-moment", test_shared_any_moment);
        return g_test_run();
}
