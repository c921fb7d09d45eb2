/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Chains that are taken over are those that would have been written
 *
 * One plan after the other, each a small change from the one before, is compiled
 * by a compiler that remembers and by one that does not. Plans are made by hand,
 * so that every member that chains are made from changes alone; then by the real
 * rooms, from worlds in which ports come, go, move and are blocked.
 */

#include "random.h"
#include "settings.h"

#include <bw/border.h>
#include <bw/ipt_compile.h>
#include <bw/ipt_view.h>
#include <bw/owner.h>
#include <string.h>

#define ROUNDS 120
#define STEPS  100

typedef enum Change {
        CHANGE_NOTHING,
        CHANGE_PORT_COMES,
        CHANGE_PORT_GOES,
        CHANGE_PORT_MOVES,
        CHANGE_NAME,
        CHANGE_STATE,
        CHANGE_ROLE,
        CHANGE_MODE,
        CHANGE_ROUTER,
        CHANGE_STRICT_LINK_LOCAL,
        CHANGE_CLOSED_BORDER,
        CHANGE_MAC,
        CHANGE_ADDRESS,
        CHANGE_MAC_HANDED_ON, /* to the next port of the bridge */
        CHANGE_ADDRESS_HANDED_ON,
        CHANGE_BRIDGE_ADDRESS,
        CHANGE_GATEWAY,
        CHANGE_NETWORK,
        CHANGE_UNKNOWN_PORTS,
        CHANGE_LOG_RATE,
        CHANGE_OWNED,
        CHANGE_CROWD, /* one of many that are owned in all segments, or on a bridge */
        CHANGE_KNOWN, /* all that ports own is owned in the segment, or no more */
        CHANGE_SITES,
        CHANGE_SEGMENT, /* a bridge joins another or leaves it */
        CHANGE_BRIDGE_COMES,
        CHANGE_BRIDGE_GOES,
} Change;

#define CHANGE_MAX (CHANGE_BRIDGE_GOES + 1)

/* What is compared after each step. */
typedef struct Pair {
        BwIptCompiler *compilers[BW_IPT_TABLE_MAX];
        GPtrArray *chains[BW_IPT_TABLE_MAX]; /* of the last step; NULL: none yet */
} Pair;

static void pair_begin(Pair *pair) {
        *pair = (Pair){};
        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                pair->compilers[table] = bw_ipt_compiler_new(table);
}

static void pair_end(Pair *pair) {
        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++) {
                bw_ipt_compiler_free(pair->compilers[table]);
                g_clear_pointer(&pair->chains[table], g_ptr_array_unref);
        }
}

static bool same_chain(const BwIptChain *a, const BwIptChain *b) {
        return bw_ipt_chain_equal(a, b) && g_str_equal(a->bridge, b->bridge) &&
               g_str_equal(a->port, b->port);
}

static void check_same(const GPtrArray *reused, const GPtrArray *fresh) {
        g_assert_cmpuint(reused->len, ==, fresh->len);
        for (guint i = 0; i < fresh->len; i++) {
                const BwIptChain *a = reused->pdata[i], *b = fresh->pdata[i];

                g_assert_cmpstr(a->name, ==, b->name);
                g_assert_true(same_chain(a, b));
        }
}

/* What a bridge that is taken over asks of its segment is written, too. */
static void check_hops(const GPtrArray *chains) {
        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                for (guint k = 0; k < chain->rules->len; k++) {
                        const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, k);

                        if (rule->target == BW_IPT_GOTO)
                                g_assert_nonnull(bw_ipt_find_chain(chains, rule->chain));
                }
        }
}

/* What was so before is the object it was. */
static void check_shared(const GPtrArray *now, const GPtrArray *before) {
        bool all = now->len == before->len;

        for (guint i = 0; i < now->len; i++) {
                const BwIptChain *chain = now->pdata[i];
                const BwIptChain *former = bw_ipt_find_chain(before, chain->name);
                bool same = former && same_chain(chain, former);

                g_assert_true(same == (chain == former));
                all = all && same;
        }
        g_assert_true(all == (now == before));
}

