/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Networks
 *
 * Which IPv4 networks are known on a bridge: a part of bw/plan.h's room, told
 * apart because it is a rule of its own.
 */

#include <bw/plan.h>

/* Of the host's own; as many as a section may declare. */
#define BW_MAX_HOST_NETWORKS 256

/* Adds to those declared the ones the host itself is in, by an address of the bridge or of the far
 * end of a port that is the host's; then sorts them and drops what is there twice. */
void bw_plan_settle_networks(BwBridgePlan *bridge, const BwModel *model);

/* Lets each of one segment's @bridges (element-type BwBridgePlan) know what the others know, up to
 * BW_MAX_HOST_NETWORKS more. */
void bw_plan_share_networks(const GPtrArray *bridges);
