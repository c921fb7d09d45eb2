/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Priorities
 *
 * Who comes first in a turn of the main loop, where that is not glib's own order
 * (GLib main loop, "priorities"): news of the kernel and timers have
 * G_PRIORITY_DEFAULT. Knows nobody who has one.
 */

#include <glib.h>

/* What news is answered with: behind whatever news is already in the sockets. */
#define BW_PRIORITY_WORK (G_PRIORITY_DEFAULT + 10)
/* Below news, timers and work: questions, counts and the reports of packets. Whoever floods the bus
 * or a rule does not delay the guard, and as all of these are alike, none keeps another away. */
#define BW_PRIORITY_ASKED (G_PRIORITY_DEFAULT + 50)
