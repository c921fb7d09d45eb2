/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Counters over a made-up kernel: many who ask cost one reading a second, no turn of the main loop
 * reads more than a part, what guards comes first, and nobody is told what is older than he was
 * promised.
 */

#include "counts.h"

#include <bw/error.h>
#include <bw/priority.h>

#define PARTS 5
#define LATER (BW_COUNTS_KEPT_USEC / 2)

static struct {
        unsigned parts_read; /* in all */
        uint64_t packets;    /* in each part, when it is read */
        unsigned used;
        int broken_part; /* -1: none */
} kernel;

unsigned bw_reconciler_used(const BwReconciler *reconciler G_GNUC_UNUSED) {
        return kernel.used;
}

unsigned bw_reconciler_count_parts(const BwReconciler *reconciler G_GNUC_UNUSED) {
        return PARTS;
}

bool bw_reconciler_count(BwReconciler *reconciler G_GNUC_UNUSED, unsigned part, BwTallied tallied,
                         gpointer user, GError **error) {
        char name[] = "vk0"; /* lent for the call, and gone after it */
        BwTally tally = { .bridge = "virbr6", .port = name, .packets = kernel.packets };

        g_assert_cmpuint(part, <, PARTS);
        kernel.parts_read++;
        name[2] = (char) ('0' + part);
        if ((int) part == kernel.broken_part) {
                g_set_error(error, BW_ERROR, BW_ERROR_DENIED, "not permitted");
                return false;
        }
        tallied(&tally, user);
        name[2] = 'x';
        tally.packets = 0;
        tallied(&tally, user);
        return true;
}

typedef struct Who {
        unsigned told, failed;
        uint64_t sum;      /* of what was told last */
        unsigned rows;     /* in it */
        BwCounts *again;   /* asked as soon as it was told, once */
        struct Who *drops; /* withdrawn as soon as it was told */
} Who;

static void add_up(const BwTally *tally, gpointer user) {
        Who *who = user;

        g_assert_cmpstr(tally->bridge, ==, "virbr6");
        g_assert_true(g_str_has_prefix(tally->port, "vk") && tally->port[2] < '0' + PARTS);
        who->sum += tally->packets;
        who->rows++;
}

static void on_ready(BwCounts *counts, const GError *failure, gpointer user) {
        Who *who = user;
        BwCounts *again = g_steal_pointer(&who->again);

        who->told++;
        who->failed += failure != NULL;
        who->sum = who->rows = 0;
        bw_counts_tell(counts, add_up, who);
        if (who->drops)
                bw_counts_withdraw(counts, who->drops);
        if (again)
                bw_counts_ask(again, BW_COUNTS_NEW, LATER, on_ready, who);
}

static void ask(BwCounts *counts, BwCountsAge age, int64_t now_usec, Who *who) {
        bw_counts_ask(counts, age, now_usec, on_ready, who);
}

/* Until nothing is left to be done. */
static void turn_all(void) {
        while (g_main_context_iteration(NULL, FALSE)) {
        }
}

static BwCounts *start(void) {
        kernel.parts_read = 0;
        kernel.packets = 1;
        kernel.used = BW_ENGINE_ALL;
        kernel.broken_part = -1;
        return bw_counts_new(NULL);
}

/* Nothing is read before it is asked for, and then a part a turn. */
static void test_a_part_a_turn(void) {
        g_autoptr(BwCounts) counts = start();
        Who who = { 0 };

        turn_all();
        g_assert_cmpuint(kernel.parts_read, ==, 0);
        ask(counts, BW_COUNTS_KEPT, 0, &who);
        g_assert_cmpuint(kernel.parts_read, ==, 0);
        for (unsigned i = 1; i <= PARTS; i++) {
                g_assert_cmpuint(who.told, ==, 0);
                g_main_context_iteration(NULL, FALSE);
                g_assert_cmpuint(kernel.parts_read, ==, i);
        }
        g_assert_cmpuint(who.told, ==, 1);
        g_assert_cmpuint(who.sum, ==, PARTS);
        /* What has met nothing is not told. */
        g_assert_cmpuint(who.rows, ==, PARTS);
        turn_all();
        g_assert_cmpuint(kernel.parts_read, ==, PARTS);
}

