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
 * - a router port (Router=yes) may use what no other port of the bridge owns in
 *   IP; in ARP and neighbour discovery it claims its own addresses only;
 * - IGMP and PIM are never in fragments; multicast routers' advertisements (RFC
 *   4286) and hellos (PIM) are queriers', those of RFC 1256 are routers'.
 */

#include <bw/engine.h>
#include <bw/plan.h>

typedef struct BwVerdict {
        BwReason reason;        /* BW_REASON_NONE: nothing against it */
        BwDirection direction;  /* with @reason */
        bool drops;             /* with @reason: false where the port is only monitored */
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

/* (set of engines) Which can see enough of the frame to carry @reason for it. */
unsigned bw_evaluate_engines(BwReason reason, const uint8_t *frame, gsize length);
