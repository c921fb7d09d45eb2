/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "link_json.h"

#include "json_depth.h"

#include <arpa/inet.h>
#include <bw/error.h>
#include <bw/text.h>
#include <bw/topology_view.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* ip(8) nests six deep; json-glib follows any depth until its stack ends. */
#define MAX_DEPTH 32
#define MAX_LINKS 65536

/* One entry of the list, and what of it waits for the others. */
typedef struct Entry {
        BwLink link;
        const char *master, *other; /* lent from the tree; NULL: none */
} Entry;

typedef struct Reading {
        guint at;               /* the entry that is read, 1 is the first */
        GArray *entries;        /* Entry */
        GArray *addresses;      /* BwHostAddress */
        GHashTable *by_name;    /* name -> ifindex; names are lent from the tree */
        GHashTable *by_ifindex; /* set */
} Reading;

static bool fail(const Reading *reading, GError **error, const char *what) {
        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "entry %u: %s", reading->at, what);
        return false;
}

static bool fail_naming(const Reading *reading, GError **error, const char *what,
                        const char *name) {
        g_autofree char *shown = bw_text_short(name, 64);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "entry %u: %s: %s", reading->at, what,
                    shown);
        return false;
}

/* Members: NULL or @otherwise when missing or of another type. */

static const char *text_of(JsonObject *object, const char *name) {
        JsonNode *node = object ? json_object_get_member(object, name) : NULL;

        return node && JSON_NODE_HOLDS_VALUE(node) &&
                               json_node_get_value_type(node) == G_TYPE_STRING
                       ? json_node_get_string(node)
                       : NULL;
}

static int64_t number_of(JsonObject *object, const char *name, int64_t otherwise) {
        JsonNode *node = object ? json_object_get_member(object, name) : NULL;

        return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64
                       ? json_node_get_int(node)
                       : otherwise;
}

/* iproute2 prints switches as numbers here and as words there. */
static bool switch_of(JsonObject *object, const char *name) {
        JsonNode *node = object ? json_object_get_member(object, name) : NULL;

        if (!node || !JSON_NODE_HOLDS_VALUE(node))
                return false;
        if (json_node_get_value_type(node) == G_TYPE_BOOLEAN)
                return json_node_get_boolean(node);
        return number_of(object, name, 0) != 0;
}

