/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_chains.h>
#include <bw/nft_sites.h>
#include <bw/nft_table.h>
#include <bw/owner.h>
#include <bw/text.h>
#include <string.h>

/* A port with more MACs or addresses goes the long way: pairs of them grow with the square. */
#define MOST_PAIRED 8
/* Room for what follows a name in an element: a range of numbers, a pair of addresses. */
#define REST_SIZE 128
/* Room for a name in quotes and what joins the rest to it. */
#define NAME_SIZE (BW_IFNAME_SIZE + 5)

typedef enum SetName {
        SET_BOUND,
        SET_PASSING,
        SET_UNADDRESSED,
        SET_CLOSED,
        SET_WATCHED, /* strangers that may pass, but are told of */
        SET_MONITORED,
        SET_ANY_ADDRESS,
        SET_STRICT, /* LinkLocal=declared */
        SET_DHCP_SERVERS,
        SET_ROUTERS,
        SET_QUERIERS,
        SET_MACS,
        SET_LLADDRS,   /* the same, for places in a frame that nft has no name for */
        SET_BINDINGS4, /* pairs of MAC and address, of ports without networks */
        SET_BINDINGS6,
        SET_PAIRS4, /* of such a port's own addresses: source and destination */
        SET_PAIRS6,
        SET_IP4,
        SET_NET4,
        SET_BROADCASTS, /* directed broadcasts a port may receive */
        SET_IP6,
        SET_NET6,
        SET_TARGETS, /* the same, for the target of a neighbour message */
        SET_TARGET_NETS,
        SET_DERIVED, /* link-local addresses made from the port's MACs */
        SET_DERIVED_TARGETS,
        SET_OWNED, /* link-local addresses that are somebody's */
        SET_OWNED_NETS,
        SET_OWNED_TARGETS,
        SET_OWNED_TARGET_NETS,
        SET_FOREIGN4, /* for a router: what others of its segment own */
        SET_FOREIGN_NET4,
        SET_FOREIGN6,
        SET_FOREIGN_NET6,
        SET_GATEWAYS4, /* for Addresses=any: gateways that are not the port's */
        SET_GATEWAYS6,
        SET_GATEWAY_TARGETS,
        SET_BORDERS,
        SET_CLOSED_BORDERS,
        MAP_SITES4, /* from what is owned to the site whose it is */
        MAP_SITE_NETS4,
        MAP_SITES6,
        MAP_SITE_NETS6,
        MAP_SITE_TARGETS,
        MAP_SITE_TARGET_NETS,
        MAP_SITE_MACS,
} SetName;

