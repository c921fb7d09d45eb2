/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_compile.h>
#include <bw/rules_text.h>
#include <bw/text.h>
#include <string.h>

const char *bw_rules_text_command(BwFamily family) {
        switch (family) {
        case BW_FAMILY_IPV4:
                return "iptables";
        case BW_FAMILY_IPV6:
                return "ip6tables";
        }
        g_assert_not_reached();
}

static void print_rules(GString *text, const BwIptChain *chain) {
        for (guint i = 0; i < chain->rules->len; i++) {
                g_autofree char *rule =
                        bw_ipt_rule_print(chain->name, &g_array_index(chain->rules, BwIptRule, i));

                g_string_append_printf(text, "%s\n", rule);
        }
}

/* The anchor is inserted, not appended: it is the first rule of its hook. */
static void print_table(GString *text, const BwPlan *plan, BwIptTable table) {
        g_autoptr(GPtrArray) chains = bw_ipt_compile(plan, table);

        g_string_append_printf(text, "*%s\n", bw_ipt_table_name(table));
        for (guint i = 0; i < chains->len; i++)
                g_string_append_printf(text, ":%s - [0:0]\n",
                                       ((const BwIptChain *) chains->pdata[i])->name);
        g_string_append_printf(text, "-I %s 1 -j %s\n", bw_ipt_table_hook(table),
                               bw_ipt_table_root(table));
        for (guint i = 0; i < chains->len; i++)
                print_rules(text, chains->pdata[i]);
        g_string_append(text, "COMMIT\n");
}

static void warn_of_name(GString *text, const char *name) {
        g_autofree char *shown = bw_text_printable(name);

        if (g_str_has_suffix(name, "+"))
                g_string_append_printf(text,
                                       "# Not for iptables-restore: it would take %s for all names "
                                       "that begin so.\n",
                                       shown);
}

static void warn_of_names(GString *text, const BwPlan *plan) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                warn_of_name(text, bridge->name);
                for (guint k = 0; k < bridge->ports->len; k++)
                        warn_of_name(text, ((const BwPortPlan *) bridge->ports->pdata[k])->name);
        }
}

char *bw_rules_text_iptables(const BwPlan *plan, BwFamily family) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (bw_ipt_table_family(table) == family)
                        print_table(text, plan, table);
        if (text->len == 0)
                return NULL;
        warn_of_names(text, plan);
        return g_strdup(text->str);
}

char *bw_rules_text_nftables(const BwPlan *plan, const GPtrArray *elsewhere) {
        g_autoptr(BwNftTable) table = bw_nft_compile(plan, elsewhere);

        return bw_nft_print(table, NULL);
}
