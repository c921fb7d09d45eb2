/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Replays a fuzz target's corpus
 *
 * Feeds every file of the folder named on the command line, and every prefix of
 * it that is shorter by a power of two, to the target. An empty or missing
 * corpus is a failure: a test that feeds nothing proves nothing.
 */

#include <glib.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void feed(const char *contents, gsize length) {
        for (gsize cut = 0; cut < length; cut = cut ? cut * 2 : 1) {
                /* A copy of the exact size, so that the sanitizer sees each byte read too far. */
                g_autofree uint8_t *copy = g_memdup2(contents, length - cut);

                LLVMFuzzerTestOneInput(copy, length - cut);
        }
        LLVMFuzzerTestOneInput((const uint8_t *) "", 0);
}

int main(int argc, char **argv) {
        g_autoptr(GDir) folder = argc == 2 ? g_dir_open(argv[1], 0, NULL) : NULL;
        const char *name;
        unsigned fed = 0;

        while (folder && (name = g_dir_read_name(folder))) {
                g_autofree char *path = g_build_filename(argv[1], name, NULL);
                g_autofree char *contents = NULL;
                gsize length;

                if (!g_file_get_contents(path, &contents, &length, NULL))
                        continue;
                feed(contents, length);
                fed++;
        }

        printf("%u corpus files replayed\n", fed);
        return fed > 0 ? 0 : 1;
}
