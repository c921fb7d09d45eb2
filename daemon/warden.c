/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "warden.h"

#include <bw/error.h>
#include <bw/nft_table.h>
#include <string.h>
#include <syslog.h>

#include "announce.h"
#include "audit.h"
#include "hazards.h"
#include "inheritance.h"
#include "kernel.h"
#include "mac_watch.h"
#include "netlink.h"
#include "pace.h"
#include "reconciler.h"
#include "service.h"
#include "settings.h"
#include "switches.h"
#include "virt.h"

/* A failed commit or a torn dump is tried again, at first soon. */
#define RETRY_FIRST_MSEC 10
#define RETRY_LAST_MSEC  1000
/* How long libvirt may take to say who is who before that is a hazard. */
#define LIBVIRT_PATIENCE_MSEC 5000
#define SUM_UP_SECONDS        10
#define NFLOG_RETRY_SECONDS   10

struct BwWarden {
        char *config_path;
        BwConfig *config;
        BwModel *model;
        BwReconciler *reconciler;
        BwPlan *plan;     /* what must be */
        BwPlan *in_force; /* what was last read back as being; may be the same object */

        BwJournal *journal;
        BwHazards *hazards;
        BwAudit *audit;
        BwSwitches *switches;
        BwPace *pace;
        BwInheritance *inheritance;
        BwMacWatch *mac_watch;
        BwNetlink *netlink;
        BwVirt *virt;

        bool armed;            /* false after disarm */
        bool started;          /* the first dump is in */
        bool libvirt_answered; /* there was a whole snapshot since the start */
        bool libvirt_silent;   /* it had its time to answer, or said it is not there */
        bool libvirt_connected;
        bool in_sync;
        bool in_trouble;        /* a failure was announced and not yet followed by success */
        bool ready;             /* the service manager knows */
        int64_t last_sync_usec; /* CLOCK_REALTIME */
        unsigned retry_msec, dump_msec;
        guint retry_timer, dump_timer, drift_timer, patience_timer;
        void (*changed)(gpointer user);
        gpointer changed_user;
};

static void schedule_flush(BwWarden *warden);
static void commit(BwWarden *warden, BwCause cause);
static void schedule_dump(BwWarden *warden);
static void flush(BwWarden *warden);

static int64_t now(void) {
        return g_get_monotonic_time();
}

static void clear_timer(guint *timer) {
        if (*timer)
                g_source_remove(*timer);
        *timer = 0;
}

static void note_change(BwWarden *warden) {
        if (warden->changed)
                warden->changed(warden->changed_user);
}

/* Bringing the kernel in step */

static void take_over_plan(BwWarden *warden, BwPlan *plan) {
        if (warden->plan != warden->in_force)
                bw_plan_free(warden->plan);
        warden->plan = plan;
        if (warden->audit)
                bw_audit_set_plan(warden->audit, plan);
}

static void note_sync(BwWarden *warden) {
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

static void note_in_force(BwWarden *warden) {
        bool first = warden->in_force == NULL;

        note_sync(warden);
        if (warden->in_trouble)
                bw_journal_say(warden->journal, BW_MESSAGE_ENGINE_RECOVERED, LOG_NOTICE,
                               "The kernel is as planned again", NULL);
        warden->in_trouble = false;
        if (warden->in_force != warden->plan) {
                bw_announce_plan(warden->journal, warden->in_force, warden->plan);
                bw_plan_free(warden->in_force);
                warden->in_force = warden->plan;
        }
        if (first)
                bw_audit_set_baseline(warden->audit);
        note_ready(warden);
}

static gboolean on_retry(gpointer user) {
        BwWarden *warden = user;

        warden->retry_timer = 0;
        commit(warden, BW_CAUSE_FACTS);
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
        warden->retry_timer = g_timeout_add(warden->retry_msec, on_retry, warden);
        warden->retry_msec = MIN(warden->retry_msec * 2, RETRY_LAST_MSEC);
}

static void commit(BwWarden *warden, BwCause cause) {
        g_autoptr(GError) error = NULL;
        int64_t begin = now();
        BwPass pass;
        bool done = bw_reconciler_commit(warden->reconciler, begin, &pass, &error);

        bw_announce_pass(warden->journal, &pass, cause, bw_pace_count(warden->pace), now() - begin);
        bw_pace_end(warden->pace, BW_PACE_WROTE);
        if (done)
                note_in_force(warden);
        else
                note_failure(warden, error);
        note_change(warden);
}

static BwLibvirtWord libvirt_word(const BwWarden *warden) {
        if (!warden->virt || warden->libvirt_answered)
                return BW_LIBVIRT_ANSWERED;
        return warden->libvirt_silent ? BW_LIBVIRT_SILENT : BW_LIBVIRT_AWAITED;
}

static void flush(BwWarden *warden) {
        g_autoptr(BwPlan) plan = bw_plan_new(warden->model, warden->config);
        BwLibvirtWord word = libvirt_word(warden);
        bool kept = bw_inheritance_keep(warden->inheritance, plan, warden->config, word);
        bool differs;

        bw_pace_begin(warden->pace);
        if (!warden->armed)
                return;
        /* At the start libvirt gets a moment: two commits that undo each other would serve nobody.
         */
        if (kept && word == BW_LIBVIRT_AWAITED && !warden->in_force)
                return;
        differs = bw_reconciler_want(warden->reconciler, plan);
        take_over_plan(warden, g_steal_pointer(&plan));
        bw_switches_check(warden->switches, warden->plan);
        if (differs || !warden->in_sync) {
                commit(warden, BW_CAUSE_FACTS);
                return;
        }
        bw_pace_end(warden->pace, BW_PACE_LOOKED);
        note_in_force(warden);
        note_change(warden);
}

static void on_due(gpointer user) {
        flush(user);
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
                schedule_dump(warden);
                return G_SOURCE_REMOVE;
        }
        warden->dump_msec = RETRY_FIRST_MSEC;
        warden->started = true;
        schedule_flush(warden);
        return G_SOURCE_REMOVE;
}

