/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Bridges that veth pairs join, on a real kernel, with somebody at the far end
 * of each other port: who gets a frame, and what a guard of one engine makes of
 * it. Hubs, so that only rules keep a frame from somebody. In the namespaces the
 * test has entered; one net at a time.
 */

#include <bw/engine.h>
#include <bw/plan.h>

#define BW_NET_MOST_ENDS 96

typedef struct BwNetEnd {
        char port[BW_IFNAME_SIZE];
        int bridge; /* ifindex */
        int ifindex;
        int far;       /* file descriptor; -1: the port of a link */
        unsigned peer; /* of a link: the other end */
} BwNetEnd;

typedef struct BwNet {
        BwEngineKind engine;
        BwModel *model;
        GPtrArray *bridges; /* char * */
        BwNetEnd ends[BW_NET_MOST_ENDS];
        unsigned n_ends;
        bool joined;   /* all bridges are one segment */
        unsigned hops; /* turns of the CPU's queue that are waited for */
        int fence[2];
        GString *settings;
        BwConfig *config;
        BwPlan *plan;
        struct BwNftables *nftables;
} BwNet;

/* One queue of packets for all, so that frames keep their order. */
void bw_net_hold_cpu(void);
/* A packet socket at @link; what it sends itself it does not hear. */
int bw_net_open_wire(const char *link);

/* Whether iptables can be asked on this machine; says so when it cannot. */
bool bw_net_has_iptables(void);

/* Clears what a former net has left. */
BwNet *bw_net_new(BwEngineKind engine);
void bw_net_free(BwNet *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNet, bw_net_free)

/* Returns its ifindex. */
int bw_net_add_bridge(BwNet *net, const char *name, const char *mac);
/* What the plan is told of is a network card's port, a tap's, or that of a pair whose end is in
 * another namespace. @tap: a real tap, where there are any. Returns the end. */
unsigned bw_net_add_port(BwNet *net, const char *name, int bridge, bool tap, BwLinkKind kind);
void bw_net_add_link(BwNet *net, const char *name, int bridge, const char *peer, int peer_bridge);
bool bw_net_is_link(const BwNet *net, unsigned end);
/* Until each port carries what it is given. */
void bw_net_await(const BwNet *net);

/* Sends it and returns the set of ends it has come to, 1 << end. */
unsigned bw_net_fire(const BwNet *net, unsigned from, const GByteArray *frame);
unsigned bw_net_fire_by(const BwNet *net, int fd, const GByteArray *frame);
/* Where a frame would come to with nobody on guard. */
unsigned bw_net_reach(const BwNet *net, unsigned end);

/* The plan of the net's settings and @more, and its rules in force; counters of rules that change
 * begin at 0. */
void bw_net_plan(BwNet *net, const char *more);
void bw_net_arm(BwNet *net, const char *more);
void bw_net_disarm(BwNet *net);
/* Of nftables: how often all ports have said so. */
uint64_t bw_net_count(BwNet *net, BwDirection direction, BwReason reason, bool drops);

/* Two bridges, t-a and t-b; on each two guests, an uplink and one end of the link. */

enum { A1, A2, UA, B1, B2, UB };
#define AT(end)      (1u << (end))
#define NOBODY       0u
#define ALL          (AT(A1) | AT(A2) | AT(UA) | AT(B1) | AT(B2) | AT(UB))
#define ALL_BUT(end) (ALL & ~AT(end))

#define A1_MAC       "52:54:00:00:0a:01"
#define A2_MAC       "52:54:00:00:0a:02"
#define B1_MAC       "52:54:00:00:0b:01"
#define B2_MAC       "52:54:00:00:0b:02"
#define UA_MAC       "00:1b:21:00:00:0a" /* somebody behind the uplink */
#define UB_MAC       "00:1b:21:00:00:0b"
#define BRIDGE_A_MAC "52:54:00:00:00:aa"
#define BRIDGE_B_MAC "52:54:00:00:00:bb"
#define ALL_MACS     "ff:ff:ff:ff:ff:ff"

BwNet *bw_net_new_two(BwEngineKind engine);
