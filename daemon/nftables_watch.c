/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables_watch.h"

#include <bw/error.h>
#include <errno.h>
#include <glib-unix.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nftables_generation.h"
#include "nl_socket.h"

/* Some thousand transactions, or ours of a thousand ports. */
#define RECEIVE_BUFFER (4 * 1024 * 1024)

/* A turn of the loop, and the rest after it: what others do all day must not be our day's work. */
#define DATAGRAMS_A_TURN 64
#define REST_MS          20

/* The kernel adds nothing once it has lost something, until all is read; so much never fits. */
#define MOST_UNREAD  100000
#define LONG_REST_MS 250

typedef union Datagram {
        struct nlmsghdr header;
        uint8_t bytes[65536]; /* the kernel's are a page */
} Datagram;

struct BwNftWatch {
        BwNftNewsSink sink;
        gpointer user;
        int fd;
        guint source, rest_timer;
        BwNftReader reader;
        int own_pid; /* ours, as the kernel tells it; 0: not known */
        Datagram datagram;
};

static bool fail(GError **error, const char *what, int err) {
        BwError reaction = err == EPERM || err == EACCES ? BW_ERROR_DENIED : BW_ERROR_BROKEN;

        g_set_error(error, BW_ERROR, reaction, "%s: %s", what, g_strerror(err));
        return false;
}

/* Reading */

typedef enum Reading {
        READING_MORE,
        READING_DONE,
        READING_LOST,
} Reading;

/* Only the kernel knows. */
static Reading read_one(BwNftWatch *watch) {
        struct sockaddr_nl sender = {};
        struct iovec piece = { .iov_base = &watch->datagram, .iov_len = sizeof(watch->datagram) };
        struct msghdr message = { .msg_name = &sender,
                                  .msg_namelen = sizeof(sender),
                                  .msg_iov = &piece,
                                  .msg_iovlen = 1 };
        ssize_t length = recvmsg(watch->fd, &message, MSG_DONTWAIT);

        if (length < 0)
                return errno == EAGAIN  ? READING_DONE
                       : errno == EINTR ? READING_MORE
                                        : READING_LOST;
        if (sender.nl_pid != 0)
                return READING_MORE;
        if ((message.msg_flags & MSG_TRUNC) ||
            !bw_nft_reader_read(&watch->reader, &watch->datagram, (gsize) length, watch->sink,
                                watch->user))
                return READING_LOST;
        return READING_MORE;
}

static Reading read_turn(BwNftWatch *watch) {
        Reading reading = READING_MORE;

        for (unsigned i = 0; i < DATAGRAMS_A_TURN && reading == READING_MORE; i++)
                reading = read_one(watch);
        return reading;
}

/* What came before the loss is no use any more. What comes after is told again only when the buffer
 * was empty once. */
static void throw_away(BwNftWatch *watch) {
        const BwNftNews lost = { .lost = true };
        ssize_t length = 0;

        for (unsigned i = 0; i < MOST_UNREAD; i++) {
                length = recv(watch->fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC);
                if (length < 0 && errno != ENOBUFS && errno != EINTR)
                        break;
        }
        watch->reader = (BwNftReader){};
        watch->sink(&lost, watch->user);
}

static void listen_again(BwNftWatch *watch);

static gboolean on_rested(gpointer pointer) {
        BwNftWatch *watch = pointer;

        watch->rest_timer = 0;
        listen_again(watch);
        return G_SOURCE_REMOVE;
}

static gboolean on_readable(G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
                            gpointer pointer) {
        BwNftWatch *watch = pointer;
        Reading reading = read_turn(watch);

        if (reading == READING_DONE)
                return G_SOURCE_CONTINUE;
        if (reading == READING_LOST)
                throw_away(watch);
        watch->source = 0;
        watch->rest_timer =
                g_timeout_add(reading == READING_LOST ? LONG_REST_MS : REST_MS, on_rested, watch);
        return G_SOURCE_REMOVE;
}

static void listen_again(BwNftWatch *watch) {
        watch->source = g_unix_fd_add(watch->fd, G_IO_IN, on_readable, watch);
}

/* Opening */

static void note_own_pid(const BwNftNews *news, gpointer user) {
        *(int *) user = news->pid;
}

/* Only the kernel can say what it calls us: an answer names who asked as news names who changed. */
static bool learn_own_pid(BwNftWatch *watch, GError **error) {
        BwNftReader reader = {};
        uint32_t generation;
        ssize_t length;

        /* Also tells whether there are nf_tables at all. */
        if (!bw_nftables_generation_read(watch->fd, &generation, error) ||
            !bw_nftables_generation_ask(watch->fd, error))
                return false;
        length = recv(watch->fd, &watch->datagram, sizeof(watch->datagram), MSG_DONTWAIT);
        if (length > 0)
                (void) bw_nft_reader_read(&reader, &watch->datagram, (gsize) length, note_own_pid,
                                          &watch->own_pid);
        return true;
}

static bool join(int fd, GError **error) {
        const int group = NFNLGRP_NFTABLES;

        if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
                return fail(error, "listen to changes of nftables rules", errno);
        return true;
}

BwNftWatch *bw_nftables_watch_new(BwNftNewsSink sink, gpointer user, GError **error) {
        g_autoptr(BwNftWatch) watch = g_new0(BwNftWatch, 1);

        watch->sink = sink;
        watch->user = user;
        watch->fd = bw_nftables_generation_open(error);
        if (watch->fd < 0 || !learn_own_pid(watch, error))
                return NULL;
        bw_nl_socket_set_buffer(watch->fd, RECEIVE_BUFFER);
        if (!join(watch->fd, error))
                return NULL;
        listen_again(watch);
        return g_steal_pointer(&watch);
}

void bw_nftables_watch_free(BwNftWatch *watch) {
        if (!watch)
                return;
        g_clear_handle_id(&watch->source, g_source_remove);
        g_clear_handle_id(&watch->rest_timer, g_source_remove);
        if (watch->fd >= 0)
                (void) close(watch->fd);
        g_free(watch);
}

bool bw_nftables_watch_is_own(const BwNftWatch *watch, const BwNftNews *news) {
        return news->pid != 0 && news->pid == watch->own_pid;
}
