/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Each hazard with what raises it, and with the neighbour that must not. */

#include "settings.h"

#include <bw/hazard.h>
#include <string.h>

#define WEB   "52:54:00:00:00:01"
#define OTHER "52:54:00:00:00:02"
#define BOTH  (BW_ENGINE_BIT(BW_ENGINE_IPTABLES) | BW_ENGINE_BIT(BW_ENGINE_NFTABLES))
#define ALONE BW_ENGINE_BIT(BW_ENGINE_IPTABLES)

/* virbr6 with vnet0 of the running guest "web", vnet1 of nobody, and the far bridge virbr4. */
typedef struct Scene {
        BwModel *model;
        BwLink bridge, far, web, other;
        BwGuest *guest;
        BwHostState host;
        const char *config;
} Scene;

static void set_up(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        scene->model = bw_model_new();
        scene->bridge = bw_test_bridge(1, "virbr6");
        scene->far = bw_test_bridge(2, "virbr4");
        scene->web = bw_test_tap(10, "vnet0", bw_test_mac(WEB), 1);
        scene->other = bw_test_tap(11, "vnet1", bw_test_mac(OTHER), 1);
        scene->guest = bw_test_guest_new("web", "11111111-0000-4000-8000-000000000001", true);
        bw_test_guest_add(scene->guest, bw_test_mac(WEB), "virbr6", "vnet0");
        scene->host = (BwHostState){ .engines = BOTH, .br_netfilter = true };
        scene->config = "[Guest web]\nAddresses=192.168.50.1\n";
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        bw_guest_free(scene->guest);
        bw_model_free(scene->model);
}

/* (transfer full) */
static GPtrArray *list(Scene *scene) {
        g_autoptr(BwConfig) config = bw_test_config_from_text(scene->config);
        g_autoptr(BwTopology) topology = NULL;
        g_autoptr(BwPlan) plan = NULL;

        bw_test_tell_link(scene->model, &scene->bridge);
        bw_test_tell_link(scene->model, &scene->far);
        bw_test_tell_link(scene->model, &scene->web);
        bw_test_tell_link(scene->model, &scene->other);
        bw_test_tell_guest(scene->model, scene->guest);
        topology = bw_topology_new(scene->model);
        plan = bw_plan_new(scene->model, config);
        return bw_hazard_list(scene->model, plan, topology, &scene->host);
}

static void expect_none(Scene *scene) {
        g_autoptr(GPtrArray) found = list(scene);

        for (guint i = 0; i < found->len; i++)
                g_error("%s", ((BwHazard *) found->pdata[i])->sentence);
}

/* That one and no other, and each word is in its sentence. */
static void expect(Scene *scene, BwHazardKind kind, const char *subject, const char *word) {
        g_autoptr(GPtrArray) found = list(scene);
        const BwHazard *hazard;

        g_assert_cmpuint(found->len, ==, 1);
        hazard = found->pdata[0];
        g_assert_cmpstr(bw_hazard_kind_name(hazard->kind), ==, bw_hazard_kind_name(kind));
        g_assert_cmpstr(hazard->subject, ==, subject);
        g_assert_nonnull(strstr(hazard->sentence, word));
        g_assert_false(hazard->repairable);
}

static void expect_repairable(Scene *scene, BwHazardKind kind, bool repairable) {
        g_autoptr(GPtrArray) found = list(scene);
        const BwHazard *hazard;

        g_assert_cmpuint(found->len, ==, 1);
        hazard = found->pdata[0];
        g_assert_cmpstr(bw_hazard_kind_name(hazard->kind), ==, bw_hazard_kind_name(kind));
        g_assert_cmpint(hazard->repairable, ==, repairable);
        g_assert_cmpint(hazard->ifindex, >, 0);
}

static void test_nothing(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(BwTopology) topology = bw_topology_new(scene->model);
        g_autoptr(GPtrArray) found = NULL;

        expect_none(scene);
        scene->bridge.ageing_centiseconds = 0;
        bw_test_tell_link(scene->model, &scene->bridge);
        found = bw_hazard_list(scene->model, NULL, topology, &scene->host);
        g_assert_cmpuint(found->len, ==, 0);
}

