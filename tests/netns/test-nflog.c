/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The NFLOG adapter against a real kernel, in a network namespace of its own: a bridge with two
 * ports, rules by iptables-legacy, and frames sent into the ports' far ends.
 */

#include <bw/error.h>
#include <command.h>
#include <glib.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netns.h>
#include <nflog.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP      7
#define COPY_BYTES 64
#define FLOOD      20000

/* More than the adapter hands on in one turn of the loop, and far less than a flood. */
#define MANY 1500

typedef struct Heard {
        BwNflog *nflog;
        unsigned packets, lost;
        unsigned in_turn, most_in_turn; /* packets in one turn of the loop */
        /* the last packet */
        char prefix[BW_VIOLATION_PREFIX_SIZE];
        int physin, physout, in, out;
        uint8_t family;
        uint16_t ethertype;
        bool tagged;
        GByteArray *ethernet, *packet;
} Heard;

static void on_denied(const BwDeniedPacket *denied, unsigned lost, gpointer user) {
        Heard *heard = user;

        heard->lost += lost;
        if (!denied)
                return;
        heard->packets++;
        heard->in_turn++;
        heard->most_in_turn = MAX(heard->most_in_turn, heard->in_turn);
        g_strlcpy(heard->prefix, denied->prefix, sizeof(heard->prefix));
        heard->physin = denied->physin;
        heard->physout = denied->physout;
        heard->in = denied->in;
        heard->out = denied->out;
        heard->family = denied->family;
        heard->ethertype = denied->ethertype;
        heard->tagged = denied->tag.there;
        g_byte_array_set_size(heard->ethernet, 0);
        g_byte_array_append(heard->ethernet, denied->ethernet, denied->ethernet_length);
        g_byte_array_set_size(heard->packet, 0);
        g_byte_array_append(heard->packet, denied->packet, denied->packet_length);
}

static Heard *listen_to(uint16_t group) {
        Heard *heard = g_new0(Heard, 1);
        g_autoptr(GError) error = NULL;

        heard->ethernet = g_byte_array_new();
        heard->packet = g_byte_array_new();
        heard->nflog = bw_nflog_new(group, COPY_BYTES, on_denied, heard, &error);
        g_assert_no_error(error);
        g_assert_nonnull(heard->nflog);
        return heard;
}

static void stop_listening(Heard *heard) {
        bw_nflog_free(heard->nflog);
        g_byte_array_unref(heard->ethernet);
        g_byte_array_unref(heard->packet);
        g_free(heard);
}

static void turn(Heard *heard) {
        heard->in_turn = 0;
        if (!g_main_context_iteration(NULL, FALSE))
                g_usleep(1000);
}

#define WAIT_FOR(condition)                                                                        \
        do {                                                                                       \
                int64_t end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;                        \
                while (!(condition) && g_get_monotonic_time() < end)                               \
                        turn(heard);                                                               \
                g_assert_true(condition);                                                          \
        } while (0)

/* Until nothing has come for half a second. */
static void settle(Heard *heard) {
        unsigned before = heard->packets;

        for (unsigned idle = 0; idle < 500; idle++) {
                turn(heard);
                if (heard->packets != before)
                        idle = 0;
                before = heard->packets;
        }
}

/* Frames */

#define PAYLOAD_BYTES 100

typedef struct Frame {
        uint8_t ethernet[14];
        uint8_t packet[20 + PAYLOAD_BYTES];
} Frame;

/* From 192.168.50.15 to 192.168.50.13, of a protocol nobody answers. */
static Frame make_frame(void) {
        Frame frame = {
                .ethernet = { 0x52, 0x54, 0, 0, 0, 0x13, 0x52, 0x54, 0, 0, 0, 0x14, 0x08, 0x00 },
                .packet = { 0x45, 0,   0,  sizeof(frame.packet),
                            0,    0,   0,  0,
                            64,   253, 0,  0,
                            192,  168, 50, 15,
                            192,  168, 50, 13 },
        };
        uint32_t sum = 0;

        for (unsigned i = 0; i < 20; i += 2)
                sum += frame.packet[i] << 8 | frame.packet[i + 1];
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
        frame.packet[10] = sum >> 8;
        frame.packet[11] = sum & 0xff;
        for (unsigned i = 0; i < PAYLOAD_BYTES; i++)
                frame.packet[20 + i] = i;
        return frame;
}

