/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What writing rules costs, and rules without a daemon
 *
 * bench-rules CONFIG BRIDGES PORTS write ENGINE... puts the rules of a lane of that many bridges
 * and ports in place in the namespace it runs in; prints the engine's name, milliseconds with the
 * read-back, and tables.
 *
 * bench-rules CONFIG BRIDGES PORTS change ENGINE SAMPLES does the same, then takes ports away and
 * puts them back, one at a time; prints lines of microseconds: "compile", "unplug", "plug", and the
 * processor's alone, "compile-cpu" and so on; of iptables also "floor": what libiptc alone takes to
 * read the same tables and to write them back as they are, both families at the same time.
 *
 * bench-rules CONFIG BRIDGES PORTS start ENGINE SAMPLES does the same by the room the daemon has
 * for an engine; prints lines of the processor's microseconds when a port comes: "plan", "want"
 * (plan to rules, compared with those before) and "commit".
 *
 * bench-rules CONFIG BRIDGES PORTS plan SAMPLES writes nothing; prints lines of the processor's
 * microseconds: "graph" for topology and borders alone, "plan" for all of the plan, and for each
 * engine "iptables", "nftables", from plan to rules; then "iptables-again": the same by compilers
 * that have just seen the plan without one of its ports.
 *
 * The clocks run around the adapter's call: finding the difference, the transaction, and whatever
 * the adapter does to be sure of it. The processor's clock counts what library and kernel do in the
 * call, threads included, and not what other programs do meanwhile.
 */

#include "lane.h"

#include <bw/border.h>
#include <bw/engine.h>
#include <engine.h>
#include <errno.h>
#include <ipt_calls.h>
#include <iptables.h>
#include <nftables.h>
#include <settings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY G_MAXUINT
/* Spreads samples over the ports; a prime, so that none comes twice before all have come. */
#define STRIDE 7919

typedef struct Bench {
        BwConfig *config;
        unsigned n_bridges, n_ports;
        BwNftables *nftables;
        GPtrArray *held[BW_IPT_TABLE_MAX]; /* what is in the kernel; NULL: not known */
} Bench;

/* What an engine must say. */
typedef struct Rules {
        GPtrArray *chains[BW_IPT_TABLE_MAX];
        BwNftTable *table;
} Rules;

static void rules_free(Rules *rules) {
        for (unsigned i = 0; i < BW_IPT_TABLE_MAX; i++)
                g_clear_pointer(&rules->chains[i], g_ptr_array_unref);
        bw_nft_table_free(rules->table);
        g_free(rules);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rules, rules_free)

static int bridge_index(unsigned number) {
        return 1 + (int) number;
}

static void tell_bridges(const Bench *bench, BwModel *model) {
        for (unsigned i = 0; i < bench->n_bridges; i++) {
                g_autofree char *name = g_strdup_printf("br%u", i);
                BwLink link = bw_test_bridge(bridge_index(i), name);

                bw_test_tell_link(model, &link);
        }
}

static void tell_end(BwModel *model, const char *kind, unsigned pair, int ifindex, int peer,
                     unsigned bridge) {
        g_autofree char *name = g_strdup_printf("%s%u", kind, pair);
        BwLink link = bw_test_tap(ifindex, name, (BwMac){}, bridge_index(bridge));

        link.kind = BW_LINK_VETH;
        link.peer = peer;
        memcpy(link.mac.octet, (uint8_t[]){ 0x02, 0xcc, 0, 0, ifindex >> 8, ifindex }, 6);
        bw_test_tell_link(model, &link);
}

/* As bw_lane_new() joins them. Returns the first ifindex that is free. */
static int tell_pairs(const Bench *bench, BwModel *model) {
        int free = bridge_index(bench->n_bridges);

        for (unsigned i = 1; i < bench->n_bridges; i++, free += 2) {
                tell_end(model, "up", i, free, free + 1, i);
                tell_end(model, "down", i, free + 1, free, bw_lane_parent(i));
        }
        return free;
}

static BwModel *build_model(const Bench *bench, unsigned absent) {
        BwModel *model = bw_model_new();
        int first;

        tell_bridges(bench, model);
        first = tell_pairs(bench, model);
        for (unsigned i = 0; i < bench->n_ports; i++) {
                g_autofree char *name = g_strdup_printf("vk%u", i);
                BwLink link;
                BwMac mac;

                bw_lane_mac(i, mac.octet);
                link = bw_test_tap(first + (int) i, name, mac, bridge_index(i % bench->n_bridges));
                if (i != absent)
                        bw_test_tell_link(model, &link);
        }
        return model;
}

