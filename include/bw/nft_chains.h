/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The nftables engine's chains
 *
 * The guard as fixed text: which questions a frame is asked, in the order in
 * which reasons are reported. A part of the nft_table room. Names no port.
 */

#include <bw/nft_table.h>

/* (transfer full): named counters, counting sets and chains. @unknown: what becomes of a port that
 * is in no list. @sites: how many sites maps may lead to. */
char *bw_nft_chains_print(unsigned log_rate, BwUnknownPorts unknown, guint sites);

/* Which way @reason is reported; every reason has one way but unbound, which has both. */
bool bw_nft_reason_has(BwReason reason, BwDirection direction);

/* Names of the objects that count. Write @name and return it. */
#define BW_NFT_NAME_SIZE 64
const char *bw_nft_counter_name(BwDirection direction, BwReason reason, bool drops,
                                char name[static BW_NFT_NAME_SIZE]);
const char *bw_nft_seen_name(BwDirection direction, BwReason reason,
                             char name[static BW_NFT_NAME_SIZE]);
