/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "kernel.h"

#include <unistd.h>

bool bw_kernel_has_br_netfilter(void) {
        return access("/proc/sys/net/bridge/bridge-nf-call-iptables", F_OK) == 0;
}

int bw_kernel_bridge_setting(const char *name) {
        g_autofree char *path = g_build_filename("/proc/sys/net/bridge", name, NULL);
        g_autofree char *text = NULL;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return -1;
        return text[0] == '0' ? 0 : 1;
}

int bw_kernel_ipv4_setting(const char *link, const char *name) {
        g_autofree char *path = g_build_filename("/proc/sys/net/ipv4/conf", link, name, NULL);
        g_autofree char *text = NULL;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return -1;
        return (int) g_ascii_strtoll(text, NULL, 10);
}

bool bw_kernel_has_filter_table(BwFamily family) {
        bool ipv4 = family == BW_FAMILY_IPV4;
        g_autofree char *names = NULL;
        g_auto(GStrv) lines = NULL;

        if (!g_file_get_contents(ipv4 ? "/proc/self/net/ip_tables_names"
                                      : "/proc/self/net/ip6_tables_names",
                                 &names, NULL, NULL))
                return access(ipv4 ? "/sys/module/iptable_filter" : "/sys/module/ip6table_filter",
                              F_OK) == 0;
        lines = g_strsplit(names, "\n", -1);
        return g_strv_contains((const char *const *) lines, "filter");
}

bool bw_kernel_has_iptables(void) {
        return access("/proc/self/net/ip_tables_names", F_OK) == 0 ||
               access("/proc/self/net/ip6_tables_names", F_OK) == 0;
}