/* (transfer full) */
static Rules *compile_plan(const BwModel *model, const BwPlan *plan, BwEngineKind engine) {
        g_autoptr(GPtrArray) elsewhere = NULL;
        Rules *rules = g_new0(Rules, 1);

        switch (engine) {
        case BW_ENGINE_IPTABLES:
                for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                        rules->chains[table] = bw_ipt_compile(plan, table);
                break;
        case BW_ENGINE_NFTABLES:
                elsewhere = bw_nft_list_elsewhere(model, plan);
                rules->table = bw_nft_compile(plan, elsewhere);
                break;
        }
        return rules;
}

/* (transfer full): @absent: a port that is not there; or NOBODY. */
static Rules *compile(const Bench *bench, BwEngineKind engine, unsigned absent) {
        g_autoptr(BwModel) model = build_model(bench, absent);
        g_autoptr(BwPlan) plan = bw_plan_new(model, bench->config);

        return compile_plan(model, plan, engine);
}

static void must(bool held, const GError *error) {
        errno = 0;
        if (!held)
                bw_lane_die("%s", error->message);
}

/* As the engine does: told what it found there last. */
static void sync_iptables(Bench *bench, const Rules *rules) {
        BwIptWish wishes[BW_IPT_TABLE_MAX] = {};
        g_autoptr(GError) error = NULL;

        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++) {
                wishes[table].chains = rules->chains[table];
                wishes[table].held = bench->held[table];
        }
        must(bw_iptables_sync_all(wishes, BW_IPT_LOCK_NEEDED, NULL, &error), error);
        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++) {
                must(!wishes[table].error, wishes[table].error);
                g_clear_pointer(&bench->held[table], g_ptr_array_unref);
                bench->held[table] = g_ptr_array_ref(rules->chains[table]);
        }
}

static void sync_rules(Bench *bench, const Rules *rules) {
        g_autoptr(GError) error = NULL;
        BwNftReport nft;

        if (rules->table)
                must(bw_nftables_sync(bench->nftables, rules->table, &nft, &error), error);
        else
                sync_iptables(bench, rules);
}

/* Microseconds. */
typedef struct Sample {
        double wall, cpu;
} Sample;

static Sample time_sync(Bench *bench, const Rules *rules) {
        int64_t start = bw_lane_now(), cpu = bw_lane_process_time();

        sync_rules(bench, rules);
        return (Sample){ (bw_lane_now() - start) / 1e3, (bw_lane_process_time() - cpu) / 1e3 };
}

static void write_rules(Bench *bench, BwEngineKind engine) {
        g_autoptr(Rules) rules = compile(bench, engine, NOBODY);

        printf("%s %.1f", bw_engine_name(engine), time_sync(bench, rules).wall / 1e3);
        printf(" %u\n", engine == BW_ENGINE_IPTABLES ? (unsigned) BW_IPT_TABLE_MAX : 1);
}

static void print_samples(const char *name, const Sample *samples, unsigned count) {
        printf("%s", name);
        for (unsigned i = 0; i < count; i++)
                printf(" %.0f", samples[i].wall);
        printf("\n%s-cpu", name);
        for (unsigned i = 0; i < count; i++)
                printf(" %.0f", samples[i].cpu);
        printf("\n");
}

/* Any edit makes libiptc write; this one leaves the table as it is. */
static void rewrite_table(BwIptTable table) {
        const BwIptCalls *calls = bw_ipt_calls_of(bw_ipt_table_family(table));
        const char chain[BW_IPT_CHAIN_SIZE] = "floor";
        struct xtc_handle *handle = calls->init(bw_ipt_table_name(table));

        if (!handle || !calls->create_chain(chain, handle) || !calls->delete_chain(chain, handle) ||
            !calls->commit(handle))
                bw_lane_die("%s", calls->strerror(errno));
        calls->free(handle);
}

static gpointer rewrite_family(gpointer family) {
        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                if (bw_ipt_table_family(table) == GPOINTER_TO_UINT(family))
                        rewrite_table(table);
        return NULL;
}

