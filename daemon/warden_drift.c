/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "warden_room.h"

/* Rules that are kept cannot be repaired: a chain somebody has emptied guards nobody. */
static void look_at_kept(BwWarden *warden) {
        if (!bw_plan_has_inherited(warden->plan))
                return;
        bw_reconciler_note_inherited(warden->reconciler, NULL);
        bw_warden_flush(warden);
}

void bw_warden_look_for_drift(BwWarden *warden) {
        bool equal = false;

        if (!warden->armed || !warden->in_force || warden->retry_timer)
                return;
        bw_warden_check_switches(warden);
        look_at_kept(warden);
        if (bw_reconciler_check(warden->reconciler, &equal, NULL) && equal)
                bw_warden_note_sync(warden);
        else
                bw_warden_commit(warden, BW_CAUSE_DRIFT);
}

static gboolean on_drift_timer(gpointer user) {
        bw_warden_look_for_drift(user);
        return G_SOURCE_CONTINUE;
}

void bw_warden_watch_drift(BwWarden *warden) {
        g_clear_handle_id(&warden->drift_timer, g_source_remove);
        warden->drift_timer =
                g_timeout_add_seconds(warden->config->check_interval, on_drift_timer, warden);
}
