/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "random.h"

#include <bw/ipt_shelf.h>
#include <string.h>

#define KEYS 300000

static void make_key(GByteArray *key, guint first, guint second) {
        bw_ipt_key_begin(key, BW_IPT_PIECE_SITE);
        bw_ipt_key_add_number(key, first);
        bw_ipt_key_add_number(key, second);
}

static void test_taken_over(void) {
        g_autoptr(BwIptShelf) shelf = bw_ipt_shelf_new();
        g_autoptr(GByteArray) key = g_byte_array_new();
        BwIptPiece *piece;

        make_key(key, 1, 2);
        g_assert_null(bw_ipt_shelf_find(shelf, key, 1));
        piece = bw_ipt_shelf_add(shelf, key, 1);
        g_assert_cmpuint(piece->turn, ==, 1);
        make_key(key, 1, 2);
        g_assert_true(bw_ipt_shelf_find(shelf, key, 2) == piece);
        g_assert_cmpuint(piece->turn, ==, 2);
        make_key(key, 2, 1);
        g_assert_null(bw_ipt_shelf_find(shelf, key, 2));
}

/* What comes back has another number: others may have been written by the old one's. */
static void test_forgotten(void) {
        g_autoptr(BwIptShelf) shelf = bw_ipt_shelf_new();
        g_autoptr(GByteArray) key = g_byte_array_new(), other = g_byte_array_new();
        BwIptPiece *kept;
        guint number;

        make_key(key, 1, 2);
        make_key(other, 3, 4);
        number = bw_ipt_shelf_add(shelf, key, 1)->number;
        kept = bw_ipt_shelf_add(shelf, other, 1);
        bw_ipt_shelf_find(shelf, other, 2);
        bw_ipt_shelf_forget(shelf, 2);
        g_assert_null(bw_ipt_shelf_find(shelf, key, 2));
        g_assert_true(bw_ipt_shelf_find(shelf, other, 2) == kept);
        g_assert_cmpuint(bw_ipt_shelf_add(shelf, key, 2)->number, !=, number);
}

/* A list's end cannot be taken for the beginning of the next. */
static void test_names_end(void) {
        g_autoptr(GByteArray) one = g_byte_array_new(), other = g_byte_array_new();

        bw_ipt_key_begin(one, BW_IPT_PIECE_LEADS);
        bw_ipt_key_add_name(one, "vnet1");
        bw_ipt_key_add_name(one, "2");
        bw_ipt_key_begin(other, BW_IPT_PIECE_LEADS);
        bw_ipt_key_add_name(other, "vnet");
        bw_ipt_key_add_name(other, "12");
        g_assert_false(one->len == other->len && memcmp(one->data, other->data, one->len) == 0);
}

/* Among so many are some whose 32 bits of hash are the same: none is taken for another. */
static void test_whole_keys(void) {
        g_autoptr(BwIptShelf) shelf = bw_ipt_shelf_new();
        g_autoptr(GByteArray) key = g_byte_array_new();

        for (guint i = 0; i < KEYS; i++) {
                make_key(key, i, bw_test_below(G_MAXINT));
                g_assert_null(bw_ipt_shelf_find(shelf, key, 1));
                bw_ipt_shelf_add(shelf, key, 1);
        }
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/ipt_shelf/taken-over", test_taken_over);
        g_test_add_func("/ipt_shelf/forgotten", test_forgotten);
        g_test_add_func("/ipt_shelf/names-end", test_names_end);
        g_test_add_func("/ipt_shelf/whole-keys", test_whole_keys);
        return g_test_run();
}
