/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Parts of bw/hazard.h; nobody else includes it
 */

#include <bw/hazard.h>

typedef struct BwHazardWriter {
        const BwModel *model;
        const BwPlan *plan;
        const BwTopology *topology;
        const BwHostState *host;
        GPtrArray *list; /* BwHazard * */
} BwHazardWriter;

/* @sentence is taken over. @bridge may be NULL. The hazard is lent until the next. */
BwHazard *bw_hazard_add(BwHazardWriter *writer, BwHazardKind kind, const char *subject,
                        const BwBridgePlan *bridge, char *sentence);
/* Those of guarded bridges and of their ports. */
void bw_hazard_add_bridges(BwHazardWriter *writer);
/* That of ARP on one bridge, whose own link is @link. */
void bw_hazard_add_arp_flux(BwHazardWriter *writer, const BwBridgePlan *bridge, const BwLink *link);
/* Those of what runs at @link of @bridge and is none of ours; @what: "port" or "bridge". */
void bw_hazard_add_programs(BwHazardWriter *writer, const BwBridgePlan *bridge, const BwLink *link,
                            const char *what);
/* Those of guests that run. */
void bw_hazard_add_guests(BwHazardWriter *writer);
