/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "reconciler.h"

#include <bw/error.h>

/* The one that sees most is written first: should the second take its time, more is denied
 * meanwhile. */
static const BwEngineKind order[] = { BW_ENGINE_NFTABLES, BW_ENGINE_IPTABLES };

struct BwReconciler {
        BwEngine *engines[BW_ENGINE_MAX];
        unsigned used, in_step; /* sets of engines */
        unsigned given_up;      /* may still have rules in the kernel */
        bool keeps;             /* what is wanted leans on rules of a former run */
        GError *leftover;
        uint64_t generation;
};

BwReconciler *bw_reconciler_new(void) {
        BwReconciler *reconciler = g_new0(BwReconciler, 1);

        reconciler->engines[BW_ENGINE_IPTABLES] = bw_engine_iptables_new();
        reconciler->engines[BW_ENGINE_NFTABLES] = bw_engine_nftables_new();
        return reconciler;
}

void bw_reconciler_free(BwReconciler *reconciler) {
        if (!reconciler)
                return;
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
                bw_engine_free(reconciler->engines[order[i]]);
        g_clear_error(&reconciler->leftover);
        g_free(reconciler);
}

/* The @i-th engine, if it is one of @set. */
static BwEngine *pick(const BwReconciler *reconciler, gsize i, unsigned set) {
        return set & BW_ENGINE_BIT(order[i]) ? reconciler->engines[order[i]] : NULL;
}

bool bw_reconciler_probe(BwReconciler *reconciler, BwEngineKind kind, GError **error) {
        BwEngine *engine = reconciler->engines[kind];

        return engine->work->probe(engine, error);
}

void bw_reconciler_use(BwReconciler *reconciler, BwEngineKind kind) {
        reconciler->used |= BW_ENGINE_BIT(kind);
        reconciler->given_up &= ~BW_ENGINE_BIT(kind);
}

void bw_reconciler_give_up(BwReconciler *reconciler, BwEngineKind kind) {
        reconciler->used &= ~BW_ENGINE_BIT(kind);
        reconciler->in_step &= ~BW_ENGINE_BIT(kind);
        reconciler->given_up |= BW_ENGINE_BIT(kind);
}

unsigned bw_reconciler_used(const BwReconciler *reconciler) {
        return reconciler->used;
}

unsigned bw_reconciler_in_step(const BwReconciler *reconciler) {
        return reconciler->in_step;
}

char *bw_reconciler_lack(const BwReconciler *reconciler, BwEngineKind kind) {
        const BwEngine *engine = reconciler->engines[kind];

        return reconciler->used & BW_ENGINE_BIT(kind) ? engine->work->lack(engine) : NULL;
}

char *bw_reconciler_remark(BwReconciler *reconciler, BwEngineKind kind) {
        BwEngine *engine = reconciler->engines[kind];

        return engine->work->remark ? engine->work->remark(engine) : NULL;
}

const GError *bw_reconciler_leftover(const BwReconciler *reconciler) {
        return reconciler->leftover;
}

bool bw_reconciler_has_leftovers(const BwReconciler *reconciler) {
        return reconciler->given_up != 0;
}

bool bw_reconciler_note_inherited(BwReconciler *reconciler, GError **error) {
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                BwEngine *engine = pick(reconciler, i, BW_ENGINE_ALL);
                bool is_used = pick(reconciler, i, reconciler->used);

                if (!engine->work->note_inherited(engine, is_used ? error : NULL) && is_used)
                        return false;
        }
        return true;
}

void bw_reconciler_forget_inherited(BwReconciler *reconciler) {
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                BwEngine *engine = pick(reconciler, i, BW_ENGINE_ALL);

                engine->work->forget_inherited(engine);
        }
}

bool bw_reconciler_inherited(const BwReconciler *reconciler, const char *port) {
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                const BwEngine *engine = pick(reconciler, i, BW_ENGINE_ALL);

                if (engine->work->inherited(engine, port))
                        return true;
        }
        return false;
}

void bw_reconciler_add_own(const BwReconciler *reconciler, const char *port, BwInheritedPort *ret) {
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                const BwEngine *engine = pick(reconciler, i, BW_ENGINE_ALL);

                if (engine->work->add_own)
                        engine->work->add_own(engine, port, ret);
        }
}

/* Backwards: who goes on in threads of its own does so while the others work. */
static void tell_engines(BwReconciler *reconciler, const BwPlan *plan, const BwModel *model) {
        for (gsize i = G_N_ELEMENTS(order); i-- > 0;) {
                BwEngine *engine = pick(reconciler, i, reconciler->used);

                if (engine)
                        engine->work->want(engine, plan, model);
        }
}

/* The first that differs is answer enough: whoever is not done yet is asked by the commit. */
bool bw_reconciler_want(BwReconciler *reconciler, const BwPlan *plan, const BwModel *model) {
        reconciler->keeps = bw_plan_has_inherited(plan);
        tell_engines(reconciler, plan, model);
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                BwEngine *engine = pick(reconciler, i, reconciler->used);

                if (engine && engine->work->differs(engine))
                        return true;
        }
        return false;
}

/* Keeps the first of several errors. */
static void note_error(GError **first, GError *error) {
        if (*first)
                g_error_free(error);
        else
                *first = error;
}

static bool is_done(GError *first, GError **error) {
        if (first)
                g_propagate_error(error, first);
        return !first;
}

