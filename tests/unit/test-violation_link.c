/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the bridge family reports, in words: each kind of frame on the corpus's stage, the attacker
 * behind vk63 (ifindex 10), the victim behind vk64 (11), the gateway behind vmh1 (12).
 */

#include <bw/corpus_list.h>
#include <bw/evaluate.h>
#include <bw/ipt_rule.h>
#include <bw/violation.h>
#include <netinet/in.h>
#include <string.h>

#define BRIDGE 1
#define FIRST  10

typedef struct Scene {
        BwScene words;
        BwPlan *plan;
} Scene;

static void scene_open(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        scene->words = bw_scene_new();
        scene->plan = bw_scene_plan_new(&scene->words, NULL, NULL);
}

static void scene_close(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        bw_plan_free(scene->plan);
}

/* As the kernel gives it: the outer tag apart, 14 bytes of header, the beginning of the rest. */
typedef struct Given {
        BwDeniedPacket denied;
        uint8_t ethernet[14];
        char prefix[BW_VIOLATION_PREFIX_SIZE];
} Given;

static uint16_t number_at(const uint8_t *bytes) {
        return (uint16_t) (bytes[0] << 8 | bytes[1]);
}

static void give(Given *given, const GByteArray *frame, BwDirection direction, BwReason reason,
                 int from, int to) {
        const uint8_t *bytes = frame->data;
        uint16_t outer = number_at(bytes + 12);
        bool tagged = frame->len >= 18 && (outer == 0x8100 || outer == 0x88a8);
        gsize header = tagged ? 18 : 14;

        bw_violation_prefix(direction, reason, true, given->prefix);
        memcpy(given->ethernet, bytes, 12);
        memcpy(given->ethernet + 12, bytes + header - 2, 2);
        given->denied = (BwDeniedPacket){
                .prefix = given->prefix,
                .family = AF_BRIDGE,
                .physin = from,
                .physout = to,
                .in = from ? BRIDGE : 0,
                .out = to ? BRIDGE : 0,
                .ethertype = number_at(bytes + header - 2),
                .ethernet = given->ethernet,
                .ethernet_length = sizeof(given->ethernet),
                .packet = bytes + header,
                .packet_length = MIN(frame->len - header, BW_NFLOG_SNAPLEN),
        };
        if (tagged)
                given->denied.tag = (BwDeniedTag){ true, outer, number_at(bytes + 14) };
}

/* (transfer full): what the attacker sent and @reason met. Takes @frame. */
static BwViolation *sent(Scene *scene, BwReason reason, GByteArray *frame) {
        BwViolation *violation;
        Given given;

        give(&given, frame, BW_DIRECTION_IN, reason, FIRST + BW_WHO_ATTACKER, 0);
        violation = bw_violation_new(&given.denied, scene->plan);
        g_byte_array_unref(frame);
        g_assert_nonnull(violation);
        return violation;
}

static void check_sentence(const BwViolation *violation, const char *expected) {
        g_autofree char *sentence = bw_violation_sentence(violation);

        g_assert_cmpstr(sentence, ==, expected);
}

static void check_sent(Scene *scene, BwReason reason, GByteArray *frame, const char *expected) {
        g_autoptr(BwViolation) violation = sent(scene, reason, frame);

        check_sentence(violation, expected);
}

#define MAC(who)        (scene->words.stations[who].mac)
#define IPV4(who)       (scene->words.stations[who].ipv4)
#define IPV6(who)       (scene->words.stations[who].ipv6)
#define LINK_LOCAL(who) (scene->words.stations[who].link_local)

/* ARP */

static GByteArray *arp(Scene *scene, uint16_t operation, BwMac to, BwMac sender_mac,
                       BwPrefix sender, BwPrefix target) {
        BwPacketArp arp = { 1,      0x0800, 6, 4, operation, sender_mac, MAC(BW_WHO_VICTIM),
                            sender, target };

        return bw_packet_ethernet(to, MAC(BW_WHO_ATTACKER), 0x0806, bw_packet_arp(&arp));
}

