/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What was, as text and back
 */

#include <bw/undo.h>

#include "hand_made.h"

static const char example[] = "bridgewarden undo 1\n"
                              "port 13 5 fe:54:00:00:00:0d 15 3 vk63\n"
                              "entry 13 52:54:00:00:00:3f\n"
                              "entry 13 52:54:00:00:00:40\n"
                              "port 14 5 fe:54:00:00:00:0e 8 0 \x01!\xff\n"
                              "pin 5 192.0.2.63 52:54:00:00:00:3f\n"
                              "pin 5 2001:db8::1 52:54:00:00:00:3f\n";

static void test_round(void) {
        g_autoptr(BwUndo) undo = bw_undo_parse(example, strlen(example));
        const BwUndoPort *port = bw_undo_find_port(undo, 13);
        g_autofree char *text = bw_undo_print(undo);
        BwPrefix address = address_of("192.0.2.63");

        g_assert_cmpstr(text, ==, example);
        g_assert_nonnull(port);
        g_assert_cmpuint(port->touched, ==, 15);
        g_assert_cmpuint(port->before, ==, 3);
        g_assert_cmpstr(port->name, ==, "vk63");
        g_assert_true(bw_undo_find_pin(undo, 5, &address)->permanent);
        g_assert_false(bw_undo_is_empty(undo));
        bw_undo_remove_port(undo, 13);
        bw_undo_remove_port(undo, 14);
        bw_undo_remove_pin(undo, 5, &address);
        address = address_of("2001:db8::1");
        bw_undo_remove_pin(undo, 5, &address);
        g_assert_true(bw_undo_is_empty(undo));
}

static void test_nonsense(void) {
        static const char *const texts[] = {
                "",
                "bridgewarden undo 2\nport 13 5 fe:54:00:00:00:0d 15 3 vk63\n",
                "port 13 5 fe:54:00:00:00:0d 15 3 vk63\n",
                "bridgewarden undo 1\nport 0 5 fe:54:00:00:00:0d 15 3 vk63\n",
                "bridgewarden undo 1\nport 13 5 fe:54:00:00:00:0d 99 3 vk63\n",
                "bridgewarden undo 1\nport 13 5 fe:54:00:00:00 15 3 vk63\n",
                "bridgewarden undo 1\nport 13 5 fe:54:00:00:00:0d 15 3 a-name-of-sixteen\n",
                "bridgewarden undo 1\nport 13 5 fe:54:00:00:00:0d 15 3 vk63 more\n",
                "bridgewarden undo 1\nentry 13 52:54:00:00:00:3f\n",
                "bridgewarden undo 1\npin 5 192.0.2.0/24 52:54:00:00:00:3f\n",
                "bridgewarden undo 1\npin 5 192.0.2.1 ff:ff:ff:ff:ff:ff\n",
        };

        for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(BwUndo) undo = bw_undo_parse(texts[i], strlen(texts[i]));

                g_assert_true(bw_undo_is_empty(undo));
        }
}

/* Who got the number or the name later is another. */
static void test_identity(void) {
        g_autoptr(BwUndo) undo = bw_undo_new();
        BwLink link = make_link("vk63", 13, 5, 0), other = link;
        const BwUndoPort *port = bw_undo_add_port(undo, &link);

        g_strlcpy(other.name, "renamed", sizeof(other.name));
        g_assert_true(bw_undo_is_about(port, &link));
        g_assert_true(bw_undo_is_about(port, &other));
        other = link;
        other.ifindex = 14;
        g_assert_false(bw_undo_is_about(port, &other));
        other = link;
        other.mac.octet[5]++;
        g_assert_false(bw_undo_is_about(port, &other));
        other = link;
        other.master = 6;
        g_assert_false(bw_undo_is_about(port, &other));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/undo/round", test_round);
        g_test_add_func("/undo/nonsense", test_nonsense);
        g_test_add_func("/undo/identity", test_identity);
        return g_test_run();
}
