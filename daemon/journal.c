/* SPDX-License-Identifier: GPL-2.0-or-later */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "journal.h"

#include <bw/text.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

/* About a second of the worst burst; beyond that the sum is told. */
#define QUEUE_LIMIT     1024
#define FREE_LIMIT_USEC G_USEC_PER_SEC

typedef struct Kind {
        const char *name;
        const char *id;
} Kind;

/* The IDs never change: people's filters and the catalog rely on them. */
static const Kind kinds[BW_MESSAGE_MAX] = {
        [BW_MESSAGE_STARTED] = { "started", "a2367acdca954046b8afa15cd634325f" },
        [BW_MESSAGE_STOPPED] = { "stopped", "7959f3aa5c554d008e34c788658ff010" },
        [BW_MESSAGE_PORT_ARMED] = { "port-armed", "1587ba9557ca4c95856c9d773c92570b" },
        [BW_MESSAGE_PORT_REARMED] = { "port-rearmed", "7a2ad183318d4eb0842dcaed62b7f0a0" },
        [BW_MESSAGE_PORT_RELEASED] = { "port-released", "5f58d9c53b9a42c8a322859b6746987e" },
        [BW_MESSAGE_PORT_CLOSED] = { "port-closed", "58965c87e0744b5a804cee3b203fe5dc" },
        [BW_MESSAGE_STRANGER] = { "stranger", "6623d2302b71409f9ec69fa88b374902" },
        [BW_MESSAGE_BRIDGE_GUARDED] = { "bridge-guarded", "39c41b8d2de3426b8111246d2c81a937" },
        [BW_MESSAGE_BRIDGE_RELEASED] = { "bridge-released", "edd9dc31474e4d329c3133cfc19d43e7" },
        [BW_MESSAGE_COMMITTED] = { "committed", "e264974cb18c43f7af07a958e7f1039f" },
        [BW_MESSAGE_DRIFT_REPAIRED] = { "drift-repaired", "c1fce428de7b421db1ff24843b80246b" },
        [BW_MESSAGE_ENGINE_TROUBLE] = { "engine-trouble", "027c318a4921453e99719f097b167adf" },
        [BW_MESSAGE_ENGINE_RECOVERED] = { "engine-recovered", "8f0e62377af449dfa34ce4bbed7cc028" },
        [BW_MESSAGE_ENGINES] = { "engines", "35e40cef129e4fe9b86df8243f891a75" },
        [BW_MESSAGE_CONFIG_LOADED] = { "config-loaded", "9d0bd853bb584dc1aa93970c0dd14637" },
        [BW_MESSAGE_CONFIG_REJECTED] = { "config-rejected", "a53ef271fd59438a91c62a7f5e358a66" },
        [BW_MESSAGE_CONFIG_PROBLEM] = { "config-problem", "91956289008d4389945237221fe8c41c" },
        [BW_MESSAGE_CONFLICT] = { "conflict", "7aa8a8693bc743adb1a10c3d08484dbf" },
        [BW_MESSAGE_LIBVIRT_CONNECTED] = { "libvirt-connected",
                                           "f0569e38eb604e059b0fb256ca65661c" },
        [BW_MESSAGE_LIBVIRT_LOST] = { "libvirt-lost", "9c4a43fc099f4e81b813f58debbff872" },
        [BW_MESSAGE_OVERRUN] = { "overrun", "3a4f7bc44a4d41fa98e8dd60583dcef8" },
        [BW_MESSAGE_VIOLATION] = { "violation", "282d7f3533874df28ce15ffea765d9a7" },
        [BW_MESSAGE_VIOLATIONS_LEFT_OUT] = { "violations-left-out",
                                             "5948d710bf0c4cc490aee3cda45064d0" },
        [BW_MESSAGE_MAC_MOVED] = { "mac-moved", "ee056f4c2ae34005911627bee07d8636" },
        [BW_MESSAGE_MAC_FLOOD] = { "mac-flood", "0c3037f4d23349faac6aea01db68660b" },
        [BW_MESSAGE_NEIGHBOUR_FOREIGN] = { "neighbour-foreign",
                                           "6f3add8615ee4b7d9b5a143d7ab5f4cf" },
        [BW_MESSAGE_HAZARD] = { "hazard", "9d1825fb1b92481c8d8a4c56dff1a9ce" },
        [BW_MESSAGE_HAZARD_CLEARED] = { "hazard-cleared", "7c02b42ee99d4f3c93366b90698d89b0" },
        [BW_MESSAGE_HAZARD_REPAIRED] = { "hazard-repaired", "3b498458ccca4fae8cd1e03fe13a3d5c" },
        [BW_MESSAGE_DISARMED] = { "disarmed", "2429f2ce84ee470f8071ef893543983b" },
        [BW_MESSAGE_BUS_TROUBLE] = { "bus-trouble", "73aaa922ccc24d8181310a10a42414ee" },
        [BW_MESSAGE_JOURNAL_LEFT_OUT] = { "journal-left-out", "1c8e57034bf24adcb2e32f19b98a35cb" },
};

