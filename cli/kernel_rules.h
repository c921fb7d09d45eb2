/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Rules in the kernel
 *
 * What each engine's tables hold now, in the network namespace the process is
 * in. Reads and writes nothing: a table that nobody has asked for yet is not
 * made by looking for it.
 */

#include <bw/engine.h>
#include <bw/ipt_rule.h>

typedef struct BwKernelRules {
        GPtrArray *chains[BW_IPT_TABLE_MAX]; /* as of bw_iptables_read(); empty: no such table */
        char *nft;                           /* as nft lists our table; NULL: there is none */
} BwKernelRules;

/* @engines: a set; of others nothing is read. @ret is valid on success only. BW_ERROR_DENIED,
 * BW_ERROR_BUSY, BW_ERROR_BROKEN. */
bool bw_kernel_rules_read(BwKernelRules *ret, unsigned engines, GError **error);
void bw_kernel_rules_clear(BwKernelRules *rules);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BwKernelRules, bw_kernel_rules_clear)
