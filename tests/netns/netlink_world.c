/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "netlink_world.h"

#include <command.h>
#include <glib.h>
#include <netns.h>
#include <string.h>

static char *key_of(const BwFact *fact) {
        char mac[BW_MAC_TEXT_SIZE];
        g_autofree char *address = NULL;

        switch (fact->kind) {
        case BW_FACT_LINK:
        case BW_FACT_LINK_GONE:
                return g_strdup_printf("link %d", fact->link.ifindex);
        case BW_FACT_FDB:
        case BW_FACT_FDB_GONE:
                return g_strdup_printf("fdb %d %s %u", fact->fdb.bridge,
                                       bw_mac_print(&fact->fdb.mac, mac), fact->fdb.vlan);
        case BW_FACT_NEIGHBOUR:
        case BW_FACT_NEIGHBOUR_GONE:
                address = bw_prefix_print(&fact->neighbour.address);
                return g_strdup_printf("neighbour %d %s", fact->neighbour.ifindex, address);
        case BW_FACT_ADDRESS:
        case BW_FACT_ADDRESS_GONE:
                address = bw_prefix_print(&fact->address.address);
                return g_strdup_printf("address %d %s/%u", fact->address.ifindex, address,
                                       fact->address.prefix_length);
        case BW_FACT_SNAPSHOT_BEGIN:
        case BW_FACT_SNAPSHOT_END:
        case BW_FACT_OVERRUN:
        case BW_FACT_GUEST:
        case BW_FACT_GUEST_GONE:
        case BW_FACT_GUEST_SEEN:
        case BW_FACT_CONNECTED:
        case BW_FACT_DISCONNECTED:
                break;
        }
        g_assert_not_reached();
}

static char *value_of(const BwFact *fact) {
        const BwLink *link = &fact->link;
        char mac[BW_MAC_TEXT_SIZE];

        if (fact->kind == BW_FACT_LINK)
                return g_strdup_printf("%s %s kind %d master %d peer %d%s%s%s nf %d ageing %u",
                                       link->name, bw_mac_print(&link->mac, mac), link->kind,
                                       link->master, link->peer, link->up ? " up" : "",
                                       link->promiscuous ? " promisc" : "",
                                       link->stp_state == BW_STP_FORWARDING ? " forwarding" : "",
                                       link->switches & 1, link->ageing_centiseconds);
        if (fact->kind == BW_FACT_FDB)
                return g_strdup_printf("port %d%s", fact->fdb.port,
                                       fact->fdb.local ? " local" : "");
        if (fact->kind == BW_FACT_ADDRESS)
                return g_strdup("own");
        return g_strdup(bw_mac_print(&fact->neighbour.mac, mac));
}

