/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The scene of three guests on one bridge, packet by packet
 *
 * And what a chain name, a rule and its text must be.
 */

#include "interpreter.h"
#include "settings.h"

#include <bw/ipt_compile.h>
#include <bw/ipt_former.h>
#include <string.h>

#define KALI3 0xc0a8320d
#define KALI4 0xc0a8320e
#define KALI5 0xc0a8320f

static const char settings[] = "[Guard]\nUnknownPorts=drop\n"
                               "[Interface 52:54:00:00:00:03]\nAddresses=192.168.50.13\n"
                               "[Interface 52:54:00:00:00:04]\nAddresses=192.168.50.14\n"
                               "[Interface 52:54:00:00:00:05]\nAddresses=192.168.50.15\n"
                               "[Port vk66]\nMACs=52:54:00:00:00:06\n"
                               "[Bridge virbr6]\nNetworks=192.168.50.0/24\n";

typedef struct Scene {
        BwPlan *plan;
        GPtrArray *chains[BW_IPT_TABLE_MAX];
        BwTestInterpreter *interpreters[BW_IPT_TABLE_MAX];
} Scene;

static Scene scene_new(void) {
        static const char *const names[] = { "vk63", "vk64", "vk65", "vk66", "vk67" };
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwConfig) config = bw_test_config_from_text(settings);
        BwLink bridge = bw_test_bridge(1, "virbr6");
        Scene scene = {};

        bw_test_tell_link(model, &bridge);
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
                BwMac mac = { { 0x52, 0x54, 0, 0, 0, (uint8_t) (3 + i) } };
                BwLink tap = bw_test_tap(10 + (int) i, names[i], mac, 1);

                bw_test_tell_link(model, &tap);
        }
        scene.plan = bw_plan_new(model, config);
        for (unsigned table = 0; table < BW_IPT_TABLE_MAX; table++) {
                scene.chains[table] = bw_ipt_compile(scene.plan, (BwIptTable) table);
                scene.interpreters[table] = bw_test_interpreter_new(scene.chains[table]);
        }
        return scene;
}

