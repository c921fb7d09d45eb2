/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The iptables adapter against a real kernel: what it writes is what iptables-save shows, what
 * others own stays theirs, and whatever they do to ours is seen and mended.
 */

#include <arpa/inet.h>
#include <command.h>
#include <ipt_chains.h>
#include <netns.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a test is about. */
static BwIptTable table = BW_IPT_RAW;

static bool is_ipv6(void) {
        return bw_ipt_table_family(table) == BW_FAMILY_IPV6;
}

static const char *tool(void) {
        return is_ipv6() ? "ip6tables-legacy" : "iptables-legacy";
}

/* Each test starts from empty tables. */
static void clear_tables(void) {
        const char *name = bw_ipt_table_name(table);

        bw_test_run("for tool in iptables-legacy ip6tables-legacy; do for table in raw mangle; do "
                    "$tool -t $table -F; $tool -t $table -X; $tool -t $table -Z; done; done;"
                    "%s -t %s -P PREROUTING ACCEPT; %s -t %s -P OUTPUT ACCEPT",
                    tool(), name, tool(), name);
}

/* Tests are written in IPv4's words; these are IPv6's. */
static char *in_family(const char *text) {
        static const char *const words[][2] = {
                { "iptables-legacy", "ip6tables-legacy" },
                { "10.77.0.1/32", "fd77::1/128" },
                { "10.77.0.1", "fd77::1" },
                { "203.0.113.9/32", "2001:db8:113::9/128" },
                { "192.0.2.0/24", "2001:db8:2::/64" },
                { "192.0.2.1", "2001:db8:2::1" },
                { "10.0.0.1/32", "fd00::1/128" },
                { "10.0.0.", "fd00::" },
                { "-f ", "-m frag " },
                { "[7:203]", "[7:343]" },
        };
        GString *other = g_string_new(text);

        for (guint i = 0; is_ipv6() && i < G_N_ELEMENTS(words); i++)
                g_string_replace(other, words[i][0], words[i][1], 0);
        return g_string_free(other, FALSE);
}

static GPtrArray *saved_now(const char *options, const char *prefix) {
        return bw_test_saved_by(tool(), bw_ipt_table_name(table), options, prefix);
}

static void run_here(const char *text) {
        g_autofree char *line = in_family(text);

        bw_test_run("%s", line);
}

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

static BwIptRule report(BwDirection direction, BwReason reason, bool drops, unsigned rate) {
        return (BwIptRule){ .target = BW_IPT_NFLOG,
                            .log_rate = rate,
                            .direction = direction,
                            .reason = reason,
                            .drops = drops };
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
                bw_test_say(chain, report(BW_DIRECTION_IN, BW_REASON_SPOOFED_IP, true, rates[i]));
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                for (unsigned i = 0; i < 4; i++)
                        bw_test_say(chain, report(i & 1 ? BW_DIRECTION_IN : BW_DIRECTION_OUT,
                                                  reason, i & 2, 10));
}

/* A report and its verdict: what is read back knows the reason of both. */
static void say_denials(BwIptChain *chain) {
        for (unsigned drops = 0; drops < 2; drops++) {
                BwIptRule told = report(BW_DIRECTION_OUT, BW_REASON_REFLECTED, drops, 10), verdict;

                told.source = bw_test_prefix(is_ipv6() ? "2001:db8::55" : "192.0.2.55");
                verdict = told;
                verdict.log_rate = 0;
                verdict.target = drops ? BW_IPT_DROP : BW_IPT_RETURN;
                bw_test_say(chain, told);
                bw_test_say(chain, verdict);
        }
}

static GPtrArray *every_sentence(void) {
        GPtrArray *chains = bw_test_chains_new(table);
        BwIptChain *root = bw_test_chain(chains, bw_ipt_table_root(table)), *chain;
        BwIptRule jump = bw_test_goto("bw-i-target");

        bw_test_chain(chains, "bw-i-target");
        chain = bw_test_chain(chains, "bw-i-every-sentence");
        bw_test_say(root, bw_test_goto("bw-i-every-sentence"));
        jump.target = BW_IPT_JUMP;
        bw_test_say(chain, jump);
        say_physdev(chain);
        if (is_ipv6())
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

static GPtrArray *print_chains(const GPtrArray *chains) {
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                for (guint k = 0; k < chain->rules->len; k++)
                        g_ptr_array_add(lines, bw_ipt_rule_print(
                                                       chain->name,
                                                       &g_array_index(chain->rules, BwIptRule, k)));
        }
        return lines;
}

