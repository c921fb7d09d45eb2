/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_topology.h"

#include "bus_row.h"
#include "bus_value.h"

#include <bw/topology_fields.h>

static void on_field(const BwField *field, gpointer row) {
        switch (field->kind) {
        case BW_FIELD_TEXT:
                bw_row_text(row, field->key, field->text);
                return;
        case BW_FIELD_TEXTS:
                bw_row_texts(row, field->key, field->texts);
                return;
        case BW_FIELD_BOOL:
                bw_row_bool(row, field->key, field->number != 0);
                return;
        case BW_FIELD_NUMBER:
                bw_row_number(row, field->key, (uint32_t) field->number);
                return;
        case BW_FIELD_USEC:
                bw_row_usec(row, field->key, field->number);
                return;
        }
        g_assert_not_reached();
}

static int append_bridge(sd_bus_message *reply, const BwBridgeView *bridge) {
        BwRow row = bw_row_open(reply);

        bw_bridge_view_tell(bridge, on_field, &row);
        bw_row_close(&row, 1);
        return row.r;
}

static int append_port(sd_bus_message *reply, const BwPortView *port) {
        BwRow row = bw_row_open(reply);

        bw_port_view_tell(port, on_field, &row);
        bw_row_close(&row, 1);
        return row.r;
}

static int append_sentences(sd_bus_message *reply, const GPtrArray *sentences) {
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (guint i = 0; r >= 0 && i < sentences->len; i++)
                r = bw_bus_append_text(reply, sentences->pdata[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
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
