/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A world from files
 *
 * What the daemon would plan on a host that is told by files: the configuration
 * as it reads it, links and addresses as ip(8) prints them, guests as libvirt's
 * domain XML. Needs no root, no kernel and no daemon.
 */

#include <bw/plan.h>

typedef struct BwWorldFiles {
        char *config;    /* NULL: where the daemon looks */
        char *links;     /* "ip -details -json link show"; may hold addresses, too */
        char *addresses; /* "ip -json address show"; NULL: what @links holds */
        char **guests;   /* files, and folders with files that end in .xml; NULL: none */
} BwWorldFiles;

typedef struct BwWorld {
        BwConfig *config;
        BwModel *model;
        BwPlan *plan;
        GPtrArray *elsewhere; /* BwLink, as of bw_nft_list_elsewhere() */
} BwWorld;

/* (transfer full): NULL and BW_ERROR_INVALID, with the file and what is wrong in it. Problems in
 * sections of the configuration are no failure: they close ports, as they do in the daemon. */
BwWorld *bw_world_read(const BwWorldFiles *files, GError **error);
void bw_world_free(BwWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwWorld, bw_world_free)
