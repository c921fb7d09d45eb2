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
