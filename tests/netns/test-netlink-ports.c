/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is known of ports and of what stands behind them, against a real kernel in a network
 * namespace of its own: each change must come as news, and what has come must be what a fresh dump
 * says.
 */

#include <bw/error.h>
#include <command.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink.h>
#include <netlink_question.h>
#include <netns.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE (60 * G_USEC_PER_SEC)

typedef struct World {
        BwNetlink *netlink;
        GHashTable *links; /* ifindex -> BwLink * */
        unsigned told;     /* facts about links */
} World;

static void on_fact(const BwFact *fact, gpointer user) {
        World *world = user;

        if (fact->kind == BW_FACT_LINK_GONE)
                g_hash_table_remove(world->links, GINT_TO_POINTER(fact->link.ifindex));
        if (fact->kind == BW_FACT_LINK)
                g_hash_table_replace(world->links, GINT_TO_POINTER(fact->link.ifindex),
                                     g_memdup2(&fact->link, sizeof(fact->link)));
        world->told += fact->kind == BW_FACT_LINK || fact->kind == BW_FACT_LINK_GONE;
}

static World *open_world(void) {
        World *world = g_new0(World, 1);
        g_autoptr(GError) error = NULL;

        world->links = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        world->netlink = bw_netlink_new(on_fact, world, &error);
        g_assert_no_error(error);
        bw_netlink_dump(world->netlink, &error);
        g_assert_no_error(error);
        return world;
}

static void close_world(World *world) {
        bw_netlink_free(world->netlink);
        g_hash_table_unref(world->links);
        g_free(world);
}

/* What is known of the link that has that name now; empty when nothing is. */
static const BwLink *at(const World *world, const char *name) {
        static const BwLink none = {};
        const BwLink *link =
                g_hash_table_lookup(world->links, GINT_TO_POINTER((int) if_nametoindex(name)));

        return link ? link : &none;
}

static void turn(void) {
        if (!g_main_context_iteration(NULL, FALSE))
                g_usleep(1000);
}

#define WAIT_FOR(condition)                                                                        \
        do {                                                                                       \
                int64_t late = g_get_monotonic_time() + PATIENCE;                                  \
                while (!(condition) && g_get_monotonic_time() < late)                              \
                        turn();                                                                    \
                g_assert_true(condition);                                                          \
        } while (0)

/* Everything the kernel had to say by now is in, and what was asked then is answered: of this link
 * it speaks last. */
static void fence(const World *world) {
        int ifindex;

        bw_test_run("ip link add fence type ifb");
        WAIT_FOR(at(world, "fence")->ifindex != 0);
        ifindex = at(world, "fence")->ifindex;
        bw_test_run("ip link del fence");
        WAIT_FOR(!g_hash_table_contains(world->links, GINT_TO_POINTER(ifindex)));
}

static char *print_link(const BwLink *link) {
        return g_strdup_printf(
                "%d %s kind %d %s master %d ovs %d peer %d ns %d lower %d up %d running %d "
                "promisc %d %u xdp %d filters %d stp %d flags %x/%x bridge %d %d %x/%x %u %d",
                link->ifindex, link->name, link->kind, link->kind_name, link->master,
                link->openvswitch, link->peer, link->peer_namespace, link->lower, link->up,
                link->running, link->promiscuous, link->promiscuity, link->xdp, link->filters,
                link->stp_state, link->flags, link->flags_known, link->stp, link->vlan_filtering,
                link->switches, link->switches_known, link->ageing_centiseconds,
                link->topology_change);
}

/* (transfer full): the first link of which something else is known than what a dump says now. */
static char *find_difference(const World *world) {
        World *fresh = open_world();
        char *difference = NULL;
        GHashTableIter iter;
        const BwLink *link;

        g_hash_table_iter_init(&iter, fresh->links);
        while (!difference && g_hash_table_iter_next(&iter, NULL, (gpointer *) &link)) {
                const BwLink *known =
                        g_hash_table_lookup(world->links, GINT_TO_POINTER(link->ifindex));
                g_autofree char *is = print_link(link);
                g_autofree char *was = known ? print_link(known) : g_strdup("nothing");

                if (!g_str_equal(was, is))
                        difference = g_strdup_printf("%s, not %s", was, is);
        }
        close_world(fresh);
        return difference;
}

