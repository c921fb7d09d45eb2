/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "config_case.h"

static void test_defaults(void) {
        static const char *const empty[] = { "",
                                             "\n\n",
                                             "# nothing\n",
                                             "   # nothing",
                                             "[Guard]",
                                             "[Guard]\n[Libvirt]\n",
                                             "\xef\xbb\xbf[Guard]\n" };
        g_autoptr(BwConfig) fresh = bw_config_new();

        assert_defaults(fresh);
        for (gsize i = 0; i < G_N_ELEMENTS(empty); i++) {
                g_autoptr(BwConfig) config = read_text(empty[i]);

                assert_defaults(config);
                assert_no_problem(config);
        }
}

static void test_guard(void) {
        g_autoptr(BwConfig) config = read_text("[Guard]\n"
                                               "Mode=monitor # for a week\n"
                                               "UnknownPorts = drop\n"
                                               "Bridges=virbr4 virbr6  virbr4 br#1\n"
                                               "Engines=iptables\n"
                                               "LogRate=1000/s\n"
                                               "CheckInterval=3600\r\n"
                                               "[Libvirt]\n"
                                               "URI=qemu+tls://host/system?x=1#y\n");

        assert_no_problem(config);
        g_assert_cmpint(config->mode, ==, BW_MODE_MONITOR);
        g_assert_cmpint(config->unknown_ports, ==, BW_UNKNOWN_PORTS_DROP);
        g_assert_false(config->bridges_auto);
        g_assert_cmpuint(config->bridge_names->len, ==, 3);
        g_assert_cmpstr(config->bridge_names->pdata[0], ==, "virbr4");
        g_assert_cmpstr(config->bridge_names->pdata[1], ==, "virbr6");
        g_assert_cmpstr(config->bridge_names->pdata[2], ==, "br#1");
        g_assert_cmpuint(config->log_rate, ==, 1000);
        g_assert_cmpuint(config->check_interval, ==, 3600);
        g_assert_cmpstr(config->libvirt_uri, ==, "qemu+tls://host/system?x=1#y");
}

static void test_guard_off(void) {
        g_autoptr(BwConfig) config = read_text("[Libvirt]\nURI=none\n"
                                               "[Guard]\nMode=off\nUnknownPorts=accept\n"
                                               "Bridges=auto\nLogRate=1/s\nCheckInterval=1\n");

        assert_no_problem(config);
        g_assert_cmpstr(config->libvirt_uri, ==, NULL);
        g_assert_cmpint(config->mode, ==, BW_MODE_OFF);
        g_assert_cmpint(config->unknown_ports, ==, BW_UNKNOWN_PORTS_ACCEPT);
        g_assert_true(config->bridges_auto);
        g_assert_cmpuint(config->log_rate, ==, 1);
        g_assert_cmpuint(config->check_interval, ==, 1);
}

