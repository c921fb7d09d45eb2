/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Borders as they are planned: roles, which bridges are guarded, what is owned where, and guests
 * that are not here.
 */

#include "three_bridges.h"

#include <bw/border.h>
#include <bw/owner.h>

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
        g_test_add_func("/border/absent", test_absent);
        g_test_add_func("/border/absent/makes-no-site", test_absent_makes_no_site);
        g_test_add_func("/border/absent/is-not-locked", test_absent_is_not_locked);
        g_test_add_func("/border/absent/and-closed", test_absent_and_closed);
        g_test_add_func("/border/absent/and-others", test_absent_and_others);
        g_test_add_func("/border/absent/router", test_absent_router);
        g_test_add_func("/border/owner", test_owner_of_a_segment);
        return g_test_run();
}
