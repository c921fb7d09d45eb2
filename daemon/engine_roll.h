/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Roll of engines
 *
 * Which engines the settings name, and which of them answer. One that does not
 * is a hazard and asked again every half minute: its kernel module may come
 * later. Says what each carries when that changes. Writes no rule.
 */

#include "hazards.h"
#include "journal.h"
#include "reconciler.h"

typedef struct BwEngineRoll BwEngineRoll;

/* All are kept until bw_engine_roll_free(). @appeared is called when an engine has come into use
 * and must be written, or one that was given up can be tried again. */
BwEngineRoll *bw_engine_roll_new(BwJournal *journal, BwHazards *hazards, BwReconciler *reconciler,
                                 void (*appeared)(gpointer user), gpointer user);
void bw_engine_roll_free(BwEngineRoll *roll);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwEngineRoll, bw_engine_roll_free)

/* Takes those of @named into use that work, and gives the others up. When none works all stays as
 * it was: BW_ERROR_ABSENT or BW_ERROR_DENIED, and the sentence says why. */
bool bw_engine_roll_call(BwEngineRoll *roll, unsigned named, GError **error);

/* After each pass: what the engines in use do without, what is left of others, and when @in_force
 * (a set of engines) changes, what each carries. None is where it begins, and no news: a bridge
 * shows its packets to iptables only a moment after it is asked to, and a hazard says when it does
 * not. */
void bw_engine_roll_note(BwEngineRoll *roll, unsigned in_force);
