/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_topology.h"

#include "bus_row.h"
#include "bus_value.h"

static int append_sentences(sd_bus_message *reply, const GPtrArray *sentences) {
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (guint i = 0; r >= 0 && i < sentences->len; i++)
                r = bw_bus_append_text(reply, sentences->pdata[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void row_warnings(BwRow *row, const GPtrArray *warnings) {
        bw_row_open_pair(row, "Warnings", "as");
        if (row->r >= 0)
                row->r = append_sentences(row->reply, warnings);
        bw_row_close(row, 2);
}

static void row_prefixes(BwRow *row, const char *key, const GArray *prefixes) {
        g_auto(GStrv) texts = g_new0(char *, prefixes->len + 1);

        for (guint i = 0; i < prefixes->len; i++)
                texts[i] = bw_prefix_print(&g_array_index(prefixes, BwPrefix, i));
        bw_row_texts(row, key, (const char *const *) texts);
}

static void row_fdb(BwRow *row, guint learned, guint moves) {
        bw_row_number(row, "Learned", learned);
        bw_row_number(row, "Moves", moves);
}

static int append_bridge(sd_bus_message *reply, const BwBridgeView *bridge) {
        BwRow opened = bw_row_open(reply), *row = &opened;
        char mac[BW_MAC_TEXT_SIZE];

        bw_row_text(row, "Bridge", bridge->name);
        bw_row_number(row, "Segment", bridge->segment);
        bw_row_text(row, "GuardedFor", bw_guarded_for_name(bridge->guarded_for));
        bw_row_text(row, "Mode", bw_mode_name(bridge->mode));
        bw_row_text(row, "UnknownPorts", bw_unknown_ports_name(bridge->unknown_ports));
        bw_row_bool(row, "Up", bridge->up);
        bw_row_bool(row, "STP", bridge->stp);
        bw_row_bool(row, "VLANFiltering", bridge->vlan_filtering);
        bw_row_usec(row, "AgeingUSec", bw_bridge_view_ageing_usec(bridge));
        bw_row_text(row, "MAC", bw_mac_print(&bridge->mac, mac));
        row_prefixes(row, "Addresses", bridge->addresses);
        bw_row_number(row, "PortCount", bridge->n_ports);
        row_warnings(row, bridge->warnings);
        if (bridge->has_fdb)
                row_fdb(row, bridge->learned, bridge->moves);
        bw_row_close(row, 1);
        return row->r;
}

static void row_link(BwRow *row, const BwPortView *port) {
        bw_row_text(row, "Kind", port->kind);
        bw_row_bool(row, "Up", port->up);
        bw_row_bool(row, "Carrier", port->running);
        bw_row_text(row, "STPState", bw_stp_state_name(port->stp_state));
        bw_row_text(row, "FarBridge", port->far_bridge);
        bw_row_text(row, "FarPort", port->far_port);
        bw_row_bool(row, "Carries", port->carries);
        bw_row_number(row, "PeerNamespace", (uint32_t) MAX(port->peer_namespace, 0));
        bw_row_bool(row, "Locked", port->flags & BW_FLAG_BIT(BW_FLAG_LOCKED));
        bw_row_bool(row, "Isolated", port->flags & BW_FLAG_BIT(BW_FLAG_ISOLATED));
}

static int append_port(sd_bus_message *reply, const BwPortView *port) {
        BwRow opened = bw_row_open(reply), *row = &opened;

        bw_row_text(row, "Port", port->name);
        bw_row_text(row, "Bridge", port->bridge);
        bw_row_text(row, "Guest", port->guest);
        bw_row_text(row, "UUID", port->uuid);
        bw_row_text(row, "Role", bw_role_name(port->role));
        bw_row_bool(row, "Derived", port->derived_role);
        bw_row_bool(row, "Closed", port->closed_border);
        bw_row_text(row, "Mode", bw_mode_name(port->mode));
        bw_row_text(row, "State", bw_port_state_name(port->state));
        row_link(row, port);
        bw_row_texts(row, "MACs", (const char *const *) port->macs);
        bw_row_texts(row, "Addresses", (const char *const *) port->addresses);
        row_warnings(row, port->warnings);
        if (port->has_protection)
                bw_row_bool(row, "Protected", port->protected);
        if (port->has_fdb)
                row_fdb(row, port->learned, port->moves);
        bw_row_close(row, 1);
        return row->r;
}

int bw_bus_append_topology(sd_bus_message *reply, const BwTopologyView *view) {
        int r = sd_bus_message_open_container(reply, 'a', "a{sv}");

        for (guint i = 0; r >= 0 && i < view->bridges->len; i++)
                r = append_bridge(reply, view->bridges->pdata[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (guint i = 0; r >= 0 && i < view->ports->len; i++)
                r = append_port(reply, view->ports->pdata[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : append_sentences(reply, view->warnings);
}