static const struct {
        const char *name, *type;
} sets[] = {
        [SET_BOUND] = { "bound", "type ifname" },
        [SET_PASSING] = { "passing", "type ifname" },
        [SET_UNADDRESSED] = { "unaddressed", "type ifname" },
        [SET_CLOSED] = { "closed", "type ifname" },
        [SET_WATCHED] = { "watched", "type ifname" },
        [SET_MONITORED] = { "monitored", "type ifname" },
        [SET_ANY_ADDRESS] = { "any-address", "type ifname" },
        [SET_STRICT] = { "strict", "type ifname" },
        [SET_DHCP_SERVERS] = { "dhcp-servers", "type ifname" },
        [SET_ROUTERS] = { "routers", "type ifname" },
        [SET_QUERIERS] = { "queriers", "type ifname" },
        [SET_MACS] = { "macs", "type ifname . ether_addr" },
        [SET_LLADDRS] = { "lladdrs", "typeof iifname . @th,0,48" },
        [SET_BINDINGS4] = { "bindings4", "type ifname . ether_addr . ipv4_addr" },
        [SET_BINDINGS6] = { "bindings6", "type ifname . ether_addr . ipv6_addr" },
        [SET_PAIRS4] = { "pairs4", "type ipv4_addr . ipv4_addr" },
        [SET_PAIRS6] = { "pairs6", "type ipv6_addr . ipv6_addr" },
        [SET_IP4] = { "own4", "type ifname . ipv4_addr" },
        [SET_NET4] = { "own-net4", "type ifname . ipv4_addr\nflags interval" },
        [SET_BROADCASTS] = { "broadcasts", "type ifname . ipv4_addr" },
        [SET_IP6] = { "own6", "type ifname . ipv6_addr" },
        [SET_NET6] = { "own-net6", "type ifname . ipv6_addr\nflags interval" },
        [SET_TARGETS] = { "targets", "typeof iifname . @th,0,128" },
        [SET_TARGET_NETS] = { "target-nets", "typeof iifname . @th,0,128\nflags interval" },
        [SET_DERIVED] = { "derived", "type ifname . ipv6_addr" },
        [SET_DERIVED_TARGETS] = { "derived-targets", "typeof iifname . @th,0,128" },
        [SET_OWNED] = { "owned", "type ipv6_addr" },
        [SET_OWNED_NETS] = { "owned-nets", "type ipv6_addr\nflags interval" },
        [SET_OWNED_TARGETS] = { "owned-targets", "typeof @th,0,128" },
        [SET_OWNED_TARGET_NETS] = { "owned-target-nets", "typeof @th,0,128\nflags interval" },
        [SET_FOREIGN4] = { "foreign4", "type ifname . ipv4_addr" },
        [SET_FOREIGN_NET4] = { "foreign-net4", "type ifname . ipv4_addr\nflags interval" },
        [SET_FOREIGN6] = { "foreign6", "type ifname . ipv6_addr" },
        [SET_FOREIGN_NET6] = { "foreign-net6", "type ifname . ipv6_addr\nflags interval" },
        [SET_GATEWAYS4] = { "gateways4", "type ifname . ipv4_addr" },
        [SET_GATEWAYS6] = { "gateways6", "type ifname . ipv6_addr" },
        [SET_GATEWAY_TARGETS] = { "gateway-targets", "typeof iifname . @th,0,128" },
        [SET_BORDERS] = { "borders", "type ifname" },
        [SET_CLOSED_BORDERS] = { "closed-borders", "type ifname" },
        [MAP_SITES4] = { "sites4", "type ipv4_addr : verdict" },
        [MAP_SITE_NETS4] = { "site-nets4", "type ipv4_addr : verdict\nflags interval" },
        [MAP_SITES6] = { "sites6", "type ipv6_addr : verdict" },
        [MAP_SITE_NETS6] = { "site-nets6", "type ipv6_addr : verdict\nflags interval" },
        [MAP_SITE_TARGETS] = { "site-targets", "typeof @nh,384,128 : verdict" },
        [MAP_SITE_TARGET_NETS] = { "site-target-nets",
                                   "typeof @nh,384,128 : verdict\nflags interval" },
        [MAP_SITE_MACS] = { "site-macs", "type ether_addr : verdict" },
};

/* One segment, for all of its ports. */
typedef struct Scope {
        const BwSegmentPlan *segment;
        GArray *declared; /* BwPrefix: its link-local ones */
} Scope;

/* A port whose name can be written. */
typedef struct Seat {
        guint scope;
        const BwBridgePlan *bridge;
        const BwPortPlan *port;
} Seat;

typedef struct Compiler {
        BwNftTable *table;
        GArray *scopes;
        GArray *seats;
        const Scope *scope; /* of the port that is written now */
        const BwBridgePlan *bridge;
        const BwPortPlan *port;
        char element[NAME_SIZE + REST_SIZE]; /* what is written now; its name is the port's */
        char *joint, *rest;                  /* in @element, behind the name */
} Compiler;

bool bw_nft_name_is_writable(const char *name) {
        gsize length = strlen(name);

        return length > 0 && length < BW_IFNAME_SIZE && !strpbrk(name, "\"\n") &&
               name[length - 1] != '*';
}

static GPtrArray *elements_of(Compiler *compiler, SetName set) {
        return g_array_index(compiler->table->sets, BwNftSet, set).elements;
}

static void add_text(Compiler *compiler, SetName set, const char *text, const char *end) {
        char *element = g_memdup2(text, (gsize) (end - text) + 1);

        element[end - text] = '\0';
        g_ptr_array_add(elements_of(compiler, set), element);
}

/* The port's name with the rest of the set's key, which was written up to @end. */
static void add(Compiler *compiler, SetName set, const char *end) {
        add_text(compiler, set, compiler->element, end);
}

