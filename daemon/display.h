/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is shown of the ports
 *
 * A plan and the rules' counters as rows for the bus. Decides nothing.
 */

#include <bw/plan.h>

#include "bus.h"
#include "engine.h"

typedef struct BwDisplay BwDisplay;

BwDisplay *bw_display_new(void);
void bw_display_free(BwDisplay *display);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwDisplay, bw_display_free)

/* Adds to what is shown of the port; for bw_counts_tell(). */
void bw_display_count(BwDisplay *display, const BwTally *tally);
/* Nothing was counted. */
void bw_display_forget(BwDisplay *display);

/* Whether one of @engines, of those as below, checks what @port sends and receives. */
bool bw_display_is_protected(const BwBridgePlan *bridge, const BwPortPlan *port, unsigned engines);

/* Calls @row for each port of @plan. @engines: those that were read back as @plan wants them, and
 * see packets. @view: the picture of @plan, or NULL: where links lead is not told. */
void bw_display_ports(const BwDisplay *display, const BwPlan *plan, const BwTopologyView *view,
                      unsigned engines, void (*row)(const BwBusPort *port, gpointer row_user),
                      gpointer row_user);
