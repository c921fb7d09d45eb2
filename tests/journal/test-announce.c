/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is said of ports is true, in each mode, and under the right event. */

#include "announce.h"
#include "netns.h"
#include "settings.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PATH "/run/systemd/journal/socket"

/* A journald of our own, whose entries are looked at as they come. */
static int open_journald(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET_PATH };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(g_mkdir_with_parents("/run/systemd/journal", 0755), ==, 0);
        (void) unlink(SOCKET_PATH);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        return fd;
}

/* (transfer full) (element-type utf8): what came, once everything was written out. */
static GPtrArray *read_entries(int fd) {
        GPtrArray *entries = g_ptr_array_new_with_free_func(g_free);
        char buffer[8192];
        ssize_t length;

        while ((length = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
                g_ptr_array_add(entries, g_strndup(buffer, (gsize) length));
        return entries;
}

/* virbr6 with vnet0 and vnet1, under what @text says. */
static BwPlan *plan_of(const char *text) {
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);
        g_autoptr(BwModel) model = bw_model_new();
        BwLink bridge = bw_test_bridge(1, "virbr6");
        BwLink one = bw_test_tap(10, "vnet0", bw_test_mac("52:54:00:00:00:01"), 1);
        BwLink other = bw_test_tap(11, "vnet1", bw_test_mac("52:54:00:00:00:02"), 1);

        bw_test_tell_link(model, &bridge);
        bw_test_tell_link(model, &one);
        bw_test_tell_link(model, &other);
        return bw_plan_new(model, config);
}

/* (transfer full): what is said when @after comes to be in force, and @before was. */
static GPtrArray *announce_by(unsigned engines, const char *before, const char *after) {
        g_autoptr(BwPlan) former = before ? plan_of(before) : NULL;
        g_autoptr(BwPlan) plan = plan_of(after);
        int fd = open_journald();
        BwJournal *journal = bw_journal_new();
        GPtrArray *entries;

        bw_announce_plan(journal, former, plan, engines);
        bw_journal_free(journal);
        entries = read_entries(fd);
        g_close(fd, NULL);
        return entries;
}

static GPtrArray *announce(const char *before, const char *after) {
        return announce_by(BW_ENGINE_ALL, before, after);
}

/* How many entries of @event speak of @port and hold @words. */
static unsigned count(const GPtrArray *entries, const char *event, const char *port,
                      const char *words) {
        g_autofree char *event_line = g_strdup_printf("BW_EVENT=%s\n", event);
        g_autofree char *port_line = g_strdup_printf("BW_PORT=%s\n", port);
        unsigned n = 0;

        for (guint i = 0; i < entries->len; i++) {
                const char *entry = entries->pdata[i];

                n += strstr(entry, event_line) && strstr(entry, port_line) && strstr(entry, words);
        }
        return n;
}

static bool is_said(const GPtrArray *entries, const char *words) {
        for (guint i = 0; i < entries->len; i++)
                if (strstr(entries->pdata[i], words))
                        return true;
        return false;
}

#define BROKEN "[Port vnet0]\nAddresses=nonsense\n"

static void test_closed(void) {
        g_autoptr(GPtrArray) entries = announce(NULL, BROKEN);

        g_assert_cmpuint(count(entries, "port-closed", "vnet0", "Nothing passes"), ==, 1);
        g_assert_cmpuint(count(entries, "conflict", "vnet0", ""), ==, 0);
}

/* "Nothing passes" would be a lie there. */
static void test_closed_in_mode_monitor(void) {
        g_autoptr(GPtrArray) entries = announce(NULL, "[Guard]\nMode=monitor\n" BROKEN);

        g_assert_cmpuint(count(entries, "port-closed", "vnet0", "would be closed"), ==, 1);
        g_assert_cmpuint(count(entries, "port-closed", "vnet0", "everything passes"), ==, 1);
        g_assert_false(is_said(entries, "Nothing passes"));
}

static void test_unaddressed(void) {
        g_autoptr(GPtrArray) entries =
                announce(NULL, "[Port vnet0]\nMACs=52:54:00:00:00:01\n"
                               "[Port vnet1]\nMACs=52:54:00:00:00:02\nMode=monitor\n");

        g_assert_cmpuint(
                count(entries, "port-armed", "vnet0", "without an address: only its DHCP client"),
                ==, 1);
        g_assert_cmpuint(count(entries, "port-armed", "vnet1", "everything passes"), ==, 1);
}

#define PEACE   "[Port vnet0]\nAddresses=10.0.0.1 10.0.0.2\n[Port vnet1]\nAddresses=10.0.0.3\n"
#define QUARREL "[Port vnet0]\nAddresses=10.0.0.1 10.0.0.2\n[Port vnet1]\nAddresses=10.0.0.2\n"

/* Told for both, also where the address was the only one, and once. */
static void test_conflict(void) {
        g_autoptr(GPtrArray) entries = announce(PEACE, QUARREL);
        g_autoptr(GPtrArray) again = announce(QUARREL, QUARREL);

        g_assert_cmpuint(count(entries, "conflict", "vnet0", "10.0.0.2 is also claimed by"), ==, 1);
        g_assert_cmpuint(count(entries, "conflict", "vnet1", "10.0.0.2 is also claimed by"), ==, 1);
        g_assert_cmpuint(count(entries, "port-closed", "vnet0", ""), ==, 0);
        g_assert_cmpuint(count(entries, "port-closed", "vnet1", "Nothing passes"), ==, 1);
        g_assert_cmpuint(again->len, ==, 0);
}

/* What a frame of the bridge family has and a packet has not. */
static void test_violation(void) {
        static const uint8_t ethernet[] = { 0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1, 8, 6 };
        static const uint8_t arp[] = { 0,  1, 8, 0, 6,    4,    0, 2, 0x52, 0x54, 0,  0, 0, 1,
                                       10, 0, 0, 3, 0x52, 0x54, 0, 0, 0,    2,    10, 0, 0, 3 };
        const BwDeniedPacket denied = {
                .prefix = "bw in ethertype drop",
                .family = AF_BRIDGE,
                .physin = 10,
                .in = 1,
                .tag = { true, 0x8100, 0xe000 },
                .ethernet = ethernet,
                .ethernet_length = sizeof(ethernet),
                .packet = arp,
                .packet_length = sizeof(arp),
        };
        g_autoptr(BwPlan) plan = plan_of(PEACE);
        g_autoptr(BwViolation) violation = bw_violation_new(&denied, plan);
        BwJournal *journal = NULL;
        int fd = open_journald();
        g_autoptr(GPtrArray) entries = NULL;

        journal = bw_journal_new();
        bw_announce_violation(journal, violation);
        bw_journal_free(journal);
        entries = read_entries(fd);
        g_close(fd, NULL);
        g_assert_cmpuint(count(entries, "violation", "vnet0", "BW_ETHERTYPE=0x8100\n"), ==, 1);
        g_assert_true(is_said(entries, "BW_VLAN=0\n"));
        g_assert_true(is_said(entries, "BW_DETAIL=a VLAN tag\n"));
        g_assert_true(is_said(entries, "BW_CLAIMED=vnet1\n"));
        g_assert_true(is_said(entries, "BW_CLAIMED_ADDRESS=10.0.0.3\n"));
        g_assert_true(is_said(entries, "BW_CLAIMED_MAC=52:54:00:00:00:01\n"));
        g_assert_true(is_said(entries, "BW_PROTOCOL=arp reply\n"));
}

static void test_skipped(void) {
        g_test_skip("this machine allows no namespaces of one's own: no private journal");
}

int main(int argc, char **argv) {
        bool own_world = bw_test_enter_netns();

        g_test_init(&argc, &argv, NULL);
        if (!own_world) {
                g_test_add_func("/announce", test_skipped);
                return g_test_run();
        }
        g_test_add_func("/announce/closed", test_closed);
        g_test_add_func("/announce/closed-in-mode-monitor", test_closed_in_mode_monitor);
        g_test_add_func("/announce/unaddressed", test_unaddressed);
        g_test_add_func("/announce/conflict", test_conflict);
        g_test_add_func("/announce/violation", test_violation);
        return g_test_run();
}
