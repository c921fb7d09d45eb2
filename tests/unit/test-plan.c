/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings.h"

#include <bw/ipt_compile.h>
#include <bw/plan.h>
#include <bw/plan_networks.h>
#include <string.h>

#define WEB   "52:54:00:00:00:01"
#define OTHER "52:54:00:00:00:02"

typedef struct Scene {
        BwModel *model;
        BwPlan *plan;
} Scene;

static void scene_clear(Scene *scene) {
        bw_plan_free(scene->plan);
        bw_model_free(scene->model);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

/* virbr6 with vnet0 of the running guest "web", and vnet1 of nobody. */
static Scene scene_new(void) {
        Scene scene = { .model = bw_model_new() };
        BwLink bridge = bw_test_bridge(1, "virbr6");
        BwLink own = bw_test_tap(10, "vnet0", bw_test_mac(WEB), 1);
        BwLink other = bw_test_tap(11, "vnet1", bw_test_mac(OTHER), 1);
        g_autoptr(BwGuest) guest =
                bw_test_guest_new("web", "11111111-0000-4000-8000-000000000001", true);

        bw_test_guest_add(guest, bw_test_mac(WEB), "virbr6", "vnet0");
        bw_test_tell_link(scene.model, &bridge);
        bw_test_tell_link(scene.model, &own);
        bw_test_tell_link(scene.model, &other);
        bw_test_tell_guest(scene.model, guest);
        return scene;
}

static const BwPortPlan *plan(Scene *scene, const char *text, const char *port) {
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);

        bw_plan_free(scene->plan);
        scene->plan = bw_plan_new(scene->model, config);
        return bw_plan_find_port(scene->plan, port, NULL);
}

static void check_only_address(const BwPortPlan *port, const char *address) {
        BwPrefix wanted = bw_test_prefix(address);

        g_assert_cmpint(port->state, ==, BW_PORT_BOUND);
        g_assert_cmpuint(port->addresses->len, ==, 1);
        g_assert_true(bw_prefix_equal(&g_array_index(port->addresses, BwPrefix, 0), &wanted));
}

static void test_nobody_has_spoken(void) {
        g_auto(Scene) scene = scene_new();
        const BwPortPlan *port = plan(&scene, "", "vnet0");

        g_assert_cmpint(port->state, ==, BW_PORT_STRANGER);
        g_assert_cmpstr(port->guest, ==, "web");
}

static void test_more_exact_wins(void) {
        g_auto(Scene) scene = scene_new();

        check_only_address(plan(&scene, "[Guest web]\nAddresses=10.0.0.1\n", "vnet0"), "10.0.0.1");
        check_only_address(
                plan(&scene,
                     "[Guest web]\nAddresses=10.0.0.1\n"
                     "[Guest 11111111-0000-4000-8000-000000000001]\nAddresses=10.0.0.2\n",
                     "vnet0"),
                "10.0.0.2");
        check_only_address(plan(&scene,
                                "[Interface " WEB "]\nAddresses=10.0.0.3\n"
                                "[Guest web]\nAddresses=10.0.0.1\n",
                                "vnet0"),
                           "10.0.0.3");
        check_only_address(plan(&scene,
                                "[Port vnet0]\nAddresses=10.0.0.4\n"
                                "[Interface " WEB "]\nAddresses=10.0.0.3\n",
                                "vnet0"),
                           "10.0.0.4");
}

static void test_wins_key_by_key(void) {
        g_auto(Scene) scene = scene_new();
        const BwPortPlan *port = plan(&scene,
                                      "[Guest web]\nAddresses=10.0.0.1\nMode=monitor\n"
                                      "[Port vnet0]\nMode=enforce\n",
                                      "vnet0");

        check_only_address(port, "10.0.0.1");
        g_assert_cmpint(port->mode, ==, BW_MODE_ENFORCE);
        g_assert_cmpuint(port->macs->len, ==, 1);
}

static void test_permissions_win_key_by_key(void) {
        g_auto(Scene) scene = scene_new();
        const BwPortPlan *port = plan(&scene,
                                      "[Guest web]\nAddresses=10.0.0.1\nRouter=yes\nQuerier=yes\n"
                                      "DhcpServer=yes\nLinkLocal=declared\n"
                                      "[Port vnet0]\nRouter=no\n",
                                      "vnet0");

        g_assert_false(port->router);
        g_assert_true(port->querier && port->dhcp_server && port->strict_link_local);

        port = plan(&scene, "[Guest web]\nAddresses=10.0.0.1\n", "vnet0");
        g_assert_false(port->router || port->querier || port->dhcp_server ||
                       port->strict_link_local);
}

