/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sets of borders
 *
 * By which borders of a segment a place is reached. Each set has a number, equal ones have the
 * same; 0 is the empty one, what no border leads to. Knows nothing of what is owned there.
 */

#include <bw/plan.h>
#include <bw/topology.h>

typedef struct BwBorderSets BwBorderSets;

/* (transfer full): with the empty set. @borders (BwPortPlan, sorted by name) and @topology are lent
 * for as long as it lives. */
BwBorderSets *bw_border_sets_new(const GPtrArray *borders, const BwTopology *topology);
void bw_border_sets_free(BwBorderSets *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwBorderSets, bw_border_sets_free)

/* The number of the borders that @bridge is behind. */
guint bw_border_sets_at_bridge(BwBorderSets *self, const BwBridgePlan *bridge);
/* The same of what is behind @port, which is on @bridge: whatever leads to the bridge, and the port
 * itself, but for one that is switched off. */
guint bw_border_sets_at_port(BwBorderSets *self, const BwBridgePlan *bridge,
                             const BwPortPlan *port);
/* What leads to the one or to the other. */
guint bw_border_sets_unite(BwBorderSets *self, guint a, guint b);
/* What leads to both. */
guint bw_border_sets_meet(BwBorderSets *self, guint a, guint b);
/* The borders that @picks says yes to. */
typedef bool (*BwBorderPicks)(const BwPortPlan *border, gconstpointer user);
guint bw_border_sets_pick(BwBorderSets *self, BwBorderPicks picks, gconstpointer user);
guint bw_border_sets_count(const BwBorderSets *self);
/* (transfer container) (element-type BwPortPlan): its borders, sorted by name. */
GPtrArray *bw_border_sets_list(const BwBorderSets *self, guint number);

/* The order of lists of borders, by name: GCompareFunc over BwPortPlan * in a GPtrArray. */
int bw_border_compare(gconstpointer a, gconstpointer b);
/* Where @port stands in such a list, or would. */
guint bw_border_place(const GPtrArray *borders, const BwPortPlan *port);
