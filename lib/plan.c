/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/border.h>
#include <bw/plan.h>
#include <bw/plan_claims.h>
#include <bw/plan_networks.h>
#include <bw/plan_role.h>
#include <string.h>

typedef struct Planner {
        BwModel *model;
        const BwConfig *config;
        BwTopology *topology;
        GPtrArray *links; /* BwLink, sorted by name */
        GHashTable
                *tails; /* last five octets -> BwBindingSection of [Interface]; NULL: ambiguous */
        GHashTable *known;   /* set of ifindex: bridges with a port that somebody explains */
        GHashTable *sources; /* set of names: bridges that guests' definitions speak of */
        GHashTable *guarded; /* ifindex -> BwBridgePlan */
} Planner;

/* The sections that speak of one port, the most exact first. */
#define MAX_SECTIONS 4

typedef struct Voices {
        const BwBindingSection *sections[MAX_SECTIONS];
        unsigned n;
        const BwGuest *guest;              /* or NULL */
        const BwGuestInterface *interface; /* or NULL */
} Voices;

static void free_port(gpointer pointer) {
        BwPortPlan *port = pointer;

        g_array_unref(port->macs);
        g_array_unref(port->addresses);
        g_clear_pointer(&port->let_in, g_array_unref);
        g_free(port->guest);
        g_free(port->where);
        g_free(port->trouble);
        g_free(port);
}

static void free_bridge(gpointer pointer) {
        BwBridgePlan *bridge = pointer;

        g_array_unref(bridge->networks);
        g_array_unref(bridge->addresses);
        g_array_unref(bridge->gateways);
        g_ptr_array_unref(bridge->ports);
        g_free(bridge);
}

/* Which sections speak of a port */

static guint64 tail_of(const BwMac *mac) {
        guint64 tail = 0;

        for (unsigned i = 1; i < 6; i++)
                tail = tail << 8 | mac->octet[i];
        return tail;
}

static void list_tails(Planner *planner) {
        GHashTableIter iter;
        BwBindingSection *section;
        BwMac mac;

        planner->tails = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        g_hash_table_iter_init(&iter, planner->config->interfaces);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &section)) {
                guint64 tail;

                if (!bw_mac_parse(section->name, &mac, NULL))
                        continue;
                tail = tail_of(&mac);
                if (g_hash_table_contains(planner->tails, &tail))
                        section = NULL;
                g_hash_table_replace(planner->tails, g_memdup2(&tail, sizeof(tail)), section);
        }
}

static const BwBindingSection *find_interface_section(const Planner *planner, const BwLink *port,
                                                      const BwGuestInterface *interface) {
        char text[BW_MAC_TEXT_SIZE];
        guint64 tail = tail_of(&port->mac);

        if (interface)
                return g_hash_table_lookup(planner->config->interfaces,
                                           bw_mac_print(&interface->mac, text));
        /* Nobody has said whose tap this is, yet its MAC does: libvirt makes it from the guest's.
         */
        if (port->kind == BW_LINK_TAP && port->mac.octet[0] == 0xfe)
                return g_hash_table_lookup(planner->tails, &tail);
        return NULL;
}

static void add_voice(Voices *voices, const BwBindingSection *section) {
        if (section)
                voices->sections[voices->n++] = section;
}

static Voices hear(const Planner *planner, const BwLink *port) {
        Voices voices = {};

        voices.interface = bw_model_find_interface(planner->model, port, &voices.guest);
        add_voice(&voices, g_hash_table_lookup(planner->config->ports, port->name));
        add_voice(&voices, find_interface_section(planner, port, voices.interface));
        if (voices.guest) {
                add_voice(&voices,
                          g_hash_table_lookup(planner->config->guests, voices.guest->uuid));
                add_voice(&voices,
                          g_hash_table_lookup(planner->config->guests, voices.guest->name));
        }
        return voices;
}

