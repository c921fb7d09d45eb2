/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ipt_table.h"

#include <bw/error.h>
#include <errno.h>

#include "ipt_entry.h"

static BwError reaction_to(int err) {
        switch (err) {
        case EAGAIN: /* the table changed between our read and our commit */
                return BW_ERROR_BUSY;
        case EPERM:
        case EACCES:
                return BW_ERROR_DENIED;
        case ENOENT:
        case ENOPROTOOPT:     /* no such table, no legacy iptables in this kernel */
        case EAFNOSUPPORT:    /* no IPv6 in this kernel, or switched off at boot */
        case EPROTONOSUPPORT: /* the same, as some kernels say it */
                return BW_ERROR_ABSENT;
        default:
                return BW_ERROR_BROKEN;
        }
}

bool bw_ipt_fail(GError **error, int err, BwIptTable table, const char *action, const char *what) {
        const BwIptCalls *calls = bw_ipt_calls_of(bw_ipt_table_family(table));

        g_set_error(error, BW_ERROR, reaction_to(err), "%s %s in %s: %s", action, what,
                    bw_ipt_table_text(table), calls->strerror(err));
        return false;
}

const char *bw_ipt_needed_modules(BwFamily family) {
        switch (family) {
        case BW_FAMILY_IPV4:
                return "legacy iptables (ip_tables, iptable_raw, iptable_mangle, xt_bpf, xt_limit, "
                       "xt_mac, xt_NFLOG, xt_physdev, xt_u32)";
        case BW_FAMILY_IPV6:
                return "legacy ip6tables (ip6_tables, ip6table_raw, ip6table_mangle, ip6t_frag, "
                       "xt_limit, xt_NFLOG, xt_physdev)";
        }
        g_assert_not_reached();
}

void bw_ipt_handle_free(BwIptHandle *handle) {
        if (!handle)
                return;
        if (handle->xtc)
                handle->calls->free(handle->xtc);
        g_free(handle);
}

BwIptHandle *bw_ipt_handle_open(BwIptTable table, GError **error) {
        g_autoptr(BwIptHandle) handle = g_new0(BwIptHandle, 1);

        handle->table = table;
        handle->family = bw_ipt_table_family(table);
        handle->calls = bw_ipt_calls_of(handle->family);
        errno = 0;
        handle->xtc = handle->calls->init(bw_ipt_table_name(table));
        if (handle->xtc)
                return g_steal_pointer(&handle);
        bw_ipt_fail(error, errno, table, "read", "all rules");
        return NULL;
}

static const char *first_chain(BwIptHandle *handle) {
        return handle->calls->first_chain(handle->xtc);
}

static const char *next_chain(BwIptHandle *handle) {
        return handle->calls->next_chain(handle->xtc);
}

bool bw_ipt_is_chain(BwIptHandle *handle, const char *name) {
        return handle->calls->is_chain(name, handle->xtc);
}

static const void *first_rule(BwIptHandle *handle, const char *chain) {
        return handle->calls->first_rule(chain, handle->xtc);
}

static const void *next_rule(BwIptHandle *handle, const void *entry) {
        return handle->calls->next_rule(entry, handle->xtc);
}

static const char *get_target(BwIptHandle *handle, const void *entry) {
        return handle->calls->get_target(entry, handle->xtc);
}

GArray *bw_ipt_read_chain(BwIptHandle *handle, const char *name) {
        GArray *rules = g_array_new(FALSE, TRUE, sizeof(BwIptFound));

        for (const void *entry = first_rule(handle, name); entry;
             entry = next_rule(handle, entry)) {
                BwIptFound found = { .entry = entry };

                g_strlcpy(found.target, get_target(handle, entry), sizeof(found.target));
                g_array_append_val(rules, found);
        }
        return rules;
}

bool bw_ipt_rule_is_there(BwFamily family, const BwIptRule *rule, const BwIptFound *found) {
        BwIptEntry wanted;

        bw_ipt_entry_encode(family, rule, &wanted);
        return bw_ipt_entry_says(found->entry, found->target, &wanted);
}

