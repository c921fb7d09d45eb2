/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_attribute.h>
#include <bw/nft_news.h>
#include <bw/nft_table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

/* Whatever changed, its message names the table in the same attribute. */
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_CHAIN_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_RULE_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_SET_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_SET_ELEM_LIST_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_OBJ_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_FLOWTABLE_TABLE);

static void read_program(const BwNftAttribute *attribute, BwNftNews *news) {
        gsize length = strnlen((const char *) attribute->value.at, attribute->value.length);

        length = MIN(length, sizeof(news->program) - 1);
        memcpy(news->program, attribute->value.at, length);
        news->program[length] = '\0';
}

static bool read_generation(BwNftRest rest, BwNftNews *news) {
        BwNftAttribute attribute;
        bool broken;

        while (bw_nft_rest_next(&rest, &attribute, &broken)) {
                if (attribute.type == NFTA_GEN_ID)
                        news->generation = bw_nft_rest_u32(attribute.value);
                else if (attribute.type == NFTA_GEN_PROC_PID)
                        news->pid =
                                (int) MIN(bw_nft_rest_u32(attribute.value), (uint32_t) G_MAXINT);
                else if (attribute.type == NFTA_GEN_PROC_NAME)
                        read_program(&attribute, news);
        }
        return !broken;
}

static bool is_our_name(const BwNftAttribute *attribute) {
        const gsize length = strlen(BW_NFT_TABLE);

        return strnlen((const char *) attribute->value.at, attribute->value.length) == length &&
               memcmp(attribute->value.at, BW_NFT_TABLE, length) == 0;
}

/* The name comes first; what follows it is not looked at. */
static bool read_table(BwNftRest rest, bool *ours) {
        BwNftAttribute attribute;
        bool broken;

        while (bw_nft_rest_next(&rest, &attribute, &broken)) {
                if (attribute.type != NFTA_TABLE_NAME)
                        continue;
                *ours |= is_our_name(&attribute);
                return true;
        }
        return !broken;
}

/* @rest: what follows the netlink header. Of what others change only the family is looked at. */
static bool read_message(BwNftReader *reader, unsigned type, BwNftRest rest, BwNftNewsSink sink,
                         gpointer user) {
        struct nfgenmsg header;
        BwNftNews news = {};

        if (type >> 8 != NFNL_SUBSYS_NFTABLES)
                return true;
        if (rest.length < sizeof(header))
                return false;
        memcpy(&header, rest.at, sizeof(header));
        bw_nft_rest_skip(&rest, sizeof(header));
        if ((type & 0xff) != NFT_MSG_NEWGEN)
                return header.nfgen_family != NFPROTO_BRIDGE || reader->ours ||
                       read_table(rest, &reader->ours);
        if (!read_generation(rest, &news))
                return false;
        news.ours = reader->ours;
        reader->ours = false;
        sink(&news, user);
        return true;
}

bool bw_nft_reader_read(BwNftReader *reader, const void *datagram, gsize length, BwNftNewsSink sink,
                        gpointer user) {
        BwNftRest rest = { .at = datagram, .length = length };

        while (rest.length > 0) {
                struct nlmsghdr header;
                BwNftRest body;

                if (rest.length < sizeof(header))
                        return false;
                memcpy(&header, rest.at, sizeof(header));
                if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > rest.length)
                        return false;
                body = (BwNftRest){ .at = rest.at + sizeof(header),
                                    .length = header.nlmsg_len - sizeof(header) };
                if (!read_message(reader, header.nlmsg_type, body, sink, user))
                        return false;
                bw_nft_rest_skip(&rest, NLMSG_ALIGN((gsize) header.nlmsg_len));
        }
        return true;
}
