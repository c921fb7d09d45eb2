/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Evaluator of borders
 *
 * What the plan says of one frame at a border port; a part of the evaluator, which alone asks it.
 *
 * Border ports (BW_PORT_BORDER) have two reasons of their own and none of the others.
 * "Foreign" is what the most exact entry of the segment puts at a site the port does
 * not lead to; with closed_border also an IP address that no entry contains, but for
 * fe80::/10. As sender or source, 0.0.0.0 and "::" are never foreign. Frames are read
 * behind one VLAN tag, in both directions; what stands behind more tags is not looked
 * at, nor is what is neither ARP, IPv4 nor IPv6, but for its MACs.
 *
 * border-spoof, in, one of:
 * - the Ethernet source is foreign;
 * - ARP (not RARP) that is not of Ethernet and IPv4 with lengths 6 and 4, or cut short;
 *   else, whatever its operation, its sender MAC or its sender IP is foreign;
 * - IPv4 or IPv6 without a whole, valid header; else an IP source that is foreign;
 * - IPv6 that may hide a claim: headers that hide what follows, as for spoofed-nd; of
 *   ICMPv6: a later fragment with hop limit 255, no type to be read, and types 133 to
 *   137, 141 and 142 in a fragment or behind an extension header;
 * - the target of a neighbour advertisement, or of a solicitation whose IP source is
 *   "::", is foreign. The target is read at its place behind the IPv6 header, whatever
 *   lengths, hop limit, code and options say; in a frame that ends before, there is
 *   none. Whoever asks from an address of his own may ask for any target.
 *
 * border-misdelivered, out, one of:
 * - the Ethernet destination, no group address, is foreign;
 * - IPv4 or IPv6 without a whole, valid header; else an IP destination that is foreign.
 *   Multicast, 255.255.255.255 and the directed broadcasts of the bridge's networks are
 *   for all, and never foreign.
 */

#include <bw/evaluate.h>

/* May @port of @bridge, a border, send (BW_DIRECTION_IN) or receive it? @length bytes are all there
 * is of the frame. */
BwVerdict bw_evaluate_border(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                             BwDirection direction, const uint8_t *bytes, gsize length);
