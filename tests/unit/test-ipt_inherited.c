/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Ports that keep the rules of a former run are judged as they were
 *
 * Some chains the former run has left lead to are written anew for all ports of the bridge, by a
 * run that knows of these ports only what their chains say. late is such a port, made anew between
 * the runs; web, mail and two are declared in both.
 */

#include "interpreter.h"
#include "settings.h"

#include <bw/ipt_compile.h>
#include <bw/ipt_former.h>
#include <string.h>

#define DECLARED                                                                                   \
        "[Port web]\nMACs=52:54:00:00:00:03\nAddresses=192.0.2.13 2001:db8::13\n"                  \
        "Mode=enforce\n"                                                                           \
        "[Port mail]\nMACs=52:54:00:00:00:04\nAddresses=192.0.2.14 2001:db8::14\n"                 \
        "Mode=enforce\n"                                                                           \
        "[Port two]\nMACs=52:54:00:00:00:05\nAddresses=192.0.2.15 192.0.2.16\nMode=enforce\n"

/* What the kernel holds, and who is where. */
typedef struct Scene {
        BwPlan *plan;
        int late; /* the port's ifindex */
        GPtrArray *chains[BW_IPT_TABLE_MAX];
        BwTestInterpreter *interpreters[BW_IPT_TABLE_MAX];
} Scene;

static const BwIptChain *find(const GPtrArray *chains, const char *name) {
        for (guint i = 0; i < chains->len; i++)
                if (g_str_equal(((const BwIptChain *) chains->pdata[i])->name, name))
                        return chains->pdata[i];
        return NULL;
}

static bool was_guarded(const char *port, BwInheritedPort *ret, gconstpointer user) {
        static const BwIptTable tables[] = { BW_IPT_RAW, BW_IPT_RAW6 };
        const Scene *former = user;
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_port_chain("i", port, name);
        for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
                const BwIptChain *chain = find(former->chains[tables[i]], name);

                if (!chain)
                        return false;
                bw_ipt_former_add_own(chain, ret->addresses, ret->macs);
        }
        return true;
}

static void keep(GPtrArray *chains, const BwIptChain *chain) {
        g_ptr_array_add(chains, bw_ipt_chain_ref((BwIptChain *) chain));
}

/* What they lead to stays, too, but for what was wanted. */
static void keep_former(GPtrArray *chains, const GPtrArray *former, const char *name) {
        const BwIptChain *chain = find(former, name);

        if (!chain || find(chains, name))
                return;
        keep(chains, chain);
        for (guint i = 0; i < chain->rules->len; i++)
                keep_former(chains, former, g_array_index(chain->rules, BwIptRule, i).chain);
}

/* (transfer full): what the kernel holds then, as daemon/ipt_table.c has it. */
static GPtrArray *write_over(const GPtrArray *former, const GPtrArray *wanted) {
        GPtrArray *chains = g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_unref);

        for (guint i = 0; i < wanted->len; i++)
                if (!((const BwIptChain *) wanted->pdata[i])->opaque)
                        keep(chains, wanted->pdata[i]);
        for (guint i = 0; former && i < wanted->len; i++)
                if (((const BwIptChain *) wanted->pdata[i])->opaque)
                        keep_former(chains, former, ((const BwIptChain *) wanted->pdata[i])->name);
        return chains;
}

static void tell_links(BwModel *model, int late) {
        static const char *const names[] = { "web", "mail", "two", "late" };
        const int indexes[] = { 10, 11, 12, late };
        BwLink bridge = bw_test_bridge(1, "virbr6");

        bw_test_tell_link(model, &bridge);
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
                BwMac mac = { { 0x52, 0x54, 0, 0, 0, (uint8_t) (3 + i) } };
                BwLink tap = bw_test_tap(indexes[i], names[i], mac, 1);

                bw_test_tell_link(model, &tap);
        }
}

