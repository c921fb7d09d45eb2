/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The DHCP exceptions. What counts in a request is whether who sends it asks for
 * himself, and in a reply, which may go to an address that is only being offered,
 * for whose MAC it is. Where one chain can tell for many ports, a program
 * asks; xt_u32 in the chain of each port takes 2 KB.
 */

#include <bw/ipt_writer.h>
#include <string.h>

static BwIptRule request_rule(void) {
        return (BwIptRule){ .source = { BW_FAMILY_IPV4, 32, {} },
                            .destination = { BW_FAMILY_IPV4, 32, { 255, 255, 255, 255 } },
                            .dhcp = BW_IPT_DHCP_REQUEST };
}

/* For each MAC of the port: the message is for it, or from it as its client. */
static void pass_clients(const BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port,
                         BwIptRule rule) {
        for (guint i = 0; i < port->n_macs; i++) {
                rule.client = *bw_ipt_view_mac(writer->view, port, i);
                bw_ipt_say(chain, rule);
        }
}

/* Of a port with one MAC, whoever has sent as that MAC must only ask for himself: the same question
 * for all of the segment, and its answer the same. */
static bool may_ask_together(const BwIptPort *port) {
        return port->state == BW_PORT_BOUND && port->n_macs == 1;
}

/* Ethernet source and chaddr may be different MACs of the port. To ask one after the other takes as
 * many rules as there are MACs, and not their square: an own sender leads to the question whose the
 * client is. */
void bw_ipt_pass_request(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port) {
        BwIptRule rule = request_rule();
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *clients;

        if (may_ask_together(port)) {
                bw_ipt_request_chain(writer, port, name);
                rule.sender = *bw_ipt_view_mac(writer->view, port, 0);
                bw_ipt_say_goto(chain, rule, name);
                return;
        }
        if (port->n_macs == 1) {
                rule.sender = *bw_ipt_view_mac(writer->view, port, 0);
                rule.target = BW_IPT_RETURN;
                pass_clients(writer, chain, port, rule);
                return;
        }
        if (port->n_macs == 0)
                return;
        clients = bw_ipt_add_port_chain(writer, "c", port);
        for (guint i = 0; i < port->n_macs; i++) {
                rule.sender = *bw_ipt_view_mac(writer->view, port, i);
                bw_ipt_say_goto(chain, rule, clients->name);
        }
        pass_clients(writer, clients, port,
                     (BwIptRule){ .dhcp = BW_IPT_DHCP_REQUEST, .target = BW_IPT_RETURN });
        bw_ipt_deny_rest(writer, clients, port);
}

/* Replies */

/* Who is refused there is refused for what is bound, and dropped. */
static bool shares_replies(const BwIptPort *port) {
        return port->state == BW_PORT_BOUND && port->mode == BW_MODE_ENFORCE && !port->router;
}

void bw_ipt_reply_chain(BwIptWriter *writer, const BwIptPort *port,
                        char name[static BW_IPT_CHAIN_SIZE]) {
        writer->replied_to = port;
        bw_ipt_port_chain("oq", writer->view->bridge.name, name);
}

void bw_ipt_deliver_replies(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port,
                            BwIptRule pass) {
        char name[BW_IPT_CHAIN_SIZE];

        pass.dhcp = BW_IPT_DHCP_REPLY;
        if (pass.target == BW_IPT_RETURN && shares_replies(port)) {
                bw_ipt_reply_chain(writer, port, name);
                bw_ipt_say_goto(chain, pass, name);
                return;
        }
        pass_clients(writer, chain, port, pass);
}

/* MACs of a former run are what its chains have said, and those that lead here were of a port that
 * drops, whatever the port's mode is now. A port without a number is no link's: it would end the
 * list, and a rule without clients is one for everybody. */
static bool has_clients(const BwIptPort *port) {
        return port->ifindex > 0 && (shares_replies(port) || port->state == BW_PORT_INHERITED);
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
