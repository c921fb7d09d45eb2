/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <arpa/inet.h>
#include <bw/addr.h>
#include <bw/error.h>
#include <bw/text.h>
#include <string.h>

#define SHOWN_BYTES 64

static bool refuse(GError **error, const char *text, const char *why) {
        g_autofree char *shown = bw_text_short(text, SHOWN_BYTES);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "\"%s\" %s", shown, why);
        return false;
}

bool bw_mac_read(const char *text, BwMac *ret) {
        for (unsigned i = 0; i < G_N_ELEMENTS(ret->octet); i++, text += 3) {
                char after = i + 1 < G_N_ELEMENTS(ret->octet) ? ':' : '\0';

                if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1]) || text[2] != after)
                        return false;
                ret->octet[i] = (uint8_t) (g_ascii_xdigit_value(text[0]) << 4 |
                                           g_ascii_xdigit_value(text[1]));
        }
        return true;
}

bool bw_mac_parse(const char *text, BwMac *ret, GError **error) {
        static const BwMac zero;
        BwMac mac;

        if (!bw_mac_read(text, &mac))
                return refuse(error, text,
                              "is no MAC address; write six pairs of hex digits with colons, as "
                              "52:54:00:9f:5d:c1");
        if (bw_mac_equal(&mac, &zero))
                return refuse(error, text, "is the zero MAC address, which no port may own");
        if (mac.octet[0] & 1)
                return refuse(error, text,
                              "is a multicast or broadcast MAC address, which no port may own");

        *ret = mac;
        return true;
}

/* Rules for a thousand ports are some ten thousand addresses: printf(3) would take most of the time
 * of a plan. */
static const char digits[] = "0123456789abcdef";

const char *bw_mac_print(const BwMac *mac, char text[static BW_MAC_TEXT_SIZE]) {
        for (unsigned i = 0; i < G_N_ELEMENTS(mac->octet); i++) {
                text[3 * i] = digits[mac->octet[i] >> 4];
                text[3 * i + 1] = digits[mac->octet[i] & 0x0f];
                text[3 * i + 2] = i + 1 < G_N_ELEMENTS(mac->octet) ? ':' : '\0';
        }
        return text;
}

int bw_mac_compare(const BwMac *a, const BwMac *b) {
        return memcmp(a->octet, b->octet, sizeof(a->octet));
}

guint bw_mac_hash(gconstpointer mac) {
        const uint8_t *octet = ((const BwMac *) mac)->octet;
        guint hash = 5381;

        for (unsigned i = 0; i < sizeof(BwMac); i++)
                hash = hash * 33 + octet[i];
        return hash;
}

bool bw_mac_equal(const BwMac *a, const BwMac *b) {
        return bw_mac_compare(a, b) == 0;
}

static uint8_t full_length(BwFamily family) {
        switch (family) {
        case BW_FAMILY_IPV4:
                return 32;
        case BW_FAMILY_IPV6:
                return 128;
        }
        g_assert_not_reached();
}

static int socket_family(BwFamily family) {
        return family == BW_FAMILY_IPV4 ? AF_INET : AF_INET6;
}

static guint64 read_eight(const uint8_t *bytes) {
        guint64 number;

        memcpy(&number, bytes, sizeof(number));
        return GUINT64_FROM_BE(number);
}

/* Whether the first @length bits are the same. Of the thousands of prefixes of a plan each is asked
 * what it is in: eight bytes are compared at once. */
static bool bits_equal(const BwPrefix *a, const BwPrefix *b, unsigned length) {
        guint64 differing = read_eight(a->bytes) ^ read_eight(b->bytes);

        if (length > 64) {
                if (differing != 0)
                        return false;
                differing = read_eight(a->bytes + 8) ^ read_eight(b->bytes + 8);
                length -= 64;
        }
        return length == 0 || differing >> (64 - length) == 0;
}

static bool has_host_bits(const BwPrefix *prefix) {
        unsigned whole = prefix->length / 8, rest = prefix->length % 8;

        if (rest != 0 && (uint8_t) (prefix->bytes[whole] << rest) != 0)
                return true;
        for (unsigned i = whole + (rest != 0); i < sizeof(prefix->bytes); i++)
                if (prefix->bytes[i] != 0)
                        return true;
        return false;
}

static void clear_host_bits(BwPrefix *prefix) {
        unsigned whole = prefix->length / 8, rest = prefix->length % 8;

        if (rest != 0)
                prefix->bytes[whole++] &= (uint8_t) (0xff << (8 - rest));
        memset(prefix->bytes + whole, 0, sizeof(prefix->bytes) - whole);
}

