/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/config_key.h>
#include <bw/config_value.h>
#include <bw/text.h>
#include <string.h>

#define SHOWN_BYTES 64
/* BW_HAZARD_REPAIRABLE, in words. */
#define REPAIRABLE "none, or of hub-mode, short-ageing, promiscuous, hairpin and loop those wanted"

typedef struct Key Key;

/* False: the value is none of what the key expects, and nothing has been said about it yet. */
typedef bool (*TakeValue)(const Key *key, const BwConfigPlace *place, gpointer section);

struct Key {
        const char *name;
        const char *expects; /* goes behind "write" */
        TakeValue take;
};

static const char *const mode_words[] = {
        [BW_MODE_ENFORCE] = "enforce",
        [BW_MODE_MONITOR] = "monitor",
        [BW_MODE_OFF] = "off",
        NULL,
};
static const char *const unknown_ports_words[] = {
        [BW_UNKNOWN_PORTS_MONITOR] = "monitor",
        [BW_UNKNOWN_PORTS_DROP] = "drop",
        [BW_UNKNOWN_PORTS_ACCEPT] = "accept",
        NULL,
};
static const char *const role_words[] = {
        [BW_ROLE_GUEST] = "guest",
        [BW_ROLE_HOST] = "host",
        [BW_ROLE_LINK] = "link",
        [BW_ROLE_UPLINK] = "uplink",
        NULL,
};

const char *bw_mode_name(BwMode mode) {
        return mode_words[mode];
}

const char *bw_unknown_ports_name(BwUnknownPorts unknown_ports) {
        return unknown_ports_words[unknown_ports];
}

static unsigned looseness(BwUnknownPorts unknown_ports) {
        switch (unknown_ports) {
        case BW_UNKNOWN_PORTS_DROP:
                return 0;
        case BW_UNKNOWN_PORTS_MONITOR:
                return 1;
        case BW_UNKNOWN_PORTS_ACCEPT:
                return 2;
        }
        g_assert_not_reached();
}

BwUnknownPorts bw_unknown_ports_stricter(BwUnknownPorts a, BwUnknownPorts b) {
        return looseness(a) < looseness(b) ? a : b;
}

const char *bw_role_name(BwRole role) {
        return role_words[role];
}

bool bw_role_is_border(BwRole role) {
        switch (role) {
        case BW_ROLE_LINK:
        case BW_ROLE_UPLINK:
                return true;
        case BW_ROLE_GUEST:
        case BW_ROLE_HOST:
                return false;
        }
        g_assert_not_reached();
}

static void replace(GArray **values, GArray *by) {
        g_array_unref(*values);
        *values = by;
}

static bool take_addresses(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                           gpointer section) {
        BwBindingSection *binding = section;
        bool any = g_str_equal(place->line->value, "any");
        GArray *addresses = any ? g_array_new(FALSE, TRUE, sizeof(BwPrefix))
                                : bw_config_value_read_prefixes(place);

        if (!addresses)
                return true;
        replace(&binding->addresses, addresses);
        binding->any_address = any;
        binding->set |= BW_SET_ADDRESSES;
        return true;
}

static bool take_macs(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place, gpointer section) {
        BwBindingSection *binding = section;
        GArray *macs = bw_config_value_read_macs(place);

        if (!macs)
                return true;
        replace(&binding->macs, macs);
        binding->set |= BW_SET_MACS;
        return true;
}

static bool take_role(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place, gpointer section) {
        BwBindingSection *binding = section;
        unsigned word;

        if (!bw_config_value_find_word(place->line->value, role_words, &word))
                return false;
        binding->role = (BwRole) word;
        binding->set |= BW_SET_ROLE;
        return true;
}

static bool take_mode(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place, gpointer section) {
        BwBindingSection *binding = section;
        unsigned word;

        if (!bw_config_value_find_word(place->line->value, mode_words, &word))
                return false;
        binding->mode = (BwMode) word;
        binding->set |= BW_SET_MODE;
        return true;
}

static bool take_yes_no(const BwConfigPlace *place, bool *ret) {
        static const char *const words[] = { "no", "yes", NULL };
        unsigned yes;

        if (!bw_config_value_find_word(place->line->value, words, &yes))
                return false;
        *ret = yes;
        return true;
}

static bool take_permission(const BwConfigPlace *place, BwBindingSection *binding, BwSet set,
                            bool *ret) {
        if (!take_yes_no(place, ret))
                return false;
        binding->set |= set;
        return true;
}

