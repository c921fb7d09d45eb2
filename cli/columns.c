/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "columns.h"

#include <stdbool.h>
#include <string.h>

#define GAP "..."

static unsigned width_of(gunichar c) {
        return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

unsigned bw_columns_width(const char *text) {
        unsigned width = 0;

        for (; *text != '\0'; text = g_utf8_next_char(text))
                width += width_of(g_utf8_get_char(text));
        return width;
}

void bw_columns_pad(GString *text, const char *cell, unsigned width) {
        g_string_append(text, cell);
        for (unsigned have = bw_columns_width(cell); have < width; have++)
                g_string_append_c(text, ' ');
}

/* Where the longest beginning ends that is no wider than @width. */
static const char *end_of_head(const char *text, unsigned width) {
        unsigned have = 0;

        for (; *text != '\0'; text = g_utf8_next_char(text)) {
                have += width_of(g_utf8_get_char(text));
                if (have > width)
                        break;
        }
        return text;
}

char *bw_columns_shorten(const char *text, unsigned width) {
        unsigned have = bw_columns_width(text), kept = width - (unsigned) strlen(GAP);
        const char *head_end, *tail = text;

        if (have <= width)
                return g_strdup(text);
        head_end = end_of_head(text, kept - kept / 2);
        while (bw_columns_width(tail) > kept / 2)
                tail = g_utf8_next_char(tail);
        /* A mark that combines belongs to the letter before it. */
        while (*tail != '\0' && width_of(g_utf8_get_char(tail)) == 0)
                tail = g_utf8_next_char(tail);
        return g_strdup_printf("%.*s" GAP "%s", (int) (head_end - text), text, tail);
}

/* From the end: a text may be long, and a line is not. */
static unsigned width_of_last_line(const GString *text) {
        const char *line = text->str + text->len;

        while (line > text->str && line[-1] != '\n')
                line--;
        return bw_columns_width(line);
}

static void end_line(GString *text, const char *margin) {
        while (text->len > 0 && text->str[text->len - 1] == ' ')
                g_string_truncate(text, text->len - 1);
        g_string_append_printf(text, "\n%s", margin);
}

/* A word longer than a line, at the beginning of one. */
static const char *append_piece(GString *text, const char *margin, const char *word) {
        unsigned room = BW_COLUMNS - bw_columns_width(margin);

        while (bw_columns_width(word) > room) {
                const char *end = end_of_head(word, room);

                g_string_append_len(text, word, end - word);
                g_string_append_printf(text, "\n%s", margin);
                word = end;
        }
        return word;
}

void bw_columns_flow(GString *text, const char *margin, const char *const *words) {
        unsigned have = width_of_last_line(text);
        bool is_first = true;

        for (; *words != NULL; words++) {
                const char *word = *words;
                unsigned width = bw_columns_width(word);

                if (have + !is_first + width > BW_COLUMNS && have > bw_columns_width(margin)) {
                        end_line(text, margin);
                        have = bw_columns_width(margin);
                        is_first = true;
                }
                if (!is_first)
                        g_string_append_c(text, ' ');
                g_string_append(text, append_piece(text, margin, word));
                have = width_of_last_line(text);
                is_first = false;
        }
}

void bw_columns_wrap(GString *text, const char *margin, const char *sentence) {
        g_auto(GStrv) words = g_strsplit(sentence, " ", -1);

        bw_columns_flow(text, margin, (const char *const *) words);
}
