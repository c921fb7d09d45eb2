/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Three bridges in a row, west, middle and east: guests on the outer ones, the
 * host on a veth of west, a network card at east, and nobody of ours in the
 * middle.
 */

#include "settings.h"

#include <bw/border.h>
#include <bw/corpus_packet.h>
#include <bw/evaluate.h>
#include <bw/plan.h>
#include <netinet/in.h>

#define GUEST_W "52:54:00:00:00:01"
#define GUEST_E "52:54:00:00:00:02"
#define HOST    "02:00:00:00:00:10"
#define OUTSIDE "00:1b:21:00:00:99"

#define GW_UUID "11111111-0000-4000-8000-000000000001"

enum { WEST = 1, MIDDLE, EAST, LONE };

typedef struct Scene {
        BwModel *model;
        BwPlan *plan;
} Scene;

static inline void scene_clear(Scene *scene) {
        bw_plan_free(scene->plan);
        bw_model_free(scene->model);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static inline BwLink port_of_kind(BwLinkKind kind, int ifindex, const char *name, int peer,
                                  int master) {
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

static inline void tell(BwModel *model, BwLink link) {
        bw_test_tell_link(model, &link);
}

static inline void tell_pair(BwModel *model, int ifindex, const char *a, int on_a, const char *b,
                             int on_b) {
        tell(model, port_of_kind(BW_LINK_VETH, ifindex, a, ifindex + 1, on_a));
        tell(model, port_of_kind(BW_LINK_VETH, ifindex + 1, b, ifindex, on_b));
}

static inline void tell_address(BwModel *model, int ifindex, const char *text) {
        BwHostAddress address = bw_test_host_address(ifindex, text);

        bw_test_tell_address(model, &address);
}

static inline void tell_guest_with(BwModel *model, BwGuestCpus cpus, const char *name,
                                   const char *uuid, const char *mac, const char *bridge,
                                   const char *port) {
        g_autoptr(BwGuest) guest = bw_test_guest_new(name, uuid, true);

        guest->cpus = cpus;
        bw_test_guest_add(guest, bw_test_mac(mac), bridge, port);
        bw_test_tell_guest(model, guest);
}

static inline void tell_guest(BwModel *model, const char *name, const char *uuid, const char *mac,
                              const char *bridge, const char *port) {
        tell_guest_with(model, BW_CPUS_RUN, name, uuid, mac, bridge, port);
}

static inline Scene scene_new(void) {
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
        tell_guest(model, "gw", GW_UUID, GUEST_W, "west", "vnet0");
        tell_guest(model, "ge", "11111111-0000-4000-8000-000000000002", GUEST_E, "east", "vnet1");
        return scene;
}

/* The guest of west. */
static inline void tell_gw(Scene *scene, BwGuestCpus cpus) {
        tell_guest_with(scene->model, cpus, "gw", GW_UUID, GUEST_W, "west", "vnet0");
}

static const char guests[] = "[Guest gw]\nAddresses=192.168.50.11 2001:db8::11\n"
                             "[Guest ge]\nAddresses=192.168.50.12 2001:db8::12\n";

static inline const BwPlan *plan(Scene *scene, const char *more) {
        g_autofree char *text = g_strconcat(guests, more, NULL);
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);

        g_assert_cmpuint(bw_config_count_errors(config), ==, 0);
        bw_plan_free(scene->plan);
        scene->plan = bw_plan_new(scene->model, config);
        return scene->plan;
}

static inline const BwPortPlan *port_of(const Scene *scene, const char *name) {
        const BwPortPlan *port = bw_plan_find_port(scene->plan, name, NULL);

        if (!port)
                g_error("no port %s is planned", name);
        return port;
}

static inline const BwBridgePlan *bridge_of(const Scene *scene, const char *name) {
        for (guint i = 0; i < scene->plan->bridges->len; i++) {
                const BwBridgePlan *bridge = scene->plan->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }
        return NULL;
}

/* What must be */

static inline void check_role(const Scene *scene, const char *name, BwRole role, BwPortState state,
                              bool derived) {
        const BwPortPlan *port = port_of(scene, name);

        g_assert_cmpstr(bw_role_name(port->role), ==, bw_role_name(role));
        g_assert_cmpstr(bw_port_state_name(port->state), ==, bw_port_state_name(state));
        g_assert_cmpint(port->derived_role, ==, derived);
}

static inline void check_addresses(const BwPortPlan *port, const char *wanted) {
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

static inline void check_leads(const Scene *scene, const char *address, const char *ports) {
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

static inline void check_mac_leads(const Scene *scene, const char *text, const char *border,
                                   bool leads) {
        const BwSegmentPlan *segment = scene->plan->segments->pdata[0];
        BwMac mac = bw_test_mac(text);
        const BwOwnedMac *owned = bw_border_find_mac(segment, &mac);

        g_assert_nonnull(owned);
        g_assert_cmpint(bw_border_leads_to(segment, owned->site, port_of(scene, border)), ==,
                        leads);
}

/* Frames */

#define IN  BW_DIRECTION_IN
#define OUT BW_DIRECTION_OUT

typedef struct Check {
        const char *what;
        const char *port;
        BwDirection direction;
        GByteArray *bytes;
        const char *detail; /* NULL: it passes */
} Check;

static inline GByteArray *ip_frame(const char *to_mac, const char *from_mac, const char *from,
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

static inline GByteArray *arp_frame(const char *from_mac, const char *sender_mac,
                                    const char *sender, uint16_t operation) {
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

static inline void check_frame(const Scene *scene, const Check *check) {
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
