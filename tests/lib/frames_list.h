/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The parts of the corpus: a part of the frames room, for itself alone.
 */

#include "frames.h"
#include "packet.h"

typedef struct BwTestList {
        const BwTestStage *stage;
        GPtrArray *frames;
        unsigned attack; /* what is added now */
} BwTestList;

/* Takes @bytes; the name is in printf's way. */
void bw_test_add(BwTestList *list, BwTestWho from, BwTestWho to, BwReason in, BwReason out,
                 GByteArray *bytes, const char *name, ...) G_GNUC_PRINTF(7, 8);

const char *bw_test_who_name(BwTestWho who);
BwMac bw_test_mac_of(const BwTestList *list, BwTestWho who);
BwPrefix bw_test_ipv4_of(const BwTestList *list, BwTestWho who);
BwPrefix bw_test_ipv6_of(const BwTestList *list, BwTestWho who);
BwPrefix bw_test_link_local_of(const BwTestList *list, BwTestWho who);
BwPrefix bw_test_address(const char *text); /* any, those that no port may have included */
extern const BwMac bw_test_broadcast;

/* A whole packet in a frame, its checksum made right. */
GByteArray *bw_test_wrap(BwMac destination, BwMac source, const BwTestIp *ip, GByteArray *payload);

void bw_test_add_link_frames(BwTestList *list);
void bw_test_add_arp_frames(BwTestList *list);
void bw_test_add_ipv4_frames(BwTestList *list);
void bw_test_add_dhcp_frames(BwTestList *list);
void bw_test_add_ipv6_frames(BwTestList *list);
void bw_test_add_nd_frames(BwTestList *list);
void bw_test_add_delivery_frames(BwTestList *list);
