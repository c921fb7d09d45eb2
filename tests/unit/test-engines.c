/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Both engines over a kernel that is made up: what they remember of a former run when the kernel
 * does not answer, when they see that a table has come, and whose counts they tell.
 */

#include "engine.h"
#include "iptables.h"
#include "kernel.h"
#include "nftables.h"

#include <bw/corpus.h>
#include <bw/error.h>
#include <bw/nft_reports.h>
#include <bw/plan.h>
#include <string.h>

/* The kernel */

static int refusal;                    /* a BwError of every look; -1: none */
static bool missing[BW_IPT_TABLE_MAX]; /* no such table */
static unsigned synced, checked;       /* sets of tables */
static const char *listing;            /* of nft */

static bool answer(GError **error) {
        if (refusal >= 0)
                g_set_error(error, BW_ERROR, refusal, "made up");
        return refusal < 0;
}

bool bw_kernel_has_iptables(void) {
        return true;
}

bool bw_iptables_probe(BwIptTable table, GError **error) {
        if (missing[table])
                g_set_error(error, BW_ERROR, BW_ERROR_ABSENT, "made up");
        return !missing[table];
}

static void add_rule(GPtrArray *chains, const char *name, BwIptRule rule) {
        BwIptChain *chain = bw_ipt_chain_new(name);

        g_array_append_val(chain->rules, rule);
        g_ptr_array_add(chains, chain);
}

/* vnet0's chains, and one that is empty, vnet1's. */
GPtrArray *bw_iptables_read(BwIptTable table, GError **error) {
        const char *own = bw_ipt_table_family(table) == BW_FAMILY_IPV4 ? "10.0.0.1" : "2001:db8::1";
        BwIptRule rule = { .target = BW_IPT_RETURN };
        GPtrArray *chains;

        g_assert_cmpint(bw_ipt_table_direction(table), ==, BW_DIRECTION_IN);
        if (!answer(error))
                return NULL;
        if (missing[table]) {
                g_set_error(error, BW_ERROR, BW_ERROR_ABSENT, "made up");
                return NULL;
        }
        chains = g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_unref);
        g_assert_true(bw_prefix_parse(own, &rule.source, NULL));
        add_rule(chains, "bw-i-vnet0", rule);
        g_ptr_array_add(chains, bw_ipt_chain_new("bw-i-vnet1"));
        add_rule(chains, "bw-in", (BwIptRule){ .target = BW_IPT_RETURN });
        return chains;
}

bool bw_iptables_check(BwIptTable table, const GPtrArray *chains G_GNUC_UNUSED, bool *ret_equal,
                       GError **error G_GNUC_UNUSED) {
        g_atomic_int_or(&checked, 1u << table); /* both families are looked at at the same time */
        *ret_equal = synced & 1u << table;
        return true;
}

bool bw_iptables_sync_all(BwIptWish wishes[static BW_IPT_TABLE_MAX], BwIptLock lock G_GNUC_UNUSED,
                          BwIptAhead *ahead G_GNUC_UNUSED, GError **error G_GNUC_UNUSED) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                if (wishes[table].skipped)
                        continue;
                synced |= 1u << table;
                wishes[table].report = (BwIptReport){ .changed = true };
        }
        return true;
}

/* The lock is always busy. */
BwIptAhead *bw_iptables_read_ahead(BwIptTable table G_GNUC_UNUSED) {
        return NULL;
}

void bw_iptables_ahead_free(BwIptAhead *ahead) {
        g_assert_null(ahead);
}

bool bw_iptables_count(BwIptTable table G_GNUC_UNUSED, const GPtrArray *chains G_GNUC_UNUSED,
                       BwIptCounted counted G_GNUC_UNUSED, gpointer user G_GNUC_UNUSED,
                       GError **error G_GNUC_UNUSED) {
        g_assert_not_reached();
}

BwNftables *bw_nftables_new(void) {
        return NULL;
}

void bw_nftables_free(BwNftables *nftables G_GNUC_UNUSED) {
}

bool bw_nftables_probe(BwNftables *nftables G_GNUC_UNUSED, GError **error G_GNUC_UNUSED) {
        return true;
}

bool bw_nftables_can_protect(BwNftables *nftables G_GNUC_UNUSED) {
        return false;
}

bool bw_nftables_check(BwNftables *nftables G_GNUC_UNUSED, const BwNftTable *table G_GNUC_UNUSED,
                       bool *ret_equal G_GNUC_UNUSED, GError **error G_GNUC_UNUSED) {
        g_assert_not_reached();
}

