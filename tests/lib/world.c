/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world.h"

#include "random.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GUESTS 8

static void free_guest(gpointer guest) {
        bw_guest_free(guest);
}

BwTestWorld *bw_test_world_new(void) {
        BwTestWorld *world = g_new0(BwTestWorld, 1);

        world->links = g_array_new(FALSE, TRUE, sizeof(BwLink));
        world->addresses = g_array_new(FALSE, TRUE, sizeof(BwHostAddress));
        world->guests = g_ptr_array_new_with_free_func(free_guest);
        return world;
}

void bw_test_world_free(BwTestWorld *world) {
        if (!world)
                return;
        g_array_unref(world->links);
        g_array_unref(world->addresses);
        g_ptr_array_unref(world->guests);
        g_free(world);
}

BwTestWorld *bw_test_world_copy(const BwTestWorld *world) {
        BwTestWorld *copy = bw_test_world_new();

        g_array_append_vals(copy->links, world->links->data, world->links->len);
        g_array_append_vals(copy->addresses, world->addresses->data, world->addresses->len);
        copy->guests_known = world->guests_known;
        for (guint i = 0; i < world->guests->len; i++)
                g_ptr_array_add(copy->guests, bw_guest_copy(world->guests->pdata[i]));
        return copy;
}

BwMac bw_test_mac(const char *text) {
        BwMac mac = {};

        g_assert_true(bw_mac_parse(text, &mac, NULL));
        return mac;
}

BwPrefix bw_test_prefix(const char *text) {
        BwPrefix prefix = {};

        g_assert_true(bw_prefix_parse(text, &prefix, NULL));
        return prefix;
}

BwHostAddress bw_test_host_address(int ifindex, const char *text) {
        g_auto(GStrv) parts = g_strsplit(text, "/", 2);
        bool ipv6 = strchr(text, ':');
        uint8_t bytes[16];

        /* Not as in a configuration: the kernel lets a host have what no port may own. */
        g_assert_cmpint(inet_pton(ipv6 ? AF_INET6 : AF_INET, parts[0], bytes), ==, 1);
        return (BwHostAddress){ .ifindex = ifindex,
                                .address = bw_prefix_from_address(
                                        ipv6 ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4, bytes),
                                .prefix_length = (uint8_t) atoi(parts[1]) };
}

bool bw_test_has_host_address(const BwTestWorld *world, const BwHostAddress *address,
                              guint *ret_at) {
        for (guint i = 0; i < world->addresses->len; i++) {
                const BwHostAddress *other = &g_array_index(world->addresses, BwHostAddress, i);

                if (other->ifindex != address->ifindex ||
                    other->prefix_length != address->prefix_length ||
                    !bw_prefix_equal(&other->address, &address->address))
                        continue;
                *ret_at = i;
                return true;
        }
        return false;
}

BwGuest *bw_test_guest_new(const char *name, const char *uuid, bool active) {
        g_autofree char *xml = g_strdup_printf("<domain type='kvm'><name>x</name><uuid>%s</uuid>"
                                               "<devices/></domain>",
                                               uuid);
        BwGuest *guest = bw_guest_parse(xml, strlen(xml), NULL);

        g_assert_nonnull(guest);
        g_free(guest->name);
        guest->name = g_strdup(name);
        guest->active = active;
        return guest;
}

void bw_test_guest_add(BwGuest *guest, BwMac mac, const char *source, const char *target) {
        BwGuestInterface interface = { .mac = mac, .type = "bridge", .source = g_strdup(source) };

        g_strlcpy(interface.target, target ? target : "", sizeof(interface.target));
        g_array_append_val(guest->interfaces, interface);
}

BwLink bw_test_bridge(int ifindex, const char *name) {
        BwLink link = { .ifindex = ifindex,
                        .mac = { { 0x52, 0x54, 0, 0xbb, 0, (uint8_t) ifindex } },
                        .kind = BW_LINK_BRIDGE,
                        .up = true,
                        .switches = BW_SWITCH_ALL,
                        .switches_known = BW_SWITCH_ALL,
                        .ageing_centiseconds = 30000 };

        g_strlcpy(link.name, name, sizeof(link.name));
        return link;
}

BwLink bw_test_tap(int ifindex, const char *name, BwMac mac, int master) {
        BwLink link = { .ifindex = ifindex,
                        .mac = mac,
                        .kind = BW_LINK_TAP,
                        .master = master,
                        .up = true,
                        .running = true,
                        .stp_state = BW_STP_FORWARDING };

        link.mac.octet[0] = 0xfe;
        g_strlcpy(link.name, name, sizeof(link.name));
        return link;
}

/* Random worlds */

BwMac bw_test_random_mac(void) {
        return (BwMac){ { 0x52, 0x54, 0, 0, (uint8_t) bw_test_below(3),
                          (uint8_t) bw_test_below(8) } };
}

static bool name_is_taken(const BwTestWorld *world, const char *name) {
        for (guint i = 0; i < world->links->len; i++)
                if (g_str_equal(g_array_index(world->links, BwLink, i).name, name))
                        return true;
        return false;
}

