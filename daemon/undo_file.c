/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "undo_file.h"

#include <bw/error.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#define FOLDER "/run/bridgewarden"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FILE, fclose)

struct BwUndoFile {
        BwUndo *undo;
        char *folder, *path;
        char *written; /* what the file says; NULL: there is none */
        bool was_lost;
};

/* systemd gives a list when several are asked for. */
static char *find_folder(void) {
        const char *given = g_getenv("RUNTIME_DIRECTORY");
        g_auto(GStrv) folders = given && *given ? g_strsplit(given, ":", 2) : NULL;

        return g_strdup(folders ? folders[0] : FOLDER);
}

/* Two namespaces may share a /run; their links have the same numbers. */
static char *find_path(const char *folder) {
        GStatBuf here = {};

        (void) g_stat("/proc/self/ns/net", &here);
        return g_strdup_printf("%s/undo-%" G_GUINT64_FORMAT, folder, (guint64) here.st_ino);
}

BwUndoFile *bw_undo_file_open(void) {
        BwUndoFile *file = g_new0(BwUndoFile, 1);
        gsize length = 0;

        file->folder = find_folder();
        file->path = find_path(file->folder);
        (void) g_file_get_contents(file->path, &file->written, &length, NULL);
        file->undo = file->written ? bw_undo_parse(file->written, length) : bw_undo_new();
        /* A memory of nothing is written nowhere: a text that says nothing is damaged. */
        file->was_lost = bw_undo_is_empty(file->undo);
        return file;
}

void bw_undo_file_free(BwUndoFile *file) {
        if (!file)
                return;
        bw_undo_free(file->undo);
        g_free(file->folder);
        g_free(file->path);
        g_free(file->written);
        g_free(file);
}

BwUndo *bw_undo_file_undo(BwUndoFile *file) {
        return file->undo;
}

bool bw_undo_file_was_lost(const BwUndoFile *file) {
        return file->was_lost;
}

static bool fail(const BwUndoFile *file, int number, GError **error) {
        g_set_error(error, BW_ERROR,
                    number == EACCES || number == EPERM || number == EROFS ? BW_ERROR_DENIED
                                                                           : BW_ERROR_BROKEN,
                    "write %s: %s", file->path, g_strerror(number));
        return false;
}

static bool remove_file(BwUndoFile *file, GError **error) {
        if (g_unlink(file->path) != 0 && errno != ENOENT)
                return fail(file, errno, error);
        g_clear_pointer(&file->written, g_free);
        return true;
}

/* Not flushed to a disk: /run is none, and what it speaks of does not outlive the kernel. */
static bool replace_file(BwUndoFile *file, const char *text, GError **error) {
        g_autofree char *new = g_strconcat(file->path, ".new", NULL);
        g_autoptr(FILE) stream = NULL;

        if (g_mkdir(file->folder, 0755) != 0 && errno != EEXIST)
                return fail(file, errno, error);
        stream = g_fopen(new, "we");
        if (!stream)
                return fail(file, errno, error);
        if (fputs(text, stream) < 0 || fflush(stream) != 0)
                return fail(file, errno, error);
        if (g_rename(new, file->path) != 0)
                return fail(file, errno, error);
        return true;
}

bool bw_undo_file_save(BwUndoFile *file, GError **error) {
        g_autofree char *text = NULL;

        if (bw_undo_is_empty(file->undo))
                return remove_file(file, error);
        text = bw_undo_print(file->undo);
        if (g_strcmp0(text, file->written) == 0)
                return true;
        if (!replace_file(file, text, error))
                return false;
        g_free(file->written);
        file->written = g_steal_pointer(&text);
        return true;
}
