/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/plan.h>
#include <bw/plan_claims.h>
#include <bw/plan_networks.h>
#include <string.h>

typedef struct Planner {
        BwModel *model;
        const BwConfig *config;
        GPtrArray *links; /* BwLink, sorted by name */
        GHashTable
                *tails; /* last five octets -> BwBindingSection of [Interface]; NULL: ambiguous */
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

        port->dhcp_server = dhcp_server && dhcp_server->dhcp_server;
        port->router = router && router->router;
        port->querier = querier && querier->querier;
        port->strict_link_local = link_local && link_local->strict_link_local;
}

static BwPortState state_of(const BwPortPlan *port, const Voices *voices) {
        const BwBindingSection *addresses = voice_for(voices, BW_SET_ADDRESSES);

        if (voices->n == 0)
                return BW_PORT_STRANGER;
        if (broken_voice(voices))
                return port->mode == BW_MODE_OFF ? BW_PORT_OFF : BW_PORT_CLOSED;
        if (port->mode == BW_MODE_OFF)
                return BW_PORT_OFF;
        if (port->role == BW_ROLE_LINK || port->role == BW_ROLE_UPLINK)
                return BW_PORT_BORDER;
        if (addresses && addresses->any_address)
                return BW_PORT_ANY_ADDRESS;
        return port->addresses->len > 0 ? BW_PORT_BOUND : BW_PORT_UNADDRESSED;
}

static BwPortPlan *plan_port(const Planner *planner, const BwBridgePlan *bridge,
                             const BwLink *link) {
        Voices voices = hear(planner, link);
        const BwBindingSection *role = voice_for(&voices, BW_SET_ROLE);
        const BwBindingSection *mode = voice_for(&voices, BW_SET_MODE);
        const BwBindingSection *addresses = voice_for(&voices, BW_SET_ADDRESSES);
        const BwBindingSection *broken = broken_voice(&voices);
        BwPortPlan *port = g_new0(BwPortPlan, 1);

        g_strlcpy(port->name, link->name, sizeof(port->name));
        port->ifindex = link->ifindex;
        port->role = role ? role->role : BW_ROLE_GUEST;
        port->mode = mode ? mode->mode : bridge->mode;
        /* A section that cannot be read must not be able to say "off", nor to switch anything on.
         */
        if (broken)
                port->mode = bridge->mode;
        port->macs = g_array_new(FALSE, TRUE, sizeof(BwMac));
        port->addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        plan_macs(planner, port, link, &voices);
        plan_permissions(port, &voices);
        if (addresses)
                g_array_append_vals(port->addresses, addresses->addresses->data,
                                    addresses->addresses->len);
        if (voices.guest) {
                port->guest = g_strdup(voices.guest->name);
                g_strlcpy(port->uuid, voices.guest->uuid, sizeof(port->uuid));
        }
        port->where = voices.n > 0 ? g_strdup(voices.sections[0]->where) : NULL;
        port->state = state_of(port, &voices);
        if (port->state == BW_PORT_CLOSED)
                port->trouble =
                        g_strdup_printf("the configuration section at %s is wrong", broken->where);
        return port;
}

/* Bridges */

static bool is_named(const BwConfig *config, const char *bridge) {
        for (guint i = 0; i < config->bridge_names->len; i++)
                if (g_str_equal(config->bridge_names->pdata[i], bridge))
                        return true;
        return false;
}

static bool has_known_port(const Planner *planner, const BwLink *bridge) {
        for (guint i = 0; i < planner->links->len; i++) {
                const BwLink *link = planner->links->pdata[i];

                if (link->master == bridge->ifindex) {
                        Voices voices = hear(planner, link);

                        if (voices.n > 0 || voices.guest)
                                return true;
                }
        }
        return false;
}

/* Guarding a bridge before its first guest is plugged in makes its strangers strangers in time. */
static bool is_some_guests_source(const Planner *planner, const char *bridge) {
        g_autoptr(GPtrArray) guests = bw_model_list_guests(planner->model);

        for (guint i = 0; i < guests->len; i++) {
                const BwGuest *guest = guests->pdata[i];

                for (guint k = 0; k < guest->interfaces->len; k++) {
                        BwGuestInterface *interface =
                                &g_array_index(guest->interfaces, BwGuestInterface, k);

                        if (!interface->is_network && g_strcmp0(interface->source, bridge) == 0)
                                return true;
                }
        }
        return false;
}

static bool is_guarded(const Planner *planner, const BwLink *bridge,
                       const BwBridgeSection *section) {
        if (!planner->config->bridges_auto)
                return is_named(planner->config, bridge->name);
        return section || has_known_port(planner, bridge) ||
               is_some_guests_source(planner, bridge->name);
}

/* A section that is wrong may tighten what [Guard] says, never loosen it. */

