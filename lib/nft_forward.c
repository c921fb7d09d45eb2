/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_bytes.h>
#include <bw/nft_forward.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_physdev.h>
#include <string.h>

#define NAME_SIZE      256 /* NFT_NAME_MAXLEN */
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

#define IPV4 BW_FAMILY_BIT(BW_FAMILY_IPV4)
#define IPV6 BW_FAMILY_BIT(BW_FAMILY_IPV6)

static const struct {
        uint8_t number;
        const char *name;
        unsigned families;
} families[] = {
        { NFPROTO_IPV4, "ip", IPV4 },
        { NFPROTO_IPV6, "ip6", IPV6 },
        { NFPROTO_INET, "inet", IPV4 | IPV6 },
};

/* Attributes */

static bool find_text(BwNftBytes rest, unsigned type, char ret[static NAME_SIZE]) {
        BwNftBytes value = bw_nft_find(rest, type);

        if (!value.at)
                return false;
        bw_nft_text(value, ret, NAME_SIZE);
        return true;
}

static bool find_u32(BwNftBytes rest, unsigned type, uint32_t *ret) {
        BwNftBytes value = bw_nft_find(rest, type);

        *ret = value.at ? bw_nft_u32(value) : 0;
        return value.length == sizeof(*ret);
}

static bool is_whole(BwNftBytes rest) {
        BwNftAttribute attribute;
        bool broken;

        while (bw_nft_next_attribute(&rest, &attribute, &broken))
                ;
        return !broken;
}

/* Tables and chains */

static BwForwardTable *find_table(const GPtrArray *tables, const BwNftMessage *message,
                                  unsigned type) {
        char name[NAME_SIZE];

        if (!find_text(message->body, type, name))
                return NULL;
        for (guint i = 0; i < tables->len; i++) {
                BwForwardTable *table = tables->pdata[i];

                if (bw_nft_forward_family(table) == message->family &&
                    g_str_equal(table->name, name))
                        return table;
        }
        return NULL;
}

static void read_table(GPtrArray *tables, const BwNftMessage *message) {
        char name[NAME_SIZE];
        uint32_t flags;

        (void) find_u32(message->body, NFTA_TABLE_FLAGS, &flags);
        if ((flags & NFT_TABLE_F_DORMANT) || find_table(tables, message, NFTA_TABLE_NAME) ||
            !find_text(message->body, NFTA_TABLE_NAME, name))
                return;
        for (gsize i = 0; i < G_N_ELEMENTS(families); i++)
                if (families[i].number == message->family)
                        g_ptr_array_add(tables, bw_forward_table_new(name, families[i].name,
                                                                     families[i].families));
}

static void read_chain(GPtrArray *tables, const BwNftMessage *message) {
        BwForwardTable *table = find_table(tables, message, NFTA_CHAIN_TABLE);
        BwNftBytes hook = bw_nft_find(message->body, NFTA_CHAIN_HOOK);
        BwForwardChain *chain;
        char name[NAME_SIZE];
        uint32_t number, policy;

        if (!table || !find_text(message->body, NFTA_CHAIN_NAME, name))
                return;
        chain = bw_forward_table_chain(table, name);
        chain->is_hook =
                hook.at && find_u32(hook, NFTA_HOOK_HOOKNUM, &number) && number == NF_INET_FORWARD;
        chain->drops = find_u32(message->body, NFTA_CHAIN_POLICY, &policy) && policy == NF_DROP;
}

/* Rules */

/* Registers of four bytes; one of 16 is four of them (enum nft_registers). */
#define SLOTS (NFT_REG32_15 - NFT_REG32_00 + 1)

typedef struct Reading {
        BwForwardTable *table;
        BwForwardRule rule;
        BwForwardField slots[SLOTS]; /* what begins there */
} Reading;

/* SLOTS: there is no such register. */
static unsigned slot_of(uint32_t number) {
        if (number >= NFT_REG_1 && number <= NFT_REG_4)
                return (number - NFT_REG_1) * (NFT_REG_SIZE / NFT_REG32_SIZE);
        return number >= NFT_REG32_00 && number <= NFT_REG32_15 ? number - NFT_REG32_00 : SLOTS;
}

