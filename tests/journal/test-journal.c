/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "journal.h"
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define SOCKET_PATH     "/run/systemd/journal/socket"
#define ANSWER_LIMIT_MS 10000

/* A journald of our own: a datagram socket the test reads when it likes. */
typedef struct Journald {
        int fd;
} Journald;

static void journald_open(Journald *journald) {
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET_PATH };

        g_assert_cmpint(g_mkdir_with_parents("/run/systemd/journal", 0755), ==, 0);
        (void) unlink(SOCKET_PATH);
        journald->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        g_assert_cmpint(bind(journald->fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
}

static void journald_close(Journald *journald) {
        g_close(journald->fd, NULL);
        (void) unlink(SOCKET_PATH);
}

static bool is_readable(int fd, int limit_ms) {
        GPollFD wait = { .fd = fd, .events = G_IO_IN };

        return g_poll(&wait, 1, limit_ms) == 1;
}

/* The native protocol: NAME=value\n, or NAME\n, eight bytes of length, value, \n. */
static const char *take_field(const char *next, const char *end, GHashTable *fields) {
        const char *line_end = memchr(next, '\n', (size_t) (end - next));
        const char *equals = memchr(next, '=', (size_t) (end - next));
        uint64_t length;

        g_assert_nonnull(line_end);
        if (equals != NULL && equals < line_end) {
                g_hash_table_insert(fields, g_strndup(next, (gsize) (equals - next)),
                                    g_strndup(equals + 1, (gsize) (line_end - equals - 1)));
                return line_end + 1;
        }
        g_assert_cmpint(end - line_end, >, 9);
        memcpy(&length, line_end + 1, sizeof(length));
        length = GUINT64_FROM_LE(length);
        g_assert_cmpuint(length, <, (uint64_t) (end - line_end - 9));
        g_hash_table_insert(fields, g_strndup(next, (gsize) (line_end - next)),
                            g_strndup(line_end + 9, length));
        g_assert_cmpint(line_end[9 + length], ==, '\n');
        return line_end + 10 + length;
}

/* (transfer full): the next entry, or NULL when none comes in time. */
static GHashTable *journald_read(Journald *journald, int limit_ms) {
        g_autoptr(GHashTable) fields =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        static char buffer[65536];
        const char *next = buffer, *end;
        ssize_t length;

        if (!is_readable(journald->fd, limit_ms))
                return NULL;
        length = recv(journald->fd, buffer, sizeof(buffer), 0);
        g_assert_cmpint(length, >, 0);
        end = buffer + length;
        while (next < end)
                next = take_field(next, end, fields);
        return g_steal_pointer(&fields);
}

static const char *field(GHashTable *entry, const char *name) {
        return g_hash_table_lookup(entry, name);
}

/* Puts a pipe in the place of stderr; what was written is read from @reader. */
typedef struct Terminal {
        int saved, reader;
} Terminal;

static void terminal_open(Terminal *terminal) {
        int ends[2];

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        terminal->saved = dup(STDERR_FILENO);
        terminal->reader = ends[0];
        g_assert_cmpint(dup2(ends[1], STDERR_FILENO), ==, STDERR_FILENO);
        g_close(ends[1], NULL);
}

/* (transfer full): everything written. */
static char *terminal_close(Terminal *terminal) {
        GString *text = g_string_new(NULL);
        char buffer[4096];
        ssize_t length;

        g_assert_cmpint(dup2(terminal->saved, STDERR_FILENO), ==, STDERR_FILENO);
        g_close(terminal->saved, NULL);
        while ((length = read(terminal->reader, buffer, sizeof(buffer))) > 0)
                g_string_append_len(text, buffer, length);
        g_close(terminal->reader, NULL);
        return g_string_free(text, FALSE);
}

static void pretend_stderr_is_journal(void) {
        g_autofree char *stream = NULL;
        struct stat stat;

        g_assert_cmpint(fstat(STDERR_FILENO, &stat), ==, 0);
        stream = g_strdup_printf("%ju:%ju", (uintmax_t) stat.st_dev, (uintmax_t) stat.st_ino);
        g_setenv("JOURNAL_STREAM", stream, TRUE);
}

static void test_fields(void) {
        g_autoptr(BwJournal) journal = NULL;
        g_autoptr(GHashTable) entry = NULL;
        Journald journald;

        pretend_stderr_is_journal();
        journald_open(&journald);
        journal = bw_journal_new();
        bw_journal_say(journal, BW_MESSAGE_PORT_ARMED, LOG_NOTICE, "Port vk63 armed", "BW_PORT",
                       "vk63", "BW_GUEST", NULL, "BW_BRIDGE", "virbr6", NULL);
        entry = journald_read(&journald, ANSWER_LIMIT_MS);
        g_assert_nonnull(entry);
        g_assert_cmpstr(field(entry, "MESSAGE"), ==, "Port vk63 armed");
        g_assert_cmpstr(field(entry, "MESSAGE_ID"), ==, bw_message_id(BW_MESSAGE_PORT_ARMED));
        g_assert_cmpstr(field(entry, "PRIORITY"), ==, "5");
        g_assert_cmpstr(field(entry, "SYSLOG_IDENTIFIER"), ==, "bridgewardend");
        g_assert_cmpstr(field(entry, "BW_EVENT"), ==, "port-armed");
        g_assert_cmpstr(field(entry, "BW_PORT"), ==, "vk63");
        g_assert_cmpstr(field(entry, "BW_BRIDGE"), ==, "virbr6");
        g_assert_cmpuint(g_hash_table_size(entry), ==, 7);
        journald_close(&journald);
}

static void test_hostile_bytes(void) {
        static const char *const hostile[] = {
                "a\nMESSAGE_ID=ffff", "\xff\xfe", "%n%s%s%s%n", "-o '$(id)' \"", "\x1b[2J", "=", ""
        };
        g_autoptr(BwJournal) journal = NULL;
        Journald journald;

        pretend_stderr_is_journal();
        journald_open(&journald);
        journal = bw_journal_new();
        for (unsigned i = 0; i < G_N_ELEMENTS(hostile); i++) {
                g_autoptr(GHashTable) entry = NULL;

                bw_journal_say(journal, BW_MESSAGE_VIOLATION, LOG_WARNING, hostile[i], "BW_GUEST",
                               hostile[i], NULL);
                entry = journald_read(&journald, ANSWER_LIMIT_MS);
                g_assert_nonnull(entry);
                g_assert_cmpstr(field(entry, "MESSAGE"), ==, hostile[i]);
                g_assert_cmpstr(field(entry, "BW_GUEST"), ==, hostile[i]);
                g_assert_cmpstr(field(entry, "MESSAGE_ID"), ==,
                                bw_message_id(BW_MESSAGE_VIOLATION));
                g_assert_cmpuint(g_hash_table_size(entry), ==, 6);
        }
        journald_close(&journald);
}

#define CALLS 5000

/* Nobody reads meanwhile: a caller that waited for the reader would never return. */
static void say_many(BwJournal *journal) {
        for (unsigned i = 0; i < CALLS; i++)
                bw_journal_say(journal, BW_MESSAGE_PORT_ARMED, LOG_INFO, "Port armed", NULL);
}

/* Every call is an entry or is counted in one that says so: nothing vanishes unsaid. */
static void test_jam_is_told(void) {
        g_autoptr(BwJournal) journal = NULL;
        unsigned arrived = 0, left_out = 0;
        Journald journald;

        pretend_stderr_is_journal();
        journald_open(&journald);
        journal = bw_journal_new();
        say_many(journal);
        while (arrived + left_out < CALLS) {
                g_autoptr(GHashTable) entry = journald_read(&journald, ANSWER_LIMIT_MS);

                g_assert_nonnull(entry);
                if (g_strcmp0(field(entry, "BW_EVENT"), "journal-left-out") != 0) {
                        arrived++;
                        continue;
                }
                left_out += (unsigned) g_ascii_strtoull(field(entry, "BW_LEFT_OUT"), NULL, 10);
                g_assert_nonnull(strstr(field(entry, "MESSAGE"), field(entry, "BW_LEFT_OUT")));
        }
        g_assert_cmpuint(arrived + left_out, ==, CALLS);
        g_assert_cmpuint(left_out, >, CALLS / 2);
        g_assert_cmpuint(arrived, >, 1000);
        journald_close(&journald);
}

static void test_free_in_a_jam(void) {
        BwJournal *journal;
        Journald journald;
        int64_t start;

        pretend_stderr_is_journal();
        journald_open(&journald);
        journal = bw_journal_new();
        say_many(journal);
        start = g_get_monotonic_time();
        bw_journal_free(journal);
        /* It gives the reader a chance, and returns although that never comes. */
        g_assert_cmpint(g_get_monotonic_time() - start, >, G_USEC_PER_SEC / 2);
        journald_close(&journald);
}

/* What was said before the end is written before the end. */
static void test_free_writes_out(void) {
        BwJournal *journal;
        unsigned arrived = 0;
        Journald journald;

        pretend_stderr_is_journal();
        journald_open(&journald);
        journal = bw_journal_new();
        for (unsigned i = 0; i < 8; i++) /* as many as the socket holds without a reader */
                bw_journal_say(journal, BW_MESSAGE_STOPPED, LOG_INFO, "Stopped", NULL);
        bw_journal_free(journal);
        for (unsigned i = 0; i < 8; i++) {
                g_autoptr(GHashTable) entry = journald_read(&journald, 0);

                arrived += entry != NULL;
        }
        g_assert_cmpuint(arrived, ==, 8);
        journald_close(&journald);
}

static void test_no_journald(void) {
        g_autofree char *text = NULL;
        Terminal terminal;
        BwJournal *journal;

        g_unsetenv("JOURNAL_STREAM");
        (void) unlink(SOCKET_PATH);
        terminal_open(&terminal);
        journal = bw_journal_new();
        bw_journal_say(journal, BW_MESSAGE_CONFIG_PROBLEM, LOG_ERR, "No such\nkey \x1b[31m\xff %n",
                       "BW_PORT", "vk63", NULL);
        bw_journal_say(journal, BW_MESSAGE_STARTED, LOG_INFO, "Gast ä", NULL);
        bw_journal_free(journal);
        text = terminal_close(&terminal);
        g_assert_cmpstr(text, ==, "error: No such\\x0akey \\x1b[31m\\xff %n\ninfo: Gast ä\n");
}

static void test_under_systemd_stderr_is_quiet(void) {
        g_autofree char *text = NULL;
        Terminal terminal;
        BwJournal *journal;

        (void) unlink(SOCKET_PATH);
        terminal_open(&terminal);
        pretend_stderr_is_journal();
        journal = bw_journal_new();
        bw_journal_say(journal, BW_MESSAGE_STARTED, LOG_INFO, "Started", NULL);
        bw_journal_free(journal);
        text = terminal_close(&terminal);
        g_assert_cmpstr(text, ==, "");
}

/* A terminal nobody reads holds up neither the caller nor the journal. */
static void test_full_stderr(void) {
        g_autofree char *text = NULL;
        g_autoptr(GHashTable) entry = NULL;
        Terminal terminal;
        Journald journald;
        BwJournal *journal;
        char filler[65536];

        g_unsetenv("JOURNAL_STREAM");
        journald_open(&journald);
        terminal_open(&terminal);
        g_assert_cmpint(fcntl(STDERR_FILENO, F_SETPIPE_SZ, 65536), ==, 65536);
        memset(filler, '.', sizeof(filler));
        g_assert_cmpint(write(STDERR_FILENO, filler, sizeof(filler)), ==, sizeof(filler));
        journal = bw_journal_new();
        bw_journal_say(journal, BW_MESSAGE_STARTED, LOG_INFO, "Started", NULL);
        entry = journald_read(&journald, ANSWER_LIMIT_MS);
        g_assert_nonnull(entry);
        say_many(journal);
        bw_journal_free(journal);
        /* Our end of the pipe is closed here; the thread that hangs then finds the old stderr. */
        g_assert_cmpint(read(terminal.reader, filler, sizeof(filler)), ==, sizeof(filler));
        journald_close(&journald);
        g_usleep(G_USEC_PER_SEC / 10);
        text = terminal_close(&terminal);
        g_assert_true(g_str_has_prefix(text, "info: Started\n"));
}

/* The reader of stderr has gone: no SIGPIPE, and the journal still gets everything. */
static void test_broken_stderr(void) {
        g_autoptr(BwJournal) journal = NULL;
        Terminal terminal;
        Journald journald;

        g_unsetenv("JOURNAL_STREAM");
        journald_open(&journald);
        terminal_open(&terminal);
        g_close(terminal.reader, NULL);
        journal = bw_journal_new();
        for (unsigned i = 0; i < 3; i++) {
                g_autoptr(GHashTable) entry = NULL;

                bw_journal_say(journal, BW_MESSAGE_STARTED, LOG_INFO, "Started", NULL);
                entry = journald_read(&journald, ANSWER_LIMIT_MS);
                g_assert_nonnull(entry);
        }
        g_clear_pointer(&journal, bw_journal_free);
        g_assert_cmpint(dup2(terminal.saved, STDERR_FILENO), ==, STDERR_FILENO);
        g_close(terminal.saved, NULL);
        journald_close(&journald);
}

static void test_ids(void) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (BwMessage message = 0; message < BW_MESSAGE_MAX; message++) {
                const char *id = bw_message_id(message), *name = bw_message_name(message);

                g_assert_nonnull(id);
                g_assert_nonnull(name);
                g_assert_cmpuint(strlen(id), ==, 32);
                g_assert_cmpuint(strspn(id, "0123456789abcdef"), ==, 32);
                g_assert_true(g_hash_table_add(seen, (gpointer) id));
                g_assert_true(g_hash_table_add(seen, (gpointer) name));
        }
}

