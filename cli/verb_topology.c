/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ask.h"
#include "command.h"
#include "member.h"
#include "show_topology.h"
#include "topology_dot.h"
#include "topology_json.h"

#include <bw/hazard.h>
#include <bw/text.h>
#include <stdio.h>

static JsonObject *topology_of_files(const Line *line, GError **error) {
        g_autoptr(BwWorld) world = bw_world_read(&line->files, error);
        g_autoptr(BwTopology) topology = NULL;
        g_autoptr(BwTopologyView) view = NULL;
        g_autoptr(GPtrArray) hazards = NULL;
        BwHostState host = { .br_netfilter = true, .filter_vlan_tagged = -1 };

        if (world == NULL)
                return NULL;
        bw_command_tell_problems(world->config);
        topology = bw_topology_new(world->model);
        /* Of what no file tells the best is believed. */
        host.engines = world->config->engines;
        hazards = bw_hazard_list(world->model, world->plan, topology, &host);
        view = bw_topology_view_new(&(BwTopologyFacts){ world->model, world->config, world->plan,
                                                        topology, hazards, NULL });
        return bw_topology_json_new(view);
}

static bool is_called(JsonObject *object, const char *key, const char *name) {
        return g_str_equal(get_text(object, key), name);
}

/* The segment of the bridge of that name, or of the bridge of the port; 0: there is none. */
static gint64 find_segment(JsonObject *topology, const char *name) {
        JsonArray *bridges = get_list(topology, "Bridges"), *ports = get_list(topology, "Ports");
        const char *bridge = name;

        for (unsigned i = 0; i < length_of(ports); i++) {
                JsonObject *port = json_array_get_object_element(ports, i);

                if (is_called(port, "Port", name))
                        bridge = get_text(port, "Bridge");
        }
        for (unsigned i = 0; i < length_of(bridges); i++) {
                JsonObject *object = json_array_get_object_element(bridges, i);

                if (is_called(object, "Bridge", bridge))
                        return get_number(object, "Segment");
        }
        return 0;
}

/* Of the bridges those in @segment, and the names of these. */
static void keep_bridges(JsonObject *topology, gint64 segment, GHashTable *kept) {
        JsonArray *bridges = get_list(topology, "Bridges"), *rest = json_array_new();

        for (unsigned i = 0; i < length_of(bridges); i++) {
                JsonObject *bridge = json_array_get_object_element(bridges, i);

                if (get_number(bridge, "Segment") != segment)
                        continue;
                json_array_add_object_element(rest, json_object_ref(bridge));
                g_hash_table_add(kept, g_strdup(get_text(bridge, "Bridge")));
        }
        json_object_set_array_member(topology, "Bridges", rest);
}

static void keep_ports(JsonObject *topology, GHashTable *bridges) {
        JsonArray *ports = get_list(topology, "Ports"), *rest = json_array_new();

        for (unsigned i = 0; i < length_of(ports); i++) {
                JsonObject *port = json_array_get_object_element(ports, i);

                if (g_hash_table_contains(bridges, get_text(port, "Bridge")))
                        json_array_add_object_element(rest, json_object_ref(port));
        }
        json_object_set_array_member(topology, "Ports", rest);
}

/* What is about the whole host is told even then. */
static bool keep_segment_of(JsonObject *topology, const char *name) {
        g_autoptr(GHashTable) kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        gint64 segment = find_segment(topology, name);

        if (segment == 0)
                return false;
        keep_bridges(topology, segment, kept);
        keep_ports(topology, kept);
        return true;
}

static Exit fail_unknown(const Line *line) {
        g_autofree char *name = bw_text_printable(bw_line_name(line));
        g_autofree char *sentence = g_strdup_printf(
                "no bridge is called %s, and no port of a guarded one; \"bridgewarden topology\" "
                "lists them",
                name);

        return bw_command_fail(line, EXIT_REFUSED, sentence);
}

Exit bw_verb_topology(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) topology = NULL;
        g_autofree char *text = NULL;

        if (line->dot && line->json)
                return bw_command_usage("--dot and --json are two answers: ask for one", "");
        topology = line->files.links != NULL ? topology_of_files(line, &error)
                                             : bw_ask_topology(&error);
        if (topology == NULL)
                return bw_command_fail_asking(line, error);
        if (bw_line_name(line) != NULL && !keep_segment_of(topology, bw_line_name(line)))
                return fail_unknown(line);
        if (line->json) {
                bw_command_print_json(bw_command_node_of_object(topology));
                return EXIT_FINE;
        }
        text = line->dot ? bw_topology_dot(topology) : bw_show_topology(topology);
        fputs(text, stdout);
        return EXIT_FINE;
}