void bw_nftables_note_others(BwNftables *nftables G_GNUC_UNUSED,
                             uint32_t generation G_GNUC_UNUSED) {
        g_assert_not_reached();
}

bool bw_nftables_sync(BwNftables *nftables G_GNUC_UNUSED, const BwNftTable *table G_GNUC_UNUSED,
                      BwNftReport *ret G_GNUC_UNUSED, GError **error G_GNUC_UNUSED) {
        g_assert_not_reached();
}

bool bw_nftables_describe(BwNftables *nftables G_GNUC_UNUSED, const BwNftTable *table G_GNUC_UNUSED,
                          GPtrArray *list G_GNUC_UNUSED, GError **error G_GNUC_UNUSED) {
        g_assert_not_reached();
}

bool bw_nftables_remove(BwNftables *nftables G_GNUC_UNUSED, GError **error G_GNUC_UNUSED) {
        g_assert_not_reached();
}

/* Each set has what it has of "vk99" alone. */
bool bw_nftables_count(BwNftables *nftables G_GNUC_UNUSED, const char *set, BwNftSeen seen,
                       gpointer user, GError **error) {
        if (!answer(error))
                return false;
        g_assert_true(g_str_has_prefix(set, "seen-"));
        seen("vk99", (BwNftCount){ .packets = 3, .bytes = 300 }, user);
        return true;
}

BwNftListing *bw_nftables_read(BwNftables *nftables G_GNUC_UNUSED, GError **error) {
        return answer(error) ? bw_nft_listing_parse(listing) : NULL;
}

static void set_up(void) {
        refusal = -1;
        memset(missing, 0, sizeof(missing));
        synced = checked = 0;
        listing = "table bridge bridgewarden {\n"
                  "\tset bound {\n"
                  "\t\ttype ifname\n"
                  "\t\telements = { \"vnet0\" }\n"
                  "\t}\n"
                  "}\n";
}

/* What a former run left */

/* A guard that stays because nobody knows better must not end because the kernel was busy. */
static void test_memory(gconstpointer kind) {
        BwEngine *engine = GPOINTER_TO_INT(kind) == BW_ENGINE_IPTABLES ? bw_engine_iptables_new()
                                                                       : bw_engine_nftables_new();
        static const int passing[] = { BW_ERROR_BUSY, BW_ERROR_BROKEN, BW_ERROR_DENIED };

        set_up();
        g_assert_true(engine->work->note_inherited(engine, NULL));
        g_assert_true(engine->work->inherited(engine, "vnet0"));
        g_assert_false(engine->work->inherited(engine, "vnet1"));
        for (gsize i = 0; i < G_N_ELEMENTS(passing); i++) {
                g_autoptr(GError) error = NULL;

                refusal = passing[i];
                g_assert_false(engine->work->note_inherited(engine, &error));
                g_assert_error(error, BW_ERROR, passing[i]);
                g_assert_true(engine->work->inherited(engine, "vnet0"));
        }
        engine->work->forget_inherited(engine);
        g_assert_false(engine->work->inherited(engine, "vnet0"));
        bw_engine_free(engine);
}

static void check_own(BwEngine *engine, const char *port, const char *wanted) {
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_autoptr(GArray) macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        BwInheritedPort own = { addresses, macs, false, false };
        g_autoptr(GString) text = g_string_new(NULL);

        engine->work->add_own(engine, port, &own);
        for (guint i = 0; i < addresses->len; i++) {
                g_autofree char *address = bw_prefix_print(&g_array_index(addresses, BwPrefix, i));

                g_string_append_printf(text, "%s ", address);
        }
        g_assert_cmpstr(g_strchomp(text->str), ==, wanted);
}

/* What is a port's own by its chains of both families; of IPv6's nothing where there is none. */
static void test_memory_of_addresses(void) {
        BwEngine *engine = bw_engine_iptables_new();

        set_up();
        check_own(engine, "vnet0", "");
        g_assert_true(engine->work->note_inherited(engine, NULL));
        check_own(engine, "vnet0", "10.0.0.1 2001:db8::1");
        check_own(engine, "vnet1", "");
        missing[BW_IPT_RAW6] = true;
        g_assert_true(engine->work->note_inherited(engine, NULL));
        g_assert_true(engine->work->inherited(engine, "vnet0"));
        check_own(engine, "vnet0", "10.0.0.1");
        engine->work->forget_inherited(engine);
        check_own(engine, "vnet0", "");
        bw_engine_free(engine);
}

