/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus.h"
#include "fake_warden.h"
#include "netns.h"
#include "private_bus.h"

#include <bw/corpus.h>
#include <bw/engine.h>
#include <bw/reason.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define NAME       "org.bridgewarden1"
#define PATH       "/org/bridgewarden1"
#define INTERFACE  "org.bridgewarden1.Manager"
#define NOBODY     65534
#define LIMIT_USEC (30 * G_USEC_PER_SEC)

static bool is_really_root;

/* A daemon as far as the bus sees it */

typedef struct World {
        GPid bus;
        BwFakeWarden warden;
} World;

static void run_until(const unsigned *counter, unsigned value) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;

        while (*counter < value && g_get_monotonic_time() < deadline) {
                g_main_context_iteration(NULL, FALSE);
                g_usleep(1000);
        }
        g_assert_cmpuint(*counter, >=, value);
}

static void world_open(World *world, BwTestPolicy policy) {
        world->bus = bw_test_bus_start(policy);
        bw_fake_warden_init(&world->warden);
        world->warden.bus = bw_bus_new(&bw_fake_requests, &world->warden);
        run_until(&world->warden.came, 1);
        g_assert_cmpuint(world->warden.went, ==, 0);
}

static void world_close(World *world) {
        bw_bus_free(world->warden.bus);
        bw_fake_warden_clear(&world->warden);
        bw_test_bus_stop(world->bus);
}

/* Clients: a process each, which may be somebody else and may assert for itself */

typedef void (*Client)(sd_bus *connection, gconstpointer argument);

static void become(uid_t uid) {
        if (uid == 0)
                return;
        g_assert_cmpint(setgroups(0, NULL), ==, 0);
        g_assert_cmpint(setresgid(uid, uid, uid), ==, 0);
        g_assert_cmpint(setresuid(uid, uid, uid), ==, 0);
}

static void be_client(uid_t uid, Client client, gconstpointer argument) {
        sd_bus *connection = NULL;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        become(uid);
        g_assert_cmpint(sd_bus_open_system(&connection), >=, 0);
        client(connection, argument);
        sd_bus_flush_close_unref(connection);
        _exit(0);
}

static pid_t start_client(uid_t uid, Client client, gconstpointer argument) {
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0)
                be_client(uid, client, argument);
        return pid;
}

/* The daemon's side goes on meanwhile. */
static void finish_client(pid_t pid) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;
        int status = -1;

        while (waitpid(pid, &status, WNOHANG) == 0) {
                g_main_context_iteration(NULL, FALSE);
                g_usleep(500);
                if (g_get_monotonic_time() > deadline) {
                        (void) kill(pid, SIGKILL);
                        deadline = G_MAXINT64;
                }
        }
        g_assert_cmpint(status, ==, 0);
}

static void run_client(uid_t uid, Client client, gconstpointer argument) {
        finish_client(start_client(uid, client, argument));
}

typedef struct Expected {
        const char *member;
        const char *argument; /* NULL: the method takes none */
        const char *error;    /* NULL: the call is fine */
        const char *words;    /* in the error's sentence */
} Expected;

static void call_once(sd_bus *connection, gconstpointer user) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const Expected *expected = user;
        int r = sd_bus_call_method(connection, NAME, PATH, INTERFACE, expected->member, &error,
                                   NULL, expected->argument != NULL ? "s" : "", expected->argument);

        g_assert_cmpstr(error.name, ==, expected->error);
        if (expected->error != NULL && expected->words != NULL &&
            strstr(error.message, expected->words) == NULL)
                g_error("%s lacks %s", error.message, expected->words);
        g_assert_cmpint(r >= 0, ==, expected->error == NULL);
        sd_bus_error_free(&error);
}

static void expect(uid_t uid, const char *member, const char *argument, const char *error,
                   const char *words) {
        Expected expected = { member, argument, error, words };

        run_client(uid, call_once, &expected);
}

static void test_methods(void) {
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        expect(0, "Resync", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], ==, 1);
        expect(0, "ResyncPort", "vk63", NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC_PORT], ==, 1);
        g_assert_cmpstr(world.warden.argument, ==, "vk63");
        expect(0, "ResyncGuest", "-k '\"%n\n$(id) ä", NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC_GUEST], ==, 1);
        g_assert_cmpstr(world.warden.argument, ==, "-k '\"%n\n$(id) ä");
        expect(0, "Reload", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RELOAD], ==, 1);
        expect(0, "Disarm", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_DISARM], ==, 1);
        expect(0, "Explode", NULL, SD_BUS_ERROR_UNKNOWN_METHOD, NULL);
        world_close(&world);
}

static void test_errors(void) {
        static const struct {
                BwError code;
                const char *name;
        } cases[] = {
                { BW_ERROR_INVALID, NAME ".Error.Invalid" },
                { BW_ERROR_BUSY, NAME ".Error.Busy" },
                { BW_ERROR_STALE, NAME ".Error.Stale" },
                { BW_ERROR_DENIED, NAME ".Error.Denied" },
                { BW_ERROR_ABSENT, NAME ".Error.NoSuchPort" },
                { BW_ERROR_BROKEN, NAME ".Error.Broken" },
        };
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_set_error(&world.warden.refusal, BW_ERROR, (int) cases[i].code,
                            "no port \"%%n%%s\xff\"");
                expect(0, "ResyncPort", "vk63", cases[i].name, "no port \"%n%s\\xff\"");
                expect(0, "ListPorts", NULL, cases[i].name, "no port");
                g_clear_error(&world.warden.refusal);
        }
        world_close(&world);
}

