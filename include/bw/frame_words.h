/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Frames in words
 *
 * What a frame says, for people: "ARP reply 192.0.2.7 is-at 52:54:00:00:00:64".
 * Goes as far as the bytes go, and further than the judges do: what is odd is
 * still told. No length in the frame is believed; no byte of it is printed as it
 * is. Knows no port and no guest, judges nothing.
 */

#include <bw/frame.h>

typedef struct BwFrameWords {
        uint16_t
                ethertype; /* the outermost: a tag's, if there are tags; or a length, below 0x600 */
        BwMac destination_mac, source_mac;
        char *tags;     /* VIDs from the outside in, "0 5", the first few of them; NULL: none */
        char *protocol; /* "udp 68 > 67", "arp reply", "icmpv6 redirect", "proto 47"; or NULL */
        char *text;     /* all of it on one line */
        bool says_macs; /* @text has both MACs, or the frame is too short for them */
        bool addressed; /* by IP, or ARP's sender and target */
        BwPrefix source, destination;
        /* Which address the frame says is its sender's: the source, or what ARP and neighbour
         * discovery speak of. With @addressed. */
        BwPrefix claimed;
        bool claims_mac; /* in ARP and neighbour discovery */
        BwMac claimed_mac;
        bool is_arp;
} BwFrameWords;

/* (transfer full): of a frame as it is on the wire, tags in it, however short. @bytes may be NULL
 * when @length is 0. */
BwFrameWords *bw_frame_words_new(const uint8_t *bytes, gsize length);
void bw_frame_words_free(BwFrameWords *words);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwFrameWords, bw_frame_words_free)
