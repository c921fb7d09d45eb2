/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <arpa/inet.h>
#include <bw/nft_news.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

/* Datagrams, piece by piece. */

typedef GByteArray Bytes;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bytes, g_byte_array_unref)

static void put(Bytes *bytes, gconstpointer more, gsize length) {
        static const uint8_t zero[4];

        g_byte_array_append(bytes, more, (guint) length);
        g_byte_array_append(bytes, zero, (guint) (NLMSG_ALIGN(length) - length));
}

static guint begin(Bytes *bytes, unsigned subsystem, unsigned type, uint8_t family) {
        const struct nlmsghdr header = { .nlmsg_type = (uint16_t) (subsystem << 8 | type) };
        const struct nfgenmsg more = { .nfgen_family = family };
        guint start = bytes->len;

        put(bytes, &header, sizeof(header));
        put(bytes, &more, sizeof(more));
        return start;
}

static void end(Bytes *bytes, guint start) {
        uint32_t length = bytes->len - start;

        memcpy(bytes->data + start, &length, sizeof(length));
}

static void put_attribute(Bytes *bytes, uint16_t type, gconstpointer value, gsize length) {
        const struct nlattr header = { .nla_len = (uint16_t) (NLA_HDRLEN + length),
                                       .nla_type = type };

        put(bytes, &header, sizeof(header));
        put(bytes, value, length);
}

static void put_u32(Bytes *bytes, uint16_t type, uint32_t value) {
        value = htonl(value);
        put_attribute(bytes, type, &value, sizeof(value));
}

/* With the NUL, as the kernel writes it. */
static void put_change(Bytes *bytes, unsigned type, uint8_t family, const char *table) {
        guint start = begin(bytes, NFNL_SUBSYS_NFTABLES, type, family);

        put_attribute(bytes, NFTA_TABLE_NAME, table, strlen(table) + 1);
        put_u32(bytes, NFTA_TABLE_FLAGS, 0);
        end(bytes, start);
}

static void put_end(Bytes *bytes, uint32_t generation, uint32_t pid, const char *program) {
        guint start = begin(bytes, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN, 0);

        put_u32(bytes, NFTA_GEN_ID, generation);
        put_u32(bytes, NFTA_GEN_PROC_PID, pid);
        put_attribute(bytes, NFTA_GEN_PROC_NAME, program, strlen(program) + 1);
        end(bytes, start);
}

static void on_news(const BwNftNews *news, gpointer user) {
        g_autofree char *program = g_strescape(news->program, NULL);

        g_assert_false(news->lost);
        g_string_append_printf(user, "%u by %d %s%s; ", news->generation, news->pid, program,
                               news->ours ? ", ours" : "");
}

/* Read from one byte further on, too: the answer must not hang on alignment. */
static bool read_both(BwNftReader *reader, const Bytes *bytes, GString *told) {
        g_autofree uint8_t *moved = g_malloc(bytes->len + 1);
        g_autoptr(GString) again = g_string_new(told->str);
        BwNftReader other = *reader;
        bool whole = bw_nft_reader_read(reader, bytes->data, bytes->len, on_news, told);

        if (bytes->len > 0)
                memcpy(moved + 1, bytes->data, bytes->len);
        g_assert_cmpint(bw_nft_reader_read(&other, moved + 1, bytes->len, on_news, again), ==,
                        whole);
        g_assert_cmpstr(again->str, ==, told->str);
        g_assert_cmpint(other.ours, ==, reader->ours);
        return whole;
}

static void check(const Bytes *bytes, const char *wanted) {
        g_autoptr(GString) told = g_string_new(NULL);
        BwNftReader reader = {};

        g_assert_true(read_both(&reader, bytes, told));
        g_assert_cmpstr(told->str, ==, wanted);
}

static void test_transactions(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();

        put_change(bytes, NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, "bridgewarden");
        put_end(bytes, 2, 3662, "nft");
        put_change(bytes, NFT_MSG_NEWTABLE, NFPROTO_IPV4, "filter");
        put_change(bytes, NFT_MSG_NEWRULE, NFPROTO_IPV4, "filter");
        put_end(bytes, 3, 4000, "dockerd");
        put_end(bytes, 4, 0, "");
        check(bytes, "2 by 3662 nft, ours; 3 by 4000 dockerd; 4 by 0 ; ");
}

