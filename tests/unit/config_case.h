/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the unit tests of the configuration share: a text, read, and what must
 * be said of it.
 */

#include <bw/config.h>
#include <string.h>

#define FILE_NAME "bridgewarden.conf"

static inline void read_more(BwConfig *config, const char *file, const char *text) {
        g_autoptr(GError) error = NULL;
        bool taken = bw_config_read(config, file, text, strlen(text), &error);

        g_assert_no_error(error);
        g_assert_true(taken);
}

static inline BwConfig *read_text(const char *text) {
        BwConfig *config = bw_config_new();

        read_more(config, FILE_NAME, text);
        bw_config_finish(config);
        return config;
}

static inline char *problem_at(const BwConfig *config, guint i) {
        g_assert_cmpuint(i, <, config->problems->len);
        return bw_config_problem_print(config->problems->pdata[i]);
}

static inline void assert_no_problem(const BwConfig *config) {
        g_autofree char *first = config->problems->len > 0 ? problem_at(config, 0) : NULL;

        g_assert_cmpstr(first, ==, NULL);
}

/* The only problem, and how it is printed up to the sentence and somewhere in it. */
static inline void assert_problem(const BwConfig *config, BwSeverity severity, const char *place,
                                  const char *says) {
        g_autofree char *printed = problem_at(config, 0);
        const BwConfigProblem *problem = config->problems->pdata[0];

        if (!g_str_has_prefix(printed, place) || !strstr(printed + strlen(place), says))
                g_error("\"%s\" does not begin with \"%s\" or say \"%s\"", printed, place, says);
        g_assert_cmpuint(config->problems->len, ==, 1);
        g_assert_cmpint(problem->severity, ==, severity);
        g_assert_cmpuint(bw_config_count_errors(config), ==, severity == BW_SEVERITY_ERROR);
}

static inline char *join(const GArray *addresses) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < addresses->len; i++) {
                g_autofree char *one = bw_prefix_print(&g_array_index(addresses, BwPrefix, i));

                g_string_append_printf(text, "%s%s", i > 0 ? " " : "", one);
        }
        return g_string_free(text, FALSE);
}

static inline BwBindingSection *find(GHashTable *table, const char *name) {
        BwBindingSection *section = g_hash_table_lookup(table, name);

        g_assert_nonnull(section);
        g_assert_cmpstr(section->name, ==, name);
        return section;
}

static inline void assert_addresses(const BwBindingSection *section, const char *expected) {
        g_autofree char *text = join(section->addresses);

        g_assert_cmpstr(text, ==, expected);
        g_assert_true(section->set & BW_SET_ADDRESSES);
}

static inline void assert_defaults(const BwConfig *config) {
        g_assert_cmpint(config->mode, ==, BW_MODE_ENFORCE);
        g_assert_cmpint(config->unknown_ports, ==, BW_UNKNOWN_PORTS_MONITOR);
        g_assert_true(config->bridges_auto);
        g_assert_cmpuint(config->bridge_names->len, ==, 0);
        g_assert_cmpuint(config->log_rate, ==, 10);
        g_assert_cmpuint(config->check_interval, ==, 2);
        g_assert_cmpuint(config->repair, ==, 0);
        g_assert_false(config->guard_broken);
        g_assert_cmpstr(config->libvirt_uri, ==, "qemu:///system");
        g_assert_cmpuint(g_hash_table_size(config->guests), ==, 0);
        g_assert_cmpuint(g_hash_table_size(config->interfaces), ==, 0);
        g_assert_cmpuint(g_hash_table_size(config->ports), ==, 0);
        g_assert_cmpuint(g_hash_table_size(config->bridges), ==, 0);
}
