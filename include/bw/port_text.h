/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Ports in words
 *
 * What sentences and rows say of a planned port: who it is and what it may use.
 * Names stay as they are, whatever bytes they hold.
 */

#include <bw/plan.h>

/* (transfer full): "vk63 on virbr6 (guest kali3)"; without the bracket when it is nobody's. */
char *bw_port_text_who(const BwBridgePlan *bridge, const BwPortPlan *port);

/* (transfer full): NULL-terminated. */
char **bw_port_text_macs(const BwPortPlan *port);
char **bw_port_text_addresses(const BwPortPlan *port);