static const struct {
        const char *member, *argument;
} for_root[] = {
        { "Resync", NULL },  { "ResyncPort", "vk63" }, { "ResyncGuest", "kali3" },
        { "Reload", NULL },  { "Disarm", NULL },       { "ListFdb", NULL },
        { "GetPlan", NULL }, { "Check", NULL },
};

static void read_all(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        uint64_t generation;

        (void) user;
        g_assert_cmpint(sd_bus_get_property_trivial(connection, NAME, PATH, INTERFACE, "Generation",
                                                    NULL, 't', &generation),
                        >=, 0);
        g_assert_cmpuint(generation, ==, 42);
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH,
                                           "org.freedesktop.DBus.Properties", "GetAll", NULL,
                                           &reply, "s", INTERFACE),
                        >=, 0);
        sd_bus_message_unref(reply);
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH,
                                           "org.freedesktop.DBus.Introspectable", "Introspect",
                                           NULL, NULL, ""),
                        >=, 0);
}

static void expect_nobody_refused(BwTestPolicy policy, const char *words) {
        World world;

        world_open(&world, policy);
        for (unsigned i = 0; i < G_N_ELEMENTS(for_root); i++)
                expect(NOBODY, for_root[i].member, for_root[i].argument, SD_BUS_ERROR_ACCESS_DENIED,
                       words);
        g_assert_cmpuint(world.warden.fdb_asked + world.warden.plan_asked + world.warden.checked,
                         ==, 0);
        for (unsigned i = 0; i < BW_FAKE_MAX; i++)
                g_assert_cmpuint(world.warden.requests[i], ==, 0);
        g_assert_true(world.warden.state.armed);
        expect(NOBODY, "ListPorts", NULL, NULL, NULL);
        run_client(NOBODY, read_all, NULL);
        world_close(&world);
}

static bool skip_without_root(void) {
        if (!is_really_root)
                g_test_skip("only root can become somebody else");
        return !is_really_root;
}

/* The bus itself refuses: the call does not come as far as the daemon. */
static void test_nobody_and_the_policy(void) {
        if (!skip_without_root())
                expect_nobody_refused(BW_TEST_POLICY_SHIPPED, "Rejected send message");
}

/* A bus without a policy: the daemon looks for itself, and says which call and why. */
static void test_nobody_and_the_daemon(void) {
        if (!skip_without_root())
                expect_nobody_refused(BW_TEST_POLICY_OPEN,
                                      "is for root only: the caller is user 65534");
}

static void own_name(sd_bus *connection, gconstpointer user) {
        (void) user;
        g_assert_cmpint(sd_bus_request_name(connection, NAME, 0), ==, -EACCES);
}

static void test_nobody_cannot_own_the_name(void) {
        GPid bus;

        if (skip_without_root())
                return;
        bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        run_client(NOBODY, own_name, NULL);
        bw_test_bus_stop(bus);
}

/* Arguments no port or guest can have */

static void call_badly(sd_bus *connection, gconstpointer user) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void) user;
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, "ResyncPort", &error,
                                           NULL, "u", 7),
                        <, 0);
        g_assert_cmpstr(error.name, ==, SD_BUS_ERROR_INVALID_ARGS);
        sd_bus_error_free(&error);
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, "Disarm", &error,
                                           NULL, "s", "now"),
                        <, 0);
        g_assert_cmpstr(error.name, ==, SD_BUS_ERROR_INVALID_ARGS);
        sd_bus_error_free(&error);
}

static void test_arguments(void) {
        g_autofree char *longest = g_strnfill(4096, 'x');
        g_autofree char *longer = g_strnfill(4097, 'x');
        g_autofree char *absurd = g_strnfill(1 << 20, 'x');
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        expect(0, "ResyncGuest", longer, SD_BUS_ERROR_INVALID_ARGS, "4096");
        expect(0, "ResyncPort", absurd, SD_BUS_ERROR_INVALID_ARGS, "4096");
        run_client(0, call_badly, NULL);
        for (unsigned i = 0; i < BW_FAKE_MAX; i++)
                g_assert_cmpuint(world.warden.requests[i], ==, 0);
        expect(0, "ResyncGuest", longest, NULL, NULL);
        g_assert_cmpstr(world.warden.argument, ==, longest);
        world_close(&world);
}

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
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.state.in_sync = false;
        world.warden.state.config_errors = 9;
        world.warden.state.hazards = (BwBusHazards){ hazards, G_N_ELEMENTS(hazards) };
        run_client(0, read_properties, NULL);
        g_assert_true(world.warden.state.armed);
        world_close(&world);
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
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        run_client(0, watch_disarm, NULL);
        world_close(&world);
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
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.state.hazards = (BwBusHazards){ before, G_N_ELEMENTS(before) };
        bw_bus_changed(world.warden.bus);
        world.warden.hazards_then = &then;
        run_client(0, watch_hazards, NULL);
        world_close(&world);
}

