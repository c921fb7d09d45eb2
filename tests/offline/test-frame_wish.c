/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Frames from words: what an honest sender would send passes, one lie gets the reason that is its
 * own, and words that make no frame get a sentence that helps.
 */

#include "frame_wish.h"
#include "plan_json.h"
#include "show_explain.h"

#include <bw/corpus.h>
#include <bw/error.h>
#include <bw/frame.h>
#include <string.h>

typedef struct Scene {
        BwScene stage;
        BwPlan *plan;
        JsonArray *stations;
} Scene;

static Scene scene_new(void) {
        static const char *const none[] = { NULL };
        Scene scene = { .stage = bw_scene_new() };

        scene.plan = bw_scene_plan_new(&scene.stage, none, "");
        scene.stations = bw_plan_json_ports(scene.plan);
        return scene;
}

static void scene_clear(Scene *scene) {
        json_array_unref(scene->stations);
        bw_plan_free(scene->plan);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static GByteArray *build(const Scene *scene, const BwFrameWish *words) {
        g_autoptr(GError) error = NULL;
        GByteArray *frame = bw_frame_wish_build(words, scene->stations, &error);

        g_assert_no_error(error);
        return frame;
}

static BwReason reason_in(const Scene *scene, const BwFrameWish *words) {
        g_autoptr(GByteArray) frame = build(scene, words);
        g_autoptr(GArray) judgments =
                bw_explain(scene->plan, words->in, "", frame->data, frame->len, NULL);

        g_assert_nonnull(judgments);
        return g_array_index(judgments, BwJudgment, 0).reason;
}

/* What each kind is called when a guest sends it, with addresses of its own. */
static const BwReason reasons[BW_WISH_MAX] = {
        [BW_WISH_PING] = BW_REASON_NONE,
        [BW_WISH_ARP] = BW_REASON_NONE,
        [BW_WISH_ARP_REPLY] = BW_REASON_NONE,
        [BW_WISH_ND] = BW_REASON_NONE,
        [BW_WISH_NA] = BW_REASON_NONE,
        [BW_WISH_RA] = BW_REASON_ROGUE_RA,
        [BW_WISH_REDIRECT] = BW_REASON_REDIRECT,
        [BW_WISH_DHCP] = BW_REASON_NONE,
        [BW_WISH_DHCP_SERVER] = BW_REASON_ROGUE_DHCP,
        [BW_WISH_QUERY] = BW_REASON_ROGUE_QUERIER,
};

static void expect(const Scene *scene, const BwFrameWish *words, BwReason right) {
        BwReason reason = reason_in(scene, words);

        if (reason != right)
                g_error("%s from %s: %s, and must be %s", bw_wish_name(words->kind), words->in,
                        bw_reason_name(reason), bw_reason_name(right));
}

static bool has_family(BwWishKind kind, BwFamily family) {
        if (family == BW_FAMILY_IPV4)
                return kind != BW_WISH_ND && kind != BW_WISH_NA && kind != BW_WISH_RA;
        return kind != BW_WISH_ARP && kind != BW_WISH_ARP_REPLY;
}

static const BwPrefix *address_of(const BwStation *station, BwFamily family) {
        return family == BW_FAMILY_IPV4 ? &station->ipv4 : &station->ipv6;
}

/* @words of every kind, said by a guest and by the host, which may all of it. */
static void expect_kind(const Scene *scene, BwWishKind kind, BwFamily family) {
        const BwStation *guest = &scene->stage.stations[BW_WHO_ATTACKER];
        const BwStation *host = &scene->stage.stations[BW_WHO_GATEWAY];
        const BwStation *victim = &scene->stage.stations[BW_WHO_VICTIM];
        g_autofree char *own = bw_prefix_print(address_of(guest, family));
        g_autofree char *others = bw_prefix_print(address_of(victim, family));
        g_autofree char *hosts = bw_prefix_print(address_of(host, family));
        BwFrameWish words = { .kind = kind, .in = guest->port, .out = victim->port, .src = own };
        char mac[BW_MAC_TEXT_SIZE];

        /* A DHCPv4 client has no address to ask by. */
        if (kind == BW_WISH_DHCP && family == BW_FAMILY_IPV4)
                words.src = NULL;
        /* Router advertisements come from link-local addresses. */
        if (kind == BW_WISH_RA)
                words.src = NULL;
        expect(scene, &words, reasons[kind]);
        words.dst = others;
        expect(scene, &words, reasons[kind]);
        words.in = host->port;
        words.src = words.src ? hosts : NULL;
        expect(scene, &words, BW_REASON_NONE);
        words.in = guest->port;
        words.src_mac = bw_mac_print(&victim->mac, mac);
        expect(scene, &words, BW_REASON_SPOOFED_MAC);
        words.src_mac = NULL;
        words.vlan = 7;
        expect(scene, &words, BW_REASON_ETHERTYPE);
}

static void test_kinds(void) {
        g_auto(Scene) scene = scene_new();

        for (BwWishKind kind = BW_WISH_PING; kind < BW_WISH_MAX; kind++) {
                if (has_family(kind, BW_FAMILY_IPV4))
                        expect_kind(&scene, kind, BW_FAMILY_IPV4);
                if (has_family(kind, BW_FAMILY_IPV6))
                        expect_kind(&scene, kind, BW_FAMILY_IPV6);
        }
}

static void test_lies(void) {
        g_auto(Scene) scene = scene_new();
        const BwStation *victim = &scene.stage.stations[BW_WHO_VICTIM];
        const char *in = scene.stage.stations[BW_WHO_ATTACKER].port;
        g_autofree char *ipv4 = bw_prefix_print(&victim->ipv4);
        g_autofree char *ipv6 = bw_prefix_print(&victim->ipv6);
        const char *out = scene.stage.stations[BW_WHO_GATEWAY].port;
        const struct {
                BwWishKind kind;
                const char *src;
                BwReason reason;
        } lies[] = {
                { BW_WISH_PING, ipv4, BW_REASON_SPOOFED_IP },
                { BW_WISH_PING, ipv6, BW_REASON_SPOOFED_IP },
                { BW_WISH_ARP, ipv4, BW_REASON_SPOOFED_ARP },
                { BW_WISH_ARP_REPLY, ipv4, BW_REASON_SPOOFED_ARP },
                { BW_WISH_NA, ipv6, BW_REASON_SPOOFED_ND },
        };

        for (guint i = 0; i < G_N_ELEMENTS(lies); i++)
                expect(&scene,
                       &(BwFrameWish){
                               .kind = lies[i].kind, .in = in, .out = out, .src = lies[i].src },
                       lies[i].reason);
}

/* Who has --dst gets it; groups get what RFC 1112 and RFC 2464 say. */
static void test_destinations(void) {
        g_auto(Scene) scene = scene_new();
        const BwStation *victim = &scene.stage.stations[BW_WHO_VICTIM];
        const BwStation *host = &scene.stage.stations[BW_WHO_GATEWAY];
        g_autofree char *owned = bw_prefix_print(&victim->ipv4);
        g_autofree char *derived = bw_prefix_print(&victim->link_local);
        const struct {
                const char *dst;
                BwMac mac;
        } cases[] = {
                { owned, victim->mac },
                { derived, victim->mac },
                { "8.8.8.8", host->mac },
                { "255.255.255.255", { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } } },
                { "239.129.2.3", { { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 } } },
                { "ff02::1:ff01:203", { { 0x33, 0x33, 0xff, 0x01, 0x02, 0x03 } } },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                BwFrameWish words = { .in = scene.stage.stations[BW_WHO_ATTACKER].port,
                                      .dst = cases[i].dst };
                g_autoptr(GByteArray) bytes = build(&scene, &words);
                BwFrame frame = bw_frame_decode(bytes->data, bytes->len);
                g_autofree char *to = bw_prefix_print(&frame.ip.destination);

                g_assert_cmpstr(to, ==, cases[i].dst);
                g_assert_cmpmem(&frame.destination, 6, &cases[i].mac, 6);
        }
}

