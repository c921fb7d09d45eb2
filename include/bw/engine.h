/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Engines
 *
 * What writes the kernel's filters, and for which reasons each can deny at all:
 * "status" says so, and the tests measure by it. Knows no rule and no table.
 */

#include <bw/reason.h>
#include <stdint.h>

typedef enum BwEngineKind {
        BW_ENGINE_IPTABLES, /* legacy xtables: untagged IPv4 and IPv6 that is bridged, nothing below
                             */
        BW_ENGINE_NFTABLES, /* bridge family: whole frames, the host's own output too */
} BwEngineKind;

#define BW_ENGINE_MAX (BW_ENGINE_NFTABLES + 1)

/* Sets of engines: 1 << kind. */
#define BW_ENGINE_BIT(kind) (1u << (kind))
#define BW_ENGINE_ALL       (BW_ENGINE_BIT(BW_ENGINE_MAX) - 1)

const char *bw_engine_name(BwEngineKind kind); /* "iptables", "nftables"; static */
/* Whose rules report in that address family: AF_BRIDGE is nftables', any other iptables'. */
BwEngineKind bw_engine_of_family(uint8_t family);
/* Whether the engine has rules that deny for @reason. */
bool bw_engine_carries(BwEngineKind kind, BwReason reason);
/* (transfer full): the reasons' names in their order, NULL-terminated. */
char **bw_engine_list_reasons(BwEngineKind kind);
