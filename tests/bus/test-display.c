/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Many who ask for the ports cost one reading of the counters a second. */

#include "display.h"

#include <bw/error.h>
#include <string.h>

typedef struct Kernel {
        unsigned read; /* how often its counters were */
        uint64_t packets;
        const char *trouble; /* NULL: it can be read */
} Kernel;

static bool read_counters(BwDisplay *display, gpointer user, GError **error) {
        Kernel *kernel = user;
        BwTally tally = { .bridge = "virbr6",
                          .port = "vk63",
                          .reason = BW_REASON_SPOOFED_IP,
                          .drops = true,
                          .packets = kernel->packets };

        kernel->read++;
        bw_display_count(display, &tally);
        if (!kernel->trouble)
                return true;
        g_set_error_literal(error, BW_ERROR, BW_ERROR_DENIED, kernel->trouble);
        return false;
}

static void keep_dropped(const BwBusPort *port, gpointer user) {
        *(uint64_t *) user += port->dropped[BW_REASON_SPOOFED_IP];
}

/* What is shown of the only port. */
static uint64_t dropped_of(const BwDisplay *display) {
        g_autoptr(GArray) macs = g_array_new(FALSE, TRUE, sizeof(BwMac));
        g_autoptr(GArray) addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        g_autoptr(GPtrArray) ports = g_ptr_array_new(), bridges = g_ptr_array_new();
        BwPortPlan port = { .name = "vk63", .macs = macs, .addresses = addresses };
        BwBridgePlan bridge = { .name = "virbr6", .ports = ports };
        BwPlan plan = { .bridges = bridges };
        uint64_t dropped = 0;

        g_ptr_array_add(ports, &port);
        g_ptr_array_add(bridges, &bridge);
        bw_display_ports(display, &plan, NULL, BW_ENGINE_ALL, keep_dropped, &dropped);
        return dropped;
}

/* A caller every millisecond for ten seconds. */
static void test_loop_of_callers(void) {
        g_autoptr(BwDisplay) display = bw_display_new();
        Kernel kernel = { .packets = 7 };

        for (int64_t now = 0; now < 10 * G_USEC_PER_SEC; now += 1000) {
                g_assert_true(bw_display_refresh(display, now, read_counters, &kernel, NULL));
                g_assert_cmpuint(dropped_of(display), ==, 7);
        }
        g_assert_cmpuint(kernel.read, ==, 10);
}

static void test_counters_are_at_most_a_second_old(void) {
        g_autoptr(BwDisplay) display = bw_display_new();
        Kernel kernel = { .packets = 7 };
        int64_t start = 5 * G_USEC_PER_SEC;

        g_assert_true(bw_display_refresh(display, start, read_counters, &kernel, NULL));
        kernel.packets = 9;
        g_assert_true(bw_display_refresh(display, start + 999999, read_counters, &kernel, NULL));
        g_assert_cmpuint(dropped_of(display), ==, 7);
        g_assert_true(bw_display_refresh(display, start + 1000000, read_counters, &kernel, NULL));
        g_assert_cmpuint(dropped_of(display), ==, 9);
        g_assert_cmpuint(kernel.read, ==, 2);
}

/* A kernel that refuses is not asked more often than one that answers. */
static void test_failure_is_kept_and_passes(void) {
        g_autoptr(BwDisplay) display = bw_display_new();
        Kernel kernel = { .packets = 7, .trouble = "not permitted" };

        for (int64_t now = 0; now < G_USEC_PER_SEC; now += 10000) {
                g_autoptr(GError) error = NULL;

                g_assert_false(bw_display_refresh(display, now, read_counters, &kernel, &error));
                g_assert_error(error, BW_ERROR, BW_ERROR_DENIED);
                g_assert_cmpstr(error->message, ==, "not permitted");
        }
        g_assert_cmpuint(kernel.read, ==, 1);
        kernel.trouble = NULL;
        g_assert_true(bw_display_refresh(display, G_USEC_PER_SEC, read_counters, &kernel, NULL));
        g_assert_cmpuint(dropped_of(display), ==, 7);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/display/loop-of-callers", test_loop_of_callers);
        g_test_add_func("/display/at-most-a-second-old", test_counters_are_at_most_a_second_old);
        g_test_add_func("/display/failure-is-kept", test_failure_is_kept_and_passes);
        return g_test_run();
}
