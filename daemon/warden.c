/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "warden_room.h"

#include <bw/error.h>
#include <bw/priority.h>
#include <syslog.h>

#include "service.h"
#include "settings.h"

/* A failed commit or a torn dump is tried again, at first soon. */
#define RETRY_FIRST_MSEC 10
#define RETRY_LAST_MSEC  1000
/* How long libvirt may take to say who is who before that is a hazard. */
#define LIBVIRT_PATIENCE_MSEC 5000

static int64_t now(void) {
        return g_get_monotonic_time();
}

static void clear_timer(guint *timer) {
        if (*timer)
                g_source_remove(*timer);
        *timer = 0;
}

void bw_warden_note_change(BwWarden *warden) {
        if (warden->changed)
                warden->changed(warden->changed_user);
}

/* Bringing the kernel in step */

void bw_warden_take_over_plan(BwWarden *warden, BwPlan *plan) {
        if (warden->plan != warden->in_force)
                bw_plan_free(warden->plan);
        warden->plan = plan;
        bw_fdb_watch_set_plan(warden->fdb_watch, plan);
        if (warden->neighbour_watch)
                bw_neighbour_watch_set_plan(warden->neighbour_watch, plan);
        if (warden->audit)
                bw_audit_set_plan(warden->audit, plan);
}

void bw_warden_note_sync(BwWarden *warden) {
        warden->in_sync = true;
        warden->retry_msec = RETRY_FIRST_MSEC;
        warden->last_sync_usec = g_get_real_time();
        clear_timer(&warden->retry_timer);
}

static void note_ready(BwWarden *warden) {
        if (!warden->ready)
                bw_service_ready();
        warden->ready = true;
}

/* What another run's rules, or an engine that was not in use, have counted is not news. */
static void note_counted(BwWarden *warden) {
        unsigned used = bw_reconciler_used(warden->reconciler);

        if (warden->counted != used)
                bw_audit_set_baseline(warden->audit);
        warden->counted = used;
}

static void note_in_force(BwWarden *warden) {
        bw_warden_note_sync(warden);
        if (warden->in_trouble)
                bw_journal_say(warden->journal, BW_MESSAGE_ENGINE_RECOVERED, LOG_NOTICE,
                               "The kernel is as planned again", NULL);
        warden->in_trouble = false;
        if (warden->in_force != warden->plan) {
                bw_announce_plan(warden->journal, warden->in_force, warden->plan,
                                 bw_reconciler_used(warden->reconciler));
                bw_plan_free(warden->in_force);
                warden->in_force = warden->plan;
        }
        note_counted(warden);
        note_ready(warden);
}

static gboolean on_retry(gpointer user) {
        BwWarden *warden = user;

        warden->retry_timer = 0;
        bw_warden_commit(warden, BW_CAUSE_FACTS);
        return G_SOURCE_REMOVE;
}

static void note_failure(BwWarden *warden, const GError *error) {
        warden->in_sync = false;
        /* Somebody else holding the lock for a moment is daily life. */
        if (!warden->in_trouble && (!g_error_matches(error, BW_ERROR, BW_ERROR_BUSY) ||
                                    warden->retry_msec >= RETRY_LAST_MSEC)) {
                g_autofree char *sentence =
                        g_strdup_printf("The kernel could not be brought in step: %s. Trying again",
                                        error->message);

                bw_journal_say(warden->journal, BW_MESSAGE_ENGINE_TROUBLE, LOG_ERR, sentence, NULL);
                warden->in_trouble = true;
        }
        clear_timer(&warden->retry_timer);
        /* Who did what is known first: what this writes is told with it. */
        warden->retry_timer =
                g_timeout_add_full(BW_PRIORITY_WORK, warden->retry_msec, on_retry, warden, NULL);
        warden->retry_msec = MIN(warden->retry_msec * 2, RETRY_LAST_MSEC);
}

