/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ask.h"
#include "command.h"
#include "plan_json.h"

#include <bw/rules_text.h>
#include <stdio.h>

/* What can be asked for with --engine: each loads with one command. */
static const char *const commands[] = { "iptables", "ip6tables", "nftables", NULL };

static bool is_wanted(const Line *line, const char *command) {
        return line->engine == NULL || g_str_equal(line->engine, command);
}

static void add_rules(JsonObject *rules, const char *command, const char *text) {
        if (text != NULL)
                json_object_set_string_member(rules, command, text);
}

static void add_iptables(JsonObject *rules, const BwPlan *plan, BwFamily family) {
        g_autofree char *text = bw_rules_text_iptables(plan, family);

        add_rules(rules, bw_rules_text_command(family), text);
}

static JsonObject *compile(const BwWorld *world) {
        g_autofree char *nftables = bw_rules_text_nftables(world->plan, world->elsewhere);
        JsonObject *rules = json_object_new();

        add_iptables(rules, world->plan, BW_FAMILY_IPV4);
        add_iptables(rules, world->plan, BW_FAMILY_IPV6);
        add_rules(rules, "nftables", nftables);
        return rules;
}

/* "#" begins a comment for all three. */
static void print_text(const Line *line, JsonObject *rules) {
        for (const char *const *command = commands; *command != NULL; command++) {
                const char *text =
                        json_object_get_string_member_with_default(rules, *command, NULL);

                if (text == NULL || !is_wanted(line, *command))
                        continue;
                if (g_str_equal(*command, "nftables"))
                        printf("# nftables: nft -f\n%s", text);
                else
                        printf("# %s: %s-restore --noflush\n%s", *command, *command, text);
        }
}

/* Takes @ports. */
static void print_json(const Line *line, JsonArray *ports, JsonObject *rules) {
        JsonObject *answer = json_object_new(), *wanted = json_object_new();

        for (const char *const *command = commands; *command != NULL; command++)
                if (is_wanted(line, *command))
                        add_rules(
                                wanted, *command,
                                json_object_get_string_member_with_default(rules, *command, NULL));
        json_object_set_array_member(answer, "Ports", ports);
        json_object_set_object_member(answer, "Rules", wanted);
        bw_command_print_json(bw_command_node_of_object(answer));
        json_object_unref(answer);
}

static Exit plan_of_files(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwWorld) world = bw_world_read(&line->files, &error);
        g_autoptr(JsonObject) rules = NULL;

        if (world == NULL)
                return bw_command_fail_asking(line, error);
        bw_command_tell_problems(world->config);
        rules = compile(world);
        if (line->json)
                print_json(line, bw_plan_json_ports(world->plan), rules);
        else
                print_text(line, rules);
        return EXIT_FINE;
}

static Exit plan_of_daemon(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) rules = bw_ask_rules(&error);
        g_autoptr(JsonArray) ports = NULL;

        if (rules == NULL)
                return bw_command_fail_asking(line, error);
        if (!line->json) {
                print_text(line, rules);
                return EXIT_FINE;
        }
        ports = bw_ask_ports(&error);
        if (ports == NULL)
                return bw_command_fail_asking(line, error);
        print_json(line, g_steal_pointer(&ports), rules);
        return EXIT_FINE;
}

Exit bw_verb_plan(const Line *line) {
        if (line->engine != NULL && !g_strv_contains(commands, line->engine))
                return bw_command_usage("--engine takes iptables, ip6tables or nftables, not",
                                        line->engine);
        return line->files.links != NULL ? plan_of_files(line) : plan_of_daemon(line);
}