static void test_every_sentence(gconstpointer data) {
        g_autoptr(GPtrArray) chains = NULL, expected = NULL, saved = NULL, saved_again = NULL;

        table = (BwIptTable) GPOINTER_TO_INT(data);
        chains = every_sentence();
        expected = print_chains(chains);
        clear_tables();
        g_assert_true(bw_test_sync(table, chains).changed);
        saved = saved_now("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);

        bw_test_run("%s-save -t %s | %s-restore", tool(), bw_ipt_table_name(table), tool());
        saved_again = saved_now("", "-A bw-");
        bw_test_assert_same_lines(saved_again, expected);
        g_assert_true(bw_test_is_equal(table, chains));
        g_assert_false(bw_test_sync(table, chains).changed);
}

/* Reading back */

static GPtrArray *read_now(void) {
        g_autoptr(GError) error = NULL;
        GPtrArray *chains = bw_iptables_read(table, &error);

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

        table = (BwIptTable) GPOINTER_TO_INT(data);
        hook = bw_ipt_table_hook(table);
        chains = every_sentence();
        clear_tables();
        bw_test_run("%s -t %s -N other; %s -t %s -A other -j ACCEPT; %s -t %s -A %s -j other",
                    tool(), bw_ipt_table_name(table), tool(), bw_ipt_table_name(table), tool(),
                    bw_ipt_table_name(table), hook);
        bw_test_sync(table, chains);
        read = read_now();
        g_assert_cmpuint(read->len, ==, chains->len + 1);
        for (guint i = 0; i < chains->len; i++)
                assert_same_chain(chains->pdata[i], read);
        g_assert_cmpint(rule_at(read, hook, 0)->target, ==, BW_IPT_JUMP);
        g_assert_cmpstr(rule_at(read, hook, 0)->chain, ==, bw_ipt_table_root(table));
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
                "-m comment --comment hello -j DROP",
        };
        g_autoptr(GPtrArray) chains = NULL, read = NULL;

        table = (BwIptTable) GPOINTER_TO_INT(data);
        chains = bw_test_chains_new(table);
        clear_tables();
        bw_test_sync(table, chains);
        bw_test_run("%s -t %s -N other", tool(), bw_ipt_table_name(table));
        for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
                bw_test_run("%s -t %s -A bw-in %s", tool(), bw_ipt_table_name(table), rules[i]);
        bw_test_run("%s -t %s -A bw-in -j DROP", tool(), bw_ipt_table_name(table));
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

        table = (BwIptTable) GPOINTER_TO_INT(data);
        former = bw_test_chains_new(table);
        later = bw_test_chains_new(table);
        clear_tables();
        bw_test_say(bw_test_chain(former, "bw-i-old"), bw_test_goto("bw-iw-br+d"));
        bw_test_say(bw_test_chain(former, "bw-iw-br+d"), bw_test_goto("bw-id-br+d"));
        bw_test_say(bw_test_chain(former, "bw-id-br+d"), (BwIptRule){ .target = BW_IPT_DROP });
        bw_test_say(bw_test_chain(former, "bw-in"), bw_test_goto("bw-i-old"));
        expected = print_chains(former);
        bw_test_say(bw_test_chain(former, "bw-i-gone"), (BwIptRule){ .target = BW_IPT_DROP });
        bw_test_sync(table, former);

        bw_test_chain(later, "bw-i-old")->opaque = true;
        bw_test_say(bw_test_chain(later, "bw-in"), bw_test_goto("bw-i-old"));
        g_assert_true(bw_test_sync(table, later).changed);
        g_assert_true(bw_test_is_equal(table, later));
        saved = saved_now("", "-A bw-");
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

        clear_tables();
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

        table = BW_IPT_RAW;
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                write_odd_name(&names[i]);
}

/* What others own */

static void send_to_ourselves(unsigned count) {
        struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_port = htons(9) };
        struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
        struct sockaddr *to = is_ipv6() ? (struct sockaddr *) &ipv6 : (struct sockaddr *) &ipv4;
        socklen_t length = is_ipv6() ? sizeof(ipv6) : sizeof(ipv4);
        int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        ipv4.sin_addr.s_addr = inet_addr("10.77.0.1");
        inet_pton(AF_INET6, "fd77::1", &ipv6.sin6_addr);
        g_assert_cmpint(fd, >=, 0);
        /* To its own socket, or the kernel would answer each and be counted too. */
        g_assert_cmpint(bind(fd, to, length), ==, 0);
        for (unsigned i = 0; i < count; i++)
                (void) sendto(fd, "x", 1, 0, to, length);
        close(fd);
}

