/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Bridges that veth pairs join, on a real kernel: what borders let in and out. First frame by
 * frame, with who must get each said by hand; then random frames over random plans, each followed
 * by the evaluator's words from port to port. Knows no engine's rules.
 */

#include <arpa/inet.h>
#include <bw/corpus_packet.h>
#include <bw/evaluate.h>
#include <bw/frame.h>
#include <bw/nft_table.h>
#include <command.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netns.h>
#include <nftables.h>
#include <poll.h>
#include <random.h>
#include <sched.h>
#include <settings.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The net: bridges, what joins them, and who is at the far end of each other port. */

#define MOST_ENDS 96
/* Turns of the CPU's queue a frame may take: a pair a hop, and as many again. */
#define MOST_HOPS 16

typedef struct End {
        char port[BW_IFNAME_SIZE];
        int bridge; /* ifindex */
        int ifindex;
        int far;       /* file descriptor; -1: the port of a link */
        unsigned peer; /* of a link: the other end */
} End;

typedef struct Net {
        BwModel *model;
        GPtrArray *bridges; /* char * */
        End ends[MOST_ENDS];
        unsigned n_ends;
        bool joined;   /* all bridges are one segment */
        unsigned hops; /* turns of the CPU's queue that are waited for */
        int fence[2];
        GString *settings;
        BwConfig *config;
        BwPlan *plan;
        BwNftables *nftables;
} Net;

static int open_wire(const char *link) {
        struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                       .sll_protocol = htons(ETH_P_ALL),
                                       .sll_ifindex = (int) if_nametoindex(link) };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), ==, 0);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        return fd;
}

static int open_tap(const char *name) {
        struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return -1;
        g_strlcpy(request.ifr_name, name, sizeof(request.ifr_name));
        g_assert_cmpint(ioctl(fd, TUNSETIFF, &request), ==, 0);
        return fd;
}

/* No link says anything by itself. */
static void bring_up(const char *link) {
        bw_test_run(
                "echo 1 >/proc/sys/net/ipv6/conf/%s/disable_ipv6 2>/dev/null; ip link set %s up",
                link, link);
}

/* One queue of packets for all, so that frames keep their order. */
static void hold_cpu(void) {
        cpu_set_t one;

        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        g_assert_cmpint(sched_setaffinity(0, sizeof(one), &one), ==, 0);
}

static Net *net_new(void) {
        Net *net = g_new0(Net, 1);

        bw_test_run(
                "nft flush ruleset; ip -o link | sed -n 's/^[0-9]*: \\(t-[^:@]*\\)[:@].*/\\1/p' "
                "| while read l; do ip link del $l 2>/dev/null; done; true");
        /* It trims and drops what is not sound, where the bridge alone does not look. */
        bw_test_run("for f in /proc/sys/net/bridge/bridge-nf-call-*; do"
                    "  [ ! -e $f ] || echo 0 >$f; done");
        net->joined = true;
        net->hops = MOST_HOPS;
        net->model = bw_model_new();
        net->bridges = g_ptr_array_new_with_free_func(g_free);
        net->settings = g_string_new("[Guard]\nUnknownPorts=accept\nMode=enforce\n");
        net->nftables = bw_nftables_new();
        bw_test_run("ip link add t-fence0 type veth peer name t-fence1");
        bring_up("t-fence0");
        bring_up("t-fence1");
        net->fence[0] = open_wire("t-fence0");
        net->fence[1] = open_wire("t-fence1");
        return net;
}

static void net_free(Net *net) {
        for (unsigned i = 0; i < net->n_ends; i++)
                if (net->ends[i].far >= 0)
                        close(net->ends[i].far);
        close(net->fence[0]);
        close(net->fence[1]);
        bw_nftables_free(net->nftables);
        g_clear_pointer(&net->plan, bw_plan_free);
        g_clear_pointer(&net->config, bw_config_free);
        g_string_free(net->settings, TRUE);
        g_ptr_array_unref(net->bridges);
        bw_model_free(net->model);
        g_free(net);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Net, net_free)

/* Hubs: every frame goes everywhere it may. */
static int add_bridge(Net *net, const char *name, const char *mac) {
        BwLink link;

        bw_test_run("ip link add %s address %s type bridge stp_state 0 ageing_time 0 "
                    "mcast_snooping 0",
                    name, mac);
        bring_up(name);
        link = bw_test_bridge((int) if_nametoindex(name), name);
        link.mac = bw_test_mac(mac);
        bw_test_tell_link(net->model, &link);
        g_ptr_array_add(net->bridges, g_strdup(name));
        return link.ifindex;
}

static void tell_port(Net *net, const char *name, int bridge, BwLinkKind kind, int peer) {
        BwLink link = { .ifindex = (int) if_nametoindex(name),
                        .kind = kind,
                        .mac = bw_test_mac("52:54:00:ee:ee:ee"),
                        .master = bridge,
                        .peer = peer,
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING };

        g_strlcpy(link.name, name, sizeof(link.name));
        bw_test_tell_link(net->model, &link);
}

static unsigned note_end(Net *net, const char *name, int bridge, int far) {
        End *end = &net->ends[net->n_ends];

        g_assert_cmpuint(net->n_ends, <, MOST_ENDS);
        g_strlcpy(end->port, name, sizeof(end->port));
        end->bridge = bridge;
        end->ifindex = (int) if_nametoindex(name);
        end->far = far;
        return net->n_ends++;
}

static void enslave(const char *name, int bridge) {
        char bridge_name[IF_NAMESIZE];

        g_assert_nonnull(if_indextoname((unsigned) bridge, bridge_name));
        bw_test_run("ip link set %s master %s", name, bridge_name);
        bring_up(name);
}

/* @far: name of the far end; NULL: a tap, or a pair where there are none. What the plan is told of
 * is a network card's port, a tap's, or that of a pair whose end is in another namespace. */
static unsigned add_port(Net *net, const char *name, int bridge, bool tap, BwLinkKind kind) {
        int fd = tap ? open_tap(name) : -1;

        if (fd < 0) {
                g_autofree char *far = g_strdup_printf("%s-f", name);

                bw_test_run("ip link add %s type veth peer name %s", name, far);
                bring_up(far);
                fd = open_wire(far);
        }
        enslave(name, bridge);
        tell_port(net, name, bridge, kind, 0);
        return note_end(net, name, bridge, fd);
}

