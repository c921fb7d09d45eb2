/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "frame_wish.h"

#include <arpa/inet.h>
#include <bw/corpus_packet.h>
#include <bw/error.h>
#include <bw/explain.h>
#include <bw/frame.h>
#include <bw/owner.h>
#include <bw/text.h>
#include <netinet/in.h>
#include <string.h>

#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100

/* What is known of the frame so far. */
typedef struct Draft {
        const BwFrameWish *wish;
        JsonArray *stations;
        JsonObject *in, *out; /* NULL: not said, or not known */
        BwFamily family;
        BwMac src_mac, dst_mac;
        BwPrefix src, dst;
} Draft;

const char *bw_wish_name(BwWishKind kind) {
        switch (kind) {
        case BW_WISH_PING:
                return "ping";
        case BW_WISH_ARP:
                return "arp";
        case BW_WISH_ARP_REPLY:
                return "arp-reply";
        case BW_WISH_ND:
                return "nd";
        case BW_WISH_NA:
                return "na";
        case BW_WISH_RA:
                return "ra";
        case BW_WISH_REDIRECT:
                return "redirect";
        case BW_WISH_DHCP:
                return "dhcp";
        case BW_WISH_DHCP_SERVER:
                return "dhcp-server";
        case BW_WISH_QUERY:
                return "query";
        }
        g_assert_not_reached();
}

static bool fail(GError **error, const char *what, const char *word) {
        g_autofree char *shown = bw_text_short(word ? word : "", 64);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "%s%s%s", what, word ? ": " : "", shown);
        return false;
}

/* Stations */

static const char *text_of(JsonObject *station, const char *name) {
        return json_object_get_string_member_with_default(station, name, "");
}

static JsonObject *find_station(JsonArray *stations, const char *port) {
        for (guint i = 0; port && i < json_array_get_length(stations); i++) {
                JsonObject *station = json_array_get_object_element(stations, i);

                if (g_str_equal(text_of(station, "Port"), port))
                        return station;
        }
        return NULL;
}

static guint length_of(JsonObject *station, const char *list) {
        return station && json_object_has_member(station, list)
                       ? json_array_get_length(json_object_get_array_member(station, list))
                       : 0;
}

static bool first_mac(JsonObject *station, BwMac *ret) {
        return length_of(station, "MACs") > 0 &&
               bw_mac_parse(json_array_get_string_element(
                                    json_object_get_array_member(station, "MACs"), 0),
                            ret, NULL);
}

static bool address_at(JsonObject *station, guint i, BwPrefix *ret) {
        return bw_prefix_parse(json_array_get_string_element(
                                       json_object_get_array_member(station, "Addresses"), i),
                               ret, NULL);
}

/* A single one before one out of a network, whose first host then stands for it. */
static bool first_address(JsonObject *station, BwFamily family, BwPrefix *ret) {
        bool found = false;

        for (guint i = 0; i < length_of(station, "Addresses"); i++) {
                BwPrefix prefix;

                if (!address_at(station, i, &prefix) || prefix.family != family ||
                    (found && !bw_prefix_is_single(&prefix)))
                        continue;
                *ret = prefix;
                found = true;
                if (bw_prefix_is_single(&prefix))
                        return true;
        }
        if (!found)
                return false;
        ret->length = family == BW_FAMILY_IPV4 ? 32 : 128;
        ret->bytes[family == BW_FAMILY_IPV4 ? 3 : 15] |= 1;
        return true;
}

static bool owns(JsonObject *station, const BwPrefix *address) {
        BwPrefix derived;
        BwMac mac;

        for (guint i = 0; i < length_of(station, "Addresses"); i++) {
                BwPrefix prefix;

                if (address_at(station, i, &prefix) && bw_prefix_contains(&prefix, address))
                        return true;
        }
        if (address->family != BW_FAMILY_IPV6 || !first_mac(station, &mac))
                return false;
        derived = bw_owner_derive_link_local(&mac);
        return bw_prefix_equal(address, &derived);
}

