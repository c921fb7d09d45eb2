/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fdb_watch.h"

#include <bw/border.h>
#include <bw/port_text.h>
#include <bw/rate.h>
#include <syslog.h>

#define INTERVAL_SECONDS 10
#define BORDER_FACTOR    10

/* Lent from the plan. */
typedef struct Place {
        const BwBridgePlan *bridge;
        const BwPortPlan *port;
} Place;

/* Whose a MAC is, by segment; and, by bridge, which have aged out. */
typedef struct MacKey {
        BwMac mac;
        guint where; /* a segment's number, or a bridge's ifindex */
} MacKey;

typedef struct Owner {
        MacKey key;
        Place place;
} Owner;

typedef struct Expired {
        MacKey key;
        char *hazard; /* its subject; NULL: no frame has missed it yet */
} Expired;

struct BwFdbWatch {
        BwJournal *journal;
        BwHazards *hazards;
        BwRate *rate;
        BwFdbTally *tally;
        const BwPlan *plan;
        GHashTable *ports;   /* ifindex -> Place * */
        GHashTable *owners;  /* MacKey, by segment -> Owner * (the key is its) */
        GHashTable *expired; /* MacKey, by bridge -> Expired * (the key is its): bound MACs only */
        bool is_dump;        /* what is told now is not new, only told anew */
        guint interval_timer;
};

static guint hash_key(gconstpointer pointer) {
        const MacKey *key = pointer;

        return bw_mac_hash(&key->mac) * 31 + key->where;
}

static gboolean equal_keys(gconstpointer a, gconstpointer b) {
        const MacKey *left = a, *right = b;

        return left->where == right->where && bw_mac_equal(&left->mac, &right->mac);
}

static void free_expired(gpointer pointer) {
        Expired *expired = pointer;

        g_free(expired->hazard);
        g_free(expired);
}

BwFdbWatch *bw_fdb_watch_new(BwJournal *journal, BwHazards *hazards) {
        BwFdbWatch *watch = g_new0(BwFdbWatch, 1);

        watch->journal = journal;
        watch->hazards = hazards;
        watch->rate = bw_rate_new(1);
        watch->tally = bw_fdb_tally_new();
        watch->ports = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        watch->owners = g_hash_table_new_full(hash_key, equal_keys, NULL, g_free);
        watch->expired = g_hash_table_new_full(hash_key, equal_keys, NULL, free_expired);
        return watch;
}

void bw_fdb_watch_free(BwFdbWatch *watch) {
        if (!watch)
                return;
        g_clear_handle_id(&watch->interval_timer, g_source_remove);
        g_hash_table_unref(watch->expired);
        g_hash_table_unref(watch->owners);
        g_hash_table_unref(watch->ports);
        bw_fdb_tally_free(watch->tally);
        bw_rate_free(watch->rate);
        g_free(watch);
}

const BwFdbTally *bw_fdb_watch_tally(const BwFdbWatch *watch) {
        return watch->tally;
}

/* The plan */

static const Owner *find_owner(const BwFdbWatch *watch, const BwBridgePlan *bridge,
                               const BwMac *mac) {
        const MacKey key = { *mac, bridge->segment };

        return g_hash_table_lookup(watch->owners, &key);
}

/* What is declared behind a border counts where nobody has it himself. */
static void index_mac(BwFdbWatch *watch, const Place *place, const BwMac *mac) {
        const Owner *former = find_owner(watch, place->bridge, mac);
        Owner *owner;

        if (former &&
            (bw_role_is_border(place->port->role) || !bw_role_is_border(former->place.port->role)))
                return;
        owner = g_new0(Owner, 1);
        owner->key = (MacKey){ *mac, place->bridge->segment };
        owner->place = *place;
        g_hash_table_replace(watch->owners, &owner->key, owner);
}

