/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Below IP: tags, other ethertypes, groups of bridges, MACs and ARP. */

#include <bw/corpus_list.h>

#include <netinet/in.h>

#define PASS BW_REASON_NONE

/* What is put behind tags and into other wrappings. */

static GByteArray *inner_ipv4(BwCorpusList *list, BwWho who) {
        BwPacketIp ip = { .source = bw_corpus_ipv4_of(list, who),
                          .destination = bw_corpus_ipv4_of(list, BW_WHO_VICTIM),
                          .protocol = IPPROTO_UDP };

        return bw_packet_ip(&ip,
                            bw_packet_seal(&ip, bw_packet_udp(40000, 9, bw_packet_filler(18))));
}

static GByteArray *inner_arp(BwCorpusList *list, BwWho who) {
        BwPacketArp arp = { 1,
                            0x0800,
                            6,
                            4,
                            2,
                            bw_corpus_mac_of(list, BW_WHO_ATTACKER),
                            bw_corpus_mac_of(list, BW_WHO_VICTIM),
                            bw_corpus_ipv4_of(list, who),
                            bw_corpus_ipv4_of(list, BW_WHO_VICTIM) };

        return bw_packet_arp(&arp);
}

static GByteArray *inner_ra(BwCorpusList *list) {
        BwPacketIp ip = { .source = bw_corpus_link_local_of(list, BW_WHO_ATTACKER),
                          .destination = bw_corpus_address("ff02::1"),
                          .protocol = IPPROTO_ICMPV6,
                          .hop_limit = 255 };

        return bw_packet_ip(&ip, bw_packet_seal(&ip, bw_packet_message(134, 0, 0x40000708,
                                                                       bw_packet_filler(8))));
}

#define N_INNER 5

static GByteArray *inner(BwCorpusList *list, unsigned kind, uint16_t *ret_ethertype,
                         const char **ret_name) {
        static const uint16_t ethertypes[] = { 0x0800, 0x0800, 0x0806, 0x0806, 0x86dd };
        static const char *const names[] = { "spoofed-ipv4", "own-ipv4", "spoofed-arp", "own-arp",
                                             "ra" };

        *ret_ethertype = ethertypes[kind];
        *ret_name = names[kind];
        if (kind < 2)
                return inner_ipv4(list, kind == 0 ? BW_WHO_GATEWAY : BW_WHO_ATTACKER);
        if (kind < 4)
                return inner_arp(list, kind == 2 ? BW_WHO_GATEWAY : BW_WHO_ATTACKER);
        return inner_ra(list);
}

static GByteArray *to_victim(BwCorpusList *list, uint16_t ethertype, GByteArray *payload) {
        return bw_packet_ethernet(bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                  bw_corpus_mac_of(list, BW_WHO_ATTACKER), ethertype, payload);
}

static void add_wrapped(BwCorpusList *list, BwReason out, GByteArray *frame, const char *wrapping,
                        const char *name) {
        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_ETHERTYPE, out, frame,
                      "%s/%s", wrapping, name);
}

/* Tags from the outside in: 0x8100 << 16 | VLAN. One may be the bridge's own; what more of them
 * hide is nobody's to receive. */
static void add_tagged(BwCorpusList *list, const char *name, const uint32_t *tags, unsigned n) {
        BwReason out = n > 1 || tags[0] >> 16 == 0x9100 ? BW_REASON_MISDELIVERED : PASS;

        for (unsigned kind = 0; kind < N_INNER; kind++) {
                const char *what;
                uint16_t ethertype;
                GByteArray *payload = inner(list, kind, &ethertype, &what);

                for (unsigned i = n; i-- > 0;) {
                        payload = bw_packet_tag((uint16_t) tags[i], ethertype, payload);
                        ethertype = (uint16_t) (tags[i] >> 16);
                }
                add_wrapped(list, out, to_victim(list, ethertype, payload), name, what);
        }
}

