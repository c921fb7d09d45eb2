/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fake_warden.h"

#include <bw/engine.h>

static bool answer(gpointer user, BwFakeRequest request, const char *argument, GError **error) {
        BwFakeWarden *warden = user;

        warden->requests[request]++;
        g_strlcpy(warden->argument, argument, sizeof(warden->argument));
        if (warden->refusal != NULL) {
                g_propagate_error(error, g_error_copy(warden->refusal));
                return false;
        }
        warden->state.generation++;
        if (warden->hazards_then != NULL)
                warden->state.hazards = *warden->hazards_then;
        if (warden->bus != NULL)
                bw_bus_changed(warden->bus);
        return true;
}

static bool resync(gpointer user, GError **error) {
        return answer(user, BW_FAKE_RESYNC, "", error);
}

static bool resync_port(gpointer user, const char *port, GError **error) {
        return answer(user, BW_FAKE_RESYNC_PORT, port, error);
}

static bool resync_guest(gpointer user, const char *guest, GError **error) {
        return answer(user, BW_FAKE_RESYNC_GUEST, guest, error);
}

static bool reload(gpointer user, GError **error) {
        return answer(user, BW_FAKE_RELOAD, "", error);
}

static bool disarm(gpointer user, GError **error) {
        BwFakeWarden *warden = user;

        warden->state.armed = warden->refusal != NULL;
        return answer(user, BW_FAKE_DISARM, "", error);
}

static void prepare_ports(gpointer user) {
        BwFakeWarden *warden = user;

        warden->prepared++;
        if (!warden->takes_time)
                bw_bus_ports_ready(warden->bus);
}

static bool list_ports(gpointer user, void (*row)(const BwBusPort *port, gpointer row_user),
                       gpointer row_user, GError **error) {
        BwFakeWarden *warden = user;

        warden->listed++;
        for (unsigned i = 0; i < warden->repeat; i++)
                for (unsigned j = 0; j < warden->n_ports; j++)
                        row(&warden->ports[j], row_user);
        if (warden->refusal == NULL)
                return true;
        g_propagate_error(error, g_error_copy(warden->refusal));
        return false;
}

static void tell_link(BwModel *model, const BwLink *link) {
        bw_model_apply(model, &(BwFact){ .kind = BW_FACT_LINK, .link = *link }, 0);
}

/* Two bridges, a link between them, and names nobody would choose. */
static BwModel *model_new(void) {
        BwModel *model = bw_model_new();

        tell_link(model, &(BwLink){ .ifindex = 1, .name = "br\"<b>", .kind = BW_LINK_BRIDGE });
        tell_link(model, &(BwLink){ .ifindex = 2, .name = "virbr6", .kind = BW_LINK_BRIDGE });
        tell_link(model, &(BwLink){ .ifindex = 3,
                                    .name = "a\\\xff",
                                    .kind = BW_LINK_VETH,
                                    .kind_name = "veth",
                                    .master = 1,
                                    .peer = 4 });
        tell_link(model, &(BwLink){ .ifindex = 4,
                                    .name = "vethb2",
                                    .kind = BW_LINK_VETH,
                                    .kind_name = "veth",
                                    .master = 2,
                                    .peer = 3,
                                    .up = true,
                                    .running = true,
                                    .stp_state = BW_STP_BLOCKING });
        return model;
}

static BwTopologyView *view_new(void) {
        static const char settings[] = "[Bridge virbr6]\nMode=enforce\n";
        g_autoptr(BwModel) model = model_new();
        g_autoptr(BwTopology) topology = bw_topology_new(model);
        g_autoptr(BwConfig) config = bw_config_new();
        g_autoptr(BwPlan) plan = NULL;
        BwTopologyView *view;

        g_assert_true(bw_config_read(config, "fake.conf", settings, sizeof(settings) - 1, NULL));
        bw_config_finish(config);
        plan = bw_plan_new(model, config);
        view = bw_topology_view_new(
                &(BwTopologyFacts){ model, config, plan, topology, NULL, NULL });

        for (guint i = 0; i < view->ports->len; i++)
                ((BwPortView *) view->ports->pdata[i])->has_protection = true;
        g_ptr_array_add(view->warnings, g_strdup("all\x1b[2J is \xff lost"));
        return view;
}

