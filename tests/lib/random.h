/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Random input for the property tests
 *
 * Few values on purpose, so that hits and near misses both happen. Every run is
 * the same unless --seed says otherwise; the seed is printed with the results.
 */

#include <bw/guest.h>

/* g_test_init() with a seed of our own unless the caller brings one. */
void bw_test_init(int argc, char **argv);

unsigned bw_test_below(unsigned n); /* 0 .. n - 1; @n is not 0 */
bool bw_test_once_in(unsigned n);   /* true in one of @n cases */

/* Any name the kernel would take; often one that begins with another. Never the empty name. */
void bw_test_random_ifname(char name[static BW_IFNAME_SIZE]);
/* Any bytes but NUL and newline. (transfer full) */
char *bw_test_random_guest_name(void);
void bw_test_shuffle(gpointer array, gsize n, gsize element_size);
