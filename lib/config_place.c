/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/config_place.h>
#include <bw/text.h>

#define MAX_PROBLEMS 10000
#define SHOWN_NAME   512
#define SHOWN_VALUE  200

void bw_config_problem_free(BwConfigProblem *problem) {
        g_free(problem->file);
        g_free(problem->section);
        g_free(problem->key);
        g_free(problem->value);
        g_free(problem->sentence);
        g_free(problem);
}

/* Whoever reads ten thousand problems needs no more of them; what is broken stays broken. */
void bw_config_take_problem(BwConfig *config, BwConfigProblem *problem) {
        GPtrArray *problems = config->problems;
        BwConfigProblem *last;

        if (problems->len < MAX_PROBLEMS) {
                g_ptr_array_add(problems, problem);
                return;
        }

        last = g_ptr_array_index(problems, MAX_PROBLEMS - 1);
        last->severity = MIN(last->severity, problem->severity);
        g_free(last->sentence);
        last->sentence = g_strdup("this and more that is not listed: repair what is named above "
                                  "first");
        bw_config_problem_free(problem);
}

static void take_note(const BwConfigPlace *place, BwSeverity severity, char *sentence) {
        BwConfigProblem *problem = g_new0(BwConfigProblem, 1);

        problem->severity = severity;
        problem->file = g_strdup(place->file);
        problem->line = place->line->number;
        problem->section = g_strdup(place->line->section);
        problem->key = g_strdup(place->line->key);
        problem->value = g_strdup(place->line->value);
        problem->sentence = sentence;
        bw_config_take_problem(place->config, problem);
}

void bw_config_place_error(const BwConfigPlace *place, const char *format, ...) {
        va_list arguments;

        if (place->broken)
                *place->broken = true;
        va_start(arguments, format);
        take_note(place, BW_SEVERITY_ERROR, g_strdup_vprintf(format, arguments));
        va_end(arguments);
}

void bw_config_place_warn(const BwConfigPlace *place, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        take_note(place, BW_SEVERITY_WARNING, g_strdup_vprintf(format, arguments));
        va_end(arguments);
}

char *bw_config_problem_print(const BwConfigProblem *problem) {
        g_autofree char *file = bw_text_short(problem->file, SHOWN_NAME);
        g_autofree char *section = bw_text_short(problem->section, SHOWN_NAME);
        g_autofree char *key = problem->key ? bw_text_short(problem->key, SHOWN_NAME) : NULL;
        g_autofree char *value = problem->value ? bw_text_short(problem->value, SHOWN_VALUE) : NULL;
        GString *text = g_string_new(file);

        if (problem->line > 0)
                g_string_append_printf(text, ":%u", problem->line);
        g_string_append_printf(text, ": [%s]", section);
        if (key || value)
                g_string_append_c(text, ' ');
        if (key)
                g_string_append_printf(text, "%s%s", key, value ? "=" : "");
        if (value)
                g_string_append(text, value);
        g_string_append_printf(text, ": %s", problem->sentence);
        return g_string_free(text, FALSE);
}
