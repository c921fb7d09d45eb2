/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_value.h"

#include "bus_row.h"

#include <bw/engine.h>
#include <bw/judgment_text.h>
#include <bw/reason.h>
#include <bw/text.h>

/* (transfer full): D-Bus carries UTF-8 only; names and sentences may hold any bytes. */
static char *text_of(const char *bytes) {
        return bw_text_utf8(bytes != NULL ? bytes : "");
}

int bw_bus_append_text(sd_bus_message *reply, const char *bytes) {
        g_autofree char *text = text_of(bytes);

        return sd_bus_message_append(reply, "s", text);
}

int bw_bus_append_texts(sd_bus_message *reply, const char *const *list) {
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (; r >= 0 && list != NULL && *list != NULL; list++)
                r = bw_bus_append_text(reply, *list);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_engine(sd_bus_message *reply, BwEngineKind kind, bool in_force) {
        g_auto(GStrv) reasons = bw_engine_list_reasons(kind);
        int r = sd_bus_message_open_container(reply, 'r', "sbas");

        if (r >= 0)
                r = sd_bus_message_append(reply, "sb", bw_engine_name(kind), (int) in_force);
        if (r >= 0)
                r = bw_bus_append_texts(reply, (const char *const *) reasons);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int bw_bus_append_engines(sd_bus_message *reply, const BwBusEngines *engines) {
        int r = sd_bus_message_open_container(reply, 'a', "(sbas)");

        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX && r >= 0; kind++)
                if ((engines->named | engines->in_force) & BW_ENGINE_BIT(kind))
                        r = append_engine(reply, kind, engines->in_force & BW_ENGINE_BIT(kind));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void row_counts(BwRow *row, const char *key, const uint64_t *counts) {
        bw_row_open_pair(row, key, "a{st}");
        if (row->r >= 0)
                row->r = sd_bus_message_open_container(row->reply, 'a', "{st}");
        for (BwReason reason = BW_REASON_NONE + 1; row->r >= 0 && reason < BW_REASON_MAX; reason++)
                if (counts[reason] > 0)
                        row->r = sd_bus_message_append(row->reply, "{st}", bw_reason_name(reason),
                                                       counts[reason]);
        bw_row_close(row, 3);
}

int bw_bus_append_port(sd_bus_message *reply, const BwBusPort *port) {
        BwRow opened = bw_row_open(reply), *row = &opened;

        G_STATIC_ASSERT(BW_REASON_MAX <= G_N_ELEMENTS(port->dropped));
        bw_row_text(row, "Port", port->port);
        bw_row_text(row, "Bridge", port->bridge);
        bw_row_text(row, "Guest", port->guest);
        bw_row_text(row, "UUID", port->uuid);
        bw_row_text(row, "Role", port->role);
        bw_row_text(row, "Mode", port->mode);
        bw_row_text(row, "State", port->state);
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "{sv}", "Protected", "b",
                                               (int) port->protected);
        bw_row_bool(row, "Closed", port->closed);
        bw_row_bool(row, "Locked", port->locked);
        bw_row_text(row, "FarBridge", port->far_bridge);
        bw_row_text(row, "FarPort", port->far_port);
        bw_row_texts(row, "MACs", port->macs);
        bw_row_texts(row, "Addresses", port->addresses);
        bw_row_text(row, "Where", port->where);
        bw_row_text(row, "Trouble", port->trouble);
        row_counts(row, "Dropped", port->dropped);
        row_counts(row, "Monitored", port->monitored);
        bw_row_close(row, 1);
        return row->r;
}

int bw_bus_append_fdb_entry(sd_bus_message *reply, const BwBusFdbEntry *entry) {
        BwRow opened = bw_row_open(reply), *row = &opened;

        bw_row_text(row, "Bridge", entry->bridge);
        bw_row_text(row, "Port", entry->port);
        bw_row_text(row, "MAC", entry->mac);
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "{sv}{sv}{sv}", "VLAN", "q", entry->vlan,
                                               "Local", "b", (int) entry->local, "AgeUSec", "t",
                                               entry->age_usec);
        bw_row_close(row, 1);
        return row->r;
}

int bw_bus_append_judgment(sd_bus_message *reply, const BwJudgmentText *text) {
        BwRow opened = bw_row_open(reply), *row = &opened;

        bw_row_text(row, "Port", text->port);
        bw_row_text(row, "Bridge", text->bridge);
        bw_row_text(row, "Guest", text->guest);
        bw_row_text(row, "State", text->state);
        bw_row_text(row, "Direction", text->direction);
        bw_row_text(row, "Fate", text->fate);
        bw_row_text(row, "Reason", text->reason);
        bw_row_text(row, "Sentence", text->sentence);
        bw_row_text(row, "Detail", text->detail);
        bw_row_text(row, "Because", text->because);
        bw_row_text(row, "Where", text->where);
        bw_row_texts(row, "MACs", (const char *const *) text->macs);
        bw_row_texts(row, "Addresses", (const char *const *) text->addresses);
        bw_row_texts(row, "Engines", text->engines);
        bw_row_close(row, 1);
        return row->r;
}

int bw_bus_append_difference(sd_bus_message *reply, const BwDifference *difference) {
        g_autofree char *table = text_of(difference->table), *line = text_of(difference->line);

        return sd_bus_message_append(reply, "(ssbs)", difference->engine, table,
                                     (int) difference->is_missing, line);
}
