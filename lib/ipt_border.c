/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The chains of borders. Whose an address is, all border ports of a segment ask of
 * one tree over its bits, whatever their number: the most exact entry leads to the
 * chain of its site, which knows by what ports that site is reached. Who is none
 * of these goes to the chain of his own port and is denied there, so that a port
 * counts and reports for itself.
 *
 * They are written in pieces (bw/ipt_shelf.h): a node of the tree, a site, and what the
 * borders have in common. A guest who comes changes one node, and no site.
 *
 *   bw-i-PORT > bw-ib-SEGMENT (whose?) > bw-il-… (led to by PORT?) > bw-ie-… > bw-b-PORT
 */

#include <bw/address_tree.h>
#include <bw/ipt_writer.h>
#include <bw/name_tree.h>
#include <string.h>

#define NOBODY G_MAXUINT

/* A name may take a digest to make: whoever needs it twice keeps it. */
typedef struct ChainName {
        char text[BW_IPT_CHAIN_SIZE];
} ChainName;

void bw_ipt_border_tree(const BwIptWriter *writer, char name[static BW_IPT_CHAIN_SIZE]) {
        bw_ipt_node_chain(writer->side->border_kind, writer->view->bridge.segment, "", name);
}

/* One port's chains */

void bw_ipt_write_border(BwIptWriter *writer, const BwIptPort *port) {
        BwIptChain *chain = bw_ipt_add_port_chain(writer, writer->side->port_kind, port);
        char tree[BW_IPT_CHAIN_SIZE];

        bw_ipt_border_tree(writer, tree);
        if (writer->direction == BW_DIRECTION_OUT)
                bw_ipt_deliver_groups(writer, chain, (BwIptRule){ .target = BW_IPT_RETURN });
        bw_ipt_say_goto(chain, (BwIptRule){}, tree);
        bw_ipt_deny(writer, bw_ipt_add_port_chain(writer, "b", port), (BwIptRule){},
                    writer->side->border, port->mode == BW_MODE_ENFORCE);
}

/* Which of some ports it is: a tree over their names */

typedef struct Dispatch {
        const char *kind, *place; /* of the names of its chains; @place tells it from others of the
                                     kind */
        const char *leaf_kind;    /* whither a port found goes: its chain of that kind; NULL: it
                                     passes */
        const char *otherwise;    /* whither all others go; NULL: they pass */
} Dispatch;

static void dispatch_chain(const BwIptWriter *writer, const Dispatch *dispatch, const char *prefix,
                           char name[static BW_IPT_CHAIN_SIZE]) {
        g_autofree char *text = g_strconcat(dispatch->place, prefix, NULL);

        bw_ipt_node_chain(dispatch->kind, writer->view->bridge.segment, text, name);
}

/* @names: ChainName, of each node. */
static void write_branch(const BwIptWriter *writer, const Dispatch *dispatch, BwIptChain *chain,
                         const ChainName *names, const BwNameBranch *branch) {
        BwIptRule rule = { .physdev_kind =
                                   branch->is_node ? writer->side->prefix : writer->side->exact,
                           .target = BW_IPT_GOTO };

        memcpy(rule.physdev, branch->name, sizeof(rule.physdev));
        if (branch->is_node)
                memcpy(rule.chain, names[branch->node].text, sizeof(rule.chain));
        else if (dispatch->leaf_kind)
                bw_ipt_port_chain(dispatch->leaf_kind, branch->name, rule.chain);
        else
                rule.target = BW_IPT_RETURN;
        bw_ipt_say(chain, rule);
}

static int by_text(gconstpointer a, gconstpointer b) {
        const char *const *left = a, *const *right = b;

        return strcmp(*left, *right);
}

/* (transfer full) (element-type BwNameNode): of the names of @ports (BwPortPlan) in any order. */
static GPtrArray *tree_of_names(const GPtrArray *ports) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        for (guint i = 0; i < ports->len; i++)
                g_ptr_array_add(names, ((BwPortPlan *) ports->pdata[i])->name);
        g_ptr_array_sort(names, by_text);
        return bw_name_tree_new((const char *const *) names->pdata, names->len);
}