/* Joined by links, so that what one sends to the other's MAC gets there. */
static bool is_beyond(const Draft *draft, JsonObject *station) {
        gint64 own = json_object_get_int_member_with_default(draft->in, "Segment", 0);

        return own != 0 && json_object_get_int_member_with_default(station, "Segment", 0) == own;
}

static bool is_on_bridge(const Draft *draft, JsonObject *station) {
        return g_str_equal(text_of(station, "Bridge"), text_of(draft->in, "Bridge"));
}

static JsonObject *find_other(const Draft *draft, bool (*where)(const Draft *, JsonObject *),
                              bool (*test)(JsonObject *, const BwPrefix *),
                              const BwPrefix *address) {
        for (guint i = 0; i < json_array_get_length(draft->stations); i++) {
                JsonObject *station = json_array_get_object_element(draft->stations, i);

                if (station != draft->in && where(draft, station) && test(station, address))
                        return station;
        }
        return NULL;
}

static bool is_host(JsonObject *station, const BwPrefix *address G_GNUC_UNUSED) {
        return g_str_equal(text_of(station, "Role"), "host") && length_of(station, "MACs") > 0;
}

/* Addresses */

static BwPrefix address_of(const char *text) {
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;
        uint8_t bytes[16] = {};

        (void) inet_pton(family == BW_FAMILY_IPV6 ? AF_INET6 : AF_INET, text, bytes);
        return bw_prefix_from_address(family, bytes);
}

static bool read_address(const char *option, const char *text, BwPrefix *ret, GError **error) {
        uint8_t bytes[16];

        if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes) != 1)
                return fail(error, option, text);
        *ret = bw_prefix_from_address(strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4, bytes);
        return true;
}

/* Any MAC, not only those a port may own: "--dst-mac ff:ff:ff:ff:ff:ff". */
static bool read_mac(const char *option, const char *text, BwMac *ret, GError **error) {
        return bw_mac_read(text, ret) || fail(error, option, text);
}

static bool is_ipv6_only(BwWishKind kind) {
        return kind == BW_WISH_ND || kind == BW_WISH_NA || kind == BW_WISH_RA;
}

static bool is_arp(BwWishKind kind) {
        return kind == BW_WISH_ARP || kind == BW_WISH_ARP_REPLY;
}

static BwFamily family_of_station(JsonObject *station) {
        BwPrefix address;

        return !first_address(station, BW_FAMILY_IPV4, &address) &&
                               first_address(station, BW_FAMILY_IPV6, &address)
                       ? BW_FAMILY_IPV6
                       : BW_FAMILY_IPV4;
}

static bool settle_family(Draft *draft, GError **error) {
        const BwFrameWish *wish = draft->wish;
        bool said = wish->src || wish->dst;

        if (wish->src && !read_address("--src is no address", wish->src, &draft->src, error))
                return false;
        if (wish->dst && !read_address("--dst is no address", wish->dst, &draft->dst, error))
                return false;
        if (wish->src && wish->dst && draft->src.family != draft->dst.family)
                return fail(error, "--src and --dst are of two families", NULL);
        draft->family = wish->src   ? draft->src.family
                        : wish->dst ? draft->dst.family
                                    : family_of_station(draft->in);
        if (is_ipv6_only(wish->kind) && said && draft->family != BW_FAMILY_IPV6)
                return fail(error, "this kind of frame takes IPv6 addresses",
                            bw_wish_name(wish->kind));
        if (is_arp(wish->kind) && said && draft->family != BW_FAMILY_IPV4)
                return fail(error, "ARP takes IPv4 addresses", NULL);
        if (is_ipv6_only(wish->kind))
                draft->family = BW_FAMILY_IPV6;
        if (is_arp(wish->kind))
                draft->family = BW_FAMILY_IPV4;
        return true;
}

