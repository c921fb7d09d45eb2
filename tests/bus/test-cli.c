/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fake_warden.h"
#include "netns.h"
#include "private_bus.h"

#include <bw/corpus.h>
#include <bw/reason.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY      65534
#define LIMIT_USEC  (30 * G_USEC_PER_SEC)
#define FAKE_DAEMON "/run/bridgewarden-test/bridgewardend"

static const char *program;
static bool is_really_root;

static const char *const macs[] = { "52:54:00:00:00:03", NULL };
static const char *const addresses[] = { "192.168.50.13", "192.168.50.14", "10.0.0.0/8", NULL };
static const char *const nothing[] = { NULL };

static const BwBusPort some_ports[] = {
        { .port = "vk63",
          .bridge = "virbr6",
          .guest = "kali3",
          .uuid = "u-u-i-d",
          .role = "guest",
          .mode = "enforce",
          .state = "bound",
          .protected = true,
          .macs = macs,
          .addresses = addresses,
          .where = "bridgewarden.conf:3",
          .trouble = "",
          .dropped = { [BW_REASON_SPOOFED_IP] = 7, [BW_REASON_MISDELIVERED] = 5 } },
        { .port = "$(x)\x1b[2J",
          .bridge = "virbr6",
          .guest = "a\nb\xe2\x80\xae%n",
          .uuid = "",
          .role = "guest",
          .mode = "monitor",
          .state = "closed",
          .macs = nothing,
          .addresses = nothing,
          .where = "",
          .trouble = "the section is broken",
          .monitored = { 0, 2 } },
};

typedef struct World {
        GPid bus;
        BwFakeWarden warden;
} World;

static void world_open(World *world) {
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;

        world->bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        bw_fake_warden_init(&world->warden);
        world->warden.ports = some_ports;
        world->warden.n_ports = G_N_ELEMENTS(some_ports);
        world->warden.bus = bw_bus_new(&bw_fake_requests, &world->warden);
        while (world->warden.came == 0 && g_get_monotonic_time() < deadline)
                g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(world->warden.came, ==, 1);
}

static void world_close(World *world) {
        bw_bus_free(world->warden.bus);
        bw_fake_warden_clear(&world->warden);
        bw_test_bus_stop(world->bus);
}

/* What a run said, and how it ended */

typedef struct Run {
        int exit;
        char *out, *err;
} Run;

static void run_clear(Run *run) {
        g_free(run->out);
        g_free(run->err);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

static void in_child(gpointer user) {
        uid_t uid = GPOINTER_TO_UINT(user);

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (uid != 0 && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
                         setresuid(uid, uid, uid) < 0))
                _exit(99);
}

static char *read_all(int fd) {
        GString *text = g_string_new(NULL);
        char buffer[4096];
        ssize_t length;

        while ((length = read(fd, buffer, sizeof(buffer))) > 0)
                g_string_append_len(text, buffer, length);
        g_close(fd, NULL);
        return g_string_free(text, FALSE);
}

/* The daemon's side goes on while the program runs; what it says fits in a pipe. */
static Run run_as(uid_t uid, const char *const *words) {
        g_autoptr(GPtrArray) arguments = g_ptr_array_new();
        g_autoptr(GError) error = NULL;
        int64_t deadline = g_get_monotonic_time() + LIMIT_USEC;
        int out, err, status = 0;
        Run run;
        GPid pid;

        g_ptr_array_add(arguments, (gpointer) program);
        for (; *words != NULL; words++)
                g_ptr_array_add(arguments, (gpointer) *words);
        g_ptr_array_add(arguments, NULL);
        g_spawn_async_with_pipes(NULL, (char **) arguments->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                                 in_child, GUINT_TO_POINTER(uid), &pid, NULL, &out, &err, &error);
        g_assert_no_error(error);
        while (waitpid(pid, &status, WNOHANG) == 0) {
                g_main_context_iteration(NULL, FALSE);
                g_usleep(500);
                if (g_get_monotonic_time() > deadline) {
                        (void) kill(pid, SIGKILL);
                        deadline = G_MAXINT64;
                }
        }
        g_assert_true(WIFEXITED(status));
        run.exit = WEXITSTATUS(status);
        run.out = read_all(out);
        run.err = read_all(err);
        return run;
}

