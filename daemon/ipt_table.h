/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One legacy table as libiptc read it
 *
 * Opening a handle reads the whole table; from then on it is a copy, which may
 * be asked and edited, and which a commit writes back. Knows how our chains look
 * in it, and whether they are there; writes nothing, and does not know when to
 * look again.
 *
 * Rules are lent by their handle and live until it is edited or freed.
 */

#include <bw/ipt_compile.h>

#include "ipt_calls.h"

typedef struct BwIptHandle {
        BwIptTable table;
        BwFamily family;
        const BwIptCalls *calls; /* of the family */
        struct xtc_handle *xtc;
} BwIptHandle;

/* BW_ERROR_DENIED; BW_ERROR_ABSENT: no such table in this kernel; BW_ERROR_BUSY: others change it
 * all the time. */
BwIptHandle *bw_ipt_handle_open(BwIptTable table, GError **error);
void bw_ipt_handle_free(BwIptHandle *handle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwIptHandle, bw_ipt_handle_free)

/* Sets @error to what libiptc means by @err when it was to @action @what; false. */
bool bw_ipt_fail(GError **error, int err, BwIptTable table, const char *action, const char *what);

/* What the kernel must have for our rules, in words. */
const char *bw_ipt_needed_modules(BwFamily family);

typedef struct BwIptFound {
        const void *entry;
        char target[BW_IPT_CHAIN_SIZE];
} BwIptFound;

/* (transfer full) (element-type BwIptFound) */
GArray *bw_ipt_read_chain(BwIptHandle *handle, const char *name);

/* The jump from the table's hook to our chains. */
BwIptRule bw_ipt_anchor_of(BwIptTable table);
bool bw_ipt_is_anchor(BwIptTable table, const BwIptFound *found);

bool bw_ipt_is_chain(BwIptHandle *handle, const char *name);
bool bw_ipt_rule_is_there(BwFamily family, const BwIptRule *rule, const BwIptFound *found);
bool bw_ipt_chain_is_there(BwIptHandle *handle, const BwIptChain *chain);
/* First in its hook and nowhere else in it; nowhere at all when nothing is wanted. */
bool bw_ipt_anchor_is_there(BwIptHandle *handle, bool wanted);
/* All of @chains, the anchor, and nothing else of ours. NULL: nothing of ours at all. */
bool bw_ipt_table_is_there(BwIptHandle *handle, const GPtrArray *chains);

/* (transfer full) (element-type utf8): chains of ours that are there, not wanted, and not led to by
 * those of a former run that must go on to mean what they meant. */
GPtrArray *bw_ipt_list_obsolete(BwIptHandle *handle, const GPtrArray *chains);
/* An empty chain that a foreign rule refers to cannot be removed and does no harm. */
bool bw_ipt_is_kept_for_others(BwIptHandle *handle, const char *name);
/* Whether that is so of each of @obsolete (names). */
bool bw_ipt_may_stay(BwIptHandle *handle, const GPtrArray *obsolete);
