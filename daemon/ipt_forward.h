/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The FORWARD chains of legacy iptables
 *
 * Reads the table filter, which is others', as one of bw/forward.h. Writes
 * nothing, and asks for no table that nobody uses: asking would make one.
 */

#include <bw/addr.h>
#include <bw/forward.h>

/* (transfer full): NULL when it cannot be read. Reads the whole table. */
BwForwardTable *bw_ipt_forward_read(BwFamily family);
