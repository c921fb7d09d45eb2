/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The iptables adapter against a real kernel: what it writes is what iptables-save shows and what
 * is read back, and it leaves nothing behind.
 */

#include "table_under_test.h"

#include <command.h>
#include <string.h>

/* Every sentence */

static BwIptRule look_at(BwIptPhysdev kind, const char *name) {
        BwIptRule rule = bw_test_goto("bw-i-target");

        rule.physdev_kind = kind;
        g_strlcpy(rule.physdev, name, sizeof(rule.physdev));
        return rule;
}

static BwIptRule pass_dhcp(BwIptDhcp dhcp) {
        BwIptRule rule = { .dhcp = dhcp,
                           .client = { { 0x52, 0x54, 0x00, 0x9f, 0xfd, 0xc1 } },
                           .target = BW_IPT_RETURN };

        if (dhcp == BW_IPT_DHCP_REQUEST) {
                rule.sender = rule.client;
                rule.source = (BwPrefix){ BW_FAMILY_IPV4, 32, {} };
                rule.destination = (BwPrefix){ BW_FAMILY_IPV4, 32, { 255, 255, 255, 255 } };
        }
        return rule;
}

/* Ports and the sender; then ports and the client. */
static void say_dhcp_in_two_steps(BwIptChain *chain) {
        for (BwIptDhcp dhcp = BW_IPT_DHCP_REQUEST; dhcp <= BW_IPT_DHCP_REPLY; dhcp++) {
                BwIptRule sender = pass_dhcp(dhcp), client = sender, neither;

                sender.sender = client.client;
                sender.client = client.sender = (BwMac){};
                neither = client;
                neither.client = (BwMac){};
                bw_test_say(chain, sender);
                bw_test_say(chain, client);
                bw_test_say(chain, neither);
        }
}

static void say_physdev(BwIptChain *chain) {
        for (BwIptPhysdev kind = BW_IPT_PHYSDEV_IN; kind <= BW_IPT_PHYSDEV_OUT_PREFIX; kind++) {
                bw_test_say(chain, look_at(kind, "vk63"));
                bw_test_say(chain, look_at(kind, "v"));
                bw_test_say(chain, look_at(kind, "fourteen-bytes"));
        }
        bw_test_say(chain, look_at(BW_IPT_PHYSDEV_IN, "fifteen-bytes15"));
        bw_test_say(chain, look_at(BW_IPT_PHYSDEV_OUT, "fifteen-bytes15"));
        bw_test_say(chain, look_at(BW_IPT_PHYSDEV_NOT_IN, ""));
        bw_test_say(chain, look_at(BW_IPT_PHYSDEV_NOT_BRIDGED, ""));
}

static void say_between(BwIptChain *chain, BwPrefix source, BwPrefix destination) {
        bw_test_say(
                chain,
                (BwIptRule){ .source = source, .destination = destination, .target = BW_IPT_DROP });
}

/* Several clients, two at one port among them. */
static void say_replies(BwIptChain *chain) {
        BwIptRule rule = { .dhcp = BW_IPT_DHCP_REPLY, .target = BW_IPT_RETURN };

        for (unsigned i = 0; i < BW_IPT_CLIENT_MAX; i++) {
                rule.clients[i] = (BwIptClient){ i == 1 ? 1 : (int) (i * 0x10000001 + 1),
                                                 { { 0x52, 0x54, 0x00, (uint8_t) (0xff - i), 0xfd,
                                                     (uint8_t) (i * 37) } } };
                bw_test_say(chain, rule);
        }
        rule.dhcp = BW_IPT_DHCP_NONE;
        bw_test_say(chain, rule);
        rule.client_is_sender = true;
        bw_test_say(chain, rule);
}

static void say_not_from(BwIptChain *chain, const char *source) {
        BwIptRule rule = bw_test_from(source, BW_IPT_DROP);

        rule.source_is_not = true;
        bw_test_say(chain, rule);
        rule.destination = bw_test_prefix(source);
        rule.target = BW_IPT_RETURN;
        bw_test_say(chain, rule);
}

