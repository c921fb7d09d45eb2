/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "warden_room.h"

#include <bw/error.h>
#include <bw/nft_table.h>
#include <syslog.h>

#include "kernel.h"
#include "service.h"
#include "settings.h"

/* Configuration */

/* When none of those it names works, the guard stays with those it has. */
static void call_engines(BwWarden *warden) {
        g_autoptr(GError) trouble = NULL;
        g_autofree char *sentence = NULL;

        warden->in_sync = false;
        if (bw_engine_roll_call(warden->roll, warden->config->engines, &trouble)) {
                bw_hazards_clear(warden->hazards, BW_HAZARD_ENGINE, "");
                return;
        }
        sentence = g_strdup_printf("%s. The engines in use until now go on", trouble->message);
        bw_hazards_raise(warden->hazards, BW_HAZARD_ENGINE, "", NULL, sentence);
}

static void apply_config(BwWarden *warden, BwConfig *config) {
        g_autoptr(BwConfig) former = warden->config;

        warden->config = config;
        bw_announce_config(warden->journal, warden->config_path, config);
        call_engines(warden);
        if (g_strcmp0(former->libvirt_uri, config->libvirt_uri) != 0)
                bw_warden_start_libvirt(warden);
        bw_warden_watch_drift(warden);
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
        bw_warden_flush(warden);
        return true;
}

/* Requests */

bool bw_warden_resync(BwWarden *warden, GError **error) {
        if (!bw_netlink_dump(warden->netlink, error)) {
                bw_warden_schedule_dump(warden);
                return false;
        }
        warden->started = true;
        if (warden->virt)
                bw_virt_refresh(warden->virt);
        warden->armed = true;
        warden->in_sync = false;
        bw_warden_flush(warden);
        if (warden->in_sync)
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_BUSY,
                    "the kernel is not in step yet; the daemon goes on trying, see the journal");
        return false;
}

/* Half a guard is worse than what was there. */
static void put_back(BwWarden *warden) {
        if (!warden->armed || !warden->plan)
                return;
        bw_reconciler_want(warden->reconciler, warden->plan, warden->model);
        bw_warden_commit(warden, BW_CAUSE_FACTS);
}

bool bw_warden_disarm(BwWarden *warden, GError **error) {
        BwPass pass;
        bool restored;

        bw_pace_begin(warden->pace);
        g_clear_handle_id(&warden->retry_timer, g_source_remove);
        if (!bw_reconciler_disarm(warden->reconciler, g_get_monotonic_time(), &pass, error)) {
                put_back(warden);
                return false;
        }
        warden->armed = false;
        warden->in_sync = false;
        warden->drifted = 0;
        warden->culprit = (BwNftNews){};
        restored = bw_warden_restore_locks(warden, error);
        bw_warden_take_over_plan(warden, NULL);
        g_clear_pointer(&warden->in_force, bw_plan_free);
        bw_journal_say(
                warden->journal, BW_MESSAGE_DISARMED, LOG_WARNING,
                "Disarmed on request: every rule of the guard was taken down. Resync, Reload or "
                "a restart puts them back",
                NULL);
        bw_warden_look_for_hazards(warden);
        bw_warden_note_change(warden);
        return restored;
}

/* Questions */

/* Of all bridges, what they show to iptables. */
static bool sees_packets(const BwPlan *plan) {
        for (guint i = 0; plan && i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                if (!bw_bridge_switches_feed(bridge->switches, BW_ENGINE_IPTABLES))
                        return false;
        }
        return bw_kernel_has_br_netfilter();
}

unsigned bw_warden_engines_in_force(const BwWarden *warden) {
        unsigned engines = warden->armed ? bw_reconciler_in_step(warden->reconciler) : 0;

        if (!sees_packets(warden->plan))
                engines &= ~BW_ENGINE_BIT(BW_ENGINE_IPTABLES);
        return engines;
}

BwWardenState bw_warden_state(const BwWarden *warden) {
        unsigned engines = bw_warden_engines_in_force(warden);

        return (BwWardenState){
                .armed = warden->armed,
                .in_force = engines && warden->in_sync && warden->plan == warden->in_force,
                .engines_named = warden->config->engines,
                .engines_in_force = engines,
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

GPtrArray *bw_warden_hazards(const BwWarden *warden) {
        return bw_hazards_list(warden->hazards);
}

BwCounts *bw_warden_counts(const BwWarden *warden) {
        return warden->counts;
}

/* What is not in use writes nothing and so cannot say what it misses. */
static void describe_unused(const BwWarden *warden, GPtrArray *list) {
        unsigned unused = warden->config->engines & ~bw_reconciler_used(warden->reconciler);

        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                if (unused & BW_ENGINE_BIT(kind))
                        bw_difference_add(list, bw_engine_name(kind), "", true,
                                          "every rule: this engine does not work here, "
                                          "\"bridgewarden status\" says why");
}

GPtrArray *bw_warden_describe(BwWarden *warden, GError **error) {
        unsigned used = bw_reconciler_used(warden->reconciler);
        g_autoptr(GPtrArray) list = bw_difference_list_new();
        g_autoptr(GPtrArray) locks = bw_port_lock_list(warden->plan, warden->model);

        describe_unused(warden, list);
        if (!bw_reconciler_describe(warden->reconciler, list, error))
                return NULL;
        bw_difference_add_switches(list, warden->plan, used);
        bw_difference_add_locks(list, locks, warden->model);
        if ((used & BW_ENGINE_BIT(BW_ENGINE_IPTABLES)) && !bw_kernel_has_br_netfilter())
                bw_difference_add(list, "bridge", "", true, "modprobe br_netfilter");
        return g_steal_pointer(&list);
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

BwTopologyView *bw_warden_topology(const BwWarden *warden) {
        g_autoptr(BwTopology) topology = bw_topology_new(warden->model);
        g_autoptr(GPtrArray) hazards = bw_hazards_list(warden->hazards);
        g_autoptr(GArray) fdb = bw_fdb_summary_list(
                warden->model, bw_fdb_watch_tally(warden->fdb_watch), g_get_monotonic_time());

        return bw_topology_view_new(&(BwTopologyFacts){ warden->model, warden->config, warden->plan,
                                                        topology, hazards, fdb });
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
