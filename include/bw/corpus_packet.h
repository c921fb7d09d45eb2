/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Packets from the inside out: a part of the corpus room
 *
 * Every function takes the payload over, puts a header before it, and returns
 * the whole. Lengths and checksums are right unless somebody spoils them later,
 * so that a real receiver would take what is legal. No rule lives here.
 */

#include <bw/addr.h>

/* The payload of all kinds of traffic: @length bytes that say nothing. */
GByteArray *bw_packet_bytes(const void *bytes, gsize length);
GByteArray *bw_packet_filler(gsize length);

GByteArray *bw_packet_ethernet(BwMac destination, BwMac source, uint16_t ethertype,
                               GByteArray *payload);
/* IEEE 802.3: the length in the ethertype's place. */
GByteArray *bw_packet_llc(BwMac destination, BwMac source, GByteArray *payload);
/* @ethertype is the inner one's; the tag's own goes to whoever wraps it. */
GByteArray *bw_packet_tag(uint16_t vlan, uint16_t ethertype, GByteArray *payload);

typedef struct BwPacketArp {
        uint16_t hardware, protocol;
        uint8_t hardware_length, protocol_length;
        uint16_t operation;
        BwMac sender_mac, target_mac;
        BwPrefix sender, target;
} BwPacketArp;

GByteArray *bw_packet_arp(const BwPacketArp *arp);

typedef struct BwPacketIp {
        BwPrefix source, destination;
        uint8_t protocol, hop_limit; /* 0: 64 */
        uint16_t fragment;           /* IPv4: flags and offset as in the header */
        unsigned options;            /* IPv4: words of no-operation */
} BwPacketIp;

/* Of the family of its source. The transport checksum must be right before. */
GByteArray *bw_packet_ip(const BwPacketIp *ip, GByteArray *payload);
/* An extension header of 8 bytes, for options or routing; @next is what follows it. */
GByteArray *bw_packet_extension(uint8_t next, GByteArray *payload);
/* @offset in bytes. */
GByteArray *bw_packet_fragment(uint8_t next, unsigned offset, bool more, GByteArray *payload);

/* Puts the checksum of UDP, TCP, ICMP, ICMPv6, IGMP or IPv4's PIM into its place. */
GByteArray *bw_packet_seal(const BwPacketIp *ip, GByteArray *payload);

GByteArray *bw_packet_udp(uint16_t from, uint16_t to, GByteArray *payload);
GByteArray *bw_packet_tcp(uint16_t from, uint16_t to, uint8_t flags);
/* ICMP, ICMPv6, IGMP and PIM: type, code, checksum, then four bytes, then @payload. */
GByteArray *bw_packet_message(uint8_t type, uint8_t code, uint32_t word, GByteArray *payload);
GByteArray *bw_packet_bootp(uint8_t operation, BwMac client);
/* Of neighbour discovery. @target may be NULL; goes between the fixed part and the options. */
GByteArray *bw_packet_nd(uint8_t type, const BwPrefix *target, GByteArray *options);
/* One option with a link-layer address, before @more, which may be NULL. */
GByteArray *bw_packet_option(uint8_t type, BwMac mac, GByteArray *more);
