/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A topology as JSON
 *
 * As GetTopology() has it, but for what only a kernel can tell.
 */

#include <bw/topology_view.h>
#include <json-glib/json-glib.h>

/* (transfer full): "Bridges", "Ports" and "Warnings". */
JsonObject *bw_topology_json_new(const BwTopologyView *view);
