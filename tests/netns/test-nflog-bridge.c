/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the bridge family's rules report, from the frame on the wire to the sentence: real ports,
 * the table in the kernel, the adapter that listens, and the words made of what it hears.
 */

#include <arpa/inet.h>
#include <bw/corpus.h>
#include <bw/corpus_packet.h>
#include <command.h>
#include <errno.h>
#include <net/if.h>
#include <netns.h>
#include <netpacket/packet.h>
#include <nflog.h>
#include <nftables.h>
#include <settings.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP      25207 /* what the rules say */
#define COPY_BYTES 128   /* and how much of a packet they ask for */
#define OBSERVER   "free"
#define N_STATIONS 3
#define FLOOD      200000

typedef struct Stage {
        BwScene words;
        BwNftables *nftables;
        BwPlan *plan;
        BwNflog *nflog;
        int station[N_STATIONS]; /* sockets at the far ends of the ports */
        int observer, host;      /* at a port that nobody guards; on the bridge itself */
        unsigned packets, lost;
        unsigned from_port[N_STATIONS + 1]; /* reports by the port of the rule; the last: others */
        /* the last report */
        BwDeniedPacket denied;
        char prefix[BW_VIOLATION_PREFIX_SIZE];
        GByteArray *ethernet, *packet;
        BwViolation *violation;
        GPtrArray *told; /* BwViolation *: all reports */
        unsigned receivers;
} Stage;

/* The stage */

static int open_device(const char *name) {
        struct sockaddr_ll address = { .sll_family = AF_PACKET };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

        g_assert_cmpint(fd, >=, 0);
        address.sll_ifindex = (int) if_nametoindex(name);
        g_assert_cmpint(address.sll_ifindex, >, 0);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        return fd;
}

static int add_port(const char *bridge, const char *port) {
        g_autofree char *far = g_strdup_printf("p-%s", port);

        bw_test_run("ip link add %s type veth peer name %s;"
                    "ip link set %s master %s; ip link set %s up; ip link set %s up",
                    port, far, port, bridge, port, far);
        return open_device(far);
}

/* A hub, so that each frame goes to each port. */
static void build_bridge(Stage *stage) {
        const char *bridge = stage->words.bridge;

        bw_test_run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1;"
                    "for f in /proc/sys/net/bridge/bridge-nf-call-*; do"
                    "  [ ! -e $f ] || echo 0 >$f; done;"
                    "ip link add %s type bridge ageing_time 0 mcast_snooping 0; ip link set %s up",
                    bridge, bridge);
        for (unsigned i = 0; i < N_STATIONS; i++)
                stage->station[i] = add_port(bridge, stage->words.stations[i].port);
        stage->observer = add_port(bridge, OBSERVER);
        stage->host = open_device(bridge);
}

static void tell_tap(BwModel *model, const char *port, BwMac mac, int bridge) {
        BwLink link = bw_test_tap((int) if_nametoindex(port), port, mac, bridge);

        bw_test_tell_link(model, &link);
}

static BwMac receiver_mac(unsigned i) {
        return (BwMac){ { 0x52, 0x54, 0, 0, 1, (uint8_t) i } };
}

/* The plan of the ports as they are, and its table in the kernel. */
static void load(Stage *stage, unsigned log_rate, const char *more) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autofree char *settings = bw_scene_settings(&stage->words);
        g_autofree char *text =
                g_strconcat(settings, "[Port " OBSERVER "]\nMode=off\n", more, NULL);
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);
        int bridge = (int) if_nametoindex(stage->words.bridge);
        BwLink link = bw_test_bridge(bridge, stage->words.bridge);
        g_autoptr(GPtrArray) elsewhere = NULL;
        g_autoptr(BwNftTable) table = NULL;
        g_autoptr(GError) error = NULL;
        BwNftReport report;

        bw_test_tell_link(model, &link);
        for (unsigned i = 0; i < N_STATIONS; i++)
                tell_tap(model, stage->words.stations[i].port, stage->words.stations[i].mac,
                         bridge);
        tell_tap(model, OBSERVER, stage->words.stations[BW_WHO_NOBODY].mac, bridge);
        for (unsigned i = 0; i < stage->receivers; i++) {
                g_autofree char *port = g_strdup_printf("r%u", i);

                tell_tap(model, port, receiver_mac(i), bridge);
        }
        g_clear_pointer(&stage->plan, bw_plan_free);
        stage->plan = bw_plan_new(model, config);
        stage->plan->log_rate = log_rate;
        elsewhere = bw_nft_list_elsewhere(model, stage->plan);
        table = bw_nft_compile(stage->plan, elsewhere);
        bw_nftables_sync(stage->nftables, table, &report, &error);
        g_assert_no_error(error);
}

