/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The libvirt adapter against libvirt's own test driver
 *
 * test:///default lives in this process and all connections share it: the test
 * changes domains through a second connection. Needs no libvirtd and no root.
 */

#include "virt.h"

#include <dlfcn.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

/* What the sink was told, one line per fact. */
typedef struct Record {
        BwVirt *virt;
        GPtrArray *lines;
        bool free_at_next; /* the sink itself frees it */
} Record;

static GThread *main_thread;

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

static const char *words_of(BwGuestCpus cpus) {
        switch (cpus) {
        case BW_CPUS_RUN:
                return "";
        case BW_CPUS_RAN:
                return ", at rest, ran";
        case BW_CPUS_REST:
                return ", at rest";
        case BW_CPUS_ELSEWHERE:
                return ", elsewhere";
        }
        g_assert_not_reached();
}

static char *print_guest(const BwGuest *guest) {
        GString *text = g_string_new(NULL);

        g_string_append_printf(text, "guest %s %s%s", guest->name, guest->active ? "runs" : "rests",
                               words_of(guest->cpus));
        for (guint i = 0; i < guest->interfaces->len; i++) {
                const BwGuestInterface *interface =
                        &g_array_index(guest->interfaces, BwGuestInterface, i);
                char mac[BW_MAC_TEXT_SIZE];

                g_string_append_printf(text, " %s %s%s %s", bw_mac_print(&interface->mac, mac),
                                       interface->is_network ? "network:" : "", interface->source,
                                       interface->target);
        }
        return g_string_free(text, FALSE);
}

static char *print_fact(const BwFact *fact) {
        switch ((int) fact->kind) {
        case BW_FACT_CONNECTED:
                return g_strdup("connected");
        case BW_FACT_DISCONNECTED:
                return g_strdup("disconnected");
        case BW_FACT_SNAPSHOT_BEGIN:
                return g_strdup("begin");
        case BW_FACT_SNAPSHOT_END:
                return g_strdup("end");
        case BW_FACT_GUEST:
                return print_guest(fact->guest);
        case BW_FACT_GUEST_GONE:
                return g_strconcat("gone ", fact->uuid, NULL);
        case BW_FACT_GUEST_SEEN:
                return g_strconcat("seen ", fact->uuid, NULL);
        default:
                g_error("a fact of kind %d", (int) fact->kind);
        }
}

static void on_fact(const BwFact *fact, gpointer user) {
        Record *record = user;

        g_assert_true(g_thread_self() == main_thread);
        if (fact->kind != BW_FACT_GUEST && fact->kind != BW_FACT_GUEST_GONE &&
            fact->kind != BW_FACT_GUEST_SEEN)
                g_assert_cmpint(fact->source, ==, BW_SOURCE_LIBVIRT);
        g_ptr_array_add(record->lines, print_fact(fact));
        if (record->free_at_next)
                g_clear_pointer(&record->virt, bw_virt_free);
}

static Record *record_new(const char *uri) {
        Record *record = g_new0(Record, 1);

        record->lines = g_ptr_array_new_with_free_func(g_free);
        record->virt = bw_virt_new(uri, on_fact, record);
        return record;
}

static void record_free(Record *record) {
        bw_virt_free(record->virt);
        g_ptr_array_unref(record->lines);
        g_free(record);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Record, record_free)

static unsigned count(const Record *record, const char *line) {
        unsigned n = 0;

        for (guint i = 0; i < record->lines->len; i++)
                n += g_str_equal(g_ptr_array_index(record->lines, i), line);
        return n;
}

static gboolean on_timeout(gpointer user) {
        *(bool *) user = true;
        return G_SOURCE_REMOVE;
}

static void run_for(unsigned milliseconds) {
        bool over = false;

        g_timeout_add(milliseconds, on_timeout, &over);
        while (!over)
                g_main_context_iteration(NULL, TRUE);
}

static char *print_record(const Record *record) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < record->lines->len; i++)
                g_string_append_printf(text, "%s\n", (char *) g_ptr_array_index(record->lines, i));
        return g_string_free(text, FALSE);
}