#define RUN(...) run_as(0, (const char *const[]){ __VA_ARGS__, NULL })

static void expect_words(const char *text, const char *words) {
        if (strstr(text, words) == NULL)
                g_error("no \"%s\" in: %s", words, text);
}

static JsonNode *parse_json(const char *text) {
        g_autoptr(GError) error = NULL;
        JsonNode *node = json_from_string(text, &error);

        g_assert_no_error(error);
        g_assert_nonnull(node);
        return node;
}

static void test_usage(void) {
        static const char *const wrong[][4] = { { NULL },
                                                { "frob" },
                                                { "port" },
                                                { "port", "a", "b" },
                                                { "ports", "a" },
                                                { "status", "--frob" },
                                                { "--", "--json" },
                                                { "resync", "a", "b" },
                                                { "explain" },
                                                { "plan", "vk63" },
                                                { "plan", "--in" },
                                                { "explain", "--engine", "x" },
                                                { "plan", "--engine", "x" },
                                                { "check", "vk63" },
                                                { "check", "--live" },
                                                { "check", "--engine", "both" } };

        for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_auto(Run) run = run_as(0, wrong[i]);

                g_assert_cmpint(run.exit, ==, 2);
                g_assert_cmpstr(run.out, ==, "");
                expect_words(run.err, "bridgewarden help");
        }
}

static void test_help_and_version(void) {
        g_auto(Run) help = RUN("help"), version = RUN("version"), json = RUN("--json", "version"),
                    option = RUN("-h"), late = RUN("status", "--help"),
                    options = RUN("explain", "--help"), named = RUN("topology", "--help");
        g_autoptr(JsonNode) node = parse_json(json.out);

        g_assert_cmpint(help.exit, ==, 0);
        expect_words(help.out, "disarm");
        g_assert_cmpstr(option.out, ==, help.out);
        g_assert_cmpstr(late.out, ==, help.out);
        g_assert_cmpint(option.exit + late.exit + options.exit, ==, 0);
        expect_words(options.out, "--arp-reply");
        expect_words(named.out, "topology [OPTION…] [NAME]");
        g_assert_cmpstr(version.out, ==, "bridgewarden " BW_VERSION "\n");
        g_assert_cmpstr(json_object_get_string_member(json_node_get_object(node), "Version"), ==,
                        BW_VERSION);
}

static void expect_engine(JsonArray *engines, unsigned i, const char *name, bool in_force) {
        JsonArray *engine = json_array_get_array_element(engines, i);
        JsonArray *reasons = json_array_get_array_element(engine, 2);

        g_assert_cmpuint(json_array_get_length(engines), ==, 2);
        g_assert_cmpstr(json_array_get_string_element(engine, 0), ==, name);
        g_assert_cmpint(json_array_get_boolean_element(engine, 1), ==, in_force);
        g_assert_cmpstr(json_array_get_string_element(reasons, 0), ==, "unbound");
}

