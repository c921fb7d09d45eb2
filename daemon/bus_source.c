/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_source.h"

#include <stdint.h>

typedef struct Source {
        GSource source; /* first: GLib allocates us as one of its own */
        sd_bus *connection;
        BwBusLost lost;
        gpointer user;
        gpointer tag;
        int fd, events;
} Source;

/* The file descriptor changes when an address names several sockets and the first does not answer.
 */
static void watch(Source *self, int fd, int events) {
        if (self->tag != NULL && self->fd == fd && self->events == events)
                return;
        if (self->tag != NULL && self->fd == fd) {
                g_source_modify_unix_fd(&self->source, self->tag, (GIOCondition) events);
        } else {
                if (self->tag != NULL)
                        g_source_remove_unix_fd(&self->source, self->tag);
                self->tag = g_source_add_unix_fd(&self->source, fd, (GIOCondition) events);
        }
        self->fd = fd;
        self->events = events;
}

/* Milliseconds until sd-bus wants a turn without news: 0 now, -1 not before there is some. */
static int time_left(Source *self) {
        uint64_t usec, now = (uint64_t) g_get_monotonic_time();

        if (sd_bus_get_timeout(self->connection, &usec) < 0)
                return 0;
        if (usec == UINT64_MAX)
                return -1;
        return usec <= now ? 0 : (int) MIN((usec - now + 999) / 1000, (uint64_t) G_MAXINT);
}

static gboolean prepare(GSource *source, int *timeout_ms) {
        Source *self = (Source *) source;
        int fd = sd_bus_get_fd(self->connection);
        int events = sd_bus_get_events(self->connection);

        /* A closed connection has neither; the next turn tells so. */
        if (fd < 0 || events < 0)
                return TRUE;
        watch(self, fd, events);
        *timeout_ms = time_left(self);
        return *timeout_ms == 0;
}

static gboolean check(GSource *source) {
        Source *self = (Source *) source;

        if (self->tag != NULL && g_source_query_unix_fd(source, self->tag) != 0)
                return TRUE;
        return time_left(self) == 0;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user) {
        Source *self = (Source *) source;
        int r = sd_bus_process(self->connection, NULL);

        (void) callback;
        (void) user;
        /* Whoever was called may have given the connection up already. */
        if (r >= 0 || g_source_is_destroyed(source))
                return G_SOURCE_CONTINUE;
        self->lost(r, self->user);
        return G_SOURCE_REMOVE;
}

static void finalize(GSource *source) {
        Source *self = (Source *) source;

        sd_bus_unref(self->connection);
}

GSource *bw_bus_source_new(sd_bus *connection, BwBusLost lost, gpointer user) {
        static GSourceFuncs functions = {
                .prepare = prepare,
                .check = check,
                .dispatch = dispatch,
                .finalize = finalize,
        };
        GSource *source = g_source_new(&functions, sizeof(Source));
        Source *self = (Source *) source;

        self->connection = sd_bus_ref(connection);
        self->lost = lost;
        self->user = user;
        self->fd = -1;
        g_source_set_name(source, "bus");
        return source;
}
