/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/text.h>
#include <stdbool.h>
#include <string.h>

static bool keep_any(gunichar c) {
        (void) c;
        return true;
}

/* isprint is false for format characters too: they can make a terminal show another order. */
static bool keep_printable(gunichar c) {
        return g_unichar_isprint(c);
}

static void append_escaped(GString *text, const char *bytes, gsize length) {
        for (gsize i = 0; i < length; i++)
                g_string_append_printf(text, "\\x%02x", (unsigned char) bytes[i]);
}

static char *escape(const char *bytes, bool (*keep)(gunichar c)) {
        const char *end = bytes + strlen(bytes);
        GString *text = g_string_sized_new((gsize) (end - bytes) + 1);

        while (bytes < end) {
                gunichar c = g_utf8_get_char_validated(bytes, end - bytes);
                bool valid = c != (gunichar) -1 && c != (gunichar) -2;
                gsize length = valid ? (gsize) (g_utf8_next_char(bytes) - bytes) : 1;

                if (valid && keep(c))
                        g_string_append_len(text, bytes, (gssize) length);
                else
                        append_escaped(text, bytes, length);
                bytes += length;
        }
        return g_string_free(text, FALSE);
}

char *bw_text_printable(const char *bytes) {
        return escape(bytes, keep_printable);
}

char *bw_text_short(const char *bytes, gsize most) {
        g_autofree char *head = g_strndup(bytes, most);
        g_autofree char *shown = bw_text_printable(head);

        return g_strconcat(shown, strlen(bytes) > most ? "..." : "", NULL);
}

char *bw_text_utf8(const char *bytes) {
        return escape(bytes, keep_any);
}

int bw_text_compare(gconstpointer a, gconstpointer b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}