static JsonObject *object_of(JsonObject *object, const char *name) {
        JsonNode *node = object ? json_object_get_member(object, name) : NULL;

        return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonArray *list_of(JsonObject *object, const char *name) {
        JsonNode *node = object ? json_object_get_member(object, name) : NULL;

        return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static JsonObject *object_at(JsonArray *list, guint i) {
        JsonNode *node = json_array_get_element(list, i);

        return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static bool has_flag(JsonObject *object, const char *flag) {
        JsonArray *flags = list_of(object, "flags");

        for (guint i = 0; flags && i < json_array_get_length(flags); i++) {
                JsonNode *node = json_array_get_element(flags, i);

                if (JSON_NODE_HOLDS_VALUE(node) && g_strcmp0(json_node_get_string(node), flag) == 0)
                        return true;
        }
        return false;
}

static bool is_word(const char *text, const char *word) {
        return g_strcmp0(text, word) == 0;
}

/* As the kernel's dev_valid_name(): such a name cannot break out of a line of rules. */
static bool is_link_name(const char *name) {
        gsize length = name ? strlen(name) : 0;

        if (length == 0 || length >= BW_IFNAME_SIZE || is_word(name, ".") || is_word(name, ".."))
                return false;
        for (; *name; name++)
                if (*name == '/' || *name == ':' || g_ascii_isspace(*name) || *name == '\v')
                        return false;
        return true;
}

static BwLinkKind kind_of(const char *word) {
        if (is_word(word, "bridge"))
                return BW_LINK_BRIDGE;
        if (is_word(word, "tun"))
                return BW_LINK_TAP;
        if (is_word(word, "macvtap"))
                return BW_LINK_MACVTAP;
        return is_word(word, "veth") ? BW_LINK_VETH : BW_LINK_OTHER;
}

static bool stands_on_another(const BwLink *link) {
        return is_word(link->kind_name, "vlan") || is_word(link->kind_name, "macvlan") ||
               is_word(link->kind_name, "macvtap");
}

static void read_bridge(JsonObject *info, BwLink *link) {
        int64_t ageing = number_of(info, "ageing_time", 0);

        for (BwBridgeSwitch kind = 0; kind < BW_SWITCH_MAX; kind++) {
                const char *name = bw_bridge_switch_name(kind);

                if (info && json_object_has_member(info, name))
                        link->switches_known |= BW_SWITCH_BIT(kind);
                if (switch_of(info, name))
                        link->switches |= BW_SWITCH_BIT(kind);
        }
        link->ageing_centiseconds = ageing < 0 ? 0 : (uint32_t) MIN(ageing, G_MAXUINT32);
        link->stp = switch_of(info, "stp_state");
        link->vlan_filtering = switch_of(info, "vlan_filtering");
        link->topology_change = link->stp && switch_of(info, "topology_change");
}

static BwStpState state_of(const char *word) {
        for (BwStpState state = BW_STP_DISABLED; state <= BW_STP_BLOCKING; state++)
                if (is_word(word, bw_stp_state_name(state)))
                        return state;
        return BW_STP_DISABLED;
}

static void read_port(JsonObject *info, BwLink *link) {
        link->stp_state = state_of(text_of(info, "state"));
        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++) {
                const char *name = bw_port_flag_name(flag);

                if (info && json_object_has_member(info, name))
                        link->flags_known |= BW_FLAG_BIT(flag);
                if (switch_of(info, name))
                        link->flags |= BW_FLAG_BIT(flag);
        }
}

/* With a namespace's number the name and the index count in that namespace. */
static void read_other_end(JsonObject *object, Entry *entry) {
        int64_t elsewhere = number_of(object, "link_netnsid", -1);

        if (!json_object_has_member(object, "link_netnsid")) {
                if (entry->link.kind == BW_LINK_VETH || stands_on_another(&entry->link))
                        entry->other = text_of(object, "link");
        } else if (entry->link.kind == BW_LINK_VETH && elsewhere >= 0 && elsewhere < G_MAXINT) {
                entry->link.peer_namespace = (int) elsewhere + 1;
        }
}

static bool read_kind(const Reading *reading, JsonObject *object, Entry *entry, GError **error) {
        JsonObject *info = object_of(object, "linkinfo");
        const char *master = text_of(object, "master");

        const char *kind = text_of(info, "info_kind");

        entry->link.kind = kind_of(kind);
        g_strlcpy(entry->link.kind_name, kind ? kind : "", sizeof(entry->link.kind_name));
        if (entry->link.kind == BW_LINK_BRIDGE)
                read_bridge(object_of(info, "info_data"), &entry->link);
        read_other_end(object, entry);
        if (master && !text_of(info, "info_slave_kind"))
                return fail(reading, error,
                            "it has a master, and nothing says of what kind: the list was printed "
                            "without -details");
        entry->link.openvswitch = is_word(text_of(info, "info_slave_kind"), "openvswitch");
        if (is_word(text_of(info, "info_slave_kind"), "bridge") && master) {
                entry->master = master;
                read_port(object_of(info, "info_slave_data"), &entry->link);
        }
        return true;
}

static bool read_identity(Reading *reading, JsonObject *object, BwLink *link, GError **error) {
        int64_t ifindex = number_of(object, "ifindex", 0);
        const char *name = text_of(object, "ifname");

        if (ifindex <= 0 || ifindex > G_MAXINT)
                return fail(reading, error, "\"ifindex\" is no number of a link");
        if (!is_link_name(name))
                return fail_naming(reading, error, "\"ifname\" is no name of a link",
                                   name ? name : "(none)");
        link->ifindex = (int) ifindex;
        g_strlcpy(link->name, name, sizeof(link->name));
        if (!g_hash_table_add(reading->by_ifindex, GINT_TO_POINTER(link->ifindex)))
                return fail_naming(reading, error, "another link has the same \"ifindex\"", name);
        if (!g_hash_table_insert(reading->by_name, (gpointer) name, GINT_TO_POINTER(link->ifindex)))
                return fail_naming(reading, error, "another link has the same name", name);
        return true;
}

static bool read_link(Reading *reading, JsonObject *object, GError **error) {
        const char *mac = text_of(object, "address");
        Entry entry = {};

        if (!read_identity(reading, object, &entry.link, error))
                return false;
        if (mac && is_word(text_of(object, "link_type"), "ether") &&
            !bw_mac_read(mac, &entry.link.mac))
                return fail_naming(reading, error, "\"address\" is no MAC address", mac);
        if (!list_of(object, "flags"))
                return fail(reading, error, "it has no \"flags\"");
        entry.link.up = has_flag(object, "UP");
        entry.link.running = has_flag(object, "LOWER_UP");
        entry.link.promiscuous = has_flag(object, "PROMISC");
        entry.link.promiscuity =
                (uint32_t) CLAMP(number_of(object, "promiscuity", 0), 0, G_MAXUINT32);
        entry.link.xdp = object_of(object, "xdp") != NULL;
        if (!read_kind(reading, object, &entry, error))
                return false;
        g_array_append_val(reading->entries, entry);
        return true;
}

static bool read_ip(const char *text, BwFamily family, BwPrefix *ret) {
        uint8_t bytes[16];

        if (!text || inet_pton(family == BW_FAMILY_IPV6 ? AF_INET6 : AF_INET, text, bytes) != 1)
                return false;
        *ret = bw_prefix_from_address(family, bytes);
        return true;
}

static bool read_address(Reading *reading, int ifindex, JsonObject *object, GError **error) {
        bool is_ipv6 = is_word(text_of(object, "family"), "inet6");
        const char *local = text_of(object, "local"), *peer = text_of(object, "address");
        int64_t length = number_of(object, "prefixlen", -1);
        BwHostAddress address = { .ifindex = ifindex };

        if (!is_ipv6 && !is_word(text_of(object, "family"), "inet"))
                return true;
        /* Not the host's until the kernel has made sure that nobody else has it. */
        if (switch_of(object, "tentative"))
                return true;
        if (!read_ip(local, is_ipv6 ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4, &address.address))
                return fail_naming(reading, error, "\"local\" is no address",
                                   local ? local : "(none)");
        if (length < 0 || length > address.address.length)
                return fail_naming(reading, error, "\"prefixlen\" is no length for", local);
        address.prefix_length =
                peer && !is_word(peer, local) ? address.address.length : (uint8_t) length;
        g_array_append_val(reading->addresses, address);
        return true;
}

static bool read_addresses(Reading *reading, JsonObject *object, GError **error) {
        int64_t ifindex = number_of(object, "ifindex", 0);
        JsonArray *list = list_of(object, "addr_info");

        if (ifindex <= 0 || ifindex > G_MAXINT)
                return fail(reading, error, "\"ifindex\" is no number of a link");
        for (guint i = 0; list && i < json_array_get_length(list); i++) {
                JsonObject *address = object_at(list, i);

                if (!address)
                        return fail(reading, error, "\"addr_info\" holds what is no address");
                if (!read_address(reading, (int) ifindex, address, error))
                        return false;
        }
        return true;
}

static bool read_entries(Reading *reading, JsonArray *list, unsigned parts, GError **error) {
        if (json_array_get_length(list) > MAX_LINKS) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "it has more than %d entries",
                            MAX_LINKS);
                return false;
        }
        for (guint i = 0; i < json_array_get_length(list); i++) {
                JsonObject *object = object_at(list, i);

                reading->at = i + 1;
                if (!object)
                        return fail(reading, error, "it is no object");
                /* What ip(8) has left out by its filter, it prints as {}. */
                if (json_object_get_size(object) == 0)
                        continue;
                if ((parts & BW_LINK_JSON_LINKS) && !read_link(reading, object, error))
                        return false;
                if ((parts & BW_LINK_JSON_ADDRESSES) && !read_addresses(reading, object, error))
                        return false;
        }
        return true;
}

