/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the host's own ARP and ND table says of bound addresses
 *
 * Where the host itself stands in a segment, which of its entries contradict the
 * bindings, and which permanent ones PinNeighbours= asks for. Changes no table.
 */

#include <bw/plan.h>

/* An entry for a bound address with a MAC that is not its port's. All lent. */
typedef struct BwNeighbourClaim {
        const BwBridgePlan *owner_bridge;
        const BwPortPlan *owner; /* whose the address is */
        const BwBridgePlan *holder_bridge;
        const BwPortPlan *holder; /* whose the MAC is; NULL: nobody's that we know */
        const BwBridgePlan *source_bridge;
        const BwPortPlan *source; /* where a bridge has learned the MAC; NULL: nowhere */
} BwNeighbourClaim;

/* Whether @neighbour is such an entry; @ret is set then. */
bool bw_neighbour_is_foreign(const BwPlan *plan, const BwModel *model, const BwNeighbour *neighbour,
                             BwNeighbourClaim *ret);

/* (transfer full) (element-type BwNeighbour): the permanent entries that must be, sorted by link
 * and address. For each guest's port with a single MAC, its single addresses, on every link of the
 * host in its segment that has an address of the same family. */
GArray *bw_neighbour_list_pins(const BwPlan *plan, const BwModel *model);
