/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two bridges that a veth pair joins, and an uplink, under the iptables engine alone: who gets a
 * packet, and whose own chain has denied it. Everybody's Ethernet destination is unknown, so that
 * bridges flood and only rules keep packets from somebody.
 */

#include "border_net.h"

#include <arpa/inet.h>
#include <bw/corpus_packet.h>
#include <command.h>
#include <net/ethernet.h>
#include <netns.h>
#include <string.h>

/* Ports, and their bits in a set. Of the two that nobody guards any lie comes as far as a border.
 */
enum {
        GUEST4, /* on br4: 10.0.0.4 */
        OPEN4,
        GUEST6, /* on br6: 10.0.0.6 */
        OPEN6,
        UPLINK, /* of br6 */
        N_ENDS
};

#define BIT(end) (1u << (end))

static const struct {
        const char *port, *bridge;
} ends[N_ENDS] = {
        [GUEST4] = { "t-vk4", "t-br4" }, [OPEN4] = { "t-x4", "t-br4" },
        [GUEST6] = { "t-vk6", "t-br6" }, [OPEN6] = { "t-x6", "t-br6" },
        [UPLINK] = { "t-up6", "t-br6" },
};

static const char *const common =
        "[Guard]\nUnknownPorts=drop\nBridges=t-br4 t-br6\n"
        "[Port t-vk4]\nMACs=02:00:00:00:00:04\nAddresses=10.0.0.4 2001:db8::4\n"
        "[Port t-vk6]\nMACs=02:00:00:00:00:06\nAddresses=10.0.0.6 2001:db8::6\n"
        "[Port t-x4]\nMode=off\n[Port t-x6]\nMode=off\n[Port t-up6]\nRole=uplink\n";

static const BwMac nobody = { { 2, 0, 0, 0, 0, 0x99 } };

static BwNet *net_of_two(void) {
        BwNet *net = bw_net_new(BW_ENGINE_IPTABLES);
        int br4 = bw_net_add_bridge(net, "t-br4", "02:b0:00:00:00:04");
        int br6 = bw_net_add_bridge(net, "t-br6", "02:b0:00:00:00:06");

        for (unsigned i = 0; i < N_ENDS; i++)
                bw_net_add_port(net, ends[i].port, g_str_equal(ends[i].bridge, "t-br4") ? br4 : br6,
                                false, i == UPLINK ? BW_LINK_OTHER : BW_LINK_TAP);
        bw_net_add_link(net, "t-j4", br4, "t-j6", br6);
        g_string_assign(net->settings, common);
        bw_net_await(net);
        return net;
}

/* Packets */

static BwPrefix address_of(const char *text) {
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;
        uint8_t bytes[16];

        g_assert_cmpint(inet_pton(family == BW_FAMILY_IPV4 ? AF_INET : AF_INET6, text, bytes), ==,
                        1);
        return bw_prefix_from_address(family, bytes);
}

static unsigned who_gets(const BwNet *net, unsigned from, const char *source,
                         const char *destination) {
        BwPacketIp ip = { .source = address_of(source),
                          .destination = address_of(destination),
                          .protocol = IPPROTO_UDP };
        uint16_t ethertype = ip.source.family == BW_FAMILY_IPV4 ? ETH_P_IP : ETH_P_IPV6;
        GByteArray *payload = bw_packet_udp(1000, 2000, bw_packet_filler(8));
        const BwMac sender = { { 2, 0, 0, 0, 1, (uint8_t) from } };
        g_autoptr(GByteArray) frame = bw_packet_ethernet(
                nobody, sender, ethertype, bw_packet_ip(&ip, bw_packet_seal(&ip, payload)));

        return bw_net_fire(net, from, frame);
}

