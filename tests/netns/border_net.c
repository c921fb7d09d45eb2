/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "border_net.h"

#include <arpa/inet.h>
#include <bw/ipt_compile.h>
#include <bw/nft_table.h>
#include <command.h>
#include <errno.h>
#include <fcntl.h>
#include <iptables.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <nftables.h>
#include <poll.h>
#include <sched.h>
#include <settings.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Turns of the CPU's queue a frame may take: a pair a hop, and as many again. */
#define MOST_HOPS 16

int bw_net_open_wire(const char *link) {
        struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                       .sll_protocol = htons(ETH_P_ALL),
                                       .sll_ifindex = (int) if_nametoindex(link) };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), ==, 0);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        return fd;
}

static int open_tap(const char *name) {
        struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return -1;
        g_strlcpy(request.ifr_name, name, sizeof(request.ifr_name));
        g_assert_cmpint(ioctl(fd, TUNSETIFF, &request), ==, 0);
        return fd;
}

/* No link says anything by itself. */
static void bring_up(const char *link) {
        bw_test_run(
                "echo 1 >/proc/sys/net/ipv6/conf/%s/disable_ipv6 2>/dev/null; ip link set %s up",
                link, link);
}

/* One queue of packets for all, so that frames keep their order. */
void bw_net_hold_cpu(void) {
        cpu_set_t one;

        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        g_assert_cmpint(sched_setaffinity(0, sizeof(one), &one), ==, 0);
}

bool bw_net_has_iptables(void) {
        g_autoptr(GError) error = NULL;

        if (access("/proc/sys/net/bridge", F_OK) < 0) {
                g_test_skip("br_netfilter is not loaded: iptables sees nothing of a bridge");
                return false;
        }
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (!bw_iptables_probe(table, &error)) {
                        g_test_skip(error->message);
                        return false;
                }
        return true;
}

BwNet *bw_net_new(BwEngineKind engine) {
        BwNet *net = g_new0(BwNet, 1);

        bw_test_run(
                "nft flush ruleset; ip -o link | sed -n 's/^[0-9]*: \\(t-[^:@]*\\)[:@].*/\\1/p' "
                "| while read l; do ip link del $l 2>/dev/null; done; true");
        /* It trims and drops what is not sound, where the bridge alone does not look. */
        bw_test_run("for f in /proc/sys/net/bridge/bridge-nf-call-*; do"
                    "  [ ! -e $f ] || echo 0 >$f; done");
        net->engine = engine;
        net->joined = true;
        net->hops = MOST_HOPS;
        net->model = bw_model_new();
        net->bridges = g_ptr_array_new_with_free_func(g_free);
        net->settings = g_string_new("[Guard]\nUnknownPorts=accept\nMode=enforce\n");
        net->nftables = bw_nftables_new();
        bw_test_run("ip link add t-fence0 type veth peer name t-fence1");
        bring_up("t-fence0");
        bring_up("t-fence1");
        net->fence[0] = bw_net_open_wire("t-fence0");
        net->fence[1] = bw_net_open_wire("t-fence1");
        return net;
}

void bw_net_free(BwNet *net) {
        for (unsigned i = 0; i < net->n_ends; i++)
                if (net->ends[i].far >= 0)
                        close(net->ends[i].far);
        close(net->fence[0]);
        close(net->fence[1]);
        bw_nftables_free(net->nftables);
        g_clear_pointer(&net->plan, bw_plan_free);
        g_clear_pointer(&net->config, bw_config_free);
        g_string_free(net->settings, TRUE);
        g_ptr_array_unref(net->bridges);
        bw_model_free(net->model);
        g_free(net);
}

/* Hubs: every frame goes everywhere it may. */
int bw_net_add_bridge(BwNet *net, const char *name, const char *mac) {
        BwLink link;

        bw_test_run("ip link add %s address %s type bridge stp_state 0 ageing_time 0 "
                    "mcast_snooping 0 nf_call_iptables %u nf_call_ip6tables %u",
                    name, mac, net->engine == BW_ENGINE_IPTABLES,
                    net->engine == BW_ENGINE_IPTABLES);
        bring_up(name);
        link = bw_test_bridge((int) if_nametoindex(name), name);
        link.mac = bw_test_mac(mac);
        bw_test_tell_link(net->model, &link);
        g_ptr_array_add(net->bridges, g_strdup(name));
        return link.ifindex;
}

static void tell_port(BwNet *net, const char *name, int bridge, BwLinkKind kind, int peer) {
        BwLink link = { .ifindex = (int) if_nametoindex(name),
                        .kind = kind,
                        .mac = bw_test_mac("52:54:00:ee:ee:ee"),
                        .master = bridge,
                        .peer = peer,
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING };

        g_strlcpy(link.name, name, sizeof(link.name));
        bw_test_tell_link(net->model, &link);
}