/* A more exact section wins key by key. */
static const BwBindingSection *voice_for(const Voices *voices, BwSet key) {
        for (unsigned i = 0; i < voices->n; i++)
                if (voices->sections[i]->set & key)
                        return voices->sections[i];
        return NULL;
}

static const BwBindingSection *broken_voice(const Voices *voices) {
        for (unsigned i = 0; i < voices->n; i++)
                if (voices->sections[i]->broken)
                        return voices->sections[i];
        return NULL;
}

/* One port */

static void add_mac(BwPortPlan *port, BwMac mac) {
        static const BwMac none = {};

        if (!bw_mac_equal(&mac, &none))
                g_array_append_val(port->macs, mac);
}

static int compare_macs(gconstpointer a, gconstpointer b) {
        return bw_mac_compare(a, b);
}

/* Declared; else the guest's by its XML; else, for the host's own veth, both its ends. */
static void plan_macs(const Planner *planner, BwPortPlan *port, const BwLink *link,
                      const Voices *voices) {
        const BwBindingSection *declared = voice_for(voices, BW_SET_MACS);
        const BwLink *peer = bw_model_find_link(planner->model, link->peer);
        const BwBindingSection *by_mac = find_interface_section(planner, link, voices->interface);
        BwMac mac;

        if (declared) {
                g_array_append_vals(port->macs, declared->macs->data, declared->macs->len);
        } else if (voices->interface) {
                add_mac(port, voices->interface->mac);
        } else if (by_mac && bw_mac_parse(by_mac->name, &mac, NULL)) {
                add_mac(port, mac);
        } else if (port->role == BW_ROLE_HOST) {
                add_mac(port, link->mac);
                if (peer)
                        add_mac(port, peer->mac);
        }
        g_array_sort(port->macs, compare_macs);
}

static void plan_permissions(BwPortPlan *port, const Voices *voices) {
        const BwBindingSection *dhcp_server = voice_for(voices, BW_SET_DHCP_SERVER);
        const BwBindingSection *router = voice_for(voices, BW_SET_ROUTER);
        const BwBindingSection *querier = voice_for(voices, BW_SET_QUERIER);
        const BwBindingSection *link_local = voice_for(voices, BW_SET_LINK_LOCAL);
        const BwBindingSection *closed = voice_for(voices, BW_SET_CLOSED);

        port->dhcp_server = dhcp_server && dhcp_server->dhcp_server;
        port->router = router && router->router;
        port->querier = querier && querier->querier;
        port->strict_link_local = link_local && link_local->strict_link_local;
        port->closed_border = port->state == BW_PORT_BORDER && closed && closed->closed;
}

/* What is behind a border somebody else may lock; strangers are nobody's to lock. */
static bool may_lock(const BwPortPlan *port) {
        return port->state == BW_PORT_BOUND || port->state == BW_PORT_UNADDRESSED ||
               port->state == BW_PORT_ANY_ADDRESS;
}

static void plan_flags(BwPortPlan *port, const Voices *voices, const BwBridgeSection *bridge) {
        const BwBindingSection *fdb_lock = voice_for(voices, BW_SET_FDB_LOCK);
        const BwBindingSection *isolated = voice_for(voices, BW_SET_ISOLATED);
        bool is_guests = may_lock(port) && port->role == BW_ROLE_GUEST;

        if (!may_lock(port) && port->state != BW_PORT_BORDER)
                return;
        port->isolated = is_guests && bridge && bridge->isolated;
        if (isolated)
                port->isolated = isolated->isolated;
        if (port->absent)
                return;
        /* A [Bridge] section that is wrong may not take a lock away. */
        port->fdb_lock = is_guests;
        if (bridge && bridge->has_fdb_lock && (bridge->fdb_lock || !bridge->broken))
                port->fdb_lock = bridge->fdb_lock && may_lock(port);
        if (fdb_lock)
                port->fdb_lock = fdb_lock->fdb_lock;
}

