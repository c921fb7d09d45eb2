/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The edits turn what was found into what is wanted, and touch no rule that
 * could have stayed: its counters would be lost.
 */

#include "random.h"

#include <bw/ipt_diff.h>

#define ROUNDS 20000

typedef struct Pair {
        GArray *wanted, *found; /* int: equal numbers are equal rules */
} Pair;

static bool equal(unsigned wanted, unsigned found, gconstpointer user) {
        const Pair *pair = user;

        g_assert_cmpuint(wanted, <, pair->wanted->len);
        g_assert_cmpuint(found, <, pair->found->len);
        return g_array_index(pair->wanted, int, wanted) == g_array_index(pair->found, int, found);
}

static GArray *random_chain(unsigned most, unsigned kinds) {
        GArray *chain = g_array_new(FALSE, FALSE, sizeof(int));
        unsigned n = bw_test_below(most + 1);

        for (unsigned i = 0; i < n; i++) {
                int rule = (int) bw_test_below(kinds);

                g_array_append_val(chain, rule);
        }
        return chain;
}

/* The same with some rules gone, new, or changed. */
static GArray *edited(const GArray *chain, unsigned kinds) {
        GArray *copy = g_array_copy((GArray *) chain);
        unsigned n = bw_test_below(5);

        for (unsigned i = 0; i < n; i++) {
                int rule = (int) bw_test_below(kinds);
                guint at = bw_test_below(copy->len + 1);

                if (bw_test_once_in(2) || at == copy->len)
                        g_array_insert_val(copy, at, rule);
                else
                        g_array_remove_index(copy, at);
        }
        return copy;
}

static Pair pair_new(unsigned most, unsigned kinds) {
        Pair pair = { .found = random_chain(most, kinds) };

        pair.wanted = bw_test_once_in(3) ? random_chain(most, kinds) : edited(pair.found, kinds);
        return pair;
}

static void pair_clear(Pair *pair) {
        g_array_unref(pair->wanted);
        g_array_unref(pair->found);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pair, pair_clear)

static GArray *diff(const Pair *pair) {
        return bw_ipt_diff(pair->wanted->len, pair->found->len, equal, pair);
}

static void check_arrival(const Pair *pair, const GArray *edits) {
        g_autoptr(GArray) chain = g_array_copy(pair->found);

        for (guint i = 0; i < edits->len; i++) {
                const BwEdit *edit = &g_array_index(edits, BwEdit, i);

                if (edit->insert) {
                        g_assert_cmpuint(edit->at, <=, chain->len);
                        g_assert_cmpuint(edit->wanted, <, pair->wanted->len);
                        g_array_insert_val(chain, edit->at,
                                           g_array_index(pair->wanted, int, edit->wanted));
                } else {
                        g_assert_cmpuint(edit->at, <, chain->len);
                        g_array_remove_index(chain, edit->at);
                }
        }
        g_assert_cmpuint(chain->len, ==, pair->wanted->len);
        for (guint i = 0; i < chain->len; i++)
                g_assert_cmpint(g_array_index(chain, int, i), ==,
                                g_array_index(pair->wanted, int, i));
}

/* Longest common subsequence, by its definition, row by row. */
static unsigned most_that_can_stay(const Pair *pair) {
        g_autofree unsigned *row = g_new0(unsigned, pair->found->len + 1);

        for (guint w = 0; w < pair->wanted->len; w++) {
                unsigned diagonal = 0;

                for (guint f = 0; f < pair->found->len; f++) {
                        unsigned above = row[f + 1];

                        row[f + 1] = equal(w, f, pair) ? diagonal + 1 : MAX(above, row[f]);
                        diagonal = above;
                }
        }
        return row[pair->found->len];
}

static void check_least(const Pair *pair, const GArray *edits) {
        unsigned stay = most_that_can_stay(pair);

        g_assert_cmpuint(edits->len, ==, pair->wanted->len + pair->found->len - 2 * stay);
}

static void test_small(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                g_auto(Pair) pair = pair_new(12, 1 + bw_test_below(8));
                g_autoptr(GArray) edits = diff(&pair);

                check_arrival(&pair, edits);
                check_least(&pair, edits);
        }
}

static void test_equal_chains_need_nothing(void) {
        for (unsigned i = 0; i < ROUNDS / 10; i++) {
                Pair same = { .found = random_chain(40, 4) };
                g_autoptr(GArray) found = same.found;
                g_autoptr(GArray) edits = NULL;

                same.wanted = found;
                edits = diff(&same);
                g_assert_cmpuint(edits->len, ==, 0);
        }
}

static void test_hundreds(void) {
        for (unsigned i = 0; i < 20; i++) {
                g_auto(Pair) pair = pair_new(400, 300);
                g_autoptr(GArray) edits = diff(&pair);

                check_arrival(&pair, edits);
                check_least(&pair, edits);
        }
}

/* Too long to look for the least: still right, and what both ends share stays. */
static void test_thousands(void) {
        for (unsigned i = 0; i < 20; i++) {
                g_auto(Pair) pair = pair_new(6000, 5000);
                g_autoptr(GArray) edits = diff(&pair);

                check_arrival(&pair, edits);
        }
}

static void test_one_rule_among_thousands(void) {
        for (unsigned i = 0; i < 20; i++) {
                g_auto(Pair) pair = { .found = random_chain(6000, 5000) };
                g_autoptr(GArray) edits = NULL;
                int foreign = -1;

                pair.wanted = g_array_copy(pair.found);
                g_array_insert_val(pair.found, bw_test_below(pair.found->len + 1), foreign);
                edits = diff(&pair);
                g_assert_cmpuint(edits->len, ==, 1);
                g_assert_false(g_array_index(edits, BwEdit, 0).insert);
                check_arrival(&pair, edits);
        }
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/diff/small", test_small);
        g_test_add_func("/diff/equal-chains-need-nothing", test_equal_chains_need_nothing);
        g_test_add_func("/diff/hundreds", test_hundreds);
        g_test_add_func("/diff/thousands", test_thousands);
        g_test_add_func("/diff/one-rule-among-thousands", test_one_rule_among_thousands);
        return g_test_run();
}
