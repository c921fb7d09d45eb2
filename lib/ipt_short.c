/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The short way: who uses a single address of his own at his own port has nothing
 * to fear from the guard, and a tree over addresses finds that out for a quarter
 * of what the name tree costs. Whatever it does not find goes on to the name tree
 * and is judged there. So do the link-local addresses that MACs give: a few packets
 * a minute are not worth as many rules as all else.
 */

#include <bw/address_tree.h>
#include <bw/ipt_writer.h>
#include <string.h>

typedef struct Owner {
        BwPrefix address;
        const BwIptPort *port;
} Owner;

static int compare_owners(gconstpointer a, gconstpointer b) {
        const Owner *left = a, *right = b;
        int order = bw_prefix_compare(&left->address, &right->address);

        return order ? order : strcmp(left->port->name, right->port->name);
}

/* Of a bound port: its single addresses. Whole networks keep to the long way. */
static void list_declared(GArray *owners, const BwIptWriter *writer, const BwIptPort *port) {
        unsigned single = writer->family == BW_FAMILY_IPV4 ? 32 : 128;

        for (guint i = 0; i < port->n_addresses; i++) {
                const BwPrefix *own = bw_ipt_view_address(writer->view, port, i);

                if (own->family == writer->family && own->length == single)
                        g_array_append_val(owners, ((Owner){ *own, port }));
        }
}

static GArray *list_owners(const BwIptWriter *writer) {
        const GArray *ports = writer->view->lists[BW_IPT_LIST_PORTS];
        GArray *owners = g_array_new(FALSE, FALSE, sizeof(Owner));

        for (guint i = 0; i < ports->len; i++) {
                const BwIptPort *port = &g_array_index(ports, BwIptPort, i);

                if (port->state == BW_PORT_BOUND)
                        list_declared(owners, writer, port);
        }
        g_array_sort(owners, compare_owners);
        return owners;
}

static void node_chain(const BwIptWriter *writer, const BwAddressNode *node,
                       char name[static BW_IPT_CHAIN_SIZE]) {
        char place[BW_IPT_PLACE_SIZE];

        bw_ipt_place(&node->base, place);
        bw_ipt_node_chain(writer->side->address_kind, writer->view->bridge.name, place, name);
}

/* The same rule the port's own chain begins with, at the end of the short way. */
static void write_owner(const BwIptWriter *writer, BwIptChain *chain, const Owner *owner) {
        BwIptRule rule = { .target = BW_IPT_RETURN };

        if (writer->direction == BW_DIRECTION_IN) {
                rule.source = owner->address;
        } else {
                rule = bw_ipt_delivery(writer, owner->port);
                rule.destination = owner->address;
                rule.source_is_not = bw_ipt_has_one_own(writer, owner->port);
                if (rule.source_is_not)
                        rule.source = owner->address;
        }
        rule.physdev_kind = writer->side->exact;
        g_strlcpy(rule.physdev, owner->port->name, sizeof(rule.physdev));
        bw_ipt_say(chain, rule);
}

static void write_node(BwIptWriter *writer, const GPtrArray *nodes, const BwAddressNode *node,
                       const GArray *owners, const char *next) {
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        node_chain(writer, node, name);
        chain = bw_ipt_add_chain(writer, name);
        for (guint i = 0; i < node->items->len; i++)
                write_owner(writer, chain,
                            &g_array_index(owners, Owner, g_array_index(node->items, gsize, i)));
        for (guint i = 0; i < node->children->len; i++) {
                const BwAddressNode *child = nodes->pdata[g_array_index(node->children, guint, i)];

                node_chain(writer, child, name);
                bw_ipt_say_goto(chain, bw_ipt_address_rule(writer, child->base), name);
        }
        bw_ipt_say_goto(chain, (BwIptRule){}, next);
}

void bw_ipt_write_short_way(BwIptWriter *writer, const char *next,
                            char start[static BW_IPT_CHAIN_SIZE]) {
        g_autoptr(GArray) owners = list_owners(writer);
        g_autofree BwPrefix *addresses = g_new(BwPrefix, owners->len);
        g_autoptr(GPtrArray) nodes = NULL;

        for (guint i = 0; i < owners->len; i++)
                addresses[i] = g_array_index(owners, Owner, i).address;
        nodes = bw_address_tree_new(addresses, owners->len);
        for (guint i = 0; i < nodes->len; i++)
                write_node(writer, nodes, nodes->pdata[i], owners, next);
        if (nodes->len > 0)
                node_chain(writer, nodes->pdata[0], start);
        else
                g_strlcpy(start, next, BW_IPT_CHAIN_SIZE);
}
