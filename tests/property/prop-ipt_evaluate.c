/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The chains of both families say what the evaluator says
 *
 * As far as iptables can carry a reason. Random bridges, some of them joined, with
 * routers, strict ports, ports of several MACs, borders, gateways, networks and
 * link-local addresses that somebody has declared, and random packets aimed at what
 * they own.
 */

#include "interpreter.h"
#include "random.h"
#include "settings.h"
#include "world.h"
#include <bw/corpus_packet.h>

#include <arpa/inet.h>
#include <bw/address_tree.h>
#include <bw/engine.h>
#include <bw/evaluate.h>
#include <bw/frame.h>
#include <bw/ipt_compile.h>
#include <bw/owner.h>
#include <string.h>

#define ROUNDS  1200
#define PACKETS 150
#define PORTS   24
#define BRIDGES 4
#define PAIRS   5

typedef struct Case {
        char *text;
        BwPlan *plan;
        const BwBridgePlan *bridge; /* where the packet is now */
        BwTestInterpreter *interpreters[BW_IPT_TABLE_MAX];
} Case;

/* Bridges */

static BwMac mac_of(unsigned number) {
        return (BwMac){ { 0x52, 0x54, 0, 0, 0, (uint8_t) number } };
}

static void add_mac(GString *text, unsigned number) {
        BwMac mac = mac_of(number);
        char mac_text[BW_MAC_TEXT_SIZE];

        g_string_append_printf(text, " %s", bw_mac_print(&mac, mac_text));
}

/* Enough of them that most are free, few enough that two want the same. */
static void add_address(GString *text) {
        switch (bw_test_below(10)) {
        case 0:
                g_string_append_printf(text, " 10.1.%u.0/24", bw_test_below(60));
                return;
        case 1:
                g_string_append_printf(text, " 2001:db8:1:%x::/64", bw_test_below(60));
                return;
        case 2:
                g_string_append_printf(text, " fe80::%x", 1 + bw_test_below(60));
                return;
        case 3: /* what a MAC makes likely, of somebody or nobody */
                g_string_append_printf(text, " fe80::5054:ff:fe00:%x",
                                       1 + bw_test_below(3 * PORTS));
                return;
        case 4:
                g_string_append(text, bw_test_once_in(8)
                                              ? (bw_test_once_in(2) ? " fe80::/64" : " fe80::/9")
                                              : " 10.0.0.128/25");
                return;
        case 5:
        case 6:
                g_string_append_printf(text, " 10.0.0.%u", 1 + bw_test_below(100));
                return;
        default:
                g_string_append_printf(text, " 2001:db8::%x", 1 + bw_test_below(100));
                return;
        }
}

static void add_flag(GString *text, const char *line, unsigned once_in) {
        if (bw_test_once_in(once_in))
                g_string_append_printf(text, "%s\n", line);
}

/* Some share MACs 1 to 3, so that two ports make the same link-local address. */
static void add_section(GString *text, unsigned port) {
        unsigned addresses = bw_test_below(5), macs = bw_test_below(8);

        g_string_append_printf(text, "[Port vnet%u]\nMACs=", port);
        add_mac(text, bw_test_once_in(8) ? 1 + bw_test_below(3) : 4 + port * 3);
        for (unsigned i = 1; i < 3 && i < macs; i++)
                add_mac(text, 4 + port * 3 + i);
        if (bw_test_once_in(20)) {
                g_string_append(text, "\nAddresses=any");
        } else if (addresses > 0) {
                g_string_append(text, "\nAddresses=");
                for (unsigned i = 0; i < addresses; i++)
                        add_address(text);
        }
        g_string_append_c(text, '\n');
        add_flag(text, "Router=yes", 3);
        add_flag(text, "LinkLocal=declared", 4);
        add_flag(text, "DhcpServer=yes", 3);
        add_flag(text, "Querier=yes", 3);
        add_flag(text, bw_test_once_in(4) ? "Mode=off" : "Mode=monitor", 4);
        add_flag(text, "Role=uplink", 12);
        add_flag(text, "Closed=yes", 3);
}

