/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables.h"

#include <bw/error.h>
#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <unistd.h>

#include "nftables_generation.h"
#include "nftables_seen.h"

typedef struct nft_ctx Context;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Context, nft_ctx_free)

struct BwNftables {
        Context *writer;     /* for small changes: its cache stays small */
        char *base;          /* chains as we write them … */
        char *listed_base;   /* … and as nft lists them */
        BwNftListing *known; /* what was in the kernel at @generation, counts apart; or NULL */
        uint32_t generation;
        int socket;      /* for asking the generation; -1 until first needed */
        int seen_socket; /* for asking what was counted; likewise */
};

BwNftables *bw_nftables_new(void) {
        BwNftables *nftables = g_new0(BwNftables, 1);

        nftables->socket = nftables->seen_socket = -1;
        return nftables;
}

void bw_nftables_free(BwNftables *nftables) {
        if (!nftables)
                return;
        g_clear_pointer(&nftables->writer, nft_ctx_free);
        if (nftables->socket >= 0)
                close(nftables->socket);
        if (nftables->seen_socket >= 0)
                close(nftables->seen_socket);
        g_free(nftables->base);
        g_free(nftables->listed_base);
        bw_nft_listing_free(nftables->known);
        g_free(nftables);
}

static void forget(BwNftables *nftables) {
        g_clear_pointer(&nftables->known, bw_nft_listing_free);
}

/* The library tells errors in words alone; those of the kernel end in what strerror() says. */
static BwError reaction_to(const char *words) {
        static const struct {
                int err;
                BwError reaction;
        } reactions[] = {
                { EPERM, BW_ERROR_DENIED },      { EACCES, BW_ERROR_DENIED },
                { EOPNOTSUPP, BW_ERROR_ABSENT }, { EAFNOSUPPORT, BW_ERROR_ABSENT },
                { ENOENT, BW_ERROR_ABSENT },     { EBUSY, BW_ERROR_BUSY },
                { EINTR, BW_ERROR_BUSY },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(reactions); i++)
                if (strstr(words, strerror(reactions[i].err)))
                        return reactions[i].reaction;
        return BW_ERROR_BROKEN;
}

static bool fail(GError **error, Context *context, const char *action) {
        const char *words = nft_ctx_get_error_buffer(context);
        g_autofree char *first = g_strndup(words, strcspn(words, "\n"));

        g_set_error(error, BW_ERROR, reaction_to(words), "%s nftables table " BW_NFT_TABLE ": %s",
                    action, *first ? first : "refused without a word");
        return false;
}

static bool ask_generation(BwNftables *nftables, uint32_t *ret, GError **error) {
        if (nftables->socket < 0)
                nftables->socket = bw_nftables_generation_open(error);
        return nftables->socket >= 0 && bw_nftables_generation_read(nftables->socket, ret, error);
}

/* The library ends the process when there is no nf_tables to talk to: ask the kernel first. */
static Context *open_context(BwNftables *nftables, GError **error) {
        Context *context;
        uint32_t generation;

        if (!ask_generation(nftables, &generation, error))
                return NULL;
        context = nft_ctx_new(NFT_CTX_DEFAULT);
        nft_ctx_buffer_output(context);
        nft_ctx_buffer_error(context);
        return context;
}

static bool run(Context *context, const char *commands, const char *action, GError **error) {
        return nft_run_cmd_from_buffer(context, commands) == 0 || fail(error, context, action);
}

/* Reading */

/* (transfer full): a context of its own, for what it reads makes its cache large and slow. */
static char *print_table(BwNftables *nftables, const char *name, GError **error) {
        g_autoptr(Context) context = open_context(nftables, error);
        g_autofree char *command = g_strdup_printf("list table " BW_NFT_FAMILY " %s", name);

        if (!context || !run(context, command, "read", error))
                return NULL;
        return g_strdup(nft_ctx_get_output_buffer(context));
}

