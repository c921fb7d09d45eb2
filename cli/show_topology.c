/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "show_topology.h"

#include "columns.h"
#include "member.h"

#include <bw/text.h>

#define GUEST_WIDTH     24
#define SHOWN_ADDRESSES 2

/* Words with a space between: pieces that stay together, those of @in_brackets with commas. */
typedef struct Words {
        GPtrArray *plain, *in_brackets; /* char * */
} Words;

static Words words_new(void) {
        return (Words){ g_ptr_array_new_with_free_func(g_free),
                        g_ptr_array_new_with_free_func(g_free) };
}

static void words_clear(Words *words) {
        g_ptr_array_unref(words->plain);
        g_ptr_array_unref(words->in_brackets);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Words, words_clear)

G_GNUC_PRINTF(2, 3)
static void add(GPtrArray *words, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        g_ptr_array_add(words, g_strdup_vprintf(format, arguments));
        va_end(arguments);
}

static void flow(GString *line, const char *margin, const Words *words) {
        g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
        guint n = words->in_brackets->len;

        for (guint i = 0; i < words->plain->len; i++)
                add(pieces, "%s", (const char *) words->plain->pdata[i]);
        for (guint i = 0; i < n; i++)
                add(pieces, "%s%s%s", i == 0 ? "(" : "",
                    (const char *) words->in_brackets->pdata[i], i == n - 1 ? ")" : ",");
        g_ptr_array_add(pieces, NULL);
        bw_columns_flow(line, margin, (const char *const *) pieces->pdata);
}

static bool is_word(JsonObject *object, const char *name, const char *word) {
        return g_str_equal(get_text(object, name), word);
}

/* What cannot be told apart by its beginning alone is its number. */
static void add_addresses(GPtrArray *words, const char *before, JsonArray *addresses) {
        unsigned n = length_of(addresses);

        for (unsigned i = 0; i < n && i < SHOWN_ADDRESSES; i++) {
                g_autofree char *text =
                        bw_text_printable(json_array_get_string_element(addresses, i));

                add(words, "%s%s", i == 0 ? before : "", text);
        }
        if (n > SHOWN_ADDRESSES)
                add(words, "+%u", n - SHOWN_ADDRESSES);
}

/* One port */

typedef struct Widths {
        unsigned name, role, guest;
} Widths;

static const char *role_of(JsonObject *port) {
        return is_word(port, "State", "stranger") ? "stranger" : get_text(port, "Role");
}

static char *guest_of(JsonObject *port) {
        g_autofree char *guest = bw_text_printable(get_text(port, "Guest"));

        return bw_columns_shorten(guest, GUEST_WIDTH);
}

static void add_where(GPtrArray *words, JsonObject *port) {
        g_autofree char *bridge = bw_text_printable(get_text(port, "FarBridge"));
        g_autofree char *kind = bw_text_printable(get_text(port, "Kind"));
        const char *role = role_of(port);

        if (*bridge != '\0')
                add(words, "-> %s", bridge);
        else if (g_str_equal(role, "uplink") || g_str_equal(role, "stranger"))
                add(words, "%s", *kind != '\0' ? kind : "network card");
        add_addresses(words, "", get_list(port, "Addresses"));
}

/* A link's other end first. */
static void add_far_port(GPtrArray *words, JsonObject *port) {
        g_autofree char *far = bw_text_printable(get_text(port, "FarPort"));

        if (*far != '\0')
                add(words, "%s", far);
}

