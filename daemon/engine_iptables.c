/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine.h"

#include <bw/error.h>
#include <bw/ipt_compile.h>
#include <bw/ipt_former.h>

#include "iptables.h"
#include "kernel.h"

/* A program that holds the xtables lock this long is stuck. What we write denies; waiting for ever
 * would leave a door open because somebody else sleeps on the key. */
#define LOCK_PATIENCE_USEC (5 * G_USEC_PER_SEC)

/* What a chain of a former run lets pass as its port's own, in both families; of a border, what
 * the tree of all borders has behind it. */
typedef struct Own {
        GArray *addresses; /* BwPrefix */
        GArray *macs;      /* BwMac */
        bool is_border, is_closed;
} Own;

/* What takes longest first, so that two who share the work are done at about the same time. */
static const BwIptTable by_effort[BW_IPT_TABLE_MAX] = { BW_IPT_MANGLE6, BW_IPT_MANGLE, BW_IPT_RAW6,
                                                        BW_IPT_RAW };

typedef struct Iptables {
        BwEngine engine;
        BwIptCompiler *compilers[BW_IPT_TABLE_MAX];
        const BwPlan *plan;                  /* while it is compiled */
        int next;                            /* of @by_effort, that nobody has begun with; atomic */
        int n_done;                          /* tables; atomic */
        bool differs[BW_IPT_TABLE_MAX];      /* what is wanted is other than before */
        GThread *helping;                    /* NULL: there is none */
        BwIptAhead *ahead;                   /* begun with by who compiled; or NULL */
        bool absent[BW_IPT_TABLE_MAX];       /* this kernel has none such */
        GPtrArray *chains[BW_IPT_TABLE_MAX]; /* NULL: nothing of ours */
        GPtrArray *held[BW_IPT_TABLE_MAX];   /* what was last read back; NULL: not known */
        GHashTable *inherited;               /* chains with rules in them -> Own *; or NULL */
        int64_t busy_since;                  /* 0: the lock was not busy */
        bool impatient;                      /* the lock was busy for too long */
} Iptables;

/* Compiling */

static void want_table(Iptables *iptables, BwIptTable table) {
        GPtrArray *wanted = bw_ipt_compiler_run(iptables->compilers[table], iptables->plan);
        GPtrArray **chains = &iptables->chains[table];

        iptables->differs[table] = wanted != *chains;
        g_clear_pointer(chains, g_ptr_array_unref);
        *chains = wanted;
}

static void want_tables(Iptables *iptables) {
        const int n = G_N_ELEMENTS(by_effort);

        for (int i; (i = g_atomic_int_add(&iptables->next, 1)) < n;
             g_atomic_int_inc(&iptables->n_done))
                want_table(iptables, by_effort[i]);
        g_atomic_int_set(&iptables->next, n);
}

/* IPv6's tables take longer than IPv4's, and the first of them can be read while nftables is still
 * being written. A lock that was busy is not asked for by the way. */
static gpointer help(gpointer user) {
        Iptables *iptables = user;

        want_tables(iptables);
        if (g_atomic_int_get(&iptables->n_done) == G_N_ELEMENTS(by_effort) &&
            iptables->differs[BW_IPT_RAW6] && !iptables->absent[BW_IPT_RAW6] &&
            !iptables->busy_since)
                iptables->ahead = bw_iptables_read_ahead(BW_IPT_RAW6);
        return NULL;
}

/* What is wanted is known then. Who waits lends a hand. */
static void settle_wishes(Iptables *iptables) {
        want_tables(iptables);
        g_clear_pointer(&iptables->helping, g_thread_join);
}

/* … and nothing is on its way. */
static void settle(Iptables *iptables) {
        settle_wishes(iptables);
        g_clear_pointer(&iptables->ahead, bw_iptables_ahead_free);
}

/* The engine */

static void forget_chains(Iptables *iptables) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                g_clear_pointer(&iptables->chains[table], g_ptr_array_unref);
}

static void forget_held(Iptables *iptables) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                g_clear_pointer(&iptables->held[table], g_ptr_array_unref);
}

static void forget_inherited(BwEngine *engine) {
        g_clear_pointer(&((Iptables *) engine)->inherited, g_hash_table_unref);
}

static void iptables_free(BwEngine *engine) {
        settle((Iptables *) engine);
        forget_chains((Iptables *) engine);
        forget_held((Iptables *) engine);
        forget_inherited(engine);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                bw_ipt_compiler_free(((Iptables *) engine)->compilers[table]);
        g_free(engine);
}

