/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Dumps and news of the rtnetlink adapter, against a real kernel in a network namespace of its own:
 * one world, two ways to learn it. What is lost on either is heard of.
 */

#include "netlink_world.h"

#include <bw/error.h>
#include <command.h>
#include <glib.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

static void test_news_end_where_dump_ends(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();

        bw_test_run("ip link add br0 type bridge");
        bw_test_run("ip link set br0 up");
        for (unsigned i = 0; i < 5; i++) {
                g_autofree char *add =
                        g_strdup_printf("ip link add p%u type veth peer name q%u", i, i);
                g_autofree char *up = g_strdup_printf("ip link set q%u up", i);
                g_autofree char *enter = g_strdup_printf("ip link set p%u master br0 up", i);

                bw_test_run("%s", add);
                bw_test_run("%s", up);
                bw_test_run("%s", enter);
        }
        bw_test_run("ip link set p3 down");
        bw_test_run("ip link set p4 name renamed");
        bw_test_run("ip link del p2");
        bw_test_run("bridge fdb add 52:54:00:00:00:98 dev p1 master static");
        bw_test_run("ip neigh add 192.0.2.7 lladdr 52:54:00:00:00:07 dev q1 nud permanent");
        g_assert_cmpuint(world->snapshots, ==, 1);
        bw_netlink_world_settle();
        g_assert_cmpuint(g_hash_table_size(world->known), >, 12);
        bw_netlink_world_check_fresh(world);

        /* And a snapshot over what is known changes nothing. */
        bw_netlink_world_dump(world);
        g_assert_cmpuint(world->snapshots, ==, 2);
        bw_netlink_world_check_fresh(world);
        for (unsigned i = 0; i < 5; i++) {
                g_autofree char *del = g_strdup_printf("ip link del q%u", i);

                if (i != 2)
                        bw_test_run("%s", del);
        }
        bw_test_run("ip link del br0");
        bw_netlink_world_close(world);
}

/* The adapter's socket with the news is the netlink socket of this process that joined groups. */
static int find_news_socket(void) {
        for (int fd = 3; fd < 100; fd++) {
                struct sockaddr_nl name = { 0 };
                socklen_t length = sizeof(name);

                if (getsockname(fd, (struct sockaddr *) &name, &length) == 0 &&
                    name.nl_family == AF_NETLINK && name.nl_groups != 0)
                        return fd;
        }
        g_assert_not_reached();
}

/* As the conductor does: a new snapshot at once. What happens right after it must come as news. */
static void dump_and_add_link(BwNetlinkWorld *world) {
        bw_netlink_world_dump(world);
        if (world->overruns == 1)
                bw_test_run("ip link add late type veth peer name later");
}

static void run_batch(const char *commands) {
        g_autoptr(GError) error = NULL;

        g_file_set_contents("/run/batch", commands, -1, &error);
        g_assert_no_error(error);
        bw_test_run("ip -batch /run/batch");
}

static void add_pairs(void) {
        g_autoptr(GString) batch = g_string_new(NULL);

        for (unsigned i = 0; i < 100; i++)
                g_string_append_printf(batch, "link add p%u type veth peer name q%u\n", i, i);
        run_batch(batch->str);
}

static void del_pairs(void) {
        g_autoptr(GString) batch = g_string_new(NULL);

        for (unsigned i = 0; i < 100; i++)
                g_string_append_printf(batch, "link del p%u\n", i);
        run_batch(batch->str);
}

static void test_overrun(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        const int tiny = 4096;

        world->on_overrun = dump_and_add_link;
        g_assert_cmpint(setsockopt(find_news_socket(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)),
                        ==, 0);
        add_pairs();
        WAIT_FOR(world->overruns == 1);
        WAIT_FOR(bw_netlink_world_find(world, "link %u", if_nametoindex("late")) &&
                 bw_netlink_world_find(world, "link %u", if_nametoindex("later")));
        g_assert_cmpuint(world->overruns, ==, 1);
        g_assert_cmpuint(world->snapshots, ==, 2);
        g_assert_true(says(bw_netlink_world_find(world, "link %u", if_nametoindex("q99")), "q99 "));
        bw_netlink_world_check_fresh(world);

        bw_netlink_world_close(world);
        del_pairs();
        bw_test_run("ip link del late");
}

/* What changes under a dump makes it worthless, and the caller hears so. */
static void test_torn_dump(void) {
        BwNetlinkWorld *world = bw_netlink_world_open();
        g_autoptr(GError) error = NULL;

        add_pairs();
        bw_netlink_world_settle();
        world->tear = true;
        g_assert_false(bw_netlink_dump(world->netlink, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_STALE);
        g_assert_cmpuint(world->snapshots, ==, 1);
        g_assert_false(world->tear);

        bw_netlink_world_dump(world);
        g_assert_cmpuint(world->snapshots, ==, 2);
        g_assert_nonnull(bw_netlink_world_find(world, "link %u", if_nametoindex("late")));
        bw_netlink_world_check_fresh(world);
        g_assert_cmpuint(world->overruns, ==, 0);
        bw_netlink_world_close(world);
        del_pairs();
        bw_test_run("ip link del late");
}

static void add_tests(void) {
        g_test_add_func("/netlink/news-end-where-dump-ends", test_news_end_where_dump_ends);
        g_test_add_func("/netlink/overrun", test_overrun);
        g_test_add_func("/netlink/torn-dump", test_torn_dump);
}

int main(int argc, char **argv) {
        return bw_netlink_world_run_tests(argc, argv, add_tests);
}
