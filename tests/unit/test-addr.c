/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/addr.h>
#include <bw/error.h>
#include <string.h>

static void assert_prefix(const char *text, const char *expected) {
        g_autoptr(GError) error = NULL;
        g_autofree char *printed = NULL;
        BwPrefix prefix;

        g_assert_true(bw_prefix_parse(text, &prefix, &error));
        g_assert_no_error(error);
        printed = bw_prefix_print(&prefix);
        g_assert_cmpstr(printed, ==, expected);
}

/* A refusal names the text and the reason, and leaves the result alone. */
static void assert_no_prefix(const char *text, const char *why) {
        g_autoptr(GError) error = NULL;
        BwPrefix prefix, before;

        memset(&prefix, 0x5a, sizeof(prefix));
        before = prefix;
        g_assert_false(bw_prefix_parse(text, &prefix, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, why));
        g_assert_cmpmem(&prefix, sizeof(prefix), &before, sizeof(before));
}

static void test_prefix_good(void) {
        assert_prefix("192.0.2.7", "192.0.2.7");
        assert_prefix("192.0.2.7/32", "192.0.2.7");
        assert_prefix("198.51.100.0/24", "198.51.100.0/24");
        assert_prefix("10.0.0.0/8", "10.0.0.0/8");
        assert_prefix("2001:DB8::13", "2001:db8::13");
        assert_prefix("2001:db8:0:0:0:0:0:13/128", "2001:db8::13");
        assert_prefix("2001:db8::/64", "2001:db8::/64");
        assert_prefix("fe80::1", "fe80::1");
        assert_prefix("2000::/3", "2000::/3");
}

