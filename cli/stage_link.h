/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Links of the stage
 *
 * Makes bridges, pairs and ports over rtnetlink, and looks into a bridge's FDB.
 * Works in the network namespace it was opened in, and does not know whose that
 * is: the stage does. What it makes stays silent: no link speaks IPv6 by itself.
 *
 * Errors: BW_ERROR_DENIED, BW_ERROR_ABSENT (a link or a kind of link that is not
 * there), BW_ERROR_BROKEN.
 */

#include <bw/addr.h>

typedef struct BwStageLink BwStageLink;

BwStageLink *bw_stage_link_new(GError **error);
void bw_stage_link_free(BwStageLink *links);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwStageLink, bw_stage_link_free)

/* Without spanning tree and multicast snooping; up. */
bool bw_stage_link_add_bridge(BwStageLink *links, const char *name, GError **error);
/* A veth pair, both ends down. */
bool bw_stage_link_add_pair(BwStageLink *links, const char *name, const char *peer, GError **error);
/* Silences the link and sets it up; @bridge: whose port it becomes, or NULL. */
bool bw_stage_link_raise(BwStageLink *links, const char *name, const char *bridge, GError **error);

/* In hundredths of a second; 0 makes the bridge a hub: every frame goes to every port. */
bool bw_stage_link_set_ageing(BwStageLink *links, const char *bridge, uint32_t centiseconds,
                              GError **error);
/* Whether iptables and ip6tables are shown what the bridge carries. */
bool bw_stage_link_set_nf_call(BwStageLink *links, const char *bridge, bool on, GError **error);

/* How it is. BW_ERROR_ABSENT: there is no such bridge. */
bool bw_stage_link_get_nf_call(BwStageLink *links, const char *bridge, bool *ret_ipv4,
                               bool *ret_ipv6, GError **error);

/* Whether the bridge learns nothing from frames to the groups of bridges, LLDP's among them: those
 * pass no hook of any filter. */
bool bw_stage_link_set_no_linklocal_learn(BwStageLink *links, const char *bridge, bool on,
                                          GError **error);

/* Writes the ifindex of the port behind which the bridge has learned @mac; 0: nowhere. */
bool bw_stage_link_find_mac(BwStageLink *links, const char *bridge, const BwMac *mac, int *ret_port,
                            GError **error);
/* Makes the bridge forget what it has learned. */
bool bw_stage_link_flush(BwStageLink *links, const char *bridge, GError **error);
/* Puts @mac behind @port, as if it had been learned there. */
bool bw_stage_link_teach(BwStageLink *links, const char *port, const BwMac *mac, GError **error);
