/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ask.h"
#include "reply.h"

#include <bw/text.h>
#include <systemd/sd-bus.h>

#define NAME         "org.bridgewarden1"
#define PATH         "/org/bridgewarden1"
#define INTERFACE    "org.bridgewarden1.Manager"
#define TIMEOUT_USEC (30 * G_USEC_PER_SEC)

typedef sd_bus_message Reply;
typedef sd_bus Connection;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reply, sd_bus_message_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Connection, sd_bus_unref)
typedef sd_bus_error Trouble;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Trouble, sd_bus_error_free)

G_DEFINE_QUARK(bw - ask - error - quark, bw_ask_error)

static bool is_one_of(const sd_bus_error *error, const char *const *names) {
        return error->name != NULL && g_strv_contains(names, error->name);
}

static BwAskError kind_of(const sd_bus_error *error) {
        static const char *const nobody[] = { SD_BUS_ERROR_SERVICE_UNKNOWN,
                                              SD_BUS_ERROR_NAME_HAS_NO_OWNER, NULL };
        static const char *const silent[] = { SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_TIMEOUT,
                                              SD_BUS_ERROR_DISCONNECTED, NULL };

        if (is_one_of(error, nobody))
                return BW_ASK_NOBODY;
        if (g_strcmp0(error->name, SD_BUS_ERROR_ACCESS_DENIED) == 0)
                return BW_ASK_NOT_ROOT;
        return is_one_of(error, silent) ? BW_ASK_SILENT : BW_ASK_REFUSED;
}

/* What happened in brackets, then what to do. */
static void fail(GError **error, BwAskError kind, const char *cause) {
        g_autofree char *text = bw_text_printable(cause);

        switch (kind) {
        case BW_ASK_NOBODY:
                g_set_error(error, BW_ASK_ERROR, BW_ASK_NOBODY,
                            "bridgewardend is not on the system bus (%s). Start it with "
                            "\"systemctl start bridgewarden\"; if it does not stay, "
                            "\"journalctl -u bridgewarden\" says why",
                            text);
                return;
        case BW_ASK_SILENT:
                g_set_error(error, BW_ASK_ERROR, BW_ASK_SILENT,
                            "bridgewardend does not answer (%s). \"systemctl status "
                            "bridgewarden\" shows whether it runs",
                            text);
                return;
        case BW_ASK_REFUSED:
                g_set_error(error, BW_ASK_ERROR, BW_ASK_REFUSED, "refused: %s", text);
                return;
        case BW_ASK_NOT_ROOT:
                g_set_error(error, BW_ASK_ERROR, BW_ASK_NOT_ROOT,
                            "refused: this is for root only (%s)", text);
                return;
        }
        g_assert_not_reached();
}

/* (transfer full): a call that takes arguments yet. It keeps its connection, and with its end that
 * ends. */
static Reply *begin(const char *interface, const char *method, GError **error) {
        g_autoptr(Connection) connection = NULL;
        Reply *message = NULL;
        int r = sd_bus_open_system(&connection);

        if (r >= 0)
                r = sd_bus_message_new_method_call(connection, &message, NAME, PATH, interface,
                                                   method);
        if (r < 0)
                fail(error, BW_ASK_NOBODY, g_strerror(-r));
        return message;
}

/* (transfer full): takes nothing. */
static Reply *finish(Reply *message, GError **error) {
        g_auto(Trouble) trouble = SD_BUS_ERROR_NULL;
        Reply *reply = NULL;
        int r = sd_bus_call(sd_bus_message_get_bus(message), message, TIMEOUT_USEC, &trouble,
                            &reply);

        if (r < 0) {
                fail(error, kind_of(&trouble),
                     trouble.message != NULL ? trouble.message : g_strerror(-r));
                return NULL;
        }
        return reply;
}

static bool fail_appending(int r, GError **error) {
        if (r < 0)
                fail(error, BW_ASK_REFUSED, g_strerror(-r));
        return r >= 0;
}

/* Calls @method of @interface with @argument unless it is NULL. (transfer full) */
static Reply *call(const char *interface, const char *method, const char *argument,
                   GError **error) {
        g_autoptr(Reply) message = begin(interface, method, error);

        if (message == NULL)
                return NULL;
        if (argument != NULL &&
            !fail_appending(sd_bus_message_append(message, "s", argument), error))
                return NULL;
        return finish(message, error);
}

static JsonNode *ask(const char *interface, const char *method, const char *argument,
                     GError **error) {
        g_autoptr(Reply) reply = call(interface, method, argument, error);
        JsonNode *answer;

        if (reply == NULL)
                return NULL;
        answer = bw_reply_read(reply);
        if (answer == NULL)
                fail(error, BW_ASK_REFUSED, "the answer cannot be understood");
        return answer;
}

JsonObject *bw_ask_state(GError **error) {
        g_autoptr(JsonNode) node =
                ask("org.freedesktop.DBus.Properties", "GetAll", INTERFACE, error);

        if (node == NULL)
                return NULL;
        if (JSON_NODE_HOLDS_OBJECT(node))
                return json_node_dup_object(node);
        fail(error, BW_ASK_REFUSED, "the answer is no list of properties");
        return NULL;
}

