/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Claims
 *
 * Two ports of one segment may not own the same address: a part of bw/plan.h's
 * room, told apart because it is a rule of its own. What is behind borders may be
 * owned elsewhere as well: that is no claim.
 */

#include <bw/plan.h>

/* Of one segment's @bridges (element-type BwBridgePlan). Nobody has a gateway by a network that
 * contains it: its address is taken out of the networks of ports. To be called before
 * bw_plan_settle_claims(). */
void bw_plan_settle_gateways(const GPtrArray *bridges);

/* Of one segment's @bridges (element-type BwBridgePlan). Takes from a port what was told by its
 * other end alone and another owner has configured. Takes every address that two owners claim from
 * both, a network that reaches over another owner's address from the one who claims the network;
 * notes why in their trouble, and closes a port that has none left. Two ports of one guest may
 * share an address. */
void bw_plan_settle_claims(const GPtrArray *bridges);

/* Of one segment's @bridges (element-type BwBridgePlan). Takes from ports that are inherited what a
 * port that is declared, or the host on a bridge, has as well, or has as part of a network. What is
 * behind borders may be owned elsewhere as well. To be called last. */
void bw_plan_settle_inherited(const GPtrArray *bridges);
