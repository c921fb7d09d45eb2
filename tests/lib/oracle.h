/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The plan, stated a second time
 *
 * Which bridges are guarded, and what must hold for each of their ports, said directly from the
 * world and the settings; no index, no order of work. Meant to be checked by eye, and slow.
 */

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
bool bw_test_port_has_mac(const BwTestPort *port, const BwMac *mac);

/* Whether @bridge is guarded for a reason of its own, or would be were it not switched off. */
bool bw_test_oracle_asks_for(const BwTestOracle *oracle, const BwLink *bridge);
/* Whether @link is a guarded bridge that is one network with @bridge, or that itself. */
bool bw_test_oracle_is_near(const BwTestOracle *oracle, const BwLink *link, const BwLink *bridge);
/* Whether the section of @bridge has @address as Gateway=. */
bool bw_test_oracle_names_gateway(const BwTestOracle *oracle, const BwLink *bridge,
                                  const BwPrefix *address);
