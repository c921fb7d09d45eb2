/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus.h"
#include "bus_hazards.h"
#include "bus_source.h"
#include "bus_topology.h"
#include "bus_value.h"

#include <bw/error.h>
#include <bw/priority.h>
#include <bw/text.h>
#include <stddef.h>
#include <string.h>

#define NAME      "org.bridgewarden1"
#define PATH      "/org/bridgewarden1"
#define INTERFACE "org.bridgewarden1.Manager"

#define RETRY_FIRST_S     1
#define RETRY_LAST_S      30
#define CALL_TIMEOUT_USEC (10 * G_USEC_PER_SEC)
/* A bus that reads nothing gets no more than this many news. */
#define MAX_UNSENT 64
/* Callers whose user is being asked for. */
#define MAX_CALLS      64
#define TOO_MANY_CALLS "too many calls at once: call again later"
#define MAX_ARGUMENT   4096
/* Callers who wait for the ports: a turn each, so that what the guard has to do comes in between.
 */
#define MAX_WAITING 1024
/* A guest can make a bridge learn without end. */
#define MAX_FDB_ROWS 16384
/* When a whole table is gone there may be more; nobody reads them. */
#define MAX_DIFFERENCES 16384

typedef enum Told {
        TOLD_NOTHING,
        TOLD_CONNECTED,
        TOLD_LOST,
} Told;

struct BwBus {
        const BwBusRequests *requests;
        gpointer user;
        sd_bus *connection;
        GSource *source;
        bool has_name;
        Told told;
        unsigned retry, retry_seconds;
        GQueue calls;     /* Call * */
        GQueue waiting;   /* sd_bus_message *, calls for the ports */
        bool preparing;   /* what is told of them is being read */
        guint turn;       /* for the next of them; 0: none */
        BwBusState shown; /* what the last signal told; its arrays are owned */
};

/* A call for root whose caller is not known yet. */
typedef struct Call {
        BwBus *bus;
        sd_bus_message *message;
        sd_bus_slot *slot;
        const char *argument; /* in @message; "" when the method has none */
} Call;

typedef struct Property {
        const char *name;
        char type; /* of D-Bus; 'a' for an array of strings, 'e' for engines, 'h' and 'l' for
                      hazards: their sentences, the whole list */
        size_t offset;
        bool is_told; /* by PropertiesChanged */
} Property;

#define MAX_PROPERTIES 14
static const Property properties[MAX_PROPERTIES] = {
        { "Version", 's', offsetof(BwBusState, version), false },
        { "Generation", 't', offsetof(BwBusState, generation), true },
        { "InSync", 'b', offsetof(BwBusState, in_sync), true },
        { "Armed", 'b', offsetof(BwBusState, armed), true },
        { "LastSyncUSec", 't', offsetof(BwBusState, last_sync_usec), false },
        { "LibvirtConnected", 'b', offsetof(BwBusState, libvirt_connected), true },
        { "PortsGuarded", 'u', offsetof(BwBusState, ports_guarded), true },
        { "PortsTotal", 'u', offsetof(BwBusState, ports_total), true },
        { "Strangers", 'u', offsetof(BwBusState, strangers), true },
        { "ConfigErrors", 'u', offsetof(BwBusState, config_errors), true },
        { "Engines", 'e', offsetof(BwBusState, engines), true },
        { "Hazards", 'h', offsetof(BwBusState, hazards), true },
        { "HazardList", 'l', offsetof(BwBusState, hazards), true },
        { "Bridges", 'a', offsetof(BwBusState, bridges), true },
};

static const char *error_name(const GError *error) {
        if (error->domain != BW_ERROR)
                return SD_BUS_ERROR_FAILED;
        switch ((BwError) error->code) {
        case BW_ERROR_INVALID:
                return NAME ".Error.Invalid";
        case BW_ERROR_BUSY:
                return NAME ".Error.Busy";
        case BW_ERROR_STALE:
                return NAME ".Error.Stale";
        case BW_ERROR_DENIED:
                return NAME ".Error.Denied";
        case BW_ERROR_ABSENT:
                return NAME ".Error.NoSuchPort";
        case BW_ERROR_BROKEN:
                return NAME ".Error.Broken";
        }
        g_assert_not_reached();
}

