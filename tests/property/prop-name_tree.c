/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Every name has one way through the tree, and no other name takes it
 *
 * A packet's way is walked with nothing but the two comparisons a rule can make:
 * the whole name, and its beginning.
 */

#include "random.h"

#include <bw/name_tree.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS    1500
#define MAX_NAMES 60

typedef struct Names {
        char text[MAX_NAMES][BW_IFNAME_SIZE];
        const char *sorted[MAX_NAMES];
        gsize n;
} Names;

static int by_bytes(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static bool is_one_of(const Names *names, const char *name) {
        for (gsize i = 0; i < names->n; i++)
                if (g_str_equal(names->text[i], name))
                        return true;
        return false;
}

static void random_names(Names *names) {
        unsigned wish = bw_test_below(MAX_NAMES + 1);

        names->n = 0;
        for (unsigned i = 0; i < wish; i++) {
                char name[BW_IFNAME_SIZE];

                bw_test_random_ifname(name);
                if (is_one_of(names, name))
                        continue;
                memcpy(names->text[names->n], name, sizeof(name));
                names->sorted[names->n] = names->text[names->n];
                names->n++;
        }
        qsort(names->sorted, names->n, sizeof(*names->sorted), by_bytes);
}

static const BwNameNode *find_node(const GPtrArray *nodes, const char *prefix) {
        const BwNameNode *found = NULL;

        for (guint i = 0; i < nodes->len; i++) {
                const BwNameNode *node = nodes->pdata[i];

                if (!g_str_equal(node->prefix, prefix))
                        continue;
                g_assert_null(found);
                found = node;
        }
        g_assert_nonnull(found);
        return found;
}

/* The first branch whose rule would match. */
static const BwNameBranch *take_branch(const BwNameNode *node, const char *name, unsigned *cost) {
        for (guint i = 0; i < node->branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(node->branches, BwNameBranch, i);

                ++*cost;
                if (branch->is_node ? g_str_has_prefix(name, branch->name)
                                    : g_str_equal(name, branch->name))
                        return branch;
        }
        return NULL;
}

/* Whether @name arrives at a leaf, which is then its own. */
static bool arrives(const GPtrArray *nodes, const char *name, unsigned *cost) {
        const BwNameNode *node = nodes->pdata[0];

        for (unsigned depth = 0; depth <= BW_IFNAME_SIZE; depth++) {
                const BwNameBranch *branch = take_branch(node, name, cost);

                if (!branch)
                        return false;
                if (!branch->is_node) {
                        g_assert_cmpstr(branch->name, ==, name);
                        return true;
                }
                node = find_node(nodes, branch->name);
        }
        g_assert_not_reached();
}

/* Of all branches of all nodes, how many lead to @name in one step. */
static unsigned count_leaves(const GPtrArray *nodes, const char *name) {
        unsigned n = 0;

        for (guint i = 0; i < nodes->len; i++) {
                const GArray *branches = ((BwNameNode *) nodes->pdata[i])->branches;

                for (guint k = 0; k < branches->len; k++) {
                        const BwNameBranch *branch = &g_array_index(branches, BwNameBranch, k);

                        n += !branch->is_node && g_str_equal(branch->name, name);
                }
        }
        return n;
}

static void check_node(const BwNameNode *node, bool root) {
        bool seen[256] = {}, led[256] = {};
        gsize length = strlen(node->prefix);

        g_assert_cmpuint(length, <, BW_IFNAME_SIZE);
        if (!root)
                g_assert_cmpuint(node->branches->len, >, 1);
        for (guint i = 0; i < node->branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(node->branches, BwNameBranch, i);
                uint8_t next = (uint8_t) branch->name[length];

                g_assert_true(g_str_has_prefix(branch->name, node->prefix));
                /* Only whole names may part later than here. */
                g_assert_false(led[next] || (branch->is_node && seen[next]));
                seen[next] = true;
                led[next] = branch->is_node;
                if (branch->is_node)
                        g_assert_cmpuint(strlen(branch->name), >, length);
        }
}

static void test_one_way(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(GPtrArray) nodes = NULL;
                unsigned cost = 0;
                Names names;

                random_names(&names);
                nodes = bw_name_tree_new(names.sorted, names.n);
                g_assert_cmpstr(((BwNameNode *) nodes->pdata[0])->prefix, ==, "");
                /* Each node but the root parts at least two names. */
                g_assert_cmpuint(nodes->len, <=, MAX(names.n, 1));
                for (guint k = 0; k < nodes->len; k++)
                        check_node(nodes->pdata[k], k == 0);
                for (gsize k = 0; k < names.n; k++) {
                        g_assert_true(arrives(nodes, names.text[k], &cost));
                        g_assert_cmpuint(count_leaves(nodes, names.text[k]), ==, 1);
                }
                for (unsigned k = 0; k < 20; k++) {
                        char other[BW_IFNAME_SIZE];

                        bw_test_random_ifname(other);
                        g_assert_cmpint(arrives(nodes, other, &cost), ==, is_one_of(&names, other));
                }
        }
}

/* A node that nothing leads to would hide a name. */
static void test_all_nodes_are_reached(void) {
        for (unsigned i = 0; i < ROUNDS / 4; i++) {
                g_autoptr(GPtrArray) nodes = NULL;
                unsigned links = 0;
                Names names;

                random_names(&names);
                nodes = bw_name_tree_new(names.sorted, names.n);
                for (guint k = 0; k < nodes->len; k++) {
                        const GArray *branches = ((BwNameNode *) nodes->pdata[k])->branches;

                        for (guint b = 0; b < branches->len; b++)
                                links += g_array_index(branches, BwNameBranch, b).is_node;
                }
                g_assert_cmpuint(links, ==, nodes->len - 1);
        }
}

/* A thousand taps as libvirt numbers them: nobody pays for more than a step or two a digit. */
static void test_cost(void) {
        static const unsigned sizes[] = { 10, 100, 1000, 5000 };
        static const unsigned bounds[] = { 12, 24, 36, 48 };

        for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
                g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
                g_autoptr(GPtrArray) nodes = NULL;
                unsigned worst = 0;

                for (unsigned k = 0; k < sizes[i]; k++)
                        g_ptr_array_add(names, g_strdup_printf("vnet%u", k));
                g_ptr_array_sort(names, by_bytes);
                nodes = bw_name_tree_new((const char *const *) names->pdata, names->len);
                for (unsigned k = 0; k < sizes[i]; k += 1 + sizes[i] / 200) {
                        unsigned cost = 0;

                        g_assert_true(arrives(nodes, names->pdata[k], &cost));
                        worst = MAX(worst, cost);
                }
                g_test_message("%u names: at most %u comparisons", sizes[i], worst);
                g_assert_cmpuint(worst, <=, bounds[i]);
        }
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/name_tree/one-way", test_one_way);
        g_test_add_func("/name_tree/all-nodes-are-reached", test_all_nodes_are_reached);
        g_test_add_func("/name_tree/cost", test_cost);
        return g_test_run();
}
