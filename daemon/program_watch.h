/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Program watch
 *
 * Which programs are attached as tcx to guarded bridges and their ports. The
 * kernel sends no news of them, so it is asked: for a new link at the next look,
 * for the others some each turn, so that all have been asked for after a while.
 * What is not answered stays as it was known, and is said once.
 */

#include "journal.h"

typedef struct BwProgramWatch BwProgramWatch;

/* @journal is kept until bw_program_watch_free(). */
BwProgramWatch *bw_program_watch_new(BwJournal *journal);
void bw_program_watch_free(BwProgramWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwProgramWatch, bw_program_watch_free)

/* The next look asks for known links as well: 128 of them at most. Each question takes the kernel's
 * rtnl lock, which whoever makes a link waits for, so turns are to be by the clock, and not for
 * every link that comes. */
void bw_program_watch_take_turn(BwProgramWatch *watch);

/* @links: (element-type int) all that matter; others are forgotten. (transfer none): ifindex ->
 * GArray of BwTcxProgram, or NULL where there are none; until the next look. */
GHashTable *bw_program_watch_look(BwProgramWatch *watch, const GArray *links);
