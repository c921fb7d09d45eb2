/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A system bus of the test's own
 */

#include <glib.h>

typedef enum BwTestPolicy {
        BW_TEST_POLICY_SHIPPED, /* a stock system.conf and conf/org.bridgewarden1.conf */
        BW_TEST_POLICY_OPEN, /* everybody may do everything: what is left is the daemon's check */
} BwTestPolicy;

/* Sets DBUS_SYSTEM_BUS_ADDRESS to a place below /run where no bus is yet. Call it once, inside
 * bw_test_enter_netns(). */
void bw_test_bus_prepare(void);
/* The process answers when this returns. It dies with the test. */
GPid bw_test_bus_start(BwTestPolicy policy);
/* Ends it (SIGKILL: it may be stopped) and waits. */
void bw_test_bus_stop(GPid bus);
