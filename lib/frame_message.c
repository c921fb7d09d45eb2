/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/frame_message.h>

#include <netinet/in.h>
#include <string.h>

typedef struct Reading {
        const BwFrame *frame;
        const uint8_t *bytes;
        gsize length;
        BwFrameMessage *message;
} Reading;

/* The bytes behind the IP headers */

/* Where @n bytes stand that far behind the IP headers; NULL: they are not all there. */
static const uint8_t *find(const Reading *the, gsize offset, gsize n) {
        gsize at = the->frame->ip.transport + offset;

        if (the->frame->ip.transport == 0 || at + n > the->length)
                return NULL;
        return the->bytes + at;
}

static bool find_number(const Reading *the, gsize offset, uint16_t *ret) {
        const uint8_t *bytes = find(the, offset, sizeof(*ret));

        if (bytes)
                *ret = bw_frame_number(bytes);
        return bytes != NULL;
}

static bool find_mac(const Reading *the, gsize offset, BwMac *ret) {
        const uint8_t *bytes = find(the, offset, sizeof(*ret));

        if (bytes)
                memcpy(ret->octet, bytes, sizeof(*ret));
        return bytes != NULL;
}

static bool find_address(const Reading *the, gsize offset, BwPrefix *ret) {
        bool ipv4 = the->frame->kind == BW_FRAME_IPV4;
        const uint8_t *bytes = find(the, offset, ipv4 ? 4 : 16);

        if (bytes)
                *ret = bw_prefix_from_address(ipv4 ? BW_FAMILY_IPV4 : BW_FAMILY_IPV6, bytes);
        return bytes != NULL;
}

/* (transfer full): the address that far behind the IP headers; "?" when it was not kept. */
static char *print_address(const Reading *the, gsize offset) {
        BwPrefix address;

        return find_address(the, offset, &address) ? bw_prefix_print(&address) : g_strdup("?");
}

/* ICMP and its kin, by type */

typedef struct Kind {
        uint8_t type;
        const char *name;
} Kind;

enum {
        MLD_QUERY = 130, /* RFC 2710 */
        ICMP_REDIRECT = 5,
};

static const Kind icmp_kinds[] = { { ICMP_REDIRECT, "redirect" }, { 9, "router advertisement" } };
static const Kind igmp_kinds[] = { { 0x11, "query" }, { 0x30, "multicast router advertisement" } };
static const Kind pim_kinds[] = { { 0x20, "hello" } }; /* RFC 7761 */
static const Kind icmpv6_kinds[] = {
        { MLD_QUERY, "multicast listener query" },
        { BW_ND_ROUTER_SOLICITATION, "router solicitation" },
        { BW_ND_ROUTER_ADVERTISEMENT, "router advertisement" },
        { BW_ND_SOLICITATION, "neighbour solicitation" },
        { BW_ND_ADVERTISEMENT, "neighbour advertisement" },
        { BW_ND_REDIRECT, "redirect" },
        { BW_ND_INVERSE_SOLICITATION, "inverse neighbour solicitation" },
        { BW_ND_INVERSE_ADVERTISEMENT, "inverse neighbour advertisement" },
        { 151, "multicast router advertisement" }, /* RFC 4286 */
};
static const Kind dhcpv6_kinds[] = { /* RFC 8415, chapter 7.3 */
                                     { 1, "solicit" },
                                     { 2, "advertise" },
                                     { 3, "request" },
                                     { 4, "confirm" },
                                     { 5, "renew" },
                                     { 6, "rebind" },
                                     { 7, "reply" },
                                     { 8, "release" },
                                     { 9, "decline" },
                                     { 10, "reconfigure" },
                                     { 11, "information-request" },
                                     { 12, "relay-forward" },
                                     { 13, "relay-reply" }
};

static const char *name_kind(const Kind *kinds, gsize n, uint8_t type) {
        for (gsize i = 0; i < n; i++)
                if (kinds[i].type == type)
                        return kinds[i].name;
        return NULL;
}

static bool is_icmpv6(const BwFrame *frame) {
        return frame->kind == BW_FRAME_IPV6 && frame->ip.protocol == IPPROTO_ICMPV6;
}

static const char *name_message(const BwFrame *frame) {
        uint8_t type = frame->ip.type;

        if (!frame->ip.has_type)
                return NULL;
        if (is_icmpv6(frame))
                return name_kind(icmpv6_kinds, G_N_ELEMENTS(icmpv6_kinds), type);
        if (frame->ip.protocol == IPPROTO_IGMP)
                return name_kind(igmp_kinds, G_N_ELEMENTS(igmp_kinds), type);
        if (frame->ip.protocol == IPPROTO_PIM)
                return name_kind(pim_kinds, G_N_ELEMENTS(pim_kinds), type);
        return name_kind(icmp_kinds, G_N_ELEMENTS(icmp_kinds), type);
}

/* Neighbour discovery. Odd messages are read as well, as far as they can be. */

/* Bytes before the options. */
static gsize fixed_part(uint8_t type) {
        switch (type) {
        case BW_ND_ROUTER_SOLICITATION:
                return 8;
        case BW_ND_ROUTER_ADVERTISEMENT:
                return 16;
        case BW_ND_REDIRECT:
                return 40;
        default:
                return 24;
        }
}