static void add_tags(BwCorpusList *list) {
        static const uint32_t zero[] = { 0x81000000, 0x81000000, 0x81000000, 0x81000000 };
        static const uint32_t five[] = { 0x81000005 }, priority[] = { 0x8100e000 };
        static const uint32_t ad[] = { 0x88a80000, 0x81000000 }, old[] = { 0x91000000 };
        uint32_t many[300];

        for (unsigned i = 0; i < G_N_ELEMENTS(many); i++)
                many[i] = 0x81000000;
        list->attack = 2;
        add_tagged(list, "tag/vlan-0", zero, 1);
        add_tagged(list, "tag/vlan-5", five, 1);
        add_tagged(list, "tag/priority", priority, 1);
        list->attack = 3;
        add_tagged(list, "tag/vlan-0-twice", zero, 2);
        add_tagged(list, "tag/vlan-0-four-times", zero, 4);
        add_tagged(list, "tag/ad", ad, 1);
        add_tagged(list, "tag/ad-and-q", ad, 2);
        add_tagged(list, "tag/9100", old, 1);
        add_tagged(list, "tag/three-hundred", many, G_N_ELEMENTS(many));
}

static void add_snap(BwCorpusList *list) {
        static const struct {
                const char *name;
                uint8_t header[6];
        } kinds[] = { { "llc/snap", { 0xaa, 0xaa, 3, 0, 0, 0 } },
                      { "llc/bridge-tunnel", { 0xaa, 0xaa, 3, 0, 0, 0xf8 } } };

        list->attack = 4;
        for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
                for (unsigned kind = 0; kind < N_INNER; kind++) {
                        const char *what;
                        uint16_t ethertype;
                        GByteArray *payload = inner(list, kind, &ethertype, &what);
                        uint8_t type[2] = { (uint8_t) (ethertype >> 8), (uint8_t) ethertype };

                        g_byte_array_prepend(payload, type, sizeof(type));
                        g_byte_array_prepend(payload, kinds[i].header, sizeof(kinds[i].header));
                        add_wrapped(list, PASS,
                                    bw_packet_llc(bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                                  bw_corpus_mac_of(list, BW_WHO_ATTACKER), payload),
                                    kinds[i].name, what);
                }
}

static void add_other_ethertypes(BwCorpusList *list) {
        static const uint16_t others[] = { 0x8863, 0x8864, 0x8847, 0x8848, 0x88cc, 0x888e,
                                           0x88e5, 0x0842, 0x9000, 0x0801, 0x0600, 0x05ff,
                                           0x0000, 0xffff, 0x22f3, 0x6558, 0x894f, 0x88f7 };

        list->attack = 5;
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_ETHERTYPE, PASS,
                              to_victim(list, others[i], inner_ipv4(list, BW_WHO_GATEWAY)),
                              "ethertype/%04x", others[i]);
}

/* Spanning tree is LLC: the ethertype is the first thing wrong with it. */
static void add_bridge_groups(BwCorpusList *list) {
        static const uint8_t bpdu[] = { 0x42, 0x42, 3, 0, 0, 0, 0, 0, 0x80, 0 };
        BwMac group = { { 0x01, 0x80, 0xc2 } };

        list->attack = 26;
        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_ETHERTYPE, PASS,
                      bw_packet_llc(group, bw_corpus_mac_of(list, BW_WHO_ATTACKER),
                                    bw_packet_bytes(bpdu, sizeof(bpdu))),
                      "group/spanning-tree");
        for (uint8_t last = 0; last <= 0x10; last++) {
                group.octet[5] = last;
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM,
                              last < 0x10 ? BW_REASON_BPDU : PASS, PASS,
                              bw_packet_ethernet(group, bw_corpus_mac_of(list, BW_WHO_ATTACKER),
                                                 0x0800, inner_ipv4(list, BW_WHO_ATTACKER)),
                              "group/ipv4-%02x", last);
        }
}

