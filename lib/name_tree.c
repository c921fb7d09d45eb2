/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/name_tree.h>
#include <string.h>

/* Groups of so few names get no node of their own where all of them have room beside the other
 * branches. */
#define MOST_FEW      4
#define MOST_BRANCHES 16

static void free_node(gpointer pointer) {
        BwNameNode *node = pointer;

        g_array_unref(node->branches);
        g_free(node);
}

static BwNameNode *new_node(const char *prefix, gsize length) {
        BwNameNode *node = g_new0(BwNameNode, 1);

        memcpy(node->prefix, prefix, length);
        node->branches = g_array_new(FALSE, TRUE, sizeof(BwNameBranch));
        return node;
}

static void add_branch(BwNameNode *node, const char *name, gsize length, bool is_node) {
        BwNameBranch branch = { .is_node = is_node };

        memcpy(branch.name, name, length);
        g_array_append_val(node->branches, branch);
}

/* Sorted names: what the first and the last share, all share. */
static gsize common_length(const char *const *names, gsize n) {
        const char *first = names[0], *last = names[n - 1];
        gsize length = 0;

        while (first[length] && first[length] == last[length])
                length++;
        return length;
}

/* The first names that share the byte after the prefix. */
static gsize group_size(const char *const *names, gsize n, gsize prefix_length) {
        gsize size = 1;

        while (size < n && names[size][prefix_length] == names[0][prefix_length])
                size++;
        return size;
}

/* The first names that part from the others here: those that end with the prefix stand alone. */
static gsize next_group(const char *const *names, gsize n, gsize prefix_length) {
        return names[0][prefix_length] ? group_size(names, n, prefix_length) : 1;
}

/* Branches of a node that lists groups of up to @few names one by one. */
static gsize count_branches(const char *const *names, gsize n, gsize prefix_length, gsize few) {
        gsize branches = 0;

        for (gsize i = 0; i < n;) {
                gsize size = next_group(names + i, n - i, prefix_length);

                branches += size <= few ? size : 1;
                i += size;
        }
        return branches;
}

/* A node of its own is four rules more, and one more step on the way. */
static gsize find_few(const char *const *names, gsize n, gsize prefix_length) {
        gsize few = MOST_FEW;

        while (few > 1 && count_branches(names, n, prefix_length, few) > MOST_BRANCHES)
                few--;
        return few;
}

static void grow(GPtrArray *nodes, const char *const *names, gsize n, gsize prefix_length) {
        BwNameNode *node = new_node(n ? names[0] : "", prefix_length);
        gsize few = find_few(names, n, prefix_length);

        g_ptr_array_add(nodes, node);
        for (gsize i = 0; i < n;) {
                gsize size = next_group(names + i, n - i, prefix_length);
                gsize length = common_length(names + i, size);

                for (gsize k = 0; size <= few && k < size; k++)
                        add_branch(node, names[i + k], strlen(names[i + k]), false);
                if (size > few) {
                        add_branch(node, names[i], length, true);
                        grow(nodes, names + i, size, length);
                }
                i += size;
        }
}

GPtrArray *bw_name_tree_new(const char *const *names, gsize n_names) {
        GPtrArray *nodes = g_ptr_array_new_with_free_func(free_node);

        grow(nodes, names, n_names, 0);
        return nodes;
}
