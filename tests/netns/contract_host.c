/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The host itself on the bridge: frames to the bridge's own address are judged as forwarded ones
 * are, and the host's own output is judged where it leaves, by the engine that can see it.
 */

#include "contract.h"

#include <arpa/inet.h>
#include <bw/corpus_packet.h>
#include <bw/ipt_rule.h>
#include <command.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define UDP_PORT 9

typedef struct Host {
        BwTrial *trial;
        BwScene scene;
        BwMac mac; /* the bridge's own */
        int udp4, udp6;
} Host;

static int open_udp(int family) {
        struct sockaddr_in6 address = { .sin6_family = (sa_family_t) family,
                                        .sin6_port = htons(UDP_PORT) };
        socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(address);
        int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

        if (family == AF_INET6)
                setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, length), ==, 0);
        return fd;
}

static BwMac mac_of(const char *link) {
        struct ifreq request = {};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        BwMac mac;

        g_strlcpy(request.ifr_name, link, sizeof(request.ifr_name));
        g_assert_cmpint(ioctl(fd, SIOCGIFHWADDR, &request), ==, 0);
        close(fd);
        memcpy(mac.octet, request.ifr_hwaddr.sa_data, sizeof(mac.octet));
        return mac;
}

static Host host_new(void) {
        Host the = { .scene = bw_scene_new(), .trial = bw_contract_trial_new(BW_STAGE_VETH, "") };
        const char *bridge = the.scene.bridge;

        bw_test_run("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.%s.rp_filter=0;"
                    "ip address add 192.168.50.254/24 dev %s;"
                    "ip address add 2001:db8:50::254/64 dev %s nodad",
                    bridge, bridge, bridge);
        the.mac = mac_of(bridge);
        the.udp4 = open_udp(AF_INET);
        the.udp6 = open_udp(AF_INET6);
        return the;
}

static void host_clear(Host *the) {
        close(the->udp4);
        close(the->udp6);
        bw_trial_free(the->trial);
}

static bool hears(int fd) {
        uint8_t bytes[256];
        bool heard = false;

        while (recv(fd, bytes, sizeof(bytes), 0) >= 0)
                heard = true;
        return heard;
}

static BwPacketIp ip_of(const Host *the, BwWho as, bool ipv6) {
        const BwStation *stations = the->scene.stations;

        return (BwPacketIp){ .source = ipv6 ? stations[as].ipv6 : stations[as].ipv4,
                             .protocol = IPPROTO_UDP };
}

/* Whether a program of the host's reads it. */
static bool is_read(const Host *the, BwWho as, bool ipv6, bool tagged) {
        g_autoptr(GByteArray) bytes = NULL;
        BwPacketIp ip = ip_of(the, as, ipv6);
        uint16_t ethertype = ipv6 ? 0x86dd : 0x0800;
        bool heard, good = bw_prefix_parse(ipv6 ? "2001:db8:50::254" : "192.168.50.254",
                                           &ip.destination, NULL);

        g_assert_true(good);
        bytes = bw_packet_udp(40000, UDP_PORT, bw_packet_filler(18));
        bytes = bw_packet_ip(&ip, bw_packet_seal(&ip, bytes));
        if (tagged)
                bytes = bw_packet_tag(0, ethertype, bytes);
        bytes = bw_packet_ethernet(the->mac, the->scene.stations[BW_WHO_ATTACKER].mac,
                                   tagged ? 0x8100 : ethertype, bytes);
        bw_contract_fire(the->trial, BW_WHO_ATTACKER, bytes);
        heard = hears(the->udp4);
        return hears(the->udp6) || heard;
}

static void check_input(const Host *the, unsigned engines) {
        bool nftables = engines & NFTABLES;
        bool ipv4 = engines != 0, ipv6 = nftables || (engines && BW_IPT_TABLE_MAX > 2);

        bw_contract_arm(the->trial, engines);
        g_assert_true(is_read(the, BW_WHO_ATTACKER, false, false));
        g_assert_true(is_read(the, BW_WHO_ATTACKER, true, false));
        g_assert_cmpint(is_read(the, BW_WHO_GATEWAY, false, false), ==, !ipv4);
        g_assert_cmpint(is_read(the, BW_WHO_GATEWAY, true, false), ==, !ipv6);
        g_assert_cmpint(is_read(the, BW_WHO_GATEWAY, false, true), ==, !nftables);
        g_assert_cmpint(is_read(the, BW_WHO_GATEWAY, true, true), ==, !nftables);
}

void bw_contract_test_host_input(void) {
        Host the = host_new();

        check_input(&the, 0);
        check_input(&the, NFTABLES);
        if (bw_contract_has_iptables(the.trial)) {
                check_input(&the, IPTABLES);
                check_input(&the, BW_ENGINE_ALL);
        }
        host_clear(&the);
}

/* Output */

static void send_to(int fd, int family, const char *address) {
        struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(UDP_PORT) };
        struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(UDP_PORT) };
        bool ipv4 = family == AF_INET;

        g_assert_cmpint(
                inet_pton(family, address, ipv4 ? (void *) &to4.sin_addr : (void *) &to6.sin6_addr),
                ==, 1);
        g_assert_cmpint(sendto(fd, "talk", 4, 0,
                               ipv4 ? (struct sockaddr *) &to4 : (struct sockaddr *) &to6,
                               ipv4 ? sizeof(to4) : sizeof(to6)),
                        ==, 4);
}

/* Whether what the host sends to @address arrives at @at: the neighbour table says it is the
 * victim's MAC, and that may be a lie. */
static bool arrives(const Host *the, int family, const char *address, unsigned at) {
        BwStage *stage = bw_trial_stage(the->trial);
        g_autoptr(GByteArray) head = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        unsigned arrived;

        g_byte_array_append(head, the->scene.stations[BW_WHO_VICTIM].mac.octet, 6);
        g_byte_array_append(head, the->mac.octet, 6);
        send_to(family == AF_INET ? the->udp4 : the->udp6, family, address);
        bw_stage_collect(stage, head, &arrived, &error);
        g_assert_no_error(error);
        return arrived & 1u << at;
}

static void check_output(const Host *the, unsigned engines) {
        bool nftables = engines & NFTABLES;

        bw_contract_arm(the->trial, engines);
        g_assert_true(arrives(the, AF_INET, "192.168.50.14", BW_WHO_VICTIM));
        g_assert_true(arrives(the, AF_INET6, "2001:db8:50::14", BW_WHO_VICTIM));
        /* iptables does not see the host's own output, and does not say so. */
        g_assert_cmpint(arrives(the, AF_INET, "192.168.50.13", BW_WHO_VICTIM), ==, !nftables);
        g_assert_cmpint(arrives(the, AF_INET6, "2001:db8:50::13", BW_WHO_VICTIM), ==, !nftables);
}

void bw_contract_test_host_output(void) {
        Host the = host_new();
        char mac[BW_MAC_TEXT_SIZE];

        bw_mac_print(&the.scene.stations[BW_WHO_VICTIM].mac, mac);
        for (unsigned last = 13; last <= 14; last++)
                bw_test_run("ip neigh replace 192.168.50.%u lladdr %s nud permanent dev %s;"
                            "ip neigh replace 2001:db8:50::%u lladdr %s nud permanent dev %s",
                            last, mac, the.scene.bridge, last, mac, the.scene.bridge);
        check_output(&the, 0);
        check_output(&the, NFTABLES);
        if (bw_contract_has_iptables(the.trial)) {
                check_output(&the, IPTABLES);
                check_output(&the, BW_ENGINE_ALL);
        }
        host_clear(&the);
}
