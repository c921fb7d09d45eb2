/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "topology_dot.h"

#include "columns.h"
#include "member.h"

#include <bw/text.h>

#define GUEST_WIDTH     32
#define SHOWN_ADDRESSES 3
#define NOTE_WIDTH      44

#define INK     "#334155"
#define RED     "#dc2626"
#define WARNED  ", color=\"" RED "\", penwidth=2"
#define DIMMED  "#64748b"
#define BACKING "#f8fafc"

static const char head[] =
        "graph bridgewarden {\n"
        "  graph [rankdir=LR, nodesep=0.14, ranksep=0.55, pad=0.2, bgcolor=white, fontname=\"Helvetica\",\n"
        "         fontsize=11, fontcolor=\"" DIMMED "\", compound=true];\n"
        "  node [shape=box, style=\"filled,rounded\", fontname=\"Helvetica\", fontsize=10, height=0.3,\n"
        "        margin=\"0.12,0.06\", color=\"" INK "\", fontcolor=\"#0f172a\"];\n"
        "  edge [color=\"" INK "\"];\n";

static const struct {
        const char *role, *fill;
} fills[] = {
        { "guest", "#dbeafe" },  { "host", "#dcfce7" },     { "link", "#ede9fe" },
        { "uplink", "#fed7aa" }, { "stranger", "#e5e7eb" },
};

/* Where what is drawn already is found again. */
typedef struct Drawing {
        GString *text;
        JsonObject *topology;
        GHashTable *bridges; /* name -> number, counted from 1 */
        GHashTable *ports;   /* "bridge/port" -> number, counted from 1 */
        unsigned n_notes;
} Drawing;

void bw_topology_dot_escape(GString *text, const char *bytes) {
        g_autofree char *shown = bw_text_printable(bytes);

        for (const char *c = shown; *c != '\0'; c++) {
                if (*c == '"' || *c == '\\')
                        g_string_append_c(text, '\\');
                /* Graphviz takes entities of HTML for what they stand for. */
                g_string_append_len(text, c, 1);
                if (*c == '&')
                        g_string_append(text, "amp;");
        }
}

static void append_line(GString *text, const char *bytes) {
        if (*bytes == '\0')
                return;
        if (text->len > 0)
                g_string_append(text, "\\n");
        bw_topology_dot_escape(text, bytes);
}

static const char *role_of(JsonObject *port) {
        return g_str_equal(get_text(port, "State"), "stranger") ? "stranger"
                                                                : get_text(port, "Role");
}

static const char *fill_of(const char *role) {
        for (unsigned i = 0; i < G_N_ELEMENTS(fills); i++)
                if (g_str_equal(fills[i].role, role))
                        return fills[i].fill;
        return "white";
}

static bool has_warnings(JsonObject *object) {
        return length_of(get_list(object, "Warnings")) > 0;
}

/* Labels */

static void append_addresses(GString *label, JsonArray *addresses) {
        unsigned n = length_of(addresses);

        for (unsigned i = 0; i < n && i < SHOWN_ADDRESSES; i++)
                append_line(label, json_array_get_string_element(addresses, i));
        if (n > SHOWN_ADDRESSES)
                g_string_append_printf(label, "\\n+%u", n - SHOWN_ADDRESSES);
}

static char *label_of_bridge(JsonObject *bridge) {
        g_autofree char *nature = g_strdup_printf(
                "%s, %s", get_bool(bridge, "STP") ? "STP" : "no STP",
                *get_text(bridge, "GuardedFor") != '\0' ? get_text(bridge, "Mode") : "not guarded");
        g_autofree char *ageing = g_strdup_printf(
                "ageing %" G_GINT64_FORMAT " s", get_number(bridge, "AgeingUSec") / G_USEC_PER_SEC);
        GString *label = g_string_new(NULL);

        append_line(label, get_text(bridge, "Bridge"));
        append_line(label, nature);
        append_line(label, ageing);
        append_addresses(label, get_list(bridge, "Addresses"));
        return g_string_free(label, FALSE);
}

/* What colours do not say. */
static const char *remark_of(JsonObject *port) {
        const char *state = get_text(port, "State");

        if (get_bool(port, "Closed"))
                return "closed border";
        if (g_str_equal(state, "closed"))
                return "nothing passes";
        if (g_str_equal(state, "unaddressed"))
                return "no address yet";
        if (g_str_equal(state, "any-address"))
                return "any address";
        return g_str_equal(state, "off") ? "off" : "";
}

