/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is said of a frame's way: who is asked, what each says, and what becomes of it in all. What
 * is wrong with a frame is the corpus' word, not this test's.
 */

#include <bw/corpus.h>
#include <bw/corpus_packet.h>
#include <bw/error.h>
#include <bw/judgment_text.h>
#include <string.h>

typedef struct Scene {
        BwScene stage;
        BwPlan *plan;
} Scene;

static Scene scene_of(BwScene stage, const char *more) {
        static const char *const none[] = { NULL };
        Scene scene = { .stage = stage };

        g_strlcpy(scene.stage.stations[BW_WHO_STRANGER].port, "stray", BW_IFNAME_SIZE);
        scene.plan = bw_scene_plan_new(&scene.stage, none, more);
        for (guint i = 0; i < scene.plan->bridges->len; i++)
                ((BwBridgePlan *) scene.plan->bridges->pdata[i])->mac =
                        (BwMac){ { 0x52, 0x54, 0, 0xbb, 0, (uint8_t) (i + 1) } };
        return scene;
}

static Scene scene_new(const char *more) {
        return scene_of(bw_scene_new(), more);
}

static void scene_clear(Scene *scene) {
        bw_plan_free(scene->plan);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static const char *port_of(const Scene *scene, BwWho who) {
        return scene->stage.stations[who].port;
}

static GArray *explain(const Scene *scene, const char *in, const char *out,
                       const GByteArray *frame) {
        g_autoptr(GError) error = NULL;
        GArray *judgments = bw_explain(scene->plan, in, out, frame->data, frame->len, &error);

        g_assert_no_error(error);
        return judgments;
}

static const BwJudgment *at(const GArray *judgments, guint i) {
        g_assert_cmpuint(i, <, judgments->len);
        return &g_array_index(judgments, BwJudgment, i);
}

static void expect_reason(const BwCorpusFrame *frame, const BwJudgment *judgment, BwReason right) {
        if (judgment->reason == right)
                return;
        g_test_message("%s at %s: %s, and must be %s", frame->name,
                       judgment->port ? judgment->port->name : "the host",
                       bw_reason_name(judgment->reason), bw_reason_name(right));
        g_test_fail();
}

static bool is_port(const Scene *scene, BwWho who) {
        return bw_plan_find_port(scene->plan, port_of(scene, who), NULL) != NULL;
}

/* Each frame of the corpus, from its sender to its receiver. */
static void test_corpus(void) {
        g_auto(Scene) scene = scene_new("");
        g_autoptr(GPtrArray) frames = bw_corpus_new(&scene.stage);
        guint sent = 0, received = 0;

        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];
                const char *out = is_port(&scene, frame->to) ? port_of(&scene, frame->to) : "";
                g_autoptr(GArray) judgments = NULL;

                if (!is_port(&scene, frame->from))
                        continue;
                judgments = explain(&scene, port_of(&scene, frame->from), out, frame->bytes);
                g_assert_cmpint(at(judgments, 0)->direction, ==, BW_DIRECTION_IN);
                expect_reason(frame, at(judgments, 0), frame->in);
                sent++;
                if (at(judgments, 0)->fate == BW_FATE_DROPPED) {
                        g_assert_cmpuint(judgments->len, ==, 1);
                        g_assert_cmpint(bw_explain_fate(judgments), ==, BW_FATE_DROPPED);
                } else if (*out != '\0') {
                        g_assert_cmpuint(judgments->len, ==, 2);
                        expect_reason(frame, at(judgments, 1), frame->out);
                        received++;
                }
        }
        g_assert_cmpuint(sent, >, 300);
        g_assert_cmpuint(received, >, 50);
}

static GByteArray *ping(const Scene *scene, BwWho from, BwMac to) {
        const BwStation *station = &scene->stage.stations[from];
        BwPacketIp ip = { .source = station->ipv4,
                          .destination = scene->stage.stations[BW_WHO_VICTIM].ipv4,
                          .protocol = 1 };

        return bw_packet_ethernet(
                to, station->mac, 0x0800,
                bw_packet_ip(&ip,
                             bw_packet_seal(&ip, bw_packet_message(8, 0, 0, bw_packet_filler(8)))));
}

