/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/corpus_list.h>

#include <arpa/inet.h>
#include <bw/model.h>
#include <string.h>

const BwMac bw_corpus_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

BwPrefix bw_corpus_address(const char *text) {
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;
        uint8_t bytes[16];

        int good = inet_pton(family == BW_FAMILY_IPV6 ? AF_INET6 : AF_INET, text, bytes);

        g_assert(good == 1);
        return bw_prefix_from_address(family, bytes);
}

static BwStation station(const char *port, uint8_t last) {
        BwStation station = { .mac = { { 0x52, 0x54, 0, 0x9f, 0x5d, last } } };
        g_autofree char *ipv4 = g_strdup_printf("192.168.50.%u", last);
        g_autofree char *ipv6 = g_strdup_printf("2001:db8:50::%u", last);
        g_autofree char *link_local = g_strdup_printf("fe80::5054:ff:fe9f:5d%02x", last);

        g_strlcpy(station.port, port, sizeof(station.port));
        station.ipv4 = bw_corpus_address(ipv4);
        station.ipv6 = bw_corpus_address(ipv6);
        station.link_local = bw_corpus_address(link_local);
        return station;
}

BwScene bw_scene_new(void) {
        BwScene scene = {
                .bridge = "virbr6",
                .stations = { [BW_WHO_ATTACKER] = station("vk63", 13),
                              [BW_WHO_VICTIM] = station("vk64", 14),
                              [BW_WHO_GATEWAY] = station("vmh1", 1),
                              [BW_WHO_NOBODY] = station("", 99),
                              [BW_WHO_FRESH] = station("vk66", 16),
                              [BW_WHO_STRANGER] = station("vk67", 17),
                              [BW_WHO_WATCHED] = station("vk65", 15) },
                .network = { BW_FAMILY_IPV4, 24, { 192, 168, 50 } },
        };

        return scene;
}

BwScene bw_scene_new_joined(void) {
        BwScene scene = bw_scene_new();

        g_strlcpy(scene.far_bridge, "virbr4", sizeof(scene.far_bridge));
        scene.stations[BW_WHO_UPLINK] = station("vmw2", 88);
        scene.stations[BW_WHO_LINK] = station("vethb2", 71);
        scene.stations[BW_WHO_BEYOND] = station("vk41", 41);
        scene.stations[BW_WHO_CLOSED] = station("vmw4", 77);
        scene.stations[BW_WHO_LINK_BEYOND] = station("vethb1", 72);
        return scene;
}

bool bw_scene_has(const BwScene *scene, BwWho who) {
        return scene->stations[who].port[0] != '\0';
}

const char *bw_scene_bridge_of(const BwScene *scene, BwWho who) {
        switch (who) {
        case BW_WHO_ATTACKER:
        case BW_WHO_VICTIM:
        case BW_WHO_GATEWAY:
        case BW_WHO_NOBODY:
        case BW_WHO_FRESH:
        case BW_WHO_STRANGER:
        case BW_WHO_WATCHED:
        case BW_WHO_UPLINK:
        case BW_WHO_LINK:
                return scene->bridge;
        case BW_WHO_BEYOND:
        case BW_WHO_CLOSED:
        case BW_WHO_LINK_BEYOND:
                return scene->far_bridge;
        }
        g_assert_not_reached();
}

/* NULL: nobody has declared the port. */
static const char *more_of(BwWho who) {
        switch (who) {
        case BW_WHO_ATTACKER:
        case BW_WHO_VICTIM:
        case BW_WHO_FRESH:
        case BW_WHO_BEYOND:
                return "";
        case BW_WHO_UPLINK:
                return "Addresses=" BW_CORPUS_BEHIND_ONE " " BW_CORPUS_BEHIND6_ONE "\n";
        case BW_WHO_CLOSED:
                return "Closed=yes\n"
                       "Addresses=" BW_CORPUS_BEHIND " " BW_CORPUS_BEHIND6
                       " 192.168.50.77 2001:db8:50::77\n";
        case BW_WHO_GATEWAY:
                return "Role=host\nDhcpServer=yes\nRouter=yes\nQuerier=yes\n";
        case BW_WHO_WATCHED:
                return "Mode=monitor\n";
        case BW_WHO_NOBODY:
        case BW_WHO_STRANGER:
        case BW_WHO_LINK:
        case BW_WHO_LINK_BEYOND:
                return NULL;
        }
        g_assert_not_reached();
}

