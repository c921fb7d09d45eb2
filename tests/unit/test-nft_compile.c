/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Plan to nftables table and back: golden text of a small scene, names that cannot be written,
 * what nft lists, and what a change comes to. With BW_REGENERATE=1 the golden file is written anew.
 */

#include "settings.h"
#include <bw/corpus.h>

#include <bw/nft_chains.h>
#include <bw/nft_reports.h>
#include <string.h>

static BwNftTable *compile(const char *more, const char *stray, bool elsewhere_too) {
        BwScene stage = bw_scene_new();
        g_autofree char *settings = bw_scene_settings(&stage);
        g_autofree char *text = g_strconcat(settings, more, NULL);
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwPlan) plan = NULL;
        g_autoptr(GPtrArray) elsewhere = NULL;
        BwLink link = bw_test_bridge(1, stage.bridge);

        bw_test_tell_link(model, &link);
        for (int i = 0; i < BW_WHO_NOBODY; i++) {
                link = bw_test_tap(10 + i, stage.stations[i].port, stage.stations[i].mac, 1);
                bw_test_tell_link(model, &link);
        }
        if (stray) {
                link = bw_test_tap(20, stray, stage.stations[BW_WHO_NOBODY].mac, 1);
                bw_test_tell_link(model, &link);
        }
        if (elsewhere_too) {
                link = bw_test_bridge(2, "virbr9");
                bw_test_tell_link(model, &link);
                link = bw_test_tap(21, "other", bw_test_mac("52:54:00:00:00:09"), 2);
                bw_test_tell_link(model, &link);
        }
        plan = bw_plan_new(model, config);
        elsewhere = bw_nft_list_elsewhere(model, plan);
        return bw_nft_compile(plan, elsewhere);
}

static const GPtrArray *elements_of(const BwNftTable *table, const char *name) {
        for (guint i = 0; i < table->sets->len; i++)
                if (g_str_equal(g_array_index(table->sets, BwNftSet, i).name, name))
                        return g_array_index(table->sets, BwNftSet, i).elements;
        g_error("no set %s", name);
}

static bool has(const BwNftTable *table, const char *name, const char *element) {
        const GPtrArray *elements = elements_of(table, name);

        for (guint i = 0; i < elements->len; i++)
                if (g_str_equal(elements->pdata[i], element))
                        return true;
        return false;
}

/* What becomes of a port that is in no list: the last rule of the hook's chain. */
static void assert_last_rule(const BwNftTable *table, const char *hook, const char *rule) {
        g_autofree char *opening = g_strdup_printf("\tchain %s {\n", hook);
        g_autofree char *closing = g_strdup_printf("\n\t\t%s\n", rule);
        const char *chain = strstr(table->base, opening);
        g_autofree char *body = NULL;

        g_assert_nonnull(chain);
        body = g_strndup(chain, (gsize) (strstr(chain, "\t}\n") - chain));
        g_assert_true(g_str_has_suffix(body, closing));
}

static void test_golden(void) {
        g_autoptr(BwNftTable) table = compile("", NULL, false);
        g_autofree char *text = bw_nft_print(table, NULL);
        g_autofree char *stored = NULL;

        if (g_getenv("BW_REGENERATE")) {
                g_assert_true(g_file_set_contents("golden/virbr6.nft", text, -1, NULL));
                g_test_skip("written anew");
                return;
        }
        g_assert_true(g_file_get_contents("golden/virbr6.nft", &stored, NULL, NULL));
        g_assert_cmpstr(text, ==, stored);
}

static void test_names(void) {
        g_autoptr(BwNftTable) plain = compile("", "stray*x", false);
        g_autoptr(BwNftTable) odd = compile("[Port str\"ay]\nMode=off\n[Bridge virbr6]\n"
                                            "UnknownPorts=accept\n",
                                            "str\"ay", false);
        static const char *const refused[] = { "\"", "a\"", "\"a", "a\"b", "*", "a*", "" };
        static const char *const fine[] = {
                "a", "*a", "a*b", "$a", "@a", "a\\", "-a", "\xff", "#"
        };

        for (gsize i = 0; i < G_N_ELEMENTS(refused); i++)
                g_assert_false(bw_nft_name_is_writable(refused[i]));
        for (gsize i = 0; i < G_N_ELEMENTS(fine); i++)
                g_assert_true(bw_nft_name_is_writable(fine[i]));
        g_assert_true(has(plain, "closed", "\"stray*x\""));
        g_assert_cmpuint(plain->unwritten->len, ==, 0);

        /* In no list, told of, and what is in no list is dropped whatever UnknownPorts says. */
        g_assert_cmpuint(odd->unwritten->len, ==, 1);
        g_assert_cmpstr(odd->unwritten->pdata[0], ==, "str\"ay");
        g_assert_null(strstr(odd->base, "str\""));
        assert_last_rule(odd, "prerouting", "goto in-unbound");
        assert_last_rule(odd, "forward", "goto out-unbound");
        assert_last_rule(odd, "output", "goto out-unbound");
}

