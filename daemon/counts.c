/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "counts.h"

#include <bw/priority.h>

typedef struct Asker {
        BwCountsReady ready;
        gpointer user;
        int64_t asked_usec;
} Asker;

/* What was read. */
typedef struct Reading {
        GArray *tallies; /* BwTally, their names in @names */
        GStringChunk *names;
        int64_t begun_usec;
        unsigned used;   /* (set of engines) by which it was read */
        GError *failure; /* NULL: none (owned) */
} Reading;

struct BwCounts {
        BwReconciler *reconciler;
        Reading *kept; /* NULL: nothing was read yet */
        Reading *running;
        unsigned part; /* of @running, the next */
        guint turn;
        bool answering;
        GQueue joined;  /* Asker *, who wait for @running */
        GQueue waiting; /* Asker *, who want one that begins later */
};

static Reading *reading_new(BwReconciler *reconciler, int64_t begun_usec) {
        Reading *reading = g_new0(Reading, 1);

        reading->tallies = g_array_new(FALSE, FALSE, sizeof(BwTally));
        reading->names = g_string_chunk_new(4096);
        reading->begun_usec = begun_usec;
        reading->used = bw_reconciler_used(reconciler);
        return reading;
}

static void reading_free(Reading *reading) {
        if (!reading)
                return;
        g_array_unref(reading->tallies);
        g_string_chunk_free(reading->names);
        g_clear_error(&reading->failure);
        g_free(reading);
}

static bool is_fresh(const Reading *reading, int64_t now_usec) {
        return reading && now_usec - reading->begun_usec < BW_COUNTS_KEPT_USEC;
}

/* Most rules of most ports have met nothing. */
static void keep_tally(const BwTally *tally, gpointer user) {
        Reading *reading = user;
        BwTally kept = *tally;

        if (tally->packets == 0)
                return;
        kept.bridge = g_string_chunk_insert_const(reading->names, tally->bridge);
        kept.port = g_string_chunk_insert_const(reading->names, tally->port);
        g_array_append_val(reading->tallies, kept);
}

static gboolean on_turn(gpointer user);

static void begin(BwCounts *counts, int64_t now_usec) {
        counts->running = reading_new(counts->reconciler, now_usec);
        counts->part = 0;
        counts->turn = g_idle_add_full(BW_PRIORITY_ASKED, on_turn, counts, NULL);
}

/* They all have asked before it begins. */
static void begin_for_waiting(BwCounts *counts) {
        const Asker *last = g_queue_peek_tail(&counts->waiting);

        if (!last || counts->running || counts->answering)
                return;
        begin(counts, last->asked_usec);
        counts->joined = counts->waiting;
        g_queue_init(&counts->waiting);
}

/* Whoever is called may ask again, which is for a later reading, or withdraw others. */
static void answer_joined(BwCounts *counts) {
        Asker *asker;

        counts->answering = true;
        while ((asker = g_queue_pop_head(&counts->joined))) {
                asker->ready(counts, counts->kept->failure, asker->user);
                g_free(asker);
        }
        counts->answering = false;
}

static void finish(BwCounts *counts) {
        reading_free(counts->kept);
        counts->kept = g_steal_pointer(&counts->running);
        answer_joined(counts);
        begin_for_waiting(counts);
}

/* What is let pass is counted by one engine alone: which one must not change on the way. */
static void begin_again_if_engines_changed(BwCounts *counts) {
        const Reading *running = counts->running;
        int64_t begun_usec = running->begun_usec;

        if (running->used == bw_reconciler_used(counts->reconciler))
                return;
        reading_free(counts->running);
        counts->running = reading_new(counts->reconciler, begun_usec);
        counts->part = 0;
}

static gboolean on_turn(gpointer user) {
        BwCounts *counts = user;

        begin_again_if_engines_changed(counts);
        if (bw_reconciler_count(counts->reconciler, counts->part++, keep_tally, counts->running,
                                &counts->running->failure) &&
            counts->part < bw_reconciler_count_parts(counts->reconciler))
                return G_SOURCE_CONTINUE;
        counts->turn = 0;
        finish(counts);
        return G_SOURCE_REMOVE;
}

static GQueue *queue_for(BwCounts *counts, BwCountsAge age, int64_t now_usec) {
        bool joins = age == BW_COUNTS_KEPT && is_fresh(counts->running, now_usec);

        return joins ? &counts->joined : &counts->waiting;
}

void bw_counts_ask(BwCounts *counts, BwCountsAge age, int64_t now_usec, BwCountsReady ready,
                   gpointer user) {
        Asker *asker;

        if (age == BW_COUNTS_KEPT && is_fresh(counts->kept, now_usec)) {
                ready(counts, counts->kept->failure, user);
                return;
        }
        asker = g_new(Asker, 1);
        *asker = (Asker){ ready, user, now_usec };
        g_queue_push_tail(queue_for(counts, age, now_usec), asker);
        begin_for_waiting(counts);
}

static void withdraw_from(GQueue *askers, gconstpointer user) {
        GList *next;

        for (GList *at = askers->head; at; at = next) {
                Asker *asker = at->data;

                next = at->next;
                if (asker->user != user)
                        continue;
                g_free(asker);
                g_queue_delete_link(askers, at);
        }
}

void bw_counts_withdraw(BwCounts *counts, gconstpointer user) {
        withdraw_from(&counts->joined, user);
        withdraw_from(&counts->waiting, user);
}

void bw_counts_tell(const BwCounts *counts, BwTallied tallied, gpointer user) {
        for (guint i = 0; counts->kept && i < counts->kept->tallies->len; i++)
                tallied(&g_array_index(counts->kept->tallies, BwTally, i), user);
}

BwCounts *bw_counts_new(BwReconciler *reconciler) {
        BwCounts *counts = g_new0(BwCounts, 1);

        counts->reconciler = reconciler;
        g_queue_init(&counts->joined);
        g_queue_init(&counts->waiting);
        return counts;
}

void bw_counts_free(BwCounts *counts) {
        if (!counts)
                return;
        g_clear_handle_id(&counts->turn, g_source_remove);
        g_queue_clear_full(&counts->joined, g_free);
        g_queue_clear_full(&counts->waiting, g_free);
        reading_free(counts->kept);
        reading_free(counts->running);
        g_free(counts);
}
