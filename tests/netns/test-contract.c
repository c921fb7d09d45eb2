/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The contract suite: one corpus through the evaluator, through each engine alone and through both,
 * on real ports. All must say the same of a frame wherever the engine can see it.
 *
 * test-contract --caught ENGINE: built with a fault in a compiler, the suite must find it.
 */

#include "contract.h"

#include <bw/ipt_compile.h>
#include <command.h>
#include <iptables.h>
#include <netns.h>
#include <string.h>
#include <unistd.h>

static BwTrial *trial_of(BwScene scene, BwStageEnds ends, const char *more) {
        g_autoptr(GError) error = NULL;
        BwTrial *trial = bw_trial_new(&scene, ends, more, &error);

        g_assert_no_error(error);
        bw_test_run("for f in /proc/sys/net/bridge/bridge-nf-call-*; do"
                    "  [ ! -e $f ] || echo 0 >$f; done");
        return trial;
}

BwTrial *bw_contract_trial_new(BwStageEnds ends, const char *more) {
        return trial_of(bw_scene_new(), ends, more);
}

BwTrial *bw_contract_trial_new_joined(BwStageEnds ends, const char *more) {
        return trial_of(bw_scene_new_joined(), ends, more);
}

void bw_contract_arm(BwTrial *trial, unsigned engines) {
        g_autoptr(GError) error = NULL;

        bw_trial_disarm(trial, &error);
        g_assert_no_error(error);
        bw_trial_arm(trial, engines, &error);
        g_assert_no_error(error);
}

unsigned bw_contract_fire(BwTrial *trial, unsigned port, const GByteArray *frame) {
        g_autoptr(GError) error = NULL;
        unsigned arrived;

        bw_trial_fire(trial, port, frame, &arrived, &error);
        g_assert_no_error(error);
        return arrived;
}

const BwCorpusFrame *bw_contract_find(const BwTrial *trial, const char *name) {
        const GPtrArray *frames = bw_trial_frames(trial);

        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];

                if (g_str_equal(frame->name, name))
                        return frame;
        }
        g_error("the corpus has no frame %s", name);
}

bool bw_contract_has_iptables(BwTrial *trial) {
        g_autoptr(GError) error = NULL;

        if (bw_trial_can(trial, BW_ENGINE_IPTABLES, &error))
                return true;
        g_test_message("iptables is not asked: %s", error->message);
        return false;
}

/* The evaluator, against the words of the corpus. */

static void test_evaluator(void) {
        g_autoptr(BwTrial) trial = bw_contract_trial_new_joined(BW_STAGE_VETH, "");
        const GPtrArray *frames = bw_trial_frames(trial);
        unsigned hostile = 0, wrong = 0;

        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];
                BwVerdict in = bw_trial_verdict(trial, frame->from, BW_DIRECTION_IN, frame->bytes);
                BwVerdict out = bw_trial_verdict(trial, frame->to, BW_DIRECTION_OUT, frame->bytes);

                hostile += bw_corpus_frame_is_hostile(frame);
                if (in.reason == frame->in && out.reason == frame->out)
                        continue;
                wrong++;
                g_test_message("%s: in %s, out %s", frame->name, bw_reason_name(in.reason),
                               bw_reason_name(out.reason));
        }
        g_test_message("evaluator: %u hostile, %u legal, %u verdicts, %u wrong", hostile,
                       frames->len - hostile, 2 * frames->len, wrong);
        g_assert_cmpuint(wrong, ==, 0);
}

/* The engines */

static const char *engines_name(unsigned engines) {
        return engines == IPTABLES ? "iptables" : engines == NFTABLES ? "nftables" : "both";
}

static void tell(const BwTrialResult *result, unsigned engines, const char *where) {
        g_test_message("%s, %s: %u hostile, %u legal, %u verdicts, %u wrong; not asked of %u "
                       "frames, %u not carried by any bridge",
                       engines_name(engines), where, result->hostile, result->legal,
                       result->verdicts, result->wrong, result->unseen, result->uncarried);
        for (guint i = 0; i < result->complaints->len; i++)
                g_test_message("WRONG %s", (char *) result->complaints->pdata[i]);
}

static void run(BwTrial *trial, unsigned engines, bool unguarded, BwTrialResult *ret) {
        g_autoptr(GError) error = NULL;

        bw_trial_run(trial, engines, unguarded, ret, &error);
        g_assert_no_error(error);
}

