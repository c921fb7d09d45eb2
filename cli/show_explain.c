/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "show_explain.h"

#include <bw/frame_words.h>
#include <bw/text.h>
#include <stdbool.h>

#define INDENT "            "

char *bw_show_frame(const uint8_t *frame, gsize length) {
        g_autoptr(BwFrameWords) words = bw_frame_words_new(frame, length);
        char source[BW_MAC_TEXT_SIZE], destination[BW_MAC_TEXT_SIZE];

        if (words->says_macs)
                return g_strdup_printf("%" G_GSIZE_FORMAT " bytes, %s", length, words->text);
        return g_strdup_printf("%" G_GSIZE_FORMAT " bytes, %s > %s, %s", length,
                               bw_mac_print(&words->source_mac, source),
                               bw_mac_print(&words->destination_mac, destination), words->text);
}

static const char *get_text(JsonObject *judgment, const char *name) {
        return json_object_get_string_member_with_default(judgment, name, "");
}

static void append_list(GString *text, JsonObject *judgment, const char *name) {
        JsonNode *node = json_object_get_member(judgment, name);
        JsonArray *list = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

        for (guint i = 0; list && i < json_array_get_length(list); i++) {
                g_autofree char *item = bw_text_printable(json_array_get_string_element(list, i));

                g_string_append_printf(text, " %s", item);
        }
}

static bool is_host(JsonObject *judgment) {
        return g_str_equal(get_text(judgment, "State"), "host");
}

static void append_who(GString *text, JsonObject *judgment) {
        g_autofree char *port = bw_text_printable(get_text(judgment, "Port"));
        g_autofree char *bridge = bw_text_printable(get_text(judgment, "Bridge"));
        g_autofree char *guest = bw_text_printable(get_text(judgment, "Guest"));

        if (is_host(judgment)) {
                g_string_append_printf(text, "the host itself, on %s", bridge);
                return;
        }
        g_string_append_printf(text, "%s on %s", port, bridge);
        if (*guest)
                g_string_append_printf(text, " (guest %s)", guest);
}

/* By whose declaration, and what was declared. */
static void append_binding(GString *text, JsonObject *judgment) {
        g_autofree char *where = bw_text_printable(get_text(judgment, "Where"));
        g_autofree char *state = bw_text_printable(get_text(judgment, "State"));
        bool border = g_str_equal(state, "border");
        gsize before;

        if (border)
                g_string_append(text, INDENT "The port is a border; declared behind it:");
        else
                g_string_append_printf(text, INDENT "The port is %s, with", state);
        before = text->len;
        append_list(text, judgment, "MACs");
        append_list(text, judgment, "Addresses");
        if (text->len == before)
                g_string_append(text, border ? " nothing" : " no address at all");
        if (*where)
                g_string_append_printf(text, ", as declared in %s", where);
        g_string_append_c(text, '\n');
}

static void append_because(GString *text, JsonObject *judgment) {
        g_autofree char *because = bw_text_printable(get_text(judgment, "Because"));

        if (*because)
                g_string_append_printf(text, INDENT "%s.\n", because);
}

static void append_denial(GString *text, JsonObject *judgment) {
        g_autofree char *sentence = bw_text_printable(get_text(judgment, "Sentence"));
        g_autofree char *detail = bw_text_printable(get_text(judgment, "Detail"));

        g_string_append_printf(text, INDENT "%c%s", g_ascii_toupper(sentence[0]),
                               sentence[0] ? sentence + 1 : "");
        if (*detail)
                g_string_append_printf(text, " (%s)", detail);
        g_string_append(text, ".\n");
        append_because(text, judgment);
        append_binding(text, judgment);
        g_string_append(text, INDENT "Seen by");
        append_list(text, judgment, "Engines");
        g_string_append_c(text, '\n');
}

static void append_judgment(GString *text, JsonObject *judgment) {
        bool in = g_str_equal(get_text(judgment, "Direction"), "in");
        g_autofree char *fate = bw_text_printable(get_text(judgment, "Fate"));
        g_autofree char *reason = bw_text_printable(get_text(judgment, "Reason"));

        g_string_append(text, in ? "From        " : "To          ");
        append_who(text, judgment);
        g_string_append_printf(text, ": %s", fate);
        if (*reason)
                g_string_append_printf(text, ", %s", reason);
        g_string_append_c(text, '\n');
        if (*reason)
                append_denial(text, judgment);
}

