/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ipt_chains.h"

#include <string.h>

BwPrefix bw_test_prefix(const char *text) {
        g_autoptr(GError) error = NULL;
        BwPrefix prefix;

        bw_prefix_parse(text, &prefix, &error);
        g_assert_no_error(error);
        return prefix;
}

static int by_name(gconstpointer a, gconstpointer b) {
        const BwIptChain *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

BwIptChain *bw_test_chain(GPtrArray *chains, const char *name) {
        BwIptChain *chain = (BwIptChain *) bw_ipt_find_chain(chains, name);

        if (chain)
                return chain;
        chain = bw_ipt_chain_new(name);
        g_ptr_array_add(chains, chain);
        g_ptr_array_sort(chains, by_name);
        return chain;
}

GPtrArray *bw_test_chains_new(BwIptTable table) {
        GPtrArray *chains = g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_unref);

        bw_test_chain(chains, bw_ipt_table_root(table));
        return chains;
}

void bw_test_say(BwIptChain *chain, BwIptRule rule) {
        g_array_append_val(chain->rules, rule);
}

BwIptRule bw_test_from(const char *source, BwIptTarget target) {
        return (BwIptRule){ .source = bw_test_prefix(source), .target = target };
}

BwIptRule bw_test_goto(const char *chain) {
        BwIptRule rule = { .target = BW_IPT_GOTO };

        g_strlcpy(rule.chain, chain, sizeof(rule.chain));
        return rule;
}

BwIptReport bw_test_sync(BwIptTable table, const GPtrArray *chains) {
        g_autoptr(GError) error = NULL;
        BwIptReport report = {};

        bw_iptables_sync(table, chains, BW_IPT_LOCK_NEEDED, &report, &error);
        g_assert_no_error(error);
        return report;
}

bool bw_test_is_equal(BwIptTable table, const GPtrArray *chains) {
        g_autoptr(GError) error = NULL;
        bool equal = false;

        bw_iptables_check(table, chains, &equal, &error);
        g_assert_no_error(error);
        return equal;
}

BwIptRule bw_test_nflog(BwDirection direction, BwReason reason, bool drops, unsigned rate) {
        return (BwIptRule){ .target = BW_IPT_NFLOG,
                            .log_rate = rate,
                            .direction = direction,
                            .reason = reason,
                            .drops = drops };
}

GPtrArray *bw_test_print_chains(const GPtrArray *chains) {
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                for (guint k = 0; k < chain->rules->len; k++)
                        g_ptr_array_add(lines, bw_ipt_rule_print(
                                                       chain->name,
                                                       &g_array_index(chain->rules, BwIptRule, k)));
        }
        return lines;
}
