/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_bytes.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

static void skip(BwNftBytes *rest, gsize length) {
        length = MIN(length, rest->length);
        rest->at += length;
        rest->length -= length;
}

/* A refusal is an errno made negative; the end of a whole answer has 0 in the same place. */
static bool read_end(BwNftBytes body, BwNftMessage *ret) {
        int result;

        if (body.length < sizeof(result))
                return false;
        memcpy(&result, body.at, sizeof(result));
        ret->type = BW_NFT_END;
        ret->refusal = result < 0 ? -MAX(result, -G_MAXINT) : 0;
        return true;
}

static bool read_message(unsigned type, BwNftBytes body, BwNftMessage *ret) {
        struct nfgenmsg header;

        if (type == NLMSG_DONE || type == NLMSG_ERROR)
                return read_end(body, ret);
        if (type >> 8 != NFNL_SUBSYS_NFTABLES)
                return true;
        if (body.length < sizeof(header))
                return false;
        memcpy(&header, body.at, sizeof(header));
        skip(&body, sizeof(header));
        ret->type = type & 0xff;
        ret->family = header.nfgen_family;
        ret->body = body;
        return true;
}

bool bw_nft_next_message(BwNftBytes *rest, BwNftMessage *ret, bool *ret_broken) {
        struct nlmsghdr header;
        BwNftBytes body;

        *ret_broken = false;
        if (rest->length == 0)
                return false;
        *ret_broken = true;
        if (rest->length < sizeof(header))
                return false;
        memcpy(&header, rest->at, sizeof(header));
        if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > rest->length)
                return false;
        body = (BwNftBytes){ .at = rest->at + sizeof(header),
                             .length = header.nlmsg_len - sizeof(header) };
        *ret = (BwNftMessage){ .type = BW_NFT_NOT_OURS,
                               .interrupted = header.nlmsg_flags & NLM_F_DUMP_INTR };
        if (!read_message(header.nlmsg_type, body, ret))
                return false;
        skip(rest, NLMSG_ALIGN((gsize) header.nlmsg_len));
        *ret_broken = false;
        return true;
}

bool bw_nft_next_attribute(BwNftBytes *rest, BwNftAttribute *ret, bool *ret_broken) {
        struct nlattr header;

        *ret_broken = false;
        if (rest->length == 0)
                return false;
        *ret_broken = true;
        if (rest->length < sizeof(header))
                return false;
        memcpy(&header, rest->at, sizeof(header));
        if (header.nla_len < NLA_HDRLEN || header.nla_len > rest->length)
                return false;
        *ret = (BwNftAttribute){ .type = header.nla_type & NLA_TYPE_MASK,
                                 .value = { .at = rest->at + NLA_HDRLEN,
                                            .length = header.nla_len - NLA_HDRLEN } };
        skip(rest, NLA_ALIGN(header.nla_len));
        *ret_broken = false;
        return true;
}

BwNftBytes bw_nft_find(BwNftBytes rest, unsigned type) {
        BwNftBytes found = {};
        BwNftAttribute attribute;
        bool broken;

        while (bw_nft_next_attribute(&rest, &attribute, &broken))
                if (attribute.type == type)
                        found = attribute.value;
        return found;
}

uint32_t bw_nft_u32(BwNftBytes value) {
        uint32_t number;

        if (value.length != sizeof(number))
                return 0;
        memcpy(&number, value.at, sizeof(number));
        return GUINT32_FROM_BE(number);
}

uint64_t bw_nft_u64(BwNftBytes value) {
        uint64_t number;

        if (value.length != sizeof(number))
                return 0;
        memcpy(&number, value.at, sizeof(number));
        return GUINT64_FROM_BE(number);
}

void bw_nft_text(BwNftBytes value, char *ret, gsize size) {
        gsize length = MIN(value.length, size - 1);

        ret[0] = '\0';
        if (length == 0)
                return;
        length = strnlen((const char *) value.at, length);
        memcpy(ret, value.at, length);
        ret[length] = '\0';
}
