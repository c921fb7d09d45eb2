/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Every frame of the corpus through real ports and the table in the kernel: what must fall falls
 * where the corpus says and is counted there, what is legal arrives, and no frame that fell has
 * moved an entry of the bridge's FDB.
 *
 * A port without a guard stands beside the stage's: it sees what has passed somebody's sending
 * checks, and sends whatever a receiving check is to be tried with.
 */

#include <arpa/inet.h>
#include <bw/corpus.h>
#include <command.h>
#include <errno.h>
#include <net/if.h>
#include <netns.h>
#include <netpacket/packet.h>
#include <nftables.h>
#include <settings.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define OBSERVER    "free"
#define N_STATIONS  3
#define MOST_LISTED 40
#define MOST_BYTES  4096

typedef struct Stage {
        BwScene words;
        BwNftables *nftables;
        BwNftTable *table;
        int station[N_STATIONS]; /* sockets at the far ends of the ports */
        int observer;
        unsigned wrong, judged;
} Stage;

static int open_port(const char *port) {
        g_autofree char *far = g_strdup_printf("p-%s", port);
        struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(0x0003) };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x0003));
        int on = 1;

        g_assert_cmpint(fd, >=, 0);
        address.sll_ifindex = (int) if_nametoindex(far);
        g_assert_cmpint(address.sll_ifindex, >, 0);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        g_assert_cmpint(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), ==, 0);
        return fd;
}

static void add_port(const char *bridge, const char *port) {
        bw_test_run("ip link add %s type veth peer name p-%s;"
                    "ip link set %s master %s; ip link set %s up; ip link set p-%s up",
                    port, port, port, bridge, port, port);
}

/* The stack's own checks must not save a guard that missed something: br_netfilter is told to keep
 * out where it is there at all. A hub: every frame goes to every port, so that each is judged at
 * each. */
static void build_bridge(Stage *stage) {
        const char *bridge = stage->words.bridge;

        bw_test_run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1;"
                    "for f in /proc/sys/net/bridge/bridge-nf-call-*; do"
                    "  [ ! -e $f ] || echo 0 >$f; done;"
                    "ip link add %s type bridge ageing_time 0 mcast_snooping 0; ip link set %s up",
                    bridge, bridge);
        for (unsigned i = 0; i < N_STATIONS; i++)
                add_port(bridge, stage->words.stations[i].port);
        add_port(bridge, OBSERVER);
        for (unsigned i = 0; i < N_STATIONS; i++)
                stage->station[i] = open_port(stage->words.stations[i].port);
        stage->observer = open_port(OBSERVER);
}

static BwNftTable *compile(const BwScene *words, const char *more) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autofree char *settings = bw_scene_settings(words);
        g_autofree char *text = g_strconcat(settings, more, NULL);
        g_autoptr(BwConfig) config = bw_test_config_from_text(text);
        BwLink link = bw_test_bridge(1, words->bridge);
        g_autoptr(BwPlan) plan = NULL;
        g_autoptr(GPtrArray) elsewhere = NULL;

        bw_test_tell_link(model, &link);
        for (int i = 0; i < N_STATIONS; i++) {
                link = bw_test_tap(10 + i, words->stations[i].port, words->stations[i].mac, 1);
                bw_test_tell_link(model, &link);
        }
        link = bw_test_tap(20, OBSERVER, words->stations[BW_WHO_NOBODY].mac, 1);
        bw_test_tell_link(model, &link);
        plan = bw_plan_new(model, config);
        elsewhere = bw_nft_list_elsewhere(model, plan);
        return bw_nft_compile(plan, elsewhere);
}

static void load(Stage *stage, const char *more) {
        g_autoptr(GError) error = NULL;
        BwNftReport report;

        g_clear_pointer(&stage->table, bw_nft_table_free);
        stage->table = compile(&stage->words, more);
        bw_nftables_sync(stage->nftables, stage->table, &report, &error);
        g_assert_no_error(error);
}

static Stage *stage_new(void) {
        Stage *stage = g_new0(Stage, 1);

        stage->words = bw_scene_new();
        stage->nftables = bw_nftables_new();
        build_bridge(stage);
        return stage;
}

static void stage_free(Stage *stage) {
        for (unsigned i = 0; i < N_STATIONS; i++)
                close(stage->station[i]);
        close(stage->observer);
        bw_test_run("ip link del %s; nft flush ruleset", stage->words.bridge);
        for (unsigned i = 0; i < N_STATIONS; i++)
                bw_test_run("ip link del %s", stage->words.stations[i].port);
        bw_test_run("ip link del " OBSERVER);
        bw_nftables_free(stage->nftables);
        bw_nft_table_free(stage->table);
        g_free(stage);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stage, stage_free)

/* Frames */

