/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ask.h"
#include "command.h"
#include "kernel_rules.h"
#include "stage.h"

#include <bw/difference.h>
#include <bw/error.h>
#include <bw/text.h>
#include <nftables.h>
#include <stdio.h>
#include <unistd.h>

/* What can be asked for with --engine. */
static const char *const engines[] = { "iptables", "ip6tables", "nftables", NULL };

/* Without a daemon */

static unsigned engines_of(const Line *line, const BwConfig *config) {
        if (line->engine == NULL)
                return config->engines;
        return g_str_equal(line->engine, "nftables") ? BW_ENGINE_BIT(BW_ENGINE_NFTABLES)
                                                     : BW_ENGINE_BIT(BW_ENGINE_IPTABLES);
}

static void compare_iptables(GPtrArray *list, const BwWorld *world, const BwKernelRules *rules) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) wanted = NULL;

                if (rules->chains[table] == NULL)
                        continue;
                wanted = bw_ipt_compile(world->plan, table);
                bw_difference_add_chains(list, table, wanted, rules->chains[table]);
        }
}

/* (transfer full): the table as the nft of this host lists it, from a namespace of its own: nothing
 * is written where the host's rules are. The process does not come back from there. */
static BwNftListing *list_wanted(const BwNftTable *table, GError **error) {
        g_autoptr(BwNftables) kernel = bw_nftables_new();
        BwNftReport report;

        if (!bw_stage_leave_host(error) || !bw_nftables_sync(kernel, table, &report, error))
                return NULL;
        return bw_nftables_read(kernel, error);
}

static bool compare_nftables(GPtrArray *list, const BwWorld *world, const BwKernelRules *rules,
                             GError **error) {
        g_autoptr(BwNftTable) table = bw_nft_compile(world->plan, world->elsewhere);
        g_autoptr(BwNftListing) wanted = list_wanted(table, error);
        g_autoptr(BwNftListing) found = NULL;

        if (wanted == NULL)
                return false;
        found = rules->nft != NULL ? bw_nft_listing_parse(rules->nft) : NULL;
        bw_difference_add_nft(list, table, wanted->base, found);
        return true;
}

/* (transfer full) (element-type BwDifference) */
static GPtrArray *compare_with_files(const Line *line, const BwWorld *world, GError **error) {
        unsigned set = engines_of(line, world->config);
        g_autoptr(GPtrArray) list = bw_difference_list_new();
        g_auto(BwKernelRules) rules = {};

        if (!bw_kernel_rules_read(&rules, set, error))
                return NULL;
        compare_iptables(list, world, &rules);
        if ((set & BW_ENGINE_BIT(BW_ENGINE_NFTABLES)) &&
            !compare_nftables(list, world, &rules, error))
                return NULL;
        bw_difference_add_switches(list, world->plan, set);
        if ((set & BW_ENGINE_BIT(BW_ENGINE_IPTABLES)) && access("/proc/sys/net/bridge", F_OK) < 0)
                bw_difference_add(list, "bridge", "", true, "modprobe br_netfilter");
        return g_steal_pointer(&list);
}

/* As the daemon tells them, so that one way shows both. */
static JsonArray *json_of_list(const GPtrArray *list) {
        JsonArray *array = json_array_new();

        for (guint i = 0; i < list->len; i++) {
                const BwDifference *difference = list->pdata[i];
                g_autofree char *table = bw_text_utf8(difference->table);
                g_autofree char *text = bw_text_utf8(difference->line);

                json_array_add_object_element(array,
                                              bw_ask_difference_new(difference->engine, table,
                                                                    difference->is_missing, text));
        }
        return array;
}

static JsonArray *check_files(const Line *line, guint *ret_count, GError **error) {
        g_autoptr(BwWorld) world = bw_world_read(&line->files, error);
        g_autoptr(GPtrArray) list = NULL;

        if (world == NULL)
                return NULL;
        bw_command_tell_problems(world->config);
        list = compare_with_files(line, world, error);
        if (list == NULL)
                return NULL;
        *ret_count = list->len;
        return json_of_list(list);
}

/* Answers */

static const char *text_of(JsonObject *difference, const char *name) {
        return json_object_get_string_member_with_default(difference, name, "");
}

/* A switch of a bridge serves whichever engine is asked for. */
static bool is_asked_for(const Line *line, JsonObject *difference) {
        const char *engine = text_of(difference, "Engine");

        return line->engine == NULL || g_str_equal(engine, line->engine) ||
               g_str_equal(engine, "bridge");
}

/* (transfer full) */
static JsonArray *filter(const Line *line, JsonArray *list, guint *count) {
        JsonArray *kept = json_array_new();

        for (guint i = 0; i < json_array_get_length(list); i++) {
                JsonObject *difference = json_array_get_object_element(list, i);

                if (is_asked_for(line, difference))
                        json_array_add_object_element(kept, json_object_ref(difference));
                else
                        --*count;
        }
        return kept;
}

static void print_difference(JsonObject *difference) {
        bool is_missing = json_object_get_boolean_member_with_default(difference, "Missing", false);
        g_autofree char *table = bw_text_printable(text_of(difference, "Table"));
        g_autofree char *text = bw_text_printable(text_of(difference, "Line"));

        printf("%c %s%s%s: %s\n", is_missing ? '-' : '+', text_of(difference, "Engine"),
               *table != '\0' ? " " : "", table, text);
}

static void print_text(JsonArray *list, guint count, bool has_daemon) {
        for (guint i = 0; i < json_array_get_length(list); i++)
                print_difference(json_array_get_object_element(list, i));
        if (count == 0) {
                puts("The kernel is as planned.");
                return;
        }
        if (count > json_array_get_length(list))
                printf("... and %u more.\n", count - json_array_get_length(list));
        printf("%u lines differ: \"-\" is missing in the kernel, \"+\" must not be there.%s\n",
               count,
               has_daemon ? " Nothing was changed; the daemon repairs it at its next check, "
                            "\"bridgewarden resync\" at once."
                          : "");
}

static void print_json(JsonArray *list, guint count) {
        g_autoptr(JsonObject) answer = json_object_new();

        json_object_set_boolean_member(answer, "ok", count == 0);
        json_object_set_int_member(answer, "Count", count);
        json_object_set_array_member(answer, "Differences", json_array_ref(list));
        bw_command_print_json(bw_command_node_of_object(answer));
}

static Exit fail(const Line *line, const GError *error) {
        g_autofree char *sentence = NULL;

        if (!g_error_matches(error, BW_ERROR, BW_ERROR_DENIED))
                return bw_command_fail_asking(line, error);
        sentence = g_strdup_printf("check needs root, to read the kernel's rules (%s)",
                                   error->message);
        return bw_command_fail(line, EXIT_REFUSED, sentence);
}

Exit bw_verb_check(const Line *line) {
        bool has_daemon = line->files.links == NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonArray) list = NULL, kept = NULL;
        guint count = 0;

        if (line->engine != NULL && !g_strv_contains(engines, line->engine))
                return bw_command_usage("--engine takes iptables, ip6tables or nftables, not",
                                        line->engine);
        list = has_daemon ? bw_ask_check(&count, &error) : check_files(line, &count, &error);
        if (list == NULL)
                return fail(line, error);
        kept = filter(line, list, &count);
        if (line->json)
                print_json(kept, count);
        else
                print_text(kept, count, has_daemon);
        return count == 0 ? EXIT_FINE : EXIT_NOT_FINE;
}