static void count_port(Stage *stage) {
        unsigned i = 0;

        while (i < N_STATIONS && (!stage->violation || !g_str_equal(stage->violation->port,
                                                                    stage->words.stations[i].port)))
                i++;
        stage->from_port[i]++;
}

static void on_denied(const BwDeniedPacket *denied, unsigned lost, gpointer user) {
        Stage *stage = user;

        stage->lost += lost;
        if (!denied)
                return;
        stage->packets++;
        stage->denied = *denied;
        g_strlcpy(stage->prefix, denied->prefix, sizeof(stage->prefix));
        g_byte_array_set_size(stage->ethernet, 0);
        g_byte_array_append(stage->ethernet, denied->ethernet, (guint) denied->ethernet_length);
        g_byte_array_set_size(stage->packet, 0);
        g_byte_array_append(stage->packet, denied->packet, (guint) denied->packet_length);
        stage->violation = bw_violation_new(denied, stage->plan);
        g_ptr_array_add(stage->told, stage->violation);
        count_port(stage);
}

static void free_violation(gpointer violation) {
        bw_violation_free(violation);
}

static Stage *stage_new(unsigned log_rate) {
        Stage *stage = g_new0(Stage, 1);
        g_autoptr(GError) error = NULL;

        stage->words = bw_scene_new();
        stage->nftables = bw_nftables_new();
        stage->ethernet = g_byte_array_new();
        stage->packet = g_byte_array_new();
        stage->told = g_ptr_array_new_with_free_func(free_violation);
        build_bridge(stage);
        stage->nflog = bw_nflog_new(GROUP, COPY_BYTES, on_denied, stage, &error);
        g_assert_no_error(error);
        load(stage, log_rate, "[Port " OBSERVER "]\nMode=off\n");
        return stage;
}

static void stage_free(Stage *stage) {
        bw_nflog_free(stage->nflog);
        for (unsigned i = 0; i < N_STATIONS; i++)
                close(stage->station[i]);
        close(stage->observer);
        close(stage->host);
        bw_test_run("ip link del %s; nft flush ruleset", stage->words.bridge);
        for (unsigned i = 0; i < N_STATIONS; i++)
                bw_test_run("ip link del %s", stage->words.stations[i].port);
        bw_test_run("ip link del " OBSERVER);
        bw_nftables_free(stage->nftables);
        bw_plan_free(stage->plan);
        g_byte_array_unref(stage->ethernet);
        g_byte_array_unref(stage->packet);
        g_ptr_array_unref(stage->told);
        g_free(stage);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stage, stage_free)

/* Frames */

/* False: too short for a device to take. */
static bool emit(int fd, const GByteArray *bytes) {
        ssize_t sent = send(fd, bytes->data, bytes->len, 0);

        if (sent < 0)
                g_assert_cmpint(errno, ==, EINVAL);
        return sent >= 0;
}

/* What the bridge itself drops or keeps before any hook: a source nobody can have, pause frames and
 * LLDP, a packet of no bytes. */
static bool is_dropped_anyway(const BwCorpusFrame *frame) {
        static const uint8_t zero[6];
        const uint8_t *bytes = frame->bytes->data;

        return bytes[6] & 1 || memcmp(bytes + 6, zero, 6) == 0 || frame->bytes->len < 16 ||
               (memcmp(bytes, "\x01\x80\xc2\0\0", 5) == 0 && (bytes[5] == 1 || bytes[5] == 14));
}

static void turn(void) {
        if (!g_main_context_iteration(NULL, FALSE))
                g_usleep(1000);
}

