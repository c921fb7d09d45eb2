/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "kernel_rules.h"

#include <bw/error.h>
#include <iptables.h>
#include <nftables.h>
#include <string.h>

static void chain_free(gpointer chain) {
        bw_ipt_chain_unref(chain);
}

/* Asking the kernel for a table makes it. */
static bool has_table(BwIptTable table, bool *ret, GError **error) {
        const char *path = bw_ipt_table_family(table) == BW_FAMILY_IPV4
                                   ? "/proc/self/net/ip_tables_names"
                                   : "/proc/self/net/ip6_tables_names";
        g_autoptr(GError) trouble = NULL;
        g_autofree char *text = NULL;
        g_auto(GStrv) names = NULL;

        *ret = false;
        if (!g_file_get_contents(path, &text, NULL, &trouble)) {
                if (g_error_matches(trouble, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                        return true;
                g_set_error(error, BW_ERROR, BW_ERROR_DENIED, "read %s: %s", path,
                            trouble->message);
                return false;
        }
        names = g_strsplit(text, "\n", -1);
        *ret = g_strv_contains((const char *const *) names, bw_ipt_table_name(table));
        return true;
}

static bool read_table(BwKernelRules *rules, BwIptTable table, GError **error) {
        bool is_there;

        if (!has_table(table, &is_there, error))
                return false;
        rules->chains[table] = is_there ? bw_iptables_read(table, error)
                                        : g_ptr_array_new_with_free_func(chain_free);
        return rules->chains[table] != NULL;
}

static bool read_nft(BwKernelRules *rules, GError **error) {
        g_autoptr(BwNftables) kernel = bw_nftables_new();
        g_autoptr(GError) trouble = NULL;

        rules->nft = bw_nftables_list(kernel, &trouble);
        if (rules->nft || g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT))
                return true;
        g_propagate_error(error, g_steal_pointer(&trouble));
        return false;
}

bool bw_kernel_rules_read(BwKernelRules *ret, unsigned engines, GError **error) {
        g_auto(BwKernelRules) rules = {};
        bool iptables = engines & BW_ENGINE_BIT(BW_ENGINE_IPTABLES);

        for (BwIptTable table = BW_IPT_RAW; iptables && table < BW_IPT_TABLE_MAX; table++)
                if (!read_table(&rules, table, error))
                        return false;
        if ((engines & BW_ENGINE_BIT(BW_ENGINE_NFTABLES)) && !read_nft(&rules, error))
                return false;
        *ret = rules;
        rules = (BwKernelRules){};
        return true;
}

void bw_kernel_rules_clear(BwKernelRules *rules) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                g_clear_pointer(&rules->chains[table], g_ptr_array_unref);
        g_clear_pointer(&rules->nft, g_free);
}
