/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world.h"

#include <bw/link_addresses.h>
#include <bw/plan.h>

#define KALI3 "52:54:00:00:00:03"
#define KALI4 "52:54:00:00:00:04"
#define UUID3 "33333333-0000-4000-8000-000000000000"
#define UUID4 "44444444-0000-4000-8000-000000000000"

/* A bridge with the number 1, and two guests that are not plugged in yet. */
static BwModel *model_with_bridge(void) {
        BwModel *model = bw_model_new();
        BwLink bridge = bw_test_bridge(1, "virbr6");

        bw_test_tell_link(model, &bridge);
        return model;
}

static unsigned tell_tap(BwModel *model, int ifindex, const char *name, const char *mac) {
        BwFact fact = { .kind = BW_FACT_LINK,
                        .link = bw_test_tap(ifindex, name, bw_test_mac(mac), 1) };

        return bw_model_apply(model, &fact, 0);
}

static unsigned tell_veth(BwModel *model, int ifindex, const char *name) {
        BwFact fact = { .kind = BW_FACT_LINK,
                        .link = bw_test_tap(ifindex, name, bw_test_mac(KALI3), 1) };

        fact.link.kind = BW_LINK_VETH;
        fact.link.mac.octet[0] = 0x02;
        return bw_model_apply(model, &fact, 0);
}

static void tell_guest(BwModel *model, const char *uuid, const char *mac, const char *target) {
        g_autoptr(BwGuest) guest =
                bw_test_guest_new(uuid[0] == '3' ? "kali3" : "kali4", uuid, true);

        bw_test_guest_add(guest, bw_test_mac(mac), "virbr6", target);
        bw_test_tell_guest(model, guest);
}

static void tell_defined(BwModel *model, const char *uuid, const char *mac) {
        g_autoptr(BwGuest) guest =
                bw_test_guest_new(uuid[0] == '3' ? "kali3" : "kali4", uuid, false);

        bw_test_guest_add(guest, bw_test_mac(mac), "virbr6", NULL);
        bw_test_tell_guest(model, guest);
}

static void tell_source(BwModel *model, BwFactKind kind, BwSource source) {
        bw_model_apply(model, &(BwFact){ .kind = kind, .source = source }, 0);
}

/* The link that is called @name, or NULL. */
static const BwLink *link_of(const BwModel *model, const char *name) {
        g_autoptr(GPtrArray) links = bw_model_list_links(model);
        const BwLink *found = NULL;

        for (guint i = 0; i < links->len; i++) {
                const BwLink *link = links->pdata[i];

                if (!g_str_equal(link->name, name))
                        continue;
                g_assert_null(found);
                found = link;
        }
        return found;
}

/* Whose port @name is now: "kali3", or "" for nobody's. */
static const char *owner_of(BwModel *model, const char *name) {
        const BwLink *link = link_of(model, name);
        const BwGuest *guest = NULL;

        g_assert_nonnull(link);
        return bw_model_find_interface(model, link, &guest) ? guest->name : "";
}

static void test_tap_of_a_running_guest(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        tell_guest(model, UUID3, KALI3, "vnet0");
        tell_tap(model, 10, "vnet0", KALI3);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "kali3");
}

static void test_tap_before_its_guest(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        g_assert_true(tell_tap(model, 10, "vnet0", KALI3) & BW_CHANGE_RELOAD_GUESTS);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "");
        tell_guest(model, UUID3, KALI3, NULL);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "kali3");
}

/* libvirt still says vnet0 is kali3's, but the tap's MAC says it is kali4's. */
static void test_name_passes_to_another_guest(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        tell_guest(model, UUID3, KALI3, "vnet0");
        tell_tap(model, 10, "vnet0", KALI3);
        bw_test_tell_link_gone(model, 10);
        tell_tap(model, 11, "vnet0", KALI4);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "");
        tell_guest(model, UUID3, KALI3, "vnet0");
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "");
        tell_guest(model, UUID4, KALI4, "vnet0");
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "kali4");
}

