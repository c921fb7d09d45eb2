/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/hazard.h>
#include <bw/port_text.h>
#include <bw/topology_view.h>
#include <string.h>

typedef struct Painter {
        const BwTopologyFacts *facts;
        BwTopologyView *view;
        GPtrArray *links;    /* BwLink, lent from the model */
        GHashTable *planned; /* ifindex of a bridge -> BwBridgePlan */
        GHashTable *n_ports; /* ifindex of a bridge -> number */
        GHashTable *by_name; /* name of a bridge -> BwBridgeView */
        GHashTable *by_port; /* ifindex -> BwPortView */
} Painter;

/* One bridge on its way to its place. */
typedef struct Place {
        const BwLink *link;
        const char *first; /* name of the first bridge of its segment */
        int segment;       /* as the topology counts */
        bool joined;       /* it shares the segment */
        bool guarded;      /* some bridge of the segment is */
} Place;

static void free_bridge(gpointer pointer) {
        BwBridgeView *bridge = pointer;

        g_array_unref(bridge->addresses);
        g_ptr_array_unref(bridge->warnings);
        g_free(bridge);
}

static void free_port(gpointer pointer) {
        BwPortView *port = pointer;

        g_free(port->guest);
        g_strfreev(port->macs);
        g_strfreev(port->addresses);
        g_ptr_array_unref(port->warnings);
        g_free(port);
}

static int get_number(GHashTable *numbers, int key) {
        return GPOINTER_TO_INT(g_hash_table_lookup(numbers, GINT_TO_POINTER(key)));
}

/* Bridges in their order */

static int compare_places(gconstpointer one, gconstpointer other) {
        const Place *a = one, *b = other;
        int order = strcmp(a->first, b->first);

        if (a->joined != b->joined)
                return a->joined ? -1 : 1;
        if (a->guarded != b->guarded)
                return a->guarded ? -1 : 1;
        /* Two links of one name are there for a moment, while one is renamed. */
        if (order == 0)
                order = a->segment - b->segment;
        return order != 0 ? order : strcmp(a->link->name, b->link->name);
}

static GArray *list_places(const Painter *painter) {
        GArray *places = g_array_new(FALSE, TRUE, sizeof(Place));

        for (guint i = 0; i < painter->links->len; i++) {
                const BwLink *link = painter->links->pdata[i];
                Place place = { .link = link, .first = link->name };

                if (link->kind != BW_LINK_BRIDGE)
                        continue;
                place.segment = bw_topology_segment(painter->facts->topology, link->ifindex);
                place.guarded =
                        g_hash_table_contains(painter->planned, GINT_TO_POINTER(link->ifindex));
                g_array_append_val(places, place);
        }
        return places;
}

/* @places are in the order of their names here: the first of a segment gives it its name. */
static void join_places(GArray *places) {
        g_autoptr(GHashTable) firsts = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < places->len; i++) {
                Place *place = &g_array_index(places, Place, i);
                gpointer key = GINT_TO_POINTER(place->segment);
                Place *first = g_hash_table_lookup(firsts, key);

                if (!first) {
                        g_hash_table_insert(firsts, key, place);
                        continue;
                }
                first->joined = true;
                first->guarded = first->guarded || place->guarded;
        }
        for (guint i = 0; i < places->len; i++) {
                Place *place = &g_array_index(places, Place, i);
                const Place *first = g_hash_table_lookup(firsts, GINT_TO_POINTER(place->segment));

                place->first = first->first;
                place->joined = first->joined;
                place->guarded = first->guarded;
        }
}

/* One bridge */

static bool is_named(const BwConfig *config, const char *bridge) {
        for (guint i = 0; !config->bridges_auto && i < config->bridge_names->len; i++)
                if (g_str_equal(config->bridge_names->pdata[i], bridge))
                        return true;
        return g_hash_table_contains(config->bridges, bridge);
}

static BwGuardedFor guarded_for(const BwConfig *config, const BwBridgePlan *plan) {
        bool declared = false;

        if (!plan)
                return BW_GUARDED_FOR_NOBODY;
        if (plan->on_path)
                return BW_GUARDED_FOR_PATH;
        if (is_named(config, plan->name))
                return BW_GUARDED_FOR_CONFIG;
        for (guint i = 0; i < plan->ports->len; i++) {
                const BwPortPlan *port = plan->ports->pdata[i];

                if (port->guest)
                        return BW_GUARDED_FOR_GUESTS;
                declared = declared || port->where;
        }
        /* When nobody has spoken of it, a guest that is not plugged in yet names it. */
        return declared ? BW_GUARDED_FOR_CONFIG : BW_GUARDED_FOR_GUESTS;
}

static GArray *own_addresses(const BwModel *model, int ifindex) {
        g_autoptr(GArray) own = bw_model_list_addresses(model, ifindex);
        GArray *addresses = g_array_new(FALSE, TRUE, sizeof(BwPrefix));

        for (guint i = 0; i < own->len; i++)
                g_array_append_val(addresses, g_array_index(own, BwHostAddress, i).address);
        return addresses;
}

