/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings.h"

#include "random.h"

#include <string.h>

static void free_section(gpointer pointer) {
        BwTestSection *section = pointer;

        g_free(section->name);
        g_array_unref(section->addresses);
        g_array_unref(section->macs);
        g_free(section);
}

static void clear_bridge(gpointer pointer) {
        g_array_unref(((BwTestBridge *) pointer)->networks);
        g_array_unref(((BwTestBridge *) pointer)->gateways);
}

BwTestSection *bw_test_section_new(BwTestSectionKind kind, const char *name) {
        BwTestSection *section = g_new0(BwTestSection, 1);

        section->kind = kind;
        section->name = g_strdup(name);
        section->addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        section->macs = g_array_new(FALSE, TRUE, sizeof(BwMac));
        return section;
}

BwTestSettings *bw_test_settings_new(void) {
        BwTestSettings *settings = g_new0(BwTestSettings, 1);

        settings->unknown_ports = BW_UNKNOWN_PORTS_MONITOR;
        settings->sections = g_ptr_array_new_with_free_func(free_section);
        settings->bridge_sections = g_array_new(FALSE, TRUE, sizeof(BwTestBridge));
        g_array_set_clear_func(settings->bridge_sections, clear_bridge);
        return settings;
}

void bw_test_settings_free(BwTestSettings *settings) {
        if (!settings)
                return;
        g_clear_pointer(&settings->bridges, g_ptr_array_unref);
        g_ptr_array_unref(settings->sections);
        g_array_unref(settings->bridge_sections);
        g_free(settings);
}

static BwTestSection *copy_section(const BwTestSection *section) {
        BwTestSection *copy = g_memdup2(section, sizeof(*section));

        copy->name = g_strdup(section->name);
        copy->addresses = g_array_copy(section->addresses);
        copy->macs = g_array_copy(section->macs);
        return copy;
}

BwTestSettings *bw_test_settings_copy(const BwTestSettings *settings) {
        BwTestSettings *copy = bw_test_settings_new();

        copy->mode = settings->mode;
        copy->unknown_ports = settings->unknown_ports;
        if (settings->bridges)
                copy->bridges = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; settings->bridges && i < settings->bridges->len; i++)
                g_ptr_array_add(copy->bridges, g_strdup(settings->bridges->pdata[i]));
        for (guint i = 0; i < settings->sections->len; i++)
                g_ptr_array_add(copy->sections, copy_section(settings->sections->pdata[i]));
        for (guint i = 0; i < settings->bridge_sections->len; i++) {
                BwTestBridge bridge = g_array_index(settings->bridge_sections, BwTestBridge, i);

                bridge.networks = g_array_copy(bridge.networks);
                bridge.gateways = g_array_copy(bridge.gateways);
                g_array_append_val(copy->bridge_sections, bridge);
        }
        return copy;
}

BwTestSection *bw_test_find_section(const BwTestSettings *settings, BwTestSectionKind kind,
                                    const char *name) {
        for (guint i = 0; i < settings->sections->len; i++) {
                BwTestSection *section = settings->sections->pdata[i];

                if (section->kind == kind && g_str_equal(section->name, name))
                        return section;
        }
        return NULL;
}

const BwTestBridge *bw_test_find_bridge(const BwTestSettings *settings, const char *name) {
        for (guint i = 0; i < settings->bridge_sections->len; i++) {
                const BwTestBridge *bridge =
                        &g_array_index(settings->bridge_sections, BwTestBridge, i);

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }
        return NULL;
}

BwMode bw_test_bridge_mode(const BwTestSettings *settings, const char *name) {
        const BwTestBridge *section = bw_test_find_bridge(settings, name);

        return section && section->has_mode ? section->mode : settings->mode;
}

BwPrefix bw_test_random_address(void) {
        static const char *const wide[] = { "10.0.0.0/30", "10.0.0.4/31",   "10.0.1.0/24",
                                            "10.0.0.0/16", "192.0.2.64/26", "2001:db8::/64" };
        g_autofree char *text = NULL;

        switch (bw_test_below(12)) {
        case 0:
                return bw_test_prefix(wide[bw_test_below(G_N_ELEMENTS(wide))]);
        case 1:
                text = g_strdup_printf("2001:db8::%x", 1 + bw_test_below(64));
                break;
        case 2:
                text = g_strdup_printf("10.0.0.%u", bw_test_below(8));
                break;
        default:
                text = g_strdup_printf("10.%u.2.%u", 1 + bw_test_below(8), 1 + bw_test_below(64));
                break;
        }
        return bw_test_prefix(text);
}

static void add_prefix(GArray *list, BwPrefix prefix) {
        for (guint i = 0; i < list->len; i++)
                if (bw_prefix_equal(&g_array_index(list, BwPrefix, i), &prefix))
                        return;
        g_array_append_val(list, prefix);
}

static void add_mac(GArray *list, BwMac mac) {
        for (guint i = 0; i < list->len; i++)
                if (bw_mac_equal(&g_array_index(list, BwMac, i), &mac))
                        return;
        g_array_append_val(list, mac);
}

