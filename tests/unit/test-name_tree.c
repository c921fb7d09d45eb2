/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/name_tree.h>
#include <string.h>

static const BwNameNode *node_at(const GPtrArray *nodes, guint i) {
        g_assert_cmpuint(i, <, nodes->len);
        return nodes->pdata[i];
}

static void check_has(const BwNameNode *node, const char *name, bool is_node) {
        for (guint i = 0; i < node->branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(node->branches, BwNameBranch, i);

                if (g_str_equal(branch->name, name)) {
                        g_assert_cmpint(branch->is_node, ==, is_node);
                        return;
                }
        }
        g_error("no branch %s", name);
}

static void test_no_name(void) {
        g_autoptr(GPtrArray) nodes = bw_name_tree_new(NULL, 0);

        g_assert_cmpuint(nodes->len, ==, 1);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, 0);
}

static void test_one_name(void) {
        static const char *const names[] = { "vk63" };
        g_autoptr(GPtrArray) nodes = bw_name_tree_new(names, 1);

        g_assert_cmpuint(nodes->len, ==, 1);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, 1);
        check_has(node_at(nodes, 0), "vk63", false);
}

/* The node to which a packet of some port goes on from the root. */
static const BwNameNode *led_to(const GPtrArray *nodes, const char *prefix) {
        const GArray *branches = node_at(nodes, 0)->branches;

        for (guint i = 0; i < branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(branches, BwNameBranch, i);

                if (branch->is_node && g_str_equal(branch->name, prefix))
                        return node_at(nodes, branch->node);
        }
        g_error("nothing leads to %s", prefix);
}

static GPtrArray *grow(const char *const *prefixes, const unsigned *sizes, gsize n) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        for (gsize i = 0; i < n; i++)
                for (unsigned k = 0; k < sizes[i]; k++)
                        g_ptr_array_add(names,
                                        g_strdup_printf("%s%c", prefixes[i], (char) ('a' + k)));
        return bw_name_tree_new((const char *const *) names->pdata, names->len);
}

/* As many as a packet may meet stand in the root, whatever they are called. */
static void test_few(void) {
        static const char *const prefixes[] = { "e", "tap" };
        static const unsigned sizes[] = { 9, 9 };
        g_autoptr(GPtrArray) nodes = grow(prefixes, sizes, 2);

        g_assert_cmpuint(nodes->len, ==, 1);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, BW_NAME_NODE_MOST);
        check_has(node_at(nodes, 0), "tapi", false);
}

/* One more, and the largest group leaves; the others may stay. */
static void test_one_too_many(void) {
        static const char *const prefixes[] = { "e", "m", "tap" };
        static const unsigned sizes[] = { 6, 8, 5 };
        g_autoptr(GPtrArray) nodes = grow(prefixes, sizes, 3);

        g_assert_cmpuint(nodes->len, ==, 2);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, 12);
        g_assert_true(g_array_index(node_at(nodes, 0)->branches, BwNameBranch, 0).is_node);
        check_has(node_at(nodes, 0), "tape", false);
        g_assert_cmpstr(led_to(nodes, "m")->prefix, ==, "m");
        g_assert_cmpuint(led_to(nodes, "m")->branches->len, ==, 8);
}

static int by_text(gconstpointer a, gconstpointer b) {
        const char *const *left = a, *const *right = b;

        return strcmp(*left, *right);
}

/* A name that begins others goes with them; and no node only leads on. */
static void test_name_within_a_name(void) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) nodes = NULL;

        for (unsigned i = 1; i < 30; i++)
                g_ptr_array_add(names, g_strdup_printf("vnet%u", i));
        g_ptr_array_sort(names, by_text);
        nodes = bw_name_tree_new((const char *const *) names->pdata, names->len);
        g_assert_cmpuint(nodes->len, ==, 3);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, 2 + 7);
        check_has(node_at(nodes, 0), "vnet3", false);
        g_assert_cmpuint(led_to(nodes, "vnet1")->branches->len, ==, 11);
        check_has(led_to(nodes, "vnet1"), "vnet1", false);
        check_has(led_to(nodes, "vnet1"), "vnet19", false);
        check_has(led_to(nodes, "vnet2"), "vnet2", false);
}

/* Ten times three: six must leave. Four are with each other and the way to them 4 + 12; a fifth
 * would be too much. */
static void test_shared(void) {
        static const char *const prefixes[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
        static const unsigned sizes[] = { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3 };
        g_autoptr(GPtrArray) nodes = grow(prefixes, sizes, 10);

        g_assert_cmpuint(nodes->len, ==, 3);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, BW_NAME_NODE_MOST);
        check_has(node_at(nodes, 0), "ga", false);
        g_assert_true(led_to(nodes, "a") == led_to(nodes, "d"));
        g_assert_true(led_to(nodes, "e") == led_to(nodes, "f"));
        g_assert_cmpstr(led_to(nodes, "d")->prefix, ==, "a");
        g_assert_cmpstr(led_to(nodes, "f")->prefix, ==, "e");
        g_assert_cmpuint(led_to(nodes, "b")->branches->len, ==, 12);
        g_assert_cmpuint(led_to(nodes, "e")->branches->len, ==, 6);
}

/* A group too large for one node gets a tree of its own. */
static void test_large_group(void) {
        static const char *const prefixes[] = { "eth", "tapa", "tapb", "tapc" };
        static const unsigned sizes[] = { 18, 18, 18, 18 };
        g_autoptr(GPtrArray) nodes = grow(prefixes, sizes, 4);

        g_assert_cmpuint(nodes->len, ==, 5);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, 4);
        check_has(led_to(nodes, "eth"), "ethr", false);
        check_has(led_to(nodes, "tapc"), "tapcr", false);
}

/* Nothing tells them apart but their last byte: then a node lists more. */
static void test_full_length(void) {
        static const char *const prefixes[] = { "abcdefghijklmn" };
        static const unsigned sizes[] = { 20 };
        g_autoptr(GPtrArray) nodes = grow(prefixes, sizes, 1);

        g_assert_cmpuint(nodes->len, ==, 1);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, 20);
        check_has(node_at(nodes, 0), "abcdefghijklmnt", false);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/name_tree/no-name", test_no_name);
        g_test_add_func("/name_tree/one-name", test_one_name);
        g_test_add_func("/name_tree/few", test_few);
        g_test_add_func("/name_tree/one-too-many", test_one_too_many);
        g_test_add_func("/name_tree/name-within-a-name", test_name_within_a_name);
        g_test_add_func("/name_tree/shared", test_shared);
        g_test_add_func("/name_tree/large-group", test_large_group);
        g_test_add_func("/name_tree/full-length", test_full_length);
        return g_test_run();
}
