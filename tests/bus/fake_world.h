/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A daemon as far as the bus sees it, on a bus of its own
 */

#include "fake_warden.h"
#include "private_bus.h"

typedef struct BwFakeWorld {
        GPid bus;
        BwFakeWarden warden;
} BwFakeWorld;

/* Enters namespaces of its own and runs what @add_tests adds; where none are allowed, one test that
 * says so and is skipped. To be returned from main(). */
int bw_fake_world_run_tests(int argc, char **argv, void (*add_tests)(void));
/* Whether the test is run by root, and may become somebody else. */
bool bw_fake_world_is_root(void);

/* The daemon has its name when this returns. */
void bw_fake_world_open(BwFakeWorld *world, BwTestPolicy policy);
void bw_fake_world_close(BwFakeWorld *world);
/* Turns the main loop until @counter is @value; it must come to that. */
void bw_fake_world_run_until(const unsigned *counter, unsigned value);
