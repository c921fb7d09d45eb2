/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "port_voices.h"

#include <string.h>

/* Whose port it is */

static bool same_tail(const BwMac *a, const BwMac *b) {
        return memcmp(a->octet + 1, b->octet + 1, 5) == 0;
}

/* libvirt's tap for @mac has the same MAC but for 0xfe in front. */
static bool is_tap_for(const BwLink *link, const BwMac *mac) {
        return link->kind == BW_LINK_TAP && link->mac.octet[0] == 0xfe &&
               same_tail(&link->mac, mac);
}

/* How well a guest's interface explains the port: 3, libvirt says a running guest has it there, and
 * its MAC does not say otherwise; 2, the MAC says it and the guest runs; 1, the MAC says it. */
static int explains(const BwLink *link, const BwGuest *guest, const BwGuestInterface *interface) {
        bool tap = is_tap_for(link, &interface->mac);
        bool free_of_mac = link->kind != BW_LINK_TAP || g_str_equal(interface->type, "ethernet");

        if (guest->active && g_str_equal(interface->target, link->name) && (tap || free_of_mac))
                return 3;
        return tap ? (guest->active ? 2 : 1) : 0;
}

static void identify(const BwTestWorld *world, const BwLink *link, BwTestVoices *voices) {
        int best = 0;
        unsigned as_good = 0;

        for (guint i = 0; i < world->guests->len; i++) {
                const BwGuest *guest = world->guests->pdata[i];

                for (guint k = 0; k < guest->interfaces->len; k++) {
                        const BwGuestInterface *interface =
                                &g_array_index(guest->interfaces, BwGuestInterface, k);
                        int rank = explains(link, guest, interface);

                        if (rank == 0 || rank < best)
                                continue;
                        as_good = rank == best ? as_good + 1 : 1;
                        best = rank;
                        voices->guest = guest;
                        voices->interface = interface;
                }
        }
        if (as_good != 1) {
                voices->guest = NULL;
                voices->interface = NULL;
        }
}

/* Who speaks of it */

static const BwTestSection *section_by_mac(const BwTestSettings *settings, const BwLink *link,
                                           const BwGuestInterface *interface) {
        const BwTestSection *found = NULL;
        char text[BW_MAC_TEXT_SIZE];
        unsigned n = 0;

        if (interface)
                return bw_test_find_section(settings, BW_TEST_INTERFACE,
                                            bw_mac_print(&interface->mac, text));
        for (guint i = 0; i < settings->sections->len; i++) {
                const BwTestSection *section = settings->sections->pdata[i];
                BwMac mac;

                if (section->kind != BW_TEST_INTERFACE)
                        continue;
                mac = bw_test_mac(section->name);
                if (!is_tap_for(link, &mac))
                        continue;
                found = section;
                n++;
        }
        return n == 1 ? found : NULL;
}

static void add_voice(BwTestVoices *voices, const BwTestSection *section) {
        if (section)
                voices->sections[voices->n++] = section;
}

BwTestVoices bw_test_voices(const BwTestWorld *world, const BwTestSettings *settings,
                            const BwLink *link) {
        BwTestVoices voices = {};

        identify(world, link, &voices);
        voices.by_mac = section_by_mac(settings, link, voices.interface);
        add_voice(&voices, bw_test_find_section(settings, BW_TEST_PORT, link->name));
        add_voice(&voices, voices.by_mac);
        if (voices.guest) {
                add_voice(&voices,
                          bw_test_find_section(settings, BW_TEST_GUEST, voices.guest->uuid));
                add_voice(&voices,
                          bw_test_find_section(settings, BW_TEST_GUEST, voices.guest->name));
        }
        return voices;
}
