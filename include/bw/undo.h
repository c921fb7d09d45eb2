/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Undo
 *
 * What ports and neighbour tables were before we touched them, so that it can be
 * put back: by the daemon, or by another that comes after a sudden death. A value
 * and its text. Reads no file and no kernel.
 */

#include <bw/fact.h>

/* A port under a bridge's lock. That it is this one, and no other that got its number or its name
 * later, is told by number, bridge and MAC together: on another bridge all its flags are new. */
typedef struct BwUndoPort {
        int port, bridge; /* ifindex */
        char name[BW_IFNAME_SIZE];
        BwMac mac;        /* the link's own */
        unsigned touched; /* set of BwPortFlag: those we have set or cleared */
        unsigned before;  /* set of BwPortFlag: of these, the ones that were on */
        GArray *macs;     /* BwMac, sorted: entries of the forwarding table that we made */
} BwUndoPort;

typedef struct BwUndo {
        GHashTable *ports; /* ifindex -> BwUndoPort * */
        GArray *pins;      /* BwNeighbour, sorted by link and address: permanent ones we made */
} BwUndo;

/* As the kernel makes a port (linux/net/bridge/br_if.c, new_nbp()). */
#define BW_UNDO_DEFAULT_FLAGS (BW_FLAG_BIT(BW_FLAG_LEARNING) | BW_FLAG_BIT(BW_FLAG_UNICAST_FLOOD))

BwUndo *bw_undo_new(void);
void bw_undo_free(BwUndo *undo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwUndo, bw_undo_free)

/* Lent; NULL when nothing of ours is at that port. */
BwUndoPort *bw_undo_find_port(const BwUndo *undo, int port);
/* The one there is, or a new one that is not touched yet. Lent. */
BwUndoPort *bw_undo_add_port(BwUndo *undo, const BwLink *link);
bool bw_undo_is_about(const BwUndoPort *port, const BwLink *link);
void bw_undo_remove_port(BwUndo *undo, int port);

/* Of one MAC in BwUndoPort.macs, or in any array of BwMac that is sorted. */
bool bw_undo_has_mac(const GArray *macs, const BwMac *mac);
void bw_undo_add_mac(GArray *macs, const BwMac *mac);
void bw_undo_remove_mac(GArray *macs, const BwMac *mac);

/* Lent; NULL when that address is not pinned there by us. */
const BwNeighbour *bw_undo_find_pin(const BwUndo *undo, int ifindex, const BwPrefix *address);
/* Instead of the one there may be. */
void bw_undo_set_pin(BwUndo *undo, const BwNeighbour *pin);
void bw_undo_remove_pin(BwUndo *undo, int ifindex, const BwPrefix *address);

bool bw_undo_is_empty(const BwUndo *undo);

/* (transfer full): the text bw_undo_parse() reads. */
char *bw_undo_print(const BwUndo *undo);
/* (transfer full), never NULL. Lines that say nothing, and those of another version, are left out:
 * a text nobody can read is an empty one. */
BwUndo *bw_undo_parse(const char *text, gsize length);
