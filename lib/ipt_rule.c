/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_request.h>
#include <bw/ipt_rule.h>
#include <bw/violation.h>
#include <string.h>

typedef struct Table {
        BwFamily family;
        BwDirection direction;
        const char *name, *hook, *root, *text;
} Table;

static const Table *find_table(BwIptTable table) {
        static const Table tables[BW_IPT_TABLE_MAX] = {
                [BW_IPT_RAW] = { BW_FAMILY_IPV4, BW_DIRECTION_IN, "raw", "PREROUTING", "bw-in",
                                 "iptables table raw" },
                [BW_IPT_RAW6] = { BW_FAMILY_IPV6, BW_DIRECTION_IN, "raw", "PREROUTING", "bw-in",
                                  "ip6tables table raw" },
                [BW_IPT_MANGLE] = { BW_FAMILY_IPV4, BW_DIRECTION_OUT, "mangle", "FORWARD", "bw-out",
                                    "iptables table mangle" },
                [BW_IPT_MANGLE6] = { BW_FAMILY_IPV6, BW_DIRECTION_OUT, "mangle", "FORWARD",
                                     "bw-out", "ip6tables table mangle" },
        };

        return &tables[table];
}

const char *bw_ipt_table_name(BwIptTable table) {
        return find_table(table)->name;
}

BwFamily bw_ipt_table_family(BwIptTable table) {
        return find_table(table)->family;
}

BwDirection bw_ipt_table_direction(BwIptTable table) {
        return find_table(table)->direction;
}

const char *bw_ipt_table_text(BwIptTable table) {
        return find_table(table)->text;
}

const char *bw_ipt_table_hook(BwIptTable table) {
        return find_table(table)->hook;
}

const char *bw_ipt_table_root(BwIptTable table) {
        return find_table(table)->root;
}

/* "bw-shaping" may be somebody's own: ours are the roots, and "bw-KIND-…" or "bw-KINDx-…". */
bool bw_ipt_chain_is_ours(const char *name) {
        static const char *const kinds[] = { "i",  "o",  "r",  "c",  "is", "os", "it", "ot", "ia",
                                             "oa", "iw", "ow", "id", "od", "iz", "b",  "ib", "ob",
                                             "il", "ol", "ic", "oc", "ie", "oe", "iq", "oq", "or" };

        if (g_str_equal(name, bw_ipt_table_root(BW_IPT_RAW)) ||
            g_str_equal(name, bw_ipt_table_root(BW_IPT_MANGLE)))
                return true;
        if (!g_str_has_prefix(name, "bw-"))
                return false;
        name += strlen("bw-");
        for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
                gsize length = strlen(kinds[i]);

                if (strncmp(name, kinds[i], length) == 0 &&
                    (name[length] == '-' || (name[length] == 'x' && name[length + 1] == '-')))
                        return true;
        }
        return false;
}

/* As many as most chains have: to make room for them one by one takes longer than to write them. */
#define USUAL_RULES 4

BwIptChain *bw_ipt_chain_new(const char *name) {
        BwIptChain *chain = g_atomic_rc_box_new0(BwIptChain);

        g_strlcpy(chain->name, name, sizeof(chain->name));
        chain->rules = g_array_sized_new(FALSE, FALSE, sizeof(BwIptRule), USUAL_RULES);
        return chain;
}

BwIptChain *bw_ipt_chain_ref(BwIptChain *chain) {
        return g_atomic_rc_box_acquire(chain);
}

static void clear_chain(gpointer chain) {
        g_array_unref(((BwIptChain *) chain)->rules);
}

void bw_ipt_chain_unref(BwIptChain *chain) {
        if (chain)
                g_atomic_rc_box_release_full(chain, clear_chain);
}

static bool same_clients(const BwIptRule *a, const BwIptRule *b) {
        for (gsize i = 0; i < BW_IPT_CLIENT_MAX; i++)
                if (a->clients[i].ifindex != b->clients[i].ifindex ||
                    !bw_mac_equal(&a->clients[i].mac, &b->clients[i].mac))
                        return false;
        return true;
}