/* Without IPv6 the engine does half of its work; without IPv4 none. */
static bool may_be_absent(BwIptTable table) {
        return bw_ipt_table_family(table) == BW_FAMILY_IPV6;
}

static bool probe(BwEngine *engine, GError **error) {
        Iptables *iptables = (Iptables *) engine;

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GError) trouble = NULL;

                iptables->absent[table] = !bw_iptables_probe(table, &trouble);
                if (!iptables->absent[table] ||
                    (may_be_absent(table) && g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT)))
                        continue;
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
        return true;
}

static char *lack(const BwEngine *engine) {
        const Iptables *iptables = (const Iptables *) engine;

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (iptables->absent[table])
                        return g_strdup_printf(
                                "This kernel has no %s, so the engine iptables does not check all "
                                "of IPv6. It needs legacy ip6tables (ip6_tables, ip6table_raw, "
                                "ip6table_mangle)",
                                bw_ipt_table_text(table));
        return NULL;
}

static void free_own(gpointer pointer) {
        Own *own = pointer;

        g_array_unref(own->addresses);
        g_array_unref(own->macs);
        g_free(own);
}

static Own *own_new(const BwIptChain *chain) {
        Own *own = g_new0(Own, 1);

        own->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        own->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        own->is_border = bw_ipt_former_is_border(chain);
        return own;
}

/* A chain with rules guards, whatever they are; one without does not. */
static GHashTable *list_guarding(const GPtrArray *chains) {
        GHashTable *guarding = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_own);

        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (chain->rules->len > 0)
                        g_hash_table_insert(guarding, g_strdup(chain->name), own_new(chain));
        }
        return guarding;
}

static void note_borders(GHashTable *guarding, const GPtrArray *chains) {
        g_autoptr(GPtrArray) borders = bw_ipt_former_list_borders(chains);

        for (guint i = 0; i < borders->len; i++) {
                const BwIptFormerBorder *border = borders->pdata[i];
                char name[BW_IPT_CHAIN_SIZE];
                Own *own;

                bw_ipt_port_chain("i", border->port, name);
                own = g_hash_table_lookup(guarding, name);
                if (!own || !own->is_border)
                        continue;
                own->is_closed |= border->is_closed;
                g_array_append_vals(own->addresses, border->addresses->data,
                                    border->addresses->len);
        }
}

static void note_own(GHashTable *guarding, const GPtrArray *chains) {
        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];
                Own *own = g_hash_table_lookup(guarding, chain->name);

                if (own)
                        bw_ipt_former_add_own(chain, own->addresses, own->macs);
        }
        note_borders(guarding, chains);
}

/* The tree of all borders is written by this run since it was first read: what it lacks now others
 * have taken away, and it is repaired. Ports' own chains alone are as the former run left them. */
static void keep_borders(const GHashTable *former, GHashTable *guarding) {
        GHashTableIter iter;
        gpointer name, value;

        g_hash_table_iter_init(&iter, guarding);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
                const Own *old = g_hash_table_lookup((GHashTable *) former, name);
                Own *own = value;

                if (!old || !old->is_border || !own->is_border)
                        continue;
                own->is_closed = old->is_closed;
                g_array_set_size(own->addresses, 0);
                g_array_append_vals(own->addresses, old->addresses->data, old->addresses->len);
        }
}

/* Who has no IPv6 has nothing of it to remember. */
static bool note_ipv6(GHashTable *guarding, GError **error) {
        g_autoptr(GError) trouble = NULL;
        g_autoptr(GPtrArray) chains = bw_iptables_read(BW_IPT_RAW6, &trouble);

        if (chains)
                note_own(guarding, chains);
        else if (!g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT)) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
        return true;
}

/* IPv4's chains tell whether there is anything: to look at a table makes it. */
static bool note_inherited(BwEngine *engine, GError **error) {
        g_autoptr(GHashTable) guarding = NULL;
        g_autoptr(GPtrArray) chains = NULL;

        if (bw_kernel_has_iptables()) {
                chains = bw_iptables_read(BW_IPT_RAW, error);
                if (!chains)
                        return false;
                guarding = list_guarding(chains);
                note_own(guarding, chains);
                if (g_hash_table_contains(guarding, bw_ipt_table_root(BW_IPT_RAW)) &&
                    !note_ipv6(guarding, error))
                        return false;
        }
        if (guarding && ((Iptables *) engine)->inherited)
                keep_borders(((Iptables *) engine)->inherited, guarding);
        forget_inherited(engine);
        ((Iptables *) engine)->inherited = g_steal_pointer(&guarding);
        return true;
}