/* What others did to one engine's rules is not what another wrote for a guest that came. */
static BwCause judge_pass(const BwWarden *warden, const BwPass *pass, BwCause cause) {
        return warden->drifted & pass->wrote ? BW_CAUSE_DRIFT : cause;
}

/* An engine given up has nothing left to repair. Who changed nftables is to blame for that, and for
 * nothing that comes after. */
static void forget_drift(BwWarden *warden, unsigned engines) {
        if (warden->drifted & engines & BW_ENGINE_BIT(BW_ENGINE_NFTABLES))
                warden->culprit = (BwNftNews){};
        warden->drifted &= ~engines;
}

void bw_warden_commit(BwWarden *warden, BwCause cause) {
        g_autoptr(GError) error = NULL;
        int64_t begin = now();
        BwPass pass;
        bool done = bw_reconciler_commit(warden->reconciler, begin, &pass, &error);
        unsigned facts = warden->unanswered + bw_pace_count(warden->pace);

        forget_drift(warden, ~bw_reconciler_used(warden->reconciler));
        bw_announce_pass(warden->journal, &pass, judge_pass(warden, &pass, cause), &warden->culprit,
                         facts, now() - begin);
        warden->unanswered = done ? 0 : facts;
        forget_drift(warden, bw_reconciler_in_step(warden->reconciler));
        bw_pace_end(warden->pace, BW_PACE_WROTE);
        if (done)
                note_in_force(warden);
        else
                note_failure(warden, error);
        bw_warden_check_locks(warden);
        bw_engine_roll_note(warden->roll, bw_warden_engines_in_force(warden));
        bw_warden_note_change(warden);
}

static BwLibvirtWord libvirt_word(const BwWarden *warden) {
        if (!warden->virt || warden->libvirt_answered)
                return BW_LIBVIRT_ANSWERED;
        return warden->libvirt_silent ? BW_LIBVIRT_SILENT : BW_LIBVIRT_AWAITED;
}

void bw_warden_check_switches(BwWarden *warden) {
        bw_switches_serve(warden->switches, bw_reconciler_used(warden->reconciler));
        bw_switches_check(warden->switches, warden->plan);
}

void bw_warden_look_for_hazards(BwWarden *warden) {
        bw_hazard_watch_look(warden->hazard_watch, warden->model, warden->plan,
                             bw_reconciler_used(warden->reconciler));
}

static void bring_in_step(BwWarden *warden) {
        g_autoptr(BwPlan) plan = NULL;
        BwLibvirtWord word = libvirt_word(warden);
        bool kept, differs;

        /* Ports that were not read yet would lose the rules of a former run. */
        if (!warden->started)
                return;
        plan = bw_plan_new(warden->model, warden->config);
        kept = bw_inheritance_keep(warden->inheritance, plan, warden->model, warden->config, word);
        bw_pace_begin(warden->pace);
        if (!warden->armed)
                return;
        /* At the start libvirt gets a moment: two commits that undo each other would serve nobody.
         */
        if (kept && word == BW_LIBVIRT_AWAITED && !warden->in_force)
                return;
        differs = bw_reconciler_want(warden->reconciler, plan, warden->model);
        bw_warden_take_over_plan(warden, g_steal_pointer(&plan));
        bw_warden_check_switches(warden);
        if (differs || !warden->in_sync) {
                bw_warden_commit(warden, BW_CAUSE_FACTS);
                return;
        }
        bw_pace_end(warden->pace, BW_PACE_LOOKED);
        note_in_force(warden);
        bw_warden_check_locks(warden);
        bw_engine_roll_note(warden->roll, bw_warden_engines_in_force(warden));
        bw_warden_note_change(warden);
}

/* The guard first: whoever may weaken it waits. */
void bw_warden_flush(BwWarden *warden) {
        bring_in_step(warden);
        bw_warden_look_for_hazards(warden);
}