static bool take_dhcp_server(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                             gpointer section) {
        BwBindingSection *binding = section;

        return take_permission(place, binding, BW_SET_DHCP_SERVER, &binding->dhcp_server);
}

static bool take_router(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                        gpointer section) {
        BwBindingSection *binding = section;

        return take_permission(place, binding, BW_SET_ROUTER, &binding->router);
}

static bool take_querier(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                         gpointer section) {
        BwBindingSection *binding = section;

        return take_permission(place, binding, BW_SET_QUERIER, &binding->querier);
}

static bool take_link_local(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                            gpointer section) {
        static const char *const words[] = { "any", "declared", NULL };
        BwBindingSection *binding = section;
        unsigned declared;

        if (!bw_config_value_find_word(place->line->value, words, &declared))
                return false;
        binding->strict_link_local = declared;
        binding->set |= BW_SET_LINK_LOCAL;
        return true;
}

static bool take_closed(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                        gpointer section) {
        BwBindingSection *binding = section;

        return take_permission(place, binding, BW_SET_CLOSED, &binding->closed);
}

static bool take_fdb_lock(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                          gpointer section) {
        BwBindingSection *binding = section;

        return take_permission(place, binding, BW_SET_FDB_LOCK, &binding->fdb_lock);
}

static bool take_isolated(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                          gpointer section) {
        BwBindingSection *binding = section;

        return take_permission(place, binding, BW_SET_ISOLATED, &binding->isolated);
}

/* False: one of them is a network. Addresses that cannot be read have been complained of. */
static bool read_gateways(const BwConfigPlace *place, GArray **gateways, bool *ret_read) {
        g_autoptr(GArray) addresses = bw_config_value_read_prefixes(place);

        *ret_read = false;
        if (!addresses)
                return true;
        for (guint i = 0; i < addresses->len; i++)
                if (!bw_prefix_is_single(&g_array_index(addresses, BwPrefix, i)))
                        return false;
        replace(gateways, g_steal_pointer(&addresses));
        *ret_read = true;
        return true;
}

static bool take_gateway(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                         gpointer section) {
        BwBindingSection *binding = section;
        bool read, understood = read_gateways(place, &binding->gateways, &read);

        if (read)
                binding->set |= BW_SET_GATEWAY;
        return understood;
}

static bool take_bridge_gateway(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                                gpointer section) {
        BwBridgeSection *bridge = section;
        bool read;

        return read_gateways(place, &bridge->gateways, &read);
}

static bool take_bridge_fdb_lock(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                                 gpointer section) {
        BwBridgeSection *bridge = section;
        bool understood = take_yes_no(place, &bridge->fdb_lock);

        bridge->has_fdb_lock |= understood;
        return understood;
}

static bool take_bridge_isolated(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                                 gpointer section) {
        BwBridgeSection *bridge = section;
        bool understood = take_yes_no(place, &bridge->isolated);

        bridge->has_isolated |= understood;
        return understood;
}

static bool take_pin_neighbours(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                                gpointer section) {
        BwBridgeSection *bridge = section;

        return take_yes_no(place, &bridge->pin_neighbours);
}

static bool is_repairable(const BwConfigPlace *place, const char *word, BwHazardKind *ret) {
        g_autofree char *shown = bw_text_short(word, SHOWN_BYTES);

        if (!bw_hazard_kind_from_name(word, ret)) {
                bw_config_place_error(place, "\"%s\" is no hazard; write " REPAIRABLE, shown);
                return false;
        }
        if (!(BW_HAZARD_BIT(*ret) & BW_HAZARD_REPAIRABLE)) {
                bw_config_place_error(
                        place, "\"%s\" cannot be repaired, only told; write " REPAIRABLE, shown);
                return false;
        }
        return true;
}

/* False: nothing is named. What is wrong with a name has been said. */
static bool read_repair(const BwConfigPlace *place, unsigned *ret, bool *ret_read) {
        g_autofree char *copy = NULL;
        g_autoptr(GPtrArray) words = bw_config_value_split(place->line->value, &copy);
        bool none = g_str_equal(place->line->value, "none");
        unsigned repair = 0;

        *ret_read = false;
        for (guint i = 0; !none && i < words->len; i++) {
                BwHazardKind kind;

                if (!is_repairable(place, words->pdata[i], &kind))
                        return true;
                repair |= BW_HAZARD_BIT(kind);
        }
        if (!none && repair == 0)
                return false;
        *ret = repair;
        *ret_read = true;
        return true;
}

