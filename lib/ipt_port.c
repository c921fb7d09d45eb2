/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The chains of one port. What is right leaves early; what nothing has taken at
 * the end falls. The order is the evaluator's: an own address is right whoever
 * else may claim it, and only then is asked whether somebody else owns it.
 */

#include <bw/ipt_writer.h>

static const BwPrefix limited_broadcast = { BW_FAMILY_IPV4, 32, { 255, 255, 255, 255 } };

/* Not even a router carries packets from these. */
static const BwPrefix no_sources[] = {
        { BW_FAMILY_IPV4, 32, {} },      { BW_FAMILY_IPV4, 8, { 127 } },
        { BW_FAMILY_IPV4, 4, { 224 } },  { BW_FAMILY_IPV4, 32, { 255, 255, 255, 255 } },
        { BW_FAMILY_IPV6, 128, {} },     { BW_FAMILY_IPV6, 128, { [15] = 1 } },
        { BW_FAMILY_IPV6, 8, { 0xff } },
};

static bool drops(const BwIptPort *port) {
        return port->mode == BW_MODE_ENFORCE;
}

/* Own addresses */

/* What the port may use as its own and can be listed: A(P), and the link-local addresses its MACs
 * give it. Of the other link-local ones a tree knows whose they are. */
static void pass_own(const BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port,
                     BwIptRule pass) {
        g_autoptr(GArray) own = bw_ipt_list_own(writer, port),
                          derived = bw_ipt_list_derived(writer, port);

        g_array_append_vals(own, derived->data, derived->len);
        for (guint i = 0; i < own->len; i++) {
                BwIptRule rule = bw_ipt_address_rule(writer, g_array_index(own, BwPrefix, i));

                rule.target = pass.target;
                g_strlcpy(rule.chain, pass.chain, sizeof(rule.chain));
                bw_ipt_say(chain, rule);
        }
}

/* Sending */

static bool uses_link_local(const BwIptWriter *writer, const BwIptPort *port) {
        return writer->family == BW_FAMILY_IPV6 && !port->strict_link_local;
}

/* A shared chain judges: who it denies is denied there, the rest leaves. */
static void ask_owners(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port,
                       BwIptRule rule, BwIptUnowned unowned) {
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_owned_chain(writer, port, unowned, name);
        bw_ipt_say_goto(chain, rule, name);
}

/* To a group, before there is an address. */
static void pass_from_nowhere(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port) {
        BwIptRule rule = { .source = { BW_FAMILY_IPV6, 128, {} },
                           .destination = bw_ipt_multicast(BW_FAMILY_IPV6) };
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_nowhere_chain(writer, port, name);
        bw_ipt_say_goto(chain, rule, name);
}

static void deny_no_sources(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port) {
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_denial_chain(writer, port, name);
        if (writer->family == BW_FAMILY_IPV6 && port->strict_link_local)
                bw_ipt_say_goto(chain, (BwIptRule){ .source = bw_ipt_link_local() }, name);
        for (guint i = 0; i < G_N_ELEMENTS(no_sources); i++)
                if (no_sources[i].family == writer->family)
                        bw_ipt_say_goto(chain, (BwIptRule){ .source = no_sources[i] }, name);
}

/* What the port's owner may send: from its own addresses, and the first words of who has none. */
static void write_in(BwIptWriter *writer, const BwIptPort *port) {
        BwIptChain *chain = bw_ipt_add_port_chain(writer, "i", port);
        bool bound = port->state == BW_PORT_BOUND;

        if (bound)
                pass_own(writer, chain, port, (BwIptRule){ .target = BW_IPT_RETURN });
        if (writer->family == BW_FAMILY_IPV4 && port->state != BW_PORT_CLOSED)
                bw_ipt_pass_request(writer, chain, port);
        if (bound && writer->family == BW_FAMILY_IPV6)
                pass_from_nowhere(writer, chain, port);
        if (bound && uses_link_local(writer, port))
                ask_owners(writer, chain, port, (BwIptRule){ .source = bw_ipt_link_local() },
                           BW_IPT_UNOWNED_PASSES);
        if (bound && port->router) {
                deny_no_sources(writer, chain, port);
                ask_owners(writer, chain, port, (BwIptRule){}, BW_IPT_UNOWNED_PASSES);
                return;
        }
        bw_ipt_deny_rest(writer, chain, port);
}