static void random_free_name(const BwTestWorld *world, char name[static BW_IFNAME_SIZE]) {
        do
                bw_test_random_ifname(name);
        while (name_is_taken(world, name));
}

static const BwLink *random_link(const BwTestWorld *world) {
        return &g_array_index(world->links, BwLink, bw_test_below(world->links->len));
}

static int random_master(unsigned n_bridges) {
        unsigned choice = bw_test_below(12);

        if (choice == 0)
                return 0;
        return choice == 1 ? 99 : 1 + (int) bw_test_below(n_bridges);
}

static void add_random_port(BwTestWorld *world, int ifindex, unsigned n_bridges) {
        BwLink link = bw_test_tap(ifindex, "", bw_test_random_mac(), random_master(n_bridges));

        random_free_name(world, link.name);
        if (bw_test_once_in(6))
                link.mac.octet[0] = bw_test_once_in(2) ? 0x52 : 0x02;
        if (bw_test_once_in(3))
                link.kind = bw_test_once_in(2) ? BW_LINK_VETH : BW_LINK_OTHER;
        if (link.kind == BW_LINK_VETH && bw_test_once_in(2))
                link.peer = random_link(world)->ifindex;
        if (bw_test_once_in(20))
                memset(&link.mac, 0, sizeof(link.mac));
        bw_test_random_state(&link);
        g_array_append_val(world->links, link);
}

BwHostAddress bw_test_random_host_address(int ifindex) {
        static const char *const addresses[] = { "10.0.0.1/16",    "10.0.0.1/24",  "10.0.0.9/24",
                                                 "10.1.2.254/24",  "10.0.0.6/30",  "10.0.0.6/31",
                                                 "10.0.0.7/32",    "192.0.2.1/25", "127.0.0.5/8",
                                                 "10.0.0.1/1",     "10.9.9.9/0",   "200.0.0.1/3",
                                                 "2001:db8::1/64", "10.0.0.4/29",  "10.0.0.4/30",
                                                 "192.168.9.7/25" };

        return bw_test_host_address(ifindex, addresses[bw_test_below(G_N_ELEMENTS(addresses))]);
}

/* Half of them on a bridge. */
static void add_random_addresses(BwTestWorld *world, unsigned n_bridges) {
        unsigned n = bw_test_below(2 * n_bridges + 6);

        for (unsigned i = 0; i < n; i++) {
                int ifindex = bw_test_once_in(2) ? 1 + (int) bw_test_below(n_bridges)
                                                 : random_link(world)->ifindex;
                BwHostAddress address = bw_test_random_host_address(ifindex);
                guint at;

                if (!bw_test_has_host_address(world, &address, &at))
                        g_array_append_val(world->addresses, address);
        }
}

static void add_random_interface(const BwTestWorld *world, BwGuest *guest) {
        static const char *const types[] = { "bridge", "network", "ethernet" };
        const BwLink *link = random_link(world);
        BwMac mac = bw_test_random_mac();

        /* Half of them are of a link that is there. */
        if (bw_test_once_in(2) && link->mac.octet[0] == 0xfe) {
                mac = link->mac;
                mac.octet[0] = bw_test_once_in(8) ? 0x56 : 0x52;
        }
        if (bw_test_once_in(4))
                link = random_link(world);
        bw_test_guest_add(guest, mac, random_link(world)->name,
                          bw_test_once_in(3) ? NULL : link->name);
        if (bw_test_once_in(2)) {
                BwGuestInterface *interface = &g_array_index(guest->interfaces, BwGuestInterface,
                                                             guest->interfaces->len - 1);

                g_strlcpy(interface->type, types[bw_test_below(3)], sizeof(interface->type));
                interface->is_network = g_str_equal(interface->type, "network");
        }
}

static void add_random_guests(BwTestWorld *world) {
        unsigned n = bw_test_below(MAX_GUESTS + 1);

        for (unsigned i = 0; i < n; i++) {
                g_autofree char *uuid =
                        g_strdup_printf("aaaaaaaa-0000-4000-8000-%012x", bw_test_below(4) * 16 + i);
                g_autofree char *stem = bw_test_random_guest_name();
                g_autofree char *name = g_strdup_printf("%s-%u", stem, i);
                BwGuest *guest = bw_test_guest_new(name, uuid, !bw_test_once_in(3));
                unsigned n_interfaces = bw_test_below(4);

                guest->cpus = bw_test_once_in(4) ? BW_CPUS_ELSEWHERE : BW_CPUS_RUN;

                for (unsigned k = 0; k < n_interfaces; k++)
                        add_random_interface(world, guest);
                g_ptr_array_add(world->guests, guest);
        }
}

