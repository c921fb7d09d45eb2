/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/neighbour_claim.h>
#include <bw/neighbour_table.h>
#include <bw/owner.h>

/* Where the host stands */

static bool are_joined(const BwBridgePlan *a, const BwBridgePlan *b) {
        return a->segment == b->segment;
}

/* A link of the host's: a bridge itself, or the far end of a host port. NULL: neither. */
static const BwBridgePlan *find_bridge_at(const BwPlan *plan, const BwModel *model, int ifindex) {
        const BwLink *link = bw_model_find_link(model, ifindex);
        const BwBridgePlan *bridge = NULL;
        const BwPortPlan *port;

        for (guint i = 0; i < plan->bridges->len; i++)
                if (((const BwBridgePlan *) plan->bridges->pdata[i])->ifindex == ifindex)
                        return plan->bridges->pdata[i];
        if (!link || link->peer == 0 || link->master != 0)
                return NULL;
        port = bw_plan_find_port_by_ifindex(plan, link->peer, &bridge);
        return port && port->role == BW_ROLE_HOST ? bridge : NULL;
}

/* Contradictions */

typedef const BwPortPlan *(*FindOwner)(const BwPlan *plan, const BwBridgePlan *bridge,
                                       gconstpointer what);

static const BwPortPlan *find_address(const BwPlan *plan, const BwBridgePlan *bridge,
                                      gconstpointer address) {
        return bw_plan_find_owner_of_address(plan, bridge, address);
}

static const BwPortPlan *find_mac(const BwPlan *plan, const BwBridgePlan *bridge,
                                  gconstpointer mac) {
        return bw_plan_find_owner_of_mac(plan, bridge, mac);
}

/* In the whole segment; what is declared behind a border counts where nobody has it himself. */
static const BwPortPlan *find_in_segment(const BwPlan *plan, const BwBridgePlan *bridge,
                                         FindOwner find, gconstpointer what,
                                         const BwBridgePlan **ret_bridge) {
        const BwPortPlan *behind = NULL;

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *other = plan->bridges->pdata[i];
                const BwPortPlan *port = are_joined(bridge, other) ? find(plan, other, what) : NULL;

                if (!port || (bw_role_is_border(port->role) && behind))
                        continue;
                *ret_bridge = other;
                if (!bw_role_is_border(port->role))
                        return port;
                behind = port;
        }
        return behind;
}

/* Learned on several bridges it comes from where no border is between. */
static void find_source(const BwPlan *plan, const BwModel *model, const BwBridgePlan *bridge,
                        const BwMac *mac, BwNeighbourClaim *ret) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *other = plan->bridges->pdata[i];
                const BwFdbRecord *record =
                        are_joined(bridge, other) ? bw_model_find_fdb(model, other->ifindex, mac, 0)
                                                  : NULL;
                const BwPortPlan *port =
                        record ? bw_plan_find_port_by_ifindex(plan, record->entry.port, NULL)
                               : NULL;

                if (!port || (ret->source && bw_role_is_border(port->role)))
                        continue;
                ret->source = port;
                ret->source_bridge = other;
        }
}

bool bw_neighbour_is_foreign(const BwPlan *plan, const BwModel *model, const BwNeighbour *neighbour,
                             BwNeighbourClaim *ret) {
        static const BwMac none = {};
        const BwBridgePlan *bridge = find_bridge_at(plan, model, neighbour->ifindex);
        BwNeighbourClaim claim = {};

        if (!bridge || bw_mac_equal(&neighbour->mac, &none))
                return false;
        claim.owner = find_in_segment(plan, bridge, find_address, &neighbour->address,
                                      &claim.owner_bridge);
        if (!claim.owner || claim.owner->macs->len == 0 ||
            bw_owner_has_mac(claim.owner, &neighbour->mac))
                return false;
        claim.holder =
                find_in_segment(plan, bridge, find_mac, &neighbour->mac, &claim.holder_bridge);
        find_source(plan, model, bridge, &neighbour->mac, &claim);
        *ret = claim;
        return true;
}

/* Pins */

typedef struct Pins {
        const BwPlan *plan;
        const BwModel *model;
        GArray *list; /* BwNeighbour */
} Pins;

static bool has_family(const GArray *addresses, BwFamily family) {
        for (guint i = 0; i < addresses->len; i++)
                if (g_array_index(addresses, BwHostAddress, i).address.family == family)
                        return true;
        return false;
}

static void pin_port(const Pins *pins, const BwPortPlan *port, int ifindex,
                     const GArray *addresses) {
        BwNeighbour pin = { .ifindex = ifindex, .permanent = true };

        if (port->role != BW_ROLE_GUEST || port->state != BW_PORT_BOUND || port->macs->len != 1)
                return;
        pin.mac = g_array_index(port->macs, BwMac, 0);
        for (guint i = 0; i < port->addresses->len; i++) {
                pin.address = g_array_index(port->addresses, BwPrefix, i);
                if (bw_prefix_is_single(&pin.address) && has_family(addresses, pin.address.family))
                        g_array_append_val(pins->list, pin);
        }
}

/* On a link of the host's that stands on @bridge, all guests of the segment whose bridge says so.
 */
static void pin_at(const Pins *pins, const BwBridgePlan *bridge, int ifindex) {
        g_autoptr(GArray) addresses = bw_model_list_addresses(pins->model, ifindex);

        for (guint i = 0; addresses->len > 0 && i < pins->plan->bridges->len; i++) {
                const BwBridgePlan *other = pins->plan->bridges->pdata[i];

                if (!other->pin_neighbours || !are_joined(bridge, other))
                        continue;
                for (guint k = 0; k < other->ports->len; k++)
                        pin_port(pins, other->ports->pdata[k], ifindex, addresses);
        }
}

GArray *bw_neighbour_list_pins(const BwPlan *plan, const BwModel *model) {
        Pins pins = { plan, model, g_array_new(FALSE, FALSE, sizeof(BwNeighbour)) };

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                pin_at(&pins, bridge, bridge->ifindex);
                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *port = bridge->ports->pdata[k];
                        const BwLink *link = bw_model_find_link(model, port->ifindex);

                        if (port->role == BW_ROLE_HOST && link && link->peer != 0)
                                pin_at(&pins, bridge, link->peer);
                }
        }
        g_array_sort(pins.list, bw_neighbour_compare);
        return pins.list;
}
