/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Forwarding tables in figures
 *
 * What comes and goes in the bridges' tables, counted per port: who makes a
 * bridge learn more than it should, and how often MACs change places. Keeps
 * figures for ports, nothing for MACs. Asks no clock.
 */

#include <bw/model.h>

typedef struct BwFdbTally BwFdbTally;

/* Of further ones nothing is counted; each takes some hundred bytes. */
#define BW_MAX_TALLIED_PORTS 16384

BwFdbTally *bw_fdb_tally_new(void);
void bw_fdb_tally_free(BwFdbTally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwFdbTally, bw_fdb_tally_free)

/* @port: ifindex; where the MAC is now. @now_usec never goes back. */
void bw_fdb_tally_learned(BwFdbTally *tally, int port, int64_t now_usec);
void bw_fdb_tally_moved(BwFdbTally *tally, int port, int64_t now_usec);
void bw_fdb_tally_expired(BwFdbTally *tally, int port, int64_t now_usec);
void bw_fdb_tally_forget(BwFdbTally *tally, int port);

/* Ports that had MACs learned since the last call, and how many; the count begins anew. Returns
 * whether there was any. @learned must not call back into @tally. */
typedef void (*BwFdbLearned)(int port, guint macs, gpointer user);
bool bw_fdb_tally_end_interval(BwFdbTally *tally, BwFdbLearned learned, gpointer user);

typedef struct BwFdbSummary {
        int bridge, port; /* ifindex */
        guint macs;       /* in the table at that port, its own not counted; as far as the model has
                             them (BW_MAX_FDB_ENTRIES) */
        guint fixed;      /* of these, written by somebody */
        guint learned_per_minute, moves_per_minute, expired_per_minute; /* of the last minute */
} BwFdbSummary;

/* (transfer full) (element-type BwFdbSummary): of every port of a bridge that has a MAC or a
 * figure, sorted by bridge, then port. */
GArray *bw_fdb_summary_list(const BwModel *model, const BwFdbTally *tally, int64_t now_usec);
/* The sum of all rows of @bridge; @port is 0. */
BwFdbSummary bw_fdb_summary_of_bridge(const GArray *list, int bridge);
