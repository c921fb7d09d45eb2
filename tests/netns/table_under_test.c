/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "table_under_test.h"

#include <command.h>
#include <netns.h>
#include <stdio.h>

BwIptTable bw_test_table = BW_IPT_RAW;

bool bw_test_table_is_ipv6(void) {
        return bw_ipt_table_family(bw_test_table) == BW_FAMILY_IPV6;
}

const char *bw_test_table_tool(void) {
        return bw_test_table_is_ipv6() ? "ip6tables-legacy" : "iptables-legacy";
}

void bw_test_table_clear(void) {
        const char *name = bw_ipt_table_name(bw_test_table);

        bw_test_run("for tool in iptables-legacy ip6tables-legacy; do for table in raw mangle; do "
                    "$tool -t $table -F; $tool -t $table -X; $tool -t $table -Z; done; done;"
                    "%s -t %s -P PREROUTING ACCEPT; %s -t %s -P OUTPUT ACCEPT",
                    bw_test_table_tool(), name, bw_test_table_tool(), name);
}

/* Tests are written in IPv4's words; these are IPv6's. */
char *bw_test_table_words(const char *text) {
        static const char *const words[][2] = {
                { "iptables-legacy", "ip6tables-legacy" },
                { "10.77.0.1/32", "fd77::1/128" },
                { "10.77.0.1", "fd77::1" },
                { "203.0.113.9/32", "2001:db8:113::9/128" },
                { "192.0.2.0/24", "2001:db8:2::/64" },
                { "192.0.2.1", "2001:db8:2::1" },
                { "10.0.0.1/32", "fd00::1/128" },
                { "10.0.0.", "fd00::" },
                { "-f ", "-m frag " },
                { "[7:203]", "[7:343]" },
        };
        GString *other = g_string_new(text);

        for (guint i = 0; bw_test_table_is_ipv6() && i < G_N_ELEMENTS(words); i++)
                g_string_replace(other, words[i][0], words[i][1], 0);
        return g_string_free(other, FALSE);
}

GPtrArray *bw_test_table_saved(const char *options, const char *prefix) {
        return bw_test_saved_by(bw_test_table_tool(), bw_ipt_table_name(bw_test_table), options,
                                prefix);
}

void bw_test_table_run(const char *text) {
        g_autofree char *line = bw_test_table_words(text);

        bw_test_run("%s", line);
}

void bw_test_table_add(const char *path, BwIptTable each, GTestDataFunc test) {
        g_autofree char *whole = g_strconcat(path, "/", bw_ipt_table_text(each), NULL);

        g_strdelimit(whole, " ", '-');
        g_test_add_data_func(whole, GINT_TO_POINTER(each), test);
}

void bw_test_table_add_raw(const char *path, GTestDataFunc test) {
        bw_test_table_add(path, BW_IPT_RAW, test);
        bw_test_table_add(path, BW_IPT_RAW6, test);
}

int bw_test_table_run_tests(int argc, char **argv, void (*add_tests)(void)) {
        if (!bw_test_enter_netns()) {
                printf("1..0 # SKIP no namespaces here: run as root or allow user namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        bw_test_run("ip link set lo up; ip address add 10.77.0.1/32 dev lo;"
                    "ip address add fd77::1/128 dev lo nodad");
        if (!bw_test_try("for tool in iptables-legacy ip6tables-legacy; do"
                         "  $tool -t raw -S && $tool -t mangle -S || exit 1; done")) {
                printf("1..0 # SKIP this kernel has no legacy iptables, or iptables-legacy is missing\n");
                return 0;
        }
        add_tests();
        return g_test_run();
}