static int answer_error(sd_bus_message *message, const char *name, const char *sentence) {
        g_autofree char *text = bw_text_utf8(sentence);

        return sd_bus_reply_method_errorf(message, name, "%s", text);
}

/* The first thing that fails is kept and the other rows are left out. */
typedef struct Rows {
        sd_bus_message *reply;
        unsigned n;
        int r;
} Rows;

static void append_row(const BwBusPort *port, gpointer user) {
        Rows *rows = user;

        if (rows->r >= 0)
                rows->r = bw_bus_append_port(rows->reply, port);
}

static int answer_ports(BwBus *bus, sd_bus_message *message) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;
        g_autoptr(GError) error = NULL;
        Rows rows = { 0 };

        rows.r = sd_bus_message_new_method_return(message, &reply);
        rows.reply = reply;
        if (rows.r >= 0)
                rows.r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (!bus->requests->list_ports(bus->user, append_row, &rows, &error))
                return answer_error(message, error_name(error), error->message);
        if (rows.r >= 0)
                rows.r = sd_bus_message_close_container(reply);
        return rows.r < 0 ? rows.r : sd_bus_send(NULL, reply, NULL);
}

static void prepare_ports(BwBus *bus) {
        if (bus->preparing || bus->turn != 0 || g_queue_is_empty(&bus->waiting))
                return;
        bus->preparing = true;
        bus->requests->prepare_ports(bus->user);
}

/* The next caller may want what is newer. */
static gboolean on_turn(gpointer user) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
        BwBus *bus = user;
        int r;

        bus->turn = 0;
        message = g_queue_pop_head(&bus->waiting);
        r = message != NULL ? answer_ports(bus, message) : 0;
        if (r < 0)
                (void) sd_bus_reply_method_errno(message, r, NULL);
        prepare_ports(bus);
        return G_SOURCE_REMOVE;
}

void bw_bus_ports_ready(BwBus *bus) {
        bus->preparing = false;
        if (bus->turn == 0)
                bus->turn = g_idle_add_full(BW_PRIORITY_ASKED, on_turn, bus, NULL);
}

static int list_ports(sd_bus_message *message, gpointer user, sd_bus_error *ret_error) {
        BwBus *bus = user;

        (void) ret_error;
        if (g_queue_get_length(&bus->waiting) >= MAX_WAITING)
                return answer_error(message, SD_BUS_ERROR_LIMITS_EXCEEDED, TOO_MANY_CALLS);
        g_queue_push_tail(&bus->waiting, sd_bus_message_ref(message));
        prepare_ports(bus);
        return 1;
}

static void forget_waiting(BwBus *bus) {
        while (!g_queue_is_empty(&bus->waiting))
                sd_bus_message_unref(g_queue_pop_head(&bus->waiting));
}

static int get_topology(sd_bus_message *message, gpointer user, sd_bus_error *ret_error) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;
        g_autoptr(BwTopologyView) view = NULL;
        g_autoptr(GError) error = NULL;
        BwBus *bus = user;
        int r;

        (void) ret_error;
        view = bus->requests->topology(bus->user, &error);
        if (view == NULL)
                return answer_error(message, error_name(error), error->message);
        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = bw_bus_append_topology(reply, view);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void append_judgment(const BwJudgmentText *text, gpointer user) {
        Rows *rows = user;

        if (rows->r >= 0)
                rows->r = bw_bus_append_judgment(rows->reply, text);
}

/* A frame, and the ports it is between; lent from the message. */
typedef struct Asked {
        const char *in, *out;
        const void *frame;
        size_t length;
} Asked;

