/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Addresses, for any value: what is printed parses to the same, and contains
 * and overlaps agree with an oracle that walks bit by bit.
 */

#include <arpa/inet.h>
#include <bw/addr.h>
#include <string.h>

#define ROUNDS 20000

static unsigned width(BwFamily family) {
        return family == BW_FAMILY_IPV4 ? 32 : 128;
}

static bool bit(const BwPrefix *prefix, unsigned n) {
        return prefix->bytes[n / 8] & (0x80 >> n % 8);
}

/* An address is in a network when it has every bit the network fixes. */
static bool oracle_contains(const BwPrefix *outer, const BwPrefix *inner) {
        if (outer->family != inner->family)
                return false;
        for (unsigned n = 0; n < width(outer->family); n++) {
                bool fixed_outside = n < outer->length, fixed_inside = n < inner->length;

                if (fixed_outside && (!fixed_inside || bit(outer, n) != bit(inner, n)))
                        return false;
        }
        return true;
}

/* Some address is in both when no bit that both fix tells them apart. */
static bool oracle_overlaps(const BwPrefix *a, const BwPrefix *b) {
        if (a->family != b->family)
                return false;
        for (unsigned n = 0; n < width(a->family); n++)
                if (n < a->length && n < b->length && bit(a, n) != bit(b, n))
                        return false;
        return true;
}

static void set_length(BwPrefix *prefix, unsigned length) {
        prefix->length = (uint8_t) length;
        for (unsigned n = length; n < 128; n++)
                prefix->bytes[n / 8] &= (uint8_t) ~(0x80 >> n % 8);
}

static BwPrefix random_prefix(void) {
        BwFamily family = g_test_rand_bit() ? BW_FAMILY_IPV4 : BW_FAMILY_IPV6;
        uint8_t bytes[16];
        BwPrefix prefix;

        for (unsigned i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t) (g_test_rand_bit() ? 0 : g_test_rand_int());
        prefix = bw_prefix_from_address(family, bytes);
        set_length(&prefix, (unsigned) g_test_rand_int_range(0, (gint32) width(family) + 1));
        return prefix;
}

/* Mostly one that has something to do with @prefix, or nothing would ever overlap. */
static BwPrefix random_relative(const BwPrefix *prefix) {
        BwPrefix relative = *prefix;
        unsigned flip = (unsigned) g_test_rand_int_range(0, (gint32) width(prefix->family));

        if (g_test_rand_int_range(0, 4) == 0)
                return random_prefix();
        if (g_test_rand_bit())
                relative.bytes[flip / 8] ^= (uint8_t) (0x80 >> flip % 8);
        set_length(&relative,
                   (unsigned) g_test_rand_int_range(0, (gint32) width(prefix->family) + 1));
        return relative;
}

static void test_contains(void) {
        unsigned contained = 0, overlapping = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                BwPrefix a = random_prefix(), b = random_relative(&a);

                g_assert_cmpint(bw_prefix_contains(&a, &b), ==, oracle_contains(&a, &b));
                g_assert_cmpint(bw_prefix_contains(&b, &a), ==, oracle_contains(&b, &a));
                g_assert_cmpint(bw_prefix_overlaps(&a, &b), ==, oracle_overlaps(&a, &b));
                contained += oracle_contains(&a, &b);
                overlapping += oracle_overlaps(&a, &b);
        }
        g_assert_cmpuint(contained, >, ROUNDS / 20);
        g_assert_cmpuint(overlapping, >, ROUNDS / 10);
        g_assert_cmpuint(overlapping, <, ROUNDS);
}

static int sign(int n) {
        return (n > 0) - (n < 0);
}

