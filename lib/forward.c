/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/forward.h>
#include <string.h>

/* Deeper than any kernel lets rules jump (NFT_JUMP_STACK_SIZE, linux/netfilter/nf_tables.h: 16). */
#define MAX_DEPTH 32

/* Tables */

static void free_chain(gpointer pointer) {
        BwForwardChain *chain = pointer;

        g_array_unref(chain->rules);
        g_free(chain);
}

static void free_set(gpointer set) {
        bw_forward_set_free(set);
}

BwForwardTable *bw_forward_table_new(const char *name, const char *nft, unsigned families) {
        BwForwardTable *table = g_new0(BwForwardTable, 1);

        table->name = g_strdup(name);
        table->nft = nft;
        table->families = families;
        table->chains = g_ptr_array_new_with_free_func(free_chain);
        table->places = g_hash_table_new(g_str_hash, g_str_equal);
        table->sets = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_set);
        table->words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return table;
}

void bw_forward_table_free(BwForwardTable *table) {
        if (!table)
                return;
        g_ptr_array_unref(table->chains);
        g_hash_table_unref(table->places);
        g_hash_table_unref(table->sets);
        g_hash_table_unref(table->words);
        g_free(table->name);
        g_free(table);
}

const char *bw_forward_table_word(BwForwardTable *table, const char *text) {
        gpointer word;

        if (g_hash_table_lookup_extended(table->words, text, &word, NULL))
                return word;
        word = g_strdup(text);
        g_hash_table_add(table->words, word);
        return word;
}

BwForwardChain *bw_forward_table_chain(BwForwardTable *table, const char *name) {
        const char *word = bw_forward_table_word(table, name);
        BwForwardChain *chain = g_hash_table_lookup(table->places, word);

        if (chain)
                return chain;
        chain = g_new0(BwForwardChain, 1);
        chain->name = word;
        chain->rules = g_array_new(FALSE, FALSE, sizeof(BwForwardRule));
        g_ptr_array_add(table->chains, chain);
        g_hash_table_insert(table->places, (gpointer) word, chain);
        return chain;
}

BwForwardSet *bw_forward_table_set(BwForwardTable *table, const char *name) {
        BwForwardSet *set = g_hash_table_lookup(table->sets, name);

        if (set)
                return set;
        set = bw_forward_set_new();
        g_hash_table_insert(table->sets, (gpointer) bw_forward_table_word(table, name), set);
        return set;
}

/* One packet's way. */
typedef struct Walk {
        const BwForwardTable *table;
        GHashTable *known; /* BwForwardChain * -> its Verdict, so that no chain is walked twice */
        BwForwardPacket packet;
        const BwForwardChain *dropper; /* whose rule has dropped it */
} Walk;

static bool look_up(const BwForwardLookup *lookup, const Walk *walk,
                    const BwForwardElement **ret_element) {
        const BwForwardSet *set = g_hash_table_lookup(walk->table->sets, lookup->set);

        return set && bw_forward_set_find(set, lookup, &walk->packet, ret_element);
}

/* What is not known does not fit, inverted or not. */
static bool lookup_fits(const BwForwardLookup *lookup, const Walk *walk) {
        const BwForwardElement *element;

        return look_up(lookup, walk, &element) && (element != NULL) != lookup->is_inverted;
}

static bool lookups_fit(const BwForwardRule *rule, const Walk *walk) {
        for (unsigned i = 0; i < rule->lookup_count; i++)
                if (!lookup_fits(&rule->lookups[i], walk))
                        return false;
        return true;
}

static bool name_fits(const BwForwardName *name, const Walk *walk) {
        bool same;

        if (name->ifindex)
                return ((int) name->ifindex == walk->packet.ifindex) != name->is_inverted;
        same = memcmp(name->bytes, walk->packet.bridge, MIN(name->length, sizeof(name->bytes))) ==
               0;
        return name->length == 0 || same != name->is_inverted;
}

