/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * rtnetlink decoding
 *
 * One rtnetlink message to at most one fact. Trusts no length and no text in
 * it. Opens no socket, remembers nothing, and leaves out what is of no concern:
 * other families, other kinds of message, a device's own address filter.
 */

#include <bw/fact.h>

/* @message begins with its struct nlmsghdr, is aligned to four bytes, and @length bytes of it may
 * be read. Returns false, and leaves @ret alone, when there is no fact in it or it is malformed.
 * The fact points nowhere. A *_GONE fact carries only what identifies the object; that of a veth
 * also its peer, when that was in this namespace: it may be there still, and not be told of again.
 * BwLink.filters is never set: no message about a link speaks of them. */
bool bw_netlink_decode(const void *message, gsize length, BwFact *ret);

/* Not all that changes is told. @message as above; returns the ifindex of a link that has to be
 * asked for after it, or 0. Of a port's flags and its state of spanning tree only the bridge's own
 * message tells (PF_BRIDGE), with half of the attributes; of the end of a pair whose other end came
 * or went, nobody. The answer to such a question must not be passed in here. */
int bw_netlink_decode_untold(const void *message, gsize length);