static unsigned slots_of(BwForwardField field) {
        return (bw_forward_field_width(field) + NFT_REG32_SIZE - 1) / NFT_REG32_SIZE;
}

/* Keys are loaded from their beginning to their end, so what stands behind is of an earlier one:
 * it is let go of, however long this is. */
static void load(Reading *reading, uint32_t to, BwForwardField what) {
        unsigned slot = slot_of(to);

        for (unsigned i = 0; i < slot; i++)
                if (i + slots_of(reading->slots[i]) > slot)
                        reading->slots[i] = BW_FORWARD_OTHER;
        for (unsigned i = slot; i < SLOTS; i++)
                reading->slots[i] = i == slot ? what : BW_FORWARD_OTHER;
}

static BwForwardField loaded(const Reading *reading, BwNftBytes expression, unsigned type) {
        uint32_t from;
        unsigned slot = find_u32(expression, type, &from) ? slot_of(from) : SLOTS;

        return slot < SLOTS ? reading->slots[slot] : BW_FORWARD_OTHER;
}

static void read_meta(Reading *reading, BwNftBytes expression) {
        uint32_t to, key = 0;
        BwForwardField what = BW_FORWARD_OTHER;

        if (!find_u32(expression, NFTA_META_DREG, &to))
                return;
        (void) find_u32(expression, NFTA_META_KEY, &key);
        if (key == NFT_META_IIFNAME)
                what = BW_FORWARD_IN_NAME;
        else if (key == NFT_META_OIFNAME)
                what = BW_FORWARD_OUT_NAME;
        else if (key == NFT_META_IIF)
                what = BW_FORWARD_IN_INDEX;
        else if (key == NFT_META_OIF)
                what = BW_FORWARD_OUT_INDEX;
        else if (key == NFT_META_NFPROTO)
                what = BW_FORWARD_NFPROTO;
        else if (key == NFT_META_PROTOCOL)
                what = BW_FORWARD_PROTOCOL;
        load(reading, to, what);
}

/* What is loaded only is compared later on, or written elsewhere. */
G_STATIC_ASSERT((int) NFTA_CT_DREG == (int) NFTA_PAYLOAD_DREG);

static void read_load(Reading *reading, BwNftBytes expression) {
        uint32_t to;

        if (find_u32(expression, NFTA_PAYLOAD_DREG, &to))
                load(reading, to, BW_FORWARD_OTHER);
}

static void read_bitwise(Reading *reading, BwNftBytes expression) {
        uint32_t to;

        if (find_u32(expression, NFTA_BITWISE_DREG, &to))
                load(reading, to, BW_FORWARD_OTHER);
}

/* Ranges of numbers are compared byte by byte. */
static void read_byteorder(Reading *reading, BwNftBytes expression) {
        BwForwardField what = loaded(reading, expression, NFTA_BYTEORDER_SREG);
        uint32_t to, size, length;

        if (!find_u32(expression, NFTA_BYTEORDER_DREG, &to))
                return;
        if (!find_u32(expression, NFTA_BYTEORDER_SIZE, &size) || size != sizeof(uint32_t) ||
            !find_u32(expression, NFTA_BYTEORDER_LEN, &length) || length != sizeof(uint32_t))
                what = BW_FORWARD_OTHER;
        load(reading, to,
             what == BW_FORWARD_IN_INDEX    ? BW_FORWARD_IN_INDEX_SWAPPED
             : what == BW_FORWARD_OUT_INDEX ? BW_FORWARD_OUT_INDEX_SWAPPED
                                            : BW_FORWARD_OTHER);
}

/* One condition of each interface is judged. */
static BwForwardName *name_of(Reading *reading, BwForwardField what) {
        bool is_in = what == BW_FORWARD_IN_NAME || what == BW_FORWARD_IN_INDEX;
        BwForwardName *name = is_in ? &reading->rule.in : &reading->rule.out;

        if (!name->length && !name->ifindex)
                return name;
        reading->rule.is_narrow = true;
        return NULL;
}

