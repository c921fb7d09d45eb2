/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "lane.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AWAIT_SECONDS = 30 };

struct BwLane {
        int netns;
        int control; /* a socket of that namespace, for ioctls */
        unsigned n_bridges;
        GPtrArray *ports; /* BwLanePort * or NULL, by number */
};

void bw_lane_die(const char *format, ...) {
        int code = errno;
        va_list args;

        va_start(args, format);
        fprintf(stderr, "%s: ", g_get_prgname());
        vfprintf(stderr, format, args);
        va_end(args);
        fprintf(stderr, code ? ": %s\n" : "\n", strerror(code));
        exit(1);
}

int64_t bw_lane_now(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t bw_lane_processor_time(void) {
        struct timespec spent;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
        return spent.tv_sec * INT64_C(1000000000) + spent.tv_nsec;
}

int64_t bw_lane_process_time(void) {
        struct timespec spent;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
        return spent.tv_sec * INT64_C(1000000000) + spent.tv_nsec;
}

void bw_lane_pin(void) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
        if (sched_setaffinity(0, sizeof set, &set) < 0)
                bw_lane_die("Cannot stay on one processor");
}

uint32_t bw_lane_address(unsigned number) {
        return htonl(0x0a4d0000 + number + 1);
}

void bw_lane_address6(unsigned number, struct in6_addr *address) {
        memset(address, 0, sizeof *address);
        memcpy(address->s6_addr, (uint8_t[]){ 0xfd, 0x77 }, 2);
        address->s6_addr[14] = (number + 1) >> 8;
        address->s6_addr[15] = number + 1;
}

void bw_lane_mac(unsigned number, uint8_t mac[6]) {
        memcpy(mac, (uint8_t[]){ 0x02, 0xaa, 0, 0, number >> 8, number }, 6);
}

/* ---- namespace and bridge ---- */

static void write_setting(const char *path, const char *value) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, value, strlen(value)) < 0)
                bw_lane_die("Cannot set %s to %s", path, value);
        close(fd);
}

/* /proc/sys/net and /dev/net/tun mean the namespace of the thread that opens them. */
static void enter(const BwLane *lane) {
        if (setns(lane->netns, CLONE_NEWNET) < 0)
                bw_lane_die("Cannot enter a network namespace");
}

static void set_mac(const BwLane *lane, const char *name, const uint8_t mac[6]) {
        struct ifreq request = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

        g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
        memcpy(request.ifr_hwaddr.sa_data, mac, 6);
        if (ioctl(lane->control, SIOCSIFHWADDR, &request) < 0)
                bw_lane_die("Cannot set the MAC of %s", name);
}

static void set_up(const BwLane *lane, const char *name) {
        struct ifreq request = { .ifr_flags = IFF_UP };

        g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
        if (ioctl(lane->control, SIOCSIFFLAGS, &request) < 0)
                bw_lane_die("Cannot set %s up", name);
}

static int find_index(const BwLane *lane, const char *name) {
        struct ifreq request = { 0 };

        g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
        if (ioctl(lane->control, SIOCGIFINDEX, &request) < 0)
                bw_lane_die("Cannot find %s", name);
        return request.ifr_ifindex;
}

static void bridge_name(unsigned number, char name[IF_NAMESIZE]) {
        g_snprintf(name, IF_NAMESIZE, "br%u", number);
}

static void bridge_mac(unsigned number, uint8_t mac[6]) {
        memcpy(mac, (uint8_t[]){ 0x02, 0xbb, 0, 0, 0, number + 1 }, 6);
}

unsigned bw_lane_parent(unsigned bridge) {
        return (bridge - 1) / BW_LANE_BRANCHES;
}

static void add_bridge(BwLane *lane, unsigned number) {
        char name[IF_NAMESIZE];
        uint8_t mac[6];

        bridge_name(number, name);
        bridge_mac(number, mac);
        if (ioctl(lane->control, SIOCBRADDBR, name) < 0)
                bw_lane_die("Cannot make the bridge %s", name);
        set_mac(lane, name, mac);
        set_up(lane, name);
}

/* ioctl(2) makes no veth pairs. */
static void join_bridges(unsigned n_bridges) {
        FILE *ip = popen("ip -batch -", "we");

        if (!ip)
                bw_lane_die("Cannot start ip");
        for (unsigned i = 1; i < n_bridges; i++) {
                fprintf(ip, "link add up%u type veth peer name down%u\n", i, i);
                fprintf(ip, "link set up%u master br%u up\n", i, i);
                fprintf(ip, "link set down%u master br%u up\n", i, bw_lane_parent(i));
        }
        if (pclose(ip) != 0)
                bw_lane_die("Cannot join %u bridges", n_bridges);
}

