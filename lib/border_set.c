/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/border_set.h>
#include <string.h>

typedef guint64 Word;

/* One bit for each border, in the order of their names. */
struct BwBorderSets {
        const BwTopology *topology;
        const GPtrArray *borders;
        gsize words;         /* of a set */
        GPtrArray *sets;     /* Word *: owned by the table */
        GHashTable *numbers; /* GBytes of a set -> its number, counted from 1 */
};

int bw_border_compare(gconstpointer a, gconstpointer b) {
        const BwPortPlan *left = *(const BwPortPlan *const *) a;
        const BwPortPlan *right = *(const BwPortPlan *const *) b;

        return strcmp(left->name, right->name);
}

guint bw_border_place(const GPtrArray *borders, const BwPortPlan *port) {
        guint low = 0, high = borders->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;

                if (bw_border_compare(&borders->pdata[middle], &port) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool has_border(const Word *set, guint border) {
        return set[border / 64] >> border % 64 & 1;
}

static void add_border(Word *set, guint border) {
        set[border / 64] |= G_GUINT64_CONSTANT(1) << border % 64;
}

static Word *new_set(const BwBorderSets *self) {
        return g_new0(Word, self->words);
}

/* Takes @set; equal ones have one number. */
static guint number_of(BwBorderSets *self, Word *set) {
        g_autoptr(GBytes) bytes = g_bytes_new_take(set, self->words * sizeof(Word));
        guint number = GPOINTER_TO_UINT(g_hash_table_lookup(self->numbers, bytes));

        if (number)
                return number - 1;
        g_ptr_array_add(self->sets, set);
        g_hash_table_insert(self->numbers, g_bytes_ref(bytes), GUINT_TO_POINTER(self->sets->len));
        return self->sets->len - 1;
}

BwBorderSets *bw_border_sets_new(const GPtrArray *borders, const BwTopology *topology) {
        BwBorderSets *self = g_new0(BwBorderSets, 1);

        self->topology = topology;
        self->borders = borders;
        self->words = borders->len / 64 + 1;
        self->sets = g_ptr_array_new();
        self->numbers = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                              (GDestroyNotify) g_bytes_unref, NULL);
        number_of(self, new_set(self));
        return self;
}

void bw_border_sets_free(BwBorderSets *self) {
        if (!self)
                return;
        g_ptr_array_unref(self->sets);
        g_hash_table_unref(self->numbers);
        g_free(self);
}

/* The borders that @bridge is behind. */
static Word *lead_to_bridge(const BwBorderSets *self, const BwBridgePlan *bridge) {
        Word *set = new_set(self);

        for (guint i = 0; i < self->borders->len; i++) {
                const BwPortPlan *border = self->borders->pdata[i];

                if (bw_topology_is_behind(self->topology, border->ifindex, bridge->ifindex))
                        add_border(set, i);
        }
        return set;
}

guint bw_border_sets_at_bridge(BwBorderSets *self, const BwBridgePlan *bridge) {
        return number_of(self, lead_to_bridge(self, bridge));
}

guint bw_border_sets_at_port(BwBorderSets *self, const BwBridgePlan *bridge,
                             const BwPortPlan *port) {
        Word *set = lead_to_bridge(self, bridge);

        if (bw_port_plan_is_border(port))
                add_border(set, bw_border_place(self->borders, port));
        return number_of(self, set);
}

guint bw_border_sets_unite(BwBorderSets *self, guint a, guint b) {
        const Word *left = self->sets->pdata[a], *right = self->sets->pdata[b];
        Word *both;

        if (a == b)
                return a;
        both = new_set(self);
        for (gsize i = 0; i < self->words; i++)
                both[i] = left[i] | right[i];
        return number_of(self, both);
}

guint bw_border_sets_meet(BwBorderSets *self, guint a, guint b) {
        const Word *left = self->sets->pdata[a], *right = self->sets->pdata[b];
        Word *both;

        if (a == b)
                return a;
        both = new_set(self);
        for (gsize i = 0; i < self->words; i++)
                both[i] = left[i] & right[i];
        return number_of(self, both);
}

guint bw_border_sets_pick(BwBorderSets *self, BwBorderPicks picks, gconstpointer user) {
        Word *set = new_set(self);

        for (guint i = 0; i < self->borders->len; i++)
                if (picks(self->borders->pdata[i], user))
                        add_border(set, i);
        return number_of(self, set);
}

guint bw_border_sets_count(const BwBorderSets *self) {
        return self->sets->len;
}

GPtrArray *bw_border_sets_list(const BwBorderSets *self, guint number) {
        const Word *set = self->sets->pdata[number];
        GPtrArray *borders = g_ptr_array_new();

        for (guint i = 0; i < self->borders->len; i++)
                if (has_border(set, i))
                        g_ptr_array_add(borders, self->borders->pdata[i]);
        return borders;
}
