/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The parts of the corpus: for that room alone.
 */

#include <bw/corpus.h>
#include <bw/corpus_packet.h>

typedef struct BwCorpusList {
        const BwScene *scene;
        GPtrArray *frames;
        unsigned attack; /* what is added now */
} BwCorpusList;

/* Takes @bytes; the name is in printf's way. */
void bw_corpus_add(BwCorpusList *list, BwWho from, BwWho to, BwReason in, BwReason out,
                   GByteArray *bytes, const char *name, ...) G_GNUC_PRINTF(7, 8);

const char *bw_corpus_who_name(BwWho who);
BwMac bw_corpus_mac_of(const BwCorpusList *list, BwWho who);
BwPrefix bw_corpus_ipv4_of(const BwCorpusList *list, BwWho who);
BwPrefix bw_corpus_ipv6_of(const BwCorpusList *list, BwWho who);
BwPrefix bw_corpus_link_local_of(const BwCorpusList *list, BwWho who);
BwPrefix bw_corpus_address(const char *text); /* any, those that no port may have included */
extern const BwMac bw_corpus_broadcast;

/* A whole packet in a frame, its checksum made right. */
GByteArray *bw_corpus_wrap(BwMac destination, BwMac source, const BwPacketIp *ip,
                           GByteArray *payload);

void bw_corpus_add_link(BwCorpusList *list);
void bw_corpus_add_arp(BwCorpusList *list);
void bw_corpus_add_ipv4(BwCorpusList *list);
void bw_corpus_add_dhcp(BwCorpusList *list);
void bw_corpus_add_ipv6(BwCorpusList *list);
void bw_corpus_add_nd(BwCorpusList *list);
void bw_corpus_add_delivery(BwCorpusList *list);
void bw_corpus_add_state(BwCorpusList *list);
void bw_corpus_add_border(BwCorpusList *list);

/* Behind the closed border is the whole network, behind the open one a single address of it. */
#define BW_CORPUS_BEHIND      "203.0.113.0/24"
#define BW_CORPUS_BEHIND6     "2001:db8:77::/64"
#define BW_CORPUS_BEHIND_ONE  "203.0.113.5"
#define BW_CORPUS_BEHIND6_ONE "2001:db8:77::5"
/* The bridge's gateway, which no port has: it is behind the uplink. */
#define BW_CORPUS_GATEWAY  "192.168.50.253"
#define BW_CORPUS_GATEWAY6 "2001:db8:50::253"
