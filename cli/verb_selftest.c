/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * "selftest": do this machine's kernel and libraries, with the rules this program writes, stop what
 * they are to stop? Asked of real frames at real ports, in a namespace where nobody else is. The
 * daemon is not asked, its rules are not touched, and neither is the xtables lock.
 */

#include "command.h"
#include "trial.h"

#include <bw/error.h>
#include <stdio.h>

/* Which engines are on trial together, and what they are called then. */
typedef struct Lineup {
        const char *name;
        unsigned engines;
} Lineup;

static const Lineup lineups[] = {
        { "nftables", BW_ENGINE_BIT(BW_ENGINE_NFTABLES) },
        { "iptables", BW_ENGINE_BIT(BW_ENGINE_IPTABLES) },
        { "both", BW_ENGINE_ALL },
};

#define N_LINEUPS G_N_ELEMENTS(lineups)

typedef struct Report {
        char *missing[BW_ENGINE_MAX]; /* why the engine cannot be tried; NULL: it can */
        bool tried[N_LINEUPS];
        BwTrialResult results[N_LINEUPS];
} Report;

static void report_clear(Report *report) {
        for (BwEngineKind kind = BW_ENGINE_IPTABLES; kind < BW_ENGINE_MAX; kind++)
                g_free(report->missing[kind]);
        for (unsigned i = 0; i < N_LINEUPS; i++)
                bw_trial_result_clear(&report->results[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Report, report_clear)

static bool is_asked_for(const Line *line, const Lineup *lineup) {
        return line->engine == NULL || g_str_equal(line->engine, lineup->name);
}

static bool can(const Report *report, unsigned engines) {
        for (BwEngineKind kind = BW_ENGINE_IPTABLES; kind < BW_ENGINE_MAX; kind++)
                if (engines & BW_ENGINE_BIT(kind) && report->missing[kind] != NULL)
                        return false;
        return true;
}

static void look_for_engines(BwTrial *trial, Report *report) {
        for (BwEngineKind kind = BW_ENGINE_IPTABLES; kind < BW_ENGINE_MAX; kind++) {
                g_autoptr(GError) error = NULL;

                if (!bw_trial_can(trial, kind, &error))
                        report->missing[kind] = g_strdup(error->message);
        }
}

static bool try_all(const Line *line, Report *report, GError **error) {
        BwScene scene = bw_scene_new_joined();
        g_autoptr(BwTrial) trial = bw_trial_new(&scene, BW_STAGE_VETH, "", error);

        if (trial == NULL)
                return false;
        look_for_engines(trial, report);
        for (unsigned i = 0; i < N_LINEUPS; i++) {
                if (!is_asked_for(line, &lineups[i]) || !can(report, lineups[i].engines))
                        continue;
                if (!bw_trial_run(trial, lineups[i].engines, false, &report->results[i], error))
                        return false;
                report->tried[i] = true;
        }
        return true;
}

static bool is_any_tried(const Report *report) {
        for (unsigned i = 0; i < N_LINEUPS; i++)
                if (report->tried[i])
                        return true;
        return false;
}

static unsigned count_wrong(const Report *report) {
        unsigned wrong = 0;

        for (unsigned i = 0; i < N_LINEUPS; i++)
                wrong += report->results[i].wrong;
        return wrong;
}

/* Text */

static const char *word_of(const BwTrialRow *row) {
        if (row->verdicts == 0)
                return "-";
        return row->wrong == 0 ? "ok" : "FAIL";
}

/* "ok 142": so many different frames did what they had to. */
static void print_cell(const BwTrialRow *row) {
        g_autofree char *text = row->verdicts == 0
                                        ? g_strdup("-")
                                        : g_strdup_printf("%s %u", word_of(row), row->judged);

        printf(" %-12s", text);
}

static void print_row(const Report *report, const char *name, BwReason reason) {
        printf("%-20s", name);
        for (unsigned i = 0; i < N_LINEUPS; i++)
                if (report->tried[i])
                        print_cell(&report->results[i].rows[reason]);
        putchar('\n');
}

static void print_table(const Report *report) {
        printf("%-20s", "MUST BE STOPPED");
        for (unsigned i = 0; i < N_LINEUPS; i++)
                if (report->tried[i])
                        printf(" %-12s", lineups[i].name);
        putchar('\n');
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                print_row(report, bw_reason_name(reason), reason);
        puts("MUST GET THROUGH");
        print_row(report, "legal, watched", BW_REASON_NONE);
        putchar('\n');
}

static void print_total(const Lineup *lineup, const BwTrialResult *result) {
        printf("%s: %u hostile frames and %u legal ones, %u verdicts, %u wrong; %u hostile ones "
               "are not for it to see, and %u are carried by no bridge.\n",
               lineup->name, result->hostile, result->legal, result->verdicts, result->wrong,
               result->unseen, result->uncarried);
        for (guint i = 0; i < result->complaints->len; i++)
                printf("  %s\n", (const char *) result->complaints->pdata[i]);
}

static void print_text(const Report *report) {
        print_table(report);
        for (unsigned i = 0; i < N_LINEUPS; i++)
                if (report->tried[i])
                        print_total(&lineups[i], &report->results[i]);
        for (BwEngineKind kind = BW_ENGINE_IPTABLES; kind < BW_ENGINE_MAX; kind++)
                if (report->missing[kind] != NULL)
                        printf("%s was not tried: %s.\n", bw_engine_name(kind),
                               report->missing[kind]);
        puts(count_wrong(report) == 0 ? "The guard does what it promises on this machine."
                                      : "FAIL: the guard does not do what it promises here.");
}

/* JSON */

static JsonObject *json_of_row(const BwTrialRow *row) {
        JsonObject *object = json_object_new();

        json_object_set_int_member(object, "Frames", row->judged);
        json_object_set_int_member(object, "Verdicts", row->verdicts);
        json_object_set_int_member(object, "Wrong", row->wrong);
        json_object_set_int_member(object, "NotSeen", row->unseen);
        return object;
}

static JsonObject *json_of_result(const BwTrialResult *result) {
        JsonObject *object = json_object_new(), *reasons = json_object_new();
        JsonArray *complaints = json_array_new();

        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                json_object_set_object_member(reasons, bw_reason_name(reason),
                                              json_of_row(&result->rows[reason]));
        for (guint i = 0; i < result->complaints->len; i++)
                json_array_add_string_element(complaints, result->complaints->pdata[i]);
        json_object_set_int_member(object, "Hostile", result->hostile);
        json_object_set_int_member(object, "Legal", result->legal);
        json_object_set_int_member(object, "Verdicts", result->verdicts);
        json_object_set_int_member(object, "Wrong", result->wrong);
        json_object_set_int_member(object, "NotSeen", result->unseen);
        json_object_set_object_member(object, "Stopped", reasons);
        json_object_set_object_member(object, "Passed", json_of_row(&result->rows[0]));
        json_object_set_array_member(object, "Complaints", complaints);
        return object;
}

static void print_json(const Report *report) {
        JsonObject *answer = json_object_new(), *engines = json_object_new();
        JsonObject *missing = json_object_new();

        for (unsigned i = 0; i < N_LINEUPS; i++)
                if (report->tried[i])
                        json_object_set_object_member(engines, lineups[i].name,
                                                      json_of_result(&report->results[i]));
        for (BwEngineKind kind = BW_ENGINE_IPTABLES; kind < BW_ENGINE_MAX; kind++)
                if (report->missing[kind] != NULL)
                        json_object_set_string_member(missing, bw_engine_name(kind),
                                                      report->missing[kind]);
        json_object_set_boolean_member(answer, "ok", count_wrong(report) == 0);
        json_object_set_object_member(answer, "Engines", engines);
        json_object_set_object_member(answer, "NotTried", missing);
        bw_command_print_json(bw_command_node_of_object(answer));
        json_object_unref(answer);
}

/* The verb */

static Exit cannot_start(const Line *line, const GError *error) {
        g_autofree char *sentence =
                g_error_matches(error, BW_ERROR, BW_ERROR_DENIED)
                        ? g_strdup_printf("selftest needs root, to make a network of its own (%s)",
                                          error->message)
                        : g_strdup_printf("selftest cannot run here: %s", error->message);

        return bw_command_fail(line, EXIT_REFUSED, sentence);
}

static Exit nothing_to_try(const Line *line, const Report *report) {
        GString *sentence = g_string_new("selftest found no engine to try");
        g_autofree char *text = NULL;

        for (BwEngineKind kind = BW_ENGINE_IPTABLES; kind < BW_ENGINE_MAX; kind++)
                if (report->missing[kind] != NULL)
                        g_string_append_printf(sentence, "; %s: %s", bw_engine_name(kind),
                                               report->missing[kind]);
        text = g_string_free(sentence, FALSE);
        return bw_command_fail(line, EXIT_REFUSED, text);
}

static bool is_lineup(const char *name) {
        for (unsigned i = 0; i < N_LINEUPS; i++)
                if (g_str_equal(name, lineups[i].name))
                        return true;
        return false;
}

Exit bw_verb_selftest(const Line *line) {
        g_autoptr(GError) error = NULL;
        g_auto(Report) report = {};

        if (line->engine != NULL && !is_lineup(line->engine))
                return bw_command_usage("selftest knows nftables, iptables and both, not",
                                        line->engine);
        if (!try_all(line, &report, &error))
                return cannot_start(line, error);
        if (!is_any_tried(&report))
                return nothing_to_try(line, &report);
        if (line->json)
                print_json(&report);
        else
                print_text(&report);
        return count_wrong(&report) == 0 ? EXIT_FINE : EXIT_NOT_FINE;
}
