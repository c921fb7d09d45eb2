/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "stage_link.h"

#include <bw/error.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

typedef struct nl_msg Message;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, nlmsg_free)

struct BwStageLink {
        struct nl_sock *socket;
};

static BwError reaction_to(int code) {
        switch (-code) {
        case NLE_PERM:
        case NLE_NOACCESS:
                return BW_ERROR_DENIED;
        case NLE_NODEV:
        case NLE_OBJ_NOTFOUND:
        case NLE_OPNOTSUPP:
                return BW_ERROR_ABSENT;
        default:
                return BW_ERROR_BROKEN;
        }
}

static bool fail(GError **error, const char *what, const char *name, int code) {
        g_set_error(error, BW_ERROR, reaction_to(code), "%s %s: %s", what, name, nl_geterror(code));
        return false;
}

BwStageLink *bw_stage_link_new(GError **error) {
        g_autoptr(BwStageLink) links = g_new0(BwStageLink, 1);
        int code;

        links->socket = nl_socket_alloc();
        code = nl_connect(links->socket, NETLINK_ROUTE);
        if (code < 0)
                return fail(error, "open", "rtnetlink", code), NULL;
        return g_steal_pointer(&links);
}

void bw_stage_link_free(BwStageLink *links) {
        if (!links)
                return;
        nl_socket_free(links->socket);
        g_free(links);
}

/* Messages. Out of memory ends the process, as glib has it. */

static Message *message_new(int type, int flags, const void *header, gsize length) {
        Message *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
        int code;

        g_assert(message);
        code = nlmsg_append(message, (void *) header, length, NLMSG_ALIGNTO);
        g_assert(code == 0);
        return message;
}

/* Waits for the kernel's answer, which comes at once. */
static bool ask(BwStageLink *links, Message *message, const char *what, const char *name,
                GError **error) {
        int code = nl_send_auto(links->socket, message);

        if (code >= 0)
                code = nl_wait_for_ack(links->socket);
        return code >= 0 || fail(error, what, name, code);
}

static struct nlattr *open_nest(Message *message, int type) {
        struct nlattr *nest = nla_nest_start(message, type);

        g_assert(nest);
        return nest;
}

static void open_kind(Message *message, const char *kind, struct nlattr *nests[static 2]) {
        nests[0] = open_nest(message, IFLA_LINKINFO);
        nla_put_string(message, IFLA_INFO_KIND, kind);
        nests[1] = open_nest(message, IFLA_INFO_DATA);
}

static void close_kind(Message *message, struct nlattr *nests[static 2]) {
        nla_nest_end(message, nests[1]);
        nla_nest_end(message, nests[0]);
}

static Message *new_link(const char *name) {
        struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
        Message *message =
                message_new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));

        nla_put_string(message, IFLA_IFNAME, name);
        return message;
}

static Message *known_link(const char *name, unsigned flags) {
        struct ifinfomsg header = { .ifi_family = AF_UNSPEC,
                                    .ifi_index = (int) if_nametoindex(name),
                                    .ifi_flags = flags,
                                    .ifi_change = flags };

        return message_new(RTM_NEWLINK, 0, &header, sizeof(header));
}

bool bw_stage_link_add_bridge(BwStageLink *links, const char *name, GError **error) {
        g_autoptr(Message) message = new_link(name);
        struct nlattr *nests[2];

        open_kind(message, "bridge", nests);
        nla_put_u8(message, IFLA_BR_MCAST_SNOOPING, 0);
        close_kind(message, nests);
        return ask(links, message, "make the bridge", name, error) &&
               bw_stage_link_raise(links, name, NULL, error);
}

bool bw_stage_link_add_pair(BwStageLink *links, const char *name, const char *peer,
                            GError **error) {
        g_autoptr(Message) message = new_link(name);
        struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
        struct nlattr *nests[2], *end;

        open_kind(message, "veth", nests);
        end = open_nest(message, VETH_INFO_PEER);
        nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
        nla_put_string(message, IFLA_IFNAME, peer);
        nla_nest_end(message, end);
        close_kind(message, nests);
        return ask(links, message, "make the pair", name, error);
}

