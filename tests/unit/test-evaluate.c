/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings.h"

#include <bw/corpus.h>
#include <bw/corpus_packet.h>
#include <bw/evaluate.h>
#include <netinet/in.h>
#include <string.h>

typedef struct Scene {
        BwScene stage;
        BwPlan *plan;
        const BwBridgePlan *bridge;
        GPtrArray *frames;
} Scene;

static Scene scene_of(BwScene stage, const char *more) {
        static const char *const none[] = { NULL };
        Scene scene = { .stage = stage };

        g_strlcpy(scene.stage.stations[BW_WHO_STRANGER].port, "stray", BW_IFNAME_SIZE);
        scene.plan = bw_scene_plan_new(&scene.stage, none, more);
        scene.bridge = scene.plan->bridges->pdata[scene.plan->bridges->len - 1];
        scene.frames = bw_corpus_new(&scene.stage);
        return scene;
}

/* The scene, with @more said of it. */
static Scene scene_new(const char *more) {
        return scene_of(bw_scene_new(), more);
}

static void scene_clear(Scene *scene) {
        bw_plan_free(scene->plan);
        g_ptr_array_unref(scene->frames);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static const BwPortPlan *port_of(const Scene *scene, BwWho who) {
        return bw_plan_find_port(scene->plan, scene->stage.stations[who].port, NULL);
}

static BwVerdict verdict_on(const Scene *scene, BwWho who, BwDirection direction,
                            const GByteArray *bytes) {
        const BwBridgePlan *bridge;
        const BwPortPlan *port =
                bw_plan_find_port(scene->plan, scene->stage.stations[who].port, &bridge);

        if (direction == BW_DIRECTION_IN)
                return bw_evaluate_in(scene->plan, bridge, port, bytes->data, bytes->len);
        return bw_evaluate_out(scene->plan, bridge, port, bytes->data, bytes->len);
}

static const BwCorpusFrame *find(const Scene *scene, const char *name) {
        for (guint i = 0; i < scene->frames->len; i++) {
                const BwCorpusFrame *frame = scene->frames->pdata[i];

                if (g_str_equal(frame->name, name))
                        return frame;
        }
        g_error("the corpus has no frame %s", name);
}

/* The corpus */

static bool check(const BwCorpusFrame *frame, const BwVerdict *verdict, BwReason right) {
        if (verdict->reason == right)
                return true;
        g_test_message("%s, %s: %s (%s), and must be %s", frame->name,
                       bw_direction_name(verdict->direction), bw_reason_name(verdict->reason),
                       verdict->detail ? verdict->detail : "-", bw_reason_name(right));
        g_test_fail();
        return false;
}

static void check_form(const BwVerdict *verdict, const BwPortPlan *port) {
        g_assert_true((verdict->reason == BW_REASON_NONE) == (verdict->detail == NULL));
        g_assert_cmpint(verdict->drops, ==,
                        verdict->reason != BW_REASON_NONE && port->mode != BW_MODE_MONITOR);
        g_assert_true(verdict->port == port);
}

static void check_corpus(BwScene stage) {
        g_auto(Scene) scene = scene_of(stage, "");

        for (guint i = 0; i < scene.frames->len; i++) {
                const BwCorpusFrame *frame = scene.frames->pdata[i];
                BwVerdict in = verdict_on(&scene, frame->from, BW_DIRECTION_IN, frame->bytes);
                BwVerdict out = verdict_on(&scene, frame->to, BW_DIRECTION_OUT, frame->bytes);

                check(frame, &in, frame->in);
                check(frame, &out, frame->out);
                check_form(&in, port_of(&scene, frame->from));
                check_form(&out, port_of(&scene, frame->to));
        }
}

static void test_corpus(void) {
        check_corpus(bw_scene_new());
        check_corpus(bw_scene_new_joined());
}

/* As large as promised, each name once, each attack with a legal twin, each reason met. */
static void test_corpus_is_whole(void) {
        g_auto(Scene) scene = scene_of(bw_scene_new_joined(), "");
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) hostile_bytes = g_hash_table_new(g_bytes_hash, g_bytes_equal);
        g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
        static const unsigned attacks[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                            13, 14, 15, 18, 19, 20, 21, 26, 27, 28, 29 };
        unsigned met[BW_REASON_MAX] = {}, hostile[40] = {}, legal = 0;

        for (guint i = 0; i < scene.frames->len; i++) {
                const BwCorpusFrame *frame = scene.frames->pdata[i];
                GBytes *bytes = g_bytes_new(frame->bytes->data, frame->bytes->len);

                g_ptr_array_add(kept, bytes);
                if (!g_hash_table_add(names, frame->name))
                        g_error("two frames are called %s", frame->name);
                met[frame->in]++;
                met[frame->out]++;
                legal += !bw_corpus_frame_is_hostile(frame);
                hostile[frame->attack] += bw_corpus_frame_is_hostile(frame);
                if (bw_corpus_frame_is_hostile(frame))
                        g_hash_table_add(hostile_bytes, bytes);
        }
        g_test_message("%u distinct hostile frames, %u legal ones",
                       g_hash_table_size(hostile_bytes), legal);
        g_assert_cmpuint(g_hash_table_size(hostile_bytes), >=, 200);
        g_assert_cmpuint(legal, >=, 100);
        for (unsigned i = 0; i < G_N_ELEMENTS(attacks); i++)
                g_assert_cmpuint(hostile[attacks[i]], >, 0);
        for (unsigned i = BW_REASON_UNBOUND; i < BW_REASON_MAX; i++)
                g_assert_cmpuint(met[i], >, 0);
}