/* Immutable once made; counted, because two outlets may hold it. */
typedef struct Entry {
        int priority;
        char *sentence;
        GPtrArray *fields; /* char *, "NAME=value" */
} Entry;

typedef bool (*Write)(const Entry *entry);

/* A place entries go to, with its own thread: a terminal nobody reads does not hold up the journal.
 * Counted, because a thread that hangs in a write is left behind with it. */
typedef struct Outlet {
        Write write;
        GAsyncQueue *queue; /* Entry *, or the outlet itself for "no more" */
        unsigned left_out;  /* atomic */
        GMutex lock;
        GCond ended;
        bool has_ended;
} Outlet;

struct BwJournal {
        Outlet *journal;
        Outlet *terminal; /* NULL when stderr is the journal already */
};

const char *bw_message_id(BwMessage message) {
        g_assert((unsigned) message < BW_MESSAGE_MAX);
        return kinds[message].id;
}

const char *bw_message_name(BwMessage message) {
        g_assert((unsigned) message < BW_MESSAGE_MAX);
        return kinds[message].name;
}

static void clear_entry(gpointer user) {
        Entry *entry = user;

        g_free(entry->sentence);
        g_ptr_array_unref(entry->fields);
}

static void release_entry(gpointer entry) {
        g_atomic_rc_box_release_full(entry, clear_entry);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Entry, release_entry)

static void add_field(Entry *entry, const char *name, const char *value) {
        g_ptr_array_add(entry->fields, g_strconcat(name, "=", value, NULL));
}

static Entry *entry_new(BwMessage message, int priority, const char *sentence) {
        Entry *entry = g_atomic_rc_box_new0(Entry);
        char level[2] = { (char) ('0' + CLAMP(priority, 0, 7)), '\0' };

        entry->priority = CLAMP(priority, 0, 7);
        entry->sentence = g_strdup(sentence);
        entry->fields = g_ptr_array_new_with_free_func(g_free);
        add_field(entry, "MESSAGE", sentence);
        add_field(entry, "MESSAGE_ID", bw_message_id(message));
        add_field(entry, "PRIORITY", level);
        add_field(entry, "SYSLOG_IDENTIFIER", "bridgewardend");
        add_field(entry, "BW_EVENT", bw_message_name(message));
        return entry;
}

static bool write_to_journal(const Entry *entry) {
        g_autofree struct iovec *parts = g_new0(struct iovec, entry->fields->len);

        for (unsigned i = 0; i < entry->fields->len; i++) {
                char *field = g_ptr_array_index(entry->fields, i);

                parts[i] = (struct iovec){ .iov_base = field, .iov_len = strlen(field) };
        }
        return sd_journal_sendv(parts, (int) entry->fields->len) >= 0;
}

static bool write_all(int fd, const char *bytes, size_t length) {
        while (length > 0) {
                ssize_t written = write(fd, bytes, length);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return false;
                bytes += written;
                length -= (size_t) written;
        }
        return true;
}

static bool write_to_terminal(const Entry *entry) {
        static const char *const levels[] = { "emergency", "alert",  "critical", "error",
                                              "warning",   "notice", "info",     "debug" };
        g_autofree char *sentence = bw_text_printable(entry->sentence);
        g_autofree char *line = g_strconcat(levels[entry->priority], ": ", sentence, "\n", NULL);

        return write_all(STDERR_FILENO, line, strlen(line));
}

static void write_entry(Outlet *outlet, const Entry *entry) {
        if (!outlet->write(entry))
                g_atomic_int_inc(&outlet->left_out);
}

/* Not before there is room again, or each gap in a long jam would be told by itself. */
static void tell_left_out(Outlet *outlet) {
        g_autoptr(Entry) entry = NULL;
        g_autofree char *sentence = NULL;
        char count[16];
        unsigned left_out;

        if (g_async_queue_length(outlet->queue) > QUEUE_LIMIT / 2)
                return;
        left_out = g_atomic_int_and(&outlet->left_out, 0);
        if (left_out == 0)
                return;
        g_snprintf(count, sizeof(count), "%u", left_out);
        sentence = g_strdup_printf("%u entries were left out because writing them took too long",
                                   left_out);
        entry = entry_new(BW_MESSAGE_JOURNAL_LEFT_OUT, LOG_WARNING, sentence);
        add_field(entry, "BW_LEFT_OUT", count);
        if (!outlet->write(entry))
                g_atomic_int_add(&outlet->left_out, (int) left_out);
}

