/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two bridges that a veth pair joins, and an uplink, under the iptables engine alone: who gets a
 * packet. Every wire is a real veth; everybody's Ethernet destination is unknown, so that bridges
 * flood and only rules keep packets from somebody.
 */

#include <arpa/inet.h>
#include <bw/corpus_packet.h>
#include <command.h>
#include <iptables.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netns.h>
#include <poll.h>
#include <sched.h>
#include <settings.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <world.h>

#define FENCE 0x88b5 /* an ethertype for experiments (IEEE 802): no iptables sees it */

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
        [GUEST4] = { "vk4", "br4" }, [OPEN4] = { "x4", "br4" },   [GUEST6] = { "vk6", "br6" },
        [OPEN6] = { "x6", "br6" },   [UPLINK] = { "up6", "br6" },
};

static const char *const common =
        "[Guard]\nUnknownPorts=drop\nBridges=br4 br6\n"
        "[Port vk4]\nMACs=02:00:00:00:00:04\nAddresses=10.0.0.4 2001:db8::4\n"
        "[Port vk6]\nMACs=02:00:00:00:00:06\nAddresses=10.0.0.6 2001:db8::6\n"
        "[Port x4]\nMode=off\n[Port x6]\nMode=off\n[Port up6]\nRole=uplink\n";

static const BwMac nobody = { { 2, 0, 0, 0, 0, 0x99 } };

static int wires[N_ENDS];

static int open_wire(const char *name) {
        struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                       .sll_protocol = htons(ETH_P_ALL),
                                       .sll_ifindex = (int) if_nametoindex(name) };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        return fd;
}

static void build(void) {
        bw_test_run(
                "sysctl -qw net.ipv6.conf.default.disable_ipv6=1;"
                "for b in br4 br6; do ip link add $b type bridge ageing_time 0 mcast_snooping 0 "
                "nf_call_iptables 1 nf_call_ip6tables 1; ip link set $b up; done;"
                "ip link add j4 type veth peer name j6;"
                "for n in 4 6; do ip link set j$n master br$n; ip link set j$n up; done");
        for (unsigned i = 0; i < N_ENDS; i++) {
                g_autofree char *far = g_strdup_printf("f-%s", ends[i].port);

                bw_test_run("ip link add %s type veth peer name %s; ip link set %s master %s;"
                            "ip link set %s up; ip link set %s up",
                            ends[i].port, far, ends[i].port, ends[i].bridge, ends[i].port, far);
                wires[i] = open_wire(far);
        }
}

/* Rules */

static void clear_tables(void) {
        bw_test_run("for t in iptables ip6tables; do for b in raw mangle; do "
                    "$t-legacy -t $b -F; $t-legacy -t $b -X; done; done");
}

static void tell(BwModel *model, const char *name, const char *bridge, const char *peer) {
        BwLink link =
                bw_test_tap((int) if_nametoindex(name), name, nobody, (int) if_nametoindex(bridge));

        link.kind = BW_LINK_VETH;
        link.peer = peer ? (int) if_nametoindex(peer) : 0;
        link.up = link.running = true;
        link.stp_state = BW_STP_FORWARDING;
        bw_test_tell_link(model, &link);
}

/* Counters begin at 0. */
static void arm(const char *more) {
        g_autofree char *text = g_strconcat(common, more, NULL);
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);
        g_autoptr(BwModel) model = bw_model_new();
        BwIptWish wishes[BW_IPT_TABLE_MAX] = {};
        g_autoptr(BwPlan) plan = NULL;
        g_autoptr(GError) error = NULL;

        clear_tables();
        for (unsigned i = 4; i <= 6; i += 2) {
                g_autofree char *name = g_strdup_printf("br%u", i);
                BwLink bridge = bw_test_bridge((int) if_nametoindex(name), name);

                bw_test_tell_link(model, &bridge);
        }
        tell(model, "j4", "br4", "j6");
        tell(model, "j6", "br6", "j4");
        for (unsigned i = 0; i < N_ENDS; i++)
                tell(model, ends[i].port, ends[i].bridge, NULL);
        plan = bw_plan_new(model, config);
        g_assert_cmpuint(plan->segments->len, ==, 1);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                wishes[table].chains = bw_ipt_compile(plan, table);
        bw_iptables_sync_all(wishes, BW_IPT_LOCK_SKIPPED, &error);
        g_assert_no_error(error);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_assert_no_error(wishes[table].error);
                g_ptr_array_unref((GPtrArray *) wishes[table].chains);
        }
}

/* Packets */

static void send_bytes(unsigned from, uint16_t ethertype, GByteArray *payload) {
        const BwMac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
        const BwMac sender = { { 2, 0, 0, 0, 1, (uint8_t) from } };
        g_autoptr(GByteArray) frame = bw_packet_ethernet(ethertype == FENCE ? broadcast : nobody,
                                                         sender, ethertype, payload);

        g_assert_cmpint(write(wires[from], frame->data, frame->len), ==, (ssize_t) frame->len);
}

static bool is_incoming(const struct sockaddr_ll *address) {
        return address->sll_pkttype != PACKET_OUTGOING;
}

