/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The thread of the libvirt adapter, and the main loop that takes what it tells: neither waits for
 * the other, and nothing comes when it is gone.
 */

#include "test_driver.h"
#include "virt_record.h"

#include <signal.h>
#include <string.h>

static void test_nothing_after_free(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = NULL;

        bw_virt_record_await(record, "end");
        bw_virt_refresh(record->virt);
        k3 = bw_test_driver_define(connection, K3);
        g_usleep(50000); /* facts are on their way, and nobody took them yet */
        g_clear_pointer(&record->virt, bw_virt_free);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_run_for(100);
        g_assert_cmpuint(record->lines->len, ==, 0);
        bw_virt_free(NULL);
}

static void test_free_from_the_sink(void) {
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);

        record->free_at_next = true;
        for (unsigned i = 0; record->virt && i < 600; i++)
                bw_virt_record_run_for(100);
        g_assert_null(record->virt);
        bw_virt_record_run_for(200);
        g_assert_cmpuint(record->lines->len, ==, 1);
}

/* libvirt's default event loop lives in GLib's default context: whoever runs it runs our sources.
 * And libvirt's own must not wait for us: what happened meanwhile was read already. */
static void test_main_loop_is_left_alone(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        unsigned calls = 0;
        guint source = bw_virt_record_count_turns(5, &calls);
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = NULL;

        g_usleep(2 * G_USEC_PER_SEC);
        k3 = bw_test_driver_define(connection, K3);
        g_usleep(2 * G_USEC_PER_SEC);
        g_assert_cmpuint(calls, ==, 0);
        g_assert_cmpuint(record->lines->len, ==, 0);
        g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(bw_virt_record_count(record, K3_RESTS), ==, 1);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
        g_source_remove(source);
}

/* /proc/self/task/TID of the adapter's thread. */
static char *find_task(void) {
        g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
        const char *name;

        while (tasks && (name = g_dir_read_name(tasks))) {
                g_autofree char *task = g_build_filename("/proc/self/task", name, NULL);
                g_autofree char *path = g_build_filename(task, "comm", NULL);
                g_autofree char *comm = NULL;

                if (g_file_get_contents(path, &comm, NULL, NULL) && g_str_equal(comm, "libvirt\n"))
                        return g_steal_pointer(&task);
        }
        g_assert_not_reached();
}

static char *read_status(const char *task, const char *key) {
        g_autofree char *path = g_build_filename(task, "status", NULL);
        g_autofree char *text = NULL;
        const char *at;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        at = strstr(text, key);
        g_assert_nonnull(at);
        at += strlen(key);
        return g_strstrip(g_strndup(at, strcspn(at, "\n")));
}

static guint64 count_wakeups(const char *task) {
        g_autofree char *text = read_status(task, "\nvoluntary_ctxt_switches:");

        return g_ascii_strtoull(text, NULL, 10);
}

/* Ticks of processor time: fields 14 and 15, counted behind the name's bracket. */
static guint64 count_ticks(const char *task) {
        g_autofree char *path = g_build_filename(task, "stat", NULL);
        g_autofree char *text = NULL;
        g_auto(GStrv) fields = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        fields = g_strsplit(strrchr(text, ')') + 2, " ", -1);
        g_assert_cmpuint(g_strv_length(fields), >, 13);
        return g_ascii_strtoull(fields[11], NULL, 10) + g_ascii_strtoull(fields[12], NULL, 10);
}

static void test_sleeps_when_idle(void) {
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_autofree char *task = NULL;
        guint64 wakeups = 0, ticks;
        bool asleep = false;

        bw_virt_record_await(record, "end");
        task = find_task();
        /* What it had to do for the snapshot may take a busy machine a while. */
        for (unsigned i = 0; i < 30 && !asleep; i++) {
                wakeups = count_wakeups(task);
                ticks = count_ticks(task);
                bw_virt_record_run_for(1000);
                asleep = count_wakeups(task) == wakeups && count_ticks(task) - ticks < 10;
        }
        g_assert_true(asleep);
        bw_virt_refresh(record->virt);
        bw_virt_record_await(record, "end");
        g_assert_cmpuint(count_wakeups(task) - wakeups, >, 0);
}

static void refresh_often(BwVirtRecord *record) {
        for (unsigned i = 0; i < 4000; i++) {
                bw_virt_refresh(record->virt);
                g_usleep(200);
        }
}

/* Facts nobody takes: the adapter stops reading, sleeps, and goes on when there is room. */
static void test_main_loop_does_not_run(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = NULL;
        g_autofree char *task = NULL;
        guint64 ticks;

        refresh_often(record);
        task = find_task();
        /* Until there is no room left, and it works no more. */
        for (unsigned i = 0, idle = 0; i < 60 && idle < 2; i++) {
                ticks = count_ticks(task);
                refresh_often(record);
                idle = count_ticks(task) - ticks < 3 ? idle + 1 : 0;
        }
        ticks = count_ticks(task);
        k3 = bw_test_driver_define(connection, K3);
        g_usleep(1000000);
        g_assert_cmpuint(count_ticks(task) - ticks, <, 20);
        while (g_main_context_iteration(NULL, FALSE) && bw_virt_record_count(record, K3_RESTS) == 0)
                continue;
        g_assert_cmpuint(record->lines->len, >, 4096);
        g_assert_cmpuint(record->lines->len, <, 4200);
        if (bw_virt_record_count(record, K3_RESTS) == 0)
                bw_virt_record_await(record, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(record, K3_GONE);
}

static void test_signals_are_the_main_threads(void) {
        g_autoptr(BwVirtRecord) record = bw_virt_record_new(URI);
        g_autofree char *task = NULL, *blocked = NULL;
        guint64 wanted = G_GUINT64_CONSTANT(1) << (SIGTERM - 1) | 1u << (SIGHUP - 1);
        sigset_t mine;

        bw_virt_record_await(record, "end");
        task = find_task();
        blocked = read_status(task, "\nSigBlk:");
        g_assert_cmphex(g_ascii_strtoull(blocked, NULL, 16) & wanted, ==, wanted);
        pthread_sigmask(SIG_SETMASK, NULL, &mine);
        g_assert_false(sigismember(&mine, SIGTERM));
}

static void test_two_at_once(void) {
        g_auto(BwTestConnection) connection = bw_test_driver_connect();
        g_autoptr(BwVirtRecord) first = bw_virt_record_new(URI);
        g_autoptr(BwVirtRecord) second = bw_virt_record_new(URI);
        g_auto(BwTestDomain) k3 = NULL;

        bw_virt_record_await(first, "end");
        bw_virt_record_await(second, "end");
        k3 = bw_test_driver_define(connection, K3);
        bw_virt_record_await(first, K3_RESTS);
        bw_virt_record_await(second, K3_RESTS);
        g_assert_cmpint(virDomainUndefine(k3), ==, 0);
        bw_virt_record_await(first, K3_GONE);
        bw_virt_record_await(second, K3_GONE);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/virt/nothing-after-free", test_nothing_after_free);
        g_test_add_func("/virt/free-from-the-sink", test_free_from_the_sink);
        g_test_add_func("/virt/main-loop-is-left-alone", test_main_loop_is_left_alone);
        g_test_add_func("/virt/sleeps-when-idle", test_sleeps_when_idle);
        g_test_add_func("/virt/main-loop-does-not-run", test_main_loop_does_not_run);
        g_test_add_func("/virt/signals-are-the-main-threads", test_signals_are_the_main_threads);
        g_test_add_func("/virt/two-at-once", test_two_at_once);
        return g_test_run();
}
