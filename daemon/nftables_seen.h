/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What one set of our nftables table has counted
 *
 * Asked of the kernel itself: a listing by the library is the whole table, which
 * takes a hundred times as long on a large host.
 */

#include <bw/nft_seen.h>

/* Calls @seen for each port in @set of our table, when all of it was read. Waits for nobody: the
 * kernel answers within the call. @fd: as of bw_nftables_generation_open(); on any failure close
 * it: what is left of the answer is still in it. BW_ERROR_ABSENT: no such table or set, or no
 * nf_tables; BW_ERROR_DENIED; BW_ERROR_BUSY: rules kept changing meanwhile. */
bool bw_nftables_seen_read(int fd, const char *set, BwNftSeen seen, gpointer user, GError **error);
