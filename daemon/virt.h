/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * libvirt adapter
 *
 * Follows domains on a thread of its own, because libvirt calls can hang; posts
 * facts to the default main context. Connects read-only, again and again with
 * back-off. Believes XML only, never the guest agent.
 */

#include <bw/fact.h>

typedef struct BwVirt BwVirt;

/* Starts the thread; facts (CONNECTED, snapshots, GUEST, GUEST_GONE, GUEST_SEEN, DISCONNECTED)
 * arrive through @sink in the default main context. Cannot fail: an unreachable @uri is
 * DISCONNECTED and tried again. */
BwVirt *bw_virt_new(const char *uri, BwFactSink sink, gpointer user);
/* Never waits for a hung libvirt: the thread is told to go and left behind if it cannot. No fact
 * arrives after this returns. */
void bw_virt_free(BwVirt *virt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwVirt, bw_virt_free)

/* Asks for a new snapshot of all domains; several wishes become one. Returns at once. */
void bw_virt_refresh(BwVirt *virt);
