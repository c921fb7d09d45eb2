/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/error.h>
#include <bw/guest.h>
#include <bw/text.h>
#include <string.h>

#define MAX_DOCUMENT (4 * 1024 * 1024) /* longest string libvirt's own protocol carries */
#define MAX_DEPTH    512               /* libvirt takes 256 */

typedef enum Place {
        PLACE_ELSEWHERE, /* and everything below it */
        PLACE_DOCUMENT,
        PLACE_DOMAIN,
        PLACE_NAME,
        PLACE_UUID,
        PLACE_DEVICES,
        PLACE_INTERFACE,
        PLACE_MAC,
        PLACE_SOURCE,
        PLACE_TARGET,
} Place;

/* The only way in. What stands at any other path is somebody else's, whatever it is called. */
static const struct {
        Place parent;
        const char *element;
        Place place;
        bool once; /* a second one below the same parent does not count */
} doors[] = {
        { PLACE_DOCUMENT, "domain", PLACE_DOMAIN, true },
        { PLACE_DOMAIN, "name", PLACE_NAME, true },
        { PLACE_DOMAIN, "uuid", PLACE_UUID, true },
        { PLACE_DOMAIN, "devices", PLACE_DEVICES, false },
        { PLACE_DEVICES, "interface", PLACE_INTERFACE, false },
        { PLACE_INTERFACE, "mac", PLACE_MAC, true },
        { PLACE_INTERFACE, "source", PLACE_SOURCE, true },
        { PLACE_INTERFACE, "target", PLACE_TARGET, true },
};

typedef struct Reader {
        GArray *interfaces;
        GString *name;
        GString *uuid;
        Place path[MAX_DEPTH];
        unsigned depth; /* of path; path[depth - 1] is where we are */
        unsigned seen;  /* bit per Place already entered */
        bool has_mac;
        BwGuestInterface interface; /* the one being read */
} Reader;

static const char *find_attribute(const char **names, const char **values, const char *wanted) {
        for (unsigned i = 0; names[i]; i++)
                if (g_str_equal(names[i], wanted))
                        return values[i];
        return NULL;
}

static bool is_given(const char *text) {
        return text && text[0];
}

static Place find_door(Reader *reader, Place parent, const char *element) {
        for (unsigned i = 0; i < G_N_ELEMENTS(doors); i++) {
                if (doors[i].parent != parent || !g_str_equal(doors[i].element, element))
                        continue;
                if (doors[i].once && reader->seen & 1u << doors[i].place)
                        return PLACE_ELSEWHERE;
                reader->seen |= 1u << doors[i].place;
                return doors[i].place;
        }
        return PLACE_ELSEWHERE;
}

static void clear_interface(void *element) {
        BwGuestInterface *interface = element;

        g_clear_pointer(&interface->source, g_free);
}

static void begin_interface(Reader *reader, const char *type) {
        const char *end;

        clear_interface(&reader->interface);
        reader->interface = (BwGuestInterface){ 0 };
        reader->has_mac = false;
        reader->seen &= ~(1u << PLACE_MAC | 1u << PLACE_SOURCE | 1u << PLACE_TARGET);

        g_strlcpy(reader->interface.type, type ? type : "", sizeof reader->interface.type);
        g_utf8_validate(reader->interface.type, -1, &end); /* no half character at the cut */
        reader->interface.type[end - reader->interface.type] = '\0';
}

/* A libvirt network with a bridge of its own names both; the bridge is what the kernel knows. */
static void read_source(BwGuestInterface *interface, const char *bridge, const char *network) {
        interface->is_network = !is_given(bridge) && is_given(network);
        if (is_given(bridge))
                interface->source = g_strdup(bridge);
        else if (is_given(network))
                interface->source = g_strdup(network);
}

/* What dev_valid_name() of the kernel lets through, whose isspace() has 0xa0 in it. "%" is allowed
 * there, but in a definition it asks for a number that is not known yet. */
static bool is_link_name(const char *name) {
        return is_given(name) && strlen(name) < BW_IFNAME_SIZE && !g_str_equal(name, ".") &&
               !g_str_equal(name, "..") && !strpbrk(name, "/:% \t\n\v\f\r\xa0");
}

static void enter(Reader *reader, Place place, const char **names, const char **values) {
        switch (place) {
        case PLACE_INTERFACE:
                begin_interface(reader, find_attribute(names, values, "type"));
                return;
        case PLACE_MAC: {
                const char *address = find_attribute(names, values, "address");

                reader->has_mac = address && bw_mac_parse(address, &reader->interface.mac, NULL);
                return;
        }
        case PLACE_SOURCE:
                read_source(&reader->interface, find_attribute(names, values, "bridge"),
                            find_attribute(names, values, "network"));
                return;
        case PLACE_TARGET: {
                const char *device = find_attribute(names, values, "dev");

                if (is_link_name(device))
                        g_strlcpy(reader->interface.target, device,
                                  sizeof reader->interface.target);
                return;
        }
        case PLACE_ELSEWHERE:
        case PLACE_DOCUMENT:
        case PLACE_DOMAIN:
        case PLACE_NAME:
        case PLACE_UUID:
        case PLACE_DEVICES:
                return;
        }
        g_assert_not_reached();
}

