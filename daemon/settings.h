/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Settings
 *
 * Reads the configuration's files and hands their text to bw/config.h. Knows
 * paths and nothing of what is in them.
 */

#include <bw/config.h>

/* (transfer full): FILE, then FILE.d with names ending in .conf, in byte order of their names. NULL
 * and BW_ERROR_INVALID when one of them is no key file, BW_ERROR_ABSENT when one cannot be read. */
BwConfig *bw_settings_read(const char *path, GError **error);
