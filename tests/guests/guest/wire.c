/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire: what the lab says and hears on a cable, inside guests and on the host.
 *
 *   wire poison IF COUNT MS [VICTIM_IP VICTIM_MAC CLAIMED_IP]...
 *       ARP replies that say "CLAIMED_IP is at my MAC", COUNT rounds.
 *   wire send IF src=IP [dst=IP] [smac=MAC] [dmac=MAC] [ttl=N] [count=N] [us=N] [icmp=1]
 *       UDP datagrams (or echo requests) with any source; prints how many were sent. What is left
 *       out is 0.0.0.0 or broadcast.
 *   wire frame IF COUNT US HEX...
 *       These bytes as they are, one frame after the other, COUNT rounds with US between them;
 *       prints how many were sent.
 *   wire count IF FILE [dir=in|out] [src=IP] [dst=IP] [notsrc=IP] [notdst=IP,IP] [proto=N]
 *        [at=N:HEX]
 *       Counts IPv4 frames until it is killed. FILE always holds "PACKETS LAST_TTL LOST".
 *       dir=in: what the interface received (default); out: what was sent out of it.
 *       notdst leaves out multicast and broadcast: "not for these addresses".
 *       at=12:0806,28:c0a8320f: instead, any frame with these bytes at these places.
 *
 * Everything is bounded: at most a million frames, at most two minutes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FRAMES  1000000L
#define MAX_SECONDS 120
#define MAX_LENGTH  1514
#define LOOK_AT     128 /* bytes of a frame that a count can ask for */
#define MAX_OWN     8   /* addresses that notdst= can name */

typedef struct Wire {
        int fd;
        int ifindex;
        unsigned char mac[ETH_ALEN];
} Wire;

static void die(const char *what) {
        fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void usage(void) {
        fputs("wire: see the first lines of wire.c\n", stderr);
        exit(2);
}

static long bounded(const char *text, long max) {
        long value = strtol(text, NULL, 10);

        return value < 0 ? 0 : value > max ? max : value;
}

/* The VALUE of an argument KEY=VALUE, or @otherwise. The first argument is the interface. */
static const char *option(int argc, char **argv, const char *key, const char *otherwise) {
        size_t length = strlen(key);

        for (int i = 1; i < argc; i++)
                if (!strncmp(argv[i], key, length) && argv[i][length] == '=')
                        return argv[i] + length + 1;
        return otherwise;
}

static void parse_mac(const char *text, unsigned char *ret) {
        if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", ret, ret + 1, ret + 2, ret + 3, ret + 4,
                   ret + 5) != ETH_ALEN)
                usage();
}

static uint32_t parse_ip(const char *text) {
        struct in_addr address;

        if (inet_pton(AF_INET, text, &address) != 1)
                usage();
        return address.s_addr;
}