static bool is_border(BwWho who) {
        return who == BW_WHO_UPLINK || who == BW_WHO_CLOSED;
}

static void declare(GString *text, const BwStation *station, BwWho who) {
        g_autofree char *ipv4 = bw_prefix_print(&station->ipv4);
        g_autofree char *ipv6 = bw_prefix_print(&station->ipv6);
        char mac[BW_MAC_TEXT_SIZE];

        g_string_append_printf(text, "[Port %s]\n%s", station->port, more_of(who));
        if (is_border(who))
                return;
        g_string_append_printf(text, "MACs=%s\n", bw_mac_print(&station->mac, mac));
        if (who != BW_WHO_FRESH)
                g_string_append_printf(text, "Addresses=%s %s\n", ipv4, ipv6);
}

char *bw_scene_settings(const BwScene *scene) {
        g_autofree char *network = bw_prefix_print(&scene->network);
        GString *text = g_string_new(NULL);

        g_string_append_printf(text,
                               "[Guard]\nUnknownPorts=drop\nBridges=%s %s\n"
                               "[Bridge %s]\nNetworks=%s\n",
                               scene->bridge, scene->far_bridge, scene->bridge, network);
        if (*scene->far_bridge)
                g_string_append_printf(text,
                                       "Gateway=" BW_CORPUS_GATEWAY " " BW_CORPUS_GATEWAY6
                                       "\n[Bridge %s]\nNetworks=%s\n",
                                       scene->far_bridge, network);
        for (BwWho who = BW_WHO_ATTACKER; who < BW_WHO_MAX; who++)
                if (more_of(who) && bw_scene_has(scene, who))
                        declare(text, &scene->stations[who], who);
        return g_string_free(text, FALSE);
}

/* The scene as a world */

enum { BRIDGE = 1, FAR_BRIDGE, FIRST_PORT = 10 };

static void tell(BwModel *model, BwLink link, const char *name) {
        g_strlcpy(link.name, name, sizeof(link.name));
        link.up = link.running = true;
        link.stp_state = BW_STP_FORWARDING;
        bw_model_apply(model, &(BwFact){ .kind = BW_FACT_LINK, .link = link }, 0);
}

static BwLinkKind kind_of(BwWho who) {
        if (who == BW_WHO_LINK || who == BW_WHO_LINK_BEYOND)
                return BW_LINK_VETH;
        return is_border(who) ? BW_LINK_OTHER : BW_LINK_TAP;
}

static int peer_of(BwWho who) {
        if (who == BW_WHO_LINK)
                return FIRST_PORT + BW_WHO_LINK_BEYOND;
        return who == BW_WHO_LINK_BEYOND ? FIRST_PORT + BW_WHO_LINK : 0;
}

static void tell_station(BwModel *model, const BwScene *scene, BwWho who) {
        bool far = bw_scene_bridge_of(scene, who) == scene->far_bridge;
        BwLink link = { .ifindex = FIRST_PORT + (int) who,
                        .kind = kind_of(who),
                        .mac = scene->stations[who].mac,
                        .master = far ? FAR_BRIDGE : BRIDGE,
                        .peer = peer_of(who) };

        /* libvirt makes a tap's MAC from the guest's. */
        link.mac.octet[0] = 0xfe;
        tell(model, link, scene->stations[who].port);
}

static void tell_world(BwModel *model, const BwScene *scene, const char *const *free_ports) {
        tell(model, (BwLink){ .ifindex = BRIDGE, .kind = BW_LINK_BRIDGE }, scene->bridge);
        if (*scene->far_bridge)
                tell(model, (BwLink){ .ifindex = FAR_BRIDGE, .kind = BW_LINK_BRIDGE },
                     scene->far_bridge);
        for (BwWho who = BW_WHO_ATTACKER; who < BW_WHO_MAX; who++)
                if (bw_scene_has(scene, who))
                        tell_station(model, scene, who);
        for (int i = 0; free_ports && free_ports[i]; i++)
                tell(model,
                     (BwLink){ .ifindex = FIRST_PORT + BW_WHO_MAX + i,
                               .kind = BW_LINK_TAP,
                               .mac = { { 0xfe, 0x54, 0, 0, 1, (uint8_t) i } },
                               .master = BRIDGE + i },
                     free_ports[i]);
}

