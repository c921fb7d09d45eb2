/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine.h"

#include <bw/error.h>
#include <bw/nft_reports.h>

#include "nftables.h"

/* Where a port is and what becomes of what it is denied: its counts do not say. */
typedef struct Place {
        char port[BW_IFNAME_SIZE], bridge[BW_IFNAME_SIZE];
        bool drops;
} Place;

typedef struct Nftables {
        BwEngine engine;
        BwNftables *kernel;
        BwNftTable *table;          /* NULL: nothing of ours */
        bool differs;               /* it is other than the one before */
        GArray *places;             /* Place, of all ports of the plan */
        GHashTable *places_by_port; /* name -> Place, both in @places; NULL: nobody has asked yet */
        GHashTable *inherited; /* names of ports the table guarded when it was looked at; or NULL */
} Nftables;

static void forget_inherited(BwEngine *engine) {
        g_clear_pointer(&((Nftables *) engine)->inherited, g_hash_table_unref);
}

static void nftables_free(BwEngine *engine) {
        Nftables *nftables = (Nftables *) engine;

        forget_inherited(engine);
        bw_nftables_free(nftables->kernel);
        bw_nft_table_free(nftables->table);
        g_clear_pointer(&nftables->places_by_port, g_hash_table_unref);
        g_array_unref(nftables->places);
        g_free(nftables);
}

static bool probe(BwEngine *engine, GError **error) {
        return bw_nftables_probe(((Nftables *) engine)->kernel, error);
}

static char *lack(const BwEngine *engine) {
        const Nftables *nftables = (const Nftables *) engine;
        g_autofree char *names = NULL;

        if (!nftables->table || nftables->table->unwritten->len == 0)
                return NULL;
        g_ptr_array_add(nftables->table->unwritten, NULL);
        names = g_strjoinv(" ", (char **) nftables->table->unwritten->pdata);
        g_ptr_array_set_size(nftables->table->unwritten,
                             (gint) nftables->table->unwritten->len - 1);
        return g_strdup_printf("nftables cannot write the names of these ports, so it drops all "
                               "they send and receive, and that of every port it does not know: %s",
                               names);
}

/* Nobody but us could touch a table with an owner. One that outlives its owner, as a guard must, is
 * newer than many a library. */
static char *remark(BwEngine *engine) {
        const char *why = bw_nftables_can_protect(((Nftables *) engine)->kernel)
                                  ? "this version does not ask for it"
                                  : "this libnftables cannot ask for \"flags owner, persist\"";

        return g_strdup_printf("The nftables table " BW_NFT_TABLE " is not protected from other "
                               "programs: %s. What they change is found and repaired",
                               why);
}

static bool note_inherited(BwEngine *engine, GError **error) {
        Nftables *nftables = (Nftables *) engine;
        g_autoptr(GError) trouble = NULL;
        g_autoptr(BwNftListing) found = bw_nftables_read(nftables->kernel, &trouble);

        if (!found && !g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT)) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
        forget_inherited(engine);
        if (found)
                nftables->inherited = bw_nft_list_guarded(found);
        return true;
}

static bool inherited(const BwEngine *engine, const char *port) {
        const Nftables *nftables = (const Nftables *) engine;

        return nftables->inherited && g_hash_table_contains(nftables->inherited, port);
}

static void note_place(Nftables *nftables, const BwBridgePlan *bridge, const BwPortPlan *port) {
        Place place;

        g_strlcpy(place.port, port->name, sizeof(place.port));
        g_strlcpy(place.bridge, bridge->name, sizeof(place.bridge));
        place.drops = port->state == BW_PORT_STRANGER
                              ? bridge->unknown_ports == BW_UNKNOWN_PORTS_DROP
                              : port->mode == BW_MODE_ENFORCE;
        g_array_append_val(nftables->places, place);
}

/* Who another engine guarded alone until now keeps that guard, and meets no other. */
static void keep_port(Nftables *nftables, BwNftTable *table, const BwPortPlan *port) {
        if (port->state == BW_PORT_INHERITED && !inherited(&nftables->engine, port->name))
                bw_nft_table_let_pass(table, port->name);
}

static void take_ports(Nftables *nftables, BwNftTable *table, const BwPlan *plan) {
        g_clear_pointer(&nftables->places_by_port, g_hash_table_unref);
        g_array_set_size(nftables->places, 0);
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        note_place(nftables, bridge, bridge->ports->pdata[k]);
                        keep_port(nftables, table, bridge->ports->pdata[k]);
                }
        }
}

static void want(BwEngine *engine, const BwPlan *plan, const BwModel *model) {
        Nftables *nftables = (Nftables *) engine;
        g_autoptr(GPtrArray) elsewhere = bw_nft_list_elsewhere(model, plan);
        BwNftTable *table = bw_nft_compile(plan, elsewhere);

        bw_nft_table_weaken_inherited(table, plan);
        take_ports(nftables, table, plan);
        if (nftables->table)
                bw_nft_table_share(table, nftables->table);
        nftables->differs = !nftables->table || !bw_nft_table_equal(table, nftables->table);
        bw_nft_table_free(nftables->table);
        nftables->table = table;
}

