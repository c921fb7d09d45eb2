/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/guest_index.h>
#include <bw/link_addresses.h>
#include <bw/model.h>
#include <bw/neighbour_table.h>
#include <string.h>

/* A link or a guest, and whether the running snapshot of its source has named it. */
typedef struct LinkRecord {
        BwLink link;
        bool seen;
} LinkRecord;

typedef struct GuestRecord {
        BwGuest *guest;
        bool has_run; /* here, since it became active */
        bool seen;
} GuestRecord;

/* As the kernel keys it: on one bridge and VLAN a MAC is at one port. */
typedef struct FdbKey {
        BwMac mac;
        int bridge;
        uint16_t vlan;
} FdbKey;

typedef struct FdbRow {
        FdbKey key;
        BwFdbRecord record;
        bool seen;
} FdbRow;

struct BwModel {
        GHashTable *links;   /* ifindex -> LinkRecord * */
        GHashTable *by_name; /* name -> LinkRecord *, lent */
        GPtrArray *sorted;   /* LinkRecord *, lent, sorted by name */
        GHashTable *guests;  /* UUID -> GuestRecord * */
        GHashTable *fdb;     /* FdbKey -> FdbRow * (the key is the row's) */
        BwLinkAddresses *addresses;
        BwNeighbourTable *neighbours;
        BwGuestIndex *candidates; /* NULL until asked for */
        bool links_in_snapshot, guests_in_snapshot;
        bool guests_known; /* all of them, and since then each change has been told */
};

static void free_guest_record(gpointer pointer) {
        GuestRecord *record = pointer;

        bw_guest_free(record->guest);
        g_free(record);
}

static guint hash_fdb_key(gconstpointer pointer) {
        const FdbKey *key = pointer;

        return (bw_mac_hash(&key->mac) * 31 + (guint) key->bridge) * 31 + key->vlan;
}

static gboolean equal_fdb_key(gconstpointer a, gconstpointer b) {
        const FdbKey *left = a, *right = b;

        return left->bridge == right->bridge && left->vlan == right->vlan &&
               memcmp(&left->mac, &right->mac, sizeof(BwMac)) == 0;
}

static void forget_candidates(BwModel *model) {
        g_clear_pointer(&model->candidates, bw_guest_index_free);
}

static BwGuestIndex *list_candidates(BwModel *model) {
        GHashTableIter iter;
        GuestRecord *record;

        if (model->candidates)
                return model->candidates;
        model->candidates = bw_guest_index_new();
        g_hash_table_iter_init(&iter, model->guests);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &record))
                bw_guest_index_add(model->candidates, record->guest);
        return model->candidates;
}

BwModel *bw_model_new(void) {
        BwModel *model = g_new0(BwModel, 1);

        model->links = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
        model->by_name = g_hash_table_new(g_str_hash, g_str_equal);
        model->sorted = g_ptr_array_new();
        model->guests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_guest_record);
        model->fdb = g_hash_table_new_full(hash_fdb_key, equal_fdb_key, g_free, NULL);
        model->addresses = bw_link_addresses_new();
        model->neighbours = bw_neighbour_table_new();
        return model;
}

void bw_model_free(BwModel *model) {
        if (!model)
                return;
        forget_candidates(model);
        g_hash_table_unref(model->by_name);
        g_ptr_array_unref(model->sorted);
        g_hash_table_unref(model->links);
        g_hash_table_unref(model->guests);
        g_hash_table_unref(model->fdb);
        bw_link_addresses_free(model->addresses);
        bw_neighbour_table_free(model->neighbours);
        g_free(model);
}

/* Links */

static bool identity_equal(const BwLink *a, const BwLink *b) {
        return a->ifindex == b->ifindex && g_str_equal(a->name, b->name) &&
               memcmp(&a->mac, &b->mac, sizeof(BwMac)) == 0 && a->kind == b->kind &&
               g_str_equal(a->kind_name, b->kind_name) && a->master == b->master &&
               a->openvswitch == b->openvswitch && a->peer == b->peer &&
               a->peer_namespace == b->peer_namespace && a->lower == b->lower;
}

