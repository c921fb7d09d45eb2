/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings.h"

#include <bw/error.h>
#include <bw/text.h>

/* (element-type filename): the drop-ins of a folder, sorted; empty when there is no folder. */
static GPtrArray *list_drop_ins(const char *folder) {
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (g_str_has_suffix(name, ".conf") && name[0] != '.')
                        g_ptr_array_add(names, g_build_filename(folder, name, NULL));
        g_ptr_array_sort(names, bw_text_compare);
        return names;
}

static bool read_file(BwConfig *config, const char *path, GError **error) {
        g_autofree char *text = NULL;
        g_autoptr(GError) trouble = NULL;
        gsize length;

        if (!g_file_get_contents(path, &text, &length, &trouble)) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "%s", trouble->message);
                return false;
        }
        return bw_config_read(config, path, text, length, error);
}

BwConfig *bw_settings_read(const char *path, GError **error) {
        g_autoptr(BwConfig) config = bw_config_new();
        g_autofree char *folder = g_strconcat(path, ".d", NULL);
        g_autoptr(GPtrArray) drop_ins = list_drop_ins(folder);

        if (!read_file(config, path, error))
                return NULL;
        for (guint i = 0; i < drop_ins->len; i++)
                if (!read_file(config, drop_ins->pdata[i], error))
                        return NULL;
        bw_config_finish(config);
        return g_steal_pointer(&config);
}
