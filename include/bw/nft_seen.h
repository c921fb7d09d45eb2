/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a set of ports has counted
 *
 * The kernel's answer to NFT_MSG_GETSETELEM for a set whose elements are names
 * of interfaces, each with a counter (linux/netfilter/nf_tables.h): datagrams of
 * NFT_MSG_NEWSETELEM, then the end of the answer.
 *
 * Trusts no length and no text in it. Opens no socket.
 */

#include <bw/nft_table.h>
#include <stdint.h>

/* @port: any bytes, "" for frames of the host itself. Lent for the call. */
typedef void (*BwNftSeen)(const char *port, BwNftCount count, gpointer user);

/* Reads one datagram, of any alignment, and tells @seen of each element in it that has a counter.
 * False: there was something in it that cannot be read, and what came behind that is lost. */
bool bw_nft_seen_read(const void *datagram, gsize length, BwNftSeen seen, gpointer user);