static void test_permissions_are_compared(void) {
        static const char *const lines[] = { "Router=yes", "Querier=yes", "DhcpServer=yes",
                                             "LinkLocal=declared" };
        g_auto(Scene) scene = scene_new();
        g_auto(Scene) other = scene_new();
        const BwPortPlan *without = plan(&scene, "[Guest web]\nAddresses=10.0.0.1\n", "vnet0");

        for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
                g_autofree char *text =
                        g_strdup_printf("[Guest web]\nAddresses=10.0.0.1\n%s\n", lines[i]);

                g_assert_false(bw_port_plan_equal(without, plan(&other, text, "vnet0")));
        }
        g_assert_true(bw_port_plan_equal(
                without, plan(&other, "[Guest web]\nAddresses=10.0.0.1\n", "vnet0")));
}

static void test_without_address(void) {
        g_auto(Scene) scene = scene_new();
        const BwPortPlan *port = plan(&scene, "[Guest web]\nRole=guest\n", "vnet0");

        g_assert_cmpint(port->state, ==, BW_PORT_UNADDRESSED);
        g_assert_cmpuint(port->macs->len, ==, 1);
}

static void test_interface_section_finds_its_tap(void) {
        g_auto(Scene) scene = scene_new();

        check_only_address(plan(&scene, "[Interface " OTHER "]\nAddresses=10.0.0.9\n", "vnet1"),
                           "10.0.0.9");
}

/* The name vnet0 passes to a tap of another MAC: what was said of web is not for it. */
static void test_successor_is_a_stranger(void) {
        g_auto(Scene) scene = scene_new();
        BwLink successor = bw_test_tap(12, "vnet0", bw_test_mac(OTHER), 1);
        const char *text = "[Guest web]\nAddresses=10.0.0.1\n[Interface " WEB "]\nMode=enforce\n";

        check_only_address(plan(&scene, text, "vnet0"), "10.0.0.1");
        bw_test_tell_link_gone(scene.model, 10);
        bw_test_tell_link(scene.model, &successor);
        g_assert_cmpint(plan(&scene, text, "vnet0")->state, ==, BW_PORT_STRANGER);
}

/* A rename takes the guest along, by its MAC; what was said of the old name stays behind. */
static void test_renamed_port(void) {
        g_auto(Scene) scene = scene_new();
        BwLink renamed = bw_test_tap(11, "other", bw_test_mac(OTHER), 1);
        const char *text = "[Port vnet1]\nAddresses=10.0.0.1\n";

        check_only_address(plan(&scene, text, "vnet1"), "10.0.0.1");
        bw_test_tell_link(scene.model, &renamed);
        g_assert_null(plan(&scene, text, "vnet1"));
        g_assert_cmpint(plan(&scene, text, "other")->state, ==, BW_PORT_STRANGER);
}

static void test_conflict_closes_both(void) {
        g_auto(Scene) scene = scene_new();
        const char *text = "[Port vnet0]\nAddresses=10.0.0.1 10.0.0.2\n"
                           "[Port vnet1]\nAddresses=10.0.0.2\n";

        check_only_address(plan(&scene, text, "vnet0"), "10.0.0.1");
        g_assert_nonnull(plan(&scene, text, "vnet0")->trouble);
        g_assert_cmpint(plan(&scene, text, "vnet1")->state, ==, BW_PORT_CLOSED);
}

static void test_conflict_of_a_network_with_an_address(void) {
        g_auto(Scene) scene = scene_new();
        const char *text = "[Port vnet0]\nAddresses=10.0.0.0/24\n"
                           "[Port vnet1]\nAddresses=10.0.0.2 10.0.1.2\n";

        const BwPortPlan *port = plan(&scene, text, "vnet0");

        /* Who claims the network is the one who is mistaken. */
        g_assert_cmpint(port->state, ==, BW_PORT_CLOSED);
        g_assert_nonnull(strstr(port->trouble, "10.0.0.0/24"));
        port = plan(&scene, text, "vnet1");
        g_assert_cmpint(port->state, ==, BW_PORT_BOUND);
        g_assert_cmpuint(port->addresses->len, ==, 2);
        g_assert_null(port->trouble);
}

