/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "port_locks.h"

#include <bw/error.h>
#include <bw/port_text.h>
#include <syslog.h>

#include "hazard_round.h"

/* What is known of a port besides the model, which is as old as the last news. */
typedef struct Port {
        int bridge;
        unsigned set, set_on;   /* set by us since the last news of the link; not told yet */
        unsigned seen, seen_on; /* told by the kernel as they must be */
} Port;

/* An entry of the forwarding table that we made, by bridge and MAC. */
typedef struct Entry {
        int bridge;
        BwMac mac;
        int port;
        bool sure; /* the kernel has taken it, and nothing was heard since that says otherwise */
        bool seen; /* it was told */
} Entry;

struct BwPortLocks {
        BwJournal *journal;
        BwNetlink *netlink;
        BwUndoFile *file;
        GHashTable *ports;    /* ifindex -> Port * */
        GHashTable *entries;  /* Entry * -> itself */
        BwHazardRound *stuck; /* what could not be done */
};

/* Entries */

static guint hash_entry(gconstpointer pointer) {
        const Entry *entry = pointer;

        return bw_mac_hash(&entry->mac) * 31 + (guint) entry->bridge;
}

static gboolean equal_entries(gconstpointer a, gconstpointer b) {
        const Entry *left = a, *right = b;

        return left->bridge == right->bridge && bw_mac_equal(&left->mac, &right->mac);
}

static Entry *find_entry(const BwPortLocks *locks, int bridge, const BwMac *mac) {
        const Entry key = { .bridge = bridge, .mac = *mac };

        return g_hash_table_lookup(locks->entries, &key);
}

static Entry *add_entry(BwPortLocks *locks, int bridge, const BwMac *mac, int port) {
        Entry *entry = find_entry(locks, bridge, mac);

        if (!entry) {
                entry = g_new0(Entry, 1);
                entry->bridge = bridge;
                entry->mac = *mac;
                g_hash_table_add(locks->entries, entry);
        }
        if (entry->port != port)
                entry->seen = entry->sure = false;
        entry->port = port;
        return entry;
}

static gboolean is_at_port(gpointer entry, G_GNUC_UNUSED gpointer itself, gpointer port) {
        return ((const Entry *) entry)->port == GPOINTER_TO_INT(port);
}

static void forget_port(BwPortLocks *locks, int port) {
        if (g_hash_table_remove(locks->ports, GINT_TO_POINTER(port)))
                g_hash_table_foreach_remove(locks->entries, is_at_port, GINT_TO_POINTER(port));
}

static Port *find_port(BwPortLocks *locks, const BwLink *link) {
        Port *port = g_hash_table_lookup(locks->ports, GINT_TO_POINTER(link->ifindex));

        if (port && port->bridge == link->master)
                return port;
        forget_port(locks, link->ifindex);
        port = g_new0(Port, 1);
        port->bridge = link->master;
        g_hash_table_insert(locks->ports, GINT_TO_POINTER(link->ifindex), port);
        return port;
}

/* Life */

BwPortLocks *bw_port_locks_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink,
                               BwUndoFile *file) {
        BwPortLocks *locks = g_new0(BwPortLocks, 1);

        locks->journal = journal;
        locks->netlink = netlink;
        locks->file = file;
        locks->ports = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        locks->entries = g_hash_table_new_full(hash_entry, equal_entries, g_free, NULL);
        locks->stuck = bw_hazard_round_new(hazards, BW_HAZARD_OTHER);
        return locks;
}

void bw_port_locks_free(BwPortLocks *locks) {
        if (!locks)
                return;
        g_hash_table_unref(locks->ports);
        g_hash_table_unref(locks->entries);
        bw_hazard_round_free(locks->stuck);
        g_free(locks);
}

/* News */

/* A link on another bridge is a new port: all its flags are new. */
static void take_link(BwPortLocks *locks, const BwLink *link) {
        Port *port = g_hash_table_lookup(locks->ports, GINT_TO_POINTER(link->ifindex));

        if (!port)
                return;
        port->set = 0;
        if (port->bridge == link->master)
                return;
        forget_port(locks, link->ifindex);
        bw_undo_remove_port(bw_undo_file_undo(locks->file), link->ifindex);
}

