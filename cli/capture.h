/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Capture files
 *
 * Frames out of a file of tcpdump or wireshark, one after the other. Opens no
 * interface. One frame is held at a time.
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct BwCapture BwCapture;

/* (transfer full): NULL and BW_ERROR_INVALID, with a sentence that has the file's name, when it is
 * no capture of Ethernet frames. "-" is the standard input. */
BwCapture *bw_capture_open(const char *path, GError **error);
void bw_capture_free(BwCapture *capture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwCapture, bw_capture_free)

typedef struct BwCaptured {
        const uint8_t *bytes; /* lent until the next call */
        gsize length;         /* bytes that are there */
        bool is_cut;          /* the frame was longer on its wire */
} BwCaptured;

/* The next frame. False at the end, and with @error set when the file is broken there. */
bool bw_capture_next(BwCapture *capture, BwCaptured *ret, GError **error);
