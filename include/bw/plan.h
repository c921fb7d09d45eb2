/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Plan
 *
 * Which bridges are guarded and what each port of them may send and receive,
 * in words no engine is tied to. Computed whole from model and settings; the
 * same input gives the same plan. Refuses to know chains, tables and locks.
 *
 * Bridges that veth pairs join are one segment: one logical network, in which an
 * address has one owner. What may come in and go out by a border port is said by
 * sites: places in the segment, each with the borders that lead there. A claim
 * is judged by the most exact entry of the segment that contains it: it may
 * come in, or its destination go out, by a border that leads to the entry's
 * site, and by no other. What no entry contains nobody here owns.
 */

#include <bw/config.h>
#include <bw/model.h>
#include <bw/reason.h>

typedef enum BwPortState {
        BW_PORT_BOUND,       /* checked against its addresses                                   */
        BW_PORT_UNADDRESSED, /* its MACs are known, no address yet: DHCP client and nothing else */
        BW_PORT_CLOSED,      /* its configuration is broken: nothing passes                     */
        BW_PORT_ANY_ADDRESS, /* Addresses=any: checked against its MACs alone                     */
        BW_PORT_OFF,         /* Mode=off                                                        */
        BW_PORT_BORDER,      /* link or uplink: checked against what is owned on this side of it */
        BW_PORT_INHERITED, /* rules of a former run guard it, and who it is cannot be asked now   */
        BW_PORT_STRANGER,  /* nobody has declared it                                          */
} BwPortState;

typedef struct BwPortPlan {
        char name[BW_IFNAME_SIZE];
        int ifindex;
        BwPortState state;
        BwRole role;
        bool dhcp_server, router, querier; /* may answer as such */
        bool strict_link_local;            /* LinkLocal=declared */
        bool closed_border;                /* border: what no entry contains does not pass either */
        bool fdb_lock, isolated;           /* as wished; bw/port_lock.h says what comes of it */
        int far_port;                      /* of a link that carries now: ifindex of its other end,
                                              a port of another guarded bridge; 0: none */
        bool blocked;                      /* no frame passes it now: spanning tree has it blocked
                                              or not forward yet, or its link does not carry */
        bool derived_role;                 /* @role is not from the configuration */
        bool derived_addresses; /* @addresses are what the host has at the other end: weaker than
                                   what is configured */
        BwMode mode;            /* never BW_MODE_OFF together with a checked state */
        GArray *macs;           /* BwMac, sorted */
        GArray *addresses; /* BwPrefix, sorted, both families; without those lost by conflict. Of a
                              border: what is declared behind it. Inherited: as @macs, what the
                              rules of the former run say, as far as they do. */
        GArray *let_in;    /* BwPrefix, sorted; NULL: none. Of an uplink that is not closed, beside
                              inherited ports: what the former run knew to be behind it, which need
                              not be declared now */
        char *guest;       /* NULL: not a guest's */
        char uuid[BW_UUID_TEXT_SIZE];
        char *where;    /* the most exact section that speaks of it, "file:line"; or NULL */
        bool absent;    /* its guest does not run here, not yet or no more: all that is its own may
                           still come in by uplinks, and it is not locked */
        bool contested; /* it lost an address that another port claims, too */
        char *trouble;  /* a sentence why it is closed or lost an address; or NULL */
} BwPortPlan;

typedef struct BwBridgePlan {
        char name[BW_IFNAME_SIZE];
        int ifindex;
        BwMac mac;   /* the host's own on the bridge: frames to it go to no port */
        BwMode mode; /* the bridge's; off when only ports that say otherwise are guarded */
        BwUnknownPorts unknown_ports; /* after the mode: a monitored bridge drops nothing */
        bool on_path;      /* guarded only because a link leads to it from another guarded bridge */
        guint segment;     /* index into BwPlan.segments */
        GArray *addresses; /* BwPrefix, single, sorted: the host's own on the bridge */
        GArray *gateways;  /* BwPrefix, single, sorted: Gateway= */
        bool pin_neighbours;
        unsigned repair;         /* set of BwHazardKind */
        GArray *networks;        /* BwPrefix, sorted: declared, and the host's own */
        GPtrArray *ports;        /* BwPortPlan *, strangers included, sorted by name */
        unsigned switches;       /* set of BwBridgeSwitch that are on, as the kernel says */
        unsigned switches_known; /* set of those it has at all */
} BwBridgePlan;

/* A place in a segment. Places that the same borders lead to are one site. */
typedef struct BwSitePlan {
        GPtrArray *leads; /* (element-type BwPortPlan) lent from the plan, sorted by name: the
                             border ports by which it is reached, on whatever bridge */
} BwSitePlan;

/* What is owned. Of every port of the segment's bridges in a guarded state: declared addresses, the
 * MACs, the link-local address each MAC makes; of the bridges: the host's own addresses and MACs;
 * what is declared behind borders; the gateways. What a port has that is absent is owned there and
 * behind the segment's uplinks, but for the closed ones, unless somebody who is here has it as
 * well. What is inherited is owned by nobody else, and behind no border that would not let it pass
 * without it: bw_plan_keep_inherited(). */
