/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a port must be, what was before, and the steps between
 */

#include <bw/difference.h>
#include <bw/port_lock.h>

#include "hand_made.h"

#define DEFAULTS BW_UNDO_DEFAULT_FLAGS
#define LOCKED   (BW_FLAG_BIT(BW_FLAG_LOCKED) | BW_FLAG_BIT(BW_FLAG_BPDU_GUARD))

typedef struct Scene {
        BwPlan *plan;
        BwBridgePlan *bridge;
        BwPortPlan *port, *other;
        BwModel *model;
        BwUndo *undo;
        GPtrArray *list;
} Scene;

static void set_up(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        scene->plan = make_plan();
        scene->bridge = make_bridge(scene->plan, "virbr6", 5);
        scene->port = make_port(scene->bridge, "vk63", 13, 63);
        scene->other = make_port(scene->bridge, "vk64", 14, 64);
        scene->model = bw_model_new();
        scene->undo = bw_undo_new();
        tell_link(scene->model, make_link("vk63", 13, 5, DEFAULTS));
        tell_link(scene->model, make_link("vk64", 14, 5, DEFAULTS));
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_clear_pointer(&scene->list, g_ptr_array_unref);
        bw_undo_free(scene->undo);
        bw_model_free(scene->model);
        unmake_plan(scene->plan);
}

static const BwPortLock *look(Scene *scene) {
        g_clear_pointer(&scene->list, g_ptr_array_unref);
        scene->list = bw_port_lock_list(scene->plan, scene->model);
        g_assert_cmpuint(scene->list->len, ==, 2);
        return scene->list->pdata[0];
}

static BwPortLockStep *step_of(Scene *scene, const BwPortLock *lock) {
        const BwLink *link = bw_model_find_link(scene->model, 13);

        return bw_port_lock_step(lock, bw_undo_find_port(scene->undo, 13), link, scene->model,
                                 NULL);
}

/* As the kernel would tell it after the step was taken. */
static void take(Scene *scene, const BwPortLockStep *step) {
        BwLink link = *bw_model_find_link(scene->model, 13);

        for (guint i = 0; i < step->fix->len; i++)
                tell_fdb(scene->model, g_array_index(step->fix, BwMac, i), 5, 13, true);
        link.flags = (link.flags & ~step->mask) | step->on;
        tell_link(scene->model, link);
        for (guint i = 0; i < step->release->len; i++) {
                const BwFact gone = fdb_fact(BW_FACT_FDB_GONE,
                                             g_array_index(step->release, BwMac, i), 5, 13, false);

                bw_model_apply(scene->model, &gone, 0);
        }
}

static void test_locks_and_unlocks(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const BwPortLock *lock = look(scene);
        g_autoptr(BwPortLockStep) step = NULL, after = NULL, back = NULL;

        g_assert_cmpuint(lock->mask, ==, BW_FLAG_LOCK);
        g_assert_cmpuint(lock->on, ==, LOCKED);
        g_assert_true(bw_port_lock_remember(lock, scene->model, scene->undo, false));
        g_assert_false(bw_port_lock_remember(lock, scene->model, scene->undo, false));
        step = step_of(scene, lock);
        g_assert_cmpuint(step->fix->len, ==, 1);
        g_assert_cmpuint(step->mask, ==, BW_FLAG_LOCK);
        g_assert_cmpuint(step->on, ==, LOCKED);
        g_assert_cmpuint(step->release->len, ==, 0);
        take(scene, step);
        lock = look(scene);
        after = step_of(scene, lock);
        g_assert_cmpuint(after->fix->len + after->mask + after->release->len, ==, 0);
        g_assert_false(bw_port_lock_forget(lock, after, bw_undo_find_port(scene->undo, 13)));

        scene->port->mode = BW_MODE_MONITOR;
        lock = look(scene);
        g_assert_cmpuint(lock->mask, ==, 0);
        back = step_of(scene, lock);
        g_assert_cmpuint(back->mask, ==, BW_FLAG_LOCK);
        g_assert_cmpuint(back->on, ==, DEFAULTS);
        g_assert_cmpuint(back->release->len, ==, 1);
        take(scene, back);
        g_assert_cmpuint(bw_model_find_link(scene->model, 13)->flags, ==, DEFAULTS);
        g_assert_true(bw_port_lock_forget(lock, back, bw_undo_find_port(scene->undo, 13)));
}

