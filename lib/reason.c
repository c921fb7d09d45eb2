/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/reason.h>

const char *bw_reason_name(BwReason reason) {
        switch (reason) {
        case BW_REASON_NONE:
                return "none";
        case BW_REASON_UNBOUND:
                return "unbound";
        case BW_REASON_ETHERTYPE:
                return "ethertype";
        case BW_REASON_BPDU:
                return "bpdu";
        case BW_REASON_SPOOFED_MAC:
                return "spoofed-mac";
        case BW_REASON_SPOOFED_ARP:
                return "spoofed-arp";
        case BW_REASON_SPOOFED_ND:
                return "spoofed-nd";
        case BW_REASON_ROGUE_DHCP:
                return "rogue-dhcp";
        case BW_REASON_ROGUE_RA:
                return "rogue-ra";
        case BW_REASON_REDIRECT:
                return "redirect";
        case BW_REASON_ROGUE_QUERIER:
                return "rogue-querier";
        case BW_REASON_SPOOFED_IP:
                return "spoofed-ip";
        case BW_REASON_BORDER_SPOOF:
                return "border-spoof";
        case BW_REASON_FLOODED:
                return "flooded";
        case BW_REASON_MISDELIVERED:
                return "misdelivered";
        case BW_REASON_REFLECTED:
                return "reflected";
        case BW_REASON_BORDER_MISDELIVERED:
                return "border-misdelivered";
        }
        g_assert_not_reached();
}

BwReason bw_reason_from_name(const char *name) {
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                if (g_str_equal(name, bw_reason_name(reason)))
                        return reason;
        return BW_REASON_NONE;
}

const char *bw_reason_sentence(BwReason reason) {
        switch (reason) {
        case BW_REASON_NONE:
                return "no rule applies";
        case BW_REASON_UNBOUND:
                return "nobody has declared who is behind the port, or it has no address yet";
        case BW_REASON_ETHERTYPE:
                return "the frame is neither ARP nor IPv4 nor IPv6, or it is tagged";
        case BW_REASON_BPDU:
                return "the frame is for bridges only: spanning tree and its like";
        case BW_REASON_SPOOFED_MAC:
                return "the source MAC does not belong to the sender";
        case BW_REASON_SPOOFED_ARP:
                return "the ARP message claims an address or MAC that is not the sender's";
        case BW_REASON_SPOOFED_ND:
                return "the neighbour discovery message claims what is not the sender's";
        case BW_REASON_ROGUE_DHCP:
                return "the sender is not declared as DHCP server";
        case BW_REASON_ROGUE_RA:
                return "the sender is not declared as router";
        case BW_REASON_REDIRECT:
                return "only a declared router may redirect";
        case BW_REASON_ROGUE_QUERIER:
                return "the sender is not declared as multicast querier";
        case BW_REASON_SPOOFED_IP:
                return "the source address does not belong to the sender";
        case BW_REASON_BORDER_SPOOF:
                return "it claims an address or MAC that belongs to somebody on this side of the "
                       "border";
        case BW_REASON_FLOODED:
                return "the destination MAC does not belong to the receiver";
        case BW_REASON_MISDELIVERED:
                return "the destination address does not belong to the receiver";
        case BW_REASON_REFLECTED:
                return "the receiver's own source address comes back to it";
        case BW_REASON_BORDER_MISDELIVERED:
                return "it leaves by a border, and is for somebody on this side of it";
        }
        g_assert_not_reached();
}

const char *bw_direction_name(BwDirection direction) {
        switch (direction) {
        case BW_DIRECTION_IN:
                return "in";
        case BW_DIRECTION_OUT:
                return "out";
        }
        g_assert_not_reached();
}