static void test_ageing(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        scene->bridge.ageing_centiseconds = 0;
        expect(scene, BW_HAZARD_HUB_MODE, "virbr6", "hub");
        scene->bridge.ageing_centiseconds = 1;
        expect(scene, BW_HAZARD_SHORT_AGEING, "virbr6", "after 0.01 s");
        scene->bridge.ageing_centiseconds = BW_AGEING_LEAST_CENTISECONDS - 1;
        expect(scene, BW_HAZARD_SHORT_AGEING, "virbr6", "after 59.99 s");
        scene->bridge.ageing_centiseconds = BW_AGEING_LEAST_CENTISECONDS;
        expect_none(scene);
        scene->bridge.ageing_centiseconds = 3000;
        scene->bridge.topology_change = true;
        expect_none(scene);
        scene->bridge.topology_change = false;
        expect(scene, BW_HAZARD_SHORT_AGEING, "virbr6", "after 30 s");
        scene->bridge.ageing_centiseconds = 50;
        expect(scene, BW_HAZARD_SHORT_AGEING, "virbr6", "after 0.5 s");
        scene->bridge.ageing_centiseconds = BW_AGEING_DEFAULT_CENTISECONDS;
        /* A bridge nobody guards is nobody's hazard. */
        scene->far.ageing_centiseconds = 0;
        expect_none(scene);
}

static void test_promiscuous(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        /* A port always is, because of its bridge. */
        scene->web.promiscuity = 1;
        expect_none(scene);
        scene->bridge.promiscuity = 1;
        expect(scene, BW_HAZARD_PROMISCUOUS, "virbr6", "by something that cannot be told");
        scene->bridge.promiscuous = true;
        expect(scene, BW_HAZARD_PROMISCUOUS, "virbr6", "by its own setting");
        scene->bridge.promiscuity = 0;
        expect(scene, BW_HAZARD_PROMISCUOUS, "virbr6", "by its own setting");
}

static void test_listeners(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GArray) listeners = g_array_new(FALSE, FALSE, sizeof(BwListener));
        const BwListener all[] = { { 2, (char *) "elsewhere", (char *) "root" },
                                   { 1, (char *) "tcpdump", (char *) "root" },
                                   { 1, (char *) "tcpdump", (char *) "root" },
                                   { 1, NULL, (char *) "1000" },
                                   { 1, NULL, NULL } };

        g_array_append_vals(listeners, all, G_N_ELEMENTS(all));
        scene->host.listeners = listeners;
        expect_none(scene);
        scene->bridge.promiscuity = 4;
        expect(scene, BW_HAZARD_PROMISCUOUS, "virbr6",
               "by the program tcpdump, a program of user 1000, a program.");
}

static void test_upper(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwLink upper = { .ifindex = 20, .name = "macvlan0", .mac = { { 2, 2, 2, 2, 2, 2 } } };

        upper.lower = 2;
        bw_test_tell_link(scene->model, &upper);
        scene->bridge.promiscuity = 1;
        expect(scene, BW_HAZARD_PROMISCUOUS, "virbr6", "by something that cannot be told");
        upper.lower = 1;
        bw_test_tell_link(scene->model, &upper);
        expect(scene, BW_HAZARD_PROMISCUOUS, "virbr6", "by the interface macvlan0");
        upper.mac = scene->bridge.mac;
        bw_test_tell_link(scene->model, &upper);
        expect(scene, BW_HAZARD_PROMISCUOUS, "virbr6", "by something that cannot be told");
}

