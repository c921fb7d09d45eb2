/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Frames
 *
 * Ethernet bytes as a value: what the headers say, as far as the bytes go. No
 * length in them is believed beyond the end of the frame, and what cannot be
 * read is told apart from what is not there. Judges nothing; no pointer leads
 * back into the bytes.
 */

#include <bw/addr.h>

typedef enum BwFrameKind {
        BW_FRAME_SHORT, /* no whole Ethernet header */
        BW_FRAME_OTHER, /* any other ethertype: tags, LLC, PPPoE, MPLS, …  */
        BW_FRAME_ARP,
        BW_FRAME_RARP,
        BW_FRAME_IPV4,
        BW_FRAME_IPV6,
} BwFrameKind;

/* ARP and RARP. */
typedef struct BwFrameArp {
        bool plain; /* whole, Ethernet and IPv4 with lengths 6 and 4; else the rest is zero */
        uint16_t operation;
        BwMac sender_mac, target_mac;
        BwPrefix sender, target;
} BwFrameArp;

/* Where in its datagram the packet is. */
typedef enum BwFramePart {
        BW_FRAME_WHOLE,
        BW_FRAME_FIRST, /* offset 0 of a fragmented datagram, an atomic fragment too (RFC 6946) */
        BW_FRAME_LATER, /* no transport header in it */
} BwFramePart;

typedef struct BwFrameIp {
        bool valid; /* a whole header of the right version, IPv4: and as many bytes as it says; else
                       the rest is zero */
        bool cut;   /* IPv6: there are fewer bytes than the header says */
        BwPrefix source, destination;
        uint8_t hop_limit;
        BwFramePart part;
        bool extended;      /* IPv6: there are extension headers */
        bool chain_is_read; /* IPv6: all of them were whole, and @protocol is no further one of any
                               kind (RFC 7112), nor is the packet cut short behind them; IPv4:
                               always */
        uint8_t protocol;   /* behind the extension headers */
        gsize transport; /* where in the frame @protocol's bytes begin; 0: they cannot be found, or
                            are in another fragment */
        bool has_ports;  /* UDP */
        uint16_t source_port, destination_port;
        bool has_type; /* ICMP, ICMPv6, IPv4's IGMP and PIM: first byte; @code: the second, or 0 */
        uint8_t type, code;
} BwFrameIp;

/* BOOTP over Ethernet, as DHCPv4 uses it. */
typedef struct BwFrameBootp {
        bool whole; /* up to chaddr's last octet, and chaddr is an Ethernet address */
        uint8_t operation;
        BwMac client;
} BwFrameBootp;

/* Longer neighbour discovery is not of this world; engines that cannot loop need an end. */
#define BW_FRAME_ND_LENGTH 56
#define BW_FRAME_ND_MACS   (BW_FRAME_ND_LENGTH / 8)

/* Solicitations and advertisements of neighbours, solicitations of routers (RFC 4861). */
typedef struct BwFrameNd {
        /* All that the IPv6 header promises is there, no more than BW_FRAME_ND_LENGTH, and the
         * options fill what the fixed part leaves; those with a link-layer address have 8 bytes. */
        bool plain;
        BwPrefix target; /* not for router solicitations */
        unsigned n_macs; /* link-layer addresses, of source or target */
        BwMac macs[BW_FRAME_ND_MACS];
} BwFrameNd;

typedef struct BwFrame {
        BwFrameKind kind;
        uint16_t ethertype; /* or length, below 0x600 */
        bool tagged;        /* the rest is what is behind a tag; never of bw_frame_decode() */
        BwMac destination, source;
        BwFrameArp arp;
        BwFrameIp ip; /* both versions */
        BwFrameBootp bootp;
        BwFrameNd nd;
} BwFrame;

/* ICMPv6 types that ask for claims or make them. */
enum {
        BW_ND_ROUTER_SOLICITATION = 133,
        BW_ND_ROUTER_ADVERTISEMENT = 134,
        BW_ND_SOLICITATION = 135,
        BW_ND_ADVERTISEMENT = 136,
        BW_ND_REDIRECT = 137,
        BW_ND_INVERSE_SOLICITATION = 141, /* RFC 3122 */
        BW_ND_INVERSE_ADVERTISEMENT = 142,
};

/* @bytes may be NULL when @length is 0. What does not apply is zero. */
BwFrame bw_frame_decode(const uint8_t *bytes, gsize length);

/* The same, but behind the first VLAN tag (IEEE 802.1Q and 802.1ad) if there is one, as whoever
 * takes it off reads the frame. A bridge that filters VLANs tags what it hands to a trunk. */
BwFrame bw_frame_decode_tagged(const uint8_t *bytes, gsize length);

bool bw_frame_is_ip(const BwFrame *frame); /* IPv4 or IPv6, by its ethertype */

/* A VLAN tag's: 802.1Q, 802.1ad, or what was used before that. */
bool bw_frame_is_tag(uint16_t ethertype);

/* For a frame of which only the beginning was kept: makes the length in its IP header say no more
 * than is there, so that what is there can be decoded. */
void bw_frame_shorten(uint8_t *bytes, gsize length);

/* Two bytes in the order of the network. */
static inline uint16_t bw_frame_number(const uint8_t *bytes) {
        return (uint16_t) (bytes[0] << 8 | bytes[1]);
}

bool bw_mac_is_group(const BwMac *mac);