static void add_prefixes(GArray *to, const GArray *prefixes) {
        g_array_append_vals(to, prefixes->data, prefixes->len);
}

static bool has_prefix(const GArray *prefixes, const BwPrefix *sought) {
        for (guint i = 0; i < prefixes->len; i++)
                if (bw_prefix_equal(&g_array_index(prefixes, BwPrefix, i), sought))
                        return true;
        return false;
}

static int compare_prefixes(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(a, b);
}

static void add_missing(GArray *to, const GArray *prefixes) {
        for (guint i = 0; i < prefixes->len; i++)
                if (!has_prefix(to, &g_array_index(prefixes, BwPrefix, i)))
                        g_array_append_val(to, g_array_index(prefixes, BwPrefix, i));
        g_array_sort(to, compare_prefixes);
}

/* Declared; else, of the host's own veth, what the host has at its other end. */
static void plan_addresses(const Planner *planner, BwPortPlan *port, const BwLink *link,
                           const Voices *voices) {
        const BwBindingSection *addresses = voice_for(voices, BW_SET_ADDRESSES);
        const BwBindingSection *gateways = voice_for(voices, BW_SET_GATEWAY);

        if (addresses) {
                add_prefixes(port->addresses, addresses->addresses);
        } else if (port->role == BW_ROLE_HOST) {
                bw_plan_add_host_addresses(port->addresses, planner->model, link);
                port->derived_addresses = port->addresses->len > 0;
        }
        if (gateways)
                add_missing(port->addresses, gateways->gateways);
}

/* False: nothing explains the port. */
static bool plan_role(const Planner *planner, BwPortPlan *port, const BwLink *link,
                      const Voices *voices) {
        const BwBindingSection *role = voice_for(voices, BW_SET_ROLE);
        bool is_guests = voices->interface || find_interface_section(planner, link, NULL);

        port->role = role ? role->role : BW_ROLE_GUEST;
        port->derived_role =
                !role && !is_guests &&
                bw_plan_derive_role(planner->model, planner->topology, link, &port->role);
        return port->derived_role || voices->n > 0;
}

static BwPortState state_of(const BwPortPlan *port, const Voices *voices, bool is_explained) {
        const BwBindingSection *addresses = voice_for(voices, BW_SET_ADDRESSES);

        if (!is_explained)
                return BW_PORT_STRANGER;
        if (broken_voice(voices))
                return port->mode == BW_MODE_OFF ? BW_PORT_OFF : BW_PORT_CLOSED;
        if (port->mode == BW_MODE_OFF)
                return BW_PORT_OFF;
        if (bw_role_is_border(port->role))
                return BW_PORT_BORDER;
        if (addresses && addresses->any_address)
                return BW_PORT_ANY_ADDRESS;
        return port->addresses->len > 0 ? BW_PORT_BOUND : BW_PORT_UNADDRESSED;
}

static BwMode mode_of(const BwBridgePlan *bridge, const Voices *voices) {
        const BwBindingSection *mode = voice_for(voices, BW_SET_MODE);

        /* A section that cannot be read must not be able to say "off", nor to switch anything on.
         */
        return mode && !broken_voice(voices) ? mode->mode : bridge->mode;
}

static void name_port(BwPortPlan *port, const Voices *voices) {
        const BwBindingSection *broken = broken_voice(voices);

        if (voices->guest) {
                port->guest = g_strdup(voices->guest->name);
                g_strlcpy(port->uuid, voices->guest->uuid, sizeof(port->uuid));
        }
        port->where = voices->n > 0 ? g_strdup(voices->sections[0]->where) : NULL;
        if (port->state == BW_PORT_CLOSED)
                port->trouble =
                        g_strdup_printf("the configuration section at %s is wrong", broken->where);
}

