/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "virt_watch.h"

#include "virt_loop.h"
#include "virt_read.h"

#include <libvirt/virterror.h>

#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT   3
#define RECONNECT_FIRST   200 /* milliseconds; libvirtd restarts in 130 */
#define RECONNECT_LAST    5000
#define REREAD_FIRST      1000 /* milliseconds until a domain that could not be read is tried again */
#define REREAD_LAST       60000
#define OUTBOX_FULL       4096 /* letters; changed domains then wait here, each only once */
#define OUTBOX_PAUSE      50   /* milliseconds */
#define MAX_DRAIN         1000 /* loop turns for what libvirt puts off when it closes */

struct BwVirtWatch {
        gatomicrefcount references;
        char *uri;
        BwVirtOutbox *outbox;
        GMainContext *context;

        GMutex lock;         /* guards the wishes, which come from any thread */
        GHashTable *changed; /* UUID text -> whether it was resumed: read these again */
        bool refresh;        /* read all */
        bool lost;           /* libvirt says that the connection is gone */
        bool stop;

        /* The thread's own. */
        virConnectPtr connection;
        GSource *alarm;
        bool due; /* the alarm went off */
        bool said_disconnected;
        unsigned reconnect_ms; /* next pause */
        unsigned reread_ms;    /* next pause */
        GHashTable *unread;    /* likewise, of domains that are there and could not be read */
        int callbacks[4];      /* ids of libvirt; negative: the driver has no such event */
};

typedef GQueue Letters;

static void letters_clear(Letters *letters) {
        g_queue_clear_full(letters, (GDestroyNotify) bw_virt_letter_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Letters, letters_clear)

/* UUID text -> bool */
static GHashTable *changes_new(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void wish(BwVirtWatch *watch, bool *flag) {
        g_mutex_lock(&watch->lock);
        *flag = true;
        g_mutex_unlock(&watch->lock);
        g_main_context_wakeup(watch->context);
}

static bool take(BwVirtWatch *watch, bool *flag) {
        bool was;

        g_mutex_lock(&watch->lock);
        was = *flag;
        *flag = false;
        g_mutex_unlock(&watch->lock);
        return was;
}

static bool is_stopped(BwVirtWatch *watch) {
        bool stop;

        g_mutex_lock(&watch->lock);
        stop = watch->stop;
        g_mutex_unlock(&watch->lock);
        return stop;
}

static GHashTable *take_changed(BwVirtWatch *watch) {
        GHashTable *changed;

        g_mutex_lock(&watch->lock);
        changed = watch->changed;
        watch->changed = changes_new();
        g_mutex_unlock(&watch->lock);
        return changed;
}

typedef enum Run {
        RUN_AS_BEFORE, /* nothing is said of its CPUs */
        RUN_RESUMED,
        RUN_ENDED,
} Run;

/* What was read last may be a stop, and what is read next the next one: that they ran in between
 * only the event says. */
static void add_changed(BwVirtWatch *watch, const char *uuid, Run run) {
        bool resumed;

        g_mutex_lock(&watch->lock);
        resumed = GPOINTER_TO_INT(g_hash_table_lookup(watch->changed, uuid));
        if (run != RUN_AS_BEFORE)
                resumed = run == RUN_RESUMED;
        g_hash_table_insert(watch->changed, g_strdup(uuid), GINT_TO_POINTER(resumed));
        g_mutex_unlock(&watch->lock);
        g_main_context_wakeup(watch->context);
}

/* An alarm that is set stays: setting one wakes the loop, which would set it again. */
static void set_alarm(BwVirtWatch *watch, unsigned milliseconds) {
        if (g_source_get_ready_time(watch->alarm) < 0)
                g_source_set_ready_time(watch->alarm,
                                        g_get_monotonic_time() +
                                                milliseconds * G_GINT64_CONSTANT(1000));
}

static void clear_alarm(BwVirtWatch *watch) {
        g_source_set_ready_time(watch->alarm, -1);
}

static gboolean on_alarm(gpointer user) {
        BwVirtWatch *watch = user;

        clear_alarm(watch);
        watch->due = true;
        return G_SOURCE_CONTINUE;
}

static gboolean dispatch_alarm(GSource *source, GSourceFunc callback, gpointer user) {
        (void) source;
        return callback(user);
}

/* An event only says look again; asking libvirt from inside its own callback would keep the next
 * events waiting. */
static void on_changed(virDomainPtr domain, Run run, BwVirtWatch *watch) {
        char uuid[VIR_UUID_STRING_BUFLEN];

        if (virDomainGetUUIDString(domain, uuid) == 0)
                add_changed(watch, uuid, run);
}

static Run run_of(int event) {
        switch (event) {
        case VIR_DOMAIN_EVENT_RESUMED:
                return RUN_RESUMED;
        case VIR_DOMAIN_EVENT_STOPPED:
                return RUN_ENDED;
        default:
                return RUN_AS_BEFORE;
        }
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                        void *user) {
        (void) connection;
        (void) detail;
        on_changed(domain, run_of(event), user);
        return 0;
}

static void on_device(virConnectPtr connection, virDomainPtr domain, const char *alias,
                      void *user) {
        (void) connection;
        (void) alias;
        on_changed(domain, RUN_AS_BEFORE, user);
}

static void on_metadata(virConnectPtr connection, virDomainPtr domain, int type, const char *uri,
                        void *user) {
        (void) connection;
        (void) type;
        (void) uri;
        on_changed(domain, RUN_AS_BEFORE, user);
}

static void on_lost(virConnectPtr connection, int reason, void *user) {
        BwVirtWatch *watch = user;

        (void) connection;
        (void) reason;
        wish(watch, &watch->lost);
}

/* Without this libvirt prints its errors on stderr itself. */
static void on_error(void *user, virErrorPtr error) {
        (void) user;
        (void) error;
}

static void release_watch(void *user) {
        bw_virt_watch_unref(user);
}

/* No REBOOT: a guest that resets itself in a loop sends 22 a second, and its ports stay. */
static const struct {
        int id;
        virConnectDomainEventGenericCallback callback;
} events[] = {
        { VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle) },
        { VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device) },
        { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device) },
        { VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata) },
};
G_STATIC_ASSERT(G_N_ELEMENTS(events) == G_N_ELEMENTS(((BwVirtWatch *) 0)->callbacks));