static bool state_equal(const BwLink *a, const BwLink *b) {
        return a->up == b->up && a->running == b->running && a->promiscuous == b->promiscuous &&
               a->promiscuity == b->promiscuity && a->xdp == b->xdp && a->filters == b->filters;
}

static bool port_equal(const BwLink *a, const BwLink *b) {
        return a->stp_state == b->stp_state && a->flags == b->flags &&
               a->flags_known == b->flags_known;
}

static bool bridge_equal(const BwLink *a, const BwLink *b) {
        return a->stp == b->stp && a->vlan_filtering == b->vlan_filtering &&
               a->switches == b->switches && a->switches_known == b->switches_known &&
               a->ageing_centiseconds == b->ageing_centiseconds &&
               a->topology_change == b->topology_change;
}

static bool link_equal(const BwLink *a, const BwLink *b) {
        return identity_equal(a, b) && state_equal(a, b) && port_equal(a, b) && bridge_equal(a, b);
}

/* Where a link of this name stands among those sorted, or would: no two have one name. */
static guint place_of_name(const BwModel *model, const char *name) {
        guint low = 0, high = model->sorted->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;

                if (strcmp(((const LinkRecord *) model->sorted->pdata[middle])->link.name, name) <
                    0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void forget_name(BwModel *model, LinkRecord *record) {
        if (g_hash_table_lookup(model->by_name, record->link.name) != record)
                return;
        g_hash_table_remove(model->by_name, record->link.name);
        g_ptr_array_remove_index(model->sorted, place_of_name(model, record->link.name));
}

static void note_name(BwModel *model, LinkRecord *record) {
        guint place = place_of_name(model, record->link.name);

        if (g_hash_table_insert(model->by_name, record->link.name, record))
                g_ptr_array_insert(model->sorted, (gint) place, record);
}

/* What libvirt said of a target name was about the link that had it. Once that link is gone, or has
 * another name, the next link of that name is somebody else until libvirt says so again. */
static void forget_target(BwModel *model, const char *name) {
        if (bw_guest_index_forget_target(list_candidates(model), name))
                forget_candidates(model);
}

static void forget_fdb_of(BwModel *model, int port) {
        GHashTableIter iter;
        FdbRow *row;

        g_hash_table_iter_init(&iter, model->fdb);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &row))
                if (row->record.entry.port == port)
                        g_hash_table_iter_remove(&iter);
}

static unsigned take_link_gone(BwModel *model, int ifindex) {
        LinkRecord *record = g_hash_table_lookup(model->links, GINT_TO_POINTER(ifindex));

        if (!record)
                return BW_CHANGE_NONE;
        forget_target(model, record->link.name);
        forget_fdb_of(model, ifindex);
        forget_name(model, record);
        g_hash_table_remove(model->links, GINT_TO_POINTER(ifindex));
        return BW_CHANGE_PORTS;
}

/* A tap that enters a bridge and is no known guest's: libvirt may know more than it has told. */
static unsigned wish_for(BwModel *model, const BwLink *link) {
        if (link->kind == BW_LINK_BRIDGE || link->master == 0)
                return BW_CHANGE_NONE;
        return bw_model_find_interface(model, link, NULL) ? BW_CHANGE_NONE
                                                          : BW_CHANGE_RELOAD_GUESTS;
}

/* No two links have one name. Who is said to have it now has it from one that is gone, or is called
 * something else: that news is lost, or still on its way. */
static void forget_elder(BwModel *model, const BwLink *link) {
        LinkRecord *elder = g_hash_table_lookup(model->by_name, link->name);

        if (elder && elder->link.ifindex != link->ifindex)
                take_link_gone(model, elder->link.ifindex);
}

/* Of a link that is no port and no bridge it matters what it is the other end of, and whether a
 * guest may be behind it that no bridge sees. */
static bool is_told_of(const BwLink *link) {
        return link->master != 0 || link->kind == BW_LINK_BRIDGE || link->kind == BW_LINK_VETH ||
               link->kind == BW_LINK_MACVTAP || link->openvswitch || link->lower != 0;
}

