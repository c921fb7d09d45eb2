/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Three bridges in a row, west, middle and east: guests on the outer ones, the
 * host on a veth of west, a network card at east, and nobody of ours in the
 * middle.
 */

#include "settings.h"

#include <bw/border.h>
#include <bw/corpus_packet.h>
#include <bw/evaluate.h>
#include <bw/explain.h>
#include <bw/owner.h>
#include <bw/violation.h>
#include <netinet/in.h>
#include <string.h>

#define GUEST_W "52:54:00:00:00:01"
#define GUEST_E "52:54:00:00:00:02"
#define HOST    "02:00:00:00:00:10"
#define OUTSIDE "00:1b:21:00:00:99"

enum { WEST = 1, MIDDLE, EAST, LONE };

typedef struct Scene {
        BwModel *model;
        BwPlan *plan;
} Scene;

static void scene_clear(Scene *scene) {
        bw_plan_free(scene->plan);
        bw_model_free(scene->model);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static BwLink port_of_kind(BwLinkKind kind, int ifindex, const char *name, int peer, int master) {
        BwLink link = { .ifindex = ifindex,
                        .kind = kind,
                        .peer = peer,
                        .master = master,
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING };

        g_strlcpy(link.name, name, sizeof(link.name));
        return link;
}

static void tell(BwModel *model, BwLink link) {
        bw_test_tell_link(model, &link);
}

static void tell_pair(BwModel *model, int ifindex, const char *a, int on_a, const char *b,
                      int on_b) {
        tell(model, port_of_kind(BW_LINK_VETH, ifindex, a, ifindex + 1, on_a));
        tell(model, port_of_kind(BW_LINK_VETH, ifindex + 1, b, ifindex, on_b));
}

static void tell_address(BwModel *model, int ifindex, const char *text) {
        BwHostAddress address = bw_test_host_address(ifindex, text);

        bw_test_tell_address(model, &address);
}

static void tell_guest_with(BwModel *model, BwGuestCpus cpus, const char *name, const char *uuid,
                            const char *mac, const char *bridge, const char *port) {
        g_autoptr(BwGuest) guest = bw_test_guest_new(name, uuid, true);

        guest->cpus = cpus;
        bw_test_guest_add(guest, bw_test_mac(mac), bridge, port);
        bw_test_tell_guest(model, guest);
}

static void tell_guest(BwModel *model, const char *name, const char *uuid, const char *mac,
                       const char *bridge, const char *port) {
        tell_guest_with(model, BW_CPUS_RUN, name, uuid, mac, bridge, port);
}

static Scene scene_new(void) {
        Scene scene = { .model = bw_model_new() };
        BwModel *model = scene.model;
        BwLink hosts_end = port_of_kind(BW_LINK_VETH, 41, "vmh1", 40, 0);

        tell(model, bw_test_bridge(WEST, "west"));
        tell(model, bw_test_bridge(MIDDLE, "middle"));
        tell(model, bw_test_bridge(EAST, "east"));
        tell(model, bw_test_bridge(LONE, "lone"));
        tell(model, bw_test_tap(10, "vnet0", bw_test_mac(GUEST_W), WEST));
        tell(model, bw_test_tap(11, "vnet1", bw_test_mac(GUEST_E), EAST));
        tell(model, bw_test_tap(12, "stray", bw_test_mac("52:54:00:00:00:77"), MIDDLE));
        tell_pair(model, 20, "w-m", WEST, "m-w", MIDDLE);
        tell_pair(model, 22, "m-e", MIDDLE, "e-m", EAST);
        tell(model, port_of_kind(BW_LINK_OTHER, 30, "eth0", 0, EAST));
        tell(model, port_of_kind(BW_LINK_VETH, 40, "vmh2", 41, WEST));
        hosts_end.mac = bw_test_mac(HOST);
        tell(model, hosts_end);
        tell_address(model, 41, "192.168.50.1/24");
        tell_guest(model, "gw", "11111111-0000-4000-8000-000000000001", GUEST_W, "west", "vnet0");
        tell_guest(model, "ge", "11111111-0000-4000-8000-000000000002", GUEST_E, "east", "vnet1");
        return scene;
}

static const char guests[] = "[Guest gw]\nAddresses=192.168.50.11 2001:db8::11\n"
                             "[Guest ge]\nAddresses=192.168.50.12 2001:db8::12\n";

static const BwPlan *plan(Scene *scene, const char *more) {
        g_autofree char *text = g_strconcat(guests, more, NULL);
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);

        g_assert_cmpuint(bw_config_count_errors(config), ==, 0);
        bw_plan_free(scene->plan);
        scene->plan = bw_plan_new(scene->model, config);
        return scene->plan;
}

static const BwPortPlan *port_of(const Scene *scene, const char *name) {
        const BwPortPlan *port = bw_plan_find_port(scene->plan, name, NULL);

        if (!port)
                g_error("no port %s is planned", name);
        return port;
}

static const BwBridgePlan *bridge_of(const Scene *scene, const char *name) {
        for (guint i = 0; i < scene->plan->bridges->len; i++) {
                const BwBridgePlan *bridge = scene->plan->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }
        return NULL;
}

static void check_role(const Scene *scene, const char *name, BwRole role, BwPortState state,
                       bool derived) {
        const BwPortPlan *port = port_of(scene, name);

        g_assert_cmpstr(bw_role_name(port->role), ==, bw_role_name(role));
        g_assert_cmpstr(bw_port_state_name(port->state), ==, bw_port_state_name(state));
        g_assert_cmpint(port->derived_role, ==, derived);
}

static void check_addresses(const BwPortPlan *port, const char *wanted) {
        GString *text = g_string_new(NULL);
        g_autofree char *printed = NULL;

        for (guint i = 0; i < port->addresses->len; i++) {
                g_autofree char *address =
                        bw_prefix_print(&g_array_index(port->addresses, BwPrefix, i));

                g_string_append_printf(text, "%s%s", i > 0 ? " " : "", address);
        }
        printed = g_string_free(text, FALSE);
        g_assert_cmpstr(printed, ==, wanted);
}

/* Roles */

static void test_roles(void) {
        g_auto(Scene) scene = scene_new();

        plan(&scene, "");
        check_role(&scene, "vnet0", BW_ROLE_GUEST, BW_PORT_BOUND, false);
        check_role(&scene, "w-m", BW_ROLE_LINK, BW_PORT_BORDER, true);
        check_role(&scene, "m-e", BW_ROLE_LINK, BW_PORT_BORDER, true);
        check_role(&scene, "eth0", BW_ROLE_UPLINK, BW_PORT_BORDER, true);
        check_role(&scene, "vmh2", BW_ROLE_HOST, BW_PORT_BOUND, true);
        check_role(&scene, "stray", BW_ROLE_GUEST, BW_PORT_STRANGER, false);
        check_addresses(port_of(&scene, "vmh2"), "192.168.50.1");
        g_assert_true(port_of(&scene, "vmh2")->derived_addresses);
        g_assert_true(bw_port_state_is_guarded(BW_PORT_BORDER));
        g_assert_true(bw_port_state_checks_ip(BW_PORT_BORDER));
}

