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

/* Bridges */

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
                BwRole role = BW_ROLE_GUEST;
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
                        role = section->has_role ? section->role : role;
                }
                if (switched_on && !broken && (role == BW_ROLE_GUEST || role == BW_ROLE_HOST))
                        return true;
        }
        return false;
}

bool bw_test_oracle_guards(const BwTestOracle *oracle, const BwLink *bridge) {
        if (bridge->kind != BW_LINK_BRIDGE)
                return false;
        if (bridge_mode(oracle->settings, bridge->name) == BW_MODE_OFF &&
            !some_port_is_switched_on(oracle, bridge))
                return false;
        if (oracle->settings->bridges)
                return is_listed(oracle->settings, bridge->name);
        return bridge_section(oracle->settings, bridge->name) ||
               some_guest_names(oracle->world, bridge->name) || some_port_is_known(oracle, bridge);
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

static BwPortState state_of(const BwTestPort *port, const Voices *voices, bool any) {
        if (voices->n == 0)
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
        bool any = false;

        port->mode = bridge_mode(oracle->settings, port->bridge->name);
        port->role = BW_ROLE_GUEST;
        for (unsigned i = voices.n; i-- > 0;) {
                const BwTestSection *section = voices.sections[i];

                if (section->has_mode)
                        port->mode = section->mode;
                if (section->has_role)
                        port->role = section->role;
                if (!section->has_addresses)
                        continue;
                any = section->any;
                g_array_set_size(port->addresses, 0);
                g_array_append_vals(port->addresses, section->addresses->data,
                                    section->addresses->len);
        }
        learn_macs(oracle, port, &voices);
        for (unsigned i = 0; i < voices.n; i++)
                if (voices.sections[i]->broken)
                        port->mode = bridge_mode(oracle->settings, port->bridge->name);
        port->state = state_of(port, &voices, any);
        port->is_hosts = port->role == BW_ROLE_HOST && port->state != BW_PORT_CLOSED;
}

static bool contests(const BwTestPort *other, const BwTestPort *port, const BwPrefix *address) {
        if (other == port || other->state != BW_PORT_BOUND || other->bridge != port->bridge ||
            (other->guest && other->guest == port->guest))
                return false;
        for (guint i = 0; i < other->addresses->len; i++)
                if (bw_prefix_contains(address, &g_array_index(other->addresses, BwPrefix, i)))
                        return true;
        return false;
}

static bool is_contested(const BwTestOracle *oracle, const BwTestPort *port,
                         const BwPrefix *address) {
        for (guint i = 0; i < oracle->ports->len; i++)
                if (contests(&g_array_index(oracle->ports, BwTestPort, i), port, address))
                        return true;
        return false;
}

/* Two claims of one address close it for both; a network over an address loses alone. Whoever has
 * none left is closed. */
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

static bool is_directed_broadcast(const BwTestSettings *settings, const char *bridge,
                                  uint32_t address) {
        const BwTestBridge *section = bridge_section(settings, bridge);

        for (guint i = 0; section && i < section->networks->len; i++) {
                const BwPrefix *network = &g_array_index(section->networks, BwPrefix, i);

                if (network->family == BW_FAMILY_IPV4 && network->length <= 30 &&
                    address == (network_of(network) | 0xffffffff >> network->length))
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

/* The bridge itself is the host's leg, and so is the far end of a port that is declared to be. */
static bool is_hosts_leg(const BwTestOracle *oracle, const char *bridge, int ifindex) {
        for (guint i = 0; i < oracle->ports->len; i++) {
                const BwTestPort *port = &g_array_index(oracle->ports, BwTestPort, i);

                if (g_str_equal(port->bridge->name, bridge) &&
                    (ifindex == port->bridge->ifindex ||
                     (ifindex == port->link->peer && port->is_hosts)))
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
               is_directed_broadcast(oracle->settings, port->bridge->name, address) ||
               bw_test_oracle_is_host_broadcast(oracle, port->bridge->name, address) ||
               is_own_dhcp_reply(port, packet);
}

static BwReason reason_against(const BwTestOracle *oracle, const BwTestPort *port,
                               BwDirection direction, const BwTestPacket *packet) {
        bool dhcp = direction == BW_DIRECTION_IN ? is_own_dhcp_request(port, packet)
                                                 : is_own_dhcp_reply(port, packet);

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
        BwUnknownPorts wish = section && section->has_unknown_ports
                                      ? section->unknown_ports
                                      : oracle->settings->unknown_ports;
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
