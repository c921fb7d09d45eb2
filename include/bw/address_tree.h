/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Address tree
 *
 * A tree over IPv4 addresses by their leading bits, two at a step, paths without
 * a choice left out. Comparing an address with a prefix is the cheapest thing a
 * rule can do, so this finds one address among thousands for less than the name
 * tree finds one port. Pure arithmetic; does not know whose addresses they are.
 */

#include <glib.h>
#include <stdint.h>

/* More rules in one bucket cost more than one more step of the tree. */
#define BW_ADDRESS_BUCKET 16

typedef struct BwAddressNode {
        uint32_t base;    /* host byte order; bits beyond @length are zero */
        uint8_t length;   /* every address below shares the first @length bits */
        GArray *children; /* (element-type guint): indexes of nodes; empty for a bucket */
        gsize first, n;   /* a bucket's addresses, as indexes into the input */
} BwAddressNode;

/* (transfer full) (element-type BwAddressNode): the root first. @addresses: @n of them, host byte
 * order, sorted; one may occur more than once. Empty input: no node. */
GPtrArray *bw_address_tree_new(const uint32_t *addresses, gsize n);
