/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Text in columns of a terminal
 *
 * Wide characters take two columns, combining ones none. All text is valid
 * UTF-8 on one line, as of bw_text_printable(). Refuses to know what it says.
 */

#include <glib.h>

/* What a terminal is taken to have: no line is longer. */
#define BW_COLUMNS 80

unsigned bw_columns_width(const char *text);
void bw_columns_pad(GString *text, const char *cell, unsigned width);
/* (transfer full): @text, or its beginning and its end with "..." between when it is wider than
 * @width, which is at least 5. Names are often told apart by their last letters. */
char *bw_columns_shorten(const char *text, unsigned width);
/* Appends @words, a space between two, to the last line of @text. What does not fit into BW_COLUMNS
 * goes on in new lines that begin with @margin, where a word that is wider than the line is cut in
 * pieces. No line feed at the end. */
void bw_columns_flow(GString *text, const char *margin, const char *const *words);
/* The same of the words of @sentence. */
void bw_columns_wrap(GString *text, const char *margin, const char *sentence);
