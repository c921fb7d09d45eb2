/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What can be wished for of bridges, ports and tables, against a real kernel in a network namespace
 * of its own; seen with the eyes of ip(8) and bridge(8).
 */

#include <bw/error.h>
#include <command.h>
#include <net/if.h>
#include <netlink.h>
#include <netns.h>

static void ignore(G_GNUC_UNUSED const BwFact *fact, G_GNUC_UNUSED gpointer user) {
}

/* br0 with the port p1, whose other end is q1, and the link l1 that is no port. */
static BwNetlink *open_netlink(void) {
        g_autoptr(GError) error = NULL;
        BwNetlink *netlink = bw_netlink_new(ignore, NULL, &error);

        g_assert_no_error(error);
        bw_test_run("ip link add br0 type bridge");
        bw_test_run("ip link add p1 type veth peer name q1");
        bw_test_run("ip link set p1 master br0");
        bw_test_run("ip link add l1 type veth peer name m1");
        bw_test_run("ip link set br0 up; ip link set p1 up; ip link set q1 up; ip link set l1 up");
        return netlink;
}

static void close_netlink(BwNetlink *netlink) {
        bw_test_run("ip link del br0; ip link del p1; ip link del l1");
        bw_netlink_free(netlink);
}

static int index_of(const char *name) {
        return (int) if_nametoindex(name);
}

static BwMac mac_of(const char *text) {
        BwMac mac = {};

        g_assert_true(bw_mac_parse(text, &mac, NULL));
        return mac;
}

static bool flag_is(const char *port, BwPortFlag flag, bool on) {
        return bw_test_try("bridge -d link show dev %s | grep -qw '%s %s'", port,
                           bw_port_flag_name(flag), on ? "on" : "off");
}

/* Each moves alone; the others stay. */
static void test_port_flags(void) {
        BwNetlink *netlink = open_netlink();
        int port = index_of("p1");
        g_autoptr(GError) error = NULL;

        bw_netlink_set_port_flags(netlink, port, (1u << BW_FLAG_MAX) - 1, 0, &error);
        g_assert_no_error(error);
        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++) {
                bw_netlink_set_port_flags(netlink, port, BW_FLAG_BIT(flag), ~0u, &error);
                g_assert_no_error(error);
                for (BwPortFlag other = 0; other < BW_FLAG_MAX; other++)
                        g_assert_true(flag_is("p1", other, other == flag));
                bw_netlink_set_port_flags(netlink, port, BW_FLAG_BIT(flag), 0, &error);
                g_assert_no_error(error);
        }
        bw_netlink_set_port_flags(netlink, port, BW_FLAG_LOCK, BW_FLAG_BIT(BW_FLAG_LOCKED), &error);
        g_assert_no_error(error);
        g_assert_true(flag_is("p1", BW_FLAG_LOCKED, true));
        g_assert_true(flag_is("p1", BW_FLAG_LEARNING, false));
        close_netlink(netlink);
}

static bool fdb_says(const char *mac, const char *words) {
        return bw_test_try("bridge fdb show br br0 | grep -q '^%s %s'", mac, words);
}