typedef struct BwOwnedAddress {
        BwPrefix prefix;
        guint site;     /* index into BwSegmentPlan.sites */
        bool inherited; /* only rules of a former run say so */
} BwOwnedAddress;

typedef struct BwOwnedMac {
        BwMac mac;
        guint site;
        bool inherited;
} BwOwnedMac;

typedef struct BwSegmentPlan {
        GPtrArray *bridges; /* (element-type BwBridgePlan) lent, sorted by name */
        GPtrArray *sites;   /* BwSitePlan *, in the order of their names of leads; [0] is what no
                               border leads to. Empty while the segment has no border port. */
        GArray *addresses;  /* BwOwnedAddress, sorted by bw_prefix_compare(), each prefix once;
                               empty while there is no site */
        GArray *macs;       /* BwOwnedMac, sorted, each once */
        GArray *gateways;   /* BwPrefix, single, sorted, each once: Gateway= of its bridges and
                               ports, whether there is a border or not */
} BwSegmentPlan;

typedef struct BwPlan {
        GPtrArray *bridges;  /* BwBridgePlan *, sorted by name */
        GPtrArray *segments; /* BwSegmentPlan *, by the name of their first bridge */
        unsigned log_rate;   /* violations per second, port and reason */
} BwPlan;

/* (transfer full): never NULL; nothing in it points into @model or @config. */
BwPlan *bw_plan_new(BwModel *model, const BwConfig *config);
void bw_plan_free(BwPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwPlan, bw_plan_free)

/* What the rules of a former run take for a port's own, as far as they tell. */
typedef struct BwInheritedPort {
        GArray *addresses; /* BwPrefix, to be appended to, in any order */
        GArray *macs;      /* BwMac, likewise */
        bool is_border;    /* they guard it as a border; @addresses are what is behind it */
        bool is_closed;    /* a border that lets in what is behind it, and nothing else */
} BwInheritedPort;

/* Whether rules of a former run guard @port; @ret is zero but for empty arrays. */
typedef bool (*BwPortInherited)(const char *port, BwInheritedPort *ret, gconstpointer user);
/* Turns each stranger that @inherited knows into BW_PORT_INHERITED, and works out anew what is
 * owned where: what such a port has is owned at it. @plan must be of @model as it is.
 *
 * Who has changed the rules while nobody watched is not known, so what is read from them only
 * closes. It is the weakest of claims: an address or a MAC that somebody has by a declaration, or
 * that is the host's, is his alone. A border that does not let an address in without what is
 * inherited does not let it in because of it. Nobody may send or receive more because of it. Only
 * what such a port was closed to as a border is known from there alone, and so is what passes that:
 * without either it would be open. What was behind such a border and behind an uplink that is open
 * now as well is barred at neither. */
void bw_plan_keep_inherited(BwPlan *plan, BwModel *model, BwPortInherited inherited,
                            gconstpointer user);
bool bw_plan_has_inherited(const BwPlan *plan);

/* Lent or NULL. @ret_bridge may be NULL. */
const BwPortPlan *bw_plan_find_port_of(const BwBridgePlan *bridge, const char *name);
const BwPortPlan *bw_plan_find_port(const BwPlan *plan, const char *name,
                                    const BwBridgePlan **ret_bridge);
const BwPortPlan *bw_plan_find_port_by_ifindex(const BwPlan *plan, int ifindex,
                                               const BwBridgePlan **ret_bridge);
/* The first port of @bridge that owns @address or @mac; NULL: of any guarded bridge. */
const BwPortPlan *bw_plan_find_owner_of_address(const BwPlan *plan, const BwBridgePlan *bridge,
                                                const BwPrefix *address);
const BwPortPlan *bw_plan_find_owner_of_mac(const BwPlan *plan, const BwBridgePlan *bridge,
                                            const BwMac *mac);
/* The same in @bridge's whole segment: whoever has @address most exactly, and of equals those on
 * @bridge first. */
const BwPortPlan *bw_plan_find_segment_owner_of_address(const BwPlan *plan,
                                                        const BwBridgePlan *bridge,
                                                        const BwPrefix *address);
const BwPortPlan *bw_plan_find_segment_owner_of_mac(const BwPlan *plan, const BwBridgePlan *bridge,
                                                    const BwMac *mac);

bool bw_port_plan_equal(const BwPortPlan *a, const BwPortPlan *b);
/* Whether it is guarded as a border: now, or by what a former run has left (then its role is
 * BW_ROLE_UPLINK, and it leads to nothing that is owned but to gateways that nobody is known to
 * have). */
bool bw_port_plan_is_border(const BwPortPlan *port);
const char *bw_port_state_name(BwPortState state);
/* Whether rules check what it sends and receives; a stranger's are the bridge's. */
bool bw_port_state_is_guarded(BwPortState state);
/* Whether they look at its IP addresses: iptables has rules for these alone. */
bool bw_port_state_checks_ip(BwPortState state);
