/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a former run wrote of a port
 *
 * Reads back from the chains of a port, bw-i-PORT in raw of both families, what the
 * run that wrote them took for the port's own: the way back from lib/ipt_port.c.
 * Addresses and networks are what the chain lets pass by their source alone; MACs
 * are those a DHCP client's request may come from. What was behind a border is in no chain
 * of its own but in the tree that all borders of a segment ask, written by
 * lib/ipt_border.c.
 *
 * Others can have changed the chains since, and nothing shows it. So what is read
 * here may make a guard stricter and must open nothing: bw_plan_keep_inherited()
 * sees to that. Rules that others have put between ours take nothing away.
 */

#include <bw/ipt_rule.h>

/* Appends to @addresses (BwPrefix) and @macs (BwMac) what is in @chain, as the kernel has it, in
 * its order. What lets everything pass is no address. */
void bw_ipt_former_add_own(const BwIptChain *chain, GArray *addresses, GArray *macs);

/* A border of the former run, as its segment's tree has it. */
typedef struct BwIptFormerBorder {
        char port[BW_IFNAME_SIZE];
        bool is_closed;    /* what no entry of the tree contains did not come in by it */
        GArray *addresses; /* BwPrefix: entries that might come in by it, in the order of the
                              chains: what was declared behind it, and gateways that nobody has */
} BwIptFormerBorder;

/* (transfer full) (element-type BwIptFormerBorder): all that @chains, those of raw and one family
 * as the kernel has them, tell of. What cannot be followed to its end leads to nobody. */
GPtrArray *bw_ipt_former_list_borders(const GPtrArray *chains);

/* Whether @chain, of raw and IPv4, is a border's: whatever comes in is asked of the borders' tree.
 */
bool bw_ipt_former_is_border(const BwIptChain *chain);
