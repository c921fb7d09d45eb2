/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A round of hazards
 *
 * For a room that looks at everything again and again: what it raises in one
 * round stands until a round ends in which it has not raised it.
 */

#include "hazards.h"

typedef struct BwHazardRound BwHazardRound;

/* All that is raised is of one @kind. @hazards is kept until bw_hazard_round_free(). */
BwHazardRound *bw_hazard_round_new(BwHazards *hazards, BwHazardKind kind);
/* The hazards stay as they are. */
void bw_hazard_round_free(BwHazardRound *round);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwHazardRound, bw_hazard_round_free)

/* As bw_hazards_raise(), but @subject is taken over. Raised twice in a round, the last one counts.
 */
void bw_hazard_round_raise(BwHazardRound *round, char *subject, const char *bridge,
                           const char *sentence);
/* Clears what was raised in the round before, and not in this one. The next one begins. */
void bw_hazard_round_end(BwHazardRound *round);