static JsonArray *ask_list(const char *method, GError **error) {
        g_autoptr(JsonNode) node = ask(INTERFACE, method, NULL, error);

        if (node == NULL)
                return NULL;
        if (JSON_NODE_HOLDS_ARRAY(node))
                return json_node_dup_array(node);
        fail(error, BW_ASK_REFUSED, "the answer is no list");
        return NULL;
}

JsonArray *bw_ask_ports(GError **error) {
        return ask_list("ListPorts", error);
}

JsonArray *bw_ask_fdb(GError **error) {
        return ask_list("ListFdb", error);
}

JsonObject *bw_ask_topology(GError **error) {
        static const char *const parts[] = { "Bridges", "Ports", "Warnings" };
        g_autoptr(Reply) reply = call(INTERFACE, "GetTopology", NULL, error);
        g_autoptr(JsonObject) topology = json_object_new();

        if (reply == NULL)
                return NULL;
        for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
                JsonNode *part = bw_reply_read(reply);

                if (part == NULL || !JSON_NODE_HOLDS_ARRAY(part)) {
                        g_clear_pointer(&part, json_node_unref);
                        fail(error, BW_ASK_REFUSED, "the answer cannot be understood");
                        return NULL;
                }
                json_object_set_member(topology, parts[i], part);
        }
        return g_steal_pointer(&topology);
}

JsonObject *bw_ask_rules(GError **error) {
        g_autoptr(JsonNode) node = ask(INTERFACE, "GetPlan", NULL, error);

        if (node == NULL)
                return NULL;
        if (JSON_NODE_HOLDS_OBJECT(node))
                return json_node_dup_object(node);
        fail(error, BW_ASK_REFUSED, "the answer is no list of rules");
        return NULL;
}

/* Names of bytes that are no text cannot be asked for over D-Bus. */
static bool is_text(const char *name, GError **error) {
        if (name == NULL || g_utf8_validate(name, -1, NULL))
                return true;
        fail(error, BW_ASK_REFUSED, "D-Bus takes names in UTF-8 only");
        return false;
}

static Reply *call_explain(const char *in, const char *out, const uint8_t *frame, gsize length,
                           GError **error) {
        g_autoptr(Reply) message = NULL;

        if (!is_text(in, error) || !is_text(out, error))
                return NULL;
        message = begin(INTERFACE, "Explain", error);
        if (message == NULL ||
            !fail_appending(sd_bus_message_append(message, "ss", in, out), error) ||
            !fail_appending(sd_bus_message_append_array(message, 'y', frame, length), error))
                return NULL;
        return finish(message, error);
}

JsonArray *bw_ask_explain(const char *in, const char *out, const uint8_t *frame, gsize length,
                          char **ret_fate, GError **error) {
        g_autoptr(Reply) reply = call_explain(in, out, frame, length, error);
        g_autoptr(JsonNode) judgments = NULL;
        const char *fate = NULL;

        if (reply == NULL)
                return NULL;
        judgments = bw_reply_read(reply);
        if (judgments == NULL || !JSON_NODE_HOLDS_ARRAY(judgments) ||
            sd_bus_message_read(reply, "s", &fate) <= 0) {
                fail(error, BW_ASK_REFUSED, "the answer cannot be understood");
                return NULL;
        }
        *ret_fate = g_strdup(fate);
        return json_node_dup_array(judgments);
}

JsonObject *bw_ask_difference_new(const char *engine, const char *table, bool is_missing,
                                  const char *line) {
        JsonObject *object = json_object_new();

        json_object_set_string_member(object, "Engine", engine);
        json_object_set_string_member(object, "Table", table);
        json_object_set_boolean_member(object, "Missing", is_missing);
        json_object_set_string_member(object, "Line", line);
        return object;
}

/* sd-bus reads what ends a list as nothing. */
static int read_differences(Reply *reply, JsonArray *list) {
        const char *engine, *table, *line;
        int r = sd_bus_message_enter_container(reply, 'a', "(ssbs)"), is_missing;

        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(ssbs)", &engine, &table, &is_missing, &line)) > 0)
                json_array_add_object_element(
                        list, bw_ask_difference_new(engine, table, is_missing, line));
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

JsonArray *bw_ask_check(guint *ret_count, GError **error) {
        g_autoptr(Reply) reply = call(INTERFACE, "Check", NULL, error);
        g_autoptr(JsonArray) list = json_array_new();
        uint32_t count;

        if (reply == NULL)
                return NULL;
        if (read_differences(reply, list) < 0 || sd_bus_message_read(reply, "u", &count) <= 0 ||
            count < json_array_get_length(list)) {
                fail(error, BW_ASK_REFUSED, "the answer cannot be understood");
                return NULL;
        }
        *ret_count = count;
        return g_steal_pointer(&list);
}

bool bw_ask_change(const char *method, const char *argument, GError **error) {
        g_autoptr(Reply) reply = NULL;

        if (!is_text(argument, error))
                return false;
        reply = call(INTERFACE, method, argument, error);
        return reply != NULL;
}