/* Each message has its entry in the catalog and the catalog has no other. */
static void test_catalog(void) {
        g_autofree char *catalog = NULL;
        unsigned entries = 0;

        g_assert_true(g_file_get_contents("../systemd/bridgewarden.catalog", &catalog, NULL, NULL));
        for (const char *at = catalog; (at = strstr(at, "\n-- ")) != NULL; at += 4)
                entries++;
        g_assert_cmpuint(entries, ==, BW_MESSAGE_MAX);
        for (BwMessage message = 0; message < BW_MESSAGE_MAX; message++) {
                g_autofree char *head =
                        g_strconcat("\n-- ", bw_message_id(message), "\nSubject: ", NULL);

                if (strstr(catalog, head) == NULL)
                        g_error("the catalog lacks %s", bw_message_name(message));
        }
}

static void test_skipped(void) {
        g_test_skip("this machine allows no namespaces of one's own: no fake journald");
}

int main(int argc, char **argv) {
        bool own_world = bw_test_enter_netns();

        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/journal/ids", test_ids);
        g_test_add_func("/journal/catalog", test_catalog);
        if (!own_world) {
                g_test_add_func("/journal/writing", test_skipped);
                return g_test_run();
        }
        g_test_add_func("/journal/fields", test_fields);
        g_test_add_func("/journal/hostile-bytes", test_hostile_bytes);
        g_test_add_func("/journal/no-journald", test_no_journald);
        g_test_add_func("/journal/under-systemd-stderr-is-quiet",
                        test_under_systemd_stderr_is_quiet);
        g_test_add_func("/journal/free-writes-out", test_free_writes_out);
        g_test_add_func("/journal/jam-is-told", test_jam_is_told);
        g_test_add_func("/journal/full-stderr", test_full_stderr);
        g_test_add_func("/journal/broken-stderr", test_broken_stderr);
        g_test_add_func("/journal/free-in-a-jam", test_free_in_a_jam);
        return g_test_run();
}
