/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Borders: what comes in by one as if from the other side, what leaves by the wrong one, and the
 * traffic of all who are where they say.
 */

#include <bw/corpus_list.h>
#include <netinet/in.h>

#define PASS         BW_REASON_NONE
#define SPOOF        BW_REASON_BORDER_SPOOF
#define MISDELIVERED BW_REASON_BORDER_MISDELIVERED

static const BwMac all_nodes = { { 0x33, 0x33, 0, 0, 0, 1 } };

static GByteArray *talk(void) {
        return bw_packet_udp(40000, 9, bw_packet_filler(18));
}

static BwPacketIp to_all(BwPrefix source, uint8_t protocol) {
        bool ipv4 = source.family == BW_FAMILY_IPV4;

        return (BwPacketIp){ .source = source,
                             .destination = bw_corpus_address(ipv4 ? "255.255.255.255" : "ff02::1"),
                             .protocol = protocol,
                             .hop_limit = 255 };
}

/* From whoever is behind the border, by a MAC nobody here has. */
static GByteArray *emit(BwCorpusList *list, BwWho border, uint16_t ethertype, GByteArray *payload) {
        return bw_packet_ethernet(bw_corpus_broadcast, bw_corpus_mac_of(list, border), ethertype,
                                  payload);
}

static GByteArray *udp(BwPrefix source) {
        BwPacketIp ip = to_all(source, IPPROTO_UDP);

        return bw_packet_ip(&ip, bw_packet_seal(&ip, talk()));
}

static GByteArray *arp(uint16_t operation, BwMac sender_mac, BwPrefix sender) {
        BwPacketArp arp = { .hardware = 1,
                            .protocol = 0x0800,
                            .hardware_length = 6,
                            .protocol_length = 4,
                            .operation = operation,
                            .sender_mac = sender_mac,
                            .sender = sender,
                            .target = bw_corpus_address("192.168.50.13") };

        return bw_packet_arp(&arp);
}

static GByteArray *nd(uint8_t type, BwPrefix source, BwPrefix target) {
        BwPacketIp ip = to_all(source, IPPROTO_ICMPV6);

        return bw_packet_ip(&ip, bw_packet_seal(&ip, bw_packet_nd(type, &target, NULL)));
}

/* Claims: each the same for whoever is behind the border and for whoever is not. */

typedef enum Claim {
        UDP4,
        UDP4_TAGGED,
        UDP4_FRAGMENT,
        UDP6,
        UDP6_TAGGED,
        UDP6_OPTIONS,
        UDP6_FRAGMENT,
        UDP6_LINK_LOCAL,
        ARP_REQUEST,
        ARP_REPLY,
        ARP_TAGGED,
        ARP_MAC,
        ADVERTISEMENT,
        ADVERTISEMENT_TAGGED,
        ADVERTISEMENT_LINK_LOCAL,
        DETECTION,
        ETHERNET,
        N_CLAIMS,
} Claim;

static const char *const claim_names[N_CLAIMS] = {
        "udp4",          "udp4-tagged",          "udp4-fragment",
        "udp6",          "udp6-tagged",          "udp6-options",
        "udp6-fragment", "udp6-link-local",      "arp-request",
        "arp-reply",     "arp-tagged",           "arp-mac",
        "advertisement", "advertisement-tagged", "advertisement-link-local",
        "detection",     "ethernet-source",
};

/* Behind the closed border's own card nothing is declared of MACs, so its link-local address is
 * anybody's, and so is a MAC nobody has declared. */
static bool names_mac(Claim claim) {
        return claim == UDP6_LINK_LOCAL || claim == ARP_MAC || claim == ADVERTISEMENT_LINK_LOCAL ||
               claim == ETHERNET;
}

static GByteArray *make_fragment(BwPrefix source) {
        BwPacketIp ip = to_all(source, IPPROTO_UDP);

        if (source.family == BW_FAMILY_IPV4) {
                ip.fragment = 3;
                return bw_packet_ip(&ip, bw_packet_filler(24));
        }
        ip.protocol = IPPROTO_FRAGMENT;
        return bw_packet_ip(&ip, bw_packet_fragment(IPPROTO_UDP, 24, false, bw_packet_filler(24)));
}

