/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trial.h"

#include <bw/error.h>
#include <bw/frame.h>
#include <bw/ipt_compile.h>
#include <bw/nft_table.h>
#include <iptables.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define MOST_COMPLAINTS 40
struct BwTrial {
        BwScene scene;
        BwStage *stage;
        BwPlan *plan;
        GPtrArray *frames; /* BwCorpusFrame * */
        BwNftables *nftables;
        bool learning;
};

/* Where a frame has arrived. */
typedef struct Shots {
        unsigned arrived[BW_TRIAL_SHOTS];
} Shots;

BwTrial *bw_trial_new(const BwScene *scene, BwStageEnds ends, const char *more, GError **error) {
        g_autoptr(BwTrial) trial = g_new0(BwTrial, 1);

        trial->scene = *scene;
        trial->stage = bw_stage_new(scene, ends, error);
        if (!trial->stage)
                return NULL;
        trial->plan = bw_scene_plan_new(scene, bw_stage_free_ports(scene), more);
        bw_stage_number_ports(trial->plan);
        trial->frames = bw_corpus_new(scene);
        trial->nftables = bw_nftables_new();
        return g_steal_pointer(&trial);
}

void bw_trial_free(BwTrial *trial) {
        if (!trial)
                return;
        bw_nftables_free(trial->nftables);
        g_clear_pointer(&trial->frames, g_ptr_array_unref);
        bw_plan_free(trial->plan);
        bw_stage_free(trial->stage);
        g_free(trial);
}

BwStage *bw_trial_stage(const BwTrial *trial) {
        return trial->stage;
}

const BwPlan *bw_trial_plan(const BwTrial *trial) {
        return trial->plan;
}

const GPtrArray *bw_trial_frames(const BwTrial *trial) {
        return trial->frames;
}

BwNftables *bw_trial_nftables(const BwTrial *trial) {
        return trial->nftables;
}

void bw_trial_result_clear(BwTrialResult *result) {
        g_clear_pointer(&result->complaints, g_ptr_array_unref);
}

/* Engines */

static bool probe_iptables(GError **error) {
        if (access("/proc/sys/net/bridge", F_OK) < 0) {
                g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                            "br_netfilter is not loaded: iptables sees nothing of a bridge");
                return false;
        }
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (!bw_iptables_probe(table, error))
                        return false;
        return true;
}

bool bw_trial_can(BwTrial *trial, BwEngineKind kind, GError **error) {
        switch (kind) {
        case BW_ENGINE_IPTABLES:
                return probe_iptables(error);
        case BW_ENGINE_NFTABLES:
                return bw_nftables_probe(trial->nftables, error);
        }
        g_assert_not_reached();
}

static bool has(unsigned engines, BwEngineKind kind) {
        return engines & BW_ENGINE_BIT(kind);
}

/* Nobody else is in this namespace, so there is nobody to share the xtables lock with; and the
 * host's is not ours to hold. */
static bool arm_iptables(const BwTrial *trial, GError **error) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) chains = bw_ipt_compile(trial->plan, table);
                BwIptReport report;

                if (!bw_iptables_sync(table, chains, BW_IPT_LOCK_SKIPPED, &report, error))
                        return false;
        }
        return true;
}

static bool arm_nftables(BwTrial *trial, GError **error) {
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();
        g_autoptr(BwNftTable) table = bw_nft_compile(trial->plan, nowhere);
        BwNftReport report;

        return bw_nftables_sync(trial->nftables, table, &report, error);
}

/* As the daemon keeps them on a guarded bridge. */
static bool set_switches(BwTrial *trial, bool iptables, bool guarded, GError **error) {
        const char *const *bridges = bw_stage_bridges(trial->stage);
        BwStageLink *links = bw_stage_links(trial->stage);

        for (unsigned i = 0; bridges[i]; i++)
                if (!bw_stage_link_set_nf_call(links, bridges[i], iptables, error) ||
                    !bw_stage_link_set_no_linklocal_learn(links, bridges[i], guarded, error))
                        return false;
        return true;
}

