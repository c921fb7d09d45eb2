/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The watch over forwarding tables with a journal that is made up: whom it tells of, how often, and
 * what an event costs it.
 */

#include <bw/border.h>
#include <fdb_watch.h>
#include <stdio.h>

#include "hand_made.h"

#define EVENTS 100000

/* The other rooms, as far as they are asked. */

static GPtrArray *said;     /* BW_EVENT, and the sentence */
static GHashTable *hazards; /* subject -> sentence */
static GSourceFunc interval_ends;
static gpointer interval_user;

void bw_journal_say(G_GNUC_UNUSED BwJournal *journal, BwMessage message, G_GNUC_UNUSED int priority,
                    const char *sentence, ...) {
        g_assert_true(message == BW_MESSAGE_MAC_MOVED || message == BW_MESSAGE_MAC_FLOOD);
        g_ptr_array_add(said, g_strdup(sentence));
}

void bw_hazards_raise(G_GNUC_UNUSED BwHazards *all, BwHazardKind kind, const char *subject,
                      G_GNUC_UNUSED const char *bridge, const char *sentence) {
        g_assert_cmpint(kind, ==, BW_HAZARD_FLOOD_RISK);
        g_hash_table_replace(hazards, g_strdup(subject), g_strdup(sentence));
}

void bw_hazards_clear(G_GNUC_UNUSED BwHazards *all, BwHazardKind kind, const char *subject) {
        g_assert_cmpint(kind, ==, BW_HAZARD_FLOOD_RISK);
        g_hash_table_remove(hazards, subject);
}

/* The interval ends when the test says so. */
guint __wrap_g_timeout_add_seconds(guint seconds, GSourceFunc function, gpointer user);
guint __wrap_g_timeout_add_seconds(guint seconds, GSourceFunc function, gpointer user) {
        g_assert_cmpuint(seconds, ==, 10);
        g_assert_null(interval_ends);
        interval_ends = function;
        interval_user = user;
        return 1;
}

gboolean __wrap_g_source_remove(guint tag);
gboolean __wrap_g_source_remove(guint tag) {
        g_assert_cmpuint(tag, ==, 1);
        interval_ends = NULL;
        return TRUE;
}

static void end_interval(void) {
        GSourceFunc function = interval_ends;

        g_assert_nonnull(function);
        interval_ends = NULL;
        g_assert_false(function(interval_user));
}

/* The scene: a thousand ports on one bridge, and a border on another. */

typedef struct Scene {
        BwPlan *plan;
        BwBridgePlan *bridge, *far;
        BwPortPlan *victim, *thief, *border;
        BwModel *model;
        BwFdbWatch *watch;
} Scene;

static void set_up(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        said = g_ptr_array_new_with_free_func(g_free);
        hazards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        interval_ends = NULL;
        scene->model = bw_model_new();
        scene->plan = make_plan();
        scene->bridge = make_bridge(scene->plan, "virbr6", 5);
        scene->far = make_bridge(scene->plan, "virbr7", 6);
        scene->victim = make_port(scene->bridge, "vk63", 13, 63);
        scene->thief = make_port(scene->bridge, "vk64", 14, 64);
        scene->border = make_port(scene->far, "vethb1", 20, 70);
        scene->border->role = BW_ROLE_LINK;
        scene->border->state = BW_PORT_BORDER;
        g_array_set_size(scene->border->macs, 0);
        for (int i = 0; i < 1000; i++) {
                g_autofree char *name = g_strdup_printf("vnet%03d", i);
                BwPortPlan *port = make_port(scene->bridge, name, 100 + i, 1);

                g_array_index(port->macs, BwMac, 0) =
                        (BwMac){ { 0x52, 0x54, 1, 0, (uint8_t) (i >> 8), (uint8_t) i } };
        }
        scene->watch = bw_fdb_watch_new(NULL, NULL);
        bw_fdb_watch_set_plan(scene->watch, scene->plan);
        tell_link(scene->model, make_link("vk63", 13, 5, 0));
        tell_link(scene->model, make_link("vk64", 14, 5, 0));
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        bw_fdb_watch_free(scene->watch);
        unmake_plan(scene->plan);
        bw_model_free(scene->model);
        g_hash_table_unref(hazards);
        g_ptr_array_unref(said);
}

