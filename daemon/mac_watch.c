/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "mac_watch.h"

#include <bw/rate.h>
#include <syslog.h>

#include <bw/port_text.h>

#define SUM_UP_SECONDS 10

struct BwMacWatch {
        BwJournal *journal;
        BwRate *rate;
        guint sum_timer;
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
        g_clear_handle_id(&watch->sum_timer, g_source_remove);
        bw_rate_free(watch->rate);
        g_free(watch);
}

static void say_left_out(const char *key, uint64_t left_out, gpointer user) {
        BwMacWatch *watch = user;
        g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, left_out);
        g_autofree char *sentence =
                g_strdup_printf("Moves of bound MACs: %s, %s more times than was told", key, count);

        bw_journal_say(watch->journal, BW_MESSAGE_MAC_MOVED, LOG_WARNING, sentence, "BW_COUNT",
                       count, NULL);
}

static gboolean on_sum_timer(gpointer user) {
        BwMacWatch *watch = user;

        bw_rate_sum_up(watch->rate, g_get_monotonic_time(), 0, say_left_out, watch);
        watch->sum_timer = 0;
        return G_SOURCE_REMOVE;
}

static void say_moved(BwMacWatch *watch, const char *mac, const BwBridgePlan *bridge,
                      const BwPortPlan *owner, const BwPortPlan *thief) {
        g_autofree char *from = bw_port_text_who(bridge, owner);
        g_autofree char *to = bw_port_text_who(bridge, thief);
        g_autofree char *sentence =
                g_strdup_printf("MAC %s of port %s was learned on port %s", mac, from, to);

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
        key = g_strdup_printf("%s learned on port %s", bw_mac_print(&entry->mac, mac), thief->name);
        if (bw_rate_pass(watch->rate, key, g_get_monotonic_time()))
                say_moved(watch, mac, bridge, owner, thief);
        if (!watch->sum_timer)
                watch->sum_timer = g_timeout_add_seconds(SUM_UP_SECONDS, on_sum_timer, watch);
}
