/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "warden_room.h"

#include <bw/priority.h>
#include <syslog.h>

/* Rules that are kept cannot be repaired: a chain somebody has emptied guards nobody. */
static void look_at_kept(BwWarden *warden) {
        if (!bw_plan_has_inherited(warden->plan))
                return;
        bw_reconciler_note_inherited(warden->reconciler, NULL);
        bw_warden_flush(warden);
}

static bool may_look(const BwWarden *warden) {
        return warden->armed && warden->in_force && !warden->retry_timer;
}

/* Returns whether there is more to look at: not after a repair, which reads everything back. */
static bool check_next(BwWarden *warden, BwCheck *check) {
        unsigned used = bw_reconciler_used(warden->reconciler);
        bool equal = false, more = false;
        bool is_read = bw_reconciler_check(warden->reconciler, check, &equal, &more, NULL);

        if (is_read && equal)
                return more;
        if (is_read)
                warden->drifted |= used & ~bw_reconciler_in_step(warden->reconciler);
        bw_warden_commit(warden, BW_CAUSE_DRIFT);
        return false;
}

/* Rounds: table by table, and what the kernel has to tell in between. A guest that comes meanwhile
 * does not wait for the whole of it. */

static gboolean on_check(gpointer user) {
        BwWarden *warden = user;

        if (may_look(warden) && check_next(warden, &warden->check))
                return G_SOURCE_CONTINUE;
        warden->check_source = 0;
        if (!may_look(warden))
                return G_SOURCE_REMOVE;
        bw_warden_note_sync(warden);
        bw_warden_check_locks(warden);
        return G_SOURCE_REMOVE;
}

static void begin_round(BwWarden *warden) {
        if (!may_look(warden) || warden->check_source)
                return;
        bw_warden_check_switches(warden);
        look_at_kept(warden);
        bw_neighbour_watch_look(warden->neighbour_watch, warden->model);
        warden->check = (BwCheck){};
        warden->check_source = g_idle_add_full(BW_PRIORITY_WORK, on_check, warden, NULL);
}

/* News of others' */

/* Whose news it was, nftables, is the first to be looked at. */
static gboolean on_look_timer(gpointer user) {
        BwWarden *warden = user;
        const unsigned nftables = BW_ENGINE_BIT(BW_ENGINE_NFTABLES);
        BwCheck first = {};

        warden->look_timer = 0;
        if (may_look(warden)) {
                look_at_kept(warden);
                (void) check_next(warden, &first);
        } else if (warden->retry_timer && warden->culprit.ours) {
                /* The next try reads the table, and mends it. */
                warden->drifted |= nftables & bw_reconciler_used(warden->reconciler);
        }
        /* What could not be repaired is tried again, and told of then. */
        if (!(warden->drifted & nftables))
                warden->culprit = (BwNftNews){};
        return G_SOURCE_REMOVE;
}

/* Much news at once makes one look. */
static void on_nft_news(const BwNftNews *news, gpointer user) {
        BwWarden *warden = user;

        if (!news->lost && !news->ours)
                bw_reconciler_note_others(warden->reconciler, news->generation);
        if (!news->lost && (!news->ours || bw_nftables_watch_is_own(warden->nft_watch, news)))
                return;
        if (!news->lost)
                warden->culprit = *news;
        if (!warden->look_timer)
                warden->look_timer =
                        g_idle_add_full(G_PRIORITY_DEFAULT, on_look_timer, warden, NULL);
}

static void watch_tables(BwWarden *warden) {
        bool used = bw_reconciler_used(warden->reconciler) & BW_ENGINE_BIT(BW_ENGINE_NFTABLES);
        g_autoptr(GError) trouble = NULL;
        g_autofree char *sentence = NULL;

        if (!used)
                g_clear_pointer(&warden->nft_watch, bw_nftables_watch_free);
        if (!used || warden->nft_watch)
                return;
        warden->nft_watch = bw_nftables_watch_new(on_nft_news, warden, &trouble);
        if (warden->nft_watch)
                return;
        sentence = g_strdup_printf("What others change in nftables is found at the next check "
                                   "only: %s",
                                   trouble->message);
        bw_journal_say(warden->journal, BW_MESSAGE_ENGINE_TROUBLE, LOG_NOTICE, sentence, NULL);
}

static gboolean on_drift_timer(gpointer user) {
        BwWarden *warden = user;

        begin_round(warden);
        bw_hazard_watch_ask(warden->hazard_watch, warden->model, warden->plan);
        bw_warden_look_for_hazards(warden);
        return G_SOURCE_CONTINUE;
}

void bw_warden_watch_drift(BwWarden *warden) {
        watch_tables(warden);
        g_clear_handle_id(&warden->drift_timer, g_source_remove);
        warden->drift_timer =
                g_timeout_add_seconds(warden->config->check_interval, on_drift_timer, warden);
}

void bw_warden_stop_watching(BwWarden *warden) {
        g_clear_handle_id(&warden->drift_timer, g_source_remove);
        g_clear_handle_id(&warden->look_timer, g_source_remove);
        g_clear_handle_id(&warden->check_source, g_source_remove);
        g_clear_pointer(&warden->nft_watch, bw_nftables_watch_free);
}
