/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Neighbour discovery: whose target, whose link-layer address, and in what shape. */

#include <bw/corpus_list.h>

#include <netinet/in.h>
#include <string.h>

#define PASS BW_REASON_NONE

enum { RS = 133, NS = 135, NA = 136, SOURCE = 1, TARGET = 2 };

static const BwMac group = { { 0x33, 0x33, 0, 0, 0, 2 } };

static void add(BwCorpusList *list, BwReason in, BwPacketIp ip, GByteArray *message,
                const char *name, const char *detail) {
        BwPrefix victim = bw_corpus_ipv6_of(list, BW_WHO_VICTIM);
        BwReason out = bw_prefix_equal(&ip.source, &victim) ? BW_REASON_REFLECTED : PASS;

        ip.protocol = IPPROTO_ICMPV6;
        if (!ip.hop_limit)
                ip.hop_limit = 255;
        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, in, out,
                      bw_corpus_wrap(group, bw_corpus_mac_of(list, BW_WHO_ATTACKER), &ip, message),
                      "nd/%s/%s", name, detail);
}

static BwPacketIp from_own(BwCorpusList *list) {
        return (BwPacketIp){ .source = bw_corpus_ipv6_of(list, BW_WHO_ATTACKER),
                             .destination = bw_corpus_address("ff02::2") };
}

static GByteArray *own_option(BwCorpusList *list, uint8_t type) {
        return bw_packet_option(type, bw_corpus_mac_of(list, BW_WHO_ATTACKER), NULL);
}

static void add_targets(BwCorpusList *list, BwWho who) {
        const char *name = bw_corpus_who_name(who);
        BwPrefix global = bw_corpus_ipv6_of(list, who), local = bw_corpus_link_local_of(list, who);
        BwReason in = who == BW_WHO_ATTACKER ? PASS : BW_REASON_SPOOFED_ND;
        /* A link-local address that nobody owns is free for all. */
        BwReason local_in = who == BW_WHO_NOBODY ? PASS : in;
        BwPacketIp zero = from_own(list);

        zero.source = bw_corpus_address("::");
        list->attack = 13;
        add(list, in, from_own(list), bw_packet_nd(NA, &global, own_option(list, TARGET)),
            "advertisement/target", name);
        add(list, in, from_own(list), bw_packet_nd(NA, &global, NULL),
            "advertisement/target-without-option", name);
        add(list, local_in, from_own(list), bw_packet_nd(NA, &local, own_option(list, TARGET)),
            "advertisement/link-local", name);
        list->attack = 15;
        add(list, in, zero, bw_packet_nd(NS, &global, NULL), "detection/target", name);
        add(list, local_in, zero, bw_packet_nd(NS, &local, NULL), "detection/link-local", name);
        /* Whom one asks for is no claim. */
        add(list, PASS, from_own(list), bw_packet_nd(NS, &global, own_option(list, SOURCE)),
            "solicitation/target", name);
}

static void add_options(BwCorpusList *list, BwWho who) {
        const char *name = bw_corpus_who_name(who);
        BwPrefix own = bw_corpus_ipv6_of(list, BW_WHO_ATTACKER);
        BwMac mac = bw_corpus_mac_of(list, who);
        BwReason in = who == BW_WHO_ATTACKER ? PASS : BW_REASON_SPOOFED_ND;
        BwPacketIp zero = from_own(list), foreign = from_own(list);

        zero.source = bw_corpus_address("::");
        foreign.source = bw_corpus_ipv6_of(list, who);
        list->attack = 13;
        add(list, in, from_own(list), bw_packet_nd(NA, &own, bw_packet_option(TARGET, mac, NULL)),
            "advertisement/option", name);
        add(list, in, from_own(list),
            bw_packet_nd(NA, &own, bw_packet_option(14, mac, bw_packet_option(TARGET, mac, NULL))),
            "advertisement/option-behind-nonce", name);
        add(list, in, from_own(list),
            bw_packet_nd(NA, &own,
                         bw_packet_option(TARGET, bw_corpus_mac_of(list, BW_WHO_ATTACKER),
                                          bw_packet_option(TARGET, mac, NULL))),
            "advertisement/second-option", name);
        add(list, in, from_own(list), bw_packet_nd(NA, &own, bw_packet_option(SOURCE, mac, NULL)),
            "advertisement/source-option", name);
        list->attack = 14;
        add(list, in, from_own(list), bw_packet_nd(NS, &own, bw_packet_option(SOURCE, mac, NULL)),
            "solicitation/option", name);
        add(list, in, from_own(list),
            bw_packet_nd(NS, &own, bw_packet_option(14, mac, bw_packet_option(SOURCE, mac, NULL))),
            "solicitation/option-behind-nonce", name);
        add(list, in, from_own(list), bw_packet_nd(RS, NULL, bw_packet_option(SOURCE, mac, NULL)),
            "router-solicitation/option", name);
        add(list, in, zero, bw_packet_nd(RS, NULL, bw_packet_option(SOURCE, mac, NULL)),
            "router-solicitation/option-from-zero", name);
        add(list, who == BW_WHO_ATTACKER ? PASS : BW_REASON_SPOOFED_IP, foreign,
            bw_packet_nd(NS, &own, NULL), "solicitation/source", name);
        add(list, who == BW_WHO_ATTACKER ? PASS : BW_REASON_SPOOFED_IP, foreign,
            bw_packet_nd(RS, NULL, NULL), "router-solicitation/source", name);
}

