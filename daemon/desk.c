/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "desk.h"

#include <bw/error.h>
#include <bw/hazard.h>
#include <bw/rules_text.h>
#include <syslog.h>

#include "bus.h"
#include "display.h"

struct BwDesk {
        BwWarden *warden;
        BwBus *bus;
        BwDisplay *display;
        GError *failure; /* of reading what is displayed; NULL: none (owned) */
        /* lent to the bus until its next question */
        char **bridges;
        GArray *hazards; /* BwBusHazard, its texts owned by the warden */
};

static bool resync(gpointer user, GError **error) {
        BwDesk *desk = user;

        return bw_warden_resync(desk->warden, error);
}

static bool resync_port(gpointer user, const char *port, GError **error) {
        BwDesk *desk = user;
        const BwPlan *plan = bw_warden_plan(desk->warden);

        if (plan && bw_plan_find_port(plan, port, NULL))
                return bw_warden_resync(desk->warden, error);
        g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                    "no port of that name is on a guarded bridge");
        return false;
}

static bool resync_guest(gpointer user, const char *name_or_uuid, GError **error) {
        BwDesk *desk = user;

        if (bw_warden_knows_guest(desk->warden, name_or_uuid))
                return bw_warden_resync(desk->warden, error);
        g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                    "libvirt knows no guest of that name or UUID");
        return false;
}

static bool reload(gpointer user, GError **error) {
        BwDesk *desk = user;

        return bw_warden_reload(desk->warden, error);
}

static bool disarm(gpointer user, GError **error) {
        BwDesk *desk = user;

        return bw_warden_disarm(desk->warden, error);
}

static void count_for_display(const BwTally *tally, gpointer user) {
        bw_display_count(user, tally);
}

static void on_counts(BwCounts *counts, const GError *failure, gpointer user) {
        BwDesk *desk = user;

        g_clear_error(&desk->failure);
        if (failure)
                desk->failure = g_error_copy(failure);
        bw_display_forget(desk->display);
        bw_counts_tell(counts, count_for_display, desk->display);
        bw_bus_ports_ready(desk->bus);
}

static void prepare_ports(gpointer user) {
        BwDesk *desk = user;

        bw_counts_ask(bw_warden_counts(desk->warden), BW_COUNTS_KEPT, g_get_monotonic_time(),
                      on_counts, desk);
}

/* Nothing is promised while anything is not as planned. */
static unsigned engines_for_display(const BwWarden *warden) {
        BwWardenState state = bw_warden_state(warden);

        return state.in_force ? state.engines_in_force : 0;
}

static bool list_ports(gpointer user, void (*row)(const BwBusPort *port, gpointer row_user),
                       gpointer row_user, GError **error) {
        BwDesk *desk = user;
        const BwPlan *plan = bw_warden_plan(desk->warden);
        g_autoptr(BwTopologyView) view = NULL;

        if (!plan)
                return true;
        if (desk->failure) {
                g_propagate_error(error, g_error_copy(desk->failure));
                return false;
        }
        view = bw_warden_topology(desk->warden);
        bw_display_ports(desk->display, plan, view, engines_for_display(desk->warden), row,
                         row_user);
        return true;
}

static const BwPlan *require_plan(const BwDesk *desk, GError **error) {
        const BwPlan *plan = bw_warden_plan(desk->warden);

        if (!plan)
                g_set_error(error, BW_ERROR, BW_ERROR_BUSY,
                            "nothing is planned: the daemon has just started, or the guard is "
                            "taken down until \"bridgewarden resync\"");
        return plan;
}

static void show_protection(const BwDesk *desk, const BwPlan *plan, BwTopologyView *view) {
        unsigned engines = engines_for_display(desk->warden);

        for (guint i = 0; i < view->ports->len; i++) {
                BwPortView *port = view->ports->pdata[i];
                const BwBridgePlan *bridge = NULL;
                const BwPortPlan *found = bw_plan_find_port(plan, port->name, &bridge);

                port->has_protection = true;
                port->protected = found && bw_display_is_protected(bridge, found, engines);
        }
}

