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

/* What the kernel says of a packet that met an NFLOG rule; lent for the call. */
typedef struct BwDeniedPacket {
        const char *prefix;      /* the rule's: see bw_violation_prefix() */
        int physin, physout;     /* ifindex of the bridge ports; 0 when not known */
        int in, out;             /* ifindex of the bridge, as in and out device; 0 when not known */
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
        char offender[BW_IFNAME_SIZE]; /* the port the packet came in by; "" when not known */
        char *offender_guest;          /* NULL: not a guest's port */
        char *guest;                   /* guest of @port, or NULL */
        char uuid[BW_UUID_TEXT_SIZE];  /* its UUID, or "" */
        char source_mac[BW_MAC_TEXT_SIZE], destination_mac[BW_MAC_TEXT_SIZE]; /* or "" */
        char *source, *destination; /* IP addresses as text; NULL when the packet is too short */
        char *protocol;      /* "udp 68 > 67", "icmp", "tcp 40000 > 22", "proto 47"; or NULL */
        char *claimed_owner; /* guest or port that owns @source, not the offender; or NULL */
        char *victim;        /* guest or port that owns @destination; or NULL */
} BwViolation;

/* The NFLOG prefix for a deny rule, at most 63 bytes: "bw in spoofed-ip drop". Writes @text. */
#define BW_VIOLATION_PREFIX_SIZE 64
void bw_violation_prefix(BwDirection direction, BwReason reason, bool drops,
                         char text[static BW_VIOLATION_PREFIX_SIZE]);

/* (transfer full): NULL when the prefix is not one of ours or no port of @plan fits. */
BwViolation *bw_violation_new(const BwDeniedPacket *denied, const BwPlan *plan);
void bw_violation_free(BwViolation *violation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwViolation, bw_violation_free)

/* (transfer full): one sentence, for instance "Guest kali4 (port vk64) sent 192.168.50.15 >
 * 192.168.50.13 (icmp), claiming the address of kali5: dropped, spoofed-ip". Guest names are
 * printed with control characters and invalid UTF-8 escaped. */
char *bw_violation_sentence(const BwViolation *violation);
