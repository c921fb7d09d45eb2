/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables_dump.h"

#include <bw/error.h>
#include <bw/nft_bytes.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel fills what the reader has room for; its own datagrams are half of it. */
#define ANSWER_SIZE 65536
#define MOST_TRIES  3

typedef struct Request {
        struct nlmsghdr header;
        struct nfgenmsg family;
        uint8_t attributes[2 * (NLA_HDRLEN + NLA_ALIGN(NFT_NAME_MAXLEN))];
} Request;

typedef struct End {
        bool done, interrupted;
        int refusal;
} End;

/* False: there is no room for such a name. */
static bool add_text(Request *request, uint16_t type, const char *text) {
        gsize length = strlen(text) + 1;
        struct nlattr header = { .nla_len = (uint16_t) (NLA_HDRLEN + length), .nla_type = type };
        uint8_t *at = (uint8_t *) request + request->header.nlmsg_len;

        if (length > NFT_NAME_MAXLEN)
                return false;
        memcpy(at, &header, sizeof(header));
        memcpy(at + NLA_HDRLEN, text, length);
        request->header.nlmsg_len += (uint32_t) NLA_ALIGN(NLA_HDRLEN + length);
        return true;
}

static int ask(int fd, const BwNftablesQuestion *question) {
        Request request = {
                .header = { .nlmsg_len = offsetof(Request, attributes),
                            .nlmsg_type = (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | question->type),
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .family = { .nfgen_family = question->family, .version = NFNETLINK_V0 },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(question->names); i++)
                if (question->names[i].text &&
                    !add_text(&request, question->names[i].type, question->names[i].text))
                        return ENAMETOOLONG;
        return send(fd, &request, request.header.nlmsg_len, 0) < 0 ? errno : 0;
}

/* It may stand behind the last of what was asked for. */
static int look_for_end(const void *datagram, gsize length, End *end) {
        BwNftBytes rest = { .at = datagram, .length = length };
        BwNftMessage message;
        bool broken;

        while (!end->done && bw_nft_next_message(&rest, &message, &broken)) {
                end->interrupted |= message.interrupted;
                end->done = message.type == BW_NFT_END;
                end->refusal = message.refusal;
        }
        return !end->done && broken ? EBADMSG : end->refusal;
}

/* Returns the length, 0 for what another program has sent, or an errno made negative. */
static ssize_t receive(int fd, void *datagram) {
        struct sockaddr_nl sender = {};
        socklen_t size = sizeof(sender);
        ssize_t length = recvfrom(fd, datagram, ANSWER_SIZE, MSG_DONTWAIT | MSG_TRUNC,
                                  (struct sockaddr *) &sender, &size);

        if (length < 0)
                return -errno;
        if (sender.nl_pid != 0)
                return 0;
        return length > ANSWER_SIZE ? -EMSGSIZE : length;
}

/* Each piece that is taken makes the kernel write the next, so there is one until the end. */
int bw_nftables_dump(int fd, const BwNftablesQuestion *question, BwNftablesAnswer answer,
                     gpointer user, bool *ret_interrupted) {
        g_autofree void *datagram = g_malloc(ANSWER_SIZE);
        int err = ask(fd, question);
        End end = {};

        while (!err && !end.done) {
                ssize_t length = receive(fd, datagram);

                if (length < 0)
                        return (int) -length;
                if (length == 0)
                        continue;
                if (!answer(datagram, (gsize) length, user))
                        return EBADMSG;
                err = look_for_end(datagram, (gsize) length, &end);
        }
        *ret_interrupted = end.interrupted;
        return err;
}

bool bw_nftables_read_whole(BwNftablesRead read, gpointer user, const char *what, GError **error) {
        for (unsigned i = 0; i < MOST_TRIES; i++) {
                switch (read(user, error)) {
                case BW_NFTABLES_READ:
                        return true;
                case BW_NFTABLES_FAILED:
                        return false;
                case BW_NFTABLES_TORN:
                        break;
                }
        }
        g_set_error(error, BW_ERROR, BW_ERROR_BUSY, "read %s: others keep changing rules", what);
        return false;
}
