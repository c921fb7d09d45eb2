/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/frame_message.h>
#include <bw/frame_words.h>
#include <bw/special_address.h>

#include <netinet/in.h>
#include <string.h>

#define ETHERNET_HEADER 14
#define MOST_TAGS_TOLD  4

/* A frame without its tags. */
typedef struct Reading {
        BwFrameWords *words;
        const uint8_t *bytes;
        gsize length;
        BwFrame frame;
} Reading;

/* Tags */

static bool is_tag(uint16_t ethertype) {
        return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* Takes the outermost tag out. False: there is none, or nothing behind it. */
static bool take_tag(uint8_t *bytes, gsize *length, uint16_t *ret_vid) {
        if (*length < ETHERNET_HEADER + 4 || !is_tag(bw_frame_number(bytes + 12)))
                return false;
        *ret_vid = bw_frame_number(bytes + 14) & 0x0fff;
        *length -= 4;
        memmove(bytes + 12, bytes + 16, *length - 12);
        return true;
}

static unsigned take_tags(BwFrameWords *words, uint8_t *bytes, gsize *length) {
        GString *vids = g_string_new(NULL);
        uint16_t vid;
        unsigned n = 0;

        while (take_tag(bytes, length, &vid))
                if (n++ < MOST_TAGS_TOLD)
                        g_string_append_printf(vids, "%s%u", n > 1 ? " " : "", vid);
        if (n > MOST_TAGS_TOLD)
                g_string_append(vids, " ...");
        words->tags = g_string_free(vids, n == 0);
        return n;
}

/* ARP and RARP */

static const char *arp_operation(uint16_t operation) {
        static const char *const names[] = { NULL, "request", "reply" };

        return operation < G_N_ELEMENTS(names) ? names[operation] : NULL;
}

/* A probe speaks of the address it asks for (RFC 5227). */
static void read_arp(Reading *the) {
        const BwFrameArp *arp = &the->frame.arp;
        BwFrameWords *words = the->words;

        if (!arp->plain)
                return;
        words->addressed = true;
        words->source = arp->sender;
        words->destination = arp->target;
        words->claimed = bw_address_is_unspecified(&arp->sender) ? arp->target : arp->sender;
        words->claims_mac = true;
        words->claimed_mac = arp->sender_mac;
}

static char *name_arp(const Reading *the) {
        const char *name = arp_operation(the->frame.arp.operation);

        if (the->frame.kind == BW_FRAME_RARP)
                return g_strdup("rarp");
        if (!the->frame.arp.plain)
                return g_strdup("arp");
        return name ? g_strdup_printf("arp %s", name)
                    : g_strdup_printf("arp operation %u", the->frame.arp.operation);
}

static char *describe_arp(const Reading *the) {
        const BwFrameArp *arp = &the->frame.arp;
        const char *kind = the->frame.kind == BW_FRAME_RARP ? "RARP" : "ARP";
        g_autofree char *sender = bw_prefix_print(&arp->sender);
        g_autofree char *target = bw_prefix_print(&arp->target);
        char mac[BW_MAC_TEXT_SIZE];
        enum { REQUEST = 1, REPLY = 2 };

        bw_mac_print(&arp->sender_mac, mac);
        if (!arp->plain)
                return g_strdup_printf("%s that is not of Ethernet and IPv4, or is cut short",
                                       kind);
        if (the->frame.kind == BW_FRAME_RARP)
                return g_strdup_printf("RARP operation %u of %s", arp->operation, mac);
        if (arp->operation == REPLY)
                return g_strdup_printf("ARP reply %s is-at %s", sender, mac);
        if (arp->operation == REQUEST)
                return g_strdup_printf("ARP request who-has %s tell %s at %s", target, sender, mac);
        return g_strdup_printf("ARP operation %u of %s at %s", arp->operation, sender, mac);
}

/* IP */

static const char *name_protocol(uint8_t protocol) {
        switch (protocol) {
        case IPPROTO_ICMP:
                return "icmp";
        case IPPROTO_IGMP:
                return "igmp";
        case IPPROTO_PIM:
                return "pim";
        case IPPROTO_TCP:
                return "tcp";
        case IPPROTO_UDP:
                return "udp";
        case IPPROTO_ICMPV6:
                return "icmpv6";
        default:
                return NULL;
        }
}

static char *name_ip(const BwFrame *frame, const BwFrameMessage *message) {
        const char *name = name_protocol(frame->ip.protocol);

        if (!name)
                return g_strdup_printf("proto %u", frame->ip.protocol);
        if (message->kind)
                return g_strdup_printf("%s %s", name, message->kind);
        if (message->has_ports)
                return g_strdup_printf("%s %u > %u", name, message->source_port,
                                       message->destination_port);
        return g_strdup(name);
}

/* A header whose lengths are wrong still says who to whom. */
static void read_unsound(Reading *the) {
        const uint8_t *header = the->bytes + ETHERNET_HEADER;

        if (the->frame.kind != BW_FRAME_IPV4 || the->length < ETHERNET_HEADER + 20 ||
            header[0] >> 4 != 4)
                return;
        the->words->addressed = true;
        the->words->source = bw_prefix_from_address(BW_FAMILY_IPV4, header + 12);
        the->words->destination = bw_prefix_from_address(BW_FAMILY_IPV4, header + 16);
        the->words->claimed = the->words->source;
}

/* An advertisement speaks of its target, and so does a question from nowhere (RFC 4862). */
static void read_claim(Reading *the, const BwFrameMessage *message) {
        BwFrameWords *words = the->words;
        uint8_t type = the->frame.ip.type;

        if (!message->is_nd)
                return;
        if ((type == BW_ND_ADVERTISEMENT ||
             (type == BW_ND_SOLICITATION && bw_address_is_unspecified(&words->source))) &&
            message->has_target)
                words->claimed = message->target;
        words->claims_mac = type != BW_ND_REDIRECT && message->has_mac;
        words->claimed_mac = words->claims_mac ? message->mac : (BwMac){};
}

static char *describe_addressed(Reading *the, const char *inside) {
        g_autofree char *source = bw_prefix_print(&the->words->source);
        g_autofree char *destination = bw_prefix_print(&the->words->destination);

        return g_strdup_printf("%s > %s (%s)", source, destination, inside);
}

static char *describe_unsound(Reading *the) {
        read_unsound(the);
        if (the->words->addressed)
                return describe_addressed(the, "IPv4 with a length that cannot be");
        return g_strdup_printf("an %s packet too short to read",
                               the->frame.kind == BW_FRAME_IPV4 ? "IPv4" : "IPv6");
}

static char *describe_ip(Reading *the) {
        const BwFrameIp *ip = &the->frame.ip;
        BwFrameWords *words = the->words;
        g_autoptr(BwFrameMessage) message = NULL;
        g_autofree char *inside = NULL;

        if (!ip->valid)
                return describe_unsound(the);
        message = bw_frame_message_new(&the->frame, the->bytes, the->length);
        words->addressed = true;
        words->claimed = words->source = ip->source;
        words->destination = ip->destination;
        words->protocol = name_ip(&the->frame, message);
        read_claim(the, message);
        inside = message->text ? g_strconcat(words->protocol, message->has_ports ? ", " : " ",
                                             message->text, NULL)
                               : g_strdup(words->protocol);
        return describe_addressed(the, inside);
}

/* Everything else */

static const char *name_ethertype(uint16_t ethertype) {
        static const struct {
                uint16_t ethertype;
                const char *name;
        } names[] = { { 0x0842, "wake-on-LAN" },
                      { 0x8808, "flow control" },
                      { 0x8809, "LACP or other slow protocol" },
                      { 0x8847, "MPLS" },
                      { 0x8848, "MPLS" },
                      { 0x8863, "PPPoE discovery" },
                      { 0x8864, "PPPoE" },
                      { 0x888e, "EAPOL" },
                      { 0x88cc, "LLDP" },
                      { 0x88e5, "MACsec" },
                      { 0x88f7, "PTP" } };

        for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
                if (names[i].ethertype == ethertype)
                        return names[i].name;
        return NULL;
}

/* IEEE 802.2: who it is for, who it is from, and of what kind. */
static const char *name_llc(const Reading *the) {
        static const uint8_t stp[] = { 0x42, 0x42, 3 }, snap[] = { 0xaa, 0xaa, 3 };
        const uint8_t *header = the->bytes + ETHERNET_HEADER;

        if (the->length < ETHERNET_HEADER + 3)
                return "LLC";
        if (memcmp(header, stp, sizeof(stp)) == 0)
                return "spanning tree";
        return memcmp(header, snap, sizeof(snap)) == 0 ? "LLC/SNAP" : "LLC";
}

static char *describe_other(const Reading *the) {
        uint16_t ethertype = the->frame.ethertype;
        const char *name = ethertype < 0x600 ? name_llc(the) : name_ethertype(ethertype);
        char source[BW_MAC_TEXT_SIZE], destination[BW_MAC_TEXT_SIZE];

        bw_mac_print(&the->frame.source, source);
        bw_mac_print(&the->frame.destination, destination);
        if (!name)
                return g_strdup_printf("a frame %s > %s of ethertype 0x%04x", source, destination,
                                       ethertype);
        return g_strdup_printf("a frame of %s %s > %s", name, source, destination);
}

/* All of it */

static char *describe(Reading *the) {
        switch (the->frame.kind) {
        case BW_FRAME_SHORT:
                the->words->says_macs = true;
                return g_strdup("a frame too short to read");
        case BW_FRAME_OTHER:
                the->words->says_macs = true;
                return describe_other(the);
        case BW_FRAME_ARP:
                the->words->is_arp = true;
                read_arp(the);
                the->words->protocol = name_arp(the);
                return describe_arp(the);
        case BW_FRAME_RARP:
                the->words->protocol = name_arp(the);
                return describe_arp(the);
        case BW_FRAME_IPV4:
        case BW_FRAME_IPV6:
                return describe_ip(the);
        }
        g_assert_not_reached();
}

static char *describe_tagged(Reading *the, unsigned n_tags) {
        g_autofree char *inner = describe(the);

        if (n_tags == 0)
                return g_steal_pointer(&inner);
        if (n_tags == 1)
                return g_strdup_printf("%s behind a VLAN tag, VID %s", inner, the->words->tags);
        return g_strdup_printf("%s behind %u VLAN tags, VIDs %s", inner, n_tags, the->words->tags);
}

BwFrameWords *bw_frame_words_new(const uint8_t *bytes, gsize length) {
        BwFrameWords *words = g_new0(BwFrameWords, 1);
        g_autofree uint8_t *copy = length > 0 ? g_memdup2(bytes, length) : NULL;
        Reading the = { .words = words, .bytes = copy };
        unsigned n_tags;

        words->ethertype = length < ETHERNET_HEADER ? 0 : bw_frame_number(bytes + 12);
        n_tags = take_tags(words, copy, &length);
        bw_frame_shorten(copy, length);
        the.length = length;
        the.frame = bw_frame_decode(copy, length);
        words->destination_mac = the.frame.destination;
        words->source_mac = the.frame.source;
        words->text = describe_tagged(&the, n_tags);
        return words;
}

void bw_frame_words_free(BwFrameWords *words) {
        if (!words)
                return;
        g_free(words->tags);
        g_free(words->protocol);
        g_free(words->text);
        g_free(words);
}
