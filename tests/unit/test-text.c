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

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/text/examples", test_examples);
        g_test_add_func("/text/any-bytes", test_any_bytes);
        return g_test_run();
}
