/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "oracle.h"

#include <string.h>

#define MAX_VOICES 4

/* The sections that speak of a port, the most exact first. */
typedef struct Voices {
        const BwTestSection *by_mac;
        const BwTestSection *sections[MAX_VOICES];
        unsigned n;
} Voices;

/* Whose port it is */

static bool same_tail(const BwMac *a, const BwMac *b) {
        return memcmp(a->octet + 1, b->octet + 1, 5) == 0;
}

/* libvirt's tap for @mac has the same MAC but for 0xfe in front. */
static bool is_tap_for(const BwLink *link, const BwMac *mac) {
        return link->kind == BW_LINK_TAP && link->mac.octet[0] == 0xfe &&
               same_tail(&link->mac, mac);
}

/* How well a guest's interface explains the port: 3, libvirt says a running guest has it there, and
 * its MAC does not say otherwise; 2, the MAC says it and the guest runs; 1, the MAC says it. */
static int explains(const BwLink *link, const BwGuest *guest, const BwGuestInterface *interface) {
        bool tap = is_tap_for(link, &interface->mac);
        bool free_of_mac = link->kind != BW_LINK_TAP || g_str_equal(interface->type, "ethernet");

        if (guest->active && g_str_equal(interface->target, link->name) && (tap || free_of_mac))
                return 3;
        return tap ? (guest->active ? 2 : 1) : 0;
}

static void identify(const BwTestWorld *world, BwTestPort *port) {
        int best = 0;
        unsigned as_good = 0;

        for (guint i = 0; i < world->guests->len; i++) {
                const BwGuest *guest = world->guests->pdata[i];

                for (guint k = 0; k < guest->interfaces->len; k++) {
                        const BwGuestInterface *interface =
                                &g_array_index(guest->interfaces, BwGuestInterface, k);
                        int rank = explains(port->link, guest, interface);

                        if (rank == 0 || rank < best)
                                continue;
                        as_good = rank == best ? as_good + 1 : 1;
                        best = rank;
                        port->guest = guest;
                        port->interface = interface;
                }
        }
        if (as_good != 1) {
                port->guest = NULL;
                port->interface = NULL;
        }
}

static const BwTestSection *section_by_mac(const BwTestSettings *settings, const BwTestPort *port) {
        const BwTestSection *found = NULL;
        char text[BW_MAC_TEXT_SIZE];
        unsigned n = 0;

        if (port->interface)
                return bw_test_find_section(settings, BW_TEST_INTERFACE,
                                            bw_mac_print(&port->interface->mac, text));
        for (guint i = 0; i < settings->sections->len; i++) {
                const BwTestSection *section = settings->sections->pdata[i];
                BwMac mac;

                if (section->kind != BW_TEST_INTERFACE)
                        continue;
                mac = bw_test_mac(section->name);
                if (!is_tap_for(port->link, &mac))
                        continue;
                found = section;
                n++;
        }
        return n == 1 ? found : NULL;
}

static void add_voice(Voices *voices, const BwTestSection *section) {
        if (section)
                voices->sections[voices->n++] = section;
}

static Voices voices_of(const BwTestSettings *settings, const BwTestPort *port) {
        Voices voices = { .by_mac = section_by_mac(settings, port) };

        add_voice(&voices, bw_test_find_section(settings, BW_TEST_PORT, port->link->name));
        add_voice(&voices, voices.by_mac);
        if (port->guest) {
                add_voice(&voices,
                          bw_test_find_section(settings, BW_TEST_GUEST, port->guest->uuid));
                add_voice(&voices,
                          bw_test_find_section(settings, BW_TEST_GUEST, port->guest->name));
        }
        return voices;
}

/* The graph, walked by hand */

static const BwLink *link_numbered(const BwTestWorld *world, int ifindex) {
        for (guint i = 0; i < world->links->len; i++)
                if (g_array_index(world->links, BwLink, i).ifindex == ifindex)
                        return &g_array_index(world->links, BwLink, i);
        return NULL;
}

