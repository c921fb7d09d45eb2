/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What cannot be read to its type or ports counts as what it may hide.
 */

#include <bw/control_message.h>
#include <bw/special_address.h>
#include <netinet/in.h>
#include <string.h>

/* Its first byte is that of the ICMP, ICMPv6, IGMP or PIM message @type. */
static bool is_message(const BwFrame *frame, BwFrameKind kind, uint8_t protocol, uint8_t type) {
        return frame->kind == kind && frame->ip.protocol == protocol && frame->ip.has_type &&
               frame->ip.type == type;
}

static bool is_icmpv4(const BwFrame *frame, uint8_t type) {
        return is_message(frame, BW_FRAME_IPV4, IPPROTO_ICMP, type);
}

static bool is_icmpv6(const BwFrame *frame, uint8_t type) {
        return is_message(frame, BW_FRAME_IPV6, IPPROTO_ICMPV6, type);
}

/* A transport header that should be there cannot be seen. */
static bool hides(const BwFrame *frame, BwFrameKind kind, uint8_t protocol) {
        return frame->kind == kind && frame->ip.valid && frame->ip.chain_is_read &&
               frame->ip.part != BW_FRAME_LATER && frame->ip.protocol == protocol &&
               !frame->ip.has_ports && !frame->ip.has_type;
}

/* Neighbour discovery */

bool bw_control_is_nd(uint8_t type) {
        return (type >= BW_ND_ROUTER_SOLICITATION && type <= BW_ND_REDIRECT) ||
               type == BW_ND_INVERSE_SOLICITATION || type == BW_ND_INVERSE_ADVERTISEMENT;
}

/* Whatever keeps the message's type from being seen must fall, or it hides what is forbidden. */
const char *bw_control_hidden_nd(const BwFrameIp *ip) {
        if (!ip->chain_is_read)
                return "an IPv6 header that hides what follows";
        if (ip->protocol != IPPROTO_ICMPV6)
                return NULL;
        if (ip->part == BW_FRAME_LATER)
                return ip->hop_limit == 255 ? "a fragment of neighbour discovery" : NULL;
        if (!ip->has_type)
                return "ICMPv6 cut short";
        if (!bw_control_is_nd(ip->type))
                return NULL;
        if (ip->part != BW_FRAME_WHOLE)
                return "neighbour discovery in fragments";
        return ip->extended ? "neighbour discovery behind an extension header" : NULL;
}

/* From "::", to a group: address detection, router solicitation, multicast listener discovery. Who
 * may query has been asked before. */
bool bw_control_precedes_address(const BwFrame *frame) {
        static const uint8_t types[] = {
                BW_ND_ROUTER_SOLICITATION, BW_ND_SOLICITATION, 130, 131, 132, 143
        };

        return frame->kind == BW_FRAME_IPV6 && frame->ip.protocol == IPPROTO_ICMPV6 &&
               frame->ip.part == BW_FRAME_WHOLE && frame->ip.has_type &&
               memchr(types, frame->ip.type, sizeof(types)) &&
               bw_address_is_multicast(&frame->ip.destination);
}

/* Servers and routers */

const char *bw_control_dhcp_server(const BwFrame *frame) {
        bool ipv4 = frame->kind == BW_FRAME_IPV4;
        uint16_t server = ipv4 ? 67 : 547, client = ipv4 ? 68 : 546;

        if (hides(frame, frame->kind, IPPROTO_UDP))
                return "UDP cut short";
        if (!frame->ip.has_ports)
                return NULL;
        if (frame->ip.source_port == server)
                return "from a DHCP server's port";
        return frame->ip.destination_port == client ? "to a DHCP client's port" : NULL;
}

const char *bw_control_router_advertisement(const BwFrame *frame) {
        const uint8_t router_advertisement = 9; /* RFC 1256 */

        if (is_icmpv6(frame, BW_ND_ROUTER_ADVERTISEMENT))
                return "ICMPv6 router advertisement";
        return is_icmpv4(frame, router_advertisement) ? "ICMP router advertisement" : NULL;
}

const char *bw_control_redirect(const BwFrame *frame) {
        const uint8_t redirect = 5;

        if (is_icmpv6(frame, BW_ND_REDIRECT))
                return "ICMPv6 redirect";
        if (hides(frame, BW_FRAME_IPV4, IPPROTO_ICMP))
                return "ICMP cut short";
        return is_icmpv4(frame, redirect) ? "ICMP redirect" : NULL;
}

/* Multicast */

/* Bridges with snooping look at IGMP in a later fragment, too, so none may be in fragments. */
static const char *find_igmp(const BwFrame *frame) {
        const uint8_t query = 0x11, router = 0x30; /* RFC 4286 */

        if (frame->kind != BW_FRAME_IPV4 || frame->ip.protocol != IPPROTO_IGMP)
                return NULL;
        if (frame->ip.part != BW_FRAME_WHOLE)
                return "IGMP in fragments";
        if (!frame->ip.has_type)
                return "IGMP cut short";
        if (frame->ip.type == router)
                return "IGMP multicast router advertisement";
        return frame->ip.type == query ? "IGMP query" : NULL;
}

/* A bridge with snooping sends all groups to whoever says such a hello (RFC 7761, chapter 4.9), and
 * looks for it in a later fragment, too. Of IPv6 it knows none. */
static const char *find_pim(const BwFrame *frame) {
        const uint8_t hello = 0x20; /* version 2, type 0 */

        if (frame->kind != BW_FRAME_IPV4 || frame->ip.protocol != IPPROTO_PIM)
                return NULL;
        if (frame->ip.part != BW_FRAME_WHOLE)
                return "PIM in fragments";
        if (!frame->ip.has_type)
                return "PIM cut short";
        return frame->ip.type == hello ? "PIM hello of a multicast router" : NULL;
}

const char *bw_control_querier(const BwFrame *frame) {
        const uint8_t query = 130, router = 151; /* RFC 2710, RFC 4286 */

        if (is_icmpv6(frame, query))
                return "MLD query";
        if (is_icmpv6(frame, router))
                return "MLD multicast router advertisement";
        if (frame->ip.protocol == IPPROTO_PIM)
                return find_pim(frame);
        return find_igmp(frame);
}
