/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "netlink.h"
#include "netlink_question.h"

#include <bw/error.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <sys/socket.h>
#include <unistd.h>

/* A fresh message holds a page; the few bytes of a wish always fit. */

static Message *new_wish(int type, int flags, const void *header, gsize length) {
        Message *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
        int code;

        g_assert(message);
        code = nlmsg_append(message, (void *) header, length, NLMSG_ALIGNTO);
        g_assert(code == 0);
        return message;
}

static struct nlattr *begin_nest(Message *message, int type) {
        struct nlattr *nest = nla_nest_start(message, type | NLA_F_NESTED);

        g_assert(nest);
        return nest;
}

static void put(Message *message, int type, const void *bytes, int size) {
        int code = nla_put(message, type, size, bytes);

        g_assert(code == 0);
}

static void put_u8(Message *message, int type, uint8_t number) {
        put(message, type, &number, sizeof(number));
}

static void put_u32(Message *message, int type, uint32_t number) {
        put(message, type, &number, sizeof(number));
}

/* Bridges */

static void put_option(Message *message, unsigned option, bool on) {
        const struct br_boolopt_multi options = { .optval = on ? 1u << option : 0,
                                                  .optmask = 1u << option };

        put(message, IFLA_BR_MULTI_BOOLOPT, &options, sizeof(options));
}

static void put_switch(Message *message, BwBridgeSwitch kind, bool on) {
        switch (kind) {
        case BW_SWITCH_NF_CALL_IPTABLES:
                put_u8(message, IFLA_BR_NF_CALL_IPTABLES, on);
                return;
        case BW_SWITCH_NF_CALL_IP6TABLES:
                put_u8(message, IFLA_BR_NF_CALL_IP6TABLES, on);
                return;
        case BW_SWITCH_NO_LINKLOCAL_LEARN:
                put_option(message, BR_BOOLOPT_NO_LL_LEARN, on);
                return;
        }
        g_assert_not_reached();
}

typedef struct BridgeWish {
        Message *message;
        struct nlattr *outer, *inner;
} BridgeWish;

static BridgeWish begin_bridge(int bridge) {
        const struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = bridge };
        BridgeWish wish = { .message = new_wish(RTM_NEWLINK, 0, &header, sizeof(header)) };

        wish.outer = begin_nest(wish.message, IFLA_LINKINFO);
        put(wish.message, IFLA_INFO_KIND, "bridge", sizeof("bridge"));
        wish.inner = begin_nest(wish.message, IFLA_INFO_DATA);
        return wish;
}

/* Of a bridge that is down there is no news, so it is asked for. */
static bool send_bridge(BwNetlink *netlink, int bridge, BridgeWish *wish, const char *what,
                        GError **error) {
        g_autoptr(Message) message = wish->message;

        nla_nest_end(message, wish->inner);
        nla_nest_end(message, wish->outer);
        if (!bw_netlink_wish(message, what, error))
                return false;
        bw_netlink_look_at(netlink, bridge);
        return true;
}

/* The attribute is kept by a kernel without br_netfilter too, but nothing looks at it then. */
static bool is_heard(BwBridgeSwitch kind) {
        if (!bw_bridge_switch_feeds(kind, BW_ENGINE_IPTABLES))
                return true;
        return access("/proc/sys/net/bridge", F_OK) == 0 || access("/proc/sys/net", F_OK) != 0;
}

bool bw_netlink_set_switch(BwNetlink *netlink, int bridge, BwBridgeSwitch kind, bool on,
                           GError **error) {
        g_autofree char *what =
                g_strdup_printf("set %s of bridge %d", bw_bridge_switch_name(kind), bridge);
        BridgeWish wish = begin_bridge(bridge);

        put_switch(wish.message, kind, on);
        if (!send_bridge(netlink, bridge, &wish, what, error))
                return false;
        if (!on || is_heard(kind))
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                    "%s: set, but without effect until br_netfilter is loaded", what);
        return false;
}

static bool set_number(BwNetlink *netlink, int bridge, int attribute, uint32_t number,
                       const char *name, GError **error) {
        g_autofree char *what = g_strdup_printf("set %s of bridge %d", name, bridge);
        BridgeWish wish = begin_bridge(bridge);

        put_u32(wish.message, attribute, number);
        return send_bridge(netlink, bridge, &wish, what, error);
}

bool bw_netlink_set_ageing(BwNetlink *netlink, int bridge, uint32_t centiseconds, GError **error) {
        return set_number(netlink, bridge, IFLA_BR_AGEING_TIME, centiseconds, "ageing time", error);
}

bool bw_netlink_set_stp(BwNetlink *netlink, int bridge, bool on, GError **error) {
        return set_number(netlink, bridge, IFLA_BR_STP_STATE, on, "spanning tree", error);
}

/* Links */

bool bw_netlink_set_promiscuous(BwNetlink *netlink, int link, bool on, GError **error) {
        const struct ifinfomsg header = { .ifi_family = AF_UNSPEC,
                                          .ifi_index = link,
                                          .ifi_flags = on ? IFF_PROMISC : 0,
                                          .ifi_change = IFF_PROMISC };
        g_autofree char *what = g_strdup_printf("set promiscuous mode of link %d", link);
        g_autoptr(Message) message = new_wish(RTM_NEWLINK, 0, &header, sizeof(header));

        if (!bw_netlink_wish(message, what, error))
                return false;
        bw_netlink_look_at(netlink, link);
        return true;
}

