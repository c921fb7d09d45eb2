/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"

static bool run_shell(const char *line, char **ret_output) {
        const char *words[] = { "/bin/sh", "-c", line, NULL };
        g_autofree char *complaint = NULL;
        g_autoptr(GError) error = NULL;
        int status;

        g_spawn_sync(NULL, (char **) words, NULL, G_SPAWN_DEFAULT, NULL, NULL, ret_output,
                     &complaint, &status, &error);
        g_assert_no_error(error);
        if (status != 0)
                g_test_message("%s: %s", line, complaint);
        return status == 0;
}

void bw_test_run(const char *format, ...) {
        g_autofree char *output = NULL, *line = NULL;
        va_list arguments;

        va_start(arguments, format);
        line = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_assert_true(run_shell(line, &output));
}

char *bw_test_output(const char *format, ...) {
        g_autofree char *line = NULL;
        char *output = NULL;
        va_list arguments;

        va_start(arguments, format);
        line = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_assert_true(run_shell(line, &output));
        return output;
}

bool bw_test_try(const char *format, ...) {
        g_autofree char *output = NULL, *line = NULL;
        va_list arguments;

        va_start(arguments, format);
        line = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        return run_shell(line, &output);
}

GPtrArray *bw_test_saved(const char *table, const char *options, const char *prefix) {
        return bw_test_saved_by("iptables-legacy", table, options, prefix);
}

GPtrArray *bw_test_saved_by(const char *tool, const char *table, const char *options,
                            const char *prefix) {
        g_autofree char *text = bw_test_output("%s-save %s -t %s", tool, options, table);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        GPtrArray *found = g_ptr_array_new_with_free_func(g_free);

        for (char **line = lines; *line; line++)
                if (g_str_has_prefix(*line, prefix))
                        g_ptr_array_add(found, g_strdup(*line));
        return found;
}

void bw_test_assert_same_lines(GPtrArray *lines, GPtrArray *expected) {
        for (guint i = 0; i < MIN(lines->len, expected->len); i++)
                g_assert_cmpstr(lines->pdata[i], ==, expected->pdata[i]);
        g_assert_cmpuint(lines->len, ==, expected->len);
}
