/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One a{sv} in a D-Bus message, key by key
 *
 * The first thing that fails is kept, and the rest is left out.
 */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct BwRow {
        sd_bus_message *reply;
        int r; /* negative errno: it failed */
} BwRow;

BwRow bw_row_open(sd_bus_message *reply);
/* Closes @depth containers, the row's own among them. */
void bw_row_close(BwRow *row, unsigned depth);

/* Strings of any bytes; NULL is the empty one. */
void bw_row_text(BwRow *row, const char *key, const char *bytes);
void bw_row_texts(BwRow *row, const char *key, const char *const *list);
void bw_row_bool(BwRow *row, const char *key, bool value);
void bw_row_number(BwRow *row, const char *key, uint32_t value);
void bw_row_usec(BwRow *row, const char *key, uint64_t value);

/* For a value of another type: two containers, to be closed. */
void bw_row_open_pair(BwRow *row, const char *key, const char *type);
