/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/border.h>
#include <bw/control_message.h>
#include <bw/evaluate_border.h>
#include <bw/frame.h>
#include <bw/owner.h>
#include <bw/special_address.h>
#include <netinet/in.h>

typedef struct Case {
        const BwPlan *plan;
        const BwBridgePlan *bridge;
        const BwPortPlan *port;
        const uint8_t *bytes;
        gsize length;
        BwFrame frame;
} Case;

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
        return !bw_address_is_unspecified(address) && is_foreign(the, address);
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
        bool detects =
                type == BW_ND_SOLICITATION && bw_address_is_unspecified(&the->frame.ip.source);
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
        hidden = bw_control_hidden_nd(ip);
        if (hidden || ip->protocol != IPPROTO_ICMPV6 || !ip->has_type ||
            !bw_control_is_nd(ip->type))
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
        if (!bw_frame_is_ip(frame))
                return NULL;
        if (!frame->ip.valid)
                return "no whole IP header";
        fault = border_nd_fault(the);
        if (fault)
                return fault;
        return is_foreign_claim(the, &frame->ip.source) ? "IP source" : NULL;
}

static bool is_foreign_destination(const Case *the) {
        const BwPrefix *destination = &the->frame.ip.destination;

        return !bw_address_is_for_all(destination, the->bridge->networks) &&
               is_foreign(the, destination);
}

static const char *border_out_fault(const Case *the) {
        const BwFrame *frame = &the->frame;

        if (frame->kind == BW_FRAME_SHORT)
                return "no whole Ethernet header";
        if (!bw_mac_is_group(&frame->destination) && is_foreign_mac(the, &frame->destination))
                return "Ethernet destination";
        if (!bw_frame_is_ip(frame))
                return NULL;
        if (!frame->ip.valid)
                return "no whole IP header";
        return is_foreign_destination(the) ? "IP destination" : NULL;
}

static bool is_ip_foreign(const Case *the, BwDirection direction) {
        if (!bw_frame_is_ip(&the->frame) || !the->frame.ip.valid)
                return false;
        return direction == BW_DIRECTION_IN ? is_foreign_claim(the, &the->frame.ip.source)
                                            : is_foreign_destination(the);
}

/* What it is */

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

        if (frame->kind == BW_FRAME_SHORT || (bw_frame_is_ip(frame) && !frame->ip.valid))
                return (BwForeign){};
        if (in && frame->kind == BW_FRAME_IPV6 && bw_control_hidden_nd(&frame->ip) &&
            !is_foreign_mac(the, &frame->source))
                return (BwForeign){};
        return in ? foreign_in(the) : foreign_out(the);
}

BwVerdict bw_evaluate_border(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                             BwDirection direction, const uint8_t *bytes, gsize length) {
        const Case the = { .plan = plan,
                           .bridge = bridge,
                           .port = port,
                           .bytes = bytes,
                           .length = length,
                           .frame = bw_frame_decode_tagged(bytes, length) };
        bool in = direction == BW_DIRECTION_IN;
        BwVerdict verdict = { .direction = direction,
                              .port = port,
                              .detail = in ? border_in_fault(&the) : border_out_fault(&the) };

        if (!verdict.detail)
                return verdict;
        verdict.reason = in ? BW_REASON_BORDER_SPOOF : BW_REASON_BORDER_MISDELIVERED;
        verdict.drops = port->mode == BW_MODE_ENFORCE;
        verdict.shows_in_ip = is_ip_foreign(&the, direction);
        verdict.foreign = find_foreign(&the, direction);
        return verdict;
}
