/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Kernel features
 *
 * What only /proc can tell. Reads, never writes.
 */

#include <bw/addr.h>

/* Whether br_netfilter is there, without which no iptables rule sees a bridged packet. */
bool bw_kernel_has_br_netfilter(void);
/* A switch for all bridges, net.bridge.NAME: 0, 1; -1 when it cannot be told. */
int bw_kernel_bridge_setting(const char *name);
/* net.ipv4.conf.LINK.NAME; -1 when it cannot be told. @link may be "all". */
int bw_kernel_ipv4_setting(const char *link, const char *name);
/* Whether somebody uses the table filter of legacy iptables, so that asking for it does not make
 * it. Who may not read the list of tables goes by the module. */
bool bw_kernel_has_filter_table(BwFamily family);
/* Whether legacy iptables has been used since the machine started, so that there may be tables. */
bool bw_kernel_has_iptables(void);
