/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * While a segment is settled a place is a set of borders, one bit for each, in the
 * order of their names. What is owned is listed with its place, sorted, and made
 * one where it is owned at several; each set that is left is a site.
 */

#include <bw/border.h>
#include <bw/border_set.h>
#include <bw/owned.h>
#include <bw/owner.h>

typedef struct Settler {
        BwSegmentPlan *segment;
        BwBorderSets *sets;
        GArray *addresses; /* BwOwnedAddress: the site is the number of a set */
        GArray *macs;      /* BwOwnedMac, likewise */
        GArray *reserved;  /* numbers of sets that are sites, whoever is there */
} Settler;

/* What is owned where */

static void own_address(Settler *settler, const BwPrefix *address, guint set) {
        BwOwnedAddress row = { .prefix = *address, .site = set };

        g_array_append_val(settler->addresses, row);
}

static void own_addresses(Settler *settler, const GArray *addresses, guint set) {
        for (guint i = 0; i < addresses->len; i++)
                own_address(settler, &g_array_index(addresses, BwPrefix, i), set);
}

static void own_mac(Settler *settler, const BwMac *mac, guint set) {
        BwOwnedMac row = { .mac = *mac, .site = set };

        g_array_append_val(settler->macs, row);
}

static void own_port(Settler *settler, const BwPortPlan *port, guint set) {
        own_addresses(settler, port->addresses, set);
        for (guint i = 0; i < port->macs->len; i++) {
                const BwMac *mac = &g_array_index(port->macs, BwMac, i);
                BwPrefix derived = bw_owner_derive_link_local(mac);

                own_mac(settler, mac, set);
                own_address(settler, &derived, set);
        }
}

/* What is inherited is owned last. */
static bool is_owner(const BwPortPlan *port) {
        return bw_port_state_is_guarded(port->state) && port->state != BW_PORT_INHERITED &&
               (port->addresses->len > 0 || port->macs->len > 0);
}

static void own_bridge(Settler *settler, const BwBridgePlan *bridge) {
        static const BwMac none = {};
        guint here = bw_border_sets_at_bridge(settler->sets, bridge);

        own_addresses(settler, bridge->addresses, here);
        if (!bw_mac_equal(&bridge->mac, &none))
                own_mac(settler, &bridge->mac, here);
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];

                if (!is_owner(port) || port->absent)
                        continue;
                own_port(settler, port,
                         port->state == BW_PORT_BORDER
                                 ? bw_border_sets_at_port(settler->sets, bridge, port)
                                 : here);
        }
}

static int compare_addresses(gconstpointer a, gconstpointer b) {
        const BwOwnedAddress *left = a, *right = b;

        return bw_prefix_compare(&left->prefix, &right->prefix);
}

static int compare_macs(gconstpointer a, gconstpointer b) {
        const BwOwnedMac *left = a, *right = b;

        return bw_mac_compare(&left->mac, &right->mac);
}

/* Where it is when it is owned at two places. */
typedef guint (*Join)(BwBorderSets *sets, guint a, guint b);

static void merge_addresses(Settler *settler, Join join) {
        GArray *rows = settler->addresses;
        guint kept = 0;

        g_array_sort(rows, compare_addresses);
        for (guint i = 0; i < rows->len; i++) {
                const BwOwnedAddress row = g_array_index(rows, BwOwnedAddress, i);
                BwOwnedAddress *last =
                        kept > 0 ? &g_array_index(rows, BwOwnedAddress, kept - 1) : NULL;

                if (last && bw_prefix_equal(&last->prefix, &row.prefix))
                        last->site = join(settler->sets, last->site, row.site);
                else
                        g_array_index(rows, BwOwnedAddress, kept++) = row;
        }
        g_array_set_size(rows, kept);
}

static void merge_macs(Settler *settler, Join join) {
        GArray *rows = settler->macs;
        guint kept = 0;

        g_array_sort(rows, compare_macs);
        for (guint i = 0; i < rows->len; i++) {
                const BwOwnedMac row = g_array_index(rows, BwOwnedMac, i);
                BwOwnedMac *last = kept > 0 ? &g_array_index(rows, BwOwnedMac, kept - 1) : NULL;

                if (last && bw_mac_equal(&last->mac, &row.mac))
                        last->site = join(settler->sets, last->site, row.site);
                else
                        g_array_index(rows, BwOwnedMac, kept++) = row;
        }
        g_array_set_size(rows, kept);
}

