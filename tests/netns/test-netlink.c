/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rtnetlink adapter against a real kernel, in a network namespace of its own. Links are made
 * with ip(8) and bridge(8) of iproute2.
 */

#include <bw/error.h>
#include <bw/netlink_decode.h>
#include <command.h>
#include <glib.h>
#include <linux/if_addr.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netns.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the facts add up to: an object's key and what was last said of it, both as text. */
typedef struct World {
        BwNetlink *netlink;
        GHashTable *known;
        GHashTable *coming; /* the snapshot that has begun and not ended */
        unsigned overruns, snapshots;
        void (*on_overrun)(struct World *world);
        bool tear; /* change the world in the middle of the next dump */
} World;

static char *key_of(const BwFact *fact) {
        char mac[BW_MAC_TEXT_SIZE];
        g_autofree char *address = NULL;

        switch (fact->kind) {
        case BW_FACT_LINK:
        case BW_FACT_LINK_GONE:
                return g_strdup_printf("link %d", fact->link.ifindex);
        case BW_FACT_FDB:
        case BW_FACT_FDB_GONE:
                return g_strdup_printf("fdb %d %s %u", fact->fdb.bridge,
                                       bw_mac_print(&fact->fdb.mac, mac), fact->fdb.vlan);
        case BW_FACT_NEIGHBOUR:
        case BW_FACT_NEIGHBOUR_GONE:
                address = bw_prefix_print(&fact->neighbour.address);
                return g_strdup_printf("neighbour %d %s", fact->neighbour.ifindex, address);
        case BW_FACT_ADDRESS:
        case BW_FACT_ADDRESS_GONE:
                address = bw_prefix_print(&fact->address.address);
                return g_strdup_printf("address %d %s/%u", fact->address.ifindex, address,
                                       fact->address.prefix_length);
        case BW_FACT_SNAPSHOT_BEGIN:
        case BW_FACT_SNAPSHOT_END:
        case BW_FACT_OVERRUN:
        case BW_FACT_GUEST:
        case BW_FACT_GUEST_GONE:
        case BW_FACT_GUEST_SEEN:
        case BW_FACT_CONNECTED:
        case BW_FACT_DISCONNECTED:
                break;
        }
        g_assert_not_reached();
}

static char *value_of(const BwFact *fact) {
        const BwLink *link = &fact->link;
        char mac[BW_MAC_TEXT_SIZE];

        if (fact->kind == BW_FACT_LINK)
                return g_strdup_printf("%s %s kind %d master %d peer %d%s%s%s nf %d ageing %u",
                                       link->name, bw_mac_print(&link->mac, mac), link->kind,
                                       link->master, link->peer, link->up ? " up" : "",
                                       link->promiscuous ? " promisc" : "",
                                       link->stp_state == BW_STP_FORWARDING ? " forwarding" : "",
                                       link->switches & 1, link->ageing_centiseconds);
        if (fact->kind == BW_FACT_FDB)
                return g_strdup_printf("port %d%s", fact->fdb.port,
                                       fact->fdb.local ? " local" : "");
        if (fact->kind == BW_FACT_ADDRESS)
                return g_strdup("own");
        return g_strdup(bw_mac_print(&fact->neighbour.mac, mac));
}

