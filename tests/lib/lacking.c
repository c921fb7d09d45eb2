/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Preloaded: a kernel or library that lacks something
 *
 * A process started with this sees a host without the things that /run/lacking has a file for,
 * each time it asks; take the file away, and the host has the thing. Where the kernel can be asked
 * for something it truly does not have, it is, so that the answer is the kernel's own. Only where
 * that is not possible is the answer made up here, word for word what such a kernel or library
 * says.
 *
 * nfnetlink: a kernel without it has no such netlink protocol (EPROTONOSUPPORT).
 * nf_tables: its messages go to a subsystem nobody registers, which is what nf_tables then is.
 * nf_tables-bridge: its tables are asked for in a family it does not have (DECnet's).
 * ip_tables, ip6_tables: their socket options are asked for by a number nobody registers, and /proc
 * has no list of their tables.
 * iptable_raw, iptable_mangle, ip6table_raw, ip6table_mangle: a table nobody has is asked for.
 * xt_bpf: the match is asked for by a name nobody has, and so are the rules refused that hold it.
 * ipv6: a kernel started with ipv6.disable=1 has no such sockets (EAFNOSUPPORT).
 * tcx: programs are asked for at a place of a link that no kernel has, which is what tcx is to one
 * of before 6.6.
 * bpf: a filter of system calls refuses bpf(2), as SystemCallErrorNumber= of systemd.exec(5) says.
 * libnftables: one of before 1.0.3, and what it says of "typeof" with fields that are numbers.
 */

#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NOBODYS_SUBSYSTEM 0x7f
#define NOBODYS_OPTION    0x3f0
#define DECNET_FAMILY     12
#define NOBODYS_PLACE     0x7fff
#define LIST_OF_IPV4      "/proc/self/net/ip_tables_names"
#define LIST_OF_IPV6      "/proc/self/net/ip6_tables_names"

/* The next in line after us. */
#define NEXT(function) ((__typeof__(&(function))) dlsym(RTLD_NEXT, #function))

int access(const char *path, int mode) {
        static const char *const lists[][2] = {
                { LIST_OF_IPV4, "/run/lacking/ip_tables" },
                { LIST_OF_IPV6, "/run/lacking/ip6_tables" },
        };

        for (unsigned i = 0; i < 2; i++)
                if (strcmp(path, lists[i][0]) == 0 && NEXT(access)(lists[i][1], F_OK) == 0) {
                        errno = ENOENT;
                        return -1;
                }
        return NEXT(access)(path, mode);
}

static bool lacks(const char *thing) {
        char path[128];

        snprintf(path, sizeof(path), "/run/lacking/%s", thing);
        return NEXT(access)(path, F_OK) == 0;
}

static int refuse(int err) {
        errno = err;
        return -1;
}

int socket(int domain, int type, int protocol) {
        if (domain == AF_NETLINK && protocol == NETLINK_NETFILTER && lacks("nfnetlink"))
                return refuse(EPROTONOSUPPORT);
        if (domain == AF_INET6 && lacks("ipv6"))
                return refuse(EAFNOSUPPORT);
        return NEXT(socket)(domain, type, protocol);
}

/* iptables */

/* Both families number their options alike, and both structures begin with the table's name. */
int getsockopt(int fd, int level, int option, void *value, socklen_t *length) {
        bool first = level == IPPROTO_IP, second = level == IPPROTO_IPV6;
        char thing[64];

        if (option != IPT_SO_GET_INFO || (!first && !second))
                return NEXT(getsockopt)(fd, level, option, value, length);
        if (lacks(first ? "ip_tables" : "ip6_tables"))
                return NEXT(getsockopt)(fd, level, NOBODYS_OPTION, value, length);
        snprintf(thing, sizeof(thing), "%s_%s", first ? "iptable" : "ip6table",
                 ((struct ipt_getinfo *) value)->name);
        if (lacks(thing))
                strcpy(((struct ipt_getinfo *) value)->name, "nobodys");
        return NEXT(getsockopt)(fd, level, option, value, length);
}

/* Names of matches end with a NUL; what is behind it in the field may be anything. */
static void rename_match(char *bytes, size_t length) {
        static const char name[] = "bpf";

        for (char *at = bytes;
             (at = memmem(at, length - (size_t) (at - bytes), name, sizeof(name)));)
                memcpy(at, "nobodys", sizeof("nobodys"));
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
        char *renamed;
        int answer;

        if (level != IPPROTO_IP || option != IPT_SO_SET_REPLACE || !lacks("xt_bpf"))
                return NEXT(setsockopt)(fd, level, option, value, length);
        renamed = malloc(length);
        memcpy(renamed, value, length);
        rename_match(renamed, length);
        answer = NEXT(setsockopt)(fd, level, option, renamed, length);
        free(renamed);
        return answer;
}

/* nf_tables */

static bool is_nf_tables(const struct nlmsghdr *header) {
        return header->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES;
}

static void bend(struct nlmsghdr *header) {
        struct nfgenmsg *family = NLMSG_DATA(header);

        if (!is_nf_tables(header) || header->nlmsg_len < NLMSG_LENGTH(sizeof(*family)))
                return;
        if (lacks("nf_tables"))
                header->nlmsg_type =
                        (uint16_t) (NOBODYS_SUBSYSTEM << 8 | (header->nlmsg_type & 0xff));
        if (lacks("nf_tables-bridge") && family->nfgen_family == AF_BRIDGE)
                family->nfgen_family = DECNET_FAMILY;
}

static bool is_netlink(int fd) {
        struct sockaddr_storage address;
        socklen_t length = sizeof(address);

        return getsockname(fd, (struct sockaddr *) &address, &length) == 0 &&
               address.ss_family == AF_NETLINK;
}

/* A copy of whole messages, bent; the caller frees it. */
static void *bend_all(const struct iovec *parts, size_t n_parts, size_t *ret_length) {
        char *bytes, *at;
        size_t length = 0, left;

        for (size_t i = 0; i < n_parts; i++)
                length += parts[i].iov_len;
        at = bytes = malloc(length + 1);
        for (size_t i = 0; i < n_parts; at += parts[i++].iov_len)
                memcpy(at, parts[i].iov_base, parts[i].iov_len);
        left = length;
        for (struct nlmsghdr *header = (struct nlmsghdr *) bytes; NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left))
                bend(header);
        *ret_length = length;
        return bytes;
}

