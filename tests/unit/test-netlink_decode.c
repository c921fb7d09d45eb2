/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Messages about links as kernels write them that the test machine does not have, and as none does:
 * what is known of a link, and that nothing makes one vanish that has a name.
 */

#include <bw/netlink_decode.h>
#include <bw/tc_news.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

typedef struct nl_msg Message;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, nlmsg_free)

static Message *new_message(int type, const void *header, gsize length) {
        Message *message = nlmsg_alloc_simple(type, 0);
        int code = nlmsg_append(message, (void *) header, length, NLMSG_ALIGNTO);

        g_assert_cmpint(code, ==, 0);
        return message;
}

static Message *new_link(uint16_t type, uint8_t family, uint32_t change) {
        const struct ifinfomsg header = { .ifi_family = family,
                                          .ifi_index = 7,
                                          .ifi_flags = IFF_UP | IFF_LOWER_UP,
                                          .ifi_change = change };
        Message *message = new_message(type, &header, sizeof(header));

        nla_put_string(message, IFLA_IFNAME, "port7");
        nla_put_u32(message, IFLA_MASTER, 5);
        return message;
}

/* @kind, @slave_kind: NULL leaves it out. Bytes of IFLA_INFO_DATA and IFLA_INFO_SLAVE_DATA are put
 * in between by the caller. */
static struct nlattr *begin_info(Message *message, const char *kind, const char *slave_kind) {
        struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO);

        if (kind)
                nla_put_string(message, IFLA_INFO_KIND, kind);
        if (slave_kind)
                nla_put_string(message, IFLA_INFO_SLAVE_KIND, slave_kind);
        return info;
}

static Message *new_link_of(const char *kind, const char *slave_kind) {
        Message *message = new_link(RTM_NEWLINK, AF_UNSPEC, 0);

        nla_nest_end(message, begin_info(message, kind, slave_kind));
        return message;
}

static BwLink decode(Message *message) {
        struct nlmsghdr *header = nlmsg_hdr(message);
        BwFact fact;

        memset(&fact, 0xaa, sizeof(fact));
        g_assert_true(bw_netlink_decode(header, header->nlmsg_len, &fact));
        g_assert_cmpint(fact.kind, ==, BW_FACT_LINK);
        g_assert_cmpint(fact.link.ifindex, ==, 7);
        g_assert_cmpstr(fact.link.name, ==, "port7");
        return fact.link;
}

static void test_kinds(void) {
        static const struct {
                const char *kind, *name;
                BwLinkKind wanted;
        } rows[] = {
                { "bridge", "bridge", BW_LINK_BRIDGE },
                { "tun", "tun", BW_LINK_TAP },
                { "veth", "veth", BW_LINK_VETH },
                { "macvtap", "macvtap", BW_LINK_MACVTAP },
                { "macvtap2", "macvtap2", BW_LINK_OTHER },
                { "macvta", "macvta", BW_LINK_OTHER },
                { "vlan", "vlan", BW_LINK_OTHER },
                { "bond", "bond", BW_LINK_OTHER },
                { "openvswitch", "openvswitch", BW_LINK_OTHER },
                { "fifteen-letters", "fifteen-letters", BW_LINK_OTHER },
                { "sixteen--letters", "sixteen--letter", BW_LINK_OTHER },
                { "", "", BW_LINK_OTHER },
                { NULL, "", BW_LINK_OTHER },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Message) message = new_link_of(rows[i].kind, NULL);
                BwLink link = decode(message);

                g_assert_cmpint(link.kind, ==, rows[i].wanted);
                g_assert_cmpstr(link.kind_name, ==, rows[i].name);
                g_assert_cmpint(link.master, ==, 0);
        }
}

/* A network card: nothing is said of a kind at all. */
static void test_card(void) {
        g_autoptr(Message) message = new_link(RTM_NEWLINK, AF_UNSPEC, 0);
        BwLink link = decode(message);

        g_assert_cmpint(link.kind, ==, BW_LINK_OTHER);
        g_assert_cmpstr(link.kind_name, ==, "");
        g_assert_true(link.up && link.running);
        g_assert_cmpint(link.master, ==, 0);
}

static void test_open_vswitch(void) {
        g_autoptr(Message) message = new_link_of("tun", "openvswitch");
        g_autoptr(Message) other = new_link_of("openvswitch", "bond");
        BwLink link = decode(message);

        g_assert_true(link.openvswitch);
        g_assert_cmpint(link.master, ==, 0);
        g_assert_false(decode(other).openvswitch);
}

