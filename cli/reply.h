/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * D-Bus replies as JSON trees
 *
 * Dictionaries become objects, everything else what one expects. Knows nothing
 * of bridgewarden.
 */

#include <json-glib/json-glib.h>
#include <systemd/sd-bus.h>

/* (transfer full): the next complete value of @reply, or NULL when there is none or it is absurd.
 */
JsonNode *bw_reply_read(sd_bus_message *reply);