/* Torn by a change, or refused: again, later each time. */
static void schedule_dump(BwWarden *warden) {
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
        schedule_dump(warden);
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
        note_change(warden);
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
        unsigned change = bw_model_apply(warden->model, fact, now());

        notice(warden, fact);
        if (change & (BW_CHANGE_PORTS | BW_CHANGE_GUESTS))
                schedule_flush(warden);
        if (fact->kind == BW_FACT_LINK && warden->started)
                hurry_for_successor(warden, &fact->link);
        if ((change & BW_CHANGE_FDB) && warden->plan)
                bw_mac_watch_learned(warden->mac_watch, warden->plan, &fact->fdb);
        if ((change & BW_CHANGE_RELOAD_GUESTS) && warden->virt)
                bw_virt_refresh(warden->virt);
}

/* Drift */

static gboolean on_drift_timer(gpointer user) {
        BwWarden *warden = user;
        bool equal = false;

        if (!warden->armed || !warden->in_force || warden->retry_timer)
                return G_SOURCE_CONTINUE;
        bw_switches_check(warden->switches, warden->plan);
        if (bw_inheritance_is_kept(warden->plan)) {
                /* Rules that are kept cannot be repaired: a chain somebody has emptied guards
                 * nobody. */
                bw_reconciler_note_inherited(warden->reconciler, NULL);
                flush(warden);
        }
        if (bw_reconciler_check(warden->reconciler, &equal, NULL) && equal) {
                note_sync(warden);
                return G_SOURCE_CONTINUE;
        }
        commit(warden, BW_CAUSE_DRIFT);
        return G_SOURCE_CONTINUE;
}

static void start_drift_timer(BwWarden *warden) {
        clear_timer(&warden->drift_timer);
        warden->drift_timer =
                g_timeout_add_seconds(warden->config->check_interval, on_drift_timer, warden);
}

/* Configuration */

/* Told to live without libvirt: what the former one said counts no more. */
static void forget_guests(BwWarden *warden) {
        BwFact fact = { .kind = BW_FACT_SNAPSHOT_BEGIN, .source = BW_SOURCE_LIBVIRT };

        bw_model_apply(warden->model, &fact, now());
        fact.kind = BW_FACT_SNAPSHOT_END;
        bw_model_apply(warden->model, &fact, now());
}

static void start_libvirt(BwWarden *warden) {
        g_clear_pointer(&warden->virt, bw_virt_free);
        warden->libvirt_connected = false;
        if (!warden->config->libvirt_uri)
                forget_guests(warden);
        else
                warden->virt = bw_virt_new(warden->config->libvirt_uri, on_fact, warden);
}

static void apply_config(BwWarden *warden, BwConfig *config) {
        g_autoptr(BwConfig) former = warden->config;

        warden->config = config;
        bw_announce_config(warden->journal, warden->config_path, config);
        if (g_strcmp0(former->libvirt_uri, config->libvirt_uri) != 0)
                start_libvirt(warden);
        if (former->check_interval != config->check_interval)
                start_drift_timer(warden);
        bw_audit_set_rate(warden->audit, config->log_rate);
}