static BwTopologyView *topology(gpointer user, GError **error) {
        BwDesk *desk = user;
        const BwPlan *plan = require_plan(desk, error);
        BwTopologyView *view;

        if (!plan)
                return NULL;
        view = bw_warden_topology(desk->warden);
        show_protection(desk, plan, view);
        return view;
}

static const char *explain(gpointer user, const char *in, const char *out, const uint8_t *frame,
                           gsize length, void (*row)(const BwJudgmentText *text, gpointer row_user),
                           gpointer row_user, GError **error) {
        const BwPlan *plan = require_plan(user, error);
        g_autoptr(GArray) judgments = NULL;

        if (!plan)
                return NULL;
        judgments = bw_explain(plan, in, out, frame, length, error);
        for (guint i = 0; judgments && i < judgments->len; i++) {
                g_auto(BwJudgmentText) text =
                        bw_judgment_text_new(&g_array_index(judgments, BwJudgment, i));

                row(&text, row_user);
        }
        return judgments ? bw_fate_name(bw_explain_fate(judgments)) : NULL;
}

typedef void (*RulesSink)(const char *command, const char *rules, gpointer user);

static void list_iptables(const BwPlan *plan, BwFamily family, RulesSink sink, gpointer user) {
        g_autofree char *text = bw_rules_text_iptables(plan, family);

        if (text)
                sink(bw_rules_text_command(family), text, user);
}

static bool list_rules(gpointer user, RulesSink sink, gpointer sink_user, GError **error) {
        BwDesk *desk = user;
        const BwPlan *plan = require_plan(desk, error);
        g_autoptr(GPtrArray) elsewhere = NULL;
        g_autofree char *nftables = NULL;

        if (!plan)
                return false;
        list_iptables(plan, BW_FAMILY_IPV4, sink, sink_user);
        list_iptables(plan, BW_FAMILY_IPV6, sink, sink_user);
        elsewhere = bw_warden_list_elsewhere(desk->warden);
        nftables = bw_rules_text_nftables(plan, elsewhere);
        sink("nftables", nftables, sink_user);
        return true;
}

static bool check(gpointer user, void (*row)(const BwDifference *difference, gpointer row_user),
                  gpointer row_user, GError **error) {
        BwDesk *desk = user;
        g_autoptr(GPtrArray) list =
                require_plan(desk, error) ? bw_warden_describe(desk->warden, error) : NULL;

        for (guint i = 0; list && i < list->len; i++)
                row(list->pdata[i], row_user);
        return list;
}

static const char *link_name(const BwDesk *desk, int ifindex) {
        const BwLink *link = bw_warden_find_link(desk->warden, ifindex);

        return link ? link->name : "";
}

static void list_fdb(gpointer user, void (*row)(const BwBusFdbEntry *entry, gpointer row_user),
                     gpointer row_user) {
        BwDesk *desk = user;
        g_autoptr(GPtrArray) records = bw_warden_list_fdb(desk->warden);
        int64_t now_usec = g_get_monotonic_time();

        for (guint i = 0; i < records->len; i++) {
                const BwFdbRecord *record = records->pdata[i];
                char mac[BW_MAC_TEXT_SIZE];
                BwBusFdbEntry entry = {
                        .bridge = link_name(desk, record->entry.bridge),
                        .port = link_name(desk, record->entry.port),
                        .mac = bw_mac_print(&record->entry.mac, mac),
                        .vlan = record->entry.vlan,
                        .local = record->entry.local,
                        .age_usec = (uint64_t) MAX(0, now_usec - record->learned_usec),
                };

                row(&entry, row_user);
        }
}

