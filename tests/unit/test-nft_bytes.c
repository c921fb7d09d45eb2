/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_bytes.h>
#include <errno.h>
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

static void put_message(Bytes *bytes, unsigned type, unsigned flags, gconstpointer body,
                        gsize length) {
        const struct nlmsghdr header = { .nlmsg_len = (uint32_t) (sizeof(header) + length),
                                         .nlmsg_type = (uint16_t) type,
                                         .nlmsg_flags = (uint16_t) flags };

        put(bytes, &header, sizeof(header));
        put(bytes, body, length);
}

static void put_of_nftables(Bytes *bytes, unsigned type, unsigned flags) {
        const struct nfgenmsg family = { .nfgen_family = NFPROTO_BRIDGE };

        put_message(bytes, NFNL_SUBSYS_NFTABLES << 8 | type, flags, &family, sizeof(family));
}

static void put_attribute(Bytes *bytes, uint16_t type, gconstpointer value, gsize length) {
        const struct nlattr header = { .nla_len = (uint16_t) (NLA_HDRLEN + length),
                                       .nla_type = type };

        put(bytes, &header, sizeof(header));
        put(bytes, value, length);
}

static BwNftMessage expect_next(BwNftBytes *rest, unsigned type) {
        BwNftMessage message;
        bool broken;

        g_assert_true(bw_nft_next_message(rest, &message, &broken));
        g_assert_false(broken);
        g_assert_cmpuint(message.type, ==, type);
        return message;
}

/* Messages */

/* The mark is told of each message that has it, its end and others' among them. */
static void test_interrupted(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();
        BwNftBytes rest;
        const int fine = 0;
        bool broken;
        BwNftMessage message;

        put_of_nftables(bytes, NFT_MSG_NEWSETELEM, NLM_F_MULTI);
        put_of_nftables(bytes, NFT_MSG_NEWSETELEM, NLM_F_MULTI | NLM_F_DUMP_INTR);
        put_message(bytes, NLMSG_NOOP, NLM_F_DUMP_INTR, "", 0);
        put_message(bytes, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, &fine, sizeof(fine));
        put_message(bytes, NLMSG_DONE, NLM_F_MULTI, &fine, sizeof(fine));
        rest = (BwNftBytes){ bytes->data, bytes->len };
        g_assert_false(expect_next(&rest, NFT_MSG_NEWSETELEM).interrupted);
        message = expect_next(&rest, NFT_MSG_NEWSETELEM);
        g_assert_true(message.interrupted);
        g_assert_cmpuint(message.family, ==, NFPROTO_BRIDGE);
        g_assert_true(expect_next(&rest, BW_NFT_NOT_OURS).interrupted);
        g_assert_true(expect_next(&rest, BW_NFT_END).interrupted);
        g_assert_false(expect_next(&rest, BW_NFT_END).interrupted);
        g_assert_false(bw_nft_next_message(&rest, &message, &broken));
        g_assert_false(broken);
}

/* A whole answer ends with 0, and so does a request whose fulfilment was to be confirmed. A number
 * no errno has is a refusal all the same. */
static void test_ends(void) {
        static const struct {
                unsigned type;
                int result, refusal;
        } rows[] = { { NLMSG_ERROR, -ENOENT, ENOENT },
                     { NLMSG_DONE, -EINTR, EINTR },
                     { NLMSG_DONE, 0, 0 },
                     { NLMSG_ERROR, 0, 0 },
                     { NLMSG_DONE, 12, 0 },
                     { NLMSG_ERROR, G_MININT, G_MAXINT } };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = g_byte_array_new();
                BwNftBytes rest;

                put_message(bytes, rows[i].type, 0, &rows[i].result, sizeof(rows[i].result));
                rest = (BwNftBytes){ bytes->data, bytes->len };
                g_assert_cmpint(expect_next(&rest, BW_NFT_END).refusal, ==, rows[i].refusal);
                g_assert_cmpuint(rest.length, ==, 0);
        }
}

/* An end without its number says neither yes nor no. */
static void test_short_end(void) {
        static const unsigned types[] = { NLMSG_DONE, NLMSG_ERROR };

        for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
                g_autoptr(Bytes) bytes = g_byte_array_new();
                BwNftMessage message;
                BwNftBytes rest;
                bool broken;

                put_message(bytes, types[i], 0, "\0\0", 3);
                rest = (BwNftBytes){ bytes->data, bytes->len };
                g_assert_false(bw_nft_next_message(&rest, &message, &broken));
                g_assert_true(broken);
        }
}

/* Attributes */

static void test_find(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();
        BwNftBytes rest, found;

        put_attribute(bytes, 1, "a", 2);
        put_attribute(bytes, 2 | NLA_F_NESTED, "bcde", 4);
        put_attribute(bytes, 1, "fgh", 3);
        put_attribute(bytes, 3, "", 0);
        rest = (BwNftBytes){ bytes->data, bytes->len };
        found = bw_nft_find(rest, 1);
        g_assert_cmpmem(found.at, found.length, "fgh", 3);
        found = bw_nft_find(rest, 2);
        g_assert_cmpmem(found.at, found.length, "bcde", 4);
        found = bw_nft_find(rest, 3);
        g_assert_true(found.at && found.length == 0);
        found = bw_nft_find(rest, 4);
        g_assert_true(!found.at && found.length == 0);
        found = bw_nft_find((BwNftBytes){}, 1);
        g_assert_true(!found.at && found.length == 0);
        /* As far as there are attributes. */
        rest.length -= 1;
        found = bw_nft_find(rest, 3);
        g_assert_null(found.at);
        found = bw_nft_find(rest, 1);
        g_assert_cmpmem(found.at, found.length, "fgh", 3);
}

static void test_numbers(void) {
        static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

        for (gsize length = 0; length <= sizeof(bytes); length++) {
                BwNftBytes value = { bytes, length };

                g_assert_cmphex(bw_nft_u32(value), ==, length == 4 ? 0x01020304 : 0);
                g_assert_cmphex(bw_nft_u64(value), ==,
                                length == 8 ? G_GUINT64_CONSTANT(0x0102030405060708) : 0);
        }
        /* Of any alignment. */
        g_assert_cmphex(bw_nft_u64((BwNftBytes){ bytes + 1, 8 }), ==,
                        G_GUINT64_CONSTANT(0x0203040506070809));
}

static void test_text(void) {
        static const struct {
                BwNftBytes value;
                const char *text;
        } rows[] = { { { (const uint8_t *) "abc", 4 }, "abc" },
                     { { (const uint8_t *) "abc", 2 }, "ab" },
                     { { (const uint8_t *) "abcdefgh", 8 }, "abcd" },
                     { { (const uint8_t *) "a\0b", 4 }, "a" },
                     { { (const uint8_t *) "", 0 }, "" },
                     { { NULL, 0 }, "" } };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                char text[5] = "zzzz";

                bw_nft_text(rows[i].value, text, sizeof(text));
                g_assert_cmpstr(text, ==, rows[i].text);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/nft_bytes/interrupted", test_interrupted);
        g_test_add_func("/nft_bytes/ends", test_ends);
        g_test_add_func("/nft_bytes/short-end", test_short_end);
        g_test_add_func("/nft_bytes/find", test_find);
        g_test_add_func("/nft_bytes/numbers", test_numbers);
        g_test_add_func("/nft_bytes/text", test_text);
        return g_test_run();
}
