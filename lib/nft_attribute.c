/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_attribute.h>
#include <linux/netlink.h>
#include <string.h>

void bw_nft_rest_skip(BwNftRest *rest, gsize length) {
        length = MIN(length, rest->length);
        rest->at += length;
        rest->length -= length;
}

bool bw_nft_rest_next(BwNftRest *rest, BwNftAttribute *ret, bool *ret_broken) {
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
        bw_nft_rest_skip(rest, NLA_ALIGN(header.nla_len));
        *ret_broken = false;
        return true;
}

BwNftRest bw_nft_rest_find(BwNftRest rest, unsigned type) {
        BwNftAttribute attribute;
        bool broken;

        while (bw_nft_rest_next(&rest, &attribute, &broken))
                if (attribute.type == type)
                        return attribute.value;
        return (BwNftRest){};
}

uint32_t bw_nft_rest_u32(BwNftRest rest) {
        uint32_t number;

        if (rest.length != sizeof(number))
                return 0;
        memcpy(&number, rest.at, sizeof(number));
        return GUINT32_FROM_BE(number);
}

uint64_t bw_nft_rest_u64(BwNftRest rest) {
        uint64_t number;

        if (rest.length != sizeof(number))
                return 0;
        memcpy(&number, rest.at, sizeof(number));
        return GUINT64_FROM_BE(number);
}
