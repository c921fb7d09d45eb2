/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Ports that keep what a former run wrote for them, one by one: by their whole names, with all
 * their elements, and only as long as nobody can say who they are.
 */

#include "settings.h"

#include <bw/nft_table.h>
#include <string.h>

static const char before_text[] = "[Guard]\nUnknownPorts=drop\n"
                                  "[Port vnet1]\nMACs=52:54:00:00:00:01\n"
                                  "Addresses=10.0.0.1 10.1.0.0/16 2001:db8::1\n"
                                  "[Port vnet10]\nMACs=52:54:00:00:00:10\nAddresses=10.0.0.10\n"
                                  "[Port vnet2]\nMACs=52:54:00:00:00:02\nAddresses=any\n";

static bool is_named(const char *port, BwInheritedPort *ret G_GNUC_UNUSED, gconstpointer name) {
        return g_str_equal(port, name);
}

/* br1 with vnet1, vnet10 and vnet2; @inherited is kept, or NULL. */
static BwNftTable *compile(const char *text, const char *inherited) {
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(GPtrArray) elsewhere = g_ptr_array_new();
        g_autoptr(BwPlan) plan = NULL;
        static const char *const names[] = { "vnet1", "vnet10", "vnet2" };
        BwLink link = bw_test_bridge(1, "br1");

        g_assert_cmpuint(bw_config_count_errors(config), ==, 0);
        bw_test_tell_link(model, &link);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                link = bw_test_tap((int) (10 + i), names[i], bw_test_mac("52:54:00:00:00:77"), 1);
                bw_test_tell_link(model, &link);
        }
        plan = bw_plan_new(model, config);
        if (inherited)
                bw_plan_keep_inherited(plan, model, is_named, inherited);
        return bw_nft_compile(plan, elsewhere);
}

static BwNftListing *written(const BwNftTable *table) {
        g_autofree char *text = bw_nft_print(table, NULL);
        BwNftListing *listing = bw_nft_listing_parse(text);

        g_assert_nonnull(listing);
        return listing;
}

static bool has(const BwNftTable *table, const char *name, const char *element) {
        for (guint i = 0; i < table->sets->len; i++) {
                const BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);

                if (g_str_equal(set->name, name))
                        return g_ptr_array_find_with_equal_func(set->elements, element, g_str_equal,
                                                                NULL);
        }
        g_error("no set %s", name);
}

#define SILENT "[Guard]\nUnknownPorts=drop\n[Bridge br1]\nMode=enforce\n"

/* Nothing is written for a port that is kept until it is known what it has. */
static void test_compile(void) {
        g_autoptr(BwNftTable) table = compile(SILENT, "vnet1");

        g_assert_cmpuint(g_hash_table_size(table->kept), ==, 1);
        g_assert_true(g_hash_table_contains(table->kept, "vnet1"));
        g_assert_false(has(table, "closed", "\"vnet1\""));
        g_assert_true(has(table, "closed", "\"vnet10\""));
}

static void test_keep(void) {
        g_autoptr(BwNftTable) before = compile(before_text, NULL);
        g_autoptr(BwNftListing) found = written(before);
        g_autoptr(BwNftTable) wanted = compile(SILENT, "vnet1");
        g_autoptr(BwNftTable) kept = bw_nft_table_keep(wanted, found);
        g_autofree char *text = bw_nft_print(kept, NULL);

        g_assert_true(has(kept, "bound", "\"vnet1\""));
        g_assert_true(has(kept, "macs", "\"vnet1\" . 52:54:00:00:00:01"));
        g_assert_true(has(kept, "own4", "\"vnet1\" . 10.0.0.1"));
        g_assert_true(has(kept, "own-net4", "\"vnet1\" . 10.1.0.0/16"));
        g_assert_true(has(kept, "own6", "\"vnet1\" . 2001:db8::1"));
        g_assert_false(has(kept, "closed", "\"vnet1\""));
        /* vnet10 only begins like it. */
        g_assert_false(has(kept, "own4", "\"vnet10\" . 10.0.0.10"));
        g_assert_false(has(kept, "any-address", "\"vnet2\""));
        g_assert_true(has(kept, "closed", "\"vnet10\""));
        /* A table that must be written whole has it, too. */
        g_assert_nonnull(strstr(text, "\"vnet1\" . 10.0.0.1"));
}

/* Who owns the link-local addresses of other ports is not known again before all are known. */
static void test_owned(void) {
        g_autoptr(BwNftTable) before = compile(before_text, NULL);
        g_autoptr(BwNftListing) found = written(before);
        g_autoptr(BwNftTable) wanted = compile(SILENT, "vnet1"), later = compile(SILENT, NULL);
        g_autoptr(BwNftTable) kept = bw_nft_table_keep(wanted, found);
        g_autoptr(BwNftTable) not_kept = bw_nft_table_keep(later, found);

        g_assert_true(has(kept, "owned", "fe80::5054:ff:fe00:1"));
        g_assert_true(has(kept, "owned", "fe80::5054:ff:fe00:10"));
        g_assert_false(has(not_kept, "owned", "fe80::5054:ff:fe00:1"));
}

/* Once it is known who it is, what it had is gone. */
static void test_release(void) {
        g_autoptr(BwNftTable) before = compile(before_text, NULL);
        g_autoptr(BwNftListing) found = written(before);
        g_autoptr(BwNftTable) after =
                compile("[Guard]\nUnknownPorts=drop\n[Port vnet1]\nAddresses=10.0.0.9\n", NULL);
        g_autoptr(BwNftTable) resolved = bw_nft_table_keep(after, found);
        g_autofree char *commands = bw_nft_diff(resolved, found);

        g_assert_true(bw_nft_table_equal(resolved, after));
        g_assert_nonnull(
                strstr(commands, "delete element bridge bridgewarden own4 { \"vnet1\" . 10.0.0.1"));
        g_assert_nonnull(
                strstr(commands, "add element bridge bridgewarden own4 { \"vnet1\" . 10.0.0.9 }"));
}