static const char *verdict_of(const char *fate, guint n) {
        if (g_str_equal(fate, "dropped"))
                return "dropped";
        if (g_str_equal(fate, "monitored"))
                return "passes, because the port is only monitored; it would be dropped";
        return n > 0 ? "passes" : "passes, and goes to no port";
}

char *bw_show_judgments(const char *frame, const char *fate, JsonArray *judgments) {
        GString *text = g_string_new(NULL);
        guint n = json_array_get_length(judgments);

        g_string_append_printf(text, "Frame       %s\n", frame);
        for (guint i = 0; i < n; i++)
                append_judgment(text, json_array_get_object_element(judgments, i));
        g_string_append_printf(text, "Verdict     %s\n", verdict_of(fate, n));
        return g_string_free(text, FALSE);
}

static JsonObject *find_deciding(const char *fate, JsonArray *judgments) {
        for (guint i = 0; i < json_array_get_length(judgments); i++) {
                JsonObject *judgment = json_array_get_object_element(judgments, i);

                if (*get_text(judgment, "Reason") && g_str_equal(get_text(judgment, "Fate"), fate))
                        return judgment;
        }
        return NULL;
}

const char *bw_show_judgments_reason(const char *fate, JsonArray *judgments) {
        JsonObject *judgment = find_deciding(fate, judgments);

        return judgment ? get_text(judgment, "Reason") : "";
}

char *bw_show_judgments_line(guint number, const char *frame, const char *fate,
                             JsonArray *judgments) {
        GString *text = g_string_new(NULL);
        JsonObject *judgment = find_deciding(fate, judgments);

        g_string_append_printf(text, "%6u  %-9s  ", number, fate);
        if (judgment) {
                g_autofree char *port = bw_text_printable(get_text(judgment, "Port"));
                g_autofree char *detail = bw_text_printable(get_text(judgment, "Detail"));

                g_string_append_printf(text, "%-13s  at %s (%s): ", get_text(judgment, "Reason"),
                                       port, detail);
        } else
                g_string_append_printf(text, "%-13s  ", "");
        g_string_append_printf(text, "%s\n", frame);
        return g_string_free(text, FALSE);
}

/* What the rules in the kernel would do */

static void append_ports(GString *text, JsonObject *outcome, const char *name, const char *before) {
        JsonArray *list = json_object_get_array_member(outcome, name);

        for (guint i = 0; i < json_array_get_length(list); i++) {
                g_autofree char *port = bw_text_printable(json_array_get_string_element(list, i));

                g_string_append_printf(text, "%s%s", i > 0 ? ", " : before, port);
        }
}

static void append_outcome(GString *text, JsonObject *outcome) {
        const char *name = get_text(outcome, "Outcome");

        if (g_str_equal(name, "passes")) {
                g_string_append(text, "would pass");
                append_ports(text, outcome, "Reached", " to ");
        } else if (g_str_equal(name, "dropped"))
                g_string_append(text, "would drop");
        else if (g_str_equal(name, "parted")) {
                g_string_append(text, "would pass");
                append_ports(text, outcome, "Reached", " to ");
                g_string_append(text, " and drop");
                append_ports(text, outcome, "Kept", " for ");
        } else if (g_str_equal(name, "unseen"))
                g_string_append(text, "does not see it, or not what is wrong with it");
        else if (g_str_equal(name, "unfed"))
                g_string_append(text, "does not see it: the bridge shows it no packets (nf_call)");
        else
                g_string_append(text, "was not asked: the bridge itself does not carry it");
}

char *bw_show_live(JsonArray *outcomes, guint left_out) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < json_array_get_length(outcomes); i++) {
                JsonObject *outcome = json_array_get_object_element(outcomes, i);
                JsonArray *untried = json_object_get_array_member(outcome, "Untried");
                bool agrees = json_object_get_boolean_member(outcome, "Agrees");

                g_string_append_printf(text, "%-11s %s ", i == 0 ? "Live" : "",
                                       get_text(outcome, "Engine"));
                append_outcome(text, outcome);
                g_string_append(text, agrees ? "\n" : ": NOT as planned\n");
                for (guint k = 0; !agrees && k < json_array_get_length(untried); k++)
                        g_string_append_printf(text, INDENT "  %s\n",
                                               json_array_get_string_element(untried, k));
        }
        if (left_out > 0)
                g_string_append_printf(
                        text, INDENT "%u more ports were not tried; --out asks one\n", left_out);
        return g_string_free(text, FALSE);
}
