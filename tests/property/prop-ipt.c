/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The chains drop, report and pass exactly what the table of reasons says
 *
 * The chains are run by an interpreter, the guard is stated a second time by an
 * oracle; random worlds, settings and packets check them against each other.
 * Then what must hold for the chains whatever they mean: closed at the end, no
 * way past, no two ports on one name.
 */

#include "interpreter.h"
#include "oracle_judge.h"
#include "random.h"
#include "random_packet.h"
#include "settings.h"

#include <bw/engine.h>
#include <bw/ipt_compile.h>
#include <bw/ipt_former.h>
#include <bw/owner.h>
#include <string.h>

#define ROUNDS  2000
#define PACKETS 120

/* What iptables-restore and a shell take for nothing but a name. */
#define NAME_BYTES G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._+-"

/* One random case, with all that is made from it. */
typedef struct Case {
        BwTestWorld *world;
        BwTestSettings *settings;
        BwTestOracle *oracle;
        BwModel *model;
        BwConfig *config;
        BwPlan *plan;
        GPtrArray *chains[BW_IPT_TABLE_MAX];
        BwTestInterpreter *interpreters[BW_IPT_TABLE_MAX];
} Case;

static void case_plan(Case *the) {
        the->oracle = bw_test_oracle_new(the->world, the->settings);
        the->model = bw_test_model(the->world);
        the->config = bw_test_config(the->settings);
        the->plan = bw_plan_new(the->model, the->config);
        for (unsigned table = 0; table < BW_IPT_TABLE_MAX; table++) {
                the->chains[table] = bw_ipt_compile(the->plan, (BwIptTable) table);
                the->interpreters[table] = bw_test_interpreter_new(the->chains[table]);
        }
}

static Case *case_new(unsigned most) {
        Case *the = g_new0(Case, 1);

        the->world = bw_test_random_world(most);
        the->settings = bw_test_random_settings(the->world);
        case_plan(the);
        return the;
}

static void case_free(Case *the) {
        for (unsigned table = 0; table < BW_IPT_TABLE_MAX; table++) {
                bw_test_interpreter_free(the->interpreters[table]);
                g_ptr_array_unref(the->chains[table]);
        }
        bw_plan_free(the->plan);
        bw_config_free(the->config);
        bw_model_free(the->model);
        bw_test_oracle_free(the->oracle);
        bw_test_settings_free(the->settings);
        bw_test_world_free(the->world);
        g_free(the);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, case_free)

/* Meaning */

static char *packet_text(const BwTestPacket *packet) {
        char sender[BW_MAC_TEXT_SIZE], client[BW_MAC_TEXT_SIZE];

        return g_strdup_printf("in %s/%s out %s/%s, %08x > %08x, from %s, %s%s %u > %u, bootp %u "
                               "for %s",
                               packet->in_bridge, packet->port_in, packet->out_bridge,
                               packet->port_out, packet->source, packet->destination,
                               bw_mac_print(&packet->sender, sender), packet->udp ? "udp" : "other",
                               packet->fragment ? " fragment" : "", packet->from_port,
                               packet->to_port, packet->bootp_operation,
                               bw_mac_print(&packet->client, client));
}

static char *verdict_text(const BwTestVerdict *verdict) {
        return g_strdup_printf("%s, %u reports: %s %s %s", verdict->dropped ? "dropped" : "passed",
                               verdict->reports, bw_direction_name(verdict->direction),
                               bw_reason_name(verdict->reason),
                               verdict->drops ? "drop" : "monitor");
}

static void fail_with(const Case *the, const BwTestPacket *packet, const BwTestVerdict *chains,
                      const BwTestVerdict *table) {
        g_autofree char *settings = bw_test_settings_text(the->settings);
        g_autofree char *what = packet_text(packet);
        g_autofree char *said = verdict_text(chains);
        g_autofree char *right = verdict_text(table);
        g_autofree char *shown = g_strescape(settings, "\n");

        g_test_message("%s\npacket: %s\nchains: %s\ntable:  %s", shown, what, said, right);
        g_test_fail();
        g_assert_not_reached();
}