/* Guests that are not here */

/* A border that is switched off still has behind it what is there. */
static bool is_uplink(const BwPortPlan *port) {
        return port->role == BW_ROLE_UPLINK &&
               (port->state == BW_PORT_BORDER || port->state == BW_PORT_OFF);
}

/* What is behind any uplink of the segment. Behind a closed one is only what is declared there. */
static guint number_outside(Settler *settler) {
        const GPtrArray *bridges = settler->segment->bridges;
        guint outside = 0;

        for (guint i = 0; i < bridges->len; i++) {
                const BwBridgePlan *bridge = bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *port = bridge->ports->pdata[k];

                        if (is_uplink(port) && !port->closed_border && !port->absent)
                                outside = bw_border_sets_unite(
                                        settler->sets, outside,
                                        bw_border_sets_at_port(settler->sets, bridge, port));
                }
        }
        return outside;
}

/* From its start to the news of it a guest is at its port already. */
static void own_absent_port(Settler *settler, const BwBridgePlan *bridge, const BwPortPlan *port,
                            guint outside) {
        own_port(settler, port,
                 bw_border_sets_unite(settler->sets, outside,
                                      bw_border_sets_at_port(settler->sets, bridge, port)));
}

/* Guests come and go often; that must move what they have from one site to another, and make none.
 */
static void reserve(Settler *settler, const BwBridgePlan *bridge, guint outside) {
        guint here = bw_border_sets_at_bridge(settler->sets, bridge);
        guint either = bw_border_sets_unite(settler->sets, outside, here);

        g_array_append_val(settler->reserved, here);
        g_array_append_val(settler->reserved, either);
}

static void list_absent(Settler *settler) {
        const GPtrArray *bridges = settler->segment->bridges;
        guint outside = number_outside(settler);

        for (guint i = 0; i < bridges->len; i++) {
                const BwBridgePlan *bridge = bridges->pdata[i];

                reserve(settler, bridge, outside);

                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *port = bridge->ports->pdata[k];

                        if (port->absent && is_owner(port))
                                own_absent_port(settler, bridge, port, outside);
                }
        }
}

/* What somebody who is here has as well is judged by that. */
static void drop_owned(Settler *weaker, const Settler *here) {
        for (guint i = weaker->addresses->len; i-- > 0;)
                if (bw_owned_has_address(
                            here->addresses,
                            &g_array_index(weaker->addresses, BwOwnedAddress, i).prefix))
                        g_array_remove_index_fast(weaker->addresses, i);
        for (guint i = weaker->macs->len; i-- > 0;)
                if (bw_owned_find_mac(here->macs, &g_array_index(weaker->macs, BwOwnedMac, i).mac))
                        g_array_remove_index_fast(weaker->macs, i);
}

/* Their addresses and MACs are in use elsewhere, on the host they come from or have gone to. */
static void own_absent(Settler *settler) {
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(BwOwnedAddress));
        g_autoptr(GArray) macs = g_array_new(FALSE, FALSE, sizeof(BwOwnedMac));
        Settler absent = *settler;

        absent.addresses = addresses;
        absent.macs = macs;
        list_absent(&absent);
        drop_owned(&absent, settler);
        if (addresses->len == 0 && macs->len == 0)
                return;
        g_array_append_vals(settler->addresses, addresses->data, addresses->len);
        g_array_append_vals(settler->macs, macs->data, macs->len);
        merge_addresses(settler, bw_border_sets_unite);
        merge_macs(settler, bw_border_sets_unite);
}

/* Gateways nobody has */

static int compare_gateways(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static bool has_gateway(const BwBridgePlan *bridge, const BwPrefix *gateway) {
        return g_array_binary_search(bridge->gateways, gateway, compare_gateways, NULL);
}

typedef struct Uplink {
        const BwBridgePlan *bridge;
        guint set; /* the number of what is behind it */
} Uplink;

static bool is_it(const BwPortPlan *border, gconstpointer port) {
        return border == port;
}

/* What is inherited may lead to what nobody has by itself, and opens no other way there. */
static guint number_alone(Settler *settler, const BwPortPlan *port) {
        return bw_border_sets_pick(settler->sets, is_it, port);
}

/* (transfer full) (element-type Uplink) */
static GArray *list_uplinks(Settler *settler) {
        const GPtrArray *bridges = settler->segment->bridges;
        GArray *uplinks = g_array_new(FALSE, FALSE, sizeof(Uplink));

        for (guint i = 0; i < bridges->len; i++) {
                const BwBridgePlan *bridge = bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *port = bridge->ports->pdata[k];
                        Uplink uplink = { .bridge = bridge };

                        if (port->state == BW_PORT_INHERITED && bw_port_plan_is_border(port))
                                uplink.set = number_alone(settler, port);
                        else if (is_uplink(port))
                                uplink.set = bw_border_sets_at_port(settler->sets, bridge, port);
                        else
                                continue;
                        g_array_append_val(uplinks, uplink);
                }
        }
        return uplinks;
}