static void send_frames(const char *interface, unsigned count) {
        const struct sockaddr_ll to = { .sll_family = AF_PACKET,
                                        .sll_ifindex = (int) if_nametoindex(interface) };
        const Frame frame = make_frame();
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

        g_assert_cmpint(fd, >=, 0);
        for (unsigned i = 0; i < count; i++)
                g_assert_cmpint(
                        sendto(fd, &frame, sizeof(frame), 0, (const void *) &to, sizeof(to)), ==,
                        sizeof(frame));
        close(fd);
}

static void make_bridge(void) {
        bw_test_run("ip link add br0 type bridge nf_call_iptables 1");
        bw_test_run("ip link add p1 type veth peer name q1");
        bw_test_run("ip link add p2 type veth peer name q2");
        /* No address of its own, or the kernel's neighbour discovery would be in the way. */
        for (unsigned i = 0; i < 5; i++) {
                static const char *const names[] = { "br0", "p1", "p2", "q1", "q2" };
                g_autofree char *quiet =
                        g_strdup_printf("ip link set %s addrgenmode none", names[i]);
                g_autofree char *up = g_strdup_printf("ip link set %s up", names[i]);

                bw_test_run("%s", quiet);
                bw_test_run("%s", up);
        }
        bw_test_run("ip link set p1 master br0");
        bw_test_run("ip link set p2 master br0");
}

static void test_what_comes_in(void) {
        Heard *heard = listen_to(GROUP);
        const Frame frame = make_frame();

        bw_test_run(
                "iptables-legacy -w -t raw -A PREROUTING -m physdev --physdev-in p1 -j NFLOG "
                "--nflog-group 7 --nflog-threshold 64 --nflog-prefix \"bw in spoofed-ip drop\"");
        send_frames("q1", 1);
        WAIT_FOR(heard->packets == 1);
        g_assert_cmpstr(heard->prefix, ==, "bw in spoofed-ip drop");
        g_assert_cmpint(heard->physin, ==, if_nametoindex("p1"));
        g_assert_cmpint(heard->physout, ==, 0);
        g_assert_cmpint(heard->family, ==, AF_INET);
        g_assert_cmphex(heard->ethertype, ==, 0x0800);
        g_assert_false(heard->tagged);
        g_assert_cmpint(heard->in, ==, if_nametoindex("br0"));
        g_assert_cmpint(heard->out, ==, 0);
        g_assert_cmpmem(heard->ethernet->data, heard->ethernet->len, frame.ethernet,
                        sizeof(frame.ethernet));
        g_assert_cmpmem(heard->packet->data, heard->packet->len, frame.packet, COPY_BYTES);
        g_assert_cmpuint(heard->lost, ==, 0);

        /* The other port is not the rule's. */
        send_frames("q2", 1);
        settle(heard);
        g_assert_cmpuint(heard->packets, ==, 1);
        bw_test_run("iptables-legacy -w -t raw -F");
        stop_listening(heard);
}

static void test_what_goes_out(void) {
        Heard *heard = listen_to(GROUP);

        bw_test_run(
                "iptables-legacy -w -t mangle -A FORWARD -m physdev --physdev-is-bridged --physdev-out p2 "
                "-j NFLOG --nflog-group 7 --nflog-prefix \"bw out misdelivered monitor\"");
        send_frames("q1", 3);
        WAIT_FOR(heard->packets == 3);
        g_assert_cmpstr(heard->prefix, ==, "bw out misdelivered monitor");
        g_assert_cmpint(heard->physin, ==, if_nametoindex("p1"));
        g_assert_cmpint(heard->physout, ==, if_nametoindex("p2"));
        g_assert_cmpint(heard->in, ==, if_nametoindex("br0"));
        g_assert_cmpint(heard->out, ==, if_nametoindex("br0"));
        g_assert_cmpuint(heard->lost, ==, 0);
        bw_test_run("iptables-legacy -w -t mangle -F");
        stop_listening(heard);
}

/* Promptness and economy are the kernel's, once it was asked for them. */
static void test_what_the_kernel_was_told(void) {
        Heard *heard = listen_to(GROUP);
        g_autofree char *table = NULL;
        unsigned group, queued, mode, bytes, centiseconds, references;
        int owner;

        g_assert_true(g_file_get_contents("/proc/net/netfilter/nfnetlink_log", &table, NULL, NULL));
        g_assert_cmpint(sscanf(table, "%u %d %u %u %u %u %u", &group, &owner, &queued, &mode,
                               &bytes, &centiseconds, &references),
                        ==, 7);
        g_assert_cmpuint(group, ==, GROUP);
        g_assert_cmpuint(mode, ==, 2);
        g_assert_cmpuint(bytes, ==, COPY_BYTES);
        g_assert_cmpuint(centiseconds, ==, 10);
        stop_listening(heard);

        /* Nothing stays behind. */
        g_clear_pointer(&table, g_free);
        g_assert_true(g_file_get_contents("/proc/net/netfilter/nfnetlink_log", &table, NULL, NULL));
        g_assert_cmpstr(table, ==, "");
}

