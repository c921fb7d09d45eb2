/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the rules have counted, for all who ask
 *
 * Reads the engines' counters a part per turn of the main loop, after all that
 * guards, and keeps what was read for a second: however many ask, it is read once
 * a second, and nobody waits for all of it but who asks. Reads nothing while
 * nobody asks. Knows neither what is asked for nor who asks.
 */

#include "reconciler.h"

/* How long what was read is told to whoever asks, from the moment it began to be read. */
#define BW_COUNTS_KEPT_USEC G_USEC_PER_SEC

typedef struct BwCounts BwCounts;

/* @reconciler is kept until bw_counts_free(), which calls nobody any more. */
BwCounts *bw_counts_new(BwReconciler *reconciler);
void bw_counts_free(BwCounts *counts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwCounts, bw_counts_free)

typedef enum BwCountsAge {
        BW_COUNTS_KEPT, /* begun to be read less than a second ago */
        BW_COUNTS_NEW,  /* nothing of it read before it was asked for */
} BwCountsAge;

/* bw_counts_tell() has what was asked for until control returns to the main loop. @failure: it
 * could not be read (lent); NULL: it was. */
typedef void (*BwCountsReady)(BwCounts *counts, const GError *failure, gpointer user);

/* Calls @ready once, within this call or in a later turn. That reading failed is kept as long as
 * what was read. @now_usec: of g_get_monotonic_time(), or any clock that does not go back. */
void bw_counts_ask(BwCounts *counts, BwCountsAge age, int64_t now_usec, BwCountsReady ready,
                   gpointer user);
/* @user is not called any more, whatever it has asked for. */
void bw_counts_withdraw(BwCounts *counts, gconstpointer user);

/* Calls @tallied for what was read last, where there is a packet in it. */
void bw_counts_tell(const BwCounts *counts, BwTallied tallied, gpointer user);