/* Until nothing has been reported for a while; and forgets it all. */
static void run_until_quiet(Record *record) {
        do {
                g_ptr_array_set_size(record->lines, 0);
                run_for(300);
        } while (record->lines->len > 0);
}

/* Runs the main loop until @line was reported, and forgets everything up to it. */
static void await(Record *record, const char *line) {
        gint64 deadline = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

        while (count(record, line) == 0) {
                g_autofree char *seen = print_record(record);

                if (g_get_monotonic_time() > deadline)
                        g_error("no \"%s\" in:\n%s", line, seen);
                run_for(5);
        }
        while (!g_str_equal(g_ptr_array_index(record->lines, 0), line))
                g_ptr_array_remove_index(record->lines, 0);
        g_ptr_array_remove_index(record->lines, 0);
}

typedef virConnectPtr Connection;

static void connection_free(Connection connection) {
        virConnectClose(connection);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(Connection, connection_free, NULL)

typedef virDomainPtr Domain;

static void domain_free(Domain domain) {
        virDomainFree(domain);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(Domain, domain_free, NULL)

/* The driver forgets what was changed when its last connection is closed. */
static virConnectPtr second_connection(void) {
        virConnectPtr connection = virConnectOpen(URI);

        g_assert_nonnull(connection);
        return connection;
}

static virDomainPtr define(virConnectPtr connection, const char *xml) {
        virDomainPtr domain = virDomainDefineXML(connection, xml);

        g_assert_nonnull(domain);
        return domain;
}

static void test_snapshot_at_start(void) {
        g_auto(Connection) connection = second_connection();
        g_auto(Domain) k3 = define(connection, K3);
        g_autoptr(Record) record = record_new(URI);

        for (unsigned i = 0; i < 1000 && count(record, "end") == 0; i++)
                run_for(5);
        g_assert_cmpuint(record->lines->len, ==, 5);
        g_assert_cmpstr(g_ptr_array_index(record->lines, 0), ==, "connected");
        g_assert_cmpstr(g_ptr_array_index(record->lines, 1), ==, "begin");
        g_assert_cmpstr(g_ptr_array_index(record->lines, 4), ==, "end");
        g_assert_cmpuint(count(record, TEST_RUNS), ==, 1);
        g_assert_cmpuint(count(record, K3_RESTS), ==, 1);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
}

static void test_life_of_a_guest(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = NULL;

        await(record, "end");
        k3 = define(connection, K3);
        await(record, K3_RESTS);
        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        await(record, K3_RUNS);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
        g_assert_cmpuint(count(record, "begin"), ==, 0);
}

static void test_undefined_while_running(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = define(connection, K3);

        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        await(record, K3_RUNS);
        run_until_quiet(record);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_RUNS);
        g_assert_cmpuint(count(record, K3_GONE), ==, 0);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        await(record, K3_GONE);
}

/* What libvirt says of its CPUs, told by an event and in a snapshot. */
static void await_state(Record *record, int state, int reason, const char *line) {
        g_atomic_int_set(&k3_reason, reason);
        g_atomic_int_set(&k3_state, state);
        bw_virt_refresh(record->virt);
        await(record, line);
        await(record, "end");
        g_atomic_int_set(&k3_state, 0);
}

static void test_states(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = define(connection, K3);

        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        await(record, K3_RUNS);
        run_until_quiet(record);
        g_assert_cmpint(virDomainSuspend(k3), ==, 0);
        await(record, K3_RESTED);
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
        await(record, K3_RUNS);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
}

/* Nobody looked while it ran; its event says that it did. @refresh: told by a snapshot. */
static void check_run_unseen(bool refresh) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = define(connection, K3);

        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        await(record, K3_RUNS);
        run_until_quiet(record);
        g_assert_cmpint(virDomainSuspend(k3), ==, 0);
        await(record, K3_RESTED);
        run_until_quiet(record);
        g_atomic_int_set(&waits, 1);
        bw_virt_refresh(record->virt);
        while (!g_atomic_int_get(&waiters))
                g_usleep(1000);
        g_assert_cmpint(virDomainResume(k3), ==, 0);
        g_assert_cmpint(virDomainSuspend(k3), ==, 0);
        if (refresh)
                bw_virt_refresh(record->virt);
        g_atomic_int_set(&waits, 0);
        await(record, K3_RESTED);
        await(record, K3_RAN);
        run_until_quiet(record);
        bw_virt_refresh(record->virt); /* it is said once */
        await(record, K3_RESTED);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
}

