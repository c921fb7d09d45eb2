/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_view.h>
#include <bw/ipt_writer.h>
#include <string.h>

static gsize size_of(BwIptList list) {
        switch (list) {
        case BW_IPT_LIST_PORTS:
                return sizeof(BwIptPort);
        case BW_IPT_LIST_MACS:
                return sizeof(BwMac);
        case BW_IPT_LIST_GATEWAYS:
        case BW_IPT_LIST_CLAIMS:
        case BW_IPT_LIST_NETWORKS:
        case BW_IPT_LIST_ADDRESSES:
                return sizeof(BwPrefix);
        }
        g_assert_not_reached();
}

/* Holes between members are zero, and stay so while members are set one by one. */
static void add_prefixes(GArray *list, const GArray *prefixes) {
        guint at = list->len;
        BwPrefix *copies;

        g_array_set_size(list, at + prefixes->len);
        copies = &g_array_index(list, BwPrefix, at);

        for (guint i = 0; i < prefixes->len; i++) {
                const BwPrefix *prefix = &g_array_index(prefixes, BwPrefix, i);

                copies[i].family = prefix->family;
                copies[i].length = prefix->length;
                memcpy(copies[i].bytes, prefix->bytes, sizeof(copies[i].bytes));
        }
}

/* Claims */

static void add_claims(GArray *claims, const GArray *addresses) {
        const BwPrefix link_local = bw_ipt_link_local();

        for (guint i = 0; i < addresses->len; i++) {
                const BwPrefix *own = &g_array_index(addresses, BwPrefix, i);

                if (bw_prefix_overlaps(own, &link_local))
                        g_array_append_val(claims, *own);
        }
}

static void add_claims_on(GArray *claims, const BwBridgePlan *bridge) {
        add_claims(claims, bridge->addresses);
        for (guint i = 0; i < bridge->ports->len; i++)
                add_claims(claims, ((BwPortPlan *) bridge->ports->pdata[i])->addresses);
}

static void add_all_claims(GArray *list, const BwSegmentPlan *segment) {
        g_autoptr(GArray) claims = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        add_claims(claims, segment->gateways);
        for (guint i = 0; i < segment->bridges->len; i++)
                add_claims_on(claims, segment->bridges->pdata[i]);
        add_prefixes(list, claims);
}

/* Views */

BwIptView *bw_ipt_view_new(const BwSegmentPlan *segment, unsigned log_rate, bool borders_know) {
        const BwBridgePlan *first = segment->bridges->pdata[0];
        BwIptView *view = g_new0(BwIptView, 1);

        for (BwIptList list = 0; list < BW_IPT_LIST_MAX; list++)
                view->lists[list] = g_array_new(FALSE, TRUE, size_of(list));
        g_strlcpy(view->bridge.segment, first->name, sizeof(view->bridge.segment));
        view->bridge.log_rate = log_rate;
        view->bridge.borders_know = borders_know;
        add_prefixes(view->lists[BW_IPT_LIST_GATEWAYS], segment->gateways);
        add_all_claims(view->lists[BW_IPT_LIST_CLAIMS], segment);
        return view;
}

void bw_ipt_view_free(BwIptView *view) {
        for (BwIptList list = 0; list < BW_IPT_LIST_MAX; list++)
                g_array_unref(view->lists[list]);
        g_free(view);
}

static void add_port(BwIptView *view, BwIptPort *ret, const BwPortPlan *port) {
        GArray *macs = view->lists[BW_IPT_LIST_MACS];
        GArray *addresses = view->lists[BW_IPT_LIST_ADDRESSES];

        g_strlcpy(ret->name, port->name, sizeof(ret->name));
        ret->ifindex = port->ifindex;
        ret->state = port->state;
        ret->mode = port->mode;
        ret->is_border = bw_port_plan_is_border(port);
        ret->router = port->router;
        ret->strict_link_local = port->strict_link_local;
        ret->first_mac = macs->len;
        ret->n_macs = port->macs->len;
        ret->first_address = addresses->len;
        ret->n_addresses = port->addresses->len;
        g_array_append_vals(macs, port->macs->data, port->macs->len);
        add_prefixes(addresses, port->addresses);
}

void bw_ipt_view_turn_to(BwIptView *view, const BwBridgePlan *bridge) {
        GArray *ports = view->lists[BW_IPT_LIST_PORTS];

        for (BwIptList list = BW_IPT_LIST_NETWORKS; list < BW_IPT_LIST_MAX; list++)
                g_array_set_size(view->lists[list], 0);
        memset(view->bridge.name, 0, sizeof(view->bridge.name));
        g_strlcpy(view->bridge.name, bridge->name, sizeof(view->bridge.name));
        view->bridge.unknown_ports = bridge->unknown_ports;
        add_prefixes(view->lists[BW_IPT_LIST_NETWORKS], bridge->networks);
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];

                if (port->state == BW_PORT_STRANGER)
                        continue;
                g_array_set_size(ports, ports->len + 1);
                add_port(view, &g_array_index(ports, BwIptPort, ports->len - 1), port);
        }
}

BwIptView *bw_ipt_view_copy(const BwIptView *view) {
        BwIptView *copy = g_new0(BwIptView, 1);

        memcpy(&copy->bridge, &view->bridge, sizeof(copy->bridge));
        for (BwIptList list = 0; list < BW_IPT_LIST_MAX; list++)
                copy->lists[list] = list < BW_IPT_LIST_NETWORKS ? g_array_ref(view->lists[list])
                                                                : g_array_copy(view->lists[list]);
        return copy;
}

static bool same_list(const GArray *a, const GArray *b, gsize size) {
        if (a == b)
                return true;
        return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len * size) == 0);
}

bool bw_ipt_view_equal(const BwIptView *a, const BwIptView *b) {
        if (memcmp(&a->bridge, &b->bridge, sizeof(a->bridge)) != 0)
                return false;
        for (BwIptList list = 0; list < BW_IPT_LIST_MAX; list++)
                if (!same_list(a->lists[list], b->lists[list], size_of(list)))
                        return false;
        return true;
}

static int by_name(gconstpointer a, gconstpointer b) {
        return strcmp(((const BwIptPort *) a)->name, ((const BwIptPort *) b)->name);
}

const BwIptPort *bw_ipt_view_find_port(const BwIptView *view, const char *name) {
        GArray *ports = view->lists[BW_IPT_LIST_PORTS];
        BwIptPort sought = {};
        guint at;

        g_strlcpy(sought.name, name, sizeof(sought.name));
        if (!g_array_binary_search(ports, &sought, by_name, &at))
                g_assert_not_reached();
        return &g_array_index(ports, BwIptPort, at);
}

const BwMac *bw_ipt_view_mac(const BwIptView *view, const BwIptPort *port, guint i) {
        return &g_array_index(view->lists[BW_IPT_LIST_MACS], BwMac, port->first_mac + i);
}

const BwPrefix *bw_ipt_view_address(const BwIptView *view, const BwIptPort *port, guint i) {
        return &g_array_index(view->lists[BW_IPT_LIST_ADDRESSES], BwPrefix,
                              port->first_address + i);
}
