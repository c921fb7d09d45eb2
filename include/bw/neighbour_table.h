/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Neighbour table
 *
 * Which MAC the host itself has for which address on which link: a part of
 * bw/model.h's room.
 */

#include <bw/fact.h>

/* The oldest knowledge is kept. The kernel itself keeps no more than gc_thresh3 (arp(7), 1024)
 * besides the permanent ones. */
#define BW_MAX_NEIGHBOURS 16384

/* As strcmp(), of two BwNeighbour (GCompareFunc): by link, then address; 0: the same place,
 * whatever MAC is there. */
int bw_neighbour_compare(gconstpointer a, gconstpointer b);

typedef struct BwNeighbourTable BwNeighbourTable;

BwNeighbourTable *bw_neighbour_table_new(void);
void bw_neighbour_table_free(BwNeighbourTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNeighbourTable, bw_neighbour_table_free)

/* Whether that was news. */
bool bw_neighbour_table_set(BwNeighbourTable *table, const BwNeighbour *neighbour);
bool bw_neighbour_table_remove(BwNeighbourTable *table, const BwNeighbour *neighbour);
void bw_neighbour_table_forget(BwNeighbourTable *table, int ifindex);

/* A snapshot: what is not set between begin and end is gone. Whether that was news. */
void bw_neighbour_table_begin(BwNeighbourTable *table);
bool bw_neighbour_table_end(BwNeighbourTable *table);

/* Lent or NULL. */
const BwNeighbour *bw_neighbour_table_find(const BwNeighbourTable *table, int ifindex,
                                           const BwPrefix *address);
/* (transfer container) (element-type BwNeighbour): sorted by link, then address. */
GPtrArray *bw_neighbour_table_list(const BwNeighbourTable *table);
