/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The evaluator says of plain IPv4 what the table of reasons says
 *
 * The oracle knows packets, the evaluator bytes; random worlds, settings and
 * packets check them against each other, which ties the evaluator to the chains,
 * too. Then what must hold for frames of any kind: no piece of one that falls is
 * let through, and no bit of a claim is left unlooked at.
 */

#include "oracle_judge.h"
#include "oracle_place.h"
#include "random.h"
#include "random_packet.h"
#include "settings.h"

#include <bw/corpus.h>
#include <bw/corpus_packet.h>
#include <bw/evaluate.h>
#include <bw/ipt_rule.h>
#include <netinet/in.h>
#include <string.h>

#define ROUNDS  1500
#define PACKETS 80

typedef struct Case {
        BwTestWorld *world;
        BwTestSettings *settings;
        BwTestOracle *oracle;
        BwPlan *plan;
} Case;

static Case *case_new(void) {
        Case *the = g_new0(Case, 1);
        g_autoptr(BwModel) model = NULL;
        g_autoptr(BwConfig) config = NULL;

        the->world = bw_test_random_world(30);
        the->settings = bw_test_random_settings(the->world);
        the->oracle = bw_test_oracle_new(the->world, the->settings);
        model = bw_test_model(the->world);
        config = bw_test_config(the->settings);
        the->plan = bw_plan_new(model, config);
        return the;
}

static void case_free(Case *the) {
        bw_plan_free(the->plan);
        bw_test_oracle_free(the->oracle);
        bw_test_settings_free(the->settings);
        bw_test_world_free(the->world);
        g_free(the);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, case_free)

/* Packets as bytes */

static const BwMac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

static BwPrefix address_of(uint32_t number) {
        const uint8_t bytes[4] = { (uint8_t) (number >> 24), (uint8_t) (number >> 16),
                                   (uint8_t) (number >> 8), (uint8_t) number };

        return bw_prefix_from_address(BW_FAMILY_IPV4, bytes);
}

static GByteArray *bytes_of(const BwTestPacket *packet, BwMac destination) {
        BwPacketIp ip = { .source = address_of(packet->source),
                          .destination = address_of(packet->destination),
                          .protocol = packet->udp ? IPPROTO_UDP : IPPROTO_TCP,
                          .options = bw_test_below(3) * 5 };
        GByteArray *payload = bw_packet_bootp(packet->bootp_operation, packet->client);

        payload->data[2] = packet->hardware_length;
        if (!packet->udp) {
                g_byte_array_unref(payload);
                payload = bw_packet_tcp(packet->from_port, packet->to_port, 0x02);
        } else {
                payload = bw_packet_udp(packet->from_port, packet->to_port, payload);
        }
        if (packet->fragment)
                ip.fragment = bw_test_once_in(2) ? 0x2000 : 0x0010;
        return bw_packet_ethernet(destination, packet->sender, 0x0800, bw_packet_ip(&ip, payload));
}

static const BwBridgePlan *find_bridge(const Case *the, const char *name) {
        for (guint i = 0; i < the->plan->bridges->len; i++) {
                const BwBridgePlan *bridge = the->plan->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }
        return NULL;
}

static const BwPortPlan *find_port(const BwBridgePlan *bridge, const char *name) {
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];

                if (g_str_equal(port->name, name))
                        return port;
        }
        return NULL;
}

static bool has_mac(const BwPortPlan *port, const BwMac *mac) {
        for (guint i = 0; i < port->macs->len; i++)
                if (bw_mac_equal(&g_array_index(port->macs, BwMac, i), mac))
                        return true;
        return false;
}

static bool looks_at_macs(const BwPortPlan *port) {
        return port && (port->state == BW_PORT_BOUND || port->state == BW_PORT_ANY_ADDRESS);
}

/* What a packet's verdict of the oracle leaves out: servers' messages, and MACs at borders. */
static BwReason right_reason(const Case *the, const BwBridgePlan *bridge, const BwPortPlan *port,
                             BwDirection direction, const BwTestPacket *packet,
                             const BwMac *destination, BwReason reason) {
        bool server = packet->udp && (packet->from_port == 67 || packet->to_port == 68);
        bool in = direction == BW_DIRECTION_IN;

        if (port && port->state == BW_PORT_BORDER) {
                const BwTestPort *border =
                        bw_test_oracle_port(the->oracle, bridge->name, port->name);
                BwTestPlace place = bw_test_oracle_place_of_mac(the->oracle, border,
                                                                in ? &packet->sender : destination);

                if (place == BW_TEST_FOREIGN)
                        return in ? BW_REASON_BORDER_SPOOF : BW_REASON_BORDER_MISDELIVERED;
        }
        if (direction == BW_DIRECTION_IN && looks_at_macs(port) && server && !packet->fragment)
                return BW_REASON_ROGUE_DHCP;
        return reason;
}

