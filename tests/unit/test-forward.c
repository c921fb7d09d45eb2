/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What becomes of a bridged packet nobody has a word for, chain by chain. */

#include <bw/forward.h>
#include <string.h>

static GPtrArray *tables_new(void) {
        GPtrArray *tables = g_ptr_array_new_with_free_func((GDestroyNotify) bw_forward_table_free);

        g_ptr_array_add(tables,
                        bw_forward_table_new("filter", NULL, BW_FAMILY_BIT(BW_FAMILY_IPV4)));
        return tables;
}

static BwForwardChain *add_chain(GPtrArray *tables, const char *name) {
        return bw_forward_table_chain(tables->pdata[tables->len - 1], name);
}

static BwForwardChain *add_hook(GPtrArray *tables, const char *name, bool drops) {
        BwForwardChain *chain = add_chain(tables, name);

        chain->is_hook = true;
        chain->drops = drops;
        return chain;
}

static BwForwardRule *add_rule(BwForwardChain *chain, BwForwardVerdict verdict,
                               const char *target) {
        BwForwardRule rule = { .verdict = verdict, .chain = target };

        g_array_append_val(chain->rules, rule);
        return &g_array_index(chain->rules, BwForwardRule, chain->rules->len - 1);
}

static bool drops(const GPtrArray *tables, const char *bridge) {
        BwForwardEnd end;

        return bw_forward_drops(tables, BW_FAMILY_IPV4, bridge, 7, &end);
}

/* "virbr+" as iptables has it: without the NUL. */
static void name_interface(BwForwardName *name, const char *text, bool inverted) {
        gsize length = strlen(text);
        bool prefix = g_str_has_suffix(text, "+");

        memcpy(name->bytes, text, length - (prefix ? 1 : 0));
        name->length = (unsigned) length + (prefix ? -1u : 1u);
        name->is_inverted = inverted;
}

static void test_policies(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *hook;

        g_assert_false(drops(NULL, "virbr6"));
        g_assert_false(drops(tables, "virbr6"));
        hook = add_hook(tables, "FORWARD", false);
        g_assert_false(drops(tables, "virbr6"));
        hook->drops = true;
        g_assert_true(drops(tables, "virbr6"));
        hook->is_hook = false;
        g_assert_false(drops(tables, "virbr6"));
}

static void test_order(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *hook = add_hook(tables, "FORWARD", true);

        add_rule(hook, BW_FORWARD_GO_ON, NULL);
        g_assert_true(drops(tables, "virbr6"));
        add_rule(hook, BW_FORWARD_ACCEPT, NULL)->is_narrow = true;
        g_assert_true(drops(tables, "virbr6"));
        add_rule(hook, BW_FORWARD_ACCEPT, NULL);
        g_assert_false(drops(tables, "virbr6"));
        add_rule(hook, BW_FORWARD_DROP, NULL);
        g_assert_false(drops(tables, "virbr6"));
        g_array_remove_index(hook->rules, 2);
        hook->drops = false;
        g_assert_true(drops(tables, "virbr6"));
        g_array_index(hook->rules, BwForwardRule, 2).is_narrow = true;
        g_assert_false(drops(tables, "virbr6"));
}

/* As libvirt's networks have it: what stays on the bridge passes, all else to it is rejected. */
static void test_interfaces(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *hook = add_hook(tables, "FORWARD", false);
        BwForwardRule *within = add_rule(hook, BW_FORWARD_ACCEPT, NULL), *reject;

        name_interface(&within->in, "virbr0", false);
        name_interface(&within->out, "virbr0", false);
        reject = add_rule(hook, BW_FORWARD_DROP, NULL);
        name_interface(&reject->out, "virbr+", false);
        g_assert_false(drops(tables, "virbr0"));
        g_assert_true(drops(tables, "virbr01"));
        g_assert_true(drops(tables, "virbr"));
        g_assert_false(drops(tables, "br0"));
        g_array_index(hook->rules, BwForwardRule, 1).out.is_inverted = true;
        g_assert_false(drops(tables, "virbr01"));
        g_assert_true(drops(tables, "br0"));
        g_array_index(hook->rules, BwForwardRule, 0).in.is_inverted = true;
        g_array_index(hook->rules, BwForwardRule, 1).out.is_inverted = false;
        g_assert_true(drops(tables, "virbr0"));
}

/* As Docker has it: the way to pass is in a chain of the administrator's. */
static void test_jumps(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *hook = add_hook(tables, "FORWARD", true);
        BwForwardChain *user = add_chain(tables, "DOCKER-USER");

        add_rule(hook, BW_FORWARD_JUMP, "DOCKER-USER");
        add_rule(hook, BW_FORWARD_JUMP, "nowhere");
        add_rule(user, BW_FORWARD_RETURN, NULL);
        g_assert_true(drops(tables, "virbr6"));
        g_array_index(user->rules, BwForwardRule, 0).verdict = BW_FORWARD_ACCEPT;
        g_assert_false(drops(tables, "virbr6"));
        g_array_index(hook->rules, BwForwardRule, 0).is_narrow = true;
        g_assert_true(drops(tables, "virbr6"));
}