/* A file that was truncated on its way says nothing wrong, and would take the whole guard down. */
static bool is_sane_successor(const BwWarden *warden, const BwConfig *config, GError **error) {
        if (bw_config_count_sections(config) > 0 || bw_config_count_sections(warden->config) == 0 ||
            !config->bridges_auto || config->mode == BW_MODE_OFF)
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                    "it speaks of no port, guest or bridge, and the one in force does; to take the "
                    "guard down, use \"bridgewarden disarm\" or Mode=off in [Guard]");
        return false;
}

static BwConfig *read_successor(BwWarden *warden, GError **error) {
        g_autoptr(BwConfig) config = bw_settings_read(warden->config_path, error);

        if (!config || !is_sane_successor(warden, config, error))
                return NULL;
        if (config->guard_broken)
                bw_config_keep_guard(config, warden->config);
        bw_config_keep_bridges(config, warden->config);
        return g_steal_pointer(&config);
}

bool bw_warden_reload(BwWarden *warden, GError **error) {
        g_autoptr(GError) trouble = NULL;
        BwConfig *config;

        bw_service_reloading();
        config = read_successor(warden, &trouble);
        if (warden->ready)
                bw_service_ready();
        if (!config) {
                g_autofree char *sentence = g_strdup_printf(
                        "The new configuration is not taken: %s. The last good one stays in force",
                        trouble->message);

                bw_journal_say(warden->journal, BW_MESSAGE_CONFIG_REJECTED, LOG_ERR, sentence,
                               "BW_CONFIG", warden->config_path, NULL);
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
        apply_config(warden, config);
        warden->armed = true;
        flush(warden);
        return true;
}

/* Requests */

bool bw_warden_resync(BwWarden *warden, GError **error) {
        if (!bw_netlink_dump(warden->netlink, error)) {
                schedule_dump(warden);
                return false;
        }
        warden->started = true;
        if (warden->virt)
                bw_virt_refresh(warden->virt);
        warden->armed = true;
        warden->in_sync = false;
        flush(warden);
        if (warden->in_sync)
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_BUSY,
                    "the kernel is not in step yet; the daemon goes on trying, see the journal");
        return false;
}

bool bw_warden_disarm(BwWarden *warden, GError **error) {
        BwPass pass;

        bw_pace_begin(warden->pace);
        clear_timer(&warden->retry_timer);
        if (!bw_reconciler_disarm(warden->reconciler, now(), &pass, error)) {
                /* Half a guard is worse than what was there: put back what is gone. */
                if (warden->armed && warden->plan)
                        commit(warden, BW_CAUSE_FACTS);
                return false;
        }
        warden->armed = false;
        warden->in_sync = false;
        take_over_plan(warden, NULL);
        g_clear_pointer(&warden->in_force, bw_plan_free);
        bw_journal_say(
                warden->journal, BW_MESSAGE_DISARMED, LOG_WARNING,
                "Disarmed on request: every rule of the guard was taken down. Resync, Reload or "
                "a restart puts them back",
                NULL);
        note_change(warden);
        return true;
}

/* Questions */

/* Rules that are listed are not rules that packets meet. */
static bool sees_packets(const BwPlan *plan) {
        unsigned needed = bw_bridge_switches_feeding(BW_ENGINE_BIT(BW_ENGINE_IPTABLES));

        for (guint i = 0; plan && i < plan->bridges->len; i++)
                if (needed & ~((const BwBridgePlan *) plan->bridges->pdata[i])->switches)
                        return false;
        return bw_kernel_has_br_netfilter();
}

BwWardenState bw_warden_state(const BwWarden *warden) {
        return (BwWardenState){
                .armed = warden->armed,
                .in_force = warden->armed && warden->in_sync && warden->plan == warden->in_force &&
                            sees_packets(warden->plan),
                .libvirt_connected = warden->libvirt_connected,
                .config_errors = bw_config_count_errors(warden->config),
                .generation = bw_reconciler_generation(warden->reconciler),
                .last_sync_usec = warden->last_sync_usec,
        };
}

const BwPlan *bw_warden_plan(const BwWarden *warden) {
        return warden->plan;
}

bool bw_warden_knows_guest(const BwWarden *warden, const char *name_or_uuid) {
        return bw_model_find_guest(warden->model, name_or_uuid) != NULL;
}

char **bw_warden_hazards(const BwWarden *warden) {
        return bw_hazards_list(warden->hazards);
}

bool bw_warden_count(BwWarden *warden, BwIptCounted counted, gpointer user, GError **error) {
        return bw_reconciler_count(warden->reconciler, counted, user, error);
}

static bool is_guarded(const BwPlan *plan, int bridge) {
        for (guint i = 0; plan && i < plan->bridges->len; i++)
                if (((const BwBridgePlan *) plan->bridges->pdata[i])->ifindex == bridge)
                        return true;
        return false;
}