/* A link's carrier goes some time after its cause. */
static void check_same_as_fresh(const World *world) {
        g_autofree char *difference = find_difference(world);

        for (int64_t end = g_get_monotonic_time() + PATIENCE;
             difference && g_get_monotonic_time() < end;) {
                for (unsigned i = 0; i < 100; i++)
                        turn();
                g_free(difference);
                difference = find_difference(world);
        }
        g_assert_cmpstr(difference, ==, NULL);
}

/* br0 with the port p1, whose other end is q1; all up. */
static World *open_world_with_port(void) {
        World *world;

        bw_test_run("ip link add br0 type bridge; ip link add p1 type veth peer name q1");
        bw_test_run("ip link set p1 master br0");
        bw_test_run("ip link set br0 up; ip link set p1 up; ip link set q1 up");
        world = open_world();
        WAIT_FOR(at(world, "p1")->running && at(world, "p1")->stp_state == BW_STP_FORWARDING);
        return world;
}

static void close_world_with_port(World *world) {
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("ip link del p1; ip link del br0");
        close_world(world);
}

/* Flags */

static bool is_on(const World *world, BwPortFlag flag) {
        return at(world, "p1")->flags & BW_FLAG_BIT(flag);
}

static void check_flag(const World *world, BwPortFlag flag) {
        const char *name = bw_port_flag_name(flag);

        bw_test_run("bridge link set dev p1 %s off", name);
        WAIT_FOR(!is_on(world, flag));
        bw_test_run("bridge link set dev p1 %s on", name);
        WAIT_FOR(is_on(world, flag));
        bw_test_run("bridge link set dev p1 %s off", name);
        WAIT_FOR(!is_on(world, flag));
}

/* Linux 5.18 has them all; an older one says which it has. */
static void test_flags(void) {
        World *world = open_world_with_port();

        g_assert_cmphex(at(world, "p1")->flags_known, ==, (1u << BW_FLAG_MAX) - 1);
        g_assert_cmphex(at(world, "p1")->flags, ==,
                        BW_FLAG_BIT(BW_FLAG_LEARNING) | BW_FLAG_BIT(BW_FLAG_UNICAST_FLOOD));
        g_assert_cmphex(at(world, "q1")->flags_known, ==, 0);
        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++)
                check_flag(world, flag);
        /* By each of the other ways, too; and of a port that is down. */
        bw_test_run("ip link set p1 type bridge_slave learning on");
        WAIT_FOR(is_on(world, BW_FLAG_LEARNING));
        bw_test_run("echo 1 > /sys/class/net/p1/brport/hairpin_mode");
        WAIT_FOR(is_on(world, BW_FLAG_HAIRPIN));
        bw_test_run("ip link set p1 down");
        WAIT_FOR(!at(world, "p1")->up);
        check_flag(world, BW_FLAG_LOCKED);
        /* "ip link" keeps this to itself until the port comes up. */
        bw_test_run("ip link set p1 type bridge_slave learning off; ip link set p1 up");
        WAIT_FOR(!is_on(world, BW_FLAG_LEARNING));
        bw_test_run("ip link set p1 nomaster");
        WAIT_FOR(at(world, "p1")->master == 0 && at(world, "p1")->flags_known == 0);
        close_world_with_port(world);
}

