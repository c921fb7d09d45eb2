/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The iptables adapter beside others, against a real kernel: what they own stays theirs, and
 * whatever they do to ours is seen and mended.
 */

#include "table_under_test.h"

#include <arpa/inet.h>
#include <command.h>
#include <string.h>
#include <unistd.h>

/* What others own */

static void send_to_ourselves(unsigned count) {
        struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_port = htons(9) };
        struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
        struct sockaddr *to =
                bw_test_table_is_ipv6() ? (struct sockaddr *) &ipv6 : (struct sockaddr *) &ipv4;
        socklen_t length = bw_test_table_is_ipv6() ? sizeof(ipv6) : sizeof(ipv4);
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
        bw_test_say(chain, bw_test_nflog(BW_DIRECTION_IN, BW_REASON_SPOOFED_IP, true, 10));
        bw_test_say(chain, (BwIptRule){ .target = BW_IPT_DROP });
}

/* A chain that counts our loopback talk, between others that change. */
static GPtrArray *counting_chains(unsigned before, unsigned behind) {
        GPtrArray *chains = bw_test_chains_new(bw_test_table);
        BwIptChain *root = bw_test_chain(chains, "bw-in");

        say_other(bw_test_chain(chains, "bw-i-other"));
        for (unsigned i = 0; i < before + 1 + behind; i++) {
                unsigned number = i < before ? i : 100 + i;
                g_autofree char *own = bw_test_table_words("10.77.0.1");
                g_autofree char *source = bw_test_table_is_ipv6()
                                                  ? g_strdup_printf("fd00:%x::1", number)
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
        GPtrArray *all = bw_test_table_saved("-c", "");

        for (guint i = all->len; i-- > 0;)
                if (strstr(all->pdata[i], "bw-") || ((char *) all->pdata[i])[0] == '#' ||
                    strstr(all->pdata[i], ":PREROUTING"))
                        g_ptr_array_remove_index(all, i);
        return all;
}

static bool has_line(const char *options, const char *line) {
        g_autofree char *wanted = bw_test_table_words(line);
        g_autoptr(GPtrArray) lines = bw_test_table_saved(options, wanted);

        return lines->len == 1;
}

static void test_counters_go_on(gconstpointer data) {
        g_autoptr(GPtrArray) few = NULL, many = NULL;
        g_autoptr(GPtrArray) before = NULL, after = NULL, after_all = NULL;

        bw_test_table = (BwIptTable) GPOINTER_TO_INT(data);
        few = counting_chains(1, 1);
        many = counting_chains(4, 3);
        bw_test_table_clear();
        bw_test_table_run(foreign_rules);
        bw_test_sync(bw_test_table, few);
        send_to_ourselves(7);
        bw_test_table_run("iptables-legacy -t raw -P OUTPUT DROP");
        before = save_foreign();
        g_assert_cmpuint(before->len, >=, 8);
        g_assert_true(has_line("-c", "[7:203] -A foreign -s 10.77.0.1/32"));

        g_assert_false(bw_test_sync(bw_test_table, few).changed);
        g_assert_true(has_line("-c", "[7:203] -A bw-in -s 10.77.0.1/32 -j RETURN"));
        g_assert_true(bw_test_sync(bw_test_table, many).changed);
        g_assert_true(has_line("-c", "[7:203] -A bw-in -s 10.77.0.1/32 -j RETURN"));
        g_assert_true(has_line("-c", "[7:203] -A PREROUTING -j bw-in"));
        after = save_foreign();
        bw_test_assert_same_lines(after, before);

        g_assert_true(bw_test_sync(bw_test_table, few).changed);
        g_assert_true(bw_test_sync(bw_test_table, NULL).changed);
        after_all = save_foreign();
        bw_test_assert_same_lines(after_all, before);
}

static void test_least_edits(gconstpointer data) {
        g_autoptr(GPtrArray) few = NULL, many = NULL;
        BwIptReport done;

        bw_test_table = (BwIptTable) GPOINTER_TO_INT(data);
        few = counting_chains(1, 1);
        many = counting_chains(4, 3);
        bw_test_table_clear();
        done = bw_test_sync(bw_test_table, few);
        g_assert_cmpuint(done.chains_created, ==, 2);
        g_assert_cmpuint(done.rules_inserted, ==, 3 + 3 + 1); /* the anchor too */
        done = bw_test_sync(bw_test_table, many);
        g_assert_cmpuint(done.chains_created + done.chains_removed, ==, 0);
        g_assert_cmpuint(done.rules_inserted, ==, 6);
        g_assert_cmpuint(done.rules_deleted, ==, 1);
        g_assert_false(done.anchor_moved);
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
        { "foreign rule in the place of another", "-R foreign 1 -s 192.0.2.1", false, 0 },
        { "foreign rules swapped", "-D PREROUTING 3; -I PREROUTING 2 -s 203.0.113.9/32 -j DROP",
          false, 0 },
        { "foreign verdict turned", "-R PREROUTING 3 -s 203.0.113.9/32 -j ACCEPT", false, 0 },
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

                bw_test_table_run(line);
        }
}

