/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Chains that the ports of a segment share: whether an address is somebody else's
 * is the same question for all who have asked whether it is their own. So it is
 * one tree, and not one list a port.
 */

#include <bw/address_tree.h>
#include <bw/frame.h>
#include <bw/ipt_writer.h>
#include <bw/owner.h>

/* The name begins with what becomes of what is denied: "d" for drops, "m" for mere reports; an "r"
 * is for the tree that takes what is left for reflected. */
static void shared_chain(const BwIptWriter *writer, const char *kind, bool drops,
                         BwIptUnowned unowned, const char *place,
                         char name[static BW_IPT_CHAIN_SIZE]) {
        char text[BW_IPT_PLACE_SIZE + 2] = { drops ? 'd' : 'm' };
        gsize length = 1;

        if (unowned == BW_IPT_UNOWNED_REFLECTED)
                text[length++] = 'r';
        g_strlcpy(text + length, place, sizeof(text) - length);
        bw_ipt_node_chain(kind, writer->view->bridge.segment, text, name);
}

static BwIptShared *shared_of(BwIptWriter *writer, const BwIptPort *port) {
        return &writer->shared[port->mode == BW_MODE_ENFORCE];
}

/* What nobody owns passes there, and what falls, falls. */
static bool asks_borders(const BwIptWriter *writer, const BwIptPort *port, BwIptUnowned unowned) {
        return writer->view->bridge.borders_know && port->mode == BW_MODE_ENFORCE &&
               !port->router && unowned == BW_IPT_UNOWNED_PASSES;
}

void bw_ipt_owned_chain(BwIptWriter *writer, const BwIptPort *port, BwIptUnowned unowned,
                        char name[static BW_IPT_CHAIN_SIZE]) {
        BwIptShared *shared = shared_of(writer, port);

        if (asks_borders(writer, port, unowned)) {
                shared->borders = shared->denial = true;
                bw_ipt_border_tree(writer, name);
                return;
        }
        shared->owned[unowned] = shared->denial = true;
        shared->routes |= port->router;
        shared_chain(writer, writer->side->owned_kind, port->mode == BW_MODE_ENFORCE, unowned, "",
                     name);
}

void bw_ipt_shared_denial_chain(const BwIptWriter *writer, bool drops,
                                char name[static BW_IPT_CHAIN_SIZE]) {
        shared_chain(writer, writer->side->denial_kind, drops, BW_IPT_UNOWNED_PASSES, "", name);
}

void bw_ipt_denial_chain(BwIptWriter *writer, const BwIptPort *port,
                         char name[static BW_IPT_CHAIN_SIZE]) {
        shared_of(writer, port)->denial = true;
        shared_chain(writer, writer->side->denial_kind, port->mode == BW_MODE_ENFORCE,
                     BW_IPT_UNOWNED_PASSES, "", name);
}

void bw_ipt_nowhere_chain(BwIptWriter *writer, const BwIptPort *port,
                          char name[static BW_IPT_CHAIN_SIZE]) {
        shared_of(writer, port)->nowhere = shared_of(writer, port)->denial = true;
        shared_chain(writer, "iz", port->mode == BW_MODE_ENFORCE, BW_IPT_UNOWNED_PASSES, "", name);
}

void bw_ipt_request_chain(BwIptWriter *writer, const BwIptPort *port,
                          char name[static BW_IPT_CHAIN_SIZE]) {
        shared_of(writer, port)->request = shared_of(writer, port)->denial = true;
        shared_chain(writer, "iq", port->mode == BW_MODE_ENFORCE, BW_IPT_UNOWNED_PASSES, "", name);
}

void bw_ipt_reflection_chain(BwIptWriter *writer, const BwIptPort *port,
                             char name[static BW_IPT_CHAIN_SIZE]) {
        shared_of(writer, port)->reflection = true;
        shared_chain(writer, writer->side->denial_kind, port->mode == BW_MODE_ENFORCE,
                     BW_IPT_UNOWNED_REFLECTED, "", name);
}

/* All that is owned */

