/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/address_tree.h>

#define STEP 2
/* So few fit into two buckets, and four would stand half empty. */
#define FEW (2 * BW_ADDRESS_BUCKET)

static void free_node(gpointer pointer) {
        BwAddressNode *node = pointer;

        g_array_unref(node->items);
        g_array_unref(node->children);
        g_free(node);
}

static unsigned full_length(BwFamily family) {
        return family == BW_FAMILY_IPV4 ? 32 : 128;
}

static unsigned common_bits(const BwPrefix *a, const BwPrefix *b) {
        unsigned most = MIN(a->length, b->length);

        for (unsigned i = 0; i * 8 < most; i++) {
                unsigned differing = a->bytes[i] ^ b->bytes[i];

                if (differing)
                        return MIN(most, i * 8 + (unsigned) __builtin_clz(differing) - 24);
        }
        return most;
}

/* How many leading bits the first and the last share; sorted, all in between share them, too, and
 * none of these is wider: it would stand before the first. Whole steps only, so that one more
 * address seldom moves the nodes. */
static unsigned common_length(const BwPrefix *prefixes, gsize n) {
        return common_bits(&prefixes[0], &prefixes[n - 1]) / STEP * STEP;
}

/* Those in the same child, which has @length bits or more, as has the first. What is wider stands
 * before all of them, so they are the first ones of the row. */
static gsize group_size(const BwPrefix *prefixes, gsize n, unsigned length) {
        gsize low = 1, high = n;

        while (low < high) {
                gsize middle = low + (high - low) / 2;

                if (common_bits(&prefixes[middle], &prefixes[0]) >= length)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static BwAddressNode *add_node(GPtrArray *nodes, const BwPrefix *first, unsigned length) {
        BwAddressNode *node = g_new0(BwAddressNode, 1);

        node->base = bw_prefix_network(first, (uint8_t) length);
        node->items = g_array_new(FALSE, FALSE, sizeof(gsize));
        node->children = g_array_new(FALSE, FALSE, sizeof(guint));
        g_ptr_array_add(nodes, node);
        return node;
}

static void fill_bucket(BwAddressNode *node, gsize first, gsize n) {
        g_array_set_size(node->items, (guint) n);
        for (gsize i = 0; i < n; i++)
                g_array_index(node->items, gsize, i) = first + i;
}

/* @least: bits that all of them share. */
static guint grow(GPtrArray *nodes, const BwPrefix *all, gsize first, gsize n, unsigned least) {
        const BwPrefix *prefixes = all + first;
        unsigned length = MAX(common_length(prefixes, n), least);
        unsigned below = length + (n <= FEW ? 1 : STEP);
        BwAddressNode *node = add_node(nodes, prefixes, length);
        guint index = nodes->len - 1;

        if (n <= BW_ADDRESS_BUCKET || length == full_length(prefixes->family)) {
                fill_bucket(node, first, n);
                return index;
        }
        for (gsize i = 0; i < n;) {
                gsize at = first + i, size;
                guint child;

                if (prefixes[i].length < below) {
                        g_array_append_val(node->items, at);
                        i++;
                        continue;
                }
                size = group_size(prefixes + i, n - i, below);
                child = grow(nodes, all, at, size, below);
                g_array_append_val(node->children, child);
                i += size;
        }
        return index;
}

GPtrArray *bw_address_tree_new(const BwPrefix *prefixes, gsize n) {
        GPtrArray *nodes = g_ptr_array_new_with_free_func(free_node);

        if (n > 0)
                grow(nodes, prefixes, 0, n, 0);
        return nodes;
}