/* Whether anything is other than before, in any table. */
static bool check_step(Pair *pair, const BwPlan *plan) {
        bool changed = false;

        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++) {
                GPtrArray *reused = bw_ipt_compiler_run(pair->compilers[table], plan);
                g_autoptr(GPtrArray) fresh = bw_ipt_compile(plan, table);

                check_same(reused, fresh);
                check_hops(reused);
                if (pair->chains[table])
                        check_shared(reused, pair->chains[table]);
                changed |= reused != pair->chains[table];
                g_clear_pointer(&pair->chains[table], g_ptr_array_unref);
                pair->chains[table] = reused;
        }
        return changed;
}

/* Plans made by hand */

typedef struct Case {
        BwPlan plan;
        unsigned next_name; /* no two ports, no two bridges have one name */
        guint salt;         /* which sites there are */
        GArray *owned;      /* BwPrefix: in every segment that has sites */
        bool known;         /* and there, all that its ports own */
} Case;

static void free_port(gpointer pointer) {
        BwPortPlan *port = pointer;

        g_array_unref(port->macs);
        g_array_unref(port->addresses);
        g_free(port);
}

static void free_bridge(gpointer pointer) {
        BwBridgePlan *bridge = pointer;

        g_array_unref(bridge->networks);
        g_array_unref(bridge->addresses);
        g_array_unref(bridge->gateways);
        g_ptr_array_unref(bridge->ports);
        g_free(bridge);
}

static BwMac random_mac(void) {
        return (BwMac){ { 0x02, 0, 0, 0, 0, (uint8_t) bw_test_below(6) } };
}

/* Link-local ones are often those that MACs make. */
static BwPrefix random_address(void) {
        static const char *const texts[] = { "10.0.0.0/24", "10.0.0.1", "10.0.0.2",    "10.0.0.200",
                                             "10.1.0.0/16", "fd00::1",  "2001:db8::7", "fd00::/64",
                                             "fe80::77",    "fe80::/64" };
        BwMac mac = random_mac();

        if (bw_test_once_in(3))
                return bw_owner_derive_link_local(&mac);
        return bw_test_prefix(texts[bw_test_below(G_N_ELEMENTS(texts))]);
}

/* One of so many that trees over them have nodes, near enough to each other to share them. */
static BwPrefix crowd_address(void) {
        const uint8_t low = (uint8_t) bw_test_below(256), high = (uint8_t) bw_test_below(3);
        BwMac mac = { { 0x02, 0, 0, 0, high, low } };
        BwPrefix address = bw_test_prefix(bw_test_once_in(2) ? "10.0.0.0" : "fd00::");

        if (bw_test_once_in(3))
                return bw_owner_derive_link_local(&mac);
        address.bytes[address.length / 8 - 2] = high;
        address.bytes[address.length / 8 - 1] = low;
        return address;
}

