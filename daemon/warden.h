/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Warden
 *
 * The conductor: takes facts in, decides when the kernel is brought in step,
 * retries what failed, and is the one who speaks. Owns the model, the settings
 * and the adapters that report and enforce. Level-triggered: a fact only says
 * "look again"; what must be is computed from the whole model each time. Does
 * not know who asks it questions.
 *
 * On death the rules stay in the kernel as they are; bw_warden_free() takes
 * none of them down.
 */

#include <bw/plan.h>
#include <bw/topology_view.h>

#include "counts.h"
#include "journal.h"

typedef struct BwWarden BwWarden;

/* @config_path as of bw_settings_read(). Opens the kernel's sockets and reads the world, but writes
 * nothing yet: that begins in the main loop. BW_ERROR_INVALID: the configuration cannot be parsed.
 * BW_ERROR_ABSENT, BW_ERROR_DENIED: no engine works here; the sentence says why. */
BwWarden *bw_warden_new(const char *config_path, GError **error);
void bw_warden_free(BwWarden *warden);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwWarden, bw_warden_free)

/* Takes every rule of ours down, once, for a daemon that does not run, and puts back what ports and
 * neighbours were. BW_ERROR_ABSENT: the rules are down, but ports are as we lock them, and nobody
 * remembers what they were; each has been named. */
bool bw_warden_disarm_kernel(GError **error);

/* Requests. All answer at once; what takes longer goes on by itself. */

/* Reads the configuration again. On failure the last good one stays in force and the journal says
 * why. */
bool bw_warden_reload(BwWarden *warden, GError **error);
/* Reads the world again and compares the kernel rule by rule. BW_ERROR_BUSY: not in step yet. */
bool bw_warden_resync(BwWarden *warden, GError **error);
/* Takes every rule of ours down until the next reload or resync. */
bool bw_warden_disarm(BwWarden *warden, GError **error);

/* Questions */

typedef struct BwWardenState {
        bool armed;    /* false after bw_warden_disarm() */
        bool in_force; /* the kernel was last read back equal to the plan, and sees the packets */
        unsigned engines_named;    /* (set of engines) by Engines= */
        unsigned engines_in_force; /* (set of engines) read back equal, and seeing packets */
        bool libvirt_connected;
        unsigned config_errors;
        uint64_t generation;    /* commits that changed the kernel since the start */
        int64_t last_sync_usec; /* CLOCK_REALTIME; 0: never */
} BwWardenState;

BwWardenState bw_warden_state(const BwWarden *warden);
/* What must be; lent until control returns to the main loop. NULL before the first commit and while
 * disarmed. */
const BwPlan *bw_warden_plan(const BwWarden *warden);
bool bw_warden_knows_guest(const BwWarden *warden, const char *name_or_uuid);
/* (transfer container) (element-type BwHazard): as bw_hazards_list(). */
GPtrArray *bw_warden_hazards(const BwWarden *warden);
/* (set of engines) */
unsigned bw_warden_engines_in_force(const BwWarden *warden);
/* What the rules have counted; lent. Who has asked withdraws before the warden is freed. */
BwCounts *bw_warden_counts(const BwWarden *warden);
/* (transfer full) (element-type BwDifference): in what the kernel differs from the plan now, the
 * bridges' switches included. Reads all rules and repairs nothing: that is the next check's. Only
 * while there is a plan. */
GPtrArray *bw_warden_describe(BwWarden *warden, GError **error);
/* (transfer container) (element-type BwFdbRecord): as bw_model_list_fdb(), of guarded bridges only;
 * ages are against g_get_monotonic_time(). */
GPtrArray *bw_warden_list_fdb(const BwWarden *warden);
/* (transfer full): with the hazards that stand now. Only while there is a plan. */
BwTopologyView *bw_warden_topology(const BwWarden *warden);
/* (transfer container) (element-type BwLink): as bw_nft_list_elsewhere(). Only while there is a
 * plan.
 */
GPtrArray *bw_warden_list_elsewhere(const BwWarden *warden);
const BwLink *bw_warden_find_link(const BwWarden *warden, int ifindex);
/* Lent: for those who answer in the warden's name. */
BwJournal *bw_warden_journal(const BwWarden *warden);

/* Calls @changed whenever an answer to the questions may have changed. One listener; NULL: none. */
void bw_warden_listen(BwWarden *warden, void (*changed)(gpointer user), gpointer user);