static bool settle_source(Draft *draft, GError **error) {
        const BwFrameWish *wish = draft->wish;
        bool is_ipv6 = draft->family == BW_FAMILY_IPV6;

        if (wish->src_mac) {
                if (!read_mac("--src-mac is no MAC address", wish->src_mac, &draft->src_mac, error))
                        return false;
        } else if (!first_mac(draft->in, &draft->src_mac))
                return fail(error, "no MAC address of the sender is known; say --src-mac", NULL);
        if (wish->src)
                return true;
        /* A client that asks one server has an address already (RFC 2131, renewing). */
        if (wish->kind == BW_WISH_DHCP && !is_ipv6 && !wish->dst) {
                draft->src = address_of("0.0.0.0");
                return true;
        }
        /* Link-local by the protocols' own rule, or for want of another. */
        if (wish->kind == BW_WISH_RA ||
            (is_ipv6 && (wish->kind == BW_WISH_DHCP || wish->kind == BW_WISH_REDIRECT ||
                         wish->kind == BW_WISH_QUERY))) {
                draft->src = bw_owner_derive_link_local(&draft->src_mac);
                return true;
        }
        if (first_address(draft->in, draft->family, &draft->src))
                return true;
        if (!is_ipv6)
                return fail(error, "no IPv4 address of the sender is known; say --src", NULL);
        draft->src = bw_owner_derive_link_local(&draft->src_mac);
        return true;
}

/* Where the kind goes when nobody says otherwise; NULL: to somebody. */
static const char *usual_destination(const Draft *draft) {
        bool is_ipv6 = draft->family == BW_FAMILY_IPV6;

        switch (draft->wish->kind) {
        case BW_WISH_PING:
        case BW_WISH_ARP:
        case BW_WISH_ARP_REPLY:
        case BW_WISH_ND:
        case BW_WISH_REDIRECT:
                return NULL;
        case BW_WISH_NA:
        case BW_WISH_RA:
                return "ff02::1";
        case BW_WISH_DHCP:
                return is_ipv6 ? "ff02::1:2" : "255.255.255.255";
        case BW_WISH_DHCP_SERVER:
                return is_ipv6 ? NULL : "255.255.255.255";
        case BW_WISH_QUERY:
                return is_ipv6 ? "ff02::1" : "224.0.0.1";
        }
        g_assert_not_reached();
}

static bool settle_destination(Draft *draft, GError **error) {
        const char *usual = usual_destination(draft);

        if (draft->wish->dst)
                return true;
        if (usual) {
                draft->dst = address_of(usual);
                return true;
        }
        if (draft->out && first_address(draft->out, draft->family, &draft->dst))
                return true;
        return fail(error, "say --dst, or --out with a port that has addresses", NULL);
}

/* RFC 1112, RFC 2464 */
static bool group_mac(const BwPrefix *address, BwMac *ret) {
        const uint8_t *bytes = address->bytes;

        if (address->family == BW_FAMILY_IPV6) {
                if (bytes[0] != 0xff)
                        return false;
                *ret = (BwMac){ { 0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15] } };
                return true;
        }
        if (memcmp(bytes, "\xff\xff\xff\xff", 4) == 0) {
                memset(ret->octet, 0xff, sizeof(ret->octet));
                return true;
        }
        if (bytes[0] >> 4 != 14)
                return false;
        *ret = (BwMac){ { 0x01, 0x00, 0x5e, bytes[1] & 0x7f, bytes[2], bytes[3] } };
        return true;
}

/* RFC 4291, 2.7.1 */
static BwPrefix solicited_node(const BwPrefix *target) {
        BwPrefix group = address_of("ff02::1:ff00:0");

        memcpy(group.bytes + 13, target->bytes + 13, 3);
        return group;
}

static bool settle_destination_mac(Draft *draft, GError **error) {
        const BwFrameWish *wish = draft->wish;
        BwPrefix solicited = solicited_node(&draft->dst);
        JsonObject *receiver;

        if (wish->dst_mac)
                return read_mac("--dst-mac is no MAC address", wish->dst_mac, &draft->dst_mac,
                                error);
        if (wish->kind == BW_WISH_ARP) {
                memset(draft->dst_mac.octet, 0xff, sizeof(draft->dst_mac.octet));
                return true;
        }
        if (group_mac(wish->kind == BW_WISH_ND ? &solicited : &draft->dst, &draft->dst_mac))
                return true;
        receiver = find_other(draft, is_on_bridge, owns, &draft->dst);
        if (!receiver)
                receiver = find_other(draft, is_beyond, owns, &draft->dst);
        if (first_mac(receiver, &draft->dst_mac) || first_mac(draft->out, &draft->dst_mac))
                return true;
        /* What nobody on the bridge has, goes to the host, as to a router. */
        if (first_mac(find_other(draft, is_on_bridge, is_host, NULL), &draft->dst_mac))
                return true;
        return fail(error,
                    "nobody on the bridge is known to have this address; say with --dst-mac where "
                    "the frame goes, or --out",
                    wish->dst);
}