static void compare_name(Reading *reading, BwForwardField what, BwNftBytes value,
                         bool is_inverted) {
        BwForwardName *name = name_of(reading, what);

        if (!name)
                return;
        if (value.length == 0 || value.length > sizeof(name->bytes)) {
                reading->rule.is_narrow = true;
                return;
        }
        memcpy(name->bytes, value.at, value.length);
        name->length = (unsigned) value.length;
        name->is_inverted = is_inverted;
}

/* Of the host's byte order. */
static void compare_index(Reading *reading, BwForwardField what, BwNftBytes value,
                          bool is_inverted) {
        BwForwardName *name = name_of(reading, what);
        uint32_t ifindex = 0;

        if (!name)
                return;
        if (value.length == sizeof(ifindex))
                memcpy(&ifindex, value.at, sizeof(ifindex));
        if (ifindex == 0) {
                reading->rule.is_narrow = true;
                return;
        }
        name->ifindex = ifindex;
        name->is_inverted = is_inverted;
}

static unsigned family_of(BwForwardField what, BwNftBytes value) {
        unsigned number = value.length > 0 ? value.at[0] : 0;

        if (what == BW_FORWARD_NFPROTO)
                return number == NFPROTO_IPV4 ? IPV4 : number == NFPROTO_IPV6 ? IPV6 : 0;
        number = value.length == 2 ? number << 8 | value.at[1] : 0;
        return number == ETHERTYPE_IPV4 ? IPV4 : number == ETHERTYPE_IPV6 ? IPV6 : 0;
}

static void compare_family(Reading *reading, BwForwardField what, BwNftBytes value,
                           bool is_inverted) {
        unsigned family = family_of(what, value);

        reading->rule.excluded |= is_inverted ? family : (IPV4 | IPV6) & ~family;
}

static void compare(Reading *reading, BwForwardField what, BwNftBytes value, bool is_inverted) {
        switch (what) {
        case BW_FORWARD_IN_NAME:
        case BW_FORWARD_OUT_NAME:
                compare_name(reading, what, value, is_inverted);
                return;
        case BW_FORWARD_IN_INDEX:
        case BW_FORWARD_OUT_INDEX:
                compare_index(reading, what, value, is_inverted);
                return;
        case BW_FORWARD_NFPROTO:
        case BW_FORWARD_PROTOCOL:
                compare_family(reading, what, value, is_inverted);
                return;
        case BW_FORWARD_IN_INDEX_SWAPPED:
        case BW_FORWARD_OUT_INDEX_SWAPPED:
        case BW_FORWARD_OTHER:
                break;
        }
        reading->rule.is_narrow = true;
}

static void read_cmp(Reading *reading, BwNftBytes expression) {
        BwForwardField what = loaded(reading, expression, NFTA_CMP_SREG);
        BwNftBytes value = bw_nft_find(bw_nft_find(expression, NFTA_CMP_DATA), NFTA_DATA_VALUE);
        uint32_t operation;

        if (!find_u32(expression, NFTA_CMP_OP, &operation) || !value.at ||
            (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ))
                reading->rule.is_narrow = true;
        else
                compare(reading, what, value, operation == NFT_CMP_NEQ);
}

/* All that is known from the register on: how long a key is, the set will say. */
static bool read_key(const Reading *reading, BwNftBytes expression, BwForwardLookup *lookup) {
        uint32_t from;
        unsigned slot = find_u32(expression, NFTA_LOOKUP_SREG, &from) ? slot_of(from) : SLOTS;

        for (unsigned i = 0; i < BW_FORWARD_MOST_FIELDS && slot < SLOTS && reading->slots[slot];
             i++) {
                lookup->fields[i] = reading->slots[slot];
                slot += slots_of(lookup->fields[i]);
        }
        return lookup->fields[0] != BW_FORWARD_OTHER;
}

static void add_lookup(Reading *reading, const char *name, const BwForwardLookup *lookup) {
        BwForwardSet *set = bw_forward_table_set(reading->table, name);
        BwForwardLookup *added = &reading->rule.lookups[reading->rule.lookup_count++];

        *added = *lookup;
        added->set = bw_forward_table_word(reading->table, name);
        set->asked = MAX(set->asked, bw_forward_lookup_reach(lookup));
}