static int answer_explain(BwBus *bus, sd_bus_message *message, const Asked *asked) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;
        g_autoptr(GError) error = NULL;
        const char *fate;
        Rows rows = { 0 };

        rows.r = sd_bus_message_new_method_return(message, &reply);
        rows.reply = reply;
        if (rows.r >= 0)
                rows.r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        fate = bus->requests->explain(bus->user, asked->in, asked->out, asked->frame, asked->length,
                                      append_judgment, &rows, &error);
        if (fate == NULL)
                return answer_error(message, error_name(error), error->message);
        if (rows.r >= 0)
                rows.r = sd_bus_message_close_container(reply);
        if (rows.r >= 0)
                rows.r = sd_bus_message_append(reply, "s", fate);
        return rows.r < 0 ? rows.r : sd_bus_send(NULL, reply, NULL);
}

static int explain(sd_bus_message *message, gpointer user, sd_bus_error *ret_error) {
        Asked asked = { 0 };
        int r = sd_bus_message_read(message, "ss", &asked.in, &asked.out);

        (void) ret_error;
        if (r >= 0)
                r = sd_bus_message_read_array(message, 'y', &asked.frame, &asked.length);
        if (r < 0)
                return r;
        if (strlen(asked.in) > MAX_ARGUMENT || strlen(asked.out) > MAX_ARGUMENT)
                return answer_error(message, SD_BUS_ERROR_INVALID_ARGS,
                                    "the name is longer than 4096 bytes: no port has it");
        return answer_explain(user, message, &asked);
}

static void append_rules(const char *command, const char *text, gpointer user) {
        Rows *rows = user;

        if (rows->r >= 0)
                rows->r = sd_bus_message_open_container(rows->reply, 'e', "ss");
        if (rows->r >= 0)
                rows->r = bw_bus_append_text(rows->reply, command);
        if (rows->r >= 0)
                rows->r = bw_bus_append_text(rows->reply, text);
        if (rows->r >= 0)
                rows->r = sd_bus_message_close_container(rows->reply);
}

static int get_plan(BwBus *bus, sd_bus_message *message) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;
        g_autoptr(GError) error = NULL;
        Rows rows = { 0 };

        rows.r = sd_bus_message_new_method_return(message, &reply);
        rows.reply = reply;
        if (rows.r >= 0)
                rows.r = sd_bus_message_open_container(reply, 'a', "{ss}");
        if (!bus->requests->list_rules(bus->user, append_rules, &rows, &error))
                return answer_error(message, error_name(error), error->message);
        if (rows.r >= 0)
                rows.r = sd_bus_message_close_container(reply);
        return rows.r < 0 ? rows.r : sd_bus_send(NULL, reply, NULL);
}

static void append_fdb_row(const BwBusFdbEntry *entry, gpointer user) {
        Rows *rows = user;

        if (rows->r >= 0 && rows->n++ < MAX_FDB_ROWS)
                rows->r = bw_bus_append_fdb_entry(rows->reply, entry);
}

static int list_fdb(BwBus *bus, sd_bus_message *message) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;
        Rows rows = { 0 };

        rows.r = sd_bus_message_new_method_return(message, &reply);
        rows.reply = reply;
        if (rows.r >= 0)
                rows.r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        bus->requests->list_fdb(bus->user, append_fdb_row, &rows);
        if (rows.r >= 0)
                rows.r = sd_bus_message_close_container(reply);
        return rows.r < 0 ? rows.r : sd_bus_send(NULL, reply, NULL);
}

static void append_difference(const BwDifference *difference, gpointer user) {
        Rows *rows = user;

        if (rows->r >= 0 && rows->n++ < MAX_DIFFERENCES)
                rows->r = bw_bus_append_difference(rows->reply, difference);
}

/* The rows come before the sum, as they are counted on the way. */
static int check(BwBus *bus, sd_bus_message *message) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *reply = NULL;
        g_autoptr(GError) error = NULL;
        Rows rows = { 0 };

        rows.r = sd_bus_message_new_method_return(message, &reply);
        rows.reply = reply;
        if (rows.r >= 0)
                rows.r = sd_bus_message_open_container(reply, 'a', "(ssbs)");
        if (!bus->requests->check(bus->user, append_difference, &rows, &error))
                return answer_error(message, error_name(error), error->message);
        if (rows.r >= 0)
                rows.r = sd_bus_message_close_container(reply);
        if (rows.r >= 0)
                rows.r = sd_bus_message_append(reply, "u", rows.n);
        return rows.r < 0 ? rows.r : sd_bus_send(NULL, reply, NULL);
}

