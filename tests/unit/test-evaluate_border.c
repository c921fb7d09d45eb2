/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Frames at borders, and what is said of them.
 */

#include "three_bridges.h"

#include <bw/corpus_packet.h>
#include <bw/evaluate.h>
#include <bw/explain.h>
#include <bw/violation.h>
#include <netinet/in.h>

static GByteArray *tagged(GByteArray *frame, unsigned tags) {
        for (unsigned i = 0; i < tags; i++) {
                const uint8_t tag[] = { 0x81, 0, 0, 5 };
                GByteArray *wrapped = g_byte_array_new();

                g_byte_array_append(wrapped, frame->data, 12);
                g_byte_array_append(wrapped, tag, sizeof(tag));
                g_byte_array_append(wrapped, frame->data + 12, frame->len - 12);
                g_byte_array_unref(frame);
                frame = wrapped;
        }
        return frame;
}

static GByteArray *cut(GByteArray *frame, guint length) {
        g_byte_array_set_size(frame, length);
        return frame;
}

static GByteArray *icmp_frame(const BwPacketIp *ip, GByteArray *message) {
        return bw_packet_ethernet((BwMac){ { 0x33, 0x33, 0, 0, 0, 1 } }, bw_test_mac(OUTSIDE),
                                  0x86dd, bw_packet_ip(ip, message));
}

/* @from: "" for "::". */
static GByteArray *nd_frame(uint8_t type, const char *from, const char *target, uint8_t hop_limit,
                            GByteArray *options) {
        static const uint8_t none[16];
        BwPrefix claimed = bw_test_prefix(target);
        BwPacketIp ip = { .source = *from ? bw_test_prefix(from)
                                          : bw_prefix_from_address(BW_FAMILY_IPV6, none),
                          .destination = bw_prefix_from_address(
                                  BW_FAMILY_IPV6, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
                          .protocol = IPPROTO_ICMPV6,
                          .hop_limit = hop_limit };

        return icmp_frame(&ip, bw_packet_seal(&ip, bw_packet_nd(type, &claimed, options)));
}

static GByteArray *hidden_nd(bool fragment, uint8_t hop_limit) {
        BwPrefix claimed = bw_test_prefix("2001:db8::99");
        BwPacketIp ip = { .source = bw_test_prefix("2001:db8::98"),
                          .destination = bw_prefix_from_address(
                                  BW_FAMILY_IPV6, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
                          .protocol = fragment ? IPPROTO_FRAGMENT : IPPROTO_DSTOPTS,
                          .hop_limit = hop_limit };
        GByteArray *message = bw_packet_nd(136, &claimed, NULL);

        return icmp_frame(&ip, fragment ? bw_packet_fragment(IPPROTO_ICMPV6, 64, false, message)
                                        : bw_packet_extension(IPPROTO_ICMPV6, message));
}

#define ALL "33:33:00:00:00:01"

static void test_frames_in(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "from outside", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "192.168.50.12"), NULL },
                { "guest's IP", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), "IP source" },
                { "host's IP", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.1", "192.168.50.12"), "IP source" },
                { "guest's IPv6", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "2001:db8::11", "2001:db8::12"), "IP source" },
                { "guest's link-local", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "fe80::5054:ff:fe00:1", "2001:db8::12"), "IP source" },
                { "guest's MAC", "eth0", IN, ip_frame(GUEST_E, GUEST_W, "8.8.8.8", "192.168.50.12"),
                  "Ethernet source" },
                { "the right door", "e-m", IN,
                  ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12"), NULL },
                { "the wrong door", "e-m", IN,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"), "Ethernet source" },
                { "back again", "w-m", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), "IP source" },
                { "behind a tag", "eth0", IN,
                  tagged(ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), 1),
                  "IP source" },
                { "behind two", "eth0", IN,
                  tagged(ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), 2),
                  "a tag behind a tag" },
                { "cut", "eth0", IN,
                  cut(ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "192.168.50.12"), 33),
                  "no whole IP header" },
                { "short", "eth0", IN, cut(ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "8.8.8.9"), 13),
                  "no whole Ethernet header" },
                { "ARP", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.99", 2), NULL },
                { "ARP probe", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "", 1), NULL },
                { "ARP guest's IP", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.11", 2),
                  "ARP sender IP" },
                { "ARP guest's MAC", "eth0", IN, arp_frame(OUTSIDE, GUEST_W, "192.168.50.99", 2),
                  "ARP sender MAC" },
                { "ARP of no kind", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.11", 9),
                  "ARP sender IP" },
                { "ARP cut", "eth0", IN, cut(arp_frame(OUTSIDE, OUTSIDE, "192.168.50.99", 1), 41),
                  "ARP is not of Ethernet and IPv4, or cut short" },
                { "ARP behind a tag", "eth0", IN,
                  tagged(arp_frame(OUTSIDE, OUTSIDE, "192.168.50.11", 2), 1), "ARP sender IP" },
                { "NA", "eth0", IN, nd_frame(136, "2001:db8::98", "2001:db8::99", 255, NULL),
                  NULL },
                { "NA of a guest", "eth0", IN,
                  nd_frame(136, "2001:db8::98", "2001:db8::11", 255, NULL),
                  "target of the neighbour advertisement" },
                { "NA of a guest, hop limit", "eth0", IN,
                  nd_frame(136, "2001:db8::98", "2001:db8::11", 64, NULL),
                  "target of the neighbour advertisement" },
                { "NA of a guest, long", "eth0", IN,
                  nd_frame(136, "2001:db8::98", "2001:db8::11", 255, bw_packet_filler(64)),
                  "target of the neighbour advertisement" },
                { "NS for a guest", "eth0", IN,
                  nd_frame(135, "2001:db8::98", "2001:db8::11", 255, NULL), NULL },
                { "DAD of a guest's", "eth0", IN, nd_frame(135, "", "2001:db8::11", 255, NULL),
                  "target of the address detection" },
                { "DAD", "eth0", IN, nd_frame(135, "", "2001:db8::99", 255, NULL), NULL },
                { "ND behind options", "eth0", IN, hidden_nd(false, 255),
                  "neighbour discovery behind an extension header" },
                { "ND in a fragment", "eth0", IN, hidden_nd(true, 255),
                  "a fragment of neighbour discovery" },
                { "ICMPv6 in a fragment", "eth0", IN, hidden_nd(true, 64), NULL },
        };

        plan(&scene, "");
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

