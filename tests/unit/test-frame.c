/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world.h"
#include <bw/corpus_packet.h>

#include <bw/frame.h>
#include <netinet/in.h>
#include <string.h>

static const BwMac own = { { 0x52, 0x54, 0, 0, 0, 1 } }, other = { { 0x52, 0x54, 0, 0, 0, 2 } };

static BwPacketIp ipv4_of(uint8_t protocol) {
        return (BwPacketIp){ .source = bw_test_prefix("10.0.0.1"),
                             .destination = bw_test_prefix("10.0.0.2"),
                             .protocol = protocol };
}

static BwPacketIp ipv6_of(uint8_t protocol) {
        return (BwPacketIp){ .source = bw_test_prefix("2001:db8::1"),
                             .destination = bw_test_prefix("2001:db8::2"),
                             .protocol = protocol,
                             .hop_limit = 255 };
}

/* Decodes an exact copy, so that a sanitizer sees each byte read too far. */
static BwFrame decode(const GByteArray *bytes, gsize length) {
        g_autofree uint8_t *copy = g_memdup2(bytes->data, length);

        return bw_frame_decode(copy, length);
}

static BwFrame decode_ip(BwPacketIp ip, GByteArray *payload) {
        g_autoptr(GByteArray) bytes =
                bw_packet_ethernet(other, own, ip.source.family == BW_FAMILY_IPV4 ? 0x0800 : 0x86dd,
                                   bw_packet_ip(&ip, payload));

        return decode(bytes, bytes->len);
}

static void test_ethernet(void) {
        g_autoptr(GByteArray) bytes = bw_packet_ethernet(other, own, 0x88cc, bw_packet_filler(3));
        BwFrame frame = decode(bytes, bytes->len);

        g_assert_cmpint(frame.kind, ==, BW_FRAME_OTHER);
        g_assert_cmpuint(frame.ethertype, ==, 0x88cc);
        g_assert_true(bw_mac_equal(&frame.source, &own));
        g_assert_true(bw_mac_equal(&frame.destination, &other));
        g_assert_cmpint(decode(bytes, 14).kind, ==, BW_FRAME_OTHER);
        g_assert_cmpint(decode(bytes, 13).kind, ==, BW_FRAME_SHORT);
        g_assert_cmpint(bw_frame_decode(NULL, 0).kind, ==, BW_FRAME_SHORT);
        g_assert_true(bw_mac_is_group(&(BwMac){ { 1 } }));
        g_assert_false(bw_mac_is_group(&own));
}

static void test_arp(void) {
        const BwPacketArp arp = { 1,
                                  0x0800,
                                  6,
                                  4,
                                  2,
                                  own,
                                  other,
                                  bw_test_prefix("10.0.0.1"),
                                  bw_test_prefix("10.0.0.2") };
        g_autoptr(GByteArray) bytes = bw_packet_ethernet(other, own, 0x0806, bw_packet_arp(&arp));
        BwFrame frame = decode(bytes, bytes->len);

        g_assert_cmpint(frame.kind, ==, BW_FRAME_ARP);
        g_assert_true(frame.arp.plain);
        g_assert_cmpuint(frame.arp.operation, ==, 2);
        g_assert_true(bw_mac_equal(&frame.arp.sender_mac, &own));
        g_assert_true(bw_mac_equal(&frame.arp.target_mac, &other));
        g_assert_true(bw_prefix_equal(&frame.arp.sender, &arp.sender));
        g_assert_true(bw_prefix_equal(&frame.arp.target, &arp.target));
        g_assert_false(decode(bytes, bytes->len - 1).arp.plain);
        bytes->data[12] = 0x80;
        bytes->data[13] = 0x35;
        g_assert_cmpint(decode(bytes, bytes->len).kind, ==, BW_FRAME_RARP);
}

static void test_ipv4(void) {
        BwPacketIp ip = ipv4_of(IPPROTO_UDP);
        BwFrame frame;

        ip.options = 10;
        frame = decode_ip(ip, bw_packet_udp(68, 67, bw_packet_bootp(1, own)));
        g_assert_true(frame.ip.valid && frame.ip.chain_is_read && frame.ip.has_ports);
        g_assert_true(bw_prefix_equal(&frame.ip.source, &ip.source));
        g_assert_true(bw_prefix_equal(&frame.ip.destination, &ip.destination));
        g_assert_cmpint(frame.ip.part, ==, BW_FRAME_WHOLE);
        g_assert_cmpuint(frame.ip.source_port, ==, 68);
        g_assert_cmpuint(frame.ip.destination_port, ==, 67);
        g_assert_true(frame.bootp.whole);
        g_assert_cmpuint(frame.bootp.operation, ==, 1);
        g_assert_true(bw_mac_equal(&frame.bootp.client, &own));
}