/* @former: NULL for a run after which nothing was left. */
static Scene scene_new(const char *settings, const Scene *former) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwConfig) config = bw_test_config_from_text(settings);
        Scene scene = { .late = former ? 23 : 13 };

        tell_links(model, scene.late);
        scene.plan = bw_plan_new(model, config);
        if (former)
                bw_plan_keep_inherited(scene.plan, model, was_guarded, former);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) wanted = bw_ipt_compile(scene.plan, table);

                scene.chains[table] = write_over(former ? former->chains[table] : NULL, wanted);
                scene.interpreters[table] = bw_test_interpreter_new(scene.chains[table]);
        }
        return scene;
}

static void scene_clear(Scene *scene) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                bw_test_interpreter_free(scene->interpreters[table]);
                g_ptr_array_unref(scene->chains[table]);
        }
        bw_plan_free(scene->plan);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

/* Of a packet; with @client a DHCP reply for the MAC that ends so. */
typedef struct Case {
        BwDirection direction;
        const char *source, *destination;
        uint8_t client;
        BwReason reason;
} Case;

/* From late, or to it. */
static BwTestPacket packet_of(const Scene *scene, const Case *the) {
        bool in = the->direction == BW_DIRECTION_IN;
        BwTestPacket packet = { .in_bridge = "virbr6" };

        g_strlcpy(packet.port_in, in ? "late" : "web", sizeof(packet.port_in));
        if (!in) {
                g_strlcpy(packet.out_bridge, "virbr6", sizeof(packet.out_bridge));
                g_strlcpy(packet.port_out, "late", sizeof(packet.port_out));
                packet.port_out_index = scene->late;
        }
        bw_test_packet_go(&packet, the->source, the->destination);
        if (!the->client)
                return packet;
        packet.udp = true;
        packet.from_port = 67;
        packet.to_port = 68;
        packet.bootp_operation = 2;
        packet.hardware_length = 6;
        packet.client = (BwMac){ { 0x52, 0x54, 0, 0, 0, the->client } };
        return packet;
}

static void check(const Scene *scene, const Case *the) {
        BwTestPacket packet = packet_of(scene, the);
        BwTestVerdict verdict;

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                if (bw_ipt_table_direction(table) != the->direction ||
                    bw_ipt_table_family(table) != packet.family)
                        continue;
                verdict = bw_test_interpret(scene->interpreters[table], bw_ipt_table_root(table),
                                            &packet);
                g_assert_cmpint(verdict.reason, ==, the->reason);
                g_assert_cmpint(verdict.dropped, ==, the->reason != BW_REASON_NONE);
                g_assert_cmpuint(verdict.reports, ==, the->reason != BW_REASON_NONE);
        }
}

/* @late: its section, which the run after does not have. */
static void check_all(const char *settings, const char *late, const Case *cases, gsize n) {
        g_autofree char *all = g_strconcat(settings, late, NULL);
        g_auto(Scene) former = scene_new(all, NULL);
        g_auto(Scene) scene = scene_new(settings, &former);

        g_assert_cmpint(bw_plan_find_port(scene.plan, "late", NULL)->state, ==, BW_PORT_INHERITED);
        for (gsize i = 0; i < n; i++) {
                check(&former, &cases[i]);
                check(&scene, &cases[i]);
        }
}

#define IN  BW_DIRECTION_IN
#define OUT BW_DIRECTION_OUT

