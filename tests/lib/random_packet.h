/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Random packets
 *
 * Aimed at the ports of a random world: mostly nearly right, so that each rule
 * is met from both sides.
 */

#include "interpreter.h"
#include "oracle.h"

/* With both ports and both bridges, as a forwarded packet has them. */
BwTestPacket bw_test_random_packet(const BwTestOracle *oracle);