static void test_strangers(void) {
        g_autoptr(BwNftTable) drop = compile("", "stray", true);
        g_autoptr(BwNftTable) watch =
                compile("[Bridge virbr6]\nUnknownPorts=monitor\n", "stray", true);
        g_autoptr(BwNftTable) pass =
                compile("[Bridge virbr6]\nUnknownPorts=accept\n", "stray", true);

        g_assert_true(has(drop, "closed", "\"stray\""));
        assert_last_rule(drop, "prerouting", "goto in-unbound");
        assert_last_rule(drop, "output", "goto out-unbound");
        g_assert_true(has(watch, "watched", "\"stray\""));
        assert_last_rule(watch, "prerouting", "goto in-watched");
        assert_last_rule(watch, "forward", "goto out-watched");
        g_assert_true(has(pass, "passing", "\"stray\""));
        assert_last_rule(pass, "prerouting", "accept");
        assert_last_rule(pass, "forward", "accept");
        g_assert_true(has(drop, "passing", "\"other\""));
        g_assert_false(has(drop, "closed", "\"other\""));
}

static void test_modes(void) {
        g_autoptr(BwNftTable) table = compile("[Port vk63]\nMode=monitor\nLinkLocal=declared\n"
                                              "[Port vk64]\nMode=off\n",
                                              NULL, false);

        g_assert_true(has(table, "bound", "\"vk63\""));
        g_assert_true(has(table, "monitored", "\"vk63\""));
        g_assert_true(has(table, "strict", "\"vk63\""));
        g_assert_true(has(table, "passing", "\"vk64\""));
        g_assert_false(has(table, "bound", "\"vk64\""));
        g_assert_true(has(table, "dhcp-servers", "\"vmh1\""));
        g_assert_true(has(table, "routers", "\"vmh1\""));
        g_assert_true(has(table, "queriers", "\"vmh1\""));
        g_assert_cmpuint(elements_of(table, "routers")->len, ==, 1);
}

/* What we write, read as if nft had listed it, differs in nothing. */
static void test_listing(void) {
        g_autoptr(BwNftTable) table = compile("", "stray", true);
        g_autoptr(BwNftTable) other = compile("[Port vk64]\nAddresses=192.168.50.99\n", NULL, true);
        g_autofree char *text = bw_nft_print(table, NULL);
        g_autofree char *twin = bw_nft_print_twin(table);
        g_autoptr(BwNftListing) listing = bw_nft_listing_parse(text);
        g_autoptr(BwNftListing) twin_listing = bw_nft_listing_parse(twin);
        g_autofree char *same = bw_nft_diff(table, listing);
        g_autofree char *change = bw_nft_diff(other, listing);

        g_assert_cmpstr(listing->base, ==, twin_listing->base);
        g_assert_null(same);
        g_assert_nonnull(
                strstr(change, "delete element bridge bridgewarden closed { \"stray\" }\n"));
        g_assert_nonnull(strstr(change, "\"vk64\" . 192.168.50.99 }\n"));
        g_assert_null(strstr(change, "vk63"));
        g_assert_null(bw_nft_listing_parse(""));
        g_assert_null(bw_nft_listing_parse("table ip bridgewarden {\n}\n"));
}

static void keep_count(const char *port, BwDirection direction, BwReason reason, BwNftCount count,
                       gpointer user) {
        g_assert_cmpstr(port, ==, "a, }b");
        g_assert_cmpint(direction, ==, BW_DIRECTION_IN);
        g_assert_cmpint(reason, ==, BW_REASON_SPOOFED_MAC);
        *(BwNftCount *) user = count;
}

static void test_counts(void) {
        static const char text[] = "table bridge bridgewarden {\n"
                                   "\tcounter in-spoofed-mac-drop {\n"
                                   "\t\tpackets 12 bytes 888\n\t}\n\n"
                                   "\tset seen-in-spoofed-mac {\n\t\ttype ifname\n"
                                   "\t\telements = { \"a, }b\" counter packets 7 bytes 420 "
                                   "limit rate 10/second burst 10 packets }\n\t}\n}\n";
        g_autoptr(BwNftListing) listing = bw_nft_listing_parse(text);
        g_autoptr(BwNftTable) table = compile("", NULL, false);
        g_autofree char *kept = bw_nft_print(table, listing);
        BwNftCount count = bw_nft_count(listing, BW_DIRECTION_IN, BW_REASON_SPOOFED_MAC, true);

        g_assert_cmpuint(count.packets, ==, 12);
        g_assert_cmpuint(count.bytes, ==, 888);
        bw_nft_count_ports(listing, keep_count, &count);
        g_assert_cmpuint(count.packets, ==, 7);
        g_assert_cmpuint(count.bytes, ==, 420);
        g_assert_nonnull(
                strstr(kept, "\tcounter in-spoofed-mac-drop {\n\t\tpackets 12 bytes 888\n"));
        g_assert_nonnull(strstr(kept, "\tcounter in-spoofed-ip-drop {\n\t\tpackets 0 bytes 0\n"));
}