/* In a map that gives no verdict it is a condition all the same. */
static void read_lookup(Reading *reading, BwNftBytes expression) {
        BwForwardLookup lookup = {};
        uint32_t to, flags;
        bool is_map = find_u32(expression, NFTA_LOOKUP_DREG, &to);
        char set[NAME_SIZE];

        (void) find_u32(expression, NFTA_LOOKUP_FLAGS, &flags);
        lookup.is_inverted = flags & NFT_LOOKUP_F_INV;
        if (reading->rule.lookup_count == BW_FORWARD_MOST_LOOKUPS ||
            !read_key(reading, expression, &lookup) ||
            !find_text(expression, NFTA_LOOKUP_SET, set)) {
                reading->rule.is_narrow = true;
                return;
        }
        add_lookup(reading, set, &lookup);
        if (is_map && to == NFT_REG_VERDICT)
                reading->rule.verdict = BW_FORWARD_LOOK_UP;
        else if (is_map)
                load(reading, to, BW_FORWARD_OTHER);
}

/* @data: NFTA_DATA_*. What a program does with what it is handed cannot be known: it passes. */
static BwForwardVerdict read_verdict(BwForwardTable *table, BwNftBytes data,
                                     const char **ret_chain) {
        BwNftBytes verdict = bw_nft_find(data, NFTA_DATA_VERDICT);
        char name[NAME_SIZE];
        uint32_t code;

        if (!verdict.at || !find_u32(verdict, NFTA_VERDICT_CODE, &code))
                return BW_FORWARD_GO_ON;
        if (find_text(verdict, NFTA_VERDICT_CHAIN, name))
                *ret_chain = bw_forward_table_word(table, name);
        switch ((int32_t) code) {
        case NFT_JUMP:
                return BW_FORWARD_JUMP;
        case NFT_GOTO:
                return BW_FORWARD_GOTO;
        case NFT_RETURN:
                return BW_FORWARD_RETURN;
        case NFT_CONTINUE:
        case NFT_BREAK:
                return BW_FORWARD_GO_ON;
        default: /* the number of a queue or an errno is above it */
                return (code & NF_VERDICT_MASK) == NF_DROP ? BW_FORWARD_DROP : BW_FORWARD_ACCEPT;
        }
}

static void read_immediate(Reading *reading, BwNftBytes expression) {
        BwNftBytes data = bw_nft_find(expression, NFTA_IMMEDIATE_DATA);
        uint32_t to;

        if (!find_u32(expression, NFTA_IMMEDIATE_DREG, &to) || !data.at)
                reading->rule.is_narrow = true;
        else if (to != NFT_REG_VERDICT)
                load(reading, to, BW_FORWARD_OTHER);
        else
                reading->rule.verdict = read_verdict(reading->table, data, &reading->rule.chain);
}

static void read_reject(Reading *reading, G_GNUC_UNUSED BwNftBytes expression) {
        reading->rule.verdict = BW_FORWARD_DROP;
}

static void read_queue(Reading *reading, G_GNUC_UNUSED BwNftBytes expression) {
        reading->rule.verdict = BW_FORWARD_ACCEPT;
}

/* Counts, logs, copies: no condition. */
static void read_deed(G_GNUC_UNUSED Reading *reading, G_GNUC_UNUSED BwNftBytes expression) {
}

/* Limits and quotas are conditions, with a name as without. */
static void read_object(Reading *reading, BwNftBytes expression) {
        uint32_t type;

        if (!find_u32(expression, NFTA_OBJREF_IMM_TYPE, &type) ||
            (type != NFT_OBJECT_COUNTER && type != NFT_OBJECT_CT_HELPER))
                reading->rule.is_narrow = true;
}

/* x_tables, as iptables-nft makes them */

static bool is_bridged(BwNftBytes info) {
        struct xt_physdev_info physdev;

        if (info.length < sizeof(physdev))
                return false;
        memcpy(&physdev, info.at, sizeof(physdev));
        return physdev.bitmask == XT_PHYSDEV_OP_BRIDGED &&
               !(physdev.invert & XT_PHYSDEV_OP_BRIDGED);
}

