/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_client.h"
#include "fake_world.h"

#include <bw/corpus.h>
#include <bw/reason.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* ListPorts */

static const char *const some_macs[] = { "52:54:00:00:00:03", NULL };
static const char *const some_addresses[] = { "192.168.50.13", "2001:db8::/64", NULL };
static const char *const nothing[] = { NULL };

static const BwBusPort hostile_ports[] = {
        { .port = "vk63",
          .bridge = "virbr6",
          .guest = "a\"b\n%n\xff",
          .uuid = "u",
          .role = "guest",
          .mode = "enforce",
          .state = "bound",
          .protected = true,
          .macs = some_macs,
          .addresses = some_addresses,
          .where = "x.conf:3",
          .trouble = "",
          .dropped = { [BW_REASON_NONE] = 9, [BW_REASON_SPOOFED_IP] = 7 },
          .monitored = { [BW_REASON_UNBOUND] = 1 } },
        { .port = "\xfe",
          .bridge = "virbr6",
          .guest = "",
          .uuid = "",
          .role = "",
          .mode = "",
          .state = "stranger",
          .macs = nothing,
          .addresses = NULL,
          .where = NULL,
          .trouble = "t" },
};

static char *dump(sd_bus_message *message) {
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        g_assert_cmpint(sd_bus_message_dump(message, stream, 0), >=, 0);
        (void) fclose(stream);
        return text;
}

static void expect_row(const char *text, const char *key, const char *value) {
        g_autofree char *pattern =
                g_strdup_printf("STRING \"%s\";\\s*VARIANT \"[^\"]*\" \\{\\s*%s", key, value);

        if (!g_regex_match_simple(pattern, text, 0, 0))
                g_error("no %s in %s", pattern, text);
}

static void list_hostile(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        g_autofree char *text = NULL;

        (void) user;
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, "ListPorts", NULL,
                                           &reply, ""),
                        >=, 0);
        g_assert_true(sd_bus_message_has_signature(reply, "aa{sv}"));
        text = dump(reply);
        expect_row(text, "Port", "STRING \"vk63\"");
        expect_row(text, "Guest", "STRING \"a\"b\n%n\\\\xff\"");
        expect_row(text, "Protected", "BOOLEAN true");
        expect_row(text, "MACs", "ARRAY \"s\" \\{\\s*STRING \"52:54:00:00:00:03\"");
        expect_row(text, "Addresses",
                   "ARRAY \"s\" \\{\\s*STRING \"192.168.50.13\";\\s*STRING \"2001:db8::/64\"");
        expect_row(text, "Where", "STRING \"x.conf:3\"");
        expect_row(text, "Dropped",
                   "ARRAY \"\\{st\\}\" \\{\\s*DICT_ENTRY \"st\" \\{\\s*STRING \"spoofed-ip\";"
                   "\\s*UINT64 7;\\s*\\};\\s*\\};");
        expect_row(text, "Monitored",
                   "ARRAY \"\\{st\\}\" \\{\\s*DICT_ENTRY \"st\" \\{\\s*STRING "
                   "\"unbound\";\\s*UINT64 1;\\s*\\};\\s*\\};");
        expect_row(text, "Port", "STRING \"\\\\xfe\"");
        expect_row(text, "Trouble", "STRING \"t\"");
        sd_bus_message_unref(reply);
}

static void test_list_ports(void) {
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.ports = hostile_ports;
        world.warden.n_ports = G_N_ELEMENTS(hostile_ports);
        bw_test_client_run(0, list_hostile, NULL);
        bw_fake_world_close(&world);
}

typedef struct Length {
        const char *member;
        unsigned rows;
} Length;

static void count_rows(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        const Length *length = user;
        unsigned rows = 0;

        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, length->member, NULL,
                                           &reply, ""),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "a{sv}"), >, 0);
        while (sd_bus_message_skip(reply, "a{sv}") > 0)
                rows++;
        g_assert_cmpuint(rows, ==, length->rows);
        sd_bus_message_unref(reply);
}