static void wait_for(Stage *stage, unsigned packets) {
        gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

        while (stage->packets < packets && g_get_monotonic_time() < end)
                turn();
        g_assert_cmpuint(stage->packets, ==, packets);
}

static BwPacketIp udp_of(const BwScene *words, BwWho claimed) {
        return (BwPacketIp){ .source = words->stations[claimed].ipv4,
                             .destination = words->stations[BW_WHO_VICTIM].ipv4,
                             .protocol = IPPROTO_UDP };
}

static GByteArray *ipv4_packet(const BwScene *words, BwWho claimed, gsize length) {
        BwPacketIp ip = udp_of(words, claimed);

        return bw_packet_ip(
                &ip, bw_packet_seal(&ip, bw_packet_udp(40000, 53, bw_packet_filler(length))));
}

static GByteArray *frame_of(const BwScene *words, BwWho to, BwWho from, uint16_t ethertype,
                            GByteArray *payload) {
        return bw_packet_ethernet(words->stations[to].mac, words->stations[from].mac, ethertype,
                                  payload);
}

/* Sends it, and waits for the one report. */
static void provoke(Stage *stage, int fd, GByteArray *bytes) {
        unsigned before = stage->packets;

        g_assert_true(emit(fd, bytes));
        wait_for(stage, before + 1);
}

static void check_devices(Stage *stage, const char *physin, const char *physout, const char *in,
                          const char *out) {
        g_test_message("%s: physin %d physout %d in %d out %d ethertype %04x tag %d %04x %04x "
                       "ethernet %u packet %u",
                       stage->prefix, stage->denied.physin, stage->denied.physout, stage->denied.in,
                       stage->denied.out, stage->denied.ethertype, stage->denied.tag.there,
                       stage->denied.tag.protocol, stage->denied.tag.control, stage->ethernet->len,
                       stage->packet->len);
        g_assert_cmpint(stage->denied.family, ==, AF_BRIDGE);
        g_assert_cmpint(stage->denied.physin, ==, physin ? if_nametoindex(physin) : 0);
        g_assert_cmpint(stage->denied.physout, ==, physout ? if_nametoindex(physout) : 0);
        g_assert_cmpint(stage->denied.in, ==, in ? if_nametoindex(in) : 0);
        g_assert_cmpint(stage->denied.out, ==, out ? if_nametoindex(out) : 0);
}

static void check_bytes(Stage *stage, const GByteArray *frame) {
        gsize left = MIN(frame->len - 14, COPY_BYTES);

        g_assert_cmpmem(stage->ethernet->data, stage->ethernet->len, frame->data, 14);
        g_assert_cmpmem(stage->packet->data, stage->packet->len, frame->data + 14, left);
}

static void test_prerouting(void) {
        g_autoptr(Stage) stage = stage_new(1000);
        const char *bridge = stage->words.bridge;

        for (gsize length = 18; length < 1400; length += 1300) {
                g_autoptr(GByteArray) frame =
                        frame_of(&stage->words, BW_WHO_VICTIM, BW_WHO_ATTACKER, 0x0800,
                                 ipv4_packet(&stage->words, BW_WHO_GATEWAY, length));

                provoke(stage, stage->station[BW_WHO_ATTACKER], frame);
                g_assert_cmpstr(stage->prefix, ==, "bw in spoofed-ip drop");
                check_devices(stage, "vk63", NULL, bridge, NULL);
                g_assert_cmpuint(stage->denied.ethertype, ==, 0x0800);
                g_assert_false(stage->denied.tag.there);
                check_bytes(stage, frame);
        }
}