static GByteArray *make_options(BwPrefix source) {
        BwPacketIp ip = to_all(source, IPPROTO_DSTOPTS), plain = to_all(source, IPPROTO_UDP);

        return bw_packet_ip(&ip, bw_packet_extension(IPPROTO_UDP, bw_packet_seal(&plain, talk())));
}

static GByteArray *behind_tag(BwCorpusList *list, BwWho border, uint16_t ethertype,
                              GByteArray *payload) {
        return emit(list, border, 0x8100, bw_packet_tag(7, ethertype, payload));
}

static GByteArray *make_claim(BwCorpusList *list, BwWho border, BwWho who, Claim claim) {
        const BwStation *station = &list->scene->stations[who];
        BwMac own = bw_corpus_mac_of(list, border);
        BwPrefix unspecified = bw_corpus_address("::"), nowhere = bw_corpus_address("0.0.0.0");
        BwPrefix own_link_local = bw_corpus_link_local_of(list, border);

        switch (claim) {
        case UDP4:
                return emit(list, border, 0x0800, udp(station->ipv4));
        case UDP4_TAGGED:
                return behind_tag(list, border, 0x0800, udp(station->ipv4));
        case UDP4_FRAGMENT:
                return emit(list, border, 0x0800, make_fragment(station->ipv4));
        case UDP6:
                return emit(list, border, 0x86dd, udp(station->ipv6));
        case UDP6_TAGGED:
                return behind_tag(list, border, 0x86dd, udp(station->ipv6));
        case UDP6_OPTIONS:
                return emit(list, border, 0x86dd, make_options(station->ipv6));
        case UDP6_FRAGMENT:
                return emit(list, border, 0x86dd, make_fragment(station->ipv6));
        case UDP6_LINK_LOCAL:
                return emit(list, border, 0x86dd, udp(station->link_local));
        case ARP_REQUEST:
                return emit(list, border, 0x0806, arp(1, own, station->ipv4));
        case ARP_REPLY:
                return emit(list, border, 0x0806, arp(2, own, station->ipv4));
        case ARP_TAGGED:
                return behind_tag(list, border, 0x0806, arp(1, own, station->ipv4));
        case ARP_MAC:
                return emit(list, border, 0x0806, arp(1, station->mac, nowhere));
        case ADVERTISEMENT:
                return emit(list, border, 0x86dd, nd(136, own_link_local, station->ipv6));
        case ADVERTISEMENT_TAGGED:
                return behind_tag(list, border, 0x86dd, nd(136, own_link_local, station->ipv6));
        case ADVERTISEMENT_LINK_LOCAL:
                return emit(list, border, 0x86dd, nd(136, own_link_local, station->link_local));
        case DETECTION:
                return emit(list, border, 0x86dd, nd(135, unspecified, station->ipv6));
        case ETHERNET:
                return bw_packet_ethernet(bw_corpus_broadcast, station->mac, 0x88b5,
                                          bw_packet_filler(46));
        case N_CLAIMS:
                break;
        }
        g_assert_not_reached();
}

/* Behind which border each is: the whole meaning of the first reason, by hand. */
static const struct {
        BwWho border, who;
        BwReason in;
} claims[] = {
        { BW_WHO_UPLINK, BW_WHO_VICTIM, SPOOF },      { BW_WHO_UPLINK, BW_WHO_BEYOND, SPOOF },
        { BW_WHO_UPLINK, BW_WHO_UPLINK, PASS },       { BW_WHO_UPLINK, BW_WHO_NOBODY, PASS },
        { BW_WHO_LINK, BW_WHO_VICTIM, SPOOF },        { BW_WHO_LINK, BW_WHO_GATEWAY, SPOOF },
        { BW_WHO_LINK, BW_WHO_BEYOND, PASS },         { BW_WHO_LINK, BW_WHO_CLOSED, PASS },
        { BW_WHO_LINK, BW_WHO_NOBODY, PASS },         { BW_WHO_CLOSED, BW_WHO_VICTIM, SPOOF },
        { BW_WHO_CLOSED, BW_WHO_BEYOND, SPOOF },      { BW_WHO_CLOSED, BW_WHO_NOBODY, SPOOF },
        { BW_WHO_CLOSED, BW_WHO_CLOSED, PASS },       { BW_WHO_LINK_BEYOND, BW_WHO_BEYOND, SPOOF },
        { BW_WHO_LINK_BEYOND, BW_WHO_CLOSED, SPOOF }, { BW_WHO_LINK_BEYOND, BW_WHO_VICTIM, PASS },
        { BW_WHO_LINK_BEYOND, BW_WHO_GATEWAY, PASS },
};