/* Which ports have rules of their own: iptables has some for addresses alone. */
static void count_ports(const BwPlan *plan, unsigned engines, BwBusState *ret) {
        bool frames = engines & BW_ENGINE_BIT(BW_ENGINE_NFTABLES);

        for (guint i = 0; plan && i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *port = bridge->ports->pdata[k];

                        ret->ports_total++;
                        ret->ports_guarded += frames ? bw_port_state_is_guarded(port->state)
                                                     : bw_port_state_checks_ip(port->state);
                        ret->strangers += port->state == BW_PORT_STRANGER;
                }
        }
}

static char **list_bridges(const BwPlan *plan) {
        guint n = plan ? plan->bridges->len : 0;
        char **names = g_new0(char *, n + 1);

        for (guint i = 0; i < n; i++)
                names[i] = g_strdup(((const BwBridgePlan *) plan->bridges->pdata[i])->name);
        return names;
}

static void list_hazards(BwDesk *desk) {
        g_autoptr(GPtrArray) list = bw_warden_hazards(desk->warden);

        g_array_set_size(desk->hazards, 0);
        for (guint i = 0; i < list->len; i++) {
                const BwHazard *hazard = list->pdata[i];
                BwBusHazard shown = { bw_hazard_kind_name(hazard->kind), hazard->subject,
                                      hazard->sentence };

                g_array_append_val(desk->hazards, shown);
        }
}

static void show_state(gpointer user, BwBusState *ret) {
        BwDesk *desk = user;
        BwWardenState state = bw_warden_state(desk->warden);

        g_strfreev(desk->bridges);
        desk->bridges = list_bridges(bw_warden_plan(desk->warden));
        list_hazards(desk);
        *ret = (BwBusState){
                .version = BW_VERSION,
                .generation = state.generation,
                .in_sync = state.in_force,
                .armed = state.armed,
                .last_sync_usec = (uint64_t) state.last_sync_usec,
                .libvirt_connected = state.libvirt_connected,
                .config_errors = state.config_errors,
                .engines = { state.engines_named, state.engines_in_force },
                .hazards = { (const BwBusHazard *) desk->hazards->data, desk->hazards->len },
                .bridges = (const char *const *) desk->bridges,
        };
        count_ports(bw_warden_plan(desk->warden), state.engines_in_force, ret);
}

static void on_connection(gpointer user, bool connected, const char *why) {
        BwDesk *desk = user;

        bw_journal_say(bw_warden_journal(desk->warden), BW_MESSAGE_BUS_TROUBLE,
                       connected ? LOG_INFO : LOG_NOTICE, why, NULL);
}

static const BwBusRequests requests = {
        .resync = resync,
        .resync_port = resync_port,
        .resync_guest = resync_guest,
        .reload = reload,
        .disarm = disarm,
        .prepare_ports = prepare_ports,
        .list_ports = list_ports,
        .list_fdb = list_fdb,
        .topology = topology,
        .explain = explain,
        .list_rules = list_rules,
        .check = check,
        .state = show_state,
        .connection = on_connection,
};

static void on_change(gpointer user) {
        BwDesk *desk = user;

        bw_bus_changed(desk->bus);
}

BwDesk *bw_desk_new(BwWarden *warden) {
        BwDesk *desk = g_new0(BwDesk, 1);

        desk->warden = warden;
        desk->display = bw_display_new();
        desk->hazards = g_array_new(FALSE, FALSE, sizeof(BwBusHazard));
        desk->bus = bw_bus_new(&requests, desk);
        bw_warden_listen(warden, on_change, desk);
        return desk;
}

void bw_desk_free(BwDesk *desk) {
        if (!desk)
                return;
        bw_warden_listen(desk->warden, NULL, NULL);
        bw_counts_withdraw(bw_warden_counts(desk->warden), desk);
        bw_bus_free(desk->bus);
        bw_display_free(desk->display);
        g_clear_error(&desk->failure);
        g_strfreev(desk->bridges);
        g_array_unref(desk->hazards);
        g_free(desk);
}