static bool take_entry(BwPortLocks *locks, const BwFdbEntry *told, bool is_gone) {
        Entry *entry = told->vlan ? NULL : find_entry(locks, told->bridge, &told->mac);

        if (!entry)
                return false;
        if (!is_gone && told->port == entry->port && told->fixed) {
                entry->seen = true;
                return false;
        }
        entry->sure = false;
        return true;
}

/* A dump tells what is; what it has cut off is written again, without a word. */
static void doubt_all(BwPortLocks *locks) {
        GHashTableIter iter;
        Entry *entry;

        g_hash_table_iter_init(&iter, locks->entries);
        while (g_hash_table_iter_next(&iter, (gpointer *) &entry, NULL))
                entry->sure = entry->seen = false;
}

bool bw_port_locks_take(BwPortLocks *locks, const BwFact *fact) {
        switch (fact->kind) {
        case BW_FACT_LINK:
                take_link(locks, &fact->link);
                return false;
        case BW_FACT_LINK_GONE:
                forget_port(locks, fact->link.ifindex);
                bw_undo_remove_port(bw_undo_file_undo(locks->file), fact->link.ifindex);
                return false;
        case BW_FACT_FDB:
                return take_entry(locks, &fact->fdb, false);
        case BW_FACT_FDB_GONE:
                return take_entry(locks, &fact->fdb, true);
        case BW_FACT_SNAPSHOT_BEGIN:
                if (fact->source == BW_SOURCE_NETLINK)
                        doubt_all(locks);
                return false;
        case BW_FACT_SNAPSHOT_END:
        case BW_FACT_OVERRUN:
        case BW_FACT_NEIGHBOUR:
        case BW_FACT_NEIGHBOUR_GONE:
        case BW_FACT_ADDRESS:
        case BW_FACT_ADDRESS_GONE:
        case BW_FACT_GUEST:
        case BW_FACT_GUEST_GONE:
        case BW_FACT_GUEST_SEEN:
        case BW_FACT_CONNECTED:
        case BW_FACT_DISCONNECTED:
                return false;
        }
        g_assert_not_reached();
}

/* Hazards: their subjects are parted by a slash, which no name of a link holds */

static const char *describe_missing(BwPortFlag flag) {
        switch (flag) {
        case BW_FLAG_LEARNING:
                return "the bridge goes on learning from every source";
        case BW_FLAG_UNICAST_FLOOD:
                return "guests still get what is for unknown MACs, as far as no rule stops it";
        case BW_FLAG_LOCKED:
                return "(Linux 5.18 has it) forged sources are stopped by rules alone";
        case BW_FLAG_ISOLATED:
                return "(Linux 4.18 has it) Isolated= is without effect";
        case BW_FLAG_BPDU_GUARD:
                return "a guest's BPDUs are stopped by rules alone";
        case BW_FLAG_HAIRPIN:
                return "it is not needed";
        }
        g_assert_not_reached();
}

static void say_lacking(BwPortLocks *locks, unsigned lacking) {
        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++) {
                g_autofree char *sentence = NULL;

                if (!(lacking & BW_FLAG_BIT(flag)))
                        continue;
                sentence = g_strdup_printf("This kernel does not have the port flag %s: %s",
                                           bw_port_flag_name(flag), describe_missing(flag));
                bw_hazard_round_raise(locks->stuck,
                                      g_strdup_printf("port-flag/%s", bw_port_flag_name(flag)),
                                      NULL, sentence);
        }
}

