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

typedef enum BwSource {
        BW_SOURCE_NETLINK,
        BW_SOURCE_LIBVIRT,
} BwSource;

typedef enum BwLinkKind {
        BW_LINK_OTHER,
        BW_LINK_BRIDGE,
        BW_LINK_TAP, /* kind "tun" */
        BW_LINK_VETH,
} BwLinkKind;

typedef struct BwLink {
        int ifindex;
        char name[BW_IFNAME_SIZE]; /* any byte the kernel allows */
        BwMac mac;                 /* zero when the link has none */
        BwLinkKind kind;
        int master;       /* ifindex of the bridge it is a port of; 0 for none. A master that is no
                             bridge (bond, VRF) is reported as 0. */
        int peer;         /* veth: ifindex of the other end when it is in this namespace, else 0 */
        bool up;          /* IFF_UP */
        bool promiscuous; /* IFF_PROMISC */
        /* bridges only */
        unsigned switches;            /* set of BwBridgeSwitch that are on */
        unsigned switches_known;      /* set of those this kernel has at all */
        uint32_t ageing_centiseconds; /* IFLA_BR_AGEING_TIME, USER_HZ */
} BwLink;

typedef struct BwFdbEntry {
        BwMac mac;
        int port;      /* ifindex */
        int bridge;    /* ifindex */
        uint16_t vlan; /* 0: none */
        bool local;    /* the bridge's or a port's own (NUD_PERMANENT) */
} BwFdbEntry;

typedef struct BwNeighbour {
        BwPrefix address; /* a single one */
        BwMac mac;
        int ifindex;
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
        BW_FACT_LINK_GONE,      /* link.ifindex */
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
