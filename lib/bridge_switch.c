/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/bridge_switch.h>

const char *bw_bridge_switch_name(BwBridgeSwitch kind) {
        switch (kind) {
        case BW_SWITCH_NF_CALL_IPTABLES:
                return "nf_call_iptables";
        case BW_SWITCH_NF_CALL_IP6TABLES:
                return "nf_call_ip6tables";
        case BW_SWITCH_NO_LINKLOCAL_LEARN:
                return "no_linklocal_learn";
        }
        g_assert_not_reached();
}

const char *bw_bridge_switch_risk(BwBridgeSwitch kind) {
        switch (kind) {
        case BW_SWITCH_NF_CALL_IPTABLES:
                return "does not show its IPv4 packets to iptables";
        case BW_SWITCH_NF_CALL_IP6TABLES:
                return "does not show its IPv6 packets to ip6tables";
        case BW_SWITCH_NO_LINKLOCAL_LEARN:
                return "learns senders of link-local frames (LLDP) that no rule sees, so that a "
                       "guest can take over a neighbour's MAC address";
        }
        g_assert_not_reached();
}

bool bw_bridge_switch_feeds(BwBridgeSwitch kind, BwEngineKind engine) {
        switch (kind) {
        case BW_SWITCH_NF_CALL_IPTABLES:
        case BW_SWITCH_NF_CALL_IP6TABLES:
                return engine == BW_ENGINE_IPTABLES;
        case BW_SWITCH_NO_LINKLOCAL_LEARN:
                return false;
        }
        g_assert_not_reached();
}

unsigned bw_bridge_switches_feeding(unsigned engines) {
        unsigned set = 0;

        for (unsigned kind = 0; kind < BW_SWITCH_MAX; kind++)
                for (unsigned engine = 0; engine < BW_ENGINE_MAX; engine++)
                        if ((engines & BW_ENGINE_BIT(engine)) &&
                            bw_bridge_switch_feeds(kind, engine))
                                set |= BW_SWITCH_BIT(kind);
        return set;
}

bool bw_bridge_switches_feed(unsigned switches, BwEngineKind engine) {
        return (bw_bridge_switches_feeding(BW_ENGINE_BIT(engine)) & ~switches) == 0;
}

unsigned bw_bridge_switches_wanted(unsigned engines) {
        if (!engines)
                return 0;
        return bw_bridge_switches_feeding(engines) | BW_SWITCH_BIT(BW_SWITCH_NO_LINKLOCAL_LEARN);
}
