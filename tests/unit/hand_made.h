/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Plans and models made by hand, for rooms that are asked about few ports
 */

#include <bw/border.h>

#define FLAGS_KNOWN (BW_FLAG_BIT(BW_FLAG_MAX) - 1)

static inline BwMac mac_of(uint8_t octet) {
        return (BwMac){ { 0x52, 0x54, 0, 0, 0, octet } };
}

static inline BwPrefix address_of(const char *text) {
        BwPrefix prefix;

        g_assert_true(bw_prefix_parse(text, &prefix, NULL));
        return prefix;
}

static inline void free_port_made(gpointer pointer) {
        BwPortPlan *port = pointer;

        g_array_unref(port->macs);
        g_array_unref(port->addresses);
        g_free(port);
}

static inline void free_bridge_made(gpointer pointer) {
        BwBridgePlan *bridge = pointer;

        g_ptr_array_unref(bridge->ports);
        g_free(bridge);
}

static inline BwPlan *make_plan(void) {
        BwPlan *plan = g_new0(BwPlan, 1);

        plan->bridges = g_ptr_array_new_with_free_func(free_bridge_made);
        plan->segments = g_ptr_array_new_with_free_func((GDestroyNotify) bw_segment_plan_free);
        return plan;
}

static inline void unmake_plan(BwPlan *plan) {
        g_ptr_array_unref(plan->bridges);
        g_ptr_array_unref(plan->segments);
        g_free(plan);
}

/* In a segment of its own. */
static inline BwBridgePlan *make_bridge(BwPlan *plan, const char *name, int ifindex) {
        BwBridgePlan *bridge = g_new0(BwBridgePlan, 1);
        BwSegmentPlan *segment = bw_segment_plan_new();

        g_strlcpy(bridge->name, name, sizeof(bridge->name));
        bridge->ifindex = ifindex;
        bridge->ports = g_ptr_array_new_with_free_func(free_port_made);
        g_ptr_array_add(plan->bridges, bridge);
        bridge->segment = plan->segments->len;
        g_ptr_array_add(segment->bridges, bridge);
        g_ptr_array_add(plan->segments, segment);
        return bridge;
}

/* A guest's, bound and locked; its MAC and its address 192.0.2.@octet. */
static inline BwPortPlan *make_port(BwBridgePlan *bridge, const char *name, int ifindex,
                                    uint8_t octet) {
        BwPortPlan *port = g_new0(BwPortPlan, 1);
        g_autofree char *text = g_strdup_printf("192.0.2.%u", octet);
        BwPrefix address = address_of(text);
        BwMac mac = mac_of(octet);

        g_strlcpy(port->name, name, sizeof(port->name));
        port->ifindex = ifindex;
        port->state = BW_PORT_BOUND;
        port->role = BW_ROLE_GUEST;
        port->mode = BW_MODE_ENFORCE;
        port->fdb_lock = true;
        port->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        g_array_append_val(port->macs, mac);
        port->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_array_append_val(port->addresses, address);
        g_ptr_array_add(bridge->ports, port);
        return port;
}

/* A tap as the kernel makes it, or with @flags. */
static inline BwLink make_link(const char *name, int ifindex, int master, unsigned flags) {
        BwLink link = { .ifindex = ifindex,
                        .master = master,
                        .kind = BW_LINK_TAP,
                        .mac = { { 0xfe, 0x54, 0, 0, 0, (uint8_t) ifindex } },
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING,
                        .flags = flags,
                        .flags_known = FLAGS_KNOWN };

        g_strlcpy(link.name, name, sizeof(link.name));
        return link;
}

static inline void tell_link(BwModel *model, BwLink link) {
        const BwFact fact = { .kind = BW_FACT_LINK, .link = link };

        bw_model_apply(model, &fact, 0);
}

static inline BwFact fdb_fact(BwFactKind kind, BwMac mac, int bridge, int port, bool fixed) {
        return (BwFact){ .kind = kind,
                         .fdb = { .mac = mac, .bridge = bridge, .port = port, .fixed = fixed } };
}

static inline void tell_fdb(BwModel *model, BwMac mac, int bridge, int port, bool fixed) {
        const BwFact fact = fdb_fact(BW_FACT_FDB, mac, bridge, port, fixed);

        bw_model_apply(model, &fact, 0);
}
