/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "topology_json.h"

#include <bw/text.h>
#include <bw/topology_fields.h>

/* JSON carries UTF-8 only. */
static JsonArray *texts_new(const char *const *list, gsize n) {
        JsonArray *array = json_array_new();

        for (gsize i = 0; i < n; i++) {
                g_autofree char *text = bw_text_utf8(list[i]);

                json_array_add_string_element(array, text);
        }
        return array;
}

static void add_text(JsonObject *object, const char *key, const char *bytes) {
        g_autofree char *text = bw_text_utf8(bytes ? bytes : "");

        json_object_set_string_member(object, key, text);
}

static void on_field(const BwField *field, gpointer object) {
        switch (field->kind) {
        case BW_FIELD_TEXT:
                add_text(object, field->key, field->text);
                return;
        case BW_FIELD_TEXTS:
                json_object_set_array_member(
                        object, field->key,
                        texts_new(field->texts, g_strv_length((char **) field->texts)));
                return;
        case BW_FIELD_BOOL:
                json_object_set_boolean_member(object, field->key, field->number != 0);
                return;
        case BW_FIELD_NUMBER:
        case BW_FIELD_USEC:
                json_object_set_int_member(object, field->key, (gint64) field->number);
                return;
        }
        g_assert_not_reached();
}

static JsonArray *bridges_new(const GPtrArray *bridges) {
        JsonArray *array = json_array_new();

        for (guint i = 0; i < bridges->len; i++) {
                JsonObject *object = json_object_new();

                bw_bridge_view_tell(bridges->pdata[i], on_field, object);
                json_array_add_object_element(array, object);
        }
        return array;
}

static JsonArray *ports_new(const GPtrArray *ports) {
        JsonArray *array = json_array_new();

        for (guint i = 0; i < ports->len; i++) {
                JsonObject *object = json_object_new();

                bw_port_view_tell(ports->pdata[i], on_field, object);
                json_array_add_object_element(array, object);
        }
        return array;
}

JsonObject *bw_topology_json_new(const BwTopologyView *view) {
        JsonObject *topology = json_object_new();

        json_object_set_array_member(topology, "Bridges", bridges_new(view->bridges));
        json_object_set_array_member(topology, "Ports", ports_new(view->ports));
        json_object_set_array_member(
                topology, "Warnings",
                texts_new((const char *const *) view->warnings->pdata, view->warnings->len));
        return topology;
}
