/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The conductor while the kernel cannot be read as a whole: what it does not know it does not act
 * on, whoever asks. And how often it reads its table as a whole while others change theirs. Linked
 * with --wrap=bw_netlink_dump and --wrap=bw_nft_listing_parse.
 */

#include <bw/error.h>
#include <bw/nft_table.h>
#include <command.h>
#include <netlink.h>
#include <netns.h>
#include <warden.h>

#define CONFIG     "/run/bridgewarden-test.conf"
#define LIMIT_USEC (30 * G_USEC_PER_SEC)

bool __real_bw_netlink_dump(BwNetlink *netlink, GError **error);
bool __wrap_bw_netlink_dump(BwNetlink *netlink, GError **error);

static bool torn; /* every dump is */

bool __wrap_bw_netlink_dump(BwNetlink *netlink, GError **error) {
        if (!torn)
                return __real_bw_netlink_dump(netlink, error);
        g_set_error(error, BW_ERROR, BW_ERROR_STALE, "made up");
        return false;
}

BwNftListing *__real_bw_nft_listing_parse(const char *text);
BwNftListing *__wrap_bw_nft_listing_parse(const char *text);

static unsigned readings; /* of the whole table */

BwNftListing *__wrap_bw_nft_listing_parse(const char *text) {
        readings++;
        return __real_bw_nft_listing_parse(text);
}

static bool has_table(void) {
        return bw_test_try("nft list table bridge bridgewarden");
}

static bool guards(const char *port) {
        return bw_test_try("nft get element bridge bridgewarden bound '{ \"%s\" }'", port);
}

/* Until @port is guarded. */
static void turn_until_guards(const char *port) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;

        while (!guards(port) && g_get_monotonic_time() < deadline)
                g_main_context_iteration(NULL, FALSE);
        g_assert_true(guards(port));
}

/* What is wanted was read back, or is known to be so. */
static void turn_until_in_force(BwWarden *warden) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;

        while (!bw_warden_state(warden).in_force && g_get_monotonic_time() < deadline)
                g_main_context_iteration(NULL, FALSE);
        g_assert_true(bw_warden_state(warden).in_force);
}

static BwWarden *start(void) {
        g_autoptr(GError) error = NULL;
        BwWarden *warden = bw_warden_new(CONFIG, &error);

        g_assert_no_error(error);
        return warden;
}

static void write_config(void) {
        g_assert_true(g_file_set_contents(CONFIG,
                                          "[Guard]\nEngines=nftables\nBridges=br1\n"
                                          "[Libvirt]\nURI=none\n"
                                          "[Port p1]\nMACs=52:54:00:00:00:01\n"
                                          "Addresses=192.0.2.1\n"
                                          "[Port p2]\nMACs=52:54:00:00:00:02\n"
                                          "Addresses=192.0.2.2\n",
                                          -1, NULL));
}

/* With half a world in mind, the rules of a former run would be taken for those of ports that went.
 */
static void test_reload_while_torn(void) {
        BwWarden *warden;

        torn = false;
        warden = start();
        turn_until_guards("p1");
        bw_warden_free(warden);
        torn = true;
        warden = start();
        g_assert_true(bw_warden_reload(warden, NULL));
        g_assert_true(guards("p1"));
        torn = false;
        turn_until_guards("p1");
        bw_warden_free(warden);
        g_assert_true(guards("p1"));
}

static void test_first_start_while_torn(void) {
        BwWarden *warden;

        bw_test_run("nft delete table bridge bridgewarden");
        torn = true;
        warden = start();
        g_assert_true(bw_warden_reload(warden, NULL));
        g_assert_false(has_table());
        g_assert_false(bw_warden_resync(warden, NULL));
        g_assert_false(has_table());
        torn = false;
        turn_until_guards("p1");
        bw_warden_free(warden);
}

/* Whose news it is the kernel tells before that of the port. What others have changed elsewhere
 * says nothing of our table: the next change goes by what is known of it. */
static void test_others_need_no_reading(void) {
        BwWarden *warden;
        unsigned before;

        torn = false;
        warden = start();
        turn_until_in_force(warden);
        before = readings;
        g_assert_cmpuint(before, >, 0);
        bw_test_run("nft add table inet other; nft add chain inet other one;"
                    "nft add chain inet other two");
        bw_test_run("ip link add p2 type veth peer name q2; ip link set p2 master br1 up");
        turn_until_guards("p2");
        turn_until_in_force(warden);
        g_assert_cmpuint(readings, ==, before);
        /* But when ours is among it. */
        bw_test_run("nft flush chain bridge bridgewarden prerouting; ip link delete p2");
        for (int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;
             readings == before && g_get_monotonic_time() < deadline;)
                g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(readings, >, before);
        bw_warden_free(warden);
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        write_config();
        bw_test_run("ip link add br1 type bridge; ip link add p1 type veth peer name q1;"
                    "ip link set p1 master br1 up; ip link set br1 up");
        g_test_add_func("/warden/reload-while-torn", test_reload_while_torn);
        g_test_add_func("/warden/first-start-while-torn", test_first_start_while_torn);
        g_test_add_func("/warden/others-need-no-reading", test_others_need_no_reading);
        return g_test_run();
}
