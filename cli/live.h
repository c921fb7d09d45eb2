/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Explained live
 *
 * Frames and what was answered about them, held against the rules in the kernel:
 * a rehearsal told in JSON. Asks the daemon nothing but which engines it uses.
 */

#include "command.h"

typedef struct BwLive BwLive;

/* @world: whose engines and plan are meant; NULL: the daemon's. */
BwLive *bw_live_new(const char *in, const BwWorld *world, GError **error);
void bw_live_free(BwLive *live);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwLive, bw_live_free)

/* The next frame with its judgments, as "explain" has them. BW_ERROR_INVALID: there are too many.
 */
bool bw_live_add(BwLive *live, const uint8_t *frame, gsize length, JsonArray *judgments,
                 GError **error);
/* Tries all of them; the process is in a network namespace of its own afterwards. */
bool bw_live_run(BwLive *live, GError **error);

/* (transfer full): of the frame added as @number, from 0: for each engine an object with "Engine",
 * "Outcome", "Agrees", "Reached", "Kept" and "Untried". */
JsonArray *bw_live_outcomes(const BwLive *live, guint number);
bool bw_live_agrees(const BwLive *live, guint number);
/* How many ports it would go to and was not tried at. */
guint bw_live_left_out(const BwLive *live, guint number);
