/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Kernel features
 *
 * What only /proc can tell. Reads, never writes.
 */

#include <stdbool.h>

/* Whether br_netfilter is there, without which no iptables rule sees a bridged packet. */
bool bw_kernel_has_br_netfilter(void);
/* Whether legacy iptables has been used since the machine started, so that there may be tables. */
bool bw_kernel_has_iptables(void);