static GHashTable *new_table(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void take_object(World *world, const BwFact *fact) {
        GHashTable *table = world->coming ? world->coming : world->known;
        g_autofree char *key = key_of(fact);

        if (world->coming && world->tear) {
                world->tear = false;
                bw_test_run("ip link add late type veth peer name later");
        }
        if (fact->kind == BW_FACT_LINK || fact->kind == BW_FACT_FDB ||
            fact->kind == BW_FACT_NEIGHBOUR || fact->kind == BW_FACT_ADDRESS) {
                g_hash_table_replace(table, g_steal_pointer(&key), value_of(fact));
                return;
        }
        /* A snapshot names what is, not what is not. */
        g_assert_null(world->coming);
        g_hash_table_remove(table, key);
}

static void on_fact(const BwFact *fact, gpointer user) {
        World *world = user;

        switch (fact->kind) {
        case BW_FACT_SNAPSHOT_BEGIN:
                g_assert_cmpint(fact->source, ==, BW_SOURCE_NETLINK);
                g_clear_pointer(&world->coming, g_hash_table_unref);
                world->coming = new_table();
                return;
        case BW_FACT_SNAPSHOT_END:
                g_assert_cmpint(fact->source, ==, BW_SOURCE_NETLINK);
                g_assert_nonnull(world->coming);
                g_hash_table_unref(world->known);
                world->known = g_steal_pointer(&world->coming);
                world->snapshots++;
                return;
        case BW_FACT_OVERRUN:
                g_assert_cmpint(fact->source, ==, BW_SOURCE_NETLINK);
                world->overruns++;
                if (world->on_overrun)
                        world->on_overrun(world);
                return;
        case BW_FACT_LINK:
        case BW_FACT_LINK_GONE:
        case BW_FACT_FDB:
        case BW_FACT_FDB_GONE:
        case BW_FACT_NEIGHBOUR:
        case BW_FACT_NEIGHBOUR_GONE:
        case BW_FACT_ADDRESS:
        case BW_FACT_ADDRESS_GONE:
                take_object(world, fact);
                return;
        case BW_FACT_GUEST:
        case BW_FACT_GUEST_GONE:
        case BW_FACT_GUEST_SEEN:
        case BW_FACT_CONNECTED:
        case BW_FACT_DISCONNECTED:
                g_assert_not_reached();
        }
}

static void dump(World *world) {
        g_autoptr(GError) error = NULL;

        /* A torn dump is for the caller to repeat; here nobody changes anything meanwhile. */
        g_assert_true(bw_netlink_dump(world->netlink, &error));
        g_assert_no_error(error);
}

static World *open_world(void) {
        World *world = g_new0(World, 1);
        g_autoptr(GError) error = NULL;

        world->known = new_table();
        world->netlink = bw_netlink_new(on_fact, world, &error);
        g_assert_no_error(error);
        dump(world);
        return world;
}

static void close_world(World *world) {
        bw_netlink_free(world->netlink);
        g_hash_table_unref(world->known);
        g_free(world);
}

static const char *find(const World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
static const char *find(const World *world, const char *format, ...) {
        g_autofree char *key = NULL;
        va_list list;

        va_start(list, format);
        key = g_strdup_vprintf(format, list);
        va_end(list);
        return g_hash_table_lookup(world->known, key);
}

static bool says(const char *value, const char *words) {
        return value && strstr(value, words);
}

static void turn(void) {
        if (!g_main_context_iteration(NULL, FALSE))
                g_usleep(1000);
}

#define WAIT_FOR(condition)                                                                        \
        do {                                                                                       \
                int64_t end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;                        \
                while (!(condition) && g_get_monotonic_time() < end)                               \
                        turn();                                                                    \
                g_assert_true(condition);                                                          \
        } while (0)

/* Until nothing has come for a while: for what must not come. */
static void settle(void) {
        for (unsigned idle = 0; idle < 200; idle++) {
                if (g_main_context_iteration(NULL, FALSE))
                        idle = 0;
                g_usleep(1000);
        }
}

static void run_batch(const char *commands) {
        g_autoptr(GError) error = NULL;

        g_file_set_contents("/run/batch", commands, -1, &error);
        g_assert_no_error(error);
        bw_test_run("ip -batch /run/batch");
}

/* Links */

static void test_bridge(void) {
        World *world = open_world();
        unsigned bridge;

        bw_test_run("ip link add br0 address 02:00:00:00:00:01 type bridge ageing_time 12300");
        bridge = if_nametoindex("br0");
        WAIT_FOR(says(find(world, "link %u", bridge),
                      "br0 02:00:00:00:00:01 kind 1 master 0 peer 0 nf 0 ageing 12300"));
        bw_test_run("ip link set br0 up");
        WAIT_FOR(says(find(world, "link %u", bridge), " up "));
        bw_test_run("ip link set br0 promisc on");
        WAIT_FOR(says(find(world, "link %u", bridge), " promisc "));
        bw_test_run("ip link set br0 type bridge nf_call_iptables 1 ageing_time 0");
        WAIT_FOR(says(find(world, "link %u", bridge), " nf 1 ageing 0"));
        bw_test_run("ip link set br0 down");
        WAIT_FOR(!says(find(world, "link %u", bridge), " up "));
        bw_test_run("ip link del br0");
        WAIT_FOR(!find(world, "link %u", bridge));
        close_world(world);
}

static void test_port_moves(void) {
        World *world = open_world();
        g_autofree char *in_br1 = NULL, *in_br2 = NULL, *peer = NULL, *back = NULL;
        unsigned port, other;

        bw_test_run("ip link add br1 type bridge");
        bw_test_run("ip link add br2 type bridge");
        bw_test_run("ip link add p1 type veth peer name q1");
        port = if_nametoindex("p1");
        other = if_nametoindex("q1");
        peer = g_strdup_printf("kind 3 master 0 peer %u", other);
        WAIT_FOR(says(find(world, "link %u", port), peer));
        /* Of the end that is made first the kernel says only that it has no other end. */
        back = g_strdup_printf("kind 3 master 0 peer %u", port);
        WAIT_FOR(says(find(world, "link %u", other), back));

        in_br1 = g_strdup_printf(" master %u ", if_nametoindex("br1"));
        in_br2 = g_strdup_printf(" master %u ", if_nametoindex("br2"));
        bw_test_run("ip link set p1 master br1 up");
        WAIT_FOR(says(find(world, "link %u", port), in_br1));
        WAIT_FOR(says(find(world, "link %u", port), " up "));
        bw_test_run("ip link set p1 master br2");
        WAIT_FOR(says(find(world, "link %u", port), in_br2));
        /* Leaving the bridge is not leaving the world. */
        bw_test_run("ip link set p1 nomaster");
        WAIT_FOR(says(find(world, "link %u", port), " master 0 "));
        settle();
        g_assert_nonnull(find(world, "link %u", port));

        bw_test_run("ip link set p1 master br1");
        WAIT_FOR(says(find(world, "link %u", port), in_br1));
        bw_test_run("ip link del br1");
        WAIT_FOR(says(find(world, "link %u", port), " master 0 "));
        bw_test_run("ip link del p1");
        WAIT_FOR(!find(world, "link %u", port) && !find(world, "link %u", other));
        bw_test_run("ip link del br2");
        close_world(world);
}

static void test_names_of_any_bytes(void) {
        static const char *const names[] = { "\xff\xfe$(id)\"';", "123456789012345", "*",
                                             "\x01\x1b[2J", "\\n&|<>[]{}" };
        World *world = open_world();
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
                WAIT_FOR(says(find(world, "link %u", port), names[i]));
        }
        bw_test_run("ip link del q1");
        WAIT_FOR(!find(world, "link %u", port));
        close_world(world);
}

static void test_tap(void) {
        World *world;

        if (access("/dev/net/tun", R_OK | W_OK) < 0) {
                g_test_skip("/dev/net/tun may not be opened");
                return;
        }
        world = open_world();
        bw_test_run("ip tuntap add dev tap7 mode tap");
        WAIT_FOR(says(find(world, "link %u", if_nametoindex("tap7")), " kind 2 "));
        bw_test_run("ip link del tap7");
        close_world(world);
}

/* An index that counts in another namespace must not be taken for a link of ours. */
static void test_peer_elsewhere(void) {
        World *world = open_world();
        unsigned port;

        bw_test_run("ip netns add elsewhere");
        bw_test_run("ip link add p1 type veth peer name q1 netns elsewhere");
        port = if_nametoindex("p1");
        bw_test_run("ip link set p1 up");
        WAIT_FOR(says(find(world, "link %u", port), " up "));
        g_assert_true(says(find(world, "link %u", port), " kind 3 master 0 peer 0 "));
        /* What leaves for another namespace is gone here. */
        bw_test_run("ip link add p2 type veth peer name q2");
        port = if_nametoindex("q2");
        WAIT_FOR(find(world, "link %u", port));
        bw_test_run("ip link set q2 netns elsewhere");
        WAIT_FOR(!find(world, "link %u", port));
        bw_test_run("ip link del p1");
        bw_test_run("ip link del p2");
        bw_test_run("ip netns del elsewhere");
        close_world(world);
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
        World *world = open_world();
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
        WAIT_FOR(says(find(world, "link %u", if_nametoindex("p1")), " forwarding"));
        WAIT_FOR(says(find(world, "link %u", if_nametoindex("p2")), " forwarding"));
        /* Learned from a frame, then stolen by another port. */
        send_frame("q1", "52:54:00:00:00:99");
        WAIT_FOR(g_strcmp0(find(world, "%s", learned), at_p1) == 0);
        send_frame("q2", "52:54:00:00:00:99");
        WAIT_FOR(g_strcmp0(find(world, "%s", learned), at_p2) == 0);
        bw_test_run("bridge fdb del 52:54:00:00:00:99 dev p2 master");
        WAIT_FOR(!find(world, "%s", learned));

        bw_test_run("bridge fdb add 52:54:00:00:00:98 dev p1 master static");
        WAIT_FOR(g_strcmp0(find(world, "fdb %u 52:54:00:00:00:98 0", bridge), at_p1) == 0);
        bw_test_run("bridge fdb add 52:54:00:00:00:97 dev p1 master permanent");
        WAIT_FOR(says(find(world, "fdb %u 52:54:00:00:00:97 0", bridge), " local"));
        /* A device's own filter forwards nothing. */
        bw_test_run("bridge fdb add 52:54:00:00:00:95 dev p1 self");
        settle();
        g_assert_null(find(world, "fdb %u 52:54:00:00:00:95 0", bridge));
        g_assert_null(find(world, "fdb 0 52:54:00:00:00:95 0"));

        bw_test_run("ip link del p1");
        WAIT_FOR(!find(world, "fdb %u 52:54:00:00:00:98 0", bridge));
        bw_test_run("ip link del p2");
        bw_test_run("ip link del br0");
        close_world(world);
}

static void test_neighbours(void) {
        World *world = open_world();
        unsigned port;

        bw_test_run("ip link add p1 type veth peer name q1");
        bw_test_run("ip link set p1 up");
        bw_test_run("ip link set q1 up");
        port = if_nametoindex("p1");
        bw_test_run("ip neigh add 192.0.2.7 lladdr 52:54:00:00:00:07 dev p1 nud permanent");
        WAIT_FOR(g_strcmp0(find(world, "neighbour %u 192.0.2.7", port), "52:54:00:00:00:07") == 0);
        bw_test_run("ip neigh change 192.0.2.7 lladdr 52:54:00:00:00:08 dev p1 nud stale");
        WAIT_FOR(g_strcmp0(find(world, "neighbour %u 192.0.2.7", port), "52:54:00:00:00:08") == 0);
        bw_test_run("ip neigh change 192.0.2.7 dev p1 nud failed");
        WAIT_FOR(!find(world, "neighbour %u 192.0.2.7", port));
        bw_test_run("ip neigh add 2001:db8::7 lladdr 52:54:00:00:00:07 dev p1 nud reachable");
        WAIT_FOR(g_strcmp0(find(world, "neighbour %u 2001:db8::7", port), "52:54:00:00:00:07") ==
                 0);
        bw_test_run("ip neigh del 2001:db8::7 dev p1");
        WAIT_FOR(!find(world, "neighbour %u 2001:db8::7", port));
        bw_test_run("ip neigh add 192.0.2.9 lladdr 52:54:00:00:00:09 dev p1 nud noarp");
        settle();
        g_assert_null(find(world, "neighbour %u 192.0.2.9", port));
        bw_test_run("ip link del p1");
        close_world(world);
}

/* One world, two ways to learn it */

static void check_holds(const World *world, const World *other) {
        GHashTableIter iter;
        gpointer key, value;

        g_hash_table_iter_init(&iter, other->known);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
                const char *found = find(world, "%s", (const char *) key);

                if (g_strcmp0(found, value) != 0)
                        g_test_message("%s: %s, not %s", (const char *) key, found,
                                       (const char *) value);
                g_assert_cmpstr(found, ==, value);
        }
}

