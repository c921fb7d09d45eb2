/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/forward.h>
#include <string.h>

/* Deeper than any kernel lets rules jump (NFT_JUMP_STACK_SIZE, linux/netfilter/nf_tables.h: 16). */
#define MAX_DEPTH 32

BwForwardChain *bw_forward_chain_new(const char *name) {
        BwForwardChain *chain = g_new0(BwForwardChain, 1);

        g_strlcpy(chain->name, name, sizeof(chain->name));
        chain->rules = g_array_new(FALSE, FALSE, sizeof(BwForwardRule));
        return chain;
}

void bw_forward_chain_free(BwForwardChain *chain) {
        if (!chain)
                return;
        g_array_unref(chain->rules);
        g_free(chain);
}

/* One packet's way. */
typedef struct Walk {
        GHashTable *chains; /* name -> BwForwardChain * */
        GHashTable *known;  /* BwForwardChain * -> its Verdict, so that no chain is walked twice */
        char bridge[16];
} Walk;

static bool name_fits(const BwForwardName *name, const char bridge[static 16]) {
        bool same = memcmp(name->bytes, bridge, MIN(name->length, sizeof(name->bytes))) == 0;

        return name->length == 0 || same != name->is_inverted;
}

static bool fits(const BwForwardRule *rule, const Walk *walk) {
        return !rule->is_narrow && name_fits(&rule->in, walk->bridge) &&
               name_fits(&rule->out, walk->bridge);
}

static BwForwardVerdict walk_chain(Walk *walk, const BwForwardChain *chain, unsigned depth);

/* BW_FORWARD_RETURN: back to the caller. */
static BwForwardVerdict follow(Walk *walk, const char *name, unsigned depth) {
        const BwForwardChain *chain = g_hash_table_lookup(walk->chains, name);

        return chain && depth < MAX_DEPTH ? walk_chain(walk, chain, depth + 1) : BW_FORWARD_RETURN;
}

static BwForwardVerdict walk_rules(Walk *walk, const BwForwardChain *chain, unsigned depth) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwForwardRule *rule = &g_array_index(chain->rules, BwForwardRule, i);
                BwForwardVerdict verdict = rule->verdict;

                if (verdict == BW_FORWARD_GO_ON || !fits(rule, walk))
                        continue;
                if (verdict == BW_FORWARD_GOTO)
                        return follow(walk, rule->chain, depth);
                if (verdict != BW_FORWARD_JUMP)
                        return verdict;
                verdict = follow(walk, rule->chain, depth);
                if (verdict != BW_FORWARD_RETURN)
                        return verdict;
        }
        return BW_FORWARD_RETURN;
}

static BwForwardVerdict walk_chain(Walk *walk, const BwForwardChain *chain, unsigned depth) {
        gpointer known;
        BwForwardVerdict verdict;

        if (g_hash_table_lookup_extended(walk->known, chain, NULL, &known))
                return (BwForwardVerdict) GPOINTER_TO_UINT(known);
        verdict = walk_rules(walk, chain, depth);
        g_hash_table_insert(walk->known, (gpointer) chain, GUINT_TO_POINTER(verdict));
        return verdict;
}

static bool hook_drops(Walk *walk, const BwForwardChain *hook) {
        BwForwardVerdict verdict = walk_chain(walk, hook, 0);

        return verdict == BW_FORWARD_DROP || (verdict == BW_FORWARD_RETURN && hook->drops);
}

bool bw_forward_drops(const GPtrArray *chains, const char *bridge) {
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
        Walk walk = { .chains = names, .known = known };
        bool drops = false;

        g_strlcpy(walk.bridge, bridge, sizeof(walk.bridge));
        for (guint i = 0; chains && i < chains->len; i++)
                g_hash_table_insert(names, ((BwForwardChain *) chains->pdata[i])->name,
                                    chains->pdata[i]);
        for (guint i = 0; chains && i < chains->len && !drops; i++) {
                const BwForwardChain *chain = chains->pdata[i];

                drops = chain->is_hook && hook_drops(&walk, chain);
        }
        return drops;
}