static void scene_clear(Scene *scene) {
        for (unsigned table = 0; table < BW_IPT_TABLE_MAX; table++) {
                bw_test_interpreter_free(scene->interpreters[table]);
                g_ptr_array_unref(scene->chains[table]);
        }
        bw_plan_free(scene->plan);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static BwTestPacket packet_of(const char *in, const char *out, uint32_t source,
                              uint32_t destination) {
        BwTestPacket packet = { .in_bridge = "virbr6",
                                .out_bridge = "virbr6",
                                .source = source,
                                .destination = destination };

        g_strlcpy(packet.port_in, in, sizeof(packet.port_in));
        g_strlcpy(packet.port_out, out, sizeof(packet.port_out));
        return packet;
}

static void check(const Scene *scene, BwIptTable table, const BwTestPacket *packet,
                  BwReason reason) {
        const BwPortPlan *port = bw_plan_find_port(scene->plan, packet->port_out, NULL);
        BwTestPacket shown = *packet;
        BwTestVerdict verdict;

        shown.port_out_index = port ? port->ifindex : 0;
        verdict = bw_test_interpret(scene->interpreters[table], bw_ipt_table_root(table), &shown);
        g_assert_cmpint(verdict.reason, ==, reason);
        g_assert_cmpint(verdict.dropped, ==, reason != BW_REASON_NONE);
        g_assert_cmpuint(verdict.reports, ==, reason != BW_REASON_NONE);
}

static void test_honest_traffic(void) {
        g_auto(Scene) scene = scene_new();
        BwTestPacket packet = packet_of("vk63", "vk65", KALI3, KALI5);

        check(&scene, BW_IPT_RAW, &packet, BW_REASON_NONE);
        check(&scene, BW_IPT_MANGLE, &packet, BW_REASON_NONE);
}

/* kali3's packet for kali5 goes to kali4, whose ARP lies say so; kali4 passes it on. */
static void test_man_in_the_middle(void) {
        g_auto(Scene) scene = scene_new();
        BwTestPacket lured = packet_of("vk63", "vk64", KALI3, KALI5);
        BwTestPacket forwarded = packet_of("vk64", "vk65", KALI3, KALI5);

        check(&scene, BW_IPT_MANGLE, &lured, BW_REASON_MISDELIVERED);
        check(&scene, BW_IPT_RAW, &forwarded, BW_REASON_SPOOFED_IP);
}

static void test_reflected(void) {
        g_auto(Scene) scene = scene_new();
        BwTestPacket packet = packet_of("vk64", "vk63", KALI3, KALI3);
        BwTestPacket shouted = packet_of("vk64", "vk63", KALI3, 0xe0000001);

        check(&scene, BW_IPT_MANGLE, &packet, BW_REASON_REFLECTED);
        check(&scene, BW_IPT_MANGLE, &shouted, BW_REASON_REFLECTED);
}

static void test_broadcasts_are_delivered(void) {
        static const uint32_t addresses[] = { 0xffffffff, 0xe00000fb, 0xc0a832ff };
        g_auto(Scene) scene = scene_new();

        for (unsigned i = 0; i < G_N_ELEMENTS(addresses); i++) {
                BwTestPacket packet = packet_of("vk63", "vk64", KALI3, addresses[i]);

                check(&scene, BW_IPT_MANGLE, &packet, BW_REASON_NONE);
        }
}

static void test_stranger(void) {
        g_auto(Scene) scene = scene_new();
        BwTestPacket known = packet_of("vk67", "vk63", KALI4, KALI3);
        BwTestPacket new = packet_of("vk6", "vk63", KALI4, KALI3);
        BwTestPacket longer = packet_of("vk63x", "vk63", KALI3, KALI3);
        BwTestPacket towards = packet_of("vk63", "vk67", KALI3, 0xffffffff);

        check(&scene, BW_IPT_RAW, &known, BW_REASON_UNBOUND);
        check(&scene, BW_IPT_RAW, &new, BW_REASON_UNBOUND);
        check(&scene, BW_IPT_RAW, &longer, BW_REASON_UNBOUND);
        check(&scene, BW_IPT_MANGLE, &towards, BW_REASON_UNBOUND);
}

static void test_routed_traffic(void) {
        g_auto(Scene) scene = scene_new();
        BwTestPacket to_guest = packet_of("", "", 0x08080808, KALI3);
        BwTestPacket elsewhere = packet_of("vk67", "", KALI4, 0x08080808);

        check(&scene, BW_IPT_MANGLE, &to_guest, BW_REASON_NONE);
        check(&scene, BW_IPT_RAW, &to_guest, BW_REASON_NONE);
        check(&scene, BW_IPT_MANGLE, &elsewhere, BW_REASON_NONE);
        g_strlcpy(elsewhere.in_bridge, "br0", sizeof(elsewhere.in_bridge));
        check(&scene, BW_IPT_RAW, &elsewhere, BW_REASON_NONE);
}

static BwTestPacket dhcp_request(const char *in, uint8_t guest) {
        BwTestPacket packet = packet_of(in, "vk63", 0, 0xffffffff);

        packet.udp = true;
        packet.from_port = 68;
        packet.to_port = 67;
        packet.bootp_operation = 1;
        packet.hardware_length = 6;
        packet.sender = packet.client = (BwMac){ { 0x52, 0x54, 0, 0, 0, guest } };
        return packet;
}

static void test_dhcp_client(void) {
        g_auto(Scene) scene = scene_new();
        BwTestPacket packet = dhcp_request("vk66", 6);

        check(&scene, BW_IPT_RAW, &packet, BW_REASON_NONE);
        packet.client.octet[5] = 3;
        check(&scene, BW_IPT_RAW, &packet, BW_REASON_UNBOUND);
        packet = dhcp_request("vk66", 6);
        packet.fragment = true;
        check(&scene, BW_IPT_RAW, &packet, BW_REASON_UNBOUND);
        packet = dhcp_request("vk66", 6);
        packet.destination = KALI3;
        check(&scene, BW_IPT_RAW, &packet, BW_REASON_UNBOUND);
        /* A stranger under drop has no exception. */
        packet = dhcp_request("vk67", 7);
        check(&scene, BW_IPT_RAW, &packet, BW_REASON_UNBOUND);
}

static void test_dhcp_reply(void) {
        g_auto(Scene) scene = scene_new();
        BwTestPacket packet = dhcp_request("vk63", 6);

        g_strlcpy(packet.port_out, "vk66", sizeof(packet.port_out));
        packet.source = KALI3;
        packet.destination = 0xc0a83263;
        packet.from_port = 67;
        packet.to_port = 68;
        packet.bootp_operation = 2;
        check(&scene, BW_IPT_MANGLE, &packet, BW_REASON_NONE);
        packet.client.octet[5] = 5;
        check(&scene, BW_IPT_MANGLE, &packet, BW_REASON_UNBOUND);
}

/* It is left out: what asks for no client would let all replies pass, and who comes behind it asks
 * still. */
static void test_port_without_a_number(void) {
        g_auto(Scene) scene = scene_new();
        const BwBridgePlan *bridge = scene.plan->bridges->pdata[0];
        const BwMac second = { { 0x52, 0x54, 0, 0, 0, 4 } };
        g_autoptr(GPtrArray) chains = NULL;
        const BwIptRule *first;

        ((BwPortPlan *) bridge->ports->pdata[0])->ifindex = 0;
        chains = bw_ipt_compile(scene.plan, BW_IPT_MANGLE);
        first = &g_array_index(bw_ipt_find_chain(chains, "bw-oq-virbr6")->rules, BwIptRule, 0);
        g_assert_cmpint(first->target, ==, BW_IPT_RETURN);
        g_assert_cmpint(first->clients[0].ifindex, ==, 11);
        g_assert_true(bw_mac_equal(&first->clients[0].mac, &second));
        g_assert_cmpint(first->clients[1].ifindex, ==, 12);
        for (guint i = 0; i < bridge->ports->len; i++)
                ((BwPortPlan *) bridge->ports->pdata[i])->ifindex = 0;
        g_clear_pointer(&chains, g_ptr_array_unref);
        chains = bw_ipt_compile(scene.plan, BW_IPT_MANGLE);
        first = &g_array_index(bw_ipt_find_chain(chains, "bw-oq-virbr6")->rules, BwIptRule, 0);
        g_assert_cmpint(first->target, ==, BW_IPT_GOTO);
}

/* One guest may use its address at each of its ports, be they many. */
static void test_many_ports_share_an_address(void) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwConfig) config =
                bw_test_config_from_text("[Guest many]\nAddresses=192.168.50.13 10.0.0.1\n");
        g_autoptr(BwGuest) guest =
                bw_test_guest_new("many", "11111111-0000-4000-8000-000000000001", true);
        BwLink bridge = bw_test_bridge(1, "virbr6");
        BwTestPacket packet = packet_of("vnet39", "", KALI3, KALI5);
        g_autoptr(BwPlan) plan = NULL;
        g_autoptr(GPtrArray) chains = NULL;
        g_autoptr(BwTestInterpreter) interpreter = NULL;

        bw_test_tell_link(model, &bridge);
        for (unsigned i = 0; i < 40; i++) {
                BwMac mac = { { 0x52, 0x54, 0, 0, 1, (uint8_t) i } };
                g_autofree char *name = g_strdup_printf("vnet%u", i);
                BwLink tap = bw_test_tap(10 + (int) i, name, mac, 1);

                bw_test_guest_add(guest, mac, "virbr6", name);
                bw_test_tell_link(model, &tap);
        }
        bw_test_tell_guest(model, guest);
        plan = bw_plan_new(model, config);
        chains = bw_ipt_compile(plan, BW_IPT_RAW);
        interpreter = bw_test_interpreter_new(chains);
        g_assert_false(bw_test_interpret(interpreter, "bw-in", &packet).dropped);
        packet.source = KALI4;
        g_assert_true(bw_test_interpret(interpreter, "bw-in", &packet).dropped);
}

