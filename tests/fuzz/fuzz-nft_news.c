/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_news.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void on_news(const BwNftNews *news, gpointer user) {
        GChecksum *sum = user;

        g_assert(news->pid >= 0 && !news->lost);
        g_assert(memchr(news->program, '\0', sizeof(news->program)));
        g_checksum_update(sum, (const guchar *) news, sizeof(*news));
}

/* A copy of the exact size: the sanitizer sees each byte read too far. */
static char *read_at(const uint8_t *bytes, size_t size, size_t offset, bool *ret_whole) {
        g_autofree uint8_t *datagram = g_malloc(MAX(size + offset, 1));
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        BwNftReader reader = {};

        if (size > 0)
                memcpy(datagram + offset, bytes, size);
        *ret_whole = bw_nft_reader_read(&reader, datagram + offset, size, on_news, sum);
        return g_strdup(g_checksum_get_string(sum));
}

/* The same bytes are the same news, wherever they lie. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        bool whole, moved_whole;
        g_autofree char *sum = read_at(bytes, size, 0, &whole);
        g_autofree char *moved = read_at(bytes, size, 1, &moved_whole);

        g_assert(whole == moved_whole && g_str_equal(sum, moved));
        return 0;
}