/* @ports: BwPortPlan. Returns the chain to begin with. */
static BwIptChain *write_dispatch(BwIptWriter *writer, const Dispatch *dispatch,
                                  const GPtrArray *ports) {
        g_autoptr(GPtrArray) nodes = tree_of_names(ports);
        g_autofree ChainName *names = g_new(ChainName, nodes->len);
        guint root = writer->chains->len;

        for (guint i = 0; i < nodes->len; i++)
                dispatch_chain(writer, dispatch, ((BwNameNode *) nodes->pdata[i])->prefix,
                               names[i].text);
        for (guint i = 0; i < nodes->len; i++) {
                const BwNameNode *node = nodes->pdata[i];
                BwIptChain *chain = bw_ipt_add_shared_chain(writer, names[i].text);

                for (guint k = 0; k < node->branches->len; k++)
                        write_branch(writer, dispatch, chain, names,
                                     &g_array_index(node->branches, BwNameBranch, k));
                if (dispatch->otherwise)
                        bw_ipt_say_goto(chain, (BwIptRule){}, dispatch->otherwise);
        }
        return writer->chains->pdata[root];
}

/* Whose an address is */

/* What all of the segment's borders ask. */
typedef struct Tree {
        BwIptWriter *writer;
        const BwSegmentPlan *segment;
        GPtrArray *borders;  /* BwPortPlan */
        GArray *owned;       /* BwPrefix */
        GArray *sites;       /* guint: of each of these */
        GPtrArray *nodes;    /* BwAddressNode */
        const char **names;  /* the chain of each node, as far as they are written */
        GArray *surrounding; /* guint: the site of the most exact entry that takes in all of a node,
                                of each node */
        const char **ways;   /* the chain of each site; NULL: nobody has been led there yet */
        GArray *like;        /* guint: the site each is told by, or BW_IPT_UNLIKE; NULL: nobody has
                                asked yet */
        GByteArray *key;     /* of the piece at hand */
        guint leads;         /* the number of the piece that all others presuppose */
        char culprits[BW_IPT_CHAIN_SIZE], nobodys[BW_IPT_CHAIN_SIZE];
        bool closed; /* some border lets nobody's addresses fall */
} Tree;

/* Its leads name a site, whatever its number: no port's name has a slash. */
static char *place_of_site(const BwSitePlan *site) {
        GString *place = g_string_new(NULL);

        for (guint i = 0; i < site->leads->len; i++) {
                if (i > 0)
                        g_string_append_c(place, '/');
                g_string_append(place, ((BwPortPlan *) site->leads->pdata[i])->name);
        }
        return g_string_free(g_string_append(place, site->leads->len > 1 ? "/" : ""), FALSE);
}

static void find_way(Tree *tree, guint site);

static void say_lead(const Tree *tree, BwIptChain *chain, const BwPortPlan *port, bool leads) {
        BwIptRule rule = { .physdev_kind = tree->writer->side->exact,
                           .target = leads ? BW_IPT_RETURN : BW_IPT_GOTO };

        memcpy(rule.physdev, port->name, sizeof(rule.physdev));
        if (!leads)
                bw_ipt_port_chain("b", port->name, rule.chain);
        bw_ipt_say(chain, rule);
}

/* What another site has otherwise; the rest is asked there, and the way to it is known. */
static BwIptChain *write_difference(const Tree *tree, const BwSitePlan *site, guint like,
                                    const char *place) {
        const BwSitePlan *other = tree->segment->sites->pdata[like];
        g_autoptr(GPtrArray) here = bw_ipt_list_leads_beyond(site, other);
        g_autoptr(GPtrArray) there = bw_ipt_list_leads_beyond(other, site);
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        bw_ipt_node_chain(tree->writer->side->lead_kind, tree->writer->view->bridge.segment, place,
                          name);
        chain = bw_ipt_add_shared_chain(tree->writer, name);
        for (guint i = 0; i < here->len; i++)
                say_lead(tree, chain, here->pdata[i], true);
        for (guint i = 0; i < there->len; i++)
                say_lead(tree, chain, there->pdata[i], false);
        bw_ipt_say_goto(chain, (BwIptRule){}, tree->ways[like]);
        return chain;
}

static BwIptChain *write_site(const Tree *tree, guint at, guint like) {
        const BwSitePlan *site = tree->segment->sites->pdata[at];
        g_autofree char *place = place_of_site(site);
        Dispatch dispatch = { .kind = tree->writer->side->lead_kind,
                              .place = place,
                              .otherwise = tree->culprits };

        if (like != BW_IPT_UNLIKE)
                return write_difference(tree, site, like, place);
        return write_dispatch(tree->writer, &dispatch, site->leads);
}

