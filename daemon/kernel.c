/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "kernel.h"

#include <unistd.h>

bool bw_kernel_has_br_netfilter(void) {
        return access("/proc/sys/net/bridge/bridge-nf-call-iptables", F_OK) == 0;
}

bool bw_kernel_has_iptables(void) {
        return access("/proc/self/net/ip_tables_names", F_OK) == 0 ||
               access("/proc/self/net/ip6_tables_names", F_OK) == 0;
}
