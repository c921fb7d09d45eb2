/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/hazard_kind.h>

const char *bw_hazard_kind_name(BwHazardKind kind) {
        switch (kind) {
        case BW_HAZARD_HUB_MODE:
                return "hub-mode";
        case BW_HAZARD_SHORT_AGEING:
                return "short-ageing";
        case BW_HAZARD_PROMISCUOUS:
                return "promiscuous";
        case BW_HAZARD_NO_BR_NETFILTER:
                return "no-br-netfilter";
        case BW_HAZARD_CALL_OFF:
                return "call-off";
        case BW_HAZARD_TAGGED_UNSEEN:
                return "tagged-unseen";
        case BW_HAZARD_HOST_ADDRESS:
                return "host-address";
        case BW_HAZARD_ARP_FLUX:
                return "arp-flux";
        case BW_HAZARD_HAIRPIN:
                return "hairpin";
        case BW_HAZARD_LOOP:
                return "loop";
        case BW_HAZARD_NOT_GUARDED:
                return "not-guarded";
        case BW_HAZARD_FILTERS:
                return "tc-filters";
        case BW_HAZARD_XDP:
                return "xdp";
        case BW_HAZARD_FORWARD_DROPS:
                return "forward-drops";
        case BW_HAZARD_NO_GATEWAY:
                return "no-gateway";
        case BW_HAZARD_FLOOD_RISK:
                return "flood-risk";
        case BW_HAZARD_ENGINE:
                return "engine";
        case BW_HAZARD_OTHER:
                return "other";
        }
        g_assert_not_reached();
}

bool bw_hazard_kind_from_name(const char *name, BwHazardKind *ret) {
        for (BwHazardKind kind = 0; kind < BW_HAZARD_MAX; kind++) {
                if (!g_str_equal(name, bw_hazard_kind_name(kind)))
                        continue;
                *ret = kind;
                return true;
        }
        return false;
}
