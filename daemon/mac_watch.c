/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "mac_watch.h"

#include <bw/rate.h>
#include <syslog.h>

struct BwMacWatch {
        BwJournal *journal;
        BwRate *rate;
};

BwMacWatch *bw_mac_watch_new(BwJournal *journal) {
        BwMacWatch *watch = g_new0(BwMacWatch, 1);

        watch->journal = journal;
        watch->rate = bw_rate_new(1);
        return watch;
}

void bw_mac_watch_free(BwMacWatch *watch) {
        if (!watch)
                return;
        bw_rate_free(watch->rate);
        g_free(watch);
}

static char *print_port(const BwPortPlan *port) {
        if (port->guest)
                return g_strdup_printf("%s of guest %s", port->name, port->guest);
        return g_strdup(port->name);
}

static void say_moved(BwMacWatch *watch, const char *mac, const BwBridgePlan *bridge,
                      const BwPortPlan *owner, const BwPortPlan *thief) {
        g_autofree char *from = print_port(owner), *to = print_port(thief);
        g_autofree char *sentence =
                g_strdup_printf("MAC %s of port %s was learned on port %s of bridge %s", mac, from,
                                to, bridge->name);

        bw_journal_say(watch->journal, BW_MESSAGE_MAC_MOVED, LOG_WARNING, sentence, "BW_PORT",
                       owner->name, "BW_GUEST", owner->guest, "BW_BRIDGE", bridge->name,
                       "BW_OFFENDER", thief->name, "BW_OFFENDER_GUEST", thief->guest, "BW_MAC", mac,
                       NULL);
}

void bw_mac_watch_learned(BwMacWatch *watch, const BwPlan *plan, const BwFdbEntry *entry) {
        const BwBridgePlan *bridge = NULL;
        const BwPortPlan *owner, *thief;
        char mac[BW_MAC_TEXT_SIZE];
        g_autofree char *key = NULL;

        if (entry->local)
                return;
        thief = bw_plan_find_port_by_ifindex(plan, entry->port, &bridge);
        owner = thief ? bw_plan_find_owner_of_mac(plan, bridge, &entry->mac) : NULL;
        if (!owner || owner == thief)
                return;
        key = g_strdup_printf("%s %s", thief->name, bw_mac_print(&entry->mac, mac));
        if (bw_rate_pass(watch->rate, key, g_get_monotonic_time()))
                say_moved(watch, mac, bridge, owner, thief);
}
