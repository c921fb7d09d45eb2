/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"

#include "ask.h"

#include <bw/error.h>
#include <bw/text.h>
#include <stdio.h>

const char *bw_line_name(const Line *line) {
        return line->names != NULL ? line->names[0] : NULL;
}

void bw_command_print_json(JsonNode *node) {
        g_autofree char *text = json_to_string(node, TRUE);

        puts(text);
        json_node_unref(node);
}

JsonNode *bw_command_node_of_object(JsonObject *object) {
        return json_node_init_object(json_node_alloc(), object);
}

JsonNode *bw_command_node_of_array(JsonArray *array) {
        return json_node_init_array(json_node_alloc(), array);
}

void bw_command_print_result(bool fine, const char *sentence) {
        g_autoptr(JsonObject) result = json_object_new();

        json_object_set_boolean_member(result, "ok", fine);
        if (!fine)
                json_object_set_string_member(result, "error", sentence);
        bw_command_print_json(bw_command_node_of_object(result));
}

Exit bw_command_fail(const Line *line, Exit exit, const char *sentence) {
        if (line->json)
                bw_command_print_result(false, sentence);
        fprintf(stderr, "bridgewarden: %s\n", sentence);
        return exit;
}

static Exit exit_of_ask(BwAskError code) {
        switch (code) {
        case BW_ASK_NOBODY:
        case BW_ASK_SILENT:
                return EXIT_UNREACHABLE;
        case BW_ASK_NOT_ROOT:
        case BW_ASK_REFUSED:
                return EXIT_REFUSED;
        }
        g_assert_not_reached();
}

static Exit exit_of_room(BwError code) {
        switch (code) {
        case BW_ERROR_INVALID:
                return EXIT_USAGE;
        case BW_ERROR_BUSY:
        case BW_ERROR_STALE:
        case BW_ERROR_DENIED:
        case BW_ERROR_ABSENT:
        case BW_ERROR_BROKEN:
                return EXIT_REFUSED;
        }
        g_assert_not_reached();
}

Exit bw_command_fail_asking(const Line *line, const GError *error) {
        Exit exit = error->domain == BW_ASK_ERROR ? exit_of_ask((BwAskError) error->code)
                                                  : exit_of_room((BwError) error->code);

        return bw_command_fail(line, exit, error->message);
}

Exit bw_command_usage(const char *what, const char *word) {
        g_autofree char *text = bw_text_printable(word);

        fprintf(stderr, "bridgewarden: %s%s%s; see \"bridgewarden help\"\n", what,
                *text != '\0' ? ": " : "", text);
        return EXIT_USAGE;
}

void bw_command_tell_problems(const BwConfig *config) {
        for (guint i = 0; i < config->problems->len; i++) {
                const BwConfigProblem *problem = config->problems->pdata[i];
                g_autofree char *sentence = bw_config_problem_print(problem);
                g_autofree char *text = bw_text_printable(sentence);

                if (problem->severity == BW_SEVERITY_ERROR)
                        fprintf(stderr, "%s\n", text);
        }
}
