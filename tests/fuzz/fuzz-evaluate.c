/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Input: a byte for the port's state and mode, one for what it may; the rest is the frame, judged
 * both ways. For any bytes, the verdict must be one that can be told, and what passes must show
 * the port's own MAC and hide nothing.
 */

#include <bw/border.h>
#include <bw/evaluate.h>
#include <bw/frame.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static BwPortPlan *add_port(BwBridgePlan *bridge, const char *name, uint8_t last) {
        BwPortPlan *port = g_new0(BwPortPlan, 1);
        BwMac mac = { { 0x52, 0x54, 0, 0x9f, 0x5d, last } };

        g_strlcpy(port->name, name, sizeof(port->name));
        port->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        g_array_append_val(port->macs, mac);
        port->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        for (unsigned i = 0; i < 2; i++) {
                char text[32];
                BwPrefix prefix;

                g_snprintf(text, sizeof(text), i ? "2001:db8:50::%u" : "192.168.50.%u", last);
                g_assert(bw_prefix_parse(text, &prefix, NULL));
                g_array_append_val(port->addresses, prefix);
        }
        g_ptr_array_add(bridge->ports, port);
        return port;
}

static void fill_bridge(BwBridgePlan *bridge) {
        BwPrefix network;

        bridge->ports = g_ptr_array_new();
        bridge->networks = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->gateways = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_assert(bw_prefix_parse("192.168.50.0/24", &network, NULL));
        g_array_append_val(bridge->networks, network);
        g_assert(bw_prefix_parse("192.168.50.1", &network, NULL));
        g_array_append_val(bridge->gateways, network);
        add_port(bridge, "vk63", 13)->state = BW_PORT_BORDER;
        add_port(bridge, "vk64", 14);
}

/* What is owned is settled while the first port is a border; later it may be anything. */
static const BwPlan *get_plan(void) {
        static BwBridgePlan bridge = { .name = "virbr6" };
        static BwPlan plan;

        if (!plan.bridges) {
                g_autoptr(BwModel) nothing = bw_model_new();
                BwTopology *topology = bw_topology_new(nothing);

                fill_bridge(&bridge);
                plan.bridges = g_ptr_array_new();
                plan.segments = g_ptr_array_new();
                g_ptr_array_add(plan.bridges, &bridge);
                bw_border_gather(&plan, topology);
                bw_border_settle(&plan, topology);
                bw_topology_free(topology);
        }
        return &plan;
}

static void check_verdict(const BwVerdict *verdict, BwDirection direction) {
        g_assert((verdict->reason == BW_REASON_NONE) == (verdict->detail == NULL));
        g_assert(verdict->reason < BW_REASON_MAX);
        g_assert(verdict->direction == direction);
        g_assert(!verdict->drops || verdict->reason != BW_REASON_NONE);
        g_assert(verdict->reason == BW_REASON_NONE || verdict->port);
}

/* What is sure of any frame that a port with addresses may send. */
static void check_passed(const BwPortPlan *port, const uint8_t *frame, gsize length) {
        BwFrame decoded = bw_frame_decode(frame, length);

        g_assert(length >= 14 && memcmp(frame + 6, port->macs->data, 6) == 0);
        if (decoded.kind == BW_FRAME_ARP)
                g_assert(length >= 42 && memcmp(frame + 22, port->macs->data, 6) == 0);
        if (decoded.kind == BW_FRAME_IPV6)
                g_assert(length >= 54 && decoded.ip.chain_is_read);
        if (decoded.kind == BW_FRAME_IPV6 && decoded.ip.protocol == 58 && !decoded.ip.has_type)
                g_assert(decoded.ip.part == BW_FRAME_LATER);
}

static void judge(const BwPlan *plan, const BwPortPlan *port, BwDirection direction,
                  const uint8_t *frame, gsize length) {
        const BwBridgePlan *bridge = plan->bridges->pdata[0];
        BwVerdict verdict = direction == BW_DIRECTION_IN
                                    ? bw_evaluate_in(plan, bridge, port, frame, length)
                                    : bw_evaluate_out(plan, bridge, port, frame, length);

        check_verdict(&verdict, direction);
        if (direction == BW_DIRECTION_IN && verdict.reason == BW_REASON_NONE &&
            port->state == BW_PORT_BOUND)
                check_passed(port, frame, length);
        g_assert(bw_evaluate_engines(&verdict, frame, length) & BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        const BwPlan *plan = get_plan();
        BwBridgePlan *bridge = plan->bridges->pdata[0];
        BwPortPlan *port = bridge->ports->pdata[0];
        g_autofree uint8_t *frame = NULL;

        if (size < 2)
                return 0;
        port->state = (BwPortState) (bytes[0] % (BW_PORT_STRANGER + 1));
        port->mode = bytes[0] & 0x80 ? BW_MODE_MONITOR : BW_MODE_ENFORCE;
        port->router = bytes[1] & 1;
        port->dhcp_server = bytes[1] & 2;
        port->querier = bytes[1] & 4;
        port->strict_link_local = bytes[1] & 8;
        port->closed_border = bytes[0] & 0x40;
        bridge->unknown_ports = (BwUnknownPorts) ((bytes[1] >> 4) % (BW_UNKNOWN_PORTS_ACCEPT + 1));
        /* A copy of the exact size, so that the sanitizer sees each byte read too far. */
        frame = g_memdup2(bytes + 2, size - 2);
        judge(plan, port, BW_DIRECTION_IN, frame, size - 2);
        judge(plan, port, BW_DIRECTION_OUT, frame, size - 2);
        return 0;
}
