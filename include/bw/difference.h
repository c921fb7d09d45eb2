/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Difference between plan and kernel
 *
 * What must be, held against what was read back, told line by line in the words
 * of iptables-save(8), nft(8) and ip-link(8). For people and their scripts: what
 * is to be done about it, the engines find out by themselves. Rules of others in
 * chains of their own are of no concern. Reads no kernel.
 */

#include <bw/bridge_switch.h>
#include <bw/ipt_compile.h>
#include <bw/nft_table.h>
#include <bw/port_lock.h>

typedef struct BwDifference {
        const char *engine; /* "iptables", "ip6tables", "nftables", or "bridge": a switch, or what
                               locks a port; static */
        char *table;        /* "raw", "bridge bridgewarden"; with "bridge" its name */
        bool is_missing;    /* else it is there and must not be */
        char *line;         /* one line; names in it may hold any bytes */
} BwDifference;

/* (transfer full) (element-type BwDifference): empty. The functions below append to it. */
GPtrArray *bw_difference_list_new(void);
/* Takes copies of all but @engine. */
void bw_difference_add(GPtrArray *list, const char *engine, const char *table, bool is_missing,
                       const char *line);

/* @wanted as of bw_ipt_compile(), or NULL: nothing of ours must be there. @found: every chain of
 * ours and the hook, sorted by name, with the rules of others marked foreign. A chain that is kept
 * from a former run must be there, and what it says is as it should be. An empty chain of ours that
 * is not wanted checks nothing and is no difference: others' rules may keep it there. */
void bw_difference_add_chains(GPtrArray *list, BwIptTable table, const GPtrArray *wanted,
                              const GPtrArray *found);

/* @wanted: with the elements that are kept (bw_nft_table_keep()). @listed_base: its base as the nft
 * at hand lists it. @found: NULL when there is no table, which is one line. Counts, and what ports
 * have taught the counting sets, are of no concern. */
void bw_difference_add_nft(GPtrArray *list, const BwNftTable *wanted, const char *listed_base,
                           const BwNftListing *found);

/* The switches that @engines need of the bridges of @plan and that are off there. */
void bw_difference_add_switches(GPtrArray *list, const BwPlan *plan, unsigned engines);

/* What the locks of ports miss, as of bw_port_lock_list(): arguments of bridge(8). */
void bw_difference_add_locks(GPtrArray *list, const GPtrArray *locks, const BwModel *model);