BwPlan *bw_scene_plan_new(const BwScene *scene, const char *const *free_ports, const char *more) {
        g_autofree char *settings = bw_scene_settings(scene);
        g_autoptr(GString) text = g_string_new(settings);
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwConfig) config = bw_config_new();
        bool good;

        for (unsigned i = 0; free_ports && free_ports[i]; i++)
                g_string_append_printf(text, "[Port %s]\nMode=off\n", free_ports[i]);
        g_string_append(text, more ? more : "");
        good = bw_config_read(config, "scene", text->str, text->len, NULL);
        g_assert(good);
        bw_config_finish(config);
        tell_world(model, scene, free_ports);
        return bw_plan_new(model, config);
}

const char *bw_who_name(BwWho who) {
        switch (who) {
        case BW_WHO_ATTACKER:
                return "attacker";
        case BW_WHO_VICTIM:
                return "victim";
        case BW_WHO_GATEWAY:
                return "gateway";
        case BW_WHO_NOBODY:
                return "nobody";
        case BW_WHO_FRESH:
                return "fresh";
        case BW_WHO_STRANGER:
                return "stranger";
        case BW_WHO_WATCHED:
                return "watched";
        case BW_WHO_UPLINK:
                return "uplink";
        case BW_WHO_LINK:
                return "link";
        case BW_WHO_BEYOND:
                return "beyond";
        case BW_WHO_CLOSED:
                return "closed";
        case BW_WHO_LINK_BEYOND:
                return "link-beyond";
        }
        g_assert_not_reached();
}

/* Frames */

/* In the names of frames: whose address or MAC it is, as seen by who sends. */
const char *bw_corpus_who_name(BwWho who) {
        return who == BW_WHO_ATTACKER ? "own" : bw_who_name(who);
}

BwMac bw_corpus_mac_of(const BwCorpusList *list, BwWho who) {
        return list->scene->stations[who].mac;
}

BwPrefix bw_corpus_ipv4_of(const BwCorpusList *list, BwWho who) {
        return list->scene->stations[who].ipv4;
}

BwPrefix bw_corpus_ipv6_of(const BwCorpusList *list, BwWho who) {
        return list->scene->stations[who].ipv6;
}

BwPrefix bw_corpus_link_local_of(const BwCorpusList *list, BwWho who) {
        return list->scene->stations[who].link_local;
}

GByteArray *bw_corpus_wrap(BwMac destination, BwMac source, const BwPacketIp *ip,
                           GByteArray *payload) {
        return bw_packet_ethernet(destination, source,
                                  ip->source.family == BW_FAMILY_IPV4 ? 0x0800 : 0x86dd,
                                  bw_packet_ip(ip, bw_packet_seal(ip, payload)));
}

BwCorpusFrame *bw_corpus_frame_new(char *name, BwWho from, BwWho to, GByteArray *bytes) {
        BwCorpusFrame *frame = g_new0(BwCorpusFrame, 1);

        frame->name = name;
        frame->from = from;
        frame->to = to;
        frame->bytes = bytes;
        return frame;
}

void bw_corpus_frame_free(BwCorpusFrame *frame) {
        g_free(frame->name);
        g_byte_array_unref(frame->bytes);
        g_free(frame);
}

void bw_corpus_add(BwCorpusList *list, BwWho from, BwWho to, BwReason in, BwReason out,
                   GByteArray *bytes, const char *name, ...) {
        BwCorpusFrame *frame;
        va_list arguments;

        va_start(arguments, name);
        frame = bw_corpus_frame_new(g_strdup_vprintf(name, arguments), from, to, bytes);
        va_end(arguments);
        frame->attack = list->attack;
        frame->in = in;
        frame->out = out;
        g_ptr_array_add(list->frames, frame);
}

static void free_frame(gpointer frame) {
        bw_corpus_frame_free(frame);
}

GPtrArray *bw_corpus_new(const BwScene *scene) {
        BwCorpusList list = { scene, g_ptr_array_new_with_free_func(free_frame), 0 };

        bw_corpus_add_link(&list);
        bw_corpus_add_arp(&list);
        bw_corpus_add_ipv4(&list);
        bw_corpus_add_dhcp(&list);
        bw_corpus_add_ipv6(&list);
        bw_corpus_add_nd(&list);
        bw_corpus_add_delivery(&list);
        bw_corpus_add_state(&list);
        if (*scene->far_bridge)
                bw_corpus_add_border(&list);
        return list.frames;
}
