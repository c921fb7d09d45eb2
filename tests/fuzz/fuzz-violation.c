/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Input: the rule's prefix and its NUL; a byte each for family, physin, physout, in, out and
 * whether a tag was taken off; two each for its protocol, its control and the ethertype; a byte for
 * how many bytes of what follows are the link layer header; the rest is the packet.
 */

#include <bw/border.h>
#include <bw/violation.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void add_port(GPtrArray *ports, int ifindex, const char *name, const char *guest,
                     const char *address) {
        BwPortPlan *port = g_new0(BwPortPlan, 1);
        BwMac mac = { { 0x52, 0x54, 0, 0x9f, 0x5d, (uint8_t) (12 + ifindex) } };
        BwPrefix prefix;

        port->ifindex = ifindex;
        g_strlcpy(port->name, name, sizeof(port->name));
        port->guest = (char *) guest;
        port->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        g_array_append_val(port->macs, mac);
        port->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_assert(bw_prefix_parse(address, &prefix, NULL));
        g_array_append_val(port->addresses, prefix);
        g_ptr_array_add(ports, port);
}

static void settle(BwPlan *plan) {
        g_autoptr(BwModel) nothing = bw_model_new();
        BwTopology *topology = bw_topology_new(nothing);

        bw_border_gather(plan, topology);
        bw_border_settle(plan, topology);
        bw_topology_free(topology);
}

static const BwPlan *get_plan(void) {
        static BwBridgePlan bridge = { .name = "virbr6", .ifindex = 6 };
        static BwPlan plan;

        if (plan.bridges)
                return &plan;
        bridge.networks = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge.addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge.gateways = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge.ports = g_ptr_array_new();
        add_port(bridge.ports, 1, "vk63", "kali3", "192.168.50.13");
        add_port(bridge.ports, 2, "vk64", "%n\n\x1b[2J\xff", "192.168.50.14");
        add_port(bridge.ports, 3, "v\x01\xfe", NULL, "192.168.50.0/24");
        add_port(bridge.ports, 4, "vk66", "", "2001:db8::/32");
        plan.bridges = g_ptr_array_new();
        plan.segments = g_ptr_array_new();
        g_ptr_array_add(plan.bridges, &bridge);
        ((BwPortPlan *) bridge.ports->pdata[2])->state = BW_PORT_BORDER;
        settle(&plan);
        return &plan;
}

static void check(const BwDeniedPacket *denied, const BwViolation *violation) {
        g_autofree char *sentence = bw_violation_sentence(violation);
        char prefix[BW_VIOLATION_PREFIX_SIZE];

        bw_violation_prefix(violation->direction, violation->reason, violation->dropped, prefix);
        g_assert_cmpstr(prefix, ==, denied->prefix);
        g_assert(violation->port[0] != '\0');
        g_assert(!violation->source == !violation->destination);
        g_assert(violation->what);
        g_assert(!violation->from_host || violation->direction == BW_DIRECTION_OUT);
        g_assert(!violation->claimed_address || violation->direction == BW_DIRECTION_IN);
        g_assert(!violation->detail || violation->source_mac[0]);
        g_assert(strlen(sentence) < 1000);
        g_assert(g_utf8_validate(sentence, -1, NULL));
        for (const char *c = sentence; *c; c++)
                g_assert(!g_ascii_iscntrl(*c));
}

#define FIXED 13

static uint16_t number_at(const uint8_t *bytes) {
        return (uint16_t) (bytes[0] << 8 | bytes[1]);
}

static void read_fixed(const uint8_t *bytes, BwDeniedPacket *denied) {
        denied->family = bytes[0];
        denied->physin = bytes[1];
        denied->physout = bytes[2];
        denied->in = bytes[3];
        denied->out = bytes[4];
        denied->tag = (BwDeniedTag){ bytes[5] & 1, number_at(bytes + 6), number_at(bytes + 8) };
        denied->ethertype = number_at(bytes + 10);
        denied->ethernet_length = bytes[12];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        const uint8_t *end = memchr(bytes, '\0', size);
        gsize left = end ? (gsize) (bytes + size - end) - 1 : 0;
        g_autofree uint8_t *ethernet = NULL, *packet = NULL;
        g_autoptr(BwViolation) violation = NULL;
        BwDeniedPacket denied = { .prefix = (const char *) bytes };

        if (left < FIXED)
                return 0;
        read_fixed(end + 1, &denied);
        bytes = end + 1 + FIXED;
        left -= FIXED;
        denied.ethernet_length = MIN(denied.ethernet_length, left);
        denied.packet_length = left - denied.ethernet_length;
        /* Copies of the exact size, so that the sanitizer sees each byte read too far. */
        denied.ethernet = ethernet = g_memdup2(bytes, denied.ethernet_length);
        denied.packet = packet = g_memdup2(bytes + denied.ethernet_length, denied.packet_length);
        violation = bw_violation_new(&denied, get_plan());
        if (violation)
                check(&denied, violation);
        return 0;
}
