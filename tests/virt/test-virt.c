/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The libvirt adapter against libvirt's own test driver: what it tells of guests and networks.
 */

#include "test_driver.h"
#include "virt_record.h"

#include <dlfcn.h>

/* The test driver shows every domain it lists, and migrates none. These stand before libvirt's own.
 */
static gint hides_k3;    /* atomic */
static gint lookups;     /* atomic; of networks */
static gint waits;       /* atomic; the state of a domain is not answered before it is zero */
static gint waiters;     /* atomic; who waits */
static gint k3_state;    /* atomic; what k3's is said to be; 0: what it is */
static gint k3_reason;   /* atomic */
static gint hides_state; /* atomic; k3's is refused */

static void *find_original(const char *function) {
        void *original = dlsym(RTLD_NEXT, function);

        g_assert_nonnull(original);
        return original;
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags) {
        char *(*original)(virDomainPtr, unsigned int);

        if (g_atomic_int_get(&hides_k3) && g_str_equal(virDomainGetName(domain), "k3"))
                return NULL;
        *(void **) &original = find_original("virDomainGetXMLDesc");
        return original(domain, flags);
}

int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags) {
        int (*original)(virDomainPtr, int *, int *, unsigned int);
        bool is_k3 = g_str_equal(virDomainGetName(domain), "k3");

        g_atomic_int_inc(&waiters);
        while (g_atomic_int_get(&waits))
                g_usleep(1000);
        g_atomic_int_add(&waiters, -1);
        if (is_k3 && g_atomic_int_get(&hides_state))
                return -1;
        if (is_k3 && g_atomic_int_get(&k3_state)) {
                *state = g_atomic_int_get(&k3_state);
                *reason = g_atomic_int_get(&k3_reason);
                return 0;
        }
        *(void **) &original = find_original("virDomainGetState");
        return original(domain, state, reason, flags);
}

virNetworkPtr virNetworkLookupByName(virConnectPtr connection, const char *name) {
        virNetworkPtr (*original)(virConnectPtr, const char *);

        g_atomic_int_inc(&lookups);
        *(void **) &original = find_original("virNetworkLookupByName");
        return original(connection, name);
}

static void test_snapshot_at_start(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);

        for (unsigned i = 0; i < 1000 && bw_virt_record_count(record, "end") == 0; i++)
                bw_virt_record_run_for(5);
        g_assert_cmpuint(record->lines->len, ==, 5);
        g_assert_cmpstr(g_ptr_array_index(record->lines, 0), ==, "connected");
        g_assert_cmpstr(g_ptr_array_index(record->lines, 1), ==, "begin");
        g_assert_cmpstr(g_ptr_array_index(record->lines, 4), ==, "end");
        g_assert_cmpuint(bw_virt_record_count(record, TEST_RUNS), ==, 1);
        g_assert_cmpuint(bw_virt_record_count(record, K3_RESTS), ==, 1);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
}

static void test_life_of_a_guest(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = NULL;

        bw_virt_record_await(record, "end");
        k3 = bw_test_driver_define(connection, K3);
        bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        bw_virt_record_await(record, K3_RUNS);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
        g_assert_cmpuint(bw_virt_record_count(record, "begin"), ==, 0);
}

static void test_undefined_while_running(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);

        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        bw_virt_record_await(record, K3_RUNS);
        bw_virt_record_settle(record);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_RUNS);
        g_assert_cmpuint(bw_virt_record_count(record, K3_GONE), ==, 0);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

/* What libvirt says of its CPUs, told by an event and in a snapshot. */
static void await_state(BwVirtRecord *record, int state, int reason, const char *line) {
        g_atomic_int_set(&k3_reason, reason);
        g_atomic_int_set(&k3_state, state);
        bw_virt_refresh(record->virt);
        bw_virt_record_await(record, line);
        bw_virt_record_await(record, "end");
        g_atomic_int_set(&k3_state, 0);
}