static void read_topology(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        const char *sentence;

        (void) user;
        g_assert_cmpint(sd_bus_call_method(connection, NAME, PATH, INTERFACE, "GetTopology", NULL,
                                           &reply, ""),
                        >=, 0);
        g_assert_cmpstr(sd_bus_message_get_signature(reply, true), ==, "aa{sv}aa{sv}as");
        g_assert_cmpint(sd_bus_message_skip(reply, "aa{sv}aa{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "s"), >, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "s", &sentence), >, 0);
        g_assert_cmpstr(sentence, ==, "all\x1b[2J is \\xff lost");
        sd_bus_message_unref(reply);
}

/* Names of any bytes, for somebody who is not root. */
static void test_topology(void) {
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_client_run(NOBODY, read_topology, NULL);
        bw_fake_world_close(&world);
}

static void test_list_many_ports(void) {
        Length expected = { "ListPorts", 2 * 2000 };
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.ports = hostile_ports;
        world.warden.n_ports = G_N_ELEMENTS(hostile_ports);
        world.warden.repeat = 2000;
        bw_test_client_run(0, count_rows, &expected);
        bw_fake_world_close(&world);
}

/* Explain() */

typedef struct Question {
        const char *in, *out;
        gsize length;      /* of the frame: an ARP of the attacker's, then zeroes */
        const char *error; /* NULL: answered */
        const char *fate, *reason;
} Question;

static sd_bus_message *ask_explain(sd_bus *connection, const Question *question,
                                   sd_bus_error *error) {
        g_autofree uint8_t *frame = g_malloc0(question->length + 64);
        sd_bus_message *message = NULL, *reply = NULL;

        memcpy(frame,
               "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x9f\x5d\x0d\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"
               "\x52\x54\x00\x9f\x5d\x0d\xc0\xa8\x32\x63",
               32);
        g_assert_cmpint(sd_bus_message_new_method_call(connection, &message, NAME, PATH, INTERFACE,
                                                       "Explain"),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_append(message, "ss", question->in, question->out), >=, 0);
        g_assert_cmpint(sd_bus_message_append_array(message, 'y', frame, question->length), >=, 0);
        (void) sd_bus_call(connection, message, 0, error, &reply);
        sd_bus_message_unref(message);
        return reply;
}

/* The text of @key in the first row, which is skipped over. */
static char *first_text(sd_bus_message *reply, const char *key) {
        const char *found, *text = NULL;
        char *copy = NULL;

        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "{sv}"), >, 0);
        while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
                g_assert_cmpint(sd_bus_message_read(reply, "s", &found), >, 0);
                if (g_str_equal(found, key)) {
                        g_assert_cmpint(sd_bus_message_read(reply, "v", "s", &text), >, 0);
                        copy = g_strdup(text);
                } else
                        g_assert_cmpint(sd_bus_message_skip(reply, "v"), >, 0);
                sd_bus_message_exit_container(reply);
        }
        sd_bus_message_exit_container(reply);
        return copy;
}

static void explain(sd_bus *connection, gconstpointer user) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const Question *question = user;
        sd_bus_message *reply = ask_explain(connection, question, &error);
        g_autofree char *reason = NULL;
        const char *fate;

        g_assert_cmpstr(error.name, ==, question->error);
        sd_bus_error_free(&error);
        if (question->error != NULL)
                return;
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "a{sv}"), >, 0);
        reason = first_text(reply, "Reason");
        while (sd_bus_message_skip(reply, "a{sv}") > 0)
                ;
        sd_bus_message_exit_container(reply);
        g_assert_cmpint(sd_bus_message_read(reply, "s", &fate), >, 0);
        g_assert_cmpstr(reason, ==, question->reason);
        g_assert_cmpstr(fate, ==, question->fate);
        sd_bus_message_unref(reply);
}