/* What is for root: first who asks, then whether he may, then the request. */

static void call_free(Call *call) {
        g_queue_remove(&call->bus->calls, call);
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->message);
        g_free(call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Call, call_free)

static bool request_change(BwBus *bus, const char *member, const char *argument, GError **error) {
        const BwBusRequests *requests = bus->requests;

        if (g_str_equal(member, "Resync"))
                return requests->resync(bus->user, error);
        if (g_str_equal(member, "ResyncPort"))
                return requests->resync_port(bus->user, argument, error);
        if (g_str_equal(member, "ResyncGuest"))
                return requests->resync_guest(bus->user, argument, error);
        if (g_str_equal(member, "Reload"))
                return requests->reload(bus->user, error);
        g_assert(g_str_equal(member, "Disarm"));
        return requests->disarm(bus->user, error);
}

static int refuse(sd_bus_message *message, const char *why) {
        g_autofree char *sentence =
                g_strdup_printf("%s is for root only: %s", sd_bus_message_get_member(message), why);

        return answer_error(message, SD_BUS_ERROR_ACCESS_DENIED, sentence);
}

static int answer_root(Call *call) {
        const char *member = sd_bus_message_get_member(call->message);
        g_autoptr(GError) error = NULL;
        int r;

        if (g_str_equal(member, "ListFdb")) {
                r = list_fdb(call->bus, call->message);
                /* sd-bus turns an error into a reply only where it called the method itself. */
                return r < 0 ? sd_bus_reply_method_errno(call->message, r, NULL) : r;
        }
        if (g_str_equal(member, "GetPlan")) {
                r = get_plan(call->bus, call->message);
                return r < 0 ? sd_bus_reply_method_errno(call->message, r, NULL) : r;
        }
        if (g_str_equal(member, "Check")) {
                r = check(call->bus, call->message);
                return r < 0 ? sd_bus_reply_method_errno(call->message, r, NULL) : r;
        }
        if (!request_change(call->bus, member, call->argument, &error))
                return answer_error(call->message, error_name(error), error->message);
        return sd_bus_reply_method_return(call->message, NULL);
}

static int on_caller_known(sd_bus_message *reply, gpointer user, sd_bus_error *ret_error) {
        g_autoptr(Call) call = user;
        g_autofree char *who = NULL;
        uint32_t uid;

        (void) ret_error;
        if (sd_bus_message_is_method_error(reply, NULL) ||
            sd_bus_message_read(reply, "u", &uid) < 0)
                return refuse(call->message, "the bus does not say who calls");
        if (uid != 0) {
                who = g_strdup_printf("the caller is user %u", uid);
                return refuse(call->message, who);
        }
        return answer_root(call);
}

/* sd_bus_query_sender_creds() would wait for the bus in the middle of the loop. */
static int ask_for_caller(BwBus *bus, sd_bus_message *message, const char *argument) {
        g_autoptr(Call) call = g_new0(Call, 1);
        int r;

        call->bus = bus;
        call->message = sd_bus_message_ref(message);
        call->argument = argument;
        r = sd_bus_call_method_async(bus->connection, &call->slot, "org.freedesktop.DBus",
                                     "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                     "GetConnectionUnixUser", on_caller_known, call, "s",
                                     sd_bus_message_get_sender(message));
        if (r < 0)
                return r;
        g_queue_push_tail(&bus->calls, g_steal_pointer(&call));
        return 1;
}