/* A match, a report, a verdict: what a foreign hand can twist without changing its size. */
static void say_other(BwIptChain *chain) {
        BwIptRule drop = { .physdev_kind = BW_IPT_PHYSDEV_IN, .target = BW_IPT_DROP };

        g_strlcpy(drop.physdev, "vk63", sizeof(drop.physdev));
        bw_test_say(chain, drop);
        bw_test_say(chain, report(BW_DIRECTION_IN, BW_REASON_SPOOFED_IP, true, 10));
        bw_test_say(chain, (BwIptRule){ .target = BW_IPT_DROP });
}

/* A chain that counts our loopback talk, between others that change. */
static GPtrArray *counting_chains(unsigned before, unsigned behind) {
        GPtrArray *chains = bw_test_chains_new(table);
        BwIptChain *root = bw_test_chain(chains, "bw-in");

        say_other(bw_test_chain(chains, "bw-i-other"));
        for (unsigned i = 0; i < before + 1 + behind; i++) {
                unsigned number = i < before ? i : 100 + i;
                g_autofree char *own = in_family("10.77.0.1");
                g_autofree char *source = is_ipv6() ? g_strdup_printf("fd00:%x::1", number)
                                                    : g_strdup_printf("10.0.%u.1", number);

                if (i == before)
                        bw_test_say(root, bw_test_from(own, BW_IPT_RETURN));
                else
                        bw_test_say(root, bw_test_from(source, BW_IPT_DROP));
        }
        return chains;
}

static const char *const foreign_rules =
        "iptables-legacy -t raw -N foreign; iptables-legacy -t raw -A foreign -s 10.77.0.1;"
        "iptables-legacy -t raw -A PREROUTING -i lo -j foreign;"
        "iptables-legacy -t raw -A OUTPUT -o lo; iptables-legacy -t raw -N bwforeign;"
        "iptables-legacy -t raw -A bwforeign -p tcp -m tcp --dport 22 -j ACCEPT;"
        "iptables-legacy -t raw -A PREROUTING -s 203.0.113.9/32 -j DROP";

static GPtrArray *save_foreign(void) {
        GPtrArray *all = saved_now("-c", "");

        for (guint i = all->len; i-- > 0;)
                if (strstr(all->pdata[i], "bw-") || ((char *) all->pdata[i])[0] == '#' ||
                    strstr(all->pdata[i], ":PREROUTING"))
                        g_ptr_array_remove_index(all, i);
        return all;
}

static bool has_line(const char *options, const char *line) {
        g_autofree char *wanted = in_family(line);
        g_autoptr(GPtrArray) lines = saved_now(options, wanted);

        return lines->len == 1;
}

static void test_counters_go_on(gconstpointer data) {
        g_autoptr(GPtrArray) few = NULL, many = NULL;
        g_autoptr(GPtrArray) before = NULL, after = NULL, after_all = NULL;

        table = (BwIptTable) GPOINTER_TO_INT(data);
        few = counting_chains(1, 1);
        many = counting_chains(4, 3);
        clear_tables();
        run_here(foreign_rules);
        bw_test_sync(table, few);
        send_to_ourselves(7);
        run_here("iptables-legacy -t raw -P OUTPUT DROP");
        before = save_foreign();
        g_assert_cmpuint(before->len, >=, 8);
        g_assert_true(has_line("-c", "[7:203] -A foreign -s 10.77.0.1/32"));

        g_assert_false(bw_test_sync(table, few).changed);
        g_assert_true(has_line("-c", "[7:203] -A bw-in -s 10.77.0.1/32 -j RETURN"));
        g_assert_true(bw_test_sync(table, many).changed);
        g_assert_true(has_line("-c", "[7:203] -A bw-in -s 10.77.0.1/32 -j RETURN"));
        g_assert_true(has_line("-c", "[7:203] -A PREROUTING -j bw-in"));
        after = save_foreign();
        bw_test_assert_same_lines(after, before);

        g_assert_true(bw_test_sync(table, few).changed);
        g_assert_true(bw_test_sync(table, NULL).changed);
        after_all = save_foreign();
        bw_test_assert_same_lines(after_all, before);
}