static Wire open_wire(const char *name, int protocol) {
        Wire wire = { .fd = socket(AF_PACKET, SOCK_RAW, 0) };
        struct ifreq request = { 0 };
        struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };

        if (wire.fd < 0)
                die("socket");
        snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
        if (ioctl(wire.fd, SIOCGIFHWADDR, &request) < 0)
                die(name);
        memcpy(wire.mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
        if (ioctl(wire.fd, SIOCGIFINDEX, &request) < 0)
                die(name);
        wire.ifindex = address.sll_ifindex = request.ifr_ifindex;
        if (protocol && bind(wire.fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                die("bind");
        return wire;
}

static bool put_frame(const Wire *wire, const void *frame, size_t length) {
        struct sockaddr_ll to = { .sll_family = AF_PACKET,
                                  .sll_ifindex = wire->ifindex,
                                  .sll_halen = ETH_ALEN };

        memcpy(to.sll_addr, frame, ETH_ALEN);
        return sendto(wire->fd, frame, length, 0, (struct sockaddr *) &to, sizeof(to)) ==
               (ssize_t) length;
}

static time_t seconds_now(void) {
        struct timespec now;

        clock_gettime(CLOCK_BOOTTIME, &now);
        return now.tv_sec;
}

/* --- poison --- */

static bool poison_once(const Wire *wire, char **triple) {
        struct {
                struct ether_header ethernet;
                struct ether_arp arp;
        } __attribute__((packed)) frame = { 0 };
        uint32_t victim = parse_ip(triple[0]), claimed = parse_ip(triple[2]);

        parse_mac(triple[1], frame.ethernet.ether_dhost);
        memcpy(frame.ethernet.ether_shost, wire->mac, ETH_ALEN);
        frame.ethernet.ether_type = htons(ETH_P_ARP);
        frame.arp.arp_hrd = htons(ARPHRD_ETHER);
        frame.arp.arp_pro = htons(ETH_P_IP);
        frame.arp.arp_hln = ETH_ALEN;
        frame.arp.arp_pln = 4;
        frame.arp.arp_op = htons(ARPOP_REPLY);
        memcpy(frame.arp.arp_sha, wire->mac, ETH_ALEN);
        memcpy(frame.arp.arp_spa, &claimed, 4);
        memcpy(frame.arp.arp_tha, frame.ethernet.ether_dhost, ETH_ALEN);
        memcpy(frame.arp.arp_tpa, &victim, 4);
        return put_frame(wire, &frame, sizeof(frame));
}

static int poison(int argc, char **argv) {
        Wire wire;
        long rounds, pause_ms, sent = 0;

        if (argc < 6 || argc % 3)
                usage();
        wire = open_wire(argv[0], 0);
        rounds = bounded(argv[1], MAX_FRAMES);
        pause_ms = bounded(argv[2], 10000);
        for (long round = 0; round < rounds; round++) {
                for (int i = 3; i < argc; i += 3)
                        sent += poison_once(&wire, argv + i);
                usleep(pause_ms * 1000);
        }
        printf("%ld\n", sent);
        return 0;
}

/* --- send --- */

typedef struct Packet {
        struct ether_header ethernet;
        struct iphdr ip;
        union {
                struct udphdr udp;
                struct icmphdr icmp;
        };
        char payload[18]; /* up to the least length of an Ethernet frame */
} __attribute__((packed)) Packet;

static uint16_t checksum(const void *start, size_t length) {
        const unsigned char *bytes = start;
        uint32_t sum = 0;

        for (size_t i = 0; i + 1 < length; i += 2)
                sum += bytes[i] << 8 | bytes[i + 1];
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return htons(~sum & 0xffff);
}

static void seal(Packet *packet, bool icmp) {
        packet->ethernet.ether_type = htons(ETH_P_IP);
        packet->ip.version = 4;
        packet->ip.ihl = 5;
        packet->ip.tot_len = htons(sizeof(*packet) - sizeof(packet->ethernet));
        packet->ip.protocol = icmp ? IPPROTO_ICMP : IPPROTO_UDP;
        packet->ip.check = checksum(&packet->ip, sizeof(packet->ip));
        memcpy(packet->payload, "bridgewarden's lab", sizeof(packet->payload));
        if (!icmp) {
                packet->udp.source = packet->udp.dest = htons(9);
                packet->udp.len = htons(sizeof(packet->udp) + sizeof(packet->payload));
                return;
        }
        packet->icmp.type = ICMP_ECHO;
        packet->icmp.checksum =
                checksum(&packet->icmp, sizeof(packet->icmp) + sizeof(packet->payload));
}

static int send_packets(int argc, char **argv) {
        Packet packet = { .ip = { .ttl = 64 } };
        Wire wire = open_wire(argv[0], 0);
        long count = bounded(option(argc, argv, "count", "1"), MAX_FRAMES), sent = 0;
        long pause_us = bounded(option(argc, argv, "us", "0"), 10000000);
        time_t end = seconds_now() + MAX_SECONDS;

        memcpy(packet.ethernet.ether_shost, wire.mac, ETH_ALEN);
        if (option(argc, argv, "smac", NULL))
                parse_mac(option(argc, argv, "smac", NULL), packet.ethernet.ether_shost);
        parse_mac(option(argc, argv, "dmac", "ff:ff:ff:ff:ff:ff"), packet.ethernet.ether_dhost);
        packet.ip.saddr = parse_ip(option(argc, argv, "src", "0.0.0.0"));
        packet.ip.daddr = parse_ip(option(argc, argv, "dst", "255.255.255.255"));
        packet.ip.ttl = bounded(option(argc, argv, "ttl", "64"), 255);
        seal(&packet, option(argc, argv, "icmp", NULL));
        for (long i = 0; i < count && seconds_now() < end; i++) {
                sent += put_frame(&wire, &packet, sizeof(packet));
                if (pause_us)
                        usleep(pause_us);
        }
        printf("%ld\n", sent);
        return 0;
}

/* --- frame --- */

/* The bytes of @hex up to its end or a comma; their number, or usage when it is no hex. */
static size_t parse_hex(const char *hex, unsigned char *ret, size_t room) {
        size_t length = 0;

        for (; hex[0] && hex[0] != ','; hex += 2) {
                if (length == room || sscanf(hex, "%2hhx", &ret[length++]) != 1 || !hex[1])
                        usage();
        }
        return length;
}

static int send_frames(int argc, char **argv) {
        unsigned char bytes[MAX_LENGTH];
        Wire wire = open_wire(argv[0], 0);
        long rounds = bounded(argv[1], MAX_FRAMES), pause_us, sent = 0;
        time_t end = seconds_now() + MAX_SECONDS;

        if (argc < 4)
                usage();
        pause_us = bounded(argv[2], 10000000);
        for (long round = 0; round < rounds && seconds_now() < end; round++) {
                for (int i = 3; i < argc; i++)
                        sent += put_frame(&wire, bytes, parse_hex(argv[i], bytes, sizeof(bytes)));
                if (pause_us)
                        usleep(pause_us);
        }
        printf("%ld\n", sent);
        return 0;
}

/* --- count --- */

typedef struct Filter {
        bool outgoing;
        uint32_t source, destination, not_source;
        uint32_t own[MAX_OWN]; /* notdst= */
        int n_own, protocol;
        const char *at; /* or NULL: IPv4 by the fields above */
} Filter;

typedef struct Frame {
        unsigned char bytes[LOOK_AT];
        size_t length;
        int packet_type;
} Frame;

static bool is_for_one(uint32_t address) {
        return address != INADDR_BROADCAST && !IN_MULTICAST(ntohl(address));
}

static bool is_own(const Filter *filter, uint32_t address) {
        for (int i = 0; i < filter->n_own; i++)
                if (filter->own[i] == address)
                        return true;
        return false;
}

static bool matches_ip(const Filter *filter, const struct iphdr *ip) {
        if (filter->source && ip->saddr != filter->source)
                return false;
        if (filter->destination && ip->daddr != filter->destination)
                return false;
        if (filter->not_source && ip->saddr == filter->not_source)
                return false;
        if (filter->n_own && (is_own(filter, ip->daddr) || !is_for_one(ip->daddr)))
                return false;
        return !filter->protocol || ip->protocol == filter->protocol;
}

/* Whether all the bytes of "PLACE:HEX,PLACE:HEX" are where they are asked for. */
static bool matches_bytes(const char *at, const Frame *frame) {
        unsigned char wanted[LOOK_AT];

        for (; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
                const char *hex = strchr(at, ':');
                size_t place = bounded(at, LOOK_AT), length;

                if (!hex)
                        usage();
                length = parse_hex(hex + 1, wanted, sizeof(wanted));
                if (place + length > frame->length || memcmp(frame->bytes + place, wanted, length))
                        return false;
        }
        return true;
}

static bool read_ip(const Frame *frame, struct iphdr *ret) {
        const struct ether_header *ethernet = (const struct ether_header *) frame->bytes;

        if (frame->length < sizeof(*ethernet) + sizeof(*ret) ||
            ethernet->ether_type != htons(ETH_P_IP))
                return false;
        memcpy(ret, frame->bytes + sizeof(*ethernet), sizeof(*ret));
        return ret->version == 4;
}

static bool matches(const Filter *filter, const Frame *frame, const struct iphdr *ip) {
        if ((frame->packet_type == PACKET_OUTGOING) != filter->outgoing)
                return false;
        if (filter->at)
                return matches_bytes(filter->at, frame);
        return ip && matches_ip(filter, ip);
}

/* The addresses of "IP,IP"; their number. */
static int parse_ips(const char *text, uint32_t *ret, int room) {
        char copy[256], *rest = copy, *word;
        int n = 0;

        snprintf(copy, sizeof(copy), "%s", text);
        while ((word = strsep(&rest, ",")) && word[0]) {
                if (n == room)
                        usage();
                ret[n++] = parse_ip(word);
        }
        return n;
}

static Filter parse_filter(int argc, char **argv) {
        Filter filter = {
                .outgoing = !strcmp(option(argc, argv, "dir", "in"), "out"),
                .source = parse_ip(option(argc, argv, "src", "0.0.0.0")),
                .destination = parse_ip(option(argc, argv, "dst", "0.0.0.0")),
                .not_source = parse_ip(option(argc, argv, "notsrc", "0.0.0.0")),
                .protocol = bounded(option(argc, argv, "proto", "0"), 255),
                .at = option(argc, argv, "at", NULL),
        };

        filter.n_own = parse_ips(option(argc, argv, "notdst", ""), filter.own, MAX_OWN);
        return filter;
}

static void write_result(int file, long packets, int ttl, long lost) {
        char line[64];
        int length = snprintf(line, sizeof(line), "%12ld %3d %12ld\n", packets, ttl, lost);

        if (pwrite(file, line, length, 0) != length)
                die("write");
}

/* Frames the socket itself had no room for: a count of zero with losses proves nothing. */
static long read_losses(int fd) {
        struct tpacket_stats stats = { 0 };
        socklen_t size = sizeof(stats);

        getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
        return stats.tp_drops;
}

/* One frame off the socket; or false with errno. */
static bool read_frame(int fd, Frame *ret) {
        struct sockaddr_ll from;
        socklen_t size = sizeof(from);
        ssize_t length = recvfrom(fd, ret->bytes, sizeof(ret->bytes), MSG_DONTWAIT,
                                  (struct sockaddr *) &from, &size);

        if (length < 0)
                return false;
        ret->length = length;
        ret->packet_type = from.sll_pkttype;
        return true;
}

static int count_packets(int argc, char **argv) {
        Filter filter = parse_filter(argc, argv);
        /* outgoing frames are shown only to sockets that listen to every protocol */
        Wire wire = open_wire(argv[0], ETH_P_ALL);
        struct pollfd ready = { .fd = wire.fd, .events = POLLIN };
        int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
        int ttl = 0, room = 32 << 20;
        long packets = 0, lost = 0;
        Frame frame;
        struct iphdr ip;

        if (file < 0)
                die(argv[1]);
        setsockopt(wire.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
        for (;;) {
                if (!read_frame(wire.fd, &frame)) {
                        if (errno == ENETDOWN || errno == ENXIO)
                                return 0;
                        lost += read_losses(wire.fd);
                        write_result(file, packets, ttl, lost);
                        poll(&ready, 1, -1);
                        continue;
                }
                bool is_ip = read_ip(&frame, &ip);

                if (matches(&filter, &frame, is_ip ? &ip : NULL)) {
                        packets++;
                        ttl = is_ip ? ip.ttl : 0;
                }
        }
}

int main(int argc, char **argv) {
        if (argc < 4)
                usage();
        if (!strcmp(argv[1], "poison"))
                return poison(argc - 2, argv + 2);
        if (!strcmp(argv[1], "send"))
                return send_packets(argc - 2, argv + 2);
        if (!strcmp(argv[1], "frame"))
                return send_frames(argc - 2, argv + 2);
        if (!strcmp(argv[1], "count"))
                return count_packets(argc - 2, argv + 2);
        usage();
        return 2;
}
