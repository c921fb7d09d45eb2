/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rules read back and tried aside: on every frame of the corpus, from every port, the kernel must
 * say what the evaluator says; and where the rules are not those of the plan, it must not.
 */

#include "command.h"
#include "netns.h"

#include <bw/corpus.h>
#include <bw/corpus_packet.h>
#include <bw/rules_text.h>
#include <iptables.h>
#include <netinet/in.h>
#include <nftables.h>
#include <rehearsal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static BwScene scene;
static BwPlan *plan, *written; /* what is explained, and what is in the kernel */

static void write_rules(void) {
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();
        g_autoptr(BwNftTable) table = bw_nft_compile(written, nowhere);
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(GError) error = NULL;
        BwNftReport report;

        bw_nftables_sync(nftables, table, &report, &error);
        g_assert_no_error(error);
        for (BwIptTable i = BW_IPT_RAW; i < BW_IPT_TABLE_MAX; i++) {
                g_autoptr(GPtrArray) chains = bw_ipt_compile(written, i);
                BwIptReport done;

                bw_iptables_sync(i, chains, BW_IPT_LOCK_SKIPPED, &done, &error);
                g_assert_no_error(error);
        }
}

static const char *bridge_of(const char *in) {
        const BwBridgePlan *bridge;

        return bw_plan_find_port(plan, in, &bridge) ? bridge->name : in;
}

/* Of the bridge the frame comes to first: what a link's other end makes of it is not rehearsed. */
static GArray *expected_of(const BwCorpusFrame *frame, const char *in) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) judgments =
                bw_explain(plan, in, "", frame->bytes->data, frame->bytes->len, &error);
        GArray *list = g_array_new(FALSE, FALSE, sizeof(BwExpected));

        g_assert_no_error(error);
        for (guint i = 0; i < judgments->len; i++) {
                const BwJudgment *judgment = &g_array_index(judgments, BwJudgment, i);
                BwExpected one = { .port = judgment->port ? judgment->port->name : "",
                                   .direction = judgment->direction,
                                   .fate = judgment->fate,
                                   .engines = judgment->engines,
                                   .has_reason = judgment->reason != BW_REASON_NONE };

                if (g_str_equal(judgment->bridge->name, bridge_of(in)))
                        g_array_append_val(list, one);
        }
        return list;
}

static BwRehearsal *rehearse(const GPtrArray *frames, const char *in) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();
        g_autofree char *text = bw_rules_text_nftables(plan, nowhere);
        BwRehearsal *rehearsal = bw_rehearsal_new(bridge_of(in), in, BW_ENGINE_ALL, text, &error);

        g_assert_no_error(error);
        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];
                g_autoptr(GArray) expected = expected_of(frame, in);

                g_assert_cmpuint(bw_rehearsal_add(rehearsal, frame->bytes->data, frame->bytes->len,
                                                  expected),
                                 ==, 0);
        }
        bw_rehearsal_run(rehearsal, &error);
        g_assert_no_error(error);
        return rehearsal;
}

typedef struct Sum {
        guint disagree[BW_ENGINE_MAX], seen[BW_ENGINE_MAX], dropped[BW_ENGINE_MAX];
} Sum;

/* How often each engine does otherwise than the plan says, over all senders. */
static Sum sum_of(const BwRehearsal *rehearsal, const GPtrArray *frames, const char *in) {
        Sum sum = {};

        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];

                for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++) {
                        const BwOutcome *outcome = bw_rehearsal_outcome(rehearsal, i, kind);

                        sum.disagree[kind] += !outcome->agrees;
                        sum.dropped[kind] += outcome->kind == BW_OUTCOME_DROPPED;
                        sum.seen[kind] += outcome->kind != BW_OUTCOME_UNSEEN &&
                                          outcome->kind != BW_OUTCOME_UNCARRIED;
                        if (!outcome->agrees)
                                g_test_message("%s from %s: %s disagrees (%d)", frame->name, in,
                                               bw_engine_name(kind), outcome->kind);
                }
        }
        return sum;
}

/* UDP too short for its ports, where the chains of a watched port ask for them: xt_udp drops it by
 * itself, though nothing of what is watched falls. */
static void add_cut_udp(GPtrArray *frames) {
        const BwStation *watched = &scene.stations[BW_WHO_WATCHED];
        const BwMac everybody = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
        BwPacketIp ip = { .protocol = IPPROTO_UDP };
        BwCorpusFrame *frame = g_new0(BwCorpusFrame, 1);

        ip.source.family = ip.destination.family = BW_FAMILY_IPV4;
        ip.source.length = ip.destination.length = 32;
        memset(ip.destination.bytes, 0xff, 4);
        frame->name = g_strdup("udp/cut");
        frame->bytes = bw_packet_ethernet(everybody, watched->mac, 0x0800,
                                          bw_packet_ip(&ip, bw_packet_filler(4)));
        g_ptr_array_add(frames, frame);
}

/* Only a raw socket sends tags as bytes of the frame; the kernel's own VLAN devices have them
 * apart. In what a raw socket sends no rule finds the address, and so lets none pass: more than is
 * planned.
 */
