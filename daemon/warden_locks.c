/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "warden_room.h"

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

bool bw_warden_restore_kernel(GError **error) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwJournal) journal = bw_journal_new();
        g_autoptr(BwHazards) hazards = bw_hazards_new(journal);
        g_autoptr(BwUndoFile) file = bw_undo_file_open();
        g_autoptr(BwNetlink) netlink = NULL;
        g_autoptr(BwPortLocks) locks = NULL;
        g_autoptr(BwNeighbourWatch) neighbours = NULL;

        if (bw_undo_is_empty(bw_undo_file_undo(file)))
                return true;
        netlink = bw_netlink_new(on_fact, model, error);
        if (!netlink || !bw_netlink_dump(netlink, error))
                return false;
        locks = bw_port_locks_new(journal, hazards, netlink, file);
        neighbours = bw_neighbour_watch_new(journal, hazards, netlink, file);
        return bw_neighbour_watch_restore(neighbours, model, error) &&
               bw_port_locks_restore(locks, model, error);
}
