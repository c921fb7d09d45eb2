/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ask.h"
#include "show.h"

#include <bw/text.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef enum Exit {
        EXIT_FINE = 0,
        EXIT_NOT_FINE = 1,
        EXIT_USAGE = 2,
        EXIT_UNREACHABLE = 3,
        EXIT_REFUSED = 4,
} Exit;

static const char help[] =
        "bridgewarden [--json] VERB\n"
        "\n"
        "  status         whether the guard is in force\n"
        "  ports          every port of the guarded bridges\n"
        "  port NAME      everything about one port, with what was dropped and why\n"
        "  fdb            what the guarded bridges have learned (root)\n"
        "  resync [PORT]  compare the kernel with the plan now, and repair (root)\n"
        "  reload         read the configuration again (root)\n"
        "  disarm         take all rules down; guests are not checked any more (root)\n"
        "  version        version of this program\n"
        "  help           this text\n"
        "\n"
        "  --json         print JSON instead of text\n"
        "  --             what follows is a name, even if it begins with a dash\n"
        "\n"
        "Exit: 0 fine, 1 not as it should be, 2 wrong usage, 3 daemon not reached,\n"
        "4 refused or failed. See bridgewarden(1).\n";

typedef struct Line {
        bool json;
        const char *words[3]; /* verb, name, one too many */
        unsigned n_words;
} Line;

/* (transfer none): takes @node. */
static void print_json(JsonNode *node) {
        g_autofree char *text = json_to_string(node, TRUE);

        puts(text);
        json_node_unref(node);
}

static JsonNode *node_of_object(JsonObject *object) {
        return json_node_init_object(json_node_alloc(), object);
}

static void print_result(bool fine, const char *sentence) {
        g_autoptr(JsonObject) result = json_object_new();

        json_object_set_boolean_member(result, "ok", fine);
        if (!fine)
                json_object_set_string_member(result, "error", sentence);
        print_json(node_of_object(result));
}

static Exit fail(const Line *line, Exit exit, const char *sentence) {
        if (line->json)
                print_result(false, sentence);
        fprintf(stderr, "bridgewarden: %s\n", sentence);
        return exit;
}

static Exit fail_asking(const Line *line, const GError *error) {
        switch ((BwAskError) error->code) {
        case BW_ASK_NOBODY:
        case BW_ASK_SILENT:
                return fail(line, EXIT_UNREACHABLE, error->message);
        case BW_ASK_NOT_ROOT:
        case BW_ASK_REFUSED:
                return fail(line, EXIT_REFUSED, error->message);
        }
        g_assert_not_reached();
}

static Exit status(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) state = bw_ask_state(&error);
        g_autofree char *text = NULL;

        if (state == NULL)
                return fail_asking(line, error);
        text = bw_show_state(state, g_get_real_time());
        if (line->json)
                print_json(node_of_object(state));
        else
                fputs(text, stdout);
        return bw_show_state_is_fine(state) ? EXIT_FINE : EXIT_NOT_FINE;
}

static Exit print_list(const Line *line, JsonArray *list, char *(*show)(JsonArray *list),
                       const GError *error) {
        g_autofree char *text = NULL;

        if (list == NULL)
                return fail_asking(line, error);
        text = show(list);
        if (line->json)
                print_json(json_node_init_array(json_node_alloc(), list));
        else
                fputs(text, stdout);
        return EXIT_FINE;
}

static Exit ports(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonArray) list = bw_ask_ports(&error);

        return print_list(line, list, bw_show_ports, error);
}

static Exit fdb(const Line *line) {
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

static Exit port(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonArray) list = bw_ask_ports(&error);
        g_autofree char *text = NULL;
        JsonObject *found;

        if (list == NULL)
                return fail_asking(line, error);
        found = find_port(list, line->words[1]);
        if (found == NULL) {
                g_autofree char *name = bw_text_printable(line->words[1]);

                text = g_strdup_printf("no port %s is on a guarded bridge; \"bridgewarden ports\" "
                                       "lists them",
                                       name);
                return fail(line, EXIT_REFUSED, text);
        }
        text = bw_show_port(found);
        if (line->json)
                print_json(node_of_object(found));
        else
                fputs(text, stdout);
        return bw_show_port_is_fine(found) ? EXIT_FINE : EXIT_NOT_FINE;
}

static Exit change(const Line *line, const char *method, const char *sentence) {
        g_autoptr(GError) error = NULL;

        if (!bw_ask_change(method, line->words[1], &error))
                return fail_asking(line, error);
        if (line->json)
                print_result(true, NULL);
        else
                puts(sentence);
        return EXIT_FINE;
}

