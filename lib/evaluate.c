/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each function named ..._fault says what is wrong with a frame in one respect,
 * or NULL. What is allowed is listed; what the list does not have falls.
 */

#include <bw/border.h>
#include <bw/evaluate.h>
#include <bw/frame.h>
#include <bw/owner.h>
#include <netinet/in.h>
#include <string.h>

typedef struct Case {
        const BwPlan *plan;
        const BwBridgePlan *bridge;
        const BwPortPlan *port;
        const uint8_t *bytes;
        gsize length;
        BwFrame frame;
} Case;

/* What kind of packet it is */

static bool is_ip(const BwFrame *frame) {
        return frame->kind == BW_FRAME_IPV4 || frame->kind == BW_FRAME_IPV6;
}

static bool is_zero(const BwPrefix *address) {
        static const uint8_t zero[16];

        return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

static bool is_limited_broadcast(const BwPrefix *address) {
        return address->family == BW_FAMILY_IPV4 &&
               memcmp(address->bytes, "\xff\xff\xff\xff", 4) == 0;
}

static bool is_multicast(const BwPrefix *address) {
        if (address->family == BW_FAMILY_IPV4)
                return address->bytes[0] >> 4 == 0xe;
        return address->bytes[0] == 0xff;
}

static bool is_loopback(const BwPrefix *address) {
        static const uint8_t one[16] = { [15] = 1 };

        if (address->family == BW_FAMILY_IPV4)
                return address->bytes[0] == 127;
        return memcmp(address->bytes, one, sizeof(one)) == 0;
}

/* Not even a router carries packets from these. */
static bool is_no_source(const BwPrefix *address) {
        return is_zero(address) || is_loopback(address) || is_multicast(address) ||
               is_limited_broadcast(address);
}

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

/* DHCPv4 */

static bool is_bootp(const Case *the, uint16_t from, uint16_t to, uint8_t operation) {
        const BwFrame *frame = &the->frame;

        return frame->kind == BW_FRAME_IPV4 && frame->ip.part == BW_FRAME_WHOLE &&
               frame->ip.has_ports && frame->ip.source_port == from &&
               frame->ip.destination_port == to && frame->bootp.whole &&
               frame->bootp.operation == operation &&
               bw_owner_has_mac(the->port, &frame->bootp.client);
}

static bool is_own_dhcp_request(const Case *the) {
        const BwFrame *frame = &the->frame;

        return is_bootp(the, 68, 67, 1) && is_zero(&frame->ip.source) &&
               is_limited_broadcast(&frame->ip.destination) &&
               bw_owner_has_mac(the->port, &frame->source);
}

static bool is_own_dhcp_reply(const Case *the) {
        return is_bootp(the, 67, 68, 2);
}

/* Sending */

static bool has_any_address(const Case *the) {
        return the->port->state == BW_PORT_ANY_ADDRESS;
}

/* Addresses=any does not open the gateway's. */
static bool may_be_anybodys(const Case *the, const BwPrefix *address) {
        return has_any_address(the) &&
               !bw_owner_is_foreign_gateway(the->plan, the->bridge, the->port, address);
}

static const char *unbound_fault(const Case *the, bool dhcp) {
        if (the->port->state == BW_PORT_CLOSED)
                return "the port is closed";
        if (the->port->state == BW_PORT_UNADDRESSED && !dhcp)
                return "no address yet, and not the port's own DHCP";
        return NULL;
}

/* Before a restored or migrated guest runs, QEMU says where its MACs are now. */
static bool is_announcement(const Case *the) {
        const BwFrameArp *arp = &the->frame.arp;
        const uint16_t reverse_request = 3;

        return arp->plain && arp->operation == reverse_request &&
               bw_owner_has_mac(the->port, &arp->sender_mac) &&
               bw_owner_has_mac(the->port, &arp->target_mac) && is_zero(&arp->sender) &&
               is_zero(&arp->target);
}

static const char *other_ethertype(uint16_t ethertype) {
        if (ethertype < 0x600)
                return "an LLC frame";
        if (bw_frame_is_tag(ethertype))
                return "a VLAN tag";
        return "the ethertype";
}

static const char *ethertype_fault(const Case *the) {
        switch (the->frame.kind) {
        case BW_FRAME_SHORT:
                return "no whole Ethernet header";
        case BW_FRAME_OTHER:
                return other_ethertype(the->frame.ethertype);
        case BW_FRAME_RARP:
                return is_announcement(the) ? NULL : "RARP, and no announcement of an own MAC";
        case BW_FRAME_ARP:
        case BW_FRAME_IPV4:
        case BW_FRAME_IPV6:
                return NULL;
        }
        g_assert_not_reached();
}

/* IEEE 802.1D, table 7-10: no bridge passes these on. */
static const char *bpdu_fault(const Case *the) {
        static const uint8_t group[] = { 0x01, 0x80, 0xc2, 0, 0 };
        const uint8_t *octet = the->frame.destination.octet;

        return memcmp(octet, group, sizeof(group)) == 0 && octet[5] < 0x10
                       ? "the Ethernet destination is for bridges"
                       : NULL;
}

static const char *mac_fault(const Case *the) {
        return bw_owner_has_mac(the->port, &the->frame.source) ? NULL : "Ethernet source";
}

static const char *arp_fault(const Case *the) {
        const BwFrameArp *arp = &the->frame.arp;
        enum { REQUEST = 1, REPLY = 2 };

        if (the->frame.kind != BW_FRAME_ARP)
                return NULL;
        if (!arp->plain)
                return "ARP is not of Ethernet and IPv4, or cut short";
        if (arp->operation != REQUEST && arp->operation != REPLY)
                return "ARP operation";
        if (!bw_owner_has_mac(the->port, &arp->sender_mac))
                return "ARP sender MAC";
        if (may_be_anybodys(the, &arp->sender) || bw_owner_has_address(the->port, &arp->sender))
                return NULL;
        if (arp->operation == REQUEST && is_zero(&arp->sender))
                return bw_owner_has_address(the->port, &arp->target) ? NULL
                                                                     : "target of the ARP probe";
        return "ARP sender IP";
}

static bool is_own_target(const Case *the) {
        const BwPrefix *target = &the->frame.nd.target;

        return has_any_address(the) ? may_be_anybodys(the, target)
                                    : bw_owner_may_use(the->plan, the->bridge, the->port, target);
}

/* What a message claims. Routers' own messages are judged by the reasons that are theirs. */
static const char *claim_fault(const Case *the) {
        const BwFrameNd *nd = &the->frame.nd;
        uint8_t type = the->frame.ip.type;

        if (type == BW_ND_ROUTER_ADVERTISEMENT || type == BW_ND_REDIRECT)
                return NULL;
        if (!nd->plain)
                return "an odd option in neighbour discovery, or cut short";
        for (unsigned i = 0; i < nd->n_macs; i++)
                if (!bw_owner_has_mac(the->port, &nd->macs[i]))
                        return "link-layer address option";
        if (type == BW_ND_ADVERTISEMENT && !is_own_target(the))
                return "target of the neighbour advertisement";
        if (type == BW_ND_SOLICITATION && is_zero(&the->frame.ip.source) && !is_own_target(the))
                return "target of the address detection";
        return NULL;
}

static bool is_nd(uint8_t type) {
        return (type >= BW_ND_ROUTER_SOLICITATION && type <= BW_ND_REDIRECT) ||
               type == BW_ND_INVERSE_SOLICITATION || type == BW_ND_INVERSE_ADVERTISEMENT;
}

/* Whatever keeps the message's type from being seen must fall, or it hides what is forbidden. */
static const char *hidden_nd_fault(const BwFrameIp *ip) {
        if (!ip->chain_is_read)
                return "an IPv6 header that hides what follows";
        if (ip->protocol != IPPROTO_ICMPV6)
                return NULL;
        if (ip->part == BW_FRAME_LATER)
                return ip->hop_limit == 255 ? "a fragment of neighbour discovery" : NULL;
        if (!ip->has_type)
                return "ICMPv6 cut short";
        if (!is_nd(ip->type))
                return NULL;
        if (ip->part != BW_FRAME_WHOLE)
                return "neighbour discovery in fragments";
        return ip->extended ? "neighbour discovery behind an extension header" : NULL;
}

static const char *nd_fault(const Case *the) {
        const BwFrameIp *ip = &the->frame.ip;
        const char *hidden;

        if (the->frame.kind != BW_FRAME_IPV6 || !ip->valid)
                return NULL;
        hidden = hidden_nd_fault(ip);
        if (hidden || ip->protocol != IPPROTO_ICMPV6 || !ip->has_type || !is_nd(ip->type))
                return hidden;
        if (ip->hop_limit != 255)
                return "hop limit of neighbour discovery";
        if (ip->code != 0)
                return "code of neighbour discovery";
        return claim_fault(the);
}

static const char *dhcp_fault(const Case *the) {
        const BwFrame *frame = &the->frame;
        bool ipv4 = frame->kind == BW_FRAME_IPV4;
        uint16_t server = ipv4 ? 67 : 547, client = ipv4 ? 68 : 546;

        if (the->port->dhcp_server)
                return NULL;
        if (hides(frame, frame->kind, IPPROTO_UDP))
                return "UDP cut short";
        if (!frame->ip.has_ports)
                return NULL;
        if (frame->ip.source_port == server)
                return "from a DHCP server's port";
        return frame->ip.destination_port == client ? "to a DHCP client's port" : NULL;
}

static const char *ra_fault(const Case *the) {
        const uint8_t router_advertisement = 9; /* RFC 1256 */

        if (the->port->router)
                return NULL;
        if (is_icmpv6(&the->frame, BW_ND_ROUTER_ADVERTISEMENT))
                return "ICMPv6 router advertisement";
        return is_icmpv4(&the->frame, router_advertisement) ? "ICMP router advertisement" : NULL;
}

static const char *redirect_fault(const Case *the) {
        const uint8_t redirect = 5;

        if (the->port->router)
                return NULL;
        if (is_icmpv6(&the->frame, BW_ND_REDIRECT))
                return "ICMPv6 redirect";
        if (hides(&the->frame, BW_FRAME_IPV4, IPPROTO_ICMP))
                return "ICMP cut short";
        return is_icmpv4(&the->frame, redirect) ? "ICMP redirect" : NULL;
}

/* Bridges with snooping look at IGMP in a later fragment, too, so none may be in fragments. */
static const char *igmp_fault(const BwFrame *frame) {
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
static const char *pim_fault(const BwFrame *frame) {
        const uint8_t hello = 0x20; /* version 2, type 0 */

        if (frame->kind != BW_FRAME_IPV4 || frame->ip.protocol != IPPROTO_PIM)
                return NULL;
        if (frame->ip.part != BW_FRAME_WHOLE)
                return "PIM in fragments";
        if (!frame->ip.has_type)
                return "PIM cut short";
        return frame->ip.type == hello ? "PIM hello of a multicast router" : NULL;
}

static const char *querier_fault(const Case *the) {
        const uint8_t query = 130, router = 151; /* RFC 2710, RFC 4286 */

        if (the->port->querier)
                return NULL;
        if (is_icmpv6(&the->frame, query))
                return "MLD query";
        if (is_icmpv6(&the->frame, router))
                return "MLD multicast router advertisement";
        if (the->frame.ip.protocol == IPPROTO_PIM)
                return pim_fault(&the->frame);
        return igmp_fault(&the->frame);
}

/* From "::", to a group: address detection, router solicitation, multicast listener discovery. Who
 * may query has been asked before. */
static bool is_before_address(const BwFrame *frame) {
        static const uint8_t types[] = {
                BW_ND_ROUTER_SOLICITATION, BW_ND_SOLICITATION, 130, 131, 132, 143
        };

        return frame->kind == BW_FRAME_IPV6 && frame->ip.protocol == IPPROTO_ICMPV6 &&
               frame->ip.part == BW_FRAME_WHOLE && frame->ip.has_type &&
               memchr(types, frame->ip.type, sizeof(types)) && is_multicast(&frame->ip.destination);
}

static bool may_send_from(const Case *the, const BwPrefix *source) {
        if (bw_owner_may_use(the->plan, the->bridge, the->port, source))
                return true;
        if (is_zero(source))
                return is_own_dhcp_request(the) || is_before_address(&the->frame);
        return the->port->router && !is_no_source(source) && !bw_owner_is_link_local(source) &&
               !bw_owner_is_another(the->plan, the->bridge, the->port, source);
}

static const char *source_fault(const Case *the) {
        const BwFrame *frame = &the->frame;

        if (!is_ip(frame))
                return NULL;
        if (!frame->ip.valid)
                return "no whole IP header";
        if (has_any_address(the) ? may_be_anybodys(the, &frame->ip.source)
                                 : may_send_from(the, &frame->ip.source))
                return NULL;
        return "IP source";
}

/* Receiving */

static const char *flooded_fault(const Case *the) {
        const BwMac *destination = &the->frame.destination;

        if (the->frame.kind == BW_FRAME_SHORT)
                return "no whole Ethernet header";
        if (bw_mac_is_group(destination) || bw_owner_has_mac(the->port, destination))
                return NULL;
        return "Ethernet destination";
}

static bool is_broadcast_of(const BwPrefix *network, const BwPrefix *address) {
        BwPrefix rest = *address;

        /* RFC 3021: networks of two addresses or one have no broadcast. */
        if (network->family != BW_FAMILY_IPV4 || network->length >= 31 ||
            !bw_prefix_contains(network, address))
                return false;
        for (unsigned bit = 0; bit < network->length; bit++)
                rest.bytes[bit / 8] |= (uint8_t) (0x80 >> bit % 8);
        return is_limited_broadcast(&rest);
}

static bool is_directed_broadcast(const Case *the, const BwPrefix *address) {
        for (guint i = 0; i < the->bridge->networks->len; i++)
                if (is_broadcast_of(&g_array_index(the->bridge->networks, BwPrefix, i), address))
                        return true;
        return false;
}

static bool may_receive_at(const Case *the, const BwPrefix *destination) {
        return bw_owner_may_use(the->plan, the->bridge, the->port, destination) ||
               is_limited_broadcast(destination) || is_multicast(destination) ||
               is_directed_broadcast(the, destination) || is_own_dhcp_reply(the) ||
               (the->port->router && !bw_owner_is_link_local(destination) &&
                !bw_owner_is_another(the->plan, the->bridge, the->port, destination));
}

static const char *destination_fault(const Case *the) {
        const BwFrame *frame = &the->frame;

        if (has_any_address(the))
                return NULL;
        if (bw_frame_is_tag(frame->ethertype))
                return "tags that hide the IP destination";
        if (!is_ip(frame))
                return NULL;
        if (!frame->ip.valid)
                return "no whole IP header";
        return may_receive_at(the, &frame->ip.destination) ? NULL : "IP destination";
}

static const char *reflected_fault(const Case *the) {
        const BwFrame *frame = &the->frame;

        if (!frame->ip.valid || has_any_address(the))
                return NULL;
        return bw_owner_has_address(the->port, &frame->ip.source) ? "IP source" : NULL;
}

/* Borders */

static const BwSegmentPlan *segment_of(const Case *the) {
        return the->plan->segments->pdata[the->bridge->segment];
}

/* Somebody's, and he is elsewhere. */
static bool is_foreign_mac(const Case *the, const BwMac *mac) {
        const BwSegmentPlan *segment = segment_of(the);
        const BwOwnedMac *owned = bw_border_find_mac(segment, mac);

        return owned && !bw_border_leads_to(segment, owned->site, the->port);
}

/* Behind a closed border nobody is whom we do not know; link-local addresses nobody can list. Who
 * has no address yet claims none; sent to it is nothing. */
static bool is_foreign(const Case *the, const BwPrefix *address) {
        const BwSegmentPlan *segment = segment_of(the);
        const BwOwnedAddress *owned = bw_border_find_address(segment, address);

        if (owned)
                return !bw_border_leads_to(segment, owned->site, the->port);
        return the->port->closed_border && !bw_owner_is_link_local(address);
}

static bool is_foreign_claim(const Case *the, const BwPrefix *address) {
        return !is_zero(address) && is_foreign(the, address);
}

static const char *border_arp_fault(const Case *the) {
        const BwFrameArp *arp = &the->frame.arp;

        if (!arp->plain)
                return "ARP is not of Ethernet and IPv4, or cut short";
        if (is_foreign_mac(the, &arp->sender_mac))
                return "ARP sender MAC";
        return is_foreign_claim(the, &arp->sender) ? "ARP sender IP" : NULL;
}

/* As far as the frame goes, whatever it says of its length. False: it ends before. */
static bool read_target(const Case *the, BwPrefix *ret) {
        gsize at = the->frame.ip.transport + 8;

        if (the->length < at + 16)
                return false;
        *ret = bw_prefix_from_address(BW_FAMILY_IPV6, the->bytes + at);
        return true;
}

static const char *border_claim_fault(const Case *the) {
        uint8_t type = the->frame.ip.type;
        bool detects = type == BW_ND_SOLICITATION && is_zero(&the->frame.ip.source);
        BwPrefix target;

        if (type != BW_ND_ADVERTISEMENT && !detects)
                return NULL;
        if (!read_target(the, &target) || !is_foreign(the, &target))
                return NULL;
        return detects ? "target of the address detection"
                       : "target of the neighbour advertisement";
}

static const char *border_nd_fault(const Case *the) {
        const BwFrameIp *ip = &the->frame.ip;
        const char *hidden;

        if (the->frame.kind != BW_FRAME_IPV6)
                return NULL;
        hidden = hidden_nd_fault(ip);
        if (hidden || ip->protocol != IPPROTO_ICMPV6 || !ip->has_type || !is_nd(ip->type))
                return hidden;
        return border_claim_fault(the);
}

/* A host takes off all tags that name no VLAN (IEEE 802.1Q, 6.9.1); a bridge, the first alone. */
static bool is_stacked(const BwFrame *frame) {
        const uint16_t old_tag = 0x9100; /* nobody takes it off */

        return frame->tagged && bw_frame_is_tag(frame->ethertype) && frame->ethertype != old_tag;
}

static const char *border_in_fault(const Case *the) {
        const BwFrame *frame = &the->frame;
        const char *fault;

        if (frame->kind == BW_FRAME_SHORT)
                return "no whole Ethernet header";
        if (is_foreign_mac(the, &frame->source))
                return "Ethernet source";
        if (is_stacked(frame))
                return "a tag behind a tag";
        if (frame->kind == BW_FRAME_ARP)
                return border_arp_fault(the);
        if (!is_ip(frame))
                return NULL;
        if (!frame->ip.valid)
                return "no whole IP header";
        fault = border_nd_fault(the);
        if (fault)
                return fault;
        return is_foreign_claim(the, &frame->ip.source) ? "IP source" : NULL;
}

static bool is_for_all(const Case *the, const BwPrefix *destination) {
        return is_multicast(destination) || is_limited_broadcast(destination) ||
               is_directed_broadcast(the, destination);
}

static bool is_foreign_destination(const Case *the) {
        const BwPrefix *destination = &the->frame.ip.destination;

        return !is_for_all(the, destination) && is_foreign(the, destination);
}

static const char *border_out_fault(const Case *the) {
        const BwFrame *frame = &the->frame;

        if (frame->kind == BW_FRAME_SHORT)
                return "no whole Ethernet header";
        if (!bw_mac_is_group(&frame->destination) && is_foreign_mac(the, &frame->destination))
                return "Ethernet destination";
        if (!is_ip(frame))
                return NULL;
        if (!frame->ip.valid)
                return "no whole IP header";
        return is_foreign_destination(the) ? "IP destination" : NULL;
}

static bool is_ip_foreign(const Case *the, BwDirection direction) {
        if (!is_ip(&the->frame) || !the->frame.ip.valid)
                return false;
        return direction == BW_DIRECTION_IN ? is_foreign_claim(the, &the->frame.ip.source)
                                            : is_foreign_destination(the);
}

static BwForeign foreign_mac(const BwMac *mac) {
        return (BwForeign){ .kind = BW_FOREIGN_MAC, .mac = *mac };
}

static BwForeign foreign_address(const BwPrefix *address) {
        return (BwForeign){ .kind = BW_FOREIGN_ADDRESS, .address = *address };
}

/* The same in the same order as the faults are found. */
static BwForeign foreign_in(const Case *the) {
        const BwFrame *frame = &the->frame;
        BwPrefix target;

        if (is_foreign_mac(the, &frame->source))
                return foreign_mac(&frame->source);
        if (frame->kind == BW_FRAME_ARP)
                return !frame->arp.plain ? (BwForeign){}
                       : is_foreign_mac(the, &frame->arp.sender_mac)
                               ? foreign_mac(&frame->arp.sender_mac)
                               : foreign_address(&frame->arp.sender);
        if (frame->kind == BW_FRAME_IPV6 && border_claim_fault(the) && read_target(the, &target))
                return foreign_address(&target);
        return is_foreign_claim(the, &frame->ip.source) ? foreign_address(&frame->ip.source)
                                                        : (BwForeign){};
}

static BwForeign foreign_out(const Case *the) {
        const BwFrame *frame = &the->frame;

        if (!bw_mac_is_group(&frame->destination) && is_foreign_mac(the, &frame->destination))
                return foreign_mac(&frame->destination);
        return foreign_address(&frame->ip.destination);
}

/* Not where it is the form that is wrong. */
static BwForeign find_foreign(const Case *the, BwDirection direction) {
        const BwFrame *frame = &the->frame;
        bool in = direction == BW_DIRECTION_IN;

        if (frame->kind == BW_FRAME_SHORT || (is_ip(frame) && !frame->ip.valid))
                return (BwForeign){};
        if (in && frame->kind == BW_FRAME_IPV6 && hidden_nd_fault(&frame->ip) &&
            !is_foreign_mac(the, &frame->source))
                return (BwForeign){};
        return in ? foreign_in(the) : foreign_out(the);
}

static BwVerdict judge_border(const Case *the, BwDirection direction) {
        bool in = direction == BW_DIRECTION_IN;
        BwVerdict verdict = { .direction = direction,
                              .port = the->port,
                              .detail = in ? border_in_fault(the) : border_out_fault(the) };

        if (!verdict.detail)
                return verdict;
        verdict.reason = in ? BW_REASON_BORDER_SPOOF : BW_REASON_BORDER_MISDELIVERED;
        verdict.drops = the->port->mode == BW_MODE_ENFORCE;
        verdict.shows_in_ip = is_ip_foreign(the, direction);
        verdict.foreign = find_foreign(the, direction);
        return verdict;
}

/* The order of reasons is the order of report. */

static const char *fault_in(const Case *the, BwReason reason) {
        switch (reason) {
        case BW_REASON_UNBOUND:
                return unbound_fault(the, is_own_dhcp_request(the));
        case BW_REASON_ETHERTYPE:
                return ethertype_fault(the);
        case BW_REASON_BPDU:
                return bpdu_fault(the);
        case BW_REASON_SPOOFED_MAC:
                return mac_fault(the);
        case BW_REASON_SPOOFED_ARP:
                return arp_fault(the);
        case BW_REASON_SPOOFED_ND:
                return nd_fault(the);
        case BW_REASON_ROGUE_DHCP:
                return dhcp_fault(the);
        case BW_REASON_ROGUE_RA:
                return ra_fault(the);
        case BW_REASON_REDIRECT:
                return redirect_fault(the);
        case BW_REASON_ROGUE_QUERIER:
                return querier_fault(the);
        case BW_REASON_SPOOFED_IP:
                return source_fault(the);
        case BW_REASON_NONE:
        case BW_REASON_BORDER_SPOOF:
        case BW_REASON_FLOODED:
        case BW_REASON_MISDELIVERED:
        case BW_REASON_REFLECTED:
        case BW_REASON_BORDER_MISDELIVERED:
                return NULL;
        }
        g_assert_not_reached();
}

static const char *fault_out(const Case *the, BwReason reason) {
        switch (reason) {
        case BW_REASON_UNBOUND:
                return unbound_fault(the, !the->frame.tagged && is_own_dhcp_reply(the));
        case BW_REASON_FLOODED:
                return flooded_fault(the);
        case BW_REASON_MISDELIVERED:
                return destination_fault(the);
        case BW_REASON_REFLECTED:
                return reflected_fault(the);
        case BW_REASON_NONE:
        case BW_REASON_ETHERTYPE:
        case BW_REASON_BPDU:
        case BW_REASON_SPOOFED_MAC:
        case BW_REASON_SPOOFED_ARP:
        case BW_REASON_SPOOFED_ND:
        case BW_REASON_ROGUE_DHCP:
        case BW_REASON_ROGUE_RA:
        case BW_REASON_REDIRECT:
        case BW_REASON_ROGUE_QUERIER:
        case BW_REASON_SPOOFED_IP:
        case BW_REASON_BORDER_SPOOF:
        case BW_REASON_BORDER_MISDELIVERED:
                return NULL;
        }
        g_assert_not_reached();
}

static BwVerdict judge_guarded(const Case *the, BwDirection direction) {
        BwVerdict verdict = { .direction = direction, .port = the->port };

        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                verdict.detail = direction == BW_DIRECTION_IN ? fault_in(the, reason)
                                                              : fault_out(the, reason);
                if (!verdict.detail)
                        continue;
                verdict.reason = reason;
                verdict.drops = the->port->mode == BW_MODE_ENFORCE;
                break;
        }
        return verdict;
}

static BwVerdict judge_stranger(const BwBridgePlan *bridge, const BwPortPlan *port,
                                BwDirection direction) {
        BwVerdict verdict = { .direction = direction };

        if (bridge->unknown_ports == BW_UNKNOWN_PORTS_ACCEPT)
                return verdict;
        verdict.reason = BW_REASON_UNBOUND;
        verdict.drops = bridge->unknown_ports == BW_UNKNOWN_PORTS_DROP;
        verdict.port = port;
        verdict.detail = "nobody has declared the port";
        return verdict;
}

static BwVerdict judge(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                       BwDirection direction, const uint8_t *frame, gsize length) {
        bool border = port && bw_port_plan_is_border(port);
        Case the = {
                .plan = plan, .bridge = bridge, .port = port, .bytes = frame, .length = length
        };

        if (!port || port->state == BW_PORT_STRANGER)
                return judge_stranger(bridge, port, direction);
        if (!bw_port_state_is_guarded(port->state))
                return (BwVerdict){ .direction = direction };
        /* A sender's tag is denied for being there; a receiver's may be the bridge's own, and
         * beyond a border there may be others that filter VLANs. */
        the.frame = direction == BW_DIRECTION_IN && !border ? bw_frame_decode(frame, length)
                                                            : bw_frame_decode_tagged(frame, length);
        return border ? judge_border(&the, direction) : judge_guarded(&the, direction);
}

BwVerdict bw_evaluate_in(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                         const uint8_t *frame, gsize length) {
        return judge(plan, bridge, port, BW_DIRECTION_IN, frame, length);
}

BwVerdict bw_evaluate_out(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                          const uint8_t *frame, gsize length) {
        return judge(plan, bridge, port, BW_DIRECTION_OUT, frame, length);
}

static bool iptables_carries(const BwVerdict *verdict) {
        bool border = verdict->reason == BW_REASON_BORDER_SPOOF ||
                      verdict->reason == BW_REASON_BORDER_MISDELIVERED;

        return verdict->reason == BW_REASON_NONE ||
               (bw_engine_carries(BW_ENGINE_IPTABLES, verdict->reason) &&
                (!border || verdict->shows_in_ip));
}

unsigned bw_evaluate_engines(const BwVerdict *verdict, const uint8_t *frame, gsize length) {
        BwFrame decoded = bw_frame_decode(frame, length);

        if (is_ip(&decoded) && decoded.ip.valid && iptables_carries(verdict))
                return BW_ENGINE_ALL;
        return BW_ENGINE_BIT(BW_ENGINE_NFTABLES);
}
