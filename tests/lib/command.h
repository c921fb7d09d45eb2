/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Commands of tests
 *
 * Runs a line of shell and gives back what it printed. For tests that look at
 * the kernel with other people's eyes: iptables, ip.
 */

#include <glib.h>
#include <stdbool.h>

/* Ends the test with what the command complained of when it fails. */
void bw_test_run(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* (transfer full): standard output, of a command that must not fail. */
char *bw_test_output(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Whether the command ended with 0. */
bool bw_test_try(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* (transfer full) (element-type utf8): the lines iptables-legacy-save prints for @table that begin
 * with @prefix; @options may be "" or "-c" for counters. */
GPtrArray *bw_test_saved(const char *table, const char *options, const char *prefix);
/* The same of another family's "iptables-legacy-save". */
GPtrArray *bw_test_saved_by(const char *tool, const char *table, const char *options,
                            const char *prefix);
void bw_test_assert_same_lines(GPtrArray *lines, GPtrArray *expected);
