/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Name tree
 *
 * A prefix tree over port names, so that finding one port among a thousand costs
 * a packet a few comparisons and not a thousand. Pure arithmetic on names; does
 * not know what a port is.
 *
 * A node lists its branches in order, those that lead to other nodes first: a
 * leaf is one whole name, an inner branch leads whatever begins with a prefix to
 * the node where such names are. A packet at a node tries the branches one after
 * the other.
 *
 * A node costs the kernel's table three entries and one for each branch that leads
 * to it, so all names of a bridge stand in one node until a packet would meet more
 * than BW_NAME_NODE_MOST comparisons; then the largest groups of names that begin
 * alike leave it, the fewest that make enough room. Several small ones share a node
 * as long as nobody on that way meets more than BW_NAME_NODE_MOST either, in both
 * nodes together.
 */

#include <bw/guest.h>

/* Branches of a node, unless more names than that part at the same byte. */
#define BW_NAME_NODE_MOST 18

typedef struct BwNameBranch {
        char name[BW_IFNAME_SIZE]; /* the whole name of a leaf, or the prefix of what leaves */
        bool is_node;
        guint node; /* of an inner branch: the index of the node it leads to */
} BwNameBranch;

typedef struct BwNameNode {
        char prefix[BW_IFNAME_SIZE]; /* "" for the root, else the first that leads here; no two
                                        nodes have the same */
        GArray *branches;            /* BwNameBranch */
} BwNameNode;

/* (transfer full) (element-type BwNameNode): the root first, and each node behind the one that
 * leads to it. @names: @n_names different names, sorted by strcmp(). No name is taken in by two
 * branches of a node. */
GPtrArray *bw_name_tree_new(const char *const *names, gsize n_names);
