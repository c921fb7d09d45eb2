/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "private_bus.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER  "/run/bridgewarden-test"
#define ADDRESS "unix:path=" FOLDER "/bus"

#define HEAD                                                                                       \
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"     \
        " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"                      \
        "<busconfig><type>system</type><listen>" ADDRESS "</listen><auth>EXTERNAL</auth>\n"

/* The default policy of Debian's system.conf. */
static const char shipped[] =
        HEAD "<policy context=\"default\"><allow user=\"*\"/><deny own=\"*\"/>\n"
             "<deny send_type=\"method_call\"/><allow send_type=\"signal\"/>\n"
             "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
             "<allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
             "<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\n"
             "<allow receive_type=\"error\"/><allow receive_type=\"signal\"/>\n"
             "<allow send_destination=\"org.freedesktop.DBus\"\n"
             " send_interface=\"org.freedesktop.DBus\"/></policy>\n"
             "<include>%s/../conf/org.bridgewarden1.conf</include></busconfig>\n";

static const char open_to_all[] = HEAD
        "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"
        "<allow send_type=\"method_call\"/><allow send_type=\"signal\"/>\n"
        "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
        "<allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
        "<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\n"
        "<allow receive_type=\"error\"/><allow receive_type=\"signal\"/></policy></busconfig>\n";

void bw_test_bus_prepare(void) {
        (void) umask(022);
        g_assert_cmpint(chmod("/run", 0755), ==, 0);
        g_assert_cmpint(g_mkdir_with_parents(FOLDER, 0755), ==, 0);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", ADDRESS, TRUE);
}

static void die_with_the_test(gpointer user) {
        (void) user;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void write_config(BwTestPolicy policy) {
        g_autofree char *here = g_get_current_dir();
        g_autofree char *text = NULL;

        switch (policy) {
        case BW_TEST_POLICY_SHIPPED:
                text = g_strdup_printf(shipped, here);
                break;
        case BW_TEST_POLICY_OPEN:
                text = g_strdup(open_to_all);
                break;
        }
        g_assert_true(g_file_set_contents(FOLDER "/bus.conf", text, -1, NULL));
}

GPid bw_test_bus_start(BwTestPolicy policy) {
        static const char *const arguments[] = {
                "dbus-daemon",
                "--nofork",
                "--nopidfile",
                "--nosyslog",
                "--config-file=" FOLDER "/bus.conf",
                "--print-address",
                NULL,
        };
        g_autoptr(GError) error = NULL;
        char answer[1];
        GPid bus;
        int output;

        write_config(policy);
        (void) unlink(FOLDER "/bus");
        g_spawn_async_with_pipes(NULL, (char **) arguments, NULL,
                                 G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                                         G_SPAWN_STDERR_TO_DEV_NULL,
                                 die_with_the_test, NULL, &bus, NULL, &output, NULL, &error);
        g_assert_no_error(error);
        /* It prints its address as soon as it listens. */
        g_assert_cmpint(read(output, answer, sizeof(answer)), ==, 1);
        g_close(output, NULL);
        return bus;
}

void bw_test_bus_stop(GPid bus) {
        g_assert_cmpint(kill(bus, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(bus, NULL, 0), ==, bus);
}
