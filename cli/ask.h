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
#include <stdint.h>

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
/* (transfer full): "Bridges", "Ports" and "Warnings", as bw_topology_json_new() has them. */
JsonObject *bw_ask_topology(GError **error);
/* (transfer full): the text of each command's rules, by the command's name. */
JsonObject *bw_ask_rules(GError **error);
/* (transfer full): an object for each port's judgment; @ret_fate (transfer full) what becomes of
 * the frame in all. @out may be "". */
JsonArray *bw_ask_explain(const char *in, const char *out, const uint8_t *frame, gsize length,
                          char **ret_fate, GError **error);
/* (transfer full): a difference each; @ret_count may be more than there are in it. */
JsonArray *bw_ask_check(guint *ret_count, GError **error);
/* (transfer full): one of them: "Engine", "Table", "Missing", "Line". */
JsonObject *bw_ask_difference_new(const char *engine, const char *table, bool is_missing,
                                  const char *line);
/* @argument goes as it is; NULL when the method has none. */
bool bw_ask_change(const char *method, const char *argument, GError **error);
