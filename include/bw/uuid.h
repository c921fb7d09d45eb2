/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * UUIDs
 *
 * The form libvirt prints: eight, four, four, four and twelve digits. Refuses to
 * know whose they are.
 */

#include <stdbool.h>

#define BW_UUID_TEXT_SIZE 37

/* Puts it into lower case. False, and @ret untouched, when @text is no UUID. */
bool bw_uuid_parse(const char *text, char ret[static BW_UUID_TEXT_SIZE]);
