/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A bridge that filters VLANs tags frames inside: before it asks who may receive them, they are
 * what the receiving port will get, with a tag at a trunk and without one at an access port. The
 * guard must say of each what it says of the same frame on a plain bridge.
 */

#include "contract.h"

#include <bw/frame.h>
#include <command.h>
#include <string.h>

/* Shots a frame: from whoever sends it, from the witness, and from the witness with a tag, as an
 * uplink that is a trunk has it. */
typedef enum Shot {
        AS_WRITTEN,
        BY_WITNESS,
        BY_TRUNK,
        N_SHOTS,
} Shot;

typedef struct Lane {
        BwTrial *trial;
        unsigned trunks; /* 1 << port: gets its VLAN with the tag */
        bool armed;
        unsigned judged, tagged, wrong;
} Lane;

#define VLAN 7

static GByteArray *copy(const GByteArray *frame, bool tag) {
        static const uint8_t bytes[] = { 0x81, 0, 0, VLAN };
        const guint macs = 12;
        GByteArray *result = g_byte_array_new();

        g_byte_array_append(result, frame->data, MIN(frame->len, macs));
        if (tag)
                g_byte_array_append(result, bytes, sizeof(bytes));
        if (frame->len > macs)
                g_byte_array_append(result, frame->data + macs, frame->len - macs);
        return result;
}

/* Those with a tag of their own say nothing of what the bridge does. */
static bool is_plain(const BwCorpusFrame *frame) {
        return frame->bytes->len >= 14 &&
               !bw_frame_is_tag(bw_frame_decode(frame->bytes->data, frame->bytes->len).ethertype);
}

/* All in one VLAN, untagged frames too. */
static Lane lane_new(BwStageEnds ends, unsigned trunks) {
        Lane the = { .trial = bw_contract_trial_new(ends, ""), .trunks = trunks };
        const BwStage *stage = bw_trial_stage(the.trial);

        bw_test_run("ip link set %s type bridge vlan_filtering 1 vlan_default_pvid 0",
                    bw_stage_bridge(stage));
        for (unsigned port = 0; port < BW_STAGE_PORTS; port++)
                if (*bw_stage_port_name(stage, port))
                        bw_test_run("bridge vlan add dev %s vid %u pvid %s",
                                    bw_stage_port_name(stage, port), VLAN,
                                    trunks & 1u << port ? "" : "untagged");
        return the;
}

static unsigned shoot(const Lane *the, const BwCorpusFrame *frame, Shot shot) {
        g_autoptr(GByteArray) bytes = copy(frame->bytes, shot == BY_TRUNK);

        return bw_contract_fire(the->trial, shot == AS_WRITTEN ? frame->from : BW_STAGE_WITNESS,
                                bytes);
}

static bool is_denied(const Lane *the, unsigned from, unsigned to, const BwCorpusFrame *frame) {
        bool tag = the->trunks & 1u << to;
        g_autoptr(GByteArray) received = copy(frame->bytes, tag);

        return bw_trial_verdict(the->trial, from, BW_DIRECTION_IN, frame->bytes).drops ||
               bw_trial_verdict(the->trial, to, BW_DIRECTION_OUT, received).drops;
}

static void judge(Lane *the, const BwCorpusFrame *frame, Shot shot, unsigned bare) {
        unsigned from = shot == AS_WRITTEN ? (unsigned) frame->from : BW_STAGE_WITNESS;
        unsigned guarded = shoot(the, frame, shot);

        for (unsigned to = 0; to < BW_STAGE_PORTS; to++) {
                bool arrived = guarded & 1u << to;

                if (!(bare & 1u << to))
                        continue;
                the->judged++;
                the->tagged += (the->trunks & 1u << to) != 0;
                if (arrived != is_denied(the, from, to, frame))
                        continue;
                if (the->wrong++ > 20 || !the->armed)
                        continue;
                g_test_message("%s, shot %d, %s at %s", frame->name, shot,
                               arrived ? "arrived" : "did not arrive",
                               bw_stage_port_name(bw_trial_stage(the->trial), to));
        }
}

static void judge_all(Lane *the, const unsigned *bare) {
        const GPtrArray *frames = bw_trial_frames(the->trial);

        the->judged = the->tagged = the->wrong = 0;
        for (guint i = 0; i < frames->len; i++)
                for (Shot shot = AS_WRITTEN; shot < N_SHOTS; shot++)
                        if (bare[N_SHOTS * i + shot])
                                judge(the, frames->pdata[i], shot, bare[N_SHOTS * i + shot]);
}

/* (transfer full): where each shot arrives with nobody on guard. */
static unsigned *shoot_bare(const Lane *the) {
        const GPtrArray *frames = bw_trial_frames(the->trial);
        unsigned *bare = g_new0(unsigned, N_SHOTS * frames->len);

        for (guint i = 0; i < frames->len; i++)
                for (Shot shot = AS_WRITTEN; shot < N_SHOTS; shot++)
                        if (is_plain(frames->pdata[i]))
                                bare[N_SHOTS * i + shot] = shoot(the, frames->pdata[i], shot);
        return bare;
}

static void check(BwStageEnds ends, unsigned trunks, const char *what) {
        Lane the = lane_new(ends, trunks);
        g_autofree unsigned *bare = shoot_bare(&the);

        judge_all(&the, bare);
        g_assert_cmpuint(the.wrong, >, 1000);
        bw_contract_arm(the.trial, NFTABLES);
        the.armed = true;
        judge_all(&the, bare);
        g_test_message("%s: %u verdicts, %u of them behind the bridge's tag, %u wrong", what,
                       the.judged, the.tagged, the.wrong);
        g_assert_cmpuint(the.wrong, ==, 0);
        g_assert_cmpuint(the.judged, >, 4000);
        g_assert_cmpint(the.tagged > 1000, ==, trunks != 0);
        bw_trial_free(the.trial);
}

#define ALL_PORTS  (~0u)
#define SOME_PORTS (1u << BW_WHO_VICTIM | 1u << BW_STAGE_WITNESS)

bool bw_contract_kernel_filters_vlans(void) {
        g_autofree char *answer =
                bw_test_output("ip link add vlans type bridge vlan_filtering 1"
                               " >/dev/null 2>&1 && ip link del vlans && echo yes;"
                               "true");

        return g_str_has_prefix(answer, "yes");
}

void bw_contract_test_vlan(void) {
        check(BW_STAGE_VETH, 0, "veth, access ports");
        check(BW_STAGE_VETH, SOME_PORTS, "veth, victim and uplink are trunks");
        check(BW_STAGE_TAP, ALL_PORTS, "tap, all are trunks");
}
