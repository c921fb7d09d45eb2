/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ask.h"
#include "capture.h"
#include "command.h"
#include "live.h"
#include "plan_json.h"
#include "show_explain.h"

#include <bw/error.h>
#include <stdio.h>

/* Who is asked. */
typedef struct Source {
        const Line *line;
        BwWorld *world; /* NULL: the daemon */
        BwLive *live;   /* NULL: the kernel is not asked */
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

/* (transfer full): one frame's answer; takes the judgments out of @answer, and @outcomes, which may
 * be NULL. */
static JsonObject *show_json(const uint8_t *frame, gsize length, Answer *answer,
                             JsonArray *outcomes) {
        JsonObject *object = json_object_new();
        g_autofree char *hex = hex_of(frame, length);

        json_object_set_string_member(object, "Frame", hex);
        json_object_set_string_member(object, "Fate", answer->fate);
        json_object_set_array_member(object, "Judgments", g_steal_pointer(&answer->judgments));
        if (outcomes != NULL)
                json_object_set_array_member(object, "Live", outcomes);
        return object;
}

static Exit fail_live(const Line *line, const GError *error) {
        g_autofree char *sentence = NULL;

        if (error->domain != BW_ERROR || error->code == BW_ERROR_INVALID)
                return bw_command_fail_asking(line, error);
        sentence =
                g_error_matches(error, BW_ERROR, BW_ERROR_DENIED)
                        ? g_strdup_printf("--live needs root, to read the rules and to make a "
                                          "network of its own (%s)",
                                          error->message)
                        : g_strdup_printf("--live cannot try the rules here: %s", error->message);
        return bw_command_fail(line, EXIT_REFUSED, sentence);
}

/* One frame */

static gint64 segment_of(JsonObject *topology, const char *name) {
        JsonArray *bridges = json_object_get_array_member(topology, "Bridges");

        for (guint i = 0; i < json_array_get_length(bridges); i++) {
                JsonObject *bridge = json_array_get_object_element(bridges, i);

                if (g_strcmp0(json_object_get_string_member_with_default(bridge, "Bridge", ""),
                              name) == 0)
                        return json_object_get_int_member_with_default(bridge, "Segment", 0);
        }
        return 0;
}

static JsonArray *ask_stations(GError **error) {
        g_autoptr(JsonArray) stations = bw_ask_ports(error);
        g_autoptr(JsonObject) topology = stations != NULL ? bw_ask_topology(error) : NULL;

        if (topology == NULL)
                return NULL;
        for (guint i = 0; i < json_array_get_length(stations); i++) {
                JsonObject *station = json_array_get_object_element(stations, i);
                const char *bridge =
                        json_object_get_string_member_with_default(station, "Bridge", "");

                json_object_set_int_member(station, "Segment", segment_of(topology, bridge));
        }
        return g_steal_pointer(&stations);
}

static JsonArray *list_stations(const Source *source, GError **error) {
        if (source->line->hex != NULL)
                return json_array_new();
        if (source->world != NULL)
                return bw_plan_json_stations(source->world);
        return ask_stations(error);
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

/* @live: what was tried, or NULL. */
static void print_one(const Line *line, const GByteArray *frame, Answer *answer,
                      const BwLive *live) {
        g_autofree char *description = bw_show_frame(frame->data, frame->len);
        g_autoptr(JsonArray) outcomes = live != NULL ? bw_live_outcomes(live, 0) : NULL;
        g_autofree char *text = NULL, *tried = NULL;

        if (line->json) {
                g_autoptr(JsonObject) object =
                        show_json(frame->data, frame->len, answer, g_steal_pointer(&outcomes));

                bw_command_print_json(bw_command_node_of_object(object));
                return;
        }
        text = bw_show_judgments(description, answer->fate, answer->judgments);
        fputs(text, stdout);
        if (live == NULL)
                return;
        tried = bw_show_live(outcomes, bw_live_left_out(live, 0));
        fputs(tried, stdout);
}

static Exit explain_one(const Source *source, BwWishKind kind) {
        const Line *line = source->line;
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) frame = build_frame(source, kind, &error);
        g_auto(Answer) answer = { 0 };

        if (frame == NULL || !ask(source, frame->data, frame->len, &answer, &error))
                return bw_command_fail_asking(line, error);
        if (source->live != NULL &&
            (!bw_live_add(source->live, frame->data, frame->len, answer.judgments, &error) ||
             !bw_live_run(source->live, &error)))
                return fail_live(line, error);
        print_one(line, frame, &answer, source->live);
        if (source->live != NULL && !bw_live_agrees(source->live, 0))
                return EXIT_DISAGREES;
        return is_fine(&answer) ? EXIT_FINE : EXIT_NOT_FINE;
}

/* Many frames, one at a time */

typedef struct Sum {
        guint frames, cut, disagree;
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

/* Of outcomes only what disagrees is worth a line of its own. */
static void print_outcomes(JsonArray *outcomes, guint left_out, bool agrees) {
        g_autofree char *text = agrees ? NULL : bw_show_live(outcomes, left_out);

        if (text != NULL)
                fputs(text, stdout);
}

static void print_captured(const Source *source, const Sum *sum, const BwCaptured *frame,
                           Answer *answer) {
        const Line *line = source->line;
        guint number = sum->frames - 1;
        g_autofree char *description = bw_show_frame(frame->bytes, frame->length);
        g_autoptr(JsonArray) outcomes =
                source->live != NULL ? bw_live_outcomes(source->live, number) : NULL;

        if (line->json) {
                g_autoptr(JsonObject) object =
                        show_json(frame->bytes, frame->length, answer, g_steal_pointer(&outcomes));
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
        if (source->live != NULL)
                print_outcomes(outcomes, bw_live_left_out(source->live, number),
                               bw_live_agrees(source->live, number));
}

static void print_sum(const Sum *sum, bool is_live) {
        printf("%u frames: %u pass, %u monitored, %u dropped", sum->frames,
               sum->fates[BW_FATE_PASSES], sum->fates[BW_FATE_MONITORED],
               sum->fates[BW_FATE_DROPPED]);
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                if (sum->reasons[reason] > 0)
                        printf(", %u %s", sum->reasons[reason], bw_reason_name(reason));
        if (sum->cut > 0)
                printf("; %u were captured in part and judged by that", sum->cut);
        if (is_live)
                printf("; the rules in the kernel disagree on %u", sum->disagree);
        putchar('\n');
}

/* What the wire cannot carry (offloads make such captures) is judged by its beginning. */
static void cut_long(BwCaptured *frame) {
        if (frame->length <= BW_EXPLAIN_MAX_FRAME)
                return;
        frame->length = BW_EXPLAIN_MAX_FRAME;
        frame->is_cut = true;
}

/* One frame of several that are kept until all were asked about. */
typedef struct Kept {
        GByteArray *bytes;
        bool is_cut;
        Answer answer;
} Kept;

static void kept_free(gpointer data) {
        Kept *kept = data;

        g_byte_array_unref(kept->bytes);
        answer_clear(&kept->answer);
        g_free(kept);
}

static void tell_captured(const Source *source, Sum *sum, const BwCaptured *frame, Answer *answer) {
        add_to_sum(sum, frame, answer);
        if (source->live != NULL)
                sum->disagree += !bw_live_agrees(source->live, sum->frames - 1);
        print_captured(source, sum, frame, answer);
}

static bool keep(const Source *source, const BwCaptured *frame, Answer *answer, GPtrArray *list,
                 GError **error) {
        Kept *kept;

        if (!bw_live_add(source->live, frame->bytes, frame->length, answer->judgments, error))
                return false;
        kept = g_new0(Kept, 1);
        kept->bytes = g_byte_array_append(g_byte_array_new(), frame->bytes, (guint) frame->length);
        kept->is_cut = frame->is_cut;
        kept->answer = *answer;
        *answer = (Answer){ 0 };
        g_ptr_array_add(list, kept);
        return true;
}

/* What was kept is tried all at once: the rules are loaded once for all frames. */
static void tell_kept(const Source *source, Sum *sum, const GPtrArray *list) {
        for (guint i = 0; i < list->len; i++) {
                Kept *kept = list->pdata[i];
                BwCaptured frame = { kept->bytes->data, kept->bytes->len, kept->is_cut };

                tell_captured(source, sum, &frame, &kept->answer);
        }
}

static bool read_capture(const Source *source, Sum *sum, GPtrArray *list, GError **error) {
        g_autoptr(BwCapture) capture = bw_capture_open(source->line->pcap, error);
        g_autoptr(GError) trouble = NULL;
        BwCaptured frame;

        if (capture == NULL)
                return false;
        while (trouble == NULL && bw_capture_next(capture, &frame, &trouble)) {
                g_auto(Answer) answer = { 0 };

                cut_long(&frame);
                if (!ask(source, frame.bytes, frame.length, &answer, &trouble))
                        break;
                if (source->live != NULL)
                        keep(source, &frame, &answer, list, &trouble);
                else
                        tell_captured(source, sum, &frame, &answer);
        }
        if (trouble == NULL)
                return true;
        g_propagate_error(error, g_steal_pointer(&trouble));
        return false;
}

static Exit explain_capture(const Source *source) {
        const Line *line = source->line;
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(kept_free);
        Sum sum = { 0 };
        bool done = read_capture(source, &sum, list, &error);

        if (done && source->live != NULL) {
                done = bw_live_run(source->live, &error);
                if (done)
                        tell_kept(source, &sum, list);
        }
        if ((done || sum.frames > 0) && !line->json)
                print_sum(&sum, source->live != NULL);
        if (!done)
                return source->live != NULL ? fail_live(line, error)
                                            : bw_command_fail_asking(line, error);
        if (sum.disagree > 0)
                return EXIT_DISAGREES;
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
        g_autoptr(BwLive) live = NULL;
        Source source = { line, NULL, NULL };
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
        if (line->live) {
                source.live = live = bw_live_new(line->in, world, &error);
                if (live == NULL)
                        return bw_command_fail_asking(line, error);
        }
        return line->pcap != NULL ? explain_capture(&source) : explain_one(&source, kind);
}
