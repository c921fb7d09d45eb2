/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Every port is planned as the oracle says, and by nothing else
 *
 * Whose port it is, which sections speak of it, what conflicts leave of its
 * addresses; and one damaged section closes the port it speaks of, no other.
 */

#include "oracle.h"
#include "plan_text.h"
#include "random.h"
#include "settings.h"

#include <bw/border.h>
#include <bw/owner.h>
#include <string.h>

#define ROUNDS 2500

static int compare_prefixes(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static int compare_macs(gconstpointer a, gconstpointer b) {
        return bw_mac_compare(a, b);
}

static void check_addresses(const GArray *planned, const GArray *right) {
        g_autoptr(GArray) sorted = g_array_copy((GArray *) right);

        g_array_sort(sorted, compare_prefixes);
        g_assert_cmpuint(planned->len, ==, sorted->len);
        for (guint i = 0; i < sorted->len; i++)
                g_assert_true(bw_prefix_equal(&g_array_index(planned, BwPrefix, i),
                                              &g_array_index(sorted, BwPrefix, i)));
}

static void check_macs(const GArray *planned, const GArray *right) {
        g_autoptr(GArray) sorted = g_array_copy((GArray *) right);

        g_array_sort(sorted, compare_macs);
        g_assert_cmpuint(planned->len, ==, sorted->len);
        for (guint i = 0; i < sorted->len; i++)
                g_assert_true(bw_mac_equal(&g_array_index(planned, BwMac, i),
                                           &g_array_index(sorted, BwMac, i)));
}

static void check_port(const BwPortPlan *planned, const BwTestPort *right) {
        g_assert_cmpint(planned->ifindex, ==, right->link->ifindex);
        g_assert_cmpint(planned->state, ==, right->state);
        g_assert_cmpint(planned->mode, ==, right->mode);
        g_assert_cmpstr(planned->guest, ==, right->guest ? right->guest->name : NULL);
        g_assert_cmpstr(planned->uuid, ==, right->guest ? right->guest->uuid : "");
        /* What a damaged section says otherwise is nobody's business. */
        if (right->state != BW_PORT_STRANGER && right->state != BW_PORT_CLOSED &&
            right->state != BW_PORT_OFF) {
                g_assert_cmpint(planned->role, ==, right->role);
                check_addresses(planned->addresses, right->addresses);
                check_macs(planned->macs, right->macs);
        }
        if (bw_port_state_is_guarded(planned->state))
                g_assert_cmpint(planned->mode, !=, BW_MODE_OFF);
        g_assert_cmpint(planned->state == BW_PORT_STRANGER, ==,
                        planned->where == NULL && !planned->derived_role);
        if (planned->state == BW_PORT_CLOSED)
                g_assert_nonnull(planned->trouble);
}

static void check_questions(const BwPlan *plan, const BwBridgePlan *bridge,
                            const BwPortPlan *port) {
        const BwBridgePlan *found = NULL;

        g_assert_true(bw_plan_find_port(plan, port->name, &found) == port);
        g_assert_true(found == bridge);
        g_assert_true(bw_plan_find_port_by_ifindex(plan, port->ifindex, &found) == port);
        g_assert_true(found == bridge);
        g_assert_true(bw_port_plan_equal(port, port));
}

static guint check_bridge(const BwPlan *plan, const BwTestOracle *oracle,
                          const BwBridgePlan *bridge) {
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];
                const BwTestPort *right = bw_test_oracle_port(oracle, bridge->name, port->name);

                g_assert_nonnull(right);
                check_port(port, right);
                check_questions(plan, bridge, port);
                if (i > 0)
                        g_assert_cmpstr(((BwPortPlan *) bridge->ports->pdata[i - 1])->name, <,
                                        port->name);
        }
        return bridge->ports->len;
}