static void test_status(void) {
        static const BwBusHazard hazards[] = { { "no-br-netfilter", "", "br_netfilter is off" },
                                               { "other", "x", "x\x1b[31m" } };
        World world;

        world_open(&world);
        {
                g_auto(Run) run = RUN("status");

                g_assert_cmpint(run.exit, ==, 0);
                expect_words(run.out, "Guard       in force\n");
                expect_words(run.out,
                             "Engines     iptables: in force; unbound, spoofed-ip, "
                             "border-spoof, misdelivered, reflected, border-misdelivered\n"
                             "            nftables: NOT IN FORCE; unbound, ethertype, bpdu, ");
                expect_words(run.out, "Bridges     virbr4 virbr6\n");
                expect_words(run.out, "Ports       3 of 4 guarded, 1 unknown\n");
                expect_words(run.out, "libvirt     connected\n");
                expect_words(run.out, "version 7.7, rules written 42 times");
        }
        world.warden.state.armed = false;
        world.warden.state.hazards = (BwBusHazards){ hazards, G_N_ELEMENTS(hazards) };
        {
                g_auto(Run) run = RUN("status");

                g_assert_cmpint(run.exit, ==, 1);
                expect_words(run.out, "Guard       NOT IN FORCE: it was taken down");
                expect_words(run.out, "Hazards     no-br-netfilter: br_netfilter is off\n"
                                      "            other: x\\x1b[31m\n");
        }
        world.warden.state.armed = true;
        world.warden.state.in_sync = false;
        {
                g_auto(Run) run = RUN("status");

                g_assert_cmpint(run.exit, ==, 1);
                expect_words(run.out, "Guard       NOT AS PLANNED");
        }
        world.warden.state.in_sync = true;
        world.warden.state.config_errors = 2;
        {
                g_auto(Run) run = RUN("status", "--json");
                g_autoptr(JsonNode) node = parse_json(run.out);
                JsonObject *state = json_node_get_object(node);

                g_assert_cmpint(run.exit, ==, 1);
                g_assert_cmpuint(json_object_get_size(state), ==, 14);
                g_assert_cmpint(json_object_get_int_member(state, "ConfigErrors"), ==, 2);
                g_assert_cmpint(json_object_get_int_member(state, "LastSyncUSec"), ==,
                                1700000000000000);
                g_assert_true(json_object_get_boolean_member(state, "InSync"));
                expect_engine(json_object_get_array_member(state, "Engines"), 0, "iptables", true);
                expect_engine(json_object_get_array_member(state, "Engines"), 1, "nftables", false);
        }
        world_close(&world);
}

static void test_ports(void) {
        World world;

        world_open(&world);
        {
                g_auto(Run) run = RUN("ports");

                g_assert_cmpint(run.exit, ==, 0);
                g_assert_cmpstr(run.out, ==,
                                "PORT         BRIDGE  GUEST                 STATE    MODE     "
                                "ADDRESSES         DROPPED\n"
                                "vk63         virbr6  kali3                 bound    enforce  "
                                "192.168.50.13 +2  12\n"
                                "$(x)\\x1b[2J  virbr6  a\\x0ab\\xe2\\x80\\xae%n  closed*  monitor  "
                                "-                 0\n"
                                "* no rules seen in force that check this port\n");
        }
        {
                g_auto(Run) run = RUN("--json", "ports");
                g_autoptr(JsonNode) node = parse_json(run.out);
                JsonArray *list = json_node_get_array(node);
                JsonObject *second = json_array_get_object_element(list, 1);
                JsonObject *first = json_array_get_object_element(list, 0);

                g_assert_cmpuint(json_array_get_length(list), ==, 2);
                g_assert_cmpstr(json_object_get_string_member(second, "Guest"), ==,
                                some_ports[1].guest);
                g_assert_cmpint(
                        json_object_get_int_member(json_object_get_object_member(first, "Dropped"),
                                                   "spoofed-ip"),
                        ==, 7);
                g_assert_cmpuint(
                        json_array_get_length(json_object_get_array_member(first, "Addresses")), ==,
                        3);
        }
        world_close(&world);
}

static void expect_explained(const char *const *words, int exit, const char *out) {
        g_auto(Run) run = run_as(is_really_root ? NOBODY : 0, words);

        g_assert_cmpint(run.exit, ==, exit);
        expect_words(exit < 2 ? run.out : run.err, out);
}

#define EXPLAINED(exit, out, ...)                                                                  \
        expect_explained((const char *const[]){ "explain", __VA_ARGS__, NULL }, exit, out)

/* A daemon is asked about frames made from what it says of its ports. */
static void test_explain(void) {
        static const char *const none[] = { NULL };
        BwScene scene = bw_scene_new();
        g_autoptr(BwPlan) plan = bw_scene_plan_new(&scene, none, "");
        World world;

        world_open(&world);
        world.warden.plan = plan;
        EXPLAINED(1, "dropped, spoofed-mac\n", "--in", "vk63", "--dst", "10.0.0.1", "--dst-mac",
                  "52:54:00:9f:5d:0e");
        EXPLAINED(1, "dropped, spoofed-ip\n", "--in", "vk63", "--dst", "10.0.0.1", "--src",
                  "192.168.50.99", "--src-mac", "52:54:00:9f:5d:0d", "--dst-mac",
                  "52:54:00:9f:5d:0e");
        EXPLAINED(0, "Verdict     passes\n", "--in", "vk63", "--hex",
                  "ffffffffffff 5254009f5d0d 0806 0001 0800 06 04 0001 5254009f5d0d c0a8320d "
                  "000000000000 c0a8320e");
        EXPLAINED(4, "nope is on a guarded bridge", "--in", "nope", "--hex", "00");
        EXPLAINED(2, "say --dst", "--in", "vk63");
        g_assert_cmpuint(world.warden.explained, ==, 4);
        world_close(&world);
}

