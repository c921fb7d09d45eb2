/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fake_world.h"

#include "bus_client.h"
#include "netns.h"

#include <unistd.h>

static bool is_really_root;

void bw_fake_world_run_until(const unsigned *counter, unsigned value) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;

        while (*counter < value && g_get_monotonic_time() < deadline) {
                g_main_context_iteration(NULL, FALSE);
                g_usleep(1000);
        }
        g_assert_cmpuint(*counter, >=, value);
}

void bw_fake_world_open(BwFakeWorld *world, BwTestPolicy policy) {
        world->bus = bw_test_bus_start(policy);
        bw_fake_warden_init(&world->warden);
        world->warden.bus = bw_bus_new(&bw_fake_requests, &world->warden);
        bw_fake_world_run_until(&world->warden.came, 1);
        g_assert_cmpuint(world->warden.went, ==, 0);
}

void bw_fake_world_close(BwFakeWorld *world) {
        bw_bus_free(world->warden.bus);
        bw_fake_warden_clear(&world->warden);
        bw_test_bus_stop(world->bus);
}

bool bw_fake_world_is_root(void) {
        return is_really_root;
}

static void test_skipped(void) {
        g_test_skip("this machine allows no namespaces of one's own: no private system bus");
}

int bw_fake_world_run_tests(int argc, char **argv, void (*add_tests)(void)) {
        bool own_world;

        is_really_root = getuid() == 0;
        own_world = bw_test_enter_netns();
        g_test_init(&argc, &argv, NULL);
        if (!own_world) {
                g_test_add_func("/bus", test_skipped);
                return g_test_run();
        }
        bw_test_bus_prepare();
        add_tests();
        return g_test_run();
}
