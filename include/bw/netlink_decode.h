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