static void add_owned(GArray *owned, BwFamily family, bool all, BwPrefix address) {
        const BwPrefix link_local = bw_ipt_link_local();

        if (address.family == family && (all || bw_prefix_overlaps(&address, &link_local)))
                g_array_append_val(owned, address);
}

static int compare_prefixes(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

/* What is in a wider one needs no rule of its own. */
static void drop_contained(GArray *sorted) {
        guint kept = 0;

        for (guint i = 0; i < sorted->len; i++) {
                BwPrefix *all = (BwPrefix *) (void *) sorted->data;

                if (kept == 0 || !bw_prefix_contains(&all[kept - 1], &all[i]))
                        all[kept++] = all[i];
        }
        g_array_set_size(sorted, kept);
}

static void add_all_owned(GArray *owned, BwFamily family, bool all, const GArray *addresses) {
        for (guint i = 0; i < addresses->len; i++)
                add_owned(owned, family, all, g_array_index(addresses, BwPrefix, i));
}

static void add_owned_by_port(GArray *owned, BwFamily family, bool all, const BwPortPlan *port) {
        add_all_owned(owned, family, all, port->addresses);
        for (guint i = 0; i < port->macs->len; i++)
                add_owned(owned, family, all,
                          bw_owner_derive_link_local(&g_array_index(port->macs, BwMac, i)));
}

/* By any port of the segment, in whatever state, declared or made from its MACs; by its bridges;
 * and what only a gateway may use. */
static GArray *list_owned(const BwSegmentPlan *segment, BwFamily family, bool all) {
        GArray *owned = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        add_all_owned(owned, family, all, segment->gateways);
        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                add_all_owned(owned, family, all, bridge->addresses);
                for (guint k = 0; k < bridge->ports->len; k++)
                        add_owned_by_port(owned, family, all, bridge->ports->pdata[k]);
        }
        g_array_sort(owned, compare_prefixes);
        drop_contained(owned);
        return owned;
}

static bool has_border(const BwSegmentPlan *segment) {
        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        if (((BwPortPlan *) bridge->ports->pdata[k])->state == BW_PORT_BORDER)
                                return true;
        }
        return false;
}

/* As list_owned(), of what the borders' tree is made of. */
static GArray *list_bordered(const BwSegmentPlan *segment) {
        GArray *owned = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        for (guint i = 0; i < segment->addresses->len; i++)
                add_owned(owned, BW_FAMILY_IPV6, false,
                          g_array_index(segment->addresses, BwOwnedAddress, i).prefix);
        drop_contained(owned);
        return owned;
}

static bool same_prefixes(const GArray *a, const GArray *b) {
        if (a->len != b->len)
                return false;
        for (guint i = 0; i < a->len; i++)
                if (!bw_prefix_equal(&g_array_index(a, BwPrefix, i),
                                     &g_array_index(b, BwPrefix, i)))
                        return false;
        return true;
}

bool bw_ipt_borders_know(const BwSegmentPlan *segment, BwFamily family) {
        g_autoptr(GArray) owned = NULL, bordered = NULL;

        if (family != BW_FAMILY_IPV6 || !has_border(segment))
                return false;
        owned = list_owned(segment, family, false);
        bordered = list_bordered(segment);
        return same_prefixes(owned, bordered);
}

/* The tree: who is found is denied, the rest meets the same end wherever it is. */

typedef struct Tree {
        BwIptWriter *writer;
        GByteArray *key; /* of the node at hand */
        bool drops;
        BwIptUnowned unowned;
        GArray *owned;    /* BwPrefix */
        GPtrArray *nodes; /* BwAddressNode */
        char denial[BW_IPT_CHAIN_SIZE], reflected[BW_IPT_CHAIN_SIZE];
} Tree;

static void node_chain(const Tree *tree, const BwAddressNode *node,
                       char name[static BW_IPT_CHAIN_SIZE]) {
        char place[BW_IPT_PLACE_SIZE];

        bw_ipt_place(&node->base, place);
        shared_chain(tree->writer, tree->writer->side->owned_kind, tree->drops, tree->unowned,
                     place, name);
}