static bool is_vnet0(const char *port, BwInheritedPort *ret G_GNUC_UNUSED, gconstpointer user) {
        return g_str_equal(port, user);
}

/* Only strangers keep what a former run left; who is declared has rules of his own. */
static void test_inherited(void) {
        g_auto(Scene) scene = scene_new();

        g_assert_cmpint(plan(&scene, "", "vnet0")->state, ==, BW_PORT_STRANGER);
        bw_plan_keep_inherited(scene.plan, scene.model, is_vnet0, "vnet0");
        g_assert_cmpint(bw_plan_find_port(scene.plan, "vnet0", NULL)->state, ==, BW_PORT_INHERITED);
        g_assert_cmpint(bw_plan_find_port(scene.plan, "vnet1", NULL)->state, ==, BW_PORT_STRANGER);
        plan(&scene, "[Port vnet0]\nAddresses=10.0.0.1\n", "vnet0");
        bw_plan_keep_inherited(scene.plan, scene.model, is_vnet0, "vnet0");
        g_assert_cmpint(bw_plan_find_port(scene.plan, "vnet0", NULL)->state, ==, BW_PORT_BOUND);
}

static void test_same_address_on_two_bridges(void) {
        g_auto(Scene) scene = scene_new();
        BwLink bridge = bw_test_bridge(2, "virbr7");
        BwLink far = bw_test_tap(12, "vnet2", bw_test_mac(WEB), 2);

        bw_test_tell_link(scene.model, &bridge);
        bw_test_tell_link(scene.model, &far);
        check_only_address(plan(&scene,
                                "[Port vnet1]\nAddresses=10.0.0.1\n"
                                "[Port vnet2]\nAddresses=10.0.0.1\n",
                                "vnet1"),
                           "10.0.0.1");
}

/* A section with an error in it cannot say "off" either. */
static void test_damaged_section(void) {
        g_auto(Scene) scene = scene_new();
        const char *text = "[Port vnet0]\nMode=off\nAddresses=10.0.0.1/8\n"
                           "[Port vnet1]\nAddresses=10.0.0.1\n";
        const BwPortPlan *port = plan(&scene, text, "vnet0");

        g_assert_cmpint(port->state, ==, BW_PORT_CLOSED);
        g_assert_cmpint(port->mode, ==, BW_MODE_ENFORCE);
        g_assert_nonnull(port->trouble);
        check_only_address(plan(&scene, text, "vnet1"), "10.0.0.1");
}

static void test_damaged_guest_section_under_a_sound_port_section(void) {
        g_auto(Scene) scene = scene_new();
        const char *text = "[Guest web]\nColour=blue\n[Port vnet0]\nAddresses=10.0.0.1\n";

        g_assert_cmpint(plan(&scene, text, "vnet0")->state, ==, BW_PORT_CLOSED);
}

static void test_monitored_bridge_drops_no_stranger(void) {
        g_auto(Scene) scene = scene_new();

        plan(&scene, "[Guard]\nUnknownPorts=drop\n[Bridge virbr6]\nMode=monitor\n", "vnet0");
        g_assert_cmpint(((BwBridgePlan *) scene.plan->bridges->pdata[0])->unknown_ports, ==,
                        BW_UNKNOWN_PORTS_MONITOR);
}

static void test_bridge_that_is_off(void) {
        g_auto(Scene) scene = scene_new();

        plan(&scene, "[Bridge virbr6]\nMode=off\n", "vnet0");
        g_assert_cmpuint(scene.plan->bridges->len, ==, 0);
        /* What is said of a port goes before what is said of its bridge. */
        g_assert_cmpint(plan(&scene,
                             "[Bridge virbr6]\nMode=off\n"
                             "[Port vnet0]\nMode=enforce\nAddresses=192.0.2.1\n",
                             "vnet0")
                                ->state,
                        ==, BW_PORT_BOUND);
        g_assert_cmpint(((BwBridgePlan *) scene.plan->bridges->pdata[0])->unknown_ports, ==,
                        BW_UNKNOWN_PORTS_ACCEPT);
        /* A section that is wrong switches nothing on. */
        plan(&scene, "[Bridge virbr6]\nMode=off\n[Port vnet0]\nMode=enforce\nAdresses=1\n",
             "vnet0");
        g_assert_cmpuint(scene.plan->bridges->len, ==, 0);
        plan(&scene, "[Guard]\nBridges=virbr7\n", "vnet0");
        g_assert_cmpuint(scene.plan->bridges->len, ==, 0);
}

