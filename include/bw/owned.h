/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is owned, looked up
 *
 * Finds addresses and MACs in lists sorted as those of BwSegmentPlan are, in a few steps. What is
 * found is lent from the list. Knows nothing of who owns it.
 */

#include <bw/plan.h>

/* The most exact of @entries (BwOwnedAddress) that contains @address, a single one; or NULL. */
const BwOwnedAddress *bw_owned_find_address(const GArray *entries, const BwPrefix *address);
/* Whether @prefix itself is one of @entries (BwOwnedAddress). */
bool bw_owned_has_address(const GArray *entries, const BwPrefix *prefix);
/* @entries: BwOwnedMac; NULL: it is none of them. */
const BwOwnedMac *bw_owned_find_mac(const GArray *entries, const BwMac *mac);
