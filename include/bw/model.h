/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Model
 *
 * The host as we know it: links, guests, forwarding table, neighbours. Changes
 * only by facts. Refuses to know settings, rules, or what time it is: the
 * caller brings the time.
 */

#include <bw/fact.h>

typedef struct BwModel BwModel;

/* What a fact touched: what has to be looked at again. */
typedef enum BwChange {
        BW_CHANGE_NONE = 0,
        BW_CHANGE_PORTS = 1 << 0,  /* links, masters, names, bridge flags, the host's addresses */
        BW_CHANGE_GUESTS = 1 << 1, /* domains or their interfaces */
        BW_CHANGE_FDB = 1 << 2,    /* a MAC is at a port where it was not */
        BW_CHANGE_NEIGHBOUR =
                1 << 3, /* the host has another MAC for an address, or none any more */
        BW_CHANGE_RELOAD_GUESTS =
                1 << 4, /* a tap appeared that no known guest explains: ask libvirt */
} BwChange;

/* Bounded, so that a MAC flood costs memory only up to here. The oldest knowledge is kept: a flood
 * cannot push honest entries out. */
#define BW_MAX_FDB_ENTRIES 65536

typedef struct BwFdbRecord {
        BwFdbEntry entry;
        int64_t learned_usec; /* when it was first seen at this port: the caller's clock */
} BwFdbRecord;

BwModel *bw_model_new(void);
void bw_model_free(BwModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwModel, bw_model_free)

/* Takes the fact in. Returns a set of BwChange; BW_CHANGE_NONE for old news. */
unsigned bw_model_apply(BwModel *model, const BwFact *fact, int64_t now_usec);

/* All lent; valid until the next bw_model_apply(). NULL when there is none. */
const BwLink *bw_model_find_link(const BwModel *model, int ifindex);
const BwGuest *bw_model_find_guest(const BwModel *model, const char *name_or_uuid);
/* The other end of the veth @link, in this namespace. What two messages say of a pair may be of two
 * moments, so both ends must say the same. */
const BwLink *bw_model_find_peer(const BwModel *model, const BwLink *link);

/* Whether @guest, one of @model's, is this host's: its CPUs run here, or ran here before they were
 * stopped. It is not while it is being started or comes from elsewhere, nor when it has gone. Of
 * what happened before libvirt's first whole snapshot, or without its word, the guest is taken to
 * have run. */
bool bw_model_is_here(const BwModel *model, const BwGuest *guest);

/* (transfer container) (element-type BwLink): sorted by name, then ifindex. */
GPtrArray *bw_model_list_links(const BwModel *model);
/* (transfer container) (element-type BwGuest): sorted by UUID. */
GPtrArray *bw_model_list_guests(const BwModel *model);
/* (transfer full) (element-type BwHostAddress): the host's own on that link, sorted. */
GArray *bw_model_list_addresses(const BwModel *model, int ifindex);
/* All, in no order; for sums. @each must not change the model. */
void bw_model_each_fdb(const BwModel *model, void (*each)(const BwFdbRecord *record, gpointer user),
                       gpointer user);
/* Lent or NULL. @vlan 0: the entry without one. */
const BwFdbRecord *bw_model_find_fdb(const BwModel *model, int bridge, const BwMac *mac,
                                     uint16_t vlan);
/* (transfer container) (element-type BwFdbRecord): sorted by bridge, MAC, port. */
GPtrArray *bw_model_list_fdb(const BwModel *model);

/* Lent or NULL. */
const BwNeighbour *bw_model_find_neighbour(const BwModel *model, int ifindex,
                                           const BwPrefix *address);
/* (transfer container) (element-type BwNeighbour): sorted by link, then address. */
GPtrArray *bw_model_list_neighbours(const BwModel *model);

/* Which guest's interface @port is, judged by what cannot be inherited: libvirt gives a tap the
 * guest's MAC with 0xfe as its first octet, so a tap whose MAC says otherwise is nobody's, whatever
 * its name. Other links (veth of LXC) are matched by <target dev> alone. Only one candidate counts;
 * a running guest goes before a defined one. (Not const: the answer comes from an index that is
 * made when first asked for.) @ret_guest may be NULL. Lent or NULL. */
const BwGuestInterface *bw_model_find_interface(BwModel *model, const BwLink *port,
                                                const BwGuest **ret_guest);
