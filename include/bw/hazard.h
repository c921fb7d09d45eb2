/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hazards
 *
 * What weakens the guard as things are, found by looking at the model, the plan
 * and what else was read of the host. Says what it means and what to do; mends
 * nothing, remembers nothing.
 */

#include <bw/hazard_kind.h>
#include <bw/plan.h>
#include <bw/topology.h>

typedef struct BwHazard {
        BwHazardKind kind;
        char *subject;   /* bridge, port or guest it is about, or a word for a part of the host, as
                            "libvirt"; data, any bytes; "" for the host */
        char *bridge;    /* or NULL */
        char *sentence;  /* what is so, what it means, what to do: plain text */
        bool repairable; /* it can be mended, and Repair= says to */
} BwHazard;

/* What is no fact of netlink or libvirt; read by the caller. */
typedef struct BwHostState {
        unsigned engines;       /* set of engines in force */
        bool br_netfilter;      /* loaded */
        int filter_vlan_tagged; /* net.bridge.bridge-nf-filter-vlan-tagged; -1: not known */
        unsigned forward_drops; /* BW_FORWARD_* of what would drop guests' packets */
        char *const *openers;   /* names of programs with packet sockets on bridges; or NULL */
} BwHostState;

/* Packets between guests meet filter FORWARD when br_netfilter is on: its policy, or a rule without
 * a condition, drops what nobody accepts. */
#define BW_FORWARD_IPV4_POLICY (1u << 0)
#define BW_FORWARD_IPV6_POLICY (1u << 1)

void bw_hazard_free(BwHazard *hazard);
/* As strcmp(): by kind, then subject; 0 for the same hazard, whatever it says. */
int bw_hazard_compare(const BwHazard *a, const BwHazard *b);
/* (transfer full) (element-type BwHazard): sorted by kind, then subject; one of each. */
GPtrArray *bw_hazard_list(const BwModel *model, const BwPlan *plan, const BwTopology *topology,
                          const BwHostState *host);
