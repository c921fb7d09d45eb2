/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ipt_calls.h"

#include <libiptc/libiptc.h>

/* The entry's type is all that keeps the calls from fitting as they are. */

static const void *first_rule(const char *chain, struct xtc_handle *handle) {
        return iptc_first_rule(chain, handle);
}

static const void *next_rule(const void *entry, struct xtc_handle *handle) {
        return iptc_next_rule(entry, handle);
}

static const char *get_target(const void *entry, struct xtc_handle *handle) {
        return iptc_get_target(entry, handle);
}

static int insert_entry(const char *chain, const void *entry, unsigned at,
                        struct xtc_handle *handle) {
        return iptc_insert_entry(chain, entry, at, handle);
}

const BwIptCalls bw_ipt_calls_ipv4 = {
        .init = iptc_init,
        .free = iptc_free,
        .commit = iptc_commit,
        .strerror = iptc_strerror,
        .first_chain = iptc_first_chain,
        .next_chain = iptc_next_chain,
        .is_chain = iptc_is_chain,
        .get_policy = iptc_get_policy,
        .get_references = iptc_get_references,
        .create_chain = iptc_create_chain,
        .flush_entries = iptc_flush_entries,
        .delete_chain = iptc_delete_chain,
        .first_rule = first_rule,
        .next_rule = next_rule,
        .get_target = get_target,
        .insert_entry = insert_entry,
        .delete_num_entry = iptc_delete_num_entry,
};
