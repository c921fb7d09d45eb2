/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_table.h>
#include <string.h>

static void print_elements(GString *text, const BwNftSet *set) {
        for (guint i = 0; i < set->elements->len; i++)
                g_string_append_printf(text, "%s%s", i == 0 ? "\t\telements = { " : ",\n\t\t\t",
                                       (const char *) set->elements->pdata[i]);
        if (set->elements->len > 0)
                g_string_append(text, " }\n");
}

static void print_set(GString *text, const BwNftSet *set, bool filled) {
        g_auto(GStrv) lines = g_strsplit(set->type, "\n", -1);

        g_string_append_printf(text, "\t%s %s {\n", bw_nft_set_is_map(set) ? "map" : "set",
                               set->name);
        for (char **line = lines; *line; line++)
                g_string_append_printf(text, "\t\t%s\n", *line);
        if (filled)
                print_elements(text, set);
        g_string_append(text, "\t}\n");
}

static void print_sets(GString *text, const BwNftTable *table, bool filled) {
        for (guint i = 0; i < table->sets->len; i++)
                print_set(text, &g_array_index(table->sets, BwNftSet, i), filled);
}

/* The base with the counts that are there already. */
static void print_base(GString *text, const char *base, const BwNftListing *found) {
        g_auto(GStrv) lines = g_strsplit(base, "\n", -1);
        const BwNftCount *count = NULL;

        for (char **line = lines; **line; line++) {
                g_autofree char *name = NULL;

                if (g_str_has_prefix(*line, "\tcounter ")) {
                        name = g_strndup(*line + strlen("\tcounter "),
                                         strcspn(*line + strlen("\tcounter "), " "));
                        count = found ? g_hash_table_lookup(found->counts, name) : NULL;
                }
                if (count && g_str_equal(*line, "\t\tpackets 0 bytes 0")) {
                        g_string_append_printf(text,
                                               "\t\tpackets %" G_GUINT64_FORMAT
                                               " bytes %" G_GUINT64_FORMAT "\n",
                                               count->packets, count->bytes);
                        continue;
                }
                g_string_append_printf(text, "%s\n", *line);
        }
}

char *bw_nft_print(const BwNftTable *table, const BwNftListing *found) {
        GString *text = g_string_new("table " BW_NFT_FAMILY " " BW_NFT_TABLE " {\n");

        print_sets(text, table, true);
        print_base(text, table->base, found);
        g_string_append(text, "}\n");
        return g_string_free(text, FALSE);
}

char *bw_nft_print_twin(const BwNftTable *table) {
        GString *text =
                g_string_new("table " BW_NFT_FAMILY " " BW_NFT_TWIN " {\n\tflags dormant\n");

        print_sets(text, table, false);
        g_string_append(text, table->base);
        g_string_append(text, "}\n");
        return g_string_free(text, FALSE);
}

static void append(GString *list, const char *element) {
        if (list->len > 0)
                g_string_append(list, ", ");
        g_string_append(list, element);
}

static void say(GString *text, const char *verb, const char *set, const GString *list) {
        if (list->len > 0)
                g_string_append_printf(text,
                                       "%s element " BW_NFT_FAMILY " " BW_NFT_TABLE " %s { %s }\n",
                                       verb, set, list->str);
}

/* Both sides are sorted. */
static void compare(const GPtrArray *wanted, const GPtrArray *found, GString *obsolete,
                    GString *missing) {
        guint w = 0, f = 0;

        while (w < wanted->len || f < found->len) {
                int order = w == wanted->len  ? 1
                            : f == found->len ? -1
                                              : strcmp(wanted->pdata[w], found->pdata[f]);

                if (order < 0)
                        append(missing, wanted->pdata[w]);
                if (order > 0)
                        append(obsolete, found->pdata[f]);
                w += order <= 0;
                f += order >= 0;
        }
}

static void diff_set(GString *text, const BwNftSet *set, const GPtrArray *found) {
        g_autoptr(GPtrArray) nothing = g_ptr_array_new();
        g_autoptr(GString) obsolete = g_string_new(NULL), missing = g_string_new(NULL);

        if (set->elements == found)
                return;
        compare(set->elements, found ? found : nothing, obsolete, missing);
        say(text, "delete", set->name, obsolete);
        say(text, "add", set->name, missing);
}

char *bw_nft_diff(const BwNftTable *wanted, const BwNftListing *found) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < wanted->sets->len; i++) {
                const BwNftSet *set = &g_array_index(wanted->sets, BwNftSet, i);

                diff_set(text, set, g_hash_table_lookup(found->elements, set->name));
        }
        return g_string_free(text, text->len == 0);
}
