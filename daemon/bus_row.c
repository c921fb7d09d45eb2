/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_row.h"

#include "bus_value.h"

BwRow bw_row_open(sd_bus_message *reply) {
        return (BwRow){ reply, sd_bus_message_open_container(reply, 'a', "{sv}") };
}

void bw_row_close(BwRow *row, unsigned depth) {
        for (; row->r >= 0 && depth > 0; depth--)
                row->r = sd_bus_message_close_container(row->reply);
}

void bw_row_open_pair(BwRow *row, const char *key, const char *type) {
        if (row->r >= 0)
                row->r = sd_bus_message_open_container(row->reply, 'e', "sv");
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "s", key);
        if (row->r >= 0)
                row->r = sd_bus_message_open_container(row->reply, 'v', type);
}

void bw_row_text(BwRow *row, const char *key, const char *bytes) {
        bw_row_open_pair(row, key, "s");
        if (row->r >= 0)
                row->r = bw_bus_append_text(row->reply, bytes);
        bw_row_close(row, 2);
}

void bw_row_texts(BwRow *row, const char *key, const char *const *list) {
        bw_row_open_pair(row, key, "as");
        if (row->r >= 0)
                row->r = bw_bus_append_texts(row->reply, list);
        bw_row_close(row, 2);
}

void bw_row_bool(BwRow *row, const char *key, bool value) {
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "{sv}", key, "b", (int) value);
}

void bw_row_number(BwRow *row, const char *key, uint32_t value) {
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "{sv}", key, "u", value);
}

void bw_row_usec(BwRow *row, const char *key, uint64_t value) {
        if (row->r >= 0)
                row->r = sd_bus_message_append(row->reply, "{sv}", key, "t", value);
}
