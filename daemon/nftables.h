/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * nftables adapter
 *
 * Reads and writes our table of the bridge family through libnftables. One
 * change is one transaction: packets see all of it or none. Tables of others are
 * never touched. Needs CAP_NET_ADMIN and nothing else.
 *
 * The kernel numbers its rulesets; every transaction of anybody's is the next
 * generation. What was read and found equal stays so until the number moves, so
 * asking again costs one short message.
 *
 * Tries once and reports. Who retries, and what is said, is not decided here.
 */

#include <bw/difference.h>
#include <bw/nft_seen.h>
#include <stdint.h>

typedef struct BwNftables BwNftables;

typedef struct BwNftReport {
        bool changed; /* false: the table was as wanted, nothing was written */
        bool whole;   /* the table was missing, or its chains were not ours: all written anew */
} BwNftReport;

/* Opens nothing yet. */
BwNftables *bw_nftables_new(void);
void bw_nftables_free(BwNftables *nftables);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNftables, bw_nftables_free)

/* Whether kernel and library can carry our chains; writes nothing. BW_ERROR_DENIED,
 * BW_ERROR_ABSENT (a kernel without nf_tables or without its bridge family), BW_ERROR_BROKEN (a
 * library that is too old, among others); the sentence says what is lacking and what is needed. */
bool bw_nftables_probe(BwNftables *nftables, GError **error);

/* Whether the library can ask for a table that others cannot change and that outlives us. */
bool bw_nftables_can_protect(BwNftables *nftables);

/* Whether the kernel's table is exactly @table; @table NULL: whether there is none. Reads the table
 * only when the generation has moved since it was last found as @table says. */
bool bw_nftables_check(BwNftables *nftables, const BwNftTable *table, bool *ret_equal,
                       GError **error);

/* Others made this generation of the ruleset, and nothing of our table is in it (BwNftNews.ours).
 * If it is the very next to the one that was read, what was read is so still: with others who write
 * all the time the library reads again and again until a whole reading fits between two of theirs.
 */
void bw_nftables_note_others(BwNftables *nftables, uint32_t generation);

/* Appends to @list (BwDifference) in what the kernel's table differs from @table; reads all of it.
 */
bool bw_nftables_describe(BwNftables *nftables, const BwNftTable *table, GPtrArray *list,
                          GError **error);

/* Makes it so, in one transaction that touches only elements that differ; when chains differ or the
 * table is missing, it is replaced whole, with the counts it had. @ret is set on success only.
 * BW_ERROR_BUSY: others changed rules meanwhile: come back. BW_ERROR_STALE: written, but the
 * read-back differs. */
bool bw_nftables_sync(BwNftables *nftables, const BwNftTable *table, BwNftReport *ret,
                      GError **error);

/* Takes the table down. That there is none is no error. */
bool bw_nftables_remove(BwNftables *nftables, GError **error);

/* (transfer full): what is there now, with all its counts. BW_ERROR_ABSENT: no table. */
BwNftListing *bw_nftables_read(BwNftables *nftables, GError **error);

/* Calls @seen for each port in the set @set, as of bw_nft_seen_name(), with what it has counted.
 * BW_ERROR_ABSENT: no table; BW_ERROR_BUSY: come back. */
bool bw_nftables_count(BwNftables *nftables, const char *set, BwNftSeen seen, gpointer user,
                       GError **error);

/* (transfer full): the same as nft lists it, for bw_nft_listing_parse() and bw_nftables_load(). */
char *bw_nftables_list(BwNftables *nftables, GError **error);
/* Writes a table as it was listed, in one transaction, into a namespace that has none. */
bool bw_nftables_load(BwNftables *nftables, const char *text, GError **error);
