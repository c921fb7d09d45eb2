/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The bridge's forwarding table before and after: a frame that falls has taught the bridge nothing.
 */

#include "contract.h"

#include <command.h>
#include <net/if.h>
#include <string.h>

typedef struct Theft {
        BwTrial *trial;
        BwStation attacker, victim;
        unsigned tried, moved;
} Theft;

static Theft theft_new(void) {
        BwScene scene = bw_scene_new();
        Theft the = { .trial = bw_contract_trial_new(BW_STAGE_VETH, ""),
                      .attacker = scene.stations[BW_WHO_ATTACKER],
                      .victim = scene.stations[BW_WHO_VICTIM] };
        g_autoptr(GError) error = NULL;

        bw_trial_set_learning(the.trial, true, &error);
        g_assert_no_error(error);
        return the;
}

static int find(const Theft *the) {
        BwStage *stage = bw_trial_stage(the->trial);
        g_autoptr(GError) error = NULL;
        int port;

        bw_stage_link_find_mac(bw_stage_links(stage), bw_stage_bridge(stage), &the->victim.mac,
                               &port, &error);
        g_assert_no_error(error);
        return port;
}

/* Whether the entry of the victim went to the attacker's port by the frame. */
static bool is_stolen_by(Theft *the, const GByteArray *frame) {
        bw_contract_fire(the->trial, BW_WHO_ATTACKER, frame);
        if (find(the) == (int) if_nametoindex(the->victim.port))
                return false;
        g_assert_cmpint(find(the), ==, (int) if_nametoindex(the->attacker.port));
        return true;
}

/* With the victim's MAC as its source, whatever else is wrong with it. */
static GByteArray *as_victim(const Theft *the, const BwCorpusFrame *frame) {
        GByteArray *bytes = g_byte_array_new();

        g_byte_array_append(bytes, frame->bytes->data, frame->bytes->len);
        memcpy(bytes->data + 6, the->victim.mac.octet, 6);
        return bytes;
}

static bool is_hostile_in(const BwCorpusFrame *frame) {
        return frame->from == BW_WHO_ATTACKER && frame->in != BW_REASON_NONE;
}

/* (element-type GBytes): those that steal the entry when nobody is on guard. */
static GPtrArray *list_thieves(Theft *the) {
        const GPtrArray *frames = bw_trial_frames(the->trial);
        GPtrArray *thieves = g_ptr_array_new();

        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];
                g_autoptr(GByteArray) bytes = as_victim(the, frame);

                if (is_hostile_in(frame) && is_stolen_by(the, bytes))
                        g_ptr_array_add(thieves, (gpointer) frame);
        }
        return thieves;
}

/* @must_hold: only the frames that one of @engines denies for what is wrong with them beside the
 * source MAC; else only the others. */
static void try_thieves(Theft *the, const GPtrArray *thieves, unsigned engines, bool must_hold) {
        the->tried = the->moved = 0;
        for (guint i = 0; i < thieves->len; i++) {
                const BwCorpusFrame *frame = thieves->pdata[i];
                BwVerdict verdict = bw_trial_verdict(the->trial, BW_WHO_ATTACKER, BW_DIRECTION_IN,
                                                     frame->bytes);
                g_autoptr(GByteArray) bytes = as_victim(the, frame);

                if ((bw_trial_seen_by(engines, &verdict, frame->bytes) != 0) != must_hold)
                        continue;
                the->tried++;
                if (!is_stolen_by(the, bytes))
                        continue;
                the->moved++;
                if (must_hold)
                        g_test_message("%s moved the victim's entry", frame->name);
        }
}

void bw_contract_test_fdb(void) {
        Theft the = theft_new();
        g_autoptr(GPtrArray) thieves = list_thieves(&the);

        g_assert_cmpuint(thieves->len, >, 400);
        bw_contract_arm(the.trial, NFTABLES);
        try_thieves(&the, thieves, NFTABLES, true);
        g_test_message("nftables: %u frames, %u entries moved", the.tried, the.moved);
        g_assert_cmpuint(the.tried, ==, thieves->len);
        g_assert_cmpuint(the.moved, ==, 0);

        if (bw_contract_has_iptables(the.trial)) {
                bw_contract_arm(the.trial, IPTABLES);
                try_thieves(&the, thieves, IPTABLES, true);
                g_test_message("iptables alone: %u frames it denies, %u entries moved", the.tried,
                               the.moved);
                g_assert_cmpuint(the.tried, >, 80);
                g_assert_cmpuint(the.moved, ==, 0);
                /* What it does not promise, and why the other engine is there. */
                try_thieves(&the, thieves, IPTABLES, false);
                g_test_message("iptables alone: %u frames it cannot see, %u entries moved",
                               the.tried, the.moved);
                g_assert_cmpuint(the.moved, >, 100);
        }
        bw_trial_free(the.trial);
}

/* LLDP's group goes past every hook of the bridge family, and its source is learned: only the
 * bridge's own switch keeps an FDB entry from being stolen that way. */
void bw_contract_test_lldp(void) {
        static const uint8_t head[] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
        Theft the = theft_new();
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        const char *bridge = bw_stage_bridge(bw_trial_stage(the.trial));

        bw_contract_arm(the.trial, NFTABLES);
        g_byte_array_append(bytes, head, sizeof(head));
        g_byte_array_append(bytes, the.victim.mac.octet, 6);
        g_byte_array_append(bytes, (const uint8_t *) "\x88\xcc", 2);
        g_byte_array_set_size(bytes, 60);
        g_assert_false(is_stolen_by(&the, bytes));
        bw_test_run("ip link set %s type bridge no_linklocal_learn 0", bridge);
        g_assert_true(is_stolen_by(&the, bytes));
        bw_trial_free(the.trial);
}