static void test_second_listener(void) {
        Heard *first = listen_to(GROUP);
        Heard *other_group = listen_to(GROUP + 1);
        g_autoptr(GError) error = NULL;

        g_assert_null(bw_nflog_new(GROUP, COPY_BYTES, on_denied, NULL, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_BUSY);
        stop_listening(other_group);
        stop_listening(first);
        stop_listening(listen_to(GROUP));
}

static void test_denied(void) {
        g_autoptr(GError) error = NULL;

        bw_test_set_net_admin(false);
        g_assert_null(bw_nflog_new(GROUP, COPY_BYTES, on_denied, NULL, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_DENIED);
        bw_test_set_net_admin(true);
}

/* Some thousand packets' worth, whatever the host allows. */
static void shrink_buffer(void) {
        const int size = 512 * 1024;

        for (int fd = 3; fd < 100; fd++) {
                int protocol = 0, domain = 0;
                socklen_t length = sizeof(int);

                if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
                    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
                    domain == AF_NETLINK && protocol == NETLINK_NETFILTER) {
                        g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)),
                                        ==, 0);
                        return;
                }
        }
        g_assert_not_reached();
}

static gboolean on_always(gpointer user) {
        unsigned *turns = user;

        (*turns)++;
        return G_SOURCE_CONTINUE;
}

/* The buffer is full before the loop turns at all. What is in it waits for everybody else, is heard
 * in small portions, and what was not kept is counted to the last packet. */
static void test_flood(void) {
        Heard *heard = listen_to(GROUP);
        unsigned turns = 0;
        guint always;

        bw_test_run(
                "iptables-legacy -w -t raw -A PREROUTING -m physdev --physdev-in p1 -j NFLOG "
                "--nflog-group 7 --nflog-threshold 64 --nflog-prefix \"bw in spoofed-ip drop\"");
        shrink_buffer();
        send_frames("q1", FLOOD);
        /* The last packets, which the kernel still gathers, find no room either. */
        g_usleep(G_USEC_PER_SEC / 2);

        always = g_idle_add_full(G_PRIORITY_DEFAULT, on_always, &turns, NULL);
        while (turns < 100)
                turn(heard);
        g_assert_cmpuint(heard->packets, ==, 0);
        g_source_remove(always);

        /* That some were lost is told before a further packet shows how many. */
        WAIT_FOR(heard->lost > 0);
        g_assert_cmpuint(heard->lost, ==, 1);
        g_assert_cmpuint(heard->packets, >, MANY);
        g_assert_cmpuint(heard->most_in_turn, <, MANY);

        send_frames("q1", 1);
        WAIT_FOR(heard->packets + heard->lost == FLOOD + 1);
        settle(heard);
        g_assert_cmpuint(heard->packets + heard->lost, ==, FLOOD + 1);
        g_assert_cmpuint(heard->lost, >, 1);
        g_test_message("%u heard, %u lost, at most %u at once", heard->packets, heard->lost,
                       heard->most_in_turn);
        bw_test_run("iptables-legacy -w -t raw -F");
        stop_listening(heard);
}

static bool is_possible(void) {
        g_autofree char *ip = g_find_program_in_path("ip");
        g_autofree char *iptables = g_find_program_in_path("iptables-legacy");

        if (!ip || !iptables)
                g_print("1..0 # SKIP ip of iproute2 and iptables-legacy are needed\n");
        else if (!bw_test_enter_netns())
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
        else if (access("/proc/sys/net/bridge", F_OK) < 0)
                g_print("1..0 # SKIP br_netfilter is not loaded\n");
        else
                return true;
        return false;
}

int main(int argc, char **argv) {
        if (!is_possible())
                return 0;
        g_test_init(&argc, &argv, NULL);
        make_bridge();
        g_test_add_func("/nflog/what-comes-in", test_what_comes_in);
        g_test_add_func("/nflog/what-goes-out", test_what_goes_out);
        g_test_add_func("/nflog/what-the-kernel-was-told", test_what_the_kernel_was_told);
        g_test_add_func("/nflog/second-listener", test_second_listener);
        g_test_add_func("/nflog/denied", test_denied);
        g_test_add_func("/nflog/flood", test_flood);
        return g_test_run();
}
