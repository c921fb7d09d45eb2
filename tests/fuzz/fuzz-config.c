/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as configuration
 *
 * A byte 0x1c parts the bytes into a file and its drop-ins. What is taken must
 * be sorted and folded, printable, and the same when it is read again.
 */

#include <bw/config.h>
#include <bw/error.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_prefixes(const GArray *prefixes) {
        g_assert_cmpuint(prefixes->len, <=, BW_MAX_ADDRESSES);
        for (guint i = 0; i < prefixes->len; i++) {
                const BwPrefix *prefix = &g_array_index(prefixes, BwPrefix, i);
                g_autofree char *text = bw_prefix_print(prefix);
                BwPrefix again;

                /* Parsing refuses host bits and what no host may own. */
                g_assert_true(bw_prefix_parse(text, &again, NULL));
                g_assert_true(bw_prefix_equal(prefix, &again));
                g_assert_true(i == 0 || bw_prefix_compare(prefix - 1, prefix) < 0);
        }
}

static void check_macs(const GArray *macs) {
        g_assert_cmpuint(macs->len, <=, BW_MAX_MACS);
        for (guint i = 1; i < macs->len; i++)
                g_assert_cmpint(bw_mac_compare(&g_array_index(macs, BwMac, i - 1),
                                               &g_array_index(macs, BwMac, i)),
                                <, 0);
}

static void check_binding(gpointer key, gpointer value, gpointer user G_GNUC_UNUSED) {
        const BwBindingSection *section = value;

        g_assert_cmpstr(key, ==, section->name);
        g_assert_true(*section->name && strchr(section->where, ':'));
        check_prefixes(section->addresses);
        check_macs(section->macs);
        g_assert_true(section->set & BW_SET_ADDRESSES || section->addresses->len == 0);
        g_assert_true(section->set & BW_SET_MACS || section->macs->len == 0);
        g_assert_false(section->any_address && section->addresses->len > 0);
        g_assert_true(bw_mode_name(section->mode) && bw_role_name(section->role));
}

static void check_port_name(gpointer key, gpointer value G_GNUC_UNUSED,
                            gpointer user G_GNUC_UNUSED) {
        g_assert_true(strlen(key) > 0 && strlen(key) <= 15 && !strpbrk(key, "/: \t\n\v\f\r"));
}

static void check_bridge(gpointer key, gpointer value, gpointer user G_GNUC_UNUSED) {
        const BwBridgeSection *bridge = value;

        g_assert_cmpstr(key, ==, bridge->name);
        check_prefixes(bridge->networks);
}

static void check_problems(const BwConfig *config) {
        for (guint i = 0; i < config->problems->len; i++) {
                const BwConfigProblem *problem = config->problems->pdata[i];
                g_autofree char *text = bw_config_problem_print(problem);

                g_assert_true(*problem->sentence && strstr(text, problem->sentence));
                g_assert_true(g_utf8_validate(text, -1, NULL));
                g_assert_null(strpbrk(text, "\n\r\033"));
                g_assert_cmpuint(strlen(text), <, 20000);
        }
}

static void check(const BwConfig *config) {
        g_hash_table_foreach(config->guests, check_binding, NULL);
        g_hash_table_foreach(config->interfaces, check_binding, NULL);
        g_hash_table_foreach(config->ports, check_binding, NULL);
        g_hash_table_foreach(config->ports, check_port_name, NULL);
        g_hash_table_foreach(config->bridges, check_bridge, NULL);
        g_hash_table_foreach(config->bridges, check_port_name, NULL);
        g_assert_true(config->log_rate >= 1 && config->log_rate <= 1000);
        g_assert_true(config->check_interval >= 1 && config->check_interval <= 3600);
        g_assert_true(config->bridges_auto == (config->bridge_names->len == 0));
        check_problems(config);
}

/* NULL when some file is no key file. */
static BwConfig *read_files(const uint8_t *bytes, size_t size) {
        g_autoptr(BwConfig) config = bw_config_new();
        const uint8_t *end = bytes + size;

        while (bytes) {
                const uint8_t *part = size > 0 ? memchr(bytes, 0x1c, (gsize) (end - bytes)) : NULL;
                g_autoptr(GError) error = NULL;

                if (!bw_config_read(config, "fuzz\n.conf", (const char *) bytes,
                                    (gsize) ((part ? part : end) - bytes), &error)) {
                        g_assert_error(error, BW_ERROR, BW_ERROR_INVALID);
                        g_assert_true(g_utf8_validate(error->message, -1, NULL));
                        return NULL;
                }
                bytes = part ? part + 1 : NULL;
        }
        bw_config_finish(config);
        return g_steal_pointer(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        g_autoptr(BwConfig) config = read_files(bytes, size);
        g_autoptr(BwConfig) again = read_files(bytes, size);

        g_assert_true(!config == !again);
        if (!config)
                return 0;
        check(config);
        g_assert_cmpuint(config->problems->len, ==, again->problems->len);
        bw_config_keep_guard(again, config);
        check(again);
        return 0;
}
