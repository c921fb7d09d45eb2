/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/frame.h>
#include <netinet/in.h>
#include <string.h>

/* Bytes not read yet. */
typedef struct Rest {
        const uint8_t *bytes;
        gsize length;
        gsize at; /* how far from the frame's beginning */
} Rest;

#define ETHERNET_HEADER 14
#define TAG             4
#define OLD_TAG         0x9100
#define ARP_MESSAGE     28
#define IPV6_HEADER     40

static BwMac mac_at(const uint8_t *bytes) {
        BwMac mac;

        memcpy(mac.octet, bytes, sizeof(mac.octet));
        return mac;
}

/* False: there is not that much, and nothing is skipped. */
static bool skip(Rest *rest, gsize length) {
        if (rest->length < length)
                return false;
        rest->bytes += length;
        rest->at += length;
        rest->length -= length;
        return true;
}

bool bw_mac_is_group(const BwMac *mac) {
        return mac->octet[0] & 1;
}

static BwFrameArp decode_arp(Rest rest) {
        static const uint8_t form[] = { 0, 1, 8, 0, 6, 4 };
        const uint8_t *bytes = rest.bytes;

        if (rest.length < ARP_MESSAGE || memcmp(bytes, form, sizeof(form)) != 0)
                return (BwFrameArp){};
        return (BwFrameArp){
                .plain = true,
                .operation = bw_frame_number(bytes + 6),
                .sender_mac = mac_at(bytes + 8),
                .sender = bw_prefix_from_address(BW_FAMILY_IPV4, bytes + 14),
                .target_mac = mac_at(bytes + 18),
                .target = bw_prefix_from_address(BW_FAMILY_IPV4, bytes + 24),
        };
}

/* UDP and what is in it. @rest begins with the UDP header. */

static BwFrameBootp decode_bootp(Rest rest) {
        static const uint8_t ethernet[] = { 1, 6 };
        const gsize chaddr = 28;

        if (!skip(&rest, 8) || rest.length < chaddr + sizeof(BwMac) ||
            memcmp(rest.bytes + 1, ethernet, sizeof(ethernet)) != 0)
                return (BwFrameBootp){};
        return (BwFrameBootp){ true, rest.bytes[0], mac_at(rest.bytes + chaddr) };
}

/* Neighbour discovery. @rest begins with the ICMPv6 type. */

static bool decode_option(Rest *rest, BwFrameNd *nd) {
        enum { SOURCE = 1, TARGET = 2 };
        const uint8_t *option = rest->bytes;
        bool has_mac;

        if (rest->length < 8 || option[1] == 0 || !skip(rest, option[1] * 8u))
                return false;
        has_mac = option[0] == SOURCE || option[0] == TARGET;
        if (has_mac)
                nd->macs[nd->n_macs++] = mac_at(option + 2);
        return !has_mac || option[1] == 1;
}

static BwFrameNd decode_nd(Rest rest, gsize fixed) {
        const uint8_t *message = rest.bytes;
        BwFrameNd nd = {};

        if (rest.length > BW_FRAME_ND_LENGTH || !skip(&rest, fixed))
                return nd;
        if (fixed > 8)
                nd.target = bw_prefix_from_address(BW_FAMILY_IPV6, message + 8);
        while (rest.length > 0)
                if (!decode_option(&rest, &nd))
                        return (BwFrameNd){};
        nd.plain = true;
        return nd;
}

/* What is behind the IP headers. A later fragment shows none of it. */

static void decode_ports(BwFrame *frame, Rest rest) {
        if (rest.length < 4)
                return;
        frame->ip.has_ports = true;
        frame->ip.source_port = bw_frame_number(rest.bytes);
        frame->ip.destination_port = bw_frame_number(rest.bytes + 2);
        if (frame->kind == BW_FRAME_IPV4)
                frame->bootp = decode_bootp(rest);
}

static void decode_type(BwFrame *frame, Rest rest) {
        uint8_t type;

        if (rest.length < 1)
                return;
        frame->ip.has_type = true;
        frame->ip.type = type = rest.bytes[0];
        frame->ip.code = rest.length > 1 ? rest.bytes[1] : 0;
        if (frame->kind != BW_FRAME_IPV6 || frame->ip.cut)
                return;
        if (type == BW_ND_SOLICITATION || type == BW_ND_ADVERTISEMENT)
                frame->nd = decode_nd(rest, 24);
        if (type == BW_ND_ROUTER_SOLICITATION)
                frame->nd = decode_nd(rest, 8);
}

