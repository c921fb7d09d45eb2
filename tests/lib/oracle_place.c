/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whatever is owned, one thing after the other.
 */

#include "oracle_place.h"

#include "bridge_graph.h"

typedef struct Search {
        const BwTestOracle *oracle;
        const BwTestPort *border;
        int best; /* length of the most exact that was found; -1: none */
        bool leads;
} Search;

static bool is_guarded_state(BwPortState state) {
        return state != BW_PORT_STRANGER && state != BW_PORT_OFF;
}

/* Its guest runs on another host, as far as anybody knows. */
static bool is_absent(const BwTestOracle *oracle, const BwTestPort *port) {
        if (!port->guest)
                return false;
        return port->guest->active ? port->guest->cpus == BW_CPUS_ELSEWHERE
                                   : oracle->world->guests_known;
}

static void found(Search *search, int length, bool leads) {
        if (length < search->best)
                return;
        search->leads = leads || (length == search->best && search->leads);
        search->best = length;
}

/* A port's things are behind it if it is a border, and with its bridge behind others. */
static bool leads_to_port(const Search *search, const BwTestPort *port) {
        return (port == search->border && port->state == BW_PORT_BORDER) ||
               bw_test_is_behind(search->oracle->world, search->border->link, port->bridge);
}

/* RFC 4291, appendix A. */
static BwPrefix link_local_of(const BwMac *mac) {
        g_autofree char *text = g_strdup_printf(
                "fe80::%x:%02xff:fe%02x:%x", (mac->octet[0] ^ 2) << 8 | mac->octet[1],
                mac->octet[2], mac->octet[3], mac->octet[4] << 8 | mac->octet[5]);

        return bw_test_prefix(text);
}

/* A guest that is not here is behind any uplink, or about to speak at its port. */
static bool leads_to_absent(const Search *search, const BwTestPort *absent) {
        const BwTestOracle *oracle = search->oracle;

        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (port->role == BW_ROLE_UPLINK && !is_absent(oracle, port) &&
                    (port->state == BW_PORT_BORDER || port->state == BW_PORT_OFF) &&
                    bw_test_joins(oracle->world, port->bridge, search->border->bridge) &&
                    leads_to_port(search, port))
                        return true;
        }
        return leads_to_port(search, absent);
}

static void look_at_port(Search *search, const BwTestPort *port, bool leads,
                         const BwPrefix *address) {
        for (guint i = 0; i < port->addresses->len; i++) {
                const BwPrefix *own = &g_array_index(port->addresses, BwPrefix, i);

                if (bw_prefix_contains(own, address))
                        found(search, own->length, leads);
        }
        for (guint i = 0; i < port->macs->len; i++) {
                BwPrefix own = link_local_of(&g_array_index(port->macs, BwMac, i));

                if (bw_prefix_equal(&own, address))
                        found(search, own.length, leads);
        }
}

static void look_at_ports(Search *search, const BwPrefix *address) {
        const BwTestOracle *oracle = search->oracle;

        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (is_guarded_state(port->state) && !is_absent(oracle, port) &&
                    bw_test_joins(oracle->world, port->bridge, search->border->bridge))
                        look_at_port(search, port, leads_to_port(search, port), address);
        }
}

/* They have what nobody who is here has as exactly. */
static void look_at_absent(Search *search, const BwPrefix *address) {
        const BwTestOracle *oracle = search->oracle;
        Search absent = { .oracle = oracle, .border = search->border, .best = -1 };

        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (is_guarded_state(port->state) && is_absent(oracle, port) &&
                    bw_test_joins(oracle->world, port->bridge, search->border->bridge))
                        look_at_port(&absent, port, leads_to_absent(search, port), address);
        }
        if (absent.best > search->best)
                found(search, absent.best, absent.leads);
}

