/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "netlink.h"
#include "nl_socket.h"

#include <bw/error.h>
#include <bw/netlink_decode.h>
#include <glib-unix.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct nl_sock Socket;
typedef struct nl_msg Message;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Socket, nl_socket_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, nlmsg_free)

/* Some thousand links' worth: a burst of guests must not overrun us while we write rules. */
#define RECEIVE_BUFFER (8 * 1024 * 1024)

/* So that a flood of news leaves the other sources of the loop their turn. */
#define MESSAGES_A_TURN 1000

/* The kernel answers at once; who waits longer waits for an answer that was lost. */
#define ANSWER_SECONDS 2

/* More learned addresses than this are not read at once. The kernel goes through its whole table
 * again for each piece of a dump, and a guest can make it learn millions. */
#define MOST_LEARNED 16384

/* A guest that makes us lose news of learned addresses costs us a dump no more often than that. */
#define RELEARN_SECONDS 10

/* A socket that news comes by. */
typedef struct Ear {
        Socket *socket;
        guint watch;
        bool overrun; /* news was lost; told when all that came before is read */
} Ear;

/* News of learned addresses, which any guest can make by the million, has a socket of its own and
 * is heard when nothing else is to be done: it must not delay news of a link, and not crowd it out.
 * The host's own IPv6 addresses are learned, too, where it listens to router advertisements. */
struct BwNetlink {
        BwFactSink sink;
        gpointer user;
        Ear links, learned;
        guint relearn_timer;
};

/* Errors */

static BwError reaction_to(int error) {
        switch (-error) {
        case NLE_PERM:
        case NLE_NOACCESS:
                return BW_ERROR_DENIED;
        case NLE_NODEV:
        case NLE_OBJ_NOTFOUND:
        case NLE_OPNOTSUPP: /* the link is no bridge (any more) */
                return BW_ERROR_ABSENT;
        case NLE_AGAIN: /* no answer came */
        case NLE_INTR:
        case NLE_NOMEM: /* ENOBUFS: the answer did not fit */
        case NLE_MSG_TRUNC:
        case NLE_SEQ_MISMATCH:
        case NLE_DUMP_INTR:
                return BW_ERROR_STALE;
        case NLE_BUSY:
                return BW_ERROR_BUSY;
        default:
                return BW_ERROR_BROKEN;
        }
}

static bool fail(GError **error, const char *what, int code) {
        g_set_error(error, BW_ERROR, reaction_to(code), "%s: %s", what, nl_geterror(code));
        return false;
}

/* Facts */

/* Only the kernel knows the world. */
static bool decode(Message *message, BwFact *ret) {
        struct nlmsghdr *header = nlmsg_hdr(message);

        return nlmsg_get_src(message)->nl_pid == 0 &&
               bw_netlink_decode(header, header->nlmsg_len, ret);
}

static void tell_source(const BwNetlink *netlink, BwFactKind kind) {
        const BwFact fact = { .kind = kind, .source = BW_SOURCE_NETLINK };

        netlink->sink(&fact, netlink->user);
}

/* Not all that changes is told. We ask on the socket the news comes by, so that the answer keeps
 * its place among it. When it cannot be asked, the next dump tells. */
static void ask_for_link(const BwNetlink *netlink, int ifindex) {
        struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };

        (void) nl_send_simple(netlink->links.socket, RTM_GETLINK, 0, &header, sizeof(header));
}

/* Questions and wishes: a socket for each, so that a late answer to one is never taken for the
 * answer to the next. */

static Socket *open_socket(GError **error) {
        g_autoptr(Socket) socket = nl_socket_alloc();
        int code;

        g_assert(socket);
        code = nl_connect(socket, NETLINK_ROUTE);
        if (code < 0)
                return fail(error, "open rtnetlink socket", code), NULL;
        return g_steal_pointer(&socket);
}

static Socket *open_question(GError **error) {
        const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
        g_autoptr(Socket) socket = open_socket(error);

        if (socket)
                (void) setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
                                  sizeof(patience));
        return g_steal_pointer(&socket);
}

typedef struct Dump {
        const BwNetlink *netlink;
        unsigned left; /* so many more are wanted */
        bool is_torn;
} Dump;

/* A snapshot names what is: a neighbour that could not be reached is no part of it. */
static int on_dumped(Message *message, void *pointer) {
        Dump *dump = pointer;
        BwFact fact;

        if (dump->left-- == 0)
                return NL_STOP;
        if (decode(message, &fact) && fact.kind != BW_FACT_NEIGHBOUR_GONE)
                dump->netlink->sink(&fact, dump->netlink->user);
        return NL_OK;
}