static void on_due(gpointer user) {
        bw_warden_flush(user);
}

static void on_engine(gpointer user) {
        BwWarden *warden = user;

        warden->in_sync = false;
        bw_warden_watch_drift(warden);
        bw_warden_flush(warden);
}

static void schedule_flush(BwWarden *warden) {
        if (warden->started)
                bw_pace_news(warden->pace);
}

/* Another link under a name that rules stand for must not be judged by them a moment too long. */
static void hurry_for_successor(BwWarden *warden, const BwLink *link) {
        const BwPortPlan *former =
                warden->in_force ? bw_plan_find_port(warden->in_force, link->name, NULL) : NULL;

        if (former && former->ifindex != link->ifindex)
                bw_pace_hurry(warden->pace);
}

/* Facts */

static gboolean on_dump_timer(gpointer user) {
        BwWarden *warden = user;

        warden->dump_timer = 0;
        if (!bw_netlink_dump(warden->netlink, NULL)) {
                bw_warden_schedule_dump(warden);
                return G_SOURCE_REMOVE;
        }
        warden->dump_msec = RETRY_FIRST_MSEC;
        warden->started = true;
        schedule_flush(warden);
        return G_SOURCE_REMOVE;
}

/* Torn by a change, or refused: again, later each time. */
void bw_warden_schedule_dump(BwWarden *warden) {
        if (warden->dump_timer)
                return;
        warden->dump_timer = g_timeout_add(warden->dump_msec, on_dump_timer, warden);
        warden->dump_msec = MIN(warden->dump_msec * 2, RETRY_LAST_MSEC);
}

static void take_overrun(BwWarden *warden) {
        if (warden->dump_timer)
                return;
        bw_journal_say(
                warden->journal, BW_MESSAGE_OVERRUN, LOG_NOTICE,
                "The kernel had more news than the socket could hold; reading everything again",
                NULL);
        bw_warden_schedule_dump(warden);
}

static gboolean on_patience_timer(gpointer user) {
        BwWarden *warden = user;

        warden->patience_timer = 0;
        warden->libvirt_silent = true;
        schedule_flush(warden);
        return G_SOURCE_REMOVE;
}

static void note_libvirt(BwWarden *warden, bool connected) {
        if (connected)
                bw_journal_say(warden->journal, BW_MESSAGE_LIBVIRT_CONNECTED, LOG_INFO,
                               "Connected to libvirt", "BW_URI", warden->config->libvirt_uri, NULL);
        else if (warden->libvirt_connected || !warden->libvirt_silent)
                bw_journal_say(warden->journal, BW_MESSAGE_LIBVIRT_LOST, LOG_WARNING,
                               "libvirt does not answer; the guard goes on with what is known",
                               "BW_URI", warden->config->libvirt_uri, NULL);
        warden->libvirt_connected = connected;
        warden->libvirt_silent = !connected;
        if (!connected && !warden->libvirt_answered)
                schedule_flush(warden);
        bw_warden_note_change(warden);
}

/* What a fact means besides what the model makes of it. */
static void notice(BwWarden *warden, const BwFact *fact) {
        switch (fact->kind) {
        case BW_FACT_OVERRUN:
                take_overrun(warden);
                return;
        case BW_FACT_CONNECTED:
        case BW_FACT_DISCONNECTED:
                if (fact->source == BW_SOURCE_LIBVIRT)
                        note_libvirt(warden, fact->kind == BW_FACT_CONNECTED);
                return;
        case BW_FACT_SNAPSHOT_END:
                if (fact->source == BW_SOURCE_LIBVIRT && !warden->libvirt_answered) {
                        warden->libvirt_answered = true;
                        clear_timer(&warden->patience_timer);
                        schedule_flush(warden);
                }
                return;
        case BW_FACT_LINK_GONE:
                bw_switches_forget(warden->switches, fact->link.ifindex);
                return;
        case BW_FACT_SNAPSHOT_BEGIN:
        case BW_FACT_LINK:
        case BW_FACT_FDB:
        case BW_FACT_FDB_GONE:
        case BW_FACT_NEIGHBOUR:
        case BW_FACT_NEIGHBOUR_GONE:
        case BW_FACT_ADDRESS:
        case BW_FACT_ADDRESS_GONE:
        case BW_FACT_GUEST:
        case BW_FACT_GUEST_GONE:
        case BW_FACT_GUEST_SEEN:
                return;
        }
        g_assert_not_reached();
}