/* What somebody had set, and had fixed, is not ours to take away. */
static void test_others_stay(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        unsigned before = BW_FLAG_BIT(BW_FLAG_UNICAST_FLOOD) | BW_FLAG_BIT(BW_FLAG_BPDU_GUARD) |
                          BW_FLAG_BIT(BW_FLAG_HAIRPIN);
        g_autoptr(BwPortLockStep) step = NULL, back = NULL;

        tell_link(scene->model, make_link("vk63", 13, 5, before));
        tell_fdb(scene->model, mac_of(63), 5, 13, true);
        bw_port_lock_remember(look(scene), scene->model, scene->undo, true);
        step = step_of(scene, look(scene));
        g_assert_cmpuint(step->fix->len, ==, 0);
        take(scene, step);
        g_assert_cmpuint(bw_model_find_link(scene->model, 13)->flags, ==,
                         LOCKED | BW_FLAG_BIT(BW_FLAG_HAIRPIN));
        bw_port_lock_remember(look(scene), scene->model, scene->undo, true);
        back = step_of(scene, NULL);
        g_assert_cmpuint(back->release->len, ==, 0);
        take(scene, back);
        g_assert_cmpuint(bw_model_find_link(scene->model, 13)->flags, ==, before);
}

static void test_lost_memory(Scene *scene, gconstpointer lost) {
        unsigned before;

        tell_link(scene->model, make_link("vk63", 13, 5, LOCKED));
        tell_fdb(scene->model, mac_of(63), 5, 13, true);
        bw_port_lock_remember(look(scene), scene->model, scene->undo, lost != NULL);
        before = bw_undo_find_port(scene->undo, 13)->before;
        g_assert_cmpuint(before, ==, lost ? DEFAULTS : LOCKED);
        g_assert_cmpuint(bw_undo_find_port(scene->undo, 13)->macs->len, ==, lost ? 1 : 0);
}

static void test_flags_unknown(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwLink link = make_link("vk63", 13, 5, DEFAULTS);
        const BwPortLock *lock;

        link.flags_known &= ~BW_FLAG_BIT(BW_FLAG_LOCKED);
        tell_link(scene->model, link);
        lock = look(scene);
        g_assert_cmpuint(lock->lacking, ==, BW_FLAG_BIT(BW_FLAG_LOCKED));
        g_assert_cmpuint(lock->mask, ==, BW_FLAG_LOCK & ~BW_FLAG_BIT(BW_FLAG_LOCKED));
        g_assert_cmpuint(lock->on, ==, BW_FLAG_BIT(BW_FLAG_BPDU_GUARD));
}

static void test_states(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        for (BwPortState state = BW_PORT_BOUND; state <= BW_PORT_STRANGER; state++) {
                bool locked = state == BW_PORT_BOUND || state == BW_PORT_UNADDRESSED ||
                              state == BW_PORT_ANY_ADDRESS;

                scene->port->state = state;
                g_assert_cmpuint(look(scene)->mask != 0, ==, locked);
        }
        scene->port->state = BW_PORT_BOUND;
        scene->port->fdb_lock = false;
        g_assert_cmpuint(look(scene)->mask, ==, 0);
        scene->port->isolated = true;
        g_assert_cmpuint(look(scene)->mask, ==, BW_FLAG_BIT(BW_FLAG_ISOLATED));
        g_assert_cmpuint(look(scene)->macs->len, ==, 0);
        scene->port->fdb_lock = true;
        g_array_set_size(scene->port->macs, 0);
        g_assert_cmpuint(look(scene)->mask, ==, BW_FLAG_BIT(BW_FLAG_ISOLATED));
}