/* The outer tag is told apart from the bytes; further ones are among them. */
static void test_tags(void) {
        g_autoptr(Stage) stage = stage_new(1000);
        GByteArray *inner = ipv4_packet(&stage->words, BW_WHO_GATEWAY, 18);
        g_autoptr(GByteArray) one = frame_of(&stage->words, BW_WHO_VICTIM, BW_WHO_ATTACKER, 0x8100,
                                             bw_packet_tag(0xe005, 0x0800, inner));
        g_autoptr(GByteArray) two = NULL;

        provoke(stage, stage->station[BW_WHO_ATTACKER], one);
        g_assert_cmpstr(stage->prefix, ==, "bw in ethertype drop");
        check_devices(stage, "vk63", NULL, stage->words.bridge, NULL);
        g_assert_true(stage->denied.tag.there);
        g_assert_cmphex(stage->denied.tag.protocol, ==, 0x8100);
        g_assert_cmphex(stage->denied.tag.control, ==, 0xe005);
        g_assert_cmphex(stage->denied.ethertype, ==, 0x0800);
        g_assert_cmpmem(stage->ethernet->data, 12, one->data, 12);
        g_assert_cmpmem(stage->ethernet->data + 12, stage->ethernet->len - 12, "\x08\0", 2);
        g_assert_cmpmem(stage->packet->data, stage->packet->len, one->data + 18, one->len - 18);

        inner = ipv4_packet(&stage->words, BW_WHO_GATEWAY, 18);
        two = frame_of(&stage->words, BW_WHO_VICTIM, BW_WHO_ATTACKER, 0x88a8,
                       bw_packet_tag(0, 0x8100, bw_packet_tag(7, 0x0800, inner)));
        provoke(stage, stage->station[BW_WHO_ATTACKER], two);
        check_devices(stage, "vk63", NULL, stage->words.bridge, NULL);
        g_assert_cmphex(stage->denied.tag.protocol, ==, 0x88a8);
        g_assert_cmphex(stage->denied.ethertype, ==, 0x8100);
        g_assert_cmpmem(stage->ethernet->data + 12, stage->ethernet->len - 12, "\x81\0", 2);
        g_assert_cmpmem(stage->packet->data, stage->packet->len, two->data + 18, two->len - 18);
}

/* What goes to a group of bridges is met in input. */
static void test_input(void) {
        static const uint8_t group[] = { 0x01, 0x80, 0xc2, 0, 0, 0 };
        g_autoptr(Stage) stage = stage_new(1000);
        g_autoptr(GByteArray) frame =
                frame_of(&stage->words, BW_WHO_VICTIM, BW_WHO_ATTACKER, 0x0800,
                         ipv4_packet(&stage->words, BW_WHO_GATEWAY, 18));

        memcpy(frame->data, group, sizeof(group));
        provoke(stage, stage->station[BW_WHO_ATTACKER], frame);
        g_assert_cmpstr(stage->prefix, ==, "bw in bpdu drop");
        check_devices(stage, "vk63", NULL, stage->words.bridge, NULL);
        check_bytes(stage, frame);
}

/* A hub: what the observer sends to the gateway reaches the other two ports as well. */
static void test_forward(void) {
        g_autoptr(Stage) stage = stage_new(1000);
        const char *bridge = stage->words.bridge;
        g_autoptr(GByteArray) frame = frame_of(&stage->words, BW_WHO_GATEWAY, BW_WHO_NOBODY, 0x0800,
                                               ipv4_packet(&stage->words, BW_WHO_NOBODY, 18));

        g_assert_true(emit(stage->observer, frame));
        wait_for(stage, 3);
        g_assert_cmpuint(stage->from_port[BW_WHO_ATTACKER], ==, 1);
        g_assert_cmpuint(stage->from_port[BW_WHO_VICTIM], ==, 1);
        g_assert_cmpuint(stage->from_port[BW_WHO_GATEWAY], ==, 1); /* it has the MAC alone */
        check_devices(stage, OBSERVER, stage->violation->port, bridge, bridge);
        check_bytes(stage, frame);
}

static void test_output(void) {
        g_autoptr(Stage) stage = stage_new(1000);
        g_autoptr(GByteArray) frame = frame_of(&stage->words, BW_WHO_NOBODY, BW_WHO_NOBODY, 0x0800,
                                               ipv4_packet(&stage->words, BW_WHO_NOBODY, 18));

        g_assert_true(emit(stage->host, frame));
        wait_for(stage, 3);
        g_assert_cmpstr(stage->prefix, ==, "bw out flooded drop");
        check_devices(stage, NULL, stage->violation->port, NULL, stage->words.bridge);
        g_assert_true(stage->violation->from_host);
        g_assert_cmpstr(stage->violation->detail, ==, "Ethernet destination");
        check_bytes(stage, frame);
}

