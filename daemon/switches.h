/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Switches
 *
 * What a bridge itself must do for the rules to hold (bw/bridge_switch.h): each
 * guarded bridge's switches, kept on, and the module br_netfilter, which is only
 * looked for. Rules that are listed are not rules that are enforced. Nothing is
 * ever switched off: who else relies on a switch cannot be known.
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

/* Whose rules the switches feed: a set, BW_ENGINE_BIT(). What only an engine outside of it needs is
 * left alone and is no hazard. Until the first call: iptables'. Counts from the next check. */
void bw_switches_serve(BwSwitches *switches, unsigned engines);

/* Switches on what is off; says so when it was on before, and raises hazards for what cannot be. */
void bw_switches_check(BwSwitches *switches, const BwPlan *plan);
/* The bridge went; its index may be another's tomorrow. */
void bw_switches_forget(BwSwitches *switches, int bridge);
