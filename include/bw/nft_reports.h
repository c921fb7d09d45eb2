/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the nftables engine does with a denied frame
 *
 * A chain for each reason, where every chain of the guard that denies ends: the frame is counted,
 * in all and by its port, reported as far as its sender's limit goes, and then dropped or, where it
 * is only watched, accepted. A part of the nft_table room. Knows no question a frame is asked.
 */

#include <bw/engine.h>

/* Appends named counters, counting sets and chains. @log_rate: reports a second, for each port and
 * reason. */
void bw_nft_reports_print(GString *text, unsigned log_rate);

/* Which way @reason is reported; every reason has one way but unbound, which has both. */
bool bw_nft_reason_has(BwReason reason, BwDirection direction);

/* Names of the objects that count. Write @name and return it. */
#define BW_NFT_NAME_SIZE 64
const char *bw_nft_counter_name(BwDirection direction, BwReason reason, bool drops,
                                char name[static BW_NFT_NAME_SIZE]);
const char *bw_nft_seen_name(BwDirection direction, BwReason reason,
                             char name[static BW_NFT_NAME_SIZE]);
