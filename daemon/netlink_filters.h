/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which links have tc filters at their ingress or egress
 *
 * The kernel tells of a filter that comes or goes, not of what is left, and not
 * with the link: what is known is kept here, what is in doubt is asked for.
 */

#include "netlink_question.h"

typedef struct BwNetlinkFilters BwNetlinkFilters;

BwNetlinkFilters *bw_netlink_filters_new(void);
void bw_netlink_filters_free(BwNetlinkFilters *filters);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNetlinkFilters, bw_netlink_filters_free)

bool bw_netlink_filters_has(const BwNetlinkFilters *filters, int ifindex);
/* The link is gone. */
void bw_netlink_filters_forget(BwNetlinkFilters *filters, int ifindex);

/* Learns all anew. A kernel without traffic control has no filters. On error what was known stays:
 * BW_ERROR_STALE as of any dump. A link about which no answer came is no error, see below. */
bool bw_netlink_filters_dump(BwNetlinkFilters *filters, GError **error);

/* Takes a piece of news. */
void bw_netlink_filters_take(BwNetlinkFilters *filters, Message *message);
/* Asks for some of what is in doubt. (transfer container) (element-type int): the links of which
 * something else holds now than before, or which are in doubt still. Call again after those have
 * been looked at. */
GArray *bw_netlink_filters_settle(BwNetlinkFilters *filters);

/* A question without an answer leaves what was known of its link. Whether there are such links;
 * and have them asked again by bw_netlink_filters_settle(): they are not before that. */
bool bw_netlink_filters_is_unanswered(const BwNetlinkFilters *filters);
void bw_netlink_filters_doubt_unanswered(BwNetlinkFilters *filters);
