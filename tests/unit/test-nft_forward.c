/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Answers of the kernel, put together by hand: what is judged of a rule, what makes it narrow, and
 * what becomes of answers no kernel gives. */

#include <arpa/inet.h>
#include <bw/nft_forward.h>
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

static guint begin_message(Bytes *bytes, unsigned type, uint8_t family) {
        const struct nlmsghdr header = { .nlmsg_type =
                                                 (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | type) };
        const struct nfgenmsg more = { .nfgen_family = family };
        guint start = bytes->len;

        put(bytes, &header, sizeof(header));
        put(bytes, &more, sizeof(more));
        return start;
}

static void end_message(Bytes *bytes, guint start) {
        uint32_t length = bytes->len - start;

        memcpy(bytes->data + start, &length, sizeof(length));
}

static guint begin(Bytes *bytes, unsigned type) {
        const struct nlattr header = { .nla_type = (uint16_t) type | NLA_F_NESTED };
        guint start = bytes->len;

        put(bytes, &header, sizeof(header));
        return start;
}

static void end(Bytes *bytes, guint start) {
        uint16_t length = (uint16_t) (bytes->len - start);

        memcpy(bytes->data + start, &length, sizeof(length));
}

static void put_value(Bytes *bytes, unsigned type, gconstpointer value, gsize length) {
        const struct nlattr header = { .nla_len = (uint16_t) (NLA_HDRLEN + length),
                                       .nla_type = (uint16_t) type };

        put(bytes, &header, sizeof(header));
        put(bytes, value, length);
}

static void put_text(Bytes *bytes, unsigned type, const char *text) {
        put_value(bytes, type, text, strlen(text) + 1);
}

static void put_u32(Bytes *bytes, unsigned type, uint32_t value) {
        value = htonl(value);
        put_value(bytes, type, &value, sizeof(value));
}

/* Tables and chains */

static void put_table(Bytes *bytes, uint8_t family, const char *name, uint32_t flags) {
        guint message = begin_message(bytes, NFT_MSG_NEWTABLE, family);

        put_text(bytes, NFTA_TABLE_NAME, name);
        put_u32(bytes, NFTA_TABLE_FLAGS, flags);
        end_message(bytes, message);
}

static void put_chain(Bytes *bytes, uint8_t family, const char *table, const char *name,
                      uint32_t hook, uint32_t policy) {
        guint message = begin_message(bytes, NFT_MSG_NEWCHAIN, family), nest;

        put_text(bytes, NFTA_CHAIN_TABLE, table);
        put_text(bytes, NFTA_CHAIN_NAME, name);
        nest = begin(bytes, NFTA_CHAIN_HOOK);
        put_u32(bytes, NFTA_HOOK_HOOKNUM, hook);
        end(bytes, nest);
        put_u32(bytes, NFTA_CHAIN_POLICY, policy);
        end_message(bytes, message);
}

static Bytes *bytes_new(void) {
        Bytes *bytes = g_byte_array_new();

        put_table(bytes, NFPROTO_INET, "t", 0);
        put_chain(bytes, NFPROTO_INET, "t", "f", NF_INET_FORWARD, NF_ACCEPT);
        return bytes;
}

/* Rules */

typedef struct Rule {
        guint message, expressions;
} Rule;

static Rule begin_rule(Bytes *bytes) {
        Rule rule = { .message = begin_message(bytes, NFT_MSG_NEWRULE, NFPROTO_INET) };

        put_text(bytes, NFTA_RULE_TABLE, "t");
        put_text(bytes, NFTA_RULE_CHAIN, "f");
        rule.expressions = begin(bytes, NFTA_RULE_EXPRESSIONS);
        return rule;
}

static void end_rule(Bytes *bytes, Rule rule) {
        end(bytes, rule.expressions);
        end_message(bytes, rule.message);
}

typedef struct Expression {
        guint element, inner;
} Expression;