static void check_same_as_fresh(World *world) {
        World *fresh = open_world();

        settle();
        check_holds(world, fresh);
        check_holds(fresh, world);
        close_world(fresh);
}

/* The host's own addresses */

static void test_addresses(void) {
        World *world = open_world();
        unsigned port;

        bw_test_run("ip link add p1 type veth peer name q1");
        port = if_nametoindex("p1");
        bw_test_run("ip addr add 192.0.2.7/24 dev p1");
        bw_test_run("ip addr add 192.0.2.7/16 dev p1");
        bw_test_run("ip addr add 192.0.2.7 peer 198.51.100.1/24 dev p1");
        bw_test_run("ip addr add 2001:db8::7/64 nodad dev p1");
        WAIT_FOR(find(world, "address %u 192.0.2.7/24", port));
        WAIT_FOR(find(world, "address %u 192.0.2.7/16", port));
        /* The peer's network is not the host's. */
        WAIT_FOR(find(world, "address %u 192.0.2.7/32", port));
        WAIT_FOR(find(world, "address %u 2001:db8::7/64", port));
        check_same_as_fresh(world);

        bw_test_run("ip addr del 192.0.2.7/24 dev p1");
        WAIT_FOR(!find(world, "address %u 192.0.2.7/24", port));
        bw_test_run("ip addr del 2001:db8::7/64 dev p1");
        WAIT_FOR(!find(world, "address %u 2001:db8::7/64", port));
        g_assert_nonnull(find(world, "address %u 192.0.2.7/16", port));
        g_assert_nonnull(find(world, "address %u 192.0.2.7/32", port));
        check_same_as_fresh(world);
        bw_test_run("ip link del p1");
        WAIT_FOR(!find(world, "address %u 192.0.2.7/16", port));
        WAIT_FOR(!find(world, "address %u 192.0.2.7/32", port));
        close_world(world);
}

