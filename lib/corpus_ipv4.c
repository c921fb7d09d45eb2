/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv4: sources, fragments, DHCP, and the messages that only a gateway may send. */

#include <bw/corpus_list.h>

#include <netinet/in.h>

#define PASS BW_REASON_NONE

typedef struct Traffic {
        const char *name;
        uint8_t protocol;
} Traffic;

static const Traffic traffic[] = { { "udp", IPPROTO_UDP },
                                   { "tcp", IPPROTO_TCP },
                                   { "ack", IPPROTO_TCP },
                                   { "icmp", IPPROTO_ICMP } };

static GByteArray *payload_of(unsigned kind) {
        switch (kind) {
        case 0:
                return bw_packet_udp(40000, 9, bw_packet_filler(18));
        case 1:
                return bw_packet_tcp(40000, 22, 0x02);
        case 2:
                return bw_packet_tcp(22, 40000, 0x10);
        default:
                return bw_packet_message(8, 0, 1, bw_packet_filler(18));
        }
}

/* From the attacker's port, with its own MAC. */
static GByteArray *sent(BwCorpusList *list, BwMac destination, BwPacketIp ip, GByteArray *payload) {
        return bw_corpus_wrap(destination, bw_corpus_mac_of(list, BW_WHO_ATTACKER), &ip, payload);
}

static void add_source(BwCorpusList *list, BwWho who) {
        BwReason in = who == BW_WHO_ATTACKER ? PASS : BW_REASON_SPOOFED_IP;
        BwReason out = who == BW_WHO_VICTIM ? BW_REASON_REFLECTED : PASS;
        const struct {
                const char *name;
                BwMac mac;
                BwPrefix address;
        } to[] = {
                { "unicast", bw_corpus_mac_of(list, BW_WHO_VICTIM),
                  bw_corpus_ipv4_of(list, BW_WHO_VICTIM) },
                { "broadcast", bw_corpus_broadcast, bw_corpus_address("255.255.255.255") },
                { "directed", bw_corpus_broadcast, bw_corpus_address("192.168.50.255") },
                { "multicast",
                  { { 0x01, 0, 0x5e, 0, 0, 0xfb } },
                  bw_corpus_address("224.0.0.251") },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(to); i++)
                for (unsigned k = 0; k < G_N_ELEMENTS(traffic); k++) {
                        BwPacketIp ip = { .source = bw_corpus_ipv4_of(list, who),
                                          .destination = to[i].address,
                                          .protocol = traffic[k].protocol };

                        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, in, out,
                                      sent(list, to[i].mac, ip, payload_of(k)), "ipv4/%s/%s/%s",
                                      traffic[k].name, to[i].name, bw_corpus_who_name(who));
                }
}

/* The pieces of one datagram, sent one by one. */
static void add_fragments(BwCorpusList *list, BwWho who) {
        BwReason in = who == BW_WHO_ATTACKER ? PASS : BW_REASON_SPOOFED_IP;
        BwReason out = who == BW_WHO_VICTIM ? BW_REASON_REFLECTED : PASS;
        const struct {
                const char *name;
                uint16_t fragment;
                gsize length;
        } pieces[] = {
                { "first", 0x2000, 64 },      { "tiny", 0x2000, 8 },  { "second", 0x0008, 64 },
                { "overlapping", 0x2001, 8 }, { "last", 0x00b9, 20 },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(pieces); i++) {
                BwPacketIp ip = { .source = bw_corpus_ipv4_of(list, who),
                                  .destination = bw_corpus_ipv4_of(list, BW_WHO_VICTIM),
                                  .protocol = IPPROTO_UDP,
                                  .fragment = pieces[i].fragment };
                bool first = (pieces[i].fragment & 0x1fff) == 0;
                GByteArray *bytes =
                        first ? bw_packet_udp(40000, 9, bw_packet_filler(pieces[i].length - 8))
                              : bw_packet_filler(pieces[i].length);

                bytes = bw_packet_ethernet(bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                           bw_corpus_mac_of(list, BW_WHO_ATTACKER), 0x0800,
                                           bw_packet_ip(&ip, bytes));
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, in, out, bytes,
                              "ipv4/fragment/%s/%s", pieces[i].name, bw_corpus_who_name(who));
        }
}

