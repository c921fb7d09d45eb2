/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Text in columns: as wide as a terminal shows it, and never wider than a line.
 */

#include "columns.h"

#include <string.h>

#define WIDE "\xe6\x97\xa5" /* two columns */
#define MARK "e\xcc\x81"    /* one, of two characters */

static char *repeat(const char *piece, unsigned times) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < times; i++)
                g_string_append(text, piece);
        return g_string_free(text, FALSE);
}

static void test_width(void) {
        g_assert_cmpuint(bw_columns_width(""), ==, 0);
        g_assert_cmpuint(bw_columns_width("abc"), ==, 3);
        g_assert_cmpuint(bw_columns_width(WIDE WIDE "x"), ==, 5);
        g_assert_cmpuint(bw_columns_width(MARK MARK), ==, 2);
}

static void check_shortened(const char *piece) {
        for (unsigned times = 0; times < 60; times++) {
                g_autofree char *text = repeat(piece, times);

                for (unsigned width = 5; width < 40; width++) {
                        g_autofree char *found = bw_columns_shorten(text, width);

                        g_assert_cmpuint(bw_columns_width(found), <=, width);
                        g_assert_true(g_utf8_validate(found, -1, NULL));
                        g_assert_cmpint(strcmp(found, text) == 0, ==,
                                        bw_columns_width(text) <= width);
                }
        }
}

static void test_shorten(void) {
        g_autofree char *text = bw_columns_shorten("abcdefghijklmnopqrstuvwxyz", 11);

        g_assert_cmpstr(text, ==, "abcd...wxyz");
        check_shortened("a");
        check_shortened(WIDE);
        check_shortened(MARK);
        check_shortened("a" WIDE MARK);
}

static void check_lines(const char *text, const char *margin) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (unsigned i = 0; lines[i] != NULL; i++) {
                g_assert_cmpuint(bw_columns_width(lines[i]), <=, BW_COLUMNS);
                g_assert_false(g_str_has_suffix(lines[i], " "));
                g_assert_true(i == 0 || g_str_has_prefix(lines[i], margin));
        }
}

/* Nothing is lost, and nothing but white space comes in. */
static void test_wrap(void) {
        static const char *const pieces[] = { "a ",       "word ", WIDE " ", MARK MARK MARK " ",
                                              "nospaces", WIDE };

        for (unsigned i = 0; i < G_N_ELEMENTS(pieces); i++)
                for (unsigned times = 1; times < 200; times += 7) {
                        g_autofree char *sentence = g_strchomp(repeat(pieces[i], times));
                        g_autoptr(GString) text = g_string_new("|- name  ");
                        g_auto(GStrv) wanted = g_strsplit(sentence, " ", -1), found = NULL;
                        g_autofree char *all = NULL, *joined = g_strjoinv("", wanted);

                        bw_columns_wrap(text, "|    ", sentence);
                        check_lines(text->str, "|    ");
                        all = g_strdelimit(g_strdup(text->str + strlen("|- name  ")), "|\n", ' ');
                        found = g_strsplit(all, " ", -1);
                        g_free(all);
                        all = g_strjoinv("", found);
                        g_assert_cmpstr(all, ==, joined);
                }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/columns/width", test_width);
        g_test_add_func("/columns/shorten", test_shorten);
        g_test_add_func("/columns/wrap", test_wrap);
        return g_test_run();
}