/* Before it is up: a link that comes up without this asks the neighbours for its address. A kernel
 * without IPv6 has nothing to silence. */
static bool silence(BwStageLink *links, const char *name, GError **error) {
        g_autoptr(Message) message = known_link(name, 0);
        struct nlattr *families = open_nest(message, IFLA_AF_SPEC);
        struct nlattr *ipv6 = open_nest(message, AF_INET6);
        g_autoptr(GError) refusal = NULL;

        nla_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
        nla_nest_end(message, ipv6);
        nla_nest_end(message, families);
        if (ask(links, message, "silence", name, &refusal) ||
            g_error_matches(refusal, BW_ERROR, BW_ERROR_ABSENT))
                return true;
        g_propagate_error(error, g_steal_pointer(&refusal));
        return false;
}

bool bw_stage_link_raise(BwStageLink *links, const char *name, const char *bridge, GError **error) {
        g_autoptr(Message) message = known_link(name, IFF_UP);

        if (bridge)
                nla_put_u32(message, IFLA_MASTER, if_nametoindex(bridge));
        return silence(links, name, error) && ask(links, message, "set up", name, error);
}

static bool set_bridge(BwStageLink *links, const char *bridge, Message *message, GError **error) {
        return ask(links, message, "set an option of", bridge, error);
}

bool bw_stage_link_set_ageing(BwStageLink *links, const char *bridge, uint32_t centiseconds,
                              GError **error) {
        g_autoptr(Message) message = known_link(bridge, 0);
        struct nlattr *nests[2];

        open_kind(message, "bridge", nests);
        nla_put_u32(message, IFLA_BR_AGEING_TIME, centiseconds);
        close_kind(message, nests);
        return set_bridge(links, bridge, message, error);
}

bool bw_stage_link_set_nf_call(BwStageLink *links, const char *bridge, bool on, GError **error) {
        g_autoptr(Message) message = known_link(bridge, 0);
        struct nlattr *nests[2];

        open_kind(message, "bridge", nests);
        nla_put_u8(message, IFLA_BR_NF_CALL_IPTABLES, on);
        nla_put_u8(message, IFLA_BR_NF_CALL_IP6TABLES, on);
        close_kind(message, nests);
        return set_bridge(links, bridge, message, error);
}

bool bw_stage_link_set_no_linklocal_learn(BwStageLink *links, const char *bridge, bool on,
                                          GError **error) {
        g_autoptr(Message) message = known_link(bridge, 0);
        struct br_boolopt_multi options = { .optval = on ? 1u << BR_BOOLOPT_NO_LL_LEARN : 0,
                                            .optmask = 1u << BR_BOOLOPT_NO_LL_LEARN };
        struct nlattr *nests[2];

        open_kind(message, "bridge", nests);
        nla_put(message, IFLA_BR_MULTI_BOOLOPT, sizeof(options), &options);
        close_kind(message, nests);
        return set_bridge(links, bridge, message, error);
}

/* Whether iptables and ip6tables are fed */

typedef struct Fed {
        bool known, ipv4, ipv6;
} Fed;

