/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/owner.h>
#include <bw/plan_claims.h>

typedef struct Claim {
        BwPrefix address;
        BwPortPlan *port;
        bool lost;
        unsigned rivals;
} Claim;

static int compare_claims(gconstpointer a, gconstpointer b) {
        const Claim *left = a, *right = b;

        return bw_prefix_compare(&left->address, &right->address);
}

/* One guest, or the host, by several ports. */
static bool same_owner(const BwPortPlan *a, const BwPortPlan *b) {
        return a == b || (a->uuid[0] && g_str_equal(a->uuid, b->uuid)) ||
               (a->derived_addresses && b->derived_addresses);
}

/* Naming every rival of a network that is a mistake would fill the journal. */
#define MAX_NAMED 3

static void lose(Claim *claim, const BwPortPlan *other) {
        g_autofree char *address = NULL, *former = NULL;

        claim->lost = true;
        claim->port->contested = true;
        if (++claim->rivals > MAX_NAMED)
                return;
        address = bw_prefix_print(&claim->address);
        former = claim->port->trouble;
        claim->port->trouble =
                g_strdup_printf("%s%saddress %s is also claimed by port %s", former ? former : "",
                                former ? "; " : "", address, other->name);
}

/* With Addresses=any only what Gateway= names is claimed. */
static bool claims(const BwPortPlan *port) {
        return port->state == BW_PORT_BOUND || port->state == BW_PORT_ANY_ADDRESS;
}

static void add_claims(GArray *claims_made, const BwBridgePlan *bridge) {
        for (guint i = 0; i < bridge->ports->len; i++) {
                BwPortPlan *port = bridge->ports->pdata[i];

                for (guint k = 0; claims(port) && k < port->addresses->len; k++) {
                        Claim claim = { .address = g_array_index(port->addresses, BwPrefix, k),
                                        .port = port };

                        g_array_append_val(claims_made, claim);
                }
        }
}

static GArray *list_claims(const GPtrArray *bridges) {
        GArray *claims_made = g_array_new(FALSE, TRUE, sizeof(Claim));

        for (guint i = 0; i < bridges->len; i++)
                add_claims(claims_made, bridges->pdata[i]);
        g_array_sort(claims_made, compare_claims);
        return claims_made;
}

static void remove_lost(const Claim *claim) {
        GArray *addresses = claim->port->addresses;

        for (guint i = 0; i < addresses->len; i++) {
                if (!bw_prefix_equal(&g_array_index(addresses, BwPrefix, i), &claim->address))
                        continue;
                g_array_remove_index(addresses, i);
                break;
        }
        if (addresses->len == 0 && claim->port->state == BW_PORT_BOUND)
                claim->port->state = BW_PORT_CLOSED;
}

/* @wide stands before @exact, which it contains or is equal to. What is configured is stronger than
 * what was only found. Of equal strength neither wins, and the address is closed for both; but a
 * network that reaches over somebody's own address is the mistake, and loses alone. */
static void dispute(Claim *wide, Claim *exact) {
        if (same_owner(wide->port, exact->port))
                return;
        if (wide->port->derived_addresses != exact->port->derived_addresses) {
                Claim *weaker = wide->port->derived_addresses ? wide : exact;

                lose(weaker, weaker == wide ? exact->port : wide->port);
                return;
        }
        lose(wide, exact->port);
        if (wide->address.length == exact->address.length)
                lose(exact, wide->port);
}

void bw_plan_settle_claims(const GPtrArray *bridges) {
        g_autoptr(GArray) claims_made = list_claims(bridges);

        for (guint i = 0; i < claims_made->len; i++) {
                Claim *claim = &g_array_index(claims_made, Claim, i);

                /* Sorted, a prefix stands before all it contains. */
                for (guint k = i + 1; k < claims_made->len; k++) {
                        Claim *other = &g_array_index(claims_made, Claim, k);

                        if (!bw_prefix_overlaps(&claim->address, &other->address))
                                break;
                        dispute(claim, other);
                }
        }
        for (guint i = 0; i < claims_made->len; i++)
                if (g_array_index(claims_made, Claim, i).lost)
                        remove_lost(&g_array_index(claims_made, Claim, i));
}

/* What a former run has left */

static bool is_declared(const BwPortPlan *port) {
        return bw_port_state_is_guarded(port->state) && port->state != BW_PORT_INHERITED &&
               port->state != BW_PORT_BORDER;
}