/* The bridge learns from whatever it lets in. */
static void add_foreign_macs(BwCorpusList *list) {
        const struct {
                const char *name;
                BwMac mac;
        } foreign[] = { { "victim", bw_corpus_mac_of(list, BW_WHO_VICTIM) },
                        { "gateway", bw_corpus_mac_of(list, BW_WHO_GATEWAY) },
                        { "nobody", bw_corpus_mac_of(list, BW_WHO_NOBODY) },
                        { "broadcast", bw_corpus_broadcast },
                        { "zero", { { 0 } } } };

        for (unsigned i = 0; i < G_N_ELEMENTS(foreign); i++)
                for (unsigned kind = 0; kind < N_INNER; kind++) {
                        const char *what;
                        uint16_t ethertype;
                        GByteArray *payload = inner(list, kind, &ethertype, &what);

                        list->attack = kind % 2 ? 6 : 7;
                        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_SPOOFED_MAC,
                                      PASS,
                                      bw_packet_ethernet(bw_corpus_mac_of(list, BW_WHO_VICTIM),
                                                         foreign[i].mac, ethertype, payload),
                                      "mac/%s/%s", foreign[i].name, what);
                }
}

void bw_corpus_add_link(BwCorpusList *list) {
        add_tags(list);
        add_snap(list);
        add_other_ethertypes(list);
        add_bridge_groups(list);
        add_foreign_macs(list);
}

/* ARP */

static BwPacketArp plain_arp(BwCorpusList *list, uint16_t operation) {
        return (BwPacketArp){ 1,
                              0x0800,
                              6,
                              4,
                              operation,
                              bw_corpus_mac_of(list, BW_WHO_ATTACKER),
                              operation == 2 ? bw_corpus_mac_of(list, BW_WHO_VICTIM) : (BwMac){},
                              bw_corpus_ipv4_of(list, BW_WHO_ATTACKER),
                              bw_corpus_ipv4_of(list, BW_WHO_VICTIM) };
}

static void add_arp(BwCorpusList *list, BwReason in, const BwPacketArp *arp, uint16_t ethertype,
                    const char *name, const char *detail) {
        bool unicast = arp->operation == 2;

        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, in, PASS,
                      bw_packet_ethernet(unicast ? bw_corpus_mac_of(list, BW_WHO_VICTIM)
                                                 : bw_corpus_broadcast,
                                         bw_corpus_mac_of(list, BW_WHO_ATTACKER), ethertype,
                                         bw_packet_arp(arp)),
                      "%s/%s", name, detail);
}

static void add_arp_claims(BwCorpusList *list, BwWho who) {
        BwReason in = who == BW_WHO_ATTACKER ? PASS : BW_REASON_SPOOFED_ARP;
        static const char *const words[] = { "", "request", "reply" };
        const char *name = bw_corpus_who_name(who);

        for (uint16_t operation = 1; operation <= 2; operation++) {
                g_autofree char *ip = g_strdup_printf("arp/%s/sender-ip", words[operation]);
                g_autofree char *mac = g_strdup_printf("arp/%s/sender-mac", words[operation]);
                g_autofree char *both = g_strdup_printf("arp/%s/gratuitous", words[operation]);
                BwPacketArp arp = plain_arp(list, operation);

                arp.sender = bw_corpus_ipv4_of(list, who);
                add_arp(list, in, &arp, 0x0806, ip, name);
                arp.target = arp.sender;
                add_arp(list, in, &arp, 0x0806, both, name);
                arp = plain_arp(list, operation);
                arp.sender_mac = bw_corpus_mac_of(list, who);
                add_arp(list, in, &arp, 0x0806, mac, name);
        }
}

static void add_probes(BwCorpusList *list, BwWho who) {
        BwPacketArp arp = plain_arp(list, 1);

        arp.sender = bw_corpus_address("0.0.0.0");
        arp.target = bw_corpus_ipv4_of(list, who);
        add_arp(list, who == BW_WHO_ATTACKER ? PASS : BW_REASON_SPOOFED_ARP, &arp, 0x0806,
                "arp/probe", bw_corpus_who_name(who));
        arp.operation = 2;
        add_arp(list, BW_REASON_SPOOFED_ARP, &arp, 0x0806, "arp/reply-from-zero",
                bw_corpus_who_name(who));
}