static void own_gateway(Settler *settler, const BwPrefix *gateway, const GArray *uplinks) {
        bool any = false;

        for (guint i = 0; i < uplinks->len; i++) {
                const Uplink *uplink = &g_array_index(uplinks, Uplink, i);

                if (!has_gateway(uplink->bridge, gateway))
                        continue;
                own_address(settler, gateway, uplink->set);
                any = true;
        }
        for (guint i = 0; !any && i < uplinks->len; i++)
                own_address(settler, gateway, g_array_index(uplinks, Uplink, i).set);
        own_address(settler, gateway, 0);
}

/* What is owned already is judged by that; the rest are listed first and owned then, because a list
 * that grows cannot be searched. */
static void own_gateways(Settler *settler) {
        const GArray *gateways = settler->segment->gateways;
        g_autoptr(GArray) orphans = g_array_new(FALSE, FALSE, sizeof(BwPrefix)), uplinks = NULL;

        for (guint i = 0; i < gateways->len; i++) {
                const BwPrefix *gateway = &g_array_index(gateways, BwPrefix, i);

                if (!bw_owned_find_address(settler->addresses, gateway))
                        g_array_append_val(orphans, *gateway);
        }
        if (orphans->len == 0)
                return;
        uplinks = list_uplinks(settler);
        for (guint i = 0; i < orphans->len; i++)
                own_gateway(settler, &g_array_index(orphans, BwPrefix, i), uplinks);
        merge_addresses(settler, bw_border_sets_unite);
}

/* Ports that are inherited: rules that anybody may have changed say what they have, so an entry of
 * theirs may bar borders and must not open any. It lets pass what would pass without it, and what
 * all entries of its kind agree on that contain it. */

/* The former run had a gateway that nobody had behind each of its uplinks. */
static bool is_gateway(const Settler *settler, const BwPrefix *address) {
        return g_array_binary_search(settler->segment->gateways, address, compare_gateways, NULL);
}

static void own_behind(Settler *settler, const BwPortPlan *border, guint set) {
        for (guint i = 0; i < border->addresses->len; i++) {
                const BwPrefix *address = &g_array_index(border->addresses, BwPrefix, i);

                if (!is_gateway(settler, address))
                        own_address(settler, address, set);
        }
}

typedef void (*ListPort)(Settler *settler, const BwBridgePlan *bridge, const BwPortPlan *port);

static void list_ports(Settler *settler, ListPort list) {
        const GPtrArray *bridges = settler->segment->bridges;

        for (guint i = 0; i < bridges->len; i++) {
                const BwBridgePlan *bridge = bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        list(settler, bridge, bridge->ports->pdata[k]);
        }
}

static void list_border(Settler *settler, const BwBridgePlan *bridge, const BwPortPlan *port) {
        if (port->state == BW_PORT_INHERITED && bw_port_plan_is_border(port))
                own_behind(settler, port, bw_border_sets_at_port(settler->sets, bridge, port));
}

static void list_other(Settler *settler, const BwBridgePlan *bridge, const BwPortPlan *port) {
        if (port->state == BW_PORT_INHERITED && !bw_port_plan_is_border(port))
                own_port(settler, port, bw_border_sets_at_bridge(settler->sets, bridge));
}

static void list_let_in(Settler *settler, const BwBridgePlan *bridge, const BwPortPlan *port) {
        if (port->let_in)
                own_addresses(settler, port->let_in,
                              bw_border_sets_at_port(settler->sets, bridge, port));
}

/* An uplink that is open now is barred from what others have. What the former run had behind it as
 * well it need not be barred from; what was behind nothing else is nobody's now. */