static int by_prefix(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static int by_mac(gconstpointer a, gconstpointer b) {
        return memcmp(a, b, sizeof(BwMac));
}

/* One comes, or one goes, or becomes another. */
static void change_prefixes(GArray *prefixes, BwPrefix other) {
        guint at = bw_test_below(prefixes->len + 1);

        if (at < prefixes->len && bw_test_once_in(2))
                g_array_remove_index(prefixes, at);
        else if (at < prefixes->len)
                g_array_index(prefixes, BwPrefix, at) = other;
        else
                g_array_append_val(prefixes, other);
        g_array_sort(prefixes, by_prefix);
}

static void change_macs(GArray *macs) {
        guint at = bw_test_below(macs->len + 1);
        BwMac other = random_mac();

        if (at < macs->len && bw_test_once_in(2))
                g_array_remove_index(macs, at);
        else if (at < macs->len)
                g_array_index(macs, BwMac, at) = other;
        else
                g_array_append_val(macs, other);
        g_array_sort(macs, by_mac);
}

/* The last of one becomes the other's. */
static void hand_on(GArray *from, GArray *to, gsize size, GCompareFunc order) {
        if (from->len == 0 || from == to)
                return;
        g_array_append_vals(to, from->data + (from->len - 1) * size, 1);
        g_array_set_size(from, from->len - 1);
        g_array_sort(to, order);
}

static int by_port_name(gconstpointer a, gconstpointer b) {
        const BwPortPlan *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

static int by_bridge_name(gconstpointer a, gconstpointer b) {
        const BwBridgePlan *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

static void name_port(Case *the, BwPortPlan *port) {
        static const char *const heads[] = { "vnet", "v", "veth+", "up" };

        g_snprintf(port->name, sizeof(port->name), "%s%u",
                   heads[bw_test_below(G_N_ELEMENTS(heads))], the->next_name++);
}

static void set_state(BwPortPlan *port) {
        static const BwPortState likely[] = { BW_PORT_BOUND, BW_PORT_BOUND, BW_PORT_BOUND,
                                              BW_PORT_ANY_ADDRESS, BW_PORT_BORDER };

        port->state = bw_test_once_in(3) ? (BwPortState) bw_test_below(BW_PORT_STRANGER + 1)
                                         : likely[bw_test_below(G_N_ELEMENTS(likely))];
        if (port->state == BW_PORT_BORDER)
                port->role = bw_test_once_in(2) ? BW_ROLE_LINK : BW_ROLE_UPLINK;
}

static void set_role(BwPortPlan *port) {
        port->role = (BwRole) bw_test_below(BW_ROLE_UPLINK + 1);
        if (port->state == BW_PORT_BORDER && !bw_role_is_border(port->role))
                port->role = BW_ROLE_UPLINK;
}

static void add_port(Case *the, BwBridgePlan *bridge) {
        BwPortPlan *port = g_new0(BwPortPlan, 1);

        name_port(the, port);
        port->mode = bw_test_once_in(3) ? BW_MODE_MONITOR : BW_MODE_ENFORCE;
        port->router = bw_test_once_in(4);
        port->strict_link_local = bw_test_once_in(4);
        port->closed_border = bw_test_once_in(4);
        port->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        port->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        set_role(port);
        set_state(port);
        change_macs(port->macs);
        for (unsigned i = bw_test_below(4); i-- > 0;)
                change_prefixes(port->addresses, random_address());
        g_ptr_array_add(bridge->ports, port);
        g_ptr_array_sort(bridge->ports, by_port_name);
}

static void add_bridge(Case *the) {
        BwBridgePlan *bridge = g_new0(BwBridgePlan, 1);

        g_snprintf(bridge->name, sizeof(bridge->name), "%s%u", bw_test_once_in(2) ? "br" : "virbr",
                   the->next_name++);
        bridge->segment = bw_test_below(2);
        bridge->networks = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->gateways = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->ports = g_ptr_array_new_with_free_func(free_port);
        for (unsigned i = bw_test_below(5); i-- > 0;)
                add_port(the, bridge);
        g_ptr_array_add(the->plan.bridges, bridge);
        g_ptr_array_sort(the->plan.bridges, by_bridge_name);
}

static void add_crowd(GArray *prefixes) {
        for (unsigned i = bw_test_below(120); i-- > 0;) {
                BwPrefix address = crowd_address();

                g_array_append_val(prefixes, address);
        }
        g_array_sort(prefixes, by_prefix);
}

static void change_crowd(GArray *prefixes) {
        BwPrefix other = crowd_address();

        if (prefixes->len > 0 && bw_test_once_in(2))
                g_array_remove_index(prefixes, bw_test_below(prefixes->len));
        else
                g_array_append_val(prefixes, other);
        g_array_sort(prefixes, by_prefix);
}

/* What follows from the rest */

static bool has_prefix(const GArray *addresses, const BwPrefix *prefix) {
        for (guint i = 0; i < addresses->len; i++)
                if (bw_prefix_equal(&g_array_index(addresses, BwOwnedAddress, i).prefix, prefix))
                        return true;
        return false;
}

static void add_owned(const Case *the, BwSegmentPlan *segment, BwPrefix prefix) {
        BwOwnedAddress entry = { .prefix = prefix };

        if (has_prefix(segment->addresses, &prefix))
                return;
        entry.site = (prefix.bytes[0] + prefix.bytes[3] + prefix.bytes[15] + the->salt) %
                     segment->sites->len;
        g_array_append_val(segment->addresses, entry);
}

static void add_all_owned(const Case *the, BwSegmentPlan *segment, const GArray *prefixes) {
        for (guint i = 0; i < prefixes->len; i++)
                add_owned(the, segment, g_array_index(prefixes, BwPrefix, i));
}

static void add_known(const Case *the, BwSegmentPlan *segment, const BwPortPlan *port) {
        add_all_owned(the, segment, port->addresses);
        for (guint i = 0; i < port->macs->len; i++)
                add_owned(the, segment,
                          bw_owner_derive_link_local(&g_array_index(port->macs, BwMac, i)));
}

static bool same_leads(const BwSitePlan *a, const GPtrArray *leads) {
        return a->leads->len == leads->len &&
               (leads->len == 0 ||
                memcmp(a->leads->pdata, leads->pdata, leads->len * sizeof(gpointer)) == 0);
}

/* Takes @leads. */
static void add_site(BwSegmentPlan *segment, GPtrArray *leads) {
        BwSitePlan *site;

        for (guint i = 0; i < segment->sites->len; i++)
                if (same_leads(segment->sites->pdata[i], leads)) {
                        g_ptr_array_unref(leads);
                        return;
                }
        site = g_new0(BwSitePlan, 1);
        site->leads = leads;
        g_ptr_array_add(segment->sites, site);
}

static GPtrArray *list_borders(const BwSegmentPlan *segment) {
        GPtrArray *borders = g_ptr_array_new();

        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        if (bw_port_plan_is_border(bridge->ports->pdata[k]))
                                g_ptr_array_add(borders, bridge->ports->pdata[k]);
        }
        g_ptr_array_sort(borders, by_port_name);
        return borders;
}

static void find_sites(const Case *the, BwSegmentPlan *segment) {
        g_autoptr(GPtrArray) borders = list_borders(segment);

        for (guint site = 0; site < 4 && borders->len > 0; site++) {
                GPtrArray *leads = g_ptr_array_new();

                for (guint i = 0; i < borders->len; i++) {
                        BwPortPlan *port = borders->pdata[i];

                        if (site > 0 && (g_str_hash(port->name) ^ the->salt * 7) >> site & 1)
                                g_ptr_array_add(leads, port);
                }
                add_site(segment, leads);
        }
}

static void find_owned(const Case *the, BwSegmentPlan *segment) {
        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                add_all_owned(the, segment, bridge->addresses);
                for (guint k = 0; k < bridge->ports->len; k++)
                        add_known(the, segment, bridge->ports->pdata[k]);
        }
        add_all_owned(the, segment, segment->gateways);
}

static void find_gateways(BwSegmentPlan *segment) {
        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                g_array_append_vals(segment->gateways, bridge->gateways->data,
                                    bridge->gateways->len);
        }
        g_array_sort(segment->gateways, by_prefix);
}

