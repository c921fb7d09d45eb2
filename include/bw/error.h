/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Errors
 *
 * A code names what the caller does next, not where the trouble came from. The
 * message carries the where. Codes grow only when a new reaction is written.
 */

#include <glib.h>

#define BW_ERROR (bw_error_quark())
GQuark bw_error_quark(void);

typedef enum BwError {
        BW_ERROR_INVALID, /* the input is wrong: tell whoever sent it        */
        BW_ERROR_BUSY,    /* someone else holds it: try again later          */
        BW_ERROR_STALE,   /* we missed news: read the whole state again      */
        BW_ERROR_DENIED,  /* not allowed: say so, keep running               */
        BW_ERROR_ABSENT,  /* what was asked for is not there: tell the asker */
        BW_ERROR_BROKEN,  /* the other side is gone or absurd: give up on it */
} BwError;
