/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The calls of libiptc
 *
 * libip4tc and libip6tc are one library compiled twice: the same calls under
 * two names, with entries of two shapes. This is the one form of both, so that
 * what is done with a table is written once. Nothing is added; errno and
 * ownership are libiptc's.
 */

#include <bw/addr.h>

struct xtc_handle;
struct xt_counters;

typedef struct BwIptCalls {
        struct xtc_handle *(*init)(const char *table);
        void (*free)(struct xtc_handle *handle);
        int (*commit)(struct xtc_handle *handle);
        const char *(*strerror)(int err);

        const char *(*first_chain)(struct xtc_handle *handle);
        const char *(*next_chain)(struct xtc_handle *handle);
        int (*is_chain)(const char *chain, struct xtc_handle *handle);
        /* "ACCEPT", "DROP"; NULL when it is no hook. */
        const char *(*get_policy)(const char *chain, struct xt_counters *ret,
                                  struct xtc_handle *handle);
        int (*get_references)(unsigned *ret, const char *chain, struct xtc_handle *handle);
        int (*create_chain)(const char *chain, struct xtc_handle *handle);
        int (*flush_entries)(const char *chain, struct xtc_handle *handle);
        int (*delete_chain)(const char *chain, struct xtc_handle *handle);

        /* struct ipt_entry or struct ip6t_entry */
        const void *(*first_rule)(const char *chain, struct xtc_handle *handle);
        const void *(*next_rule)(const void *entry, struct xtc_handle *handle);
        const char *(*get_target)(const void *entry, struct xtc_handle *handle);
        int (*insert_entry)(const char *chain, const void *entry, unsigned at,
                            struct xtc_handle *handle);
        int (*delete_num_entry)(const char *chain, unsigned at, struct xtc_handle *handle);
} BwIptCalls;

extern const BwIptCalls bw_ipt_calls_ipv4, bw_ipt_calls_ipv6;

static inline const BwIptCalls *bw_ipt_calls_of(BwFamily family) {
        switch (family) {
        case BW_FAMILY_IPV4:
                return &bw_ipt_calls_ipv4;
        case BW_FAMILY_IPV6:
                return &bw_ipt_calls_ipv6;
        }
        g_assert_not_reached();
}
