/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The graph of bridges, walked by hand
 *
 * Which bridges veth pairs join, and what is behind which port: asked of a world's links anew each
 * time, without an index. What is lent is lent from the world. Knows no settings and no rule.
 */

#include "world.h"

/* NULL: there is none. */
const BwLink *bw_test_link_numbered(const BwTestWorld *world, int ifindex);
/* The bridge that @port is on; NULL: none. */
const BwLink *bw_test_bridge_of(const BwTestWorld *world, const BwLink *port);
/* The other end of a pair of which both ends say so; NULL: there is none. */
const BwLink *bw_test_peer_of(const BwTestWorld *world, const BwLink *link);
/* The bridge at the other end of @port's pair, if that is another one; or NULL. */
const BwLink *bw_test_far_bridge(const BwTestWorld *world, const BwLink *port);
/* Whether what leaves by @port reaches @bridge: over pairs that carry, and not back over the bridge
 * that @port is on. */
bool bw_test_is_behind(const BwTestWorld *world, const BwLink *port, const BwLink *bridge);
/* Whether the two bridges are one network, over whatever links. */
bool bw_test_joins(const BwTestWorld *world, const BwLink *a, const BwLink *b);