/* Guarded until now by another engine alone. */
static void test_let_pass(void) {
        g_autoptr(BwNftTable) table = compile(SILENT, "vnet1");

        bw_nft_table_let_pass(table, "vnet10");
        g_assert_false(has(table, "passing", "\"vnet10\""));
        bw_nft_table_let_pass(table, "vnet1");
        g_assert_true(has(table, "passing", "\"vnet1\""));
        g_assert_cmpuint(g_hash_table_size(table->kept), ==, 0);
}

/* Lists that two tables share are those of both: who passes in one does not in the other. */
static void test_let_pass_alone(void) {
        g_autoptr(BwNftTable) before = compile(SILENT, "vnet1"), table = compile(SILENT, "vnet1");

        bw_nft_table_share(table, before);
        g_assert_true(bw_nft_table_equal(table, before));
        bw_nft_table_let_pass(table, "vnet1");
        g_assert_true(has(table, "passing", "\"vnet1\""));
        g_assert_false(has(before, "passing", "\"vnet1\""));
        g_assert_false(bw_nft_table_equal(table, before));
}

static void test_guarded(void) {
        g_autoptr(BwNftTable) before = compile(before_text, NULL);
        g_autoptr(BwNftTable) off =
                compile("[Guard]\nUnknownPorts=accept\n[Port vnet1]\nMode=off\n"
                        "[Port vnet10]\nMACs=52:54:00:00:00:10\n[Port vnet2]\nMode=off\n",
                        NULL);
        g_autoptr(BwNftListing) found = written(before), found_off = written(off);
        g_autoptr(GHashTable) names = bw_nft_list_guarded(found);
        g_autoptr(GHashTable) names_off = bw_nft_list_guarded(found_off);

        g_assert_cmpuint(g_hash_table_size(names), ==, 3);
        g_assert_true(g_hash_table_contains(names, "vnet1"));
        g_assert_true(g_hash_table_contains(names, "vnet10"));
        g_assert_true(g_hash_table_contains(names, "vnet2"));
        g_assert_cmpuint(g_hash_table_size(names_off), ==, 1);
        g_assert_true(g_hash_table_contains(names_off, "vnet10"));
}

/* Sets that count are emptied, whatever they have seen; what is wanted stays. */
static void test_forget_seen(void) {
        static const char text[] = "table bridge bridgewarden {\n"
                                   "\tset bound {\n\t\ttype ifname\n"
                                   "\t\telements = { \"vk63\", \"a}b\" }\n\t}\n\n"
                                   "\tset told-out-flooded {\n\t\ttype ifname\n\t\tsize 65535\n"
                                   "\t\tflags dynamic\n\t\tlimit rate 10/second\n"
                                   "\t\telements = { \"\" limit rate 10/second,\n"
                                   "\t\t\t     \"a}b\" limit rate 10/second }\n\t}\n\n"
                                   "\tset strict {\n\t\ttype ifname\n"
                                   "\t\telements = { \"vk64\" }\n\t}\n}\n";
        static const char wanted[] = "table bridge bridgewarden {\n"
                                     "\tset bound {\n\t\ttype ifname\n"
                                     "\t\telements = { \"vk63\", \"a}b\" }\n\t}\n\n"
                                     "\tset told-out-flooded {\n\t\ttype ifname\n\t\tsize 65535\n"
                                     "\t\tflags dynamic\n\t\tlimit rate 10/second\n\t}\n\n"
                                     "\tset strict {\n\t\ttype ifname\n"
                                     "\t\telements = { \"vk64\" }\n\t}\n}\n";
        g_autofree char *rest = bw_nft_forget_seen(text),
                        *torn = bw_nft_forget_seen("\t\tflags dynamic\n\t\telements = { \"");

        g_assert_cmpstr(rest, ==, wanted);
        g_assert_cmpstr(torn, ==, "\t\tflags dynamic\n");
}

static void test_equal(void) {
        g_autoptr(BwNftTable) a = compile(SILENT, NULL), b = compile(SILENT, NULL);
        g_autoptr(BwNftTable) kept = compile(SILENT, "vnet1"), other = compile(before_text, NULL);
        g_autoptr(BwNftTable) watched = compile(
                "[Guard]\nUnknownPorts=drop\nLogRate=11/s\n[Bridge br1]\nMode=enforce\n", NULL);

        g_assert_true(bw_nft_table_equal(a, b));
        g_assert_false(bw_nft_table_equal(a, kept));
        g_assert_false(bw_nft_table_equal(a, other));
        g_assert_false(bw_nft_table_equal(a, watched));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/nft_table/compile", test_compile);
        g_test_add_func("/nft_table/keep", test_keep);
        g_test_add_func("/nft_table/owned", test_owned);
        g_test_add_func("/nft_table/release", test_release);
        g_test_add_func("/nft_table/let-pass", test_let_pass);
        g_test_add_func("/nft_table/let-pass-alone", test_let_pass_alone);
        g_test_add_func("/nft_table/guarded", test_guarded);
        g_test_add_func("/nft_table/forget-seen", test_forget_seen);
        g_test_add_func("/nft_table/equal", test_equal);
        return g_test_run();
}
