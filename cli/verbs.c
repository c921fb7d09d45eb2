/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ask.h"
#include "command.h"
#include "show.h"

#include <bw/text.h>
#include <stdio.h>
#include <unistd.h>

Exit bw_verb_status(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) state = bw_ask_state(&error);
        g_autofree char *text = NULL;

        if (state == NULL)
                return bw_command_fail_asking(line, error);
        text = bw_show_state(state, g_get_real_time());
        if (line->json)
                bw_command_print_json(bw_command_node_of_object(state));
        else
                fputs(text, stdout);
        return bw_show_state_is_fine(state) ? EXIT_FINE : EXIT_NOT_FINE;
}

static Exit print_list(const Line *line, JsonArray *list, char *(*show)(JsonArray *list),
                       const GError *error) {
        g_autofree char *text = NULL;

        if (list == NULL)
                return bw_command_fail_asking(line, error);
        text = show(list);
        if (line->json)
                bw_command_print_json(bw_command_node_of_array(list));
        else
                fputs(text, stdout);
        return EXIT_FINE;
}

Exit bw_verb_ports(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonArray) list = bw_ask_ports(&error);

        return print_list(line, list, bw_show_ports, error);
}

Exit bw_verb_fdb(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonArray) list = bw_ask_fdb(&error);

        return print_list(line, list, bw_show_fdb, error);
}

/* Lent or NULL. */
static JsonObject *find_port(JsonArray *list, const char *name) {
        for (unsigned i = 0; i < json_array_get_length(list); i++) {
                JsonObject *port = json_array_get_object_element(list, i);

                if (g_str_equal(json_object_get_string_member_with_default(port, "Port", ""), name))
                        return port;
        }
        return NULL;
}

Exit bw_verb_port(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonArray) list = bw_ask_ports(&error);
        g_autofree char *text = NULL;
        JsonObject *found;

        if (list == NULL)
                return bw_command_fail_asking(line, error);
        found = find_port(list, bw_line_name(line));
        if (found == NULL) {
                g_autofree char *name = bw_text_printable(bw_line_name(line));

                text = g_strdup_printf("no port %s is on a guarded bridge; \"bridgewarden ports\" "
                                       "lists them",
                                       name);
                return bw_command_fail(line, EXIT_REFUSED, text);
        }
        text = bw_show_port(found);
        if (line->json)
                bw_command_print_json(bw_command_node_of_object(found));
        else
                fputs(text, stdout);
        return bw_show_port_is_fine(found) ? EXIT_FINE : EXIT_NOT_FINE;
}

static Exit change(const Line *line, const char *method, const char *sentence) {
        g_autoptr(GError) error = NULL;

        if (!bw_ask_change(method, bw_line_name(line), &error))
                return bw_command_fail_asking(line, error);
        if (line->json)
                bw_command_print_result(true, NULL);
        else
                puts(sentence);
        return EXIT_FINE;
}

Exit bw_verb_resync(const Line *line) {
        return change(line, bw_line_name(line) != NULL ? "ResyncPort" : "Resync",
                      "The kernel was compared with the plan.");
}

Exit bw_verb_reload(const Line *line) {
        return change(line, "Reload", "The configuration was read again.");
}

/* Without a daemon nobody else would take its rules down. */
static Exit disarm_ourselves(const Line *line) {
        static const char *const arguments[] = { "bridgewardend", "--disarm", NULL };

        fputs("No daemon on the system bus: " BW_DAEMON_PATH " --disarm takes the rules down.\n",
              stderr);
        (void) execv(BW_DAEMON_PATH, (char **) arguments);
        return bw_command_fail(line, EXIT_REFUSED, "cannot run " BW_DAEMON_PATH);
}

Exit bw_verb_disarm(const Line *line) {
        g_autoptr(GError) error = NULL;

        if (!bw_ask_change("Disarm", NULL, &error)) {
                if (g_error_matches(error, BW_ASK_ERROR, BW_ASK_NOBODY))
                        return disarm_ourselves(line);
                return bw_command_fail_asking(line, error);
        }
        if (line->json)
                bw_command_print_result(true, NULL);
        else
                puts("The rules were taken down. Guests are not checked any more;\n"
                     "\"bridgewarden resync\" brings the guard back.");
        return EXIT_FINE;
}
