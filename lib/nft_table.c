/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_chains.h>
#include <bw/nft_table.h>
#include <bw/text.h>
#include <string.h>

#define BARRED "barred-"
#define SITE   "goto site-"

/* Sets and maps */

BwNftSet bw_nft_set_new(char *name, const char *type) {
        return (BwNftSet){ name, type, g_ptr_array_new_with_free_func(g_free) };
}

bool bw_nft_set_is_map(const BwNftSet *set) {
        return strstr(set->type, " : ");
}

static bool is_barred(const BwNftSet *set) {
        return g_str_has_prefix(set->name, BARRED);
}

const char *bw_nft_barred_name(guint site, char name[static BW_NFT_BARRED_SIZE]) {
        g_snprintf(name, BW_NFT_BARRED_SIZE, BARRED "%u", site);
        return name;
}

/* The sets of what sites bar are the last. */
static guint first_barred(const BwNftTable *table) {
        guint i = 0;

        while (i < table->sets->len && !is_barred(&g_array_index(table->sets, BwNftSet, i)))
                i++;
        return i;
}

void bw_nft_table_make_room(BwNftTable *table) {
        guint first = first_barred(table), room = table->sites > 0 ? 1 : 0;

        while (room < table->sites)
                room *= 2;
        for (guint site = table->sets->len - first; site < room; site++) {
                char name[BW_NFT_BARRED_SIZE];
                BwNftSet set =
                        bw_nft_set_new(g_strdup(bw_nft_barred_name(site, name)), "type ifname");

                g_array_append_val(table->sets, set);
        }
        g_free(table->base);
        table->base = bw_nft_chains_print(table->log_rate, table->unknown, room);
}

void bw_nft_table_free(BwNftTable *table) {
        if (!table)
                return;
        for (guint i = 0; i < table->sets->len; i++) {
                g_free(g_array_index(table->sets, BwNftSet, i).name);
                g_ptr_array_unref(g_array_index(table->sets, BwNftSet, i).elements);
        }
        g_array_unref(table->sets);
        g_ptr_array_unref(table->unwritten);
        g_hash_table_unref(table->kept);
        g_clear_pointer(&table->weak, g_hash_table_unref);
        g_free(table->base);
        g_free(table);
}

static bool lists_equal(const GPtrArray *a, const GPtrArray *b) {
        if (a == b)
                return true;
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

static void put_elements(BwNftSet *set, GPtrArray *elements) {
        g_ptr_array_unref(set->elements);
        set->elements = elements;
}

void bw_nft_table_share(BwNftTable *table, const BwNftTable *other) {
        for (guint i = 0; i < MIN(table->sets->len, other->sets->len); i++) {
                BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);
                GPtrArray *elements = g_array_index(other->sets, BwNftSet, i).elements;

                if (lists_equal(set->elements, elements))
                        put_elements(set, g_ptr_array_ref(elements));
        }
}

bool bw_nft_table_equal(const BwNftTable *a, const BwNftTable *b) {
        if (a->sets->len != b->sets->len)
                return false;
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

char *bw_nft_element_key(const char *element) {
        const char *end = strstr(element, " : ");

        return end ? g_strndup(element, (gsize) (end - element)) : g_strdup(element);
}

/* nft prints no leading zeros. */
char *bw_nft_number_write(const uint8_t *bytes, gsize n, char text[static BW_NFT_NUMBER_SIZE]) {
        static const char digits[] = "0123456789abcdef";
        char *at = text;
        gsize i = 0;

        g_assert(n <= 16);
        *at++ = '0';
        *at++ = 'x';
        while (i + 1 < n && bytes[i] == 0)
                i++;
        if (bytes[i] >> 4)
                *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 0x0f];
        for (i++; i < n; i++) {
                *at++ = digits[bytes[i] >> 4];
                *at++ = digits[bytes[i] & 0x0f];
        }
        *at = '\0';
        return at;
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
        static const char *const checked[] = { "bound", "unaddressed", "closed", "any-address",
                                               "borders" };
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
                BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);

                if (!g_str_equal(set->name, "passing"))
                        continue;
                put_elements(set, bw_nft_elements_copy(set->elements));
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

