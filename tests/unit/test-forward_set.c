/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Keys as rules make them up, and which element is for them. */

#include <arpa/inet.h>
#include <bw/forward_set.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwForwardSet, bw_forward_set_free)

static const BwForwardPacket packet = { BW_FAMILY_IPV6, "virbr6", 7 };

static BwForwardElement *add(BwForwardSet *set, gconstpointer key, gsize length) {
        BwForwardElement element = {};

        memcpy(element.key, key, length);
        g_array_append_val(set->elements, element);
        return &g_array_index(set->elements, BwForwardElement, set->elements->len - 1);
}

static void add_span(BwForwardSet *set, gconstpointer first, gconstpointer last, gsize length) {
        BwForwardElement *element = add(set, first, length);

        memcpy(element->last, last, length);
        element->is_span = true;
}

static bool is_in(const BwForwardSet *set, const BwForwardLookup *lookup) {
        const BwForwardElement *element = NULL;

        g_assert_true(bw_forward_set_find(set, lookup, &packet, &element));
        return element;
}

static bool has_name(const BwForwardSet *set, const char *name) {
        static const BwForwardLookup lookup = { .fields = { BW_FORWARD_IN_NAME } };
        BwForwardPacket other = { .ifindex = 7 };
        const BwForwardElement *element = NULL;

        memcpy(other.bridge, name, strlen(name));
        g_assert_true(bw_forward_set_find(set, &lookup, &other, &element));
        return element;
}

#define NAME "virbr6\0\0\0\0\0\0\0\0\0\0"

