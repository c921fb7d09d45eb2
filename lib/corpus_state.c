/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Ports that are not simply bound: without an address yet, undeclared, only watched. */

#include <bw/corpus_list.h>
#include <netinet/in.h>

#define PASS BW_REASON_NONE

static const BwMac all_nodes = { { 0x33, 0x33, 0, 0, 0, 1 } };

/* The same talk for whoever has it or not. */
typedef enum Talk {
        UDP4,
        UDP6,
        ARP,
        DETECTION,
        TAGGED,
        DHCP,
        DHCP_FOREIGN,
        OFFER,
        N_TALKS,
} Talk;

static const char *const talk_names[N_TALKS] = {
        "udp4", "udp6", "arp", "detection", "tagged", "dhcp", "dhcp-foreign-client", "offer",
};

static GByteArray *udp(BwCorpusList *list, BwWho from, BwMac destination, BwPrefix source,
                       BwPrefix address) {
        BwPacketIp ip = { .source = source, .destination = address, .protocol = IPPROTO_UDP };

        return bw_corpus_wrap(destination, bw_corpus_mac_of(list, from), &ip,
                              bw_packet_udp(40000, 9, bw_packet_filler(18)));
}

static GByteArray *arp(BwCorpusList *list, BwWho from, BwPrefix sender) {
        BwPacketArp request = { 1,  0x0800, 6,
                                4,  1,      bw_corpus_mac_of(list, from),
                                {}, sender, bw_corpus_ipv4_of(list, BW_WHO_VICTIM) };

        return bw_packet_ethernet(bw_corpus_broadcast, bw_corpus_mac_of(list, from), 0x0806,
                                  bw_packet_arp(&request));
}

static GByteArray *detection(BwCorpusList *list, BwWho from) {
        BwPrefix target = bw_corpus_link_local_of(list, from);
        BwPacketIp ip = { .source = bw_corpus_address("::"),
                          .destination = bw_corpus_address("ff02::1"),
                          .protocol = IPPROTO_ICMPV6,
                          .hop_limit = 255 };

        return bw_corpus_wrap(all_nodes, bw_corpus_mac_of(list, from), &ip,
                              bw_packet_nd(135, &target, NULL));
}

static GByteArray *tagged(BwCorpusList *list, BwWho from, BwWho as) {
        BwPacketIp ip = { .source = bw_corpus_ipv4_of(list, as),
                          .destination = bw_corpus_ipv4_of(list, BW_WHO_VICTIM),
                          .protocol = IPPROTO_UDP };
        GByteArray *packet = bw_packet_ip(
                &ip, bw_packet_seal(&ip, bw_packet_udp(40000, 9, bw_packet_filler(18))));

        return bw_packet_ethernet(bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                  bw_corpus_mac_of(list, from), 0x8100,
                                  bw_packet_tag(0, 0x0800, packet));
}

static GByteArray *dhcp(BwCorpusList *list, BwWho from, BwMac destination, bool reply,
                        BwWho client) {
        BwPacketIp ip = { .source = reply ? bw_corpus_ipv4_of(list, from)
                                          : bw_corpus_address("0.0.0.0"),
                          .destination = bw_corpus_address("255.255.255.255"),
                          .protocol = IPPROTO_UDP };
        GByteArray *message = bw_packet_bootp(reply ? 2 : 1, bw_corpus_mac_of(list, client));

        return bw_corpus_wrap(destination, bw_corpus_mac_of(list, from), &ip,
                              bw_packet_udp(reply ? 67 : 68, reply ? 68 : 67, message));
}

static GByteArray *talk(BwCorpusList *list, BwWho from, Talk what) {
        BwMac victim = bw_corpus_mac_of(list, BW_WHO_VICTIM);

        switch (what) {
        case UDP4:
                return udp(list, from, victim, bw_corpus_ipv4_of(list, from),
                           bw_corpus_ipv4_of(list, BW_WHO_VICTIM));
        case UDP6:
                return udp(list, from, victim, bw_corpus_ipv6_of(list, from),
                           bw_corpus_ipv6_of(list, BW_WHO_VICTIM));
        case ARP:
                return arp(list, from, bw_corpus_ipv4_of(list, from));
        case DETECTION:
                return detection(list, from);
        case TAGGED:
                return tagged(list, from, from);
        case DHCP:
                return dhcp(list, from, bw_corpus_broadcast, false, from);
        case DHCP_FOREIGN:
                return dhcp(list, from, bw_corpus_broadcast, false, BW_WHO_VICTIM);
        case OFFER:
                return dhcp(list, from, bw_corpus_broadcast, true, BW_WHO_VICTIM);
        case N_TALKS:
                break;
        }
        g_assert_not_reached();
}

