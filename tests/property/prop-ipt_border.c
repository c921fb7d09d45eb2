/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What borders let in and out, against a list read from one end to the other
 *
 * Segments made by hand, so that sites lie as no network would have them; owned
 * networks in one another; packets at every border port. Then what one address
 * more may change.
 */

#include "interpreter.h"
#include "random.h"

#include <bw/border.h>
#include <bw/ipt_compile.h>
#include <bw/ipt_former.h>
#include <bw/owner.h>
#include <string.h>

#define ROUNDS  600
#define PACKETS 200

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
        g_ptr_array_unref(bridge->ports);
        g_free(bridge);
}

typedef struct Case {
        BwPlan plan;
        BwSegmentPlan *segment;
        GPtrArray *borders; /* BwPortPlan */
        GPtrArray *chains[BW_IPT_TABLE_MAX];
        BwTestInterpreter *interpreters[BW_IPT_TABLE_MAX];
} Case;

static BwPortPlan *random_port(unsigned number) {
        static const char *const heads[] = { "veth", "v", "eth", "up" };
        BwPortPlan *port = g_new0(BwPortPlan, 1);

        g_snprintf(port->name, sizeof(port->name), "%s%s%u",
                   heads[bw_test_below(G_N_ELEMENTS(heads))], bw_test_once_in(4) ? "+-" : "",
                   number);
        port->state = BW_PORT_BORDER;
        port->role = bw_test_once_in(2) ? BW_ROLE_LINK : BW_ROLE_UPLINK;
        port->mode = bw_test_once_in(3) ? BW_MODE_MONITOR : BW_MODE_ENFORCE;
        port->closed_border = bw_test_once_in(4);
        port->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        port->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        return port;
}

static int by_name(gconstpointer a, gconstpointer b) {
        const BwPortPlan *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

static void add_bridge(Case *the, unsigned number) {
        static const char *const bridges[] = { "virbr", "br+lan", "br@", "-_." };
        BwBridgePlan *bridge = g_new0(BwBridgePlan, 1);
        const BwPrefix network = { BW_FAMILY_IPV4, 24, { 10, 0, 0 } };
        unsigned ports = 1 + bw_test_below(bw_test_once_in(8) ? 30 : 4);

        g_snprintf(bridge->name, sizeof(bridge->name), "%s%u",
                   bridges[bw_test_below(G_N_ELEMENTS(bridges))], number);
        bridge->mode = BW_MODE_ENFORCE;
        bridge->networks = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        bridge->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        if (bw_test_once_in(2))
                g_array_append_val(bridge->networks, network);
        bridge->ports = g_ptr_array_new_with_free_func(free_port);
        for (unsigned i = 0; i < ports; i++) {
                g_ptr_array_add(bridge->ports, random_port(number * 40 + i));
                g_ptr_array_add(the->borders, bridge->ports->pdata[i]);
        }
        g_ptr_array_sort(bridge->ports, by_name);
        g_ptr_array_add(the->plan.bridges, bridge);
        g_ptr_array_add(the->segment->bridges, bridge);
}

static bool same_leads(const BwSitePlan *a, const BwSitePlan *b) {
        return a->leads->len == b->leads->len &&
               (a->leads->len == 0 ||
                memcmp(a->leads->pdata, b->leads->pdata, a->leads->len * sizeof(gpointer)) == 0);
}

/* The first is what nothing leads to; no two have the same leads. */
static void add_site(Case *the) {
        BwSitePlan *site = g_new0(BwSitePlan, 1);

        site->leads = g_ptr_array_new();
        for (guint i = 0; the->segment->sites->len && i < the->borders->len; i++)
                if (bw_test_once_in(2))
                        g_ptr_array_add(site->leads, the->borders->pdata[i]);
        for (guint i = 0; i < the->segment->sites->len; i++)
                if (same_leads(site, the->segment->sites->pdata[i])) {
                        g_ptr_array_unref(site->leads);
                        g_free(site);
                        return;
                }
        g_ptr_array_add(the->segment->sites, site);
}

/* Near each other, so that many are in one another. */
static BwPrefix random_address(void) {
        BwFamily family = bw_test_once_in(2) ? BW_FAMILY_IPV4 : BW_FAMILY_IPV6;
        uint8_t ipv4[4] = { 10, 0, bw_test_once_in(4), (uint8_t) bw_test_below(256) };
        uint8_t ipv6[16] = { 0x20,
                             0x01,
                             0x0d,
                             0xb8,
                             [14] = bw_test_once_in(4),
                             [15] = (uint8_t) bw_test_below(256) };

        if (bw_test_once_in(6)) {
                ipv6[0] = 0xfe;
                ipv6[1] = 0x80;
        }
        if (bw_test_once_in(12))
                memset(ipv4, 0, sizeof(ipv4));
        if (bw_test_once_in(12))
                memset(ipv6, 0, sizeof(ipv6));
        if (bw_test_once_in(12))
                ipv4[3] = ipv4[0] = 255 - 31 * (bw_test_once_in(2));
        if (bw_test_once_in(12))
                ipv6[0] = 0xff;
        return bw_prefix_from_address(family, family == BW_FAMILY_IPV4 ? ipv4 : ipv6);
}

static BwPrefix random_prefix(void) {
        BwPrefix address = random_address();

        while (address.bytes[0] != 10 && address.bytes[0] != 0x20 && address.bytes[0] != 0xfe)
                address = random_address();
        if (bw_test_once_in(2))
                return address;
        return bw_prefix_network(&address, (uint8_t) (address.length - 1 - bw_test_below(14)));
}

static int by_prefix(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(&((const BwOwnedAddress *) a)->prefix,
                                 &((const BwOwnedAddress *) b)->prefix);
}

static void add_owned(GArray *addresses, BwPrefix prefix, guint site) {
        BwOwnedAddress entry = { .prefix = prefix, .site = site };

        for (guint i = 0; i < addresses->len; i++)
                if (bw_prefix_equal(&g_array_index(addresses, BwOwnedAddress, i).prefix, &prefix))
                        return;
        g_array_append_val(addresses, entry);
        g_array_sort(addresses, by_prefix);
}

static void compile(Case *the) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                the->chains[table] = bw_ipt_compile(&the->plan, table);
                the->interpreters[table] = bw_test_interpreter_new(the->chains[table]);
        }
}

