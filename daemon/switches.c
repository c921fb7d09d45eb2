/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "switches.h"

#include <bw/error.h>
#include <syslog.h>

#include "hazard_round.h"
#include "kernel.h"

struct BwSwitches {
        BwJournal *journal;
        BwHazards *hazards;
        BwNetlink *netlink;
        unsigned engines;
        GHashTable *seen_on;  /* ifindex of a bridge -> set of switches */
        BwHazardRound *stuck; /* what could not be switched on */
};

BwSwitches *bw_switches_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink) {
        BwSwitches *switches = g_new0(BwSwitches, 1);

        switches->journal = journal;
        switches->hazards = hazards;
        switches->netlink = netlink;
        switches->engines = BW_ENGINE_BIT(BW_ENGINE_IPTABLES);
        switches->seen_on = g_hash_table_new(NULL, NULL);
        switches->stuck = bw_hazard_round_new(hazards, BW_HAZARD_CALL_OFF);
        return switches;
}

void bw_switches_free(BwSwitches *switches) {
        if (!switches)
                return;
        g_hash_table_unref(switches->seen_on);
        bw_hazard_round_free(switches->stuck);
        g_free(switches);
}

void bw_switches_serve(BwSwitches *switches, unsigned engines) {
        switches->engines = engines;
}

static unsigned seen_on(const BwSwitches *switches, int bridge) {
        return GPOINTER_TO_UINT(g_hash_table_lookup(switches->seen_on, GINT_TO_POINTER(bridge)));
}

/* What nobody needs now may be switched off by whom it pleases. */
static void note_seen(BwSwitches *switches, const BwBridgePlan *bridge, unsigned wanted) {
        unsigned seen = (seen_on(switches, bridge->ifindex) | bridge->switches) & wanted;

        g_hash_table_insert(switches->seen_on, GINT_TO_POINTER(bridge->ifindex),
                            GUINT_TO_POINTER(seen));
}

static void raise_hazard(BwSwitches *switches, const BwBridgePlan *bridge, BwBridgeSwitch kind,
                         const char *reason) {
        /* Names of links hold no slash. */
        char *subject = g_strdup_printf("%s/%s", bridge->name, bw_bridge_switch_name(kind));
        g_autofree char *sentence = g_strdup_printf("Bridge %s %s: %s", bridge->name,
                                                    bw_bridge_switch_risk(kind), reason);

        bw_hazard_round_raise(switches->stuck, subject, bridge->name, sentence);
}

static void say_repaired(const BwSwitches *switches, const BwBridgePlan *bridge,
                         BwBridgeSwitch kind) {
        g_autofree char *sentence = g_strdup_printf(
                "Somebody switched %s of bridge %s off; it is on again. Without it "
                "the bridge %s",
                bw_bridge_switch_name(kind), bridge->name, bw_bridge_switch_risk(kind));

        bw_journal_say(switches->journal, BW_MESSAGE_DRIFT_REPAIRED, LOG_WARNING, sentence,
                       "BW_BRIDGE", bridge->name, NULL);
}

/* A kernel too old for a switch takes the wish and forgets it; it is not asked again and again. */
static void switch_on(BwSwitches *switches, const BwBridgePlan *bridge, BwBridgeSwitch kind) {
        g_autoptr(GError) error = NULL;

        if (!(bridge->switches_known & BW_SWITCH_BIT(kind))) {
                g_autofree char *reason = g_strdup_printf("this kernel does not have the switch %s",
                                                          bw_bridge_switch_name(kind));

                raise_hazard(switches, bridge, kind, reason);
                return;
        }
        if (bw_netlink_set_switch(switches->netlink, bridge->ifindex, kind, true, &error)) {
                if (seen_on(switches, bridge->ifindex) & BW_SWITCH_BIT(kind))
                        say_repaired(switches, bridge, kind);
                return;
        }
        /* A bridge that has just gone is no hazard; the news is on its way. */
        if (g_error_matches(error, BW_ERROR, BW_ERROR_ABSENT) &&
            (bw_kernel_has_br_netfilter() || !bw_bridge_switch_feeds(kind, BW_ENGINE_IPTABLES)))
                return;
        raise_hazard(switches, bridge, kind, error->message);
}

static void check_bridge(BwSwitches *switches, const BwBridgePlan *bridge) {
        unsigned wanted = bw_bridge_switches_wanted(switches->engines);

        for (unsigned kind = 0; kind < BW_SWITCH_MAX; kind++)
                if (wanted & ~bridge->switches & BW_SWITCH_BIT(kind))
                        switch_on(switches, bridge, kind);
        note_seen(switches, bridge, wanted);
}

static void check_module(BwSwitches *switches) {
        bool needed = switches->engines & BW_ENGINE_BIT(BW_ENGINE_IPTABLES);

        if (!needed || bw_kernel_has_br_netfilter())
                bw_hazards_clear(switches->hazards, BW_HAZARD_NO_BR_NETFILTER, "");
        else
                bw_hazards_raise(
                        switches->hazards, BW_HAZARD_NO_BR_NETFILTER, "", NULL,
                        "The kernel module br_netfilter is not loaded: no iptables rule sees a "
                        "bridged packet. Load it: modprobe br_netfilter");
}

void bw_switches_check(BwSwitches *switches, const BwPlan *plan) {

        for (guint i = 0; i < plan->bridges->len; i++)
                check_bridge(switches, plan->bridges->pdata[i]);
        bw_hazard_round_end(switches->stuck);
        check_module(switches);
}

void bw_switches_forget(BwSwitches *switches, int bridge) {
        g_hash_table_remove(switches->seen_on, GINT_TO_POINTER(bridge));
}
