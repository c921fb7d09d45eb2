/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The libvirt thread's work
 *
 * Holds the connection, listens to events and reads domains. An event only
 * marks a domain as changed; what is reported is what a fresh look found.
 */

#include "virt_outbox.h"

typedef struct BwVirtWatch BwVirtWatch;

BwVirtWatch *bw_virt_watch_new(const char *uri, BwVirtOutbox *outbox);
BwVirtWatch *bw_virt_watch_ref(BwVirtWatch *watch);
void bw_virt_watch_unref(BwVirtWatch *watch);

/* The thread's body: returns after bw_virt_watch_stop(), as soon as libvirt lets it. */
void bw_virt_watch_run(BwVirtWatch *watch);

/* Any thread; these never wait. */
void bw_virt_watch_stop(BwVirtWatch *watch);
void bw_virt_watch_refresh(BwVirtWatch *watch);
