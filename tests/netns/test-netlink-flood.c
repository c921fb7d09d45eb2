/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A guest that makes its bridge learn a hundred thousand addresses: what the adapter and the model
 * make of it, in a network namespace of its own. Times are printed, not judged.
 */

#include <bw/model.h>
#include <command.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink.h>
#include <netns.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE  (60 * G_USEC_PER_SEC)
#define ADDRESSES 100000

typedef struct World {
        BwNetlink *netlink;
        BwModel *model;
        unsigned fdb, links, overruns; /* facts */
        unsigned fdb_in_turn, most_in_turn;
        int64_t longest_turn_usec;
} World;

static void on_fact(const BwFact *fact, gpointer user) {
        World *world = user;

        bw_model_apply(world->model, fact, g_get_monotonic_time());
        if (fact->kind == BW_FACT_FDB || fact->kind == BW_FACT_FDB_GONE) {
                world->fdb++;
                world->fdb_in_turn++;
        }
        world->links += fact->kind == BW_FACT_LINK;
        world->overruns += fact->kind == BW_FACT_OVERRUN;
}

static void dump(World *world) {
        g_autoptr(GError) error = NULL;

        bw_netlink_dump(world->netlink, &error);
        g_assert_no_error(error);
}

static World *open_world(void) {
        World *world = g_new0(World, 1);
        g_autoptr(GError) error = NULL;

        bw_test_run("ip link add br0 type bridge; ip link add p1 type veth peer name q1");
        bw_test_run("ip link set p1 master br0");
        bw_test_run("ip link set br0 up; ip link set p1 up; ip link set q1 up");
        world->model = bw_model_new();
        world->netlink = bw_netlink_new(on_fact, world, &error);
        g_assert_no_error(error);
        dump(world);
        while (!bw_test_try("bridge link show dev p1 | grep -q 'state forwarding'"))
                g_usleep(10000);
        return world;
}

static void close_world(World *world) {
        bw_netlink_free(world->netlink);
        bw_model_free(world->model);
        bw_test_run("ip link del p1; ip link del br0");
        g_free(world);
}

/* Of this thread alone: what others of the machine do is not our turn's length. */
static int64_t read_cpu_usec(void) {
        struct timespec time;

        g_assert_cmpint(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), ==, 0);
        return (int64_t) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void turn(World *world) {
        int64_t begin = read_cpu_usec();

        world->fdb_in_turn = 0;
        if (!g_main_context_iteration(NULL, FALSE))
                g_usleep(100);
        else
                world->longest_turn_usec = MAX(world->longest_turn_usec, read_cpu_usec() - begin);
        world->most_in_turn = MAX(world->most_in_turn, world->fdb_in_turn);
}

#define WAIT_FOR(world, condition)                                                                 \
        do {                                                                                       \
                int64_t late = g_get_monotonic_time() + PATIENCE;                                  \
                while (!(condition) && g_get_monotonic_time() < late)                              \
                        turn(world);                                                               \
                g_assert_true(condition);                                                          \
        } while (0)

/* As if the port had learned them; a static entry needs no carrier. Without an answer asked for,
 * the kernel has done it when sendto() returns. */
static void add_addresses(int port, unsigned count) {
        struct {
                struct nlmsghdr header;
                struct ndmsg entry;
                struct rtattr attribute;
                uint8_t mac[8];
        } message = { .header = { .nlmsg_len = sizeof(message) - 2,
                                  .nlmsg_type = RTM_NEWNEIGH,
                                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE },
                      .entry = { .ndm_family = AF_BRIDGE,
                                 .ndm_ifindex = port,
                                 .ndm_state = NUD_REACHABLE,
                                 .ndm_flags = NTF_MASTER },
                      .attribute = { .rta_len = 10, .rta_type = NDA_LLADDR },
                      .mac = { 0x02, 0x66 } };
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

        for (uint32_t i = 0; i < count; i++) {
                uint32_t number = GUINT32_TO_BE(i);

                memcpy(message.mac + 2, &number, sizeof(number));
                g_assert_cmpint(send(fd, &message, sizeof(message), 0), ==, sizeof(message));
        }
        close(fd);
}

static pid_t start_flood(int port) {
        pid_t child = fork();

        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
                add_addresses(port, ADDRESSES);
                _exit(0);
        }
        return child;
}

/* Whether it has, and is waited for no more. */
static bool has_ended(pid_t *child) {
        if (*child != 0 && waitpid(*child, NULL, WNOHANG) == *child)
                *child = 0;
        return *child == 0;
}

static guint count_known(const World *world) {
        g_autoptr(GPtrArray) entries = bw_model_list_fdb(world->model);

        return entries->len;
}

static unsigned read_kilobytes(void) {
        g_autofree char *text = NULL;
        unsigned long pages[2] = {};

        g_assert_true(g_file_get_contents("/proc/self/statm", &text, NULL, NULL));
        g_assert_cmpint(sscanf(text, "%lu %lu", &pages[0], &pages[1]), ==, 2);
        return (unsigned) (pages[1] * (unsigned long) sysconf(_SC_PAGESIZE) / 1024);
}

/* The flood is read in small pieces, a link that is made meanwhile is not behind it, and no more is
 * kept than there is room for. */
static void test_flood(void) {
        World *world = open_world();
        int port = (int) if_nametoindex("p1");
        unsigned before = read_kilobytes(), links;
        int64_t begin = g_get_monotonic_time();
        pid_t child = start_flood(port);
        unsigned fdb;

        WAIT_FOR(world, world->fdb > 0);
        WAIT_FOR(world, has_ended(&child));
        g_test_message("%d addresses were made in %.2f s", ADDRESSES,
                       (double) (g_get_monotonic_time() - begin) / G_USEC_PER_SEC);
        links = world->links;
        fdb = world->fdb;
        bw_test_run("ip link add late type ifb");
        WAIT_FOR(world, world->links > links);
        g_test_message("%u of the news were read before that of a link, %u had been",
                       world->fdb - fdb, fdb);
        g_assert_cmpuint(world->fdb - fdb, <=, 500);
        WAIT_FOR(world, count_known(world) >= BW_MAX_FDB_ENTRIES || world->overruns > 0);
        g_assert_cmpuint(count_known(world), <=, BW_MAX_FDB_ENTRIES);
        g_assert_cmpuint(world->most_in_turn, <=, 250);
        g_test_message("longest turn %.2f ms, %u facts in one at most, %u overruns, %u kB more",
                       (double) world->longest_turn_usec / 1000, world->most_in_turn,
                       world->overruns, read_kilobytes() - before);

        begin = read_cpu_usec();
        fdb = world->fdb;
        dump(world);
        g_test_message("a dump of %u addresses takes %.2f ms", world->fdb - fdb,
                       (double) (read_cpu_usec() - begin) / 1000);
        bw_test_run("ip link del late");
        begin = g_get_monotonic_time();
        close_world(world);
        g_test_message("the bridge was gone after %.2f s",
                       (double) (g_get_monotonic_time() - begin) / G_USEC_PER_SEC);
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/netlink-flood/learned-addresses", test_flood);
        return g_test_run();
}
