/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the chains of one bridge are made from
 *
 * All that whoever writes a bridge's chains may look at, copied out of the plan:
 * bytes without pointers, so that two of them are compared without naming a
 * single member, and none can be forgotten. Who needs to know more of the plan
 * to write a bridge adds it here, and it is compared from then on.
 *
 * Knows nothing of tables: a view is the same for both families and directions
 * but for what it is told with @borders_know. Strangers are not in it, for the
 * chains know only how many names there are besides. Outlives the plan.
 */

#include <bw/plan.h>

typedef struct BwIptPort {
        char name[BW_IFNAME_SIZE];
        int ifindex;
        BwPortState state;
        BwMode mode;
        bool is_border; /* as bw_port_plan_is_border() says */
        bool router, strict_link_local;
        guint first_mac, n_macs;          /* in the view's list */
        guint first_address, n_addresses; /* likewise */
} BwIptPort;

typedef struct BwIptBridge {
        char name[BW_IFNAME_SIZE];
        char segment[BW_IFNAME_SIZE]; /* the name of its first bridge */
        BwUnknownPorts unknown_ports;
        unsigned log_rate; /* per second, port and reason */
        bool borders_know; /* the tree of the segment's borders has the same link-local addresses as
                              that of its ports */
} BwIptBridge;

typedef enum BwIptList {
        BW_IPT_LIST_GATEWAYS,  /* BwPrefix: the segment's                                     */
        BW_IPT_LIST_CLAIMS,    /* BwPrefix: declared in the segment and link-local, or taking
                                  such in                                                     */
        BW_IPT_LIST_NETWORKS,  /* BwPrefix: the bridge's                                      */
        BW_IPT_LIST_PORTS,     /* BwIptPort, sorted by name                                   */
        BW_IPT_LIST_MACS,      /* BwMac: of the ports, one after the other                    */
        BW_IPT_LIST_ADDRESSES, /* BwPrefix: likewise                                          */
} BwIptList;

#define BW_IPT_LIST_MAX (BW_IPT_LIST_ADDRESSES + 1)

/* The lists are counted; those of the segment all views of its bridges may have in common. */
typedef struct BwIptView {
        BwIptBridge bridge;
        GArray *lists[BW_IPT_LIST_MAX];
} BwIptView;

/* (transfer full): of @segment and of no bridge of it: no name, no networks, no ports. */
BwIptView *bw_ipt_view_new(const BwSegmentPlan *segment, unsigned log_rate, bool borders_know);
void bw_ipt_view_free(BwIptView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwIptView, bw_ipt_view_free)

/* Of @bridge from now on, which is one of the same segment. */
void bw_ipt_view_turn_to(BwIptView *view, const BwBridgePlan *bridge);
/* (transfer full): turning @view to another bridge leaves the copy as it is. */
BwIptView *bw_ipt_view_copy(const BwIptView *view);

/* Byte for byte. False of two that say the same is harmless, and rare: holes between members. */
bool bw_ipt_view_equal(const BwIptView *a, const BwIptView *b);

/* Lent. The port must be there. */
const BwIptPort *bw_ipt_view_find_port(const BwIptView *view, const char *name);
/* Lent: the @i-th of @port's. */
const BwMac *bw_ipt_view_mac(const BwIptView *view, const BwIptPort *port, guint i);
const BwPrefix *bw_ipt_view_address(const BwIptView *view, const BwIptPort *port, guint i);