static void say_ipv4(BwIptChain *chain) {
        const BwPrefix multicast = { BW_FAMILY_IPV4, 4, { 224 } };

        bw_test_say(chain, bw_test_from("192.168.50.13", BW_IPT_RETURN));
        bw_test_say(chain, bw_test_from("128.0.0.0/2", BW_IPT_DROP));
        bw_test_say(chain, bw_test_from("198.51.100.128/25", BW_IPT_DROP));
        say_between(chain, bw_test_prefix("192.0.2.7"), multicast);
        say_between(chain, (BwPrefix){}, multicast);
        bw_test_say(chain, pass_dhcp(BW_IPT_DHCP_REQUEST));
        bw_test_say(chain, pass_dhcp(BW_IPT_DHCP_REPLY));
        say_dhcp_in_two_steps(chain);
        bw_test_say(chain, (BwIptRule){ .client_is_sender = true, .target = BW_IPT_RETURN });
        say_replies(chain);
        say_not_from(chain, "192.0.2.7");
        say_not_from(chain, "198.51.100.128/25");
}

static void say_ipv6(BwIptChain *chain) {
        const BwPrefix multicast = { BW_FAMILY_IPV6, 8, { 0xff } };

        bw_test_say(chain, bw_test_from("2001:db8::13", BW_IPT_RETURN));
        bw_test_say(chain, bw_test_from("4000::/2", BW_IPT_DROP));
        bw_test_say(chain, bw_test_from("fe80::/10", BW_IPT_DROP));
        bw_test_say(chain, bw_test_from("2001:db8:0:ff80::/57", BW_IPT_DROP));
        say_between(chain, bw_test_prefix("2001:db8::7"), multicast);
        say_between(chain, (BwPrefix){ BW_FAMILY_IPV6, 128, {} }, multicast);
        say_between(chain, (BwPrefix){ BW_FAMILY_IPV6, 128, { [15] = 1 } }, (BwPrefix){});
        for (unsigned type = 1; type < 256; type += 22)
                bw_test_say(chain,
                            (BwIptRule){ .icmpv6_type = (uint8_t) type, .target = BW_IPT_RETURN });
        bw_test_say(chain, (BwIptRule){ .fragment = true, .target = BW_IPT_DROP });
        say_not_from(chain, "2001:db8::7");
        say_not_from(chain, "fe80::/10");
}

static void say_bridges(BwIptChain *chain) {
        BwIptRule in = bw_test_goto("bw-i-target"), out = in;

        g_strlcpy(in.in_bridge, "virbr6", sizeof(in.in_bridge));
        g_strlcpy(out.out_bridge, "fifteen-bytes15", sizeof(out.out_bridge));
        bw_test_say(chain, in);
        bw_test_say(chain, out);
}

static void say_reports(BwIptChain *chain) {
        static const unsigned rates[] = { 1, 2, 3, 5, 7, 10, 41, 100, 333, 600, 999, 1000 };

        for (guint i = 0; i < G_N_ELEMENTS(rates); i++)
                bw_test_say(chain,
                            bw_test_nflog(BW_DIRECTION_IN, BW_REASON_SPOOFED_IP, true, rates[i]));
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                for (unsigned i = 0; i < 4; i++)
                        bw_test_say(chain, bw_test_nflog(i & 1 ? BW_DIRECTION_IN : BW_DIRECTION_OUT,
                                                         reason, i & 2, 10));
}

/* A report and its verdict: what is read back knows the reason of both. */
static void say_denials(BwIptChain *chain) {
        for (unsigned drops = 0; drops < 2; drops++) {
                BwIptRule told = bw_test_nflog(BW_DIRECTION_OUT, BW_REASON_REFLECTED, drops, 10),
                          verdict;

                told.source =
                        bw_test_prefix(bw_test_table_is_ipv6() ? "2001:db8::55" : "192.0.2.55");
                verdict = told;
                verdict.log_rate = 0;
                verdict.target = drops ? BW_IPT_DROP : BW_IPT_RETURN;
                bw_test_say(chain, told);
                bw_test_say(chain, verdict);
        }
}

static GPtrArray *every_sentence(void) {
        GPtrArray *chains = bw_test_chains_new(bw_test_table);
        BwIptChain *root = bw_test_chain(chains, bw_ipt_table_root(bw_test_table)), *chain;
        BwIptRule jump = bw_test_goto("bw-i-target");

        bw_test_chain(chains, "bw-i-target");
        chain = bw_test_chain(chains, "bw-i-every-sentence");
        bw_test_say(root, bw_test_goto("bw-i-every-sentence"));
        jump.target = BW_IPT_JUMP;
        bw_test_say(chain, jump);
        say_physdev(chain);
        if (bw_test_table_is_ipv6())
                say_ipv6(chain);
        else
                say_ipv4(chain);
        say_bridges(chain);
        say_denials(chain);
        say_reports(chain);
        bw_test_say(chain, (BwIptRule){ .target = BW_IPT_RETURN });
        bw_test_say(chain, (BwIptRule){ .target = BW_IPT_DROP });
        return chains;
}

