/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Worlds for tests
 *
 * A world is what kernel and libvirt would say now. It can be made up at random,
 * told to a model as facts, and looked at by an oracle. No rule lives here.
 */

#include <bw/model.h>

typedef struct BwTestWorld {
        GArray *links;     /* BwLink; bridges first */
        GArray *addresses; /* BwHostAddress, no duplicates */
        GPtrArray *guests; /* BwGuest *, owned; cpus: BW_CPUS_RUN or BW_CPUS_ELSEWHERE */
        bool guests_known; /* libvirt has named all of them, and is heard */
} BwTestWorld;

BwTestWorld *bw_test_world_new(void);
void bw_test_world_free(BwTestWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwTestWorld, bw_test_world_free)

/* (transfer full) */
BwTestWorld *bw_test_world_copy(const BwTestWorld *world);

/* One to three bridges, up to @most ports, some guests. No two links share a name. */
BwTestWorld *bw_test_random_world(unsigned most);

/* Pieces of the above. */
BwGuest *bw_test_guest_new(const char *name, const char *uuid, bool active);
/* @source: a bridge. NULL as @target: not known. */
void bw_test_guest_add(BwGuest *guest, BwMac mac, const char *source, const char *target);
/* @text: with a length, "192.168.50.254/24". */
BwHostAddress bw_test_host_address(int ifindex, const char *text);
BwHostAddress bw_test_random_host_address(int ifindex); /* one of a few */
bool bw_test_has_host_address(const BwTestWorld *world, const BwHostAddress *address,
                              guint *ret_at);
BwLink bw_test_bridge(int ifindex, const char *name);
/* A tap as libvirt makes it for an interface with @mac. */
BwLink bw_test_tap(int ifindex, const char *name, BwMac mac, int master);
/* Mostly one that carries. */
void bw_test_random_state(BwLink *link);
BwMac bw_test_mac(const char *text);
BwMac bw_test_random_mac(void); /* of a guest; one of a few */
BwPrefix bw_test_prefix(const char *text);

/* Facts, in the order of @world. */
void bw_test_tell_link(BwModel *model, const BwLink *link);
void bw_test_tell_link_gone(BwModel *model, int ifindex);
void bw_test_tell_address(BwModel *model, const BwHostAddress *address);
void bw_test_tell_address_gone(BwModel *model, const BwHostAddress *address);
void bw_test_tell_guest(BwModel *model, const BwGuest *guest);
/* A fact of that kind about libvirt itself. */
void bw_test_tell_of_libvirt(BwModel *model, BwFactKind kind);
BwModel *bw_test_model(const BwTestWorld *world);
/* The same in any order. */
BwModel *bw_test_shuffled_model(const BwTestWorld *world);