static void test_tagged(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        scene->host.engines = ALONE;
        expect(scene, BW_HAZARD_TAGGED_UNSEEN, "", "bridge-nf-filter-vlan-tagged");
        scene->host.filter_vlan_tagged = 1;
        expect_none(scene);
        scene->host.filter_vlan_tagged = -1;
        expect_none(scene);
        scene->host.filter_vlan_tagged = 0;
        /* That iptables sees nothing at all is said by itself. */
        scene->host.br_netfilter = false;
        expect_none(scene);
        scene->host.br_netfilter = true;
        scene->host.engines = BW_ENGINE_BIT(BW_ENGINE_NFTABLES);
        expect_none(scene);
        scene->host.engines = ALONE;
        bw_test_tell_link_gone(scene->model, 1);
        scene->config = "[Guard]\nBridges=none-there\n";
        expect_none(scene);
}

static void test_host_address(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwHostAddress link_local = bw_test_host_address(1, "fe80::1/64");
        BwHostAddress own = bw_test_host_address(1, "192.168.50.254/24");

        scene->host.engines = ALONE;
        scene->host.filter_vlan_tagged = 1;
        bw_test_tell_link(scene->model, &scene->bridge);
        bw_test_tell_address(scene->model, &link_local);
        expect_none(scene);
        bw_test_tell_address(scene->model, &own);
        expect(scene, BW_HAZARD_HOST_ADDRESS, "virbr6", "of its own");
        scene->host.engines = BOTH;
        expect_none(scene);
        scene->host.engines = 0;
        expect_none(scene);
}

static void set_arp(Scene *scene, GArray *settings, int ignore, bool filter) {
        BwArpSetting one = { .ifindex = 1, .ignore = ignore, .filter = filter };

        g_array_set_size(settings, 0);
        g_array_append_val(settings, one);
        scene->host.arp = settings;
}

/* virbr6's guests are in 192.168.50.0/24, as the host is, by another link. */
static void test_arp_flux(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        static const struct {
                int ignore;
                bool filter, raises;
        } rows[] = { { 0, false, true },   { 1, false, false }, { 2, false, false },
                     { 3, false, true },   { 4, false, true },  { 8, false, false },
                     { -1, false, false }, { 0, true, false } };
        g_autoptr(GArray) settings = g_array_new(FALSE, TRUE, sizeof(BwArpSetting));
        BwHostAddress elsewhere = bw_test_host_address(2, "192.168.50.254/24");
        BwHostAddress far = bw_test_host_address(2, "192.168.51.254/24");
        BwHostAddress ipv6 = bw_test_host_address(2, "2001:db8::1/64");

        scene->config = "[Guest web]\nAddresses=192.168.50.1\n"
                        "[Bridge virbr6]\nNetworks=192.168.50.0/24\n";
        bw_test_tell_link(scene->model, &scene->far);
        bw_test_tell_address(scene->model, &far);
        bw_test_tell_address(scene->model, &ipv6);
        set_arp(scene, settings, 0, false);
        expect_none(scene);
        bw_test_tell_address(scene->model, &elsewhere);
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                set_arp(scene, settings, rows[i].ignore, rows[i].filter);
                if (rows[i].raises)
                        expect(scene, BW_HAZARD_ARP_FLUX, "virbr6",
                               "elsewhere (192.168.50.254 of virbr4):");
                else
                        expect_none(scene);
        }
        scene->host.arp = NULL;
        expect_none(scene);
        set_arp(scene, settings, 0, false);
        scene->bridge.up = false;
        expect_none(scene);
}

/* What the bridge has itself it may answer for; and of many addresses some are named. */
static void test_arp_flux_own(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GArray) settings = g_array_new(FALSE, TRUE, sizeof(BwArpSetting));
        BwHostAddress own = bw_test_host_address(1, "192.168.50.254/24");
        BwHostAddress same = bw_test_host_address(2, "192.168.50.254/32");

        set_arp(scene, settings, 0, false);
        bw_test_tell_link(scene->model, &scene->bridge);
        bw_test_tell_link(scene->model, &scene->far);
        bw_test_tell_address(scene->model, &own);
        bw_test_tell_address(scene->model, &same);
        expect_none(scene);
        for (unsigned i = 10; i < 16; i++) {
                g_autofree char *text = g_strdup_printf("192.168.50.%u/32", i);
                BwHostAddress one = bw_test_host_address(2, text);

                bw_test_tell_address(scene->model, &one);
        }
        expect(scene, BW_HAZARD_ARP_FLUX, "virbr6", "192.168.50.13 of virbr4 and more):");
}