static void test_roles_are_overridden(void) {
        g_auto(Scene) scene = scene_new();

        plan(&scene, "[Port w-m]\nRole=uplink\nAddresses=10.0.0.0/8\n[Port eth0]\nRole=guest\n"
                     "Addresses=10.0.0.1\n[Port vmh2]\nAddresses=192.168.50.2\n");
        check_role(&scene, "w-m", BW_ROLE_UPLINK, BW_PORT_BORDER, false);
        check_addresses(port_of(&scene, "w-m"), "10.0.0.0/8");
        check_role(&scene, "eth0", BW_ROLE_GUEST, BW_PORT_BOUND, false);
        check_role(&scene, "vmh2", BW_ROLE_HOST, BW_PORT_BOUND, true);
        check_addresses(port_of(&scene, "vmh2"), "192.168.50.2");
        g_assert_false(port_of(&scene, "vmh2")->derived_addresses);

        plan(&scene, "[Port vmh2]\nRole=host\n");
        check_role(&scene, "vmh2", BW_ROLE_HOST, BW_PORT_BOUND, false);
        check_addresses(port_of(&scene, "vmh2"), "192.168.50.1");
}

/* The host's veth follows what the host has at its end, and is nobody's without. */
static void test_host_addresses_follow(void) {
        g_auto(Scene) scene = scene_new();
        BwHostAddress first = bw_test_host_address(41, "192.168.50.1/24");

        tell_address(scene.model, 41, "2001:db8::1/64");
        tell_address(scene.model, 41, "127.0.0.9/8");
        plan(&scene, "");
        check_addresses(port_of(&scene, "vmh2"), "192.168.50.1 2001:db8::1");
        bw_test_tell_address_gone(scene.model, &first);
        plan(&scene, "");
        check_addresses(port_of(&scene, "vmh2"), "2001:db8::1");
        tell(scene.model, port_of_kind(BW_LINK_VETH, 41, "vmh1", 40, LONE));
        plan(&scene, "");
        check_role(&scene, "vmh2", BW_ROLE_LINK, BW_PORT_BORDER, true);
        bw_test_tell_link_gone(scene.model, 41);
        plan(&scene, "");
        check_role(&scene, "vmh2", BW_ROLE_GUEST, BW_PORT_STRANGER, false);
}

/* Which bridges */

static void test_path(void) {
        g_auto(Scene) scene = scene_new();

        plan(&scene, "");
        g_assert_true(bridge_of(&scene, "middle")->on_path);
        g_assert_cmpint(bridge_of(&scene, "middle")->unknown_ports, ==, BW_UNKNOWN_PORTS_ACCEPT);
        g_assert_false(bridge_of(&scene, "west")->on_path);
        g_assert_cmpint(bridge_of(&scene, "west")->unknown_ports, ==, BW_UNKNOWN_PORTS_MONITOR);
        g_assert_null(bridge_of(&scene, "lone"));
        g_assert_cmpuint(scene.plan->segments->len, ==, 1);

        plan(&scene, "[Bridge middle]\nUnknownPorts=drop\n");
        g_assert_cmpint(bridge_of(&scene, "middle")->unknown_ports, ==, BW_UNKNOWN_PORTS_DROP);
}

/* Bridges that only containers and cards are on are nobody's business. */
static void test_derived_roles_guard_nothing(void) {
        g_auto(Scene) scene = scene_new();

        tell(scene.model, port_of_kind(BW_LINK_OTHER, 50, "eth9", 0, LONE));
        tell_pair(scene.model, 51, "docker0", LONE, "docker1", 0);
        tell_address(scene.model, 52, "172.17.0.1/16");
        plan(&scene, "");
        g_assert_null(bridge_of(&scene, "lone"));
}

static void test_named_bridges(void) {
        g_auto(Scene) scene = scene_new();

        plan(&scene, "[Guard]\nBridges=west east\n");
        g_assert_null(bridge_of(&scene, "middle"));
        check_role(&scene, "w-m", BW_ROLE_UPLINK, BW_PORT_BORDER, true);
        check_role(&scene, "e-m", BW_ROLE_UPLINK, BW_PORT_BORDER, true);
        g_assert_cmpuint(scene.plan->segments->len, ==, 1);
}

static void test_switched_off(void) {
        g_auto(Scene) scene = scene_new();

        plan(&scene, "[Bridge middle]\nMode=off\n");
        g_assert_null(bridge_of(&scene, "middle"));
        check_role(&scene, "w-m", BW_ROLE_UPLINK, BW_PORT_BORDER, true);
        plan(&scene, "[Port w-m]\nMode=off\n");
        check_role(&scene, "w-m", BW_ROLE_LINK, BW_PORT_OFF, true);
        plan(&scene, "[Bridge west]\nMode=monitor\n");
        g_assert_cmpint(port_of(&scene, "w-m")->mode, ==, BW_MODE_MONITOR);
}

static void test_networks_are_shared(void) {
        g_auto(Scene) scene = scene_new();
        BwPrefix network = bw_test_prefix("192.168.50.0/24");

        plan(&scene, "");
        g_assert_cmpuint(bridge_of(&scene, "east")->networks->len, ==, 1);
        g_assert_true(bw_prefix_equal(
                &g_array_index(bridge_of(&scene, "east")->networks, BwPrefix, 0), &network));
}

/* Flags */

static void test_locks(void) {
        g_auto(Scene) scene = scene_new();

        plan(&scene, "");
        g_assert_true(port_of(&scene, "vnet0")->fdb_lock);
        g_assert_false(port_of(&scene, "vmh2")->fdb_lock || port_of(&scene, "eth0")->fdb_lock ||
                       port_of(&scene, "stray")->fdb_lock || port_of(&scene, "vnet0")->isolated);

        plan(&scene, "[Bridge west]\nFdbLock=no\nIsolated=yes\nPinNeighbours=yes\n"
                     "Repair=hub-mode\n[Bridge east]\nFdbLock=yes\n[Guard]\nRepair=loop\n");
        g_assert_false(port_of(&scene, "vnet0")->fdb_lock);
        g_assert_true(port_of(&scene, "vnet0")->isolated);
        g_assert_false(port_of(&scene, "vmh2")->isolated || port_of(&scene, "w-m")->isolated);
        g_assert_false(port_of(&scene, "eth0")->fdb_lock);
        g_assert_true(bridge_of(&scene, "west")->pin_neighbours);
        g_assert_cmpuint(bridge_of(&scene, "west")->repair, ==, BW_HAZARD_BIT(BW_HAZARD_HUB_MODE));
        g_assert_cmpuint(bridge_of(&scene, "east")->repair, ==, BW_HAZARD_BIT(BW_HAZARD_LOOP));

        plan(&scene, "[Bridge west]\nFdbLock=no\nIsolated=yes\n"
                     "[Port vnet0]\nFdbLock=yes\nIsolated=no\n[Port vmh2]\nFdbLock=yes\n");
        g_assert_true(port_of(&scene, "vnet0")->fdb_lock && !port_of(&scene, "vnet0")->isolated);
        g_assert_true(port_of(&scene, "vmh2")->fdb_lock);
}

/* Claims */