/* For everybody; frames and names of any length are answered or refused. */
static void test_explain(void) {
        static const char *const none[] = { NULL };
        g_autofree char *longer = g_strnfill(4097, 'x');
        BwScene scene = bw_scene_new();
        g_autoptr(BwPlan) plan = bw_scene_plan_new(&scene, none, "");
        const char *in = scene.stations[BW_WHO_ATTACKER].port;
        const Question questions[] = {
                { in, "", 42, NULL, "dropped", "spoofed-arp" },
                { in, scene.stations[BW_WHO_VICTIM].port, 42, NULL, "dropped", "spoofed-arp" },
                { scene.bridge, "", 42, NULL, "passes", "" },
                { in, "", 0, NULL, "dropped", "ethertype" },
                { in, "", 65536, NULL, "dropped", "spoofed-arp" },
                { in, "", 65537, NAME ".Error.Invalid", NULL, NULL },
                { "nope", "", 42, NAME ".Error.NoSuchPort", NULL, NULL },
                { in, "nope", 42, NAME ".Error.NoSuchPort", NULL, NULL },
                { longer, "", 42, SD_BUS_ERROR_INVALID_ARGS, NULL, NULL },
                { in, longer, 42, SD_BUS_ERROR_INVALID_ARGS, NULL, NULL },
        };
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.plan = plan;
        for (unsigned i = 0; i < G_N_ELEMENTS(questions); i++)
                bw_test_client_run(bw_fake_world_is_root() ? NOBODY : 0, explain, &questions[i]);
        g_assert_cmpuint(world.warden.explained, ==, G_N_ELEMENTS(questions) - 2);
        bw_fake_world_close(&world);
}

static void read_plan(sd_bus *connection, gconstpointer user) {
        sd_bus_message *reply = NULL;
        const char *command, *text;

        (void) user;
        g_assert_cmpint(
                sd_bus_call_method(connection, NAME, PATH, INTERFACE, "GetPlan", NULL, &reply, ""),
                >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "{ss}"), >, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "{ss}", &command, &text), >, 0);
        g_assert_cmpstr(command, ==, "iptables");
        g_assert_cmpstr(text, ==, "*raw\nCOMMIT\n");
        g_assert_cmpint(sd_bus_message_read(reply, "{ss}", &command, &text), >, 0);
        g_assert_cmpstr(command, ==, "nftables");
        g_assert_cmpstr(text, ==, "table bridge x \\xff {\n}\n");
        sd_bus_message_unref(reply);
}

static void test_get_plan(void) {
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_client_run(0, read_plan, NULL);
        g_set_error(&world.warden.refusal, BW_ERROR, BW_ERROR_BUSY, "nothing is planned");
        bw_test_client_expect(0, "GetPlan", NULL, NAME ".Error.Busy", "nothing is planned");
        bw_fake_world_close(&world);
}

/* How many there are, and how many are told of. */
typedef struct Differences {
        uint32_t count, rows;
} Differences;

static void read_check(sd_bus *connection, gconstpointer user) {
        const Differences *wanted = user;
        sd_bus_message *reply = NULL;
        const char *engine, *table, *line;
        uint32_t count = 0, rows = 0;
        int is_missing;

        g_assert_cmpint(
                sd_bus_call_method(connection, NAME, PATH, INTERFACE, "Check", NULL, &reply, ""),
                >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "(ssbs)"), >, 0);
        for (; sd_bus_message_read(reply, "(ssbs)", &engine, &table, &is_missing, &line) > 0;
             rows++) {
                g_assert_cmpstr(engine, ==, "iptables");
                g_assert_cmpstr(table, ==, "raw");
                g_assert_cmpint(is_missing, ==, 1);
                g_assert_cmpstr(line, ==, "-A bw-i-vk63\\xff -j DROP");
        }
        g_assert_cmpint(sd_bus_message_exit_container(reply), >=, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "u", &count), >, 0);
        g_assert_cmpuint(count, ==, wanted->count);
        g_assert_cmpuint(rows, ==, wanted->rows);
        sd_bus_message_unref(reply);
}

/* However much is wrong, what is told of it stays readable; and asking changes nothing. */
static void test_check(void) {
        static const Differences none = { 0, 0 }, two = { 2, 2 }, many = { 40000, 16384 };
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        bw_test_client_run(0, read_check, &none);
        world.warden.n_differences = two.count;
        bw_test_client_run(0, read_check, &two);
        world.warden.n_differences = many.count;
        bw_test_client_run(0, read_check, &many);
        g_assert_cmpuint(world.warden.checked, ==, 3);
        for (unsigned i = 0; i < BW_FAKE_MAX; i++)
                g_assert_cmpuint(world.warden.requests[i], ==, 0);
        g_set_error(&world.warden.refusal, BW_ERROR, BW_ERROR_BUSY, "nothing is planned");
        bw_test_client_expect(0, "Check", NULL, NAME ".Error.Busy", "nothing is planned");
        bw_fake_world_close(&world);
}

