/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * In what a kernel differs from the plan: the very lines, and no line for what is of no concern.
 * The kernel is made up here by writing down what is planned and changing it.
 */

#include <bw/corpus.h>
#include <bw/difference.h>
#include <bw/nft_words.h>
#include <string.h>

static BwPlan *plan_new(void) {
        static const char *const none[] = { NULL };
        BwScene scene = bw_scene_new();

        return bw_scene_plan_new(&scene, none, NULL);
}

static void chain_free(gpointer chain) {
        bw_ipt_chain_unref(chain);
}

static int by_name(gconstpointer a, gconstpointer b) {
        const BwIptChain *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

/* As the adapter reads it: no verdict knows its reason, and the hook is among the chains. */
static GPtrArray *read_like(const GPtrArray *chains, BwIptTable table) {
        GPtrArray *found = g_ptr_array_new_with_free_func(chain_free);
        BwIptChain *hook = bw_ipt_chain_new(bw_ipt_table_hook(table));
        BwIptRule anchor = { .target = BW_IPT_JUMP };

        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];
                BwIptChain *copy = bw_ipt_chain_new(chain->name);

                for (guint k = 0; k < chain->rules->len; k++) {
                        BwIptRule rule = g_array_index(chain->rules, BwIptRule, k);

                        if (rule.target != BW_IPT_NFLOG) {
                                rule.reason = BW_REASON_NONE;
                                rule.direction = BW_DIRECTION_IN;
                                rule.drops = false;
                        }
                        g_array_append_val(copy->rules, rule);
                }
                g_ptr_array_add(found, copy);
        }
        g_strlcpy(anchor.chain, bw_ipt_table_root(table), sizeof(anchor.chain));
        g_array_append_val(hook->rules, anchor);
        g_ptr_array_add(found, hook);
        g_ptr_array_sort(found, by_name);
        return found;
}

typedef struct Fixture {
        BwPlan *plan;
        GPtrArray *wanted, *found, *list;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data) {
        (void) data;
        fixture->plan = plan_new();
        fixture->wanted = bw_ipt_compile(fixture->plan, BW_IPT_RAW);
        fixture->found = read_like(fixture->wanted, BW_IPT_RAW);
        fixture->list = bw_difference_list_new();
}

static void tear_down(Fixture *fixture, gconstpointer data) {
        (void) data;
        g_ptr_array_unref(fixture->list);
        g_ptr_array_unref(fixture->found);
        g_ptr_array_unref(fixture->wanted);
        bw_plan_free(fixture->plan);
}

static BwIptChain *chain(Fixture *fixture, const char *name) {
        const BwIptChain *found = bw_ipt_find_chain(fixture->found, name);

        g_assert_nonnull(found);
        return (BwIptChain *) found;
}

static BwIptRule *rule(Fixture *fixture, const char *name, guint at) {
        g_assert_cmpuint(chain(fixture, name)->rules->len, >, at);
        return &g_array_index(chain(fixture, name)->rules, BwIptRule, at);
}

static char *print(Fixture *fixture, const char *name, guint at) {
        return bw_ipt_rule_print(name, rule(fixture, name, at));
}

static void compare(Fixture *fixture) {
        g_ptr_array_set_size(fixture->list, 0);
        bw_difference_add_chains(fixture->list, BW_IPT_RAW, fixture->wanted, fixture->found);
}

static void expect_line(const GPtrArray *list, guint i, bool is_missing, const char *line) {
        const BwDifference *difference;

        g_assert_cmpuint(i, <, list->len);
        difference = list->pdata[i];
        g_assert_cmpstr(difference->line, ==, line);
        g_assert_cmpint(difference->is_missing, ==, is_missing);
}

static void expect(Fixture *fixture, guint i, bool is_missing, const char *line) {
        const BwDifference *difference;

        expect_line(fixture->list, i, is_missing, line);
        difference = fixture->list->pdata[i];
        g_assert_cmpstr(difference->engine, ==, "iptables");
        g_assert_cmpstr(difference->table, ==, "raw");
}

static void expect_count(Fixture *fixture, guint n) {
        g_assert_cmpuint(fixture->list->len, ==, n);
}

#define PORT "bw-i-vk63"

static void test_equal(Fixture *fixture, gconstpointer data) {
        (void) data;
        compare(fixture);
        expect_count(fixture, 0);
}

static void test_missing_rule(Fixture *fixture, gconstpointer data) {
        g_autofree char *gone = print(fixture, PORT, 1);

        (void) data;
        g_array_remove_index(chain(fixture, PORT)->rules, 1);
        compare(fixture);
        expect_count(fixture, 1);
        expect(fixture, 0, true, gone);
}