static void add_odd_sources(BwCorpusList *list) {
        static const char *const odd[] = { "0.0.0.0",         "127.0.0.1",    "224.0.0.1",
                                           "255.255.255.255", "192.168.50.0", "192.168.50.255",
                                           "8.8.8.8" };

        for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++)
                for (unsigned k = 0; k < G_N_ELEMENTS(traffic); k++) {
                        BwPacketIp ip = { .source = bw_corpus_address(odd[i]),
                                          .destination = bw_corpus_ipv4_of(list, BW_WHO_VICTIM),
                                          .protocol = traffic[k].protocol };

                        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_SPOOFED_IP,
                                      PASS,
                                      sent(list, bw_corpus_mac_of(list, BW_WHO_VICTIM), ip,
                                           payload_of(k)),
                                      "ipv4/%s/from-%s", traffic[k].name, odd[i]);
                }
}

/* A header that is none: nobody may take it for one. */
static void add_broken_headers(BwCorpusList *list) {
        static const struct {
                const char *name;
                unsigned at;
                uint8_t byte;
        } spoilt[] = { { "version-6", 0, 0x65 },
                       { "version-0", 0, 0x05 },
                       { "header-length-4", 0, 0x44 },
                       { "header-length-60", 0, 0x4f },
                       { "total-too-long", 2, 0x7f } };

        for (unsigned i = 0; i < G_N_ELEMENTS(spoilt); i++) {
                BwPacketIp ip = { .source = bw_corpus_ipv4_of(list, BW_WHO_ATTACKER),
                                  .destination = bw_corpus_ipv4_of(list, BW_WHO_VICTIM),
                                  .protocol = IPPROTO_TCP };
                GByteArray *bytes = sent(list, bw_corpus_mac_of(list, BW_WHO_VICTIM), ip,
                                         bw_packet_tcp(40000, 22, 0x02));

                bytes->data[14 + spoilt[i].at] = spoilt[i].byte;
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_SPOOFED_IP,
                              BW_REASON_MISDELIVERED, bytes, "ipv4/header/%s", spoilt[i].name);
        }
}

/* Too short to show what they are. */
static void add_cut_messages(BwCorpusList *list) {
        static const struct {
                const char *name;
                uint8_t protocol;
                gsize length;
                BwReason in;
        } cut[] = { { "icmp", IPPROTO_ICMP, 0, BW_REASON_REDIRECT },
                    { "igmp", IPPROTO_IGMP, 0, BW_REASON_ROGUE_QUERIER },
                    { "pim", IPPROTO_PIM, 0, BW_REASON_ROGUE_QUERIER },
                    { "udp-0", IPPROTO_UDP, 0, BW_REASON_ROGUE_DHCP },
                    { "udp-3", IPPROTO_UDP, 3, BW_REASON_ROGUE_DHCP } };

        for (unsigned i = 0; i < G_N_ELEMENTS(cut); i++) {
                BwPacketIp ip = { .source = bw_corpus_ipv4_of(list, BW_WHO_ATTACKER),
                                  .destination = bw_corpus_ipv4_of(list, BW_WHO_VICTIM),
                                  .protocol = cut[i].protocol };

                bw_corpus_add(
                        list, BW_WHO_ATTACKER, BW_WHO_VICTIM, cut[i].in, PASS,
                        bw_packet_ethernet(bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                           bw_corpus_mac_of(list, BW_WHO_ATTACKER), 0x0800,
                                           bw_packet_ip(&ip, bw_packet_filler(cut[i].length))),
                        "ipv4/cut/%s", cut[i].name);
        }
}