static void test_news_end_where_dump_ends(void) {
        World *world = open_world();

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
        settle();
        g_assert_cmpuint(g_hash_table_size(world->known), >, 12);
        check_same_as_fresh(world);

        /* And a snapshot over what is known changes nothing. */
        dump(world);
        g_assert_cmpuint(world->snapshots, ==, 2);
        check_same_as_fresh(world);
        for (unsigned i = 0; i < 5; i++) {
                g_autofree char *del = g_strdup_printf("ip link del q%u", i);

                if (i != 2)
                        bw_test_run("%s", del);
        }
        bw_test_run("ip link del br0");
        close_world(world);
}

/* Lost news */

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
static void dump_and_add_link(World *world) {
        dump(world);
        if (world->overruns == 1)
                bw_test_run("ip link add late type veth peer name later");
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
        World *world = open_world();
        const int tiny = 4096;

        world->on_overrun = dump_and_add_link;
        g_assert_cmpint(setsockopt(find_news_socket(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)),
                        ==, 0);
        add_pairs();
        WAIT_FOR(world->overruns == 1);
        WAIT_FOR(find(world, "link %u", if_nametoindex("late")) &&
                 find(world, "link %u", if_nametoindex("later")));
        g_assert_cmpuint(world->overruns, ==, 1);
        g_assert_cmpuint(world->snapshots, ==, 2);
        g_assert_true(says(find(world, "link %u", if_nametoindex("q99")), "q99 "));
        check_same_as_fresh(world);

        close_world(world);
        del_pairs();
        bw_test_run("ip link del late");
}

