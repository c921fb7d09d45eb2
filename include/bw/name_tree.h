/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Name tree
 *
 * A prefix tree over port names, so that finding one port among a thousand costs
 * a packet a few comparisons and not a thousand. Pure arithmetic on names; does
 * not know what a port is.
 *
 * A node stands for a prefix and lists its branches in order: a leaf is one
 * whole name, an inner branch leads to the node of a longer prefix. A packet at
 * a node tries the branches one after the other.
 */

#include <bw/guest.h>

typedef struct BwNameBranch {
        char name[BW_IFNAME_SIZE]; /* the whole name of a leaf, or the prefix of a node */
        bool is_node;
} BwNameBranch;

typedef struct BwNameNode {
        char prefix[BW_IFNAME_SIZE]; /* "" for the root */
        GArray *branches;            /* BwNameBranch; leaves that equal the prefix first */
} BwNameNode;

/* (transfer full) (element-type BwNameNode): the root first, then depth first in byte order.
 * @names: @n_names different names, sorted by strcmp(). A branch that leads to a node differs from
 * all other branches beside it in the byte after the prefix; no node but the root has a single
 * branch, and none has so few names below it that they could stand in the node above. */
GPtrArray *bw_name_tree_new(const char *const *names, gsize n_names);