static void unbar_uplinks(Settler *settler) {
        g_autoptr(GArray) let_in = g_array_new(FALSE, FALSE, sizeof(BwOwnedAddress));
        Settler uplinks = *settler;

        uplinks.addresses = let_in;
        list_ports(&uplinks, list_let_in);
        for (guint i = let_in->len; i-- > 0;)
                if (!bw_owned_has_address(settler->addresses,
                                          &g_array_index(let_in, BwOwnedAddress, i).prefix))
                        g_array_remove_index_fast(let_in, i);
        g_array_append_vals(settler->addresses, let_in->data, let_in->len);
        merge_addresses(settler, bw_border_sets_unite);
}

/* One entry of the former run leads to each border it had an address behind, and is read at each.
 * What else two ports say of one address they must agree on. */
static void list_all_inherited(Settler *settler, const Settler *declared) {
        list_ports(settler, list_border);
        merge_addresses(settler, bw_border_sets_unite);
        unbar_uplinks(settler);
        list_ports(settler, list_other);
        drop_owned(settler, declared);
        merge_addresses(settler, bw_border_sets_meet);
        merge_macs(settler, bw_border_sets_meet);
}

/* That an inherited border is closed say the same rules that say what is behind it. */
static bool lets_unowned_pass(const BwPortPlan *border, gconstpointer address) {
        const unsigned link_local = 10; /* the length of fe80::/10 */
        const BwPrefix *prefix = address;

        return !border->closed_border || border->state == BW_PORT_INHERITED ||
               (prefix->length >= link_local && bw_owner_is_link_local(prefix));
}

/* The borders that let @address pass without what is inherited. @declared: the entry it is judged
 * by then, or NULL. */
static guint number_passing(Settler *settler, const BwOwnedAddress *declared,
                            const BwPrefix *address) {
        return declared ? declared->site
                        : bw_border_sets_pick(settler->sets, lets_unowned_pass, address);
}

static bool is_inherited(const BwPortPlan *border, gconstpointer unused G_GNUC_UNUSED) {
        return border->state == BW_PORT_INHERITED;
}

static bool is_behind_inherited(Settler *settler, guint set) {
        guint inherited = bw_border_sets_pick(settler->sets, is_inherited, NULL);

        return bw_border_sets_meet(settler->sets, set, inherited) != 0;
}

/* What is behind two borders the former run has said in one tree, where the most exact entry is the
 * one that counts. */
static bool must_agree(Settler *settler, const BwOwnedAddress *row, const BwOwnedAddress *outer) {
        return outer && !(is_behind_inherited(settler, row->site) &&
                          is_behind_inherited(settler, outer->site));
}

static void own_inherited_address(Settler *settler, BwOwnedAddress row, GArray *tightened) {
        const BwOwnedAddress *declared = bw_owned_find_address(settler->addresses, &row.prefix);
        const BwOwnedAddress *outer = bw_owned_find_address(tightened, &row.prefix);
        bool agrees = must_agree(settler, &row, outer);

        row.site = bw_border_sets_meet(settler->sets, row.site,
                                       number_passing(settler, declared, &row.prefix));
        if (agrees)
                row.site = bw_border_sets_meet(settler->sets, row.site, outer->site);
        row.inherited = true;
        g_array_append_val(tightened, row);
}

/* Takes each of @addresses out of what is owned, in their stead. */
static void replace_addresses(Settler *settler, GArray *addresses) {
        GArray *rows = settler->addresses;
        guint kept = 0;

        for (guint i = 0; i < rows->len; i++) {
                const BwOwnedAddress row = g_array_index(rows, BwOwnedAddress, i);

                if (!bw_owned_has_address(addresses, &row.prefix))
                        g_array_index(rows, BwOwnedAddress, kept++) = row;
        }
        g_array_set_size(rows, kept);
        g_array_append_vals(rows, addresses->data, addresses->len);
        g_array_sort(rows, compare_addresses);
}

/* Behind everything that is declared, so that all of that can be asked. What is there already is a
 * gateway that nobody is known to have: it is this port's. */
static void own_inherited(Settler *settler, const Settler *inherited) {
        g_autoptr(GArray) tightened = g_array_new(FALSE, FALSE, sizeof(BwOwnedAddress));

        for (guint i = 0; i < inherited->addresses->len; i++)
                own_inherited_address(
                        settler, g_array_index(inherited->addresses, BwOwnedAddress, i), tightened);
        replace_addresses(settler, tightened);
        for (guint i = 0; i < inherited->macs->len; i++)
                g_array_index(inherited->macs, BwOwnedMac, i).inherited = true;
        g_array_append_vals(settler->macs, inherited->macs->data, inherited->macs->len);
        merge_macs(settler, bw_border_sets_unite);
}

