/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Roles
 *
 * What a port is when nobody has said so, told from what is behind it: a part of
 * bw/plan.h's room. Looks at links and the host's addresses alone.
 */

#include <bw/plan.h>
#include <bw/topology.h>

/* Whether something explains @port, no guest's. A link's far bridge need not be guarded. */
bool bw_plan_derive_role(const BwModel *model, const BwTopology *topology, const BwLink *port,
                         BwRole *ret);

/* What the host itself has at the other end of the veth @port, single ones, at most
 * BW_MAX_ADDRESSES; sorted if @addresses (BwPrefix) was empty. */
void bw_plan_add_host_addresses(GArray *addresses, const BwModel *model, const BwLink *port);
