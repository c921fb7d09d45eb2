/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_diff.h>
#include <stdint.h>

/* A table of this many cells is the most the longest common subsequence may cost: room for the
 * whole text of our nftables table, twice. */
#define MAX_CELLS (2048u * 2048u)

typedef struct Diff {
        GArray *edits;
        BwRuleEqual equal;
        gconstpointer user;
        unsigned first;             /* equal rules at the front                  */
        unsigned n_wanted, n_found; /* what is left between equal ends */
        uint16_t *lengths;          /* (n_wanted + 1) x (n_found + 1), or NULL */
} Diff;

static bool equal_at(const Diff *diff, unsigned wanted, unsigned found) {
        return diff->equal(diff->first + wanted, diff->first + found, diff->user);
}

static void skip_equal_ends(Diff *diff) {
        while (diff->n_wanted && diff->n_found && equal_at(diff, 0, 0)) {
                diff->first++;
                diff->n_wanted--;
                diff->n_found--;
        }
        while (diff->n_wanted && diff->n_found &&
               equal_at(diff, diff->n_wanted - 1, diff->n_found - 1)) {
                diff->n_wanted--;
                diff->n_found--;
        }
}

static uint16_t *cell(const Diff *diff, unsigned wanted, unsigned found) {
        return &diff->lengths[(gsize) wanted * (diff->n_found + 1) + found];
}

/* lengths[w][f]: longest common subsequence of what follows w and f. */
static void measure(Diff *diff) {
        gsize cells = (gsize) (diff->n_wanted + 1) * (diff->n_found + 1);

        if (!diff->n_wanted || !diff->n_found || cells > MAX_CELLS)
                return;
        diff->lengths = g_new0(uint16_t, cells);
        for (unsigned w = diff->n_wanted; w-- > 0;)
                for (unsigned f = diff->n_found; f-- > 0;)
                        *cell(diff, w, f) = equal_at(diff, w, f) ? *cell(diff, w + 1, f + 1) + 1
                                                                 : MAX(*cell(diff, w + 1, f),
                                                                       *cell(diff, w, f + 1));
}

static bool better_to_delete(const Diff *diff, unsigned w, unsigned f) {
        if (f == diff->n_found)
                return false;
        if (w == diff->n_wanted || !diff->lengths)
                return true;
        return *cell(diff, w, f + 1) >= *cell(diff, w + 1, f);
}

static bool may_stay(const Diff *diff, unsigned w, unsigned f) {
        return diff->lengths && w < diff->n_wanted && f < diff->n_found && equal_at(diff, w, f);
}

static void walk(Diff *diff) {
        unsigned w = 0, f = 0, at = diff->first;

        while (w < diff->n_wanted || f < diff->n_found) {
                if (may_stay(diff, w, f)) {
                        w++;
                        f++;
                        at++;
                } else if (better_to_delete(diff, w, f)) {
                        g_array_append_val(diff->edits, ((BwEdit){ .at = at }));
                        f++;
                } else {
                        g_array_append_val(
                                diff->edits,
                                ((BwEdit){ .insert = true, .at = at, .wanted = diff->first + w }));
                        w++;
                        at++;
                }
        }
}

GArray *bw_ipt_diff(unsigned n_wanted, unsigned n_found, BwRuleEqual equal, gconstpointer user) {
        Diff diff = {
                .edits = g_array_new(FALSE, TRUE, sizeof(BwEdit)),
                .equal = equal,
                .user = user,
                .n_wanted = n_wanted,
                .n_found = n_found,
        };

        skip_equal_ends(&diff);
        measure(&diff);
        walk(&diff);
        g_free(diff.lengths);
        return diff.edits;
}
