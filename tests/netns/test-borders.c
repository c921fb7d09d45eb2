/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bridges that veth pairs join, on a real kernel: what borders let in and out, frame by frame, with
 * who must get each said by hand. Knows no engine's rules.
 */

#include "border_net.h"
#include "border_packet.h"
#include "borders.h"

#include <netns.h>
#include <random.h>
#include <unistd.h>

/* Who sends: an end, or the host itself by t-a. */
#define HOST BW_NET_MOST_ENDS

typedef struct Row {
        const char *name;
        unsigned from;
        BwNetPacket packet;
        unsigned arrives; /* set of ends */
} Row;

/* The two bridges, guarded as the test's settings say. */
typedef struct Scene {
        BwNet *net;
        int host; /* where the host sends */
} Scene;

static void set_up(Scene *scene, gconstpointer settings) {
        scene->net = bw_net_new_two(BW_ENGINE_NFTABLES);
        scene->host = bw_net_open_wire("t-a");
        bw_net_arm(scene->net, settings);
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer settings) {
        close(scene->host);
        bw_net_free(scene->net);
}

static unsigned fire(const Scene *scene, const Row *row) {
        g_autoptr(GByteArray) frame = bw_net_packet(&row->packet);

        return row->from == HOST ? bw_net_fire_by(scene->net, scene->host, frame)
                                 : bw_net_fire(scene->net, row->from, frame);
}

static void judge_rows(const Scene *scene, const Row *rows, gsize n) {
        unsigned wrong = 0;

        for (gsize i = 0; i < n; i++) {
                unsigned arrived = fire(scene, &rows[i]);

                if (arrived == rows[i].arrives)
                        continue;
                wrong++;
                g_test_message("WRONG %s: arrived at %x, not at %x", rows[i].name, arrived,
                               rows[i].arrives);
        }
        g_assert_cmpuint(wrong, ==, 0);
}

static uint64_t count(const Scene *scene, BwDirection direction, BwReason reason, bool drops) {
        return bw_net_count(scene->net, direction, reason, drops);
}

/* Somebody behind the uplink of t-a sends to all; and the legal twin of each trick. */
#define FROM_UA(form, source, destination, more)                                                   \
        UA, {                                                                                      \
                form, ALL_MACS, UA_MAC, source, destination, more                                  \
        }
#define IPV4(form, source)  FROM_UA(form, source, "10.0.0.255", NULL)
#define IPV6(form, source)  FROM_UA(form, source, "ff02::1", NULL)
#define CLAIM(form, target) FROM_UA(form, "fe80::9", "ff02::1", target)
#define DETECT(target)      FROM_UA(NS, "::", "ff02::1", target)
#define OTHERS              ALL_BUT(UA)

