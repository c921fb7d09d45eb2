/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/address_tree.h>

#define STEP 2

static void free_node(gpointer pointer) {
        BwAddressNode *node = pointer;

        g_array_unref(node->children);
        g_free(node);
}

static uint32_t mask_of(unsigned length) {
        return length ? ~0u << (32 - length) : 0;
}

/* How many leading bits the first and the last share; sorted, all in between share them too. Whole
 * steps only, so that one more address seldom moves the nodes. */
static unsigned common_length(const uint32_t *addresses, gsize n) {
        uint32_t differing = addresses[0] ^ addresses[n - 1];
        unsigned length = differing ? (unsigned) __builtin_clz(differing) : 32;

        return length / STEP * STEP;
}

static gsize group_size(const uint32_t *addresses, gsize n, unsigned length) {
        gsize size = 1;

        while (size < n && !((addresses[size] ^ addresses[0]) & mask_of(length)))
                size++;
        return size;
}

static guint grow(GPtrArray *nodes, const uint32_t *all, gsize first, gsize n) {
        const uint32_t *addresses = all + first;
        BwAddressNode *node = g_new0(BwAddressNode, 1);
        guint index = nodes->len;

        node->length = (uint8_t) common_length(addresses, n);
        node->base = addresses[0] & mask_of(node->length);
        node->children = g_array_new(FALSE, FALSE, sizeof(guint));
        g_ptr_array_add(nodes, node);
        if (n <= BW_ADDRESS_BUCKET || node->length == 32) {
                node->first = first;
                node->n = n;
                return index;
        }
        for (gsize i = 0; i < n;) {
                gsize size = group_size(addresses + i, n - i, node->length + STEP);
                guint child = grow(nodes, all, first + i, size);

                g_array_append_val(node->children, child);
                i += size;
        }
        return index;
}

GPtrArray *bw_address_tree_new(const uint32_t *addresses, gsize n) {
        GPtrArray *nodes = g_ptr_array_new_with_free_func(free_node);

        if (n > 0)
                grow(nodes, addresses, 0, n);
        return nodes;
}