static void test_hex(void) {
        g_auto(Scene) scene = scene_new();
        BwFrameWish words = { .in = "whoever", .hex = "00:aB cd\n1 2" };
        g_autoptr(GByteArray) bytes = NULL;
        g_autofree char *shown = NULL;

        g_assert_null(bw_frame_wish_build(&words, scene.stations, NULL));
        words.hex = " 00:aB cd\n12 ";
        bytes = build(&scene, &words);
        g_assert_cmpmem(bytes->data, bytes->len, "\x00\xab\xcd\x12", 4);
        shown = bw_show_frame(bytes->data, bytes->len);
        g_assert_cmpstr(shown, ==, "4 bytes, a frame too short to read");
}

static void test_wrong(void) {
        g_auto(Scene) scene = scene_new();
        const char *in = scene.stage.stations[BW_WHO_ATTACKER].port;
        const char *fresh = scene.stage.stations[BW_WHO_FRESH].port;
        const char *stray = scene.stage.stations[BW_WHO_STRANGER].port;
        g_autofree char *long_hex = g_strnfill(2 * (BW_EXPLAIN_MAX_FRAME + 1), '0');
        const struct {
                BwFrameWish words;
                int code;
                const char *help;
        } cases[] = {
                { { .in = "nope" }, BW_ERROR_ABSENT, "no port nope" },
                { { .in = in, .out = "n\x1b" }, BW_ERROR_ABSENT, "n\\x1b" },
                { { .in = in }, BW_ERROR_INVALID, "say --dst" },
                { { .in = in, .dst = "10.0.0.300" }, BW_ERROR_INVALID, "--dst is no address" },
                { { .in = in, .src = "fe80::1", .dst = "10.0.0.3" }, BW_ERROR_INVALID, "families" },
                { { .in = in, .dst = "10.0.0.3", .src_mac = "5" }, BW_ERROR_INVALID, "--src-mac" },
                { { .in = in, .dst = "10.0.0.3", .dst_mac = "52:54:00:00:00:01:" },
                  BW_ERROR_INVALID,
                  "--dst-mac" },
                { { .in = fresh, .dst = "10.0.0.3" }, BW_ERROR_INVALID, "say --src" },
                { { .in = stray, .dst = "10.0.0.3" }, BW_ERROR_INVALID, "say --src-mac" },
                { { .in = in, .dst = "10.0.0.3", .vlan = 4095 }, BW_ERROR_INVALID, "--vlan" },
                { { .in = in, .dst = "10.0.0.3", .vlan = -1 }, BW_ERROR_INVALID, "--vlan" },
                { { .kind = BW_WISH_RA, .in = in, .src = "10.0.0.3" }, BW_ERROR_INVALID, "IPv6" },
                { { .kind = BW_WISH_ARP, .in = in, .dst = "fe80::1" }, BW_ERROR_INVALID, "IPv4" },
                { { .in = in, .hex = "0" }, BW_ERROR_INVALID, "pairs" },
                { { .in = in, .hex = "0x00" }, BW_ERROR_INVALID, "pairs" },
                { { .in = in, .hex = long_hex }, BW_ERROR_INVALID, "longer" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;

                g_assert_null(bw_frame_wish_build(&cases[i].words, scene.stations, &error));
                if (!strstr(error->message, cases[i].help))
                        g_error("no \"%s\" in: %s", cases[i].help, error->message);
                g_assert_error(error, BW_ERROR, cases[i].code);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/frame-words/kinds", test_kinds);
        g_test_add_func("/frame-words/lies", test_lies);
        g_test_add_func("/frame-words/destinations", test_destinations);
        g_test_add_func("/frame-words/hex", test_hex);
        g_test_add_func("/frame-words/wrong", test_wrong);
        return g_test_run();
}
