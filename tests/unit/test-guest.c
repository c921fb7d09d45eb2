/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/error.h>
#include <bw/guest.h>
#include <string.h>

#define UUID "6f3c2d4e-0c1a-4f57-9f0e-0a1b2c3d4e5f"
#define WHO  "<name>a</name><uuid>" UUID "</uuid>"

static void print_interface(GString *text, const BwGuestInterface *interface) {
        char mac[BW_MAC_TEXT_SIZE];

        g_string_append_printf(text, "%s %s %s%s>%s\n", bw_mac_print(&interface->mac, mac),
                               interface->type, interface->is_network ? "network:" : "",
                               interface->source ? interface->source : "(none)", interface->target);
}

/* One line per interface: MAC, type, source and target. */
static char *print_interfaces(const BwGuest *guest) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < guest->interfaces->len; i++)
                print_interface(text, &g_array_index(guest->interfaces, BwGuestInterface, i));
        return g_string_free(text, FALSE);
}

static BwGuest *parse(const char *xml) {
        g_autoptr(GError) error = NULL;
        BwGuest *guest = bw_guest_parse(xml, strlen(xml), &error);

        g_assert_no_error(error);
        g_assert_nonnull(guest);
        return guest;
}

static void assert_interfaces(const char *xml, const char *expected) {
        g_autoptr(BwGuest) guest = parse(xml);
        g_autofree char *text = print_interfaces(guest);

        g_assert_cmpstr(text, ==, expected);
}

static void assert_refused(const char *xml, gsize length, const char *because) {
        g_autoptr(GError) error = NULL;
        g_autoptr(BwGuest) guest = bw_guest_parse(xml, length, &error);

        g_assert_null(guest);
        g_assert_error(error, BW_ERROR, BW_ERROR_INVALID);
        g_assert_true(g_str_has_prefix(error->message, "domain XML: "));
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_cmpuint(strlen(error->message), <, 1000);
        if (!strstr(error->message, because))
                g_error("\"%s\" is not in: %s", because, error->message);
}

static void assert_refused_text(const char *xml, const char *because) {
        assert_refused(xml, strlen(xml), because);
}

#define ABSURD_NAME_START "-rf '\"%n%s $(reboot) ;|&<>\xc3\xa4\xc3\xa4"

static const struct {
        const char *file;
        const char *name; /* its start */
        const char *uuid;
        const char *interfaces;
} fixtures[] = {
        { "qemu-live", "kali3", UUID,
          "52:54:00:9f:5d:c1 bridge virbr6>vk63\n"
          "52:54:00:9f:5d:c2 network virbr0>vnet0\n" },
        { "qemu-inactive", "kali3", UUID,
          "52:54:00:9f:5d:c1 bridge virbr6>vk63\n"
          "52:54:00:9f:5d:c2 network network:default>\n" },
        { "direct", "direct", NULL,
          "52:54:00:9f:5d:c3 bridge virbr6>vnet1\n"
          "52:54:00:9f:5d:c4 direct (none)>macvtap0\n"
          "52:54:00:9f:5d:c5 user (none)>\n"
          "52:54:00:9f:5d:c6 ethernet (none)>eth-tap0\n" },
        { "absurd-live", ABSURD_NAME_START, "7f3c2d4e-0c1a-4f57-9f0e-0a1b2c3d4e5f",
          "52:54:00:9f:5d:d1 bridge virbr6>vk62\n"
          "52:54:00:9f:5d:d2 network virbr0>vnet3\n" },
        { "absurd-inactive", ABSURD_NAME_START, "7f3c2d4e-0c1a-4f57-9f0e-0a1b2c3d4e5f",
          "52:54:00:9f:5d:d1 bridge virbr6>\n"
          "52:54:00:9f:5d:d2 network network:default>\n" },
        { "lxc-live", "c3", "0b1f3c2d-5e4a-4b8e-9f11-223344556677",
          "52:54:00:00:00:33 bridge virbr6>vnet1\n" },
        { "other-kinds", "kinds", "11111111-2222-4333-8444-555555555555",
          "52:54:00:00:01:01 bridge br0>vnet7\n"
          "52:54:00:00:01:02 hostdev (none)>\n"
          "52:54:00:00:01:03 vhostuser (none)>\n"
          "52:54:00:00:01:04 direct network:pool>macvtap1\n"
          "52:54:00:00:01:05 network network:a \"name\" with %n and spaces>\n" },
};

