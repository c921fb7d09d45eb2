/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables_forward.h"

#include <bw/error.h>
#include <bw/nft_forward.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <unistd.h>

#include "nftables_dump.h"
#include "nftables_generation.h"

struct BwNftForward {
        int socket;        /* -1 until first needed */
        GPtrArray *tables; /* BwForwardTable *: what there was at @generation; NULL: not known */
        uint32_t generation;
};

BwNftForward *bw_nftables_forward_new(void) {
        BwNftForward *forward = g_new0(BwNftForward, 1);

        forward->socket = -1;
        return forward;
}

void bw_nftables_forward_free(BwNftForward *forward) {
        if (!forward)
                return;
        if (forward->socket >= 0)
                (void) close(forward->socket);
        g_clear_pointer(&forward->tables, g_ptr_array_unref);
        g_free(forward);
}

static bool fail(GError **error, int err) {
        BwError reaction = BW_ERROR_BROKEN;

        if (err == EPERM || err == EACCES)
                reaction = BW_ERROR_DENIED;
        /* What was told a moment ago is there no more. */
        if (err == ENOENT)
                reaction = BW_ERROR_BUSY;
        g_set_error(error, BW_ERROR, reaction, "read the FORWARD rules of nftables: %s",
                    g_strerror(err));
        return false;
}

/* Asking */

static bool read_datagram(const void *datagram, gsize length, gpointer tables) {
        return bw_nft_forward_read(tables, datagram, length);
}

/* Whether rules have changed meanwhile is told by their generation, for all questions at once. */
static bool ask(BwNftForward *forward, GPtrArray *tables, const BwNftablesQuestion *question,
                GError **error) {
        bool interrupted;
        int err = bw_nftables_dump(forward->socket, question, read_datagram, tables, &interrupted);

        return err == 0 || fail(error, err);
}

/* What is asked for */

static bool ask_family(BwNftForward *forward, GPtrArray *tables, unsigned type, GError **error) {
        static const uint8_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET };

        for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
                BwNftablesQuestion question = { .type = type, .family = families[i] };

                if (!ask(forward, tables, &question, error))
                        return false;
        }
        return true;
}

G_STATIC_ASSERT((int) NFTA_RULE_TABLE == (int) NFTA_SET_TABLE);

static bool ask_table(BwNftForward *forward, GPtrArray *tables, const BwForwardTable *table,
                      unsigned type, GError **error) {
        const BwNftablesQuestion question = { .type = type,
                                              .family = bw_nft_forward_family(table),
                                              .names = { { NFTA_RULE_TABLE, table->name } } };

        return ask(forward, tables, &question, error);
}

typedef struct Elements {
        GPtrArray *tables;
        const BwForwardSet *set;
} Elements;

static bool read_elements(const void *datagram, gsize length, gpointer user) {
        const Elements *elements = user;

        return bw_nft_forward_read(elements->tables, datagram, length) &&
               !elements->set->is_foreign;
}

/* What is still to come of an answer that is not wanted any more goes with its socket. */
static bool begin_anew(BwNftForward *forward, GError **error) {
        (void) close(forward->socket);
        forward->socket = bw_nftables_generation_open(error);
        return forward->socket >= 0;
}

static bool ask_set(BwNftForward *forward, const BwNftablesQuestion *question, Elements *elements,
                    GError **error) {
        bool interrupted;
        int err;

        if (elements->set->is_foreign)
                return true;
        err = bw_nftables_dump(forward->socket, question, read_elements, elements, &interrupted);
        if (elements->set->is_foreign)
                return begin_anew(forward, error);
        return err == 0 || fail(error, err);
}