/* Whose table somebody has deleted is guarded by it no more. */
static void test_memory_of_nothing(void) {
        BwEngine *engine = bw_engine_nftables_new();

        set_up();
        g_assert_true(engine->work->note_inherited(engine, NULL));
        refusal = BW_ERROR_ABSENT;
        g_assert_true(engine->work->note_inherited(engine, NULL));
        g_assert_false(engine->work->inherited(engine, "vnet0"));
        bw_engine_free(engine);
}

/* Tables */

static bool is_equal(BwEngine *engine) {
        bool all = true, equal;

        for (unsigned part = 0; part < engine->work->n_check_parts; part++) {
                g_assert_true(engine->work->check(engine, part, &equal, NULL));
                all &= equal;
        }
        return all;
}

static void commit(BwEngine *engine) {
        BwPass pass = {};

        g_assert_true(engine->work->commit(engine, 0, &pass, NULL));
}

static bool lacks(BwEngine *engine) {
        g_autofree char *lack = engine->work->lack(engine);

        return lack != NULL;
}

/* A module that is loaded later makes its table one that the next check finds empty. */
static void test_late_table(void) {
        BwPlan nothing = { .bridges = g_ptr_array_new(), .segments = g_ptr_array_new() };
        BwEngine *engine = bw_engine_iptables_new();

        set_up();
        missing[BW_IPT_RAW6] = missing[BW_IPT_MANGLE6] = true;
        g_assert_true(engine->work->probe(engine, NULL));
        engine->work->want(engine, &nothing, NULL);
        commit(engine);
        g_assert_true(lacks(engine));
        g_assert_true(is_equal(engine));
        g_assert_cmphex((synced | checked) & (1u << BW_IPT_RAW6 | 1u << BW_IPT_MANGLE6), ==, 0);
        missing[BW_IPT_RAW6] = missing[BW_IPT_MANGLE6] = false;
        g_assert_false(is_equal(engine));
        commit(engine);
        g_assert_true(is_equal(engine));
        g_assert_false(lacks(engine));
        g_assert_cmphex(synced, ==, (1u << BW_IPT_TABLE_MAX) - 1);
        bw_engine_free(engine);
        g_ptr_array_unref(nothing.segments);
        g_ptr_array_unref(nothing.bridges);
}

/* Counts */

static void note_tally(const BwTally *tally, gpointer user) {
        g_assert_cmpstr(tally->port, ==, "vk99");
        g_assert_cmpuint(tally->packets, ==, 3);
        g_assert_cmpuint(tally->bytes, ==, 300);
        g_string_append_printf(user, "%s %s %s on \"%s\" %s\n", bw_reason_name(tally->reason),
                               bw_direction_name(tally->direction), tally->port, tally->bridge,
                               tally->drops ? "drops" : "sees");
}

/* (transfer full): of all parts. */
static char *count_all(BwEngine *engine) {
        g_autoptr(GString) told = g_string_new(NULL);

        for (unsigned part = 0; part < engine->work->n_count_parts; part++)
                g_assert_true(engine->work->count(engine, part, note_tally, told, NULL));
        return g_string_free(g_steal_pointer(&told), FALSE);
}

/* (transfer full): each reason as often as it has ways. */
static char *all_reasons(const char *place) {
        g_autoptr(GString) wanted = g_string_new(NULL);

        for (unsigned i = 0; i < 2 * BW_REASON_MAX; i++) {
                BwDirection direction = i % 2 ? BW_DIRECTION_OUT : BW_DIRECTION_IN;
                BwReason reason = (BwReason) (i / 2);

                if (bw_nft_reason_has(reason, direction))
                        g_string_append_printf(wanted, "%s %s vk99 %s\n", bw_reason_name(reason),
                                               bw_direction_name(direction), place);
        }
        return g_string_free(g_steal_pointer(&wanted), FALSE);
}

static void expect_counts(BwEngine *engine, const char *place) {
        g_autofree char *wanted = all_reasons(place), *told = count_all(engine);

        g_assert_cmpstr(told, ==, wanted);
}

/* @mode: of vk99, where it is one of @ports. */
static void want(BwEngine *engine, const char *const *ports, BwMode mode) {
        g_autoptr(BwModel) model = bw_model_new();
        BwScene scene = bw_scene_new();
        g_autoptr(BwPlan) plan = bw_scene_plan_new(&scene, ports, "");
        BwPortPlan *port = (BwPortPlan *) bw_plan_find_port(plan, "vk99", NULL);

        g_assert_true(!port == !*ports);
        if (port)
                port->mode = mode;
        engine->work->want(engine, plan, model);
}

/* Where a port is, and what becomes of what it is denied, is said as of the last plan, however
 * often is counted between two. */
