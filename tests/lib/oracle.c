/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "oracle.h"

#include "bridge_graph.h"
#include "port_voices.h"

/* Bridges */

static bool is_listed(const BwTestSettings *settings, const char *name) {
        for (guint i = 0; i < settings->bridges->len; i++)
                if (g_str_equal(settings->bridges->pdata[i], name))
                        return true;
        return false;
}

static bool some_guest_names(const BwTestWorld *world, const char *bridge) {
        for (guint i = 0; i < world->guests->len; i++) {
                const BwGuest *guest = world->guests->pdata[i];

                for (guint k = 0; k < guest->interfaces->len; k++) {
                        const BwGuestInterface *interface =
                                &g_array_index(guest->interfaces, BwGuestInterface, k);

                        if (!interface->is_network && g_strcmp0(interface->source, bridge) == 0)
                                return true;
                }
        }
        return false;
}

static bool some_port_is_known(const BwTestOracle *oracle, const BwLink *bridge) {
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *link = &g_array_index(oracle->world->links, BwLink, i);
                BwTestVoices voices;

                if (link->master != bridge->ifindex)
                        continue;
                voices = bw_test_voices(oracle->world, oracle->settings, link);
                if (voices.guest || voices.n > 0)
                        return true;
        }
        return false;
}

/* What a more exact section says goes before what is said of the bridge. */
static bool some_port_is_switched_on(const BwTestOracle *oracle, const BwLink *bridge) {
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *link = &g_array_index(oracle->world->links, BwLink, i);
                bool switched_on = false, broken = false;
                BwTestVoices voices;

                if (link->master != bridge->ifindex)
                        continue;
                voices = bw_test_voices(oracle->world, oracle->settings, link);
                for (unsigned k = voices.n; k-- > 0;) {
                        const BwTestSection *section = voices.sections[k];

                        broken |= section->broken;
                        switched_on =
                                section->has_mode ? section->mode != BW_MODE_OFF : switched_on;
                }
                if (switched_on && !broken)
                        return true;
        }
        return false;
}

static bool is_idle(const BwTestOracle *oracle, const BwLink *bridge) {
        return bw_test_bridge_mode(oracle->settings, bridge->name) == BW_MODE_OFF &&
               !some_port_is_switched_on(oracle, bridge);
}

bool bw_test_oracle_asks_for(const BwTestOracle *oracle, const BwLink *bridge) {
        if (oracle->settings->bridges)
                return is_listed(oracle->settings, bridge->name);
        return bw_test_find_bridge(oracle->settings, bridge->name) ||
               some_guest_names(oracle->world, bridge->name) || some_port_is_known(oracle, bridge);
}

/* Somebody it is joined to is guarded for a reason of his own. */
static bool is_on_path(const BwTestOracle *oracle, const BwLink *bridge) {
        if (oracle->settings->bridges)
                return false;
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *other = &g_array_index(oracle->world->links, BwLink, i);

                if (other->kind == BW_LINK_BRIDGE && bw_test_oracle_asks_for(oracle, other) &&
                    !is_idle(oracle, other) && bw_test_joins(oracle->world, other, bridge))
                        return true;
        }
        return false;
}

bool bw_test_oracle_guards(const BwTestOracle *oracle, const BwLink *bridge) {
        return bridge->kind == BW_LINK_BRIDGE && !is_idle(oracle, bridge) &&
               (bw_test_oracle_asks_for(oracle, bridge) || is_on_path(oracle, bridge));
}

/* The guarded bridges that are one network with @bridge, itself among them. */
bool bw_test_oracle_is_near(const BwTestOracle *oracle, const BwLink *link, const BwLink *bridge) {
        return link == bridge ||
               (link->kind == BW_LINK_BRIDGE && bw_test_joins(oracle->world, link, bridge) &&
                bw_test_oracle_guards(oracle, link));
}

/* Ports */

