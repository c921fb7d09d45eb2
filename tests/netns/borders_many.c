/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Borders of many bridges: a row of real ones, and what a tree of forty costs. */

#include "border_net.h"
#include "border_packet.h"
#include "borders.h"

#include <bw/nft_table.h>
#include <nftables.h>
#include <settings.h>

/* What the rules of a thousand guests in a tree of 40 bridges come to. No link of it is there:
 * rules are about names. */

#define BRIDGES 40
#define GUESTS  1000

static void tell_bridge(BwNet *net, unsigned number) {
        g_autofree char *name = g_strdup_printf("t-%u", number);
        BwLink link = bw_test_bridge((int) (1 + number), name);

        link.mac = (BwMac){ { 0x02, 0xb0, 0, 0, 0, (uint8_t) number } };
        bw_test_tell_link(net->model, &link);
}

static void tell_pair(BwNet *net, unsigned number) {
        BwLink near = { .ifindex = (int) (100 + 2 * number),
                        .kind = BW_LINK_VETH,
                        .mac = bw_test_mac("52:54:00:ee:ee:ee"),
                        .master = (int) (1 + number),
                        .peer = (int) (101 + 2 * number),
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING };
        BwLink far = near;

        far.ifindex = near.peer;
        far.peer = near.ifindex;
        far.master = (int) (1 + (number - 1) / 2);
        g_snprintf(near.name, sizeof(near.name), "t-l%u", number);
        g_snprintf(far.name, sizeof(far.name), "t-m%u", number);
        bw_test_tell_link(net->model, &near);
        bw_test_tell_link(net->model, &far);
}

static void tell_guest(BwNet *net, unsigned number) {
        g_autofree char *name = g_strdup_printf("t-g%u", number);
        BwMac own = { { 0x52, 0x54, 0, 0x0d, (uint8_t) (number >> 8), (uint8_t) number } };
        BwLink link = bw_test_tap((int) (1000 + number), name, own, (int) (1 + number % BRIDGES));
        char text[BW_MAC_TEXT_SIZE];

        bw_test_tell_link(net->model, &link);
        g_string_append_printf(net->settings,
                               "[Port %s]\nMACs=%s\nAddresses=10.7.%u.%u 2001:db8:7::%x\n", name,
                               bw_mac_print(&own, text), number >> 8, number & 255, number);
}

static BwNftTable *compile(BwNet *net) {
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();

        bw_net_plan(net, "");
        return bw_nft_compile(net->plan, nowhere);
}

static BwNftReport write_table(BwNet *net, const BwNftTable *table, const char *what) {
        g_autoptr(GError) error = NULL;
        gint64 before = g_get_monotonic_time();
        BwNftReport report;

        bw_nftables_sync(net->nftables, table, &report, &error);
        g_assert_no_error(error);
        g_test_message("%s: %.1f ms", what, (double) (g_get_monotonic_time() - before) / 1000);
        return report;
}

void bw_borders_test_many(void) {
        g_autoptr(BwNet) net = bw_net_new(BW_ENGINE_NFTABLES);
        g_autoptr(BwNftables) later = bw_nftables_new();
        g_autoptr(BwNftTable) table = NULL, one_more = NULL;
        g_autoptr(GError) error = NULL;
        bool equal = false;
        gint64 before;

        for (unsigned i = 0; i < BRIDGES; i++)
                tell_bridge(net, i);
        for (unsigned i = 1; i < BRIDGES; i++)
                tell_pair(net, i);
        for (unsigned i = 0; i < GUESTS; i++)
                tell_guest(net, i);
        before = g_get_monotonic_time();
        table = compile(net);
        g_test_message("planned and compiled: %.1f ms",
                       (double) (g_get_monotonic_time() - before) / 1000);
        g_assert_true(write_table(net, table, "all written and read back").whole);
        tell_guest(net, GUESTS);
        one_more = compile(net);
        g_assert_false(write_table(net, one_more, "one guest more").whole);
        g_assert_false(write_table(net, table, "and gone").whole);
        g_assert_false(write_table(net, one_more, "and back").whole);
        before = g_get_monotonic_time();
        bw_nftables_check(later, one_more, &equal, &error);
        g_assert_no_error(error);
        g_assert_true(equal);
        g_test_message("read by another: %.1f ms",
                       (double) (g_get_monotonic_time() - before) / 1000);
}

/* Real bridges in a row, and a guest at each end of it. */
void bw_borders_test_forty(void) {
        g_autoptr(BwNet) net = bw_net_new(BW_ENGINE_NFTABLES);
        int bridges[BRIDGES];
        unsigned first, last;
        static const BwNetPacket there = { PLAIN, B1_MAC, A1_MAC, "10.0.0.11", "10.0.0.21", NULL };
        static const BwNetPacket spoofed = {
                PLAIN, B1_MAC, A1_MAC, "10.0.0.21", "10.0.0.21", NULL
        };

        for (unsigned i = 0; i < BRIDGES; i++) {
                g_autofree char *name = g_strdup_printf("t-%u", i);
                g_autofree char *mac = g_strdup_printf("02:b0:00:00:00:%02x", i);

                bridges[i] = bw_net_add_bridge(net, name, mac);
        }
        first = bw_net_add_port(net, "t-first", bridges[0], false, BW_LINK_TAP);
        last = bw_net_add_port(net, "t-last", bridges[BRIDGES - 1], false, BW_LINK_TAP);
        for (unsigned i = 1; i < BRIDGES; i++) {
                g_autofree char *name = g_strdup_printf("t-l%u", i);
                g_autofree char *peer = g_strdup_printf("t-m%u", i);

                bw_net_add_link(net, name, bridges[i - 1], peer, bridges[i]);
        }
        g_string_append(net->settings, "Bridges=t-0");
        for (unsigned i = 1; i < BRIDGES; i++)
                g_string_append_printf(net->settings, " t-%u", i);
        g_string_append(net->settings, "\n[Port t-first]\nMACs=" A1_MAC "\nAddresses=10.0.0.11\n"
                                       "[Port t-last]\nMACs=" B1_MAC "\nAddresses=10.0.0.21\n");
        net->hops = 2 * BRIDGES;
        bw_net_await(net);
        bw_net_arm(net, "");
        for (unsigned turn = 0; turn < 3; turn++) {
                g_autoptr(GByteArray) frame = bw_net_packet(turn == 1 ? &spoofed : &there);

                g_assert_cmphex(bw_net_fire(net, first, frame), ==, turn == 1 ? NOBODY : AT(last));
        }
        g_assert_cmpuint(bw_net_count(net, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, true), ==, 0);
        /* The first port does not look any more: the first border does. */
        bw_net_arm(net, "[Port t-first]\nMode=off\n");
        {
                g_autoptr(GByteArray) frame = bw_net_packet(&spoofed);

                g_assert_cmphex(bw_net_fire(net, first, frame), ==, NOBODY);
        }
        g_assert_cmpuint(bw_net_count(net, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, true), ==, 1);
}
