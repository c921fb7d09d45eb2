/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/netlink_decode.h>
#include <bw/tc_news.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_link(const BwLink *link) {
        gsize length = strnlen(link->name, sizeof(link->name));

        g_assert(link->ifindex > 0 && length > 0 && length < sizeof(link->name));
        g_assert(link->master >= 0 && link->peer >= 0);
        g_assert(link->peer == 0 || link->kind == BW_LINK_VETH);
        g_assert(!link->switches_known || link->kind == BW_LINK_BRIDGE);
        g_assert((link->switches & ~link->switches_known) == 0);
        g_assert((link->switches_known & ~BW_SWITCH_ALL) == 0);
        g_assert(memchr(link->kind_name, 0, sizeof(link->kind_name)));
        g_assert(link->peer_namespace >= 0 && link->lower >= 0);
        g_assert(!link->peer_namespace || (link->kind == BW_LINK_VETH && !link->peer));
        g_assert(!link->lower || link->kind == BW_LINK_OTHER || link->kind == BW_LINK_MACVTAP);
        g_assert(link->stp_state <= BW_STP_BLOCKING);
        g_assert(link->master || (!link->flags_known && !link->stp_state));
        g_assert((link->flags & ~link->flags_known) == 0);
        g_assert(link->kind == BW_LINK_BRIDGE ||
                 (!link->stp && !link->vlan_filtering && !link->topology_change));
}

static void check_neighbour(const BwNeighbour *neighbour) {
        g_autofree char *text = bw_prefix_print(&neighbour->address);

        g_assert(neighbour->ifindex > 0 && *text != '\0' && !strchr(text, '/'));
}

static void check_address(const BwHostAddress *address) {
        g_autofree char *text = bw_prefix_print(&address->address);

        g_assert(address->ifindex > 0 && *text != '\0' && !strchr(text, '/'));
        g_assert(address->prefix_length <= address->address.length);
}

static void check(const BwFact *fact) {
        if (fact->kind == BW_FACT_LINK)
                check_link(&fact->link);
        else if (fact->kind == BW_FACT_LINK_GONE)
                g_assert(fact->link.ifindex > 0 && fact->link.peer >= 0);
        else if (fact->kind == BW_FACT_FDB || fact->kind == BW_FACT_FDB_GONE)
                g_assert(fact->fdb.port > 0 && fact->fdb.bridge > 0);
        else if (fact->kind == BW_FACT_NEIGHBOUR || fact->kind == BW_FACT_NEIGHBOUR_GONE)
                check_neighbour(&fact->neighbour);
        else if (fact->kind == BW_FACT_ADDRESS || fact->kind == BW_FACT_ADDRESS_GONE)
                check_address(&fact->address);
        else
                g_assert_not_reached();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        /* A copy of the exact size: aligned, and the sanitizer sees each byte read too far. */
        g_autofree uint8_t *message = g_memdup2(bytes, size);
        BwFact fact, again;
        int ifindex = 0;

        memset(&fact, 0xaa, sizeof(fact));
        memset(&again, 0xaa, sizeof(again));
        if (bw_netlink_decode(message, size, &fact))
                check(&fact);
        g_assert(bw_netlink_decode_untold(message, size) >= 0);
        g_assert(bw_tc_news(message, size, &ifindex) <= BW_TC_SHARED && ifindex >= 0);
        /* The same message is the same fact, and what is no fact leaves no trace. */
        bw_netlink_decode(message, size, &again);
        g_assert(memcmp(&fact, &again, sizeof(fact)) == 0);
        return 0;
}
