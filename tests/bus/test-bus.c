/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_client.h"
#include "fake_world.h"

#include <errno.h>
#include <string.h>

/* Methods, and who may call them */

static void test_methods(void) {
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_client_expect(0, "Resync", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], ==, 1);
        bw_test_client_expect(0, "ResyncPort", "vk63", NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC_PORT], ==, 1);
        g_assert_cmpstr(world.warden.argument, ==, "vk63");
        bw_test_client_expect(0, "ResyncGuest", "-k '\"%n\n$(id) ä", NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC_GUEST], ==, 1);
        g_assert_cmpstr(world.warden.argument, ==, "-k '\"%n\n$(id) ä");
        bw_test_client_expect(0, "Reload", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RELOAD], ==, 1);
        bw_test_client_expect(0, "Disarm", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_DISARM], ==, 1);
        bw_test_client_expect(0, "Explode", NULL, SD_BUS_ERROR_UNKNOWN_METHOD, NULL);
        bw_fake_world_close(&world);
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
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_set_error(&world.warden.refusal, BW_ERROR, (int) cases[i].code,
                            "no port \"%%n%%s\xff\"");
                bw_test_client_expect(0, "ResyncPort", "vk63", cases[i].name,
                                      "no port \"%n%s\\xff\"");
                bw_test_client_expect(0, "ListPorts", NULL, cases[i].name, "no port");
                g_clear_error(&world.warden.refusal);
        }
        bw_fake_world_close(&world);
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
        BwFakeWorld world;

        bw_fake_world_open(&world, policy);
        for (unsigned i = 0; i < G_N_ELEMENTS(for_root); i++)
                bw_test_client_expect(NOBODY, for_root[i].member, for_root[i].argument,
                                      SD_BUS_ERROR_ACCESS_DENIED, words);
        g_assert_cmpuint(world.warden.fdb_asked + world.warden.plan_asked + world.warden.checked,
                         ==, 0);
        for (unsigned i = 0; i < BW_FAKE_MAX; i++)
                g_assert_cmpuint(world.warden.requests[i], ==, 0);
        g_assert_true(world.warden.state.armed);
        bw_test_client_expect(NOBODY, "ListPorts", NULL, NULL, NULL);
        bw_test_client_run(NOBODY, read_all, NULL);
        bw_fake_world_close(&world);
}

static bool skip_without_root(void) {
        if (!bw_fake_world_is_root())
                g_test_skip("only root can become somebody else");
        return !bw_fake_world_is_root();
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
        bw_test_client_run(NOBODY, own_name, NULL);
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
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_client_expect(0, "ResyncGuest", longer, SD_BUS_ERROR_INVALID_ARGS, "4096");
        bw_test_client_expect(0, "ResyncPort", absurd, SD_BUS_ERROR_INVALID_ARGS, "4096");
        bw_test_client_run(0, call_badly, NULL);
        for (unsigned i = 0; i < BW_FAKE_MAX; i++)
                g_assert_cmpuint(world.warden.requests[i], ==, 0);
        bw_test_client_expect(0, "ResyncGuest", longest, NULL, NULL);
        g_assert_cmpstr(world.warden.argument, ==, longest);
        bw_fake_world_close(&world);
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
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_client_run(0, introspect, NULL);
        bw_fake_world_close(&world);
}

static void add_tests(void) {
        g_test_add_func("/bus/introspection", test_introspection);
        g_test_add_func("/bus/methods", test_methods);
        g_test_add_func("/bus/errors", test_errors);
        g_test_add_func("/bus/arguments", test_arguments);
        g_test_add_func("/bus/nobody-and-the-policy", test_nobody_and_the_policy);
        g_test_add_func("/bus/nobody-and-the-daemon", test_nobody_and_the_daemon);
        g_test_add_func("/bus/nobody-cannot-own-the-name", test_nobody_cannot_own_the_name);
}

int main(int argc, char **argv) {
        return bw_fake_world_run_tests(argc, argv, add_tests);
}
