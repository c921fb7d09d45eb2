/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "frames_list.h"

#include <arpa/inet.h>
#include <string.h>

const BwMac bw_test_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

BwPrefix bw_test_address(const char *text) {
        BwFamily family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;
        uint8_t bytes[16];

        g_assert_true(inet_pton(family == BW_FAMILY_IPV6 ? AF_INET6 : AF_INET, text, bytes) == 1);
        return bw_prefix_from_address(family, bytes);
}

static BwTestStation station(const char *port, uint8_t last) {
        BwTestStation station = { .mac = { { 0x52, 0x54, 0, 0x9f, 0x5d, last } } };
        g_autofree char *ipv4 = g_strdup_printf("192.168.50.%u", last);
        g_autofree char *ipv6 = g_strdup_printf("2001:db8:50::%u", last);
        g_autofree char *link_local = g_strdup_printf("fe80::5054:ff:fe9f:5d%02x", last);

        g_strlcpy(station.port, port, sizeof(station.port));
        station.ipv4 = bw_test_address(ipv4);
        station.ipv6 = bw_test_address(ipv6);
        station.link_local = bw_test_address(link_local);
        return station;
}

BwTestStage bw_test_stage_new(void) {
        BwTestStage stage = {
                .bridge = "virbr6",
                .stations = { station("vk63", 13), station("vk64", 14), station("vmh1", 1),
                              station("", 99) },
                .network = { BW_FAMILY_IPV4, 24, { 192, 168, 50 } },
        };

        return stage;
}

char *bw_test_stage_settings(const BwTestStage *stage) {
        static const char *const more[] = {
                [BW_TEST_ATTACKER] = "",
                [BW_TEST_VICTIM] = "",
                [BW_TEST_GATEWAY] = "Role=host\nDhcpServer=yes\nRouter=yes\nQuerier=yes\n",
        };
        g_autofree char *network = bw_prefix_print(&stage->network);
        GString *text = g_string_new(NULL);

        g_string_append_printf(text,
                               "[Guard]\nUnknownPorts=drop\nBridges=%s\n"
                               "[Bridge %s]\nNetworks=%s\n",
                               stage->bridge, stage->bridge, network);
        for (unsigned i = 0; i < G_N_ELEMENTS(more); i++) {
                const BwTestStation *who = &stage->stations[i];
                g_autofree char *ipv4 = bw_prefix_print(&who->ipv4);
                g_autofree char *ipv6 = bw_prefix_print(&who->ipv6);
                char mac[BW_MAC_TEXT_SIZE];

                g_string_append_printf(text, "[Port %s]\nMACs=%s\nAddresses=%s %s\n%s", who->port,
                                       bw_mac_print(&who->mac, mac), ipv4, ipv6, more[i]);
        }
        return g_string_free(text, FALSE);
}

const char *bw_test_who_name(BwTestWho who) {
        static const char *const names[] = { "own", "victim", "gateway", "nobody" };

        return names[who];
}

BwMac bw_test_mac_of(const BwTestList *list, BwTestWho who) {
        return list->stage->stations[who].mac;
}

BwPrefix bw_test_ipv4_of(const BwTestList *list, BwTestWho who) {
        return list->stage->stations[who].ipv4;
}

BwPrefix bw_test_ipv6_of(const BwTestList *list, BwTestWho who) {
        return list->stage->stations[who].ipv6;
}

BwPrefix bw_test_link_local_of(const BwTestList *list, BwTestWho who) {
        return list->stage->stations[who].link_local;
}

GByteArray *bw_test_wrap(BwMac destination, BwMac source, const BwTestIp *ip, GByteArray *payload) {
        return bw_test_ethernet(destination, source,
                                ip->source.family == BW_FAMILY_IPV4 ? 0x0800 : 0x86dd,
                                bw_test_ip(ip, bw_test_seal(ip, payload)));
}

void bw_test_add(BwTestList *list, BwTestWho from, BwTestWho to, BwReason in, BwReason out,
                 GByteArray *bytes, const char *name, ...) {
        BwTestFrame *frame = g_new0(BwTestFrame, 1);
        va_list arguments;

        va_start(arguments, name);
        frame->name = g_strdup_vprintf(name, arguments);
        va_end(arguments);
        frame->attack = list->attack;
        frame->from = from;
        frame->to = to;
        frame->in = in;
        frame->out = out;
        frame->bytes = bytes;
        g_ptr_array_add(list->frames, frame);
}

static void free_frame(gpointer pointer) {
        BwTestFrame *frame = pointer;

        g_free(frame->name);
        g_byte_array_unref(frame->bytes);
        g_free(frame);
}

GPtrArray *bw_test_frames_new(const BwTestStage *stage) {
        BwTestList list = { stage, g_ptr_array_new_with_free_func(free_frame), 0 };

        bw_test_add_link_frames(&list);
        bw_test_add_arp_frames(&list);
        bw_test_add_ipv4_frames(&list);
        bw_test_add_dhcp_frames(&list);
        bw_test_add_ipv6_frames(&list);
        bw_test_add_nd_frames(&list);
        bw_test_add_delivery_frames(&list);
        return list.frames;
}