/* Sites of a former run. What it knows of ports that are kept it says by sites of its own, with
 * numbers of its own: a site is the one that bars the same borders, or one more. */

typedef struct Moving {
        BwNftTable *table;
        const BwNftListing *found;
        GHashTable *weak; /* of the table that is wanted; or NULL */
        bool whole;       /* a border is kept: only the former run knows what it is barred from */
} Moving;

static void weaken(BwNftTable *table, char *key) {
        g_hash_table_add(table->weak, key);
}

static void weaken_address(BwNftTable *table, const BwPrefix *address) {
        char number[BW_NFT_NUMBER_SIZE];

        weaken(table, bw_prefix_print(address));
        if (address->family != BW_FAMILY_IPV6)
                return;
        bw_nft_number_write(address->bytes, sizeof(address->bytes), number);
        weaken(table, g_strdup(number));
}

/* Of networks what is found stays as it is, whatever else is wanted. */
void bw_nft_table_weaken_inherited(BwNftTable *table, const BwPlan *plan) {
        char text[BW_MAC_TEXT_SIZE];

        g_clear_pointer(&table->weak, g_hash_table_unref);
        table->weak = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (guint i = 0; i < plan->segments->len; i++) {
                const BwSegmentPlan *segment = plan->segments->pdata[i];

                for (guint k = 0; k < segment->addresses->len; k++) {
                        const BwOwnedAddress *owned =
                                &g_array_index(segment->addresses, BwOwnedAddress, k);

                        if (owned->inherited && bw_prefix_is_single(&owned->prefix))
                                weaken_address(table, &owned->prefix);
                }
                for (guint k = 0; k < segment->macs->len; k++) {
                        const BwOwnedMac *owned = &g_array_index(segment->macs, BwOwnedMac, k);

                        if (owned->inherited)
                                weaken(table, g_strdup(bw_mac_print(&owned->mac, text)));
                }
        }
}

static const GPtrArray *barred_by(const BwNftTable *table, guint site) {
        return g_array_index(table->sets, BwNftSet, first_barred(table) + site).elements;
}

static guint find_site(BwNftTable *table, const GPtrArray *barred) {
        BwNftSet *set;
        guint site = 0;

        while (site < table->sites && !lists_equal(barred_by(table, site), barred))
                site++;
        if (site < table->sites)
                return site;
        table->sites++;
        bw_nft_table_make_room(table);
        set = &g_array_index(table->sets, BwNftSet, first_barred(table) + site);
        put_elements(set, bw_nft_elements_copy(barred));
        return site;
}

/* What the site that @element leads to bars, by the listing; NULL: nothing of ours. */
static const GPtrArray *barred_by_found(const Moving *moving, const char *element) {
        g_autofree char *key = bw_nft_element_key(element), *name = NULL;
        const char *verdict = element + strlen(key) + strlen(" : ");

        if (!*(element + strlen(key)) || !g_str_has_prefix(verdict, SITE))
                return NULL;
        name = g_strconcat(BARRED, verdict + strlen(SITE), NULL);
        return g_hash_table_lookup(moving->found->elements, name);
}

/* (transfer full): "192.0.2.7 : goto site-3" with the number the site has in the new table. */
static char *lead_to(const Moving *moving, const char *key, const GPtrArray *barred) {
        return g_strdup_printf("%s : " SITE "%u", key, find_site(moving->table, barred));
}

static guint site_of(const char *element) {
        const char *number = strstr(element, SITE);

        return (guint) g_ascii_strtoull(number + strlen(SITE), NULL, 10);
}

/* (transfer full): @element of the new table, and what is barred by @barred barred as well. */
static char *bar_more(const Moving *moving, const char *key, const char *element,
                      const GPtrArray *barred) {
        g_autoptr(GPtrArray) both =
                bw_nft_elements_copy(barred_by(moving->table, site_of(element)));

        for (guint i = 0; i < barred->len; i++)
                add_missing(both, barred->pdata[i]);
        g_ptr_array_sort(both, bw_text_compare);
        return lead_to(moving, key, both);
}