static const BwLink *bridge_of(const BwTestWorld *world, const BwLink *port) {
        const BwLink *bridge = port->master ? link_numbered(world, port->master) : NULL;

        return bridge && bridge->kind == BW_LINK_BRIDGE ? bridge : NULL;
}

static const BwLink *peer_of(const BwTestWorld *world, const BwLink *link) {
        const BwLink *peer = link->peer ? link_numbered(world, link->peer) : NULL;

        return peer && peer != link && link->kind == BW_LINK_VETH && peer->kind == BW_LINK_VETH &&
                               peer->peer == link->ifindex
                       ? peer
                       : NULL;
}

/* The bridge at the other end of @port's pair, if that is another one. */
static const BwLink *far_of(const BwTestWorld *world, const BwLink *port) {
        const BwLink *peer = peer_of(world, port);
        const BwLink *near = bridge_of(world, port), *far = peer ? bridge_of(world, peer) : NULL;

        return near && far != near ? far : NULL;
}

static bool carries(const BwTestWorld *world, const BwLink *port) {
        const BwLink *peer = peer_of(world, port);

        return peer && port->up && peer->up && port->running && peer->running &&
               port->stp_state == BW_STP_FORWARDING && peer->stp_state == BW_STP_FORWARDING;
}

/* Whether somebody walks from @from to @to without setting foot on @avoided. */
static bool is_reached(const BwTestWorld *world, const BwLink *from, const BwLink *to,
                       const BwLink *avoided, bool only_what_carries) {
        g_autoptr(GHashTable) reached = g_hash_table_new(NULL, NULL);
        guint before;

        g_hash_table_add(reached, (gpointer) from);
        do {
                before = g_hash_table_size(reached);
                for (guint i = 0; i < world->links->len; i++) {
                        const BwLink *port = &g_array_index(world->links, BwLink, i);
                        const BwLink *far = far_of(world, port);

                        if (!far || far == avoided || (only_what_carries && !carries(world, port)))
                                continue;
                        if (g_hash_table_contains(reached, bridge_of(world, port)))
                                g_hash_table_add(reached, (gpointer) far);
                }
        } while (g_hash_table_size(reached) > before);
        return from != avoided && to != avoided && g_hash_table_contains(reached, to);
}

static bool is_behind(const BwTestWorld *world, const BwLink *port, const BwLink *bridge) {
        const BwLink *far = far_of(world, port);

        return far && carries(world, port) &&
               is_reached(world, far, bridge, bridge_of(world, port), true);
}

bool bw_test_oracle_joins(const BwTestOracle *oracle, const BwLink *a, const BwLink *b) {
        return is_reached(oracle->world, a, b, NULL, false);
}

/* Bridges */

static bool is_near(const BwTestOracle *oracle, const BwLink *link, const BwLink *bridge);

static const BwTestBridge *bridge_section(const BwTestSettings *settings, const char *name) {
        for (guint i = 0; i < settings->bridge_sections->len; i++) {
                const BwTestBridge *bridge =
                        &g_array_index(settings->bridge_sections, BwTestBridge, i);

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }
        return NULL;
}

static BwMode bridge_mode(const BwTestSettings *settings, const char *name) {
        const BwTestBridge *section = bridge_section(settings, name);

        return section && section->has_mode ? section->mode : settings->mode;
}

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
                BwTestPort port = { .link = link };

                if (link->master != bridge->ifindex)
                        continue;
                identify(oracle->world, &port);
                if (port.guest || voices_of(oracle->settings, &port).n > 0)
                        return true;
        }
        return false;
}

/* What a more exact section says goes before what is said of the bridge. */
static bool some_port_is_switched_on(const BwTestOracle *oracle, const BwLink *bridge) {
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *link = &g_array_index(oracle->world->links, BwLink, i);
                BwTestPort port = { .link = link };
                bool switched_on = false, broken = false;
                Voices voices;

                if (link->master != bridge->ifindex)
                        continue;
                identify(oracle->world, &port);
                voices = voices_of(oracle->settings, &port);
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
        return bridge_mode(oracle->settings, bridge->name) == BW_MODE_OFF &&
               !some_port_is_switched_on(oracle, bridge);
}