static void test_goto_comes_not_back(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *hook = add_hook(tables, "FORWARD", true);

        add_chain(tables, "empty");
        add_rule(hook, BW_FORWARD_GOTO, "empty");
        add_rule(hook, BW_FORWARD_ACCEPT, NULL);
        g_assert_true(drops(tables, "virbr6"));
        g_array_index(hook->rules, BwForwardRule, 0).verdict = BW_FORWARD_JUMP;
        g_assert_false(drops(tables, "virbr6"));
}

/* RETURN in a hook is its policy; one hook that drops is enough. */
static void test_each_hook_counts(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *first = add_hook(tables, "a", false);
        BwForwardChain *second = add_hook(tables, "b", false);

        add_rule(first, BW_FORWARD_ACCEPT, NULL);
        add_rule(second, BW_FORWARD_RETURN, NULL);
        add_rule(second, BW_FORWARD_DROP, NULL);
        g_assert_false(drops(tables, "virbr6"));
        second->drops = true;
        g_assert_true(drops(tables, "virbr6"));
}

/* No kernel takes them; whoever answers for one is not believed. */
static void test_circles_and_thickets_end(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *hook = add_hook(tables, "0", true);

        add_rule(hook, BW_FORWARD_JUMP, "0");
        g_assert_true(drops(tables, "virbr6"));
        for (unsigned i = 0; i < 30; i++) {
                g_autofree char *name = g_strdup_printf("%u", i);
                g_autofree char *next = g_strdup_printf("%u", i + 1);
                const char *word = bw_forward_table_word(tables->pdata[0], next);
                BwForwardChain *chain = i ? add_chain(tables, name) : hook;

                for (unsigned k = 0; k < 30; k++)
                        add_rule(chain, BW_FORWARD_JUMP, word);
        }
        g_assert_true(drops(tables, "virbr6"));
}

/* By number, whatever it is called. */
static void test_numbers(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardRule *rule = add_rule(add_hook(tables, "a", false), BW_FORWARD_DROP, NULL);

        rule->in.ifindex = 7;
        g_assert_true(drops(tables, "virbr6"));
        rule->in.ifindex = 8;
        g_assert_false(drops(tables, "virbr6"));
        rule->in.is_inverted = true;
        g_assert_true(drops(tables, "virbr6"));
}

static void test_families(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardTable *table = tables->pdata[0];
        BwForwardRule *rule = add_rule(add_hook(tables, "a", false), BW_FORWARD_DROP, NULL);
        BwForwardEnd end;

        g_assert_false(bw_forward_drops(tables, BW_FAMILY_IPV6, "virbr6", 7, &end));
        table->families |= BW_FAMILY_BIT(BW_FAMILY_IPV6);
        g_assert_true(bw_forward_drops(tables, BW_FAMILY_IPV6, "virbr6", 7, &end));
        rule->excluded = BW_FAMILY_BIT(BW_FAMILY_IPV6);
        g_assert_false(bw_forward_drops(tables, BW_FAMILY_IPV6, "virbr6", 7, &end));
        g_assert_true(bw_forward_drops(tables, BW_FAMILY_IPV4, "virbr6", 7, &end));
}

/* The chain with the rule, or the hook whose policy it was; names are of one table. */
static void test_end(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *hook = add_hook(tables, "FORWARD", true), *deny;
        BwForwardEnd end = {};

        add_rule(hook, BW_FORWARD_JUMP, "deny");
        g_assert_true(bw_forward_drops(tables, BW_FAMILY_IPV4, "virbr6", 7, &end));
        g_assert_true(end.table == tables->pdata[0] && end.hook == hook && end.chain == hook);
        g_ptr_array_add(tables, bw_forward_table_new("other", "ip", 1));
        add_rule(add_chain(tables, "deny"), BW_FORWARD_ACCEPT, NULL);
        g_assert_true(drops(tables, "virbr6"));
        deny = bw_forward_table_chain(tables->pdata[0], "deny");
        add_rule(deny, BW_FORWARD_DROP, NULL);
        g_assert_true(bw_forward_drops(tables, BW_FAMILY_IPV4, "virbr6", 7, &end));
        g_assert_true(end.hook == hook && end.chain == deny);
}

static BwForwardLookup *add_lookup(BwForwardRule *rule, const char *set, BwForwardField field) {
        BwForwardLookup *lookup = &rule->lookups[rule->lookup_count++];

        lookup->set = set;
        lookup->fields[0] = field;
        return lookup;
}