static const Row at_uplink[] = {
        { "guest to all",
          A1,
          { PLAIN, ALL_MACS, A1_MAC, "10.0.0.11", "10.0.0.255", NULL },
          ALL_BUT(A1) },
        { "guest to guest beyond",
          A1,
          { PLAIN, B1_MAC, A1_MAC, "10.0.0.11", "10.0.0.21", NULL },
          AT(B1) },
        { "and back", B1, { PLAIN, A1_MAC, B1_MAC, "2001:db8::21", "2001:db8::11", NULL }, AT(A1) },
        { "guest to nobody",
          A1,
          { PLAIN, UA_MAC, A1_MAC, "10.0.0.11", "192.0.2.9", NULL },
          AT(UA) | AT(UB) },
        { "IPv4 of a guest", IPV4(PLAIN, "10.0.0.11"), NOBODY },
        { "IPv4 of a guest beyond", IPV4(PLAIN, "10.0.0.21"), NOBODY },
        { "IPv4 of nobody", IPV4(PLAIN, "192.0.2.9"), OTHERS },
        { "IPv4 of no one yet", IPV4(PLAIN, "0.0.0.0"), OTHERS },
        { "IPv4 fragment", IPV4(FRAGMENT, "10.0.0.11"), NOBODY },
        { "IPv4 fragment of nobody", IPV4(FRAGMENT, "192.0.2.9"), OTHERS },
        { "IPv4 torn", IPV4(TORN, "192.0.2.9"), NOBODY },
        { "IPv4 tagged", IPV4(TAGGED, "10.0.0.11"), NOBODY },
        { "IPv4 of nobody tagged", IPV4(TAGGED, "192.0.2.9"), OTHERS },
        { "IPv4 behind two tags", IPV4(TAGGED_TWICE, "10.0.0.11"), NOBODY },
        { "IPv4 behind an old tag", IPV4(OLD_TAGGED, "10.0.0.11"), AT(UB) },
        { "IPv6 of a guest", IPV6(PLAIN, "2001:db8::12"), NOBODY },
        { "IPv6 made from a MAC", IPV6(PLAIN, "fe80::5054:ff:fe00:b02"), NOBODY },
        { "IPv6 of nobody", IPV6(PLAIN, "2001:db8::99"), OTHERS },
        { "IPv6 link-local", IPV6(PLAIN, "fe80::9"), OTHERS },
        { "IPv6 torn", IPV6(TORN, "2001:db8::99"), NOBODY },
        { "IPv6 tagged", IPV6(TAGGED, "2001:db8::12"), NOBODY },
        { "IPv6 of nobody tagged", IPV6(TAGGED, "2001:db8::99"), OTHERS },
        { "IPv6 behind options", IPV6(EXTENDED, "2001:db8::12"), NOBODY },
        { "IPv6 of nobody behind options", IPV6(EXTENDED, "2001:db8::99"), OTHERS },
        { "IPv6 hidden", IPV6(AUTHENTICATED, "2001:db8::99"), NOBODY },
        { "ICMPv6 fragment", IPV6(FRAGMENT, "2001:db8::99"), OTHERS },
        { "ICMPv6 fragment of ND", IPV6(FRAGMENT_255, "2001:db8::99"), NOBODY },
        { "ICMPv6 without a type", IPV6(ICMP6_TORN, "2001:db8::99"), NOBODY },
        { "ICMPv6 cut off", CLAIM(ICMP6_CUT, "2001:db8::99"), NOBODY },
        { "ICMPv6 fragment of a guest", IPV6(FRAGMENT, "2001:db8::12"), NOBODY },
        { "ICMPv6 whose type is behind its end", CLAIM(ICMP6_BEHIND_END, "2001:db8::99"), NOBODY },
        { "ICMPv6 without a type behind options", IPV6(ICMP6_TORN_BEHIND, "2001:db8::99"), NOBODY },
        { "IPv5", IPV6(VERSION_5, "2001:db8::99"), NOBODY },
        { "options in a fragment", IPV6(FRAGMENT_OF_OPTIONS, "2001:db8::99"), NOBODY },
        { "an empty fragment", IPV6(FRAGMENT_EMPTY, "2001:db8::99"), OTHERS },
        { "nothing more", IPV6(NOTHING_MORE, "2001:db8::99"), OTHERS },
        { "nothing more of a guest", IPV6(NOTHING_MORE, "2001:db8::12"), NOBODY },
        { "options too long", IPV6(OPTIONS_TOO_LONG, "2001:db8::99"), NOBODY },
        { "listener behind options", IPV6(MLD, "fe80::9"), OTHERS },
        { "ARP of a guest", FROM_UA(ARP, "10.0.0.12", "10.0.0.1", NULL), NOBODY },
        { "ARP with a guest's MAC", FROM_UA(ARP, "192.0.2.9", "10.0.0.1", B2_MAC), NOBODY },
        { "ARP of nobody", FROM_UA(ARP, "192.0.2.9", "10.0.0.1", NULL), OTHERS },
        { "ARP probe", FROM_UA(ARP, "0.0.0.0", "10.0.0.11", NULL), OTHERS },
        { "ARP tagged", FROM_UA(ARP_TAGGED, "10.0.0.12", "10.0.0.1", NULL), NOBODY },
        { "ARP of nobody tagged", FROM_UA(ARP_TAGGED, "192.0.2.9", "10.0.0.1", NULL), OTHERS },
        { "ARP of another hardware", FROM_UA(ARP_ODD, "192.0.2.9", "10.0.0.1", NULL), NOBODY },
        { "ARP torn", FROM_UA(ARP_TORN, "192.0.2.9", "10.0.0.1", NULL), NOBODY },
        { "RARP", FROM_UA(RARP, "10.0.0.11", "10.0.0.11", NULL), OTHERS },
        { "NA of a guest", CLAIM(NA, "2001:db8::11"), NOBODY },
        { "NA of a guest beyond", CLAIM(NA, "2001:db8::22"), NOBODY },
        { "NA made from a MAC", CLAIM(NA, "fe80::5054:ff:fe00:a01"), NOBODY },
        { "NA of nobody", CLAIM(NA, "2001:db8::99"), OTHERS },
        { "NA tagged", CLAIM(NA_TAGGED, "2001:db8::11"), NOBODY },
        { "NA of nobody tagged", CLAIM(NA_TAGGED, "2001:db8::99"), OTHERS },
        { "NA torn", CLAIM(NA_TORN, "2001:db8::11"), OTHERS },
        { "NA understated", CLAIM(NA_UNDERSTATED, "2001:db8::11"), NOBODY },
        { "NA of nobody understated", CLAIM(NA_UNDERSTATED, "2001:db8::99"), OTHERS },
        { "NA behind options", CLAIM(NA_EXTENDED, "2001:db8::99"), NOBODY },
        { "NA in fragments", CLAIM(NA_FRAGMENT, "2001:db8::99"), NOBODY },
        { "address detection of a guest's", DETECT("2001:db8::21"), NOBODY },
        { "address detection", DETECT("2001:db8::99"), OTHERS },
        { "who has a guest's", CLAIM(NS, "2001:db8::11"), OTHERS },
        { "MAC of a guest", UA, { OTHER, ALL_MACS, A2_MAC, "::", "::", NULL }, NOBODY },
        { "MAC of a guest beyond", UA, { OTHER, ALL_MACS, B1_MAC, "::", "::", NULL }, NOBODY },
        { "MAC of a bridge", UA, { OTHER, ALL_MACS, BRIDGE_B_MAC, "::", "::", NULL }, NOBODY },
        { "MAC of nobody", UA, { OTHER, ALL_MACS, UA_MAC, "::", "::", NULL }, OTHERS },
        { "out: MAC of a guest beyond", A1, { OTHER, B1_MAC, A1_MAC, "::", "::", NULL }, NOBODY },
        { "out: IPv4 of a guest in a frame to all",
          A1,
          { PLAIN, ALL_MACS, A1_MAC, "10.0.0.11", "10.0.0.12", NULL },
          AT(A2) },
        { "out: IPv6 of a guest in a frame to all",
          A1,
          { PLAIN, ALL_MACS, A1_MAC, "2001:db8::11", "2001:db8::22", NULL },
          AT(B2) },
        { "out: IPv4 of nobody in a frame to all",
          A1,
          { PLAIN, ALL_MACS, A1_MAC, "10.0.0.11", "192.0.2.9", NULL },
          AT(UA) | AT(UB) },
        { "out: IPv6 of nobody in a frame to all",
          A1,
          { PLAIN, ALL_MACS, A1_MAC, "2001:db8::11", "2001:db8::99", NULL },
          AT(UA) | AT(UB) },
        { "out: a group",
          A1,
          { PLAIN, ALL_MACS, A1_MAC, "10.0.0.11", "224.0.0.5", NULL },
          ALL_BUT(A1) },
        { "out: all",
          A1,
          { PLAIN, ALL_MACS, A1_MAC, "10.0.0.11", "255.255.255.255", NULL },
          ALL_BUT(A1) },
        { "out: tagged", UA, { TAGGED, ALL_MACS, UA_MAC, "192.0.2.9", "10.0.0.12", NULL }, AT(A2) },
        { "out: of nobody tagged",
          UA,
          { TAGGED, ALL_MACS, UA_MAC, "192.0.2.9", "192.0.2.8", NULL },
          AT(UB) },
};

