/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A plan, and the tables made from it, as text that can be compared and read
 */

#include <bw/ipt_compile.h>

/* (transfer full): every field; equal texts are equal plans. */
char *bw_test_plan_text(const BwPlan *plan);
/* (transfer full): all tables about as iptables-save and ip6tables-save show them, anchors
 * included. */
char *bw_test_tables_text(const BwPlan *plan);