/* States and modes */

static void check_all(const Scene *scene, BwWho who, BwReason reason, bool drops) {
        for (guint i = 0; i < scene->frames->len; i++) {
                const BwCorpusFrame *frame = scene->frames->pdata[i];

                for (unsigned k = 0; k < 2; k++) {
                        BwVerdict verdict = verdict_on(scene, who, (BwDirection) k, frame->bytes);

                        check(frame, &verdict, reason);
                        g_assert_cmpint(verdict.drops, ==, drops);
                }
        }
}

static void test_strangers(void) {
        g_auto(Scene) dropping = scene_new("");
        g_auto(Scene) monitoring = scene_new("[Bridge virbr6]\nUnknownPorts=monitor\n");
        g_auto(Scene) accepting = scene_new("[Bridge virbr6]\nUnknownPorts=accept\n");
        BwVerdict unknown = bw_evaluate_in(dropping.plan, dropping.bridge, NULL, NULL, 0);

        check_all(&dropping, BW_WHO_STRANGER, BW_REASON_UNBOUND, true);
        check_all(&monitoring, BW_WHO_STRANGER, BW_REASON_UNBOUND, false);
        check_all(&accepting, BW_WHO_STRANGER, BW_REASON_NONE, false);
        g_assert_true(unknown.drops && !unknown.port);
}

static void test_closed_and_off(void) {
        g_auto(Scene) closed = scene_new("[Port vk63]\nColour=blue\n");
        g_auto(Scene) off = scene_new("[Port vk63]\nMode=off\n");

        check_all(&closed, BW_WHO_ATTACKER, BW_REASON_UNBOUND, true);
        check_all(&off, BW_WHO_ATTACKER, BW_REASON_NONE, false);
}

/* The same rules, and nothing is dropped. */
static void test_monitor(void) {
        g_auto(Scene) scene = scene_new("[Port vk63]\nMode=monitor\n");

        for (guint i = 0; i < scene.frames->len; i++) {
                const BwCorpusFrame *frame = scene.frames->pdata[i];
                BwVerdict in = verdict_on(&scene, frame->from, BW_DIRECTION_IN, frame->bytes);

                check(frame, &in, frame->in);
                if (frame->from == BW_WHO_ATTACKER)
                        g_assert_false(in.drops);
        }
}