/* An event callback holds a reference: libvirt may have one in hand after it was taken back. The
 * close callback holds none, for a driver without one says yes and forgets it. */
static void listen(BwVirtWatch *watch) {
        virConnectRegisterCloseCallback(watch->connection, on_lost, watch, NULL);
        for (unsigned i = 0; i < G_N_ELEMENTS(events); i++) {
                watch->callbacks[i] = virConnectDomainEventRegisterAny(
                        watch->connection, NULL, events[i].id, events[i].callback,
                        bw_virt_watch_ref(watch), release_watch);
                if (watch->callbacks[i] < 0)
                        bw_virt_watch_unref(watch);
        }
}

static void post(BwVirtWatch *watch, BwVirtLetter *letter) {
        g_auto(Letters) letters = G_QUEUE_INIT;

        g_queue_push_tail(&letters, letter);
        bw_virt_outbox_post(watch->outbox, &letters);
}

/* Once per loss, however many tries to come back fail. */
static void say_disconnected(BwVirtWatch *watch) {
        if (!watch->said_disconnected)
                post(watch, bw_virt_letter_new(BW_FACT_DISCONNECTED));
        watch->said_disconnected = true;
}

static void try_later(BwVirtWatch *watch) {
        set_alarm(watch, watch->reconnect_ms);
        watch->reconnect_ms = MIN(watch->reconnect_ms * 2, RECONNECT_LAST);
}

/* libvirt frees what it knows of a handle or callback from the loop, not at once. */
static void close_connection(BwVirtWatch *watch) {
        for (unsigned i = 0; i < G_N_ELEMENTS(events); i++)
                if (watch->callbacks[i] >= 0)
                        virConnectDomainEventDeregisterAny(watch->connection, watch->callbacks[i]);
        virConnectUnregisterCloseCallback(watch->connection, on_lost);
        virConnectClose(watch->connection);
        watch->connection = NULL;
        for (unsigned i = 0; i < MAX_DRAIN && g_main_context_iteration(watch->context, FALSE); i++)
                continue;
}

static void let_go(BwVirtWatch *watch) {
        close_connection(watch);
        g_hash_table_remove_all(watch->unread);
        say_disconnected(watch);
        clear_alarm(watch);
        try_later(watch);
}

