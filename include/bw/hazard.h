/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hazards
 *
 * What weakens the guard as things are, found by looking at the model, the plan
 * and what else was read of the host. Says what it means and what to do; mends
 * nothing, remembers nothing.
 */

#include <bw/forward.h>
#include <bw/hazard_kind.h>
#include <bw/plan.h>
#include <bw/topology.h>

/* Below it, an entry of the forwarding table may age before its owner speaks again. Who only
 * receives is asked by ARP or ND when its sender's entry is no longer fresh: after at most 45 s
 * (RFC 4861, 6.3.2: 30 s, times at most 1.5; ARP likewise in Linux), then 5 s of waiting
 * (DELAY_FIRST_PROBE_TIME) and up to three probes a second apart. */
#define BW_AGEING_LEAST_CENTISECONDS 6000
/* What the kernel sets, and IEEE 802.1D-2004 recommends (table 7-5): what Repair= sets. */
#define BW_AGEING_DEFAULT_CENTISECONDS 30000

typedef struct BwHazard {
        BwHazardKind kind;
        char *subject;   /* bridge, port or guest it is about, or a word for a part of the host, as
                            "libvirt"; data, any bytes; "" for the host */
        char *bridge;    /* or NULL */
        char *sentence;  /* what is so, what it means, what to do: plain text */
        int ifindex;     /* of the bridge or port it is about; 0: neither */
        bool repairable; /* it can be mended, and Repair= says to */
} BwHazard;

/* Who listens to all that a link takes in. */
typedef struct BwListener {
        int ifindex;
        char *program; /* NULL: cannot be told */
        char *user;    /* NULL: cannot be told */
} BwListener;

/* For which addresses the host answers ARP requests that come by a link: net.ipv4.conf of the
 * kernel's ip-sysctl.rst, as it holds there together with what is set for all. */
typedef struct BwArpSetting {
        int ifindex;
        int ignore;  /* arp_ignore; -1: not known */
        bool filter; /* arp_filter */
} BwArpSetting;

/* BPF_OBJ_NAME_LEN of linux/bpf.h, and its end. */
#define BW_TCX_NAME_SIZE 17

/* A program attached to a link as tcx (Linux 6.6): bpf(2) alone tells of it. */
typedef struct BwTcxProgram {
        uint32_t id;                 /* the kernel's number */
        bool egress;                 /* it is at the link's egress, not its ingress */
        char name[BW_TCX_NAME_SIZE]; /* whatever its maker called it; "": none, or not told */
} BwTcxProgram;

/* What is no fact of netlink or libvirt; read by the caller. Everything is lent. */
typedef struct BwHostState {
        unsigned engines;  /* set of engines in use */
        bool br_netfilter; /* loaded */
        unsigned calls; /* set of BwBridgeSwitch nf_call_* that net.bridge.bridge-nf-call-* has on
                           for all bridges */
        int filter_vlan_tagged;   /* net.bridge.bridge-nf-filter-vlan-tagged; -1: not known */
        const GPtrArray *forward; /* BwForwardTable; NULL: not known */
        const GArray *listeners;  /* BwListener; NULL: not known */
        const GArray *arp;        /* BwArpSetting, of guarded bridges; NULL: not known */
        GHashTable *tcx; /* ifindex -> GArray of BwTcxProgram, or NULL when it has none; NULL: not
                            known */
} BwHostState;

void bw_hazard_free(BwHazard *hazard);
/* As strcmp(): by kind, then subject; 0 for the same hazard, whatever it says. */
int bw_hazard_compare(const BwHazard *a, const BwHazard *b);
/* The same for tables: of BwHazard. */
guint bw_hazard_hash(gconstpointer hazard);
gboolean bw_hazard_is_same(gconstpointer a, gconstpointer b);
/* (transfer full) (element-type BwHazard): sorted by kind, then subject; one of each. What is told
 * when it is met, as an engine that does not answer, is not among them. @plan NULL: nothing is
 * guarded, so nothing is weakened. */
GPtrArray *bw_hazard_list(const BwModel *model, const BwPlan *plan, const BwTopology *topology,
                          const BwHostState *host);
