/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rtnetlink adapter against a real kernel, in a network namespace of its own. Links are made
 * with ip(8) and bridge(8) of iproute2.
 */

#include "netlink_world.h"

#include <bw/error.h>
#include <command.h>
#include <glib.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netns.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Links */

static void test_bridge(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        unsigned bridge;

        bw_test_run("ip link add br0 address 02:00:00:00:00:01 type bridge ageing_time 12300");
        bridge = if_nametoindex("br0");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", bridge),
                      "br0 02:00:00:00:00:01 kind 1 master 0 peer 0 nf 0 ageing 12300"));
        bw_test_run("ip link set br0 up");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", bridge), " up "));
        bw_test_run("ip link set br0 promisc on");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", bridge), " promisc "));
        bw_test_run("ip link set br0 type bridge nf_call_iptables 1 ageing_time 0");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", bridge), " nf 1 ageing 0"));
        bw_test_run("ip link set br0 down");
        WAIT_FOR(!says(bw_netlink_world_find(world, "link %u", bridge), " up "));
        bw_test_run("ip link del br0");
        WAIT_FOR(!bw_netlink_world_find(world, "link %u", bridge));
        bw_netlink_world_close(world);
}

static void test_port_moves(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        g_autofree char *in_br1 = NULL, *in_br2 = NULL, *peer = NULL, *back = NULL;
        unsigned port, other;

        bw_test_run("ip link add br1 type bridge");
        bw_test_run("ip link add br2 type bridge");
        bw_test_run("ip link add p1 type veth peer name q1");
        port = if_nametoindex("p1");
        other = if_nametoindex("q1");
        peer = g_strdup_printf("kind 3 master 0 peer %u", other);
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), peer));
        /* Of the end that is made first the kernel says only that it has no other end. */
        back = g_strdup_printf("kind 3 master 0 peer %u", port);
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", other), back));

        in_br1 = g_strdup_printf(" master %u ", if_nametoindex("br1"));
        in_br2 = g_strdup_printf(" master %u ", if_nametoindex("br2"));
        bw_test_run("ip link set p1 master br1 up");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), in_br1));
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), " up "));
        bw_test_run("ip link set p1 master br2");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), in_br2));
        /* Leaving the bridge is not leaving the world. */
        bw_test_run("ip link set p1 nomaster");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), " master 0 "));
        bw_netlink_world_settle();
        g_assert_nonnull(bw_netlink_world_find(world, "link %u", port));

        bw_test_run("ip link set p1 master br1");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), in_br1));
        bw_test_run("ip link del br1");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), " master 0 "));
        bw_test_run("ip link del p1");
        WAIT_FOR(!bw_netlink_world_find(world, "link %u", port) &&
                 !bw_netlink_world_find(world, "link %u", other));
        bw_test_run("ip link del br2");
        bw_netlink_world_close(world);
}

static void test_names_of_any_bytes(void) {
        static const char *const names[] = { "\xff\xfe$(id)\"';", "123456789012345", "*",
                                             "\x01\x1b[2J", "\\n&|<>[]{}" };
        BwNetlinkWorld *world = bw_netlink_world_open();
        unsigned port;

        bw_test_run("ip link add p1 type veth peer name q1");
        port = if_nametoindex("p1");
        for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
                char former[IF_NAMESIZE];
                const char *argv[] = { "ip",   "link",   "set", "dev", if_indextoname(port, former),
                                       "name", names[i], NULL };
                int status;

                g_assert_true(g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                                           NULL, NULL, NULL, &status, NULL));
                g_assert_cmpint(status, ==, 0);
                WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), names[i]));
        }
        bw_test_run("ip link del q1");
        WAIT_FOR(!bw_netlink_world_find(world, "link %u", port));
        bw_netlink_world_close(world);
}