/* What a guest still says from the host it comes from, and what it is told; and not what others say
 * in its name. Nobody here loses anything by it. */
static void test_frames_of_absent(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "its own", "eth0", IN,
                  ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12"), NULL },
                { "its ARP", "eth0", IN, arp_frame(GUEST_W, GUEST_W, "192.168.50.11", 1), NULL },
                { "over the link", "m-e", IN,
                  ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12"), NULL },
                { "to it", "eth0", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"), NULL },
                { "to it where it will be", "e-m", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"), NULL },
                { "to it where nobody is", "e-l", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"),
                  "Ethernet destination" },
                { "from where nobody is", "e-l", IN,
                  ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12"), "Ethernet source" },
                { "its address from there", "e-l", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), "IP source" },
                { "a neighbour's", "eth0", IN,
                  ip_frame(GUEST_W, OUTSIDE, "192.168.50.12", "192.168.50.11"), "IP source" },
        };

        tell_gw(&scene, BW_CPUS_ELSEWHERE);
        tell_pair(scene.model, 24, "e-l", EAST, "l-e", LONE);
        plan(&scene, "");
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

static void test_frames_out(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "to the world", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "8.8.8.8"), NULL },
                { "to a guest", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11"), "IP destination" },
                { "to a guest's MAC", "eth0", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "8.8.8.8"), "Ethernet destination" },
                { "the right door", "e-m", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"), NULL },
                { "the wrong door", "w-m", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11"), "IP destination" },
                { "IPv6", "eth0", OUT, ip_frame(OUTSIDE, GUEST_E, "2001:db8::12", "2001:db8::11"),
                  "IP destination" },
                { "directed broadcast", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.255"), NULL },
                { "behind a tag", "eth0", OUT,
                  tagged(ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11"), 1),
                  "IP destination" },
                { "behind two", "eth0", OUT,
                  tagged(ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11"), 2), NULL },
                { "cut", "eth0", OUT,
                  cut(ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "8.8.8.8"), 33),
                  "no whole IP header" },
                { "ARP", "eth0", OUT, arp_frame(GUEST_E, GUEST_E, "192.168.50.12", 1), NULL },
        };

        plan(&scene, "");
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

static void test_closed_border(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "declared", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "10.1.2.3", "192.168.50.12"),
                  NULL },
                { "unknown", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "192.168.50.12"),
                  "IP source" },
                { "link-local", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "fe80::99", "2001:db8::12"),
                  NULL },
                { "ARP unknown", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.99", 1),
                  "ARP sender IP" },
                { "ARP probe", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "", 1), NULL },
                { "NA unknown", "eth0", IN, nd_frame(136, "fe80::99", "2001:db8::99", 255, NULL),
                  "target of the neighbour advertisement" },
                { "out, declared", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "10.1.2.3"), NULL },
                { "out, unknown", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "8.8.8.8"), "IP destination" },
                { "out, broadcast", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.255"), NULL },
                { "the link is open", "e-m", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "8.8.8.8"), NULL },
        };

        plan(&scene, "[Port eth0]\nClosed=yes\nAddresses=10.0.0.0/8\n");
        g_assert_true(port_of(&scene, "eth0")->closed_border);
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

