/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The guard, stated a second time
 *
 * What must become of a packet, said directly from what must hold for its ports and the table of
 * reasons; no plan, no chain.
 */

#include "interpreter.h"
#include "oracle.h"

/* @tried is 0. */
BwTestVerdict bw_test_oracle_judge(const BwTestOracle *oracle, BwDirection direction,
                                   const BwTestPacket *packet);
/* Whether @address is the broadcast address of a network the host itself is in on that bridge. */
bool bw_test_oracle_is_host_broadcast(const BwTestOracle *oracle, const char *bridge,
                                      uint32_t address);