/* The first link-layer address among the options. */
static bool find_option(const Reading *the, BwMac *ret) {
        enum { SOURCE = 1, TARGET = 2 };
        gsize at = fixed_part(the->frame->ip.type);
        const uint8_t *option;

        while ((option = find(the, at, 8)) && option[1] > 0) {
                if (option[0] == SOURCE || option[0] == TARGET)
                        return find_mac(the, at + 2, ret);
                at += option[1] * 8u;
        }
        return false;
}

static bool is_nd(const BwFrame *frame) {
        return is_icmpv6(frame) && frame->ip.has_type &&
               frame->ip.type >= BW_ND_ROUTER_SOLICITATION && frame->ip.type <= BW_ND_REDIRECT;
}

static char *describe_nd(const Reading *the) {
        g_autofree char *target = print_address(the, 8);
        g_autofree char *destination = print_address(the, 24);
        char mac[BW_MAC_TEXT_SIZE] = "an unknown MAC";

        if (the->message->has_mac)
                bw_mac_print(&the->message->mac, mac);
        switch (the->frame->ip.type) {
        case BW_ND_ADVERTISEMENT:
                return the->message->has_mac ? g_strdup_printf("%s is-at %s", target, mac)
                                             : g_strdup(target);
        case BW_ND_SOLICITATION:
                return the->message->has_mac ? g_strdup_printf("who-has %s tell %s", target, mac)
                                             : g_strdup_printf("who-has %s", target);
        case BW_ND_REDIRECT:
                return g_strdup_printf("%s by way of %s", destination, target);
        default:
                return the->message->has_mac ? g_strdup_printf("from %s", mac) : NULL;
        }
}

/* "for" the network behind the packet it quotes. */
static char *describe_icmp(const Reading *the) {
        g_autofree char *gateway = print_address(the, 4);
        g_autofree char *destination = print_address(the, 8 + 16);

        if (!the->frame->ip.has_type || the->frame->ip.type != ICMP_REDIRECT)
                return NULL;
        return g_strdup_printf("%s by way of %s", destination, gateway);
}

/* DHCP */

/* Its options, and so its message type, are behind what rules copy. */
static char *describe_bootp(const Reading *the) {
        enum { UDP = 8, YIADDR = UDP + 16, SIADDR = UDP + 20, CHADDR = UDP + 28 };
        g_autofree char *yours = print_address(the, YIADDR);
        g_autofree char *server = print_address(the, SIADDR);
        const uint8_t *operation = find(the, UDP, 1);
        char text[BW_MAC_TEXT_SIZE];
        BwMac client;

        if (!operation || !find_mac(the, CHADDR, &client))
                return NULL;
        bw_mac_print(&client, text);
        if (*operation == 1)
                return g_strdup_printf("DHCP client message of %s", text);
        return g_strdup_printf("DHCP server message: %s for %s, server %s", yours, text, server);
}

static char *describe_dhcpv6(const Reading *the) {
        const uint8_t *type = find(the, 8, 1);
        const char *name = type ? name_kind(dhcpv6_kinds, G_N_ELEMENTS(dhcpv6_kinds), *type) : NULL;

        return name ? g_strdup_printf("DHCPv6 %s", name) : NULL;
}

static char *describe_udp(const Reading *the) {
        uint16_t from, to;

        if (!find_number(the, 0, &from) || !find_number(the, 2, &to))
                return NULL;
        if (the->frame->kind == BW_FRAME_IPV4)
                return (from == 67 || from == 68) && (to == 67 || to == 68) ? describe_bootp(the)
                                                                            : NULL;
        return (from == 546 || from == 547) && (to == 546 || to == 547) ? describe_dhcpv6(the)
                                                                        : NULL;
}

/* (transfer full): what a known message says, or NULL. */
static char *describe_message(const Reading *the) {
        if (is_nd(the->frame))
                return describe_nd(the);
        if (the->frame->kind == BW_FRAME_IPV4 && the->frame->ip.protocol == IPPROTO_ICMP)
                return describe_icmp(the);
        if (the->frame->ip.protocol == IPPROTO_UDP)
                return describe_udp(the);
        return NULL;
}

static void read_nd(Reading *the) {
        BwFrameMessage *message = the->message;

        message->is_nd = is_nd(the->frame);
        if (!message->is_nd)
                return;
        message->has_target = find_address(the, 8, &message->target);
        message->has_mac = find_option(the, &message->mac);
}

static bool has_port_numbers(uint8_t protocol) {
        return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* Padding behind the end is not the packet's. */
static gsize end_of_packet(const BwFrame *frame, const uint8_t *bytes, gsize length) {
        enum { ETHERNET = 14, IPV6 = 40 };

        if (!frame->ip.valid)
                return length;
        if (frame->kind == BW_FRAME_IPV4)
                return MIN(length, ETHERNET + (gsize) bw_frame_number(bytes + ETHERNET + 2));
        return MIN(length, ETHERNET + IPV6 + (gsize) bw_frame_number(bytes + ETHERNET + 4));
}

BwFrameMessage *bw_frame_message_new(const BwFrame *frame, const uint8_t *bytes, gsize length) {
        BwFrameMessage *message = g_new0(BwFrameMessage, 1);
        Reading the = { frame, bytes, end_of_packet(frame, bytes, length), message };

        message->has_ports = has_port_numbers(frame->ip.protocol) &&
                             find_number(&the, 0, &message->source_port) &&
                             find_number(&the, 2, &message->destination_port);
        message->kind = name_message(frame);
        read_nd(&the);
        message->text = describe_message(&the);
        return message;
}

void bw_frame_message_free(BwFrameMessage *message) {
        if (!message)
                return;
        g_free(message->text);
        g_free(message);
}
