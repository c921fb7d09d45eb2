/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * IPv6, routers and ports of two MACs, packet by packet
 *
 * web and mail are guests; vk70 has two MACs and no address yet; fw is a router;
 * watched is only monitored.
 */

#include "interpreter.h"
#include "settings.h"

#include <bw/ipt_compile.h>
#include <string.h>

static const char settings[] = "[Guard]\nUnknownPorts=drop\n"
                               "[Port web]\nMACs=52:54:00:00:00:03\n"
                               "Addresses=2001:db8::13 192.0.2.13\n"
                               "[Port mail]\nMACs=52:54:00:00:00:04\n"
                               "Addresses=2001:db8::14 192.0.2.14\nLinkLocal=declared\n"
                               "[Port fw]\nMACs=52:54:00:00:00:05\n"
                               "Addresses=2001:db8::1 192.0.2.1\nRouter=yes\n"
                               "[Port watched]\nMACs=52:54:00:00:00:06\n"
                               "Addresses=2001:db8::16\nMode=monitor\n"
                               "[Port vk70]\nMACs=52:54:00:00:00:07 52:54:00:00:00:08\n";

typedef struct Scene {
        BwPlan *plan;
        BwTestInterpreter *interpreters[BW_IPT_TABLE_MAX];
} Scene;

static Scene scene_new(void) {
        static const char *const names[] = { "web", "mail", "fw", "watched", "vk70" };
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
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) chains = bw_ipt_compile(scene.plan, table);

                scene.interpreters[table] = bw_test_interpreter_new(chains);
        }
        return scene;
}

static void scene_clear(Scene *scene) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                bw_test_interpreter_free(scene->interpreters[table]);
        bw_plan_free(scene->plan);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static BwTestPacket packet_of(const char *in, const char *out, const char *source,
                              const char *destination) {
        BwTestPacket packet = { .in_bridge = "virbr6", .out_bridge = "virbr6" };

        g_strlcpy(packet.port_in, in, sizeof(packet.port_in));
        g_strlcpy(packet.port_out, out, sizeof(packet.port_out));
        bw_test_packet_go(&packet, source, destination);
        return packet;
}

static void check(const Scene *scene, BwDirection direction, const BwTestPacket *packet,
                  BwReason reason, bool drops) {
        bool in = direction == BW_DIRECTION_IN, ipv6 = packet->family == BW_FAMILY_IPV6;
        BwIptTable table =
                in ? (ipv6 ? BW_IPT_RAW6 : BW_IPT_RAW) : (ipv6 ? BW_IPT_MANGLE6 : BW_IPT_MANGLE);
        BwTestVerdict verdict =
                bw_test_interpret(scene->interpreters[table], bw_ipt_table_root(table), packet);

        g_assert_cmpint(verdict.reason, ==, reason);
        g_assert_cmpint(verdict.dropped, ==, reason != BW_REASON_NONE && drops);
        g_assert_cmpuint(verdict.reports, ==, reason != BW_REASON_NONE);
}

static void check_in(const Scene *scene, const char *port, const char *source, BwReason reason) {
        BwTestPacket packet =
                packet_of(port, "web", source, strchr(source, ':') ? "2001:db8::99" : "192.0.2.99");

        check(scene, BW_DIRECTION_IN, &packet, reason, true);
}

static void check_out(const Scene *scene, const char *port, const char *source,
                      const char *destination, BwReason reason) {
        BwTestPacket packet = packet_of("web", port, source, destination);

        check(scene, BW_DIRECTION_OUT, &packet, reason, true);
}

/* Any that nobody owns: today's systems do not make theirs from the MAC. */
static void test_link_local(void) {
        g_auto(Scene) scene = scene_new();

        check_in(&scene, "web", "2001:db8::13", BW_REASON_NONE);
        check_in(&scene, "web", "2001:db8::14", BW_REASON_SPOOFED_IP);
        check_in(&scene, "web", "fe80::5054:ff:fe00:3", BW_REASON_NONE);
        check_in(&scene, "web", "fe80::a:b:c:d", BW_REASON_NONE);
        check_in(&scene, "web", "febf:ffff::1", BW_REASON_NONE);
        check_in(&scene, "web", "fe80::5054:ff:fe00:5", BW_REASON_SPOOFED_IP);
        check_in(&scene, "web", "fe80::5054:ff:fe00:7", BW_REASON_SPOOFED_IP);
        check_in(&scene, "web", "fec0::1", BW_REASON_SPOOFED_IP);
        check_in(&scene, "mail", "fe80::5054:ff:fe00:4", BW_REASON_SPOOFED_IP);
        check_in(&scene, "mail", "fe80::a:b:c:d", BW_REASON_SPOOFED_IP);
        check_out(&scene, "web", "2001:db8::1", "fe80::a:b:c:d", BW_REASON_NONE);
        check_out(&scene, "web", "2001:db8::1", "fe80::5054:ff:fe00:5", BW_REASON_MISDELIVERED);
        check_out(&scene, "mail", "2001:db8::1", "fe80::a:b:c:d", BW_REASON_MISDELIVERED);
}

