/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two made-up engines: each is tried whatever becomes of the other, the first failure is told, one
 * that is given up is taken down once the other stands, and what is let pass is counted once.
 */

#include "reconciler.h"

#include <bw/error.h>

typedef struct Fake {
        BwEngine engine;
        unsigned wanted, committed, disarmed;
        unsigned counted;    /* (set of parts) */
        uint32_t generation; /* of others, as it was told */
        bool equal;
        int refusal; /* of commit and disarm: a BwError; -1: none */
        const char *inherited;
} Fake;

static Fake *fakes[BW_ENGINE_MAX];
static GString *story; /* what was called, in order */

static bool answer(Fake *fake, const char *what, GError **error) {
        g_string_append_printf(story, "%s%s %s", story->len > 0 ? ", " : "",
                               bw_engine_name(fake->engine.work->kind), what);
        if (fake->refusal < 0)
                return true;
        g_set_error(error, BW_ERROR, fake->refusal, "%s refuses",
                    bw_engine_name(fake->engine.work->kind));
        return false;
}

static void fake_free(BwEngine *engine) {
        fakes[engine->work->kind] = NULL;
        g_free(engine);
}

static bool probe(BwEngine *engine, GError **error) {
        return answer((Fake *) engine, "probed", error);
}

static char *lack(const BwEngine *engine G_GNUC_UNUSED) {
        return g_strdup("half of it");
}

static bool note_inherited(BwEngine *engine, GError **error) {
        return answer((Fake *) engine, "looked", error);
}

static void forget_inherited(BwEngine *engine) {
        ((Fake *) engine)->inherited = NULL;
}

static bool inherited(const BwEngine *engine, const char *port) {
        return g_strcmp0(((const Fake *) engine)->inherited, port) == 0;
}

static void want(BwEngine *engine, const BwPlan *plan G_GNUC_UNUSED,
                 const BwModel *model G_GNUC_UNUSED) {
        ((Fake *) engine)->wanted++;
}

static bool differs(BwEngine *engine) {
        return ((Fake *) engine)->wanted == 1;
}

static bool commit(BwEngine *engine, int64_t now_usec G_GNUC_UNUSED, BwPass *pass, GError **error) {
        pass->commits++;
        ((Fake *) engine)->committed++;
        return answer((Fake *) engine, "committed", error);
}

static bool disarm(BwEngine *engine, int64_t now_usec G_GNUC_UNUSED, BwPass *pass G_GNUC_UNUSED,
                   GError **error) {
        ((Fake *) engine)->disarmed++;
        return answer((Fake *) engine, "disarmed", error);
}

/* Two parts; what is asked for in the first differs in the second. */
static bool check(BwEngine *engine, unsigned part, bool *ret_equal, GError **error) {
        *ret_equal = part == 0 || ((Fake *) engine)->equal;
        return answer((Fake *) engine, part == 0 ? "checked" : "checked further", error);
}

static bool describe(BwEngine *engine, GPtrArray *list, GError **error) {
        bw_difference_add(list, bw_engine_name(engine->work->kind), "", true, "");
        return answer((Fake *) engine, "described", error);
}

/* Of each of two parts: one dropped, ten let pass. */
#define PARTS 2
static bool count(BwEngine *engine, unsigned part, BwTallied tallied, gpointer user,
                  GError **error G_GNUC_UNUSED) {
        BwTally tally = { .bridge = "br1", .port = "vnet0", .drops = true, .packets = 1 };

        g_assert_cmpuint(part, <, PARTS);
        g_assert_cmpuint(((Fake *) engine)->counted & 1u << part, ==, 0);
        ((Fake *) engine)->counted |= 1u << part;

        tallied(&tally, user);
        tally.drops = false;
        tally.packets = 10;
        tallied(&tally, user);
        return true;
}

static void note_others(BwEngine *engine, uint32_t generation) {
        ((Fake *) engine)->generation = generation;
}

static BwEngine *fake_new(BwEngineKind kind) {
        static BwEngineWork works[BW_ENGINE_MAX];
        Fake *fake = g_new0(Fake, 1);

        works[kind] = (BwEngineWork){ .kind = kind,
                                      .free = fake_free,
                                      .probe = probe,
                                      .lack = lack,
                                      .note_inherited = note_inherited,
                                      .forget_inherited = forget_inherited,
                                      .inherited = inherited,
                                      .want = want,
                                      .differs = differs,
                                      .commit = commit,
                                      .disarm = disarm,
                                      .check = check,
                                      .n_check_parts = 2,
                                      .describe = describe,
                                      .n_count_parts = PARTS,
                                      .count = count };
        if (kind == BW_ENGINE_NFTABLES)
                works[kind].note_others = note_others;
        fake->engine.work = &works[kind];
        fake->equal = true;
        fake->refusal = -1;
        fakes[kind] = fake;
        return &fake->engine;
}