static unsigned take_link(BwModel *model, const BwLink *link) {
        LinkRecord *record = g_hash_table_lookup(model->links, GINT_TO_POINTER(link->ifindex));
        BwLink former = record ? record->link : (BwLink){};
        bool moved = former.master != link->master || !g_str_equal(former.name, link->name);
        unsigned change =
                is_told_of(&former) || is_told_of(link) ? BW_CHANGE_PORTS : BW_CHANGE_NONE;

        forget_elder(model, link);
        if (record) {
                record->seen = true;
                if (link_equal(&record->link, link))
                        return BW_CHANGE_NONE;
                if (!g_str_equal(record->link.name, link->name)) {
                        forget_target(model, record->link.name);
                        forget_name(model, record);
                }
                /* A bridge forgets a port that leaves. */
                if (record->link.master != link->master)
                        forget_fdb_of(model, link->ifindex);
                record->link = *link;
        } else {
                record = g_new(LinkRecord, 1);
                *record = (LinkRecord){ .link = *link, .seen = true };
                g_hash_table_insert(model->links, GINT_TO_POINTER(link->ifindex), record);
        }
        note_name(model, record);
        return change | (moved ? wish_for(model, link) : BW_CHANGE_NONE);
}

/* Guests */

static bool guest_equal(const BwGuest *a, const BwGuest *b) {
        if (!g_str_equal(a->name, b->name) || a->active != b->active ||
            a->interfaces->len != b->interfaces->len)
                return false;
        for (guint i = 0; i < a->interfaces->len; i++) {
                const BwGuestInterface *x = &g_array_index(a->interfaces, BwGuestInterface, i);
                const BwGuestInterface *y = &g_array_index(b->interfaces, BwGuestInterface, i);

                if (memcmp(&x->mac, &y->mac, sizeof(BwMac)) != 0 ||
                    !g_str_equal(x->type, y->type) || g_strcmp0(x->source, y->source) != 0 ||
                    x->is_network != y->is_network || !g_str_equal(x->target, y->target))
                        return false;
        }
        return true;
}

/* What stands still when it is first told of may have run, unless all was told. */
static bool has_run(const BwModel *model, const GuestRecord *former, const BwGuest *guest) {
        if (!guest->active)
                return false;
        switch (guest->cpus) {
        case BW_CPUS_RUN:
        case BW_CPUS_RAN:
                return true;
        case BW_CPUS_REST:
                return former && former->guest->active ? former->has_run : !model->guests_known;
        case BW_CPUS_ELSEWHERE:
                return false;
        }
        g_assert_not_reached();
}

static unsigned take_guest(BwModel *model, const BwGuest *guest) {
        GuestRecord *record = g_hash_table_lookup(model->guests, guest->uuid);
        bool runs = has_run(model, record, guest);

        if (record && guest_equal(record->guest, guest) && record->has_run == runs) {
                record->seen = true;
                return BW_CHANGE_NONE;
        }
        forget_candidates(model);
        record = g_new0(GuestRecord, 1);
        record->guest = bw_guest_copy(guest);
        record->has_run = runs;
        record->seen = true;
        g_hash_table_replace(model->guests, g_strdup(guest->uuid), record);
        return BW_CHANGE_GUESTS;
}

/* The snapshot named it, though nobody can say what it is like just now. */
static void keep_guest(BwModel *model, const char *uuid) {
        GuestRecord *record = g_hash_table_lookup(model->guests, uuid);

        if (record)
                record->seen = true;
}

/* Who starts while libvirt is not heard is not told of: an interface that is here then is taken for
 * one of a guest that runs. */
static unsigned lose_guests(BwModel *model, BwSource source) {
        bool were_known = model->guests_known;

        if (source != BW_SOURCE_LIBVIRT)
                return BW_CHANGE_NONE;
        model->guests_known = false;
        return were_known ? BW_CHANGE_GUESTS : BW_CHANGE_NONE;
}

/* The host's own addresses */

/* They matter where a bridge's ports can be reached from: on the bridge, and behind a veth. */
static unsigned change_at(const BwModel *model, int ifindex) {
        const BwLink *link = bw_model_find_link(model, ifindex);

        return link && (link->kind == BW_LINK_BRIDGE || link->kind == BW_LINK_VETH)
                       ? BW_CHANGE_PORTS
                       : BW_CHANGE_NONE;
}

