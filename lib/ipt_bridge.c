/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The chains of one bridge: from a packet to the port it came in by or goes out
 * by. Looks at nothing but the view, so that they may be taken over whenever it
 * is the same.
 */

#include <bw/ipt_writer.h>
#include <bw/name_tree.h>
#include <string.h>

/* Whom nobody has declared. Packets that met no bridge port at all are not the guard's business. */
static void write_strangers(BwIptWriter *writer, const char *name) {
        BwIptChain *chain = bw_ipt_add_chain(writer, name);

        g_strlcpy(chain->bridge, writer->view->bridge.name, sizeof(chain->bridge));
        if (writer->view->bridge.unknown_ports == BW_UNKNOWN_PORTS_ACCEPT)
                return;
        bw_ipt_say(chain,
                   (BwIptRule){ .physdev_kind = writer->side->not_ours, .target = BW_IPT_RETURN });
        bw_ipt_deny(writer, chain, (BwIptRule){}, BW_REASON_UNBOUND,
                    writer->view->bridge.unknown_ports == BW_UNKNOWN_PORTS_DROP);
}

static void write_leaf(const BwIptWriter *writer, BwIptChain *chain, BwIptRule rule,
                       const char *name) {
        const BwIptPort *port = bw_ipt_view_find_port(writer->view, name);

        rule.physdev_kind = writer->side->exact;
        if (bw_ipt_has_port_chain(writer, port)) {
                rule.target = BW_IPT_GOTO;
                bw_ipt_port_chain(writer->side->port_kind, name, rule.chain);
        } else {
                rule.target = BW_IPT_RETURN;
        }
        bw_ipt_say(chain, rule);
}

static void write_node(BwIptWriter *writer, const GPtrArray *nodes, const BwNameNode *node,
                       const char *strangers) {
        const char *bridge = writer->view->bridge.name;
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        bw_ipt_node_chain(writer->side->node_kind, bridge, node->prefix, name);
        chain = bw_ipt_add_chain(writer, name);
        for (guint i = 0; i < node->branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(node->branches, BwNameBranch, i);
                const BwNameNode *target;
                BwIptRule rule = {};

                memcpy(rule.physdev, branch->name, sizeof(rule.physdev));
                if (!branch->is_node) {
                        write_leaf(writer, chain, rule, branch->name);
                        continue;
                }
                target = nodes->pdata[branch->node];
                rule.physdev_kind = writer->side->prefix;
                bw_ipt_node_chain(writer->side->node_kind, bridge, target->prefix, name);
                bw_ipt_say_goto(chain, rule, name);
        }
        bw_ipt_say_goto(chain, (BwIptRule){}, strangers);
}

static void write_tree(BwIptWriter *writer, const char *strangers) {
        const GArray *ports = writer->view->lists[BW_IPT_LIST_PORTS];
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        g_autoptr(GPtrArray) nodes = NULL;

        for (guint i = 0; i < ports->len; i++)
                g_ptr_array_add(names, g_array_index(ports, BwIptPort, i).name);
        nodes = bw_name_tree_new((const char *const *) names->pdata, names->len);
        for (guint i = 0; i < nodes->len; i++)
                write_node(writer, nodes, nodes->pdata[i], strangers);
}

void bw_ipt_write_bridge(BwIptWriter *writer, char start[static BW_IPT_CHAIN_SIZE]) {
        const GArray *ports = writer->view->lists[BW_IPT_LIST_PORTS];
        const char *bridge = writer->view->bridge.name;
        char strangers[BW_IPT_CHAIN_SIZE], tree[BW_IPT_CHAIN_SIZE];

        bw_ipt_port_chain(writer->side->stranger_kind, bridge, strangers);
        bw_ipt_node_chain(writer->side->node_kind, bridge, "", tree);
        bw_ipt_write_short_way(writer, tree, start);
        write_strangers(writer, strangers);
        write_tree(writer, strangers);
        for (guint i = 0; i < ports->len; i++)
                bw_ipt_write_port(writer, &g_array_index(ports, BwIptPort, i));
        bw_ipt_write_own_senders(writer);
        bw_ipt_write_replies(writer);
}