static void check_told(const Stage *stage, const BwCorpusFrame *frame,
                       const BwViolation *violation) {
        g_assert_nonnull(violation);
        if (violation->reason != frame->in || !violation->detail)
                g_test_message("%s: %s, %s", frame->name, bw_reason_name(violation->reason),
                               violation->what);
        g_assert_cmpint(violation->reason, ==, frame->in);
        g_assert_cmpstr(violation->port, ==, stage->words.stations[frame->from].port);
        g_assert_nonnull(violation->detail);
}

/* Every hostile frame of the corpus is heard, in their order, with its reason, and what the plan
 * says of the bytes that came agrees. */
static void test_corpus(void) {
        g_autoptr(Stage) stage = stage_new(100000);
        g_autoptr(GPtrArray) frames = bw_corpus_new(&stage->words);
        g_autoptr(GPtrArray) sent = g_ptr_array_new();

        for (guint i = 0; i < frames->len; i++) {
                BwCorpusFrame *frame = frames->pdata[i];

                if (frame->from < N_STATIONS && frame->in != BW_REASON_NONE &&
                    !is_dropped_anyway(frame) && emit(stage->station[frame->from], frame->bytes))
                        g_ptr_array_add(sent, frame);
        }
        wait_for(stage, sent->len);
        for (guint i = 0; i < sent->len; i++)
                check_told(stage, sent->pdata[i], stage->told->pdata[i]);
        g_test_message("%u frames heard and told", sent->len);
        g_assert_cmpuint(sent->len, >, 400);
        g_assert_cmpuint(stage->lost, ==, 0);
}

/* Floods: many more frames than anybody wants to read of. */

#define LOG_RATE 10

/* What limits at LOG_RATE let through since @start: a burst, and then so many a second. */
static unsigned most_reports(gint64 start) {
        return LOG_RATE +
               (unsigned) ((g_get_monotonic_time() - start) * LOG_RATE / G_USEC_PER_SEC) + 1;
}

/* Until nothing has come for a while. */
static void listen_a_while(void) {
        for (unsigned idle = 0; idle < 500; idle++) {
                if (g_main_context_iteration(NULL, FALSE))
                        idle = 0;
                g_usleep(1000);
        }
}

/* While one port floods, another's few are all heard. */
static void test_flood(void) {
        g_autoptr(Stage) stage = stage_new(LOG_RATE);
        g_autoptr(GByteArray) frame =
                frame_of(&stage->words, BW_WHO_GATEWAY, BW_WHO_ATTACKER, 0x0800,
                         ipv4_packet(&stage->words, BW_WHO_NOBODY, 18));
        g_autoptr(GByteArray) other = frame_of(&stage->words, BW_WHO_GATEWAY, BW_WHO_VICTIM, 0x0800,
                                               ipv4_packet(&stage->words, BW_WHO_NOBODY, 18));
        gint64 start = g_get_monotonic_time();
        g_autoptr(BwNftListing) listing = NULL;

        for (unsigned i = 0; i < FLOOD; i++) {
                g_assert_true(emit(stage->station[BW_WHO_ATTACKER], frame));
                if (i % (FLOOD / 5) == FLOOD / 10)
                        g_assert_true(emit(stage->station[BW_WHO_VICTIM], other));
                if (i % 64 == 0)
                        g_main_context_iteration(NULL, FALSE);
        }
        listen_a_while();
        listing = bw_nftables_read(stage->nftables, NULL);
        g_test_message("%u frames in %.1f s, %u reports, %u of the other port, %u lost", FLOOD,
                       (double) (g_get_monotonic_time() - start) / G_USEC_PER_SEC,
                       stage->from_port[BW_WHO_ATTACKER], stage->from_port[BW_WHO_VICTIM],
                       stage->lost);
        g_assert_cmpuint(stage->from_port[BW_WHO_ATTACKER], >=, LOG_RATE);
        g_assert_cmpuint(stage->from_port[BW_WHO_ATTACKER], <=, most_reports(start));
        g_assert_cmpuint(stage->from_port[BW_WHO_VICTIM], ==, 5);
        g_assert_cmpuint(stage->lost, ==, 0);
        g_assert_cmpuint(bw_nft_count(listing, BW_DIRECTION_IN, BW_REASON_SPOOFED_IP, true).packets,
                         ==, FLOOD + 5);
}

