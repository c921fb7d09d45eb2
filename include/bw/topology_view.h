/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A picture of the host's bridges
 *
 * What is shown to whoever asks how bridges, ports and guests hang together: each bridge with what
 * it does and why it is guarded, each port of the guarded ones with what it is, whose, and where it
 * leads. Gathered from what other rooms have found; decides nothing. Names and sentences may hold
 * any bytes.
 */

#include <bw/fdb_summary.h>
#include <bw/plan.h>
#include <bw/topology.h>

/* Why a bridge is guarded; the strongest of those that hold. */
typedef enum BwGuardedFor {
        BW_GUARDED_FOR_NOBODY, /* it is not */
        BW_GUARDED_FOR_CONFIG, /* the configuration names it, or a port of it */
        BW_GUARDED_FOR_GUESTS, /* a guest is on it, or will be */
        BW_GUARDED_FOR_PATH,   /* a link leads to it from a guarded bridge */
} BwGuardedFor;

typedef struct BwBridgeView {
        char name[BW_IFNAME_SIZE];
        BwMac mac;
        guint segment; /* counted from 1; bridges that pairs join have one number */
        BwGuardedFor guarded_for;
        BwMode mode;                  /* BW_MODE_OFF when it is not guarded */
        BwUnknownPorts unknown_ports; /* BW_UNKNOWN_PORTS_ACCEPT when it is not guarded */
        bool up, stp, vlan_filtering;
        uint32_t ageing_centiseconds;
        GArray *addresses;    /* BwPrefix, single: the host's own on it */
        guint n_ports;        /* all of them, guarded or not */
        GPtrArray *warnings;  /* char *, sentences */
        bool has_fdb;         /* known in a daemon alone: */
        guint learned, moves; /* the sums of its ports */
} BwBridgeView;

typedef struct BwPortView {
        char name[BW_IFNAME_SIZE], bridge[BW_IFNAME_SIZE];
        char kind[BW_KIND_SIZE]; /* "" for a network card */
        char *guest;             /* NULL: not a guest's */
        char uuid[BW_UUID_TEXT_SIZE];
        BwRole role;
        bool derived_role, closed_border;
        BwMode mode;
        BwPortState state;
        bool up, running;
        BwStpState stp_state;
        unsigned flags; /* set of BwPortFlag that are on */
        /* where a veth leads: to another bridge, or out of this namespace */
        char far_bridge[BW_IFNAME_SIZE], far_port[BW_IFNAME_SIZE]; /* "" when not to a bridge */
        bool carries;             /* frames pass to the far bridge now */
        int peer_namespace;       /* as of BwLink */
        char **macs, **addresses; /* as of bw/port_text.h */
        GPtrArray *warnings;      /* char *, sentences */
        /* Known in a daemon alone. */
        bool has_protection, protected; /* as of ListPorts(); set by who has the view */
        bool has_fdb;
        guint learned, moves; /* MACs the bridge knows at it; moves of MACs to it, last minute */
} BwPortView;

typedef struct BwTopologyView {
        GPtrArray *bridges;  /* BwBridgeView *, by segment, then name: segments of several bridges
                                first, then those with a guarded bridge, then by name */
        GPtrArray *ports;    /* BwPortView *, of the guarded bridges, in the bridges' order, then by
                                name */
        GPtrArray *warnings; /* char *, sentences about no bridge and no port of these */
} BwTopologyView;

/* What the picture is made from; all lent. */
typedef struct BwTopologyFacts {
        const BwModel *model;
        const BwConfig *config;
        const BwPlan *plan;
        const BwTopology *topology;
        const GPtrArray *hazards; /* (element-type BwHazard), or NULL: none are known */
        const GArray *fdb; /* as of bw_fdb_summary_list(), or NULL: what is learned is not known */
} BwTopologyFacts;

/* (transfer full): nothing in it points into @facts. */
BwTopologyView *bw_topology_view_new(const BwTopologyFacts *facts);
void bw_topology_view_free(BwTopologyView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwTopologyView, bw_topology_view_free)

/* How long what it has learned is kept: a centisecond is 1/100 s of the kernel's USER_HZ. */
uint64_t bw_bridge_view_ageing_usec(const BwBridgeView *bridge);

/* "config", "guests", "path", or "" for nobody; static. */
const char *bw_guarded_for_name(BwGuardedFor guarded_for);
/* As bridge(8) calls it: "disabled", "listening", "learning", "forwarding", "blocking"; static. */
const char *bw_stp_state_name(BwStpState state);
