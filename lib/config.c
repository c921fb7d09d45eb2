/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/config.h>
#include <bw/config_key.h>
#include <bw/config_value.h>
#include <bw/uuid.h>
#include <string.h>

typedef enum Kind {
        KIND_NONE, /* unknown, or its name is impossible: its keys speak of nothing */
        KIND_GUARD,
        KIND_LIBVIRT,
        KIND_BINDING,
        KIND_BRIDGE,
} Kind;

/* The section the reader is in. */
typedef struct Section {
        Kind kind;
        gpointer settings; /* BwBindingSection or BwBridgeSection; NULL for the others */
        bool *broken;
} Section;

static const Section nothing = { .kind = KIND_NONE };

static void free_binding(gpointer section) {
        BwBindingSection *binding = section;

        g_free(binding->name);
        g_free(binding->where);
        g_array_unref(binding->addresses);
        g_array_unref(binding->macs);
        g_array_unref(binding->gateways);
        g_free(binding);
}

static void free_bridge(gpointer section) {
        BwBridgeSection *bridge = section;

        g_free(bridge->name);
        g_free(bridge->where);
        g_array_unref(bridge->networks);
        g_array_unref(bridge->gateways);
        g_free(bridge);
}

static void free_problem(gpointer problem) {
        bw_config_problem_free(problem);
}

static GHashTable *new_table(GDestroyNotify free_value) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_value);
}

BwConfig *bw_config_new(void) {
        BwConfig *config = g_new0(BwConfig, 1);

        config->mode = BW_MODE_ENFORCE;
        config->unknown_ports = BW_UNKNOWN_PORTS_MONITOR;
        config->bridges_auto = true;
        config->bridge_names = g_ptr_array_new_with_free_func(g_free);
        config->log_rate = 10;
        config->engines = BW_ENGINE_ALL;
        config->check_interval = 2;
        config->libvirt_uri = g_strdup("qemu:///system");
        config->guests = new_table(free_binding);
        config->interfaces = new_table(free_binding);
        config->ports = new_table(free_binding);
        config->bridges = new_table(free_bridge);
        config->problems = g_ptr_array_new_with_free_func(free_problem);
        return config;
}

void bw_config_free(BwConfig *config) {
        if (!config)
                return;
        g_ptr_array_unref(config->bridge_names);
        g_free(config->libvirt_uri);
        g_hash_table_unref(config->guests);
        g_hash_table_unref(config->interfaces);
        g_hash_table_unref(config->ports);
        g_hash_table_unref(config->bridges);
        g_ptr_array_unref(config->problems);
        g_free(config);
}

static char *where_of(const BwConfigPlace *place) {
        return g_strdup_printf("%s:%u", place->file, place->line->number);
}

/* The section of that name, from an earlier file perhaps; the first place it has is kept. */
static Section open_binding(const BwConfigPlace *place, GHashTable *table, const char *name) {
        BwBindingSection *binding = g_hash_table_lookup(table, name);

        if (!binding) {
                binding = g_new0(BwBindingSection, 1);
                binding->name = g_strdup(name);
                binding->where = where_of(place);
                binding->addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
                binding->macs = g_array_new(FALSE, TRUE, sizeof(BwMac));
                binding->gateways = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
                g_hash_table_insert(table, binding->name, binding);
        }
        return (Section){ KIND_BINDING, binding, &binding->broken };
}

static Section open_guest(const BwConfigPlace *place, const char *name) {
        char uuid[BW_UUID_TEXT_SIZE];

        if (*name == '\0') {
                bw_config_place_error(place, "the guest's name is missing; write [Guest NAME] or "
                                             "[Guest UUID]");
                return nothing;
        }
        return open_binding(place, place->config->guests, bw_uuid_parse(name, uuid) ? uuid : name);
}

static Section open_interface(const BwConfigPlace *place, const char *name) {
        g_autoptr(GError) error = NULL;
        char text[BW_MAC_TEXT_SIZE];
        BwMac mac;

        if (!bw_mac_parse(name, &mac, &error)) {
                bw_config_place_error(place, "%s", error->message);
                return nothing;
        }
        return open_binding(place, place->config->interfaces, bw_mac_print(&mac, text));
}

