/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Pace
 *
 * When news becomes work: at once after a quiet time, so that a port is armed
 * without delay; in a burst once the news pauses, at the latest after the cap,
 * so that two hundred ports make few commits. Knows nothing of what the news is.
 */

#include <glib.h>

typedef struct BwPace BwPace;

/* @work is called from the default main context, with BW_PRIORITY_WORK. */
BwPace *bw_pace_new(void (*work)(gpointer user), gpointer user);
void bw_pace_free(BwPace *pace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwPace, bw_pace_free)

/* Something changed. */
void bw_pace_news(BwPace *pace);
/* This cannot wait, burst or not. */
void bw_pace_hurry(BwPace *pace);
/* Work is being done, by the call of @work or for another reason: nothing is due any more. */
void bw_pace_begin(BwPace *pace);
/* It was done, and answered all news so far. @wrote: the kernel was changed, which makes a burst of
 * what follows soon. */
typedef enum BwPaceWork {
        BW_PACE_LOOKED,
        BW_PACE_WROTE,
} BwPaceWork;
void bw_pace_end(BwPace *pace, BwPaceWork work);
/* How much news came since the last bw_pace_end(). */
unsigned bw_pace_count(const BwPace *pace);