static const Case of_late[] = {
        { OUT, "192.0.2.13", "192.0.2.17", 0, BW_REASON_NONE },
        { OUT, "192.0.2.13", "192.0.2.14", 0, BW_REASON_MISDELIVERED },
        { OUT, "192.0.2.17", "192.0.2.17", 0, BW_REASON_REFLECTED },
        { OUT, "192.0.2.17", "224.0.0.1", 0, BW_REASON_REFLECTED },
        { OUT, "192.0.2.17", "192.0.2.14", 0, BW_REASON_MISDELIVERED },
        { OUT, "192.0.2.1", "192.0.2.99", 6, BW_REASON_NONE },
        { OUT, "192.0.2.1", "192.0.2.99", 3, BW_REASON_MISDELIVERED },
        { OUT, "192.0.2.17", "192.0.2.99", 6, BW_REASON_REFLECTED },
        { OUT, "2001:db8::13", "2001:db8::17", 0, BW_REASON_NONE },
        { OUT, "2001:db8::17", "ff02::1", 0, BW_REASON_REFLECTED },
        { OUT, "2001:db8::17", "fe80::9", 0, BW_REASON_REFLECTED },
        { OUT, "2001:db8::17", "fe80::5054:ff:fe00:3", 0, BW_REASON_MISDELIVERED },
        { OUT, "2001:db8::13", "2001:db8::14", 0, BW_REASON_MISDELIVERED },
        { IN, "192.0.2.17", "192.0.2.13", 0, BW_REASON_NONE },
        { IN, "192.0.2.14", "192.0.2.13", 0, BW_REASON_SPOOFED_IP },
        { IN, "2001:db8::14", "2001:db8::13", 0, BW_REASON_SPOOFED_IP },
        { IN, "fe80::5054:ff:fe00:3", "2001:db8::13", 0, BW_REASON_SPOOFED_IP },
};

#define LATE(more)                                                                                 \
        "[Port late]\nMACs=52:54:00:00:00:06\nAddresses=192.0.2.17 2001:db8::17" more "\n"

static void test_one_address(void) {
        check_all(DECLARED, LATE(""), of_late, G_N_ELEMENTS(of_late));
}

/* What comes from its own address is asked of a chain of its own. */
static void test_two_addresses(void) {
        check_all(DECLARED, LATE(" 192.0.2.18 2001:db8::18"), of_late, G_N_ELEMENTS(of_late));
}

/* Nobody else asks for what the bridge's ports have in common. */
static void test_alone(void) {
        check_all("[Guard]\nBridges=virbr6\nUnknownPorts=drop\n", LATE(""), of_late, 8);
}

/* It was declared to be in force; all the run after knows is what holds for the host. */
static void test_in_force_by_itself(void) {
        check_all("[Guard]\nMode=monitor\n" DECLARED, LATE("\nMode=enforce"), of_late,
                  G_N_ELEMENTS(of_late));
}

/* All that is somebody's is barred to a router, and not what is link-local alone. */
static void test_router(void) {
        const Case cases[] = {
                { OUT, "2001:db8::13", "2001:db8::14", 0, BW_REASON_MISDELIVERED },
                { OUT, "2001:db8::13", "2001:db8:9::1", 0, BW_REASON_NONE },
                { OUT, "192.0.2.13", "192.0.2.14", 0, BW_REASON_MISDELIVERED },
                { OUT, "192.0.2.13", "198.51.100.1", 0, BW_REASON_NONE },
                { IN, "2001:db8::14", "2001:db8::13", 0, BW_REASON_SPOOFED_IP },
                { IN, "2001:db8:9::1", "2001:db8::13", 0, BW_REASON_NONE },
                { IN, "192.0.2.14", "192.0.2.13", 0, BW_REASON_SPOOFED_IP },
        };

        check_all(DECLARED, LATE("\nRouter=yes"), cases, G_N_ELEMENTS(cases));
        check_all("[Guard]\nBridges=virbr6\nUnknownPorts=drop\n"
                  "[Port web]\nMACs=52:54:00:00:00:03\nAddresses=2001:db8::13\n"
                  "[Port mail]\nMACs=52:54:00:00:00:04\nAddresses=2001:db8::14\nMode=monitor\n",
                  LATE("\nRouter=yes"), cases, 2);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ipt-inherited/one-address", test_one_address);
        g_test_add_func("/ipt-inherited/two-addresses", test_two_addresses);
        g_test_add_func("/ipt-inherited/alone", test_alone);
        g_test_add_func("/ipt-inherited/in-force-by-itself", test_in_force_by_itself);
        g_test_add_func("/ipt-inherited/router", test_router);
        return g_test_run();
}
