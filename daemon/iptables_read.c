/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "iptables.h"

#include <bw/error.h>
#include <string.h>

#include "ipt_entry.h"
#include "ipt_table.h"

/* A verdict's bytes do not tell its reason; the report before it does. */
static void infer_reason(const BwIptRule *report, BwIptRule *verdict) {
        BwIptRule wanted = *report;

        wanted.target = report->drops ? BW_IPT_DROP : BW_IPT_RETURN;
        wanted.log_rate = 0;
        verdict->reason = report->reason;
        verdict->direction = report->direction;
        verdict->drops = report->drops;
        if (report->target == BW_IPT_NFLOG && bw_ipt_rule_equal(verdict, &wanted))
                return;
        verdict->reason = BW_REASON_NONE;
        verdict->direction = BW_DIRECTION_IN;
        verdict->drops = false;
}

static void note_foreign(BwIptRule *rule, const char *target) {
        *rule = (BwIptRule){ .foreign = true };
        if (bw_ipt_chain_is_ours(target))
                g_strlcpy(rule->chain, target, sizeof(rule->chain));
}

static BwIptChain *decode_chain(BwIptHandle *handle, const char *name) {
        BwIptChain *chain = bw_ipt_chain_new(name);
        g_autoptr(GArray) found = bw_ipt_read_chain(handle, name);

        for (guint i = 0; i < found->len; i++) {
                const BwIptFound *entry = &g_array_index(found, BwIptFound, i);
                BwIptRule rule = {};

                if (!bw_ipt_entry_decode(handle->family, entry->entry, entry->target, &rule))
                        note_foreign(&rule, entry->target);
                if (i > 0 && (rule.target == BW_IPT_DROP || rule.target == BW_IPT_RETURN))
                        infer_reason(&g_array_index(chain->rules, BwIptRule, i - 1), &rule);
                g_array_append_val(chain->rules, rule);
        }
        return chain;
}

static int by_name(gconstpointer a, gconstpointer b) {
        const BwIptChain *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

GPtrArray *bw_iptables_read(BwIptTable table, GError **error) {
        g_autoptr(BwIptHandle) handle = bw_ipt_handle_open(table, error);
        g_autoptr(GPtrArray) names = handle ? bw_ipt_list_obsolete(handle, NULL) : NULL;
        GPtrArray *chains = NULL;

        if (!handle)
                return NULL;
        chains = g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_unref);
        g_ptr_array_add(chains, decode_chain(handle, bw_ipt_table_hook(table)));
        for (guint i = 0; i < names->len; i++)
                g_ptr_array_add(chains, decode_chain(handle, names->pdata[i]));
        g_ptr_array_sort(chains, by_name);
        return chains;
}

bool bw_iptables_probe(BwIptTable table, GError **error) {
        g_autoptr(GError) refusal = NULL;
        g_autoptr(BwIptHandle) handle = bw_ipt_handle_open(table, &refusal);
        const char *what = "cannot be read", *needed = "legacy iptables that works";

        if (handle)
                return true;
        if (refusal->code == BW_ERROR_DENIED) {
                what = "may not be read";
                needed = "CAP_NET_ADMIN and CAP_NET_RAW";
        }
        if (refusal->code == BW_ERROR_ABSENT) {
                what = "is not in this kernel";
                needed = bw_ipt_needed_modules(bw_ipt_table_family(table));
        }
        g_set_error(error, BW_ERROR, refusal->code, "%s %s (%s). It needs %s",
                    bw_ipt_table_text(table), what, g_strrstr(refusal->message, ": ") + 2, needed);
        return false;
}

static void count_chain(BwIptHandle *handle, const BwIptChain *chain, BwIptCounted counted,
                        gpointer user) {
        guint i = 0;

        for (const void *entry = handle->calls->first_rule(chain->name, handle->xtc);
             entry && i < chain->rules->len;
             entry = handle->calls->next_rule(entry, handle->xtc), i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);
                const struct xt_counters *counters = bw_ipt_entry_counters(handle->family, entry);

                if (rule->reason != BW_REASON_NONE && rule->target != BW_IPT_NFLOG)
                        counted(chain, rule, counters->pcnt, counters->bcnt, user);
        }
}

bool bw_iptables_count(BwIptTable table, const GPtrArray *chains, BwIptCounted counted,
                       gpointer user, GError **error) {
        g_autoptr(BwIptHandle) handle = bw_ipt_handle_open(table, error);

        if (!handle)
                return false;
        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (bw_ipt_is_chain(handle, chain->name))
                        count_chain(handle, chain, counted, user);
        }
        return true;
}