static unsigned take_address(BwModel *model, const BwHostAddress *address) {
        if (!bw_link_addresses_add(model->addresses, address))
                return BW_CHANGE_NONE;
        return change_at(model, address->ifindex);
}

static unsigned take_address_gone(BwModel *model, const BwHostAddress *address) {
        if (!bw_link_addresses_remove(model->addresses, address))
                return BW_CHANGE_NONE;
        return change_at(model, address->ifindex);
}

static unsigned end_addresses(BwModel *model) {
        g_autoptr(GArray) poorer = bw_link_addresses_end(model->addresses);
        unsigned change = BW_CHANGE_NONE;

        for (guint i = 0; i < poorer->len; i++)
                change |= change_at(model, g_array_index(poorer, int, i));
        return change;
}

/* Forwarding table */

static FdbKey key_of(const BwFdbEntry *entry) {
        return (FdbKey){ entry->mac, entry->bridge, entry->vlan };
}

static unsigned take_fdb(BwModel *model, const BwFdbEntry *entry, int64_t now_usec) {
        FdbKey key = key_of(entry);
        FdbRow *row = g_hash_table_lookup(model->fdb, &key);

        if (row && row->record.entry.port == entry->port) {
                row->seen = true;
                row->record.entry = *entry;
                return BW_CHANGE_NONE;
        }
        /* What somebody has written no flood can make more of. */
        if (!row && !entry->fixed && g_hash_table_size(model->fdb) >= BW_MAX_FDB_ENTRIES)
                return BW_CHANGE_NONE;
        row = g_new(FdbRow, 1);
        *row = (FdbRow){ .key = key, .record = { *entry, now_usec }, .seen = true };
        g_hash_table_replace(model->fdb, row, row);
        return BW_CHANGE_FDB;
}

static void forget_fdb(BwModel *model, const BwFdbEntry *entry) {
        FdbKey key = key_of(entry);

        g_hash_table_remove(model->fdb, &key);
}

/* Snapshots */

static void begin_netlink(BwModel *model) {
        GHashTableIter iter;
        LinkRecord *record;
        FdbRow *row;

        model->links_in_snapshot = true;
        bw_link_addresses_begin(model->addresses);
        bw_neighbour_table_begin(model->neighbours);
        g_hash_table_iter_init(&iter, model->links);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &record))
                record->seen = false;
        g_hash_table_iter_init(&iter, model->fdb);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &row))
                row->seen = false;
}

static unsigned end_netlink(BwModel *model) {
        g_autoptr(GArray) gone = g_array_new(FALSE, FALSE, sizeof(int));
        unsigned change = BW_CHANGE_NONE;
        GHashTableIter iter;
        LinkRecord *record;
        FdbRow *row;

        if (!model->links_in_snapshot)
                return BW_CHANGE_NONE;
        model->links_in_snapshot = false;
        change |= end_addresses(model);
        change |= bw_neighbour_table_end(model->neighbours) ? BW_CHANGE_NEIGHBOUR : 0;
        g_hash_table_iter_init(&iter, model->links);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &record))
                if (!record->seen)
                        g_array_append_val(gone, record->link.ifindex);
        for (guint i = 0; i < gone->len; i++)
                change |= take_link_gone(model, g_array_index(gone, int, i));
        g_hash_table_iter_init(&iter, model->fdb);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &row))
                if (!row->seen)
                        g_hash_table_iter_remove(&iter);
        return change;
}

static void begin_libvirt(BwModel *model) {
        GHashTableIter iter;
        GuestRecord *record;

        model->guests_in_snapshot = true;
        g_hash_table_iter_init(&iter, model->guests);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &record))
                record->seen = false;
}

