/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The answer to GetTopology()
 */

#include "bus.h"

#include <systemd/sd-bus.h>

/* aa{sv}aa{sv}as: bridges, ports, warnings. A negative errno when the message takes no more. */
int bw_bus_append_topology(sd_bus_message *reply, const BwTopologyView *view);
