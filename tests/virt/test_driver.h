/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * libvirt's own test driver
 *
 * test:///default lives in this process and all connections share it: a test changes domains
 * through a second connection. Needs no libvirtd and no root. And lines of a BwVirtRecord about its
 * guests.
 */

#include <glib.h>
#include <libvirt/libvirt.h>

#define URI       "test:///default"
#define UUID      "6f3c2d4e-0c1a-4f57-9f0e-0a1b2c3d4e5f"
#define HUGE_UUID "7a3c2d4e-0c1a-4f57-9f0e-0a1b2c3d4e5f"
#define K3                                                                                         \
        "<domain type='test'><name>k3</name><uuid>" UUID "</uuid><memory>8192</memory>"            \
        "<os><type>hvm</type></os><devices><interface type='bridge'>"                              \
        "<mac address='52:54:00:00:00:13'/><source bridge='virbr6'/><target dev='vk63'/>"          \
        "</interface></devices></domain>"
#define K3_RUNS   "guest k3 runs 52:54:00:00:00:13 virbr6 vk63"
#define K3_RESTS  "guest k3 rests 52:54:00:00:00:13 virbr6 vk63"
#define TEST_RUNS "guest test runs aa:bb:cc:dd:ee:ff virbr0 testnet0" /* always there */
#define K3_RESTED "guest k3 runs, at rest 52:54:00:00:00:13 virbr6 vk63"
#define K3_RAN    "guest k3 runs, at rest, ran 52:54:00:00:00:13 virbr6 vk63"
#define K3_AWAY   "guest k3 runs, elsewhere 52:54:00:00:00:13 virbr6 vk63"
#define K3_GONE   "gone " UUID
#define K3_SEEN   "seen " UUID

typedef virConnectPtr BwTestConnection;

static inline void bw_test_connection_free(BwTestConnection connection) {
        virConnectClose(connection);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(BwTestConnection, bw_test_connection_free, NULL)

typedef virDomainPtr BwTestDomain;

static inline void bw_test_domain_free(BwTestDomain domain) {
        virDomainFree(domain);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(BwTestDomain, bw_test_domain_free, NULL)

/* (transfer full): the driver forgets what was changed when its last connection is closed. */
static inline virConnectPtr bw_test_driver_connect(void) {
        virConnectPtr connection = virConnectOpen(URI);

        g_assert_nonnull(connection);
        return connection;
}

/* (transfer full) */
static inline virDomainPtr bw_test_driver_define(virConnectPtr connection, const char *xml) {
        virDomainPtr domain = virDomainDefineXML(connection, xml);

        g_assert_nonnull(domain);
        return domain;
}
