/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "oracle_judge.h"

#include "bridge_graph.h"
#include "oracle_place.h"

/* DHCP */

/* chaddr, of a whole message over Ethernet */
static bool is_bootp_of(const BwTestPort *port, const BwTestPacket *packet, uint8_t operation) {
        return packet->udp && !packet->fragment && packet->hardware_length == 6 &&
               packet->bootp_operation == operation && bw_test_port_has_mac(port, &packet->client);
}

/* Sender and chaddr may be two own MACs. */
static bool is_own_dhcp_request(const BwTestPort *port, const BwTestPacket *packet) {
        return packet->source == 0 && packet->destination == 0xffffffff &&
               packet->from_port == 68 && packet->to_port == 67 && is_bootp_of(port, packet, 1) &&
               bw_test_port_has_mac(port, &packet->sender);
}

static bool is_own_dhcp_reply(const BwTestPort *port, const BwTestPacket *packet) {
        return packet->from_port == 67 && packet->to_port == 68 && is_bootp_of(port, packet, 2);
}

/* Whom it is for */

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

static bool is_directed_broadcast(const BwTestOracle *oracle, const BwLink *bridge,
                                  uint32_t address) {
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *link = &g_array_index(oracle->world->links, BwLink, i);

                if (is_broadcast_of_section(bw_test_find_bridge(oracle->settings, link->name),
                                            address) &&
                    bw_test_oracle_is_near(oracle, link, bridge))
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
                     bw_test_joins(oracle->world, port->bridge, link_called(oracle, bridge))))
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

/* The table of reasons */

static bool is_own(const BwTestPort *port, uint32_t address) {
        uint8_t bytes[4] = { (uint8_t) (address >> 24), (uint8_t) (address >> 16),
                             (uint8_t) (address >> 8), (uint8_t) address };
        BwPrefix single = bw_prefix_from_address(BW_FAMILY_IPV4, bytes);

        for (guint i = 0; i < port->addresses->len; i++)
                if (bw_prefix_contains(&g_array_index(port->addresses, BwPrefix, i), &single))
                        return true;
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
        const BwTestBridge *section = bw_test_find_bridge(oracle->settings, bridge->name);
        BwUnknownPorts without = bw_test_oracle_asks_for(oracle, bridge)
                                         ? oracle->settings->unknown_ports
                                         : BW_UNKNOWN_PORTS_ACCEPT;
        BwUnknownPorts wish =
                section && section->has_unknown_ports ? section->unknown_ports : without;
        BwMode mode = bw_test_bridge_mode(oracle->settings, bridge->name);
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
