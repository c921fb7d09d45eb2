/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/border.h>
#include <bw/violation.h>
#include <netinet/in.h>
#include <string.h>

/* The scene of three guests on one bridge and a veth end that is nobody's guest. */

static void free_port(gpointer pointer) {
        BwPortPlan *port = pointer;

        g_array_unref(port->macs);
        g_array_unref(port->addresses);
        g_free(port->guest);
        g_free(port);
}

static void add_port(BwBridgePlan *bridge, int ifindex, const char *name, const char *guest,
                     const char *address) {
        BwPortPlan *port = g_new0(BwPortPlan, 1);

        port->ifindex = ifindex;
        g_strlcpy(port->name, name, sizeof(port->name));
        port->guest = g_strdup(guest);
        if (guest)
                g_strlcpy(port->uuid, "6b0ed4b8-8ff4-4bd0-8f06-9b1a5c2d0064", sizeof(port->uuid));
        port->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        port->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        if (address) {
                g_autoptr(GError) error = NULL;
                BwPrefix prefix;

                bw_prefix_parse(address, &prefix, &error);
                g_assert_no_error(error);
                g_array_append_val(port->addresses, prefix);
        }
        g_ptr_array_add(bridge->ports, port);
}

static void free_bridge(gpointer pointer) {
        BwBridgePlan *bridge = pointer;

        g_ptr_array_unref(bridge->ports);
        g_array_unref(bridge->networks);
        g_array_unref(bridge->addresses);
        g_array_unref(bridge->gateways);
        g_free(bridge);
}

static void settle(BwPlan *plan) {
        g_autoptr(BwModel) nothing = bw_model_new();
        BwTopology *topology = bw_topology_new(nothing);

        bw_border_gather(plan, topology);
        bw_border_settle(plan, topology);
        bw_topology_free(topology);
}

static BwPlan *make_plan(const char *name_of_kali4) {
        BwPlan *plan = g_new0(BwPlan, 1);
        BwBridgePlan *bridge = g_new0(BwBridgePlan, 1);

        bridge->ifindex = 6;
        g_strlcpy(bridge->name, "virbr6", sizeof(bridge->name));
        bridge->networks = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->gateways = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->ports = g_ptr_array_new_with_free_func(free_port);
        add_port(bridge, 63, "vk63", "kali3", "192.168.50.13");
        add_port(bridge, 64, "vk64", name_of_kali4, "192.168.50.14");
        add_port(bridge, 65, "vk65", "kali5", "192.168.50.15");
        add_port(bridge, 66, "vmh1", NULL, "192.168.50.1");
        add_port(bridge, 67, "vnet9", NULL, NULL);
        plan->bridges = g_ptr_array_new_with_free_func(free_bridge);
        plan->segments = g_ptr_array_new();
        g_ptr_array_add(plan->bridges, bridge);
        settle(plan);
        return plan;
}

static void free_plan(BwPlan *plan) {
        g_ptr_array_unref(plan->segments);
        g_ptr_array_unref(plan->bridges);
        g_free(plan);
}

/* An IPv4 header without options, and @ports behind it when they are not NULL. */
typedef struct Frame {
        uint8_t ethernet[14];
        uint8_t packet[24];
        BwDeniedPacket denied;
} Frame;

static void fill(Frame *frame, const char *prefix, int physin, int physout, uint8_t source,
                 uint8_t destination, uint8_t protocol) {
        static const uint8_t ethernet[14] = {
                0x52, 0x54, 0x00, 0x00, 0x00, 0x65, 0x52, 0x54, 0x00, 0x00, 0x00, 0x64, 0x08, 0x00,
        };
        const uint8_t packet[24] = {
                0x45, 0,   0,  84,     0,   0,   0,  0,           64,   protocol, 0, 0,
                192,  168, 50, source, 192, 168, 50, destination, 0x9c, 0x40,     0, 22,
        };

        memset(frame, 0, sizeof(*frame));
        memcpy(frame->ethernet, ethernet, sizeof(ethernet));
        memcpy(frame->packet, packet, sizeof(packet));
        frame->denied = (BwDeniedPacket){
                .prefix = prefix,
                .family = AF_INET,
                .physin = physin,
                .physout = physout,
                .in = 6,
                .out = physout ? 6 : 0,
                .ethernet = frame->ethernet,
                .ethernet_length = sizeof(frame->ethernet),
                .packet = frame->packet,
                .packet_length = sizeof(frame->packet),
        };
}