static void test_hairpin(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        scene->web.flags_known = scene->web.flags = BW_FLAG_BIT(BW_FLAG_LEARNING);
        expect_none(scene);
        scene->web.flags |= BW_FLAG_BIT(BW_FLAG_HAIRPIN);
        expect(scene, BW_HAZARD_HAIRPIN, "vnet0", "hairpin off");
        scene->config = "[Guard]\nBridges=virbr4\n";
        expect_none(scene);
}

static void tell_pair(Scene *scene, int ifindex, const char *name, int bridge, int far) {
        BwLink ends[2] = { { .ifindex = ifindex, .peer = ifindex + 1, .master = bridge },
                           { .ifindex = ifindex + 1, .peer = ifindex, .master = far } };

        for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
                ends[i].kind = BW_LINK_VETH;
                ends[i].up = ends[i].running = true;
                ends[i].stp_state = BW_STP_FORWARDING;
                g_snprintf(ends[i].name, sizeof(ends[i].name), "%s%u", name, i + 1);
                bw_test_tell_link(scene->model, &ends[i]);
        }
}

static void tell_state(Scene *scene, int ifindex, BwStpState state) {
        BwLink end = *bw_model_find_link(scene->model, ifindex);

        end.stp_state = state;
        bw_test_tell_link(scene->model, &end);
}

static void test_loop(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GPtrArray) found = NULL;

        scene->config = "[Guard]\nBridges=virbr6\n[Guest web]\nAddresses=192.168.50.1\n";
        tell_pair(scene, 30, "first", 1, 2);
        expect_none(scene);
        tell_pair(scene, 32, "second", 1, 2);
        found = list(scene);
        g_assert_cmpuint(found->len, >=, 1);
        g_assert_cmpint(((BwHazard *) found->pdata[0])->kind, ==, BW_HAZARD_LOOP);
        g_assert_nonnull(
                strstr(((BwHazard *) found->pdata[found->len - 1])->sentence, "first1, second1"));
        tell_state(scene, 33, BW_STP_BLOCKING);
        expect_none(scene);
}

static void test_short_circuit(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        tell_pair(scene, 30, "pair", 1, 0);
        expect_none(scene);
        tell_pair(scene, 30, "pair", 1, 1);
        expect(scene, BW_HAZARD_LOOP, "virbr6", "pair1, pair2");
}

static void test_programs(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        /* On a stranger's port no rule is gone round. */
        scene->other.filters = scene->other.xdp = true;
        expect_none(scene);
        scene->web.filters = true;
        expect(scene, BW_HAZARD_FILTERS, "vnet0", "tc filter show dev vnet0");
        scene->web.filters = false;
        scene->web.xdp = true;
        expect(scene, BW_HAZARD_XDP, "vnet0", "xdp off");
        scene->web.xdp = false;
        scene->bridge.xdp = true;
        expect(scene, BW_HAZARD_XDP, "virbr6", "bridge virbr6");
        scene->bridge.xdp = false;
        scene->far.xdp = true;
        expect_none(scene);
}

static void test_programs_on_uplink(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        scene->config = "[Guest web]\nAddresses=192.168.50.1\n[Port vnet1]\nRole=uplink\n";
        expect_none(scene);
        scene->other.filters = true;
        expect(scene, BW_HAZARD_FILTERS, "vnet1", "port vnet1");
}

static void add_tcx(GArray *programs, uint32_t id, const char *name, bool egress) {
        BwTcxProgram program = { .id = id, .egress = egress };

        g_strlcpy(program.name, name, sizeof(program.name));
        g_array_append_val(programs, program);
}