static void join(BwVirtWatch *watch) {
        take(watch, &watch->lost);
        watch->connection = virConnectOpenReadOnly(watch->uri);
        if (!watch->connection) {
                say_disconnected(watch);
                try_later(watch);
                return;
        }
        virConnSetErrorFunc(watch->connection, NULL, on_error);
        virConnectSetKeepAlive(watch->connection, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
        listen(watch);
        watch->said_disconnected = false;
        watch->reread_ms = REREAD_FIRST;
        post(watch, bw_virt_letter_new(BW_FACT_CONNECTED));
        wish(watch, &watch->refresh);
}

/* The whole snapshot or nothing: half of one would say that the other half is gone. */
static bool look_at_all(BwVirtWatch *watch) {
        g_auto(Letters) letters = G_QUEUE_INIT;
        g_autoptr(GHashTable) changed = take_changed(watch); /* all are read anyway */

        if (bw_virt_read_all(watch->connection, changed, &letters, watch->unread) == BW_VIRT_LOST)
                return false;
        bw_virt_outbox_post(watch->outbox, &letters);
        watch->reconnect_ms = RECONNECT_FIRST;
        return true;
}

static bool look_at_changed(BwVirtWatch *watch) {
        g_autoptr(GHashTable) changed = take_changed(watch);
        GHashTableIter iter;
        gpointer uuid, resumed;

        g_hash_table_iter_init(&iter, changed);
        while (g_hash_table_iter_next(&iter, &uuid, &resumed)) {
                g_auto(Letters) letters = G_QUEUE_INIT;
                BwVirtReading reading = bw_virt_read_domain(watch->connection, uuid,
                                                            GPOINTER_TO_INT(resumed), &letters);

                if (reading == BW_VIRT_LOST)
                        return false;
                if (reading == BW_VIRT_REFUSED)
                        g_hash_table_insert(watch->unread, g_strdup(uuid), resumed);
                bw_virt_outbox_post(watch->outbox, &letters);
        }
        return true;
}

/* A refused domain may have no further event: it is asked again, ever more rarely. */
static void look_again_later(BwVirtWatch *watch) {
        if (g_hash_table_size(watch->unread) == 0) {
                watch->reread_ms = REREAD_FIRST;
                return;
        }
        if (g_source_get_ready_time(watch->alarm) >= 0)
                return;
        set_alarm(watch, watch->reread_ms);
        watch->reread_ms = MIN(watch->reread_ms * 2, REREAD_LAST);
}

static void look(BwVirtWatch *watch) {
        bool is_fine;

        if (bw_virt_outbox_length(watch->outbox) > OUTBOX_FULL) {
                set_alarm(watch, OUTBOX_PAUSE);
                return;
        }
        is_fine = take(watch, &watch->refresh) ? look_at_all(watch) : look_at_changed(watch);
        if (is_fine)
                look_again_later(watch);
        else
                let_go(watch);
}

static void recall_unread(BwVirtWatch *watch) {
        GHashTableIter iter;
        gpointer uuid, resumed;

        g_hash_table_iter_init(&iter, watch->unread);
        while (g_hash_table_iter_next(&iter, &uuid, &resumed))
                add_changed(watch, uuid, GPOINTER_TO_INT(resumed) ? RUN_RESUMED : RUN_AS_BEFORE);
        g_hash_table_remove_all(watch->unread);
}

static void turn(BwVirtWatch *watch) {
        bool is_due = watch->due;

        watch->due = false;
        if (take(watch, &watch->lost) && watch->connection)
                let_go(watch);
        if (is_due && watch->connection)
                recall_unread(watch);
        else if (is_due)
                join(watch);
        if (watch->connection)
                look(watch);
}

void bw_virt_watch_run(BwVirtWatch *watch) {
        g_main_context_push_thread_default(watch->context);
        while (!is_stopped(watch)) {
                turn(watch);
                if (!is_stopped(watch))
                        g_main_context_iteration(watch->context, TRUE);
        }
        if (watch->connection)
                close_connection(watch);
        g_source_destroy(watch->alarm);
        g_main_context_pop_thread_default(watch->context);
}

void bw_virt_watch_stop(BwVirtWatch *watch) {
        wish(watch, &watch->stop);
}

void bw_virt_watch_refresh(BwVirtWatch *watch) {
        wish(watch, &watch->refresh);
}

static GSource *alarm_new(BwVirtWatch *watch) {
        static GSourceFuncs funcs = { .dispatch = dispatch_alarm };
        GSource *alarm = g_source_new(&funcs, sizeof(GSource));

        g_source_set_callback(alarm, on_alarm, watch, NULL);
        g_source_attach(alarm, watch->context);
        return alarm;
}

BwVirtWatch *bw_virt_watch_new(const char *uri, BwVirtOutbox *outbox) {
        BwVirtWatch *watch = g_new0(BwVirtWatch, 1);

        bw_virt_loop_register();
        virSetErrorFunc(NULL, on_error);
        g_atomic_ref_count_init(&watch->references);
        watch->uri = g_strdup(uri);
        watch->outbox = bw_virt_outbox_ref(outbox);
        watch->context = g_main_context_new();
        g_mutex_init(&watch->lock);
        watch->changed = changes_new();
        watch->unread = changes_new();
        watch->alarm = alarm_new(watch);
        watch->due = true;
        watch->reconnect_ms = RECONNECT_FIRST;
        watch->reread_ms = REREAD_FIRST;
        return watch;
}

BwVirtWatch *bw_virt_watch_ref(BwVirtWatch *watch) {
        g_atomic_ref_count_inc(&watch->references);
        return watch;
}

void bw_virt_watch_unref(BwVirtWatch *watch) {
        if (!g_atomic_ref_count_dec(&watch->references))
                return;
        g_source_unref(watch->alarm);
        g_main_context_unref(watch->context);
        g_hash_table_unref(watch->changed);
        g_hash_table_unref(watch->unread);
        g_mutex_clear(&watch->lock);
        bw_virt_outbox_unref(watch->outbox);
        g_free(watch->uri);
        g_free(watch);
}
