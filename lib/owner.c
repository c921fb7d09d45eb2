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

/* What is declared goes before what a MAC makes likely. */
bool bw_owner_is_another(const BwBridgePlan *bridge, const BwPortPlan *port,
                         const BwPrefix *address) {
        bool derived = false;

        if (bw_owner_has_address(port, address))
                return false;
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *other = bridge->ports->pdata[i];

                if (other == port)
                        continue;
                if (bw_owner_has_address(other, address))
                        return true;
                derived |= is_derived(other, address);
        }
        return derived && !is_derived(port, address);
}

bool bw_owner_may_use(const BwBridgePlan *bridge, const BwPortPlan *port, const BwPrefix *address) {
        if (bw_owner_has_address(port, address))
                return true;
        return !port->strict_link_local && bw_owner_is_link_local(address) &&
               !bw_owner_is_another(bridge, port, address);
}