static unsigned end_libvirt(BwModel *model) {
        unsigned change = BW_CHANGE_NONE;
        GHashTableIter iter;
        GuestRecord *record;

        if (!model->guests_in_snapshot)
                return BW_CHANGE_NONE;
        model->guests_in_snapshot = false;
        if (!model->guests_known)
                change = BW_CHANGE_GUESTS;
        model->guests_known = true;
        g_hash_table_iter_init(&iter, model->guests);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &record)) {
                if (record->seen)
                        continue;
                forget_candidates(model);
                g_hash_table_iter_remove(&iter);
                change = BW_CHANGE_GUESTS;
        }
        return change;
}

static unsigned take_snapshot_begin(BwModel *model, BwSource source) {
        switch (source) {
        case BW_SOURCE_NETLINK:
                begin_netlink(model);
                return BW_CHANGE_NONE;
        case BW_SOURCE_LIBVIRT:
                begin_libvirt(model);
                return BW_CHANGE_NONE;
        }
        g_assert_not_reached();
}

static unsigned take_snapshot_end(BwModel *model, BwSource source) {
        switch (source) {
        case BW_SOURCE_NETLINK:
                return end_netlink(model);
        case BW_SOURCE_LIBVIRT:
                return end_libvirt(model);
        }
        g_assert_not_reached();
}

static unsigned take_guest_gone(BwModel *model, const char *uuid) {
        forget_candidates(model);
        return g_hash_table_remove(model->guests, uuid) ? BW_CHANGE_GUESTS : BW_CHANGE_NONE;
}

static unsigned take_neighbour(BwModel *model, const BwNeighbour *neighbour, bool is_gone) {
        bool is_news = is_gone ? bw_neighbour_table_remove(model->neighbours, neighbour)
                               : bw_neighbour_table_set(model->neighbours, neighbour);

        return is_news ? BW_CHANGE_NEIGHBOUR : BW_CHANGE_NONE;
}

unsigned bw_model_apply(BwModel *model, const BwFact *fact, int64_t now_usec) {
        switch (fact->kind) {
        case BW_FACT_SNAPSHOT_BEGIN:
                return take_snapshot_begin(model, fact->source);
        case BW_FACT_SNAPSHOT_END:
                return take_snapshot_end(model, fact->source);
        case BW_FACT_LINK:
                return take_link(model, &fact->link);
        case BW_FACT_LINK_GONE:
                bw_link_addresses_forget(model->addresses, fact->link.ifindex);
                bw_neighbour_table_forget(model->neighbours, fact->link.ifindex);
                return take_link_gone(model, fact->link.ifindex);
        case BW_FACT_FDB:
                return take_fdb(model, &fact->fdb, now_usec);
        case BW_FACT_FDB_GONE:
                forget_fdb(model, &fact->fdb);
                return BW_CHANGE_NONE;
        case BW_FACT_NEIGHBOUR:
        case BW_FACT_NEIGHBOUR_GONE:
                return take_neighbour(model, &fact->neighbour,
                                      fact->kind == BW_FACT_NEIGHBOUR_GONE);
        case BW_FACT_ADDRESS:
                return take_address(model, &fact->address);
        case BW_FACT_ADDRESS_GONE:
                return take_address_gone(model, &fact->address);
        case BW_FACT_GUEST:
                return take_guest(model, fact->guest);
        case BW_FACT_GUEST_GONE:
                return take_guest_gone(model, fact->uuid);
        case BW_FACT_GUEST_SEEN:
                keep_guest(model, fact->uuid);
                return BW_CHANGE_NONE;
        case BW_FACT_CONNECTED:
        case BW_FACT_DISCONNECTED:
                return lose_guests(model, fact->source);
        case BW_FACT_OVERRUN:
                return BW_CHANGE_NONE;
        }
        g_assert_not_reached();
}

/* Questions */

const BwLink *bw_model_find_link(const BwModel *model, int ifindex) {
        LinkRecord *record = g_hash_table_lookup(model->links, GINT_TO_POINTER(ifindex));

        return record ? &record->link : NULL;
}

const BwLink *bw_model_find_peer(const BwModel *model, const BwLink *link) {
        const BwLink *peer = link->kind == BW_LINK_VETH && link->peer
                                     ? bw_model_find_link(model, link->peer)
                                     : NULL;

        if (!peer || peer == link || peer->kind != BW_LINK_VETH || peer->peer != link->ifindex)
                return NULL;
        return peer;
}

