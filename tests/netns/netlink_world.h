/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What facts of the rtnetlink adapter add up to
 *
 * An object's key and what was last said of it, both as text, for tests in a network namespace of
 * their own.
 */

#include <netlink.h>
#include <string.h>

typedef struct BwNetlinkWorld {
        BwNetlink *netlink;
        GHashTable *known;  /* key -> what was last said, both text */
        GHashTable *coming; /* the snapshot that has begun and not ended */
        unsigned overruns, snapshots;
        void (*on_overrun)(struct BwNetlinkWorld *world);
        bool tear; /* change the world in the middle of the next dump */
} BwNetlinkWorld;

/* Enters namespaces of its own and runs what @add_tests adds; where that cannot be, says why and
 * skips all. To be returned from main(). */
int bw_netlink_world_run_tests(int argc, char **argv, void (*add_tests)(void));

/* With one dump taken. */
BwNetlinkWorld *bw_netlink_world_open(void);
void bw_netlink_world_close(BwNetlinkWorld *world);
/* One more dump, which nothing tears. */
void bw_netlink_world_dump(BwNetlinkWorld *world);
/* What was last said of an object, by its key, or NULL: "link IFINDEX", "fdb BRIDGE MAC VLAN",
 * "neighbour IFINDEX ADDRESS", "address IFINDEX ADDRESS/LENGTH". */
const char *bw_netlink_world_find(const BwNetlinkWorld *world, const char *format, ...)
        G_GNUC_PRINTF(2, 3);
/* Whether a fresh world knows the same. */
void bw_netlink_world_check_fresh(BwNetlinkWorld *world);

/* One turn of the main loop, or a moment. */
void bw_netlink_world_turn(void);
/* Until nothing has come for a while: for what must not come. */
void bw_netlink_world_settle(void);

/* Whether @words stand in @value, which may be NULL. */
static inline bool says(const char *value, const char *words) {
        return value && strstr(value, words);
}

/* What must come. */
#define WAIT_FOR(condition)                                                                        \
        do {                                                                                       \
                int64_t end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;                        \
                while (!(condition) && g_get_monotonic_time() < end)                               \
                        bw_netlink_world_turn();                                                   \
                g_assert_true(condition);                                                          \
        } while (0)