static int find(const Reading *reading, const char *name) {
        return GPOINTER_TO_INT(g_hash_table_lookup(reading->by_name, name));
}

static bool connect_links(Reading *reading, GError **error) {
        for (guint i = 0; i < reading->entries->len; i++) {
                Entry *entry = &g_array_index(reading->entries, Entry, i);

                if (entry->other)
                        *(entry->link.kind == BW_LINK_VETH ? &entry->link.peer
                                                           : &entry->link.lower) =
                                find(reading, entry->other);
                if (!entry->master)
                        continue;
                entry->link.master = find(reading, entry->master);
                if (entry->link.master == 0) {
                        g_autofree char *name = bw_text_printable(entry->link.name);
                        g_autofree char *master = bw_text_short(entry->master, 64);

                        g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                                    "%s is a port of %s, which is not in the list: print all links",
                                    name, master);
                        return false;
                }
        }
        return true;
}

static void tell(const Reading *reading, BwFactSink sink, gpointer user) {
        for (guint i = 0; i < reading->entries->len; i++)
                sink(&(BwFact){ .kind = BW_FACT_LINK,
                                .link = g_array_index(reading->entries, Entry, i).link },
                     user);
        for (guint i = 0; i < reading->addresses->len; i++)
                sink(&(BwFact){ .kind = BW_FACT_ADDRESS,
                                .address = g_array_index(reading->addresses, BwHostAddress, i) },
                     user);
}

static JsonArray *parse(JsonParser *parser, const char *text, gsize length, GError **error) {
        g_autoptr(GError) trouble = NULL;
        const char *fault = bw_json_depth_fault(text, length, MAX_DEPTH);
        JsonNode *root;

        if (fault) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "it %s", fault);
                return NULL;
        }
        if (!json_parser_load_from_data(parser, text, (gssize) length, &trouble)) {
                g_autofree char *why = bw_text_short(trouble->message, 200);

                g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "it is no JSON: %s", why);
                return NULL;
        }
        root = json_parser_get_root(parser);
        if (root && JSON_NODE_HOLDS_ARRAY(root))
                return json_node_get_array(root);
        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "it is no list");
        return NULL;
}

bool bw_link_json_read(const char *text, gsize length, unsigned parts, BwFactSink sink,
                       gpointer user, GError **error) {
        g_autoptr(JsonParser) parser = json_parser_new();
        g_autoptr(GArray) entries = g_array_new(FALSE, TRUE, sizeof(Entry));
        g_autoptr(GArray) addresses = g_array_new(FALSE, TRUE, sizeof(BwHostAddress));
        g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) by_ifindex = g_hash_table_new(NULL, NULL);
        Reading reading = { 0, entries, addresses, by_name, by_ifindex };
        JsonArray *list = parse(parser, text, length, error);

        if (!list || !read_entries(&reading, list, parts, error) || !connect_links(&reading, error))
                return false;
        tell(&reading, sink, user);
        return true;
}
