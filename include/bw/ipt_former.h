/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a former run wrote of a port
 *
 * Reads back from the chains of a port, bw-i-PORT in raw of both families, what the
 * run that wrote them took for the port's own: the way back from lib/ipt_port.c.
 * Addresses and networks are what the chain lets pass by their source alone; MACs
 * are those a DHCP client's request may come from.
 *
 * Others can have changed the chains since, and nothing shows it. So what is read
 * here may make a guard stricter and must open nothing: bw_plan_keep_inherited()
 * sees to that. Rules that others have put between ours take nothing away.
 */

#include <bw/ipt_rule.h>

/* Appends to @addresses (BwPrefix) and @macs (BwMac) what is in @chain, as the kernel has it, in
 * its order. What lets everything pass is no address. */
void bw_ipt_former_add_own(const BwIptChain *chain, GArray *addresses, GArray *macs);

/* Whether @chain, of raw and IPv4, is a border's: whatever comes in is asked of the borders' tree.
 */
bool bw_ipt_former_is_border(const BwIptChain *chain);
