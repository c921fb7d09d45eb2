/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reasons
 *
 * Why a frame is denied: a closed list. The words are stable; scripts, rules
 * and the journal (BW_REASON=) use them. The order is the order of report: when
 * several apply, the first is named.
 */

#include <glib.h>
#include <stdbool.h>

typedef enum BwReason {
        BW_REASON_NONE,
        BW_REASON_UNBOUND,       /* a stranger, or a port that has no address yet               */
        BW_REASON_ETHERTYPE,     /* in: neither ARP, IPv4, IPv6 nor QEMU's RARP; tags (VU#855201) */
        BW_REASON_BPDU,          /* in: IEEE 802.1D link-local group address, LLC               */
        BW_REASON_SPOOFED_MAC,   /* in: the Ethernet source is not the port's                   */
        BW_REASON_SPOOFED_ARP,   /* in: RFC 826 sender not the port's, or an odd form           */
        BW_REASON_SPOOFED_ND,    /* in: RFC 4861 claim not the port's, fragmented (RFC 6980)    */
        BW_REASON_ROGUE_DHCP,    /* in: DHCP server message (RFC 2131, RFC 8415)                */
        BW_REASON_ROGUE_RA,      /* in: router advertisement (RFC 6105, RFC 7113)               */
        BW_REASON_REDIRECT,      /* in: ICMP or ICMPv6 redirect                                 */
        BW_REASON_ROGUE_QUERIER, /* in: IGMP or MLD query, or a multicast router's word          */
        BW_REASON_SPOOFED_IP,    /* in: the IP source is not the port's (RFC 2827, RFC 7039)     */
        BW_REASON_BORDER_SPOOF, /* in: claims what is owned on this side of the border            */
        BW_REASON_FLOODED,      /* out: unicast to an Ethernet destination that is not the port's */
        BW_REASON_MISDELIVERED, /* out: the IP destination is not the port's                   */
        BW_REASON_REFLECTED,    /* out: the IP source is the port's own                        */
        BW_REASON_BORDER_MISDELIVERED, /* out: for somebody on this side of the border          */
} BwReason;

#define BW_REASON_MAX (BW_REASON_BORDER_MISDELIVERED + 1)

/* The bridge's view: IN is what the port's owner sends, OUT what it receives. */
typedef enum BwDirection {
        BW_DIRECTION_IN,
        BW_DIRECTION_OUT,
} BwDirection;

/* "spoofed-ip" and so on; "none" for BW_REASON_NONE. Never NULL. */
const char *bw_reason_name(BwReason reason);
/* BW_REASON_NONE when @name is not a reason. */
BwReason bw_reason_from_name(const char *name);
/* One plain sentence for people. Never NULL. */
const char *bw_reason_sentence(BwReason reason);
const char *bw_direction_name(BwDirection direction);
