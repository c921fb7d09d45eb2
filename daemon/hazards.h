/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hazards
 *
 * What weakens the guard right now, each said once when it comes and once when
 * it goes, and listed for whoever asks.
 */

#include "journal.h"

typedef struct BwHazards BwHazards;

/* @journal is kept until bw_hazards_free(). */
BwHazards *bw_hazards_new(BwJournal *journal);
void bw_hazards_free(BwHazards *hazards);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwHazards, bw_hazards_free)

/* Says nothing when the same sentence already stands under @key. Both are copied. */
void bw_hazards_raise(BwHazards *hazards, const char *key, const char *sentence);
void bw_hazards_clear(BwHazards *hazards, const char *key);

/* (transfer full): the sentences, sorted, NULL-terminated. */
char **bw_hazards_list(const BwHazards *hazards);
