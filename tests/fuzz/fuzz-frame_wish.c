/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Input: a byte for the kind, then words with "|" between: source, destination, their MACs, bytes
 * in hexadecimal. Whatever is said, there is a sentence, or a frame that gets a verdict in words.
 */

#include "frame_wish.h"
#include "plan_json.h"
#include "show_explain.h"

#include <bw/corpus.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

typedef struct World {
        BwScene scene;
        BwPlan *plan;
        JsonArray *stations;
} World;

static const World *get_world(void) {
        static const char *const none[] = { NULL };
        static World world;

        if (world.plan)
                return &world;
        world.scene = bw_scene_new();
        world.plan = bw_scene_plan_new(&world.scene, none, "");
        world.stations = bw_plan_json_ports(world.plan);
        return &world;
}

static const char *word_at(char **words, guint i) {
        return i < g_strv_length(words) && words[i][0] != '\0' ? words[i] : NULL;
}

static void explain(const World *world, const char *in, const GByteArray *frame) {
        g_autoptr(GArray) judgments =
                bw_explain(world->plan, in, "", frame->data, frame->len, NULL);
        g_autofree char *described = bw_show_frame(frame->data, frame->len);
        g_autoptr(JsonArray) rows = NULL;
        g_autofree char *text = NULL;

        g_assert(judgments);
        rows = bw_plan_json_judgments(judgments);
        text = bw_show_judgments(described, bw_fate_name(bw_explain_fate(judgments)), rows);
        g_assert(g_str_has_suffix(text, "\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        const World *world = get_world();
        g_autofree char *text = size > 0 ? g_strndup((const char *) bytes + 1, size - 1) : NULL;
        g_auto(GStrv) words = text ? g_strsplit(text, "|", 6) : NULL;
        BwFrameWish asked;
        g_autoptr(GByteArray) frame = NULL;
        g_autoptr(GError) error = NULL;

        if (!words)
                return 0;
        asked = (BwFrameWish){
                .kind = (BwWishKind) (bytes[0] % BW_WISH_MAX),
                .in = world->scene.stations[bytes[0] & 0x40 ? BW_WHO_GATEWAY : BW_WHO_ATTACKER]
                              .port,
                .out = bytes[0] & 0x80 ? world->scene.stations[BW_WHO_VICTIM].port : NULL,
                .src = word_at(words, 0),
                .dst = word_at(words, 1),
                .src_mac = word_at(words, 2),
                .dst_mac = word_at(words, 3),
                .hex = word_at(words, 4),
                .vlan = bytes[0] & 0x20 ? 7 : 0,
        };
        frame = bw_frame_wish_build(&asked, world->stations, &error);
        g_assert((frame == NULL) == (error != NULL));
        if (frame)
                explain(world, asked.in, frame);
        return 0;
}