static void add_link(Net *net, const char *name, int bridge, const char *peer, int peer_bridge) {
        unsigned near, far;

        bw_test_run("ip link add %s type veth peer name %s", name, peer);
        enslave(name, bridge);
        enslave(peer, peer_bridge);
        tell_port(net, name, bridge, BW_LINK_VETH, (int) if_nametoindex(peer));
        tell_port(net, peer, peer_bridge, BW_LINK_VETH, (int) if_nametoindex(name));
        near = note_end(net, name, bridge, -1);
        far = note_end(net, peer, peer_bridge, -1);
        net->ends[near].peer = far;
        net->ends[far].peer = near;
}

/* Frames */

static bool is_frame(const GByteArray *frame, const uint8_t *bytes, gsize length) {
        return length >= 12 && memcmp(bytes, frame->data, 12) == 0;
}

static bool take(int fd, const GByteArray *frame) {
        uint8_t bytes[4096];
        bool found = false;
        ssize_t length;

        while ((length = read(fd, bytes, sizeof(bytes))) >= 0)
                found |= is_frame(frame, bytes, (gsize) length);
        return found;
}

/* What is sent into the same queue later arrives later, hop by hop. */
static void settle(const Net *net) {
        static const uint8_t bytes[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
        const GByteArray marker = { (guint8 *) bytes, sizeof(bytes) };

        for (unsigned hop = 0; hop < net->hops; hop++) {
                struct pollfd fence = { .fd = net->fence[1], .events = POLLIN };

                g_assert_cmpint(write(net->fence[0], bytes, sizeof(bytes)), ==, sizeof(bytes));
                while (!take(net->fence[1], &marker))
                        g_assert_cmpint(poll(&fence, 1, 30000), ==, 1);
        }
}

/* Returns the set of ends it has come to, 1 << end. */
static unsigned fire_by(const Net *net, int fd, const GByteArray *frame) {
        ssize_t length = write(fd, frame->data, frame->len);
        unsigned arrived = 0;

        if (length < 0)
                g_assert_true(errno == EINVAL || errno == EMSGSIZE);
        settle(net);
        for (unsigned i = 0; i < net->n_ends; i++)
                if (net->ends[i].far >= 0 && take(net->ends[i].far, frame))
                        arrived |= 1u << i;
        return arrived;
}

static unsigned fire(const Net *net, unsigned from, const GByteArray *frame) {
        return fire_by(net, net->ends[from].far, frame) & ~(1u << from);
}

static bool is_link(const Net *net, unsigned end) {
        return net->ends[end].far < 0;
}

/* Where a frame would come to with nobody on guard. */
static unsigned reach(const Net *net, unsigned end) {
        unsigned all = 0;

        for (unsigned i = 0; i < net->n_ends; i++) {
                if (i == end || net->ends[i].bridge != net->ends[end].bridge)
                        continue;
                if (is_link(net, i))
                        all |= reach(net, net->ends[i].peer);
                else
                        all |= 1u << i;
        }
        return all;
}

/* A link that is up carries nothing until the kernel has got round to switching its queue on. */
static void await_all(const Net *net) {
        static const uint8_t bytes[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
                                           0,    0,    0,    0,    4,    0x88, 0xb5 };
        const GByteArray probe = { (guint8 *) bytes, sizeof(bytes) };

        for (unsigned i = 0; i < net->n_ends; i++)
                for (unsigned turn = 0; net->ends[i].far >= 0; turn++) {
                        if (fire(net, i, &probe) == reach(net, i))
                                break;
                        g_assert_cmpuint(turn, <, 30000);
                        g_usleep(G_TIME_SPAN_MILLISECOND);
                }
}

/* The guard */

static void make_plan(Net *net, const char *more) {
        g_autofree char *text = g_strconcat(net->settings->str, more, NULL);
        BwConfig *config = bw_test_config_from_text(text);

        if (bw_config_count_errors(config) > 0)
                g_error("not taken: %s", text);
        g_clear_pointer(&net->plan, bw_plan_free);
        g_clear_pointer(&net->config, bw_config_free);
        net->config = config;
        net->plan = bw_plan_new(net->model, config);
}

static void arm(Net *net, const char *more) {
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();
        g_autoptr(BwNftTable) table = NULL;
        g_autoptr(GError) error = NULL;
        bool equal = false;
        BwNftReport report;

        make_plan(net, more);
        table = bw_nft_compile(net->plan, nowhere);
        bw_nftables_sync(net->nftables, table, &report, &error);
        g_assert_no_error(error);
        bw_nftables_check(net->nftables, table, &equal, &error);
        g_assert_no_error(error);
        g_assert_true(equal);
}

static uint64_t counted(Net *net, BwDirection direction, BwReason reason, bool drops) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwNftListing) listing = bw_nftables_read(net->nftables, &error);

        g_assert_no_error(error);
        return bw_nft_count(listing, direction, reason, drops).packets;
}

/* By hand. Two bridges, t-a and t-b; on each two guests, an uplink and one end of the link. */

enum { A1, A2, UA, B1, B2, UB };
#define AT(end)      (1u << (end))
#define NOBODY       0u
#define ALL          (AT(A1) | AT(A2) | AT(UA) | AT(B1) | AT(B2) | AT(UB))
#define ALL_BUT(end) (ALL & ~AT(end))

#define A1_MAC       "52:54:00:00:0a:01"
#define A2_MAC       "52:54:00:00:0a:02"
#define B1_MAC       "52:54:00:00:0b:01"
#define B2_MAC       "52:54:00:00:0b:02"
#define UA_MAC       "00:1b:21:00:00:0a" /* somebody behind the uplink */
#define UB_MAC       "00:1b:21:00:00:0b"
#define BRIDGE_A_MAC "52:54:00:00:00:aa"
#define BRIDGE_B_MAC "52:54:00:00:00:bb"
#define ALL_MACS     "ff:ff:ff:ff:ff:ff"