static void test_tap_without_libvirts_mac_is_nobodys(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        BwLink tap = bw_test_tap(10, "vnet0", bw_test_mac(KALI3), 1);

        tap.mac.octet[0] = 0x52;
        tell_guest(model, UUID3, KALI3, "vnet0");
        bw_test_tell_link(model, &tap);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "");
}

static void test_stale_target_binds_nobody(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        tell_guest(model, UUID3, KALI3, "lxc0");
        tell_veth(model, 10, "lxc0");
        g_assert_cmpstr(owner_of(model, "lxc0"), ==, "kali3");
        bw_test_tell_link_gone(model, 10);
        g_assert_true(tell_veth(model, 11, "lxc0") & BW_CHANGE_RELOAD_GUESTS);
        g_assert_cmpstr(owner_of(model, "lxc0"), ==, "");
        tell_guest(model, UUID3, KALI3, "lxc0");
        g_assert_cmpstr(owner_of(model, "lxc0"), ==, "kali3");
}

static void test_renamed_port_takes_no_target_along(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        tell_guest(model, UUID3, KALI3, "lxc0");
        tell_veth(model, 10, "lxc0");
        tell_veth(model, 10, "lxc1");
        g_assert_null(link_of(model, "lxc0"));
        g_assert_cmpstr(owner_of(model, "lxc1"), ==, "");
        tell_veth(model, 11, "lxc0");
        g_assert_cmpstr(owner_of(model, "lxc0"), ==, "");
}

/* The news that the former link is gone was lost, or comes late. */
static void test_name_of_a_link_not_known_to_be_gone(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        g_autoptr(GPtrArray) links = NULL;

        tell_guest(model, UUID3, KALI3, "lxc0");
        tell_veth(model, 10, "lxc0");
        tell_veth(model, 11, "lxc0");
        g_assert_cmpint(link_of(model, "lxc0")->ifindex, ==, 11);
        g_assert_cmpstr(owner_of(model, "lxc0"), ==, "");
        links = bw_model_list_links(model);
        g_assert_cmpuint(links->len, ==, 2);
        bw_test_tell_link_gone(model, 10);
        g_assert_cmpint(link_of(model, "lxc0")->ifindex, ==, 11);
        bw_test_tell_link_gone(model, 11);
        g_assert_null(link_of(model, "lxc0"));
}

static void test_name_found_taken_by_a_snapshot(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        BwLink bridge = bw_test_bridge(1, "virbr6");

        tell_tap(model, 10, "vnet0", KALI3);
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_NETLINK);
        bw_test_tell_link(model, &bridge);
        tell_tap(model, 11, "vnet0", KALI4);
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_NETLINK);
        g_assert_null(bw_model_find_link(model, 10));
        g_assert_cmpint(link_of(model, "vnet0")->ifindex, ==, 11);
}

static void test_two_guests_with_one_mac(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        tell_tap(model, 10, "vnet0", KALI3);
        tell_defined(model, UUID3, KALI3);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "kali3");
        tell_defined(model, UUID4, KALI3);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "");
        tell_guest(model, UUID4, KALI3, NULL);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "kali4");
        tell_guest(model, UUID3, KALI3, NULL);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "");
        tell_guest(model, UUID3, KALI3, "vnet0");
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "kali3");
}

static void test_guest_gone(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        BwFact gone = { .kind = BW_FACT_GUEST_GONE, .uuid = UUID3 };

        tell_tap(model, 10, "vnet0", KALI3);
        tell_guest(model, UUID3, KALI3, "vnet0");
        g_assert_nonnull(bw_model_find_guest(model, "kali3"));
        g_assert_nonnull(bw_model_find_guest(model, UUID3));
        g_assert_cmpuint(bw_model_apply(model, &gone, 0), ==, BW_CHANGE_GUESTS);
        g_assert_cmpuint(bw_model_apply(model, &gone, 0), ==, BW_CHANGE_NONE);
        g_assert_null(bw_model_find_guest(model, "kali3"));
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "");
}

