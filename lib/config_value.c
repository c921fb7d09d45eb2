/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/config_value.h>
#include <string.h>

#define MAX_INTERFACE_NAME 15

bool bw_config_value_find_word(const char *value, const char *const *words, unsigned *ret) {
        for (unsigned i = 0; words[i]; i++)
                if (g_str_equal(value, words[i])) {
                        *ret = i;
                        return true;
                }
        return false;
}

bool bw_config_value_read_number(const char *text, unsigned most, unsigned *ret) {
        guint64 number;

        if (!g_ascii_string_to_unsigned(text, 10, 1, most, &number, NULL))
                return false;
        *ret = (unsigned) number;
        return true;
}

GPtrArray *bw_config_value_split(const char *value, char **ret_copy) {
        GPtrArray *words = g_ptr_array_new();
        char *rest = *ret_copy = g_strdup(value);

        for (char *word; (word = strsep(&rest, " \t\v\f\r"));)
                if (*word)
                        g_ptr_array_add(words, word);
        return words;
}

/* What is in a list: how a word becomes a value, and how many values there may be. */
typedef struct ListKind {
        guint size;
        guint most;
        bool (*parse)(const char *word, gpointer ret, GError **error);
        GCompareFunc compare;
        const char *what;
} ListKind;

static bool parse_prefix(const char *word, gpointer ret, GError **error) {
        return bw_prefix_parse(word, ret, error);
}

static int compare_prefixes(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static bool parse_mac(const char *word, gpointer ret, GError **error) {
        return bw_mac_parse(word, ret, error);
}

static int compare_macs(gconstpointer a, gconstpointer b) {
        return bw_mac_compare(a, b);
}

/* A value written twice in one section is no reason to close a port. */
static void sort_and_fold(GArray *values, const ListKind *kind) {
        guint kept = 0;

        g_array_sort(values, kind->compare);
        for (guint i = 0; i < values->len; i++) {
                char *value = values->data + i * kind->size;
                char *next = values->data + kept * kind->size;

                if (kept > 0 && kind->compare(next - kind->size, value) == 0)
                        continue;
                memmove(next, value, kind->size);
                kept++;
        }
        g_array_set_size(values, kept);
}

static GArray *read_list(const BwConfigPlace *place, const ListKind *kind) {
        g_autoptr(GArray) values = g_array_new(FALSE, TRUE, kind->size);
        g_autofree char *copy = NULL;
        g_autoptr(GPtrArray) words = bw_config_value_split(place->line->value, &copy);

        g_array_set_size(values, words->len);
        for (guint i = 0; i < words->len; i++) {
                g_autoptr(GError) error = NULL;

                if (!kind->parse(words->pdata[i], values->data + i * kind->size, &error)) {
                        bw_config_place_error(place, "%s", error->message);
                        return NULL;
                }
        }

        sort_and_fold(values, kind);
        if (values->len > kind->most) {
                bw_config_place_error(place, "%u %s, and no more than %u may be; write fewer",
                                      values->len, kind->what, kind->most);
                return NULL;
        }
        return g_steal_pointer(&values);
}

GArray *bw_config_value_read_prefixes(const BwConfigPlace *place) {
        static const ListKind kind = { sizeof(BwPrefix), BW_MAX_ADDRESSES, parse_prefix,
                                       compare_prefixes, "addresses or networks" };

        return read_list(place, &kind);
}

GArray *bw_config_value_read_macs(const BwConfigPlace *place) {
        static const ListKind kind = { sizeof(BwMac), BW_MAX_MACS, parse_mac, compare_macs,
                                       "MAC addresses" };

        return read_list(place, &kind);
}

/* As the kernel's dev_valid_name(), whose isspace() knows the hard space of Latin-1. */
static bool is_kernel_space(char letter) {
        return g_ascii_isspace(letter) || letter == '\v' || letter == '\xa0';
}

const char *bw_config_value_interface_fault(const char *name) {
        if (*name == '\0')
                return "the interface's name is missing";
        if (strlen(name) > MAX_INTERFACE_NAME)
                return "no interface can have that name: it is longer than 15 bytes";
        if (g_str_equal(name, ".") || g_str_equal(name, ".."))
                return "no interface can have that name";
        if (strpbrk(name, "/:"))
                return "no interface can have that name: it has a \"/\" or \":\" in it";
        for (; *name; name++)
                if (is_kernel_space(*name))
                        return "no interface can have that name: it has white space in it "
                               "(space, tab or the byte 0xa0)";
        return NULL;
}