/* An error in [Guard] or [Libvirt] leaves the defaults and says so. */
static void test_guard_errors(void) {
        static const struct {
                const char *text, *place, *says;
        } bad[] = {
                { "[Guard]\nMode=Enforce",
                  "bridgewarden.conf:2: [Guard] Mode=Enforce: ", "write enforce, monitor or off" },
                { "[Guard]\nMode=", "bridgewarden.conf:2: [Guard] Mode=: ", "value is missing" },
                { "[Guard]\nMode= # enforce",
                  "bridgewarden.conf:2: [Guard] Mode=: ", "value is missing" },
                { "[Guard]\nMode=enforce#",
                  "bridgewarden.conf:2: [Guard] Mode=enforce#: ", "not understood" },
                { "[Guard]\nmode=enforce", "bridgewarden.conf:2: [Guard] mode=enforce: ",
                  "unknown key; the keys of this section are Mode, UnknownPorts, Bridges" },
                { "[Guard]\nUnknownPorts=deny", "bridgewarden.conf:2: [Guard] UnknownPorts=deny: ",
                  "write monitor, drop or accept" },
                { "[Guard]\nBridges=auto virbr6",
                  "bridgewarden.conf:2: [Guard] Bridges=", "alone" },
                { "[Guard]\nBridges=a/b", "bridgewarden.conf:2: [Guard] Bridges=a/b: ", "\"a/b\"" },
                { "[Guard]\nEngines=nft", "bridgewarden.conf:2: [Guard] Engines=nft: ",
                  "write iptables, nftables, or both" },
                { "[Guard]\nEngines=none", "bridgewarden.conf:2: [Guard] Engines=none: ",
                  "write iptables, nftables, or both" },
                { "[Guard]\nEngines=iptables ebtables",
                  "bridgewarden.conf:2: [Guard] Engines=iptables ebtables: ", "write iptables" },
                { "[Guard]\nLogRate=10", "bridgewarden.conf:2: [Guard] LogRate=10: ", "/s" },
                { "[Guard]\nLogRate=0/s",
                  "bridgewarden.conf:2: [Guard] LogRate=0/s: ", "1 to 1000" },
                { "[Guard]\nLogRate=1001/s",
                  "bridgewarden.conf:2: [Guard] LogRate=1001/s: ", "1000" },
                { "[Guard]\nLogRate=-1/s", "bridgewarden.conf:2: [Guard] LogRate=-1/s: ", "1000" },
                { "[Guard]\nLogRate=/s", "bridgewarden.conf:2: [Guard] LogRate=/s: ", "1000" },
                { "[Guard]\nCheckInterval=0",
                  "bridgewarden.conf:2: [Guard] CheckInterval=0: ", "1 to 3600" },
                { "[Guard]\nCheckInterval=3601",
                  "bridgewarden.conf:2: [Guard] CheckInterval=3601: ", "1 to 3600" },
                { "[Guard]\nCheckInterval=2s",
                  "bridgewarden.conf:2: [Guard] CheckInterval=2s: ", "1 to 3600" },
                { "[Guard]\nCheckInterval=4294967298",
                  "bridgewarden.conf:2: [Guard] CheckInterval=4294967298: ", "1 to 3600" },
                { "[Guard]\n\n# x\nnonsense",
                  "bridgewarden.conf:4: [Guard] nonsense: ", "neither KEY=VALUE nor a # comment" },
                { "[Guard x]\nMode=off", "bridgewarden.conf:1: [Guard x]: ", "write [Guard]" },
                { "[Libvirt]\nURI=qemu:///system qemu:///session",
                  "bridgewarden.conf:2: [Libvirt] URI=", "or the word none" },
                { "[Libvirt]\nUri=none",
                  "bridgewarden.conf:2: [Libvirt] Uri=none: ", "the keys of this section are URI" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(BwConfig) config = read_text(bad[i].text);

                assert_problem(config, BW_SEVERITY_ERROR, bad[i].place, bad[i].says);
                g_assert_true(config->guard_broken);
                config->guard_broken = false;
                assert_defaults(config);
        }
}

static void test_engines(void) {
        static const struct {
                const char *text;
                unsigned engines;
        } all[] = {
                { "", BW_ENGINE_ALL },
                { "[Guard]\nEngines=iptables nftables\n", BW_ENGINE_ALL },
                { "[Guard]\nEngines=nftables iptables nftables\n", BW_ENGINE_ALL },
                { "[Guard]\nEngines=iptables\n", BW_ENGINE_BIT(BW_ENGINE_IPTABLES) },
                { "[Guard]\nEngines=nftables\n", BW_ENGINE_BIT(BW_ENGINE_NFTABLES) },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
                g_autoptr(BwConfig) config = read_text(all[i].text);

                assert_no_problem(config);
                g_assert_cmpuint(config->engines, ==, all[i].engines);
        }
}

/* A reload with an error in [Guard] goes on with the engines that were in use. */
static void test_engines_kept(void) {
        g_autoptr(BwConfig) before = read_text("[Guard]\nEngines=nftables\n");
        g_autoptr(BwConfig) after = read_text("[Guard]\nEngines=ebtables\n");

        g_assert_true(after->guard_broken);
        bw_config_keep_guard(after, before);
        g_assert_cmpuint(after->engines, ==, BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
}

static void test_binding(void) {
        g_autoptr(BwConfig) config = read_text(
                "[Guest kali3]\n"
                "Addresses=192.168.50.13\n"
                "\n"
                "[Interface 52:54:00:9F:5D:C1]  # of kali4\n"
                "Addresses=2001:db8:50::13 192.168.50.14\t192.168.50.14/32\n"
                "[Port vmh1]\n"
                "Role=host\n"
                "MACs=42:79:e6:a7:fb:09 42:79:E6:A7:FB:09 02:00:00:00:00:01\n"
                "Addresses=10.0.0.0/8 10.1.0.0/16\n"
                "Mode=monitor\n"
                "Closed=no\nFdbLock=no\nIsolated=no\nDhcpServer=no\nRouter=no\nQuerier=no\n"
                "LinkLocal=any\n");
        const BwBindingSection *section;

        assert_no_problem(config);
        section = find(config->guests, "kali3");
        assert_addresses(section, "192.168.50.13");
        g_assert_cmpstr(section->where, ==, "bridgewarden.conf:1");
        g_assert_cmpuint(section->set, ==, BW_SET_ADDRESSES);
        g_assert_cmpuint(section->macs->len, ==, 0);
        g_assert_false(section->broken);

        section = find(config->interfaces, "52:54:00:9f:5d:c1");
        assert_addresses(section, "192.168.50.14 2001:db8:50::13");
        g_assert_cmpstr(section->where, ==, "bridgewarden.conf:4");

        section = find(config->ports, "vmh1");
        assert_addresses(section, "10.0.0.0/8 10.1.0.0/16");
        g_assert_cmpuint(section->set, ==,
                         BW_SET_ADDRESSES | BW_SET_MACS | BW_SET_ROLE | BW_SET_MODE |
                                 BW_SET_DHCP_SERVER | BW_SET_ROUTER | BW_SET_QUERIER |
                                 BW_SET_LINK_LOCAL | BW_SET_CLOSED | BW_SET_FDB_LOCK |
                                 BW_SET_ISOLATED);
        g_assert_false(section->dhcp_server || section->router || section->querier ||
                       section->strict_link_local);
        g_assert_cmpuint(section->macs->len, ==, 2);
        g_assert_cmpint(g_array_index(section->macs, BwMac, 0).octet[0], ==, 0x02);
        g_assert_cmpint(g_array_index(section->macs, BwMac, 1).octet[5], ==, 0x09);
        g_assert_cmpint(section->role, ==, BW_ROLE_HOST);
        g_assert_cmpint(section->mode, ==, BW_MODE_MONITOR);
}

/* Each of these closes what the section speaks of, and nothing else. */
static void test_binding_errors(void) {
        static const struct {
                const char *line, *says;
        } bad[] = {
                { "Addresses=10.0.0.1/8", "write 10.0.0.0/8" },
                { "Addresses=0.0.0.0/0", "every address" },
                { "Addresses=::/0", "every address" },
                { "Addresses=224.0.0.1", "multicast" },
                { "Addresses=127.0.0.1", "loopback" },
                { "Addresses=0.0.0.0", "unspecified" },
                { "Addresses=255.255.255.255", "broadcast" },
                { "Addresses=ff02::1", "multicast" },
                { "Addresses=10.0.0.1, 10.0.0.2", "is no address" },
                { "Addresses=10.0.0.1 nonsense 10.0.0.2", "\"nonsense\"" },
                { "Addresses=any 10.0.0.1", "\"any\"" },
                { "Addresses=ANY", "is no address" },
                { "Addresses=", "value is missing" },
                { "Addresses=%n%n%s", "\"%n%n%s\"" },
                { "MACs=52:54:00:9f:5d", "is no MAC address" },
                { "MACs=ff:ff:ff:ff:ff:ff", "broadcast" },
                { "Role=Guest", "write guest, host, link or uplink" },
                { "Mode=drop", "write enforce, monitor or off" },
                { "DhcpServer=true", "write yes or no" },
                { "LinkLocal=yes", "write any or declared" },
                { "Gateway=10.0.0.0/8", "single addresses" },
                { "Gateway=router", "is no address" },
                { "UnknownPorts=drop", "the keys of this section are Addresses, MACs, Role" },
                { "Adresses=10.0.0.1", "unknown key" },
                { "Addresses", "neither KEY=VALUE" },
                { "Addresses: 10.0.0.1", "neither KEY=VALUE" },
                { "; Addresses=10.0.0.1", "neither KEY=VALUE" },
                { "My Key=1", "neither KEY=VALUE" },
                { "=10.0.0.1", "neither KEY=VALUE" },
                { "Encoding=latin1", "unknown key" },
        };
        static const char *const headers[] = { "Port vk63", "Guest kali3",
                                               "Interface 52:54:00:9f:5d:c1" };

        for (gsize i = 0; i < G_N_ELEMENTS(bad) * G_N_ELEMENTS(headers); i++) {
                const char *header = headers[i % G_N_ELEMENTS(headers)];
                const char *line = bad[i / G_N_ELEMENTS(headers)].line;
                g_autofree char *text = g_strdup_printf(
                        "[%s]\n# which?\n%s\n[Port vk64]\nAddresses=192.0.2.1\n", header, line);
                g_autofree char *place =
                        g_strdup_printf("bridgewarden.conf:3: [%s] %s: ", header, line);
                g_autoptr(BwConfig) config = read_text(text);
                GHashTable *table = *header == 'P'   ? config->ports
                                    : *header == 'G' ? config->guests
                                                     : config->interfaces;

                assert_problem(config, BW_SEVERITY_ERROR, place,
                               bad[i / G_N_ELEMENTS(headers)].says);
                g_assert_true(find(table, strchr(header, ' ') + 1)->broken);
                g_assert_false(find(config->ports, "vk64")->broken);
                assert_addresses(find(config->ports, "vk64"), "192.0.2.1");
                g_assert_false(config->guard_broken);
        }
}

static void assert_gateway(const GArray *gateways, guint at, const char *text) {
        g_autofree char *printed = NULL;

        g_assert_cmpuint(gateways->len, >, at);
        printed = bw_prefix_print(&g_array_index(gateways, BwPrefix, at));
        g_assert_cmpstr(printed, ==, text);
}

static void test_borders_and_flags(void) {
        g_autoptr(BwConfig) config = read_text("[Port vk63]\nRole=uplink\nClosed=yes\n"
                                               "FdbLock=no\nIsolated=yes\n"
                                               "Gateway=2001:db8::1 192.0.2.1\n"
                                               "[Port vk64]\nFdbLock=yes\nRole=link\n");
        const BwBindingSection *uplink = find(config->ports, "vk63");
        const BwBindingSection *link = find(config->ports, "vk64");

        assert_no_problem(config);
        g_assert_cmpuint(uplink->set, ==,
                         BW_SET_ROLE | BW_SET_CLOSED | BW_SET_FDB_LOCK | BW_SET_ISOLATED |
                                 BW_SET_GATEWAY);
        g_assert_true(uplink->closed && uplink->isolated && !uplink->fdb_lock);
        g_assert_cmpuint(uplink->gateways->len, ==, 2);
        assert_gateway(uplink->gateways, 0, "192.0.2.1");
        assert_gateway(uplink->gateways, 1, "2001:db8::1");
        g_assert_cmpuint(link->set, ==, BW_SET_ROLE | BW_SET_FDB_LOCK);
        g_assert_true(link->fdb_lock && !link->closed && !link->isolated);
        g_assert_cmpuint(link->gateways->len, ==, 0);
}

static void test_bridge_flags(void) {
        g_autoptr(BwConfig) config =
                read_text("[Guard]\nRepair=hairpin\n"
                          "[Bridge all]\nGateway=192.0.2.1\nFdbLock=no\nIsolated=yes\n"
                          "PinNeighbours=yes\nRepair=hub-mode loop\n"
                          "[Bridge none]\nRepair=none\n"
                          "[Bridge bare]\nMode=enforce\n");
        const BwBridgeSection *all = g_hash_table_lookup(config->bridges, "all");
        const BwBridgeSection *none = g_hash_table_lookup(config->bridges, "none");
        const BwBridgeSection *bare = g_hash_table_lookup(config->bridges, "bare");

        assert_no_problem(config);
        g_assert_cmpuint(config->repair, ==, BW_HAZARD_BIT(BW_HAZARD_HAIRPIN));
        g_assert_cmpuint(all->gateways->len, ==, 1);
        assert_gateway(all->gateways, 0, "192.0.2.1");
        g_assert_true(all->has_fdb_lock && !all->fdb_lock);
        g_assert_true(all->has_isolated && all->isolated && all->pin_neighbours);
        g_assert_true(all->has_repair);
        g_assert_cmpuint(all->repair, ==,
                         BW_HAZARD_BIT(BW_HAZARD_HUB_MODE) | BW_HAZARD_BIT(BW_HAZARD_LOOP));
        g_assert_true(none->has_repair && none->repair == 0);
        g_assert_false(bare->has_repair || bare->has_fdb_lock || bare->has_isolated ||
                       bare->pin_neighbours);
}

static void test_repair_is_understood(void) {
        static const struct {
                const char *value, *says;
        } bad[] = {
                { "yes", "\"yes\" is no hazard" },
                { "none hairpin", "\"none\" is no hazard" },
                { "hairpin xdp", "\"xdp\" cannot be repaired" },
        };
        static const char *const sections[] = { "Guard", "Bridge virbr6" };

        for (gsize i = 0; i < G_N_ELEMENTS(bad) * G_N_ELEMENTS(sections); i++) {
                const char *section = sections[i % G_N_ELEMENTS(sections)];
                const char *value = bad[i / G_N_ELEMENTS(sections)].value;
                g_autofree char *text = g_strdup_printf("[%s]\nRepair=%s\n", section, value);
                g_autofree char *place =
                        g_strdup_printf("bridgewarden.conf:2: [%s] Repair=%s: ", section, value);
                g_autoptr(BwConfig) config = read_text(text);

                assert_problem(config, BW_SEVERITY_ERROR, place,
                               bad[i / G_N_ELEMENTS(sections)].says);
                g_assert_cmpuint(config->repair, ==, 0);
        }
}

/* Each key says one thing, and the other three stay unsaid. */
static void test_permissions(void) {
        static const struct {
                const char *line;
                BwSet set;
                bool dhcp_server, router, querier, strict_link_local;
        } keys[] = {
                { "DhcpServer=yes", BW_SET_DHCP_SERVER, true, false, false, false },
                { "Router=yes", BW_SET_ROUTER, false, true, false, false },
                { "Querier=yes", BW_SET_QUERIER, false, false, true, false },
                { "LinkLocal=declared", BW_SET_LINK_LOCAL, false, false, false, true },
                { "Router=yes\nRouter=no", BW_SET_ROUTER, false, false, false, false },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                g_autofree char *text = g_strdup_printf("[Port vk63]\n%s\n", keys[i].line);
                g_autoptr(BwConfig) config = read_text(text);
                const BwBindingSection *section = find(config->ports, "vk63");

                g_assert_cmpuint(bw_config_count_errors(config), ==, 0);
                g_assert_cmpuint(section->set, ==, keys[i].set);
                g_assert_cmpint(section->dhcp_server, ==, keys[i].dhcp_server);
                g_assert_cmpint(section->router, ==, keys[i].router);
                g_assert_cmpint(section->querier, ==, keys[i].querier);
                g_assert_cmpint(section->strict_link_local, ==, keys[i].strict_link_local);
        }
}

static void test_any_address(void) {
        g_autoptr(BwConfig) config = read_text("[Port a]\nAddresses=any\n");
        const BwBindingSection *section = find(config->ports, "a");

        g_assert_true(section->any_address);
        g_assert_true(section->set & BW_SET_ADDRESSES);
        g_assert_cmpuint(section->addresses->len, ==, 0);

        read_more(config, "b.conf", "[Port a]\nAddresses=192.0.2.1");
        g_assert_false(section->any_address);
        assert_addresses(section, "192.0.2.1");
}

static void test_roles(void) {
        g_autoptr(BwConfig) config = read_text("[Port a]\nRole=guest\n[Port b]\nRole=host\n"
                                               "[Port c]\nRole=link\n[Port d]\nRole=uplink\n");

        g_assert_cmpint(find(config->ports, "a")->role, ==, BW_ROLE_GUEST);
        g_assert_cmpint(find(config->ports, "b")->role, ==, BW_ROLE_HOST);
        g_assert_cmpint(find(config->ports, "c")->role, ==, BW_ROLE_LINK);
        g_assert_cmpint(find(config->ports, "d")->role, ==, BW_ROLE_UPLINK);
        g_assert_cmpstr(bw_role_name(BW_ROLE_UPLINK), ==, "uplink");
        g_assert_cmpstr(bw_mode_name(BW_MODE_MONITOR), ==, "monitor");
        g_assert_cmpstr(bw_unknown_ports_name(BW_UNKNOWN_PORTS_ACCEPT), ==, "accept");
}

static void test_too_many(void) {
        for (unsigned count = BW_MAX_ADDRESSES; count <= BW_MAX_ADDRESSES + 1; count++) {
                g_autoptr(GString) text = g_string_new("[Port a]\nAddresses=");
                g_autoptr(BwConfig) config = NULL;

                for (unsigned i = 0; i < count; i++)
                        g_string_append_printf(text, " 10.0.%u.%u 10.0.0.0", i / 256, i % 256);
                config = read_text(text->str);
                g_assert_cmpint(find(config->ports, "a")->broken, ==, count > BW_MAX_ADDRESSES);
                g_assert_cmpuint(config->problems->len, ==, count > BW_MAX_ADDRESSES);
        }
        for (unsigned count = BW_MAX_MACS; count <= BW_MAX_MACS + 1; count++) {
                g_autoptr(GString) text = g_string_new("[Port a]\nMACs=");
                g_autoptr(BwConfig) config = NULL;

                for (unsigned i = 0; i < count; i++)
                        g_string_append_printf(text, " 02:00:00:00:00:%02x", i);
                config = read_text(text->str);
                g_assert_cmpint(find(config->ports, "a")->broken, ==, count > BW_MAX_MACS);
        }
}

static void test_bridge(void) {
        g_autoptr(BwConfig) config =
                read_text("[Bridge virbr6]\nMode=enforce\nUnknownPorts=drop\n"
                          "Networks=192.168.50.0/24 10.0.0.0/8\n"
                          "FdbLock=no\nIsolated=no\nPinNeighbours=no\nRepair=none\n"
                          "[Bridge virbr4]\n");
        const BwBridgeSection *bridge = g_hash_table_lookup(config->bridges, "virbr6");
        g_autofree char *networks = NULL;

        assert_no_problem(config);
        g_assert_nonnull(bridge);
        networks = join(bridge->networks);
        g_assert_cmpstr(networks, ==, "10.0.0.0/8 192.168.50.0/24");
        g_assert_true(bridge->has_mode && bridge->has_unknown_ports && !bridge->broken);
        g_assert_cmpint(bridge->mode, ==, BW_MODE_ENFORCE);
        g_assert_cmpint(bridge->unknown_ports, ==, BW_UNKNOWN_PORTS_DROP);
        g_assert_cmpstr(bridge->where, ==, "bridgewarden.conf:1");

        bridge = g_hash_table_lookup(config->bridges, "virbr4");
        g_assert_false(bridge->has_mode || bridge->has_unknown_ports || bridge->broken);
}

static void test_bridge_problems(void) {
        static const struct {
                BwSeverity severity;
                const char *line, *says;
        } bad[] = {
                { BW_SEVERITY_ERROR, "Networks=192.168.50.1/24", "write 192.168.50.0/24" },
                { BW_SEVERITY_ERROR, "Addresses=192.168.50.1", "unknown key" },
                { BW_SEVERITY_ERROR, "Mode=on", "write enforce" },
                { BW_SEVERITY_ERROR, "UnknownPorts=no", "write monitor" },
                { BW_SEVERITY_ERROR, "PinNeighbours=1", "write yes or no" },
                { BW_SEVERITY_ERROR, "Gateway=192.168.50.0/24", "single" },
                { BW_SEVERITY_ERROR, "FdbLock=maybe", "write yes or no" },
                { BW_SEVERITY_ERROR, "Isolated=1", "write yes or no" },
                { BW_SEVERITY_ERROR, "Repair=no", "no hazard" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *text = g_strdup_printf("[Bridge virbr6]\n%s\n", bad[i].line);
                g_autofree char *place =
                        g_strdup_printf("bridgewarden.conf:2: [Bridge virbr6] %s: ", bad[i].line);
                g_autoptr(BwConfig) config = read_text(text);
                const BwBridgeSection *bridge = g_hash_table_lookup(config->bridges, "virbr6");

                assert_problem(config, bad[i].severity, place, bad[i].says);
                g_assert_cmpint(bridge->broken, ==, bad[i].severity == BW_SEVERITY_ERROR);
        }
}

static void test_drop_ins(void) {
        static const char first[] = "[Guard]\nMode=monitor\nLogRate=5/s\n"
                                    "[Port a]\nAddresses=1.0.0.1\nRole=host\n"
                                    "[Port b]\nAddresses=1.0.0.2\n";
        static const char second[] = "\n[Port a]\nAddresses=1.0.0.3 1.0.0.4\n"
                                     "[Guard]\nMode=off\n[Port b]\nMode=nonsense\n";
        static const char third[] = "[Port b]\nMode=monitor\n";
        g_autoptr(BwConfig) config = bw_config_new();
        g_autofree char *printed = NULL;

        read_more(config, "1.conf", first);
        read_more(config, "2.conf", second);
        read_more(config, "3.conf", third);
        bw_config_finish(config);

        g_assert_cmpint(config->mode, ==, BW_MODE_OFF);
        g_assert_cmpuint(config->log_rate, ==, 5);
        assert_addresses(find(config->ports, "a"), "1.0.0.3 1.0.0.4");
        g_assert_cmpint(find(config->ports, "a")->role, ==, BW_ROLE_HOST);
        g_assert_cmpstr(find(config->ports, "a")->where, ==, "1.conf:4");

        /* Once broken, always broken: a later file does not say that the wrong line was not meant.
         */
        g_assert_true(find(config->ports, "b")->broken);
        g_assert_cmpuint(config->problems->len, ==, 1);
        printed = problem_at(config, 0);
        g_assert_true(g_str_has_prefix(printed, "2.conf:7: [Port b] Mode=nonsense: "));
}

static void test_claims(void) {
        g_autoptr(BwConfig) config = read_text("[Guest a]\nAddresses=10.0.0.0/8 10.1.0.0/16\n"
                                               "[Guest b]\nAddresses=10.1.2.3 10.1.2.4\n"
                                               "[Port c]\nAddresses=192.0.2.1\n"
                                               "[Port d]\nAddresses=2001:db8::1\n"
                                               "[Port e]\nAddresses=192.0.2.0/24\n");
        g_autofree char *first = problem_at(config, 0);
        g_autofree char *second = problem_at(config, 1);

        g_assert_cmpuint(config->problems->len, ==, 2);
        g_assert_cmpuint(bw_config_count_errors(config), ==, 0);
        g_assert_true(g_str_has_prefix(first,
                                       "bridgewarden.conf:3: [Guest b] Addresses=10.1.2.3: [Guest "
                                       "a] (bridgewarden.conf:1) also claims 10.0.0.0/8:"));
        g_assert_true(g_str_has_prefix(second,
                                       "bridgewarden.conf:5: [Port c] Addresses=192.0.2.1: [Port "
                                       "e] (bridgewarden.conf:9) also claims 192.0.2.0/24:"));
}

static void test_keep_guard(void) {
        g_autoptr(BwConfig) good =
                read_text("[Guard]\nMode=monitor\nUnknownPorts=drop\nBridges=a b\n"
                          "LogRate=7/s\nCheckInterval=9\n[Libvirt]\nURI=none\n");
        g_autoptr(BwConfig) config = read_text("[Guard]\nMode=of\nBridges=c\n[Port p]\nMode=off\n");

        bw_config_keep_guard(config, good);
        g_assert_cmpint(config->mode, ==, BW_MODE_MONITOR);
        g_assert_cmpint(config->unknown_ports, ==, BW_UNKNOWN_PORTS_DROP);
        g_assert_false(config->bridges_auto);
        g_assert_cmpuint(config->bridge_names->len, ==, 2);
        g_assert_cmpstr(config->bridge_names->pdata[1], ==, "b");
        g_assert_cmpuint(config->log_rate, ==, 7);
        g_assert_cmpuint(config->check_interval, ==, 9);
        g_assert_cmpstr(config->libvirt_uri, ==, NULL);
        g_assert_nonnull(g_hash_table_lookup(config->ports, "p"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config/defaults", test_defaults);
        g_test_add_func("/config/guard", test_guard);
        g_test_add_func("/config/guard/off", test_guard_off);
        g_test_add_func("/config/guard/errors", test_guard_errors);
        g_test_add_func("/config/guard/engines", test_engines);
        g_test_add_func("/config/guard/engines-kept", test_engines_kept);
        g_test_add_func("/config/guard/keep", test_keep_guard);
        g_test_add_func("/config/binding", test_binding);
        g_test_add_func("/config/binding/errors", test_binding_errors);
        g_test_add_func("/config/binding/borders", test_borders_and_flags);
        g_test_add_func("/config/bridge/flags", test_bridge_flags);
        g_test_add_func("/config/repair", test_repair_is_understood);
        g_test_add_func("/config/binding/permissions", test_permissions);
        g_test_add_func("/config/binding/any-address", test_any_address);
        g_test_add_func("/config/binding/roles", test_roles);
        g_test_add_func("/config/binding/too-many", test_too_many);
        g_test_add_func("/config/bridge", test_bridge);
        g_test_add_func("/config/bridge/problems", test_bridge_problems);
        g_test_add_func("/config/drop-ins", test_drop_ins);
        g_test_add_func("/config/claims", test_claims);
        return g_test_run();
}