static Sample time_floor(void) {
        int64_t start = bw_lane_now(), cpu = bw_lane_process_time();
        GThread *thread =
                g_thread_new("ip6tables", rewrite_family, GUINT_TO_POINTER(BW_FAMILY_IPV6));

        rewrite_family(GUINT_TO_POINTER(BW_FAMILY_IPV4));
        g_thread_join(thread);
        return (Sample){ (bw_lane_now() - start) / 1e3, (bw_lane_process_time() - cpu) / 1e3 };
}

static void print_floor(unsigned count) {
        g_autofree Sample *floors = g_new0(Sample, count);

        for (unsigned i = 0; i < count; i++)
                floors[i] = time_floor();
        print_samples("floor", floors, count);
}

static void change_rules(Bench *bench, BwEngineKind engine, unsigned count) {
        g_autofree Sample *compiled = g_new0(Sample, count), *unplug = g_new0(Sample, count);
        g_autofree Sample *plug = g_new0(Sample, count);
        g_autoptr(Rules) all = compile(bench, engine, NOBODY);

        sync_rules(bench, all);
        for (unsigned i = 0; i < count; i++) {
                int64_t start = bw_lane_now(), cpu = bw_lane_process_time();
                g_autoptr(Rules) without = compile(bench, engine, i * STRIDE % bench->n_ports);

                compiled[i].wall = (bw_lane_now() - start) / 1e3;
                compiled[i].cpu = (bw_lane_process_time() - cpu) / 1e3;
                unplug[i] = time_sync(bench, without);
                plug[i] = time_sync(bench, all);
        }
        print_samples("compile", compiled, count);
        print_samples("unplug", unplug, count);
        print_samples("plug", plug, count);
        if (engine == BW_ENGINE_IPTABLES)
                print_floor(count);
}

static double cpu_since(int64_t *start) {
        int64_t now = bw_lane_process_time();
        double spent = (now - *start) / 1e3;

        *start = now;
        return spent;
}

/* What news of one port costs in the daemon, from the model to the kernel. */
static void time_news(const Bench *bench, BwEngine *engine, unsigned absent, double row[3]) {
        g_autoptr(BwModel) model = build_model(bench, absent);
        g_autoptr(BwPlan) plan = NULL;
        g_autoptr(GError) error = NULL;
        int64_t start = bw_lane_process_time();
        BwPass pass = {};

        plan = bw_plan_new(model, bench->config);
        row[0] = cpu_since(&start);
        engine->work->want(engine, plan, model);
        engine->work->differs(engine);
        row[1] = cpu_since(&start);
        must(engine->work->commit(engine, g_get_monotonic_time(), &pass, &error), error);
        row[2] = cpu_since(&start);
}

static void time_starts(const Bench *bench, BwEngineKind kind, unsigned count) {
        static const char *const names[] = { "plan", "want", "commit" };
        BwEngine *engine =
                kind == BW_ENGINE_NFTABLES ? bw_engine_nftables_new() : bw_engine_iptables_new();
        g_autofree double *rows = g_new0(double, (size_t) count * 3);
        double warm[3];

        for (unsigned i = 0; i < count; i++) {
                time_news(bench, engine, i * STRIDE % bench->n_ports, warm);
                time_news(bench, engine, NOBODY, rows + (size_t) i * 3);
        }
        for (unsigned k = 0; k < 3; k++) {
                printf("%s", names[k]);
                for (unsigned i = 0; i < count; i++)
                        printf(" %.0f", rows[(size_t) i * 3 + k]);
                printf("\n");
        }
        bw_engine_free(engine);
}

static double time_graph(const BwModel *model, BwPlan *plan) {
        int64_t start = bw_lane_process_time();
        g_autoptr(BwTopology) topology = bw_topology_new(model);

        bw_border_settle(plan, topology);
        return cpu_since(&start);
}

/* What compilers that remember the plan without a port take for that with it. */
static double time_again(const Bench *bench, BwIptCompiler *const *compilers, const BwPlan *plan,
                         unsigned absent) {
        g_autoptr(BwModel) model = build_model(bench, absent);
        g_autoptr(BwPlan) before = bw_plan_new(model, bench->config);
        int64_t start;

        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                g_ptr_array_unref(bw_ipt_compiler_run(compilers[table], before));
        start = bw_lane_process_time();
        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                g_ptr_array_unref(bw_ipt_compiler_run(compilers[table], plan));
        return cpu_since(&start);
}

