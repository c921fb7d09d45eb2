/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Audit of what the guard drops
 *
 * Listens to the deny rules' reports. Each becomes an entry, as many as the rate
 * lets pass per port and reason. What the kernel's limit, the daemon's limit or
 * a full socket left out is summed up from the rules' own counters, which miss
 * nothing. Sleeps while nothing is dropped.
 */

#include <bw/violation.h>

#include "counts.h"
#include "hazards.h"
#include "journal.h"
#include "reconciler.h"

typedef struct BwAudit BwAudit;

/* All are kept until bw_audit_free(). A group that cannot be listened to is a hazard and tried
 * again. */
BwAudit *bw_audit_new(BwJournal *journal, BwHazards *hazards, BwReconciler *reconciler,
                      BwCounts *counts, unsigned per_second);
void bw_audit_free(BwAudit *audit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwAudit, bw_audit_free)

void bw_audit_set_rate(BwAudit *audit, unsigned per_second);

/* The plan reports are judged against; lent until the next call. NULL: none. */
void bw_audit_set_plan(BwAudit *audit, const BwPlan *plan);

/* Each report of a frame that met a delivery rule is told, whatever the rate lets pass. One
 * listener. */
void bw_audit_listen(BwAudit *audit,
                     void (*misdelivered)(const BwViolation *violation, gpointer user),
                     gpointer user);

/* What the rules have counted until now was another run's. It is read a part a turn, so what is
 * dropped until its part's turn comes and not reported one by one is in no sum; where it cannot be
 * read, what the next sum finds is another run's, too. */
void bw_audit_set_baseline(BwAudit *audit);