static void add_name(Compiler *compiler, SetName set) {
        add_text(compiler, set, compiler->element, compiler->joint);
}

static char *write_joint(char *at) {
        memcpy(at, " . ", 3);
        return at + 3;
}

static char *write_mac(const BwMac *mac, char *at) {
        bw_mac_print(mac, at);
        return at + BW_MAC_TEXT_SIZE - 1;
}

static int compare_prefixes(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static void last_address(const BwPrefix *prefix, uint8_t last[static 16]) {
        for (unsigned bit = 0; bit < 128; bit++) {
                uint8_t mask = (uint8_t) (0x80 >> bit % 8);

                if (bit % 8 == 0)
                        last[bit / 8] = prefix->bytes[bit / 8];
                if (bit >= prefix->length)
                        last[bit / 8] |= mask;
        }
}

static char *write_target(const BwPrefix *prefix, char *at) {
        uint8_t last[16];

        at = bw_nft_number_write(prefix->bytes, 16, at);
        if (prefix->length == 128)
                return at;
        last_address(prefix, last);
        *at++ = '-';
        return bw_nft_number_write(last, 16, at);
}

static void add_mac(Compiler *compiler, const BwMac *mac) {
        add(compiler, SET_MACS, write_mac(mac, compiler->rest));
        add(compiler, SET_LLADDRS,
            bw_nft_number_write(mac->octet, sizeof(mac->octet), compiler->rest));
}

/* The sets an address may belong to, by family and by being single or a network. */
typedef struct Kinds {
        SetName ip4, net4, ip6, net6;
} Kinds;

static const Kinds own = { SET_IP4, SET_NET4, SET_IP6, SET_NET6 };
static const Kinds foreign = { SET_FOREIGN4, SET_FOREIGN_NET4, SET_FOREIGN6, SET_FOREIGN_NET6 };

static void add_address(Compiler *compiler, const Kinds *kinds, const BwPrefix *address) {
        const char *end = bw_prefix_write(address, compiler->rest);

        if (address->family == BW_FAMILY_IPV4)
                add(compiler, address->length == 32 ? kinds->ip4 : kinds->net4, end);
        else
                add(compiler, address->length == 128 ? kinds->ip6 : kinds->net6, end);
}

static void add_target(Compiler *compiler, const BwPrefix *address) {
        if (address->family == BW_FAMILY_IPV6)
                add(compiler, address->length == 128 ? SET_TARGETS : SET_TARGET_NETS,
                    write_target(address, compiler->rest));
}

/* Networks of one set must not overlap; sorted, a network stands right before all that is in it. */
static void drop_contained(GArray *addresses) {
        guint last = 0;

        for (guint i = 1; i < addresses->len; i++) {
                BwPrefix address = g_array_index(addresses, BwPrefix, i);

                if (!bw_prefix_contains(&g_array_index(addresses, BwPrefix, last), &address))
                        g_array_index(addresses, BwPrefix, ++last) = address;
        }
        g_array_set_size(addresses, MIN(addresses->len, last + 1));
}

/* Networks of one set must not overlap: what is in another of the port's is left out. */
static void add_addresses(Compiler *compiler) {
        const GArray *addresses = compiler->port->addresses;
        const BwPrefix *last = NULL;

        for (guint i = 0; i < addresses->len; i++) {
                const BwPrefix *address = &g_array_index(addresses, BwPrefix, i);

                if (last && bw_prefix_contains(last, address))
                        continue;
                last = address;
                add_address(compiler, &own, address);
                add_target(compiler, address);
        }
}

static void add_binding(Compiler *compiler, const BwMac *mac, const BwPrefix *address) {
        SetName set = address->family == BW_FAMILY_IPV4 ? SET_BINDINGS4 : SET_BINDINGS6;

        add(compiler, set, bw_prefix_write(address, write_joint(write_mac(mac, compiler->rest))));
}

static void add_pair(Compiler *compiler, const BwPrefix *source, const BwPrefix *destination) {
        SetName set = source->family == BW_FAMILY_IPV4 ? SET_PAIRS4 : SET_PAIRS6;
        char pair[REST_SIZE];
        const char *end = bw_prefix_write(destination, write_joint(bw_prefix_write(source, pair)));

        add_text(compiler, set, pair, end);
}

/* Whether the short way knows the port's addresses of one family: no networks, and few. */
static bool is_paired(const BwPortPlan *port, BwFamily family) {
        guint n = 0;

        for (guint i = 0; i < port->addresses->len; i++) {
                const BwPrefix *address = &g_array_index(port->addresses, BwPrefix, i);

                if (address->family != family)
                        continue;
                if (!bw_prefix_is_single(address))
                        return false;
                n++;
        }
        return MAX(port->macs->len, n) <= MOST_PAIRED;
}

static void add_pairs(Compiler *compiler, const BwPrefix *source) {
        const GArray *addresses = compiler->port->addresses;

        for (guint i = 0; i < addresses->len; i++) {
                const BwPrefix *destination = &g_array_index(addresses, BwPrefix, i);

                if (destination->family == source->family)
                        add_pair(compiler, source, destination);
        }
}

static void add_bindings(Compiler *compiler, BwFamily family) {
        const BwPortPlan *port = compiler->port;

        if (!is_paired(port, family))
                return;
        for (guint i = 0; i < port->addresses->len; i++) {
                const BwPrefix *address = &g_array_index(port->addresses, BwPrefix, i);

                if (address->family != family)
                        continue;
                for (guint k = 0; k < port->macs->len; k++)
                        add_binding(compiler, &g_array_index(port->macs, BwMac, k), address);
                add_pairs(compiler, address);
        }
}

/* What is declared goes before what a MAC makes likely. What is the port's own is nobody else's. */
static bool is_declared_by_another(const Compiler *compiler, const BwPrefix *address) {
        const GArray *declared = compiler->scope->declared;

        if (bw_owner_has_address(compiler->port, address))
                return false;
        for (guint i = 0; i < declared->len; i++)
                if (bw_prefix_contains(&g_array_index(declared, BwPrefix, i), address))
                        return true;
        return false;
}

static void add_derived(Compiler *compiler, const BwMac *mac) {
        BwPrefix address = bw_owner_derive_link_local(mac);

        if (compiler->port->strict_link_local || is_declared_by_another(compiler, &address))
                return;
        add(compiler, SET_DERIVED, bw_prefix_write(&address, compiler->rest));
        add(compiler, SET_DERIVED_TARGETS, write_target(&address, compiler->rest));
}

static void append_all(GArray *to, const GArray *from) {
        g_array_append_vals(to, from->data, from->len);
}

/* A router may carry what nobody here owns. */
static void add_foreign(Compiler *compiler) {
        const BwSegmentPlan *segment = compiler->scope->segment;
        g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        append_all(addresses, segment->gateways);
        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                append_all(addresses, bridge->addresses);
                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *other = bridge->ports->pdata[k];

                        if (other != compiler->port)
                                append_all(addresses, other->addresses);
                }
        }
        g_array_sort(addresses, compare_prefixes);
        drop_contained(addresses);
        for (guint i = 0; i < addresses->len; i++)
                add_address(compiler, &foreign, &g_array_index(addresses, BwPrefix, i));
}

