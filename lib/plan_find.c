/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/owner.h>
#include <string.h>

const BwPortPlan *bw_plan_find_port_of(const BwBridgePlan *bridge, const char *name) {
        guint low = 0, high = bridge->ports->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;
                const BwPortPlan *port = bridge->ports->pdata[middle];
                int order = strcmp(port->name, name);

                if (order == 0)
                        return port;
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

const BwPortPlan *bw_plan_find_port(const BwPlan *plan, const char *name,
                                    const BwBridgePlan **ret_bridge) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];
                const BwPortPlan *port = bw_plan_find_port_of(bridge, name);

                if (!port)
                        continue;
                if (ret_bridge)
                        *ret_bridge = bridge;
                return port;
        }
        return NULL;
}

typedef bool (*PortTest)(const BwPortPlan *port, gconstpointer what);

static const BwPortPlan *find_port_by(const BwPlan *plan, const BwBridgePlan *only, PortTest test,
                                      gconstpointer what, const BwBridgePlan **ret_bridge) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; (!only || only == bridge) && k < bridge->ports->len; k++) {
                        if (!test(bridge->ports->pdata[k], what))
                                continue;
                        if (ret_bridge)
                                *ret_bridge = bridge;
                        return bridge->ports->pdata[k];
                }
        }
        return NULL;
}

static bool has_ifindex(const BwPortPlan *port, gconstpointer ifindex) {
        return port->ifindex == *(const int *) ifindex;
}

static bool owns_address(const BwPortPlan *port, gconstpointer address) {
        return bw_owner_has_address(port, address);
}

static bool owns_mac(const BwPortPlan *port, gconstpointer mac) {
        return bw_owner_has_mac(port, mac);
}

const BwPortPlan *bw_plan_find_port_by_ifindex(const BwPlan *plan, int ifindex,
                                               const BwBridgePlan **ret_bridge) {
        return find_port_by(plan, NULL, has_ifindex, &ifindex, ret_bridge);
}

const BwPortPlan *bw_plan_find_owner_of_address(const BwPlan *plan, const BwBridgePlan *bridge,
                                                const BwPrefix *address) {
        return find_port_by(plan, bridge, owns_address, address, NULL);
}

const BwPortPlan *bw_plan_find_owner_of_mac(const BwPlan *plan, const BwBridgePlan *bridge,
                                            const BwMac *mac) {
        return find_port_by(plan, bridge, owns_mac, mac, NULL);
}

/* How exactly @port has @address: a length; -1: not at all. */
static int exactness(const BwPortPlan *port, const BwPrefix *address) {
        int best = -1;

        for (guint i = 0; i < port->addresses->len; i++) {
                const BwPrefix *own = &g_array_index(port->addresses, BwPrefix, i);

                if (bw_prefix_contains(own, address))
                        best = MAX(best, own->length);
        }
        return best;
}

static const BwPortPlan *find_most_exact(const BwBridgePlan *bridge, const BwPrefix *address,
                                         int *best) {
        const BwPortPlan *owner = NULL;

        for (guint i = 0; i < bridge->ports->len; i++) {
                int length = exactness(bridge->ports->pdata[i], address);

                if (length <= *best)
                        continue;
                *best = length;
                owner = bridge->ports->pdata[i];
        }
        return owner;
}

const BwPortPlan *bw_plan_find_segment_owner_of_address(const BwPlan *plan,
                                                        const BwBridgePlan *bridge,
                                                        const BwPrefix *address) {
        const BwSegmentPlan *segment = plan->segments->pdata[bridge->segment];
        int best = -1;
        const BwPortPlan *owner = find_most_exact(bridge, address, &best);

        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwPortPlan *other =
                        find_most_exact(segment->bridges->pdata[i], address, &best);

                owner = other ? other : owner;
        }
        return owner;
}

const BwPortPlan *bw_plan_find_segment_owner_of_mac(const BwPlan *plan, const BwBridgePlan *bridge,
                                                    const BwMac *mac) {
        const BwSegmentPlan *segment = plan->segments->pdata[bridge->segment];
        const BwPortPlan *owner = bw_plan_find_owner_of_mac(plan, bridge, mac);

        for (guint i = 0; !owner && i < segment->bridges->len; i++)
                owner = bw_plan_find_owner_of_mac(plan, segment->bridges->pdata[i], mac);
        return owner;
}

static bool same_macs(const GArray *a, const GArray *b) {
        return a->len == b->len &&
               (a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(BwMac)) == 0);
}

static bool same_addresses(const GArray *a, const GArray *b) {
        if (a->len != b->len)
                return false;
        for (guint i = 0; i < a->len; i++)
                if (!bw_prefix_equal(&g_array_index(a, BwPrefix, i),
                                     &g_array_index(b, BwPrefix, i)))
                        return false;
        return true;
}

static bool same_permissions(const BwPortPlan *a, const BwPortPlan *b) {
        return a->dhcp_server == b->dhcp_server && a->router == b->router &&
               a->querier == b->querier && a->strict_link_local == b->strict_link_local;
}

static bool same_wishes(const BwPortPlan *a, const BwPortPlan *b) {
        return a->closed_border == b->closed_border && a->fdb_lock == b->fdb_lock &&
               a->absent == b->absent && a->isolated == b->isolated &&
               a->derived_role == b->derived_role;
}

bool bw_port_plan_equal(const BwPortPlan *a, const BwPortPlan *b) {
        return g_str_equal(a->name, b->name) && a->ifindex == b->ifindex && a->state == b->state &&
               a->role == b->role && same_permissions(a, b) && same_wishes(a, b) &&
               a->mode == b->mode && same_macs(a->macs, b->macs) &&
               same_addresses(a->addresses, b->addresses) && g_strcmp0(a->guest, b->guest) == 0 &&
               g_str_equal(a->uuid, b->uuid) && g_strcmp0(a->trouble, b->trouble) == 0;
}

bool bw_port_plan_is_border(const BwPortPlan *port) {
        return port->state == BW_PORT_BORDER ||
               (port->state == BW_PORT_INHERITED && bw_role_is_border(port->role));
}

const char *bw_port_state_name(BwPortState state) {
        switch (state) {
        case BW_PORT_BOUND:
                return "bound";
        case BW_PORT_UNADDRESSED:
                return "unaddressed";
        case BW_PORT_CLOSED:
                return "closed";
        case BW_PORT_ANY_ADDRESS:
                return "any-address";
        case BW_PORT_OFF:
                return "off";
        case BW_PORT_BORDER:
                return "border";
        case BW_PORT_INHERITED:
                return "inherited";
        case BW_PORT_STRANGER:
                return "stranger";
        }
        g_assert_not_reached();
}

bool bw_port_state_is_guarded(BwPortState state) {
        switch (state) {
        case BW_PORT_BOUND:
        case BW_PORT_UNADDRESSED:
        case BW_PORT_CLOSED:
        case BW_PORT_INHERITED:
        case BW_PORT_ANY_ADDRESS:
        case BW_PORT_BORDER:
                return true;
        case BW_PORT_OFF:
        case BW_PORT_STRANGER:
                return false;
        }
        g_assert_not_reached();
}

bool bw_port_state_checks_ip(BwPortState state) {
        return bw_port_state_is_guarded(state) && state != BW_PORT_ANY_ADDRESS;
}

bool bw_plan_has_inherited(const BwPlan *plan) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        if (((const BwPortPlan *) bridge->ports->pdata[k])->state ==
                            BW_PORT_INHERITED)
                                return true;
        }
        return false;
}