static void check_sentence_of(const BwDeniedPacket *denied, const char *name_of_kali4,
                              const char *expected) {
        BwPlan *plan = make_plan(name_of_kali4);
        g_autoptr(BwViolation) violation = bw_violation_new(denied, plan);
        g_autofree char *sentence = NULL;

        free_plan(plan); /* nothing of it may be needed any more */
        g_assert_nonnull(violation);
        sentence = bw_violation_sentence(violation);
        g_assert_cmpstr(sentence, ==, expected);
}

static void test_prefix(void) {
        char text[BW_VIOLATION_PREFIX_SIZE];

        bw_violation_prefix(BW_DIRECTION_IN, BW_REASON_SPOOFED_IP, true, text);
        g_assert_cmpstr(text, ==, "bw in spoofed-ip drop");
        bw_violation_prefix(BW_DIRECTION_OUT, BW_REASON_MISDELIVERED, false, text);
        g_assert_cmpstr(text, ==, "bw out misdelivered monitor");
}

static void test_every_prefix_comes_back(void) {
        BwPlan *plan = make_plan("kali4");

        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                for (unsigned i = 0; i < 4; i++) {
                        BwDirection direction = i & 1 ? BW_DIRECTION_OUT : BW_DIRECTION_IN;
                        bool drops = i & 2;
                        char text[BW_VIOLATION_PREFIX_SIZE];
                        g_autoptr(BwViolation) violation = NULL;
                        Frame frame;

                        bw_violation_prefix(direction, reason, drops, text);
                        fill(&frame, text, 63, 64, 13, 15, 1);
                        violation = bw_violation_new(&frame.denied, plan);
                        g_assert_nonnull(violation);
                        g_assert_cmpint(violation->reason, ==, reason);
                        g_assert_cmpint(violation->direction, ==, direction);
                        g_assert_true(violation->dropped == drops);
                        g_assert_cmpstr(violation->port, ==, i & 1 ? "vk64" : "vk63");
                }
        }
        free_plan(plan);
}

static void test_foreign_prefix(void) {
        static const char *const foreign[] = {
                "",
                "bw",
                "bw in spoofed-ip",
                "bw in spoofed-ip dropped",
                "bw in spoofed-ip drop ",
                " bw in spoofed-ip drop",
                "BW in spoofed-ip drop",
                "bw in none drop",
                "bw up spoofed-ip drop",
                "bw in spoofed-ip  drop",
                "FINAL_REJECT: ",
                "%s%n",
        };
        BwPlan *plan = make_plan("kali4");

        for (gsize i = 0; i < G_N_ELEMENTS(foreign); i++) {
                Frame frame;

                fill(&frame, foreign[i], 64, 63, 15, 13, 1);
                g_assert_null(bw_violation_new(&frame.denied, plan));
        }
        free_plan(plan);
}

static void test_no_port_of_ours(void) {
        BwPlan *plan = make_plan("kali4");
        Frame frame;

        fill(&frame, "bw in spoofed-ip drop", 0, 64, 15, 13, 1);
        g_assert_null(bw_violation_new(&frame.denied, plan));
        fill(&frame, "bw in spoofed-ip drop", 1000, 64, 15, 13, 1);
        g_assert_null(bw_violation_new(&frame.denied, plan));
        fill(&frame, "bw out misdelivered drop", 64, 0, 15, 13, 1);
        g_assert_null(bw_violation_new(&frame.denied, plan));
        fill(&frame, "bw in spoofed-ip drop", -1, 64, 15, 13, 1);
        g_assert_null(bw_violation_new(&frame.denied, plan));
        free_plan(plan);
}

static void test_spoofed(void) {
        BwPlan *plan = make_plan("kali4");
        g_autoptr(BwViolation) violation = NULL;
        Frame frame;

        fill(&frame, "bw in spoofed-ip drop", 64, 0, 15, 13, 1);
        violation = bw_violation_new(&frame.denied, plan);
        g_assert_cmpstr(violation->port, ==, "vk64");
        g_assert_cmpstr(violation->bridge, ==, "virbr6");
        g_assert_cmpstr(violation->offender, ==, "vk64");
        g_assert_cmpstr(violation->offender_guest, ==, "kali4");
        g_assert_cmpstr(violation->guest, ==, "kali4");
        g_assert_cmpstr(violation->uuid, ==, "6b0ed4b8-8ff4-4bd0-8f06-9b1a5c2d0064");
        g_assert_cmpstr(violation->source_mac, ==, "52:54:00:00:00:64");
        g_assert_cmpstr(violation->destination_mac, ==, "52:54:00:00:00:65");
        g_assert_cmpstr(violation->source, ==, "192.168.50.15");
        g_assert_cmpstr(violation->destination, ==, "192.168.50.13");
        g_assert_cmpstr(violation->protocol, ==, "icmp");
        g_assert_cmpstr(violation->claimed_owner, ==, "kali5");
        g_assert_cmpstr(violation->victim, ==, "kali3");
        free_plan(plan);

        check_sentence_of(&frame.denied, "kali4",
                          "Guest kali4 (port vk64) sent 192.168.50.15 > 192.168.50.13 (icmp), "
                          "claiming the address of kali5, meant for kali3: dropped, spoofed-ip");
}