static Net *two_bridges(void) {
        Net *net = net_new();
        int a = add_bridge(net, "t-a", BRIDGE_A_MAC), b = add_bridge(net, "t-b", BRIDGE_B_MAC);

        add_port(net, "t-a1", a, false, BW_LINK_TAP);
        add_port(net, "t-a2", a, true, BW_LINK_TAP);
        add_port(net, "t-ua", a, false, BW_LINK_OTHER);
        add_port(net, "t-b1", b, true, BW_LINK_TAP);
        add_port(net, "t-b2", b, false, BW_LINK_TAP);
        add_port(net, "t-ub", b, false, BW_LINK_OTHER);
        add_link(net, "t-la", a, "t-lb", b);
        g_string_append(net->settings,
                        "Bridges=t-a t-b\n"
                        "[Port t-a1]\nMACs=" A1_MAC "\nAddresses=10.0.0.11 2001:db8::11\n"
                        "[Port t-a2]\nMACs=" A2_MAC "\nAddresses=10.0.0.12 2001:db8::12\n"
                        "[Port t-b1]\nMACs=" B1_MAC "\nAddresses=10.0.0.21 2001:db8::21\n"
                        "[Port t-b2]\nMACs=" B2_MAC "\nAddresses=10.0.0.22 2001:db8::22\n"
                        "[Bridge t-a]\nNetworks=10.0.0.0/24\n"
                        "[Bridge t-b]\nNetworks=10.0.0.0/24\n");
        await_all(net);
        return net;
}

static BwPrefix address(const char *text) {
        uint8_t bytes[16];
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;

        g_assert_cmpint(inet_pton(family == BW_FAMILY_IPV6 ? AF_INET6 : AF_INET, text, bytes), ==,
                        1);
        return bw_prefix_from_address(family, bytes);
}

static BwMac mac(const char *text) {
        BwMac ret;

        g_assert_true(bw_mac_read(text, &ret));
        return ret;
}

/* How a frame is wrapped. */
typedef enum Form {
        PLAIN, /* UDP */
        TAGGED,
        TAGGED_TWICE,
        OLD_TAGGED,    /* 0x9100 */
        FRAGMENT,      /* IPv6: a later one, hop limit 64; IPv4: any */
        FRAGMENT_255,  /* of ICMPv6 */
        EXTENDED,      /* UDP behind an option header */
        AUTHENTICATED, /* behind an authentication header */
        TORN,          /* shorter than its IP header says; of IPv6, cut within the header */
        ARP,           /* @source is the sender IP, @more the sender MAC or NULL */
        ARP_TAGGED,
        ARP_ODD, /* hardware type 6 */
        ARP_TORN,
        RARP,
        NA, /* @more: the target */
        NA_TAGGED,
        NA_TORN,        /* ends within the target */
        NA_UNDERSTATED, /* the target stands behind the end the IP header tells of */
        NA_EXTENDED,
        NA_FRAGMENT, /* the first, and not the last */
        NS,
        ICMP6_TORN,        /* no type */
        ICMP6_CUT,         /* the same, and the IP header says there is one */
        ICMP6_BEHIND_END,  /* the type stands behind the end the IP header tells of */
        ICMP6_TORN_BEHIND, /* no type, behind an option header */
        VERSION_5,
        FRAGMENT_OF_OPTIONS, /* the first; the option header is in it */
        FRAGMENT_EMPTY,      /* of UDP, a later one without a byte */
        NOTHING_MORE,        /* no next header (59), and no byte */
        OPTIONS_TOO_LONG,    /* an option header longer than the packet, then "TCP" */
        MLD,                 /* behind an option header, from @source */
        OTHER,               /* ethertype 0x88b5 */
} Form;

typedef struct Packet {
        Form form;
        const char *to_mac, *from_mac, *source, *destination, *more;
} Packet;

static uint16_t ethertype_of(const BwPrefix *source) {
        return source->family == BW_FAMILY_IPV4 ? ETH_P_IP : ETH_P_IPV6;
}

static BwPacketIp header(const Packet *packet, uint8_t protocol, uint8_t hop_limit) {
        return (BwPacketIp){ .source = address(packet->source),
                             .destination = address(packet->destination),
                             .protocol = protocol,
                             .hop_limit = hop_limit };
}

static GByteArray *udp(const Packet *packet) {
        BwPacketIp ip = header(packet, IPPROTO_UDP, 64);

        return bw_packet_ip(&ip,
                            bw_packet_seal(&ip, bw_packet_udp(1024, 2048, bw_packet_filler(20))));
}

static GByteArray *cut(GByteArray *bytes, guint length) {
        g_byte_array_set_size(bytes, length);
        return bytes;
}

static GByteArray *understate(GByteArray *ipv6, uint8_t length) {
        ipv6->data[4] = 0;
        ipv6->data[5] = length;
        return ipv6;
}

static GByteArray *with_version(GByteArray *ipv6, uint8_t version) {
        ipv6->data[0] = (uint8_t) (version << 4);
        return ipv6;
}

static GByteArray *with_long_options(GByteArray *ipv6) {
        ipv6->data[41] = 200;
        return ipv6;
}

static GByteArray *fragment(const Packet *packet, uint8_t hop_limit) {
        BwPacketIp ip = header(packet, IPPROTO_UDP, hop_limit);

        if (ip.source.family == BW_FAMILY_IPV4) {
                ip.fragment = 0x2001;
                return bw_packet_ip(&ip, bw_packet_filler(16));
        }
        ip.protocol = IPPROTO_FRAGMENT;
        return bw_packet_ip(&ip,
                            bw_packet_fragment(IPPROTO_ICMPV6, 64, true, bw_packet_filler(16)));
}

static GByteArray *advertisement(const Packet *packet, uint8_t type) {
        BwPrefix target = address(packet->more);

        return bw_packet_nd(type, &target, NULL);
}

static GByteArray *nd(const Packet *packet, uint8_t type) {
        BwPacketIp ip = header(packet, IPPROTO_ICMPV6, 255);

        return bw_packet_ip(&ip, bw_packet_seal(&ip, advertisement(packet, type)));
}

static GByteArray *nd_behind(const Packet *packet, uint8_t header_type) {
        BwPacketIp ip = header(packet, header_type, 255);
        GByteArray *message = advertisement(packet, BW_ND_ADVERTISEMENT);

        return bw_packet_ip(&ip, header_type == IPPROTO_FRAGMENT
                                         ? bw_packet_fragment(IPPROTO_ICMPV6, 0, true, message)
                                         : bw_packet_extension(IPPROTO_ICMPV6, message));
}

static GByteArray *behind(const Packet *packet, uint8_t header_type, uint8_t next,
                          GByteArray *payload) {
        BwPacketIp ip = header(packet, header_type, 1);

        return bw_packet_ip(&ip, bw_packet_extension(next, payload));
}