static void test_changed_rule(Fixture *fixture, gconstpointer data) {
        g_autofree char *before = print(fixture, PORT, 0), *after = NULL;

        (void) data;
        rule(fixture, PORT, 0)->target = BW_IPT_DROP;
        rule(fixture, PORT, 0)->chain[0] = '\0';
        after = print(fixture, PORT, 0);
        g_assert_cmpstr(before, !=, after);
        compare(fixture);
        expect_count(fixture, 2);
        expect(fixture, 0, false, after);
        expect(fixture, 1, true, before);
}

static void test_swapped_rules(Fixture *fixture, gconstpointer data) {
        BwIptRule *rules = rule(fixture, PORT, 0), kept = rules[0];
        g_autofree char *first = print(fixture, PORT, 0);
        g_autofree char *second = print(fixture, PORT, 1);

        (void) data;
        rules[0] = rules[1];
        rules[1] = kept;
        compare(fixture);
        expect_count(fixture, 2);
        /* Either of the two may be told as the one that moved. */
        g_assert_cmpstr(((BwDifference *) fixture->list->pdata[0])->line, ==,
                        ((BwDifference *) fixture->list->pdata[1])->line);
        g_assert_true(g_str_equal(((BwDifference *) fixture->list->pdata[0])->line, first) ||
                      g_str_equal(((BwDifference *) fixture->list->pdata[0])->line, second));
}

static void test_foreign_rule(Fixture *fixture, gconstpointer data) {
        BwIptRule foreign = { .foreign = true };

        (void) data;
        g_array_insert_val(chain(fixture, PORT)->rules, 0, foreign);
        compare(fixture);
        expect_count(fixture, 1);
        expect(fixture, 0, false, "-A " PORT " (a rule of somebody else's)");
}

static void test_missing_chain(Fixture *fixture, gconstpointer data) {
        g_autofree char *first = print(fixture, PORT, 0);
        guint n = chain(fixture, PORT)->rules->len;

        (void) data;
        g_ptr_array_remove(fixture->found, chain(fixture, PORT));
        compare(fixture);
        expect_count(fixture, n + 1);
        expect(fixture, 0, true, "-N " PORT);
        expect(fixture, 1, true, first);
}

static void add_chain(Fixture *fixture, const char *name, guint n_rules) {
        BwIptChain *added = bw_ipt_chain_new(name);
        BwIptRule drop = { .target = BW_IPT_DROP };

        for (guint i = 0; i < n_rules; i++)
                g_array_append_val(added->rules, drop);
        g_ptr_array_add(fixture->found, added);
        g_ptr_array_sort(fixture->found, by_name);
}

static void test_obsolete_chain(Fixture *fixture, gconstpointer data) {
        (void) data;
        add_chain(fixture, "bw-i-gone", 1);
        add_chain(fixture, "bw-i-empty", 0);
        add_chain(fixture, "bw-shaping", 1);
        compare(fixture);
        expect_count(fixture, 2);
        expect(fixture, 0, false, "-N bw-i-gone");
        expect(fixture, 1, false, "-A bw-i-gone -j DROP");
}

/* What a chain of a former run says is as it should be, and so is what it leads to. */
static void test_kept_chain(Fixture *fixture, gconstpointer data) {
        BwIptChain *wanted = (BwIptChain *) bw_ipt_find_chain(fixture->wanted, PORT);
        BwIptRule lead = { .target = BW_IPT_GOTO, .chain = "bw-ia-old" };

        (void) data;
        wanted->opaque = true;
        g_array_set_size(wanted->rules, 0);
        g_array_append_val(chain(fixture, PORT)->rules, lead);
        add_chain(fixture, "bw-ia-old", 2);
        compare(fixture);
        expect_count(fixture, 0);
        g_ptr_array_remove(fixture->found, chain(fixture, PORT));
        compare(fixture);
        expect(fixture, 0, true, "-N " PORT);
}

/* What it leads to is wanted anew, and what that leads to by somebody's hand is not. */
static void test_kept_chain_leads_to_wanted(Fixture *fixture, gconstpointer data) {
        BwIptRule lead = { .target = BW_IPT_GOTO, .chain = "bw-in" };

        (void) data;
        ((BwIptChain *) bw_ipt_find_chain(fixture->wanted, PORT))->opaque = true;
        g_array_append_val(chain(fixture, PORT)->rules, lead);
        g_strlcpy(lead.chain, "bw-ia-old", sizeof(lead.chain));
        g_array_append_val(chain(fixture, "bw-in")->rules, lead);
        add_chain(fixture, "bw-ia-old", 1);
        compare(fixture);
        expect_count(fixture, 3);
        expect(fixture, 1, false, "-N bw-ia-old");
}

