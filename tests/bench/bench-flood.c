/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A flood of MACs, and whether the daemon answers meanwhile
 *
 * bench-flood send LINK MAC COUNT SECONDS   sends COUNT frames to MAC from LINK, evenly over that
 *     time, each from a MAC and an address of its own; prints how long it took, milliseconds
 * bench-flood ask COUNT MILLISECONDS        asks the daemon for its ports and its generation, COUNT
 *     times, beginning once in that time; prints lines of microseconds: "ListPorts", "Generation"
 */

#include "lane.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define SERVICE   "org.bridgewarden1"
#define OBJECT    "/org/bridgewarden1"
#define INTERFACE "org.bridgewarden1.Manager"
#define TICK_NS   INT64_C(1000000)

static void sleep_until(int64_t then) {
        int64_t now = bw_lane_now();

        if (then > now)
                g_usleep((gulong) ((then - now) / 1000));
}

static int open_link(const char *name) {
        struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                       .sll_ifindex = (int) if_nametoindex(name) };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof address) < 0)
                bw_lane_die("Cannot send from %s", name);
        return fd;
}

/* 198.18.0.0/15 is for benchmarks (RFC 2544), and nobody's here. */
static void send_one(int fd, const BwLanePort *to, unsigned number) {
        BwLanePort from = { .address = htonl(0xc6120000 + number % 0x1ffff) };
        uint8_t frame[BW_LANE_MOST_FRAME];
        gsize size;

        memcpy(from.mac, (uint8_t[]){ 0x02, 0xdd, 0, number >> 16, number >> 8, number }, 6);
        size = bw_lane_frame(frame, BW_LANE_IPV4, &from, to);
        if (send(fd, frame, size, 0) != (ssize_t) size)
                bw_lane_die("Cannot send");
}

static void send_flood(const char *link, const char *mac, unsigned count, unsigned seconds) {
        const int64_t start = bw_lane_now(), span = seconds * INT64_C(1000000000);
        BwLanePort to = { .address = htonl(BW_LANE_FOREIGN) };
        unsigned sent = 0;
        int fd = open_link(link);

        if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", to.mac, to.mac + 1, to.mac + 2, to.mac + 3,
                   to.mac + 4, to.mac + 5) != 6)
                bw_lane_die("%s is no MAC", mac);
        for (int64_t tick = 1; sent < count; tick++) {
                unsigned due = (unsigned) MIN(tick * TICK_NS * count / span, count);

                sleep_until(start + tick * TICK_NS);
                while (sent < due)
                        send_one(fd, &to, sent++);
        }
        printf("%.0f\n", (bw_lane_now() - start) / 1e6);
        close(fd);
}

static void must(int result, const char *what) {
        errno = -result;
        if (result < 0)
                bw_lane_die("%s", what);
}

static double ask_ports(sd_bus *bus) {
        int64_t start = bw_lane_now();
        sd_bus_message *reply = NULL;

        must(sd_bus_call_method(bus, SERVICE, OBJECT, INTERFACE, "ListPorts", NULL, &reply, ""),
             "ListPorts");
        sd_bus_message_unref(reply);
        return (bw_lane_now() - start) / 1e3;
}

static double ask_generation(sd_bus *bus) {
        int64_t start = bw_lane_now();
        uint64_t generation;

        must(sd_bus_get_property_trivial(bus, SERVICE, OBJECT, INTERFACE, "Generation", NULL, 't',
                                         &generation),
             "Generation");
        return (bw_lane_now() - start) / 1e3;
}

static void print_row(const char *name, const double *row, unsigned count) {
        printf("%s", name);
        for (unsigned i = 0; i < count; i++)
                printf(" %.0f", row[i]);
        printf("\n");
}

static void ask(unsigned count, unsigned milliseconds) {
        g_autofree double *ports = g_new0(double, count), *generations = g_new0(double, count);
        const int64_t start = bw_lane_now();
        sd_bus *bus = NULL;

        must(sd_bus_open_system(&bus), "Cannot come to the bus");
        for (unsigned i = 0; i < count; i++) {
                sleep_until(start + i * INT64_C(1000000) * milliseconds);
                ports[i] = ask_ports(bus);
                generations[i] = ask_generation(bus);
        }
        print_row("ListPorts", ports, count);
        print_row("Generation", generations, count);
        sd_bus_flush_close_unref(bus);
}

int main(int argc, char **argv) {
        g_set_prgname("bench-flood");
        errno = 0;
        if (argc == 6 && g_str_equal(argv[1], "send") && atoi(argv[4]) > 0 && atoi(argv[5]) > 0)
                send_flood(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
        else if (argc == 4 && g_str_equal(argv[1], "ask") && atoi(argv[2]) > 0)
                ask(atoi(argv[2]), atoi(argv[3]));
        else
                bw_lane_die(
                        "Usage: bench-flood send LINK MAC COUNT SECONDS | ask COUNT MILLISECONDS");
        return 0;
}
