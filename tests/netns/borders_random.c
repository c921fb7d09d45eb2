/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Random frames over random plans of random nets, each followed by the evaluator's words from port
 * to port. Knows no engine's rules.
 */

#include "border_net.h"
#include "border_packet.h"
#include "borders.h"

#include <bw/evaluate.h>
#include <bw/frame.h>
#include <bw/nft_table.h>
#include <netinet/in.h>
#include <nftables.h>
#include <random.h>
#include <settings.h>
#include <string.h>

/* At random: up to three bridges, some of them joined; anybody may own anything out of few things,
 * and claim anything out of some more. */

static const char *const macs[] = {
        A1_MAC, A2_MAC, B1_MAC,       B2_MAC,       "52:54:00:00:0c:01",
        UA_MAC, UB_MAC, BRIDGE_A_MAC, BRIDGE_B_MAC,
};
/* The first of these may be owned. */
#define OWNED4 12
static const char *const ipv4s[] = {
        "10.0.0.1",   "10.0.0.2",        "10.0.0.3",       "10.0.0.64",    "10.0.0.127",
        "10.0.0.128", "10.0.0.0/24",     "10.0.0.0/25",    "10.0.0.64/26", "10.0.0.96/27",
        "10.0.0.0/8", "10.0.1.0/24",     "10.0.0.0",       "10.0.0.63",    "10.0.0.95",
        "10.0.0.255", "10.0.1.0",        "10.255.255.255", "11.0.0.0",     "0.0.0.0",
        "224.0.0.1",  "255.255.255.255", "9.255.255.255",
};
#define OWNED6 11
static const char *const ipv6s[] = {
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8::40",
        "fe80::1",
        "fe80::2",
        "2001:db8::/64",
        "2001:db8::/122",
        "2001:db8::/32",
        "2001:db8:8000::/33",
        "fe80::/64",
        "2001:db8::40/123",
        "2001:db8::",
        "2001:db8::3f",
        "2001:db8::60",
        "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8:8000::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "fe80::3",
        "fe80::5054:ff:fe00:a01",
        "fe80::5054:ff:fe00:b02",
        "::",
        "ff02::1",
        "3fff::1",
};

static const char *one_of(const char *const *words, unsigned n) {
        return words[bw_test_below(n)];
}

static const char *owned(void) {
        return bw_test_once_in(2) ? one_of(ipv4s, OWNED4) : one_of(ipv6s, OWNED6);
}

/* @text: its address, when it is a network. */
static char *without_length(const char *text) {
        return g_strndup(text, strcspn(text, "/"));
}

static BwNet *random_net(BwEngineKind engine) {
        static const char *const names[] = { "t-a", "t-b", "t-c" };
        static const char *const bridge_macs[] = { BRIDGE_A_MAC, BRIDGE_B_MAC,
                                                   "52:54:00:00:00:cc" };
        BwNet *net = bw_net_new(engine);
        unsigned n = 2 + bw_test_below(2);
        int bridges[3];

        g_string_append(net->settings, "Bridges=t-a t-b t-c\n");
        for (unsigned i = 0; i < n; i++) {
                bridges[i] = bw_net_add_bridge(net, names[i], bridge_macs[i]);
                for (unsigned k = 0; k < 2; k++) {
                        g_autofree char *guest = g_strdup_printf("%s%u", names[i], k);

                        bw_net_add_port(net, guest, bridges[i], k == 0, BW_LINK_TAP);
                }
                if (!bw_test_once_in(4)) {
                        g_autofree char *uplink = g_strdup_printf("%su", names[i]);

                        bw_net_add_port(net, uplink, bridges[i], false, BW_LINK_OTHER);
                }
        }
        for (unsigned i = 1; i < n; i++) {
                g_autofree char *name = g_strdup_printf("t-l%u", i);
                g_autofree char *peer = g_strdup_printf("t-m%u", i);

                if (bw_test_once_in(4))
                        net->joined = false;
                else
                        bw_net_add_link(net, name, bridges[i], peer, bridges[bw_test_below(i)]);
        }
        bw_net_await(net);
        return net;
}

static bool is_uplink(const BwNet *net, unsigned end) {
        return g_str_has_suffix(net->ends[end].port, "u");
}