static int for_root(sd_bus_message *message, gpointer user, sd_bus_error *ret_error) {
        const char *argument = "";
        BwBus *bus = user;
        int r;

        (void) ret_error;
        if (!sd_bus_message_is_empty(message)) {
                r = sd_bus_message_read(message, "s", &argument);
                if (r < 0)
                        return r;
        }
        if (strlen(argument) > MAX_ARGUMENT)
                return answer_error(message, SD_BUS_ERROR_INVALID_ARGS,
                                    "the name is longer than 4096 bytes: no port or guest has it");
        if (sd_bus_message_get_sender(message) == NULL)
                return refuse(message, "the message has no sender");
        if (g_queue_get_length(&bus->calls) >= MAX_CALLS)
                return answer_error(message, SD_BUS_ERROR_LIMITS_EXCEEDED, TOO_MANY_CALLS);
        return ask_for_caller(bus, message, argument);
}

/* Properties */

static const Property *find_property(const char *name) {
        for (unsigned i = 0; i < MAX_PROPERTIES; i++)
                if (g_str_equal(properties[i].name, name))
                        return &properties[i];
        g_assert_not_reached();
}

static int append_property(sd_bus_message *reply, const Property *property, const void *value) {
        switch (property->type) {
        case 's':
                return bw_bus_append_text(reply, *(const char *const *) value);
        case 'a':
                return bw_bus_append_texts(reply, *(const char *const *const *) value);
        case 'e':
                return bw_bus_append_engines(reply, value);
        case 'h':
                return bw_bus_append_sentences(reply, value);
        case 'l':
                return bw_bus_append_hazards(reply, value);
        case 'b':
                return sd_bus_message_append(reply, "b", (int) *(const bool *) value);
        case 't':
                return sd_bus_message_append(reply, "t", *(const uint64_t *) value);
        default:
                return sd_bus_message_append(reply, "u", *(const unsigned *) value);
        }
}

static int read_property(sd_bus *connection, const char *path, const char *interface,
                         const char *name, sd_bus_message *reply, void *user,
                         sd_bus_error *ret_error) {
        const Property *property = find_property(name);
        BwBusState state = { 0 };
        BwBus *bus = user;

        (void) connection;
        (void) path;
        (void) interface;
        (void) ret_error;
        bus->requests->state(bus->user, &state);
        return append_property(reply, property, (const char *) &state + property->offset);
}

static bool lists_equal(const char *const *a, const char *const *b) {
        static const char *const none[] = { NULL };

        return g_strv_equal(a != NULL ? a : none, b != NULL ? b : none);
}

static bool engines_equal(const BwBusEngines *a, const BwBusEngines *b) {
        return a->named == b->named && a->in_force == b->in_force;
}

static bool values_equal(char type, const void *a, const void *b) {
        switch (type) {
        case 's':
                return g_strcmp0(*(const char *const *) a, *(const char *const *) b) == 0;
        case 'a':
                return lists_equal(*(const char *const *const *) a,
                                   *(const char *const *const *) b);
        case 'e':
                return engines_equal(a, b);
        case 'h':
        case 'l':
                return bw_bus_hazards_equal(a, b);
        case 'b':
                return *(const bool *) a == *(const bool *) b;
        case 't':
                return *(const uint64_t *) a == *(const uint64_t *) b;
        default:
                return *(const unsigned *) a == *(const unsigned *) b;
        }
}

static void forget_shown(BwBus *bus) {
        bw_bus_hazards_clear(&bus->shown.hazards);
        g_strfreev((char **) bus->shown.bridges);
        bus->shown = (BwBusState){ 0 };
}

static void keep_shown(BwBus *bus, const BwBusState *state) {
        BwBusState copy = *state;

        copy.version = NULL;
        copy.hazards = bw_bus_hazards_copy(&state->hazards);
        copy.bridges = (const char *const *) g_strdupv((char **) state->bridges);
        forget_shown(bus);
        bus->shown = copy;
}

