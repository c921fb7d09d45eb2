/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The legacy table a test is about
 *
 * Tests are written once, in IPv4's words, and run for the tables of both families, in namespaces
 * of their own. "iptables-legacy" and a few addresses are put into the words of the table's family.
 */

#include <ipt_chains.h>

extern BwIptTable bw_test_table;

bool bw_test_table_is_ipv6(void);
/* "iptables-legacy" or "ip6tables-legacy". */
const char *bw_test_table_tool(void);
/* Both families' tables are empty then. */
void bw_test_table_clear(void);
/* As bw_test_saved_by(). */
GPtrArray *bw_test_table_saved(const char *options, const char *prefix);
/* (transfer full): @text in the words of the table's family. */
char *bw_test_table_words(const char *text);
/* Runs such a text. */
void bw_test_table_run(const char *text);

/* Adds a test, @path with the table's name behind it; its data is the table. */
void bw_test_table_add(const char *path, BwIptTable each, GTestDataFunc test);
/* For the raw tables. */
void bw_test_table_add_raw(const char *path, GTestDataFunc test);
/* Runs what @add_tests adds, or says why it cannot. To be returned from main(). */
int bw_test_table_run_tests(int argc, char **argv, void (*add_tests)(void));