static void write_node(const Tree *tree, const BwAddressNode *node, BwIptChain *chain) {
        char name[BW_IPT_CHAIN_SIZE];

        for (guint i = 0; i < node->items->len; i++) {
                gsize at = g_array_index(node->items, gsize, i);
                BwPrefix *owned = &g_array_index(tree->owned, BwPrefix, at);

                bw_ipt_say_goto(chain, bw_ipt_address_rule(tree->writer, *owned), tree->denial);
        }
        for (guint i = 0; i < node->children->len; i++) {
                const BwAddressNode *child =
                        tree->nodes->pdata[g_array_index(node->children, guint, i)];

                node_chain(tree, child, name);
                bw_ipt_say_goto(chain, bw_ipt_address_rule(tree->writer, child->base), name);
        }
}

static void key_prefixes(const Tree *tree, const BwAddressNode *node) {
        bw_ipt_key_add_prefix(tree->key, &node->base);
        bw_ipt_key_add_number(tree->key, node->items->len);
        for (guint i = 0; i < node->items->len; i++) {
                gsize at = g_array_index(node->items, gsize, i);

                bw_ipt_key_add_prefix(tree->key, &g_array_index(tree->owned, BwPrefix, at));
        }
        bw_ipt_key_add_number(tree->key, node->children->len);
        for (guint i = 0; i < node->children->len; i++) {
                const BwAddressNode *child =
                        tree->nodes->pdata[g_array_index(node->children, guint, i)];

                bw_ipt_key_add_prefix(tree->key, &child->base);
        }
}

static void key_node(const Tree *tree, guint at) {
        bw_ipt_key_begin(tree->key, BW_IPT_PIECE_OWNED_NODE);
        bw_ipt_key_add_name(tree->key, tree->writer->view->bridge.segment);
        bw_ipt_key_add_number(tree->key, tree->drops);
        bw_ipt_key_add_number(tree->key, tree->unowned);
        bw_ipt_key_add_number(tree->key, at == 0);
        if (at < tree->nodes->len)
                key_prefixes(tree, tree->nodes->pdata[at]);
}

/* The root has a name that no address changes: chains of a former run may lead to it. */
static void write_tree(const Tree *tree) {
        BwIptWriter *writer = tree->writer;
        char name[BW_IPT_CHAIN_SIZE];

        shared_chain(writer, writer->side->owned_kind, tree->drops, tree->unowned, "", name);
        for (guint i = 0; i < MAX(tree->nodes->len, 1); i++) {
                BwIptChain *chain;

                key_node(tree, i);
                if (bw_ipt_take_piece(writer, tree->key))
                        continue;
                if (i > 0)
                        node_chain(tree, tree->nodes->pdata[i], name);
                chain = bw_ipt_add_shared_chain(writer, name);
                if (i < tree->nodes->len)
                        write_node(tree, tree->nodes->pdata[i], chain);
                if (tree->unowned == BW_IPT_UNOWNED_REFLECTED)
                        bw_ipt_say_goto(chain, (BwIptRule){}, tree->reflected);
                bw_ipt_end_piece(writer, tree->key, name, 0);
        }
}

/* Where the borders' tree knows the same, what it is made of is sorted already. */
static GArray *list_asked(const BwIptWriter *writer, const BwSegmentPlan *segment, bool drops) {
        if (writer->view->bridge.borders_know && !writer->shared[drops].routes)
                return list_bordered(segment);
        return list_owned(segment, writer->family, writer->shared[drops].routes);
}

static void write_owned(BwIptWriter *writer, const BwSegmentPlan *segment, bool drops,
                        BwIptUnowned unowned) {
        g_autoptr(GArray) owned = list_asked(writer, segment, drops);
        g_autoptr(GByteArray) key = g_byte_array_new();
        g_autoptr(GPtrArray) nodes =
                bw_address_tree_new((const BwPrefix *) (const void *) owned->data, owned->len);
        Tree tree = { .writer = writer,
                      .key = key,
                      .drops = drops,
                      .unowned = unowned,
                      .owned = owned,
                      .nodes = nodes };

        shared_chain(writer, writer->side->denial_kind, drops, BW_IPT_UNOWNED_PASSES, "",
                     tree.denial);
        shared_chain(writer, writer->side->denial_kind, drops, BW_IPT_UNOWNED_REFLECTED, "",
                     tree.reflected);
        write_tree(&tree);
}

