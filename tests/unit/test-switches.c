/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The conductor's switches with a kernel that is made up: what it is asked for, and what is said
 * when it will not or cannot.
 */

#include <bw/error.h>
#include <kernel.h>
#include <string.h>
#include <switches.h>

/* The other rooms, as far as they are asked. */

static bool has_br_netfilter = true;
static int refusal = -1; /* BwError, of every wish */
static unsigned wishes;  /* so many were sent, */
static unsigned wished;  /* for this set */
static GString *said;
static GHashTable *hazards;

bool bw_kernel_has_br_netfilter(void) {
        return has_br_netfilter;
}

bool bw_netlink_set_switch(G_GNUC_UNUSED BwNetlink *netlink, int bridge, BwBridgeSwitch kind,
                           bool on, GError **error) {
        g_assert_cmpint(bridge, ==, 5);
        g_assert_true(on);
        wishes++;
        wished |= BW_SWITCH_BIT(kind);
        if (refusal < 0)
                return true;
        g_set_error(error, BW_ERROR, refusal, "set %s: refused", bw_bridge_switch_name(kind));
        return false;
}

void bw_journal_say(G_GNUC_UNUSED BwJournal *journal, BwMessage message, G_GNUC_UNUSED int priority,
                    const char *sentence, ...) {
        g_assert_cmpint(message, ==, BW_MESSAGE_DRIFT_REPAIRED);
        g_string_append_printf(said, "%s\n", sentence);
}

static char *key_of(BwHazardKind kind, const char *subject) {
        return g_strdup_printf("%s %s", bw_hazard_kind_name(kind), subject);
}

void bw_hazards_raise(G_GNUC_UNUSED BwHazards *all, BwHazardKind kind, const char *subject,
                      const char *bridge, const char *sentence) {
        g_assert_cmpstr(bridge, ==, kind == BW_HAZARD_CALL_OFF ? "virbr6" : NULL);
        g_hash_table_replace(hazards, key_of(kind, subject), g_strdup(sentence));
}

void bw_hazards_clear(G_GNUC_UNUSED BwHazards *all, BwHazardKind kind, const char *subject) {
        g_autofree char *key = key_of(kind, subject);

        g_hash_table_remove(hazards, key);
}

/* The scene: one bridge. */

typedef struct Scene {
        BwSwitches *switches;
        BwBridgePlan bridge;
        GPtrArray *bridges;
        BwPlan plan;
} Scene;

static void set_up(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        has_br_netfilter = true;
        refusal = -1;
        wishes = wished = 0;
        said = g_string_new(NULL);
        hazards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        scene->switches = bw_switches_new(NULL, NULL, NULL);
        scene->bridge = (BwBridgePlan){ .name = "virbr6",
                                        .ifindex = 5,
                                        .switches = BW_SWITCH_ALL,
                                        .switches_known = BW_SWITCH_ALL };
        scene->bridges = g_ptr_array_new();
        g_ptr_array_add(scene->bridges, &scene->bridge);
        scene->plan = (BwPlan){ .bridges = scene->bridges };
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        bw_switches_free(scene->switches);
        g_ptr_array_unref(scene->bridges);
        g_hash_table_unref(hazards);
        g_string_free(said, TRUE);
}

static void check(Scene *scene, unsigned on) {
        wishes = wished = 0;
        g_string_truncate(said, 0);
        scene->bridge.switches = on;
        bw_switches_check(scene->switches, &scene->plan);
}

static unsigned count_hazards(void) {
        return g_hash_table_size(hazards);
}

#define NO_LEARN BW_SWITCH_BIT(BW_SWITCH_NO_LINKLOCAL_LEARN)
#define NFTABLES BW_ENGINE_BIT(BW_ENGINE_NFTABLES)

static void test_switched_on(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        check(scene, 0);
        g_assert_cmphex(wished, ==, BW_SWITCH_ALL);
        g_assert_cmpuint(wishes, ==, BW_SWITCH_MAX);
        check(scene, BW_SWITCH_ALL & ~NO_LEARN);
        g_assert_cmphex(wished, ==, NO_LEARN);
        check(scene, BW_SWITCH_ALL);
        g_assert_cmphex(wished, ==, 0);
        g_assert_cmpuint(count_hazards(), ==, 0);
}

/* Said only of what was seen on, and with its name. */
static void test_drift(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        check(scene, 0);
        g_assert_cmpstr(said->str, ==, "");
        check(scene, NO_LEARN);
        g_assert_cmpstr(said->str, ==, "");
        check(scene, 0);
        g_assert_true(g_str_has_prefix(
                said->str, "Somebody switched no_linklocal_learn of bridge virbr6 off; it is on "
                           "again. Without it the bridge learns "));
        bw_switches_forget(scene->switches, 5);
        check(scene, 0);
        g_assert_cmpstr(said->str, ==, "");
}