/* Addresses=any does not open the gateway's. */
static void add_gateways(Compiler *compiler) {
        static const Kinds gateways = { SET_GATEWAYS4, SET_GATEWAYS4, SET_GATEWAYS6,
                                        SET_GATEWAYS6 };
        const GArray *all = compiler->scope->segment->gateways;

        for (guint i = 0; i < all->len; i++) {
                const BwPrefix *gateway = &g_array_index(all, BwPrefix, i);

                if (bw_owner_has_address(compiler->port, gateway))
                        continue;
                add_address(compiler, &gateways, gateway);
                if (gateway->family == BW_FAMILY_IPV6)
                        add(compiler, SET_GATEWAY_TARGETS, write_target(gateway, compiler->rest));
        }
}

static void add_broadcasts(Compiler *compiler) {
        for (guint i = 0; i < compiler->bridge->networks->len; i++) {
                const BwPrefix *network = &g_array_index(compiler->bridge->networks, BwPrefix, i);
                BwPrefix broadcast;
                uint8_t bytes[16];

                /* RFC 3021: networks of two addresses or one have no broadcast. */
                if (network->family != BW_FAMILY_IPV4 || network->length >= 31)
                        continue;
                last_address(network, bytes);
                broadcast = bw_prefix_from_address(BW_FAMILY_IPV4, bytes);
                add(compiler, SET_BROADCASTS, bw_prefix_write(&broadcast, compiler->rest));
        }
}