static void discard(Case *the) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                bw_test_interpreter_free(the->interpreters[table]);
                g_ptr_array_unref(the->chains[table]);
        }
}

static Case *case_new(void) {
        Case *the = g_new0(Case, 1);
        unsigned bridges = 1 + bw_test_below(4), sites = 1 + bw_test_below(6);
        unsigned owned = bw_test_once_in(10) ? 0 : bw_test_below(bw_test_once_in(3) ? 300 : 20);

        the->plan.log_rate = 10;
        the->plan.bridges = g_ptr_array_new_with_free_func(free_bridge);
        the->plan.segments = g_ptr_array_new_with_free_func((GDestroyNotify) bw_segment_plan_free);
        the->segment = bw_segment_plan_new();
        the->borders = g_ptr_array_new();
        g_ptr_array_add(the->plan.segments, the->segment);
        for (unsigned i = 0; i < bridges; i++)
                add_bridge(the, i);
        g_ptr_array_sort(the->borders, by_name);
        for (unsigned i = 0; i < sites; i++)
                add_site(the);
        for (unsigned i = 0; i < owned; i++)
                add_owned(the->segment->addresses, random_prefix(),
                          bw_test_below(the->segment->sites->len));
        compile(the);
        return the;
}

static void case_free(Case *the) {
        discard(the);
        g_ptr_array_unref(the->borders);
        g_ptr_array_unref(the->plan.segments);
        g_ptr_array_unref(the->plan.bridges);
        g_free(the);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, case_free)

/* The rule, read plainly */

static const BwOwnedAddress *most_exact(const Case *the, const BwPrefix *address) {
        const BwOwnedAddress *best = NULL;

        for (guint i = 0; i < the->segment->addresses->len; i++) {
                const BwOwnedAddress *entry =
                        &g_array_index(the->segment->addresses, BwOwnedAddress, i);

                if (bw_prefix_contains(&entry->prefix, address) &&
                    (!best || entry->prefix.length > best->prefix.length))
                        best = entry;
        }
        return best;
}

static bool leads_to(const Case *the, const BwPortPlan *port, guint site) {
        const BwSitePlan *plan = the->segment->sites->pdata[site];

        return g_ptr_array_find(plan->leads, port, NULL);
}