/* With nobody on guard, each verdict that denies must be found wrong, or it would prove nothing. */
static void prove(BwTrial *trial, unsigned engines) {
        g_auto(BwTrialResult) result = {};

        run(trial, engines, true, &result);
        g_assert_cmpuint(result.wrong, >, 0);
        g_assert_cmpuint(result.wrong, ==, result.verdicts - result.rows[BW_REASON_NONE].verdicts);
        g_assert_cmpuint(result.rows[BW_REASON_NONE].wrong, ==, 0);
}

/* How many different hostile frames each must have been asked of. */
static unsigned least_hostile(unsigned engines) {
        return engines & NFTABLES ? 500 : 150;
}

static unsigned count_legal(const BwTrial *trial) {
        const GPtrArray *frames = bw_trial_frames(trial);
        unsigned legal = 0;

        for (guint i = 0; i < frames->len; i++)
                legal += !bw_corpus_frame_is_hostile(frames->pdata[i]);
        return legal;
}

/* One bridge alone has no border. */
static bool is_met(const BwTrial *trial, BwReason reason) {
        bool border = reason == BW_REASON_BORDER_SPOOF || reason == BW_REASON_BORDER_MISDELIVERED;

        return !border || bw_stage_bridges(bw_trial_stage(trial))[1];
}

static void judge(BwTrial *trial, unsigned engines, const char *where) {
        g_auto(BwTrialResult) result = {};

        prove(trial, engines);
        run(trial, engines, false, &result);
        tell(&result, engines, where);
        g_assert_cmpuint(result.wrong, ==, 0);
        g_assert_cmpuint(result.hostile, >=, least_hostile(engines));
        /* None is lost on the way to the judge, either. */
        g_assert_cmpuint(result.legal, ==, count_legal(trial));
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                if (is_met(trial, reason) &&
                    (engines & NFTABLES || bw_engine_carries(BW_ENGINE_IPTABLES, reason)))
                        if (result.rows[reason].judged == 0)
                                g_error("no frame was judged by %s", bw_reason_name(reason));
}

static void judge_by_all(BwTrial *trial, const char *where) {
        judge(trial, NFTABLES, where);
        if (!bw_contract_has_iptables(trial))
                return;
        judge(trial, IPTABLES, where);
        judge(trial, BW_ENGINE_ALL, where);
}

static void judge_all(BwStageEnds ends, bool learning, const char *where) {
        g_autoptr(BwTrial) trial = bw_contract_trial_new_joined(ends, "");
        g_autoptr(GError) error = NULL;

        bw_trial_set_learning(trial, learning, &error);
        g_assert_no_error(error);
        judge_by_all(trial, where);
}

/* Rules that know of no border at all. */
static void test_one_bridge(void) {
        g_autoptr(BwTrial) trial = bw_contract_trial_new(BW_STAGE_VETH, "");

        judge_by_all(trial, "one bridge");
}

static void test_veth(void) {
        judge_all(BW_STAGE_VETH, false, "veth, hub");
}

static void test_veth_learning(void) {
        judge_all(BW_STAGE_VETH, true, "veth, learning");
}

/* For an ordinary user in a namespace of his own, this device may be out of reach. */
static bool has_taps(void) {
        if (access("/dev/net/tun", R_OK | W_OK) == 0)
                return true;
        g_test_skip("/dev/net/tun cannot be opened, so there are no taps");
        return false;
}

static void test_tap(void) {
        if (has_taps())
                judge_all(BW_STAGE_TAP, false, "tap, hub");
}

static void test_tap_learning(void) {
        if (has_taps())
                judge_all(BW_STAGE_TAP, true, "tap, learning");
}

/* Variations: bytes changed and frames cut, always the same ones, or others by BW_SEED=NUMBER. What
 * the evaluator makes of each is the word; a disagreement belongs into the corpus. The length of an
 * IPv6 packet is left to the corpus: rules cannot add up headers, so they read a message in the
 * padding behind a packet's end, where no host looks for one. */

#define VARIATIONS 6

static bool is_length_of_ipv6(const GByteArray *bytes, unsigned at) {
        return bytes->data[12] == 0x86 && bytes->data[13] == 0xdd && (at == 18 || at == 19);
}

