/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * FDB watch
 *
 * Follows what the bridges learn, move and forget. A bound MAC behind another
 * port is told: a thief, or a guest that moved without a word. So is a port that
 * makes its bridge learn MAC after MAC, once in an interval, and a bound MAC that
 * has aged out while frames to it go on. Tells and counts, does not act. What one
 * event costs does not depend on how many there are, nor on how many ports.
 */

#include <bw/fdb_summary.h>
#include <bw/violation.h>

#include "hazards.h"
#include "journal.h"

typedef struct BwFdbWatch BwFdbWatch;

/* So many MACs learned at one port in ten seconds are a flood; at a border port, behind which many
 * may live, ten times as many. */
#define BW_FDB_FLOOD_MACS 100

/* Both are kept until bw_fdb_watch_free(). */
BwFdbWatch *bw_fdb_watch_new(BwJournal *journal, BwHazards *hazards);
void bw_fdb_watch_free(BwFdbWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwFdbWatch, bw_fdb_watch_free)

/* Lent until the next call; NULL: none. */
void bw_fdb_watch_set_plan(BwFdbWatch *watch, const BwPlan *plan);
/* Each fact, before the model takes it: what was there tells what is new. */
void bw_fdb_watch_take(BwFdbWatch *watch, const BwModel *model, const BwFact *fact);
/* A frame met a delivery rule at a port it was not for. */
void bw_fdb_watch_misdelivered(BwFdbWatch *watch, const BwViolation *violation);

/* For bw_fdb_summary_list(). Lent. */
const BwFdbTally *bw_fdb_watch_tally(const BwFdbWatch *watch);