static BwSegmentPlan *make_segment(const Case *the, guint number) {
        BwSegmentPlan *segment = bw_segment_plan_new();

        for (guint i = 0; i < the->plan.bridges->len; i++)
                if (((BwBridgePlan *) the->plan.bridges->pdata[i])->segment == number)
                        g_ptr_array_add(segment->bridges, the->plan.bridges->pdata[i]);
        find_gateways(segment);
        find_sites(the, segment);
        if (segment->sites->len == 0)
                return segment;
        add_all_owned(the, segment, the->owned);
        if (the->known)
                find_owned(the, segment);
        g_array_sort(segment->addresses, by_prefix);
        return segment;
}

static void find_segments(Case *the) {
        g_ptr_array_set_size(the->plan.segments, 0);
        for (guint i = 0; i < 3; i++) {
                BwSegmentPlan *segment = make_segment(the, i);

                if (segment->bridges->len > 0)
                        g_ptr_array_add(the->plan.segments, segment);
                else
                        bw_segment_plan_free(segment);
        }
}

static BwBridgePlan *pick_bridge(Case *the) {
        if (the->plan.bridges->len == 0)
                add_bridge(the);
        return the->plan.bridges->pdata[bw_test_below(the->plan.bridges->len)];
}

static void case_begin(Case *the) {
        *the = (Case){ .plan.log_rate = 10 };
        the->plan.bridges = g_ptr_array_new_with_free_func(free_bridge);
        the->plan.segments = g_ptr_array_new_with_free_func((GDestroyNotify) bw_segment_plan_free);
        the->owned = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        for (unsigned i = 1 + bw_test_below(4); i-- > 0;)
                add_bridge(the);
        add_crowd(the->owned);
        add_crowd(pick_bridge(the)->addresses);
        the->known = bw_test_once_in(2);
        find_segments(the);
}