static void check_one(const Scene *scene, const char *name, BwDirection direction, BwReason right) {
        const BwCorpusFrame *frame = find(scene, name);
        BwVerdict verdict =
                verdict_on(scene, direction == BW_DIRECTION_IN ? frame->from : frame->to, direction,
                           frame->bytes);

        check(frame, &verdict, right);
}

static void test_without_address(void) {
        g_auto(Scene) scene = scene_new("");
        const char *const pass[] = { "dhcp/request",
                                     "dhcp/request-options",
                                     "dhcp/request-unfragmented",
                                     "dhcp/message/other-hops",
                                     "dhcp/message/behind-the-client",
                                     "dhcp/message/shortest",
                                     NULL };
        BwPortPlan *port = (BwPortPlan *) port_of(&scene, BW_WHO_ATTACKER);

        g_array_set_size(port->addresses, 0);
        port->state = BW_PORT_UNADDRESSED;
        for (guint i = 0; i < scene.frames->len; i++) {
                const BwCorpusFrame *frame = scene.frames->pdata[i];
                BwVerdict in = verdict_on(&scene, BW_WHO_ATTACKER, BW_DIRECTION_IN, frame->bytes);

                check(frame, &in,
                      g_strv_contains(pass, frame->name) ? BW_REASON_NONE : BW_REASON_UNBOUND);
        }
}

/* Its own, but behind a tag: nothing there is for somebody who has no address in any VLAN. */
static void check_tagged_offer(const Scene *scene) {
        const BwCorpusFrame *offer = find(scene, "dhcp/offer-to-the-client");
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        BwVerdict out;

        g_byte_array_append(bytes, offer->bytes->data, 12);
        g_byte_array_append(bytes, (const guint8 *) "\x81\x00\x00\x07", 4);
        g_byte_array_append(bytes, offer->bytes->data + 12, offer->bytes->len - 12);
        out = verdict_on(scene, BW_WHO_VICTIM, BW_DIRECTION_OUT, bytes);
        g_assert_cmpint(out.reason, ==, BW_REASON_UNBOUND);
}

/* Only what is for the client itself. */
static void test_without_address_receives(void) {
        g_auto(Scene) scene = scene_new("");
        BwPortPlan *port = (BwPortPlan *) port_of(&scene, BW_WHO_VICTIM);

        g_array_set_size(port->addresses, 0);
        port->state = BW_PORT_UNADDRESSED;
        check_one(&scene, "dhcp/offer-to-the-client", BW_DIRECTION_OUT, BW_REASON_NONE);
        check_one(&scene, "dhcp/offer-to-another", BW_DIRECTION_OUT, BW_REASON_UNBOUND);
        check_one(&scene, "ipv4/udp/unicast/own", BW_DIRECTION_OUT, BW_REASON_UNBOUND);
        check_one(&scene, "arp/request/sender-ip/own", BW_DIRECTION_OUT, BW_REASON_UNBOUND);
        check_tagged_offer(&scene);
}