static void test_every_sentence(gconstpointer data) {
        g_autoptr(GPtrArray) chains = NULL, expected = NULL, saved = NULL, saved_again = NULL;

        bw_test_table = (BwIptTable) GPOINTER_TO_INT(data);
        chains = every_sentence();
        expected = bw_test_print_chains(chains);
        bw_test_table_clear();
        g_assert_true(bw_test_sync(bw_test_table, chains).changed);
        saved = bw_test_table_saved("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);

        bw_test_run("%s-save -t %s | %s-restore", bw_test_table_tool(),
                    bw_ipt_table_name(bw_test_table), bw_test_table_tool());
        saved_again = bw_test_table_saved("", "-A bw-");
        bw_test_assert_same_lines(saved_again, expected);
        g_assert_true(bw_test_is_equal(bw_test_table, chains));
        g_assert_false(bw_test_sync(bw_test_table, chains).changed);
}

/* Reading back */

static GPtrArray *read_now(void) {
        g_autoptr(GError) error = NULL;
        GPtrArray *chains = bw_iptables_read(bw_test_table, &error);

        g_assert_no_error(error);
        return chains;
}

static const BwIptRule *rule_at(const GPtrArray *chains, const char *name, guint at) {
        const BwIptChain *chain = bw_ipt_find_chain(chains, name);

        g_assert_nonnull(chain);
        g_assert_cmpuint(at, <, chain->rules->len);
        return &g_array_index(chain->rules, BwIptRule, at);
}

static void assert_same_chain(const BwIptChain *chain, const GPtrArray *read) {
        const BwIptChain *found = bw_ipt_find_chain(read, chain->name);

        g_assert_nonnull(found);
        g_assert_cmpuint(found->rules->len, ==, chain->rules->len);
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (!bw_ipt_rule_equal(rule, rule_at(read, chain->name, i)))
                        g_error("not read back: %s", bw_ipt_rule_print(chain->name, rule));
        }
}

static void test_read_back(gconstpointer data) {
        g_autoptr(GPtrArray) chains = NULL, read = NULL;
        const char *hook;

        bw_test_table = (BwIptTable) GPOINTER_TO_INT(data);
        hook = bw_ipt_table_hook(bw_test_table);
        chains = every_sentence();
        bw_test_table_clear();
        bw_test_run("%s -t %s -N other; %s -t %s -A other -j ACCEPT; %s -t %s -A %s -j other",
                    bw_test_table_tool(), bw_ipt_table_name(bw_test_table), bw_test_table_tool(),
                    bw_ipt_table_name(bw_test_table), bw_test_table_tool(),
                    bw_ipt_table_name(bw_test_table), hook);
        bw_test_sync(bw_test_table, chains);
        read = read_now();
        g_assert_cmpuint(read->len, ==, chains->len + 1);
        for (guint i = 0; i < chains->len; i++)
                assert_same_chain(chains->pdata[i], read);
        g_assert_cmpint(rule_at(read, hook, 0)->target, ==, BW_IPT_JUMP);
        g_assert_cmpstr(rule_at(read, hook, 0)->chain, ==, bw_ipt_table_root(bw_test_table));
        g_assert_true(rule_at(read, hook, 1)->foreign);
        g_assert_null(bw_ipt_find_chain(read, "other"));
}