/* To whom on the link; NULL: to one. */
static const char *group_of(uint8_t protocol) {
        switch (protocol) {
        case IPPROTO_IGMP:
                return "224.0.0.1";
        case IPPROTO_PIM:
                return "224.0.0.13";
        default:
                return NULL;
        }
}

static BwMac group_mac(const BwPrefix *group) {
        return (BwMac){ { 0x01, 0, 0x5e, 0, 0, group->bytes[3] } };
}

static void add_message(BwCorpusList *list, BwWho from, BwReason in, uint8_t protocol, uint8_t type,
                        uint16_t fragment, unsigned options, const char *name) {
        const char *group = group_of(protocol);
        BwPacketIp ip = { .source = bw_corpus_ipv4_of(list, from),
                          .destination = group ? bw_corpus_address(group)
                                               : bw_corpus_ipv4_of(list, BW_WHO_VICTIM),
                          .protocol = protocol,
                          .fragment = fragment,
                          .options = options,
                          .hop_limit = group ? 1 : 64 };
        GByteArray *payload = bw_packet_message(type, 0, 0, bw_packet_filler(group ? 0 : 28));

        bw_corpus_add(list, from, BW_WHO_VICTIM, in, PASS,
                      bw_corpus_wrap(group ? group_mac(&ip.destination)
                                           : bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                     bw_corpus_mac_of(list, from), &ip, payload),
                      "ipv4/%s/%s", name, bw_corpus_who_name(from));
}

/* From a guest they fall, from the gateway they pass. */
static void add_gateway_messages(BwCorpusList *list, BwWho from) {
        bool own = from == BW_WHO_GATEWAY;

        list->attack = 12;
        add_message(list, from, own ? PASS : BW_REASON_REDIRECT, IPPROTO_ICMP, 5, 0, 0, "redirect");
        add_message(list, from, own ? PASS : BW_REASON_REDIRECT, IPPROTO_ICMP, 5, 0, 10,
                    "redirect-options");
        add_message(list, from, own ? PASS : BW_REASON_REDIRECT, IPPROTO_ICMP, 5, 0x2000, 0,
                    "redirect-first-fragment");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_RA, IPPROTO_ICMP, 9, 0, 0,
                    "router-advertisement");
        list->attack = 26;
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_IGMP, 0x11, 0, 1,
                    "igmp-query");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_IGMP, 0x11, 0, 0,
                    "igmp-query-without-alert");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_IGMP, 0x11, 0x2000, 0,
                    "igmp-query-first-fragment");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_IGMP, 0x11, 1, 0,
                    "igmp-query-later-fragment");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_IGMP, 0x16, 0x2000, 0,
                    "igmp-report-first-fragment");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_IGMP, 0x30, 0, 1,
                    "igmp-router");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_PIM, 0x20, 0, 0,
                    "pim-hello");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_PIM, 0x20, 0, 10,
                    "pim-hello-options");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_PIM, 0x20, 1, 0,
                    "pim-hello-later-fragment");
        add_message(list, from, own ? PASS : BW_REASON_ROGUE_QUERIER, IPPROTO_PIM, 0x23, 0x2000, 0,
                    "pim-join-first-fragment");
        add_message(list, from, PASS, IPPROTO_PIM, 0x23, 0, 0, "pim-join");
        add_message(list, from, PASS, IPPROTO_IGMP, 0x16, 0, 1, "igmp-report");
        add_message(list, from, PASS, IPPROTO_IGMP, 0x22, 0, 1, "igmp-report-3");
        add_message(list, from, PASS, IPPROTO_IGMP, 0x17, 0, 1, "igmp-leave");
        add_message(list, from, PASS, IPPROTO_ICMP, 0, 0, 0, "echo-reply");
        add_message(list, from, PASS, IPPROTO_ICMP, 3, 0, 0, "unreachable");
        add_message(list, from, PASS, IPPROTO_ICMP, 10, 0, 0, "router-solicitation");
}