static void test_places(void) {
        static const char *const none[] = { NULL }, *const vk99[] = { "vk99", NULL };
        BwEngine *engine = bw_engine_nftables_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *told = NULL;

        set_up();
        told = count_all(engine);
        g_assert_cmpstr(told, ==, "");
        want(engine, none, BW_MODE_OFF);
        expect_counts(engine, "on \"\" drops");
        want(engine, vk99, BW_MODE_MONITOR);
        expect_counts(engine, "on \"virbr6\" sees");
        expect_counts(engine, "on \"virbr6\" sees");
        want(engine, vk99, BW_MODE_ENFORCE);
        expect_counts(engine, "on \"virbr6\" drops");
        want(engine, none, BW_MODE_OFF);
        expect_counts(engine, "on \"\" drops");
        refusal = BW_ERROR_BUSY;
        g_assert_false(engine->work->count(engine, BW_REASON_SPOOFED_IP, note_tally, NULL, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_BUSY);
        bw_engine_free(engine);
}

typedef enum Other { OTHER_NOTHING, OTHER_IPV4_GATEWAY, OTHER_IPV6_GATEWAY, OTHER_NETWORK } Other;

/* A plan of its own each time. The watched port may use any address and nobody is a router, so that
 * a gateway shows in what comes in by that port alone; a network, in what goes out. */
static bool is_other(BwEngine *engine, Other other) {
        static const BwPrefix gateways[] = {
                [OTHER_IPV4_GATEWAY] = { BW_FAMILY_IPV4, 32, { 10, 0, 0, 1 } },
                [OTHER_IPV6_GATEWAY] = { BW_FAMILY_IPV6, 128, { 0xfd, [15] = 1 } },
        };
        const BwPrefix network = { BW_FAMILY_IPV4, 24, { 10 } };
        BwScene scene = bw_scene_new();
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwPlan) plan = bw_scene_plan_new(&scene, NULL, "");
        const BwBridgePlan *bridge = plan->bridges->pdata[0];
        BwSegmentPlan *segment = plan->segments->pdata[0];
        BwPortPlan *port = (BwPortPlan *) bw_plan_find_port(plan, "vk65", NULL);

        for (guint i = 0; i < bridge->ports->len; i++)
                ((BwPortPlan *) bridge->ports->pdata[i])->router = false;
        port->state = BW_PORT_ANY_ADDRESS;
        if (other == OTHER_NETWORK)
                g_array_append_val(bridge->networks, network);
        else if (other != OTHER_NOTHING)
                g_array_append_val(segment->gateways, gateways[other]);
        engine->work->want(engine, plan, model);
        return engine->work->differs(engine);
}

/* Another plan that says the same is no news; one that changes a single table is. */
static void test_differs(void) {
        BwEngine *engine = bw_engine_iptables_new();
        g_autoptr(GError) error = NULL;
        BwPass pass = {};

        set_up();
        g_assert_true(is_other(engine, OTHER_NOTHING));
        for (Other other = OTHER_IPV4_GATEWAY; other <= OTHER_NETWORK; other++) {
                g_assert_false(is_other(engine, OTHER_NOTHING));
                g_assert_true(is_other(engine, other));
                g_assert_false(is_other(engine, other));
                g_assert_true(is_other(engine, OTHER_NOTHING));
        }
        g_assert_true(engine->work->disarm(engine, 0, &pass, &error));
        g_assert_true(is_other(engine, OTHER_NOTHING));
        bw_engine_free(engine);
}

/* It came into use while all waited for libvirt: what is wanted is said later. */
static void test_nothing_planned(void) {
        BwEngine *engine = bw_engine_nftables_new();
        g_autoptr(GError) error = NULL;
        BwPass pass = {};

        set_up();
        g_assert_false(engine->work->commit(engine, 0, &pass, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_BUSY);
        bw_engine_free(engine);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_data_func("/engines/iptables/memory", GINT_TO_POINTER(BW_ENGINE_IPTABLES),
                             test_memory);
        g_test_add_data_func("/engines/nftables/memory", GINT_TO_POINTER(BW_ENGINE_NFTABLES),
                             test_memory);
        g_test_add_func("/engines/iptables/memory-of-addresses", test_memory_of_addresses);
        g_test_add_func("/engines/nftables/memory-of-nothing", test_memory_of_nothing);
        g_test_add_func("/engines/iptables/late-table", test_late_table);
        g_test_add_func("/engines/iptables/differs", test_differs);
        g_test_add_func("/engines/nftables/places", test_places);
        g_test_add_func("/engines/nftables/nothing-planned", test_nothing_planned);
        return g_test_run();
}