/* ListPorts */

static const char *const some_macs[] = { "52:54:00:00:00:03", NULL };
static const char *const some_addresses[] = { "192.168.50.13", "2001:db8::/64", NULL };
static const char *const nothing[] = { NULL };

static const BwBusPort hostile_ports[] = {
        { .port = "vk63",
          .bridge = "virbr6",
          .guest = "a\"b\n%n\xff",
          .uuid = "u",
          .role = "guest",
          .mode = "enforce",
          .state = "bound",
          .protected = true,
          .macs = some_macs,
          .addresses = some_addresses,
          .where = "x.conf:3",
          .trouble = "",
          .dropped = { [BW_REASON_NONE] = 9, [BW_REASON_SPOOFED_IP] = 7 },
          .monitored = { [BW_REASON_UNBOUND] = 1 } },
        { .port = "\xfe",
          .bridge = "virbr6",
          .guest = "",
          .uuid = "",
          .role = "",
          .mode = "",
          .state = "stranger",
          .macs = nothing,
          .addresses = NULL,
          .where = NULL,
          .trouble = "t" },
};

static char *dump(sd_bus_message *message) {
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        g_assert_cmpint(sd_bus_message_dump(message, stream, 0), >=, 0);
        (void) fclose(stream);
        return text;
}

static void expect_row(const char *text, const char *key, const char *value) {
        g_autofree char *pattern =
                g_strdup_printf("STRING \"%s\";\\s*VARIANT \"[^\"]*\" \\{\\s*%s", key, value);

        if (!g_regex_match_simple(pattern, text, 0, 0))
                g_error("no %s in %s", pattern, text);
}

static void list_hostile(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        g_autofree char *text = NULL;

        (void) user;
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, "ListPorts", NULL,
                                           &reply, ""),
                        >=, 0);
        g_assert_true(sd_bus_message_has_signature(reply, "aa{sv}"));
        text = dump(reply);
        expect_row(text, "Port", "STRING \"vk63\"");
        expect_row(text, "Guest", "STRING \"a\"b\n%n\\\\xff\"");
        expect_row(text, "Protected", "BOOLEAN true");
        expect_row(text, "MACs", "ARRAY \"s\" \\{\\s*STRING \"52:54:00:00:00:03\"");
        expect_row(text, "Addresses",
                   "ARRAY \"s\" \\{\\s*STRING \"192.168.50.13\";\\s*STRING \"2001:db8::/64\"");
        expect_row(text, "Where", "STRING \"x.conf:3\"");
        expect_row(text, "Dropped",
                   "ARRAY \"\\{st\\}\" \\{\\s*DICT_ENTRY \"st\" \\{\\s*STRING \"spoofed-ip\";"
                   "\\s*UINT64 7;\\s*\\};\\s*\\};");
        expect_row(text, "Monitored",
                   "ARRAY \"\\{st\\}\" \\{\\s*DICT_ENTRY \"st\" \\{\\s*STRING "
                   "\"unbound\";\\s*UINT64 1;\\s*\\};\\s*\\};");
        expect_row(text, "Port", "STRING \"\\\\xfe\"");
        expect_row(text, "Trouble", "STRING \"t\"");
        sd_bus_message_unref(reply);
}

static void test_list_ports(void) {
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.ports = hostile_ports;
        world.warden.n_ports = G_N_ELEMENTS(hostile_ports);
        run_client(0, list_hostile, NULL);
        world_close(&world);
}

typedef struct Length {
        const char *member;
        unsigned rows;
} Length;

static void count_rows(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        const Length *length = user;
        unsigned rows = 0;

        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, length->member, NULL,
                                           &reply, ""),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "a{sv}"), >, 0);
        while (sd_bus_message_skip(reply, "a{sv}") > 0)
                rows++;
        g_assert_cmpuint(rows, ==, length->rows);
        sd_bus_message_unref(reply);
}

