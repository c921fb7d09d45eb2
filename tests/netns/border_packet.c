/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "border_packet.h"

#include <arpa/inet.h>
#include <bw/corpus_packet.h>
#include <bw/frame.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

static BwPrefix address(const char *text) {
        uint8_t bytes[16];
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;

        g_assert_cmpint(inet_pton(family == BW_FAMILY_IPV6 ? AF_INET6 : AF_INET, text, bytes), ==,
                        1);
        return bw_prefix_from_address(family, bytes);
}

static BwMac mac(const char *text) {
        BwMac ret;

        g_assert_true(bw_mac_read(text, &ret));
        return ret;
}

static uint16_t ethertype_of(const BwPrefix *source) {
        return source->family == BW_FAMILY_IPV4 ? ETH_P_IP : ETH_P_IPV6;
}

static BwPacketIp header(const BwNetPacket *packet, uint8_t protocol, uint8_t hop_limit) {
        return (BwPacketIp){ .source = address(packet->source),
                             .destination = address(packet->destination),
                             .protocol = protocol,
                             .hop_limit = hop_limit };
}

static GByteArray *udp(const BwNetPacket *packet) {
        BwPacketIp ip = header(packet, IPPROTO_UDP, 64);

        return bw_packet_ip(&ip,
                            bw_packet_seal(&ip, bw_packet_udp(1024, 2048, bw_packet_filler(20))));
}

static GByteArray *cut(GByteArray *bytes, guint length) {
        g_byte_array_set_size(bytes, length);
        return bytes;
}

static GByteArray *understate(GByteArray *ipv6, uint8_t length) {
        ipv6->data[4] = 0;
        ipv6->data[5] = length;
        return ipv6;
}

static GByteArray *with_version(GByteArray *ipv6, uint8_t version) {
        ipv6->data[0] = (uint8_t) (version << 4);
        return ipv6;
}

static GByteArray *with_long_options(GByteArray *ipv6) {
        ipv6->data[41] = 200;
        return ipv6;
}

static GByteArray *fragment(const BwNetPacket *packet, uint8_t hop_limit) {
        BwPacketIp ip = header(packet, IPPROTO_UDP, hop_limit);

        if (ip.source.family == BW_FAMILY_IPV4) {
                ip.fragment = 0x2001;
                return bw_packet_ip(&ip, bw_packet_filler(16));
        }
        ip.protocol = IPPROTO_FRAGMENT;
        return bw_packet_ip(&ip,
                            bw_packet_fragment(IPPROTO_ICMPV6, 64, true, bw_packet_filler(16)));
}

static GByteArray *advertisement(const BwNetPacket *packet, uint8_t type) {
        BwPrefix target = address(packet->more);

        return bw_packet_nd(type, &target, NULL);
}

static GByteArray *nd(const BwNetPacket *packet, uint8_t type) {
        BwPacketIp ip = header(packet, IPPROTO_ICMPV6, 255);

        return bw_packet_ip(&ip, bw_packet_seal(&ip, advertisement(packet, type)));
}

static GByteArray *nd_behind(const BwNetPacket *packet, uint8_t header_type) {
        BwPacketIp ip = header(packet, header_type, 255);
        GByteArray *message = advertisement(packet, BW_ND_ADVERTISEMENT);

        return bw_packet_ip(&ip, header_type == IPPROTO_FRAGMENT
                                         ? bw_packet_fragment(IPPROTO_ICMPV6, 0, true, message)
                                         : bw_packet_extension(IPPROTO_ICMPV6, message));
}

static GByteArray *behind(const BwNetPacket *packet, uint8_t header_type, uint8_t next,
                          GByteArray *payload) {
        BwPacketIp ip = header(packet, header_type, 1);

        return bw_packet_ip(&ip, bw_packet_extension(next, payload));
}

static GByteArray *fragment_of(const BwNetPacket *packet, uint8_t next, unsigned offset,
                               GByteArray *payload) {
        BwPacketIp ip = header(packet, IPPROTO_FRAGMENT, 64);

        return bw_packet_ip(&ip, bw_packet_fragment(next, offset, true, payload));
}

static GByteArray *nothing_more(const BwNetPacket *packet) {
        BwPacketIp ip = header(packet, IPPROTO_NONE, 64);

        return bw_packet_ip(&ip, g_byte_array_new());
}

static GByteArray *arp(const BwNetPacket *packet, uint16_t operation, uint16_t hardware) {
        BwPacketArp arp = { .hardware = hardware,
                            .protocol = ETH_P_IP,
                            .hardware_length = 6,
                            .protocol_length = 4,
                            .operation = operation,
                            .sender_mac = mac(packet->more ? packet->more : packet->from_mac),
                            .sender = address(packet->source),
                            .target = address(packet->destination) };

        return bw_packet_arp(&arp);
}