static void test_ipv4_fragments(void) {
        static const struct {
                uint16_t fragment;
                BwFramePart part;
        } cases[] = { { 0x4000, BW_FRAME_WHOLE },
                      { 0x2000, BW_FRAME_FIRST },
                      { 0x0001, BW_FRAME_LATER },
                      { 0x2001, BW_FRAME_LATER },
                      { 0x1fff, BW_FRAME_LATER } };

        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                BwPacketIp ip = ipv4_of(IPPROTO_UDP);
                BwFrame frame;

                ip.fragment = cases[i].fragment;
                frame = decode_ip(ip, bw_packet_udp(68, 67, bw_packet_filler(8)));
                g_assert_cmpint(frame.ip.part, ==, cases[i].part);
                g_assert_cmpint(frame.ip.has_ports, ==, cases[i].part != BW_FRAME_LATER);
        }
}

/* Bytes behind the packet's own end are padding, whatever they look like. */
static void test_padding(void) {
        BwPacketIp ip = ipv4_of(IPPROTO_UDP);
        g_autoptr(GByteArray) bytes =
                bw_packet_ethernet(other, own, 0x0800, bw_packet_ip(&ip, g_byte_array_new()));
        const uint8_t ports[] = { 0, 67, 0, 68 };

        g_byte_array_append(bytes, ports, sizeof(ports));
        g_assert_true(decode(bytes, bytes->len).ip.valid);
        g_assert_false(decode(bytes, bytes->len).ip.has_ports);
}

static void test_bootp_needs_its_client(void) {
        BwPacketIp ip = ipv4_of(IPPROTO_UDP);
        GByteArray *bootp = bw_packet_bootp(1, own);
        BwFrame frame;

        g_byte_array_set_size(bootp, 33);
        frame = decode_ip(ip, bw_packet_udp(68, 67, bootp));
        g_assert_true(frame.ip.has_ports);
        g_assert_false(frame.bootp.whole);
        bootp = bw_packet_bootp(1, own);
        bootp->data[2] = 16;
        g_assert_false(decode_ip(ip, bw_packet_udp(68, 67, bootp)).bootp.whole);
        bootp = bw_packet_bootp(1, own);
        bootp->data[1] = 6;
        g_assert_false(decode_ip(ip, bw_packet_udp(68, 67, bootp)).bootp.whole);
}

/* One header after the other, up to the transport header or to the end of what can be read. */
static void test_extensions(void) {
        BwPacketIp ip = ipv6_of(IPPROTO_HOPOPTS);
        GByteArray *payload = bw_packet_extension(IPPROTO_ICMPV6, bw_packet_nd(134, NULL, NULL));
        BwFrame frame;

        payload = bw_packet_extension(IPPROTO_DSTOPTS, payload);
        frame = decode_ip(ip, payload);
        g_assert_true(frame.ip.valid && frame.ip.extended && frame.ip.chain_is_read);
        g_assert_cmpuint(frame.ip.protocol, ==, IPPROTO_ICMPV6);
        g_assert_true(frame.ip.has_type);
        g_assert_cmpuint(frame.ip.type, ==, 134);

        /* A length beyond the end, and a kind nobody knows. */
        payload = bw_packet_extension(IPPROTO_ICMPV6, bw_packet_nd(134, NULL, NULL));
        payload->data[1] = 2;
        frame = decode_ip(ip, payload);
        g_assert_true(frame.ip.valid);
        /* It names what would follow, and nothing follows. */
        g_assert_cmpuint(frame.ip.protocol, ==, IPPROTO_ICMPV6);
        g_assert_false(frame.ip.has_type);
        payload = bw_packet_extension(253, bw_packet_nd(134, NULL, NULL));
        g_assert_false(decode_ip(ip, payload).ip.chain_is_read);
}

static void test_ipv6_fragments(void) {
        BwPacketIp ip = ipv6_of(IPPROTO_FRAGMENT);
        BwFrame frame = decode_ip(
                ip, bw_packet_fragment(IPPROTO_ICMPV6, 0, false, bw_packet_nd(134, NULL, NULL)));

        g_assert_cmpint(frame.ip.part, ==, BW_FRAME_FIRST);
        g_assert_true(frame.ip.has_type);
        frame = decode_ip(
                ip, bw_packet_fragment(IPPROTO_ICMPV6, 8, false, bw_packet_nd(134, NULL, NULL)));
        g_assert_cmpint(frame.ip.part, ==, BW_FRAME_LATER);
        g_assert_false(frame.ip.has_type);
        /* A later fragment's first bytes are no header, whatever kind it names. */
        frame = decode_ip(
                ip, bw_packet_fragment(IPPROTO_DSTOPTS, 8, false,
                                       bw_packet_extension(IPPROTO_UDP, bw_packet_filler(8))));
        g_assert_cmpint(frame.ip.part, ==, BW_FRAME_LATER);
        g_assert_false(frame.ip.chain_is_read);
}