static void read_topology(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        const char *sentence;

        (void) user;
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, "GetTopology", NULL,
                                           &reply, ""),
                        >=, 0);
        g_assert_cmpstr(sd_bus_message_get_signature(reply, true), ==, "aa{sv}aa{sv}as");
        g_assert_cmpint(sd_bus_message_skip(reply, "aa{sv}aa{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "s"), >, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "s", &sentence), >, 0);
        g_assert_cmpstr(sentence, ==, "all\x1b[2J is \\xff lost");
        sd_bus_message_unref(reply);
}

/* Names of any bytes, for somebody who is not root. */
static void test_topology(void) {
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        run_client(NOBODY, read_topology, NULL);
        world_close(&world);
}

static void test_list_many_ports(void) {
        Length expected = { "ListPorts", 2 * 2000 };
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.ports = hostile_ports;
        world.warden.n_ports = G_N_ELEMENTS(hostile_ports);
        world.warden.repeat = 2000;
        run_client(0, count_rows, &expected);
        world_close(&world);
}

/* Explain() */

typedef struct Question {
        const char *in, *out;
        gsize length;      /* of the frame: an ARP of the attacker's, then zeroes */
        const char *error; /* NULL: answered */
        const char *fate, *reason;
} Question;

static sd_bus_message *ask_explain(sd_bus *connection, const Question *question,
                                   sd_bus_error *error) {
        g_autofree uint8_t *frame = g_malloc0(question->length + 64);
        sd_bus_message *message = NULL, *reply = NULL;

        memcpy(frame,
               "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x9f\x5d\x0d\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"
               "\x52\x54\x00\x9f\x5d\x0d\xc0\xa8\x32\x63",
               32);
        g_assert_cmpint(sd_bus_message_new_method_call(connection, &message, NAME, PATH, INTERFACE,
                                                       "Explain"),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_append(message, "ss", question->in, question->out), >=, 0);
        g_assert_cmpint(sd_bus_message_append_array(message, 'y', frame, question->length), >=, 0);
        (void) sd_bus_call(connection, message, 0, error, &reply);
        sd_bus_message_unref(message);
        return reply;
}

/* The text of @key in the first row, which is skipped over. */
static char *first_text(sd_bus_message *reply, const char *key) {
        const char *found, *text = NULL;
        char *copy = NULL;

        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "{sv}"), >, 0);
        while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
                g_assert_cmpint(sd_bus_message_read(reply, "s", &found), >, 0);
                if (g_str_equal(found, key)) {
                        g_assert_cmpint(sd_bus_message_read(reply, "v", "s", &text), >, 0);
                        copy = g_strdup(text);
                } else
                        g_assert_cmpint(sd_bus_message_skip(reply, "v"), >, 0);
                sd_bus_message_exit_container(reply);
        }
        sd_bus_message_exit_container(reply);
        return copy;
}

static void explain(sd_bus *connection, gconstpointer user) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const Question *question = user;
        sd_bus_message *reply = ask_explain(connection, question, &error);
        g_autofree char *reason = NULL;
        const char *fate;

        g_assert_cmpstr(error.name, ==, question->error);
        sd_bus_error_free(&error);
        if (question->error != NULL)
                return;
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "a{sv}"), >, 0);
        reason = first_text(reply, "Reason");
        while (sd_bus_message_skip(reply, "a{sv}") > 0)
                ;
        sd_bus_message_exit_container(reply);
        g_assert_cmpint(sd_bus_message_read(reply, "s", &fate), >, 0);
        g_assert_cmpstr(reason, ==, question->reason);
        g_assert_cmpstr(fate, ==, question->fate);
        sd_bus_message_unref(reply);
}

/* For everybody; frames and names of any length are answered or refused. */
static void test_explain(void) {
        static const char *const none[] = { NULL };
        g_autofree char *longer = g_strnfill(4097, 'x');
        BwScene scene = bw_scene_new();
        g_autoptr(BwPlan) plan = bw_scene_plan_new(&scene, none, "");
        const char *in = scene.stations[BW_WHO_ATTACKER].port;
        const Question questions[] = {
                { in, "", 42, NULL, "dropped", "spoofed-arp" },
                { in, scene.stations[BW_WHO_VICTIM].port, 42, NULL, "dropped", "spoofed-arp" },
                { scene.bridge, "", 42, NULL, "passes", "" },
                { in, "", 0, NULL, "dropped", "ethertype" },
                { in, "", 65536, NULL, "dropped", "spoofed-arp" },
                { in, "", 65537, NAME ".Error.Invalid", NULL, NULL },
                { "nope", "", 42, NAME ".Error.NoSuchPort", NULL, NULL },
                { in, "nope", 42, NAME ".Error.NoSuchPort", NULL, NULL },
                { longer, "", 42, SD_BUS_ERROR_INVALID_ARGS, NULL, NULL },
                { in, longer, 42, SD_BUS_ERROR_INVALID_ARGS, NULL, NULL },
        };
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.plan = plan;
        for (unsigned i = 0; i < G_N_ELEMENTS(questions); i++)
                run_client(is_really_root ? NOBODY : 0, explain, &questions[i]);
        g_assert_cmpuint(world.warden.explained, ==, G_N_ELEMENTS(questions) - 2);
        world_close(&world);
}

static void read_plan(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        const char *command, *text;

        (void) user;
        g_assert_cmpint(
                sd_bus_call_method(connection, NAME, PATH, INTERFACE, "GetPlan", NULL, &reply, ""),
                >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "{ss}"), >, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "{ss}", &command, &text), >, 0);
        g_assert_cmpstr(command, ==, "iptables");
        g_assert_cmpstr(text, ==, "*raw\nCOMMIT\n");
        g_assert_cmpint(sd_bus_message_read(reply, "{ss}", &command, &text), >, 0);
        g_assert_cmpstr(command, ==, "nftables");
        g_assert_cmpstr(text, ==, "table bridge x \\xff {\n}\n");
        sd_bus_message_unref(reply);
}

static void test_get_plan(void) {
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        run_client(0, read_plan, NULL);
        g_set_error(&world.warden.refusal, BW_ERROR, BW_ERROR_BUSY, "nothing is planned");
        expect(0, "GetPlan", NULL, NAME ".Error.Busy", "nothing is planned");
        world_close(&world);
}