static void test_arp_reply(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        g_autoptr(BwViolation) violation =
                sent(scene, BW_REASON_SPOOFED_ARP,
                     arp(scene, 2, MAC(BW_WHO_VICTIM), MAC(BW_WHO_ATTACKER), IPV4(BW_WHO_GATEWAY),
                         IPV4(BW_WHO_VICTIM)));

        g_assert_cmphex(violation->ethertype, ==, 0x0806);
        g_assert_cmpstr(violation->source, ==, "192.168.50.1");
        g_assert_cmpstr(violation->destination, ==, "192.168.50.14");
        g_assert_cmpstr(violation->claimed_address, ==, "192.168.50.1");
        g_assert_cmpstr(violation->claimed_mac, ==, "52:54:00:9f:5d:0d");
        g_assert_cmpstr(violation->claimed_owner, ==, "vmh1");
        g_assert_false(violation->owns_mac);
        g_assert_cmpstr(violation->victim, ==, "vk64");
        g_assert_cmpstr(violation->protocol, ==, "arp reply");
        g_assert_cmpstr(violation->detail, ==, "ARP sender IP");
        g_assert_null(violation->tags);
        check_sentence(violation,
                       "Port vk63 sent ARP reply 192.168.50.1 is-at 52:54:00:9f:5d:0d, claiming "
                       "the address of vmh1, meant for vk64: dropped, spoofed-arp (ARP sender IP)");
}

static void test_arp(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        BwPrefix nowhere = bw_corpus_address("0.0.0.0");

        /* To all: meant for its target; an announcement has none beside the claim. */
        check_sent(scene, BW_REASON_SPOOFED_ARP,
                   arp(scene, 1, bw_corpus_broadcast, MAC(BW_WHO_ATTACKER), IPV4(BW_WHO_GATEWAY),
                       IPV4(BW_WHO_VICTIM)),
                   "Port vk63 sent ARP request who-has 192.168.50.14 tell 192.168.50.1 at "
                   "52:54:00:9f:5d:0d, claiming the address of vmh1, meant for vk64: dropped, "
                   "spoofed-arp (ARP sender IP)");
        check_sent(scene, BW_REASON_SPOOFED_ARP,
                   arp(scene, 2, bw_corpus_broadcast, MAC(BW_WHO_ATTACKER), IPV4(BW_WHO_GATEWAY),
                       IPV4(BW_WHO_GATEWAY)),
                   "Port vk63 sent ARP reply 192.168.50.1 is-at 52:54:00:9f:5d:0d, claiming the "
                   "address of vmh1: dropped, spoofed-arp (ARP sender IP)");
        check_sent(scene, BW_REASON_SPOOFED_ARP,
                   arp(scene, 1, bw_corpus_broadcast, MAC(BW_WHO_ATTACKER), nowhere,
                       IPV4(BW_WHO_VICTIM)),
                   "Port vk63 sent ARP request who-has 192.168.50.14 tell 0.0.0.0 at "
                   "52:54:00:9f:5d:0d, claiming the address of vk64: dropped, spoofed-arp "
                   "(target of the ARP probe)");
        check_sent(scene, BW_REASON_SPOOFED_ARP,
                   arp(scene, 2, MAC(BW_WHO_VICTIM), MAC(BW_WHO_GATEWAY), IPV4(BW_WHO_ATTACKER),
                       IPV4(BW_WHO_VICTIM)),
                   "Port vk63 sent ARP reply 192.168.50.13 is-at 52:54:00:9f:5d:01, claiming the "
                   "MAC of vmh1, meant for vk64: dropped, spoofed-arp (ARP sender MAC)");
        check_sent(scene, BW_REASON_SPOOFED_ARP,
                   arp(scene, 8, MAC(BW_WHO_VICTIM), MAC(BW_WHO_ATTACKER), IPV4(BW_WHO_ATTACKER),
                       IPV4(BW_WHO_VICTIM)),
                   "Port vk63 sent ARP operation 8 of 192.168.50.13 at 52:54:00:9f:5d:0d, meant "
                   "for vk64: dropped, spoofed-arp (ARP operation)");
        check_sent(scene, BW_REASON_SPOOFED_ARP,
                   bw_packet_ethernet(bw_corpus_broadcast, MAC(BW_WHO_ATTACKER), 0x0806,
                                      bw_packet_filler(12)),
                   "Port vk63 sent ARP that is not of Ethernet and IPv4, or is cut short: dropped, "
                   "spoofed-arp (ARP is not of Ethernet and IPv4, or cut short)");
}