static void take_down_given_up(BwReconciler *reconciler, int64_t now_usec, BwPass *pass) {
        g_clear_error(&reconciler->leftover);
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                BwEngine *engine = pick(reconciler, i, reconciler->given_up);
                GError *trouble = NULL;

                if (!engine)
                        continue;
                if (engine->work->disarm(engine, now_usec, pass, &trouble))
                        reconciler->given_up &= ~BW_ENGINE_BIT(order[i]);
                else
                        note_error(&reconciler->leftover, trouble);
        }
}

static void note_step(BwReconciler *reconciler, BwEngineKind kind, bool in_step) {
        reconciler->in_step &= ~BW_ENGINE_BIT(kind);
        if (in_step)
                reconciler->in_step |= BW_ENGINE_BIT(kind);
}

bool bw_reconciler_commit(BwReconciler *reconciler, int64_t now_usec, BwPass *ret, GError **error) {
        GError *first = NULL;

        *ret = (BwPass){};
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                BwEngine *engine = pick(reconciler, i, reconciler->used);
                unsigned before = ret->commits;
                GError *trouble = NULL;

                if (!engine)
                        continue;
                note_step(reconciler, order[i],
                          engine->work->commit(engine, now_usec, ret, &trouble));
                if (ret->commits > before)
                        ret->wrote |= BW_ENGINE_BIT(order[i]);
                if (trouble)
                        note_error(&first, trouble);
        }
        if (!first && reconciler->used && !reconciler->keeps)
                take_down_given_up(reconciler, now_usec, ret);
        reconciler->generation += ret->commits;
        return is_done(first, error);
}

/* Backwards: the one whose lock another may hold is asked first, while all stands still. */
bool bw_reconciler_disarm(BwReconciler *reconciler, int64_t now_usec, BwPass *ret, GError **error) {
        unsigned standing = reconciler->used | reconciler->given_up;
        bool done = true;

        *ret = (BwPass){};
        for (gsize i = G_N_ELEMENTS(order); i-- > 0 && done;) {
                BwEngine *engine = pick(reconciler, i, standing);

                if (!engine)
                        continue;
                note_step(reconciler, order[i], false);
                done = engine->work->disarm(engine, now_usec, ret, error);
        }
        reconciler->generation += ret->commits;
        return done;
}

/* The engine whose turn it is; NULL: all have been. */
static BwEngine *find_turn(const BwReconciler *reconciler, BwCheck *check) {
        for (; check->engine < G_N_ELEMENTS(order); check->engine++, check->part = 0) {
                BwEngine *engine = pick(reconciler, check->engine, reconciler->used);

                if (engine && check->part < engine->work->n_check_parts)
                        return engine;
        }
        return NULL;
}

bool bw_reconciler_check(BwReconciler *reconciler, BwCheck *check, bool *ret_equal, bool *ret_more,
                         GError **error) {
        BwEngine *engine = find_turn(reconciler, check);
        bool done = true;

        *ret_equal = true;
        if (engine) {
                done = engine->work->check(engine, check->part++, ret_equal, error);
                if (done && !*ret_equal)
                        note_step(reconciler, engine->work->kind, false);
        }
        *ret_more = find_turn(reconciler, check) != NULL;
        return done;
}

void bw_reconciler_note_others(BwReconciler *reconciler, uint32_t generation) {
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                BwEngine *engine = pick(reconciler, i, reconciler->used);

                if (engine && engine->work->note_others)
                        engine->work->note_others(engine, generation);
        }
}

bool bw_reconciler_describe(BwReconciler *reconciler, GPtrArray *list, GError **error) {
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                BwEngine *engine = pick(reconciler, i, reconciler->used);

                if (engine && !engine->work->describe(engine, list, error))
                        return false;
        }
        return true;
}

uint64_t bw_reconciler_generation(const BwReconciler *reconciler) {
        return reconciler->generation;
}

/* The first of the order that is in use. */
bool bw_reconciler_tells_monitored(const BwReconciler *reconciler, BwEngineKind kind) {
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
                if (pick(reconciler, i, reconciler->used))
                        return order[i] == kind;
        return false;
}

typedef struct Filter {
        BwTallied tallied;
        gpointer user;
} Filter;

static void tell_dropped(const BwTally *tally, gpointer user) {
        const Filter *filter = user;

        if (tally->drops)
                filter->tallied(tally, filter->user);
}

unsigned bw_reconciler_count_parts(const BwReconciler *reconciler) {
        unsigned parts = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
                parts += reconciler->engines[order[i]]->work->n_count_parts;
        return parts;
}

static bool count_engine(BwReconciler *reconciler, gsize i, unsigned part, BwTallied tallied,
                         gpointer user, GError **error) {
        Filter filter = { tallied, user };
        BwEngine *engine = pick(reconciler, i, reconciler->used);
        bool all = bw_reconciler_tells_monitored(reconciler, order[i]);

        return !engine || engine->work->count(engine, part, all ? tallied : tell_dropped,
                                              all ? user : (gpointer) &filter, error);
}

bool bw_reconciler_count(BwReconciler *reconciler, unsigned part, BwTallied tallied, gpointer user,
                         GError **error) {
        for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
                unsigned parts = reconciler->engines[order[i]]->work->n_count_parts;

                if (part < parts)
                        return count_engine(reconciler, i, part, tallied, user, error);
                part -= parts;
        }
        g_assert_not_reached();
}
