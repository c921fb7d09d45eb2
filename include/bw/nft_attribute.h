/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Attributes of nfnetlink's messages
 *
 * A message is a row of attributes, each with its length (linux/netlink.h); one
 * may hold a row of others. Trusts no length and needs no alignment.
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes not yet read; lent. */
typedef struct BwNftRest {
        const uint8_t *at;
        gsize length;
} BwNftRest;

typedef struct BwNftAttribute {
        unsigned type;
        BwNftRest value;
} BwNftAttribute;

/* Over @length bytes, or to the end. */
void bw_nft_rest_skip(BwNftRest *rest, gsize length);
/* False at the end, and with @ret_broken set where no attribute can be. */
bool bw_nft_rest_next(BwNftRest *rest, BwNftAttribute *ret, bool *ret_broken);
/* The value of the first attribute of @type; without bytes when there is none. */
BwNftRest bw_nft_rest_find(BwNftRest rest, unsigned type);
/* In host order; 0: it is no number of this size. */
uint32_t bw_nft_rest_u32(BwNftRest rest);
uint64_t bw_nft_rest_u64(BwNftRest rest);