static const BwTestVerdict *check_packet(const Case *the, BwIptTable table,
                                         const BwTestPacket *packet) {
        static BwTestVerdict last;
        BwDirection direction = table == BW_IPT_RAW ? BW_DIRECTION_IN : BW_DIRECTION_OUT;
        BwTestVerdict right = bw_test_oracle_judge(the->oracle, direction, packet);
        BwTestVerdict said =
                bw_test_interpret(the->interpreters[table], bw_ipt_table_root(table), packet);

        if (said.dropped != right.dropped || said.reports != right.reports ||
            said.reason != right.reason || said.drops != right.drops ||
            (said.reports && said.direction != right.direction))
                fail_with(the, packet, &said, &right);
        last = right;
        return &last;
}

/* A case that never happens would prove nothing. */
typedef struct Tally {
        unsigned seen[BW_REASON_MAX][2];
        unsigned dhcp_passed;
        unsigned host_broadcasts; /* delivered */
} Tally;

static void count(Tally *tally, const BwTestVerdict *verdict, const BwTestPacket *packet) {
        tally->seen[verdict->reason][verdict->dropped]++;
        if (!verdict->reports && packet->udp && packet->bootp_operation && packet->source == 0)
                tally->dhcp_passed++;
}

/* To a checked port, which without the host's addresses might not have got it. */
static bool is_host_broadcast_delivered(const Case *the, const BwTestPacket *packet) {
        const BwTestPort *port =
                bw_test_oracle_port(the->oracle, packet->out_bridge, packet->port_out);

        return port && port->state == BW_PORT_BOUND &&
               bw_test_oracle_is_host_broadcast(the->oracle, packet->out_bridge,
                                                packet->destination) &&
               !bw_test_oracle_judge(the->oracle, BW_DIRECTION_OUT, packet).reports;
}

static void test_meaning(void) {
        Tally tally = {};

        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(Case) the = case_new(40);

                for (unsigned k = 0; k < PACKETS; k++) {
                        BwTestPacket packet = bw_test_random_packet(the->oracle);

                        count(&tally, check_packet(the, BW_IPT_MANGLE, &packet), &packet);
                        tally.host_broadcasts += is_host_broadcast_delivered(the, &packet);
                        packet.out_bridge[0] = packet.port_out[0] = '\0';
                        packet.port_out_index = 0;
                        count(&tally, check_packet(the, BW_IPT_RAW, &packet), &packet);
                }
        }
        for (unsigned reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                if (!bw_engine_carries(BW_ENGINE_IPTABLES, (BwReason) reason)) {
                        g_assert_cmpuint(tally.seen[reason][true] + tally.seen[reason][false], ==,
                                         0);
                        continue;
                }
                g_test_message("%s: %u dropped, %u reported", bw_reason_name((BwReason) reason),
                               tally.seen[reason][true], tally.seen[reason][false]);
                g_assert_cmpuint(tally.seen[reason][true], >, 200);
                g_assert_cmpuint(tally.seen[reason][false], >, 100);
        }
        g_test_message("passed: %u, DHCP requests: %u", tally.seen[0][false], tally.dhcp_passed);
        g_assert_cmpuint(tally.seen[BW_REASON_NONE][false], >, 1000);
        g_assert_cmpuint(tally.dhcp_passed, >, 200);
        g_test_message("broadcasts of the host's networks: %u", tally.host_broadcasts);
        g_assert_cmpuint(tally.host_broadcasts, >, 200);
}

/* Closed */

static bool is_sending(BwIptTable table) {
        return bw_ipt_table_direction(table) == BW_DIRECTION_IN;
}

