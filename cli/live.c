/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "live.h"

#include "ask.h"
#include "rehearsal.h"

#include <bw/error.h>
#include <bw/rules_text.h>

struct BwLive {
        char *in;
        char *written; /* the nftables table that is planned */
        unsigned engines;
        BwRehearsal *rehearsal; /* NULL until the first frame tells the bridge */
        GArray *left_out;       /* guint, for each frame */
};

/* Which engines */

static unsigned engine_of(const char *name) {
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                if (g_strcmp0(name, bw_engine_name(kind)) == 0)
                        return BW_ENGINE_BIT(kind);
        return 0;
}

/* "Engines" has a list for each, its name first. */
static unsigned engines_of_state(JsonObject *state) {
        JsonNode *node = json_object_get_member(state, "Engines");
        JsonArray *list =
                node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
        unsigned engines = 0;

        for (guint i = 0; list != NULL && i < json_array_get_length(list); i++)
                engines |= engine_of(
                        json_array_get_string_element(json_array_get_array_element(list, i), 0));
        return engines;
}

static bool ask_daemon(BwLive *live, GError **error) {
        g_autoptr(JsonObject) state = bw_ask_state(error);
        g_autoptr(JsonObject) rules = state != NULL ? bw_ask_rules(error) : NULL;

        if (rules == NULL)
                return false;
        live->engines = engines_of_state(state);
        live->written = g_strdup(json_object_get_string_member_with_default(rules, "nftables", ""));
        return true;
}

BwLive *bw_live_new(const char *in, const BwWorld *world, GError **error) {
        g_autoptr(BwLive) live = g_new0(BwLive, 1);

        live->in = g_strdup(in);
        live->left_out = g_array_new(FALSE, FALSE, sizeof(guint));
        if (world != NULL) {
                live->engines = world->config->engines;
                live->written = bw_rules_text_nftables(world->plan, world->elsewhere);
        } else if (!ask_daemon(live, error))
                return NULL;
        return g_steal_pointer(&live);
}

void bw_live_free(BwLive *live) {
        if (live == NULL)
                return;
        bw_rehearsal_free(live->rehearsal);
        g_array_unref(live->left_out);
        g_free(live->written);
        g_free(live->in);
        g_free(live);
}

/* Judgments */

static const char *text_of(JsonObject *judgment, const char *name) {
        return json_object_get_string_member_with_default(judgment, name, "");
}

static BwFate fate_of(const char *name) {
        for (BwFate fate = BW_FATE_PASSES; fate < BW_FATE_DROPPED; fate++)
                if (g_str_equal(name, bw_fate_name(fate)))
                        return fate;
        return BW_FATE_DROPPED;
}

static unsigned engines_of_judgment(JsonObject *judgment) {
        JsonNode *node = json_object_get_member(judgment, "Engines");
        JsonArray *list =
                node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
        unsigned engines = 0;

        for (guint i = 0; list != NULL && i < json_array_get_length(list); i++)
                engines |= engine_of(json_array_get_string_element(list, i));
        return engines;
}

static BwExpected expected_of(JsonObject *judgment) {
        bool is_host = g_str_equal(text_of(judgment, "State"), "host");

        return (BwExpected){
                .port = is_host ? "" : text_of(judgment, "Port"),
                .direction = g_str_equal(text_of(judgment, "Direction"), "in") ? BW_DIRECTION_IN
                                                                               : BW_DIRECTION_OUT,
                .fate = fate_of(text_of(judgment, "Fate")),
                .engines = engines_of_judgment(judgment),
                .has_reason = *text_of(judgment, "Reason") != '\0',
        };
}

/* The stage is the one bridge; what goes on to others is not tried there. */
static bool is_elsewhere(JsonArray *judgments, JsonObject *judgment) {
        return !g_str_equal(text_of(judgment, "Bridge"),
                            text_of(json_array_get_object_element(judgments, 0), "Bridge"));
}