static void test_unknown_names_are_left_out(void) {
        Frame frame;

        fill(&frame, "bw in spoofed-ip drop", 64, 0, 15, 99, 1);
        check_sentence_of(&frame.denied, "kali4",
                          "Guest kali4 (port vk64) sent 192.168.50.15 > 192.168.50.99 (icmp), "
                          "claiming the address of kali5: dropped, spoofed-ip");
        fill(&frame, "bw in unbound monitor", 67, 0, 98, 99, 6);
        check_sentence_of(&frame.denied, "kali4",
                          "Port vnet9 sent 192.168.50.98 > 192.168.50.99 (tcp 40000 > 22): "
                          "only seen, unbound");
        fill(&frame, "bw in unbound monitor", 67, 0, 1, 99, 47);
        check_sentence_of(&frame.denied, "kali4",
                          "Port vnet9 sent 192.168.50.1 > 192.168.50.99 (proto 47), claiming the "
                          "address of vmh1: only seen, unbound");
}

static void test_misdelivered(void) {
        Frame frame;

        fill(&frame, "bw out misdelivered drop", 0, 64, 13, 15, 1);
        check_sentence_of(&frame.denied, "kali4",
                          "Guest kali4 (port vk64) would have received 192.168.50.13 > "
                          "192.168.50.15 (icmp), meant for kali5: dropped, misdelivered");
        fill(&frame, "bw out misdelivered drop", 63, 64, 13, 15, 1);
        check_sentence_of(&frame.denied, "kali4",
                          "Guest kali4 (port vk64) would have received 192.168.50.13 > "
                          "192.168.50.15 (icmp) from guest kali3 (port vk63), meant for kali5: "
                          "dropped, misdelivered");
        fill(&frame, "bw out misdelivered monitor", 63, 64, 13, 15, 1);
        check_sentence_of(&frame.denied, "kali4",
                          "Guest kali4 (port vk64) received 192.168.50.13 > 192.168.50.15 (icmp) "
                          "from guest kali3 (port vk63), meant for kali5: only seen, misdelivered");
}

static void test_reflected(void) {
        Frame frame;

        fill(&frame, "bw out reflected drop", 65, 64, 14, 13, 17);
        check_sentence_of(&frame.denied, "kali4",
                          "Guest kali4 (port vk64) would have received 192.168.50.14 > "
                          "192.168.50.13 (udp 40000 > 22) from guest kali5 (port vk65), claiming "
                          "the address of kali4, meant for kali3: dropped, reflected");
}

static void test_hostile_names(void) {
        Frame frame;

        fill(&frame, "bw in spoofed-ip drop", 64, 0, 15, 13, 1);
        check_sentence_of(&frame.denied, "%n%s\n\x1b[2J\xff",
                          "Guest %n%s\\x0a\\x1b[2J\\xff (port vk64) sent 192.168.50.15 > "
                          "192.168.50.13 (icmp), claiming the address of kali5, meant for kali3: "
                          "dropped, spoofed-ip");
        check_sentence_of(&frame.denied, "k\u00e4li",
                          "Guest k\u00e4li (port vk64) sent 192.168.50.15 > 192.168.50.13 (icmp), "
                          "claiming the address of kali5, meant for kali3: dropped, spoofed-ip");
        /* A mark that turns the direction of writing could make one name look like another. */
        check_sentence_of(&frame.denied, "k\u202e4ilak",
                          "Guest k\\xe2\\x80\\xae4ilak (port vk64) sent 192.168.50.15 > "
                          "192.168.50.13 (icmp), claiming the address of kali5, meant for kali3: "
                          "dropped, spoofed-ip");
}

/* However little was copied, nothing behind it is read; ASan watches. */
static void test_every_length(void) {
        BwPlan *plan = make_plan("kali4");
        Frame frame;

        fill(&frame, "bw in spoofed-ip drop", 64, 0, 15, 13, 6);
        for (gsize length = 0; length <= sizeof(frame.packet); length++) {
                g_autofree uint8_t *packet = g_memdup2(frame.packet, length);
                g_autoptr(BwViolation) violation = NULL;
                g_autofree char *sentence = NULL;

                frame.denied.packet = packet;
                frame.denied.packet_length = length;
                violation = bw_violation_new(&frame.denied, plan);
                sentence = bw_violation_sentence(violation);
                if (length < 20)
                        g_assert_cmpstr(
                                sentence, ==,
                                "Guest kali4 (port vk64) sent an IPv4 packet too short to read: "
                                "dropped, spoofed-ip");
                else
                        g_assert_cmpstr(violation->protocol, ==,
                                        length < 24 ? "tcp" : "tcp 40000 > 22");
        }
        free_plan(plan);
}