static void test_states(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);

        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        bw_virt_record_await(record, K3_RUNS);
        bw_virt_record_settle(record);
        g_assert_cmpint(virDomainSuspend(k3), ==, 0);
        bw_virt_record_await(record, K3_RESTED);
        await_state(record, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP, K3_AWAY);
        await_state(record, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, K3_AWAY);
        await_state(record, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_POSTCOPY, K3_AWAY);
        await_state(record, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, K3_RESTED);
        await_state(record, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_SNAPSHOT, K3_RESTED);
        await_state(record, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_MIGRATED, K3_RUNS);
        await_state(record, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY, K3_RUNS);
        await_state(record, VIR_DOMAIN_PMSUSPENDED, 0, K3_RAN);
        await_state(record, VIR_DOMAIN_SHUTDOWN, 0, K3_RAN);
        await_state(record, 99, 99, K3_RUNS);
        g_assert_cmpint(virDomainResume(k3), ==, 0);
        bw_virt_record_await(record, K3_RUNS);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

/* Nobody looked while it ran; its event says that it did. @refresh: told by a snapshot. */
static void check_run_unseen(bool refresh) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);

        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        bw_virt_record_await(record, K3_RUNS);
        bw_virt_record_settle(record);
        g_assert_cmpint(virDomainSuspend(k3), ==, 0);
        bw_virt_record_await(record, K3_RESTED);
        bw_virt_record_settle(record);
        g_atomic_int_set(&waits, 1);
        bw_virt_refresh(record->virt);
        while (!g_atomic_int_get(&waiters))
                g_usleep(1000);
        g_assert_cmpint(virDomainResume(k3), ==, 0);
        g_assert_cmpint(virDomainSuspend(k3), ==, 0);
        if (refresh)
                bw_virt_refresh(record->virt);
        g_atomic_int_set(&waits, 0);
        bw_virt_record_await(record, K3_RESTED);
        bw_virt_record_await(record, K3_RAN);
        bw_virt_record_settle(record);
        bw_virt_refresh(record->virt); /* it is said once */
        bw_virt_record_await(record, K3_RESTED);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

static void test_run_unseen(void) {
        check_run_unseen(false);
        check_run_unseen(true);
}

/* Nobody may take a guest for one that is elsewhere because libvirt would not say. */
static void test_refused_state(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);

        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        bw_virt_record_await(record, K3_RUNS);
        bw_virt_record_settle(record);
        g_atomic_int_set(&hides_state, 1);
        bw_virt_refresh(record->virt);
        bw_virt_record_await(record, K3_SEEN);
        bw_virt_record_await(record, "end");
        g_atomic_int_set(&hides_state, 0);
        bw_virt_record_await(record, K3_RUNS);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

static void test_transient(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = NULL;

        bw_virt_record_await(record, "end");
        k3 = virDomainCreateXML(connection, K3, 0);
        g_assert_nonnull(k3);
        bw_virt_record_await(record, K3_RUNS);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

static void test_metadata(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);

        bw_virt_record_await(record, "end");
        bw_virt_record_settle(record);
        g_assert_cmpint(virDomainSetMetadata(k3, VIR_DOMAIN_METADATA_ELEMENT, "<p ip='1'/>", "bw",
                                             "urn:bridgewarden:binding:1",
                                             VIR_DOMAIN_AFFECT_CONFIG),
                        ==, 0);
        bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

static void test_rename(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);

        bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpint(virDomainRename(k3, "-rf \"%n%s", 0), ==, 0);
        bw_virt_record_await(record, "guest -rf \"%n%s rests 52:54:00:00:00:13 virbr6 vk63");
        g_assert_cmpuint(bw_virt_record_count(record, K3_GONE), ==, 0);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

static void test_refresh(void) {
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);

        bw_virt_record_await(record, "end");
        bw_virt_refresh(record->virt);
        bw_virt_record_await(record, "begin");
        bw_virt_record_await(record, TEST_RUNS);
        bw_virt_record_await(record, "end");
        for (unsigned i = 0; i < 1000; i++)
                bw_virt_refresh(record->virt);
        bw_virt_record_await(record, "end");
        bw_virt_record_run_for(100);
        g_assert_cmpuint(bw_virt_record_count(record, "begin"), <, 500);
        g_assert_cmpuint(bw_virt_record_count(record, "begin"), ==,
                         bw_virt_record_count(record, "end"));
}