static void test_snapshot_forgets_guests(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        tell_guest(model, UUID3, KALI3, "vnet0");
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        tell_guest(model, UUID4, KALI4, "vnet1");
        g_assert_nonnull(bw_model_find_guest(model, "kali3"));
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        g_assert_null(bw_model_find_guest(model, "kali3"));
        g_assert_nonnull(bw_model_find_guest(model, "kali4"));
        /* An end without a beginning ends nothing. */
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        g_assert_nonnull(bw_model_find_guest(model, "kali4"));
}

static void tell_seen(BwModel *model, const char *uuid) {
        BwFact fact = { .kind = BW_FACT_GUEST_SEEN, .uuid = uuid };

        g_assert_cmpuint(bw_model_apply(model, &fact, 0), ==, BW_CHANGE_NONE);
}

/* libvirt lists it and cannot show it: its port stays its own. What is new stays unknown. */
static void test_snapshot_keeps_guests_it_saw(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        tell_tap(model, 10, "vnet0", KALI3);
        tell_guest(model, UUID3, KALI3, "vnet0");
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        tell_seen(model, UUID3);
        tell_seen(model, UUID4);
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "kali3");
        g_assert_null(bw_model_find_guest(model, UUID4));
        /* Seen once is not seen for ever. */
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        g_assert_null(bw_model_find_guest(model, UUID3));
        g_assert_cmpstr(owner_of(model, "vnet0"), ==, "");
}

/* Here, or not yet, or no more */

static unsigned tell_cpus(BwModel *model, bool active, BwGuestCpus cpus) {
        g_autoptr(BwGuest) guest = bw_test_guest_new("kali3", UUID3, active);

        guest->cpus = cpus;
        bw_test_guest_add(guest, bw_test_mac(KALI3), "virbr6", active ? "vnet0" : NULL);
        return bw_model_apply(model, &(BwFact){ .kind = BW_FACT_GUEST, .guest = guest }, 0);
}

static bool is_here(const BwModel *model) {
        return bw_model_is_here(model, bw_model_find_guest(model, UUID3));
}

static BwModel *model_that_knows_all(void) {
        BwModel *model = model_with_bridge();

        tell_source(model, BW_FACT_CONNECTED, BW_SOURCE_LIBVIRT);
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        tell_cpus(model, false, BW_CPUS_RUN);
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        return model;
}

static void test_migrated_here(void) {
        g_autoptr(BwModel) model = model_that_knows_all();

        g_assert_false(is_here(model)); /* its tap comes before libvirt's word */
        g_assert_cmpuint(tell_cpus(model, true, BW_CPUS_ELSEWHERE), ==, BW_CHANGE_GUESTS);
        g_assert_false(is_here(model));
        g_assert_cmpuint(tell_cpus(model, true, BW_CPUS_ELSEWHERE), ==, BW_CHANGE_NONE);
        g_assert_cmpuint(tell_cpus(model, true, BW_CPUS_RUN), ==, BW_CHANGE_GUESTS);
        g_assert_true(is_here(model));
}

static void test_migrated_away(void) {
        g_autoptr(BwModel) model = model_that_knows_all();

        tell_cpus(model, true, BW_CPUS_RUN);
        g_assert_cmpuint(tell_cpus(model, true, BW_CPUS_ELSEWHERE), ==, BW_CHANGE_GUESTS);
        g_assert_false(is_here(model));
        /* Another reason to stand still does not bring it back; failing does. */
        g_assert_cmpuint(tell_cpus(model, true, BW_CPUS_REST), ==, BW_CHANGE_NONE);
        g_assert_false(is_here(model));
        g_assert_cmpuint(tell_cpus(model, true, BW_CPUS_RUN), ==, BW_CHANGE_GUESTS);
        g_assert_true(is_here(model));
}

static void test_suspended_is_here(void) {
        g_autoptr(BwModel) model = model_that_knows_all();

        tell_cpus(model, true, BW_CPUS_RUN);
        g_assert_cmpuint(tell_cpus(model, true, BW_CPUS_REST), ==, BW_CHANGE_NONE);
        g_assert_true(is_here(model));
        /* What is told anew is not new. */
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        tell_cpus(model, true, BW_CPUS_REST);
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        g_assert_true(is_here(model));
}

