/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The test of borders: parts that have a file of their own. Each is a test for
 * g_test_add_func(), and asserts.
 */

void bw_borders_test_random(void);
void bw_borders_test_random_iptables(void);
void bw_borders_test_forty(void);
void bw_borders_test_many(void);
