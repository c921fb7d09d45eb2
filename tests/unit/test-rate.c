/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/rate.h>

#define SECOND ((int64_t) G_USEC_PER_SEC)

typedef struct Told {
        unsigned calls;
        uint64_t left_out;
        char *last_key;
} Told;

static void on_told(const char *key, uint64_t left_out, gpointer user) {
        Told *told = user;

        told->calls++;
        told->left_out += left_out;
        g_free(told->last_key);
        told->last_key = g_strdup(key);
}

static unsigned pass_many(BwRate *rate, const char *key, unsigned times, int64_t now) {
        unsigned passed = 0;

        for (unsigned i = 0; i < times; i++)
                passed += bw_rate_pass(rate, key, now);
        return passed;
}

static void test_burst_then_steady(void) {
        g_autoptr(BwRate) rate = bw_rate_new(10);
        unsigned passed = 0;

        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 25, 5 * SECOND), ==, 10);
        /* A report each millisecond of one second: ten more, evenly spread. */
        for (unsigned i = 1; i <= 1000; i++)
                passed += bw_rate_pass(rate, "vk63 spoofed-ip", 5 * SECOND + i * 1000);
        g_assert_cmpuint(passed, ==, 10);
        /* Quiet for an hour is worth one burst, not an hour of them. */
        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 100, 3600 * SECOND), ==, 10);
}

/* Who reports little for long has not saved up for a flood. */
static void test_nothing_is_saved(void) {
        g_autoptr(BwRate) rate = bw_rate_new(10);

        for (unsigned i = 0; i < 100; i++)
                g_assert_true(bw_rate_pass(rate, "vk63 spoofed-ip", i * 2 * SECOND));
        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 100, 200 * SECOND), ==, 10);
}

static void test_keys_do_not_share(void) {
        g_autoptr(BwRate) rate = bw_rate_new(1);

        g_assert_true(bw_rate_pass(rate, "vk63 spoofed-ip", 0));
        g_assert_false(bw_rate_pass(rate, "vk63 spoofed-ip", 0));
        g_assert_true(bw_rate_pass(rate, "vk63 misdelivered", 0));
        g_assert_true(bw_rate_pass(rate, "vk64 spoofed-ip", 0));
}

static void test_zero_lets_nothing_pass(void) {
        g_autoptr(BwRate) rate = bw_rate_new(0);

        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 3, SECOND), ==, 0);
        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 3, 10 * SECOND), ==, 0);
}

static void test_most_there_is(void) {
        g_autoptr(BwRate) rate = bw_rate_new(G_MAXUINT);

        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 1000, 0), ==, 1000);
        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 1000, G_MAXINT64 / 2), ==, 1000);
}

static void test_clock_goes_back(void) {
        g_autoptr(BwRate) rate = bw_rate_new(2);

        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 5, 100 * SECOND), ==, 2);
        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 5, 50 * SECOND), ==, 0);
        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 5, 51 * SECOND), ==, 2);
}

static void test_sums(void) {
        g_autoptr(BwRate) rate = bw_rate_new(1);
        Told told = { 0 };

        pass_many(rate, "vk63 spoofed-ip", 8, 10 * SECOND);
        pass_many(rate, "vk64 unbound", 1, 10 * SECOND);

        /* Not before the interval is over. */
        bw_rate_sum_up(rate, 19 * SECOND, 10 * SECOND, on_told, &told);
        g_assert_cmpuint(told.calls, ==, 0);

        bw_rate_sum_up(rate, 20 * SECOND, 10 * SECOND, on_told, &told);
        g_assert_cmpuint(told.calls, ==, 1);
        g_assert_cmpuint(told.left_out, ==, 7);
        g_assert_cmpstr(told.last_key, ==, "vk63 spoofed-ip");

        /* Told once. */
        bw_rate_sum_up(rate, 40 * SECOND, 10 * SECOND, on_told, &told);
        g_assert_cmpuint(told.calls, ==, 1);
        g_free(told.last_key);
}

/* Under a flood without end each key is told once an interval, and nothing is lost in between. */
static void test_sums_during_flood(void) {
        g_autoptr(BwRate) rate = bw_rate_new(10);
        Told told = { 0 };
        unsigned passed = 0;

        for (unsigned ms = 0; ms < 60 * 1000; ms++) {
                passed += bw_rate_pass(rate, "vk63 spoofed-ip", ms * 1000LL);
                if (ms % 1000 == 0)
                        bw_rate_sum_up(rate, ms * 1000LL, 10 * SECOND, on_told, &told);
        }
        g_assert_cmpuint(told.calls, >=, 5);
        g_assert_cmpuint(told.calls, <=, 6);
        bw_rate_sum_up(rate, 100 * SECOND, 10 * SECOND, on_told, &told);
        g_assert_cmpuint(passed + told.left_out, ==, 60 * 1000);
        g_assert_cmpuint(passed, <=, 610);
        g_free(told.last_key);
}

static void test_bounded(void) {
        g_autoptr(BwRate) rate = bw_rate_new(1);
        Told told = { 0 };
        unsigned passed = 0;

        for (unsigned i = 0; i < 10000; i++) {
                g_autofree char *key = g_strdup_printf("port%u spoofed-ip", i);

                passed += bw_rate_pass(rate, key, SECOND);
        }
        /* 4096 keys of their own and the one that is shared. */
        g_assert_cmpuint(passed, ==, 4097);
        bw_rate_sum_up(rate, 100 * SECOND, SECOND, on_told, &told);
        g_assert_cmpuint(told.calls, ==, 1);
        g_assert_cmpuint(told.left_out, ==, 10000 - 4097);
        g_assert_cmpstr(told.last_key, ==, BW_RATE_OTHERS);

        /* All have been quiet since: there is room again for a key of its own. */
        bw_rate_sum_up(rate, 200 * SECOND, SECOND, on_told, &told);
        g_assert_cmpuint(pass_many(rate, "late1 unbound", 2, 200 * SECOND), ==, 1);
        g_assert_cmpuint(pass_many(rate, "late2 unbound", 2, 200 * SECOND), ==, 1);
        g_free(told.last_key);
}

/* Forgetting must not hand out a new burst to who has just used his. */
static void test_sum_up_keeps_used_bucket(void) {
        g_autoptr(BwRate) rate = bw_rate_new(5);
        Told told = { 0 };

        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 5, SECOND), ==, 5);
        bw_rate_sum_up(rate, SECOND + SECOND / 10, SECOND, on_told, &told);
        g_assert_cmpuint(pass_many(rate, "vk63 spoofed-ip", 5, SECOND + SECOND / 10), ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/rate/burst-then-steady", test_burst_then_steady);
        g_test_add_func("/rate/nothing-is-saved", test_nothing_is_saved);
        g_test_add_func("/rate/keys-do-not-share", test_keys_do_not_share);
        g_test_add_func("/rate/zero-lets-nothing-pass", test_zero_lets_nothing_pass);
        g_test_add_func("/rate/most-there-is", test_most_there_is);
        g_test_add_func("/rate/clock-goes-back", test_clock_goes_back);
        g_test_add_func("/rate/sums", test_sums);
        g_test_add_func("/rate/sums-during-flood", test_sums_during_flood);
        g_test_add_func("/rate/bounded", test_bounded);
        g_test_add_func("/rate/sum-up-keeps-used-bucket", test_sum_up_keeps_used_bucket);
        return g_test_run();
}
