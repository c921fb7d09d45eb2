/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Warden
 *
 * The conductor: takes facts in, decides when the kernel is brought in step,
 * retries what failed, and is the only one who speaks. Owns the model, the
 * settings and every adapter. Level-triggered: a fact only says "look again";
 * what must be is computed from the whole model each time.
 *
 * On death the rules stay in the kernel as they are; bw_warden_free() takes
 * none of them down.
 */

#include <glib.h>
#include <stdbool.h>

typedef struct BwWarden BwWarden;

/* @config_path as of bw_settings_read(). Opens the kernel's sockets and reads the world, but writes
 * nothing yet: that begins in the main loop. BW_ERROR_INVALID: the configuration cannot be parsed.
 * BW_ERROR_ABSENT, BW_ERROR_DENIED: no engine works here; the sentence says why. */
BwWarden *bw_warden_new(const char *config_path, GError **error);
void bw_warden_free(BwWarden *warden);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwWarden, bw_warden_free)

/* Reads the configuration again. On failure the last good one stays in force and the journal says
 * why. */
bool bw_warden_reload(BwWarden *warden, GError **error);

/* Takes every rule of ours down, once, for a daemon that does not run. */
bool bw_warden_disarm_kernel(GError **error);