/* What else is behind an end of a pair, and how it is watched. */
static void add_pair(GString *text, unsigned pair, char end) {
        if (bw_test_once_in(2))
                return;
        g_string_append_printf(text, "[Port pair%u%c]\n", pair, end);
        if (bw_test_once_in(2)) {
                g_string_append(text, "Addresses=");
                add_address(text);
                g_string_append_c(text, '\n');
        }
        add_flag(text, "Closed=yes", 3);
        add_flag(text, bw_test_once_in(6) ? "Mode=off" : "Mode=monitor", 3);
        add_flag(text, "Role=uplink", 6);
}

static void add_bridge(GString *text, unsigned bridge) {
        g_string_append_printf(text, "[Bridge virbr%u]\n", bridge);
        if (bw_test_once_in(2))
                g_string_append(text, "Networks=10.0.0.0/24 2001:db8::/64\n");
        if (bw_test_once_in(4))
                g_string_append_printf(text, "Gateway=10.0.0.%u 2001:db8::%x fe80::%s%x\n",
                                       1 + bw_test_below(100), 1 + bw_test_below(100),
                                       bw_test_once_in(2) ? "5054:ff:fe00:" : "",
                                       1 + bw_test_below(60));
}

static char *random_settings(void) {
        GString *text = g_string_new("[Guard]\nUnknownPorts=drop\n");

        for (unsigned i = 0; i < BRIDGES; i++)
                add_bridge(text, i);
        for (unsigned i = 0; i < PAIRS; i++) {
                add_pair(text, i, 'a');
                add_pair(text, i, 'b');
        }
        for (unsigned i = 0; i < PORTS; i++)
                if (!bw_test_once_in(12))
                        add_section(text, i);
        return g_string_free(text, FALSE);
}

/* Between any two bridges, or one: trees, loops, and ends that spanning tree has blocked. */
static void tell_pair(BwModel *model, unsigned pair, unsigned bridges) {
        for (unsigned end = 0; end < 2; end++) {
                g_autofree char *name = g_strdup_printf("pair%u%c", pair, 'a' + end);
                BwLink link =
                        bw_test_tap((int) (200 + pair * 2 + end), name,
                                    mac_of(200 + pair * 2 + end), 1 + (int) bw_test_below(bridges));

                link.kind = BW_LINK_VETH;
                link.peer = (int) (200 + pair * 2 + !end);
                link.up = link.running = true;
                link.stp_state = bw_test_once_in(8) ? BW_STP_BLOCKING : BW_STP_FORWARDING;
                bw_test_tell_link(model, &link);
        }
}

/* The host's own on the bridge. */
static void tell_host(BwModel *model, int bridge) {
        static const struct {
                const char *front;
                unsigned length;
        } forms[] = {
                { "10.0.0.", 24 },
                { "2001:db8::", 64 },
                { "fe80::", 64 },
                { "fe80::5054:ff:fe00:", 64 },
        };

        for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
                g_autofree char *text = g_strdup_printf("%s%u/%u", forms[i].front,
                                                        1 + bw_test_below(99), forms[i].length);
                BwHostAddress address = bw_test_host_address(bridge, text);

                if (bw_test_once_in(3))
                        bw_test_tell_address(model, &address);
        }
}

