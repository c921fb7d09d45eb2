/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_forward.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void free_table(gpointer table) {
        bw_forward_table_free(table);
}

static void judge(const GPtrArray *tables, GString *text) {
        for (unsigned family = BW_FAMILY_IPV4; family <= BW_FAMILY_IPV6; family++) {
                BwForwardEnd end;

                if (!bw_forward_drops(tables, (BwFamily) family, "virbr6", 2, &end))
                        continue;
                g_assert(end.hook->is_hook && strlen(end.chain->name) < 256);
                g_string_append_printf(text, "%u %s %s; ", family, end.table->name,
                                       end.chain->name);
        }
}

/* A copy of the exact size: the sanitizer sees each byte read too far. */
static char *read_at(const uint8_t *bytes, size_t size, size_t offset) {
        g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(free_table);
        g_autofree uint8_t *datagram = g_malloc(MAX(size + offset, 1));
        g_autoptr(GString) text = g_string_new("");
        bool whole;

        if (size > 0)
                memcpy(datagram + offset, bytes, size);
        whole = bw_nft_forward_read(tables, datagram + offset, size);
        g_string_append(text, whole ? "whole " : "broken ");
        judge(tables, text);
        bw_nft_forward_keep_entered(tables);
        g_string_append_printf(text, "of %u: ", tables->len);
        judge(tables, text);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The same bytes are the same rules, wherever they lie. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        g_autofree char *text = read_at(bytes, size, 0);
        g_autofree char *moved = read_at(bytes, size, 1);

        g_assert(g_str_equal(text, moved));
        return 0;
}
