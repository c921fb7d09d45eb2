/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "topology_json.h"

#include <bw/text.h>

/* JSON carries UTF-8 only. */
static void add_text(JsonObject *object, const char *name, const char *bytes) {
        g_autofree char *text = bw_text_utf8(bytes ? bytes : "");

        json_object_set_string_member(object, name, text);
}

static void add_texts(JsonObject *object, const char *name, char *const *list, guint n) {
        JsonArray *array = json_array_new();

        for (guint i = 0; i < n; i++) {
                g_autofree char *text = bw_text_utf8(list[i]);

                json_array_add_string_element(array, text);
        }
        json_object_set_array_member(object, name, array);
}

static void add_warnings(JsonObject *object, const GPtrArray *warnings) {
        add_texts(object, "Warnings", (char *const *) warnings->pdata, warnings->len);
}

static void add_prefixes(JsonObject *object, const char *name, const GArray *prefixes) {
        JsonArray *array = json_array_new();

        for (guint i = 0; i < prefixes->len; i++) {
                g_autofree char *text = bw_prefix_print(&g_array_index(prefixes, BwPrefix, i));

                json_array_add_string_element(array, text);
        }
        json_object_set_array_member(object, name, array);
}

static JsonObject *show_bridge(const BwBridgeView *bridge) {
        JsonObject *object = json_object_new();
        char mac[BW_MAC_TEXT_SIZE];

        add_text(object, "Bridge", bridge->name);
        json_object_set_int_member(object, "Segment", bridge->segment);
        add_text(object, "GuardedFor", bw_guarded_for_name(bridge->guarded_for));
        add_text(object, "Mode", bw_mode_name(bridge->mode));
        add_text(object, "UnknownPorts", bw_unknown_ports_name(bridge->unknown_ports));
        json_object_set_boolean_member(object, "Up", bridge->up);
        json_object_set_boolean_member(object, "STP", bridge->stp);
        json_object_set_boolean_member(object, "VLANFiltering", bridge->vlan_filtering);
        json_object_set_int_member(object, "AgeingUSec", bw_bridge_view_ageing_usec(bridge));
        add_text(object, "MAC", bw_mac_print(&bridge->mac, mac));
        add_prefixes(object, "Addresses", bridge->addresses);
        json_object_set_int_member(object, "PortCount", bridge->n_ports);
        add_warnings(object, bridge->warnings);
        return object;
}

static void add_link(JsonObject *object, const BwPortView *port) {
        add_text(object, "Kind", port->kind);
        json_object_set_boolean_member(object, "Up", port->up);
        json_object_set_boolean_member(object, "Carrier", port->running);
        add_text(object, "STPState", bw_stp_state_name(port->stp_state));
        add_text(object, "FarBridge", port->far_bridge);
        add_text(object, "FarPort", port->far_port);
        json_object_set_boolean_member(object, "Carries", port->carries);
        json_object_set_int_member(object, "PeerNamespace", port->peer_namespace);
        json_object_set_boolean_member(object, "Locked", port->flags & BW_FLAG_BIT(BW_FLAG_LOCKED));
        json_object_set_boolean_member(object, "Isolated",
                                       port->flags & BW_FLAG_BIT(BW_FLAG_ISOLATED));
}

static JsonObject *show_port(const BwPortView *port) {
        JsonObject *object = json_object_new();

        add_text(object, "Port", port->name);
        add_text(object, "Bridge", port->bridge);
        add_text(object, "Guest", port->guest);
        add_text(object, "UUID", port->uuid);
        add_text(object, "Role", bw_role_name(port->role));
        json_object_set_boolean_member(object, "Derived", port->derived_role);
        json_object_set_boolean_member(object, "Closed", port->closed_border);
        add_text(object, "Mode", bw_mode_name(port->mode));
        add_text(object, "State", bw_port_state_name(port->state));
        add_link(object, port);
        add_texts(object, "MACs", port->macs, g_strv_length(port->macs));
        add_texts(object, "Addresses", port->addresses, g_strv_length(port->addresses));
        add_warnings(object, port->warnings);
        return object;
}

JsonObject *bw_topology_json_new(const BwTopologyView *view) {
        JsonArray *bridges = json_array_new(), *ports = json_array_new();
        JsonObject *topology = json_object_new();

        for (guint i = 0; i < view->bridges->len; i++)
                json_array_add_object_element(bridges, show_bridge(view->bridges->pdata[i]));
        for (guint i = 0; i < view->ports->len; i++)
                json_array_add_object_element(ports, show_port(view->ports->pdata[i]));
        json_object_set_array_member(topology, "Bridges", bridges);
        json_object_set_array_member(topology, "Ports", ports);
        add_warnings(topology, view->warnings);
        return topology;
}
