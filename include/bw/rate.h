/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Rate limit
 *
 * How many reports of one kind may pass, and how many were left out. One bucket
 * per key (port and reason). Asks no clock: the caller brings the time.
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct BwRate BwRate;

/* At most @per_second reports per key and second, in bursts of as many. */
BwRate *bw_rate_new(unsigned per_second);
void bw_rate_free(BwRate *rate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwRate, bw_rate_free)

/* The key under which reports are summed up whose own key found no room. */
#define BW_RATE_OTHERS "others"

/* Whether a report for @key may pass now; if not it is counted. Keys are copied; at most 4096 are
 * kept, later ones share the bucket BW_RATE_OTHERS. */
bool bw_rate_pass(BwRate *rate, const char *key, int64_t now_usec);

/* Calls @told, once for each key whose first report left out and not yet told is at least
 * @interval_usec old, with the count, and forgets the count. Keys that have been quiet are
 * forgotten whole. @told must not call back into @rate. */
typedef void (*BwRateTold)(const char *key, uint64_t left_out, gpointer user);
void bw_rate_sum_up(BwRate *rate, int64_t now_usec, int64_t interval_usec, BwRateTold told,
                    gpointer user);