static BwCorpusFrame *vary(const BwTrial *trial, GRand *rand, const BwCorpusFrame *frame,
                           unsigned number) {
        GByteArray *bytes = g_byte_array_new();
        const int addresses = 12, header = 14;
        BwCorpusFrame *varied;
        unsigned at;

        g_byte_array_append(bytes, frame->bytes->data, frame->bytes->len);
        at = (unsigned) g_rand_int_range(rand, addresses, (int) bytes->len);
        if (number == 1) /* among the first headers, where most is said */
                at = addresses + at % MIN(60, bytes->len - addresses);
        if (is_length_of_ipv6(bytes, at))
                at += 2;
        if (number == 0)
                g_byte_array_set_size(bytes, MAX(at, (unsigned) header));
        else if (number == 1)
                bytes->data[at] = (uint8_t) g_rand_int(rand);
        else
                bytes->data[at] ^= (uint8_t) (1u << g_rand_int_range(rand, 0, 8));
        varied = bw_corpus_frame_new(g_strdup_printf("%s/varied-%u-at-%u", frame->name, number, at),
                                     frame->from, frame->to, bytes);
        varied->in = bw_trial_verdict(trial, frame->from, BW_DIRECTION_IN, bytes).reason;
        varied->out = bw_trial_verdict(trial, frame->to, BW_DIRECTION_OUT, bytes).reason;
        return varied;
}

static void judge_variations(BwTrial *trial, unsigned engines) {
        g_auto(BwTrialResult) result = {};

        run(trial, engines, false, &result);
        tell(&result, engines, "variations");
        g_assert_cmpuint(result.wrong, ==, 0);
        g_assert_cmpuint(result.hostile, >, 1000);
        g_assert_cmpuint(result.legal, >, 100);
}

static void test_variations(void) {
        g_autoptr(BwTrial) trial = bw_contract_trial_new_joined(BW_STAGE_VETH, "");
        const GPtrArray *frames = bw_trial_frames(trial);
        const char *seed = g_getenv("BW_SEED");
        g_autoptr(GRand) rand =
                g_rand_new_with_seed(seed ? (guint32) g_ascii_strtoull(seed, NULL, 10) : 2507);
        GPtrArray *varied = g_ptr_array_new_with_free_func((GDestroyNotify) bw_corpus_frame_free);

        for (guint i = 0; i < frames->len; i++)
                for (unsigned number = 0; number < VARIATIONS; number++)
                        g_ptr_array_add(varied, vary(trial, rand, frames->pdata[i], number));
        bw_trial_set_frames(trial, varied);
        judge_variations(trial, NFTABLES);
        if (!bw_contract_has_iptables(trial))
                return;
        judge_variations(trial, IPTABLES);
        judge_variations(trial, BW_ENGINE_ALL);
}

/* Reasons: for each frame, the very counters that the evaluator's words move, and no other. */

typedef struct Tally {
        const BwStage *stage;
        uint64_t counts[BW_STAGE_PORTS][2][BW_REASON_MAX];
} Tally;

static void tally_one(const char *port, BwDirection direction, BwReason reason, BwNftCount count,
                      gpointer user) {
        Tally *the = user;

        for (unsigned i = 0; i < BW_STAGE_PORTS; i++)
                if (g_str_equal(port, bw_stage_port_name(the->stage, i)))
                        the->counts[i][direction][reason] += count.packets;
}

static Tally tally(const BwTrial *trial) {
        Tally the = { .stage = bw_trial_stage(trial) };
        g_autoptr(GError) error = NULL;
        g_autoptr(BwNftListing) listing = bw_nftables_read(bw_trial_nftables(trial), &error);

        g_assert_no_error(error);
        bw_nft_count_ports(listing, tally_one, &the);
        return the;
}

/* Returns whether it goes on. */
static bool expect_at(const BwTrial *trial, BwTrialStep step, const GByteArray *bytes, Tally *the) {
        BwVerdict verdict = bw_trial_verdict(trial, step.port, step.direction, bytes);

        the->counts[step.port][step.direction][verdict.reason] += verdict.reason != BW_REASON_NONE;
        return !verdict.drops;
}

static bool is_end_of_link(unsigned port) {
        return port == BW_WHO_LINK || port == BW_WHO_LINK_BEYOND;
}

