/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "neighbour_watch.h"

#include <bw/error.h>
#include <bw/neighbour_table.h>
#include <bw/port_text.h>
#include <bw/rate.h>
#include <syslog.h>

#include "hazard_round.h"

#define SUM_UP_SECONDS 10

struct BwNeighbourWatch {
        BwJournal *journal;
        BwNetlink *netlink;
        BwUndoFile *file;
        BwRate *rate;
        BwNeighbourTable *told; /* contradictions that stand and were told */
        BwNeighbourTable *sure; /* pinned, and nothing heard since that says otherwise */
        BwHazardRound *stuck;   /* what could not be pinned, or taken away */
        const BwPlan *plan;
        bool is_stale; /* something changed since all were looked at */
        guint sum_timer;
};

BwNeighbourWatch *bw_neighbour_watch_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink,
                                         BwUndoFile *file) {
        BwNeighbourWatch *watch = g_new0(BwNeighbourWatch, 1);

        watch->journal = journal;
        watch->netlink = netlink;
        watch->file = file;
        watch->rate = bw_rate_new(1);
        watch->told = bw_neighbour_table_new();
        watch->sure = bw_neighbour_table_new();
        watch->stuck = bw_hazard_round_new(hazards, BW_HAZARD_OTHER);
        return watch;
}

void bw_neighbour_watch_free(BwNeighbourWatch *watch) {
        if (!watch)
                return;
        g_clear_handle_id(&watch->sum_timer, g_source_remove);
        bw_hazard_round_free(watch->stuck);
        bw_neighbour_table_free(watch->sure);
        bw_neighbour_table_free(watch->told);
        bw_rate_free(watch->rate);
        g_free(watch);
}

/* Contradictions */

static void say_left_out(const char *key, uint64_t left_out, gpointer user) {
        BwNeighbourWatch *watch = user;
        g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, left_out);
        g_autofree char *sentence = g_strdup_printf(
                "The host's neighbour table: %s had a foreign MAC %s more times than was told", key,
                count);

        bw_journal_say(watch->journal, BW_MESSAGE_NEIGHBOUR_FOREIGN, LOG_WARNING, sentence,
                       "BW_COUNT", count, NULL);
}

static gboolean on_sum_timer(gpointer user) {
        BwNeighbourWatch *watch = user;

        bw_rate_sum_up(watch->rate, g_get_monotonic_time(), 0, say_left_out, watch);
        watch->sum_timer = 0;
        return G_SOURCE_REMOVE;
}

static const char *name_link(const BwModel *model, const BwNeighbour *neighbour) {
        const BwLink *link = bw_model_find_link(model, neighbour->ifindex);

        return link ? link->name : "a link that is gone";
}

static char *describe_holder(const BwNeighbourClaim *claim) {
        g_autofree char *who = NULL;

        if (!claim->holder)
                return g_strdup("which is nobody's");
        who = bw_port_text_who(claim->holder_bridge, claim->holder);
        return g_strdup_printf("which is port %s's", who);
}

static char *describe_source(const BwNeighbourClaim *claim) {
        g_autofree char *who = NULL;

        if (!claim->source)
                return g_strdup("and no bridge has learned where it is");
        who = bw_port_text_who(claim->source_bridge, claim->source);
        return g_strdup_printf("and was learned at port %s", who);
}

static void say_foreign(BwNeighbourWatch *watch, const BwModel *model, const BwNeighbour *neighbour,
                        const BwNeighbourClaim *claim) {
        const BwPortPlan *offender = claim->source ? claim->source : claim->holder;
        g_autofree char *address = bw_prefix_print(&neighbour->address);
        g_autofree char *owner = bw_port_text_who(claim->owner_bridge, claim->owner);
        g_autofree char *holder = describe_holder(claim);
        g_autofree char *source = describe_source(claim);
        char mac[BW_MAC_TEXT_SIZE];
        g_autofree char *sentence = g_strdup_printf(
                "The host's neighbour table on %s has %s, the address of port %s, at MAC %s, %s, %s",
                name_link(model, neighbour), address, owner, bw_mac_print(&neighbour->mac, mac),
                holder, source);

        bw_journal_say(watch->journal, BW_MESSAGE_NEIGHBOUR_FOREIGN, LOG_WARNING, sentence,
                       "BW_PORT", claim->owner->name, "BW_GUEST", claim->owner->guest, "BW_BRIDGE",
                       claim->owner_bridge->name, "BW_CLAIMED_ADDRESS", address, "BW_CLAIMED_MAC",
                       mac, "BW_CLAIMED",
                       claim->owner->guest ? claim->owner->guest : claim->owner->name,
                       "BW_OFFENDER", offender ? offender->name : NULL, "BW_OFFENDER_GUEST",
                       offender ? offender->guest : NULL, NULL);
}