void bw_bus_changed(BwBus *bus) {
        const char *changed[MAX_PROPERTIES + 1] = { NULL };
        BwBusState state = { 0 };
        uint64_t unsent = 0;
        unsigned n = 0;

        if (!bus->has_name || sd_bus_get_n_queued_write(bus->connection, &unsent) < 0 ||
            unsent > MAX_UNSENT)
                return;
        bus->requests->state(bus->user, &state);
        for (unsigned i = 0; i < MAX_PROPERTIES; i++) {
                const Property *property = &properties[i];

                if (property->is_told &&
                    !values_equal(property->type, (const char *) &state + property->offset,
                                  (const char *) &bus->shown + property->offset))
                        changed[n++] = property->name;
        }
        if (n == 0)
                return;
        bw_bus_tell_hazards(bus->connection, PATH, INTERFACE, &bus->shown.hazards, &state.hazards);
        keep_shown(bus, &state);
        (void) sd_bus_emit_properties_changed_strv(bus->connection, PATH, INTERFACE,
                                                   (char **) changed);
}

/* Each method for root asks for its caller itself, asynchronously; UNPRIVILEGED keeps sd-bus from
 * asking synchronously before. */
#define FOR_ROOT SD_BUS_VTABLE_UNPRIVILEGED
#define TELLS    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Resync", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, for_root, FOR_ROOT),
        SD_BUS_METHOD_WITH_ARGS("ResyncPort", SD_BUS_ARGS("s", port), SD_BUS_NO_RESULT, for_root,
                                FOR_ROOT),
        SD_BUS_METHOD_WITH_ARGS("ResyncGuest", SD_BUS_ARGS("s", guest), SD_BUS_NO_RESULT, for_root,
                                FOR_ROOT),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, for_root, FOR_ROOT),
        SD_BUS_METHOD_WITH_ARGS("Disarm", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, for_root, FOR_ROOT),
        SD_BUS_METHOD_WITH_ARGS("ListPorts", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", ports),
                                list_ports, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetTopology", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("aa{sv}", bridges, "aa{sv}", ports, "as", warnings),
                                get_topology, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", in, "s", out, "ay", frame),
                                SD_BUS_RESULT("aa{sv}", judgments, "s", fate), explain,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetPlan", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{ss}", rules), for_root,
                                FOR_ROOT),
        SD_BUS_METHOD_WITH_ARGS("Check", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(ssbs)", differences, "u", count), for_root,
                                FOR_ROOT),
        SD_BUS_METHOD_WITH_ARGS("ListFdb", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", entries),
                                for_root, FOR_ROOT),
        SD_BUS_PROPERTY("Version", "s", read_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Generation", "t", read_property, 0, TELLS),
        SD_BUS_PROPERTY("InSync", "b", read_property, 0, TELLS),
        SD_BUS_PROPERTY("Armed", "b", read_property, 0, TELLS),
        SD_BUS_PROPERTY("LastSyncUSec", "t", read_property, 0, 0),
        SD_BUS_PROPERTY("LibvirtConnected", "b", read_property, 0, TELLS),
        SD_BUS_PROPERTY("PortsGuarded", "u", read_property, 0, TELLS),
        SD_BUS_PROPERTY("PortsTotal", "u", read_property, 0, TELLS),
        SD_BUS_PROPERTY("Strangers", "u", read_property, 0, TELLS),
        SD_BUS_PROPERTY("ConfigErrors", "u", read_property, 0, TELLS),
        SD_BUS_PROPERTY("Engines", "a(sbas)", read_property, 0, TELLS),
        SD_BUS_PROPERTY("Hazards", "as", read_property, 0, TELLS),
        SD_BUS_PROPERTY("HazardList", "a(sss)", read_property, 0, TELLS),
        SD_BUS_PROPERTY("Bridges", "as", read_property, 0, TELLS),
        SD_BUS_SIGNAL_WITH_ARGS("HazardRaised", SD_BUS_ARGS("s", kind, "s", subject, "s", sentence),
                                0),
        SD_BUS_SIGNAL_WITH_ARGS("HazardCleared",
                                SD_BUS_ARGS("s", kind, "s", subject, "s", sentence), 0),
        SD_BUS_VTABLE_END,
};

/* The connection: here, or tried again later */

static void tell(BwBus *bus, Told news, const char *why) {
        if (bus->told == news)
                return;
        bus->told = news;
        bus->requests->connection(bus->user, news == TOLD_CONNECTED, why);
}