static void test_run_unseen(void) {
        check_run_unseen(false);
        check_run_unseen(true);
}

/* Nobody may take a guest for one that is elsewhere because libvirt would not say. */
static void test_refused_state(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = define(connection, K3);

        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        await(record, K3_RUNS);
        run_until_quiet(record);
        g_atomic_int_set(&hides_state, 1);
        bw_virt_refresh(record->virt);
        await(record, K3_SEEN);
        await(record, "end");
        g_atomic_int_set(&hides_state, 0);
        await(record, K3_RUNS);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
}

static void test_transient(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = NULL;

        await(record, "end");
        k3 = virDomainCreateXML(connection, K3, 0);
        g_assert_nonnull(k3);
        await(record, K3_RUNS);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        await(record, K3_GONE);
}

static void test_metadata(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = define(connection, K3);

        await(record, "end");
        run_until_quiet(record);
        g_assert_cmpint(virDomainSetMetadata(k3, VIR_DOMAIN_METADATA_ELEMENT, "<p ip='1'/>", "bw",
                                             "urn:bridgewarden:binding:1",
                                             VIR_DOMAIN_AFFECT_CONFIG),
                        ==, 0);
        await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
}

static void test_rename(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = define(connection, K3);

        await(record, K3_RESTS);
        g_assert_cmpint(virDomainRename(k3, "-rf \"%n%s", 0), ==, 0);
        await(record, "guest -rf \"%n%s rests 52:54:00:00:00:13 virbr6 vk63");
        g_assert_cmpuint(count(record, K3_GONE), ==, 0);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
}

static void test_refresh(void) {
        g_autoptr(Record) record = record_new(URI);

        await(record, "end");
        bw_virt_refresh(record->virt);
        await(record, "begin");
        await(record, TEST_RUNS);
        await(record, "end");
        for (unsigned i = 0; i < 1000; i++)
                bw_virt_refresh(record->virt);
        await(record, "end");
        run_for(100);
        g_assert_cmpuint(count(record, "begin"), <, 500);
        g_assert_cmpuint(count(record, "begin"), ==, count(record, "end"));
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

        return define(connection, xml);
}

/* The XML of a guest at rest names its network alone: its bridge is to be guarded already. */
static void test_bridge_of_a_network(void) {
        g_auto(Connection) connection = second_connection();
        g_auto(Network) n7 = define_network(
                connection, "<network><name>n7</name><bridge name='virbr7'/></network>");
        g_auto(Domain) k7 = define_on(connection, "k7", "n7", "default");
        g_autoptr(Record) record = record_new(URI);

        await(record, "begin");
        await(record, "guest k7 rests 52:54:00:00:00:71 virbr7 vk71 52:54:00:00:00:72 virbr0 vk72");
        run_until_quiet(record);
        g_assert_cmpint(virDomainUndefine(k7), ==, 0);
        g_clear_pointer(&k7, virDomainFree);
        /* And by its event. */
        k7 = define_on(connection, "k7", "default", "n7");
        await(record, "guest k7 rests 52:54:00:00:00:71 virbr0 vk71 52:54:00:00:00:72 virbr7 vk72");
        g_assert_cmpint(virDomainUndefine(k7), ==, 0);
        g_assert_cmpint(virNetworkUndefine(n7), ==, 0);
}

/* One that libvirt does not know, and one whose guests are on a NIC and not on a bridge. */
static void test_network_without_a_bridge(void) {
        g_auto(Connection) connection = second_connection();
        g_auto(Network) n8 =
                define_network(connection, "<network><name>n8</name><forward mode='bridge'>"
                                           "<interface dev='eth7'/></forward></network>");
        g_auto(Domain) k8 = define_on(connection, "k8", "%n%s", "n8");
        g_autoptr(Record) record = record_new(URI);

        await(record, "guest k8 rests 52:54:00:00:00:71 network:%n%s vk71 "
                      "52:54:00:00:00:72 network:n8 vk72");
        await(record, "end");
        g_assert_cmpuint(count(record, "disconnected"), ==, 0);
        g_assert_cmpint(virDomainUndefine(k8), ==, 0);
        g_assert_cmpint(virNetworkUndefine(n8), ==, 0);
}

