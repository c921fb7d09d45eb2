/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "plan_json.h"

#include <bw/judgment_text.h>
#include <bw/port_text.h>

#include <bw/text.h>

/* JSON carries UTF-8 only. */
static void add_text(JsonObject *object, const char *name, const char *bytes) {
        g_autofree char *text = bw_text_utf8(bytes ? bytes : "");

        json_object_set_string_member(object, name, text);
}

static void add_texts(JsonObject *object, const char *name, const char *const *list) {
        JsonArray *array = json_array_new();

        for (; *list; list++)
                json_array_add_string_element(array, *list);
        json_object_set_array_member(object, name, array);
}

static JsonObject *show_port(const BwBridgePlan *bridge, const BwPortPlan *port) {
        g_auto(GStrv) macs = bw_port_text_macs(port);
        g_auto(GStrv) addresses = bw_port_text_addresses(port);
        JsonObject *object = json_object_new();

        add_text(object, "Port", port->name);
        add_text(object, "Bridge", bridge->name);
        add_text(object, "Guest", port->guest);
        add_text(object, "UUID", port->uuid);
        add_text(object, "Role", bw_role_name(port->role));
        add_text(object, "Mode", bw_mode_name(port->mode));
        add_text(object, "State", bw_port_state_name(port->state));
        json_object_set_boolean_member(object, "Closed", port->closed_border);
        add_texts(object, "MACs", (const char *const *) macs);
        add_texts(object, "Addresses", (const char *const *) addresses);
        add_text(object, "Where", port->where);
        add_text(object, "Trouble", port->trouble);
        return object;
}

JsonArray *bw_plan_json_ports(const BwPlan *plan) {
        JsonArray *ports = json_array_new();

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++)
                        json_array_add_object_element(ports,
                                                      show_port(bridge, bridge->ports->pdata[k]));
        }
        return ports;
}

static JsonObject *show_host(const BwWorld *world, const BwBridgePlan *bridge) {
        g_autoptr(GArray) own = bw_model_list_addresses(world->model, bridge->ifindex);
        JsonArray *macs = json_array_new(), *addresses = json_array_new();
        JsonObject *object = json_object_new();
        char mac[BW_MAC_TEXT_SIZE];

        add_text(object, "Port", bridge->name);
        add_text(object, "Bridge", bridge->name);
        add_text(object, "Role", bw_role_name(BW_ROLE_HOST));
        json_array_add_string_element(macs, bw_mac_print(&bridge->mac, mac));
        json_object_set_array_member(object, "MACs", macs);
        for (guint i = 0; i < own->len; i++) {
                g_autofree char *address =
                        bw_prefix_print(&g_array_index(own, BwHostAddress, i).address);

                json_array_add_string_element(addresses, address);
        }
        json_object_set_array_member(object, "Addresses", addresses);
        return object;
}

/* From 1, as topologies have them. */
static void add_segment(const BwPlan *plan, JsonObject *station) {
        const char *name = json_object_get_string_member(station, "Bridge");

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        json_object_set_int_member(station, "Segment", bridge->segment + 1);
        }
}

JsonArray *bw_plan_json_stations(const BwWorld *world) {
        JsonArray *stations = bw_plan_json_ports(world->plan);

        for (guint i = 0; i < world->plan->bridges->len; i++)
                json_array_add_object_element(stations,
                                              show_host(world, world->plan->bridges->pdata[i]));
        for (guint i = 0; i < json_array_get_length(stations); i++)
                add_segment(world->plan, json_array_get_object_element(stations, i));
        return stations;
}

static JsonObject *show_judgment(const BwJudgment *judgment) {
        g_auto(BwJudgmentText) text = bw_judgment_text_new(judgment);
        JsonObject *object = json_object_new();

        add_text(object, "Port", text.port);
        add_text(object, "Bridge", text.bridge);
        add_text(object, "Guest", text.guest);
        add_text(object, "State", text.state);
        add_text(object, "Direction", text.direction);
        add_text(object, "Fate", text.fate);
        add_text(object, "Reason", text.reason);
        add_text(object, "Sentence", text.sentence);
        add_text(object, "Detail", text.detail);
        add_text(object, "Because", text.because);
        add_text(object, "Where", text.where);
        add_texts(object, "MACs", (const char *const *) text.macs);
        add_texts(object, "Addresses", (const char *const *) text.addresses);
        add_texts(object, "Engines", text.engines);
        return object;
}

JsonArray *bw_plan_json_judgments(const GArray *judgments) {
        JsonArray *list = json_array_new();

        for (guint i = 0; i < judgments->len; i++)
                json_array_add_object_element(
                        list, show_judgment(&g_array_index(judgments, BwJudgment, i)));
        return list;
}
