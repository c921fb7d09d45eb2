/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "listeners.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_SIZE 32768
/* "socket:[4294967295]" */
#define LINK_SIZE 64

struct BwListeners {
        GHashTable *programs; /* inode of a socket -> program, or NULL: it was looked for */
};

/* What was read of one socket. */
typedef struct Socket {
        uint32_t inode, user;
        bool has_user;
} Socket;

typedef struct Request {
        struct nlmsghdr header;
        struct packet_diag_req wish;
} Request;

BwListeners *bw_listeners_new(void) {
        BwListeners *listeners = g_new0(BwListeners, 1);

        listeners->programs = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        return listeners;
}

void bw_listeners_free(BwListeners *listeners) {
        if (!listeners)
                return;
        g_hash_table_unref(listeners->programs);
        g_free(listeners);
}

/* The kernel's answer: attribute by attribute, no length believed */

typedef struct Attribute {
        unsigned type;
        const char *bytes;
        gsize length;
} Attribute;

static bool next_attribute(const char **at, const char *end, Attribute *ret) {
        struct nlattr header;

        if (end - *at < (ptrdiff_t) NLA_HDRLEN)
                return false;
        memcpy(&header, *at, sizeof(header));
        if (header.nla_len < NLA_HDRLEN || end - *at < header.nla_len)
                return false;
        *ret = (Attribute){ header.nla_type & NLA_TYPE_MASK, *at + NLA_HDRLEN,
                            header.nla_len - NLA_HDRLEN };
        *at += MIN(NLA_ALIGN(header.nla_len), end - *at);
        return true;
}

static void add_listener(GArray *list, const Socket *socket, int ifindex, const char *program) {
        BwListener listener = { .ifindex = ifindex, .program = g_strdup(program) };

        if (socket->has_user)
                listener.user =
                        socket->user == 0 ? g_strdup("root") : g_strdup_printf("%u", socket->user);
        g_array_append_val(list, listener);
}

static void take_memberships(BwListeners *listeners, const Attribute *attribute,
                             const Socket *socket, GArray *list) {
        for (gsize at = 0; at + sizeof(struct packet_diag_mclist) <= attribute->length;
             at += sizeof(struct packet_diag_mclist)) {
                const char *program =
                        g_hash_table_lookup(listeners->programs, GUINT_TO_POINTER(socket->inode));
                struct packet_diag_mclist one;

                memcpy(&one, attribute->bytes + at, sizeof(one));
                if (one.pdmc_type == PACKET_MR_PROMISC)
                        add_listener(list, socket, (int) one.pdmc_index, program);
        }
}

static void take_socket(BwListeners *listeners, const struct nlmsghdr *message, GArray *list) {
        const char *begin = (const char *) message + NLMSG_HDRLEN;
        const char *at = begin + NLMSG_ALIGN(sizeof(struct packet_diag_msg));
        const char *end = (const char *) message + message->nlmsg_len;
        Attribute attribute, memberships = {};
        struct packet_diag_msg head;
        Socket socket = {};

        if (end - begin < (ptrdiff_t) sizeof(head))
                return;
        memcpy(&head, begin, sizeof(head));
        socket.inode = head.pdiag_ino;
        while (next_attribute(&at, end, &attribute)) {
                if (attribute.type == PACKET_DIAG_MCLIST)
                        memberships = attribute;
                if (attribute.type != PACKET_DIAG_UID || attribute.length != sizeof(socket.user))
                        continue;
                memcpy(&socket.user, attribute.bytes, sizeof(socket.user));
                socket.has_user = true;
        }
        take_memberships(listeners, &memberships, &socket, list);
}

typedef void (*TakeMessage)(BwListeners *listeners, const struct nlmsghdr *message, GArray *list);

typedef enum Turn {
        TURN_MORE,
        TURN_DONE,
        TURN_REFUSED,
} Turn;

static Turn take_answer(BwListeners *listeners, const char *answer, gsize length, TakeMessage take,
                        GArray *list) {
        gsize at = 0;

        while (length - at >= NLMSG_HDRLEN) {
                const struct nlmsghdr *message = (const struct nlmsghdr *) (answer + at);

                if (message->nlmsg_len < NLMSG_HDRLEN || message->nlmsg_len > length - at)
                        return TURN_REFUSED;
                if (message->nlmsg_type == NLMSG_DONE)
                        return TURN_DONE;
                if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
                        return TURN_REFUSED;
                take(listeners, message, list);
                at += MIN(NLMSG_ALIGN(message->nlmsg_len), length - at);
        }
        return TURN_MORE;
}