bool bw_trial_arm(BwTrial *trial, unsigned engines, GError **error) {
        bool iptables = has(engines, BW_ENGINE_IPTABLES);

        return set_switches(trial, iptables, true, error) &&
               (!iptables || arm_iptables(trial, error)) &&
               (!has(engines, BW_ENGINE_NFTABLES) || arm_nftables(trial, error));
}

/* A kernel that has no such table has no rule of ours in it. */
static bool is_gone(bool done, GError *trouble, GError **error) {
        if (done || g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT)) {
                g_clear_error(&trouble);
                return true;
        }
        g_propagate_error(error, trouble);
        return false;
}

bool bw_trial_disarm(BwTrial *trial, GError **error) {
        GError *trouble = NULL;
        bool done = bw_nftables_remove(trial->nftables, &trouble);

        if (!is_gone(done, trouble, error))
                return false;
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                BwIptReport report;

                trouble = NULL;
                done = bw_iptables_sync(table, NULL, BW_IPT_LOCK_SKIPPED, &report, &trouble);
                if (!is_gone(done, trouble, error))
                        return false;
        }
        return true;
}

/* Verdicts */

BwVerdict bw_trial_verdict(const BwTrial *trial, unsigned port, BwDirection direction,
                           const GByteArray *frame) {
        const BwBridgePlan *bridge;
        const BwPortPlan *plan =
                bw_plan_find_port(trial->plan, bw_stage_port_name(trial->stage, port), &bridge);

        g_assert(plan);
        if (direction == BW_DIRECTION_IN)
                return bw_evaluate_in(trial->plan, bridge, plan, frame->data, frame->len);
        return bw_evaluate_out(trial->plan, bridge, plan, frame->data, frame->len);
}

unsigned bw_trial_way(const BwTrial *trial, unsigned from, unsigned to,
                      BwTrialStep ret[static BW_TRIAL_MOST_STEPS]) {
        const char *near = bw_stage_bridge_of(trial->stage, from);
        bool leaves = near != bw_stage_bridge_of(trial->stage, to);
        bool outward = near == bw_stage_bridge(trial->stage);
        unsigned n = 0;

        ret[n++] = (BwTrialStep){ from, BW_DIRECTION_IN };
        if (leaves) {
                ret[n++] = (BwTrialStep){ outward ? BW_WHO_LINK : BW_WHO_LINK_BEYOND,
                                          BW_DIRECTION_OUT };
                ret[n++] = (BwTrialStep){ outward ? BW_WHO_LINK_BEYOND : BW_WHO_LINK,
                                          BW_DIRECTION_IN };
        }
        ret[n++] = (BwTrialStep){ to, BW_DIRECTION_OUT };
        return n;
}

unsigned bw_trial_seen_by(unsigned engines, const BwVerdict *verdict, const GByteArray *frame) {
        return engines & bw_evaluate_engines(verdict, frame->data, frame->len);
}

/* Firing */

unsigned bw_trial_shooter(const BwCorpusFrame *frame, unsigned shot) {
        if (shot > 0 || frame->from == BW_WHO_LINK_BEYOND)
                return BW_STAGE_WITNESS;
        return frame->from == BW_WHO_LINK ? BW_STAGE_FAR_WITNESS : (unsigned) frame->from;
}

void bw_trial_set_frames(BwTrial *trial, GPtrArray *frames) {
        g_ptr_array_unref(trial->frames);
        trial->frames = frames;
}

bool bw_trial_set_learning(BwTrial *trial, bool on, GError **error) {
        const char *const *bridges = bw_stage_bridges(trial->stage);
        const uint32_t five_minutes = 30000;

        trial->learning = on;
        for (unsigned i = 0; bridges[i]; i++)
                if (!bw_stage_link_set_ageing(bw_stage_links(trial->stage), bridges[i],
                                              on ? five_minutes : 0, error))
                        return false;
        return true;
}

/* Of the port on @bridge behind which @who is. */
static const char *port_towards(const BwTrial *trial, const char *bridge, BwWho who) {
        const BwStation *stations = trial->scene.stations;

        if (g_str_equal(bw_scene_bridge_of(&trial->scene, who), bridge))
                return stations[who].port;
        return stations[g_str_equal(bridge, trial->scene.bridge) ? BW_WHO_LINK : BW_WHO_LINK_BEYOND]
                .port;
}