static void case_end(Case *the) {
        g_array_unref(the->owned);
        g_ptr_array_unref(the->plan.segments);
        g_ptr_array_unref(the->plan.bridges);
}

/* Changes */

static BwPortPlan *pick_port(Case *the, BwBridgePlan *bridge) {
        if (bridge->ports->len == 0)
                add_port(the, bridge);
        return bridge->ports->pdata[bw_test_below(bridge->ports->len)];
}

static void move_port(Case *the, BwBridgePlan *bridge, guint at) {
        BwBridgePlan *other = pick_bridge(the);

        g_ptr_array_add(other->ports, g_ptr_array_steal_index(bridge->ports, at));
        g_ptr_array_sort(other->ports, by_port_name);
        g_ptr_array_sort(bridge->ports, by_port_name);
}

static void hand_on_from(const BwBridgePlan *bridge, guint at, Change change) {
        BwPortPlan *port = bridge->ports->pdata[at];
        BwPortPlan *next = bridge->ports->pdata[(at + 1) % bridge->ports->len];

        if (change == CHANGE_MAC_HANDED_ON)
                hand_on(port->macs, next->macs, sizeof(BwMac), by_mac);
        else
                hand_on(port->addresses, next->addresses, sizeof(BwPrefix), by_prefix);
}

static void change_port(Case *the, BwBridgePlan *bridge, BwPortPlan *port, Change change) {
        guint at;

        g_assert_true(g_ptr_array_find(bridge->ports, port, &at));
        if (change == CHANGE_PORT_GOES) {
                g_ptr_array_remove_index(bridge->ports, at);
        } else if (change == CHANGE_PORT_MOVES) {
                move_port(the, bridge, at);
        } else if (change == CHANGE_NAME) {
                name_port(the, port);
                g_ptr_array_sort(bridge->ports, by_port_name);
        } else if (change == CHANGE_STATE) {
                set_state(port);
        } else if (change == CHANGE_ROLE) {
                set_role(port);
        } else if (change == CHANGE_MODE) {
                port->mode = port->mode == BW_MODE_ENFORCE ? BW_MODE_MONITOR : BW_MODE_ENFORCE;
        } else if (change == CHANGE_ROUTER) {
                port->router = !port->router;
        } else if (change == CHANGE_STRICT_LINK_LOCAL) {
                port->strict_link_local = !port->strict_link_local;
        } else if (change == CHANGE_CLOSED_BORDER) {
                port->closed_border = !port->closed_border;
        } else if (change == CHANGE_MAC) {
                change_macs(port->macs);
        } else if (change == CHANGE_ADDRESS) {
                change_prefixes(port->addresses, random_address());
        } else {
                hand_on_from(bridge, at, change);
        }
}