/* What changes under a dump makes it worthless, and the caller hears so. */
static void test_torn_dump(void) {
        World *world = open_world();
        g_autoptr(GError) error = NULL;

        add_pairs();
        settle();
        world->tear = true;
        g_assert_false(bw_netlink_dump(world->netlink, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_STALE);
        g_assert_cmpuint(world->snapshots, ==, 1);
        g_assert_false(world->tear);

        dump(world);
        g_assert_cmpuint(world->snapshots, ==, 2);
        g_assert_nonnull(find(world, "link %u", if_nametoindex("late")));
        check_same_as_fresh(world);
        g_assert_cmpuint(world->overruns, ==, 0);
        close_world(world);
        del_pairs();
        bw_test_run("ip link del late");
}

/* The wish */

static void test_set_nf_call(void) {
        World *world = open_world();
        g_autoptr(GError) error = NULL;
        unsigned bridge;

        bw_test_run("ip link add br0 type bridge");
        bridge = if_nametoindex("br0");
        WAIT_FOR(says(find(world, "link %u", bridge), " nf 0 "));

        /* A bridge that is down makes no news of its own; an up one does. */
        g_assert_true(bw_netlink_set_switch(world->netlink, bridge, BW_SWITCH_NF_CALL_IPTABLES,
                                            true, &error));
        g_assert_no_error(error);
        WAIT_FOR(says(find(world, "link %u", bridge), " nf 1 "));
        bw_test_run("ip link set br0 up");
        g_assert_true(bw_netlink_set_switch(world->netlink, bridge, BW_SWITCH_NF_CALL_IPTABLES,
                                            false, &error));
        g_assert_no_error(error);
        WAIT_FOR(says(find(world, "link %u", bridge), " up ") &&
                 says(find(world, "link %u", bridge), " nf 0 "));

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
        WAIT_FOR(!find(world, "link %u", bridge));
        close_world(world);
}

static void test_denied(void) {
        g_autoptr(GError) error = NULL;
        World *world;
        unsigned bridge;

        bw_test_run("ip link add br0 type bridge");
        bridge = if_nametoindex("br0");
        bw_test_set_net_admin(false);
        /* Looking on needs no right. */
        world = open_world();
        g_assert_true(says(find(world, "link %u", bridge), "br0 "));
        g_assert_false(bw_netlink_set_switch(world->netlink, bridge, BW_SWITCH_NF_CALL_IPTABLES,
                                             true, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_DENIED);
        bw_test_set_net_admin(true);
        bw_test_run("ip link del br0");
        close_world(world);
}

/* Messages this machine's kernel may not be able to make */

typedef struct nl_msg Message;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, nlmsg_free)

static Message *new_link_message(int type, uint8_t family) {
        const struct ifinfomsg header = { .ifi_family = family,
                                          .ifi_index = 7,
                                          .ifi_flags = IFF_UP };
        Message *message = nlmsg_alloc_simple(type, 0);

        g_assert_cmpint(nlmsg_append(message, (void *) &header, sizeof(header), NLMSG_ALIGNTO), ==,
                        0);
        g_assert_cmpint(nla_put_string(message, IFLA_IFNAME, "eth7"), ==, 0);
        g_assert_cmpint(nla_put_u32(message, IFLA_MASTER, 5), ==, 0);
        return message;
}

static void put_kinds(Message *message, const char *kind, const char *slave_kind) {
        struct nlattr *more = nla_nest_start(message, IFLA_LINKINFO);

        g_assert_cmpint(nla_put_string(message, IFLA_INFO_KIND, kind), ==, 0);
        g_assert_cmpint(nla_put_string(message, IFLA_INFO_SLAVE_KIND, slave_kind), ==, 0);
        nla_nest_end(message, more);
}

static bool decode(Message *message, BwFact *ret) {
        struct nlmsghdr *header = nlmsg_hdr(message);

        return bw_netlink_decode(header, header->nlmsg_len, ret);
}

static void test_decode_masters(void) {
        static const struct {
                const char *slave_kind;
                int master;
        } rows[] = { { "bridge", 5 },  { "bond", 0 },  { "vrf", 0 },
                     { "bridge2", 0 }, { "bridg", 0 }, { "", 0 } };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Message) message = new_link_message(RTM_NEWLINK, AF_UNSPEC);
                BwFact fact;

                put_kinds(message, "tun", rows[i].slave_kind);
                g_assert_true(decode(message, &fact));
                g_assert_cmpint(fact.kind, ==, BW_FACT_LINK);
                g_assert_cmpint(fact.link.kind, ==, BW_LINK_TAP);
                g_assert_cmpint(fact.link.master, ==, rows[i].master);
        }
}