static bool is_end_of_link(unsigned port) {
        return port == BW_WHO_LINK || port == BW_WHO_LINK_BEYOND;
}

static bool teach_bridge(BwTrial *trial, const char *bridge, GError **error) {
        BwStageLink *links = bw_stage_links(trial->stage);

        if (!bw_stage_link_flush(links, bridge, error))
                return false;
        for (BwWho who = BW_WHO_ATTACKER; who < BW_WHO_MAX; who++)
                if (bw_scene_has(&trial->scene, who) && !is_end_of_link(who) &&
                    !bw_stage_link_teach(links, port_towards(trial, bridge, who),
                                         &trial->scene.stations[who].mac, error))
                        return false;
        return true;
}

/* Anew before each frame: those that get through teach the bridge what they like. */
static bool teach(BwTrial *trial, GError **error) {
        const char *const *bridges = bw_stage_bridges(trial->stage);

        for (unsigned i = 0; trial->learning && bridges[i]; i++)
                if (!teach_bridge(trial, bridges[i], error))
                        return false;
        return true;
}

bool bw_trial_fire(BwTrial *trial, unsigned port, const GByteArray *frame, unsigned *ret_arrived,
                   GError **error) {
        return teach(trial, error) && bw_stage_fire(trial->stage, port, frame, ret_arrived, error);
}

static bool fire_all(BwTrial *trial, Shots *ret, GError **error) {
        for (guint i = 0; i < trial->frames->len; i++) {
                const BwCorpusFrame *frame = trial->frames->pdata[i];

                for (unsigned shot = 0; shot < BW_TRIAL_SHOTS; shot++)
                        if (!bw_trial_fire(trial, bw_trial_shooter(frame, shot), frame->bytes,
                                           &ret[i].arrived[shot], error))
                                return false;
        }
        return true;
}

/* Judging */

typedef struct Judge {
        const BwTrial *trial;
        const BwCorpusFrame *frame;
        unsigned engines;
        BwTrialResult *result;
        bool counted[BW_REASON_MAX], missed[BW_REASON_MAX]; /* this frame, with that reason */
} Judge;

static void complain(Judge *judge, unsigned from, unsigned to, BwReason reason) {
        const BwStage *stage = judge->trial->stage;
        char *words;

        if (judge->result->complaints->len >= MOST_COMPLAINTS)
                return;
        words = g_strdup_printf(
                "%s from %s %s %s: %s", judge->frame->name, bw_stage_port_name(stage, from),
                reason ? "arrived at" : "did not arrive at", bw_stage_port_name(stage, to),
                reason ? bw_reason_name(reason) : "nothing is wrong with it");
        g_ptr_array_add(judge->result->complaints, words);
}

/* @reason: why it must not arrive; BW_REASON_NONE: it must. */
static void judge_arrival(Judge *judge, unsigned from, unsigned to, BwReason reason, bool arrived) {
        BwTrialRow *row = &judge->result->rows[reason];

        row->judged += !judge->counted[reason];
        judge->counted[reason] = true;
        row->verdicts++;
        if (arrived == (reason == BW_REASON_NONE))
                return;
        row->wrong++;
        complain(judge, from, to, reason);
}

/* xt_udp drops UDP that is too short to have ports in whatever chain asks for a port, a watched
 * port's too: no rule can have it otherwise. */
static bool is_dropped_by_match(const Judge *judge, bool told) {
        BwFrame frame = bw_frame_decode(judge->frame->bytes->data, judge->frame->bytes->len);

        return has(judge->engines, BW_ENGINE_IPTABLES) && frame.kind == BW_FRAME_IPV4 &&
               frame.ip.protocol == IPPROTO_UDP && !frame.ip.has_ports &&
               frame.ip.part != BW_FRAME_LATER && told;
}

/* What is told of on the way to @to: whether anything is, and whether anybody drops it, seen by the
 * engines on trial or not. */
typedef struct Way {
        BwReason seen, unseen;
        bool told;
} Way;

