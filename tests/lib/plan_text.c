/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "plan_text.h"

static void write_port(GString *text, const BwPortPlan *port) {
        char mac[BW_MAC_TEXT_SIZE];

        g_string_append_printf(text, "  %s %d %s %s %s", port->name, port->ifindex,
                               bw_port_state_name(port->state), bw_role_name(port->role),
                               bw_mode_name(port->mode));
        for (guint i = 0; i < port->macs->len; i++)
                g_string_append_printf(text, " %s",
                                       bw_mac_print(&g_array_index(port->macs, BwMac, i), mac));
        for (guint i = 0; i < port->addresses->len; i++) {
                g_autofree char *address =
                        bw_prefix_print(&g_array_index(port->addresses, BwPrefix, i));

                g_string_append_printf(text, " %s", address);
        }
        g_string_append_printf(text, " guest %s %s; %s; %s\n", port->guest ? port->guest : "-",
                               port->uuid, port->where ? port->where : "-",
                               port->trouble ? port->trouble : "-");
}

char *bw_test_plan_text(const BwPlan *plan) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                g_string_append_printf(text, "%s %d %s %s %u", bridge->name, bridge->ifindex,
                                       bw_mode_name(bridge->mode),
                                       bw_unknown_ports_name(bridge->unknown_ports),
                                       bridge->switches);
                for (guint k = 0; k < bridge->networks->len; k++) {
                        g_autofree char *network =
                                bw_prefix_print(&g_array_index(bridge->networks, BwPrefix, k));

                        g_string_append_printf(text, " %s", network);
                }
                g_string_append_c(text, '\n');
                for (guint k = 0; k < bridge->ports->len; k++)
                        write_port(text, bridge->ports->pdata[k]);
        }
        return g_string_free(text, FALSE);
}

static void write_rules(GString *text, const BwIptChain *chain) {
        for (guint i = 0; i < chain->rules->len; i++) {
                g_autofree char *rule =
                        bw_ipt_rule_print(chain->name, &g_array_index(chain->rules, BwIptRule, i));

                g_string_append_printf(text, "%s\n", rule);
        }
}

char *bw_test_tables_text(const BwPlan *plan) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < BW_IPT_TABLE_MAX; i++) {
                BwIptTable table = (BwIptTable) i;
                g_autoptr(GPtrArray) chains = bw_ipt_compile(plan, table);

                g_string_append_printf(text, "# %s\n*%s\n", bw_ipt_table_text(table),
                                       bw_ipt_table_name(table));
                for (guint k = 0; k < chains->len; k++)
                        g_string_append_printf(text, ":%s - [0:0]\n",
                                               ((BwIptChain *) chains->pdata[k])->name);
                g_string_append_printf(text, "-A %s -j %s\n", bw_ipt_table_hook(table),
                                       bw_ipt_table_root(table));
                for (guint k = 0; k < chains->len; k++)
                        write_rules(text, chains->pdata[k]);
                g_string_append(text, "COMMIT\n");
        }
        return g_string_free(text, FALSE);
}
