/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * NFLOG adapter
 *
 * Listens to one NFLOG group (libnl-nf) and hands each packet on undecoded.
 */

#include <bw/violation.h>

typedef struct BwNflog BwNflog;

/* @packet is lent for the call. @lost packets were lost before it (socket overrun or the kernel's
 * sequence); with a NULL @packet only the loss is told. */
typedef void (*BwNflogSink)(const BwDeniedPacket *packet, unsigned lost, gpointer user);

/* Copies at most @copy_bytes of each packet. BW_ERROR_BUSY when another process of this namespace
 * holds the group, BW_ERROR_DENIED without CAP_NET_ADMIN. Reads in the default main context, at a
 * lower priority than G_PRIORITY_DEFAULT and a bounded number of packets a turn, so that a flood
 * of drops never delays the guard. */
BwNflog *bw_nflog_new(uint16_t group, unsigned copy_bytes, BwNflogSink sink, gpointer user,
                      GError **error);
void bw_nflog_free(BwNflog *nflog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNflog, bw_nflog_free)