/* Once as long as it stands. */
static void look_at(BwNeighbourWatch *watch, const BwModel *model, const BwNeighbour *neighbour) {
        BwNeighbourClaim claim;
        g_autofree char *address = NULL;

        if (!bw_neighbour_is_foreign(watch->plan, model, neighbour, &claim)) {
                bw_neighbour_table_remove(watch->told, neighbour);
                return;
        }
        if (!bw_neighbour_table_set(watch->told, neighbour))
                return;
        address = bw_prefix_print(&neighbour->address);
        if (bw_rate_pass(watch->rate, address, g_get_monotonic_time()))
                say_foreign(watch, model, neighbour, &claim);
        if (!watch->sum_timer)
                watch->sum_timer = g_timeout_add_seconds(SUM_UP_SECONDS, on_sum_timer, watch);
}

/* News */

static bool is_still_pinned(const BwNeighbour *pin, const BwNeighbour *neighbour) {
        return neighbour->permanent && bw_mac_equal(&pin->mac, &neighbour->mac);
}

static bool take_neighbour(BwNeighbourWatch *watch, const BwNeighbour *neighbour, bool is_gone) {
        const BwNeighbour *pin =
                bw_neighbour_table_find(watch->sure, neighbour->ifindex, &neighbour->address);

        if (!pin || (!is_gone && is_still_pinned(pin, neighbour)))
                return false;
        bw_neighbour_table_remove(watch->sure, neighbour);
        return true;
}

void bw_neighbour_watch_set_plan(BwNeighbourWatch *watch, const BwPlan *plan) {
        watch->plan = plan;
        watch->is_stale = true;
}

bool bw_neighbour_watch_take(BwNeighbourWatch *watch, const BwModel *model, const BwFact *fact) {
        bool is_gone = fact->kind == BW_FACT_NEIGHBOUR_GONE;

        if (!is_gone && fact->kind != BW_FACT_NEIGHBOUR)
                return false;
        watch->is_stale = true;
        if (is_gone)
                bw_neighbour_table_remove(watch->told, &fact->neighbour);
        else if (watch->plan)
                look_at(watch, model, &fact->neighbour);
        return take_neighbour(watch, &fact->neighbour, is_gone);
}

/* Pins */

static void raise_hazard(BwNeighbourWatch *watch, const BwModel *model, const BwNeighbour *pin,
                         const char *deed, const GError *error) {
        g_autofree char *address = bw_prefix_print(&pin->address);
        g_autofree char *sentence =
                g_strdup_printf("The host's entry for neighbour %s on %s cannot be %s: %s", address,
                                name_link(model, pin), deed, error->message);

        bw_hazard_round_raise(watch->stuck,
                              g_strdup_printf("%d/neighbour %s", pin->ifindex, address), NULL,
                              sentence);
}

/* A link that gets another MAC forgets permanent entries, too (neigh_changeaddr()): a bridge gets
 * one with its ports. */
static void say_repaired(BwNeighbourWatch *watch, const BwModel *model, const BwNeighbour *pin) {
        bool is_gone = !bw_model_find_neighbour(model, pin->ifindex, &pin->address);
        g_autofree char *address = bw_prefix_print(&pin->address);
        char mac[BW_MAC_TEXT_SIZE];
        g_autofree char *sentence = g_strdup_printf(
                "The host's permanent entry for neighbour %s on %s was %s; it is %s again", address,
                name_link(model, pin), is_gone ? "gone" : "another", bw_mac_print(&pin->mac, mac));

        bw_journal_say(watch->journal, BW_MESSAGE_DRIFT_REPAIRED, LOG_WARNING, sentence, NULL);
}

/* What is there is told by the kernel, or was taken by it a moment ago. */
static bool is_pinned(const BwNeighbourWatch *watch, const BwModel *model, const BwNeighbour *pin) {
        const BwNeighbour *sure = bw_neighbour_table_find(watch->sure, pin->ifindex, &pin->address);
        const BwNeighbour *told = bw_model_find_neighbour(model, pin->ifindex, &pin->address);

        return (sure && is_still_pinned(pin, sure)) || (told && is_still_pinned(pin, told));
}

/* Somebody's own permanent entry is left alone, right or wrong. */
static bool is_others(const BwNeighbourWatch *watch, const BwModel *model, const BwNeighbour *pin) {
        const BwNeighbour *told = bw_model_find_neighbour(model, pin->ifindex, &pin->address);

        return told && told->permanent &&
               !bw_undo_find_pin(bw_undo_file_undo(watch->file), pin->ifindex, &pin->address);
}

static bool save(BwNeighbourWatch *watch) {
        g_autoptr(GError) error = NULL;
        g_autofree char *sentence = NULL;

        if (bw_undo_file_save(watch->file, &error))
                return true;
        sentence = g_strdup_printf("Which neighbours were pinned cannot be written down: %s. They "
                                   "are not pinned",
                                   error->message);
        bw_hazard_round_raise(watch->stuck, g_strdup("undo/neighbours"), NULL, sentence);
        return false;
}

typedef struct Missing {
        const BwNeighbour *pin; /* lent */
        bool was_ours;          /* and is gone, or another */
        bool replaces;          /* what stands there is known not to be an administrator's */
} Missing;