static char *label_of_port(JsonObject *port) {
        g_autofree char *printable = bw_text_printable(get_text(port, "Guest"));
        g_autofree char *guest = bw_columns_shorten(printable, GUEST_WIDTH);
        const char *kind = get_text(port, "Kind"), *role = role_of(port);
        GString *label = g_string_new(NULL);

        append_line(label, get_text(port, "Port"));
        append_line(label, guest);
        if (g_str_equal(role, "uplink") || g_str_equal(role, "stranger")) {
                g_autofree char *nature =
                        g_strdup_printf("%s, %s", role, *kind != '\0' ? kind : "network card");

                append_line(label, nature);
        } else if (g_str_equal(role, "host")) {
                append_line(label, role);
        }
        append_addresses(label, get_list(port, "Addresses"));
        append_line(label, remark_of(port));
        if (g_str_equal(get_text(port, "STPState"), "blocking"))
                append_line(label, "blocked by STP");
        return g_string_free(label, FALSE);
}

/* Notes: a warning each, at what it is about */

static char *label_of_note(const char *sentence) {
        g_autofree char *printable = bw_text_printable(sentence);
        g_auto(GStrv) words = g_strsplit(printable, " ", -1);
        GString *label = g_string_new(NULL);
        unsigned have = 0;

        for (unsigned i = 0; words[i] != NULL; i++) {
                unsigned width = bw_columns_width(words[i]);

                if (i > 0 && have + 1 + width > NOTE_WIDTH) {
                        g_string_append(label, "\\l");
                        have = 0;
                } else if (i > 0) {
                        g_string_append_c(label, ' ');
                        have++;
                }
                bw_topology_dot_escape(label, words[i]);
                have += width;
        }
        g_string_append(label, "\\l");
        return g_string_free(label, FALSE);
}

/* @at: identifier of a node, or NULL: about nothing that is drawn. */
static void draw_notes(Drawing *drawing, const char *at, JsonArray *warnings) {
        for (unsigned i = 0; i < length_of(warnings); i++) {
                g_autofree char *label = label_of_note(json_array_get_string_element(warnings, i));
                unsigned n = ++drawing->n_notes;

                g_string_append_printf(drawing->text,
                                       "    n%u [label=\"%s\", shape=note, style=filled, "
                                       "fillcolor=\"#fef2f2\", color=\"" RED "\", fontcolor=\"" RED
                                       "\", fontsize=9];\n",
                                       n, label);
                if (at != NULL)
                        g_string_append_printf(drawing->text,
                                               "    %s -- n%u [style=dotted, color=\"" RED "\"];\n",
                                               at, n);
        }
}

/* Bridges and their ports */

static unsigned number_of(GHashTable *numbers, const char *key) {
        return GPOINTER_TO_UINT(g_hash_table_lookup(numbers, key));
}

static char *port_key(const char *bridge, const char *port) {
        return g_strconcat(bridge, "/", port, NULL);
}

/* A link is drawn once, from the bridge that comes first: so both ends stand between the two. */
static bool is_far_end(const Drawing *drawing, JsonObject *port) {
        unsigned far = number_of(drawing->bridges, get_text(port, "FarBridge"));

        return far > 0 && far < number_of(drawing->bridges, get_text(port, "Bridge"));
}

static void draw_port(Drawing *drawing, unsigned bridge, JsonObject *port) {
        g_autofree char *key = port_key(get_text(port, "Bridge"), get_text(port, "Port"));
        g_autofree char *label = label_of_port(port);
        unsigned number = number_of(drawing->ports, key);
        g_autofree char *id = g_strdup_printf("p%u", number);

        g_string_append_printf(drawing->text, "    %s [label=\"%s\", fillcolor=\"%s\"%s];\n", id,
                               label, fill_of(role_of(port)), has_warnings(port) ? WARNED : "");
        if (is_far_end(drawing, port))
                g_string_append_printf(drawing->text, "    %s -- b%u;\n", id, bridge);
        else
                g_string_append_printf(drawing->text, "    b%u -- %s;\n", bridge, id);
        draw_notes(drawing, id, get_list(port, "Warnings"));
}