/* IPv6 */

static GByteArray *icmpv6(Scene *scene, BwPrefix source, const char *destination, BwMac to,
                          GByteArray *message) {
        BwPacketIp ip = { .source = source,
                          .destination = bw_corpus_address(destination),
                          .protocol = IPPROTO_ICMPV6,
                          .hop_limit = 255 };

        return bw_corpus_wrap(to, MAC(BW_WHO_ATTACKER), &ip, message);
}

static GByteArray *nd(uint8_t type, BwPrefix target, uint8_t option, BwMac mac) {
        return bw_packet_nd(type, &target, bw_packet_option(option, mac, NULL));
}

static void test_advertisement(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        g_autoptr(BwViolation) violation = sent(
                scene, BW_REASON_SPOOFED_ND,
                icmpv6(scene, LINK_LOCAL(BW_WHO_ATTACKER), "2001:db8:50::14", MAC(BW_WHO_VICTIM),
                       nd(136, IPV6(BW_WHO_GATEWAY), 2, MAC(BW_WHO_ATTACKER))));

        g_assert_cmphex(violation->ethertype, ==, 0x86dd);
        g_assert_cmpstr(violation->source, ==, "fe80::5054:ff:fe9f:5d0d");
        g_assert_cmpstr(violation->claimed_address, ==, "2001:db8:50::1");
        g_assert_cmpstr(violation->claimed_mac, ==, "52:54:00:9f:5d:0d");
        g_assert_cmpstr(violation->claimed_owner, ==, "vmh1");
        g_assert_cmpstr(violation->victim, ==, "vk64");
        check_sentence(violation,
                       "Port vk63 sent fe80::5054:ff:fe9f:5d0d > 2001:db8:50::14 (icmpv6 neighbour "
                       "advertisement 2001:db8:50::1 is-at 52:54:00:9f:5d:0d), claiming the "
                       "address of vmh1, meant for vk64: dropped, spoofed-nd (target of the "
                       "neighbour advertisement)");
}

