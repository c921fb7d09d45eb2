/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/neighbour_table.h>

int bw_neighbour_compare(gconstpointer a, gconstpointer b) {
        const BwNeighbour *left = a, *right = b;

        if (left->ifindex != right->ifindex)
                return left->ifindex < right->ifindex ? -1 : 1;
        return bw_prefix_compare(&left->address, &right->address);
}

/* An entry, and whether the running snapshot has named it. Its own key, by link and address. */
typedef struct Row {
        BwNeighbour neighbour;
        bool seen;
} Row;

struct BwNeighbourTable {
        GHashTable *rows; /* Row * -> itself */
};

static guint hash_row(gconstpointer pointer) {
        const BwNeighbour *neighbour = &((const Row *) pointer)->neighbour;
        guint hash = (guint) neighbour->ifindex * 2654435761u;

        for (unsigned i = 0; i < sizeof(neighbour->address.bytes); i++)
                hash = hash * 31 + neighbour->address.bytes[i];
        return hash;
}

static gboolean equal_rows(gconstpointer a, gconstpointer b) {
        const BwNeighbour *left = &((const Row *) a)->neighbour;
        const BwNeighbour *right = &((const Row *) b)->neighbour;

        return left->ifindex == right->ifindex && bw_prefix_equal(&left->address, &right->address);
}

BwNeighbourTable *bw_neighbour_table_new(void) {
        BwNeighbourTable *table = g_new0(BwNeighbourTable, 1);

        table->rows = g_hash_table_new_full(hash_row, equal_rows, g_free, NULL);
        return table;
}

void bw_neighbour_table_free(BwNeighbourTable *table) {
        if (!table)
                return;
        g_hash_table_unref(table->rows);
        g_free(table);
}

static Row *find_row(const BwNeighbourTable *table, int ifindex, const BwPrefix *address) {
        const Row key = { .neighbour = { .ifindex = ifindex, .address = *address } };

        return g_hash_table_lookup(table->rows, &key);
}

bool bw_neighbour_table_set(BwNeighbourTable *table, const BwNeighbour *neighbour) {
        Row *row = find_row(table, neighbour->ifindex, &neighbour->address);
        bool is_news = !row || !bw_mac_equal(&row->neighbour.mac, &neighbour->mac) ||
                       row->neighbour.permanent != neighbour->permanent;

        if (!row && g_hash_table_size(table->rows) >= BW_MAX_NEIGHBOURS && !neighbour->permanent)
                return false;
        if (!row) {
                row = g_new0(Row, 1);
                row->neighbour = *neighbour;
                g_hash_table_add(table->rows, row);
        }
        row->neighbour = *neighbour;
        row->seen = true;
        return is_news;
}

bool bw_neighbour_table_remove(BwNeighbourTable *table, const BwNeighbour *neighbour) {
        const Row key = { .neighbour = *neighbour };

        return g_hash_table_remove(table->rows, &key);
}

void bw_neighbour_table_forget(BwNeighbourTable *table, int ifindex) {
        GHashTableIter iter;
        Row *row;

        g_hash_table_iter_init(&iter, table->rows);
        while (g_hash_table_iter_next(&iter, (gpointer *) &row, NULL))
                if (row->neighbour.ifindex == ifindex)
                        g_hash_table_iter_remove(&iter);
}

void bw_neighbour_table_begin(BwNeighbourTable *table) {
        GHashTableIter iter;
        Row *row;

        g_hash_table_iter_init(&iter, table->rows);
        while (g_hash_table_iter_next(&iter, (gpointer *) &row, NULL))
                row->seen = false;
}

bool bw_neighbour_table_end(BwNeighbourTable *table) {
        bool is_news = false;
        GHashTableIter iter;
        Row *row;

        g_hash_table_iter_init(&iter, table->rows);
        while (g_hash_table_iter_next(&iter, (gpointer *) &row, NULL)) {
                if (row->seen)
                        continue;
                g_hash_table_iter_remove(&iter);
                is_news = true;
        }
        return is_news;
}

const BwNeighbour *bw_neighbour_table_find(const BwNeighbourTable *table, int ifindex,
                                           const BwPrefix *address) {
        const Row *row = find_row(table, ifindex, address);

        return row ? &row->neighbour : NULL;
}

static int compare(gconstpointer a, gconstpointer b) {
        const BwNeighbour *const *left = a, *const *right = b;

        return bw_neighbour_compare(*left, *right);
}

GPtrArray *bw_neighbour_table_list(const BwNeighbourTable *table) {
        GPtrArray *list = g_ptr_array_sized_new(g_hash_table_size(table->rows));
        GHashTableIter iter;
        Row *row;

        g_hash_table_iter_init(&iter, table->rows);
        while (g_hash_table_iter_next(&iter, (gpointer *) &row, NULL))
                g_ptr_array_add(list, &row->neighbour);
        g_ptr_array_sort(list, compare);
        return list;
}
