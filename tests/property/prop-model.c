/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Only the world counts, not how it came to be known
 *
 * Random walks of a small kernel and a small libvirt are told to a model, out of
 * step with each other, with news lost and snapshots in between. Whatever the
 * walk, the plan and the chains are those of a fresh model that is told nothing
 * but the world as it is now, and what its borders may carry is what the oracle
 * finds by walking the graph.
 */

#include "oracle_place.h"
#include "plan_text.h"
#include "random.h"
#include "settings.h"

#include <bw/border.h>
#include <bw/owner.h>
#include <string.h>

#define ROUNDS 700
#define STEPS  60
#define CLAIMS 4

static const char gateway[] = "10.77.0.1";
/* By BwTestPlace. */
static unsigned places[3], mac_places[3];

/* The world as told: what a model must know after the same facts, stated with lists and loops. */
typedef struct Told {
        BwTestWorld *world;
        GArray *unseen_links;     /* ifindex; what a netlink snapshot has not named yet */
        GArray *unseen_addresses; /* BwHostAddress */
        GPtrArray *unseen_uuids;  /* char *, of a libvirt snapshot */
} Told;

typedef struct Walk {
        BwTestWorld *truth; /* what kernel and libvirt would say */
        BwTestSettings *settings;
        BwConfig *config;
        BwModel *model;
        Told told;
        int next_ifindex;
        bool deaf;  /* netlink news is being lost */
        bool alone; /* libvirt does not answer */
} Walk;

/* What was said of a target name was said of the link that had it. */
static void forget_target(Told *told, const char *name) {
        for (guint i = 0; i < told->world->guests->len; i++) {
                GArray *interfaces = ((BwGuest *) told->world->guests->pdata[i])->interfaces;

                for (guint k = 0; k < interfaces->len; k++) {
                        BwGuestInterface *interface =
                                &g_array_index(interfaces, BwGuestInterface, k);

                        if (g_str_equal(interface->target, name))
                                memset(interface->target, 0, sizeof(interface->target));
                }
        }
}

static void told_link_gone(Told *told, int ifindex) {
        GArray *links = told->world->links;

        for (guint i = 0; i < links->len; i++) {
                BwLink link = g_array_index(links, BwLink, i);

                if (link.ifindex != ifindex)
                        continue;
                g_array_remove_index(links, i);
                forget_target(told, link.name);
                return;
        }
}

/* Two links cannot have one name: who is said to have it now has taken it from a link that is no
 * more, or is called something else. */
static void told_link(Told *told, const BwLink *link) {
        GArray *links = told->world->links;

        for (guint i = 0; i < links->len; i++) {
                BwLink other = g_array_index(links, BwLink, i);

                if (other.ifindex != link->ifindex && g_str_equal(other.name, link->name)) {
                        told_link_gone(told, other.ifindex);
                        break;
                }
        }
        for (guint i = 0; i < told->unseen_links->len; i++)
                if (g_array_index(told->unseen_links, int, i) == link->ifindex)
                        g_array_remove_index(told->unseen_links, i--);
        for (guint i = 0; i < links->len; i++) {
                BwLink *known = &g_array_index(links, BwLink, i);
                BwLink former = *known;

                if (known->ifindex != link->ifindex)
                        continue;
                *known = *link;
                if (!g_str_equal(former.name, link->name))
                        forget_target(told, former.name);
                return;
        }
        g_array_append_val(links, *link);
}

static BwGuest *find_guest(const BwTestWorld *world, const char *uuid, guint *ret_at) {
        for (guint i = 0; i < world->guests->len; i++) {
                BwGuest *guest = world->guests->pdata[i];

                if (!g_str_equal(guest->uuid, uuid))
                        continue;
                *ret_at = i;
                return guest;
        }
        return NULL;
}

static void told_guest_gone(Told *told, const char *uuid) {
        guint at;

        if (find_guest(told->world, uuid, &at))
                g_ptr_array_remove_index(told->world->guests, at);
}

