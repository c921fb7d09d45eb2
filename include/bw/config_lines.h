/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Configuration, line by line
 *
 * What GKeyFile makes of a text, with the line of each section and key, which
 * GKeyFile does not tell. Knows nothing of what a section or key means. A part
 * of the config room; nobody else needs it.
 */

#include <glib.h>

typedef enum BwConfigLineKind {
        BW_CONFIG_LINE_SECTION,
        BW_CONFIG_LINE_KEY,
        BW_CONFIG_LINE_MALFORMED, /* neither section, key nor comment */
} BwConfigLineKind;

typedef struct BwConfigLine {
        BwConfigLineKind kind;
        unsigned number;     /* 1 is the first */
        const char *section; /* between the brackets; the one a key stands in */
        const char *key;     /* NULL unless a key */
        const char *value;   /* without comment and outer space; the line itself when malformed */
        unsigned repeated;   /* 0, or where the same key comes again: then @value is NULL */
} BwConfigLine;

typedef struct BwConfigLines {
        GArray *lines;       /* BwConfigLine, in order; blank lines and comments are left out */
        GStringChunk *chunk; /* owns the strings of @lines */
} BwConfigLines;

/* (transfer full): NULL and BW_ERROR_INVALID when it is no key file: a NUL byte, a key before the
 * first section, a bracket where nobody can tell whether a section begins, too long. */
BwConfigLines *bw_config_lines_parse(const char *file, const char *text, gsize length,
                                     GError **error);
void bw_config_lines_free(BwConfigLines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwConfigLines, bw_config_lines_free)
