/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"

#include <errno.h>
#include <stdio.h>

static const char help[] =
        "bridgewarden [--json] VERB\n"
        "\n"
        "  status         whether the guard is in force\n"
        "  ports          every port of the guarded bridges\n"
        "  port NAME      everything about one port, with what was dropped and why\n"
        "  topology       bridges, what hangs on them, and what joins them\n"
        "  fdb            what the guarded bridges have learned (root)\n"
        "  plan           the rules that would be written (root, or any host's from files)\n"
        "  check          in what the kernel differs from the plan (root)\n"
        "  explain        what becomes of a frame, and why\n"
        "  resync [PORT]  compare the kernel with the plan now, and repair (root)\n"
        "  reload         read the configuration again (root)\n"
        "  selftest       try the rules of every engine with real frames, aside (root)\n"
        "  disarm         take all rules down; guests are not checked any more (root)\n"
        "  version        version of this program\n"
        "  help           this text\n"
        "\n"
        "  --json         print JSON instead of text\n"
        "  --             what follows is a name, even if it begins with a dash\n"
        "\n"
        "\"bridgewarden plan --help\", topology, check, explain and selftest likewise: they list their options.\n"
        "\n"
        "Exit: 0 fine, 1 not as it should be, 2 wrong usage or input, 3 daemon not reached,\n"
        "4 refused or failed, 5 the kernel's rules do otherwise. See bridgewarden(1).\n";

static Exit version(const Line *line) {
        g_autoptr(JsonObject) result = json_object_new();

        json_object_set_string_member(result, "Version", BW_VERSION);
        if (line->json)
                bw_command_print_json(bw_command_node_of_object(result));
        else
                puts("bridgewarden " BW_VERSION);
        return EXIT_FINE;
}

static Exit show_help(const Line *line) {
        (void) line;
        fputs(help, stdout);
        return EXIT_FINE;
}

typedef enum Options {
        OPTIONS_WORLD = 1 << 0, /* a host told by files */
        OPTIONS_ENGINE = 1 << 1,
        OPTIONS_FRAME = 1 << 2,
        OPTIONS_TRIAL = 1 << 3,
        OPTIONS_DRAWING = 1 << 4,
} Options;

typedef struct Verb {
        const char *name;
        unsigned names_least, names_most; /* how many names follow */
        Exit (*run)(const Line *line);
        unsigned options; /* set of Options */
} Verb;

static const Verb verbs[] = {
        { "status", 0, 0, bw_verb_status, 0 },
        { "ports", 0, 0, bw_verb_ports, 0 },
        { "port", 1, 1, bw_verb_port, 0 },
        { "topology", 0, 1, bw_verb_topology, OPTIONS_WORLD | OPTIONS_DRAWING },
        { "fdb", 0, 0, bw_verb_fdb, 0 },
        { "plan", 0, 0, bw_verb_plan, OPTIONS_WORLD | OPTIONS_ENGINE },
        { "check", 0, 0, bw_verb_check, OPTIONS_WORLD | OPTIONS_ENGINE },
        { "explain", 0, 0, bw_verb_explain, OPTIONS_WORLD | OPTIONS_FRAME },
        { "resync", 0, 1, bw_verb_resync, 0 },
        { "reload", 0, 0, bw_verb_reload, 0 },
        { "selftest", 0, 0, bw_verb_selftest, OPTIONS_TRIAL },
        { "disarm", 0, 0, bw_verb_disarm, 0 },
        { "version", 0, 0, version, 0 },
        { "help", 0, 0, show_help, 0 },
};

static const Verb *find_verb(const char *name) {
        for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++)
                if (g_str_equal(verbs[i].name, name))
                        return &verbs[i];
        return NULL;
}

/* Options. All words are taken as bytes: names of ports are, and no locale is asked. */

static void add_common(GOptionContext *context, Line *line, char ***ret_words) {
        const GOptionEntry entries[] = {
                { "json", 0, 0, G_OPTION_ARG_NONE, &line->json, "Print JSON instead of text",
                  NULL },
                { "help", 'h', 0, G_OPTION_ARG_NONE, &line->help, "Print this", NULL },
                { "version", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &line->version, NULL,
                  NULL },
                { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, ret_words, NULL, NULL },
                { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL }
        };

        g_option_context_set_help_enabled(context, FALSE);
        g_option_context_add_main_entries(context, entries, NULL);
}

