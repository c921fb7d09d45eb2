/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * DHCP replies to the ports of one bridge. A reply may go to an address that is
 * only being offered, so what counts is for whose MAC it is. A program asks that
 * for some ports at once; xt_u32 in each port's chain would take 2 KB a port.
 */

#include <bw/ipt_writer.h>
#include <string.h>

/* Who is refused there is refused for what is bound, and dropped. */
bool bw_ipt_shares_replies(const BwIptPort *port) {
        return port->state == BW_PORT_BOUND && port->mode == BW_MODE_ENFORCE && !port->router;
}

void bw_ipt_reply_chain(BwIptWriter *writer, const BwIptPort *port,
                        char name[static BW_IPT_CHAIN_SIZE]) {
        writer->replied_to = port;
        bw_ipt_port_chain("oq", writer->view->bridge.name, name);
}

/* MACs of a former run are what its chains have said. */
static bool has_clients(const BwIptPort *port) {
        return bw_ipt_shares_replies(port) ||
               (port->state == BW_PORT_INHERITED && port->mode == BW_MODE_ENFORCE);
}

/* (transfer full) (element-type BwIptClient) */
static GArray *list_clients(const BwIptView *view) {
        const GArray *ports = view->lists[BW_IPT_LIST_PORTS];
        GArray *clients = g_array_new(FALSE, TRUE, sizeof(BwIptClient));

        for (guint i = 0; i < ports->len; i++) {
                const BwIptPort *port = &g_array_index(ports, BwIptPort, i);

                for (guint k = 0; has_clients(port) && k < port->n_macs; k++) {
                        BwIptClient client = { port->ifindex, *bw_ipt_view_mac(view, port, k) };

                        g_array_append_val(clients, client);
                }
        }
        return clients;
}

void bw_ipt_write_replies(BwIptWriter *writer) {
        g_autoptr(GArray) clients = list_clients(writer->view);
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        if (!writer->replied_to)
                return;
        bw_ipt_reply_chain(writer, writer->replied_to, name);
        chain = bw_ipt_add_chain(writer, name);
        g_strlcpy(chain->bridge, writer->view->bridge.name, sizeof(chain->bridge));
        for (guint i = 0; i < clients->len; i += BW_IPT_CLIENT_MAX) {
                BwIptRule rule = { .target = BW_IPT_RETURN };

                memcpy(rule.clients, &g_array_index(clients, BwIptClient, i),
                       MIN(clients->len - i, BW_IPT_CLIENT_MAX) * sizeof(BwIptClient));
                bw_ipt_say(chain, rule);
        }
        bw_ipt_denial_chain(writer, writer->replied_to, name);
        bw_ipt_say_goto(chain, (BwIptRule){}, name);
}