static void test_claims_of_a_segment(void) {
        g_auto(Scene) scene = scene_new();
        static const char both[] = "[Port vnet0]\nAddresses=192.168.50.11 192.168.50.20\n"
                                   "[Port vnet1]\nAddresses=192.168.50.12 192.168.50.20\n";

        plan(&scene, both);
        check_addresses(port_of(&scene, "vnet0"), "192.168.50.11");
        check_addresses(port_of(&scene, "vnet1"), "192.168.50.12");
        g_assert_true(port_of(&scene, "vnet0")->contested && port_of(&scene, "vnet1")->contested);

        /* Without the link they are two networks. */
        bw_test_tell_link_gone(scene.model, 22);
        plan(&scene, both);
        check_addresses(port_of(&scene, "vnet0"), "192.168.50.11 192.168.50.20");
        check_addresses(port_of(&scene, "vnet1"), "192.168.50.12 192.168.50.20");
        g_assert_cmpuint(scene.plan->segments->len, ==, 2);
}

/* What the host has at its end yields to what is written, and only there. */
static void test_configured_goes_before_found(void) {
        g_auto(Scene) scene = scene_new();

        tell_address(scene.model, 41, "10.0.0.1/8");
        plan(&scene, "[Port vnet1]\nAddresses=192.168.50.1\n");
        check_addresses(port_of(&scene, "vnet1"), "192.168.50.1");
        check_addresses(port_of(&scene, "vmh2"), "10.0.0.1");
        g_assert_true(port_of(&scene, "vmh2")->contested);
        g_assert_false(port_of(&scene, "vnet1")->contested);

        plan(&scene, "[Port vnet1]\nAddresses=192.168.50.1\n[Port vmh2]\nRole=host\n"
                     "Addresses=192.168.50.1 10.0.0.1\n");
        check_addresses(port_of(&scene, "vmh2"), "10.0.0.1");
        g_assert_cmpint(port_of(&scene, "vnet1")->state, ==, BW_PORT_CLOSED);
}

/* What is owned where */

static void check_leads(const Scene *scene, const char *address, const char *ports) {
        const BwSegmentPlan *segment = scene->plan->segments->pdata[0];
        BwPrefix sought = bw_test_prefix(address);
        const BwOwnedAddress *owned = bw_border_find_address(segment, &sought);
        GString *text = g_string_new(NULL);
        g_autofree char *leads = NULL;

        g_assert_nonnull(owned);
        for (guint i = 0; i < ((BwSitePlan *) segment->sites->pdata[owned->site])->leads->len; i++)
                g_string_append_printf(
                        text, "%s ",
                        ((BwPortPlan *) ((BwSitePlan *) segment->sites->pdata[owned->site])
                                 ->leads->pdata[i])
                                ->name);
        leads = g_string_free(text, FALSE);
        g_assert_cmpstr(g_strchomp(leads), ==, ports);
}

static void test_sites(void) {
        g_auto(Scene) scene = scene_new();
        const BwSegmentPlan *segment;
        BwPrefix nobodys = bw_test_prefix("192.168.50.99");

        plan(&scene, "[Port eth0]\nAddresses=10.0.0.0/8 192.168.50.128/25\n"
                     "[Guest ge]\nAddresses=192.168.50.129\n");
        segment = scene.plan->segments->pdata[0];
        check_leads(&scene, "192.168.50.11", "e-m m-w");
        check_leads(&scene, "192.168.50.1", "e-m m-w");
        check_leads(&scene, "192.168.50.129", "m-e w-m");
        check_leads(&scene, "192.168.50.130", "eth0 m-e w-m");
        check_leads(&scene, "10.9.8.7", "eth0 m-e w-m");
        check_leads(&scene, "fe80::5054:ff:fe00:1", "e-m m-w");
        g_assert_null(bw_border_find_address(segment, &nobodys));
        g_assert_cmpuint(((BwSitePlan *) segment->sites->pdata[0])->leads->len, ==, 0);
        for (guint i = 1; i < segment->addresses->len; i++)
                g_assert_cmpint(
                        bw_prefix_compare(
                                &g_array_index(segment->addresses, BwOwnedAddress, i - 1).prefix,
                                &g_array_index(segment->addresses, BwOwnedAddress, i).prefix),
                        <, 0);
}

/* Without a border nobody asks. */
static void test_no_border(void) {
        g_auto(Scene) scene = scene_new();
        const BwSegmentPlan *segment;

        for (int i = 20; i < 24; i++)
                bw_test_tell_link_gone(scene.model, i);
        plan(&scene, "[Bridge west]\nGateway=192.168.50.1\n");
        segment = scene.plan->segments->pdata[bridge_of(&scene, "west")->segment];
        g_assert_cmpuint(segment->sites->len, ==, 0);
        g_assert_cmpuint(segment->addresses->len, ==, 0);
        g_assert_cmpuint(segment->macs->len, ==, 0);
        g_assert_cmpuint(segment->gateways->len, ==, 1);
}