/* Whatever else has an owner is compared with before the gateways are owned that have none: these
 * yield to a port that is inherited. */
static void own_rest(Settler *settler) {
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(BwOwnedAddress));
        g_autoptr(GArray) macs = g_array_new(FALSE, FALSE, sizeof(BwOwnedMac));
        Settler inherited = *settler;

        inherited.addresses = addresses;
        inherited.macs = macs;
        list_all_inherited(&inherited, settler);
        own_gateways(settler);
        if (addresses->len > 0 || macs->len > 0)
                own_inherited(settler, &inherited);
}

/* Sets become sites */

typedef struct Candidate {
        BwSitePlan *site;
        guint set;
} Candidate;

static int compare_candidates(gconstpointer a, gconstpointer b) {
        const GPtrArray *left = ((const Candidate *) a)->site->leads;
        const GPtrArray *right = ((const Candidate *) b)->site->leads;

        for (guint i = 0; i < left->len && i < right->len; i++) {
                int order = bw_border_compare(&left->pdata[i], &right->pdata[i]);

                if (order != 0)
                        return order;
        }
        return (left->len > right->len) - (left->len < right->len);
}

static bool *list_used(const Settler *settler) {
        bool *used = g_new0(bool, bw_border_sets_count(settler->sets));

        used[0] = true;
        for (guint i = 0; i < settler->reserved->len; i++)
                used[g_array_index(settler->reserved, guint, i)] = true;
        for (guint i = 0; i < settler->addresses->len; i++)
                used[g_array_index(settler->addresses, BwOwnedAddress, i).site] = true;
        for (guint i = 0; i < settler->macs->len; i++)
                used[g_array_index(settler->macs, BwOwnedMac, i).site] = true;
        return used;
}

static void renumber(Settler *settler, const guint *site_of) {
        for (guint i = 0; i < settler->addresses->len; i++) {
                BwOwnedAddress *row = &g_array_index(settler->addresses, BwOwnedAddress, i);

                row->site = site_of[row->site];
        }
        for (guint i = 0; i < settler->macs->len; i++) {
                BwOwnedMac *row = &g_array_index(settler->macs, BwOwnedMac, i);

                row->site = site_of[row->site];
        }
}

/* The empty set stands first by its nature. */
static void make_sites(Settler *settler) {
        g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
        g_autofree bool *used = list_used(settler);
        g_autofree guint *site_of = g_new0(guint, bw_border_sets_count(settler->sets));

        for (guint i = 0; i < bw_border_sets_count(settler->sets); i++) {
                Candidate candidate = { .set = i };

                if (!used[i])
                        continue;
                candidate.site = g_new0(BwSitePlan, 1);
                candidate.site->leads = bw_border_sets_list(settler->sets, i);
                g_array_append_val(candidates, candidate);
        }
        g_array_sort(candidates, compare_candidates);
        for (guint i = 0; i < candidates->len; i++) {
                const Candidate *candidate = &g_array_index(candidates, Candidate, i);

                site_of[candidate->set] = i;
                g_ptr_array_add(settler->segment->sites, candidate->site);
        }
        renumber(settler, site_of);
}

/* A segment */

static void free_site(gpointer pointer) {
        BwSitePlan *site = pointer;

        g_ptr_array_unref(site->leads);
        g_free(site);
}

BwSegmentPlan *bw_segment_plan_new(void) {
        BwSegmentPlan *segment = g_new0(BwSegmentPlan, 1);

        segment->bridges = g_ptr_array_new();
        segment->sites = g_ptr_array_new_with_free_func(free_site);
        segment->addresses = g_array_new(FALSE, FALSE, sizeof(BwOwnedAddress));
        segment->macs = g_array_new(FALSE, FALSE, sizeof(BwOwnedMac));
        segment->gateways = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        return segment;
}

void bw_segment_plan_free(BwSegmentPlan *segment) {
        if (!segment)
                return;
        g_ptr_array_unref(segment->bridges);
        g_ptr_array_unref(segment->sites);
        g_array_unref(segment->addresses);
        g_array_unref(segment->macs);
        g_array_unref(segment->gateways);
        g_free(segment);
}