/* It may tighten what [Guard] says, never loosen it. */
static void test_damaged_bridge_section(void) {
        static const char strict[] = "[Guard]\nUnknownPorts=drop\n";
        static const char *const loose[] = { "Mode=off\nXode=1\n", "Mode=monitor\nXode=1\n",
                                             "UnknownPorts=accept\nXode=1\n",
                                             "UnknownPorts=dorp\n" };
        g_auto(Scene) scene = scene_new();
        const BwBridgePlan *bridge;

        for (gsize i = 0; i < G_N_ELEMENTS(loose); i++) {
                g_autofree char *text = g_strdup_printf(
                        "%s[Bridge virbr6]\nNetworks=192.0.2.0/24\n%s", strict, loose[i]);

                plan(&scene, text, "vnet0");
                bridge = scene.plan->bridges->pdata[0];
                g_assert_cmpint(bridge->mode, ==, BW_MODE_ENFORCE);
                g_assert_cmpint(bridge->unknown_ports, ==, BW_UNKNOWN_PORTS_DROP);
                g_assert_cmpuint(bridge->networks->len, ==, 0);
        }
        plan(&scene, "[Bridge virbr6]\nUnknownPorts=drop\nXode=1\n", "vnet0");
        bridge = scene.plan->bridges->pdata[0];
        g_assert_cmpint(bridge->unknown_ports, ==, BW_UNKNOWN_PORTS_DROP);
}

static void test_host_port_has_both_ends_of_its_veth(void) {
        g_auto(Scene) scene = scene_new();
        BwLink near = bw_test_tap(20, "vmh1", bw_test_mac("02:00:00:00:00:01"), 1);
        BwLink far = bw_test_tap(21, "inside", bw_test_mac("02:00:00:00:00:02"), 0);
        const char *text = "[Port vmh1]\nRole=host\nAddresses=10.0.0.1\n";

        near.kind = far.kind = BW_LINK_VETH;
        near.mac.octet[0] = far.mac.octet[0] = 0x02;
        near.peer = 21;
        bw_test_tell_link(scene.model, &near);
        bw_test_tell_link(scene.model, &far);
        g_assert_cmpuint(plan(&scene, text, "vmh1")->macs->len, ==, 2);
}

static void check_networks(Scene *scene, const char *text, const char *wanted) {
        g_autoptr(GString) found = g_string_new(NULL);
        const BwBridgePlan *bridge;

        plan(scene, text, "vnet0");
        bridge = scene->plan->bridges->pdata[0];
        for (guint i = 0; i < bridge->networks->len; i++) {
                g_autofree char *network =
                        bw_prefix_print(&g_array_index(bridge->networks, BwPrefix, i));

                g_string_append_printf(found, "%s%s", i ? " " : "", network);
        }
        g_assert_cmpstr(found->str, ==, wanted);
}

static bool is_delivered_to_vnet0(const Scene *scene, const char *address) {
        g_autoptr(GPtrArray) chains = bw_ipt_compile(scene->plan, BW_IPT_MANGLE);
        const BwIptChain *chain = bw_ipt_find_chain(chains, "bw-o-vnet0");
        BwPrefix wanted = bw_test_prefix(address);

        g_assert_nonnull(chain);
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (rule->target == BW_IPT_RETURN && bw_prefix_equal(&rule->destination, &wanted))
                        return true;
        }
        return false;
}

static void test_host_address_on_the_bridge(void) {
        g_auto(Scene) scene = scene_new();
        BwHostAddress own = bw_test_host_address(1, "192.168.50.254/24");
        BwHostAddress elsewhere = bw_test_host_address(10, "10.1.0.1/24");
        const char *text = "[Port vnet0]\nAddresses=192.168.50.1\n";

        bw_test_tell_address(scene.model, &elsewhere);
        check_networks(&scene, text, "");
        g_assert_false(is_delivered_to_vnet0(&scene, "192.168.50.255"));
        bw_test_tell_address(scene.model, &own);
        check_networks(&scene, text, "192.168.50.0/24");
        g_assert_true(is_delivered_to_vnet0(&scene, "192.168.50.255"));
        bw_test_tell_address_gone(scene.model, &own);
        check_networks(&scene, text, "");
        g_assert_false(is_delivered_to_vnet0(&scene, "192.168.50.255"));
}

