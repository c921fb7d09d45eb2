/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Switches of a bridge
 *
 * The closed list of what a guarded bridge must do for the rules to hold. Each
 * is an attribute of the bridge itself (ip-link(8), type bridge). Knows which
 * engine each serves; neither reads nor sets one.
 */

#include <bw/engine.h>

typedef enum BwBridgeSwitch {
        BW_SWITCH_NF_CALL_IPTABLES,   /* IFLA_BR_NF_CALL_IPTABLES: iptables sees bridged IPv4 */
        BW_SWITCH_NF_CALL_IP6TABLES,  /* IFLA_BR_NF_CALL_IP6TABLES: ip6tables sees bridged IPv6 */
        BW_SWITCH_NO_LINKLOCAL_LEARN, /* BR_BOOLOPT_NO_LL_LEARN, Linux 5.0: frames to
                                         01:80:c2:00:00:02 to 0f (IEEE 802.1Q, table 8-1) come by
                                         the bridge's input hook alone, LLDP's (0e) by none, yet
                                         teach the bridge their sender: with one a guest turns a
                                         neighbour's traffic to itself */
} BwBridgeSwitch;

#define BW_SWITCH_MAX (BW_SWITCH_NO_LINKLOCAL_LEARN + 1)

/* Sets of switches: 1 << kind. */
#define BW_SWITCH_BIT(kind) (1u << (kind))
#define BW_SWITCH_ALL       (BW_SWITCH_BIT(BW_SWITCH_MAX) - 1)

/* As ip(8) and sysfs call it: "nf_call_iptables"; static. */
const char *bw_bridge_switch_name(BwBridgeSwitch kind);
/* What a bridge does while it is off, to follow "Bridge virbr6"; static. */
const char *bw_bridge_switch_risk(BwBridgeSwitch kind);
/* Whether packets do not meet @engine's rules while it is off. */
bool bw_bridge_switch_feeds(BwBridgeSwitch kind, BwEngineKind engine);

/* @engines: a set, BW_ENGINE_BIT(); so are both answers, of BW_SWITCH_BIT(). */
unsigned bw_bridge_switches_wanted(unsigned engines);  /* to be on while they write rules */
unsigned bw_bridge_switches_feeding(unsigned engines); /* those that feed one of them */

/* Whether a bridge with just @switches on shows @engine all its packets: rules that are listed are
 * not rules that packets meet. */
bool bw_bridge_switches_feed(unsigned switches, BwEngineKind engine);
