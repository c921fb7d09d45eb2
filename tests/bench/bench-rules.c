/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What writing rules costs, and rules without a daemon
 *
 * bench-rules CONFIG PORTS write ENGINE...         puts the rules of PORTS ports in place in the
 *     namespace it runs in; prints the engine's name, milliseconds with the read-back, and tables
 * bench-rules CONFIG PORTS change ENGINE SAMPLES   the same, then takes ports away and puts them
 *     back, one at a time; prints lines of microseconds: "compile", "unplug", "plug", and the
 *     processor's alone, "compile-cpu" and so on
 *
 * The clocks run around the adapter's call: finding the difference, the transaction, and whatever
 * the adapter does to be sure of it. The processor's clock counts what library and kernel do in the
 * call, and not what other programs do meanwhile.
 */

#include "lane.h"

#include <bw/engine.h>
#include <errno.h>
#include <iptables.h>
#include <nftables.h>
#include <settings.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_IFINDEX 10
#define NOBODY        G_MAXUINT
/* Spreads samples over the ports; a prime, so that none comes twice before all have come. */
#define STRIDE 7919

typedef struct Bench {
        BwConfig *config;
        unsigned n_ports;
        BwNftables *nftables;
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

static BwModel *build_model(const Bench *bench, unsigned absent) {
        BwModel *model = bw_model_new();
        BwLink link = bw_test_bridge(1, BW_LANE_BRIDGE);

        bw_test_tell_link(model, &link);
        for (unsigned i = 0; i < bench->n_ports; i++) {
                g_autofree char *name = g_strdup_printf("vk%u", i);
                BwMac mac;

                bw_lane_mac(i, mac.octet);
                link = bw_test_tap(FIRST_IFINDEX + (int) i, name, mac, 1);
                if (i != absent)
                        bw_test_tell_link(model, &link);
        }
        return model;
}

/* (transfer full): @absent: a port that is not there; or NOBODY. */
static Rules *compile(const Bench *bench, BwEngineKind engine, unsigned absent) {
        g_autoptr(BwModel) model = build_model(bench, absent);
        g_autoptr(BwPlan) plan = bw_plan_new(model, bench->config);
        g_autoptr(GPtrArray) elsewhere = bw_nft_list_elsewhere(model, plan);
        Rules *rules = g_new0(Rules, 1);

        switch (engine) {
        case BW_ENGINE_IPTABLES:
                for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                        rules->chains[table] = bw_ipt_compile(plan, table);
                break;
        case BW_ENGINE_NFTABLES:
                rules->table = bw_nft_compile(plan, elsewhere);
                break;
        }
        return rules;
}

static void must(bool held, const GError *error) {
        errno = 0;
        if (!held)
                bw_lane_die("%s", error->message);
}

static void sync_rules(const Bench *bench, const Rules *rules) {
        g_autoptr(GError) error = NULL;
        BwIptReport ipt;
        BwNftReport nft;

        for (BwIptTable table = 0; table < BW_IPT_TABLE_MAX; table++)
                if (rules->chains[table])
                        must(bw_iptables_sync(table, rules->chains[table], BW_IPT_LOCK_NEEDED, &ipt,
                                              &error),
                             error);
        if (rules->table)
                must(bw_nftables_sync(bench->nftables, rules->table, &nft, &error), error);
}

/* Microseconds. */
typedef struct Sample {
        double wall, cpu;
} Sample;

static Sample time_sync(const Bench *bench, const Rules *rules) {
        int64_t start = bw_lane_now(), cpu = bw_lane_processor_time();

        sync_rules(bench, rules);
        return (Sample){ (bw_lane_now() - start) / 1e3, (bw_lane_processor_time() - cpu) / 1e3 };
}

static void write_rules(const Bench *bench, BwEngineKind engine) {
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

static void change_rules(const Bench *bench, BwEngineKind engine, unsigned count) {
        g_autofree Sample *compiled = g_new0(Sample, count), *unplug = g_new0(Sample, count);
        g_autofree Sample *plug = g_new0(Sample, count);
        g_autoptr(Rules) all = compile(bench, engine, NOBODY);

        sync_rules(bench, all);
        for (unsigned i = 0; i < count; i++) {
                int64_t start = bw_lane_now(), cpu = bw_lane_processor_time();
                g_autoptr(Rules) without = compile(bench, engine, i * STRIDE % bench->n_ports);

                compiled[i].wall = (bw_lane_now() - start) / 1e3;
                compiled[i].cpu = (bw_lane_processor_time() - cpu) / 1e3;
                unplug[i] = time_sync(bench, without);
                plug[i] = time_sync(bench, all);
        }
        print_samples("compile", compiled, count);
        print_samples("unplug", unplug, count);
        print_samples("plug", plug, count);
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

int main(int argc, char **argv) {
        Bench bench = { .n_ports = argc > 4 ? atoi(argv[2]) : 0 };

        g_set_prgname("bench-rules");
        if (bench.n_ports < 2)
                bw_lane_die(
                        "Usage: bench-rules CONFIG PORTS write ENGINE... | change ENGINE SAMPLES");
        bench.config = read_config(argv[1]);
        bench.nftables = bw_nftables_new();
        if (g_str_equal(argv[3], "write"))
                for (int i = 4; i < argc; i++)
                        write_rules(&bench, find_engine(argv[i]));
        else if (g_str_equal(argv[3], "change") && argc == 6 && atoi(argv[5]) > 0)
                change_rules(&bench, find_engine(argv[4]), atoi(argv[5]));
        else
                bw_lane_die("Cannot understand: %s", argv[3]);
        bw_nftables_free(bench.nftables);
        bw_config_free(bench.config);
        return 0;
}