/* To its owner; to the host; to all for want of an owner; to nobody but oneself. */
static void test_unicast(void) {
        g_auto(Scene) scene = scene_new("");
        const BwBridgePlan *bridge = scene.plan->bridges->pdata[0];
        const char *in = port_of(&scene, BW_WHO_ATTACKER);
        g_autoptr(GByteArray) owned =
                ping(&scene, BW_WHO_ATTACKER, scene.stage.stations[BW_WHO_VICTIM].mac);
        g_autoptr(GByteArray) host = ping(&scene, BW_WHO_ATTACKER, bridge->mac);
        g_autoptr(GByteArray) nobody =
                ping(&scene, BW_WHO_ATTACKER, scene.stage.stations[BW_WHO_NOBODY].mac);
        g_autoptr(GByteArray) self =
                ping(&scene, BW_WHO_ATTACKER, scene.stage.stations[BW_WHO_ATTACKER].mac);
        g_autoptr(GArray) to_owner = explain(&scene, in, "", owned);
        g_autoptr(GArray) to_host = explain(&scene, in, "", host);
        g_autoptr(GArray) to_all = explain(&scene, in, "", nobody);
        g_autoptr(GArray) to_self = explain(&scene, in, "", self);

        g_assert_cmpuint(to_owner->len, ==, 2);
        g_assert_cmpstr(at(to_owner, 1)->port->name, ==, port_of(&scene, BW_WHO_VICTIM));
        g_assert_cmpint(bw_explain_fate(to_owner), ==, BW_FATE_PASSES);
        g_assert_cmpuint(to_host->len, ==, 2);
        g_assert_null(at(to_host, 1)->port);
        g_assert_cmpint(bw_explain_fate(to_host), ==, BW_FATE_PASSES);
        g_assert_cmpuint(to_all->len, ==, bridge->ports->len);
        for (guint i = 1; i < to_all->len; i++) {
                g_assert_cmpstr(at(to_all, i)->port->name, !=, in);
                g_assert_cmpint(at(to_all, i)->reason, !=, BW_REASON_NONE);
        }
        g_assert_cmpint(at(to_self, 0)->fate, ==, BW_FATE_PASSES);
        g_assert_cmpuint(to_self->len, ==, 1);
}

/* The host's own frames are judged where they arrive, and not by rules for what is forwarded. */
static void test_from_host(void) {
        g_auto(Scene) scene = scene_new("");
        g_autoptr(GByteArray) wrong =
                ping(&scene, BW_WHO_NOBODY, scene.stage.stations[BW_WHO_ATTACKER].mac);
        g_autoptr(GArray) judgments = explain(&scene, scene.stage.bridge, "", wrong);

        g_assert_cmpuint(judgments->len, ==, 1);
        g_assert_cmpint(at(judgments, 0)->reason, ==, BW_REASON_MISDELIVERED);
        g_assert_cmpuint(at(judgments, 0)->engines, ==, BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
}

/* What is only monitored goes on to its receivers, and that is said in all. */
static void test_monitored(void) {
        g_auto(Scene) scene = scene_new("");
        BwStation *victim = &scene.stage.stations[BW_WHO_VICTIM];
        BwStation honest = scene.stage.stations[BW_WHO_WATCHED];
        g_autoptr(GByteArray) spoofed = NULL;
        g_autoptr(GArray) judgments = NULL;

        scene.stage.stations[BW_WHO_WATCHED].ipv4 = scene.stage.stations[BW_WHO_NOBODY].ipv4;
        spoofed = ping(&scene, BW_WHO_WATCHED, victim->mac);
        judgments = explain(&scene, honest.port, "", spoofed);
        g_assert_cmpuint(judgments->len, ==, 2);
        g_assert_cmpint(at(judgments, 0)->reason, ==, BW_REASON_SPOOFED_IP);
        g_assert_cmpint(at(judgments, 0)->fate, ==, BW_FATE_MONITORED);
        g_assert_cmpuint(at(judgments, 0)->engines, ==, BW_ENGINE_ALL);
        g_assert_cmpint(at(judgments, 1)->fate, ==, BW_FATE_PASSES);
        g_assert_cmpint(bw_explain_fate(judgments), ==, BW_FATE_MONITORED);
}

static void expect_failure(const Scene *scene, const char *in, const char *out, gsize length,
                           BwError code, const char *words) {
        g_autofree uint8_t *frame = g_malloc0(length + 1);
        g_autoptr(GError) error = NULL;

        g_assert_null(bw_explain(scene->plan, in, out, frame, length, &error));
        g_assert_error(error, BW_ERROR, (int) code);
        g_assert_nonnull(strstr(error->message, words));
}

static void test_failures(void) {
        g_auto(Scene) scene = scene_new("");
        const char *in = port_of(&scene, BW_WHO_ATTACKER);
        g_autoptr(GArray) longest = NULL;
        g_autofree uint8_t *frame = g_malloc0(BW_EXPLAIN_MAX_FRAME);

        expect_failure(&scene, "nope\x1b", "", 60, BW_ERROR_ABSENT, "nope\\x1b");
        expect_failure(&scene, "", "", 60, BW_ERROR_ABSENT, "no port");
        expect_failure(&scene, in, "nope", 60, BW_ERROR_ABSENT, "nope");
        expect_failure(&scene, in, "", BW_EXPLAIN_MAX_FRAME + 1, BW_ERROR_INVALID, "65537");
        longest = bw_explain(scene.plan, in, "", frame, BW_EXPLAIN_MAX_FRAME, NULL);
        g_assert_nonnull(longest);
}

static void test_two_bridges(void) {
        g_auto(Scene) scene = scene_new("");
        BwBridgePlan *bridge = scene.plan->bridges->pdata[0];
        BwBridgePlan *other = g_new0(BwBridgePlan, 1);

        g_strlcpy(other->name, "br9", sizeof(other->name));
        other->segment = 1;
        other->networks = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        other->addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        other->gateways = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        other->ports = g_ptr_array_new();
        g_ptr_array_add(other->ports, g_ptr_array_steal_index(bridge->ports, 0));
        g_ptr_array_add(scene.plan->bridges, other);
        expect_failure(&scene, ((BwPortPlan *) bridge->ports->pdata[0])->name,
                       ((BwPortPlan *) other->ports->pdata[0])->name, 60, BW_ERROR_INVALID,
                       "two bridges, virbr6 and br9");
        g_ptr_array_add(bridge->ports, g_ptr_array_steal_index(other->ports, 0));
}

/* Over links */

/* Words of each, port by port: ">" in, "<" out, "!" when it falls there, "." where it ends. */
static char *way_of(const GArray *judgments) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < judgments->len; i++) {
                const BwJudgment *one = at(judgments, i);

                g_string_append_printf(text, "%s%s%s%s%s", i ? " " : "",
                                       one->direction == BW_DIRECTION_IN ? ">" : "<",
                                       one->port ? one->port->name : one->bridge->name,
                                       one->fate == BW_FATE_DROPPED ? "!" : "",
                                       one->ends ? "." : "");
        }
        return g_string_free(text, FALSE);
}