static void add_random_section(BwTestSettings *settings, BwTestSectionKind kind, const char *name) {
        static const BwMode modes[] = { BW_MODE_ENFORCE, BW_MODE_ENFORCE, BW_MODE_MONITOR,
                                        BW_MODE_OFF };
        BwTestSection *section;
        unsigned n_addresses = 1 + bw_test_below(3), n_macs = 1 + bw_test_below(2);

        if (bw_test_find_section(settings, kind, name))
                return;
        section = bw_test_section_new(kind, name);
        section->has_addresses = !bw_test_once_in(4);
        section->any = section->has_addresses && bw_test_once_in(12);
        for (unsigned i = 0; section->has_addresses && !section->any && i < n_addresses; i++)
                add_prefix(section->addresses, bw_test_random_address());
        section->has_macs = bw_test_once_in(4);
        for (unsigned i = 0; section->has_macs && i < n_macs; i++)
                add_mac(section->macs, bw_test_random_mac());
        section->has_role = bw_test_once_in(4);
        section->role = (BwRole) bw_test_below(BW_ROLE_UPLINK + 1);
        section->has_mode = bw_test_once_in(4);
        section->mode = modes[bw_test_below(G_N_ELEMENTS(modes))];
        section->broken = bw_test_once_in(12);
        g_ptr_array_add(settings->sections, section);
}

static void add_interface_section(BwTestSettings *settings, BwMac mac) {
        char text[BW_MAC_TEXT_SIZE];

        add_random_section(settings, BW_TEST_INTERFACE, bw_mac_print(&mac, text));
}

static void add_port_sections(BwTestSettings *settings, const BwTestWorld *world) {
        for (guint i = 0; i < world->links->len; i++) {
                const BwLink *link = &g_array_index(world->links, BwLink, i);
                BwMac mac = link->mac;

                if (link->kind != BW_LINK_BRIDGE && bw_test_once_in(2))
                        add_random_section(settings, BW_TEST_PORT, link->name);
                mac.octet[0] = bw_test_once_in(8) ? 0x56 : 0x52;
                if (link->kind == BW_LINK_TAP && bw_test_once_in(8))
                        add_interface_section(settings, mac);
        }
}

static void add_guest_sections(BwTestSettings *settings, const BwTestWorld *world) {
        for (guint i = 0; i < world->guests->len; i++) {
                const BwGuest *guest = world->guests->pdata[i];

                if (bw_test_once_in(3))
                        add_random_section(settings, BW_TEST_GUEST, guest->uuid);
                if (bw_test_once_in(2))
                        add_random_section(settings, BW_TEST_GUEST, guest->name);
                for (guint k = 0; k < guest->interfaces->len; k++)
                        if (bw_test_once_in(3))
                                add_interface_section(
                                        settings,
                                        g_array_index(guest->interfaces, BwGuestInterface, k).mac);
        }
}

static void add_bridge_section(BwTestSettings *settings, const char *name) {
        static const char *const networks[] = { "10.0.0.0/16", "10.1.2.0/24",   "10.0.0.4/31",
                                                "10.0.0.7",    "2001:db8::/64", "192.0.2.0/25" };
        BwTestBridge bridge = { .networks = g_array_new(FALSE, TRUE, sizeof(BwPrefix)),
                                .gateways = g_array_new(FALSE, TRUE, sizeof(BwPrefix)) };
        unsigned n = bw_test_below(3);

        g_strlcpy(bridge.name, name, sizeof(bridge.name));
        bridge.has_mode = bw_test_once_in(2);
        bridge.mode = bw_test_once_in(3) ? BW_MODE_MONITOR
                                         : (bw_test_once_in(4) ? BW_MODE_OFF : BW_MODE_ENFORCE);
        bridge.has_unknown_ports = bw_test_once_in(2);
        bridge.unknown_ports = (BwUnknownPorts) bw_test_below(BW_UNKNOWN_PORTS_ACCEPT + 1);
        for (unsigned i = 0; i < n; i++)
                add_prefix(bridge.networks,
                           bw_test_prefix(networks[bw_test_below(G_N_ELEMENTS(networks))]));
        g_array_append_val(settings->bridge_sections, bridge);
}

/* A list of words has no escapes. */
static bool can_be_listed(const char *name) {
        for (; *name; name++)
                if (!g_ascii_isalnum(*name) && !strchr("-_+", *name))
                        return false;
        return true;
}

BwTestSettings *bw_test_random_settings(const BwTestWorld *world) {
        BwTestSettings *settings = bw_test_settings_new();
        char stray[BW_IFNAME_SIZE];

        settings->mode = bw_test_once_in(6) ? BW_MODE_MONITOR
                                            : (bw_test_once_in(12) ? BW_MODE_OFF : BW_MODE_ENFORCE);
        settings->unknown_ports = (BwUnknownPorts) bw_test_below(BW_UNKNOWN_PORTS_ACCEPT + 1);
        if (bw_test_once_in(3))
                settings->bridges = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < world->links->len; i++) {
                const BwLink *link = &g_array_index(world->links, BwLink, i);

                if (link->kind != BW_LINK_BRIDGE)
                        continue;
                if (settings->bridges && can_be_listed(link->name) && !bw_test_once_in(4))
                        g_ptr_array_add(settings->bridges, g_strdup(link->name));
                if (bw_test_once_in(2))
                        add_bridge_section(settings, link->name);
        }
        add_port_sections(settings, world);
        add_guest_sections(settings, world);
        bw_test_random_ifname(stray);
        add_random_section(settings, BW_TEST_PORT, stray);
        bw_test_shuffle(settings->sections->pdata, settings->sections->len, sizeof(gpointer));
        return settings;
}

