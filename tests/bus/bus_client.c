/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_client.h"

#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(uid_t uid) {
        if (uid == 0)
                return;
        g_assert_cmpint(setgroups(0, NULL), ==, 0);
        g_assert_cmpint(setresgid(uid, uid, uid), ==, 0);
        g_assert_cmpint(setresuid(uid, uid, uid), ==, 0);
}

static void be_client(uid_t uid, BwTestClient client, gconstpointer argument) {
        sd_bus *connection = NULL;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        become(uid);
        g_assert_cmpint(sd_bus_open_system(&connection), >=, 0);
        client(connection, argument);
        sd_bus_flush_close_unref(connection);
        _exit(0);
}

pid_t bw_test_client_start(uid_t uid, BwTestClient client, gconstpointer argument) {
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0)
                be_client(uid, client, argument);
        return pid;
}

void bw_test_client_finish(pid_t pid) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;
        int status = -1;

        while (waitpid(pid, &status, WNOHANG) == 0) {
                g_main_context_iteration(NULL, FALSE);
                g_usleep(500);
                if (g_get_monotonic_time() > deadline) {
                        (void) kill(pid, SIGKILL);
                        deadline = G_MAXINT64;
                }
        }
        g_assert_cmpint(status, ==, 0);
}

void bw_test_client_run(uid_t uid, BwTestClient client, gconstpointer argument) {
        bw_test_client_finish(bw_test_client_start(uid, client, argument));
}

typedef struct Expected {
        const char *member;
        const char *argument; /* NULL: the method takes none */
        const char *error;    /* NULL: the call is fine */
        const char *words;    /* in the error's sentence */
} Expected;

static void call_once(sd_bus *connection, gconstpointer user) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const Expected *expected = user;
        int r = sd_bus_call_method(connection, NAME, PATH, INTERFACE, expected->member, &error,
                                   NULL, expected->argument != NULL ? "s" : "", expected->argument);

        g_assert_cmpstr(error.name, ==, expected->error);
        if (expected->error != NULL && expected->words != NULL &&
            strstr(error.message, expected->words) == NULL)
                g_error("%s lacks %s", error.message, expected->words);
        g_assert_cmpint(r >= 0, ==, expected->error == NULL);
        sd_bus_error_free(&error);
}

void bw_test_client_expect(uid_t uid, const char *member, const char *argument, const char *error,
                           const char *words) {
        Expected expected = { member, argument, error, words };

        bw_test_client_run(uid, call_once, &expected);
}

int bw_test_client_on_answer(sd_bus_message *reply, gpointer answers, sd_bus_error *error) {
        BwTestAnswers *sum = answers;

        (void) error;
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_LIMITS_EXCEEDED))
                sum->refused++;
        else if (!sd_bus_message_is_method_error(reply, NULL))
                sum->fine++;
        return 0;
}