static bool is_bare(const BwIptRule *rule) {
        return !rule->in_bridge[0] && !rule->out_bridge[0] &&
               rule->physdev_kind == BW_IPT_PHYSDEV_NONE && rule->source.length == 0 &&
               rule->destination.length == 0 && rule->dhcp == BW_IPT_DHCP_NONE &&
               !rule->sender.octet[0] && !rule->client.octet[0] && !rule->client_is_sender &&
               !rule->clients[0].ifindex && !rule->source_is_not && !rule->fragment &&
               !rule->icmpv6_type;
}

static const BwIptRule *rule_from_end(const BwIptChain *chain, guint n) {
        g_assert_cmpuint(chain->rules->len, >, n);
        return &g_array_index(chain->rules, BwIptRule, chain->rules->len - 1 - n);
}

static void check_ends_with_denial(const BwIptChain *chain) {
        const BwIptRule *report = rule_from_end(chain, 1), *verdict = rule_from_end(chain, 0);

        g_assert_true(is_bare(report) && is_bare(verdict));
        g_assert_cmpint(report->target, ==, BW_IPT_NFLOG);
        g_assert_cmpint(report->reason, !=, BW_REASON_NONE);
        g_assert_cmpint(report->reason, ==, verdict->reason);
        g_assert_cmpint(verdict->target, ==, verdict->drops ? BW_IPT_DROP : BW_IPT_RETURN);
}

/* Whatever no rule of a dispatch chain takes ends at the bridge's stranger chain. */
static void check_leads_to_strangers(const GPtrArray *chains, const BwIptChain *chain,
                                     const char *kind) {
        char strangers[BW_IPT_CHAIN_SIZE];

        for (unsigned hops = 0; !chain->bridge[0]; hops++) {
                const BwIptRule *last = rule_from_end(chain, 0);

                g_assert_cmpuint(hops, <, 8);
                g_assert_true(is_bare(last));
                g_assert_cmpint(last->target, ==, BW_IPT_GOTO);
                chain = bw_ipt_find_chain(chains, last->chain);
                g_assert_nonnull(chain);
        }
        bw_ipt_port_chain(kind, chain->bridge, strangers);
        g_assert_cmpstr(chain->name, ==, strangers);
        g_assert_cmpstr(chain->port, ==, "");
}

/* A dispatch chain lets nothing pass but for one whole port. */
static void check_dispatch_rules(const BwIptChain *chain) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (rule->target == BW_IPT_GOTO)
                        continue;
                g_assert_cmpint(rule->target, ==, BW_IPT_RETURN);
                g_assert_true(rule->physdev_kind == BW_IPT_PHYSDEV_IN ||
                              rule->physdev_kind == BW_IPT_PHYSDEV_OUT);
                g_assert_cmpstr(rule->physdev, !=, "");
        }
}

/* All that comes to a border is asked whose it is. */
static void check_leads_to_owners(const BwIptChain *chain, BwIptTable table) {
        const BwIptRule *last = rule_from_end(chain, 0);

        g_assert_true(is_bare(last));
        g_assert_cmpint(last->target, ==, BW_IPT_GOTO);
        g_assert_true(g_str_has_prefix(last->chain, is_sending(table) ? "bw-ib" : "bw-ob"));
}

static void check_port_chain(const Case *the, const BwIptChain *chain, BwIptTable table) {
        const BwTestPort *port = bw_test_oracle_port(the->oracle, chain->bridge, chain->port);
        char wanted[BW_IPT_CHAIN_SIZE], denial[BW_IPT_CHAIN_SIZE];

        g_assert_nonnull(port);
        bw_ipt_port_chain(is_sending(table) ? "i" : "o", chain->port, wanted);
        bw_ipt_port_chain("b", chain->port, denial);
        if (g_str_equal(chain->name, denial))
                check_ends_with_denial(chain);
        else if (!g_str_equal(chain->name, wanted) || port->state == BW_PORT_ANY_ADDRESS)
                return;
        else if (port->state == BW_PORT_BORDER)
                check_leads_to_owners(chain, table);
        else
                check_ends_with_denial(chain);
}