BwEngine *bw_engine_iptables_new(void) {
        return fake_new(BW_ENGINE_IPTABLES);
}

BwEngine *bw_engine_nftables_new(void) {
        return fake_new(BW_ENGINE_NFTABLES);
}

static const unsigned ipt = BW_ENGINE_BIT(BW_ENGINE_IPTABLES),
                      nft = BW_ENGINE_BIT(BW_ENGINE_NFTABLES);

/* One port, which is a former run's when @kept. */
static BwPlan *plan_of(bool kept) {
        BwPlan *plan = g_new0(BwPlan, 1);
        BwBridgePlan *bridge = g_new0(BwBridgePlan, 1);
        BwPortPlan *port = g_new0(BwPortPlan, 1);

        port->state = kept ? BW_PORT_INHERITED : BW_PORT_STRANGER;
        bridge->ports = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(bridge->ports, port);
        plan->bridges = g_ptr_array_new();
        g_ptr_array_add(plan->bridges, bridge);
        return plan;
}

static void plan_free(BwPlan *plan) {
        BwBridgePlan *bridge = plan->bridges->pdata[0];

        g_ptr_array_unref(bridge->ports);
        g_free(bridge);
        g_ptr_array_unref(plan->bridges);
        g_free(plan);
}

static BwReconciler *start(unsigned used) {
        BwReconciler *reconciler = bw_reconciler_new();
        BwPlan *plan = plan_of(false);

        if (story)
                g_string_free(story, TRUE);
        story = g_string_new(NULL);
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                if (used & BW_ENGINE_BIT(kind))
                        bw_reconciler_use(reconciler, kind);
        g_assert_cmpint(bw_reconciler_want(reconciler, plan, NULL), ==, used != 0);
        g_assert_false(bw_reconciler_want(reconciler, plan, NULL));
        plan_free(plan);
        return reconciler;
}

