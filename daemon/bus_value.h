/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Values in D-Bus messages
 *
 * Strings of any bytes, lists of them and the row of a port, appended to a
 * message. Knows no connection.
 */

#include "bus.h"

#include <systemd/sd-bus.h>

/* All return a negative errno when the message takes no more. NULL is the empty text or list. */
int bw_bus_append_text(sd_bus_message *reply, const char *bytes);
int bw_bus_append_texts(sd_bus_message *reply, const char *const *list);
/* a(sbas): name, whether it is in force, what it carries. */
int bw_bus_append_engines(sd_bus_message *reply, const BwBusEngines *engines);
/* One a{sv} of ListPorts(), of ListFdb(). */
int bw_bus_append_port(sd_bus_message *reply, const BwBusPort *port);
int bw_bus_append_fdb_entry(sd_bus_message *reply, const BwBusFdbEntry *entry);
/* One a{sv} of Explain(). */
int bw_bus_append_judgment(sd_bus_message *reply, const BwJudgmentText *text);
/* One (ssbs) of Check(). */
int bw_bus_append_difference(sd_bus_message *reply, const BwDifference *difference);