static void add_state(GPtrArray *words, JsonObject *port, JsonObject *bridge) {
        const char *state = get_text(port, "State"), *mode = get_text(port, "Mode");

        if (g_str_equal(state, "unaddressed"))
                add(words, "no address yet");
        else if (g_str_equal(state, "closed"))
                add(words, "nothing passes");
        else if (g_str_equal(state, "inherited"))
                add(words, "keeps the rules of a former run");
        else if (g_str_equal(state, "any-address"))
                add(words, "any address");
        else if (g_str_equal(state, "stranger"))
                add(words, "%s",
                    is_word(bridge, "UnknownPorts", "drop")      ? "nothing passes"
                    : is_word(bridge, "UnknownPorts", "monitor") ? "only watched"
                                                                 : "passes");
        else if (g_str_equal(state, "off"))
                add(words, "off");
        if (get_bool(port, "Closed"))
                add(words, "closed border");
        if (!g_str_equal(state, "stranger") && !g_str_equal(state, "off") &&
            !g_str_equal(mode, get_text(bridge, "Mode"))) {
                g_autofree char *text = bw_text_printable(mode);

                add(words, "%s", text);
        }
        if (json_object_has_member(port, "Protected") && !get_bool(port, "Protected") &&
            g_str_equal(mode, "enforce") && !g_str_equal(state, "stranger") &&
            !g_str_equal(state, "inherited"))
                add(words, "NOT PROTECTED");
}

static void add_link(GPtrArray *words, JsonObject *port) {
        const char *stp = get_text(port, "STPState");
        bool is_up = get_bool(port, "Up"), has_carrier = is_up && get_bool(port, "Carrier");
        bool is_blocked = has_carrier && g_str_equal(stp, "blocking");
        gint64 namespace = get_number(port, "PeerNamespace");

        if (get_bool(port, "Carries"))
                add(words, "carries");
        else if (*get_text(port, "FarBridge") != '\0' && !is_blocked)
                add(words, "carries nothing");
        if (!has_carrier)
                add(words, "%s", is_up ? "no carrier" : "down");
        if (is_blocked)
                add(words, "blocked by STP");
        else if (has_carrier && (g_str_equal(stp, "listening") || g_str_equal(stp, "learning")))
                add(words, "STP is %s", stp);
        if (namespace > 0)
                add(words, "peer in namespace %" G_GINT64_FORMAT, namespace);
}

/* Of a bridge or a port. One MAC is what everybody expects. */
static void add_figures(GPtrArray *words, JsonObject *object) {
        gint64 learned = get_number(object, "Learned"), moves = get_number(object, "Moves");

        if (learned > 1)
                add(words, "%" G_GINT64_FORMAT " MACs", learned);
        if (moves > 0)
                add(words, "%" G_GINT64_FORMAT " moves a minute", moves);
}

static void add_flags(GPtrArray *words, JsonObject *port) {
        if (get_bool(port, "Locked"))
                add(words, "locked");
        if (get_bool(port, "Isolated"))
                add(words, "isolated");
        add_figures(words, port);
}

static void append_warnings(GString *text, const char *margin, JsonArray *warnings) {
        g_autofree char *hanging = g_strconcat(margin, "  ", NULL);

        for (unsigned i = 0; i < length_of(warnings); i++) {
                g_autofree char *sentence =
                        bw_text_printable(json_array_get_string_element(warnings, i));
                g_autoptr(GString) line = g_string_new(margin);

                g_string_append(line, "! ");
                bw_columns_wrap(line, hanging, sentence);
                g_string_append_printf(text, "%s\n", line->str);
        }
}

static void append_port(GString *text, const char *indent, const Widths *widths, JsonObject *bridge,
                        JsonObject *port, bool is_last) {
        g_autofree char *name = bw_text_printable(get_text(port, "Port"));
        g_autofree char *role = bw_text_printable(role_of(port)), *guest = guest_of(port);
        g_autofree char *below = g_strconcat(indent, is_last ? "   " : "|  ", NULL);
        g_autofree char *margin = g_strdup_printf("%s%*s", below, (int) widths->name + 2, "");
        g_autoptr(GString) line = g_string_new(indent);
        g_auto(Words) words = words_new();

        g_string_append(line, is_last ? "`- " : "|- ");
        bw_columns_pad(line, name, widths->name + 2);
        bw_columns_pad(line, role, widths->role + 2);
        if (widths->guest > 0 && *get_text(port, "FarBridge") == '\0')
                bw_columns_pad(line, guest, widths->guest + 2);
        add_where(words.plain, port);
        add_far_port(words.in_brackets, port);
        add_state(words.in_brackets, port, bridge);
        add_link(words.in_brackets, port);
        add_flags(words.in_brackets, port);
        flow(line, margin, &words);
        g_strchomp(line->str);
        g_string_append_printf(text, "%s\n", line->str);
        append_warnings(text, below, get_list(port, "Warnings"));
}