static void test_host_addresses_that_are_no_networks(void) {
        static const char *const addresses[] = {
                "10.0.0.1/31",     "10.0.0.1/32",       "10.0.0.1/0",       "10.0.0.1/1",
                "127.0.0.1/8",     "2001:db8::1/64",    "192.168.50.7/25",  "192.168.50.1/24",
                "192.168.50.9/24", "192.168.50.130/25", "192.168.50.254/30"
        };
        g_auto(Scene) scene = scene_new();

        for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
                BwHostAddress own = bw_test_host_address(1, addresses[i]);

                bw_test_tell_address(scene.model, &own);
        }
        check_networks(&scene,
                       "[Port vnet0]\nAddresses=192.0.2.1\n"
                       "[Bridge virbr6]\nNetworks=192.168.60.0/24 192.168.50.0/24 10.0.0.8/31\n",
                       "10.0.0.8/31 192.168.50.0/24 192.168.50.0/25 192.168.50.128/25 "
                       "192.168.50.252/30 192.168.60.0/24");
}

static void test_host_networks_are_bounded(void) {
        g_auto(Scene) scene = scene_new();
        const BwBridgePlan *bridge;

        for (unsigned i = 0; i < 300; i++) {
                g_autofree char *text = g_strdup_printf("10.%u.%u.1/24", i / 256, i % 256);
                BwHostAddress own = bw_test_host_address(1, text);

                bw_test_tell_address(scene.model, &own);
        }
        plan(&scene,
             "[Port vnet0]\nAddresses=192.0.2.1\n[Bridge virbr6]\nNetworks=192.168.50.0/24\n",
             "vnet0");
        bridge = scene.plan->bridges->pdata[0];
        g_assert_cmpuint(bridge->networks->len, ==, BW_MAX_HOST_NETWORKS + 1);
}

static void test_host_address_behind_a_hosts_port(void) {
        g_auto(Scene) scene = scene_new();
        BwLink near = bw_test_tap(20, "vmh1", bw_test_mac("02:00:00:00:00:01"), 1);
        BwHostAddress own = bw_test_host_address(21, "192.168.50.254/24");
        BwHostAddress near_own = bw_test_host_address(20, "10.1.0.1/24");
        const char *sound = "[Port vnet0]\nAddresses=192.0.2.1\n";
        static const struct {
                const char *section, *networks;
        } rows[] = { { "Role=host\nAddresses=10.0.0.1\n", "192.168.50.0/24" },
                     { "Role=host\n", "192.168.50.0/24" },
                     { "Role=host\nMode=off\n", "192.168.50.0/24" },
                     { "Addresses=10.0.0.1\n", "" },
                     { "Role=link\n", "" },
                     { "Role=host\nColour=blue\n", "" } };

        near.kind = BW_LINK_VETH;
        near.peer = 21;
        bw_test_tell_link(scene.model, &near);
        bw_test_tell_address(scene.model, &own);
        bw_test_tell_address(scene.model, &near_own);
        check_networks(&scene, sound, "");
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *text =
                        g_strdup_printf("%s[Port vmh1]\n%s", sound, rows[i].section);

                check_networks(&scene, text, rows[i].networks);
        }
        /* Its far end has left for another namespace. */
        near.peer = 0;
        bw_test_tell_link(scene.model, &near);
        check_networks(&scene, "[Port vmh1]\nRole=host\n", "");
}

static void test_owners(void) {
        g_auto(Scene) scene = scene_new();
        BwPrefix address = bw_test_prefix("10.0.0.5");
        BwMac mac = bw_test_mac(WEB);
        const BwBridgePlan *bridge;
        const BwPortPlan *port = plan(&scene, "[Port vnet0]\nAddresses=10.0.0.0/29\n", "vnet0");

        g_assert_true(bw_plan_find_owner_of_address(scene.plan, NULL, &address) == port);
        g_assert_true(bw_plan_find_owner_of_mac(scene.plan, NULL, &mac) == port);
        g_assert_nonnull(bw_plan_find_port(scene.plan, "vnet0", &bridge));
        g_assert_true(bw_plan_find_owner_of_address(scene.plan, bridge, &address) == port);
        address = bw_test_prefix("10.0.0.9");
        g_assert_null(bw_plan_find_owner_of_address(scene.plan, NULL, &address));
}