static const Own *find_own(const BwEngine *engine, const char *port) {
        const Iptables *iptables = (const Iptables *) engine;
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_port_chain("i", port, name);
        return iptables->inherited ? g_hash_table_lookup(iptables->inherited, name) : NULL;
}

static bool inherited(const BwEngine *engine, const char *port) {
        return find_own(engine, port);
}

static void add_own(const BwEngine *engine, const char *port, BwInheritedPort *ret) {
        const Own *own = find_own(engine, port);

        if (!own)
                return;
        g_array_append_vals(ret->addresses, own->addresses->data, own->addresses->len);
        g_array_append_vals(ret->macs, own->macs->data, own->macs->len);
        ret->is_border |= own->is_border;
        ret->is_closed |= own->is_closed;
}

/* One thread, while nftables is written: two would take the processor from what denies first. */
static void want(BwEngine *engine, const BwPlan *plan, const BwModel *model G_GNUC_UNUSED) {
        Iptables *iptables = (Iptables *) engine;

        settle(iptables);
        iptables->plan = plan;
        iptables->next = iptables->n_done = 0;
        iptables->helping = g_thread_try_new("compile", help, iptables, NULL);
}

static bool differs(BwEngine *engine) {
        Iptables *iptables = (Iptables *) engine;

        settle_wishes(iptables);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (iptables->differs[table])
                        return true;
        return false;
}

static void add_report(BwPass *pass, const BwIptReport *report, BwIptLock lock) {
        if (!report->changed)
                return;
        pass->commits++;
        pass->anchor_moved |= report->anchor_moved;
        pass->chains_created += report->chains_created;
        pass->chains_removed += report->chains_removed;
        pass->rules_inserted += report->rules_inserted;
        pass->rules_deleted += report->rules_deleted;
        pass->without_lock |= lock == BW_IPT_LOCK_SKIPPED;
}

/* The lock is needed, until it has been busy for too long or proves to be out of reach. */
static bool sync_wishes(const Iptables *iptables, BwIptWish *wishes, BwIptLock *ret_lock,
                        GError **error) {
        g_autoptr(GError) trouble = NULL;

        *ret_lock = iptables->impatient ? BW_IPT_LOCK_SKIPPED : BW_IPT_LOCK_NEEDED;
        if (bw_iptables_sync_all(wishes, *ret_lock, iptables->ahead, &trouble))
                return true;
        if (g_error_matches(trouble, BW_ERROR, BW_ERROR_DENIED)) {
                *ret_lock = BW_IPT_LOCK_SKIPPED;
                return bw_iptables_sync_all(wishes, *ret_lock, NULL, error);
        }
        g_propagate_error(error, g_steal_pointer(&trouble));
        return false;
}

static void note_lock(Iptables *iptables, const GError *trouble, int64_t now_usec) {
        if (!g_error_matches(trouble, BW_ERROR, BW_ERROR_BUSY))
                iptables->busy_since = 0;
        else if (!iptables->busy_since)
                iptables->busy_since = now_usec;
}

static void note_held(Iptables *iptables, BwIptTable table, const BwIptWish *wish) {
        g_clear_pointer(&iptables->held[table], g_ptr_array_unref);
        if (wish->chains && !wish->error && !wish->skipped)
                iptables->held[table] = g_ptr_array_ref((GPtrArray *) wish->chains);
}

/* Adds to @pass what was done; the first failure is told. */
static void add_wishes(Iptables *iptables, BwIptWish *wishes, BwIptLock lock, BwPass *pass,
                       GError **error) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                note_held(iptables, table, &wishes[table]);
                if (!wishes[table].error)
                        add_report(pass, &wishes[table].report, lock);
                else if (!*error)
                        *error = g_steal_pointer(&wishes[table].error);
                g_clear_error(&wishes[table].error);
        }
}

/* A table that fails does not keep the others from denying: each is tried. @wanted: chains of each
 * table, or NULL for nothing of ours. */
static bool sync_tables(Iptables *iptables, GPtrArray *const *wanted, int64_t now_usec,
                        BwPass *pass, GError **error) {
        BwIptWish wishes[BW_IPT_TABLE_MAX] = {};
        g_autoptr(GError) first = NULL;
        BwIptLock lock;

        iptables->impatient =
                iptables->busy_since && now_usec - iptables->busy_since > LOCK_PATIENCE_USEC;
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                wishes[table].skipped = iptables->absent[table];
                wishes[table].chains = wanted ? wanted[table] : NULL;
                wishes[table].held = iptables->held[table];
        }
        if (sync_wishes(iptables, wishes, &lock, &first))
                add_wishes(iptables, wishes, lock, pass, &first);
        note_lock(iptables, first, now_usec);
        if (!first)
                return true;
        g_propagate_error(error, g_steal_pointer(&first));
        return false;
}