static void test_nd(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        BwMac all = { { 0x33, 0x33, 0, 0, 0, 1 } };
        BwPrefix own = LINK_LOCAL(BW_WHO_ATTACKER), nowhere = bw_corpus_address("::");
        BwPrefix gateway = IPV6(BW_WHO_GATEWAY);
        GByteArray *odd;

        check_sent(scene, BW_REASON_SPOOFED_ND,
                   icmpv6(scene, own, "ff02::1", all,
                          nd(135, IPV6(BW_WHO_VICTIM), 1, MAC(BW_WHO_GATEWAY))),
                   "Port vk63 sent fe80::5054:ff:fe9f:5d0d > ff02::1 (icmpv6 neighbour "
                   "solicitation who-has 2001:db8:50::14 tell 52:54:00:9f:5d:01), claiming the MAC "
                   "of vmh1: dropped, spoofed-nd (link-layer address option)");
        check_sent(scene, BW_REASON_SPOOFED_ND,
                   icmpv6(scene, nowhere, "ff02::1", all,
                          bw_packet_nd(135, &gateway, bw_packet_filler(0))),
                   "Port vk63 sent :: > ff02::1 (icmpv6 neighbour solicitation who-has "
                   "2001:db8:50::1), claiming the address of vmh1: dropped, spoofed-nd (target of "
                   "the address detection)");
        /* An option of length zero hides nothing of what stands before it. */
        odd = nd(136, gateway, 2, MAC(BW_WHO_ATTACKER));
        g_byte_array_append(odd, (const uint8_t *) "\5\0\0\0\0\0\0\0", 8);
        check_sent(scene, BW_REASON_SPOOFED_ND, icmpv6(scene, own, "ff02::1", all, odd),
                   "Port vk63 sent fe80::5054:ff:fe9f:5d0d > ff02::1 (icmpv6 neighbour "
                   "advertisement 2001:db8:50::1 is-at 52:54:00:9f:5d:0d), claiming the address of "
                   "vmh1: dropped, spoofed-nd (an odd option in neighbour discovery, or cut "
                   "short)");
        check_sent(scene, BW_REASON_ROGUE_RA,
                   icmpv6(scene, own, "ff02::1", all,
                          bw_packet_message(134, 0, 0x40000708,
                                            bw_packet_option(1, MAC(BW_WHO_ATTACKER), NULL))),
                   "Port vk63 sent fe80::5054:ff:fe9f:5d0d > ff02::1 (icmpv6 router "
                   "advertisement): dropped, rogue-ra (ICMPv6 router advertisement)");
        check_sent(scene, BW_REASON_ROGUE_QUERIER,
                   icmpv6(scene, own, "ff02::1", all,
                          bw_packet_message(130, 0, 0, bw_packet_filler(16))),
                   "Port vk63 sent fe80::5054:ff:fe9f:5d0d > ff02::1 (icmpv6 multicast listener "
                   "query): dropped, rogue-querier (MLD query)");
        odd = bw_packet_bytes(gateway.bytes, 16);
        g_byte_array_append(odd, IPV6(BW_WHO_NOBODY).bytes, 16);
        check_sent(scene, BW_REASON_REDIRECT,
                   icmpv6(scene, own, "2001:db8:50::14", MAC(BW_WHO_VICTIM),
                          bw_packet_message(137, 0, 0, odd)),
                   "Port vk63 sent fe80::5054:ff:fe9f:5d0d > 2001:db8:50::14 (icmpv6 redirect "
                   "2001:db8:50::99 by way of 2001:db8:50::1), meant for vk64: dropped, redirect "
                   "(ICMPv6 redirect)");
}

static void test_ipv6(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        BwPacketIp ip = { .source = IPV6(BW_WHO_GATEWAY),
                          .destination = IPV6(BW_WHO_VICTIM),
                          .protocol = IPPROTO_UDP };

        check_sent(scene, BW_REASON_SPOOFED_IP,
                   bw_corpus_wrap(MAC(BW_WHO_VICTIM), MAC(BW_WHO_ATTACKER), &ip,
                                  bw_packet_udp(4000, 53, bw_packet_filler(1200))),
                   "Port vk63 sent 2001:db8:50::1 > 2001:db8:50::14 (udp 4000 > 53), claiming the "
                   "address of vmh1, meant for vk64: dropped, spoofed-ip (IP source)");
        ip.source = LINK_LOCAL(BW_WHO_ATTACKER);
        check_sent(scene, BW_REASON_ROGUE_DHCP,
                   bw_corpus_wrap(MAC(BW_WHO_VICTIM), MAC(BW_WHO_ATTACKER), &ip,
                                  bw_packet_udp(547, 546, bw_packet_bytes("\2\1\1\1", 4))),
                   "Port vk63 sent fe80::5054:ff:fe9f:5d0d > 2001:db8:50::14 (udp 547 > 546, "
                   "DHCPv6 advertise), meant for vk64: dropped, rogue-dhcp (from a DHCP server's "
                   "port)");
}

/* IPv4 */

static GByteArray *ipv4(Scene *scene, BwWho from, uint8_t protocol, GByteArray *payload) {
        BwPacketIp ip = { .source = IPV4(from),
                          .destination = IPV4(BW_WHO_VICTIM),
                          .protocol = protocol };

        return bw_corpus_wrap(MAC(BW_WHO_VICTIM), MAC(BW_WHO_ATTACKER), &ip, payload);
}