/* Nobody has declared the MAC of who is behind a card, or of nobody: no address that comes of a MAC
 * is his. */
static BwReason reason_for(BwWho who, Claim claim, BwReason in) {
        bool has_mac = who != BW_WHO_NOBODY && who != BW_WHO_CLOSED && who != BW_WHO_UPLINK;

        return names_mac(claim) && !has_mac ? PASS : in;
}

static void add_claims(BwCorpusList *list) {
        for (unsigned i = 0; i < G_N_ELEMENTS(claims); i++)
                for (Claim claim = UDP4; claim < N_CLAIMS; claim++)
                        bw_corpus_add(list, claims[i].border, BW_WHO_ATTACKER,
                                      reason_for(claims[i].who, claim, claims[i].in), PASS,
                                      make_claim(list, claims[i].border, claims[i].who, claim),
                                      "border/%s/%s/%s", bw_who_name(claims[i].border),
                                      claim_names[claim], bw_who_name(claims[i].who));
}

/* Whoever is one of a network, and nearer to the other border; and the gateway nobody has. */
static void add_most_exact(BwCorpusList *list) {
        static const struct {
                BwWho border;
                const char *ipv4, *ipv6, *name;
                BwReason in;
        } rows[] = {
                { BW_WHO_UPLINK, "203.0.113.5", "2001:db8:77::5", "the-one", PASS },
                { BW_WHO_UPLINK, "203.0.113.4", "2001:db8:77::4", "before-the-one", SPOOF },
                { BW_WHO_UPLINK, "203.0.113.6", "2001:db8:77::6", "behind-the-one", SPOOF },
                { BW_WHO_UPLINK, "203.0.113.0", "2001:db8:77::", "first-of-all", SPOOF },
                { BW_WHO_UPLINK, "203.0.112.255", "2001:db8:76:ffff::1", "before-all", PASS },
                { BW_WHO_UPLINK, "203.0.114.0", "2001:db8:77:1::", "behind-all", PASS },
                { BW_WHO_UPLINK, BW_CORPUS_GATEWAY, BW_CORPUS_GATEWAY6, "the-gateway", PASS },
                { BW_WHO_CLOSED, "203.0.113.5", "2001:db8:77::5", "the-one", SPOOF },
                { BW_WHO_CLOSED, "203.0.113.4", "2001:db8:77::4", "before-the-one", PASS },
                { BW_WHO_CLOSED, "203.0.113.6", "2001:db8:77::6", "behind-the-one", PASS },
                { BW_WHO_CLOSED, "203.0.113.255", "2001:db8:77::ffff", "last-of-all", PASS },
                { BW_WHO_CLOSED, "203.0.114.0", "2001:db8:77:1::", "behind-all", SPOOF },
                { BW_WHO_CLOSED, BW_CORPUS_GATEWAY, BW_CORPUS_GATEWAY6, "the-gateway", SPOOF },
                { BW_WHO_LINK, BW_CORPUS_GATEWAY, BW_CORPUS_GATEWAY6, "the-gateway", SPOOF },
                { BW_WHO_LINK, "203.0.113.5", "2001:db8:77::5", "the-one", SPOOF },
                { BW_WHO_LINK, "203.0.113.6", "2001:db8:77::6", "behind-the-one", PASS },
                { BW_WHO_LINK_BEYOND, "203.0.113.5", "2001:db8:77::5", "the-one", PASS },
                { BW_WHO_LINK_BEYOND, "203.0.113.6", "2001:db8:77::6", "behind-the-one", SPOOF },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
                BwWho border = rows[i].border;
                BwMac own = bw_corpus_mac_of(list, border);
                BwPrefix ipv4 = bw_corpus_address(rows[i].ipv4);
                BwPrefix ipv6 = bw_corpus_address(rows[i].ipv6);
                const char *name = bw_who_name(border);

                bw_corpus_add(list, border, BW_WHO_ATTACKER, rows[i].in, PASS,
                              emit(list, border, 0x0800, udp(ipv4)), "border/%s/udp4/%s", name,
                              rows[i].name);
                bw_corpus_add(list, border, BW_WHO_ATTACKER, rows[i].in, PASS,
                              emit(list, border, 0x86dd, udp(ipv6)), "border/%s/udp6/%s", name,
                              rows[i].name);
                bw_corpus_add(list, border, BW_WHO_ATTACKER, rows[i].in, PASS,
                              emit(list, border, 0x0806, arp(1, own, ipv4)), "border/%s/arp/%s",
                              name, rows[i].name);
                bw_corpus_add(list, border, BW_WHO_ATTACKER, rows[i].in, PASS,
                              emit(list, border, 0x86dd,
                                   nd(136, bw_corpus_link_local_of(list, border), ipv6)),
                              "border/%s/advertisement/%s", name, rows[i].name);
        }
}

