/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_reports.h>
#include <bw/nft_table.h>
#include <bw/text.h>
#include <string.h>

/* nft's own text, read for what we write ourselves: names stand in quotes and have none inside. */

static char *take_word(const char *text, const char *before) {
        gsize length;

        if (!g_str_has_prefix(text, before))
                return NULL;
        text += strlen(before);
        length = strcspn(text, " {\n");
        return length > 0 ? g_strndup(text, length) : NULL;
}

/* The end of the element that begins at @text: a comma or a brace outside of quotes. */
static const char *element_end(const char *text) {
        bool quoted = false;

        for (; *text; text++) {
                if (*text == '"')
                        quoted = !quoted;
                if (!quoted && (*text == ',' || *text == '}'))
                        break;
        }
        return text;
}

/* @text stands behind "elements = {". Returns what stands behind the closing brace. */
static const char *read_elements(const char *text, GPtrArray *elements) {
        for (;;) {
                const char *end = element_end(text);
                char *element = g_strstrip(g_strndup(text, (gsize) (end - text)));

                if (*element)
                        g_ptr_array_add(elements, element);
                else
                        g_free(element);
                if (*end != ',')
                        return *end ? end + 1 : end;
                text = end + 1;
        }
}

typedef struct Reader {
        BwNftListing *listing;
        GString *base;
        char *set;     /* the set or map the reader is in, or NULL */
        char *counter; /* the counter the reader is in, or NULL */
        bool is_twin;
} Reader;

static void read_counts(Reader *reader, const char *line) {
        BwNftCount *count = g_new0(BwNftCount, 1);
        const char *bytes = strstr(line, " bytes ");

        count->packets = g_ascii_strtoull(line + strlen("packets "), NULL, 10);
        count->bytes = bytes ? g_ascii_strtoull(bytes + strlen(" bytes "), NULL, 10) : 0;
        g_hash_table_replace(reader->listing->counts, g_strdup(reader->counter), count);
        g_string_append(reader->base, "packets\n");
}

static void enter(Reader *reader, const char *line) {
        char *set = take_word(line, "set "), *counter = take_word(line, "counter ");

        if (!set)
                set = take_word(line, "map ");
        if (set)
                g_hash_table_replace(reader->listing->elements, g_strdup(set),
                                     g_ptr_array_new_with_free_func(g_free));
        g_free(reader->set);
        g_free(reader->counter);
        reader->set = set;
        reader->counter = counter;
}

/* A block of the table's own is indented once; what is inside of it, twice. */
static const char *read_line(Reader *reader, const char *line, gsize depth, const char *end) {
        static const char opening[] = "elements = {";
        g_autofree char *text = g_strndup(line, (gsize) (end - line));

        if (depth == 1 && *line != '}')
                enter(reader, text);
        if (depth == 2 && reader->set && g_str_has_prefix(line, opening)) {
                GPtrArray *elements = g_hash_table_lookup(reader->listing->elements, reader->set);
                const char *rest = read_elements(line + strlen(opening), elements);

                g_ptr_array_sort(elements, bw_text_compare);
                return rest;
        }
        if (depth == 2 && reader->counter && g_str_has_prefix(line, "packets ")) {
                read_counts(reader, text);
                return end;
        }
        /* What never changes is part of the base, elements and all. */
        if (depth == 2 && g_str_has_prefix(line, "flags constant"))
                g_clear_pointer(&reader->set, g_free);
        /* The twin differs from the table in its name and in being dormant, as it has to. */
        if (depth > 0 && !(reader->is_twin && g_str_has_prefix(line, "flags dormant")))
                g_string_append_printf(reader->base, "%s\n", text);
        return end;
}

BwNftListing *bw_nft_listing_parse(const char *text) {
        Reader reader = { .base = g_string_new(NULL) };
        const char *line = text;

        if (!g_str_has_prefix(text, "table " BW_NFT_FAMILY " ")) {
                g_string_free(reader.base, TRUE);
                return NULL;
        }
        reader.is_twin = g_str_has_prefix(text, "table " BW_NFT_FAMILY " " BW_NFT_TWIN " ");
        reader.listing = g_new0(BwNftListing, 1);
        reader.listing->elements = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                         (GDestroyNotify) g_ptr_array_unref);
        reader.listing->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        while (*line) {
                gsize depth = strspn(line, "\t");

                line += depth;
                line = read_line(&reader, line, depth, line + strcspn(line, "\n"));
                line += *line == '\n';
        }
        g_free(reader.set);
        g_free(reader.counter);
        reader.listing->base = g_string_free(reader.base, FALSE);
        return reader.listing;
}

char *bw_nft_forget_seen(const char *text) {
        static const char opening[] = "elements = {";
        GString *rest = g_string_new(NULL);
        bool dynamic = false;

        while (*text) {
                const char *end = text + strcspn(text, "\n");
                const char *line = text + strspn(text, "\t");

                end += *end == '\n';
                if (line - text == 1)
                        dynamic = false;
                dynamic |= line - text == 2 && g_str_has_prefix(line, "flags dynamic");
                if (dynamic && g_str_has_prefix(line, opening)) {
                        g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(g_free);

                        text = read_elements(line + strlen(opening), seen);
                        text += *text == '\n';
                        continue;
                }
                g_string_append_len(rest, text, end - text);
                text = end;
        }
        return g_string_free(rest, FALSE);
}

void bw_nft_listing_free(BwNftListing *listing) {
        if (!listing)
                return;
        g_free(listing->base);
        g_hash_table_unref(listing->elements);
        g_hash_table_unref(listing->counts);
        g_free(listing);
}

BwNftCount bw_nft_count(const BwNftListing *listing, BwDirection direction, BwReason reason,
                        bool drops) {
        char name[BW_NFT_NAME_SIZE];
        const BwNftCount *count = g_hash_table_lookup(
                listing->counts, bw_nft_counter_name(direction, reason, drops, name));

        return count ? *count : (BwNftCount){ 0, 0 };
}

/* "\"vk63\" counter packets 3 bytes 84 limit rate …" */
static void count_port(const char *element, BwDirection direction, BwReason reason,
                       BwNftCounted counted, gpointer user) {
        g_autofree char *port = bw_nft_element_name(element);
        /* Behind the name, which may hold anything but a quote. */
        const char *packets = port ? strstr(element + strlen(port) + 2, "packets ") : NULL;
        const char *bytes = packets ? strstr(packets, "bytes ") : NULL;

        if (!bytes)
                return;
        counted(port, direction, reason,
                (BwNftCount){ g_ascii_strtoull(packets + strlen("packets "), NULL, 10),
                              g_ascii_strtoull(bytes + strlen("bytes "), NULL, 10) },
                user);
}

static void count_ports(const BwNftListing *listing, BwDirection direction, BwReason reason,
                        BwNftCounted counted, gpointer user) {
        char name[BW_NFT_NAME_SIZE];
        const GPtrArray *elements =
                g_hash_table_lookup(listing->elements, bw_nft_seen_name(direction, reason, name));

        for (guint i = 0; elements && i < elements->len; i++)
                count_port(elements->pdata[i], direction, reason, counted, user);
}

void bw_nft_count_ports(const BwNftListing *listing, BwNftCounted counted, gpointer user) {
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                count_ports(listing, BW_DIRECTION_IN, reason, counted, user);
                count_ports(listing, BW_DIRECTION_OUT, reason, counted, user);
        }
}
