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
#include <net/if.h>
#include <netinet/in.h>
#include <nftables.h>
#include <rehearsal.h>
#include <stage.h>
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
        bw_stage_number_ports(written);
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

/* Clients of DHCP: rules know ports by numbers, and on the stage each port has another one. */

static void add_rule(BwIptChain *chain, BwIptTarget target, const BwIptClient *clients, gsize n) {
        BwIptRule rule = { .dhcp = BW_IPT_DHCP_REPLY, .target = target };

        for (gsize i = 0; i < n; i++)
                rule.clients[i] = clients[i];
        g_array_append_val(chain->rules, rule);
}

/* The attacker is a client at his port; the victim at ports of the host's that are not on the stage
 * and have numbers as they are given there: nobody there may be taken for them. */
static void write_clients(void) {
        const BwStation *attacker = &scene.stations[BW_WHO_ATTACKER];
        const BwMac *victim = &scene.stations[BW_WHO_VICTIM].mac;
        g_autoptr(GPtrArray) chains =
                g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_unref);
        BwIptChain *root = bw_ipt_chain_new(bw_ipt_table_root(BW_IPT_MANGLE));
        g_autoptr(GError) error = NULL;
        BwIptClient clients[BW_IPT_CLIENT_MAX];
        BwIptReport report;

        g_ptr_array_add(chains, root);
        for (int i = 1; i <= 64; i++) {
                clients[(i - 1) % BW_IPT_CLIENT_MAX] = (BwIptClient){ i, *victim };
                if (i % BW_IPT_CLIENT_MAX == 0)
                        add_rule(root, BW_IPT_RETURN, clients, BW_IPT_CLIENT_MAX);
        }
        clients[1] = (BwIptClient){ (int) if_nametoindex(attacker->port), attacker->mac };
        add_rule(root, BW_IPT_RETURN, clients, 2);
        add_rule(root, BW_IPT_DROP, NULL, 0);
        bw_iptables_sync(BW_IPT_RAW, NULL, BW_IPT_LOCK_SKIPPED, &report, &error);
        g_assert_no_error(error);
        bw_iptables_sync(BW_IPT_MANGLE, chains, BW_IPT_LOCK_SKIPPED, &report, &error);
        g_assert_no_error(error);
}

/* To an address and a MAC that nobody has. */
static void add_reply(BwRehearsal *rehearsal, BwWho client) {
        const BwExpected expected[] = {
                { .port = scene.stations[BW_WHO_ATTACKER].port, .direction = BW_DIRECTION_OUT },
                { .port = scene.stations[BW_WHO_VICTIM].port, .direction = BW_DIRECTION_OUT }
        };
        const BwStation *stations = scene.stations;
        BwPacketIp ip = { .source = stations[BW_WHO_GATEWAY].ipv4,
                          .destination = stations[BW_WHO_NOBODY].ipv4,
                          .protocol = IPPROTO_UDP };
        GByteArray *bytes = bw_packet_bootp(2, stations[client].mac);
        g_autoptr(GByteArray) frame = NULL;
        g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(BwExpected));

        bytes = bw_packet_ip(&ip, bw_packet_seal(&ip, bw_packet_udp(67, 68, bytes)));
        frame = bw_packet_ethernet(stations[BW_WHO_NOBODY].mac, stations[BW_WHO_GATEWAY].mac,
                                   0x0800, bytes);
        g_array_append_vals(list, expected, G_N_ELEMENTS(expected));
        bw_rehearsal_add(rehearsal, frame->data, frame->len, list);
}

static void rehearse_clients(void) {
        const char *attacker = scene.stations[BW_WHO_ATTACKER].port;
        const BwOutcome *outcome;
        g_autoptr(BwRehearsal) rehearsal = NULL;
        g_autoptr(GError) error = NULL;

        rehearsal = bw_rehearsal_new(scene.bridge, scene.stations[BW_WHO_GATEWAY].port,
                                     BW_ENGINE_BIT(BW_ENGINE_IPTABLES), "", &error);
        g_assert_no_error(error);
        add_reply(rehearsal, BW_WHO_ATTACKER);
        add_reply(rehearsal, BW_WHO_VICTIM);
        bw_rehearsal_run(rehearsal, &error);
        g_assert_no_error(error);
        outcome = bw_rehearsal_outcome(rehearsal, 0, BW_ENGINE_IPTABLES);
        g_assert_cmpint(outcome->kind, ==, BW_OUTCOME_PARTED);
        g_assert_cmpuint(outcome->reached->len, ==, 1);
        g_assert_cmpstr(outcome->reached->pdata[0], ==, attacker);
        outcome = bw_rehearsal_outcome(rehearsal, 1, BW_ENGINE_IPTABLES);
        g_assert_cmpint(outcome->kind, ==, BW_OUTCOME_DROPPED);
}

static void test_clients(void) {
        int status;
        pid_t pid;

        write_clients();
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                rehearse_clients();
                _exit(0);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
        write_rules();
}

static void test_skipped(void) {
        g_test_skip("no namespaces for this user");
}

/* Of what kind they are, nobody asks; no stage gives such numbers. */
static void make_links(void) {
        for (unsigned who = 0; who < BW_WHO_MAX; who++)
                if (bw_scene_has(&scene, who))
                        bw_test_run("ip link add name %s index %u type bridge",
                                    scene.stations[who].port, 5000 + who);
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
        make_links();
        plan = written = bw_scene_plan_new(&scene, none, NULL);
        bw_stage_number_ports(plan);
        bw_test_run(
                "for b in %s %s; do"
                "  ip link add name $b type bridge nf_call_iptables 1 nf_call_ip6tables 1; done",
                scene.bridge, scene.far_bridge);
        write_rules();
        g_test_add_func("/rehearsal/corpus", test_corpus);
        g_test_add_func("/rehearsal/host", test_host);
        g_test_add_func("/rehearsal/other-rules", test_other_rules);
        g_test_add_func("/rehearsal/no-rules", test_no_rules);
        g_test_add_func("/rehearsal/clients", test_clients);
        status = g_test_run();
        bw_plan_free(plan);
        return status;
}