static void test_uplink(Scene *scene, G_GNUC_UNUSED gconstpointer settings) {
        unsigned hostile = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(at_uplink); i++)
                hostile += at_uplink[i].from == UA && at_uplink[i].arrives == NOBODY;
        judge_rows(scene, at_uplink, G_N_ELEMENTS(at_uplink));
        g_assert_cmpuint(count(scene, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, true), ==, hostile);
        g_assert_cmpuint(count(scene, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, false), ==, 0);
}

/* Nobody checks A1 and B1, so that the ends of the link are the first who can. */
#define UNCHECKED "[Port t-a1]\nMode=off\n[Port t-b1]\nMode=off\n"
#define FROM_A1(form, to, source, destination, more)                                               \
        A1, {                                                                                      \
                form, to, UA_MAC, source, destination, more                                        \
        }
#define HERE (AT(A2) | AT(UA))

static const Row at_link[] = {
        { "IPv4 of theirs", FROM_A1(PLAIN, ALL_MACS, "10.0.0.22", "10.0.0.255", NULL), HERE },
        { "IPv4 of ours", FROM_A1(PLAIN, ALL_MACS, "10.0.0.12", "10.0.0.255", NULL),
          AT(UA) | AT(B1) | AT(B2) | AT(UB) },
        { "IPv6 of theirs", FROM_A1(PLAIN, ALL_MACS, "2001:db8::22", "ff02::1", NULL), HERE },
        { "ARP of theirs", FROM_A1(ARP, ALL_MACS, "10.0.0.22", "10.0.0.1", NULL), HERE },
        { "ARP with a MAC of theirs", FROM_A1(ARP, ALL_MACS, "192.0.2.9", "10.0.0.1", B2_MAC),
          HERE },
        { "ARP of ours", FROM_A1(ARP, ALL_MACS, "10.0.0.12", "10.0.0.1", A2_MAC), ALL_BUT(A1) },
        { "NA of theirs", FROM_A1(NA, ALL_MACS, "fe80::9", "ff02::1", "2001:db8::22"), HERE },
        { "NA of ours", FROM_A1(NA, ALL_MACS, "fe80::9", "ff02::1", "2001:db8::12"), ALL_BUT(A1) },
        { "NA hidden", FROM_A1(NA_EXTENDED, ALL_MACS, "fe80::9", "ff02::1", "2001:db8::99"), HERE },
        { "MAC of theirs", A1, { OTHER, ALL_MACS, B2_MAC, "::", "::", NULL }, HERE },
        { "MAC of ours", A1, { OTHER, ALL_MACS, A2_MAC, "::", "::", NULL }, ALL_BUT(A1) },
        { "to IPv4 of ours", FROM_A1(PLAIN, UB_MAC, "192.0.2.9", "10.0.0.12", NULL), NOBODY },
        { "to IPv4 of ours, MAC of theirs", FROM_A1(PLAIN, B2_MAC, "192.0.2.9", "10.0.0.12", NULL),
          NOBODY },
        { "to IPv6 of ours", FROM_A1(PLAIN, UB_MAC, "192.0.2.9", "10.0.0.12", NULL), NOBODY },
        { "to IPv4 of theirs", FROM_A1(PLAIN, UB_MAC, "192.0.2.9", "10.0.0.22", NULL), AT(B1) },
        { "to MAC of ours", FROM_A1(OTHER, A2_MAC, "::", "::", NULL), AT(A2) },
        { "to MAC of theirs", FROM_A1(OTHER, B2_MAC, "::", "::", NULL), AT(B1) | AT(B2) },
        { "to MAC of nobody", FROM_A1(OTHER, UB_MAC, "::", "::", NULL), AT(UA) | AT(B1) | AT(UB) },
        { "torn", FROM_A1(TORN, ALL_MACS, "192.0.2.9", "10.0.0.255", NULL), NOBODY },
        { "IPv6 torn", FROM_A1(TORN, ALL_MACS, "2001:db8::99", "ff02::1", NULL), NOBODY },
        { "IPv5", FROM_A1(VERSION_5, ALL_MACS, "2001:db8::99", "ff02::1", NULL), NOBODY },
        { "the other way, IPv4 of theirs",
          B1,
          { PLAIN, ALL_MACS, UB_MAC, "10.0.0.12", "10.0.0.255", NULL },
          AT(B2) | AT(UB) },
        { "the other way, IPv4 of ours",
          B1,
          { PLAIN, ALL_MACS, UB_MAC, "10.0.0.22", "10.0.0.255", NULL },
          AT(UB) | AT(A1) | AT(A2) | AT(UA) },
        { "the other way, to IPv6 of ours",
          B1,
          { PLAIN, ALL_MACS, UB_MAC, "2001:db8::99", "2001:db8::22", NULL },
          AT(B2) },
        { "the other way, to IPv6 of theirs",
          B1,
          { PLAIN, ALL_MACS, UB_MAC, "2001:db8::99", "2001:db8::12", NULL },
          AT(A1) | AT(A2) },
};

