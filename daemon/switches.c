/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "switches.h"

#include <bw/error.h>
#include <syslog.h>

#include "kernel.h"

struct BwSwitches {
        BwJournal *journal;
        BwHazards *hazards;
        BwNetlink *netlink;
        GHashTable *seen_on; /* ifindexes of bridges */
        GHashTable *stuck;   /* names of bridges that could not be switched on */
};

BwSwitches *bw_switches_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink) {
        BwSwitches *switches = g_new0(BwSwitches, 1);

        switches->journal = journal;
        switches->hazards = hazards;
        switches->netlink = netlink;
        switches->seen_on = g_hash_table_new(NULL, NULL);
        switches->stuck = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return switches;
}

void bw_switches_free(BwSwitches *switches) {
        if (!switches)
                return;
        g_hash_table_unref(switches->seen_on);
        g_hash_table_unref(switches->stuck);
        g_free(switches);
}

static char *hazard_of(const char *bridge) {
        return g_strdup_printf("nf_call %s", bridge);
}

static void note_stuck(BwSwitches *switches, const char *bridge, const GError *error) {
        g_autofree char *key = hazard_of(bridge);
        g_autofree char *sentence = g_strdup_printf(
                "Bridge %s does not show its packets to iptables: %s", bridge, error->message);

        /* A bridge that has just gone is no hazard; the news is on its way. */
        if (g_error_matches(error, BW_ERROR, BW_ERROR_ABSENT) && bw_kernel_has_br_netfilter())
                return;
        g_hash_table_add(switches->stuck, g_strdup(bridge));
        bw_hazards_raise(switches->hazards, key, sentence);
}

static void switch_on(BwSwitches *switches, const BwBridgePlan *bridge) {
        g_autofree char *sentence = NULL;
        g_autoptr(GError) error = NULL;

        if (!bw_netlink_set_nf_call_iptables(switches->netlink, bridge->ifindex, true, &error)) {
                note_stuck(switches, bridge->name, error);
                return;
        }
        if (!g_hash_table_contains(switches->seen_on, GINT_TO_POINTER(bridge->ifindex)))
                return;
        sentence = g_strdup_printf(
                "Somebody switched nf_call_iptables of bridge %s off; it is on again",
                bridge->name);
        bw_journal_say(switches->journal, BW_MESSAGE_DRIFT_REPAIRED, LOG_WARNING, sentence,
                       "BW_BRIDGE", bridge->name, NULL);
}

static bool is_off(const BwPlan *plan, const char *name) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        return !bridge->nf_call_iptables;
        }
        return false;
}

static void clear_hazards(BwSwitches *switches, const BwPlan *plan) {
        GHashTableIter iter;
        const char *name;

        g_hash_table_iter_init(&iter, switches->stuck);
        while (g_hash_table_iter_next(&iter, (gpointer *) &name, NULL)) {
                g_autofree char *key = hazard_of(name);

                if (is_off(plan, name))
                        continue;
                bw_hazards_clear(switches->hazards, key);
                g_hash_table_iter_remove(&iter);
        }
}

void bw_switches_check(BwSwitches *switches, const BwPlan *plan) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                if (bridge->nf_call_iptables)
                        g_hash_table_add(switches->seen_on, GINT_TO_POINTER(bridge->ifindex));
                else
                        switch_on(switches, bridge);
        }
        clear_hazards(switches, plan);
        if (bw_kernel_has_br_netfilter())
                bw_hazards_clear(switches->hazards, "br_netfilter");
        else
                bw_hazards_raise(
                        switches->hazards, "br_netfilter",
                        "The kernel module br_netfilter is not loaded: no iptables rule sees a "
                        "bridged packet. Load it: modprobe br_netfilter");
}

void bw_switches_forget(BwSwitches *switches, int bridge) {
        g_hash_table_remove(switches->seen_on, GINT_TO_POINTER(bridge));
}
