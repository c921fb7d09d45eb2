/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The FORWARD chains of legacy iptables
 *
 * Reads the table filter, which is others', as chains of bw/forward.h. Writes
 * nothing, and asks for no table that nobody uses: asking would make one.
 */

#include <bw/addr.h>
#include <bw/forward.h>

/* (transfer full) (element-type BwForwardChain): all chains of the table. NULL when it cannot be
 * read. Reads the whole table. */
GPtrArray *bw_ipt_forward_read(BwFamily family);