static void test_fixtures(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(fixtures); i++) {
                g_autofree char *path =
                        g_strconcat("unit/guest-xml/", fixtures[i].file, ".xml", NULL);
                g_autofree char *xml = NULL;
                g_autoptr(BwGuest) guest = NULL;

                g_assert_true(g_file_get_contents(path, &xml, NULL, NULL));
                guest = parse(xml);
                g_assert_true(g_str_has_prefix(guest->name, fixtures[i].name));
                if (fixtures[i].uuid)
                        g_assert_cmpstr(guest->uuid, ==, fixtures[i].uuid);
                g_assert_false(guest->active);
                assert_interfaces(xml, fixtures[i].interfaces);
        }
}

static void test_absurd_name_is_kept(void) {
        g_autofree char *xml = NULL;
        g_autoptr(BwGuest) guest = NULL;

        g_assert_true(g_file_get_contents("unit/guest-xml/absurd-live.xml", &xml, NULL, NULL));
        guest = parse(xml);
        g_assert_cmpuint(strlen(guest->name), ==, 200);
}

static void test_name_is_text(void) {
        g_autoptr(BwGuest) guest =
                parse("<domain><name> a<!-- x -->&amp;<![CDATA[<b>]]><b>no</b>&#x25;n\n</name>"
                      "<uuid>\n 6F3C2D4E-0C1A-4F57-9F0E-0A1B2C3D4E5F \n</uuid></domain>");

        g_assert_cmpstr(guest->name, ==, " a&<b>%n\n");
        g_assert_cmpstr(guest->uuid, ==, UUID);
}

static void test_first_one_counts(void) {
        g_autoptr(BwGuest) guest =
                parse("<domain>" WHO "<name>b</name>"
                      "<uuid>00000000-0000-0000-0000-000000000000</uuid></domain>");

        g_assert_cmpstr(guest->name, ==, "a");
        g_assert_cmpstr(guest->uuid, ==, UUID);
        assert_interfaces("<domain>" WHO "<devices><interface type='bridge'>"
                          "<mac address='52:54:00:00:00:01'/><mac address='52:54:00:00:00:02'/>"
                          "<source bridge='b1'/><source bridge='b2'/>"
                          "<target dev='t1'/><target dev='t2'/></interface>"
                          "<interface><mac address='52:54:00:00:00:03'/></interface></devices>"
                          "<devices><interface type='user'><mac address='52:54:00:00:00:04'/>"
                          "</interface></devices></domain>"
                          "<domain><devices><interface><mac address='52:54:00:00:00:05'/>"
                          "</interface></devices></domain>",
                          "52:54:00:00:00:01 bridge b1>t1\n"
                          "52:54:00:00:00:03  (none)>\n"
                          "52:54:00:00:00:04 user (none)>\n");
}

#define FOREIGN                                                                                    \
        "<interface type='bridge'><mac address='52:54:00:00:00:66'/><source bridge='evil'/>"       \
        "<target dev='evil0'/></interface>"

/* Where somebody who may write into a domain's description could put an interface of his own. */
static void test_only_the_domains_own_interfaces(void) {
        static const char *const places[] = {
                FOREIGN,
                "<metadata>" FOREIGN "</metadata>",
                "<metadata><domain><devices>" FOREIGN "</devices></domain></metadata>",
                "<metadata><devices>" FOREIGN "</devices></metadata>",
                "<metadata><x:devices xmlns:x='urn:x'>" FOREIGN "</x:devices></metadata>",
                "<x:devices>" FOREIGN "</x:devices>",
                "<devices xmlns='urn:x'>" FOREIGN "</devices>",
                "<devices><hostdev>" FOREIGN "</hostdev></devices>",
                "<devices><x:interface><mac address='52:54:00:00:00:66'/></x:interface></devices>",
                "<devices><interface xmlns='urn:x'><mac address='52:54:00:00:00:66'/></interface>"
                "</devices>",
                "<devices><interface><backend><mac address='52:54:00:00:00:66'/></backend>"
                "</interface></devices>",
                "<devices><interface><mac xmlns='u' address='52:54:00:00:00:66'/></interface>"
                "</devices>",
                "<devices><Interface><mac address='52:54:00:00:00:66'/></Interface></devices>",
                "<devices><![CDATA[" FOREIGN "]]></devices>",
                "<devices><!--" FOREIGN "--></devices>",
                "<devices><?php " FOREIGN "?></devices>",
                "<description>&lt;devices&gt;" FOREIGN "</description>",
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
                g_autofree char *xml = g_strconcat("<domain>", places[i], WHO, "</domain>", NULL);

                assert_interfaces(xml, "");
        }
        assert_interfaces("<domain>" WHO "<devices>" FOREIGN "</devices></domain>",
                          "52:54:00:00:00:66 bridge evil>evil0\n");
}