static void check_plan(const BwPlan *plan, const BwTestOracle *oracle) {
        guint n_bridges = 0, n_ports = 0;

        for (guint i = 0; i < oracle->world->links->len; i++)
                n_bridges += bw_test_oracle_guards(oracle,
                                                   &g_array_index(oracle->world->links, BwLink, i));
        g_assert_cmpuint(plan->bridges->len, ==, n_bridges);
        for (guint i = 0; i < plan->bridges->len; i++)
                n_ports += check_bridge(plan, oracle, plan->bridges->pdata[i]);
        g_assert_cmpuint(n_ports, ==, oracle->ports->len);
}

static void test_as_the_oracle_says(void) {
        unsigned seen[BW_PORT_STRANGER + 1] = {};

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(BwTestWorld) world = bw_test_random_world(30);
                g_autoptr(BwTestSettings) settings = bw_test_random_settings(world);
                g_autoptr(BwTestOracle) oracle = bw_test_oracle_new(world, settings);
                g_autoptr(BwModel) model = bw_test_shuffled_model(world);
                g_autoptr(BwConfig) config = bw_test_config(settings);
                g_autoptr(BwPlan) plan = bw_plan_new(model, config);

                check_plan(plan, oracle);
                for (guint k = 0; k < oracle->ports->len; k++)
                        seen[g_array_index(oracle->ports, BwTestPort, k).state]++;
        }
        for (unsigned state = 0; state <= BW_PORT_STRANGER; state++) {
                g_test_message("%s: %u", bw_port_state_name((BwPortState) state), seen[state]);
                /* Comes from what is in the kernel, not from the world and its settings. */
                if (state == BW_PORT_INHERITED)
                        continue;
                g_assert_cmpuint(seen[state], >, 200);
        }
}

/* Plans are values: made twice, from sections in another order, they are the same. */
static void test_same_in_same_out(void) {
        for (unsigned i = 0; i < ROUNDS / 4; i++) {
                g_autoptr(BwTestWorld) world = bw_test_random_world(30);
                g_autoptr(BwTestSettings) settings = bw_test_random_settings(world);
                g_autoptr(BwModel) model = bw_test_model(world);
                g_autoptr(BwConfig) config = bw_test_config(settings);
                g_autoptr(BwPlan) plan = bw_plan_new(model, config);
                g_autoptr(BwPlan) again = bw_plan_new(model, config);
                g_autofree char *text = bw_test_plan_text(plan);
                g_autofree char *text_again = bw_test_plan_text(again);
                g_autofree char *tables = bw_test_tables_text(plan);
                g_autofree char *tables_reordered = NULL;
                g_autoptr(BwConfig) reordered_config = NULL;
                g_autoptr(BwPlan) reordered = NULL;

                g_assert_cmpstr(text, ==, text_again);
                bw_test_shuffle(settings->sections->pdata, settings->sections->len,
                                sizeof(gpointer));
                reordered_config = bw_test_config(settings);
                reordered = bw_plan_new(model, reordered_config);
                tables_reordered = bw_test_tables_text(reordered);
                g_assert_cmpstr(tables, ==, tables_reordered);
        }
}

/* One damaged section */

/* Not touched by the damage: its sections are others, and no conflict hangs on them. */
static void check_others(const BwPlan *before, const BwPlan *after, const char *damaged) {
        g_assert_cmpuint(before->bridges->len, ==, after->bridges->len);
        for (guint i = 0; i < before->bridges->len; i++) {
                const GPtrArray *ports = ((BwBridgePlan *) before->bridges->pdata[i])->ports;

                for (guint k = 0; k < ports->len; k++) {
                        const BwPortPlan *port = ports->pdata[k];

                        if (!g_str_equal(port->name, damaged))
                                g_assert_true(bw_port_plan_equal(
                                        port, bw_plan_find_port(after, port->name, NULL)));
                }
        }
}

static BwTestSection *random_port_section(const BwTestSettings *settings) {
        guint start = bw_test_below(settings->sections->len);

        for (guint i = 0; i < settings->sections->len; i++) {
                BwTestSection *section =
                        settings->sections->pdata[(start + i) % settings->sections->len];

                if (section->kind == BW_TEST_PORT && !section->broken)
                        return section;
        }
        return NULL;
}

