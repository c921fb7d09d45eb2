/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world.h"

#include "link_json.h"
#include "settings.h"

#include <bw/error.h>
#include <bw/nft_table.h>
#include <bw/text.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>

#define MAX_FILE_BYTES (32 * 1024 * 1024)

/* "FILE: what is wrong": the sentence becomes one of the file. */
static bool fail_file(GError **error, const char *path, const char *what) {
        g_autofree char *shown = bw_text_printable(path);
        g_autofree char *sentence = bw_text_printable(what);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "%s: %s", shown, sentence);
        return false;
}

/* Pipes are read, too: "--links <(ip ...)". */
static char *read_file(const char *path, gsize *ret_length, GError **error) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        FILE *file = g_fopen(path, "re");
        uint8_t buffer[65536];
        size_t n;
        bool broken;

        if (!file) {
                fail_file(error, path, g_strerror(errno));
                return NULL;
        }
        while (bytes->len <= MAX_FILE_BYTES && (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
                g_byte_array_append(bytes, buffer, (guint) n);
        broken = ferror(file);
        (void) fclose(file);
        if (broken || bytes->len > MAX_FILE_BYTES) {
                fail_file(error, path, broken ? "it cannot be read" : "it is larger than 32 MiB");
                return NULL;
        }
        *ret_length = bytes->len;
        g_byte_array_append(bytes, (const uint8_t *) "", 1);
        return (char *) g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}

static void take_fact(const BwFact *fact, gpointer user) {
        bw_model_apply(user, fact, 0);
}

static void tell_snapshot(BwModel *model, BwFactKind kind, BwSource source) {
        take_fact(&(BwFact){ .kind = kind, .source = source }, model);
}

static bool read_links(BwModel *model, const char *path, unsigned parts, GError **error) {
        g_autoptr(GError) trouble = NULL;
        gsize length = 0;
        g_autofree char *text = read_file(path, &length, error);

        if (!text)
                return false;
        if (bw_link_json_read(text, length, parts, take_fact, model, &trouble))
                return true;
        return fail_file(error, path, trouble->message);
}

static bool read_host(BwModel *model, const BwWorldFiles *files, GError **error) {
        unsigned parts = BW_LINK_JSON_LINKS | (files->addresses ? 0 : BW_LINK_JSON_ADDRESSES);

        tell_snapshot(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_NETLINK);
        if (!read_links(model, files->links, parts, error))
                return false;
        if (files->addresses && !read_links(model, files->addresses, BW_LINK_JSON_ADDRESSES, error))
                return false;
        tell_snapshot(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_NETLINK);
        return true;
}

/* The XML of a running domain has the number libvirt gave it; that of a defined one has none. */
static void see_element(GMarkupParseContext *context G_GNUC_UNUSED, const char *element,
                        const char **names, const char **values G_GNUC_UNUSED, gpointer user,
                        GError **error) {
        bool *is_running = user;

        *is_running = g_str_equal(element, "domain") && g_strv_contains(names, "id");
        g_set_error_literal(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "seen enough");
}

static bool is_running(const char *xml, gsize length) {
        static const GMarkupParser parser = { .start_element = see_element };
        bool running = false;
        GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &running, NULL);

        (void) g_markup_parse_context_parse(context, xml, (gssize) length, NULL);
        g_markup_parse_context_free(context);
        return running;
}

static bool read_guest(BwModel *model, const char *path, GError **error) {
        g_autoptr(GError) trouble = NULL;
        g_autoptr(BwGuest) guest = NULL;
        gsize length = 0;
        g_autofree char *xml = read_file(path, &length, error);

        if (!xml)
                return false;
        guest = bw_guest_parse(xml, length, &trouble);
        if (!guest)
                return fail_file(error, path, trouble->message);
        guest->active = is_running(xml, length);
        take_fact(&(BwFact){ .kind = BW_FACT_GUEST, .guest = guest }, model);
        return true;
}

static bool read_folder(BwModel *model, const char *folder, GError **error) {
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) trouble = NULL;
        g_autoptr(GDir) dir = g_dir_open(folder, 0, &trouble);
        const char *name;

        if (!dir)
                return fail_file(error, folder, trouble->message);
        while ((name = g_dir_read_name(dir)))
                if (g_str_has_suffix(name, ".xml"))
                        g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
        g_ptr_array_sort(paths, bw_text_compare);
        for (guint i = 0; i < paths->len; i++)
                if (!read_guest(model, paths->pdata[i], error))
                        return false;
        return true;
}

static bool read_guests(BwModel *model, char **paths, GError **error) {
        tell_snapshot(model, BW_FACT_SNAPSHOT_BEGIN, BW_SOURCE_LIBVIRT);
        for (; paths && *paths; paths++) {
                bool done = g_file_test(*paths, G_FILE_TEST_IS_DIR)
                                    ? read_folder(model, *paths, error)
                                    : read_guest(model, *paths, error);

                if (!done)
                        return false;
        }
        tell_snapshot(model, BW_FACT_SNAPSHOT_END, BW_SOURCE_LIBVIRT);
        return true;
}

BwWorld *bw_world_read(const BwWorldFiles *files, GError **error) {
        g_autoptr(BwWorld) world = g_new0(BwWorld, 1);

        world->config = bw_settings_read(
                files->config ? files->config : BW_SYSCONFDIR "/bridgewarden/bridgewarden.conf",
                error);
        if (!world->config)
                return NULL;
        world->model = bw_model_new();
        if (!read_host(world->model, files, error) ||
            !read_guests(world->model, files->guests, error))
                return NULL;
        world->plan = bw_plan_new(world->model, world->config);
        world->elsewhere = bw_nft_list_elsewhere(world->model, world->plan);
        return g_steal_pointer(&world);
}

void bw_world_free(BwWorld *world) {
        if (!world)
                return;
        g_clear_pointer(&world->elsewhere, g_ptr_array_unref);
        bw_plan_free(world->plan);
        bw_model_free(world->model);
        bw_config_free(world->config);
        g_free(world);
}
