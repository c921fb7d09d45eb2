/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The switches of bridges against a real kernel, in a network namespace of its own; and their
 * attributes as kernels write them that this machine does not have.
 */

#include <bw/error.h>
#include <bw/netlink_decode.h>
#include <command.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink.h>
#include <netlink/msg.h>
#include <netns.h>
#include <string.h>

/* What was said last of the one bridge. */
typedef struct Seen {
        int bridge;
        BwLink link;
        unsigned times;
} Seen;

static void on_fact(const BwFact *fact, gpointer user) {
        Seen *seen = user;

        if (fact->kind != BW_FACT_LINK || fact->link.ifindex != seen->bridge)
                return;
        seen->link = fact->link;
        seen->times++;
}

static BwNetlink *open_netlink(Seen *seen) {
        g_autoptr(GError) error = NULL;
        BwNetlink *netlink;

        bw_test_run("ip link add br0 type bridge nf_call_iptables 0 nf_call_ip6tables 0 "
                    "no_linklocal_learn 0");
        seen->bridge = (int) if_nametoindex("br0");
        netlink = bw_netlink_new(on_fact, seen, &error);
        g_assert_no_error(error);
        bw_netlink_dump(netlink, &error);
        g_assert_no_error(error);
        return netlink;
}

static void wait_for(const Seen *seen, unsigned switches) {
        int64_t end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

        while (seen->link.switches != switches && g_get_monotonic_time() < end)
                if (!g_main_context_iteration(NULL, FALSE))
                        g_usleep(1000);
        g_assert_cmphex(seen->link.switches, ==, switches);
        g_assert_cmphex(seen->link.switches_known, ==, BW_SWITCH_ALL);
}

static bool ip_says(const char *word, unsigned value) {
        return bw_test_try("ip -d link show br0 | grep -qwE '%s (0x)?%u'", word, value);
}

/* Each moves alone, up and down, whether the bridge is up or not. */
static void check_one(BwNetlink *netlink, const Seen *seen, BwBridgeSwitch kind) {
        g_autoptr(GError) error = NULL;

        bw_netlink_set_switch(netlink, seen->bridge, kind, true, &error);
        g_assert_no_error(error);
        wait_for(seen, BW_SWITCH_BIT(kind));
        g_assert_true(ip_says(bw_bridge_switch_name(kind), 1));
        bw_netlink_set_switch(netlink, seen->bridge, kind, false, &error);
        g_assert_no_error(error);
        wait_for(seen, 0);
        g_assert_true(ip_says(bw_bridge_switch_name(kind), 0));
}

static void test_each_alone(void) {
        Seen seen = {};
        g_autoptr(BwNetlink) netlink = open_netlink(&seen);

        wait_for(&seen, 0);
        for (unsigned kind = 0; kind < BW_SWITCH_MAX; kind++)
                check_one(netlink, &seen, kind);
        bw_test_run("ip link set br0 up");
        for (unsigned kind = 0; kind < BW_SWITCH_MAX; kind++)
                check_one(netlink, &seen, kind);
        bw_test_run("ip link del br0");
}

/* The kernel keeps a bridge's other options when it is told one. */
static void test_others_stay(void) {
        Seen seen = {};
        g_autoptr(BwNetlink) netlink = open_netlink(&seen);
        g_autoptr(GError) error = NULL;

        bw_test_run("ip link set br0 type bridge ageing_time 12300 group_fwd_mask 8");
        for (unsigned kind = 0; kind < BW_SWITCH_MAX; kind++) {
                bw_netlink_set_switch(netlink, seen.bridge, kind, true, &error);
                g_assert_no_error(error);
        }
        wait_for(&seen, BW_SWITCH_ALL);
        /* Of a bridge that is down there is no news. */
        bw_test_run("ip link set br0 up");
        g_assert_true(ip_says("ageing_time", 12300) && ip_says("group_fwd_mask", 8));
        bw_test_run("ip link set br0 type bridge no_linklocal_learn 0");
        wait_for(&seen, BW_SWITCH_ALL & ~BW_SWITCH_BIT(BW_SWITCH_NO_LINKLOCAL_LEARN));
        bw_test_run("ip link del br0");
}

