/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Desk
 *
 * Where requests from the bus are answered: asks the warden, shows what it says.
 */

#include "warden.h"

typedef struct BwDesk BwDesk;

/* @warden is kept until bw_desk_free(). */
BwDesk *bw_desk_new(BwWarden *warden);
void bw_desk_free(BwDesk *desk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwDesk, bw_desk_free)