static void test_decode_families(void) {
        g_autoptr(Message) plain = new_link_message(RTM_DELLINK, AF_UNSPEC);
        g_autoptr(Message) left = new_link_message(RTM_DELLINK, AF_BRIDGE);
        g_autoptr(Message) port = new_link_message(RTM_NEWLINK, AF_BRIDGE);
        BwFact fact;

        g_assert_true(decode(plain, &fact));
        g_assert_cmpint(fact.kind, ==, BW_FACT_LINK_GONE);
        g_assert_cmpint(fact.link.ifindex, ==, 7);
        g_assert_false(decode(left, &fact));
        g_assert_false(decode(port, &fact));
}

static Message *new_fdb_message(uint8_t flags, uint16_t vlan) {
        const struct ndmsg header = { .ndm_family = AF_BRIDGE,
                                      .ndm_ifindex = 7,
                                      .ndm_flags = flags };
        const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
        Message *message = nlmsg_alloc_simple(RTM_NEWNEIGH, 0);

        g_assert_cmpint(nlmsg_append(message, (void *) &header, sizeof(header), NLMSG_ALIGNTO), ==,
                        0);
        g_assert_cmpint(nla_put(message, NDA_LLADDR, sizeof(mac), mac), ==, 0);
        g_assert_cmpint(nla_put_u32(message, NDA_MASTER, 5), ==, 0);
        if (vlan > 0)
                g_assert_cmpint(nla_put_u16(message, NDA_VLAN, vlan), ==, 0);
        return message;
}

static void test_decode_fdb(void) {
        g_autoptr(Message) plain = new_fdb_message(0, 0);
        g_autoptr(Message) tagged = new_fdb_message(NTF_EXT_LEARNED, 4094);
        g_autoptr(Message) self = new_fdb_message(NTF_SELF, 0);
        BwFact fact;

        g_assert_true(decode(plain, &fact));
        g_assert_cmpint(fact.kind, ==, BW_FACT_FDB);
        g_assert_cmpint(fact.fdb.bridge, ==, 5);
        g_assert_cmpint(fact.fdb.port, ==, 7);
        g_assert_cmpuint(fact.fdb.vlan, ==, 0);
        g_assert_true(decode(tagged, &fact));
        g_assert_cmpuint(fact.fdb.vlan, ==, 4094);
        /* A bridge device that is itself a port would name its master here too. */
        g_assert_false(decode(self, &fact));
}