/* @options as bytes, behind an advertisement for an own address. */
static void add_shape(BwCorpusList *list, BwReason in, const void *options, gsize length,
                      const char *name) {
        BwPrefix own = bw_corpus_ipv6_of(list, BW_WHO_ATTACKER);

        add(list, in, from_own(list), bw_packet_nd(NA, &own, bw_packet_bytes(options, length)),
            "shape", name);
}

static void add_shapes(BwCorpusList *list) {
        uint8_t bytes[64] = { TARGET };
        static const uint8_t experimental[16] = { 253, 2 },
                             nonces[24] = { 14, 1, [8] = 14, 1, [16] = 14, 1 };
        static const uint8_t endless[8] = { 14 };
        BwMac own = bw_corpus_mac_of(list, BW_WHO_ATTACKER);

        list->attack = 13;
        memcpy(bytes + 2, own.octet, 6);
        add_shape(list, BW_REASON_SPOOFED_ND, bytes, 8, "length-zero");
        bytes[1] = 2;
        add_shape(list, BW_REASON_SPOOFED_ND, bytes, 16, "length-two");
        add_shape(list, BW_REASON_SPOOFED_ND, bytes, 8, "length-beyond-the-end");
        bytes[1] = 1;
        add_shape(list, BW_REASON_SPOOFED_ND, bytes, 7, "cut");
        add_shape(list, BW_REASON_SPOOFED_ND, bytes, 1, "one-byte");
        add_shape(list, BW_REASON_SPOOFED_ND, bytes, 12, "tail");
        add_shape(list, PASS, experimental, sizeof(experimental), "unknown-option");
        add_shape(list, BW_REASON_SPOOFED_ND, endless, sizeof(endless), "nonce-of-length-zero");
        add_shape(list, PASS, nonces, sizeof(nonces), "nonces");
        for (unsigned i = 0; i < 8; i++)
                memcpy(bytes + i * 8, (uint8_t[]){ 14, 1 }, 2);
        add_shape(list, BW_REASON_SPOOFED_ND, bytes, 64, "too-many-options");
}

static void add_headers(BwCorpusList *list) {
        static const uint8_t hop_limits[] = { 1, 64, 254 };
        BwPrefix own = bw_corpus_ipv6_of(list, BW_WHO_ATTACKER);
        const struct {
                const char *name;
                uint8_t type;
        } messages[] = { { "router-solicitation", RS },
                         { "solicitation", NS },
                         { "advertisement", NA } };

        list->attack = 13;
        for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++) {
                const BwPrefix *target = messages[i].type == RS ? NULL : &own;
                GByteArray *coded = bw_packet_nd(messages[i].type, target, NULL);

                for (unsigned k = 0; k < G_N_ELEMENTS(hop_limits); k++) {
                        g_autofree char *detail = g_strdup_printf("hop-limit-%u", hop_limits[k]);
                        BwPacketIp ip = from_own(list);

                        ip.hop_limit = hop_limits[k];
                        add(list, BW_REASON_SPOOFED_ND, ip,
                            bw_packet_nd(messages[i].type, target, NULL), messages[i].name, detail);
                }
                coded->data[1] = 1;
                add(list, BW_REASON_SPOOFED_ND, from_own(list), coded, messages[i].name, "code");
        }
}

