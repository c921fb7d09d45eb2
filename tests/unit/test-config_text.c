/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Text, lines, sections and their names, whatever the keys say. */

#include "config_case.h"

#include <bw/error.h>

/* A section that speaks of nothing is reported; neither it nor its keys do anything, not even to
 * the section before it. */
static void test_impossible_sections(void) {
        static const struct {
                const char *header, *says;
        } bad[] = {
                { "Prot vk63", "unknown section; there are [Guard]" },
                { "port vk63", "unknown section" },
                { "Portvk63", "unknown section" },
                { "vk63", "unknown section" },
                { " ", "unknown section" },
                { "-", "unknown section" },
                { "Port sixteen-bytes-xx", "longer than 15 bytes" },
                { "Port a/b", "\"/\" or \":\"" },
                { "Port eth0:1", "\"/\" or \":\"" },
                { "Port a b", "white space" },
                { "Port a\\tb", "white space" },
                { "Port a\\240", "white space" },
                { "Port ", "name is missing" },
                { "Port", "name is missing" },
                { "Port .", "no interface can have that name" },
                { "Port ..", "no interface can have that name" },
                { "Bridge ", "name is missing" },
                { "Bridge a/b", "\"/\" or \":\"" },
                { "Interface vk63", "is no MAC address" },
                { "Interface", "is no MAC address" },
                { "Interface ff:ff:ff:ff:ff:ff", "broadcast" },
                { "Guest", "name is missing" },
                { "Guest  ", "name is missing" },
                { "Port vk63\\", "begins an escape" },
                { "Port vk63\\000x", "begins an escape" },
                { "Port vk63\\0x", "begins an escape" },
                { "Port vk63\\400x", "begins an escape" },
                { "Guest \\777", "begins an escape" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *text = g_strdup_printf(
                        "[Guard]\n[%s]\nAddresses=nonsense\nMode=off\nMode=off\n", bad[i].header);
                g_autofree char *place =
                        g_strdup_printf("bridgewarden.conf:2: [%s]: ", bad[i].header);
                g_autoptr(BwConfig) config = read_text(text);

                assert_problem(config, BW_SEVERITY_ERROR, place, bad[i].says);
                assert_defaults(config);
        }
}

static void test_names(void) {
        static const struct {
                const char *header, *name;
        } guests[] = {
                { "Guest kali3", "kali3" },
                { "Guest   two words  ", "two words" },
                { "Guest -rf", "-rf" },
                { "Guest %n%s$(id)`id`", "%n%s$(id)`id`" },
                { "Guest \"quoted\" 'too'", "\"quoted\" 'too'" },
                { "Guest web #1", "web #1" },
                { "Guest \\133x\\135", "[x]" },
                { "Guest end\\040", "end " },
                { "Guest back\\\\slash", "back\\slash" },
                { "Guest \xff\xfe", "\xff\xfe" },
                { "Guest K\xc3\xbc"
                  "che",
                  "K\xc3\xbc"
                  "che" },
                { "Guest 6C3BB3FE-3F5E-4D7A-9B9E-0123456789AB",
                  "6c3bb3fe-3f5e-4d7a-9b9e-0123456789ab" },
                { "Guest 6C3BB3FE-3F5E-4D7A-9B9E-0123456789AX",
                  "6C3BB3FE-3F5E-4D7A-9B9E-0123456789AX" },
                { "Guest 6C3BB3FE-3F5E-4D7A-9B9E-0123456789ABC",
                  "6C3BB3FE-3F5E-4D7A-9B9E-0123456789ABC" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(guests); i++) {
                g_autofree char *text =
                        g_strdup_printf("[%s]\nAddresses=1.2.3.4\n", guests[i].header);
                g_autoptr(BwConfig) config = read_text(text);

                assert_no_problem(config);
                assert_addresses(find(config->guests, guests[i].name), "1.2.3.4");
        }
}

static void test_odd_port_names(void) {
        static const char *const names[] = { "sixteen-bytes-x", "-", "a#b", "%n",  "\"'`$",
                                             "a\\\\b",          "*", "+",   "a.b", "!x" };

        for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *text = g_strdup_printf("[Port %s]\nAddresses=1.2.3.4\n", names[i]);
                g_autofree char *name = g_strcompress(names[i]);
                g_autoptr(BwConfig) config = read_text(text);

                assert_no_problem(config);
                find(config->ports, name);
        }
}

/* Foreign bytes reach neither the terminal nor a format. */
static void test_print_escapes(void) {
        static const char text[] = "[Guest \xff \\033 x]\nAddresses=\033[31m%n\n";
        g_autoptr(BwConfig) config = read_text(text);
        g_autofree char *printed = problem_at(config, 0);

        g_assert_nonnull(strstr(printed, "%n"));
        g_assert_null(strchr(printed, '\033'));
        g_assert_null(strchr(printed, '\n'));
        g_assert_true(g_utf8_validate(printed, -1, NULL));
}

/* However a name is written, it is the same section. */
static void test_same_section_twice(void) {
        g_autoptr(BwConfig) config = read_text(
                "[Port a]\nAddresses=1.0.0.1\nRole=host\n[Port   \\141 ]\nAddresses=1.0.0.2\n");

        assert_no_problem(config);
        g_assert_cmpuint(g_hash_table_size(config->ports), ==, 1);
        assert_addresses(find(config->ports, "a"), "1.0.0.2");
        g_assert_cmpint(find(config->ports, "a")->role, ==, BW_ROLE_HOST);
}

static void test_key_twice(void) {
        g_autoptr(BwConfig) config = read_text("[Port a]\nAddresses=1.0.0.1\n[Port b]\n[Port a]\n"
                                               "Addresses=1.0.0.2\n");

        assert_problem(config, BW_SEVERITY_WARNING,
                       "bridgewarden.conf:2: [Port a] Addresses: ", "again in line 5");
        assert_addresses(find(config->ports, "a"), "1.0.0.2");
        g_assert_false(find(config->ports, "a")->broken);
}

#define BYTES(text) text, sizeof(text) - 1

static void test_no_key_file(void) {
        static const struct {
                const char *text;
                gsize length;
                const char *says;
        } bad[] = {
                { BYTES("nonsense"),
                  "bridgewarden.conf:1: \"nonsense\": stands before the first section" },
                { BYTES("\n\nMode=off"), "bridgewarden.conf:3: \"Mode=off\": stands before" },
                { BYTES("[Guard]\nMode=\0off"), "bridgewarden.conf:2: \"Mode=\": a NUL byte" },
                { BYTES("\0"), "bridgewarden.conf:1: \"\": a NUL byte" },
                { BYTES("[Guard]\n\n[Port vk63\nMode=off"),
                  "bridgewarden.conf:3: \"[Port vk63\": a section is written [NAME], alone" },
                { BYTES("[Guard]\nPort vk63]\n"),
                  "bridgewarden.conf:2: \"Port vk63]\": neither a section" },
                { BYTES("[Port a]b]\n"), "alone on its line" },
                { BYTES("[Port a]x\n"), "alone on its line" },
                { BYTES("[Port a] x # y\n"), "alone on its line" },
                { BYTES("[Port a[b]\n"), "write \\133 for [" },
                { BYTES("[]\n"), "not empty" },
                { BYTES("[Port a\tb]\n"), "control character" },
                { BYTES("[Guard]\nMode[de]=off\n"), "neither a section" },
                { BYTES("\xff\xfe[\0G\0"), "NUL byte" },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(BwConfig) config = bw_config_new();
                g_autoptr(GError) error = NULL;

                g_assert_false(
                        bw_config_read(config, FILE_NAME, bad[i].text, bad[i].length, &error));
                g_assert_error(error, BW_ERROR, BW_ERROR_INVALID);
                g_assert_nonnull(strstr(error->message, bad[i].says));
                g_assert_true(g_utf8_validate(error->message, -1, NULL));
        }
}

static void assert_refused(const GString *text, const char *says) {
        g_autoptr(BwConfig) config = bw_config_new();
        g_autoptr(GError) error = NULL;

        g_assert_false(bw_config_read(config, FILE_NAME, text->str, text->len, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, says));
        g_assert_cmpuint(strlen(error->message), <, 1000);
}

static void test_giants(void) {
        g_autofree char *xs = g_strnfill(1000000, 'x');
        g_autoptr(GString) text = g_string_new("[Guard]\nMode=");
        g_autoptr(BwConfig) config = NULL;
        g_autofree char *printed = NULL;

        g_string_append(text, xs);
        config = read_text(text->str);
        printed = problem_at(config, 0);
        g_assert_cmpuint(strlen(printed), <, 1000);
        g_assert_true(config->guard_broken);

        g_string_append(text, xs);
        assert_refused(text, "1 MiB");

        g_string_printf(text, "[Guest %s]\n", xs);
        assert_refused(text, "too long");

        g_string_assign(text, "");
        for (unsigned i = 0; i < 65537; i++)
                g_string_append(text, "[Guard]\n");
        assert_refused(text, "more than 65536 sections");
}

/* Ten thousand problems are enough to read; the section stays broken all the same. */
static void test_problem_flood(void) {
        g_autoptr(GString) text = g_string_new("[Port a]\n");
        g_autoptr(BwConfig) config = NULL;
        g_autofree char *last = NULL;

        for (unsigned i = 0; i < 50000; i++)
                g_string_append_printf(text, "K%u=1\n", i);
        g_string_append(text, "[Port z]\nMode=x");
        config = read_text(text->str);
        g_assert_cmpuint(config->problems->len, ==, 10000);
        last = problem_at(config, 9999);
        g_assert_nonnull(strstr(last, "more that is not listed"));
        g_assert_true(find(config->ports, "a")->broken);
        g_assert_true(find(config->ports, "z")->broken);
}

/* Thousands of sections cost far less than a second; only a square of them would not. */
static void test_many_sections(void) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(BwConfig) config = NULL;

        for (unsigned i = 0; i < 5000; i++)
                g_string_append_printf(text,
                                       "[Guest guest-%u]\nAddresses=10.0.0.1 10.1.%u.%u\nRole=x\n",
                                       i, i / 256, i % 256);
        config = read_text(text->str);
        g_assert_cmpuint(g_hash_table_size(config->guests), ==, 5000);
        g_assert_cmpuint(bw_config_count_errors(config), ==, 5000);
        g_assert_cmpuint(config->problems->len, ==, 5100);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config/section/impossible", test_impossible_sections);
        g_test_add_func("/config/section/names", test_names);
        g_test_add_func("/config/section/odd-port-names", test_odd_port_names);
        g_test_add_func("/config/section/twice", test_same_section_twice);
        g_test_add_func("/config/section/key-twice", test_key_twice);
        g_test_add_func("/config/print-escapes", test_print_escapes);
        g_test_add_func("/config/no-key-file", test_no_key_file);
        g_test_add_func("/config/giants", test_giants);
        g_test_add_func("/config/problem-flood", test_problem_flood);
        g_test_add_func("/config/many-sections", test_many_sections);
        return g_test_run();
}