static void test_tap(void) {
        BwNetlinkWorld *world;

        if (access("/dev/net/tun", R_OK | W_OK) < 0) {
                g_test_skip("/dev/net/tun may not be opened");
                return;
        }
        world = bw_netlink_world_open();
        bw_test_run("ip tuntap add dev tap7 mode tap");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", if_nametoindex("tap7")), " kind 2 "));
        bw_test_run("ip link del tap7");
        bw_netlink_world_close(world);
}

/* An index that counts in another namespace must not be taken for a link of ours. */
static void test_peer_elsewhere(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        unsigned port;

        bw_test_run("ip netns add elsewhere");
        bw_test_run("ip link add p1 type veth peer name q1 netns elsewhere");
        port = if_nametoindex("p1");
        bw_test_run("ip link set p1 up");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", port), " up "));
        g_assert_true(
                says(bw_netlink_world_find(world, "link %u", port), " kind 3 master 0 peer 0 "));
        /* What leaves for another namespace is gone here. */
        bw_test_run("ip link add p2 type veth peer name q2");
        port = if_nametoindex("q2");
        WAIT_FOR(bw_netlink_world_find(world, "link %u", port));
        bw_test_run("ip link set q2 netns elsewhere");
        WAIT_FOR(!bw_netlink_world_find(world, "link %u", port));
        bw_test_run("ip link del p1");
        bw_test_run("ip link del p2");
        bw_test_run("ip netns del elsewhere");
        bw_netlink_world_close(world);
}

/* Forwarding table and neighbours */

static void send_frame(const char *interface, const char *source) {
        const struct sockaddr_ll to = { .sll_family = AF_PACKET,
                                        .sll_ifindex = (int) if_nametoindex(interface) };
        uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, [12] = 0x88, 0xb5 };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        BwMac mac;

        g_assert_true(bw_mac_parse(source, &mac, NULL));
        memcpy(frame + 6, mac.octet, sizeof(mac.octet));
        g_assert_cmpint(sendto(fd, frame, sizeof(frame), 0, (const void *) &to, sizeof(to)), ==,
                        sizeof(frame));
        close(fd);
}

static void test_fdb(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        g_autofree char *at_p1 = NULL, *at_p2 = NULL, *learned = NULL;
        unsigned bridge;

        bw_test_run("ip link add br0 type bridge");
        bw_test_run("ip link add p1 type veth peer name q1");
        bw_test_run("ip link add p2 type veth peer name q2");
        bw_test_run("ip link set br0 up");
        bw_test_run("ip link set q1 up");
        bw_test_run("ip link set q2 up");
        bw_test_run("ip link set p1 master br0 up");
        bw_test_run("ip link set p2 master br0 up");
        bridge = if_nametoindex("br0");
        at_p1 = g_strdup_printf("port %u", if_nametoindex("p1"));
        at_p2 = g_strdup_printf("port %u", if_nametoindex("p2"));
        learned = g_strdup_printf("fdb %u 52:54:00:00:00:99 0", bridge);

        /* The kernel lets a port forward when it gets round to it: a carrier's news is put off. */
        WAIT_FOR(
                says(bw_netlink_world_find(world, "link %u", if_nametoindex("p1")), " forwarding"));
        WAIT_FOR(
                says(bw_netlink_world_find(world, "link %u", if_nametoindex("p2")), " forwarding"));
        /* Learned from a frame, then stolen by another port. */
        send_frame("q1", "52:54:00:00:00:99");
        WAIT_FOR(g_strcmp0(bw_netlink_world_find(world, "%s", learned), at_p1) == 0);
        send_frame("q2", "52:54:00:00:00:99");
        WAIT_FOR(g_strcmp0(bw_netlink_world_find(world, "%s", learned), at_p2) == 0);
        bw_test_run("bridge fdb del 52:54:00:00:00:99 dev p2 master");
        WAIT_FOR(!bw_netlink_world_find(world, "%s", learned));

        bw_test_run("bridge fdb add 52:54:00:00:00:98 dev p1 master static");
        WAIT_FOR(g_strcmp0(bw_netlink_world_find(world, "fdb %u 52:54:00:00:00:98 0", bridge),
                           at_p1) == 0);
        bw_test_run("bridge fdb add 52:54:00:00:00:97 dev p1 master permanent");
        WAIT_FOR(
                says(bw_netlink_world_find(world, "fdb %u 52:54:00:00:00:97 0", bridge), " local"));
        /* A device's own filter forwards nothing. */
        bw_test_run("bridge fdb add 52:54:00:00:00:95 dev p1 self");
        bw_netlink_world_settle();
        g_assert_null(bw_netlink_world_find(world, "fdb %u 52:54:00:00:00:95 0", bridge));
        g_assert_null(bw_netlink_world_find(world, "fdb 0 52:54:00:00:00:95 0"));

        bw_test_run("ip link del p1");
        WAIT_FOR(!bw_netlink_world_find(world, "fdb %u 52:54:00:00:00:98 0", bridge));
        bw_test_run("ip link del p2");
        bw_test_run("ip link del br0");
        bw_netlink_world_close(world);
}