static bool read_address(const char *text, BwPrefix *ret) {
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;
        uint8_t bytes[16];

        if (inet_pton(socket_family(family), text, bytes) != 1)
                return false;
        *ret = bw_prefix_from_address(family, bytes);
        return true;
}

/* Digits only: no sign, no space, no leading zero. */
static bool read_length(const char *text, BwPrefix *prefix) {
        guint64 length;

        if (text[0] == '0' && text[1] != '\0')
                return false;
        if (!g_ascii_string_to_unsigned(text, 10, 0, full_length(prefix->family), &length, NULL))
                return false;
        prefix->length = (uint8_t) length;
        return true;
}

static bool refuse_host_bits(GError **error, const char *text, BwPrefix prefix) {
        g_autofree char *right = NULL;
        g_autofree char *why = NULL;

        clear_host_bits(&prefix);
        right = bw_prefix_print(&prefix);
        why = g_strdup_printf("has bits set beyond /%u; write %s for the whole network, or the "
                              "address alone",
                              prefix.length, right);
        return refuse(error, text, why);
}

/* What stands on the wire as a source is one host's own address; these never are. */
static bool refuse_unownable(GError **error, const char *text, const BwPrefix *prefix) {
        static const struct {
                BwPrefix range;
                const char *what;
        } unownable[] = {
                { { BW_FAMILY_IPV4, 32, { 0 } }, "the unspecified address" },
                { { BW_FAMILY_IPV4, 8, { 127 } }, "loopback addresses" },
                { { BW_FAMILY_IPV4, 4, { 224 } }, "multicast addresses" },
                { { BW_FAMILY_IPV4, 32, { 255, 255, 255, 255 } }, "the broadcast address" },
                { { BW_FAMILY_IPV6, 128, { 0 } }, "the unspecified address" },
                { { BW_FAMILY_IPV6, 128, { [15] = 1 } }, "the loopback address" },
                { { BW_FAMILY_IPV6, 8, { 0xff } }, "multicast addresses" },
                { { BW_FAMILY_IPV6, 96, { [10] = 0xff, [11] = 0xff } },
                  "IPv4 addresses in IPv6 notation (write the IPv4 address)" },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(unownable); i++) {
                g_autofree char *why = NULL;

                if (!bw_prefix_overlaps(&unownable[i].range, prefix))
                        continue;
                why = g_strdup_printf("is, or takes in, %s: no host may own that",
                                      unownable[i].what);
                return refuse(error, text, why);
        }
        return true;
}

bool bw_prefix_parse(const char *text, BwPrefix *ret, GError **error) {
        const char *slash = strchr(text, '/');
        char address[INET6_ADDRSTRLEN] = "";
        BwPrefix prefix;

        gsize length = slash ? (gsize) (slash - text) : strlen(text);
        if (length < sizeof(address))
                memcpy(address, text, length);
        if (!read_address(address, &prefix))
                return refuse(error, text,
                              "is no address; write an IPv4 or IPv6 address, or a network as "
                              "198.51.100.0/24");
        if (slash && !read_length(slash + 1, &prefix))
                return refuse(
                        error, text,
                        prefix.family == BW_FAMILY_IPV4
                                ? "has no proper length; write a number from 1 to 32 after the "
                                  "slash"
                                : "has no proper length; write a number from 1 to 128 after "
                                  "the slash");
        if (prefix.length == 0)
                return refuse(error, text, "would be every address there is");
        if (has_host_bits(&prefix))
                return refuse_host_bits(error, text, prefix);
        if (!refuse_unownable(error, text, &prefix))
                return false;

        *ret = prefix;
        return true;
}

/* Decimal, at most three digits. Returns where it ends. */
static char *print_small(char *at, unsigned number) {
        if (number >= 100)
                *at++ = (char) ('0' + number / 100);
        if (number >= 10)
                *at++ = (char) ('0' + number / 10 % 10);
        *at++ = (char) ('0' + number % 10);
        return at;
}

static char *print_ipv4(char *at, const uint8_t *bytes) {
        for (unsigned i = 0; i < 4; i++) {
                if (i > 0)
                        *at++ = '.';
                at = print_small(at, bytes[i]);
        }
        return at;
}

