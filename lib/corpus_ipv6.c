/* SPDX-License-Identifier: GPL-2.0-or-later */

/* IPv6: sources, headers that hide, DHCPv6, listener discovery, what only routers may say. */

#include <bw/corpus_list.h>

#include <netinet/in.h>

#define PASS BW_REASON_NONE

static const BwMac all_nodes = { { 0x33, 0x33, 0, 0, 0, 1 } };

static void add_source(BwCorpusList *list, const char *name, BwPrefix source, BwReason in,
                       BwReason out) {
        static const uint8_t protocols[] = { IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMPV6 };

        for (unsigned i = 0; i < G_N_ELEMENTS(protocols); i++) {
                BwPacketIp ip = { .source = source,
                                  .destination = bw_corpus_ipv6_of(list, BW_WHO_VICTIM),
                                  .protocol = protocols[i] };
                GByteArray *payload = i == 0   ? bw_packet_udp(40000, 9, bw_packet_filler(18))
                                      : i == 1 ? bw_packet_tcp(40000, 22, 0x02)
                                               : bw_packet_message(128, 0, 1, bw_packet_filler(8));

                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, in, out,
                              bw_corpus_wrap(bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                             bw_corpus_mac_of(list, BW_WHO_ATTACKER), &ip, payload),
                              "ipv6/%u/%s", protocols[i], name);
        }
}

static void add_sources(BwCorpusList *list) {
        static const char *const odd[] = { "::",
                                           "::1",
                                           "ff02::1",
                                           "::ffff:192.168.50.13",
                                           "2001:db8:50::ffff",
                                           "fec0::1",
                                           "2001:db8:50:0:5054:ff:fe9f:5d0d" };

        for (unsigned i = 0; i <= BW_WHO_NOBODY; i++) {
                BwWho who = (BwWho) i;
                bool own = who == BW_WHO_ATTACKER;
                g_autofree char *link_local =
                        g_strdup_printf("link-local-%s", bw_corpus_who_name(who));

                add_source(list, bw_corpus_who_name(who), bw_corpus_ipv6_of(list, who),
                           own ? PASS : BW_REASON_SPOOFED_IP,
                           who == BW_WHO_VICTIM ? BW_REASON_REFLECTED : PASS);
                /* Nobody owns the last one, so it may be made up as privacy asks for. */
                add_source(list, link_local, bw_corpus_link_local_of(list, who),
                           own || who == BW_WHO_NOBODY ? PASS : BW_REASON_SPOOFED_IP, PASS);
        }
        add_source(list, "link-local-private", bw_corpus_address("fe80::1c2d:3e4f:5061:7283"), PASS,
                   PASS);
        for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++)
                add_source(list, odd[i], bw_corpus_address(odd[i]), BW_REASON_SPOOFED_IP, PASS);
}

/* How a message is put behind other headers; the last byte of each header is the next one's kind.
 */
typedef enum Cover {
        PLAIN,
        HOP_BY_HOP,
        DESTINATION,
        ROUTING,
        BOTH,
        AUTHENTICATION,
        ATOMIC,
        FIRST,
        FIRST_BEHIND_OPTIONS,
        UNKNOWN_HEADER,
        N_COVERS,
} Cover;

static const char *const cover_names[N_COVERS] = {
        "plain",  "hop-by-hop",     "destination",         "routing",  "two-headers", "ah",
        "atomic", "first-fragment", "options-in-fragment", "mobility",
};