/* (transfer full): key -> element, lent */
static GHashTable *list_keys(const GPtrArray *elements) {
        GHashTable *keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; i < elements->len; i++)
                g_hash_table_replace(keys, bw_nft_element_key(elements->pdata[i]),
                                     elements->pdata[i]);
        return keys;
}

/* What is wanted goes before what is @found, and what is weak is both. */
static void keep_element(const Moving *moving, GPtrArray *elements, GHashTable *keys,
                         const char *found) {
        g_autofree char *key = bw_nft_element_key(found);
        const char *wanted = g_hash_table_lookup(keys, key);
        const GPtrArray *barred = barred_by_found(moving, found);

        if (!barred)
                return;
        if (!wanted) {
                g_ptr_array_add(elements, lead_to(moving, key, barred));
                return;
        }
        if (!moving->weak || !g_hash_table_contains(moving->weak, key))
                return;
        g_ptr_array_add(elements, bar_more(moving, key, wanted, barred));
        g_ptr_array_remove_fast(elements, (gpointer) wanted);
}

/* Ranges are not mixed. */
static GPtrArray *keep_map(const Moving *moving, guint at) {
        const BwNftSet set = g_array_index(moving->table->sets, BwNftSet, at);
        const GPtrArray *found = g_hash_table_lookup(moving->found->elements, set.name);
        bool as_found = found && (moving->whole || strstr(set.type, "interval"));
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        GPtrArray *elements = bw_nft_elements_copy(as_found ? none : set.elements);
        g_autoptr(GHashTable) keys = list_keys(elements);

        for (guint i = 0; found && i < found->len; i++)
                keep_element(moving, elements, keys, found->pdata[i]);
        g_ptr_array_sort(elements, bw_text_compare);
        return elements;
}

static bool keeps_border(const BwNftTable *wanted, const BwNftListing *found) {
        const GPtrArray *borders = g_hash_table_lookup(found->elements, "borders");

        for (guint i = 0; borders && i < borders->len; i++)
                if (is_kept(wanted, borders->pdata[i]))
                        return true;
        return false;
}

static void keep_maps(BwNftTable *table, const BwNftListing *found, GHashTable *weak,
                      bool border_kept) {
        Moving moving = { table, found, weak, border_kept };

        /* Without any border there is none to bar. */
        if (table->sites == 0 && !border_kept)
                return;
        for (guint i = 0; i < first_barred(table); i++) {
                GPtrArray *elements;

                if (!bw_nft_set_is_map(&g_array_index(table->sets, BwNftSet, i)))
                        continue;
                elements = keep_map(&moving, i);
                put_elements(&g_array_index(table->sets, BwNftSet, i), elements);
        }
}

/* (transfer full): with nothing more to keep. */
static BwNftTable *table_copy(const BwNftTable *table) {
        BwNftTable *copy = g_new(BwNftTable, 1);

        *copy = *table;
        copy->sets = g_array_new(FALSE, FALSE, sizeof(BwNftSet));
        copy->base = g_strdup(table->base);
        copy->unwritten = g_ptr_array_new_with_free_func(g_free);
        copy->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        copy->weak = NULL;
        for (guint i = 0; i < table->sets->len; i++) {
                const BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);
                BwNftSet same = { g_strdup(set->name), set->type, g_ptr_array_ref(set->elements) };

                g_array_append_val(copy->sets, same);
        }
        return copy;
}

BwNftTable *bw_nft_table_keep(const BwNftTable *wanted, const BwNftListing *found) {
        BwNftTable *table = table_copy(wanted);

        if (!found || g_hash_table_size(wanted->kept) == 0)
                return table;
        for (guint i = 0; i < table->sets->len; i++) {
                BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);
                GPtrArray *elements;

                if (is_barred(set) || bw_nft_set_is_map(set))
                        continue;
                elements =
                        keep_elements(wanted, set, g_hash_table_lookup(found->elements, set->name));
                put_elements(set, elements);
        }
        keep_maps(table, found, wanted->weak, keeps_border(wanted, found));
        return table;
}
