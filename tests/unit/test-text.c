/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/text.h>
#include <string.h>

typedef struct Example {
        const char *bytes, *printable, *utf8;
} Example;

static const Example examples[] = {
        { "", "", "" },
        { "vnet3", "vnet3", "vnet3" },
        { "Gast äöü 客人", "Gast äöü 客人", "Gast äöü 客人" },
        { "%n%s \\ ' \" $(x)", "%n%s \\ ' \" $(x)", "%n%s \\ ' \" $(x)" },
        { "a\nb\tc\r\x7f", "a\\x0ab\\x09c\\x0d\\x7f", "a\nb\tc\r\x7f" },
        { "\x1b[2J", "\\x1b[2J", "\x1b[2J" },
        /* C1 control, right-to-left override, byte order mark */
        { "\xc2\x9b"
          "2J",
          "\\xc2\\x9b2J",
          "\xc2\x9b"
          "2J" },
        { "\xe2\x80\xae"
          "exe",
          "\\xe2\\x80\\xaeexe",
          "\xe2\x80\xae"
          "exe" },
        { "\xef\xbb\xbf", "\\xef\\xbb\\xbf", "\xef\xbb\xbf" },
        /* no UTF-8: stray bytes, cut short, overlong, surrogate, beyond Unicode */
        { "\xff\xfe", "\\xff\\xfe", "\\xff\\xfe" },
        { "a\xe2\x82", "a\\xe2\\x82", "a\\xe2\\x82" },
        { "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80" },
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80" },
};

static void test_examples(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
                g_autofree char *printable = bw_text_printable(examples[i].bytes);
                g_autofree char *utf8 = bw_text_utf8(examples[i].bytes);

                g_assert_cmpstr(printable, ==, examples[i].printable);
                g_assert_cmpstr(utf8, ==, examples[i].utf8);
        }
}

/* Whatever comes in, what comes out can be shown and sent. */
static void test_any_bytes(void) {
        for (unsigned round = 0; round < 20000; round++) {
                char bytes[17];
                unsigned length = (unsigned) g_test_rand_int_range(0, sizeof(bytes));
                g_autofree char *printable = NULL, *utf8 = NULL;

                for (unsigned i = 0; i < length; i++)
                        bytes[i] = (char) g_test_rand_int_range(1, 256);
                bytes[length] = '\0';
                printable = bw_text_printable(bytes);
                utf8 = bw_text_utf8(bytes);
                g_assert_true(g_utf8_validate(utf8, -1, NULL));
                g_assert_true(g_utf8_validate(printable, -1, NULL));
                for (const char *at = printable; *at != '\0'; at = g_utf8_next_char(at))
                        g_assert_true(g_unichar_isprint(g_utf8_get_char(at)));
                if (g_utf8_validate(bytes, -1, NULL))
                        g_assert_cmpstr(utf8, ==, bytes);
        }
}

/* Few letters, so that there are doubles, and some that begin as others end; now and then in order
 * already, and behind words that all begin with. */
static GPtrArray *random_texts(void) {
        GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
        unsigned n = (unsigned) g_test_rand_int_range(0, 60);
        const char *start = g_test_rand_bit() ? "" : "2001:db8::";
        int longest = g_test_rand_bit() ? 4 : 24;

        for (unsigned i = 0; i < n; i++) {
                GString *text = g_string_new(start);

                for (int k = g_test_rand_int_range(0, longest); k > 0; k--)
                        g_string_append_c(text, "\x01"
                                                "ab\xff"[g_test_rand_int_range(0, 4)]);
                g_ptr_array_add(texts, g_string_free(text, FALSE));
        }
        if (g_test_rand_bit())
                g_ptr_array_sort(texts, bw_text_compare);
        return texts;
}

static void test_sort(void) {
        for (unsigned round = 0; round < 2000; round++) {
                g_autoptr(GPtrArray) texts = random_texts();
                g_autoptr(GHashTable) all =
                        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

                for (guint i = 0; i < texts->len; i++)
                        g_hash_table_add(all, g_strdup(texts->pdata[i]));
                bw_text_sort(texts);
                g_assert_cmpuint(texts->len, ==, g_hash_table_size(all));
                for (guint i = 0; i < texts->len; i++) {
                        g_assert_true(g_hash_table_contains(all, texts->pdata[i]));
                        g_assert_true(i == 0 || strcmp(texts->pdata[i - 1], texts->pdata[i]) < 0);
                }
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/text/examples", test_examples);
        g_test_add_func("/text/any-bytes", test_any_bytes);
        g_test_add_func("/text/sort", test_sort);
        return g_test_run();
}
