/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Special-purpose addresses
 *
 * Which IP addresses are no single host's (RFC 6890, RFC 4291): unspecified, loopback, multicast,
 * broadcast. Every @address is a single one. Knows nothing of ports or frames.
 */

#include <bw/addr.h>

bool bw_address_is_unspecified(const BwPrefix *address);       /* 0.0.0.0 or "::" */
bool bw_address_is_limited_broadcast(const BwPrefix *address); /* 255.255.255.255 */
bool bw_address_is_multicast(const BwPrefix *address);
/* Not even a router carries packets from it (RFC 1122, 3.2.1.3). */
bool bw_address_is_never_source(const BwPrefix *address);
/* Multicast, the limited broadcast, or the directed broadcast of one of @networks (BwPrefix). */
bool bw_address_is_for_all(const BwPrefix *address, const GArray *networks);
