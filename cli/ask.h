/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Questions to the daemon
 *
 * One call of org.bridgewarden1 each, over the system bus. Waits for the answer,
 * but not for ever. Errors are sentences that say what to do.
 */

#include <json-glib/json-glib.h>
#include <stdbool.h>

#define BW_ASK_ERROR (bw_ask_error_quark())
GQuark bw_ask_error_quark(void);

typedef enum BwAskError {
        BW_ASK_NOBODY,   /* no bus, or no daemon on it */
        BW_ASK_SILENT,   /* the daemon is there and does not answer */
        BW_ASK_NOT_ROOT, /* the bus or the daemon wants somebody else */
        BW_ASK_REFUSED,  /* it answered no, or nonsense */
} BwAskError;

/* (transfer full): every property, by its name. */
JsonObject *bw_ask_state(GError **error);
/* (transfer full): an object for each port, sorted by bridge and name. */
JsonArray *bw_ask_ports(GError **error);
/* (transfer full): an object for each entry, sorted by bridge and MAC. */
JsonArray *bw_ask_fdb(GError **error);
/* @argument goes as it is; NULL when the method has none. */
bool bw_ask_change(const char *method, const char *argument, GError **error);