static void test_shared(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const BwPortLock *lock;

        g_array_index(scene->other->macs, BwMac, 0) = mac_of(63);
        lock = look(scene);
        g_assert_cmpuint(lock->mask, ==, 0);
        g_assert_nonnull(strstr(lock->trouble, "also port vk64's"));
        lock = scene->list->pdata[1];
        g_assert_nonnull(strstr(lock->trouble, "also port vk63's"));
        scene->other->mode = BW_MODE_MONITOR;
        lock = look(scene);
        g_assert_cmpuint(lock->mask, !=, 0);
        g_assert_null(lock->trouble);
        /* A guest that is not here has no place to share. */
        scene->other->mode = BW_MODE_ENFORCE;
        scene->other->absent = true;
        scene->other->fdb_lock = false;
        lock = look(scene);
        g_assert_cmpuint(lock->mask, !=, 0);
        g_assert_null(lock->trouble);
}

/* A place in the table cannot be a way. */
static void test_local(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwLink link = make_link("vk63", 13, 5, DEFAULTS);
        BwMac near = mac_of(99);

        link.mac = near;
        tell_link(scene->model, link);
        g_array_append_val(scene->port->macs, near);
        g_assert_cmpuint(look(scene)->macs->len, ==, 1);
}

/* Added before the old one is taken away, and that is for the caller to keep apart. */
static void test_mac_changes(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(BwPortLockStep) step = NULL, change = NULL;
        const BwPortLock *lock = look(scene);

        bw_port_lock_remember(lock, scene->model, scene->undo, false);
        step = step_of(scene, lock);
        take(scene, step);
        g_array_index(scene->port->macs, BwMac, 0) = mac_of(70);
        lock = look(scene);
        g_assert_true(bw_port_lock_remember(lock, scene->model, scene->undo, false));
        change = step_of(scene, lock);
        g_assert_cmpuint(change->mask, ==, 0);
        g_assert_true(bw_undo_has_mac(change->fix, &(BwMac){ { 0x52, 0x54, 0, 0, 0, 70 } }));
        g_assert_true(bw_undo_has_mac(change->release, &(BwMac){ { 0x52, 0x54, 0, 0, 0, 63 } }));
        g_assert_cmpuint(change->fix->len + change->release->len, ==, 2);
}

static void test_difference(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        static const char *const lines[] = {
                "link set dev vk63 learning off",
                "link set dev vk63 flood off",
                "link set dev vk63 locked on",
                "link set dev vk63 guard on",
                "fdb replace 52:54:00:00:00:3f dev vk63 master static sticky",
        };
        g_autoptr(GPtrArray) list = bw_difference_list_new();

        scene->other->fdb_lock = false;
        look(scene);
        bw_difference_add_locks(list, scene->list, scene->model);
        g_assert_cmpuint(list->len, ==, G_N_ELEMENTS(lines));
        for (guint i = 0; i < list->len; i++) {
                const BwDifference *difference = list->pdata[i];

                g_assert_cmpstr(difference->line, ==, lines[i]);
                g_assert_cmpstr(difference->table, ==, "virbr6");
                g_assert_true(difference->is_missing);
        }
        tell_link(scene->model, make_link("vk63", 13, 5, LOCKED));
        tell_fdb(scene->model, mac_of(63), 5, 13, true);
        g_ptr_array_set_size(list, 0);
        look(scene);
        bw_difference_add_locks(list, scene->list, scene->model);
        g_assert_cmpuint(list->len, ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
#define CASE(name, data, test) g_test_add("/port_lock/" name, Scene, data, set_up, test, tear_down)
        CASE("locks-and-unlocks", NULL, test_locks_and_unlocks);
        CASE("others-stay", NULL, test_others_stay);
        CASE("memory-lost", "", test_lost_memory);
        CASE("memory-there", NULL, test_lost_memory);
        CASE("flags-unknown", NULL, test_flags_unknown);
        CASE("states", NULL, test_states);
        CASE("shared", NULL, test_shared);
        CASE("local", NULL, test_local);
        CASE("mac-changes", NULL, test_mac_changes);
        CASE("difference", NULL, test_difference);
        return g_test_run();
}
