/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hazards.h"

#include <bw/text.h>
#include <syslog.h>

struct BwHazards {
        BwJournal *journal;
        GHashTable *sentences; /* key -> sentence */
};

BwHazards *bw_hazards_new(BwJournal *journal) {
        BwHazards *hazards = g_new0(BwHazards, 1);

        hazards->journal = journal;
        hazards->sentences = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        return hazards;
}

void bw_hazards_free(BwHazards *hazards) {
        if (!hazards)
                return;
        g_hash_table_unref(hazards->sentences);
        g_free(hazards);
}

void bw_hazards_raise(BwHazards *hazards, const char *key, const char *sentence) {
        if (g_strcmp0(g_hash_table_lookup(hazards->sentences, key), sentence) == 0)
                return;
        g_hash_table_replace(hazards->sentences, g_strdup(key), g_strdup(sentence));
        bw_journal_say(hazards->journal, BW_MESSAGE_HAZARD, LOG_WARNING, sentence, "BW_HAZARD", key,
                       "BW_HAZARD_STATE", "raised", NULL);
}

void bw_hazards_clear(BwHazards *hazards, const char *key) {
        const char *former = g_hash_table_lookup(hazards->sentences, key);
        g_autofree char *sentence = former ? g_strdup_printf("No longer so: %s", former) : NULL;

        if (!former)
                return;
        bw_journal_say(hazards->journal, BW_MESSAGE_HAZARD, LOG_NOTICE, sentence, "BW_HAZARD", key,
                       "BW_HAZARD_STATE", "cleared", NULL);
        g_hash_table_remove(hazards->sentences, key);
}

char **bw_hazards_list(const BwHazards *hazards) {
        GPtrArray *list = g_ptr_array_new();
        GHashTableIter iter;
        const char *sentence;

        g_hash_table_iter_init(&iter, hazards->sentences);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &sentence))
                g_ptr_array_add(list, g_strdup(sentence));
        g_ptr_array_sort(list, bw_text_compare);
        g_ptr_array_add(list, NULL);
        return (char **) g_ptr_array_free(list, FALSE);
}
