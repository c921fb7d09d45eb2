/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_table.h>
#include <bw/text.h>
#include <string.h>

void bw_nft_table_free(BwNftTable *table) {
        if (!table)
                return;
        for (guint i = 0; i < table->sets->len; i++)
                g_ptr_array_unref(g_array_index(table->sets, BwNftSet, i).elements);
        g_array_unref(table->sets);
        g_ptr_array_unref(table->unwritten);
        g_hash_table_unref(table->kept);
        g_free(table->base);
        g_free(table);
}

static bool lists_equal(const GPtrArray *a, const GPtrArray *b) {
        if (a->len != b->len)
                return false;
        for (guint i = 0; i < a->len; i++)
                if (!g_str_equal(a->pdata[i], b->pdata[i]))
                        return false;
        return true;
}

static bool names_equal(GHashTable *a, GHashTable *b) {
        GHashTableIter iter;
        gpointer name;

        g_hash_table_iter_init(&iter, a);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                if (!g_hash_table_contains(b, name))
                        return false;
        return g_hash_table_size(a) == g_hash_table_size(b);
}

bool bw_nft_table_equal(const BwNftTable *a, const BwNftTable *b) {
        for (guint i = 0; i < a->sets->len; i++)
                if (!lists_equal(g_array_index(a->sets, BwNftSet, i).elements,
                                 g_array_index(b->sets, BwNftSet, i).elements))
                        return false;
        return g_str_equal(a->base, b->base) && names_equal(a->kept, b->kept);
}

/* Elements */

char *bw_nft_element_name(const char *element) {
        const char *end = *element == '"' ? strchr(element + 1, '"') : NULL;

        return end ? g_strndup(element + 1, (gsize) (end - element) - 1) : NULL;
}

GPtrArray *bw_nft_elements_copy(const GPtrArray *elements) {
        GPtrArray *copy = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < elements->len; i++)
                g_ptr_array_add(copy, g_strdup(elements->pdata[i]));
        return copy;
}

/* What a former run left */

static bool is_one_of(const char *name, const char *const *names) {
        return g_strv_contains(names, name);
}

GHashTable *bw_nft_list_guarded(const BwNftListing *found) {
        static const char *const checked[] = { "bound", "unaddressed", "closed", "any-address" };
        GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (gsize i = 0; i < G_N_ELEMENTS(checked); i++) {
                const GPtrArray *elements = g_hash_table_lookup(found->elements, checked[i]);

                for (guint k = 0; elements && k < elements->len; k++) {
                        char *name = bw_nft_element_name(elements->pdata[k]);

                        if (name)
                                g_hash_table_add(names, name);
                }
        }
        return names;
}

static void add_missing(GPtrArray *elements, const char *element) {
        if (!g_ptr_array_find_with_equal_func(elements, element, g_str_equal, NULL))
                g_ptr_array_add(elements, g_strdup(element));
}

void bw_nft_table_let_pass(BwNftTable *table, const char *port) {
        g_autofree char *element = g_strdup_printf("\"%s\"", port);

        if (!g_hash_table_remove(table->kept, port))
                return;
        for (guint i = 0; i < table->sets->len; i++) {
                const BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);

                if (!g_str_equal(set->name, "passing"))
                        continue;
                add_missing(set->elements, element);
                g_ptr_array_sort(set->elements, bw_text_compare);
        }
}

/* What is somebody's: of ports that are kept only the former run knows it. */
static bool is_of_others(const char *set) {
        static const char *const names[] = {
                "owned",    "owned-nets",   "owned-targets", "owned-target-nets",
                "foreign4", "foreign-net4", "foreign6",      "foreign-net6",
                NULL
        };

        return is_one_of(set, names);
}

static bool is_kept(const BwNftTable *table, const char *element) {
        g_autofree char *name = bw_nft_element_name(element);

        return name && g_hash_table_contains(table->kept, name);
}

static GPtrArray *keep_elements(const BwNftTable *wanted, const BwNftSet *set,
                                const GPtrArray *found) {
        bool whole = is_of_others(set->name) && found;
        /* Networks of one set must not overlap, so the two are not mixed. */
        bool as_found = whole && strstr(set->type, "interval");
        GPtrArray *elements = bw_nft_elements_copy(as_found ? found : set->elements);

        for (guint i = 0; found && !as_found && i < found->len; i++)
                if (whole || is_kept(wanted, found->pdata[i]))
                        add_missing(elements, found->pdata[i]);
        g_ptr_array_sort(elements, bw_text_compare);
        return elements;
}

BwNftTable *bw_nft_table_keep(const BwNftTable *wanted, const BwNftListing *found) {
        bool any = found && g_hash_table_size(wanted->kept) > 0;
        BwNftTable *table = g_new0(BwNftTable, 1);

        table->sets = g_array_copy(wanted->sets);
        table->base = g_strdup(wanted->base);
        table->unwritten = g_ptr_array_new_with_free_func(g_free);
        table->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (guint i = 0; i < table->sets->len; i++) {
                BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);

                set->elements = keep_elements(
                        wanted, set, any ? g_hash_table_lookup(found->elements, set->name) : NULL);
        }
        return table;
}
