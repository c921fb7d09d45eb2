/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's answers as text for people
 *
 * Names may hold any bytes; nothing unprintable reaches the terminal. Decides
 * nothing but words and columns.
 */

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Each (transfer full), lines ended. */
char *bw_show_state(JsonObject *state, int64_t now_usec);
char *bw_show_ports(JsonArray *ports);
char *bw_show_port(JsonObject *port);
char *bw_show_fdb(JsonArray *entries);

/* In force, armed, without configuration errors. */
bool bw_show_state_is_fine(JsonObject *state);
/* Its rules are in force and there is no trouble. */
bool bw_show_port_is_fine(JsonObject *port);