static void test_gateways(void) {
        g_auto(Scene) scene = scene_new();

        /* The host has it. */
        plan(&scene, "[Bridge west]\nGateway=192.168.50.1\n");
        check_leads(&scene, "192.168.50.1", "e-m m-w");
        /* Nobody has it: behind the only uplink there is, be it of another bridge. */
        plan(&scene, "[Bridge west]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "eth0 m-e w-m");
        plan(&scene, "[Bridge east]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "eth0 m-e w-m");
        /* An uplink that is switched off still leads there from elsewhere. */
        plan(&scene, "[Bridge west]\nGateway=192.168.50.254\n[Port eth0]\nMode=off\n");
        check_leads(&scene, "192.168.50.254", "m-e w-m");
        /* No uplink at all. */
        plan(&scene, "[Bridge west]\nGateway=192.168.50.254\n[Port eth0]\nRole=link\n");
        check_leads(&scene, "192.168.50.254", "");
        /* A port says so. */
        plan(&scene, "[Port vnet0]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "e-m m-w");
        check_addresses(port_of(&scene, "vnet0"), "192.168.50.11 192.168.50.254 2001:db8::11");
}

/* Guests that are not here */

#define GW_UUID "11111111-0000-4000-8000-000000000001"

static void tell_gw(Scene *scene, BwGuestCpus cpus) {
        tell_guest_with(scene->model, cpus, "gw", GW_UUID, GUEST_W, "west", "vnet0");
}

static void check_mac_leads(const Scene *scene, const char *text, const char *border, bool leads) {
        const BwSegmentPlan *segment = scene->plan->segments->pdata[0];
        BwMac mac = bw_test_mac(text);
        const BwOwnedMac *owned = bw_border_find_mac(segment, &mac);

        g_assert_nonnull(owned);
        g_assert_cmpint(bw_border_leads_to(segment, owned->site, port_of(scene, border)), ==,
                        leads);
}

#define ANYWHERE "e-m eth0 l-e m-e m-w w-m"

static void test_absent(void) {
        g_auto(Scene) scene = scene_new();

        tell_pair(scene.model, 24, "e-l", EAST, "l-e", LONE);
        tell_gw(&scene, BW_CPUS_ELSEWHERE);
        plan(&scene, "");
        check_role(&scene, "vnet0", BW_ROLE_GUEST, BW_PORT_BOUND, false);
        check_addresses(port_of(&scene, "vnet0"), "192.168.50.11 2001:db8::11");
        g_assert_true(port_of(&scene, "vnet0")->absent);
        g_assert_false(port_of(&scene, "vnet0")->fdb_lock);
        check_leads(&scene, "192.168.50.11", ANYWHERE);
        check_leads(&scene, "2001:db8::11", ANYWHERE);
        check_leads(&scene, "fe80::5054:ff:fe00:1", ANYWHERE);
        check_mac_leads(&scene, GUEST_W, "eth0", true);
        check_mac_leads(&scene, GUEST_W, "m-w", true);
        check_mac_leads(&scene, GUEST_W, "e-l", false);
        /* The others' stay where they are. */
        check_leads(&scene, "192.168.50.12", "l-e m-e w-m");
        check_mac_leads(&scene, GUEST_E, "eth0", false);

        tell_gw(&scene, BW_CPUS_RUN);
        plan(&scene, "");
        g_assert_true(port_of(&scene, "vnet0")->fdb_lock && !port_of(&scene, "vnet0")->absent);
        check_leads(&scene, "192.168.50.11", "e-m l-e m-w");
        check_mac_leads(&scene, GUEST_W, "eth0", false);
}

/* What engines make of sites is chains: those must not change with each guest that starts. */
static void test_absent_makes_no_site(void) {
        g_auto(Scene) scene = scene_new();
        guint sites;

        tell_gw(&scene, BW_CPUS_ELSEWHERE);
        plan(&scene, "");
        sites = ((BwSegmentPlan *) scene.plan->segments->pdata[0])->sites->len;
        tell_gw(&scene, BW_CPUS_RUN);
        plan(&scene, "");
        g_assert_cmpuint(((BwSegmentPlan *) scene.plan->segments->pdata[0])->sites->len, ==, sites);
        bw_test_tell_link_gone(scene.model, 10);
        plan(&scene, "");
        g_assert_cmpuint(((BwSegmentPlan *) scene.plan->segments->pdata[0])->sites->len, ==, sites);
}

/* Not even where somebody says so. */
static void test_absent_is_not_locked(void) {
        g_auto(Scene) scene = scene_new();
        static const char sections[] = "[Bridge west]\nFdbLock=yes\nIsolated=yes\n"
                                       "[Port vnet0]\nFdbLock=yes\n";

        tell_gw(&scene, BW_CPUS_ELSEWHERE);
        plan(&scene, sections);
        g_assert_false(port_of(&scene, "vnet0")->fdb_lock);
        g_assert_true(port_of(&scene, "vnet0")->isolated);
        tell_gw(&scene, BW_CPUS_RUN);
        plan(&scene, sections);
        g_assert_true(port_of(&scene, "vnet0")->fdb_lock);
}

/* Outside is behind open uplinks, and by no closed one. */
static void test_absent_and_closed(void) {
        g_auto(Scene) scene = scene_new();

        tell_gw(&scene, BW_CPUS_ELSEWHERE);
        plan(&scene, "[Port eth0]\nClosed=yes\n");
        check_leads(&scene, "192.168.50.11", "e-m m-w");
        tell(scene.model, port_of_kind(BW_LINK_OTHER, 31, "eth1", 0, MIDDLE));
        plan(&scene, "[Port eth0]\nClosed=yes\n");
        check_leads(&scene, "192.168.50.11", "e-m eth1 m-w w-m");
        /* An uplink that is switched off still has the world behind it. */
        plan(&scene, "[Port eth1]\nMode=off\n[Port eth0]\nClosed=yes\n");
        check_leads(&scene, "192.168.50.11", "e-m m-w w-m");
}

/* What somebody has who is here is his alone; a wider network of his is not in the way. */
static void test_absent_and_others(void) {
        g_auto(Scene) scene = scene_new();

        tell_gw(&scene, BW_CPUS_ELSEWHERE);
        tell(scene.model, bw_test_tap(13, "clone", bw_test_mac("52:54:00:00:00:03"), EAST));
        tell_guest(scene.model, "clone", "11111111-0000-4000-8000-000000000003",
                   "52:54:00:00:00:03", "east", "clone");
        plan(&scene, "[Port clone]\nMACs=" GUEST_W "\nAddresses=192.168.50.40\n"
                     "[Port m-w]\nAddresses=192.168.0.0/16\n");
        check_mac_leads(&scene, GUEST_W, "eth0", false);
        check_mac_leads(&scene, GUEST_W, "m-e", true);
        check_leads(&scene, "fe80::5054:ff:fe00:1", "m-e w-m");
        check_leads(&scene, "192.168.50.11", "e-m eth0 m-e m-w w-m");
        check_leads(&scene, "192.168.7.7", "e-m m-w w-m");
}

/* A gateway that is on its way may be behind an uplink, too; and who routes for others as an uplink
 * lends nobody its place. */
static void test_absent_router(void) {
        g_auto(Scene) scene = scene_new();

        tell_gw(&scene, BW_CPUS_ELSEWHERE);
        plan(&scene, "[Bridge west]\nGateway=192.168.50.11\n");
        check_leads(&scene, "192.168.50.11", "e-m eth0 m-e m-w w-m");
        plan(&scene, "[Port vnet0]\nRole=uplink\nAddresses=10.0.0.0/8\n");
        check_leads(&scene, "10.1.2.3", "e-m eth0 m-e m-w vnet0 w-m");
        tell_guest_with(scene.model, BW_CPUS_ELSEWHERE, "ge",
                        "11111111-0000-4000-8000-000000000002", GUEST_E, "east", "vnet1");
        plan(&scene, "[Port vnet0]\nRole=uplink\nAddresses=10.0.0.0/8\n");
        check_leads(&scene, "192.168.50.12", "eth0 m-e w-m");
}

/* Frames */

typedef struct Check {
        const char *what;
        const char *port;
        BwDirection direction;
        GByteArray *bytes;
        const char *detail; /* NULL: it passes */
} Check;

static GByteArray *ip_frame(const char *to_mac, const char *from_mac, const char *from,
                            const char *to) {
        BwPacketIp ip = { .source = bw_test_prefix(from),
                          .destination = bw_test_prefix(to),
                          .protocol = IPPROTO_UDP };
        uint16_t ethertype = ip.source.family == BW_FAMILY_IPV4 ? 0x0800 : 0x86dd;

        return bw_packet_ethernet(
                bw_test_mac(to_mac), bw_test_mac(from_mac), ethertype,
                bw_packet_ip(&ip,
                             bw_packet_seal(&ip, bw_packet_udp(5000, 5001, bw_packet_filler(8)))));
}

static GByteArray *tagged(GByteArray *frame, unsigned tags) {
        for (unsigned i = 0; i < tags; i++) {
                const uint8_t tag[] = { 0x81, 0, 0, 5 };
                GByteArray *wrapped = g_byte_array_new();

                g_byte_array_append(wrapped, frame->data, 12);
                g_byte_array_append(wrapped, tag, sizeof(tag));
                g_byte_array_append(wrapped, frame->data + 12, frame->len - 12);
                g_byte_array_unref(frame);
                frame = wrapped;
        }
        return frame;
}

static GByteArray *cut(GByteArray *frame, guint length) {
        g_byte_array_set_size(frame, length);
        return frame;
}

static GByteArray *arp_frame(const char *from_mac, const char *sender_mac, const char *sender,
                             uint16_t operation) {
        BwPacketArp arp = { .hardware = 1,
                            .protocol = 0x0800,
                            .hardware_length = 6,
                            .protocol_length = 4,
                            .operation = operation,
                            .sender_mac = bw_test_mac(sender_mac),
                            .sender = bw_prefix_from_address(BW_FAMILY_IPV4, "\0\0\0\0"),
                            .target = bw_test_prefix("192.168.50.99") };

        if (*sender)
                arp.sender = bw_test_prefix(sender);
        return bw_packet_ethernet((BwMac){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
                                  bw_test_mac(from_mac), 0x0806, bw_packet_arp(&arp));
}

static GByteArray *icmp_frame(const BwPacketIp *ip, GByteArray *message) {
        return bw_packet_ethernet((BwMac){ { 0x33, 0x33, 0, 0, 0, 1 } }, bw_test_mac(OUTSIDE),
                                  0x86dd, bw_packet_ip(ip, message));
}

/* @from: "" for "::". */
static GByteArray *nd_frame(uint8_t type, const char *from, const char *target, uint8_t hop_limit,
                            GByteArray *options) {
        static const uint8_t none[16];
        BwPrefix claimed = bw_test_prefix(target);
        BwPacketIp ip = { .source = *from ? bw_test_prefix(from)
                                          : bw_prefix_from_address(BW_FAMILY_IPV6, none),
                          .destination = bw_prefix_from_address(
                                  BW_FAMILY_IPV6, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
                          .protocol = IPPROTO_ICMPV6,
                          .hop_limit = hop_limit };

        return icmp_frame(&ip, bw_packet_seal(&ip, bw_packet_nd(type, &claimed, options)));
}

static GByteArray *hidden_nd(bool fragment, uint8_t hop_limit) {
        BwPrefix claimed = bw_test_prefix("2001:db8::99");
        BwPacketIp ip = { .source = bw_test_prefix("2001:db8::98"),
                          .destination = bw_prefix_from_address(
                                  BW_FAMILY_IPV6, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
                          .protocol = fragment ? IPPROTO_FRAGMENT : IPPROTO_DSTOPTS,
                          .hop_limit = hop_limit };
        GByteArray *message = bw_packet_nd(136, &claimed, NULL);

        return icmp_frame(&ip, fragment ? bw_packet_fragment(IPPROTO_ICMPV6, 64, false, message)
                                        : bw_packet_extension(IPPROTO_ICMPV6, message));
}

static void check_frame(const Scene *scene, const Check *check) {
        const BwBridgePlan *bridge;
        const BwPortPlan *port = bw_plan_find_port(scene->plan, check->port, &bridge);
        bool in = check->direction == BW_DIRECTION_IN;
        BwVerdict said = in ? bw_evaluate_in(scene->plan, bridge, port, check->bytes->data,
                                             check->bytes->len)
                            : bw_evaluate_out(scene->plan, bridge, port, check->bytes->data,
                                              check->bytes->len);
        BwReason right = in ? BW_REASON_BORDER_SPOOF : BW_REASON_BORDER_MISDELIVERED;

        if (g_strcmp0(said.detail, check->detail) != 0)
                g_error("%s, at %s, %s: %s, and must be %s", check->what, check->port,
                        bw_direction_name(check->direction), said.detail, check->detail);
        g_assert_cmpint(said.reason, ==, check->detail ? right : BW_REASON_NONE);
        g_assert_cmpint(said.drops, ==, check->detail != NULL);
        g_assert_true(said.port == port);
        g_byte_array_unref(check->bytes);
}

#define IN  BW_DIRECTION_IN
#define OUT BW_DIRECTION_OUT
#define ALL "33:33:00:00:00:01"

static void test_frames_in(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "from outside", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "192.168.50.12"), NULL },
                { "guest's IP", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), "IP source" },
                { "host's IP", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.1", "192.168.50.12"), "IP source" },
                { "guest's IPv6", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "2001:db8::11", "2001:db8::12"), "IP source" },
                { "guest's link-local", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "fe80::5054:ff:fe00:1", "2001:db8::12"), "IP source" },
                { "guest's MAC", "eth0", IN, ip_frame(GUEST_E, GUEST_W, "8.8.8.8", "192.168.50.12"),
                  "Ethernet source" },
                { "the right door", "e-m", IN,
                  ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12"), NULL },
                { "the wrong door", "e-m", IN,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"), "Ethernet source" },
                { "back again", "w-m", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), "IP source" },
                { "behind a tag", "eth0", IN,
                  tagged(ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), 1),
                  "IP source" },
                { "behind two", "eth0", IN,
                  tagged(ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), 2),
                  "a tag behind a tag" },
                { "cut", "eth0", IN,
                  cut(ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "192.168.50.12"), 33),
                  "no whole IP header" },
                { "short", "eth0", IN, cut(ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "8.8.8.9"), 13),
                  "no whole Ethernet header" },
                { "ARP", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.99", 2), NULL },
                { "ARP probe", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "", 1), NULL },
                { "ARP guest's IP", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.11", 2),
                  "ARP sender IP" },
                { "ARP guest's MAC", "eth0", IN, arp_frame(OUTSIDE, GUEST_W, "192.168.50.99", 2),
                  "ARP sender MAC" },
                { "ARP of no kind", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.11", 9),
                  "ARP sender IP" },
                { "ARP cut", "eth0", IN, cut(arp_frame(OUTSIDE, OUTSIDE, "192.168.50.99", 1), 41),
                  "ARP is not of Ethernet and IPv4, or cut short" },
                { "ARP behind a tag", "eth0", IN,
                  tagged(arp_frame(OUTSIDE, OUTSIDE, "192.168.50.11", 2), 1), "ARP sender IP" },
                { "NA", "eth0", IN, nd_frame(136, "2001:db8::98", "2001:db8::99", 255, NULL),
                  NULL },
                { "NA of a guest", "eth0", IN,
                  nd_frame(136, "2001:db8::98", "2001:db8::11", 255, NULL),
                  "target of the neighbour advertisement" },
                { "NA of a guest, hop limit", "eth0", IN,
                  nd_frame(136, "2001:db8::98", "2001:db8::11", 64, NULL),
                  "target of the neighbour advertisement" },
                { "NA of a guest, long", "eth0", IN,
                  nd_frame(136, "2001:db8::98", "2001:db8::11", 255, bw_packet_filler(64)),
                  "target of the neighbour advertisement" },
                { "NS for a guest", "eth0", IN,
                  nd_frame(135, "2001:db8::98", "2001:db8::11", 255, NULL), NULL },
                { "DAD of a guest's", "eth0", IN, nd_frame(135, "", "2001:db8::11", 255, NULL),
                  "target of the address detection" },
                { "DAD", "eth0", IN, nd_frame(135, "", "2001:db8::99", 255, NULL), NULL },
                { "ND behind options", "eth0", IN, hidden_nd(false, 255),
                  "neighbour discovery behind an extension header" },
                { "ND in a fragment", "eth0", IN, hidden_nd(true, 255),
                  "a fragment of neighbour discovery" },
                { "ICMPv6 in a fragment", "eth0", IN, hidden_nd(true, 64), NULL },
        };

        plan(&scene, "");
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