static void expect_way(const Scene *scene, const char *in, const char *out, const GByteArray *frame,
                       const char *right, BwFate fate) {
        g_autoptr(GArray) judgments = explain(scene, in, out, frame);
        g_autofree char *way = way_of(judgments);

        g_assert_cmpstr(way, ==, right);
        g_assert_cmpint(bw_explain_fate(judgments), ==, fate);
}

static GByteArray *udp_to(const Scene *scene, BwWho from, BwMac to, const char *destination) {
        const BwStation *station = &scene->stage.stations[from];
        BwPacketIp ip = { .source = station->ipv4, .protocol = 17 };
        bool good = bw_prefix_parse(destination, &ip.destination, NULL);

        g_assert_true(good);
        return bw_packet_ethernet(
                to, station->mac, 0x0800,
                bw_packet_ip(&ip, bw_packet_seal(&ip, bw_packet_udp(9, 9, bw_packet_filler(8)))));
}

static GByteArray *arp_of(const Scene *scene, BwWho from, BwWho sender) {
        const BwStation *stations = scene->stage.stations;
        BwPacketArp arp = { 1,
                            0x0800,
                            6,
                            4,
                            1,
                            stations[from].mac,
                            {},
                            stations[sender].ipv4,
                            stations[BW_WHO_VICTIM].ipv4 };

        return bw_packet_ethernet((BwMac){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
                                  stations[from].mac, 0x0806, bw_packet_arp(&arp));
}

#define ALL_BEYOND "vk41. <vmw4. <virbr4."

static void test_beyond(void) {
        g_auto(Scene) scene = scene_of(bw_scene_new_joined(), "");
        const BwStation *stations = scene.stage.stations;
        BwMac beyond = stations[BW_WHO_BEYOND].mac, nobody = stations[BW_WHO_NOBODY].mac;
        g_autoptr(GByteArray) there = udp_to(&scene, BW_WHO_ATTACKER, beyond, "192.168.50.41");
        g_autoptr(GByteArray) elsewhere = udp_to(&scene, BW_WHO_ATTACKER, nobody, "203.0.113.6");
        g_autoptr(GByteArray) own = arp_of(&scene, BW_WHO_ATTACKER, BW_WHO_ATTACKER);
        g_autoptr(GByteArray) stolen = arp_of(&scene, BW_WHO_NOBODY, BW_WHO_BEYOND);

        expect_way(&scene, "vk63", "", there, ">vk63 <vethb2 >vethb1 <vk41.", BW_FATE_PASSES);
        expect_way(&scene, "vk63", "vk41", there, ">vk63 <vethb2 >vethb1 <vk41.", BW_FATE_PASSES);
        expect_way(&scene, "vk63", "vmw2", there, ">vk63 <vmw2!.", BW_FATE_DROPPED);
        expect_way(&scene, "vk63", "vmw4", elsewhere, ">vk63 <vethb2 >vethb1 <vmw4.",
                   BW_FATE_PASSES);
        expect_way(&scene, "vk63", "", own,
                   ">vk63 <stray!. <vethb2 >vethb1 <" ALL_BEYOND
                   " <vk64. <vk65. <vk66!. <vmh1. <vmw2. <virbr6.",
                   BW_FATE_PASSES);
        expect_way(&scene, "vmw2", "", stolen, ">vmw2!.", BW_FATE_DROPPED);
        /* The host says it: nobody looks before the link's far end. */
        expect_way(&scene, "virbr6", "vk41", stolen, "<vethb2 >vethb1!.", BW_FATE_DROPPED);
}

/* Whatever it met on its way is in what becomes of it. */
static void test_beyond_monitored(void) {
        g_auto(Scene) scene = scene_of(bw_scene_new_joined(), "[Port vethb1]\nMode=monitor\n");
        g_autoptr(GByteArray) stolen = arp_of(&scene, BW_WHO_NOBODY, BW_WHO_BEYOND);

        expect_way(&scene, "virbr6", "vk41", stolen, "<vethb2 >vethb1 <vk41.", BW_FATE_MONITORED);
}

static BwPortPlan *port_plan(const Scene *scene, BwWho who) {
        return (BwPortPlan *) bw_plan_find_port(scene->plan, port_of(scene, who), NULL);
}

/* What the bridge does not give to a port, nobody there can read; and it takes nothing from it. */
static void test_blocked(void) {
        g_auto(Scene) scene = scene_of(bw_scene_new_joined(), "[Port vk66]\nMode=off\n");
        g_autoptr(GByteArray) own = arp_of(&scene, BW_WHO_ATTACKER, BW_WHO_ATTACKER);
        g_autoptr(GByteArray) there = udp_to(
                &scene, BW_WHO_ATTACKER, scene.stage.stations[BW_WHO_VICTIM].mac, "192.168.50.14");

        port_plan(&scene, BW_WHO_UPLINK)->blocked = true;
        port_plan(&scene, BW_WHO_VICTIM)->blocked = true;
        expect_way(&scene, "vk63", "", own,
                   ">vk63 <stray!. <vethb2 >vethb1 <" ALL_BEYOND " <vk65. <vk66. <vmh1. <virbr6.",
                   BW_FATE_PASSES);
        expect_way(&scene, "vk63", "", there, ">vk63.", BW_FATE_PASSES);
        expect_failure(&scene, "vk63", "vk64", 60, BW_ERROR_INVALID, "no frame passes port vk64");
        expect_failure(&scene, "vk64", "vk63", 60, BW_ERROR_INVALID, "no frame passes port vk64");
}

/* Two ways to the far bridge: it is told of once, by the first. */
static void test_loop(void) {
        g_auto(Scene) scene = scene_of(bw_scene_new_joined(), "[Port vk66]\nMode=off\n");
        BwPortPlan *uplink = port_plan(&scene, BW_WHO_UPLINK);
        BwPortPlan *closed = port_plan(&scene, BW_WHO_CLOSED);
        g_autoptr(GByteArray) own = arp_of(&scene, BW_WHO_ATTACKER, BW_WHO_ATTACKER);

        uplink->far_port = closed->ifindex;
        closed->far_port = uplink->ifindex;
        expect_way(&scene, "vk63", "", own,
                   ">vk63 <stray!. <vethb2 >vethb1 <" ALL_BEYOND
                   " <vk64. <vk65. <vk66. <vmh1. <vmw2. <virbr6.",
                   BW_FATE_PASSES);
}

static void expect_because(const Scene *scene, const char *in, const char *out,
                           const GByteArray *frame, const char *right) {
        g_autoptr(GArray) judgments = explain(scene, in, out, frame);
        g_auto(BwJudgmentText) text = bw_judgment_text_new(at(judgments, judgments->len - 1));

        g_assert_cmpstr(text.because, ==, right);
}

/* Whose it is, and what leads there. */
static void test_because(void) {
        g_auto(Scene) scene = scene_of(bw_scene_new_joined(), "");
        BwStation *stations = scene.stage.stations;
        BwMac nobody = stations[BW_WHO_NOBODY].mac;
        g_autoptr(GByteArray) arp = arp_of(&scene, BW_WHO_NOBODY, BW_WHO_BEYOND);
        g_autoptr(GByteArray) unknown = arp_of(&scene, BW_WHO_NOBODY, BW_WHO_NOBODY);
        g_autoptr(GByteArray) mac = arp_of(&scene, BW_WHO_VICTIM, BW_WHO_NOBODY);
        g_autoptr(GByteArray) out = udp_to(&scene, BW_WHO_ATTACKER, nobody, "192.168.50.14");
        g_autoptr(GByteArray) behind = udp_to(&scene, BW_WHO_ATTACKER, nobody, "203.0.113.6");
        g_autoptr(GByteArray) gateway = NULL;

        stations[BW_WHO_UPLINK].ipv4 = stations[BW_WHO_NOBODY].ipv4;
        stations[BW_WHO_UPLINK].ipv4.bytes[3] = 253;
        gateway = arp_of(&scene, BW_WHO_NOBODY, BW_WHO_UPLINK);
        expect_because(&scene, "vmw2", "", arp,
                       "192.168.50.41 belongs to vk41 on virbr4, and vethb2 leads there, not vmw2");
        expect_because(&scene, "vmw4", "", unknown,
                       "192.168.50.99 is nobody's here, and the border vmw4 is closed");
        expect_because(&scene, "vmw2", "", mac,
                       "52:54:00:9f:5d:0e belongs to vk64 on virbr6, and vethb1 leads there, not "
                       "vmw2");
        expect_because(&scene, "vmw4", "", gateway,
                       "192.168.50.253 is the gateway's, which no port has, and vethb1 and vmw2 "
                       "lead there, not vmw4");
        expect_because(&scene, "vk63", "vmw2", out,
                       "192.168.50.14 belongs to vk64 on virbr6, and vethb1 leads there, not vmw2");
        expect_because(&scene, "vk63", "vmw2", behind,
                       "203.0.113.6 is declared behind vmw4 on virbr4, and vethb2 and vmw4 lead "
                       "there, not vmw2");
        expect_because(&scene, "vk63", "vk64", out, "");
}

/* In words: all that the bus and the command line show. */
static void test_text(void) {
        g_auto(Scene) scene = scene_new("");
        BwStation *attacker = &scene.stage.stations[BW_WHO_ATTACKER];
        char mac[BW_MAC_TEXT_SIZE];
        const char *in = attacker->port;
        g_autoptr(GByteArray) spoofed = NULL;
        g_autoptr(GArray) judgments = NULL;
        g_autofree char *own = bw_prefix_print(&attacker->ipv4);

        attacker->ipv4 = scene.stage.stations[BW_WHO_GATEWAY].ipv4;
        spoofed = ping(&scene, BW_WHO_ATTACKER, scene.stage.stations[BW_WHO_VICTIM].mac);
        judgments = explain(&scene, in, "", spoofed);
        {
                g_auto(BwJudgmentText) text = bw_judgment_text_new(at(judgments, 0));

                g_assert_cmpstr(text.port, ==, in);
                g_assert_cmpstr(text.bridge, ==, scene.stage.bridge);
                g_assert_cmpstr(text.state, ==, "bound");
                g_assert_cmpstr(text.direction, ==, "in");
                g_assert_cmpstr(text.fate, ==, "dropped");
                g_assert_cmpstr(text.reason, ==, "spoofed-ip");
                g_assert_cmpstr(text.sentence, ==, bw_reason_sentence(BW_REASON_SPOOFED_IP));
                g_assert_cmpstr(text.detail, ==, "IP source");
                g_assert_nonnull(strchr(text.where, ':'));
                g_assert_cmpstr(text.macs[0], ==, bw_mac_print(&attacker->mac, mac));
                g_assert_cmpstr(text.addresses[0], ==, own);
                g_assert_cmpstr(text.engines[0], ==, "iptables");
                g_assert_cmpstr(text.engines[1], ==, "nftables");
                g_assert_null(text.engines[2]);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/explain/corpus", test_corpus);
        g_test_add_func("/explain/unicast", test_unicast);
        g_test_add_func("/explain/from-host", test_from_host);
        g_test_add_func("/explain/monitored", test_monitored);
        g_test_add_func("/explain/failures", test_failures);
        g_test_add_func("/explain/two-bridges", test_two_bridges);
        g_test_add_func("/explain/beyond", test_beyond);
        g_test_add_func("/explain/beyond-monitored", test_beyond_monitored);
        g_test_add_func("/explain/blocked", test_blocked);
        g_test_add_func("/explain/loop", test_loop);
        g_test_add_func("/explain/because", test_because);
        g_test_add_func("/explain/text", test_text);
        return g_test_run();
}