static unsigned note_end(BwNet *net, const char *name, int bridge, int far) {
        BwNetEnd *end = &net->ends[net->n_ends];

        g_assert_cmpuint(net->n_ends, <, BW_NET_MOST_ENDS);
        g_strlcpy(end->port, name, sizeof(end->port));
        end->bridge = bridge;
        end->ifindex = (int) if_nametoindex(name);
        end->far = far;
        return net->n_ends++;
}

static void enslave(const char *name, int bridge) {
        char bridge_name[IF_NAMESIZE];

        g_assert_nonnull(if_indextoname((unsigned) bridge, bridge_name));
        bw_test_run("ip link set %s master %s", name, bridge_name);
        bring_up(name);
}

/* @far: name of the far end; NULL: a tap, or a pair where there are none. What the plan is told of
 * is a network card's port, a tap's, or that of a pair whose end is in another namespace. */
unsigned bw_net_add_port(BwNet *net, const char *name, int bridge, bool tap, BwLinkKind kind) {
        int fd = tap ? open_tap(name) : -1;

        if (fd < 0) {
                g_autofree char *far = g_strdup_printf("%s-f", name);

                bw_test_run("ip link add %s type veth peer name %s", name, far);
                bring_up(far);
                fd = bw_net_open_wire(far);
        }
        enslave(name, bridge);
        tell_port(net, name, bridge, kind, 0);
        return note_end(net, name, bridge, fd);
}

void bw_net_add_link(BwNet *net, const char *name, int bridge, const char *peer, int peer_bridge) {
        unsigned near, far;

        bw_test_run("ip link add %s type veth peer name %s", name, peer);
        enslave(name, bridge);
        enslave(peer, peer_bridge);
        tell_port(net, name, bridge, BW_LINK_VETH, (int) if_nametoindex(peer));
        tell_port(net, peer, peer_bridge, BW_LINK_VETH, (int) if_nametoindex(name));
        near = note_end(net, name, bridge, -1);
        far = note_end(net, peer, peer_bridge, -1);
        net->ends[near].peer = far;
        net->ends[far].peer = near;
}

/* Frames */

static bool is_frame(const GByteArray *frame, const uint8_t *bytes, gsize length) {
        return length >= 12 && memcmp(bytes, frame->data, 12) == 0;
}

static bool take(int fd, const GByteArray *frame) {
        uint8_t bytes[4096];
        bool found = false;
        ssize_t length;

        while ((length = read(fd, bytes, sizeof(bytes))) >= 0)
                found |= is_frame(frame, bytes, (gsize) length);
        return found;
}

