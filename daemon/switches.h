/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Switches
 *
 * What lets iptables see bridged packets at all: each guarded bridge's own
 * nf_call_iptables flag, kept on, and the module br_netfilter, which is only
 * looked for. Rules that are listed are not rules that are enforced.
 */

#include <bw/plan.h>

#include "hazards.h"
#include "journal.h"
#include "netlink.h"

typedef struct BwSwitches BwSwitches;

/* All three are kept until bw_switches_free(). */
BwSwitches *bw_switches_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink);
void bw_switches_free(BwSwitches *switches);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwSwitches, bw_switches_free)

/* Switches on what is off; says so when it was on before, and raises hazards for what cannot be. */
void bw_switches_check(BwSwitches *switches, const BwPlan *plan);
/* The bridge went; its index may be another's tomorrow. */
void bw_switches_forget(BwSwitches *switches, int bridge);
