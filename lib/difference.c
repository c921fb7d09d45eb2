/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/difference.h>
#include <bw/ipt_diff.h>
#include <bw/rules_text.h>
#include <string.h>

static void difference_free(gpointer data) {
        BwDifference *difference = data;

        g_free(difference->table);
        g_free(difference->line);
        g_free(difference);
}

GPtrArray *bw_difference_list_new(void) {
        return g_ptr_array_new_with_free_func(difference_free);
}

void bw_difference_add(GPtrArray *list, const char *engine, const char *table, bool is_missing,
                       const char *line) {
        BwDifference *difference = g_new0(BwDifference, 1);

        difference->engine = engine;
        difference->table = g_strdup(table);
        difference->is_missing = is_missing;
        difference->line = g_strdup(line);
        g_ptr_array_add(list, difference);
}

/* Two sequences: each edit that makes the one out of the other is told. */

typedef struct Sequences {
        unsigned n_wanted, n_found;
        BwRuleEqual equal;
        /* @at: in the wanted ones when it is missing, else in those found */
        void (*tell)(gconstpointer user, bool is_missing, unsigned at);
        gconstpointer user;
} Sequences;

static void compare(const Sequences *both) {
        g_autoptr(GArray) edits =
                bw_ipt_diff(both->n_wanted, both->n_found, both->equal, both->user);
        g_autoptr(GArray) origins = g_array_new(FALSE, FALSE, sizeof(unsigned));
        const unsigned inserted = G_MAXUINT;

        for (unsigned i = 0; i < both->n_found; i++)
                g_array_append_val(origins, i);
        for (guint i = 0; i < edits->len; i++) {
                BwEdit edit = g_array_index(edits, BwEdit, i);

                if (edit.insert) {
                        both->tell(both->user, true, edit.wanted);
                        g_array_insert_val(origins, edit.at, inserted);
                        continue;
                }
                both->tell(both->user, false, g_array_index(origins, unsigned, edit.at));
                g_array_remove_index(origins, edit.at);
        }
}

/* Chains of iptables */

typedef struct Chains {
        GPtrArray *list;
        BwIptTable table;
        const char *chain;
        const GArray *wanted, *found; /* BwIptRule */
} Chains;

static void say(const Chains *chains, bool is_missing, const char *line) {
        bw_difference_add(chains->list, bw_rules_text_command(bw_ipt_table_family(chains->table)),
                          bw_ipt_table_name(chains->table), is_missing, line);
}

/* What a verdict is for stands in no byte of it. */
static BwIptRule without_reason(BwIptRule rule) {
        if (rule.target != BW_IPT_NFLOG) {
                rule.reason = BW_REASON_NONE;
                rule.direction = BW_DIRECTION_IN;
                rule.drops = false;
        }
        return rule;
}

static bool rules_equal(const BwIptRule *a, const BwIptRule *b) {
        BwIptRule left = without_reason(*a), right = without_reason(*b);

        return bw_ipt_rule_equal(&left, &right);
}

static bool equal_rules(unsigned wanted, unsigned found, gconstpointer user) {
        const Chains *chains = user;

        return rules_equal(&g_array_index(chains->wanted, BwIptRule, wanted),
                           &g_array_index(chains->found, BwIptRule, found));
}

static void tell_rule(gconstpointer user, bool is_missing, unsigned at) {
        const Chains *chains = user;
        const GArray *rules = is_missing ? chains->wanted : chains->found;
        g_autofree char *line =
                bw_ipt_rule_print(chains->chain, &g_array_index(rules, BwIptRule, at));

        say(chains, is_missing, line);
}

static void compare_rules(const Chains *chains) {
        Sequences both = {
                .n_wanted = chains->wanted->len,
                .n_found = chains->found->len,
                .equal = equal_rules,
                .tell = tell_rule,
                .user = chains,
        };

        compare(&both);
}

static void say_chain(const Chains *chains, bool is_missing) {
        g_autofree char *line = g_strdup_printf("-N %s", chains->chain);

        say(chains, is_missing, line);
}

static void compare_wanted(Chains chains, const BwIptChain *wanted, const GPtrArray *found) {
        const BwIptChain *there = bw_ipt_find_chain(found, wanted->name);
        g_autoptr(GArray) nothing = g_array_new(FALSE, FALSE, sizeof(BwIptRule));

        chains.chain = wanted->name;
        chains.wanted = wanted->rules;
        chains.found = there ? there->rules : nothing;
        if (!there)
                say_chain(&chains, true);
        if (!wanted->opaque)
                compare_rules(&chains);
}

/* What is wanted otherwise than as it is leads to nothing that is not wanted as well. */
static bool is_written(const GPtrArray *wanted, const char *name) {
        const BwIptChain *chain = bw_ipt_find_chain(wanted, name);

        return chain && !chain->opaque;
}

