/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Questions and wishes to rtnetlink
 *
 * A socket for each, so that a late answer to one is never taken for the answer
 * to the next; and what the kernel's refusals mean.
 */

#include <glib.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>

typedef struct nl_sock Socket;
typedef struct nl_msg Message;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Socket, nl_socket_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, nlmsg_free)

/* @code: as libnl returns it, negative. Always false. */
bool bw_netlink_fail(GError **error, const char *what, int code);

/* (transfer full): a socket that waits for ever; NULL with an error set. */
Socket *bw_netlink_open(GError **error);
/* (transfer full): one that gives up on an answer after some seconds; NULL with an error set. */
Socket *bw_netlink_open_question(GError **error);

/* Sends @message, which asks for an answer (NLM_F_ACK), and reads that. @what is wished for, for
 * the message of the error. */
bool bw_netlink_wish(Message *message, const char *what, GError **error);

/* Gets each message of a dump; whether it wants more. */
typedef bool (*BwNetlinkTake)(Message *message, void *user);

/* Asks for all there is of a kind: @type, @header of @length bytes. A dump that a change has torn
 * is BW_ERROR_STALE. */
bool bw_netlink_read_all(const char *what, int type, const void *header, gsize length,
                         BwNetlinkTake take, void *user, GError **error);
