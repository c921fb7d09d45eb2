/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What arrives, as the victim sees it: a real host in a namespace of its own, with addresses,
 * sockets, an ARP table and a neighbour table. A frame on the wire that no stack believes is one
 * thing; what a program reads, or whom the stack will talk to, is another.
 */

#include "contract.h"

#include <arpa/inet.h>
#include <bw/corpus_packet.h>
#include <bw/ipt_rule.h>
#include <command.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INSIDE     "victim"
#define HOST       "ip netns exec " INSIDE " "
#define UDP_PORT   9
#define FAR_VICTIM "far1"

typedef struct Victim {
        BwTrial *trial;
        BwScene scene;
        int udp4, udp6;
} Victim;

/* Opens a socket in the victim's namespace; it stays there. */
static int open_udp(int family) {
        int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        int there = open("/run/netns/" INSIDE, O_RDONLY | O_CLOEXEC);
        struct sockaddr_in6 address = { .sin6_family = (sa_family_t) family,
                                        .sin6_port = htons(UDP_PORT) };
        socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(address);
        int fd, on = 1;

        g_assert_cmpint(setns(there, CLONE_NEWNET), ==, 0);
        fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (family == AF_INET6)
                setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, length), ==, 0);
        g_assert_cmpint(setns(here, CLONE_NEWNET), ==, 0);
        close(there);
        close(here);
        return fd;
}

/* The far end of the victim's port becomes its card. */
static Victim victim_new(void) {
        Victim the = { .scene = bw_scene_new(), .trial = bw_contract_trial_new(BW_STAGE_VETH, "") };
        const BwStation *station = &the.scene.stations[BW_WHO_VICTIM];
        char mac[BW_MAC_TEXT_SIZE];

        bw_mac_print(&station->mac, mac);
        bw_test_run("ip netns add " INSIDE "; ip link set " FAR_VICTIM " netns " INSIDE);
        bw_test_run(HOST "sh -ec 'sysctl -qw net.ipv4.conf.all.arp_accept=1"
                         " net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0;"
                         "ip link set " FAR_VICTIM " address %s addrgenmode none;"
                         "ip link set " FAR_VICTIM " up;"
                         "ip address add 192.168.50.14/24 dev " FAR_VICTIM ";"
                         "ip address add 2001:db8:50::14/64 dev " FAR_VICTIM " nodad;"
                         "ip address add fe80::5054:ff:fe9f:5d0e/64 dev " FAR_VICTIM " nodad'",
                    mac);
        the.udp4 = open_udp(AF_INET);
        the.udp6 = open_udp(AF_INET6);
        return the;
}

static void victim_clear(Victim *the) {
        close(the->udp4);
        close(the->udp6);
        bw_test_run("ip netns del " INSIDE);
        bw_trial_free(the->trial);
}

static bool hears(int fd) {
        uint8_t bytes[256];
        bool heard = false;

        while (recv(fd, bytes, sizeof(bytes), 0) >= 0)
                heard = true;
        return heard;
}

/* Whom the victim believes to be at @address: its neighbour table, in words; "" for nobody. */
static char *neighbour(const char *address) {
        return g_strchomp(bw_test_output(HOST "ip neigh show to %s dev " FAR_VICTIM
                                              " | sed -n 's/.*lladdr \\([^ ]*\\).*/\\1/p'",
                                         address));
}

/* It knows the gateway, and by the gateway's own MAC. */
static void introduce(void) {
        bw_test_run(HOST "sh -ec 'ip neigh replace 192.168.50.1 lladdr 52:54:00:9f:5d:01 nud stale"
                         " dev " FAR_VICTIM ";"
                         "ip neigh replace 2001:db8:50::1 lladdr 52:54:00:9f:5d:01 nud stale"
                         " dev " FAR_VICTIM "'");
}

static bool is_poisoned(const char *address) {
        g_autofree char *now = neighbour(address);

        g_assert_true(g_str_equal(now, "52:54:00:9f:5d:01") ||
                      g_str_equal(now, "52:54:00:9f:5d:0d"));
        return g_str_equal(now, "52:54:00:9f:5d:0d");
}

/* Frames */

static BwPacketIp ip_to_victim(const Victim *the, BwWho as, bool ipv6) {
        const BwStation *stations = the->scene.stations;

        return (BwPacketIp){ .source = ipv6 ? stations[as].ipv6 : stations[as].ipv4,
                             .destination = ipv6 ? stations[BW_WHO_VICTIM].ipv6
                                                 : stations[BW_WHO_VICTIM].ipv4,
                             .protocol = IPPROTO_UDP };
}

