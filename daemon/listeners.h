/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Listeners adapter
 *
 * Who has asked the kernel, by a packet socket, to take in all that passes on a
 * link (packet(7), PACKET_ADD_MEMBERSHIP). The kernel tells the socket and its
 * user to everybody; whose program has the socket only /proc tells, to who may
 * look there. Decides nothing.
 */

#include <bw/hazard.h>

typedef struct BwListeners BwListeners;

BwListeners *bw_listeners_new(void);
void bw_listeners_free(BwListeners *listeners);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwListeners, bw_listeners_free)

/* (transfer full) (element-type BwListener): one for each socket and link; NULL when the kernel
 * does not tell. Looks through /proc only when a socket is new. Not for every second: it asks for
 * all packet sockets there are. */
GArray *bw_listeners_read(BwListeners *listeners);