static int look_at_bridge(Message *message, void *pointer) {
        Fed *fed = pointer;
        struct nlattr *attrs[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *data[IFLA_BR_MAX + 1];

        if (nlmsg_parse(nlmsg_hdr(message), sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL) < 0 ||
            !attrs[IFLA_LINKINFO] ||
            nla_parse_nested(info, IFLA_INFO_MAX, attrs[IFLA_LINKINFO], NULL) < 0 ||
            !info[IFLA_INFO_KIND] || strcmp(nla_get_string(info[IFLA_INFO_KIND]), "bridge") != 0 ||
            !info[IFLA_INFO_DATA] ||
            nla_parse_nested(data, IFLA_BR_MAX, info[IFLA_INFO_DATA], NULL) < 0)
                return NL_OK;
        fed->known = true;
        fed->ipv4 = data[IFLA_BR_NF_CALL_IPTABLES] && nla_get_u8(data[IFLA_BR_NF_CALL_IPTABLES]);
        fed->ipv6 = data[IFLA_BR_NF_CALL_IP6TABLES] && nla_get_u8(data[IFLA_BR_NF_CALL_IP6TABLES]);
        return NL_OK;
}

bool bw_stage_link_get_nf_call(BwStageLink *links, const char *bridge, bool *ret_ipv4,
                               bool *ret_ipv6, GError **error) {
        struct ifinfomsg header = { .ifi_family = AF_UNSPEC,
                                    .ifi_index = (int) if_nametoindex(bridge) };
        g_autoptr(Message) message = message_new(RTM_GETLINK, NLM_F_ACK, &header, sizeof(header));
        Fed fed = {};
        int code = header.ifi_index ? 0 : -NLE_NODEV;

        nl_socket_modify_cb(links->socket, NL_CB_VALID, NL_CB_CUSTOM, look_at_bridge, &fed);
        if (code >= 0)
                code = nl_send_auto(links->socket, message);
        if (code >= 0)
                code = nl_wait_for_ack(links->socket);
        nl_socket_modify_cb(links->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
        if (code < 0 || !fed.known)
                return fail(error, "read the options of bridge", bridge,
                            code < 0 ? code : -NLE_NODEV);
        *ret_ipv4 = fed.ipv4;
        *ret_ipv6 = fed.ipv6;
        return true;
}

/* FDB */

typedef struct Search {
        BwMac mac;
        int bridge, port;
} Search;

static int look_at(Message *message, void *pointer) {
        Search *search = pointer;
        struct nlmsghdr *header = nlmsg_hdr(message);
        const struct ndmsg *entry = nlmsg_data(header);
        struct nlattr *attrs[NDA_MAX + 1];

        if (header->nlmsg_type != RTM_NEWNEIGH ||
            nlmsg_parse(header, sizeof(*entry), attrs, NDA_MAX, NULL) < 0)
                return NL_SKIP;
        if (!attrs[NDA_LLADDR] || nla_len(attrs[NDA_LLADDR]) != sizeof(BwMac) ||
            memcmp(nla_data(attrs[NDA_LLADDR]), search->mac.octet, sizeof(BwMac)) != 0)
                return NL_OK;
        if (attrs[NDA_MASTER] && nla_get_u32(attrs[NDA_MASTER]) == (uint32_t) search->bridge &&
            !(entry->ndm_state & NUD_PERMANENT))
                search->port = entry->ndm_ifindex;
        return NL_OK;
}

bool bw_stage_link_find_mac(BwStageLink *links, const char *bridge, const BwMac *mac, int *ret_port,
                            GError **error) {
        Search search = { *mac, (int) if_nametoindex(bridge), 0 };
        struct ndmsg header = { .ndm_family = AF_BRIDGE };
        g_autoptr(Message) message = message_new(RTM_GETNEIGH, NLM_F_DUMP, &header, sizeof(header));
        int code;

        nl_socket_modify_cb(links->socket, NL_CB_VALID, NL_CB_CUSTOM, look_at, &search);
        code = nl_send_auto(links->socket, message);
        if (code >= 0)
                code = nl_recvmsgs_default(links->socket);
        nl_socket_modify_cb(links->socket, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
        if (code < 0)
                return fail(error, "read the FDB of", bridge, code);
        *ret_port = search.port;
        return true;
}

bool bw_stage_link_flush(BwStageLink *links, const char *bridge, GError **error) {
        g_autoptr(Message) message = known_link(bridge, 0);
        struct nlattr *nests[2];

        open_kind(message, "bridge", nests);
        nla_put_flag(message, IFLA_BR_FDB_FLUSH);
        close_kind(message, nests);
        return set_bridge(links, bridge, message, error);
}

bool bw_stage_link_teach(BwStageLink *links, const char *port, const BwMac *mac, GError **error) {
        struct ndmsg header = { .ndm_family = AF_BRIDGE,
                                .ndm_ifindex = (int) if_nametoindex(port),
                                .ndm_state = NUD_REACHABLE,
                                .ndm_flags = NTF_MASTER };
        g_autoptr(Message) message =
                message_new(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));

        nla_put(message, NDA_LLADDR, sizeof(mac->octet), mac->octet);
        return ask(links, message, "teach the bridge of", port, error);
}
