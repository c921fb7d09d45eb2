/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Locks of ports, kept
 *
 * Brings bw/port_lock.h in force: remembers what was, fixes the MACs, sets the
 * flags, and puts back what somebody else has changed, and says so. Takes off what
 * is no longer wanted. What is told as done is what the kernel has told again.
 */

#include <bw/port_lock.h>

#include "hazards.h"
#include "journal.h"
#include "netlink.h"
#include "undo_file.h"

typedef struct BwPortLocks BwPortLocks;

/* All are kept until bw_port_locks_free(). */
BwPortLocks *bw_port_locks_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink,
                               BwUndoFile *file);
/* The ports stay as they are. */
void bw_port_locks_free(BwPortLocks *locks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwPortLocks, bw_port_locks_free)

/* Each fact, after the model has it. Returns whether to look again: an entry of ours is not as it
 * was. Costs a look into a table. */
bool bw_port_locks_take(BwPortLocks *locks, const BwFact *fact);

/* Makes each port what @plan says. */
void bw_port_locks_check(BwPortLocks *locks, const BwPlan *plan, const BwModel *model);

/* Everything back as it was before us. What cannot be put back is tried again by the next call;
 * the first failure is in @error. */
bool bw_port_locks_restore(BwPortLocks *locks, const BwModel *model, GError **error);
