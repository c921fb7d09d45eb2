/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Addresses
 *
 * MAC addresses and IP prefixes as values: parse, print, compare. Bytes are in
 * network order everywhere. Knows nothing of ports, guests or rules.
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct BwMac {
        uint8_t octet[6];
} BwMac;

#define BW_MAC_TEXT_SIZE    18 /* "52:54:00:9f:5d:c1" and its NUL */
#define BW_PREFIX_TEXT_SIZE 50 /* the longest of inet_ntop(3), "/128" and NUL */

typedef enum BwFamily {
        BW_FAMILY_IPV4,
        BW_FAMILY_IPV6,
} BwFamily;

/* An address or a network. Bits beyond @length are zero, and so are the bytes an IPv4 prefix does
 * not use; two equal prefixes are equal byte for byte. */
typedef struct BwPrefix {
        BwFamily family;
        uint8_t length; /* 0..32 or 0..128 */
        uint8_t bytes[16];
} BwPrefix;

/* Six pairs of hex digits with colons, either case. Multicast, broadcast and the zero address are
 * refused: no port may own them. BW_ERROR_INVALID. */
bool bw_mac_parse(const char *text, BwMac *ret, GError **error);
/* Any MAC address, those no port may own too. False when it is none; @ret is anything then. */
bool bw_mac_read(const char *text, BwMac *ret);
/* Writes lower case into @text and returns it. */
const char *bw_mac_print(const BwMac *mac, char text[static BW_MAC_TEXT_SIZE]);
bool bw_mac_equal(const BwMac *a, const BwMac *b);
int bw_mac_compare(const BwMac *a, const BwMac *b);
/* Of a BwMac, for tables (GHashFunc). */
guint bw_mac_hash(gconstpointer mac);

/* "192.0.2.7", "198.51.100.0/24", "2001:db8::/64". Host bits set beyond the length, a length of
 * zero, and addresses no host may own (unspecified, loopback, multicast, limited broadcast, IPv4 in
 * IPv6 notation) or networks that take them in are refused with a sentence that says so.
 * BW_ERROR_INVALID. */
bool bw_prefix_parse(const char *text, BwPrefix *ret, GError **error);
/* (transfer full): the canonical text; a single address has no "/32" or "/128". */
char *bw_prefix_print(const BwPrefix *prefix);
/* The same into @text. Returns the place of its NUL. */
char *bw_prefix_write(const BwPrefix *prefix, char text[static BW_PREFIX_TEXT_SIZE]);
bool bw_prefix_equal(const BwPrefix *a, const BwPrefix *b);
/* Whether it is one address, and no network. */
bool bw_prefix_is_single(const BwPrefix *prefix);
/* Total; a network stands right before all that is in it. */
int bw_prefix_compare(const BwPrefix *a, const BwPrefix *b);
/* Whether every address of @inner is in @outer. Different families never contain each other. */
bool bw_prefix_contains(const BwPrefix *outer, const BwPrefix *inner);
/* Whether some address is in both. */
bool bw_prefix_overlaps(const BwPrefix *a, const BwPrefix *b);
/* The single address @bytes (4 or 16, network order). */
BwPrefix bw_prefix_from_address(BwFamily family, const void *bytes);
/* The network of @length bits that @address is in. */
BwPrefix bw_prefix_network(const BwPrefix *address, uint8_t length);