static GHashTable *new_table(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void take_object(BwNetlinkWorld *world, const BwFact *fact) {
        GHashTable *table = world->coming ? world->coming : world->known;
        g_autofree char *key = key_of(fact);

        if (world->coming && world->tear) {
                world->tear = false;
                bw_test_run("ip link add late type veth peer name later");
        }
        if (fact->kind == BW_FACT_LINK || fact->kind == BW_FACT_FDB ||
            fact->kind == BW_FACT_NEIGHBOUR || fact->kind == BW_FACT_ADDRESS) {
                g_hash_table_replace(table, g_steal_pointer(&key), value_of(fact));
                return;
        }
        /* A snapshot names what is, not what is not. */
        g_assert_null(world->coming);
        g_hash_table_remove(table, key);
}

static void on_fact(const BwFact *fact, gpointer user) {
        BwNetlinkWorld *world = user;

        switch (fact->kind) {
        case BW_FACT_SNAPSHOT_BEGIN:
                g_assert_cmpint(fact->source, ==, BW_SOURCE_NETLINK);
                g_clear_pointer(&world->coming, g_hash_table_unref);
                world->coming = new_table();
                return;
        case BW_FACT_SNAPSHOT_END:
                g_assert_cmpint(fact->source, ==, BW_SOURCE_NETLINK);
                g_assert_nonnull(world->coming);
                g_hash_table_unref(world->known);
                world->known = g_steal_pointer(&world->coming);
                world->snapshots++;
                return;
        case BW_FACT_OVERRUN:
                g_assert_cmpint(fact->source, ==, BW_SOURCE_NETLINK);
                world->overruns++;
                if (world->on_overrun)
                        world->on_overrun(world);
                return;
        case BW_FACT_LINK:
        case BW_FACT_LINK_GONE:
        case BW_FACT_FDB:
        case BW_FACT_FDB_GONE:
        case BW_FACT_NEIGHBOUR:
        case BW_FACT_NEIGHBOUR_GONE:
        case BW_FACT_ADDRESS:
        case BW_FACT_ADDRESS_GONE:
                take_object(world, fact);
                return;
        case BW_FACT_GUEST:
        case BW_FACT_GUEST_GONE:
        case BW_FACT_GUEST_SEEN:
        case BW_FACT_CONNECTED:
        case BW_FACT_DISCONNECTED:
                g_assert_not_reached();
        }
}

void bw_netlink_world_dump(BwNetlinkWorld *world) {
        g_autoptr(GError) error = NULL;

        /* A torn dump is for the caller to repeat; here nobody changes anything meanwhile. */
        g_assert_true(bw_netlink_dump(world->netlink, &error));
        g_assert_no_error(error);
}

BwNetlinkWorld *bw_netlink_world_open(void) {
        BwNetlinkWorld *world = g_new0(BwNetlinkWorld, 1);
        g_autoptr(GError) error = NULL;

        world->known = new_table();
        world->netlink = bw_netlink_new(on_fact, world, &error);
        g_assert_no_error(error);
        bw_netlink_world_dump(world);
        return world;
}

void bw_netlink_world_close(BwNetlinkWorld *world) {
        bw_netlink_free(world->netlink);
        g_hash_table_unref(world->known);
        g_free(world);
}

const char *bw_netlink_world_find(const BwNetlinkWorld *world, const char *format, ...) {
        g_autofree char *key = NULL;
        va_list list;

        va_start(list, format);
        key = g_strdup_vprintf(format, list);
        va_end(list);
        return g_hash_table_lookup(world->known, key);
}

void bw_netlink_world_turn(void) {
        if (!g_main_context_iteration(NULL, FALSE))
                g_usleep(1000);
}

void bw_netlink_world_settle(void) {
        for (unsigned idle = 0; idle < 200; idle++) {
                if (g_main_context_iteration(NULL, FALSE))
                        idle = 0;
                g_usleep(1000);
        }
}

static void check_holds(const BwNetlinkWorld *world, const BwNetlinkWorld *other) {
        GHashTableIter iter;
        gpointer key, value;

        g_hash_table_iter_init(&iter, other->known);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
                const char *found = bw_netlink_world_find(world, "%s", (const char *) key);

                if (g_strcmp0(found, value) != 0)
                        g_test_message("%s: %s, not %s", (const char *) key, found,
                                       (const char *) value);
                g_assert_cmpstr(found, ==, value);
        }
}

void bw_netlink_world_check_fresh(BwNetlinkWorld *world) {
        BwNetlinkWorld *fresh = bw_netlink_world_open();

        bw_netlink_world_settle();
        check_holds(world, fresh);
        check_holds(fresh, world);
        bw_netlink_world_close(fresh);
}

static bool is_possible(void) {
        g_autofree char *ip = g_find_program_in_path("ip");
        g_autofree char *bridge = g_find_program_in_path("bridge");

        if (!ip || !bridge)
                g_print("1..0 # SKIP ip and bridge of iproute2 are needed\n");
        else if (!bw_test_enter_netns())
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
        else
                return true;
        return false;
}

int bw_netlink_world_run_tests(int argc, char **argv, void (*add_tests)(void)) {
        if (!is_possible())
                return 0;
        g_test_init(&argc, &argv, NULL);
        add_tests();
        return g_test_run();
}
