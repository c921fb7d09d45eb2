/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * sd-bus in the GLib loop
 *
 * A connection as a GSource: what sd-bus wants to wait for, and one message per
 * turn, so that a flood of calls leaves room for everything else. Knows nothing
 * of what is said on the bus.
 */

#include <glib.h>
#include <systemd/sd-bus.h>

/* Called when the connection has ended; @error is a negative errno. Destroy the source then. */
typedef void (*BwBusLost)(int error, gpointer user);

/* (transfer full): keeps its own reference of @connection. Attach it to a context. */
GSource *bw_bus_source_new(sd_bus *connection, BwBusLost lost, gpointer user);