/* Nobody shares an address, or closing one port would free an address of another. */
static void part_addresses(BwTestSettings *settings) {
        for (guint i = 0; i < settings->sections->len; i++) {
                BwTestSection *section = settings->sections->pdata[i];
                g_autofree char *text = g_strdup_printf("10.9.0.%u", i + 1);
                BwPrefix own = bw_test_prefix(text);

                g_array_set_size(section->addresses, 0);
                section->has_addresses = section->kind == BW_TEST_PORT && section->has_addresses;
                section->any = section->any && section->has_addresses;
                if (section->has_addresses && !section->any)
                        g_array_append_val(section->addresses, own);
        }
}

static bool has_bridge_that_is_off(const BwTestSettings *settings) {
        for (guint i = 0; i < settings->bridge_sections->len; i++) {
                const BwTestBridge *bridge =
                        &g_array_index(settings->bridge_sections, BwTestBridge, i);

                if (bridge->has_mode && bridge->mode == BW_MODE_OFF)
                        return true;
        }
        return false;
}

static void test_damaged_section(void) {
        unsigned closed = 0;

        for (unsigned i = 0; i < ROUNDS / 2; i++) {
                g_autoptr(BwTestWorld) world = bw_test_random_world(20);
                g_autoptr(BwTestSettings) settings = bw_test_random_settings(world);
                BwTestSection *section = random_port_section(settings);
                g_autoptr(BwModel) model = bw_test_model(world);
                g_autoptr(BwConfig) config = NULL;
                g_autoptr(BwConfig) damaged_config = NULL;
                g_autoptr(BwPlan) plan = NULL;
                g_autoptr(BwPlan) damaged = NULL;
                const BwPortPlan *port;

                if (!section)
                        continue;
                part_addresses(settings);
                config = bw_test_config(settings);
                section->broken = true;
                damaged_config = bw_test_config(settings);
                plan = bw_plan_new(model, config);
                damaged = bw_plan_new(model, damaged_config);
                g_assert_cmpuint(bw_config_count_errors(damaged_config), >,
                                 bw_config_count_errors(config));
                /* A port may be all that keeps a bridge in the plan that is switched off. */
                if (settings->mode == BW_MODE_OFF || has_bridge_that_is_off(settings))
                        continue;
                check_others(plan, damaged, section->name);
                port = bw_plan_find_port(damaged, section->name, NULL);
                if (!port)
                        continue;
                g_assert_cmpint(port->state, ==, BW_PORT_CLOSED);
                closed++;
        }
        g_assert_cmpuint(closed, >, 100);
}

/* What a former run has left: it may say anything, and only closes. */

static void add_around(GArray *pool, const GArray *addresses) {
        for (guint i = 0; i < addresses->len; i++) {
                BwPrefix address = g_array_index(addresses, BwPrefix, i), beside = address;
                uint8_t length = (uint8_t) (1 + bw_test_below(address.length));

                beside.bytes[beside.family == BW_FAMILY_IPV4 ? 3 : 15] ^= 1;
                beside.length = beside.family == BW_FAMILY_IPV4 ? 32 : 128;
                g_array_append_val(pool, address);
                g_array_append_val(pool, beside);
                address = bw_prefix_network(&address, MAX(length, (uint8_t) 1));
                g_array_append_val(pool, address);
        }
}

/* (element-type BwPrefix): what is owned, what is beside it, and what contains it. */
static GArray *list_pool(const BwPlan *plan) {
        static const char *const others[] = { "10.0.0.3", "198.51.100.7", "2001:db8::9", "fe80::77",
                                              "fe80::/10" };
        GArray *pool = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                add_around(pool, bridge->addresses);
                add_around(pool, bridge->gateways);
                for (guint k = 0; k < bridge->ports->len; k++)
                        add_around(pool, ((BwPortPlan *) bridge->ports->pdata[k])->addresses);
        }
        for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
                g_array_append_val(pool, ((BwPrefix[]){ bw_test_prefix(others[i]) })[0]);
        return pool;
}