static BwPortPlan *plan_port(const Planner *planner, const BwBridgePlan *bridge, const BwLink *link,
                             const Voices *voices) {
        BwPortPlan *port = g_new0(BwPortPlan, 1);
        bool is_explained = plan_role(planner, port, link, voices);

        g_strlcpy(port->name, link->name, sizeof(port->name));
        port->ifindex = link->ifindex;
        port->mode = mode_of(bridge, voices);
        port->absent = voices->guest && !bw_model_is_here(planner->model, voices->guest);
        port->macs = g_array_new(FALSE, TRUE, sizeof(BwMac));
        port->addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        plan_macs(planner, port, link, voices);
        plan_addresses(planner, port, link, voices);
        port->state = state_of(port, voices, is_explained);
        plan_permissions(port, voices);
        plan_flags(port, voices, g_hash_table_lookup(planner->config->bridges, bridge->name));
        name_port(port, voices);
        return port;
}

/* Bridges */

static bool is_named(const BwConfig *config, const char *bridge) {
        for (guint i = 0; i < config->bridge_names->len; i++)
                if (g_str_equal(config->bridge_names->pdata[i], bridge))
                        return true;
        return false;
}

static void list_known(Planner *planner) {
        planner->known = g_hash_table_new(NULL, NULL);
        /* Else nobody asks. */
        for (guint i = 0; planner->config->bridges_auto && i < planner->links->len; i++) {
                const BwLink *link = planner->links->pdata[i];
                Voices voices;

                if (!link->master)
                        continue;
                voices = hear(planner, link);
                if (voices.n > 0 || voices.guest)
                        g_hash_table_add(planner->known, GINT_TO_POINTER(link->master));
        }
}

/* Guarding a bridge before its first guest is plugged in makes its strangers strangers in time. */
static void list_sources(Planner *planner) {
        g_autoptr(GPtrArray) guests = bw_model_list_guests(planner->model);

        planner->sources = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < guests->len; i++) {
                const BwGuest *guest = guests->pdata[i];

                for (guint k = 0; k < guest->interfaces->len; k++) {
                        BwGuestInterface *interface =
                                &g_array_index(guest->interfaces, BwGuestInterface, k);

                        if (!interface->is_network && interface->source)
                                g_hash_table_add(planner->sources, interface->source);
                }
        }
}

static bool is_guarded(const Planner *planner, const BwLink *bridge,
                       const BwBridgeSection *section) {
        if (!planner->config->bridges_auto)
                return is_named(planner->config, bridge->name);
        return section || g_hash_table_contains(planner->known, GINT_TO_POINTER(bridge->ifindex)) ||
               g_hash_table_contains(planner->sources, bridge->name);
}

/* A section that is wrong may tighten what [Guard] says, never loosen it. */

static BwMode bridge_mode(const BwConfig *config, const BwBridgeSection *section) {
        if (!section || !section->has_mode)
                return config->mode;
        return section->broken ? MIN(section->mode, config->mode) : section->mode;
}

/* On a bridge that is guarded for its borders' sake nobody has asked for more. */
static BwUnknownPorts unknown_ports_wish(const BwConfig *config, const BwBridgeSection *section,
                                         bool on_path) {
        if (!section || !section->has_unknown_ports)
                return on_path ? BW_UNKNOWN_PORTS_ACCEPT : config->unknown_ports;
        return section->broken
                       ? bw_unknown_ports_stricter(section->unknown_ports, config->unknown_ports)
                       : section->unknown_ports;
}

static BwUnknownPorts unknown_ports_of(const BwConfig *config, const BwBridgeSection *section,
                                       BwMode mode, bool on_path) {
        BwUnknownPorts wish = unknown_ports_wish(config, section, on_path);

        switch (mode) {
        case BW_MODE_ENFORCE:
                return wish;
        case BW_MODE_MONITOR:
                return wish == BW_UNKNOWN_PORTS_DROP ? BW_UNKNOWN_PORTS_MONITOR : wish;
        case BW_MODE_OFF:
                return BW_UNKNOWN_PORTS_ACCEPT;
        }
        g_assert_not_reached();
}

