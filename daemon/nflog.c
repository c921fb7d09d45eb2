/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nflog.h"
#include "nl_socket.h"

#include <arpa/inet.h>
#include <bw/error.h>
#include <bw/priority.h>
#include <glib-unix.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netfilter/log.h>
#include <netlink/netfilter/nfnl.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>

typedef struct nl_sock Socket;
typedef struct nl_msg Message;
typedef struct nfnl_log Log;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Socket, nl_socket_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Log, nfnl_log_put)

/* The kernel gathers packets into one message until one of these is reached: a report is at most a
 * tenth of a second late, a flood does not wake us for each packet, and silence costs nothing. */
#define FLUSH_CENTISECONDS 10
#define PACKETS_A_MESSAGE  64
#define MESSAGE_BYTES      (16 * 1024)

#define RECEIVE_BUFFER (2 * 1024 * 1024)

/* A turn is some hundred packets at most; whatever guards comes before the next one. */
#define MESSAGES_A_TURN 8

/* No message of the log has this number. */
#define NO_MESSAGE 0xff

struct BwNflog {
        BwNflogSink sink;
        gpointer user;
        Socket *socket;
        guint watch;
        uint32_t next; /* the kernel's number of the next packet */
        bool overrun;  /* the kernel says it threw packets away; how many is not known yet */
        unsigned told; /* of those, how many were told before the next packet shows the gap */
};

/* Errors */

static BwError reaction_to(int error) {
        switch (-error) {
        case NLE_PERM:
        case NLE_NOACCESS:
                return BW_ERROR_DENIED;
        case NLE_BUSY:
        case NLE_EXIST:
                return BW_ERROR_BUSY;
        default:
                return BW_ERROR_BROKEN;
        }
}

static bool fail(GError **error, uint16_t group, int code) {
        g_set_error(error, BW_ERROR, reaction_to(code), "listen to NFLOG group %u: %s", group,
                    nl_geterror(code));
        return false;
}

/* One packet */

static int ifindex_of(const struct nlattr *attribute) {
        uint32_t ifindex;

        if (!attribute || nla_len(attribute) != sizeof(ifindex))
                return 0;
        ifindex = ntohl(nla_get_u32(attribute));
        return ifindex <= G_MAXINT ? (int) ifindex : 0;
}

/* NULL when it has no end. */
static const char *text_of(const struct nlattr *attribute) {
        if (!attribute || !memchr(nla_data(attribute), '\0', nla_len(attribute)))
                return NULL;
        return nla_data(attribute);
}

static const uint8_t *bytes_of(const struct nlattr *attribute, gsize *ret_length) {
        *ret_length = attribute ? nla_len(attribute) : 0;
        return attribute ? nla_data(attribute) : NULL;
}

/* AF_BRIDGE and its like: the family of the table whose rule it was. */
static uint8_t family_of(const struct nlmsghdr *header) {
        return ((const struct nfgenmsg *) nlmsg_data(header))->nfgen_family;
}

static uint16_t number_of(const struct nlattr *attribute) {
        if (!attribute || nla_len(attribute) != sizeof(uint16_t))
                return 0;
        return ntohs(nla_get_u16(attribute));
}

static uint16_t ethertype_of(const struct nlattr *attribute) {
        struct nfulnl_msg_packet_hdr header;

        if (!attribute || nla_len(attribute) < (int) sizeof(header))
                return 0;
        memcpy(&header, nla_data(attribute), sizeof(header));
        return ntohs(header.hw_protocol);
}

static BwDeniedTag tag_of(struct nlattr *attribute) {
        struct nlattr *parts[NFULA_VLAN_MAX + 1];

        if (!attribute || nla_parse_nested(parts, NFULA_VLAN_MAX, attribute, NULL) < 0)
                return (BwDeniedTag){};
        return (BwDeniedTag){
                .there = true,
                .protocol = number_of(parts[NFULA_VLAN_PROTO]),
                .control = number_of(parts[NFULA_VLAN_TCI]),
        };
}

/* How many packets are missing before this one and were not told yet. */
static unsigned count_lost(BwNflog *nflog, const struct nlattr *attribute) {
        uint32_t number, lost;

        if (!attribute || nla_len(attribute) != sizeof(number))
                return 0;
        number = ntohl(nla_get_u32(attribute));
        lost = number - nflog->next;
        nflog->next = number + 1;
        lost -= MIN(lost, nflog->told);
        nflog->told = 0;
        return lost;
}

static void tell_packet(BwNflog *nflog, uint8_t family, struct nlattr *const *attributes) {
        /* The host's own output has no link layer header by the first name. */
        const struct nlattr *ethernet =
                attributes[NFULA_HWHEADER] ? attributes[NFULA_HWHEADER] : attributes[NFULA_L2HDR];
        BwDeniedPacket denied = {
                .prefix = text_of(attributes[NFULA_PREFIX]),
                .family = family,
                .ethertype = ethertype_of(attributes[NFULA_PACKET_HDR]),
                .tag = tag_of(attributes[NFULA_VLAN]),
                .physin = ifindex_of(attributes[NFULA_IFINDEX_PHYSINDEV]),
                .physout = ifindex_of(attributes[NFULA_IFINDEX_PHYSOUTDEV]),
                .in = ifindex_of(attributes[NFULA_IFINDEX_INDEV]),
                .out = ifindex_of(attributes[NFULA_IFINDEX_OUTDEV]),
        };

        if (!denied.prefix)
                denied.prefix = "";
        denied.ethernet = bytes_of(ethernet, &denied.ethernet_length);
        denied.packet = bytes_of(attributes[NFULA_PAYLOAD], &denied.packet_length);
        nflog->sink(&denied, count_lost(nflog, attributes[NFULA_SEQ]), nflog->user);
}