GPtrArray *bw_warden_list_fdb(const BwWarden *warden) {
        GPtrArray *records = bw_model_list_fdb(warden->model);
        guint kept = 0;

        for (guint i = 0; i < records->len; i++) {
                const BwFdbRecord *record = records->pdata[i];

                if (is_guarded(warden->plan, record->entry.bridge))
                        records->pdata[kept++] = records->pdata[i];
        }
        g_ptr_array_set_size(records, (gint) kept);
        return records;
}

GPtrArray *bw_warden_list_elsewhere(const BwWarden *warden) {
        return bw_nft_list_elsewhere(warden->model, bw_warden_plan(warden));
}

const BwLink *bw_warden_find_link(const BwWarden *warden, int ifindex) {
        return bw_model_find_link(warden->model, ifindex);
}

BwJournal *bw_warden_journal(const BwWarden *warden) {
        return warden->journal;
}

void bw_warden_listen(BwWarden *warden, void (*changed)(gpointer user), gpointer user) {
        warden->changed = changed;
        warden->changed_user = user;
}

/* Life */

static bool probe_engine(GError **error) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GError) trouble = NULL;

                if (bw_iptables_probe(table, &trouble))
                        continue;
                g_set_error(
                        error, BW_ERROR, trouble->code,
                        "No engine works here, so nothing can be guarded: %s. The iptables engine "
                        "needs CAP_NET_ADMIN and CAP_NET_RAW and a kernel with legacy iptables "
                        "(ip_tables, iptable_raw, iptable_mangle)",
                        trouble->message);
                return false;
        }
        return true;
}

static bool read_world(BwWarden *warden, GError **error) {
        g_autoptr(GError) trouble = NULL;

        warden->netlink = bw_netlink_new(on_fact, warden, error);
        if (!warden->netlink)
                return false;
        warden->switches = bw_switches_new(warden->journal, warden->hazards, warden->netlink);
        /* A torn dump is no world to act on: nothing is written until a whole one is in. */
        warden->started = bw_netlink_dump(warden->netlink, &trouble);
        if (!warden->started && !g_error_matches(trouble, BW_ERROR, BW_ERROR_STALE)) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
        if (!warden->started)
                schedule_dump(warden);
        return bw_reconciler_note_inherited(warden->reconciler, error);
}

static void begin(BwWarden *warden) {
        warden->audit = bw_audit_new(warden->journal, warden->hazards, warden->reconciler,
                                     warden->config->log_rate);
        start_libvirt(warden);
        warden->patience_timer = g_timeout_add(LIBVIRT_PATIENCE_MSEC, on_patience_timer, warden);
        start_drift_timer(warden);
        schedule_flush(warden);
}

BwWarden *bw_warden_new(const char *config_path, GError **error) {
        g_autoptr(BwConfig) config = bw_settings_read(config_path, error);
        g_autoptr(BwWarden) warden = NULL;

        if (!config || !probe_engine(error))
                return NULL;
        warden = g_new0(BwWarden, 1);
        warden->config_path = g_strdup(config_path);
        warden->config = g_steal_pointer(&config);
        warden->journal = bw_journal_new();
        warden->hazards = bw_hazards_new(warden->journal);
        warden->mac_watch = bw_mac_watch_new(warden->journal);
        warden->model = bw_model_new();
        warden->reconciler = bw_reconciler_new();
        warden->inheritance = bw_inheritance_new(warden->hazards, warden->reconciler);
        warden->pace = bw_pace_new(on_due, warden);
        warden->armed = true;
        warden->retry_msec = warden->dump_msec = RETRY_FIRST_MSEC;
        if (!read_world(warden, error))
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
        clear_timer(&warden->drift_timer);
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
        bw_switches_free(warden->switches);
        bw_pace_free(warden->pace);
        bw_inheritance_free(warden->inheritance);
        bw_netlink_free(warden->netlink);
        take_over_plan(warden, NULL);
        bw_plan_free(warden->in_force);
        bw_reconciler_free(warden->reconciler);
        bw_model_free(warden->model);
        bw_mac_watch_free(warden->mac_watch);
        bw_hazards_free(warden->hazards);
        bw_journal_free(warden->journal);
        bw_config_free(warden->config);
        g_free(warden->config_path);
        g_free(warden);
}

bool bw_warden_disarm_kernel(GError **error) {
        g_autoptr(BwReconciler) reconciler = bw_reconciler_new();
        BwPass pass;

        return bw_reconciler_disarm(reconciler, now(), &pass, error);
}