/* Receiving */

static BwPrefix directed_broadcast(const BwPrefix *network) {
        BwPrefix broadcast = { BW_FAMILY_IPV4, 32, {} };

        for (unsigned bit = 0; bit < 32; bit++) {
                uint8_t mask = (uint8_t) (0x80 >> bit % 8);

                broadcast.bytes[bit / 8] |=
                        bit < network->length ? network->bytes[bit / 8] & mask : mask;
        }
        return broadcast;
}

static void deliver(BwIptChain *chain, BwPrefix destination, BwIptRule pass) {
        pass.destination = destination;
        bw_ipt_say(chain, pass);
}

void bw_ipt_deliver_groups(const BwIptWriter *writer, BwIptChain *chain, BwIptRule pass) {
        const GArray *networks = writer->view->lists[BW_IPT_LIST_NETWORKS];

        if (writer->family == BW_FAMILY_IPV4)
                deliver(chain, limited_broadcast, pass);
        deliver(chain, bw_ipt_multicast(writer->family), pass);
        for (guint i = 0; i < networks->len; i++) {
                const BwPrefix *network = &g_array_index(networks, BwPrefix, i);

                /* RFC 3021: networks of two addresses or one have no broadcast. */
                if (network->family == BW_FAMILY_IPV4 && writer->family == BW_FAMILY_IPV4 &&
                    network->length < 31)
                        deliver(chain, directed_broadcast(network), pass);
        }
}

/* Who has no address of the family cannot meet it again: there is nothing to look at. */
BwIptRule bw_ipt_delivery(const BwIptWriter *writer, const BwIptPort *port) {
        g_autoptr(GArray) own = bw_ipt_list_own(writer, port);
        BwIptRule pass = { .target = BW_IPT_RETURN };

        if (own->len == 0 || bw_ipt_has_one_own(writer, port))
                return pass;
        pass.target = BW_IPT_GOTO;
        bw_ipt_port_chain("r", port->name, pass.chain);
        return pass;
}

/* Deliverable is not enough: what comes back from the port's own address is a reflection. */
static void write_reflected(BwIptWriter *writer, const BwIptPort *port) {
        g_autoptr(GArray) own = bw_ipt_list_own(writer, port);
        BwIptChain *chain;

        if (own->len == 0 || bw_ipt_has_one_own(writer, port))
                return;
        chain = bw_ipt_add_port_chain(writer, "r", port);
        for (guint i = 0; i < own->len; i++)
                bw_ipt_deny(writer, chain, (BwIptRule){ .source = g_array_index(own, BwPrefix, i) },
                            BW_REASON_REFLECTED, drops(port));
}

/* To @destination, which anybody on the bridge may own: somebody else's is misdelivered, and only
 * what is nobody's may be reflected. */
static void deliver_unowned(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port,
                            BwPrefix destination) {
        g_autoptr(GArray) own = bw_ipt_list_own(writer, port);
        BwIptRule rule = { .destination = destination };
        bool reflects = !bw_ipt_has_one_own(writer, port);

        for (guint i = 0; reflects && i < own->len; i++) {
                rule.source = g_array_index(own, BwPrefix, i);
                ask_owners(writer, chain, port, rule, BW_IPT_UNOWNED_REFLECTED);
        }
        rule.source = (BwPrefix){};
        ask_owners(writer, chain, port, rule, BW_IPT_UNOWNED_PASSES);
}

/* What a router may receive besides. */
static void deliver_routed(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port) {
        char name[BW_IPT_CHAIN_SIZE];

        if (writer->family == BW_FAMILY_IPV6 && port->strict_link_local) {
                bw_ipt_denial_chain(writer, port, name);
                bw_ipt_say_goto(chain, (BwIptRule){ .destination = bw_ipt_link_local() }, name);
        }
        deliver_unowned(writer, chain, port, (BwPrefix){});
}