bool bw_ipt_rule_equal(const BwIptRule *a, const BwIptRule *b) {
        return g_str_equal(a->in_bridge, b->in_bridge) &&
               g_str_equal(a->out_bridge, b->out_bridge) && a->physdev_kind == b->physdev_kind &&
               g_str_equal(a->physdev, b->physdev) && bw_prefix_equal(&a->source, &b->source) &&
               bw_prefix_equal(&a->destination, &b->destination) &&
               a->source_is_not == b->source_is_not && a->dhcp == b->dhcp &&
               bw_mac_equal(&a->sender, &b->sender) && bw_mac_equal(&a->client, &b->client) &&
               a->client_is_sender == b->client_is_sender && same_clients(a, b) &&
               a->fragment == b->fragment && a->icmpv6_type == b->icmpv6_type &&
               a->log_rate == b->log_rate && a->target == b->target &&
               g_str_equal(a->chain, b->chain) && a->reason == b->reason &&
               a->direction == b->direction && a->drops == b->drops && a->foreign == b->foreign;
}

/* Most that are equal are so byte for byte; holes between members may still differ. */
static bool are_same_bytes(const GArray *a, const GArray *b) {
        return a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(BwIptRule)) == 0;
}

bool bw_ipt_chain_equal(const BwIptChain *a, const BwIptChain *b) {
        if (a == b)
                return true;
        if (!g_str_equal(a->name, b->name) || a->opaque != b->opaque ||
            a->rules->len != b->rules->len)
                return false;
        if (are_same_bytes(a->rules, b->rules))
                return true;
        for (guint i = 0; i < a->rules->len; i++)
                if (!bw_ipt_rule_equal(&g_array_index(a->rules, BwIptRule, i),
                                       &g_array_index(b->rules, BwIptRule, i)))
                        return false;
        return true;
}

static bool is_plain(const char *name) {
        for (; *name; name++)
                if (!g_ascii_isalnum(*name) && *name != '-' && *name != '_' && *name != '.')
                        return false;
        return true;
}

/* Where the next part of a name goes. Every rule has a name or two, and printf() would take most of
 * the time that writing the rule takes. */
static char *append(char *at, const char *text, gsize length) {
        memcpy(at, text, length);
        at[length] = '\0';
        return at + length;
}

static char *append_kind(char *name, const char *kind) {
        return append(append(append(name, "bw-", 3), kind, strlen(kind)), "-", 1);
}

/* Base 64 with "_" and "-" for the two characters iptables-restore might take amiss. */
static void encode(const uint8_t *bytes, gsize length, char *text) {
        g_autofree char *base64 = g_base64_encode(bytes, length);

        for (gsize i = 0; base64[i]; i++)
                *text++ = base64[i] == '+' ? '-' : base64[i] == '/' ? '_' : base64[i];
        *text = '\0';
}

/* Fifteen bytes hold any port name, and their twenty characters of base 64 fit behind the kind. An
 * "x" after the kind keeps encoded and plain names apart. */
void bw_ipt_port_chain(const char *kind, const char *port, char name[static BW_IPT_CHAIN_SIZE]) {
        uint8_t bytes[BW_IFNAME_SIZE - 1] = {};
        char code[21];

        if (is_plain(port)) {
                append(append_kind(name, kind), port, strnlen(port, BW_IFNAME_SIZE - 1));
                return;
        }
        memcpy(bytes, port, strnlen(port, sizeof(bytes)));
        encode(bytes, sizeof(bytes), code);
        g_snprintf(name, BW_IPT_CHAIN_SIZE, "bw-%sx-%s", kind, code);
}

static void digest(const char *bridge, const char *prefix, char code[static 21]) {
        g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
        uint8_t bytes[32];
        gsize length = sizeof(bytes);

        g_checksum_update(checksum, (const guchar *) bridge, (gssize) strlen(bridge) + 1);
        g_checksum_update(checksum, (const guchar *) prefix, (gssize) strlen(prefix));
        g_checksum_get_digest(checksum, bytes, &length);
        encode(bytes, 15, code);
}