static void test_neighbours(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        unsigned port;

        bw_test_run("ip link add p1 type veth peer name q1");
        bw_test_run("ip link set p1 up");
        bw_test_run("ip link set q1 up");
        port = if_nametoindex("p1");
        bw_test_run("ip neigh add 192.0.2.7 lladdr 52:54:00:00:00:07 dev p1 nud permanent");
        WAIT_FOR(g_strcmp0(bw_netlink_world_find(world, "neighbour %u 192.0.2.7", port),
                           "52:54:00:00:00:07") == 0);
        bw_test_run("ip neigh change 192.0.2.7 lladdr 52:54:00:00:00:08 dev p1 nud stale");
        WAIT_FOR(g_strcmp0(bw_netlink_world_find(world, "neighbour %u 192.0.2.7", port),
                           "52:54:00:00:00:08") == 0);
        bw_test_run("ip neigh change 192.0.2.7 dev p1 nud failed");
        WAIT_FOR(!bw_netlink_world_find(world, "neighbour %u 192.0.2.7", port));
        bw_test_run("ip neigh add 2001:db8::7 lladdr 52:54:00:00:00:07 dev p1 nud reachable");
        WAIT_FOR(g_strcmp0(bw_netlink_world_find(world, "neighbour %u 2001:db8::7", port),
                           "52:54:00:00:00:07") == 0);
        bw_test_run("ip neigh del 2001:db8::7 dev p1");
        WAIT_FOR(!bw_netlink_world_find(world, "neighbour %u 2001:db8::7", port));
        bw_test_run("ip neigh add 192.0.2.9 lladdr 52:54:00:00:00:09 dev p1 nud noarp");
        bw_netlink_world_settle();
        g_assert_null(bw_netlink_world_find(world, "neighbour %u 192.0.2.9", port));
        bw_test_run("ip link del p1");
        bw_netlink_world_close(world);
}

/* The host's own addresses */

static void test_addresses(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        unsigned port;

        bw_test_run("ip link add p1 type veth peer name q1");
        port = if_nametoindex("p1");
        bw_test_run("ip addr add 192.0.2.7/24 dev p1");
        bw_test_run("ip addr add 192.0.2.7/16 dev p1");
        bw_test_run("ip addr add 192.0.2.7 peer 198.51.100.1/24 dev p1");
        bw_test_run("ip addr add 2001:db8::7/64 nodad dev p1");
        WAIT_FOR(bw_netlink_world_find(world, "address %u 192.0.2.7/24", port));
        WAIT_FOR(bw_netlink_world_find(world, "address %u 192.0.2.7/16", port));
        /* The peer's network is not the host's. */
        WAIT_FOR(bw_netlink_world_find(world, "address %u 192.0.2.7/32", port));
        WAIT_FOR(bw_netlink_world_find(world, "address %u 2001:db8::7/64", port));
        bw_netlink_world_check_fresh(world);

        bw_test_run("ip addr del 192.0.2.7/24 dev p1");
        WAIT_FOR(!bw_netlink_world_find(world, "address %u 192.0.2.7/24", port));
        bw_test_run("ip addr del 2001:db8::7/64 dev p1");
        WAIT_FOR(!bw_netlink_world_find(world, "address %u 2001:db8::7/64", port));
        g_assert_nonnull(bw_netlink_world_find(world, "address %u 192.0.2.7/16", port));
        g_assert_nonnull(bw_netlink_world_find(world, "address %u 192.0.2.7/32", port));
        bw_netlink_world_check_fresh(world);
        bw_test_run("ip link del p1");
        WAIT_FOR(!bw_netlink_world_find(world, "address %u 192.0.2.7/16", port));
        WAIT_FOR(!bw_netlink_world_find(world, "address %u 192.0.2.7/32", port));
        bw_netlink_world_close(world);
}