/* What it says of addresses only tightens; what it wants mended, and networks, may be a mistake. */
static void plan_section(BwBridgePlan *bridge, const BwConfig *config,
                         const BwBridgeSection *section) {
        bridge->repair = config->repair;
        if (!section)
                return;
        add_prefixes(bridge->gateways, section->gateways);
        bridge->pin_neighbours = section->pin_neighbours;
        if (section->broken)
                return;
        add_prefixes(bridge->networks, section->networks);
        if (section->has_repair)
                bridge->repair = section->repair;
}

static void add_own_addresses(BwBridgePlan *bridge, const BwModel *model) {
        g_autoptr(GArray) own = bw_model_list_addresses(model, bridge->ifindex);

        for (guint i = 0; i < own->len; i++)
                g_array_append_val(bridge->addresses, g_array_index(own, BwHostAddress, i).address);
        g_array_sort(bridge->addresses, compare_prefixes);
}

static BwBridgePlan *plan_bridge(const Planner *planner, const BwLink *link, bool on_path) {
        const BwBridgeSection *section = g_hash_table_lookup(planner->config->bridges, link->name);
        BwMode mode = bridge_mode(planner->config, section);
        BwBridgePlan *bridge = g_new0(BwBridgePlan, 1);

        g_strlcpy(bridge->name, link->name, sizeof(bridge->name));
        bridge->ifindex = link->ifindex;
        bridge->mac = link->mac;
        bridge->mode = mode;
        bridge->on_path = on_path;
        bridge->unknown_ports = unknown_ports_of(planner->config, section, mode, on_path);
        bridge->networks = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        bridge->switches = link->switches;
        bridge->switches_known = link->switches_known;
        bridge->addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        bridge->gateways = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        bridge->ports = g_ptr_array_new_with_free_func(free_port);
        plan_section(bridge, planner->config, section);
        add_own_addresses(bridge, planner->model);
        return bridge;
}

/* A gateway's port says so as well as the bridge. */
static void add_gateways_of(BwBridgePlan *bridge, const Voices *voices) {
        const BwBindingSection *gateways = voice_for(voices, BW_SET_GATEWAY);

        if (gateways)
                add_missing(bridge->gateways, gateways->gateways);
}

/* Of the bridges that are not planned yet those @wanted says, with all their ports. */
typedef bool (*BridgeTest)(const Planner *planner, const BwLink *bridge, gconstpointer user);

static void plan_bridges(Planner *planner, BwPlan *plan, BridgeTest is_wanted, gconstpointer user,
                         bool on_path) {
        g_autoptr(GHashTable) added = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < planner->links->len; i++) {
                const BwLink *link = planner->links->pdata[i];
                gpointer number = GINT_TO_POINTER(link->ifindex);

                if (link->kind != BW_LINK_BRIDGE ||
                    g_hash_table_contains(planner->guarded, number) ||
                    !is_wanted(planner, link, user))
                        continue;
                BwBridgePlan *bridge = plan_bridge(planner, link, on_path);

                g_ptr_array_add(plan->bridges, bridge);
                g_hash_table_insert(planner->guarded, number, bridge);
                g_hash_table_insert(added, number, bridge);
        }
        for (guint i = 0; i < planner->links->len; i++) {
                const BwLink *link = planner->links->pdata[i];
                BwBridgePlan *bridge = g_hash_table_lookup(added, GINT_TO_POINTER(link->master));
                Voices voices;

                if (!link->master || !bridge)
                        continue;
                voices = hear(planner, link);
                g_ptr_array_add(bridge->ports, plan_port(planner, bridge, link, &voices));
                add_gateways_of(bridge, &voices);
        }
}