static void add_flags(Compiler *compiler) {
        const BwPortPlan *port = compiler->port;

        if (port->mode == BW_MODE_MONITOR)
                add_name(compiler, SET_MONITORED);
        if (port->dhcp_server)
                add_name(compiler, SET_DHCP_SERVERS);
        if (port->router)
                add_name(compiler, SET_ROUTERS);
        if (port->querier)
                add_name(compiler, SET_QUERIERS);
        if (port->strict_link_local)
                add_name(compiler, SET_STRICT);
}

static void add_own(Compiler *compiler) {
        const BwPortPlan *port = compiler->port;

        for (guint i = 0; i < port->macs->len; i++) {
                BwMac *mac = &g_array_index(port->macs, BwMac, i);

                add_mac(compiler, mac);
                add_derived(compiler, mac);
        }
        add_addresses(compiler);
        add_flags(compiler);
        if (port->router)
                add_foreign(compiler);
}

static void add_bound(Compiler *compiler) {
        add_name(compiler, SET_BOUND);
        add_own(compiler);
        add_bindings(compiler, BW_FAMILY_IPV4);
        add_bindings(compiler, BW_FAMILY_IPV6);
        add_broadcasts(compiler);
}

static void add_any_address(Compiler *compiler) {
        add_name(compiler, SET_ANY_ADDRESS);
        add_own(compiler);
        add_gateways(compiler);
}

static void add_unaddressed(Compiler *compiler) {
        add_name(compiler, SET_UNADDRESSED);
        for (guint i = 0; i < compiler->port->macs->len; i++)
                add_mac(compiler, &g_array_index(compiler->port->macs, BwMac, i));
        add_flags(compiler);
}

static void add_closed(Compiler *compiler) {
        add_name(compiler, SET_CLOSED);
        if (compiler->port->mode == BW_MODE_MONITOR)
                add_name(compiler, SET_MONITORED);
}

static void add_border(Compiler *compiler) {
        add_name(compiler, SET_BORDERS);
        if (compiler->port->closed_border)
                add_name(compiler, SET_CLOSED_BORDERS);
        if (compiler->port->mode == BW_MODE_MONITOR)
                add_name(compiler, SET_MONITORED);
        add_broadcasts(compiler);
}

static void add_stranger(Compiler *compiler) {
        switch (compiler->bridge->unknown_ports) {
        case BW_UNKNOWN_PORTS_DROP:
                add_name(compiler, SET_CLOSED);
                return;
        case BW_UNKNOWN_PORTS_MONITOR:
                add_name(compiler, SET_WATCHED);
                return;
        case BW_UNKNOWN_PORTS_ACCEPT:
                add_name(compiler, SET_PASSING);
                return;
        }
        g_assert_not_reached();
}

static void add_state(Compiler *compiler) {
        switch (compiler->port->state) {
        case BW_PORT_BOUND:
                add_bound(compiler);
                return;
        case BW_PORT_UNADDRESSED:
                add_unaddressed(compiler);
                return;
        case BW_PORT_CLOSED:
                add_closed(compiler);
                return;
        case BW_PORT_ANY_ADDRESS:
                add_any_address(compiler);
                return;
        case BW_PORT_OFF:
                add_name(compiler, SET_PASSING);
                return;
        case BW_PORT_BORDER:
                add_border(compiler);
                return;
        case BW_PORT_INHERITED:
                g_hash_table_add(compiler->table->kept, g_strdup(compiler->port->name));
                return;
        case BW_PORT_STRANGER:
                add_stranger(compiler);
                return;
        }
        g_assert_not_reached();
}

static void append_link_local(GArray *to, const GArray *from) {
        for (guint i = 0; i < from->len; i++)
                if (bw_owner_is_link_local(&g_array_index(from, BwPrefix, i)))
                        g_array_append_vals(to, &g_array_index(from, BwPrefix, i), 1);
}