/* How many there are, and how many are told of. */
typedef struct Differences {
        uint32_t count, rows;
} Differences;

static void read_check(sd_bus *connection, gconstpointer user) {
        const Differences *wanted = user;
        sd_bus_message *reply = NULL;
        const char *engine, *table, *line;
        uint32_t count = 0, rows = 0;
        int is_missing;

        g_assert_cmpint(
                sd_bus_call_method(connection, NAME, PATH, INTERFACE, "Check", NULL, &reply, ""),
                >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "(ssbs)"), >, 0);
        for (; sd_bus_message_read(reply, "(ssbs)", &engine, &table, &is_missing, &line) > 0;
             rows++) {
                g_assert_cmpstr(engine, ==, "iptables");
                g_assert_cmpstr(table, ==, "raw");
                g_assert_cmpint(is_missing, ==, 1);
                g_assert_cmpstr(line, ==, "-A bw-i-vk63\\xff -j DROP");
        }
        g_assert_cmpint(sd_bus_message_exit_container(reply), >=, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "u", &count), >, 0);
        g_assert_cmpuint(count, ==, wanted->count);
        g_assert_cmpuint(rows, ==, wanted->rows);
        sd_bus_message_unref(reply);
}

/* However much is wrong, what is told of it stays readable; and asking changes nothing. */
static void test_check(void) {
        static const Differences none = { 0, 0 }, two = { 2, 2 }, many = { 40000, 16384 };
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        run_client(0, read_check, &none);
        world.warden.n_differences = two.count;
        run_client(0, read_check, &two);
        world.warden.n_differences = many.count;
        run_client(0, read_check, &many);
        g_assert_cmpuint(world.warden.checked, ==, 3);
        for (unsigned i = 0; i < BW_FAKE_MAX; i++)
                g_assert_cmpuint(world.warden.requests[i], ==, 0);
        g_set_error(&world.warden.refusal, BW_ERROR, BW_ERROR_BUSY, "nothing is planned");
        expect(0, "Check", NULL, NAME ".Error.Busy", "nothing is planned");
        world_close(&world);
}

/* As many as a guest can make a bridge learn, and the daemon goes on. */
static void test_list_long_fdb(void) {
        Length some = { "ListFdb", 3 }, most = { "ListFdb", 16384 };
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.n_fdb = 3;
        run_client(0, count_rows, &some);
        world.warden.n_fdb = 65536;
        run_client(0, count_rows, &most);
        g_assert_cmpuint(world.warden.fdb_asked, ==, 2);
        expect(0, "Resync", NULL, NULL, NULL);
        world_close(&world);
}

/* Introspection is conf/org.bridgewarden1.xml */

typedef struct Interface {
        GPtrArray *parts; /* char *: a sentence for each member, argument and annotation */
        char *member;
        bool inside;
} Interface;

static const char *attribute(const char **names, const char **values, const char *name,
                             const char *otherwise) {
        for (; *names != NULL; names++, values++)
                if (g_str_equal(*names, name))
                        return *values;
        return otherwise;
}

static void on_element(GMarkupParseContext *context, const char *element, const char **names,
                       const char **values, gpointer user, GError **error) {
        const char *name = attribute(names, values, "name", "");
        Interface *self = user;

        (void) context;
        (void) error;
        if (g_str_equal(element, "interface"))
                self->inside = g_str_equal(name, INTERFACE);
        if (!self->inside || g_str_has_prefix(name, "org.freedesktop.systemd1."))
                return;
        if (g_str_equal(element, "method") || g_str_equal(element, "property") ||
            g_str_equal(element, "signal")) {
                g_free(self->member);
                self->member = g_strdup(name);
        }
        g_ptr_array_add(self->parts, g_strdup_printf("%s: %s %s %s %s %s%s", self->member, element,
                                                     name, attribute(names, values, "type", ""),
                                                     attribute(names, values, "direction", ""),
                                                     attribute(names, values, "access", ""),
                                                     attribute(names, values, "value", "")));
}

static int compare_text(gconstpointer a, gconstpointer b) {
        return g_strcmp0(*(const char *const *) a, *(const char *const *) b);
}

static char *parse_interface(const char *xml) {
        static const GMarkupParser parser = { .start_element = on_element };
        Interface self = { .parts = g_ptr_array_new_with_free_func(g_free) };
        GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &self, NULL);
        g_autoptr(GError) error = NULL;
        char *text;

        g_markup_parse_context_parse(context, xml, -1, &error);
        g_assert_no_error(error);
        g_markup_parse_context_free(context);
        g_ptr_array_sort(self.parts, compare_text);
        g_ptr_array_add(self.parts, NULL);
        text = g_strjoinv("\n", (char **) self.parts->pdata);
        g_ptr_array_unref(self.parts);
        g_free(self.member);
        return text;
}

