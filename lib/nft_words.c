/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_words.h>
#include <string.h>

typedef void (*TakeLine)(const char *chain, const char *line, gpointer user);

/* Calls @take for each line of @text; @chain: the chain it stands in, or NULL. */
static void walk(const char *text, TakeLine take, gpointer user) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autofree char *chain = NULL;

        for (char **line = lines; *line; line++) {
                const char *words = *line + strspn(*line, " \t");

                if (g_str_equal(words, "}"))
                        g_clear_pointer(&chain, g_free);
                take(chain, *line, user);
                if (g_str_has_prefix(words, "chain ") && g_str_has_suffix(words, " {")) {
                        g_free(chain);
                        chain = g_strdup(words);
                }
        }
}

/* Chain -> its lines in order, without their indents. */

static void note_line(const char *chain, const char *line, gpointer user) {
        GHashTable *chains = user;
        GPtrArray *lines;

        if (!chain)
                return;
        lines = g_hash_table_lookup(chains, chain);
        if (!lines) {
                lines = g_ptr_array_new_with_free_func(g_free);
                g_hash_table_insert(chains, g_strdup(chain), lines);
        }
        g_ptr_array_add(lines, g_strdup(line + strspn(line, " \t")));
}

static GHashTable *read_chains(const char *text) {
        GHashTable *chains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                   (GDestroyNotify) g_ptr_array_unref);

        walk(text, note_line, chains);
        return chains;
}

typedef struct Words {
        GHashTable *listed, *written;
        GString *text;
} Words;

/* Chains that are listed with another number of lines are not understood, and stay as they are. */
static const char *find_written(const Words *words, const char *chain, const char *line) {
        const GPtrArray *listed = g_hash_table_lookup(words->listed, chain);
        const GPtrArray *written = g_hash_table_lookup(words->written, chain);

        if (!listed || !written || listed->len != written->len)
                return NULL;
        for (guint i = 0; i < listed->len; i++)
                if (g_str_equal(listed->pdata[i], line))
                        return written->pdata[i];
        return NULL;
}

static void print_line(const char *chain, const char *line, gpointer user) {
        const Words *words = user;
        const char *written = chain ? find_written(words, chain, line + strspn(line, " \t")) : NULL;

        g_string_append_printf(words->text, "%s\n", written ? written : line);
}

char *bw_nft_reword(const char *text, const char *listed, const char *written) {
        g_autoptr(GHashTable) before = read_chains(listed), after = read_chains(written);
        Words words = { before, after, g_string_new(NULL) };

        walk(text, print_line, &words);
        return g_string_free(words.text, FALSE);
}