static void add_bridges(BwLane *lane) {
        write_setting("/proc/sys/net/bridge/bridge-nf-call-iptables", "1");
        /* Its own address detection would flood frames to every port. */
        write_setting("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        for (unsigned i = 0; i < lane->n_bridges; i++)
                add_bridge(lane, i);
        if (lane->n_bridges > 1)
                join_bridges(lane->n_bridges);
}

static void forget_port(BwLane *lane, unsigned number) {
        BwLanePort *port = bw_lane_port(lane, number);

        if (!port)
                return;
        close(port->fd);
        lane->ports->pdata[number] = NULL;
        g_free(port);
}

BwLane *bw_lane_new(const char *netns, unsigned n_bridges) {
        BwLane *lane = g_new0(BwLane, 1);

        lane->n_bridges = n_bridges;
        lane->ports = g_ptr_array_new();
        lane->netns = open(netns, O_RDONLY | O_CLOEXEC);
        if (lane->netns < 0)
                bw_lane_die("Cannot open %s", netns);
        enter(lane);
        lane->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (lane->control < 0)
                bw_lane_die("Cannot open a socket in %s", netns);
        add_bridges(lane);
        return lane;
}

void bw_lane_free(BwLane *lane) {
        for (unsigned i = 0; i < lane->ports->len; i++)
                forget_port(lane, i);
        g_ptr_array_unref(lane->ports);
        close(lane->control);
        close(lane->netns);
        g_free(lane);
}

/* ---- ports ---- */

static int open_tap(const char *name) {
        struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
        int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

        g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
        if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0)
                bw_lane_die("Cannot make the tap %s", name);
        return fd;
}

BwLanePort *bw_lane_add_port(BwLane *lane, unsigned number) {
        BwLanePort *port = g_new0(BwLanePort, 1);

        g_snprintf(port->name, sizeof port->name, "vk%u", number);
        port->address = bw_lane_address(number);
        bw_lane_address6(number, &port->address6);
        bw_lane_mac(number, port->mac);
        port->bridge = number % lane->n_bridges;
        enter(lane);
        port->fd = open_tap(port->name);
        port->ifindex = find_index(lane, port->name);
        set_up(lane, port->name);
        if (lane->ports->len <= number)
                g_ptr_array_set_size(lane->ports, number + 1);
        lane->ports->pdata[number] = port;
        return port;
}

void bw_lane_enslave_port(BwLane *lane, const BwLanePort *port) {
        struct ifreq request = { .ifr_ifindex = port->ifindex };

        bridge_name(port->bridge, request.ifr_name);
        if (ioctl(lane->control, SIOCBRADDIF, &request) < 0)
                bw_lane_die("Cannot put %s into the bridge", port->name);
}

void bw_lane_add_ports(BwLane *lane, unsigned first, unsigned last) {
        for (unsigned i = first; i <= last; i++)
                bw_lane_enslave_port(lane, bw_lane_add_port(lane, i));
}

void bw_lane_remove_port(BwLane *lane, unsigned number) {
        if (ioctl(bw_lane_port(lane, number)->fd, TUNSETPERSIST, 0) < 0)
                bw_lane_die("Cannot remove vk%u", number);
        forget_port(lane, number);
}

BwLanePort *bw_lane_port(const BwLane *lane, unsigned number) {
        return number < lane->ports->len ? lane->ports->pdata[number] : NULL;
}

/* ---- frames ---- */

static uint16_t checksum(const void *header, size_t length) {
        const uint16_t *word = header;
        uint32_t sum = 0;

        for (size_t i = 0; i < length / 2; i++)
                sum += word[i];
        sum = (sum & 0xffff) + (sum >> 16);
        return ~(sum + (sum >> 16));
}