/* The other end, and what it stands on */

typedef struct EndRow {
        const char *kind;
        int link_size, netns_size; /* bytes of each attribute; 0: none */
        uint32_t link, netns;
        int peer, peer_namespace, lower;
} EndRow;

static void put_number(Message *message, int type, int size, uint32_t number) {
        uint8_t bytes[8] = {};

        memcpy(bytes, &number, sizeof(number));
        if (size > 0)
                nla_put(message, type, size, bytes);
}

static void test_other_end(void) {
        static const EndRow rows[] = {
                { "veth", 4, 0, 9, 0, 9, 0, 0 },
                { "veth", 4, 4, 9, 0, 0, 1, 0 },
                { "veth", 4, 4, 9, 3, 0, 4, 0 },
                { "veth", 4, 4, 9, (uint32_t) -1, 0, 0, 0 }, /* it has no number */
                { "veth", 4, 4, 9, 0x7ffffffe, 0, 0x7fffffff, 0 },
                { "veth", 4, 4, 9, 0x7fffffff, 0, 0, 0 },
                { "veth", 4, 2, 9, 3, 0, 0, 0 },
                { "veth", 0, 4, 0, 3, 0, 4, 0 },
                { "veth", 0, 0, 0, 0, 0, 0, 0 },
                { "veth", 3, 0, 9, 0, 0, 0, 0 },
                { "veth", 4, 0, 0x80000000, 0, 0, 0, 0 },
                { "vlan", 4, 0, 9, 0, 0, 0, 9 },
                { "vlan", 4, 4, 9, 0, 0, 0, 0 },
                { "vlan", 8, 0, 9, 0, 0, 0, 0 },
                { "macvlan", 4, 0, 9, 0, 0, 0, 9 },
                { "macvtap", 4, 0, 9, 0, 0, 0, 9 },
                { "macvtap", 4, 4, 9, 3, 0, 0, 0 },
                { "vxlan", 4, 0, 9, 0, 0, 0, 0 },
                { "tun", 4, 0, 9, 0, 0, 0, 0 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Message) message = new_link_of(rows[i].kind, NULL);
                BwLink link;

                put_number(message, IFLA_LINK, rows[i].link_size, rows[i].link);
                put_number(message, IFLA_LINK_NETNSID, rows[i].netns_size, rows[i].netns);
                link = decode(message);
                g_assert_cmpint(link.peer, ==, rows[i].peer);
                g_assert_cmpint(link.peer_namespace, ==, rows[i].peer_namespace);
                g_assert_cmpint(link.lower, ==, rows[i].lower);
        }
}

/* Ports */

static const int flag_types[BW_FLAG_MAX] = {
        [BW_FLAG_LEARNING] = IFLA_BRPORT_LEARNING,
        [BW_FLAG_UNICAST_FLOOD] = IFLA_BRPORT_UNICAST_FLOOD,
        [BW_FLAG_LOCKED] = IFLA_BRPORT_LOCKED,
        [BW_FLAG_ISOLATED] = IFLA_BRPORT_ISOLATED,
        [BW_FLAG_BPDU_GUARD] = IFLA_BRPORT_GUARD,
        [BW_FLAG_HAIRPIN] = IFLA_BRPORT_MODE,
};

static Message *new_port(const char *slave_kind, int type, int size, uint32_t number) {
        Message *message = new_link(RTM_NEWLINK, AF_UNSPEC, 0);
        struct nlattr *info = begin_info(message, "tun", slave_kind), *port;

        port = nla_nest_start(message, IFLA_INFO_SLAVE_DATA);
        put_number(message, type, size, number);
        nla_nest_end(message, port);
        nla_nest_end(message, info);
        return message;
}

static BwLink decode_port(const char *slave_kind, int type, int size, uint32_t number) {
        g_autoptr(Message) message = new_port(slave_kind, type, size, number);

        return decode(message);
}

static void test_port_flags(void) {
        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++) {
                BwLink on = decode_port("bridge", flag_types[flag], 1, 1);
                BwLink off = decode_port("bridge", flag_types[flag], 1, 0);
                BwLink wide = decode_port("bridge", flag_types[flag], 4, 1);
                BwLink bond = decode_port("bond", flag_types[flag], 1, 1);

                g_assert_cmphex(on.flags, ==, BW_FLAG_BIT(flag));
                g_assert_cmphex(on.flags_known, ==, BW_FLAG_BIT(flag));
                g_assert_cmphex(off.flags, ==, 0);
                g_assert_cmphex(off.flags_known, ==, BW_FLAG_BIT(flag));
                g_assert_cmphex(wide.flags_known, ==, 0);
                g_assert_cmpint(wide.master, ==, 5);
                g_assert_cmphex(bond.flags_known, ==, 0);
        }
}