static void test_started_paused(void) {
        g_autoptr(BwModel) model = model_that_knows_all();

        tell_cpus(model, true, BW_CPUS_REST);
        g_assert_false(is_here(model));
        tell_source(model, BW_FACT_DISCONNECTED, BW_SOURCE_LIBVIRT);
        tell_source(model, BW_FACT_CONNECTED, BW_SOURCE_LIBVIRT);
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        tell_cpus(model, true, BW_CPUS_REST);
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        g_assert_false(is_here(model));
        g_assert_cmpuint(tell_cpus(model, true, BW_CPUS_RAN), ==, BW_CHANGE_GUESTS);
        g_assert_true(is_here(model));
        /* The next time it begins anew. */
        tell_cpus(model, false, BW_CPUS_RUN);
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        tell_cpus(model, true, BW_CPUS_REST);
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        g_assert_false(is_here(model));
}

/* Whoever stands still when libvirt is first heard may have run. */
static void test_unknown_past_counts_as_run(void) {
        g_autoptr(BwModel) model = model_that_knows_all();

        g_assert_cmpuint(bw_model_apply(model,
                                        &(BwFact){ .kind = BW_FACT_DISCONNECTED,
                                                   .source = BW_SOURCE_LIBVIRT },
                                        0),
                         ==, BW_CHANGE_GUESTS);
        g_assert_true(is_here(model)); /* it may have been started meanwhile */
        tell_source(model, BW_FACT_CONNECTED, BW_SOURCE_LIBVIRT);
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        tell_cpus(model, true, BW_CPUS_REST);
        tell_source(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        g_assert_true(is_here(model));
}

static void test_old_news_change_nothing(void) {
        g_autoptr(BwModel) model = model_with_bridge();

        tell_guest(model, UUID3, KALI3, "vnet0");
        g_assert_cmpuint(tell_tap(model, 10, "vnet0", KALI3), ==, BW_CHANGE_PORTS);
        g_assert_cmpuint(tell_tap(model, 10, "vnet0", KALI3), ==, BW_CHANGE_NONE);
        g_assert_cmpuint(tell_tap(model, 10, "vnet1", KALI3), ==, BW_CHANGE_PORTS);
}

/* One thing of a link that is another than before, and then is what it was. */
static void check_is_change(BwModel *model, const BwLink *before, const BwLink *after) {
        BwFact fact = { .kind = BW_FACT_LINK, .link = *after };

        g_assert_cmpuint(bw_model_apply(model, &fact, 0), ==, BW_CHANGE_PORTS);
        g_assert_cmpuint(bw_model_apply(model, &fact, 0), ==, BW_CHANGE_NONE);
        fact.link = *before;
        g_assert_cmpuint(bw_model_apply(model, &fact, 0), ==, BW_CHANGE_PORTS);
}

#define CHECK_IS_CHANGE(model, link, member, value)                                                \
        do {                                                                                       \
                BwLink other = *(link);                                                            \
                other.member = (value);                                                            \
                check_is_change(model, link, &other);                                              \
        } while (0)

static void test_each_change_is_told(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        BwLink port, bridge = *bw_model_find_link(model, 1);

        tell_guest(model, UUID3, KALI3, "vnet0");
        tell_tap(model, 10, "vnet0", KALI3);
        port = *bw_model_find_link(model, 10);
        CHECK_IS_CHANGE(model, &port, kind_name[0], 'x');
        CHECK_IS_CHANGE(model, &port, openvswitch, true);
        CHECK_IS_CHANGE(model, &port, peer, 7);
        CHECK_IS_CHANGE(model, &port, peer_namespace, 7);
        CHECK_IS_CHANGE(model, &port, lower, 7);
        CHECK_IS_CHANGE(model, &port, up, !port.up);
        CHECK_IS_CHANGE(model, &port, running, !port.running);
        CHECK_IS_CHANGE(model, &port, promiscuous, true);
        CHECK_IS_CHANGE(model, &port, promiscuity, 7);
        CHECK_IS_CHANGE(model, &port, xdp, true);
        CHECK_IS_CHANGE(model, &port, filters, true);
        CHECK_IS_CHANGE(model, &port, stp_state, BW_STP_BLOCKING);
        CHECK_IS_CHANGE(model, &port, flags, BW_FLAG_BIT(BW_FLAG_HAIRPIN));
        CHECK_IS_CHANGE(model, &port, flags_known, BW_FLAG_BIT(BW_FLAG_HAIRPIN));
        CHECK_IS_CHANGE(model, &bridge, stp, true);
        CHECK_IS_CHANGE(model, &bridge, vlan_filtering, true);
        CHECK_IS_CHANGE(model, &bridge, ageing_centiseconds, 7);
        CHECK_IS_CHANGE(model, &bridge, topology_change, true);
}

static unsigned tell_card(BwModel *model, BwLink link, bool promiscuous) {
        BwFact fact = { .kind = BW_FACT_LINK, .link = link };

        fact.link.ifindex = 20;
        g_strlcpy(fact.link.name, "card", sizeof(fact.link.name));
        fact.link.promiscuous = promiscuous;
        return bw_model_apply(model, &fact, 0);
}

/* What is no bridge's matters where a guest may be behind it all the same, or what it stands on. */
static void test_links_of_no_bridge(void) {
        static const struct {
                BwLink link;
                unsigned change;
        } rows[] = {
                { { .kind = BW_LINK_OTHER }, BW_CHANGE_NONE },
                { { .kind = BW_LINK_TAP }, BW_CHANGE_NONE },
                { { .kind = BW_LINK_VETH }, BW_CHANGE_PORTS },
                { { .kind = BW_LINK_MACVTAP }, BW_CHANGE_PORTS },
                { { .kind = BW_LINK_OTHER, .lower = 1 }, BW_CHANGE_PORTS },
                { { .kind = BW_LINK_TAP, .openvswitch = true }, BW_CHANGE_PORTS },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(BwModel) model = model_with_bridge();

                g_assert_cmpuint(tell_card(model, rows[i].link, false), ==, rows[i].change);
                g_assert_cmpuint(tell_card(model, rows[i].link, true), ==, rows[i].change);
        }
}

static unsigned tell_fdb(BwModel *model, BwFactKind kind, unsigned number, int port, int64_t now) {
        BwFact fact = { .kind = kind,
                        .fdb = {
                                .mac = { { 2, 0, (uint8_t) (number >> 24), (uint8_t) (number >> 16),
                                           (uint8_t) (number >> 8), (uint8_t) number } },
                                .port = port,
                                .bridge = 1 } };

        return bw_model_apply(model, &fact, now);
}

/* The kernel has one entry for a MAC of a bridge, wherever it is, and its "gone" may name another
 * port than the entry did. */
static void test_fdb_keeps_the_first_time_at_a_port(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        g_autoptr(GPtrArray) records = NULL, left = NULL;

        g_assert_cmpuint(tell_fdb(model, BW_FACT_FDB, 7, 10, 1000), ==, BW_CHANGE_FDB);
        g_assert_cmpuint(tell_fdb(model, BW_FACT_FDB, 7, 10, 2000), ==, BW_CHANGE_NONE);
        g_assert_cmpuint(tell_fdb(model, BW_FACT_FDB, 7, 11, 3000), ==, BW_CHANGE_FDB);
        g_assert_cmpuint(tell_fdb(model, BW_FACT_FDB, 7, 11, 4000), ==, BW_CHANGE_NONE);
        records = bw_model_list_fdb(model);
        g_assert_cmpuint(records->len, ==, 1);
        g_assert_cmpint(((BwFdbRecord *) records->pdata[0])->entry.port, ==, 11);
        g_assert_cmpint(((BwFdbRecord *) records->pdata[0])->learned_usec, ==, 3000);
        tell_fdb(model, BW_FACT_FDB_GONE, 7, 1, 0);
        left = bw_model_list_fdb(model);
        g_assert_cmpuint(left->len, ==, 0);
}

static void test_fdb_is_bounded(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        g_autoptr(GPtrArray) records = NULL;

        for (unsigned i = 0; i < BW_MAX_FDB_ENTRIES + 100; i++)
                tell_fdb(model, BW_FACT_FDB, i, 10, i);
        records = bw_model_list_fdb(model);
        g_assert_cmpuint(records->len, ==, BW_MAX_FDB_ENTRIES);
        /* A flood pushes nobody out. */
        g_assert_cmpint(((BwFdbRecord *) records->pdata[0])->learned_usec, ==, 0);
}

static void test_fdb_goes_with_its_port(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        g_autoptr(GPtrArray) records = NULL;

        tell_tap(model, 10, "vnet0", KALI3);
        tell_fdb(model, BW_FACT_FDB, 7, 10, 0);
        tell_fdb(model, BW_FACT_FDB, 8, 11, 0);
        bw_test_tell_link_gone(model, 10);
        records = bw_model_list_fdb(model);
        g_assert_cmpuint(records->len, ==, 1);
}

static unsigned tell_address(BwModel *model, BwFactKind kind, int ifindex, const char *text) {
        BwFact fact = { .kind = kind, .address = bw_test_host_address(ifindex, text) };

        return bw_model_apply(model, &fact, 0);
}

static void check_addresses(const BwModel *model, int ifindex, const char *wanted) {
        g_autoptr(GArray) addresses = bw_model_list_addresses(model, ifindex);
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < addresses->len; i++) {
                BwHostAddress *own = &g_array_index(addresses, BwHostAddress, i);
                g_autofree char *address = bw_prefix_print(&own->address);

                g_string_append_printf(text, "%s%s/%u", i ? " " : "", address, own->prefix_length);
        }
        g_assert_cmpstr(text->str, ==, wanted);
}