static void on_fact(const BwFact *fact, gpointer user) {
        BwWarden *warden = user;
        unsigned change;
        bool is_loose;

        bw_fdb_watch_take(warden->fdb_watch, warden->model, fact);
        change = bw_model_apply(warden->model, fact, now());
        is_loose = bw_port_locks_take(warden->port_locks, fact);
        if (change & BW_CHANGE_NEIGHBOUR)
                is_loose |= bw_neighbour_watch_take(warden->neighbour_watch, warden->model, fact);
        notice(warden, fact);
        if (is_loose || (change & (BW_CHANGE_PORTS | BW_CHANGE_GUESTS)))
                schedule_flush(warden);
        if (fact->kind == BW_FACT_LINK && warden->started)
                hurry_for_successor(warden, &fact->link);
        if ((change & BW_CHANGE_RELOAD_GUESTS) && warden->virt)
                bw_virt_refresh(warden->virt);
}

/* Told to live without libvirt: what the former one said counts no more. */
static void forget_guests(BwWarden *warden) {
        BwFact fact = { .kind = BW_FACT_SNAPSHOT_BEGIN, .source = BW_SOURCE_LIBVIRT };

        bw_model_apply(warden->model, &fact, now());
        fact.kind = BW_FACT_SNAPSHOT_END;
        bw_model_apply(warden->model, &fact, now());
}

void bw_warden_start_libvirt(BwWarden *warden) {
        g_clear_pointer(&warden->virt, bw_virt_free);
        warden->libvirt_connected = false;
        if (!warden->config->libvirt_uri)
                forget_guests(warden);
        else
                warden->virt = bw_virt_new(warden->config->libvirt_uri, on_fact, warden);
}

/* Life */

static bool read_world(BwWarden *warden, GError **error) {
        g_autoptr(GError) trouble = NULL;

        warden->netlink = bw_netlink_new(on_fact, warden, error);
        if (!warden->netlink)
                return false;
        warden->switches = bw_switches_new(warden->journal, warden->hazards, warden->netlink);
        warden->port_locks = bw_port_locks_new(warden->journal, warden->hazards, warden->netlink,
                                               warden->undo_file);
        warden->neighbour_watch = bw_neighbour_watch_new(warden->journal, warden->hazards,
                                                         warden->netlink, warden->undo_file);
        warden->hazard_watch =
                bw_hazard_watch_new(warden->journal, warden->hazards, warden->netlink);
        /* A torn dump is no world to act on: nothing is written until a whole one is in. */
        warden->started = bw_netlink_dump(warden->netlink, &trouble);
        if (!warden->started && !g_error_matches(trouble, BW_ERROR, BW_ERROR_STALE)) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
        if (!warden->started)
                bw_warden_schedule_dump(warden);
        return bw_reconciler_note_inherited(warden->reconciler, error);
}

static void on_violation(const BwViolation *violation, gpointer watch) {
        bw_fdb_watch_misdelivered(watch, violation);
}

static void begin(BwWarden *warden) {
        warden->audit = bw_audit_new(warden->journal, warden->hazards, warden->reconciler,
                                     warden->counts, warden->config->log_rate);
        bw_audit_listen(warden->audit, on_violation, warden->fdb_watch);
        bw_warden_start_libvirt(warden);
        warden->patience_timer = g_timeout_add(LIBVIRT_PATIENCE_MSEC, on_patience_timer, warden);
        bw_warden_watch_drift(warden);
        schedule_flush(warden);
}