#define MANY_PORTS 60

/* (transfer full): ports that receive, and what the configuration says of them. */
static char *add_receivers(Stage *stage) {
        GString *commands = g_string_new(NULL), *settings = g_string_new(NULL);

        for (unsigned i = 0; i < MANY_PORTS; i++) {
                g_string_append_printf(commands,
                                       "link add r%u type veth peer name q%u\n"
                                       "link set r%u master %s\nlink set r%u up\nlink set q%u up\n",
                                       i, i, i, stage->words.bridge, i, i);
                g_string_append_printf(settings,
                                       "[Port r%u]\nMACs=52:54:00:00:01:%02x\n"
                                       "Addresses=192.168.50.%u\n",
                                       i, i, 100 + i);
        }
        bw_test_run("ip -batch - <<'END'\n%sEND", commands->str);
        g_string_free(commands, TRUE);
        return g_string_free(settings, FALSE);
}

static void remove_receivers(void) {
        for (unsigned i = 0; i < MANY_PORTS; i++)
                bw_test_run("ip link del r%u", i);
}

static unsigned count_sender(const Stage *stage, const char *port) {
        unsigned n = 0;

        for (guint i = 0; i < stage->told->len; i++)
                n += g_str_equal(((const BwViolation *) stage->told->pdata[i])->offender, port);
        return n;
}

/* One sender whose frames are flooded to many ports is one trouble, not one for each of them; and
 * another's few are heard in spite of it. */
static void test_flooded_to_many(void) {
        g_autoptr(Stage) stage = stage_new(LOG_RATE);
        g_autofree char *receivers = add_receivers(stage);
        g_autofree char *settings = g_strconcat("[Port " OBSERVER "]\nMode=off\n", receivers, NULL);
        g_autoptr(GByteArray) frame =
                frame_of(&stage->words, BW_WHO_NOBODY, BW_WHO_ATTACKER, 0x0800,
                         ipv4_packet(&stage->words, BW_WHO_ATTACKER, 18));
        g_autoptr(GByteArray) other = frame_of(&stage->words, BW_WHO_NOBODY, BW_WHO_VICTIM, 0x0800,
                                               ipv4_packet(&stage->words, BW_WHO_VICTIM, 18));
        gint64 start;

        stage->receivers = MANY_PORTS;
        load(stage, LOG_RATE, settings);
        start = g_get_monotonic_time();
        for (unsigned i = 0; i < FLOOD / 100; i++) {
                g_assert_true(emit(stage->station[BW_WHO_ATTACKER], frame));
                g_main_context_iteration(NULL, FALSE);
        }
        g_assert_true(emit(stage->station[BW_WHO_VICTIM], other));
        listen_a_while();
        g_test_message("%u frames to %u ports in %.1f s: %u reports, %u lost", FLOOD / 100,
                       MANY_PORTS, (double) (g_get_monotonic_time() - start) / G_USEC_PER_SEC,
                       stage->packets, stage->lost);
        g_assert_cmpuint(count_sender(stage, "vk63"), >=, LOG_RATE);
        g_assert_cmpuint(count_sender(stage, "vk63"), <=, most_reports(start));
        g_assert_cmpuint(count_sender(stage, "vk64"), >, 0);
        g_assert_cmpuint(stage->lost, ==, 0);
        remove_receivers();
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        g_test_add_func("/nflog/bridge/prerouting", test_prerouting);
        g_test_add_func("/nflog/bridge/tags", test_tags);
        g_test_add_func("/nflog/bridge/input", test_input);
        g_test_add_func("/nflog/bridge/forward", test_forward);
        g_test_add_func("/nflog/bridge/output", test_output);
        g_test_add_func("/nflog/bridge/corpus", test_corpus);
        g_test_add_func("/nflog/bridge/flood", test_flood);
        g_test_add_func("/nflog/bridge/flooded-to-many", test_flooded_to_many);
        return g_test_run();
}