static void index_bridge(BwFdbWatch *watch, const BwBridgePlan *bridge) {
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];
                Place *place = g_new0(Place, 1);

                place->bridge = bridge;
                place->port = port;
                g_hash_table_replace(watch->ports, GINT_TO_POINTER(port->ifindex), place);
                for (guint k = 0; k < port->macs->len; k++)
                        index_mac(watch, place, &g_array_index(port->macs, BwMac, k));
        }
}

static void clear_hazard(BwFdbWatch *watch, const Expired *expired) {
        if (expired->hazard)
                bw_hazards_clear(watch->hazards, BW_HAZARD_FLOOD_RISK, expired->hazard);
}

/* Whether somebody on that bridge still has that MAC. */
static bool is_bound(const BwFdbWatch *watch, const MacKey *key) {
        for (guint i = 0; watch->plan && i < watch->plan->bridges->len; i++) {
                const BwBridgePlan *bridge = watch->plan->bridges->pdata[i];
                const Owner *owner = (guint) bridge->ifindex == key->where
                                             ? find_owner(watch, bridge, &key->mac)
                                             : NULL;

                if (owner)
                        return owner->place.bridge == bridge && !owner->place.port->absent;
        }
        return false;
}

static void drop_unbound(BwFdbWatch *watch) {
        GHashTableIter iter;
        const Expired *expired;

        g_hash_table_iter_init(&iter, watch->expired);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &expired)) {
                if (is_bound(watch, &expired->key))
                        continue;
                clear_hazard(watch, expired);
                g_hash_table_iter_remove(&iter);
        }
}

void bw_fdb_watch_set_plan(BwFdbWatch *watch, const BwPlan *plan) {
        watch->plan = plan;
        g_hash_table_remove_all(watch->ports);
        g_hash_table_remove_all(watch->owners);
        for (guint i = 0; plan && i < plan->bridges->len; i++)
                index_bridge(watch, plan->bridges->pdata[i]);
        drop_unbound(watch);
}

/* Floods of MACs */

static void say_flood(int ifindex, guint macs, gpointer user) {
        BwFdbWatch *watch = user;
        const Place *place = g_hash_table_lookup(watch->ports, GINT_TO_POINTER(ifindex));
        guint most = BW_FDB_FLOOD_MACS;
        g_autofree char *who = NULL, *count = NULL, *sentence = NULL;

        if (!place)
                return;
        if (bw_role_is_border(place->port->role))
                most *= BORDER_FACTOR;
        if (macs < most)
                return;
        who = bw_port_text_who(place->bridge, place->port);
        count = g_strdup_printf("%u", macs);
        sentence = g_strdup_printf("Port %s made its bridge learn %s MAC addresses in %d seconds",
                                   who, count, INTERVAL_SECONDS);
        bw_journal_say(watch->journal, BW_MESSAGE_MAC_FLOOD, LOG_WARNING, sentence, "BW_PORT",
                       place->port->name, "BW_BRIDGE", place->bridge->name, "BW_GUEST",
                       place->port->guest, "BW_OFFENDER", place->port->name, "BW_OFFENDER_GUEST",
                       place->port->guest, "BW_COUNT", count, NULL);
}

static void say_left_out(const char *key, uint64_t left_out, gpointer user) {
        BwFdbWatch *watch = user;
        g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, left_out);
        g_autofree char *sentence =
                g_strdup_printf("Moves of bound MACs: %s, %s more times than was told", key, count);

        bw_journal_say(watch->journal, BW_MESSAGE_MAC_MOVED, LOG_WARNING, sentence, "BW_COUNT",
                       count, NULL);
}

static void start_interval(BwFdbWatch *watch);

/* One more than there was news in: what came late in the last one is told then. */
static gboolean on_interval(gpointer user) {
        BwFdbWatch *watch = user;

        watch->interval_timer = 0;
        bw_rate_sum_up(watch->rate, g_get_monotonic_time(), 0, say_left_out, watch);
        if (bw_fdb_tally_end_interval(watch->tally, say_flood, watch))
                start_interval(watch);
        return G_SOURCE_REMOVE;
}