static GByteArray *fragment_of(const Packet *packet, uint8_t next, unsigned offset,
                               GByteArray *payload) {
        BwPacketIp ip = header(packet, IPPROTO_FRAGMENT, 64);

        return bw_packet_ip(&ip, bw_packet_fragment(next, offset, true, payload));
}

static GByteArray *nothing_more(const Packet *packet) {
        BwPacketIp ip = header(packet, IPPROTO_NONE, 64);

        return bw_packet_ip(&ip, g_byte_array_new());
}

static GByteArray *arp(const Packet *packet, uint16_t operation, uint16_t hardware) {
        BwPacketArp arp = { .hardware = hardware,
                            .protocol = ETH_P_IP,
                            .hardware_length = 6,
                            .protocol_length = 4,
                            .operation = operation,
                            .sender_mac = mac(packet->more ? packet->more : packet->from_mac),
                            .sender = address(packet->source),
                            .target = address(packet->destination) };

        return bw_packet_arp(&arp);
}

static GByteArray *empty_icmp6(const Packet *packet) {
        BwPacketIp ip = header(packet, IPPROTO_ICMPV6, 255);

        return bw_packet_ip(&ip, g_byte_array_new());
}

static GByteArray *payload_of(const Packet *packet, uint16_t *ethertype) {
        BwPrefix source = address(packet->source);

        *ethertype = ethertype_of(&source);
        switch (packet->form) {
        case PLAIN:
        case TAGGED:
        case TAGGED_TWICE:
        case OLD_TAGGED:
                return udp(packet);
        case FRAGMENT:
                return fragment(packet, 64);
        case FRAGMENT_255:
                return fragment(packet, 255);
        case EXTENDED:
                return behind(packet, IPPROTO_DSTOPTS, IPPROTO_UDP,
                              bw_packet_udp(1024, 2048, bw_packet_filler(20)));
        case AUTHENTICATED:
                return behind(packet, IPPROTO_AH, IPPROTO_UDP,
                              bw_packet_udp(1024, 2048, bw_packet_filler(20)));
        case TORN:
                return cut(udp(packet), 32);
        case ARP:
        case ARP_TAGGED:
                *ethertype = ETH_P_ARP;
                return arp(packet, 1, 1);
        case ARP_ODD:
                *ethertype = ETH_P_ARP;
                return arp(packet, 1, 6);
        case ARP_TORN:
                *ethertype = ETH_P_ARP;
                return cut(arp(packet, 2, 1), 27);
        case RARP:
                *ethertype = ETH_P_RARP;
                return arp(packet, 3, 1);
        case NA:
        case NA_TAGGED:
                return nd(packet, BW_ND_ADVERTISEMENT);
        case NA_TORN:
                return cut(nd(packet, BW_ND_ADVERTISEMENT), 40 + 8 + 12);
        case NA_UNDERSTATED:
                return understate(nd(packet, BW_ND_ADVERTISEMENT), 8);
        case NA_EXTENDED:
                return nd_behind(packet, IPPROTO_DSTOPTS);
        case NA_FRAGMENT:
                return nd_behind(packet, IPPROTO_FRAGMENT);
        case NS:
                return nd(packet, BW_ND_SOLICITATION);
        case ICMP6_TORN:
                return empty_icmp6(packet);
        case ICMP6_CUT:
                return cut(nd(packet, BW_ND_ADVERTISEMENT), 40);
        case ICMP6_BEHIND_END:
                return understate(nd(packet, BW_ND_ADVERTISEMENT), 0);
        case ICMP6_TORN_BEHIND:
                return behind(packet, IPPROTO_DSTOPTS, IPPROTO_ICMPV6, g_byte_array_new());
        case VERSION_5:
                return with_version(udp(packet), 5);
        case FRAGMENT_OF_OPTIONS:
                return fragment_of(packet, IPPROTO_DSTOPTS, 0,
                                   bw_packet_extension(IPPROTO_UDP, bw_packet_filler(32)));
        case FRAGMENT_EMPTY:
                return fragment_of(packet, IPPROTO_UDP, 64, g_byte_array_new());
        case NOTHING_MORE:
                return nothing_more(packet);
        case OPTIONS_TOO_LONG:
                return with_long_options(
                        behind(packet, IPPROTO_DSTOPTS, IPPROTO_TCP, bw_packet_filler(24)));
        case MLD:
                return behind(packet, IPPROTO_HOPOPTS, IPPROTO_ICMPV6,
                              bw_packet_message(143, 0, 0, g_byte_array_new()));
        case OTHER:
                *ethertype = 0x88b5;
                return bw_packet_filler(50);
        }
        g_assert_not_reached();
}

static GByteArray *wrap(const Packet *packet) {
        uint16_t ethertype;
        GByteArray *payload = payload_of(packet, &ethertype);

        if (packet->form == TAGGED_TWICE) {
                payload = bw_packet_tag(9, ethertype, payload);
                ethertype = ETH_P_8021Q;
        }
        if (packet->form == TAGGED || packet->form == TAGGED_TWICE || packet->form == ARP_TAGGED ||
            packet->form == NA_TAGGED || packet->form == OLD_TAGGED) {
                payload = bw_packet_tag(7, ethertype, payload);
                ethertype = packet->form == OLD_TAGGED ? 0x9100 : ETH_P_8021Q;
        }
        return bw_packet_ethernet(mac(packet->to_mac), mac(packet->from_mac), ethertype, payload);
}

typedef struct Row {
        const char *name;
        unsigned from;
        Packet packet;
        unsigned arrives; /* set of ends */
} Row;

