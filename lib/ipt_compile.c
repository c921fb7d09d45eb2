/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_compile.h>
#include <bw/ipt_writer.h>
#include <bw/name_tree.h>
#include <string.h>

static const BwIptSide sides[] = {
        [BW_DIRECTION_IN] = { "i", "it", "is", "ia", "iw", "id", "ib", "il", "ic", "ie",
                              BW_IPT_PHYSDEV_IN, BW_IPT_PHYSDEV_IN_PREFIX, BW_IPT_PHYSDEV_NOT_IN,
                              BW_REASON_SPOOFED_IP, BW_REASON_BORDER_SPOOF },
        [BW_DIRECTION_OUT] = { "o", "ot", "os", "oa", "ow", "od", "ob", "ol", "oc", "oe",
                               BW_IPT_PHYSDEV_OUT, BW_IPT_PHYSDEV_OUT_PREFIX,
                               BW_IPT_PHYSDEV_NOT_BRIDGED, BW_REASON_MISDELIVERED,
                               BW_REASON_BORDER_MISDELIVERED },
};

/* Whom nobody has declared. Packets that met no bridge port at all are not the guard's business. */
static void write_strangers(BwIptWriter *writer, const char *name) {
        BwIptChain *chain = bw_ipt_add_chain(writer, name);

        g_strlcpy(chain->bridge, writer->bridge->name, sizeof(chain->bridge));
        if (writer->bridge->unknown_ports == BW_UNKNOWN_PORTS_ACCEPT)
                return;
        bw_ipt_say(chain,
                   (BwIptRule){ .physdev_kind = writer->side->not_ours, .target = BW_IPT_RETURN });
        bw_ipt_deny(writer, chain, (BwIptRule){}, BW_REASON_UNBOUND,
                    writer->bridge->unknown_ports == BW_UNKNOWN_PORTS_DROP);
}

static void write_leaf(const BwIptWriter *writer, BwIptChain *chain, BwIptRule rule,
                       const char *name) {
        const BwPortPlan *port = bw_plan_find_port_of(writer->bridge, name);

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
        const char *bridge = writer->bridge->name;
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
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        g_autoptr(GPtrArray) nodes = NULL;

        for (guint i = 0; i < writer->bridge->ports->len; i++) {
                BwPortPlan *port = writer->bridge->ports->pdata[i];

                if (port->state != BW_PORT_STRANGER)
                        g_ptr_array_add(names, port->name);
        }
        nodes = bw_name_tree_new((const char *const *) names->pdata, names->len);
        for (guint i = 0; i < nodes->len; i++)
                write_node(writer, nodes, nodes->pdata[i], strangers);
}

static void write_bridge(BwIptWriter *writer, BwIptChain *root) {
        const char *bridge = writer->bridge->name;
        char strangers[BW_IPT_CHAIN_SIZE], tree[BW_IPT_CHAIN_SIZE], start[BW_IPT_CHAIN_SIZE];
        BwIptRule rule = {};

        bw_ipt_port_chain(writer->side->stranger_kind, bridge, strangers);
        bw_ipt_node_chain(writer->side->node_kind, bridge, "", tree);
        if (writer->direction == BW_DIRECTION_IN)
                g_strlcpy(rule.in_bridge, bridge, sizeof(rule.in_bridge));
        else
                g_strlcpy(rule.out_bridge, bridge, sizeof(rule.out_bridge));
        bw_ipt_write_short_way(writer, tree, start);
        bw_ipt_say_goto(root, rule, start);

        write_strangers(writer, strangers);
        write_tree(writer, strangers);
        for (guint i = 0; i < writer->bridge->ports->len; i++)
                bw_ipt_write_port(writer, writer->bridge->ports->pdata[i]);
}

static void write_segment(BwIptWriter *writer, const BwSegmentPlan *segment, BwIptChain *root) {
        bw_ipt_writer_enter_segment(writer, segment);
        bw_ipt_compare_trees(writer);
        for (guint i = 0; i < segment->bridges->len; i++) {
                bw_ipt_writer_enter(writer, segment->bridges->pdata[i]);
                write_bridge(writer, root);
        }
        bw_ipt_write_shared(writer);
        bw_ipt_write_shared_borders(writer);
}

static int by_name(gconstpointer a, gconstpointer b) {
        const BwIptChain *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

GPtrArray *bw_ipt_compile(const BwPlan *plan, BwIptTable table) {
        BwDirection direction = bw_ipt_table_direction(table);
        g_autoptr(GArray) claims = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_autoptr(GPtrArray) borders = g_ptr_array_new();
        BwIptWriter writer = {
                .family = bw_ipt_table_family(table),
                .direction = direction,
                .side = &sides[direction],
                .plan = plan,
                .claims = claims,
                .borders = borders,
                .chains = g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_unref),
        };
        BwIptChain *root = bw_ipt_add_chain(&writer, bw_ipt_table_root(table));

        for (guint i = 0; i < plan->segments->len; i++)
                write_segment(&writer, plan->segments->pdata[i], root);
        g_ptr_array_sort(writer.chains, by_name);
        return writer.chains;
}

const BwIptChain *bw_ipt_find_chain(const GPtrArray *chains, const char *name) {
        guint low = 0, high = chains->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;
                int order = strcmp(((const BwIptChain *) chains->pdata[middle])->name, name);

                if (order == 0)
                        return chains->pdata[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

static bool is_same_chain(const BwIptChain *a, const BwIptChain *b) {
        return bw_ipt_chain_equal(a, b) && g_str_equal(a->bridge, b->bridge) &&
               g_str_equal(a->port, b->port);
}

/* Both are sorted. */
bool bw_ipt_share_chains(GPtrArray *chains, const GPtrArray *before) {
        guint shared = 0;

        for (guint i = 0, k = 0; before && i < chains->len && k < before->len;) {
                BwIptChain *chain = chains->pdata[i], *former = before->pdata[k];
                int order = strcmp(chain->name, former->name);

                if (order == 0 && is_same_chain(chain, former)) {
                        chains->pdata[i] = bw_ipt_chain_ref(former);
                        bw_ipt_chain_unref(chain);
                        shared++;
                }
                i += order <= 0;
                k += order >= 0;
        }
        return before && shared == chains->len && shared == before->len;
}