static BwModel *random_model(void) {
        unsigned bridges = 1 + bw_test_below(BRIDGES), ports = 1 + bw_test_below(PORTS);
        unsigned pairs = bridges > 1 ? bw_test_below(PAIRS + 1) : 0;
        BwModel *model = bw_model_new();

        for (unsigned i = 0; i < bridges; i++) {
                g_autofree char *name = g_strdup_printf("virbr%u", i);
                BwLink bridge = bw_test_bridge(1 + (int) i, name);

                bw_test_tell_link(model, &bridge);
                tell_host(model, 1 + (int) i);
        }
        for (unsigned i = 0; i < ports; i++) {
                g_autofree char *name = g_strdup_printf("vnet%u", i);
                BwLink tap = bw_test_tap(10 + (int) i, name, mac_of(4 + i * 3),
                                         1 + (int) bw_test_below(bridges));

                bw_test_tell_link(model, &tap);
        }
        for (unsigned i = 0; i < pairs; i++)
                tell_pair(model, i, bridges);
        return model;
}

static Case *case_new(void) {
        Case *the = g_new0(Case, 1);
        g_autoptr(BwModel) model = random_model();
        g_autoptr(BwConfig) config = NULL;

        the->text = random_settings();
        config = bw_test_config_from_text(the->text);
        the->plan = bw_plan_new(model, config);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) chains = bw_ipt_compile(the->plan, table);

                the->interpreters[table] = bw_test_interpreter_new(chains);
        }
        return the;
}

static void case_free(Case *the) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                bw_test_interpreter_free(the->interpreters[table]);
        bw_plan_free(the->plan);
        g_free(the->text);
        g_free(the);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, case_free)

/* Packets */

static const BwPortPlan *any_port_of(const BwBridgePlan *bridge) {
        return bridge->ports->pdata[bw_test_below(bridge->ports->len)];
}

static const BwBridgePlan *any_bridge(const Case *the) {
        const BwBridgePlan *bridge;

        do
                bridge = the->plan->bridges->pdata[bw_test_below(the->plan->bridges->len)];
        while (bridge->ports->len == 0);
        return bridge;
}

static void put_address(const char *text, uint8_t *bytes) {
        g_assert_cmpint(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes), ==, 1);
}

static BwPrefix special(BwFamily family) {
        static const char *const ipv6[] = { "::",      "::1",           "ff02::1",
                                            "ff0e::7", "fe80::77",      "fec0::1",
                                            "fe00::1", "2001:db8:9::9", "febf:ffff::" };
        static const char *const ipv4[] = { "0.0.0.0",         "127.0.0.1",  "224.0.0.1",
                                            "255.255.255.255", "10.0.0.255", "0.0.0.1",
                                            "239.255.255.255", "240.0.0.1",  "198.51.100.1" };
        uint8_t bytes[16];
        const char *text = family == BW_FAMILY_IPV4 ? ipv4[bw_test_below(G_N_ELEMENTS(ipv4))]
                                                    : ipv6[bw_test_below(G_N_ELEMENTS(ipv6))];

        put_address(text, bytes);
        return bw_prefix_from_address(family, bytes);
}

/* In it, or just outside. */
static BwPrefix near(const BwPrefix *prefix) {
        BwPrefix address = *prefix;
        unsigned size = prefix->family == BW_FAMILY_IPV4 ? 4 : 16;

        address.length = (uint8_t) (size * 8);
        if (prefix->length < address.length)
                address.bytes[size - 1] = (uint8_t) bw_test_below(256);
        if (bw_test_once_in(6)) {
                unsigned bit = bw_test_below(address.length);

                address.bytes[bit / 8] ^= (uint8_t) (0x80 >> bit % 8);
        }
        return address;
}

static BwPrefix address_of(const BwPortPlan *port, BwFamily family) {
        if (port->addresses->len && !bw_test_once_in(4)) {
                const BwPrefix *own = &g_array_index(port->addresses, BwPrefix,
                                                     bw_test_below(port->addresses->len));

                if (own->family == family)
                        return near(own);
        }
        if (family == BW_FAMILY_IPV6 && port->macs->len && bw_test_once_in(2))
                return bw_owner_derive_link_local(
                        &g_array_index(port->macs, BwMac, bw_test_below(port->macs->len)));
        return special(family);
}