static bool commit(BwEngine *engine, int64_t now_usec, BwPass *pass, GError **error) {
        Iptables *iptables = (Iptables *) engine;
        bool done;

        settle_wishes(iptables);
        done = sync_tables(iptables, iptables->chains, now_usec, pass, error);
        g_clear_pointer(&iptables->ahead, bw_iptables_ahead_free);
        return done;
}

/* Asking for a table makes it: a host that has none does not get one by our looking for rules. */
static bool find_tables(BwEngine *engine, bool *ret_any, GError **error) {
        g_autoptr(GError) trouble = NULL;

        *ret_any = bw_kernel_has_iptables();
        if (!*ret_any || probe(engine, &trouble))
                return true;
        *ret_any = false;
        if (g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT))
                return true;
        g_propagate_error(error, g_steal_pointer(&trouble));
        return false;
}

static bool disarm(BwEngine *engine, int64_t now_usec, BwPass *pass, GError **error) {
        Iptables *iptables = (Iptables *) engine;
        bool any;

        settle(iptables);
        if (!find_tables(engine, &any, error) ||
            (any && !sync_tables(iptables, NULL, now_usec, pass, error)))
                return false;
        forget_chains(iptables);
        return true;
}

/* A module that is loaded later brings its tables. */
static void look_for_absent(Iptables *iptables, BwIptTable table) {
        if (iptables->absent[table])
                iptables->absent[table] = !bw_iptables_probe(table, NULL);
}

static bool check(BwEngine *engine, unsigned part, bool *ret_equal, GError **error) {
        Iptables *iptables = (Iptables *) engine;
        BwIptTable table = (BwIptTable) part;

        settle(iptables);
        look_for_absent(iptables, table);
        *ret_equal = true;
        if (iptables->absent[table])
                return true;
        if (!bw_iptables_check(table, iptables->chains[table], ret_equal, error))
                return false;
        if (!*ret_equal)
                g_clear_pointer(&iptables->held[table], g_ptr_array_unref);
        return true;
}

static bool describe(BwEngine *engine, GPtrArray *list, GError **error) {
        Iptables *iptables = (Iptables *) engine;

        settle(iptables);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) found = NULL;

                if (iptables->absent[table])
                        continue;
                found = bw_iptables_read(table, error);
                if (!found)
                        return false;
                bw_difference_add_chains(list, table, iptables->chains[table], found);
        }
        return true;
}

typedef struct Listener {
        BwTallied tallied;
        gpointer user;
} Listener;

/* Chains of no port are a bridge's for its strangers, or a segment's. */
static void count_rule(const BwIptChain *chain, const BwIptRule *rule, uint64_t packets,
                       uint64_t bytes, gpointer user) {
        const Listener *listener = user;
        BwTally tally = {
                .bridge = chain->bridge,
                .port = chain->port,
                .direction = rule->direction,
                .reason = rule->reason,
                .drops = rule->drops,
                .packets = packets,
                .bytes = bytes,
        };

        listener->tallied(&tally, listener->user);
}

/* A part is a table. */
static bool count(BwEngine *engine, unsigned part, BwTallied tallied, gpointer user,
                  GError **error) {
        Iptables *iptables = (Iptables *) engine;
        Listener listener = { tallied, user };

        settle(iptables);
        return !iptables->chains[part] || iptables->absent[part] ||
               bw_iptables_count((BwIptTable) part, iptables->chains[part], count_rule, &listener,
                                 error);
}

static const BwEngineWork work = {
        .kind = BW_ENGINE_IPTABLES,
        .free = iptables_free,
        .probe = probe,
        .lack = lack,
        .note_inherited = note_inherited,
        .forget_inherited = forget_inherited,
        .inherited = inherited,
        .add_own = add_own,
        .want = want,
        .differs = differs,
        .commit = commit,
        .disarm = disarm,
        .check = check,
        .n_check_parts = BW_IPT_TABLE_MAX,
        .describe = describe,
        .count = count,
        .n_count_parts = BW_IPT_TABLE_MAX,
};

BwEngine *bw_engine_iptables_new(void) {
        Iptables *iptables = g_new0(Iptables, 1);

        iptables->engine.work = &work;
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                iptables->compilers[table] = bw_ipt_compiler_new(table);
        iptables->next = G_N_ELEMENTS(by_effort);
        return &iptables->engine;
}
