/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/engine.h>
#include <netinet/in.h>

const char *bw_engine_name(BwEngineKind kind) {
        switch (kind) {
        case BW_ENGINE_IPTABLES:
                return "iptables";
        case BW_ENGINE_NFTABLES:
                return "nftables";
        }
        g_assert_not_reached();
}

BwEngineKind bw_engine_of_family(uint8_t family) {
        return family == AF_BRIDGE ? BW_ENGINE_NFTABLES : BW_ENGINE_IPTABLES;
}

/* xt_physdev sees IP packets of bridge ports: no ARP, no tag, no Ethernet address. */
static bool iptables_carries(BwReason reason) {
        switch (reason) {
        case BW_REASON_UNBOUND:
        case BW_REASON_SPOOFED_IP:
        case BW_REASON_MISDELIVERED:
        case BW_REASON_REFLECTED:
        case BW_REASON_BORDER_SPOOF:
        case BW_REASON_BORDER_MISDELIVERED:
                return true;
        case BW_REASON_NONE:
        case BW_REASON_ETHERTYPE:
        case BW_REASON_BPDU:
        case BW_REASON_SPOOFED_MAC:
        case BW_REASON_SPOOFED_ARP:
        case BW_REASON_SPOOFED_ND:
        case BW_REASON_ROGUE_DHCP:
        case BW_REASON_ROGUE_RA:
        case BW_REASON_REDIRECT:
        case BW_REASON_ROGUE_QUERIER:
        case BW_REASON_FLOODED:
                return false;
        }
        g_assert_not_reached();
}

bool bw_engine_carries(BwEngineKind kind, BwReason reason) {
        switch (kind) {
        case BW_ENGINE_IPTABLES:
                return iptables_carries(reason);
        case BW_ENGINE_NFTABLES:
                return reason != BW_REASON_NONE;
        }
        g_assert_not_reached();
}

char **bw_engine_list_reasons(BwEngineKind kind) {
        GPtrArray *names = g_ptr_array_new();

        for (BwReason reason = BW_REASON_NONE; reason < BW_REASON_MAX; reason++)
                if (bw_engine_carries(kind, reason))
                        g_ptr_array_add(names, g_strdup(bw_reason_name(reason)));
        g_ptr_array_add(names, NULL);
        return (char **) g_ptr_array_free(names, FALSE);
}
