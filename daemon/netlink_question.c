/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "netlink_question.h"

#include <bw/error.h>
#include <netlink/errno.h>
#include <sys/socket.h>

/* The kernel answers at once; who waits longer waits for an answer that was lost. */
#define ANSWER_SECONDS 2

static BwError reaction_to(int error) {
        switch (-error) {
        case NLE_PERM:
        case NLE_NOACCESS:
                return BW_ERROR_DENIED;
        case NLE_NODEV:
        case NLE_OBJ_NOTFOUND:
        case NLE_OPNOTSUPP: /* the link is no bridge, or no port of one (any more) */
                return BW_ERROR_ABSENT;
        case NLE_AGAIN: /* no answer came */
        case NLE_INTR:
        case NLE_NOMEM: /* ENOBUFS: the answer did not fit */
        case NLE_MSG_TRUNC:
        case NLE_SEQ_MISMATCH:
        case NLE_DUMP_INTR:
                return BW_ERROR_STALE;
        case NLE_BUSY:
        case NLE_EXIST: /* what was to be made without replacing anything is there */
                return BW_ERROR_BUSY;
        default:
                return BW_ERROR_BROKEN;
        }
}

bool bw_netlink_fail(GError **error, const char *what, int code) {
        BwError reaction = reaction_to(code);

        g_set_error(error, BW_ERROR, reaction, "%s: %s%s", what, nl_geterror(code),
                    reaction == BW_ERROR_DENIED ? "; it needs CAP_NET_ADMIN" : "");
        return false;
}

Socket *bw_netlink_open(GError **error) {
        g_autoptr(Socket) socket = nl_socket_alloc();
        int code;

        g_assert(socket);
        code = nl_connect(socket, NETLINK_ROUTE);
        if (code < 0)
                return bw_netlink_fail(error, "open rtnetlink socket", code), NULL;
        return g_steal_pointer(&socket);
}

Socket *bw_netlink_open_question(GError **error) {
        const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
        g_autoptr(Socket) socket = bw_netlink_open(error);

        if (socket)
                (void) setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
                                  sizeof(patience));
        return g_steal_pointer(&socket);
}

bool bw_netlink_wish(Message *message, const char *what, GError **error) {
        g_autoptr(Socket) socket = bw_netlink_open_question(error);
        int code;

        if (!socket)
                return false;
        code = nl_send_auto(socket, message);
        if (code >= 0)
                code = nl_wait_for_ack(socket);
        return code >= 0 || bw_netlink_fail(error, what, code);
}

/* Dumps */

typedef struct Dump {
        BwNetlinkTake take;
        void *user;
        bool is_torn;
} Dump;

/* Only the kernel knows the world. */
static int on_dumped(Message *message, void *pointer) {
        Dump *dump = pointer;

        if (nlmsg_get_src(message)->nl_pid != 0)
                return NL_SKIP;
        return dump->take(message, dump->user) ? NL_OK : NL_STOP;
}

/* The kernel can give up in the middle; the number behind the end says so. */
static int on_dump_end(Message *message, void *pointer) {
        struct nlmsghdr *header = nlmsg_hdr(message);
        Dump *dump = pointer;

        if (nlmsg_datalen(header) >= (int) sizeof(int) && *(const int *) nlmsg_data(header) < 0)
                dump->is_torn = true;
        return NL_OK;
}

bool bw_netlink_read_all(const char *what, int type, const void *header, gsize length,
                         BwNetlinkTake take, void *user, GError **error) {
        g_autoptr(Socket) socket = bw_netlink_open_question(error);
        Dump dump = { .take = take, .user = user };
        int code;

        if (!socket)
                return false;
        nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_dumped, &dump);
        nl_socket_modify_cb(socket, NL_CB_FINISH, NL_CB_CUSTOM, on_dump_end, &dump);
        code = nl_send_simple(socket, type, NLM_F_DUMP, (void *) header, length);
        if (code >= 0)
                code = nl_recvmsgs_default(socket);
        if (code >= 0 && dump.is_torn)
                code = -NLE_DUMP_INTR;
        return code >= 0 || bw_netlink_fail(error, what, code);
}
