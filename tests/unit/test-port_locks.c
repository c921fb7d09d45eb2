/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The conductor of locks with a kernel that is made up: in which order it is asked, what is said
 * when somebody else has a hand in it, and what happens when it refuses.
 */

#include <bw/error.h>
#include <port_locks.h>

#include "hand_made.h"

/* The other rooms, as far as they are asked. */

static GString *wished; /* one line for each wish that was granted */
static GString *said;
static GHashTable *hazards;
static BwUndo *undo;
static char *written; /* what the file says */
static bool is_lost;
static int refuse_fix = -1; /* BwError */

static void note(const char *verb, int port, const BwMac *mac) {
        char text[BW_MAC_TEXT_SIZE];

        /* Nothing is touched that could not be put back after a sudden death. */
        g_assert_nonnull(written);
        g_string_append_printf(wished, "%s %d %s\n", verb, port, bw_mac_print(mac, text) + 15);
}

bool bw_netlink_set_port_flags(G_GNUC_UNUSED BwNetlink *netlink, int port, unsigned mask,
                               unsigned on, G_GNUC_UNUSED GError **error) {
        g_assert_nonnull(written);
        g_string_append_printf(wished, "flags %d", port);
        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++)
                if (mask & BW_FLAG_BIT(flag))
                        g_string_append_printf(wished, " %c%s", on & BW_FLAG_BIT(flag) ? '+' : '-',
                                               bw_port_flag_name(flag));
        g_string_append_c(wished, '\n');
        return true;
}

bool bw_netlink_fix_fdb(G_GNUC_UNUSED BwNetlink *netlink, int port, const BwMac *mac,
                        GError **error) {
        if (refuse_fix >= 0) {
                g_set_error(error, BW_ERROR, refuse_fix, "fix: refused");
                return false;
        }
        note("fix", port, mac);
        return true;
}

bool bw_netlink_release_fdb(G_GNUC_UNUSED BwNetlink *netlink, int port, const BwMac *mac,
                            G_GNUC_UNUSED GError **error) {
        note("release", port, mac);
        return true;
}

BwUndo *bw_undo_file_undo(G_GNUC_UNUSED BwUndoFile *file) {
        return undo;
}

bool bw_undo_file_was_lost(G_GNUC_UNUSED const BwUndoFile *file) {
        return is_lost;
}

bool bw_undo_file_save(G_GNUC_UNUSED BwUndoFile *file, G_GNUC_UNUSED GError **error) {
        g_free(written);
        written = bw_undo_is_empty(undo) ? NULL : bw_undo_print(undo);
        return true;
}

void bw_journal_say(G_GNUC_UNUSED BwJournal *journal, BwMessage message, G_GNUC_UNUSED int priority,
                    const char *sentence, ...) {
        g_assert_cmpint(message, ==, BW_MESSAGE_DRIFT_REPAIRED);
        g_string_append_printf(said, "%s\n", sentence);
}

void bw_hazards_raise(G_GNUC_UNUSED BwHazards *all, BwHazardKind kind, const char *subject,
                      G_GNUC_UNUSED const char *bridge, const char *sentence) {
        g_assert_cmpint(kind, ==, BW_HAZARD_OTHER);
        g_hash_table_replace(hazards, g_strdup(subject), g_strdup(sentence));
}

void bw_hazards_clear(G_GNUC_UNUSED BwHazards *all, BwHazardKind kind, const char *subject) {
        g_assert_cmpint(kind, ==, BW_HAZARD_OTHER);
        g_hash_table_remove(hazards, subject);
}

/* The scene: two ports, and a kernel that does what it is asked and tells it. */

#define DEFAULTS BW_UNDO_DEFAULT_FLAGS
#define LOCKED   (BW_FLAG_BIT(BW_FLAG_LOCKED) | BW_FLAG_BIT(BW_FLAG_BPDU_GUARD))
#define LOCK     "-learning -flood +locked +guard\n"
#define UNLOCK   "+learning +flood -locked -guard\n"

typedef struct Scene {
        BwPlan *plan;
        BwBridgePlan *bridge;
        BwPortPlan *first, *second;
        BwModel *model;
        BwPortLocks *locks;
} Scene;

static bool tell(Scene *scene, BwFact fact) {
        bw_model_apply(scene->model, &fact, 0);
        return bw_port_locks_take(scene->locks, &fact);
}

static bool tell_flags(Scene *scene, const char *name, int ifindex, unsigned flags) {
        return tell(scene,
                    (BwFact){ .kind = BW_FACT_LINK, .link = make_link(name, ifindex, 5, flags) });
}