/* What may be ours, and what only looks like it. */
static void test_ours(void) {
        static const struct {
                unsigned type;
                uint8_t family;
                const char *table;
                bool ours;
        } rows[] = {
                { NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_DELTABLE, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_NEWCHAIN, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_DELRULE, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_NEWSET, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_NEWSETELEM, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_DELSETELEM, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_NEWOBJ, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_DELFLOWTABLE, NFPROTO_BRIDGE, "bridgewarden", true },
                { NFT_MSG_NEWTABLE, NFPROTO_IPV4, "bridgewarden", false },
                { NFT_MSG_NEWTABLE, NFPROTO_INET, "bridgewarden", false },
                { NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, "bridgewardens", false },
                { NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, "bridgewarde", false },
                { NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, "", false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = g_byte_array_new();

                put_change(bytes, NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, "other");
                put_change(bytes, rows[i].type, rows[i].family, rows[i].table);
                put_change(bytes, NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, "another");
                put_end(bytes, 9, 1, "x");
                check(bytes, rows[i].ours ? "9 by 1 x, ours; " : "9 by 1 x; ");
        }
}

/* A transaction that fills many datagrams. */
static void test_spread(void) {
        g_autoptr(Bytes) first = g_byte_array_new(), last = g_byte_array_new();
        g_autoptr(GString) told = g_string_new(NULL);
        BwNftReader reader = {};

        put_change(first, NFT_MSG_NEWSETELEM, NFPROTO_BRIDGE, "bridgewarden");
        put_end(last, 5, 6, "nft");
        g_assert_true(read_both(&reader, first, told));
        g_assert_cmpstr(told->str, ==, "");
        g_assert_true(reader.ours);
        g_assert_true(read_both(&reader, last, told));
        g_assert_true(read_both(&reader, last, told));
        g_assert_cmpstr(told->str, ==, "5 by 6 nft, ours; 5 by 6 nft; ");
}

/* Names are bytes; too long ones are cut, and those without an end get one. */
static void test_programs(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();
        guint start;

        put_end(bytes, 1, 1, "\xff\n%s;\"");
        put_end(bytes, 2, 0xffffffff, "0123456789012345678901234567890123456789");
        start = begin(bytes, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN, 0);
        put_attribute(bytes, NFTA_GEN_PROC_NAME, "abcd", 4);
        put_attribute(bytes, NFTA_GEN_ID, "12345", 5);
        put_attribute(bytes, NFTA_GEN_PROC_PID, "", 0);
        put_attribute(bytes, 77, "12345", 5);
        end(bytes, start);
        check(bytes, "1 by 1 \\377\\n%s;\\\"; 2 by 2147483647 0123456789012345678901234567890; "
                     "0 by 0 abcd; ");
}

static void test_others(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();
        guint start;

        start = begin(bytes, NFNL_SUBSYS_CTNETLINK, NFT_MSG_NEWGEN, 0);
        end(bytes, start);
        start = begin(bytes, 0, NLMSG_DONE, 0);
        end(bytes, start);
        start = begin(bytes, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, NFPROTO_BRIDGE);
        end(bytes, start);
        check(bytes, "");
        g_byte_array_set_size(bytes, 0);
        check(bytes, "");
}

/* Cut anywhere, and with each length in it wrong: told as unread, and never read beyond the end;
 * ASan watches. */
static void test_broken(void) {
        g_autoptr(Bytes) bytes = g_byte_array_new();
        unsigned whole = 0;

        put_change(bytes, NFT_MSG_NEWTABLE, NFPROTO_BRIDGE, "bridgewarden");
        put_end(bytes, 2, 3662, "nft");
        for (guint length = 0; length < bytes->len; length++) {
                g_autofree uint8_t *copy = g_memdup2(bytes->data, length);
                g_autoptr(GString) told = g_string_new(NULL);
                BwNftReader reader = {};

                whole += bw_nft_reader_read(&reader, copy, length, on_news, told);
                g_assert_cmpstr(told->str, ==, "");
        }
        /* Nothing at all, and the first message alone. */
        g_assert_cmpuint(whole, ==, 2);
        for (guint at = 0; at < bytes->len; at++) {
                for (unsigned value = 0; value < 256; value++) {
                        g_autofree uint8_t *copy = g_memdup2(bytes->data, bytes->len);
                        g_autoptr(GString) told = g_string_new(NULL);
                        BwNftReader reader = {};

                        copy[at] = (uint8_t) value;
                        (void) bw_nft_reader_read(&reader, copy, bytes->len, on_news, told);
                }
        }
}

static void test_bad_lengths(void) {
        static const uint32_t lengths[] = { 0, 15, 19, 21, 23, 999, 0xffffffff };

        for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
                g_autoptr(Bytes) bytes = g_byte_array_new();
                g_autoptr(GString) told = g_string_new(NULL);
                BwNftReader reader = {};

                put_end(bytes, 2, 3662, "nft");
                memcpy(bytes->data, &lengths[i], sizeof(lengths[i]));
                g_assert_false(read_both(&reader, bytes, told));
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/nft-news/transactions", test_transactions);
        g_test_add_func("/nft-news/ours", test_ours);
        g_test_add_func("/nft-news/spread", test_spread);
        g_test_add_func("/nft-news/programs", test_programs);
        g_test_add_func("/nft-news/others", test_others);
        g_test_add_func("/nft-news/broken", test_broken);
        g_test_add_func("/nft-news/bad-lengths", test_bad_lengths);
        return g_test_run();
}