/* Which link-local addresses nobody else may use: declared ones, and those made from MACs. */
static void add_owned(GArray *owned, const BwBridgePlan *bridge) {
        append_link_local(owned, bridge->addresses);
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];

                append_link_local(owned, port->addresses);
                for (guint k = 0; k < port->macs->len; k++) {
                        BwPrefix derived =
                                bw_owner_derive_link_local(&g_array_index(port->macs, BwMac, k));

                        g_array_append_val(owned, derived);
                }
        }
}

static void write_owned(Compiler *compiler, GArray *owned) {
        char text[REST_SIZE];

        g_array_sort(owned, compare_prefixes);
        drop_contained(owned);
        for (guint i = 0; i < owned->len; i++) {
                const BwPrefix *address = &g_array_index(owned, BwPrefix, i);
                bool single = address->length == 128;

                add_text(compiler, single ? SET_OWNED : SET_OWNED_NETS, text,
                         bw_prefix_write(address, text));
                add_text(compiler, single ? SET_OWNED_TARGETS : SET_OWNED_TARGET_NETS, text,
                         write_target(address, text));
        }
}

static void write_name(Compiler *compiler, const char *name) {
        gsize length = strlen(name);

        compiler->element[0] = '"';
        memcpy(compiler->element + 1, name, length);
        compiler->element[length + 1] = '"';
        compiler->joint = compiler->element + length + 2;
        compiler->rest = write_joint(compiler->joint);
}

static void seat_port(Compiler *compiler, const BwBridgePlan *bridge, const BwPortPlan *port) {
        Seat seat = { compiler->scopes->len, bridge, port };

        if (bw_nft_name_is_writable(port->name)) {
                g_array_append_val(compiler->seats, seat);
                return;
        }
        /* It is in no list then, and must not gain by that. */
        g_ptr_array_add(compiler->table->unwritten, g_strdup(port->name));
        compiler->table->unknown = BW_UNKNOWN_PORTS_DROP;
}

static void seat_bridge(Compiler *compiler, const BwBridgePlan *bridge) {
        compiler->table->unknown =
                bw_unknown_ports_stricter(bridge->unknown_ports, compiler->table->unknown);
        for (guint i = 0; i < bridge->ports->len; i++)
                seat_port(compiler, bridge, bridge->ports->pdata[i]);
}

/* (transfer full) */
static GArray *list_declared(const BwSegmentPlan *segment) {
        GArray *declared = g_array_new(FALSE, FALSE, sizeof(BwPrefix));

        append_link_local(declared, segment->gateways);
        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                append_link_local(declared, bridge->addresses);
                for (guint k = 0; k < bridge->ports->len; k++)
                        append_link_local(declared,
                                          ((BwPortPlan *) bridge->ports->pdata[k])->addresses);
        }
        return declared;
}

static void add_segment(Compiler *compiler, const BwSegmentPlan *segment, GArray *owned) {
        Scope scope = { segment, list_declared(segment) };

        append_link_local(owned, segment->gateways);
        for (guint i = 0; i < segment->bridges->len; i++) {
                add_owned(owned, segment->bridges->pdata[i]);
                seat_bridge(compiler, segment->bridges->pdata[i]);
        }
        g_array_append_val(compiler->scopes, scope);
}

static int compare_seats(gconstpointer a, gconstpointer b) {
        return strcmp(((const Seat *) a)->port->name, ((const Seat *) b)->port->name);
}

/* In the order of their names: most sets are in order then. */
static void add_ports(Compiler *compiler) {
        g_array_sort(compiler->seats, compare_seats);
        for (guint i = 0; i < compiler->seats->len; i++) {
                const Seat *seat = &g_array_index(compiler->seats, Seat, i);

                compiler->scope = &g_array_index(compiler->scopes, Scope, seat->scope);
                compiler->bridge = seat->bridge;
                compiler->port = seat->port;
                write_name(compiler, seat->port->name);
                add_state(compiler);
        }
}

static void add_elsewhere(Compiler *compiler, const GPtrArray *elsewhere) {
        for (guint i = 0; i < elsewhere->len; i++) {
                const char *name = ((const BwLink *) elsewhere->pdata[i])->name;

                if (!bw_nft_name_is_writable(name))
                        continue;
                write_name(compiler, name);
                add_name(compiler, SET_PASSING);
        }
}