/* On a hub a frame comes to all ports of its bridge, and by the link to all of the other. */
static void expect_on_bridge(const BwTrial *trial, unsigned from, const GByteArray *bytes,
                             unsigned bare, Tally *the) {
        const BwStage *stage = bw_trial_stage(trial);
        const char *bridge = bw_stage_bridge_of(stage, from);

        if (!expect_at(trial, (BwTrialStep){ from, BW_DIRECTION_IN }, bytes, the))
                return;
        for (unsigned to = 0; to < BW_STAGE_PORTS; to++)
                if (bare & 1u << to && bw_stage_bridge_of(stage, to) == bridge)
                        expect_at(trial, (BwTrialStep){ to, BW_DIRECTION_OUT }, bytes, the);
        for (unsigned to = 0; to < BW_STAGE_PORTS; to++) {
                unsigned other = to == BW_WHO_LINK ? BW_WHO_LINK_BEYOND : BW_WHO_LINK;

                if (is_end_of_link(to) && to != from && bw_stage_bridge_of(stage, to) == bridge &&
                    expect_at(trial, (BwTrialStep){ to, BW_DIRECTION_OUT }, bytes, the))
                        expect_on_bridge(trial, other, bytes, bare, the);
        }
}

static void expect(const BwTrial *trial, const BwCorpusFrame *frame, unsigned from, unsigned bare,
                   Tally *the) {
        expect_on_bridge(trial, from, frame->bytes, bare, the);
}

/* Some frames at a time: to read the table is what costs. */
typedef struct Batch {
        unsigned first, n; /* shots: two a frame, as in a trial */
} Batch;

#define BATCH 16

static bool tally_equal(const char *name, const Tally *wanted, const Tally *found) {
        bool good = true;

        for (unsigned i = 0; i < BW_STAGE_PORTS; i++)
                for (unsigned k = 0; k < 2 * BW_REASON_MAX; k++) {
                        const uint64_t *want = wanted->counts[i][0], *have = found->counts[i][0];

                        if (want[k] == have[k])
                                continue;
                        good = false;
                        g_test_message("WRONG from %s on: %s %s %s counted %d times too often",
                                       name, bw_stage_port_name(wanted->stage, i),
                                       bw_direction_name(k / BW_REASON_MAX),
                                       bw_reason_name(k % BW_REASON_MAX),
                                       (int) (have[k] - want[k]));
                }
        return good;
}

/* Whether the counters have moved as the evaluator's words for these frames say. */
static bool check_batch(BwTrial *trial, const unsigned *bare, Batch batch, Tally *now) {
        const GPtrArray *frames = bw_trial_frames(trial);
        const BwCorpusFrame *frame = NULL;
        Tally wanted = *now;

        for (unsigned i = batch.first + batch.n; i-- > batch.first;) {
                frame = frames->pdata[i / 2];
                if (!bare[i])
                        continue;
                expect(trial, frame, bw_trial_shooter(frame, i % BW_TRIAL_SHOTS), bare[i], &wanted);
                bw_contract_fire(trial, bw_trial_shooter(frame, i % BW_TRIAL_SHOTS), frame->bytes);
        }
        *now = tally(trial);
        return tally_equal(frame->name, &wanted, now);
}

static void test_reasons(void) {
        g_autoptr(BwTrial) trial = bw_contract_trial_new_joined(BW_STAGE_VETH, "");
        const GPtrArray *frames = bw_trial_frames(trial);
        unsigned n = 2 * frames->len, judged = 0, wrong = 0;
        g_autofree unsigned *bare = g_new(unsigned, n);
        Tally now;

        for (unsigned i = 0; i < n; i++) {
                const BwCorpusFrame *frame = frames->pdata[i / 2];

                bare[i] = bw_contract_fire(trial, bw_trial_shooter(frame, i % BW_TRIAL_SHOTS),
                                           frame->bytes);
                judged += bare[i] != 0;
        }
        bw_contract_arm(trial, NFTABLES);
        now = tally(trial);
        for (unsigned i = 0; i < n; i += BATCH)
                wrong += !check_batch(trial, bare, (Batch){ i, MIN(BATCH, n - i) }, &now);
        g_test_message("%u frames sent; of batches of %u, %u counted otherwise than the evaluator "
                       "says",
                       judged, BATCH, wrong);
        g_assert_cmpuint(judged, >, 1300);
        g_assert_cmpuint(wrong, ==, 0);
}

