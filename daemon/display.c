/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "display.h"

#include <bw/port_text.h>

typedef struct Sums {
        uint64_t dropped[BW_REASON_MAX], monitored[BW_REASON_MAX];
} Sums;

struct BwDisplay {
        GHashTable *sums; /* port name -> Sums * */
};

BwDisplay *bw_display_new(void) {
        BwDisplay *display = g_new0(BwDisplay, 1);

        display->sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        return display;
}

void bw_display_free(BwDisplay *display) {
        if (!display)
                return;
        g_hash_table_unref(display->sums);
        g_free(display);
}

void bw_display_count(BwDisplay *display, const BwTally *tally) {
        Sums *sums = g_hash_table_lookup(display->sums, tally->port);

        if (!tally->port[0])
                return;
        if (!sums) {
                sums = g_new0(Sums, 1);
                g_hash_table_insert(display->sums, g_strdup(tally->port), sums);
        }
        if (tally->drops)
                sums->dropped[tally->reason] += tally->packets;
        else
                sums->monitored[tally->reason] += tally->packets;
}

void bw_display_forget(BwDisplay *display) {
        g_hash_table_remove_all(display->sums);
}

/* By the engines in force: nftables checks all it is told to; iptables looks at IP addresses alone,
 * and at packets the bridge shows it. */
bool bw_display_is_protected(const BwBridgePlan *bridge, const BwPortPlan *port, unsigned engines) {
        if (port->mode != BW_MODE_ENFORCE || port->state == BW_PORT_INHERITED)
                return false;
        if (engines & BW_ENGINE_BIT(BW_ENGINE_NFTABLES))
                return bw_port_state_is_guarded(port->state);
        return (engines & BW_ENGINE_BIT(BW_ENGINE_IPTABLES)) &&
               bw_bridge_switches_feed(bridge->switches, BW_ENGINE_IPTABLES) &&
               bw_port_state_checks_ip(port->state);
}

/* @seen: name -> BwPortView. */
static void show_port(const BwDisplay *display, const BwBridgePlan *bridge, const BwPortPlan *port,
                      GHashTable *seen, unsigned engines,
                      void (*row)(const BwBusPort *port, gpointer row_user), gpointer row_user) {
        g_auto(GStrv) macs = bw_port_text_macs(port);
        g_auto(GStrv) addresses = bw_port_text_addresses(port);
        const Sums *sums = g_hash_table_lookup(display->sums, port->name);
        const BwPortView *view = g_hash_table_lookup(seen, port->name);
        BwBusPort shown = {
                .port = port->name,
                .bridge = bridge->name,
                .guest = port->guest ? port->guest : "",
                .uuid = port->uuid,
                .role = bw_role_name(port->role),
                .mode = bw_mode_name(port->mode),
                .state = bw_port_state_name(port->state),
                .protected = bw_display_is_protected(bridge, port, engines),
                .closed = port->closed_border,
                .locked = view && (view->flags & BW_FLAG_BIT(BW_FLAG_LOCKED)),
                .far_bridge = view ? view->far_bridge : "",
                .far_port = view ? view->far_port : "",
                .macs = (const char *const *) macs,
                .addresses = (const char *const *) addresses,
                .where = port->where ? port->where : "",
                .trouble = port->trouble ? port->trouble : "",
        };

        for (guint i = 0; sums && i < G_N_ELEMENTS(shown.dropped); i++) {
                shown.dropped[i] = sums->dropped[i];
                shown.monitored[i] = sums->monitored[i];
        }
        row(&shown, row_user);
}

void bw_display_ports(const BwDisplay *display, const BwPlan *plan, const BwTopologyView *view,
                      unsigned engines, void (*row)(const BwBusPort *port, gpointer row_user),
                      gpointer row_user) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; view && i < view->ports->len; i++)
                g_hash_table_insert(seen, ((BwPortView *) view->ports->pdata[i])->name,
                                    view->ports->pdata[i]);
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        show_port(display, bridge, bridge->ports->pdata[k], seen, engines, row,
                                  row_user);
        }
}