static unsigned judge_rows(const Net *net, const Row *rows, gsize n) {
        unsigned wrong = 0;

        for (gsize i = 0; i < n; i++) {
                g_autoptr(GByteArray) frame = wrap(&rows[i].packet);
                unsigned arrived = fire(net, rows[i].from, frame);

                if (arrived == rows[i].arrives)
                        continue;
                wrong++;
                g_test_message("WRONG %s: arrived at %x, not at %x", rows[i].name, arrived,
                               rows[i].arrives);
        }
        return wrong;
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
        { "IPv4 behind two tags", IPV4(TAGGED_TWICE, "10.0.0.11"), AT(UB) },
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

static void test_uplink(void) {
        g_autoptr(Net) net = two_bridges();
        unsigned hostile = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(at_uplink); i++)
                hostile += at_uplink[i].from == UA && at_uplink[i].arrives == NOBODY;
        arm(net, "");
        g_assert_cmpuint(judge_rows(net, at_uplink, G_N_ELEMENTS(at_uplink)), ==, 0);
        g_assert_cmpuint(counted(net, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, true), ==, hostile);
        g_assert_cmpuint(counted(net, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, false), ==, 0);
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

static void test_link(void) {
        g_autoptr(Net) net = two_bridges();

        arm(net, UNCHECKED);
        g_assert_cmpuint(judge_rows(net, at_link, G_N_ELEMENTS(at_link)), ==, 0);
        g_assert_cmpuint(counted(net, BW_DIRECTION_OUT, BW_REASON_BORDER_MISDELIVERED, true), >, 0);
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

static void test_behind(void) {
        g_autoptr(Net) net = two_bridges();

        arm(net, BEHIND);
        g_assert_cmpuint(judge_rows(net, behind_borders, G_N_ELEMENTS(behind_borders)), ==, 0);
}

/* Told of and let through. */
static void test_monitor(void) {
        static const Row rows[] = {
                { "in", IPV4(PLAIN, "10.0.0.11"), OTHERS & ~AT(A1) },
                { "out", A1, { PLAIN, UA_MAC, A1_MAC, "10.0.0.11", "10.0.0.12", NULL }, AT(UA) },
        };
        g_autoptr(Net) net = two_bridges();

        arm(net, "[Port t-ua]\nMode=monitor\n[Port t-lb]\nMode=monitor\n");
        g_assert_cmpuint(judge_rows(net, rows, G_N_ELEMENTS(rows)), ==, 0);
        g_assert_cmpuint(counted(net, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, false), ==, 1);
        g_assert_cmpuint(counted(net, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, true), ==, 0);
        g_assert_cmpuint(counted(net, BW_DIRECTION_OUT, BW_REASON_BORDER_MISDELIVERED, false), ==,
                         1);
        g_assert_cmpuint(counted(net, BW_DIRECTION_OUT, BW_REASON_BORDER_MISDELIVERED, true), ==,
                         1);
}

/* What the host itself sends by its bridge t-a leaves by borders like anybody's. */
static void test_host(void) {
        static const Row rows[] = {
                { "to a guest",
                  0,
                  { PLAIN, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "10.0.0.12", NULL },
                  AT(A2) },
                { "to a guest beyond",
                  0,
                  { PLAIN, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "10.0.0.22", NULL },
                  AT(B2) },
                { "to nobody",
                  0,
                  { PLAIN, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "192.0.2.9", NULL },
                  AT(UA) | AT(UB) },
                { "to all",
                  0,
                  { PLAIN, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "10.0.0.255", NULL },
                  ALL },
                { "to a guest's MAC",
                  0,
                  { OTHER, A1_MAC, BRIDGE_A_MAC, "::", "::", NULL },
                  AT(A1) },
                { "to a MAC beyond", 0, { OTHER, B1_MAC, BRIDGE_A_MAC, "::", "::", NULL }, AT(B1) },
                { "behind a tag of its own",
                  0,
                  { TAGGED, ALL_MACS, BRIDGE_A_MAC, "10.0.0.5", "10.0.0.12", NULL },
                  NOBODY },
        };
        g_autoptr(Net) net = two_bridges();
        int fd = open_wire("t-a");
        unsigned wrong = 0;

        arm(net, "");
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GByteArray) frame = wrap(&rows[i].packet);
                unsigned arrived = fire_by(net, fd, frame);

                if (arrived == rows[i].arrives)
                        continue;
                wrong++;
                g_test_message("WRONG %s: arrived at %x, not at %x", rows[i].name, arrived,
                               rows[i].arrives);
        }
        close(fd);
        g_assert_cmpuint(wrong, ==, 0);
}

/* Addresses=any leaves out the gateway's, which is somebody else's or nobody's. */
static void test_gateway(void) {
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
        g_autoptr(Net) net = two_bridges();

        arm(net, "[Bridge t-b]\nGateway=10.0.0.1 2001:db8::1\n"
                 "[Port t-a2]\nAddresses=any\n"
                 "[Port t-b1]\nAddresses=10.0.0.1 2001:db8::1\n");
        g_assert_cmpuint(judge_rows(net, rows, G_N_ELEMENTS(rows)), ==, 0);
}

/* At random: up to three bridges, some of them joined; anybody may own anything out of few things,
 * and claim anything out of some more. */

static const char *const macs[] = {
        A1_MAC, A2_MAC, B1_MAC,       B2_MAC,       "52:54:00:00:0c:01",
        UA_MAC, UB_MAC, BRIDGE_A_MAC, BRIDGE_B_MAC,
};
/* The first of these may be owned. */
#define OWNED4 12
static const char *const ipv4s[] = {
        "10.0.0.1",   "10.0.0.2",        "10.0.0.3",       "10.0.0.64",    "10.0.0.127",
        "10.0.0.128", "10.0.0.0/24",     "10.0.0.0/25",    "10.0.0.64/26", "10.0.0.96/27",
        "10.0.0.0/8", "10.0.1.0/24",     "10.0.0.0",       "10.0.0.63",    "10.0.0.95",
        "10.0.0.255", "10.0.1.0",        "10.255.255.255", "11.0.0.0",     "0.0.0.0",
        "224.0.0.1",  "255.255.255.255", "9.255.255.255",
};
#define OWNED6 11
static const char *const ipv6s[] = {
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8::40",
        "fe80::1",
        "fe80::2",
        "2001:db8::/64",
        "2001:db8::/122",
        "2001:db8::/32",
        "2001:db8:8000::/33",
        "fe80::/64",
        "2001:db8::40/123",
        "2001:db8::",
        "2001:db8::3f",
        "2001:db8::60",
        "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8:8000::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "fe80::3",
        "fe80::5054:ff:fe00:a01",
        "fe80::5054:ff:fe00:b02",
        "::",
        "ff02::1",
        "3fff::1",
};

static const char *one_of(const char *const *words, unsigned n) {
        return words[bw_test_below(n)];
}

static const char *owned(void) {
        return bw_test_once_in(2) ? one_of(ipv4s, OWNED4) : one_of(ipv6s, OWNED6);
}

/* @text: its address, when it is a network. */
static char *without_length(const char *text) {
        return g_strndup(text, strcspn(text, "/"));
}