static bool receive(int fd, const GByteArray *bytes) {
        uint8_t buffer[MOST_BYTES];

        for (;;) {
                ssize_t length = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);

                if (length < 0)
                        return false;
                /* A tag the card has taken off is not in what the socket gives back. */
                if ((gsize) length >= 14 && memcmp(buffer, bytes->data, 12) == 0 &&
                    (gsize) length + 4 >= bytes->len)
                        return true;
        }
}

static void drain(Stage *stage) {
        uint8_t buffer[MOST_BYTES];

        for (unsigned i = 0; i < N_STATIONS; i++)
                while (recv(stage->station[i], buffer, sizeof(buffer), MSG_DONTWAIT) >= 0)
                        ;
        while (recv(stage->observer, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0)
                ;
}

typedef struct Tally {
        const char *port;
        BwDirection direction;
        uint64_t counts[BW_REASON_MAX];
} Tally;

static void tally(const char *port, BwDirection direction, BwReason reason, BwNftCount count,
                  gpointer user) {
        Tally *the = user;

        if (direction == the->direction && g_str_equal(port, the->port))
                the->counts[reason] += count.packets;
}

static Tally count(Stage *stage, const char *port, BwDirection direction) {
        Tally the = { .port = port, .direction = direction };
        g_autoptr(GError) error = NULL;
        g_autoptr(BwNftListing) listing = bw_nftables_read(stage->nftables, &error);

        g_assert_no_error(error);
        bw_nft_count_ports(listing, tally, &the);
        return the;
}

/* What the kernel counted for the port since @before: one reason, or none. */
static BwReason reason_since(Stage *stage, const Tally *before) {
        Tally after = count(stage, before->port, before->direction);
        BwReason found = BW_REASON_NONE;

        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                if (after.counts[reason] == before->counts[reason])
                        continue;
                g_assert_cmpuint(after.counts[reason], ==, before->counts[reason] + 1);
                g_assert_cmpint(found, ==, BW_REASON_NONE);
                found = reason;
        }
        return found;
}

/* Too short for a device to take: nothing to judge. */
static bool emit(int fd, const GByteArray *bytes) {
        ssize_t sent = send(fd, bytes->data, bytes->len, 0);

        if (sent < 0)
                g_assert_cmpint(errno, ==, EINVAL);
        return sent >= 0;
}

static bool is_for_bridges(const BwCorpusFrame *frame) {
        return memcmp(frame->bytes->data, "\x01\x80\xc2\0\0", 5) == 0 &&
               frame->bytes->data[5] < 0x10;
}

/* What the bridge itself drops or keeps before or between the hooks: a source nobody can have,
 * pause frames and LLDP, a packet of no bytes. */
static bool is_dropped_anyway(const BwCorpusFrame *frame) {
        static const uint8_t zero[6];
        const uint8_t *bytes = frame->bytes->data;

        return bytes[6] & 1 || memcmp(bytes + 6, zero, 6) == 0 || frame->bytes->len < 16 ||
               (is_for_bridges(frame) && (bytes[5] == 0x01 || bytes[5] == 0x0e));
}

static void complain(Stage *stage, const BwCorpusFrame *frame, const char *where, BwReason wanted,
                     BwReason found, bool arrived) {
        if (stage->wrong++ < MOST_LISTED)
                g_test_message("WRONG %s, %s: wanted %s, found %s, %s", frame->name, where,
                               bw_reason_name(wanted), bw_reason_name(found),
                               arrived ? "arrived" : "did not arrive");
}

static void try_sending(Stage *stage, const BwCorpusFrame *frame) {
        const char *port = stage->words.stations[frame->from].port;
        Tally before;
        BwReason found;
        bool arrived;

        if (is_dropped_anyway(frame))
                return;
        drain(stage);
        before = count(stage, port, BW_DIRECTION_IN);
        if (!emit(stage->station[frame->from], frame->bytes))
                return;
        found = reason_since(stage, &before);
        arrived = receive(stage->observer, frame->bytes);
        stage->judged++;
        if (found != frame->in ||
            arrived != (frame->in == BW_REASON_NONE && !is_for_bridges(frame)))
                complain(stage, frame, "in", frame->in, found, arrived);
}

static void try_receiving(Stage *stage, const BwCorpusFrame *frame) {
        const char *port = stage->words.stations[frame->to].port;
        Tally before;
        BwReason found;
        bool arrived;

        if (is_for_bridges(frame) || is_dropped_anyway(frame))
                return;
        drain(stage);
        before = count(stage, port, BW_DIRECTION_OUT);
        if (!emit(stage->observer, frame->bytes))
                return;
        found = reason_since(stage, &before);
        arrived = receive(stage->station[frame->to], frame->bytes);
        stage->judged++;
        if (found != frame->out || arrived != (frame->out == BW_REASON_NONE))
                complain(stage, frame, "out", frame->out, found, arrived);
}

