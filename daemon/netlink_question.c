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
                return BW_ERROR_BUSY;
        default:
                return BW_ERROR_BROKEN;
        }
}

bool bw_netlink_fail(GError **error, const char *what, int code) {
        g_set_error(error, BW_ERROR, reaction_to(code), "%s: %s", what, nl_geterror(code));
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
