/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * rtnetlink adapter
 *
 * Links, forwarding table and neighbours as facts; the few bridge attributes the
 * guard needs as wishes. Bytes are decoded by bw/netlink_decode.h. Never waits,
 * never retries, never logs.
 */

#include <bw/fact.h>

typedef struct BwNetlink BwNetlink;

/* Opens the sockets in the current network namespace, joins the groups for links, FDB and
 * neighbours, and reads news in the default main context. Call bw_netlink_dump() next. */
BwNetlink *bw_netlink_new(BwFactSink sink, gpointer user, GError **error);
void bw_netlink_free(BwNetlink *netlink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNetlink, bw_netlink_free)

/* Reports the whole world between SNAPSHOT_BEGIN and SNAPSHOT_END before it returns. When the
 * kernel says the dump was torn by a change (NLM_F_DUMP_INTR) or an answer is lost: BW_ERROR_STALE,
 * nothing was ended, call again. News that came meanwhile follows in the main loop. Of learned
 * addresses only the first some thousand are read: guests can make millions of them. */
bool bw_netlink_dump(BwNetlink *netlink, GError **error);

/* Sets one switch of one bridge (works without writing /proc/sys). A LINK fact with what the kernel
 * has then follows in the main loop; a kernel too old for the switch may call that a success, and
 * the fact says that it does not know it. BW_ERROR_DENIED without CAP_NET_ADMIN, BW_ERROR_ABSENT
 * when the bridge is gone, or for nf_call_* when br_netfilter is not loaded: the flag is kept then,
 * but has no effect yet. */
bool bw_netlink_set_switch(BwNetlink *netlink, int bridge, BwBridgeSwitch kind, bool on,
                           GError **error);