static BwNftListing *list_table(BwNftables *nftables, const char *name, GError **error) {
        g_autofree char *text = print_table(nftables, name, error);
        BwNftListing *listing;

        if (!text)
                return NULL;
        listing = bw_nft_listing_parse(text);
        if (!listing)
                g_set_error(error, BW_ERROR, BW_ERROR_BROKEN,
                            "read nftables table %s: not understood", name);
        return listing;
}

/* Reads until nobody writes meanwhile, at most twice. NULL without an error: no table. */
static bool look(BwNftables *nftables, GError **error) {
        uint32_t generation;

        if (!ask_generation(nftables, &generation, error))
                return false;
        if (nftables->known && generation == nftables->generation)
                return true;
        forget(nftables);
        for (unsigned i = 0; i < 2; i++) {
                g_autoptr(BwNftListing) found = NULL;
                g_autoptr(GError) refusal = NULL;

                nftables->generation = generation;
                found = list_table(nftables, BW_NFT_TABLE, &refusal);
                if (!found && !g_error_matches(refusal, BW_ERROR, BW_ERROR_ABSENT)) {
                        g_propagate_error(error, g_steal_pointer(&refusal));
                        return false;
                }
                if (!ask_generation(nftables, &generation, error))
                        return false;
                if (generation != nftables->generation)
                        continue;
                nftables->known = g_steal_pointer(&found);
                return true;
        }
        g_set_error(error, BW_ERROR, BW_ERROR_BUSY,
                    "read nftables table " BW_NFT_TABLE ": others keep changing rules");
        return false;
}

BwNftListing *bw_nftables_read(BwNftables *nftables, GError **error) {
        return list_table(nftables, BW_NFT_TABLE, error);
}

bool bw_nftables_count(BwNftables *nftables, const char *set, BwNftSeen seen, gpointer user,
                       GError **error) {
        if (nftables->seen_socket < 0)
                nftables->seen_socket = bw_nftables_generation_open(error);
        if (nftables->seen_socket < 0)
                return false;
        if (bw_nftables_seen_read(nftables->seen_socket, set, seen, user, error))
                return true;
        close(nftables->seen_socket);
        nftables->seen_socket = -1;
        return false;
}

char *bw_nftables_list(BwNftables *nftables, GError **error) {
        return print_table(nftables, BW_NFT_TABLE, error);
}

/* What is wanted */

/* (transfer full): in place of the twin that one of us may have left who was killed. */
static char *print_twin(const BwNftTable *table) {
        g_autofree char *twin = bw_nft_print_twin(table);

        return g_strconcat("table " BW_NFT_FAMILY " " BW_NFT_TWIN "\n"
                           "delete table " BW_NFT_FAMILY " " BW_NFT_TWIN "\n",
                           twin, NULL);
}

static bool write_twin(BwNftables *nftables, const BwNftTable *table, GError **error) {
        g_autoptr(Context) context = open_context(nftables, error);
        g_autofree char *commands = print_twin(table);

        return context && run(context, commands, "write the twin of", error);
}

static bool delete_table(BwNftables *nftables, const char *name, GError **error) {
        g_autoptr(Context) context = open_context(nftables, error);
        g_autofree char *commands = g_strdup_printf("table " BW_NFT_FAMILY " %s\n"
                                                    "delete table " BW_NFT_FAMILY " %s\n",
                                                    name, name);

        return context && run(context, commands, "remove", error);
}

/* Every version of nft lists rules in words of its own. How this one lists ours is learned from a
 * table no packet ever meets. */
static bool learn_base(BwNftables *nftables, const BwNftTable *table, GError **error) {
        g_autoptr(BwNftListing) twin = NULL;

        if (!write_twin(nftables, table, error))
                return false;
        twin = list_table(nftables, BW_NFT_TWIN, error);
        if (!delete_table(nftables, BW_NFT_TWIN, twin ? error : NULL) || !twin)
                return false;
        g_free(nftables->base);
        g_free(nftables->listed_base);
        nftables->base = g_strdup(table->base);
        nftables->listed_base = g_strdup(twin->base);
        return true;
}

/* (transfer full): with what is there of ports that keep it, which may need room of its own in the
 * base. What is there is known then, and how nft lists the base. */