static void start_interval(BwFdbWatch *watch) {
        if (!watch->interval_timer)
                watch->interval_timer = g_timeout_add_seconds(INTERVAL_SECONDS, on_interval, watch);
}

/* Bound MACs elsewhere */

static void say_moved(BwFdbWatch *watch, const BwMac *mac, const Place *owner, const Place *thief) {
        char text[BW_MAC_TEXT_SIZE];
        g_autofree char *from = bw_port_text_who(owner->bridge, owner->port);
        g_autofree char *to = bw_port_text_who(thief->bridge, thief->port);
        g_autofree char *sentence = g_strdup_printf("MAC %s of port %s was learned on port %s",
                                                    bw_mac_print(mac, text), from, to);

        bw_journal_say(watch->journal, BW_MESSAGE_MAC_MOVED, LOG_WARNING, sentence, "BW_PORT",
                       owner->port->name, "BW_GUEST", owner->port->guest, "BW_BRIDGE",
                       owner->bridge->name, "BW_OFFENDER", thief->port->name, "BW_OFFENDER_GUEST",
                       thief->port->guest, "BW_MAC", text, NULL);
}

/* A MAC comes in by the borders that lead to its place in the segment, and by no others. */
static bool may_be_there(const BwFdbWatch *watch, const BwMac *mac, const Place *owner,
                         const Place *found) {
        const BwSegmentPlan *segment = watch->plan->segments->pdata[found->bridge->segment];
        const BwOwnedMac *owned = bw_border_find_mac(segment, mac);

        if (owner->port == found->port)
                return true;
        return bw_role_is_border(found->port->role) && owned &&
               bw_border_leads_to(segment, owned->site, found->port);
}

static void look_for_theft(BwFdbWatch *watch, const BwFdbEntry *entry) {
        const Place *found = g_hash_table_lookup(watch->ports, GINT_TO_POINTER(entry->port));
        const Owner *owner = found ? find_owner(watch, found->bridge, &entry->mac) : NULL;
        g_autofree char *key = NULL;
        char text[BW_MAC_TEXT_SIZE];

        if (!owner || may_be_there(watch, &entry->mac, &owner->place, found))
                return;
        key = g_strdup_printf("%s learned on port %s", bw_mac_print(&entry->mac, text),
                              found->port->name);
        if (bw_rate_pass(watch->rate, key, g_get_monotonic_time()))
                say_moved(watch, &entry->mac, &owner->place, found);
        start_interval(watch);
}

/* Bound MACs that are nowhere */

static void forget_expired(BwFdbWatch *watch, const BwFdbEntry *entry) {
        const MacKey key = { entry->mac, (guint) entry->bridge };
        const Expired *expired = g_hash_table_lookup(watch->expired, &key);

        if (!expired)
                return;
        clear_hazard(watch, expired);
        g_hash_table_remove(watch->expired, &key);
}

static void note_expired(BwFdbWatch *watch, const BwFdbEntry *entry) {
        const Place *place = g_hash_table_lookup(watch->ports, GINT_TO_POINTER(entry->port));
        const Owner *owner = place ? find_owner(watch, place->bridge, &entry->mac) : NULL;
        const MacKey key = { entry->mac, (guint) entry->bridge };
        Expired *expired;

        if (!owner || owner->place.port != place->port || place->port->absent ||
            g_hash_table_contains(watch->expired, &key))
                return;
        expired = g_new0(Expired, 1);
        expired->key = key;
        g_hash_table_insert(watch->expired, &expired->key, expired);
}