static ssize_t send_bent(int fd, const struct msghdr *message, int flags) {
        struct iovec whole;
        struct msghdr bent = *message;
        ssize_t sent;

        whole.iov_base = bend_all(message->msg_iov, message->msg_iovlen, &whole.iov_len);
        bent.msg_iov = &whole;
        bent.msg_iovlen = 1;
        sent = NEXT(sendmsg)(fd, &bent, flags);
        free(whole.iov_base);
        return sent;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
        return is_netlink(fd) ? send_bent(fd, message, flags) : NEXT(sendmsg)(fd, message, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to,
               socklen_t to_length) {
        struct iovec part = { (void *) bytes, length };
        struct msghdr message = {
                .msg_name = (void *) to,
                .msg_namelen = to ? to_length : 0,
                .msg_iov = &part,
                .msg_iovlen = 1,
        };

        return is_netlink(fd) ? send_bent(fd, &message, flags)
                              : NEXT(sendto)(fd, bytes, length, flags, to, to_length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
        return is_netlink(fd) ? sendto(fd, bytes, length, flags, NULL, 0)
                              : NEXT(send)(fd, bytes, length, flags);
}

/* Programs */

/* No call of the kernel takes more than six. */
long syscall(long number, ...) {
        union bpf_attr *question;
        long words[6];
        va_list list;

        va_start(list, number);
        for (unsigned i = 0; i < 6; i++)
                words[i] = va_arg(list, long);
        va_end(list);
        if (number == SYS_bpf && lacks("bpf"))
                return refuse(EPERM);
        question = (union bpf_attr *) words[1];
        if (number == SYS_bpf && words[0] == BPF_PROG_QUERY && lacks("tcx"))
                question->query.attach_type = NOBODYS_PLACE;
        return NEXT(syscall)(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/* libnftables */

/* Since 1.0.3 a number may be part of a set's key ("src: allow to use typeof of raw expressions in
 * set declaration"). Debian 11 has 0.9.8, Ubuntu 22.04 has 1.0.2. */
static const char old_words[] =
        "internal:3:10-24: Error: can not use variable sized data types (integer) in concat "
        "expressions\n";

static bool was_too_new;

int nft_run_cmd_from_buffer(struct nft_ctx *context, const char *commands) {
        was_too_new = lacks("libnftables") && strstr(commands, "typeof @nh,4,4 . ip length");
        return was_too_new ? -1 : NEXT(nft_run_cmd_from_buffer)(context, commands);
}

const char *nft_ctx_get_error_buffer(struct nft_ctx *context) {
        return was_too_new ? old_words : NEXT(nft_ctx_get_error_buffer)(context);
}