typedef struct Tally {
        unsigned seen[BW_REASON_MAX][2];
} Tally;

/* Makes of a packet one that both can judge; false: there is none. */
static bool make_comparable(const BwPortPlan *port, BwTestPacket *packet) {
        bool server = packet->from_port == 67 || packet->to_port == 68;

        if (looks_at_macs(port) && port->macs->len == 0)
                return false;
        if (looks_at_macs(port) && !has_mac(port, &packet->sender))
                packet->sender = g_array_index(port->macs, BwMac, 0);
        return !(packet->fragment && packet->udp && server);
}

static void compare(const Case *the, const BwBridgePlan *bridge, const BwPortPlan *port,
                    BwDirection direction, const BwTestPacket *packet, Tally *tally) {
        BwTestVerdict right = bw_test_oracle_judge(the->oracle, direction, packet);
        bool border = port && port->state == BW_PORT_BORDER;
        BwMac aimed = border                ? bw_test_random_mac()
                      : looks_at_macs(port) ? g_array_index(port->macs, BwMac, 0)
                                            : broadcast;
        BwMac destination = bw_test_once_in(2) ? aimed : broadcast;
        BwReason reason;
        g_autoptr(GByteArray) bytes = bytes_of(packet, destination);
        BwVerdict said =
                direction == BW_DIRECTION_IN
                        ? bw_evaluate_in(the->plan, bridge, port, bytes->data, bytes->len)
                        : bw_evaluate_out(the->plan, bridge, port, bytes->data, bytes->len);

        reason = right_reason(the, bridge, port, direction, packet, &destination, right.reason);
        g_assert_cmpstr(bw_reason_name(said.reason), ==, bw_reason_name(reason));
        if (right.reason == reason)
                g_assert_cmpint(said.drops, ==, right.drops);
        tally->seen[said.reason][said.drops]++;
}

static void check(const Case *the, BwDirection direction, BwTestPacket packet, Tally *tally) {
        bool in = direction == BW_DIRECTION_IN;
        const BwBridgePlan *bridge = find_bridge(the, in ? packet.in_bridge : packet.out_bridge);
        const char *name = in ? packet.port_in : packet.port_out;
        const BwPortPlan *port = bridge ? find_port(bridge, name) : NULL;

        if (bridge && name[0] && make_comparable(port, &packet))
                compare(the, bridge, port, direction, &packet, tally);
}

static void test_meaning(void) {
        Tally tally = {};

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(Case) the = case_new();

                for (unsigned k = 0; k < PACKETS; k++) {
                        BwTestPacket packet = bw_test_random_packet(the->oracle);

                        check(the, BW_DIRECTION_IN, packet, &tally);
                        check(the, BW_DIRECTION_OUT, packet, &tally);
                }
        }
        for (unsigned reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                if (!bw_engine_carries(BW_ENGINE_IPTABLES, (BwReason) reason))
                        continue;
                g_test_message("%s: %u dropped, %u reported", bw_reason_name((BwReason) reason),
                               tally.seen[reason][true], tally.seen[reason][false]);
                g_assert_cmpuint(tally.seen[reason][true], >, 200);
                g_assert_cmpuint(tally.seen[reason][false], >, 50);
        }
        g_assert_cmpuint(tally.seen[BW_REASON_NONE][false], >, 1000);
        g_assert_cmpuint(tally.seen[BW_REASON_ROGUE_DHCP][true], >, 100);
}

/* The corpus, cut and changed */

typedef BwVerdict (*Evaluate)(const BwPlan *plan, const BwBridgePlan *bridge,
                              const BwPortPlan *port, const uint8_t *frame, gsize length);