static void set_up(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        wished = g_string_new(NULL);
        said = g_string_new(NULL);
        hazards = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        undo = bw_undo_new();
        is_lost = false;
        refuse_fix = -1;
        scene->plan = make_plan();
        scene->bridge = make_bridge(scene->plan, "virbr6", 5);
        scene->first = make_port(scene->bridge, "vk63", 13, 0x63);
        scene->second = make_port(scene->bridge, "vk64", 14, 0x64);
        scene->model = bw_model_new();
        scene->locks = bw_port_locks_new(NULL, NULL, NULL, NULL);
        tell_flags(scene, "vk63", 13, DEFAULTS);
        tell_flags(scene, "vk64", 14, DEFAULTS);
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        bw_port_locks_free(scene->locks);
        bw_model_free(scene->model);
        unmake_plan(scene->plan);
        bw_undo_free(undo);
        g_clear_pointer(&written, g_free);
        g_hash_table_unref(hazards);
        g_string_free(said, TRUE);
        g_string_free(wished, TRUE);
}

static void check(Scene *scene) {
        g_string_truncate(wished, 0);
        g_string_truncate(said, 0);
        bw_port_locks_check(scene->locks, scene->plan, scene->model);
}

/* The kernel tells what was done. */
static void settle(Scene *scene) {
        check(scene);
        tell_flags(scene, "vk63", 13, LOCKED);
        tell_flags(scene, "vk64", 14, LOCKED);
        g_assert_false(tell(scene, fdb_fact(BW_FACT_FDB, mac_of(0x63), 5, 13, true)));
        g_assert_false(tell(scene, fdb_fact(BW_FACT_FDB, mac_of(0x64), 5, 14, true)));
        check(scene);
        g_assert_cmpstr(wished->str, ==, "");
        g_assert_cmpstr(said->str, ==, "");
}

static void test_order(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        check(scene);
        g_assert_cmpstr(wished->str, ==, "fix 13 63\nfix 14 64\nflags 13 " LOCK "flags 14 " LOCK);
        /* Before the news of it is in. */
        check(scene);
        g_assert_cmpstr(wished->str, ==, "");
        settle(scene);
        /* Two MACs change places. */
        g_array_index(scene->first->macs, BwMac, 0) = mac_of(0x64);
        g_array_index(scene->second->macs, BwMac, 0) = mac_of(0x63);
        check(scene);
        g_assert_cmpstr(wished->str, ==, "fix 13 64\nfix 14 63\nrelease 13 63\nrelease 14 64\n");
        g_assert_cmpstr(said->str, ==, "");
        scene->first->mode = scene->second->mode = BW_MODE_MONITOR;
        check(scene);
        g_assert_cmpstr(wished->str, ==,
                        "flags 13 " UNLOCK "flags 14 " UNLOCK "release 13 64\nrelease 14 63\n");
        g_assert_null(written);
        check(scene);
        g_assert_cmpstr(wished->str, ==, "");
}

/* What cannot be fixed is not locked: its own frames would be lost. */
static void test_refused(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        refuse_fix = BW_ERROR_BROKEN;
        check(scene);
        g_assert_cmpstr(wished->str, ==, "");
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 2);
        g_assert_nonnull(
                strstr(g_hash_table_lookup(hazards, "vk63/lock"), "Port vk63 cannot be locked"));
        refuse_fix = BW_ERROR_ABSENT;
        check(scene);
        g_assert_cmpstr(wished->str, ==, "");
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
        refuse_fix = -1;
        settle(scene);
}

static void test_drift(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        settle(scene);
        tell_flags(scene, "vk63", 13, LOCKED | BW_FLAG_BIT(BW_FLAG_LEARNING));
        check(scene);
        g_assert_cmpstr(wished->str, ==, "flags 13 -learning\n");
        g_assert_cmpstr(said->str, ==,
                        "Somebody switched learning of port vk63 on; it is off again\n");
        tell_flags(scene, "vk63", 13, LOCKED);
        g_assert_true(tell(scene, fdb_fact(BW_FACT_FDB_GONE, mac_of(0x63), 5, 13, false)));
        check(scene);
        g_assert_cmpstr(wished->str, ==, "fix 13 63\n");
        g_assert_nonnull(strstr(said->str, "Somebody took MAC 52:54:00:00:00:63 from port vk63"));
        tell(scene, fdb_fact(BW_FACT_FDB, mac_of(0x63), 5, 13, true));
        g_assert_true(tell(scene, fdb_fact(BW_FACT_FDB, mac_of(0x63), 5, 14, false)));
        check(scene);
        g_assert_cmpstr(wished->str, ==, "fix 13 63\n");
        /* Others' MACs are of no concern. */
        g_assert_false(tell(scene, fdb_fact(BW_FACT_FDB, mac_of(0x99), 5, 14, false)));
        g_assert_false(tell(scene, fdb_fact(BW_FACT_FDB_GONE, mac_of(0x99), 5, 14, false)));
}