static BwPrefix random_address(const Case *the, const BwPortPlan *port, BwFamily family) {
        bool elsewhere = bw_test_once_in(port->state == BW_PORT_BORDER ? 1 : 3);
        const BwSegmentPlan *segment = the->plan->segments->pdata[the->bridge->segment];
        GArray *gateways = segment->gateways;

        if (the->bridge->addresses->len > 0 && bw_test_once_in(8)) {
                BwPrefix *own = &g_array_index(the->bridge->addresses, BwPrefix,
                                               bw_test_below(the->bridge->addresses->len));

                if (own->family == family)
                        return *own;
        }
        if (gateways->len > 0 && bw_test_once_in(8)) {
                BwPrefix *gateway =
                        &g_array_index(gateways, BwPrefix, bw_test_below(gateways->len));

                if (gateway->family == family)
                        return *gateway;
        }
        return address_of(elsewhere ? any_port_of(any_bridge(the)) : port, family);
}

static BwMac random_mac(const BwPortPlan *port) {
        if (port->macs->len && !bw_test_once_in(8))
                return g_array_index(port->macs, BwMac, bw_test_below(port->macs->len));
        return mac_of(1 + bw_test_below(80));
}

/* What rules see, and the bytes it is seen in. */
typedef struct Packet {
        BwTestPacket seen;
        BwPacketIp ip;
        GByteArray *payload;
        uint16_t ethertype;
} Packet;

static void make_ipv6(const BwPortPlan *port, Packet *packet) {
        static const uint8_t types[] = { 128, 130, 131, 132, 133, 135, 143, 129, 1 };
        uint8_t type = types[bw_test_below(G_N_ELEMENTS(types))], next = IPPROTO_ICMPV6;
        BwPrefix target = address_of(port, BW_FAMILY_IPV6);
        bool nd = type == BW_ND_SOLICITATION || type == BW_ND_ROUTER_SOLICITATION;

        packet->ip.protocol = IPPROTO_TCP;
        packet->payload = bw_packet_tcp(1000, 80, 0x02);
        if (bw_test_once_in(3))
                return;
        g_byte_array_unref(packet->payload);
        if (bw_test_once_in(2)) {
                packet->ip.source = special(BW_FAMILY_IPV6);
                packet->ip.destination = special(BW_FAMILY_IPV6);
        }
        packet->payload = nd ? bw_packet_nd(type, type == BW_ND_SOLICITATION ? &target : NULL, NULL)
                             : bw_packet_message(type, 0, 0, bw_packet_filler(20));
        packet->ip.hop_limit = nd ? 255 : 1;
        packet->seen.icmpv6_type = type;
        if (!nd && bw_test_once_in(3)) {
                bool later = bw_test_once_in(2);

                packet->seen.fragment = true;
                packet->seen.icmpv6_type = later ? 0 : type;
                packet->payload = bw_packet_fragment(next, later ? 64 : 0, bw_test_once_in(2),
                                                     packet->payload);
                next = IPPROTO_FRAGMENT;
        }
        if (!nd && bw_test_once_in(2)) {
                packet->payload = bw_packet_extension(next, packet->payload);
                next = IPPROTO_HOPOPTS;
        }
        packet->ip.protocol = next;
}

static void make_ipv4(const BwPortPlan *port, Packet *packet) {
        BwTestPacket *seen = &packet->seen;
        bool request = bw_test_once_in(2);

        packet->ip.protocol = IPPROTO_UDP;
        packet->ip.options = bw_test_below(3) * 5;
        seen->udp = true;
        seen->from_port = bw_test_once_in(2) ? 1000 : (request ? 68 : 67);
        seen->to_port = request ? 67 : 68;
        seen->bootp_operation = bw_test_once_in(8) ? 3 : (request ? 1 : 2);
        seen->hardware_length = bw_test_once_in(12) ? 5 : 6;
        seen->client = random_mac(port);
        seen->fragment = bw_test_once_in(8);
        if (request && !bw_test_once_in(6))
                put_address("0.0.0.0", packet->ip.source.bytes);
        if (request && !bw_test_once_in(6))
                put_address("255.255.255.255", packet->ip.destination.bytes);
        packet->payload = bw_packet_bootp(seen->bootp_operation, seen->client);
        packet->payload->data[2] = seen->hardware_length;
        packet->payload = bw_packet_udp(seen->from_port, seen->to_port, packet->payload);
        packet->ip.fragment = seen->fragment ? (bw_test_once_in(2) ? 0x2000 : 0x0010) : 0;
}

