/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which sites are nearly led to by the same borders. In a tree of bridges each
 * has half of all border ports for its leads, and its neighbour the same half but
 * for the two ends of the pair between them: told by the neighbour, it takes two
 * rules and not half a hundred.
 */

#include <bw/ipt_writer.h>
#include <string.h>

/* So many rules a step, so many steps: what a packet at a border may meet. */
#define MOST_DIFFERING 6
#define MOST_STEPS     6

typedef struct Likeness {
        const GPtrArray *sites; /* BwSitePlan */
        GArray *like;           /* guint */
        GArray *steps;          /* guint: to a site that is told by itself */
} Likeness;

static GPtrArray *leads_of(const Likeness *the, guint site) {
        return ((BwSitePlan *) the->sites->pdata[site])->leads;
}

/* Most are the same port. */
static int compare_leads(const GPtrArray *a, guint i, const GPtrArray *b, guint k) {
        if (i == a->len || k == b->len)
                return i == a->len ? 1 : -1;
        if (a->pdata[i] == b->pdata[k])
                return 0;
        return strcmp(((BwPortPlan *) a->pdata[i])->name, ((BwPortPlan *) b->pdata[k])->name);
}

/* Both are sorted by name. Counts no further than @most. */
static guint count_differing(const GPtrArray *a, const GPtrArray *b, guint most) {
        guint n = 0;

        for (guint i = 0, k = 0; n <= most && (i < a->len || k < b->len);) {
                int order = compare_leads(a, i, b, k);

                n += order != 0;
                i += order <= 0;
                k += order >= 0;
        }
        return n;
}

GPtrArray *bw_ipt_list_leads_beyond(const BwSitePlan *site, const BwSitePlan *other) {
        GPtrArray *beyond = g_ptr_array_new();

        for (guint i = 0, k = 0; i < site->leads->len;) {
                int order = compare_leads(site->leads, i, other->leads, k);

                if (order < 0)
                        g_ptr_array_add(beyond, site->leads->pdata[i]);
                i += order <= 0;
                k += order >= 0;
        }
        return beyond;
}

/* The one before it that differs least; it must spare more than half of the rules. */
static guint find_like(const Likeness *the, guint site) {
        guint best = BW_IPT_UNLIKE, most = MIN(MOST_DIFFERING, leads_of(the, site)->len / 2);

        for (guint i = 0; i < site && most > 0; i++) {
                guint n;

                if (leads_of(the, i)->len == 0 || g_array_index(the->steps, guint, i) == MOST_STEPS)
                        continue;
                n = count_differing(leads_of(the, site), leads_of(the, i), most);
                if (n > most)
                        continue;
                best = i;
                most = n - 1;
        }
        return best;
}

GArray *bw_ipt_list_likeness(const GPtrArray *sites) {
        g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(guint));
        Likeness the = { .sites = sites,
                         .like = g_array_new(FALSE, FALSE, sizeof(guint)),
                         .steps = steps };

        for (guint i = 0; i < sites->len; i++) {
                guint like = find_like(&the, i), far = 0;

                if (like != BW_IPT_UNLIKE)
                        far = g_array_index(steps, guint, like) + 1;
                g_array_append_val(the.like, like);
                g_array_append_val(steps, far);
        }
        return the.like;
}