static int on_message(Message *message, void *pointer) {
        struct nlmsghdr *header = nlmsg_hdr(message);
        struct nlattr *attributes[NFULA_MAX + 1];

        if (nlmsg_get_src(message)->nl_pid != 0 || nfnlmsg_subsys(header) != NFNL_SUBSYS_ULOG ||
            nfnlmsg_subtype(header) != NFULNL_MSG_PACKET)
                return NL_SKIP;
        if (nlmsg_parse(header, sizeof(struct nfgenmsg), attributes, NFULA_MAX, NULL) < 0)
                return NL_SKIP;
        tell_packet(pointer, family_of(header), attributes);
        return NL_OK;
}

/* The socket */

/* The kernel counts what it threw away, but only the next packet shows the number, and there may be
 * none for a long time. One is certain, and told at once. */
static void tell_overrun(BwNflog *nflog) {
        nflog->overrun = false;
        nflog->told++;
        nflog->sink(NULL, 1, nflog->user);
}

static gboolean on_readable(G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
                            gpointer pointer) {
        BwNflog *nflog = pointer;
        int code = 0;

        for (unsigned i = 0; i < MESSAGES_A_TURN && code != -NLE_AGAIN; i++) {
                code = nl_recvmsgs_default(nflog->socket);
                if (code == -NLE_NOMEM)
                        nflog->overrun = true;
        }
        if (nflog->overrun && bw_nl_socket_is_drained(nl_socket_get_fd(nflog->socket)))
                tell_overrun(nflog);
        return G_SOURCE_CONTINUE;
}

static int bind_group(Socket *socket, uint16_t group, unsigned copy_bytes) {
        g_autoptr(Log) log = nfnl_log_alloc();

        g_assert(log);
        nfnl_log_set_group(log, group);
        nfnl_log_set_copy_mode(log, NFNL_LOG_COPY_PACKET);
        nfnl_log_set_copy_range(log, copy_bytes);
        nfnl_log_set_flush_timeout(log, FLUSH_CENTISECONDS);
        nfnl_log_set_queue_threshold(log, PACKETS_A_MESSAGE);
        nfnl_log_set_alloc_size(log, MESSAGE_BYTES);
        nfnl_log_set_flags(log, NFNL_LOG_FLAG_SEQ);
        return nfnl_log_create(socket, log);
}

/* The kernel says "not permitted" both to who lacks the right and to who comes second to a group.
 * With a message it does not know, it complains of the message only to who has the right. */
static bool is_permitted(Socket *socket) {
        int code = nfnl_send_simple(socket, NFNL_SUBSYS_ULOG, NO_MESSAGE, NLM_F_ACK, AF_UNSPEC, 0);

        if (code >= 0)
                code = nl_wait_for_ack(socket);
        return code != -NLE_PERM && code != -NLE_NOACCESS;
}

static Socket *open_socket(uint16_t group, unsigned copy_bytes, GError **error) {
        g_autoptr(Socket) socket = nl_socket_alloc();
        int code;

        g_assert(socket);
        nl_socket_disable_seq_check(socket);
        code = nfnl_connect(socket);
        if (code < 0)
                return fail(error, group, code), NULL;
        bw_nl_socket_set_buffer(nl_socket_get_fd(socket), RECEIVE_BUFFER);
        code = bind_group(socket, group, copy_bytes);
        if (code == -NLE_PERM && is_permitted(socket))
                code = -NLE_BUSY;
        if (code >= 0)
                code = nl_socket_set_nonblocking(socket);
        if (code < 0)
                return fail(error, group, code), NULL;
        return g_steal_pointer(&socket);
}

BwNflog *bw_nflog_new(uint16_t group, unsigned copy_bytes, BwNflogSink sink, gpointer user,
                      GError **error) {
        g_autoptr(Socket) socket = open_socket(group, copy_bytes, error);
        g_autoptr(BwNflog) nflog = NULL;

        if (!socket)
                return NULL;
        nflog = g_new0(BwNflog, 1);
        nflog->sink = sink;
        nflog->user = user;
        nflog->socket = g_steal_pointer(&socket);
        nl_socket_modify_cb(nflog->socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, nflog);
        nflog->watch = g_unix_fd_add_full(BW_PRIORITY_ASKED, nl_socket_get_fd(nflog->socket),
                                          G_IO_IN, on_readable, nflog, NULL);
        return g_steal_pointer(&nflog);
}

void bw_nflog_free(BwNflog *nflog) {
        if (!nflog)
                return;
        if (nflog->watch)
                g_source_remove(nflog->watch);
        nl_socket_free(nflog->socket);
        g_free(nflog);
}
