/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Kernel entries of legacy iptables
 *
 * One rule of bw/ipt_rule.h as the bytes of a struct ipt_entry
 * (linux/netfilter_ipv4/ip_tables.h), and whether bytes the kernel gave back
 * still say that rule. Layout only; opens nothing, edits no table.
 */

#include <bw/ipt_rule.h>
#include <libiptc/libiptc.h>

/* Large enough for any rule of the vocabulary. */
#define BW_IPT_ENTRY_SIZE 4096

typedef struct BwIptEntry {
        union {
                struct ipt_entry entry;
                uint8_t bytes[BW_IPT_ENTRY_SIZE];
        };
} BwIptEntry;

/* Writes @rule into @ret, ready for iptc_insert_entry(). */
void bw_ipt_entry_encode(const BwIptRule *rule, BwIptEntry *ret);

/* Whether @found, whose target libiptc calls @target, says what @wanted says. Counters and what the
 * kernel keeps for itself do not count. */
bool bw_ipt_entry_says(const struct ipt_entry *found, const char *target, const BwIptEntry *wanted);