static void test_wish_is_told(void) {
        World *world = open_world_with_port();
        g_autoptr(GError) error = NULL;

        bw_netlink_set_port_flags(world->netlink, at(world, "p1")->ifindex, BW_FLAG_LOCK,
                                  BW_FLAG_BIT(BW_FLAG_LOCKED) | BW_FLAG_BIT(BW_FLAG_BPDU_GUARD),
                                  &error);
        g_assert_no_error(error);
        WAIT_FOR((at(world, "p1")->flags & BW_FLAG_LOCK) ==
                 (BW_FLAG_BIT(BW_FLAG_LOCKED) | BW_FLAG_BIT(BW_FLAG_BPDU_GUARD)));
        bw_netlink_set_promiscuous(world->netlink, at(world, "br0")->ifindex, true, &error);
        g_assert_no_error(error);
        WAIT_FOR(at(world, "br0")->promiscuous && at(world, "br0")->promiscuity == 1);
        bw_netlink_set_stp(world->netlink, at(world, "br0")->ifindex, true, &error);
        g_assert_no_error(error);
        WAIT_FOR(at(world, "br0")->stp);
        bw_netlink_set_ageing(world->netlink, at(world, "br0")->ifindex, 12300, &error);
        g_assert_no_error(error);
        WAIT_FOR(at(world, "br0")->ageing_centiseconds == 12300);
        close_world_with_port(world);
}

/* News leads to questions, and the answers to no more of them. */
static void test_comes_to_rest(void) {
        World *world = open_world_with_port();
        unsigned told;

        for (unsigned i = 0; i < 20; i++)
                bw_test_run("bridge link set dev p1 learning %s", i % 2 ? "on" : "off");
        fence(world);
        told = world->told;
        g_assert_cmpuint(told, <, 400);
        for (unsigned i = 0; i < 500; i++)
                turn();
        g_assert_cmpuint(world->told, ==, told);
        close_world_with_port(world);
}

/* Spanning tree */

static unsigned count_state(const World *world, BwStpState state) {
        static const char *const ports[] = { "a1", "b1", "a2", "b2" };
        unsigned count = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(ports); i++)
                count += at(world, ports[i])->stp_state == state;
        return count;
}

/* Two bridges, two pairs: one end of one pair blocks, until the other pair is gone. */
static void test_stp(void) {
        World *world = open_world();

        bw_test_run("ip link add brA type bridge stp_state 1 forward_delay 200 hello_time 100 "
                    "max_age 600");
        bw_test_run("ip link add brB type bridge stp_state 1 forward_delay 200 hello_time 100 "
                    "max_age 600");
        bw_test_run("ip link set brA up; ip link set brB up");
        for (unsigned i = 1; i <= 2; i++) {
                bw_test_run("ip link add a%u type veth peer name b%u", i, i);
                bw_test_run("ip link set a%u master brA up; ip link set b%u master brB up", i, i);
        }
        WAIT_FOR(at(world, "brA")->stp && at(world, "brB")->stp);
        WAIT_FOR(count_state(world, BW_STP_LISTENING) > 0);
        WAIT_FOR(count_state(world, BW_STP_BLOCKING) == 1 &&
                 count_state(world, BW_STP_FORWARDING) == 3);
        fence(world);
        check_same_as_fresh(world);
        /* While they learn where all is now, entries age soon; the end of that is no news. */
        WAIT_FOR(!at(world, "brA")->topology_change &&
                 at(world, "brA")->ageing_centiseconds == 30000);
        WAIT_FOR(!at(world, "brB")->topology_change &&
                 at(world, "brB")->ageing_centiseconds == 30000);
        if (at(world, "a1")->stp_state == BW_STP_BLOCKING ||
            at(world, "b1")->stp_state == BW_STP_BLOCKING)
                bw_test_run("ip link set a2 down");
        else
                bw_test_run("ip link set a1 down");
        WAIT_FOR(count_state(world, BW_STP_FORWARDING) == 2 &&
                 count_state(world, BW_STP_DISABLED) == 2);
        bw_test_run("ip link set brA type bridge stp_state 0");
        WAIT_FOR(!at(world, "brA")->stp);
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("ip link del a1; ip link del a2; ip link del brA; ip link del brB");
        close_world(world);
}

/* What links are */

