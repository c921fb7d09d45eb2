/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "random.h"

#include <string.h>

#define FIXED_SEED "--seed=R02S62726964676577617264656e20677561"

static bool brings_a_seed(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (g_str_has_prefix(argv[i], "--seed"))
                        return true;
        return false;
}

void bw_test_init(int argc, char **argv) {
        g_autofree char **arguments = g_new0(char *, (gsize) argc + 2);
        static char seed[] = FIXED_SEED; /* GLib keeps the pointer */
        char **list = arguments;

        memcpy(arguments, argv, (gsize) argc * sizeof(*argv));
        if (!brings_a_seed(argc, argv))
                arguments[argc++] = seed;
        g_test_init(&argc, &list, NULL);
}

unsigned bw_test_below(unsigned n) {
        return (unsigned) g_test_rand_int_range(0, (gint32) n);
}

bool bw_test_once_in(unsigned n) {
        return bw_test_below(n) == 0;
}

/* dev_valid_name() of the kernel: no slash, no colon, and nothing it calls a space, 0xa0 included.
 */
static char random_byte(void) {
        static const char odd[] = "'\"%+];\\-_.[#=$&*n1";
        unsigned byte;

        if (bw_test_once_in(2))
                return odd[bw_test_below(sizeof(odd) - 1)];
        do
                byte = 1 + bw_test_below(255);
        while (byte == '/' || byte == ':' || byte == ' ' || byte == 0xa0 ||
               (byte >= '\t' && byte <= '\r'));
        return (char) byte;
}

static void random_bytes(char *name, unsigned length) {
        for (unsigned i = 0; i < length; i++)
                name[i] = random_byte();
        if (name[0] == '.')
                name[0] = '-';
}

void bw_test_random_ifname(char name[static BW_IFNAME_SIZE]) {
        static const char *const stems[] = { "vnet",  "vnet1", "vnet10", "vnet+", "v",
                                             "-vnet", "tap",   "t",      "vk6",   "%n" };
        const char *stem = stems[bw_test_below(G_N_ELEMENTS(stems))];

        memset(name, 0, BW_IFNAME_SIZE);
        switch (bw_test_below(8)) {
        case 0:
                g_strlcpy(name, stem, BW_IFNAME_SIZE);
                return;
        case 1:
                g_snprintf(name, BW_IFNAME_SIZE, "%sx", stem);
                return;
        case 2:
                g_snprintf(name, BW_IFNAME_SIZE, "abcdefghijklm%02u", bw_test_below(12));
                return;
        case 3:
                random_bytes(name, 1 + bw_test_below(BW_IFNAME_SIZE - 1));
                return;
        case 4:
                g_strlcpy(name, stem, BW_IFNAME_SIZE);
                random_bytes(name + strlen(name), 1 + bw_test_below(3));
                return;
        default:
                g_snprintf(name, BW_IFNAME_SIZE, "%s%u", stem, bw_test_below(30));
                return;
        }
}

char *bw_test_random_guest_name(void) {
        static const char *const names[] = { "kali3", "a \"b\" 'c'", "-o",      "%n%s",
                                             "[x]",   "\xff#",       "gast\\n", "ünï" };

        return g_strdup_printf("%s%u", names[bw_test_below(G_N_ELEMENTS(names))],
                               bw_test_below(1000));
}

void bw_test_shuffle(gpointer array, gsize n, gsize element_size) {
        char *bytes = array;

        for (gsize i = n; i > 1; i--) {
                gsize other = bw_test_below((unsigned) i);
                g_autofree char *kept = g_memdup2(bytes + (i - 1) * element_size, element_size);

                memmove(bytes + (i - 1) * element_size, bytes + other * element_size, element_size);
                memcpy(bytes + other * element_size, kept, element_size);
        }
}