static void paint_fdb_of_bridge(const Painter *painter, BwBridgeView *bridge, int ifindex) {
        const GArray *fdb = painter->facts->fdb;
        BwFdbSummary sum;

        if (!fdb)
                return;
        sum = bw_fdb_summary_of_bridge(fdb, ifindex);
        bridge->has_fdb = true;
        bridge->learned = sum.macs;
        bridge->moves = sum.moves_per_minute;
}

static BwBridgeView *paint_bridge(const Painter *painter, const BwLink *link, guint segment) {
        const BwBridgePlan *plan =
                g_hash_table_lookup(painter->planned, GINT_TO_POINTER(link->ifindex));
        BwBridgeView *bridge = g_new0(BwBridgeView, 1);

        g_strlcpy(bridge->name, link->name, sizeof(bridge->name));
        bridge->mac = link->mac;
        bridge->segment = segment;
        bridge->guarded_for = guarded_for(painter->facts->config, plan);
        bridge->mode = plan ? plan->mode : BW_MODE_OFF;
        bridge->unknown_ports = plan ? plan->unknown_ports : BW_UNKNOWN_PORTS_ACCEPT;
        bridge->up = link->up;
        bridge->stp = link->stp;
        bridge->vlan_filtering = link->vlan_filtering;
        bridge->ageing_centiseconds = link->ageing_centiseconds;
        bridge->addresses = own_addresses(painter->facts->model, link->ifindex);
        bridge->n_ports = (guint) get_number(painter->n_ports, link->ifindex);
        bridge->warnings = g_ptr_array_new_with_free_func(g_free);
        paint_fdb_of_bridge(painter, bridge, link->ifindex);
        return bridge;
}

/* One port */

static void copy_name(const BwModel *model, int ifindex, char ret[static BW_IFNAME_SIZE]) {
        const BwLink *link = bw_model_find_link(model, ifindex);

        if (link)
                g_strlcpy(ret, link->name, BW_IFNAME_SIZE);
}

static void paint_link(const BwTopologyFacts *facts, BwPortView *port, const BwLink *link) {
        int far = bw_topology_far_bridge(facts->topology, link->ifindex);

        g_strlcpy(port->kind, link->kind_name, sizeof(port->kind));
        port->up = link->up;
        port->running = link->running;
        port->stp_state = link->stp_state;
        port->flags = link->flags;
        port->peer_namespace = link->peer_namespace;
        if (far == 0)
                return;
        copy_name(facts->model, far, port->far_bridge);
        copy_name(facts->model, link->peer, port->far_port);
        port->carries = bw_topology_carries(facts->topology, link->ifindex);
}

static BwPortView *paint_port(const Painter *painter, const BwBridgePlan *bridge,
                              const BwPortPlan *plan) {
        const BwLink *link = bw_model_find_link(painter->facts->model, plan->ifindex);
        BwPortView *port = g_new0(BwPortView, 1);

        g_strlcpy(port->name, plan->name, sizeof(port->name));
        g_strlcpy(port->bridge, bridge->name, sizeof(port->bridge));
        port->guest = g_strdup(plan->guest);
        g_strlcpy(port->uuid, plan->uuid, sizeof(port->uuid));
        port->role = plan->role;
        port->derived_role = plan->derived_role;
        port->closed_border = plan->closed_border;
        port->mode = plan->mode;
        port->state = plan->state;
        port->macs = bw_port_text_macs(plan);
        port->addresses = bw_port_text_addresses(plan);
        port->warnings = g_ptr_array_new_with_free_func(g_free);
        if (plan->trouble)
                g_ptr_array_add(port->warnings, g_strdup(plan->trouble));
        /* A plan may be older than the model by a moment. */
        if (link)
                paint_link(painter->facts, port, link);
        return port;
}

static void paint_ports(const Painter *painter, const BwLink *link) {
        const BwBridgePlan *bridge =
                g_hash_table_lookup(painter->planned, GINT_TO_POINTER(link->ifindex));

        for (guint i = 0; bridge && i < bridge->ports->len; i++) {
                const BwPortPlan *plan = bridge->ports->pdata[i];
                BwPortView *port = paint_port(painter, bridge, plan);

                g_ptr_array_add(painter->view->ports, port);
                g_hash_table_insert(painter->by_port, GINT_TO_POINTER(plan->ifindex), port);
        }
}

/* A port without a row has learned nothing. */
static void paint_fdb(const Painter *painter) {
        const GArray *fdb = painter->facts->fdb;

        for (guint i = 0; fdb && i < painter->view->ports->len; i++)
                ((BwPortView *) painter->view->ports->pdata[i])->has_fdb = true;
        for (guint i = 0; fdb && i < fdb->len; i++) {
                const BwFdbSummary *row = &g_array_index(fdb, BwFdbSummary, i);
                BwPortView *port =
                        g_hash_table_lookup(painter->by_port, GINT_TO_POINTER(row->port));

                if (!port)
                        continue;
                port->learned = row->macs;
                port->moves = row->moves_per_minute;
        }
}

/* Hazards, each at what it is about */

