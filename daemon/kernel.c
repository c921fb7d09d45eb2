/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "kernel.h"

#include <unistd.h>

bool bw_kernel_has_br_netfilter(void) {
        return access("/proc/sys/net/bridge/bridge-nf-call-iptables", F_OK) == 0;
}
