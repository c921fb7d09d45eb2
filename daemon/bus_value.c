/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_value.h"

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

/* An open a{sv}. The first thing that fails is kept and the rest is left out. */
typedef struct Row {
        sd_bus_message *reply;
        int r;
} Row;

static void row_text(Row *row, const char *key, const char *bytes) {
        g_autofree char *text = text_of(bytes);

        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "{sv}", key, "s", text);
}

static void open_pair(Row *row, const char *key, const char *type) {
        if (row->r >= 0)
                row->r = sd_bus_message_open_container(row->reply, 'e', "sv");
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "s", key);
        if (row->r >= 0)
                row->r = sd_bus_message_open_container(row->reply, 'v', type);
}

static void close_containers(Row *row, unsigned depth) {
        for (; row->r >= 0 && depth > 0; depth--)
                row->r = sd_bus_message_close_container(row->reply);
}

static void row_texts(Row *row, const char *key, const char *const *list) {
        open_pair(row, key, "as");
        if (row->r >= 0)
                row->r = bw_bus_append_texts(row->reply, list);
        close_containers(row, 2);
}

static void row_counts(Row *row, const char *key, const uint64_t *counts) {
        open_pair(row, key, "a{st}");
        if (row->r >= 0)
                row->r = sd_bus_message_open_container(row->reply, 'a', "{st}");
        for (BwReason reason = BW_REASON_NONE + 1; row->r >= 0 && reason < BW_REASON_MAX; reason++)
                if (counts[reason] > 0)
                        row->r = sd_bus_message_append(row->reply, "{st}", bw_reason_name(reason),
                                                       counts[reason]);
        close_containers(row, 3);
}

int bw_bus_append_port(sd_bus_message *reply, const BwBusPort *port) {
        Row opened = { reply, sd_bus_message_open_container(reply, 'a', "{sv}") };
        Row *row = &opened;

        G_STATIC_ASSERT(BW_REASON_MAX <= G_N_ELEMENTS(port->dropped));
        row_text(row, "Port", port->port);
        row_text(row, "Bridge", port->bridge);
        row_text(row, "Guest", port->guest);
        row_text(row, "UUID", port->uuid);
        row_text(row, "Role", port->role);
        row_text(row, "Mode", port->mode);
        row_text(row, "State", port->state);
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "{sv}", "Protected", "b",
                                               (int) port->protected);
        row_texts(row, "MACs", port->macs);
        row_texts(row, "Addresses", port->addresses);
        row_text(row, "Where", port->where);
        row_text(row, "Trouble", port->trouble);
        row_counts(row, "Dropped", port->dropped);
        row_counts(row, "Monitored", port->monitored);
        close_containers(row, 1);
        return row->r;
}

int bw_bus_append_fdb_entry(sd_bus_message *reply, const BwBusFdbEntry *entry) {
        Row opened = { reply, sd_bus_message_open_container(reply, 'a', "{sv}") };
        Row *row = &opened;

        row_text(row, "Bridge", entry->bridge);
        row_text(row, "Port", entry->port);
        row_text(row, "MAC", entry->mac);
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "{sv}{sv}{sv}", "VLAN", "q", entry->vlan,
                                               "Local", "b", (int) entry->local, "AgeUSec", "t",
                                               entry->age_usec);
        close_containers(row, 1);
        return row->r;
}

int bw_bus_append_judgment(sd_bus_message *reply, const BwJudgmentText *text) {
        Row opened = { reply, sd_bus_message_open_container(reply, 'a', "{sv}") };
        Row *row = &opened;

        row_text(row, "Port", text->port);
        row_text(row, "Bridge", text->bridge);
        row_text(row, "Guest", text->guest);
        row_text(row, "State", text->state);
        row_text(row, "Direction", text->direction);
        row_text(row, "Fate", text->fate);
        row_text(row, "Reason", text->reason);
        row_text(row, "Sentence", text->sentence);
        row_text(row, "Detail", text->detail);
        row_text(row, "Where", text->where);
        row_texts(row, "MACs", (const char *const *) text->macs);
        row_texts(row, "Addresses", (const char *const *) text->addresses);
        row_texts(row, "Engines", text->engines);
        close_containers(row, 1);
        return row->r;
}

int bw_bus_append_difference(sd_bus_message *reply, const BwDifference *difference) {
        g_autofree char *table = text_of(difference->table), *line = text_of(difference->line);

        return sd_bus_message_append(reply, "(ssbs)", difference->engine, table,
                                     (int) difference->is_missing, line);
}