static Net *random_net(void) {
        static const char *const names[] = { "t-a", "t-b", "t-c" };
        static const char *const bridge_macs[] = { BRIDGE_A_MAC, BRIDGE_B_MAC,
                                                   "52:54:00:00:00:cc" };
        Net *net = net_new();
        unsigned n = 2 + bw_test_below(2);
        int bridges[3];

        g_string_append(net->settings, "Bridges=t-a t-b t-c\n");
        for (unsigned i = 0; i < n; i++) {
                bridges[i] = add_bridge(net, names[i], bridge_macs[i]);
                for (unsigned k = 0; k < 2; k++) {
                        g_autofree char *guest = g_strdup_printf("%s%u", names[i], k);

                        add_port(net, guest, bridges[i], k == 0, BW_LINK_TAP);
                }
                if (!bw_test_once_in(4)) {
                        g_autofree char *uplink = g_strdup_printf("%su", names[i]);

                        add_port(net, uplink, bridges[i], false, BW_LINK_OTHER);
                }
        }
        for (unsigned i = 1; i < n; i++) {
                g_autofree char *name = g_strdup_printf("t-l%u", i);
                g_autofree char *peer = g_strdup_printf("t-m%u", i);

                if (bw_test_once_in(4))
                        net->joined = false;
                else
                        add_link(net, name, bridges[i], peer, bridges[bw_test_below(i)]);
        }
        await_all(net);
        return net;
}

static bool is_uplink(const Net *net, unsigned end) {
        return g_str_has_suffix(net->ends[end].port, "u");
}

static void add_random_addresses(GString *text, unsigned most) {
        g_string_append(text, "Addresses=");
        for (unsigned i = 0; i < most; i++)
                g_string_append_printf(text, "%s ", owned());
        g_string_append(text, "\n");
}

static void add_random_section(GString *text, const Net *net, unsigned end) {
        bool border = is_link(net, end) || is_uplink(net, end);

        g_string_append_printf(text, "[Port %s]\n", net->ends[end].port);
        if (!border)
                g_string_append_printf(text, "MACs=%s\n", one_of(macs, G_N_ELEMENTS(macs) - 2));
        if (!border && bw_test_once_in(8))
                g_string_append(text, "Addresses=any\n");
        else if (!border || (is_uplink(net, end) && bw_test_once_in(2)))
                add_random_addresses(text, 1 + bw_test_below(4));
        if (border && bw_test_once_in(3))
                g_string_append(text, "Closed=yes\n");
        if (!border && bw_test_once_in(6))
                g_string_append(text, "Router=yes\n");
        if (!border && bw_test_once_in(8))
                g_string_append(text, "LinkLocal=declared\n");
        if (bw_test_once_in(5))
                g_string_append(text, "Mode=monitor\n");
        else if (bw_test_once_in(6))
                g_string_append(text, "Mode=off\n");
}

/* (transfer full) */
static char *random_settings(const Net *net) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < net->n_ends; i++)
                add_random_section(text, net, i);
        for (guint i = 0; i < net->bridges->len; i++) {
                g_string_append_printf(text, "[Bridge %s]\n", (char *) net->bridges->pdata[i]);
                if (bw_test_once_in(2))
                        g_string_append(text, "Networks=10.0.0.0/24\n");
                if (bw_test_once_in(4)) {
                        g_autofree char *gateway = without_length(one_of(ipv4s, 6));

                        g_string_append_printf(text, "Gateway=%s 2001:db8::40\n", gateway);
                }
        }
        return g_string_free(text, FALSE);
}

static GByteArray *random_frame(void) {
        bool ipv4 = bw_test_once_in(2);
        const char *const *addresses = ipv4 ? ipv4s : ipv6s;
        unsigned n = ipv4 ? G_N_ELEMENTS(ipv4s) : G_N_ELEMENTS(ipv6s);
        Form form = bw_test_below(OTHER + 1);
        g_autofree char *source = NULL, *destination = NULL, *more = NULL;
        bool is_arp = form == ARP || form == ARP_TAGGED || form == ARP_ODD || form == ARP_TORN ||
                      form == RARP;
        bool is_nd = form >= EXTENDED && form != TORN && !is_arp && form != OTHER;

        if (is_arp || is_nd) {
                addresses = is_arp ? ipv4s : ipv6s;
                n = is_arp ? G_N_ELEMENTS(ipv4s) : G_N_ELEMENTS(ipv6s);
        }
        source = without_length(one_of(addresses, n));
        if (form == NS && bw_test_once_in(2)) {
                g_free(source);
                source = g_strdup("::");
        }
        destination = without_length(one_of(addresses, n));
        more = is_arp ? g_strdup(one_of(macs, G_N_ELEMENTS(macs)))
                      : without_length(one_of(ipv6s, G_N_ELEMENTS(ipv6s)));
        return wrap(&(Packet){ form,
                               bw_test_once_in(2) ? ALL_MACS : one_of(macs, G_N_ELEMENTS(macs)),
                               one_of(macs, G_N_ELEMENTS(macs)), source, destination, more });
}

/* Where the IPv6 header tells a length: rules cannot add up headers. */
static bool is_length_of_ipv6(const GByteArray *frame, guint at) {
        guint type = 12;

        while (type + 4 < frame->len && frame->data[type] == 0x81 && frame->data[type + 1] == 0)
                type += 4;
        return frame->data[type] == 0x86 && frame->data[type + 1] == 0xdd &&
               (at == type + 6 || at == type + 7);
}

/* One byte is another one, or the end is missing. */
static GByteArray *spoil(GByteArray *frame) {
        guint at = 12 + bw_test_below(frame->len - 12);

        if (bw_test_once_in(2))
                return frame;
        if (is_length_of_ipv6(frame, at))
                at += 2;
        if (bw_test_once_in(4))
                g_byte_array_set_size(frame, MAX(at, 14));
        else
                frame->data[at] ^= (uint8_t) (1u << bw_test_below(8));
        return frame;
}

/* What the evaluator says, from port to port. */

typedef struct Walk {
        const Net *net;
        const GByteArray *frame;
        unsigned arrives;
        uint64_t counts[2][2][BW_REASON_MAX]; /* by direction, and whether it drops */
} Walk;

