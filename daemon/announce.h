/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Announcements
 *
 * Puts decisions into sentences and fields for the journal: what changed from
 * one plan in force to the next, what a commit did, what the configuration got
 * wrong, what a rule dropped. Decides nothing.
 */

#include <bw/nft_news.h>
#include <bw/violation.h>

#include "journal.h"
#include "reconciler.h"

/* What is different now that @after is in force by @engines (a set); @before is NULL at the start.
 */
void bw_announce_plan(BwJournal *journal, const BwPlan *before, const BwPlan *after,
                      unsigned engines);

typedef enum BwCause {
        BW_CAUSE_FACTS, /* the world changed         */
        BW_CAUSE_DRIFT, /* somebody changed our rules */
} BwCause;

/* Says nothing when the pass wrote nothing. @culprit: who is known to have changed the nftables
 * table, zero for nobody. @facts: how many facts the pass answers. */
void bw_announce_pass(BwJournal *journal, const BwPass *pass, BwCause cause,
                      const BwNftNews *culprit, unsigned facts, int64_t usec);

void bw_announce_config(BwJournal *journal, const char *path, const BwConfig *config);
void bw_announce_violation(BwJournal *journal, const BwViolation *violation);