static void introspect(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        g_autofree char *paper = NULL, *expected = NULL, *found = NULL;
        const char *xml;

        (void) user;
        g_assert_true(g_file_get_contents("../conf/org.bridgewarden1.xml", &paper, NULL, NULL));
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH,
                                           "org.freedesktop.DBus.Introspectable", "Introspect",
                                           NULL, &reply, ""),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "s", &xml), >, 0);
        expected = parse_interface(paper);
        found = parse_interface(xml);
        g_assert_cmpstr(found, ==, expected);
        g_assert_nonnull(strstr(found, "ResyncPort: arg port s in"));
        sd_bus_message_unref(reply);
}

static void test_introspection(void) {
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        run_client(0, introspect, NULL);
        world_close(&world);
}

/* A bus that is not there, goes, hangs */

static void test_no_bus_at_start(void) {
        BwFakeWarden warden;
        GPid bus;

        bw_fake_warden_init(&warden);
        warden.bus = bw_bus_new(&bw_fake_requests, &warden);
        run_until(&warden.went, 1);
        g_assert_nonnull(strstr(warden.why, "cannot be reached"));
        bw_bus_changed(warden.bus);
        /* Two more tries, and not another word about them. */
        for (int64_t end = g_get_monotonic_time() + 3500 * 1000; g_get_monotonic_time() < end;) {
                g_main_context_iteration(NULL, FALSE);
                g_usleep(5000);
        }
        g_assert_cmpuint(warden.went, ==, 1);
        bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        run_until(&warden.came, 1);
        g_assert_cmpuint(warden.went, ==, 1);
        expect(0, "Resync", NULL, NULL, NULL);
        bw_bus_free(warden.bus);
        bw_test_bus_stop(bus);
}

static void test_bus_dies_and_comes_back(void) {
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_bus_stop(world.bus);
        run_until(&world.warden.went, 1);
        bw_bus_changed(world.warden.bus);
        world.bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        run_until(&world.warden.came, 2);
        expect(0, "Resync", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], ==, 1);
        g_assert_cmpuint(world.warden.went, ==, 1);
        world_close(&world);
}

static void test_name_is_taken(void) {
        BwFakeWarden second;
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_fake_warden_init(&second);
        second.bus = bw_bus_new(&bw_fake_requests, &second);
        run_until(&second.went, 1);
        g_assert_nonnull(strstr(second.why, "another program has it"));
        expect(0, "Resync", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], ==, 1);
        g_assert_cmpuint(second.requests[BW_FAKE_RESYNC], ==, 0);
        g_clear_pointer(&world.warden.bus, bw_bus_free);
        run_until(&second.came, 1);
        bw_bus_free(second.bus);
        world_close(&world);
}

static gboolean count(gpointer user) {
        (*(unsigned *) user)++;
        return G_SOURCE_CONTINUE;
}

/* The loop turns @turns times: a call that waits for the bus would wait for ever. */
static void expect_loop_turns(unsigned turns) {
        /* Slower than the loop, so that the bus, which comes after timers, has turns in between. */
        unsigned turned = 0, tick = g_timeout_add(10, count, &turned);

        run_until(&turned, turns);
        g_source_remove(tick);
}

static void leave_calls(sd_bus *connection, gconstpointer user) {
        (void) user;
        for (unsigned i = 0; i < 10; i++)
                g_assert_cmpint(sd_bus_call_method_async(connection, NULL, NAME, PATH, INTERFACE,
                                                         "Reload", NULL, NULL, ""),
                                >=, 0);
        g_assert_cmpint(sd_bus_flush(connection), >=, 0);
        g_usleep(G_USEC_PER_SEC / 5);
}

static void test_stopped_bus_stops_nothing(void) {
        World world;
        pid_t client;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        client = start_client(0, leave_calls, NULL);
        g_usleep(G_USEC_PER_SEC / 10);
        g_assert_cmpint(kill(world.bus, SIGSTOP), ==, 0);
        for (unsigned i = 0; i < 100000; i++) {
                world.warden.state.generation++;
                bw_bus_changed(world.warden.bus);
        }
        /* Calls whose caller cannot be asked for now are pending when we are freed. */
        expect_loop_turns(50);
        g_clear_pointer(&world.warden.bus, bw_bus_free);
        g_assert_cmpint(kill(world.bus, SIGCONT), ==, 0);
        (void) kill(client, SIGKILL);
        g_assert_cmpint(waitpid(client, NULL, 0), ==, client);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RELOAD], ==, 0);
        world_close(&world);
}

/* Something listens and never says a word; then its backlog is full, too. */
static void test_silent_listener_stops_nothing(void) {
        const char *path = strchr(g_getenv("DBUS_SYSTEM_BUS_ADDRESS"), '/');
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        BwFakeWarden first, second;

        g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
        (void) unlink(path);
        g_assert_cmpint(bind(listener, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        g_assert_cmpint(listen(listener, 0), ==, 0);
        bw_fake_warden_init(&first);
        bw_fake_warden_init(&second);
        first.bus = bw_bus_new(&bw_fake_requests, &first);
        expect_loop_turns(20);
        bw_bus_changed(first.bus);
        second.bus = bw_bus_new(&bw_fake_requests, &second);
        expect_loop_turns(20);
        run_until(&second.went, 1);
        g_assert_cmpuint(first.came + second.came, ==, 0);
        bw_bus_free(first.bus);
        bw_bus_free(second.bus);
        g_close(listener, NULL);
        (void) unlink(path);
}

/* Many calls at once: each is answered, with success or with a refusal that says to come back. */

typedef struct Answers {
        unsigned fine, refused;
} Answers;

static int on_answer(sd_bus_message *reply, gpointer user, sd_bus_error *error) {
        Answers *answers = user;

        (void) error;
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_LIMITS_EXCEEDED))
                answers->refused++;
        else if (!sd_bus_message_is_method_error(reply, NULL))
                answers->fine++;
        return 0;
}