/* Each is near to a rule of ours, and none is one. */
static void test_foreign_is_marked(gconstpointer data) {
        static const char *const rules[] = {
                "-j ACCEPT",
                "-j LOG",
                "-j QUEUE",
                "-g other",
                "",
                "-p tcp -m tcp --dport 22 -j DROP",
                "-p udp -m udp --sport 68 --dport 68 -j RETURN",
                "! -i virbr6 -j DROP",
                "-i vir+ -j DROP",
                "-p 17 -j DROP",
                "-m physdev ! --physdev-in vk63 -j DROP",
                "-m physdev --physdev-is-in -j DROP",
                "-m physdev --physdev-in vk63 --physdev-out vk64 -j DROP",
                "-m physdev --physdev-in vk63 -m physdev --physdev-in vk64 -j DROP",
                "-m mac ! --mac-source 52:54:00:00:00:01 -j DROP",
                "-m limit --limit 1/hour --limit-burst 10 -j DROP",
                "-j NFLOG --nflog-prefix \"bw in spoofed-ip drop\" --nflog-group 7",
                "-j NFLOG --nflog-prefix \"bw in nothing drop\" --nflog-group 25207 --nflog-size 128",
                "-m u32 --u32 \"0=1\" -j DROP",
                "-m bpf --bytecode \"1,6 0 0 1\" -j RETURN",
                "-m bpf --bytecode \"2,6 0 0 0,6 0 0 1\" -j RETURN",
                "-m comment --comment hello -j DROP",
        };
        g_autoptr(GPtrArray) chains = NULL, read = NULL;

        bw_test_table = (BwIptTable) GPOINTER_TO_INT(data);
        chains = bw_test_chains_new(bw_test_table);
        bw_test_table_clear();
        bw_test_sync(bw_test_table, chains);
        bw_test_run("%s -t %s -N other", bw_test_table_tool(), bw_ipt_table_name(bw_test_table));
        for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
                bw_test_run("%s -t %s -A bw-in %s", bw_test_table_tool(),
                            bw_ipt_table_name(bw_test_table), rules[i]);
        bw_test_run("%s -t %s -A bw-in -j DROP", bw_test_table_tool(),
                    bw_ipt_table_name(bw_test_table));
        read = read_now();
        for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
                if (!rule_at(read, "bw-in", i)->foreign)
                        g_error("taken for ours: %s", rules[i]);
        g_assert_false(rule_at(read, "bw-in", G_N_ELEMENTS(rules))->foreign);
        g_assert_cmpint(rule_at(read, "bw-in", G_N_ELEMENTS(rules))->target, ==, BW_IPT_DROP);
}

/* Chains of a former run stay, and so does all they lead to; what nobody leads to goes. */
static void test_leaned_on(gconstpointer data) {
        g_autoptr(GPtrArray) former = NULL, later = NULL, saved = NULL, expected = NULL;

        bw_test_table = (BwIptTable) GPOINTER_TO_INT(data);
        former = bw_test_chains_new(bw_test_table);
        later = bw_test_chains_new(bw_test_table);
        bw_test_table_clear();
        bw_test_say(bw_test_chain(former, "bw-i-old"), bw_test_goto("bw-iw-br+d"));
        bw_test_say(bw_test_chain(former, "bw-iw-br+d"), bw_test_goto("bw-id-br+d"));
        bw_test_say(bw_test_chain(former, "bw-id-br+d"), (BwIptRule){ .target = BW_IPT_DROP });
        bw_test_say(bw_test_chain(former, "bw-in"), bw_test_goto("bw-i-old"));
        expected = bw_test_print_chains(former);
        bw_test_say(bw_test_chain(former, "bw-i-gone"), (BwIptRule){ .target = BW_IPT_DROP });
        bw_test_sync(bw_test_table, former);

        bw_test_chain(later, "bw-i-old")->opaque = true;
        bw_test_say(bw_test_chain(later, "bw-in"), bw_test_goto("bw-i-old"));
        g_assert_true(bw_test_sync(bw_test_table, later).changed);
        g_assert_true(bw_test_is_equal(bw_test_table, later));
        saved = bw_test_table_saved("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
}

/* What both lead to is written anew, and what that led to is not left over: a second commit would
 * be taken for a quarrel with somebody. */
static void test_leaned_on_anew(gconstpointer data) {
        g_autoptr(GPtrArray) former = NULL, later = NULL, saved = NULL, expected = NULL;

        bw_test_table = (BwIptTable) GPOINTER_TO_INT(data);
        former = bw_test_chains_new(bw_test_table);
        later = bw_test_chains_new(bw_test_table);
        bw_test_table_clear();
        bw_test_say(bw_test_chain(former, "bw-i-old"), bw_test_goto("bw-iw-br+d"));
        bw_test_say(bw_test_chain(former, "bw-iw-br+d"), bw_test_goto("bw-iw-br+d1"));
        bw_test_say(bw_test_chain(former, "bw-iw-br+d1"), (BwIptRule){ .target = BW_IPT_DROP });
        bw_test_say(bw_test_chain(former, "bw-in"), bw_test_goto("bw-i-old"));
        bw_test_sync(bw_test_table, former);

        bw_test_say(bw_test_chain(later, "bw-i-old"), bw_test_goto("bw-iw-br+d"));
        bw_test_say(bw_test_chain(later, "bw-iw-br+d"), (BwIptRule){ .target = BW_IPT_DROP });
        bw_test_say(bw_test_chain(later, "bw-in"), bw_test_goto("bw-i-old"));
        expected = bw_test_print_chains(later);
        g_array_set_size(bw_test_chain(later, "bw-i-old")->rules, 0);
        bw_test_chain(later, "bw-i-old")->opaque = true;
        g_assert_true(bw_test_sync(bw_test_table, later).changed);
        g_assert_false(bw_test_sync(bw_test_table, later).changed);
        saved = bw_test_table_saved("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
}

/* The kernel keeps any name, and so do we. iptables-restore cannot read back what iptables-save
 * says of some: a "+" at the end becomes a prefix, a quote is taken for one. */
typedef struct OddName {
        const char *name;
        bool survives; /* iptables-save | iptables-restore */
} OddName;

static void write_odd_name(const OddName *odd) {
        g_autoptr(GPtrArray) chains = bw_test_chains_new(BW_IPT_RAW);
        g_autofree char *shown = g_strescape(odd->name, NULL);
        char port_chain[BW_IPT_CHAIN_SIZE];
        BwIptRule rule = look_at(BW_IPT_PHYSDEV_IN, odd->name);
        bool restored, survived;

        bw_test_table_clear();
        bw_ipt_port_chain("i", odd->name, port_chain);
        bw_test_say(bw_test_chain(chains, port_chain), (BwIptRule){ .target = BW_IPT_DROP });
        g_strlcpy(rule.chain, port_chain, sizeof(rule.chain));
        bw_test_say(bw_test_chain(chains, "bw-in"), rule);
        g_assert_true(bw_test_sync(BW_IPT_RAW, chains).changed);
        g_assert_false(bw_test_sync(BW_IPT_RAW, chains).changed);

        restored = bw_test_try("iptables-legacy-save -t raw | iptables-legacy-restore");
        survived = restored && bw_test_is_equal(BW_IPT_RAW, chains);
        g_test_message("port \"%s\": restore %s, rules %s", shown, restored ? "works" : "fails",
                       survived ? "survive" : "change");
        g_assert_cmpint(survived, ==, odd->survives);
        /* Whatever restore made of it, the next check mends. */
        bw_test_sync(BW_IPT_RAW, chains);
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, chains));
}