typedef virNetworkPtr Network;

static void network_free(Network network) {
        virNetworkFree(network);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(Network, network_free, NULL)

static virNetworkPtr define_network(virConnectPtr connection, const char *xml) {
        virNetworkPtr network = virNetworkDefineXML(connection, xml);

        g_assert_nonnull(network);
        return network;
}

/* Not running, on two networks. */
static virDomainPtr define_on(virConnectPtr connection, const char *name, const char *first,
                              const char *second) {
        g_autofree char *xml = g_strdup_printf(
                "<domain type='test'><name>%s</name><memory>8192</memory>"
                "<os><type>hvm</type></os><devices>"
                "<interface type='network'><mac address='52:54:00:00:00:71'/>"
                "<source network='%s'/><target dev='vk71'/></interface>"
                "<interface type='network'><mac address='52:54:00:00:00:72'/>"
                "<source network='%s'/><target dev='vk72'/></interface></devices></domain>",
                name, first, second);

        return bw_test_driver_define(connection, xml);
}

/* The XML of a guest at rest names its network alone: its bridge is to be guarded already. */
static void test_bridge_of_a_network(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_auto(Network) n7 = define_network(
                connection, "<network><name>n7</name><bridge name='virbr7'/></network>");
        g_auto(BwTestDomain) k7 = define_on(connection, "k7", "n7", "default");
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);

        bw_virt_record_await(record, "begin");
        bw_virt_record_await(
                record,
                "guest k7 rests 52:54:00:00:00:71 virbr7 vk71 52:54:00:00:00:72 virbr0 vk72");
        bw_virt_record_settle(record);
        g_assert_cmpint(virDomainUndefine(k7), ==, 0);
        g_clear_pointer(&k7, virDomainFree);
        /* And by its event. */
        k7 = define_on(connection, "k7", "default", "n7");
        bw_virt_record_await(
                record,
                "guest k7 rests 52:54:00:00:00:71 virbr0 vk71 52:54:00:00:00:72 virbr7 vk72");
        g_assert_cmpint(virDomainUndefine(k7), ==, 0);
        g_assert_cmpint(virNetworkUndefine(n7), ==, 0);
}

/* One that libvirt does not know, and one whose guests are on a NIC and not on a bridge. */
static void test_network_without_a_bridge(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_auto(Network) n8 =
                define_network(connection, "<network><name>n8</name><forward mode='bridge'>"
                                           "<interface dev='eth7'/></forward></network>");
        g_auto(BwTestDomain) k8 = define_on(connection, "k8", "%n%s", "n8");
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);

        bw_virt_record_await(record, "guest k8 rests 52:54:00:00:00:71 network:%n%s vk71 "
                                     "52:54:00:00:00:72 network:n8 vk72");
        bw_virt_record_await(record, "end");
        g_assert_cmpuint(bw_virt_record_count(record, "disconnected"), ==, 0);
        g_assert_cmpint(virDomainUndefine(k8), ==, 0);
        g_assert_cmpint(virNetworkUndefine(n8), ==, 0);
}

static void test_network_is_asked_for_once(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_auto(BwTestDomain) k7 = define_on(connection, "k7", "nowhere", "default");
        g_auto(BwTestDomain) k8 = define_on(connection, "k8", "default", "nowhere");
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);

        bw_virt_record_await(record, "end");
        bw_virt_record_settle(record); /* the events of both are over */
        g_atomic_int_set(&lookups, 0);
        bw_virt_refresh(record->virt);
        bw_virt_record_await(record, "end");
        g_assert_cmpint(g_atomic_int_get(&lookups), ==, 2);
        g_assert_cmpint(virDomainUndefine(k7), ==, 0);
        g_assert_cmpint(virDomainUndefine(k8), ==, 0);
}