/* What a guest still says from the host it comes from, and what it is told; and not what others say
 * in its name. Nobody here loses anything by it. */
static void test_frames_of_absent(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "its own", "eth0", IN,
                  ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12"), NULL },
                { "its ARP", "eth0", IN, arp_frame(GUEST_W, GUEST_W, "192.168.50.11", 1), NULL },
                { "over the link", "m-e", IN,
                  ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12"), NULL },
                { "to it", "eth0", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"), NULL },
                { "to it where it will be", "e-m", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"), NULL },
                { "to it where nobody is", "e-l", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"),
                  "Ethernet destination" },
                { "from where nobody is", "e-l", IN,
                  ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12"), "Ethernet source" },
                { "its address from there", "e-l", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12"), "IP source" },
                { "a neighbour's", "eth0", IN,
                  ip_frame(GUEST_W, OUTSIDE, "192.168.50.12", "192.168.50.11"), "IP source" },
        };

        tell_gw(&scene, BW_CPUS_ELSEWHERE);
        tell_pair(scene.model, 24, "e-l", EAST, "l-e", LONE);
        plan(&scene, "");
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

static void test_frames_out(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "to the world", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "8.8.8.8"), NULL },
                { "to a guest", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11"), "IP destination" },
                { "to a guest's MAC", "eth0", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "8.8.8.8"), "Ethernet destination" },
                { "the right door", "e-m", OUT,
                  ip_frame(GUEST_W, GUEST_E, "192.168.50.12", "192.168.50.11"), NULL },
                { "the wrong door", "w-m", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11"), "IP destination" },
                { "IPv6", "eth0", OUT, ip_frame(OUTSIDE, GUEST_E, "2001:db8::12", "2001:db8::11"),
                  "IP destination" },
                { "directed broadcast", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.255"), NULL },
                { "behind a tag", "eth0", OUT,
                  tagged(ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11"), 1),
                  "IP destination" },
                { "behind two", "eth0", OUT,
                  tagged(ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11"), 2), NULL },
                { "cut", "eth0", OUT,
                  cut(ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "8.8.8.8"), 33),
                  "no whole IP header" },
                { "ARP", "eth0", OUT, arp_frame(GUEST_E, GUEST_E, "192.168.50.12", 1), NULL },
        };

        plan(&scene, "");
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

static void test_closed_border(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "declared", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "10.1.2.3", "192.168.50.12"),
                  NULL },
                { "unknown", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "192.168.50.12"),
                  "IP source" },
                { "link-local", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "fe80::99", "2001:db8::12"),
                  NULL },
                { "ARP unknown", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.99", 1),
                  "ARP sender IP" },
                { "ARP probe", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "", 1), NULL },
                { "NA unknown", "eth0", IN, nd_frame(136, "fe80::99", "2001:db8::99", 255, NULL),
                  "target of the neighbour advertisement" },
                { "out, declared", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "10.1.2.3"), NULL },
                { "out, unknown", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "8.8.8.8"), "IP destination" },
                { "out, broadcast", "eth0", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.255"), NULL },
                { "the link is open", "e-m", OUT,
                  ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "8.8.8.8"), NULL },
        };

        plan(&scene, "[Port eth0]\nClosed=yes\nAddresses=10.0.0.0/8\n");
        g_assert_true(port_of(&scene, "eth0")->closed_border);
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