static void test_fdb(void) {
        BwNetlink *netlink = open_netlink();
        BwMac mac = mac_of("52:54:00:00:00:07");
        g_autoptr(GError) error = NULL;

        bw_test_run("ip link add p2 type veth peer name q2; ip link set p2 master br0 up");
        bw_test_run("bridge fdb add 52:54:00:00:00:07 dev p2 master static");
        /* From another port, and once more over itself. */
        for (unsigned i = 0; i < 2; i++) {
                bw_netlink_fix_fdb(netlink, index_of("p1"), &mac, &error);
                g_assert_no_error(error);
                g_assert_true(fdb_says("52:54:00:00:00:07", "dev p1 .*master br0 static"));
        }
        g_assert_false(bw_netlink_release_fdb(netlink, index_of("p2"), &mac, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_ABSENT);
        g_clear_error(&error);
        bw_netlink_release_fdb(netlink, index_of("p1"), &mac, &error);
        g_assert_no_error(error);
        g_assert_false(fdb_says("52:54:00:00:00:07", ""));
        g_assert_false(bw_netlink_release_fdb(netlink, index_of("p1"), &mac, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_ABSENT);
        bw_test_run("ip link del p2");
        close_netlink(netlink);
}

/* CONFIG_BRIDGE_VLAN_FILTERING */
static bool kernel_filters_vlans(void) {
        bool filters = bw_test_try("ip link add vlans type bridge vlan_filtering 1");

        (void) bw_test_try("ip link del vlans");
        return filters;
}

/* The VLANs a port is in have entries of their own. */
static void test_fdb_of_vlans(void) {
        BwNetlink *netlink = open_netlink();
        BwMac mac = mac_of("52:54:00:00:00:07");
        g_autoptr(GError) error = NULL;

        bw_test_run("ip link set br0 type bridge vlan_filtering 1");
        bw_test_run("bridge vlan add dev p1 vid 7");
        bw_netlink_fix_fdb(netlink, index_of("p1"), &mac, &error);
        g_assert_no_error(error);
        g_assert_true(fdb_says("52:54:00:00:00:07", "dev p1 vlan 7 master br0 static"));
        g_assert_true(fdb_says("52:54:00:00:00:07", "dev p1 vlan 1 master br0 static"));
        bw_netlink_release_fdb(netlink, index_of("p1"), &mac, &error);
        g_assert_no_error(error);
        g_assert_false(fdb_says("52:54:00:00:00:07", ""));
        close_netlink(netlink);
}

static bool neighbour_says(const char *address, const char *words) {
        return bw_test_try("ip neigh show dev l1 | grep -q '^%s %s'", address, words);
}

static void check_neighbour(BwNetlink *netlink, const char *address) {
        BwNeighbour neighbour = { .mac = mac_of("52:54:00:00:00:07"), .ifindex = index_of("l1") };
        g_autoptr(GError) error = NULL;

        g_assert_true(bw_prefix_parse(address, &neighbour.address, &error));
        bw_test_run("ip neigh add %s lladdr 52:54:00:00:00:66 dev l1 nud stale", address);
        g_assert_false(bw_netlink_pin_neighbour(netlink, &neighbour, false, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_BUSY);
        g_clear_error(&error);
        g_assert_true(neighbour_says(address, "lladdr 52:54:00:00:00:66 STALE"));
        bw_netlink_pin_neighbour(netlink, &neighbour, true, &error);
        g_assert_no_error(error);
        g_assert_true(neighbour_says(address, "lladdr 52:54:00:00:00:07 PERMANENT"));
        bw_netlink_unpin_neighbour(netlink, &neighbour, &error);
        g_assert_no_error(error);
        g_assert_false(neighbour_says(address, ".*PERMANENT"));
}

static void test_neighbours(void) {
        BwNetlink *netlink = open_netlink();

        check_neighbour(netlink, "192.0.2.7");
        check_neighbour(netlink, "2001:db8::7");
        close_netlink(netlink);
}

static bool ip_says(const char *link, const char *words) {
        return bw_test_try("ip -d link show %s | grep -qwE '%s'", link, words);
}

static void test_bridge(void) {
        BwNetlink *netlink = open_netlink();
        int bridge = index_of("br0");
        g_autoptr(GError) error = NULL;

        bw_netlink_set_ageing(netlink, bridge, 12300, &error);
        g_assert_no_error(error);
        g_assert_true(ip_says("br0", "ageing_time 12300"));
        bw_netlink_set_ageing(netlink, bridge, 0, &error);
        g_assert_no_error(error);
        g_assert_true(ip_says("br0", "ageing_time 0"));
        bw_netlink_set_stp(netlink, bridge, true, &error);
        g_assert_no_error(error);
        g_assert_true(ip_says("br0", "stp_state 1"));
        bw_netlink_set_stp(netlink, bridge, false, &error);
        g_assert_no_error(error);
        g_assert_true(ip_says("br0", "stp_state 0"));
        close_netlink(netlink);
}

/* Nothing else of the link moves, whether it is up or not. */
static void test_promiscuous(void) {
        BwNetlink *netlink = open_netlink();
        g_autoptr(GError) error = NULL;

        for (unsigned up = 0; up < 2; up++) {
                bw_test_run("ip link set br0 %s", up ? "up" : "down");
                bw_netlink_set_promiscuous(netlink, index_of("br0"), true, &error);
                g_assert_no_error(error);
                g_assert_true(ip_says("br0", "PROMISC"));
                g_assert_true(ip_says("br0", "UP") == up);
                bw_netlink_set_promiscuous(netlink, index_of("br0"), false, &error);
                g_assert_no_error(error);
                g_assert_false(ip_says("br0", "PROMISC"));
                g_assert_true(ip_says("br0", "UP") == up);
        }
        close_netlink(netlink);
}

typedef bool (*Wish)(BwNetlink *netlink, int link, GError **error);

static bool wish_flags(BwNetlink *netlink, int link, GError **error) {
        return bw_netlink_set_port_flags(netlink, link, BW_FLAG_LOCK, 0, error);
}

static bool wish_fix(BwNetlink *netlink, int link, GError **error) {
        BwMac mac = mac_of("52:54:00:00:00:07");

        return bw_netlink_fix_fdb(netlink, link, &mac, error);
}

static bool wish_release(BwNetlink *netlink, int link, GError **error) {
        BwMac mac = mac_of("52:54:00:00:00:07");

        return bw_netlink_release_fdb(netlink, link, &mac, error);
}

static bool wish_ageing(BwNetlink *netlink, int link, GError **error) {
        return bw_netlink_set_ageing(netlink, link, 30000, error);
}

static bool wish_stp(BwNetlink *netlink, int link, GError **error) {
        return bw_netlink_set_stp(netlink, link, true, error);
}

static bool wish_promiscuous(BwNetlink *netlink, int link, GError **error) {
        return bw_netlink_set_promiscuous(netlink, link, true, error);
}

static bool wish_pin(BwNetlink *netlink, int link, GError **error) {
        BwNeighbour neighbour = { .mac = mac_of("52:54:00:00:00:07"), .ifindex = link };

        g_assert_true(bw_prefix_parse("192.0.2.7", &neighbour.address, NULL));
        return bw_netlink_pin_neighbour(netlink, &neighbour, true, error);
}

static bool wish_unpin(BwNetlink *netlink, int link, GError **error) {
        BwNeighbour neighbour = { .ifindex = link };

        g_assert_true(bw_prefix_parse("192.0.2.7", &neighbour.address, NULL));
        return bw_netlink_unpin_neighbour(netlink, &neighbour, error);
}

static const struct {
        Wish wish;
        bool any_link; /* what it is about is no bridge's */
} wishes[] = { { wish_flags, false },  { wish_fix, false }, { wish_release, false },
               { wish_ageing, false }, { wish_stp, false }, { wish_promiscuous, true },
               { wish_pin, true },     { wish_unpin, true } };

static void check_refused(Wish wish, BwNetlink *netlink, int link, BwError code) {
        g_autoptr(GError) error = NULL;

        g_assert_false(wish(netlink, link, &error));
        g_assert_error(error, BW_ERROR, (int) code);
}

static void test_absent(void) {
        BwNetlink *netlink = open_netlink();
        int gone = index_of("p1"), other = index_of("l1");

        bw_test_run("ip link del p1; ip link add p1 type veth peer name q1");
        g_assert_cmpint(index_of("p1"), !=, gone);
        for (gsize i = 0; i < G_N_ELEMENTS(wishes); i++) {
                check_refused(wishes[i].wish, netlink, gone, BW_ERROR_ABSENT);
                if (!wishes[i].any_link)
                        check_refused(wishes[i].wish, netlink, other, BW_ERROR_ABSENT);
        }
        close_netlink(netlink);
}

static void test_denied(void) {
        BwNetlink *netlink = open_netlink();

        bw_test_set_net_admin(false);
        for (gsize i = 0; i < G_N_ELEMENTS(wishes); i++)
                check_refused(wishes[i].wish, netlink, index_of("br0"), BW_ERROR_DENIED);
        bw_test_set_net_admin(true);
        close_netlink(netlink);
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/netlink-wishes/port-flags", test_port_flags);
        g_test_add_func("/netlink-wishes/fdb", test_fdb);
        if (kernel_filters_vlans())
                g_test_add_func("/netlink-wishes/fdb-of-vlans", test_fdb_of_vlans);
        else
                g_test_message("bridges of this kernel filter no VLANs: no entries of theirs");
        g_test_add_func("/netlink-wishes/neighbours", test_neighbours);
        g_test_add_func("/netlink-wishes/bridge", test_bridge);
        g_test_add_func("/netlink-wishes/promiscuous", test_promiscuous);
        g_test_add_func("/netlink-wishes/absent", test_absent);
        g_test_add_func("/netlink-wishes/denied", test_denied);
        return g_test_run();
}
