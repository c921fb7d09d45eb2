/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Rules as text
 *
 * What the engines would write for a plan, in the words of the tools that could
 * load it: iptables-restore --noflush, nft -f. The daemon itself loads no text;
 * this is for people and for comparing.
 *
 * iptables takes a name of a port that ends in "+" for a beginning of names; such a
 * port, which the daemon can write and the tools cannot, is told of in a comment.
 */

#include <bw/nft_table.h>

/* (transfer full): the tables of one family, as iptables-save and ip6tables-save show them, with
 * our anchors in; NULL when the engine has no table of the family. */
char *bw_rules_text_iptables(const BwPlan *plan, BwFamily family);
/* "iptables", "ip6tables": the command's name up to its "-restore"; static */
const char *bw_rules_text_command(BwFamily family);

/* (transfer full): the table as nft lists it. @elsewhere: as of bw_nft_list_elsewhere(). */
char *bw_rules_text_nftables(const BwPlan *plan, const GPtrArray *elsewhere);
