/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "service.h"

#include <systemd/sd-daemon.h>

void bw_service_ready(void) {
        sd_notify(0, "READY=1");
}

void bw_service_reloading(void) {
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
}

void bw_service_stopping(void) {
        sd_notify(0, "STOPPING=1");
}

static gboolean on_watchdog(G_GNUC_UNUSED gpointer user) {
        sd_notify(0, "WATCHDOG=1");
        return G_SOURCE_CONTINUE;
}

void bw_service_watch(void) {
        uint64_t usec = 0;

        if (sd_watchdog_enabled(0, &usec) > 0)
                g_timeout_add((guint) (usec / 2000), on_watchdog, NULL);
}