static void test_link(Scene *scene, G_GNUC_UNUSED gconstpointer settings) {

        judge_rows(scene, at_link, G_N_ELEMENTS(at_link));
        g_assert_cmpuint(count(scene, BW_DIRECTION_OUT, BW_REASON_BORDER_MISDELIVERED, true), >, 0);
}

/* Behind t-ua, which is closed, are two networks; behind t-ub a part of each, and of that part one
 * address is a guest's on t-b. */
#define BEHIND                                                                                     \
        "[Port t-ua]\nClosed=yes\nAddresses=172.16.0.0/12 2001:db8:f000::/36\n"                    \
        "[Port t-ub]\nAddresses=172.16.5.0/24 2001:db8:ff00::/40\n"                                \
        "[Port t-b2]\nAddresses=10.0.0.22 2001:db8::22 172.16.5.77 2001:db8:ff00::77\n"
#define FROM_UB(form, source, destination, more)                                                   \
        UB, {                                                                                      \
                form, ALL_MACS, UB_MAC, source, destination, more                                  \
        }
#define B_IPV4(source)  FROM_UB(PLAIN, source, "10.0.0.255", NULL)
#define B_IPV6(source)  FROM_UB(PLAIN, source, "ff02::1", NULL)
#define B_CLAIM(target) FROM_UB(NA, "fe80::9", "ff02::1", target)
#define TO(destination)                                                                            \
        A1, {                                                                                      \
                PLAIN, ALL_MACS, A1_MAC, "10.0.0.11", destination, NULL                            \
        }
