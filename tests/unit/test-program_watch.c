/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which links are asked, when, and what becomes of the answers: with a kernel and a journal of the
 * test's own. */

#include "program_watch.h"
#include "tcx.h"

#include <bw/error.h>
#include <string.h>

/* More than are asked for in one look, once they are known. */
#define MANY          1000
#define LOOKS_FOR_ALL 8
#define MOST_A_LOOK   128

/* The kernel */
static GHashTable *attached; /* ifindex -> number of its program */
static GHashTable *asked;    /* ifindex: since the last look() */
static bool refuses;
/* The journal */
static unsigned said;

GArray *bw_tcx_read(int ifindex, GError **error) {
        BwTcxProgram program = {};
        GArray *list;

        g_hash_table_add(asked, GINT_TO_POINTER(ifindex));
        if (refuses) {
                g_set_error(error, BW_ERROR, BW_ERROR_DENIED, "link %d", ifindex);
                return NULL;
        }
        list = g_array_new(FALSE, FALSE, sizeof(program));
        program.id = GPOINTER_TO_UINT(g_hash_table_lookup(attached, GINT_TO_POINTER(ifindex)));
        if (program.id)
                g_array_append_val(list, program);
        return list;
}

void bw_journal_say(G_GNUC_UNUSED BwJournal *journal, G_GNUC_UNUSED BwMessage message,
                    G_GNUC_UNUSED int priority, const char *sentence, ...) {
        g_assert_nonnull(strstr(sentence, "is not known: link "));
        said++;
}

static void attach(int ifindex, unsigned id) {
        g_hash_table_insert(attached, GINT_TO_POINTER(ifindex), GUINT_TO_POINTER(id));
}

/* At links @first to @last. */
static GHashTable *look_at(BwProgramWatch *watch, int first, int last) {
        g_autoptr(GArray) links = g_array_new(FALSE, FALSE, sizeof(int));

        for (int i = first; i <= last; i++)
                g_array_append_val(links, i);
        g_hash_table_remove_all(asked);
        return bw_program_watch_look(watch, links);
}

/* 0: none is known. */
static unsigned find(GHashTable *programs, int ifindex) {
        const GArray *list = g_hash_table_lookup(programs, GINT_TO_POINTER(ifindex));

        return list ? g_array_index(list, BwTcxProgram, 0).id : 0;
}

/* The known ones in turn as well. */
static GHashTable *look_in_turn(BwProgramWatch *watch, int first, int last) {
        bw_program_watch_take_turn(watch);
        return look_at(watch, first, last);
}

static unsigned look(BwProgramWatch *watch, int first, int last, int wanted) {
        return find(look_at(watch, first, last), wanted);
}

static void test_new_ones_at_once(void) {
        g_autoptr(BwProgramWatch) watch = bw_program_watch_new(NULL);

        attach(MANY, 7);
        g_assert_cmpuint(look(watch, 1, MANY, MANY), ==, 7);
        g_assert_cmpuint(g_hash_table_size(asked), ==, MANY);
        attach(MANY + 1, 8);
        /* A guest that starts waits for the questions about its own port only. */
        g_assert_cmpuint(look(watch, 1, MANY + 1, MANY + 1), ==, 8);
        g_assert_cmpuint(g_hash_table_size(asked), ==, 1);
        attach(MANY, 0);
        g_assert_cmpuint(look(watch, 1, MANY + 1, MANY), ==, 7);
        g_assert_cmpuint(g_hash_table_size(asked), ==, 0);
        attach(MANY + 1, 0);
}

/* One turn is one look's, with room for what is new. */
static void test_turns(void) {
        g_autoptr(BwProgramWatch) watch = bw_program_watch_new(NULL);

        look_at(watch, 1, MANY);
        look_in_turn(watch, 1, MANY + 1);
        g_assert_cmpuint(g_hash_table_size(asked), ==, MOST_A_LOOK + 1);
        look_at(watch, 1, MANY + 1);
        g_assert_cmpuint(g_hash_table_size(asked), ==, 0);
        bw_program_watch_take_turn(watch);
        look_in_turn(watch, 1, MANY + 1);
        g_assert_cmpuint(g_hash_table_size(asked), ==, MOST_A_LOOK);
}

static void look_at_all(BwProgramWatch *watch, unsigned wanted) {
        GHashTable *programs = NULL;

        for (unsigned i = 0; i < LOOKS_FOR_ALL; i++)
                programs = look_in_turn(watch, 1, MANY);
        for (int ifindex = 1; ifindex <= MANY; ifindex++)
                g_assert_cmpuint(find(programs, ifindex), ==, wanted);
}

static void test_all_in_turn(void) {
        g_autoptr(BwProgramWatch) watch = bw_program_watch_new(NULL);

        g_assert_cmpuint(look(watch, 1, MANY, 1), ==, 0);
        for (int ifindex = 1; ifindex <= MANY; ifindex++)
                attach(ifindex, 9);
        look_at_all(watch, 9);
        g_hash_table_remove_all(attached);
        look_at_all(watch, 0);
}

/* What was known of a link goes with it: its number may come again. */
static void test_forgotten(void) {
        g_autoptr(BwProgramWatch) watch = bw_program_watch_new(NULL);

        attach(3, 5);
        g_assert_cmpuint(look(watch, 1, 3, 3), ==, 5);
        g_assert_cmpuint(look(watch, 1, 2, 3), ==, 0);
        attach(3, 0);
        refuses = true;
        g_assert_cmpuint(look(watch, 1, 3, 3), ==, 0);
        refuses = false;
        g_assert_cmpuint(look(watch, 1, 0, 3), ==, 0);
        g_assert_cmpuint(g_hash_table_size(asked), ==, 0);
}

static unsigned look_again(BwProgramWatch *watch, int last) {
        return find(look_in_turn(watch, 1, last), 2);
}

static void test_refused(void) {
        g_autoptr(BwProgramWatch) watch = bw_program_watch_new(NULL);

        said = 0;
        attach(2, 4);
        g_assert_cmpuint(look_again(watch, 3), ==, 4);
        refuses = true;
        attach(2, 0);
        g_assert_cmpuint(look_again(watch, 3), ==, 4);
        g_assert_cmpuint(look_again(watch, 3), ==, 4);
        g_assert_cmpuint(said, ==, 1);
        /* Nothing was asked, so nothing is better. */
        look_at(watch, 1, 3);
        look_again(watch, 0);
        look_again(watch, 3);
        g_assert_cmpuint(said, ==, 1);
        refuses = false;
        g_assert_cmpuint(look_again(watch, 3), ==, 0);
        refuses = true;
        look_again(watch, 3);
        g_assert_cmpuint(said, ==, 2);
        refuses = false;
}

int main(int argc, char **argv) {
        int result;

        g_test_init(&argc, &argv, NULL);
        attached = g_hash_table_new(NULL, NULL);
        asked = g_hash_table_new(NULL, NULL);
        g_test_add_func("/program_watch/new-ones-at-once", test_new_ones_at_once);
        g_test_add_func("/program_watch/turns", test_turns);
        g_test_add_func("/program_watch/all-in-turn", test_all_in_turn);
        g_test_add_func("/program_watch/forgotten", test_forgotten);
        g_test_add_func("/program_watch/refused", test_refused);
        result = g_test_run();
        g_hash_table_unref(attached);
        g_hash_table_unref(asked);
        return result;
}