static bool has_all_of(const GArray *addresses, const BwPrefix *address) {
        for (guint i = 0; i < addresses->len; i++)
                if (bw_prefix_contains(&g_array_index(addresses, BwPrefix, i), address))
                        return true;
        return false;
}

static void yield_addresses(BwPortPlan *port, const GArray *declared) {
        for (guint i = port->addresses->len; i-- > 0;)
                if (has_all_of(declared, &g_array_index(port->addresses, BwPrefix, i)))
                        g_array_remove_index(port->addresses, i);
}

static void yield_mac(BwPortPlan *port, const BwMac *declared) {
        for (guint i = port->macs->len; i-- > 0;)
                if (bw_mac_equal(&g_array_index(port->macs, BwMac, i), declared))
                        g_array_remove_index(port->macs, i);
}

/* Elsewhere what is declared goes before what a MAC makes likely, but a chain declares nothing. */
static void yield_link_local(BwPortPlan *port, const BwMac *declared) {
        BwPrefix own = bw_owner_derive_link_local(declared);

        for (guint i = port->addresses->len; i-- > 0;)
                if (bw_prefix_contains(&g_array_index(port->addresses, BwPrefix, i), &own))
                        g_array_remove_index(port->addresses, i);
}

static void yield_to_port(BwPortPlan *port, const BwPortPlan *other) {
        yield_addresses(port, other->addresses);
        for (guint i = 0; i < other->macs->len; i++) {
                const BwMac *mac = &g_array_index(other->macs, BwMac, i);

                yield_mac(port, mac);
                if (!other->strict_link_local)
                        yield_link_local(port, mac);
        }
}

static void yield_to_bridge(BwPortPlan *port, const BwBridgePlan *bridge) {
        yield_addresses(port, bridge->addresses);
        yield_mac(port, &bridge->mac);
        for (guint i = 0; i < bridge->ports->len; i++)
                if (is_declared(bridge->ports->pdata[i]))
                        yield_to_port(port, bridge->ports->pdata[i]);
}

void bw_plan_settle_inherited(const GPtrArray *bridges) {
        for (guint i = 0; i < bridges->len; i++) {
                const BwBridgePlan *bridge = bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        BwPortPlan *port = bridge->ports->pdata[k];

                        if (port->state != BW_PORT_INHERITED)
                                continue;
                        for (guint m = 0; m < bridges->len; m++)
                                yield_to_bridge(port, bridges->pdata[m]);
                }
        }
}

/* Gateways */

static unsigned full_length(const BwPrefix *address) {
        return address->family == BW_FAMILY_IPV4 ? 32 : 128;
}

/* All of @network but @hole, a single address in it: at each length the half without it. */
static void add_around(GArray *addresses, const BwPrefix *network, const BwPrefix *hole) {
        for (unsigned length = network->length + 1u; length <= full_length(hole); length++) {
                BwPrefix half = bw_prefix_network(hole, (uint8_t) length);

                half.bytes[(length - 1) / 8] ^= (uint8_t) (0x80 >> (length - 1) % 8);
                g_array_append_val(addresses, half);
        }
}

static int compare_prefixes(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static void take_out(BwPortPlan *port, const BwPrefix *gateway) {
        GArray *addresses = port->addresses;

        for (guint i = addresses->len; i-- > 0;) {
                BwPrefix network = g_array_index(addresses, BwPrefix, i);

                if (network.length == full_length(&network) ||
                    !bw_prefix_contains(&network, gateway))
                        continue;
                g_array_remove_index(addresses, i);
                add_around(addresses, &network, gateway);
        }
        g_array_sort(addresses, compare_prefixes);
}

static void take_out_of_all(const GPtrArray *bridges, const BwPrefix *gateway) {
        for (guint i = 0; i < bridges->len; i++) {
                const BwBridgePlan *bridge = bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        if (claims(bridge->ports->pdata[k]))
                                take_out(bridge->ports->pdata[k], gateway);
        }
}

void bw_plan_settle_gateways(const GPtrArray *bridges) {
        for (guint i = 0; i < bridges->len; i++) {
                const GArray *gateways = ((const BwBridgePlan *) bridges->pdata[i])->gateways;

                for (guint k = 0; k < gateways->len; k++)
                        take_out_of_all(bridges, &g_array_index(gateways, BwPrefix, k));
        }
}