static guint like_of(Tree *tree, guint site) {
        if (!tree->like)
                tree->like = bw_ipt_list_likeness(tree->segment->sites);
        return g_array_index(tree->like, guint, site);
}

static void key_site(const Tree *tree, guint site) {
        bw_ipt_key_begin(tree->key, BW_IPT_PIECE_SITE);
        bw_ipt_key_add_number(tree->key, tree->leads);
        bw_ipt_key_add_number(tree->key, site);
}

/* Which site it is told by, the piece has noted: that must be there, too. */
static const BwIptPiece *take_site(Tree *tree, guint site) {
        const BwIptPiece *piece;
        guint like;

        key_site(tree, site);
        piece = bw_ipt_take_piece(tree->writer, tree->key);
        like = piece ? piece->note : like_of(tree, site);
        find_way(tree, like);
        if (piece)
                return piece;
        key_site(tree, site);
        return bw_ipt_end_piece(tree->writer, tree->key, write_site(tree, site, like)->name, like);
}

/* What no border leads to may come in and go out by none. */
static void find_way(Tree *tree, guint site) {
        if (site == BW_IPT_UNLIKE || tree->ways[site])
                return;
        if (((BwSitePlan *) tree->segment->sites->pdata[site])->leads->len == 0)
                tree->ways[site] = tree->culprits;
        else
                tree->ways[site] = take_site(tree, site)->start;
}

static guint site_of(const Tree *tree, const BwAddressNode *node, guint item) {
        return g_array_index(tree->sites, guint, g_array_index(node->items, gsize, item));
}

static const BwPrefix *prefix_of(const Tree *tree, const BwAddressNode *node, guint item) {
        return &g_array_index(tree->owned, BwPrefix, g_array_index(node->items, gsize, item));
}

static const BwAddressNode *child_of(const Tree *tree, const BwAddressNode *node, guint child) {
        return tree->nodes->pdata[g_array_index(node->children, guint, child)];
}

static void surround_children(const Tree *tree, guint at) {
        const BwAddressNode *node = tree->nodes->pdata[at];

        for (guint i = 0; i < node->children->len; i++) {
                guint site = g_array_index(tree->surrounding, guint, at);

                for (guint k = 0; k < node->items->len; k++)
                        if (bw_prefix_contains(prefix_of(tree, node, k),
                                               &child_of(tree, node, i)->base))
                                site = site_of(tree, node, k);
                g_array_index(tree->surrounding, guint, g_array_index(node->children, guint, i)) =
                        site;
        }
}

/* The root's name knows no address: the chains of ports lead to it. */
static void node_chain(const Tree *tree, const BwAddressNode *node,
                       char name[static BW_IPT_CHAIN_SIZE]) {
        char place[BW_IPT_PLACE_SIZE] = "";

        if (node && node != tree->nodes->pdata[0])
                bw_ipt_place(&node->base, place);
        bw_ipt_node_chain(tree->writer->side->border_kind, tree->writer->view->bridge.segment,
                          place, name);
}

/* The most exact first: children, then items from the last to the first, then what is around. */
static BwIptChain *write_node(const Tree *tree, const BwAddressNode *node, guint around) {
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        node_chain(tree, node, name);
        chain = bw_ipt_add_shared_chain(tree->writer, name);
        for (guint i = 0; i < node->children->len; i++) {
                guint child = g_array_index(node->children, guint, i);

                bw_ipt_say_goto(chain,
                                bw_ipt_address_rule(tree->writer, child_of(tree, node, i)->base),
                                tree->names[child]);
        }
        for (guint i = node->items->len; i-- > 0;)
                bw_ipt_say_goto(chain, bw_ipt_address_rule(tree->writer, *prefix_of(tree, node, i)),
                                tree->ways[site_of(tree, node, i)]);
        if (around != NOBODY)
                bw_ipt_say_goto(chain, (BwIptRule){}, tree->ways[around]);
        else if (tree->closed)
                bw_ipt_say_goto(chain, (BwIptRule){}, tree->nobodys);
        return chain;
}