static bool is_asked_for(const BwTestOracle *oracle, const BwLink *bridge) {
        if (oracle->settings->bridges)
                return is_listed(oracle->settings, bridge->name);
        return bridge_section(oracle->settings, bridge->name) ||
               some_guest_names(oracle->world, bridge->name) || some_port_is_known(oracle, bridge);
}

/* Somebody it is joined to is guarded for a reason of his own. */
static bool is_on_path(const BwTestOracle *oracle, const BwLink *bridge) {
        if (oracle->settings->bridges)
                return false;
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *other = &g_array_index(oracle->world->links, BwLink, i);

                if (other->kind == BW_LINK_BRIDGE && is_asked_for(oracle, other) &&
                    !is_idle(oracle, other) && bw_test_oracle_joins(oracle, other, bridge))
                        return true;
        }
        return false;
}

bool bw_test_oracle_guards(const BwTestOracle *oracle, const BwLink *bridge) {
        return bridge->kind == BW_LINK_BRIDGE && !is_idle(oracle, bridge) &&
               (is_asked_for(oracle, bridge) || is_on_path(oracle, bridge));
}

/* Ports */

static void learn_macs(const BwTestOracle *oracle, BwTestPort *port, const Voices *voices) {
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
        const BwLink *peer = peer_of(world, port);

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
        const BwLink *far = far_of(oracle->world, port->link);
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

static BwPortState state_of(const BwTestPort *port, const Voices *voices, bool any, bool told) {
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
        Voices voices = voices_of(oracle->settings, port);
        bool any = false, has_role = false, has_addresses = false, told = false;

        port->mode = bridge_mode(oracle->settings, port->bridge->name);
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
                        port->mode = bridge_mode(oracle->settings, port->bridge->name);
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
            !bw_test_oracle_joins(oracle, other->bridge, port->bridge))
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

static bool names_gateway(const BwTestOracle *oracle, const BwLink *bridge,
                          const BwPrefix *address) {
        const BwTestBridge *section = bridge_section(oracle->settings, bridge->name);

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
        const BwTestBridge *section = bridge_section(oracle->settings, bridge->name);

        for (guint i = 0; section && i < section->gateways->len; i++)
                for (guint k = 0; k < oracle->ports->len; k++) {
                        BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, k);

                        if ((port->state == BW_PORT_BOUND || port->state == BW_PORT_ANY_ADDRESS) &&
                            is_near(oracle, bridge, port->bridge))
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
                identify(oracle->world, &port);
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

/* The table */

static bool is_own(const BwTestPort *port, uint32_t address) {
        uint8_t bytes[4] = { (uint8_t) (address >> 24), (uint8_t) (address >> 16),
                             (uint8_t) (address >> 8), (uint8_t) address };
        BwPrefix single = bw_prefix_from_address(BW_FAMILY_IPV4, bytes);

        for (guint i = 0; i < port->addresses->len; i++)
                if (bw_prefix_contains(&g_array_index(port->addresses, BwPrefix, i), &single))
                        return true;
        return false;
}

static bool is_own_mac(const BwTestPort *port, const BwMac *mac) {
        for (guint i = 0; i < port->macs->len; i++)
                if (bw_mac_equal(&g_array_index(port->macs, BwMac, i), mac))
                        return true;
        return false;
}

/* chaddr, of a whole message over Ethernet */
static bool is_bootp_of(const BwTestPort *port, const BwTestPacket *packet, uint8_t operation) {
        return packet->udp && !packet->fragment && packet->hardware_length == 6 &&
               packet->bootp_operation == operation && is_own_mac(port, &packet->client);
}

/* Sender and chaddr may be two own MACs. */
static bool is_own_dhcp_request(const BwTestPort *port, const BwTestPacket *packet) {
        return packet->source == 0 && packet->destination == 0xffffffff &&
               packet->from_port == 68 && packet->to_port == 67 && is_bootp_of(port, packet, 1) &&
               is_own_mac(port, &packet->sender);
}

static bool is_own_dhcp_reply(const BwTestPort *port, const BwTestPacket *packet) {
        return packet->from_port == 67 && packet->to_port == 68 && is_bootp_of(port, packet, 2);
}

static uint32_t network_of(const BwPrefix *prefix) {
        return (uint32_t) prefix->bytes[0] << 24 | prefix->bytes[1] << 16 | prefix->bytes[2] << 8 |
               prefix->bytes[3];
}

static bool is_broadcast_of_section(const BwTestBridge *section, uint32_t address) {
        for (guint i = 0; section && i < section->networks->len; i++) {
                const BwPrefix *network = &g_array_index(section->networks, BwPrefix, i);

                if (network->family == BW_FAMILY_IPV4 && network->length <= 30 &&
                    address == (network_of(network) | 0xffffffff >> network->length))
                        return true;
        }
        return false;
}

/* The guarded bridges that are one network with @bridge, itself among them. */
static bool is_near(const BwTestOracle *oracle, const BwLink *link, const BwLink *bridge) {
        return link == bridge ||
               (link->kind == BW_LINK_BRIDGE && bw_test_oracle_joins(oracle, link, bridge) &&
                bw_test_oracle_guards(oracle, link));
}

static bool is_directed_broadcast(const BwTestOracle *oracle, const BwLink *bridge,
                                  uint32_t address) {
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *link = &g_array_index(oracle->world->links, BwLink, i);

                if (is_broadcast_of_section(bridge_section(oracle->settings, link->name),
                                            address) &&
                    is_near(oracle, link, bridge))
                        return true;
        }
        return false;
}

/* No network is one that takes in the address 0, loopback, multicast, or the limited broadcast. */
static bool is_sane_network(uint32_t first, uint32_t last) {
        bool loopback = first <= 0x7fffffff && last >= 0x7f000000;
        bool multicast_or_last = last >= 0xe0000000 && (first <= 0xefffffff || last == 0xffffffff);

        return first != 0 && !loopback && !multicast_or_last;
}

static bool is_broadcast_of(const BwHostAddress *own, uint32_t address) {
        uint32_t mask, first, last;

        if (own->address.family != BW_FAMILY_IPV4 || own->prefix_length < 1 ||
            own->prefix_length > 30)
                return false;
        mask = 0xffffffff << (32 - own->prefix_length);
        first = network_of(&own->address) & mask;
        last = first | ~mask;
        return address == last && is_sane_network(first, last);
}

static const BwLink *link_called(const BwTestOracle *oracle, const char *name) {
        for (guint i = 0; i < oracle->world->links->len; i++)
                if (g_str_equal(g_array_index(oracle->world->links, BwLink, i).name, name))
                        return &g_array_index(oracle->world->links, BwLink, i);
        return NULL;
}

/* The bridge itself is the host's leg, and so is the far end of a port that is declared to be. */
static bool is_hosts_leg(const BwTestOracle *oracle, const char *bridge, int ifindex) {
        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if ((ifindex == port->bridge->ifindex ||
                     (ifindex == port->link->peer && port->is_hosts)) &&
                    (g_str_equal(port->bridge->name, bridge) ||
                     bw_test_oracle_joins(oracle, port->bridge, link_called(oracle, bridge))))
                        return true;
        }
        return false;
}

