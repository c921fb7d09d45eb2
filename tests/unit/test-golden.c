/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Would an operator recognise these rules?
 *
 * golden/CASE.scene (what is plugged in) and golden/CASE.conf give
 * golden/CASE.rules. With BW_REGENERATE=1 in the environment the .rules files
 * are written anew: read the difference before you keep it.
 *
 * A scene has one thing a line, words with space between, C escapes in names:
 *   bridge IFINDEX NAME
 *   tap IFINDEX NAME MAC MASTER          MAC as the guest's; the tap gets 0xfe
 *   veth IFINDEX NAME MAC MASTER PEER
 *   other IFINDEX NAME MAC MASTER
 *   guest NAME UUID running|defined
 *   interface MAC BRIDGE TARGET|-        of the guest before it
 */

#include "plan_text.h"
#include "settings.h"

#include <bw/text.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 8

typedef struct Words {
        char **list;
        guint n;
} Words;

static const char *word(const Words *words, guint i) {
        g_assert_cmpuint(i, <, words->n);
        return words->list[i];
}

static int number(const Words *words, guint i) {
        return atoi(word(words, i));
}

static BwLink read_link(const Words *words, BwLinkKind kind) {
        g_autofree char *name = g_strcompress(word(words, 2));
        BwLink link =
                bw_test_tap(number(words, 1), name, bw_test_mac(word(words, 3)), number(words, 4));

        link.kind = kind;
        if (kind != BW_LINK_TAP)
                link.mac = bw_test_mac(word(words, 3));
        if (kind != BW_LINK_VETH)
                return link;
        link.peer = number(words, 5);
        link.up = link.running = true;
        link.stp_state = BW_STP_FORWARDING;
        return link;
}

static void read_guest(BwTestWorld *world, const Words *words) {
        g_autofree char *name = g_strcompress(word(words, 1));

        g_ptr_array_add(world->guests, bw_test_guest_new(name, word(words, 2),
                                                         g_str_equal(word(words, 3), "running")));
}

static void read_interface(BwTestWorld *world, const Words *words) {
        g_autofree char *target = g_strcompress(word(words, 3));

        g_assert_cmpuint(world->guests->len, >, 0);
        bw_test_guest_add(world->guests->pdata[world->guests->len - 1], bw_test_mac(word(words, 1)),
                          word(words, 2), g_str_equal(target, "-") ? NULL : target);
}

static void read_line(BwTestWorld *world, const Words *words) {
        static const char *const kinds[] = { [BW_LINK_OTHER] = "other",
                                             [BW_LINK_BRIDGE] = "bridge",
                                             [BW_LINK_TAP] = "tap",
                                             [BW_LINK_VETH] = "veth" };
        BwLink link;

        if (g_str_equal(word(words, 0), "guest")) {
                read_guest(world, words);
                return;
        }
        if (g_str_equal(word(words, 0), "interface")) {
                read_interface(world, words);
                return;
        }
        for (unsigned kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
                if (!g_str_equal(word(words, 0), kinds[kind]))
                        continue;
                link = kind == BW_LINK_BRIDGE ? bw_test_bridge(number(words, 1), word(words, 2))
                                              : read_link(words, (BwLinkKind) kind);
                g_array_append_val(world->links, link);
                return;
        }
        g_error("not understood in a scene: %s", word(words, 0));
}

static char *read_file(const char *name, const char *ending) {
        g_autofree char *path = g_strdup_printf("golden/%s.%s", name, ending);
        g_autoptr(GError) error = NULL;
        char *text = NULL;

        g_file_get_contents(path, &text, NULL, &error);
        g_assert_no_error(error);
        return text;
}

static BwTestWorld *read_scene(const char *name) {
        BwTestWorld *world = bw_test_world_new();
        g_autofree char *text = read_file(name, "scene");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                g_auto(GStrv) list = NULL;

                if (**line == '\0' || **line == '#')
                        continue;
                list = g_strsplit(g_strstrip(*line), " ", MAX_WORDS);
                read_line(world, &(Words){ list, g_strv_length(list) });
        }
        return world;
}

static void check_case(gconstpointer user) {
        const char *name = user;
        g_autoptr(BwTestWorld) world = read_scene(name);
        g_autoptr(BwModel) model = bw_test_model(world);
        g_autofree char *settings = read_file(name, "conf");
        g_autoptr(BwConfig) config = bw_test_config_from_text(settings);
        g_autoptr(BwPlan) plan = bw_plan_new(model, config);
        g_autofree char *rules = bw_test_tables_text(plan);
        g_autofree char *stored = NULL;

        if (g_getenv("BW_REGENERATE")) {
                g_autofree char *path = g_strdup_printf("golden/%s.rules", name);

                g_assert_true(g_file_set_contents(path, rules, -1, NULL));
                g_test_skip("written anew");
                return;
        }
        stored = read_file(name, "rules");
        g_assert_cmpstr(rules, ==, stored);
}

int main(int argc, char **argv) {
        g_autoptr(GPtrArray) cases = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) folder = g_dir_open("golden", 0, NULL);
        const char *file;

        g_test_init(&argc, &argv, NULL);
        g_assert_nonnull(folder);
        while ((file = g_dir_read_name(folder)))
                if (g_str_has_suffix(file, ".scene"))
                        g_ptr_array_add(cases, g_strndup(file, strlen(file) - strlen(".scene")));
        g_ptr_array_sort(cases, bw_text_compare);
        for (guint i = 0; i < cases->len; i++) {
                g_autofree char *path = g_strdup_printf("/golden/%s", (char *) cases->pdata[i]);

                g_test_add_data_func(path, cases->pdata[i], check_case);
        }
        g_assert_cmpuint(cases->len, >=, 6);
        return g_test_run();
}