static char *print_group(char *at, unsigned group) {
        unsigned shift = 12;

        while (shift > 0 && group >> shift == 0)
                shift -= 4;
        for (; shift > 0; shift -= 4)
                *at++ = digits[group >> shift & 0x0f];
        *at++ = digits[group & 0x0f];
        return at;
}

#define GROUPS 8

static unsigned group_of(const uint8_t *bytes, unsigned i) {
        return (unsigned) bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* RFC 5952, 4.2: the first of the longest runs of zeros, of two at least; GROUPS: none. */
static unsigned find_zeros(const uint8_t *bytes, unsigned *ret_n) {
        unsigned best = GROUPS, most = 1;

        for (unsigned i = 0; i < GROUPS; i++) {
                unsigned n = 0;

                while (i + n < GROUPS && group_of(bytes, i + n) == 0)
                        n++;
                if (n > most) {
                        best = i;
                        most = n;
                }
                i += n;
        }
        *ret_n = most;
        return best;
}

static char *print_ipv6(char *at, const uint8_t *bytes) {
        unsigned n, zeros = find_zeros(bytes, &n);

        for (unsigned i = 0; i < GROUPS; i++) {
                if (i == zeros) {
                        *at++ = ':';
                        i += n - 1;
                        if (i + 1 == GROUPS)
                                *at++ = ':';
                        continue;
                }
                if (i > 0)
                        *at++ = ':';
                at = print_group(at, group_of(bytes, i));
        }
        return at;
}

/* The forms of inet_ntop(3), which nft and iptables print, too. Those with an IPv4 address at the
 * end are its own affair. */
static char *print_address(char *at, const BwPrefix *prefix) {
        static const uint8_t zeros[10] = {};

        if (prefix->family == BW_FAMILY_IPV4)
                return print_ipv4(at, prefix->bytes);
        if (memcmp(prefix->bytes, zeros, sizeof(zeros)) != 0)
                return print_ipv6(at, prefix->bytes);
        if (!inet_ntop(AF_INET6, prefix->bytes, at, INET6_ADDRSTRLEN))
                g_assert_not_reached();
        return at + strlen(at);
}

char *bw_prefix_write(const BwPrefix *prefix, char text[static BW_PREFIX_TEXT_SIZE]) {
        char *at = print_address(text, prefix);

        if (prefix->length != full_length(prefix->family)) {
                *at++ = '/';
                at = print_small(at, prefix->length);
        }
        *at = '\0';
        return at;
}

char *bw_prefix_print(const BwPrefix *prefix) {
        char text[BW_PREFIX_TEXT_SIZE];

        return g_strndup(text, (gsize) (bw_prefix_write(prefix, text) - text));
}

/* A network comes right before what it contains. Plans sort thousands of prefixes: eight bytes are
 * compared at once. */
int bw_prefix_compare(const BwPrefix *a, const BwPrefix *b) {
        if (a->family != b->family)
                return a->family < b->family ? -1 : 1;
        for (unsigned i = 0; i < sizeof(a->bytes); i += sizeof(guint64)) {
                guint64 left = read_eight(a->bytes + i), right = read_eight(b->bytes + i);

                if (left != right)
                        return left < right ? -1 : 1;
        }
        return (int) a->length - (int) b->length;
}

bool bw_prefix_equal(const BwPrefix *a, const BwPrefix *b) {
        return bw_prefix_compare(a, b) == 0;
}

bool bw_prefix_is_single(const BwPrefix *prefix) {
        return prefix->length == full_length(prefix->family);
}

bool bw_prefix_contains(const BwPrefix *outer, const BwPrefix *inner) {
        return outer->family == inner->family && outer->length <= inner->length &&
               bits_equal(outer, inner, outer->length);
}

bool bw_prefix_overlaps(const BwPrefix *a, const BwPrefix *b) {
        return a->family == b->family && bits_equal(a, b, MIN(a->length, b->length));
}

BwPrefix bw_prefix_from_address(BwFamily family, const void *bytes) {
        BwPrefix prefix;

        /* Not an initializer: equal prefixes are equal in their padding too. */
        memset(&prefix, 0, sizeof(prefix));
        prefix.family = family;
        prefix.length = full_length(family);
        memcpy(prefix.bytes, bytes, prefix.length / 8);
        return prefix;
}

BwPrefix bw_prefix_network(const BwPrefix *address, uint8_t length) {
        BwPrefix network = *address;

        g_assert(length <= address->length);
        network.length = length;
        clear_host_bits(&network);
        return network;
}
