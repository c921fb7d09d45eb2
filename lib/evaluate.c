/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Each function named ..._fault says what is wrong with a frame in one respect,
 * or NULL. What is allowed is listed; what the list does not have falls.
 */

#include <bw/control_message.h>
#include <bw/evaluate.h>
#include <bw/evaluate_border.h>
#include <bw/frame.h>
#include <bw/owner.h>
#include <bw/special_address.h>
#include <netinet/in.h>
#include <string.h>

typedef struct Case {
        const BwPlan *plan;
        const BwBridgePlan *bridge;
        const BwPortPlan *port;
        BwFrame frame;
} Case;

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

        return is_bootp(the, 68, 67, 1) && bw_address_is_unspecified(&frame->ip.source) &&
               bw_address_is_limited_broadcast(&frame->ip.destination) &&
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
               bw_owner_has_mac(the->port, &arp->target_mac) &&
               bw_address_is_unspecified(&arp->sender) && bw_address_is_unspecified(&arp->target);
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
        if (arp->operation == REQUEST && bw_address_is_unspecified(&arp->sender))
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
        if (type == BW_ND_SOLICITATION && bw_address_is_unspecified(&the->frame.ip.source) &&
            !is_own_target(the))
                return "target of the address detection";
        return NULL;
}

static const char *nd_fault(const Case *the) {
        const BwFrameIp *ip = &the->frame.ip;
        const char *hidden;

        if (the->frame.kind != BW_FRAME_IPV6 || !ip->valid)
                return NULL;
        hidden = bw_control_hidden_nd(ip);
        if (hidden || ip->protocol != IPPROTO_ICMPV6 || !ip->has_type ||
            !bw_control_is_nd(ip->type))
                return hidden;
        if (ip->hop_limit != 255)
                return "hop limit of neighbour discovery";
        if (ip->code != 0)
                return "code of neighbour discovery";
        return claim_fault(the);
}

static bool may_send_from(const Case *the, const BwPrefix *source) {
        if (bw_owner_may_use(the->plan, the->bridge, the->port, source))
                return true;
        if (bw_address_is_unspecified(source))
                return is_own_dhcp_request(the) || bw_control_precedes_address(&the->frame);
        return the->port->router && !bw_address_is_never_source(source) &&
               !bw_owner_is_link_local(source) &&
               !bw_owner_is_another(the->plan, the->bridge, the->port, source);
}

static const char *source_fault(const Case *the) {
        const BwFrame *frame = &the->frame;

        if (!bw_frame_is_ip(frame))
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

static bool may_receive_at(const Case *the, const BwPrefix *destination) {
        return bw_owner_may_use(the->plan, the->bridge, the->port, destination) ||
               bw_address_is_for_all(destination, the->bridge->networks) ||
               is_own_dhcp_reply(the) ||
               (the->port->router && !bw_owner_is_link_local(destination) &&
                !bw_owner_is_another(the->plan, the->bridge, the->port, destination));
}

static const char *destination_fault(const Case *the) {
        const BwFrame *frame = &the->frame;

        if (has_any_address(the))
                return NULL;
        if (bw_frame_is_tag(frame->ethertype))
                return "tags that hide the IP destination";
        if (!bw_frame_is_ip(frame))
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

/* The order of reasons is the order of report. */

static const char *fault_in(const Case *the, BwReason reason) {
        const BwPortPlan *port = the->port;
        const BwFrame *frame = &the->frame;

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
                return port->dhcp_server ? NULL : bw_control_dhcp_server(frame);
        case BW_REASON_ROGUE_RA:
                return port->router ? NULL : bw_control_router_advertisement(frame);
        case BW_REASON_REDIRECT:
                return port->router ? NULL : bw_control_redirect(frame);
        case BW_REASON_ROGUE_QUERIER:
                return port->querier ? NULL : bw_control_querier(frame);
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
        Case the = { .plan = plan, .bridge = bridge, .port = port };

        if (!port || port->state == BW_PORT_STRANGER)
                return judge_stranger(bridge, port, direction);
        if (!bw_port_state_is_guarded(port->state))
                return (BwVerdict){ .direction = direction };
        if (bw_port_plan_is_border(port))
                return bw_evaluate_border(plan, bridge, port, direction, frame, length);
        /* A sender's tag is denied for being there; a receiver's may be the bridge's own. */
        the.frame = direction == BW_DIRECTION_IN ? bw_frame_decode(frame, length)
                                                 : bw_frame_decode_tagged(frame, length);
        return judge_guarded(&the, direction);
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

        if (bw_frame_is_ip(&decoded) && decoded.ip.valid && iptables_carries(verdict))
                return BW_ENGINE_ALL;
        return BW_ENGINE_BIT(BW_ENGINE_NFTABLES);
}