static void change_bridge(Case *the, BwBridgePlan *bridge, Change change) {
        if (change == CHANGE_BRIDGE_ADDRESS)
                change_prefixes(bridge->addresses, random_address());
        else if (change == CHANGE_GATEWAY)
                change_prefixes(bridge->gateways, random_address());
        else if (change == CHANGE_NETWORK)
                change_prefixes(bridge->networks, random_address());
        else if (change == CHANGE_UNKNOWN_PORTS)
                bridge->unknown_ports = (BwUnknownPorts) bw_test_below(3);
        else if (change == CHANGE_SEGMENT)
                bridge->segment = bw_test_below(3);
        else if (change == CHANGE_PORT_COMES)
                add_port(the, bridge);
        else if (change == CHANGE_BRIDGE_GOES)
                g_ptr_array_remove(the->plan.bridges, bridge);
        else
                change_port(the, bridge, pick_port(the, bridge), change);
}

static void apply(Case *the, Change change) {
        if (change == CHANGE_LOG_RATE)
                the->plan.log_rate = 1 + bw_test_below(20);
        else if (change == CHANGE_OWNED)
                change_prefixes(the->owned, random_address());
        else if (change == CHANGE_CROWD)
                change_crowd(bw_test_once_in(2) ? the->owned : pick_bridge(the)->addresses);
        else if (change == CHANGE_KNOWN)
                the->known = !the->known;
        else if (change == CHANGE_SITES)
                the->salt++;
        else if (change == CHANGE_BRIDGE_COMES)
                add_bridge(the);
        else if (change != CHANGE_NOTHING)
                change_bridge(the, pick_bridge(the), change);
        find_segments(the);
}

/* A change that changes no chain would prove nothing. */
static void test_changes(void) {
        unsigned effective[CHANGE_MAX] = {};

        for (unsigned round = 0; round < ROUNDS; round++) {
                Case the;
                Pair pair;

                case_begin(&the);
                pair_begin(&pair);
                check_step(&pair, &the.plan);
                for (unsigned step = 0; step < STEPS; step++) {
                        Change change = (Change) bw_test_below(CHANGE_MAX);

                        apply(&the, change);
                        effective[change] += check_step(&pair, &the.plan);
                }
                pair_end(&pair);
                case_end(&the);
        }
        g_assert_cmpuint(effective[CHANGE_NOTHING], ==, 0);
        for (Change change = CHANGE_NOTHING + 1; change < CHANGE_MAX; change++) {
                g_test_message("change %u: %u times", change, effective[change]);
                g_assert_cmpuint(effective[change], >, 25);
        }
}

/* The plan may go when it is compiled, and others may come where it was. */
static void test_plan_is_not_kept(void) {
        Case first, second;
        Pair pair;

        case_begin(&first);
        add_port(&first, pick_bridge(&first));
        find_segments(&first);
        pair_begin(&pair);
        check_step(&pair, &first.plan);
        case_end(&first);
        for (unsigned i = 0; i < 20; i++) {
                case_begin(&second);
                check_step(&pair, &second.plan);
                case_end(&second);
        }
        pair_end(&pair);
}