/* What the kernel does to a port with BPDU guard: br_stp_bpdu.c, br_stp_rcv(). */
static void say_if_tripped(BwPortLocks *locks, const BwPortLock *lock) {
        const BwLink *link = lock->link;
        g_autofree char *who = NULL, *sentence = NULL;

        if (!(link->flags & lock->on & BW_FLAG_BIT(BW_FLAG_BPDU_GUARD)) || !link->up ||
            !link->running || link->stp_state != BW_STP_DISABLED)
                return;
        who = bw_port_text_who(lock->bridge, lock->port);
        sentence = g_strdup_printf("The bridge has switched port %s off, most likely because a "
                                   "BPDU came from it. When that is mended, set the interface down "
                                   "and up again",
                                   who);
        bw_hazard_round_raise(locks->stuck, g_strdup_printf("%s/bpdu-guard", lock->port->name),
                              lock->bridge->name, sentence);
}

/* Saying what was repaired */

static void say_repaired(BwPortLocks *locks, const BwPortLock *lock, const char *sentence) {
        bw_journal_say(locks->journal, BW_MESSAGE_DRIFT_REPAIRED, LOG_WARNING, sentence, "BW_PORT",
                       lock->port->name, "BW_BRIDGE", lock->bridge->name, "BW_GUEST",
                       lock->port->guest, NULL);
}

static void say_flags(BwPortLocks *locks, const BwPortLock *lock, unsigned changed) {
        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++) {
                bool must = lock->on & BW_FLAG_BIT(flag);
                g_autofree char *sentence = NULL;

                if (!(changed & BW_FLAG_BIT(flag)))
                        continue;
                sentence = g_strdup_printf("Somebody switched %s of port %s %s; it is %s again",
                                           bw_port_flag_name(flag), lock->port->name,
                                           must ? "off" : "on", must ? "on" : "off");
                say_repaired(locks, lock, sentence);
        }
}

static void say_entry(BwPortLocks *locks, const BwPortLock *lock, const BwMac *mac) {
        char text[BW_MAC_TEXT_SIZE];
        g_autofree char *sentence =
                g_strdup_printf("Somebody took MAC %s from port %s in the forwarding table of "
                                "bridge %s; it is there again",
                                bw_mac_print(mac, text), lock->port->name, lock->bridge->name);

        say_repaired(locks, lock, sentence);
}

/* One round */

typedef struct Work {
        const BwPortLock *lock; /* NULL: back to what was */
        const BwLink *link;     /* lent from the model */
        BwPortLockStep *step;
        bool failed;
} Work;

static void clear_work(gpointer work) {
        bw_port_lock_step_free(((Work *) work)->step);
}

static bool note_failure(BwPortLocks *locks, Work *work, const GError *error) {
        g_autofree char *sentence = NULL;

        work->failed = true;
        /* A port that has just gone is no hazard; the news is on its way. */
        if (g_error_matches(error, BW_ERROR, BW_ERROR_ABSENT))
                return false;
        sentence = g_strdup_printf("Port %s cannot be %s: %s", work->link->name,
                                   work->lock && work->lock->mask ? "locked" : "unlocked",
                                   error->message);
        bw_hazard_round_raise(locks->stuck, g_strdup_printf("%s/lock", work->link->name), NULL,
                              sentence);
        return false;
}

static bool fix(BwPortLocks *locks, Work *work) {
        for (guint i = 0; i < work->step->fix->len; i++) {
                const BwMac *mac = &g_array_index(work->step->fix, BwMac, i);
                Entry *entry = add_entry(locks, work->link->master, mac, work->link->ifindex);
                g_autoptr(GError) error = NULL;

                if (!bw_netlink_fix_fdb(locks->netlink, work->link->ifindex, mac, &error))
                        return note_failure(locks, work, error);
                if (entry->seen)
                        say_entry(locks, work->lock, mac);
                entry->sure = true;
                entry->seen = false;
        }
        return true;
}

static bool set_flags(BwPortLocks *locks, Work *work) {
        const BwPortLockStep *step = work->step;
        Port *port = find_port(locks, work->link);
        g_autoptr(GError) error = NULL;
        unsigned changed;

        if (step->mask == 0)
                return true;
        if (!bw_netlink_set_port_flags(locks->netlink, work->link->ifindex, step->mask, step->on,
                                       &error))
                return note_failure(locks, work, error);
        port->set |= step->mask;
        port->set_on = (port->set_on & ~step->mask) | step->on;
        changed = step->mask & port->seen & ~(port->seen_on ^ step->on);
        if (work->lock)
                say_flags(locks, work->lock, changed);
        port->seen &= ~step->mask;
        return true;
}