static Widths measure(const GPtrArray *ports) {
        Widths widths = { 0 };

        for (guint i = 0; i < ports->len; i++) {
                JsonObject *port = ports->pdata[i];
                g_autofree char *name = bw_text_printable(get_text(port, "Port"));
                g_autofree char *role = bw_text_printable(role_of(port)), *guest = guest_of(port);

                widths.name = MAX(widths.name, bw_columns_width(name));
                widths.role = MAX(widths.role, bw_columns_width(role));
                widths.guest = MAX(widths.guest, bw_columns_width(guest));
        }
        return widths;
}

/* One bridge */

static void add_guard(GPtrArray *words, JsonObject *bridge) {
        const char *why = get_text(bridge, "GuardedFor");
        gint64 n = get_number(bridge, "PortCount");
        g_autofree char *mode = bw_text_printable(get_text(bridge, "Mode"));

        if (*why == '\0') {
                add(words, "not guarded");
                add(words, "%" G_GINT64_FORMAT " port%s", n, n != 1 ? "s" : "");
                return;
        }
        add(words, "%s", mode);
        if (g_str_equal(why, "path"))
                add(words, "on the path of a link");
        else
                add(words, "%s", g_str_equal(why, "guests") ? "has guests" : "configured");
}

static GPtrArray *words_of_bridge(JsonObject *bridge) {
        gint64 seconds = get_number(bridge, "AgeingUSec") / G_USEC_PER_SEC;
        GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

        add_guard(words, bridge);
        if (!get_bool(bridge, "Up"))
                add(words, "down");
        add(words, "%s", get_bool(bridge, "STP") ? "STP" : "no STP");
        if (get_bool(bridge, "VLANFiltering"))
                add(words, "VLAN filtering");
        add(words, "ageing %" G_GINT64_FORMAT " s", seconds);
        add_figures(words, bridge);
        return words;
}

static void add_bridge(GPtrArray *words, JsonObject *bridge) {
        g_autoptr(GPtrArray) first = words_of_bridge(bridge);
        JsonArray *addresses = get_list(bridge, "Addresses");

        for (guint i = 0; i < first->len; i++)
                add(words, "%s%s", (const char *) first->pdata[i],
                    i + 1 < first->len || length_of(addresses) > 0 ? "," : "");
        add_addresses(words, "host ", addresses);
}

/* (transfer container) */
static GPtrArray *ports_of(JsonObject *topology, const char *bridge) {
        JsonArray *ports = get_list(topology, "Ports");
        GPtrArray *own = g_ptr_array_new();

        for (unsigned i = 0; i < length_of(ports); i++) {
                JsonObject *port = json_array_get_object_element(ports, i);

                if (is_word(port, "Bridge", bridge))
                        g_ptr_array_add(own, port);
        }
        return own;
}

static void append_bridge(GString *text, const char *indent, JsonObject *topology,
                          JsonObject *bridge) {
        g_autoptr(GPtrArray) ports = ports_of(topology, get_text(bridge, "Bridge"));
        g_autofree char *name = bw_text_printable(get_text(bridge, "Bridge"));
        g_autofree char *below = g_strconcat(indent, ports->len > 0 ? "|  " : "   ", NULL);
        g_autofree char *margin = g_strconcat(below, "   ", NULL);
        g_autoptr(GString) line = g_string_new(indent);
        g_auto(Words) words = words_new();
        Widths widths = measure(ports);

        g_string_append_printf(line, "%s  ", name);
        add_bridge(words.plain, bridge);
        flow(line, margin, &words);
        g_string_append_printf(text, "%s\n", line->str);
        append_warnings(text, below, get_list(bridge, "Warnings"));
        for (guint i = 0; i < ports->len; i++)
                append_port(text, indent, &widths, bridge, ports->pdata[i], i + 1 == ports->len);
}