static void decode_transport(BwFrame *frame, Rest rest) {
        bool ipv6 = frame->kind == BW_FRAME_IPV6;

        if (frame->ip.part == BW_FRAME_LATER || !frame->ip.chain_is_read)
                return;
        frame->ip.transport = rest.at;
        if (frame->ip.protocol == IPPROTO_UDP)
                decode_ports(frame, rest);
        if (frame->ip.protocol == (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) ||
            (!ipv6 && (frame->ip.protocol == IPPROTO_IGMP || frame->ip.protocol == IPPROTO_PIM)))
                decode_type(frame, rest);
}

/* IPv4 */

static BwFramePart part_of(unsigned offset, bool more) {
        if (offset > 0)
                return BW_FRAME_LATER;
        return more ? BW_FRAME_FIRST : BW_FRAME_WHOLE;
}

/* Padding behind the end is not the packet's. */
static void trim(Rest *rest, gsize length) {
        rest->length = MIN(rest->length, length);
}

static void decode_ipv4(BwFrame *frame, Rest rest) {
        const uint8_t *bytes = rest.bytes;
        gsize header, total;

        if (rest.length < 20 || bytes[0] >> 4 != 4)
                return;
        header = (bytes[0] & 0x0f) * 4u;
        total = bw_frame_number(bytes + 2);
        if (header < 20 || total < header || total > rest.length)
                return;
        trim(&rest, total);
        skip(&rest, header);
        frame->ip = (BwFrameIp){
                .valid = true,
                .source = bw_prefix_from_address(BW_FAMILY_IPV4, bytes + 12),
                .destination = bw_prefix_from_address(BW_FAMILY_IPV4, bytes + 16),
                .hop_limit = bytes[8],
                .part = part_of(bw_frame_number(bytes + 6) & 0x1fff, bytes[6] & 0x20),
                .chain_is_read = true,
                .protocol = bytes[9],
        };
        decode_transport(frame, rest);
}

/* IPv6 */

/* RFC 6564 gives every later extension header the same form, yet a host may know one we do not:
 * only what is known to be none ends the chain. */
static bool is_transport(uint8_t protocol) {
        static const uint8_t known[] = {
                IPPROTO_IPIP,   IPPROTO_TCP,    IPPROTO_UDP,  33 /* DCCP */,
                IPPROTO_IPV6,   IPPROTO_GRE,    IPPROTO_ESP,  IPPROTO_ICMPV6,
                IPPROTO_NONE,   89 /* OSPF */,  IPPROTO_PIM,  108 /* IPComp */,
                112 /* VRRP */, 115 /* L2TP */, IPPROTO_SCTP, IPPROTO_UDPLITE,
        };

        return memchr(known, protocol, sizeof(known)) != NULL;
}

/* Not the authentication header (RFC 4302): the kernel's filters stop at it (meta l4proto of nft),
 * and what one of us can read and the other cannot is a way round the guard. */
static bool is_extension(uint8_t protocol) {
        return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
               protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_DSTOPTS;
}

/* The length of the extension header @rest begins with; at least 8 bytes are there. */
static gsize extension_length(uint8_t protocol, const uint8_t *bytes) {
        if (protocol == IPPROTO_FRAGMENT)
                return 8;
        return (bytes[1] + 1u) * 8u;
}

/* A fragment header inside a first fragment may not turn it back into a whole packet. */
static BwFramePart fragment_part(const uint8_t *bytes) {
        return bw_frame_number(bytes + 2) >> 3 > 0 ? BW_FRAME_LATER : BW_FRAME_FIRST;
}

/* False: cut short. A header that claims more than there is ends the packet: it names what would
 * follow, and nothing of that is there. Behind a fragment header nobody needs another
 * header, and with a second fragment header the kernel's filters lose their way. Of a later
 * fragment, only the headers that all fragments repeat are there. */
static bool skip_extensions(BwFrameIp *ip, Rest *rest) {
        while (is_extension(ip->protocol) && ip->part != BW_FRAME_LATER) {
                const uint8_t *bytes = rest->bytes;

                ip->extended = true;
                if (rest->length < 8 || ip->part == BW_FRAME_FIRST)
                        return false;
                skip(rest, MIN(rest->length, extension_length(ip->protocol, bytes)));
                if (ip->protocol == IPPROTO_FRAGMENT)
                        ip->part = fragment_part(bytes);
                ip->protocol = bytes[0];
        }
        return true;
}

/* The kernel's filters do not look for the protocol of a packet that is shorter than it says; what
 * stands right behind the header is read all the same. */
static bool is_readable(const BwFrameIp *ip) {
        bool is_plain =
                !ip->extended && (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP ||
                                  ip->protocol == IPPROTO_ICMPV6);

        return is_plain || (!ip->cut && is_transport(ip->protocol));
}

/* Behind extension headers there must be something, if only in an earlier fragment: the kernel
 * believes those that are longer than the packet, and its filters find nothing there to look at. */
