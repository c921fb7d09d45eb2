/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sites of the nftables table
 *
 * What borders must know, as elements of maps: from what is owned to the chain
 * that knows the borders which bar it. A part of the nft_table room. All segments
 * share the maps, for a rule cannot tell segments apart, and one address may be
 * owned in several of them: so a site of the table is no place in one segment but
 * a set of borders, those where a claim to its addresses falls. A guest that comes
 * or goes is a few elements, however many borders there are.
 */

#include <bw/plan.h>

typedef struct BwNftSites {
        GPtrArray *barred; /* of each site: GPtrArray of char *, names in quotes, sorted */
        /* char *, "192.0.2.7 : goto site-3"; not sorted, each key once */
        GPtrArray *ip4, *net4; /* single ones, and disjoint ranges: the most exact entry counts */
        GPtrArray *ip6, *net6;
        GPtrArray *targets, *target_nets; /* @ip6 and @net6 as numbers */
        GPtrArray *macs;
} BwNftSites;

/* (transfer full) */
BwNftSites *bw_nft_sites_new(const BwPlan *plan);
void bw_nft_sites_free(BwNftSites *sites);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNftSites, bw_nft_sites_free)
