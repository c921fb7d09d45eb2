/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "virt_loop.h"

#include <glib-unix.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

/* A handle or a timer of libvirt. */
typedef struct Watch {
        GSource source;
        GMainContext *context;
        int id;
        int fd;       /* -1: a timer */
        gpointer tag; /* of the descriptor in the source; NULL while libvirt wants no events */
        int interval; /* milliseconds; negative: off */
        virEventHandleCallback on_ready;
        virEventTimeoutCallback on_timeout;
        void *opaque;
        virFreeCallback release;
} Watch;

/* libvirt registers one loop per process and knows its parts by number, from any thread. */
static GMutex lock;
static GHashTable *watches; /* id -> Watch, a reference each */
static int last_id;

static GIOCondition condition_of(int events) {
        GIOCondition condition = 0;

        if (events & VIR_EVENT_HANDLE_READABLE)
                condition |= G_IO_IN;
        if (events & VIR_EVENT_HANDLE_WRITABLE)
                condition |= G_IO_OUT;
        if (events & VIR_EVENT_HANDLE_ERROR)
                condition |= G_IO_ERR;
        if (events & VIR_EVENT_HANDLE_HANGUP)
                condition |= G_IO_HUP;
        return condition;
}

static int events_of(GIOCondition condition) {
        int events = 0;

        if (condition & G_IO_IN)
                events |= VIR_EVENT_HANDLE_READABLE;
        if (condition & G_IO_OUT)
                events |= VIR_EVENT_HANDLE_WRITABLE;
        if (condition & (G_IO_ERR | G_IO_NVAL))
                events |= VIR_EVENT_HANDLE_ERROR;
        if (condition & G_IO_HUP)
                events |= VIR_EVENT_HANDLE_HANGUP;
        return events;
}

/* Under the lock: another thread may set the interval while the timer goes off here. */
static void arm_timer(Watch *watch) {
        gint64 due = -1;

        if (watch->interval >= 0)
                due = g_get_monotonic_time() + watch->interval * G_GINT64_CONSTANT(1000);
        g_source_set_ready_time(&watch->source, due);
}

/* A descriptor nobody wants events of leaves the poll set: its hang-up would wake us for ever. */
static void arm_handle(Watch *watch, int events) {
        if (watch->tag)
                g_source_remove_unix_fd(&watch->source, watch->tag);
        watch->tag = NULL;
        if (events)
                watch->tag = g_source_add_unix_fd(&watch->source, watch->fd, condition_of(events));
}

static void go_off(Watch *watch) {
        g_mutex_lock(&lock);
        arm_timer(watch); /* before the callback, which may set another interval */
        g_mutex_unlock(&lock);
        watch->on_timeout(watch->id, watch->opaque);
}

static void be_ready(Watch *watch) {
        GIOCondition condition = 0;

        g_mutex_lock(&lock);
        if (watch->tag)
                condition = g_source_query_unix_fd(&watch->source, watch->tag);
        g_mutex_unlock(&lock);
        if (condition)
                watch->on_ready(watch->id, watch->fd, events_of(condition), watch->opaque);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user) {
        Watch *watch = (Watch *) source;

        (void) callback;
        (void) user;
        if (watch->fd < 0)
                go_off(watch);
        else
                be_ready(watch);
        return G_SOURCE_CONTINUE;
}

static Watch *watch_new(void *opaque, virFreeCallback release) {
        static GSourceFuncs funcs = { .dispatch = dispatch };
        Watch *watch = (Watch *) g_source_new(&funcs, sizeof(Watch));

        watch->context = g_main_context_ref_thread_default();
        watch->fd = -1;
        watch->interval = -1;
        watch->opaque = opaque;
        watch->release = release;
        return watch;
}

/* The id must be known before the first dispatch, which may come at once in another thread. */
static int attach(Watch *watch) {
        int id;

        g_mutex_lock(&lock);
        id = watch->id = ++last_id;
        g_hash_table_insert(watches, GINT_TO_POINTER(id), watch);
        g_source_attach(&watch->source, watch->context);
        g_mutex_unlock(&lock);
        return id;
}

static int add_handle(int fd, int events, virEventHandleCallback on_ready, void *opaque,
                      virFreeCallback release) {
        Watch *watch = watch_new(opaque, release);

        watch->fd = fd;
        watch->on_ready = on_ready;
        arm_handle(watch, events);
        return attach(watch);
}

static int add_timeout(int interval, virEventTimeoutCallback on_timeout, void *opaque,
                       virFreeCallback release) {
        Watch *watch = watch_new(opaque, release);

        watch->interval = interval;
        watch->on_timeout = on_timeout;
        arm_timer(watch);
        return attach(watch);
}

static void update_handle(int id, int events) {
        Watch *watch;

        g_mutex_lock(&lock);
        watch = g_hash_table_lookup(watches, GINT_TO_POINTER(id));
        if (watch)
                arm_handle(watch, events);
        g_mutex_unlock(&lock);
}

static void update_timeout(int id, int interval) {
        Watch *watch;

        g_mutex_lock(&lock);
        watch = g_hash_table_lookup(watches, GINT_TO_POINTER(id));
        if (watch) {
                watch->interval = interval;
                arm_timer(watch);
        }
        g_mutex_unlock(&lock);
}

static gboolean release_watch(gpointer user) {
        Watch *watch = user;

        if (watch->release)
                watch->release(watch->opaque);
        g_main_context_unref(watch->context);
        g_source_unref(&watch->source);
        return G_SOURCE_REMOVE;
}

/* libvirt holds locks here that its release callback takes: that one runs later, from the loop. */
static int remove_watch(int id) {
        g_autoptr(GSource) later = g_idle_source_new();
        Watch *watch;

        g_mutex_lock(&lock);
        watch = g_hash_table_lookup(watches, GINT_TO_POINTER(id));
        g_hash_table_remove(watches, GINT_TO_POINTER(id));
        g_mutex_unlock(&lock);
        if (!watch)
                return -1;
        g_source_destroy(&watch->source);

        g_source_set_priority(later, G_PRIORITY_DEFAULT);
        g_source_set_callback(later, release_watch, watch, NULL);
        g_source_attach(later, watch->context);
        return 0;
}

void bw_virt_loop_register(void) {
        static gsize registered;

        if (!g_once_init_enter(&registered))
                return;
        watches = g_hash_table_new(NULL, NULL);
        virEventRegisterImpl(add_handle, update_handle, remove_watch, add_timeout, update_timeout,
                             remove_watch);
        g_once_init_leave(&registered, 1);
}
