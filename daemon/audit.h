/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Audit of what the guard drops
 *
 * Each reported packet becomes an entry, as many as the rate lets pass per port
 * and reason. What the kernel's limit, the daemon's limit or a full socket left
 * out is summed up from the rules' own counters, which miss nothing.
 */

#include <bw/violation.h>

#include "iptables.h"
#include "journal.h"

typedef struct BwAudit BwAudit;

/* @journal is kept until bw_audit_free(). */
BwAudit *bw_audit_new(BwJournal *journal, unsigned per_second);
void bw_audit_free(BwAudit *audit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwAudit, bw_audit_free)

/* One packet a deny rule met, judged against the plan in force. */
void bw_audit_packet(BwAudit *audit, const BwDeniedPacket *packet, const BwPlan *plan,
                     int64_t now_usec);
/* Reports were lost on the way. */
void bw_audit_lost(BwAudit *audit);

/* What a verdict rule has counted; an intermediate step of the two calls below. */
void bw_audit_counted(BwAudit *audit, const BwIptChain *chain, const BwIptRule *rule,
                      uint64_t packets);
/* After all were counted: this is where counting starts. */
void bw_audit_set_baseline(BwAudit *audit);
/* After all were counted: says what was left out since the last time. Returns whether anything
 * happened, so that the caller knows whether to come again. */
bool bw_audit_sum_up(BwAudit *audit);