static void learn_macs(const BwTestOracle *oracle, BwTestPort *port, const BwTestVoices *voices) {
        static const BwMac none = {};

        for (unsigned i = 0; i < voices->n; i++)
                if (voices->sections[i]->has_macs) {
                        g_array_append_vals(port->macs, voices->sections[i]->macs->data,
                                            voices->sections[i]->macs->len);
                        return;
                }
        if (port->interface) {
                g_array_append_val(port->macs, port->interface->mac);
        } else if (voices->by_mac) {
                BwMac mac = bw_test_mac(voices->by_mac->name);

                g_array_append_val(port->macs, mac);
        } else if (port->role == BW_ROLE_HOST) {
                for (guint i = 0; i < oracle->world->links->len; i++) {
                        const BwLink *link = &g_array_index(oracle->world->links, BwLink, i);

                        if ((link == port->link || link->ifindex == port->link->peer) &&
                            !bw_mac_equal(&link->mac, &none))
                                g_array_append_val(port->macs, link->mac);
                }
        }
}

/* The host's end of a pair that ends at @port. */
static const BwLink *hosts_end(const BwTestWorld *world, const BwLink *port) {
        const BwLink *peer = bw_test_peer_of(world, port);

        return peer && peer->master == 0 ? peer : NULL;
}

/* What nobody has to be told of. */
static bool is_ownable(const BwPrefix *address) {
        return address->family == BW_FAMILY_IPV6 || address->bytes[0] != 127;
}

static void learn_found_addresses(const BwTestOracle *oracle, BwTestPort *port) {
        const BwLink *end = hosts_end(oracle->world, port->link);

        for (guint i = 0; end && i < oracle->world->addresses->len; i++) {
                const BwHostAddress *own =
                        &g_array_index(oracle->world->addresses, BwHostAddress, i);
                bool known = own->ifindex != end->ifindex || !is_ownable(&own->address);

                for (guint k = 0; k < port->addresses->len; k++)
                        known |= bw_prefix_equal(&g_array_index(port->addresses, BwPrefix, k),
                                                 &own->address);
                if (!known)
                        g_array_append_val(port->addresses, own->address);
        }
        port->is_found = port->addresses->len > 0;
}

/* What it is when no section says so. */
static bool is_told_by_links(const BwTestOracle *oracle, const BwTestPort *port, BwRole *ret) {
        const BwLink *far = bw_test_far_bridge(oracle->world, port->link);
        const BwLink *end = hosts_end(oracle->world, port->link);

        if (port->link->kind == BW_LINK_TAP)
                return false;
        if (port->link->kind != BW_LINK_VETH) {
                *ret = BW_ROLE_UPLINK;
                return true;
        }
        if (far) {
                *ret = bw_test_oracle_guards(oracle, far) ? BW_ROLE_LINK : BW_ROLE_UPLINK;
                return true;
        }
        for (guint i = 0; end && i < oracle->world->addresses->len; i++) {
                const BwHostAddress *own =
                        &g_array_index(oracle->world->addresses, BwHostAddress, i);

                if (own->ifindex == end->ifindex && is_ownable(&own->address)) {
                        *ret = BW_ROLE_HOST;
                        return true;
                }
        }
        return false;
}

static BwPortState state_of(const BwTestPort *port, const BwTestVoices *voices, bool any,
                            bool told) {
        if (voices->n == 0 && !told)
                return BW_PORT_STRANGER;
        for (unsigned i = 0; i < voices->n; i++)
                if (voices->sections[i]->broken)
                        return port->mode == BW_MODE_OFF ? BW_PORT_OFF : BW_PORT_CLOSED;
        if (port->mode == BW_MODE_OFF)
                return BW_PORT_OFF;
        if (port->role == BW_ROLE_LINK || port->role == BW_ROLE_UPLINK)
                return BW_PORT_BORDER;
        if (any)
                return BW_PORT_ANY_ADDRESS;
        return port->addresses->len ? BW_PORT_BOUND : BW_PORT_UNADDRESSED;
}