static void raise_flood_risk(BwFdbWatch *watch, Expired *expired, const Place *owner) {
        char mac[BW_MAC_TEXT_SIZE];
        g_autofree char *who = bw_port_text_who(owner->bridge, owner->port);
        g_autofree char *sentence = NULL;

        bw_mac_print(&expired->key.mac, mac);
        expired->hazard = g_strdup_printf("%s/%s", owner->bridge->name, mac);
        sentence = g_strdup_printf("MAC %s of port %s has aged out of the forwarding table while "
                                   "frames to it go on: the bridge floods them. FdbLock=yes keeps "
                                   "the MAC there",
                                   mac, who);
        bw_hazards_raise(watch->hazards, BW_HAZARD_FLOOD_RISK, expired->hazard, owner->bridge->name,
                         sentence);
}

void bw_fdb_watch_misdelivered(BwFdbWatch *watch, const BwViolation *violation) {
        const BwBridgePlan *bridge = NULL;
        const Owner *owner;
        Expired *expired;
        MacKey key;

        if (g_hash_table_size(watch->expired) == 0 ||
            !bw_mac_read(violation->destination_mac, &key.mac) ||
            !bw_plan_find_port(watch->plan, violation->port, &bridge))
                return;
        key.where = (guint) bridge->ifindex;
        expired = g_hash_table_lookup(watch->expired, &key);
        owner = expired && !expired->hazard ? find_owner(watch, bridge, &key.mac) : NULL;
        if (owner)
                raise_flood_risk(watch, expired, &owner->place);
}

/* News */

static void take_entry(BwFdbWatch *watch, const BwModel *model, const BwFdbEntry *entry) {
        const BwFdbRecord *former =
                bw_model_find_fdb(model, entry->bridge, &entry->mac, entry->vlan);

        if (g_hash_table_size(watch->expired) > 0)
                forget_expired(watch, entry);
        if (entry->local || (former && former->entry.port == entry->port))
                return;
        if (former && !watch->is_dump)
                bw_fdb_tally_moved(watch->tally, entry->port, g_get_monotonic_time());
        else if (!entry->fixed && !watch->is_dump)
                bw_fdb_tally_learned(watch->tally, entry->port, g_get_monotonic_time());
        if (!watch->is_dump)
                start_interval(watch);
        if (watch->plan && (former || !watch->is_dump || !entry->fixed))
                look_for_theft(watch, entry);
}

static void take_entry_gone(BwFdbWatch *watch, const BwModel *model, const BwFdbEntry *gone) {
        const BwFdbRecord *former = bw_model_find_fdb(model, gone->bridge, &gone->mac, gone->vlan);

        /* Of a move both are told, the new place first. */
        if (!former || former->entry.local || former->entry.port != gone->port)
                return;
        bw_fdb_tally_expired(watch->tally, gone->port, g_get_monotonic_time());
        if (watch->plan)
                note_expired(watch, gone);
}

void bw_fdb_watch_take(BwFdbWatch *watch, const BwModel *model, const BwFact *fact) {
        switch (fact->kind) {
        case BW_FACT_FDB:
                take_entry(watch, model, &fact->fdb);
                return;
        case BW_FACT_FDB_GONE:
                take_entry_gone(watch, model, &fact->fdb);
                return;
        case BW_FACT_LINK_GONE:
                bw_fdb_tally_forget(watch->tally, fact->link.ifindex);
                return;
        case BW_FACT_SNAPSHOT_BEGIN:
        case BW_FACT_SNAPSHOT_END:
                if (fact->source == BW_SOURCE_NETLINK)
                        watch->is_dump = fact->kind == BW_FACT_SNAPSHOT_BEGIN;
                return;
        case BW_FACT_OVERRUN:
        case BW_FACT_LINK:
        case BW_FACT_NEIGHBOUR:
        case BW_FACT_NEIGHBOUR_GONE:
        case BW_FACT_ADDRESS:
        case BW_FACT_ADDRESS_GONE:
        case BW_FACT_GUEST:
        case BW_FACT_GUEST_GONE:
        case BW_FACT_GUEST_SEEN:
        case BW_FACT_CONNECTED:
        case BW_FACT_DISCONNECTED:
                return;
        }
        g_assert_not_reached();
}
