/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Watch on nftables
 *
 * Says of each transaction of anybody's who made it and whether it touched our
 * table, in the default main context. Bytes are decoded by bw/nft_news.h. Never
 * waits, writes nothing, and decides nothing.
 *
 * While somebody watches, the kernel writes down every change of every table of
 * the network namespace. What that costs us is bounded: a turn reads a handful
 * of datagrams, then the socket rests; a flood that fills the buffer meanwhile
 * is thrown away unread and told as one piece of news, "lost". That may come
 * of a large change of our own, too.
 *
 * Who it was is told as the kernel sees it: the thread's number in the host's
 * first pid namespace, and the thread's name, which is its own choice. In
 * another pid namespace that number is not the one /proc shows; for a program
 * with threads it is no process's. So the name is for people to read, and
 * no proof.
 */

#include <bw/nft_news.h>

typedef struct BwNftWatch BwNftWatch;

/* In the current network namespace; a kernel that has nf_tables as a module loads it.
 * BW_ERROR_DENIED without CAP_NET_ADMIN, BW_ERROR_ABSENT without nf_tables. */
BwNftWatch *bw_nftables_watch_new(BwNftNewsSink sink, gpointer user, GError **error);
/* Not from the sink. */
void bw_nftables_watch_free(BwNftWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNftWatch, bw_nftables_watch_free)

/* Whether the transaction was made by the thread that called bw_nftables_watch_new(), in whatever
 * pid namespace; for our own changes, when that thread makes them. */
bool bw_nftables_watch_is_own(const BwNftWatch *watch, const BwNftNews *news);
