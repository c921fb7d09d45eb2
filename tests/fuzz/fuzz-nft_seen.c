/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_seen.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void on_seen(const char *port, BwNftCount count, gpointer user) {
        GChecksum *sum = user;

        g_assert(strlen(port) < BW_IFNAME_SIZE);
        g_checksum_update(sum, (const guchar *) port, (gssize) strlen(port) + 1);
        g_checksum_update(sum, (const guchar *) &count, sizeof(count));
}

/* A copy of the exact size: the sanitizer sees each byte read too far. */
static char *read_at(const uint8_t *bytes, size_t size, size_t offset, bool *ret_whole) {
        g_autofree uint8_t *datagram = g_malloc(size + offset);
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

        if (size > 0)
                memcpy(datagram + offset, bytes, size);
        *ret_whole = bw_nft_seen_read(datagram + offset, size, on_seen, sum);
        return g_strdup(g_checksum_get_string(sum));
}

/* The same bytes are the same counts, wherever they lie. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        bool whole, moved_whole;
        g_autofree char *sum = read_at(bytes, size, 4, &whole);
        g_autofree char *moved = read_at(bytes, size, 1, &moved_whole);

        g_assert(whole == moved_whole && g_str_equal(sum, moved));
        return 0;
}