static BwNftTable *resolve(BwNftables *nftables, const BwNftTable *table, GError **error) {
        g_autoptr(BwNftTable) whole = NULL;

        if (!look(nftables, error))
                return NULL;
        whole = bw_nft_table_keep(table, nftables->known);
        if (g_strcmp0(nftables->base, whole->base) == 0)
                return g_steal_pointer(&whole);
        if (!learn_base(nftables, whole, error) || !look(nftables, error))
                return NULL;
        return bw_nft_table_keep(table, nftables->known);
}

static bool has_base(const BwNftables *nftables) {
        return nftables->known && g_str_equal(nftables->known->base, nftables->listed_base);
}

static bool is_equal(const BwNftables *nftables, const BwNftTable *table) {
        g_autofree char *commands = NULL;

        if (!has_base(nftables))
                return false;
        commands = bw_nft_diff(table, nftables->known);
        return !commands;
}

bool bw_nftables_check(BwNftables *nftables, const BwNftTable *table, bool *ret_equal,
                       GError **error) {
        g_autoptr(BwNftTable) whole = NULL;

        if (!table) {
                if (!look(nftables, error))
                        return false;
                *ret_equal = !nftables->known;
                return true;
        }
        whole = resolve(nftables, table, error);
        if (!whole)
                return false;
        *ret_equal = is_equal(nftables, whole);
        return true;
}

void bw_nftables_note_others(BwNftables *nftables, uint32_t generation) {
        if (nftables->known && generation == nftables->generation + 1)
                nftables->generation = generation;
}

bool bw_nftables_describe(BwNftables *nftables, const BwNftTable *table, GPtrArray *list,
                          GError **error) {
        g_autoptr(BwNftTable) whole = NULL;

        forget(nftables);
        whole = resolve(nftables, table, error);
        if (!whole)
                return false;
        bw_difference_add_nft(list, whole, nftables->listed_base, nftables->known);
        return true;
}

/* Writing */

static bool read_back(BwNftables *nftables, const BwNftTable *table, GError **error) {
        forget(nftables);
        if (!look(nftables, error))
                return false;
        if (is_equal(nftables, table))
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_STALE,
                    "nftables table " BW_NFT_TABLE " is not what was written a moment ago");
        return false;
}

static bool write_whole(BwNftables *nftables, const BwNftTable *table, GError **error) {
        g_autoptr(Context) context = open_context(nftables, error);
        g_autofree char *text = bw_nft_print(table, nftables->known);
        g_autofree char *commands = g_strconcat("table " BW_NFT_FAMILY " " BW_NFT_TABLE "\n"
                                                "delete table " BW_NFT_FAMILY " " BW_NFT_TABLE "\n",
                                                text, NULL);

        return context && run(context, commands, "write", error) &&
               read_back(nftables, table, error);
}

static void remember(BwNftables *nftables, const BwNftTable *table, uint32_t generation) {
        for (guint i = 0; i < table->sets->len; i++) {
                const BwNftSet *set = &g_array_index(table->sets, BwNftSet, i);

                g_hash_table_replace(nftables->known->elements, g_strdup(set->name),
                                     g_ptr_array_ref(set->elements));
        }
        nftables->generation = generation;
}

/* A transaction that was refused, or that others' came close to, is judged by what is there. */
static bool write_changes(BwNftables *nftables, const BwNftTable *table, const char *commands,
                          GError **error) {
        uint32_t before = nftables->generation, after;
        g_autoptr(GError) refusal = NULL;

        if (!nftables->writer)
                nftables->writer = open_context(nftables, error);
        if (!nftables->writer)
                return false;
        if (!run(nftables->writer, commands, "change", &refusal)) {
                forget(nftables);
                if (ask_generation(nftables, &after, NULL) && after != before)
                        refusal->code = BW_ERROR_BUSY;
                g_propagate_error(error, g_steal_pointer(&refusal));
                return false;
        }
        if (!ask_generation(nftables, &after, error)) {
                forget(nftables);
                return false;
        }
        /* The very next generation after the one that was read is ours alone, all of it. */
        if (after != before + 1)
                return read_back(nftables, table, error);
        remember(nftables, table, after);
        return true;
}

