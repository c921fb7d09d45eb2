/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Text
 *
 * Bytes from outside (guest names, interface names, sentences made of them) as
 * text that can be shown. What cannot be shown becomes \xNN per byte; everything
 * else stays. For showing only: never to look a name up again. And the order of
 * texts in lists, which is that of their bytes.
 */

#include <glib.h>

/* (transfer full): valid UTF-8 on one line. Control characters, escape sequences, marks that turn
 * the direction of text, and what is no UTF-8 are escaped. For terminals and stderr. */
char *bw_text_printable(const char *bytes);
/* The same of the first @most bytes, with "..." behind it when that is not all. */
char *bw_text_short(const char *bytes, gsize most);
/* (transfer full): valid UTF-8; only what is no UTF-8 is escaped. For D-Bus and JSON. */
char *bw_text_utf8(const char *bytes);

/* Sorts an array of char * as strcmp() would and drops doubles. Fast where most texts begin alike,
 * or are in order. */
void bw_text_sort(GPtrArray *texts);
/* Of two elements of an array of char *, for g_ptr_array_sort(): as strcmp(). */
int bw_text_compare(gconstpointer a, gconstpointer b);
