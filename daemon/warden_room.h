/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the warden's own files share; nobody else includes it
 *
 * warden.c takes facts in and brings the kernel in step, warden_drift.c looks
 * whether it still is, warden_locks.c keeps what is no rule, warden_requests.c
 * answers who asks.
 */

#include "announce.h"
#include "audit.h"
#include "counts.h"
#include "engine_roll.h"
#include "fdb_watch.h"
#include "hazard_watch.h"
#include "inheritance.h"
#include "neighbour_watch.h"
#include "netlink.h"
#include "nftables_watch.h"
#include "pace.h"
#include "port_locks.h"
#include "reconciler.h"
#include "switches.h"
#include "undo_file.h"
#include "virt.h"
#include "warden.h"

struct BwWarden {
        char *config_path;
        BwConfig *config;
        BwModel *model;
        BwReconciler *reconciler;
        BwCounts *counts;
        BwPlan *plan;     /* what must be */
        BwPlan *in_force; /* what was last read back as being; may be the same object */

        BwJournal *journal;
        BwHazards *hazards;
        BwEngineRoll *roll;
        BwAudit *audit;
        BwSwitches *switches;
        BwHazardWatch *hazard_watch;
        BwPace *pace;
        BwInheritance *inheritance;
        BwFdbWatch *fdb_watch;
        BwUndoFile *undo_file;
        BwPortLocks *port_locks;
        BwNeighbourWatch *neighbour_watch;
        BwNetlink *netlink;
        BwNftWatch *nft_watch; /* NULL: nftables is not used, or cannot be watched */
        BwVirt *virt;

        bool armed;            /* false after disarm */
        bool started;          /* the first dump is in */
        bool libvirt_answered; /* there was a whole snapshot since the start */
        bool libvirt_silent;   /* it had its time to answer, or said it is not there */
        bool libvirt_connected;
        bool in_sync;
        bool in_trouble;        /* a failure was announced and not yet followed by success */
        bool ready;             /* the service manager knows */
        unsigned counted;       /* (set of engines) those the audit's sums are about */
        int64_t last_sync_usec; /* CLOCK_REALTIME */
        unsigned retry_msec, dump_msec;
        guint retry_timer, dump_timer, drift_timer, patience_timer;
        guint look_timer;    /* others changed our table; it is looked at once their news is read */
        BwNftNews culprit;   /* who did, last; zero: nobody is known */
        unsigned drifted;    /* (set of engines) others have changed, and not in step since */
        unsigned unanswered; /* facts that no commit has answered, because it failed */
        guint check_source;
        BwCheck check; /* how far the round is, while there is one */
        void (*changed)(gpointer user);
        gpointer changed_user;
};

/* Bringing the kernel in step */

/* Computes what must be and commits when it differs, or the kernel was not in step. Nothing before
 * the kernel's whole world was read once: that comes, and flushes, by itself. */
void bw_warden_flush(BwWarden *warden);
/* Writes what is wanted already. */
void bw_warden_commit(BwWarden *warden, BwCause cause);
/* The kernel was found as wanted. */
void bw_warden_note_sync(BwWarden *warden);
/* @plan is owned from now on, and may be NULL. */
void bw_warden_take_over_plan(BwWarden *warden, BwPlan *plan);
/* What the engines in use need of the bridges themselves. */
void bw_warden_check_switches(BwWarden *warden);
/* What holds besides the rules: port flags, entries of the forwarding tables, pinned neighbours. */
void bw_warden_check_locks(BwWarden *warden);
/* Puts that back as it was. */
bool bw_warden_restore_locks(BwWarden *warden, GError **error);
/* The same without a daemon, by what the last one has written down. */
bool bw_warden_restore_kernel(GError **error);
/* What weakens the guard as things are now. */
void bw_warden_look_for_hazards(BwWarden *warden);
/* Tells the listener. */
void bw_warden_note_change(BwWarden *warden);

/* Facts */

/* Reads the kernel's world again, soon; later each time it fails. */
void bw_warden_schedule_dump(BwWarden *warden);
void bw_warden_start_libvirt(BwWarden *warden);

/* Drift */

/* Every CheckInterval= from now on, and as soon as others change our nftables table, if there is
 * one. To be called again when engines or settings have changed. */
void bw_warden_watch_drift(BwWarden *warden);
void bw_warden_stop_watching(BwWarden *warden);