/* Inverse neighbour discovery, and messages that end too soon. */
static void add_others(BwCorpusList *list) {
        static const gsize lengths[] = { 1, 4, 8, 23 };
        BwPrefix own = bw_corpus_ipv6_of(list, BW_WHO_ATTACKER);

        list->attack = 13;
        add(list, BW_REASON_SPOOFED_ND, from_own(list), bw_packet_nd(141, NULL, NULL), "inverse",
            "solicitation");
        add(list, BW_REASON_SPOOFED_ND, from_own(list), bw_packet_nd(142, NULL, NULL), "inverse",
            "advertisement");
        for (unsigned i = 0; i < G_N_ELEMENTS(lengths); i++) {
                g_autofree char *detail = g_strdup_printf("%zu", lengths[i]);
                BwPacketIp ip = from_own(list);
                GByteArray *bytes = bw_packet_seal(&ip, bw_packet_nd(NA, &own, NULL));

                ip.protocol = IPPROTO_ICMPV6;
                ip.hop_limit = 255;
                g_byte_array_set_size(bytes, (guint) lengths[i]);
                bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_SPOOFED_ND, PASS,
                              bw_packet_ethernet(group, bw_corpus_mac_of(list, BW_WHO_ATTACKER),
                                                 0x86dd, bw_packet_ip(&ip, bytes)),
                              "nd/short/%s", detail);
        }
}

/* From "::" one speaks to groups; and what stands behind the packet's end is padding. */
static void add_edges(BwCorpusList *list) {
        BwPrefix own = bw_corpus_ipv6_of(list, BW_WHO_ATTACKER);
        BwPacketIp zero = from_own(list), ip = from_own(list);
        GByteArray *padded;

        zero.source = bw_corpus_address("::");
        zero.destination = bw_corpus_ipv6_of(list, BW_WHO_VICTIM);
        list->attack = 15;
        add(list, BW_REASON_SPOOFED_IP, zero, bw_packet_nd(NS, &own, NULL), "detection", "unicast");
        add(list, BW_REASON_SPOOFED_IP, zero, bw_packet_nd(RS, NULL, NULL), "router-solicitation",
            "unicast-from-zero");

        ip.protocol = IPPROTO_ICMPV6;
        ip.hop_limit = 255;
        padded = bw_corpus_wrap(group, bw_corpus_mac_of(list, BW_WHO_ATTACKER), &ip,
                                bw_packet_nd(NA, &own, own_option(list, TARGET)));
        g_byte_array_append(padded, (const uint8_t *) "padding", 7);
        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, PASS, PASS, padded, "nd/shape/padded");
        padded = bw_corpus_wrap(group, bw_corpus_mac_of(list, BW_WHO_ATTACKER), &ip,
                                bw_packet_message(128, 0, 1, bw_packet_filler(8)));
        padded->data[14] = 0x45;
        bw_corpus_add(list, BW_WHO_ATTACKER, BW_WHO_VICTIM, BW_REASON_SPOOFED_IP,
                      BW_REASON_MISDELIVERED, padded, "ipv6/header/version-4");
}

void bw_corpus_add_nd(BwCorpusList *list) {
        for (unsigned who = 0; who <= BW_WHO_NOBODY; who++) {
                add_targets(list, (BwWho) who);
                add_options(list, (BwWho) who);
        }
        add_shapes(list);
        add_headers(list);
        add_others(list);
        add_edges(list);
}

/* Delivery: legal at its own port, and at the wrong door all the same. */

static void add_delivery(BwCorpusList *list, BwWho from, BwReason out, BwMac destination,
                         BwPrefix source, BwPrefix address, const char *name, const char *detail) {
        static const uint8_t protocols[] = { IPPROTO_UDP, IPPROTO_TCP };
        bool ipv4 = source.family == BW_FAMILY_IPV4;

        for (unsigned i = 0; i < G_N_ELEMENTS(protocols); i++) {
                BwPacketIp ip = { .source = source,
                                  .destination = address,
                                  .protocol = protocols[i] };

                bw_corpus_add(list, from, BW_WHO_VICTIM, PASS, out,
                              bw_corpus_wrap(destination, bw_corpus_mac_of(list, from), &ip,
                                             i == 0 ? bw_packet_udp(40000, 9, bw_packet_filler(18))
                                                    : bw_packet_tcp(40000, 22, 0x02)),
                              "delivery/%s/%s/%s/%u/%s", name, bw_corpus_who_name(from),
                              ipv4 ? "ipv4" : "ipv6", protocols[i], detail);
        }
}