static void check_chain_name(const GPtrArray *chains, guint i) {
        const BwIptChain *chain = chains->pdata[i];
        gsize length = strlen(chain->name);

        g_assert_cmpuint(length, <=, BW_IPT_CHAIN_LENGTH);
        g_assert_cmpuint(strspn(chain->name, NAME_BYTES), ==, length);
        g_assert_true(bw_ipt_chain_is_ours(chain->name));
        if (i > 0)
                g_assert_cmpstr(((BwIptChain *) chains->pdata[i - 1])->name, <, chain->name);
        g_assert_true(bw_ipt_find_chain(chains, chain->name) == chain);
}

/* Whoever comes back goes on to a denial at once. */
static void check_way_back(const BwIptChain *chain, guint at) {
        const BwIptRule *next = &g_array_index(chain->rules, BwIptRule, at + 1);
        BwIptRule rule = g_array_index(chain->rules, BwIptRule, at);

        g_assert_cmpuint(at + 1, <, chain->rules->len);
        g_assert_true(g_str_has_prefix(next->chain, "bw-od"));
        rule.target = BW_IPT_GOTO;
        g_strlcpy(rule.chain, next->chain, sizeof(rule.chain));
        g_assert_true(bw_ipt_rule_equal(&rule, next));
}

static void check_hops(const GPtrArray *chains, const BwIptChain *chain) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (rule->target == BW_IPT_JUMP)
                        check_way_back(chain, i);
                if (rule->target == BW_IPT_GOTO || rule->target == BW_IPT_JUMP)
                        g_assert_nonnull(bw_ipt_find_chain(chains, rule->chain));
        }
}

static void check_chains(const Case *the, BwIptTable table) {
        const GPtrArray *chains = the->chains[table];

        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                check_chain_name(chains, i);
                check_hops(chains, chain);
                if (chain->port[0])
                        check_port_chain(the, chain, table);
                if (chain->bridge[0] || g_str_equal(chain->name, bw_ipt_table_root(table)))
                        continue;
                check_dispatch_rules(chain);
                check_leads_to_strangers(chains, chain, is_sending(table) ? "is" : "os");
        }
}

static void test_closed(void) {
        for (unsigned i = 0; i < ROUNDS / 4; i++) {
                g_autoptr(Case) the = case_new(40);

                for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                        check_chains(the, table);
        }
}

/* Names */

/* @key is all that a name was made from. */
static void check_unique(GHashTable *owners, const char *name, char *key) {
        const char *owner = g_hash_table_lookup(owners, name);

        g_assert_cmpuint(strlen(name), <=, BW_IPT_CHAIN_LENGTH);
        g_assert_cmpuint(strspn(name, NAME_BYTES), ==, strlen(name));
        if (owner)
                g_assert_cmpstr(owner, ==, key);
        g_hash_table_replace(owners, g_strdup(name), key);
}

/* A character more, less, or another, so that an encoding that forgets something is found out. */
static void vary(char name[static BW_IFNAME_SIZE]) {
        gsize length = strlen(name);

        if (bw_test_once_in(3) && length > 1)
                name[length - 1] = '\0';
        else if (bw_test_once_in(2) && length < BW_IFNAME_SIZE - 1)
                name[length] = "+_-x=A"[bw_test_below(6)];
        else
                name[bw_test_below((unsigned) length)] ^= 1 << bw_test_below(8);
        if (strlen(name) == 0)
                g_strlcpy(name, "x", BW_IFNAME_SIZE);
}