static void test_tcx(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GHashTable) tcx = g_hash_table_new(NULL, NULL);
        g_autoptr(GArray) programs = g_array_new(FALSE, FALSE, sizeof(BwTcxProgram));

        scene->host.tcx = tcx;
        expect_none(scene);
        g_hash_table_insert(tcx, GINT_TO_POINTER(10), programs);
        expect_none(scene);
        add_tcx(programs, 1081, "\033[2Jgreedy", false);
        expect(scene, BW_HAZARD_FILTERS, "vnet0", "bpftool prog show id 1081");
        expect(scene, BW_HAZARD_FILTERS, "vnet0", "port vnet0: 1081 (\\x1b[2Jgreedy) at ingress. ");
        add_tcx(programs, 4294967295, "", true);
        expect(scene, BW_HAZARD_FILTERS, "vnet0", "at ingress, 4294967295 at egress. ");
        for (unsigned i = 0; i < 6; i++)
                add_tcx(programs, i, "", true);
        expect(scene, BW_HAZARD_FILTERS, "vnet0", ", 5 at egress. ");
        add_tcx(programs, 99, "", true);
        expect(scene, BW_HAZARD_FILTERS, "vnet0", ", 5 at egress and 1 more. ");
        /* Both are one hazard. */
        scene->web.filters = true;
        expect(scene, BW_HAZARD_FILTERS, "vnet0", "is one, too). Programs of the kind tcx are ");
        scene->web.filters = false;
        g_hash_table_insert(tcx, GINT_TO_POINTER(10), NULL);
        expect_none(scene);
        g_hash_table_insert(tcx, GINT_TO_POINTER(1), programs);
        expect(scene, BW_HAZARD_FILTERS, "virbr6", "bridge virbr6: 1081");
        g_hash_table_remove_all(tcx);
        /* A stranger's port, and a bridge that nobody guards. */
        g_hash_table_insert(tcx, GINT_TO_POINTER(11), programs);
        g_hash_table_insert(tcx, GINT_TO_POINTER(2), programs);
        expect_none(scene);
}

static BwForwardChain *add_table(GPtrArray *tables, const char *name, const char *nft,
                                 unsigned families, const char *chain) {
        BwForwardTable *table = bw_forward_table_new(name, nft, families);
        BwForwardChain *hook = bw_forward_table_chain(table, chain);

        hook->is_hook = true;
        g_ptr_array_add(tables, table);
        return hook;
}

static void test_forward(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const unsigned ipv4 = BW_FAMILY_BIT(BW_FAMILY_IPV4), ipv6 = BW_FAMILY_BIT(BW_FAMILY_IPV6);
        g_autoptr(GPtrArray) tables =
                g_ptr_array_new_with_free_func((GDestroyNotify) bw_forward_table_free);
        BwForwardChain *first = add_table(tables, "filter", NULL, ipv4, "FORWARD");
        BwForwardChain *second = add_table(tables, "filter", "ip6", ipv6, "FORWARD");

        scene->host.forward = tables;
        expect_none(scene);
        first->drops = second->drops = true;
        expect(scene, BW_HAZARD_FORWARD_DROPS, "virbr6",
               "(IPv4 and IPv6) drop what guests send each other over bridge virbr6, as Docker's "
               "do, in chain FORWARD of legacy iptables' table filter and chain FORWARD of "
               "nftables' table ip6 filter: ");
        second->drops = false;
        expect(scene, BW_HAZARD_FORWARD_DROPS, "virbr6", "(IPv4)");
        scene->bridge.switches &= ~BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IPTABLES);
        expect_none(scene);
        scene->host.calls = BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IP6TABLES);
        expect_none(scene);
        scene->host.calls = BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IPTABLES);
        expect(scene, BW_HAZARD_FORWARD_DROPS, "virbr6", "(IPv4)");
        scene->host.br_netfilter = false;
        expect_none(scene);
}

