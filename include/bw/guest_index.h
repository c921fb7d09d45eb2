/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Guest index
 *
 * Whose interface is this port? Finds a guest's interface by the MAC libvirt
 * gives its tap and by <target dev>, without looking at every guest. The rule
 * itself stands at bw_model_find_interface().
 */

#include <bw/fact.h>

typedef struct BwGuestIndex BwGuestIndex;

BwGuestIndex *bw_guest_index_new(void);
void bw_guest_index_free(BwGuestIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwGuestIndex, bw_guest_index_free)

/* @guest must live, and keep its interfaces, as long as the index. */
void bw_guest_index_add(BwGuestIndex *index, BwGuest *guest);

/* Empties the target of every interface that has @name. Returns whether there was one; the index is
 * of no use then. */
bool bw_guest_index_forget_target(BwGuestIndex *index, const char *name);

/* As bw_model_find_interface(). */
const BwGuestInterface *bw_guest_index_find(const BwGuestIndex *index, const BwLink *port,
                                            const BwGuest **ret_guest);