static bool passes(Walk *walk, unsigned end, BwDirection direction) {
        const BwBridgePlan *bridge;
        const BwPortPlan *port =
                bw_plan_find_port(walk->net->plan, walk->net->ends[end].port, &bridge);
        const uint8_t *bytes = walk->frame->data;
        gsize length = walk->frame->len;
        BwVerdict verdict = direction == BW_DIRECTION_IN
                                    ? bw_evaluate_in(walk->net->plan, bridge, port, bytes, length)
                                    : bw_evaluate_out(walk->net->plan, bridge, port, bytes, length);

        g_assert_nonnull(port);
        walk->counts[direction][verdict.drops][verdict.reason]++;
        return verdict.reason == BW_REASON_NONE || !verdict.drops;
}

static void enter(Walk *walk, unsigned end) {
        const Net *net = walk->net;

        if (!passes(walk, end, BW_DIRECTION_IN))
                return;
        for (unsigned i = 0; i < net->n_ends; i++) {
                if (i == end || net->ends[i].bridge != net->ends[end].bridge ||
                    !passes(walk, i, BW_DIRECTION_OUT))
                        continue;
                if (is_link(net, i))
                        enter(walk, net->ends[i].peer);
                else
                        walk->arrives |= 1u << i;
        }
}

typedef struct Shot {
        unsigned from;
        GByteArray *frame;
} Shot;

static void clear_shot(gpointer data) {
        g_byte_array_unref(((Shot *) data)->frame);
}

/* Of guests, nftables asks whether a link-local address is owned on any bridge: of bridges that are
 * not joined it knows no better. */
static bool mentions_link_local(const GByteArray *frame) {
        for (guint i = 0; i + 1 < frame->len; i++)
                if (frame->data[i] == 0xfe && (frame->data[i + 1] & 0xc0) == 0x80)
                        return true;
        return false;
}

/* Those that a bridge carries to everybody when nobody is on guard. (transfer full) */
static GArray *load(Net *net, unsigned n) {
        GArray *shots = g_array_new(FALSE, FALSE, sizeof(Shot));
        g_autoptr(GError) error = NULL;

        bw_nftables_remove(net->nftables, &error);
        g_assert_no_error(error);
        g_array_set_clear_func(shots, clear_shot);
        for (unsigned i = 0; i < n; i++) {
                Shot shot = { bw_test_below(net->n_ends), spoil(random_frame()) };

                if (!is_link(net, shot.from) && (net->joined || !mentions_link_local(shot.frame)) &&
                    fire(net, shot.from, shot.frame) == reach(net, shot.from))
                        g_array_append_val(shots, shot);
                else
                        clear_shot(&shot);
        }
        return shots;
}

static char *hex(const GByteArray *frame) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < frame->len; i++)
                g_string_append_printf(text, "%02x", frame->data[i]);
        return g_string_free(text, FALSE);
}

typedef struct Score {
        unsigned frames, wrong, kinds[BW_REASON_MAX];
} Score;

static void judge_shot(const Net *net, const Shot *shot, Walk *walk, Score *score) {
        unsigned arrived = fire(net, shot->from, shot->frame);

        walk->frame = shot->frame;
        walk->arrives = 0;
        enter(walk, shot->from);
        score->frames++;
        if (arrived == walk->arrives)
                return;
        score->wrong++;
        if (score->wrong < 10) {
                g_autofree char *bytes = hex(shot->frame);

                g_test_message("WRONG from %s: arrived at %x, not at %x %s",
                               net->ends[shot->from].port, arrived, walk->arrives, bytes);
        }
}

/* All counts of all reasons, and no other. */
static void judge_counts(Net *net, const Walk *walk, Score *score) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwNftListing) listing = bw_nftables_read(net->nftables, &error);

        g_assert_no_error(error);
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                for (unsigned k = 0; k < 4; k++) {
                        BwDirection direction = k / 2 ? BW_DIRECTION_OUT : BW_DIRECTION_IN;
                        uint64_t found = bw_nft_count(listing, direction, reason, k % 2).packets;
                        uint64_t wanted = walk->counts[direction][k % 2][reason];

                        score->kinds[reason] += (unsigned) wanted;
                        if (found == wanted)
                                continue;
                        score->wrong++;
                        g_test_message("WRONG: %s %s counted %u, not %u",
                                       bw_direction_name(direction), bw_reason_name(reason),
                                       (unsigned) found, (unsigned) wanted);
                }
}

static void flush(Net *net) {
        g_autoptr(GError) error = NULL;

        bw_nftables_remove(net->nftables, &error);
        g_assert_no_error(error);
}

#define NETS  8
#define PLANS 6
#define SHOTS 160

static void test_random(void) {
        Score score = { 0 };

        for (unsigned i = 0; i < NETS; i++) {
                g_autoptr(Net) net = random_net();
                g_autoptr(GArray) shots = load(net, SHOTS);

                for (unsigned k = 0; k < PLANS; k++) {
                        g_autofree char *settings = random_settings(net);
                        Walk walk = { .net = net };

                        flush(net);
                        arm(net, settings);
                        for (guint s = 0; s < shots->len; s++)
                                judge_shot(net, &g_array_index(shots, Shot, s), &walk, &score);
                        judge_counts(net, &walk, &score);
                }
        }
        g_test_message("%u frames, %u wrong; border-spoof %u, border-misdelivered %u", score.frames,
                       score.wrong, score.kinds[BW_REASON_BORDER_SPOOF],
                       score.kinds[BW_REASON_BORDER_MISDELIVERED]);
        g_assert_cmpuint(score.wrong, ==, 0);
        g_assert_cmpuint(score.frames, >, 3000);
        g_assert_cmpuint(score.kinds[BW_REASON_BORDER_SPOOF], >, 300);
        g_assert_cmpuint(score.kinds[BW_REASON_BORDER_MISDELIVERED], >, 300);
}

/* What the rules of a thousand guests in a tree of 40 bridges come to. No link of it is there:
 * rules are about names. */

#define BRIDGES 40
#define GUESTS  1000

static void tell_bridge(Net *net, unsigned number) {
        g_autofree char *name = g_strdup_printf("t-%u", number);
        BwLink link = bw_test_bridge((int) (1 + number), name);

        link.mac = (BwMac){ { 0x02, 0xb0, 0, 0, 0, (uint8_t) number } };
        bw_test_tell_link(net->model, &link);
}

