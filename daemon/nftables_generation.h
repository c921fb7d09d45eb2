/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel's number for the nftables ruleset of this network namespace
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A socket to ask by, to be closed by the caller; -1 with an error set. Keep it: closing one waits
 * until the kernel has cleaned up behind the last transaction. BW_ERROR_ABSENT: this kernel has no
 * nf_tables. */
int bw_nftables_generation_open(GError **error);
/* Asks only; the answer is there when the call returns, and says by whom it was asked, too. */
bool bw_nftables_generation_ask(int fd, GError **error);
/* Asks and reads the answer. BW_ERROR_ABSENT, BW_ERROR_DENIED. */
bool bw_nftables_generation_read(int fd, uint32_t *ret, GError **error);