/* Whether it runs here: what it is like now says so, or else what it was like before. Nobody knows
 * that of whoever was there before libvirt had told all. */
static BwGuestCpus judge_cpus(const Told *told, const BwGuest *guest) {
        guint at;
        const BwGuest *former = find_guest(told->world, guest->uuid, &at);

        if (guest->cpus == BW_CPUS_ELSEWHERE)
                return BW_CPUS_ELSEWHERE;
        if (guest->cpus != BW_CPUS_REST)
                return BW_CPUS_RUN;
        if (former && former->active)
                return former->cpus;
        return told->world->guests_known ? BW_CPUS_ELSEWHERE : BW_CPUS_RUN;
}

static void told_guest(Told *told, const BwGuest *guest) {
        BwGuest *copy = bw_guest_copy(guest);

        copy->cpus = judge_cpus(told, guest);
        for (guint i = 0; i < told->unseen_uuids->len; i++)
                if (g_str_equal(told->unseen_uuids->pdata[i], guest->uuid))
                        g_ptr_array_remove_index(told->unseen_uuids, i--);
        told_guest_gone(told, guest->uuid);
        g_ptr_array_add(told->world->guests, copy);
}

static void told_address_gone(Told *told, const BwHostAddress *address) {
        guint at;

        if (bw_test_has_host_address(told->world, address, &at))
                g_array_remove_index(told->world->addresses, at);
}

static void told_address(Told *told, const BwHostAddress *address) {
        BwTestWorld unseen = { .addresses = told->unseen_addresses };
        guint at;

        if (bw_test_has_host_address(&unseen, address, &at))
                g_array_remove_index(unseen.addresses, at);
        if (!bw_test_has_host_address(told->world, address, &at))
                g_array_append_val(told->world->addresses, *address);
}

static void forget_addresses_of(GArray *addresses, int ifindex) {
        for (guint i = addresses->len; i-- > 0;)
                if (g_array_index(addresses, BwHostAddress, i).ifindex == ifindex)
                        g_array_remove_index(addresses, i);
}

/* To both */

static void tell(Walk *walk, const BwFact *fact) {
        bw_model_apply(walk->model, fact, 0);
}

static void say_link(Walk *walk, const BwLink *link) {
        if (walk->deaf)
                return;
        tell(walk, &(BwFact){ .kind = BW_FACT_LINK, .link = *link });
        told_link(&walk->told, link);
}

static void say_link_gone(Walk *walk, int ifindex) {
        if (walk->deaf)
                return;
        tell(walk, &(BwFact){ .kind = BW_FACT_LINK_GONE, .link = { .ifindex = ifindex } });
        told_link_gone(&walk->told, ifindex);
        forget_addresses_of(walk->told.world->addresses, ifindex);
}

static void say_address(Walk *walk, const BwHostAddress *address) {
        if (walk->deaf)
                return;
        bw_test_tell_address(walk->model, address);
        told_address(&walk->told, address);
}

static void say_address_gone(Walk *walk, const BwHostAddress *address) {
        if (walk->deaf)
                return;
        bw_test_tell_address_gone(walk->model, address);
        told_address_gone(&walk->told, address);
}

static void say_guest(Walk *walk, const BwGuest *guest) {
        if (walk->alone)
                return;
        tell(walk, &(BwFact){ .kind = BW_FACT_GUEST, .guest = guest });
        told_guest(&walk->told, guest);
}

static void say_guest_gone(Walk *walk, const char *uuid) {
        if (walk->alone)
                return;
        tell(walk, &(BwFact){ .kind = BW_FACT_GUEST_GONE, .uuid = uuid });
        told_guest_gone(&walk->told, uuid);
}

/* What can happen in the kernel */

static BwLink *random_truth(const Walk *walk) {
        GArray *links = walk->truth->links;

        return &g_array_index(links, BwLink, bw_test_below(links->len));
}

static bool name_is_free(const Walk *walk, const char *name) {
        for (guint i = 0; i < walk->truth->links->len; i++)
                if (g_str_equal(g_array_index(walk->truth->links, BwLink, i).name, name))
                        return false;
        return true;
}

