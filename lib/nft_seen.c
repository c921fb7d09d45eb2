/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_attribute.h>
#include <bw/nft_seen.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

typedef struct Sink {
        BwNftSeen seen;
        gpointer user;
} Sink;

static bool is_word(BwNftRest rest, const char *word) {
        gsize length = strlen(word);

        return rest.length > length && strnlen((const char *) rest.at, rest.length) == length &&
               memcmp(rest.at, word, length) == 0;
}

static bool read_counter(BwNftRest expression, BwNftCount *ret) {
        BwNftRest numbers = bw_nft_rest_find(expression, NFTA_EXPR_DATA);

        if (!is_word(bw_nft_rest_find(expression, NFTA_EXPR_NAME), "counter"))
                return false;
        ret->packets = bw_nft_rest_u64(bw_nft_rest_find(numbers, NFTA_COUNTER_PACKETS));
        ret->bytes = bw_nft_rest_u64(bw_nft_rest_find(numbers, NFTA_COUNTER_BYTES));
        return true;
}

/* An element with one expression has it in an attribute of its own, with several they are a list.
 */
static bool find_counter(BwNftRest element, BwNftCount *ret) {
        BwNftRest list = bw_nft_rest_find(element, NFTA_SET_ELEM_EXPRESSIONS);
        BwNftAttribute expression;
        bool broken;

        if (read_counter(bw_nft_rest_find(element, NFTA_SET_ELEM_EXPR), ret))
                return true;
        while (bw_nft_rest_next(&list, &expression, &broken))
                if (read_counter(expression.value, ret))
                        return true;
        return false;
}

static void read_element(BwNftRest element, const Sink *sink) {
        BwNftRest key = bw_nft_rest_find(element, NFTA_SET_ELEM_KEY);
        BwNftRest name = bw_nft_rest_find(key, NFTA_DATA_VALUE);
        char port[BW_IFNAME_SIZE] = { 0 };
        BwNftCount count;

        if (name.length != sizeof(port) || !find_counter(element, &count))
                return;
        memcpy(port, name.at, sizeof(port) - 1);
        sink->seen(port, count, sink->user);
}

static bool read_elements(BwNftRest message, const Sink *sink) {
        BwNftAttribute element;
        BwNftRest list;
        bool broken;

        if (message.length < sizeof(struct nfgenmsg))
                return false;
        bw_nft_rest_skip(&message, NLMSG_ALIGN(sizeof(struct nfgenmsg)));
        list = bw_nft_rest_find(message, NFTA_SET_ELEM_LIST_ELEMENTS);
        while (bw_nft_rest_next(&list, &element, &broken))
                read_element(element.value, sink);
        return !broken;
}

/* What is not in order has its errno, made negative; 0 is none. */
static bool read_result(BwNftSeenReader *reader, BwNftRest message) {
        int result;

        if (message.length < sizeof(result))
                return false;
        memcpy(&result, message.at, sizeof(result));
        reader->done = true;
        reader->refusal = result < 0 && result > -G_MAXINT ? -result : 0;
        return true;
}

static bool read_message(BwNftSeenReader *reader, const struct nlmsghdr *header, BwNftRest message,
                         const Sink *sink) {
        reader->interrupted |= header->nlmsg_flags & NLM_F_DUMP_INTR;
        if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE)
                return read_result(reader, message);
        if (header->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM))
                return true;
        return read_elements(message, sink);
}

bool bw_nft_seen_read(BwNftSeenReader *reader, const void *datagram, gsize length, BwNftSeen seen,
                      gpointer user) {
        BwNftRest rest = { .at = datagram, .length = length };
        const Sink sink = { seen, user };

        while (rest.length > 0 && !reader->done) {
                struct nlmsghdr header;
                BwNftRest message;

                if (rest.length < sizeof(header))
                        return false;
                memcpy(&header, rest.at, sizeof(header));
                if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > rest.length)
                        return false;
                message = (BwNftRest){ .at = rest.at + sizeof(header),
                                       .length = header.nlmsg_len - sizeof(header) };
                if (!read_message(reader, &header, message, &sink))
                        return false;
                bw_nft_rest_skip(&rest, NLMSG_ALIGN((gsize) header.nlmsg_len));
        }
        return true;
}