static void read_match(Reading *reading, BwNftBytes expression) {
        BwNftBytes info = bw_nft_find(expression, NFTA_MATCH_INFO);
        char name[NAME_SIZE] = "";

        (void) find_text(expression, NFTA_MATCH_NAME, name);
        if (!g_str_equal(name, "comment") && !(g_str_equal(name, "physdev") && is_bridged(info)))
                reading->rule.is_narrow = true;
}

static void read_target(Reading *reading, BwNftBytes expression) {
        char name[NAME_SIZE] = "";

        (void) find_text(expression, NFTA_TARGET_NAME, name);
        if (g_str_equal(name, "REJECT"))
                reading->rule.verdict = BW_FORWARD_DROP;
        else if (g_str_equal(name, "NFQUEUE"))
                reading->rule.verdict = BW_FORWARD_ACCEPT;
}

static void read_expression(Reading *reading, BwNftBytes element) {
        static const struct {
                const char *name;
                void (*read)(Reading *reading, BwNftBytes expression);
        } rows[] = {
                { "meta", read_meta },           { "cmp", read_cmp },
                { "immediate", read_immediate }, { "counter", read_deed },
                { "match", read_match },         { "target", read_target },
                { "payload", read_load },        { "ct", read_load },
                { "bitwise", read_bitwise },     { "byteorder", read_byteorder },
                { "lookup", read_lookup },       { "reject", read_reject },
                { "queue", read_queue },         { "log", read_deed },
                { "notrack", read_deed },        { "dup", read_deed },
                { "last", read_deed },           { "objref", read_object },
        };
        BwNftBytes expression = bw_nft_find(element, NFTA_EXPR_DATA);
        char name[NAME_SIZE] = "";

        (void) find_text(element, NFTA_EXPR_NAME, name);
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
                if (g_str_equal(rows[i].name, name)) {
                        rows[i].read(reading, expression);
                        return;
                }
        reading->rule.is_narrow = true;
}

static void read_rule(GPtrArray *tables, const BwNftMessage *message) {
        Reading reading = { .table = find_table(tables, message, NFTA_RULE_TABLE) };
        BwNftBytes rest = bw_nft_find(message->body, NFTA_RULE_EXPRESSIONS);
        BwNftAttribute element;
        char name[NAME_SIZE];
        bool broken = false;

        if (!reading.table || !find_text(message->body, NFTA_RULE_CHAIN, name))
                return;
        /* Behind a verdict nothing is reached; a map that has none for a packet ends its rule too.
         */
        while (!reading.rule.is_narrow && bw_nft_next_attribute(&rest, &element, &broken))
                if (reading.rule.verdict == BW_FORWARD_GO_ON)
                        read_expression(&reading, element.value);
        /* What never decides need not be kept. */
        if (!broken && !reading.rule.is_narrow && reading.rule.verdict != BW_FORWARD_GO_ON)
                g_array_append_val(bw_forward_table_chain(reading.table, name)->rules,
                                   reading.rule);
}

/* Sets */

static void read_set(GPtrArray *tables, const BwNftMessage *message) {
        BwForwardTable *table = find_table(tables, message, NFTA_SET_TABLE);
        BwForwardSet *set = NULL;
        char name[NAME_SIZE];
        uint32_t length;

        if (table && find_text(message->body, NFTA_SET_NAME, name))
                set = g_hash_table_lookup(table->sets, name);
        if (!set)
                return;
        if (!find_u32(message->body, NFTA_SET_KEY_LEN, &length) || length == 0 ||
            length > set->asked)
                set->is_foreign = true;
        else
                set->length = length;
}

static bool is_condition(BwNftBytes expression) {
        char name[NAME_SIZE] = "";

        return find_text(expression, NFTA_EXPR_NAME, name) && !g_str_equal(name, "counter") &&
               !g_str_equal(name, "last");
}

/* An element may have a limit or a quota of its own. */
static bool has_condition(BwNftBytes element) {
        BwNftBytes rest = bw_nft_find(element, NFTA_SET_ELEM_EXPRESSIONS);
        bool found = is_condition(bw_nft_find(element, NFTA_SET_ELEM_EXPR)), broken;
        BwNftAttribute expression;

        while (bw_nft_next_attribute(&rest, &expression, &broken))
                found |= is_condition(expression.value);
        return found;
}

