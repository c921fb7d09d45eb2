/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_news.h>
#include <bw/nft_table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

/* Bytes not yet read. */
typedef struct Rest {
        const uint8_t *at;
        gsize length;
} Rest;

typedef struct Attribute {
        unsigned type;
        const uint8_t *bytes;
        gsize length;
} Attribute;

static void skip(Rest *rest, gsize length) {
        length = MIN(length, rest->length);
        rest->at += length;
        rest->length -= length;
}

/* Whatever changed, its message names the table in the same attribute. */
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_CHAIN_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_RULE_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_SET_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_SET_ELEM_LIST_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_OBJ_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_FLOWTABLE_TABLE);

/* False at the end, and with @ret_broken set where no attribute can be. */
static bool next_attribute(Rest *rest, Attribute *ret, bool *ret_broken) {
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
        *ret = (Attribute){ .type = header.nla_type & NLA_TYPE_MASK,
                            .bytes = rest->at + NLA_HDRLEN,
                            .length = header.nla_len - NLA_HDRLEN };
        skip(rest, NLA_ALIGN(header.nla_len));
        *ret_broken = false;
        return true;
}

static uint32_t u32_of(const Attribute *attribute) {
        uint32_t number;

        if (attribute->length != sizeof(number))
                return 0;
        memcpy(&number, attribute->bytes, sizeof(number));
        return GUINT32_FROM_BE(number);
}

static void read_program(const Attribute *attribute, BwNftNews *news) {
        gsize length = strnlen((const char *) attribute->bytes, attribute->length);

        length = MIN(length, sizeof(news->program) - 1);
        memcpy(news->program, attribute->bytes, length);
        news->program[length] = '\0';
}

static bool read_generation(Rest rest, BwNftNews *news) {
        Attribute attribute;
        bool broken;

        while (next_attribute(&rest, &attribute, &broken)) {
                if (attribute.type == NFTA_GEN_ID)
                        news->generation = u32_of(&attribute);
                else if (attribute.type == NFTA_GEN_PROC_PID)
                        news->pid = (int) MIN(u32_of(&attribute), (uint32_t) G_MAXINT);
                else if (attribute.type == NFTA_GEN_PROC_NAME)
                        read_program(&attribute, news);
        }
        return !broken;
}

static bool is_our_name(const Attribute *attribute) {
        const gsize length = strlen(BW_NFT_TABLE);

        return strnlen((const char *) attribute->bytes, attribute->length) == length &&
               memcmp(attribute->bytes, BW_NFT_TABLE, length) == 0;
}

/* The name comes first; what follows it is not looked at. */
static bool read_table(Rest rest, bool *ours) {
        Attribute attribute;
        bool broken;

        while (next_attribute(&rest, &attribute, &broken)) {
                if (attribute.type != NFTA_TABLE_NAME)
                        continue;
                *ours |= is_our_name(&attribute);
                return true;
        }
        return !broken;
}

/* @rest: what follows the netlink header. Of what others change only the family is looked at. */
static bool read_message(BwNftReader *reader, unsigned type, Rest rest, BwNftNewsSink sink,
                         gpointer user) {
        struct nfgenmsg header;
        BwNftNews news = {};

        if (type >> 8 != NFNL_SUBSYS_NFTABLES)
                return true;
        if (rest.length < sizeof(header))
                return false;
        memcpy(&header, rest.at, sizeof(header));
        skip(&rest, sizeof(header));
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
        Rest rest = { .at = datagram, .length = length };

        while (rest.length > 0) {
                struct nlmsghdr header;
                Rest body;

                if (rest.length < sizeof(header))
                        return false;
                memcpy(&header, rest.at, sizeof(header));
                if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > rest.length)
                        return false;
                body = (Rest){ .at = rest.at + sizeof(header),
                               .length = header.nlmsg_len - sizeof(header) };
                if (!read_message(reader, header.nlmsg_type, body, sink, user))
                        return false;
                skip(&rest, NLMSG_ALIGN((gsize) header.nlmsg_len));
        }
        return true;
}
