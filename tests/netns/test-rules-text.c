/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rules as text against the real tools: what iptables-legacy-restore and nft load from it is
 * what the adapters would have written, rule by rule and element by element.
 */

#include <bw/rules_text.h>
#include <command.h>
#include <glib/gstdio.h>
#include <iptables.h>
#include <netns.h>
#include <nftables.h>
#include <settings.h>

#define FILE_NAME "/run/bridgewarden-rules"

static const char *const settings =
        "[Guard]\nUnknownPorts=drop\nBridges=br1 br2\n[Bridge br1]\nNetworks=10.0.0.0/8\n"
        "[Bridge br2]\nMode=monitor\n"
        "[Port vk1]\nMACs=52:54:00:00:00:01\nAddresses=10.0.0.1 10.1.0.0/16 2001:db8::1\n"
        "[Port $(x)*y]\nMACs=52:54:00:00:00:02\nAddresses=10.0.0.2 2001:db8:7::/64\n"
        "[Port fresh]\nMACs=52:54:00:00:00:03\n"
        "[Port closed]\nAddresses=nonsense\n"
        "[Port host]\nRole=host\nRouter=yes\nDhcpServer=yes\nMACs=52:54:00:00:00:05\n"
        "Addresses=10.0.0.254\n";

typedef struct World {
        BwModel *model;
        BwPlan *plan;
        GPtrArray *elsewhere;
} World;

static World world_new(void) {
        static const char *const names[] = { "vk1",  "$(x)*y", "fresh", "closed",
                                             "host", "stray",  "there", "far" };
        g_autoptr(BwConfig) config = bw_test_config_from_text(settings);
        World world = { .model = bw_model_new() };
        BwLink link;

        for (int i = 1; i <= 3; i++) {
                g_autofree char *name = g_strdup_printf("br%d", i);

                link = bw_test_bridge(i, name);
                bw_test_tell_link(world.model, &link);
        }
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                BwMac mac = { { 0x52, 0x54, 0, 0, 0, (uint8_t) (i + 1) } };

                link = bw_test_tap((int) (10 + i), names[i], mac, i < 6 ? 1 : i == 6 ? 2 : 3);
                bw_test_tell_link(world.model, &link);
        }
        world.plan = bw_plan_new(world.model, config);
        world.elsewhere = bw_nft_list_elsewhere(world.model, world.plan);
        g_assert_cmpuint(world.elsewhere->len, ==, 1);
        return world;
}

static void world_clear(World *world) {
        g_ptr_array_unref(world->elsewhere);
        bw_plan_free(world->plan);
        bw_model_free(world->model);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static void store(const char *text) {
        g_assert_nonnull(text);
        g_assert_true(g_file_set_contents(FILE_NAME, text, -1, NULL));
}

static void expect_table(const BwPlan *plan, BwIptTable table, bool right) {
        g_autoptr(GPtrArray) chains = bw_ipt_compile(plan, table);
        g_autoptr(GError) error = NULL;
        bool equal = !right;

        bw_iptables_check(table, chains, &equal, &error);
        g_assert_no_error(error);
        g_assert_cmpint(equal, ==, right);
}

static void load_iptables(const BwPlan *plan, BwFamily family) {
        g_autofree char *text = bw_rules_text_iptables(plan, family);

        if (!text)
                return;
        store(text);
        bw_test_run("%s-legacy-restore --test " FILE_NAME, bw_rules_text_command(family));
        bw_test_run("%s-legacy-restore --noflush " FILE_NAME, bw_rules_text_command(family));
}

static void test_iptables(void) {
        g_auto(World) world = world_new();

        bw_test_run("iptables-legacy -t raw -A PREROUTING -p icmp -j ACCEPT");
        expect_table(world.plan, BW_IPT_RAW, false);
        load_iptables(world.plan, BW_FAMILY_IPV4);
        load_iptables(world.plan, BW_FAMILY_IPV6);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                expect_table(world.plan, table, true);
        /* Others' rules are there yet, behind ours. */
        g_assert_true(bw_test_try("iptables-legacy -t raw -C PREROUTING -p icmp -j ACCEPT"));
        /* And the comparison would see one rule too few. */
        bw_test_run("iptables-legacy -t raw -D bw-i-vk1 1");
        expect_table(world.plan, BW_IPT_RAW, false);
}

static void expect_nftables(BwNftables *nftables, const BwNftTable *table, bool right) {
        g_autoptr(GError) error = NULL;
        bool equal = !right;

        bw_nftables_check(nftables, table, &equal, &error);
        g_assert_no_error(error);
        g_assert_cmpint(equal, ==, right);
}

static void test_nftables(void) {
        g_auto(World) world = world_new();
        g_autofree char *text = bw_rules_text_nftables(world.plan, world.elsewhere);
        g_autoptr(BwNftTable) table = bw_nft_compile(world.plan, world.elsewhere);
        g_autoptr(BwNftables) nftables = bw_nftables_new();

        store(text);
        expect_nftables(nftables, table, false);
        bw_test_run("nft -c -f " FILE_NAME);
        bw_test_run("nft -f " FILE_NAME);
        expect_nftables(nftables, table, true);
        bw_test_run("nft delete element bridge " BW_NFT_TABLE " bound '{ \"vk1\" }'");
        expect_nftables(nftables, table, false);
}

static void test_skipped(void) {
        g_test_skip("this machine allows no namespaces of one's own");
}

int main(int argc, char **argv) {
        bool own_world = bw_test_enter_netns();

        g_test_init(&argc, &argv, NULL);
        if (!own_world) {
                g_test_add_func("/rules-text", test_skipped);
                return g_test_run();
        }
        g_test_add_func("/rules-text/iptables", test_iptables);
        g_test_add_func("/rules-text/nftables", test_nftables);
        return g_test_run();
}