/* Guests of a former run */

#define GUEST_N "52:54:00:00:00:05"

typedef struct Former {
        const char *port, *addresses, *mac; /* or "" */
        bool is_border;
} Former;

static bool tell_former(const char *port, BwInheritedPort *ret, gconstpointer user) {
        for (const Former *former = user; former->port; former++) {
                g_auto(GStrv) texts = g_strsplit(former->addresses, " ", -1);

                if (!g_str_equal(former->port, port))
                        continue;
                ret->is_border = former->is_border;
                for (char **text = texts; *text; text++)
                        g_array_append_val(ret->addresses,
                                           ((BwPrefix[]){ bw_test_prefix(*text) })[0]);
                if (*former->mac)
                        g_array_append_val(ret->macs, ((BwMac[]){ bw_test_mac(former->mac) })[0]);
                return true;
        }
        return false;
}

/* "new" on west is nobody's, but for what @formers say. */
static void plan_formers(Scene *scene, const Former *formers, const char *more) {
        tell(scene->model, bw_test_tap(14, "new", bw_test_mac("fe:54:00:00:00:05"), WEST));
        plan(scene, more);
        bw_plan_keep_inherited(scene->plan, scene->model, tell_former, formers);
}

static const Former of_new[] = {
        { "new", "192.168.50.14 2001:db8:7::/64 192.168.50.14", GUEST_N, false }, {}
};

/* As if it were declared. */
static void test_inherited(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "in", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "192.168.50.14", "192.168.50.12"),
                  "IP source" },
                { "its network", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "2001:db8:7::8", "2001:db8::12"), "IP source" },
                { "ARP", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.14", 2),
                  "ARP sender IP" },
                { "MAC", "eth0", IN, ip_frame(GUEST_E, GUEST_N, "8.8.8.8", "192.168.50.12"),
                  "Ethernet source" },
                { "out", "eth0", OUT, ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.14"),
                  "IP destination" },
                { "the right door", "e-m", IN,
                  ip_frame(GUEST_E, GUEST_N, "192.168.50.14", "192.168.50.12"), NULL },
                { "the wrong door", "w-m", IN,
                  ip_frame(GUEST_W, GUEST_N, "192.168.50.14", "192.168.50.11"), "Ethernet source" },
                { "nobody's", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.99", "192.168.50.12"), NULL },
        };

        plan_formers(&scene, of_new, "");
        check_role(&scene, "new", BW_ROLE_GUEST, BW_PORT_INHERITED, false);
        check_addresses(port_of(&scene, "new"), "192.168.50.14 2001:db8:7::/64");
        check_leads(&scene, "192.168.50.14", "e-m m-w");
        check_leads(&scene, "2001:db8:7::1", "e-m m-w");
        check_leads(&scene, "fe80::5054:ff:fe00:5", "e-m m-w");
        check_mac_leads(&scene, GUEST_N, "eth0", false);
        check_mac_leads(&scene, GUEST_N, "m-w", true);
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
        /* What is known of others is as it was. */
        check_leads(&scene, "192.168.50.11", "e-m m-w");
        check_leads(&scene, "192.168.50.12", "m-e w-m");
}

/* The chains of "new" have been changed to say so; all of that is somebody's who is declared. */
static void test_inherited_yields(void) {
        static const Former forged[] = {
                { "new", "192.168.50.12 192.168.50.1 2001:db8::12 10.7.7.7 10.9.9.9", GUEST_E,
                  false },
                {}
        };
        g_auto(Scene) scene = scene_new();

        tell_address(scene.model, MIDDLE, "10.9.9.9/24");
        plan_formers(&scene, forged,
                     "[Guest ge]\nAddresses=192.168.50.12 2001:db8::12 10.7.0.0/16\n");
        check_role(&scene, "new", BW_ROLE_GUEST, BW_PORT_INHERITED, false);
        check_addresses(port_of(&scene, "new"), "");
        g_assert_cmpuint(port_of(&scene, "new")->macs->len, ==, 0);
        check_addresses(port_of(&scene, "vnet1"), "10.7.0.0/16 192.168.50.12 2001:db8::12");
        g_assert_cmpint(port_of(&scene, "vnet1")->state, ==, BW_PORT_BOUND);
        check_leads(&scene, "192.168.50.12", "m-e w-m");
        check_leads(&scene, "2001:db8::12", "m-e w-m");
        check_leads(&scene, "192.168.50.1", "e-m m-w");
        check_leads(&scene, "10.7.7.7", "m-e w-m");
        check_mac_leads(&scene, GUEST_E, "m-e", true);
        check_mac_leads(&scene, GUEST_E, "e-m", false);
}