static void disconnect(BwBus *bus) {
        while (!g_queue_is_empty(&bus->calls))
                call_free(g_queue_peek_head(&bus->calls));
        forget_waiting(bus);
        if (bus->source != NULL) {
                g_source_destroy(bus->source);
                g_clear_pointer(&bus->source, g_source_unref);
        }
        if (bus->connection != NULL)
                bus->connection = sd_bus_close_unref(bus->connection);
        bus->has_name = false;
        forget_shown(bus);
}

static gboolean on_retry(gpointer user);

static void retry_later(BwBus *bus, const char *why) {
        disconnect(bus);
        g_assert(bus->retry == 0);
        bus->retry = g_timeout_add_seconds(bus->retry_seconds, on_retry, bus);
        bus->retry_seconds = MIN(bus->retry_seconds * 2, RETRY_LAST_S);
        tell(bus, TOLD_LOST, why);
}

static void on_lost(int error, gpointer user) {
        g_autofree char *why =
                g_strdup_printf("the connection to the system bus ended: %s", g_strerror(-error));

        retry_later(user, why);
}

static void on_name_refused(BwBus *bus, const sd_bus_error *error) {
        const char *cause =
                error != NULL && error->message != NULL ? error->message : "another program has it";
        g_autofree char *why =
                g_strdup_printf("the system bus does not give us the name " NAME ": %s", cause);

        retry_later(bus, why);
}

static int on_name(sd_bus_message *reply, gpointer user, sd_bus_error *ret_error) {
        BwBusState state = { 0 };
        BwBus *bus = user;
        uint32_t answer = 0;

        (void) ret_error;
        (void) sd_bus_message_read(reply, "u", &answer);
        /* 1: we are its owner now, in the words of the D-Bus specification. */
        if (sd_bus_message_is_method_error(reply, NULL) || answer != 1) {
                on_name_refused(bus, sd_bus_message_get_error(reply));
                return 1;
        }
        bus->has_name = true;
        bus->retry_seconds = RETRY_FIRST_S;
        bus->requests->state(bus->user, &state);
        keep_shown(bus, &state);
        tell(bus, TOLD_CONNECTED, NAME " is on the system bus");
        return 1;
}

static int open_connection(BwBus *bus) {
        int r = sd_bus_open_system_with_description(&bus->connection, "bridgewardend");

        if (r < 0)
                return r;
        r = sd_bus_set_method_call_timeout(bus->connection, CALL_TIMEOUT_USEC);
        if (r < 0)
                return r;
        r = sd_bus_add_object_vtable(bus->connection, NULL, PATH, INTERFACE, vtable, bus);
        if (r < 0)
                return r;
        return sd_bus_request_name_async(bus->connection, NULL, NAME, 0, on_name, bus);
}

static void connect_to_bus(BwBus *bus) {
        int r = open_connection(bus);

        if (r < 0) {
                g_autofree char *why =
                        g_strdup_printf("the system bus cannot be reached: %s", g_strerror(-r));

                retry_later(bus, why);
                return;
        }
        bus->source = bw_bus_source_new(bus->connection, on_lost, bus);
        g_source_set_priority(bus->source, BW_PRIORITY_ASKED);
        g_source_attach(bus->source, NULL);
}

static gboolean on_retry(gpointer user) {
        BwBus *bus = user;

        bus->retry = 0;
        connect_to_bus(bus);
        return G_SOURCE_REMOVE;
}

BwBus *bw_bus_new(const BwBusRequests *requests, gpointer user) {
        BwBus *bus = g_new0(BwBus, 1);

        bus->requests = requests;
        bus->user = user;
        bus->retry_seconds = RETRY_FIRST_S;
        g_queue_init(&bus->calls);
        g_queue_init(&bus->waiting);
        /* In the loop: nothing is told before the caller has what we return. */
        bus->retry = g_idle_add(on_retry, bus);
        return bus;
}

void bw_bus_free(BwBus *bus) {
        if (bus == NULL)
                return;
        if (bus->retry != 0)
                g_source_remove(bus->retry);
        disconnect(bus);
        g_clear_handle_id(&bus->turn, g_source_remove);
        g_free(bus);
}