/* "+" cannot occur in a plain name, so it parts bridge and prefix without doubt. Names too long for
 * that are told apart by 120 bits of a digest. */
void bw_ipt_node_chain(const char *kind, const char *bridge, const char *prefix,
                       char name[static BW_IPT_CHAIN_SIZE]) {
        gsize bridge_length = strlen(bridge), prefix_length = strlen(prefix);
        gsize length = strlen("bw--+") + strlen(kind) + bridge_length + prefix_length;
        char code[21], *at;

        if (length <= BW_IPT_CHAIN_LENGTH && is_plain(bridge) && is_plain(prefix)) {
                at = append(append_kind(name, kind), bridge, bridge_length);
                append(append(at, "+", 1), prefix, prefix_length);
                return;
        }
        digest(bridge, prefix, code);
        g_snprintf(name, BW_IPT_CHAIN_SIZE, "bw-%sx-%s", kind, code);
}

static void print_prefix(GString *text, const char *option, const BwPrefix *prefix) {
        BwPrefix single = *prefix;
        g_autofree char *address = NULL;

        if (prefix->length == 0)
                return;
        single.length = prefix->family == BW_FAMILY_IPV4 ? 32 : 128;
        address = bw_prefix_print(&single);
        g_string_append_printf(text, " %s %s/%u", option, address, prefix->length);
}

static void print_physdev(GString *text, const BwIptRule *rule) {
        switch (rule->physdev_kind) {
        case BW_IPT_PHYSDEV_NONE:
                return;
        case BW_IPT_PHYSDEV_IN:
                g_string_append_printf(text, " -m physdev --physdev-in %s", rule->physdev);
                return;
        case BW_IPT_PHYSDEV_IN_PREFIX:
                g_string_append_printf(text, " -m physdev --physdev-in %s+", rule->physdev);
                return;
        case BW_IPT_PHYSDEV_OUT:
                g_string_append_printf(text, " -m physdev --physdev-out %s", rule->physdev);
                return;
        case BW_IPT_PHYSDEV_OUT_PREFIX:
                g_string_append_printf(text, " -m physdev --physdev-out %s+", rule->physdev);
                return;
        case BW_IPT_PHYSDEV_NOT_IN:
                g_string_append(text, " -m physdev ! --physdev-is-in");
                return;
        case BW_IPT_PHYSDEV_NOT_BRIDGED:
                g_string_append(text, " -m physdev ! --physdev-is-bridged");
                return;
        }
        g_assert_not_reached();
}

static bool is_some(const BwMac *mac) {
        static const BwMac any = {};

        return !bw_mac_equal(mac, &any);
}

static void print_bootp(GString *text, const BwIptRule *rule) {
        const uint8_t *mac = rule->client.octet;
        unsigned operation = rule->dhcp == BW_IPT_DHCP_REQUEST ? 1 : 2;

        g_string_append_printf(text,
                               " -m u32 --u32 \"0x4&0x3fff=0x0&&0x0>>0x16&0x3c@0x8>>0x8=0x%x"
                               "&&0x0>>0x16&0x3c@0x24=0x%x&&0x0>>0x16&0x3c@0x28>>0x10=0x%x\"",
                               operation << 16 | 0x0106,
                               (unsigned) mac[0] << 24 | mac[1] << 16 | mac[2] << 8 | mac[3],
                               mac[4] << 8 | mac[5]);
}

/* As libxt_bpf takes it: how many, then code, jumps and operand of each, in decimal. */
static void print_program(GString *text, const BwIptInstruction *program, unsigned length) {
        g_string_append_printf(text, " -m bpf --bytecode \"%u", length);
        for (unsigned i = 0; i < length; i++)
                g_string_append_printf(text, ",%u %u %u %u", program[i].code, program[i].if_true,
                                       program[i].if_false, program[i].operand);
        g_string_append_c(text, '"');
}

