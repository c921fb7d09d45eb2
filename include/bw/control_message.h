/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Control messages
 *
 * What hosts are configured and found by, as one frame shows or hides it: DHCP, router
 * advertisements, redirects, multicast queries, neighbour discovery. An answer is static text, what
 * exactly the frame has of it, or NULL for nothing; what cannot be read to its type or ports is
 * answered as what it may hide. Knows frames alone: who may send what, others say.
 */

#include <bw/frame.h>

/* From a DHCP server's port or to a client's, DHCPv4 and DHCPv6. */
const char *bw_control_dhcp_server(const BwFrame *frame);
/* RFC 1256, RFC 4861. */
const char *bw_control_router_advertisement(const BwFrame *frame);
/* RFC 792, RFC 4861. */
const char *bw_control_redirect(const BwFrame *frame);
/* What makes bridges that snoop send groups to a port: IGMP and MLD queries, multicast routers'
 * advertisements (RFC 4286), PIM hellos (RFC 7761). */
const char *bw_control_querier(const BwFrame *frame);

/* ICMPv6 @type: neighbour discovery (RFC 4861, RFC 3122). */
bool bw_control_is_nd(uint8_t type);
/* What keeps neighbour discovery in IPv6 from being read. */
const char *bw_control_hidden_nd(const BwFrameIp *ip);
/* What a host says before it has an IPv6 address, to a group: address detection, router
 * solicitation, multicast listener discovery, queries too. */
bool bw_control_precedes_address(const BwFrame *frame);
