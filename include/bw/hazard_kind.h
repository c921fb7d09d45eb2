/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Kinds of hazards
 *
 * The closed list of what weakens the guard, or makes a bridge behave as nobody
 * expects. The words are stable: Repair=, the journal (BW_HAZARD=) and D-Bus use
 * them. Only some can be mended without taking from somebody what he wants.
 */

#include <glib.h>
#include <stdbool.h>

typedef enum BwHazardKind {
        BW_HAZARD_HUB_MODE,        /* ageing time 0: every frame is flooded */
        BW_HAZARD_SHORT_AGEING,    /* entries age before neighbours ask again: floods */
        BW_HAZARD_PROMISCUOUS,     /* the bridge device takes in all that passes */
        BW_HAZARD_NO_BR_NETFILTER, /* iptables sees no bridged packet */
        BW_HAZARD_CALL_OFF,        /* a bridge's switch cannot be brought on */
        BW_HAZARD_TAGGED_UNSEEN,   /* iptables alone is in use, and tags hide what they carry */
        BW_HAZARD_HOST_ADDRESS,    /* the bridge has an IP address of its own */
        BW_HAZARD_ARP_FLUX,        /* the host answers ARP there for addresses it has elsewhere */
        BW_HAZARD_HAIRPIN,         /* a port gives back what came in by it */
        BW_HAZARD_LOOP,            /* two ways between bridges, and no spanning tree */
        BW_HAZARD_NOT_GUARDED,     /* a guest's interface that no bridge sees */
        BW_HAZARD_FILTERS,         /* tc filters on a guarded port run before every rule */
        BW_HAZARD_XDP,             /* an XDP program on a guarded port runs before every rule */
        BW_HAZARD_FORWARD_DROPS,   /* others' FORWARD rules would drop guests' legal traffic */
        BW_HAZARD_NO_GATEWAY,      /* Gateway= names an address that no port has */
        BW_HAZARD_FLOOD_RISK,      /* a bound MAC has aged out while traffic to it goes on */
        BW_HAZARD_ENGINE,          /* an engine that is named is not in force */
        BW_HAZARD_OTHER,
} BwHazardKind;

#define BW_HAZARD_MAX (BW_HAZARD_OTHER + 1)

/* Sets of kinds: 1 << kind. */
#define BW_HAZARD_BIT(kind) (1u << (kind))
/* What Repair= may name. */
#define BW_HAZARD_REPAIRABLE                                                                       \
        (BW_HAZARD_BIT(BW_HAZARD_HUB_MODE) | BW_HAZARD_BIT(BW_HAZARD_SHORT_AGEING) |               \
         BW_HAZARD_BIT(BW_HAZARD_PROMISCUOUS) | BW_HAZARD_BIT(BW_HAZARD_HAIRPIN) |                 \
         BW_HAZARD_BIT(BW_HAZARD_LOOP))

/* "hub-mode" and so on; static. */
const char *bw_hazard_kind_name(BwHazardKind kind);
/* Whether it is one; @ret is left alone when not. */
bool bw_hazard_kind_from_name(const char *name, BwHazardKind *ret);
