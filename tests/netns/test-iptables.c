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

static const BwIptTable tables[] = { BW_IPT_RAW, BW_IPT_MANGLE };

/* Each test starts from empty tables. */
static void clear_tables(void) {
        for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
                const char *table = bw_ipt_table_name(tables[i]);

                bw_test_run("iptables-legacy -t %s -F; iptables-legacy -t %s -X;"
                            "iptables-legacy -t %s -Z; iptables-legacy -t %s -P PREROUTING ACCEPT;"
                            "iptables-legacy -t %s -P OUTPUT ACCEPT",
                            table, table, table, table, table);
        }
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

static void say_addresses(BwIptChain *chain) {
        BwIptRule both = bw_test_from("192.0.2.7", BW_IPT_DROP);

        bw_test_say(chain, bw_test_from("192.168.50.13", BW_IPT_RETURN));
        bw_test_say(chain, bw_test_from("128.0.0.0/2", BW_IPT_DROP));
        bw_test_say(chain, bw_test_from("198.51.100.128/25", BW_IPT_DROP));
        both.destination = (BwPrefix){ BW_FAMILY_IPV4, 4, { 224 } };
        bw_test_say(chain, both);
        both.source.length = 0;
        memset(both.source.bytes, 0, sizeof(both.source.bytes));
        bw_test_say(chain, both);
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

static GPtrArray *every_sentence(BwIptTable table) {
        GPtrArray *chains = bw_test_chains_new(table);
        BwIptChain *root = bw_test_chain(chains, bw_ipt_table_root(table)), *chain;
        BwIptRule jump = bw_test_goto("bw-i-target");

        bw_test_chain(chains, "bw-i-target");
        chain = bw_test_chain(chains, "bw-i-every-sentence");
        bw_test_say(root, bw_test_goto("bw-i-every-sentence"));
        jump.target = BW_IPT_JUMP;
        bw_test_say(chain, jump);
        say_physdev(chain);
        say_addresses(chain);
        say_bridges(chain);
        bw_test_say(chain, pass_dhcp(BW_IPT_DHCP_REQUEST));
        bw_test_say(chain, pass_dhcp(BW_IPT_DHCP_REPLY));
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
        BwIptTable table = (BwIptTable) GPOINTER_TO_INT(data);
        const char *name = bw_ipt_table_name(table);
        g_autoptr(GPtrArray) chains = every_sentence(table), expected = print_chains(chains);
        g_autoptr(GPtrArray) saved = NULL, saved_again = NULL;

        clear_tables();
        g_assert_true(bw_test_sync(table, chains).changed);
        saved = bw_test_saved(name, "", "-A bw-");
        bw_test_assert_same_lines(saved, expected);

        bw_test_run("iptables-legacy-save -t %s | iptables-legacy-restore", name);
        saved_again = bw_test_saved(name, "", "-A bw-");
        bw_test_assert_same_lines(saved_again, expected);
        g_assert_true(bw_test_is_equal(table, chains));
        g_assert_false(bw_test_sync(table, chains).changed);
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

        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                write_odd_name(&names[i]);
}

/* What others own */

static void send_to_ourselves(unsigned count) {
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        to.sin_addr.s_addr = inet_addr("10.77.0.1");
        g_assert_cmpint(fd, >=, 0);
        /* To its own socket, or the kernel would answer each and be counted too. */
        g_assert_cmpint(bind(fd, (struct sockaddr *) &to, sizeof(to)), ==, 0);
        for (unsigned i = 0; i < count; i++)
                (void) sendto(fd, "x", 1, 0, (struct sockaddr *) &to, sizeof(to));
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
        GPtrArray *chains = bw_test_chains_new(BW_IPT_RAW);
        BwIptChain *root = bw_test_chain(chains, "bw-in");

        say_other(bw_test_chain(chains, "bw-i-other"));
        for (unsigned i = 0; i < before + 1 + behind; i++) {
                g_autofree char *source = g_strdup_printf("10.0.%u.1", i < before ? i : 100 + i);

                if (i == before)
                        bw_test_say(root, bw_test_from("10.77.0.1", BW_IPT_RETURN));
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
        GPtrArray *all = bw_test_saved("raw", "-c", "");

        for (guint i = all->len; i-- > 0;)
                if (strstr(all->pdata[i], "bw-") || ((char *) all->pdata[i])[0] == '#' ||
                    strstr(all->pdata[i], ":PREROUTING"))
                        g_ptr_array_remove_index(all, i);
        return all;
}

static bool has_line(const char *options, const char *line) {
        g_autoptr(GPtrArray) lines = bw_test_saved("raw", options, line);

        return lines->len == 1;
}

static void test_counters_go_on(void) {
        g_autoptr(GPtrArray) few = counting_chains(1, 1), many = counting_chains(4, 3);
        g_autoptr(GPtrArray) before = NULL, after = NULL, after_all = NULL;

        clear_tables();
        bw_test_run("%s", foreign_rules);
        bw_test_sync(BW_IPT_RAW, few);
        send_to_ourselves(7);
        bw_test_run("iptables-legacy -t raw -P OUTPUT DROP");
        before = save_foreign();
        g_assert_cmpuint(before->len, >=, 8);
        g_assert_true(has_line("-c", "[7:203] -A foreign -s 10.77.0.1/32"));

        g_assert_false(bw_test_sync(BW_IPT_RAW, few).changed);
        g_assert_true(has_line("-c", "[7:203] -A bw-in -s 10.77.0.1/32 -j RETURN"));
        g_assert_true(bw_test_sync(BW_IPT_RAW, many).changed);
        g_assert_true(has_line("-c", "[7:203] -A bw-in -s 10.77.0.1/32 -j RETURN"));
        g_assert_true(has_line("-c", "[7:203] -A PREROUTING -j bw-in"));
        after = save_foreign();
        bw_test_assert_same_lines(after, before);

        g_assert_true(bw_test_sync(BW_IPT_RAW, few).changed);
        g_assert_true(bw_test_sync(BW_IPT_RAW, NULL).changed);
        after_all = save_foreign();
        bw_test_assert_same_lines(after_all, before);
}

static void test_least_edits(void) {
        g_autoptr(GPtrArray) few = counting_chains(1, 1), many = counting_chains(4, 3);
        BwIptReport done;

        clear_tables();
        done = bw_test_sync(BW_IPT_RAW, few);
        g_assert_cmpuint(done.chains_created, ==, 2);
        g_assert_cmpuint(done.rules_inserted, ==, 3 + 3 + 1); /* the anchor too */
        done = bw_test_sync(BW_IPT_RAW, many);
        g_assert_cmpuint(done.chains_created + done.chains_removed, ==, 0);
        g_assert_cmpuint(done.rules_inserted, ==, 6);
        g_assert_cmpuint(done.rules_deleted, ==, 1);
        g_assert_false(done.anchor_moved);
}

static void test_disarm_leaves_nothing(void) {
        for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
                g_autoptr(GPtrArray) chains = every_sentence(tables[i]);
                const char *name = bw_ipt_table_name(tables[i]);
                g_autoptr(GPtrArray) before = NULL, after = NULL, rules = NULL;

                clear_tables();
                before = bw_test_saved(name, "", "-");
                bw_test_sync(tables[i], chains);
                g_assert_false(bw_test_is_equal(tables[i], NULL));
                g_assert_true(bw_test_sync(tables[i], NULL).changed);
                g_assert_true(bw_test_is_equal(tables[i], NULL));
                g_assert_false(bw_test_sync(tables[i], NULL).changed);
                after = bw_test_saved(name, "", "-");
                bw_test_assert_same_lines(after, before);
                rules = bw_test_saved(name, "", ":bw-");
                g_assert_cmpuint(rules->len, ==, 0);
        }
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

        for (char **call = calls; *call; call++)
                bw_test_run("iptables-legacy -t raw %s", *call);
}

static void test_deed(gconstpointer data) {
        const Deed *deed = data;
        g_autoptr(GPtrArray) chains = counting_chains(2, 2), expected = print_chains(chains);
        g_autoptr(GPtrArray) saved = NULL, anchors = NULL, foreign = NULL, foreign_after = NULL;
        g_autofree char *first = NULL;
        BwIptReport done;

        clear_tables();
        bw_test_run("%s", foreign_rules);
        bw_test_sync(BW_IPT_RAW, chains);
        commit_deed(deed);
        foreign = save_foreign();
        g_assert_cmpint(bw_test_is_equal(BW_IPT_RAW, chains), ==, !deed->is_drift);
        done = bw_test_sync(BW_IPT_RAW, chains);
        g_assert_cmpint(done.changed, ==, deed->is_drift);
        g_assert_cmpuint(done.foreign_chains_kept, ==, deed->kept);

        g_assert_true(bw_test_is_equal(BW_IPT_RAW, chains));
        g_assert_false(bw_test_sync(BW_IPT_RAW, chains).changed);
        saved = bw_test_saved("raw", "", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
        first = bw_test_output("iptables-legacy -t raw -S PREROUTING 1");
        g_assert_cmpstr(first, ==, "-A PREROUTING -j bw-in\n");
        anchors = bw_test_saved("raw", "", "-A PREROUTING -j bw-in");
        g_assert_cmpuint(anchors->len, ==, 1);
        foreign_after = save_foreign();
        bw_test_assert_same_lines(foreign_after, foreign);
}

/* A port that left while a foreign rule pointed at its chain, and came back. */
static void test_kept_chain_is_used_again(void) {
        g_autoptr(GPtrArray) with = counting_chains(1, 1), without = bw_test_chains_new(BW_IPT_RAW);
        g_autoptr(GPtrArray) expected = print_chains(with), saved = NULL;

        clear_tables();
        bw_test_sync(BW_IPT_RAW, with);
        bw_test_run("iptables-legacy -t raw -A OUTPUT -j bw-i-other");
        g_assert_cmpuint(bw_test_sync(BW_IPT_RAW, without).foreign_chains_kept, ==, 1);
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, without));
        bw_test_sync(BW_IPT_RAW, with);
        saved = bw_test_saved("raw", "", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                printf("1..0 # SKIP no namespaces here: run as root or allow user namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        bw_test_run("ip link set lo up; ip address add 10.77.0.1/32 dev lo");
        if (!bw_test_try("iptables-legacy -t raw -S && iptables-legacy -t mangle -S")) {
                printf("1..0 # SKIP this kernel has no legacy iptables, or iptables-legacy is missing\n");
                return 0;
        }
        g_test_add_data_func("/every-sentence/raw", GINT_TO_POINTER(BW_IPT_RAW),
                             test_every_sentence);
        g_test_add_data_func("/every-sentence/mangle", GINT_TO_POINTER(BW_IPT_MANGLE),
                             test_every_sentence);
        g_test_add_func("/odd-names", test_odd_names);
        g_test_add_func("/counters-go-on", test_counters_go_on);
        g_test_add_func("/least-edits", test_least_edits);
        g_test_add_func("/disarm-leaves-nothing", test_disarm_leaves_nothing);
        for (guint i = 0; i < G_N_ELEMENTS(deeds); i++) {
                g_autofree char *path = g_strconcat("/foreign/", deeds[i].name, NULL);

                g_strdelimit(path, " ", '-');
                g_test_add_data_func(path, &deeds[i], test_deed);
        }
        g_test_add_func("/kept-chain-is-used-again", test_kept_chain_is_used_again);
        return g_test_run();
}
