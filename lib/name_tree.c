/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/name_tree.h>
#include <string.h>

/* Names that have the same beginning, and at times a node for them. */
typedef struct Group {
        const char *const *names; /* sorted */
        gsize n;
        bool has_node;
} Group;

static void free_node(gpointer pointer) {
        BwNameNode *node = pointer;

        g_array_unref(node->branches);
        g_free(node);
}

static BwNameNode *add_node(GPtrArray *nodes, const char *prefix, gsize length) {
        BwNameNode *node = g_new0(BwNameNode, 1);

        memcpy(node->prefix, prefix, length);
        node->branches = g_array_new(FALSE, TRUE, sizeof(BwNameBranch));
        g_ptr_array_add(nodes, node);
        return node;
}

static void list_names(BwNameNode *node, const Group *group) {
        for (gsize i = 0; i < group->n; i++) {
                BwNameBranch branch = {};

                memcpy(branch.name, group->names[i], strlen(group->names[i]));
                g_array_append_val(node->branches, branch);
        }
}

/* What the first and the last share, all share. */
static gsize common_length(const Group *group) {
        const char *first = group->names[0], *last = group->names[group->n - 1];
        gsize length = 0;

        while (first[length] && first[length] == last[length])
                length++;
        return length;
}

static void lead_to(BwNameNode *node, const Group *group, guint target) {
        BwNameBranch branch = { .is_node = true, .node = target };

        memcpy(branch.name, group->names[0], common_length(group));
        g_array_append_val(node->branches, branch);
}

/* The first names of @rest that share the byte after the prefix; a name that ends there is alone.
 */
static Group next_part(const Group *rest, gsize prefix_length) {
        Group part = { .names = rest->names, .n = 1 };
        char next = rest->names[0][prefix_length];

        while (next && part.n < rest->n && rest->names[part.n][prefix_length] == next)
                part.n++;
        return part;
}

/* (element-type Group): what parts from each other where @group's common beginning ends. */
static GArray *list_parts(const Group *group) {
        GArray *parts = g_array_new(FALSE, FALSE, sizeof(Group));
        gsize prefix_length = common_length(group);
        Group rest = *group;

        while (rest.n > 0) {
                Group part = next_part(&rest, prefix_length);

                g_array_append_val(parts, part);
                rest.names += part.n;
                rest.n -= part.n;
        }
        return parts;
}

static guint find_largest(const GArray *groups) {
        guint largest = 0;

        for (guint i = 1; i < groups->len; i++)
                if (g_array_index(groups, Group, i).n > g_array_index(groups, Group, largest).n)
                        largest = i;
        return largest;
}

/* What is too large to be listed anywhere is better parted here than in a node of its own, while
 * there is room for its parts. */
static GArray *list_groups(const Group *all) {
        GArray *groups = list_parts(all);

        for (;;) {
                guint at = find_largest(groups);
                Group largest = g_array_index(groups, Group, at);
                g_autoptr(GArray) parts = NULL;

                if (largest.n <= BW_NAME_NODE_MOST)
                        return groups;
                parts = list_parts(&largest);
                if (groups->len - 1 + parts->len > BW_NAME_NODE_MOST)
                        return groups;
                g_array_remove_index(groups, at);
                g_array_insert_vals(groups, at, parts->data, parts->len);
        }
}

/* The largest that still stands among the names; NULL: only single names do. */
static Group *next_to_leave(GArray *groups) {
        Group *largest = NULL;

        for (guint i = 0; i < groups->len; i++) {
                Group *group = &g_array_index(groups, Group, i);

                if (!group->has_node && group->n > (largest ? largest->n : 1))
                        largest = group;
        }
        return largest;
}

/* The largest first: these make the most room for one comparison. */
static void choose_nodes(GArray *groups, gsize n_branches) {
        while (n_branches > BW_NAME_NODE_MOST) {
                Group *group = next_to_leave(groups);

                if (!group)
                        return;
                group->has_node = true;
                n_branches -= group->n - 1;
        }
}

static void grow(GPtrArray *nodes, const char *prefix, gsize length, const Group *all);

/* A group too large to be listed. */
static void add_branch(GPtrArray *nodes, BwNameNode *node, const Group *group) {
        lead_to(node, group, nodes->len);
        grow(nodes, group->names[0], common_length(group), group);
}

/* Small groups share a node while those who have come past all branches so far meet no more there
 * than is allowed in one. */
static void add_branches(GPtrArray *nodes, BwNameNode *node, const GArray *groups) {
        BwNameNode *shared = NULL;
        guint target = 0;

        for (guint i = 0; i < groups->len; i++) {
                const Group *group = &g_array_index(groups, Group, i);

                if (!group->has_node)
                        continue;
                if (group->n > BW_NAME_NODE_MOST) {
                        add_branch(nodes, node, group);
                        continue;
                }
                if (!shared || node->branches->len + 1 + shared->branches->len + group->n >
                                       BW_NAME_NODE_MOST) {
                        target = nodes->len;
                        shared = add_node(nodes, group->names[0], common_length(group));
                }
                lead_to(node, group, target);
                list_names(shared, group);
        }
}

static void grow(GPtrArray *nodes, const char *prefix, gsize length, const Group *all) {
        BwNameNode *node = add_node(nodes, prefix, length);
        g_autoptr(GArray) groups = NULL;

        if (all->n <= BW_NAME_NODE_MOST) {
                list_names(node, all);
                return;
        }
        groups = list_groups(all);
        choose_nodes(groups, all->n);
        add_branches(nodes, node, groups);
        for (guint i = 0; i < groups->len; i++)
                if (!g_array_index(groups, Group, i).has_node)
                        list_names(node, &g_array_index(groups, Group, i));
}

GPtrArray *bw_name_tree_new(const char *const *names, gsize n_names) {
        GPtrArray *nodes = g_ptr_array_new_with_free_func(free_node);

        grow(nodes, "", 0, &(Group){ .names = names, .n = n_names });
        return nodes;
}
