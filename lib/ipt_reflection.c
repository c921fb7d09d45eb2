/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What comes to a port from the port's own address. It falls in any case, but for
 * two reasons: what may not be delivered to the port is misdelivered, and only the
 * rest is reflected. Of a port with one address two rules lead away whatever is
 * sent from it, and one chain of the bridge tells the reasons apart for all ports;
 * a chain of each port's own would be a fifth of the table.
 */

#include <bw/ipt_writer.h>

/* Of ports that only watch, the chain's end would go back to where it is asked once more. */
bool bw_ipt_has_one_own(const BwIptWriter *writer, const BwIptPort *port) {
        g_autoptr(GArray) own = NULL;

        if (port->state != BW_PORT_BOUND || port->mode != BW_MODE_ENFORCE || port->router)
                return false;
        if (writer->family == BW_FAMILY_IPV6 && port->strict_link_local)
                return false;
        own = bw_ipt_list_own(writer, port);
        return own->len == 1;
}

void bw_ipt_own_sender_chain(BwIptWriter *writer, const BwIptPort *port,
                             char name[static BW_IPT_CHAIN_SIZE]) {
        writer->own_sender = port;
        bw_ipt_port_chain("or", writer->view->bridge.name, name);
}

/* To @port's own addresses it is reflected; of all others the bridge's chain knows. */
void bw_ipt_deny_own_senders(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port) {
        g_autoptr(GArray) own = bw_ipt_list_own(writer, port);
        g_autoptr(GArray) derived = bw_ipt_list_derived(writer, port);
        BwIptRule rule = { .source = g_array_index(own, BwPrefix, 0) };
        char name[BW_IPT_CHAIN_SIZE];

        g_array_append_vals(own, derived->data, derived->len);
        bw_ipt_reflection_chain(writer, port, name);
        for (guint i = 0; i < own->len; i++) {
                rule.destination = g_array_index(own, BwPrefix, i);
                bw_ipt_say_goto(chain, rule, name);
        }
        bw_ipt_own_sender_chain(writer, port, name);
        bw_ipt_say_goto(chain, (BwIptRule){ .source = rule.source }, name);
}

/* Who must be asked about @rule denies what is misdelivered; what comes back is reflected. */
static void ask_first(BwIptChain *chain, BwIptRule rule, const char *asked, const char *reflected) {
        BwIptRule ask = rule;

        ask.target = BW_IPT_JUMP;
        g_strlcpy(ask.chain, asked, sizeof(ask.chain));
        bw_ipt_say(chain, ask);
        bw_ipt_say_goto(chain, rule, reflected);
}

void bw_ipt_write_own_senders(BwIptWriter *writer) {
        const BwIptPort *port = writer->own_sender;
        BwIptRule reflected = { .target = BW_IPT_GOTO };
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        if (!port)
                return;
        bw_ipt_own_sender_chain(writer, port, name);
        chain = bw_ipt_add_chain(writer, name);
        g_strlcpy(chain->bridge, writer->view->bridge.name, sizeof(chain->bridge));
        bw_ipt_reflection_chain(writer, port, reflected.chain);
        bw_ipt_deliver_groups(writer, chain, reflected);
        if (writer->family == BW_FAMILY_IPV4) {
                bw_ipt_reply_chain(writer, port, name);
                ask_first(chain, (BwIptRule){ .dhcp = BW_IPT_DHCP_REPLY }, name, reflected.chain);
        } else {
                bw_ipt_owned_chain(writer, port, BW_IPT_UNOWNED_PASSES, name);
                ask_first(chain, (BwIptRule){ .destination = bw_ipt_link_local() }, name,
                          reflected.chain);
        }
        bw_ipt_denial_chain(writer, port, name);
        bw_ipt_say_goto(chain, (BwIptRule){}, name);
}
