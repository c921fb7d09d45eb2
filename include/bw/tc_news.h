/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * tc news
 *
 * What one rtnetlink message of the traffic control says about filters that see
 * a link's frames before or after every rule: those at its ingress and egress
 * (qdisc "ingress" or "clsact", tc-bpf(8)). Filters of other qdiscs only sort
 * what is sent. Programs attached as tcx (Linux 6.6) are never told of here:
 * they are listed by bpf() alone. Trusts no length, opens no socket.
 */

#include <glib.h>
#include <stdbool.h>

typedef enum BwTcNews {
        BW_TC_NOTHING, /* of no concern, or malformed */
        BW_TC_HOOKED,  /* the link has a place for filters; whether there are any has to be asked */
        BW_TC_FILTERS, /* it has a filter */
        BW_TC_LEFT,    /* a filter has left; whether others have stayed has to be asked */
        BW_TC_UNHOOKED, /* the place, and so all its filters, are gone */
        BW_TC_SHARED,   /* filters of a block that several links may share came or went: all links
                           that have a place for filters have to be asked; *@ret_ifindex is 0 */
} BwTcNews;

/* @message begins with its struct nlmsghdr, is aligned to four bytes, and @length bytes of it may
 * be read. */
BwTcNews bw_tc_news(const void *message, gsize length, int *ret_ifindex);
