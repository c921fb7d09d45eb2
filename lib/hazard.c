/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/hazard.h>
#include <string.h>

void bw_hazard_free(BwHazard *hazard) {
        if (!hazard)
                return;
        g_free(hazard->subject);
        g_free(hazard->bridge);
        g_free(hazard->sentence);
        g_free(hazard);
}

int bw_hazard_compare(const BwHazard *a, const BwHazard *b) {
        return a->kind != b->kind ? (a->kind > b->kind) - (a->kind < b->kind)
                                  : strcmp(a->subject, b->subject);
}