/* What a border may not let in it may not because of a chain either. */
static void test_inherited_opens_nothing(void) {
        static const Former forged[] = { { "new", "10.1.2.3 192.168.50.14 10.0.0.0/7", "", false },
                                         {} };
        static const Former disputed[] = {
                { "new", "192.168.50.14 192.168.51.0/24", GUEST_N, false },
                { "stray", "192.168.50.14 192.168.51.7", GUEST_N, false },
                {}
        };
        g_auto(Scene) scene = scene_new();

        /* Behind the uplink, and nowhere else. */
        plan_formers(&scene, forged, "[Port eth0]\nAddresses=10.0.0.0/8\n");
        check_leads(&scene, "10.9.9.9", "eth0 m-e w-m");
        check_leads(&scene, "10.1.2.3", "");
        check_leads(&scene, "11.1.2.3", "e-m m-w");
        plan_formers(&scene, forged, "[Port eth0]\nAddresses=10.1.2.3\n");
        check_leads(&scene, "10.1.2.3", "eth0 m-e w-m");
        /* A closed border lets in what is declared behind it. */
        plan_formers(&scene, forged, "[Port e-m]\nClosed=yes\n");
        check_leads(&scene, "192.168.50.14", "m-w");
        /* Two ports say so: it is behind no border that does not lead to both. */
        plan_formers(&scene, disputed, "");
        check_leads(&scene, "192.168.50.14", "e-m");
        check_leads(&scene, "192.168.51.9", "e-m m-w");
        check_leads(&scene, "192.168.51.7", "e-m");
        check_mac_leads(&scene, GUEST_N, "e-m", true);
        check_mac_leads(&scene, GUEST_N, "m-w", false);
}

/* A gateway that nobody is known to have may be behind an uplink, but not when a former run knew
 * better. */