static void test_kinds(void) {
        World *world = open_world_with_port();

        bw_test_run("ip link add v1 type vxlan id 5 dstport 4789; ip link set v1 master br0");
        bw_test_run("ip link add link q1 name m1 type macvlan mode bridge");
        bw_test_run("ip link set m1 master br0");
        bw_test_run("ip link add link br0 name t1 type macvtap");
        WAIT_FOR(at(world, "v1")->master != 0 && at(world, "m1")->master != 0 &&
                 at(world, "t1")->ifindex != 0);
        g_assert_cmpint(at(world, "br0")->kind, ==, BW_LINK_BRIDGE);
        g_assert_cmpstr(at(world, "br0")->kind_name, ==, "bridge");
        g_assert_cmpint(at(world, "p1")->kind, ==, BW_LINK_VETH);
        g_assert_cmpstr(at(world, "p1")->kind_name, ==, "veth");
        g_assert_cmpint(at(world, "v1")->kind, ==, BW_LINK_OTHER);
        g_assert_cmpstr(at(world, "v1")->kind_name, ==, "vxlan");
        g_assert_cmpint(at(world, "v1")->master, ==, at(world, "br0")->ifindex);
        g_assert_cmpint(at(world, "m1")->kind, ==, BW_LINK_OTHER);
        g_assert_cmpstr(at(world, "m1")->kind_name, ==, "macvlan");
        g_assert_cmpint(at(world, "m1")->lower, ==, at(world, "q1")->ifindex);
        g_assert_cmpint(at(world, "t1")->kind, ==, BW_LINK_MACVTAP);
        g_assert_cmpint(at(world, "t1")->lower, ==, at(world, "br0")->ifindex);
        g_assert_cmpint(at(world, "lo")->kind, ==, BW_LINK_OTHER);
        g_assert_cmpstr(at(world, "lo")->kind_name, ==, "");
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("ip link del v1; ip link del m1; ip link del t1");
        close_world_with_port(world);
}

static void test_port_moves_and_is_renamed(void) {
        World *world = open_world_with_port();
        int port = at(world, "p1")->ifindex;

        bw_test_run("ip link add br2 type bridge; ip link set br2 up");
        bw_test_run("bridge link set dev p1 locked on");
        WAIT_FOR(is_on(world, BW_FLAG_LOCKED));
        bw_test_run("ip link set p1 master br2");
        WAIT_FOR(at(world, "p1")->master == at(world, "br2")->ifindex);
        /* Another bridge, another port: what the former was told is forgotten. */
        WAIT_FOR(!is_on(world, BW_FLAG_LOCKED));
        bw_test_run("ip link set p1 name other");
        WAIT_FOR(at(world, "other")->ifindex == port &&
                 g_str_equal(at(world, "other")->name, "other"));
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("ip link set other name p1; ip link set p1 master br0; ip link del br2");
        WAIT_FOR(at(world, "p1")->master == at(world, "br0")->ifindex);
        close_world_with_port(world);
}

/* Pairs whose ends are in two namespaces */

static void test_peer_leaves_and_comes_back(void) {
        World *world = open_world();
        int peer;

        bw_test_run("ip link add p1 type veth peer name q1; ip netns add there");
        WAIT_FOR(at(world, "p1")->peer != 0 && at(world, "q1")->peer != 0);
        /* Both are down: of the end that stays nobody speaks. */
        peer = at(world, "q1")->ifindex;
        bw_test_run("ip link set q1 netns there");
        WAIT_FOR(at(world, "p1")->peer_namespace > 0 && at(world, "p1")->peer == 0);
        g_assert_false(g_hash_table_contains(world->links, GINT_TO_POINTER(peer)));
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("ip -n there link set q1 netns %d", (int) getpid());
        WAIT_FOR(at(world, "q1")->peer == at(world, "p1")->ifindex);
        WAIT_FOR(at(world, "p1")->peer == at(world, "q1")->ifindex &&
                 at(world, "p1")->peer_namespace == 0);
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("ip link del p1; ip netns del there");
        close_world(world);
}