/* Names */

static void check_port_chain(const char *port, const char *wanted) {
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_port_chain("i", port, name);
        g_assert_cmpstr(name, ==, wanted);
}

static void test_chain_names(void) {
        char name[BW_IPT_CHAIN_SIZE];

        check_port_chain("vk63", "bw-i-vk63");
        check_port_chain("-j", "bw-i--j");
        check_port_chain("abcdefghijklmno", "bw-i-abcdefghijklmno");
        check_port_chain("vnet1+", "bw-ix-dm5ldDErAAAAAAAAAAAA");
        bw_ipt_node_chain("it", "virbr6", "vk6", name);
        g_assert_cmpstr(name, ==, "bw-it-virbr6+vk6");
        g_assert_true(bw_ipt_chain_is_ours(name));
        g_assert_false(bw_ipt_chain_is_ours("BW-i-vk63"));
        g_assert_false(bw_ipt_chain_is_ours("DOCKER-USER"));
}

static void test_rules_differ_in_every_part(void) {
        BwIptRule rules[23];

        memset(rules, 0, sizeof(rules));
        rules[1].in_bridge[0] = 'x';
        rules[2].out_bridge[0] = 'x';
        rules[3].physdev_kind = BW_IPT_PHYSDEV_IN;
        rules[4].physdev[0] = 'x';
        rules[5].source = bw_test_prefix("10.0.0.1");
        rules[6].destination = bw_test_prefix("10.0.0.1");
        rules[7].dhcp = BW_IPT_DHCP_REPLY;
        rules[8].sender.octet[5] = 1;
        rules[9].log_rate = 1;
        rules[10].target = BW_IPT_DROP;
        rules[11].chain[0] = 'x';
        rules[12].reason = BW_REASON_UNBOUND;
        rules[13].drops = true;
        rules[14].client.octet[5] = 1;
        rules[15].fragment = true;
        rules[16].icmpv6_type = 135;
        rules[17].foreign = true;
        rules[18].client_is_sender = true;
        rules[19].source = rules[5].source;
        rules[19].source_is_not = true;
        rules[20].clients[0].ifindex = 1;
        rules[21].clients[BW_IPT_CLIENT_MAX - 1].ifindex = 1;
        rules[22].clients[BW_IPT_CLIENT_MAX - 1].mac.octet[5] = 1;
        for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++)
                for (unsigned k = 0; k < G_N_ELEMENTS(rules); k++)
                        g_assert_cmpint(bw_ipt_rule_equal(&rules[i], &rules[k]), ==, i == k);
}