static bool write_resolved(BwNftables *nftables, const BwNftTable *table, BwNftReport *ret,
                           GError **error) {
        g_autofree char *commands = NULL;
        BwNftReport report = { .whole = !has_base(nftables) };

        if (!report.whole)
                commands = bw_nft_diff(table, nftables->known);
        report.changed = report.whole || commands;
        if (report.whole && !write_whole(nftables, table, error))
                return false;
        if (commands && !write_changes(nftables, table, commands, error))
                return false;
        *ret = report;
        return true;
}

bool bw_nftables_sync(BwNftables *nftables, const BwNftTable *table, BwNftReport *ret,
                      GError **error) {
        g_autoptr(BwNftTable) whole = NULL;

        whole = resolve(nftables, table, error);
        return whole && write_resolved(nftables, whole, ret, error);
}

bool bw_nftables_load(BwNftables *nftables, const char *text, GError **error) {
        g_autoptr(Context) context = open_context(nftables, error);

        forget(nftables);
        return context && run(context, text, "load", error);
}

bool bw_nftables_remove(BwNftables *nftables, GError **error) {
        forget(nftables);
        return delete_table(nftables, BW_NFT_TABLE, error);
}

/* Probing */

static bool lacks(GError **error, const GError *refusal, const char *what, const char *needed) {
        const char *mark = "Error: ", *words = strstr(refusal->message, mark);

        if (refusal->code == BW_ERROR_DENIED) {
                what = "nftables may not be used";
                needed = "CAP_NET_ADMIN";
        }
        g_set_error(error, BW_ERROR, refusal->code, "%s (%s). It needs %s", what,
                    words ? words + strlen(mark) : refusal->message, needed);
        return false;
}

static bool lacks_nf_tables(GError **error, const GError *refusal) {
        return lacks(error, refusal, "this kernel has no nf_tables", "the kernel module nf_tables");
}

/* The library speaks in its own name but for these words, which pass on what the kernel said. */
static bool is_kernels_word(const char *words) {
        return strstr(words, "Could not process rule") || strstr(words, "cache initialization") ||
               strstr(words, "netlink");
}

static bool lacks_our_rules(GError **error, const GError *refusal) {
        if (is_kernels_word(refusal->message) && refusal->code != BW_ERROR_DENIED &&
            refusal->code != BW_ERROR_ABSENT) {
                g_propagate_error(error, g_error_copy(refusal));
                return false;
        }
        if (is_kernels_word(refusal->message))
                return lacks(error, refusal, "nf_tables of this kernel does not take our rules",
                             "the family bridge (CONFIG_NF_TABLES_BRIDGE, nft_meta_bridge), "
                             "nft_limit and nft_log");
        return lacks(error, refusal, "this libnftables does not understand our rules",
                     "libnftables 1.0.6 or later");
}

bool bw_nftables_probe(BwNftables *nftables, GError **error) {
        g_autoptr(GError) refusal = NULL;
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        BwPlan nothing = { .bridges = none, .segments = none, .log_rate = 10 };
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();
        g_autoptr(BwNftTable) table = bw_nft_compile(&nothing, nowhere);
        g_autofree char *twin = print_twin(table);
        g_autoptr(Context) context = open_context(nftables, &refusal);

        if (!context)
                return lacks_nf_tables(error, refusal);
        nft_ctx_set_dry_run(context, true);
        return run(context, twin, "try", &refusal) || lacks_our_rules(error, refusal);
}

bool bw_nftables_can_protect(BwNftables *nftables) {
        static const char wish[] =
                "table " BW_NFT_FAMILY " " BW_NFT_TWIN " { flags owner, persist; }";
        g_autoptr(Context) context = open_context(nftables, NULL);

        if (!context)
                return false;
        nft_ctx_set_dry_run(context, true);
        return run(context, wish, "try", NULL);
}
