/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Lanes of the benchmark
 *
 * A lane is a network namespace with one bridge, br0, and ports vk0, vk1, ...
 * that are taps held open by this process. Writing a frame to a tap runs the
 * whole way through the bridge before write() returns. Lanes of one process
 * stand side by side, so that they can be compared packet by packet.
 *
 * A lane may have more bridges, br0, br1, ...: a tree in which each is joined to
 * its parent by a veth pair, upN at the bridge N itself and downN at the parent.
 * The ports are dealt out to them in turn.
 */

#include <glib.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define BW_LANE_BRIDGE      "br0"
#define BW_LANE_BRANCHES    3
#define BW_LANE_FOREIGN     0x0a4dfffe /* 10.77.255.254: no port's address */
#define BW_LANE_FRAME_SIZE  60
#define BW_LANE_FRAME6_SIZE 62
#define BW_LANE_MOST_FRAME  BW_LANE_FRAME6_SIZE

typedef struct BwLanePort {
        char name[IF_NAMESIZE];
        int fd; /* the tap, non-blocking */
        int ifindex;
        unsigned bridge;
        uint8_t mac[6];
        uint32_t address; /* network byte order */
        struct in6_addr address6;
} BwLanePort;

typedef struct BwLane BwLane;

/* @netns: a file to enter, "/run/netns/plain". The bridges are up and have no ports but the pairs
 * that join them; br_netfilter is on. Bridges and ports outlive the lane and go with the namespace:
 * removing 1000 taps one by one takes half a minute. */
BwLane *bw_lane_new(const char *netns, unsigned n_bridges);
void bw_lane_free(BwLane *lane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwLane, bw_lane_free)

/* The bridge that @bridge, not the first, is joined to. */
unsigned bw_lane_parent(unsigned bridge);

/* Makes vk@number, up, not yet in a bridge. Lent until it is removed. */
BwLanePort *bw_lane_add_port(BwLane *lane, unsigned number);
void bw_lane_enslave_port(BwLane *lane, const BwLanePort *port);
/* Makes and enslaves vk@first .. vk@last. */
void bw_lane_add_ports(BwLane *lane, unsigned first, unsigned last);
void bw_lane_remove_port(BwLane *lane, unsigned number);
/* NULL when there is none. */
BwLanePort *bw_lane_port(const BwLane *lane, unsigned number);

typedef enum BwLaneFamily {
        BW_LANE_IPV4,
        BW_LANE_IPV6,
} BwLaneFamily;

/* A small UDP packet from @from to @to, its own addresses in Ethernet and IP. Its size. */
gsize bw_lane_frame(uint8_t frame[BW_LANE_MOST_FRAME], BwLaneFamily family, const BwLanePort *from,
                    const BwLanePort *to);
/* Lets the bridge learn where @port is, without flooding. */
void bw_lane_announce(const BwLanePort *port);
void bw_lane_send(const BwLanePort *port, const uint8_t *frame, gsize size);
/* Empties the port's queue; how many of the frames were @frame. */
unsigned bw_lane_drain(const BwLanePort *port, const uint8_t *frame, gsize size);

typedef enum BwLaneGuard {
        BW_LANE_OPEN,    /* a frame from or for a foreign address passes       */
        BW_LANE_SHUT,    /* it does not, but neither do all of the port's own  */
        BW_LANE_GUARDED, /* it does not, and the port's own pass both ways     */
} BwLaneGuard;

/* What a port is tried with. Where strangers are dropped its own pass when every engine that sees
 * such frames has its rules in place. */
typedef enum BwLaneFrames {
        BW_LANE_ARP, /* iptables never sees them */
        BW_LANE_IP,  /* IPv4 and IPv6 */
} BwLaneFrames;

/* Tries every 0.2 ms until vk@first .. vk@last are all guarded; ends the process when that takes
 * too long. How often one was found open meanwhile. Each bridge must have two ports. */
unsigned bw_lane_await_guard(const BwLane *lane, BwLaneFrames frames, unsigned first,
                             unsigned last);

/* Ends the process. errno, when not 0, is told too. */
void bw_lane_die(const char *format, ...) G_GNUC_NORETURN G_GNUC_PRINTF(1, 2);
/* 10.77.0.1 for port 0, and so on; network byte order. */
uint32_t bw_lane_address(unsigned number);
/* fd77::1 for port 0, and so on. */
void bw_lane_address6(unsigned number, struct in6_addr *address);
void bw_lane_mac(unsigned number, uint8_t mac[6]);
int64_t bw_lane_now(void); /* nanoseconds of CLOCK_MONOTONIC */
/* Of this thread alone: other programs that take the processor away in between do not count. */
int64_t bw_lane_processor_time(void);
int64_t bw_lane_process_time(void); /* of all threads */
/* Keeps the calling thread on one processor, so that its caches and clock are always the same. */
void bw_lane_pin(void);