/* As many as a guest can make a bridge learn, and the daemon goes on. */
static void test_list_long_fdb(void) {
        Length some = { "ListFdb", 3 }, most = { "ListFdb", 16384 };
        BwFakeWorld world;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.n_fdb = 3;
        bw_test_client_run(0, count_rows, &some);
        world.warden.n_fdb = 65536;
        bw_test_client_run(0, count_rows, &most);
        g_assert_cmpuint(world.warden.fdb_asked, ==, 2);
        bw_test_client_expect(0, "Resync", NULL, NULL, NULL);
        bw_fake_world_close(&world);
}

/* Questions: those that take time keep nobody from being answered, and each has a turn of its own.
 */

/* A bus lets nobody wait for more than 128 answers. */
#define EACH         100
#define CALLERS      11
#define MOST_WAITING 1024 /* in all; the others are refused */

typedef struct Crowd {
        sd_bus *callers[CALLERS];
        unsigned n;
        BwTestAnswers answers; /* to their questions for the ports */
} Crowd;

static void crowd_ask(Crowd *crowd, unsigned n) {
        crowd->n = n;
        for (unsigned i = 0; i < n; i++) {
                g_assert_cmpint(sd_bus_open_system(&crowd->callers[i]), >=, 0);
                for (unsigned k = 0; k < EACH; k++)
                        g_assert_cmpint(sd_bus_call_method_async(crowd->callers[i], NULL, NAME,
                                                                 PATH, INTERFACE, "ListPorts",
                                                                 bw_test_client_on_answer,
                                                                 &crowd->answers, ""),
                                        >=, 0);
                g_assert_cmpint(sd_bus_flush(crowd->callers[i]), >=, 0);
        }
}

static void crowd_wait(Crowd *crowd, const unsigned *number, unsigned value) {
        while (*number < value) {
                int done = 0;

                for (unsigned i = 0; i < crowd->n; i++)
                        done += sd_bus_process(crowd->callers[i], NULL);
                if (done == 0)
                        g_usleep(1000);
        }
}

static void ask_many(sd_bus *connection, gconstpointer user) {
        Crowd crowd = { .n = 0 };

        (void) connection;
        (void) user;
        crowd_ask(&crowd, 2);
        crowd_wait(&crowd, &crowd.answers.fine, 2 * EACH);
        g_assert_cmpuint(crowd.answers.refused, ==, 0);
}

static gboolean count_turn(gpointer user) {
        (*(unsigned *) user)++;
        return G_SOURCE_REMOVE;
}

/* What the guard has to do comes between any two answers. */
static void test_a_turn_each(void) {
        unsigned turns = 0, listed = 0, wanted = 0;
        BwFakeWorld world;
        pid_t client;
        int status;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.takes_time = true;
        client = bw_test_client_start(NOBODY, ask_many, NULL);
        bw_fake_world_run_until(&world.warden.prepared, 1);
        for (int64_t end = g_get_monotonic_time() + LIMIT_USEC;
             listed < 2 * EACH && g_get_monotonic_time() < end;) {
                if (world.warden.prepared > listed)
                        bw_bus_ports_ready(world.warden.bus);
                g_idle_add_full(G_PRIORITY_DEFAULT, count_turn, &turns, NULL);
                wanted++;
                while (turns < wanted)
                        g_main_context_iteration(NULL, FALSE);
                g_main_context_iteration(NULL, FALSE);
                g_assert_cmpuint(world.warden.listed, <=, listed + 1);
                listed = world.warden.listed;
        }
        g_assert_cmpuint(listed, ==, 2 * EACH);
        g_assert_cmpuint(world.warden.prepared, ==, 2 * EACH);
        g_assert_cmpint(waitpid(client, &status, 0), ==, client);
        g_assert_cmpint(status, ==, 0);
        bw_fake_world_close(&world);
}