bool bw_ipt_chain_is_there(BwIptHandle *handle, const BwIptChain *chain) {
        const void *entry;
        guint i = 0;

        if (!bw_ipt_is_chain(handle, chain->name))
                return false;
        if (chain->opaque)
                return true;
        for (entry = first_rule(handle, chain->name); entry;
             entry = next_rule(handle, entry), i++) {
                BwIptFound found = { .entry = entry };

                if (i == chain->rules->len)
                        return false;
                g_strlcpy(found.target, get_target(handle, entry), sizeof(found.target));
                if (!bw_ipt_rule_is_there(handle->family,
                                          &g_array_index(chain->rules, BwIptRule, i), &found))
                        return false;
        }
        return i == chain->rules->len;
}

BwIptRule bw_ipt_anchor_of(BwIptTable table) {
        BwIptRule anchor = { .target = BW_IPT_JUMP };

        g_strlcpy(anchor.chain, bw_ipt_table_root(table), sizeof(anchor.chain));
        return anchor;
}

bool bw_ipt_is_anchor(BwIptTable table, const BwIptFound *found) {
        return g_str_equal(found->target, bw_ipt_table_root(table));
}

bool bw_ipt_anchor_is_there(BwIptHandle *handle, bool wanted) {
        const BwIptTable table = handle->table;
        g_autoptr(GArray) rules = bw_ipt_read_chain(handle, bw_ipt_table_hook(table));
        BwIptRule anchor = bw_ipt_anchor_of(table);

        if (wanted &&
            (rules->len == 0 ||
             !bw_ipt_rule_is_there(handle->family, &anchor, &g_array_index(rules, BwIptFound, 0))))
                return false;
        for (guint i = wanted ? 1 : 0; i < rules->len; i++)
                if (bw_ipt_is_anchor(table, &g_array_index(rules, BwIptFound, i)))
                        return false;
        return true;
}

/* What is written by this run leads to nothing that it has not written as well, whatever it leads
 * to now. */
static bool is_written(const GPtrArray *chains, const char *name) {
        const BwIptChain *chain = bw_ipt_find_chain(chains, name);

        return chain && !chain->opaque;
}

static void note_reachable(BwIptHandle *handle, const GPtrArray *chains, const char *name,
                           GHashTable *seen) {
        g_autoptr(GArray) rules = NULL;

        if (is_written(chains, name) || !bw_ipt_is_chain(handle, name) ||
            !g_hash_table_add(seen, g_strdup(name)))
                return;
        rules = bw_ipt_read_chain(handle, name);
        for (guint i = 0; i < rules->len; i++)
                if (bw_ipt_chain_is_ours(g_array_index(rules, BwIptFound, i).target))
                        note_reachable(handle, chains, g_array_index(rules, BwIptFound, i).target,
                                       seen);
}

/* (element-type utf8): chains that those of a former run lead to, so that they go on to mean what
 * they meant. */
static GHashTable *list_leaned_on(BwIptHandle *handle, const GPtrArray *chains) {
        GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; chains && i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (chain->opaque)
                        note_reachable(handle, chains, chain->name, seen);
        }
        return seen;
}

GPtrArray *bw_ipt_list_obsolete(BwIptHandle *handle, const GPtrArray *chains) {
        GPtrArray *obsolete = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GHashTable) leaned_on = list_leaned_on(handle, chains);

        for (const char *name = first_chain(handle); name; name = next_chain(handle))
                if (bw_ipt_chain_is_ours(name) && !g_hash_table_contains(leaned_on, name) &&
                    !(chains && bw_ipt_find_chain(chains, name)))
                        g_ptr_array_add(obsolete, g_strdup(name));
        return obsolete;
}

bool bw_ipt_is_kept_for_others(BwIptHandle *handle, const char *name) {
        unsigned references = 0;

        return handle->calls->get_references(&references, name, handle->xtc) && references > 0 &&
               !first_rule(handle, name);
}

bool bw_ipt_may_stay(BwIptHandle *handle, const GPtrArray *obsolete) {
        for (guint i = 0; i < obsolete->len; i++)
                if (!bw_ipt_is_kept_for_others(handle, obsolete->pdata[i]))
                        return false;
        return true;
}

bool bw_ipt_table_is_there(BwIptHandle *handle, const GPtrArray *chains) {
        g_autoptr(GPtrArray) obsolete = bw_ipt_list_obsolete(handle, chains);

        if (!bw_ipt_may_stay(handle, obsolete))
                return false;
        for (guint i = 0; chains && i < chains->len; i++)
                if (!bw_ipt_chain_is_there(handle, chains->pdata[i]))
                        return false;
        return bw_ipt_anchor_is_there(handle, chains != NULL);
}
