/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_writer.h>
#include <bw/owner.h>
#include <string.h>

BwIptChain *bw_ipt_add_chain(BwIptWriter *writer, const char *name) {
        BwIptChain *chain = bw_ipt_chain_new(name);

        g_ptr_array_add(writer->chains, chain);
        return chain;
}

void bw_ipt_settle_makers(BwIptWriter *writer, BwIptPiece *piece) {
        while (writer->makers->len < writer->chains->len)
                g_ptr_array_add(writer->makers, piece);
}

const BwIptPiece *bw_ipt_take_piece(BwIptWriter *writer, const GByteArray *key) {
        bw_ipt_settle_makers(writer, NULL);
        return bw_ipt_shelf_find(writer->shelf, key, writer->turn);
}

const BwIptPiece *bw_ipt_end_piece(BwIptWriter *writer, const GByteArray *key, const char *start,
                                   guint note) {
        BwIptPiece *piece = bw_ipt_shelf_add(writer->shelf, key, writer->turn);

        piece->note = note;
        g_strlcpy(piece->start, start, sizeof(piece->start));
        bw_ipt_settle_makers(writer, piece);
        return piece;
}

BwIptChain *bw_ipt_add_port_chain(BwIptWriter *writer, const char *kind, const BwIptPort *port) {
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        bw_ipt_port_chain(kind, port->name, name);
        chain = bw_ipt_add_chain(writer, name);
        g_strlcpy(chain->bridge, writer->view->bridge.name, sizeof(chain->bridge));
        g_strlcpy(chain->port, port->name, sizeof(chain->port));
        return chain;
}

BwIptChain *bw_ipt_add_shared_chain(BwIptWriter *writer, const char *name) {
        BwIptChain *chain = bw_ipt_add_chain(writer, name);

        g_strlcpy(chain->bridge, writer->view->bridge.segment, sizeof(chain->bridge));
        return chain;
}

void bw_ipt_say(BwIptChain *chain, BwIptRule rule) {
        g_array_append_val(chain->rules, rule);
}

void bw_ipt_say_goto(BwIptChain *chain, BwIptRule rule, const char *target) {
        rule.target = BW_IPT_GOTO;
        g_strlcpy(rule.chain, target, sizeof(rule.chain));
        bw_ipt_say(chain, rule);
}

void bw_ipt_deny(const BwIptWriter *writer, BwIptChain *chain, BwIptRule match, BwReason reason,
                 bool drops) {
        match.reason = reason;
        match.direction = writer->direction;
        match.drops = drops;

        match.target = BW_IPT_NFLOG;
        match.log_rate = match.log_rate ? match.log_rate : writer->view->bridge.log_rate;
        bw_ipt_say(chain, match);

        match.target = drops ? BW_IPT_DROP : BW_IPT_RETURN;
        match.log_rate = 0;
        bw_ipt_say(chain, match);
}

void bw_ipt_deny_rest(const BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port) {
        bool bound = port->state == BW_PORT_BOUND;

        bw_ipt_deny(writer, chain, (BwIptRule){}, bound ? writer->side->not_own : BW_REASON_UNBOUND,
                    port->mode == BW_MODE_ENFORCE);
}

BwIptRule bw_ipt_address_rule(const BwIptWriter *writer, BwPrefix prefix) {
        if (writer->direction == BW_DIRECTION_IN)
                return (BwIptRule){ .source = prefix };
        return (BwIptRule){ .destination = prefix };
}

void bw_ipt_place(const BwPrefix *base, char place[static BW_IPT_PLACE_SIZE]) {
        static const char digits[] = "0123456789abcdef";
        unsigned n = base->family == BW_FAMILY_IPV4 ? 4 : MAX((base->length + 7) / 8, 1);

        for (unsigned i = 0; i < n; i++) {
                *place++ = digits[base->bytes[i] >> 4];
                *place++ = digits[base->bytes[i] & 0xf];
        }
        *place++ = '-';
        if (base->length >= 100)
                *place++ = digits[base->length / 100];
        if (base->length >= 10)
                *place++ = digits[base->length / 10 % 10];
        *place++ = digits[base->length % 10];
        *place = '\0';
}

BwPrefix bw_ipt_link_local(void) {
        return (BwPrefix){ BW_FAMILY_IPV6, 10, { 0xfe, 0x80 } };
}

BwPrefix bw_ipt_multicast(BwFamily family) {
        if (family == BW_FAMILY_IPV4)
                return (BwPrefix){ BW_FAMILY_IPV4, 4, { 224 } };
        return (BwPrefix){ BW_FAMILY_IPV6, 8, { 0xff } };
}

GArray *bw_ipt_list_own(const BwIptWriter *writer, const BwIptPort *port) {
        GArray *own = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bool has_own = port->state == BW_PORT_BOUND || port->state == BW_PORT_ANY_ADDRESS;

        for (guint i = 0; has_own && i < port->n_addresses; i++) {
                BwPrefix address = *bw_ipt_view_address(writer->view, port, i);

                if (address.family == writer->family)
                        g_array_append_val(own, address);
        }
        return own;
}

/* Own or not, somebody has declared it. */
static bool is_claimed(const BwIptWriter *writer, const BwPrefix *address) {
        const GArray *claims = writer->view->lists[BW_IPT_LIST_CLAIMS];

        for (guint i = 0; i < claims->len; i++)
                if (bw_prefix_contains(&g_array_index(claims, BwPrefix, i), address))
                        return true;
        return false;
}

GArray *bw_ipt_list_derived(const BwIptWriter *writer, const BwIptPort *port) {
        GArray *derived = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        if (writer->family != BW_FAMILY_IPV6 || port->strict_link_local)
                return derived;
        for (guint i = 0; i < port->n_macs; i++) {
                BwPrefix own = bw_owner_derive_link_local(bw_ipt_view_mac(writer->view, port, i));

                if (!is_claimed(writer, &own))
                        g_array_append_val(derived, own);
        }
        return derived;
}
