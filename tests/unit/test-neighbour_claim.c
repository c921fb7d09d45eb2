/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the host's neighbour table says of bound addresses, and what is to be pinned in it
 */

#include <bw/neighbour_claim.h>

#include "hand_made.h"

/* virbr6 with guests .63 and .64, and the host behind vmh1, whose other end is vmh2; virbr9 is
 * another network with the same addresses. */
typedef struct Scene {
        BwPlan *plan;
        BwBridgePlan *bridge, *other;
        BwPortPlan *guest, *thief, *host, *twin;
        BwModel *model;
} Scene;

static void tell_address(BwModel *model, int ifindex, const char *text) {
        const BwFact fact = {
                .kind = BW_FACT_ADDRESS,
                .address = { .ifindex = ifindex, .address = address_of(text), .prefix_length = 24 }
        };

        bw_model_apply(model, &fact, 0);
}

static void set_up(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwLink near = make_link("vmh1", 15, 5, 0), far = make_link("vmh2", 16, 0, 0);

        scene->model = bw_model_new();
        scene->plan = make_plan();
        scene->bridge = make_bridge(scene->plan, "virbr6", 5);
        scene->other = make_bridge(scene->plan, "virbr9", 9);
        scene->guest = make_port(scene->bridge, "vk63", 13, 63);
        scene->thief = make_port(scene->bridge, "vk64", 14, 64);
        scene->host = make_port(scene->bridge, "vmh1", 15, 1);
        scene->host->role = BW_ROLE_HOST;
        scene->twin = make_port(scene->other, "vk93", 93, 63);
        g_array_index(scene->twin->macs, BwMac, 0) = mac_of(93);
        near.kind = far.kind = BW_LINK_VETH;
        near.peer = 16;
        far.peer = 15;
        tell_link(scene->model, make_link("vk63", 13, 5, 0));
        tell_link(scene->model, make_link("vk64", 14, 5, 0));
        tell_link(scene->model, near);
        tell_link(scene->model, far);
        tell_link(scene->model, make_link("virbr6", 5, 0, 0));
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        unmake_plan(scene->plan);
        bw_model_free(scene->model);
}

static bool judge(Scene *scene, int ifindex, const char *address, BwMac mac,
                  BwNeighbourClaim *claim) {
        const BwNeighbour neighbour = { .ifindex = ifindex,
                                        .address = address_of(address),
                                        .mac = mac };

        return bw_neighbour_is_foreign(scene->plan, scene->model, &neighbour, claim);
}

static void test_claims(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        BwNeighbourClaim claim = {};

        for (int ifindex = 5; ifindex <= 16; ifindex += 11) {
                g_assert_false(judge(scene, ifindex, "192.0.2.63", mac_of(63), &claim));
                g_assert_false(judge(scene, ifindex, "192.0.2.200", mac_of(64), &claim));
                g_assert_false(judge(scene, ifindex, "192.0.2.63", (BwMac){}, &claim));
                g_assert_true(judge(scene, ifindex, "192.0.2.63", mac_of(64), &claim));
                g_assert_true(claim.owner == scene->guest && claim.holder == scene->thief);
                g_assert_null(claim.source);
        }
        tell_fdb(scene->model, mac_of(77), 5, 14, false);
        g_assert_true(judge(scene, 16, "192.0.2.63", mac_of(77), &claim));
        g_assert_null(claim.holder);
        g_assert_true(claim.source == scene->thief && claim.source_bridge == scene->bridge);
        /* Not where the host is: a link of its own, a port, one that is gone. */
        for (int ifindex = 13; ifindex < 16; ifindex++)
                g_assert_false(judge(scene, ifindex, "192.0.2.63", mac_of(64), &claim));
        g_assert_false(judge(scene, 99, "192.0.2.63", mac_of(64), &claim));
        /* In another network it is another's. */
        g_assert_false(judge(scene, 9, "192.0.2.63", mac_of(93), &claim));
        g_assert_true(judge(scene, 9, "192.0.2.63", mac_of(63), &claim));
        g_assert_true(claim.owner == scene->twin);
}

static void test_pins(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GArray) none = NULL, some = NULL, both = NULL, few = NULL;
        BwPrefix network = address_of("198.51.100.0/24"), six = address_of("2001:db8::63");
        BwMac second = mac_of(65);

        tell_address(scene->model, 16, "192.0.2.1");
        none = bw_neighbour_list_pins(scene->plan, scene->model);
        g_assert_cmpuint(none->len, ==, 0);
        scene->bridge->pin_neighbours = true;
        g_array_append_val(scene->guest->addresses, network);
        g_array_append_val(scene->guest->addresses, six);
        some = bw_neighbour_list_pins(scene->plan, scene->model);
        g_assert_cmpuint(some->len, ==, 2);
        for (guint i = 0; i < 2; i++) {
                const BwNeighbour *pin = &g_array_index(some, BwNeighbour, i);

                g_assert_cmpint(pin->ifindex, ==, 16);
                g_assert_true(pin->permanent);
                g_assert_cmpint(pin->address.bytes[3], ==, 63 + i);
                g_assert_cmpint(pin->mac.octet[5], ==, 63 + i);
        }
        tell_address(scene->model, 5, "2001:db8::1");
        both = bw_neighbour_list_pins(scene->plan, scene->model);
        g_assert_cmpuint(both->len, ==, 3);
        g_assert_cmpint(g_array_index(both, BwNeighbour, 0).ifindex, ==, 5);
        g_assert_cmpint(g_array_index(both, BwNeighbour, 0).address.family, ==, BW_FAMILY_IPV6);
        /* Which of two MACs it would answer with nobody knows. */
        g_array_append_val(scene->guest->macs, second);
        scene->thief->state = BW_PORT_CLOSED;
        few = bw_neighbour_list_pins(scene->plan, scene->model);
        g_assert_cmpuint(few->len, ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add("/neighbour_claim/claims", Scene, NULL, set_up, test_claims, tear_down);
        g_test_add("/neighbour_claim/pins", Scene, NULL, set_up, test_pins, tear_down);
        return g_test_run();
}
