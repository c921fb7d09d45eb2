/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Violations
 *
 * A frame a DENY rule reported, told in words: who sent it, whose address it
 * claimed, whom it was meant for, which rule met it. Decodes hostile bytes and
 * trusts no length in them. Opens no socket; counts nothing.
 */

#include <bw/plan.h>

/* A tag the kernel or the card has taken off; it is not among the bytes any more. */
typedef struct BwDeniedTag {
        bool there;
        uint16_t protocol; /* 0x8100, 0x88a8 */
        uint16_t control;  /* priority, and the VID in its lower twelve bits */
} BwDeniedTag;

/* What the kernel says of a packet that met an NFLOG rule; lent for the call. Numbers are in host
 * order.
 *
 * Of the bridge family, as Linux 6.18 gives it (nfnetlink_log.c): in prerouting and input @physin
 * is the port and @in its bridge; in forward @physout is known as well. What the host itself sends
 * has neither @physin nor @in in the output hook, and @out is the bridge. A kernel without
 * br_netfilter gives the ports as @in and @out. The Ethernet header is 14 bytes and shows the type
 * behind the tag that was taken off; further tags are the first bytes of @packet. */
typedef struct BwDeniedPacket {
        const char *prefix;  /* the rule's: see bw_violation_prefix() */
        uint8_t family;      /* AF_BRIDGE, AF_INET or AF_INET6: whose rule it was; AF_UNSPEC: not
                                known */
        int physin, physout; /* ifindex of the bridge ports; 0 when not known */
        int in, out;         /* ifindex of the bridge, as in and out device; 0 when not known */
        uint16_t ethertype;  /* of @packet, without the tag taken off; below 0x600 (0x0004) for LLC;
                                0 when not known */
        BwDeniedTag tag;
        const uint8_t *ethernet; /* link layer header; NULL when not given */
        gsize ethernet_length;
        const uint8_t *packet; /* network layer, cut to what the kernel copied */
        gsize packet_length;
} BwDeniedPacket;

typedef struct BwViolation {
        BwReason reason;
        BwDirection direction;
        bool dropped;                  /* false: seen by a monitoring rule, let pass */
        char port[BW_IFNAME_SIZE];     /* where the rule stands: sender for IN, receiver for OUT */
        char bridge[BW_IFNAME_SIZE];   /* "" when not known */
        char offender[BW_IFNAME_SIZE]; /* the port the packet came in by; the bridge when the host
                                          sent it itself; "" when not known */
        char *offender_guest;          /* NULL: not a guest's port */
        bool from_host;                /* the host sent it, or routed it */
        char *guest;                   /* guest of @port, or NULL */
        char uuid[BW_UUID_TEXT_SIZE];  /* its UUID, or "" */
        uint16_t ethertype; /* a tag's if there is one; below 0x600: a length; 0: not known */
        char *tags;         /* VIDs of its VLAN tags from the outside in, "0 5"; or NULL */
        char source_mac[BW_MAC_TEXT_SIZE], destination_mac[BW_MAC_TEXT_SIZE]; /* or "" */
        char *source, *destination; /* IP addresses as text, in ARP its sender and target; NULL when
                                       there are none or the packet is too short */
        char *protocol;     /* "udp 68 > 67", "arp reply", "icmpv6 redirect", "proto 47"; or NULL */
        char *what;         /* the frame in words */
        const char *detail; /* what exactly is wrong with it ("ARP sender IP"), static; NULL when
                               plan and frame do not say it */
        char *claimed_address; /* of what came IN: the address it says is its sender's; or NULL */
        char claimed_mac[BW_MAC_TEXT_SIZE]; /* the MAC it says is its sender's, in ARP or neighbour
                                               discovery, or with spoofed-mac; or "" */
        char *claimed_owner; /* guest or port that owns the claimed address or else the MAC, not the
                                offender; or NULL */
        bool owns_mac;       /* @claimed_owner owns the MAC, not the address */
        char *victim;        /* guest or port it was meant for; or NULL */
} BwViolation;

/* The NFLOG prefix for a deny rule, at most 63 bytes: "bw in spoofed-ip drop". Writes @text. */
#define BW_VIOLATION_PREFIX_SIZE 64
void bw_violation_prefix(BwDirection direction, BwReason reason, bool drops,
                         char text[static BW_VIOLATION_PREFIX_SIZE]);

/* (transfer full): NULL when the prefix is not one of ours or no port of @plan fits. */
BwViolation *bw_violation_new(const BwDeniedPacket *denied, const BwPlan *plan);
void bw_violation_free(BwViolation *violation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwViolation, bw_violation_free)

/* (transfer full): one sentence, for instance "Guest kali4 (port vk64) sent ARP reply 192.168.50.15
 * is-at 52:54:00:74:60:4a, claiming the address of kali5, meant for kali3: dropped, spoofed-arp
 * (ARP sender IP)". Guest names are printed with control characters and invalid UTF-8 escaped. */
char *bw_violation_sentence(const BwViolation *violation);
