/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The undo file
 *
 * Keeps bw/undo.h's value where it outlives the daemon, whatever ends it: a file
 * of this network namespace in $RUNTIME_DIRECTORY (systemd.exec(5)) or
 * /run/bridgewarden. Replaced as a whole or not at all. Decides nothing.
 */

#include <bw/undo.h>

typedef struct BwUndoFile BwUndoFile;

/* (transfer full): never NULL. What cannot be read is as if it were not there. */
BwUndoFile *bw_undo_file_open(void);
void bw_undo_file_free(BwUndoFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwUndoFile, bw_undo_file_free)

/* What is remembered; to be changed in place, and saved. Lent. */
BwUndo *bw_undo_file_undo(BwUndoFile *file);
/* There was no file: nothing was ever touched, or all memory of it is lost. */
bool bw_undo_file_was_lost(const BwUndoFile *file);
/* Writes it if it is not what was written last; removes the file of an empty one. BW_ERROR_DENIED,
 * BW_ERROR_BROKEN: it cannot be written; the sentence says where and why. */
bool bw_undo_file_save(BwUndoFile *file, GError **error);
