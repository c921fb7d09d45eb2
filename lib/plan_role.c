/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/plan_role.h>

/* The other end, where the host itself is: no port of anything. */
static const BwLink *find_free_peer(const BwModel *model, const BwLink *port) {
        const BwLink *peer = bw_model_find_peer(model, port);

        return peer && !peer->master && !peer->openvswitch ? peer : NULL;
}

/* Loopback and what else no host may own is not for others to see. */
static bool is_ownable(const BwPrefix *address) {
        g_autofree char *text = bw_prefix_print(address);
        BwPrefix same;

        return bw_prefix_parse(text, &same, NULL);
}

void bw_plan_add_host_addresses(GArray *addresses, const BwModel *model, const BwLink *port) {
        const BwLink *peer = find_free_peer(model, port);
        g_autoptr(GArray) own = peer ? bw_model_list_addresses(model, peer->ifindex) : NULL;
        guint before = addresses->len;

        for (guint i = 0; own && i < own->len && addresses->len - before < BW_MAX_ADDRESSES; i++) {
                const BwPrefix *address = &g_array_index(own, BwHostAddress, i).address;

                if ((i == 0 ||
                     !bw_prefix_equal(address,
                                      &g_array_index(own, BwHostAddress, i - 1).address)) &&
                    is_ownable(address))
                        g_array_append_val(addresses, *address);
        }
}

static bool is_the_hosts(const BwModel *model, const BwLink *port) {
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        bw_plan_add_host_addresses(addresses, model, port);
        return addresses->len > 0;
}

bool bw_plan_derive_role(const BwModel *model, const BwTopology *topology, const BwLink *port,
                         BwRole *ret) {
        switch (port->kind) {
        case BW_LINK_TAP:
                return false;
        case BW_LINK_VETH:
                if (bw_topology_far_bridge(topology, port->ifindex))
                        *ret = BW_ROLE_LINK;
                else if (is_the_hosts(model, port))
                        *ret = BW_ROLE_HOST;
                else
                        return false;
                return true;
        case BW_LINK_BRIDGE:
        case BW_LINK_MACVTAP:
        case BW_LINK_OTHER:
                *ret = BW_ROLE_UPLINK;
                return true;
        }
        g_assert_not_reached();
}
