/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_client.h"
#include "fake_world.h"

#include <bw/engine.h>
#include <string.h>

/* Properties */

static void expect_text(sd_bus *connection, const char *property, const char *value) {
        g_autofree char *text = NULL;

        g_assert_cmpint(sd_bus_get_property_string(connection, NAME, PATH, INTERFACE, property,
                                                   NULL, &text),
                        >=, 0);
        g_assert_cmpstr(text, ==, value);
}

static uint64_t read_number(sd_bus *connection, const char *property, char type) {
        union {
                uint64_t t;
                uint32_t u;
                int b;
        } value = { 0 };

        g_assert_cmpint(sd_bus_get_property_trivial(connection, NAME, PATH, INTERFACE, property,
                                                    NULL, type, &value),
                        >=, 0);
        return type == 't' ? value.t : type == 'u' ? value.u : (uint64_t) value.b;
}

static void expect_list(sd_bus *connection, const char *property, const char *const *value) {
        g_auto(GStrv) list = NULL;

        g_assert_cmpint(
                sd_bus_get_property_strv(connection, NAME, PATH, INTERFACE, property, NULL, &list),
                >=, 0);
        g_assert_cmpstrv(list, value);
}

static void expect_engines(sd_bus *connection) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;

        g_assert_cmpint(sd_bus_get_property(connection, NAME, PATH, INTERFACE, "Engines", NULL,
                                            &reply, "a(sbas)"),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "(sbas)"), >, 0);
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++) {
                g_auto(GStrv) reasons = NULL, wanted = bw_engine_list_reasons(kind);
                const char *name;
                int in_force;

                g_assert_cmpint(sd_bus_message_enter_container(reply, 'r', "sbas"), >, 0);
                g_assert_cmpint(sd_bus_message_read(reply, "sb", &name, &in_force), >, 0);
                g_assert_cmpint(sd_bus_message_read_strv(reply, &reasons), >, 0);
                g_assert_cmpstr(name, ==, bw_engine_name(kind));
                g_assert_cmpint(in_force, ==, kind == BW_ENGINE_IPTABLES);
                g_assert_cmpstrv(reasons, wanted);
                g_assert_cmpint(sd_bus_message_exit_container(reply), >=, 0);
        }
        g_assert_cmpint(sd_bus_message_at_end(reply, false), >, 0);
}

static void expect_hazards(sd_bus *connection) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;
        const char *kind, *subject, *sentence;

        g_assert_cmpint(sd_bus_get_property(connection, NAME, PATH, INTERFACE, "HazardList", NULL,
                                            &reply, "a(sss)"),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "(sss)"), >, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "(sss)", &kind, &subject, &sentence), >, 0);
        g_assert_cmpstr(kind, ==, "hub-mode");
        g_assert_cmpstr(subject, ==, "br\\xff");
        g_assert_cmpstr(sentence, ==, "br_netfilter \"%n\" \\xff");
        g_assert_cmpint(sd_bus_message_at_end(reply, false), >, 0);
}

static void read_properties(sd_bus *connection, gconstpointer user) {
        static const char *const hazards[] = { "br_netfilter \"%n\" \\xff", NULL };
        static const char *const bridges[] = { "virbr4", "virbr6", NULL };
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void) user;
        expect_text(connection, "Version", "7.7");
        g_assert_cmpuint(read_number(connection, "Generation", 't'), ==, 42);
        g_assert_cmpuint(read_number(connection, "InSync", 'b'), ==, 0);
        g_assert_cmpuint(read_number(connection, "Armed", 'b'), ==, 1);
        g_assert_cmpuint(read_number(connection, "LastSyncUSec", 't'), ==, 1700000000000000);
        g_assert_cmpuint(read_number(connection, "LibvirtConnected", 'b'), ==, 1);
        g_assert_cmpuint(read_number(connection, "PortsGuarded", 'u'), ==, 3);
        g_assert_cmpuint(read_number(connection, "PortsTotal", 'u'), ==, 4);
        g_assert_cmpuint(read_number(connection, "Strangers", 'u'), ==, 1);
        g_assert_cmpuint(read_number(connection, "ConfigErrors", 'u'), ==, 9);
        expect_engines(connection);
        expect_list(connection, "Hazards", hazards);
        expect_hazards(connection);
        expect_list(connection, "Bridges", bridges);
        g_assert_cmpint(
                sd_bus_set_property(connection, NAME, PATH, INTERFACE, "Armed", &error, "b", 0), <,
                0);
        g_assert_cmpstr(error.name, ==, SD_BUS_ERROR_PROPERTY_READ_ONLY);
        sd_bus_error_free(&error);
}

static void test_properties(void) {
        static const BwBusHazard hazards[] = { { "hub-mode", "br\xff",
                                                 "br_netfilter \"%n\" \xff" } };
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.state.in_sync = false;
        world.warden.state.config_errors = 9;
        world.warden.state.hazards = (BwBusHazards){ hazards, G_N_ELEMENTS(hazards) };
        bw_test_client_run(0, read_properties, NULL);
        g_assert_true(world.warden.state.armed);
        bw_fake_world_close(&world);
}