static void test_peer_made_there(void) {
        World *world = open_world();

        bw_test_run("ip netns add there");
        bw_test_run("ip link add p1 type veth peer name q1 netns there");
        WAIT_FOR(at(world, "p1")->peer_namespace > 0);
        g_assert_cmpint(at(world, "p1")->peer, ==, 0);
        bw_test_run("ip link set p1 up");
        WAIT_FOR(at(world, "p1")->up && !at(world, "p1")->running);
        bw_test_run("ip -n there link set q1 up");
        WAIT_FOR(at(world, "p1")->running);
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("ip netns del there");
        WAIT_FOR(at(world, "p1")->ifindex == 0 && if_nametoindex("p1") == 0);
        close_world(world);
}

static void test_namespace_of_peer_dies(void) {
        World *world = open_world_with_port();
        int port = at(world, "p1")->ifindex;

        bw_test_run("ip netns add there; ip link set q1 netns there");
        WAIT_FOR(at(world, "p1")->peer_namespace > 0);
        bw_test_run("ip netns del there");
        WAIT_FOR(!g_hash_table_contains(world->links, GINT_TO_POINTER(port)));
        bw_test_run("ip link add p1 type veth peer name q1");
        close_world_with_port(world);
}

/* Promiscuous mode: who listens by a packet socket is not told by the flag. */

static void test_promiscuity(void) {
        World *world = open_world_with_port();
        uint32_t former = at(world, "p1")->promiscuity;

        bw_test_run("ip link set br0 promisc on");
        WAIT_FOR(at(world, "br0")->promiscuous && at(world, "br0")->promiscuity == 1);
        bw_test_run("ip link set br0 promisc off");
        WAIT_FOR(!at(world, "br0")->promiscuous && at(world, "br0")->promiscuity == 0);
        bw_test_run("ip link set p1 promisc on");
        WAIT_FOR(at(world, "p1")->promiscuous && at(world, "p1")->promiscuity == former + 1);
        bw_test_run("ip link set p1 promisc off");
        WAIT_FOR(at(world, "p1")->promiscuity == former);
        close_world_with_port(world);
}

/* Filters of the traffic control */

#define FILTER "protocol ip u32 match ip src 192.0.2.1 action mirred egress redirect dev q1"

static void check_filters_at(const World *world, const char *end) {
        bw_test_run("tc filter add dev p1 %s prio 7 " FILTER, end);
        WAIT_FOR(at(world, "p1")->filters);
        bw_test_run("tc filter add dev p1 %s prio 8 " FILTER, end);
        bw_test_run("tc filter del dev p1 %s prio 7", end);
        fence(world);
        g_assert_true(at(world, "p1")->filters);
        check_same_as_fresh(world);
        bw_test_run("tc filter del dev p1 %s prio 8", end);
        WAIT_FOR(!at(world, "p1")->filters);
}

static void test_filters(void) {
        World *world = open_world_with_port();

        bw_test_run("tc qdisc add dev p1 clsact");
        fence(world);
        g_assert_false(at(world, "p1")->filters);
        check_filters_at(world, "ingress");
        check_filters_at(world, "egress");
        bw_test_run("tc filter add dev p1 egress " FILTER);
        WAIT_FOR(at(world, "p1")->filters);
        bw_test_run("tc qdisc del dev p1 clsact; tc qdisc add dev p1 ingress");
        WAIT_FOR(!at(world, "p1")->filters);
        bw_test_run("tc filter add dev p1 parent ffff: " FILTER);
        WAIT_FOR(at(world, "p1")->filters);
        /* News of the link itself does not make it forget them. */
        bw_test_run("ip link set p1 down");
        WAIT_FOR(!at(world, "p1")->up);
        g_assert_true(at(world, "p1")->filters);
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("tc filter del dev p1 parent ffff:");
        WAIT_FOR(!at(world, "p1")->filters);
        close_world_with_port(world);
}