static void test_plan(void) {
        World world;

        world_open(&world);
        {
                g_auto(Run) all = RUN("plan"), one = RUN("plan", "--engine", "nftables"),
                            json = RUN("plan", "--json", "--engine=iptables"),
                            wrong = RUN("plan", "--engine", "pf\x1b");
                g_autoptr(JsonNode) node = parse_json(json.out);
                JsonObject *answer = json_node_get_object(node);

                g_assert_cmpint(all.exit + one.exit + json.exit, ==, 0);
                g_assert_cmpstr(all.out, ==,
                                "# iptables: iptables-restore --noflush\n*raw\nCOMMIT\n"
                                "# nftables: nft -f\ntable bridge x \\xff {\n}\n");
                g_assert_cmpstr(one.out, ==, "# nftables: nft -f\ntable bridge x \\xff {\n}\n");
                g_assert_cmpuint(
                        json_array_get_length(json_object_get_array_member(answer, "Ports")), ==,
                        G_N_ELEMENTS(some_ports));
                g_assert_cmpuint(
                        json_object_get_size(json_object_get_object_member(answer, "Rules")), ==,
                        1);
                g_assert_cmpint(wrong.exit, ==, 2);
                expect_words(wrong.err, "not: pf\\x1b;");
        }
        world_close(&world);
}

static void test_check(void) {
        World world;

        world_open(&world);
        {
                g_auto(Run) none = RUN("check");

                g_assert_cmpint(none.exit, ==, 0);
                g_assert_cmpstr(none.out, ==, "The kernel is as planned.\n");
        }
        world.warden.n_differences = 300;
        {
                g_auto(Run) all = RUN("check"), other = RUN("check", "--engine", "nftables"),
                            json = RUN("check", "--json");
                g_autoptr(JsonNode) node = parse_json(json.out);
                JsonObject *answer = json_node_get_object(node), *first;

                g_assert_cmpint(all.exit, ==, 1);
                g_assert_true(g_str_has_prefix(
                        all.out, "- iptables raw: -A bw-i-vk63\\xff -j DROP\n- iptables"));
                expect_words(all.out, "\n300 lines differ:");
                g_assert_cmpint(json.exit, ==, 1);
                g_assert_false(json_object_get_boolean_member(answer, "ok"));
                g_assert_cmpint(json_object_get_int_member(answer, "Count"), ==, 300);
                first = json_array_get_object_element(
                        json_object_get_array_member(answer, "Differences"), 0);
                g_assert_cmpstr(json_object_get_string_member(first, "Table"), ==, "raw");
                g_assert_true(json_object_get_boolean_member(first, "Missing"));
                g_assert_cmpint(other.exit, ==, 0);
        }
        g_set_error(&world.warden.refusal, BW_ERROR, BW_ERROR_BUSY, "nothing is planned");
        {
                g_auto(Run) run = RUN("check");

                g_assert_cmpint(run.exit, ==, 4);
                expect_words(run.err, "nothing is planned");
        }
        world_close(&world);
}

static void test_fdb(void) {
        World world;

        world_open(&world);
        {
                g_auto(Run) run = RUN("fdb");

                g_assert_cmpint(run.exit, ==, 0);
                g_assert_cmpstr(
                        run.out, ==,
                        "BRIDGE          MAC                PORT            CAME\n"
                        "virbr6          52:54:00:9f:5d:c1  vk63\\xff        4 s ago, VLAN 7, "
                        "the host's own\n");
        }
        {
                g_auto(Run) run = RUN("--json", "fdb");
                g_autoptr(JsonNode) node = parse_json(run.out);
                JsonObject *entry = json_array_get_object_element(json_node_get_array(node), 0);

                g_assert_cmpint(json_object_get_int_member(entry, "AgeUSec"), ==, 4200000);
        }
        world_close(&world);
}

