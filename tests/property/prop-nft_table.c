/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a former run left in the nftables table
 *
 * Ports that are kept keep exactly the elements they are found with, all others
 * have exactly those of the plan, what is somebody else's does not shrink
 * meanwhile, what borders know of it bars the same borders as before, and what was
 * written so is found to be as wanted.
 */

#include "random.h"
#include "settings.h"

#include <bw/nft_table.h>
#include <string.h>

#define ROUNDS 600

static BwPlan *random_plan(const BwTestWorld *world, BwModel **ret_model) {
        g_autoptr(BwTestSettings) settings = bw_test_random_settings(world);
        g_autoptr(BwConfig) config = bw_test_config(settings);

        *ret_model = bw_test_model(world);
        return bw_plan_new(*ret_model, config);
}

/* A former run's iptables chains may say anything; often what the table knows. */
static bool once_in_two(const char *port G_GNUC_UNUSED, BwInheritedPort *ret,
                        gconstpointer user G_GNUC_UNUSED) {
        g_autofree char *ipv4 = g_strdup_printf("10.0.0.%u", bw_test_below(8));
        g_autofree char *ipv6 = g_strdup_printf("2001:db8::%x", 1 + bw_test_below(64));

        if (bw_test_once_in(2))
                return false;
        g_array_append_val(ret->addresses, ((BwPrefix[]){ bw_test_prefix(ipv4) })[0]);
        g_array_append_val(ret->addresses, ((BwPrefix[]){ bw_test_prefix(ipv6) })[0]);
        g_array_append_val(ret->macs, ((BwMac[]){ bw_test_random_mac() })[0]);
        return true;
}

static BwNftTable *compile(const BwTestWorld *world, bool after_restart) {
        BwModel *model;
        g_autoptr(BwPlan) plan = random_plan(world, &model);
        g_autoptr(GPtrArray) elsewhere = NULL;
        BwNftTable *table;

        if (after_restart)
                bw_plan_keep_inherited(plan, model, once_in_two, NULL);
        elsewhere = bw_nft_list_elsewhere(model, plan);
        table = bw_nft_compile(plan, elsewhere);
        bw_nft_table_weaken_inherited(table, plan);
        bw_model_free(model);
        return table;
}

/* As nft would list @table. */
static BwNftListing *list(const BwNftTable *table) {
        BwNftListing *listing = g_new0(BwNftListing, 1);

        listing->base = g_strdup(table->base);
        listing->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        listing->elements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                  (GDestroyNotify) g_ptr_array_unref);
        for (guint i = 0; i < table->sets->len; i++) {
                const BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);
                GPtrArray *elements = bw_nft_elements_copy(set->elements);

                g_hash_table_insert(listing->elements, g_strdup(set->name), elements);
        }
        return listing;
}

/* Whether @element begins with one of the names that are kept, looked for the long way round. */
static bool is_kept(const BwNftTable *table, const char *element) {
        GHashTableIter iter;
        const char *name;

        g_hash_table_iter_init(&iter, table->kept);
        while (g_hash_table_iter_next(&iter, (gpointer *) &name, NULL)) {
                g_autofree char *begin = g_strdup_printf("\"%s\"", name);

                if (g_str_has_prefix(element, begin))
                        return true;
        }
        return false;
}

static bool has(const GPtrArray *elements, const char *element) {
        return g_ptr_array_find_with_equal_func((GPtrArray *) elements, element, g_str_equal, NULL);
}

static bool is_of_others(const char *set) {
        return g_str_has_prefix(set, "owned") || g_str_has_prefix(set, "foreign");
}

static void check_set(const BwNftTable *wanted, const BwNftSet *set, const BwNftSet *kept,
                      const GPtrArray *found) {
        for (guint i = 0; i < found->len; i++)
                if (is_of_others(set->name) || is_kept(wanted, found->pdata[i]))
                        g_assert_true(has(kept->elements, found->pdata[i]));
        if (is_of_others(set->name))
                return;
        for (guint i = 0; i < set->elements->len; i++)
                g_assert_true(has(kept->elements, set->elements->pdata[i]));
        for (guint i = 0; i < kept->elements->len; i++) {
                const char *element = kept->elements->pdata[i];

                g_assert_true(has(is_kept(wanted, element) ? found : set->elements, element));
                g_assert_true(i == 0 || strcmp(kept->elements->pdata[i - 1], element) < 0);
        }
}