static void tell(Scene *scene, const BwFact *fact) {
        bw_fdb_watch_take(scene->watch, scene->model, fact);
        bw_model_apply(scene->model, fact, 0);
}

static void learn(Scene *scene, BwMac mac, int bridge, int port) {
        const BwFact fact = fdb_fact(BW_FACT_FDB, mac, bridge, port, false);

        tell(scene, &fact);
}

static void expire(Scene *scene, BwMac mac, int bridge, int port) {
        const BwFact fact = fdb_fact(BW_FACT_FDB_GONE, mac, bridge, port, false);

        tell(scene, &fact);
}

static BwMac numbered(unsigned number) {
        return (BwMac){ { 2, 0, (uint8_t) (number >> 24), (uint8_t) (number >> 16),
                          (uint8_t) (number >> 8), (uint8_t) number } };
}

static void test_flood(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        int64_t begin = g_get_monotonic_time(), spent;

        for (unsigned i = 0; i < EVENTS; i++)
                learn(scene, numbered(i), 5, 14);
        spent = g_get_monotonic_time() - begin;
        printf("# %d events, 1002 ports: %.2f us each\n", EVENTS, (double) spent / EVENTS);
        g_assert_cmpuint(said->len, ==, 0);
        end_interval();
        g_assert_cmpuint(said->len, ==, 1);
        g_assert_cmpstr(said->pdata[0], ==,
                        "Port vk64 on virbr6 made its bridge learn 100000 MAC addresses in 10 "
                        "seconds");
        end_interval();
        g_assert_cmpuint(said->len, ==, 1);
        g_assert_null(interval_ends);
        for (unsigned i = 0; i < BW_FDB_FLOOD_MACS - 1; i++)
                learn(scene, numbered(EVENTS + i), 5, 13);
        end_interval();
        g_assert_cmpuint(said->len, ==, 1);
}

/* What a dump tells is not new, and behind a border many may live. */
static void test_no_flood(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwFact mark = { .kind = BW_FACT_SNAPSHOT_BEGIN, .source = BW_SOURCE_NETLINK };

        for (unsigned i = 0; i < 999; i++)
                learn(scene, numbered(i), 6, 20);
        end_interval();
        tell(scene, &mark);
        for (unsigned i = 0; i < 999; i++)
                learn(scene, numbered(10000 + i), 5, 14);
        mark.kind = BW_FACT_SNAPSHOT_END;
        tell(scene, &mark);
        end_interval();
        g_assert_cmpuint(said->len, ==, 0);
}

static void test_moved(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GArray) list = NULL;
        BwFdbSummary sum;

        learn(scene, mac_of(63), 5, 13);
        g_assert_cmpuint(said->len, ==, 0);
        for (unsigned i = 0; i < 10; i++) {
                learn(scene, mac_of(63), 5, 14);
                learn(scene, mac_of(63), 5, 13);
        }
        g_assert_cmpuint(said->len, >=, 1);
        g_assert_cmpuint(said->len, <=, 3);
        g_assert_cmpstr(said->pdata[0], ==,
                        "MAC 52:54:00:00:00:3f of port vk63 on virbr6 was learned on port vk64 on "
                        "virbr6");
        list = bw_fdb_summary_list(scene->model, bw_fdb_watch_tally(scene->watch),
                                   g_get_monotonic_time());
        sum = bw_fdb_summary_of_bridge(list, 5);
        g_assert_cmpuint(list->len, ==, 2);
        g_assert_cmpuint(sum.macs, ==, 1);
        g_assert_cmpuint(sum.moves_per_minute, ==, 20);
        g_assert_cmpuint(sum.learned_per_minute, ==, 1);
}

/* Two bridges that nothing joins may have the same MACs. */
static void test_apart(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        learn(scene, mac_of(63), 6, 20);
        g_assert_cmpuint(said->len, ==, 0);
}