static void note_reachable(const GPtrArray *wanted, const GPtrArray *found, const char *name,
                           GHashTable *seen) {
        const BwIptChain *chain = is_written(wanted, name) ? NULL : bw_ipt_find_chain(found, name);

        if (!chain || !g_hash_table_add(seen, (gpointer) chain->name))
                return;
        for (guint i = 0; i < chain->rules->len; i++) {
                const char *next = g_array_index(chain->rules, BwIptRule, i).chain;

                if (*next)
                        note_reachable(wanted, found, next, seen);
        }
}

/* (element-type utf8): chains that those of a former run lead to; they go on meaning what they
 * meant. */
static GHashTable *list_leaned_on(const GPtrArray *wanted, const GPtrArray *found) {
        GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; wanted && i < wanted->len; i++) {
                const BwIptChain *chain = wanted->pdata[i];

                if (chain->opaque)
                        note_reachable(wanted, found, chain->name, seen);
        }
        return seen;
}

static void compare_unwanted(Chains chains, const BwIptChain *found) {
        g_autoptr(GArray) nothing = g_array_new(FALSE, FALSE, sizeof(BwIptRule));

        if (found->rules->len == 0)
                return;
        chains.chain = found->name;
        chains.wanted = nothing;
        chains.found = found->rules;
        say_chain(&chains, false);
        compare_rules(&chains);
}

static void compare_obsolete(Chains chains, const GPtrArray *wanted, const GPtrArray *found) {
        g_autoptr(GHashTable) leaned_on = list_leaned_on(wanted, found);

        for (guint i = 0; i < found->len; i++) {
                const BwIptChain *chain = found->pdata[i];

                if (bw_ipt_chain_is_ours(chain->name) &&
                    !(wanted && bw_ipt_find_chain(wanted, chain->name)) &&
                    !g_hash_table_contains(leaned_on, chain->name))
                        compare_unwanted(chains, chain);
        }
}

static void say_anchor(const Chains *chains, bool is_missing, guint number) {
        g_autofree char *line = g_strdup_printf("-I %s %u -j %s", bw_ipt_table_hook(chains->table),
                                                number, bw_ipt_table_root(chains->table));

        say(chains, is_missing, line);
}

/* First in its hook, and nowhere else in it. A rule of somebody else's that leads to our chains is
 * no anchor either: it stands in our way as a second one would. */
static void compare_anchor(const Chains *chains, bool is_wanted, const GPtrArray *found) {
        const BwIptChain *hook = bw_ipt_find_chain(found, bw_ipt_table_hook(chains->table));
        const char *root = bw_ipt_table_root(chains->table);
        BwIptRule anchor = { .target = BW_IPT_JUMP };
        bool stands;

        g_strlcpy(anchor.chain, root, sizeof(anchor.chain));
        stands = is_wanted && hook && hook->rules->len > 0 &&
                 rules_equal(&anchor, &g_array_index(hook->rules, BwIptRule, 0));
        if (is_wanted && !stands)
                say_anchor(chains, true, 1);
        for (guint i = stands ? 1 : 0; hook && i < hook->rules->len; i++)
                if (g_str_equal(g_array_index(hook->rules, BwIptRule, i).chain, root))
                        say_anchor(chains, false, i + 1);
}

void bw_difference_add_chains(GPtrArray *list, BwIptTable table, const GPtrArray *wanted,
                              const GPtrArray *found) {
        Chains chains = { .list = list, .table = table };

        compare_anchor(&chains, wanted, found);
        for (guint i = 0; wanted && i < wanted->len; i++)
                compare_wanted(chains, wanted->pdata[i], found);
        compare_obsolete(chains, wanted, found);
}

/* The table of nftables */

#define TABLE BW_NFT_FAMILY " " BW_NFT_TABLE

/* A line, and what it stands in: "chain in-guest". */
typedef struct Place {
        char *block, *text;
} Place;

typedef struct Bases {
        GPtrArray *list;
        const GArray *wanted, *found; /* Place */
} Bases;

static void place_clear(gpointer data) {
        Place *place = data;

        g_free(place->block);
        g_free(place->text);
}

static bool opens_block(const char *line) {
        return g_str_has_prefix(line, "chain ") || g_str_has_prefix(line, "set ") ||
               g_str_has_prefix(line, "map ") || g_str_has_prefix(line, "counter ");
}

/* (transfer full): without the lines that only close a block. */
static GArray *split_base(const char *base) {
        GArray *places = g_array_new(FALSE, TRUE, sizeof(Place));
        g_auto(GStrv) lines = g_strsplit(base, "\n", -1);
        const char *block = "";

        g_array_set_clear_func(places, place_clear);
        for (char **line = lines; *line; line++) {
                Place place = { 0 };

                g_strstrip(*line);
                if (!**line || g_str_equal(*line, "}"))
                        continue;
                if (g_str_has_suffix(*line, " {") && opens_block(*line)) {
                        (*line)[strlen(*line) - strlen(" {")] = '\0';
                        block = *line;
                        place.block = g_strdup(block);
                } else {
                        place.block = g_strdup(block);
                        place.text = g_strdup(*line);
                }
                g_array_append_val(places, place);
        }
        return places;
}