static void clear_outlet(gpointer user) {
        Outlet *outlet = user;

        g_async_queue_unref(outlet->queue);
        g_mutex_clear(&outlet->lock);
        g_cond_clear(&outlet->ended);
}

static void release_outlet(Outlet *outlet) {
        g_atomic_rc_box_release_full(outlet, clear_outlet);
}

static void release_queued(gpointer entry) {
        release_entry(entry);
}

/* Signals are the main thread's; a stderr whose reader has gone is an error to count, no death. */
static void block_signals(void) {
        sigset_t all;

        sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static gpointer run_outlet(gpointer user) {
        Outlet *outlet = user;
        gpointer next;

        block_signals();
        while ((next = g_async_queue_pop(outlet->queue)) != outlet) {
                g_autoptr(Entry) entry = next;

                write_entry(outlet, entry);
                tell_left_out(outlet);
        }
        g_mutex_lock(&outlet->lock);
        outlet->has_ended = true;
        g_cond_signal(&outlet->ended);
        g_mutex_unlock(&outlet->lock);
        release_outlet(outlet);
        return NULL;
}

static Outlet *outlet_new(const char *name, Write write) {
        Outlet *outlet = g_atomic_rc_box_new0(Outlet);

        outlet->write = write;
        outlet->queue = g_async_queue_new_full(release_queued);
        g_mutex_init(&outlet->lock);
        g_cond_init(&outlet->ended);
        g_thread_unref(g_thread_new(name, run_outlet, g_atomic_rc_box_acquire(outlet)));
        return outlet;
}

static void queue_entry(Outlet *outlet, Entry *entry) {
        g_async_queue_lock(outlet->queue);
        if (g_async_queue_length_unlocked(outlet->queue) < QUEUE_LIMIT)
                g_async_queue_push_unlocked(outlet->queue, g_atomic_rc_box_acquire(entry));
        else
                g_atomic_int_inc(&outlet->left_out);
        g_async_queue_unlock(outlet->queue);
}

static void end_outlet(Outlet *outlet, int64_t deadline) {
        g_mutex_lock(&outlet->lock);
        while (!outlet->has_ended)
                if (!g_cond_wait_until(&outlet->ended, &outlet->lock, deadline))
                        break;
        g_mutex_unlock(&outlet->lock);
        release_outlet(outlet);
}

/* systemd.exec(5): JOURNAL_STREAM names the device and inode of the stream it connected. */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        g_autofree char *ours = NULL;
        struct stat stat;

        if (stream == NULL || fstat(STDERR_FILENO, &stat) < 0)
                return false;
        ours = g_strdup_printf("%ju:%ju", (uintmax_t) stat.st_dev, (uintmax_t) stat.st_ino);
        return g_str_equal(stream, ours);
}

BwJournal *bw_journal_new(void) {
        BwJournal *journal = g_new0(BwJournal, 1);

        journal->journal = outlet_new("journal", write_to_journal);
        if (!stderr_is_journal())
                journal->terminal = outlet_new("stderr", write_to_terminal);
        return journal;
}

void bw_journal_free(BwJournal *journal) {
        int64_t deadline = g_get_monotonic_time() + FREE_LIMIT_USEC;

        if (journal == NULL)
                return;
        g_async_queue_push(journal->journal->queue, journal->journal);
        if (journal->terminal != NULL)
                g_async_queue_push(journal->terminal->queue, journal->terminal);
        end_outlet(journal->journal, deadline);
        if (journal->terminal != NULL)
                end_outlet(journal->terminal, deadline);
        g_free(journal);
}

void bw_journal_say(BwJournal *journal, BwMessage message, int priority, const char *sentence,
                    ...) {
        g_autoptr(Entry) entry = entry_new(message, priority, sentence);
        const char *name, *value;
        va_list pairs;

        va_start(pairs, sentence);
        while ((name = va_arg(pairs, const char *)) != NULL)
                if ((value = va_arg(pairs, const char *)) != NULL)
                        add_field(entry, name, value);
        va_end(pairs);
        queue_entry(journal->journal, entry);
        if (journal->terminal != NULL)
                queue_entry(journal->terminal, entry);
}