/* Sites have other numbers in another table: what counts is whom they bar. */

static bool is_barred(const BwNftSet *set) {
        return g_str_has_prefix(set->name, "barred-");
}

/* (transfer full): the borders that bar the element's key, in one text. */
static char *barred_by(const BwNftListing *listing, const char *element) {
        static const char verdict[] = " : goto site-";
        const char *site = strstr(element, verdict);
        g_autofree char *name = NULL;
        const GPtrArray *barred;
        GString *text = g_string_new(NULL);

        g_assert_nonnull(site);
        name = g_strconcat("barred-", site + strlen(verdict), NULL);
        barred = g_hash_table_lookup(listing->elements, name);
        g_assert_nonnull(barred);
        for (guint i = 0; i < barred->len; i++)
                g_string_append(text, barred->pdata[i]);
        return g_string_free(text, FALSE);
}

/* Key -> whom it bars. */
static GHashTable *read_map(const BwNftListing *listing, const char *name) {
        GHashTable *map = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        const GPtrArray *elements = g_hash_table_lookup(listing->elements, name);

        for (guint i = 0; i < elements->len; i++) {
                char *key = bw_nft_element_key(elements->pdata[i]);

                g_assert_false(g_hash_table_contains(map, key));
                g_hash_table_insert(map, key, barred_by(listing, elements->pdata[i]));
        }
        return map;
}

static bool keeps_border(const BwNftTable *wanted, const BwNftListing *found) {
        const GPtrArray *borders = g_hash_table_lookup(found->elements, "borders");

        for (guint i = 0; i < borders->len; i++)
                if (is_kept(wanted, borders->pdata[i]))
                        return true;
        return false;
}

static guint keys_moved, keys_barred_more;

/* @text: as of barred_by(). */
static void check_bars(const char *barred, const char *text) {
        g_auto(GStrv) names = g_strsplit(text, "\"", -1);

        for (guint i = 1; names[0] && names[i]; i += 2) {
                g_autofree char *name = g_strdup_printf("\"%s\"", names[i]);

                g_assert_nonnull(strstr(barred, name));
        }
}

/* What is inherited is barred by whatever either knows of, and by no other. */
static void check_weak(const char *barred, const char *planned, const char *before) {
        g_autofree char *either = g_strconcat(planned, before, NULL);

        check_bars(barred, planned);
        check_bars(barred, before);
        check_bars(either, barred);
        keys_barred_more += !g_str_equal(barred, planned);
}

static void check_map(const BwNftTable *wanted, const BwNftSet *set, const BwNftListing *kept,
                      const BwNftListing *found) {
        bool border_kept = keeps_border(wanted, found);
        bool as_found = border_kept || (wanted->sites > 0 && strstr(set->type, "interval"));
        g_autoptr(BwNftListing) plan = list(wanted);
        g_autoptr(GHashTable) before = read_map(found, set->name);
        g_autoptr(GHashTable) planned = read_map(plan, set->name);
        g_autoptr(GHashTable) now = read_map(kept, set->name);
        GHashTableIter iter;
        gpointer key, barred;

        if (wanted->sites == 0 && !border_kept) {
                g_assert_cmpuint(g_hash_table_size(now), ==, 0);
                return;
        }
        g_hash_table_iter_init(&iter, now);
        while (g_hash_table_iter_next(&iter, &key, &barred)) {
                bool of_plan = !as_found && g_hash_table_contains(planned, key);

                if (of_plan && g_hash_table_contains(wanted->weak, key) &&
                    g_hash_table_contains(before, key)) {
                        check_weak(barred, g_hash_table_lookup(planned, key),
                                   g_hash_table_lookup(before, key));
                        continue;
                }
                keys_moved += !of_plan;
                g_assert_cmpstr(barred, ==, g_hash_table_lookup(of_plan ? planned : before, key));
        }
        g_hash_table_iter_init(&iter, before);
        while (g_hash_table_iter_next(&iter, &key, NULL))
                g_assert_true(g_hash_table_contains(now, key));
        g_hash_table_iter_init(&iter, planned);
        while (!as_found && g_hash_table_iter_next(&iter, &key, NULL))
                g_assert_true(g_hash_table_contains(now, key));
}

