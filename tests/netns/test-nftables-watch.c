/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The watch on nftables against a real kernel and nft(8): whose change is told as whose, what a
 * flood leaves behind, and what a busy host costs.
 */

#include <bw/error.h>
#include <command.h>
#include <netns.h>
#include <nftables.h>
#include <nftables/libnftables.h>
#include <nftables_watch.h>
#include <settings.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Scene {
        BwNftWatch *watch;
        GArray *news; /* BwNftNews */
} Scene;

static bool has_room; /* as root the socket gets the buffer it wants */

static void on_news(const BwNftNews *news, gpointer user) {
        Scene *scene = user;

        g_array_append_val(scene->news, *news);
}

static void set_up(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(GError) error = NULL;

        bw_test_run("nft flush ruleset");
        scene->news = g_array_new(FALSE, FALSE, sizeof(BwNftNews));
        scene->watch = bw_nftables_watch_new(on_news, scene, &error);
        g_assert_no_error(error);
}

static void tear_down(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        bw_nftables_watch_free(scene->watch);
        g_array_unref(scene->news);
}

/* Until so much was told, and nothing more comes. */
static void hear(const Scene *scene, guint wanted) {
        int64_t end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
        int64_t quiet = 0;

        while (g_get_monotonic_time() < end && quiet < G_USEC_PER_SEC / 10) {
                guint before = scene->news->len;

                if (!g_main_context_iteration(NULL, FALSE)) {
                        g_usleep(1000);
                        quiet += scene->news->len >= wanted ? 1000 : 0;
                }
                if (scene->news->len != before)
                        quiet = 0;
        }
}

/* The one piece of news that came of it. */
static BwNftNews hear_one(Scene *scene) {
        BwNftNews news;

        hear(scene, 1);
        g_assert_cmpuint(scene->news->len, ==, 1);
        news = g_array_index(scene->news, BwNftNews, 0);
        g_array_set_size(scene->news, 0);
        g_assert_false(news.lost);
        return news;
}

static void test_whose(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        static const struct {
                const char *deed;
                bool ours;
        } rows[] = {
                { "add table bridge bridgewarden", true },
                { "add table ip other; add chain ip other c; add rule ip other c accept", false },
                { "add table bridge other; add table inet bridgewarden", false },
                { "add set bridge bridgewarden s { type ether_addr; }", true },
                { "add element bridge bridgewarden s { 02:00:00:00:00:01 }", true },
                { "add set bridge other s { type ether_addr; }", false },
                { "delete element bridge bridgewarden s { 02:00:00:00:00:01 }", true },
                { "add chain bridge bridgewarden c; add rule bridge bridgewarden c accept", true },
                { "flush chain bridge bridgewarden c; add table ip another", true },
                { "delete table bridge other", false },
                { "delete table bridge bridgewarden; add table bridge bridgewarden", true },
                { "flush ruleset", true },
                { "add table ip other", false },
                { "flush ruleset", false },
        };
        uint32_t last = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                BwNftNews news;

                bw_test_run("nft '%s'", rows[i].deed);
                news = hear_one(scene);
                g_test_message("%s", rows[i].deed);
                g_assert_cmpint(news.ours, ==, rows[i].ours);
                g_assert_cmpstr(news.program, ==, "nft");
                g_assert_cmpint(news.pid, >, 0);
                g_assert_false(bw_nftables_watch_is_own(scene->watch, &news));
                g_assert_true(i == 0 || news.generation == last + 1);
                last = news.generation;
        }
}

/* What changes nothing makes no news. */
static void test_nothing(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        bw_test_run("nft list ruleset");
        g_assert_false(bw_test_try("nft delete table ip other 2>/dev/null"));
        g_assert_false(bw_test_try("nft 'add table bridge bridgewarden; delete table ip other' "
                                   "2>/dev/null"));
        hear(scene, 0);
        g_assert_cmpuint(scene->news->len, ==, 0);
}

static BwNftTable *compile_table(void) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(BwConfig) config =
                bw_test_config_from_text("[Guard]\nBridges=br1\n[Bridge br1]\n"
                                         "Networks=10.0.0.0/8\n[Port vk1]\n"
                                         "MACs=52:54:00:00:00:01\nAddresses=10.0.0.1\n");
        g_autoptr(BwPlan) plan = NULL;
        g_autoptr(GPtrArray) elsewhere = NULL;
        BwLink bridge = bw_test_bridge(1, "br1");
        BwLink tap = bw_test_tap(10, "vk1", bw_test_mac("52:54:00:00:00:01"), 1);

        bw_test_tell_link(model, &bridge);
        bw_test_tell_link(model, &tap);
        plan = bw_plan_new(model, config);
        elsewhere = bw_nft_list_elsewhere(model, plan);
        return bw_nft_compile(plan, elsewhere);
}

static void test_own(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile_table();
        g_autoptr(GError) error = NULL;
        BwNftReport report;
        BwNftNews news;

        bw_nftables_sync(nftables, table, &report, &error);
        g_assert_no_error(error);
        /* Before the first write, its words are learned from another table. */
        hear(scene, 3);
        g_assert_cmpuint(scene->news->len, ==, 3);
        for (guint i = 0; i < 3; i++) {
                news = g_array_index(scene->news, BwNftNews, i);
                g_assert_true(bw_nftables_watch_is_own(scene->watch, &news));
                g_assert_cmpint(news.ours, ==, i == 2);
        }
        g_array_set_size(scene->news, 0);
        bw_nftables_sync(nftables, table, &report, &error);
        g_assert_no_error(error);
        hear(scene, 0);
        g_assert_cmpuint(scene->news->len, ==, 0);
        bw_nftables_remove(nftables, &error);
        g_assert_no_error(error);
        news = hear_one(scene);
        g_assert_true(news.ours);
        g_assert_true(bw_nftables_watch_is_own(scene->watch, &news));
}