static void look_at_bridges(Search *search, const BwPrefix *address) {
        const BwTestWorld *world = search->oracle->world;

        for (guint i = 0; i < world->addresses->len; i++) {
                const BwHostAddress *own = &g_array_index(world->addresses, BwHostAddress, i);
                const BwLink *bridge = bw_test_link_numbered(world, own->ifindex);

                if (bridge && bw_prefix_equal(&own->address, address) &&
                    bw_test_oracle_is_near(search->oracle, bridge, search->border->bridge))
                        found(search, own->address.length,
                              bw_test_is_behind(world, search->border->link, bridge));
        }
}

static bool is_gateway(const Search *search, const BwPrefix *address) {
        const BwTestWorld *world = search->oracle->world;

        for (guint i = 0; i < world->links->len; i++) {
                const BwLink *bridge = &g_array_index(world->links, BwLink, i);

                if (bridge->kind == BW_LINK_BRIDGE &&
                    bw_test_oracle_names_gateway(search->oracle, bridge, address) &&
                    bw_test_oracle_is_near(search->oracle, bridge, search->border->bridge))
                        return true;
        }
        return false;
}

/* Nobody has it: whoever of the world has is behind an uplink, of the bridges that name it first.
 */
static void look_at_uplinks(Search *search, const BwPrefix *address, bool of_any_bridge) {
        const BwTestOracle *oracle = search->oracle;

        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (port->role == BW_ROLE_UPLINK &&
                    (port->state == BW_PORT_BORDER || port->state == BW_PORT_OFF) &&
                    (of_any_bridge ||
                     bw_test_oracle_names_gateway(oracle, port->bridge, address)) &&
                    bw_test_joins(oracle->world, port->bridge, search->border->bridge))
                        found(search, address->length, leads_to_port(search, port));
        }
}

static BwTestPlace place_found(const Search *search) {
        if (search->best < 0)
                return BW_TEST_NOBODYS;
        return search->leads ? BW_TEST_BEHIND : BW_TEST_FOREIGN;
}

BwTestPlace bw_test_oracle_place(const BwTestOracle *oracle, const BwTestPort *border,
                                 const BwPrefix *address) {
        Search search = { .oracle = oracle, .border = border, .best = -1 };

        look_at_ports(&search, address);
        look_at_bridges(&search, address);
        look_at_absent(&search, address);
        if (search.best >= 0 || !is_gateway(&search, address))
                return place_found(&search);
        look_at_uplinks(&search, address, false);
        if (search.best < 0)
                look_at_uplinks(&search, address, true);
        return search.leads ? BW_TEST_BEHIND : BW_TEST_FOREIGN;
}

static void look_for_absent_mac(Search *search, const BwMac *mac) {
        const BwTestOracle *oracle = search->oracle;

        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (is_guarded_state(port->state) && is_absent(oracle, port) &&
                    bw_test_port_has_mac(port, mac) &&
                    bw_test_joins(oracle->world, port->bridge, search->border->bridge))
                        found(search, 0, leads_to_absent(search, port));
        }
}

BwTestPlace bw_test_oracle_place_of_mac(const BwTestOracle *oracle, const BwTestPort *border,
                                        const BwMac *mac) {
        Search search = { .oracle = oracle, .border = border, .best = -1 };

        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (is_guarded_state(port->state) && bw_test_port_has_mac(port, mac) &&
                    !is_absent(oracle, port) &&
                    bw_test_joins(oracle->world, port->bridge, border->bridge))
                        found(&search, 0, leads_to_port(&search, port));
        }
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *bridge = &g_array_index(oracle->world->links, BwLink, i);

                if (bridge->kind == BW_LINK_BRIDGE && bw_mac_equal(&bridge->mac, mac) &&
                    bw_test_oracle_is_near(oracle, bridge, border->bridge))
                        found(&search, 0, bw_test_is_behind(oracle->world, border->link, bridge));
        }
        if (search.best < 0)
                look_for_absent_mac(&search, mac);
        return place_found(&search);
}
