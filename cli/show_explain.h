/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Judgments as text for people
 *
 * As cli/show.h: names may hold any bytes, nothing unprintable gets out.
 */

#include <json-glib/json-glib.h>
#include <stdint.h>

/* (transfer full): "98 bytes, 52:54:00:9f:5d:0d > 52:54:00:9f:5d:0e, 192.168.50.13 > ...". */
char *bw_show_frame(const uint8_t *frame, gsize length);

/* Each (transfer full), lines ended. @frame: what bw_show_frame() says of it. */
char *bw_show_judgments(const char *frame, const char *fate, JsonArray *judgments);
/* One line, for lists. */
char *bw_show_judgments_line(guint number, const char *frame, const char *fate,
                             JsonArray *judgments);

/* The reason of the judgment that decided; "" when it passes. Lent. */
const char *bw_show_judgments_reason(const char *fate, JsonArray *judgments);
/* (transfer full): what the rules in the kernel would do, a line for each engine; @outcomes as of
 * bw_live_outcomes(). */
char *bw_show_live(JsonArray *outcomes, guint left_out);
