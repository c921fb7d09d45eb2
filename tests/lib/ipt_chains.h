/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Chains for tests of the iptables adapter
 *
 * Short ways to say rules, chains and sets of chains, and to judge what the
 * adapter made of them.
 */

#include <iptables.h>

BwPrefix bw_test_prefix(const char *text);
/* (transfer full): an empty set but for the root chain of @table, sorted as the adapter wants it.
 */
GPtrArray *bw_test_chains_new(BwIptTable table);
/* Lent: the chain of that name, added when there is none. */
BwIptChain *bw_test_chain(GPtrArray *chains, const char *name);
void bw_test_say(BwIptChain *chain, BwIptRule rule);
BwIptRule bw_test_from(const char *source, BwIptTarget target);
BwIptRule bw_test_goto(const char *chain);

/* Sync under the lock, which must not fail. */
BwIptReport bw_test_sync(BwIptTable table, const GPtrArray *chains);
bool bw_test_is_equal(BwIptTable table, const GPtrArray *chains);
/* A report, without a condition. */
BwIptRule bw_test_nflog(BwDirection direction, BwReason reason, bool drops, unsigned rate);
/* (transfer full) (element-type utf8): every rule of @chains as iptables-save says it. */
GPtrArray *bw_test_print_chains(const GPtrArray *chains);