static void test_any_address(void) {
        g_auto(Scene) scene = scene_new("[Port vk63]\nAddresses=any\n[Port vk64]\nAddresses=any\n");

        g_assert_cmpint(port_of(&scene, BW_WHO_ATTACKER)->state, ==, BW_PORT_ANY_ADDRESS);
        check_one(&scene, "ipv4/udp/unicast/gateway", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "ipv6/17/link-local-gateway", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "arp/reply/sender-ip/gateway", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "nd/advertisement/target/gateway", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "arp/reply/sender-mac/gateway", BW_DIRECTION_IN, BW_REASON_SPOOFED_ARP);
        check_one(&scene, "nd/advertisement/option/gateway", BW_DIRECTION_IN, BW_REASON_SPOOFED_ND);
        check_one(&scene, "mac/victim/own-ipv4", BW_DIRECTION_IN, BW_REASON_SPOOFED_MAC);
        check_one(&scene, "tag/vlan-0/own-ipv4", BW_DIRECTION_IN, BW_REASON_ETHERTYPE);
        check_one(&scene, "router/134/plain/own", BW_DIRECTION_IN, BW_REASON_ROGUE_RA);
        check_one(&scene, "dhcp/server/offer", BW_DIRECTION_IN, BW_REASON_ROGUE_DHCP);
        check_one(&scene, "delivery/to-victims-mac/own/ipv4/17/gateway", BW_DIRECTION_OUT,
                  BW_REASON_NONE);
        check_one(&scene, "delivery/flooded/own/ipv4/17/gateway", BW_DIRECTION_OUT,
                  BW_REASON_FLOODED);
        check_one(&scene, "behind-tags/delivery/to-victims-mac/own/ipv4/17/gateway",
                  BW_DIRECTION_OUT, BW_REASON_NONE);
}

/* Every permission opens what it says, for the port that has it. */
static void test_permissions(void) {
        g_auto(Scene) dhcp = scene_new("[Port vk63]\nDhcpServer=yes\n");
        g_auto(Scene) router = scene_new("[Port vk63]\nRouter=yes\n");
        g_auto(Scene) querier = scene_new("[Port vk63]\nQuerier=yes\n");

        check_one(&dhcp, "dhcp/server/offer", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&dhcp, "dhcpv6/reply/own", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&dhcp, "dhcp/server/as-gateway", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&dhcp, "router/134/plain/own", BW_DIRECTION_IN, BW_REASON_ROGUE_RA);
        check_one(&querier, "mld/query/own", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&querier, "ipv4/igmp-query/own", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&querier, "router/137/plain/own", BW_DIRECTION_IN, BW_REASON_REDIRECT);
        check_one(&router, "router/134/plain/own", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&router, "router/137/plain/own", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&router, "ipv4/redirect/own", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&router, "router/134/hop-by-hop/own", BW_DIRECTION_IN, BW_REASON_SPOOFED_ND);
        check_one(&router, "dhcp/server/offer", BW_DIRECTION_IN, BW_REASON_ROGUE_DHCP);
        check_one(&router, "mld/query/own", BW_DIRECTION_IN, BW_REASON_ROGUE_QUERIER);
}

/* A router carries what nobody here owns, and claims its own addresses only. */
static void test_router(void) {
        g_auto(Scene) scene = scene_new("[Port vk63]\nRouter=yes\n[Port vk64]\nRouter=yes\n");

        check_one(&scene, "ipv4/udp/unicast/nobody", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "ipv6/17/nobody", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "ipv4/udp/unicast/gateway", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&scene, "ipv6/17/gateway", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&scene, "ipv6/17/link-local-gateway", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&scene, "ipv4/udp/from-0.0.0.0", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&scene, "ipv4/udp/from-127.0.0.1", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&scene, "ipv4/udp/from-8.8.8.8", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "ipv6/17/::1", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&scene, "arp/reply/sender-ip/nobody", BW_DIRECTION_IN, BW_REASON_SPOOFED_ARP);
        check_one(&scene, "nd/advertisement/target/nobody", BW_DIRECTION_IN, BW_REASON_SPOOFED_ND);
        check_one(&scene, "delivery/to-victims-mac/own/ipv4/17/nobody", BW_DIRECTION_OUT,
                  BW_REASON_NONE);
        check_one(&scene, "delivery/to-victims-mac/own/ipv6/6/nobody", BW_DIRECTION_OUT,
                  BW_REASON_NONE);
        check_one(&scene, "delivery/to-victims-mac/own/ipv4/17/gateway", BW_DIRECTION_OUT,
                  BW_REASON_MISDELIVERED);
        check_one(&scene, "delivery/to-victims-mac/own/ipv6/6/gateway", BW_DIRECTION_OUT,
                  BW_REASON_MISDELIVERED);
        check_one(&scene, "ipv4/udp/unicast/victim", BW_DIRECTION_OUT, BW_REASON_REFLECTED);
}