static void draw_bridge(Drawing *drawing, JsonObject *bridge) {
        const char *name = get_text(bridge, "Bridge");
        JsonArray *ports = get_list(drawing->topology, "Ports");
        unsigned number = number_of(drawing->bridges, name);
        bool is_guarded = *get_text(bridge, "GuardedFor") != '\0';
        g_autofree char *id = g_strdup_printf("b%u", number), *label = label_of_bridge(bridge);

        g_string_append_printf(drawing->text,
                               "    %s [label=\"%s\", style=filled, fillcolor=\"%s\", "
                               "fontcolor=white, fontsize=11%s];\n",
                               id, label, is_guarded ? "#1e3a5f" : "#94a3b8",
                               has_warnings(bridge) ? WARNED : "");
        for (unsigned i = length_of(ports); i-- > 0;) {
                JsonObject *port = json_array_get_object_element(ports, i);

                if (g_str_equal(get_text(port, "Bridge"), name))
                        draw_port(drawing, number, port);
        }
        draw_notes(drawing, id, get_list(bridge, "Warnings"));
}

static void draw_segment(Drawing *drawing, gint64 segment) {
        JsonArray *bridges = get_list(drawing->topology, "Bridges");

        g_string_append_printf(drawing->text,
                               "  subgraph cluster_%" G_GINT64_FORMAT " {\n"
                               "    label=\"segment %" G_GINT64_FORMAT
                               "\"; style=\"filled,rounded\"; "
                               "color=\"#cbd5e1\"; fillcolor=\"" BACKING "\";\n",
                               segment, segment);
        for (unsigned i = 0; i < length_of(bridges); i++) {
                JsonObject *bridge = json_array_get_object_element(bridges, i);

                if (get_number(bridge, "Segment") == segment)
                        draw_bridge(drawing, bridge);
        }
        g_string_append(drawing->text, "  }\n");
}

/* Between the two ends, or to the bridge itself when its ports are not told of. */
static void draw_link(const Drawing *drawing, JsonObject *port) {
        g_autofree char *near = port_key(get_text(port, "Bridge"), get_text(port, "Port"));
        g_autofree char *far = port_key(get_text(port, "FarBridge"), get_text(port, "FarPort"));
        unsigned bridge = number_of(drawing->bridges, get_text(port, "FarBridge"));
        unsigned end = number_of(drawing->ports, far);
        bool is_far = is_far_end(drawing, port);

        if (bridge == 0 || (is_far && end > 0))
                return;
        g_string_append_printf(
                drawing->text, "  p%u -- %c%u [%s];\n", number_of(drawing->ports, near),
                end > 0 ? 'p' : 'b', end > 0 ? end : bridge,
                get_bool(port, "Carries") ? "penwidth=3, color=\"#7c3aed\""
                                          : "style=dashed, penwidth=2, color=\"#a8a29e\"");
}

static void number_all(Drawing *drawing) {
        JsonArray *bridges = get_list(drawing->topology, "Bridges");
        JsonArray *ports = get_list(drawing->topology, "Ports");

        for (unsigned i = 0; i < length_of(bridges); i++) {
                JsonObject *bridge = json_array_get_object_element(bridges, i);

                g_hash_table_insert(drawing->bridges, g_strdup(get_text(bridge, "Bridge")),
                                    GUINT_TO_POINTER(i + 1));
        }
        for (unsigned i = 0; i < length_of(ports); i++) {
                JsonObject *port = json_array_get_object_element(ports, i);

                g_hash_table_insert(drawing->ports,
                                    port_key(get_text(port, "Bridge"), get_text(port, "Port")),
                                    GUINT_TO_POINTER(i + 1));
        }
}

static void draw(Drawing *drawing) {
        JsonArray *bridges = get_list(drawing->topology, "Bridges");
        JsonArray *ports = get_list(drawing->topology, "Ports");
        gint64 segment = 0;

        g_string_append(drawing->text, head);
        /* dot(1) lays out from below. */
        for (unsigned i = length_of(bridges); i-- > 0;) {
                gint64 next = get_number(json_array_get_object_element(bridges, i), "Segment");

                if (next != segment)
                        draw_segment(drawing, next);
                segment = next;
        }
        for (unsigned i = 0; i < length_of(ports); i++)
                draw_link(drawing, json_array_get_object_element(ports, i));
        draw_notes(drawing, NULL, get_list(drawing->topology, "Warnings"));
        g_string_append(drawing->text, "}\n");
}

char *bw_topology_dot(JsonObject *topology) {
        g_autoptr(GHashTable) bridges =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) ports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        Drawing drawing = { g_string_new(NULL), topology, bridges, ports, 0 };

        number_all(&drawing);
        draw(&drawing);
        return g_string_free(drawing.text, FALSE);
}