static void test_prefix_unreadable(void) {
        static const char *const bad[] = {
                "",
                " ",
                "any",
                "192.0.2",
                "192.0.2.7.1",
                "192.0.2.256",
                "192.0.02.7",
                " 192.0.2.7",
                "192.0.2.7 ",
                "0xc0000207",
                "3221225991",
                "2001:db8:::1",
                "2001:db8",
                "fe80::1%eth0",
                "[2001:db8::1]",
                "/24",
                "192.0.2.7,8",
                "%n%s%n",
                "192.0.2.7\n",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
                assert_no_prefix(bad[i], "is no address");
}

static void test_prefix_bad_length(void) {
        static const char *const bad[] = {
                "192.0.2.0/",
                "192.0.2.0/33",
                "192.0.2.0/-1",
                "192.0.2.0/+24",
                "192.0.2.0/024",
                "192.0.2.0/24/1",
                "192.0.2.0/ 24",
                "192.0.2.0/a",
                "2001:db8::/129",
                "2001:db8::/4294967360",
                "2001:db8::/18446744073709551680",
                "192.0.2.0/255.255.255.0",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
                assert_no_prefix(bad[i], "has no proper length");
        assert_no_prefix("0.0.0.0/0", "every address");
        assert_no_prefix("192.0.2.1/0", "every address");
        assert_no_prefix("::/0", "every address");
}

static void test_prefix_host_bits(void) {
        assert_no_prefix("10.0.0.1/8", "write 10.0.0.0/8 for");
        assert_no_prefix("192.0.2.1/31", "write 192.0.2.0/31 for");
        assert_no_prefix("192.0.2.128/24", "write 192.0.2.0/24 for");
        assert_no_prefix("2001:db8::1/64", "write 2001:db8::/64 for");
        assert_no_prefix("2001:db8::1/127", "write 2001:db8::/127 for");
}

static void test_prefix_unownable(void) {
        assert_no_prefix("0.0.0.0", "unspecified");
        assert_no_prefix("127.0.0.1", "loopback");
        assert_no_prefix("127.0.0.0/8", "loopback");
        assert_no_prefix("96.0.0.0/3", "loopback");
        assert_no_prefix("224.0.0.1", "multicast");
        assert_no_prefix("239.255.255.255", "multicast");
        assert_no_prefix("128.0.0.0/1", "multicast");
        assert_no_prefix("255.255.255.255", "broadcast");
        assert_no_prefix("240.0.0.0/4", "broadcast");
        assert_no_prefix("::", "unspecified");
        assert_no_prefix("::1", "loopback");
        assert_no_prefix("ff02::1", "multicast");
        assert_no_prefix("fc00::/6", "multicast");
        assert_no_prefix("::ffff:192.0.2.1", "IPv6 notation");
}

static void test_prefix_giant(void) {
        g_autofree char *giant = g_strnfill(1000000, '1');
        g_autoptr(GError) error = NULL;
        BwPrefix prefix;

        g_assert_false(bw_prefix_parse(giant, &prefix, &error));
        g_assert_cmpuint(strlen(error->message), <, 300);
}

static BwPrefix prefix_of(const char *text) {
        BwPrefix prefix;

        g_assert_true(bw_prefix_parse(text, &prefix, NULL));
        return prefix;
}

static bool contains(const char *outer, const char *inner) {
        BwPrefix a = prefix_of(outer), b = prefix_of(inner);

        return bw_prefix_contains(&a, &b);
}

static bool overlaps(const char *one, const char *other) {
        BwPrefix a = prefix_of(one), b = prefix_of(other);

        g_assert_true(bw_prefix_overlaps(&a, &b) == bw_prefix_overlaps(&b, &a));
        return bw_prefix_overlaps(&a, &b);
}

static void test_prefix_contains(void) {
        g_assert_true(contains("192.0.2.0/24", "192.0.2.255"));
        g_assert_true(contains("192.0.2.0/24", "192.0.2.0/24"));
        g_assert_false(contains("192.0.2.0/24", "192.0.3.0"));
        g_assert_false(contains("192.0.2.0/25", "192.0.2.0/24"));
        g_assert_true(contains("192.0.2.6/31", "192.0.2.7"));
        g_assert_false(contains("192.0.2.6/31", "192.0.2.8"));
        g_assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
        g_assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));

        /* The same bytes in the other family are another address. */
        g_assert_false(contains("32.1.13.184", "2001:db8::"));
        g_assert_false(contains("2001:db8::/32", "32.1.13.184"));

        g_assert_true(overlaps("10.0.0.0/8", "10.1.0.0/16"));
        g_assert_false(overlaps("10.0.0.0/16", "10.1.0.0/16"));
}

static void test_prefix_from_address(void) {
        static const uint8_t bytes[16] = { 192, 0, 2, 7, 0xff, 0xff };
        BwPrefix prefix = bw_prefix_from_address(BW_FAMILY_IPV4, bytes);
        BwPrefix parsed = prefix_of("192.0.2.7");

        g_assert_true(bw_prefix_equal(&prefix, &parsed));
        g_assert_cmpmem(&prefix, sizeof(prefix), &parsed, sizeof(parsed));

        prefix = bw_prefix_from_address(BW_FAMILY_IPV6, bytes);
        parsed = prefix_of("c000:207:ffff::");
        g_assert_true(bw_prefix_equal(&prefix, &parsed));
}

static void test_prefix_compare(void) {
        static const char *const rising[] = {
                "10.0.0.0/8",   "10.0.0.0/16",   "10.0.0.0",   "10.0.0.1",
                "192.0.2.0/24", "2001:db8::/32", "2001:db8::", "2001:db8::1",
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rising); i++)
                for (gsize j = 0; j < G_N_ELEMENTS(rising); j++) {
                        BwPrefix a = prefix_of(rising[i]), b = prefix_of(rising[j]);
                        int order = bw_prefix_compare(&a, &b);

                        g_assert_cmpint((order > 0) - (order < 0), ==, (i > j) - (i < j));
                        g_assert_true(bw_prefix_equal(&a, &b) == (i == j));
                }
}

