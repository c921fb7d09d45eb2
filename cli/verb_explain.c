/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ask.h"
#include "capture.h"
#include "command.h"
#include "plan_json.h"
#include "show_explain.h"

#include <bw/error.h>
#include <stdio.h>

/* Who is asked. */
typedef struct Source {
        const Line *line;
        BwWorld *world; /* NULL: the daemon */
} Source;

/* What becomes of one frame. */
typedef struct Answer {
        char *fate;
        JsonArray *judgments;
} Answer;

static void answer_clear(Answer *answer) {
        g_free(answer->fate);
        g_clear_pointer(&answer->judgments, json_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

static bool ask_world(const Source *source, const uint8_t *frame, gsize length, Answer *ret,
                      GError **error) {
        const Line *line = source->line;
        g_autoptr(GArray) judgments =
                bw_explain(source->world->plan, line->in, line->out != NULL ? line->out : "", frame,
                           length, error);

        if (judgments == NULL)
                return false;
        ret->fate = g_strdup(bw_fate_name(bw_explain_fate(judgments)));
        ret->judgments = bw_plan_json_judgments(judgments);
        return true;
}

static bool ask(const Source *source, const uint8_t *frame, gsize length, Answer *ret,
                GError **error) {
        const Line *line = source->line;

        if (source->world != NULL)
                return ask_world(source, frame, length, ret, error);
        ret->judgments = bw_ask_explain(line->in, line->out != NULL ? line->out : "", frame, length,
                                        &ret->fate, error);
        return ret->judgments != NULL;
}

static bool is_fine(const Answer *answer) {
        return g_str_equal(answer->fate, "passes");
}

static char *hex_of(const uint8_t *bytes, gsize length) {
        GString *text = g_string_sized_new(length * 2);

        for (gsize i = 0; i < length; i++)
                g_string_append_printf(text, "%02x", bytes[i]);
        return g_string_free(text, FALSE);
}

/* (transfer full): one frame's answer; takes the judgments out of @answer. */
static JsonObject *show_json(const uint8_t *frame, gsize length, Answer *answer) {
        JsonObject *object = json_object_new();
        g_autofree char *hex = hex_of(frame, length);

        json_object_set_string_member(object, "Frame", hex);
        json_object_set_string_member(object, "Fate", answer->fate);
        json_object_set_array_member(object, "Judgments", g_steal_pointer(&answer->judgments));
        return object;
}

/* One frame */

static JsonArray *list_stations(const Source *source, GError **error) {
        if (source->line->hex != NULL)
                return json_array_new();
        if (source->world != NULL)
                return bw_plan_json_stations(source->world);
        return bw_ask_ports(error);
}

static GByteArray *build_frame(const Source *source, BwWishKind kind, GError **error) {
        const Line *line = source->line;
        g_autoptr(JsonArray) stations = list_stations(source, error);
        BwFrameWish words = {
                .kind = kind,
                .in = line->in,
                .out = line->out,
                .src = line->src,
                .dst = line->dst,
                .src_mac = line->src_mac,
                .dst_mac = line->dst_mac,
                .vlan = line->vlan,
                .hex = line->hex,
        };

        return stations != NULL ? bw_frame_wish_build(&words, stations, error) : NULL;
}

static Exit explain_one(const Source *source, BwWishKind kind) {
        const Line *line = source->line;
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) frame = build_frame(source, kind, &error);
        g_auto(Answer) answer = { 0 };
        g_autofree char *description = NULL;
        Exit exit;

        if (frame == NULL || !ask(source, frame->data, frame->len, &answer, &error))
                return bw_command_fail_asking(line, error);
        exit = is_fine(&answer) ? EXIT_FINE : EXIT_NOT_FINE;
        if (line->json) {
                g_autoptr(JsonObject) object = show_json(frame->data, frame->len, &answer);

                bw_command_print_json(bw_command_node_of_object(object));
                return exit;
        }
        description = bw_show_frame(frame->data, frame->len);
        {
                g_autofree char *text =
                        bw_show_judgments(description, answer.fate, answer.judgments);

                fputs(text, stdout);
        }
        return exit;
}

/* Many frames, one at a time */

typedef struct Sum {
        guint frames, cut;
        guint fates[BW_FATE_DROPPED + 1];
        guint reasons[BW_REASON_MAX];
} Sum;

static void add_to_sum(Sum *sum, const BwCaptured *frame, const Answer *answer) {
        BwReason reason =
                bw_reason_from_name(bw_show_judgments_reason(answer->fate, answer->judgments));

        sum->frames++;
        sum->cut += frame->is_cut;
        sum->reasons[reason]++;
        for (BwFate fate = BW_FATE_PASSES; fate <= BW_FATE_DROPPED; fate++)
                if (g_str_equal(answer->fate, bw_fate_name(fate)))
                        sum->fates[fate]++;
}

static void print_captured(const Line *line, const Sum *sum, const BwCaptured *frame,
                           Answer *answer) {
        g_autofree char *description = bw_show_frame(frame->bytes, frame->length);

        if (line->json) {
                g_autoptr(JsonObject) object = show_json(frame->bytes, frame->length, answer);
                JsonNode *node = bw_command_node_of_object(object);
                g_autofree char *text = json_to_string(node, FALSE);

                puts(text);
                json_node_unref(node);
                return;
        }
        {
                g_autofree char *text = bw_show_judgments_line(sum->frames, description,
                                                               answer->fate, answer->judgments);

                fputs(text, stdout);
        }
}

static void print_sum(const Sum *sum) {
        printf("%u frames: %u pass, %u monitored, %u dropped", sum->frames,
               sum->fates[BW_FATE_PASSES], sum->fates[BW_FATE_MONITORED],
               sum->fates[BW_FATE_DROPPED]);
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                if (sum->reasons[reason] > 0)
                        printf(", %u %s", sum->reasons[reason], bw_reason_name(reason));
        if (sum->cut > 0)
                printf("; %u were captured in part and judged by that", sum->cut);
        putchar('\n');
}

/* What the wire cannot carry (offloads make such captures) is judged by its beginning. */
static void cut_long(BwCaptured *frame) {
        if (frame->length <= BW_EXPLAIN_MAX_FRAME)
                return;
        frame->length = BW_EXPLAIN_MAX_FRAME;
        frame->is_cut = true;
}

static Exit explain_capture(const Source *source) {
        const Line *line = source->line;
        g_autoptr(GError) error = NULL;
        g_autoptr(BwCapture) capture = bw_capture_open(line->pcap, &error);
        BwCaptured frame;
        Sum sum = { 0 };

        while (capture != NULL && bw_capture_next(capture, &frame, &error)) {
                g_auto(Answer) answer = { 0 };

                cut_long(&frame);
                if (!ask(source, frame.bytes, frame.length, &answer, &error))
                        break;
                add_to_sum(&sum, &frame, &answer);
                print_captured(line, &sum, &frame, &answer);
        }
        if (capture != NULL && !line->json)
                print_sum(&sum);
        if (error != NULL)
                return bw_command_fail_asking(line, error);
        return sum.fates[BW_FATE_PASSES] == sum.frames ? EXIT_FINE : EXIT_NOT_FINE;
}

/* One kind at most; a ping when nothing is said. False: two. */
static bool find_kind(const Line *line, BwWishKind *ret) {
        guint n = 0;

        *ret = BW_WISH_PING;
        for (BwWishKind kind = BW_WISH_PING; kind < BW_WISH_MAX; kind++) {
                if (!line->kinds[kind])
                        continue;
                *ret = kind;
                n++;
        }
        return n <= 1;
}

static bool says_frame(const Line *line) {
        for (BwWishKind kind = BW_WISH_PING; kind < BW_WISH_MAX; kind++)
                if (line->kinds[kind])
                        return true;
        return line->src != NULL || line->dst != NULL || line->src_mac != NULL ||
               line->dst_mac != NULL || line->vlan != 0;
}

/* NULL, or what is wrong with the words. */
static const char *judge_words(const Line *line, BwWishKind *ret_kind) {
        if (line->in == NULL)
                return "explain needs --in with the port the frame comes in by";
        if (!find_kind(line, ret_kind))
                return "a frame is of one kind only";
        if (line->hex != NULL && line->pcap != NULL)
                return "--hex and --pcap do not go together";
        if ((line->hex != NULL || line->pcap != NULL) && says_frame(line))
                return "with --hex or --pcap the frame is given: no kind and no address";
        return NULL;
}

Exit bw_verb_explain(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwWorld) world = NULL;
        Source source = { line, NULL };
        BwWishKind kind;
        const char *wrong = judge_words(line, &kind);

        if (wrong != NULL)
                return bw_command_usage(wrong, "");
        if (line->files.links != NULL) {
                source.world = world = bw_world_read(&line->files, &error);
                if (world == NULL)
                        return bw_command_fail_asking(line, error);
                bw_command_tell_problems(world->config);
        }
        return line->pcap != NULL ? explain_capture(&source) : explain_one(&source, kind);
}