static void test_addresses(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        BwFactKind add = BW_FACT_ADDRESS, gone = BW_FACT_ADDRESS_GONE;

        tell_tap(model, 10, "vnet0", KALI3);
        tell_veth(model, 11, "vmh1");
        g_assert_cmpuint(tell_address(model, add, 1, "10.0.0.9/24"), ==, BW_CHANGE_PORTS);
        g_assert_cmpuint(tell_address(model, add, 1, "10.0.0.9/24"), ==, BW_CHANGE_NONE);
        g_assert_cmpuint(tell_address(model, add, 1, "10.0.0.9/16"), ==, BW_CHANGE_PORTS);
        g_assert_cmpuint(tell_address(model, add, 1, "10.0.0.1/24"), ==, BW_CHANGE_PORTS);
        g_assert_cmpuint(tell_address(model, add, 11, "10.0.0.1/24"), ==, BW_CHANGE_PORTS);
        /* Nobody plans by these. */
        g_assert_cmpuint(tell_address(model, add, 10, "10.0.0.1/24"), ==, BW_CHANGE_NONE);
        g_assert_cmpuint(tell_address(model, add, 99, "10.0.0.1/24"), ==, BW_CHANGE_NONE);
        check_addresses(model, 1, "10.0.0.1/24 10.0.0.9/16 10.0.0.9/24");
        check_addresses(model, 99, "10.0.0.1/24");
        g_assert_cmpuint(tell_address(model, gone, 1, "10.0.0.9/16"), ==, BW_CHANGE_PORTS);
        g_assert_cmpuint(tell_address(model, gone, 1, "10.0.0.9/16"), ==, BW_CHANGE_NONE);
        g_assert_cmpuint(tell_address(model, gone, 10, "10.0.0.1/24"), ==, BW_CHANGE_NONE);
        check_addresses(model, 1, "10.0.0.1/24 10.0.0.9/24");
        check_addresses(model, 10, "");
        bw_test_tell_link_gone(model, 1);
        check_addresses(model, 1, "");
        check_addresses(model, 11, "10.0.0.1/24");
}