static void test_port_state(void) {
        for (uint32_t state = 0; state <= 255; state++) {
                BwLink link = decode_port("bridge", IFLA_BRPORT_STATE, 1, state);

                g_assert_cmpint(link.stp_state, ==,
                                state <= BW_STP_BLOCKING ? state : BW_STP_DISABLED);
                g_assert_cmpint(link.master, ==, 5);
        }
        g_assert_cmpint(decode_port("bridge", IFLA_BRPORT_STATE, 2, 3).stp_state, ==, 0);
        g_assert_cmpint(decode_port("bond", IFLA_BRPORT_STATE, 1, 3).stp_state, ==, 0);
}

/* Bridges */

static BwLink decode_bridge(int type, int size, uint32_t number) {
        g_autoptr(Message) message = new_link(RTM_NEWLINK, AF_UNSPEC, 0);
        struct nlattr *info = begin_info(message, "bridge", NULL), *bridge;

        bridge = nla_nest_start(message, IFLA_INFO_DATA);
        nla_put_u32(message, IFLA_BR_STP_STATE, 1);
        put_number(message, type, size, number);
        nla_nest_end(message, bridge);
        nla_nest_end(message, info);
        return decode(message);
}

static void test_bridge(void) {
        g_assert_true(decode_bridge(IFLA_BR_STP_STATE, 4, 1).stp);
        g_assert_true(decode_bridge(IFLA_BR_STP_STATE, 4, 2).stp); /* in user space */
        g_assert_false(decode_bridge(IFLA_BR_STP_STATE, 4, 0).stp);
        g_assert_false(decode_bridge(IFLA_BR_STP_STATE, 1, 1).stp);
        g_assert_true(decode_bridge(IFLA_BR_VLAN_FILTERING, 1, 1).vlan_filtering);
        g_assert_false(decode_bridge(IFLA_BR_VLAN_FILTERING, 1, 0).vlan_filtering);
        g_assert_false(decode_bridge(IFLA_BR_VLAN_FILTERING, 4, 1).vlan_filtering);
        g_assert_true(decode_bridge(IFLA_BR_TOPOLOGY_CHANGE, 1, 1).topology_change);
        g_assert_false(decode_bridge(IFLA_BR_TOPOLOGY_CHANGE, 1, 0).topology_change);
        g_assert_cmpuint(decode_bridge(IFLA_BR_AGEING_TIME, 4, 7).ageing_centiseconds, ==, 7);
}

/* Programs and listeners */

static BwLink decode_xdp(int size, uint32_t attached) {
        g_autoptr(Message) message = new_link_of("veth", NULL);
        struct nlattr *xdp = nla_nest_start(message, IFLA_XDP);

        put_number(message, IFLA_XDP_ATTACHED, size, attached);
        nla_nest_end(message, xdp);
        put_number(message, IFLA_PROMISCUITY, 4, 3);
        return decode(message);
}

static void test_xdp(void) {
        g_assert_false(decode_xdp(1, XDP_ATTACHED_NONE).xdp);
        g_assert_true(decode_xdp(1, XDP_ATTACHED_DRV).xdp);
        g_assert_true(decode_xdp(1, XDP_ATTACHED_SKB).xdp);
        g_assert_true(decode_xdp(1, XDP_ATTACHED_MULTI).xdp);
        g_assert_false(decode_xdp(0, 0).xdp);
        g_assert_false(decode_xdp(4, 1).xdp);
        g_assert_cmpuint(decode_xdp(1, 0).promiscuity, ==, 3);
}

/* Attributes of any size and type, nested ones with rubbish in them: it has a name, so it is there.
 */
static void test_nothing_makes_it_vanish(void) {
        static const uint8_t rubbish[256] = { 0xff, 0xff, 0xff, 0xff, 0x01 };

        for (int type = 1; type < 300; type++)
                for (int size = 0; size < 40; size++) {
                        g_autoptr(Message) message = new_link(RTM_NEWLINK, AF_UNSPEC, 0);

                        if (type == IFLA_IFNAME)
                                continue;
                        nla_put(message, type, size, rubbish);
                        nla_put(message, type | NLA_F_NESTED, size, rubbish);
                        (void) decode(message);
                }
}

/* What is not all told */

static int untold(Message *message) {
        return bw_netlink_decode_untold(nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len);
}