static void test_corpus(void) {
        g_autoptr(Stage) stage = stage_new();
        g_autoptr(GPtrArray) frames = bw_corpus_new(&stage->words);

        load(stage, "[Port " OBSERVER "]\nMode=off\n");
        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];

                if (frame->from < N_STATIONS)
                        try_sending(stage, frame);
                if (frame->to < N_STATIONS)
                        try_receiving(stage, frame);
        }
        g_test_message("%u frames, %u verdicts, %u wrong", frames->len, stage->judged,
                       stage->wrong);
        g_assert_cmpuint(stage->judged, >, 900);
        g_assert_cmpuint(stage->wrong, ==, 0);
}

/* The FDB */

static bool fdb_says(const char *bridge, const BwMac *mac, const char *port) {
        char text[BW_MAC_TEXT_SIZE];

        bw_mac_print(mac, text);
        return bw_test_try("bridge fdb show br %s | grep -q '^%s dev %s '", bridge, text, port);
}

/* Whatever the reason a frame falls for, its source is not learned; and the same frame moves the
 * victim's entry when nobody is on guard. */
static void test_fdb(void) {
        g_autoptr(Stage) stage = stage_new();
        const BwStation *attacker = &stage->words.stations[BW_WHO_ATTACKER];
        const BwStation *victim = &stage->words.stations[BW_WHO_VICTIM];
        g_autoptr(GPtrArray) frames = bw_corpus_new(&stage->words);
        unsigned stolen = 0, tried = 0;

        load(stage, "[Port " OBSERVER "]\nMode=off\n");
        bw_test_run("ip link set %s type bridge ageing_time 30000", stage->words.bridge);
        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];
                g_autoptr(GByteArray) bytes = g_byte_array_new();
                char mac[BW_MAC_TEXT_SIZE];

                if (frame->from != BW_WHO_ATTACKER || frame->in == BW_REASON_NONE ||
                    is_dropped_anyway(frame))
                        continue;
                g_byte_array_append(bytes, frame->bytes->data, frame->bytes->len);
                memcpy(bytes->data + 6, victim->mac.octet, 6);
                if (tried++ == 0)
                        bw_test_run("bridge fdb replace %s dev %s master dynamic",
                                    bw_mac_print(&victim->mac, mac), victim->port);
                emit(stage->station[BW_WHO_ATTACKER], bytes);
        }
        stolen += fdb_says(stage->words.bridge, &victim->mac, attacker->port);
        g_assert_cmpuint(stolen, ==, 0);
        g_assert_true(fdb_says(stage->words.bridge, &victim->mac, victim->port));
        g_assert_cmpuint(tried, >, 100);

        bw_test_run("nft flush ruleset");
        for (guint i = 0; i < frames->len; i++) {
                const BwCorpusFrame *frame = frames->pdata[i];

                if (frame->from == BW_WHO_ATTACKER && frame->in == BW_REASON_SPOOFED_MAC)
                        emit(stage->station[BW_WHO_ATTACKER], frame->bytes);
        }
        g_assert_true(fdb_says(stage->words.bridge, &victim->mac, attacker->port));
}

/* LLDP's group goes past every hook of the bridge family, and its source is learned: only the
 * bridge's own switch keeps an FDB entry from being stolen that way. */
static void test_lldp(void) {
        static const uint8_t head[] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };
        g_autoptr(Stage) stage = stage_new();
        const BwStation *attacker = &stage->words.stations[BW_WHO_ATTACKER];
        const BwStation *victim = &stage->words.stations[BW_WHO_VICTIM];
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        char mac[BW_MAC_TEXT_SIZE];

        load(stage, "[Port " OBSERVER "]\nMode=off\n");
        g_byte_array_append(bytes, head, sizeof(head));
        g_byte_array_append(bytes, victim->mac.octet, 6);
        g_byte_array_append(bytes, (const uint8_t *) "\x88\xcc", 2);
        g_byte_array_set_size(bytes, 60);
        bw_test_run("ip link set %s type bridge ageing_time 30000 no_linklocal_learn 1;"
                    "bridge fdb replace %s dev %s master dynamic",
                    stage->words.bridge, bw_mac_print(&victim->mac, mac), victim->port);
        g_assert_true(emit(stage->station[BW_WHO_ATTACKER], bytes));
        g_assert_true(fdb_says(stage->words.bridge, &victim->mac, victim->port));

        bw_test_run("ip link set %s type bridge no_linklocal_learn 0", stage->words.bridge);
        g_assert_true(emit(stage->station[BW_WHO_ATTACKER], bytes));
        g_assert_true(fdb_says(stage->words.bridge, &victim->mac, attacker->port));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        g_test_add_func("/nftables/frames/corpus", test_corpus);
        g_test_add_func("/nftables/frames/fdb", test_fdb);
        g_test_add_func("/nftables/frames/lldp", test_lldp);
        return g_test_run();
}