/* The whole */

static unsigned count_in_segment(JsonArray *bridges, gint64 segment) {
        unsigned n = 0;

        for (unsigned i = 0; i < length_of(bridges); i++)
                n += get_number(json_array_get_object_element(bridges, i), "Segment") == segment;
        return n;
}

/* A line between two that do not belong together; bridges that are not guarded are a list. */
static void append_gap(GString *text, JsonObject *former, JsonObject *bridge, bool is_new) {
        bool both_idle = former != NULL && *get_text(former, "GuardedFor") == '\0' &&
                         *get_text(bridge, "GuardedFor") == '\0';

        if (is_new && !both_idle)
                g_string_append_c(text, '\n');
}

static void append_bridges(GString *text, JsonObject *topology) {
        JsonArray *bridges = get_list(topology, "Bridges");
        JsonObject *former = NULL;
        gint64 segment = 0;

        for (unsigned i = 0; i < length_of(bridges); i++) {
                JsonObject *bridge = json_array_get_object_element(bridges, i);
                bool is_new = former == NULL || get_number(bridge, "Segment") != segment;
                unsigned n;

                segment = get_number(bridge, "Segment");
                n = count_in_segment(bridges, segment);
                append_gap(text, former, bridge, is_new);
                if (is_new && n > 1)
                        g_string_append_printf(
                                text, "segment %" G_GINT64_FORMAT ", %u bridges joined by links\n",
                                segment, n);
                append_bridge(text, n > 1 ? "  " : "", topology, bridge);
                former = bridge;
        }
}

static unsigned count_warnings(JsonArray *list) {
        unsigned n = 0;

        for (unsigned i = 0; i < length_of(list); i++)
                n += length_of(get_list(json_array_get_object_element(list, i), "Warnings"));
        return n;
}

static void append_number(GPtrArray *words, unsigned n, const char *what) {
        if (n > 0)
                add(words, "%u %s%s", n, what, n > 1 ? "s" : "");
}

static void append_sum(GString *text, JsonObject *topology) {
        static const char *const roles[] = { "guest", "host", "link", "uplink", "stranger" };
        JsonArray *bridges = get_list(topology, "Bridges"), *ports = get_list(topology, "Ports");
        unsigned counts[G_N_ELEMENTS(roles)] = { 0 }, warnings;
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *list = NULL;

        for (unsigned i = 0; i < length_of(ports); i++)
                for (unsigned k = 0; k < G_N_ELEMENTS(roles); k++)
                        counts[k] += g_str_equal(role_of(json_array_get_object_element(ports, i)),
                                                 roles[k]);
        append_number(words, length_of(bridges), "bridge");
        for (unsigned k = 0; k < G_N_ELEMENTS(roles); k++)
                append_number(words, counts[k], roles[k]);
        warnings = count_warnings(bridges) + count_warnings(ports) +
                   length_of(get_list(topology, "Warnings"));
        append_number(words, warnings, "warning");
        g_ptr_array_add(words, NULL);
        list = g_strjoinv(", ", (char **) words->pdata);
        g_string_append_printf(text, "%s\n", *list != '\0' ? list : "no bridges");
}

char *bw_show_topology(JsonObject *topology) {
        JsonArray *warnings = get_list(topology, "Warnings");
        GString *text = g_string_new(NULL);

        append_sum(text, topology);
        append_bridges(text, topology);
        if (length_of(warnings) > 0)
                g_string_append_c(text, '\n');
        append_warnings(text, "", warnings);
        return g_string_free(text, FALSE);
}