static void test_names(void) {
        static const char *const port_kinds[] = { "i", "o", "r", "c", "b", "is", "os", "oq", "or" };
        static const char *const node_kinds[] = { "it", "ot", "ia", "oa", "iw", "ow",
                                                  "id", "od", "iz", "iq", "ib", "ob",
                                                  "il", "ol", "ic", "oc", "ie", "oe" };
        g_autoptr(GHashTable) owners =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        char port[BW_IFNAME_SIZE], bridge[BW_IFNAME_SIZE], name[BW_IPT_CHAIN_SIZE];

        bw_test_random_ifname(bridge);
        for (unsigned i = 0; i < 40000; i++) {
                const char *kind = port_kinds[bw_test_below(G_N_ELEMENTS(port_kinds))];

                if (i % 4 == 0)
                        bw_test_random_ifname(port);
                else
                        vary(port);
                bw_ipt_port_chain(kind, port, name);
                check_unique(owners, name, g_strdup_printf("%s\n%s", kind, port));

                if (i % 16 == 0)
                        bw_test_random_ifname(bridge);
                else if (i % 4 == 0)
                        vary(bridge);
                kind = node_kinds[bw_test_below(G_N_ELEMENTS(node_kinds))];
                if (bw_test_once_in(8))
                        port[0] = '\0';
                bw_ipt_node_chain(kind, bridge, port, name);
                check_unique(owners, name, g_strdup_printf("%s\n%s\n%s", kind, bridge, port));
                if (!port[0])
                        g_strlcpy(port, "v", sizeof(port));
        }
}

/* Neighbours */

static bool same_chain(const BwIptChain *a, const BwIptChain *b) {
        if (!a || !b || a->rules->len != b->rules->len)
                return a == b;
        for (guint i = 0; i < a->rules->len; i++)
                if (!bw_ipt_rule_equal(&g_array_index(a->rules, BwIptRule, i),
                                       &g_array_index(b->rules, BwIptRule, i)))
                        return false;
        return true;
}

static void check_same_port(const Case *before, const Case *after, const char *port) {
        static const struct {
                BwIptTable table;
                const char *kind;
        } kinds[] = { { BW_IPT_RAW, "i" }, { BW_IPT_MANGLE, "o" }, { BW_IPT_MANGLE, "r" } };
        char name[BW_IPT_CHAIN_SIZE];

        for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
                bw_ipt_port_chain(kinds[i].kind, port, name);
                g_assert_true(same_chain(bw_ipt_find_chain(before->chains[kinds[i].table], name),
                                         bw_ipt_find_chain(after->chains[kinds[i].table], name)));
        }
}

/* A bridge that is listed stays guarded, and nobody shares an address, whatever a port does. */
static void make_neighbourly(Case *the) {
        if (!the->settings->bridges)
                the->settings->bridges = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_set_size(the->settings->bridges, 0);
        for (guint i = 0; i < the->world->links->len; i++) {
                const BwLink *link = &g_array_index(the->world->links, BwLink, i);

                if (link->kind == BW_LINK_BRIDGE)
                        g_ptr_array_add(the->settings->bridges, g_strdup(link->name));
        }
        for (guint i = 0; i < the->settings->sections->len; i++) {
                BwTestSection *section = the->settings->sections->pdata[i];
                g_autofree char *text = g_strdup_printf("10.9.0.%u", i + 1);
                BwPrefix own = bw_test_prefix(text);

                if (section->kind != BW_TEST_PORT || section->any)
                        section->has_addresses = section->any = false;
                g_array_set_size(section->addresses, 0);
                if (section->has_addresses)
                        g_array_append_val(section->addresses, own);
        }
}

static void change_link(BwLink *link) {
        switch (bw_test_below(4)) {
        case 0:
                link->up = !link->up;
                return;
        case 1:
                link->master = link->master == 1 ? 0 : 1;
                return;
        case 2:
                link->mac.octet[5] ^= 1;
                return;
        default:
                g_strlcpy(link->name, "renamed", sizeof(link->name));
                return;
        }
}

/* The section loses its addresses, its mind, or its mode. */
static void change_section(BwTestSection *section) {
        switch (bw_test_below(3)) {
        case 0:
                section->has_addresses = false;
                g_array_set_size(section->addresses, 0);
                return;
        case 1:
                section->broken = !section->broken;
                return;
        default:
                section->has_mode = true;
                section->mode =
                        section->mode == BW_MODE_ENFORCE ? BW_MODE_MONITOR : BW_MODE_ENFORCE;
                return;
        }
}

