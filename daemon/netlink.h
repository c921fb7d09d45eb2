/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * rtnetlink adapter
 *
 * Links, forwarding table and neighbours as facts; the few attributes of bridges,
 * ports and tables the guard needs as wishes. Bytes are decoded by
 * bw/netlink_decode.h. Never waits but for the kernel's answer, never retries,
 * never logs.
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

/* Has the kernel say once more what that link is: a LINK fact follows in the main loop, and keeps
 * its place among the news. Nothing follows of a link that is gone. */
void bw_netlink_look_at(BwNetlink *netlink, int ifindex);

/* Wishes. Each is one message and its answer. BW_ERROR_DENIED without CAP_NET_ADMIN,
 * BW_ERROR_ABSENT when the link, bridge, port or entry is not there (any more), BW_ERROR_STALE when
 * no answer came, BW_ERROR_BROKEN when the kernel refuses for another reason. What has changed then
 * comes as a fact in the main loop. */

/* @mask, @on: sets of BwPortFlag; of @mask those in @on are set, the others cleared, all at once. A
 * kernel too old for a flag may leave that out without a word: BwLink.flags_known says so. With
 * BW_FLAG_LOCKED the port forgets what it has learned; what was written stays. */
bool bw_netlink_set_port_flags(BwNetlink *netlink, int port, unsigned mask, unsigned on,
                               GError **error);

/* An entry of the FDB that neither ages nor moves (bridge(8), "fdb replace ... static sticky"), in
 * every VLAN of the port. What the bridge has learned of that MAC, at whatever port, is replaced.
 */
bool bw_netlink_fix_fdb(BwNetlink *netlink, int port, const BwMac *mac, GError **error);
/* Deletes what the bridge has of that MAC at that port, in every VLAN; it learns anew. */
bool bw_netlink_release_fdb(BwNetlink *netlink, int port, const BwMac *mac, GError **error);

/* The host's own ARP and ND table: an entry that nothing but another wish changes. BW_ERROR_BUSY
 * when there is an entry of that address and it was not to be replaced. */
bool bw_netlink_pin_neighbour(BwNetlink *netlink, const BwNeighbour *neighbour, bool replaces,
                              GError **error);
/* Deletes the entry of that address (the MAC does not matter); the host asks anew. */
bool bw_netlink_unpin_neighbour(BwNetlink *netlink, const BwNeighbour *neighbour, GError **error);

/* 0: the bridge floods every frame. */
bool bw_netlink_set_ageing(BwNetlink *netlink, int bridge, uint32_t centiseconds, GError **error);
bool bw_netlink_set_stp(BwNetlink *netlink, int bridge, bool on, GError **error);

/* IFF_PROMISC, as ip-link(8) sets and clears it. What packet sockets and bridges have asked for
 * stays: BwLink.promiscuity. */
bool bw_netlink_set_promiscuous(BwNetlink *netlink, int link, bool on, GError **error);