/* A message cut anywhere, whatever its header claims, is never read beyond its end; ASan watches.
 */
static void test_decode_cut(void) {
        g_autoptr(Message) message = new_link_message(RTM_NEWLINK, AF_UNSPEC);
        struct nlmsghdr *header = nlmsg_hdr(message);
        unsigned decoded = 0;

        put_kinds(message, "bridge", "bridge");
        for (uint32_t length = 0; length < header->nlmsg_len; length++) {
                g_autofree struct nlmsghdr *copy = g_memdup2(header, length);
                BwFact fact;

                g_assert_false(bw_netlink_decode(copy, length, &fact));
                if (length < sizeof(*copy))
                        continue;
                copy->nlmsg_len = length;
                decoded += bw_netlink_decode(copy, length, &fact);
        }
        /* The name stands first: with it, what is left is a link. */
        g_assert_cmpuint(decoded, >, 0);
}

typedef struct AddressRow {
        uint8_t family, prefix_length;
        unsigned ifindex;
        uint8_t local_size, address_size; /* bytes of each attribute; 0: none */
        uint8_t address_last;             /* the last octet of IFA_ADDRESS; IFA_LOCAL's is 7 */
        const char *wanted;               /* NULL: no fact */
} AddressRow;

static void put_address(Message *message, int type, uint8_t size, uint8_t last) {
        uint8_t bytes[32] = { 192, 0, 2, 7 };

        if (size == 0)
                return;
        if (size > 4)
                memcpy(bytes, (uint8_t[4]){ 0x20, 0x01 }, 4);
        bytes[size - 1] = last;
        g_assert_cmpint(nla_put(message, type, size, bytes), ==, 0);
}

static Message *new_address_message(int type, const AddressRow *row) {
        const struct ifaddrmsg header = { .ifa_family = row->family,
                                          .ifa_prefixlen = row->prefix_length,
                                          .ifa_index = row->ifindex };
        Message *message = nlmsg_alloc_simple(type, 0);

        g_assert_cmpint(nlmsg_append(message, (void *) &header, sizeof(header), NLMSG_ALIGNTO), ==,
                        0);
        put_address(message, IFA_ADDRESS, row->address_size, row->address_last);
        put_address(message, IFA_LOCAL, row->local_size, 7);
        return message;
}

static char *print_host_address(const BwHostAddress *address) {
        g_autofree char *text = bw_prefix_print(&address->address);

        return g_strdup_printf("%d %s/%u", address->ifindex, text, address->prefix_length);
}

static void check_address(const AddressRow *row, int type, BwFactKind kind) {
        g_autoptr(Message) message = new_address_message(type, row);
        g_autofree char *text = NULL;
        BwFact fact;

        if (!row->wanted) {
                g_assert_false(decode(message, &fact));
                return;
        }
        g_assert_true(decode(message, &fact));
        g_assert_cmpint(fact.kind, ==, kind);
        text = print_host_address(&fact.address);
        g_assert_cmpstr(text, ==, row->wanted);
}

static void test_decode_addresses(void) {
        static const AddressRow rows[] = {
                { AF_INET, 24, 7, 4, 4, 7, "7 192.0.2.7/24" },
                { AF_INET, 24, 7, 4, 0, 7, "7 192.0.2.7/24" },
                { AF_INET, 24, 7, 0, 4, 9, "7 192.0.2.9/24" },
                { AF_INET, 24, 7, 4, 4, 9, "7 192.0.2.7/32" }, /* 9 is a peer */
                { AF_INET, 0, 7, 4, 4, 7, "7 192.0.2.7/0" },
                { AF_INET, 32, 7, 4, 4, 7, "7 192.0.2.7/32" },
                { AF_INET, 33, 7, 4, 4, 7, NULL },
                { AF_INET, 255, 7, 4, 4, 9, NULL },
                { AF_INET, 24, 0, 4, 4, 7, NULL },
                { AF_INET, 24, 0x80000000, 4, 4, 7, NULL },
                { AF_INET, 24, 7, 0, 0, 7, NULL },
                { AF_INET, 24, 7, 3, 4, 7, NULL },
                { AF_INET, 24, 7, 16, 4, 7, NULL },
                { AF_INET, 24, 7, 0, 5, 7, NULL },
                { AF_INET, 24, 7, 4, 3, 7, "7 192.0.2.7/32" },
                { AF_INET6, 64, 7, 0, 16, 7, "7 2001::7/64" },
                { AF_INET6, 64, 7, 16, 16, 9, "7 2001::7/128" },
                { AF_INET6, 128, 7, 0, 16, 7, "7 2001::7/128" },
                { AF_INET6, 129, 7, 0, 16, 7, NULL },
                { AF_INET6, 64, 7, 0, 4, 7, NULL },
                { AF_UNSPEC, 24, 7, 4, 4, 7, NULL },
                { AF_BRIDGE, 24, 7, 4, 4, 7, NULL },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                check_address(&rows[i], RTM_NEWADDR, BW_FACT_ADDRESS);
                check_address(&rows[i], RTM_DELADDR, BW_FACT_ADDRESS_GONE);
        }
}