static Expression begin_expression(Bytes *bytes, const char *name) {
        Expression expression = { .element = begin(bytes, NFTA_LIST_ELEM) };

        put_text(bytes, NFTA_EXPR_NAME, name);
        expression.inner = begin(bytes, NFTA_EXPR_DATA);
        return expression;
}

static void end_expression(Bytes *bytes, Expression expression) {
        end(bytes, expression.inner);
        end(bytes, expression.element);
}

static void put_meta(Bytes *bytes, uint32_t key, uint32_t to) {
        Expression meta = begin_expression(bytes, "meta");

        put_u32(bytes, NFTA_META_KEY, key);
        put_u32(bytes, NFTA_META_DREG, to);
        end_expression(bytes, meta);
}

static void put_cmp(Bytes *bytes, uint32_t from, uint32_t operation, gconstpointer value,
                    gsize length) {
        Expression cmp = begin_expression(bytes, "cmp");
        guint nest;

        put_u32(bytes, NFTA_CMP_SREG, from);
        put_u32(bytes, NFTA_CMP_OP, operation);
        nest = begin(bytes, NFTA_CMP_DATA);
        put_value(bytes, NFTA_DATA_VALUE, value, length);
        end(bytes, nest);
        end_expression(bytes, cmp);
}

static void put_verdict(Bytes *bytes, int code) {
        Expression immediate = begin_expression(bytes, "immediate");
        guint data, verdict;

        put_u32(bytes, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        data = begin(bytes, NFTA_IMMEDIATE_DATA);
        verdict = begin(bytes, NFTA_DATA_VERDICT);
        put_u32(bytes, NFTA_VERDICT_CODE, (uint32_t) code);
        end(bytes, verdict);
        end(bytes, data);
        end_expression(bytes, immediate);
}

/* Judging */

static void free_table(gpointer table) {
        bw_forward_table_free(table);
}

static GPtrArray *tables_new(void) {
        return g_ptr_array_new_with_free_func(free_table);
}

static bool drops(const Bytes *bytes) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardEnd place;

        g_assert_true(bw_nft_forward_read(tables, bytes->data, bytes->len));
        return bw_forward_drops(tables, BW_FAMILY_IPV4, "virbr6", 7, &place);
}