static BwReason reason_in(const Scene *scene, const char *name, GByteArray *bytes) {
        const BwBridgePlan *bridge;
        const BwPortPlan *port = bw_plan_find_port(scene->plan, name, &bridge);
        BwReason reason = bw_evaluate_in(scene->plan, bridge, port, bytes->data, bytes->len).reason;

        g_byte_array_unref(bytes);
        return reason;
}

/* Neither Addresses=any nor Router=yes opens the gateway's address. */
static void test_gateway_is_protected(void) {
        static const char *const open[] = { "Addresses=any\n", "Router=yes\n" };
        static const char gateway[] = "192.168.50.254", gateway6[] = "2001:db8::fe";

        for (gsize i = 0; i < G_N_ELEMENTS(open); i++) {
                g_auto(Scene) scene = scene_new();
                g_autofree char *without = g_strconcat("[Port vnet0]\n", open[i], NULL);
                g_autofree char *protected = g_strconcat(
                        without, "[Bridge east]\nGateway=", gateway, " ", gateway6, "\n", NULL);
                g_autofree char *own =
                        g_strconcat(protected, "[Port vnet0]\nGateway=", gateway, "\n", NULL);

                plan(&scene, without);
                g_assert_cmpint(reason_in(&scene, "vnet0",
                                          ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                                ==, BW_REASON_NONE);
                plan(&scene, protected);
                g_assert_cmpint(reason_in(&scene, "vnet0",
                                          ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                                ==, BW_REASON_SPOOFED_IP);
                g_assert_cmpint(reason_in(&scene, "vnet0", arp_frame(GUEST_W, GUEST_W, gateway, 2)),
                                ==, BW_REASON_SPOOFED_ARP);
                g_assert_cmpint(reason_in(&scene, "vnet0",
                                          ip_frame(GUEST_E, GUEST_W, gateway6, "2001:db8::12")),
                                ==, BW_REASON_SPOOFED_IP);
                plan(&scene, own);
                g_assert_cmpint(reason_in(&scene, "vnet0",
                                          ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                                ==, BW_REASON_NONE);
        }
}

/* A network that takes a gateway in does not have it: the uplink's port does, where nobody names
 * it. */
static void test_gateway_in_a_network(void) {
        static const char gateway[] = "192.168.50.34", beside[] = "192.168.50.35";
        static const char text[] = "[Port vnet0]\nAddresses=192.168.50.32/28 2001:db8:1::/64\n"
                                   "[Bridge east]\nGateway=192.168.50.34 2001:db8:1::fe\n";
        g_autofree char *named = g_strconcat(text, "[Port vnet0]\nGateway=192.168.50.34\n", NULL);
        g_auto(Scene) scene = scene_new();

        plan(&scene, text);
        g_assert_cmpuint(port_of(&scene, "vnet0")->addresses->len, ==, 4 + 64);
        g_assert_cmpint(
                reason_in(&scene, "vnet0", ip_frame(GUEST_E, GUEST_W, beside, "192.168.50.12")), ==,
                BW_REASON_NONE);
        g_assert_cmpint(
                reason_in(&scene, "vnet0", ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                ==, BW_REASON_SPOOFED_IP);
        g_assert_cmpint(reason_in(&scene, "vnet0", arp_frame(GUEST_W, GUEST_W, gateway, 2)), ==,
                        BW_REASON_SPOOFED_ARP);
        g_assert_cmpint(reason_in(&scene, "vnet0",
                                  ip_frame(GUEST_E, GUEST_W, "2001:db8:1::fe", "2001:db8::12")),
                        ==, BW_REASON_SPOOFED_IP);
        g_assert_cmpint(
                reason_in(&scene, "eth0", ip_frame(GUEST_E, OUTSIDE, gateway, "192.168.50.12")), ==,
                BW_REASON_NONE);
        g_assert_cmpint(
                reason_in(&scene, "eth0", ip_frame(GUEST_E, OUTSIDE, beside, "192.168.50.12")), ==,
                BW_REASON_BORDER_SPOOF);
        plan(&scene, named);
        g_assert_cmpint(
                reason_in(&scene, "vnet0", ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                ==, BW_REASON_NONE);
        g_assert_cmpint(
                reason_in(&scene, "eth0", ip_frame(GUEST_E, OUTSIDE, gateway, "192.168.50.12")), ==,
                BW_REASON_BORDER_SPOOF);
}

/* What is said of them */

static BwViolation *tell_violation(const Scene *scene, const char *prefix, int in, int out,
                                   const GByteArray *frame) {
        BwDeniedPacket denied = { .prefix = prefix,
                                  .family = AF_BRIDGE,
                                  .physin = in,
                                  .physout = out,
                                  .ethertype = (uint16_t) (frame->data[12] << 8 | frame->data[13]),
                                  .ethernet = frame->data,
                                  .ethernet_length = 14,
                                  .packet = frame->data + 14,
                                  .packet_length = frame->len - 14 };

        return bw_violation_new(&denied, scene->plan);
}

/* The owner is looked for on all bridges; what is rightly behind the border is no claim. */
static void test_attributed(void) {
        g_auto(Scene) scene = scene_new();
        g_autoptr(GByteArray) spoof = ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12");
        g_autoptr(GByteArray) stolen = ip_frame(GUEST_E, GUEST_W, "8.8.8.8", "192.168.50.12");
        g_autoptr(GByteArray) mixed = ip_frame(GUEST_W, GUEST_E, "192.168.50.11", "192.168.50.11");
        g_autoptr(GByteArray) leaving =
                ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11");
        g_autoptr(BwViolation) claimed = NULL, owned = NULL, by_mac = NULL, led = NULL;

        plan(&scene, "");
        claimed = tell_violation(&scene, "bw in border-spoof drop", 30, 0, spoof);
        g_assert_cmpstr(claimed->port, ==, "eth0");
        g_assert_cmpstr(claimed->claimed_owner, ==, "gw");
        g_assert_cmpstr(claimed->claimed_address, ==, "192.168.50.11");
        g_assert_cmpstr(claimed->victim, ==, "ge");
        g_assert_cmpstr(claimed->detail, ==, "IP source");
        by_mac = tell_violation(&scene, "bw in border-spoof drop", 30, 0, stolen);
        g_assert_cmpstr(by_mac->claimed_owner, ==, "gw");
        g_assert_true(by_mac->owns_mac);
        /* Behind "e-m" is gw's address, but not ge's MAC. */
        led = tell_violation(&scene, "bw in border-spoof drop", 23, 0, mixed);
        g_assert_cmpstr(led->claimed_owner, ==, "ge");
        g_assert_true(led->owns_mac);
        owned = tell_violation(&scene, "bw out border-misdelivered drop", 11, 30, leaving);
        g_assert_cmpstr(owned->victim, ==, "gw");
        g_assert_cmpstr(owned->offender_guest, ==, "ge");
        g_assert_cmpstr(owned->detail, ==, "IP destination");
}

/* A frame for another bridge's guest is taken over the links that lead there. */
static void test_explained(void) {
        g_auto(Scene) scene = scene_new();
        g_autoptr(GByteArray) frame = ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12");
        g_autoptr(GArray) judgments = NULL;

        plan(&scene, "");
        judgments = bw_explain(scene.plan, "vnet0", "", frame->data, frame->len, NULL);
        g_assert_cmpuint(judgments->len, ==, 6);
        g_assert_cmpstr(g_array_index(judgments, BwJudgment, 1).port->name, ==, "w-m");
        g_assert_cmpstr(g_array_index(judgments, BwJudgment, 5).port->name, ==, "vnet1");
        g_assert_cmpint(bw_explain_fate(judgments), ==, BW_FATE_PASSES);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/evaluate_border/gateways/protected", test_gateway_is_protected);
        g_test_add_func("/evaluate_border/gateways/in-a-network", test_gateway_in_a_network);
        g_test_add_func("/evaluate_border/absent/frames", test_frames_of_absent);
        g_test_add_func("/evaluate_border/frames/in", test_frames_in);
        g_test_add_func("/evaluate_border/frames/out", test_frames_out);
        g_test_add_func("/evaluate_border/frames/closed", test_closed_border);
        g_test_add_func("/evaluate_border/attributed", test_attributed);
        g_test_add_func("/evaluate_border/explained", test_explained);
        return g_test_run();
}
