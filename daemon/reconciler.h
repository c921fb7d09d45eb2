/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reconciler
 *
 * Holds what each iptables table must say and brings the kernel there: the
 * tables in order, one commit each, none when nothing differs. Knows how long
 * the lock has been busy and what that allows. Sets no timer and speaks to
 * nobody: the warden does.
 */

#include "iptables.h"

typedef struct BwReconciler BwReconciler;

/* What one pass over the tables did. */
typedef struct BwPass {
        unsigned commits; /* tables written */
        unsigned chains_created, chains_removed, rules_inserted, rules_deleted;
        bool anchor_moved;
        bool without_lock; /* the lock was busy too long, or cannot be opened */
} BwPass;

BwReconciler *bw_reconciler_new(void);
void bw_reconciler_free(BwReconciler *reconciler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwReconciler, bw_reconciler_free)

/* Remembers which ports the rules now in the kernel guard: before the first commit, those of a
 * former run. A port whose chain has been emptied does not count. */
bool bw_reconciler_note_inherited(BwReconciler *reconciler, GError **error);
void bw_reconciler_forget_inherited(BwReconciler *reconciler);
bool bw_reconciler_inherited(const BwReconciler *reconciler, const char *port);

/* Takes the plan as what must be. Returns whether that differs from what had to be before. */
bool bw_reconciler_want(BwReconciler *reconciler, const BwPlan *plan);
/* Brings the kernel there. On failure some tables may be as wanted and others not; @ret tells what
 * was done until then. Codes as bw_iptables_sync(). */
bool bw_reconciler_commit(BwReconciler *reconciler, int64_t now_usec, BwPass *ret, GError **error);

/* Takes every rule of ours down and wants nothing from then on. On failure what was wanted is still
 * wanted, and some of it may be gone: commit again. */
bool bw_reconciler_disarm(BwReconciler *reconciler, int64_t now_usec, BwPass *ret, GError **error);

/* Whether the kernel is as wanted; takes no lock, writes nothing. */
bool bw_reconciler_check(BwReconciler *reconciler, bool *ret_equal, GError **error);

/* Commits that changed the kernel since the start. */
uint64_t bw_reconciler_generation(const BwReconciler *reconciler);

/* Calls @counted for every deny verdict in force. */
bool bw_reconciler_count(BwReconciler *reconciler, BwIptCounted counted, gpointer user,
                         GError **error);