static void write_frame(uint8_t *frame, const BwLanePort *from, const uint8_t *to_mac,
                        uint32_t source, uint32_t destination) {
        const uint16_t length = BW_LANE_FRAME_SIZE - ETH_HLEN;
        struct ether_header ethernet = { .ether_type = htons(ETHERTYPE_IP) };
        struct iphdr ip = { .version = 4,
                            .ihl = 5,
                            .ttl = 64,
                            .protocol = IPPROTO_UDP,
                            .tot_len = htons(length),
                            .saddr = source,
                            .daddr = destination };
        struct udphdr udp = { .source = htons(7777),
                              .dest = htons(7777),
                              .len = htons(length - sizeof ip) };

        memset(frame, 0, BW_LANE_FRAME_SIZE);
        memcpy(ethernet.ether_shost, from->mac, 6);
        memcpy(ethernet.ether_dhost, to_mac, 6);
        ip.check = checksum(&ip, sizeof ip);
        memcpy(frame, &ethernet, sizeof ethernet);
        memcpy(frame + ETH_HLEN, &ip, sizeof ip);
        memcpy(frame + ETH_HLEN + sizeof ip, &udp, sizeof udp);
}

static uint16_t checksum6(const struct ip6_hdr *ip, const struct udphdr *udp) {
        /* RFC 8200 8.1: addresses, length and protocol belong to what is summed up. */
        struct {
                struct in6_addr from, to;
                uint32_t length, protocol;
                struct udphdr udp;
        } sum = { ip->ip6_src, ip->ip6_dst, htonl(sizeof *udp), htonl(IPPROTO_UDP), *udp };

        return checksum(&sum, sizeof sum);
}

static void write_frame6(uint8_t *frame, const BwLanePort *from, const BwLanePort *to) {
        struct ether_header ethernet = { .ether_type = htons(ETHERTYPE_IPV6) };
        struct ip6_hdr ip = { .ip6_src = from->address6, .ip6_dst = to->address6 };
        struct udphdr udp = { .source = htons(7777), .dest = htons(7777), .len = htons(8) };

        memset(frame, 0, BW_LANE_FRAME6_SIZE);
        memcpy(ethernet.ether_shost, from->mac, 6);
        memcpy(ethernet.ether_dhost, to->mac, 6);
        ip.ip6_flow = htonl(6u << 28);
        ip.ip6_plen = htons(sizeof udp);
        ip.ip6_nxt = IPPROTO_UDP;
        ip.ip6_hlim = 64;
        udp.check = checksum6(&ip, &udp);
        memcpy(frame, &ethernet, sizeof ethernet);
        memcpy(frame + ETH_HLEN, &ip, sizeof ip);
        memcpy(frame + ETH_HLEN + sizeof ip, &udp, sizeof udp);
}

/* RFC 826: who has @to's address? */
static void write_arp(uint8_t *frame, const BwLanePort *from, const BwLanePort *to,
                      uint32_t sender) {
        struct ether_header ethernet = { .ether_type = htons(ETHERTYPE_ARP) };
        struct ether_arp arp = { .ea_hdr = { .ar_hrd = htons(ARPHRD_ETHER),
                                             .ar_pro = htons(ETHERTYPE_IP),
                                             .ar_hln = 6,
                                             .ar_pln = 4,
                                             .ar_op = htons(ARPOP_REQUEST) } };

        memset(frame, 0, BW_LANE_FRAME_SIZE);
        memcpy(ethernet.ether_shost, from->mac, 6);
        memcpy(ethernet.ether_dhost, to->mac, 6);
        memcpy(arp.arp_sha, from->mac, 6);
        memcpy(arp.arp_spa, &sender, 4);
        memcpy(arp.arp_tpa, &to->address, 4);
        memcpy(frame, &ethernet, sizeof ethernet);
        memcpy(frame + ETH_HLEN, &arp, sizeof arp);
}

gsize bw_lane_frame(uint8_t frame[BW_LANE_MOST_FRAME], BwLaneFamily family, const BwLanePort *from,
                    const BwLanePort *to) {
        switch (family) {
        case BW_LANE_IPV4:
                write_frame(frame, from, to->mac, from->address, to->address);
                return BW_LANE_FRAME_SIZE;
        case BW_LANE_IPV6:
                write_frame6(frame, from, to);
                return BW_LANE_FRAME6_SIZE;
        }
        g_assert_not_reached();
}

void bw_lane_send(const BwLanePort *port, const uint8_t *frame, gsize size) {
        if (write(port->fd, frame, size) != (ssize_t) size)
                bw_lane_die("Cannot send into %s", port->name);
}

void bw_lane_announce(const BwLanePort *port) {
        uint8_t frame[BW_LANE_FRAME_SIZE], mac[6];

        bridge_mac(port->bridge, mac);
        write_frame(frame, port, mac, port->address, htonl(BW_LANE_FOREIGN));
        bw_lane_send(port, frame, sizeof frame);
}

