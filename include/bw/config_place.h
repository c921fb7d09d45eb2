/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The place in a configuration file that is being read, and what is to be said
 * about it. A part of the config room; nobody else needs it.
 */

#include <bw/config.h>
#include <bw/config_lines.h>

typedef struct BwConfigPlace {
        BwConfig *config;
        const char *file;
        const BwConfigLine *line;
        bool *broken; /* of the section the line stands in; NULL when it speaks of nothing */
} BwConfigPlace;

/* Adds a problem; an error also breaks the section. Only the first 10000 problems are kept. */
void bw_config_place_error(const BwConfigPlace *place, const char *format, ...) G_GNUC_PRINTF(2, 3);
void bw_config_place_warn(const BwConfigPlace *place, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The same for a problem that is found when the lines are gone. Takes @problem. */
void bw_config_take_problem(BwConfig *config, BwConfigProblem *problem);
void bw_config_problem_free(BwConfigProblem *problem);
