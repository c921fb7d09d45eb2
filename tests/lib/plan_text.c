/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "plan_text.h"

static void write_prefixes(GString *text, const char *what, const GArray *prefixes) {
        for (guint i = 0; i < prefixes->len; i++) {
                g_autofree char *prefix = bw_prefix_print(&g_array_index(prefixes, BwPrefix, i));

                g_string_append_printf(text, " %s%s", what, prefix);
        }
}

static void write_flag(GString *text, bool flag, const char *word) {
        if (flag)
                g_string_append_printf(text, " %s", word);
}

static void write_port(GString *text, const BwPortPlan *port) {
        char mac[BW_MAC_TEXT_SIZE];

        g_string_append_printf(text, "  %s %d %s %s %s", port->name, port->ifindex,
                               bw_port_state_name(port->state), bw_role_name(port->role),
                               bw_mode_name(port->mode));
        write_flag(text, port->derived_role, "derived");
        write_flag(text, port->derived_addresses, "found");
        write_flag(text, port->closed_border, "closed-border");
        write_flag(text, port->absent, "absent");
        write_flag(text, port->fdb_lock, "lock");
        write_flag(text, port->isolated, "isolated");
        for (guint i = 0; i < port->macs->len; i++)
                g_string_append_printf(text, " %s",
                                       bw_mac_print(&g_array_index(port->macs, BwMac, i), mac));
        write_prefixes(text, "", port->addresses);
        g_string_append_printf(text, " guest %s %s; %s; %s\n", port->guest ? port->guest : "-",
                               port->uuid, port->where ? port->where : "-",
                               port->trouble ? port->trouble : "-");
}

static void write_bridge(GString *text, const BwBridgePlan *bridge) {
        char mac[BW_MAC_TEXT_SIZE];

        g_string_append_printf(text, "%s %d %s %s %s %u %u", bridge->name, bridge->ifindex,
                               bw_mac_print(&bridge->mac, mac), bw_mode_name(bridge->mode),
                               bw_unknown_ports_name(bridge->unknown_ports), bridge->switches,
                               bridge->segment);
        write_flag(text, bridge->on_path, "on-path");
        write_flag(text, bridge->pin_neighbours, "pin");
        g_string_append_printf(text, " repair %x", bridge->repair);
        write_prefixes(text, "", bridge->networks);
        write_prefixes(text, "own ", bridge->addresses);
        write_prefixes(text, "gateway ", bridge->gateways);
        g_string_append_c(text, '\n');
        for (guint i = 0; i < bridge->ports->len; i++)
                write_port(text, bridge->ports->pdata[i]);
}

static void write_sites(GString *text, const GPtrArray *sites) {
        for (guint i = 0; i < sites->len; i++) {
                const GPtrArray *leads = ((const BwSitePlan *) sites->pdata[i])->leads;

                g_string_append_printf(text, "  site %u:", i);
                for (guint k = 0; k < leads->len; k++)
                        g_string_append_printf(text, " %s",
                                               ((const BwPortPlan *) leads->pdata[k])->name);
                g_string_append_c(text, '\n');
        }
}

static void write_segment(GString *text, const BwSegmentPlan *segment) {
        char mac[BW_MAC_TEXT_SIZE];

        g_string_append(text, "segment");
        for (guint i = 0; i < segment->bridges->len; i++)
                g_string_append_printf(text, " %s",
                                       ((const BwBridgePlan *) segment->bridges->pdata[i])->name);
        write_prefixes(text, "gateway ", segment->gateways);
        g_string_append_c(text, '\n');
        write_sites(text, segment->sites);
        for (guint i = 0; i < segment->addresses->len; i++) {
                const BwOwnedAddress *owned = &g_array_index(segment->addresses, BwOwnedAddress, i);
                g_autofree char *prefix = bw_prefix_print(&owned->prefix);

                g_string_append_printf(text, "  %s at %u\n", prefix, owned->site);
        }
        for (guint i = 0; i < segment->macs->len; i++) {
                const BwOwnedMac *owned = &g_array_index(segment->macs, BwOwnedMac, i);

                g_string_append_printf(text, "  %s at %u\n", bw_mac_print(&owned->mac, mac),
                                       owned->site);
        }
}

char *bw_test_plan_text(const BwPlan *plan) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < plan->bridges->len; i++)
                write_bridge(text, plan->bridges->pdata[i]);
        for (guint i = 0; i < plan->segments->len; i++)
                write_segment(text, plan->segments->pdata[i]);
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
