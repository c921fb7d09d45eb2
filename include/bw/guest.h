/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Guests
 *
 * A libvirt domain as far as the guard cares: who it is and which interfaces it
 * has. Decodes domain XML (https://libvirt.org/formatdomain.html). Does not
 * talk to libvirt. Names are data of any bytes, never text of a rule or format.
 */

#include <bw/addr.h>
#include <bw/uuid.h>
#include <glib.h>
#include <stdbool.h>

#define BW_IFNAME_SIZE          16 /* IFNAMSIZ of the kernel, with the NUL */
#define BW_MAX_GUEST_INTERFACES 256

typedef struct BwGuestInterface {
        BwMac mac;
        char type[16];               /* "bridge", "network", "ethernet", "direct", … cut to fit */
        char *source;                /* bridge or network it names; NULL when none (owned) */
        bool is_network;             /* @source is a libvirt network whose bridge is not known */
        char target[BW_IFNAME_SIZE]; /* <target dev>; "" when unknown or impossible */
} BwGuestInterface;

/* What the CPUs of an active guest do (virDomainState and virDomainPausedReason of libvirt). */
typedef enum BwGuestCpus {
        BW_CPUS_RUN,       /* or nobody can say */
        BW_CPUS_RAN,       /* they stand still, and ran here since the guest was last told of */
        BW_CPUS_REST,      /* they stand still; whether they have run here is not said */
        BW_CPUS_ELSEWHERE, /* they stand still, and the guest is on its way: being started, coming
                              from a file or another host, or gone to one */
} BwGuestCpus;

typedef struct BwGuest {
        char *name;
        char uuid[BW_UUID_TEXT_SIZE]; /* lower case */
        bool active;                  /* set by the caller: the XML is that of a running domain */
        BwGuestCpus cpus;             /* set by the caller */
        GArray *interfaces;           /* BwGuestInterface, in the XML's order */
} BwGuest;

/* (transfer full): NULL and BW_ERROR_INVALID when @xml is no domain with a name and a UUID. An
 * interface whose MAC cannot be read is left out. A "%" in a target is libvirt's template and
 * counts as unknown. Elements of other namespaces and below other devices are ignored. */
BwGuest *bw_guest_parse(const char *xml, gsize length, GError **error);
BwGuest *bw_guest_copy(const BwGuest *guest);
void bw_guest_free(BwGuest *guest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwGuest, bw_guest_free)