static int untold_of(int type, uint8_t family, uint32_t change, const char *kind, int link_size,
                     int netns_size) {
        g_autoptr(Message) message = new_link(type, family, change);

        nla_nest_end(message, begin_info(message, kind, NULL));
        put_number(message, IFLA_LINK, link_size, 9);
        put_number(message, IFLA_LINK_NETNSID, netns_size, 3);
        return untold(message);
}

static void test_untold(void) {
        /* A port, in the bridge's own words. */
        g_assert_cmpint(untold_of(RTM_NEWLINK, AF_BRIDGE, 0, "tun", 0, 0), ==, 7);
        g_assert_cmpint(untold_of(RTM_DELLINK, AF_BRIDGE, 0, "tun", 0, 0), ==, 0);
        g_assert_cmpint(untold_of(RTM_NEWLINK, AF_UNSPEC, 0, "tun", 4, 0), ==, 0);
        /* The first end of a pair, and the second. */
        g_assert_cmpint(untold_of(RTM_NEWLINK, AF_UNSPEC, ~0u, "veth", 0, 0), ==, 7);
        g_assert_cmpint(untold_of(RTM_NEWLINK, AF_UNSPEC, ~0u, "veth", 4, 0), ==, 9);
        g_assert_cmpint(untold_of(RTM_NEWLINK, AF_UNSPEC, 0, "veth", 4, 0), ==, 0);
        g_assert_cmpint(untold_of(RTM_NEWLINK, AF_UNSPEC, ~0u, "veth", 4, 4), ==, 0);
        g_assert_cmpint(untold_of(RTM_NEWLINK, AF_UNSPEC, ~0u, "vlan", 4, 0), ==, 0);
        /* One that leaves. */
        g_assert_cmpint(untold_of(RTM_DELLINK, AF_UNSPEC, ~0u, "veth", 4, 0), ==, 9);
        g_assert_cmpint(untold_of(RTM_DELLINK, AF_UNSPEC, ~0u, "veth", 4, 4), ==, 0);
        g_assert_cmpint(untold_of(RTM_DELLINK, AF_UNSPEC, ~0u, "macvtap", 4, 0), ==, 0);
        g_assert_cmpint(untold_of(RTM_NEWNEIGH, AF_BRIDGE, 0, "tun", 0, 0), ==, 0);
}

/* Tables */

static BwFact decode_entry(uint8_t family, uint16_t state) {
        const struct ndmsg header = { .ndm_family = family, .ndm_ifindex = 7, .ndm_state = state };
        g_autoptr(Message) message = new_message(RTM_NEWNEIGH, &header, sizeof(header));
        BwFact fact;

        nla_put(message, NDA_LLADDR, 6, "\x52\x54\0\0\0\7");
        nla_put(message, NDA_DST, 4, "\xc0\0\2\7");
        nla_put_u32(message, NDA_MASTER, 5);
        g_assert_true(bw_netlink_decode(nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len, &fact));
        return fact;
}

static void test_fixed_entries(void) {
        g_assert_true(decode_entry(AF_BRIDGE, NUD_NOARP).fdb.fixed);
        g_assert_false(decode_entry(AF_BRIDGE, NUD_NOARP).fdb.local);
        g_assert_false(decode_entry(AF_BRIDGE, NUD_REACHABLE).fdb.fixed);
        g_assert_false(decode_entry(AF_BRIDGE, NUD_PERMANENT).fdb.fixed);
        g_assert_true(decode_entry(AF_INET, NUD_PERMANENT).neighbour.permanent);
        g_assert_false(decode_entry(AF_INET, NUD_REACHABLE).neighbour.permanent);
}

/* tc */

typedef struct TcRow {
        int type;
        int ifindex;
        uint32_t handle, parent;
        BwTcNews wanted;
} TcRow;

#define BLOCK   ((int) TCM_IFINDEX_MAGIC_BLOCK)
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS  TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

