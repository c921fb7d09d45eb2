/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "virt.h"

#include "virt_watch.h"

#include <signal.h>

#define PATIENCE_MS 1000 /* for a thread that libvirt does not let go */

/* Outlives BwVirt when the thread hangs: then the thread gives the last reference back. */
typedef struct Run {
        gatomicrefcount references;
        BwVirtWatch *watch;
        GMutex lock;
        GCond ended_changed;
        bool ended;
} Run;

struct BwVirt {
        BwVirtOutbox *outbox;
        Run *run;
        GThread *thread;
};

static Run *run_ref(Run *run) {
        g_atomic_ref_count_inc(&run->references);
        return run;
}

static void run_unref(Run *run) {
        if (!g_atomic_ref_count_dec(&run->references))
                return;
        bw_virt_watch_unref(run->watch);
        g_mutex_clear(&run->lock);
        g_cond_clear(&run->ended_changed);
        g_free(run);
}

static Run *run_new(BwVirtWatch *watch) {
        Run *run = g_new0(Run, 1);

        g_atomic_ref_count_init(&run->references);
        run->watch = watch;
        g_mutex_init(&run->lock);
        g_cond_init(&run->ended_changed);
        return run;
}

static gpointer run_thread(gpointer user) {
        Run *run = user;

        bw_virt_watch_run(run->watch);
        g_mutex_lock(&run->lock);
        run->ended = true;
        g_cond_signal(&run->ended_changed);
        g_mutex_unlock(&run->lock);
        run_unref(run);
        return NULL;
}

/* Signals are the main thread's: one that landed in a hung thread would be lost. */
static GThread *start_thread(Run *run) {
        sigset_t all, before;
        GThread *thread;

        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before);
        thread = g_thread_new("libvirt", run_thread, run_ref(run));
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return thread;
}

BwVirt *bw_virt_new(const char *uri, BwFactSink sink, gpointer user) {
        BwVirt *virt = g_new0(BwVirt, 1);

        virt->outbox = bw_virt_outbox_new(sink, user);
        virt->run = run_new(bw_virt_watch_new(uri, virt->outbox));
        virt->thread = start_thread(virt->run);
        return virt;
}

static bool has_ended(Run *run) {
        gint64 deadline = g_get_monotonic_time() + PATIENCE_MS * G_GINT64_CONSTANT(1000);
        bool ended;

        g_mutex_lock(&run->lock);
        while (!run->ended && g_cond_wait_until(&run->ended_changed, &run->lock, deadline))
                continue;
        ended = run->ended;
        g_mutex_unlock(&run->lock);
        return ended;
}

void bw_virt_free(BwVirt *virt) {
        if (!virt)
                return;
        bw_virt_outbox_close(virt->outbox);
        bw_virt_watch_stop(virt->run->watch);
        if (has_ended(virt->run))
                g_thread_join(virt->thread);
        else
                g_thread_unref(virt->thread); /* left behind; it owns all it may still touch */
        run_unref(virt->run);
        bw_virt_outbox_unref(virt->outbox);
        g_free(virt);
}

void bw_virt_refresh(BwVirt *virt) {
        bw_virt_watch_refresh(virt->run->watch);
}