/* All hops are on one CPU, whose queue keeps the order: what comes before the fence has come. */
static bool came_before_fence(unsigned end) {
        const int patience_ms = 30000;
        struct pollfd poll_fd = { .fd = wires[end], .events = POLLIN };
        bool came = false;

        for (;;) {
                struct sockaddr_ll address;
                socklen_t size = sizeof(address);
                uint8_t frame[2048];
                ssize_t n = recvfrom(wires[end], frame, sizeof(frame), 0,
                                     (struct sockaddr *) &address, &size);
                uint16_t ethertype = n >= 14 ? (uint16_t) (frame[12] << 8 | frame[13]) : 0;

                if (n < 0) {
                        g_assert_cmpint(poll(&poll_fd, 1, patience_ms), ==, 1);
                        continue;
                }
                if (!is_incoming(&address))
                        continue;
                if (ethertype == FENCE)
                        return came;
                came |= ethertype == ETH_P_IP || ethertype == ETH_P_IPV6;
        }
}

static BwPrefix address_of(const char *text) {
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;
        uint8_t bytes[16];

        g_assert_cmpint(inet_pton(family == BW_FAMILY_IPV4 ? AF_INET : AF_INET6, text, bytes), ==,
                        1);
        return bw_prefix_from_address(family, bytes);
}

static unsigned who_gets(unsigned from, const char *source, const char *destination) {
        BwPacketIp ip = { .source = address_of(source),
                          .destination = address_of(destination),
                          .protocol = IPPROTO_UDP };
        uint16_t ethertype = ip.source.family == BW_FAMILY_IPV4 ? ETH_P_IP : ETH_P_IPV6;
        GByteArray *payload = bw_packet_udp(1000, 2000, bw_packet_filler(8));
        unsigned got = 0;

        send_bytes(from, ethertype, bw_packet_ip(&ip, bw_packet_seal(&ip, payload)));
        send_bytes(from, FENCE, bw_packet_filler(46));
        for (unsigned i = 0; i < N_ENDS; i++)
                if (i != from && came_before_fence(i))
                        got |= BIT(i);
        return got;
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

static void check_row(const Row *row) {
        g_autofree char *source = in_ipv6(row->source), *destination = in_ipv6(row->destination);
        unsigned ipv4 = who_gets(row->from, row->source, row->destination);
        unsigned ipv6 = who_gets(row->from, source, destination);

        if (ipv4 == row->right && ipv6 == row->right)
                return;
        g_test_message("%s: %s > %s: wanted %#x, got %#x with IPv4, %#x with IPv6",
                       ends[row->from].port, row->source, row->destination, row->right, ipv4, ipv6);
        g_test_fail();
}

static void check(const Row *rows, gsize n) {
        for (gsize i = 0; i < n; i++)
                check_row(&rows[i]);
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

        clear_tables();
        check(rows, G_N_ELEMENTS(rows));
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

        arm("");
        check(rows, G_N_ELEMENTS(rows));
        g_assert_cmpuint(count_denied("raw", "j6", "DROP"), ==, 2);
        g_assert_cmpuint(count_denied("raw", "j4", "DROP"), ==, 2);
        g_assert_cmpuint(count_denied("mangle", "j4", "DROP"), ==, 2);
        g_assert_cmpuint(count_denied("mangle", "j6", "DROP"), >=, 2);
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

        arm("");
        check(rows, G_N_ELEMENTS(rows));
        g_assert_cmpuint(count_denied("raw", "up6", "DROP"), ==, 4);
        g_assert_cmpuint(count_denied("mangle", "up6", "DROP"), ==, 2);
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

        arm("Closed=yes\nAddresses=10.0.0.192/26 2001:db8::200/120\n");
        check(rows, G_N_ELEMENTS(rows));
}

static void test_monitor(void) {
        const Row rows[] = {
                { UPLINK, "10.0.0.6", "224.0.0.9", BIT(GUEST4) | BIT(OPEN4) | BIT(OPEN6) },
                { UPLINK, "10.0.0.4", "224.0.0.9", BIT(GUEST6) | BIT(OPEN6) },
                { OPEN6, "10.0.0.99", "10.0.0.4", BIT(GUEST4) | BIT(OPEN4) | BIT(UPLINK) },
        };

        arm("Mode=monitor\n");
        check(rows, G_N_ELEMENTS(rows));
        g_assert_cmpuint(count_denied("raw", "up6", "RETURN"), ==, 4);
        g_assert_cmpuint(count_denied("mangle", "up6", "RETURN"), ==, 2);
}

/* The order of the queue is the order of arrival on one CPU only. */
static void hold_cpu(void) {
        cpu_set_t one;

        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        g_assert_cmpint(sched_setaffinity(0, sizeof(one), &one), ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        hold_cpu();
        build();
        g_test_add_func("/iptables-borders/without", test_without);
        g_test_add_func("/iptables-borders/link", test_link);
        g_test_add_func("/iptables-borders/uplink", test_uplink);
        g_test_add_func("/iptables-borders/closed", test_closed);
        g_test_add_func("/iptables-borders/monitor", test_monitor);
        return g_test_run();
}