/* Hidden claims: of somebody who may send, so that nothing else is wrong. */

static GByteArray *cut(GByteArray *bytes, guint length) {
        return g_byte_array_set_size(bytes, length);
}

static GByteArray *odd_arp(BwMac mac, BwPrefix sender, guint at, uint8_t value) {
        GByteArray *bytes = arp(1, mac, sender);

        bytes->data[at] = value;
        return bytes;
}

static GByteArray *hidden(const BwPacketIp *ip, uint8_t header, GByteArray *inner) {
        BwPacketIp outer = *ip;

        outer.protocol = header;
        return bw_packet_ip(&outer, inner);
}

static void add_hidden_from(BwCorpusList *list, BwWho border, BwWho who) {
        const BwStation *station = &list->scene->stations[who];
        BwMac mac = bw_corpus_mac_of(list, border);
        BwPacketIp ip = to_all(station->ipv6, IPPROTO_ICMPV6);
        const struct {
                const char *name;
                uint16_t ethertype;
                BwReason in, out;
                GByteArray *payload;
        } rows[] = {
                { "ipv4-cut", 0x0800, SPOOF, BW_REASON_MISDELIVERED, cut(udp(station->ipv4), 16) },
                { "ipv6-cut", 0x86dd, SPOOF, BW_REASON_MISDELIVERED, cut(udp(station->ipv6), 36) },
                { "arp-cut", 0x0806, SPOOF, PASS, cut(arp(1, mac, station->ipv4), 27) },
                { "arp-hardware", 0x0806, SPOOF, PASS, odd_arp(mac, station->ipv4, 1, 6) },
                { "arp-length", 0x0806, SPOOF, PASS, odd_arp(mac, station->ipv4, 4, 8) },
                { "authentication", 0x86dd, SPOOF, PASS,
                  hidden(&ip, IPPROTO_AH, bw_packet_extension(IPPROTO_UDP, talk())) },
                { "advertisement-options", 0x86dd, SPOOF, PASS,
                  hidden(&ip, IPPROTO_DSTOPTS,
                         bw_packet_extension(IPPROTO_ICMPV6,
                                             bw_packet_nd(136, &station->ipv6, NULL))) },
                { "advertisement-fragment", 0x86dd, SPOOF, PASS,
                  hidden(&ip, IPPROTO_FRAGMENT,
                         bw_packet_fragment(IPPROTO_ICMPV6, 0, true,
                                            bw_packet_nd(136, &station->ipv6, NULL))) },
                { "later-fragment-255", 0x86dd, SPOOF, PASS,
                  hidden(&ip, IPPROTO_FRAGMENT,
                         bw_packet_fragment(IPPROTO_ICMPV6, 64, false, bw_packet_filler(16))) },
                { "no-type", 0x86dd, SPOOF, PASS, hidden(&ip, IPPROTO_ICMPV6, g_byte_array_new()) },
                { "advertisement", 0x86dd, PASS, PASS, nd(136, station->ipv6, station->ipv6) },
                { "solicitation-of-owned", 0x86dd, PASS, PASS,
                  nd(135, station->ipv6, bw_corpus_ipv6_of(list, BW_WHO_VICTIM)) },
                { "probe-of-owned", 0x0806, PASS, PASS, arp(1, mac, bw_corpus_address("0.0.0.0")) },
                { "rarp", 0x8035, PASS, PASS, arp(3, mac, bw_corpus_ipv4_of(list, BW_WHO_VICTIM)) },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
                bw_corpus_add(list, border, BW_WHO_ATTACKER, rows[i].in, rows[i].out,
                              emit(list, border, rows[i].ethertype, rows[i].payload),
                              "border/%s/hidden/%s", bw_who_name(border), rows[i].name);
}

static void add_hidden(BwCorpusList *list) {
        add_hidden_from(list, BW_WHO_UPLINK, BW_WHO_UPLINK);
        add_hidden_from(list, BW_WHO_LINK, BW_WHO_BEYOND);
        add_hidden_from(list, BW_WHO_CLOSED, BW_WHO_CLOSED);
        add_hidden_from(list, BW_WHO_LINK_BEYOND, BW_WHO_NOBODY);
}

/* What only somebody of the host's may not do, others behind an open border may. */
static void add_services(BwCorpusList *list) {
        BwMac own = bw_corpus_mac_of(list, BW_WHO_UPLINK);
        BwPacketIp ip = to_all(bw_corpus_ipv4_of(list, BW_WHO_UPLINK), IPPROTO_UDP);
        BwPacketIp ra = to_all(bw_corpus_link_local_of(list, BW_WHO_UPLINK), IPPROTO_ICMPV6);
        BwPacketIp igmp = to_all(bw_corpus_ipv4_of(list, BW_WHO_UPLINK), IPPROTO_IGMP);

        igmp.destination = bw_corpus_address("224.0.0.1");
        bw_corpus_add(
                list, BW_WHO_UPLINK, BW_WHO_ATTACKER, PASS, PASS,
                bw_corpus_wrap(
                        bw_corpus_broadcast, own, &ip,
                        bw_packet_udp(67, 68,
                                      bw_packet_bootp(2, bw_corpus_mac_of(list, BW_WHO_ATTACKER)))),
                "border/uplink/dhcp-offer");
        bw_corpus_add(list, BW_WHO_UPLINK, BW_WHO_ATTACKER, PASS, PASS,
                      bw_corpus_wrap(all_nodes, own, &ra,
                                     bw_packet_message(134, 0, 0x40000708, bw_packet_filler(8))),
                      "border/uplink/router-advertisement");
        bw_corpus_add(list, BW_WHO_UPLINK, BW_WHO_ATTACKER, PASS, PASS,
                      bw_corpus_wrap((BwMac){ { 0x01, 0, 0x5e, 0, 0, 1 } }, own, &igmp,
                                     bw_packet_message(0x11, 0, 0, bw_packet_filler(4))),
                      "border/uplink/query");
}

/* Leaving */

typedef struct Leaving {
        BwWho from, border;
        BwReason victim, beyond, closed, nobody, one, another;
} Leaving;

/* By which border each may leave: the whole meaning of the second reason. */
static const Leaving leavings[] = {
        { BW_WHO_ATTACKER, BW_WHO_UPLINK, MISDELIVERED, MISDELIVERED, MISDELIVERED, PASS, PASS,
          MISDELIVERED },
        { BW_WHO_ATTACKER, BW_WHO_LINK, MISDELIVERED, PASS, PASS, PASS, MISDELIVERED, PASS },
        { BW_WHO_BEYOND, BW_WHO_LINK_BEYOND, PASS, MISDELIVERED, MISDELIVERED, PASS, PASS,
          MISDELIVERED },
        { BW_WHO_BEYOND, BW_WHO_CLOSED, MISDELIVERED, MISDELIVERED, PASS, MISDELIVERED,
          MISDELIVERED, PASS },
};

static BwMac unknown_mac(void) {
        return (BwMac){ { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc } };
}

static void add_to(BwCorpusList *list, const Leaving *leaving, BwReason out, BwPrefix to,
                   const char *name) {
        bool ipv4 = to.family == BW_FAMILY_IPV4;
        BwPacketIp ip = { .source = ipv4 ? bw_corpus_ipv4_of(list, leaving->from)
                                         : bw_corpus_ipv6_of(list, leaving->from),
                          .destination = to,
                          .protocol = IPPROTO_UDP };
        BwMac own = bw_corpus_mac_of(list, leaving->from);

        bw_corpus_add(list, leaving->from, leaving->border, PASS, out,
                      bw_corpus_wrap(unknown_mac(), own, &ip, talk()), "border/to-%s/%s/%s",
                      bw_who_name(leaving->border), ipv4 ? "udp4" : "udp6", name);
        bw_corpus_add(list, leaving->from, leaving->border, PASS, out,
                      bw_corpus_wrap(bw_corpus_broadcast, own, &ip, talk()),
                      "border/to-%s/%s-in-broadcast/%s", bw_who_name(leaving->border),
                      ipv4 ? "udp4" : "udp6", name);
}

static void add_to_both(BwCorpusList *list, const Leaving *leaving, BwReason out, BwWho who) {
        add_to(list, leaving, out, bw_corpus_ipv4_of(list, who), bw_who_name(who));
        add_to(list, leaving, out, bw_corpus_ipv6_of(list, who), bw_who_name(who));
}

/* By the MAC alone: an ARP request says nothing else of where it is going. */
static void add_to_mac(BwCorpusList *list, const Leaving *leaving, BwReason out, BwMac to,
                       const char *name) {
        BwMac own = bw_corpus_mac_of(list, leaving->from);

        bw_corpus_add(list, leaving->from, leaving->border, PASS, out,
                      bw_packet_ethernet(to, own, 0x0806,
                                         arp(1, own, bw_corpus_ipv4_of(list, leaving->from))),
                      "border/to-%s/mac/%s", bw_who_name(leaving->border), name);
}

static void add_to_groups(BwCorpusList *list, const Leaving *leaving) {
        static const char *const groups[] = { "255.255.255.255", "192.168.50.255", "224.0.0.251",
                                              "ff02::fb" };

        for (unsigned i = 0; i < G_N_ELEMENTS(groups); i++)
                add_to(list, leaving, PASS, bw_corpus_address(groups[i]), groups[i]);
}

static void add_leaving(BwCorpusList *list, const Leaving *leaving) {
        add_to_both(list, leaving, leaving->victim, BW_WHO_VICTIM);
        if (leaving->from != BW_WHO_BEYOND)
                add_to_both(list, leaving, leaving->beyond, BW_WHO_BEYOND);
        add_to_both(list, leaving, leaving->closed, BW_WHO_CLOSED);
        add_to_both(list, leaving, leaving->nobody, BW_WHO_NOBODY);
        add_to(list, leaving, leaving->one, bw_corpus_address(BW_CORPUS_BEHIND_ONE), "the-one");
        add_to(list, leaving, leaving->one, bw_corpus_address(BW_CORPUS_BEHIND6_ONE), "the-one");
        add_to(list, leaving, leaving->another, bw_corpus_address("203.0.113.6"), "another");
        add_to(list, leaving, leaving->another, bw_corpus_address("2001:db8:77::6"), "another");
        add_to_groups(list, leaving);
        add_to_mac(list, leaving, leaving->victim, bw_corpus_mac_of(list, BW_WHO_VICTIM), "victim");
        add_to_mac(list, leaving, leaving->beyond, bw_corpus_mac_of(list, BW_WHO_BEYOND), "beyond");
        add_to_mac(list, leaving, PASS, unknown_mac(), "nobody");
        add_to_mac(list, leaving, PASS, bw_corpus_broadcast, "all");
}

void bw_corpus_add_border(BwCorpusList *list) {
        list->attack = 29;
        add_claims(list);
        add_most_exact(list);
        add_hidden(list);
        add_services(list);
        list->attack = 19;
        for (unsigned i = 0; i < G_N_ELEMENTS(leavings); i++)
                add_leaving(list, &leavings[i]);
}