static void check_round(const BwNftTable *wanted, const BwNftListing *found) {
        g_autoptr(BwNftTable) kept = bw_nft_table_keep(wanted, found), again = NULL;
        g_autoptr(BwNftListing) listing = list(kept);

        if (kept->sites == wanted->sites)
                g_assert_cmpstr(kept->base, ==, wanted->base);
        for (guint i = 0; i < wanted->sets->len; i++) {
                const BwNftSet *set = &g_array_index(wanted->sets, BwNftSet, i);

                if (bw_nft_set_is_map(set))
                        check_map(wanted, set, listing, found);
                else if (!is_barred(set))
                        check_set(wanted, set, &g_array_index(kept->sets, BwNftSet, i),
                                  g_hash_table_lookup(found->elements, set->name));
        }
        again = bw_nft_table_keep(wanted, listing);
        g_assert_null(bw_nft_diff(again, listing));
}

static void test_keep(void) {
        guint kept = 0;

        for (guint round = 0; round < ROUNDS; round++) {
                g_autoptr(BwTestWorld) world = bw_test_random_world(12);
                g_autoptr(BwNftTable) before = compile(world, false), after = compile(world, true);
                g_autoptr(BwNftListing) found = list(before);

                kept += g_hash_table_size(after->kept);
                if (g_hash_table_size(after->kept) > 0)
                        check_round(after, found);
        }
        g_assert_cmpuint(kept, >, ROUNDS / 10);
        g_assert_cmpuint(keys_moved, >, ROUNDS / 10);
        g_test_message("%u keys are barred more than is planned", keys_barred_more);
        g_assert_cmpuint(keys_barred_more, >, 0);
}

static bool same_elements(const GPtrArray *a, const GPtrArray *b) {
        guint same = 0;

        while (same < MIN(a->len, b->len) && g_str_equal(a->pdata[same], b->pdata[same]))
                same++;
        return same == a->len && same == b->len;
}

static void count_shared(const BwNftTable *table, const BwNftTable *former, guint n[2]) {
        for (guint i = 0; i < MIN(former->sets->len, table->sets->len); i++) {
                const GPtrArray *now = g_array_index(table->sets, BwNftSet, i).elements;
                const GPtrArray *then = g_array_index(former->sets, BwNftSet, i).elements;

                g_assert_true((now == then) == same_elements(now, then));
                n[now == then]++;
        }
}

/* What a table shares with the one before changes nothing of what it says, nor of what is written
 * for it. */
static void test_share(void) {
        guint n[2] = {};

        for (guint round = 0; round < ROUNDS; round++) {
                g_autoptr(BwTestWorld) world = bw_test_random_world(12);
                g_autoptr(BwNftTable) before = compile(world, false), after = compile(world, true);
                g_autoptr(BwNftListing) found = list(before), wanted = list(after);
                g_autofree char *text = bw_nft_print(after, NULL), *text_shared = NULL;
                g_autofree char *edits = bw_nft_diff(after, found), *edits_shared = NULL;
                bool equal = bw_nft_table_equal(after, before);

                bw_nft_table_share(after, before);
                count_shared(after, before, n);
                text_shared = bw_nft_print(after, NULL);
                edits_shared = bw_nft_diff(after, found);
                g_assert_cmpstr(text_shared, ==, text);
                g_assert_cmpstr(edits_shared, ==, edits);
                g_assert_null(bw_nft_diff(after, wanted));
                g_assert_true(bw_nft_table_equal(after, before) == equal);
        }
        g_assert_cmpuint(n[false], >, ROUNDS);
        g_assert_cmpuint(n[true], >, ROUNDS);
}

/* Without a former run, or with nothing of it left to keep, the plan alone counts. */
static void test_nothing_to_keep(void) {
        for (guint round = 0; round < ROUNDS / 10; round++) {
                g_autoptr(BwTestWorld) world = bw_test_random_world(12);
                g_autoptr(BwNftTable) before = compile(world, false), after = compile(world, false);
                g_autoptr(BwNftListing) found = list(before), wanted = list(after);
                g_autoptr(BwNftTable) fresh = bw_nft_table_keep(after, NULL);
                g_autoptr(BwNftTable) later = bw_nft_table_keep(after, found);

                g_assert_true(bw_nft_table_equal(fresh, after));
                g_assert_true(bw_nft_table_equal(later, after));
                g_assert_null(bw_nft_diff(later, wanted));
        }
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/nft_table/keep", test_keep);
        g_test_add_func("/nft_table/share", test_share);
        g_test_add_func("/nft_table/nothing-to-keep", test_nothing_to_keep);
        return g_test_run();
}
