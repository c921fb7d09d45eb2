/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Difference of two chains
 *
 * Which rules to delete and which to insert so that one chain becomes another,
 * leaving every rule that may stay where it is: its counters go on. Works on
 * positions; what a rule is, and whether two are equal, the caller says.
 */

#include <glib.h>
#include <stdbool.h>

typedef struct BwEdit {
        bool insert;     /* else delete */
        unsigned at;     /* position at the time of the edit, 0 is the first */
        unsigned wanted; /* with @insert: index of the rule to insert */
} BwEdit;

typedef bool (*BwRuleEqual)(unsigned wanted, unsigned found, gconstpointer user);

/* (transfer full) (element-type BwEdit): to be carried out in order. Empty when the chains are
 * equal. Keeps a longest common subsequence for chains up to a few hundred rules, common ends
 * beyond that. */
GArray *bw_ipt_diff(unsigned n_wanted, unsigned n_found, BwRuleEqual equal, gconstpointer user);