static Exit resync(const Line *line) {
        return change(line, line->words[1] != NULL ? "ResyncPort" : "Resync",
                      "The kernel was compared with the plan.");
}

static Exit reload(const Line *line) {
        return change(line, "Reload", "The configuration was read again.");
}

/* Without a daemon nobody else would take its rules down. */
static Exit disarm_ourselves(const Line *line) {
        static const char *const arguments[] = { "bridgewardend", "--disarm", NULL };

        fputs("No daemon on the system bus: " BW_DAEMON_PATH " --disarm takes the rules down.\n",
              stderr);
        (void) execv(BW_DAEMON_PATH, (char **) arguments);
        return fail(line, EXIT_REFUSED, "cannot run " BW_DAEMON_PATH);
}

static Exit disarm(const Line *line) {
        g_autoptr(GError) error = NULL;

        if (!bw_ask_change("Disarm", NULL, &error)) {
                if (g_error_matches(error, BW_ASK_ERROR, BW_ASK_NOBODY))
                        return disarm_ourselves(line);
                return fail_asking(line, error);
        }
        if (line->json)
                print_result(true, NULL);
        else
                puts("The rules were taken down. Guests are not checked any more;\n"
                     "\"bridgewarden resync\" brings the guard back.");
        return EXIT_FINE;
}

static Exit version(const Line *line) {
        g_autoptr(JsonObject) result = json_object_new();

        json_object_set_string_member(result, "Version", BW_VERSION);
        if (line->json)
                print_json(node_of_object(result));
        else
                puts("bridgewarden " BW_VERSION);
        return EXIT_FINE;
}

static Exit show_help(const Line *line) {
        (void) line;
        fputs(help, stdout);
        return EXIT_FINE;
}

typedef struct Verb {
        const char *name;
        unsigned names_least, names_most; /* how many names follow */
        Exit (*run)(const Line *line);
} Verb;

static const Verb verbs[] = {
        { "status", 0, 0, status }, { "ports", 0, 0, ports },     { "port", 1, 1, port },
        { "fdb", 0, 0, fdb },       { "resync", 0, 1, resync },   { "reload", 0, 0, reload },
        { "disarm", 0, 0, disarm }, { "version", 0, 0, version }, { "help", 0, 0, show_help },
};

static const Verb *find_verb(const char *name) {
        for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++)
                if (g_str_equal(verbs[i].name, name))
                        return &verbs[i];
        return NULL;
}

static Exit usage(const char *what, const char *word) {
        g_autofree char *text = bw_text_printable(word);

        fprintf(stderr, "bridgewarden: %s%s%s; see \"bridgewarden help\"\n", what,
                *text != '\0' ? ": " : "", text);
        return EXIT_USAGE;
}

static bool parse_option(Line *line, const char *word) {
        if (g_str_equal(word, "--json"))
                line->json = true;
        else if (g_str_equal(word, "--help") || g_str_equal(word, "-h"))
                line->words[line->n_words++] = "help";
        else if (g_str_equal(word, "--version"))
                line->words[line->n_words++] = "version";
        else
                return false;
        return true;
}

/* False when an option is unknown; @ret_wrong is it. Words beyond what any verb takes are counted
 * as one. */
static bool parse(char **words, Line *line, const char **ret_wrong) {
        bool options = true;

        for (; *words != NULL && line->n_words < G_N_ELEMENTS(line->words); words++) {
                if (options && g_str_equal(*words, "--")) {
                        options = false;
                        continue;
                }
                if (!options || **words != '-') {
                        line->words[line->n_words++] = *words;
                        continue;
                }
                if (!parse_option(line, *words)) {
                        *ret_wrong = *words;
                        return false;
                }
        }
        return true;
}

static Exit run(char **words) {
        Line line = { 0 };
        const char *wrong = "";
        const Verb *verb;

        if (!parse(words, &line, &wrong))
                return usage("unknown option", wrong);
        if (line.n_words == 0)
                return usage("a verb is missing", "");
        verb = find_verb(line.words[0]);
        if (verb == NULL)
                return usage("unknown verb", line.words[0]);
        if (line.n_words - 1 < verb->names_least)
                return usage("a name is missing after", verb->name);
        if (line.n_words - 1 > verb->names_most)
                return usage("too many words after", verb->name);
        return verb->run(&line);
}

int main(int argc, char **argv) {
        Exit exit = run(argv + (argc > 0 ? 1 : 0));

        /* A full disk behind a script's redirection is a failure, not an empty answer. */
        if (fflush(stdout) != 0) {
                fprintf(stderr, "bridgewarden: cannot write the answer: %s\n", g_strerror(errno));
                return EXIT_REFUSED;
        }
        return exit;
}