/* Daemons of before asked each port's rule for the client; whoever comes after one reads that, too.
 */
static void test_macs_of_a_former_run(void) {
        BwIptRule rules[] = {
                { .sender.octet = { 2, 0, 0, 0, 0, 1 },
                  .client.octet = { 2, 0, 0, 0, 0, 1 },
                  .target = BW_IPT_RETURN },
                { .sender.octet = { 2, 0, 0, 0, 0, 2 }, .target = BW_IPT_GOTO, .chain = "bw-c-v" },
                { .sender.octet = { 2, 0, 0, 0, 0, 3 },
                  .target = BW_IPT_GOTO,
                  .chain = "bw-iq-br+d" },
                { .sender.octet = { 2, 0, 0, 0, 0, 4 }, .target = BW_IPT_DROP },
        };
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_autoptr(GArray) macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        g_autoptr(BwIptChain) chain = bw_ipt_chain_new("bw-i-v");

        for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
                rules[i].dhcp = BW_IPT_DHCP_REQUEST;
                rules[i].source.length = rules[i].destination.length = 32;
                memset(rules[i].destination.bytes, 255, 4);
                g_array_append_val(chain->rules, rules[i]);
        }
        bw_ipt_former_add_own(chain, addresses, macs);
        g_assert_cmpuint(addresses->len, ==, 0);
        g_assert_cmpuint(macs->len, ==, 3);
        for (guint i = 0; i < macs->len; i++)
                g_assert_true(bw_mac_equal(&g_array_index(macs, BwMac, i), &rules[i].sender));
}

/* What is not of our shapes is somebody's own, whatever it begins with. */
static void test_chains_of_ours(void) {
        static const char *const ours[] = {
                "bw-in",      "bw-out",      "bw-i-vk63",    "bw-ix-AAAA",  "bw-r-a",
                "bw-is-br",   "bw-it-br+v",  "bw-oa-br+0-0", "bw-osx-A",    "bw-c-a",
                "bw-iw-br+d", "bw-ow-br+mr", "bw-id-br+d",   "bw-od-br+dr", "bw-iz-br+m",
                "bw-iq-br+d", "bw-b-a",      "bw-ib-br+",    "bw-olx-A",    "bw-ic-br+v",
                "bw-oe-br+v", "bw-oq-br",    "bw-or-br",     "bw-orx-A"
        };
        static const char *const foreign[] = { "bw",       "bw-",     "bw-shaping", "bw-input",
                                               "bw-iptv",  "FORWARD", "bw-outer",   "bw-x-1",
                                               "bw-order", "bw-oq" };

        for (gsize i = 0; i < G_N_ELEMENTS(ours); i++)
                g_assert_true(bw_ipt_chain_is_ours(ours[i]));
        for (gsize i = 0; i < G_N_ELEMENTS(foreign); i++)
                g_assert_false(bw_ipt_chain_is_ours(foreign[i]));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ipt_compile/honest-traffic", test_honest_traffic);
        g_test_add_func("/ipt_compile/man-in-the-middle", test_man_in_the_middle);
        g_test_add_func("/ipt_compile/reflected", test_reflected);
        g_test_add_func("/ipt_compile/broadcasts-are-delivered", test_broadcasts_are_delivered);
        g_test_add_func("/ipt_compile/stranger", test_stranger);
        g_test_add_func("/ipt_compile/routed-traffic", test_routed_traffic);
        g_test_add_func("/ipt_compile/dhcp-client", test_dhcp_client);
        g_test_add_func("/ipt_compile/macs-of-a-former-run", test_macs_of_a_former_run);
        g_test_add_func("/ipt_compile/dhcp-reply", test_dhcp_reply);
        g_test_add_func("/ipt_compile/port-without-a-number", test_port_without_a_number);
        g_test_add_func("/ipt_compile/many-ports-share-an-address",
                        test_many_ports_share_an_address);
        g_test_add_func("/ipt_compile/chain-names", test_chain_names);
        g_test_add_func("/ipt_compile/rules-differ-in-every-part", test_rules_differ_in_every_part);
        g_test_add_func("/ipt-compile/chains-of-ours", test_chains_of_ours);
        return g_test_run();
}
