/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Owners
 *
 * Whose an address or a MAC is, on one bridge: the questions every rule of the
 * guard asks. Looks at the plan alone.
 */

#include <bw/plan.h>

bool bw_owner_has_mac(const BwPortPlan *port, const BwMac *mac);
/* Whether @address, a single one, is in A(P). */
bool bw_owner_has_address(const BwPortPlan *port, const BwPrefix *address);

bool bw_owner_is_link_local(const BwPrefix *address); /* fe80::/10 */
/* The link-local address made from @mac (RFC 4291, appendix A). */
BwPrefix bw_owner_derive_link_local(const BwMac *mac);

/* Whether another port of @bridge has @address, declared or derived from its MAC. What is @port's
 * own is nobody else's. */
bool bw_owner_is_another(const BwBridgePlan *bridge, const BwPortPlan *port,
                         const BwPrefix *address);

/* Whether @port may use @address as its own: it is in A(P), or a link-local one that nobody else
 * owns, unless LinkLocal=declared. */
bool bw_owner_may_use(const BwBridgePlan *bridge, const BwPortPlan *port, const BwPrefix *address);