/* Often one the settings speak of. */
static bool random_free_name(const Walk *walk, char name[static BW_IFNAME_SIZE]) {
        const GPtrArray *sections = walk->settings->sections;
        const BwTestSection *section = sections->pdata[bw_test_below(sections->len)];

        bw_test_random_ifname(name);
        if (section->kind == BW_TEST_PORT && !bw_test_once_in(4))
                g_strlcpy(name, section->name, BW_IFNAME_SIZE);
        return name_is_free(walk, name);
}

static void add_link(Walk *walk) {
        BwLink link = *random_truth(walk);

        if (link.kind == BW_LINK_BRIDGE || !random_free_name(walk, link.name))
                return;
        link.ifindex = walk->next_ifindex++;
        g_array_append_val(walk->truth->links, link);
        say_link(walk, &link);
}

static void remove_link(Walk *walk, BwLink *link) {
        BwLink former = *link;

        g_array_remove_index(walk->truth->links,
                             (guint) (link - (BwLink *) (void *) walk->truth->links->data));
        if (former.master && bw_test_once_in(2)) {
                former.master = 0;
                say_link(walk, &former);
        }
        forget_addresses_of(walk->truth->addresses, former.ifindex);
        say_link_gone(walk, former.ifindex);
}

/* There it goes, or there it comes. */
static void turn_address(Walk *walk, const BwLink *link) {
        BwHostAddress address = bw_test_random_host_address(link->ifindex);
        guint at;

        if (bw_test_has_host_address(walk->truth, &address, &at)) {
                g_array_remove_index(walk->truth->addresses, at);
                say_address_gone(walk, &address);
        } else {
                g_array_append_val(walk->truth->addresses, address);
                say_address(walk, &address);
        }
}

/* Gone, and at once there again: the same name, perhaps somebody else's. */
static void replace_link(Walk *walk, BwLink *link) {
        BwLink successor = *link;

        successor.ifindex = walk->next_ifindex++;
        if (bw_test_once_in(2))
                successor.mac.octet[5] ^= 1;
        remove_link(walk, link);
        g_array_append_val(walk->truth->links, successor);
        say_link(walk, &successor);
}

static void rename_link(Walk *walk, BwLink *link) {
        char name[BW_IFNAME_SIZE];

        if (!random_free_name(walk, name))
                return;
        memcpy(link->name, name, sizeof(name));
        say_link(walk, link);
}

static void swap_names(Walk *walk, BwLink *a, BwLink *b) {
        BwLink left = *a, right = *b;

        if (a == b || !name_is_free(walk, "between"))
                return;
        g_strlcpy(a->name, "between", sizeof(a->name));
        say_link(walk, a);
        memcpy(b->name, left.name, sizeof(b->name));
        say_link(walk, b);
        memcpy(a->name, right.name, sizeof(a->name));
        say_link(walk, a);
}

/* Its end is moved into another namespace, or comes back. */
static void turn_peer(Walk *walk, BwLink *link) {
        BwLink *other = random_truth(walk);

        if (link->kind != BW_LINK_VETH || link == other)
                return;
        for (guint i = 0; i < walk->truth->links->len; i++) {
                BwLink *former = &g_array_index(walk->truth->links, BwLink, i);

                if (former->kind == BW_LINK_VETH &&
                    (former->peer == link->ifindex || former->peer == other->ifindex)) {
                        former->peer = 0;
                        say_link(walk, former);
                }
        }
        link->peer = other->kind == BW_LINK_VETH ? other->ifindex : 0;
        say_link(walk, link);
        if (!link->peer)
                return;
        other->peer = link->ifindex;
        say_link(walk, other);
}

/* Up, down, blocked by spanning tree, without a carrier. */
static void turn_state(Walk *walk, BwLink *link) {
        bw_test_random_state(link);
        say_link(walk, link);
}