/* Who is not told on which bridge it is has asked for the bridge itself. */
static bool open_rehearsal(BwLive *live, JsonArray *judgments, GError **error) {
        const char *bridge = live->in;

        if (live->rehearsal != NULL)
                return true;
        if (json_array_get_length(judgments) > 0)
                bridge = text_of(json_array_get_object_element(judgments, 0), "Bridge");
        live->rehearsal = bw_rehearsal_new(bridge, live->in, live->engines, live->written, error);
        return live->rehearsal != NULL;
}

bool bw_live_add(BwLive *live, const uint8_t *frame, gsize length, JsonArray *judgments,
                 GError **error) {
        g_autoptr(GArray) expected = g_array_new(FALSE, FALSE, sizeof(BwExpected));
        guint left_out;

        if (live->left_out->len >= BW_REHEARSAL_MOST_FRAMES) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                            "--live takes %d frames at once and no more: cut the capture (editcap)",
                            BW_REHEARSAL_MOST_FRAMES);
                return false;
        }
        if (!open_rehearsal(live, judgments, error))
                return false;
        for (guint i = 0; i < json_array_get_length(judgments); i++) {
                JsonObject *judgment = json_array_get_object_element(judgments, i);
                BwExpected one = expected_of(judgment);

                if (!is_elsewhere(judgments, judgment))
                        g_array_append_val(expected, one);
        }
        left_out = bw_rehearsal_add(live->rehearsal, frame, length, expected);
        g_array_append_val(live->left_out, left_out);
        return true;
}

bool bw_live_run(BwLive *live, GError **error) {
        return live->rehearsal == NULL || bw_rehearsal_run(live->rehearsal, error);
}

/* Outcomes */

static const char *name_of(BwOutcomeKind kind) {
        switch (kind) {
        case BW_OUTCOME_PASSES:
                return "passes";
        case BW_OUTCOME_DROPPED:
                return "dropped";
        case BW_OUTCOME_PARTED:
                return "parted";
        case BW_OUTCOME_UNSEEN:
                return "unseen";
        case BW_OUTCOME_UNFED:
                return "unfed";
        case BW_OUTCOME_UNCARRIED:
                return "uncarried";
        }
        g_assert_not_reached();
}

static JsonArray *list_of(const GPtrArray *texts) {
        JsonArray *list = json_array_new();

        for (guint i = 0; i < texts->len; i++)
                json_array_add_string_element(list, texts->pdata[i]);
        return list;
}

static JsonObject *json_of(const BwLive *live, guint number, BwEngineKind kind) {
        const BwOutcome *outcome = bw_rehearsal_outcome(live->rehearsal, number, kind);
        JsonObject *object = json_object_new();

        json_object_set_string_member(object, "Engine", bw_engine_name(kind));
        json_object_set_string_member(object, "Outcome", name_of(outcome->kind));
        json_object_set_boolean_member(object, "Agrees", outcome->agrees);
        json_object_set_array_member(object, "Reached", list_of(outcome->reached));
        json_object_set_array_member(object, "Kept", list_of(outcome->kept));
        json_object_set_array_member(object, "Untried",
                                     list_of(bw_rehearsal_untried(live->rehearsal, kind)));
        return object;
}

JsonArray *bw_live_outcomes(const BwLive *live, guint number) {
        JsonArray *list = json_array_new();

        for (BwEngineKind kind = BW_ENGINE_MAX; kind-- > 0;)
                if (live->engines & BW_ENGINE_BIT(kind))
                        json_array_add_object_element(list, json_of(live, number, kind));
        return list;
}

bool bw_live_agrees(const BwLive *live, guint number) {
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                if ((live->engines & BW_ENGINE_BIT(kind)) &&
                    !bw_rehearsal_outcome(live->rehearsal, number, kind)->agrees)
                        return false;
        return true;
}

guint bw_live_left_out(const BwLive *live, guint number) {
        return g_array_index(live->left_out, guint, number);
}
