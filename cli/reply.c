/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "reply.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Nothing of ours is nested deeper; whoever else answers is not believed. */
#define MAX_DEPTH 16

static JsonNode *read_value(sd_bus_message *reply, unsigned depth);

/* A basic type as sd-bus stores it. */
typedef union Basic {
        const char *text;
        int boolean;
        uint8_t y;
        int16_t n;
        uint16_t q;
        int32_t i;
        uint32_t u;
        int64_t x;
        uint64_t t;
        double d;
} Basic;

static int64_t number_of(char type, const Basic *value) {
        switch (type) {
        case 'y':
                return value->y;
        case 'n':
                return value->n;
        case 'q':
                return value->q;
        case 'i':
                return value->i;
        case 'u':
                return value->u;
        case 'x':
                return value->x;
        default: /* JSON has no more than this either */
                return value->t > INT64_MAX ? INT64_MAX : (int64_t) value->t;
        }
}

static JsonNode *node_of(char type, const Basic *value) {
        JsonNode *node = json_node_alloc();

        if (strchr("sog", type) != NULL)
                return json_node_init_string(node, value->text);
        if (type == 'b')
                return json_node_init_boolean(node, value->boolean);
        if (type == 'd')
                return json_node_init_double(node, value->d);
        return json_node_init_int(node, number_of(type, value));
}

static JsonNode *read_basic(sd_bus_message *reply, char type) {
        Basic value = { 0 };

        if (strchr("sogbdynqiuxt", type) == NULL ||
            sd_bus_message_read_basic(reply, type, &value) <= 0)
                return NULL;
        return node_of(type, &value);
}

static bool read_member(sd_bus_message *reply, JsonObject *object, unsigned depth) {
        const char *key;
        JsonNode *value;

        if (sd_bus_message_read_basic(reply, 's', &key) <= 0)
                return false;
        value = read_value(reply, depth);
        if (value == NULL)
                return false;
        json_object_set_member(object, key, value);
        return sd_bus_message_exit_container(reply) >= 0;
}

static JsonNode *read_object(sd_bus_message *reply, const char *contents, unsigned depth) {
        g_autoptr(JsonObject) object = json_object_new();
        g_autofree char *entry = g_strndup(contents + 1, strlen(contents) - 2);
        int r;

        if (sd_bus_message_enter_container(reply, 'a', contents) <= 0)
                return NULL;
        while ((r = sd_bus_message_enter_container(reply, 'e', entry)) > 0)
                if (!read_member(reply, object, depth))
                        return NULL;
        if (r < 0 || sd_bus_message_exit_container(reply) < 0)
                return NULL;
        return json_node_init_object(json_node_alloc(), object);
}

static JsonNode *read_list(sd_bus_message *reply, char type, const char *contents, unsigned depth) {
        g_autoptr(JsonArray) array = json_array_new();

        if (sd_bus_message_enter_container(reply, type, contents) <= 0)
                return NULL;
        while (sd_bus_message_at_end(reply, false) == 0) {
                JsonNode *value = read_value(reply, depth);

                if (value == NULL)
                        return NULL;
                json_array_add_element(array, value);
        }
        if (sd_bus_message_exit_container(reply) < 0)
                return NULL;
        return json_node_init_array(json_node_alloc(), array);
}

static JsonNode *read_variant(sd_bus_message *reply, const char *contents, unsigned depth) {
        g_autoptr(JsonNode) value = NULL;

        if (sd_bus_message_enter_container(reply, 'v', contents) <= 0)
                return NULL;
        value = read_value(reply, depth);
        if (value == NULL || sd_bus_message_exit_container(reply) < 0)
                return NULL;
        return g_steal_pointer(&value);
}

static JsonNode *read_value(sd_bus_message *reply, unsigned depth) {
        const char *contents;
        char type;

        if (depth > MAX_DEPTH || sd_bus_message_peek_type(reply, &type, &contents) <= 0)
                return NULL;
        if (type == 'v')
                return read_variant(reply, contents, depth + 1);
        if (type == 'a' && g_str_has_prefix(contents, "{s"))
                return read_object(reply, contents, depth + 1);
        if (type == 'a' || type == 'r')
                return read_list(reply, type, contents, depth + 1);
        return read_basic(reply, type);
}

JsonNode *bw_reply_read(sd_bus_message *reply) {
        return read_value(reply, 0);
}