static void step_kernel(Walk *walk) {
        BwLink *link = random_truth(walk);

        switch (bw_test_below(link->kind == BW_LINK_BRIDGE ? 3 : 10)) {
        case 8:
                turn_peer(walk, link);
                return;
        case 9:
                turn_state(walk, link);
                return;
        case 0:
                add_link(walk);
                return;
        case 1:
                link->up = !link->up;
                say_link(walk, link);
                return;
        case 2:
                turn_address(walk, link);
                return;
        case 3:
                remove_link(walk, link);
                return;
        case 4:
                replace_link(walk, link);
                return;
        case 5:
                rename_link(walk, link);
                return;
        case 6:
                link->master = (int) bw_test_below(4);
                say_link(walk, link);
                return;
        default:
                swap_names(walk, link, random_truth(walk));
                return;
        }
}

/* What can happen in libvirt */

static void retarget(Walk *walk, BwGuest *guest) {
        for (guint i = 0; i < guest->interfaces->len; i++) {
                BwGuestInterface *interface =
                        &g_array_index(guest->interfaces, BwGuestInterface, i);
                const char *name = guest->active ? random_truth(walk)->name : "";

                memset(interface->target, 0, sizeof(interface->target));
                memcpy(interface->target, name, strlen(name));
        }
}

static void step_libvirt(Walk *walk) {
        GPtrArray *guests = walk->truth->guests;
        guint at = guests->len ? bw_test_below(guests->len) : 0;
        BwGuest *guest = guests->len ? guests->pdata[at] : NULL;

        if (!guest)
                return;
        if (bw_test_once_in(10)) {
                say_guest_gone(walk, guest->uuid);
                g_ptr_array_remove_index(guests, at);
                return;
        }
        if (bw_test_once_in(2))
                guest->active = !guest->active;
        if (bw_test_once_in(2))
                retarget(walk, guest);
        if (bw_test_once_in(2))
                guest->cpus = (BwGuestCpus) bw_test_below(BW_CPUS_ELSEWHERE + 1);
        say_guest(walk, guest);
}

/* Snapshots, with news in between. */

static void take_netlink_snapshot(Walk *walk, bool disturbed) {
        GArray *unseen = walk->told.unseen_links;
        g_autoptr(GArray) listed = g_array_copy(walk->truth->links);

        walk->deaf = false;
        tell(walk, &(BwFact){ .kind = BW_FACT_SNAPSHOT_BEGIN, .source = BW_SOURCE_NETLINK });
        g_array_set_size(unseen, 0);
        for (guint i = 0; i < walk->told.world->links->len; i++)
                g_array_append_val(unseen,
                                   g_array_index(walk->told.world->links, BwLink, i).ifindex);
        g_array_set_size(walk->told.unseen_addresses, 0);
        g_array_append_vals(walk->told.unseen_addresses, walk->told.world->addresses->data,
                            walk->told.world->addresses->len);
        for (guint i = 0; i < listed->len; i++) {
                say_link(walk, &g_array_index(listed, BwLink, i));
                if (disturbed && bw_test_once_in(8))
                        step_libvirt(walk);
        }
        for (guint i = 0; i < walk->truth->addresses->len; i++)
                say_address(walk, &g_array_index(walk->truth->addresses, BwHostAddress, i));
        tell(walk, &(BwFact){ .kind = BW_FACT_SNAPSHOT_END, .source = BW_SOURCE_NETLINK });
        while (unseen->len > 0) {
                int ifindex = g_array_index(unseen, int, unseen->len - 1);

                g_array_set_size(unseen, unseen->len - 1);
                told_link_gone(&walk->told, ifindex);
        }
        for (guint i = 0; i < walk->told.unseen_addresses->len; i++)
                told_address_gone(&walk->told,
                                  &g_array_index(walk->told.unseen_addresses, BwHostAddress, i));
        g_array_set_size(walk->told.unseen_addresses, 0);
}