static void test_network_is_asked_for_once(void) {
        g_auto(Connection) connection = second_connection();
        g_auto(Domain) k7 = define_on(connection, "k7", "nowhere", "default");
        g_auto(Domain) k8 = define_on(connection, "k8", "default", "nowhere");
        g_autoptr(Record) record = record_new(URI);

        await(record, "end");
        run_until_quiet(record); /* the events of both are over */
        g_atomic_int_set(&lookups, 0);
        bw_virt_refresh(record->virt);
        await(record, "end");
        g_assert_cmpint(g_atomic_int_get(&lookups), ==, 2);
        g_assert_cmpint(virDomainUndefine(k7), ==, 0);
        g_assert_cmpint(virDomainUndefine(k8), ==, 0);
}

/* A listed domain that libvirt will not show is still there, and asked for again. */
static void test_refused_domain_is_still_there(void) {
        g_auto(Connection) connection = second_connection();
        g_auto(Domain) k3 = define(connection, K3);
        g_autoptr(Record) record = record_new(URI);

        await(record, "end");
        run_until_quiet(record);
        g_atomic_int_set(&hides_k3, 1);
        bw_virt_refresh(record->virt);
        await(record, "begin");
        await(record, K3_SEEN);
        await(record, "end");
        g_atomic_int_set(&hides_k3, 0);
        g_ptr_array_set_size(record->lines, 0);
        await(record, K3_RESTS);
        g_assert_cmpuint(count(record, "begin"), ==, 0);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
}

/* Longer than any domain XML may be: all that is said is that it is there, and the others are not
 * harmed. */
static void test_absurd_domain_is_only_seen(void) {
        g_auto(Connection) connection = second_connection();
        g_autofree char *description = g_strnfill(4 * 1024 * 1024, 'x');
        g_autofree char *xml =
                g_strdup_printf("<domain type='test'><name>huge</name><uuid>" HUGE_UUID "</uuid>"
                                "<description>%s</description><memory>8192</memory>"
                                "<os><type>hvm</type></os></domain>",
                                description);
        g_auto(Domain) huge = define(connection, xml), k3 = define(connection, K3);
        g_autoptr(Record) record = record_new(URI);

        await(record, "begin");
        await(record, "seen " HUGE_UUID);
        await(record, "end");
        g_assert_cmpint(virDomainCreate(huge), ==, 0);
        g_assert_cmpint(virDomainCreate(k3), ==, 0);
        await(record, K3_RUNS);
        g_assert_cmpuint(count(record, "guest huge runs"), ==, 0);
        g_assert_cmpuint(count(record, "disconnected"), ==, 0);
        g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        g_assert_cmpint(virDomainDestroy(huge), ==, 0);
        g_assert_cmpint(virDomainUndefine(huge), ==, 0);
        await(record, K3_GONE);
}

static void test_burst(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = define(connection, K3);

        await(record, "end");
        for (unsigned i = 0; i < 300; i++) {
                g_assert_cmpint(virDomainCreate(k3), ==, 0);
                g_assert_cmpint(virDomainDestroy(k3), ==, 0);
        }
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
        run_for(100); /* its last events may say once more that it is gone */
        g_assert_cmpuint(count(record, K3_GONE), ==, record->lines->len);
}

static void test_nothing_after_free(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = NULL;

        await(record, "end");
        bw_virt_refresh(record->virt);
        k3 = define(connection, K3);
        g_usleep(50000); /* facts are on their way, and nobody took them yet */
        g_clear_pointer(&record->virt, bw_virt_free);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        run_for(100);
        g_assert_cmpuint(record->lines->len, ==, 0);
        bw_virt_free(NULL);
}

static void test_free_from_the_sink(void) {
        g_autoptr(Record) record = record_new(URI);

        record->free_at_next = true;
        for (unsigned i = 0; record->virt && i < 600; i++)
                run_for(100);
        g_assert_null(record->virt);
        run_for(200);
        g_assert_cmpuint(record->lines->len, ==, 1);
}

