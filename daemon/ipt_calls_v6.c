/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ipt_calls.h"

#include <libiptc/libip6tc.h>

/* The entry's type is all that keeps the calls from fitting as they are. */

static const void *first_rule(const char *chain, struct xtc_handle *handle) {
        return ip6tc_first_rule(chain, handle);
}

static const void *next_rule(const void *entry, struct xtc_handle *handle) {
        return ip6tc_next_rule(entry, handle);
}

static const char *get_target(const void *entry, struct xtc_handle *handle) {
        return ip6tc_get_target(entry, handle);
}

static int insert_entry(const char *chain, const void *entry, unsigned at,
                        struct xtc_handle *handle) {
        return ip6tc_insert_entry(chain, entry, at, handle);
}

const BwIptCalls bw_ipt_calls_ipv6 = {
        .init = ip6tc_init,
        .free = ip6tc_free,
        .commit = ip6tc_commit,
        .strerror = ip6tc_strerror,
        .first_chain = ip6tc_first_chain,
        .next_chain = ip6tc_next_chain,
        .is_chain = ip6tc_is_chain,
        .get_policy = ip6tc_get_policy,
        .get_references = ip6tc_get_references,
        .create_chain = ip6tc_create_chain,
        .flush_entries = ip6tc_flush_entries,
        .delete_chain = ip6tc_delete_chain,
        .first_rule = first_rule,
        .next_rule = next_rule,
        .get_target = get_target,
        .insert_entry = insert_entry,
        .delete_num_entry = ip6tc_delete_num_entry,
};