/* What each field is in a key. */
static void test_fields(void) {
        static const struct {
                BwForwardField field;
                const char *key, *other;
                unsigned length;
        } rows[] = {
                { BW_FORWARD_IN_NAME, NAME, "virbr66\0\0\0\0\0\0\0\0\0", 16 },
                { BW_FORWARD_OUT_NAME, NAME, "virbr\0\0\0\0\0\0\0\0\0\0\0", 16 },
                { BW_FORWARD_IN_INDEX_SWAPPED, "\0\0\0\7", "\7\0\0\0", 4 },
                { BW_FORWARD_OUT_INDEX_SWAPPED, "\0\0\0\7", "\0\0\0\6", 4 },
                { BW_FORWARD_NFPROTO, "\x0a", "\x02", 1 },
                { BW_FORWARD_NFPROTO, "\x0a\0\0", "\0\0\0\x0a", 4 },
                { BW_FORWARD_PROTOCOL, "\x86\xdd", "\x08\x00", 2 },
                { BW_FORWARD_PROTOCOL, "\x86\xdd\0", "\xdd\x86\0", 4 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                const BwForwardLookup lookup = { .fields = { rows[i].field } };
                g_autoptr(BwForwardSet) set = bw_forward_set_new();

                set->length = rows[i].length;
                add(set, rows[i].other, rows[i].length);
                g_assert_false(is_in(set, &lookup));
                add(set, rows[i].key, rows[i].length);
                g_assert_true(is_in(set, &lookup));
        }
}

static void test_numbers(void) {
        static const uint32_t number = 7;

        for (unsigned i = BW_FORWARD_IN_INDEX; i <= BW_FORWARD_OUT_INDEX; i++) {
                const BwForwardLookup lookup = { .fields = { (BwForwardField) i } };
                g_autoptr(BwForwardSet) set = bw_forward_set_new();

                set->length = sizeof(number);
                add(set, "\1\2\3\4", 4);
                g_assert_false(is_in(set, &lookup));
                add(set, &number, sizeof(number));
                g_assert_true(is_in(set, &lookup));
        }
}

/* Of what is known as much is asked as the set's keys are long, if they end where a field ends. */
static void test_lengths(void) {
        static const BwForwardLookup lookup = { .fields = { BW_FORWARD_NFPROTO, BW_FORWARD_IN_NAME,
                                                            BW_FORWARD_PROTOCOL } };
        static const uint8_t key[BW_FORWARD_KEY_SIZE] = "\x0a\0\0\0" NAME "\x86\xdd";
        const BwForwardElement *element;

        g_assert_cmpuint(bw_forward_lookup_reach(&lookup), ==, 24);
        for (unsigned length = 0; length <= BW_FORWARD_KEY_SIZE + 8; length++) {
                bool ends = length == 1 || length == 4 || length == 20 || length == 24;
                g_autoptr(BwForwardSet) set = bw_forward_set_new();

                add(set, key, sizeof(key));
                set->length = length;
                g_assert_cmpint(bw_forward_set_find(set, &lookup, &packet, &element), ==, ends);
                g_assert_true(!ends || element);
                set->is_foreign = true;
                g_assert_false(bw_forward_set_find(set, &lookup, &packet, &element));
        }
}

/* More fields than a key has room for are not told, whoever has put them there. */
static void test_too_long(void) {
        static const BwForwardLookup names = {
                .fields = { BW_FORWARD_IN_NAME, BW_FORWARD_IN_NAME, BW_FORWARD_IN_NAME,
                            BW_FORWARD_IN_NAME, BW_FORWARD_IN_NAME, BW_FORWARD_IN_NAME },
        };
        static const BwForwardLookup all = {
                .fields = { BW_FORWARD_IN_NAME, BW_FORWARD_OUT_NAME, BW_FORWARD_IN_INDEX,
                            BW_FORWARD_OUT_INDEX, BW_FORWARD_NFPROTO, BW_FORWARD_PROTOCOL },
        };
        static const BwForwardLookup none = {};

        g_assert_cmpuint(bw_forward_lookup_reach(&names), ==, BW_FORWARD_KEY_SIZE);
        g_assert_cmpuint(bw_forward_lookup_reach(&all), ==, BW_FORWARD_KEY_SIZE);
        g_assert_cmpuint(bw_forward_lookup_reach(&none), ==, 0);
}

/* { "b*", "c", "e*" }: "c" begins where "b*" ends. */
static void test_ranges(void) {
        static const struct {
                const char *bytes;
                bool is_end;
        } ends[] = { { "f", true },  { "", true },   { "c", true },
                     { "c", false }, { "b", false }, { "e", false } };
        g_autoptr(BwForwardSet) set = bw_forward_set_new();

        set->length = BW_FORWARD_NAME_SIZE;
        for (gsize i = 0; i < G_N_ELEMENTS(ends); i++)
                add(set, ends[i].bytes, strlen(ends[i].bytes))->is_end = ends[i].is_end;
        add(set, "c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", BW_FORWARD_NAME_SIZE)->is_end = true;
        g_assert_false(has_name(set, "a"));
        g_assert_true(has_name(set, "b"));
        g_assert_true(has_name(set, "br0"));
        g_assert_true(has_name(set, "c"));
        g_assert_false(has_name(set, "c0"));
        g_assert_false(has_name(set, "d"));
        g_assert_true(has_name(set, "eth0"));
        g_assert_false(has_name(set, "f"));
        add(set, "", 0)->is_rest = true;
        g_assert_true(has_name(set, "f"));
}

/* { "b*", "c*" }, whichever is told first. */
static void test_next_to_each_other(void) {
        for (unsigned i = 0; i < 2; i++) {
                g_autoptr(BwForwardSet) set = bw_forward_set_new();

                set->length = BW_FORWARD_NAME_SIZE;
                add(set, "c", 1)->is_end = i == 0;
                add(set, "c", 1)->is_end = i == 1;
                add(set, "b", 1);
                add(set, "d", 1)->is_end = true;
                g_assert_false(has_name(set, "a0"));
                g_assert_true(has_name(set, "b0"));
                g_assert_true(has_name(set, "c0"));
                g_assert_false(has_name(set, "d0"));
        }
}

/* Each field for itself: 5-9 . 1-8 has 7 . 7, 5-9 . 8-9 and 1-6 . 6-8 have not. */
static void test_spans(void) {
        static const BwForwardLookup lookup = { .fields = { BW_FORWARD_IN_INDEX_SWAPPED,
                                                            BW_FORWARD_OUT_INDEX_SWAPPED } };
        static const struct {
                const char *first, *last;
                bool has;
        } rows[] = {
                { "\0\0\0\5\0\0\0\1", "\0\0\0\x09\0\0\0\x08", true },
                { "\0\0\0\7\0\0\0\7", "\0\0\0\7\0\0\0\7", true },
                { "\0\0\0\5\0\0\0\x08", "\0\0\0\x09\0\0\0\x09", false },
                { "\0\0\0\1\0\0\0\6", "\0\0\0\6\0\0\0\x08", false },
                { "\0\0\0\5\0\0\0\1", "\0\0\0\x09\0\0\0\6", false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(BwForwardSet) set = bw_forward_set_new();

                set->length = 8;
                add_span(set, rows[i].first, rows[i].last, 8);
                g_test_message("row %" G_GSIZE_FORMAT, i);
                g_assert_cmpint(is_in(set, &lookup), ==, rows[i].has);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/forward-set/fields", test_fields);
        g_test_add_func("/forward-set/numbers", test_numbers);
        g_test_add_func("/forward-set/lengths", test_lengths);
        g_test_add_func("/forward-set/too-long", test_too_long);
        g_test_add_func("/forward-set/ranges", test_ranges);
        g_test_add_func("/forward-set/next-to-each-other", test_next_to_each_other);
        g_test_add_func("/forward-set/spans", test_spans);
        return g_test_run();
}