static void flood(sd_bus *connection, gconstpointer user) {
        Answers answers = { 0 };

        (void) user;
        for (unsigned i = 0; i < 100; i++)
                g_assert_cmpint(sd_bus_call_method_async(connection, NULL, NAME, PATH, INTERFACE,
                                                         "Resync", on_answer, &answers, ""),
                                >=, 0);
        while (answers.fine + answers.refused < 100)
                if (sd_bus_process(connection, NULL) == 0)
                        g_assert_cmpint(sd_bus_wait(connection, LIMIT_USEC), >, 0);
        g_assert_cmpuint(answers.fine, >, 0);
}

static void test_flood_of_calls(void) {
        World world;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        run_client(0, flood, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], >, 0);
        expect(0, "Resync", NULL, NULL, NULL);
        world_close(&world);
}

/* Questions: those that take time keep nobody from being answered, and each has a turn of its own.
 */

/* A bus lets nobody wait for more than 128 answers. */
#define EACH         100
#define CALLERS      11
#define MOST_WAITING 1024 /* in all; the others are refused */

typedef struct Crowd {
        sd_bus *callers[CALLERS];
        unsigned n;
        Answers answers; /* to their questions for the ports */
} Crowd;

static void crowd_ask(Crowd *crowd, unsigned n) {
        crowd->n = n;
        for (unsigned i = 0; i < n; i++) {
                g_assert_cmpint(sd_bus_open_system(&crowd->callers[i]), >=, 0);
                for (unsigned k = 0; k < EACH; k++)
                        g_assert_cmpint(sd_bus_call_method_async(crowd->callers[i], NULL, NAME,
                                                                 PATH, INTERFACE, "ListPorts",
                                                                 on_answer, &crowd->answers, ""),
                                        >=, 0);
                g_assert_cmpint(sd_bus_flush(crowd->callers[i]), >=, 0);
        }
}

static void crowd_wait(Crowd *crowd, const unsigned *number, unsigned value) {
        while (*number < value) {
                int done = 0;

                for (unsigned i = 0; i < crowd->n; i++)
                        done += sd_bus_process(crowd->callers[i], NULL);
                if (done == 0)
                        g_usleep(1000);
        }
}

static void ask_many(sd_bus *connection, gconstpointer user) {
        Crowd crowd = { .n = 0 };

        (void) connection;
        (void) user;
        crowd_ask(&crowd, 2);
        crowd_wait(&crowd, &crowd.answers.fine, 2 * EACH);
        g_assert_cmpuint(crowd.answers.refused, ==, 0);
}

static gboolean count_turn(gpointer user) {
        (*(unsigned *) user)++;
        return G_SOURCE_REMOVE;
}

/* What the guard has to do comes between any two answers. */
static void test_a_turn_each(void) {
        unsigned turns = 0, listed = 0, wanted = 0;
        World world;
        pid_t client;
        int status;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.takes_time = true;
        client = start_client(NOBODY, ask_many, NULL);
        run_until(&world.warden.prepared, 1);
        for (int64_t end = g_get_monotonic_time() + LIMIT_USEC;
             listed < 2 * EACH && g_get_monotonic_time() < end;) {
                if (world.warden.prepared > listed)
                        bw_bus_ports_ready(world.warden.bus);
                g_idle_add_full(G_PRIORITY_DEFAULT, count_turn, &turns, NULL);
                wanted++;
                while (turns < wanted)
                        g_main_context_iteration(NULL, FALSE);
                g_main_context_iteration(NULL, FALSE);
                g_assert_cmpuint(world.warden.listed, <=, listed + 1);
                listed = world.warden.listed;
        }
        g_assert_cmpuint(listed, ==, 2 * EACH);
        g_assert_cmpuint(world.warden.prepared, ==, 2 * EACH);
        g_assert_cmpint(waitpid(client, &status, 0), ==, client);
        g_assert_cmpint(status, ==, 0);
        world_close(&world);
}

static void ask_and_overtake(sd_bus *connection, gconstpointer user) {
        const unsigned too_many = CALLERS * EACH - MOST_WAITING;
        Crowd crowd = { .n = 0 };
        uint64_t generation = 0;

        (void) user;
        crowd_ask(&crowd, CALLERS);
        crowd_wait(&crowd, &crowd.answers.refused, too_many);
        g_assert_cmpint(sd_bus_get_property_trivial(connection, NAME, PATH, INTERFACE, "Generation",
                                                    NULL, 't', &generation),
                        >=, 0);
        g_assert_cmpuint(generation, ==, 42);
        g_assert_cmpuint(crowd.answers.fine, ==, 0);
        g_assert_cmpint(
                sd_bus_call_method(connection, NAME, PATH, INTERFACE, "Resync", NULL, NULL, ""), >=,
                0);
        crowd_wait(&crowd, &crowd.answers.fine, MOST_WAITING);
        g_assert_cmpuint(crowd.answers.refused, ==, too_many);
}

