/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * bridgewardend(8): arguments, signals, exit code
 */

#include <bw/error.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "desk.h"
#include "iptables.h"
#include "service.h"
#include "settings.h"
#include "warden.h"

#define DEFAULT_CONFIG BW_SYSCONFDIR "/bridgewarden/bridgewarden.conf"

static char *arg_config;
static gboolean arg_check_config, arg_disarm, arg_version;

static const GOptionEntry options[] = {
        { "config", 'c', 0, G_OPTION_ARG_FILENAME, &arg_config,
          "Read FILE and FILE.d/*.conf (default: " DEFAULT_CONFIG ")", "FILE" },
        { "check-config", 0, 0, G_OPTION_ARG_NONE, &arg_check_config,
          "Only read and judge the configuration", NULL },
        { "disarm", 0, 0, G_OPTION_ARG_NONE, &arg_disarm,
          "Take down every rule of the guard and exit; stop the daemon first", NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &arg_version, "Print the version", NULL },
        {},
};

static int complain(const GError *error, int status) {
        fprintf(stderr, "bridgewardend: %s\n", error->message);
        return status;
}

/* 0: nothing wrong. 1: something is, section by section. 78 (EX_CONFIG): not readable at all. */
static int check_config(void) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwConfig) config = bw_settings_read(arg_config, &error);
        unsigned errors;

        if (!config)
                return complain(error, EX_CONFIG);
        for (guint i = 0; i < config->problems->len; i++) {
                const BwConfigProblem *problem = config->problems->pdata[i];
                g_autofree char *text = bw_config_problem_print(problem);

                printf("%s: %s\n", problem->severity == BW_SEVERITY_ERROR ? "error" : "warning",
                       text);
        }
        errors = bw_config_count_errors(config);
        printf("%s: %u errors, %u warnings\n", arg_config, errors, config->problems->len - errors);
        return errors ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int disarm(void) {
        g_autoptr(GError) error = NULL;

        if (!bw_warden_disarm_kernel(&error))
                return complain(error, g_error_matches(error, BW_ERROR, BW_ERROR_ABSENT)
                                               ? EXIT_FAILURE
                                               : EX_UNAVAILABLE);
        printf("Every rule of the guard was taken down. Guests are not guarded any more.\n");
        return EXIT_SUCCESS;
}

static gboolean on_stop(gpointer loop) {
        g_main_loop_quit(loop);
        return G_SOURCE_CONTINUE;
}

static gboolean on_hangup(gpointer warden) {
        bw_warden_reload(warden, NULL);
        return G_SOURCE_CONTINUE;
}

/* SIGHUP is harmless at any time: until there is a warden to tell, it is not heard. */
static int run(void) {
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        g_autoptr(GError) error = NULL;
        g_autoptr(BwWarden) warden = NULL;
        g_autoptr(BwDesk) desk = NULL;

        signal(SIGPIPE, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        warden = bw_warden_new(arg_config, &error);
        if (!warden)
                return complain(error, g_error_matches(error, BW_ERROR, BW_ERROR_INVALID)
                                               ? EX_CONFIG
                                               : EX_UNAVAILABLE);
        g_unix_signal_add(SIGTERM, on_stop, loop);
        g_unix_signal_add(SIGINT, on_stop, loop);
        g_unix_signal_add(SIGHUP, on_hangup, warden);
        desk = bw_desk_new(warden);
        bw_service_watch();
        g_main_loop_run(loop);
        bw_service_stopping();
        return EXIT_SUCCESS;
}

static bool parse_arguments(int argc, char **argv, GError **error) {
        g_autoptr(GOptionContext) context = g_option_context_new(NULL);

        g_option_context_set_summary(context,
                                     "Guards the ports of Linux bridges. See bridgewardend(8).");
        g_option_context_add_main_entries(context, options, NULL);
        if (!g_option_context_parse(context, &argc, &argv, error))
                return false;
        if (argc > 1) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                            "unexpected argument \"%s\"; see --help", argv[1]);
                return false;
        }
        return true;
}

int main(int argc, char **argv) {
        g_autoptr(GError) error = NULL;

        setlocale(LC_CTYPE, "");
        bw_iptables_keep_memory();
        if (!parse_arguments(argc, argv, &error))
                return complain(error, EX_USAGE);
        if (arg_version) {
                printf("bridgewardend " BW_VERSION "\n");
                return EXIT_SUCCESS;
        }
        if (!arg_config)
                arg_config = g_strdup(DEFAULT_CONFIG);
        if (arg_check_config)
                return check_config();
        if (arg_disarm)
                return disarm();
        return run();
}