static void on_hazard(gpointer user) {
        bw_warden_note_change(user);
}

BwWarden *bw_warden_new(const char *config_path, GError **error) {
        g_autoptr(BwConfig) config = bw_settings_read(config_path, error);
        g_autoptr(BwWarden) warden = NULL;

        if (!config)
                return NULL;
        warden = g_new0(BwWarden, 1);
        warden->config_path = g_strdup(config_path);
        warden->config = g_steal_pointer(&config);
        warden->journal = bw_journal_new();
        warden->hazards = bw_hazards_new(warden->journal);
        warden->fdb_watch = bw_fdb_watch_new(warden->journal, warden->hazards);
        warden->undo_file = bw_undo_file_open();
        bw_hazards_listen(warden->hazards, on_hazard, warden);
        warden->model = bw_model_new();
        warden->reconciler = bw_reconciler_new();
        warden->counts = bw_counts_new(warden->reconciler);
        warden->roll = bw_engine_roll_new(warden->journal, warden->hazards, warden->reconciler,
                                          on_engine, warden);
        warden->inheritance = bw_inheritance_new(warden->hazards, warden->reconciler);
        warden->pace = bw_pace_new(on_due, warden);
        warden->armed = true;
        warden->retry_msec = warden->dump_msec = RETRY_FIRST_MSEC;
        if (!bw_engine_roll_call(warden->roll, warden->config->engines, error) ||
            !read_world(warden, error))
                return NULL;
        bw_journal_say(warden->journal, BW_MESSAGE_STARTED, LOG_INFO,
                       "bridgewardend " BW_VERSION " started", "BW_VERSION", BW_VERSION, NULL);
        bw_announce_config(warden->journal, config_path, warden->config);
        begin(warden);
        return g_steal_pointer(&warden);
}

void bw_warden_free(BwWarden *warden) {
        if (!warden)
                return;
        clear_timer(&warden->retry_timer);
        clear_timer(&warden->dump_timer);
        bw_warden_stop_watching(warden);
        clear_timer(&warden->patience_timer);
        if (warden->started)
                bw_journal_say(
                        warden->journal, BW_MESSAGE_STOPPED, LOG_INFO,
                        warden->armed
                                ? "bridgewardend stopped; its rules stay in force"
                                : "bridgewardend stopped; it was disarmed, so no rules are in force",
                        NULL);
        bw_virt_free(warden->virt);
        g_clear_pointer(&warden->audit, bw_audit_free);
        bw_warden_take_over_plan(warden, NULL);
        bw_switches_free(warden->switches);
        bw_port_locks_free(warden->port_locks);
        bw_neighbour_watch_free(warden->neighbour_watch);
        bw_hazard_watch_free(warden->hazard_watch);
        bw_pace_free(warden->pace);
        bw_inheritance_free(warden->inheritance);
        bw_engine_roll_free(warden->roll);
        bw_netlink_free(warden->netlink);
        bw_plan_free(warden->in_force);
        bw_counts_free(warden->counts);
        bw_reconciler_free(warden->reconciler);
        bw_model_free(warden->model);
        bw_undo_file_free(warden->undo_file);
        bw_fdb_watch_free(warden->fdb_watch);
        bw_hazards_free(warden->hazards);
        bw_journal_free(warden->journal);
        bw_config_free(warden->config);
        g_free(warden->config_path);
        g_free(warden);
}

bool bw_warden_disarm_kernel(GError **error) {
        g_autoptr(BwReconciler) reconciler = bw_reconciler_new();
        BwPass pass;

        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                bw_reconciler_give_up(reconciler, kind);
        return bw_reconciler_disarm(reconciler, now(), &pass, error) &&
               bw_warden_restore_kernel(error);
}
