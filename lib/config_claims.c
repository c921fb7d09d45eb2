/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Addresses that two sections claim. Sorted, a network stands right before all
 * that is in it, so one pass with the networks still open finds every pair.
 */

#include <bw/config_place.h>
#include <bw/text.h>
#include <string.h>

#define MAX_WARNINGS 100
#define SHOWN_BYTES  200

typedef struct Claim {
        BwPrefix prefix;
        const char *kind; /* "Guest", "Interface", "Port" */
        const BwBindingSection *section;
} Claim;

typedef struct Claims {
        BwConfig *config;
        GArray *sorted;   /* Claim */
        GArray *open;     /* Claim: each contains the one behind it */
        GHashTable *told; /* Claim pairs as bytes, so that a pair is told once */
        unsigned warnings;
} Claims;

static int compare_claims(gconstpointer a, gconstpointer b) {
        const Claim *left = a, *right = b;
        int order = bw_prefix_compare(&left->prefix, &right->prefix);

        if (order == 0)
                order = strcmp(left->kind, right->kind);
        return order != 0 ? order : strcmp(left->section->name, right->section->name);
}

static void collect(Claims *claims, const char *kind, GHashTable *sections) {
        GHashTableIter each;
        gpointer section;

        g_hash_table_iter_init(&each, sections);
        while (g_hash_table_iter_next(&each, NULL, &section)) {
                Claim claim = { .kind = kind, .section = section };

                for (guint i = 0; i < claim.section->addresses->len; i++) {
                        claim.prefix = g_array_index(claim.section->addresses, BwPrefix, i);
                        g_array_append_val(claims->sorted, claim);
                }
        }
}

static char *shown_section(const Claim *claim) {
        g_autofree char *name = bw_text_short(claim->section->name, SHOWN_BYTES);
        g_autofree char *where = bw_text_short(claim->section->where, SHOWN_BYTES);

        return g_strdup_printf("[%s %s] (%s)", claim->kind, name, where);
}

static void warn(Claims *claims, const Claim *claim, const Claim *other) {
        BwConfigProblem *problem = g_new0(BwConfigProblem, 1);
        const char *colon = strrchr(claim->section->where, ':');
        g_autofree char *theirs = bw_prefix_print(&other->prefix);
        g_autofree char *who = shown_section(other);

        problem->severity = BW_SEVERITY_WARNING;
        problem->file = g_strndup(claim->section->where, (gsize) (colon - claim->section->where));
        problem->line = (unsigned) g_ascii_strtoull(colon + 1, NULL, 10);
        problem->section = g_strdup_printf("%s %s", claim->kind, claim->section->name);
        problem->key = g_strdup("Addresses");
        problem->value = bw_prefix_print(&claim->prefix);
        problem->sentence =
                g_strdup_printf("%s also claims %s: a conflict if both are ports of one "
                                "bridge; well if they speak of the same port",
                                who, theirs);
        bw_config_take_problem(claims->config, problem);
        claims->warnings++;
}

static bool is_new_pair(Claims *claims, const Claim *a, const Claim *b) {
        const void *low = MIN(a->section, b->section), *high = MAX(a->section, b->section);

        return g_hash_table_add(claims->told, g_strdup_printf("%p %p", low, high));
}

static void meet(Claims *claims, const Claim *claim) {
        for (guint i = 0; i < claims->open->len; i++) {
                const Claim *other = &g_array_index(claims->open, Claim, i);

                if (claims->warnings == MAX_WARNINGS)
                        return;
                if (other->section != claim->section && is_new_pair(claims, claim, other))
                        warn(claims, claim, other);
        }
}

static void close_those_without(GArray *open, const BwPrefix *prefix) {
        while (open->len > 0 &&
               !bw_prefix_contains(&g_array_index(open, Claim, open->len - 1).prefix, prefix))
                g_array_set_size(open, open->len - 1);
}

static Claims claims_of(BwConfig *config) {
        Claims claims = {
                .config = config,
                .sorted = g_array_new(FALSE, FALSE, sizeof(Claim)),
                .open = g_array_new(FALSE, FALSE, sizeof(Claim)),
                .told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };

        collect(&claims, "Guest", config->guests);
        collect(&claims, "Interface", config->interfaces);
        collect(&claims, "Port", config->ports);
        g_array_sort(claims.sorted, compare_claims);
        return claims;
}

void bw_config_finish(BwConfig *config) {
        Claims claims = claims_of(config);

        for (guint i = 0; i < claims.sorted->len && claims.warnings < MAX_WARNINGS; i++) {
                const Claim *claim = &g_array_index(claims.sorted, Claim, i);

                close_those_without(claims.open, &claim->prefix);
                meet(&claims, claim);
                g_array_append_val(claims.open, *claim);
        }

        g_array_unref(claims.sorted);
        g_array_unref(claims.open);
        g_hash_table_unref(claims.told);
}