static BwForwardElement *add_element(GPtrArray *tables, const char *name, const char *key) {
        BwForwardSet *set = bw_forward_table_set(tables->pdata[0], name);
        BwForwardElement element = {};

        set->length = BW_FORWARD_NAME_SIZE;
        memcpy(element.key, key, strlen(key));
        g_array_append_val(set->elements, element);
        return &g_array_index(set->elements, BwForwardElement, set->elements->len - 1);
}

static void test_sets(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardRule *rule = add_rule(add_hook(tables, "a", false), BW_FORWARD_DROP, NULL);
        BwForwardLookup *lookup = add_lookup(rule, "s", BW_FORWARD_OUT_NAME);

        g_assert_false(drops(tables, "virbr6"));
        lookup->is_inverted = true;
        g_assert_false(drops(tables, "virbr6"));
        add_element(tables, "s", "virbr66");
        add_element(tables, "s", "virbr4");
        g_assert_true(drops(tables, "virbr6"));
        g_assert_false(drops(tables, "virbr4"));
        lookup->is_inverted = false;
        g_assert_true(drops(tables, "virbr4"));
        g_assert_false(drops(tables, "virbr"));
        bw_forward_table_set(tables->pdata[0], "s")->is_foreign = true;
        g_assert_false(drops(tables, "virbr4"));
        lookup->is_inverted = true;
        g_assert_false(drops(tables, "virbr6"));
}

/* A rule fits when each of its sets says so. */
static void test_two_sets(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardRule *rule = add_rule(add_hook(tables, "a", false), BW_FORWARD_DROP, NULL);

        (void) add_lookup(rule, "s", BW_FORWARD_IN_NAME);
        add_lookup(rule, "t", BW_FORWARD_OUT_NAME)->is_inverted = true;
        add_element(tables, "s", "virbr6");
        add_element(tables, "s", "virbr4");
        add_element(tables, "t", "virbr4");
        g_assert_true(drops(tables, "virbr6"));
        g_assert_false(drops(tables, "virbr4"));
        g_assert_false(drops(tables, "virbr5"));
}

static void test_maps(void) {
        g_autoptr(GPtrArray) tables = tables_new();
        BwForwardChain *hook = add_hook(tables, "a", true);
        BwForwardRule *rule = add_rule(hook, BW_FORWARD_LOOK_UP, NULL);
        BwForwardElement *jump;

        g_assert_true(drops(tables, "virbr6"));
        (void) add_lookup(rule, "m", BW_FORWARD_IN_NAME);
        g_assert_true(drops(tables, "virbr6"));
        add_element(tables, "m", "virbr6")->verdict = BW_FORWARD_ACCEPT;
        g_assert_false(drops(tables, "virbr6"));
        g_assert_true(drops(tables, "virbr4"));
        jump = add_element(tables, "m", "virbr4");
        jump->verdict = BW_FORWARD_JUMP;
        jump->chain = "pass";
        g_assert_true(drops(tables, "virbr4"));
        add_rule(add_chain(tables, "pass"), BW_FORWARD_ACCEPT, NULL);
        g_assert_false(drops(tables, "virbr4"));
        g_assert_true(drops(tables, "virbr5"));
        jump = add_element(tables, "m", "");
        jump->is_rest = true;
        jump->verdict = BW_FORWARD_ACCEPT;
        g_assert_false(drops(tables, "virbr5"));
        /* The last is the map, what is before it a condition. */
        rule = &g_array_index(hook->rules, BwForwardRule, 0);
        rule->lookups[1] = rule->lookups[0];
        rule->lookups[0].set = "s";
        rule->lookup_count = 2;
        g_assert_true(drops(tables, "virbr6"));
        add_element(tables, "s", "virbr6")->verdict = BW_FORWARD_DROP;
        g_assert_false(drops(tables, "virbr6"));
        g_assert_true(drops(tables, "virbr5"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/forward/policies", test_policies);
        g_test_add_func("/forward/order", test_order);
        g_test_add_func("/forward/interfaces", test_interfaces);
        g_test_add_func("/forward/jumps", test_jumps);
        g_test_add_func("/forward/goto-comes-not-back", test_goto_comes_not_back);
        g_test_add_func("/forward/each-hook-counts", test_each_hook_counts);
        g_test_add_func("/forward/numbers", test_numbers);
        g_test_add_func("/forward/families", test_families);
        g_test_add_func("/forward/end", test_end);
        g_test_add_func("/forward/sets", test_sets);
        g_test_add_func("/forward/two-sets", test_two_sets);
        g_test_add_func("/forward/maps", test_maps);
        g_test_add_func("/forward/circles-and-thickets-end", test_circles_and_thickets_end);
        return g_test_run();
}