static void change_guest(BwTestWorld *world) {
        guint at = bw_test_below(world->guests->len);
        BwGuest *guest = world->guests->pdata[at];

        guest->active = !guest->active;
        if (bw_test_once_in(2))
                g_ptr_array_remove_index(world->guests, at);
}

/* What belongs to another guest now, or to none, may have changed with it. */
static bool same_owner(const Case *before, const Case *after, const BwLink *link) {
        const BwTestPort *a = NULL, *b = NULL;

        for (guint i = 0; i < before->oracle->ports->len; i++) {
                a = &g_array_index(before->oracle->ports, BwTestPort, i);
                if (g_str_equal(a->link->name, link->name))
                        break;
        }
        b = a ? bw_test_oracle_port(after->oracle, a->bridge->name, link->name) : NULL;
        return b &&
               g_strcmp0(a->guest ? a->guest->uuid : NULL, b->guest ? b->guest->uuid : NULL) == 0 &&
               (!a->guest || bw_mac_equal(&a->interface->mac, &b->interface->mac));
}

/* The same case with one port, or its section, changed. Its name as it was goes to @ret_port. */
static Case *case_changed(const Case *the, char ret_port[static BW_IFNAME_SIZE]) {
        Case *other = g_new0(Case, 1);
        guint at = bw_test_below(the->world->links->len);
        BwTestSection *section;
        BwLink *link;

        other->world = bw_test_world_copy(the->world);
        other->settings = bw_test_settings_copy(the->settings);
        link = &g_array_index(other->world->links, BwLink, at);
        memcpy(ret_port, link->name, BW_IFNAME_SIZE);
        section = bw_test_find_section(other->settings, BW_TEST_PORT, link->name);
        if (other->world->guests->len && bw_test_once_in(3))
                change_guest(other->world);
        else if (section && bw_test_once_in(2))
                change_section(section);
        else if (link->kind != BW_LINK_BRIDGE)
                change_link(link);
        case_plan(other);
        return other;
}

static void test_neighbours(void) {
        unsigned checked = 0;

        for (unsigned i = 0; i < ROUNDS / 4; i++) {
                g_autoptr(Case) the = g_new0(Case, 1);
                g_autoptr(Case) changed = NULL;
                char port[BW_IFNAME_SIZE];

                the->world = bw_test_random_world(30);
                /* A veth's peer may lend its MAC: two ports then share one fact. */
                for (guint k = 0; k < the->world->links->len; k++)
                        g_array_index(the->world->links, BwLink, k).peer = 0;
                the->settings = bw_test_random_settings(the->world);
                make_neighbourly(the);
                case_plan(the);
                changed = case_changed(the, port);
                for (guint k = 0; k < the->world->links->len; k++) {
                        const BwLink *link = &g_array_index(the->world->links, BwLink, k);

                        if (g_str_equal(link->name, port) || !same_owner(the, changed, link))
                                continue;
                        checked++;
                        check_same_port(the, changed, link->name);
                }
        }
        g_assert_cmpuint(checked, >, 1000);
}

/* What a port's chains say of it is read back from them */

static const BwIptRule noises[] = {
        { .foreign = true },
        { .target = BW_IPT_RETURN },
        { .source = { BW_FAMILY_IPV4, 32, { 10, 0, 0, 77 } }, .target = BW_IPT_DROP },
        { .source = { BW_FAMILY_IPV4, 32, { 10, 0, 0, 77 } },
          .destination = { BW_FAMILY_IPV4, 32, { 10, 0, 0, 78 } },
          .target = BW_IPT_RETURN },
        { .destination = { BW_FAMILY_IPV4, 32, { 10, 0, 0, 77 } }, .target = BW_IPT_RETURN },
        { .dhcp = BW_IPT_DHCP_REQUEST, .target = BW_IPT_RETURN },
};

