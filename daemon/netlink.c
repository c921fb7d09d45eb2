/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "netlink.h"
#include "netlink_filters.h"
#include "netlink_question.h"
#include "nl_socket.h"

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

/* Some thousand links' worth: a burst of guests must not overrun us while we write rules. */
#define RECEIVE_BUFFER (8 * 1024 * 1024)

/* So that a flood of news leaves the other sources of the loop their turn. */
#define MESSAGES_A_TURN 250

/* The answers have to fit into the socket beside the news, even where its buffer may not grow. */
#define QUESTIONS_A_TURN 32

/* More learned addresses than this are not read at once. The kernel goes through its whole table
 * again for each piece of a dump, and a guest can make it learn millions. */
#define MOST_LEARNED 16384

/* A guest that makes us lose news of learned addresses costs us a dump no more often than that. */
#define RELEARN_SECONDS 10

/* When a link is asked again for its tc filters, after a question that had no answer. */
#define ASK_AGAIN_SECONDS 5

/* How often a bridge is asked whether its change of topology is over. */
#define PASSING_SECONDS 5

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
        BwNetlinkFilters *filters;
        guint unanswered_timer;
        GHashTable *passing; /* ifindex: bridges whose state passes without news */
        guint passing_timer;
        GHashTable *untold; /* ifindex: links to be asked for when this turn's news is read */
};

/* Facts */

/* Only the kernel knows the world. */
static bool decode(Message *message, BwFact *ret) {
        struct nlmsghdr *header = nlmsg_hdr(message);

        return nlmsg_get_src(message)->nl_pid == 0 &&
               bw_netlink_decode(header, header->nlmsg_len, ret);
}

/* We ask on the socket the news comes by, so that the answer keeps its place among it. When it
 * cannot be asked, the next dump tells. */
void bw_netlink_look_at(BwNetlink *netlink, int ifindex) {
        struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };

        (void) nl_send_simple(netlink->links.socket, RTM_GETLINK, 0, &header, sizeof(header));
}

static gboolean on_passing_timer(gpointer pointer) {
        BwNetlink *netlink = pointer;
        GHashTableIter iter;
        gpointer ifindex;

        netlink->passing_timer = 0;
        g_hash_table_iter_init(&iter, netlink->passing);
        while (g_hash_table_iter_next(&iter, &ifindex, NULL))
                bw_netlink_look_at(netlink, GPOINTER_TO_INT(ifindex));
        g_hash_table_remove_all(netlink->passing);
        return G_SOURCE_REMOVE;
}

/* The end of a change of topology is not told. */
static void note_passing(BwNetlink *netlink, const BwLink *link) {
        if (!link->topology_change)
                return;
        g_hash_table_add(netlink->passing, GINT_TO_POINTER(link->ifindex));
        if (!netlink->passing_timer)
                netlink->passing_timer =
                        g_timeout_add_seconds(PASSING_SECONDS, on_passing_timer, netlink);
}

/* Messages about a link do not speak of its filters. */
static void tell(BwNetlink *netlink, BwFact *fact) {
        if (fact->kind == BW_FACT_LINK) {
                fact->link.filters = bw_netlink_filters_has(netlink->filters, fact->link.ifindex);
                note_passing(netlink, &fact->link);
        } else if (fact->kind == BW_FACT_LINK_GONE)
                bw_netlink_filters_forget(netlink->filters, fact->link.ifindex);
        netlink->sink(fact, netlink->user);
}

static void tell_source(const BwNetlink *netlink, BwFactKind kind) {
        const BwFact fact = { .kind = kind, .source = BW_SOURCE_NETLINK };

        netlink->sink(&fact, netlink->user);
}

/* What is asked */

static void settle_filters(BwNetlink *netlink);

/* Once for all the news of a turn, which often comes in threes. Each question has an answer, which
 * makes another turn for the rest of them. */
static void ask_for_untold(BwNetlink *netlink) {
        GHashTableIter iter;
        gpointer ifindex;

        g_hash_table_iter_init(&iter, netlink->untold);
        for (unsigned i = 0; i < QUESTIONS_A_TURN; i++) {
                if (!g_hash_table_iter_next(&iter, &ifindex, NULL))
                        return;
                bw_netlink_look_at(netlink, GPOINTER_TO_INT(ifindex));
                g_hash_table_iter_remove(&iter);
        }
}

static gboolean on_unanswered_timer(gpointer pointer) {
        BwNetlink *netlink = pointer;

        netlink->unanswered_timer = 0;
        bw_netlink_filters_doubt_unanswered(netlink->filters);
        settle_filters(netlink);
        ask_for_untold(netlink);
        return G_SOURCE_REMOVE;
}

static void watch_unanswered(BwNetlink *netlink) {
        if (bw_netlink_filters_is_unanswered(netlink->filters) && !netlink->unanswered_timer)
                netlink->unanswered_timer =
                        g_timeout_add_seconds(ASK_AGAIN_SECONDS, on_unanswered_timer, netlink);
}

static void settle_filters(BwNetlink *netlink) {
        g_autoptr(GArray) links = bw_netlink_filters_settle(netlink->filters);

        for (guint i = 0; i < links->len; i++)
                g_hash_table_add(netlink->untold, GINT_TO_POINTER(g_array_index(links, int, i)));
        watch_unanswered(netlink);
}

/* Dumps */

typedef struct Dump {
        BwNetlink *netlink;
        unsigned left; /* so many more are wanted */
} Dump;