static int on_properties_changed(sd_bus_message *message, gpointer user, sd_bus_error *error) {
        GString *seen = user;
        const char *interface, *property;

        (void) error;
        g_assert_cmpint(sd_bus_message_read(message, "s", &interface), >, 0);
        g_assert_cmpstr(interface, ==, INTERFACE);
        g_assert_cmpint(sd_bus_message_enter_container(message, 'a', "{sv}"), >, 0);
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                g_assert_cmpint(sd_bus_message_read(message, "s", &property), >, 0);
                g_assert_cmpint(sd_bus_message_skip(message, "v"), >=, 0);
                g_assert_cmpint(sd_bus_message_exit_container(message), >=, 0);
                g_string_append_printf(seen, "%s ", property);
        }
        return 0;
}

/* A Disarm() changes two properties: they are told, each once, and nothing else is. */
static void watch_disarm(sd_bus *connection, gconstpointer user) {
        g_autoptr(GString) seen = g_string_new(NULL);
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void) user;
        g_assert_cmpint(sd_bus_match_signal(connection, NULL, NAME, PATH,
                                            "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                            on_properties_changed, seen),
                        >=, 0);
        g_assert_cmpint(
                sd_bus_call_method(connection, NAME, PATH, INTERFACE, "Disarm", &error, NULL, ""),
                >=, 0);
        while (seen->len == 0) {
                if (sd_bus_process(connection, NULL) == 0)
                        g_assert_cmpint(sd_bus_wait(connection, LIMIT_USEC), >, 0);
        }
        g_assert_cmpstr(seen->str, ==, "Generation Armed ");
}

static void test_properties_changed(void) {
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_client_run(0, watch_disarm, NULL);
        bw_fake_world_close(&world);
}

static int on_hazard(sd_bus_message *message, gpointer user, sd_bus_error *error) {
        GString *seen = user;
        const char *kind, *subject, *sentence;

        (void) error;
        g_assert_cmpint(sd_bus_message_read(message, "sss", &kind, &subject, &sentence), >, 0);
        g_string_append_printf(seen, "%s %s %s %s\n", sd_bus_message_get_member(message), kind,
                               subject, sentence);
        return 0;
}

/* Two requests: by the first, one hazard goes, one changes, one comes and one stays; by the second
 * nothing changes. PropertiesChanged comes behind the signals, once each. */
static void watch_hazards(sd_bus *connection, gconstpointer user) {
        g_autoptr(GString) told = g_string_new(NULL), changed = g_string_new(NULL);

        (void) user;
        g_assert_cmpint(
                sd_bus_match_signal(connection, NULL, NAME, PATH, INTERFACE, NULL, on_hazard, told),
                >=, 0);
        g_assert_cmpint(sd_bus_match_signal(connection, NULL, NAME, PATH,
                                            "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                            on_properties_changed, changed),
                        >=, 0);
        for (unsigned i = 0; i < 2; i++)
                g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, "Reload",
                                                   NULL, NULL, ""),
                                >=, 0);
        while (strlen(changed->str) < strlen("Generation Hazards HazardList Generation ")) {
                if (sd_bus_process(connection, NULL) == 0)
                        g_assert_cmpint(sd_bus_wait(connection, LIMIT_USEC), >, 0);
        }
        g_assert_cmpstr(changed->str, ==, "Generation Hazards HazardList Generation ");
        g_assert_cmpstr(told->str, ==,
                        "HazardCleared loop br0 round\n"
                        "HazardRaised hairpin vk63 new words\n"
                        "HazardRaised xdp br\\xff \\x1b[31m\n");
}

static void test_hazard_signals(void) {
        static const BwBusHazard before[] = { { "hub-mode", "br0", "floods" },
                                              { "hairpin", "vk63", "old words" },
                                              { "loop", "br0", "round" } };
        static const BwBusHazard after[] = { { "hub-mode", "br0", "floods" },
                                             { "hairpin", "vk63", "new words" },
                                             { "xdp", "br\xff", "\\x1b[31m" } };
        static const BwBusHazards then = { after, G_N_ELEMENTS(after) };
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.state.hazards = (BwBusHazards){ before, G_N_ELEMENTS(before) };
        bw_bus_changed(world.warden.bus);
        world.warden.hazards_then = &then;
        bw_test_client_run(0, watch_hazards, NULL);
        bw_fake_world_close(&world);
}

static void add_tests(void) {
        g_test_add_func("/bus/properties", test_properties);
        g_test_add_func("/bus/properties-changed", test_properties_changed);
        g_test_add_func("/bus/hazard-signals", test_hazard_signals);
}

int main(int argc, char **argv) {
        return bw_fake_world_run_tests(argc, argv, add_tests);
}