static gboolean on_main_source(gpointer user) {
        unsigned *calls = user;

        g_assert_true(g_thread_self() == main_thread);
        (*calls)++;
        return G_SOURCE_CONTINUE;
}

/* libvirt's default event loop lives in GLib's default context: whoever runs it runs our sources.
 * And libvirt's own must not wait for us: what happened meanwhile was read already. */
static void test_main_loop_is_left_alone(void) {
        g_auto(Connection) connection = second_connection();
        unsigned calls = 0;
        guint source = g_timeout_add(5, on_main_source, &calls);
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = NULL;

        g_usleep(2 * G_USEC_PER_SEC);
        k3 = define(connection, K3);
        g_usleep(2 * G_USEC_PER_SEC);
        g_assert_cmpuint(calls, ==, 0);
        g_assert_cmpuint(record->lines->len, ==, 0);
        g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(count(record, K3_RESTS), ==, 1);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
        g_source_remove(source);
}

/* /proc/self/task/TID of the adapter's thread. */
static char *find_task(void) {
        g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
        const char *name;

        while (tasks && (name = g_dir_read_name(tasks))) {
                g_autofree char *task = g_build_filename("/proc/self/task", name, NULL);
                g_autofree char *path = g_build_filename(task, "comm", NULL);
                g_autofree char *comm = NULL;

                if (g_file_get_contents(path, &comm, NULL, NULL) && g_str_equal(comm, "libvirt\n"))
                        return g_steal_pointer(&task);
        }
        g_assert_not_reached();
}

static char *read_status(const char *task, const char *key) {
        g_autofree char *path = g_build_filename(task, "status", NULL);
        g_autofree char *text = NULL;
        const char *at;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        at = strstr(text, key);
        g_assert_nonnull(at);
        at += strlen(key);
        return g_strstrip(g_strndup(at, strcspn(at, "\n")));
}

static guint64 count_wakeups(const char *task) {
        g_autofree char *text = read_status(task, "\nvoluntary_ctxt_switches:");

        return g_ascii_strtoull(text, NULL, 10);
}

/* Ticks of processor time: fields 14 and 15, counted behind the name's bracket. */
static guint64 count_ticks(const char *task) {
        g_autofree char *path = g_build_filename(task, "stat", NULL);
        g_autofree char *text = NULL;
        g_auto(GStrv) fields = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        fields = g_strsplit(strrchr(text, ')') + 2, " ", -1);
        g_assert_cmpuint(g_strv_length(fields), >, 13);
        return g_ascii_strtoull(fields[11], NULL, 10) + g_ascii_strtoull(fields[12], NULL, 10);
}

static void test_sleeps_when_idle(void) {
        g_autoptr(Record) record = record_new(URI);
        g_autofree char *task = NULL;
        guint64 wakeups = 0, ticks;
        bool asleep = false;

        await(record, "end");
        task = find_task();
        /* What it had to do for the snapshot may take a busy machine a while. */
        for (unsigned i = 0; i < 30 && !asleep; i++) {
                wakeups = count_wakeups(task);
                ticks = count_ticks(task);
                run_for(1000);
                asleep = count_wakeups(task) == wakeups && count_ticks(task) - ticks < 10;
        }
        g_assert_true(asleep);
        bw_virt_refresh(record->virt);
        await(record, "end");
        g_assert_cmpuint(count_wakeups(task) - wakeups, >, 0);
}

static void refresh_often(Record *record) {
        for (unsigned i = 0; i < 4000; i++) {
                bw_virt_refresh(record->virt);
                g_usleep(200);
        }
}

/* Facts nobody takes: the adapter stops reading, sleeps, and goes on when there is room. */
static void test_main_loop_does_not_run(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) record = record_new(URI);
        g_auto(Domain) k3 = NULL;
        g_autofree char *task = NULL;
        guint64 ticks;

        refresh_often(record);
        task = find_task();
        /* Until there is no room left, and it works no more. */
        for (unsigned i = 0, idle = 0; i < 60 && idle < 2; i++) {
                ticks = count_ticks(task);
                refresh_often(record);
                idle = count_ticks(task) - ticks < 3 ? idle + 1 : 0;
        }
        ticks = count_ticks(task);
        k3 = define(connection, K3);
        g_usleep(1000000);
        g_assert_cmpuint(count_ticks(task) - ticks, <, 20);
        while (g_main_context_iteration(NULL, FALSE) && count(record, K3_RESTS) == 0)
                continue;
        g_assert_cmpuint(record->lines->len, >, 4096);
        g_assert_cmpuint(record->lines->len, <, 4200);
        if (count(record, K3_RESTS) == 0)
                await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(record, K3_GONE);
}