static void expect_keys(JsonObject *object, const char *const *keys) {
        g_assert_cmpuint(json_object_get_size(object), ==, g_strv_length((char **) keys));
        for (; *keys != NULL; keys++)
                if (!json_object_has_member(object, *keys))
                        g_error("no key %s", *keys);
}

static JsonObject *object_at(JsonObject *topology, const char *list, unsigned i) {
        return json_array_get_object_element(json_object_get_array_member(topology, list), i);
}

/* What scripts go by: these keys and no others. */
static void check_topology_json(const char *text) {
        static const char *const whole[] = { "Bridges", "Ports", "Warnings", NULL };
        static const char *const bridge[] = {
                "Bridge",    "Segment",   "GuardedFor",    "Mode",       "UnknownPorts",
                "Up",        "STP",       "VLANFiltering", "AgeingUSec", "MAC",
                "Addresses", "PortCount", "Warnings",      NULL
        };
        static const char *const port[] = { "Port",          "Bridge",    "Guest",     "UUID",
                                            "Role",          "Derived",   "Closed",    "Mode",
                                            "State",         "Kind",      "Up",        "Carrier",
                                            "STPState",      "FarBridge", "FarPort",   "Carries",
                                            "PeerNamespace", "Locked",    "Isolated",  "MACs",
                                            "Addresses",     "Warnings",  "Protected", NULL };
        g_autoptr(JsonNode) node = parse_json(text);
        JsonObject *topology = json_node_get_object(node);

        expect_keys(topology, whole);
        expect_keys(object_at(topology, "Bridges", 0), bridge);
        expect_keys(object_at(topology, "Ports", 0), port);
        g_assert_cmpstr(json_object_get_string_member(object_at(topology, "Ports", 0), "FarBridge"),
                        ==, "virbr6");
}

/* Everybody may ask. */
static void test_topology(void) {
        static const char *const words[] = { "topology", NULL };
        World world;

        world_open(&world);
        {
                g_auto(Run) run = run_as(is_really_root ? NOBODY : 0, words);

                g_assert_cmpstr(run.err, ==, "");
                g_assert_cmpint(run.exit, ==, 0);
                g_assert_cmpstr(
                        run.out, ==,
                        "2 bridges, 2 links, 1 warning\n"
                        "\n"
                        "segment 1, 2 bridges joined by links\n"
                        "  br\"<b>  enforce, on the path of a link, down, no STP, ageing 0 s\n"
                        "  `- a\\\\xff  link  -> virbr6 (vethb2, NOT PROTECTED, carries "
                        "nothing, down)\n"
                        "  virbr6  enforce, configured, down, no STP, ageing 0 s\n"
                        "  `- vethb2  link  -> br\"<b> (a\\\\xff, NOT PROTECTED, blocked by "
                        "STP)\n"
                        "\n"
                        "! all\\x1b[2J is \\xff lost\n");
        }
        {
                g_auto(Run) json = RUN("--json", "topology"), dot = RUN("topology", "--dot"),
                            one = RUN("topology", "vethb2"), none = RUN("topology", "vethb9"),
                            both = RUN("topology", "--dot", "--json");

                check_topology_json(json.out);
                g_assert_true(g_str_has_prefix(dot.out, "graph bridgewarden {\n"));
                expect_words(dot.out, "label=\"a\\\\\\\\xff");
                g_assert_cmpint(json.exit + dot.exit + one.exit, ==, 0);
                expect_words(one.out, "virbr6  enforce");
                g_assert_cmpint(none.exit, ==, 4);
                expect_words(none.err, "no bridge is called vethb9");
                g_assert_cmpint(both.exit, ==, 2);
        }
        world.warden.refusal = g_error_new(BW_ERROR, BW_ERROR_BUSY, "nothing is planned");
        {
                g_auto(Run) run = RUN("topology");

                g_assert_cmpint(run.exit, ==, 4);
                expect_words(run.err, "nothing is planned");
        }
        world_close(&world);
}

