/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_bytes.h>
#include <bw/nft_news.h>
#include <bw/nft_table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* Whatever changed, its message names the table in the same attribute. */
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_CHAIN_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_RULE_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_SET_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_SET_ELEM_LIST_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_OBJ_TABLE);
G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_FLOWTABLE_TABLE);

static bool read_generation(BwNftBytes rest, BwNftNews *news) {
        BwNftAttribute attribute;
        bool broken;

        while (bw_nft_next_attribute(&rest, &attribute, &broken)) {
                if (attribute.type == NFTA_GEN_ID)
                        news->generation = bw_nft_u32(attribute.value);
                else if (attribute.type == NFTA_GEN_PROC_PID)
                        news->pid = (int) MIN(bw_nft_u32(attribute.value), (uint32_t) G_MAXINT);
                else if (attribute.type == NFTA_GEN_PROC_NAME)
                        bw_nft_text(attribute.value, news->program, sizeof(news->program));
        }
        return !broken;
}

static bool is_our_name(BwNftBytes value) {
        const gsize length = strlen(BW_NFT_TABLE);

        return strnlen((const char *) value.at, value.length) == length &&
               memcmp(value.at, BW_NFT_TABLE, length) == 0;
}

/* The name comes first; what follows it is not looked at. */
static bool read_table(BwNftBytes rest, bool *ours) {
        BwNftAttribute attribute;
        bool broken;

        while (bw_nft_next_attribute(&rest, &attribute, &broken)) {
                if (attribute.type != NFTA_TABLE_NAME)
                        continue;
                *ours |= is_our_name(attribute.value);
                return true;
        }
        return !broken;
}

/* Of what others change only the family is looked at. */
static bool read_message(BwNftReader *reader, const BwNftMessage *message, BwNftNewsSink sink,
                         gpointer user) {
        BwNftNews news = {};

        if (message->type == BW_NFT_NOT_OURS || message->type == BW_NFT_END)
                return true;
        if (message->type != NFT_MSG_NEWGEN)
                return message->family != NFPROTO_BRIDGE || reader->ours ||
                       read_table(message->body, &reader->ours);
        if (!read_generation(message->body, &news))
                return false;
        news.ours = reader->ours;
        reader->ours = false;
        sink(&news, user);
        return true;
}

bool bw_nft_reader_read(BwNftReader *reader, const void *datagram, gsize length, BwNftNewsSink sink,
                        gpointer user) {
        BwNftBytes rest = { .at = datagram, .length = length };
        BwNftMessage message;
        bool broken;

        while (bw_nft_next_message(&rest, &message, &broken))
                if (!read_message(reader, &message, sink, user))
                        return false;
        return !broken;
}