/* Which chain of whose table, and what can be done in it. */
static void test_forward_place(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const unsigned both = BW_FAMILY_BIT(BW_FAMILY_IPV4) | BW_FAMILY_BIT(BW_FAMILY_IPV6);
        const BwForwardRule drop = { .verdict = BW_FORWARD_DROP };
        g_autoptr(GPtrArray) tables =
                g_ptr_array_new_with_free_func((GDestroyNotify) bw_forward_table_free);
        BwForwardChain *hook = add_table(tables, "fire\nwall", "inet", both, "filter_FORWARD");
        BwForwardTable *table = tables->pdata[0];
        BwForwardRule jump = { .verdict = BW_FORWARD_JUMP,
                               .chain = bw_forward_table_word(table, "deny") };

        scene->host.forward = tables;
        hook->drops = true;
        expect(scene, BW_HAZARD_FORWARD_DROPS, "virbr6",
               "in chain filter_FORWARD of nftables' table inet fire\\x0awall: ");
        g_array_append_val(hook->rules, jump);
        g_array_append_val(bw_forward_table_chain(table, "deny")->rules, drop);
        expect(scene, BW_HAZARD_FORWARD_DROPS, "virbr6",
               "(IPv4 and IPv6) drop what guests send each other over bridge virbr6, as Docker's "
               "do, in chain deny of nftables' table inet fire\\x0awall: ");
        expect(scene, BW_HAZARD_FORWARD_DROPS, "virbr6",
               "(nft 'insert rule inet fire\\x0awall filter_FORWARD iifname \"virbr6\" oifname "
               "\"virbr6\" accept', or as ");
}

static void test_gateway(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const char *const keys = "[Guest web]\nAddresses=192.168.50.1\n"
                                 "[Bridge virbr6]\nGateway=192.168.50.7 192.168.50.1\n";
        g_autofree char *owned = NULL, *uplink = NULL;
        BwHostAddress host = bw_test_host_address(1, "192.168.50.7/24");

        scene->config = keys;
        expect(scene, BW_HAZARD_NO_GATEWAY, "virbr6", "names 192.168.50.7, which");
        owned = g_strconcat(keys, "[Port vnet1]\nMACs=" OTHER "\nAddresses=192.168.50.7\n", NULL);
        scene->config = owned;
        expect_none(scene);
        uplink = g_strconcat(keys, "[Port vnet1]\nRole=uplink\n", NULL);
        scene->config = uplink;
        expect_none(scene);
        scene->config = keys;
        bw_test_tell_address(scene->model, &host);
        expect_none(scene);
}

static void test_unseen(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        static const char *const types[] = { "direct", "user",   "hostdev", "vdpa", "vhostuser",
                                             "server", "client", "mcast",   "udp" };
        BwGuestInterface *interface;

        /* One that is not there yet is not judged. */
        bw_test_guest_add(scene->guest, bw_test_mac(OTHER), NULL, "vnet9");
        interface = &g_array_index(scene->guest->interfaces, BwGuestInterface, 1);
        expect_none(scene);
        for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
                g_strlcpy(interface->type, types[i], sizeof(interface->type));
                expect(scene, BW_HAZARD_NOT_GUARDED, "web", OTHER);
        }
        g_strlcpy(interface->type, "null", sizeof(interface->type));
        expect_none(scene);
        g_strlcpy(interface->type, "user", sizeof(interface->type));
        scene->guest->active = false;
        expect_none(scene);
}

static void test_unplugged(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwLink tap = bw_test_tap(12, "vnet9", bw_test_mac(OTHER), 2);
        BwGuestInterface *interface;

        bw_test_guest_add(scene->guest, bw_test_mac(OTHER), NULL, "vnet9");
        interface = &g_array_index(scene->guest->interfaces, BwGuestInterface, 1);
        g_strlcpy(interface->type, "ethernet", sizeof(interface->type));
        scene->config = "[Guard]\nBridges=virbr6\n[Guest web]\nAddresses=192.168.50.1\n";
        bw_test_tell_link(scene->model, &tap);
        /* On a bridge that is not guarded: that was the administrator's choice. */
        expect_none(scene);
        tap.master = 0;
        bw_test_tell_link(scene->model, &tap);
        expect(scene, BW_HAZARD_NOT_GUARDED, "web", OTHER " (on no bridge)");
        tap.openvswitch = true;
        bw_test_tell_link(scene->model, &tap);
        expect(scene, BW_HAZARD_NOT_GUARDED, "web", OTHER " (Open vSwitch)");
}