/* (transfer full): with rules of others in between, which give nobody an address. */
static BwIptChain *make_noisy(const BwIptChain *chain) {
        BwIptChain *noisy = bw_ipt_chain_new(chain->name);

        g_array_append_vals(noisy->rules, chain->rules->data, chain->rules->len);
        for (unsigned i = bw_test_below(4); i-- > 0;) {
                BwIptRule noise = noises[bw_test_below(G_N_ELEMENTS(noises))];

                g_array_insert_val(noisy->rules, bw_test_below(noisy->rules->len + 1), noise);
        }
        return noisy;
}

static void read_own(const Case *the, const BwPortPlan *port, GArray *addresses, GArray *macs) {
        static const BwIptTable tables[] = { BW_IPT_RAW, BW_IPT_RAW6 };
        char name[BW_IPT_CHAIN_SIZE];

        bw_ipt_port_chain("i", port->name, name);
        for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
                const BwIptChain *chain = bw_ipt_find_chain(the->chains[tables[i]], name);
                g_autoptr(BwIptChain) noisy = chain ? make_noisy(chain) : NULL;

                if (noisy)
                        bw_ipt_former_add_own(noisy, addresses, macs);
        }
}

static bool is_made_of_mac(const BwPortPlan *port, const BwPrefix *address) {
        for (guint i = 0; i < port->macs->len; i++) {
                BwPrefix made = bw_owner_derive_link_local(&g_array_index(port->macs, BwMac, i));

                if (bw_prefix_equal(&made, address))
                        return true;
        }
        return false;
}

static bool has_prefix(const GArray *prefixes, const BwPrefix *sought) {
        for (guint i = 0; i < prefixes->len; i++)
                if (bw_prefix_equal(&g_array_index(prefixes, BwPrefix, i), sought))
                        return true;
        return false;
}

static void check_own_addresses(const BwPortPlan *port, const GArray *read) {
        bool has_any = port->state == BW_PORT_BOUND;

        for (guint i = 0; i < read->len; i++) {
                const BwPrefix *address = &g_array_index(read, BwPrefix, i);

                g_assert_true(has_prefix(port->addresses, address) ||
                              is_made_of_mac(port, address));
        }
        for (guint i = 0; has_any && i < port->addresses->len; i++)
                g_assert_true(has_prefix(read, &g_array_index(port->addresses, BwPrefix, i)));
        g_assert_true(read->len == 0 || has_any || port->state == BW_PORT_ANY_ADDRESS);
}

static void check_own_macs(const BwPortPlan *port, const GArray *read) {
        bool has_any = port->state == BW_PORT_BOUND || port->state == BW_PORT_UNADDRESSED;

        g_assert_cmpuint(read->len, ==, has_any ? port->macs->len : 0);
        for (guint i = 0; i < read->len; i++)
                g_assert_true(bw_mac_equal(&g_array_index(read, BwMac, i),
                                           &g_array_index(port->macs, BwMac, i)));
}

static void test_former(void) {
        guint read = 0;

        for (unsigned round = 0; round < ROUNDS / 4; round++) {
                g_autoptr(Case) the = case_new(12);

                for (guint i = 0; i < the->plan->bridges->len; i++) {
                        const BwBridgePlan *bridge = the->plan->bridges->pdata[i];

                        for (guint k = 0; k < bridge->ports->len; k++) {
                                g_autoptr(GArray) addresses =
                                        g_array_new(FALSE, FALSE, sizeof(BwPrefix));
                                g_autoptr(GArray) macs = g_array_new(FALSE, FALSE, sizeof(BwMac));

                                read_own(the, bridge->ports->pdata[k], addresses, macs);
                                check_own_addresses(bridge->ports->pdata[k], addresses);
                                check_own_macs(bridge->ports->pdata[k], macs);
                                read += addresses->len;
                        }
                }
        }
        g_assert_cmpuint(read, >, ROUNDS / 4);
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/ipt/meaning", test_meaning);
        g_test_add_func("/ipt/closed", test_closed);
        g_test_add_func("/ipt/names", test_names);
        g_test_add_func("/ipt/neighbours", test_neighbours);
        g_test_add_func("/ipt/former", test_former);
        return g_test_run();
}