/* A bridge that is switched off matters only for ports that are switched on by name. */
static void drop_idle_bridges(Planner *planner, BwPlan *plan) {
        for (guint i = plan->bridges->len; i-- > 0;) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];
                bool idle = bridge->mode == BW_MODE_OFF;

                for (guint k = 0; idle && k < bridge->ports->len; k++)
                        idle = !bw_port_state_is_guarded(
                                ((const BwPortPlan *) bridge->ports->pdata[k])->state);
                if (!idle)
                        continue;
                g_hash_table_remove(planner->guarded, GINT_TO_POINTER(bridge->ifindex));
                g_ptr_array_remove_index(plan->bridges, i);
        }
}

static bool is_asked_for(const Planner *planner, const BwLink *bridge,
                         gconstpointer user G_GNUC_UNUSED) {
        return is_guarded(planner, bridge,
                          g_hash_table_lookup(planner->config->bridges, bridge->name));
}

static bool is_joined(const Planner *planner, const BwLink *bridge, gconstpointer segments) {
        int segment = bw_topology_segment(planner->topology, bridge->ifindex);

        return g_hash_table_contains((GHashTable *) segments, GINT_TO_POINTER(segment));
}

static int compare_bridges(gconstpointer a, gconstpointer b) {
        const BwBridgePlan *left = *(const BwBridgePlan *const *) a;
        const BwBridgePlan *right = *(const BwBridgePlan *const *) b;

        return strcmp(left->name, right->name);
}

/* Whoever names the bridges to guard names all of them. */
static void plan_path(Planner *planner, BwPlan *plan) {
        g_autoptr(GHashTable) segments = g_hash_table_new(NULL, NULL);

        if (!planner->config->bridges_auto)
                return;
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                g_hash_table_add(segments, GINT_TO_POINTER(bw_topology_segment(planner->topology,
                                                                               bridge->ifindex)));
        }
        plan_bridges(planner, plan, is_joined, segments, true);
        drop_idle_bridges(planner, plan);
        g_ptr_array_sort(plan->bridges, compare_bridges);
}

/* IEEE 802.1D-2004, 8.4: a port that listens or learns does not forward either. */
static bool is_blocked(const BwLink *link) {
        return link->stp_state == BW_STP_BLOCKING || link->stp_state == BW_STP_LISTENING ||
               link->stp_state == BW_STP_LEARNING;
}

/* Of a bridge that is not guarded nobody knows what is on it. */
static void mend_links(const Planner *planner, BwBridgePlan *bridge) {
        for (guint i = 0; i < bridge->ports->len; i++) {
                BwPortPlan *port = bridge->ports->pdata[i];
                int far = bw_topology_far_bridge(planner->topology, port->ifindex);
                bool carries = bw_topology_carries(planner->topology, port->ifindex);
                const BwLink *link = bw_model_find_link(planner->model, port->ifindex);

                port->blocked = link && (is_blocked(link) || (far != 0 && !carries));
                if (g_hash_table_contains(planner->guarded, GINT_TO_POINTER(far))) {
                        if (carries)
                                port->far_port = link->peer;
                        continue;
                }
                if (port->derived_role && port->role == BW_ROLE_LINK)
                        port->role = BW_ROLE_UPLINK;
        }
}

static void settle(const Planner *planner, BwPlan *plan) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                BwBridgePlan *bridge = plan->bridges->pdata[i];

                g_array_sort(bridge->gateways, compare_prefixes);
                mend_links(planner, bridge);
                bw_plan_settle_networks(bridge, planner->model);
        }
        bw_border_gather(plan, planner->topology);
        for (guint i = 0; i < plan->segments->len; i++) {
                const BwSegmentPlan *segment = plan->segments->pdata[i];

                bw_plan_share_networks(segment->bridges);
                bw_plan_settle_gateways(segment->bridges);
                bw_plan_settle_claims(segment->bridges);
        }
        bw_border_settle(plan, planner->topology);
}