static void add_random_addresses(GString *text, unsigned most) {
        g_string_append(text, "Addresses=");
        for (unsigned i = 0; i < most; i++)
                g_string_append_printf(text, "%s ", owned());
        g_string_append(text, "\n");
}

static void add_random_section(GString *text, const BwNet *net, unsigned end) {
        bool border = bw_net_is_link(net, end) || is_uplink(net, end);

        g_string_append_printf(text, "[Port %s]\n", net->ends[end].port);
        if (!border)
                g_string_append_printf(text, "MACs=%s\n", one_of(macs, G_N_ELEMENTS(macs) - 2));
        if (!border && bw_test_once_in(8))
                g_string_append(text, "Addresses=any\n");
        else if (!border || (is_uplink(net, end) && bw_test_once_in(2)))
                add_random_addresses(text, 1 + bw_test_below(4));
        if (border && bw_test_once_in(3))
                g_string_append(text, "Closed=yes\n");
        if (!border && bw_test_once_in(6))
                g_string_append(text, "Router=yes\n");
        if (!border && bw_test_once_in(8))
                g_string_append(text, "LinkLocal=declared\n");
        if (bw_test_once_in(5))
                g_string_append(text, "Mode=monitor\n");
        else if (bw_test_once_in(6))
                g_string_append(text, "Mode=off\n");
}

/* (transfer full) */
static char *random_settings(const BwNet *net) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < net->n_ends; i++)
                add_random_section(text, net, i);
        for (guint i = 0; i < net->bridges->len; i++) {
                g_string_append_printf(text, "[Bridge %s]\n", (char *) net->bridges->pdata[i]);
                if (bw_test_once_in(2))
                        g_string_append(text, "Networks=10.0.0.0/24\n");
                if (bw_test_once_in(4)) {
                        g_autofree char *gateway = without_length(one_of(ipv4s, 6));

                        g_string_append_printf(text, "Gateway=%s 2001:db8::40\n", gateway);
                }
        }
        return g_string_free(text, FALSE);
}

static GByteArray *random_frame(void) {
        bool ipv4 = bw_test_once_in(2);
        const char *const *addresses = ipv4 ? ipv4s : ipv6s;
        unsigned n = ipv4 ? G_N_ELEMENTS(ipv4s) : G_N_ELEMENTS(ipv6s);
        BwNetForm form = bw_test_below(OTHER + 1);
        g_autofree char *source = NULL, *destination = NULL, *more = NULL;
        bool is_arp = form == ARP || form == ARP_TAGGED || form == ARP_ODD || form == ARP_TORN ||
                      form == RARP;
        bool is_nd = form >= EXTENDED && form != TORN && !is_arp && form != OTHER;

        if (is_arp || is_nd) {
                addresses = is_arp ? ipv4s : ipv6s;
                n = is_arp ? G_N_ELEMENTS(ipv4s) : G_N_ELEMENTS(ipv6s);
        }
        source = without_length(one_of(addresses, n));
        if (form == NS && bw_test_once_in(2)) {
                g_free(source);
                source = g_strdup("::");
        }
        destination = without_length(one_of(addresses, n));
        more = is_arp ? g_strdup(one_of(macs, G_N_ELEMENTS(macs)))
                      : without_length(one_of(ipv6s, G_N_ELEMENTS(ipv6s)));
        return bw_net_packet(&(BwNetPacket){
                form, bw_test_once_in(2) ? ALL_MACS : one_of(macs, G_N_ELEMENTS(macs)),
                one_of(macs, G_N_ELEMENTS(macs)), source, destination, more });
}

/* Where the IPv6 header tells a length: rules cannot add up headers. */
static bool is_length_of_ipv6(const GByteArray *frame, guint at) {
        guint type = 12;

        while (type + 4 < frame->len && frame->data[type] == 0x81 && frame->data[type + 1] == 0)
                type += 4;
        return frame->data[type] == 0x86 && frame->data[type + 1] == 0xdd &&
               (at == type + 6 || at == type + 7);
}

/* One byte is another one, or the end is missing. */
static GByteArray *spoil(GByteArray *frame) {
        guint at = 12 + bw_test_below(frame->len - 12);

        if (bw_test_once_in(2))
                return frame;
        if (is_length_of_ipv6(frame, at))
                at += 2;
        if (bw_test_once_in(4))
                g_byte_array_set_size(frame, MAX(at, 14));
        else
                frame->data[at] ^= (uint8_t) (1u << bw_test_below(8));
        return frame;
}