/* Of sites the numbers will do: what they mean, the piece of the leads knows. */
static void key_node(const Tree *tree, const BwAddressNode *node, guint around) {
        bw_ipt_key_begin(tree->key, BW_IPT_PIECE_BORDER_NODE);
        bw_ipt_key_add_number(tree->key, tree->leads);
        bw_ipt_key_add_number(tree->key, node == tree->nodes->pdata[0]);
        bw_ipt_key_add_number(tree->key, around);
        bw_ipt_key_add_prefix(tree->key, &node->base);
        bw_ipt_key_add_number(tree->key, node->children->len);
        for (guint i = 0; i < node->children->len; i++)
                bw_ipt_key_add_prefix(tree->key, &child_of(tree, node, i)->base);
        bw_ipt_key_add_number(tree->key, node->items->len);
        for (guint i = 0; i < node->items->len; i++) {
                bw_ipt_key_add_prefix(tree->key, prefix_of(tree, node, i));
                bw_ipt_key_add_number(tree->key, site_of(tree, node, i));
        }
}

static const BwIptPiece *take_node(const Tree *tree, guint at) {
        const BwAddressNode *node = tree->nodes->pdata[at];
        guint around = g_array_index(tree->surrounding, guint, at);
        const BwIptPiece *piece;

        key_node(tree, node, around);
        piece = bw_ipt_take_piece(tree->writer, tree->key);
        if (piece)
                return piece;
        return bw_ipt_end_piece(tree->writer, tree->key, write_node(tree, node, around)->name, 0);
}

/* Sites that own nothing of the family need no chain. */
static void find_ways(Tree *tree) {
        for (guint i = 0; i < tree->sites->len; i++)
                find_way(tree, g_array_index(tree->sites, guint, i));
}

static void write_tree(Tree *tree) {
        g_autofree const char **names = NULL;
        const guint nobody = NOBODY;

        find_ways(tree);
        tree->nodes = bw_address_tree_new((const BwPrefix *) (const void *) tree->owned->data,
                                          tree->owned->len);
        for (guint i = 0; i < tree->nodes->len; i++)
                g_array_append_val(tree->surrounding, nobody);
        tree->names = names = g_new(const char *, tree->nodes->len);
        /* Parents stand before their children. */
        for (guint i = 0; i < tree->nodes->len; i++)
                surround_children(tree, i);
        for (guint i = tree->nodes->len; i-- > 0;)
                names[i] = take_node(tree, i)->start;
}

/* Nobody here owns anything of the family. */
static void write_empty_tree(Tree *tree) {
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        node_chain(tree, NULL, name);
        chain = bw_ipt_add_shared_chain(tree->writer, name);
        if (tree->closed)
                bw_ipt_say_goto(chain, (BwIptRule){}, tree->nobodys);
}

static void list_owned(Tree *tree) {
        const GArray *addresses = tree->segment->addresses;

        for (guint i = 0; i < addresses->len; i++) {
                BwOwnedAddress *entry = &g_array_index(addresses, BwOwnedAddress, i);

                if (entry->prefix.family != tree->writer->family)
                        continue;
                g_array_append_val(tree->owned, entry->prefix);
                g_array_append_val(tree->sites, entry->site);
        }
}

/* Whoever of the borders has come this far is denied by his own rule, and others by theirs. */
static const char *write_culprits(const Tree *tree) {
        Dispatch dispatch = { .kind = tree->writer->side->culprit_kind,
                              .place = "",
                              .leaf_kind = "b" };
        char denial[BW_IPT_CHAIN_SIZE];

        if (tree->writer->shared[true].borders) {
                bw_ipt_shared_denial_chain(tree->writer, true, denial);
                dispatch.otherwise = denial;
        }
        return write_dispatch(tree->writer, &dispatch, tree->borders)->name;
}

/* Who has no address yet, and what is no one's for long. */
static void pass_unknown(const Tree *tree, BwIptChain *chain) {
        const BwPrefix nowhere = {
                .family = tree->writer->family,
                .length = tree->writer->family == BW_FAMILY_IPV4 ? 32 : 128,
        };
        BwIptRule rule = bw_ipt_address_rule(tree->writer, bw_ipt_link_local());

        rule.target = BW_IPT_RETURN;
        if (tree->writer->family == BW_FAMILY_IPV6)
                g_array_prepend_val(chain->rules, rule);
        rule.source = nowhere;
        if (tree->writer->direction == BW_DIRECTION_IN)
                g_array_prepend_val(chain->rules, rule);
}

