/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The shipped file and the man page say what the parser knows. */

#include "config_case.h"

static char *file_text(const char *path) {
        g_autoptr(GError) error = NULL;
        char *text = NULL;

        g_file_get_contents(path, &text, NULL, &error);
        g_assert_no_error(error);
        return text;
}

static void test_shipped(void) {
        g_autofree char *text = file_text("../conf/bridgewarden.conf");
        g_autoptr(BwConfig) config = read_text(text);

        assert_no_problem(config);
        assert_defaults(config);
}

/* "#Key=value" and "#[Section]" become what they would be without the "#". */
static char *uncomment(const char *text) {
        g_autoptr(GRegex) commented = g_regex_new("^#(\\[|[A-Za-z]+=)", G_REGEX_MULTILINE, 0, NULL);

        return g_regex_replace(commented, text, -1, 0, "\\1", 0, NULL);
}

/* What the shipped file says to be the default is the default: said aloud, nothing changes. */
static void test_shipped_defaults(void) {
        g_autofree char *text = file_text("../conf/bridgewarden.conf");
        g_autofree char *spoken = uncomment(text);
        char *guest = strstr(spoken, "[Guest NAME]");
        g_autoptr(BwConfig) all = read_text(spoken);
        g_autoptr(BwConfig) host = NULL;

        g_assert_cmpuint(bw_config_count_errors(all), ==, 0);
        g_assert_cmpuint(g_hash_table_size(all->guests), ==, 1);
        g_assert_cmpuint(g_hash_table_size(all->bridges), ==, 1);
        assert_no_problem(all);

        g_assert_nonnull(guest);
        *guest = '\0';
        g_assert_nonnull(strstr(spoken, "\nMode=enforce\n"));
        g_assert_nonnull(strstr(spoken, "\nURI=qemu:///system\n"));
        host = read_text(spoken);
        assert_no_problem(host);
        assert_defaults(host);
}

/* The part of @text behind @begin, up to where @next comes. */
static char *part_of(const char *text, const char *begin, const char *next) {
        g_auto(GStrv) around = g_strsplit(text, begin, 2);
        g_auto(GStrv) parts = NULL;

        g_assert_nonnull(around[1]);
        parts = g_strsplit(around[1], next, 2);
        return g_strdup(parts[0]);
}

/* The parser itself lists the keys of a section, to whoever writes an unknown one. */
static char **keys_of(const char *section) {
        static const char says[] = "the keys of this section are ";
        g_autofree char *text = g_strdup_printf("[%s]\nNoSuchKey=1\n", section);
        g_autoptr(BwConfig) config = read_text(text);
        const BwConfigProblem *problem = config->problems->pdata[0];
        const char *list = strstr(problem->sentence, says);

        g_assert_nonnull(list);
        return g_strsplit(list + strlen(says), ", ", -1);
}

static void test_papers(void) {
        static const struct {
                const char *section, *heading, *header;
        } papers[] = {
                { "Guard", "\n# [GUARD]\n", "\n[Guard]\n" },
                { "Libvirt", "\n# [LIBVIRT]\n", "\n[Libvirt]\n" },
                { "Guest x", "\n# [GUEST], [INTERFACE], [PORT]\n", "\n#[Guest NAME]\n" },
                { "Bridge x", "\n# [BRIDGE]\n", "\n#[Bridge NAME]\n" },
        };
        g_autofree char *man = file_text("../man/bridgewarden.conf.5.scd");
        g_autofree char *conf = file_text("../conf/bridgewarden.conf");

        for (gsize i = 0; i < G_N_ELEMENTS(papers); i++) {
                g_autofree char *chapter = part_of(man, papers[i].heading, "\n# ");
                g_autofree char *example = part_of(conf, papers[i].header, "\n#[");
                g_auto(GStrv) keys = keys_of(papers[i].section);

                g_assert_cmpuint(g_strv_length(keys), >, 0);
                for (char **key = keys; *key; key++) {
                        g_autofree char *entry = g_strdup_printf("\n*%s=*\n", *key);
                        g_autofree char *line = g_strdup_printf("\n#%s=", *key);

                        if (!strstr(chapter, entry) || !strstr(example, line))
                                g_error("%s= of [%s] is in no paper", *key, papers[i].section);
                }
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config/shipped", test_shipped);
        g_test_add_func("/config/shipped/defaults", test_shipped_defaults);
        g_test_add_func("/config/papers", test_papers);
        return g_test_run();
}
