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

/* A name that begins another is a leaf of its own node. */
static void test_name_within_a_name(void) {
        static const char *const names[] = { "vnet1",  "vnet10", "vnet11", "vnet12",
                                             "vnet13", "vnet14", "vnet2" };
        g_autoptr(GPtrArray) nodes = bw_name_tree_new(names, G_N_ELEMENTS(names));

        g_assert_cmpuint(nodes->len, ==, 3);
        check_has(node_at(nodes, 0), "vnet", true);
        g_assert_cmpstr(node_at(nodes, 1)->prefix, ==, "vnet");
        check_has(node_at(nodes, 1), "vnet1", true);
        check_has(node_at(nodes, 1), "vnet2", false);
        g_assert_cmpstr(node_at(nodes, 2)->prefix, ==, "vnet1");
        check_has(node_at(nodes, 2), "vnet1", false);
        check_has(node_at(nodes, 2), "vnet10", false);
}

static void test_full_length(void) {
        static const char *const names[] = { "abcdefghijklmn", "abcdefghijklmno", "abcdefghijklmnp",
                                             "abcdefghijklmnq", "abcdefghijklmnr" };
        g_autoptr(GPtrArray) nodes = bw_name_tree_new(names, G_N_ELEMENTS(names));

        g_assert_cmpuint(nodes->len, ==, 2);
        check_has(node_at(nodes, 1), "abcdefghijklmn", false);
        check_has(node_at(nodes, 1), "abcdefghijklmno", false);
        check_has(node_at(nodes, 1), "abcdefghijklmnp", false);
}

/* A few of a kind stand with the others, and more get a node. */
static void test_few(void) {
        static const char *const names[] = { "a1", "a2", "a3", "b1", "b2", "b3", "b4", "b5", "c" };
        g_autoptr(GPtrArray) nodes = bw_name_tree_new(names, G_N_ELEMENTS(names));

        g_assert_cmpuint(nodes->len, ==, 2);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, 5);
        check_has(node_at(nodes, 0), "a1", false);
        check_has(node_at(nodes, 0), "a3", false);
        check_has(node_at(nodes, 0), "b", true);
        check_has(node_at(nodes, 0), "c", false);
        g_assert_cmpuint(node_at(nodes, 1)->branches->len, ==, 5);
}

/* Ten times two would be more than a packet should meet: ten nodes it is. */
static void test_few_of_many(void) {
        static const char *const names[] = { "a1", "a2", "b1", "b2", "c1", "c2", "d1",
                                             "d2", "e1", "e2", "f1", "f2", "g1", "g2",
                                             "h1", "h2", "i1", "i2", "j1", "j2" };
        g_autoptr(GPtrArray) nodes = bw_name_tree_new(names, G_N_ELEMENTS(names));

        g_assert_cmpuint(nodes->len, ==, 11);
        g_assert_cmpuint(node_at(nodes, 0)->branches->len, ==, 10);
        check_has(node_at(nodes, 0), "j", true);
        check_has(node_at(nodes, 10), "j2", false);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/name_tree/no-name", test_no_name);
        g_test_add_func("/name_tree/one-name", test_one_name);
        g_test_add_func("/name_tree/name-within-a-name", test_name_within_a_name);
        g_test_add_func("/name_tree/full-length", test_full_length);
        g_test_add_func("/name_tree/few", test_few);
        g_test_add_func("/name_tree/few-of-many", test_few_of_many);
        return g_test_run();
}