static Packet random_packet(const Case *the, const BwPortPlan *port) {
        BwFamily family = bw_test_once_in(3) ? BW_FAMILY_IPV4 : BW_FAMILY_IPV6;
        Packet packet = { .seen = { .family = family } };

        g_strlcpy(packet.seen.in_bridge, the->bridge->name, sizeof(packet.seen.in_bridge));
        packet.ip.source = random_address(the, port, family);
        packet.ip.destination = random_address(the, port, family);
        packet.seen.sender = random_mac(port);
        packet.ethertype = family == BW_FAMILY_IPV4 ? 0x0800 : 0x86dd;
        if (family == BW_FAMILY_IPV6)
                make_ipv6(port, &packet);
        else
                make_ipv4(port, &packet);
        return packet;
}

static uint32_t number_of(const BwPrefix *address) {
        return (uint32_t) address->bytes[0] << 24 | (uint32_t) address->bytes[1] << 16 |
               (uint32_t) address->bytes[2] << 8 | address->bytes[3];
}

static void show(const Case *the, Packet *packet, BwDirection direction, const BwPortPlan *port) {
        BwTestPacket *seen = &packet->seen;

        seen->source = number_of(&packet->ip.source);
        seen->destination = number_of(&packet->ip.destination);
        seen->source6 = packet->ip.source;
        seen->destination6 = packet->ip.destination;
        if (direction == BW_DIRECTION_IN) {
                g_strlcpy(seen->port_in, port->name, sizeof(seen->port_in));
                return;
        }
        g_strlcpy(seen->port_in, "vnet99", sizeof(seen->port_in));
        g_strlcpy(seen->port_out, port->name, sizeof(seen->port_out));
        seen->port_out_index = port->ifindex;
        g_strlcpy(seen->out_bridge, the->bridge->name, sizeof(seen->out_bridge));
}

/* Verdicts */

typedef struct Tally {
        unsigned seen[2][BW_REASON_MAX][2]; /* by family, reason, drops */
        unsigned from_nowhere, routed, client_and_sender_differ;
        unsigned beyond; /* a reason that iptables cannot carry came first */
} Tally;

static BwIptTable table_of(BwDirection direction, BwFamily family) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (bw_ipt_table_direction(table) == direction &&
                    bw_ipt_table_family(table) == family)
                        return table;
        g_assert_not_reached();
}

static void fail_with(const Case *the, const Packet *packet, const BwVerdict *right,
                      const BwTestVerdict *said, const char *port) {
        g_autofree char *source = bw_prefix_print(&packet->ip.source);
        g_autofree char *destination = bw_prefix_print(&packet->ip.destination);
        g_autofree char *settings = g_strescape(the->text, "\n");

        g_test_message(
                "%s\n%s of %s/%s: %s > %s, protocol %u, type %u%s: evaluator %s%s%s, chains %s%s "
                "(%u reports)",
                settings, bw_direction_name(right->direction), the->bridge->name, port, source,
                destination, packet->ip.protocol, packet->seen.icmpv6_type,
                packet->seen.fragment ? ", fragment" : "", bw_reason_name(right->reason),
                right->drops ? " drop " : " ", right->detail ? right->detail : "",
                bw_reason_name(said->reason), said->dropped ? " drop" : "", said->reports);
        g_test_fail();
        g_assert_not_reached();
}