/* What is compared, with what, and whether the rule drops what passes over virbr6. */
static void test_comparisons(void) {
        static const uint32_t number = 7, other = 8;
        static const struct {
                uint32_t key, operation;
                gconstpointer value;
                gsize length;
                bool drops;
        } rows[] = {
                { NFT_META_IIFNAME, NFT_CMP_EQ, "virbr6\0\0\0\0\0\0\0\0\0", 16, true },
                { NFT_META_OIFNAME, NFT_CMP_EQ, "virbr6", 7, true },
                { NFT_META_OIFNAME, NFT_CMP_EQ, "virbr", 6, false },
                { NFT_META_OIFNAME, NFT_CMP_EQ, "virbr", 5, true },
                { NFT_META_IIFNAME, NFT_CMP_NEQ, "virbr6", 7, false },
                { NFT_META_IIFNAME, NFT_CMP_NEQ, "virbr", 6, true },
                { NFT_META_IIFNAME, NFT_CMP_LT, "virbr7", 7, false },
                { NFT_META_IIFNAME, NFT_CMP_EQ, "", 0, false },
                { NFT_META_IIFNAME, NFT_CMP_EQ, "virbr6\0\0\0\0\0\0\0\0\0\0", 17, false },
                { NFT_META_IIF, NFT_CMP_EQ, &number, 4, true },
                { NFT_META_OIF, NFT_CMP_EQ, &other, 4, false },
                { NFT_META_OIF, NFT_CMP_NEQ, &other, 4, true },
                { NFT_META_OIF, NFT_CMP_NEQ, &other, 2, false },
                { NFT_META_OIF, NFT_CMP_NEQ, "\0\0\0\0", 4, false },
                { NFT_META_NFPROTO, NFT_CMP_EQ, "\x02", 1, true },
                { NFT_META_NFPROTO, NFT_CMP_EQ, "\x0a", 1, false },
                { NFT_META_NFPROTO, NFT_CMP_NEQ, "\x0a", 1, true },
                { NFT_META_NFPROTO, NFT_CMP_EQ, "", 0, false },
                { NFT_META_PROTOCOL, NFT_CMP_EQ, "\x08\x00", 2, true },
                { NFT_META_PROTOCOL, NFT_CMP_EQ, "\x86\xdd", 2, false },
                { NFT_META_MARK, NFT_CMP_EQ, "\0\0\0\1", 4, false },
                { 0xffff, NFT_CMP_NEQ, "\0\0\0\1", 4, false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                put_meta(bytes, rows[i].key, NFT_REG_1);
                put_cmp(bytes, NFT_REG_1, rows[i].operation, rows[i].value, rows[i].length);
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                g_test_message("row %" G_GSIZE_FORMAT, i);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
}

/* A register has what was loaded into it last, and nothing of the rule before. */
static void test_registers(void) {
        static const struct {
                uint32_t loaded, compared;
                bool drops;
        } rows[] = {
                { NFT_REG_1, NFT_REG_1, true },       { NFT_REG_4, NFT_REG_4, true },
                { NFT_REG32_15, NFT_REG32_15, true }, { NFT_REG_1, NFT_REG_2, false },
                { NFT_REG_2, NFT_REG32_04, true },    { NFT_REG32_00, NFT_REG_1, true },
                { NFT_REG32_01, NFT_REG_1, false },   { NFT_REG32_15 + 1, NFT_REG32_15 + 1, false },
                { 0xffffffff, 0xffffffff, false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                put_meta(bytes, NFT_META_IIFNAME, rows[i].loaded);
                put_cmp(bytes, rows[i].compared, NFT_CMP_EQ, "virbr6", 7);
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
}

static void test_loaded_over(void) {
        g_autoptr(Bytes) bytes = bytes_new();
        Rule rule = begin_rule(bytes);

        put_meta(bytes, NFT_META_IIFNAME, NFT_REG_1);
        put_meta(bytes, NFT_META_MARK, NFT_REG_1);
        put_cmp(bytes, NFT_REG_1, NFT_CMP_EQ, "virbr6", 7);
        put_verdict(bytes, NF_DROP);
        end_rule(bytes, rule);
        rule = begin_rule(bytes);
        put_meta(bytes, NFT_META_IIFNAME, NFT_REG_2);
        end_rule(bytes, rule);
        rule = begin_rule(bytes);
        put_cmp(bytes, NFT_REG_2, NFT_CMP_EQ, "virbr6", 7);
        put_verdict(bytes, NF_DROP);
        end_rule(bytes, rule);
        g_assert_false(drops(bytes));
}

static void test_verdicts(void) {
        static const struct {
                int code;
                bool drops;
        } rows[] = {
                { NF_DROP, true },     { NF_DROP | 1 << 16, true },
                { NF_ACCEPT, false },  { NF_QUEUE | 5 << 16, false },
                { NFT_RETURN, false }, { NFT_CONTINUE, false },
                { NFT_BREAK, false },  { NFT_JUMP, false }, /* no chain */
                { NFT_GOTO, false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                put_verdict(bytes, rows[i].code);
                end_rule(bytes, rule);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
}

/* What nobody has heard of is a condition. */
static void test_unknown(void) {
        static const struct {
                const char *name;
                bool drops;
        } rows[] = {
                { "counter", true },       { "log", true },     { "last", true },
                { "limit", false },        { "quota", false },  { "range", false },
                { "quantum", false },      { "", false },       { "countersign", false },
                { "flow_offload", false }, { "objref", false }, { "match", false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                end_expression(bytes, begin_expression(bytes, rows[i].name));
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                g_test_message("%s", rows[i].name);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
}

/* Not every verdict is one of the kernel's numbers. */
static void test_deeds(void) {
        static const struct {
                const char *name;
                uint32_t policy;
                bool drops;
        } rows[] = {
                { "reject", NF_ACCEPT, true },
                { "queue", NF_DROP, false },
                { "counter", NF_ACCEPT, false },
                { "counter", NF_DROP, true },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                end_expression(bytes, begin_expression(bytes, rows[i].name));
                end_rule(bytes, rule);
                put_chain(bytes, NFPROTO_INET, "t", "f", NF_INET_FORWARD, rows[i].policy);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
}

/* Which tables packets of a family enter. */
static void test_tables(void) {
        static const struct {
                uint8_t family;
                uint32_t flags, hook, policy;
                bool is_entered, drops;
        } rows[] = {
                { NFPROTO_IPV4, 0, NF_INET_FORWARD, NF_DROP, true, true },
                { NFPROTO_INET, 0, NF_INET_FORWARD, NF_DROP, true, true },
                { NFPROTO_INET, 0, NF_INET_FORWARD, NF_ACCEPT, true, false },
                { NFPROTO_IPV6, 0, NF_INET_FORWARD, NF_DROP, true, false },
                { NFPROTO_IPV4, NFT_TABLE_F_DORMANT, NF_INET_FORWARD, NF_DROP, false, false },
                { NFPROTO_IPV4, 0, NF_INET_LOCAL_IN, NF_DROP, false, false },
                { NFPROTO_BRIDGE, 0, NF_INET_FORWARD, NF_DROP, false, false },
                { NFPROTO_NETDEV, 0, NF_INET_FORWARD, NF_DROP, false, false },
                { NFPROTO_ARP, 0, NF_INET_FORWARD, NF_DROP, false, false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GPtrArray) tables = tables_new();
                g_autoptr(Bytes) bytes = g_byte_array_new();

                put_table(bytes, rows[i].family, "x", rows[i].flags);
                put_chain(bytes, rows[i].family, "x", "c", rows[i].hook, rows[i].policy);
                put_chain(bytes, rows[i].family, "unheard-of", "c", NF_INET_FORWARD, NF_DROP);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
                g_assert_true(bw_nft_forward_read(tables, bytes->data, bytes->len));
                bw_nft_forward_keep_entered(tables);
                g_assert_cmpuint(tables->len, ==, rows[i].is_entered);
                if (rows[i].is_entered)
                        g_assert_cmpuint(bw_nft_forward_family(tables->pdata[0]), ==,
                                         rows[i].family);
        }
}

static void put_lookup_from(Bytes *bytes, const char *set, uint32_t from) {
        Expression lookup = begin_expression(bytes, "lookup");

        put_text(bytes, NFTA_LOOKUP_SET, set);
        put_u32(bytes, NFTA_LOOKUP_SREG, from);
        end_expression(bytes, lookup);
}

static void put_lookup(Bytes *bytes, const char *set) {
        put_lookup_from(bytes, set, NFT_REG_1);
}

static void put_lookup_to(Bytes *bytes, const char *set, uint32_t to) {
        Expression lookup = begin_expression(bytes, "lookup");

        put_text(bytes, NFTA_LOOKUP_SET, set);
        put_u32(bytes, NFTA_LOOKUP_SREG, NFT_REG_1);
        put_u32(bytes, NFTA_LOOKUP_DREG, to);
        end_expression(bytes, lookup);
}

static void put_element(Bytes *bytes, const char *set, gconstpointer value, gsize length) {
        guint message = begin_message(bytes, NFT_MSG_NEWSETELEM, NFPROTO_INET);
        guint list, element, key;

        put_text(bytes, NFTA_SET_ELEM_LIST_TABLE, "t");
        put_text(bytes, NFTA_SET_ELEM_LIST_SET, set);
        list = begin(bytes, NFTA_SET_ELEM_LIST_ELEMENTS);
        element = begin(bytes, NFTA_LIST_ELEM);
        key = begin(bytes, NFTA_SET_ELEM_KEY);
        put_value(bytes, NFTA_DATA_VALUE, value, length);
        end(bytes, key);
        end(bytes, element);
        end(bytes, list);
        end_message(bytes, message);
}

static void put_set(Bytes *bytes, const char *set, uint32_t length) {
        guint message = begin_message(bytes, NFT_MSG_NEWSET, NFPROTO_INET);

        put_text(bytes, NFTA_SET_TABLE, "t");
        put_text(bytes, NFTA_SET_NAME, set);
        put_u32(bytes, NFTA_SET_KEY_LEN, length);
        end_message(bytes, message);
}

/* Elements are asked for where the key is the name alone, and what is not as long as one makes the
 * set none. What no rule asks is not kept. */
static void test_sets(void) {
        static const struct {
                uint32_t length;
                gsize element;
                bool is_foreign;
        } rows[] = {
                { 16, 16, false }, { 16, 0, true },  { 16, 15, true }, { 16, 20, true },
                { 20, 16, true },  { 32, 16, true }, { 0, 16, true },  { 20, 20, true },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GPtrArray) tables = tables_new();
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);
                const BwForwardTable *table;
                const BwForwardSet *set;

                put_meta(bytes, NFT_META_IIFNAME, NFT_REG_1);
                put_lookup(bytes, "s");
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                put_set(bytes, "s", rows[i].length);
                put_set(bytes, "other", 16);
                put_element(bytes, "s", "virbr6\0\0\0\0\0\0\0\0\0\0\0\0\0", rows[i].element);
                put_element(bytes, "other", "virbr6\0\0\0\0\0\0\0\0\0", 16);
                g_assert_true(bw_nft_forward_read(tables, bytes->data, bytes->len));
                table = tables->pdata[0];
                g_assert_cmpuint(g_hash_table_size(table->sets), ==, 1);
                set = g_hash_table_lookup(table->sets, "s");
                g_assert_cmpint(set->is_foreign, ==, rows[i].is_foreign);
                g_assert_cmpint(drops(bytes), ==, !rows[i].is_foreign);
        }
}

#define PAIR "virbr6\0\0\0\0\0\0\0\0\0\0virbr6\0\0\0\0\0\0\0\0\0"

/* A key is what stands in one register behind the other, as long as the set's keys are. */
static void test_keys(void) {
        static const struct {
                uint32_t first, second, key, length;
                bool drops;
        } rows[] = {
                { NFT_REG_1, NFT_REG_2, NFT_META_OIFNAME, 32, true },
                { NFT_REG_1, NFT_REG32_04, NFT_META_OIFNAME, 32, true },
                { NFT_REG_1, NFT_REG_2, NFT_META_OIFNAME, 16, true },
                /* Not behind it, on top of it, nowhere. */
                { NFT_REG_1, NFT_REG_3, NFT_META_OIFNAME, 32, false },
                { NFT_REG_1, NFT_REG32_02, NFT_META_OIFNAME, 16, false },
                { NFT_REG_1, NFT_REG_1, NFT_META_OIFNAME, 32, false },
                { NFT_REG_1, 0xffffffff, NFT_META_OIFNAME, 32, false },
                { 0xffffffff, NFT_REG_2, NFT_META_OIFNAME, 32, false },
                /* What is loaded last is taken to be longer than it may be. */
                { NFT_REG_2, NFT_REG_1, NFT_META_OIFNAME, 32, false },
                { NFT_REG_1, NFT_REG_2, NFT_META_MARK, 32, false },
                { NFT_REG_1, NFT_REG_2, NFT_META_IIF, 32, false },
                { NFT_REG_1, NFT_REG_2, NFT_META_OIFNAME, 20, false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                put_meta(bytes, NFT_META_IIFNAME, rows[i].first);
                put_meta(bytes, rows[i].key, rows[i].second);
                put_lookup(bytes, "s");
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                put_set(bytes, "s", rows[i].length);
                put_element(bytes, "s", PAIR, rows[i].length);
                g_test_message("row %" G_GSIZE_FORMAT, i);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
}

/* From a register in the middle of a name, and from none. */
static void test_key_registers(void) {
        static const struct {
                uint32_t from;
                bool drops;
        } rows[] = { { NFT_REG_1, true },
                     { NFT_REG32_00, true },
                     { NFT_REG32_01, false },
                     { NFT_REG_2, false },
                     { NFT_REG32_15 + 1, false } };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                put_meta(bytes, NFT_META_IIFNAME, NFT_REG_1);
                put_lookup_from(bytes, "s", rows[i].from);
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                put_set(bytes, "s", 16);
                put_element(bytes, "s", PAIR, 16);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
}

static void put_byteorder(Bytes *bytes, uint32_t size, uint32_t length) {
        Expression order = begin_expression(bytes, "byteorder");

        put_u32(bytes, NFTA_BYTEORDER_SREG, NFT_REG_1);
        put_u32(bytes, NFTA_BYTEORDER_DREG, NFT_REG_1);
        put_u32(bytes, NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON);
        put_u32(bytes, NFTA_BYTEORDER_LEN, length);
        put_u32(bytes, NFTA_BYTEORDER_SIZE, size);
        end_expression(bytes, order);
}

/* A number that is turned round is one, and a name or half of it is none any more. */
static void test_byteorder(void) {
        static const struct {
                uint32_t key, size, length;
                gsize element;
                bool drops;
        } rows[] = {
                { NFT_META_IIF, 4, 4, 4, true },   { NFT_META_OIF, 4, 4, 4, true },
                { NFT_META_IIF, 2, 4, 4, false },  { NFT_META_IIF, 4, 8, 4, false },
                { NFT_META_MARK, 4, 4, 4, false }, { NFT_META_IIFNAME, 4, 4, 16, false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                put_meta(bytes, rows[i].key, NFT_REG_1);
                put_byteorder(bytes, rows[i].size, rows[i].length);
                put_lookup(bytes, "s");
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                put_set(bytes, "s", (uint32_t) rows[i].element);
                put_element(bytes, "s", "\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0", rows[i].element);
                g_test_message("row %" G_GSIZE_FORMAT, i);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
}

/* A map is a condition; what it gives is nothing that is known, and no verdict behind one counts.
 */
static void test_maps(void) {
        static const struct {
                uint32_t to;
                bool drops, drops_by_register;
        } rows[] = {
                { NFT_REG_VERDICT, false, false },
                { NFT_REG_1, true, false },
                { NFT_REG_2, true, true },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                put_meta(bytes, NFT_META_IIFNAME, NFT_REG_1);
                put_lookup_to(bytes, "m", rows[i].to);
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                put_set(bytes, "m", 16);
                put_element(bytes, "m", PAIR, 16);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops);
        }
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Bytes) bytes = bytes_new();
                Rule rule = begin_rule(bytes);

                put_meta(bytes, NFT_META_IIFNAME, NFT_REG_1);
                put_lookup_to(bytes, "m", rows[i].to);
                put_cmp(bytes, NFT_REG_1, NFT_CMP_EQ, "virbr6", 7);
                put_verdict(bytes, NF_DROP);
                end_rule(bytes, rule);
                put_set(bytes, "m", 16);
                put_element(bytes, "m", PAIR, 16);
                g_assert_cmpint(drops(bytes), ==, rows[i].drops_by_register);
        }
}

/* So many are kept; one more, and none is. */
static void test_many_elements(void) {
        g_autoptr(Bytes) bytes = bytes_new();
        Rule rule = begin_rule(bytes);

        put_meta(bytes, NFT_META_IIFNAME, NFT_REG_1);
        put_lookup(bytes, "s");
        put_verdict(bytes, NF_DROP);
        end_rule(bytes, rule);
        put_set(bytes, "s", 16);
        for (unsigned i = 0; i < BW_FORWARD_MOST_ELEMENTS; i++)
                put_element(bytes, "s", PAIR, 16);
        g_assert_true(drops(bytes));
        put_element(bytes, "s", PAIR, 16);
        g_assert_false(drops(bytes));
        put_element(bytes, "s", PAIR, 16);
        g_assert_false(drops(bytes));
}

/* The same names in two families are two tables. */
static void test_same_names(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        g_autoptr(Bytes) bytes = g_byte_array_new();
        BwForwardEnd place;

        put_table(bytes, NFPROTO_IPV4, "filter", 0);
        put_table(bytes, NFPROTO_IPV6, "filter", 0);
        put_table(bytes, NFPROTO_IPV4, "filter", 0);
        put_chain(bytes, NFPROTO_IPV6, "filter", "FORWARD", NF_INET_FORWARD, NF_DROP);
        g_assert_true(bw_nft_forward_read(tables, bytes->data, bytes->len));
        g_assert_cmpuint(tables->len, ==, 2);
        g_assert_false(bw_forward_drops(tables, BW_FAMILY_IPV4, "virbr6", 7, &place));
        g_assert_true(bw_forward_drops(tables, BW_FAMILY_IPV6, "virbr6", 7, &place));
        g_assert_cmpstr(place.table->nft, ==, "ip6");
}

/* Cut anywhere, and with each byte in it wrong: never read beyond the end; ASan watches. */
static void test_broken(void) {
        g_autoptr(Bytes) bytes = bytes_new();
        Rule rule = begin_rule(bytes);
        unsigned whole = 0;

        put_meta(bytes, NFT_META_IIFNAME, NFT_REG_1);
        put_cmp(bytes, NFT_REG_1, NFT_CMP_EQ, "virbr6", 7);
        put_verdict(bytes, NF_DROP);
        end_rule(bytes, rule);
        g_assert_true(drops(bytes));
        for (guint length = 0; length < bytes->len; length++) {
                g_autoptr(GPtrArray) tables = tables_new();
                g_autofree uint8_t *copy = g_memdup2(bytes->data, length);

                whole += bw_nft_forward_read(tables, copy, length);
        }
        /* Nothing at all, the table, and its chain. */
        g_assert_cmpuint(whole, ==, 3);
        for (guint at = 0; at < bytes->len; at++)
                for (unsigned value = 0; value < 256; value++) {
                        g_autoptr(GPtrArray) tables = tables_new();
                        g_autofree uint8_t *copy = g_memdup2(bytes->data, bytes->len);
                        BwForwardEnd place;

                        copy[at] = (uint8_t) value;
                        (void) bw_nft_forward_read(tables, copy, bytes->len);
                        (void) bw_forward_drops(tables, BW_FAMILY_IPV4, "virbr6", 7, &place);
                }
}

/* A rule whose rest cannot be read may have had a condition there. */
static void test_torn_rule(void) {
        g_autoptr(Bytes) bytes = bytes_new();
        Rule rule = begin_rule(bytes);

        put_verdict(bytes, NF_DROP);
        put(bytes, "\xff\xff\x01", 4);
        end_rule(bytes, rule);
        g_assert_false(drops(bytes));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/nft-forward/comparisons", test_comparisons);
        g_test_add_func("/nft-forward/registers", test_registers);
        g_test_add_func("/nft-forward/loaded-over", test_loaded_over);
        g_test_add_func("/nft-forward/verdicts", test_verdicts);
        g_test_add_func("/nft-forward/unknown", test_unknown);
        g_test_add_func("/nft-forward/deeds", test_deeds);
        g_test_add_func("/nft-forward/tables", test_tables);
        g_test_add_func("/nft-forward/sets", test_sets);
        g_test_add_func("/nft-forward/keys", test_keys);
        g_test_add_func("/nft-forward/key-registers", test_key_registers);
        g_test_add_func("/nft-forward/byteorder", test_byteorder);
        g_test_add_func("/nft-forward/maps", test_maps);
        g_test_add_func("/nft-forward/many-elements", test_many_elements);
        g_test_add_func("/nft-forward/same-names", test_same_names);
        g_test_add_func("/nft-forward/broken", test_broken);
        g_test_add_func("/nft-forward/torn-rule", test_torn_rule);
        return g_test_run();
}