/* The kernel can give up in the middle; the number behind the end says so. */
static int on_dump_end(Message *message, void *pointer) {
        struct nlmsghdr *header = nlmsg_hdr(message);
        Dump *dump = pointer;

        if (nlmsg_datalen(header) >= (int) sizeof(int) && *(const int *) nlmsg_data(header) < 0)
                dump->is_torn = true;
        return NL_OK;
}

static bool read_all(const BwNetlink *netlink, const char *what, int type, void *header,
                     size_t length, GError **error) {
        g_autoptr(Socket) socket = open_question(error);
        Dump dump = { .netlink = netlink, .left = type == RTM_GETNEIGH ? MOST_LEARNED : G_MAXUINT };
        int code;

        if (!socket)
                return false;
        nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_dumped, &dump);
        nl_socket_modify_cb(socket, NL_CB_FINISH, NL_CB_CUSTOM, on_dump_end, &dump);
        code = nl_send_simple(socket, type, NLM_F_DUMP, header, length);
        if (code >= 0)
                code = nl_recvmsgs_default(socket);
        if (code >= 0 && dump.is_torn)
                code = -NLE_DUMP_INTR;
        return code >= 0 || fail(error, what, code);
}

static bool dump_neighbours(const BwNetlink *netlink, const char *what, uint8_t family,
                            GError **error) {
        struct ndmsg header = { .ndm_family = family };

        return read_all(netlink, what, RTM_GETNEIGH, &header, sizeof(header), error);
}

bool bw_netlink_dump(BwNetlink *netlink, GError **error) {
        struct ifinfomsg links = { .ifi_family = AF_UNSPEC };
        struct ifaddrmsg addresses = { .ifa_family = AF_UNSPEC };

        tell_source(netlink, BW_FACT_SNAPSHOT_BEGIN);
        if (!read_all(netlink, "dump links", RTM_GETLINK, &links, sizeof(links), error) ||
            !read_all(netlink, "dump addresses", RTM_GETADDR, &addresses, sizeof(addresses),
                      error) ||
            !dump_neighbours(netlink, "dump forwarding table", AF_BRIDGE, error) ||
            !dump_neighbours(netlink, "dump neighbours", AF_UNSPEC, error))
                return false;
        tell_source(netlink, BW_FACT_SNAPSHOT_END);
        return true;
}

static int put_option(Message *message, unsigned option, bool on) {
        const struct br_boolopt_multi options = { .optval = on ? 1u << option : 0,
                                                  .optmask = 1u << option };

        return nla_put(message, IFLA_BR_MULTI_BOOLOPT, sizeof(options), &options);
}

static int put_switch(Message *message, BwBridgeSwitch kind, bool on) {
        switch (kind) {
        case BW_SWITCH_NF_CALL_IPTABLES:
                return nla_put_u8(message, IFLA_BR_NF_CALL_IPTABLES, on);
        case BW_SWITCH_NF_CALL_IP6TABLES:
                return nla_put_u8(message, IFLA_BR_NF_CALL_IP6TABLES, on);
        case BW_SWITCH_NO_LINKLOCAL_LEARN:
                return put_option(message, BR_BOOLOPT_NO_LL_LEARN, on);
        }
        g_assert_not_reached();
}

static Message *build_wish(int bridge, BwBridgeSwitch kind, bool on) {
        struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = bridge };
        Message *message = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);
        struct nlattr *outer, *inner;
        int code;

        g_assert(message);
        code = nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
        outer = nla_nest_start(message, IFLA_LINKINFO);
        code |= nla_put_string(message, IFLA_INFO_KIND, "bridge");
        inner = nla_nest_start(message, IFLA_INFO_DATA);
        code |= put_switch(message, kind, on);
        /* A fresh message holds a page; these few bytes always fit. */
        g_assert(code == 0 && outer && inner);
        nla_nest_end(message, inner);
        nla_nest_end(message, outer);
        return message;
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
        g_autoptr(Message) message = build_wish(bridge, kind, on);
        g_autoptr(Socket) socket = open_question(error);
        int code;

        if (!socket)
                return false;
        code = nl_send_auto(socket, message);
        if (code >= 0)
                code = nl_wait_for_ack(socket);
        if (code < 0)
                return fail(error, what, code);
        /* Of a bridge that is down there is no news. */
        ask_for_link(netlink, bridge);
        if (!on || is_heard(kind))
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                    "%s: set, but without effect until br_netfilter is loaded", what);
        return false;
}

