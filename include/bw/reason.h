/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reasons
 *
 * Why a frame is denied: a closed list. The words are stable; scripts, rules
 * and the journal (BW_REASON=) use them. The order is the order of report: when
 * several apply, the first is named.
 */

#include <glib.h>
#include <stdbool.h>

typedef enum BwReason {
        BW_REASON_NONE,
        BW_REASON_UNBOUND,      /* a stranger, or a port that has no address yet            */
        BW_REASON_SPOOFED_IP,   /* in: the IP source is not the port's (RFC 2827, RFC 7039)  */
        BW_REASON_MISDELIVERED, /* out: the IP destination is not the port's                */
        BW_REASON_REFLECTED,    /* out: the IP source is the port's own                     */
} BwReason;

#define BW_REASON_MAX (BW_REASON_REFLECTED + 1)

/* The bridge's view: IN is what the port's owner sends, OUT what it receives. */
typedef enum BwDirection {
        BW_DIRECTION_IN,
        BW_DIRECTION_OUT,
} BwDirection;

/* "spoofed-ip" and so on; "none" for BW_REASON_NONE. Never NULL. */
const char *bw_reason_name(BwReason reason);
/* BW_REASON_NONE when @name is not a reason. */
BwReason bw_reason_from_name(const char *name);
/* One plain sentence for people. Never NULL. */
const char *bw_reason_sentence(BwReason reason);
const char *bw_direction_name(BwDirection direction);