/* Contents */

static GByteArray *build_arp(const Draft *draft) {
        BwPacketArp arp = {
                .hardware = 1,
                .protocol = ETHERTYPE_IPV4,
                .hardware_length = 6,
                .protocol_length = 4,
                .operation = draft->wish->kind == BW_WISH_ARP ? 1 : 2,
                .sender_mac = draft->src_mac,
                .sender = draft->src,
                .target = draft->dst,
        };

        if (draft->wish->kind == BW_WISH_ARP_REPLY)
                arp.target_mac = draft->dst_mac;
        return bw_packet_arp(&arp);
}

static GByteArray *build_redirect(const Draft *draft) {
        bool is_ipv6 = draft->family == BW_FAMILY_IPV6;
        BwPacketIp inner = { .source = draft->dst,
                             .destination = draft->src,
                             .protocol = IPPROTO_UDP };
        GByteArray *packet = bw_packet_ip(
                &inner, bw_packet_seal(&inner, bw_packet_udp(9, 9, bw_packet_filler(0))));
        uint32_t gateway;

        if (is_ipv6) {
                g_byte_array_prepend(packet, draft->dst.bytes, 16);
                g_byte_array_prepend(packet, draft->src.bytes, 16);
                return bw_packet_message(BW_ND_REDIRECT, 0, 0, packet);
        }
        memcpy(&gateway, draft->src.bytes, sizeof(gateway));
        return bw_packet_message(5, 1, g_ntohl(gateway), packet);
}

static GByteArray *build_dhcp(const Draft *draft, bool server) {
        static const uint8_t dhcpv6[] = { 1, 0x25, 0x07, 0x01 };
        BwMac client = server ? draft->dst_mac : draft->src_mac;
        GByteArray *message;

        if (draft->family == BW_FAMILY_IPV6) {
                message = bw_packet_bytes(dhcpv6, sizeof(dhcpv6));
                return server ? bw_packet_udp(547, 546, message) : bw_packet_udp(546, 547, message);
        }
        if (server && bw_mac_is_group(&client) && !first_mac(draft->out, &client))
                memset(&client, 0, sizeof(client));
        message = bw_packet_bootp(server ? 2 : 1, client);
        return server ? bw_packet_udp(67, 68, message) : bw_packet_udp(68, 67, message);
}

static GByteArray *build_query(const Draft *draft) {
        if (draft->family == BW_FAMILY_IPV4)
                return bw_packet_message(0x11, 100, 0, bw_packet_filler(0));
        return bw_packet_message(130, 0, 10000 << 16, bw_packet_bytes((uint8_t[16]){ 0 }, 16));
}

/* The transport part. */
static GByteArray *build_payload(const Draft *draft) {
        bool is_ipv6 = draft->family == BW_FAMILY_IPV6;

        switch (draft->wish->kind) {
        case BW_WISH_PING:
                return bw_packet_message(is_ipv6 ? 128 : 8, 0, 1, bw_packet_filler(56));
        case BW_WISH_ND:
                return bw_packet_nd(BW_ND_SOLICITATION, &draft->dst,
                                    bw_packet_option(1, draft->src_mac, NULL));
        case BW_WISH_NA:
                return bw_packet_nd(BW_ND_ADVERTISEMENT, &draft->src,
                                    bw_packet_option(2, draft->src_mac, NULL));
        case BW_WISH_RA: {
                GByteArray *times = bw_packet_bytes((uint8_t[8]){ 0 }, 8);

                g_byte_array_append(times, (uint8_t[]){ 1, 1 }, 2);
                g_byte_array_append(times, draft->src_mac.octet, 6);
                return bw_packet_message(BW_ND_ROUTER_ADVERTISEMENT, 0, 64u << 24 | 1800, times);
        }
        case BW_WISH_REDIRECT:
                return build_redirect(draft);
        case BW_WISH_DHCP:
                return build_dhcp(draft, false);
        case BW_WISH_DHCP_SERVER:
                return build_dhcp(draft, true);
        case BW_WISH_QUERY:
                return build_query(draft);
        case BW_WISH_ARP:
        case BW_WISH_ARP_REPLY:
                break; /* no IP */
        }
        g_assert_not_reached();
}

