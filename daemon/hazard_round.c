/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hazard_round.h"

struct BwHazardRound {
        BwHazards *hazards;
        BwHazardKind kind;
        GHashTable *before, *now; /* sets of subjects */
};

static GHashTable *subjects_new(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

BwHazardRound *bw_hazard_round_new(BwHazards *hazards, BwHazardKind kind) {
        BwHazardRound *round = g_new0(BwHazardRound, 1);

        round->hazards = hazards;
        round->kind = kind;
        round->before = subjects_new();
        round->now = subjects_new();
        return round;
}

void bw_hazard_round_free(BwHazardRound *round) {
        if (!round)
                return;
        g_hash_table_unref(round->before);
        g_hash_table_unref(round->now);
        g_free(round);
}

void bw_hazard_round_raise(BwHazardRound *round, char *subject, const char *bridge,
                           const char *sentence) {
        bw_hazards_raise(round->hazards, round->kind, subject, bridge, sentence);
        g_hash_table_add(round->now, subject);
}

void bw_hazard_round_end(BwHazardRound *round) {
        GHashTableIter iter;
        const char *subject;

        g_hash_table_iter_init(&iter, round->before);
        while (g_hash_table_iter_next(&iter, (gpointer *) &subject, NULL))
                if (!g_hash_table_contains(round->now, subject))
                        bw_hazards_clear(round->hazards, round->kind, subject);
        g_hash_table_unref(round->before);
        round->before = round->now;
        round->now = subjects_new();
}
