/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/error.h>
#include <bw/guest.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_interface(const BwGuestInterface *interface) {
        static const BwMac none;

        g_assert_nonnull(memchr(interface->type, '\0', sizeof interface->type));
        g_assert_nonnull(memchr(interface->target, '\0', sizeof interface->target));
        g_assert_true(g_utf8_validate(interface->type, -1, NULL));
        g_assert_null(strpbrk(interface->target, "/:% \t\n\v\f\r"));
        g_assert_true(!interface->source || interface->source[0]);
        g_assert_true(!interface->is_network || interface->source);
        g_assert_false(bw_mac_equal(&interface->mac, &none));
        g_assert_false(interface->mac.octet[0] & 1);
}

static void check_equal(const BwGuestInterface *a, const BwGuestInterface *b) {
        g_assert_true(bw_mac_equal(&a->mac, &b->mac));
        g_assert_cmpstr(a->type, ==, b->type);
        g_assert_cmpstr(a->source, ==, b->source);
        g_assert_cmpstr(a->target, ==, b->target);
        g_assert_true(a->is_network == b->is_network);
        g_assert_true(!a->source || a->source != b->source);
}

/* Line ends and tabs as references: a reader turns them into other white space else. */
static char *escape(const char *text) {
        g_autofree char *markup = g_markup_escape_text(text, -1);
        GString *escaped = g_string_new(markup);

        g_string_replace(escaped, "\n", "&#10;", 0);
        g_string_replace(escaped, "\r", "&#13;", 0);
        g_string_replace(escaped, "\t", "&#9;", 0);
        return g_string_free(escaped, FALSE);
}

static void print_interface(GString *xml, const BwGuestInterface *interface) {
        g_autofree char *type = escape(interface->type);
        g_autofree char *source = escape(interface->source ? interface->source : "");
        g_autofree char *target = escape(interface->target);
        char mac[BW_MAC_TEXT_SIZE];

        g_string_append_printf(xml,
                               "<interface type='%s'><source %s='%s'/><mac address='%s'/>"
                               "<target dev='%s'/></interface>",
                               type, interface->is_network ? "network" : "bridge", source,
                               bw_mac_print(&interface->mac, mac), target);
}

/* The same document, written anew from what was understood of it. */
static char *print(const BwGuest *guest) {
        g_autofree char *name = escape(guest->name);
        GString *xml = g_string_new(NULL);

        g_string_append_printf(xml, "<domain><uuid>%s</uuid><devices>", guest->uuid);
        for (guint i = 0; i < guest->interfaces->len; i++)
                print_interface(xml, &g_array_index(guest->interfaces, BwGuestInterface, i));
        g_string_append_printf(xml, "</devices><name>%s</name></domain>", name);
        return g_string_free(xml, FALSE);
}

static void check_same(const BwGuest *a, const BwGuest *b) {
        g_assert_cmpstr(a->name, ==, b->name);
        g_assert_cmpstr(a->uuid, ==, b->uuid);
        g_assert_true(a->active == b->active);
        g_assert_cmpuint(a->interfaces->len, ==, b->interfaces->len);
        for (guint i = 0; i < a->interfaces->len; i++)
                check_equal(&g_array_index(a->interfaces, BwGuestInterface, i),
                            &g_array_index(b->interfaces, BwGuestInterface, i));
}

static void check_guest(const BwGuest *guest) {
        g_assert_nonnull(guest->name);
        g_assert_cmpuint(strlen(guest->name), >, 0);
        g_assert_cmpuint(strlen(guest->uuid), ==, BW_UUID_TEXT_SIZE - 1);
        g_assert_cmpuint(guest->interfaces->len, <=, BW_MAX_GUEST_INTERFACES);
        g_assert_false(guest->active);
        for (guint i = 0; i < guest->interfaces->len; i++)
                check_interface(&g_array_index(guest->interfaces, BwGuestInterface, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwGuest) guest = bw_guest_parse((const char *) bytes, size, &error);
        g_autoptr(BwGuest) copy = NULL, again = NULL;
        g_autofree char *xml = NULL;

        if (!guest) {
                g_assert_true(g_error_matches(error, BW_ERROR, BW_ERROR_INVALID));
                return 0;
        }
        check_guest(guest);
        copy = bw_guest_copy(guest);
        check_same(guest, copy);
        xml = print(guest);
        again = bw_guest_parse(xml, strlen(xml), NULL);
        g_assert_nonnull(again);
        check_same(guest, again);
        return 0;
}