static void test_mac_good(void) {
        g_autoptr(GError) error = NULL;
        char text[BW_MAC_TEXT_SIZE];
        BwMac mac, other;

        g_assert_true(bw_mac_parse("52:54:00:9F:5d:C1", &mac, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(bw_mac_print(&mac, text), ==, "52:54:00:9f:5d:c1");
        g_assert_true(bw_mac_parse(text, &other, NULL));
        g_assert_true(bw_mac_equal(&mac, &other));

        g_assert_true(bw_mac_parse("52:54:00:9f:5d:c2", &other, NULL));
        g_assert_false(bw_mac_equal(&mac, &other));
        g_assert_cmpint(bw_mac_compare(&mac, &other), <, 0);
        g_assert_cmpint(bw_mac_compare(&other, &mac), >, 0);
}

static void test_mac_bad(void) {
        static const struct {
                const char *text, *why;
        } bad[] = {
                { "", "is no MAC" },
                { "5", "is no MAC" },
                { "52", "is no MAC" },
                { "52:", "is no MAC" },
                { "52:54:00:9f:5d", "is no MAC" },
                { "52:54:00:9f:5d:", "is no MAC" },
                { "52:54:00:9f:5d:c", "is no MAC" },
                { "52:54:00:9f:5d:c1:", "is no MAC" },
                { "52:54:00:9f:5d:c1 ", "is no MAC" },
                { " 52:54:00:9f:5d:c1", "is no MAC" },
                { "52-54-00-9f-5d-c1", "is no MAC" },
                { "5254.009f.5dc1", "is no MAC" },
                { "52:54:00:9g:5d:c1", "is no MAC" },
                { "52:54:0:9f:5d:c1", "is no MAC" },
                { "00:00:00:00:00:00", "zero" },
                { "ff:ff:ff:ff:ff:ff", "broadcast" },
                { "01:00:5e:00:00:01", "multicast" },
                { "33:33:00:00:00:01", "multicast" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                BwMac mac;

                g_assert_false(bw_mac_parse(bad[i].text, &mac, &error));
                g_assert_error(error, BW_ERROR, BW_ERROR_INVALID);
                g_assert_nonnull(strstr(error->message, bad[i].why));
        }
}

static void test_network_of_an_address(void) {
        static const struct {
                const char *address;
                uint8_t length;
                const char *network;
        } rows[] = { { "192.168.50.254", 24, "192.168.50.0/24" },
                     { "192.168.50.254", 30, "192.168.50.252/30" },
                     { "192.168.50.254", 32, "192.168.50.254" },
                     { "192.168.50.254", 0, "0.0.0.0/0" },
                     { "2001:db8:ffff::1", 33, "2001:db8:8000::/33" } };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *text = NULL;
                BwPrefix address, network;

                g_assert_true(bw_prefix_parse(rows[i].address, &address, NULL));
                network = bw_prefix_network(&address, rows[i].length);
                text = bw_prefix_print(&network);
                g_assert_cmpstr(text, ==, rows[i].network);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/addr/prefix/good", test_prefix_good);
        g_test_add_func("/addr/prefix/unreadable", test_prefix_unreadable);
        g_test_add_func("/addr/prefix/bad-length", test_prefix_bad_length);
        g_test_add_func("/addr/prefix/host-bits", test_prefix_host_bits);
        g_test_add_func("/addr/prefix/unownable", test_prefix_unownable);
        g_test_add_func("/addr/prefix/giant", test_prefix_giant);
        g_test_add_func("/addr/prefix/contains", test_prefix_contains);
        g_test_add_func("/addr/prefix/from-address", test_prefix_from_address);
        g_test_add_func("/addr/prefix/compare", test_prefix_compare);
        g_test_add_func("/addr/mac/good", test_mac_good);
        g_test_add_func("/addr/mac/bad", test_mac_bad);
        g_test_add_func("/addr/network-of-an-address", test_network_of_an_address);
        return g_test_run();
}