static bool take_host_repair(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                             gpointer section) {
        BwConfig *config = section;
        bool read;

        return read_repair(place, &config->repair, &read);
}

static bool take_bridge_repair(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                               gpointer section) {
        BwBridgeSection *bridge = section;
        bool read, understood = read_repair(place, &bridge->repair, &read);

        bridge->has_repair |= read;
        return understood;
}

static bool take_networks(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                          gpointer section) {
        BwBridgeSection *bridge = section;
        GArray *networks = bw_config_value_read_prefixes(place);

        if (networks)
                replace(&bridge->networks, networks);
        return true;
}

static bool take_bridge_mode(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                             gpointer section) {
        BwBridgeSection *bridge = section;
        unsigned word;

        if (!bw_config_value_find_word(place->line->value, mode_words, &word))
                return false;
        bridge->mode = (BwMode) word;
        bridge->has_mode = true;
        return true;
}

static bool take_bridge_unknown_ports(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                                      gpointer section) {
        BwBridgeSection *bridge = section;
        unsigned word;

        if (!bw_config_value_find_word(place->line->value, unknown_ports_words, &word))
                return false;
        bridge->unknown_ports = (BwUnknownPorts) word;
        bridge->has_unknown_ports = true;
        return true;
}

static bool take_host_mode(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                           gpointer section) {
        BwConfig *config = section;
        unsigned word;

        if (!bw_config_value_find_word(place->line->value, mode_words, &word))
                return false;
        config->mode = (BwMode) word;
        return true;
}

static bool take_host_unknown_ports(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                                    gpointer section) {
        BwConfig *config = section;
        unsigned word;

        if (!bw_config_value_find_word(place->line->value, unknown_ports_words, &word))
                return false;
        config->unknown_ports = (BwUnknownPorts) word;
        return true;
}

static bool is_bridge_word(const BwConfigPlace *place, const char *word) {
        const char *fault = g_str_equal(word, "auto") ? "\"auto\" stands alone, or names are listed"
                                                      : bw_config_value_interface_fault(word);
        g_autofree char *shown = bw_text_short(word, SHOWN_BYTES);

        if (fault)
                bw_config_place_error(place, "\"%s\": %s", shown, fault);
        return !fault;
}

static bool take_bridges(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                         gpointer section) {
        BwConfig *config = section;
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        g_autofree char *copy = NULL;
        g_autoptr(GPtrArray) words = bw_config_value_split(place->line->value, &copy);

        if (g_str_equal(place->line->value, "auto"))
                g_ptr_array_set_size(words, 0);
        for (guint i = 0; i < words->len; i++) {
                char *word = g_ptr_array_index(words, i);

                if (!is_bridge_word(place, word))
                        return true;
                if (g_hash_table_add(seen, word))
                        g_ptr_array_add(names, g_strdup(word));
        }

        config->bridges_auto = words->len == 0;
        g_ptr_array_unref(config->bridge_names);
        config->bridge_names = g_steal_pointer(&names);
        return true;
}

static bool take_engines(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                         gpointer section) {
        static const char *const known[] = { "iptables", "nftables", NULL }; /* as BwEngineKind */
        BwConfig *config = section;
        g_autofree char *copy = NULL;
        g_autoptr(GPtrArray) words = bw_config_value_split(place->line->value, &copy);
        unsigned named = 0;

        for (guint i = 0; i < words->len; i++) {
                unsigned engine;

                if (!bw_config_value_find_word(g_ptr_array_index(words, i), known, &engine))
                        return false;
                named |= BW_ENGINE_BIT(engine);
        }
        if (named)
                config->engines = named;
        return named;
}

static bool take_log_rate(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                          gpointer section) {
        BwConfig *config = section;
        g_autofree char *number = g_strdup(place->line->value);

        if (!g_str_has_suffix(number, "/s"))
                return false;
        number[strlen(number) - strlen("/s")] = '\0';
        return bw_config_value_read_number(number, 1000, &config->log_rate);
}

static bool take_check_interval(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place,
                                gpointer section) {
        BwConfig *config = section;

        return bw_config_value_read_number(place->line->value, 3600, &config->check_interval);
}