static void test_port(void) {
        World world;

        world_open(&world);
        {
                g_auto(Run) run = RUN("port", "vk63");

                g_assert_cmpint(run.exit, ==, 0);
                expect_words(run.out, "Guest       kali3\n");
                expect_words(run.out, "Addresses   192.168.50.13 192.168.50.14 10.0.0.0/8\n");
                expect_words(run.out, "Dropped     7 spoofed-ip: the source address does not");
                expect_words(run.out, "\n            5 misdelivered: ");
                expect_words(run.out, "Declared in bridgewarden.conf:3\n");
        }
        {
                g_auto(Run) run = RUN("port", "--", "$(x)\x1b[2J");

                g_assert_cmpint(run.exit, ==, 1);
                expect_words(run.out, "Port        $(x)\\x1b[2J\n");
                expect_words(run.out, "Protected   NO\n");
                expect_words(run.out, "Trouble     the section is broken\n");
                expect_words(run.out, "Let pass    2 unbound: ");
                g_assert_null(strchr(run.out, '\x1b'));
        }
        {
                g_auto(Run) run = RUN("port", "vk6", "--json");
                g_autoptr(JsonNode) node = parse_json(run.out);

                g_assert_cmpint(run.exit, ==, 4);
                g_assert_false(json_object_get_boolean_member(json_node_get_object(node), "ok"));
                expect_words(run.err, "no port vk6 ");
        }
        world_close(&world);
}

static void test_changes(void) {
        World world;

        world_open(&world);
        {
                g_auto(Run) all = RUN("resync"), one = RUN("resync", "--", "-v%n"),
                            again = RUN("reload", "--json"), down = RUN("disarm");

                g_assert_cmpint(all.exit + one.exit + again.exit + down.exit, ==, 0);
                g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC], ==, 1);
                g_assert_cmpuint(world.warden.requests[BW_FAKE_RESYNC_PORT], ==, 1);
                g_assert_cmpuint(world.warden.requests[BW_FAKE_RELOAD], ==, 1);
                g_assert_cmpuint(world.warden.requests[BW_FAKE_DISARM], ==, 1);
                g_assert_cmpstr(again.out, ==, "{\n  \"ok\" : true\n}\n");
                expect_words(down.out, "taken down");
        }
        g_set_error(&world.warden.refusal, BW_ERROR, BW_ERROR_ABSENT, "no port \x1b here");
        {
                g_auto(Run) run = RUN("resync", "-v%n");

                g_assert_cmpint(run.exit, ==, 2);
        }
        {
                g_auto(Run) run = RUN("resync", "vk%n");

                g_assert_cmpint(run.exit, ==, 4);
                g_assert_cmpstr(world.warden.argument, ==, "vk%n");
                expect_words(run.err, "no port \\x1b here");
        }
        world_close(&world);
}

static void test_nobody(void) {
        static const char *const verbs[] = { "resync", "reload", "disarm", "plan", "check" };
        static const char *const status[] = { "status", NULL };
        World world;

        if (!is_really_root) {
                g_test_skip("only root can become somebody else");
                return;
        }
        world_open(&world);
        for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++) {
                const char *const words[] = { verbs[i], NULL };
                g_auto(Run) run = run_as(NOBODY, words);

                g_assert_cmpint(run.exit, ==, 4);
                expect_words(run.err, "refused: this is for root only");
        }
        for (unsigned i = 0; i < BW_FAKE_MAX; i++)
                g_assert_cmpuint(world.warden.requests[i], ==, 0);
        {
                g_auto(Run) run = run_as(NOBODY, status);

                g_assert_cmpint(run.exit, ==, 0);
        }
        world_close(&world);
}

static void write_fake_daemon(void) {
        g_assert_true(g_file_set_contents(FAKE_DAEMON, "#!/bin/sh\necho \"ran $# $*\"\nexit 7\n",
                                          -1, NULL));
        g_assert_cmpint(chmod(FAKE_DAEMON, 0755), ==, 0);
}