static void deliver_bound(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port,
                          BwIptRule pass) {
        if (bw_ipt_has_one_own(writer, port))
                bw_ipt_deny_own_senders(writer, chain, port);
        pass_own(writer, chain, port, pass);
        bw_ipt_deliver_groups(writer, chain, pass);
        if (uses_link_local(writer, port))
                deliver_unowned(writer, chain, port, bw_ipt_link_local());
        write_reflected(writer, port);
}

/* What the port's owner may receive. */
static void write_out(BwIptWriter *writer, const BwIptPort *port) {
        BwIptChain *chain = bw_ipt_add_port_chain(writer, "o", port);
        bool bound = port->state == BW_PORT_BOUND;
        BwIptRule pass = bw_ipt_delivery(writer, port);

        if (bound)
                deliver_bound(writer, chain, port, pass);
        if (writer->family == BW_FAMILY_IPV4 && port->state != BW_PORT_CLOSED)
                bw_ipt_deliver_replies(writer, chain, port, pass);
        if (bound && port->router)
                deliver_routed(writer, chain, port);
        else
                bw_ipt_deny_rest(writer, chain, port);
}

static void keep_chain(BwIptWriter *writer, const char *kind, const BwIptPort *port) {
        bw_ipt_add_port_chain(writer, kind, port)->opaque = true;
}

/* Whether the chain of a former run may lead to what bw_ipt_own_sender_chain() names. */
static bool may_ask_bridge(const BwIptPort *port) {
        return port->mode == BW_MODE_ENFORCE && !port->is_border && !port->router;
}

/* Chains of a former run: their names must be there to lead to, their rules stay as they are. What
 * the ports of the bridge have in common is written anew, as it was. So is the borders' tree, which
 * they may ask, and it must deny as it did: a border by its own chain, a guest's port by the shared
 * one. */
static void keep_port(BwIptWriter *writer, const BwIptPort *port) {
        char name[BW_IPT_CHAIN_SIZE];

        keep_chain(writer, writer->side->port_kind, port);
        if (writer->direction == BW_DIRECTION_OUT && may_ask_bridge(port))
                bw_ipt_own_sender_chain(writer, port, name);
        if (port->is_border)
                keep_chain(writer, "b", port);
        else if (writer->family == BW_FAMILY_IPV6)
                writer->shared[true].borders = writer->shared[true].denial = true;
}

/* Addresses=any opens all but what only a gateway may use. */
static void write_any_address(BwIptWriter *writer, const BwIptPort *port) {
        const GArray *gateways = writer->view->lists[BW_IPT_LIST_GATEWAYS];
        BwIptChain *chain = bw_ipt_add_port_chain(writer, "i", port);

        pass_own(writer, chain, port, (BwIptRule){ .target = BW_IPT_RETURN });
        for (guint i = 0; i < gateways->len; i++) {
                BwPrefix gateway = g_array_index(gateways, BwPrefix, i);

                if (gateway.family == writer->family)
                        bw_ipt_deny(writer, chain, (BwIptRule){ .source = gateway },
                                    writer->side->not_own, drops(port));
        }
}

static bool has_gateways(const BwIptWriter *writer) {
        const GArray *gateways = writer->view->lists[BW_IPT_LIST_GATEWAYS];

        for (guint i = 0; i < gateways->len; i++)
                if (g_array_index(gateways, BwPrefix, i).family == writer->family)
                        return true;
        return false;
}

bool bw_ipt_has_port_chain(const BwIptWriter *writer, const BwIptPort *port) {
        if (port->state == BW_PORT_ANY_ADDRESS)
                return writer->direction == BW_DIRECTION_IN && has_gateways(writer);
        return bw_port_state_checks_ip(port->state);
}

void bw_ipt_write_port(BwIptWriter *writer, const BwIptPort *port) {
        if (!bw_ipt_has_port_chain(writer, port))
                return;
        if (port->state == BW_PORT_BORDER) {
                bw_ipt_write_border(writer, port);
                return;
        }
        if (port->state == BW_PORT_ANY_ADDRESS) {
                write_any_address(writer, port);
                return;
        }
        if (port->state == BW_PORT_INHERITED) {
                keep_port(writer, port);
                return;
        }
        if (writer->direction == BW_DIRECTION_IN)
                write_in(writer, port);
        else
                write_out(writer, port);
}