/* Whether answers about filters are lost, and how many were. */
static bool loses_answers;
static unsigned n_lost;

bool __real_bw_netlink_read_all(const char *what, int type, const void *header, gsize length,
                                BwNetlinkTake take, void *user, GError **error);
bool __wrap_bw_netlink_read_all(const char *what, int type, const void *header, gsize length,
                                BwNetlinkTake take, void *user, GError **error);

bool __wrap_bw_netlink_read_all(const char *what, int type, const void *header, gsize length,
                                BwNetlinkTake take, void *user, GError **error) {
        if (type != RTM_GETTFILTER || !loses_answers)
                return __real_bw_netlink_read_all(what, type, header, length, take, user, error);
        n_lost++;
        g_set_error(error, BW_ERROR, BW_ERROR_STALE, "%s: the answer is lost", what);
        return false;
}

/* What was known stays, and the link is asked again without any news. */
static void test_filters_unanswered(void) {
        World *world = open_world_with_port();

        bw_test_run("tc qdisc add dev p1 clsact; tc filter add dev p1 ingress prio 7 " FILTER);
        WAIT_FOR(at(world, "p1")->filters);
        n_lost = 0;
        loses_answers = true;
        bw_test_run("tc filter del dev p1 ingress prio 7");
        WAIT_FOR(n_lost > 0);
        fence(world);
        g_assert_true(at(world, "p1")->filters);
        loses_answers = false;
        WAIT_FOR(!at(world, "p1")->filters);
        close_world_with_port(world);
}

/* A filter of a block is every link's that shares it, and is told without naming one. */
static void test_filters_of_block(void) {
        World *world = open_world_with_port();

        bw_test_run("tc qdisc add dev q1 clsact");
        bw_test_run("tc qdisc add dev p1 ingress_block 22 clsact");
        bw_test_run("tc filter add block 22 " FILTER);
        WAIT_FOR(at(world, "p1")->filters);
        g_assert_false(at(world, "q1")->filters);
        bw_test_run("tc qdisc add dev br0 ingress_block 22 clsact");
        WAIT_FOR(at(world, "br0")->filters);
        fence(world);
        check_same_as_fresh(world);
        bw_test_run("tc filter del block 22");
        WAIT_FOR(!at(world, "p1")->filters && !at(world, "br0")->filters);
        close_world_with_port(world);
}

#define MANY 160

static void make_many(void) {
        g_autoptr(GString) links = g_string_new(NULL), qdiscs = g_string_new(NULL);

        for (unsigned i = 0; i < MANY; i++) {
                g_string_append_printf(links, "link add f%u type ifb\n", i);
                g_string_append_printf(qdiscs, "qdisc add dev f%u ingress_block %u clsact\n", i,
                                       i + 1);
        }
        g_assert_true(g_file_set_contents("/run/links", links->str, -1, NULL));
        g_assert_true(g_file_set_contents("/run/qdiscs", qdiscs->str, -1, NULL));
        bw_test_run("ip -batch /run/links; tc -batch /run/qdiscs");
}

static void del_many(void) {
        g_autoptr(GString) links = g_string_new(NULL);

        for (unsigned i = 0; i < MANY; i++)
                g_string_append_printf(links, "link del f%u\n", i);
        g_assert_true(g_file_set_contents("/run/links", links->str, -1, NULL));
        bw_test_run("ip -batch /run/links");
}

/* More links are in doubt than are asked for in one turn, and nothing else happens. */
static void test_filters_of_many(void) {
        World *world = open_world_with_port();

        make_many();
        fence(world);
        for (unsigned i = 0; i < MANY; i += 20) {
                g_autofree char *name = g_strdup_printf("f%u", i);

                bw_test_run("tc filter add block %u " FILTER, i + 1);
                WAIT_FOR(at(world, name)->filters);
                bw_test_run("tc filter del block %u", i + 1);
                WAIT_FOR(!at(world, name)->filters);
        }
        fence(world);
        check_same_as_fresh(world);
        del_many();
        close_world_with_port(world);
}