static Way look_along(const Judge *judge, unsigned from, unsigned to) {
        const GByteArray *bytes = judge->frame->bytes;
        BwTrialStep steps[BW_TRIAL_MOST_STEPS];
        unsigned n = bw_trial_way(judge->trial, from, to, steps);
        Way way = {};

        for (unsigned i = 0; i < n; i++) {
                BwVerdict verdict =
                        bw_trial_verdict(judge->trial, steps[i].port, steps[i].direction, bytes);
                bool seen = bw_trial_seen_by(judge->engines, &verdict, bytes);
                BwReason *first = seen ? &way.seen : &way.unseen;

                way.told |= verdict.reason != BW_REASON_NONE;
                if (verdict.drops && *first == BW_REASON_NONE)
                        *first = verdict.reason;
        }
        return way;
}

static void judge_port(Judge *judge, unsigned from, unsigned to, bool arrived) {
        Way way = look_along(judge, from, to);

        if (way.seen)
                judge_arrival(judge, from, to, way.seen, arrived);
        else if (way.unseen || is_dropped_by_match(judge, way.told))
                judge->missed[way.unseen] = true;
        else
                judge_arrival(judge, from, to, BW_REASON_NONE, arrived);
}

static void count_frame(const Judge *judge) {
        const BwCorpusFrame *frame = judge->frame;
        BwTrialResult *result = judge->result;
        bool hostile = false, missed = false;

        result->rows[frame->in ? frame->in : frame->out].frames++;
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                hostile |= judge->counted[reason];
                missed |= judge->missed[reason];
                result->rows[reason].unseen += judge->missed[reason] && !judge->counted[reason];
        }
        result->hostile += hostile && bw_corpus_frame_is_hostile(frame);
        result->unseen += !hostile && missed && bw_corpus_frame_is_hostile(frame);
        result->legal += !bw_corpus_frame_is_hostile(frame) && judge->counted[BW_REASON_NONE];
}

static void judge_frame(Judge *judge, const Shots *bare, const Shots *guarded) {
        for (unsigned shot = 0; shot < BW_TRIAL_SHOTS; shot++)
                for (unsigned to = 0; to < BW_STAGE_PORTS; to++)
                        if (bare->arrived[shot] & 1u << to)
                                judge_port(judge, bw_trial_shooter(judge->frame, shot), to,
                                           guarded->arrived[shot] & 1u << to);
        judge->result->uncarried += !bare->arrived[0];
        count_frame(judge);
}

static void judge_all(const BwTrial *trial, unsigned engines, const Shots *bare,
                      const Shots *guarded, BwTrialResult *result) {
        for (guint i = 0; i < trial->frames->len; i++) {
                Judge judge = { .trial = trial,
                                .frame = trial->frames->pdata[i],
                                .engines = engines,
                                .result = result };

                judge_frame(&judge, &bare[i], &guarded[i]);
        }
        for (BwReason reason = BW_REASON_NONE; reason < BW_REASON_MAX; reason++) {
                result->verdicts += result->rows[reason].verdicts;
                result->wrong += result->rows[reason].wrong;
        }
}

/* A bridge that carries little of what it is given is no place to judge a guard at. */
static bool is_carried(const BwTrialResult *result, guint n_frames, GError **error) {
        if (result->uncarried <= n_frames / 2)
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_BROKEN,
                    "without any rules, %u of %u frames do not arrive either", result->uncarried,
                    n_frames);
        return false;
}

/* The bare bridge is asked anew each time: br_netfilter checks headers of its own when it is in. */
bool bw_trial_run(BwTrial *trial, unsigned engines, bool unguarded, BwTrialResult *ret,
                  GError **error) {
        g_autofree Shots *bare = g_new0(Shots, trial->frames->len);
        g_autofree Shots *guarded = g_new0(Shots, trial->frames->len);

        if (!set_switches(trial, has(engines, BW_ENGINE_IPTABLES), false, error) ||
            !fire_all(trial, bare, error) || (!unguarded && !bw_trial_arm(trial, engines, error)) ||
            !fire_all(trial, guarded, error) || !bw_trial_disarm(trial, error))
                return false;
        *ret = (BwTrialResult){ .complaints = g_ptr_array_new_with_free_func(g_free) };
        judge_all(trial, engines, bare, guarded, ret);
        if (is_carried(ret, trial->frames->len, error))
                return true;
        bw_trial_result_clear(ret);
        return false;
}
