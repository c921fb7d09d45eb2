/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/fdb_summary.h>

#define SLOTS     6
#define SLOT_USEC (10 * G_USEC_PER_SEC)

/* A minute in slots; the oldest gives way. */
typedef struct Minute {
        int64_t slot; /* the one that is counted in */
        guint counts[SLOTS];
} Minute;

typedef struct Port {
        Minute learned, moved, expired;
        guint in_interval;
} Port;

struct BwFdbTally {
        GHashTable *ports; /* ifindex -> Port * */
};

BwFdbTally *bw_fdb_tally_new(void) {
        BwFdbTally *tally = g_new0(BwFdbTally, 1);

        tally->ports = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        return tally;
}

void bw_fdb_tally_free(BwFdbTally *tally) {
        if (!tally)
                return;
        g_hash_table_unref(tally->ports);
        g_free(tally);
}

static Port *find_port(BwFdbTally *tally, int ifindex) {
        Port *port = g_hash_table_lookup(tally->ports, GINT_TO_POINTER(ifindex));

        if (port || g_hash_table_size(tally->ports) >= BW_MAX_TALLIED_PORTS)
                return port;
        port = g_new0(Port, 1);
        g_hash_table_insert(tally->ports, GINT_TO_POINTER(ifindex), port);
        return port;
}

static void count(Minute *minute, int64_t now_usec) {
        int64_t slot = now_usec / SLOT_USEC;

        for (int64_t old = MAX(minute->slot + 1, slot - SLOTS + 1); old <= slot; old++)
                minute->counts[old % SLOTS] = 0;
        minute->slot = MAX(minute->slot, slot);
        minute->counts[slot % SLOTS]++;
}

static guint sum(const Minute *minute, int64_t now_usec) {
        int64_t slot = now_usec / SLOT_USEC;
        guint total = 0;

        for (int64_t old = MAX(slot - SLOTS + 1, 0); old <= minute->slot; old++)
                if (old > minute->slot - SLOTS)
                        total += minute->counts[old % SLOTS];
        return total;
}

void bw_fdb_tally_learned(BwFdbTally *tally, int port, int64_t now_usec) {
        Port *found = find_port(tally, port);

        if (!found)
                return;
        count(&found->learned, now_usec);
        found->in_interval++;
}

void bw_fdb_tally_moved(BwFdbTally *tally, int port, int64_t now_usec) {
        Port *found = find_port(tally, port);

        if (found)
                count(&found->moved, now_usec);
}

void bw_fdb_tally_expired(BwFdbTally *tally, int port, int64_t now_usec) {
        Port *found = find_port(tally, port);

        if (found)
                count(&found->expired, now_usec);
}

void bw_fdb_tally_forget(BwFdbTally *tally, int port) {
        g_hash_table_remove(tally->ports, GINT_TO_POINTER(port));
}

bool bw_fdb_tally_end_interval(BwFdbTally *tally, BwFdbLearned learned, gpointer user) {
        bool any = false;
        GHashTableIter iter;
        gpointer key;
        Port *port;

        g_hash_table_iter_init(&iter, tally->ports);
        while (g_hash_table_iter_next(&iter, &key, (gpointer *) &port)) {
                if (port->in_interval == 0)
                        continue;
                learned(GPOINTER_TO_INT(key), port->in_interval, user);
                port->in_interval = 0;
                any = true;
        }
        return any;
}

/* Rows */

static BwFdbSummary *find_row(GHashTable *rows, int bridge, int port) {
        BwFdbSummary *row = g_hash_table_lookup(rows, GINT_TO_POINTER(port));

        if (row)
                return row;
        row = g_new0(BwFdbSummary, 1);
        row->bridge = bridge;
        row->port = port;
        g_hash_table_insert(rows, GINT_TO_POINTER(port), row);
        return row;
}

static void count_record(const BwFdbRecord *record, gpointer rows) {
        BwFdbSummary *row;

        if (record->entry.local)
                return;
        row = find_row(rows, record->entry.bridge, record->entry.port);
        row->macs++;
        row->fixed += record->entry.fixed;
}

static void add_figures(GHashTable *rows, const BwModel *model, const BwFdbTally *tally,
                        int64_t now_usec) {
        GHashTableIter iter;
        gpointer key;
        const Port *port;

        g_hash_table_iter_init(&iter, tally->ports);
        while (g_hash_table_iter_next(&iter, &key, (gpointer *) &port)) {
                const BwLink *link = bw_model_find_link(model, GPOINTER_TO_INT(key));
                BwFdbSummary *row;

                if (!link || link->master == 0)
                        continue;
                row = find_row(rows, link->master, link->ifindex);
                row->learned_per_minute = sum(&port->learned, now_usec);
                row->moves_per_minute = sum(&port->moved, now_usec);
                row->expired_per_minute = sum(&port->expired, now_usec);
        }
}

static int compare(gconstpointer a, gconstpointer b) {
        const BwFdbSummary *left = a, *right = b;

        if (left->bridge != right->bridge)
                return left->bridge < right->bridge ? -1 : 1;
        return (left->port > right->port) - (left->port < right->port);
}

GArray *bw_fdb_summary_list(const BwModel *model, const BwFdbTally *tally, int64_t now_usec) {
        g_autoptr(GHashTable) rows = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        GArray *list = g_array_new(FALSE, FALSE, sizeof(BwFdbSummary));
        GHashTableIter iter;
        const BwFdbSummary *row;

        bw_model_each_fdb(model, count_record, rows);
        add_figures(rows, model, tally, now_usec);
        g_hash_table_iter_init(&iter, rows);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &row))
                g_array_append_val(list, *row);
        g_array_sort(list, compare);
        return list;
}

BwFdbSummary bw_fdb_summary_of_bridge(const GArray *list, int bridge) {
        BwFdbSummary total = { .bridge = bridge };

        for (guint i = 0; i < list->len; i++) {
                const BwFdbSummary *row = &g_array_index(list, BwFdbSummary, i);

                if (row->bridge != bridge)
                        continue;
                total.macs += row->macs;
                total.fixed += row->fixed;
                total.learned_per_minute += row->learned_per_minute;
                total.moves_per_minute += row->moves_per_minute;
                total.expired_per_minute += row->expired_per_minute;
        }
        return total;
}