void bw_corpus_add_ipv4(BwCorpusList *list) {
        for (unsigned who = 0; who <= BW_WHO_NOBODY; who++) {
                list->attack = 1;
                add_source(list, (BwWho) who);
                list->attack = 27;
                add_fragments(list, (BwWho) who);
        }
        list->attack = 1;
        add_odd_sources(list);
        add_broken_headers(list);
        list->attack = 27;
        add_cut_messages(list);
        add_gateway_messages(list, BW_WHO_ATTACKER);
        add_gateway_messages(list, BW_WHO_GATEWAY);
}

/* DHCP */

typedef struct Dhcp {
        const char *name;
        const char *source, *destination; /* NULL: the attacker's own, the gateway's */
        uint16_t from, to;
        uint8_t operation;
        BwWho sender, client;
        uint16_t fragment;
        unsigned options;
        BwReason in;
} Dhcp;

static const Dhcp requests[] = {
        { "request", "0.0.0.0", "255.255.255.255", 68, 67, 1, 0, 0, 0, 0, PASS },
        { "request-options", "0.0.0.0", "255.255.255.255", 68, 67, 1, 0, 0, 0, 10, PASS },
        { "request-unfragmented", "0.0.0.0", "255.255.255.255", 68, 67, 1, 0, 0, 0x4000, 0, PASS },
        { "renewal", NULL, NULL, 68, 67, 1, 0, 0, 0, 0, PASS },
        { "foreign-source", "192.168.50.14", "255.255.255.255", 68, 67, 1, 0, 0, 0, 0,
          BW_REASON_SPOOFED_IP },
        { "nobodys-source", "10.9.9.9", "255.255.255.255", 68, 67, 1, 0, 0, 0, 0,
          BW_REASON_SPOOFED_IP },
        { "foreign-client", "0.0.0.0", "255.255.255.255", 68, 67, 1, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_SPOOFED_IP },
        { "foreign-client-options", "0.0.0.0", "255.255.255.255", 68, 67, 1, 0, BW_WHO_VICTIM, 0,
          10, BW_REASON_SPOOFED_IP },
        { "nobodys-client", "0.0.0.0", "255.255.255.255", 68, 67, 1, 0, BW_WHO_NOBODY, 0, 0,
          BW_REASON_SPOOFED_IP },
        { "foreign-mac", "0.0.0.0", "255.255.255.255", 68, 67, 1, BW_WHO_VICTIM, 0, 0, 0,
          BW_REASON_SPOOFED_MAC },
        { "all-foreign", "0.0.0.0", "255.255.255.255", 68, 67, 1, BW_WHO_VICTIM, BW_WHO_VICTIM, 0,
          0, BW_REASON_SPOOFED_MAC },
        { "unicast", "0.0.0.0", "192.168.50.1", 68, 67, 1, 0, 0, 0, 0, BW_REASON_SPOOFED_IP },
        { "directed", "0.0.0.0", "192.168.50.255", 68, 67, 1, 0, 0, 0, 0, BW_REASON_SPOOFED_IP },
        { "other-port", "0.0.0.0", "255.255.255.255", 69, 67, 1, 0, 0, 0, 0, BW_REASON_SPOOFED_IP },
        { "other-server-port", "0.0.0.0", "255.255.255.255", 68, 66, 1, 0, 0, 0, 0,
          BW_REASON_SPOOFED_IP },
        { "any-udp", "0.0.0.0", "255.255.255.255", 5353, 5353, 1, 0, 0, 0, 0,
          BW_REASON_SPOOFED_IP },
        { "reply-as-request", "0.0.0.0", "255.255.255.255", 68, 67, 2, 0, 0, 0, 0,
          BW_REASON_SPOOFED_IP },
        { "first-fragment", "0.0.0.0", "255.255.255.255", 68, 67, 1, 0, 0, 0x2000, 0,
          BW_REASON_SPOOFED_IP },
        { "last-fragment", "0.0.0.0", "255.255.255.255", 68, 67, 1, 0, 0, 1, 0,
          BW_REASON_SPOOFED_IP },
        { "server/offer", NULL, "255.255.255.255", 67, 68, 2, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_ROGUE_DHCP },
        { "server/offer-options", NULL, "255.255.255.255", 67, 68, 2, 0, BW_WHO_VICTIM, 0, 10,
          BW_REASON_ROGUE_DHCP },
        { "server/offer-unicast", NULL, "192.168.50.14", 67, 68, 2, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_ROGUE_DHCP },
        { "server/as-gateway", "192.168.50.1", "255.255.255.255", 67, 68, 2, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_ROGUE_DHCP },
        { "server/from-zero", "0.0.0.0", "255.255.255.255", 67, 68, 2, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_ROGUE_DHCP },
        { "server/odd-port", NULL, "255.255.255.255", 4067, 68, 2, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_ROGUE_DHCP },
        { "server/client-to-client", NULL, "255.255.255.255", 68, 68, 2, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_ROGUE_DHCP },
        { "server/relay", NULL, "192.168.50.14", 67, 67, 1, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_ROGUE_DHCP },
        { "server/odd-client-port", NULL, "192.168.50.14", 67, 40000, 2, 0, BW_WHO_VICTIM, 0, 0,
          BW_REASON_ROGUE_DHCP },
        { "server/first-fragment", NULL, "255.255.255.255", 67, 68, 2, 0, BW_WHO_VICTIM, 0x2000, 0,
          BW_REASON_ROGUE_DHCP },
};