static BwMode bridge_mode(const BwConfig *config, const BwBridgeSection *section) {
        if (!section || !section->has_mode)
                return config->mode;
        return section->broken ? MIN(section->mode, config->mode) : section->mode;
}

static BwUnknownPorts unknown_ports_wish(const BwConfig *config, const BwBridgeSection *section) {
        if (!section || !section->has_unknown_ports)
                return config->unknown_ports;
        return section->broken
                       ? bw_unknown_ports_stricter(section->unknown_ports, config->unknown_ports)
                       : section->unknown_ports;
}

static BwUnknownPorts unknown_ports_of(const BwConfig *config, const BwBridgeSection *section,
                                       BwMode mode) {
        BwUnknownPorts wish = unknown_ports_wish(config, section);

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

static BwBridgePlan *plan_bridge(const Planner *planner, const BwLink *link) {
        const BwBridgeSection *section = g_hash_table_lookup(planner->config->bridges, link->name);
        BwMode mode = bridge_mode(planner->config, section);
        BwBridgePlan *bridge;

        if (!is_guarded(planner, link, section))
                return NULL;
        bridge = g_new0(BwBridgePlan, 1);
        g_strlcpy(bridge->name, link->name, sizeof(bridge->name));
        bridge->ifindex = link->ifindex;
        bridge->mac = link->mac;
        bridge->mode = mode;
        bridge->unknown_ports = unknown_ports_of(planner->config, section, mode);
        bridge->networks = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        if (section && !section->broken)
                g_array_append_vals(bridge->networks, section->networks->data,
                                    section->networks->len);
        bridge->switches = link->switches;
        bridge->switches_known = link->switches_known;
        bridge->addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        bridge->gateways = g_array_new(FALSE, TRUE, sizeof(BwPrefix));
        bridge->ports = g_ptr_array_new_with_free_func(free_port);
        return bridge;
}

static void plan_ports(const Planner *planner, GHashTable *by_ifindex) {
        for (guint i = 0; i < planner->links->len; i++) {
                const BwLink *link = planner->links->pdata[i];
                BwBridgePlan *bridge =
                        g_hash_table_lookup(by_ifindex, GINT_TO_POINTER(link->master));

                if (link->master && bridge)
                        g_ptr_array_add(bridge->ports, plan_port(planner, bridge, link));
        }
}

/* A bridge that is switched off matters only for ports that are switched on by name. */
static void drop_idle_bridges(BwPlan *plan) {
        for (guint i = plan->bridges->len; i-- > 0;) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];
                bool idle = bridge->mode == BW_MODE_OFF;

                for (guint k = 0; idle && k < bridge->ports->len; k++)
                        idle = !bw_port_state_is_guarded(
                                ((const BwPortPlan *) bridge->ports->pdata[k])->state);
                if (idle)
                        g_ptr_array_remove_index(plan->bridges, i);
        }
}

BwPlan *bw_plan_new(BwModel *model, const BwConfig *config) {
        Planner planner = { .model = model, .config = config, .links = bw_model_list_links(model) };
        g_autoptr(GHashTable) by_ifindex = g_hash_table_new(NULL, NULL);
        BwPlan *plan = g_new0(BwPlan, 1);

        list_tails(&planner);
        plan->log_rate = config->log_rate;
        plan->bridges = g_ptr_array_new_with_free_func(free_bridge);
        plan->segments = g_ptr_array_new();
        for (guint i = 0; i < planner.links->len; i++) {
                const BwLink *link = planner.links->pdata[i];
                BwBridgePlan *bridge =
                        link->kind == BW_LINK_BRIDGE ? plan_bridge(&planner, link) : NULL;

                if (!bridge)
                        continue;
                g_ptr_array_add(plan->bridges, bridge);
                g_hash_table_insert(by_ifindex, GINT_TO_POINTER(link->ifindex), bridge);
        }
        plan_ports(&planner, by_ifindex);
        drop_idle_bridges(plan);
        for (guint i = 0; i < plan->bridges->len; i++) {
                bw_plan_settle_networks(plan->bridges->pdata[i], model);
                bw_plan_settle_claims(plan->bridges->pdata[i]);
        }
        g_ptr_array_unref(planner.links);
        g_hash_table_unref(planner.tails);
        return plan;
}

void bw_plan_keep_inherited(BwPlan *plan, BwPortInherited inherited, gconstpointer user) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        BwPortPlan *port = bridge->ports->pdata[k];

                        if (port->state == BW_PORT_STRANGER && inherited(port->name, user))
                                port->state = BW_PORT_INHERITED;
                }
        }
}

void bw_plan_free(BwPlan *plan) {
        if (!plan)
                return;
        g_ptr_array_unref(plan->segments);
        g_ptr_array_unref(plan->bridges);
        g_free(plan);
}
