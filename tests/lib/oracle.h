/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The guard, stated a second time
 *
 * What must become of a packet, said directly from the world, the settings and
 * the table of reasons; no plan, no chain, no index, no order of work. Meant to
 * be checked by eye, and slow.
 */

#include "interpreter.h"
#include "settings.h"

#include <bw/plan.h>

/* What must hold for one port of a guarded bridge. */
typedef struct BwTestPort {
        const BwLink *link;
        const BwLink *bridge;
        const BwGuest *guest; /* NULL: not known to be one's */
        const BwGuestInterface *interface;
        BwPortState state;
        BwRole role;
        BwMode mode;
        bool is_hosts;     /* the host's own, and no section with an error speaks of it */
        bool is_found;     /* its addresses are those at its other end, nobody has written them */
        GArray *addresses; /* BwPrefix; what conflicts have left */
        GArray *macs;      /* BwMac */
} BwTestPort;

typedef struct BwTestOracle {
        const BwTestWorld *world;
        const BwTestSettings *settings;
        GArray *ports; /* BwTestPort */
} BwTestOracle;

BwTestOracle *bw_test_oracle_new(const BwTestWorld *world, const BwTestSettings *settings);
void bw_test_oracle_free(BwTestOracle *oracle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwTestOracle, bw_test_oracle_free)

bool bw_test_oracle_guards(const BwTestOracle *oracle, const BwLink *bridge);
/* NULL when no such port is on that bridge. */
const BwTestPort *bw_test_oracle_port(const BwTestOracle *oracle, const char *bridge,
                                      const char *name);
/* Whether @address is the broadcast address of a network the host itself is in on that bridge. */
bool bw_test_oracle_is_host_broadcast(const BwTestOracle *oracle, const char *bridge,
                                      uint32_t address);
/* What is known of an address or a MAC at a border port. */
typedef enum BwTestPlace {
        BW_TEST_NOBODYS,
        BW_TEST_BEHIND, /* it may be claimed there */
        BW_TEST_FOREIGN,
} BwTestPlace;

BwTestPlace bw_test_oracle_place(const BwTestOracle *oracle, const BwTestPort *border,
                                 const BwPrefix *address);
BwTestPlace bw_test_oracle_place_of_mac(const BwTestOracle *oracle, const BwTestPort *border,
                                        const BwMac *mac);
/* Whether the two bridges are one network, over whatever links. */
bool bw_test_oracle_joins(const BwTestOracle *oracle, const BwLink *a, const BwLink *b);

/* @tried is 0. */
BwTestVerdict bw_test_oracle_judge(const BwTestOracle *oracle, BwDirection direction,
                                   const BwTestPacket *packet);
