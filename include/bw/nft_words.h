/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Words of nft
 *
 * What nft lists does not always mean what it listed: it leaves out a match on
 * the protocol that it would add by itself where a later one needs it, and adds
 * another one (nft 1.0.6, family bridge). "meta protocol arp arp saddr ip", which
 * looks behind a tag, is listed without its first words and read as "ether type
 * arp", which does not: the rules for ARP at borders are such. Whoever loads a
 * listing must put back the words each rule was written in. Two rules that nft
 * lists alike cannot be told apart here either.
 */

#include <glib.h>

/* (transfer full): @text with each line of a chain that @listed has in a chain of that name as
 * @written has it there: both are the same table, as nft lists it and as it was written, line by
 * line. What is in no such chain stays as it is. */
char *bw_nft_reword(const char *text, const char *listed, const char *written);
