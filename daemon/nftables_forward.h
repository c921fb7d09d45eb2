/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What others have in nftables' FORWARD
 *
 * Asks the kernel itself, in its own words, for the chains and rules of tables that
 * forwarded packets enter, and for sets that such rules ask with keys of interfaces
 * and families, of which no more than BW_FORWARD_MOST_ELEMENTS are looked at. Of a
 * ruleset of a hundred thousand elements nothing else is read, and nothing at all
 * while its generation stays. libnftables would read the whole table, and list the
 * rules of iptables-nft in words it does not have. Writes nothing; a kernel that has
 * nf_tables as a module loads it.
 */

#include <bw/forward.h>

typedef struct BwNftForward BwNftForward;

BwNftForward *bw_nftables_forward_new(void);
void bw_nftables_forward_free(BwNftForward *forward);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNftForward, bw_nftables_forward_free)

/* (transfer none) (element-type BwForwardTable): as the current network namespace has them, or had
 * them when others change rules all the time; good until the next call. NULL with an error set:
 * BW_ERROR_ABSENT (no nf_tables), BW_ERROR_DENIED, BW_ERROR_BUSY (others keep changing rules),
 * BW_ERROR_BROKEN. */
const GPtrArray *bw_nftables_forward_read(BwNftForward *forward, GError **error);