/* Who has no address yet may ask for one, and whom nobody knows may not even that. */
static void add_talks(BwCorpusList *list, BwWho from) {
        for (Talk what = UDP4; what < N_TALKS; what++)
                bw_corpus_add(list, from, BW_WHO_VICTIM,
                              from == BW_WHO_FRESH && what == DHCP ? PASS : BW_REASON_UNBOUND, PASS,
                              talk(list, from, what), "unbound/%s/%s", bw_who_name(from),
                              talk_names[what]);
}

static void add_news(BwCorpusList *list, BwWho to) {
        BwMac mac = bw_corpus_mac_of(list, to);
        BwWho gateway = BW_WHO_GATEWAY;
        const struct {
                const char *name;
                GByteArray *bytes;
        } news[] = {
                { "udp4", udp(list, gateway, mac, bw_corpus_ipv4_of(list, gateway),
                              bw_corpus_ipv4_of(list, to)) },
                { "udp6", udp(list, gateway, mac, bw_corpus_ipv6_of(list, gateway),
                              bw_corpus_ipv6_of(list, to)) },
                { "arp", arp(list, gateway, bw_corpus_ipv4_of(list, gateway)) },
                { "broadcast",
                  udp(list, gateway, bw_corpus_broadcast, bw_corpus_ipv4_of(list, gateway),
                      bw_corpus_address("255.255.255.255")) },
                { "offer-to-another", dhcp(list, gateway, mac, true, BW_WHO_VICTIM) },
                { "offer", dhcp(list, gateway, mac, true, to) },
                { "offer-broadcast", dhcp(list, gateway, bw_corpus_broadcast, true, to) },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(news); i++)
                bw_corpus_add(list, gateway, to, PASS,
                              to == BW_WHO_FRESH && i > 4 ? PASS : BW_REASON_UNBOUND, news[i].bytes,
                              "unbound/to-%s/%s", bw_who_name(to), news[i].name);
}

/* Seen and counted as anybody's, and let through. */
static void add_watched(BwCorpusList *list) {
        BwWho watched = BW_WHO_WATCHED, victim = BW_WHO_VICTIM, gateway = BW_WHO_GATEWAY;
        BwMac own = bw_corpus_mac_of(list, watched), to = bw_corpus_mac_of(list, victim);

        list->attack = 1;
        bw_corpus_add(list, watched, victim, PASS, PASS, talk(list, watched, UDP4),
                      "watched/udp4/own");
        bw_corpus_add(list, watched, victim, BW_REASON_SPOOFED_IP, PASS,
                      udp(list, watched, to, bw_corpus_ipv4_of(list, gateway),
                          bw_corpus_ipv4_of(list, victim)),
                      "watched/udp4/gateway");
        bw_corpus_add(list, watched, victim, BW_REASON_SPOOFED_IP, PASS,
                      udp(list, watched, to, bw_corpus_ipv6_of(list, gateway),
                          bw_corpus_ipv6_of(list, victim)),
                      "watched/udp6/gateway");
        list->attack = 2;
        bw_corpus_add(list, watched, victim, BW_REASON_ETHERTYPE, PASS,
                      tagged(list, watched, gateway), "watched/tagged");
        list->attack = 8;
        bw_corpus_add(list, watched, victim, BW_REASON_SPOOFED_ARP, PASS,
                      arp(list, watched, bw_corpus_ipv4_of(list, gateway)), "watched/arp");
        list->attack = 11;
        bw_corpus_add(list, watched, victim, BW_REASON_ROGUE_DHCP, PASS, talk(list, watched, OFFER),
                      "watched/offer");
        list->attack = 18;
        bw_corpus_add(list, gateway, watched, PASS, PASS,
                      udp(list, gateway, own, bw_corpus_ipv4_of(list, gateway),
                          bw_corpus_ipv4_of(list, watched)),
                      "watched/delivered");
        bw_corpus_add(list, gateway, watched, PASS, BW_REASON_MISDELIVERED,
                      udp(list, gateway, own, bw_corpus_ipv4_of(list, gateway),
                          bw_corpus_ipv4_of(list, victim)),
                      "watched/misdelivered");
        list->attack = 19;
        bw_corpus_add(list, gateway, watched, PASS, BW_REASON_FLOODED,
                      udp(list, gateway, to, bw_corpus_ipv4_of(list, gateway),
                          bw_corpus_ipv4_of(list, victim)),
                      "watched/flooded");
}

void bw_corpus_add_state(BwCorpusList *list) {
        list->attack = 21;
        add_talks(list, BW_WHO_FRESH);
        add_talks(list, BW_WHO_STRANGER);
        add_news(list, BW_WHO_FRESH);
        add_news(list, BW_WHO_STRANGER);
        add_watched(list);
}