static void count(Tally *tally, const Packet *packet, const BwPortPlan *port,
                  const BwVerdict *right) {
        const BwTestPacket *seen = &packet->seen;

        tally->seen[seen->family][right->reason][right->drops]++;
        if (right->reason != BW_REASON_NONE || port->state != BW_PORT_BOUND)
                return;
        tally->from_nowhere += seen->icmpv6_type && packet->ip.source.bytes[0] == 0;
        tally->routed += port->router && !bw_owner_has_address(port, &packet->ip.source) &&
                         !bw_owner_is_link_local(&packet->ip.source);
        tally->client_and_sender_differ +=
                seen->udp && seen->source == 0 && !bw_mac_equal(&seen->client, &seen->sender);
}

/* What a border denies for its Ethernet source or for what it claims in neighbour discovery, the
 * other engine must. */
static bool is_beyond(const BwVerdict *right) {
        if (right->reason == BW_REASON_NONE)
                return false;
        if (right->reason == BW_REASON_BORDER_SPOOF)
                return !g_str_equal(right->detail, "IP source");
        return !bw_engine_carries(BW_ENGINE_IPTABLES, right->reason);
}

static void check(Case *the, BwDirection direction, Tally *tally) {
        static const BwMac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
        const BwPortPlan *port = any_port_of(the->bridge = any_bridge(the));
        Packet packet = random_packet(the, port);
        GByteArray *payload = bw_packet_ip(&packet.ip, packet.payload);
        g_autoptr(GByteArray) bytes =
                bw_packet_ethernet(broadcast, packet.seen.sender, packet.ethertype, payload);
        BwIptTable table = table_of(direction, packet.seen.family);
        BwVerdict right =
                direction == BW_DIRECTION_IN
                        ? bw_evaluate_in(the->plan, the->bridge, port, bytes->data, bytes->len)
                        : bw_evaluate_out(the->plan, the->bridge, port, bytes->data, bytes->len);
        BwTestVerdict said;

        show(the, &packet, direction, port);
        said = bw_test_interpret(the->interpreters[table], bw_ipt_table_root(table), &packet.seen);
        if (is_beyond(&right)) {
                tally->beyond++;
                return;
        }
        count(tally, &packet, port, &right);
        if (said.reason != right.reason || said.reports != (right.reason != BW_REASON_NONE) ||
            said.dropped != (right.reason != BW_REASON_NONE && right.drops) ||
            (said.reports && (said.drops != right.drops || said.direction != direction)))
                fail_with(the, &packet, &right, &said, port->name);
}

static void check_reason(const Tally *tally, BwFamily family, BwReason reason) {
        g_test_message("IPv%u, %s: %u dropped, %u reported", family == BW_FAMILY_IPV4 ? 4 : 6,
                       bw_reason_name(reason), tally->seen[family][reason][true],
                       tally->seen[family][reason][false]);
        g_assert_cmpuint(tally->seen[family][reason][true], >, 300);
        g_assert_cmpuint(tally->seen[family][reason][false], >, 20);
}

static void test_meaning(void) {
        Tally tally = {};

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(Case) the = case_new();

                for (unsigned k = 0; k < PACKETS; k++)
                        check(the, k & 1 ? BW_DIRECTION_IN : BW_DIRECTION_OUT, &tally);
        }
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                for (BwFamily family = BW_FAMILY_IPV4; family <= BW_FAMILY_IPV6; family++)
                        if (tally.seen[family][reason][true] + tally.seen[family][reason][false])
                                check_reason(&tally, family, reason);
        g_assert_cmpuint(tally.seen[BW_FAMILY_IPV6][BW_REASON_REFLECTED][true], >, 300);
        for (BwFamily family = BW_FAMILY_IPV4; family <= BW_FAMILY_IPV6; family++) {
                check_reason(&tally, family, BW_REASON_BORDER_SPOOF);
                check_reason(&tally, family, BW_REASON_BORDER_MISDELIVERED);
        }
        g_assert_cmpuint(tally.seen[BW_FAMILY_IPV6][BW_REASON_NONE][false], >, 5000);
        g_test_message("from nowhere %u, routed %u, DHCP of two MACs %u, beyond iptables %u",
                       tally.from_nowhere, tally.routed, tally.client_and_sender_differ,
                       tally.beyond);
        g_assert_cmpuint(tally.from_nowhere, >, 200);
        g_assert_cmpuint(tally.routed, >, 200);
        g_assert_cmpuint(tally.client_and_sender_differ, >, 100);
}

