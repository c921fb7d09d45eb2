/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Packets in the forms that hide a claim from a filter, or do not: made in one
 * line of a table each.
 */

#include <bw/addr.h>

/* How a frame is wrapped. */
typedef enum BwNetForm {
        PLAIN, /* UDP */
        TAGGED,
        TAGGED_TWICE,
        OLD_TAGGED,    /* 0x9100 */
        FRAGMENT,      /* IPv6: a later one, hop limit 64; IPv4: any */
        FRAGMENT_255,  /* of ICMPv6 */
        EXTENDED,      /* UDP behind an option header */
        AUTHENTICATED, /* behind an authentication header */
        TORN,          /* shorter than its IP header says; of IPv6, cut within the header */
        ARP,           /* @source is the sender IP, @more the sender MAC or NULL */
        ARP_TAGGED,
        ARP_ODD, /* hardware type 6 */
        ARP_TORN,
        RARP,
        NA, /* @more: the target */
        NA_TAGGED,
        NA_TORN,        /* ends within the target */
        NA_UNDERSTATED, /* the target stands behind the end the IP header tells of */
        NA_EXTENDED,
        NA_FRAGMENT, /* the first, and not the last */
        NS,
        ICMP6_TORN,        /* no type */
        ICMP6_CUT,         /* the same, and the IP header says there is one */
        ICMP6_BEHIND_END,  /* the type stands behind the end the IP header tells of */
        ICMP6_TORN_BEHIND, /* no type, behind an option header */
        VERSION_5,
        FRAGMENT_OF_OPTIONS, /* the first; the option header is in it */
        FRAGMENT_EMPTY,      /* of UDP, a later one without a byte */
        NOTHING_MORE,        /* no next header (59), and no byte */
        OPTIONS_TOO_LONG,    /* an option header longer than the packet, then "TCP" */
        MLD,                 /* behind an option header, from @source */
        OTHER,               /* ethertype 0x88b5 */
} BwNetForm;

typedef struct BwNetPacket {
        BwNetForm form;
        const char *to_mac, *from_mac, *source, *destination, *more;
} BwNetPacket;

/* (transfer full) */
GByteArray *bw_net_packet(const BwNetPacket *packet);