static void add_world(GOptionContext *context, Line *line) {
        const GOptionEntry entries[] = {
                { "links", 0, 0, G_OPTION_ARG_FILENAME, &line->files.links,
                  "Take the host from FILE, \"ip -details -json address show\", not from the daemon",
                  "FILE" },
                { "addresses", 0, 0, G_OPTION_ARG_FILENAME, &line->files.addresses,
                  "The host's addresses, \"ip -json address show\", if --links has none", "FILE" },
                { "guests", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &line->files.guests,
                  "\"virsh dumpxml\" of a guest, or a folder of them; as often as needed", "FILE" },
                { "config", 'c', 0, G_OPTION_ARG_FILENAME, &line->files.config,
                  "The configuration, with FILE.d (default: the daemon's)", "FILE" },
                { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL }
        };

        g_option_context_add_main_entries(context, entries, NULL);
}

static void add_engine(GOptionContext *context, Line *line) {
        const GOptionEntry entries[] = { { "engine", 0, 0, G_OPTION_ARG_FILENAME, &line->engine,
                                           "Only iptables, ip6tables or nftables", "NAME" },
                                         { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL } };

        g_option_context_add_main_entries(context, entries, NULL);
}

static void add_trial(GOptionContext *context, Line *line) {
        const GOptionEntry entries[] = { { "engine", 0, 0, G_OPTION_ARG_FILENAME, &line->engine,
                                           "Try only nftables, iptables or both together", "NAME" },
                                         { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL } };

        g_option_context_add_main_entries(context, entries, NULL);
}

static void add_drawing(GOptionContext *context, Line *line) {
        const GOptionEntry entries[] = { { "dot", 0, 0, G_OPTION_ARG_NONE, &line->dot,
                                           "Print a graph for Graphviz: \"| dot -Tsvg > host.svg\"",
                                           NULL },
                                         { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL } };

        g_option_context_add_main_entries(context, entries, NULL);
}

static void add_kinds(GOptionContext *context, Line *line) {
        static const char *const texts[BW_WISH_MAX] = {
                [BW_WISH_PING] = "An echo request; what is sent when nothing is said",
                [BW_WISH_ARP] = "An ARP request for --dst",
                [BW_WISH_ARP_REPLY] = "An ARP reply: --src is at --src-mac",
                [BW_WISH_ND] = "A neighbour solicitation for --dst",
                [BW_WISH_NA] = "A neighbour advertisement: --src is at --src-mac",
                [BW_WISH_RA] = "A router advertisement",
                [BW_WISH_REDIRECT] = "An ICMP redirect",
                [BW_WISH_DHCP] = "A DHCP client's message",
                [BW_WISH_DHCP_SERVER] = "A DHCP server's message",
                [BW_WISH_QUERY] = "An IGMP or MLD query",
        };
        GOptionEntry entries[BW_WISH_MAX + 1] = {};

        for (BwWishKind kind = BW_WISH_PING; kind < BW_WISH_MAX; kind++)
                entries[kind] = (GOptionEntry){ .long_name = bw_wish_name(kind),
                                                .arg = G_OPTION_ARG_NONE,
                                                .arg_data = &line->kinds[kind],
                                                .description = texts[kind] };
        g_option_context_add_main_entries(context, entries, NULL);
}

static void add_frame(GOptionContext *context, Line *line) {
        const GOptionEntry entries[] = {
                { "in", 0, 0, G_OPTION_ARG_FILENAME, &line->in,
                  "The port it comes in by, or a bridge for what the host sends", "PORT" },
                { "out", 0, 0, G_OPTION_ARG_FILENAME, &line->out,
                  "Ask this port alone (default: where the bridge takes it)", "PORT" },
                { "src", 0, 0, G_OPTION_ARG_FILENAME, &line->src, "Source address", "IP" },
                { "dst", 0, 0, G_OPTION_ARG_FILENAME, &line->dst, "Destination address", "IP" },
                { "src-mac", 0, 0, G_OPTION_ARG_FILENAME, &line->src_mac, "Source MAC", "MAC" },
                { "mac", 0, 0, G_OPTION_ARG_FILENAME, &line->src_mac, "The same", "MAC" },
                { "dst-mac", 0, 0, G_OPTION_ARG_FILENAME, &line->dst_mac, "Destination MAC",
                  "MAC" },
                { "vlan", 0, 0, G_OPTION_ARG_INT, &line->vlan, "Tag it (IEEE 802.1Q)", "NUMBER" },
                { "hex", 0, 0, G_OPTION_ARG_FILENAME, &line->hex,
                  "The whole frame, from its destination MAC on", "BYTES" },
                { "pcap", 0, 0, G_OPTION_ARG_FILENAME, &line->pcap,
                  "Every frame of a capture, as if --in had sent it", "FILE" },
                { "live", 0, 0, G_OPTION_ARG_NONE, &line->live,
                  "Also try the rules that are in this kernel now with it, aside (root)", NULL },
                { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL }
        };

        g_option_context_add_main_entries(context, entries, NULL);
        add_kinds(context, line);
}

