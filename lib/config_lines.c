/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/config_lines.h>
#include <bw/error.h>
#include <bw/text.h>
#include <stdbool.h>
#include <string.h>

#define MAX_TEXT     (1024 * 1024)
#define MAX_SECTIONS 65536
/* A guest's name of 255 bytes, each of them escaped, and more than that. */
#define MAX_HEADER  2048
#define SHOWN_BYTES 80

typedef struct Scan {
        const char *file;
        unsigned number;
        unsigned sections;
        const char *section;  /* NULL before the first */
        BwConfigLines *found; /* lent */
        GString *clean;       /* what GKeyFile is to judge: headers and keys, without comments */
} Scan;

static bool fail(const Scan *scan, const char *line, const char *why, GError **error) {
        g_autofree char *shown = bw_text_short(line, SHOWN_BYTES);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "%s:%u: \"%s\": %s", scan->file,
                    scan->number, shown, why);
        return false;
}

static void add_line(Scan *scan, BwConfigLineKind kind, const char *key, const char *value) {
        GStringChunk *chunk = scan->found->chunk;
        BwConfigLine line = {
                .kind = kind,
                .number = scan->number,
                .section = scan->section,
                .key = key ? g_string_chunk_insert_const(chunk, key) : NULL,
                .value = value ? g_string_chunk_insert(chunk, value) : NULL,
        };

        g_array_append_val(scan->found->lines, line);
}

static bool is_comment_or_blank(const char *text) {
        return *text == '#' || *text == '\0';
}

/* Behind the closing bracket: nothing, or space and a comment. */
static bool ends_header(const char *text) {
        return *text == '\0' ||
               (g_ascii_isspace(*text) && is_comment_or_blank(text + strspn(text, " \t")));
}

static bool is_group_name(const char *name) {
        if (*name == '\0')
                return false;
        for (; *name; name++)
                if (*name == '[' || g_ascii_iscntrl(*name))
                        return false;
        return true;
}

static bool scan_header(Scan *scan, const char *line, GError **error) {
        const char *end = strchr(line, ']');
        g_autofree char *name = NULL;

        if (!end || !ends_header(end + 1))
                return fail(scan, line, "a section is written [NAME], alone on its line", error);
        if (end - line > MAX_HEADER)
                return fail(scan, line, "the section's name is too long", error);
        if (++scan->sections > MAX_SECTIONS)
                return fail(scan, line, "more than 65536 sections", error);
        name = g_strndup(line + 1, (gsize) (end - line) - 1);
        if (!is_group_name(name))
                return fail(
                        scan, line,
                        "a section's name is not empty and has no bracket or control character; "
                        "write \\133 for [ and \\135 for ]",
                        error);

        scan->section = g_string_chunk_insert_const(scan->found->chunk, name);
        g_string_append_printf(scan->clean, "[%s]\n", name);
        add_line(scan, BW_CONFIG_LINE_SECTION, NULL, NULL);
        return true;
}

static bool is_key_name(const char *name) {
        if (*name == '\0')
                return false;
        for (; *name; name++)
                if (!g_ascii_isalnum(*name) && *name != '-')
                        return false;
        return true;
}

static void cut_comment(char *value) {
        for (char *at = value; *at; at++)
                if (*at == '#' && (at == value || g_ascii_isspace(at[-1]))) {
                        *at = '\0';
                        break;
                }
        g_strstrip(value);
}

/* A wrong line is the trouble of its section alone, except where a bracket lets us doubt which
 * section that is: the keys of one port must never count for another. */
static bool scan_malformed(Scan *scan, const char *line, GError **error) {
        g_autofree char *bare = g_strdup(line);

        cut_comment(bare);
        if (strpbrk(bare, "[]"))
                return fail(scan, line, "neither a section [NAME], a KEY=VALUE nor a # comment",
                            error);
        add_line(scan, BW_CONFIG_LINE_MALFORMED, NULL, bare);
        return true;
}

static bool scan_line(Scan *scan, const char *line, GError **error) {
        const char *equals = strchr(line, '=');
        g_autofree char *key = NULL;

        if (is_comment_or_blank(line))
                return true;
        if (*line == '[')
                return scan_header(scan, line, error);
        if (!scan->section)
                return fail(scan, line, "stands before the first section, as [Guard]", error);

        key = g_strchomp(g_strndup(line, equals ? (gsize) (equals - line) : 0));
        if (!is_key_name(key))
                return scan_malformed(scan, line, error);
        g_string_append_printf(scan->clean, "%s\n", line);
        add_line(scan, BW_CONFIG_LINE_KEY, key, NULL);
        return true;
}

