/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reconciler
 *
 * Drives the engines that are in use: each is told what must be and brought
 * there, whether another failed or not; an engine that is given up is taken down
 * once the others stand. Sets no timer and speaks to nobody: the warden does.
 */

#include "engine.h"

typedef struct BwReconciler BwReconciler;

/* No engine is in use yet. */
BwReconciler *bw_reconciler_new(void);
void bw_reconciler_free(BwReconciler *reconciler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwReconciler, bw_reconciler_free)

/* Which engines are used. */

/* Whether the engine works here; writes nothing. */
bool bw_reconciler_probe(BwReconciler *reconciler, BwEngineKind kind, GError **error);
/* Takes it into use; it must have been probed. The next commit writes it: bw_reconciler_want()
 * first. */
void bw_reconciler_use(BwReconciler *reconciler, BwEngineKind kind);
/* Gives it up: what it has written is taken down behind the next commit that the others bring to
 * its end. For an engine that is not in use, too: a former run may have used it. */
void bw_reconciler_give_up(BwReconciler *reconciler, BwEngineKind kind);
/* (set of engines) */
unsigned bw_reconciler_used(const BwReconciler *reconciler);
/* (set of engines) Last read back as wanted. */
unsigned bw_reconciler_in_step(const BwReconciler *reconciler);
/* (transfer full): what the engine does without, a sentence; NULL: nothing. */
char *bw_reconciler_lack(const BwReconciler *reconciler, BwEngineKind kind);
/* (transfer full): what is worth saying of it once; or NULL. */
char *bw_reconciler_remark(BwReconciler *reconciler, BwEngineKind kind);
/* Why an engine that was given up could not be taken down; NULL: none is left. Lent until the next
 * commit. */
const GError *bw_reconciler_leftover(const BwReconciler *reconciler);

/* Whether such an engine is still to be taken down: behind the next commit, or once no port leans
 * on its rules any more. */
bool bw_reconciler_has_leftovers(const BwReconciler *reconciler);

/* Remembers which ports the rules now in the kernel guard: before the first commit, those of a
 * former run. A port whose rules have been emptied does not count. */
bool bw_reconciler_note_inherited(BwReconciler *reconciler, GError **error);
void bw_reconciler_forget_inherited(BwReconciler *reconciler);
/* By any engine. */
bool bw_reconciler_inherited(const BwReconciler *reconciler, const char *port);
/* Adds to @ret what these rules say of @port, as far as an engine cannot keep it by itself. */
void bw_reconciler_add_own(const BwReconciler *reconciler, const char *port, BwInheritedPort *ret);

/* Takes the plan as what must be. Returns whether that differs from what had to be before; if so,
 * @plan may still be read until the next commit has been tried. */
bool bw_reconciler_want(BwReconciler *reconciler, const BwPlan *plan, const BwModel *model);
/* Brings the kernel there. On failure some of it may be as wanted and some not; @ret tells what was
 * done until then. The error is the first engine's that failed. */
bool bw_reconciler_commit(BwReconciler *reconciler, int64_t now_usec, BwPass *ret, GError **error);

/* Takes every rule of ours down and wants nothing from then on. On failure what was wanted is still
 * wanted, and some of it may be gone: commit again. */
bool bw_reconciler_disarm(BwReconciler *reconciler, int64_t now_usec, BwPass *ret, GError **error);

/* How far a round of checks has come; zero to begin one. */
typedef struct BwCheck {
        unsigned engine, part; /* the next: the engine's place in the order of writing */
} BwCheck;

/* Whether the next part of what the kernel holds is as wanted; takes no lock, writes nothing. One
 * part, a table, is read in a fraction of the time all take: who has something to write meanwhile
 * comes in between. @ret_more: there is a further part, also when this one could not be read. An
 * engine a part of which differs is not in step. */
bool bw_reconciler_check(BwReconciler *reconciler, BwCheck *check, bool *ret_equal, bool *ret_more,
                         GError **error);

/* Others made this generation of the nftables ruleset, and nothing of ours is in it. */
void bw_reconciler_note_others(BwReconciler *reconciler, uint32_t generation);

/* Appends to @list (BwDifference) what differs, engine by engine in the order of writing. Writes
 * nothing and draws no conclusion. */
bool bw_reconciler_describe(BwReconciler *reconciler, GPtrArray *list, GError **error);

/* Commits that changed the kernel since the start. */
uint64_t bw_reconciler_generation(const BwReconciler *reconciler);

/* How many parts bw_reconciler_count() reads; always the same, whatever engines are in use. */
unsigned bw_reconciler_count_parts(const BwReconciler *reconciler);
/* Calls @tallied for everything denied by the engines in use that is in part @part: each takes
 * milliseconds on a large host, and all together too long for one turn of the main loop. What is
 * only monitored passes through all engines and is counted by the one that sees most. */
bool bw_reconciler_count(BwReconciler *reconciler, unsigned part, BwTallied tallied, gpointer user,
                         GError **error);
/* Whether what @kind says of frames that were let pass counts: only then they are told once. */
bool bw_reconciler_tells_monitored(const BwReconciler *reconciler, BwEngineKind kind);