static void check_deed(const Deed *deed) {
        g_autoptr(GPtrArray) chains = counting_chains(2, 2),
                             expected = bw_test_print_chains(chains);
        g_autoptr(GPtrArray) saved = NULL, anchors = NULL, foreign = NULL, foreign_after = NULL;
        g_autofree char *first = NULL;
        BwIptReport done;

        bw_test_table_clear();
        bw_test_table_run(foreign_rules);
        bw_test_sync(bw_test_table, chains);
        commit_deed(deed);
        foreign = save_foreign();
        g_assert_cmpint(bw_test_is_equal(bw_test_table, chains), ==, !deed->is_drift);
        done = bw_test_sync(bw_test_table, chains);
        g_assert_cmpint(done.changed, ==, deed->is_drift);
        g_assert_cmpuint(done.foreign_chains_kept, ==, deed->kept);

        g_assert_true(bw_test_is_equal(bw_test_table, chains));
        g_assert_false(bw_test_sync(bw_test_table, chains).changed);
        saved = bw_test_table_saved("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
        first = bw_test_output("%s -t raw -S PREROUTING 1", bw_test_table_tool());
        g_assert_cmpstr(first, ==, "-A PREROUTING -j bw-in\n");
        anchors = bw_test_table_saved("", "-A PREROUTING -j bw-in");
        g_assert_cmpuint(anchors->len, ==, 1);
        foreign_after = save_foreign();
        bw_test_assert_same_lines(foreign_after, foreign);
}

static void test_deed(gconstpointer data) {
        bw_test_table = BW_IPT_RAW;
        check_deed(data);
}

static void test_deed_ipv6(gconstpointer data) {
        bw_test_table = BW_IPT_RAW6;
        check_deed(data);
}

/* Without counters: libiptc itself begins those of policies anew. */
static GPtrArray *save_policies(void) {
        GPtrArray *all = bw_test_table_saved("", ":PREROUTING");

        g_ptr_array_extend_and_steal(all, bw_test_table_saved("", ":OUTPUT"));
        for (guint i = 0; i < all->len; i++)
                *strchr(all->pdata[i], '[') = '\0';
        return all;
}

/* The next change is made in the belief that the table is as it was; what others did to ours comes
 * to light when it is read back, and what they did to theirs stays done. */
static void check_deed_before(const Deed *deed, const GPtrArray *chains) {
        g_autoptr(GPtrArray) held = counting_chains(2, 2);
        g_autoptr(GPtrArray) saved = NULL, foreign = NULL, foreign_after = NULL, expected = NULL;
        g_autoptr(GPtrArray) policies = NULL, policies_after = NULL;
        BwIptWish wishes[BW_IPT_TABLE_MAX] = {};
        g_autoptr(GError) error = NULL;

        expected = bw_test_print_chains(chains);
        bw_test_table_clear();
        bw_test_table_run(foreign_rules);
        bw_test_sync(bw_test_table, held);
        commit_deed(deed);
        foreign = save_foreign();
        policies = save_policies();
        for (BwIptTable each = BW_IPT_RAW; each < BW_IPT_TABLE_MAX; each++)
                wishes[each].skipped = each != bw_test_table;
        wishes[bw_test_table].chains = chains;
        wishes[bw_test_table].held = held;
        bw_iptables_sync_all(wishes, BW_IPT_LOCK_NEEDED, NULL, &error);
        g_assert_no_error(error);
        g_assert_no_error(wishes[bw_test_table].error);
        g_assert_true(wishes[bw_test_table].report.changed || !deed->is_drift);
        g_assert_true(bw_test_is_equal(bw_test_table, chains));
        saved = bw_test_table_saved("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
        foreign_after = save_foreign();
        bw_test_assert_same_lines(foreign_after, foreign);
        policies_after = save_policies();
        bw_test_assert_same_lines(policies_after, policies);
}

/* A chain more, nothing at all, and nearly all chains less. */
static void check_deed_before_changes(const Deed *deed) {
        g_autoptr(GPtrArray) more = counting_chains(2, 2), same = counting_chains(2, 2);
        g_autoptr(GPtrArray) less = bw_test_chains_new(bw_test_table);

        bw_test_say(bw_test_chain(more, "bw-i-new"), (BwIptRule){ .target = BW_IPT_DROP });
        check_deed_before(deed, more);
        check_deed_before(deed, same);
        check_deed_before(deed, less);
}

static void test_deed_before_a_change(gconstpointer data) {
        bw_test_table = BW_IPT_RAW;
        check_deed_before_changes(data);
        bw_test_table = BW_IPT_RAW6;
        check_deed_before_changes(data);
}

/* A port that left while a foreign rule pointed at its chain, and came back. */
static void test_kept_chain_is_used_again(void) {
        g_autoptr(GPtrArray) with = counting_chains(1, 1), without = bw_test_chains_new(BW_IPT_RAW);
        g_autoptr(GPtrArray) expected = bw_test_print_chains(with), saved = NULL;

        bw_test_table = BW_IPT_RAW;
        bw_test_table_clear();
        bw_test_sync(bw_test_table, with);
        bw_test_table_run("iptables-legacy -t raw -A OUTPUT -j bw-i-other");
        g_assert_cmpuint(bw_test_sync(bw_test_table, without).foreign_chains_kept, ==, 1);
        g_assert_true(bw_test_is_equal(bw_test_table, without));
        bw_test_sync(bw_test_table, with);
        saved = bw_test_table_saved("", "-A bw-");
        bw_test_assert_same_lines(saved, expected);
}

static void add_deeds(const char *path, GTestDataFunc test) {
        for (guint i = 0; i < G_N_ELEMENTS(deeds); i++) {
                g_autofree char *whole = g_strconcat(path, "/", deeds[i].name, NULL);

                g_strdelimit(whole, " ", '-');
                g_test_add_data_func(whole, &deeds[i], test);
        }
}

static void add_tests(void) {
        bw_test_table_add_raw("/counters-go-on", test_counters_go_on);
        bw_test_table_add_raw("/least-edits", test_least_edits);
        add_deeds("/foreign", test_deed);
        add_deeds("/foreign-ipv6", test_deed_ipv6);
        add_deeds("/foreign-before-a-change", test_deed_before_a_change);
        g_test_add_func("/kept-chain-is-used-again", test_kept_chain_is_used_again);
}

int main(int argc, char **argv) {
        return bw_test_table_run_tests(argc, argv, add_tests);
}
