/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A topology for people: a tree
 *
 * Of an answer of GetTopology(), or of bw_topology_json_new(). No line is wider than BW_COLUMNS.
 */

#include <json-glib/json-glib.h>

/* (transfer full) */
char *bw_show_topology(JsonObject *topology);