static void test_inherited_gateway(void) {
        static const Former gateway[] = { { "new", "192.168.50.254", "", false }, {} };
        g_auto(Scene) scene = scene_new();

        plan_formers(&scene, gateway, "[Bridge west]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "");
        tell(scene.model, port_of_kind(BW_LINK_OTHER, 31, "eth1", 0, WEST));
        plan_formers(&scene, gateway, "[Bridge west]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "e-m m-w");
}

/* A guest that routes: what is owned it may not use, nobody's it may, and it opens no other way to
 * a gateway. */
static void test_inherited_border(void) {
        static const Former border[] = { { "new", "", "", true }, {} };
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "a guest's", "new", IN,
                  ip_frame(GUEST_W, OUTSIDE, "192.168.50.12", "192.168.50.11"), "IP source" },
                { "nobody's", "new", IN, ip_frame(GUEST_W, OUTSIDE, "8.8.8.8", "192.168.50.11"),
                  NULL },
                { "gateway's", "new", IN,
                  ip_frame(GUEST_W, OUTSIDE, "192.168.50.254", "192.168.50.11"), NULL },
                { "misdelivered", "new", OUT,
                  ip_frame(OUTSIDE, GUEST_W, "192.168.50.11", "192.168.50.12"), "IP destination" },
        };

        plan_formers(&scene, border, "[Bridge east]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "eth0 m-e w-m");
        plan_formers(&scene, border, "[Bridge west]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "new");
        check_role(&scene, "new", BW_ROLE_UPLINK, BW_PORT_INHERITED, false);
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

static BwReason reason_in(const Scene *scene, const char *name, GByteArray *bytes) {
        const BwBridgePlan *bridge;
        const BwPortPlan *port = bw_plan_find_port(scene->plan, name, &bridge);
        BwReason reason = bw_evaluate_in(scene->plan, bridge, port, bytes->data, bytes->len).reason;

        g_byte_array_unref(bytes);
        return reason;
}

/* Neither Addresses=any nor Router=yes opens the gateway's address. */
static void test_gateway_is_protected(void) {
        static const char *const open[] = { "Addresses=any\n", "Router=yes\n" };
        static const char gateway[] = "192.168.50.254", gateway6[] = "2001:db8::fe";

        for (gsize i = 0; i < G_N_ELEMENTS(open); i++) {
                g_auto(Scene) scene = scene_new();
                g_autofree char *without = g_strconcat("[Port vnet0]\n", open[i], NULL);
                g_autofree char *protected = g_strconcat(
                        without, "[Bridge east]\nGateway=", gateway, " ", gateway6, "\n", NULL);
                g_autofree char *own =
                        g_strconcat(protected, "[Port vnet0]\nGateway=", gateway, "\n", NULL);

                plan(&scene, without);
                g_assert_cmpint(reason_in(&scene, "vnet0",
                                          ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                                ==, BW_REASON_NONE);
                plan(&scene, protected);
                g_assert_cmpint(reason_in(&scene, "vnet0",
                                          ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                                ==, BW_REASON_SPOOFED_IP);
                g_assert_cmpint(reason_in(&scene, "vnet0", arp_frame(GUEST_W, GUEST_W, gateway, 2)),
                                ==, BW_REASON_SPOOFED_ARP);
                g_assert_cmpint(reason_in(&scene, "vnet0",
                                          ip_frame(GUEST_E, GUEST_W, gateway6, "2001:db8::12")),
                                ==, BW_REASON_SPOOFED_IP);
                plan(&scene, own);
                g_assert_cmpint(reason_in(&scene, "vnet0",
                                          ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                                ==, BW_REASON_NONE);
        }
}

/* A network that takes a gateway in does not have it: the uplink's port does, where nobody names
 * it. */
static void test_gateway_in_a_network(void) {
        static const char gateway[] = "192.168.50.34", beside[] = "192.168.50.35";
        static const char text[] = "[Port vnet0]\nAddresses=192.168.50.32/28 2001:db8:1::/64\n"
                                   "[Bridge east]\nGateway=192.168.50.34 2001:db8:1::fe\n";
        g_autofree char *named = g_strconcat(text, "[Port vnet0]\nGateway=192.168.50.34\n", NULL);
        g_auto(Scene) scene = scene_new();

        plan(&scene, text);
        g_assert_cmpuint(port_of(&scene, "vnet0")->addresses->len, ==, 4 + 64);
        g_assert_cmpint(
                reason_in(&scene, "vnet0", ip_frame(GUEST_E, GUEST_W, beside, "192.168.50.12")), ==,
                BW_REASON_NONE);
        g_assert_cmpint(
                reason_in(&scene, "vnet0", ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                ==, BW_REASON_SPOOFED_IP);
        g_assert_cmpint(reason_in(&scene, "vnet0", arp_frame(GUEST_W, GUEST_W, gateway, 2)), ==,
                        BW_REASON_SPOOFED_ARP);
        g_assert_cmpint(reason_in(&scene, "vnet0",
                                  ip_frame(GUEST_E, GUEST_W, "2001:db8:1::fe", "2001:db8::12")),
                        ==, BW_REASON_SPOOFED_IP);
        g_assert_cmpint(
                reason_in(&scene, "eth0", ip_frame(GUEST_E, OUTSIDE, gateway, "192.168.50.12")), ==,
                BW_REASON_NONE);
        g_assert_cmpint(
                reason_in(&scene, "eth0", ip_frame(GUEST_E, OUTSIDE, beside, "192.168.50.12")), ==,
                BW_REASON_BORDER_SPOOF);
        plan(&scene, named);
        g_assert_cmpint(
                reason_in(&scene, "vnet0", ip_frame(GUEST_E, GUEST_W, gateway, "192.168.50.12")),
                ==, BW_REASON_NONE);
        g_assert_cmpint(
                reason_in(&scene, "eth0", ip_frame(GUEST_E, OUTSIDE, gateway, "192.168.50.12")), ==,
                BW_REASON_BORDER_SPOOF);
}

/* Another bridge's guest is another, too. */
static void test_owner_of_a_segment(void) {
        g_auto(Scene) scene = scene_new();
        BwPrefix far = bw_test_prefix("192.168.50.12"), derived;
        BwMac mac = bw_test_mac(GUEST_E);

        derived = bw_owner_derive_link_local(&mac);
        plan(&scene, "[Port vnet0]\nRouter=yes\n");
        g_assert_true(bw_owner_is_another(scene.plan, bridge_of(&scene, "west"),
                                          port_of(&scene, "vnet0"), &far));
        g_assert_false(bw_owner_may_use(scene.plan, bridge_of(&scene, "west"),
                                        port_of(&scene, "vnet0"), &derived));
        bw_test_tell_link_gone(scene.model, 22);
        plan(&scene, "[Port vnet0]\nRouter=yes\n");
        g_assert_false(bw_owner_is_another(scene.plan, bridge_of(&scene, "west"),
                                           port_of(&scene, "vnet0"), &far));
        g_assert_true(bw_owner_may_use(scene.plan, bridge_of(&scene, "west"),
                                       port_of(&scene, "vnet0"), &derived));
}

static BwViolation *tell_violation(const Scene *scene, const char *prefix, int in, int out,
                                   const GByteArray *frame) {
        BwDeniedPacket denied = { .prefix = prefix,
                                  .family = AF_BRIDGE,
                                  .physin = in,
                                  .physout = out,
                                  .ethertype = (uint16_t) (frame->data[12] << 8 | frame->data[13]),
                                  .ethernet = frame->data,
                                  .ethernet_length = 14,
                                  .packet = frame->data + 14,
                                  .packet_length = frame->len - 14 };

        return bw_violation_new(&denied, scene->plan);
}

/* The owner is looked for on all bridges; what is rightly behind the border is no claim. */
static void test_attributed(void) {
        g_auto(Scene) scene = scene_new();
        g_autoptr(GByteArray) spoof = ip_frame(GUEST_E, OUTSIDE, "192.168.50.11", "192.168.50.12");
        g_autoptr(GByteArray) stolen = ip_frame(GUEST_E, GUEST_W, "8.8.8.8", "192.168.50.12");
        g_autoptr(GByteArray) mixed = ip_frame(GUEST_W, GUEST_E, "192.168.50.11", "192.168.50.11");
        g_autoptr(GByteArray) leaving =
                ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.11");
        g_autoptr(BwViolation) claimed = NULL, owned = NULL, by_mac = NULL, led = NULL;

        plan(&scene, "");
        claimed = tell_violation(&scene, "bw in border-spoof drop", 30, 0, spoof);
        g_assert_cmpstr(claimed->port, ==, "eth0");
        g_assert_cmpstr(claimed->claimed_owner, ==, "gw");
        g_assert_cmpstr(claimed->claimed_address, ==, "192.168.50.11");
        g_assert_cmpstr(claimed->victim, ==, "ge");
        g_assert_cmpstr(claimed->detail, ==, "IP source");
        by_mac = tell_violation(&scene, "bw in border-spoof drop", 30, 0, stolen);
        g_assert_cmpstr(by_mac->claimed_owner, ==, "gw");
        g_assert_true(by_mac->owns_mac);
        /* Behind "e-m" is gw's address, but not ge's MAC. */
        led = tell_violation(&scene, "bw in border-spoof drop", 23, 0, mixed);
        g_assert_cmpstr(led->claimed_owner, ==, "ge");
        g_assert_true(led->owns_mac);
        owned = tell_violation(&scene, "bw out border-misdelivered drop", 11, 30, leaving);
        g_assert_cmpstr(owned->victim, ==, "gw");
        g_assert_cmpstr(owned->offender_guest, ==, "ge");
        g_assert_cmpstr(owned->detail, ==, "IP destination");
}

/* A frame for another bridge's guest is taken over the links that lead there. */
static void test_explained(void) {
        g_auto(Scene) scene = scene_new();
        g_autoptr(GByteArray) frame = ip_frame(GUEST_E, GUEST_W, "192.168.50.11", "192.168.50.12");
        g_autoptr(GArray) judgments = NULL;

        plan(&scene, "");
        judgments = bw_explain(scene.plan, "vnet0", "", frame->data, frame->len, NULL);
        g_assert_cmpuint(judgments->len, ==, 6);
        g_assert_cmpstr(g_array_index(judgments, BwJudgment, 1).port->name, ==, "w-m");
        g_assert_cmpstr(g_array_index(judgments, BwJudgment, 5).port->name, ==, "vnet1");
        g_assert_cmpint(bw_explain_fate(judgments), ==, BW_FATE_PASSES);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/border/roles", test_roles);
        g_test_add_func("/border/roles/overridden", test_roles_are_overridden);
        g_test_add_func("/border/roles/host-follows", test_host_addresses_follow);
        g_test_add_func("/border/path", test_path);
        g_test_add_func("/border/path/derived-guards-nothing", test_derived_roles_guard_nothing);
        g_test_add_func("/border/path/named", test_named_bridges);
        g_test_add_func("/border/path/off", test_switched_off);
        g_test_add_func("/border/networks", test_networks_are_shared);
        g_test_add_func("/border/locks", test_locks);
        g_test_add_func("/border/claims", test_claims_of_a_segment);
        g_test_add_func("/border/claims/strength", test_configured_goes_before_found);
        g_test_add_func("/border/sites", test_sites);
        g_test_add_func("/border/sites/none", test_no_border);
        g_test_add_func("/border/gateways", test_gateways);
        g_test_add_func("/border/gateways/protected", test_gateway_is_protected);
        g_test_add_func("/border/gateways/in-a-network", test_gateway_in_a_network);
        g_test_add_func("/border/absent", test_absent);
        g_test_add_func("/border/absent/makes-no-site", test_absent_makes_no_site);
        g_test_add_func("/border/absent/is-not-locked", test_absent_is_not_locked);
        g_test_add_func("/border/absent/and-closed", test_absent_and_closed);
        g_test_add_func("/border/absent/and-others", test_absent_and_others);
        g_test_add_func("/border/absent/router", test_absent_router);
        g_test_add_func("/border/absent/frames", test_frames_of_absent);
        g_test_add_func("/border/inherited", test_inherited);
        g_test_add_func("/border/inherited/yields", test_inherited_yields);
        g_test_add_func("/border/inherited/opens-nothing", test_inherited_opens_nothing);
        g_test_add_func("/border/inherited/gateway", test_inherited_gateway);
        g_test_add_func("/border/inherited/border", test_inherited_border);
        g_test_add_func("/border/frames/in", test_frames_in);
        g_test_add_func("/border/frames/out", test_frames_out);
        g_test_add_func("/border/frames/closed", test_closed_border);
        g_test_add_func("/border/owner", test_owner_of_a_segment);
        g_test_add_func("/border/attributed", test_attributed);
        g_test_add_func("/border/explained", test_explained);
        return g_test_run();
}
