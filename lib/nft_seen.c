/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_bytes.h>
#include <bw/nft_seen.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

typedef struct Sink {
        BwNftSeen seen;
        gpointer user;
} Sink;

static bool is_counter(BwNftBytes expression) {
        char name[sizeof("counter") + 1];

        bw_nft_text(bw_nft_find(expression, NFTA_EXPR_NAME), name, sizeof(name));
        return g_str_equal(name, "counter");
}

static bool read_counter(BwNftBytes expression, BwNftCount *ret) {
        BwNftBytes numbers;

        if (!is_counter(expression))
                return false;
        numbers = bw_nft_find(expression, NFTA_EXPR_DATA);
        ret->packets = bw_nft_u64(bw_nft_find(numbers, NFTA_COUNTER_PACKETS));
        ret->bytes = bw_nft_u64(bw_nft_find(numbers, NFTA_COUNTER_BYTES));
        return true;
}

/* An element with one expression has it in an attribute of its own, with several they are a list.
 */
static bool find_counter(BwNftBytes element, BwNftCount *ret) {
        BwNftBytes list = bw_nft_find(element, NFTA_SET_ELEM_EXPRESSIONS);
        BwNftAttribute expression;
        bool broken;

        if (read_counter(bw_nft_find(element, NFTA_SET_ELEM_EXPR), ret))
                return true;
        while (bw_nft_next_attribute(&list, &expression, &broken))
                if (read_counter(expression.value, ret))
                        return true;
        return false;
}

static void read_element(BwNftBytes element, const Sink *sink) {
        BwNftBytes key = bw_nft_find(element, NFTA_SET_ELEM_KEY);
        BwNftBytes name = bw_nft_find(key, NFTA_DATA_VALUE);
        char port[BW_IFNAME_SIZE];
        BwNftCount count;

        if (name.length != sizeof(port) || !find_counter(element, &count))
                return;
        bw_nft_text(name, port, sizeof(port));
        sink->seen(port, count, sink->user);
}

static bool read_elements(BwNftBytes body, const Sink *sink) {
        BwNftBytes list = bw_nft_find(body, NFTA_SET_ELEM_LIST_ELEMENTS);
        BwNftAttribute element;
        bool broken;

        while (bw_nft_next_attribute(&list, &element, &broken))
                read_element(element.value, sink);
        return !broken;
}

bool bw_nft_seen_read(const void *datagram, gsize length, BwNftSeen seen, gpointer user) {
        BwNftBytes rest = { .at = datagram, .length = length };
        const Sink sink = { seen, user };
        BwNftMessage message;
        bool broken;

        while (bw_nft_next_message(&rest, &message, &broken) && message.type != BW_NFT_END)
                if (message.type == NFT_MSG_NEWSETELEM && !read_elements(message.body, &sink))
                        return false;
        return !broken;
}