static uint8_t protocol_of(const Draft *draft) {
        BwWishKind kind = draft->wish->kind;

        if (kind == BW_WISH_DHCP || kind == BW_WISH_DHCP_SERVER)
                return IPPROTO_UDP;
        if (draft->family == BW_FAMILY_IPV6)
                return IPPROTO_ICMPV6;
        return kind == BW_WISH_QUERY ? IPPROTO_IGMP : IPPROTO_ICMP;
}

static uint8_t hop_limit_of(BwWishKind kind, BwFamily family) {
        if (kind == BW_WISH_QUERY)
                return 1;
        return is_ipv6_only(kind) || (kind == BW_WISH_REDIRECT && family == BW_FAMILY_IPV6) ? 255
                                                                                            : 64;
}

static GByteArray *build_ip(const Draft *draft) {
        BwPacketIp ip = {
                .source = draft->src,
                .destination =
                        draft->wish->kind == BW_WISH_ND ? solicited_node(&draft->dst) : draft->dst,
                .protocol = protocol_of(draft),
                .hop_limit = hop_limit_of(draft->wish->kind, draft->family),
        };

        return bw_packet_ip(&ip, bw_packet_seal(&ip, build_payload(draft)));
}

static GByteArray *build_frame(const Draft *draft) {
        uint16_t ethertype = draft->family == BW_FAMILY_IPV6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
        GByteArray *payload;

        if (is_arp(draft->wish->kind)) {
                ethertype = ETHERTYPE_ARP;
                payload = build_arp(draft);
        } else
                payload = build_ip(draft);
        if (draft->wish->vlan != 0) {
                payload = bw_packet_tag((uint16_t) draft->wish->vlan, ethertype, payload);
                ethertype = ETHERTYPE_VLAN;
        }
        return bw_packet_ethernet(draft->dst_mac, draft->src_mac, ethertype, payload);
}

/* Pairs of digits; white space and colons between them do not count. */
static GByteArray *read_hex(const char *text, GError **error) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();

        while (*text) {
                int high, low;
                uint8_t byte;

                if (g_ascii_isspace(*text) || *text == ':') {
                        text++;
                        continue;
                }
                high = g_ascii_xdigit_value(text[0]);
                low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
                if (low < 0 || bytes->len >= BW_EXPLAIN_MAX_FRAME) {
                        fail(error,
                             low < 0 ? "--hex takes pairs of hexadecimal digits, and there is"
                                     : "--hex is longer than any frame; left over is",
                             text);
                        return NULL;
                }
                byte = (uint8_t) (high << 4 | low);
                g_byte_array_append(bytes, &byte, 1);
                text += 2;
        }
        return g_steal_pointer(&bytes);
}

GByteArray *bw_frame_wish_build(const BwFrameWish *wish, JsonArray *stations, GError **error) {
        Draft draft = { .wish = wish, .stations = stations };

        if (wish->hex)
                return read_hex(wish->hex, error);
        if (wish->vlan < 0 || wish->vlan > 4094) {
                fail(error, "--vlan takes a number from 1 to 4094", NULL);
                return NULL;
        }
        draft.in = find_station(stations, wish->in);
        draft.out = find_station(stations, wish->out);
        if (!draft.in || (wish->out && !draft.out)) {
                g_autofree char *name = bw_text_short(draft.in ? wish->out : wish->in, 64);

                g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                            "no port %s is on a guarded bridge; \"bridgewarden ports\" lists them",
                            name);
                return NULL;
        }
        if (!settle_family(&draft, error) || !settle_source(&draft, error) ||
            !settle_destination(&draft, error) || !settle_destination_mac(&draft, error))
                return NULL;
        return build_frame(&draft);
}