static bool tell_anything(const char *port G_GNUC_UNUSED, BwInheritedPort *ret,
                          gconstpointer user) {
        const GArray *pool = user;

        if (bw_test_once_in(3))
                return false;
        for (unsigned i = bw_test_below(4); i-- > 0;)
                g_array_append_val(ret->addresses,
                                   g_array_index(pool, BwPrefix, bw_test_below(pool->len)));
        ret->is_border = bw_test_once_in(4);
        ret->is_closed = bw_test_once_in(2);
        for (unsigned i = bw_test_below(2); i-- > 0;)
                g_array_append_val(ret->macs, ((BwMac[]){ bw_test_random_mac() })[0]);
        return true;
}

static bool lets_address_pass(const BwPlan *plan, const BwBridgePlan *bridge,
                              const BwPortPlan *border, const BwPrefix *address) {
        const BwSegmentPlan *segment = plan->segments->pdata[bridge->segment];
        const BwOwnedAddress *owned = bw_border_find_address(segment, address);

        if (owned)
                return bw_border_leads_to(segment, owned->site, border);
        return !border->closed_border || bw_owner_is_link_local(address);
}

static bool lets_mac_pass(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *border,
                          const BwMac *mac) {
        const BwSegmentPlan *segment = plan->segments->pdata[bridge->segment];
        const BwOwnedMac *owned = bw_border_find_mac(segment, mac);

        return !owned || bw_border_leads_to(segment, owned->site, border);
}

/* Somebody who can be asked has it: nothing that is inherited is in his way. */
static bool is_declared(const BwPlan *plan, const BwBridgePlan *bridge, const BwPrefix *address) {
        const BwPortPlan *owner = bw_plan_find_segment_owner_of_address(plan, bridge, address);

        return owner && owner->state == BW_PORT_BOUND && bw_owner_has_address(owner, address);
}

typedef struct Tally {
        unsigned closed, open, declared, macs, made;
} Tally;

/* One border in the plan with what is inherited, and in the one without. */
typedef struct Pair {
        const BwPlan *with, *without;
        const BwBridgePlan *bridge, *bridge_without;
        const BwPortPlan *port, *port_without;
} Pair;

static void compare_address(const Pair *pair, const BwPrefix *address, Tally *tally) {
        bool now = lets_address_pass(pair->with, pair->bridge, pair->port, address);
        bool then =
                lets_address_pass(pair->without, pair->bridge_without, pair->port_without, address);

        g_assert_true(then || !now);
        if (is_declared(pair->without, pair->bridge_without, address)) {
                g_assert_cmpint(now, ==, then);
                tally->declared++;
        }
        tally->closed += then && !now;
        tally->open += now;
}

static void compare_mac(const Pair *pair, Tally *tally) {
        BwMac mac = bw_test_random_mac();
        bool now = lets_mac_pass(pair->with, pair->bridge, pair->port, &mac);
        bool then = lets_mac_pass(pair->without, pair->bridge_without, pair->port_without, &mac);

        g_assert_true(then || !now);
        tally->macs += then && !now;
}

static void compare_border(const Pair *pair, const GArray *pool, Tally *tally) {
        for (guint i = 0; i < pool->len; i++)
                if (bw_prefix_is_single(&g_array_index(pool, BwPrefix, i)))
                        compare_address(pair, &g_array_index(pool, BwPrefix, i), tally);
        for (unsigned i = 0; i < 20; i++)
                compare_mac(pair, tally);
}

/* What his MAC makes he has as well with what is inherited, if he may use it at all. */
static void compare_made(const Pair *pair, Tally *tally) {
        for (guint i = 0; i < pair->port->macs->len; i++) {
                BwPrefix made =
                        bw_owner_derive_link_local(&g_array_index(pair->port->macs, BwMac, i));
                bool then = bw_owner_may_use(pair->without, pair->bridge_without,
                                             pair->port_without, &made);

                g_assert_cmpint(bw_owner_may_use(pair->with, pair->bridge, pair->port, &made), ==,
                                then);
                tally->made += then;
        }
}