/* Both ends say so, as the kernel does. */
static void join_pairs(BwTestWorld *world) {
        BwLink *waiting = NULL;

        for (guint i = 0; i < world->links->len; i++) {
                BwLink *link = &g_array_index(world->links, BwLink, i);

                if (link->kind != BW_LINK_VETH || bw_test_once_in(8))
                        continue;
                if (!waiting) {
                        waiting = link;
                        continue;
                }
                waiting->peer = link->ifindex;
                link->peer = waiting->ifindex;
                if (bw_test_once_in(4))
                        link->master = 0;
                if (link->master == 0) {
                        BwHostAddress address = bw_test_random_host_address(link->ifindex);

                        g_array_append_val(world->addresses, address);
                }
                waiting = NULL;
        }
}

void bw_test_random_state(BwLink *link) {
        static const BwStpState states[] = { BW_STP_DISABLED, BW_STP_BLOCKING, BW_STP_LEARNING };

        link->up = !bw_test_once_in(10);
        link->running = !bw_test_once_in(10);
        link->stp_state = bw_test_once_in(6) ? states[bw_test_below(G_N_ELEMENTS(states))]
                                             : BW_STP_FORWARDING;
}

BwTestWorld *bw_test_random_world(unsigned most) {
        static const char *const names[] = { "virbr6", "br0", "br01" };
        BwTestWorld *world = bw_test_world_new();
        unsigned n_bridges = 1 + bw_test_below(3), n_ports = bw_test_below(most + 1);

        for (unsigned i = 0; i < n_bridges; i++) {
                BwLink bridge = bw_test_bridge((int) i + 1, names[i]);

                if (bw_test_once_in(8))
                        random_free_name(world, bridge.name);
                g_array_append_val(world->links, bridge);
        }
        for (unsigned i = 0; i < n_ports; i++)
                add_random_port(world, 10 + (int) i, n_bridges);
        join_pairs(world);
        add_random_addresses(world, n_bridges);
        add_random_guests(world);
        return world;
}

/* Facts */

void bw_test_tell_link(BwModel *model, const BwLink *link) {
        bw_model_apply(model, &(BwFact){ .kind = BW_FACT_LINK, .link = *link }, 0);
}

void bw_test_tell_link_gone(BwModel *model, int ifindex) {
        BwFact fact = { .kind = BW_FACT_LINK_GONE, .link = { .ifindex = ifindex } };

        bw_model_apply(model, &fact, 0);
}

void bw_test_tell_address(BwModel *model, const BwHostAddress *address) {
        bw_model_apply(model, &(BwFact){ .kind = BW_FACT_ADDRESS, .address = *address }, 0);
}

void bw_test_tell_address_gone(BwModel *model, const BwHostAddress *address) {
        bw_model_apply(model, &(BwFact){ .kind = BW_FACT_ADDRESS_GONE, .address = *address }, 0);
}

void bw_test_tell_guest(BwModel *model, const BwGuest *guest) {
        bw_model_apply(model, &(BwFact){ .kind = BW_FACT_GUEST, .guest = guest }, 0);
}

void bw_test_tell_of_libvirt(BwModel *model, BwFactKind kind) {
        bw_model_apply(model, &(BwFact){ .kind = kind, .source = BW_SOURCE_LIBVIRT }, 0);
}

BwModel *bw_test_model(const BwTestWorld *world) {
        BwModel *model = bw_model_new();

        bw_test_tell_of_libvirt(model, BW_FACT_SNAPSHOT_BEGIN);
        for (guint i = 0; i < world->guests->len; i++)
                bw_test_tell_guest(model, world->guests->pdata[i]);
        for (guint i = 0; i < world->links->len; i++)
                bw_test_tell_link(model, &g_array_index(world->links, BwLink, i));
        for (guint i = 0; i < world->addresses->len; i++)
                bw_test_tell_address(model, &g_array_index(world->addresses, BwHostAddress, i));
        if (world->guests_known)
                bw_test_tell_of_libvirt(model, BW_FACT_SNAPSHOT_END);
        return model;
}

/* The fact of that number: links first, then guests, then addresses. */
static void tell_number(BwModel *model, const BwTestWorld *world, guint number) {
        if (number < world->links->len) {
                bw_test_tell_link(model, &g_array_index(world->links, BwLink, number));
                return;
        }
        number -= world->links->len;
        if (number < world->guests->len) {
                bw_test_tell_guest(model, world->guests->pdata[number]);
                return;
        }
        number -= world->guests->len;
        bw_test_tell_address(model, &g_array_index(world->addresses, BwHostAddress, number));
}

BwModel *bw_test_shuffled_model(const BwTestWorld *world) {
        guint n = world->links->len + world->guests->len + world->addresses->len;
        g_autofree guint *order = g_new(guint, n + 1);
        BwModel *model = bw_model_new();

        for (guint i = 0; i < n; i++)
                order[i] = i;
        bw_test_shuffle(order, n, sizeof(*order));
        bw_test_tell_of_libvirt(model, BW_FACT_SNAPSHOT_BEGIN);
        for (guint i = 0; i < n; i++)
                tell_number(model, world, order[i]);
        if (world->guests_known)
                bw_test_tell_of_libvirt(model, BW_FACT_SNAPSHOT_END);
        return model;
}
