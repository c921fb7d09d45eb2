/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/topology_fields.h>

typedef struct Teller {
        BwFieldSink sink;
        gpointer user;
} Teller;

static void tell(const Teller *teller, const BwField *field) {
        teller->sink(field, teller->user);
}

static void tell_text(const Teller *teller, const char *key, const char *text) {
        tell(teller, &(BwField){ .key = key, .kind = BW_FIELD_TEXT, .text = text });
}

static void tell_texts(const Teller *teller, const char *key, const char *const *texts) {
        tell(teller, &(BwField){ .key = key, .kind = BW_FIELD_TEXTS, .texts = texts });
}

static void tell_bool(const Teller *teller, const char *key, bool value) {
        tell(teller, &(BwField){ .key = key, .kind = BW_FIELD_BOOL, .number = value });
}

static void tell_number(const Teller *teller, const char *key, uint32_t number) {
        tell(teller, &(BwField){ .key = key, .kind = BW_FIELD_NUMBER, .number = number });
}

static void tell_usec(const Teller *teller, const char *key, uint64_t usec) {
        tell(teller, &(BwField){ .key = key, .kind = BW_FIELD_USEC, .number = usec });
}

static void tell_mac(const Teller *teller, const char *key, const BwMac *mac) {
        char text[BW_MAC_TEXT_SIZE];

        tell_text(teller, key, bw_mac_print(mac, text));
}

static void tell_prefixes(const Teller *teller, const char *key, const GArray *prefixes) {
        g_auto(GStrv) texts = g_new0(char *, prefixes->len + 1);

        for (guint i = 0; i < prefixes->len; i++)
                texts[i] = bw_prefix_print(&g_array_index(prefixes, BwPrefix, i));
        tell_texts(teller, key, (const char *const *) texts);
}

static void tell_sentences(const Teller *teller, const char *key, const GPtrArray *sentences) {
        g_autofree const char **texts = g_new0(const char *, sentences->len + 1);

        for (guint i = 0; i < sentences->len; i++)
                texts[i] = sentences->pdata[i];
        tell_texts(teller, key, texts);
}

static void tell_fdb(const Teller *teller, bool known, guint learned, guint moves) {
        if (!known)
                return;
        tell_number(teller, "Learned", learned);
        tell_number(teller, "Moves", moves);
}

void bw_bridge_view_tell(const BwBridgeView *bridge, BwFieldSink sink, gpointer user) {
        const Teller teller = { sink, user };

        tell_text(&teller, "Bridge", bridge->name);
        tell_number(&teller, "Segment", bridge->segment);
        tell_text(&teller, "GuardedFor", bw_guarded_for_name(bridge->guarded_for));
        tell_text(&teller, "Mode", bw_mode_name(bridge->mode));
        tell_text(&teller, "UnknownPorts", bw_unknown_ports_name(bridge->unknown_ports));
        tell_bool(&teller, "Up", bridge->up);
        tell_bool(&teller, "STP", bridge->stp);
        tell_bool(&teller, "VLANFiltering", bridge->vlan_filtering);
        tell_usec(&teller, "AgeingUSec", bw_bridge_view_ageing_usec(bridge));
        tell_mac(&teller, "MAC", &bridge->mac);
        tell_prefixes(&teller, "Addresses", bridge->addresses);
        tell_number(&teller, "PortCount", bridge->n_ports);
        tell_sentences(&teller, "Warnings", bridge->warnings);
        tell_fdb(&teller, bridge->has_fdb, bridge->learned, bridge->moves);
}

static void tell_link(const Teller *teller, const BwPortView *port) {
        tell_text(teller, "Kind", port->kind);
        tell_bool(teller, "Up", port->up);
        tell_bool(teller, "Carrier", port->running);
        tell_text(teller, "STPState", bw_stp_state_name(port->stp_state));
        tell_text(teller, "FarBridge", port->far_bridge);
        tell_text(teller, "FarPort", port->far_port);
        tell_bool(teller, "Carries", port->carries);
        tell_number(teller, "PeerNamespace", (uint32_t) MAX(port->peer_namespace, 0));
        tell_bool(teller, "Locked", port->flags & BW_FLAG_BIT(BW_FLAG_LOCKED));
        tell_bool(teller, "Isolated", port->flags & BW_FLAG_BIT(BW_FLAG_ISOLATED));
}

void bw_port_view_tell(const BwPortView *port, BwFieldSink sink, gpointer user) {
        const Teller teller = { sink, user };

        tell_text(&teller, "Port", port->name);
        tell_text(&teller, "Bridge", port->bridge);
        tell_text(&teller, "Guest", port->guest);
        tell_text(&teller, "UUID", port->uuid);
        tell_text(&teller, "Role", bw_role_name(port->role));
        tell_bool(&teller, "Derived", port->derived_role);
        tell_bool(&teller, "Closed", port->closed_border);
        tell_text(&teller, "Mode", bw_mode_name(port->mode));
        tell_text(&teller, "State", bw_port_state_name(port->state));
        tell_link(&teller, port);
        tell_texts(&teller, "MACs", (const char *const *) port->macs);
        tell_texts(&teller, "Addresses", (const char *const *) port->addresses);
        tell_sentences(&teller, "Warnings", port->warnings);
        if (port->has_protection)
                tell_bool(&teller, "Protected", port->protected);
        tell_fdb(&teller, port->has_fdb, port->learned, port->moves);
}
