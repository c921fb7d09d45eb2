/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is shown of the ports
 *
 * A plan and the rules' counters as rows for the bus. Remembers the counters for
 * a second. Decides nothing.
 */

#include <bw/plan.h>

#include "bus.h"
#include "engine.h"

typedef struct BwDisplay BwDisplay;

BwDisplay *bw_display_new(void);
void bw_display_free(BwDisplay *display);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwDisplay, bw_display_free)

/* What an engine has counted; for a BwDisplayRead. */
void bw_display_count(BwDisplay *display, const BwTally *tally);

/* Reads the counters and calls bw_display_count() for each. */
typedef bool (*BwDisplayRead)(BwDisplay *display, gpointer user, GError **error);

/* Calls @read unless it was called less than a second before @now_usec (of any clock that does not
 * go back), so that many who ask cost one reading. That it failed is kept as long. */
bool bw_display_refresh(BwDisplay *display, int64_t now_usec, BwDisplayRead read, gpointer user,
                        GError **error);

/* Whether one of @engines, of those as below, checks what @port sends and receives. */
bool bw_display_is_protected(const BwBridgePlan *bridge, const BwPortPlan *port, unsigned engines);

/* Calls @row for each port of @plan. @engines: those that were read back as @plan wants them, and
 * see packets. @view: the picture of @plan, or NULL: where links lead is not told. */
void bw_display_ports(const BwDisplay *display, const BwPlan *plan, const BwTopologyView *view,
                      unsigned engines, void (*row)(const BwBusPort *port, gpointer row_user),
                      gpointer row_user);
