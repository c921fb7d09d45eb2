/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Borders
 *
 * What is owned where in a segment, and by which border ports each place is
 * reached: the one statement both engines and the evaluator go by. Computed from
 * the plan's ports and the topology when the plan is made; asked afterwards.
 */

#include <bw/plan.h>
#include <bw/topology.h>

/* (transfer full): of no bridge, and empty. */
BwSegmentPlan *bw_segment_plan_new(void);
void bw_segment_plan_free(BwSegmentPlan *segment);

/* Makes BwPlan.segments anew, each with its bridges and nothing else: every bridge is in one. */
void bw_border_gather(BwPlan *plan, const BwTopology *topology);
/* Works out what is owned where in the segments; the ports' bindings must be settled. May be called
 * again when they have changed. */
void bw_border_settle(BwPlan *plan, const BwTopology *topology);

/* The most exact entry that contains @address, a single one; NULL: nobody owns it. Lent. */
const BwOwnedAddress *bw_border_find_address(const BwSegmentPlan *segment, const BwPrefix *address);
const BwOwnedMac *bw_border_find_mac(const BwSegmentPlan *segment, const BwMac *mac);
/* Whether @site is reached by the border @port. */
bool bw_border_leads_to(const BwSegmentPlan *segment, guint site, const BwPortPlan *port);
