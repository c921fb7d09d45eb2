/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reading domains
 *
 * Asks libvirt what a domain is right now. May wait as long as libvirt does.
 * An interface that names only a libvirt network is reported with the network's
 * bridge; with the network where libvirt knows none.
 */

#include "virt_outbox.h"

#include <libvirt/libvirt.h>

typedef enum BwVirtReading {
        BW_VIRT_READ,
        BW_VIRT_GONE,    /* neither running nor defined */
        BW_VIRT_ABSURD,  /* XML that is no domain's: nothing to say about it */
        BW_VIRT_REFUSED, /* it is there, but libvirt would not show it now */
        BW_VIRT_LOST,    /* the connection is of no use any more */
} BwVirtReading;

/* Appends what there is to say of the domain, that it is gone included. @resumed: its CPUs were
 * started since it was last read, as an event said. */
BwVirtReading bw_virt_read_domain(virConnectPtr connection, const char *uuid, bool resumed,
                                  GQueue *letters);

/* Appends a whole snapshot to @letters and the refused domains to @refused. Refused and absurd
 * domains are in the snapshot as seen. When it is not BW_VIRT_READ, what was appended is no
 * snapshot. @changed and @refused: UUID text -> whether it was resumed. */
BwVirtReading bw_virt_read_all(virConnectPtr connection, GHashTable *changed, GQueue *letters,
                               GHashTable *refused);