static GByteArray *offer(Scene *scene) {
        GByteArray *bootp = bw_packet_bootp(2, MAC(BW_WHO_VICTIM));

        memcpy(bootp->data + 16, "\xc0\xa8\x32\x4d", 4);
        memcpy(bootp->data + 20, IPV4(BW_WHO_ATTACKER).bytes, 4);
        return ipv4(scene, BW_WHO_ATTACKER, IPPROTO_UDP, bw_packet_udp(67, 68, bootp));
}

static void test_ipv4(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        static const uint8_t quoted[20] = { 0x45, [16] = 203, 0, 113, 9 };

        check_sent(scene, BW_REASON_ROGUE_DHCP, offer(scene),
                   "Port vk63 sent 192.168.50.13 > 192.168.50.14 (udp 67 > 68, DHCP server "
                   "message: 192.168.50.77 for 52:54:00:9f:5d:0e, server 192.168.50.13), meant for "
                   "vk64: dropped, rogue-dhcp (from a DHCP server's port)");
        check_sent(
                scene, BW_REASON_REDIRECT,
                ipv4(scene, BW_WHO_ATTACKER, IPPROTO_ICMP,
                     bw_packet_message(5, 1, 0xc0a8320d, bw_packet_bytes(quoted, sizeof(quoted)))),
                "Port vk63 sent 192.168.50.13 > 192.168.50.14 (icmp redirect 203.0.113.9 by way "
                "of 192.168.50.13), meant for vk64: dropped, redirect (ICMP redirect)");
        check_sent(scene, BW_REASON_ROGUE_QUERIER,
                   ipv4(scene, BW_WHO_ATTACKER, IPPROTO_IGMP,
                        bw_packet_message(0x11, 1, 0, bw_packet_filler(0))),
                   "Port vk63 sent 192.168.50.13 > 192.168.50.14 (igmp query), meant for vk64: "
                   "dropped, rogue-querier (IGMP query)");
        check_sent(scene, BW_REASON_ROGUE_RA,
                   ipv4(scene, BW_WHO_ATTACKER, IPPROTO_ICMP,
                        bw_packet_message(9, 0, 0, bw_packet_filler(0))),
                   "Port vk63 sent 192.168.50.13 > 192.168.50.14 (icmp router advertisement), "
                   "meant for vk64: dropped, rogue-ra (ICMP router advertisement)");
        /* Far longer than what is kept of it. */
        check_sent(scene, BW_REASON_SPOOFED_IP,
                   ipv4(scene, BW_WHO_GATEWAY, IPPROTO_UDP,
                        bw_packet_udp(40000, 53, bw_packet_filler(1400))),
                   "Port vk63 sent 192.168.50.1 > 192.168.50.14 (udp 40000 > 53), claiming the "
                   "address of vmh1, meant for vk64: dropped, spoofed-ip (IP source)");
}

/* Tags, groups and other ethertypes */

static GByteArray *inner(Scene *scene) {
        BwPacketIp ip = { .source = IPV4(BW_WHO_GATEWAY),
                          .destination = IPV4(BW_WHO_VICTIM),
                          .protocol = IPPROTO_UDP };

        return bw_packet_ip(&ip, bw_packet_udp(40000, 53, bw_packet_filler(4)));
}

static GByteArray *tagged(Scene *scene, unsigned n) {
        GByteArray *payload = inner(scene);

        for (unsigned i = n; i-- > 0;)
                payload = bw_packet_tag((uint16_t) (0xe000 + i), i == n - 1 ? 0x0800 : 0x8100,
                                        payload);
        return bw_packet_ethernet(MAC(BW_WHO_VICTIM), MAC(BW_WHO_ATTACKER), 0x8100, payload);
}

