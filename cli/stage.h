/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Stage
 *
 * A bridge with the ports of a scene in a network namespace that nobody else is
 * in, and somebody at the far end of each port who sends frames and looks what
 * arrives. Real ports, real frames; no rule lives here, and none of the host's
 * links, rules or locks is touched. Nothing is left behind: the namespace ends
 * with the process, or with the next stage.
 *
 * Errors: BW_ERROR_DENIED (not allowed to make a namespace), BW_ERROR_ABSENT (a
 * kernel without what it takes), BW_ERROR_BROKEN.
 */

#include <bw/corpus.h>

#include "stage_link.h"

typedef struct BwStage BwStage;

/* What the ports are. */
typedef enum BwStageEnds {
        BW_STAGE_VETH, /* pairs; at the far end a packet socket */
        BW_STAGE_TAP,  /* taps, as guests have them */
} BwStageEnds;

/* Ports are counted as BwWho counts, but for who has none; and one more on each bridge, which
 * nobody checks: it sees what others may send, and sends whatever others may or may not receive. */
#define BW_STAGE_WITNESS     BW_WHO_MAX
#define BW_STAGE_FAR_WITNESS (BW_STAGE_WITNESS + 1)
#define BW_STAGE_PORTS       (BW_STAGE_FAR_WITNESS + 1)
/* Sets of ports are 32 bits; one is the witness's, and the last is the host's. */
#define BW_STAGE_MOST       32
#define BW_STAGE_HOST       (BW_STAGE_MOST - 1)
#define BW_STAGE_MOST_PORTS (BW_STAGE_HOST - 1)

/* The witnesses' names, for bw_scene_plan_new(); static. */
const char *const *bw_stage_free_ports(const BwScene *scene);

/* Moves the process, which must have one thread, into a new network namespace: nothing it asks the
 * kernel from then on is about the host. */
bool bw_stage_leave_host(GError **error);

/* Leaves the host and builds the scene there: a hub, or two that a veth pair joins, and
 * br_netfilter kept out as far as the bridges' own flags do that. Holds the process to one CPU, so
 * that frames keep their order. */
BwStage *bw_stage_new(const BwScene *scene, BwStageEnds ends, GError **error);
/* The same for ports of any names, BW_STAGE_MOST_PORTS of them at most, and with the host at its
 * own bridge as BW_STAGE_HOST: whatever the bridge lets in it gets, and what is sent there the host
 * sends. @ports: char *, counted as they stand. */
BwStage *bw_stage_new_bridge(const char *bridge, const GPtrArray *ports, GError **error);
void bw_stage_free(BwStage *stage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwStage, bw_stage_free)

/* Lent. */
BwStageLink *bw_stage_links(const BwStage *stage);
const char *bw_stage_port_name(const BwStage *stage, unsigned port); /* "": there is none */
const char *bw_stage_bridge(const BwStage *stage);
const char *bw_stage_bridge_of(const BwStage *stage, unsigned port);
/* NULL-terminated. */
const char *const *bw_stage_bridges(const BwStage *stage);
/* A scene's plan counts links as it likes. Gives each port the ifindex of the link that has its
 * name in the namespace the process is in, 0 where there is none, because rules may ask for it. */
void bw_stage_number_ports(BwPlan *plan);

/* Sends the frame into @port and waits until it is where it will ever be. @ret_arrived: a set,
 * 1 << port, without @port itself; none for a frame so short or so long that no device takes it. */
bool bw_stage_fire(BwStage *stage, unsigned port, const GByteArray *frame, unsigned *ret_arrived,
                   GError **error);
/* The same of what somebody else in this process has just sent; @head: its first bytes, both MACs
 * at least. */
bool bw_stage_collect(BwStage *stage, const GByteArray *head, unsigned *ret_arrived,
                      GError **error);
