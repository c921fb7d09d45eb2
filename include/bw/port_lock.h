/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Locks of ports
 *
 * What FdbLock= and Isolated= mean for each port: flags of the port and entries
 * of the forwarding table that do not move (bridge(8), "link set", "fdb add").
 * From plan and model to what must be, and from there to the steps that lead to
 * it. Sets nothing, remembers nothing.
 *
 * A port is locked while its guard is in force (mode enforce, its own MACs
 * known), not as a stranger, border, or closed port. Its MACs are fixed at it
 * first and it is locked then, so that honest frames are never lost:
 * linux/net/bridge/br_input.c, br_handle_frame_finish(), drops at a locked port
 * what comes from a source the table has not at this port.
 */

#include <bw/plan.h>
#include <bw/undo.h>

typedef struct BwPortLock {
        const BwBridgePlan *bridge; /* lent from the plan, */
        const BwPortPlan *port;     /* as this is */
        const BwLink *link;         /* lent from the model */
        unsigned flags; /* set of BwPortFlag: those that are on; the link's, unless the caller knows
                           better because news of it is still on its way */
        unsigned mask;  /* set of BwPortFlag that are of concern; empty: no lock */
        unsigned on;    /* of these, the ones that must be on */
        unsigned lacking; /* set of BwPortFlag that would be, and this kernel does not have */
        GArray *macs;     /* BwMac, sorted: what must be fixed at the port */
        char *trouble;    /* why it is not locked although it is wished; a sentence, or NULL */
} BwPortLock;

/* (transfer full) (element-type BwPortLock): of each port of the plan that the model has, in the
 * plan's order. Valid as long as both are. */
GPtrArray *bw_port_lock_list(const BwPlan *plan, const BwModel *model);
void bw_port_lock_free(BwPortLock *lock);

/* Whether the forwarding table has @mac at @port, fixed. */
bool bw_port_lock_is_fixed(const BwModel *model, const BwLink *port, const BwMac *mac);

/* What has to be put back one day, before @lock is brought in force: adds to @undo. Returns whether
 * that is news. @was_lost: there is no memory of a former run; a port that is exactly as we would
 * make it was made so by us, and was before as kernels make ports. */
bool bw_port_lock_remember(const BwPortLock *lock, const BwModel *model, BwUndo *undo,
                           bool was_lost);

/* Whether @link, a bridge's port, has all flags of a lock as a lock sets them, as far as this
 * kernel has them. Who has set them it does not tell. */
bool bw_port_lock_looks_locked(const BwLink *link);
/* (transfer full): the call of bridge(8) that makes the flags of such a port as kernels make them.
 */
char *bw_port_lock_print_unlock(const BwLink *link);

/* To be done in this order; those to be fixed first of all ports, or a MAC that goes from port to
 * port is nowhere for a moment. */
typedef struct BwPortLockStep {
        GArray *fix;       /* BwMac, sorted */
        unsigned mask, on; /* flags to be set; empty: none */
        GArray *release;   /* BwMac, sorted: entries of ours that must not be any more */
} BwPortLockStep;

/* (transfer full): never NULL. @lock NULL: back to what was; that is asked for whatever the model
 * says, which may be old news. @undo as of bw_port_lock_remember(); NULL: nothing of ours is there.
 * @sure: (element-type BwMac, sorted) fixed for certain, whatever the model says; or NULL. */
BwPortLockStep *bw_port_lock_step(const BwPortLock *lock, const BwUndoPort *undo,
                                  const BwLink *link, const BwModel *model, const GArray *sure);
/* The step was taken: forgets in @undo what needs not be put back any more. Returns whether nothing
 * is left of it. */
bool bw_port_lock_forget(const BwPortLock *lock, const BwPortLockStep *step, BwUndoPort *undo);
void bw_port_lock_step_free(BwPortLockStep *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwPortLockStep, bw_port_lock_step_free)
