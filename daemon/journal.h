/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Journal adapter
 *
 * Writes decisions as structured entries, and the same sentence to stderr when
 * stderr is not the journal already. Writing to journald may block, so it
 * happens on a thread with a bounded queue; what does not fit is counted and
 * told later. Decides nothing and knows no policy.
 */

#include <glib.h>

/* One per kind of decision; each has a MESSAGE_ID that never changes (daemon/journal.c has the
 * table, systemd/bridgewarden.catalog explains each). */
typedef enum BwMessage {
        BW_MESSAGE_STARTED,
        BW_MESSAGE_STOPPED,
        BW_MESSAGE_PORT_ARMED,    /* rules in force for a port that had none */
        BW_MESSAGE_PORT_REARMED,  /* its rules changed */
        BW_MESSAGE_PORT_RELEASED, /* it went; its rules are gone */
        BW_MESSAGE_PORT_CLOSED, /* its configuration is wrong: none of its packets pass, or all are
                                   reported */
        BW_MESSAGE_STRANGER,    /* an undeclared port on a guarded bridge */
        BW_MESSAGE_BRIDGE_GUARDED,
        BW_MESSAGE_BRIDGE_RELEASED,
        BW_MESSAGE_COMMITTED,      /* one commit: how many events, ports, rules, microseconds */
        BW_MESSAGE_DRIFT_REPAIRED, /* somebody changed our rules or a bridge's flag */
        BW_MESSAGE_ENGINE_TROUBLE, /* a commit failed, the lock is held, read-back differs */
        BW_MESSAGE_ENGINE_RECOVERED,
        BW_MESSAGE_ENGINES, /* which engines are in force, and what each carries */
        BW_MESSAGE_CONFIG_LOADED,
        BW_MESSAGE_CONFIG_REJECTED, /* the file cannot be read; the last good one stays */
        BW_MESSAGE_CONFIG_PROBLEM,  /* one problem, with file and line */
        BW_MESSAGE_CONFLICT,        /* two ports claim one address */
        BW_MESSAGE_LIBVIRT_CONNECTED,
        BW_MESSAGE_LIBVIRT_LOST,
        BW_MESSAGE_OVERRUN,             /* news was lost; everything read again */
        BW_MESSAGE_VIOLATION,           /* a DENY rule met a packet */
        BW_MESSAGE_VIOLATIONS_LEFT_OUT, /* the sum of what was not reported one by one */
        BW_MESSAGE_MAC_MOVED,           /* the MAC of a bound port was learned on another port */
        BW_MESSAGE_MAC_FLOOD,           /* a port made its bridge learn MAC after MAC */
        BW_MESSAGE_NEIGHBOUR_FOREIGN,   /* the host has a bound address at a foreign MAC */
        BW_MESSAGE_HAZARD,              /* something weakens the guard */
        BW_MESSAGE_HAZARD_CLEARED,      /* it does so no more */
        BW_MESSAGE_HAZARD_REPAIRED,     /* it was mended, as Repair= says; or given up */
        BW_MESSAGE_DISARMED,
        BW_MESSAGE_BUS_TROUBLE,
        BW_MESSAGE_JOURNAL_LEFT_OUT, /* the queue was full */
} BwMessage;

#define BW_MESSAGE_MAX (BW_MESSAGE_JOURNAL_LEFT_OUT + 1)

typedef struct BwJournal BwJournal;

BwJournal *bw_journal_new(void);
/* Writes out what is queued for at most one second, then gives up. */
void bw_journal_free(BwJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwJournal, bw_journal_free)

/* @priority: as syslog(3). @sentence: one line for people; any bytes (escaped on stderr, kept in
 * the journal). Then pairs of field name ("BW_PORT") and value (const char *; NULL values are left
 * out), ended by NULL. Never blocks. Everything is copied. */
void bw_journal_say(BwJournal *journal, BwMessage message, int priority, const char *sentence,
                    ...) G_GNUC_NULL_TERMINATED;

/* "b6b9e9d4…", 32 hex digits. */
const char *bw_message_id(BwMessage message);
/* "port-armed": for BW_EVENT= and tests. */
const char *bw_message_name(BwMessage message);