static void print_programs(GString *text, const BwIptRule *rule) {
        BwIptInstruction reply[BW_IPT_PROGRAM_MAX];
        const BwIptInstruction *request;
        unsigned length;

        if (rule->client_is_sender) {
                request = bw_ipt_request_program(&length);
                print_program(text, request, length);
        }
        if (rule->clients[0].ifindex) {
                length = bw_ipt_reply_program(rule->clients, reply);
                print_program(text, reply, length);
        }
}

static void print_protocol(GString *text, const BwIptRule *rule) {
        if (rule->dhcp != BW_IPT_DHCP_NONE)
                g_string_append(text, " -p udp");
        if (rule->icmpv6_type)
                g_string_append(text, " -p ipv6-icmp");
}

static void print_matches(GString *text, const BwIptRule *rule) {
        char mac_text[BW_MAC_TEXT_SIZE];

        if (rule->dhcp == BW_IPT_DHCP_REQUEST)
                g_string_append(text, " -m udp --sport 68 --dport 67");
        if (rule->dhcp == BW_IPT_DHCP_REPLY)
                g_string_append(text, " -m udp --sport 67 --dport 68");
        if (rule->icmpv6_type)
                g_string_append_printf(text, " -m icmp6 --icmpv6-type %u", rule->icmpv6_type);
        if (rule->fragment)
                g_string_append(text, " -m frag");
        if (is_some(&rule->sender))
                g_string_append_printf(text, " -m mac --mac-source %s",
                                       bw_mac_print(&rule->sender, mac_text));
        if (is_some(&rule->client))
                print_bootp(text, rule);
        print_programs(text, rule);
}

static void print_target(GString *text, const BwIptRule *rule) {
        char prefix[BW_VIOLATION_PREFIX_SIZE];

        switch (rule->target) {
        case BW_IPT_RETURN:
                g_string_append(text, " -j RETURN");
                return;
        case BW_IPT_DROP:
                g_string_append(text, " -j DROP");
                return;
        case BW_IPT_JUMP:
                g_string_append_printf(text, " -j %s", rule->chain);
                return;
        case BW_IPT_GOTO:
                g_string_append_printf(text, " -g %s", rule->chain);
                return;
        case BW_IPT_NFLOG:
                bw_violation_prefix(rule->direction, rule->reason, rule->drops, prefix);
                g_string_append_printf(
                        text, " -j NFLOG --nflog-prefix \"%s\" --nflog-group %d --nflog-size %d",
                        prefix, BW_NFLOG_GROUP, BW_NFLOG_SNAPLEN);
                return;
        }
        g_assert_not_reached();
}

/* The kernel keeps the time between two packets in steps of 0.1 ms, so some rates come back a
 * little higher; iptables-save leaves out its own default burst. */
static void print_limit(GString *text, unsigned rate) {
        const unsigned steps_a_second = 10000, default_burst = 5;

        g_string_append_printf(text, " -m limit --limit %u/sec",
                               steps_a_second / (steps_a_second / rate));
        if (rate != default_burst)
                g_string_append_printf(text, " --limit-burst %u", rate);
}

char *bw_ipt_rule_print(const char *chain, const BwIptRule *rule) {
        GString *text = g_string_new(NULL);

        g_string_append_printf(text, "-A %s", chain);
        if (rule->foreign) {
                g_string_append(text, " (a rule of somebody else's");
                if (rule->chain[0])
                        g_string_append_printf(text, ", to %s", rule->chain);
                return g_string_free(g_string_append_c(text, ')'), FALSE);
        }
        print_prefix(text, rule->source_is_not ? "! -s" : "-s", &rule->source);
        print_prefix(text, "-d", &rule->destination);
        if (rule->in_bridge[0])
                g_string_append_printf(text, " -i %s", rule->in_bridge);
        if (rule->out_bridge[0])
                g_string_append_printf(text, " -o %s", rule->out_bridge);
        print_protocol(text, rule);
        print_physdev(text, rule);
        print_matches(text, rule);
        if (rule->log_rate)
                print_limit(text, rule->log_rate);
        print_target(text, rule);
        return g_string_free(text, FALSE);
}