static void test_ethernet_lengths(void) {
        BwPlan *plan = make_plan("kali4");
        Frame frame;

        fill(&frame, "bw in spoofed-ip drop", 64, 0, 15, 13, 6);
        for (gsize length = 0; length <= sizeof(frame.ethernet); length++) {
                g_autofree uint8_t *ethernet = g_memdup2(frame.ethernet, length);
                g_autoptr(BwViolation) violation = NULL;

                frame.denied.ethernet = ethernet;
                frame.denied.ethernet_length = length;
                violation = bw_violation_new(&frame.denied, plan);
                g_assert_cmpstr(violation->source_mac, ==, length < 12 ? "" : "52:54:00:00:00:64");
                g_assert_cmpstr(violation->destination_mac, ==,
                                length < 12 ? "" : "52:54:00:00:00:65");
        }
        free_plan(plan);
}

static void check_protocol(const uint8_t *packet, gsize length, const char *expected) {
        BwPlan *plan = make_plan("kali4");
        g_autoptr(BwViolation) violation = NULL;
        Frame frame;

        fill(&frame, "bw in spoofed-ip drop", 64, 0, 15, 13, 6);
        frame.denied.family = packet[0] >> 4 == 6 ? AF_INET6 : AF_INET;
        frame.denied.packet = packet;
        frame.denied.packet_length = length;
        violation = bw_violation_new(&frame.denied, plan);
        g_assert_cmpstr(violation->protocol, ==, expected);
        free_plan(plan);
}

static void test_ipv4_headers(void) {
        uint8_t packet[24] = {
                0x45, [3] = 84, [9] = 17, [12] = 10, [16] = 10, [20] = 0, 68, 0, 67
        };

        check_protocol(packet, sizeof(packet), "udp 68 > 67");
        packet[7] = 1; /* a later fragment begins in the middle of the sender's bytes */
        check_protocol(packet, sizeof(packet), "udp");
        packet[7] = 0;
        packet[6] = 0x20; /* the first of several fragments has its ports */
        check_protocol(packet, sizeof(packet), "udp 68 > 67");
        packet[6] = 0;
        packet[0] = 0x46; /* options where the ports were */
        check_protocol(packet, sizeof(packet), "udp");
        packet[0] = 0x4f; /* options beyond the end */
        check_protocol(packet, sizeof(packet), NULL);
        packet[0] = 0x44; /* a header shorter than a header */
        check_protocol(packet, sizeof(packet), NULL);
        packet[0] = 0x45;
        packet[3] = 23; /* what is behind the packet's end is not its own */
        check_protocol(packet, sizeof(packet), "udp");
        packet[0] = 0x55;
        check_protocol(packet, sizeof(packet), NULL);
}

static void test_ipv6(void) {
        uint8_t packet[44] = { 0x60, [5] = 64, 58,       [8] = 0xfe, 0x80, [23] = 1, [24] = 0xff,
                               0x02, [39] = 1, [40] = 0, 68,         0,    67 };

        check_protocol(packet, sizeof(packet), "icmpv6");
        check_protocol(packet, 40, "icmpv6");
        check_protocol(packet, 39, NULL);
        packet[6] = 17;
        check_protocol(packet, sizeof(packet), "udp 68 > 67");
        packet[6] = 0;
        check_protocol(packet, sizeof(packet), "proto 0");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/violation/prefix", test_prefix);
        g_test_add_func("/violation/every-prefix-comes-back", test_every_prefix_comes_back);
        g_test_add_func("/violation/foreign-prefix", test_foreign_prefix);
        g_test_add_func("/violation/no-port-of-ours", test_no_port_of_ours);
        g_test_add_func("/violation/spoofed", test_spoofed);
        g_test_add_func("/violation/unknown-names-are-left-out", test_unknown_names_are_left_out);
        g_test_add_func("/violation/misdelivered", test_misdelivered);
        g_test_add_func("/violation/reflected", test_reflected);
        g_test_add_func("/violation/hostile-names", test_hostile_names);
        g_test_add_func("/violation/every-length", test_every_length);
        g_test_add_func("/violation/ethernet-lengths", test_ethernet_lengths);
        g_test_add_func("/violation/ipv4-headers", test_ipv4_headers);
        g_test_add_func("/violation/ipv6", test_ipv6);
        return g_test_run();
}