static bool ask_elements(BwNftForward *forward, GPtrArray *tables, const BwForwardTable *table,
                         GError **error) {
        GHashTableIter iter;
        gpointer name, set;

        g_hash_table_iter_init(&iter, table->sets);
        while (g_hash_table_iter_next(&iter, &name, &set)) {
                Elements elements = { tables, set };
                const BwNftablesQuestion question = {
                        .type = NFT_MSG_GETSETELEM,
                        .family = bw_nft_forward_family(table),
                        .names = { { NFTA_SET_ELEM_LIST_TABLE, table->name },
                                   { NFTA_SET_ELEM_LIST_SET, name } },
                };

                if (!ask_set(forward, &question, &elements, error))
                        return false;
        }
        return true;
}

static bool ask_rules(BwNftForward *forward, GPtrArray *tables, const BwForwardTable *table,
                      GError **error) {
        if (!ask_table(forward, tables, table, NFT_MSG_GETRULE, error))
                return false;
        if (g_hash_table_size(table->sets) == 0)
                return true;
        return ask_table(forward, tables, table, NFT_MSG_GETSET, error) &&
               ask_elements(forward, tables, table, error);
}

static void free_table(gpointer table) {
        bw_forward_table_free(table);
}

/* (transfer full) */
static GPtrArray *read_tables(BwNftForward *forward, GError **error) {
        g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(free_table);

        if (!ask_family(forward, tables, NFT_MSG_GETTABLE, error) ||
            !ask_family(forward, tables, NFT_MSG_GETCHAIN, error))
                return NULL;
        bw_nft_forward_keep_entered(tables);
        for (guint i = 0; i < tables->len; i++)
                if (!ask_rules(forward, tables, tables->pdata[i], error))
                        return NULL;
        return g_steal_pointer(&tables);
}

/* Reading */

/* NULL without an error: others were in between. */
static GPtrArray *try_to_read(BwNftForward *forward, uint32_t generation, GError **error) {
        g_autoptr(GError) trouble = NULL;
        g_autoptr(GPtrArray) tables = read_tables(forward, &trouble);
        uint32_t after;

        if (!tables && !g_error_matches(trouble, BW_ERROR, BW_ERROR_BUSY)) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return NULL;
        }
        if (!bw_nftables_generation_read(forward->socket, &after, error) || after != generation)
                return NULL;
        return g_steal_pointer(&tables);
}

static BwNftablesReading look_once(gpointer user, GError **error) {
        BwNftForward *forward = user;
        g_autoptr(GError) trouble = NULL;
        g_autoptr(GPtrArray) found = NULL;
        uint32_t generation;

        if (!bw_nftables_generation_read(forward->socket, &generation, error))
                return BW_NFTABLES_FAILED;
        if (forward->tables && generation == forward->generation)
                return BW_NFTABLES_READ;
        found = try_to_read(forward, generation, &trouble);
        if (trouble) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return BW_NFTABLES_FAILED;
        }
        if (!found)
                return BW_NFTABLES_TORN;
        g_clear_pointer(&forward->tables, g_ptr_array_unref);
        forward->tables = g_steal_pointer(&found);
        forward->generation = generation;
        return BW_NFTABLES_READ;
}

/* As long as others keep changing rules, what was found last stays. */
static bool look(BwNftForward *forward, GError **error) {
        g_autoptr(GError) trouble = NULL;

        if (bw_nftables_read_whole(look_once, forward, "the FORWARD rules of nftables", &trouble))
                return true;
        if (forward->tables && g_error_matches(trouble, BW_ERROR, BW_ERROR_BUSY))
                return true;
        g_propagate_error(error, g_steal_pointer(&trouble));
        return false;
}

const GPtrArray *bw_nftables_forward_read(BwNftForward *forward, GError **error) {
        if (forward->socket < 0)
                forward->socket = bw_nftables_generation_open(error);
        if (forward->socket < 0)
                return NULL;
        if (look(forward, error))
                return forward->tables;
        /* An answer that was not read to its end would be taken for the next one's. */
        g_clear_pointer(&forward->tables, g_ptr_array_unref);
        if (forward->socket >= 0)
                (void) close(forward->socket);
        forward->socket = -1;
        return NULL;
}