unsigned bw_lane_drain(const BwLanePort *port, const uint8_t *frame, gsize size) {
        uint8_t got[2048];
        unsigned same = 0;
        ssize_t n;

        while ((n = read(port->fd, got, sizeof got)) > 0)
                same += (gsize) n == size && memcmp(got, frame, size) == 0;
        return same;
}

/* ---- guard ---- */

static bool arrives(const BwLanePort *from, const BwLanePort *to, const uint8_t *frame,
                    gsize size) {
        bw_lane_send(from, frame, size);
        return bw_lane_drain(to, frame, size) > 0;
}

static bool ipv4_arrives(const BwLanePort *from, const BwLanePort *to, uint32_t source,
                         uint32_t destination) {
        uint8_t frame[BW_LANE_FRAME_SIZE];

        write_frame(frame, from, to->mac, source, destination);
        return arrives(from, to, frame, sizeof frame);
}

static bool ipv6_arrives(const BwLanePort *from, const BwLanePort *to) {
        uint8_t frame[BW_LANE_MOST_FRAME];
        gsize size = bw_lane_frame(frame, BW_LANE_IPV6, from, to);

        return arrives(from, to, frame, size);
}

static bool arp_arrives(const BwLanePort *from, const BwLanePort *to, uint32_t sender) {
        uint8_t frame[BW_LANE_FRAME_SIZE];

        write_arp(frame, from, to, sender);
        return arrives(from, to, frame, sizeof frame);
}

static BwLaneGuard try_arp(const BwLanePort *port, const BwLanePort *peer) {
        if (arp_arrives(port, peer, htonl(BW_LANE_FOREIGN)))
                return BW_LANE_OPEN;
        /* From this one the bridge learns where the port is, so that the next are not flooded. */
        if (!arp_arrives(port, peer, port->address) || !arp_arrives(peer, port, peer->address))
                return BW_LANE_SHUT;
        return BW_LANE_GUARDED;
}

static BwLaneGuard try_ip(const BwLanePort *port, const BwLanePort *peer) {
        const uint32_t foreign = htonl(BW_LANE_FOREIGN);

        if (ipv4_arrives(port, peer, foreign, peer->address))
                return BW_LANE_OPEN;
        if (!ipv4_arrives(port, peer, port->address, peer->address))
                return BW_LANE_SHUT;
        if (ipv4_arrives(peer, port, peer->address, foreign))
                return BW_LANE_OPEN;
        if (!ipv4_arrives(peer, port, peer->address, port->address) || !ipv6_arrives(port, peer) ||
            !ipv6_arrives(peer, port))
                return BW_LANE_SHUT;
        return BW_LANE_GUARDED;
}

static BwLaneGuard try_frames(BwLaneFrames frames, const BwLanePort *port, const BwLanePort *peer) {
        switch (frames) {
        case BW_LANE_ARP:
                return try_arp(port, peer);
        case BW_LANE_IP:
                return try_ip(port, peer);
        }
        g_assert_not_reached();
}

static void die_unguarded(const BwLanePort *port, BwLaneGuard guard) {
        errno = 0;
        bw_lane_die("%s is not guarded after %d seconds: %s", port->name, AWAIT_SECONDS,
                    guard == BW_LANE_OPEN ? "forged packets pass" : "its own packets do not pass");
}

/* Another port of the same bridge, the same for nearly all. */
static const BwLanePort *peer_of(const BwLane *lane, unsigned number) {
        unsigned first = number % lane->n_bridges;

        return bw_lane_port(lane, number == first ? first + lane->n_bridges : first);
}

unsigned bw_lane_await_guard(const BwLane *lane, BwLaneFrames frames, unsigned first,
                             unsigned last) {
        const int64_t deadline = bw_lane_now() + AWAIT_SECONDS * INT64_C(1000000000);
        BwLaneGuard guard;
        unsigned leaks = 0;

        bw_lane_announce(peer_of(lane, first));
        for (unsigned i = first; i <= last; i += guard == BW_LANE_GUARDED) {
                guard = try_frames(frames, bw_lane_port(lane, i), peer_of(lane, i));
                leaks += guard == BW_LANE_OPEN;
                if (guard == BW_LANE_GUARDED)
                        continue;
                if (bw_lane_now() > deadline)
                        die_unguarded(bw_lane_port(lane, i), guard);
                g_usleep(200);
        }
        return leaks;
}
