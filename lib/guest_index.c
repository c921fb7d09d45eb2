/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/guest_index.h>

/* One interface of one guest. Lent. */
typedef struct Candidate {
        const BwGuest *guest;
        BwGuestInterface *interface;
} Candidate;

struct BwGuestIndex {
        GHashTable *by_tail;   /* last five octets of the MAC -> GArray of Candidate */
        GHashTable *by_target; /* <target dev> -> GArray of Candidate */
};

/* libvirt gives a tap the MAC of the guest's interface but for the first octet. */
static gpointer tail_key(const BwMac *mac) {
        const uint8_t *octet = mac->octet;

        return GSIZE_TO_POINTER((gsize) octet[1] << 32 | (gsize) octet[2] << 24 |
                                (gsize) octet[3] << 16 | (gsize) octet[4] << 8 | octet[5]);
}

BwGuestIndex *bw_guest_index_new(void) {
        BwGuestIndex *index = g_new(BwGuestIndex, 1);

        index->by_tail = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
        index->by_target = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                                 (GDestroyNotify) g_array_unref);
        return index;
}

void bw_guest_index_free(BwGuestIndex *index) {
        if (!index)
                return;
        g_hash_table_unref(index->by_tail);
        g_hash_table_unref(index->by_target);
        g_free(index);
}

static void add_candidate(GHashTable *table, gpointer key, Candidate candidate) {
        GArray *list = g_hash_table_lookup(table, key);

        if (!list) {
                list = g_array_new(FALSE, FALSE, sizeof(Candidate));
                g_hash_table_insert(table, key, list);
        }
        g_array_append_val(list, candidate);
}

void bw_guest_index_add(BwGuestIndex *index, BwGuest *guest) {
        for (guint i = 0; i < guest->interfaces->len; i++) {
                BwGuestInterface *interface =
                        &g_array_index(guest->interfaces, BwGuestInterface, i);
                Candidate candidate = { guest, interface };

                add_candidate(index->by_tail, tail_key(&interface->mac), candidate);
                if (interface->target[0])
                        add_candidate(index->by_target, interface->target, candidate);
        }
}

bool bw_guest_index_forget_target(BwGuestIndex *index, const char *name) {
        GArray *list = g_hash_table_lookup(index->by_target, name);

        for (guint i = 0; list && i < list->len; i++)
                g_array_index(list, Candidate, i).interface->target[0] = '\0';
        return list != NULL;
}

/* See virNetDevTapCreateInBridgePort() of libvirt: the first octet is 0xfe. A tap that libvirt did
 * not make itself (type "ethernet") has whatever MAC its maker gave it. */
static bool may_be_of(const BwLink *port, const BwGuestInterface *interface) {
        if (port->kind != BW_LINK_TAP || g_str_equal(interface->type, "ethernet"))
                return true;
        return port->mac.octet[0] == 0xfe && tail_key(&port->mac) == tail_key(&interface->mac);
}

typedef struct Search {
        Candidate best;
        int rank; /* of the best; 3: running and named by libvirt, 2: running, 1: defined */
        bool twice;
} Search;

static void consider(Search *search, int rank, Candidate candidate) {
        if (rank < search->rank || candidate.interface == search->best.interface)
                return;
        search->twice = rank == search->rank;
        search->rank = rank;
        search->best = candidate;
}

static void consider_named(Search *search, const BwLink *port, const GArray *list) {
        for (guint i = 0; list && i < list->len; i++) {
                Candidate candidate = g_array_index(list, Candidate, i);

                if (candidate.guest->active && may_be_of(port, candidate.interface))
                        consider(search, 3, candidate);
        }
}

static void consider_tail(Search *search, const GArray *list) {
        for (guint i = 0; list && i < list->len; i++) {
                Candidate candidate = g_array_index(list, Candidate, i);

                consider(search, candidate.guest->active ? 2 : 1, candidate);
        }
}

const BwGuestInterface *bw_guest_index_find(const BwGuestIndex *index, const BwLink *port,
                                            const BwGuest **ret_guest) {
        Search search = {};

        consider_named(&search, port, g_hash_table_lookup(index->by_target, port->name));
        if (port->kind == BW_LINK_TAP && port->mac.octet[0] == 0xfe)
                consider_tail(&search, g_hash_table_lookup(index->by_tail, tail_key(&port->mac)));
        if (search.rank == 0 || search.twice)
                return NULL;
        if (ret_guest)
                *ret_guest = search.best.guest;
        return search.best.interface;
}
