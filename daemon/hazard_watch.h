/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hazard watch
 *
 * Looks at the host for what weakens the guard (bw/hazard.h), raises and clears
 * it, and mends what Repair= says to mend: once each time it comes, and no more
 * when somebody keeps setting it back, because what one wants and another takes
 * away again is not settled by a third.
 */

#include "hazards.h"
#include "netlink.h"

typedef struct BwHazardWatch BwHazardWatch;

/* All three are kept until bw_hazard_watch_free(). */
BwHazardWatch *bw_hazard_watch_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink);
void bw_hazard_watch_free(BwHazardWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwHazardWatch, bw_hazard_watch_free)

/* Not everything is told: that a bridge is promiscuous no more because of what stood on it, an XDP
 * program that is attached by a link of BPF. Asks for some of the links each time, so that all have
 * had their turn after a while; what has changed comes as a fact, or is found by the next look. By
 * the clock, and right before a look: what comes with each guest's start shall not wait for it. */
void bw_hazard_watch_ask(BwHazardWatch *watch, const BwModel *model, const BwPlan *plan);

/* @plan: what is guarded; NULL while nothing is. @engines: set of those in use. */
void bw_hazard_watch_look(BwHazardWatch *watch, const BwModel *model, const BwPlan *plan,
                          unsigned engines);