/* What the evaluator says, from port to port. */

typedef struct Walk {
        const BwNet *net;
        const GByteArray *frame;
        unsigned arrives, unknown; /* sets of ends; of @unknown the engine cannot be asked */
        uint64_t counts[2][2][BW_REASON_MAX]; /* by direction, and whether it drops */
} Walk;

typedef enum Answer {
        FALLS,
        UNKNOWN, /* the engine does not see what is wrong, but may see what else is */
        PASSES,
} Answer;

static Answer ask(Walk *walk, unsigned end, BwDirection direction) {
        const BwBridgePlan *bridge;
        const BwPortPlan *port =
                bw_plan_find_port(walk->net->plan, walk->net->ends[end].port, &bridge);
        const uint8_t *bytes = walk->frame->data;
        gsize length = walk->frame->len;
        BwVerdict verdict = direction == BW_DIRECTION_IN
                                    ? bw_evaluate_in(walk->net->plan, bridge, port, bytes, length)
                                    : bw_evaluate_out(walk->net->plan, bridge, port, bytes, length);
        unsigned engines = bw_evaluate_engines(&verdict, bytes, length);

        g_assert_nonnull(port);
        walk->counts[direction][verdict.drops][verdict.reason]++;
        if (verdict.reason == BW_REASON_NONE || !verdict.drops)
                return PASSES;
        return engines & BW_ENGINE_BIT(walk->net->engine) ? FALLS : UNKNOWN;
}

static Answer worse(Answer a, Answer b) {
        return MIN(a, b);
}

/* @so_far: UNKNOWN or PASSES. */
static void enter(Walk *walk, unsigned end, Answer so_far) {
        const BwNet *net = walk->net;

        so_far = worse(so_far, ask(walk, end, BW_DIRECTION_IN));
        for (unsigned i = 0; so_far != FALLS && i < net->n_ends; i++) {
                Answer answer;

                if (i == end || net->ends[i].bridge != net->ends[end].bridge)
                        continue;
                answer = worse(so_far, ask(walk, i, BW_DIRECTION_OUT));
                if (answer != FALLS && bw_net_is_link(net, i))
                        enter(walk, net->ends[i].peer, answer);
                else if (answer == PASSES)
                        walk->arrives |= 1u << i;
                else if (answer == UNKNOWN)
                        walk->unknown |= 1u << i;
        }
}

typedef struct Shot {
        unsigned from;
        GByteArray *frame;
} Shot;

static void clear_shot(gpointer data) {
        g_byte_array_unref(((Shot *) data)->frame);
}

/* Of guests, nftables asks whether a link-local address is owned on any bridge: of bridges that are
 * not joined it knows no better. */
static bool mentions_link_local(const GByteArray *frame) {
        for (guint i = 0; i + 1 < frame->len; i++)
                if (frame->data[i] == 0xfe && (frame->data[i + 1] & 0xc0) == 0x80)
                        return true;
        return false;
}

/* xt_udp drops by itself what is too short for ports, and so does the walk along IPv6 headers what
 * it cannot read, in whatever chain asks: a monitored port's, too. */
static bool may_fall_by_itself(const BwNet *net, const GByteArray *bytes) {
        BwFrame frame = bw_frame_decode(bytes->data, bytes->len);

        if (net->engine != BW_ENGINE_IPTABLES)
                return false;
        return frame.kind == BW_FRAME_IPV6
                       ? !frame.ip.chain_is_read
                       : frame.kind == BW_FRAME_IPV4 && frame.ip.protocol == IPPROTO_UDP &&
                                 frame.ip.part != BW_FRAME_LATER && !frame.ip.has_ports;
}

/* Those that a bridge carries to everybody when nobody is on guard. (transfer full) */
static GArray *load(BwNet *net, unsigned n) {
        GArray *shots = g_array_new(FALSE, FALSE, sizeof(Shot));

        bw_net_disarm(net);
        g_array_set_clear_func(shots, clear_shot);
        for (unsigned i = 0; i < n; i++) {
                Shot shot = { bw_test_below(net->n_ends), spoil(random_frame()) };

                if (!bw_net_is_link(net, shot.from) &&
                    (net->joined || !mentions_link_local(shot.frame)) &&
                    !may_fall_by_itself(net, shot.frame) &&
                    bw_net_fire(net, shot.from, shot.frame) == bw_net_reach(net, shot.from))
                        g_array_append_val(shots, shot);
                else
                        clear_shot(&shot);
        }
        return shots;
}