static void expect_nobody_there(void) {
        static const char *const verbs[] = {
                "status", "ports", "resync", "reload", "plan", "check"
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++) {
                g_auto(Run) run = RUN(verbs[i]);

                g_assert_cmpint(run.exit, ==, 3);
                g_assert_cmpstr(run.out, ==, "");
                expect_words(run.err, "systemctl start bridgewarden");
        }
        {
                g_auto(Run) run = RUN("disarm");

                g_assert_cmpint(run.exit, ==, 7);
                g_assert_cmpstr(run.out, ==, "ran 1 --disarm\n");
                expect_words(run.err, "No daemon on the system bus");
        }
}

/* Without a bus, and on a bus without the daemon. */
static void test_nobody_there(void) {
        GPid bus;

        write_fake_daemon();
        expect_nobody_there();
        bus = bw_test_bus_start(BW_TEST_POLICY_SHIPPED);
        expect_nobody_there();
        bw_test_bus_stop(bus);
        g_assert_cmpint(unlink(FAKE_DAEMON), ==, 0);
        {
                g_auto(Run) run = RUN("disarm");

                g_assert_cmpint(run.exit, ==, 4);
                expect_words(run.err, "cannot run " FAKE_DAEMON);
        }
}

/* A daemon that is there takes its own rules down: nobody else does. */
static void test_disarm_refused_runs_nothing(void) {
        World world;

        world_open(&world);
        write_fake_daemon();
        g_set_error(&world.warden.refusal, BW_ERROR, BW_ERROR_BUSY, "the lock is held");
        {
                g_auto(Run) run = RUN("disarm");

                g_assert_cmpint(run.exit, ==, 4);
                g_assert_cmpstr(run.out, ==, "");
                expect_words(run.err, "the lock is held");
        }
        g_assert_cmpint(unlink(FAKE_DAEMON), ==, 0);
        world_close(&world);
}

static void test_full_disk(void) {
        g_autofree char *command = g_strdup_printf("%s help >/dev/full", program);
        g_autoptr(GError) error = NULL;
        int status;
        const char *const words[] = { "/bin/sh", "-c", command, NULL };

        g_assert_true(g_spawn_sync(NULL, (char **) words, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                                   NULL, NULL, NULL, &status, &error));
        g_assert_cmpint(WEXITSTATUS(status), ==, 4);
}

static void test_skipped(void) {
        g_test_skip("this machine allows no namespaces of one's own: no private system bus");
}

/* Nobody may enter the folder of a tree that root has built in its home. */
static void take_out_of_the_tree(void) {
        static const char *const copy = "/run/bridgewarden";
        g_autofree char *bytes = NULL;
        gsize length;

        g_assert_true(g_file_get_contents(program, &bytes, &length, NULL));
        g_assert_true(g_file_set_contents_full(copy, bytes, (gssize) length,
                                               G_FILE_SET_CONTENTS_NONE, 0755, NULL));
        program = copy;
}

int main(int argc, char **argv) {
        bool own_world;

        is_really_root = getuid() == 0;
        own_world = bw_test_enter_netns();
        g_test_init(&argc, &argv, NULL);
        g_assert_cmpint(argc, ==, 2);
        program = argv[1];
        g_test_add_func("/cli/usage", test_usage);
        g_test_add_func("/cli/help-and-version", test_help_and_version);
        g_test_add_func("/cli/full-disk", test_full_disk);
        if (!own_world) {
                g_test_add_func("/cli/bus", test_skipped);
                return g_test_run();
        }
        take_out_of_the_tree();
        bw_test_bus_prepare();
        g_test_add_func("/cli/status", test_status);
        g_test_add_func("/cli/ports", test_ports);
        g_test_add_func("/cli/fdb", test_fdb);
        g_test_add_func("/cli/topology", test_topology);
        g_test_add_func("/cli/explain", test_explain);
        g_test_add_func("/cli/plan", test_plan);
        g_test_add_func("/cli/check", test_check);
        g_test_add_func("/cli/port", test_port);
        g_test_add_func("/cli/changes", test_changes);
        g_test_add_func("/cli/nobody", test_nobody);
        g_test_add_func("/cli/nobody-there", test_nobody_there);
        g_test_add_func("/cli/disarm-refused-runs-nothing", test_disarm_refused_runs_nothing);
        return g_test_run();
}