/* Modes: told of, counted, and let through. */

static void count_rule(const BwIptChain *chain G_GNUC_UNUSED, const BwIptRule *rule G_GNUC_UNUSED,
                       uint64_t packets, uint64_t bytes G_GNUC_UNUSED, gpointer user) {
        *(uint64_t *) user += packets;
}

static uint64_t count_iptables(const BwTrial *trial) {
        uint64_t sum = 0;

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) chains = bw_ipt_compile(bw_trial_plan(trial), table);
                g_autoptr(GError) error = NULL;

                bw_iptables_count(table, chains, count_rule, &sum, &error);
                g_assert_no_error(error);
        }
        return sum;
}

static uint64_t count_nftables(const BwTrial *trial) {
        Tally the = tally(trial);
        uint64_t sum = 0;

        for (unsigned i = 0; i < BW_STAGE_PORTS; i++)
                for (unsigned d = 0; d < 2; d++)
                        for (BwReason r = BW_REASON_UNBOUND; r < BW_REASON_MAX; r++)
                                sum += the.counts[i][d][r];
        return sum;
}

static void test_monitor(void) {
        g_autoptr(BwTrial) trial = bw_contract_trial_new_joined(
                BW_STAGE_VETH, "[Guard]\nMode=monitor\nUnknownPorts=monitor\n");
        const GPtrArray *frames = bw_trial_frames(trial);
        bool iptables = bw_contract_has_iptables(trial);
        unsigned engines = iptables ? BW_ENGINE_ALL : NFTABLES;
        g_auto(BwTrialResult) result = {};

        run(trial, engines, false, &result);
        tell(&result, engines, "monitored");
        g_assert_cmpuint(result.wrong, ==, 0);
        g_assert_cmpuint(result.verdicts, ==, result.rows[BW_REASON_NONE].verdicts);
        g_assert_cmpuint(result.rows[BW_REASON_NONE].judged, >, 600);

        bw_contract_arm(trial, engines);
        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];

                bw_contract_fire(trial, bw_trial_shooter(frame, 0), frame->bytes);
        }
        g_assert_cmpuint(count_nftables(trial), >, 1000);
        if (iptables)
                g_assert_cmpuint(count_iptables(trial), >, 150);
}

/* A compiler with a fault in it, linked in place of the right one: the rules must load, and the
 * suite must find that they are wrong. */
static int catch (const char *name) {
        unsigned engines = g_str_equal(name, "iptables") ? IPTABLES : NFTABLES;
        g_autoptr(BwTrial) trial = bw_contract_trial_new_joined(BW_STAGE_VETH, "");
        g_auto(BwTrialResult) result = {};

        run(trial, engines, false, &result);
        if (result.wrong == 0) {
                g_print("not caught: %u verdicts, all as they should be\n", result.verdicts);
                return 1;
        }
        g_print("caught by %u verdicts; %s\n", result.wrong, (char *) result.complaints->pdata[0]);
        return 0;
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        if (argc == 3 && g_str_equal(argv[1], "--caught"))
                return catch (argv[2]);
        g_test_add_func("/contract/evaluator", test_evaluator);
        g_test_add_func("/contract/one-bridge", test_one_bridge);
        g_test_add_func("/contract/veth", test_veth);
        g_test_add_func("/contract/veth-learning", test_veth_learning);
        g_test_add_func("/contract/tap", test_tap);
        g_test_add_func("/contract/tap-learning", test_tap_learning);
        g_test_add_func("/contract/variations", test_variations);
        g_test_add_func("/contract/reasons", test_reasons);
        g_test_add_func("/contract/monitor", test_monitor);
        g_test_add_func("/contract/fdb", bw_contract_test_fdb);
        g_test_add_func("/contract/lldp", bw_contract_test_lldp);
        g_test_add_func("/contract/reply", bw_contract_test_reply);
        g_test_add_func("/contract/victim", bw_contract_test_victim);
        g_test_add_func("/contract/host-input", bw_contract_test_host_input);
        g_test_add_func("/contract/host-output", bw_contract_test_host_output);
        if (bw_contract_kernel_filters_vlans())
                g_test_add_func("/contract/vlan", bw_contract_test_vlan);
        else
                g_test_message("bridges of this kernel do not filter VLANs: none to guard");
        return g_test_run();
}
