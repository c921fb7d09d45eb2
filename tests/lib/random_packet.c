/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "random_packet.h"

#include "random.h"

static const BwTestPort *random_port(const BwTestOracle *oracle) {
        const GArray *ports = oracle->ports;

        return ports->len ? &g_array_index(ports, BwTestPort, bw_test_below(ports->len)) : NULL;
}

static uint32_t first_of(const BwPrefix *prefix) {
        return (uint32_t) prefix->bytes[0] << 24 | prefix->bytes[1] << 16 | prefix->bytes[2] << 8 |
               prefix->bytes[3];
}

/* In it, or just outside. */
static uint32_t address_near(const BwPrefix *prefix) {
        uint32_t hosts;

        if (prefix->family != BW_FAMILY_IPV4)
                return 0x0a000001;
        hosts = prefix->length ? 0xffffffff >> (prefix->length - 1) >> 1 : 0xffffffff;
        switch (bw_test_below(6)) {
        case 0:
                return first_of(prefix) + hosts + 1;
        case 1:
                return first_of(prefix) - 1;
        case 2:
                return first_of(prefix) + hosts;
        default:
                return first_of(prefix) + (hosts ? bw_test_below(MIN(hosts, 300)) : 0);
        }
}

static uint32_t random_address(const BwTestPort *port) {
        static const uint32_t special[] = {
                0,          0xffffffff, 0xe0000001, 0xefffffff, 0xf0000000, 0xdfffffff, 0x0a00ffff,
                0x0a0102ff, 0x0a000005, 0x0a000007, 0xc000027f, 0x0a0000ff, 0xc0a8097f, 0x7fffffff,
        };
        BwPrefix prefix;

        if (bw_test_once_in(4))
                return special[bw_test_below(G_N_ELEMENTS(special))];
        prefix = bw_test_random_address();
        if (port && port->addresses->len && !bw_test_once_in(3))
                prefix = g_array_index(port->addresses, BwPrefix,
                                       bw_test_below(port->addresses->len));
        return address_near(&prefix);
}

static BwMac random_mac(const BwTestPort *port) {
        if (port && port->macs->len && !bw_test_once_in(4))
                return g_array_index(port->macs, BwMac, bw_test_below(port->macs->len));
        return (BwMac){ { 0x52, 0x54, 0, 0, 0, (uint8_t) bw_test_below(8) } };
}

static void make_dhcp(BwTestPacket *packet, const BwTestPort *port) {
        bool request = bw_test_once_in(2);

        packet->udp = true;
        packet->from_port = request ? 68 : 67;
        packet->to_port = request ? 67 : 68;
        packet->bootp_operation = request ? 1 : 2;
        packet->hardware_length = 6;
        packet->client = packet->sender = random_mac(port);
        if (request) {
                packet->source = 0;
                packet->destination = 0xffffffff;
        }
}

/* One thing wrong with it: the near miss. */
static void spoil(BwTestPacket *packet, const BwTestPort *port) {
        switch (bw_test_below(9)) {
        case 0:
                packet->udp = !packet->udp;
                return;
        case 1:
                packet->from_port ^= 1;
                return;
        case 2:
                packet->to_port ^= 1;
                return;
        case 3:
                packet->bootp_operation ^= 3;
                return;
        case 4:
                packet->fragment = true;
                return;
        case 5:
                packet->client.octet[bw_test_below(6)] ^= 1;
                return;
        case 6:
                packet->sender.octet[bw_test_below(6)] ^= 1;
                return;
        case 7:
                packet->source = random_address(port);
                return;
        default:
                packet->destination = random_address(port);
                return;
        }
}

static const BwLink *bridge_of(const BwTestOracle *oracle, const BwLink *link) {
        for (guint i = 0; i < oracle->world->links->len; i++) {
                const BwLink *bridge = &g_array_index(oracle->world->links, BwLink, i);

                if (bridge->kind == BW_LINK_BRIDGE && bridge->ifindex == link->master)
                        return bridge;
        }
        return NULL;
}

/* A port and its bridge as they are; at times a name nobody has, or a bridge it is not on. */
static void random_door(const BwTestOracle *oracle, char *bridge, char *port) {
        const GArray *links = oracle->world->links;
        const BwLink *link = &g_array_index(links, BwLink, bw_test_below(links->len));
        const BwLink *master = bridge_of(oracle, link);

        if (!master || bw_test_once_in(20))
                master = &g_array_index(links, BwLink, bw_test_below(MIN(links->len, 3)));
        g_strlcpy(bridge, bw_test_once_in(40) ? "eth0" : master->name, BW_IFNAME_SIZE);
        g_strlcpy(port, link->name, BW_IFNAME_SIZE);
        if (bw_test_once_in(10))
                bw_test_random_ifname(port);
        if (bw_test_once_in(10))
                port[0] = '\0';
}

/* Of the link of that name, whatever bridge the packet says it is on. */
static int index_of(const BwTestOracle *oracle, const char *port) {
        const GArray *links = oracle->world->links;

        for (guint i = 0; i < links->len && *port; i++) {
                const BwLink *link = &g_array_index(links, BwLink, i);

                if (g_str_equal(link->name, port))
                        return link->ifindex;
        }
        return 0;
}

BwTestPacket bw_test_random_packet(const BwTestOracle *oracle) {
        const BwTestPort *port;
        BwTestPacket packet = {};

        random_door(oracle, packet.in_bridge, packet.port_in);
        random_door(oracle, packet.out_bridge, packet.port_out);
        packet.port_out_index = index_of(oracle, packet.port_out);
        port = bw_test_oracle_port(oracle, packet.in_bridge, packet.port_in);
        if (!port || bw_test_once_in(2))
                port = bw_test_oracle_port(oracle, packet.out_bridge, packet.port_out);
        if (!port || bw_test_once_in(20))
                port = random_port(oracle);
        packet.source = random_address(port);
        packet.destination = random_address(bw_test_once_in(3) ? random_port(oracle) : port);
        packet.sender = random_mac(port);
        packet.udp = bw_test_once_in(2);
        if (bw_test_once_in(3)) {
                make_dhcp(&packet, port);
                if (bw_test_once_in(2))
                        spoil(&packet, port);
        }
        return packet;
}