/* The wish */

static void test_set_nf_call(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        g_autoptr(GError) error = NULL;
        unsigned bridge;

        bw_test_run("ip link add br0 type bridge");
        bridge = if_nametoindex("br0");
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", bridge), " nf 0 "));

        /* A bridge that is down makes no news of its own; an up one does. */
        g_assert_true(bw_netlink_set_switch(world->netlink, bridge, BW_SWITCH_NF_CALL_IPTABLES,
                                            true, &error));
        g_assert_no_error(error);
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", bridge), " nf 1 "));
        bw_test_run("ip link set br0 up");
        g_assert_true(bw_netlink_set_switch(world->netlink, bridge, BW_SWITCH_NF_CALL_IPTABLES,
                                            false, &error));
        g_assert_no_error(error);
        WAIT_FOR(says(bw_netlink_world_find(world, "link %u", bridge), " up ") &&
                 says(bw_netlink_world_find(world, "link %u", bridge), " nf 0 "));

        bw_test_run("ip link del br0");
        g_assert_false(bw_netlink_set_switch(world->netlink, bridge, BW_SWITCH_NF_CALL_IPTABLES,
                                             true, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_ABSENT);
        g_clear_error(&error);

        bw_test_run("ip link add p1 type veth peer name q1");
        g_assert_false(bw_netlink_set_switch(world->netlink, if_nametoindex("p1"),
                                             BW_SWITCH_NF_CALL_IPTABLES, true, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_ABSENT);
        bw_test_run("ip link del p1");
        WAIT_FOR(!bw_netlink_world_find(world, "link %u", bridge));
        bw_netlink_world_close(world);
}

static void test_denied(void) {
        g_autoptr(GError) error = NULL;
        BwNetlinkWorld *world;
        unsigned bridge;

        bw_test_run("ip link add br0 type bridge");
        bridge = if_nametoindex("br0");
        bw_test_set_net_admin(false);
        /* Looking on needs no right. */
        world = bw_netlink_world_open();
        g_assert_true(says(bw_netlink_world_find(world, "link %u", bridge), "br0 "));
        g_assert_false(bw_netlink_set_switch(world->netlink, bridge, BW_SWITCH_NF_CALL_IPTABLES,
                                             true, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_DENIED);
        bw_test_set_net_admin(true);
        bw_test_run("ip link del br0");
        bw_netlink_world_close(world);
}

static void add_tests(void) {
        g_test_add_func("/netlink/bridge", test_bridge);
        g_test_add_func("/netlink/port-moves", test_port_moves);
        g_test_add_func("/netlink/names-of-any-bytes", test_names_of_any_bytes);
        g_test_add_func("/netlink/tap", test_tap);
        g_test_add_func("/netlink/peer-elsewhere", test_peer_elsewhere);
        g_test_add_func("/netlink/fdb", test_fdb);
        g_test_add_func("/netlink/neighbours", test_neighbours);
        g_test_add_func("/netlink/addresses", test_addresses);
        g_test_add_func("/netlink/set-nf-call", test_set_nf_call);
        g_test_add_func("/netlink/denied", test_denied);
}

int main(int argc, char **argv) {
        return bw_netlink_world_run_tests(argc, argv, add_tests);
}