/* Of a plan that has not changed, each bridge is seen as it was, and as no other is. */
static void check_views(const BwSegmentPlan *segment) {
        g_autoptr(GPtrArray) copies =
                g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_view_free);
        g_autoptr(BwIptView) first = bw_ipt_view_new(segment, 10, false);
        g_autoptr(BwIptView) again = bw_ipt_view_new(segment, 10, false);

        for (guint i = 0; i < segment->bridges->len; i++) {
                bw_ipt_view_turn_to(first, segment->bridges->pdata[i]);
                g_ptr_array_add(copies, bw_ipt_view_copy(first));
        }
        for (guint i = 0; i < segment->bridges->len; i++) {
                bw_ipt_view_turn_to(again, segment->bridges->pdata[i]);
                for (guint k = 0; k < copies->len; k++)
                        g_assert_true(bw_ipt_view_equal(copies->pdata[k], again) == (i == k));
        }
}

static void test_views(void) {
        for (unsigned round = 0; round < ROUNDS; round++) {
                Case the;

                case_begin(&the);
                for (guint i = 0; i < the.plan.segments->len; i++)
                        check_views(the.plan.segments->pdata[i]);
                case_end(&the);
        }
}

/* Plans of the real rooms */

static void change_link(BwTestWorld *world, BwLink *link) {
        const unsigned bridges = 3;

        switch (bw_test_below(5)) {
        case 0:
                link->running = !link->running;
                return;
        case 1:
                link->master = (int) bw_test_below(bridges + 1);
                return;
        case 2:
                link->mac.octet[5] ^= 1;
                return;
        case 3:
                link->stp_state =
                        link->stp_state == BW_STP_FORWARDING ? BW_STP_BLOCKING : BW_STP_FORWARDING;
                return;
        default:
                g_array_remove_index(world->links,
                                     (guint) (link - (BwLink *) (void *) world->links->data));
        }
}

static void change_world(BwTestWorld *world) {
        guint at = bw_test_below(world->links->len);
        BwLink *link = &g_array_index(world->links, BwLink, at);

        if (world->guests->len && bw_test_once_in(4)) {
                BwGuest *guest = world->guests->pdata[bw_test_below(world->guests->len)];

                guest->active = !guest->active;
        } else if (link->kind != BW_LINK_BRIDGE) {
                change_link(world, link);
        }
}

static bool may_inherit(const char *port, BwInheritedPort *ret, gconstpointer user) {
        guint hash = g_str_hash(port) ^ GPOINTER_TO_UINT(user);

        ret->is_border = hash & 4;
        return hash & 1;
}

static BwPlan *plan_world(const BwTestWorld *world, const BwConfig *config, guint inherited) {
        g_autoptr(BwModel) model = bw_test_model(world);
        BwPlan *plan = bw_plan_new(model, config);

        if (inherited)
                bw_plan_keep_inherited(plan, model, may_inherit, GUINT_TO_POINTER(inherited));
        return plan;
}

static void test_worlds(void) {
        unsigned changed = 0, same = 0;

        for (unsigned round = 0; round < ROUNDS / 2; round++) {
                g_autoptr(BwTestWorld) world = bw_test_random_world(16);
                g_autoptr(BwTestSettings) settings = bw_test_random_settings(world);
                g_autoptr(BwConfig) config = bw_test_config(settings);
                Pair pair;

                pair_begin(&pair);
                for (unsigned step = 0; step < 20; step++) {
                        guint inherited = bw_test_once_in(4) ? 1 + bw_test_below(16) : 0;
                        g_autoptr(BwPlan) plan = plan_world(world, config, inherited);
                        bool differs = check_step(&pair, plan);

                        changed += differs;
                        same += !differs;
                        change_world(world);
                }
                pair_end(&pair);
        }
        g_assert_cmpuint(changed, >, 200);
        g_assert_cmpuint(same, >, 50);
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/ipt_reuse/changes", test_changes);
        g_test_add_func("/ipt_reuse/plan-is-not-kept", test_plan_is_not_kept);
        g_test_add_func("/ipt_reuse/views", test_views);
        g_test_add_func("/ipt_reuse/worlds", test_worlds);
        return g_test_run();
}