/* On the far bridge of a link the MAC comes in by the border that leads to it, and by no other. */
static void test_segment(Scene *scene, gconstpointer leads) {
        BwSegmentPlan *segment = scene->plan->segments->pdata[0];
        BwSitePlan *site = g_new0(BwSitePlan, 1);
        const BwOwnedMac owned = { .mac = mac_of(63), .site = 0 };

        site->leads = g_ptr_array_new();
        if (leads)
                g_ptr_array_add(site->leads, scene->border);
        g_ptr_array_add(segment->sites, site);
        g_array_append_val(segment->macs, owned);
        scene->far->segment = scene->bridge->segment;
        bw_fdb_watch_set_plan(scene->watch, scene->plan);
        learn(scene, mac_of(63), 6, 20);
        g_assert_cmpuint(said->len, ==, leads ? 0 : 1);
}

static BwViolation flooded(const char *port, const char *mac) {
        BwViolation violation = { .reason = BW_REASON_FLOODED, .direction = BW_DIRECTION_OUT };

        g_strlcpy(violation.port, port, sizeof(violation.port));
        g_strlcpy(violation.destination_mac, mac, sizeof(violation.destination_mac));
        return violation;
}

static void test_flood_risk(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const BwViolation missed = flooded("vk64", "52:54:00:00:00:3f");
        const BwViolation other = flooded("vk64", "52:54:00:00:00:40");
        const char *subject = "virbr6/52:54:00:00:00:3f";

        bw_fdb_watch_misdelivered(scene->watch, &missed);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
        learn(scene, mac_of(63), 5, 13);
        bw_fdb_watch_misdelivered(scene->watch, &missed);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
        expire(scene, mac_of(63), 5, 13);
        bw_fdb_watch_misdelivered(scene->watch, &other);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
        bw_fdb_watch_misdelivered(scene->watch, &missed);
        g_assert_true(g_hash_table_contains(hazards, subject));
        learn(scene, mac_of(63), 5, 13);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
        /* The port goes. */
        expire(scene, mac_of(63), 5, 13);
        bw_fdb_watch_misdelivered(scene->watch, &missed);
        g_assert_true(g_hash_table_contains(hazards, subject));
        g_array_set_size(scene->victim->macs, 0);
        bw_fdb_watch_set_plan(scene->watch, scene->plan);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
}

/* A MAC that is lost where its guest is not floods nothing that FdbLock= could keep. */
static void test_expired_of_absent(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const BwViolation missed = flooded("vk64", "52:54:00:00:00:3f");

        scene->victim->absent = true;
        learn(scene, mac_of(63), 5, 13);
        expire(scene, mac_of(63), 5, 13);
        bw_fdb_watch_misdelivered(scene->watch, &missed);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
        /* It had been lost before the guest went. */
        scene->victim->absent = false;
        learn(scene, mac_of(63), 5, 13);
        expire(scene, mac_of(63), 5, 13);
        bw_fdb_watch_misdelivered(scene->watch, &missed);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 1);
        scene->victim->absent = true;
        bw_fdb_watch_set_plan(scene->watch, scene->plan);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
}

/* Nobody's MACs leave no trace, however many they are. */
static void test_expired_unbound(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const BwViolation missed = flooded("vk63", "02:00:00:00:00:07");

        learn(scene, numbered(7), 5, 14);
        expire(scene, numbered(7), 5, 14);
        bw_fdb_watch_misdelivered(scene->watch, &missed);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
#define CASE(name, data, test) g_test_add("/fdb_watch/" name, Scene, data, set_up, test, tear_down)
        CASE("flood", NULL, test_flood);
        CASE("no-flood", NULL, test_no_flood);
        CASE("moved", NULL, test_moved);
        CASE("apart", NULL, test_apart);
        CASE("segment-leads-there", "", test_segment);
        CASE("segment-leads-elsewhere", NULL, test_segment);
        CASE("flood-risk", NULL, test_flood_risk);
        CASE("expired-of-absent", NULL, test_expired_of_absent);
        CASE("expired-unbound", NULL, test_expired_unbound);
        return g_test_run();
}