/* Puts the headers before @payload, and the first one's kind into @ip. */
static GByteArray *covered(Cover cover, BwPacketIp *ip, GByteArray *payload) {
        uint8_t kind = ip->protocol;

        switch (cover) {
        case PLAIN:
        case N_COVERS:
                return payload;
        case HOP_BY_HOP:
                ip->protocol = IPPROTO_HOPOPTS;
                return bw_packet_extension(kind, payload);
        case DESTINATION:
                ip->protocol = IPPROTO_DSTOPTS;
                return bw_packet_extension(kind, payload);
        case ROUTING:
                ip->protocol = IPPROTO_ROUTING;
                payload = bw_packet_extension(kind, payload);
                payload->data[3] = 0;
                return payload;
        case BOTH:
                ip->protocol = IPPROTO_HOPOPTS;
                return bw_packet_extension(IPPROTO_DSTOPTS, bw_packet_extension(kind, payload));
        case AUTHENTICATION:
                ip->protocol = IPPROTO_AH;
                return bw_packet_extension(kind, payload);
        case ATOMIC:
                ip->protocol = IPPROTO_FRAGMENT;
                return bw_packet_fragment(kind, 0, false, payload);
        case FIRST:
                ip->protocol = IPPROTO_FRAGMENT;
                return bw_packet_fragment(kind, 0, true, payload);
        case FIRST_BEHIND_OPTIONS:
                /* All that the first piece shows are options; the message is in the second. */
                ip->protocol = IPPROTO_FRAGMENT;
                g_byte_array_set_size(payload, 0);
                return bw_packet_fragment(IPPROTO_DSTOPTS, 0, true,
                                          bw_packet_extension(kind, payload));
        case UNKNOWN_HEADER:
                ip->protocol = 135;
                return bw_packet_extension(kind, payload);
        }
        g_assert_not_reached();
}

static GByteArray *covered_frame(BwCorpusList *list, BwWho from, BwMac destination, Cover cover,
                                 BwPacketIp ip, GByteArray *payload) {
        payload = covered(cover, &ip, bw_packet_seal(&ip, payload));
        /* The authentication header counts in words of four bytes, less two. */
        if (cover == AUTHENTICATION)
                payload->data[1] = 0;
        return bw_packet_ethernet(destination, bw_corpus_mac_of(list, from), 0x86dd,
                                  bw_packet_ip(&ip, payload));
}

static GByteArray *router_message(BwCorpusList *list, uint8_t type) {
        BwPrefix target = bw_corpus_ipv6_of(list, BW_WHO_GATEWAY);

        if (type == 137) {
                GByteArray *addresses = bw_packet_bytes(target.bytes, 16);

                return bw_packet_message(137, 0, 0,
                                         g_byte_array_append(addresses, target.bytes, 16));
        }
        return bw_packet_message(134, 0, 0x40000708, bw_packet_filler(8));
}

static BwPacketIp router_ip(BwCorpusList *list, BwWho from) {
        return (BwPacketIp){ .source = bw_corpus_link_local_of(list, from),
                             .destination = bw_corpus_address("ff02::1"),
                             .protocol = IPPROTO_ICMPV6,
                             .hop_limit = 255 };
}

static void add_router_messages(BwCorpusList *list, BwWho from) {
        static const uint8_t types[] = { 134, 137 };

        for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
                BwReason rogue = types[i] == 134 ? BW_REASON_ROGUE_RA : BW_REASON_REDIRECT;
                BwPacketIp far = router_ip(list, from);

                for (unsigned cover = 0; cover < N_COVERS; cover++) {
                        BwReason plain = from == BW_WHO_GATEWAY ? PASS : rogue;

                        bw_corpus_add(list, from, BW_WHO_VICTIM,
                                      cover == PLAIN ? plain : BW_REASON_SPOOFED_ND, PASS,
                                      covered_frame(list, from, all_nodes, (Cover) cover,
                                                    router_ip(list, from),
                                                    router_message(list, types[i])),
                                      "router/%u/%s/%s", types[i], cover_names[cover],
                                      bw_corpus_who_name(from));
                }
                far.hop_limit = 64;
                bw_corpus_add(list, from, BW_WHO_VICTIM, BW_REASON_SPOOFED_ND, PASS,
                              bw_corpus_wrap(all_nodes, bw_corpus_mac_of(list, from), &far,
                                             router_message(list, types[i])),
                              "router/%u/hop-limit/%s", types[i], bw_corpus_who_name(from));
        }
}

