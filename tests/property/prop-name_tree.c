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
                node = nodes->pdata[branch->node];
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

/* How many branches of a node take a name in. */
static unsigned count_takers(const BwNameNode *node, const char *name) {
        unsigned takers = 0;

        for (guint i = 0; i < node->branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(node->branches, BwNameBranch, i);

                takers += branch->is_node ? g_str_has_prefix(name, branch->name)
                                          : g_str_equal(name, branch->name);
        }
        return takers;
}

static void check_node(const GPtrArray *nodes, guint at, const Names *names) {
        const BwNameNode *node = nodes->pdata[at];
        bool leaves = false;

        for (gsize i = 0; i < names->n; i++)
                g_assert_cmpuint(count_takers(node, names->text[i]), <=, 1);
        for (guint i = 0; i < node->branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(node->branches, BwNameBranch, i);

                /* What leads on comes first, and leads down. */
                g_assert_false(branch->is_node && leaves);
                leaves = !branch->is_node;
                if (branch->is_node) {
                        g_assert_cmpuint(branch->node, >, at);
                        g_assert_cmpuint(branch->node, <, nodes->len);
                        g_assert_cmpuint(strlen(branch->name), >, 0);
                }
        }
        /* Chains have their names from these. */
        for (guint i = 0; i < at; i++)
                g_assert_cmpstr(((BwNameNode *) nodes->pdata[i])->prefix, !=, node->prefix);
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
                        check_node(nodes, k, &names);
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

/* A node that nothing leads to would hide a name; and a node is called as the first that leads to
 * it. */
static void test_all_nodes_are_reached(void) {
        for (unsigned i = 0; i < ROUNDS / 4; i++) {
                g_autoptr(GPtrArray) nodes = NULL;
                g_autofree bool *reached = NULL;
                Names names;

                random_names(&names);
                nodes = bw_name_tree_new(names.sorted, names.n);
                reached = g_new0(bool, nodes->len);
                for (guint k = 0; k < nodes->len; k++) {
                        const GArray *branches = ((BwNameNode *) nodes->pdata[k])->branches;

                        for (guint b = 0; b < branches->len; b++) {
                                const BwNameBranch *branch =
                                        &g_array_index(branches, BwNameBranch, b);
                                const BwNameNode *target = nodes->pdata[branch->node];

                                if (!branch->is_node || reached[branch->node])
                                        continue;
                                g_assert_cmpstr(branch->name, ==, target->prefix);
                                reached[branch->node] = true;
                        }
                }
                for (guint k = 1; k < nodes->len; k++)
                        g_assert_true(reached[k]);
        }
}

/* What a tree costs */

/* Of so many names of a kind: at most these comparisons, for a name of the tree or any other; and
 * at most so many entries of a table besides one for each name, its own rule. */
typedef struct Cost {
        const char *kind;
        unsigned first, step, n;
        unsigned most;
        double mean, entries;
} Cost;

/* No dearer for a packet than the dearest kind of so many names was in a tree that gave any five
 * names of a beginning a node, and cheaper for the table. */
static const Cost costs[] = {
        { "vnet", 0, 1, 10, 11, 6.5, 3 },      { "vnet", 0, 1, 27, 18, 10.6, 7 },
        { "vnet", 437, 1, 27, 18, 10.6, 7 },   { "vk", 0, 40, 25, 18, 10.6, 9 },
        { "vk", 13, 40, 25, 18, 10.6, 10 },    { "tap", 0, 1, 27, 18, 10.6, 15 },
        { "vnet", 0, 1, 100, 22, 12.9, 40 },   { "tap", 0, 1, 100, 25, 13.1, 60 },
        { "vnet", 0, 1, 1000, 33, 19.4, 400 }, { "vk", 0, 1, 1000, 33, 19.4, 400 },
        { "tap", 0, 1, 1000, 39, 20.7, 700 },  { "vnet", 0, 1, 5000, 39, 23.2, 2000 },
};

/* Of "tap" the names are as OpenStack gives them: eleven characters of a random UUID. */
static GPtrArray *names_of(const Cost *cost) {
        g_autoptr(GRand) random = g_rand_new_with_seed(cost->n);
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

        for (unsigned i = 0; i < cost->n; i++) {
                guint32 number = cost->first + i * cost->step;

                if (!g_str_equal(cost->kind, "tap")) {
                        g_ptr_array_add(names, g_strdup_printf("%s%u", cost->kind, number));
                        continue;
                }
                number = g_rand_int(random);
                g_ptr_array_add(names,
                                g_strdup_printf("tap%08x-%02x", number, g_rand_int(random) & 0xff));
        }
        g_ptr_array_sort(names, by_bytes);
        return names;
}

/* Of who comes to a node and finds nothing there. */
static unsigned worst_miss(const GPtrArray *nodes, guint at) {
        const GArray *branches = ((BwNameNode *) nodes->pdata[at])->branches;
        unsigned worst = branches->len;

        for (guint i = 0; i < branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(branches, BwNameBranch, i);

                if (branch->is_node)
                        worst = MAX(worst, i + 1 + worst_miss(nodes, branch->node));
        }
        return worst;
}

/* A chain is its head, its end and the rule behind its branches. */
static unsigned count_entries(const GPtrArray *nodes) {
        unsigned entries = 3 * nodes->len;

        for (guint i = 0; i < nodes->len; i++)
                entries += ((BwNameNode *) nodes->pdata[i])->branches->len;
        return entries;
}

static void check_cost(const Cost *cost) {
        g_autoptr(GPtrArray) names = names_of(cost);
        g_autoptr(GPtrArray) nodes =
                bw_name_tree_new((const char *const *) names->pdata, names->len);
        unsigned sum = 0, most = worst_miss(nodes, 0);
        unsigned entries = count_entries(nodes) - names->len;

        for (guint i = 0; i < names->len; i++) {
                unsigned met = 0;

                g_assert_true(arrives(nodes, names->pdata[i], &met));
                sum += met;
                most = MAX(most, met);
        }
        g_test_message("%u %s: at most %u comparisons, %.1f in the mean; %.2f entries a name more",
                       cost->n, cost->kind, most, (double) sum / cost->n,
                       (double) entries / cost->n);
        g_assert_cmpuint(most, <=, cost->most);
        g_assert_cmpfloat((double) sum / cost->n, <=, cost->mean);
        g_assert_cmpfloat(entries, <=, cost->entries);
}

static void test_cost(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(costs); i++)
                check_cost(&costs[i]);
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/name_tree/one-way", test_one_way);
        g_test_add_func("/name_tree/all-nodes-are-reached", test_all_nodes_are_reached);
        g_test_add_func("/name_tree/cost", test_cost);
        return g_test_run();
}
