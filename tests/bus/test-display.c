/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What several rules and engines have counted of a port is one figure per reason. */

#include "display.h"

#include <string.h>

static void keep(const BwBusPort *port, gpointer user) {
        BwBusPort *ret = user;

        memcpy(ret->dropped, port->dropped, sizeof(ret->dropped));
        memcpy(ret->monitored, port->monitored, sizeof(ret->monitored));
}

/* What is shown of the only port; only its figures are set. */
static BwBusPort shown(const BwDisplay *display) {
        g_autoptr(GArray) macs = g_array_new(FALSE, TRUE, sizeof(BwMac));
        g_autoptr(GArray) addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        g_autoptr(GPtrArray) ports = g_ptr_array_new(), bridges = g_ptr_array_new();
        BwPortPlan port = { .name = "vk63", .macs = macs, .addresses = addresses };
        BwBridgePlan bridge = { .name = "virbr6", .ports = ports };
        BwPlan plan = { .bridges = bridges };
        BwBusPort found = { 0 };

        g_ptr_array_add(ports, &port);
        g_ptr_array_add(bridges, &bridge);
        bw_display_ports(display, &plan, NULL, BW_ENGINE_ALL, keep, &found);
        return found;
}

static void count(BwDisplay *display, const char *port, BwReason reason, bool drops,
                  uint64_t packets) {
        BwTally tally = { .bridge = "virbr6",
                          .port = port,
                          .reason = reason,
                          .drops = drops,
                          .packets = packets };

        bw_display_count(display, &tally);
}

static void test_sums(void) {
        g_autoptr(BwDisplay) display = bw_display_new();
        BwBusPort port;

        count(display, "vk63", BW_REASON_SPOOFED_IP, true, 7);
        count(display, "vk63", BW_REASON_SPOOFED_IP, true, 2);
        count(display, "vk63", BW_REASON_SPOOFED_IP, false, 5);
        count(display, "vk63", BW_REASON_FLOODED, true, 1);
        count(display, "vk64", BW_REASON_SPOOFED_IP, true, 100);
        count(display, "", BW_REASON_UNBOUND, true, 100);
        port = shown(display);
        g_assert_cmpuint(port.dropped[BW_REASON_SPOOFED_IP], ==, 9);
        g_assert_cmpuint(port.dropped[BW_REASON_FLOODED], ==, 1);
        g_assert_cmpuint(port.dropped[BW_REASON_UNBOUND], ==, 0);
        g_assert_cmpuint(port.monitored[BW_REASON_SPOOFED_IP], ==, 5);
        g_assert_cmpuint(port.monitored[BW_REASON_FLOODED], ==, 0);
}

static void test_forget(void) {
        g_autoptr(BwDisplay) display = bw_display_new();

        count(display, "vk63", BW_REASON_SPOOFED_IP, true, 7);
        bw_display_forget(display);
        g_assert_cmpuint(shown(display).dropped[BW_REASON_SPOOFED_IP], ==, 0);
        count(display, "vk63", BW_REASON_SPOOFED_IP, true, 3);
        g_assert_cmpuint(shown(display).dropped[BW_REASON_SPOOFED_IP], ==, 3);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/display/sums", test_sums);
        g_test_add_func("/display/forget", test_forget);
        return g_test_run();
}