static void take_libvirt_snapshot(Walk *walk, bool disturbed) {
        GPtrArray *unseen = walk->told.unseen_uuids;

        walk->alone = false;
        bw_test_tell_of_libvirt(walk->model, BW_FACT_SNAPSHOT_BEGIN);
        g_ptr_array_set_size(unseen, 0);
        for (guint i = 0; i < walk->told.world->guests->len; i++)
                g_ptr_array_add(unseen,
                                g_strdup(((BwGuest *) walk->told.world->guests->pdata[i])->uuid));
        for (guint i = 0; i < walk->truth->guests->len; i++) {
                say_guest(walk, walk->truth->guests->pdata[i]);
                if (disturbed && bw_test_once_in(8))
                        step_kernel(walk);
        }
        bw_test_tell_of_libvirt(walk->model, BW_FACT_SNAPSHOT_END);
        walk->told.world->guests_known = true;
        for (guint i = 0; i < unseen->len; i++)
                told_guest_gone(&walk->told, unseen->pdata[i]);
        g_ptr_array_set_size(unseen, 0);
}

/* It is asked again, or does not answer: news of guests may have been missed. */
static void lose_libvirt(Walk *walk) {
        walk->alone = bw_test_once_in(2);
        bw_test_tell_of_libvirt(walk->model,
                                walk->alone ? BW_FACT_DISCONNECTED : BW_FACT_CONNECTED);
        walk->told.world->guests_known = false;
}

/* Another role for a port: an uplink becomes a link, or nobody says it any more. */
static void reload(Walk *walk) {
        GPtrArray *sections = walk->settings->sections;
        BwTestSection *section = sections->pdata[bw_test_below(sections->len)];

        section->has_role = !bw_test_once_in(3);
        section->role = (BwRole) bw_test_below(BW_ROLE_UPLINK + 1);
        bw_config_free(walk->config);
        walk->config = bw_test_config(walk->settings);
}

static void step(Walk *walk) {
        switch (bw_test_below(21)) {
        case 9:
                lose_libvirt(walk);
                return;
        case 8:
                reload(walk);
                return;
        case 7:
                walk->alone = true;
                return;
        case 0:
                walk->deaf = !walk->deaf;
                return;
        case 1:
                take_netlink_snapshot(walk, true);
                return;
        case 2:
                take_libvirt_snapshot(walk, true);
                return;
        case 3:
        case 4:
        case 5:
        case 6:
                step_libvirt(walk);
                return;
        default:
                step_kernel(walk);
                return;
        }
}

/* Comparison */

static void check_same(BwModel *model, BwModel *fresh, const BwConfig *config) {
        g_autoptr(BwPlan) plan = bw_plan_new(model, config);
        g_autoptr(BwPlan) other = bw_plan_new(fresh, config);
        g_autofree char *text = bw_test_plan_text(plan);
        g_autofree char *other_text = bw_test_plan_text(other);
        g_autofree char *tables = bw_test_tables_text(plan);
        g_autofree char *other_tables = bw_test_tables_text(other);

        g_assert_cmpstr(text, ==, other_text);
        g_assert_cmpstr(tables, ==, other_tables);
}

static BwTestPlace place_of(const BwSegmentPlan *segment, const BwPortPlan *border, bool owned,
                            guint site) {
        if (!owned)
                return BW_TEST_NOBODYS;
        return bw_border_leads_to(segment, site, border) ? BW_TEST_BEHIND : BW_TEST_FOREIGN;
}

static void check_address(const BwSegmentPlan *segment, const BwPortPlan *border,
                          const BwTestOracle *oracle, const BwTestPort *right,
                          const BwPrefix *address) {
        const BwOwnedAddress *owned = bw_border_find_address(segment, address);
        BwTestPlace place = place_of(segment, border, owned, owned ? owned->site : 0);

        if (place != bw_test_oracle_place(oracle, right, address)) {
                g_autofree char *text = bw_prefix_print(address);

                g_error("%s at %s: the plan says %d, the oracle %d", text, border->name, place,
                        bw_test_oracle_place(oracle, right, address));
        }
        places[place]++;
}

