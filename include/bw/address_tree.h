/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Address tree
 *
 * A tree over IP prefixes of one family by their leading bits, two at a step or
 * one, paths without a choice left out. Comparing an address with a prefix is the
 * cheapest thing a rule can do, so this finds one address among thousands for
 * less than the name tree finds one port. Pure arithmetic; does not know whose
 * addresses they are.
 */

#include <bw/addr.h>

/* More rules in one bucket cost more than one more step of the tree. */
#define BW_ADDRESS_BUCKET 16

typedef struct BwAddressNode {
        BwPrefix base; /* whatever is below is in it */
        GArray *items; /* (element-type gsize): what is looked at here, as indexes into the input:
                          all of a bucket, else what is too wide for any child */
        GArray *children; /* (element-type guint): indexes of nodes; empty for a bucket */
} BwAddressNode;

/* Going down from the root, at each node the items first, then the one child that contains the
 * address, meets every prefix of the input that contains it, the wider ones first. The other way
 * round: all that is in a node's children is more exact than all its items, and among the items the
 * last that contains an address is the most exact. An item either takes in all of a child or
 * nothing of it.
 *
 * (transfer full) (element-type BwAddressNode): the root first. @prefixes: @n of them, of one
 * family, sorted by bw_prefix_compare(); one may occur more than once, and one may be in another.
 * Empty input: no node. */
GPtrArray *bw_address_tree_new(const BwPrefix *prefixes, gsize n);