/* The second piece of a message that may never be in pieces. */
static void add_second_piece(BwCorpusList *list) {
        BwPacketIp ip = router_ip(list, BW_WHO_ATTACKER);

        ip.protocol = IPPROTO_FRAGMENT;
        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_SPOOFED_ND, PASS,
                      bw_packet_ethernet(
                              all_nodes, bw_corpus_mac_of(list, BW_WHO_ATTACKER), 0x86dd,
                              bw_packet_ip(&ip, bw_packet_fragment(IPPROTO_ICMPV6, 8, false,
                                                                   router_message(list, 134)))),
                      "router/134/second-fragment");
}

/* What is legal in itself stays so behind headers that hide nothing. Of the headers that the
 * kernel's filters do not look behind, authentication is one. */
static void add_covered_traffic(BwCorpusList *list) {
        static const Cover covers[] = { PLAIN, HOP_BY_HOP, DESTINATION,    ROUTING,
                                        BOTH,  FIRST,      AUTHENTICATION, UNKNOWN_HEADER };

        for (unsigned i = 0; i < G_N_ELEMENTS(covers); i++)
                for (unsigned own = 0; own < 2; own++) {
                        BwWho who = own ? BW_WHO_ATTACKER : BW_WHO_GATEWAY;
                        BwPacketIp ip = { .source = bw_corpus_ipv6_of(list, who),
                                          .destination = bw_corpus_ipv6_of(list, BW_WHO_VICTIM),
                                          .protocol = IPPROTO_UDP };

                        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM,
                                      i > 5 ? BW_REASON_SPOOFED_ND
                                      : own ? PASS
                                            : BW_REASON_SPOOFED_IP,
                                      PASS,
                                      covered_frame(list, BW_WHO_ATTACKER,
                                                    bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                                    covers[i], ip,
                                                    bw_packet_udp(40000, 9, bw_packet_filler(24))),
                                      "ipv6/covered/%s/%s", cover_names[covers[i]],
                                      bw_corpus_who_name(who));
                }
}

/* Fewer bytes than the header promises: what is behind another header cannot be made sure of. */
static void add_cut_packets(BwCorpusList *list) {
        static const struct {
                const char *name;
                uint8_t protocol;
                Cover cover;
                BwReason in;
        } cut[] = {
                { "gre", IPPROTO_GRE, PLAIN, BW_REASON_SPOOFED_ND },
                { "udp-behind-options", IPPROTO_UDP, DESTINATION, BW_REASON_SPOOFED_ND },
                { "udp-first-fragment", IPPROTO_UDP, FIRST, BW_REASON_SPOOFED_ND },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(cut); i++) {
                BwPacketIp ip = { .source = bw_corpus_ipv6_of(list, BW_WHO_ATTACKER),
                                  .destination = bw_corpus_ipv6_of(list, BW_WHO_VICTIM),
                                  .protocol = cut[i].protocol };
                GByteArray *bytes = covered_frame(
                        list, BW_WHO_ATTACKER, bw_corpus_mac_of(list, BW_WHO_VICTIM), cut[i].cover,
                        ip, bw_packet_udp(40000, 9, bw_packet_filler(24)));

                g_byte_array_set_size(bytes, bytes->len - 4);
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, cut[i].in, PASS, bytes,
                              "ipv6/cut/%s", cut[i].name);
        }
}

/* Headers behind a fragment header: in all of them filters and hosts have lost their way. */
static void add_nested(BwCorpusList *list, uint8_t kind, unsigned offset, const char *name) {
        BwPacketIp ip = router_ip(list, BW_WHO_ATTACKER);
        GByteArray *message = bw_packet_seal(&ip, router_message(list, 134));

        message = kind == IPPROTO_FRAGMENT
                          ? bw_packet_fragment(IPPROTO_ICMPV6, offset, true, message)
                          : bw_packet_extension(IPPROTO_ICMPV6, message);
        message = bw_packet_fragment(kind, 0, offset > 0, message);
        ip.protocol = IPPROTO_FRAGMENT;
        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_SPOOFED_ND, PASS,
                      bw_packet_ethernet(all_nodes, bw_corpus_mac_of(list, BW_WHO_ATTACKER), 0x86dd,
                                         bw_packet_ip(&ip, message)),
                      "router/134/%s", name);
}