/* "10.0.0." is here, "192.0.2." elsewhere, "224.0.0.9" for all. */
static char *in_ipv6(const char *text) {
        if (g_str_has_prefix(text, "10.0.0."))
                return g_strconcat("2001:db8::", text + strlen("10.0.0."), NULL);
        if (g_str_has_prefix(text, "192.0.2."))
                return g_strconcat("2001:db8:2::", text + strlen("192.0.2."), NULL);
        g_assert_cmpstr(text, ==, "224.0.0.9");
        return g_strdup("ff02::9");
}

typedef struct Row {
        unsigned from;
        const char *source, *destination;
        unsigned right; /* who gets it */
} Row;

static void check_row(const BwNet *net, const Row *row) {
        g_autofree char *source = in_ipv6(row->source), *destination = in_ipv6(row->destination);
        unsigned ipv4 = who_gets(net, row->from, row->source, row->destination);
        unsigned ipv6 = who_gets(net, row->from, source, destination);

        if (ipv4 == row->right && ipv6 == row->right)
                return;
        g_test_message("%s: %s > %s: wanted %#x, got %#x with IPv4, %#x with IPv6",
                       ends[row->from].port, row->source, row->destination, row->right, ipv4, ipv6);
        g_test_fail();
}

static void check(const BwNet *net, const Row *rows, gsize n) {
        for (gsize i = 0; i < n; i++)
                check_row(net, &rows[i]);
}

/* Reports and verdicts of one port's own chain, of both families. */
static unsigned count_denied(const char *table, const char *port, const char *verdict) {
        g_autofree char *text =
                bw_test_output("for t in iptables ip6tables; do $t-legacy-save -c -t %s; done | "
                               "sed -n 's/^\\[\\([0-9]*\\):.*-A bw-b-%s -j %s$/\\1/p'",
                               table, port, verdict);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        unsigned sum = 0;

        g_assert_cmpuint(g_strv_length(lines), ==, 3);
        for (char **line = lines; *line; line++)
                sum += (unsigned) atoi(*line);
        return sum;
}

static void test_without(void) {
        const Row rows[] = {
                { OPEN4, "10.0.0.6", "224.0.0.9",
                  BIT(GUEST4) | BIT(GUEST6) | BIT(OPEN6) | BIT(UPLINK) },
                { UPLINK, "10.0.0.4", "10.0.0.6",
                  BIT(GUEST4) | BIT(OPEN4) | BIT(GUEST6) | BIT(OPEN6) },
        };
        g_autoptr(BwNet) net = net_of_two();

        check(net, rows, G_N_ELEMENTS(rows));
}

static void test_link(void) {
        const Row rows[] = {
                { GUEST6, "10.0.0.6", "10.0.0.4", BIT(GUEST4) | BIT(OPEN4) | BIT(OPEN6) },
                { GUEST4, "10.0.0.4", "10.0.0.6", BIT(GUEST6) | BIT(OPEN4) | BIT(OPEN6) },
                { GUEST6, "10.0.0.6", "192.0.2.1", BIT(OPEN4) | BIT(OPEN6) | BIT(UPLINK) },
                /* He says he is on the other side. */
                { OPEN4, "10.0.0.6", "224.0.0.9", BIT(GUEST4) },
                { OPEN6, "10.0.0.4", "224.0.0.9", BIT(GUEST6) | BIT(UPLINK) },
                { OPEN4, "10.0.0.99", "224.0.0.9",
                  BIT(GUEST4) | BIT(GUEST6) | BIT(OPEN6) | BIT(UPLINK) },
                /* For somebody on this side. */
                { OPEN4, "10.0.0.99", "10.0.0.4", BIT(GUEST4) },
                { OPEN6, "10.0.0.99", "10.0.0.6", BIT(GUEST6) },
                { OPEN4, "10.0.0.99", "10.0.0.6", BIT(GUEST6) | BIT(OPEN6) },
        };
        g_autoptr(BwNet) net = net_of_two();

        bw_net_arm(net, "");
        check(net, rows, G_N_ELEMENTS(rows));
        g_assert_cmpuint(count_denied("raw", "t-j6", "DROP"), ==, 2);
        g_assert_cmpuint(count_denied("raw", "t-j4", "DROP"), ==, 2);
        g_assert_cmpuint(count_denied("mangle", "t-j4", "DROP"), ==, 2);
        g_assert_cmpuint(count_denied("mangle", "t-j6", "DROP"), >=, 2);
}