static void add_deliveries(BwCorpusList *list, BwWho from, BwWho to) {
        BwMac victim = bw_corpus_mac_of(list, BW_WHO_VICTIM), right = bw_corpus_mac_of(list, to);
        bool well = to == BW_WHO_VICTIM;
        const char *name = bw_corpus_who_name(to);
        const BwPrefix pairs[][2] = {
                { bw_corpus_ipv4_of(list, from), bw_corpus_ipv4_of(list, to) },
                { bw_corpus_ipv6_of(list, from), bw_corpus_ipv6_of(list, to) },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
                list->attack = from == BW_WHO_GATEWAY ? 28 : 18;
                add_delivery(list, from, well ? PASS : BW_REASON_MISDELIVERED, victim, pairs[i][0],
                             pairs[i][1], "to-victims-mac", name);
                add_delivery(list, from, well ? PASS : BW_REASON_MISDELIVERED, bw_corpus_broadcast,
                             pairs[i][0], pairs[i][1], "to-broadcast-mac", name);
                list->attack = 19;
                if (!well)
                        add_delivery(list, from, BW_REASON_FLOODED, right, pairs[i][0], pairs[i][1],
                                     "flooded", name);
        }
}

static void add_reflections(BwCorpusList *list) {
        BwMac own = bw_corpus_mac_of(list, BW_WHO_VICTIM);

        list->attack = 20;
        add_delivery(list, BW_WHO_VICTIM, BW_REASON_REFLECTED, own,
                     bw_corpus_ipv4_of(list, BW_WHO_VICTIM), bw_corpus_ipv4_of(list, BW_WHO_VICTIM),
                     "reflected", "own");
        add_delivery(list, BW_WHO_VICTIM, BW_REASON_REFLECTED, bw_corpus_broadcast,
                     bw_corpus_ipv4_of(list, BW_WHO_VICTIM), bw_corpus_address("255.255.255.255"),
                     "reflected", "broadcast");
        add_delivery(list, BW_WHO_VICTIM, BW_REASON_REFLECTED, own,
                     bw_corpus_ipv6_of(list, BW_WHO_VICTIM), bw_corpus_ipv6_of(list, BW_WHO_VICTIM),
                     "reflected", "own");
        add_delivery(list, BW_WHO_VICTIM, BW_REASON_REFLECTED,
                     (BwMac){ { 0x33, 0x33, 0, 0, 0, 1 } }, bw_corpus_ipv6_of(list, BW_WHO_VICTIM),
                     bw_corpus_address("ff02::1"), "reflected", "multicast");
}

/* A router carries packets of the world, and no neighbour's. */
static void add_routed(BwCorpusList *list) {
        static const char *const world[] = { "198.51.100.7", "2001:db8:ffff::7" };
        BwMac victim = bw_corpus_mac_of(list, BW_WHO_VICTIM);

        list->attack = 0;
        add_delivery(list, BW_WHO_GATEWAY, PASS, victim, bw_corpus_address(world[0]),
                     bw_corpus_ipv4_of(list, BW_WHO_VICTIM), "routed", "from-world");
        add_delivery(list, BW_WHO_GATEWAY, PASS, victim, bw_corpus_address(world[1]),
                     bw_corpus_ipv6_of(list, BW_WHO_VICTIM), "routed", "from-world");
}

/* What no host has for its own, and what a neighbour has. */
static void add_impossible_sources(BwCorpusList *list) {
        static const char *const odd[] = {
                "0.0.0.0", "127.0.0.1", "224.0.0.9", "255.255.255.255", "192.168.50.14",
                "::",      "::1",       "ff02::9",   "2001:db8:50::14"
        };
        BwMac victim = bw_corpus_mac_of(list, BW_WHO_VICTIM);

        list->attack = 1;
        for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
                BwPrefix source = bw_corpus_address(odd[i]);
                bool ipv4 = source.family == BW_FAMILY_IPV4;
                BwPrefix to = ipv4 ? bw_corpus_ipv4_of(list, BW_WHO_VICTIM)
                                   : bw_corpus_ipv6_of(list, BW_WHO_VICTIM);
                BwPacketIp ip = { .source = source, .destination = to, .protocol = IPPROTO_UDP };

                bw_corpus_add(list, BW_WHO_GATEWAY, BW_WHO_VICTIM, BW_REASON_SPOOFED_IP,
                              g_str_has_suffix(odd[i], "14") ? BW_REASON_REFLECTED : PASS,
                              bw_corpus_wrap(victim, bw_corpus_mac_of(list, BW_WHO_GATEWAY), &ip,
                                             bw_packet_udp(40000, 9, bw_packet_filler(18))),
                              "routed/from-%s", odd[i]);
        }
}