/* Written down before it is done. (transfer full) (element-type Missing): lent from @wanted. */
static GArray *list_missing(BwNeighbourWatch *watch, const BwModel *model, const GArray *wanted) {
        GArray *missing = g_array_new(FALSE, TRUE, sizeof(Missing));
        BwUndo *undo = bw_undo_file_undo(watch->file);

        for (guint i = 0; i < wanted->len; i++) {
                BwNeighbour *pin = &g_array_index(wanted, BwNeighbour, i);
                const BwNeighbour *former = bw_undo_find_pin(undo, pin->ifindex, &pin->address);
                Missing one = { .pin = pin,
                                .was_ours = former && is_still_pinned(pin, former),
                                .replaces = former || bw_model_find_neighbour(model, pin->ifindex,
                                                                              &pin->address) };

                if (is_others(watch, model, pin) || (one.was_ours && is_pinned(watch, model, pin)))
                        continue;
                bw_undo_set_pin(undo, pin);
                g_array_append_val(missing, one);
        }
        return missing;
}

static void pin_one(BwNeighbourWatch *watch, const BwModel *model, const Missing *one) {
        const BwNeighbour *pin = one->pin;
        g_autoptr(GError) error = NULL;

        if (bw_netlink_pin_neighbour(watch->netlink, pin, one->replaces, &error)) {
                bw_neighbour_table_set(watch->sure, pin);
                if (one->was_ours)
                        say_repaired(watch, model, pin);
                return;
        }
        /* Somebody was there first; whose entry it is, the news of it says, and it is looked at
         * again. */
        if (g_error_matches(error, BW_ERROR, BW_ERROR_BUSY))
                bw_undo_remove_pin(bw_undo_file_undo(watch->file), pin->ifindex, &pin->address);
        else if (!g_error_matches(error, BW_ERROR, BW_ERROR_ABSENT))
                raise_hazard(watch, model, pin, "pinned", error);
}

static void pin_missing(BwNeighbourWatch *watch, const BwModel *model, const GArray *wanted) {
        g_autoptr(GArray) missing = list_missing(watch, model, wanted);

        if (missing->len == 0 || !save(watch))
                return;
        for (guint i = 0; i < missing->len; i++)
                pin_one(watch, model, &g_array_index(missing, Missing, i));
}

/* An entry that says something else by now is somebody else's. */
static bool unpin(BwNeighbourWatch *watch, const BwModel *model, const BwNeighbour *pin) {
        const BwNeighbour told = *pin; /* the list changes below */
        g_autoptr(GError) error = NULL;

        if (is_pinned(watch, model, &told) &&
            !bw_netlink_unpin_neighbour(watch->netlink, &told, &error) &&
            !g_error_matches(error, BW_ERROR, BW_ERROR_ABSENT)) {
                raise_hazard(watch, model, &told, "given free", error);
                return false;
        }
        bw_neighbour_table_remove(watch->sure, &told);
        bw_undo_remove_pin(bw_undo_file_undo(watch->file), told.ifindex, &told.address);
        return true;
}

static bool unpin_others(BwNeighbourWatch *watch, const BwModel *model, const GArray *wanted) {
        const GArray *pins = bw_undo_file_undo(watch->file)->pins;
        bool done = true;

        for (guint i = pins->len; i-- > 0;) {
                const BwNeighbour *pin = &g_array_index(pins, BwNeighbour, i);

                if (!g_array_binary_search((GArray *) wanted, pin, bw_neighbour_compare, NULL))
                        done &= unpin(watch, model, pin);
        }
        return done;
}

void bw_neighbour_watch_look(BwNeighbourWatch *watch, const BwModel *model) {
        g_autoptr(GPtrArray) all = NULL;

        if (!watch->is_stale || !watch->plan)
                return;
        watch->is_stale = false;
        all = bw_model_list_neighbours(model);
        for (guint i = 0; i < all->len; i++)
                look_at(watch, model, all->pdata[i]);
}

void bw_neighbour_watch_check(BwNeighbourWatch *watch, const BwModel *model) {
        g_autoptr(GArray) wanted = NULL;

        if (!watch->plan)
                return;
        wanted = bw_neighbour_list_pins(watch->plan, model);
        pin_missing(watch, model, wanted);
        unpin_others(watch, model, wanted);
        save(watch);
        bw_hazard_round_end(watch->stuck);
}

bool bw_neighbour_watch_restore(BwNeighbourWatch *watch, const BwModel *model, GError **error) {
        g_autoptr(GArray) nothing = g_array_new(FALSE, FALSE, sizeof(BwNeighbour));
        bool done = unpin_others(watch, model, nothing);

        save(watch);
        bw_hazard_round_end(watch->stuck);
        if (!done)
                g_set_error(error, BW_ERROR, BW_ERROR_BROKEN,
                            "some permanent neighbour entries could not be taken away; "
                            "\"bridgewarden status\" says why");
        return done;
}