static bool is_interface_name(const BwConfigPlace *place, const char *name) {
        const char *fault = bw_config_value_interface_fault(name);

        if (fault)
                bw_config_place_error(place, "%s", fault);
        return !fault;
}

static Section open_port(const BwConfigPlace *place, const char *name) {
        if (!is_interface_name(place, name))
                return nothing;
        return open_binding(place, place->config->ports, name);
}

static Section open_bridge(const BwConfigPlace *place, const char *name) {
        BwBridgeSection *bridge = g_hash_table_lookup(place->config->bridges, name);

        if (!is_interface_name(place, name))
                return nothing;
        if (!bridge) {
                bridge = g_new0(BwBridgeSection, 1);
                bridge->name = g_strdup(name);
                bridge->where = where_of(place);
                bridge->networks = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
                bridge->gateways = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
                g_hash_table_insert(place->config->bridges, bridge->name, bridge);
        }
        return (Section){ KIND_BRIDGE, bridge, &bridge->broken };
}

static Section open_host(const BwConfigPlace *place, Kind kind, const char *name) {
        Section section = { kind, NULL, &place->config->guard_broken };
        BwConfigPlace here = *place;

        here.broken = section.broken;
        if (*name == '\0')
                return section;
        bw_config_place_error(&here, "this section takes no name; write %s",
                              kind == KIND_GUARD ? "[Guard]" : "[Libvirt]");
        return nothing;
}

static Section open_guard(const BwConfigPlace *place, const char *name) {
        return open_host(place, KIND_GUARD, name);
}

static Section open_libvirt(const BwConfigPlace *place, const char *name) {
        return open_host(place, KIND_LIBVIRT, name);
}

/* An escape that g_strcompress() would warn of, or that would end the name early: "vk63\000x" must
 * not speak of vk63. */
static bool escapes_are_sound(const char *name) {
        for (; *name; name++) {
                unsigned octal = 0, digits = 0;

                if (*name != '\\')
                        continue;
                for (; digits < 3 && name[1] >= '0' && name[1] <= '7'; digits++)
                        octal = octal * 8 + (unsigned) (*++name - '0');
                if (digits > 0 ? octal == 0 || octal > 0xff : *++name == '\0')
                        return false;
        }
        return true;
}

typedef struct SectionKind {
        const char *word;
        Section (*open)(const BwConfigPlace *place, const char *name);
} SectionKind;

