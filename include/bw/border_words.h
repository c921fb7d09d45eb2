/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Borders in words
 *
 * Why a border is against a frame: whose what it says is, and which borders lead
 * there. Asks the plan; knows no frame.
 */

#include <bw/evaluate.h>

/* (transfer full): "192.168.50.13 is vk61's on virbr6 (guest kali1), and vethb1 leads there, not
 * vmw2"; NULL where nothing is foreign. Names are escaped. */
char *bw_border_words(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *border,
                      const BwForeign *foreign);
