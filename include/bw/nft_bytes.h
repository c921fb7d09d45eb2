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
        unsigned type;    /* NFT_MSG_*, or one of those below */
        uint8_t family;   /* NFPROTO_* */
        bool interrupted; /* rules have changed while this answer was written: some of it may be
                             missing or come twice */
        int refusal;      /* of BW_NFT_END: errno of the kernel; 0: none */
        BwNftBytes body;  /* attributes */
} BwNftMessage;

#define BW_NFT_NOT_OURS 0xffffu /* of other subsystems, and of netlink itself */
#define BW_NFT_END      0xfffeu /* of an answer, whole or refused: nothing comes behind it */

typedef struct BwNftAttribute {
        unsigned type; /* without the marks NLA_F_* */
        BwNftBytes value;
} BwNftAttribute;

/* Both: false at the end, and with @ret_broken set where nothing can be read. */
bool bw_nft_next_message(BwNftBytes *rest, BwNftMessage *ret, bool *ret_broken);
bool bw_nft_next_attribute(BwNftBytes *rest, BwNftAttribute *ret, bool *ret_broken);

/* The value of the last attribute of @type, as the kernel's own parser has it; at NULL: none. */
BwNftBytes bw_nft_find(BwNftBytes rest, unsigned type);

/* Numbers of network byte order; 0 where there is none of four bytes, or of eight. */
uint32_t bw_nft_u32(BwNftBytes value);
uint64_t bw_nft_u64(BwNftBytes value);
/* Copies text that may lack its NUL, as far as there is room; @ret always has one. */
void bw_nft_text(BwNftBytes value, char *ret, gsize size);