/* News */

/* The end of a pair that is made first is told before the other is there, and not again after. */
static bool is_half_told(const BwNetlink *netlink, Message *message, const BwFact *fact) {
        return fact->kind == BW_FACT_LINK && fact->link.kind == BW_LINK_VETH &&
               fact->link.peer == 0 &&
               nlmsg_hdr(message)->nlmsg_pid != nl_socket_get_local_port(netlink->links.socket);
}

static int on_told(Message *message, void *pointer) {
        const BwNetlink *netlink = pointer;
        BwFact fact;

        if (!decode(message, &fact))
                return NL_SKIP;
        netlink->sink(&fact, netlink->user);
        if (is_half_told(netlink, message, &fact))
                ask_for_link(netlink, fact.link.ifindex);
        return NL_OK;
}

/* Reads a turn's worth. Whether news was lost, and all that came before is read: until the buffer
 * is empty the kernel throws all further news away without a word, so a dump that came sooner could
 * miss some for good. */
static bool hear(Ear *ear) {
        int code = 0;

        for (unsigned i = 0; i < MESSAGES_A_TURN && code != -NLE_AGAIN; i++) {
                code = nl_recvmsgs_default(ear->socket);
                if (code == -NLE_NOMEM)
                        ear->overrun = true;
        }
        if (!ear->overrun || !bw_nl_socket_is_drained(nl_socket_get_fd(ear->socket)))
                return false;
        ear->overrun = false;
        return true;
}

static gboolean on_links(G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
                         gpointer pointer) {
        BwNetlink *netlink = pointer;

        if (hear(&netlink->links))
                tell_source(netlink, BW_FACT_OVERRUN);
        return G_SOURCE_CONTINUE;
}

static gboolean on_relearn_timer(gpointer pointer) {
        BwNetlink *netlink = pointer;

        netlink->relearn_timer = 0;
        tell_source(netlink, BW_FACT_OVERRUN);
        return G_SOURCE_REMOVE;
}

static gboolean on_learned(G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
                           gpointer pointer) {
        BwNetlink *netlink = pointer;

        if (hear(&netlink->learned) && !netlink->relearn_timer)
                netlink->relearn_timer =
                        g_timeout_add_seconds(RELEARN_SECONDS, on_relearn_timer, netlink);
        return G_SOURCE_CONTINUE;
}

/* @other: a second group, or 0. */
static Socket *open_news(BwNetlink *netlink, int group, int other, GError **error) {
        g_autoptr(Socket) socket = open_socket(error);
        int code;

        if (!socket)
                return NULL;
        bw_nl_socket_set_buffer(nl_socket_get_fd(socket), RECEIVE_BUFFER);
        nl_socket_disable_seq_check(socket);
        nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_told, netlink);
        code = nl_socket_set_nonblocking(socket);
        if (code >= 0)
                code = nl_socket_add_memberships(socket, group, other, 0);
        if (code < 0)
                return fail(error, "join rtnetlink groups", code), NULL;
        return g_steal_pointer(&socket);
}

static void close_ear(Ear *ear) {
        g_clear_handle_id(&ear->watch, g_source_remove);
        nl_socket_free(ear->socket);
}

BwNetlink *bw_netlink_new(BwFactSink sink, gpointer user, GError **error) {
        g_autoptr(BwNetlink) netlink = g_new0(BwNetlink, 1);

        netlink->sink = sink;
        netlink->user = user;
        netlink->links.socket = open_news(netlink, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, error);
        if (!netlink->links.socket)
                return NULL;
        netlink->learned.socket = open_news(netlink, RTNLGRP_NEIGH, RTNLGRP_IPV6_IFADDR, error);
        if (!netlink->learned.socket)
                return NULL;
        netlink->links.watch =
                g_unix_fd_add(nl_socket_get_fd(netlink->links.socket), G_IO_IN, on_links, netlink);
        netlink->learned.watch = g_unix_fd_add_full(G_PRIORITY_DEFAULT_IDLE,
                                                    nl_socket_get_fd(netlink->learned.socket),
                                                    G_IO_IN, on_learned, netlink, NULL);
        return g_steal_pointer(&netlink);
}

void bw_netlink_free(BwNetlink *netlink) {
        if (!netlink)
                return;
        g_clear_handle_id(&netlink->relearn_timer, g_source_remove);
        close_ear(&netlink->links);
        close_ear(&netlink->learned);
        g_free(netlink);
}
