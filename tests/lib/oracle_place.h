/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What borders must know, stated a second time
 *
 * Whether an address or a MAC may be claimed at a border port: everything that anybody in its
 * network has is looked at in turn, and the most exact of it decides.
 */

#include "oracle.h"

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