static void test_tags(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        g_autoptr(BwViolation) violation = sent(scene, BW_REASON_ETHERTYPE, tagged(scene, 2));

        g_assert_cmphex(violation->ethertype, ==, 0x8100);
        g_assert_cmpstr(violation->tags, ==, "0 1");
        g_assert_cmpstr(violation->source, ==, "192.168.50.1");
        check_sentence(violation,
                       "Port vk63 sent 192.168.50.1 > 192.168.50.14 (udp 40000 > 53) behind 2 VLAN "
                       "tags, VIDs 0 1, claiming the address of vmh1, meant for vk64: dropped, "
                       "ethertype (a VLAN tag)");
        check_sent(scene, BW_REASON_ETHERTYPE, tagged(scene, 1),
                   "Port vk63 sent 192.168.50.1 > 192.168.50.14 (udp 40000 > 53) behind a VLAN "
                   "tag, VID 0, claiming the address of vmh1, meant for vk64: dropped, ethertype "
                   "(a VLAN tag)");
        /* What is behind them is not kept any more. */
        check_sent(scene, BW_REASON_ETHERTYPE, tagged(scene, 300),
                   "Port vk63 sent a frame 52:54:00:9f:5d:0d > 52:54:00:9f:5d:0e of ethertype "
                   "0x8100 behind 33 VLAN tags, VIDs 0 1 2 3 ..., meant for vk64: dropped, "
                   "ethertype (a VLAN tag)");
}

static void check_other(Scene *scene, const char *destination, uint16_t ethertype, BwReason reason,
                        const char *expected) {
        BwMac to = MAC(BW_WHO_VICTIM);

        if (destination)
                memcpy(to.octet, destination, sizeof(to.octet));
        check_sent(scene, reason,
                   bw_packet_ethernet(to, MAC(BW_WHO_ATTACKER), ethertype, inner(scene)), expected);
}

static void test_other_ethertypes(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        BwMac bridges = { { 0x01, 0x80, 0xc2, 0, 0, 0 } };

        check_sent(scene, BW_REASON_ETHERTYPE,
                   bw_packet_llc(bridges, MAC(BW_WHO_ATTACKER), bw_packet_bytes("\x42\x42\3\0", 4)),
                   "Port vk63 sent a frame of spanning tree 52:54:00:9f:5d:0d > 01:80:c2:00:00:00: "
                   "dropped, ethertype (an LLC frame)");
        check_other(
                scene, "\x01\x80\xc2\0\0\x0e", 0x88cc, BW_REASON_ETHERTYPE,
                "Port vk63 sent a frame of LLDP 52:54:00:9f:5d:0d > 01:80:c2:00:00:0e: dropped, "
                "ethertype (the ethertype)");
        check_other(
                scene, "\x01\x80\xc2\0\0\3", 0x888e, BW_REASON_ETHERTYPE,
                "Port vk63 sent a frame of EAPOL 52:54:00:9f:5d:0d > 01:80:c2:00:00:03: dropped, "
                "ethertype (the ethertype)");
        check_other(scene, NULL, 0x22f3, BW_REASON_ETHERTYPE,
                    "Port vk63 sent a frame 52:54:00:9f:5d:0d > 52:54:00:9f:5d:0e of ethertype "
                    "0x22f3, meant for vk64: dropped, ethertype (the ethertype)");
        check_other(scene, "\x01\x80\xc2\0\0\0", 0x0800, BW_REASON_BPDU,
                    "Port vk63 sent 192.168.50.1 > 192.168.50.14 (udp 40000 > 53), claiming the "
                    "address of vmh1, meant for vk64: dropped, bpdu (the Ethernet destination is "
                    "for bridges)");
}

/* MACs */