/* A more exact section wins key by key, so the widest speaks first and is overruled. */
static void learn(const BwTestOracle *oracle, BwTestPort *port) {
        BwTestVoices voices = bw_test_voices(oracle->world, oracle->settings, port->link);
        bool any = false, has_role = false, has_addresses = false, told = false;

        port->guest = voices.guest;
        port->interface = voices.interface;
        port->mode = bw_test_bridge_mode(oracle->settings, port->bridge->name);
        port->role = BW_ROLE_GUEST;
        for (unsigned i = voices.n; i-- > 0;) {
                const BwTestSection *section = voices.sections[i];

                if (section->has_mode)
                        port->mode = section->mode;
                has_role |= section->has_role;
                if (section->has_role)
                        port->role = section->role;
                if (!section->has_addresses)
                        continue;
                has_addresses = true;
                any = section->any;
                g_array_set_size(port->addresses, 0);
                g_array_append_vals(port->addresses, section->addresses->data,
                                    section->addresses->len);
        }
        if (!has_role && !port->interface && !voices.by_mac)
                told = is_told_by_links(oracle, port, &port->role);
        if (port->role == BW_ROLE_HOST && !has_addresses)
                learn_found_addresses(oracle, port);
        learn_macs(oracle, port, &voices);
        for (unsigned i = 0; i < voices.n; i++)
                if (voices.sections[i]->broken)
                        port->mode = bw_test_bridge_mode(oracle->settings, port->bridge->name);
        port->state = state_of(port, &voices, any, told);
        port->is_hosts = port->role == BW_ROLE_HOST && port->state != BW_PORT_CLOSED &&
                         port->state != BW_PORT_STRANGER;
}

/* What is written goes before what was found, whichever of the two is wider. */
static bool is_lost_to(const BwPrefix *address, bool is_found, const BwPrefix *other,
                       bool other_is_found) {
        if (is_found && !other_is_found)
                return bw_prefix_overlaps(address, other);
        return is_found == other_is_found && bw_prefix_contains(address, other);
}

static bool contests(const BwTestOracle *oracle, const BwTestPort *other, const BwTestPort *port,
                     const BwPrefix *address) {
        if (other == port || other->state != BW_PORT_BOUND ||
            (other->guest && other->guest == port->guest) || (other->is_found && port->is_found) ||
            !bw_test_joins(oracle->world, other->bridge, port->bridge))
                return false;
        for (guint i = 0; i < other->addresses->len; i++)
                if (is_lost_to(address, port->is_found,
                               &g_array_index(other->addresses, BwPrefix, i), other->is_found))
                        return true;
        return false;
}

static bool is_contested(const BwTestOracle *oracle, const BwTestPort *port,
                         const BwPrefix *address) {
        for (guint i = 0; i < oracle->ports->len; i++)
                if (contests(oracle, &g_array_index(oracle->ports, BwTestPort, i), port, address))
                        return true;
        return false;
}

bool bw_test_oracle_names_gateway(const BwTestOracle *oracle, const BwLink *bridge,
                                  const BwPrefix *address) {
        const BwTestBridge *section = bw_test_find_bridge(oracle->settings, bridge->name);

        for (guint i = 0; section && i < section->gateways->len; i++)
                if (bw_prefix_equal(&g_array_index(section->gateways, BwPrefix, i), address))
                        return true;
        return false;
}

/* A gateway is had by name alone: half by half, a network is what does not contain it. */
static void add_without(GArray *left, BwPrefix network, const BwPrefix *gateway) {
        BwPrefix half = network;

        if (!bw_prefix_contains(&network, gateway)) {
                g_array_append_val(left, network);
                return;
        }
        if (network.length == gateway->length)
                return;
        half.length = ++network.length;
        half.bytes[(half.length - 1) / 8] |= (uint8_t) (0x80 >> (half.length - 1) % 8);
        add_without(left, network, gateway);
        add_without(left, half, gateway);
}

static void take_out(BwTestPort *port, const BwPrefix *gateway) {
        GArray *left = g_array_new(FALSE, TRUE, sizeof(BwPrefix));

        for (guint i = 0; i < port->addresses->len; i++) {
                BwPrefix *own = &g_array_index(port->addresses, BwPrefix, i);

                if (bw_prefix_equal(own, gateway) || own->family != gateway->family)
                        g_array_append_val(left, *own);
                else
                        add_without(left, *own, gateway);
        }
        g_array_unref(port->addresses);
        port->addresses = left;
}

