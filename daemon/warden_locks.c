/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "warden_room.h"

#include <bw/error.h>
#include <bw/port_lock.h>

/* A dump that changes tear each time is given up: somebody else is at work. */
#define DUMPS 10

void bw_warden_check_locks(BwWarden *warden) {
        if (!warden->armed || !warden->plan)
                return;
        bw_port_locks_check(warden->port_locks, warden->plan, warden->model);
        bw_neighbour_watch_check(warden->neighbour_watch, warden->model);
}

bool bw_warden_restore_locks(BwWarden *warden, GError **error) {
        bool unpinned = bw_neighbour_watch_restore(warden->neighbour_watch, warden->model, error);

        return bw_port_locks_restore(warden->port_locks, warden->model, unpinned ? error : NULL) &&
               unpinned;
}

static void on_fact(const BwFact *fact, gpointer model) {
        bw_model_apply(model, fact, 0);
}

static bool read_links(BwNetlink *netlink, GError **error) {
        for (unsigned i = 1;; i++) {
                g_autoptr(GError) trouble = NULL;

                if (bw_netlink_dump(netlink, &trouble))
                        return true;
                if (i < DUMPS && g_error_matches(trouble, BW_ERROR, BW_ERROR_STALE))
                        continue;
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
}

static void say_left(BwHazards *hazards, const BwModel *model, const BwLink *link) {
        const BwLink *bridge = bw_model_find_link(model, link->master);
        g_autofree char *command = bw_port_lock_print_unlock(link);
        g_autofree char *subject = g_strdup_printf("%s/lock", link->name);
        g_autofree char *sentence = g_strdup_printf(
                "Port %s has the flags of a port that the guard has locked, and what it had before "
                "is not known, so it keeps them. If nobody else has set them: %s. MACs that are "
                "fixed at it are those that \"bridge fdb show dev %s\" calls static",
                link->name, command, link->name);

        bw_hazards_raise(hazards, BW_HAZARD_OTHER, subject, bridge ? bridge->name : NULL, sentence);
}

/* The memory is gone, or there is nothing to remember. What is found may be somebody else's. */
static bool tell_left(BwHazards *hazards, BwModel *model, GError **error) {
        g_autoptr(GPtrArray) links = bw_model_list_links(model);
        guint left = 0;

        for (guint i = 0; i < links->len; i++)
                if (bw_port_lock_looks_locked(links->pdata[i])) {
                        say_left(hazards, model, links->pdata[i]);
                        left++;
                }
        if (left > 0)
                g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                            "every rule of the guard was taken down; ports that are locked still, "
                            "and no memory of what they were before: %u, named above",
                            left);
        return left == 0;
}

bool bw_warden_restore_kernel(GError **error) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwJournal) journal = bw_journal_new();
        g_autoptr(BwHazards) hazards = bw_hazards_new(journal);
        g_autoptr(BwUndoFile) file = bw_undo_file_open();
        g_autoptr(BwNetlink) netlink = NULL;
        g_autoptr(BwPortLocks) locks = NULL;
        g_autoptr(BwNeighbourWatch) neighbours = NULL;

        netlink = bw_netlink_new(on_fact, model, error);
        if (!netlink || !read_links(netlink, error)) {
                g_prefix_error(error,
                               "every rule of the guard was taken down; whether ports are locked "
                               "still or neighbours pinned is not known, try again: ");
                return false;
        }
        if (bw_undo_is_empty(bw_undo_file_undo(file)))
                return tell_left(hazards, model, error);
        locks = bw_port_locks_new(journal, hazards, netlink, file);
        neighbours = bw_neighbour_watch_new(journal, hazards, netlink, file);
        return bw_neighbour_watch_restore(neighbours, model, error) &&
               bw_port_locks_restore(locks, model, error);
}
