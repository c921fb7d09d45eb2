/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sets that others' FORWARD rules ask
 *
 * A rule of nftables looks up a key in a set or verdict map: fields one behind the
 * other, each filled up with NULs to whole registers of four bytes (nft(8), SETS and
 * CONCATENATIONS; linux/netfilter/nf_tables.h). What is known here of a bridged
 * packet are its interfaces, which both are its bridge, and its family; a key with
 * anything else in it cannot be told, and no rule that asks for it fits.
 */

#include <bw/addr.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define BW_FORWARD_NAME_SIZE 16 /* of an interface, with the NUL */

typedef enum BwForwardVerdict {
        BW_FORWARD_GO_ON, /* counts, logs, marks */
        BW_FORWARD_ACCEPT,
        BW_FORWARD_DROP, /* or rejects */
        BW_FORWARD_RETURN,
        BW_FORWARD_JUMP,
        BW_FORWARD_GOTO,
        BW_FORWARD_LOOK_UP, /* what the map has beside the key */
} BwForwardVerdict;

/* What of a packet is in a register, and part of a key. */
typedef enum BwForwardField {
        BW_FORWARD_OTHER,   /* whatever is not known here */
        BW_FORWARD_IN_NAME, /* 16 bytes, NULs behind the name */
        BW_FORWARD_OUT_NAME,
        BW_FORWARD_IN_INDEX, /* 4 bytes of the host's order */
        BW_FORWARD_OUT_INDEX,
        BW_FORWARD_IN_INDEX_SWAPPED, /* 4 bytes of network order, as ranges are compared */
        BW_FORWARD_OUT_INDEX_SWAPPED,
        BW_FORWARD_NFPROTO,  /* 1 byte, NFPROTO_* */
        BW_FORWARD_PROTOCOL, /* 2 bytes of network order, ETH_P_* */
} BwForwardField;

/* Bytes, without what fills it up; 0: of BW_FORWARD_OTHER. */
unsigned bw_forward_field_width(BwForwardField field);

#define BW_FORWARD_MOST_FIELDS 6  /* each interface by name and number, and the family both ways */
#define BW_FORWARD_KEY_SIZE    48 /* bytes of that many */

/* What is known of a packet. */
typedef struct BwForwardPacket {
        BwFamily family;
        char bridge[BW_FORWARD_NAME_SIZE]; /* NULs behind the name */
        int ifindex;                       /* of the bridge */
} BwForwardPacket;

typedef struct BwForwardElement {
        uint8_t key[BW_FORWARD_KEY_SIZE];  /* as many bytes as the set's keys have */
        uint8_t last[BW_FORWARD_KEY_SIZE]; /* with @is_span: each field is from @key's to this */
        bool is_span;
        bool is_end;              /* of a set of ranges: what begins here is not in it */
        bool is_rest;             /* of a map: whatever has no element of its own */
        BwForwardVerdict verdict; /* of a map */
        const char *chain;        /* likewise; a word of the table */
} BwForwardElement;

/* Longer sets are not known: what is asked about a handful of bridges is no list of so many. */
#define BW_FORWARD_MOST_ELEMENTS 4096

typedef struct BwForwardSet {
        GArray *elements; /* BwForwardElement, in any order */
        unsigned length;  /* of a key, in bytes */
        unsigned asked;   /* bytes: the longest key any rule has that can be told */
        bool is_foreign;  /* keys cannot be told, or there are too many: what it has is not known */
} BwForwardSet;

typedef struct BwForwardLookup {
        const char *set; /* a word of the table */
        /* To the first BW_FORWARD_OTHER. As many of them count as the set's keys are long. */
        BwForwardField fields[BW_FORWARD_MOST_FIELDS];
        bool is_inverted; /* fits what is not in it */
} BwForwardLookup;

/* (transfer full) */
BwForwardSet *bw_forward_set_new(void);
void bw_forward_set_free(BwForwardSet *set);

/* How long a key, in bytes, the fields of @lookup make up. */
unsigned bw_forward_lookup_reach(const BwForwardLookup *lookup);

/* False: the set is not known, or asks for more than @lookup can tell. @ret_element: (transfer
 * none), the one for @packet; NULL: it has none. */
bool bw_forward_set_find(const BwForwardSet *set, const BwForwardLookup *lookup,
                         const BwForwardPacket *packet, const BwForwardElement **ret_element);
