/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "program_watch.h"

#include <bw/error.h>
#include <syslog.h>

#include "tcx.h"

/* Known links whose turn comes at once: two calls each, which take a fraction of a millisecond
 * together; a thousand ports have had their turn after eight times. */
#define MOST_ASKED 128

struct BwProgramWatch {
        BwJournal *journal;
        GHashTable
                *programs; /* ifindex -> GArray of BwTcxProgram or NULL, of all that were asked */
        guint turn;        /* counts the known links that were asked for */
        bool due;          /* the next look asks for some of them */
        bool troubled;     /* and it was said */
};

/* Of one look. */
typedef struct Round {
        unsigned asked;
        GError *trouble; /* the first */
} Round;

static void free_list(gpointer list) {
        if (list)
                g_array_unref(list);
}

BwProgramWatch *bw_program_watch_new(BwJournal *journal) {
        BwProgramWatch *watch = g_new0(BwProgramWatch, 1);

        watch->journal = journal;
        watch->programs = g_hash_table_new_full(NULL, NULL, NULL, free_list);
        return watch;
}

void bw_program_watch_free(BwProgramWatch *watch) {
        if (!watch)
                return;
        g_hash_table_unref(watch->programs);
        g_free(watch);
}

static void ask(BwProgramWatch *watch, int ifindex, Round *round) {
        gpointer key = GINT_TO_POINTER(ifindex);
        g_autoptr(GError) trouble = NULL;
        GArray *list = bw_tcx_read(ifindex, &trouble);

        round->asked++;
        if (list) {
                if (list->len == 0)
                        g_clear_pointer(&list, g_array_unref);
                g_hash_table_insert(watch->programs, key, list);
                return;
        }
        if (!g_hash_table_contains(watch->programs, key))
                g_hash_table_insert(watch->programs, key, NULL);
        if (!round->trouble)
                round->trouble = g_steal_pointer(&trouble);
}

static gboolean is_elsewhere(gpointer ifindex, G_GNUC_UNUSED gpointer list, gpointer wanted) {
        return !g_hash_table_contains(wanted, ifindex);
}

/* An ifindex is given to another link in time. */
static void forget(BwProgramWatch *watch, const GArray *links) {
        g_autoptr(GHashTable) wanted = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < links->len; i++)
                g_hash_table_add(wanted, GINT_TO_POINTER(g_array_index(links, int, i)));
        g_hash_table_foreach_remove(watch->programs, is_elsewhere, wanted);
}

static void note_trouble(BwProgramWatch *watch, const Round *round) {
        g_autofree char *sentence = NULL;

        if (round->trouble && !watch->troubled) {
                sentence = g_strdup_printf(
                        "Whether programs of the kind tcx are attached to guarded ports is not "
                        "known: %s. It takes CAP_NET_ADMIN in the first user namespace, and a "
                        "filter of system calls that lets bpf(2) pass",
                        round->trouble->message);
                bw_journal_say(watch->journal, BW_MESSAGE_ENGINE_TROUBLE, LOG_NOTICE, sentence,
                               NULL);
        }
        if (round->asked > 0)
                watch->troubled = round->trouble != NULL;
}

void bw_program_watch_take_turn(BwProgramWatch *watch) {
        watch->due = true;
}

/* Each call takes the lock behind which links are made: not for every guest that starts. */
static void ask_in_turn(BwProgramWatch *watch, const GArray *links, Round *round) {
        for (guint i = 0; i < MIN(links->len, MOST_ASKED); i++)
                ask(watch, g_array_index(links, int, watch->turn++ % links->len), round);
}

GHashTable *bw_program_watch_look(BwProgramWatch *watch, const GArray *links) {
        Round round = {};

        forget(watch, links);
        if (watch->due)
                ask_in_turn(watch, links, &round);
        watch->due = false;
        for (guint i = 0; i < links->len; i++) {
                int ifindex = g_array_index(links, int, i);

                if (!g_hash_table_contains(watch->programs, GINT_TO_POINTER(ifindex)))
                        ask(watch, ifindex, &round);
        }
        note_trouble(watch, &round);
        g_clear_error(&round.trouble);
        return watch->programs;
}