static void drop_tagged(GPtrArray *frames) {
        for (guint i = frames->len; i-- > 0;) {
                const GByteArray *bytes = ((const BwCorpusFrame *) frames->pdata[i])->bytes;
                guint type = bytes->len < 14 ? 0 : (guint) (bytes->data[12] << 8 | bytes->data[13]);

                if (type == 0x8100 || type == 0x88a8 || type == 0x9100)
                        g_ptr_array_remove_index(frames, i);
        }
}

/* Whoever rehearses does not come home: each sender has a process of its own. */
static Sum try_sender(const char *in) {
        g_autoptr(GPtrArray) frames = bw_corpus_new(&scene);
        int ends[2], status;
        Sum sum;
        pid_t pid;

        if (g_str_equal(in, scene.bridge))
                drop_tagged(frames);
        add_cut_udp(frames);
        g_assert_cmpint(pipe(ends), ==, 0);
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                g_autoptr(BwRehearsal) rehearsal = rehearse(frames, in);

                sum = sum_of(rehearsal, frames, in);
                _exit(write(ends[1], &sum, sizeof(sum)) == (ssize_t) sizeof(sum) ? 0 : 1);
        }
        close(ends[1]);
        g_assert_cmpint(read(ends[0], &sum, sizeof(sum)), ==, (ssize_t) sizeof(sum));
        close(ends[0]);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
        g_test_message("%s: nftables %u seen, %u dropped; iptables %u seen, %u dropped", in,
                       sum.seen[BW_ENGINE_NFTABLES], sum.dropped[BW_ENGINE_NFTABLES],
                       sum.seen[BW_ENGINE_IPTABLES], sum.dropped[BW_ENGINE_IPTABLES]);
        return sum;
}

static void test_corpus(void) {
        for (unsigned who = 0; who < BW_WHO_MAX; who++) {
                Sum sum;

                if (!bw_scene_has(&scene, who) || who == BW_WHO_STRANGER)
                        continue;
                sum = try_sender(scene.stations[who].port);
                g_assert_cmpuint(sum.disagree[BW_ENGINE_NFTABLES], ==, 0);
                g_assert_cmpuint(sum.disagree[BW_ENGINE_IPTABLES], ==, 0);
                g_assert_cmpuint(sum.seen[BW_ENGINE_NFTABLES], >, 200);
                g_assert_cmpuint(sum.seen[BW_ENGINE_IPTABLES], >, 50);
        }
}

static void test_host(void) {
        Sum sum = try_sender(scene.bridge);

        g_assert_cmpuint(sum.disagree[BW_ENGINE_NFTABLES], ==, 0);
        g_assert_cmpuint(sum.disagree[BW_ENGINE_IPTABLES], ==, 0);
        g_assert_cmpuint(sum.seen[BW_ENGINE_NFTABLES], >, 200);
        g_assert_cmpuint(sum.seen[BW_ENGINE_IPTABLES], ==, 0);
}

/* In the kernel all ports are only watched. */
static void test_other_rules(void) {
        const char *attacker = scene.stations[BW_WHO_ATTACKER].port;
        static const char *const none[] = { NULL };
        Sum sum;

        written = bw_scene_plan_new(&scene, none, "[Guard]\nMode=monitor\n");
        write_rules();
        sum = try_sender(attacker);
        g_assert_cmpuint(sum.disagree[BW_ENGINE_NFTABLES], >, 100);
        g_assert_cmpuint(sum.disagree[BW_ENGINE_IPTABLES], >, 20);
        bw_plan_free(written);
        written = plan;
        write_rules();
}

/* A table that is gone lets all pass, and is told of. */
static void test_no_rules(void) {
        const char *attacker = scene.stations[BW_WHO_ATTACKER].port;
        Sum sum;

        bw_test_run("nft delete table bridge bridgewarden; iptables-legacy -t raw -F PREROUTING");
        sum = try_sender(attacker);
        g_assert_cmpuint(sum.disagree[BW_ENGINE_NFTABLES], >, 200);
        g_assert_cmpuint(sum.disagree[BW_ENGINE_IPTABLES], >, 50);
        write_rules();
}

static void test_skipped(void) {
        g_test_skip("no namespaces for this user");
}

int main(int argc, char **argv) {
        static const char *const none[] = { NULL };
        bool own_world = bw_test_enter_netns();
        int status;

        g_test_init(&argc, &argv, NULL);
        if (!own_world) {
                g_test_add_func("/rehearsal", test_skipped);
                return g_test_run();
        }
        scene = bw_scene_new_joined();
        plan = written = bw_scene_plan_new(&scene, none, NULL);
        bw_test_run(
                "for b in %s %s; do"
                "  ip link add name $b type bridge nf_call_iptables 1 nf_call_ip6tables 1; done",
                scene.bridge, scene.far_bridge);
        write_rules();
        g_test_add_func("/rehearsal/corpus", test_corpus);
        g_test_add_func("/rehearsal/host", test_host);
        g_test_add_func("/rehearsal/other-rules", test_other_rules);
        g_test_add_func("/rehearsal/no-rules", test_no_rules);
        status = g_test_run();
        bw_plan_free(plan);
        return status;
}