static void test_mac(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        g_autoptr(BwViolation) violation = NULL;
        GByteArray *frame = ipv4(scene, BW_WHO_ATTACKER, IPPROTO_UDP,
                                 bw_packet_udp(40000, 53, bw_packet_filler(4)));

        memcpy(frame->data + 6, MAC(BW_WHO_GATEWAY).octet, sizeof(BwMac));
        violation = sent(scene, BW_REASON_SPOOFED_MAC, frame);
        g_assert_cmpstr(violation->claimed_mac, ==, "52:54:00:9f:5d:01");
        g_assert_cmpstr(violation->claimed_owner, ==, "vmh1");
        g_assert_true(violation->owns_mac);
        check_sentence(violation,
                       "Port vk63 sent 192.168.50.13 > 192.168.50.14 (udp 40000 > 53), claiming "
                       "the MAC of vmh1, meant for vk64: dropped, spoofed-mac (Ethernet source)");
}

/* On the way out */

static void test_flooded(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        g_autoptr(GByteArray) frame =
                ipv4(scene, BW_WHO_ATTACKER, IPPROTO_TCP, bw_packet_tcp(40000, 22, 2));
        g_autoptr(BwViolation) violation = NULL;
        Given given;

        give(&given, frame, BW_DIRECTION_OUT, BW_REASON_FLOODED, FIRST + BW_WHO_ATTACKER,
             FIRST + BW_WHO_GATEWAY);
        violation = bw_violation_new(&given.denied, scene->plan);
        check_sentence(violation,
                       "Port vmh1 would have received 192.168.50.13 > 192.168.50.14 (tcp 40000 > "
                       "22) from port vk63, meant for vk64: dropped, flooded (Ethernet "
                       "destination)");
        g_assert_null(violation->claimed_address);
        g_assert_false(violation->from_host);
}

static void test_from_host(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        g_autoptr(GByteArray) frame =
                ipv4(scene, BW_WHO_NOBODY, IPPROTO_TCP, bw_packet_tcp(40000, 22, 2));
        g_autoptr(BwViolation) violation = NULL, unknown = NULL;
        Given given;

        memcpy(frame->data, MAC(BW_WHO_ATTACKER).octet, sizeof(BwMac));
        give(&given, frame, BW_DIRECTION_OUT, BW_REASON_MISDELIVERED, 0, FIRST + BW_WHO_ATTACKER);
        violation = bw_violation_new(&given.denied, scene->plan);
        g_assert_true(violation->from_host);
        g_assert_cmpstr(violation->offender, ==, "virbr6");
        check_sentence(violation,
                       "Port vk63 would have received 192.168.50.99 > 192.168.50.14 (tcp 40000 > "
                       "22) from the host itself by way of bridge virbr6, meant for vk64: dropped, "
                       "misdelivered (IP destination)");
        /* iptables does not see where it comes from. */
        given.denied.family = AF_INET;
        unknown = bw_violation_new(&given.denied, scene->plan);
        g_assert_false(unknown->from_host);
        g_assert_cmpstr(unknown->offender, ==, "");
}

/* A kernel without br_netfilter calls the ports devices. */
static void test_without_br_netfilter(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        g_autoptr(GByteArray) frame =
                ipv4(scene, BW_WHO_GATEWAY, IPPROTO_TCP, bw_packet_tcp(40000, 22, 2));
        g_autoptr(BwViolation) in = NULL, out = NULL, not_ours = NULL;
        Given given;

        give(&given, frame, BW_DIRECTION_IN, BW_REASON_SPOOFED_IP, 0, 0);
        given.denied.in = FIRST + BW_WHO_ATTACKER;
        in = bw_violation_new(&given.denied, scene->plan);
        g_assert_cmpstr(in->port, ==, "vk63");
        give(&given, frame, BW_DIRECTION_OUT, BW_REASON_FLOODED, 0, 0);
        given.denied.in = FIRST + BW_WHO_ATTACKER;
        given.denied.out = FIRST + BW_WHO_GATEWAY;
        out = bw_violation_new(&given.denied, scene->plan);
        g_assert_cmpstr(out->port, ==, "vmh1");
        g_assert_cmpstr(out->offender, ==, "vk63");
        g_assert_false(out->from_host);
        given.denied.family = AF_INET;
        not_ours = bw_violation_new(&given.denied, scene->plan);
        g_assert_null(not_ours);
}