static void planner_clear(Planner *planner) {
        bw_topology_free(planner->topology);
        g_ptr_array_unref(planner->links);
        g_hash_table_unref(planner->tails);
        g_hash_table_unref(planner->known);
        g_hash_table_unref(planner->sources);
        g_hash_table_unref(planner->guarded);
}

BwPlan *bw_plan_new(BwModel *model, const BwConfig *config) {
        Planner planner = { .model = model,
                            .config = config,
                            .topology = bw_topology_new(model),
                            .links = bw_model_list_links(model),
                            .guarded = g_hash_table_new(NULL, NULL) };
        BwPlan *plan = g_new0(BwPlan, 1);

        list_tails(&planner);
        list_known(&planner);
        list_sources(&planner);
        plan->log_rate = config->log_rate;
        plan->bridges = g_ptr_array_new_with_free_func(free_bridge);
        plan->segments = g_ptr_array_new();
        plan_bridges(&planner, plan, is_asked_for, NULL, false);
        drop_idle_bridges(&planner, plan);
        plan_path(&planner, plan);
        settle(&planner, plan);
        planner_clear(&planner);
        return plan;
}

/* @size: of one element. */
static void sort_once(GArray *array, gsize size, GCompareFunc compare) {
        g_array_sort(array, compare);
        for (guint i = array->len; i-- > 1;)
                if (compare(array->data + (i - 1) * size, array->data + i * size) == 0)
                        g_array_remove_index(array, i);
}

static bool keep_port(BwPortPlan *port, BwPortInherited inherited, gconstpointer user) {
        BwInheritedPort own = { port->addresses, port->macs, false, false };

        if (port->state != BW_PORT_STRANGER || !inherited(port->name, &own, user))
                return false;
        port->role = own.is_border ? BW_ROLE_UPLINK : BW_ROLE_GUEST;
        port->state = BW_PORT_INHERITED;
        port->closed_border = own.is_border && own.is_closed;
        sort_once(port->addresses, sizeof(BwPrefix), compare_prefixes);
        sort_once(port->macs, sizeof(BwMac), compare_macs);
        return true;
}

/* Nothing else that was its own matters: it says that itself. */
static void note_let_in(BwPortPlan *port, BwPortInherited inherited, gconstpointer user) {
        g_autoptr(GArray) addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        g_autoptr(GArray) macs = g_array_new(FALSE, TRUE, sizeof(BwMac));
        BwInheritedPort own = { addresses, macs, false, false };

        if (port->state != BW_PORT_BORDER || port->role != BW_ROLE_UPLINK || port->closed_border ||
            !inherited(port->name, &own, user) || !own.is_border)
                return;
        sort_once(addresses, sizeof(BwPrefix), compare_prefixes);
        g_clear_pointer(&port->let_in, g_array_unref);
        port->let_in = g_steal_pointer(&addresses);
}

static void note_all_let_in(const BwPlan *plan, BwPortInherited inherited, gconstpointer user) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        note_let_in(bridge->ports->pdata[k], inherited, user);
        }
}

void bw_plan_keep_inherited(BwPlan *plan, BwModel *model, BwPortInherited inherited,
                            gconstpointer user) {
        g_autoptr(BwTopology) topology = NULL;
        bool any = false;

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        any |= keep_port(bridge->ports->pdata[k], inherited, user);
        }
        if (!any)
                return;
        note_all_let_in(plan, inherited, user);
        topology = bw_topology_new(model);
        for (guint i = 0; i < plan->segments->len; i++)
                bw_plan_settle_inherited(((BwSegmentPlan *) plan->segments->pdata[i])->bridges);
        bw_border_settle(plan, topology);
}

void bw_plan_free(BwPlan *plan) {
        if (!plan)
                return;
        g_ptr_array_unref(plan->segments);
        g_ptr_array_unref(plan->bridges);
        g_free(plan);
}