/* What is sent into the same queue later arrives later, hop by hop. */
static void settle(const BwNet *net) {
        static const uint8_t bytes[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
        const GByteArray marker = { (guint8 *) bytes, sizeof(bytes) };

        for (unsigned hop = 0; hop < net->hops; hop++) {
                struct pollfd fence = { .fd = net->fence[1], .events = POLLIN };

                g_assert_cmpint(write(net->fence[0], bytes, sizeof(bytes)), ==, sizeof(bytes));
                while (!take(net->fence[1], &marker))
                        g_assert_cmpint(poll(&fence, 1, 30000), ==, 1);
        }
}

/* Returns the set of ends it has come to, 1 << end. */
unsigned bw_net_fire_by(const BwNet *net, int fd, const GByteArray *frame) {
        ssize_t length = write(fd, frame->data, frame->len);
        unsigned arrived = 0;

        if (length < 0)
                g_assert_true(errno == EINVAL || errno == EMSGSIZE);
        settle(net);
        for (unsigned i = 0; i < net->n_ends; i++)
                if (net->ends[i].far >= 0 && take(net->ends[i].far, frame))
                        arrived |= 1u << i;
        return arrived;
}

unsigned bw_net_fire(const BwNet *net, unsigned from, const GByteArray *frame) {
        return bw_net_fire_by(net, net->ends[from].far, frame) & ~(1u << from);
}

bool bw_net_is_link(const BwNet *net, unsigned end) {
        return net->ends[end].far < 0;
}

/* Where a frame would come to with nobody on guard. */
unsigned bw_net_reach(const BwNet *net, unsigned end) {
        unsigned all = 0;

        for (unsigned i = 0; i < net->n_ends; i++) {
                if (i == end || net->ends[i].bridge != net->ends[end].bridge)
                        continue;
                if (bw_net_is_link(net, i))
                        all |= bw_net_reach(net, net->ends[i].peer);
                else
                        all |= 1u << i;
        }
        return all;
}

/* A link that is up carries nothing until the kernel has got round to switching its queue on. */
void bw_net_await(const BwNet *net) {
        static const uint8_t bytes[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
                                           0,    0,    0,    0,    4,    0x88, 0xb5 };
        const GByteArray probe = { (guint8 *) bytes, sizeof(bytes) };

        for (unsigned i = 0; i < net->n_ends; i++)
                for (unsigned turn = 0; net->ends[i].far >= 0; turn++) {
                        if (bw_net_fire(net, i, &probe) == bw_net_reach(net, i))
                                break;
                        g_assert_cmpuint(turn, <, 30000);
                        g_usleep(G_TIME_SPAN_MILLISECOND);
                }
}

/* The guard */

void bw_net_plan(BwNet *net, const char *more) {
        g_autofree char *text = g_strconcat(net->settings->str, more, NULL);
        BwConfig *config = bw_test_config_from_text(text);

        if (bw_config_count_errors(config) > 0)
                g_error("not taken: %s", text);
        g_clear_pointer(&net->plan, bw_plan_free);
        g_clear_pointer(&net->config, bw_config_free);
        net->config = config;
        net->plan = bw_plan_new(net->model, config);
}

static void arm_nftables(BwNet *net) {
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();
        g_autoptr(BwNftTable) table = bw_nft_compile(net->plan, nowhere);
        g_autoptr(GError) error = NULL;
        bool equal = false;
        BwNftReport report;

        bw_nftables_sync(net->nftables, table, &report, &error);
        g_assert_no_error(error);
        bw_nftables_check(net->nftables, table, &equal, &error);
        g_assert_no_error(error);
        g_assert_true(equal);
}

/* @plan: NULL: none of our chains. */
static void write_iptables(const BwPlan *plan) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) chains = plan ? bw_ipt_compile(plan, table) : NULL;
                g_autoptr(GError) error = NULL;
                BwIptReport report;

                bw_iptables_sync(table, chains, BW_IPT_LOCK_SKIPPED, &report, &error);
                g_assert_no_error(error);
        }
}

void bw_net_arm(BwNet *net, const char *more) {
        bw_net_plan(net, more);
        switch (net->engine) {
        case BW_ENGINE_IPTABLES:
                write_iptables(NULL);
                write_iptables(net->plan);
                return;
        case BW_ENGINE_NFTABLES:
                arm_nftables(net);
                return;
        }
        g_assert_not_reached();
}

uint64_t bw_net_count(BwNet *net, BwDirection direction, BwReason reason, bool drops) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwNftListing) listing = bw_nftables_read(net->nftables, &error);

        g_assert_no_error(error);
        return bw_nft_count(listing, direction, reason, drops).packets;
}

void bw_net_disarm(BwNet *net) {
        g_autoptr(GError) error = NULL;

        if (net->engine == BW_ENGINE_IPTABLES) {
                write_iptables(NULL);
                return;
        }
        bw_nftables_remove(net->nftables, &error);
        g_assert_no_error(error);
}

BwNet *bw_net_new_two(BwEngineKind engine) {
        BwNet *net = bw_net_new(engine);
        int a = bw_net_add_bridge(net, "t-a", BRIDGE_A_MAC),
            b = bw_net_add_bridge(net, "t-b", BRIDGE_B_MAC);

        bw_net_add_port(net, "t-a1", a, false, BW_LINK_TAP);
        bw_net_add_port(net, "t-a2", a, true, BW_LINK_TAP);
        bw_net_add_port(net, "t-ua", a, false, BW_LINK_OTHER);
        bw_net_add_port(net, "t-b1", b, true, BW_LINK_TAP);
        bw_net_add_port(net, "t-b2", b, false, BW_LINK_TAP);
        bw_net_add_port(net, "t-ub", b, false, BW_LINK_OTHER);
        bw_net_add_link(net, "t-la", a, "t-lb", b);
        g_string_append(net->settings,
                        "Bridges=t-a t-b\n"
                        "[Port t-a1]\nMACs=" A1_MAC "\nAddresses=10.0.0.11 2001:db8::11\n"
                        "[Port t-a2]\nMACs=" A2_MAC "\nAddresses=10.0.0.12 2001:db8::12\n"
                        "[Port t-b1]\nMACs=" B1_MAC "\nAddresses=10.0.0.21 2001:db8::21\n"
                        "[Port t-b2]\nMACs=" B2_MAC "\nAddresses=10.0.0.22 2001:db8::22\n"
                        "[Bridge t-a]\nNetworks=10.0.0.0/24\n"
                        "[Bridge t-b]\nNetworks=10.0.0.0/24\n");
        bw_net_await(net);
        return net;
}
