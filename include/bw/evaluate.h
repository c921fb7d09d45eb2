/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Evaluator
 *
 * What the plan says of one frame, byte by byte: the guard stated once without
 * any engine. Engines are measured against it, and "explain" asks it. Frames are
 * hostile; no length in them is believed. Knows the whole meaning (IPv4, IPv6,
 * ARP, ND, Ethernet); what an engine cannot see, bw_evaluate_engines() tells.
 *
 * Where words leave room, it is this:
 * - spanning tree is LLC, so its first reason is ethertype; bpdu is the rest of
 *   what goes to 01:80:c2:00:00:00 to :0f;
 * - a port without a MAC can send nothing: no source is its own;
 * - a header that cannot be read to its type or ports falls for what it may hide
 *   (spoofed-nd, rogue-dhcp, redirect, rogue-querier), no whole IP header for
 *   spoofed-ip or misdelivered;
 * - what a port receives is looked at behind one VLAN tag, which a bridge that
 *   filters VLANs may have put there; what more tags hide is misdelivered, and a
 *   port without any address yet receives nothing behind a tag;
 * - IPv6 headers end at a transport protocol that is known to be one; behind an authentication
 *   header (RFC 4302) no filter of the kernel looks, so it hides what follows;
 * - a router port (Router=yes) may use what no other port of the segment owns in
 *   IP; in ARP and neighbour discovery it claims its own addresses only;
 * - "owned by another" means by any port of any bridge of the segment, or by one of
 *   its bridges itself (bw_owner_is_another());
 * - a gateway of the segment (BwSegmentPlan.gateways) that is not among a port's
 *   addresses is another's for a router port, and what Addresses=any does not
 *   open: as ARP sender IP (spoofed-arp), as target of an advertisement or of
 *   address detection (spoofed-nd), as IP source (spoofed-ip);
 * - IGMP and PIM are never in fragments; multicast routers' advertisements (RFC
 *   4286) and hellos (PIM) are queriers', those of RFC 1256 are routers'.
 *
 * Border ports (BW_PORT_BORDER) have rules of their own: <bw/evaluate_border.h>.
 */

#include <bw/engine.h>
#include <bw/plan.h>

/* What is said at a border and owned elsewhere, or by nobody where the border is closed. */
typedef struct BwForeign {
        enum { BW_FOREIGN_NOTHING, BW_FOREIGN_MAC, BW_FOREIGN_ADDRESS } kind;
        BwMac mac;
        BwPrefix address; /* single */
} BwForeign;

typedef struct BwVerdict {
        BwReason reason;        /* BW_REASON_NONE: nothing against it */
        BwDirection direction;  /* with @reason */
        bool drops;             /* with @reason: false where the port is only monitored */
        bool shows_in_ip;       /* of a border: the IP source or destination is wrong, whatever else
                                   is */
        BwForeign foreign;      /* of a border: the first such thing, if that is what is wrong */
        const BwPortPlan *port; /* whose rule decided: sender or receiver; NULL: not guarded. Lent
                                   from the plan. */
        const char *detail;     /* static: what exactly is wrong ("ARP sender IP"); or NULL */
} BwVerdict;

/* A frame as the port's owner sends it: destination MAC first, no FCS, tags in the frame. @length
 * bytes are all there is; a frame cut short of what a check needs falls as said above.
 */

/* May @port of @bridge send it? */
BwVerdict bw_evaluate_in(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                         const uint8_t *frame, gsize length);
/* May @port of @bridge receive it? */
BwVerdict bw_evaluate_out(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                          const uint8_t *frame, gsize length);

/* (set of engines) Which can see enough of the frame to deny what @verdict denies; where nothing is
 * wrong, which see the frame at all. iptables sees of borders what IP addresses show. */
unsigned bw_evaluate_engines(const BwVerdict *verdict, const uint8_t *frame, gsize length);
