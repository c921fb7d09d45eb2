/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "switches.h"

#include <syslog.h>

#include "kernel.h"

struct BwSwitches {
        BwJournal *journal;
        BwHazards *hazards;
        BwNetlink *netlink;
        GHashTable *seen_on; /* ifindexes of bridges */
};

BwSwitches *bw_switches_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink) {
        BwSwitches *switches = g_new0(BwSwitches, 1);

        switches->journal = journal;
        switches->hazards = hazards;
        switches->netlink = netlink;
        switches->seen_on = g_hash_table_new(NULL, NULL);
        return switches;
}

void bw_switches_free(BwSwitches *switches) {
        if (!switches)
                return;
        g_hash_table_unref(switches->seen_on);
        g_free(switches);
}

static void switch_on(BwSwitches *switches, const BwBridgePlan *bridge) {
        g_autofree char *key = g_strdup_printf("nf_call %s", bridge->name);
        g_autofree char *sentence = NULL;
        g_autoptr(GError) error = NULL;

        if (!bw_netlink_set_nf_call_iptables(switches->netlink, bridge->ifindex, true, &error)) {
                sentence = g_strdup_printf("Bridge %s does not show its packets to iptables: %s",
                                           bridge->name, error->message);
                bw_hazards_raise(switches->hazards, key, sentence);
                return;
        }
        bw_hazards_clear(switches->hazards, key);
        if (!g_hash_table_contains(switches->seen_on, GINT_TO_POINTER(bridge->ifindex)))
                return;
        sentence = g_strdup_printf(
                "Somebody switched nf_call_iptables of bridge %s off; it is on again",
                bridge->name);
        bw_journal_say(switches->journal, BW_MESSAGE_DRIFT_REPAIRED, LOG_WARNING, sentence,
                       "BW_BRIDGE", bridge->name, NULL);
}

void bw_switches_check(BwSwitches *switches, const BwPlan *plan) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                if (bridge->nf_call_iptables)
                        g_hash_table_add(switches->seen_on, GINT_TO_POINTER(bridge->ifindex));
                else
                        switch_on(switches, bridge);
        }
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