/* The words before the verb, up to it. */
static bool parse_until_verb(Line *line, char **argv, char ***ret_words, GError **error) {
        g_autoptr(GOptionContext) context = g_option_context_new(NULL);
        g_auto(GStrv) words = g_strdupv(argv);

        add_common(context, line, ret_words);
        g_option_context_set_strict_posix(context, TRUE);
        return g_option_context_parse_strv(context, &words, error);
}

static GOptionContext *context_of(const Verb *verb, Line *line) {
        GOptionContext *context = g_option_context_new(verb->names_most > 0 ? "[NAME]" : NULL);

        if (verb->options & OPTIONS_FRAME)
                add_frame(context, line);
        if (verb->options & OPTIONS_WORLD)
                add_world(context, line);
        if (verb->options & OPTIONS_ENGINE)
                add_engine(context, line);
        if (verb->options & OPTIONS_TRIAL)
                add_trial(context, line);
        if (verb->options & OPTIONS_DRAWING)
                add_drawing(context, line);
        add_common(context, line, &line->names);
        return context;
}

static Exit show_options(const Verb *verb, GOptionContext *context) {
        g_autofree char *name = g_strconcat("bridgewarden ", verb->name, NULL);
        g_autofree char *text = NULL;

        if (verb->options == 0)
                return show_help(NULL);
        g_set_prgname(name);
        text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, stdout);
        return EXIT_FINE;
}

static Exit run_verb(const Verb *verb, Line *line, char **words) {
        g_autoptr(GOptionContext) context = context_of(verb, line);
        g_auto(GStrv) rest = g_strdupv(words);
        g_autoptr(GError) error = NULL;
        unsigned n;

        if (!g_option_context_parse_strv(context, &rest, &error))
                return bw_command_usage("the options are wrong", error->message);
        if (line->help)
                return show_options(verb, context);
        if (line->version)
                return version(line);
        n = line->names != NULL ? g_strv_length(line->names) : 0;
        if (n < verb->names_least)
                return bw_command_usage("a name is missing after", verb->name);
        if (n > verb->names_most)
                return bw_command_usage("too many words after", verb->name);
        if (line->files.links == NULL &&
            (line->files.config != NULL || line->files.guests != NULL ||
             line->files.addresses != NULL))
                return bw_command_usage("--links must tell what is plugged in, too", "");
        return verb->run(line);
}

static Exit run(Line *line, char **argv) {
        g_auto(GStrv) words = NULL;
        g_autoptr(GError) error = NULL;
        const Verb *verb;

        if (!parse_until_verb(line, argv, &words, &error))
                return bw_command_usage("the options are wrong", error->message);
        if (line->help)
                return show_help(line);
        if (line->version)
                return version(line);
        if (words == NULL || words[0] == NULL)
                return bw_command_usage("a verb is missing", "");
        verb = find_verb(words[0]);
        if (verb == NULL)
                return bw_command_usage("unknown verb", words[0]);
        return run_verb(verb, line, words);
}

static void line_clear(Line *line) {
        char *const texts[] = { line->files.config, line->files.links, line->files.addresses,
                                line->engine,       line->in,          line->out,
                                line->src,          line->dst,         line->src_mac,
                                line->dst_mac,      line->hex,         line->pcap };

        for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
                g_free(texts[i]);
        g_strfreev(line->files.guests);
        g_strfreev(line->names);
}

int main(int argc, char **argv) {
        static char *nothing[] = { (char *) "bridgewarden", NULL };
        Line line = { 0 };
        Exit exit = run(&line, argc > 0 ? argv : nothing);

        line_clear(&line);
        /* A full disk behind a script's redirection is a failure, not an empty answer. */
        if (fflush(stdout) != 0) {
                fprintf(stderr, "bridgewarden: cannot write the answer: %s\n", g_strerror(errno));
                return EXIT_REFUSED;
        }
        return exit;
}