/* Ports */

static int attribute_of(BwPortFlag flag) {
        switch (flag) {
        case BW_FLAG_LEARNING:
                return IFLA_BRPORT_LEARNING;
        case BW_FLAG_UNICAST_FLOOD:
                return IFLA_BRPORT_UNICAST_FLOOD;
        case BW_FLAG_LOCKED:
                return IFLA_BRPORT_LOCKED;
        case BW_FLAG_ISOLATED:
                return IFLA_BRPORT_ISOLATED;
        case BW_FLAG_BPDU_GUARD:
                return IFLA_BRPORT_GUARD;
        case BW_FLAG_HAIRPIN:
                return IFLA_BRPORT_MODE;
        }
        g_assert_not_reached();
}

bool bw_netlink_set_port_flags(BwNetlink *netlink, int port, unsigned mask, unsigned on,
                               GError **error) {
        const struct ifinfomsg header = { .ifi_family = AF_BRIDGE, .ifi_index = port };
        g_autofree char *what = g_strdup_printf("set flags of port %d", port);
        g_autoptr(Message) message = new_wish(RTM_SETLINK, 0, &header, sizeof(header));
        struct nlattr *nest = begin_nest(message, IFLA_PROTINFO);

        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++)
                if (mask & BW_FLAG_BIT(flag))
                        put_u8(message, attribute_of(flag), (on & BW_FLAG_BIT(flag)) != 0);
        /* What it has learned until now would pass the lock until it has aged. */
        if (mask & on & BW_FLAG_BIT(BW_FLAG_LOCKED))
                put(message, IFLA_BRPORT_FLUSH, NULL, 0);
        nla_nest_end(message, nest);
        if (!bw_netlink_wish(message, what, error))
                return false;
        bw_netlink_look_at(netlink, port);
        return true;
}

/* Forwarding table */

static bool wish_fdb(int type, int flags, int port, const BwMac *mac, const char *verb,
                     GError **error) {
        /* Without it (Linux 4.20) a fixed entry does not age, but still goes to any port that
         * learns. */
        const uint8_t sticky = type == RTM_NEWNEIGH ? NTF_STICKY : 0;
        const struct ndmsg header = { .ndm_family = AF_BRIDGE,
                                      .ndm_ifindex = port,
                                      .ndm_state = NUD_NOARP,
                                      .ndm_flags = NTF_MASTER | sticky };
        char text[BW_MAC_TEXT_SIZE];
        g_autofree char *what =
                g_strdup_printf("%s %s at port %d", verb, bw_mac_print(mac, text), port);
        g_autoptr(Message) message = new_wish(type, flags, &header, sizeof(header));

        put(message, NDA_LLADDR, mac->octet, sizeof(mac->octet));
        return bw_netlink_wish(message, what, error);
}

bool bw_netlink_fix_fdb(G_GNUC_UNUSED BwNetlink *netlink, int port, const BwMac *mac,
                        GError **error) {
        return wish_fdb(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, port, mac, "fix", error);
}

bool bw_netlink_release_fdb(G_GNUC_UNUSED BwNetlink *netlink, int port, const BwMac *mac,
                            GError **error) {
        return wish_fdb(RTM_DELNEIGH, 0, port, mac, "release", error);
}

/* Neighbours */

static Message *build_neighbour(int type, int flags, const BwNeighbour *neighbour) {
        const BwPrefix *address = &neighbour->address;
        bool is_ipv4 = address->family == BW_FAMILY_IPV4;
        const struct ndmsg header = { .ndm_family = is_ipv4 ? AF_INET : AF_INET6,
                                      .ndm_ifindex = neighbour->ifindex,
                                      .ndm_state = NUD_PERMANENT };
        Message *message = new_wish(type, flags, &header, sizeof(header));

        put(message, NDA_DST, address->bytes, is_ipv4 ? 4 : 16);
        return message;
}

bool bw_netlink_pin_neighbour(G_GNUC_UNUSED BwNetlink *netlink, const BwNeighbour *neighbour,
                              bool replaces, GError **error) {
        g_autofree char *address = bw_prefix_print(&neighbour->address);
        g_autofree char *what =
                g_strdup_printf("pin neighbour %s of link %d", address, neighbour->ifindex);
        g_autoptr(Message) message = build_neighbour(
                RTM_NEWNEIGH, NLM_F_CREATE | (replaces ? NLM_F_REPLACE : NLM_F_EXCL), neighbour);

        put(message, NDA_LLADDR, neighbour->mac.octet, sizeof(neighbour->mac.octet));
        return bw_netlink_wish(message, what, error);
}

bool bw_netlink_unpin_neighbour(G_GNUC_UNUSED BwNetlink *netlink, const BwNeighbour *neighbour,
                                GError **error) {
        g_autofree char *address = bw_prefix_print(&neighbour->address);
        g_autofree char *what =
                g_strdup_printf("unpin neighbour %s of link %d", address, neighbour->ifindex);
        g_autoptr(Message) message = build_neighbour(RTM_DELNEIGH, 0, neighbour);

        return bw_netlink_wish(message, what, error);
}
