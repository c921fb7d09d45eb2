/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables_generation.h"

#include <arpa/inet.h>
#include <bw/error.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

typedef struct Request {
        struct nlmsghdr header;
        struct nfgenmsg family;
} Request;

typedef union Answer {
        struct nlmsghdr header;
        char bytes[4096];
} Answer;

static bool fail(GError **error, int err) {
        BwError reaction = BW_ERROR_BROKEN;

        if (err == EPERM || err == EACCES)
                reaction = BW_ERROR_DENIED;
        /* The last is what nfnetlink says of a subsystem that is not there. */
        if (err == EPROTONOSUPPORT || err == EAFNOSUPPORT || err == EINVAL || err == EOPNOTSUPP)
                reaction = BW_ERROR_ABSENT;
        g_set_error(error, BW_ERROR, reaction, "read the generation of nftables rules: %s",
                    g_strerror(err));
        return false;
}

static bool read_number(const Answer *answer, gsize length, uint32_t *ret) {
        const char *at = answer->bytes + NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
        const char *end = answer->bytes + MIN(length, answer->header.nlmsg_len);

        while (at + NLA_HDRLEN + sizeof(*ret) <= end) {
                struct nlattr attribute;

                memcpy(&attribute, at, sizeof(attribute));
                if (attribute.nla_len < NLA_HDRLEN)
                        return false;
                if ((attribute.nla_type & NLA_TYPE_MASK) == NFTA_GEN_ID &&
                    attribute.nla_len == NLA_HDRLEN + sizeof(*ret)) {
                        memcpy(ret, at + NLA_HDRLEN, sizeof(*ret));
                        *ret = ntohl(*ret);
                        return true;
                }
                at += NLA_ALIGN(attribute.nla_len);
        }
        return false;
}

static bool read_answer(const Answer *answer, gsize length, uint32_t *ret, GError **error) {
        if (length < NLMSG_HDRLEN)
                return fail(error, EBADMSG);
        if (answer->header.nlmsg_type == NLMSG_ERROR) {
                const struct nlmsgerr *refusal = NLMSG_DATA(&answer->header);

                return fail(error,
                            length < NLMSG_LENGTH(sizeof(*refusal)) ? EBADMSG : -refusal->error);
        }
        if (answer->header.nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN) ||
            !read_number(answer, length, ret))
                return fail(error, EBADMSG);
        return true;
}

/* The kernel answers within the call that asks, so there is nothing to wait for. */
bool bw_nftables_generation_ask(int fd, GError **error) {
        Request request = {
                .header = { .nlmsg_len = sizeof(request),
                            .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
                            .nlmsg_flags = NLM_F_REQUEST },
                .family = { .version = NFNETLINK_V0 },
        };

        return send(fd, &request, sizeof(request), 0) >= 0 || fail(error, errno);
}

bool bw_nftables_generation_read(int fd, uint32_t *ret, GError **error) {
        Answer answer;
        ssize_t length;

        if (!bw_nftables_generation_ask(fd, error))
                return false;
        length = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
        if (length < 0)
                return fail(error, errno);
        return read_answer(&answer, (gsize) length, ret, error);
}

int bw_nftables_generation_open(GError **error) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

        if (fd < 0)
                fail(error, errno);
        return fd;
}