static void test_nd(void) {
        BwPacketIp ip = ipv6_of(IPPROTO_ICMPV6);
        BwPrefix target = bw_test_prefix("2001:db8::7");
        GByteArray *options = bw_packet_option(14, own, bw_packet_option(2, other, NULL));
        BwFrame frame = decode_ip(ip, bw_packet_nd(136, &target, options));

        g_assert_true(frame.nd.plain);
        g_assert_true(bw_prefix_equal(&frame.nd.target, &target));
        g_assert_cmpuint(frame.nd.n_macs, ==, 1);
        g_assert_true(bw_mac_equal(&frame.nd.macs[0], &other));

        options = bw_packet_option(2, own, NULL);
        options->data[1] = 0;
        g_assert_false(decode_ip(ip, bw_packet_nd(136, &target, options)).nd.plain);
        g_assert_false(decode_ip(ip, bw_packet_nd(136, NULL, NULL)).nd.plain);
        g_assert_true(decode_ip(ip, bw_packet_nd(133, NULL, NULL)).nd.plain);
}

/* The header promises more than the frame has: what is missing may be the claim. */
static void test_cut_nd(void) {
        BwPacketIp ip = ipv6_of(IPPROTO_ICMPV6);
        BwPrefix target = bw_test_prefix("2001:db8::7");
        g_autoptr(GByteArray) bytes = bw_packet_ethernet(
                other, own, 0x86dd,
                bw_packet_ip(&ip, bw_packet_nd(136, &target, bw_packet_option(2, other, NULL))));
        BwFrame frame = decode(bytes, bytes->len - 8);

        g_assert_true(decode(bytes, bytes->len).nd.plain);
        g_assert_true(frame.ip.valid && frame.ip.cut && frame.ip.has_type);
        g_assert_false(frame.nd.plain);
}

/* (transfer full): UDP behind these tags. */
static GByteArray *behind_tags(const uint16_t *tags, unsigned n) {
        BwPacketIp ip = ipv4_of(IPPROTO_UDP);
        GByteArray *bytes = bw_packet_ip(&ip, bw_packet_udp(67, 68, bw_packet_filler(4)));
        uint16_t ethertype = 0x0800;

        for (unsigned i = n; i-- > 0; ethertype = tags[i])
                bytes = bw_packet_tag(5, ethertype, bytes);
        return bw_packet_ethernet(other, own, ethertype, bytes);
}

/* Behind one, and no deeper. */
static void test_tags(void) {
        static const uint16_t q[] = { 0x8100, 0x8100 }, ad[] = { 0x88a8 }, old[] = { 0x9100 };
        g_autoptr(GByteArray) none = behind_tags(NULL, 0), one = behind_tags(q, 1),
                              two = behind_tags(q, 2), s = behind_tags(ad, 1),
                              before = behind_tags(old, 1);
        BwFrame plain = bw_frame_decode_tagged(none->data, none->len);
        BwFrame tagged = bw_frame_decode_tagged(one->data, one->len);

        g_assert_false(plain.tagged);
        g_assert_cmpuint(plain.ip.source_port, ==, 67);
        g_assert_true(tagged.tagged);
        g_assert_cmpint(tagged.kind, ==, BW_FRAME_IPV4);
        g_assert_cmpuint(tagged.ip.source_port, ==, 67);
        g_assert_cmpuint(tagged.ip.transport, ==, 14 + 4 + 20);
        g_assert_cmpint(bw_frame_decode_tagged(s->data, s->len).kind, ==, BW_FRAME_IPV4);
        g_assert_cmpuint(bw_frame_decode_tagged(two->data, two->len).ethertype, ==, 0x8100);
        g_assert_cmpint(bw_frame_decode_tagged(two->data, two->len).kind, ==, BW_FRAME_OTHER);
        g_assert_cmpuint(bw_frame_decode_tagged(before->data, before->len).ethertype, ==, 0x9100);
        for (gsize length = 0; length < 18; length++) {
                g_autofree uint8_t *cut = g_memdup2(one->data, length);

                g_assert_false(bw_frame_decode_tagged(cut, length).tagged);
        }
        g_assert_cmpint(decode(one, one->len).kind, ==, BW_FRAME_OTHER);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/frame/ethernet", test_ethernet);
        g_test_add_func("/frame/arp", test_arp);
        g_test_add_func("/frame/tags", test_tags);
        g_test_add_func("/frame/ipv4", test_ipv4);
        g_test_add_func("/frame/ipv4/fragments", test_ipv4_fragments);
        g_test_add_func("/frame/ipv4/padding", test_padding);
        g_test_add_func("/frame/bootp", test_bootp_needs_its_client);
        g_test_add_func("/frame/ipv6/extensions", test_extensions);
        g_test_add_func("/frame/ipv6/fragments", test_ipv6_fragments);
        g_test_add_func("/frame/nd", test_nd);
        g_test_add_func("/frame/nd/cut", test_cut_nd);
        return g_test_run();
}