/* One limit for the reports of all ports, so it must leave room for others beside the loudest; who
 * reads them counts by port. More than a thousand a second nobody may configure. */
static unsigned shared_rate(const BwIptWriter *writer) {
        const unsigned room = 16, most = 1000;

        return MIN(writer->view->bridge.log_rate * room, most);
}

static void write_denial(BwIptWriter *writer, bool drops, BwIptUnowned unowned, BwReason reason) {
        BwIptRule limit = { .log_rate = shared_rate(writer) };
        char name[BW_IPT_CHAIN_SIZE];

        shared_chain(writer, writer->side->denial_kind, drops, unowned, "", name);
        bw_ipt_deny(writer, bw_ipt_add_shared_chain(writer, name), limit, reason, drops);
}

/* From "::", to a group: router and neighbour solicitations (RFC 4861), multicast listeners'
 * queries, reports and farewells (RFC 2710, RFC 3810). Who may query is not for this engine to say.
 * Whole packets only. */
static void write_nowhere(BwIptWriter *writer, bool drops) {
        static const uint8_t types[] = {
                BW_ND_ROUTER_SOLICITATION, BW_ND_SOLICITATION, 130, 131, 132, 143
        };
        char name[BW_IPT_CHAIN_SIZE], denial[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        shared_chain(writer, "iz", drops, BW_IPT_UNOWNED_PASSES, "", name);
        shared_chain(writer, writer->side->denial_kind, drops, BW_IPT_UNOWNED_PASSES, "", denial);
        chain = bw_ipt_add_shared_chain(writer, name);
        bw_ipt_say_goto(chain, (BwIptRule){ .fragment = true }, denial);
        for (gsize i = 0; i < sizeof(types); i++)
                bw_ipt_say(chain, (BwIptRule){ .icmpv6_type = types[i], .target = BW_IPT_RETURN });
        bw_ipt_say_goto(chain, (BwIptRule){}, denial);
}

/* Who sends has been looked at: it is a MAC of the port's. */
static void write_request(BwIptWriter *writer, bool drops) {
        char name[BW_IPT_CHAIN_SIZE], denial[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        shared_chain(writer, "iq", drops, BW_IPT_UNOWNED_PASSES, "", name);
        shared_chain(writer, writer->side->denial_kind, drops, BW_IPT_UNOWNED_PASSES, "", denial);
        chain = bw_ipt_add_shared_chain(writer, name);
        bw_ipt_say(chain, (BwIptRule){ .client_is_sender = true, .target = BW_IPT_RETURN });
        bw_ipt_say_goto(chain, (BwIptRule){}, denial);
}

static void write_shared(BwIptWriter *writer, const BwSegmentPlan *segment, bool drops) {
        const BwIptShared *shared = &writer->shared[drops];

        for (BwIptUnowned unowned = 0; unowned < BW_IPT_UNOWNED_MAX; unowned++)
                if (shared->owned[unowned])
                        write_owned(writer, segment, drops, unowned);
        if (shared->denial)
                write_denial(writer, drops, BW_IPT_UNOWNED_PASSES, writer->side->not_own);
        if (shared->owned[BW_IPT_UNOWNED_REFLECTED] || shared->reflection)
                write_denial(writer, drops, BW_IPT_UNOWNED_REFLECTED, BW_REASON_REFLECTED);
        if (shared->nowhere)
                write_nowhere(writer, drops);
        if (shared->request)
                write_request(writer, drops);
}

void bw_ipt_write_shared(BwIptWriter *writer, const BwSegmentPlan *segment) {
        write_shared(writer, segment, false);
        write_shared(writer, segment, true);
}