/* The detail is the evaluator's, or there is none. */

static void check_detail(Scene *scene, const BwCorpusFrame *frame, BwDirection direction,
                         BwReason reason) {
        bool in = direction == BW_DIRECTION_IN;
        const BwBridgePlan *bridge = NULL;
        const BwPortPlan *port = bw_plan_find_port(
                scene->plan, scene->words.stations[in ? frame->from : frame->to].port, &bridge);
        BwVerdict verdict = in ? bw_evaluate_in(scene->plan, bridge, port, frame->bytes->data,
                                                frame->bytes->len)
                               : bw_evaluate_out(scene->plan, bridge, port, frame->bytes->data,
                                                 frame->bytes->len);
        g_autoptr(BwViolation) violation = NULL;
        Given given;

        give(&given, frame->bytes, direction, reason, FIRST + (int) frame->from,
             in ? 0 : FIRST + (int) frame->to);
        violation = bw_violation_new(&given.denied, scene->plan);
        if (verdict.reason != reason || g_strcmp0(violation->detail, verdict.detail) != 0)
                g_test_message("%s: %s", frame->name, violation->what);
        g_assert_cmpint(verdict.reason, ==, reason);
        g_assert_cmpstr(violation->detail, ==, verdict.detail);
        g_assert_nonnull(violation->what);
}

static void test_corpus(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        g_autoptr(GPtrArray) frames = bw_corpus_new(&scene->words);
        unsigned n = 0;

        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];

                if (frame->bytes->len < 14)
                        continue;
                if (frame->in != BW_REASON_NONE && frame->from < BW_WHO_NOBODY) {
                        check_detail(scene, frame, BW_DIRECTION_IN, frame->in);
                        n++;
                }
                if (frame->out != BW_REASON_NONE && frame->to < BW_WHO_NOBODY) {
                        check_detail(scene, frame, BW_DIRECTION_OUT, frame->out);
                        n++;
                }
        }
        g_test_message("%u verdicts in words", n);
        g_assert_cmpuint(n, >, 300);
}

/* Somebody changed the plan meanwhile: the words must not accuse of what is not so. */
static void test_plan_has_changed(Scene *scene, gconstpointer user G_GNUC_UNUSED) {
        check_sent(scene, BW_REASON_SPOOFED_IP,
                   ipv4(scene, BW_WHO_ATTACKER, IPPROTO_TCP, bw_packet_tcp(40000, 22, 2)),
                   "Port vk63 sent 192.168.50.13 > 192.168.50.14 (tcp 40000 > 22), meant for vk64: "
                   "dropped, spoofed-ip");
        /* Something else is wrong with it by now. */
        check_sent(scene, BW_REASON_SPOOFED_IP, offer(scene),
                   "Port vk63 sent 192.168.50.13 > 192.168.50.14 (udp 67 > 68, DHCP server "
                   "message: 192.168.50.77 for 52:54:00:9f:5d:0e, server 192.168.50.13), meant for "
                   "vk64: dropped, spoofed-ip");
}

#define ADD(path, function)                                                                        \
        g_test_add("/violation/link/" path, Scene, NULL, scene_open, function, scene_close)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        ADD("arp-reply", test_arp_reply);
        ADD("arp", test_arp);
        ADD("advertisement", test_advertisement);
        ADD("nd", test_nd);
        ADD("ipv6", test_ipv6);
        ADD("ipv4", test_ipv4);
        ADD("tags", test_tags);
        ADD("other-ethertypes", test_other_ethertypes);
        ADD("mac", test_mac);
        ADD("flooded", test_flooded);
        ADD("from-host", test_from_host);
        ADD("without-br-netfilter", test_without_br_netfilter);
        ADD("corpus", test_corpus);
        ADD("plan-has-changed", test_plan_has_changed);
        return g_test_run();
}