static const BwGuest *find_guest_by_name(const BwModel *model, const char *name) {
        GHashTableIter iter;
        GuestRecord *record;

        g_hash_table_iter_init(&iter, model->guests);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &record))
                if (g_str_equal(record->guest->name, name))
                        return record->guest;
        return NULL;
}

const BwGuest *bw_model_find_guest(const BwModel *model, const char *name_or_uuid) {
        GuestRecord *record = g_hash_table_lookup(model->guests, name_or_uuid);

        return record ? record->guest : find_guest_by_name(model, name_or_uuid);
}

GPtrArray *bw_model_list_links(const BwModel *model) {
        GPtrArray *links = g_ptr_array_sized_new(model->sorted->len);

        for (guint i = 0; i < model->sorted->len; i++)
                g_ptr_array_add(links, &((LinkRecord *) model->sorted->pdata[i])->link);
        return links;
}

bool bw_model_is_here(const BwModel *model, const BwGuest *guest) {
        const GuestRecord *record = g_hash_table_lookup(model->guests, guest->uuid);

        if (!guest->active)
                return !model->guests_known;
        return !record || record->has_run;
}

static int compare_guests(gconstpointer a, gconstpointer b) {
        const BwGuest *left = *(const BwGuest *const *) a, *right = *(const BwGuest *const *) b;

        return strcmp(left->uuid, right->uuid);
}

GPtrArray *bw_model_list_guests(const BwModel *model) {
        GPtrArray *guests = g_ptr_array_sized_new(g_hash_table_size(model->guests));
        GHashTableIter iter;
        GuestRecord *record;

        g_hash_table_iter_init(&iter, model->guests);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &record))
                g_ptr_array_add(guests, record->guest);
        g_ptr_array_sort(guests, compare_guests);
        return guests;
}

GArray *bw_model_list_addresses(const BwModel *model, int ifindex) {
        return bw_link_addresses_list(model->addresses, ifindex);
}

void bw_model_each_fdb(const BwModel *model, void (*each)(const BwFdbRecord *record, gpointer user),
                       gpointer user) {
        GHashTableIter iter;
        const FdbRow *row;

        g_hash_table_iter_init(&iter, model->fdb);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &row))
                each(&row->record, user);
}

const BwFdbRecord *bw_model_find_fdb(const BwModel *model, int bridge, const BwMac *mac,
                                     uint16_t vlan) {
        const FdbKey key = { *mac, bridge, vlan };
        const FdbRow *row = g_hash_table_lookup(model->fdb, &key);

        return row ? &row->record : NULL;
}

static int compare_fdb(gconstpointer a, gconstpointer b) {
        const BwFdbEntry *left = &(*(const BwFdbRecord *const *) a)->entry;
        const BwFdbEntry *right = &(*(const BwFdbRecord *const *) b)->entry;
        int order = (left->bridge > right->bridge) - (left->bridge < right->bridge);

        if (order == 0)
                order = memcmp(&left->mac, &right->mac, sizeof(BwMac));
        return order ? order : (left->port > right->port) - (left->port < right->port);
}

GPtrArray *bw_model_list_fdb(const BwModel *model) {
        GPtrArray *entries = g_ptr_array_sized_new(g_hash_table_size(model->fdb));
        GHashTableIter iter;
        FdbRow *row;

        g_hash_table_iter_init(&iter, model->fdb);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &row))
                g_ptr_array_add(entries, &row->record);
        g_ptr_array_sort(entries, compare_fdb);
        return entries;
}

const BwNeighbour *bw_model_find_neighbour(const BwModel *model, int ifindex,
                                           const BwPrefix *address) {
        return bw_neighbour_table_find(model->neighbours, ifindex, address);
}

GPtrArray *bw_model_list_neighbours(const BwModel *model) {
        return bw_neighbour_table_list(model->neighbours);
}

const BwGuestInterface *bw_model_find_interface(BwModel *model, const BwLink *port,
                                                const BwGuest **ret_guest) {
        return bw_guest_index_find(list_candidates(model), port, ret_guest);
}
