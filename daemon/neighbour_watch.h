/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Neighbour watch
 *
 * The host's own ARP and ND table: tells of entries for bound addresses with a
 * MAC that is not theirs, and keeps what PinNeighbours= asks for. What others
 * have written stays theirs.
 */

#include <bw/neighbour_claim.h>

#include "hazards.h"
#include "journal.h"
#include "netlink.h"
#include "undo_file.h"

typedef struct BwNeighbourWatch BwNeighbourWatch;

/* All are kept until bw_neighbour_watch_free(). */
BwNeighbourWatch *bw_neighbour_watch_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink,
                                         BwUndoFile *file);
/* The pinned entries stay. */
void bw_neighbour_watch_free(BwNeighbourWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNeighbourWatch, bw_neighbour_watch_free)

/* Lent until the next call; NULL: none. */
void bw_neighbour_watch_set_plan(BwNeighbourWatch *watch, const BwPlan *plan);
/* Each fact of a neighbour that was news to the model, after it has it. Returns whether to look
 * again: a pinned entry is not as it was. */
bool bw_neighbour_watch_take(BwNeighbourWatch *watch, const BwModel *model, const BwFact *fact);
/* Makes the pinned entries what the plan says. */
void bw_neighbour_watch_check(BwNeighbourWatch *watch, const BwModel *model);
/* Looks at every entry there is, if something has changed since that was done last. */
void bw_neighbour_watch_look(BwNeighbourWatch *watch, const BwModel *model);
/* Takes the pinned entries away. BW_ERROR_BROKEN: some are still there. */
bool bw_neighbour_watch_restore(BwNeighbourWatch *watch, const BwModel *model, GError **error);