typedef struct Guard {
        unsigned turns;
        unsigned read_before; /* parts, when its last turn came */
} Guard;

static gboolean on_guard(gpointer user) {
        Guard *guard = user;

        guard->read_before = kernel.parts_read;
        return ++guard->turns < 100 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* As commits are, and the rounds that look for drift, table by table: whatever is asked meanwhile,
 * not a part is read before they are done. */
static void test_the_guard_is_first(void) {
        g_autoptr(BwCounts) counts = start();
        Who who = { 0 };
        Guard guard = { 0 };

        for (unsigned i = 0; i < 200; i++)
                ask(counts, i % 2 ? BW_COUNTS_KEPT : BW_COUNTS_NEW, 0, &who);
        g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(kernel.parts_read, ==, 1);
        g_idle_add_full(BW_PRIORITY_WORK, on_guard, &guard, NULL);
        turn_all();
        g_assert_cmpuint(guard.turns, ==, 100);
        g_assert_cmpuint(guard.read_before, ==, 1);
        g_assert_cmpuint(who.told, ==, 200);
}

/* A caller every millisecond for ten seconds. */
static void test_loop_of_callers(void) {
        g_autoptr(BwCounts) counts = start();
        Who who = { 0 };

        for (int64_t now = 0; now < 10 * G_USEC_PER_SEC; now += 1000) {
                ask(counts, BW_COUNTS_KEPT, now, &who);
                turn_all();
        }
        g_assert_cmpuint(who.told, ==, 10000);
        g_assert_cmpuint(kernel.parts_read, ==, 10 * PARTS);
}

static void test_at_most_a_second_old(void) {
        g_autoptr(BwCounts) counts = start();
        const int64_t begin = 5 * G_USEC_PER_SEC;
        Who who = { 0 };

        ask(counts, BW_COUNTS_KEPT, begin, &who);
        turn_all();
        kernel.packets = 2;
        ask(counts, BW_COUNTS_KEPT, begin + BW_COUNTS_KEPT_USEC - 1, &who);
        g_assert_cmpuint(who.told, ==, 2);
        g_assert_cmpuint(who.sum, ==, PARTS);
        ask(counts, BW_COUNTS_KEPT, begin + BW_COUNTS_KEPT_USEC, &who);
        g_assert_cmpuint(who.told, ==, 2);
        turn_all();
        g_assert_cmpuint(who.told, ==, 3);
        g_assert_cmpuint(who.sum, ==, 2 * PARTS);
}

/* Who asks while it is read waits for that reading, unless it takes more than a second. */
static void test_joining(void) {
        g_autoptr(BwCounts) counts = start();
        Who first = { 0 }, joins = { 0 }, late = { 0 };

        ask(counts, BW_COUNTS_KEPT, 0, &first);
        g_main_context_iteration(NULL, FALSE);
        kernel.packets = 2;
        ask(counts, BW_COUNTS_KEPT, LATER, &joins);
        ask(counts, BW_COUNTS_KEPT, BW_COUNTS_KEPT_USEC, &late);
        while (!first.told)
                g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(kernel.parts_read, ==, PARTS);
        g_assert_cmpuint(joins.told, ==, 1);
        g_assert_cmpuint(joins.sum, ==, 1 + 2 * (PARTS - 1));
        g_assert_cmpuint(late.told, ==, 0);
        turn_all();
        g_assert_cmpuint(late.sum, ==, 2 * PARTS);
        g_assert_cmpuint(kernel.parts_read, ==, 2 * PARTS);
}

/* Nothing of it was read before it was asked for. */
static void test_new(void) {
        g_autoptr(BwCounts) counts = start();
        Who who = { 0 }, asks_again = { .again = counts };

        ask(counts, BW_COUNTS_KEPT, 0, &who);
        turn_all();
        kernel.packets = 2;
        ask(counts, BW_COUNTS_NEW, 0, &who);
        g_assert_cmpuint(who.told, ==, 1);
        turn_all();
        g_assert_cmpuint(who.sum, ==, 2 * PARTS);

        ask(counts, BW_COUNTS_NEW, LATER, &asks_again);
        g_main_context_iteration(NULL, FALSE);
        kernel.packets = 3;
        ask(counts, BW_COUNTS_NEW, LATER, &who);
        while (!asks_again.told)
                g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(who.told, ==, 2);
        kernel.packets = 4;
        turn_all();
        g_assert_cmpuint(who.told, ==, 3);
        g_assert_cmpuint(who.sum, ==, 4 * PARTS);
        g_assert_cmpuint(asks_again.told, ==, 2);
        g_assert_cmpuint(asks_again.sum, ==, 4 * PARTS);
        g_assert_cmpuint(kernel.parts_read, ==, 4 * PARTS);
}

/* A kernel that refuses is not asked more often than one that answers. */
static void test_failure_is_kept_and_passes(void) {
        g_autoptr(BwCounts) counts = start();
        Who who = { 0 };

        kernel.broken_part = 2;
        for (int64_t now = 0; now < BW_COUNTS_KEPT_USEC; now += 10000) {
                ask(counts, BW_COUNTS_KEPT, now, &who);
                turn_all();
        }
        g_assert_cmpuint(who.failed, ==, who.told);
        g_assert_cmpuint(who.told, ==, 100);
        g_assert_cmpuint(kernel.parts_read, ==, 3);
        kernel.broken_part = -1;
        ask(counts, BW_COUNTS_KEPT, BW_COUNTS_KEPT_USEC, &who);
        turn_all();
        g_assert_cmpuint(who.failed, ==, 100);
        g_assert_cmpuint(who.sum, ==, PARTS);
}

/* What one engine is told to count another is not: the reading begins again. */
static void test_engines_change(void) {
        g_autoptr(BwCounts) counts = start();
        Who who = { 0 };

        ask(counts, BW_COUNTS_KEPT, 0, &who);
        g_main_context_iteration(NULL, FALSE);
        kernel.used = BW_ENGINE_BIT(BW_ENGINE_IPTABLES);
        kernel.packets = 2;
        turn_all();
        g_assert_cmpuint(who.told, ==, 1);
        g_assert_cmpuint(who.sum, ==, 2 * PARTS);
        g_assert_cmpuint(kernel.parts_read, ==, 1 + PARTS);
}

static void test_withdraw(void) {
        g_autoptr(BwCounts) counts = start();
        Who first = { 0 }, second = { 0 }, third = { 0 };

        first.drops = &second;
        ask(counts, BW_COUNTS_KEPT, 0, &first);
        ask(counts, BW_COUNTS_KEPT, 0, &second);
        ask(counts, BW_COUNTS_NEW, 0, &second);
        ask(counts, BW_COUNTS_NEW, 0, &third);
        bw_counts_withdraw(counts, &third);
        turn_all();
        g_assert_cmpuint(first.told, ==, 1);
        g_assert_cmpuint(second.told + third.told, ==, 0);
        /* Who waits when all ends is not told either. */
        ask(counts, BW_COUNTS_NEW, 0, &third);
        g_clear_pointer(&counts, bw_counts_free);
        turn_all();
        g_assert_cmpuint(third.told, ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/counts/a-part-a-turn", test_a_part_a_turn);
        g_test_add_func("/counts/the-guard-is-first", test_the_guard_is_first);
        g_test_add_func("/counts/loop-of-callers", test_loop_of_callers);
        g_test_add_func("/counts/at-most-a-second-old", test_at_most_a_second_old);
        g_test_add_func("/counts/joining", test_joining);
        g_test_add_func("/counts/new", test_new);
        g_test_add_func("/counts/failure-is-kept", test_failure_is_kept_and_passes);
        g_test_add_func("/counts/engines-change", test_engines_change);
        g_test_add_func("/counts/withdraw", test_withdraw);
        return g_test_run();
}