static GByteArray *dhcp_frame(BwCorpusList *list, const Dhcp *dhcp) {
        BwPacketIp ip = { .source = dhcp->source ? bw_corpus_address(dhcp->source)
                                                 : bw_corpus_ipv4_of(list, BW_WHO_ATTACKER),
                          .destination = dhcp->destination
                                                 ? bw_corpus_address(dhcp->destination)
                                                 : bw_corpus_ipv4_of(list, BW_WHO_GATEWAY),
                          .protocol = IPPROTO_UDP,
                          .fragment = dhcp->fragment,
                          .options = dhcp->options };
        BwMac client = bw_corpus_mac_of(list, dhcp->client);

        return bw_corpus_wrap(
                bw_corpus_broadcast, bw_corpus_mac_of(list, dhcp->sender), &ip,
                bw_packet_udp(dhcp->from, dhcp->to, bw_packet_bootp(dhcp->operation, client)));
}

/* To the gateway; what goes to a guest's own address is not the gateway's, but it routes, and so it
 * may have all that no other port owns. */
static BwReason dhcp_out(const Dhcp *dhcp) {
        if (g_strcmp0(dhcp->destination, "192.168.50.14") == 0)
                return BW_REASON_MISDELIVERED;
        return g_strcmp0(dhcp->source, "192.168.50.1") == 0 ? BW_REASON_REFLECTED : PASS;
}

typedef struct Spoilt {
        const char *name;
        gsize at; /* in the message: this byte is another; 0 with @flip 0: none is */
        uint8_t flip;
        gsize length;  /* of what the IP header says there is of the message */
        gsize padding; /* goes on behind that, as if there were more         */
        BwReason in;
} Spoilt;