bool bw_test_oracle_is_host_broadcast(const BwTestOracle *oracle, const char *bridge,
                                      uint32_t address) {
        for (guint i = 0; i < oracle->world->addresses->len; i++) {
                const BwHostAddress *own =
                        &g_array_index(oracle->world->addresses, BwHostAddress, i);

                if (is_broadcast_of(own, address) && is_hosts_leg(oracle, bridge, own->ifindex))
                        return true;
        }
        return false;
}

static bool is_deliverable(const BwTestOracle *oracle, const BwTestPort *port,
                           const BwTestPacket *packet) {
        uint32_t address = packet->destination;

        return is_own(port, address) || address == 0xffffffff || address >> 28 == 0xe ||
               is_directed_broadcast(oracle, port->bridge, address) ||
               bw_test_oracle_is_host_broadcast(oracle, port->bridge->name, address) ||
               is_own_dhcp_reply(port, packet);
}

/* Borders: whatever is owned, one thing after the other */

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
               is_behind(search->oracle->world, search->border->link, port->bridge);
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
                    bw_test_oracle_joins(oracle, port->bridge, search->border->bridge) &&
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
                    bw_test_oracle_joins(oracle, port->bridge, search->border->bridge))
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
                    bw_test_oracle_joins(oracle, port->bridge, search->border->bridge))
                        look_at_port(&absent, port, leads_to_absent(search, port), address);
        }
        if (absent.best > search->best)
                found(search, absent.best, absent.leads);
}