static bool is_any(const BwPrefix *address) {
        static const uint8_t zero[16];

        return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

static bool is_for_all(const BwBridgePlan *bridge, const BwPrefix *address) {
        const uint8_t *byte = address->bytes;

        if (address->family == BW_FAMILY_IPV6)
                return byte[0] == 0xff;
        return byte[0] >> 4 == 0xe || memcmp(byte, "\xff\xff\xff\xff", 4) == 0 ||
               (bridge->networks->len > 0 && memcmp(byte, "\x0a\x00\x00\xff", 4) == 0);
}

static bool falls(const Case *the, const BwBridgePlan *bridge, const BwPortPlan *port,
                  BwDirection direction, const BwPrefix *address) {
        const BwOwnedAddress *owned = most_exact(the, address);

        if (direction == BW_DIRECTION_OUT && is_for_all(bridge, address))
                return false;
        if (owned)
                return !leads_to(the, port, owned->site);
        if (!port->closed_border || bw_owner_is_link_local(address))
                return false;
        return direction == BW_DIRECTION_OUT || !is_any(address);
}

static uint32_t number_of(const BwPrefix *address) {
        return (uint32_t) address->bytes[0] << 24 | (uint32_t) address->bytes[1] << 16 |
               (uint32_t) address->bytes[2] << 8 | address->bytes[3];
}

static BwTestPacket packet_to(const BwBridgePlan *bridge, const BwPortPlan *port,
                              BwDirection direction, BwPrefix address) {
        BwTestPacket packet = { .family = address.family };
        bool in = direction == BW_DIRECTION_IN;
        BwPrefix other = { .family = address.family, .length = address.length, .bytes = { 7 } };

        packet.source6 = in ? address : other;
        packet.destination6 = in ? other : address;
        packet.source = number_of(&packet.source6);
        packet.destination = number_of(&packet.destination6);
        g_strlcpy(packet.in_bridge, bridge->name, sizeof(packet.in_bridge));
        g_strlcpy(packet.port_in, in ? port->name : "vnet9", sizeof(packet.port_in));
        if (in)
                return packet;
        g_strlcpy(packet.out_bridge, bridge->name, sizeof(packet.out_bridge));
        g_strlcpy(packet.port_out, port->name, sizeof(packet.port_out));
        packet.port_out_index = port->ifindex;
        return packet;
}

static BwIptTable table_of(BwDirection direction, BwFamily family) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (bw_ipt_table_direction(table) == direction &&
                    bw_ipt_table_family(table) == family)
                        return table;
        g_assert_not_reached();
}

typedef struct Tally {
        unsigned seen[BW_IPT_TABLE_MAX][2]; /* by falls */
        unsigned nested, unknown, led, monitored, most_tried;
} Tally;

static void count(const Case *the, Tally *tally, const BwPortPlan *port, const BwPrefix *address,
                  BwIptTable table, bool wrong) {
        const BwOwnedAddress *owned = most_exact(the, address);

        tally->seen[table][wrong]++;
        tally->unknown += wrong && !owned;
        tally->led += !wrong && owned;
        tally->nested += wrong && owned && owned->prefix.length < address->length;
        tally->monitored += wrong && port->mode == BW_MODE_MONITOR;
}

static void check(const Case *the, Tally *tally) {
        const BwBridgePlan *bridge =
                the->plan.bridges->pdata[bw_test_below(the->plan.bridges->len)];
        const BwPortPlan *port = bridge->ports->pdata[bw_test_below(bridge->ports->len)];
        BwDirection direction = bw_test_once_in(2) ? BW_DIRECTION_IN : BW_DIRECTION_OUT;
        BwPrefix address = random_address();
        BwIptTable table = table_of(direction, address.family);
        BwTestPacket packet = packet_to(bridge, port, direction, address);
        BwTestVerdict said =
                bw_test_interpret(the->interpreters[table], bw_ipt_table_root(table), &packet);
        bool wrong = falls(the, bridge, port, direction, &address);
        bool enforced = port->mode == BW_MODE_ENFORCE;

        count(the, tally, port, &address, table, wrong);
        tally->most_tried = MAX(tally->most_tried, said.tried);
        g_assert_cmpuint(said.reports, ==, wrong);
        g_assert_cmpint(said.dropped, ==, wrong && enforced);
        if (!wrong)
                return;
        g_assert_cmpint(said.reason, ==,
                        direction == BW_DIRECTION_IN ? BW_REASON_BORDER_SPOOF
                                                     : BW_REASON_BORDER_MISDELIVERED);
        g_assert_cmpint(said.direction, ==, direction);
        g_assert_cmpint(said.drops, ==, enforced);
}

static void test_meaning(void) {
        Tally tally = {};

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(Case) the = case_new();

                for (unsigned k = 0; k < PACKETS; k++)
                        check(the, &tally);
        }
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_test_message("%s: %u fall, %u pass", bw_ipt_table_text(table),
                               tally.seen[table][true], tally.seen[table][false]);
                g_assert_cmpuint(tally.seen[table][true], >, 1000);
                g_assert_cmpuint(tally.seen[table][false], >, 1000);
        }
        g_test_message("in an owned network %u, unknown %u, led %u, monitored %u; %u rules tried",
                       tally.nested, tally.unknown, tally.led, tally.monitored, tally.most_tried);
        g_assert_cmpuint(tally.nested, >, 1000);
        g_assert_cmpuint(tally.unknown, >, 1000);
        g_assert_cmpuint(tally.led, >, 1000);
        g_assert_cmpuint(tally.monitored, >, 1000);
        g_assert_cmpuint(tally.most_tried, <, 120);
}