/* Text */

static void write_name(GString *text, const char *kind, const char *name) {
        g_string_append_printf(text, "[%s ", kind);
        for (; *name; name++)
                if (g_ascii_isalnum(*name))
                        g_string_append_c(text, *name);
                else
                        g_string_append_printf(text, "\\%03o", (unsigned char) *name);
        g_string_append(text, "]\n");
}

static void write_prefixes(GString *text, const char *key, const GArray *prefixes) {
        if (prefixes->len == 0)
                return;
        g_string_append_printf(text, "%s=", key);
        for (guint i = 0; i < prefixes->len; i++) {
                g_autofree char *prefix = bw_prefix_print(&g_array_index(prefixes, BwPrefix, i));

                g_string_append_printf(text, "%s ", prefix);
        }
        g_string_append_c(text, '\n');
}

/* Of a key that comes twice only the later one counts: what the section says otherwise stays. */
static const char *damage_of(const BwTestSection *section) {
        static const char *const damage[] = { "Colour=blue", "Addresses=10.0.0.1/8", "Role=king",
                                              "Mode=", "no key at all" };
        const char *line = damage[g_str_hash(section->name) % G_N_ELEMENTS(damage)];

        if ((section->has_addresses && g_str_has_prefix(line, "Addresses=")) ||
            (section->has_role && g_str_has_prefix(line, "Role=")))
                return "Closed=perhaps";
        return line;
}

static void write_section(GString *text, const BwTestSection *section) {
        static const char *const kinds[] = { "Port", "Interface", "Guest" };
        char mac[BW_MAC_TEXT_SIZE];

        if (section->kind == BW_TEST_INTERFACE)
                g_string_append_printf(text, "[Interface %s]\n", section->name);
        else
                write_name(text, kinds[section->kind], section->name);
        if (section->any)
                g_string_append(text, "Addresses=any\n");
        write_prefixes(text, "Addresses", section->addresses);
        if (section->has_role)
                g_string_append_printf(text, "Role=%s\n", bw_role_name(section->role));
        if (section->has_mode)
                g_string_append_printf(text, "Mode=%s\n", bw_mode_name(section->mode));
        if (section->has_macs)
                g_string_append(text, "MACs=");
        for (guint i = 0; section->has_macs && i < section->macs->len; i++)
                g_string_append_printf(text, "%s ",
                                       bw_mac_print(&g_array_index(section->macs, BwMac, i), mac));
        if (section->has_macs)
                g_string_append_c(text, '\n');
        /* A line either way, so that damage moves nobody else's line number. */
        g_string_append_printf(text, "%s\n",
                               section->broken ? damage_of(section) : "# nothing wrong here");
}

char *bw_test_settings_text(const BwTestSettings *settings) {
        GString *text = g_string_new("[Guard]\n");

        g_string_append_printf(text, "Mode=%s\nUnknownPorts=%s\n", bw_mode_name(settings->mode),
                               bw_unknown_ports_name(settings->unknown_ports));
        if (settings->bridges) {
                g_string_append(text, "Bridges=");
                for (guint i = 0; i < settings->bridges->len; i++)
                        g_string_append_printf(text, "%s ", (char *) settings->bridges->pdata[i]);
                if (settings->bridges->len == 0)
                        g_string_append(text, "nobridge");
                g_string_append_c(text, '\n');
        }
        for (guint i = 0; i < settings->bridge_sections->len; i++) {
                const BwTestBridge *bridge =
                        &g_array_index(settings->bridge_sections, BwTestBridge, i);

                write_name(text, "Bridge", bridge->name);
                if (bridge->has_mode)
                        g_string_append_printf(text, "Mode=%s\n", bw_mode_name(bridge->mode));
                if (bridge->has_unknown_ports)
                        g_string_append_printf(text, "UnknownPorts=%s\n",
                                               bw_unknown_ports_name(bridge->unknown_ports));
                write_prefixes(text, "Networks", bridge->networks);
                write_prefixes(text, "Gateway", bridge->gateways);
        }
        for (guint i = 0; i < settings->sections->len; i++)
                write_section(text, settings->sections->pdata[i]);
        return g_string_free(text, FALSE);
}

BwConfig *bw_test_config_from_text(const char *text) {
        BwConfig *config = bw_config_new();
        g_autoptr(GError) error = NULL;

        bw_config_read(config, "test.conf", text, strlen(text), &error);
        g_assert_no_error(error);
        bw_config_finish(config);
        return config;
}

BwConfig *bw_test_config(const BwTestSettings *settings) {
        g_autofree char *text = bw_test_settings_text(settings);

        return bw_test_config_from_text(text);
}
