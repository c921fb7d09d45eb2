/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/link_addresses.h>

/* An address, and whether the running snapshot has named it. */
typedef struct Row {
        BwHostAddress address;
        bool seen;
} Row;

struct BwLinkAddresses {
        GHashTable *links; /* ifindex -> GArray of Row, sorted, never empty */
};

BwLinkAddresses *bw_link_addresses_new(void) {
        BwLinkAddresses *addresses = g_new0(BwLinkAddresses, 1);

        addresses->links = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
        return addresses;
}

void bw_link_addresses_free(BwLinkAddresses *addresses) {
        if (!addresses)
                return;
        g_hash_table_unref(addresses->links);
        g_free(addresses);
}

static int compare(const BwHostAddress *a, const BwHostAddress *b) {
        int order = bw_prefix_compare(&a->address, &b->address);

        return order ? order : (int) a->prefix_length - (int) b->prefix_length;
}

/* Whether it is there; if not, @ret_at is where it belongs. */
static bool find(const GArray *rows, const BwHostAddress *address, guint *ret_at) {
        guint low = 0, high = rows->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;
                int order = compare(&g_array_index(rows, Row, middle).address, address);

                if (order == 0) {
                        *ret_at = middle;
                        return true;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_at = low;
        return false;
}

static GArray *rows_of(const BwLinkAddresses *addresses, int ifindex) {
        return g_hash_table_lookup(addresses->links, GINT_TO_POINTER(ifindex));
}

bool bw_link_addresses_add(BwLinkAddresses *addresses, const BwHostAddress *address) {
        GArray *rows = rows_of(addresses, address->ifindex);
        Row row = { *address, true };
        guint at;

        if (!rows) {
                rows = g_array_new(FALSE, FALSE, sizeof(Row));
                g_hash_table_insert(addresses->links, GINT_TO_POINTER(address->ifindex), rows);
        }
        if (find(rows, address, &at)) {
                g_array_index(rows, Row, at).seen = true;
                return false;
        }
        if (rows->len >= BW_MAX_LINK_ADDRESSES)
                return false;
        g_array_insert_val(rows, at, row);
        return true;
}

void bw_link_addresses_forget(BwLinkAddresses *addresses, int ifindex) {
        g_hash_table_remove(addresses->links, GINT_TO_POINTER(ifindex));
}

bool bw_link_addresses_remove(BwLinkAddresses *addresses, const BwHostAddress *address) {
        GArray *rows = rows_of(addresses, address->ifindex);
        guint at;

        if (!rows || !find(rows, address, &at))
                return false;
        g_array_remove_index(rows, at);
        if (rows->len == 0)
                bw_link_addresses_forget(addresses, address->ifindex);
        return true;
}

void bw_link_addresses_begin(BwLinkAddresses *addresses) {
        GHashTableIter iter;
        GArray *rows;

        g_hash_table_iter_init(&iter, addresses->links);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &rows))
                for (guint i = 0; i < rows->len; i++)
                        g_array_index(rows, Row, i).seen = false;
}

static bool drop_unseen(GArray *rows) {
        guint kept = 0;

        for (guint i = 0; i < rows->len; i++)
                if (g_array_index(rows, Row, i).seen)
                        g_array_index(rows, Row, kept++) = g_array_index(rows, Row, i);
        if (kept == rows->len)
                return false;
        g_array_set_size(rows, kept);
        return true;
}

GArray *bw_link_addresses_end(BwLinkAddresses *addresses) {
        GArray *poorer = g_array_new(FALSE, FALSE, sizeof(int));
        GHashTableIter iter;
        gpointer key;
        GArray *rows;

        g_hash_table_iter_init(&iter, addresses->links);
        while (g_hash_table_iter_next(&iter, &key, (gpointer *) &rows)) {
                int ifindex = GPOINTER_TO_INT(key);

                if (!drop_unseen(rows))
                        continue;
                g_array_append_val(poorer, ifindex);
                if (rows->len == 0)
                        g_hash_table_iter_remove(&iter);
        }
        return poorer;
}

GArray *bw_link_addresses_list(const BwLinkAddresses *addresses, int ifindex) {
        GArray *list = g_array_new(FALSE, FALSE, sizeof(BwHostAddress));
        const GArray *rows = rows_of(addresses, ifindex);

        for (guint i = 0; rows && i < rows->len; i++)
                g_array_append_val(list, g_array_index(rows, Row, i).address);
        return list;
}
