/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The chains of borders. Whose an address is, all border ports of a segment ask of
 * one tree over its bits, whatever their number: the most exact entry leads to the
 * chain of its site, which knows by what ports that site is reached. Who is none
 * of these goes to the chain of his own port and is denied there, so that a port
 * counts and reports for itself.
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
        ChainName *names;    /* of each node */
        GArray *surrounding; /* guint: the site of the most exact entry that takes in all of a node,
                                of each node */
        GPtrArray *ways;     /* char *: the chain of each site */
        GArray *like;        /* guint: the site each is told by, or BW_IPT_UNLIKE */
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

static const char *way_to(Tree *tree, guint site);

static void say_lead(const Tree *tree, BwIptChain *chain, const BwPortPlan *port, bool leads) {
        BwIptRule rule = { .physdev_kind = tree->writer->side->exact,
                           .target = leads ? BW_IPT_RETURN : BW_IPT_GOTO };

        memcpy(rule.physdev, port->name, sizeof(rule.physdev));
        if (!leads)
                bw_ipt_port_chain("b", port->name, rule.chain);
        bw_ipt_say(chain, rule);
}

/* What another site has otherwise; the rest is asked there. */
static char *write_difference(Tree *tree, const BwSitePlan *site, guint like, const char *place) {
        const BwSitePlan *other = tree->segment->sites->pdata[like];
        g_autoptr(GPtrArray) here = bw_ipt_list_leads_beyond(site, other);
        g_autoptr(GPtrArray) there = bw_ipt_list_leads_beyond(other, site);
        const char *rest = way_to(tree, like);
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        bw_ipt_node_chain(tree->writer->side->lead_kind, tree->writer->view->bridge.segment, place,
                          name);
        chain = bw_ipt_add_shared_chain(tree->writer, name);
        for (guint i = 0; i < here->len; i++)
                say_lead(tree, chain, here->pdata[i], true);
        for (guint i = 0; i < there->len; i++)
                say_lead(tree, chain, there->pdata[i], false);
        bw_ipt_say_goto(chain, (BwIptRule){}, rest);
        return g_strdup(chain->name);
}

/* What no border leads to may come in and go out by none. */
static char *write_site(Tree *tree, guint at) {
        const BwSitePlan *site = tree->segment->sites->pdata[at];
        guint like = g_array_index(tree->like, guint, at);
        g_autofree char *place = place_of_site(site);
        Dispatch dispatch = { .kind = tree->writer->side->lead_kind,
                              .place = place,
                              .otherwise = tree->culprits };

        if (site->leads->len == 0)
                return g_strdup(tree->culprits);
        if (like != BW_IPT_UNLIKE)
                return write_difference(tree, site, like, place);
        return g_strdup(write_dispatch(tree->writer, &dispatch, site->leads)->name);
}

/* Sites that own nothing of the family need no chain. */
static const char *way_to(Tree *tree, guint site) {
        if (!tree->ways->pdata[site])
                tree->ways->pdata[site] = write_site(tree, site);
        return tree->ways->pdata[site];
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
static void write_node(Tree *tree, guint at) {
        const BwAddressNode *node = tree->nodes->pdata[at];
        guint around = g_array_index(tree->surrounding, guint, at);
        BwIptChain *chain = bw_ipt_add_shared_chain(tree->writer, tree->names[at].text);

        for (guint i = 0; i < node->children->len; i++)
                bw_ipt_say_goto(chain,
                                bw_ipt_address_rule(tree->writer, child_of(tree, node, i)->base),
                                tree->names[g_array_index(node->children, guint, i)].text);
        for (guint i = node->items->len; i-- > 0;)
                bw_ipt_say_goto(chain, bw_ipt_address_rule(tree->writer, *prefix_of(tree, node, i)),
                                way_to(tree, site_of(tree, node, i)));
        if (around != NOBODY)
                bw_ipt_say_goto(chain, (BwIptRule){}, way_to(tree, around));
        else if (tree->closed)
                bw_ipt_say_goto(chain, (BwIptRule){}, tree->nobodys);
}

static void write_tree(Tree *tree) {
        g_autofree ChainName *names = NULL;
        const guint nobody = NOBODY;

        tree->nodes = bw_address_tree_new((const BwPrefix *) (const void *) tree->owned->data,
                                          tree->owned->len);
        tree->names = names = g_new(ChainName, tree->nodes->len);
        for (guint i = 0; i < tree->nodes->len; i++) {
                node_chain(tree, tree->nodes->pdata[i], names[i].text);
                g_array_append_val(tree->surrounding, nobody);
        }
        /* Parents stand before their children. */
        for (guint i = 0; i < tree->nodes->len; i++) {
                surround_children(tree, i);
                write_node(tree, i);
        }
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
static void write_culprits(Tree *tree) {
        Dispatch dispatch = { .kind = tree->writer->side->culprit_kind,
                              .place = "",
                              .leaf_kind = "b" };
        char denial[BW_IPT_CHAIN_SIZE];

        if (tree->writer->shared[true].borders) {
                bw_ipt_shared_denial_chain(tree->writer, true, denial);
                dispatch.otherwise = denial;
        }
        memcpy(tree->culprits, write_dispatch(tree->writer, &dispatch, tree->borders)->name,
               sizeof(tree->culprits));
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

/* What no entry contains passes all borders but the closed ones. */
static void write_nobodys(Tree *tree) {
        Dispatch dispatch = { .kind = tree->writer->side->closed_kind,
                              .place = "",
                              .leaf_kind = "b" };
        g_autoptr(GPtrArray) closed = g_ptr_array_new();
        BwIptChain *chain;

        for (guint i = 0; i < tree->borders->len; i++) {
                BwPortPlan *port = tree->borders->pdata[i];

                if (port->closed_border)
                        g_ptr_array_add(closed, port);
        }
        tree->closed = closed->len > 0;
        if (!tree->closed)
                return;
        chain = write_dispatch(tree->writer, &dispatch, closed);
        pass_unknown(tree, chain);
        memcpy(tree->nobodys, chain->name, sizeof(tree->nobodys));
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
        g_autoptr(GArray) owned = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_autoptr(GArray) sites = g_array_new(FALSE, FALSE, sizeof(guint));
        g_autoptr(GArray) surrounding = g_array_new(FALSE, FALSE, sizeof(guint));
        g_autoptr(GPtrArray) ways = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GArray) like = bw_ipt_list_likeness(segment->sites);
        Tree tree = { .writer = writer,
                      .segment = segment,
                      .borders = borders,
                      .owned = owned,
                      .sites = sites,
                      .surrounding = surrounding,
                      .ways = ways,
                      .like = like };

        if (borders->len == 0)
                return;
        g_ptr_array_set_size(ways, (int) segment->sites->len);
        write_culprits(&tree);
        write_nobodys(&tree);
        list_owned(&tree);
        if (owned->len > 0)
                write_tree(&tree);
        else
                write_empty_tree(&tree);
        g_clear_pointer(&tree.nodes, g_ptr_array_unref);
}
