/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Facts
 *
 * The closed list of what an adapter may report about the world. A fact is a
 * value lent for the call; whoever keeps something copies it. Facts carry no
 * wish and no decision.
 *
 * Each source's world is learned in one way only: SNAPSHOT_BEGIN, every object,
 * SNAPSHOT_END; what was not named in between is gone. Single facts follow.
 * OVERRUN says news was lost; the conductor then asks for a new snapshot.
 */

#include <bw/bridge_switch.h>
#include <bw/guest.h>
#include <bw/port_flag.h>

typedef enum BwSource {
        BW_SOURCE_NETLINK,
        BW_SOURCE_LIBVIRT,
} BwSource;

typedef enum BwLinkKind {
        BW_LINK_OTHER, /* a network card, or of a kind that is none of these: BwLink.kind_name */
        BW_LINK_BRIDGE,
        BW_LINK_TAP, /* kind "tun" */
        BW_LINK_VETH,
        BW_LINK_MACVTAP,
} BwLinkKind;

/* Room for the kernel's name of a kind, as "vxlan"; cut to fit. */
#define BW_KIND_SIZE 16

/* IEEE 802.1D-2004, chapter 17.19; linux/if_bridge.h. Without spanning tree a port that is up and
 * has a carrier forwards. */
typedef enum BwStpState {
        BW_STP_DISABLED,
        BW_STP_LISTENING,
        BW_STP_LEARNING,
        BW_STP_FORWARDING,
        BW_STP_BLOCKING,
} BwStpState;

/* What the kernel never tells by rtnetlink: programs attached as tcx (Linux 6.6), which only bpf(2)
 * lists (BwTcxProgram in bw/hazard.h). What it does not tell as news, and so is seen when the link
 * changes otherwise or is asked for: an XDP program attached or detached by a link of BPF; of a
 * port that is down, flags set by ip-link(8). */
typedef struct BwLink {
        int ifindex;
        char name[BW_IFNAME_SIZE]; /* any byte the kernel allows */
        BwMac mac;                 /* zero when the link has none */
        BwLinkKind kind;
        char kind_name[BW_KIND_SIZE]; /* IFLA_INFO_KIND; "" for a network card */
        int master;       /* ifindex of the bridge it is a port of; 0 for none. A master that is no
                             bridge (bond, VRF) is reported as 0. */
        bool openvswitch; /* enslaved to Open vSwitch: no bridge of Linux sees it */
        int peer;         /* veth: ifindex of the other end when it is in this namespace, else 0 */
        int peer_namespace; /* veth: the kernel's number for the other end's namespace, counted from
                               1; 0 when it is this one or cannot be told (rtnetlink(7), nsid) */
        int lower;        /* VLAN device, macvlan, macvtap: ifindex of what it stands on, when that
                             is in this namespace; else 0 */
        bool up;          /* IFF_UP */
        bool running;     /* IFF_LOWER_UP: it has a carrier */
        bool promiscuous; /* IFF_PROMISC */
        uint32_t promiscuity; /* IFLA_PROMISCUITY: how many have asked for it */
        bool xdp;             /* IFLA_XDP: a program is attached */
        bool filters; /* tc filters are attached at its ingress or egress (clsact, ingress) */
        /* ports of bridges only */
        BwStpState stp_state;
        unsigned flags;       /* set of BwPortFlag that are on */
        unsigned flags_known; /* set of those this kernel has at all */
        /* bridges only */
        bool stp;                     /* IFLA_BR_STP_STATE: spanning tree runs */
        bool vlan_filtering;          /* IFLA_BR_VLAN_FILTERING */
        unsigned switches;            /* set of BwBridgeSwitch that are on */
        unsigned switches_known;      /* set of those this kernel has at all */
        uint32_t ageing_centiseconds; /* IFLA_BR_AGEING_TIME, USER_HZ */
        bool topology_change; /* spanning tree has shortened ageing_centiseconds for some seconds
                                 (IEEE 802.1D-2004, 7.9.2): not what was set */
} BwLink;

typedef struct BwFdbEntry {
        BwMac mac;
        int port;      /* ifindex */
        int bridge;    /* ifindex */
        uint16_t vlan; /* 0: none */
        bool local;    /* the bridge's or a port's own (NUD_PERMANENT) */
        bool fixed;    /* does not age (NUD_NOARP): somebody wrote it */
} BwFdbEntry;

typedef struct BwNeighbour {
        BwPrefix address; /* a single one */
        BwMac mac;
        int ifindex;
        bool permanent; /* NUD_PERMANENT: somebody wrote it */
} BwNeighbour;

/* One of the host's own. */
typedef struct BwHostAddress {
        int ifindex;
        BwPrefix address;      /* a single one */
        uint8_t prefix_length; /* of the network the host is in by it; that of a single address when
                                  it only leads to one peer */
} BwHostAddress;

typedef enum BwFactKind {
        BW_FACT_SNAPSHOT_BEGIN, /* source */
        BW_FACT_SNAPSHOT_END,   /* source */
        BW_FACT_OVERRUN,        /* source */
        BW_FACT_LINK,           /* link: new or changed */
        BW_FACT_LINK_GONE,      /* link.ifindex; link.peer, if it had one here */
        BW_FACT_FDB,            /* fdb */
        BW_FACT_FDB_GONE,       /* fdb */
        BW_FACT_NEIGHBOUR,      /* neighbour */
        BW_FACT_NEIGHBOUR_GONE, /* neighbour */
        BW_FACT_ADDRESS,        /* address */
        BW_FACT_ADDRESS_GONE,   /* address */
        BW_FACT_GUEST,          /* guest: new or changed; active or only defined */
        BW_FACT_GUEST_GONE,     /* uuid: neither running nor defined any more */
        BW_FACT_GUEST_SEEN,   /* uuid: listed, but cannot be read now: what is known of it stays */
        BW_FACT_CONNECTED,    /* source answers */
        BW_FACT_DISCONNECTED, /* source does not; last known state stays */
} BwFactKind;

typedef struct BwFact {
        BwFactKind kind;
        union {
                BwSource source;
                BwLink link;
                BwFdbEntry fdb;
                BwNeighbour neighbour;
                BwHostAddress address;
                const BwGuest *guest;
                const char *uuid;
        };
} BwFact;

/* Called in the main context's thread. */
typedef void (*BwFactSink)(const BwFact *fact, gpointer user);