/* A snapshot names what is: a neighbour that could not be reached is no part of it. */
static bool on_dumped(Message *message, void *pointer) {
        Dump *dump = pointer;
        BwFact fact;

        if (dump->left-- == 0)
                return false;
        if (decode(message, &fact) && fact.kind != BW_FACT_NEIGHBOUR_GONE)
                tell(dump->netlink, &fact);
        return true;
}

static bool read_all(BwNetlink *netlink, const char *what, int type, const void *header,
                     size_t length, GError **error) {
        Dump dump = { .netlink = netlink, .left = type == RTM_GETNEIGH ? MOST_LEARNED : G_MAXUINT };

        return bw_netlink_read_all(what, type, header, length, on_dumped, &dump, error);
}

static bool dump_neighbours(BwNetlink *netlink, const char *what, uint8_t family, GError **error) {
        struct ndmsg header = { .ndm_family = family };

        return read_all(netlink, what, RTM_GETNEIGH, &header, sizeof(header), error);
}

bool bw_netlink_dump(BwNetlink *netlink, GError **error) {
        struct ifinfomsg links = { .ifi_family = AF_UNSPEC };
        struct ifaddrmsg addresses = { .ifa_family = AF_UNSPEC };

        tell_source(netlink, BW_FACT_SNAPSHOT_BEGIN);
        if (!bw_netlink_filters_dump(netlink->filters, error))
                return false;
        watch_unanswered(netlink);
        if (!read_all(netlink, "dump links", RTM_GETLINK, &links, sizeof(links), error) ||
            !read_all(netlink, "dump addresses", RTM_GETADDR, &addresses, sizeof(addresses),
                      error) ||
            !dump_neighbours(netlink, "dump forwarding table", AF_BRIDGE, error) ||
            !dump_neighbours(netlink, "dump neighbours", AF_UNSPEC, error))
                return false;
        tell_source(netlink, BW_FACT_SNAPSHOT_END);
        return true;
}

/* News */

static bool is_answer(const BwNetlink *netlink, Message *message) {
        return nlmsg_hdr(message)->nlmsg_pid == nl_socket_get_local_port(netlink->links.socket);
}

static void note_untold(const BwNetlink *netlink, Message *message) {
        struct nlmsghdr *header = nlmsg_hdr(message);
        int ifindex = 0;

        if (!is_answer(netlink, message))
                ifindex = bw_netlink_decode_untold(header, header->nlmsg_len);
        if (ifindex != 0)
                g_hash_table_add(netlink->untold, GINT_TO_POINTER(ifindex));
}

static int on_told(Message *message, void *pointer) {
        BwNetlink *netlink = pointer;
        BwFact fact;

        if (nlmsg_get_src(message)->nl_pid != 0)
                return NL_SKIP;
        note_untold(netlink, message);
        bw_netlink_filters_take(netlink->filters, message);
        if (decode(message, &fact))
                tell(netlink, &fact);
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

        if (hear(&netlink->links)) {
                /* The dump that follows answers them all. */
                g_hash_table_remove_all(netlink->untold);
                tell_source(netlink, BW_FACT_OVERRUN);
        }
        settle_filters(netlink);
        ask_for_untold(netlink);
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

static int join(Socket *socket, const int *groups) {
        int code = 0;

        for (; code >= 0 && *groups != RTNLGRP_NONE; groups++)
                code = nl_socket_add_membership(socket, *groups);
        return code;
}

static Socket *open_news(BwNetlink *netlink, const int *groups, GError **error) {
        g_autoptr(Socket) socket = bw_netlink_open(error);
        int code;

        if (!socket)
                return NULL;
        bw_nl_socket_set_buffer(nl_socket_get_fd(socket), RECEIVE_BUFFER);
        nl_socket_disable_seq_check(socket);
        nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_told, netlink);
        code = nl_socket_set_nonblocking(socket);
        if (code >= 0)
                code = join(socket, groups);
        if (code < 0)
                return bw_netlink_fail(error, "join rtnetlink groups", code), NULL;
        return g_steal_pointer(&socket);
}

static void close_ear(Ear *ear) {
        g_clear_handle_id(&ear->watch, g_source_remove);
        nl_socket_free(ear->socket);
}

BwNetlink *bw_netlink_new(BwFactSink sink, gpointer user, GError **error) {
        static const int of_links[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_TC,
                                        RTNLGRP_NONE };
        static const int of_learned[] = { RTNLGRP_NEIGH, RTNLGRP_IPV6_IFADDR, RTNLGRP_NONE };
        g_autoptr(BwNetlink) netlink = g_new0(BwNetlink, 1);

        netlink->sink = sink;
        netlink->user = user;
        netlink->untold = g_hash_table_new(NULL, NULL);
        netlink->filters = bw_netlink_filters_new();
        netlink->passing = g_hash_table_new(NULL, NULL);
        netlink->links.socket = open_news(netlink, of_links, error);
        if (!netlink->links.socket)
                return NULL;
        netlink->learned.socket = open_news(netlink, of_learned, error);
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
        g_clear_handle_id(&netlink->passing_timer, g_source_remove);
        g_clear_handle_id(&netlink->unanswered_timer, g_source_remove);
        close_ear(&netlink->links);
        close_ear(&netlink->learned);
        g_hash_table_unref(netlink->untold);
        g_hash_table_unref(netlink->passing);
        bw_netlink_filters_free(netlink->filters);
        g_free(netlink);
}
