/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The conductor while the kernel cannot be read as a whole: what it does not know it does not act
 * on, whoever asks. And how often it reads its table as a whole while others change theirs. And
 * what it takes for somebody's deed while an engine cannot be written. Linked with --wrap of what
 * is made up below.
 */

#include <announce.h>
#include <bw/error.h>
#include <bw/nft_table.h>
#include <command.h>
#include <iptables.h>
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

bool __real_bw_iptables_sync_all(BwIptWish wishes[static BW_IPT_TABLE_MAX], BwIptLock lock,
                                 BwIptAhead *ahead, GError **error);
bool __wrap_bw_iptables_sync_all(BwIptWish wishes[static BW_IPT_TABLE_MAX], BwIptLock lock,
                                 BwIptAhead *ahead, GError **error);

static bool stuck; /* iptables cannot be written */

bool __wrap_bw_iptables_sync_all(BwIptWish wishes[static BW_IPT_TABLE_MAX], BwIptLock lock,
                                 BwIptAhead *ahead, GError **error) {
        if (!stuck)
                return __real_bw_iptables_sync_all(wishes, lock, ahead, error);
        g_set_error(error, BW_ERROR, BW_ERROR_BUSY, "made up");
        return false;
}

void __real_bw_announce_pass(BwJournal *journal, const BwPass *pass, BwCause cause,
                             const BwNftNews *culprit, unsigned facts, int64_t usec);
void __wrap_bw_announce_pass(BwJournal *journal, const BwPass *pass, BwCause cause,
                             const BwNftNews *culprit, unsigned facts, int64_t usec);

static unsigned commits, repairs; /* that were told; of them, as repairs */
static pid_t blamed;              /* with the last; 0: nobody */

void __wrap_bw_announce_pass(BwJournal *journal, const BwPass *pass, BwCause cause,
                             const BwNftNews *culprit, unsigned facts, int64_t usec) {
        if (pass->commits > 0) {
                commits++;
                repairs += cause == BW_CAUSE_DRIFT;
                blamed = culprit->pid;
        }
        __real_bw_announce_pass(journal, pass, cause, culprit, facts, usec);
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

static void write_config(const char *engines) {
        g_autofree char *text = g_strdup_printf("[Guard]\nEngines=%s\nBridges=br1\n"
                                                "CheckInterval=1\n"
                                                "[Libvirt]\nURI=none\n"
                                                "[Port p1]\nMACs=52:54:00:00:00:01\n"
                                                "Addresses=192.0.2.1\n"
                                                "[Port p2]\nMACs=52:54:00:00:00:02\n"
                                                "Addresses=192.0.2.2\n",
                                                engines);

        g_assert_true(g_file_set_contents(CONFIG, text, -1, NULL));
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

/* Drift */

static bool has_iptables(void) {
        bool has = bw_test_try("iptables-legacy -t raw -S && test -e /proc/sys/net/bridge");

        if (!has)
                g_test_skip("no legacy iptables, or no br_netfilter");
        return has;
}

static void turn_until_engines(BwWarden *warden, unsigned engines) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;

        while (bw_warden_state(warden).engines_in_force != engines &&
               g_get_monotonic_time() < deadline)
                g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(bw_warden_state(warden).engines_in_force, ==, engines);
}

static void turn_until_repaired(unsigned times) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;

        while (repairs < times && g_get_monotonic_time() < deadline)
                g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(repairs, ==, times);
}

/* Both engines are in force; then rules of iptables are gone, and cannot be put back. */
static BwWarden *start_and_drift(void) {
        BwWarden *warden;

        torn = stuck = false;
        write_config("iptables nftables");
        warden = start();
        turn_until_engines(warden, BW_ENGINE_ALL);
        stuck = true;
        bw_test_run("iptables-legacy -t raw -F PREROUTING");
        turn_until_engines(warden, BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
        commits = repairs = 0;
        return warden;
}

/* A guest comes, and nobody is blamed for that. */
static void test_drift_of_one_engine(void) {
        BwWarden *warden;

        if (!has_iptables())
                return;
        warden = start_and_drift();
        bw_test_run("ip link add p2 type veth peer name q2; ip link set p2 master br1 up");
        turn_until_guards("p2");
        g_assert_cmpuint(commits, >, 0);
        g_assert_cmpuint(repairs, ==, 0);
        /* What others do meanwhile is repaired by the next try, and told as theirs. */
        bw_test_run("nft flush chain bridge bridgewarden prerouting");
        turn_until_repaired(1);
        g_assert_cmpint(blamed, !=, 0);
        /* He has no part in what is mended later. */
        stuck = false;
        turn_until_repaired(2);
        g_assert_cmpint(blamed, ==, 0);
        turn_until_engines(warden, BW_ENGINE_ALL);
        bw_test_run("ip link delete p2");
        bw_warden_free(warden);
}

/* What nobody wants put back is no drift any more, however the engine was left. */
static void test_drift_of_an_engine_given_up(void) {
        BwWarden *warden;

        if (!has_iptables())
                return;
        warden = start_and_drift();
        write_config("nftables");
        g_assert_true(bw_warden_reload(warden, NULL));
        bw_test_run("ip link add p2 type veth peer name q2; ip link set p2 master br1 up");
        turn_until_guards("p2");
        stuck = false;
        bw_test_run("ip link delete p2");
        turn_until_in_force(warden);
        g_assert_cmpuint(commits, >, 0);
        g_assert_cmpuint(repairs, ==, 0);
        /* Nor when it is wanted again. */
        write_config("iptables nftables");
        g_assert_true(bw_warden_reload(warden, NULL));
        turn_until_engines(warden, BW_ENGINE_ALL);
        g_assert_cmpuint(repairs, ==, 0);
        bw_warden_free(warden);
}

/* Taking the guard down without a daemon: what of it was done is told. */
static void test_disarm_while_torn(void) {
        g_autoptr(GError) error = NULL;

        torn = stuck = false;
        write_config("nftables");
        bw_warden_free(start());
        torn = true;
        g_assert_false(bw_warden_disarm_kernel(&error));
        g_assert_error(error, BW_ERROR, BW_ERROR_STALE);
        g_assert_true(g_str_has_prefix(error->message, "every rule of the guard was taken down; "));
        g_assert_false(has_table());
        torn = false;
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        write_config("nftables");
        bw_test_run("ip link add br1 type bridge; ip link add p1 type veth peer name q1;"
                    "ip link set p1 master br1 up; ip link set br1 up");
        g_test_add_func("/warden/reload-while-torn", test_reload_while_torn);
        g_test_add_func("/warden/first-start-while-torn", test_first_start_while_torn);
        g_test_add_func("/warden/others-need-no-reading", test_others_need_no_reading);
        g_test_add_func("/warden/drift-of-one-engine", test_drift_of_one_engine);
        g_test_add_func("/warden/drift-of-an-engine-given-up", test_drift_of_an_engine_given_up);
        g_test_add_func("/warden/disarm-while-torn", test_disarm_while_torn);
        return g_test_run();
}
