/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "reconciler.h"

#include <bw/error.h>

/* A program that holds the xtables lock this long is stuck. What we write denies; waiting for ever
 * would leave a door open because somebody else sleeps on the key. */
#define LOCK_PATIENCE_USEC (5 * G_USEC_PER_SEC)

struct BwReconciler {
        GPtrArray *chains[BW_IPT_TABLE_MAX]; /* NULL: nothing of ours */
        GPtrArray *inherited;                /* chain names found at the start; or NULL */
        int64_t busy_since;                  /* 0: the lock was not busy */
        bool impatient;                      /* the lock was busy for too long */
        uint64_t generation;
};

BwReconciler *bw_reconciler_new(void) {
        return g_new0(BwReconciler, 1);
}

static void forget_chains(BwReconciler *reconciler) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                g_clear_pointer(&reconciler->chains[table], g_ptr_array_unref);
}

void bw_reconciler_free(BwReconciler *reconciler) {
        if (!reconciler)
                return;
        forget_chains(reconciler);
        g_clear_pointer(&reconciler->inherited, g_ptr_array_unref);
        g_free(reconciler);
}

bool bw_reconciler_note_inherited(BwReconciler *reconciler, GError **error) {
        g_clear_pointer(&reconciler->inherited, g_ptr_array_unref);
        reconciler->inherited = bw_iptables_list_chains(BW_IPT_RAW, error);
        return reconciler->inherited != NULL;
}

void bw_reconciler_forget_inherited(BwReconciler *reconciler) {
        g_clear_pointer(&reconciler->inherited, g_ptr_array_unref);
}

bool bw_reconciler_inherited(const BwReconciler *reconciler, const char *port) {
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_port_chain("i", port, name);
        return reconciler->inherited &&
               g_ptr_array_find_with_equal_func(reconciler->inherited, name, g_str_equal, NULL);
}

static bool chain_equal(const BwIptChain *a, const BwIptChain *b) {
        if (!g_str_equal(a->name, b->name) || a->opaque != b->opaque ||
            a->rules->len != b->rules->len)
                return false;
        for (guint i = 0; i < a->rules->len; i++)
                if (!bw_ipt_rule_equal(&g_array_index(a->rules, BwIptRule, i),
                                       &g_array_index(b->rules, BwIptRule, i)))
                        return false;
        return true;
}

static bool chains_equal(const GPtrArray *a, const GPtrArray *b) {
        if (!a || !b || a->len != b->len)
                return false;
        for (guint i = 0; i < a->len; i++)
                if (!chain_equal(a->pdata[i], b->pdata[i]))
                        return false;
        return true;
}

bool bw_reconciler_want(BwReconciler *reconciler, const BwPlan *plan) {
        bool differs = false;

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                GPtrArray *chains = bw_ipt_compile(plan, table);

                differs |= !chains_equal(chains, reconciler->chains[table]);
                g_clear_pointer(&reconciler->chains[table], g_ptr_array_unref);
                reconciler->chains[table] = chains;
        }
        return differs;
}

static void add_report(BwPass *pass, const BwIptReport *report) {
        if (!report->changed)
                return;
        pass->commits++;
        pass->anchor_moved |= report->anchor_moved;
        pass->chains_created += report->chains_created;
        pass->chains_removed += report->chains_removed;
        pass->rules_inserted += report->rules_inserted;
        pass->rules_deleted += report->rules_deleted;
}

/* The lock is needed, until it has been busy for too long or proves to be out of reach. */
static bool sync_table(BwReconciler *reconciler, BwIptTable table, const GPtrArray *chains,
                       BwPass *pass, GError **error) {
        BwIptLock lock = reconciler->impatient ? BW_IPT_LOCK_SKIPPED : BW_IPT_LOCK_NEEDED;
        g_autoptr(GError) trouble = NULL;
        BwIptReport report;
        bool done = bw_iptables_sync(table, chains, lock, &report, &trouble);

        if (!done && lock == BW_IPT_LOCK_NEEDED &&
            g_error_matches(trouble, BW_ERROR, BW_ERROR_DENIED)) {
                g_clear_error(&trouble);
                lock = BW_IPT_LOCK_SKIPPED;
                done = bw_iptables_sync(table, chains, lock, &report, &trouble);
        }
        if (!done) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
        add_report(pass, &report);
        pass->without_lock |= report.changed && lock == BW_IPT_LOCK_SKIPPED;
        reconciler->generation += report.changed;
        return true;
}

static void note_lock(BwReconciler *reconciler, const GError *trouble, int64_t now_usec) {
        if (!g_error_matches(trouble, BW_ERROR, BW_ERROR_BUSY))
                reconciler->busy_since = 0;
        else if (!reconciler->busy_since)
                reconciler->busy_since = now_usec;
}

/* A table that fails does not keep the others from denying: each is tried, and the first failure is
 * told. @wanted: chains of each table, or NULL for nothing of ours. */
static bool sync_tables(BwReconciler *reconciler, GPtrArray *const *wanted, int64_t now_usec,
                        BwPass *ret, GError **error) {
        g_autoptr(GError) first = NULL;

        *ret = (BwPass){};
        reconciler->impatient =
                reconciler->busy_since && now_usec - reconciler->busy_since > LOCK_PATIENCE_USEC;
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                sync_table(reconciler, table, wanted ? wanted[table] : NULL, ret,
                           first ? NULL : &first);
        note_lock(reconciler, first, now_usec);
        if (!first)
                return true;
        g_propagate_error(error, g_steal_pointer(&first));
        return false;
}

bool bw_reconciler_commit(BwReconciler *reconciler, int64_t now_usec, BwPass *ret, GError **error) {
        return sync_tables(reconciler, reconciler->chains, now_usec, ret, error);
}

bool bw_reconciler_disarm(BwReconciler *reconciler, int64_t now_usec, BwPass *ret, GError **error) {
        if (!sync_tables(reconciler, NULL, now_usec, ret, error))
                return false;
        forget_chains(reconciler);
        return true;
}

bool bw_reconciler_check(BwReconciler *reconciler, bool *ret_equal, GError **error) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                bool equal;

                if (!bw_iptables_check(table, reconciler->chains[table], &equal, error))
                        return false;
                *ret_equal = equal;
                if (!equal)
                        return true;
        }
        return true;
}

uint64_t bw_reconciler_generation(const BwReconciler *reconciler) {
        return reconciler->generation;
}

bool bw_reconciler_count(BwReconciler *reconciler, BwIptCounted counted, gpointer user,
                         GError **error) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (reconciler->chains[table] &&
                    !bw_iptables_count(table, reconciler->chains[table], counted, user, error))
                        return false;
        return true;
}
