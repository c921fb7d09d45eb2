/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables_seen.h"

#include <bw/error.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel fills what the reader has room for. */
#define ANSWER_SIZE 65536
#define TRIES       3

typedef struct Seen {
        char port[BW_IFNAME_SIZE];
        BwNftCount count;
} Seen;

static bool fail(GError **error, const char *set, int err) {
        BwError reaction = BW_ERROR_BROKEN;

        if (err == EPERM || err == EACCES)
                reaction = BW_ERROR_DENIED;
        if (err == ENOENT || err == EPROTONOSUPPORT || err == EAFNOSUPPORT || err == EOPNOTSUPP)
                reaction = BW_ERROR_ABSENT;
        g_set_error(error, BW_ERROR, reaction, "read set %s of nftables table " BW_NFT_TABLE ": %s",
                    set, g_strerror(err));
        return false;
}

int bw_nftables_seen_open(GError **error) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

        if (fd < 0)
                fail(error, "any", errno);
        return fd;
}

static void put_text(GByteArray *bytes, uint16_t type, const char *text) {
        static const uint8_t zero[NLA_ALIGNTO];
        const gsize size = strlen(text) + 1;
        const struct nlattr header = { .nla_len = (uint16_t) (NLA_HDRLEN + size),
                                       .nla_type = type };

        g_byte_array_append(bytes, (const uint8_t *) &header, sizeof(header));
        g_byte_array_append(bytes, (const uint8_t *) text, (guint) size);
        g_byte_array_append(bytes, zero, (guint) (NLA_ALIGN(size) - size));
}

static bool ask(int fd, const char *set, GError **error) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        const struct nfgenmsg family = { .nfgen_family = NFPROTO_BRIDGE, .version = NFNETLINK_V0 };
        struct nlmsghdr header = { .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM,
                                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP };

        g_byte_array_append(bytes, (const uint8_t *) &header, sizeof(header));
        g_byte_array_append(bytes, (const uint8_t *) &family, sizeof(family));
        put_text(bytes, NFTA_SET_ELEM_LIST_TABLE, BW_NFT_TABLE);
        put_text(bytes, NFTA_SET_ELEM_LIST_SET, set);
        header.nlmsg_len = bytes->len;
        memcpy(bytes->data, &header, sizeof(header));
        return send(fd, bytes->data, bytes->len, 0) >= 0 || fail(error, set, errno);
}

static void keep(const char *port, BwNftCount count, gpointer user) {
        Seen seen = { .count = count };

        g_strlcpy(seen.port, port, sizeof(seen.port));
        g_array_append_val((GArray *) user, seen);
}

/* Each piece that is taken makes the kernel write the next, so there is one until the end. */
static bool read_answer(int fd, const char *set, GArray *rows, BwNftSeenReader *reader,
                        GError **error) {
        g_autofree char *answer = g_malloc(ANSWER_SIZE);

        while (!reader->done) {
                struct sockaddr_nl sender = {};
                socklen_t size = sizeof(sender);
                ssize_t length = recvfrom(fd, answer, ANSWER_SIZE, MSG_DONTWAIT | MSG_TRUNC,
                                          (struct sockaddr *) &sender, &size);

                if (length < 0)
                        return fail(error, set, errno);
                if (sender.nl_pid != 0)
                        continue;
                if (length > ANSWER_SIZE ||
                    !bw_nft_seen_read(reader, answer, (gsize) length, keep, rows))
                        return fail(error, set, EBADMSG);
        }
        return !reader->refusal || fail(error, set, reader->refusal);
}

bool bw_nftables_seen_read(int fd, const char *set, BwNftSeen seen, gpointer user, GError **error) {
        g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Seen));

        for (unsigned i = 0; i < TRIES; i++) {
                BwNftSeenReader reader = {};

                g_array_set_size(rows, 0);
                if (!ask(fd, set, error) || !read_answer(fd, set, rows, &reader, error))
                        return false;
                if (reader.interrupted)
                        continue;
                for (guint k = 0; k < rows->len; k++) {
                        const Seen *row = &g_array_index(rows, Seen, k);

                        seen(row->port, row->count, user);
                }
                return true;
        }
        g_set_error(error, BW_ERROR, BW_ERROR_BUSY,
                    "read set %s of nftables table " BW_NFT_TABLE ": others keep changing rules",
                    set);
        return false;
}
