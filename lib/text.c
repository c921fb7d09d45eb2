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

/* Sorting lists of which most texts begin with the same words: what is behind these words, read as
 * one number, tells nearly all of them apart without looking at the text. */

typedef struct Keyed {
        guint64 key; /* the first bytes behind what all begin with, zeros behind the end */
        const char *rest;
        char *text;
} Keyed;

static int compare_keyed(gconstpointer a, gconstpointer b) {
        const Keyed *left = a, *right = b;

        if (left->key != right->key)
                return left->key < right->key ? -1 : 1;
        return strcmp(left->rest, right->rest);
}

static gsize length_alike(const GPtrArray *texts) {
        const char *first = texts->pdata[0];
        gsize alike = strlen(first);

        for (guint i = 1; i < texts->len; i++) {
                const char *text = texts->pdata[i];
                gsize n = 0;

                while (n < alike && text[n] == first[n])
                        n++;
                alike = n;
        }
        return alike;
}

static Keyed key_of(char *text, gsize alike) {
        Keyed keyed = { 0, text + alike, text };

        for (unsigned i = 0; i < sizeof(keyed.key); i++) {
                keyed.key <<= 8;
                if (*keyed.rest)
                        keyed.key |= (unsigned char) *keyed.rest++;
        }
        return keyed;
}

static bool ascends(const GPtrArray *texts) {
        for (guint i = 1; i < texts->len; i++)
                if (strcmp(texts->pdata[i - 1], texts->pdata[i]) >= 0)
                        return false;
        return true;
}

/* (transfer full) (element-type Keyed) */
static GArray *list_keyed(const GPtrArray *texts) {
        GArray *keyed = g_array_sized_new(FALSE, FALSE, sizeof(Keyed), texts->len);
        gsize alike = length_alike(texts);

        for (guint i = 0; i < texts->len; i++) {
                Keyed one = key_of(texts->pdata[i], alike);

                g_array_append_val(keyed, one);
        }
        return keyed;
}

void bw_text_sort(GPtrArray *texts) {
        g_autoptr(GArray) keyed = NULL;

        if (ascends(texts))
                return;
        keyed = list_keyed(texts);
        g_array_sort(keyed, compare_keyed);
        for (guint i = 0; i < keyed->len; i++)
                texts->pdata[i] = g_array_index(keyed, Keyed, i).text;
        for (guint i = keyed->len; i-- > 1;)
                if (compare_keyed(&g_array_index(keyed, Keyed, i),
                                  &g_array_index(keyed, Keyed, i - 1)) == 0)
                        g_ptr_array_remove_index(texts, i);
}
