/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_former.h>

/* The whole rule is "-s ADDRESS -j RETURN". */
static bool passes_source(const BwIptRule *rule) {
        BwIptRule pass = { .source = rule->source, .target = BW_IPT_RETURN };

        return rule->source.length > 0 && bw_ipt_rule_equal(rule, &pass);
}

static bool passes_client(const BwIptRule *rule) {
        static const BwMac none = {};

        return rule->dhcp == BW_IPT_DHCP_REQUEST && !bw_mac_equal(&rule->sender, &none) &&
               (rule->target == BW_IPT_RETURN || rule->target == BW_IPT_GOTO);
}

void bw_ipt_former_add_own(const BwIptChain *chain, GArray *addresses, GArray *macs) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (passes_source(rule))
                        g_array_append_val(addresses, rule->source);
                else if (passes_client(rule))
                        g_array_append_val(macs, rule->sender);
        }
}

bool bw_ipt_former_is_border(const BwIptChain *chain) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);
                BwIptRule ask = { .target = BW_IPT_GOTO };

                g_strlcpy(ask.chain, rule->chain, sizeof(ask.chain));
                if (g_str_has_prefix(rule->chain, "bw-ib-") && bw_ipt_rule_equal(rule, &ask))
                        return true;
        }
        return false;
}
