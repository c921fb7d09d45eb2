/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as an undo file: what is taken is the same when it is read again.
 */

#include <bw/undo.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        g_autoptr(BwUndo) undo = bw_undo_parse((const char *) bytes, size);
        g_autofree char *text = bw_undo_print(undo);
        g_autoptr(BwUndo) again = bw_undo_parse(text, strlen(text));
        g_autofree char *same = bw_undo_print(again);

        g_assert_cmpstr(same, ==, text);
        g_assert_cmpuint(g_hash_table_size(undo->ports), ==, g_hash_table_size(again->ports));
        g_assert_cmpuint(undo->pins->len, ==, again->pins->len);
        return 0;
}