/* What we do not find is released already. */
static bool release(BwPortLocks *locks, Work *work) {
        for (guint i = 0; i < work->step->release->len; i++) {
                const BwMac *mac = &g_array_index(work->step->release, BwMac, i);
                Entry *entry = find_entry(locks, work->link->master, mac);
                g_autoptr(GError) error = NULL;

                if (entry && entry->port == work->link->ifindex)
                        g_hash_table_remove(locks->entries, entry);
                if (!bw_netlink_release_fdb(locks->netlink, work->link->ifindex, mac, &error) &&
                    !g_error_matches(error, BW_ERROR, BW_ERROR_ABSENT))
                        return note_failure(locks, work, error);
        }
        return true;
}

static void forget(BwPortLocks *locks, const Work *work) {
        BwUndo *undo = bw_undo_file_undo(locks->file);
        BwUndoPort *port = bw_undo_find_port(undo, work->link->ifindex);

        if (port && bw_port_lock_forget(work->lock, work->step, port))
                bw_undo_remove_port(undo, work->link->ifindex);
}

/* All are fixed before any is locked, so that a MAC that goes from port to port is never nowhere;
 * and a port whose MACs are not fixed is not locked. */
static void carry_out(BwPortLocks *locks, GArray *works) {
        for (guint i = 0; i < works->len; i++)
                fix(locks, &g_array_index(works, Work, i));
        for (guint i = 0; i < works->len; i++) {
                Work *work = &g_array_index(works, Work, i);

                if (!work->failed)
                        set_flags(locks, work);
        }
        for (guint i = 0; i < works->len; i++) {
                Work *work = &g_array_index(works, Work, i);

                if (!work->failed && release(locks, work))
                        forget(locks, work);
        }
}

static void save(BwPortLocks *locks) {
        g_autoptr(GError) error = NULL;
        g_autofree char *sentence = NULL;

        if (bw_undo_file_save(locks->file, &error))
                return;
        sentence = g_strdup_printf("What ports were before they were locked cannot be written "
                                   "down: %s. After a restart they are taken for ports as kernels "
                                   "make them",
                                   error->message);
        bw_hazard_round_raise(locks->stuck, g_strdup("undo/file"), NULL, sentence);
}

/* What is remembered of links that are gone, or are others by now. A running daemon has seen a MAC
 * or a name change. */
static void tidy(BwPortLocks *locks, const BwModel *model) {
        GHashTableIter iter;
        BwUndoPort *port;

        g_hash_table_iter_init(&iter, bw_undo_file_undo(locks->file)->ports);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &port)) {
                const BwLink *link = bw_model_find_link(model, port->port);

                if (link && g_hash_table_contains(locks->ports, GINT_TO_POINTER(port->port)))
                        port->mac = link->mac;
                if (!link || !bw_undo_is_about(port, link))
                        g_hash_table_iter_remove(&iter);
                else
                        g_strlcpy(port->name, link->name, sizeof(port->name));
        }
}

static void note_seen(BwPortLocks *locks, const BwPortLock *lock, const BwModel *model) {
        Port *port = find_port(locks, lock->link);
        unsigned right = lock->mask & ~(lock->link->flags ^ lock->on) & ~port->set;

        port->seen = (port->seen & lock->mask & ~(port->seen_on ^ lock->on)) | right;
        port->seen_on = lock->on & port->seen;
        for (guint i = 0; i < lock->macs->len; i++) {
                const BwMac *mac = &g_array_index(lock->macs, BwMac, i);

                if (bw_port_lock_is_fixed(model, lock->link, mac))
                        add_entry(locks, lock->bridge->ifindex, mac, lock->link->ifindex)->seen =
                                true;
        }
}

