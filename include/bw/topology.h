/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Topology
 *
 * Bridges and what joins them, as the kernel tells it: which veth pairs lead
 * from bridge to bridge, which of them carry frames now, and what is reached
 * through which port. Arithmetic over links alone; refuses to know settings,
 * addresses and rules.
 *
 * A pair joins two bridges while both its ends are ports of bridges of this
 * namespace. It carries while both ends are up and forward (no end blocked by
 * spanning tree, IEEE 802.1D-2004). Behind such an end P of bridge B are all
 * bridges that can be reached from the other end's bridge over pairs that carry
 * without passing B: so in a loop a bridge is never behind its own port, and
 * what is beyond may be behind two of them.
 */

#include <bw/model.h>

typedef struct BwTopology BwTopology;

/* (transfer full): never NULL. Nothing in it points into @model. */
BwTopology *bw_topology_new(const BwModel *model);
void bw_topology_free(BwTopology *topology);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwTopology, bw_topology_free)

/* Bridges are told by their ifindex throughout. */

/* ifindex of the bridge the veth @port leads to; 0 when it leads to none of this namespace, or to
 * its own bridge. Whether it carries now is another question. */
int bw_topology_far_bridge(const BwTopology *topology, int port);
bool bw_topology_carries(const BwTopology *topology, int port);
/* Whether @bridge is behind @port, a veth end. */
bool bw_topology_is_behind(const BwTopology *topology, int port, int bridge);
/* Bridges that pairs join, whether these carry or not, have one number; from 0. -1: no bridge. */
int bw_topology_segment(const BwTopology *topology, int bridge);
/* Whether a pair that carries could be taken away and its bridges were joined still: a loop, which
 * spanning tree has not cut. */
bool bw_topology_is_in_loop(const BwTopology *topology, int port);
/* Whether both ends of the veth @port are ports of one bridge. */
bool bw_topology_is_short_circuit(const BwTopology *topology, int port);