static void test_delivery(void) {
        g_auto(Scene) scene = scene_new();

        check_out(&scene, "web", "2001:db8::14", "2001:db8::13", BW_REASON_NONE);
        check_out(&scene, "web", "2001:db8::14", "ff02::1", BW_REASON_NONE);
        check_out(&scene, "web", "2001:db8::14", "2001:db8::1", BW_REASON_MISDELIVERED);
        check_out(&scene, "web", "2001:db8::13", "2001:db8::13", BW_REASON_REFLECTED);
        check_out(&scene, "web", "2001:db8::13", "ff02::1", BW_REASON_REFLECTED);
        check_out(&scene, "web", "2001:db8::13", "fe80::a:b:c:d", BW_REASON_REFLECTED);
        /* Both apply; the first is told. */
        check_out(&scene, "web", "2001:db8::13", "fe80::5054:ff:fe00:5", BW_REASON_MISDELIVERED);
}

static void test_before_an_address(void) {
        static const uint8_t legal[] = { 130, 131, 132, 133, 135, 143 };
        g_auto(Scene) scene = scene_new();
        BwTestPacket packet = packet_of("web", "mail", "::", "ff02::16");

        for (unsigned type = 0; type < 256; type++) {
                packet.icmpv6_type = (uint8_t) type;
                check(&scene, BW_DIRECTION_IN, &packet,
                      memchr(legal, (int) type, sizeof(legal)) ? BW_REASON_NONE
                                                               : BW_REASON_SPOOFED_IP,
                      true);
        }
        packet.icmpv6_type = 143;
        packet.fragment = true;
        check(&scene, BW_DIRECTION_IN, &packet, BW_REASON_SPOOFED_IP, true);
        packet = packet_of("web", "mail", "::", "2001:db8::14");
        packet.icmpv6_type = 135;
        check(&scene, BW_DIRECTION_IN, &packet, BW_REASON_SPOOFED_IP, true);
}

/* Whatever nobody here owns may come through a router, and nothing else. */
static void test_router(void) {
        static const char *const others[] = { "2001:db8::13", "fe80::5054:ff:fe00:3",
                                              "::",           "::1",
                                              "ff02::1",      "192.0.2.13",
                                              "0.0.0.0",      "127.0.0.1",
                                              "224.0.0.1",    "255.255.255.255" };
        g_auto(Scene) scene = scene_new();

        check_in(&scene, "fw", "2001:db8:ffff::1", BW_REASON_NONE);
        check_in(&scene, "fw", "198.51.100.1", BW_REASON_NONE);
        check_in(&scene, "fw", "192.0.2.99", BW_REASON_NONE);
        check_in(&scene, "web", "198.51.100.1", BW_REASON_SPOOFED_IP);
        for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
                check_in(&scene, "fw", others[i], BW_REASON_SPOOFED_IP);
        check_out(&scene, "fw", "2001:db8::13", "2001:db8:ffff::1", BW_REASON_NONE);
        check_out(&scene, "fw", "192.0.2.13", "198.51.100.1", BW_REASON_NONE);
        check_out(&scene, "fw", "192.0.2.13", "192.0.2.14", BW_REASON_MISDELIVERED);
        check_out(&scene, "fw", "2001:db8::13", "2001:db8::14", BW_REASON_MISDELIVERED);
        check_out(&scene, "fw", "192.0.2.1", "198.51.100.1", BW_REASON_REFLECTED);
        check_out(&scene, "fw", "192.0.2.1", "192.0.2.14", BW_REASON_MISDELIVERED);
}

static void test_monitored(void) {
        g_auto(Scene) scene = scene_new();
        BwTestPacket lie = packet_of("watched", "web", "fe80::5054:ff:fe00:3", "2001:db8::13");
        BwTestPacket stray = packet_of("web", "watched", "2001:db8::16", "fe80::5054:ff:fe00:3");

        check(&scene, BW_DIRECTION_IN, &lie, BW_REASON_SPOOFED_IP, false);
        check(&scene, BW_DIRECTION_OUT, &stray, BW_REASON_MISDELIVERED, false);
}

/* DHCPv4 is all that is known of it. */
static void test_without_address(void) {
        g_auto(Scene) scene = scene_new();

        check_in(&scene, "vk70", "fe80::5054:ff:fe00:7", BW_REASON_UNBOUND);
        check_in(&scene, "vk70", "::", BW_REASON_UNBOUND);
        check_out(&scene, "vk70", "2001:db8::13", "ff02::1", BW_REASON_UNBOUND);
}

static void test_two_macs(void) {
        g_auto(Scene) scene = scene_new();

        for (uint8_t sender = 6; sender < 10; sender++)
                for (uint8_t client = 6; client < 10; client++) {
                        BwTestPacket packet =
                                packet_of("vk70", "web", "0.0.0.0", "255.255.255.255");
                        bool own = (sender == 7 || sender == 8) && (client == 7 || client == 8);

                        packet.udp = true;
                        packet.from_port = 68;
                        packet.to_port = 67;
                        packet.bootp_operation = 1;
                        packet.hardware_length = 6;
                        packet.sender = (BwMac){ { 0x52, 0x54, 0, 0, 0, sender } };
                        packet.client = (BwMac){ { 0x52, 0x54, 0, 0, 0, client } };
                        check(&scene, BW_DIRECTION_IN, &packet,
                              own ? BW_REASON_NONE : BW_REASON_UNBOUND, true);
                }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ipt_ipv6/link-local", test_link_local);
        g_test_add_func("/ipt_ipv6/delivery", test_delivery);
        g_test_add_func("/ipt_ipv6/before-an-address", test_before_an_address);
        g_test_add_func("/ipt_ipv6/router", test_router);
        g_test_add_func("/ipt_ipv6/monitored", test_monitored);
        g_test_add_func("/ipt_ipv6/without-address", test_without_address);
        g_test_add_func("/ipt_ipv6/two-macs", test_two_macs);
        return g_test_run();
}