/* Exact copies, so that a sanitizer sees each byte read too far. */
static void check_cuts(const BwPlan *plan, const char *name, const BwCorpusFrame *frame,
                       Evaluate evaluate) {
        const BwBridgePlan *bridge = plan->bridges->pdata[0];
        const BwPortPlan *port = find_port(bridge, name);

        for (gsize length = 0; length < frame->bytes->len; length++) {
                g_autofree uint8_t *copy = g_memdup2(frame->bytes->data, length);
                BwVerdict verdict = evaluate(plan, bridge, port, copy, length);

                if (verdict.reason == BW_REASON_NONE)
                        g_error("%s falls, and its first %zu bytes pass", frame->name, length);
        }
}

static void test_cut_short(void) {
        BwScene stage = bw_scene_new();
        g_autoptr(BwPlan) plan = bw_scene_plan_new(&stage, NULL, "");
        g_autoptr(GPtrArray) frames = bw_corpus_new(&stage);
        unsigned checked = 0;

        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];

                if (frame->in != BW_REASON_NONE)
                        check_cuts(plan, stage.stations[frame->from].port, frame, bw_evaluate_in);
                if (frame->out != BW_REASON_NONE)
                        check_cuts(plan, stage.stations[frame->to].port, frame, bw_evaluate_out);
                checked += bw_corpus_frame_is_hostile(frame);
        }
        g_assert_cmpuint(checked, >=, 200);
}

/* A legal ARP, ND or DHCP claim with any byte of what it claims changed falls: @at its first byte,
 * in the frame. */
static void check_claim(const BwPlan *plan, const BwScene *stage, const BwCorpusFrame *frame,
                        gsize at, gsize length) {
        const BwBridgePlan *bridge = plan->bridges->pdata[0];
        const BwPortPlan *port = find_port(bridge, stage->stations[frame->from].port);

        g_assert_cmpint(
                bw_evaluate_in(plan, bridge, port, frame->bytes->data, frame->bytes->len).reason,
                ==, BW_REASON_NONE);
        for (gsize bit = at * 8; bit < (at + length) * 8; bit++) {
                BwVerdict verdict;

                frame->bytes->data[bit / 8] ^= (uint8_t) (0x80 >> bit % 8);
                verdict = bw_evaluate_in(plan, bridge, port, frame->bytes->data, frame->bytes->len);
                frame->bytes->data[bit / 8] ^= (uint8_t) (0x80 >> bit % 8);
                if (!verdict.drops)
                        g_error("%s passes with bit %zu of byte %zu changed", frame->name, bit % 8,
                                bit / 8);
        }
}

static void test_every_bit_of_a_claim(void) {
        /* Where the claim stands behind 14 bytes of Ethernet and 20 or 40 of IP. */
        static const struct {
                const char *frame;
                gsize at, length;
        } claims[] = {
                { "arp/reply/sender-ip/own", 6, 6 },
                { "arp/reply/sender-ip/own", 14, 6 },  /* form */
                { "arp/reply/sender-ip/own", 22, 10 }, /* sender */
                { "arp/probe/own", 38, 4 },            /* target */
                { "rarp/announcement", 14, 28 },
                { "dhcp/request", 26, 12 },     /* addresses, ports */
                { "dhcp/request", 42, 3 },      /* operation and form */
                { "dhcp/request", 42 + 28, 6 }, /* chaddr */
                { "ipv4/udp/unicast/own", 26, 4 },
                { "ipv6/17/own", 22, 16 },
                { "nd/advertisement/option/own", 62, 16 }, /* target */
                { "nd/advertisement/option/own", 79, 7 },  /* length and MAC */
                { "nd/advertisement/option/own", 21, 1 },  /* hop limit */
                { "nd/detection/target/own", 62, 16 },
        };
        BwScene stage = bw_scene_new();
        g_autoptr(BwPlan) plan = bw_scene_plan_new(&stage, NULL, "");
        g_autoptr(GPtrArray) frames = bw_corpus_new(&stage);
        unsigned checked = 0;

        for (guint i = 0; i < frames->len; i++)
                for (unsigned k = 0; k < G_N_ELEMENTS(claims); k++) {
                        const BwCorpusFrame *frame = frames->pdata[i];

                        if (!g_str_equal(frame->name, claims[k].frame))
                                continue;
                        check_claim(plan, &stage, frame, claims[k].at, claims[k].length);
                        checked++;
                }
        g_assert_cmpuint(checked, ==, G_N_ELEMENTS(claims));
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/evaluate/meaning", test_meaning);
        g_test_add_func("/evaluate/cut-short", test_cut_short);
        g_test_add_func("/evaluate/every-bit", test_every_bit_of_a_claim);
        return g_test_run();
}