static void test_link_local(void) {
        g_auto(Scene) strict =
                scene_new("[Port vk63]\nLinkLocal=declared\nAddresses=192.168.50.13 2001:db8:50::d "
                          "fe80::7\n");
        g_auto(Scene) shared = scene_new("[Port vk64]\nMACs=52:54:00:9f:5d:0d\n");
        g_auto(Scene) taken = scene_new("[Port vk64]\nAddresses=fe80::1c2d:3e4f:5061:7283\n");

        check_one(&strict, "ipv6/17/link-local-own", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&strict, "ipv6/17/link-local-private", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        check_one(&strict, "nd/detection/link-local/own", BW_DIRECTION_IN, BW_REASON_SPOOFED_ND);
        check_one(&strict, "nd/advertisement/link-local/nobody", BW_DIRECTION_IN,
                  BW_REASON_SPOOFED_ND);
        check_one(&taken, "ipv6/17/link-local-private", BW_DIRECTION_IN, BW_REASON_SPOOFED_IP);
        /* What its own MAC gives is its own, though another port has the same MAC. */
        check_one(&shared, "ipv6/17/link-local-own", BW_DIRECTION_IN, BW_REASON_NONE);
}

/* What is both spoofed and tagged is told as tagged: the first reason is the one reported. */
static void test_order(void) {
        g_auto(Scene) scene = scene_new("");
        const BwCorpusFrame *tagged = find(&scene, "tag/vlan-0/spoofed-ipv4");
        const BwCorpusFrame *offer = find(&scene, "dhcp/server/as-gateway");
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        BwMac victim = scene.stage.stations[BW_WHO_VICTIM].mac;
        BwVerdict verdict;

        g_byte_array_append(bytes, tagged->bytes->data, tagged->bytes->len);
        memcpy(bytes->data + 6, victim.octet, 6);
        verdict = verdict_on(&scene, BW_WHO_ATTACKER, BW_DIRECTION_IN, bytes);
        g_assert_cmpint(verdict.reason, ==, BW_REASON_ETHERTYPE);
        g_assert_cmpstr(verdict.detail, ==, "a VLAN tag");

        g_byte_array_set_size(bytes, 0);
        g_byte_array_append(bytes, offer->bytes->data, offer->bytes->len);
        verdict = verdict_on(&scene, BW_WHO_ATTACKER, BW_DIRECTION_IN, bytes);
        g_assert_cmpint(verdict.reason, ==, BW_REASON_ROGUE_DHCP);
        memcpy(bytes->data + 6, victim.octet, 6);
        verdict = verdict_on(&scene, BW_WHO_ATTACKER, BW_DIRECTION_IN, bytes);
        g_assert_cmpint(verdict.reason, ==, BW_REASON_SPOOFED_MAC);
}

static void test_engines(void) {
        g_auto(Scene) scene = scene_new("");
        static const struct {
                const char *name;
                BwReason reason;
                bool iptables;
        } cases[] = {
                { "ipv4/udp/unicast/gateway", BW_REASON_SPOOFED_IP, true },
                { "ipv6/17/gateway", BW_REASON_SPOOFED_IP, true },
                { "ipv4/udp/unicast/own", BW_REASON_NONE, true },
                { "delivery/to-victims-mac/own/ipv6/6/gateway", BW_REASON_MISDELIVERED, true },
                { "delivery/flooded/own/ipv4/17/gateway", BW_REASON_FLOODED, false },
                { "mac/victim/own-ipv4", BW_REASON_SPOOFED_MAC, false },
                { "arp/reply/sender-ip/gateway", BW_REASON_SPOOFED_ARP, false },
                { "arp/reply/sender-ip/gateway", BW_REASON_UNBOUND, false },
                { "arp/reply/sender-ip/own", BW_REASON_NONE, false },
                { "tag/vlan-0/spoofed-ipv4", BW_REASON_UNBOUND, false },
                { "ipv4/udp/unicast/own", BW_REASON_UNBOUND, true },
                { "router/134/plain/own", BW_REASON_ROGUE_RA, false },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                const GByteArray *bytes = find(&scene, cases[i].name)->bytes;

                BwVerdict verdict = { .reason = cases[i].reason };

                g_assert_cmpuint(bw_evaluate_engines(&verdict, bytes->data, bytes->len), ==,
                                 cases[i].iptables ? BW_ENGINE_ALL
                                                   : BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
        }
}

/* Of what is wrong at a border, iptables sees what an IP address shows. */
static void test_engines_of_borders(void) {
        g_auto(Scene) scene = scene_of(bw_scene_new_joined(), "");
        static const struct {
                const char *name;
                bool iptables;
        } cases[] = {
                { "border/uplink/udp4/victim", true },
                { "border/link/udp6/gateway", true },
                { "border/uplink/udp4-tagged/victim", false },
                { "border/uplink/arp-request/victim", false },
                { "border/uplink/advertisement/victim", false },
                { "border/uplink/ethernet-source/victim", false },
                { "border/closed/udp4/nobody", true },
                { "border/uplink/hidden/ipv4-cut", false },
                { "border/uplink/hidden/authentication", false },
                { "border/to-uplink/udp6/victim", true },
                { "border/to-uplink/mac/victim", false },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                const BwCorpusFrame *frame = find(&scene, cases[i].name);
                bool in = frame->in != BW_REASON_NONE;
                BwVerdict verdict =
                        verdict_on(&scene, in ? frame->from : frame->to,
                                   in ? BW_DIRECTION_IN : BW_DIRECTION_OUT, frame->bytes);

                g_assert_cmpint(verdict.reason, !=, BW_REASON_NONE);
                g_assert_cmpuint(
                        bw_evaluate_engines(&verdict, frame->bytes->data, frame->bytes->len), ==,
                        cases[i].iptables ? BW_ENGINE_ALL : BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
        }
}

/* Ethernet source, ARP sender and chaddr may be different ones of the port's own. */
static void test_two_macs(void) {
        g_auto(Scene) scene = scene_new("[Port vk63]\nMACs=52:54:00:9f:5d:0d 52:54:00:9f:5d:63\n");

        check_one(&scene, "arp/reply/sender-mac/nobody", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "mac/nobody/own-arp", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "dhcp/nobodys-client", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "nd/advertisement/option/nobody", BW_DIRECTION_IN, BW_REASON_NONE);
        check_one(&scene, "arp/reply/sender-mac/victim", BW_DIRECTION_IN, BW_REASON_SPOOFED_ARP);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/evaluate/corpus", test_corpus);
        g_test_add_func("/evaluate/corpus/whole", test_corpus_is_whole);
        g_test_add_func("/evaluate/strangers", test_strangers);
        g_test_add_func("/evaluate/closed-off", test_closed_and_off);
        g_test_add_func("/evaluate/monitor", test_monitor);
        g_test_add_func("/evaluate/without-address", test_without_address);
        g_test_add_func("/evaluate/without-address/receives", test_without_address_receives);
        g_test_add_func("/evaluate/any-address", test_any_address);
        g_test_add_func("/evaluate/permissions", test_permissions);
        g_test_add_func("/evaluate/router", test_router);
        g_test_add_func("/evaluate/link-local", test_link_local);
        g_test_add_func("/evaluate/order", test_order);
        g_test_add_func("/evaluate/engines", test_engines);
        g_test_add_func("/evaluate/engines-of-borders", test_engines_of_borders);
        g_test_add_func("/evaluate/two-macs", test_two_macs);
        return g_test_run();
}
