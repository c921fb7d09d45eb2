/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's answers, made by hand: what the real one says stands in adapter-nftables. */

#include <bw/nft_seen.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

typedef GByteArray Bytes;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bytes, g_byte_array_unref)

static void put(Bytes *bytes, gconstpointer more, gsize length) {
        static const uint8_t zero[4];

        g_byte_array_append(bytes, more, (guint) length);
        g_byte_array_append(bytes, zero, (guint) (NLMSG_ALIGN(length) - length));
}

static guint begin(Bytes *bytes, uint16_t type, gconstpointer value, gsize length) {
        const struct nlattr header = { .nla_len = (uint16_t) (NLA_HDRLEN + length),
                                       .nla_type = type };
        guint start = bytes->len;

        put(bytes, &header, sizeof(header));
        put(bytes, value, length);
        return start;
}

static void end(Bytes *bytes, guint start) {
        uint16_t length = (uint16_t) (bytes->len - start);

        memcpy(bytes->data + start, &length, sizeof(length));
}

static void put_u64(Bytes *bytes, uint16_t type, uint64_t value) {
        value = GUINT64_TO_BE(value);
        begin(bytes, type, &value, sizeof(value));
}

static void put_expression(Bytes *bytes, uint16_t type, const char *name, uint64_t packets) {
        guint expression = begin(bytes, type, "", 0), data;

        begin(bytes, NFTA_EXPR_NAME, name, strlen(name) + 1);
        data = begin(bytes, NFTA_EXPR_DATA, "", 0);
        put_u64(bytes, NFTA_COUNTER_BYTES, packets * 100);
        put_u64(bytes, NFTA_COUNTER_PACKETS, packets);
        end(bytes, data);
        end(bytes, expression);
}

/* @limited: beside the counter stands a limit, in front of it. */
static void put_element(Bytes *bytes, const char *port, gsize key, uint64_t packets, bool limited) {
        guint element = begin(bytes, NFTA_LIST_ELEM, "", 0), name, list;
        char padded[32] = { 0 };

        memcpy(padded, port, MIN(strlen(port), sizeof(padded)));
        name = begin(bytes, NFTA_SET_ELEM_KEY, "", 0);
        begin(bytes, NFTA_DATA_VALUE, padded, key);
        end(bytes, name);
        if (!limited)
                put_expression(bytes, NFTA_SET_ELEM_EXPR, "counter", packets);
        list = begin(bytes, NFTA_SET_ELEM_EXPRESSIONS, "", 0);
        put_expression(bytes, NFTA_LIST_ELEM, "limit", 99);
        if (limited)
                put_expression(bytes, NFTA_LIST_ELEM, "counter", packets);
        end(bytes, list);
        end(bytes, element);
}

static void put_message(Bytes *bytes, unsigned type, const Bytes *body) {
        const struct nlmsghdr header = { .nlmsg_len = (uint32_t) sizeof(header) + body->len,
                                         .nlmsg_type = (uint16_t) type };

        put(bytes, &header, sizeof(header));
        put(bytes, body->data, body->len);
}

static void put_elements(Bytes *bytes) {
        const struct nfgenmsg family = { .nfgen_family = NFPROTO_BRIDGE };
        g_autoptr(Bytes) body = g_byte_array_new();
        guint list;

        put(body, &family, sizeof(family));
        begin(body, NFTA_SET_ELEM_LIST_TABLE, "bridgewarden", 13);
        list = begin(body, NFTA_SET_ELEM_LIST_ELEMENTS, "", 0);
        put_element(body, "vk63", 16, 3, false);
        put_element(body, "a\xff \"b", 16, G_MAXUINT32 + G_GUINT64_CONSTANT(1), true);
        put_element(body, "", 16, 7, true);
        put_element(body, "0123456789abcdef", 16, 8, false); /* no end: cut */
        put_element(body, "shortkey", 8, 9, false);
        end(body, list);
        put_message(bytes, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, body);
}

static void put_end(Bytes *bytes) {
        g_autoptr(Bytes) body = g_byte_array_new();
        const int result = 0;

        put(body, &result, sizeof(result));
        put_message(bytes, NLMSG_DONE, body);
}

static void on_seen(const char *port, BwNftCount count, gpointer user) {
        g_autofree char *name = g_strescape(port, NULL);

        g_string_append_printf(user, "%s %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "; ", name,
                               count.packets, count.bytes);
}

#define ALL                                                                                        \
        "vk63 3/300; a\\377 \\\"b 4294967296/429496729600; "                                       \
        " 7/700; 0123456789abcde 8/800; "

static void test_elements(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();
        g_autoptr(GString) told = g_string_new(NULL);

        put_elements(bytes);
        put_elements(bytes);
        g_assert_true(bw_nft_seen_read(bytes->data, bytes->len, on_seen, told));
        g_assert_cmpstr(told->str, ==, ALL ALL);
}

/* What stands behind the end is of no answer. */
static void test_end(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();
        g_autoptr(GString) told = g_string_new(NULL);

        put_elements(bytes);
        put_end(bytes);
        put_elements(bytes);
        g_assert_true(bw_nft_seen_read(bytes->data, bytes->len, on_seen, told));
        g_assert_cmpstr(told->str, ==, ALL);
}

/* Cut anywhere: told as unread, and never read beyond the end; ASan watches. */
static void test_broken(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();

        put_elements(bytes);
        for (guint length = 1; length < bytes->len; length++) {
                g_autofree uint8_t *cut = g_memdup2(bytes->data, length);
                g_autoptr(GString) told = g_string_new(NULL);

                g_assert_false(bw_nft_seen_read(cut, length, on_seen, told));
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/nft_seen/elements", test_elements);
        g_test_add_func("/nft_seen/end", test_end);
        g_test_add_func("/nft_seen/broken", test_broken);
        return g_test_run();
}