static void ask_and_overtake(sd_bus *connection, gconstpointer user) {
        const unsigned too_many = CALLERS * EACH - MOST_WAITING;
        Crowd crowd = { .n = 0 };
        uint64_t generation = 0;

        (void) user;
        crowd_ask(&crowd, CALLERS);
        crowd_wait(&crowd, &crowd.answers.refused, too_many);
        g_assert_cmpint(sd_bus_get_property_trivial(connection, NAME, PATH, INTERFACE, "Generation",
                                                    NULL, 't', &generation),
                        >=, 0);
        g_assert_cmpuint(generation, ==, 42);
        g_assert_cmpuint(crowd.answers.fine, ==, 0);
        g_assert_cmpint(
                sd_bus_call_method(connection, NAME, PATH, INTERFACE, "Resync", NULL, NULL, ""), >=,
                0);
        crowd_wait(&crowd, &crowd.answers.fine, MOST_WAITING);
        g_assert_cmpuint(crowd.answers.refused, ==, too_many);
}

/* While nothing is ready; the last question before it is, is for root, and is seen here. */
static void test_ports_wait(void) {
        BwFakeWorld world;
        pid_t client;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.takes_time = true;
        client = bw_test_client_start(0, ask_and_overtake, NULL);
        bw_fake_world_run_until(&world.warden.requests[BW_FAKE_RESYNC], 1);
        g_assert_cmpuint(world.warden.prepared, ==, 1);
        g_assert_cmpuint(world.warden.listed, ==, 0);
        world.warden.takes_time = false;
        bw_bus_ports_ready(world.warden.bus);
        bw_test_client_finish(client);
        g_assert_cmpuint(world.warden.listed, ==, MOST_WAITING);
        bw_fake_world_close(&world);
}

static void ask_and_leave(sd_bus *connection, gconstpointer user) {
        Crowd crowd = { .n = 0 };

        (void) connection;
        (void) user;
        crowd_ask(&crowd, 1);
        g_usleep(LIMIT_USEC);
}

static void stop_client(pid_t client) {
        (void) kill(client, SIGKILL);
        g_assert_cmpint(waitpid(client, NULL, 0), ==, client);
}

/* Who waited is gone with the bus; when it is back, others are answered. */
static void test_bus_dies_while_ports_wait(void) {
        Length expected = { "ListPorts", G_N_ELEMENTS(hostile_ports) };
        BwFakeWorld world;
        pid_t client;

        bw_fake_world_open(&world, BW_TEST_POLICY_SHIPPED);
        world.warden.ports = hostile_ports;
        world.warden.n_ports = G_N_ELEMENTS(hostile_ports);
        world.warden.takes_time = true;
        client = bw_test_client_start(0, ask_and_leave, NULL);
        bw_fake_world_run_until(&world.warden.prepared, 1);
        bw_test_bus_stop(world.bus);
        bw_fake_world_run_until(&world.warden.went, 1);
        stop_client(client);
        bw_bus_ports_ready(world.warden.bus);
        world.bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        bw_fake_world_run_until(&world.warden.came, 2);
        g_assert_cmpuint(world.warden.listed, ==, 0);
        world.warden.takes_time = false;
        bw_test_client_run(0, count_rows, &expected);
        g_assert_cmpuint(world.warden.listed, ==, 1);

        /* Some wait when we are freed. */
        world.warden.takes_time = true;
        client = bw_test_client_start(0, ask_and_leave, NULL);
        bw_fake_world_run_until(&world.warden.prepared, 3);
        g_clear_pointer(&world.warden.bus, bw_bus_free);
        stop_client(client);
        bw_fake_world_close(&world);
}

static void add_tests(void) {
        g_test_add_func("/bus/list-ports", test_list_ports);
        g_test_add_func("/bus/topology", test_topology);
        g_test_add_func("/bus/list-many-ports", test_list_many_ports);
        g_test_add_func("/bus/explain", test_explain);
        g_test_add_func("/bus/get-plan", test_get_plan);
        g_test_add_func("/bus/check", test_check);
        g_test_add_func("/bus/list-long-fdb", test_list_long_fdb);
        g_test_add_func("/bus/a-turn-each", test_a_turn_each);
        g_test_add_func("/bus/ports-wait", test_ports_wait);
        g_test_add_func("/bus/bus-dies-while-ports-wait", test_bus_dies_while_ports_wait);
}

int main(int argc, char **argv) {
        return bw_fake_world_run_tests(argc, argv, add_tests);
}