/* A pair that joins virbr6 to a bridge nobody guards, and each state of each port. */
static void test_blocked(void) {
        g_auto(Scene) scene = scene_new();
        BwLink far_bridge = bw_test_bridge(2, "virbr4");
        BwLink ends[2] = { { .ifindex = 30, .name = "veth1", .peer = 31, .master = 1 },
                           { .ifindex = 31, .name = "veth2", .peer = 30, .master = 2 } };
        BwLink tap = bw_test_tap(10, "vnet0", bw_test_mac(WEB), 1);
        const char *const keys = "[Guard]\nBridges=virbr6\n";

        bw_test_tell_link(scene.model, &far_bridge);
        for (BwStpState state = BW_STP_DISABLED; state <= BW_STP_BLOCKING; state++) {
                bool waits = state != BW_STP_DISABLED && state != BW_STP_FORWARDING;

                for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
                        ends[i].kind = BW_LINK_VETH;
                        ends[i].up = ends[i].running = true;
                        ends[i].stp_state = i == 0 ? BW_STP_FORWARDING : state;
                        bw_test_tell_link(scene.model, &ends[i]);
                }
                tap.stp_state = state;
                bw_test_tell_link(scene.model, &tap);
                g_assert_cmpint(plan(&scene, keys, "vnet0")->blocked, ==, waits);
                g_assert_cmpint(plan(&scene, keys, "veth1")->blocked, ==,
                                state != BW_STP_FORWARDING);
                g_assert_false(plan(&scene, keys, "vnet1")->blocked);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan/nobody-has-spoken", test_nobody_has_spoken);
        g_test_add_func("/plan/more-exact-wins", test_more_exact_wins);
        g_test_add_func("/plan/wins-key-by-key", test_wins_key_by_key);
        g_test_add_func("/plan/permissions", test_permissions_win_key_by_key);
        g_test_add_func("/plan/permissions/compared", test_permissions_are_compared);
        g_test_add_func("/plan/without-address", test_without_address);
        g_test_add_func("/plan/interface-section-finds-its-tap",
                        test_interface_section_finds_its_tap);
        g_test_add_func("/plan/successor-is-a-stranger", test_successor_is_a_stranger);
        g_test_add_func("/plan/renamed-port", test_renamed_port);
        g_test_add_func("/plan/conflict-closes-both", test_conflict_closes_both);
        g_test_add_func("/plan/conflict-of-a-network-with-an-address",
                        test_conflict_of_a_network_with_an_address);
        g_test_add_func("/plan/inherited", test_inherited);
        g_test_add_func("/plan/same-address-on-two-bridges", test_same_address_on_two_bridges);
        g_test_add_func("/plan/damaged-section", test_damaged_section);
        g_test_add_func("/plan/damaged-guest-section-under-a-sound-port-section",
                        test_damaged_guest_section_under_a_sound_port_section);
        g_test_add_func("/plan/monitored-bridge-drops-no-stranger",
                        test_monitored_bridge_drops_no_stranger);
        g_test_add_func("/plan/bridge-that-is-off", test_bridge_that_is_off);
        g_test_add_func("/plan/damaged-bridge-section", test_damaged_bridge_section);
        g_test_add_func("/plan/host-port-has-both-ends-of-its-veth",
                        test_host_port_has_both_ends_of_its_veth);
        g_test_add_func("/plan/host-address-on-the-bridge", test_host_address_on_the_bridge);
        g_test_add_func("/plan/host-addresses-that-are-no-networks",
                        test_host_addresses_that_are_no_networks);
        g_test_add_func("/plan/host-networks-are-bounded", test_host_networks_are_bounded);
        g_test_add_func("/plan/host-address-behind-a-hosts-port",
                        test_host_address_behind_a_hosts_port);
        g_test_add_func("/plan/owners", test_owners);
        g_test_add_func("/plan/blocked", test_blocked);
        return g_test_run();
}
