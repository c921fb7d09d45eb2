/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Service manager adapter
 *
 * Tells systemd what sd_notify(3) is for. Does nothing when started by hand.
 */

#include <glib.h>

void bw_service_ready(void);
void bw_service_reloading(void);
void bw_service_stopping(void);
/* From now on the default main context proves that it turns, as often as WatchdogSec= asks. */
void bw_service_watch(void);