static void take_gateways_out(const BwTestOracle *oracle, const BwLink *bridge) {
        const BwTestBridge *section = bw_test_find_bridge(oracle->settings, bridge->name);

        for (guint i = 0; section && i < section->gateways->len; i++)
                for (guint k = 0; k < oracle->ports->len; k++) {
                        BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, k);

                        if ((port->state == BW_PORT_BOUND || port->state == BW_PORT_ANY_ADDRESS) &&
                            bw_test_oracle_is_near(oracle, bridge, port->bridge))
                                take_out(port, &g_array_index(section->gateways, BwPrefix, i));
                }
}

/* Two claims of one address, in one network, close it for both; a network over an address loses
 * alone. Whoever has none left is closed. */
static void settle_conflicts(BwTestOracle *oracle) {
        g_autoptr(GPtrArray) kept = g_ptr_array_new();

        for (guint i = 0; i < oracle->ports->len; i++) {
                BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);
                GArray *left = g_array_new(FALSE, TRUE, sizeof(BwPrefix));

                for (guint k = 0; k < port->addresses->len; k++) {
                        BwPrefix *address = &g_array_index(port->addresses, BwPrefix, k);

                        if (port->state != BW_PORT_BOUND || !is_contested(oracle, port, address))
                                g_array_append_val(left, *address);
                }
                g_ptr_array_add(kept, left);
        }
        for (guint i = 0; i < oracle->ports->len; i++) {
                BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                g_array_unref(port->addresses);
                port->addresses = kept->pdata[i];
                if (port->state == BW_PORT_BOUND && port->addresses->len == 0)
                        port->state = BW_PORT_CLOSED;
        }
}

static void clear_port(gpointer pointer) {
        BwTestPort *port = pointer;

        g_array_unref(port->addresses);
        g_array_unref(port->macs);
}

static void add_ports_of(BwTestOracle *oracle, const BwLink *bridge) {
        for (guint i = 0; i < oracle->world->links->len; i++) {
                BwTestPort port = { .link = &g_array_index(oracle->world->links, BwLink, i),
                                    .bridge = bridge };

                if (port.link->master != bridge->ifindex)
                        continue;
                port.addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
                port.macs = g_array_new(FALSE, TRUE, sizeof(BwMac));
                learn(oracle, &port);
                g_array_append_val(oracle->ports, port);
        }
}

BwTestOracle *bw_test_oracle_new(const BwTestWorld *world, const BwTestSettings *settings) {
        BwTestOracle *oracle = g_new0(BwTestOracle, 1);

        oracle->world = world;
        oracle->settings = settings;
        oracle->ports = g_array_new(FALSE, TRUE, sizeof(BwTestPort));
        g_array_set_clear_func(oracle->ports, clear_port);
        for (guint i = 0; i < world->links->len; i++) {
                const BwLink *link = &g_array_index(world->links, BwLink, i);

                if (bw_test_oracle_guards(oracle, link))
                        add_ports_of(oracle, link);
        }
        for (guint i = 0; i < world->links->len; i++)
                take_gateways_out(oracle, &g_array_index(world->links, BwLink, i));
        settle_conflicts(oracle);
        return oracle;
}

void bw_test_oracle_free(BwTestOracle *oracle) {
        if (!oracle)
                return;
        g_array_unref(oracle->ports);
        g_free(oracle);
}

const BwTestPort *bw_test_oracle_port(const BwTestOracle *oracle, const char *bridge,
                                      const char *name) {
        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (g_str_equal(port->bridge->name, bridge) && g_str_equal(port->link->name, name))
                        return port;
        }
        return NULL;
}

bool bw_test_port_has_mac(const BwTestPort *port, const BwMac *mac) {
        for (guint i = 0; i < port->macs->len; i++)
                if (bw_mac_equal(&g_array_index(port->macs, BwMac, i), mac))
                        return true;
        return false;
}