/* @tags: priority tags before it. */
static GByteArray *udp(const Victim *the, BwWho as, bool ipv6, unsigned tags) {
        const BwStation *stations = the->scene.stations;
        BwPacketIp ip = ip_to_victim(the, as, ipv6);
        GByteArray *bytes = bw_packet_udp(40000, UDP_PORT, bw_packet_filler(18));
        uint16_t ethertype = ipv6 ? 0x86dd : 0x0800;

        bytes = bw_packet_ip(&ip, bw_packet_seal(&ip, bytes));
        for (unsigned i = 0; i < tags; i++) {
                bytes = bw_packet_tag(0, ethertype, bytes);
                ethertype = 0x8100;
        }
        return bw_packet_ethernet(stations[BW_WHO_VICTIM].mac, stations[BW_WHO_ATTACKER].mac,
                                  ethertype, bytes);
}

/* "The gateway's address is at my MAC": gratuitous, which a host believes at once. A plain reply is
 * not believed within a tick of the clock from the last change. */
static GByteArray *poison4(const Victim *the) {
        const BwStation *stations = the->scene.stations;
        BwPacketArp arp = { 1,
                            0x0800,
                            6,
                            4,
                            2,
                            stations[BW_WHO_ATTACKER].mac,
                            stations[BW_WHO_ATTACKER].mac,
                            stations[BW_WHO_GATEWAY].ipv4,
                            stations[BW_WHO_GATEWAY].ipv4 };

        return bw_packet_ethernet(stations[BW_WHO_VICTIM].mac, stations[BW_WHO_ATTACKER].mac,
                                  0x0806, bw_packet_arp(&arp));
}

static GByteArray *poison6(const Victim *the) {
        const BwStation *stations = the->scene.stations;
        const BwStation *attacker = &stations[BW_WHO_ATTACKER];
        BwPacketIp ip = ip_to_victim(the, BW_WHO_ATTACKER, true);
        GByteArray *bytes = bw_packet_nd(136, &stations[BW_WHO_GATEWAY].ipv6,
                                         bw_packet_option(2, attacker->mac, NULL));

        bytes->data[4] = 0x20; /* override */
        ip.protocol = IPPROTO_ICMPV6;
        ip.hop_limit = 255;
        bytes = bw_packet_ip(&ip, bw_packet_seal(&ip, bytes));
        return bw_packet_ethernet(stations[BW_WHO_VICTIM].mac, attacker->mac, 0x86dd, bytes);
}

/* Takes @bytes. Whether a program of the victim's has read it. */
static bool is_read(const Victim *the, GByteArray *bytes) {
        bool heard;

        bw_contract_fire(the->trial, BW_WHO_ATTACKER, bytes);
        g_byte_array_unref(bytes);
        heard = hears(the->udp4);
        return hears(the->udp6) || heard;
}

static bool poisons(const Victim *the, GByteArray *bytes, const char *address) {
        introduce();
        bw_contract_fire(the->trial, BW_WHO_ATTACKER, bytes);
        g_byte_array_unref(bytes);
        return is_poisoned(address);
}

/* What the victim is spared by @engines; with none, all of it must succeed. */
static void check(const Victim *the, unsigned engines) {
        bool nftables = engines & NFTABLES;
        bool ipv4 = engines != 0, ipv6 = nftables || (engines && BW_IPT_TABLE_MAX > 2);

        bw_contract_arm(the->trial, engines);
        g_assert_true(is_read(the, udp(the, BW_WHO_ATTACKER, false, 0)));
        g_assert_true(is_read(the, udp(the, BW_WHO_ATTACKER, true, 0)));
        g_assert_cmpint(is_read(the, udp(the, BW_WHO_GATEWAY, false, 0)), ==, !ipv4);
        g_assert_cmpint(is_read(the, udp(the, BW_WHO_GATEWAY, true, 0)), ==, !ipv6);
        /* Linux takes what is behind a priority tag for its own, and iptables does not look. */
        for (unsigned tags = 1; tags <= 2; tags++) {
                g_assert_cmpint(is_read(the, udp(the, BW_WHO_GATEWAY, false, tags)), ==, !nftables);
                g_assert_cmpint(is_read(the, udp(the, BW_WHO_GATEWAY, true, tags)), ==, !nftables);
        }
        g_assert_cmpint(poisons(the, poison4(the), "192.168.50.1"), ==, !nftables);
        g_assert_cmpint(poisons(the, poison6(the), "2001:db8:50::1"), ==, !nftables);
}

/* Its card has been taken out and put in again; that it is up is not yet that it hears. */
static void await(const Victim *the) {
        for (unsigned i = 0; i < 5000; i++) {
                if (is_read(the, udp(the, BW_WHO_ATTACKER, false, 0)))
                        return;
                g_usleep(G_TIME_SPAN_MILLISECOND);
        }
        g_error("the victim hears nothing");
}

void bw_contract_test_victim(void) {
        Victim the = victim_new();

        await(&the);
        check(&the, 0);
        check(&the, NFTABLES);
        if (bw_contract_has_iptables(the.trial)) {
                check(&the, IPTABLES);
                check(&the, BW_ENGINE_ALL);
        }
        victim_clear(&the);
}