static void test_anchor(Fixture *fixture, gconstpointer data) {
        GArray *rules = chain(fixture, "PREROUTING")->rules;
        BwIptRule anchor = g_array_index(rules, BwIptRule, 0), foreign = { .foreign = true };

        (void) data;
        g_array_append_val(rules, foreign);
        compare(fixture);
        expect_count(fixture, 0);
        g_array_append_val(rules, anchor);
        compare(fixture);
        expect_count(fixture, 1);
        expect(fixture, 0, false, "-I PREROUTING 3 -j bw-in");
        g_array_remove_index(rules, 0);
        compare(fixture);
        expect_count(fixture, 2);
        expect(fixture, 0, true, "-I PREROUTING 1 -j bw-in");
        expect(fixture, 1, false, "-I PREROUTING 2 -j bw-in");
        g_strlcpy(g_array_index(rules, BwIptRule, 0).chain, "bw-in", BW_IPT_CHAIN_SIZE);
        g_array_set_size(rules, 1);
        compare(fixture);
        expect_count(fixture, 2);
        expect(fixture, 1, false, "-I PREROUTING 1 -j bw-in");
        g_ptr_array_remove(fixture->found, chain(fixture, "PREROUTING"));
        compare(fixture);
        expect_count(fixture, 1);
        expect(fixture, 0, true, "-I PREROUTING 1 -j bw-in");
}

static void test_nothing_wanted(Fixture *fixture, gconstpointer data) {
        g_autoptr(GPtrArray) nothing = g_ptr_array_new();

        (void) data;
        bw_difference_add_chains(fixture->list, BW_IPT_RAW, NULL, nothing);
        expect_count(fixture, 0);
        bw_difference_add_chains(fixture->list, BW_IPT_RAW, NULL, fixture->found);
        expect(fixture, 0, false, "-I PREROUTING 1 -j bw-in");
        g_assert_cmpuint(fixture->list->len, >, fixture->wanted->len);
}

/* nftables */

typedef struct Table {
        BwNftTable *table;
        char *text;
        GPtrArray *list;
} Table;

static void set_up_table(Table *fixture, gconstpointer data) {
        g_autoptr(BwPlan) plan = plan_new();
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();

        (void) data;
        fixture->table = bw_nft_compile(plan, nowhere);
        fixture->text = bw_nft_print(fixture->table, NULL);
        fixture->list = bw_difference_list_new();
}

static void tear_down_table(Table *fixture, gconstpointer data) {
        (void) data;
        g_ptr_array_unref(fixture->list);
        g_free(fixture->text);
        bw_nft_table_free(fixture->table);
}

/* @before: NULL, or what becomes @after in the kernel; there must be one such place at least. */
static void compare_table(Table *fixture, const char *before, const char *after) {
        g_autoptr(BwNftListing) wanted = bw_nft_listing_parse(fixture->text), found = NULL;
        g_autoptr(GString) text = g_string_new(fixture->text);

        if (before)
                g_assert_cmpuint(g_string_replace(text, before, after, 1), ==, 1);
        found = bw_nft_listing_parse(text->str);
        g_assert_nonnull(found);
        bw_difference_add_nft(fixture->list, fixture->table, wanted->base, found);
}

static void test_table_equal(Table *fixture, gconstpointer data) {
        (void) data;
        compare_table(fixture, NULL, NULL);
        g_assert_cmpuint(fixture->list->len, ==, 0);
        compare_table(fixture, "packets 0 bytes 0", "packets 7 bytes 420");
        g_assert_cmpuint(fixture->list->len, ==, 0);
}

static void test_table_gone(Table *fixture, gconstpointer data) {
        (void) data;
        bw_difference_add_nft(fixture->list, fixture->table, "", NULL);
        g_assert_cmpuint(fixture->list->len, ==, 1);
        expect_line(fixture->list, 0, true, "table bridge bridgewarden");
}

static void test_element_gone(Table *fixture, gconstpointer data) {
        const BwDifference *difference;

        (void) data;
        compare_table(fixture, "\"vk63\",\n", "\"vk99\",\n");
        g_assert_cmpuint(fixture->list->len, ==, 2);
        expect_line(fixture->list, 0, true, "element bound { \"vk63\" }");
        expect_line(fixture->list, 1, false, "element bound { \"vk99\" }");
        difference = fixture->list->pdata[0];
        g_assert_cmpstr(difference->engine, ==, "nftables");
        g_assert_cmpstr(difference->table, ==, "bridge bridgewarden");
}

static void test_rule_changed(Table *fixture, gconstpointer data) {
        (void) data;
        compare_table(fixture, "counter name in-spoofed-ip-drop\n", "accept\n");
        g_assert_cmpuint(fixture->list->len, ==, 2);
        expect_line(fixture->list, 0, false, "chain in-spoofed-ip { accept }");
        expect_line(fixture->list, 1, true,
                    "chain in-spoofed-ip { counter name in-spoofed-ip-drop }");
}