/* Each time from a model that has never been asked, as after news. */
static void time_plan(const Bench *bench, BwIptCompiler *const *compilers, unsigned absent,
                      double *row) {
        g_autoptr(BwModel) model = build_model(bench, NOBODY);
        int64_t start = bw_lane_process_time();
        g_autoptr(BwPlan) plan = bw_plan_new(model, bench->config);

        row[1] = cpu_since(&start);
        for (BwEngineKind engine = 0; engine < BW_ENGINE_MAX; engine++) {
                g_autoptr(Rules) rules = NULL;

                start = bw_lane_process_time();
                rules = compile_plan(model, plan, engine);
                row[2 + engine] = cpu_since(&start);
                g_assert_nonnull(rules);
        }
        row[2 + BW_ENGINE_MAX] = time_again(bench, compilers, plan, absent);
        row[0] = time_graph(model, plan);
}

static const char *name_row(unsigned row) {
        if (row < 2)
                return row == 0 ? "graph" : "plan";
        return row - 2 < BW_ENGINE_MAX ? bw_engine_name((BwEngineKind) (row - 2))
                                       : "iptables-again";
}

static void time_plans(const Bench *bench, unsigned count) {
        enum { N_ROWS = 3 + BW_ENGINE_MAX };
        g_autofree double *rows = g_new0(double, (size_t) count *N_ROWS);
        BwIptCompiler *compilers[BW_IPT_TABLE_MAX];

        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                compilers[table] = bw_ipt_compiler_new(table);
        for (unsigned i = 0; i < count; i++)
                time_plan(bench, compilers, i * STRIDE % bench->n_ports,
                          rows + (size_t) i * N_ROWS);
        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                bw_ipt_compiler_free(compilers[table]);
        for (unsigned k = 0; k < N_ROWS; k++) {
                printf("%s", name_row(k));
                for (unsigned i = 0; i < count; i++)
                        printf(" %.0f", rows[(size_t) i * N_ROWS + k]);
                printf("\n");
        }
}

static BwConfig *read_config(const char *path) {
        g_autofree char *text = NULL;
        g_autoptr(GError) error = NULL;
        BwConfig *config;

        must(g_file_get_contents(path, &text, NULL, &error), error);
        config = bw_test_config_from_text(text);
        if (bw_config_count_errors(config) > 0)
                bw_lane_die("%s has mistakes", path);
        return config;
}

static BwEngineKind find_engine(const char *name) {
        for (BwEngineKind engine = 0; engine < BW_ENGINE_MAX; engine++)
                if (g_str_equal(name, bw_engine_name(engine)))
                        return engine;
        bw_lane_die("There is no engine %s", name);
}

static void obey(Bench *bench, int n_words, char **words) {
        if (n_words > 1 && g_str_equal(words[0], "write"))
                for (int i = 1; i < n_words; i++)
                        write_rules(bench, find_engine(words[i]));
        else if (n_words == 3 && g_str_equal(words[0], "change") && atoi(words[2]) > 0)
                change_rules(bench, find_engine(words[1]), atoi(words[2]));
        else if (n_words == 3 && g_str_equal(words[0], "start") && atoi(words[2]) > 0)
                time_starts(bench, find_engine(words[1]), atoi(words[2]));
        else if (n_words == 2 && g_str_equal(words[0], "plan") && atoi(words[1]) > 0)
                time_plans(bench, atoi(words[1]));
        else
                bw_lane_die("Cannot understand: %s", words[0]);
}

int main(int argc, char **argv) {
        Bench bench = { .n_bridges = argc > 5 ? atoi(argv[2]) : 0,
                        .n_ports = argc > 5 ? atoi(argv[3]) : 0 };

        g_set_prgname("bench-rules");
        if (bench.n_bridges < 1 || bench.n_ports < 2)
                bw_lane_die("Usage: bench-rules CONFIG BRIDGES PORTS write ENGINE... | change "
                            "ENGINE SAMPLES | start ENGINE SAMPLES | plan SAMPLES");
        bw_iptables_keep_memory();
        bench.config = read_config(argv[1]);
        bench.nftables = bw_nftables_new();
        obey(&bench, argc - 4, argv + 4);
        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                g_clear_pointer(&bench.held[table], g_ptr_array_unref);
        bw_nftables_free(bench.nftables);
        bw_config_free(bench.config);
        return 0;
}