static void look_at_bridges(Search *search, const BwPrefix *address) {
        const BwTestWorld *world = search->oracle->world;

        for (guint i = 0; i < world->addresses->len; i++) {
                const BwHostAddress *own = &g_array_index(world->addresses, BwHostAddress, i);
                const BwLink *bridge = link_numbered(world, own->ifindex);

                if (bridge && bw_prefix_equal(&own->address, address) &&
                    is_near(search->oracle, bridge, search->border->bridge))
                        found(search, own->address.length,
                              is_behind(world, search->border->link, bridge));
        }
}

static bool is_gateway(const Search *search, const BwPrefix *address) {
        const BwTestWorld *world = search->oracle->world;

        for (guint i = 0; i < world->links->len; i++) {
                const BwLink *bridge = &g_array_index(world->links, BwLink, i);

                if (bridge->kind == BW_LINK_BRIDGE &&
                    names_gateway(search->oracle, bridge, address) &&
                    is_near(search->oracle, bridge, search->border->bridge))
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
                    (of_any_bridge || names_gateway(oracle, port->bridge, address)) &&
                    bw_test_oracle_joins(oracle, port->bridge, search->border->bridge))
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
                    is_own_mac(port, mac) &&
                    bw_test_oracle_joins(oracle, port->bridge, search->border->bridge))
                        found(search, 0, leads_to_absent(search, port));
        }
}

BwTestPlace bw_test_oracle_place_of_mac(const BwTestOracle *oracle, const BwTestPort *border,
                                        const BwMac *mac) {
        Search search = { .oracle = oracle, .border = border, .best = -1 };

        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (is_guarded_state(port->state) && is_own_mac(port, mac) &&
                    !is_absent(oracle, port) &&
                    bw_test_oracle_joins(oracle, port->bridge, border->bridge))
                        found(&search, 0, leads_to_port(&search, port));
        }
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *bridge = &g_array_index(oracle->world->links, BwLink, i);

                if (bridge->kind == BW_LINK_BRIDGE && bw_mac_equal(&bridge->mac, mac) &&
                    is_near(oracle, bridge, border->bridge))
                        found(&search, 0, is_behind(oracle->world, border->link, bridge));
        }
        if (search.best < 0)
                look_for_absent_mac(&search, mac);
        return place_found(&search);
}

static BwPrefix single_of(uint32_t address) {
        const uint8_t bytes[4] = { (uint8_t) (address >> 24), (uint8_t) (address >> 16),
                                   (uint8_t) (address >> 8), (uint8_t) address };

        return bw_prefix_from_address(BW_FAMILY_IPV4, bytes);
}