static void test_chain_added(Table *fixture, gconstpointer data) {
        (void) data;
        compare_table(fixture, "\tchain in-spoofed-arp {\n",
                      "\tchain door {\n\t\taccept\n\t}\n\tchain in-spoofed-arp {\n\t\taccept\n");
        g_assert_cmpuint(fixture->list->len, ==, 3);
        expect_line(fixture->list, 0, false, "chain door");
        expect_line(fixture->list, 1, false, "chain door { accept }");
        expect_line(fixture->list, 2, false, "chain in-spoofed-arp { accept }");
}

static void test_table_asleep(Table *fixture, gconstpointer data) {
        (void) data;
        compare_table(fixture, "table bridge bridgewarden {\n",
                      "table bridge bridgewarden {\n\tflags dormant\n");
        g_assert_cmpuint(fixture->list->len, ==, 1);
        expect_line(fixture->list, 0, false, "flags dormant");
}

/* Switches */

static void test_switches(void) {
        g_autoptr(BwPlan) plan = plan_new();
        g_autoptr(GPtrArray) list = bw_difference_list_new();
        BwBridgePlan *bridge = plan->bridges->pdata[0];
        const BwDifference *difference;

        bridge->switches = BW_SWITCH_ALL;
        bw_difference_add_switches(list, plan, BW_ENGINE_ALL);
        g_assert_cmpuint(list->len, ==, 0);
        bridge->switches = BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IPTABLES);
        bw_difference_add_switches(list, plan, BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
        g_assert_cmpuint(list->len, ==, 1);
        expect_line(list, 0, true, "no_linklocal_learn 1");
        difference = list->pdata[0];
        g_assert_cmpstr(difference->engine, ==, "bridge");
        g_assert_cmpstr(difference->table, ==, "virbr6");
        bw_difference_add_switches(list, plan, BW_ENGINE_ALL);
        g_assert_cmpuint(list->len, ==, 3);
        expect_line(list, 1, true, "nf_call_ip6tables 1");
}

/* Words */

static void test_words(void) {
        static const char written[] = "table t {\n\tchain a {\n\t\tether type 0x0800 ip saddr 1\n"
                                      "\t\tdrop\n\t}\n\tchain b {\n\t\tone\n\t\ttwo\n\t}\n}\n";
        static const char listed[] = "table t {\n\tchain a {\n\t\tip saddr 1\n\t\tdrop\n\t}\n"
                                     "\tchain b {\n\t\tboth\n\t}\n}\n";
        g_autofree char *text =
                bw_nft_reword("table t {\n\tset s {\n\t\tip saddr 1\n\t}\n\tchain a {\n"
                              "\t\taccept\n\t\tip saddr 1\n\t}\n\tchain b {\n\t\tboth\n\t}\n"
                              "\tchain c {\n\t\tip saddr 1\n\t}\n}",
                              listed, written);

        g_assert_cmpstr(text, ==,
                        "table t {\n\tset s {\n\t\tip saddr 1\n\t}\n\tchain a {\n"
                        "\t\taccept\nether type 0x0800 ip saddr 1\n\t}\n\tchain b {\n\t\tboth\n"
                        "\t}\n\tchain c {\n\t\tip saddr 1\n\t}\n}\n");
}

#define ADD(name, function)                                                                        \
        g_test_add("/difference/" name, Fixture, NULL, set_up, function, tear_down)
#define ADD_TABLE(name, function)                                                                  \
        g_test_add("/difference/nft/" name, Table, NULL, set_up_table, function, tear_down_table)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        ADD("equal", test_equal);
        ADD("missing-rule", test_missing_rule);
        ADD("changed-rule", test_changed_rule);
        ADD("swapped-rules", test_swapped_rules);
        ADD("foreign-rule", test_foreign_rule);
        ADD("missing-chain", test_missing_chain);
        ADD("obsolete-chain", test_obsolete_chain);
        ADD("kept-chain", test_kept_chain);
        ADD("kept-chain-leads-to-wanted", test_kept_chain_leads_to_wanted);
        ADD("anchor", test_anchor);
        ADD("nothing-wanted", test_nothing_wanted);
        ADD_TABLE("equal", test_table_equal);
        ADD_TABLE("gone", test_table_gone);
        ADD_TABLE("element", test_element_gone);
        ADD_TABLE("rule", test_rule_changed);
        ADD_TABLE("chain", test_chain_added);
        ADD_TABLE("asleep", test_table_asleep);
        g_test_add_func("/difference/switches", test_switches);
        g_test_add_func("/nft_words", test_words);
        return g_test_run();
}