static char *hex(const GByteArray *frame) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < frame->len; i++)
                g_string_append_printf(text, "%02x", frame->data[i]);
        return g_string_free(text, FALSE);
}

typedef struct Score {
        unsigned frames, stopped, wrong, kinds[BW_REASON_MAX];
} Score;

static void judge_shot(const BwNet *net, const Shot *shot, Walk *walk, Score *score) {
        unsigned arrived = bw_net_fire(net, shot->from, shot->frame);

        walk->frame = shot->frame;
        walk->arrives = walk->unknown = 0;
        enter(walk, shot->from, PASSES);
        score->frames++;
        score->stopped += (walk->arrives | walk->unknown) != bw_net_reach(net, shot->from);
        if ((arrived & ~walk->unknown) == walk->arrives)
                return;
        score->wrong++;
        if (score->wrong < 10) {
                g_autofree char *bytes = hex(shot->frame);

                g_test_message("WRONG from %s: arrived at %x, not at %x %s",
                               net->ends[shot->from].port, arrived, walk->arrives, bytes);
        }
}

/* All counts of all reasons, and no other. */
static void judge_counts(BwNet *net, const Walk *walk, Score *score) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwNftListing) listing = bw_nftables_read(net->nftables, &error);

        g_assert_no_error(error);
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                for (unsigned k = 0; k < 4; k++) {
                        BwDirection direction = k / 2 ? BW_DIRECTION_OUT : BW_DIRECTION_IN;
                        uint64_t found = bw_nft_count(listing, direction, reason, k % 2).packets;
                        uint64_t wanted = walk->counts[direction][k % 2][reason];

                        score->kinds[reason] += (unsigned) wanted;
                        if (found == wanted)
                                continue;
                        score->wrong++;
                        g_test_message("WRONG: %s %s counted %u, not %u",
                                       bw_direction_name(direction), bw_reason_name(reason),
                                       (unsigned) found, (unsigned) wanted);
                }
}

#define NETS  8
#define PLANS 6
#define SHOTS 160

/* Of many nets with many plans each. */
static Score score_of(BwEngineKind engine) {
        Score score = { 0 };

        for (unsigned i = 0; i < NETS; i++) {
                g_autoptr(BwNet) net = random_net(engine);
                g_autoptr(GArray) shots = load(net, SHOTS);

                for (unsigned k = 0; k < PLANS; k++) {
                        g_autofree char *settings = random_settings(net);
                        Walk walk = { .net = net };

                        bw_net_disarm(net);
                        bw_net_arm(net, settings);
                        for (guint s = 0; s < shots->len; s++)
                                judge_shot(net, &g_array_index(shots, Shot, s), &walk, &score);
                        if (engine == BW_ENGINE_NFTABLES)
                                judge_counts(net, &walk, &score);
                }
        }
        g_test_message("%s: %u frames, %u kept from somebody, %u wrong", bw_engine_name(engine),
                       score.frames, score.stopped, score.wrong);
        g_assert_cmpuint(score.wrong, ==, 0);
        return score;
}

void bw_borders_test_random(void) {
        Score score = score_of(BW_ENGINE_NFTABLES);

        g_test_message("border-spoof %u, border-misdelivered %u",
                       score.kinds[BW_REASON_BORDER_SPOOF],
                       score.kinds[BW_REASON_BORDER_MISDELIVERED]);
        g_assert_cmpuint(score.frames, >, 3000);
        g_assert_cmpuint(score.kinds[BW_REASON_BORDER_SPOOF], >, 300);
        g_assert_cmpuint(score.kinds[BW_REASON_BORDER_MISDELIVERED], >, 300);
}

void bw_borders_test_random_iptables(void) {
        Score score;

        if (!bw_net_has_iptables())
                return;
        score = score_of(BW_ENGINE_IPTABLES);
        g_assert_cmpuint(score.frames, >, 1500);
        g_assert_cmpuint(score.stopped, >, 300);
}
