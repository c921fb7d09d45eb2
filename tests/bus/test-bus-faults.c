/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_client.h"
#include "fake_world.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A bus that is not there, goes, hangs */

static void test_no_bus_at_start(void) {
        BwFakeWarden warden;
        GPid bus;

        bw_fake_warden_init(&warden);
        warden.bus = bw_bus_new(&bw_fake_requests, &warden);
        bw_fake_world_run_until(&warden.went, 1);
        g_assert_nonnull(strstr(warden.why, "cannot be reached"));
        bw_bus_changed(warden.bus);
        /* Two more tries, and not another word about them. */
        for (int64_t end = g_get_monotonic_time() + 3500 * 1000; g_get_monotonic_time() < end;) {
                g_main_context_iteration(NULL, FALSE);
                g_usleep(5000);
        }
        g_assert_cmpuint(warden.went, ==, 1);
        bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        bw_fake_world_run_until(&warden.came, 1);
        g_assert_cmpuint(warden.went, ==, 1);
        bw_test_client_expect(0, "Resync", NULL, NULL, NULL);
        bw_bus_free(warden.bus);
        bw_test_bus_stop(bus);
}

static void test_bus_dies_and_comes_back(void) {
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_bus_stop(world.bus);
        bw_fake_world_run_until(&world.warden.went, 1);
        bw_bus_changed(world.warden.bus);
        world.bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        bw_fake_world_run_until(&world.warden.came, 2);
        bw_test_client_expect(0, "Resync", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], ==, 1);
        g_assert_cmpuint(world.warden.went, ==, 1);
        bw_fake_world_close(&world);
}

static void test_name_is_taken(void) {
        BwFakeWarden second;
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_fake_warden_init(&second);
        second.bus = bw_bus_new(&bw_fake_requests, &second);
        bw_fake_world_run_until(&second.went, 1);
        g_assert_nonnull(strstr(second.why, "another program has it"));
        bw_test_client_expect(0, "Resync", NULL, NULL, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], ==, 1);
        g_assert_cmpuint(second.requests[BW_FAKE_RESYNC], ==, 0);
        g_clear_pointer(&world.warden.bus, bw_bus_free);
        bw_fake_world_run_until(&second.came, 1);
        bw_bus_free(second.bus);
        bw_fake_world_close(&world);
}

static gboolean count(gpointer user) {
        (*(unsigned *) user)++;
        return G_SOURCE_CONTINUE;
}

/* The loop turns @turns times: a call that waits for the bus would wait for ever. */
static void expect_loop_turns(unsigned turns) {
        /* Slower than the loop, so that the bus, which comes after timers, has turns in between. */
        unsigned turned = 0, tick = g_timeout_add(10, count, &turned);

        bw_fake_world_run_until(&turned, turns);
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
        BwFakeWorld world;
        pid_t client;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        client = bw_test_client_start(0, leave_calls, NULL);
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
        bw_fake_world_close(&world);
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
        bw_fake_world_run_until(&second.went, 1);
        g_assert_cmpuint(first.came + second.came, ==, 0);
        bw_bus_free(first.bus);
        bw_bus_free(second.bus);
        g_close(listener, NULL);
        (void) unlink(path);
}

/* Many calls at once: each is answered, with success or with a refusal that says to come back. */

static void flood(sd_bus *connection, gconstpointer user) {
        BwTestAnswers answers = { 0 };

        (void) user;
        for (unsigned i = 0; i < 100; i++)
                g_assert_cmpint(sd_bus_call_method_async(connection, NULL, NAME, PATH, INTERFACE,
                                                         "Resync", bw_test_client_on_answer,
                                                         &answers, ""),
                                >=, 0);
        while (answers.fine + answers.refused < 100)
                if (sd_bus_process(connection, NULL) == 0)
                        g_assert_cmpint(sd_bus_wait(connection, LIMIT_USEC), >, 0);
        g_assert_cmpuint(answers.fine, >, 0);
}

static void test_flood_of_calls(void) {
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_client_run(0, flood, NULL);
        g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], >, 0);
        bw_test_client_expect(0, "Resync", NULL, NULL, NULL);
        bw_fake_world_close(&world);
}

static void add_tests(void) {
        g_test_add_func("/bus/flood-of-calls", test_flood_of_calls);
        g_test_add_func("/bus/name-is-taken", test_name_is_taken);
        g_test_add_func("/bus/bus-dies-and-comes-back", test_bus_dies_and_comes_back);
        g_test_add_func("/bus/stopped-bus-stops-nothing", test_stopped_bus_stops_nothing);
        g_test_add_func("/bus/silent-listener-stops-nothing", test_silent_listener_stops_nothing);
        g_test_add_func("/bus/no-bus-at-start", test_no_bus_at_start);
}

int main(int argc, char **argv) {
        return bw_fake_world_run_tests(argc, argv, add_tests);
}
