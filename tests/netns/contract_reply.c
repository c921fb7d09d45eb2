/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which replies of DHCP the kernel's own program lets through, and by which port: in the hook
 * FORWARD the device of a bridged packet must be the port it leaves by, and the program must find
 * the client in real frames.
 */

#include "contract.h"

#include <bw/corpus_packet.h>
#include <iptables.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#define ATTACKER (1u << BW_WHO_ATTACKER)
#define VICTIM   (1u << BW_WHO_VICTIM)
#define WHOLE    300

/* From the witness, whom nobody checks, to an address and a MAC that nobody has: the bridge floods
 * it. */
typedef struct Reply {
        uint8_t operation;
        BwMac client;
        uint16_t fragment;
        unsigned options; /* words */
        guint length;     /* of the message */
} Reply;

static const BwMac second = { { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } };

static GByteArray *frame_of(const Reply *reply) {
        const BwMac nobody = { { 0x52, 0x54, 0, 0xee, 0, 1 } }, server = { { 2, 0, 0, 0, 0, 9 } };
        BwPacketIp ip = { .source = { BW_FAMILY_IPV4, 32, { 192, 0, 2, 1 } },
                          .destination = { BW_FAMILY_IPV4, 32, { 192, 0, 2, 99 } },
                          .protocol = IPPROTO_UDP,
                          .fragment = reply->fragment,
                          .options = reply->options };
        GByteArray *bytes = bw_packet_bootp(reply->operation, reply->client);

        g_byte_array_set_size(bytes, reply->length);
        bytes = bw_packet_seal(&ip, bw_packet_udp(67, 68, bytes));
        return bw_packet_ethernet(nobody, server, 0x0800, bw_packet_ip(&ip, bytes));
}

static unsigned fire(BwTrial *trial, Reply reply) {
        g_autoptr(GByteArray) frame = frame_of(&reply);

        return bw_contract_fire(trial, BW_STAGE_WITNESS, frame);
}

static Reply reply_to(BwMac client) {
        return (Reply){ .operation = 2, .client = client, .length = WHOLE };
}

static BwIptClient client_at(BwTrial *trial, BwWho who, BwMac mac) {
        const char *name = bw_stage_port_name(bw_trial_stage(trial), who);
        const BwPortPlan *port = bw_plan_find_port(bw_trial_plan(trial), name, NULL);

        g_assert_cmpint(port->ifindex, ==, (int) if_nametoindex(name));
        return (BwIptClient){ port->ifindex, mac };
}

/* Of replies, those to @clients return, and the others fall. */
static void guard(BwTrial *trial, const BwIptClient *clients, gsize n) {
        BwIptRule pass = { .dhcp = BW_IPT_DHCP_REPLY, .target = BW_IPT_RETURN };
        BwIptRule fall = { .dhcp = BW_IPT_DHCP_REPLY, .target = BW_IPT_DROP };
        g_autoptr(GPtrArray) chains =
                g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_unref);
        BwIptChain *root = bw_ipt_chain_new(bw_ipt_table_root(BW_IPT_MANGLE));
        BwStage *stage = bw_trial_stage(trial);
        g_autoptr(GError) error = NULL;
        BwIptReport report;

        memcpy(pass.clients, clients, n * sizeof(*clients));
        g_array_append_val(root->rules, pass);
        g_array_append_val(root->rules, fall);
        g_ptr_array_add(chains, root);
        bw_stage_link_set_nf_call(bw_stage_links(stage), bw_stage_bridge(stage), true, &error);
        g_assert_no_error(error);
        bw_iptables_sync(BW_IPT_MANGLE, chains, BW_IPT_LOCK_SKIPPED, &report, &error);
        g_assert_no_error(error);
        g_assert_true(report.changed);
}