static bool equal_places(unsigned wanted, unsigned found, gconstpointer user) {
        const Bases *bases = user;
        const Place *a = &g_array_index(bases->wanted, Place, wanted);
        const Place *b = &g_array_index(bases->found, Place, found);

        return g_str_equal(a->block, b->block) && g_strcmp0(a->text, b->text) == 0;
}

static void tell_place(gconstpointer user, bool is_missing, unsigned at) {
        const Bases *bases = user;
        const Place *place = &g_array_index(is_missing ? bases->wanted : bases->found, Place, at);
        g_autofree char *line = NULL;

        if (!place->text)
                line = g_strdup(place->block);
        else if (*place->block)
                line = g_strdup_printf("%s { %s }", place->block, place->text);
        else
                line = g_strdup(place->text);
        bw_difference_add(bases->list, bw_engine_name(BW_ENGINE_NFTABLES), TABLE, is_missing, line);
}

static void compare_bases(GPtrArray *list, const char *wanted, const char *found) {
        g_autoptr(GArray) left = split_base(wanted), right = split_base(found);
        Bases bases = { list, left, right };
        Sequences both = {
                .n_wanted = left->len,
                .n_found = right->len,
                .equal = equal_places,
                .tell = tell_place,
                .user = &bases,
        };

        compare(&both);
}

static void say_element(GPtrArray *list, const char *set, bool is_missing, const char *element) {
        g_autofree char *line = g_strdup_printf("element %s { %s }", set, element);

        bw_difference_add(list, bw_engine_name(BW_ENGINE_NFTABLES), TABLE, is_missing, line);
}

/* Both sides are sorted. */
static void compare_set(GPtrArray *list, const BwNftSet *set, const GPtrArray *found) {
        const GPtrArray *wanted = set->elements;
        guint n_found = found ? found->len : 0, w = 0, f = 0;

        while (w < wanted->len || f < n_found) {
                int order = w == wanted->len ? 1
                            : f == n_found   ? -1
                                             : strcmp(wanted->pdata[w], found->pdata[f]);

                if (order < 0)
                        say_element(list, set->name, true, wanted->pdata[w]);
                if (order > 0)
                        say_element(list, set->name, false, found->pdata[f]);
                w += order <= 0;
                f += order >= 0;
        }
}

void bw_difference_add_nft(GPtrArray *list, const BwNftTable *wanted, const char *listed_base,
                           const BwNftListing *found) {
        if (!found) {
                bw_difference_add(list, bw_engine_name(BW_ENGINE_NFTABLES), TABLE, true,
                                  "table " TABLE);
                return;
        }
        compare_bases(list, listed_base, found->base);
        for (guint i = 0; i < wanted->sets->len; i++) {
                const BwNftSet *set = &g_array_index(wanted->sets, BwNftSet, i);

                compare_set(list, set, g_hash_table_lookup(found->elements, set->name));
        }
}

/* Switches of bridges */

void bw_difference_add_switches(GPtrArray *list, const BwPlan *plan, unsigned engines) {
        unsigned wanted = bw_bridge_switches_wanted(engines);

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (BwBridgeSwitch kind = 0; kind < BW_SWITCH_MAX; kind++) {
                        g_autofree char *line =
                                g_strdup_printf("%s 1", bw_bridge_switch_name(kind));

                        if (wanted & ~bridge->switches & BW_SWITCH_BIT(kind))
                                bw_difference_add(list, "bridge", bridge->name, true, line);
                }
        }
}

/* Locks of ports */

static void say_lock(GPtrArray *list, const BwPortLock *lock, char *line) {
        g_autofree char *owned = line;

        bw_difference_add(list, "bridge", lock->bridge->name, true, owned);
}

static void compare_lock(GPtrArray *list, const BwPortLock *lock, const BwModel *model) {
        unsigned wrong = (lock->link->flags ^ lock->on) & lock->mask;
        char mac[BW_MAC_TEXT_SIZE];

        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++)
                if (wrong & BW_FLAG_BIT(flag))
                        say_lock(list, lock,
                                 g_strdup_printf("link set dev %s %s %s", lock->port->name,
                                                 bw_port_flag_name(flag),
                                                 lock->on & BW_FLAG_BIT(flag) ? "on" : "off"));
        for (guint i = 0; i < lock->macs->len; i++) {
                const BwMac *wanted = &g_array_index(lock->macs, BwMac, i);

                if (!bw_port_lock_is_fixed(model, lock->link, wanted))
                        say_lock(list, lock,
                                 g_strdup_printf("fdb replace %s dev %s master static sticky",
                                                 bw_mac_print(wanted, mac), lock->port->name));
        }
}

void bw_difference_add_locks(GPtrArray *list, const GPtrArray *locks, const BwModel *model) {
        for (guint i = 0; i < locks->len; i++)
                compare_lock(list, locks->pdata[i], model);
}