/* The way back */

static bool has_address(const GArray *addresses, const BwPrefix *address) {
        for (guint i = 0; i < addresses->len; i++)
                if (bw_prefix_equal(&g_array_index(addresses, BwPrefix, i), address))
                        return true;
        return false;
}

/* The same entries as in the plan lead to it. Returns how many. */
static guint check_former(const Case *the, const BwIptFormerBorder *former, const BwPortPlan *port,
                          BwFamily family) {
        guint led = 0;

        g_assert_cmpstr(former->port, ==, port->name);
        g_assert_cmpint(former->is_closed, ==, port->closed_border);
        for (guint i = 0; i < the->segment->addresses->len; i++) {
                const BwOwnedAddress *entry =
                        &g_array_index(the->segment->addresses, BwOwnedAddress, i);
                bool leads = entry->prefix.family == family && leads_to(the, port, entry->site);

                g_assert_cmpint(has_address(former->addresses, &entry->prefix), ==, leads);
                led += leads;
        }
        g_assert_cmpuint(former->addresses->len, ==, led);
        return led;
}

static int by_port(gconstpointer a, gconstpointer b) {
        const BwIptFormerBorder *const *left = a, *const *right = b;

        return strcmp((*left)->port, (*right)->port);
}

static bool is_told_border(const Case *the, const BwPortPlan *port) {
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_port_chain("i", port->name, name);
        return bw_ipt_former_is_border(bw_ipt_find_chain(the->chains[BW_IPT_RAW], name));
}

/* What the borders' tree is made of can be read from it, and who asks it. */
static void test_former(void) {
        static const BwIptTable tables[] = { BW_IPT_RAW, BW_IPT_RAW6 };
        unsigned led = 0, closed = 0;

        for (unsigned i = 0; i < ROUNDS / 4; i++) {
                g_autoptr(Case) the = case_new();

                for (gsize k = 0; k < G_N_ELEMENTS(tables); k++) {
                        g_autoptr(GPtrArray) borders =
                                bw_ipt_former_list_borders(the->chains[tables[k]]);

                        g_assert_cmpuint(borders->len, ==, the->borders->len);
                        g_ptr_array_sort(borders, by_port);
                        for (guint m = 0; m < borders->len; m++) {
                                led += check_former(the, borders->pdata[m], the->borders->pdata[m],
                                                    bw_ipt_table_family(tables[k]));
                                closed += ((BwIptFormerBorder *) borders->pdata[m])->is_closed;
                                g_assert_true(is_told_border(the, the->borders->pdata[m]));
                        }
                }
        }
        g_test_message("%u entries led to borders, %u borders were closed", led, closed);
        g_assert_cmpuint(led, >, 1000);
        g_assert_cmpuint(closed, >, 100);
}

/* One address more */

static unsigned count_changed(const GPtrArray *before, const GPtrArray *after) {
        unsigned changed = 0;

        for (guint i = 0; i < after->len; i++) {
                const BwIptChain *chain = after->pdata[i];
                const BwIptChain *old = bw_ipt_find_chain(before, chain->name);
                bool same = old && old->rules->len == chain->rules->len;

                for (guint k = 0; same && k < chain->rules->len; k++)
                        same = bw_ipt_rule_equal(&g_array_index(chain->rules, BwIptRule, k),
                                                 &g_array_index(old->rules, BwIptRule, k));
                changed += !same;
        }
        return changed;
}

/* Sites that owned something before: the address finds its way there. Bases are two bits apart, so
 * a bucket that overflows may part in steps; on the average little happens. */
static void test_one_more(void) {
        unsigned changed = 0, cases = 0, borders = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(Case) the = case_new();
                const BwOwnedAddress *some;
                GPtrArray *before[BW_IPT_TABLE_MAX];

                if (the->segment->addresses->len < 50)
                        continue;
                for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                        before[table] = g_ptr_array_ref(the->chains[table]);
                some = &g_array_index(the->segment->addresses, BwOwnedAddress, 0);
                add_owned(the->segment->addresses, random_address(), some->site);
                discard(the);
                compile(the);
                for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                        changed += count_changed(before[table], the->chains[table]);
                        g_ptr_array_unref(before[table]);
                }
                borders += the->borders->len;
                cases++;
        }
        g_test_message("%u cases of %u borders: %u chains changed", cases, borders, changed);
        g_assert_cmpuint(cases, >, 50);
        g_assert_cmpuint(changed, >, 0);
        g_assert_cmpuint(changed, <, cases * 10);
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/ipt_border/meaning", test_meaning);
        g_test_add_func("/ipt_border/former", test_former);
        g_test_add_func("/ipt_border/one-more", test_one_more);
        return g_test_run();
}