/* The attacker has two clients, and its first MAC is no client of the victim's. */
static void check_ports(BwTrial *trial, BwMac first, BwMac other) {
        const BwIptClient clients[] = { client_at(trial, BW_WHO_ATTACKER, first),
                                        client_at(trial, BW_WHO_VICTIM, other),
                                        client_at(trial, BW_WHO_ATTACKER, second) };
        const BwIptClient swapped[] = { client_at(trial, BW_WHO_VICTIM, first),
                                        client_at(trial, BW_WHO_ATTACKER, other) };
        const BwMac nobodys = { { 0x52, 0x54, 0, 0x12, 0x34, 0x57 } };

        guard(trial, clients, G_N_ELEMENTS(clients));
        g_assert_cmphex(fire(trial, reply_to(first)), ==, ATTACKER);
        g_assert_cmphex(fire(trial, reply_to(other)), ==, VICTIM);
        g_assert_cmphex(fire(trial, reply_to(second)), ==, ATTACKER);
        g_assert_cmphex(fire(trial, reply_to(nobodys)), ==, 0);
        guard(trial, swapped, G_N_ELEMENTS(swapped));
        g_assert_cmphex(fire(trial, reply_to(first)), ==, VICTIM);
        g_assert_cmphex(fire(trial, reply_to(other)), ==, ATTACKER);
        g_assert_cmphex(fire(trial, reply_to(second)), ==, 0);
}

/* The last of as many as there can be. */
static void check_last(BwTrial *trial, BwMac mac) {
        BwIptClient clients[BW_IPT_CLIENT_MAX];

        for (gsize i = 0; i < BW_IPT_CLIENT_MAX; i++)
                clients[i] = client_at(trial, BW_WHO_VICTIM, (BwMac){ { 2, 0, 0, 0, 1, i & 7 } });
        clients[BW_IPT_CLIENT_MAX - 1] = client_at(trial, BW_WHO_ATTACKER, mac);
        guard(trial, clients, BW_IPT_CLIENT_MAX);
        g_assert_cmphex(fire(trial, reply_to(mac)), ==, ATTACKER);
        g_assert_cmphex(fire(trial, reply_to(clients[0].mac)), ==, VICTIM);
}

/* @everybody: where it comes to when nobody is on guard; a frame the kernel itself drops proves
 * nothing. */
static void check_form(BwTrial *trial, BwMac mac, unsigned everybody) {
        const guint enough = 28 + 6;
        const struct {
                Reply reply;
                unsigned arrives;
        } cases[] = {
                { { 2, mac, 0, 0, WHOLE }, ATTACKER },   { { 2, mac, 0x4000, 0, WHOLE }, ATTACKER },
                { { 2, mac, 0, 5, WHOLE }, ATTACKER },   { { 2, mac, 0, 10, WHOLE }, ATTACKER },
                { { 2, mac, 0, 0, enough }, ATTACKER },  { { 2, mac, 0, 0, enough - 1 }, 0 },
                { { 2, mac, 0, 10, enough }, ATTACKER }, { { 2, mac, 0, 10, enough - 1 }, 0 },
                { { 1, mac, 0, 0, WHOLE }, 0 },          { { 3, mac, 0, 0, WHOLE }, 0 },
                { { 2, mac, 0x2000, 0, WHOLE }, 0 },
        };
        const BwIptClient client = client_at(trial, BW_WHO_ATTACKER, mac);

        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmphex(fire(trial, cases[i].reply), ==, everybody);
        guard(trial, &client, 1);
        for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmphex(fire(trial, cases[i].reply), ==, cases[i].arrives);
}

void bw_contract_test_reply(void) {
        g_autoptr(BwTrial) trial = bw_contract_trial_new(BW_STAGE_VETH, "");
        BwScene scene = bw_scene_new();
        BwMac first = scene.stations[BW_WHO_ATTACKER].mac;
        BwMac other = scene.stations[BW_WHO_VICTIM].mac;
        unsigned everybody = fire(trial, reply_to(first));

        g_assert_cmphex(everybody & (ATTACKER | VICTIM), ==, ATTACKER | VICTIM);
        if (!bw_contract_has_iptables(trial))
                return;
        check_form(trial, first, everybody);
        check_ports(trial, first, other);
        check_last(trial, first);
}