static void test_snapshot_forgets_addresses(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        BwLink bridge = bw_test_bridge(1, "virbr6");
        BwFact end = { .kind = BW_FACT_SNAPSHOT_END, .source = BW_SOURCE_NETLINK };

        tell_address(model, BW_FACT_ADDRESS, 1, "10.0.0.1/24");
        tell_address(model, BW_FACT_ADDRESS, 1, "10.0.0.2/24");
        tell_address(model, BW_FACT_ADDRESS, 7, "10.0.0.3/24");
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_NETLINK);
        bw_test_tell_link(model, &bridge);
        tell_address(model, BW_FACT_ADDRESS, 1, "10.0.0.2/24");
        check_addresses(model, 1, "10.0.0.1/24 10.0.0.2/24");
        g_assert_cmpuint(bw_model_apply(model, &end, 0), ==, BW_CHANGE_PORTS);
        check_addresses(model, 1, "10.0.0.2/24");
        check_addresses(model, 7, "");
        /* A snapshot that says the same is no news. */
        tell_source(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_NETLINK);
        bw_test_tell_link(model, &bridge);
        tell_address(model, BW_FACT_ADDRESS, 1, "10.0.0.2/24");
        g_assert_cmpuint(bw_model_apply(model, &end, 0), ==, BW_CHANGE_NONE);
        check_addresses(model, 1, "10.0.0.2/24");
}