static void test_uplink(void) {
        const Row rows[] = {
                { UPLINK, "10.0.0.6", "224.0.0.9", 0 },
                { UPLINK, "10.0.0.4", "224.0.0.9", 0 },
                { UPLINK, "192.0.2.1", "224.0.0.9",
                  BIT(GUEST4) | BIT(OPEN4) | BIT(GUEST6) | BIT(OPEN6) },
                { UPLINK, "192.0.2.1", "10.0.0.4", BIT(GUEST4) | BIT(OPEN4) | BIT(OPEN6) },
                { OPEN6, "10.0.0.99", "10.0.0.4", BIT(GUEST4) | BIT(OPEN4) },
                { OPEN6, "10.0.0.99", "192.0.2.1", BIT(OPEN4) | BIT(UPLINK) },
        };
        g_autoptr(BwNet) net = net_of_two();

        bw_net_arm(net, "");
        check(net, rows, G_N_ELEMENTS(rows));
        g_assert_cmpuint(count_denied("raw", "t-up6", "DROP"), ==, 4);
        g_assert_cmpuint(count_denied("mangle", "t-up6", "DROP"), ==, 2);
}

static void test_closed(void) {
        const Row rows[] = {
                { UPLINK, "192.0.2.1", "224.0.0.9", 0 },
                { UPLINK, "10.0.0.6", "224.0.0.9", 0 },
                { UPLINK, "10.0.0.200", "224.0.0.9",
                  BIT(GUEST4) | BIT(OPEN4) | BIT(GUEST6) | BIT(OPEN6) },
                { OPEN6, "10.0.0.99", "192.0.2.1", BIT(OPEN4) },
                { OPEN6, "10.0.0.99", "10.0.0.200", BIT(UPLINK) },
                { OPEN4, "10.0.0.99", "10.0.0.200", BIT(OPEN6) | BIT(UPLINK) },
                { OPEN4, "10.0.0.200", "224.0.0.9", BIT(GUEST4) },
        };
        g_autoptr(BwNet) net = net_of_two();

        bw_net_arm(net, "Closed=yes\nAddresses=10.0.0.192/26 2001:db8::200/120\n");
        check(net, rows, G_N_ELEMENTS(rows));
}

static void test_monitor(void) {
        const Row rows[] = {
                { UPLINK, "10.0.0.6", "224.0.0.9", BIT(GUEST4) | BIT(OPEN4) | BIT(OPEN6) },
                { UPLINK, "10.0.0.4", "224.0.0.9", BIT(GUEST6) | BIT(OPEN6) },
                { OPEN6, "10.0.0.99", "10.0.0.4", BIT(GUEST4) | BIT(OPEN4) | BIT(UPLINK) },
        };
        g_autoptr(BwNet) net = net_of_two();

        bw_net_arm(net, "Mode=monitor\n");
        check(net, rows, G_N_ELEMENTS(rows));
        g_assert_cmpuint(count_denied("raw", "t-up6", "RETURN"), ==, 4);
        g_assert_cmpuint(count_denied("mangle", "t-up6", "RETURN"), ==, 2);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        bw_net_hold_cpu();
        g_test_add_func("/iptables-borders/without", test_without);
        g_test_add_func("/iptables-borders/link", test_link);
        g_test_add_func("/iptables-borders/uplink", test_uplink);
        g_test_add_func("/iptables-borders/closed", test_closed);
        g_test_add_func("/iptables-borders/monitor", test_monitor);
        return g_test_run();
}