static void test_odd_names(void) {
        static const OddName names[] = {
                { "vnet0", true },
                { "tap.0-1_x", true },
                { "a'b", true },
                { "\"quoted\"", false },
                { "a\"b", false },
                { "back\\slash", true },
                { "$(reboot)", true },
                { "`id`;#", true },
                { "-leading", true },
                { "\xc3\xa4\xff\x01", true },
                { "!bang", true },
                { "*", true },
                { "%n%s", true },
                { "plus+", false },
                { "fifteen-bytes+", false },
                { "in+side", true },
        };

        bw_test_table = BW_IPT_RAW;
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                write_odd_name(&names[i]);
}

static void test_disarm_leaves_nothing(gconstpointer data) {
        g_autoptr(GPtrArray) chains = NULL, before = NULL, after = NULL, rules = NULL;

        bw_test_table = (BwIptTable) GPOINTER_TO_INT(data);
        chains = every_sentence();
        bw_test_table_clear();
        before = bw_test_table_saved("", "-");
        bw_test_sync(bw_test_table, chains);
        g_assert_false(bw_test_is_equal(bw_test_table, NULL));
        g_assert_true(bw_test_sync(bw_test_table, NULL).changed);
        g_assert_true(bw_test_is_equal(bw_test_table, NULL));
        g_assert_false(bw_test_sync(bw_test_table, NULL).changed);
        after = bw_test_table_saved("", "-");
        bw_test_assert_same_lines(after, before);
        rules = bw_test_table_saved("", ":bw-");
        g_assert_cmpuint(rules->len, ==, 0);
}

static void add_tests(void) {
        for (BwIptTable each = BW_IPT_RAW; each < BW_IPT_TABLE_MAX; each++) {
                bw_test_table_add("/every-sentence", each, test_every_sentence);
                bw_test_table_add("/read-back", each, test_read_back);
                bw_test_table_add("/disarm-leaves-nothing", each, test_disarm_leaves_nothing);
        }
        bw_test_table_add_raw("/foreign-is-marked", test_foreign_is_marked);
        bw_test_table_add_raw("/leaned-on", test_leaned_on);
        bw_test_table_add_raw("/leaned-on-anew", test_leaned_on_anew);
        g_test_add_func("/odd-names", test_odd_names);
}

int main(int argc, char **argv) {
        return bw_test_table_run_tests(argc, argv, add_tests);
}