static bool read_key_value(const BwForwardSet *set, BwNftBytes element, unsigned type,
                           uint8_t key[static BW_FORWARD_KEY_SIZE]) {
        BwNftBytes value = bw_nft_find(bw_nft_find(element, type), NFTA_DATA_VALUE);

        if (set->length == 0 || value.length != set->length || value.length > BW_FORWARD_KEY_SIZE)
                return false;
        memcpy(key, value.at, value.length);
        return true;
}

static bool read_keys(const BwForwardSet *set, BwNftBytes rest, BwForwardElement *element) {
        if (element->is_rest)
                return true;
        element->is_span = bw_nft_find(rest, NFTA_SET_ELEM_KEY_END).at;
        return read_key_value(set, rest, NFTA_SET_ELEM_KEY, element->key) &&
               (!element->is_span ||
                read_key_value(set, rest, NFTA_SET_ELEM_KEY_END, element->last));
}

static void read_element(BwForwardTable *table, BwForwardSet *set, BwNftBytes rest) {
        BwForwardElement element = {};
        uint32_t flags;

        (void) find_u32(rest, NFTA_SET_ELEM_FLAGS, &flags);
        element.is_end = flags & NFT_SET_ELEM_INTERVAL_END;
        element.is_rest = flags & NFT_SET_ELEM_CATCHALL;
        if (set->elements->len == BW_FORWARD_MOST_ELEMENTS || has_condition(rest) ||
            !read_keys(set, rest, &element)) {
                set->is_foreign = true;
                g_array_set_size(set->elements, 0);
                return;
        }
        element.verdict =
                read_verdict(table, bw_nft_find(rest, NFTA_SET_ELEM_DATA), &element.chain);
        g_array_append_val(set->elements, element);
}

static void read_elements(GPtrArray *tables, const BwNftMessage *message) {
        BwForwardTable *table = find_table(tables, message, NFTA_SET_ELEM_LIST_TABLE);
        BwNftBytes rest = bw_nft_find(message->body, NFTA_SET_ELEM_LIST_ELEMENTS);
        BwForwardSet *set = NULL;
        BwNftAttribute element;
        char name[NAME_SIZE];
        bool broken;

        if (table && find_text(message->body, NFTA_SET_ELEM_LIST_SET, name))
                set = g_hash_table_lookup(table->sets, name);
        while (set && !set->is_foreign && bw_nft_next_attribute(&rest, &element, &broken))
                read_element(table, set, element.value);
}

/* Answers */

static void read_message(GPtrArray *tables, const BwNftMessage *message) {
        switch (message->type) {
        case NFT_MSG_NEWTABLE:
                read_table(tables, message);
                return;
        case NFT_MSG_NEWCHAIN:
                read_chain(tables, message);
                return;
        case NFT_MSG_NEWRULE:
                read_rule(tables, message);
                return;
        case NFT_MSG_NEWSET:
                read_set(tables, message);
                return;
        case NFT_MSG_NEWSETELEM:
                read_elements(tables, message);
                return;
        default:
                return;
        }
}

bool bw_nft_forward_read(GPtrArray *tables, const void *datagram, gsize length) {
        BwNftBytes rest = { .at = datagram, .length = length };
        BwNftMessage message;
        bool broken;

        while (bw_nft_next_message(&rest, &message, &broken)) {
                if (!is_whole(message.body))
                        return false;
                read_message(tables, &message);
        }
        return !broken;
}

static bool is_entered(const BwForwardTable *table) {
        for (guint i = 0; i < table->chains->len; i++)
                if (((const BwForwardChain *) table->chains->pdata[i])->is_hook)
                        return true;
        return false;
}

void bw_nft_forward_keep_entered(GPtrArray *tables) {
        for (guint i = tables->len; i-- > 0;)
                if (!is_entered(tables->pdata[i]))
                        g_ptr_array_remove_index(tables, i);
}

uint8_t bw_nft_forward_family(const BwForwardTable *table) {
        for (gsize i = 0; i < G_N_ELEMENTS(families); i++)
                if (g_strcmp0(table->nft, families[i].name) == 0)
                        return families[i].number;
        return NFPROTO_UNSPEC;
}