static void test_least_edits(gconstpointer data) {
        g_autoptr(GPtrArray) few = NULL, many = NULL;
        BwIptReport done;

        table = (BwIptTable) GPOINTER_TO_INT(data);
        few = counting_chains(1, 1);
        many = counting_chains(4, 3);
        clear_tables();
        done = bw_test_sync(table, few);
        g_assert_cmpuint(done.chains_created, ==, 2);
        g_assert_cmpuint(done.rules_inserted, ==, 3 + 3 + 1); /* the anchor too */
        done = bw_test_sync(table, many);
        g_assert_cmpuint(done.chains_created + done.chains_removed, ==, 0);
        g_assert_cmpuint(done.rules_inserted, ==, 6);
        g_assert_cmpuint(done.rules_deleted, ==, 1);
        g_assert_false(done.anchor_moved);
}

static void test_disarm_leaves_nothing(gconstpointer data) {
        g_autoptr(GPtrArray) chains = NULL, before = NULL, after = NULL, rules = NULL;

        table = (BwIptTable) GPOINTER_TO_INT(data);
        chains = every_sentence();
        clear_tables();
        before = saved_now("", "-");
        bw_test_sync(table, chains);
        g_assert_false(bw_test_is_equal(table, NULL));
        g_assert_true(bw_test_sync(table, NULL).changed);
        g_assert_true(bw_test_is_equal(table, NULL));
        g_assert_false(bw_test_sync(table, NULL).changed);
        after = saved_now("", "-");
        bw_test_assert_same_lines(after, before);
        rules = saved_now("", ":bw-");
        g_assert_cmpuint(rules->len, ==, 0);
}

/* What others do to ours */

typedef struct Deed {
        const char *name, *arguments; /* of "iptables-legacy -t raw", several parted by ";" */
        bool is_drift;
        unsigned kept; /* foreign_chains_kept */
} Deed;

static const Deed deeds[] = {
        { "nothing", "-S", false, 0 },
        { "zero counters", "-Z", false, 0 },
        { "policy", "-P PREROUTING DROP", false, 0 },
        { "foreign rule behind the anchor", "-A PREROUTING -j ACCEPT", false, 0 },
        { "foreign chain", "-N other; -A other -j ACCEPT", false, 0 },
        { "foreign jump to a wanted chain", "-A OUTPUT -j bw-i-other", false, 0 },
        { "flush all", "-F", true, 0 },
        { "flush all and remove chains", "-F; -X", true, 0 },
        { "flush the root", "-F bw-in", true, 0 },
        { "flush a leaf", "-F bw-i-other", true, 0 },
        { "delete the anchor", "-D PREROUTING -j bw-in", true, 0 },
        { "accept before the anchor", "-I PREROUTING -j ACCEPT", true, 0 },
        { "log before the anchor", "-I PREROUTING -s 192.0.2.1 -j NFLOG", true, 0 },
        { "second anchor behind", "-A PREROUTING -j bw-in", true, 0 },
        { "second anchor before", "-I PREROUTING -j bw-in", true, 0 },
        { "anchor with a condition", "-R PREROUTING 1 -s 192.0.2.0/24 -j bw-in", true, 0 },
        { "anchor for another device", "-R PREROUTING 1 ! -i virbr6 -j bw-in", true, 0 },
        { "anchor that does not come back", "-R PREROUTING 1 -g bw-in", true, 0 },
        { "rule replaced", "-R bw-in 2 -s 10.0.0.2 -j RETURN", true, 0 },
        { "verdict replaced", "-R bw-i-other 3 -j RETURN", true, 0 },
        { "verdict became a mark without one", "-R bw-i-other 3", true, 0 },
        { "target replaced by accept", "-R bw-i-other 3 -j ACCEPT", true, 0 },
        { "rule narrowed by a match", "-R bw-i-other 3 -p tcp -m tcp --dport 1 -j DROP", true, 0 },
        { "rule narrowed by a protocol", "-R bw-i-other 3 -p 17 -j DROP", true, 0 },
        { "rule for fragments only", "-R bw-i-other 3 -f -j DROP", true, 0 },
        { "rule turned round", "-R bw-in 1 ! -s 10.0.0.1 -j DROP", true, 0 },
        { "another port", "-R bw-i-other 1 -m physdev --physdev-in vk64 -j DROP", true, 0 },
        { "a port became a prefix", "-R bw-i-other 1 -m physdev --physdev-in vk6+ -j DROP", true,
          0 },
        { "all but the port", "-R bw-i-other 1 -m physdev ! --physdev-in vk63 -j DROP", true, 0 },
        { "another rate",
          "-R bw-i-other 2 -m limit --limit 1/hour --limit-burst 10 -j NFLOG --nflog-prefix \"bw in "
          "spoofed-ip drop\" --nflog-group 25207 --nflog-size 128",
          true, 0 },
        { "another group",
          "-R bw-i-other 2 -m limit --limit 10/sec --limit-burst 10 -j NFLOG --nflog-prefix \"bw in "
          "spoofed-ip drop\" --nflog-group 7 --nflog-size 128",
          true, 0 },
        { "the same again",
          "-R bw-i-other 2 -m limit --limit 10/sec --limit-burst 10 -j NFLOG --nflog-prefix \"bw in "
          "spoofed-ip drop\" --nflog-group 25207 --nflog-size 128",
          false, 0 },
        { "rule in front", "-I bw-in -j ACCEPT", true, 0 },
        { "rule at the end", "-A bw-i-other -s 192.0.2.1 -j DROP", true, 0 },
        { "two rules swapped", "-D bw-in 1; -I bw-in 2 -s 10.0.0.1/32 -j DROP", true, 0 },
        { "stale chain", "-N bw-i-vk99; -A bw-i-vk99 -j DROP", true, 0 },
        { "empty chain of our name", "-N bw-i-something", true, 0 },
        { "stale chains in a row", "-N bw-i-a; -N bw-i-b; -A bw-i-a -j bw-i-b; -A bw-i-b -j DROP",
          true, 0 },
        { "foreign jump to a stale chain",
          "-N bw-i-old; -A bw-i-old -j ACCEPT; -A OUTPUT -j bw-i-old; -A OUTPUT -j ACCEPT", true,
          1 },
        { "foreign jump to an empty stale chain", "-N bw-i-old; -A OUTPUT -j bw-i-old", false, 0 },
        { "foreign jump to stale in the hook",
          "-N bw-i-old; -A bw-i-old -j ACCEPT; -A PREROUTING -g bw-i-old", true, 1 },
};