static GByteArray *empty_icmp6(const BwNetPacket *packet) {
        BwPacketIp ip = header(packet, IPPROTO_ICMPV6, 255);

        return bw_packet_ip(&ip, g_byte_array_new());
}

static GByteArray *payload_of(const BwNetPacket *packet, uint16_t *ethertype) {
        BwPrefix source = address(packet->source);

        *ethertype = ethertype_of(&source);
        switch (packet->form) {
        case PLAIN:
        case TAGGED:
        case TAGGED_TWICE:
        case OLD_TAGGED:
                return udp(packet);
        case FRAGMENT:
                return fragment(packet, 64);
        case FRAGMENT_255:
                return fragment(packet, 255);
        case EXTENDED:
                return behind(packet, IPPROTO_DSTOPTS, IPPROTO_UDP,
                              bw_packet_udp(1024, 2048, bw_packet_filler(20)));
        case AUTHENTICATED:
                return behind(packet, IPPROTO_AH, IPPROTO_UDP,
                              bw_packet_udp(1024, 2048, bw_packet_filler(20)));
        case TORN:
                return cut(udp(packet), 32);
        case ARP:
        case ARP_TAGGED:
                *ethertype = ETH_P_ARP;
                return arp(packet, 1, 1);
        case ARP_ODD:
                *ethertype = ETH_P_ARP;
                return arp(packet, 1, 6);
        case ARP_TORN:
                *ethertype = ETH_P_ARP;
                return cut(arp(packet, 2, 1), 27);
        case RARP:
                *ethertype = ETH_P_RARP;
                return arp(packet, 3, 1);
        case NA:
        case NA_TAGGED:
                return nd(packet, BW_ND_ADVERTISEMENT);
        case NA_TORN:
                return cut(nd(packet, BW_ND_ADVERTISEMENT), 40 + 8 + 12);
        case NA_UNDERSTATED:
                return understate(nd(packet, BW_ND_ADVERTISEMENT), 8);
        case NA_EXTENDED:
                return nd_behind(packet, IPPROTO_DSTOPTS);
        case NA_FRAGMENT:
                return nd_behind(packet, IPPROTO_FRAGMENT);
        case NS:
                return nd(packet, BW_ND_SOLICITATION);
        case ICMP6_TORN:
                return empty_icmp6(packet);
        case ICMP6_CUT:
                return cut(nd(packet, BW_ND_ADVERTISEMENT), 40);
        case ICMP6_BEHIND_END:
                return understate(nd(packet, BW_ND_ADVERTISEMENT), 0);
        case ICMP6_TORN_BEHIND:
                return behind(packet, IPPROTO_DSTOPTS, IPPROTO_ICMPV6, g_byte_array_new());
        case VERSION_5:
                return with_version(udp(packet), 5);
        case FRAGMENT_OF_OPTIONS:
                return fragment_of(packet, IPPROTO_DSTOPTS, 0,
                                   bw_packet_extension(IPPROTO_UDP, bw_packet_filler(32)));
        case FRAGMENT_EMPTY:
                return fragment_of(packet, IPPROTO_UDP, 64, g_byte_array_new());
        case NOTHING_MORE:
                return nothing_more(packet);
        case OPTIONS_TOO_LONG:
                return with_long_options(
                        behind(packet, IPPROTO_DSTOPTS, IPPROTO_TCP, bw_packet_filler(24)));
        case MLD:
                return behind(packet, IPPROTO_HOPOPTS, IPPROTO_ICMPV6,
                              bw_packet_message(143, 0, 0, g_byte_array_new()));
        case OTHER:
                *ethertype = 0x88b5;
                return bw_packet_filler(50);
        }
        g_assert_not_reached();
}

GByteArray *bw_net_packet(const BwNetPacket *packet) {
        uint16_t ethertype;
        GByteArray *payload = payload_of(packet, &ethertype);

        if (packet->form == TAGGED_TWICE) {
                payload = bw_packet_tag(9, ethertype, payload);
                ethertype = ETH_P_8021Q;
        }
        if (packet->form == TAGGED || packet->form == TAGGED_TWICE || packet->form == ARP_TAGGED ||
            packet->form == NA_TAGGED || packet->form == OLD_TAGGED) {
                payload = bw_packet_tag(7, ethertype, payload);
                ethertype = packet->form == OLD_TAGGED ? 0x9100 : ETH_P_8021Q;
        }
        return bw_packet_ethernet(mac(packet->to_mac), mac(packet->from_mac), ethertype, payload);
}
