/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world.h"

#include <arpa/inet.h>
#include <bw/special_address.h>
#include <string.h>

/* Any address, those no host may own too. */
static BwPrefix any(const char *text) {
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;
        uint8_t bytes[16];

        g_assert_cmpint(inet_pton(family == BW_FAMILY_IPV4 ? AF_INET : AF_INET6, text, bytes), ==,
                        1);
        return bw_prefix_from_address(family, bytes);
}

static void test_kinds(void) {
        static const struct {
                const char *text;
                bool unspecified, limited, multicast, never_source;
        } rows[] = {
                { "0.0.0.0", true, false, false, true },
                { "0.0.0.1", false, false, false, false },
                { "126.255.255.255", false, false, false, false },
                { "127.0.0.0", false, false, false, true },
                { "127.255.255.255", false, false, false, true },
                { "128.0.0.0", false, false, false, false },
                { "223.255.255.255", false, false, false, false },
                { "224.0.0.0", false, false, true, true },
                { "239.255.255.255", false, false, true, true },
                { "240.0.0.0", false, false, false, false },
                { "255.255.255.254", false, false, false, false },
                { "255.255.255.255", false, true, false, true },
                { "::", true, false, false, true },
                { "::1", false, false, false, true },
                { "::2", false, false, false, false },
                { "fe80::1", false, false, false, false },
                { "feff::1", false, false, false, false },
                { "ff00::", false, false, true, true },
                { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false, false, true, true },
                { "ffff:ffff::1", false, false, true, true },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                BwPrefix address = any(rows[i].text);

                g_test_message("%s", rows[i].text);
                g_assert_cmpint(bw_address_is_unspecified(&address), ==, rows[i].unspecified);
                g_assert_cmpint(bw_address_is_limited_broadcast(&address), ==, rows[i].limited);
                g_assert_cmpint(bw_address_is_multicast(&address), ==, rows[i].multicast);
                g_assert_cmpint(bw_address_is_never_source(&address), ==, rows[i].never_source);
        }
}

static void test_for_all(void) {
        static const struct {
                const char *text;
                bool wanted;
        } rows[] = {
                { "192.0.2.255", true },
                { "192.0.2.254", false },
                { "192.0.2.0", false },
                { "198.51.100.3", true },
                { "198.51.100.2", false },
                { "203.0.113.1", false },
                { "203.0.113.9", false },
                { "192.0.3.255", false },
                { "224.0.0.1", true },
                { "255.255.255.255", true },
                { "ff02::1", true },
                { "2001:db8::1", false },
                { "2001:db8::ffff:ffff:ffff:ffff", false },
        };
        const BwPrefix networks[] = { bw_test_prefix("192.0.2.0/24"),
                                      bw_test_prefix("198.51.100.0/30"),
                                      bw_test_prefix("203.0.113.0/31"),
                                      bw_test_prefix("203.0.113.9"),
                                      bw_test_prefix("2001:db8::/64") };
        g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        g_array_append_vals(list, networks, G_N_ELEMENTS(networks));
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                BwPrefix address = any(rows[i].text);

                g_test_message("%s", rows[i].text);
                g_assert_cmpint(bw_address_is_for_all(&address, list), ==, rows[i].wanted);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/special_address/kinds", test_kinds);
        g_test_add_func("/special_address/for-all", test_for_all);
        return g_test_run();
}