static void check_mac(const BwSegmentPlan *segment, const BwPortPlan *border,
                      const BwTestOracle *oracle, const BwTestPort *right, const BwMac *mac) {
        const BwOwnedMac *owned = bw_border_find_mac(segment, mac);
        BwTestPlace place = place_of(segment, border, owned, owned ? owned->site : 0);

        g_assert_cmpint(place, ==, bw_test_oracle_place_of_mac(oracle, right, mac));
        mac_places[place]++;
}

/* Somebody's, the gateway's, or anybody's. */
static BwPrefix random_claim(const BwTestOracle *oracle) {
        const GArray *addresses = oracle->world->addresses;
        const BwTestPort *port =
                &g_array_index(oracle->ports, BwTestPort, bw_test_below(oracle->ports->len));
        BwPrefix claim;

        if (bw_test_once_in(8))
                return bw_test_prefix(gateway);
        if (addresses->len > 0 && bw_test_once_in(4))
                return g_array_index(addresses, BwHostAddress, bw_test_below(addresses->len))
                        .address;
        claim = port->addresses->len > 0 ? g_array_index(port->addresses, BwPrefix,
                                                         bw_test_below(port->addresses->len))
                                         : bw_test_random_address();
        /* Of a network, its first address. */
        claim.length = claim.family == BW_FAMILY_IPV4 ? 32 : 128;
        return claim;
}

static BwMac random_mac_claim(const BwTestOracle *oracle) {
        const GArray *links = oracle->world->links;

        return bw_test_once_in(4) ? g_array_index(links, BwLink, bw_test_below(links->len)).mac
                                  : bw_test_random_mac();
}

static void check_border(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *border,
                         const BwTestOracle *oracle) {
        const BwSegmentPlan *segment = plan->segments->pdata[bridge->segment];
        const BwTestPort *right = bw_test_oracle_port(oracle, bridge->name, border->name);

        g_assert_nonnull(right);
        for (unsigned i = 0; i < CLAIMS; i++) {
                BwPrefix address = random_claim(oracle);
                BwMac mac = random_mac_claim(oracle);
                BwPrefix derived = bw_owner_derive_link_local(&mac);
                static const BwMac none = {};

                check_address(segment, border, oracle, right, &address);
                check_address(segment, border, oracle, right, &derived);
                if (!bw_mac_equal(&mac, &none))
                        check_mac(segment, border, oracle, right, &mac);
        }
}

static void check_borders(const Walk *walk, const BwTestWorld *world) {
        g_autoptr(BwTestOracle) oracle = bw_test_oracle_new(world, walk->settings);
        g_autoptr(BwPlan) plan = bw_plan_new(walk->model, walk->config);
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *port = bridge->ports->pdata[k];

                        if (port->state == BW_PORT_BORDER)
                                check_border(plan, bridge, port, oracle);
                }
        }
}

static void check_as(const Walk *walk, const BwTestWorld *world) {
        g_autoptr(BwModel) fresh = bw_test_shuffled_model(world);

        check_same(walk->model, fresh, walk->config);
        check_borders(walk, world);
}

/* Every link is found by its number, and by no other; all are listed in the order of their names.
 */
static void check_questions(const Walk *walk) {
        g_autoptr(GPtrArray) links = bw_model_list_links(walk->model);
        const GArray *told = walk->told.world->links;

        g_assert_cmpuint(links->len, ==, told->len);
        for (guint i = 0; i < told->len; i++) {
                const BwLink *link = &g_array_index(told, BwLink, i);
                const BwLink *found = bw_model_find_link(walk->model, link->ifindex);

                g_assert_nonnull(found);
                g_assert_cmpstr(found->name, ==, link->name);
        }
        for (guint i = 1; i < links->len; i++)
                g_assert_cmpint(strcmp(((BwLink *) links->pdata[i - 1])->name,
                                       ((BwLink *) links->pdata[i])->name),
                                <, 0);
        g_assert_null(bw_model_find_link(walk->model, 1 << 30));
}

