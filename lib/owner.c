/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/owner.h>

bool bw_owner_has_mac(const BwPortPlan *port, const BwMac *mac) {
        for (guint i = 0; i < port->macs->len; i++)
                if (bw_mac_equal(&g_array_index(port->macs, BwMac, i), mac))
                        return true;
        return false;
}

bool bw_owner_has_address(const BwPortPlan *port, const BwPrefix *address) {
        for (guint i = 0; i < port->addresses->len; i++)
                if (bw_prefix_contains(&g_array_index(port->addresses, BwPrefix, i), address))
                        return true;
        return false;
}

bool bw_owner_is_link_local(const BwPrefix *address) {
        return address->family == BW_FAMILY_IPV6 && address->bytes[0] == 0xfe &&
               (address->bytes[1] & 0xc0) == 0x80;
}

BwPrefix bw_owner_derive_link_local(const BwMac *mac) {
        const uint8_t *octet = mac->octet;
        const uint8_t bytes[16] = {
                0xfe,     0x80,     0,    0,    0,        0,        0,       0, octet[0] ^ 0x02,
                octet[1], octet[2], 0xff, 0xfe, octet[3], octet[4], octet[5]
        };

        return bw_prefix_from_address(BW_FAMILY_IPV6, bytes);
}

static bool is_derived(const BwPortPlan *port, const BwPrefix *address) {
        for (guint i = 0; i < port->macs->len; i++) {
                BwPrefix own = bw_owner_derive_link_local(&g_array_index(port->macs, BwMac, i));

                if (bw_prefix_equal(&own, address))
                        return true;
        }
        return false;
}

static bool has_prefix(const GArray *prefixes, const BwPrefix *address) {
        for (guint i = 0; i < prefixes->len; i++)
                if (bw_prefix_equal(&g_array_index(prefixes, BwPrefix, i), address))
                        return true;
        return false;
}

static const BwSegmentPlan *segment_of(const BwPlan *plan, const BwBridgePlan *bridge) {
        return plan->segments->pdata[bridge->segment];
}

bool bw_owner_is_foreign_gateway(const BwPlan *plan, const BwBridgePlan *bridge,
                                 const BwPortPlan *port, const BwPrefix *address) {
        return has_prefix(segment_of(plan, bridge)->gateways, address) &&
               !bw_owner_has_address(port, address);
}

/* Whether @address is declared on @bridge, by another than @port; @derived: whether some MAC makes
 * it. */
static bool is_on_bridge(const BwBridgePlan *bridge, const BwPortPlan *port,
                         const BwPrefix *address, bool *derived) {
        if (has_prefix(bridge->addresses, address))
                return true;
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *other = bridge->ports->pdata[i];

                if (other == port)
                        continue;
                if (bw_owner_has_address(other, address))
                        return true;
                *derived |= is_derived(other, address);
        }
        return false;
}

/* What is declared goes before what a MAC makes likely. */
bool bw_owner_is_another(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                         const BwPrefix *address) {
        const BwSegmentPlan *segment = segment_of(plan, bridge);
        bool derived = false;

        if (bw_owner_has_address(port, address))
                return false;
        if (has_prefix(segment->gateways, address))
                return true;
        for (guint i = 0; i < segment->bridges->len; i++)
                if (is_on_bridge(segment->bridges->pdata[i], port, address, &derived))
                        return true;
        return derived && !is_derived(port, address);
}

bool bw_owner_may_use(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *port,
                      const BwPrefix *address) {
        if (bw_owner_has_address(port, address))
                return true;
        return !port->strict_link_local && bw_owner_is_link_local(address) &&
               !bw_owner_is_another(plan, bridge, port, address);
}