/* A listed domain that libvirt will not show is still there, and asked for again. */
static void test_refused_domain_is_still_there(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);

        bw_virt_record_await(record, "end");
        bw_virt_record_settle(record);
        g_atomic_int_set(&hides_k3, 1);
        bw_virt_refresh(record->virt);
        bw_virt_record_await(record, "begin");
        bw_virt_record_await(record, K3_SEEN);
        bw_virt_record_await(record, "end");
        g_atomic_int_set(&hides_k3, 0);
        g_ptr_array_set_size(record->lines, 0);
        bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpuint(bw_virt_record_count(record, "begin"), ==, 0);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

/* Longer than any domain XML may be: all that is said is that it is there, and the others are not
 * harmed. */
static void test_absurd_domain_is_only_seen(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autofree char *description = g_strnfill(4 * 1024 * 1024, 'x');
        g_autofree char *xml =
                g_strdup_printf("<domain type='test'><name>huge</name><uuid>" HUGE_UUID "</uuid>"
                                "<description>%s</description><memory>8192</memory>"
                                "<os><type>hvm</type></os></domain>",
                                description);
        g_auto(BwTestDomain) huge = bw_test_driver_define(connection, xml),
                             k3 = bw_test_driver_define(connection, K3);
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);

        bw_virt_record_await(record, "begin");
        bw_virt_record_await(record, "seen " HUGE_UUID);
        bw_virt_record_await(record, "end");
        g_assert_cmpint(virDomainCreate(huge), ==, 0);
        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        bw_virt_record_await(record, K3_RUNS);
        g_assert_cmpuint(bw_virt_record_count(record, "guest huge runs"), ==, 0);
        g_assert_cmpuint(bw_virt_record_count(record, "disconnected"), ==, 0);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        g_assert_cmpint(virDomainDestroy(huge), ==, 0);
        g_assert_cmpint(virDomainUndefine(huge), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

static void test_burst(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = bw_test_driver_define(connection, K3);

        bw_virt_record_await(record, "end");
        for (unsigned i = 0; i < 300; i++) {
                g_assert_cmpint(virDomainCreate(k3), ==, 0);
                g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        }
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
        bw_virt_record_run_for(100); /* its last events may say once more that it is gone */
        g_assert_cmpuint(bw_virt_record_count(record, K3_GONE), ==, record->lines->len);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/virt/snapshot-at-start", test_snapshot_at_start);
        g_test_add_func("/virt/life-of-a-guest", test_life_of_a_guest);
        g_test_add_func("/virt/undefined-while-running", test_undefined_while_running);
        g_test_add_func("/virt/states", test_states);
        g_test_add_func("/virt/run-unseen", test_run_unseen);
        g_test_add_func("/virt/refused-state", test_refused_state);
        g_test_add_func("/virt/transient", test_transient);
        g_test_add_func("/virt/metadata", test_metadata);
        g_test_add_func("/virt/rename", test_rename);
        g_test_add_func("/virt/refresh", test_refresh);
        g_test_add_func("/virt/bridge-of-a-network", test_bridge_of_a_network);
        g_test_add_func("/virt/network-without-a-bridge", test_network_without_a_bridge);
        g_test_add_func("/virt/network-is-asked-for-once", test_network_is_asked_for_once);
        g_test_add_func("/virt/refused-domain-is-still-there", test_refused_domain_is_still_there);
        g_test_add_func("/virt/absurd-domain-is-only-seen", test_absurd_domain_is_only_seen);
        g_test_add_func("/virt/burst", test_burst);
        return g_test_run();
}
