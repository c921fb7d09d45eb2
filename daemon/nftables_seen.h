/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What one set of our nftables table has counted
 *
 * Asked of the kernel itself: a listing by the library is the whole table, which
 * takes a hundred times as long on a large host.
 */

#include <bw/nft_seen.h>

/* A socket to ask by, to be closed by the caller; -1 with an error set. Keep it, as that of
 * bw_nftables_generation_open(). BW_ERROR_ABSENT: this kernel has no nf_tables. */
int bw_nftables_seen_open(GError **error);

/* Calls @seen for each port in @set of our table, when all of it was read. Waits for nobody: the
 * kernel answers within the call. BW_ERROR_ABSENT: no such table or set; BW_ERROR_BUSY: rules kept
 * changing meanwhile. On any failure close @fd: what is left of the answer is still in it. */
bool bw_nftables_seen_read(int fd, const char *set, BwNftSeen seen, gpointer user, GError **error);
