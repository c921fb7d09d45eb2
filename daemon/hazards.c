/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hazards.h"

#include <syslog.h>

struct BwHazards {
        BwJournal *journal;
        GHashTable *raised; /* BwHazard * by kind and subject; the value is the key */
        void (*changed)(gpointer user);
        gpointer user;
        guint idle;
};

static void free_hazard(gpointer hazard) {
        bw_hazard_free(hazard);
}

BwHazards *bw_hazards_new(BwJournal *journal) {
        BwHazards *hazards = g_new0(BwHazards, 1);

        hazards->journal = journal;
        hazards->raised =
                g_hash_table_new_full(bw_hazard_hash, bw_hazard_is_same, free_hazard, NULL);
        return hazards;
}

void bw_hazards_free(BwHazards *hazards) {
        if (!hazards)
                return;
        g_clear_handle_id(&hazards->idle, g_source_remove);
        g_hash_table_unref(hazards->raised);
        g_free(hazards);
}

static gboolean on_idle(gpointer user) {
        BwHazards *hazards = user;

        hazards->idle = 0;
        if (hazards->changed)
                hazards->changed(hazards->user);
        return G_SOURCE_REMOVE;
}

static void note_change(BwHazards *hazards) {
        if (hazards->changed && !hazards->idle)
                hazards->idle = g_idle_add(on_idle, hazards);
}

static const BwHazard *find(const BwHazards *hazards, BwHazardKind kind, const char *subject) {
        const BwHazard wanted = { .kind = kind, .subject = (char *) subject };

        return g_hash_table_lookup(hazards->raised, &wanted);
}

static void say(const BwHazards *hazards, const BwHazard *hazard, BwMessage message, int priority,
                const char *sentence) {
        bw_journal_say(hazards->journal, message, priority, sentence, "BW_HAZARD",
                       bw_hazard_kind_name(hazard->kind), "BW_SUBJECT",
                       *hazard->subject ? hazard->subject : NULL, "BW_BRIDGE", hazard->bridge,
                       "BW_HAZARD_STATE", message == BW_MESSAGE_HAZARD ? "raised" : "cleared",
                       NULL);
}

void bw_hazards_raise(BwHazards *hazards, BwHazardKind kind, const char *subject,
                      const char *bridge, const char *sentence) {
        const BwHazard *former = find(hazards, kind, subject);
        BwHazard *hazard;

        if (former && g_str_equal(former->sentence, sentence))
                return;
        hazard = g_new0(BwHazard, 1);
        hazard->kind = kind;
        hazard->subject = g_strdup(subject);
        hazard->bridge = g_strdup(bridge);
        hazard->sentence = g_strdup(sentence);
        g_hash_table_replace(hazards->raised, hazard, hazard);
        say(hazards, hazard, BW_MESSAGE_HAZARD, LOG_WARNING, sentence);
        note_change(hazards);
}

void bw_hazards_clear(BwHazards *hazards, BwHazardKind kind, const char *subject) {
        const BwHazard *former = find(hazards, kind, subject);
        g_autofree char *sentence = NULL;

        if (!former)
                return;
        sentence = g_strdup_printf("No longer so: %s", former->sentence);
        say(hazards, former, BW_MESSAGE_HAZARD_CLEARED, LOG_NOTICE, sentence);
        g_hash_table_remove(hazards->raised, former);
        note_change(hazards);
}

static int compare(gconstpointer a, gconstpointer b) {
        const BwHazard *const *left = a, *const *right = b;

        return bw_hazard_compare(*left, *right);
}

GPtrArray *bw_hazards_list(const BwHazards *hazards) {
        GPtrArray *list = g_ptr_array_new();
        GHashTableIter iter;
        gpointer hazard;

        g_hash_table_iter_init(&iter, hazards->raised);
        while (g_hash_table_iter_next(&iter, &hazard, NULL))
                g_ptr_array_add(list, hazard);
        g_ptr_array_sort(list, compare);
        return list;
}

void bw_hazards_listen(BwHazards *hazards, void (*changed)(gpointer user), gpointer user) {
        hazards->changed = changed;
        hazards->user = user;
}