static void add_broadcasts(BwCorpusList *list) {
        static const char *const others[] = { "192.168.51.255", "192.168.50.127",
                                              "10.255.255.255" };

        list->attack = 18;
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
                add_delivery(list, BW_WHO_ATTACKER, BW_REASON_MISDELIVERED, bw_corpus_broadcast,
                             bw_corpus_ipv4_of(list, BW_WHO_ATTACKER), bw_corpus_address(others[i]),
                             "other-broadcast", others[i]);
        add_delivery(list, BW_WHO_ATTACKER, BW_REASON_MISDELIVERED,
                     bw_corpus_mac_of(list, BW_WHO_VICTIM),
                     bw_corpus_ipv6_of(list, BW_WHO_ATTACKER),
                     bw_corpus_link_local_of(list, BW_WHO_GATEWAY), "to-victims-mac",
                     "link-local-gateway");
        add_delivery(list, BW_WHO_ATTACKER, PASS, bw_corpus_mac_of(list, BW_WHO_VICTIM),
                     bw_corpus_ipv6_of(list, BW_WHO_ATTACKER),
                     bw_corpus_link_local_of(list, BW_WHO_VICTIM), "to-victims-mac",
                     "link-local-victim");
}

/* Takes the frame's place: MACs, one more tag, and all the rest. */
static GByteArray *behind_tag(const GByteArray *frame, uint16_t ethertype, uint16_t vlan) {
        const uint8_t tag[] = { (uint8_t) (ethertype >> 8), (uint8_t) ethertype,
                                (uint8_t) (vlan >> 8), (uint8_t) vlan };
        const guint macs = 12;
        GByteArray *bytes = g_byte_array_new();

        g_byte_array_append(bytes, frame->data, macs);
        g_byte_array_append(bytes, tag, sizeof(tag));
        return g_byte_array_append(bytes, frame->data + macs, frame->len - macs);
}

/* A trunk gets from the bridge what others get without a tag, and the guard sees it as it is. */
static void add_behind_tag(BwCorpusList *list, const BwCorpusFrame *frame) {
        GByteArray *once = behind_tag(frame->bytes, 0x8100, 1);

        list->attack = frame->attack;
        bw_corpus_add(list, frame->from, frame->to, BW_REASON_ETHERTYPE, frame->out, once,
                      "behind-tag/%s", frame->name);
        bw_corpus_add(list, frame->from, frame->to, BW_REASON_ETHERTYPE, frame->out,
                      behind_tag(frame->bytes, 0x88a8, 1), "behind-ad-tag/%s", frame->name);
        bw_corpus_add(list, frame->from, frame->to, BW_REASON_ETHERTYPE,
                      frame->out == BW_REASON_FLOODED ? frame->out : BW_REASON_MISDELIVERED,
                      behind_tag(once, 0x8100, 1), "behind-tags/%s", frame->name);
}

/* A bridge may hand out a group's frames by each member's own MAC (mcast_to_unicast). */
static void add_groups_by_unicast(BwCorpusList *list) {
        BwMac victim = bw_corpus_mac_of(list, BW_WHO_VICTIM);

        add_delivery(list, BW_WHO_ATTACKER, PASS, victim, bw_corpus_ipv4_of(list, BW_WHO_ATTACKER),
                     bw_corpus_address("239.1.2.3"), "to-victims-mac", "group");
        add_delivery(list, BW_WHO_ATTACKER, PASS, victim, bw_corpus_ipv6_of(list, BW_WHO_ATTACKER),
                     bw_corpus_address("ff05::2:3"), "to-victims-mac", "group6");
}

void bw_corpus_add_delivery(BwCorpusList *list) {
        guint first = list->frames->len, last;

        static const BwWho to[] = { BW_WHO_VICTIM, BW_WHO_ATTACKER, BW_WHO_GATEWAY, BW_WHO_NOBODY };

        for (unsigned i = 0; i < G_N_ELEMENTS(to); i++) {
                if (to[i] != BW_WHO_ATTACKER)
                        add_deliveries(list, BW_WHO_ATTACKER, to[i]);
                if (to[i] != BW_WHO_GATEWAY)
                        add_deliveries(list, BW_WHO_GATEWAY, to[i]);
        }
        add_reflections(list);
        add_routed(list);
        add_impossible_sources(list);
        add_broadcasts(list);
        add_groups_by_unicast(list);
        last = list->frames->len;
        for (guint i = first; i < last; i++)
                add_behind_tag(list, list->frames->pdata[i]);
}