/* Each reason has a chain of its own, in each direction it is reported in and in no other. */
static void test_reasons(void) {
        g_autofree char *text = bw_nft_chains_print(10, BW_UNKNOWN_PORTS_DROP, 2);

        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                for (unsigned way = 0; way < 2; way++) {
                        BwDirection direction = (BwDirection) way;
                        g_autofree char *chain =
                                g_strdup_printf("\tchain %s-%s {\n", bw_direction_name(direction),
                                                bw_reason_name(reason));
                        g_autofree char *met =
                                g_strdup_printf("goto %s-%s\n", bw_direction_name(direction),
                                                bw_reason_name(reason));
                        bool wanted = bw_nft_reason_has(reason, direction);

                        g_assert_cmpint(strstr(text, chain) != NULL, ==, wanted);
                        g_assert_cmpint(strstr(text, met) != NULL, ==, wanted);
                }
}

static bool mentions(const BwNftTable *table, const char *set, const char *text) {
        const GPtrArray *elements = elements_of(table, set);

        for (guint i = 0; i < elements->len; i++)
                if (strstr(elements->pdata[i], text))
                        return true;
        return false;
}

/* Who goes the short way: bound ports with single addresses of the family, and few of them. */
static void test_bindings(void) {
#define STRAY "[Port stray]\nMACs=52:54:00:00:00:77 52:54:00:00:00:78\nAddresses="
        g_autoptr(BwNftTable) both =
                compile(STRAY "10.1.0.1 10.1.0.2 2001:db8::/64 2001:db8:9::1\n", "stray", true);
        g_autoptr(BwNftTable) many =
                compile(STRAY "10.1.0.1 10.1.0.2 10.1.0.3 10.1.0.4 10.1.0.5 10.1.0.6 10.1.0.7 "
                              "10.1.0.8 10.1.0.9\n",
                        "stray", true);
        g_autoptr(BwNftTable) any = compile(STRAY "any\n", "stray", true);

        g_assert_true(has(both, "bindings4", "\"stray\" . 52:54:00:00:00:77 . 10.1.0.1"));
        g_assert_true(has(both, "bindings4", "\"stray\" . 52:54:00:00:00:78 . 10.1.0.2"));
        g_assert_true(has(both, "pairs4", "10.1.0.1 . 10.1.0.1"));
        g_assert_true(has(both, "pairs4", "10.1.0.1 . 10.1.0.2"));
        g_assert_true(has(both, "pairs4", "10.1.0.2 . 10.1.0.1"));
        g_assert_true(has(both, "own6", "\"stray\" . 2001:db8:9::1"));
        g_assert_false(mentions(both, "bindings6", "stray"));
        g_assert_false(mentions(both, "pairs6", "2001:db8:9::1"));
        g_assert_true(has(many, "own4", "\"stray\" . 10.1.0.9"));
        g_assert_false(mentions(many, "bindings4", "stray"));
        g_assert_false(mentions(any, "bindings4", "stray"));
        g_assert_false(mentions(any, "bindings6", "stray"));
}

/* nft 1.0.6 makes "not both" of two of them over neighbouring fields; a mask keeps them apart. */
static void test_unequal_signs(void) {
        g_autofree char *text = bw_nft_chains_print(10, BW_UNKNOWN_PORTS_DROP, 2);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autoptr(GRegex) bare = g_regex_new(
                "(@(ll|nh|th),[0-9]+,[0-9]+|(?<! \\.) [a-z0-9]+ [a-z-]+) != [^@{]", 0, 0, NULL);
        unsigned n = 0;

        for (char **line = lines; *line; line++) {
                g_autoptr(GMatchInfo) match = NULL;
                unsigned signs = 0;

                for (g_regex_match(bare, *line, 0, &match); g_match_info_matches(match);
                     g_match_info_next(match, NULL))
                        signs++;
                n += signs;
                if (signs > 1)
                        g_test_message("%s", *line);
                g_assert_cmpuint(signs, <=, 1);
        }
        g_assert_cmpuint(n, >, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/nft/golden", test_golden);
        g_test_add_func("/nft/names", test_names);
        g_test_add_func("/nft/strangers", test_strangers);
        g_test_add_func("/nft/modes", test_modes);
        g_test_add_func("/nft/listing", test_listing);
        g_test_add_func("/nft/counts", test_counts);
        g_test_add_func("/nft/reasons", test_reasons);
        g_test_add_func("/nft/bindings", test_bindings);
        g_test_add_func("/nft/unequal-signs", test_unequal_signs);
        return g_test_run();
}