/* It is told, and not asked for what it does not have. */
static void test_old_kernel(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        scene->bridge.switches_known = BW_SWITCH_ALL & ~NO_LEARN;
        for (unsigned i = 0; i < 3; i++) {
                check(scene, BW_SWITCH_ALL & ~NO_LEARN);
                g_assert_cmpuint(wishes, ==, 0);
                g_assert_cmpuint(count_hazards(), ==, 1);
        }
        g_assert_cmpstr(g_hash_table_lookup(hazards, "call-off virbr6/no_linklocal_learn"), ==,
                        "Bridge virbr6 learns senders of link-local frames (LLDP) that no rule "
                        "sees, so that a guest can take over a neighbour's MAC address: this "
                        "kernel does not have the switch no_linklocal_learn");
        g_ptr_array_set_size(scene->bridges, 0);
        check(scene, 0);
        g_assert_cmpuint(count_hazards(), ==, 0);
}

static void test_refused(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        refusal = BW_ERROR_DENIED;
        check(scene, 0);
        g_assert_cmpuint(count_hazards(), ==, BW_SWITCH_MAX);
        g_assert_cmpstr(g_hash_table_lookup(hazards, "call-off virbr6/nf_call_ip6tables"), ==,
                        "Bridge virbr6 does not show its IPv6 packets to ip6tables: set "
                        "nf_call_ip6tables: refused");
        refusal = -1;
        check(scene, 0);
        g_assert_cmpuint(count_hazards(), ==, 0);
        /* It went between our look and our wish. */
        refusal = BW_ERROR_ABSENT;
        check(scene, 0);
        g_assert_cmpuint(count_hazards(), ==, 0);
}

static void test_no_module(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        has_br_netfilter = false;
        refusal = BW_ERROR_ABSENT;
        check(scene, NO_LEARN);
        g_assert_true(g_hash_table_contains(hazards, "no-br-netfilter "));
        g_assert_true(g_hash_table_contains(hazards, "call-off virbr6/nf_call_iptables"));
        g_assert_cmpuint(count_hazards(), ==, 3);
}

/* Where iptables has no rules its switches are nobody's business. */
static void test_nftables_alone(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        has_br_netfilter = false;
        refusal = BW_ERROR_DENIED;
        check(scene, 0);
        g_assert_cmpuint(count_hazards(), ==, 4);
        refusal = -1;
        bw_switches_serve(scene->switches, NFTABLES);
        check(scene, 0);
        g_assert_cmphex(wished, ==, NO_LEARN);
        g_assert_cmpuint(count_hazards(), ==, 0);
        check(scene, BW_SWITCH_ALL);
        check(scene, NO_LEARN);
        g_assert_cmpuint(wishes, ==, 0);
        bw_switches_serve(scene->switches, BW_ENGINE_ALL);
        check(scene, NO_LEARN);
        g_assert_cmphex(wished, ==, BW_SWITCH_ALL & ~NO_LEARN);
        g_assert_cmpstr(said->str, ==, "");
}

static void test_sets(void) {
        const unsigned iptables = BW_ENGINE_BIT(BW_ENGINE_IPTABLES);

        g_assert_cmphex(bw_bridge_switches_wanted(0), ==, 0);
        g_assert_cmphex(bw_bridge_switches_feeding(0), ==, 0);
        g_assert_cmphex(bw_bridge_switches_wanted(NFTABLES), ==, NO_LEARN);
        g_assert_cmphex(bw_bridge_switches_feeding(NFTABLES), ==, 0);
        g_assert_cmphex(bw_bridge_switches_wanted(iptables), ==, BW_SWITCH_ALL);
        g_assert_cmphex(bw_bridge_switches_feeding(iptables), ==, BW_SWITCH_ALL & ~NO_LEARN);
        g_assert_cmphex(bw_bridge_switches_wanted(BW_ENGINE_ALL), ==, BW_SWITCH_ALL);
}

/* Both families, and what is no switch of packets does not count. */
static void test_feed(void) {
        g_assert_true(bw_bridge_switches_feed(BW_SWITCH_ALL, BW_ENGINE_IPTABLES));
        g_assert_true(bw_bridge_switches_feed(BW_SWITCH_ALL & ~NO_LEARN, BW_ENGINE_IPTABLES));
        g_assert_false(bw_bridge_switches_feed(
                BW_SWITCH_ALL & ~BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IPTABLES), BW_ENGINE_IPTABLES));
        g_assert_false(bw_bridge_switches_feed(
                BW_SWITCH_ALL & ~BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IP6TABLES), BW_ENGINE_IPTABLES));
        g_assert_false(bw_bridge_switches_feed(0, BW_ENGINE_IPTABLES));
        g_assert_true(bw_bridge_switches_feed(0, BW_ENGINE_NFTABLES));
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*test)(Scene *scene, gconstpointer unused);
        } rows[] = { { "/switches/switched-on", test_switched_on },
                     { "/switches/drift", test_drift },
                     { "/switches/old-kernel", test_old_kernel },
                     { "/switches/refused", test_refused },
                     { "/switches/no-module", test_no_module },
                     { "/switches/nftables-alone", test_nftables_alone } };

        g_test_init(&argc, &argv, NULL);
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
                g_test_add(rows[i].name, Scene, NULL, set_up, rows[i].test, tear_down);
        g_test_add_func("/switches/sets", test_sets);
        g_test_add_func("/switches/feed", test_feed);
        return g_test_run();
}