static bool scan_text(Scan *scan, const char *text, gsize length, GError **error) {
        const char *end = text + length;

        for (const char *next; text < end; text = next) {
                const char *newline = memchr(text, '\n', (gsize) (end - text));
                gsize size = (gsize) ((newline ? newline : end) - text);
                g_autofree char *line = g_strstrip(g_strndup(text, size));

                scan->number++;
                next = newline ? newline + 1 : end;
                if (memchr(text, '\0', size))
                        return fail(scan, line, "a NUL byte: this is no text", error);
                if (!scan_line(scan, line, error))
                        return false;
        }
        return true;
}

static unsigned hash_key(gconstpointer line) {
        const BwConfigLine *it = line;

        return g_direct_hash(it->section) * 31 + g_str_hash(it->key);
}

/* Names and keys are in the chunk once each, so that pointers will do. */
static gboolean same_key(gconstpointer a, gconstpointer b) {
        const BwConfigLine *left = a, *right = b;

        return left->section == right->section && left->key == right->key;
}

static void mark_repeated(GArray *lines) {
        g_autoptr(GHashTable) last = g_hash_table_new(hash_key, same_key);

        for (guint i = lines->len; i-- > 0;) {
                BwConfigLine *line = &g_array_index(lines, BwConfigLine, i);
                const BwConfigLine *later;

                if (line->kind != BW_CONFIG_LINE_KEY)
                        continue;
                later = g_hash_table_lookup(last, line);
                if (later)
                        line->repeated = later->number;
                else
                        g_hash_table_add(last, line);
        }
}

static bool fill_values(BwConfigLines *found, GKeyFile *keys) {
        for (guint i = 0; i < found->lines->len; i++) {
                BwConfigLine *line = &g_array_index(found->lines, BwConfigLine, i);
                g_autofree char *value = NULL;

                if (line->kind != BW_CONFIG_LINE_KEY || line->repeated > 0)
                        continue;
                value = g_key_file_get_value(keys, line->section, line->key, NULL);
                if (!value)
                        return false;
                cut_comment(value);
                line->value = g_string_chunk_insert(found->chunk, value);
        }
        return true;
}

/* GKeyFile has the last word on what the text says. It takes an "Encoding" key in the first
 * section for its own; a section of ours in front keeps it from that. */
static bool judge(const Scan *scan, GError **error) {
        g_autoptr(GKeyFile) keys = g_key_file_new();
        g_autoptr(GError) why = NULL;

        g_string_prepend(scan->clean, "[-]\n");
        if (g_key_file_load_from_data(keys, scan->clean->str, scan->clean->len, G_KEY_FILE_NONE,
                                      &why) &&
            fill_values(scan->found, keys))
                return true;

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "%s: %s", scan->file,
                    why ? why->message : "a key was lost on the way");
        return false;
}

BwConfigLines *bw_config_lines_parse(const char *file, const char *text, gsize length,
                                     GError **error) {
        static const char mark[] = { '\xef', '\xbb', '\xbf' };
        g_autoptr(BwConfigLines) found = g_new0(BwConfigLines, 1);
        g_autoptr(GString) clean = g_string_new(NULL);
        g_autofree char *shown = bw_text_short(file, MAX_HEADER);
        Scan scan = { .file = shown, .found = found, .clean = clean };

        found->lines = g_array_new(FALSE, FALSE, sizeof(BwConfigLine));
        found->chunk = g_string_chunk_new(4096);
        if (length > MAX_TEXT) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                            "%s: longer than 1 MiB, which no configuration is", shown);
                return NULL;
        }

        /* Some editors begin a file with a byte order mark. */
        if (length >= sizeof(mark) && memcmp(text, mark, sizeof(mark)) == 0) {
                text += sizeof(mark);
                length -= sizeof(mark);
        }
        if (!scan_text(&scan, text, length, error))
                return NULL;
        mark_repeated(found->lines);
        if (!judge(&scan, error))
                return NULL;
        return g_steal_pointer(&found);
}

void bw_config_lines_free(BwConfigLines *lines) {
        if (!lines)
                return;
        g_array_unref(lines->lines);
        g_string_chunk_free(lines->chunk);
        g_free(lines);
}