static void test_signals_are_the_main_threads(void) {
        g_autoptr(Record) record = record_new(URI);
        g_autofree char *task = NULL, *blocked = NULL;
        guint64 wanted = G_GUINT64_CONSTANT(1) << (SIGTERM - 1) | 1u << (SIGHUP - 1);
        sigset_t mine;

        await(record, "end");
        task = find_task();
        blocked = read_status(task, "\nSigBlk:");
        g_assert_cmphex(g_ascii_strtoull(blocked, NULL, 16) & wanted, ==, wanted);
        pthread_sigmask(SIG_SETMASK, NULL, &mine);
        g_assert_false(sigismember(&mine, SIGTERM));
}

static void test_two_at_once(void) {
        g_auto(Connection) connection = second_connection();
        g_autoptr(Record) first = record_new(URI);
        g_autoptr(Record) second = record_new(URI);
        g_auto(Domain) k3 = NULL;

        await(first, "end");
        await(second, "end");
        k3 = define(connection, K3);
        await(first, K3_RESTS);
        await(second, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        await(first, K3_GONE);
        await(second, K3_GONE);
}

/* A listening socket in a folder of its own. */
typedef struct Peer {
        char *folder;
        char *path;
        char *uri;
        int fd;
        guint source;
        unsigned visits;
        gint64 last; /* when, microseconds */
} Peer;

static gboolean on_visit(gint fd, GIOCondition condition, gpointer user) {
        Peer *peer = user;
        int visitor = accept(fd, NULL, NULL);

        (void) condition;
        if (visitor >= 0)
                close(visitor);
        peer->visits++;
        peer->last = g_get_monotonic_time();
        return G_SOURCE_CONTINUE;
}

static void peer_listen(Peer *peer) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        peer->folder = g_dir_make_tmp("bw-virt-XXXXXX", NULL);
        g_assert_nonnull(peer->folder);
        peer->path = g_build_filename(peer->folder, "sock", NULL);
        peer->uri = g_strconcat("qemu+unix:///system?socket=", peer->path, NULL);
        peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_assert_cmpint(peer->fd, >=, 0);
        g_strlcpy(address.sun_path, peer->path, sizeof address.sun_path);
        g_assert_cmpint(bind(peer->fd, (struct sockaddr *) &address, sizeof address), ==, 0);
        g_assert_cmpint(listen(peer->fd, 8), ==, 0);
}

static void peer_clear(Peer *peer) {
        if (peer->source)
                g_source_remove(peer->source);
        close(peer->fd);
        g_unlink(peer->path);
        g_rmdir(peer->folder);
        g_free(peer->folder);
        g_free(peer->path);
        g_free(peer->uri);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Peer, peer_clear)

/* Nobody waits for the next try. Another program may make us slow once, but not each time. */
static void test_unreachable(void) {
        double best = G_MAXDOUBLE;

        for (unsigned i = 0; i < 4 && best > 0.3; i++) {
                g_autoptr(Record) record = record_new("qemu+unix:///system?socket=/nonexistent");
                gint64 before;

                await(record, "disconnected");
                run_for(1000); /* the next try is at 1.4 */
                g_assert_cmpuint(record->lines->len, ==, 0);
                before = g_get_monotonic_time();
                g_clear_pointer(&record->virt, bw_virt_free);
                best = MIN(best, (double) (g_get_monotonic_time() - before) / G_USEC_PER_SEC);
        }
        g_assert_cmpfloat(best, <, 0.3);
}

