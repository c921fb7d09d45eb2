/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Clients on the test's bus
 *
 * A process each, which may be somebody else and may assert for itself: it fails, and so does the
 * test. The caller's main loop goes on meanwhile.
 */

#include <glib.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#define NAME       "org.bridgewarden1"
#define PATH       "/org/bridgewarden1"
#define INTERFACE  "org.bridgewarden1.Manager"
#define NOBODY     65534
#define LIMIT_USEC (30 * G_USEC_PER_SEC) /* for what must come */

typedef void (*BwTestClient)(sd_bus *connection, gconstpointer argument);

/* 0 as @uid: as whoever the test is. Whoever starts it waits for it, or kills it and waits. */
pid_t bw_test_client_start(uid_t uid, BwTestClient client, gconstpointer argument);
/* Waits until it has come to its end, while the caller's main loop goes on. */
void bw_test_client_finish(pid_t pid);
void bw_test_client_run(uid_t uid, BwTestClient client, gconstpointer argument);

/* Calls a method once. NULL as @argument: it takes none; as @error: the call is fine; @words stand
 * in the error's sentence, NULL: any do. */
void bw_test_client_expect(uid_t uid, const char *member, const char *argument, const char *error,
                           const char *words);

/* What became of calls that are made without waiting. */
typedef struct BwTestAnswers {
        unsigned fine, refused; /* refused: there were too many at once */
} BwTestAnswers;

/* For sd_bus_call_method_async(). */
int bw_test_client_on_answer(sd_bus_message *reply, gpointer answers, sd_bus_error *error);