static void tell_pair(Net *net, unsigned number) {
        BwLink near = { .ifindex = (int) (100 + 2 * number),
                        .kind = BW_LINK_VETH,
                        .mac = bw_test_mac("52:54:00:ee:ee:ee"),
                        .master = (int) (1 + number),
                        .peer = (int) (101 + 2 * number),
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING };
        BwLink far = near;

        far.ifindex = near.peer;
        far.peer = near.ifindex;
        far.master = (int) (1 + (number - 1) / 2);
        g_snprintf(near.name, sizeof(near.name), "t-l%u", number);
        g_snprintf(far.name, sizeof(far.name), "t-m%u", number);
        bw_test_tell_link(net->model, &near);
        bw_test_tell_link(net->model, &far);
}

static void tell_guest(Net *net, unsigned number) {
        g_autofree char *name = g_strdup_printf("t-g%u", number);
        BwMac own = { { 0x52, 0x54, 0, 0x0d, (uint8_t) (number >> 8), (uint8_t) number } };
        BwLink link = bw_test_tap((int) (1000 + number), name, own, (int) (1 + number % BRIDGES));
        char text[BW_MAC_TEXT_SIZE];

        bw_test_tell_link(net->model, &link);
        g_string_append_printf(net->settings,
                               "[Port %s]\nMACs=%s\nAddresses=10.7.%u.%u 2001:db8:7::%x\n", name,
                               bw_mac_print(&own, text), number >> 8, number & 255, number);
}

static BwNftTable *compile(Net *net) {
        g_autoptr(GPtrArray) nowhere = g_ptr_array_new();

        make_plan(net, "");
        return bw_nft_compile(net->plan, nowhere);
}

static BwNftReport write_table(Net *net, const BwNftTable *table, const char *what) {
        g_autoptr(GError) error = NULL;
        gint64 before = g_get_monotonic_time();
        BwNftReport report;

        bw_nftables_sync(net->nftables, table, &report, &error);
        g_assert_no_error(error);
        g_test_message("%s: %.1f ms", what, (double) (g_get_monotonic_time() - before) / 1000);
        return report;
}

static void test_many(void) {
        g_autoptr(Net) net = net_new();
        g_autoptr(BwNftables) later = bw_nftables_new();
        g_autoptr(BwNftTable) table = NULL, one_more = NULL;
        g_autoptr(GError) error = NULL;
        bool equal = false;
        gint64 before;

        for (unsigned i = 0; i < BRIDGES; i++)
                tell_bridge(net, i);
        for (unsigned i = 1; i < BRIDGES; i++)
                tell_pair(net, i);
        for (unsigned i = 0; i < GUESTS; i++)
                tell_guest(net, i);
        before = g_get_monotonic_time();
        table = compile(net);
        g_test_message("planned and compiled: %.1f ms",
                       (double) (g_get_monotonic_time() - before) / 1000);
        g_assert_true(write_table(net, table, "all written and read back").whole);
        tell_guest(net, GUESTS);
        one_more = compile(net);
        g_assert_false(write_table(net, one_more, "one guest more").whole);
        g_assert_false(write_table(net, table, "and gone").whole);
        g_assert_false(write_table(net, one_more, "and back").whole);
        before = g_get_monotonic_time();
        bw_nftables_check(later, one_more, &equal, &error);
        g_assert_no_error(error);
        g_assert_true(equal);
        g_test_message("read by another: %.1f ms",
                       (double) (g_get_monotonic_time() - before) / 1000);
}

/* Real bridges in a row, and a guest at each end of it. */
static void test_forty(void) {
        g_autoptr(Net) net = net_new();
        int bridges[BRIDGES];
        unsigned first, last;
        static const Packet there = { PLAIN, B1_MAC, A1_MAC, "10.0.0.11", "10.0.0.21", NULL };
        static const Packet spoofed = { PLAIN, B1_MAC, A1_MAC, "10.0.0.21", "10.0.0.21", NULL };

        for (unsigned i = 0; i < BRIDGES; i++) {
                g_autofree char *name = g_strdup_printf("t-%u", i);
                g_autofree char *mac = g_strdup_printf("02:b0:00:00:00:%02x", i);

                bridges[i] = add_bridge(net, name, mac);
        }
        first = add_port(net, "t-first", bridges[0], false, BW_LINK_TAP);
        last = add_port(net, "t-last", bridges[BRIDGES - 1], false, BW_LINK_TAP);
        for (unsigned i = 1; i < BRIDGES; i++) {
                g_autofree char *name = g_strdup_printf("t-l%u", i);
                g_autofree char *peer = g_strdup_printf("t-m%u", i);

                add_link(net, name, bridges[i - 1], peer, bridges[i]);
        }
        g_string_append(net->settings, "Bridges=t-0");
        for (unsigned i = 1; i < BRIDGES; i++)
                g_string_append_printf(net->settings, " t-%u", i);
        g_string_append(net->settings, "\n[Port t-first]\nMACs=" A1_MAC "\nAddresses=10.0.0.11\n"
                                       "[Port t-last]\nMACs=" B1_MAC "\nAddresses=10.0.0.21\n");
        net->hops = 2 * BRIDGES;
        await_all(net);
        arm(net, "");
        for (unsigned turn = 0; turn < 3; turn++) {
                g_autoptr(GByteArray) frame = wrap(turn == 1 ? &spoofed : &there);

                g_assert_cmphex(fire(net, first, frame), ==, turn == 1 ? NOBODY : AT(last));
        }
        g_assert_cmpuint(counted(net, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, true), ==, 0);
        /* The first port does not look any more: the first border does. */
        arm(net, "[Port t-first]\nMode=off\n");
        {
                g_autoptr(GByteArray) frame = wrap(&spoofed);

                g_assert_cmphex(fire(net, first, frame), ==, NOBODY);
        }
        g_assert_cmpuint(counted(net, BW_DIRECTION_IN, BW_REASON_BORDER_SPOOF, true), ==, 1);
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        hold_cpu();
        g_test_add_func("/borders/uplink", test_uplink);
        g_test_add_func("/borders/link", test_link);
        g_test_add_func("/borders/behind", test_behind);
        g_test_add_func("/borders/monitor", test_monitor);
        g_test_add_func("/borders/host", test_host);
        g_test_add_func("/borders/gateway", test_gateway);
        g_test_add_func("/borders/random", test_random);
        g_test_add_func("/borders/forty", test_forty);
        g_test_add_func("/borders/many", test_many);
        return g_test_run();
}