static void add_dhcpv6(BwCorpusList *list, BwWho from, BwReason in, uint16_t source_port,
                       uint16_t destination_port, Cover cover, const char *name) {
        BwPacketIp ip = { .source = bw_corpus_link_local_of(list, from),
                          .destination = bw_corpus_link_local_of(list, BW_WHO_VICTIM),
                          .protocol = IPPROTO_UDP };

        bw_corpus_add(
                list, from, BW_WHO_VICTIM, in, PASS,
                covered_frame(list, from, bw_corpus_mac_of(list, BW_WHO_VICTIM), cover, ip,
                              bw_packet_udp(source_port, destination_port, bw_packet_filler(24))),
                "dhcpv6/%s/%s", name, bw_corpus_who_name(from));
}

static void add_dhcpv6_messages(BwCorpusList *list, BwWho from) {
        BwReason in = from == BW_WHO_GATEWAY ? PASS : BW_REASON_ROGUE_DHCP;

        add_dhcpv6(list, from, in, 547, 546, PLAIN, "reply");
        add_dhcpv6(list, from, in, 547, 40000, PLAIN, "odd-client-port");
        add_dhcpv6(list, from, in, 40000, 546, PLAIN, "odd-server-port");
        add_dhcpv6(list, from, in, 547, 547, PLAIN, "relay");
        add_dhcpv6(list, from, in, 547, 546, DESTINATION, "reply-behind-options");
        add_dhcpv6(list, from, in, 547, 546, BOTH, "reply-behind-two");
        add_dhcpv6(list, from, PASS, 546, 547, PLAIN, "request");
}

/* Listener discovery asks for a header of its own before it. */
static void add_mld(BwCorpusList *list, BwWho from, BwReason in, uint8_t type, const char *source,
                    const char *name) {
        BwPacketIp ip = { .source = source ? bw_corpus_address(source)
                                           : bw_corpus_link_local_of(list, from),
                          .destination = bw_corpus_address("ff02::16"),
                          .protocol = IPPROTO_ICMPV6,
                          .hop_limit = 1 };

        bw_corpus_add(list, from, BW_WHO_VICTIM, in, PASS,
                      covered_frame(list, from, all_nodes, HOP_BY_HOP, ip,
                                    bw_packet_message(type, 0, 0, bw_packet_filler(20))),
                      "mld/%s/%s", name, bw_corpus_who_name(from));
}

static void add_mld_messages(BwCorpusList *list, BwWho from) {
        BwReason query = from == BW_WHO_GATEWAY ? PASS : BW_REASON_ROGUE_QUERIER;

        add_mld(list, from, query, 130, NULL, "query");
        add_mld(list, from, query, 130, "::", "query-from-zero");
        add_mld(list, from, query, 151, NULL, "router");
        add_mld(list, from, PASS, 131, NULL, "report");
        add_mld(list, from, PASS, 132, NULL, "done");
        add_mld(list, from, PASS, 143, NULL, "report-2");
        add_mld(list, from, PASS, 143, "::", "report-2-from-zero");
        add_mld(list, from, BW_REASON_SPOOFED_IP, 143, "fe80::5054:ff:fe9f:5d0e", "report-foreign");
}

void bw_corpus_add_ipv6(BwCorpusList *list) {
        list->attack = 15;
        add_sources(list);
        add_covered_traffic(list);
        add_cut_packets(list);
        list->attack = 12;
        add_router_messages(list, BW_WHO_ATTACKER);
        add_router_messages(list, BW_WHO_GATEWAY);
        add_second_piece(list);
        add_nested(list, IPPROTO_FRAGMENT, 0, "fragment-in-fragment");
        add_nested(list, IPPROTO_FRAGMENT, 256, "later-fragment-in-fragment");
        add_nested(list, IPPROTO_DSTOPTS, 0, "options-in-atomic-fragment");
        list->attack = 11;
        add_dhcpv6_messages(list, BW_WHO_ATTACKER);
        add_dhcpv6_messages(list, BW_WHO_GATEWAY);
        list->attack = 26;
        add_mld_messages(list, BW_WHO_ATTACKER);
        add_mld_messages(list, BW_WHO_GATEWAY);
}
