/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Depth of JSON
 *
 * Whether a parser that calls itself for every bracket may be given a text. Knows
 * strings and brackets (RFC 8259), and what json-glib takes besides; what the text
 * says is the parser's.
 */

#include <glib.h>

/* NULL, or why not: brackets are nested deeper than @most, or the text has what json-glib reads on
 * its own terms (comments, 'strings', an escape that takes in what follows), so that our count of
 * brackets would not be its count. Static, part of a sentence that begins with "it". */
const char *bw_json_depth_fault(const char *text, gsize length, unsigned most);
