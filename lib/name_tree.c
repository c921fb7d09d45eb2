/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/name_tree.h>
#include <string.h>

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

static void grow(GPtrArray *nodes, const char *const *names, gsize n, gsize prefix_length) {
        BwNameNode *node = new_node(n ? names[0] : "", prefix_length);

        g_ptr_array_add(nodes, node);
        for (gsize i = 0; i < n;) {
                gsize size =
                        names[i][prefix_length] ? group_size(names + i, n - i, prefix_length) : 1;
                gsize length = common_length(names + i, size);

                add_branch(node, names[i], length, size > 1);
                if (size > 1)
                        grow(nodes, names + i, size, length);
                i += size;
        }
}

GPtrArray *bw_name_tree_new(const char *const *names, gsize n_names) {
        GPtrArray *nodes = g_ptr_array_new_with_free_func(free_node);

        grow(nodes, names, n_names, 0);
        return nodes;
}
