/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Messages in words
 *
 * What stands behind the IP headers of a frame: ports, ICMP, IGMP, neighbour
 * discovery, DHCP. A part of the frame_words room.
 */

#include <bw/frame.h>

typedef struct BwFrameMessage {
        bool has_ports; /* TCP and UDP */
        uint16_t source_port, destination_port;
        const char *kind; /* static: "redirect", "neighbour advertisement"; or NULL */
        char *text;       /* what it says, or NULL; owned */
        bool is_nd;       /* of neighbour discovery, inverse apart; the rest is for it alone */
        bool has_target, has_mac;
        BwPrefix target;
        BwMac mac; /* the first link-layer address among the options */
} BwFrameMessage;

/* (transfer full): of @bytes that were decoded as @frame. What is odd is read as far as it can be.
 */
BwFrameMessage *bw_frame_message_new(const BwFrame *frame, const uint8_t *bytes, gsize length);
void bw_frame_message_free(BwFrameMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwFrameMessage, bw_frame_message_free)