static const SectionKind *find_kind(const char *word) {
        static const SectionKind kinds[] = {
                { "Guard", open_guard }, { "Libvirt", open_libvirt },
                { "Guest", open_guest }, { "Interface", open_interface },
                { "Port", open_port },   { "Bridge", open_bridge },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (g_str_equal(word, kinds[i].word))
                        return &kinds[i];
        return NULL;
}

static Section open_section(const BwConfigPlace *place) {
        g_autofree char *text = g_strstrip(g_strdup(place->line->section));
        char *escaped = text + strcspn(text, " \t");
        g_autofree char *name = NULL;
        const SectionKind *kind;

        if (*escaped)
                *escaped++ = '\0';
        kind = find_kind(text);
        if (!kind) {
                bw_config_place_error(place,
                                      "unknown section; there are [Guard], [Libvirt], [Guest "
                                      "NAME], [Interface MAC], [Port NAME], [Bridge NAME]");
                return nothing;
        }
        if (!escapes_are_sound(escaped)) {
                bw_config_place_error(place,
                                      "a \\ in a name begins an escape, as \\133 for [; write "
                                      "\\\\ for a \\");
                return nothing;
        }
        name = g_strcompress(g_strstrip(escaped));
        return kind->open(place, name);
}

static void set_key(const BwConfigPlace *place, const Section *section) {
        switch (section->kind) {
        case KIND_NONE:
                return;
        case KIND_GUARD:
                bw_config_key_set_guard(place);
                return;
        case KIND_LIBVIRT:
                bw_config_key_set_libvirt(place);
                return;
        case KIND_BINDING:
                bw_config_key_set_binding(place, section->settings);
                return;
        case KIND_BRIDGE:
                bw_config_key_set_bridge(place, section->settings);
                return;
        }
        g_assert_not_reached();
}

static void read_line(BwConfigPlace *place, Section *section) {
        const BwConfigLine *line = place->line;

        switch (line->kind) {
        case BW_CONFIG_LINE_SECTION:
                place->broken = NULL;
                *section = open_section(place);
                place->broken = section->broken;
                return;
        case BW_CONFIG_LINE_KEY:
                if (line->repeated == 0)
                        set_key(place, section);
                else if (section->kind != KIND_NONE)
                        bw_config_place_warn(place,
                                             "the key comes again in line %u; that one counts",
                                             line->repeated);
                return;
        case BW_CONFIG_LINE_MALFORMED:
                bw_config_place_error(place, "neither KEY=VALUE nor a # comment");
                return;
        }
        g_assert_not_reached();
}

bool bw_config_read(BwConfig *config, const char *file, const char *text, gsize length,
                    GError **error) {
        g_autoptr(BwConfigLines) lines = bw_config_lines_parse(file, text, length, error);
        BwConfigPlace place = { .config = config, .file = file };
        Section section = nothing;

        if (!lines)
                return false;
        for (guint i = 0; i < lines->lines->len; i++) {
                place.line = &g_array_index(lines->lines, BwConfigLine, i);
                read_line(&place, &section);
        }
        return true;
}

static void copy_prefixes(GArray *to, const GArray *from) {
        g_array_set_size(to, 0);
        g_array_append_vals(to, from->data, from->len);
}

static void keep_bridge(BwBridgeSection *section, const BwBridgeSection *former) {
        section->broken = false;
        section->has_mode = former->has_mode;
        section->mode = former->mode;
        section->has_unknown_ports = former->has_unknown_ports;
        section->unknown_ports = former->unknown_ports;
        section->has_fdb_lock = former->has_fdb_lock;
        section->fdb_lock = former->fdb_lock;
        section->has_isolated = former->has_isolated;
        section->isolated = former->isolated;
        section->pin_neighbours = former->pin_neighbours;
        section->has_repair = former->has_repair;
        section->repair = former->repair;
        copy_prefixes(section->networks, former->networks);
        copy_prefixes(section->gateways, former->gateways);
}

void bw_config_keep_bridges(BwConfig *config, const BwConfig *last_good) {
        GHashTableIter iter;
        BwBridgeSection *section;

        g_hash_table_iter_init(&iter, config->bridges);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &section)) {
                const BwBridgeSection *former =
                        g_hash_table_lookup(last_good->bridges, section->name);

                if (section->broken && former && !former->broken)
                        keep_bridge(section, former);
        }
}

unsigned bw_config_count_sections(const BwConfig *config) {
        return g_hash_table_size(config->guests) + g_hash_table_size(config->interfaces) +
               g_hash_table_size(config->ports) + g_hash_table_size(config->bridges);
}

void bw_config_keep_guard(BwConfig *config, const BwConfig *last_good) {
        config->mode = last_good->mode;
        config->unknown_ports = last_good->unknown_ports;
        config->bridges_auto = last_good->bridges_auto;
        g_ptr_array_set_size(config->bridge_names, 0);
        for (guint i = 0; i < last_good->bridge_names->len; i++)
                g_ptr_array_add(config->bridge_names, g_strdup(last_good->bridge_names->pdata[i]));
        config->log_rate = last_good->log_rate;
        config->engines = last_good->engines;
        config->check_interval = last_good->check_interval;
        config->repair = last_good->repair;
        g_free(config->libvirt_uri);
        config->libvirt_uri = g_strdup(last_good->libvirt_uri);
}

unsigned bw_config_count_errors(const BwConfig *config) {
        unsigned errors = 0;

        for (guint i = 0; i < config->problems->len; i++) {
                const BwConfigProblem *problem = config->problems->pdata[i];

                errors += problem->severity == BW_SEVERITY_ERROR;
        }
        return errors;
}