/* The kernel answers within the call that asks. */
static bool ask(int fd, BwListeners *listeners, TakeMessage take, GArray *list) {
        Request request = {
                .header = { .nlmsg_len = sizeof(request),
                            .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .wish = { .sdiag_family = AF_PACKET,
                          .pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MCLIST,
                          .pdiag_cookie = { G_MAXUINT32, G_MAXUINT32 } },
        };
        g_autofree char *answer = g_malloc(ANSWER_SIZE);
        Turn turn = TURN_MORE;

        if (send(fd, &request, sizeof(request), 0) < 0)
                return false;
        while (turn == TURN_MORE) {
                ssize_t length = recv(fd, answer, ANSWER_SIZE, MSG_DONTWAIT);

                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return false;
                turn = take_answer(listeners, answer, (gsize) length, take, list);
        }
        return turn == TURN_DONE;
}

/* Whose program: where /proc may be looked through */

/* False: of no socket anybody asks for. */
static bool read_inode(const char *folder, const char *entry, uint32_t *ret) {
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        char text[LINK_SIZE];
        ssize_t length = readlink(path, text, sizeof(text) - 1);

        if (length < 0)
                return false;
        text[length] = '\0';
        if (!g_str_has_prefix(text, "socket:["))
                return false;
        *ret = (uint32_t) strtoul(text + strlen("socket:["), NULL, 10);
        return true;
}

static char *name_program(const char *pid) {
        g_autofree char *path = g_build_filename("/proc", pid, "comm", NULL);
        char *name = NULL;

        if (!g_file_get_contents(path, &name, NULL, NULL))
                return NULL;
        return g_strchomp(name);
}

static void search_process(BwListeners *listeners, const char *pid) {
        g_autofree char *folder = g_build_filename("/proc", pid, "fd", NULL);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *entry;
        uint32_t inode;

        while (dir && (entry = g_dir_read_name(dir))) {
                if (!read_inode(folder, entry, &inode) ||
                    !g_hash_table_contains(listeners->programs, GUINT_TO_POINTER(inode)) ||
                    g_hash_table_lookup(listeners->programs, GUINT_TO_POINTER(inode)))
                        continue;
                g_hash_table_insert(listeners->programs, GUINT_TO_POINTER(inode),
                                    name_program(pid));
        }
}

static void search_processes(BwListeners *listeners) {
        g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
        const char *entry;

        while (dir && (entry = g_dir_read_name(dir)))
                if (g_ascii_isdigit(entry[0]))
                        search_process(listeners, entry);
}

static void note_inode(G_GNUC_UNUSED BwListeners *listeners, const struct nlmsghdr *message,
                       GArray *list) {
        struct packet_diag_msg head;

        if (message->nlmsg_len < NLMSG_HDRLEN + sizeof(head))
                return;
        memcpy(&head, (const char *) message + NLMSG_HDRLEN, sizeof(head));
        g_array_append_val(list, head.pdiag_ino);
}

/* Forgets sockets that are gone; whether one is new. */
static bool note_sockets(BwListeners *listeners, const GArray *inodes) {
        GHashTable *programs = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        bool is_new = false;

        for (guint i = 0; i < inodes->len; i++) {
                gpointer inode = GUINT_TO_POINTER(g_array_index(inodes, uint32_t, i));

                is_new |= !g_hash_table_contains(listeners->programs, inode);
                g_hash_table_insert(programs, inode,
                                    g_strdup(g_hash_table_lookup(listeners->programs, inode)));
        }
        g_hash_table_unref(listeners->programs);
        listeners->programs = programs;
        return is_new;
}

static void clear_listener(gpointer user) {
        BwListener *listener = user;

        g_free(listener->program);
        g_free(listener->user);
}

static GArray *read_sockets(BwListeners *listeners, int fd) {
        g_autoptr(GArray) inodes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        GArray *list;

        if (!ask(fd, listeners, note_inode, inodes))
                return NULL;
        if (note_sockets(listeners, inodes))
                search_processes(listeners);
        list = g_array_new(FALSE, FALSE, sizeof(BwListener));
        g_array_set_clear_func(list, clear_listener);
        if (ask(fd, listeners, take_socket, list))
                return list;
        g_array_unref(list);
        return NULL;
}

GArray *bw_listeners_read(BwListeners *listeners) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        GArray *list = fd >= 0 ? read_sockets(listeners, fd) : NULL;

        if (fd >= 0)
                close(fd);
        return list;
}
