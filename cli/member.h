/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Members of an answer
 *
 * Each as what it should be, or as nothing when it is missing or something else.
 * All lent.
 */

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

static inline const char *get_text(JsonObject *object, const char *name) {
        return json_object_get_string_member_with_default(object, name, "");
}

static inline int64_t get_number(JsonObject *object, const char *name) {
        return json_object_get_int_member_with_default(object, name, 0);
}

static inline bool get_bool(JsonObject *object, const char *name) {
        return json_object_get_boolean_member_with_default(object, name, FALSE);
}

/* NULL: none. */
static inline JsonArray *get_list(JsonObject *object, const char *name) {
        JsonNode *node = json_object_get_member(object, name);

        return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

/* NULL: none. */
static inline JsonObject *get_object(JsonObject *object, const char *name) {
        JsonNode *node = json_object_get_member(object, name);

        return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* @list may be NULL. */
static inline unsigned length_of(JsonArray *list) {
        return list != NULL ? json_array_get_length(list) : 0;
}
