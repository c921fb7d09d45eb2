/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hazards
 *
 * What weakens the guard right now, each said once when it comes and once when
 * it goes, and listed for whoever asks.
 */

#include <bw/hazard.h>

#include "journal.h"

typedef struct BwHazards BwHazards;

/* @journal is kept until bw_hazards_free(). */
BwHazards *bw_hazards_new(BwJournal *journal);
void bw_hazards_free(BwHazards *hazards);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwHazards, bw_hazards_free)

/* One of a kind and a subject: says nothing when it stands already with the same sentence, and says
 * it anew when that has changed, so numbers that change all the time do not belong in it. @subject
 * as of BwHazard; @bridge: the bridge it is about, or NULL. All are copied. */
void bw_hazards_raise(BwHazards *hazards, BwHazardKind kind, const char *subject,
                      const char *bridge, const char *sentence);
/* What is not raised is no matter. */
void bw_hazards_clear(BwHazards *hazards, BwHazardKind kind, const char *subject);

/* (transfer container) (element-type BwHazard): lent until the next change; sorted by kind, then
 * subject. */
GPtrArray *bw_hazards_list(const BwHazards *hazards);

/* Calls @changed soon after hazards came or went, once for many. One listener; NULL: none. */
void bw_hazards_listen(BwHazards *hazards, void (*changed)(gpointer user), gpointer user);