static void add_odd_arp(BwCorpusList *list) {
        static const uint16_t operations[] = { 0, 3, 4, 8, 9, 10, 0x0100, 0xffff };
        BwPacketArp odd[6];

        for (unsigned i = 0; i < G_N_ELEMENTS(operations); i++) {
                BwPacketArp arp = plain_arp(list, operations[i]);
                g_autofree char *detail = g_strdup_printf("operation-%04x", operations[i]);

                add_arp(list, BW_REASON_SPOOFED_ARP, &arp, 0x0806, "arp/odd", detail);
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++)
                odd[i] = plain_arp(list, 2);
        odd[0].hardware = 6;
        odd[1].hardware = 0;
        odd[2].protocol = 0x86dd;
        odd[3].hardware_length = 8;
        odd[4].protocol_length = 16;
        odd[5].hardware_length = odd[5].protocol_length = 0;
        for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
                g_autofree char *detail = g_strdup_printf("form-%u", i);

                add_arp(list, BW_REASON_SPOOFED_ARP, &odd[i], 0x0806, "arp/odd", detail);
        }
}

static void add_short_arp(BwCorpusList *list) {
        static const unsigned lengths[] = { 0, 1, 8, 14, 18, 24, 27 };

        for (unsigned i = 0; i < G_N_ELEMENTS(lengths); i++) {
                BwPacketArp arp = plain_arp(list, 2);
                GByteArray *bytes = bw_packet_arp(&arp);

                g_byte_array_set_size(bytes, lengths[i]);
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_SPOOFED_ARP, PASS,
                              to_victim(list, 0x0806, bytes), "arp/short/%u", lengths[i]);
        }
}

/* QEMU says where its guest is now. */
static void add_announcements(BwCorpusList *list) {
        BwPacketArp rarp = plain_arp(list, 3);

        rarp.sender = rarp.target = bw_corpus_address("0.0.0.0");
        rarp.target_mac = rarp.sender_mac;
        add_arp(list, PASS, &rarp, 0x8035, "rarp", "announcement");
        rarp.operation = 4;
        add_arp(list, BW_REASON_ETHERTYPE, &rarp, 0x8035, "rarp", "reply");
        rarp.operation = 3;
        rarp.sender_mac = bw_corpus_mac_of(list, BW_WHO_VICTIM);
        add_arp(list, BW_REASON_ETHERTYPE, &rarp, 0x8035, "rarp", "foreign-sender");
        rarp.target_mac = rarp.sender_mac;
        add_arp(list, BW_REASON_ETHERTYPE, &rarp, 0x8035, "rarp", "foreign-announcement");
        rarp.sender_mac = bw_corpus_mac_of(list, BW_WHO_ATTACKER);
        add_arp(list, BW_REASON_ETHERTYPE, &rarp, 0x8035, "rarp", "foreign-target");
        rarp.target_mac = rarp.sender_mac;
        rarp.sender = bw_corpus_ipv4_of(list, BW_WHO_VICTIM);
        add_arp(list, BW_REASON_ETHERTYPE, &rarp, 0x8035, "rarp", "with-sender-ip");
        rarp.target = rarp.sender;
        rarp.sender = bw_corpus_address("0.0.0.0");
        add_arp(list, BW_REASON_ETHERTYPE, &rarp, 0x8035, "rarp", "with-target-ip");
}

void bw_corpus_add_arp(BwCorpusList *list) {
        list->attack = 8;
        for (unsigned who = 0; who <= BW_WHO_NOBODY; who++) {
                add_arp_claims(list, (BwWho) who);
                add_probes(list, (BwWho) who);
        }
        list->attack = 9;
        add_odd_arp(list);
        add_short_arp(list);
        add_announcements(list);
}