static void free_segment(gpointer segment) {
        bw_segment_plan_free(segment);
}

void bw_border_gather(BwPlan *plan, const BwTopology *topology) {
        g_autoptr(GHashTable) by_number = g_hash_table_new(NULL, NULL); /* -> place, from 1 */

        g_ptr_array_unref(plan->segments);
        plan->segments = g_ptr_array_new_with_free_func(free_segment);
        for (guint i = 0; i < plan->bridges->len; i++) {
                BwBridgePlan *bridge = plan->bridges->pdata[i];
                gpointer number = GINT_TO_POINTER(bw_topology_segment(topology, bridge->ifindex));
                guint at = GPOINTER_TO_UINT(g_hash_table_lookup(by_number, number));
                BwSegmentPlan *segment;

                if (at == 0) {
                        g_ptr_array_add(plan->segments, bw_segment_plan_new());
                        at = plan->segments->len;
                        g_hash_table_insert(by_number, number, GUINT_TO_POINTER(at));
                }
                bridge->segment = at - 1;
                segment = plan->segments->pdata[bridge->segment];
                g_ptr_array_add(segment->bridges, bridge);
        }
}

static int compare_prefixes(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static void gather_gateways(BwSegmentPlan *segment) {
        GArray *all = segment->gateways;
        guint kept = 0;

        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                g_array_append_vals(all, bridge->gateways->data, bridge->gateways->len);
        }
        g_array_sort(all, compare_prefixes);
        for (guint i = 0; i < all->len; i++) {
                BwPrefix gateway = g_array_index(all, BwPrefix, i);

                if (kept == 0 ||
                    !bw_prefix_equal(&g_array_index(all, BwPrefix, kept - 1), &gateway))
                        g_array_index(all, BwPrefix, kept++) = gateway;
        }
        g_array_set_size(all, kept);
}

static GPtrArray *list_borders(const BwSegmentPlan *segment) {
        GPtrArray *borders = g_ptr_array_new();

        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        BwPortPlan *port = bridge->ports->pdata[k];

                        if (bw_port_plan_is_border(port))
                                g_ptr_array_add(borders, port);
                }
        }
        g_ptr_array_sort(borders, bw_border_compare);
        return borders;
}

static void settle_segment(BwSegmentPlan *segment, const BwTopology *topology) {
        g_autoptr(GPtrArray) borders = list_borders(segment);
        g_autoptr(GArray) reserved = g_array_new(FALSE, FALSE, sizeof(guint));
        g_autoptr(BwBorderSets) sets = bw_border_sets_new(borders, topology);
        Settler settler = { .segment = segment,
                            .sets = sets,
                            .addresses = segment->addresses,
                            .macs = segment->macs,
                            .reserved = reserved };

        if (borders->len == 0)
                return;
        for (guint i = 0; i < segment->bridges->len; i++)
                own_bridge(&settler, segment->bridges->pdata[i]);
        merge_addresses(&settler, bw_border_sets_unite);
        merge_macs(&settler, bw_border_sets_unite);
        own_absent(&settler);
        own_rest(&settler);
        make_sites(&settler);
}

static void forget_settled(BwSegmentPlan *segment) {
        g_ptr_array_set_size(segment->sites, 0);
        g_array_set_size(segment->addresses, 0);
        g_array_set_size(segment->macs, 0);
        g_array_set_size(segment->gateways, 0);
}

void bw_border_settle(BwPlan *plan, const BwTopology *topology) {
        for (guint i = 0; i < plan->segments->len; i++) {
                forget_settled(plan->segments->pdata[i]);
                gather_gateways(plan->segments->pdata[i]);
                settle_segment(plan->segments->pdata[i], topology);
        }
}

/* Asking */

const BwOwnedAddress *bw_border_find_address(const BwSegmentPlan *segment,
                                             const BwPrefix *address) {
        return bw_owned_find_address(segment->addresses, address);
}

const BwOwnedMac *bw_border_find_mac(const BwSegmentPlan *segment, const BwMac *mac) {
        return bw_owned_find_mac(segment->macs, mac);
}

bool bw_border_leads_to(const BwSegmentPlan *segment, guint site, const BwPortPlan *port) {
        const GPtrArray *leads = ((const BwSitePlan *) segment->sites->pdata[site])->leads;
        guint at = bw_border_place(leads, port);

        return at < leads->len && leads->pdata[at] == port;
}
