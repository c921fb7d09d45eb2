/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The picture of a host: in which order bridges stand, why each is guarded, where ports lead, and
 * at what each hazard is told.
 */

#include "settings.h"

#include <bw/hazard.h>
#include <bw/topology_fields.h>

#define MAIL "52:54:00:00:00:01"

typedef struct Scene {
        BwModel *model;
        BwConfig *config;
        BwPlan *plan;
        GPtrArray *hazards;
        GArray *fdb; /* NULL: not known; lent */
} Scene;

static void scene_clear(Scene *scene) {
        g_ptr_array_unref(scene->hazards);
        bw_plan_free(scene->plan);
        bw_config_free(scene->config);
        bw_model_free(scene->model);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static void add_bridge(Scene *scene, int ifindex, const char *name) {
        BwLink bridge = bw_test_bridge(ifindex, name);

        bridge.up = bridge.running = true;
        bw_test_tell_link(scene->model, &bridge);
}

static void add_end(Scene *scene, int ifindex, const char *name, int peer, int master,
                    BwStpState state) {
        BwLink end = { .ifindex = ifindex,
                       .kind = BW_LINK_VETH,
                       .kind_name = "veth",
                       .peer = peer,
                       .master = master,
                       .up = true,
                       .running = true,
                       .stp_state = state };

        g_strlcpy(end.name, name, sizeof(end.name));
        bw_test_tell_link(scene->model, &end);
}

/* Added in an order that is nobody's: b3 and a1 joined by two pairs of which one is cut, z9 with a
 * guest, m5 with nobody. */
static Scene scene_new(const char *settings) {
        Scene scene = { .model = bw_model_new(),
                        .hazards =
                                g_ptr_array_new_with_free_func((GDestroyNotify) bw_hazard_free) };
        BwLink tap = bw_test_tap(20, "vnet0", bw_test_mac(MAIL), 9);
        g_autoptr(BwGuest) guest =
                bw_test_guest_new("a1", "11111111-0000-4000-8000-000000000001", true);

        bw_test_guest_add(guest, bw_test_mac(MAIL), "z9", "vnet0");
        add_bridge(&scene, 5, "m5");
        add_bridge(&scene, 9, "z9");
        add_bridge(&scene, 3, "b3");
        add_bridge(&scene, 1, "a1");
        add_end(&scene, 30, "p1", 31, 1, BW_STP_FORWARDING);
        add_end(&scene, 31, "p3", 30, 3, BW_STP_FORWARDING);
        add_end(&scene, 32, "q1", 33, 1, BW_STP_BLOCKING);
        add_end(&scene, 33, "q3", 32, 3, BW_STP_FORWARDING);
        add_end(&scene, 40, "lone", 0, 5, BW_STP_FORWARDING);
        tap.flags = BW_FLAG_BIT(BW_FLAG_LOCKED);
        bw_test_tell_link(scene.model, &tap);
        bw_test_tell_guest(scene.model, guest);
        scene.config = bw_test_config_from_text(settings);
        scene.plan = bw_plan_new(scene.model, scene.config);
        return scene;
}

static BwTopologyView *look(const Scene *scene) {
        g_autoptr(BwTopology) topology = bw_topology_new(scene->model);

        return bw_topology_view_new(&(BwTopologyFacts){ scene->model, scene->config, scene->plan,
                                                        topology, scene->hazards, scene->fdb });
}

static void raise_hazard(Scene *scene, BwHazardKind kind, const char *subject, const char *bridge,
                         const char *sentence) {
        BwHazard *hazard = g_new0(BwHazard, 1);

        hazard->kind = kind;
        hazard->subject = g_strdup(subject);
        hazard->bridge = g_strdup(bridge);
        hazard->sentence = g_strdup(sentence);
        g_ptr_array_add(scene->hazards, hazard);
}

static const BwBridgeView *bridge_at(const BwTopologyView *view, guint i, const char *name) {
        const BwBridgeView *bridge;

        g_assert_cmpuint(i, <, view->bridges->len);
        bridge = view->bridges->pdata[i];
        g_assert_cmpstr(bridge->name, ==, name);
        return bridge;
}

static const BwPortView *find_port(const BwTopologyView *view, const char *name) {
        for (guint i = 0; i < view->ports->len; i++) {
                const BwPortView *port = view->ports->pdata[i];

                if (g_str_equal(port->name, name))
                        return port;
        }
        g_error("no port %s", name);
}

static void expect_warning(const GPtrArray *warnings, const char *sentence) {
        g_assert_cmpuint(warnings->len, ==, 1);
        g_assert_cmpstr(warnings->pdata[0], ==, sentence);
}

/* Several together first, then what is guarded, then the rest; numbers without a gap. */
static void test_order(void) {
        g_auto(Scene) scene = scene_new("[Bridge b3]\nMode=enforce\n");
        g_autoptr(BwTopologyView) view = look(&scene);

        g_assert_cmpuint(view->bridges->len, ==, 4);
        g_assert_cmpuint(bridge_at(view, 0, "a1")->segment, ==, 1);
        g_assert_cmpuint(bridge_at(view, 1, "b3")->segment, ==, 1);
        g_assert_cmpuint(bridge_at(view, 2, "z9")->segment, ==, 2);
        g_assert_cmpuint(bridge_at(view, 3, "m5")->segment, ==, 3);
}

static void test_guarded_for(void) {
        g_auto(Scene) scene = scene_new("[Bridge b3]\nMode=enforce\n");
        g_autoptr(BwTopologyView) view = look(&scene);

        g_assert_cmpint(bridge_at(view, 0, "a1")->guarded_for, ==, BW_GUARDED_FOR_PATH);
        g_assert_cmpint(bridge_at(view, 1, "b3")->guarded_for, ==, BW_GUARDED_FOR_CONFIG);
        g_assert_cmpint(bridge_at(view, 2, "z9")->guarded_for, ==, BW_GUARDED_FOR_GUESTS);
        g_assert_cmpint(bridge_at(view, 3, "m5")->guarded_for, ==, BW_GUARDED_FOR_NOBODY);
        g_assert_cmpint(bridge_at(view, 3, "m5")->mode, ==, BW_MODE_OFF);
}

/* What is declared of a port names its bridge, too; a list names what it names. */
static void test_guarded_for_config(void) {
        g_auto(Scene) by_port = scene_new("[Port lone]\nAddresses=10.0.0.1\n");
        g_auto(Scene) by_list = scene_new("[Guard]\nBridges=z9\n");
        g_autoptr(BwTopologyView) port = look(&by_port), list = look(&by_list);

        g_assert_cmpint(bridge_at(port, 2, "m5")->guarded_for, ==, BW_GUARDED_FOR_CONFIG);
        g_assert_cmpint(bridge_at(list, 2, "z9")->guarded_for, ==, BW_GUARDED_FOR_CONFIG);
}

static void test_links(void) {
        g_auto(Scene) scene = scene_new("[Bridge b3]\nMode=enforce\n");
        g_autoptr(BwTopologyView) view = look(&scene);
        const BwPortView *open = find_port(view, "p1"), *cut = find_port(view, "q3");

        g_assert_cmpstr(open->far_bridge, ==, "b3");
        g_assert_cmpstr(open->far_port, ==, "p3");
        g_assert_true(open->carries);
        g_assert_cmpint(open->role, ==, BW_ROLE_LINK);
        g_assert_true(open->derived_role);
        g_assert_cmpstr(cut->far_bridge, ==, "a1");
        g_assert_false(cut->carries);
        g_assert_cmpint(cut->stp_state, ==, BW_STP_FORWARDING);
        g_assert_cmpint(find_port(view, "q1")->stp_state, ==, BW_STP_BLOCKING);
        g_assert_cmpstr(find_port(view, "vnet0")->far_bridge, ==, "");
}

/* Nobody is told of the ports of a bridge that is not guarded, but how many there are. */
static void test_ports(void) {
        g_auto(Scene) scene = scene_new("");
        g_autoptr(BwTopologyView) view = look(&scene);
        const BwPortView *port = find_port(view, "vnet0");

        g_assert_cmpuint(view->ports->len, ==, 1);
        g_assert_cmpstr(port->guest, ==, "a1");
        g_assert_cmpstr(port->bridge, ==, "z9");
        g_assert_cmpuint(port->flags, ==, BW_FLAG_BIT(BW_FLAG_LOCKED));
        g_assert_false(port->has_protection || port->has_fdb);
        g_assert_cmpuint(bridge_at(view, 3, "m5")->n_ports, ==, 1);
        g_assert_cmpuint(bridge_at(view, 0, "a1")->n_ports, ==, 2);
}

/* The guest is called as a bridge is. */
static void test_hazards(void) {
        g_auto(Scene) scene = scene_new("");

        raise_hazard(&scene, BW_HAZARD_HUB_MODE, "z9", "z9", "of a bridge");
        raise_hazard(&scene, BW_HAZARD_HAIRPIN, "vnet0", "z9", "of a port");
        raise_hazard(&scene, BW_HAZARD_PROMISCUOUS, "m5", NULL, "of a bridge without its name");
        raise_hazard(&scene, BW_HAZARD_NOT_GUARDED, "a1", NULL, "of a guest");
        raise_hazard(&scene, BW_HAZARD_LOOP, "gone", "gone0", "of a bridge that is gone");
        raise_hazard(&scene, BW_HAZARD_XDP, "p1", "a1", "of a port that is not shown");
        {
                g_autoptr(BwTopologyView) view = look(&scene);

                expect_warning(bridge_at(view, 2, "z9")->warnings, "of a bridge");
                expect_warning(find_port(view, "vnet0")->warnings, "of a port");
                expect_warning(bridge_at(view, 3, "m5")->warnings, "of a bridge without its name");
                expect_warning(bridge_at(view, 0, "a1")->warnings, "of a port that is not shown");
                g_assert_cmpuint(view->warnings->len, ==, 2);
                g_assert_cmpstr(view->warnings->pdata[0], ==, "of a guest");
                g_assert_cmpstr(view->warnings->pdata[1], ==, "of a bridge that is gone");
        }
}

static void test_fdb(void) {
        static BwFdbSummary rows[] = {
                { .bridge = 9, .port = 20, .macs = 7, .moves_per_minute = 2 },
                { .bridge = 9, .port = 999, .macs = 1 }
        };
        g_auto(Scene) scene = scene_new("[Bridge b3]\nMode=enforce\n");
        g_autoptr(GArray) fdb = g_array_new(FALSE, TRUE, sizeof(BwFdbSummary));

        g_array_append_vals(fdb, rows, G_N_ELEMENTS(rows));
        scene.fdb = fdb;
        {
                g_autoptr(BwTopologyView) view = look(&scene);
                const BwPortView *port = find_port(view, "vnet0"), *quiet = find_port(view, "p1");

                g_assert_true(port->has_fdb && quiet->has_fdb);
                g_assert_cmpuint(port->learned, ==, 7);
                g_assert_cmpuint(port->moves, ==, 2);
                g_assert_cmpuint(quiet->learned + quiet->moves, ==, 0);
                for (guint i = 0; i < view->bridges->len; i++) {
                        const BwBridgeView *bridge = view->bridges->pdata[i];
                        bool is_its_own = g_str_equal(bridge->name, port->bridge);

                        g_assert_true(bridge->has_fdb);
                        g_assert_cmpuint(bridge->learned, ==, is_its_own ? 8 : 0);
                        g_assert_cmpuint(bridge->moves, ==, is_its_own ? 2 : 0);
                }
        }
}

static void test_trouble(void) {
        g_auto(Scene) scene = scene_new("[Port vnet0]\nAddresses=nonsense\n");
        g_autoptr(BwTopologyView) view = look(&scene);
        const BwPortView *port = find_port(view, "vnet0");

        g_assert_cmpint(port->state, ==, BW_PORT_CLOSED);
        g_assert_cmpuint(port->warnings->len, ==, 1);
}

/* The daemon's plan is of a moment ago: a port may be gone since. */
static void test_gone(void) {
        g_auto(Scene) scene = scene_new("[Bridge b3]\nMode=enforce\n");

        bw_test_tell_link_gone(scene.model, 30);
        bw_test_tell_link_gone(scene.model, 20);
        {
                g_autoptr(BwTopologyView) view = look(&scene);

                g_assert_cmpstr(find_port(view, "p1")->far_bridge, ==, "");
                g_assert_cmpstr(find_port(view, "p3")->far_bridge, ==, "");
                g_assert_false(find_port(view, "vnet0")->up);
        }
        bw_test_tell_link_gone(scene.model, 9);
        {
                g_autoptr(BwTopologyView) view = look(&scene);

                g_assert_cmpuint(view->bridges->len, ==, 3);
        }
}

static void test_nothing(void) {
        g_auto(Scene) scene = { .model = bw_model_new() };
        g_autoptr(BwTopologyView) view = NULL;

        scene.hazards = g_ptr_array_new();
        scene.config = bw_test_config_from_text("");
        scene.plan = bw_plan_new(scene.model, scene.config);
        view = look(&scene);
        g_assert_cmpuint(view->bridges->len + view->ports->len + view->warnings->len, ==, 0);
}

/* Fields */

static void on_field(const BwField *field, gpointer text) {
        g_string_append_printf(text, " %s=", field->key);
        switch (field->kind) {
        case BW_FIELD_TEXT:
                g_string_append(text, field->text ? field->text : "");
                return;
        case BW_FIELD_TEXTS:
                for (const char *const *at = field->texts; *at; at++)
                        g_string_append_printf(text, "(%s)", *at);
                return;
        case BW_FIELD_BOOL:
                g_string_append(text, field->number ? "yes" : "no");
                return;
        case BW_FIELD_NUMBER:
                g_string_append_printf(text, "%u", (unsigned) field->number);
                return;
        case BW_FIELD_USEC:
                g_string_append_printf(text, "%u us", (unsigned) field->number);
                return;
        }
        g_assert_not_reached();
}

static void expect_bridge(const BwBridgeView *bridge, const char *right) {
        g_autoptr(GString) text = g_string_new(NULL);

        bw_bridge_view_tell(bridge, on_field, text);
        g_assert_cmpstr(text->str, ==, right);
}

static void expect_port(const BwPortView *port, const char *right) {
        g_autoptr(GString) text = g_string_new(NULL);

        bw_port_view_tell(port, on_field, text);
        g_assert_cmpstr(text->str, ==, right);
}

#define BRIDGE_Z9                                                                                  \
        " Bridge=z9 Segment=2 GuardedFor=guests Mode=enforce UnknownPorts=monitor Up=yes STP=no"   \
        " VLANFiltering=no AgeingUSec=300000000 us MAC=52:54:00:bb:00:09 Addresses= PortCount=1"   \
        " Warnings=(one)(two)"
#define PORT_VNET0                                                                                 \
        " Port=vnet0 Bridge=z9 Guest=a1 UUID=11111111-0000-4000-8000-000000000001 Role=guest"      \
        " Derived=no Closed=no Mode=enforce State=bound Kind= Up=yes Carrier=yes"                  \
        " STPState=forwarding FarBridge= FarPort= Carries=no"
#define REST_OF_VNET0 " Locked=yes Isolated=no MACs=(" MAIL ") Addresses=(10.0.0.1) Warnings="

/* Callers go by these names; what a daemon alone knows is told when it is known. */
static void test_fields(void) {
        g_auto(Scene) scene = scene_new("[Guest a1]\nAddresses=10.0.0.1\n");
        g_autoptr(BwTopologyView) view = look(&scene);
        BwBridgeView *bridge = view->bridges->pdata[2];
        BwPortView *port = (BwPortView *) find_port(view, "vnet0");

        g_ptr_array_add(bridge->warnings, g_strdup("one"));
        g_ptr_array_add(bridge->warnings, g_strdup("two"));
        expect_bridge(bridge, BRIDGE_Z9);
        bridge->has_fdb = true;
        bridge->learned = 5;
        bridge->moves = 6;
        expect_bridge(bridge, BRIDGE_Z9 " Learned=5 Moves=6");
        expect_port(port, PORT_VNET0 " PeerNamespace=0" REST_OF_VNET0);
        port->peer_namespace = 4;
        port->has_protection = port->protected = port->has_fdb = true;
        port->learned = 7;
        expect_port(port,
                    PORT_VNET0 " PeerNamespace=4" REST_OF_VNET0 " Protected=yes Learned=7 Moves=0");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/topology-view/order", test_order);
        g_test_add_func("/topology-view/guarded-for", test_guarded_for);
        g_test_add_func("/topology-view/guarded-for-config", test_guarded_for_config);
        g_test_add_func("/topology-view/links", test_links);
        g_test_add_func("/topology-view/ports", test_ports);
        g_test_add_func("/topology-view/hazards", test_hazards);
        g_test_add_func("/topology-view/fdb", test_fdb);
        g_test_add_func("/topology-view/trouble", test_trouble);
        g_test_add_func("/topology-view/gone", test_gone);
        g_test_add_func("/topology-view/nothing", test_nothing);
        g_test_add_func("/topology-view/fields", test_fields);
        return g_test_run();
}
