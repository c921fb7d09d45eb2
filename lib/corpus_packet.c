/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/corpus_packet.h>

#include <netinet/in.h>
#include <string.h>

GByteArray *bw_packet_bytes(const void *bytes, gsize length) {
        return g_byte_array_append(g_byte_array_new(), bytes, (guint) length);
}

GByteArray *bw_packet_filler(gsize length) {
        g_autofree uint8_t *bytes = g_malloc(length + 1);

        memset(bytes, 'b', length);
        return bw_packet_bytes(bytes, length);
}

static void put(uint8_t *at, uint16_t number) {
        at[0] = (uint8_t) (number >> 8);
        at[1] = (uint8_t) number;
}

static GByteArray *before(const uint8_t *header, gsize length, GByteArray *payload) {
        return g_byte_array_prepend(payload, header, (guint) length);
}

GByteArray *bw_packet_ethernet(BwMac destination, BwMac source, uint16_t ethertype,
                               GByteArray *payload) {
        uint8_t header[14];

        memcpy(header, destination.octet, 6);
        memcpy(header + 6, source.octet, 6);
        put(header + 12, ethertype);
        return before(header, sizeof(header), payload);
}

GByteArray *bw_packet_llc(BwMac destination, BwMac source, GByteArray *payload) {
        return bw_packet_ethernet(destination, source, (uint16_t) payload->len, payload);
}

GByteArray *bw_packet_tag(uint16_t vlan, uint16_t ethertype, GByteArray *payload) {
        uint8_t header[4];

        put(header, vlan);
        put(header + 2, ethertype);
        return before(header, sizeof(header), payload);
}

GByteArray *bw_packet_arp(const BwPacketArp *arp) {
        uint8_t bytes[28];

        put(bytes, arp->hardware);
        put(bytes + 2, arp->protocol);
        bytes[4] = arp->hardware_length;
        bytes[5] = arp->protocol_length;
        put(bytes + 6, arp->operation);
        memcpy(bytes + 8, arp->sender_mac.octet, 6);
        memcpy(bytes + 14, arp->sender.bytes, 4);
        memcpy(bytes + 18, arp->target_mac.octet, 6);
        memcpy(bytes + 24, arp->target.bytes, 4);
        return bw_packet_bytes(bytes, sizeof(bytes));
}

/* RFC 1071 */
static uint32_t sum_of(const uint8_t *bytes, gsize length, uint32_t sum) {
        for (gsize i = 0; i < length; i++)
                sum += i % 2 ? bytes[i] : (uint32_t) bytes[i] << 8;
        return sum;
}

static uint16_t checksum_of(uint32_t sum) {
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t) ~sum;
}

static GByteArray *ipv4(const BwPacketIp *ip, GByteArray *payload) {
        uint8_t header[60] = {};
        gsize length = 20 + ip->options * 4;

        header[0] = (uint8_t) (0x40 | length / 4);
        put(header + 2, (uint16_t) (length + payload->len));
        put(header + 4, 0x2507);
        put(header + 6, ip->fragment);
        header[8] = ip->hop_limit ? ip->hop_limit : 64;
        header[9] = ip->protocol;
        memcpy(header + 12, ip->source.bytes, 4);
        memcpy(header + 16, ip->destination.bytes, 4);
        memset(header + 20, 1, length - 20);
        put(header + 10, checksum_of(sum_of(header, length, 0)));
        return before(header, length, payload);
}

static GByteArray *ipv6(const BwPacketIp *ip, GByteArray *payload) {
        uint8_t header[40] = { 0x60 };

        put(header + 4, (uint16_t) payload->len);
        header[6] = ip->protocol;
        header[7] = ip->hop_limit ? ip->hop_limit : 64;
        memcpy(header + 8, ip->source.bytes, 16);
        memcpy(header + 24, ip->destination.bytes, 16);
        return before(header, sizeof(header), payload);
}

GByteArray *bw_packet_ip(const BwPacketIp *ip, GByteArray *payload) {
        return ip->source.family == BW_FAMILY_IPV4 ? ipv4(ip, payload) : ipv6(ip, payload);
}

/* PadN fills an options header; the same bytes are a routing header of an unknown type with no
 * segments left, which hosts pass over. */
GByteArray *bw_packet_extension(uint8_t next, GByteArray *payload) {
        const uint8_t header[8] = { next, 0, 1, 4 };

        return before(header, sizeof(header), payload);
}

GByteArray *bw_packet_fragment(uint8_t next, unsigned offset, bool more, GByteArray *payload) {
        uint8_t header[8] = { next, 0, 0, 0, 0, 0, 0x25, 0x07 };

        put(header + 2, (uint16_t) (offset | more));
        return before(header, sizeof(header), payload);
}

static gsize checksum_place(uint8_t protocol) {
        switch (protocol) {
        case IPPROTO_UDP:
                return 6;
        case IPPROTO_TCP:
                return 16;
        default:
                return 2;
        }
}

GByteArray *bw_packet_seal(const BwPacketIp *ip, GByteArray *payload) {
        gsize place = checksum_place(ip->protocol);
        uint32_t sum = 0;

        if (ip->protocol != IPPROTO_ICMP && ip->protocol != IPPROTO_IGMP &&
            ip->protocol != IPPROTO_PIM)
                sum = sum_of(ip->source.bytes, 16, sum_of(ip->destination.bytes, 16, 0)) +
                      ip->protocol + payload->len;
        put(payload->data + place, 0);
        put(payload->data + place, checksum_of(sum_of(payload->data, payload->len, sum)));
        return payload;
}

GByteArray *bw_packet_udp(uint16_t from, uint16_t to, GByteArray *payload) {
        uint8_t header[8] = {};

        put(header, from);
        put(header + 2, to);
        put(header + 4, (uint16_t) (sizeof(header) + payload->len));
        return before(header, sizeof(header), payload);
}

GByteArray *bw_packet_tcp(uint16_t from, uint16_t to, uint8_t flags) {
        uint8_t header[20] = { [12] = 0x50, [13] = flags, [14] = 0xff };

        put(header, from);
        put(header + 2, to);
        return bw_packet_bytes(header, sizeof(header));
}

GByteArray *bw_packet_message(uint8_t type, uint8_t code, uint32_t word, GByteArray *payload) {
        uint8_t header[8] = { type, code };

        put(header + 4, (uint16_t) (word >> 16));
        put(header + 6, (uint16_t) word);
        return before(header, sizeof(header), payload);
}

GByteArray *bw_packet_bootp(uint8_t operation, BwMac client) {
        uint8_t bytes[300] = { operation, 1, 6 };
        const uint8_t magic[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, operation, 255 };

        memcpy(bytes + 28, client.octet, 6);
        memcpy(bytes + 236, magic, sizeof(magic));
        return bw_packet_bytes(bytes, sizeof(bytes));
}

GByteArray *bw_packet_nd(uint8_t type, const BwPrefix *target, GByteArray *options) {
        if (!options)
                options = g_byte_array_new();
        if (target)
                options = before(target->bytes, 16, options);
        return bw_packet_message(type, 0, 0, options);
}

GByteArray *bw_packet_option(uint8_t type, BwMac mac, GByteArray *more) {
        uint8_t bytes[8] = { type, 1 };

        memcpy(bytes + 2, mac.octet, 6);
        return before(bytes, sizeof(bytes), more ? more : g_byte_array_new());
}
