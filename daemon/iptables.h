/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * iptables adapter
 *
 * Reads and writes our chains in the legacy tables of IPv4 and IPv6 through
 * libiptc; the two know nothing of each other, in the kernel neither. One
 * change of one table is one replacement of the whole table in the kernel:
 * packets see all of it or none of it. Rules of others and their counters are
 * carried over; so are the counters of our own rules that did not change.
 *
 * Tries once and reports. Who retries, and what is said, is not decided here.
 */

#include <bw/ipt_compile.h>

/* The lock all iptables tools share, $XTABLES_LOCKFILE or /run/xtables.lock. Never waited for. */
typedef enum BwIptLock {
        BW_IPT_LOCK_NEEDED,  /* BW_ERROR_BUSY when it is held, BW_ERROR_DENIED when it cannot be
                                opened */
        BW_IPT_LOCK_SKIPPED, /* write without it */
} BwIptLock;

typedef struct BwIptReport {
        bool changed;      /* false: the table was as wanted, nothing was written */
        bool anchor_moved; /* our jump was missing, not first, or there twice */
        unsigned chains_created, chains_removed, rules_inserted, rules_deleted;
        unsigned foreign_chains_kept; /* obsolete chains of ours that a foreign rule still refers to
                                       */
} BwIptReport;

/* Whether the table can be read. BW_ERROR_DENIED, BW_ERROR_ABSENT (kernel without this legacy
 * table; it may have IPv4's and not IPv6's); the sentence says what is lacking and what is needed.
 */
bool bw_iptables_probe(BwIptTable table, GError **error);

/* Whether the table holds exactly @chains and the anchor first in its hook. Takes no lock. @chains
 * as of bw_ipt_compile(), or NULL for "nothing of ours". */
bool bw_iptables_check(BwIptTable table, const GPtrArray *chains, bool *ret_equal, GError **error);

/* (transfer full) (element-type BwIptChain): what the kernel holds, as rules: all our chains, and
 * the hook, whose first rule is the anchor when all is well; sorted by name, for
 * bw_ipt_find_chain(). Rules of no kind of ours are marked foreign. No chain knows its bridge or
 * port, and a verdict's reason is that of the report right before it. Takes no lock. */
GPtrArray *bw_iptables_read(BwIptTable table, GError **error);

/* What one table is to hold, and what came of it. */
typedef struct BwIptWish {
        bool skipped;            /* this table is left alone */
        const GPtrArray *chains; /* as of bw_ipt_compile(), or NULL for "nothing of ours" */
        const GPtrArray *held;   /* what was read back last time, or NULL. A hint that spares the
                                    first comparison: what else has changed since is found when the
                                    table is read back, and then mended, too. */
        BwIptReport report;      /* set on success */
        GError *error;           /* NULL: success; as of bw_iptables_sync() */
} BwIptWish;

/* A table on its way out of the kernel, in a thread of its own and under the lock: for who knows
 * that he will write it, and has something else to do first. Until it is given away or freed nobody
 * else may use this header for a table of the same family: libiptc is one for each. */
typedef struct BwIptAhead BwIptAhead;

/* (transfer full): NULL when the lock cannot be had; nothing is lost by that. */
BwIptAhead *bw_iptables_read_ahead(BwIptTable table);
void bw_iptables_ahead_free(BwIptAhead *ahead);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwIptAhead, bw_iptables_ahead_free)

/* The tables of both families, each as with bw_iptables_sync(), under one lock; false, and nothing
 * tried, when that cannot be had. @ahead (transfer none): what was begun with, or NULL; with it the
 * lock is there already. First all are written, what guards senders before what guards
 * receivers, then all are read back; IPv4 and IPv6 at the same time, in a thread that is gone on
 * return. */
bool bw_iptables_sync_all(BwIptWish wishes[static BW_IPT_TABLE_MAX], BwIptLock lock,
                          BwIptAhead *ahead, GError **error);

/* Makes it so, by as few edits as possible and at most one commit, then reads back. @ret is set on
 * success only. BW_ERROR_BUSY: locked, or changed by others between read and commit: come back.
 * BW_ERROR_STALE: written, but the read-back differs. A commit the kernel calls failed may have
 * taken place all the same; the read-back decides. */
bool bw_iptables_sync(BwIptTable table, const GPtrArray *chains, BwIptLock lock, BwIptReport *ret,
                      GError **error);

/* Calls @counted for each deny verdict of @chains with what it counted. Skips chains the kernel has
 * otherwise. */
typedef void (*BwIptCounted)(const BwIptChain *chain, const BwIptRule *rule, uint64_t packets,
                             uint64_t bytes, gpointer user);
bool bw_iptables_count(BwIptTable table, const GPtrArray *chains, BwIptCounted counted,
                       gpointer user, GError **error);

/* For the whole program, before it has threads: memory that libiptc gave back is kept for the next
 * time. It takes some for every rule, each time, and to get it from the kernel again page by page
 * would be a fifth of a change's time. The peak is no higher for it (mallopt(3)). */
void bw_iptables_keep_memory(void);
