/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "inheritance.h"

struct BwInheritance {
        BwHazards *hazards;
        BwReconciler *reconciler;
};

BwInheritance *bw_inheritance_new(BwHazards *hazards, BwReconciler *reconciler) {
        BwInheritance *inheritance = g_new0(BwInheritance, 1);

        inheritance->hazards = hazards;
        inheritance->reconciler = reconciler;
        return inheritance;
}

void bw_inheritance_free(BwInheritance *inheritance) {
        g_free(inheritance);
}

static bool was_guarded(const char *port, BwInheritedPort *ret, gconstpointer user) {
        const BwInheritance *inheritance = user;

        if (!bw_reconciler_inherited(inheritance->reconciler, port))
                return false;
        bw_reconciler_add_own(inheritance->reconciler, port, ret);
        return true;
}

/* Without sections that go by guest, libvirt has nothing to add to what the ports say themselves.
 */
static bool can_explain(const BwConfig *config) {
        return g_hash_table_size(config->guests) + g_hash_table_size(config->interfaces) > 0;
}

bool bw_inheritance_keep(BwInheritance *inheritance, BwPlan *plan, BwModel *model,
                         const BwConfig *config, BwLibvirtWord word) {
        bool kept = false;

        if (word == BW_LIBVIRT_ANSWERED || !can_explain(config)) {
                bw_reconciler_forget_inherited(inheritance->reconciler);
        } else {
                bw_plan_keep_inherited(plan, model, was_guarded, inheritance);
                kept = bw_plan_has_inherited(plan);
        }
        if (!kept)
                bw_hazards_clear(inheritance->hazards, BW_HAZARD_OTHER, "libvirt");
        else if (word == BW_LIBVIRT_SILENT)
                bw_hazards_raise(inheritance->hazards, BW_HAZARD_OTHER, "libvirt", NULL,
                                 "libvirt has not answered since the daemon started: ports only it "
                                 "can explain keep the rules of the former run");
        return kept;
}
