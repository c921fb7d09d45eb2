/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A topology for Graphviz
 *
 * The text of a graph as dot(1) takes it, of the same answers as show_topology.h. Names are told in
 * quoted strings alone, and every identifier is made by us.
 */

#include <json-glib/json-glib.h>

/* (transfer full) */
char *bw_topology_dot(JsonObject *topology);
/* Appends @bytes as they are to be read inside the quotes of a label: one line of it. */
void bw_topology_dot_escape(GString *text, const char *bytes);
