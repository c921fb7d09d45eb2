/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/port_text.h>

char *bw_port_text_who(const BwBridgePlan *bridge, const BwPortPlan *port) {
        if (port->guest)
                return g_strdup_printf("%s on %s (guest %s)", port->name, bridge->name,
                                       port->guest);
        return g_strdup_printf("%s on %s", port->name, bridge->name);
}

char **bw_port_text_macs(const BwPortPlan *port) {
        char **texts = g_new0(char *, port->macs->len + 1);

        for (guint i = 0; i < port->macs->len; i++) {
                texts[i] = g_malloc(BW_MAC_TEXT_SIZE);
                bw_mac_print(&g_array_index(port->macs, BwMac, i), texts[i]);
        }
        return texts;
}

char **bw_port_text_addresses(const BwPortPlan *port) {
        char **texts = g_new0(char *, port->addresses->len + 1);

        for (guint i = 0; i < port->addresses->len; i++)
                texts[i] = bw_prefix_print(&g_array_index(port->addresses, BwPrefix, i));
        return texts;
}