/* A name is what the program likes, and its number is not the one it has in its own namespace. */
static void test_programs(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        const char *odd = "/run/a\xff\n%s;'nft";
        BwNftNews news, inside;

        bw_test_run("ln -s \"$(command -v nft)\" \"$(printf '/run/a\\377\\n%%%%s;\\047nft')\"; "
                    "ls /run >/dev/null");
        g_assert_true(g_file_test(odd, G_FILE_TEST_IS_SYMLINK));
        bw_test_run("\"$(printf '/run/a\\377\\n%%%%s;\\047nft')\" add table ip other");
        news = hear_one(scene);
        g_assert_cmpstr(news.program, ==, odd + strlen("/run/"));
        bw_test_run("unshare --pid --fork sh -c 'echo $$ >/run/inside; exec nft add table ip x'");
        inside = hear_one(scene);
        g_assert_cmpstr(inside.program, ==, "nft");
        g_assert_cmpint(inside.pid, >, 1);
        g_assert_true(bw_test_try("grep -qx 1 /run/inside"));
}

/* Changes in quick succession, by another program */

static void add_elements(struct nft_ctx *context, unsigned transaction, unsigned elements) {
        g_autoptr(GString) line = g_string_new("add element ip other s {");
        unsigned number = transaction * elements;

        for (unsigned i = 0; i < elements; i++, number++)
                g_string_append_printf(line, "%s 10.%u.%u.%u", i > 0 ? "," : "", number >> 16,
                                       number >> 8 & 255, number & 255);
        g_string_append(line, " }");
        if (nft_run_cmd_from_buffer(context, line->str) != 0)
                _exit(1);
}

static void change_elsewhere(unsigned transactions, unsigned elements) {
        pid_t child = fork();
        int status;

        if (child == 0) {
                struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);

                prctl(PR_SET_NAME, "busy");
                for (unsigned i = 0; i < transactions; i++)
                        add_elements(context, i, elements);
                _exit(0);
        }
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_cmpint(status, ==, 0);
}

static void make_foreign_set(Scene *scene) {
        bw_test_run("nft 'add table ip other; add set ip other s { type ipv4_addr; }'");
        g_assert_false(hear_one(scene).ours);
}

/* More than the buffer holds while nobody reads. */
static void test_lost(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        unsigned lost = 0;
        BwNftNews news;

        make_foreign_set(scene);
        change_elsewhere(600, 500);
        hear(scene, 1);
        for (guint i = 0; i < scene->news->len; i++)
                lost += g_array_index(scene->news, BwNftNews, i).lost;
        g_assert_cmpuint(lost, ==, 1);
        g_assert_cmpuint(scene->news->len - lost, <, 600);
        g_array_set_size(scene->news, 0);
        bw_test_run("nft add table bridge bridgewarden");
        news = hear_one(scene);
        g_assert_true(news.ours);
}

static double cpu_milliseconds(void) {
        struct rusage usage;

        getrusage(RUSAGE_SELF, &usage);
        return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
               (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

#define TRANSACTIONS 1000

/* None is lost while nobody reads, and then it is a matter of milliseconds. */
static void test_busy_host(Scene *scene, G_GNUC_UNUSED gconstpointer unused) {
        double before, spent;

        if (!has_room) {
                g_test_skip("an ordinary user gets no room for so much news");
                return;
        }
        make_foreign_set(scene);
        change_elsewhere(TRANSACTIONS, 1);
        alarm(60);
        before = cpu_milliseconds();
        while (scene->news->len < TRANSACTIONS)
                g_main_context_iteration(NULL, TRUE);
        spent = cpu_milliseconds() - before;
        alarm(0);
        g_assert_cmpuint(scene->news->len, ==, TRANSACTIONS);
        for (guint i = 0; i < TRANSACTIONS; i++) {
                const BwNftNews *news = &g_array_index(scene->news, BwNftNews, i);

                g_assert_false(news->ours || news->lost);
                g_assert_cmpstr(news->program, ==, "busy");
                g_assert_false(bw_nftables_watch_is_own(scene->watch, news));
        }
        g_test_message("%u transactions of others cost %.1f ms of CPU", TRANSACTIONS, spent);
}

static void test_denied(void) {
        g_autoptr(GError) error = NULL;
        BwNftWatch *watch;

        bw_test_set_net_admin(false);
        watch = bw_nftables_watch_new(on_news, NULL, &error);
        bw_test_set_net_admin(true);
        g_assert_null(watch);
        g_assert_error(error, BW_ERROR, BW_ERROR_DENIED);
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*test)(Scene *scene, gconstpointer unused);
        } rows[] = { { "/nftables-watch/whose", test_whose },
                     { "/nftables-watch/nothing", test_nothing },
                     { "/nftables-watch/own", test_own },
                     { "/nftables-watch/programs", test_programs },
                     { "/nftables-watch/lost", test_lost },
                     { "/nftables-watch/busy-host", test_busy_host } };

        has_room = geteuid() == 0;
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
                g_test_add(rows[i].name, Scene, NULL, set_up, rows[i].test, tear_down);
        g_test_add_func("/nftables-watch/denied", test_denied);
        return g_test_run();
}