#define TO6(destination)                                                                           \
        A1, {                                                                                      \
                PLAIN, ALL_MACS, A1_MAC, "2001:db8::11", destination, NULL                         \
        }
#define B_OTHERS (ALL_BUT(UB))

static const Row behind_borders[] = {
        { "closed: of nobody", IPV4(PLAIN, "198.51.100.1"), NOBODY },
        { "closed: of no one yet", IPV4(PLAIN, "0.0.0.0"), OTHERS },
        { "closed: of a guest", IPV4(PLAIN, "10.0.0.11"), NOBODY },
        { "closed: IPv6 of nobody", IPV6(PLAIN, "2001:db8::99"), NOBODY },
        { "closed: IPv6 of no one yet", IPV6(PLAIN, "::"), OTHERS },
        { "closed: link-local", IPV6(PLAIN, "fe80::9"), OTHERS },
        { "closed: link-local of a guest", IPV6(PLAIN, "fe80::5054:ff:fe00:b02"), NOBODY },
        { "closed: ARP of nobody", FROM_UA(ARP, "198.51.100.1", "10.0.0.1", NULL), NOBODY },
        { "closed: ARP probe", FROM_UA(ARP, "0.0.0.0", "10.0.0.1", NULL), OTHERS },
        { "closed: ARP of its own", FROM_UA(ARP, "172.16.0.1", "10.0.0.1", NULL), OTHERS },
        { "closed: NA of nobody", CLAIM(NA, "2001:db8::99"), NOBODY },
        { "closed: NA of its own", CLAIM(NA, "2001:db8:f000::1"), OTHERS },
        { "closed: NA of a link-local", CLAIM(NA, "fe80::77"), OTHERS },
        { "closed: NA torn", CLAIM(NA_TORN, "2001:db8::99"), OTHERS },
        { "closed: address detection", DETECT("2001:db8::99"), NOBODY },
        { "closed: address detection of its own", DETECT("2001:db8:f000::1"), OTHERS },
        { "closed: MAC of nobody", UA, { OTHER, ALL_MACS, UB_MAC, "::", "::", NULL }, OTHERS },
        { "closed: to nobody", TO("198.51.100.1"), AT(UB) },
        { "closed: to IPv6 of nobody", TO6("2001:db8::99"), AT(UB) },
        { "closed: to a link-local", TO6("fe80::9"), ALL_BUT(A1) },
        { "closed: to a group", TO("224.0.0.5"), ALL_BUT(A1) },
        { "closed: to an IPv6 group", TO6("ff02::5"), ALL_BUT(A1) },
        { "closed: to all", TO("255.255.255.255"), ALL_BUT(A1) },
        { "closed: to all of the network", TO("10.0.0.255"), ALL_BUT(A1) },
        { "first of the wide one", IPV4(PLAIN, "172.16.0.0"), OTHERS },
        { "last of the wide one", IPV4(PLAIN, "172.31.255.255"), OTHERS },
        { "behind its last", IPV4(PLAIN, "172.32.0.0"), NOBODY },
        { "last before the narrow one", IPV4(PLAIN, "172.16.4.255"), OTHERS },
        { "first of the narrow one", IPV4(PLAIN, "172.16.5.0"), NOBODY },
        { "last of the narrow one", IPV4(PLAIN, "172.16.5.255"), NOBODY },
        { "first behind the narrow one", IPV4(PLAIN, "172.16.6.0"), OTHERS },
        { "the one in both", IPV4(PLAIN, "172.16.5.77"), NOBODY },
        { "b: last before the narrow one", B_IPV4("172.16.4.255"), NOBODY },
        { "b: first of the narrow one", B_IPV4("172.16.5.0"), B_OTHERS },
        { "b: last of the narrow one", B_IPV4("172.16.5.255"), B_OTHERS },
        { "b: first behind the narrow one", B_IPV4("172.16.6.0"), NOBODY },
        { "b: the one in both", B_IPV4("172.16.5.77"), NOBODY },
        { "b: behind the wide one", B_IPV4("172.32.0.0"), B_OTHERS },
        { "b: of nobody", B_IPV4("198.51.100.1"), B_OTHERS },
        { "IPv6: first of the wide one", IPV6(PLAIN, "2001:db8:f000::"), OTHERS },
        { "IPv6: last before the narrow one", IPV6(PLAIN, "2001:db8:feff:ffff:ffff:ffff:ffff:ffff"),
          OTHERS },
        { "IPv6: first of the narrow one", IPV6(PLAIN, "2001:db8:ff00::"), NOBODY },
        { "IPv6: last of both", IPV6(PLAIN, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), NOBODY },
        { "IPv6: b: last before the narrow one", B_IPV6("2001:db8:feff:ffff:ffff:ffff:ffff:ffff"),
          NOBODY },
        { "IPv6: b: first of the narrow one", B_IPV6("2001:db8:ff00::"), B_OTHERS },
        { "IPv6: b: last of both", B_IPV6("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), B_OTHERS },
        { "IPv6: b: the one in both", B_IPV6("2001:db8:ff00::77"), NOBODY },
        { "NA: first of the narrow one", CLAIM(NA, "2001:db8:ff00::"), NOBODY },
        { "NA: last before the narrow one", CLAIM(NA, "2001:db8:feff:ffff:ffff:ffff:ffff:ffff"),
          OTHERS },
        { "NA: b: first of the narrow one", B_CLAIM("2001:db8:ff00::"), B_OTHERS },
        { "NA: b: the one in both", B_CLAIM("2001:db8:ff00::77"), NOBODY },
        { "NA: b: of the wide one", B_CLAIM("2001:db8:f000::1"), NOBODY },
        { "to the wide one", TO("172.16.4.1"), AT(UA) },
        { "to the narrow one", TO("172.16.5.1"), AT(UB) },
        { "to the one in both", TO("172.16.5.77"), AT(B2) },
        { "to the wide one, IPv6", TO6("2001:db8:f000::1"), AT(UA) },
        { "to the narrow one, IPv6", TO6("2001:db8:ff00::1"), AT(UB) },
        { "to the one in both, IPv6", TO6("2001:db8:ff00::77"), AT(B2) },
};

static void test_behind(Scene *scene, G_GNUC_UNUSED gconstpointer settings) {

        judge_rows(scene, behind_borders, G_N_ELEMENTS(behind_borders));
}

#define MONITORED "[Port t-ua]\nMode=monitor\n[Port t-lb]\nMode=monitor\n"

/* Told of and let through. */
static void test_monitor(Scene *scene, G_GNUC_UNUSED gconstpointer settings) {
        static const Row rows[] = {
                { "in", IPV4(PLAIN, "10.0.0.11"), OTHERS & ~AT(A1) },
                { "out", A1, { PLAIN, UA_MAC, A1_MAC, "10.0.0.11", "10.0.0.12", NULL }, AT(UA) },
        };

        judge_rows(scene, rows, G_N_ELEMENTS(rows));
        g_assert_cmpuint(count(scene, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, false), ==, 1);
        g_assert_cmpuint(count(scene, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, true), ==, 0);
        g_assert_cmpuint(count(scene, BW_DIRECTION_OUT, BW_REASON_BORDER_MISDELIVERED, false), ==,
                         1);
        g_assert_cmpuint(count(scene, BW_DIRECTION_OUT, BW_REASON_BORDER_MISDELIVERED, true), ==,
                         1);
}

/* What the host itself sends by its bridge t-a leaves by borders like anybody's. */
static void test_host(Scene *scene, G_GNUC_UNUSED gconstpointer settings) {
        static const Row rows[] = {
                { "to a guest",
                  HOST,
                  { PLAIN, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "10.0.0.12", NULL },
                  AT(A2) },
                { "to a guest beyond",
                  HOST,
                  { PLAIN, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "10.0.0.22", NULL },
                  AT(B2) },
                { "to nobody",
                  HOST,
                  { PLAIN, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "192.0.2.9", NULL },
                  AT(UA) | AT(UB) },
                { "to all",
                  HOST,
                  { PLAIN, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "10.0.0.255", NULL },
                  ALL },
                { "to a guest's MAC",
                  HOST,
                  { OTHER, A1_MAC, BRIDGE_A_MAC, "::", "::", NULL },
                  AT(A1) },
                { "to a MAC beyond",
                  HOST,
                  { OTHER, B1_MAC, BRIDGE_A_MAC, "::", "::", NULL },
                  AT(B1) },
                { "behind a tag of its own",
                  HOST,
                  { TAGGED, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "10.0.0.12", NULL },
                  NOBODY },
        };
        judge_rows(scene, rows, G_N_ELEMENTS(rows));
}

#define GATEWAY                                                                                    \
        "[Bridge t-b]\nGateway=10.0.0.1 2001:db8::1\n"                                             \
        "[Port t-a2]\nAddresses=any\n"                                                             \
        "[Port t-b1]\nAddresses=10.0.0.1 2001:db8::1\n"

/* Addresses=any leaves out the gateway's, which is somebody else's or nobody's. */
static void test_gateway(Scene *scene, G_GNUC_UNUSED gconstpointer settings) {
        static const Row rows[] = {
                { "any",
                  A2,
                  { PLAIN, ALL_MACS, A2_MAC, "192.0.2.9", "10.0.0.255", NULL },
                  ALL_BUT(A2) },
                { "the gateway's IPv4",
                  A2,
                  { PLAIN, ALL_MACS, A2_MAC, "10.0.0.1", "10.0.0.255", NULL },
                  NOBODY },
                { "the gateway's IPv6",
                  A2,
                  { PLAIN, ALL_MACS, A2_MAC, "2001:db8::1", "ff02::1", NULL },
                  NOBODY },
                { "the gateway's ARP",
                  A2,
                  { ARP, ALL_MACS, A2_MAC, "10.0.0.1", "10.0.0.11", NULL },
                  NOBODY },
                { "anybody's ARP",
                  A2,
                  { ARP, ALL_MACS, A2_MAC, "192.0.2.9", "10.0.0.11", NULL },
                  ALL_BUT(A2) },
                { "the gateway's NA",
                  A2,
                  { NA, ALL_MACS, A2_MAC, "2001:db8::99", "ff02::1", "2001:db8::1" },
                  NOBODY },
                { "anybody's NA",
                  A2,
                  { NA, ALL_MACS, A2_MAC, "2001:db8::99", "ff02::1", "2001:db8::98" },
                  ALL_BUT(A2) },
                { "the gateway's detection",
                  A2,
                  { NS, ALL_MACS, A2_MAC, "::", "ff02::1", "2001:db8::1" },
                  NOBODY },
                { "anybody's detection",
                  A2,
                  { NS, ALL_MACS, A2_MAC, "::", "ff02::1", "2001:db8::98" },
                  ALL_BUT(A2) },
                { "the gateway itself",
                  B1,
                  { PLAIN, ALL_MACS, B1_MAC, "10.0.0.1", "10.0.0.255", NULL },
                  ALL_BUT(B1) },
        };

        judge_rows(scene, rows, G_N_ELEMENTS(rows));
}

static void add(const char *path, const char *settings,
                void (*test)(Scene *scene, gconstpointer settings)) {
        g_test_add(path, Scene, settings, set_up, test, tear_down);
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        bw_net_hold_cpu();
        add("/borders/uplink", "", test_uplink);
        add("/borders/link", UNCHECKED, test_link);
        add("/borders/behind", BEHIND, test_behind);
        add("/borders/monitor", MONITORED, test_monitor);
        add("/borders/host", "", test_host);
        add("/borders/gateway", GATEWAY, test_gateway);
        g_test_add_func("/borders/random", bw_borders_test_random);
        g_test_add_func("/borders/random-iptables", bw_borders_test_random_iptables);
        g_test_add_func("/borders/forty", bw_borders_test_forty);
        g_test_add_func("/borders/many", bw_borders_test_many);
        return g_test_run();
}