/* RFC 2131, figure 1: op, htype, hlen, and chaddr, which ends with the 34th byte. */
static const Spoilt spoilt_requests[] = {
        { "operation-0", 0, 1, 300, 0, BW_REASON_SPOOFED_IP },
        { "operation-3", 0, 2, 300, 0, BW_REASON_SPOOFED_IP },
        { "other-hardware", 1, 7, 300, 0, BW_REASON_SPOOFED_IP },
        { "longer-address", 2, 2, 300, 0, BW_REASON_SPOOFED_IP },
        { "other-hops", 3, 1, 300, 0, PASS },
        { "client-0", 28, 4, 300, 0, BW_REASON_SPOOFED_IP },
        { "client-3", 31, 1, 300, 0, BW_REASON_SPOOFED_IP },
        { "client-4", 32, 1, 300, 0, BW_REASON_SPOOFED_IP },
        { "client-5", 33, 1, 300, 0, BW_REASON_SPOOFED_IP },
        { "behind-the-client", 34, 1, 300, 0, PASS },
        { "shortest", 0, 0, 34, 0, PASS },
        { "cut-client", 0, 0, 33, 0, BW_REASON_SPOOFED_IP },
        { "cut-client-padded", 0, 0, 33, 40, BW_REASON_SPOOFED_IP },
        { "no-client", 0, 0, 28, 0, BW_REASON_SPOOFED_IP },
        { "no-client-padded", 0, 0, 28, 40, BW_REASON_SPOOFED_IP },
        { "cut-operation", 0, 0, 3, 0, BW_REASON_SPOOFED_IP },
        { "empty", 0, 0, 0, 0, BW_REASON_SPOOFED_IP },
};

static GByteArray *spoilt_frame(BwCorpusList *list, const Spoilt *spoilt) {
        BwPacketIp ip = { .source = bw_corpus_address("0.0.0.0"),
                          .destination = bw_corpus_address("255.255.255.255"),
                          .protocol = IPPROTO_UDP };
        BwMac sender = bw_corpus_mac_of(list, BW_WHO_ATTACKER);
        g_autoptr(GByteArray) whole = bw_packet_bootp(1, sender);
        GByteArray *message = g_byte_array_new(), *frame;

        whole->data[spoilt->at] ^= spoilt->flip;
        g_byte_array_append(message, whole->data, (guint) spoilt->length);
        frame = bw_corpus_wrap(bw_corpus_broadcast, sender, &ip, bw_packet_udp(68, 67, message));
        return g_byte_array_append(frame, whole->data + spoilt->length, (guint) spoilt->padding);
}

static void add_spoilt_requests(BwCorpusList *list) {
        for (unsigned i = 0; i < G_N_ELEMENTS(spoilt_requests); i++)
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_GATEWAY, spoilt_requests[i].in, PASS,
                              spoilt_frame(list, &spoilt_requests[i]), "dhcp/message/%s",
                              spoilt_requests[i].name);
}

static void add_offer(BwCorpusList *list, BwWho client, BwReason out, const char *name) {
        BwPacketIp ip = { .source = bw_corpus_ipv4_of(list, BW_WHO_GATEWAY),
                          .destination = bw_corpus_address("192.168.50.77"),
                          .protocol = IPPROTO_UDP };

        bw_corpus_add(
                list, BW_WHO_GATEWAY, BW_WHO_VICTIM, PASS, out,
                bw_corpus_wrap(
                        bw_corpus_mac_of(list, BW_WHO_VICTIM),
                        bw_corpus_mac_of(list, BW_WHO_GATEWAY), &ip,
                        bw_packet_udp(67, 68, bw_packet_bootp(2, bw_corpus_mac_of(list, client)))),
                "dhcp/%s", name);
}

void bw_corpus_add_dhcp(BwCorpusList *list) {
        for (unsigned i = 0; i < G_N_ELEMENTS(requests); i++) {
                list->attack = requests[i].in == BW_REASON_ROGUE_DHCP ? 11 : 10;
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_GATEWAY, requests[i].in,
                              dhcp_out(&requests[i]), dhcp_frame(list, &requests[i]), "dhcp/%s",
                              requests[i].name);
        }
        list->attack = 10;
        add_spoilt_requests(list);
        list->attack = 11;
        add_offer(list, BW_WHO_VICTIM, PASS, "offer-to-the-client");
        add_offer(list, BW_WHO_ATTACKER, BW_REASON_MISDELIVERED, "offer-to-another");
}