static void test_compare(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                BwPrefix a = random_prefix(), b = random_relative(&a), c = random_relative(&b);
                int ab = sign(bw_prefix_compare(&a, &b)), bc = sign(bw_prefix_compare(&b, &c));

                g_assert_cmpint(ab, ==, -sign(bw_prefix_compare(&b, &a)));
                g_assert_cmpint(ab == 0, ==, memcmp(&a, &b, sizeof(a)) == 0);
                if (ab == bc)
                        g_assert_cmpint(sign(bw_prefix_compare(&a, &c)), ==, ab);
                if (oracle_contains(&a, &b))
                        g_assert_cmpint(ab, <=, 0);
        }
}

static void test_round_trip(void) {
        unsigned taken = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                BwPrefix prefix = random_prefix(), again;
                g_autofree char *text = bw_prefix_print(&prefix);
                g_autofree char *printed = NULL;

                if (!bw_prefix_parse(text, &again, NULL))
                        continue;
                taken++;
                g_assert_cmpmem(&prefix, sizeof(prefix), &again, sizeof(again));
                printed = bw_prefix_print(&again);
                g_assert_cmpstr(printed, ==, text);
        }
        g_assert_cmpuint(taken, >, ROUNDS / 2);
}

/* Any length is taken when nothing is set behind it, and refused otherwise. */
/* Zeros in every pattern: a random byte is zero half of the time, whole groups often enough. */
static void test_like_inet_ntop(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                BwPrefix prefix = random_prefix();
                int family = prefix.family == BW_FAMILY_IPV4 ? AF_INET : AF_INET6;
                char address[INET6_ADDRSTRLEN];
                g_autofree char *printed = NULL, *expected = NULL;

                if (i % 2)
                        prefix.length = (uint8_t) width(prefix.family);
                printed = bw_prefix_print(&prefix);
                g_assert_nonnull(inet_ntop(family, prefix.bytes, address, sizeof(address)));
                expected = prefix.length == width(prefix.family)
                                   ? g_strdup(address)
                                   : g_strdup_printf("%s/%u", address, prefix.length);
                g_assert_cmpstr(printed, ==, expected);
        }
}

static void test_host_bits(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                BwPrefix prefix = random_prefix(), single = prefix, again;
                g_autofree char *address = NULL;
                g_autofree char *text = NULL;
                unsigned length =
                        (unsigned) g_test_rand_int_range(1, (gint32) width(prefix.family) + 1);

                single.length = (uint8_t) width(prefix.family);
                address = bw_prefix_print(&single);
                text = g_strdup_printf("%s/%u", address, length);
                set_length(&prefix, length);
                if (memcmp(prefix.bytes, single.bytes, sizeof(prefix.bytes)) != 0)
                        g_assert_false(bw_prefix_parse(text, &again, NULL));
                else if (bw_prefix_parse(text, &again, NULL))
                        g_assert_true(bw_prefix_equal(&prefix, &again));
        }
}

static void test_mac(void) {
        unsigned taken = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                char text[BW_MAC_TEXT_SIZE], printed[BW_MAC_TEXT_SIZE];
                BwMac mac, again;

                for (unsigned j = 0; j < sizeof(mac.octet); j++)
                        mac.octet[j] = (uint8_t) g_test_rand_int();
                bw_mac_print(&mac, text);
                g_assert_cmpuint(strlen(text), ==, BW_MAC_TEXT_SIZE - 1);
                g_assert_cmpint(bw_mac_parse(text, &again, NULL), ==, !(mac.octet[0] & 1));
                if (mac.octet[0] & 1)
                        continue;
                g_assert_true(bw_mac_equal(&mac, &again));
                g_assert_cmpstr(bw_mac_print(&again, printed), ==, text);
                taken++;
        }
        g_assert_cmpuint(taken, >, ROUNDS / 4);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/addr/contains", test_contains);
        g_test_add_func("/addr/compare", test_compare);
        g_test_add_func("/addr/round-trip", test_round_trip);
        g_test_add_func("/addr/like-inet-ntop", test_like_inet_ntop);
        g_test_add_func("/addr/host-bits", test_host_bits);
        g_test_add_func("/addr/mac", test_mac);
        return g_test_run();
}