static void test_interface_inside_interface(void) {
        assert_interfaces("<domain>" WHO "<devices><interface type='bridge'>"
                          "<mac address='52:54:00:00:00:01'/>" FOREIGN
                          "<target dev='t1'/></interface></devices></domain>",
                          "52:54:00:00:00:01 bridge (none)>t1\n");
}

static void test_mac_decides(void) {
        static const char *const macs[] = {
                "",
                "<mac/>",
                "<mac address=''/>",
                "<mac address='52:54:00:00:00'/>",
                "<mac address='52:54:00:00:00:01:02'/>",
                "<mac address='01:00:5e:00:00:01'/>",
                "<mac address='ff:ff:ff:ff:ff:ff'/>",
                "<mac address='00:00:00:00:00:00'/>",
                "<mac address='52:54:00:00:00:0g'/>",
                "<mac address='nonsense'/><mac address='52:54:00:00:00:01'/>",
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(macs); i++) {
                g_autofree char *xml =
                        g_strconcat("<domain>" WHO "<devices><interface type='bridge'>", macs[i],
                                    "<source bridge='b'/></interface></devices></domain>", NULL);

                assert_interfaces(xml, "");
        }
}

static void assert_target(const char *written, const char *expected) {
        g_autofree char *quoted = g_markup_escape_text(written, -1);
        g_autofree char *xml = g_strconcat("<domain>" WHO "<devices><interface type='bridge'>"
                                           "<mac address='52:54:00:00:00:01'/><target dev='",
                                           quoted, "'/></interface></devices></domain>", NULL);
        g_autofree char *line =
                g_strconcat("52:54:00:00:00:01 bridge (none)>", expected, "\n", NULL);

        assert_interfaces(xml, line);
}

static void test_targets(void) {
        static const char *const impossible[] = {
                "",
                ".",
                "..",
                "a/b",
                "a:b",
                "a b",
                " a",
                "a\tb",
                "a\nb",
                "vnet%d",
                "%n",
                "%",
                "a\xc2\xa0x",
                "\xc3\xa0",
                "1234567890123456",
                "12345678901234567890123456789012345678901234",
        };
        static const char *const possible[] = {
                "a",
                "...",
                "123456789012345",
                "-x",
                "a'\"&<>|;$()`\\*",
                "\xc3\xa4",
                "\xf0\x9f\x98\x80",
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(impossible); i++)
                assert_target(impossible[i], "");
        for (unsigned i = 0; i < G_N_ELEMENTS(possible); i++)
                assert_target(possible[i], possible[i]);
}

static void test_type_is_cut_between_characters(void) {
        assert_interfaces("<domain>" WHO "<devices><interface type='12345678901234\xc3\xa4'>"
                          "<mac address='52:54:00:00:00:01'/></interface></devices></domain>",
                          "52:54:00:00:00:01 12345678901234 (none)>\n");
        assert_interfaces("<domain>" WHO "<devices><interface type='1234567890123456'>"
                          "<mac address='52:54:00:00:00:01'/></interface></devices></domain>",
                          "52:54:00:00:00:01 123456789012345 (none)>\n");
}

static void test_refused(void) {
        assert_refused_text("", "empty");
        assert_refused_text(" \n", "empty");
        assert_refused_text("hello", "");
        assert_refused_text("<domain>", "");
        assert_refused_text("<domain></network>", "");
        assert_refused_text("<network>" WHO "</network>", "not <domain>");
        assert_refused_text("<x:domain>" WHO "</x:domain>", "not <domain>");
        assert_refused_text("<domain xmlns='urn:x'>" WHO "</domain>", "not <domain>");
        assert_refused_text("<a><domain>" WHO "</domain></a>", "not <domain>");
        assert_refused_text("<domain><uuid>" UUID "</uuid></domain>", "no <name>");
        assert_refused_text("<domain><name/><uuid>" UUID "</uuid></domain>", "no <name>");
        assert_refused_text("<domain><name>a</name></domain>", "no <uuid>");
        assert_refused_text("<domain><name>a</name><uuid>6f3c2d4e0c1a4f579f0e0a1b2c3d4e5f</uuid>"
                            "</domain>",
                            "no <uuid>");
        assert_refused_text("<domain><name>a</name><uuid>" UUID "0</uuid></domain>", "no <uuid>");
        assert_refused_text("<domain><name>a</name><uuid>6f3c2d4e-0c1a-4f57-9f0e-0a1b2c3d4e5g"
                            "</uuid></domain>",
                            "no <uuid>");
        assert_refused_text("<domain><name>\xff</name></domain>", "UTF-8");
        assert_refused_text("<![CDATA[\xfe]]>>", "UTF-8");
        assert_refused_text("<domain><name>&#0;</name></domain>", "");
        assert_refused_text("<domain><name>&evil;</name></domain>", "");
        assert_refused("<domain>\0" WHO "</domain>", sizeof "<domain>\0" WHO "</domain>" - 1,
                       "NUL");
        assert_refused(NULL, 0, "empty");
}