static void commit_deed(const Deed *deed) {
        g_auto(GStrv) calls = g_strsplit(deed->arguments, ";", -1);

        for (char **call = calls; *call; call++) {
                g_autofree char *line = g_strconcat("iptables-legacy -t raw ", *call, NULL);

                run_here(line);
        }
}

static void check_deed(const Deed *deed) {
        g_autoptr(GPtrArray) chains = counting_chains(2, 2), expected = print_chains(chains);
        g_autoptr(GPtrArray) saved = NULL, anchors = NULL, foreign = NULL, foreign_after = NULL;
        g_autofree char *first = NULL;
        BwIptReport done;

        clear_tables();
        run_here(foreign_rules);
        bw_test_sync(table, chains);
        commit_deed(deed);
        foreign = save_foreign();
        g_assert_cmpint(bw_test_is_equal(table, chains), ==, !deed->is_drift);
        done = bw_test_sync(table, chains);
        g_assert_cmpint(done.changed, ==, deed->is_drift);
        g_assert_cmpuint(done.foreign_chains_kept, ==, deed->kept);

        g_assert_true(bw_test_is_equal(table, chains));
        g_assert_false(bw_test_sync(table, chains).changed);
        saved = saved_now("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
        first = bw_test_output("%s -t raw -S PREROUTING 1", tool());
        g_assert_cmpstr(first, ==, "-A PREROUTING -j bw-in\n");
        anchors = saved_now("", "-A PREROUTING -j bw-in");
        g_assert_cmpuint(anchors->len, ==, 1);
        foreign_after = save_foreign();
        bw_test_assert_same_lines(foreign_after, foreign);
}

static void test_deed(gconstpointer data) {
        table = BW_IPT_RAW;
        check_deed(data);
}

static void test_deed_ipv6(gconstpointer data) {
        table = BW_IPT_RAW6;
        check_deed(data);
}

/* The next change is made in the belief that the table is as it was; what others did comes to light
 * when it is read back. */
static void check_deed_before(const Deed *deed, const GPtrArray *chains) {
        g_autoptr(GPtrArray) held = counting_chains(2, 2);
        g_autoptr(GPtrArray) saved = NULL, foreign = NULL, foreign_after = NULL, expected = NULL;
        BwIptWish wishes[BW_IPT_TABLE_MAX] = {};
        g_autoptr(GError) error = NULL;

        expected = print_chains(chains);
        clear_tables();
        run_here(foreign_rules);
        bw_test_sync(table, held);
        commit_deed(deed);
        foreign = save_foreign();
        for (BwIptTable each = BW_IPT_RAW; each < BW_IPT_TABLE_MAX; each++)
                wishes[each].skipped = each != table;
        wishes[table].chains = chains;
        wishes[table].held = held;
        bw_iptables_sync_all(wishes, BW_IPT_LOCK_NEEDED, &error);
        g_assert_no_error(error);
        g_assert_no_error(wishes[table].error);
        g_assert_true(wishes[table].report.changed || !deed->is_drift);
        g_assert_true(bw_test_is_equal(table, chains));
        saved = saved_now("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
        foreign_after = save_foreign();
        bw_test_assert_same_lines(foreign_after, foreign);
}

/* A chain more, nothing at all, and nearly all chains less. */
static void check_deed_before_changes(const Deed *deed) {
        g_autoptr(GPtrArray) more = counting_chains(2, 2), same = counting_chains(2, 2);
        g_autoptr(GPtrArray) less = bw_test_chains_new(table);

        bw_test_say(bw_test_chain(more, "bw-i-new"), (BwIptRule){ .target = BW_IPT_DROP });
        check_deed_before(deed, more);
        check_deed_before(deed, same);
        check_deed_before(deed, less);
}

static void test_deed_before_a_change(gconstpointer data) {
        table = BW_IPT_RAW;
        check_deed_before_changes(data);
        table = BW_IPT_RAW6;
        check_deed_before_changes(data);
}

/* A port that left while a foreign rule pointed at its chain, and came back. */
static void test_kept_chain_is_used_again(void) {
        g_autoptr(GPtrArray) with = counting_chains(1, 1), without = bw_test_chains_new(BW_IPT_RAW);
        g_autoptr(GPtrArray) expected = print_chains(with), saved = NULL;

        table = BW_IPT_RAW;
        clear_tables();
        bw_test_sync(table, with);
        run_here("iptables-legacy -t raw -A OUTPUT -j bw-i-other");
        g_assert_cmpuint(bw_test_sync(table, without).foreign_chains_kept, ==, 1);
        g_assert_true(bw_test_is_equal(table, without));
        bw_test_sync(table, with);
        saved = saved_now("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
}

/* @path with the table's name behind it. */
static void add_for(const char *path, BwIptTable each, GTestDataFunc test) {
        g_autofree char *whole = g_strconcat(path, "/", bw_ipt_table_text(each), NULL);

        g_strdelimit(whole, " ", '-');
        g_test_add_data_func(whole, GINT_TO_POINTER(each), test);
}

static void add_for_raw(const char *path, GTestDataFunc test) {
        add_for(path, BW_IPT_RAW, test);
        add_for(path, BW_IPT_RAW6, test);
}

static void add_deeds(const char *path, GTestDataFunc test) {
        for (guint i = 0; i < G_N_ELEMENTS(deeds); i++) {
                g_autofree char *whole = g_strconcat(path, "/", deeds[i].name, NULL);

                g_strdelimit(whole, " ", '-');
                g_test_add_data_func(whole, &deeds[i], test);
        }
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                printf("1..0 # SKIP no namespaces here: run as root or allow user namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        bw_test_run("ip link set lo up; ip address add 10.77.0.1/32 dev lo;"
                    "ip address add fd77::1/128 dev lo nodad");
        if (!bw_test_try("for tool in iptables-legacy ip6tables-legacy; do"
                         "  $tool -t raw -S && $tool -t mangle -S || exit 1; done")) {
                printf("1..0 # SKIP this kernel has no legacy iptables, or iptables-legacy is missing\n");
                return 0;
        }
        for (BwIptTable each = BW_IPT_RAW; each < BW_IPT_TABLE_MAX; each++) {
                add_for("/every-sentence", each, test_every_sentence);
                add_for("/read-back", each, test_read_back);
                add_for("/disarm-leaves-nothing", each, test_disarm_leaves_nothing);
        }
        add_for_raw("/foreign-is-marked", test_foreign_is_marked);
        add_for_raw("/leaned-on", test_leaned_on);
        g_test_add_func("/odd-names", test_odd_names);
        add_for_raw("/counters-go-on", test_counters_go_on);
        add_for_raw("/least-edits", test_least_edits);
        add_deeds("/foreign", test_deed);
        add_deeds("/foreign-ipv6", test_deed_ipv6);
        add_deeds("/foreign-before-a-change", test_deed_before_a_change);
        g_test_add_func("/kept-chain-is-used-again", test_kept_chain_is_used_again);
        return g_test_run();
}