/* A dump under a flood may have left the entry out: it is written again, and nobody is blamed. */
static void test_dump(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        settle(scene);
        tell(scene, (BwFact){ .kind = BW_FACT_SNAPSHOT_BEGIN });
        tell_flags(scene, "vk63", 13, LOCKED);
        tell_flags(scene, "vk64", 14, LOCKED);
        tell(scene, (BwFact){ .kind = BW_FACT_SNAPSHOT_END });
        check(scene);
        g_assert_cmpstr(wished->str, ==, "fix 13 63\nfix 14 64\n");
        g_assert_cmpstr(said->str, ==, "");
        check(scene);
        g_assert_cmpstr(wished->str, ==, "");
}

/* Another port under the old name, and one that left the bridge and came back. */
static void test_replugged(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwLink away = make_link("vk64", 14, 0, 0);

        settle(scene);
        tell(scene, (BwFact){ .kind = BW_FACT_LINK_GONE, .link = { .ifindex = 13 } });
        g_assert_null(bw_undo_find_port(undo, 13));
        scene->first->ifindex = 33;
        tell_flags(scene, "vk63", 33, DEFAULTS);
        tell(scene, (BwFact){ .kind = BW_FACT_LINK, .link = away });
        tell_flags(scene, "vk64", 14, DEFAULTS);
        check(scene);
        g_assert_cmpstr(wished->str, ==, "fix 33 63\nfix 14 64\nflags 33 " LOCK "flags 14 " LOCK);
        g_assert_cmpstr(said->str, ==, "");
        g_assert_cmpuint(bw_undo_find_port(undo, 33)->before, ==, DEFAULTS);
}

/* Who it is cannot be asked now; and ports that no guarded bridge has any more. */
static void test_inherited(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        settle(scene);
        scene->first->state = BW_PORT_INHERITED;
        check(scene);
        g_assert_cmpstr(wished->str, ==, "");
        g_ptr_array_set_size(scene->plan->bridges, 0);
        check(scene);
        g_assert_nonnull(strstr(wished->str, "flags 13 " UNLOCK));
        g_assert_nonnull(strstr(wished->str, "flags 14 " UNLOCK));
        g_assert_null(written);
}

static void test_restore(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GError) error = NULL;

        settle(scene);
        g_string_truncate(wished, 0);
        g_assert_true(bw_port_locks_restore(scene->locks, scene->model, &error));
        g_assert_no_error(error);
        g_assert_nonnull(strstr(wished->str, "flags 13 " UNLOCK));
        g_assert_nonnull(strstr(wished->str, "release 14 64\n"));
        g_assert_null(written);
        /* The news is not in: what was before is known all the same. */
        check(scene);
        g_assert_cmpuint(bw_undo_find_port(undo, 13)->before, ==, DEFAULTS);
}

static void test_tripped(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwLink link = make_link("vk63", 13, 5, LOCKED);

        settle(scene);
        link.stp_state = BW_STP_DISABLED;
        tell(scene, (BwFact){ .kind = BW_FACT_LINK, .link = link });
        check(scene);
        g_assert_true(g_hash_table_contains(hazards, "vk63/bpdu-guard"));
        link.running = false;
        tell(scene, (BwFact){ .kind = BW_FACT_LINK, .link = link });
        check(scene);
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 0);
}

static void test_old_kernel(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwLink link = make_link("vk63", 13, 5, DEFAULTS);

        link.flags_known &= ~BW_FLAG_BIT(BW_FLAG_LOCKED);
        tell(scene, (BwFact){ .kind = BW_FACT_LINK, .link = link });
        check(scene);
        g_assert_nonnull(strstr(wished->str, "flags 13 -learning -flood +guard\n"));
        g_assert_true(g_hash_table_contains(hazards, "port-flag/locked"));
        g_assert_cmpuint(g_hash_table_size(hazards), ==, 1);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
#define CASE(name, test) g_test_add("/port_locks/" name, Scene, NULL, set_up, test, tear_down)
        CASE("order", test_order);
        CASE("refused", test_refused);
        CASE("drift", test_drift);
        CASE("dump", test_dump);
        CASE("replugged", test_replugged);
        CASE("inherited", test_inherited);
        CASE("restore", test_restore);
        CASE("tripped", test_tripped);
        CASE("old-kernel", test_old_kernel);
        return g_test_run();
}