static BwReason reason_against_border(const BwTestOracle *oracle, const BwTestPort *port,
                                      BwDirection direction, const BwTestPacket *packet) {
        uint32_t address = direction == BW_DIRECTION_IN ? packet->source : packet->destination;
        BwPrefix single = single_of(address);
        bool for_all = address == 0xffffffff || address >> 28 == 0xe ||
                       is_directed_broadcast(oracle, port->bridge, address) ||
                       bw_test_oracle_is_host_broadcast(oracle, port->bridge->name, address);

        if (direction == BW_DIRECTION_OUT && for_all)
                return BW_REASON_NONE;
        if (bw_test_oracle_place(oracle, port, &single) != BW_TEST_FOREIGN)
                return BW_REASON_NONE;
        return direction == BW_DIRECTION_IN ? BW_REASON_BORDER_SPOOF
                                            : BW_REASON_BORDER_MISDELIVERED;
}

static BwReason reason_against(const BwTestOracle *oracle, const BwTestPort *port,
                               BwDirection direction, const BwTestPacket *packet) {
        bool dhcp = direction == BW_DIRECTION_IN ? is_own_dhcp_request(port, packet)
                                                 : is_own_dhcp_reply(port, packet);

        if (port->state == BW_PORT_BORDER)
                return reason_against_border(oracle, port, direction, packet);
        if (port->state == BW_PORT_CLOSED || (port->state == BW_PORT_UNADDRESSED && !dhcp))
                return BW_REASON_UNBOUND;
        if (port->state != BW_PORT_BOUND)
                return BW_REASON_NONE;
        if (direction == BW_DIRECTION_IN)
                return is_own(port, packet->source) || dhcp ? BW_REASON_NONE : BW_REASON_SPOOFED_IP;
        if (!is_deliverable(oracle, port, packet))
                return BW_REASON_MISDELIVERED;
        return is_own(port, packet->source) ? BW_REASON_REFLECTED : BW_REASON_NONE;
}

static BwTestVerdict denied(BwReason reason, BwDirection direction, bool drops) {
        return (BwTestVerdict){ .dropped = drops,
                                .reports = 1,
                                .reason = reason,
                                .direction = direction,
                                .drops = drops };
}

static BwTestVerdict judge_stranger(const BwTestOracle *oracle, const BwLink *bridge,
                                    BwDirection direction) {
        const BwTestBridge *section = bridge_section(oracle->settings, bridge->name);
        BwUnknownPorts without = is_asked_for(oracle, bridge) ? oracle->settings->unknown_ports
                                                              : BW_UNKNOWN_PORTS_ACCEPT;
        BwUnknownPorts wish =
                section && section->has_unknown_ports ? section->unknown_ports : without;
        BwMode mode = bridge_mode(oracle->settings, bridge->name);
        bool monitored = mode == BW_MODE_MONITOR;

        if (wish == BW_UNKNOWN_PORTS_ACCEPT || mode == BW_MODE_OFF)
                return (BwTestVerdict){};
        return denied(BW_REASON_UNBOUND, direction, wish == BW_UNKNOWN_PORTS_DROP && !monitored);
}

static const BwLink *guarded_bridge(const BwTestOracle *oracle, const char *name) {
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *link = &g_array_index(oracle->world->links, BwLink, i);

                if (g_str_equal(link->name, name))
                        return bw_test_oracle_guards(oracle, link) ? link : NULL;
        }
        return NULL;
}

BwTestVerdict bw_test_oracle_judge(const BwTestOracle *oracle, BwDirection direction,
                                   const BwTestPacket *packet) {
        bool in = direction == BW_DIRECTION_IN;
        const char *name = in ? packet->port_in : packet->port_out;
        const BwLink *bridge = guarded_bridge(oracle, in ? packet->in_bridge : packet->out_bridge);
        const BwTestPort *port;
        BwReason reason;

        /* Another bridge's, or by no port of a bridge at all: not the guard's business. */
        if (!bridge || !name[0])
                return (BwTestVerdict){};
        port = bw_test_oracle_port(oracle, bridge->name, name);
        if (!port || port->state == BW_PORT_STRANGER)
                return judge_stranger(oracle, bridge, direction);
        reason = reason_against(oracle, port, direction, packet);
        if (reason == BW_REASON_NONE)
                return (BwTestVerdict){};
        return denied(reason, direction, port->mode == BW_MODE_ENFORCE);
}