static void clear_scope(gpointer scope) {
        g_array_unref(((Scope *) scope)->declared);
}

static BwNftTable *table_new(void) {
        BwNftTable *table = g_new0(BwNftTable, 1);

        table->unknown = BW_UNKNOWN_PORTS_ACCEPT;
        table->sets = g_array_new(FALSE, FALSE, sizeof(BwNftSet));
        for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
                BwNftSet set = bw_nft_set_new(g_strdup(sets[i].name), sets[i].type);

                g_array_append_val(table->sets, set);
        }
        table->unwritten = g_ptr_array_new_with_free_func(g_free);
        table->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return table;
}

static void move_elements(BwNftTable *table, guint set, GPtrArray *from) {
        GPtrArray **elements = &g_array_index(table->sets, BwNftSet, set).elements;

        g_ptr_array_unref(*elements);
        *elements = g_ptr_array_ref(from);
}

/* What borders know stands in maps; which borders a site bars, in a set of its own. */
static void write_sites(BwNftTable *table, const BwPlan *plan) {
        g_autoptr(BwNftSites) sites = bw_nft_sites_new(plan);

        table->sites = sites->barred->len;
        bw_nft_table_make_room(table);
        for (guint i = 0; i < sites->barred->len; i++)
                move_elements(table, G_N_ELEMENTS(sets) + i, sites->barred->pdata[i]);
        move_elements(table, MAP_SITES4, sites->ip4);
        move_elements(table, MAP_SITE_NETS4, sites->net4);
        move_elements(table, MAP_SITES6, sites->ip6);
        move_elements(table, MAP_SITE_NETS6, sites->net6);
        move_elements(table, MAP_SITE_TARGETS, sites->targets);
        move_elements(table, MAP_SITE_TARGET_NETS, sites->target_nets);
        move_elements(table, MAP_SITE_MACS, sites->macs);
}

BwNftTable *bw_nft_compile(const BwPlan *plan, const GPtrArray *elsewhere) {
        g_autoptr(GArray) owned = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_autoptr(GArray) scopes = g_array_new(FALSE, FALSE, sizeof(Scope));
        g_autoptr(GArray) seats = g_array_new(FALSE, FALSE, sizeof(Seat));
        Compiler compiler = { .table = table_new(), .scopes = scopes, .seats = seats };

        g_array_set_clear_func(scopes, clear_scope);
        compiler.table->log_rate = plan->log_rate;
        for (guint i = 0; i < plan->segments->len; i++)
                add_segment(&compiler, plan->segments->pdata[i], owned);
        add_ports(&compiler);
        add_elsewhere(&compiler, elsewhere);
        write_owned(&compiler, owned);
        write_sites(compiler.table, plan);
        /* nft refuses nothing that is there twice, but a list with doubles equals no read-back. */
        for (guint i = 0; i < compiler.table->sets->len; i++)
                bw_text_sort(g_array_index(compiler.table->sets, BwNftSet, i).elements);
        return compiler.table;
}

/* (transfer full): set of ifindex */
static GHashTable *list_planned(const BwPlan *plan) {
        GHashTable *planned = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < plan->bridges->len; i++) {
                const GPtrArray *ports = ((const BwBridgePlan *) plan->bridges->pdata[i])->ports;

                for (guint k = 0; k < ports->len; k++)
                        g_hash_table_add(
                                planned,
                                GINT_TO_POINTER(((const BwPortPlan *) ports->pdata[k])->ifindex));
        }
        return planned;
}

GPtrArray *bw_nft_list_elsewhere(const BwModel *model, const BwPlan *plan) {
        GPtrArray *links = bw_model_list_links(model);
        g_autoptr(GHashTable) planned = list_planned(plan);
        guint kept = 0;

        for (guint i = 0; i < links->len; i++) {
                BwLink *link = links->pdata[i];

                if (link->master && !g_hash_table_contains(planned, GINT_TO_POINTER(link->ifindex)))
                        links->pdata[kept++] = link;
        }
        g_ptr_array_set_size(links, (gint) kept);
        return links;
}