/* GMarkup knows no namespaces: a prefix makes another name of it anyway, a default namespace is
 * seen here. libvirt's own elements have none. */
static void on_start(GMarkupParseContext *context, const char *element, const char **names,
                     const char **values, gpointer user, GError **error) {
        Reader *reader = user;
        Place place = PLACE_ELSEWHERE;

        (void) context;
        if (reader->depth == MAX_DEPTH) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "elements nested deeper than %d",
                            MAX_DEPTH - 1);
                return;
        }
        if (!is_given(find_attribute(names, values, "xmlns")))
                place = find_door(reader, reader->path[reader->depth - 1], element);
        reader->path[reader->depth++] = place;
        enter(reader, place, names, values);
}

static void on_end(GMarkupParseContext *context, const char *element, gpointer user,
                   GError **error) {
        Reader *reader = user;
        Place place = reader->path[--reader->depth];

        (void) context;
        (void) element;
        (void) error;
        if (place != PLACE_INTERFACE || !reader->has_mac)
                return;
        if (reader->interfaces->len == BW_MAX_GUEST_INTERFACES)
                return;
        g_array_append_val(reader->interfaces, reader->interface);
        reader->interface.source = NULL; /* the array has it now */
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer user,
                    GError **error) {
        Reader *reader = user;
        Place place = reader->path[reader->depth - 1];

        (void) context;
        (void) error;
        if (place == PLACE_NAME)
                g_string_append_len(reader->name, text, length);
        if (place == PLACE_UUID)
                g_string_append_len(reader->uuid, text, length);
}

static void reader_clear(Reader *reader) {
        g_array_unref(reader->interfaces);
        g_string_free(reader->name, TRUE);
        g_string_free(reader->uuid, TRUE);
        clear_interface(&reader->interface);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reader, reader_clear)

static GArray *interfaces_new(void) {
        GArray *interfaces = g_array_new(FALSE, FALSE, sizeof(BwGuestInterface));

        g_array_set_clear_func(interfaces, clear_interface);
        return interfaces;
}

/* GMarkup quotes the document in its messages, however long the piece is. */
static bool fail(GError **error, const char *what) {
        g_autofree char *sentence = bw_text_short(what, 200);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "domain XML: %s", sentence);
        return false;
}

static bool read_document(Reader *reader, const char *xml, gsize length, GError **error) {
        static const GMarkupParser parser = {
                .start_element = on_start,
                .end_element = on_end,
                .text = on_text,
        };
        g_autoptr(GMarkupParseContext) context =
                g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, reader, NULL);
        g_autoptr(GError) reason = NULL;

        if (length > MAX_DOCUMENT)
                return fail(error, "longer than 4 MiB");
        if (length == 0)
                return fail(error, "empty");
        /* GMarkup alone lets a NUL pass and stumbles over other bytes in CDATA. */
        if (!g_utf8_validate_len(xml, length, NULL))
                return fail(error, "not UTF-8, or a NUL byte in it");
        if (!g_markup_parse_context_parse(context, xml, length, &reason) ||
            !g_markup_parse_context_end_parse(context, &reason))
                return fail(error, reason->message);
        return true;
}

BwGuest *bw_guest_parse(const char *xml, gsize length, GError **error) {
        g_auto(Reader) reader = {
                .interfaces = interfaces_new(),
                .name = g_string_new(NULL),
                .uuid = g_string_new(NULL),
                .path = { PLACE_DOCUMENT },
                .depth = 1,
        };
        g_autoptr(BwGuest) guest = g_new0(BwGuest, 1);

        if (!read_document(&reader, xml, length, error))
                return NULL;
        if (!(reader.seen & 1u << PLACE_DOMAIN)) {
                fail(error, "the root element is not <domain>");
                return NULL;
        }
        if (reader.name->len == 0) {
                fail(error, "no <name>");
                return NULL;
        }
        if (!bw_uuid_parse(g_strstrip(reader.uuid->str), guest->uuid)) {
                fail(error, "no <uuid>, or none that can be read");
                return NULL;
        }
        guest->name = g_strdup(reader.name->str);
        guest->interfaces = g_array_ref(reader.interfaces);
        return g_steal_pointer(&guest);
}

BwGuest *bw_guest_copy(const BwGuest *guest) {
        BwGuest *copy = g_new0(BwGuest, 1);

        copy->name = g_strdup(guest->name);
        memcpy(copy->uuid, guest->uuid, sizeof copy->uuid);
        copy->active = guest->active;
        copy->cpus = guest->cpus;
        copy->interfaces = interfaces_new();
        for (guint i = 0; i < guest->interfaces->len; i++) {
                BwGuestInterface interface = g_array_index(guest->interfaces, BwGuestInterface, i);

                interface.source = g_strdup(interface.source);
                g_array_append_val(copy->interfaces, interface);
        }
        return copy;
}

void bw_guest_free(BwGuest *guest) {
        if (!guest)
                return;
        g_free(guest->name);
        g_clear_pointer(&guest->interfaces, g_array_unref);
        g_free(guest);
}
