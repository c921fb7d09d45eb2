/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Plans as the daemon's answers
 *
 * What ListPorts() and Explain() would say of a plan that no daemon has: the
 * same keys, so that nothing behind it needs to know where an answer is from.
 */

#include "world.h"

#include <bw/explain.h>
#include <json-glib/json-glib.h>

/* (transfer full): an object for each port, sorted by bridge and name; without what only a kernel
 * can tell (Protected, Dropped, Monitored). */
JsonArray *bw_plan_json_ports(const BwPlan *plan);
/* (transfer full): the same, and the host itself by its bridges' names, with its addresses there.
 */
JsonArray *bw_plan_json_stations(const BwWorld *world);
/* (transfer full): an object for each judgment. */
JsonArray *bw_plan_json_judgments(const GArray *judgments);