/* XDP */

/* A program that passes every frame: r0 = XDP_PASS; exit. */
static int load_program(void) {
        const struct bpf_insn code[] = {
                { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
                { .code = BPF_JMP | BPF_EXIT },
        };
        union bpf_attr attr;
        long fd;

        memset(&attr, 0, sizeof(attr));
        attr.prog_type = BPF_PROG_TYPE_XDP;
        attr.insns = (uintptr_t) code;
        attr.insn_cnt = G_N_ELEMENTS(code);
        attr.license = (uintptr_t) "GPL";
        fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
        return (int) fd;
}

static bool pin_program(int fd) {
        union bpf_attr attr;

        bw_test_run("mkdir -p /run/bpf && mount -t bpf none /run/bpf");
        memset(&attr, 0, sizeof(attr));
        attr.pathname = (uintptr_t) "/run/bpf/pass";
        attr.bpf_fd = (uint32_t) fd;
        return syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof(attr)) == 0;
}

static int attach_by_link(int program, const char *name) {
        union bpf_attr attr;

        memset(&attr, 0, sizeof(attr));
        attr.link_create.prog_fd = (uint32_t) program;
        attr.link_create.target_ifindex = if_nametoindex(name);
        attr.link_create.attach_type = BPF_XDP;
        attr.link_create.flags = XDP_FLAGS_SKB_MODE;
        return (int) syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

static void test_xdp(void) {
        int program = load_program(), link;
        g_autofree char *lacks = g_strdup_printf("the kernel refuses bpf(): %s", g_strerror(errno));
        World *world;

        if (program < 0) {
                g_test_skip(lacks);
                return;
        }
        world = open_world_with_port();
        g_assert_true(pin_program(program));
        g_assert_false(at(world, "p1")->xdp);
        bw_test_run("ip link set p1 xdpgeneric pinned /run/bpf/pass");
        WAIT_FOR(at(world, "p1")->xdp);
        bw_test_run("ip link set p1 xdpgeneric off");
        WAIT_FOR(!at(world, "p1")->xdp);
        /* A link of BPF is no news; whoever asks is told. */
        link = attach_by_link(program, "p1");
        g_assert_cmpint(link, >=, 0);
        bw_netlink_look_at(world->netlink, at(world, "p1")->ifindex);
        WAIT_FOR(at(world, "p1")->xdp);
        close(link);
        bw_netlink_look_at(world->netlink, at(world, "p1")->ifindex);
        WAIT_FOR(!at(world, "p1")->xdp);
        close(program);
        bw_test_run("umount /run/bpf");
        close_world_with_port(world);
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/netlink-ports/flags", test_flags);
        g_test_add_func("/netlink-ports/wish-is-told", test_wish_is_told);
        g_test_add_func("/netlink-ports/comes-to-rest", test_comes_to_rest);
        g_test_add_func("/netlink-ports/stp", test_stp);
        g_test_add_func("/netlink-ports/kinds", test_kinds);
        g_test_add_func("/netlink-ports/moves-and-is-renamed", test_port_moves_and_is_renamed);
        g_test_add_func("/netlink-ports/peer-leaves-and-comes-back",
                        test_peer_leaves_and_comes_back);
        g_test_add_func("/netlink-ports/peer-made-there", test_peer_made_there);
        g_test_add_func("/netlink-ports/namespace-of-peer-dies", test_namespace_of_peer_dies);
        g_test_add_func("/netlink-ports/promiscuity", test_promiscuity);
        g_test_add_func("/netlink-ports/filters", test_filters);
        g_test_add_func("/netlink-ports/filters-unanswered", test_filters_unanswered);
        g_test_add_func("/netlink-ports/filters-of-block", test_filters_of_block);
        g_test_add_func("/netlink-ports/filters-of-many", test_filters_of_many);
        g_test_add_func("/netlink-ports/xdp", test_xdp);
        return g_test_run();
}