/* (transfer full) (element-type BwMac) */
static GArray *list_sure(const BwPortLocks *locks, const BwPortLock *lock) {
        GArray *sure = g_array_new(FALSE, FALSE, sizeof(BwMac));

        for (guint i = 0; i < lock->macs->len; i++) {
                const BwMac *mac = &g_array_index(lock->macs, BwMac, i);
                const Entry *entry = find_entry(locks, lock->bridge->ifindex, mac);

                if (entry && entry->sure && entry->port == lock->link->ifindex)
                        g_array_append_val(sure, *mac);
        }
        return sure;
}

static void prepare(BwPortLocks *locks, BwPortLock *lock, const BwModel *model) {
        const Port *port = find_port(locks, lock->link);

        lock->flags = (lock->link->flags & ~port->set) | (port->set_on & port->set);
        note_seen(locks, lock, model);
        bw_port_lock_remember(lock, model, bw_undo_file_undo(locks->file),
                              bw_undo_file_was_lost(locks->file));
}

static void add_work(BwPortLocks *locks, GArray *works, const BwPortLock *lock, const BwLink *link,
                     const BwModel *model) {
        BwUndo *undo = bw_undo_file_undo(locks->file);
        g_autoptr(GArray) sure = lock ? list_sure(locks, lock) : NULL;
        Work work = { .lock = lock, .link = link };

        work.step =
                bw_port_lock_step(lock, bw_undo_find_port(undo, link->ifindex), link, model, sure);
        g_array_append_val(works, work);
}

/* Ports we have touched that are no concern of the plan any more. */
static void add_left_behind(BwPortLocks *locks, GArray *works, const GHashTable *planned,
                            const BwModel *model) {
        GHashTableIter iter;
        gpointer key;

        g_hash_table_iter_init(&iter, bw_undo_file_undo(locks->file)->ports);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const BwLink *link = bw_model_find_link(model, GPOINTER_TO_INT(key));

                if (link && !(planned && g_hash_table_contains((GHashTable *) planned, key)))
                        add_work(locks, works, NULL, link, model);
        }
}

static GArray *works_new(void) {
        GArray *works = g_array_new(FALSE, TRUE, sizeof(Work));

        g_array_set_clear_func(works, clear_work);
        return works;
}

void bw_port_locks_check(BwPortLocks *locks, const BwPlan *plan, const BwModel *model) {
        g_autoptr(GPtrArray) list = bw_port_lock_list(plan, model);
        g_autoptr(GHashTable) planned = g_hash_table_new(NULL, NULL);
        g_autoptr(GArray) works = works_new();
        unsigned lacking = 0;

        tidy(locks, model);
        for (guint i = 0; i < list->len; i++) {
                BwPortLock *lock = list->pdata[i];

                g_hash_table_add(planned, GINT_TO_POINTER(lock->port->ifindex));
                /* Who it is cannot be asked now: what a former run made of it stays. */
                if (lock->port->state == BW_PORT_INHERITED)
                        continue;
                prepare(locks, lock, model);
                add_work(locks, works, lock, lock->link, model);
                lacking |= lock->link->flags_known ? lock->lacking : 0;
                if (lock->trouble)
                        bw_hazard_round_raise(locks->stuck,
                                              g_strdup_printf("%s/lock", lock->port->name),
                                              lock->bridge->name, lock->trouble);
                say_if_tripped(locks, lock);
        }
        add_left_behind(locks, works, planned, model);
        save(locks);
        carry_out(locks, works);
        save(locks);
        say_lacking(locks, lacking);
        bw_hazard_round_end(locks->stuck);
}

bool bw_port_locks_restore(BwPortLocks *locks, const BwModel *model, GError **error) {
        g_autoptr(GArray) works = works_new();
        bool done;

        tidy(locks, model);
        add_left_behind(locks, works, NULL, model);
        carry_out(locks, works);
        save(locks);
        done = g_hash_table_size(bw_undo_file_undo(locks->file)->ports) == 0;
        if (!done)
                g_set_error(error, BW_ERROR, BW_ERROR_BROKEN,
                            "some ports could not be unlocked; \"bridgewarden status\" says why");
        bw_hazard_round_end(locks->stuck);
        return done;
}