static void test_absurd_uris(void) {
        static const char *const uris[] = { "%n%s%n", "no such thing", "nosuch:///driver" };

        for (unsigned i = 0; i < G_N_ELEMENTS(uris); i++) {
                g_autoptr(Record) record = record_new(uris[i]);

                await(record, "disconnected");
        }
}

static void await_visits(const Peer *peer, unsigned visits) {
        for (unsigned i = 0; peer->visits < visits && i < 6000; i++)
                run_for(10);
        g_assert_cmpuint(peer->visits, >=, visits);
}

/* Tried again and again, ever more rarely, and reported once. */
static void test_retries(void) {
        g_auto(Peer) peer = { 0 };
        g_autoptr(Record) record = NULL;
        gint64 begin;

        peer_listen(&peer);
        peer.source = g_unix_fd_add(peer.fd, G_IO_IN, on_visit, &peer);
        begin = g_get_monotonic_time();
        record = record_new(peer.uri);
        await(record, "disconnected");
        for (unsigned visits = 2; visits <= 4; visits++) {
                /* At 0, 0.2, 0.6 and 1.4: a busy machine makes it later, never sooner. */
                static const double soonest[] = { [2] = 0.2, [3] = 0.6, [4] = 1.4 };

                await_visits(&peer, visits);
                if (peer.visits == visits)
                        g_assert_cmpfloat((double) (peer.last - begin) / G_USEC_PER_SEC, >=,
                                          soonest[visits] * 0.9);
        }
        g_assert_cmpuint(record->lines->len, ==, 0);
}

static void test_hung_peer(void) {
        g_auto(Peer) peer = { 0 };
        g_autoptr(Record) record = NULL;
        unsigned calls = 0;
        guint source = g_timeout_add(10, on_main_source, &calls);

        peer_listen(&peer); /* the kernel accepts, nobody answers */
        record = record_new(peer.uri);
        run_for(500);
        for (unsigned i = 0; calls <= 20 && i < 600; i++)
                run_for(100);
        g_assert_cmpuint(calls, >, 20);
        g_assert_cmpuint(count(record, "connected"), ==, 0);
        bw_virt_refresh(record->virt);
        g_clear_pointer(&record->virt, bw_virt_free); /* returns, although the peer never answers */
        g_source_remove(source);
        g_ptr_array_set_size(record->lines, 0);
        shutdown(peer.fd, SHUT_RDWR); /* now the thread that was left behind ends */
        run_for(300);
        g_assert_cmpuint(record->lines->len, ==, 0);
}

/* Several left behind at once do not stand in each other's way. */
static void test_hung_peer_and_a_fresh_start(void) {
        g_auto(Peer) peer = { 0 };
        g_autoptr(Record) stuck = NULL, record = NULL;

        peer_listen(&peer);
        stuck = record_new(peer.uri);
        g_usleep(100000);
        record = record_new(URI);
        await(record, "end");
        g_clear_pointer(&stuck->virt, bw_virt_free);
        bw_virt_refresh(record->virt);
        await(record, "end");
}

static void test_silent(void) {
        if (g_test_subprocess()) {
                test_unreachable();
                return;
        }
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr("");
}

int main(int argc, char **argv) {
        main_thread = g_thread_self();
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
        g_test_add_func("/virt/nothing-after-free", test_nothing_after_free);
        g_test_add_func("/virt/free-from-the-sink", test_free_from_the_sink);
        g_test_add_func("/virt/main-loop-is-left-alone", test_main_loop_is_left_alone);
        g_test_add_func("/virt/sleeps-when-idle", test_sleeps_when_idle);
        g_test_add_func("/virt/main-loop-does-not-run", test_main_loop_does_not_run);
        g_test_add_func("/virt/signals-are-the-main-threads", test_signals_are_the_main_threads);
        g_test_add_func("/virt/two-at-once", test_two_at_once);
        g_test_add_func("/virt/unreachable", test_unreachable);
        g_test_add_func("/virt/absurd-uris", test_absurd_uris);
        g_test_add_func("/virt/retries", test_retries);
        g_test_add_func("/virt/hung-peer", test_hung_peer);
        g_test_add_func("/virt/hung-peer-and-a-fresh-start", test_hung_peer_and_a_fresh_start);
        g_test_add_func("/virt/silent", test_silent);
        return g_test_run();
}
