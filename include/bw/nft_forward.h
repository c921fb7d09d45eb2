/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * nftables' FORWARD, as the kernel tells it
 *
 * What the kernel answers when it is asked for tables, chains, rules and elements
 * (nfnetlink; linux/netfilter/nf_tables.h), read into tables of bw/forward.h. That
 * is what every program's rules are in the end: nft's, firewalld's, and those of
 * iptables-nft with its matches of x_tables (nf_tables_compat.h).
 *
 * Judged are comparisons of iifname, oifname, iif, oif, meta nfproto and meta
 * protocol, look-ups of these, one or several as one key, in sets, maps and verdict
 * maps, with ranges and with names that end in a star, and "-m physdev
 * --physdev-is-bridged", which every bridged packet fits. Any other condition makes a
 * rule narrow: addresses, ports, ct state, limits, keys with any of these in them, and
 * sets whose elements have limits or are more than BW_FORWARD_MOST_ELEMENTS.
 *
 * Trusts no length and no text in it. Opens no socket.
 */

#include <bw/forward.h>

/* Reads one datagram of answers, of any alignment, into @tables (element-type BwForwardTable,
 * (transfer full)), which lets go of them by bw_forward_table_free(). What belongs to a table,
 * chain or set that was not told before is passed over, so ask in this order: tables; chains; of
 * each table its rules, then its sets; of each of @sets that is not foreign the elements, until
 * it is. Families
 * but ip, ip6 and inet are passed over, and tables that are dormant. False: there was something in
 * it that cannot be read. */
bool bw_nft_forward_read(GPtrArray *tables, const void *datagram, gsize length);

/* Of what was read, lets go of tables that no forwarded packet enters. */
void bw_nft_forward_keep_entered(GPtrArray *tables);

/* The table's family as messages have it, NFPROTO_*. */
uint8_t bw_nft_forward_family(const BwForwardTable *table);
