/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Trial
 *
 * The corpus fired at the engines: the same frames with nobody on guard and with
 * the compiled rules in force, and the evaluator's word on each of them at each
 * port. A frame that does not arrive without a guard either proves nothing and
 * is not judged. Where no engine on trial can see what is wrong with a frame, it
 * is not asked for a verdict, and that is counted.
 */

#include <bw/evaluate.h>
#include <nftables.h>

#include "stage.h"

/* Of one reason, or of BW_REASON_NONE: what must get through, the monitored ports' included. */
typedef struct BwTrialRow {
        unsigned frames;   /* different ones; by the whole corpus, judged or not */
        unsigned judged;   /* different ones that were */
        unsigned verdicts; /* frames times the ports they might have arrived at */
        unsigned wrong;    /* of the verdicts */
        unsigned unseen;   /* different ones that no engine on trial can see enough of */
} BwTrialRow;

typedef struct BwTrialResult {
        BwTrialRow rows[BW_REASON_MAX];
        unsigned hostile, legal;  /* different frames judged, as the rows' sums */
        unsigned verdicts, wrong; /* sums of the rows */
        unsigned unseen;          /* hostile frames that no engine on trial was asked to stop */
        unsigned uncarried;       /* frames the bridge itself does not carry */
        GPtrArray *complaints;    /* char *: the first wrong ones in words */
} BwTrialResult;

void bw_trial_result_clear(BwTrialResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BwTrialResult, bw_trial_result_clear)

typedef struct BwTrial BwTrial;

/* Moves the process into a namespace of its own: see bw_stage_new(). @more: configuration beyond
 * the scene's. */
BwTrial *bw_trial_new(const BwScene *scene, BwStageEnds ends, const char *more, GError **error);
void bw_trial_free(BwTrial *trial);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwTrial, bw_trial_free)

/* Whether the kernel has what the engine needs; else @error says what is missing. */
bool bw_trial_can(BwTrial *trial, BwEngineKind kind, GError **error);

/* From now on these are fired, and not the corpus. Takes @frames, as of bw_corpus_new(). */
void bw_trial_set_frames(BwTrial *trial, GPtrArray *frames);
/* From now on the bridge has learned where everybody is, instead of being a hub. */
bool bw_trial_set_learning(BwTrial *trial, bool on, GError **error);

/* Fires everything twice, without and with the rules of @engines, and leaves no rules. @unguarded:
 * without them both times, and judged as if they were there: every frame they stop must be found
 * wrong. @ret is valid on success only. */
bool bw_trial_run(BwTrial *trial, unsigned engines, bool unguarded, BwTrialResult *ret,
                  GError **error);

/* For whoever asks more than that. All lent. */
BwNftables *bw_trial_nftables(const BwTrial *trial);
bool bw_trial_arm(BwTrial *trial, unsigned engines, GError **error);
bool bw_trial_disarm(BwTrial *trial, GError **error);
BwStage *bw_trial_stage(const BwTrial *trial);
const BwPlan *bw_trial_plan(const BwTrial *trial);
const GPtrArray *bw_trial_frames(const BwTrial *trial); /* BwCorpusFrame * */
/* Fires once, after the bridge was told where everybody is if it learns. */
bool bw_trial_fire(BwTrial *trial, unsigned port, const GByteArray *frame, unsigned *ret_arrived,
                   GError **error);
/* Who sends @frame, the first or the second time: the one it is from, or for him who is beyond a
 * link a witness there; then the bridge's witness. */
unsigned bw_trial_shooter(const BwCorpusFrame *frame, unsigned shot);
#define BW_TRIAL_SHOTS 2
/* What the evaluator says of @port; of a witness, nothing. */
BwVerdict bw_trial_verdict(const BwTrial *trial, unsigned port, BwDirection direction,
                           const GByteArray *frame);

/* What is asked on the way from port to port: of both, and between two bridges of the link's two
 * ends. */
typedef struct BwTrialStep {
        unsigned port;
        BwDirection direction;
} BwTrialStep;

#define BW_TRIAL_MOST_STEPS 4
/* Returns how many. */
unsigned bw_trial_way(const BwTrial *trial, unsigned from, unsigned to,
                      BwTrialStep ret[static BW_TRIAL_MOST_STEPS]);
/* Which of @engines can see what @verdict says of the frame. */
unsigned bw_trial_seen_by(unsigned engines, const BwVerdict *verdict, const GByteArray *frame);
