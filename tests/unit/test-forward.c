/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What becomes of a bridged packet nobody has a word for, chain by chain. */

#include <bw/forward.h>
#include <string.h>

static GPtrArray *chains_new(void) {
        return g_ptr_array_new_with_free_func((GDestroyNotify) bw_forward_chain_free);
}

static BwForwardChain *add_chain(GPtrArray *chains, const char *name) {
        BwForwardChain *chain = bw_forward_chain_new(name);

        g_ptr_array_add(chains, chain);
        return chain;
}

static BwForwardChain *add_hook(GPtrArray *chains, const char *name, bool drops) {
        BwForwardChain *chain = add_chain(chains, name);

        chain->is_hook = true;
        chain->drops = drops;
        return chain;
}

static BwForwardRule *add_rule(BwForwardChain *chain, BwForwardVerdict verdict,
                               const char *target) {
        BwForwardRule rule = { .verdict = verdict };

        g_strlcpy(rule.chain, target ? target : "", sizeof(rule.chain));
        g_array_append_val(chain->rules, rule);
        return &g_array_index(chain->rules, BwForwardRule, chain->rules->len - 1);
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
        g_autoptr(GPtrArray) chains = chains_new();
        BwForwardChain *hook;

        g_assert_false(bw_forward_drops(NULL, "virbr6"));
        g_assert_false(bw_forward_drops(chains, "virbr6"));
        hook = add_hook(chains, "FORWARD", false);
        g_assert_false(bw_forward_drops(chains, "virbr6"));
        hook->drops = true;
        g_assert_true(bw_forward_drops(chains, "virbr6"));
        hook->is_hook = false;
        g_assert_false(bw_forward_drops(chains, "virbr6"));
}

static void test_order(void) {
        g_autoptr(GPtrArray) chains = chains_new();
        BwForwardChain *hook = add_hook(chains, "FORWARD", true);

        add_rule(hook, BW_FORWARD_GO_ON, NULL);
        g_assert_true(bw_forward_drops(chains, "virbr6"));
        add_rule(hook, BW_FORWARD_ACCEPT, NULL)->is_narrow = true;
        g_assert_true(bw_forward_drops(chains, "virbr6"));
        add_rule(hook, BW_FORWARD_ACCEPT, NULL);
        g_assert_false(bw_forward_drops(chains, "virbr6"));
        add_rule(hook, BW_FORWARD_DROP, NULL);
        g_assert_false(bw_forward_drops(chains, "virbr6"));
        g_array_remove_index(hook->rules, 2);
        hook->drops = false;
        g_assert_true(bw_forward_drops(chains, "virbr6"));
        g_array_index(hook->rules, BwForwardRule, 2).is_narrow = true;
        g_assert_false(bw_forward_drops(chains, "virbr6"));
}

/* As libvirt's networks have it: what stays on the bridge passes, all else to it is rejected. */
static void test_interfaces(void) {
        g_autoptr(GPtrArray) chains = chains_new();
        BwForwardChain *hook = add_hook(chains, "FORWARD", false);
        BwForwardRule *within = add_rule(hook, BW_FORWARD_ACCEPT, NULL), *reject;

        name_interface(&within->in, "virbr0", false);
        name_interface(&within->out, "virbr0", false);
        reject = add_rule(hook, BW_FORWARD_DROP, NULL);
        name_interface(&reject->out, "virbr+", false);
        g_assert_false(bw_forward_drops(chains, "virbr0"));
        g_assert_true(bw_forward_drops(chains, "virbr01"));
        g_assert_true(bw_forward_drops(chains, "virbr"));
        g_assert_false(bw_forward_drops(chains, "br0"));
        g_array_index(hook->rules, BwForwardRule, 1).out.is_inverted = true;
        g_assert_false(bw_forward_drops(chains, "virbr01"));
        g_assert_true(bw_forward_drops(chains, "br0"));
        g_array_index(hook->rules, BwForwardRule, 0).in.is_inverted = true;
        g_array_index(hook->rules, BwForwardRule, 1).out.is_inverted = false;
        g_assert_true(bw_forward_drops(chains, "virbr0"));
}

/* As Docker has it: the way to pass is in a chain of the administrator's. */
static void test_jumps(void) {
        g_autoptr(GPtrArray) chains = chains_new();
        BwForwardChain *hook = add_hook(chains, "FORWARD", true);
        BwForwardChain *user = add_chain(chains, "DOCKER-USER");

        add_rule(hook, BW_FORWARD_JUMP, "DOCKER-USER");
        add_rule(hook, BW_FORWARD_JUMP, "nowhere");
        add_rule(user, BW_FORWARD_RETURN, NULL);
        g_assert_true(bw_forward_drops(chains, "virbr6"));
        g_array_index(user->rules, BwForwardRule, 0).verdict = BW_FORWARD_ACCEPT;
        g_assert_false(bw_forward_drops(chains, "virbr6"));
        g_array_index(hook->rules, BwForwardRule, 0).is_narrow = true;
        g_assert_true(bw_forward_drops(chains, "virbr6"));
}

static void test_goto_comes_not_back(void) {
        g_autoptr(GPtrArray) chains = chains_new();
        BwForwardChain *hook = add_hook(chains, "FORWARD", true);

        add_chain(chains, "empty");
        add_rule(hook, BW_FORWARD_GOTO, "empty");
        add_rule(hook, BW_FORWARD_ACCEPT, NULL);
        g_assert_true(bw_forward_drops(chains, "virbr6"));
        g_array_index(hook->rules, BwForwardRule, 0).verdict = BW_FORWARD_JUMP;
        g_assert_false(bw_forward_drops(chains, "virbr6"));
}

/* RETURN in a hook is its policy; one hook that drops is enough. */
static void test_each_hook_counts(void) {
        g_autoptr(GPtrArray) chains = chains_new();
        BwForwardChain *first = add_hook(chains, "a", false);
        BwForwardChain *second = add_hook(chains, "b", false);

        add_rule(first, BW_FORWARD_ACCEPT, NULL);
        add_rule(second, BW_FORWARD_RETURN, NULL);
        add_rule(second, BW_FORWARD_DROP, NULL);
        g_assert_false(bw_forward_drops(chains, "virbr6"));
        second->drops = true;
        g_assert_true(bw_forward_drops(chains, "virbr6"));
}

/* No kernel takes them; whoever answers for one is not believed. */
static void test_circles_and_thickets_end(void) {
        g_autoptr(GPtrArray) chains = chains_new();
        BwForwardChain *hook = add_hook(chains, "0", true);

        add_rule(hook, BW_FORWARD_JUMP, "0");
        g_assert_true(bw_forward_drops(chains, "virbr6"));
        for (unsigned i = 0; i < 30; i++) {
                g_autofree char *name = g_strdup_printf("%u", i), *next = NULL;
                BwForwardChain *chain = i ? add_chain(chains, name) : hook;

                next = g_strdup_printf("%u", i + 1);
                for (unsigned k = 0; k < 30; k++)
                        add_rule(chain, BW_FORWARD_JUMP, next);
        }
        g_assert_true(bw_forward_drops(chains, "virbr6"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/forward/policies", test_policies);
        g_test_add_func("/forward/order", test_order);
        g_test_add_func("/forward/interfaces", test_interfaces);
        g_test_add_func("/forward/jumps", test_jumps);
        g_test_add_func("/forward/goto-comes-not-back", test_goto_comes_not_back);
        g_test_add_func("/forward/each-hook-counts", test_each_hook_counts);
        g_test_add_func("/forward/circles-and-thickets-end", test_circles_and_thickets_end);
        return g_test_run();
}
