/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Kernel entries of legacy iptables
 *
 * One rule of bw/ipt_rule.h as the bytes of a struct ipt_entry
 * (linux/netfilter_ipv4/ip_tables.h) or of a struct ip6t_entry
 * (linux/netfilter_ipv6/ip6_tables.h), whether bytes the kernel gave back still
 * say that rule, and which rule they say. Layout only; opens nothing, edits no
 * table. An entry tells its own length.
 */

#include <bw/ipt_rule.h>

/* Before the kernel's headers, which leave out what the C library has already said. */
#include <netinet/in.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

/* Large enough for any rule of the vocabulary. */
#define BW_IPT_ENTRY_SIZE 4096

typedef struct BwIptEntry {
        BwFamily family;
        union {
                struct ipt_entry ipv4;
                struct ip6t_entry ipv6;
                uint8_t bytes[BW_IPT_ENTRY_SIZE];
        };
} BwIptEntry;

/* Writes @rule into @ret, ready for iptc_insert_entry() or ip6tc_insert_entry(). */
void bw_ipt_entry_encode(BwFamily family, const BwIptRule *rule, BwIptEntry *ret);

/* Whether @found, of the family of @wanted, whose target libiptc calls @target, says what @wanted
 * says. Counters and what the kernel keeps for itself do not count. */
bool bw_ipt_entry_says(const void *found, const char *target, const BwIptEntry *wanted);

/* The inverse of encoding: the rule @found says, or false when no rule of the vocabulary says just
 * that. Of @reason, @direction and @drops, bytes know no more than a report tells; a verdict has
 * none. */
bool bw_ipt_entry_decode(BwFamily family, const void *found, const char *target, BwIptRule *ret);

/* Lent from @found. */
const struct xt_counters *bw_ipt_entry_counters(BwFamily family, const void *found);