static bool fits(const BwForwardRule *rule, const Walk *walk) {
        return !rule->is_narrow && !(rule->excluded & BW_FAMILY_BIT(walk->packet.family)) &&
               name_fits(&rule->in, walk) && name_fits(&rule->out, walk) && lookups_fit(rule, walk);
}

static BwForwardVerdict walk_chain(Walk *walk, const BwForwardChain *chain, unsigned depth);

/* BW_FORWARD_RETURN: back to the caller. */
static BwForwardVerdict follow(Walk *walk, const char *name, unsigned depth) {
        const BwForwardChain *chain = name ? g_hash_table_lookup(walk->table->places, name) : NULL;

        return chain && depth < MAX_DEPTH ? walk_chain(walk, chain, depth + 1) : BW_FORWARD_RETURN;
}

/* What a rule that fits says; @ret_chain: of a jump or goto. */
static BwForwardVerdict resolve(const Walk *walk, const BwForwardRule *rule,
                                const char **ret_chain) {
        const BwForwardElement *element = NULL;

        *ret_chain = rule->chain;
        if (rule->verdict != BW_FORWARD_LOOK_UP)
                return rule->verdict;
        if (rule->lookup_count == 0 ||
            !look_up(&rule->lookups[rule->lookup_count - 1], walk, &element) || !element ||
            element->verdict == BW_FORWARD_LOOK_UP)
                return BW_FORWARD_GO_ON;
        *ret_chain = element->chain;
        return element->verdict;
}

static BwForwardVerdict walk_rules(Walk *walk, const BwForwardChain *chain, unsigned depth) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwForwardRule *rule = &g_array_index(chain->rules, BwForwardRule, i);
                const char *target;
                BwForwardVerdict verdict;

                if (rule->verdict == BW_FORWARD_GO_ON || !fits(rule, walk))
                        continue;
                verdict = resolve(walk, rule, &target);
                if (verdict == BW_FORWARD_GOTO)
                        return follow(walk, target, depth);
                if (verdict == BW_FORWARD_JUMP)
                        verdict = follow(walk, target, depth);
                else if (verdict == BW_FORWARD_DROP)
                        walk->dropper = chain;
                else if (verdict == BW_FORWARD_RETURN)
                        return verdict;
                if (verdict == BW_FORWARD_ACCEPT || verdict == BW_FORWARD_DROP)
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

/* The chain that drops, or NULL. */
static const BwForwardChain *find_dropper(Walk *walk, const BwForwardChain *hook) {
        switch (walk_chain(walk, hook, 0)) {
        case BW_FORWARD_DROP:
                return walk->dropper;
        case BW_FORWARD_RETURN:
                return hook->drops ? hook : NULL;
        case BW_FORWARD_ACCEPT:
        case BW_FORWARD_GO_ON:
        case BW_FORWARD_JUMP:
        case BW_FORWARD_GOTO:
        case BW_FORWARD_LOOK_UP:
                break;
        }
        return NULL;
}

static bool table_drops(Walk *walk, BwForwardEnd *ret_end) {
        g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
        const GPtrArray *chains = walk->table->chains;

        walk->known = known;
        for (guint i = 0; i < chains->len; i++) {
                const BwForwardChain *hook = chains->pdata[i];
                const BwForwardChain *dropper = hook->is_hook ? find_dropper(walk, hook) : NULL;

                if (!dropper)
                        continue;
                *ret_end = (BwForwardEnd){ .table = walk->table, .hook = hook, .chain = dropper };
                return true;
        }
        return false;
}

bool bw_forward_drops(const GPtrArray *tables, BwFamily family, const char *name, int ifindex,
                      BwForwardEnd *ret_end) {
        Walk walk = { .packet = { .family = family, .ifindex = ifindex } };

        memcpy(walk.packet.bridge, name, strnlen(name, sizeof(walk.packet.bridge) - 1));
        for (guint i = 0; tables && i < tables->len; i++) {
                walk.table = tables->pdata[i];
                if ((walk.table->families & BW_FAMILY_BIT(family)) && table_drops(&walk, ret_end))
                        return true;
        }
        return false;
}