static bool take_uri(const Key *key G_GNUC_UNUSED, const BwConfigPlace *place, gpointer section) {
        BwConfig *config = section;
        const char *value = place->line->value;

        for (const char *at = value; *at; at++)
                if (!g_ascii_isgraph(*at))
                        return false;
        g_free(config->libvirt_uri);
        config->libvirt_uri = g_str_equal(value, "none") ? NULL : g_strdup(value);
        return true;
}

static const Key binding_keys[] = {
        { "Addresses", "addresses and networks with spaces between, or the one word any",
          take_addresses },
        { "MACs", "MAC addresses with spaces between", take_macs },
        { "Role", "guest, host, link or uplink", take_role },
        { "Mode", "enforce, monitor or off", take_mode },
        { "DhcpServer", "yes or no", take_dhcp_server },
        { "Router", "yes or no", take_router },
        { "Querier", "yes or no", take_querier },
        { "Closed", "yes or no", take_closed },
        { "FdbLock", "yes or no", take_fdb_lock },
        { "Isolated", "yes or no", take_isolated },
        { "LinkLocal", "any or declared", take_link_local },
        { "Gateway", "single addresses with spaces between", take_gateway },
};

static const Key bridge_keys[] = {
        { "Mode", "enforce, monitor or off", take_bridge_mode },
        { "UnknownPorts", "monitor, drop or accept", take_bridge_unknown_ports },
        { "Networks", "networks with spaces between, as 192.168.50.0/24", take_networks },
        { "Gateway", "single addresses with spaces between", take_bridge_gateway },
        { "FdbLock", "yes or no", take_bridge_fdb_lock },
        { "Isolated", "yes or no", take_bridge_isolated },
        { "PinNeighbours", "yes or no", take_pin_neighbours },
        { "Repair", REPAIRABLE, take_bridge_repair },
};

static const Key guard_keys[] = {
        { "Mode", "enforce, monitor or off", take_host_mode },
        { "UnknownPorts", "monitor, drop or accept", take_host_unknown_ports },
        { "Bridges", "auto, or names of bridges with spaces between", take_bridges },
        { "Engines", "iptables, nftables, or both with a space between", take_engines },
        { "LogRate", "a number from 1 to 1000 and /s, as 10/s", take_log_rate },
        { "CheckInterval", "a number of seconds from 1 to 3600", take_check_interval },
        { "Repair", REPAIRABLE, take_host_repair },
};

static const Key libvirt_keys[] = {
        { "URI", "a libvirt connection URI, as qemu:///system, or the word none", take_uri },
};

typedef struct KeyTable {
        const Key *keys;
        gsize count;
} KeyTable;

static const Key *find_key(KeyTable table, const char *name) {
        for (gsize i = 0; i < table.count; i++)
                if (g_str_equal(table.keys[i].name, name))
                        return &table.keys[i];
        return NULL;
}

static void refuse_key(const BwConfigPlace *place, KeyTable table) {
        g_autoptr(GString) known = g_string_new(NULL);

        for (gsize i = 0; i < table.count; i++)
                g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", table.keys[i].name);
        bw_config_place_error(place, "unknown key; the keys of this section are %s", known->str);
}

static void set_key(const BwConfigPlace *place, KeyTable table, gpointer section) {
        const Key *key = find_key(table, place->line->key);

        if (!key) {
                refuse_key(place, table);
                return;
        }
        if (*place->line->value == '\0')
                bw_config_place_error(place, "the value is missing; write %s", key->expects);
        else if (!key->take(key, place, section))
                bw_config_place_error(place, "not understood; write %s", key->expects);
}

void bw_config_key_set_guard(const BwConfigPlace *place) {
        set_key(place, (KeyTable){ guard_keys, G_N_ELEMENTS(guard_keys) }, place->config);
}

void bw_config_key_set_libvirt(const BwConfigPlace *place) {
        set_key(place, (KeyTable){ libvirt_keys, G_N_ELEMENTS(libvirt_keys) }, place->config);
}

void bw_config_key_set_binding(const BwConfigPlace *place, BwBindingSection *section) {
        set_key(place, (KeyTable){ binding_keys, G_N_ELEMENTS(binding_keys) }, section);
}

void bw_config_key_set_bridge(const BwConfigPlace *place, BwBridgeSection *section) {
        set_key(place, (KeyTable){ bridge_keys, G_N_ELEMENTS(bridge_keys) }, section);
}
