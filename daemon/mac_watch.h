/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * MAC watch
 *
 * A bound MAC that a bridge learned behind another port: a thief, or a guest
 * that moved without a word. Tells, does not act.
 */

#include <bw/plan.h>

#include "journal.h"

typedef struct BwMacWatch BwMacWatch;

/* @journal is kept until bw_mac_watch_free(). */
BwMacWatch *bw_mac_watch_new(BwJournal *journal);
void bw_mac_watch_free(BwMacWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwMacWatch, bw_mac_watch_free)

/* One entry per second, MAC and port at most. */
void bw_mac_watch_learned(BwMacWatch *watch, const BwPlan *plan, const BwFdbEntry *entry);