static void test_addresses_are_bounded(void) {
        g_autoptr(BwModel) model = model_with_bridge();
        g_autoptr(GArray) addresses = NULL;

        for (unsigned i = 0; i < BW_MAX_LINK_ADDRESSES + 100; i++) {
                g_autofree char *text = g_strdup_printf("10.0.%u.%u/24", i / 256, i % 256);

                tell_address(model, BW_FACT_ADDRESS, 1, text);
        }
        addresses = bw_model_list_addresses(model, 1);
        g_assert_cmpuint(addresses->len, ==, BW_MAX_LINK_ADDRESSES);
        /* Another link has room of its own. */
        tell_address(model, BW_FACT_ADDRESS, 2, "10.0.0.1/24");
        check_addresses(model, 2, "10.0.0.1/24");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/model/tap-of-a-running-guest", test_tap_of_a_running_guest);
        g_test_add_func("/model/tap-before-its-guest", test_tap_before_its_guest);
        g_test_add_func("/model/name-passes-to-another-guest", test_name_passes_to_another_guest);
        g_test_add_func("/model/tap-without-libvirts-mac-is-nobodys",
                        test_tap_without_libvirts_mac_is_nobodys);
        g_test_add_func("/model/stale-target-binds-nobody", test_stale_target_binds_nobody);
        g_test_add_func("/model/renamed-port-takes-no-target-along",
                        test_renamed_port_takes_no_target_along);
        g_test_add_func("/model/name-of-a-link-not-known-to-be-gone",
                        test_name_of_a_link_not_known_to_be_gone);
        g_test_add_func("/model/name-found-taken-by-a-snapshot",
                        test_name_found_taken_by_a_snapshot);
        g_test_add_func("/model/two-guests-with-one-mac", test_two_guests_with_one_mac);
        g_test_add_func("/model/guest-gone", test_guest_gone);
        g_test_add_func("/model/snapshot-forgets-guests", test_snapshot_forgets_guests);
        g_test_add_func("/model/migrated-here", test_migrated_here);
        g_test_add_func("/model/migrated-away", test_migrated_away);
        g_test_add_func("/model/suspended-is-here", test_suspended_is_here);
        g_test_add_func("/model/started-paused", test_started_paused);
        g_test_add_func("/model/unknown-past-counts-as-run", test_unknown_past_counts_as_run);
        g_test_add_func("/model/snapshot-keeps-guests-it-saw", test_snapshot_keeps_guests_it_saw);
        g_test_add_func("/model/old-news-change-nothing", test_old_news_change_nothing);
        g_test_add_func("/model/each-change-is-told", test_each_change_is_told);
        g_test_add_func("/model/links-of-no-bridge", test_links_of_no_bridge);
        g_test_add_func("/model/fdb-keeps-the-first-time-at-a-port",
                        test_fdb_keeps_the_first_time_at_a_port);
        g_test_add_func("/model/fdb-is-bounded", test_fdb_is_bounded);
        g_test_add_func("/model/fdb-goes-with-its-port", test_fdb_goes_with_its_port);
        g_test_add_func("/model/addresses", test_addresses);
        g_test_add_func("/model/snapshot-forgets-addresses", test_snapshot_forgets_addresses);
        g_test_add_func("/model/addresses-are-bounded", test_addresses_are_bounded);
        return g_test_run();
}