static void test_message_is_short(void) {
        g_autofree char *name = g_strnfill(100000, 'x');
        g_autofree char *xml = g_strconcat("<domain><", name, "></y></domain>", NULL);

        assert_refused_text(xml, "");
}

static char *repeat(const char *piece, unsigned times) {
        GString *text = g_string_new(NULL);

        while (times-- > 0)
                g_string_append(text, piece);
        return g_string_free(text, FALSE);
}

static void test_depth_is_bounded(void) {
        g_autofree char *deep = repeat("<a>", 1000000);
        g_autofree char *up = repeat("</a>", 500);
        g_autofree char *fine =
                g_strconcat("<domain>" WHO, deep + strlen(deep) - 500 * 3, up, "</domain>", NULL);
        g_autofree char *xml = g_strconcat("<domain>" WHO, deep, NULL);

        assert_refused_text(xml, "nested deeper");
        assert_interfaces(fine, "");
}

static void test_length_is_bounded(void) {
        static const char xml[] = "<domain>" WHO "</domain>";
        g_autofree char *padded = g_strnfill(4 * 1024 * 1024 + 1, ' ');
        g_autoptr(BwGuest) guest = NULL;

        memcpy(padded, xml, sizeof xml - 1);
        guest = bw_guest_parse(padded, 4 * 1024 * 1024, NULL);
        g_assert_nonnull(guest);
        assert_refused(padded, 4 * 1024 * 1024 + 1, "4 MiB");
}

static void test_interfaces_are_bounded(void) {
        g_autofree char *many = repeat(FOREIGN, 10000);
        g_autofree char *xml =
                g_strconcat("<domain>" WHO "<devices>", many, "</devices></domain>", NULL);
        g_autoptr(BwGuest) guest = parse(xml);

        g_assert_cmpuint(guest->interfaces->len, ==, BW_MAX_GUEST_INTERFACES);
}

static void test_huge_name(void) {
        g_autofree char *name = g_strnfill(3 * 1024 * 1024, 'n');
        g_autofree char *xml =
                g_strconcat("<domain><name>", name, "</name><uuid>" UUID "</uuid></domain>", NULL);
        g_autoptr(BwGuest) guest = parse(xml);

        g_assert_cmpstr(guest->name, ==, name);
}

static void test_length_is_the_callers(void) {
        static const char xml[] = "<domain>" WHO "</domain><<<<";
        g_autoptr(BwGuest) guest = bw_guest_parse(xml, sizeof xml - 5, NULL);

        g_assert_nonnull(guest);
}

static void test_copy_stands_alone(void) {
        BwGuest *guest = parse("<domain>" WHO "<devices>" FOREIGN "</devices></domain>");
        g_autofree char *before = print_interfaces(guest);
        g_autofree char *after = NULL;
        g_autoptr(BwGuest) copy = NULL;

        guest->active = true;
        copy = bw_guest_copy(guest);
        bw_guest_free(guest);
        after = print_interfaces(copy);
        g_assert_cmpstr(after, ==, before);
        g_assert_cmpstr(copy->name, ==, "a");
        g_assert_cmpstr(copy->uuid, ==, UUID);
        g_assert_true(copy->active);
        bw_guest_free(NULL);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/guest/fixtures", test_fixtures);
        g_test_add_func("/guest/absurd-name-is-kept", test_absurd_name_is_kept);
        g_test_add_func("/guest/name-is-text", test_name_is_text);
        g_test_add_func("/guest/first-one-counts", test_first_one_counts);
        g_test_add_func("/guest/only-own-interfaces", test_only_the_domains_own_interfaces);
        g_test_add_func("/guest/interface-inside-interface", test_interface_inside_interface);
        g_test_add_func("/guest/mac-decides", test_mac_decides);
        g_test_add_func("/guest/targets", test_targets);
        g_test_add_func("/guest/type-is-cut", test_type_is_cut_between_characters);
        g_test_add_func("/guest/refused", test_refused);
        g_test_add_func("/guest/message-is-short", test_message_is_short);
        g_test_add_func("/guest/depth-is-bounded", test_depth_is_bounded);
        g_test_add_func("/guest/length-is-bounded", test_length_is_bounded);
        g_test_add_func("/guest/interfaces-are-bounded", test_interfaces_are_bounded);
        g_test_add_func("/guest/huge-name", test_huge_name);
        g_test_add_func("/guest/length-is-the-callers", test_length_is_the_callers);
        g_test_add_func("/guest/copy-stands-alone", test_copy_stands_alone);
        return g_test_run();
}