static void test_repair(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        scene->config = "[Guest web]\nAddresses=192.168.50.1\n"
                        "[Bridge virbr6]\nRepair=hub-mode promiscuous\n";
        scene->bridge.ageing_centiseconds = 0;
        expect_repairable(scene, BW_HAZARD_HUB_MODE, true);
        scene->bridge.ageing_centiseconds = 100;
        expect_repairable(scene, BW_HAZARD_SHORT_AGEING, false);
        scene->bridge.ageing_centiseconds = BW_AGEING_DEFAULT_CENTISECONDS;
        scene->bridge.promiscuous = true;
        expect_repairable(scene, BW_HAZARD_PROMISCUOUS, true);
        /* A packet socket's wish is not taken away. */
        scene->bridge.promiscuous = false;
        scene->bridge.promiscuity = 1;
        expect_repairable(scene, BW_HAZARD_PROMISCUOUS, false);
        scene->bridge.promiscuity = 0;
        scene->web.flags = BW_FLAG_BIT(BW_FLAG_HAIRPIN);
        expect_repairable(scene, BW_HAZARD_HAIRPIN, false);
        scene->config = "[Guest web]\nAddresses=192.168.50.1\n[Guard]\nRepair=hairpin\n";
        expect_repairable(scene, BW_HAZARD_HAIRPIN, true);
}

static void test_sorted(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GPtrArray) found = NULL;
        g_autoptr(BwGuest) twin =
                bw_test_guest_new("web", "22222222-0000-4000-8000-000000000001", true);

        /* Two of one name: one hazard of each kind and subject. */
        bw_test_guest_add(twin, bw_test_mac("52:54:00:00:00:09"), NULL, NULL);
        bw_test_guest_add(scene->guest, bw_test_mac(OTHER), NULL, NULL);
        strcpy(g_array_index(twin->interfaces, BwGuestInterface, 0).type, "user");
        strcpy(g_array_index(scene->guest->interfaces, BwGuestInterface, 1).type, "user");
        bw_test_tell_guest(scene->model, twin);
        scene->web.flags = scene->other.flags = BW_FLAG_BIT(BW_FLAG_HAIRPIN);
        scene->bridge.ageing_centiseconds = 0;
        scene->bridge.promiscuous = true;
        found = list(scene);
        g_assert_cmpuint(found->len, ==, 5);
        for (guint i = 1; i < found->len; i++)
                g_assert_cmpint(bw_hazard_compare(found->pdata[i - 1], found->pdata[i]), <, 0);
}

static void add(const char *path, void (*test)(Scene *scene, gconstpointer unused)) {
        g_test_add(path, Scene, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        add("/hazard/nothing", test_nothing);
        add("/hazard/ageing", test_ageing);
        add("/hazard/promiscuous", test_promiscuous);
        add("/hazard/listeners", test_listeners);
        add("/hazard/upper", test_upper);
        add("/hazard/tagged", test_tagged);
        add("/hazard/host-address", test_host_address);
        add("/hazard/arp-flux", test_arp_flux);
        add("/hazard/arp-flux-own", test_arp_flux_own);
        add("/hazard/hairpin", test_hairpin);
        add("/hazard/loop", test_loop);
        add("/hazard/short-circuit", test_short_circuit);
        add("/hazard/programs", test_programs);
        add("/hazard/programs-on-uplink", test_programs_on_uplink);
        add("/hazard/tcx", test_tcx);
        add("/hazard/forward", test_forward);
        add("/hazard/forward-place", test_forward_place);
        add("/hazard/gateway", test_gateway);
        add("/hazard/unseen", test_unseen);
        add("/hazard/unplugged", test_unplugged);
        add("/hazard/repair", test_repair);
        add("/hazard/sorted", test_sorted);
        return g_test_run();
}