/* The tree of addresses finds what a list would find, the wider before the narrower. */

static GArray *random_prefixes(BwFamily family) {
        GArray *prefixes = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        unsigned most = family == BW_FAMILY_IPV4 ? 32 : 128, n = bw_test_below(200);

        for (unsigned i = 0; i < n; i++) {
                BwPrefix prefix = { .family = family, .length = (uint8_t) most };

                for (unsigned k = 0; k < most / 8; k++)
                        prefix.bytes[k] = bw_test_once_in(2) ? 0 : (uint8_t) bw_test_below(256);
                if (bw_test_once_in(3))
                        prefix = bw_prefix_network(&prefix, (uint8_t) bw_test_below(most + 1));
                g_array_append_val(prefixes, prefix);
                if (bw_test_once_in(4))
                        g_array_append_val(prefixes, prefix);
        }
        g_array_sort(prefixes, (GCompareFunc) bw_prefix_compare);
        return prefixes;
}

static GArray *walk(const GPtrArray *nodes, const GArray *prefixes, const BwPrefix *address) {
        GArray *found = g_array_new(FALSE, FALSE, sizeof(gsize));
        const BwAddressNode *node = nodes->len ? nodes->pdata[0] : NULL;

        for (unsigned steps = 0; node; steps++) {
                const BwAddressNode *next = NULL;

                g_assert_cmpuint(steps, <, 70);
                for (guint i = 0; i < node->items->len; i++) {
                        gsize item = g_array_index(node->items, gsize, i);

                        if (bw_prefix_contains(&g_array_index(prefixes, BwPrefix, item), address))
                                g_array_append_val(found, item);
                }
                for (guint i = 0; i < node->children->len; i++) {
                        const BwAddressNode *child =
                                nodes->pdata[g_array_index(node->children, guint, i)];

                        if (!bw_prefix_contains(&child->base, address))
                                continue;
                        g_assert_null(next);
                        next = child;
                }
                node = next;
        }
        return found;
}

static void test_tree(void) {
        unsigned matches = 0;

        for (unsigned i = 0; i < 600; i++) {
                BwFamily family = i & 1 ? BW_FAMILY_IPV4 : BW_FAMILY_IPV6;
                g_autoptr(GArray) prefixes = random_prefixes(family);
                g_autoptr(GPtrArray) nodes = bw_address_tree_new(
                        (const BwPrefix *) (const void *) prefixes->data, prefixes->len);

                for (unsigned k = 0; k < 40 && prefixes->len; k++) {
                        BwPrefix address = near(
                                &g_array_index(prefixes, BwPrefix, bw_test_below(prefixes->len)));
                        g_autoptr(GArray) found = walk(nodes, prefixes, &address);
                        guint at = 0;

                        for (gsize n = 0; n < prefixes->len; n++) {
                                if (!bw_prefix_contains(&g_array_index(prefixes, BwPrefix, n),
                                                        &address))
                                        continue;
                                g_assert_cmpuint(at, <, found->len);
                                g_assert_cmpuint(g_array_index(found, gsize, at++), ==, n);
                                matches++;
                        }
                        g_assert_cmpuint(at, ==, found->len);
                }
        }
        g_assert_cmpuint(matches, >, 5000);
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/ipt_evaluate/meaning", test_meaning);
        g_test_add_func("/ipt_evaluate/tree", test_tree);
        return g_test_run();
}