static void test_each_is_tried(void) {
        g_autoptr(BwReconciler) reconciler = start(ipt | nft);
        g_autoptr(GError) error = NULL;
        BwPass pass;

        fakes[BW_ENGINE_NFTABLES]->refusal = BW_ERROR_STALE;
        g_assert_false(bw_reconciler_commit(reconciler, 0, &pass, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_STALE);
        g_assert_cmpstr(error->message, ==, "nftables refuses");
        g_assert_cmpuint(fakes[BW_ENGINE_IPTABLES]->committed, ==, 1);
        g_assert_cmpuint(bw_reconciler_in_step(reconciler), ==, ipt);
        g_assert_cmpuint(pass.commits, ==, 2);

        g_clear_error(&error);
        fakes[BW_ENGINE_IPTABLES]->refusal = BW_ERROR_BUSY;
        g_assert_false(bw_reconciler_commit(reconciler, 0, &pass, &error));
        g_assert_cmpstr(error->message, ==, "nftables refuses");
        g_assert_cmpuint(bw_reconciler_in_step(reconciler), ==, 0);
        fakes[BW_ENGINE_NFTABLES]->refusal = fakes[BW_ENGINE_IPTABLES]->refusal = -1;
        g_assert_true(bw_reconciler_commit(reconciler, 0, &pass, NULL));
        g_assert_cmpuint(bw_reconciler_in_step(reconciler), ==, ipt | nft);
        g_assert_cmpuint(bw_reconciler_generation(reconciler), ==, 6);
}

/* The new one first; and not before it stands. */
static void test_give_up(void) {
        g_autoptr(BwReconciler) reconciler = start(nft);
        BwPass pass;

        bw_reconciler_give_up(reconciler, BW_ENGINE_IPTABLES);
        g_assert_cmpuint(bw_reconciler_used(reconciler), ==, nft);
        fakes[BW_ENGINE_NFTABLES]->refusal = BW_ERROR_BUSY;
        g_assert_false(bw_reconciler_commit(reconciler, 0, &pass, NULL));
        g_assert_cmpuint(fakes[BW_ENGINE_IPTABLES]->disarmed, ==, 0);
        fakes[BW_ENGINE_NFTABLES]->refusal = -1;
        g_assert_true(bw_reconciler_commit(reconciler, 0, &pass, NULL));
        g_assert_cmpstr(story->str, ==,
                        "nftables committed, nftables committed, iptables disarmed");
        g_assert_false(bw_reconciler_has_leftovers(reconciler));
        g_assert_null(bw_reconciler_leftover(reconciler));
        g_assert_true(bw_reconciler_commit(reconciler, 0, &pass, NULL));
        g_assert_cmpuint(fakes[BW_ENGINE_IPTABLES]->disarmed, ==, 1);
}

/* That is no trouble of the guard's, and tried again. */
static void test_leftover(void) {
        g_autoptr(BwReconciler) reconciler = start(nft);
        BwPass pass;

        bw_reconciler_give_up(reconciler, BW_ENGINE_IPTABLES);
        fakes[BW_ENGINE_IPTABLES]->refusal = BW_ERROR_DENIED;
        g_assert_true(bw_reconciler_commit(reconciler, 0, &pass, NULL));
        g_assert_cmpstr(bw_reconciler_leftover(reconciler)->message, ==, "iptables refuses");
        g_assert_true(bw_reconciler_has_leftovers(reconciler));
        fakes[BW_ENGINE_IPTABLES]->refusal = -1;
        g_assert_true(bw_reconciler_commit(reconciler, 0, &pass, NULL));
        g_assert_null(bw_reconciler_leftover(reconciler));
        g_assert_false(bw_reconciler_has_leftovers(reconciler));
}

/* What a port still leans on stays, whatever Engines= says. */
static void test_given_up_is_kept(void) {
        g_autoptr(BwReconciler) reconciler = start(nft);
        BwPlan *kept = plan_of(true), *known = plan_of(false);
        BwPass pass;

        fakes[BW_ENGINE_IPTABLES]->inherited = "vnet0";
        g_assert_true(bw_reconciler_inherited(reconciler, "vnet0"));
        g_assert_false(bw_reconciler_inherited(reconciler, "vnet1"));
        bw_reconciler_give_up(reconciler, BW_ENGINE_IPTABLES);
        bw_reconciler_want(reconciler, kept, NULL);
        g_assert_true(bw_reconciler_commit(reconciler, 0, &pass, NULL));
        g_assert_cmpuint(fakes[BW_ENGINE_IPTABLES]->disarmed, ==, 0);
        g_assert_true(bw_reconciler_has_leftovers(reconciler));
        bw_reconciler_forget_inherited(reconciler);
        g_assert_false(bw_reconciler_inherited(reconciler, "vnet0"));
        bw_reconciler_want(reconciler, known, NULL);
        g_assert_true(bw_reconciler_commit(reconciler, 0, &pass, NULL));
        g_assert_cmpuint(fakes[BW_ENGINE_IPTABLES]->disarmed, ==, 1);
        plan_free(kept);
        plan_free(known);
}

/* A refused disarm leaves the engine that sees most as it was. */
static void test_disarm(void) {
        g_autoptr(BwReconciler) reconciler = start(ipt | nft);
        g_autoptr(GError) error = NULL;
        BwPass pass;

        fakes[BW_ENGINE_IPTABLES]->refusal = BW_ERROR_BUSY;
        g_assert_false(bw_reconciler_disarm(reconciler, 0, &pass, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_BUSY);
        g_assert_cmpuint(fakes[BW_ENGINE_NFTABLES]->disarmed, ==, 0);
        fakes[BW_ENGINE_IPTABLES]->refusal = -1;
        g_assert_true(bw_reconciler_disarm(reconciler, 0, &pass, NULL));
        g_assert_cmpuint(fakes[BW_ENGINE_NFTABLES]->disarmed, ==, 1);
        g_assert_cmpuint(bw_reconciler_in_step(reconciler), ==, 0);
}

/* To the end, or to the first part that differs. */
static bool check_all(BwReconciler *reconciler) {
        BwCheck check = {};
        bool equal = true, more = true;

        g_string_truncate(story, 0);
        while (equal && more)
                g_assert_true(bw_reconciler_check(reconciler, &check, &equal, &more, NULL));
        return equal;
}

static void test_check(void) {
        g_autoptr(BwReconciler) reconciler = start(ipt | nft);

        g_assert_true(bw_reconciler_commit(reconciler, 0, &(BwPass){}, NULL));
        g_assert_true(check_all(reconciler));
        g_assert_cmpstr(story->str, ==,
                        "nftables checked, nftables checked further, iptables checked, "
                        "iptables checked further");
        g_assert_cmpuint(bw_reconciler_in_step(reconciler), ==, ipt | nft);
        fakes[BW_ENGINE_NFTABLES]->equal = false;
        g_assert_false(check_all(reconciler));
        g_assert_cmpstr(story->str, ==, "nftables checked, nftables checked further");
        g_assert_cmpuint(bw_reconciler_in_step(reconciler), ==, ipt);
        fakes[BW_ENGINE_NFTABLES]->equal = true;
        fakes[BW_ENGINE_IPTABLES]->equal = false;
        g_assert_false(check_all(reconciler));
}

/* What comes in between may take an engine out of use, or all. */
static void test_check_between(void) {
        g_autoptr(BwReconciler) reconciler = start(ipt | nft);
        BwCheck check = {};
        bool equal, more;

        g_assert_true(bw_reconciler_check(reconciler, &check, &equal, &more, NULL));
        bw_reconciler_give_up(reconciler, BW_ENGINE_NFTABLES);
        g_string_truncate(story, 0);
        g_assert_true(bw_reconciler_check(reconciler, &check, &equal, &more, NULL));
        g_assert_cmpstr(story->str, ==, "iptables checked");
        g_assert_true(more);
        bw_reconciler_give_up(reconciler, BW_ENGINE_IPTABLES);
        g_assert_true(bw_reconciler_check(reconciler, &check, &equal, &more, NULL));
        g_assert_true(equal);
        g_assert_false(more);
}

/* That a part cannot be read does not keep the others from being looked at. */
static void test_check_failure(void) {
        g_autoptr(BwReconciler) reconciler = start(ipt | nft);
        g_autoptr(GError) error = NULL;
        BwCheck check = {};
        bool equal, more;

        fakes[BW_ENGINE_NFTABLES]->refusal = BW_ERROR_BROKEN;
        g_assert_false(bw_reconciler_check(reconciler, &check, &equal, &more, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_BROKEN);
        g_assert_true(more);
        g_assert_cmpuint(check.part, ==, 1);
}

/* Only the engines in use, in their order; and what they say changes no mind of ours. */
static void test_describe(void) {
        g_autoptr(BwReconciler) reconciler = start(ipt | nft);
        g_autoptr(GPtrArray) list = bw_difference_list_new();
        g_autoptr(GError) error = NULL;

        g_assert_true(bw_reconciler_commit(reconciler, 0, &(BwPass){}, NULL));
        g_string_truncate(story, 0);
        g_assert_true(bw_reconciler_describe(reconciler, list, NULL));
        g_assert_cmpstr(story->str, ==, "nftables described, iptables described");
        g_assert_cmpuint(list->len, ==, 2);
        g_assert_cmpuint(bw_reconciler_in_step(reconciler), ==, ipt | nft);
        bw_reconciler_give_up(reconciler, BW_ENGINE_NFTABLES);
        g_assert_true(bw_reconciler_describe(reconciler, list, NULL));
        g_assert_cmpuint(list->len, ==, 3);
        fakes[BW_ENGINE_IPTABLES]->refusal = BW_ERROR_DENIED;
        g_assert_false(bw_reconciler_describe(reconciler, list, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_DENIED);
}

static void add_up(const BwTally *tally, gpointer user) {
        *(uint64_t *) user += tally->packets;
}

static uint64_t sum_of(unsigned used) {
        g_autoptr(BwReconciler) reconciler = start(used);
        uint64_t sum = 0;

        g_assert_cmpuint(bw_reconciler_count_parts(reconciler), ==, 2 * PARTS);
        for (unsigned part = 0; part < 2 * PARTS; part++)
                g_assert_true(bw_reconciler_count(reconciler, part, add_up, &sum, NULL));
        g_assert_cmpint(bw_reconciler_tells_monitored(reconciler, BW_ENGINE_NFTABLES), ==,
                        (used & nft) != 0);
        g_assert_cmpint(bw_reconciler_tells_monitored(reconciler, BW_ENGINE_IPTABLES), ==,
                        used == ipt);
        return sum;
}

static void test_count(void) {
        g_assert_cmpuint(sum_of(0), ==, 0);
        g_assert_cmpuint(sum_of(ipt), ==, PARTS * 11);
        g_assert_cmpuint(sum_of(nft), ==, PARTS * 11);
        g_assert_cmpuint(sum_of(ipt | nft), ==, PARTS * 12);
}

/* Who has no use for it is not asked, and who is not in use is not told. */
static void test_note_others(void) {
        g_autoptr(BwReconciler) reconciler = bw_reconciler_new();

        bw_reconciler_use(reconciler, BW_ENGINE_IPTABLES);
        bw_reconciler_note_others(reconciler, 7);
        g_assert_cmpuint(fakes[BW_ENGINE_NFTABLES]->generation, ==, 0);
        bw_reconciler_use(reconciler, BW_ENGINE_NFTABLES);
        bw_reconciler_note_others(reconciler, 8);
        g_assert_cmpuint(fakes[BW_ENGINE_NFTABLES]->generation, ==, 8);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/reconciler/each-is-tried", test_each_is_tried);
        g_test_add_func("/reconciler/give-up", test_give_up);
        g_test_add_func("/reconciler/leftover", test_leftover);
        g_test_add_func("/reconciler/given-up-is-kept", test_given_up_is_kept);
        g_test_add_func("/reconciler/disarm", test_disarm);
        g_test_add_func("/reconciler/check", test_check);
        g_test_add_func("/reconciler/check/between", test_check_between);
        g_test_add_func("/reconciler/check/failure", test_check_failure);
        g_test_add_func("/reconciler/note-others", test_note_others);
        g_test_add_func("/reconciler/describe", test_describe);
        g_test_add_func("/reconciler/count", test_count);
        return g_test_run();
}