static bool differs(BwEngine *engine) {
        return ((const Nftables *) engine)->differs;
}

static bool commit(BwEngine *engine, int64_t now_usec G_GNUC_UNUSED, BwPass *pass, GError **error) {
        Nftables *nftables = (Nftables *) engine;
        BwNftReport report;

        /* An engine can come into use while all waits for libvirt's first word. */
        if (!nftables->table) {
                g_set_error(error, BW_ERROR, BW_ERROR_BUSY, "nothing is planned for nftables yet");
                return false;
        }
        if (!bw_nftables_sync(nftables->kernel, nftables->table, &report, error))
                return false;
        pass->commits += report.changed;
        pass->table_anew |= report.whole;
        pass->elements_edited |= report.changed && !report.whole;
        return true;
}

static bool disarm(BwEngine *engine, int64_t now_usec G_GNUC_UNUSED, BwPass *pass, GError **error) {
        Nftables *nftables = (Nftables *) engine;
        g_autoptr(GError) trouble = NULL;
        bool gone = true;

        if (!bw_nftables_check(nftables->kernel, NULL, &gone, &trouble) &&
            !g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT)) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return false;
        }
        if (!gone && !bw_nftables_remove(nftables->kernel, error))
                return false;
        pass->commits += !gone;
        g_clear_pointer(&nftables->table, bw_nft_table_free);
        return true;
}

static bool check(BwEngine *engine, unsigned part G_GNUC_UNUSED, bool *ret_equal, GError **error) {
        Nftables *nftables = (Nftables *) engine;

        return bw_nftables_check(nftables->kernel, nftables->table, ret_equal, error);
}

static void note_others(BwEngine *engine, uint32_t generation) {
        bw_nftables_note_others(((Nftables *) engine)->kernel, generation);
}

static bool describe(BwEngine *engine, GPtrArray *list, GError **error) {
        Nftables *nftables = (Nftables *) engine;

        return !nftables->table ||
               bw_nftables_describe(nftables->kernel, nftables->table, list, error);
}

/* (transfer full): name of a port -> Place, both lent. Counts are asked for more seldom than plans
 * are made. */
static GHashTable *list_places(const Nftables *nftables) {
        GHashTable *places = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; i < nftables->places->len; i++) {
                Place *place = &g_array_index(nftables->places, Place, i);

                g_hash_table_insert(places, place->port, place);
        }
        return places;
}

typedef struct Listener {
        const Nftables *nftables;
        BwDirection direction;
        BwReason reason;
        BwTallied tallied;
        gpointer user;
} Listener;

static void count_port(const char *port, BwNftCount found, gpointer user) {
        const Listener *listener = user;
        const Place *place = g_hash_table_lookup(listener->nftables->places_by_port, port);
        BwTally tally = {
                .bridge = place ? place->bridge : "",
                .port = port,
                .direction = listener->direction,
                .reason = listener->reason,
                .drops = !place || place->drops,
                .packets = found.packets,
                .bytes = found.bytes,
        };

        listener->tallied(&tally, listener->user);
}

/* A part is a reason. */
static bool count(BwEngine *engine, unsigned part, BwTallied tallied, gpointer user,
                  GError **error) {
        static const BwDirection directions[] = { BW_DIRECTION_IN, BW_DIRECTION_OUT };
        Nftables *nftables = (Nftables *) engine;
        char set[BW_NFT_NAME_SIZE];

        if (nftables->table && !nftables->places_by_port)
                nftables->places_by_port = list_places(nftables);
        for (gsize i = 0; nftables->table && i < G_N_ELEMENTS(directions); i++) {
                Listener listener = { nftables, directions[i], (BwReason) part, tallied, user };

                if (!bw_nft_reason_has(listener.reason, listener.direction))
                        continue;
                bw_nft_seen_name(listener.direction, listener.reason, set);
                if (!bw_nftables_count(nftables->kernel, set, count_port, &listener, error))
                        return false;
        }
        return true;
}

static const BwEngineWork work = {
        .kind = BW_ENGINE_NFTABLES,
        .free = nftables_free,
        .probe = probe,
        .lack = lack,
        .remark = remark,
        .note_inherited = note_inherited,
        .forget_inherited = forget_inherited,
        .inherited = inherited,
        .want = want,
        .differs = differs,
        .commit = commit,
        .disarm = disarm,
        .check = check,
        .n_check_parts = 1,
        .note_others = note_others,
        .describe = describe,
        .count = count,
        .n_count_parts = BW_REASON_MAX,
};

BwEngine *bw_engine_nftables_new(void) {
        Nftables *nftables = g_new0(Nftables, 1);

        nftables->engine.work = &work;
        nftables->kernel = bw_nftables_new();
        nftables->places = g_array_new(FALSE, FALSE, sizeof(Place));
        return &nftables->engine;
}