/* Nobody may use more as his own, either. */
static void compare_port(const Pair *pair, const GArray *pool, Tally *tally) {
        if (pair->port->state == BW_PORT_BOUND)
                compare_made(pair, tally);
        for (guint i = 0; i < pool->len; i++) {
                const BwPrefix *address = &g_array_index(pool, BwPrefix, i);

                if (pair->port->state != BW_PORT_INHERITED && bw_prefix_is_single(address))
                        g_assert_true(
                                bw_owner_may_use(pair->without, pair->bridge_without,
                                                 pair->port_without, address) ||
                                !bw_owner_may_use(pair->with, pair->bridge, pair->port, address));
        }
}

static void compare_bridge(Pair pair, const GArray *pool, Tally *tally) {
        for (guint i = 0; i < pair.bridge->ports->len; i++) {
                pair.port = pair.bridge->ports->pdata[i];
                pair.port_without =
                        bw_plan_find_port(pair.without, pair.port->name, &pair.bridge_without);
                compare_port(&pair, pool, tally);
                if (pair.port->state == BW_PORT_BORDER)
                        compare_border(&pair, pool, tally);
        }
}

static BwLink pair_end(int ifindex, int peer, int bridge) {
        BwLink link = { .ifindex = ifindex,
                        .kind = BW_LINK_VETH,
                        .peer = peer,
                        .master = bridge,
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING };

        g_snprintf(link.name, sizeof(link.name), "pair%d", ifindex);
        return link;
}

/* In a row, so that each is behind a border of the others. */
static void join_bridges(BwTestWorld *world) {
        g_autoptr(GArray) bridges = g_array_new(FALSE, FALSE, sizeof(int));
        int ifindex = 1000;

        for (guint i = 0; i < world->links->len; i++) {
                const BwLink *link = &g_array_index(world->links, BwLink, i);

                if (link->kind == BW_LINK_BRIDGE)
                        g_array_append_val(bridges, link->ifindex);
        }
        for (guint i = 1; i < bridges->len; i++, ifindex += 2) {
                BwLink ends[] = {
                        pair_end(ifindex, ifindex + 1, g_array_index(bridges, int, i - 1)),
                        pair_end(ifindex + 1, ifindex, g_array_index(bridges, int, i)),
                };

                g_array_append_vals(world->links, ends, G_N_ELEMENTS(ends));
        }
}

static BwTestWorld *joined_world(void) {
        BwTestWorld *world = bw_test_random_world(30);

        join_bridges(world);
        return world;
}

static void test_inherited_only_closes(void) {
        Tally tally = {};

        for (unsigned i = 0; i < ROUNDS / 4; i++) {
                g_autoptr(BwTestWorld) world = joined_world();
                g_autoptr(BwTestSettings) settings = bw_test_random_settings(world);
                g_autoptr(BwModel) model = bw_test_model(world);
                g_autoptr(BwConfig) config = bw_test_config(settings);
                g_autoptr(BwPlan) without = bw_plan_new(model, config);
                g_autoptr(BwPlan) with = bw_plan_new(model, config);
                g_autoptr(GArray) pool = list_pool(without);

                bw_plan_keep_inherited(with, model, tell_anything, pool);
                for (guint k = 0; k < with->bridges->len; k++)
                        compare_bridge(
                                (Pair){ with, without, with->bridges->pdata[k], NULL, NULL, NULL },
                                pool, &tally);
        }
        g_test_message("closed %u, open %u, declared %u, MACs %u, made %u", tally.closed,
                       tally.open, tally.declared, tally.macs, tally.made);
        g_assert_cmpuint(MIN(tally.closed, tally.open), >, 500);
        g_assert_cmpuint(MIN(tally.declared, tally.macs), >, 200);
        g_assert_cmpuint(tally.made, >, 200);
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/plan/as-the-oracle-says", test_as_the_oracle_says);
        g_test_add_func("/plan/same-in-same-out", test_same_in_same_out);
        g_test_add_func("/plan/damaged-section", test_damaged_section);
        g_test_add_func("/plan/inherited-only-closes", test_inherited_only_closes);
        return g_test_run();
}