/* What no entry contains passes all borders but the closed ones. Whether there are such. */
static bool write_nobodys(const Tree *tree) {
        Dispatch dispatch = { .kind = tree->writer->side->closed_kind,
                              .place = "",
                              .leaf_kind = "b" };
        g_autoptr(GPtrArray) closed = g_ptr_array_new();

        for (guint i = 0; i < tree->borders->len; i++) {
                BwPortPlan *port = tree->borders->pdata[i];

                if (port->closed_border)
                        g_ptr_array_add(closed, port);
        }
        if (closed->len == 0)
                return false;
        pass_unknown(tree, write_dispatch(tree->writer, &dispatch, closed));
        return true;
}

static void key_leads(const Tree *tree) {
        const GPtrArray *sites = tree->segment->sites;

        bw_ipt_key_begin(tree->key, BW_IPT_PIECE_LEADS);
        bw_ipt_key_add_name(tree->key, tree->writer->view->bridge.segment);
        bw_ipt_key_add_number(tree->key, tree->writer->shared[true].borders);
        bw_ipt_key_add_number(tree->key, tree->borders->len);
        for (guint i = 0; i < tree->borders->len; i++) {
                const BwPortPlan *port = tree->borders->pdata[i];

                bw_ipt_key_add_name(tree->key, port->name);
                bw_ipt_key_add_number(tree->key, port->closed_border);
        }
        bw_ipt_key_add_number(tree->key, sites->len);
        for (guint i = 0; i < sites->len; i++) {
                const GPtrArray *leads = ((BwSitePlan *) sites->pdata[i])->leads;

                bw_ipt_key_add_number(tree->key, leads->len);
                for (guint k = 0; k < leads->len; k++)
                        bw_ipt_key_add_name(tree->key, ((BwPortPlan *) leads->pdata[k])->name);
        }
}

/* The piece has noted whether some border is closed. */
static void take_leads(Tree *tree) {
        const char *segment = tree->writer->view->bridge.segment;
        const BwIptPiece *piece;

        bw_ipt_node_chain(tree->writer->side->culprit_kind, segment, "", tree->culprits);
        bw_ipt_node_chain(tree->writer->side->closed_kind, segment, "", tree->nobodys);
        key_leads(tree);
        piece = bw_ipt_take_piece(tree->writer, tree->key);
        if (!piece) {
                bool closed = write_nobodys(tree);

                piece = bw_ipt_end_piece(tree->writer, tree->key, write_culprits(tree), closed);
        }
        tree->leads = piece->number;
        tree->closed = piece->note;
}

/* (transfer container) (element-type BwPortPlan) */
static GPtrArray *list_borders(const BwSegmentPlan *segment) {
        GPtrArray *borders = g_ptr_array_new();

        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        if (bw_port_plan_is_border(bridge->ports->pdata[k]))
                                g_ptr_array_add(borders, bridge->ports->pdata[k]);
        }
        return borders;
}

void bw_ipt_write_shared_borders(BwIptWriter *writer, const BwSegmentPlan *segment) {
        g_autoptr(GPtrArray) borders = list_borders(segment);
        guint most = segment->addresses->len;
        g_autoptr(GArray) owned = g_array_sized_new(FALSE, FALSE, sizeof(BwPrefix), most);
        g_autoptr(GArray) sites = g_array_sized_new(FALSE, FALSE, sizeof(guint), most);
        g_autoptr(GArray) surrounding = g_array_new(FALSE, FALSE, sizeof(guint));
        g_autoptr(GByteArray) key = g_byte_array_new();
        g_autofree const char **ways = g_new0(const char *, segment->sites->len);
        Tree tree = { .writer = writer,
                      .segment = segment,
                      .borders = borders,
                      .owned = owned,
                      .sites = sites,
                      .surrounding = surrounding,
                      .ways = ways,
                      .key = key };

        if (borders->len == 0)
                return;
        take_leads(&tree);
        list_owned(&tree);
        if (owned->len > 0)
                write_tree(&tree);
        else
                write_empty_tree(&tree);
        g_clear_pointer(&tree.nodes, g_ptr_array_unref);
        g_clear_pointer(&tree.like, g_array_unref);
}
