/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Owners
 *
 * Whose an address or a MAC is: the questions every rule of the guard asks. An
 * address has one owner in a whole segment, the bridges that links join. Looks at
 * the plan alone.
 */

#include <bw/plan.h>

bool bw_owner_has_mac(const BwPortPlan *port, const BwMac *mac);
/* Whether @address, a single one, is in A(P). */
bool bw_owner_has_address(const BwPortPlan *port, const BwPrefix *address);

bool bw_owner_is_link_local(const BwPrefix *address); /* fe80::/10 */
/* The link-local address made from @mac (RFC 4291, appendix A). */
BwPrefix bw_owner_derive_link_local(const BwMac *mac);

/* Whether somebody else in @bridge's segment has @address: a port, declared or derived from its
 * MAC, or one of the bridges itself. What is @port's own is nobody else's. A gateway's address that
 * is not @port's is another's, whoever has it. */
bool bw_owner_is_another(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                         const BwPrefix *address);
/* Whether @address is one of the segment's gateways and not @port's. */
bool bw_owner_is_foreign_gateway(const BwPlan *plan, const BwBridgePlan *bridge,
                                 const BwPortPlan *port, const BwPrefix *address);

/* Whether @port may use @address as its own: it is in A(P), or a link-local one that nobody else
 * owns, unless LinkLocal=declared. */
bool bw_owner_may_use(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                      const BwPrefix *address);