static void test_no_bridge(void) {
        Seen seen = {};
        g_autoptr(BwNetlink) netlink = open_netlink(&seen);
        int gone = seen.bridge;

        bw_test_run("ip link del br0; ip link add p1 type veth peer name q1");
        for (unsigned kind = 0; kind < BW_SWITCH_MAX; kind++) {
                g_autoptr(GError) error = NULL;

                g_assert_false(bw_netlink_set_switch(netlink, gone, kind, true, &error));
                g_assert_error(error, BW_ERROR, BW_ERROR_ABSENT);
                g_assert_nonnull(strstr(error->message, bw_bridge_switch_name(kind)));
                g_clear_error(&error);
                g_assert_false(bw_netlink_set_switch(netlink, (int) if_nametoindex("p1"), kind,
                                                     true, &error));
                g_assert_error(error, BW_ERROR, BW_ERROR_ABSENT);
        }
        bw_test_run("ip link del p1");
}

/* Messages */

typedef struct nl_msg Message;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, nlmsg_free)

typedef struct Row {
        uint8_t flag_size, options_size; /* 0: not there */
        uint8_t flag;
        struct br_boolopt_multi options;
        unsigned on, known;
} Row;

#define NF_CALL                                                                                    \
        (BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IPTABLES) | BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IP6TABLES))
#define NO_LEARN BW_SWITCH_BIT(BW_SWITCH_NO_LINKLOCAL_LEARN)

static Message *new_message(const char *kind, const Row *row) {
        const struct ifinfomsg header = { .ifi_index = 7 };
        const uint8_t flag[8] = { row->flag };
        uint8_t options[16] = {};
        Message *message = nlmsg_alloc_simple(RTM_NEWLINK, 0);
        struct nlattr *outer, *inner;

        memcpy(options, &row->options, sizeof(row->options));
        g_assert_cmpint(nlmsg_append(message, (void *) &header, sizeof(header), NLMSG_ALIGNTO), ==,
                        0);
        nla_put_string(message, IFLA_IFNAME, "br7");
        outer = nla_nest_start(message, IFLA_LINKINFO);
        nla_put_string(message, IFLA_INFO_KIND, kind);
        inner = nla_nest_start(message, IFLA_INFO_DATA);
        if (row->flag_size) {
                nla_put(message, IFLA_BR_NF_CALL_IPTABLES, row->flag_size, flag);
                nla_put(message, IFLA_BR_NF_CALL_IP6TABLES, row->flag_size, flag);
        }
        if (row->options_size)
                nla_put(message, IFLA_BR_MULTI_BOOLOPT, row->options_size, options);
        nla_nest_end(message, inner);
        nla_nest_end(message, outer);
        return message;
}

static void test_decode(void) {
        static const Row rows[] = {
                { 1, 8, 1, { 1, 1 }, BW_SWITCH_ALL, BW_SWITCH_ALL },
                { 1, 8, 0, { 0, 1 }, 0, BW_SWITCH_ALL },
                { 1, 8, 0, { 1, 7 }, NO_LEARN, BW_SWITCH_ALL },
                { 1, 8, 2, { 6, 7 }, NF_CALL, BW_SWITCH_ALL },
                { 1, 8, 1, { 1, 6 }, NF_CALL, NF_CALL },   /* a value the mask does not speak of */
                { 1, 0, 1, { 1, 1 }, NF_CALL, NF_CALL },   /* before Linux 5.0 */
                { 0, 8, 1, { 1, 1 }, NO_LEARN, NO_LEARN }, /* built without br_netfilter */
                { 4, 8, 1, { 1, 1 }, NO_LEARN, NO_LEARN },
                { 1, 7, 1, { 1, 1 }, NF_CALL, NF_CALL },
                { 1, 9, 1, { 1, 1 }, NF_CALL, NF_CALL },
                { 1, 4, 1, { 1, 1 }, NF_CALL, NF_CALL },
                { 0, 0, 1, { 1, 1 }, 0, 0 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Message) bridge = new_message("bridge", &rows[i]);
                g_autoptr(Message) other = new_message("veth", &rows[i]);
                BwFact fact;

                g_assert_true(
                        bw_netlink_decode(nlmsg_hdr(bridge), nlmsg_hdr(bridge)->nlmsg_len, &fact));
                g_assert_cmphex(fact.link.switches, ==, rows[i].on);
                g_assert_cmphex(fact.link.switches_known, ==, rows[i].known);
                g_assert_true(
                        bw_netlink_decode(nlmsg_hdr(other), nlmsg_hdr(other)->nlmsg_len, &fact));
                g_assert_cmphex(fact.link.switches_known, ==, 0);
        }
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/netlink-switches/each-alone", test_each_alone);
        g_test_add_func("/netlink-switches/others-stay", test_others_stay);
        g_test_add_func("/netlink-switches/no-bridge", test_no_bridge);
        g_test_add_func("/netlink-switches/decode", test_decode);
        return g_test_run();
}
