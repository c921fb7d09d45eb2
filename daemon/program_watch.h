/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Program watch
 *
 * Which programs are attached as tcx to guarded bridges and their ports. The
 * kernel sends no news of them, so it is asked: for a new link at once, for the
 * others some each time, so that all have had their turn after a while. What is
 * not answered stays as it was known, and is said once.
 */

#include "journal.h"

typedef struct BwProgramWatch BwProgramWatch;

/* @journal is kept until bw_program_watch_free(). */
BwProgramWatch *bw_program_watch_new(BwJournal *journal);
void bw_program_watch_free(BwProgramWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwProgramWatch, bw_program_watch_free)

/* @links: (element-type int) all that matter; others are forgotten. (transfer none): ifindex ->
 * GArray of BwTcxProgram, or NULL where there are none; until the next look. */
GHashTable *bw_program_watch_look(BwProgramWatch *watch, const GArray *links);
