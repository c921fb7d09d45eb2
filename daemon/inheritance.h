/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Inheritance
 *
 * Rules of a former run guard ports that only libvirt can explain. Until it has
 * answered once they are stronger than what we could put in their place, and
 * stay, port by port. Decides which, and tells when that has become a hazard.
 *
 * Borders, whose chains are written anew, must go on to know what such ports own.
 * The engine for nftables keeps its elements by itself. That for iptables reads it
 * from the ports' chains (bw/ipt_former.h); it reaches the plan from here, which
 * takes it for the weakest of claims (bw_plan_keep_inherited()), and the border
 * trees, the evaluator and what is explained are made from the plan as always.
 */

#include <bw/plan.h>

#include "hazards.h"
#include "reconciler.h"

typedef struct BwInheritance BwInheritance;

/* All are kept until bw_inheritance_free(). */
BwInheritance *bw_inheritance_new(BwHazards *hazards, BwReconciler *reconciler);
void bw_inheritance_free(BwInheritance *inheritance);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwInheritance, bw_inheritance_free)

/* What libvirt has been heard of since the start. */
typedef enum BwLibvirtWord {
        BW_LIBVIRT_AWAITED,  /* nothing yet, and it has its time still */
        BW_LIBVIRT_SILENT,   /* it does not answer */
        BW_LIBVIRT_ANSWERED, /* at least once, with all it has; or nobody asks it */
} BwLibvirtWord;

/* Marks the ports of @plan, made of @model, that keep what they have. Returns whether there are
 * any. */
bool bw_inheritance_keep(BwInheritance *inheritance, BwPlan *plan, BwModel *model,
                         const BwConfig *config, BwLibvirtWord word);
