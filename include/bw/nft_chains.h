/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The nftables engine's chains
 *
 * The guard as fixed text: which questions a frame is asked, in the order in
 * which reasons are reported. A part of the nft_table room. Names no port.
 */

#include <bw/nft_table.h>

/* (transfer full): with what bw_nft_reports_print() prints. @unknown: what becomes of a port that
 * is in no list. @sites: how many sites maps may lead to. */
char *bw_nft_chains_print(unsigned log_rate, BwUnknownPorts unknown, guint sites);
