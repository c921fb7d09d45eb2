/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Messages of nftables, taken apart
 *
 * A datagram is messages, a message attributes, an attribute attributes again
 * (linux/netlink.h, linux/netfilter/nfnetlink.h). Trusts no length in them.
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes not yet read, of any alignment; lent. */
typedef struct BwNftBytes {
        const uint8_t *at;
        gsize length;
} BwNftBytes;

typedef struct BwNftMessage {
        unsigned type;   /* NFT_MSG_*; of other subsystems and of netlink itself: BW_NFT_NOT_OURS */
        uint8_t family;  /* NFPROTO_* */
        BwNftBytes body; /* attributes */
} BwNftMessage;

#define BW_NFT_NOT_OURS 0xffffu

typedef struct BwNftAttribute {
        unsigned type; /* without the marks NLA_F_* */
        BwNftBytes value;
} BwNftAttribute;

/* Both: false at the end, and with @ret_broken set where nothing can be read. */
bool bw_nft_next_message(BwNftBytes *rest, BwNftMessage *ret, bool *ret_broken);
bool bw_nft_next_attribute(BwNftBytes *rest, BwNftAttribute *ret, bool *ret_broken);

/* A number of network byte order; 0 where there is none of four bytes. */
uint32_t bw_nft_u32(BwNftBytes value);
/* Copies text that may lack its NUL, as far as there is room; @ret always has one. */
void bw_nft_text(BwNftBytes value, char *ret, gsize size);