static char *port_key(const char *bridge, const char *port) {
        return g_strconcat(bridge, "/", port, NULL); /* no name has a slash */
}

static GHashTable *index_ports(const BwTopologyView *view) {
        GHashTable *index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; i < view->ports->len; i++) {
                BwPortView *port = view->ports->pdata[i];

                g_hash_table_insert(index, port_key(port->bridge, port->name), port);
        }
        return index;
}

/* Guests are told of by name, too, and theirs may be that of any port or bridge. */
static GPtrArray *warnings_for(const Painter *painter, GHashTable *ports, const BwHazard *hazard) {
        const char *name = hazard->bridge ? hazard->bridge : hazard->subject;
        g_autofree char *key = hazard->bridge ? port_key(hazard->bridge, hazard->subject) : NULL;
        const BwPortView *port = key ? g_hash_table_lookup(ports, key) : NULL;
        const BwBridgeView *bridge = g_hash_table_lookup(painter->by_name, name);

        if (port)
                return port->warnings;
        if (bridge && (hazard->bridge || hazard->kind != BW_HAZARD_NOT_GUARDED))
                return bridge->warnings;
        return painter->view->warnings;
}

static void paint_hazards(const Painter *painter) {
        const GPtrArray *hazards = painter->facts->hazards;
        g_autoptr(GHashTable) ports = index_ports(painter->view);

        for (guint i = 0; hazards && i < hazards->len; i++) {
                const BwHazard *hazard = hazards->pdata[i];

                g_ptr_array_add(warnings_for(painter, ports, hazard), g_strdup(hazard->sentence));
        }
}

/* The whole */

static void index_bridges(Painter *painter) {
        const BwPlan *plan = painter->facts->plan;

        for (guint i = 0; i < plan->bridges->len; i++) {
                BwBridgePlan *bridge = plan->bridges->pdata[i];

                g_hash_table_insert(painter->planned, GINT_TO_POINTER(bridge->ifindex), bridge);
        }
        for (guint i = 0; i < painter->links->len; i++) {
                const BwLink *link = painter->links->pdata[i];
                int n = get_number(painter->n_ports, link->master);

                g_hash_table_insert(painter->n_ports, GINT_TO_POINTER(link->master),
                                    GINT_TO_POINTER(n + 1));
        }
}

static void paint(const Painter *painter) {
        g_autoptr(GArray) places = list_places(painter);
        guint segment = 0;

        join_places(places);
        g_array_sort(places, compare_places);
        for (guint i = 0; i < places->len; i++) {
                const Place *place = &g_array_index(places, Place, i);
                BwBridgeView *bridge;

                segment += i == 0 || place[-1].segment != place->segment;
                bridge = paint_bridge(painter, place->link, segment);
                g_ptr_array_add(painter->view->bridges, bridge);
                g_hash_table_insert(painter->by_name, bridge->name, bridge);
                paint_ports(painter, place->link);
        }
        paint_fdb(painter);
        paint_hazards(painter);
}

BwTopologyView *bw_topology_view_new(const BwTopologyFacts *facts) {
        g_autoptr(GHashTable) planned = g_hash_table_new(NULL, NULL);
        g_autoptr(GHashTable) n_ports = g_hash_table_new(NULL, NULL);
        g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) by_port = g_hash_table_new(NULL, NULL);
        g_autoptr(GPtrArray) links = bw_model_list_links(facts->model);
        BwTopologyView *view = g_new0(BwTopologyView, 1);
        Painter painter = { facts, view, links, planned, n_ports, by_name, by_port };

        view->bridges = g_ptr_array_new_with_free_func(free_bridge);
        view->ports = g_ptr_array_new_with_free_func(free_port);
        view->warnings = g_ptr_array_new_with_free_func(g_free);
        index_bridges(&painter);
        paint(&painter);
        return view;
}

void bw_topology_view_free(BwTopologyView *view) {
        if (!view)
                return;
        g_ptr_array_unref(view->bridges);
        g_ptr_array_unref(view->ports);
        g_ptr_array_unref(view->warnings);
        g_free(view);
}

uint64_t bw_bridge_view_ageing_usec(const BwBridgeView *bridge) {
        return (uint64_t) bridge->ageing_centiseconds * (G_USEC_PER_SEC / 100);
}

const char *bw_guarded_for_name(BwGuardedFor guarded_for) {
        switch (guarded_for) {
        case BW_GUARDED_FOR_NOBODY:
                return "";
        case BW_GUARDED_FOR_CONFIG:
                return "config";
        case BW_GUARDED_FOR_GUESTS:
                return "guests";
        case BW_GUARDED_FOR_PATH:
                return "path";
        }
        g_assert_not_reached();
}

const char *bw_stp_state_name(BwStpState state) {
        switch (state) {
        case BW_STP_DISABLED:
                return "disabled";
        case BW_STP_LISTENING:
                return "listening";
        case BW_STP_LEARNING:
                return "learning";
        case BW_STP_FORWARDING:
                return "forwarding";
        case BW_STP_BLOCKING:
                return "blocking";
        }
        g_assert_not_reached();
}