static BwTopologyView *topology(gpointer user, GError **error) {
        BwFakeWarden *warden = user;

        if (warden->refusal == NULL)
                return view_new();
        g_propagate_error(error, g_error_copy(warden->refusal));
        return NULL;
}

static void list_fdb(gpointer user, void (*row)(const BwBusFdbEntry *entry, gpointer row_user),
                     gpointer row_user) {
        BwFakeWarden *warden = user;

        warden->fdb_asked++;
        for (unsigned i = 0; i < warden->n_fdb; i++)
                row(&(BwBusFdbEntry){ .bridge = "virbr6",
                                      .port = "vk63\xff",
                                      .mac = "52:54:00:9f:5d:c1",
                                      .vlan = 7,
                                      .local = true,
                                      .age_usec = 4200000 },
                    row_user);
}

static const char *explain(gpointer user, const char *in, const char *out, const uint8_t *frame,
                           gsize length, void (*row)(const BwJudgmentText *text, gpointer row_user),
                           gpointer row_user, GError **error) {
        BwFakeWarden *warden = user;
        g_autoptr(GArray) judgments = bw_explain(warden->plan, in, out, frame, length, error);

        warden->explained++;
        for (guint i = 0; judgments && i < judgments->len; i++) {
                g_auto(BwJudgmentText) text =
                        bw_judgment_text_new(&g_array_index(judgments, BwJudgment, i));

                row(&text, row_user);
        }
        return judgments ? bw_fate_name(bw_explain_fate(judgments)) : NULL;
}

static bool list_rules(gpointer user,
                       void (*text)(const char *command, const char *rules, gpointer text_user),
                       gpointer text_user, GError **error) {
        BwFakeWarden *warden = user;

        warden->plan_asked++;
        if (warden->refusal != NULL) {
                g_propagate_error(error, g_error_copy(warden->refusal));
                return false;
        }
        text("iptables", "*raw\nCOMMIT\n", text_user);
        text("nftables", "table bridge x \xff {\n}\n", text_user);
        return true;
}

static bool check(gpointer user, void (*row)(const BwDifference *difference, gpointer row_user),
                  gpointer row_user, GError **error) {
        BwFakeWarden *warden = user;
        const BwDifference difference = { "iptables", (char *) "raw", true,
                                          (char *) "-A bw-i-vk63\xff -j DROP" };

        warden->checked++;
        if (warden->refusal != NULL) {
                g_propagate_error(error, g_error_copy(warden->refusal));
                return false;
        }
        for (unsigned i = 0; i < warden->n_differences; i++)
                row(&difference, row_user);
        return true;
}

static void state(gpointer user, BwBusState *ret) {
        BwFakeWarden *warden = user;

        *ret = warden->state;
}

static void connection(gpointer user, bool connected, const char *why) {
        BwFakeWarden *warden = user;

        if (connected)
                warden->came++;
        else
                warden->went++;
        g_strlcpy(warden->why, why, sizeof(warden->why));
}

const BwBusRequests bw_fake_requests = {
        .resync = resync,
        .resync_port = resync_port,
        .resync_guest = resync_guest,
        .reload = reload,
        .disarm = disarm,
        .prepare_ports = prepare_ports,
        .list_ports = list_ports,
        .topology = topology,
        .list_fdb = list_fdb,
        .explain = explain,
        .list_rules = list_rules,
        .check = check,
        .state = state,
        .connection = connection,
};

void bw_fake_warden_init(BwFakeWarden *warden) {
        static const char *const bridges[] = { "virbr4", "virbr6", NULL };

        *warden = (BwFakeWarden){
                .state = { .version = "7.7",
                           .generation = 42,
                           .in_sync = true,
                           .engines = { BW_ENGINE_ALL, BW_ENGINE_BIT(BW_ENGINE_IPTABLES) },
                           .armed = true,
                           .last_sync_usec = 1700000000000000,
                           .libvirt_connected = true,
                           .ports_guarded = 3,
                           .ports_total = 4,
                           .strangers = 1,
                           .bridges = bridges },
                .repeat = 1,
                .n_fdb = 1,
        };
}

void bw_fake_warden_clear(BwFakeWarden *warden) {
        g_clear_error(&warden->refusal);
}