/* While nothing is ready; the last question before it is, is for root, and is seen here. */
static void test_ports_wait(void) {
        World world;
        pid_t client;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.takes_time = true;
        client = start_client(0, ask_and_overtake, NULL);
        run_until(&world.warden.requests[BW_FAKE_RESYNC], 1);
        g_assert_cmpuint(world.warden.prepared, ==, 1);
        g_assert_cmpuint(world.warden.listed, ==, 0);
        world.warden.takes_time = false;
        bw_bus_ports_ready(world.warden.bus);
        finish_client(client);
        g_assert_cmpuint(world.warden.listed, ==, MOST_WAITING);
        world_close(&world);
}

static void ask_and_leave(sd_bus *connection, gconstpointer user) {
        Crowd crowd = { .n = 0 };

        (void) connection;
        (void) user;
        crowd_ask(&crowd, 1);
        g_usleep(LIMIT_USEC);
}

static void stop_client(pid_t client) {
        (void) kill(client, SIGKILL);
        g_assert_cmpint(waitpid(client, NULL, 0), ==, client);
}

/* Who waited is gone with the bus; when it is back, others are answered. */
static void test_bus_dies_while_ports_wait(void) {
        Length expected = { "ListPorts", G_N_ELEMENTS(hostile_ports) };
        World world;
        pid_t client;

        world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.ports = hostile_ports;
        world.warden.n_ports = G_N_ELEMENTS(hostile_ports);
        world.warden.takes_time = true;
        client = start_client(0, ask_and_leave, NULL);
        run_until(&world.warden.prepared, 1);
        bw_test_bus_stop(world.bus);
        run_until(&world.warden.went, 1);
        stop_client(client);
        bw_bus_ports_ready(world.warden.bus);
        world.bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        run_until(&world.warden.came, 2);
        g_assert_cmpuint(world.warden.listed, ==, 0);
        world.warden.takes_time = false;
        run_client(0, count_rows, &expected);
        g_assert_cmpuint(world.warden.listed, ==, 1);

        /* Some wait when we are freed. */
        world.warden.takes_time = true;
        client = start_client(0, ask_and_leave, NULL);
        run_until(&world.warden.prepared, 3);
        g_clear_pointer(&world.warden.bus, bw_bus_free);
        stop_client(client);
        world_close(&world);
}

static void test_skipped(void) {
        g_test_skip("this machine allows no namespaces of one's own: no private system bus");
}

int main(int argc, char **argv) {
        bool own_world;

        is_really_root = getuid() == 0;
        own_world = bw_test_enter_netns();
        g_test_init(&argc, &argv, NULL);
        if (!own_world) {
                g_test_add_func("/bus", test_skipped);
                return g_test_run();
        }
        bw_test_bus_prepare();
        g_test_add_func("/bus/introspection", test_introspection);
        g_test_add_func("/bus/methods", test_methods);
        g_test_add_func("/bus/errors", test_errors);
        g_test_add_func("/bus/arguments", test_arguments);
        g_test_add_func("/bus/nobody-and-the-policy", test_nobody_and_the_policy);
        g_test_add_func("/bus/nobody-and-the-daemon", test_nobody_and_the_daemon);
        g_test_add_func("/bus/nobody-cannot-own-the-name", test_nobody_cannot_own_the_name);
        g_test_add_func("/bus/properties", test_properties);
        g_test_add_func("/bus/properties-changed", test_properties_changed);
        g_test_add_func("/bus/hazard-signals", test_hazard_signals);
        g_test_add_func("/bus/list-ports", test_list_ports);
        g_test_add_func("/bus/topology", test_topology);
        g_test_add_func("/bus/list-many-ports", test_list_many_ports);
        g_test_add_func("/bus/explain", test_explain);
        g_test_add_func("/bus/get-plan", test_get_plan);
        g_test_add_func("/bus/check", test_check);
        g_test_add_func("/bus/list-long-fdb", test_list_long_fdb);
        g_test_add_func("/bus/flood-of-calls", test_flood_of_calls);
        g_test_add_func("/bus/a-turn-each", test_a_turn_each);
        g_test_add_func("/bus/ports-wait", test_ports_wait);
        g_test_add_func("/bus/bus-dies-while-ports-wait", test_bus_dies_while_ports_wait);
        g_test_add_func("/bus/name-is-taken", test_name_is_taken);
        g_test_add_func("/bus/bus-dies-and-comes-back", test_bus_dies_and_comes_back);
        g_test_add_func("/bus/stopped-bus-stops-nothing", test_stopped_bus_stops_nothing);
        g_test_add_func("/bus/silent-listener-stops-nothing", test_silent_listener_stops_nothing);
        g_test_add_func("/bus/no-bus-at-start", test_no_bus_at_start);
        return g_test_run();
}