static void test_tc_news(void) {
        static const TcRow rows[] = {
                { RTM_NEWQDISC, 7, 0xffff0000, TC_H_CLSACT, BW_TC_HOOKED },
                { RTM_DELQDISC, 7, 0xffff0000, TC_H_CLSACT, BW_TC_UNHOOKED },
                { RTM_NEWQDISC, 7, 0x00010000, TC_H_ROOT, BW_TC_NOTHING },
                { RTM_DELQDISC, 7, 0x00010000, TC_H_ROOT, BW_TC_NOTHING },
                { RTM_NEWTFILTER, 7, 1, INGRESS, BW_TC_FILTERS },
                { RTM_NEWTFILTER, 7, 1, EGRESS, BW_TC_FILTERS },
                { RTM_NEWTFILTER, 7, 1, 0xffff0000, BW_TC_FILTERS },
                { RTM_NEWTFILTER, 7, 0, INGRESS, BW_TC_NOTHING },
                { RTM_NEWTFILTER, 7, 1, 0x00010000, BW_TC_NOTHING },
                { RTM_NEWTFILTER, BLOCK, 1, 22, BW_TC_SHARED },
                { RTM_DELTFILTER, 7, 1, INGRESS, BW_TC_LEFT },
                { RTM_DELTFILTER, 7, 0, EGRESS, BW_TC_LEFT },
                { RTM_DELTFILTER, 7, 1, 0x00010000, BW_TC_NOTHING },
                { RTM_DELTFILTER, BLOCK, 0, 22, BW_TC_SHARED },
                { RTM_NEWTFILTER, 0, 1, INGRESS, BW_TC_NOTHING },
                { RTM_NEWTFILTER, -2, 1, INGRESS, BW_TC_NOTHING },
                { RTM_NEWTCLASS, 7, 1, INGRESS, BW_TC_NOTHING },
                { RTM_NEWLINK, 7, 1, INGRESS, BW_TC_NOTHING },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                const struct tcmsg header = { .tcm_ifindex = rows[i].ifindex,
                                              .tcm_handle = rows[i].handle,
                                              .tcm_parent = rows[i].parent };
                g_autoptr(Message) message = new_message(rows[i].type, &header, sizeof(header));
                int ifindex = -1;

                g_assert_cmpint(
                        bw_tc_news(nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len, &ifindex), ==,
                        rows[i].wanted);
                if (rows[i].wanted == BW_TC_NOTHING)
                        g_assert_cmpint(ifindex, ==, -1);
                else
                        g_assert_cmpint(ifindex, ==, rows[i].wanted == BW_TC_SHARED ? 0 : 7);
        }
}

/* Cut anywhere, whatever the header claims: nothing is read beyond the end; ASan watches. */
static void test_cut(void) {
        const struct tcmsg tc = { .tcm_ifindex = 7, .tcm_handle = 1, .tcm_parent = INGRESS };
        g_autoptr(Message) port = new_port("bridge", IFLA_BRPORT_STATE, 1, 3);
        g_autoptr(Message) filter = new_message(RTM_NEWTFILTER, &tc, sizeof(tc));
        Message *const messages[] = { port, filter };

        for (gsize i = 0; i < G_N_ELEMENTS(messages); i++)
                for (uint32_t length = 0; length < nlmsg_hdr(messages[i])->nlmsg_len; length++) {
                        g_autofree struct nlmsghdr *copy =
                                g_memdup2(nlmsg_hdr(messages[i]), length);
                        BwFact fact;
                        int ifindex;

                        g_assert_false(bw_netlink_decode(copy, length, &fact));
                        g_assert_cmpint(bw_netlink_decode_untold(copy, length), ==, 0);
                        g_assert_cmpint(bw_tc_news(copy, length, &ifindex), ==, BW_TC_NOTHING);
                        if (length < sizeof(*copy))
                                continue;
                        copy->nlmsg_len = length;
                        (void) bw_netlink_decode(copy, length, &fact);
                        (void) bw_netlink_decode_untold(copy, length);
                        g_assert_cmpint(bw_tc_news(copy, length, &ifindex), ==, BW_TC_NOTHING);
                }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/netlink_decode/kinds", test_kinds);
        g_test_add_func("/netlink_decode/card", test_card);
        g_test_add_func("/netlink_decode/open-vswitch", test_open_vswitch);
        g_test_add_func("/netlink_decode/other-end", test_other_end);
        g_test_add_func("/netlink_decode/port-flags", test_port_flags);
        g_test_add_func("/netlink_decode/port-state", test_port_state);
        g_test_add_func("/netlink_decode/bridge", test_bridge);
        g_test_add_func("/netlink_decode/xdp", test_xdp);
        g_test_add_func("/netlink_decode/nothing-makes-it-vanish", test_nothing_makes_it_vanish);
        g_test_add_func("/netlink_decode/untold", test_untold);
        g_test_add_func("/netlink_decode/fixed-entries", test_fixed_entries);
        g_test_add_func("/netlink_decode/tc-news", test_tc_news);
        g_test_add_func("/netlink_decode/cut", test_cut);
        return g_test_run();
}