static bool shows_transport(const BwFrameIp *ip, const Rest *rest) {
        return !ip->extended || ip->part == BW_FRAME_LATER || rest->length > 0;
}

static void decode_ipv6(BwFrame *frame, Rest rest) {
        const uint8_t *bytes = rest.bytes;

        if (!skip(&rest, IPV6_HEADER) || bytes[0] >> 4 != 6)
                return;
        frame->ip = (BwFrameIp){
                .valid = true,
                .source = bw_prefix_from_address(BW_FAMILY_IPV6, bytes + 8),
                .destination = bw_prefix_from_address(BW_FAMILY_IPV6, bytes + 24),
                .hop_limit = bytes[7],
                .protocol = bytes[6],
        };
        frame->ip.cut = rest.length < bw_frame_number(bytes + 4);
        trim(&rest, bw_frame_number(bytes + 4));
        frame->ip.chain_is_read = skip_extensions(&frame->ip, &rest) && is_readable(&frame->ip) &&
                                  shows_transport(&frame->ip, &rest);
        decode_transport(frame, rest);
}

static BwFrameKind kind_of(uint16_t ethertype) {
        switch (ethertype) {
        case 0x0800:
                return BW_FRAME_IPV4;
        case 0x0806:
                return BW_FRAME_ARP;
        case 0x8035:
                return BW_FRAME_RARP;
        case 0x86dd:
                return BW_FRAME_IPV6;
        default:
                return BW_FRAME_OTHER;
        }
}

static void decode_payload(BwFrame *frame, Rest rest) {
        switch (frame->kind) {
        case BW_FRAME_SHORT:
        case BW_FRAME_OTHER:
                return;
        case BW_FRAME_ARP:
        case BW_FRAME_RARP:
                frame->arp = decode_arp(rest);
                return;
        case BW_FRAME_IPV4:
                decode_ipv4(frame, rest);
                return;
        case BW_FRAME_IPV6:
                decode_ipv6(frame, rest);
                return;
        }
        g_assert_not_reached();
}

bool bw_frame_is_ip(const BwFrame *frame) {
        return frame->kind == BW_FRAME_IPV4 || frame->kind == BW_FRAME_IPV6;
}

bool bw_frame_is_tag(uint16_t ethertype) {
        return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == OLD_TAG;
}

/* Nobody takes the old one off. */
static void skip_tag(BwFrame *frame, Rest *rest) {
        const uint8_t *tag = rest->bytes;

        if (!bw_frame_is_tag(frame->ethertype) || frame->ethertype == OLD_TAG || !skip(rest, TAG))
                return;
        frame->tagged = true;
        frame->ethertype = bw_frame_number(tag + 2);
}

static BwFrame decode(Rest rest, bool behind_tag) {
        const uint8_t *bytes = rest.bytes;
        BwFrame frame = {};

        if (!skip(&rest, ETHERNET_HEADER))
                return frame;
        frame.destination = mac_at(bytes);
        frame.source = mac_at(bytes + 6);
        frame.ethertype = bw_frame_number(bytes + 12);
        if (behind_tag)
                skip_tag(&frame, &rest);
        frame.kind = kind_of(frame.ethertype);
        decode_payload(&frame, rest);
        return frame;
}

BwFrame bw_frame_decode(const uint8_t *bytes, gsize length) {
        return decode((Rest){ bytes, length, 0 }, false);
}

BwFrame bw_frame_decode_tagged(const uint8_t *bytes, gsize length) {
        return decode((Rest){ bytes, length, 0 }, true);
}

static void lower_number(uint8_t *bytes, gsize most) {
        if (bw_frame_number(bytes) <= most)
                return;
        bytes[0] = (uint8_t) (most >> 8);
        bytes[1] = (uint8_t) most;
}

void bw_frame_shorten(uint8_t *bytes, gsize length) {
        switch (length < ETHERNET_HEADER ? BW_FRAME_SHORT : kind_of(bw_frame_number(bytes + 12))) {
        case BW_FRAME_IPV4:
                if (length >= ETHERNET_HEADER + 20)
                        lower_number(bytes + ETHERNET_HEADER + 2, length - ETHERNET_HEADER);
                return;
        case BW_FRAME_IPV6:
                if (length >= ETHERNET_HEADER + IPV6_HEADER)
                        lower_number(bytes + ETHERNET_HEADER + 4,
                                     length - ETHERNET_HEADER - IPV6_HEADER);
                return;
        case BW_FRAME_SHORT:
        case BW_FRAME_OTHER:
        case BW_FRAME_ARP:
        case BW_FRAME_RARP:
                return;
        }
        g_assert_not_reached();
}