/* A dump names what is still being probed for; that it is ours then comes as news. */
static void test_decode_tentative_address(void) {
        const AddressRow row = { AF_INET6, 64, 7, 0, 16, 7, NULL };
        g_autoptr(Message) by_header = new_address_message(RTM_NEWADDR, &row);
        g_autoptr(Message) by_attribute = new_address_message(RTM_NEWADDR, &row);
        g_autoptr(Message) gone = new_address_message(RTM_DELADDR, &row);
        BwFact fact;

        g_assert_true(decode(by_header, &fact));
        ((struct ifaddrmsg *) nlmsg_data(nlmsg_hdr(by_header)))->ifa_flags = IFA_F_TENTATIVE;
        g_assert_false(decode(by_header, &fact));
        nla_put_u32(by_attribute, IFA_FLAGS, IFA_F_TENTATIVE | IFA_F_DADFAILED);
        g_assert_false(decode(by_attribute, &fact));
        ((struct ifaddrmsg *) nlmsg_data(nlmsg_hdr(gone)))->ifa_flags = IFA_F_TENTATIVE;
        g_assert_true(decode(gone, &fact));
}

static void test_decode_address_cut(void) {
        const AddressRow row = { AF_INET, 24, 7, 4, 4, 7, NULL };
        g_autoptr(Message) message = new_address_message(RTM_NEWADDR, &row);
        struct nlmsghdr *header = nlmsg_hdr(message);
        unsigned decoded = 0;

        for (uint32_t length = 0; length < header->nlmsg_len; length++) {
                g_autofree struct nlmsghdr *copy = g_memdup2(header, length);
                BwFact fact;

                g_assert_false(bw_netlink_decode(copy, length, &fact));
                if (length < sizeof(*copy))
                        continue;
                copy->nlmsg_len = length;
                decoded += bw_netlink_decode(copy, length, &fact);
        }
        /* Either attribute is enough. */
        g_assert_cmpuint(decoded, >, 0);
}

static bool is_possible(void) {
        g_autofree char *ip = g_find_program_in_path("ip");
        g_autofree char *bridge = g_find_program_in_path("bridge");

        if (!ip || !bridge)
                g_print("1..0 # SKIP ip and bridge of iproute2 are needed\n");
        else if (!bw_test_enter_netns())
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
        else
                return true;
        return false;
}

int main(int argc, char **argv) {
        if (!is_possible())
                return 0;
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/netlink/bridge", test_bridge);
        g_test_add_func("/netlink/port-moves", test_port_moves);
        g_test_add_func("/netlink/names-of-any-bytes", test_names_of_any_bytes);
        g_test_add_func("/netlink/tap", test_tap);
        g_test_add_func("/netlink/peer-elsewhere", test_peer_elsewhere);
        g_test_add_func("/netlink/fdb", test_fdb);
        g_test_add_func("/netlink/neighbours", test_neighbours);
        g_test_add_func("/netlink/addresses", test_addresses);
        g_test_add_func("/netlink/news-end-where-dump-ends", test_news_end_where_dump_ends);
        g_test_add_func("/netlink/overrun", test_overrun);
        g_test_add_func("/netlink/torn-dump", test_torn_dump);
        g_test_add_func("/netlink/set-nf-call", test_set_nf_call);
        g_test_add_func("/netlink/denied", test_denied);
        g_test_add_func("/netlink/decode-masters", test_decode_masters);
        g_test_add_func("/netlink/decode-families", test_decode_families);
        g_test_add_func("/netlink/decode-fdb", test_decode_fdb);
        g_test_add_func("/netlink/decode-cut", test_decode_cut);
        g_test_add_func("/netlink/decode-addresses", test_decode_addresses);
        g_test_add_func("/netlink/decode-tentative-address", test_decode_tentative_address);
        g_test_add_func("/netlink/decode-address-cut", test_decode_address_cut);
        return g_test_run();
}