/* Nobody has that one; and one that somebody may have. */
static void name_gateways(BwTestSettings *settings) {
        for (guint i = 0; i < settings->bridge_sections->len; i++) {
                GArray *gateways =
                        g_array_index(settings->bridge_sections, BwTestBridge, i).gateways;
                BwPrefix address = bw_test_prefix(gateway);

                if (bw_test_once_in(2))
                        g_array_append_val(gateways, address);
                address = bw_test_random_address();
                address.length = address.family == BW_FAMILY_IPV4 ? 32 : 128;
                if (bw_test_once_in(2))
                        g_array_append_val(gateways, address);
        }
}

static Walk *walk_new(void) {
        Walk *walk = g_new0(Walk, 1);

        walk->truth = bw_test_random_world(12);
        walk->settings = bw_test_random_settings(walk->truth);
        walk->settings->mode = BW_MODE_ENFORCE;
        name_gateways(walk->settings);
        walk->config = bw_test_config(walk->settings);
        walk->model = bw_model_new();
        walk->told.world = bw_test_world_new();
        walk->told.unseen_links = g_array_new(FALSE, FALSE, sizeof(int));
        walk->told.unseen_addresses = g_array_new(FALSE, FALSE, sizeof(BwHostAddress));
        walk->told.unseen_uuids = g_ptr_array_new_with_free_func(g_free);
        walk->next_ifindex = 100;
        return walk;
}

static void walk_free(Walk *walk) {
        g_ptr_array_unref(walk->told.unseen_uuids);
        g_array_unref(walk->told.unseen_addresses);
        g_array_unref(walk->told.unseen_links);
        bw_test_world_free(walk->told.world);
        bw_model_free(walk->model);
        bw_config_free(walk->config);
        bw_test_settings_free(walk->settings);
        bw_test_world_free(walk->truth);
        g_free(walk);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Walk, walk_free)

static void test_walks(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(Walk) walk = walk_new();

                take_netlink_snapshot(walk, false);
                for (unsigned k = 0; k < STEPS; k++) {
                        step(walk);
                        if (bw_test_once_in(8)) {
                                check_as(walk, walk->told.world);
                                check_questions(walk);
                        }
                }
                take_netlink_snapshot(walk, false);
                check_as(walk, walk->told.world);
        }
        for (unsigned i = BW_TEST_NOBODYS; i <= BW_TEST_FOREIGN; i++) {
                g_test_message("place %u: %u addresses, %u MACs", i, places[i], mac_places[i]);
                g_assert_cmpuint(places[i], >, 500);
                g_assert_cmpuint(mac_places[i], >, 100);
        }
}

/* Whether who stands still has run is not in a snapshot. */
static void wake_everybody(Walk *walk) {
        for (guint i = 0; i < walk->truth->guests->len; i++) {
                BwGuest *guest = walk->truth->guests->pdata[i];

                if (guest->cpus != BW_CPUS_ELSEWHERE)
                        guest->cpus = BW_CPUS_RUN;
        }
        walk->truth->guests_known = true;
}

/* Forgetting: after a snapshot of each source, nothing of the walk is left. */
static void test_snapshot_forgets(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(Walk) walk = walk_new();

                for (unsigned k = 0; k < STEPS / 3; k++)
                        step(walk);
                wake_everybody(walk);
                take_netlink_snapshot(walk, false);
                take_libvirt_snapshot(walk, false);
                check_as(walk, walk->truth);
        }
}

/* The same facts in any order. */
static void test_order_does_not_matter(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                g_autoptr(Walk) walk = walk_new();
                g_autoptr(BwModel) first = bw_test_model(walk->truth);
                g_autoptr(BwModel) second = bw_test_shuffled_model(walk->truth);

                check_same(first, second, walk->config);
        }
}

int main(int argc, char **argv) {
        bw_test_init(argc, argv);
        g_test_add_func("/model/walks", test_walks);
        g_test_add_func("/model/snapshot-forgets", test_snapshot_forgets);
        g_test_add_func("/model/order-does-not-matter", test_order_does_not_matter);
        return g_test_run();
}
